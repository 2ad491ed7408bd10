/*
 * attach/spec.c - see spec.h.
 */
#include "attach/spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first ':' that is not half of '::', or NULL; parentheses of parameters end the search. */
static const char *separator(const char *s)
{
	for (; *s && *s != '('; s++) {
		if (*s != ':')
			continue;
		if (s[1] != ':')
			return s;
		s++;
	}
	return NULL;
}

static bool has_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

/* "operator*", "operator->*" and the like are names, not patterns. */
static bool is_operator(const char *s)
{
	const char *at = strstr(s, "operator");

	return at && (at == s || at[-1] == ':') && !isalnum((unsigned char)at[8]) && at[8] != '_' &&
	       at[8] != '\0';
}

static int parse_addr(const char *text, struct fspec *out, struct diag *d)
{
	char *end;

	errno = 0;
	out->addr = strtoull(text + 2, &end, 16);
	if (!isxdigit((unsigned char)text[2]) || *end || errno)
		return diag_set(d, -EINVAL, "'%s' is not an address: write 0x and hex digits",
				text);
	out->is_addr = true;
	return 0;
}

/* "name+0x10" asks for an instruction inside; a '+' of an operator name does not. */
static bool has_offset(const char *func)
{
	const char *plus = strrchr(func, '+');

	return plus && plus > func && isdigit((unsigned char)plus[1]);
}

static int parse_func(const char *text, struct fspec *out, struct diag *d)
{
	bool literal = *text == '=';
	char *at;

	text += literal;
	if (!*text)
		return diag_set(d, -EINVAL, "the function is missing: write [MODULE:]FUNCTION");
	if (has_offset(text))
		return diag_set(d, -ENOTSUP,
				"'%s': an offset into a function can only be probed by uprobe "
				"programs; fentry and fexit take the function's name",
				text);
	out->func = strdup(text);
	if (!out->func)
		return -ENOMEM;
	if (!literal && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return parse_addr(text, out, d);
	at = strchr(out->func, '(');
	if (at && at > out->func && !strstr(out->func, "operator()")) {
		out->params = strdup(at);
		if (!out->params)
			return -ENOMEM;
		*at = '\0';
	}
	at = strchr(out->func, '@');
	if (at && at > out->func) {
		*at++ = '\0';
		at += *at == '@';
		out->version = strdup(at);
		if (!out->version)
			return -ENOMEM;
	}
	out->func_glob = !literal && !is_operator(out->func) && has_glob(out->func);
	return 0;
}

int fspec_parse(const char *text, struct fspec *out, struct diag *d)
{
	struct fspec s = { 0 };
	const char *colon = separator(text);
	int err = 0;

	if (colon && colon > text) {
		s.module = strndup(text, (size_t)(colon - text));
		if (!s.module)
			return -ENOMEM;
		s.module_glob = has_glob(s.module);
	}
	err = parse_func(colon ? colon + 1 : text, &s, d);
	if (err) {
		fspec_fini(&s);
		return err;
	}
	*out = s;
	return 0;
}

void fspec_fini(struct fspec *s)
{
	free(s->module);
	free(s->func);
	free(s->version);
	free(s->params);
	*s = (struct fspec){ 0 };
}

bool glob_match(const char *p, const char *t)
{
	const char *star = NULL, *retry = NULL;

	while (*t) {
		if (*p == '*') {
			star = p++;
			retry = t;
		} else if (*p == '?' || *p == *t) {
			p++;
			t++;
		} else if (star) {
			p = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "libc" answers for libc.so.6 and libc-2.31.so, "libfoo.so" for libfoo.so.1. */
static bool short_name(const char *want, const char *name)
{
	size_t n = strlen(want);

	if (strncmp(want, name, n) != 0)
		return false;
	if (!strncmp(name + n, ".so", 3) && (!name[n + 3] || name[n + 3] == '.'))
		return true;
	if (name[n] == '-' && isdigit((unsigned char)name[n + 1]) && strstr(name + n, ".so"))
		return true;
	return n > 3 && !strcmp(want + n - 3, ".so") && name[n] == '.';
}

static bool same_path(const char *a, const char *b)
{
	char *ra, *rb;
	bool same;

	if (!strcmp(a, b))
		return true;
	ra = realpath(a, NULL);
	rb = realpath(b, NULL);
	same = ra && rb && !strcmp(ra, rb);
	free(ra);
	free(rb);
	return same;
}

bool fspec_module_matches(const struct fspec *s, const char *path, const char *soname)
{
	const char *base = base_name(path);

	if (!s->module)
		return true;
	if (strchr(s->module, '/'))
		return s->module_glob ? glob_match(s->module, path) : same_path(s->module, path);
	if (s->module_glob)
		return glob_match(s->module, base) || (soname && glob_match(s->module, soname));
	return !strcmp(s->module, base) || (soname && !strcmp(s->module, soname)) ||
	       short_name(s->module, base) || (soname && short_name(s->module, soname));
}

/* Where the parameter list of a demangled name begins: its last '(' at depth 0, templates aside. */
static size_t name_length(const char *demangled)
{
	const char *op = strstr(demangled, "operator()");
	const char *from = op ? op + 10 : demangled;
	int depth = 0;

	for (const char *c = from; *c; c++) {
		if (*c == '<')
			depth++;
		else if (*c == '>' && depth)
			depth--;
		else if (*c == '(' && !depth && strncmp(c, "(anonymous namespace)", 21) != 0)
			return (size_t)(c - demangled);
	}
	return strlen(demangled);
}

static bool demangled_matches(const struct fspec *s, const char *demangled)
{
	size_t n = name_length(demangled);
	char *name = strndup(demangled, n);
	bool ok;

	if (!name)
		return false;
	ok = s->func_glob ? glob_match(s->func, name) : !strcmp(s->func, name);
	free(name);
	return ok && (!s->params || !strcmp(s->params, demangled + n));
}

bool fspec_symbol_matches(const struct fspec *s, const char *mangled, const char *version,
			  const char *demangled)
{
	if (s->version && (!version || strcmp(s->version, version) != 0))
		return false;
	if (!s->params && (s->func_glob ? glob_match(s->func, mangled) : !strcmp(s->func, mangled)))
		return true;
	return demangled && demangled_matches(s, demangled);
}

#define DISTANCE_MAX 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment: Levenshtein with swaps of neighbours. */
unsigned name_distance(const char *a, const char *b)
{
	unsigned row[3][DISTANCE_MAX + 1];
	size_t na = strlen(a), nb = strlen(b);

	if (na > DISTANCE_MAX || nb > DISTANCE_MAX)
		return strcmp(a, b) ? DISTANCE_MAX : 0;
	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *cur = row[i % 3], *up = row[(i - 1) % 3], *upup = row[(i + 1) % 3];

		cur[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			cur[j] =
				min3(up[j] + 1, cur[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    upup[j - 2] + 1 < cur[j])
				cur[j] = upup[j - 2] + 1;
		}
	}
	return row[na % 3][nb];
}
