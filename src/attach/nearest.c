/*
 * attach/nearest.c - see nearest.h.
 */
#include "attach/nearest.h"
#include "attach/func.h"
#include "base/cleanup.h"
#include "info/cxxname.h"
#include "info/demangle.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST      3
#define NAME_MAX_LEN 160 /* longer ones are compared, and shown, so far */

enum { LETTER = 4, UNDERSCORE = 2, CASE = 1, BEGUN = 3, NAMESPACE = 2 };

/* -- how far apart -------------------------------------------------------------------------- */

static unsigned min2(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned letter(char c)
{
	return c == '_' ? UNDERSCORE : LETTER;
}

static unsigned change(char a, char b)
{
	if (a == b)
		return 0;
	return tolower((unsigned char)a) == tolower((unsigned char)b) ? CASE : LETTER;
}

/* Optimal string alignment (Levenshtein with swaps of neighbours), weighted. */
static unsigned alignment(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][NAME_MAX_LEN + 1];

	row[0][0] = 0;
	for (size_t j = 1; j <= nb; j++)
		row[0][j] = row[0][j - 1] + letter(b[j - 1]);
	for (size_t i = 1; i <= na; i++) {
		unsigned *cur = row[i % 3], *up = row[(i - 1) % 3], *upup = row[(i + 1) % 3];

		cur[0] = up[0] + letter(a[i - 1]);
		for (size_t j = 1; j <= nb; j++) {
			cur[j] = min2(min2(up[j] + letter(a[i - 1]), cur[j - 1] + letter(b[j - 1])),
				      up[j - 1] + change(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cur[j] = min2(cur[j], upup[j - 2] + LETTER);
		}
	}
	return row[na % 3][nb];
}

/* One name, no namespaces regarded. */
static unsigned cost(const char *want, size_t nw, const char *have, size_t nh)
{
	unsigned c;

	if (nw > NAME_MAX_LEN)
		nw = NAME_MAX_LEN;
	if (nh > NAME_MAX_LEN)
		nh = NAME_MAX_LEN;
	c = alignment(want, nw, have, nh);
	/* more changes than two in five letters: it only happens to share some */
	if (c > LETTER * 2 * (unsigned)(nw > nh ? nw : nh) / 5)
		c = NAME_FAR;
	if (nw >= 3 && nh > nw && !strncasecmp(want, have, nw))
		c = min2(c, BEGUN + (unsigned)(nh - nw) / 4 + alignment(want, nw, have, nw));
	return c;
}

/* Where the last part of a qualified name begins. */
static const char *last_part(const char *name, const char *end)
{
	const char *op_end, *op = cxx_name_operator(name, &op_end), *from = name;
	int depth = 0;

	for (const char *c = name; c < (op && op < end ? op : end); c++) {
		if (strchr("<([{", *c))
			depth++;
		else if (strchr(">)]}", *c))
			depth--;
		else if (!depth && c[0] == ':' && c[1] == ':')
			from = c + 2;
	}
	return from;
}

unsigned name_cost(const char *want, const char *have)
{
	struct cxx_name w, h;
	unsigned c = cost(want, strlen(want), have, strlen(have));
	const char *part;

	if (!c || !strstr(have, "::") || strstr(want, "::"))
		return c;
	cxx_name_split(want, &w);
	cxx_name_split(have, &h);
	part = last_part(h.name, h.params);
	return min2(c, NAMESPACE + cost(w.name, strlen(w.name), part, strlen(part)));
}

/* -- the three that are nearest ------------------------------------------------------------- */

struct near {
	char name[NAME_MAX_LEN + 4]; /* "": none */
	unsigned cost;
};

/* Nearest first, each once. */
static void note(struct near best[NEAREST], const char *name, size_t n, unsigned c)
{
	struct near cand = { .cost = c };

	if (c >= NAME_FAR)
		return;
	snprintf(cand.name, sizeof(cand.name), "%.*s%s", (int)min2((unsigned)n, NAME_MAX_LEN), name,
		 n > NAME_MAX_LEN ? "..." : "");
	for (int i = 0; i < NEAREST; i++) {
		if (!strcmp(best[i].name, cand.name))
			return;
		if (!best[i].name[0] || cand.cost < best[i].cost) {
			struct near t = best[i];

			best[i] = cand;
			cand = t;
			if (!cand.name[0])
				return;
		}
	}
}

/* Another version of the function is nearest of all. */
static bool note_version(struct near best[NEAREST], const struct objsym *sym,
			 const struct fspec *spec)
{
	char name[NAME_MAX_LEN];

	if (!spec->version || !sym->version || strcmp(sym->name, spec->func) != 0)
		return false;
	snprintf(name, sizeof(name), "%s@%s", sym->name, sym->version);
	note(best, name, strlen(name), 0);
	return true;
}

/* By the name that people write, unless they wrote a mangled one; parameters where they did. */
static void note_symbol(struct near best[NEAREST], const char *symbol, const struct fspec *spec)
{
	_free_ char *human = strncmp(spec->func, "_Z", 2) != 0 ? demangle_short(symbol) : NULL;
	_free_ char *name = NULL;
	struct cxx_name parts;
	unsigned c;
	size_t n;

	if (!human) {
		note(best, symbol, strlen(symbol), name_cost(spec->func, symbol));
		return;
	}
	cxx_name_split(human, &parts);
	n = (size_t)(parts.params - parts.name);
	name = strndup(parts.name, n);
	c = name ? name_cost(spec->func, name) : NAME_FAR;
	if (spec->params && c < NAME_FAR) { /* overloads: the likest first */
		size_t np = strlen(spec->params);

		c += alignment(spec->params, np < NAME_MAX_LEN ? np : NAME_MAX_LEN, parts.params,
			       min2((unsigned)parts.params_len, NAME_MAX_LEN)) /
		     LETTER;
		n += parts.params_len;
	}
	note(best, parts.name, n, c);
}

/* -- the words ------------------------------------------------------------------------------- */

struct text {
	char at[1024];
	size_t n;
};

static void put(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (t->n < sizeof(t->at))
		t->n += (size_t)vsnprintf(t->at + t->n, sizeof(t->at) - t->n, fmt, ap);
	va_end(ap);
}

static void put_nearest(struct text *t, const struct near best[NEAREST])
{
	for (int i = 0; i < NEAREST && best[i].name[0]; i++)
		put(t, "%s%s", i ? ", " : "; nearest: ", best[i].name);
}

static int no_module(const struct modset *s, const struct fspec *spec, struct diag *d)
{
	struct near best[NEAREST] = { 0 };
	struct text t = { "", 0 };

	for (size_t i = 0; i < s->n; i++) {
		const char *shown = s->at[i]->shown, *so = strstr(shown, ".so");
		_free_ char *name = NULL;
		size_t n =
			so && !strstr(spec->module, ".so") ? (size_t)(so - shown) : strlen(shown);

		name = strndup(shown, n);
		if (name)
			note(best, shown, n, name_cost(spec->module, name));
	}
	put_nearest(&t, best);
	for (size_t i = 0; i < s->n; i++)
		put(&t, "%s%s", i ? ", " : "; there are: ", s->at[i]->shown);
	return diag_set(d, -ENOENT, "no module '%s' in the target%s", spec->module, t.at);
}

static bool has(const struct amodule *m, const struct fspec *spec)
{
	bool found = false;

	for (unsigned i = 0; i < m->obj->nsym && !found; i++) {
		const struct objsym *sym = &m->obj->sym[i];
		_free_ char *human = NULL;

		if (!func_symbol(sym) || (spec->func_glob && func_is_startup(sym->name)))
			continue;
		human = demangle(sym->name);
		found = fspec_symbol_matches(spec, sym->name, sym->version, human);
	}
	return found;
}

/* The modules that were not asked. */
static bool put_elsewhere(struct text *t, struct modset *s, const struct fspec *spec)
{
	bool any = false;

	for (size_t i = 0; i < s->n && !spec->is_addr; i++) {
		struct amodule *m = s->at[i];

		if (fspec_module_matches(spec, m->path, m->obj->soname))
			continue;
		module_find_debug(m);
		if (!has(m, spec))
			continue;
		put(t, "%s%s", any ? ", " : "; it is in ", m->shown);
		any = true;
	}
	return any;
}

static bool is_stripped(const struct amodule *m)
{
	for (unsigned i = 0; i < m->obj->nsym; i++) {
		if (!m->obj->sym[i].dynamic)
			return false;
	}
	return true;
}

/* Of the one that was meant: that its own names are not known, and why. */
static void put_stripped(struct text *t, const struct amodule *m)
{
	if (is_stripped(m))
		put(t,
		    "; %s is stripped: name functions that it does not export by address, "
		    "0xADDR, or give --debuginfo FILE",
		    m->shown);
	if (m->debug.why)
		put(t, " (%s)", m->debug.why);
}

int nearest_to(struct modset *s, const struct fspec *spec, struct diag *d)
{
	struct text where = { "", 0 }, rest = { "", 0 };
	struct near best[NEAREST] = { 0 };
	const struct amodule *first = NULL;
	_free_ char *want = NULL;

	if (asprintf(&want, "%s%s", spec->func, spec->params ? spec->params : "") < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++) {
		const struct amodule *m = s->at[i];

		if (!fspec_module_matches(spec, m->path, m->obj->soname))
			continue;
		first = first ? first : m;
		put(&where, "%s%s", where.n ? ", " : "", m->shown);
		for (unsigned k = 0; k < m->obj->nsym; k++) {
			const struct objsym *sym = &m->obj->sym[k];

			if (!func_symbol(sym) || func_is_startup(sym->name))
				continue;
			if (!note_version(best, sym, spec))
				note_symbol(best, sym->name, spec);
		}
	}
	if (!first)
		return no_module(s, spec, d);
	if (!put_elsewhere(&rest, s, spec)) {
		put_nearest(&rest, best);
		if (!best[0].name[0] || best[0].cost > LETTER)
			put_stripped(&rest, first);
	}
	return diag_set(d, -ENOENT, "no function '%s%s%s' in %s%s", want, spec->version ? "@" : "",
			spec->version ? spec->version : "", where.at, rest.at);
}
