/*
 * census.c - of all functions of files: which can be attached to, where, and why not.
 *
 *     census [-v] FILE...      a line of JSON for each; -v: a line for each refused function first
 *     census -r                the closed list of reasons: code, "entry" or "exit", text
 *
 * The road is `utramp list`'s: names and ranges, rules, sweep, site.  Types are not looked for,
 * as the size of stack arguments is taken as known: exit programs are refused by rules alone.
 * A function is an address that a symbol of type FUNC or IFUNC has, or where an FDE of one
 * begins (stripped files have no more); what no pattern means is none: start-up code, stubs of
 * the linker, parts of functions.
 *
 * A file that is no ELF file of this machine gives {"file","skipped"}.
 */
#include "attach/func.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_REFUSALS 64

struct count {
	unsigned long functions, entry, exit, site[SITE_HOP + 1], refused[MAX_REFUSALS];
	double seconds;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned index_of(const struct refusal *r)
{
	unsigned i = 0;

	while (refusal_at(i) && refusal_at(i) != r)
		i++;
	if (!refusal_at(i) || i >= MAX_REFUSALS) {
		fprintf(stderr, "census: a refusal that is not of the list\n");
		exit(1);
	}
	return i;
}

static void take(struct count *c, const struct func *f, const char *path, bool verbose)
{
	/* without types exit programs are refused last, for that: by rules they could be attached */
	bool exits = f->can_entry && (f->can_exit || f->refusal == &refusal_no_types);

	c->functions++;
	c->entry += f->can_entry;
	c->exit += exits;
	if (f->can_entry)
		c->site[f->site.kind]++;
	if (exits)
		return;
	c->refused[index_of(f->refusal)]++;
	if (verbose && !f->can_entry)
		printf("%s\t%#llx\t%s\t%s\t%s\n", path, (unsigned long long)f->addr, f->name,
		       f->refusal->code, f->reason);
}

/* What begins at addr, if it counts. */
static int look(struct modset *s, taddr_t addr, struct count *c, bool verbose)
{
	struct fspec at = { .is_addr = true, .addr = addr };
	struct func_list list = { 0 };
	struct diag d = { 0 };
	int err = func_resolve(s, &at, &list, &d);

	if (err == -ENOENT)
		return 0;
	if (!err && func_is_startup(list.at[0]->name)) {
		func_list_fini(&list);
		return 0;
	}
	if (!err)
		err = func_prepare_untyped(list.at[0], NULL, &d);
	if (!err)
		take(c, list.at[0], s->at[0]->path, verbose);
	else
		fprintf(stderr, "census: %s: %#llx: %s\n", s->at[0]->path, (unsigned long long)addr,
			diag_text(&d, err));
	/* its padding stays taken: all functions are attached at once */
	func_list_fini(&list);
	return err;
}

/* Symbols and FDEs are sorted by address: merge them. */
static int look_at_all(struct modset *s, struct count *c, bool verbose)
{
	struct amodule *m = s->at[0];
	unsigned i = 0, k = 0;
	taddr_t last = 0;
	bool any = false;
	int err = 0;

	module_find_debug(m);
	while (!err && (i < m->obj->nsym || k < m->obj->nfde)) {
		bool sym = k == m->obj->nfde ||
			   (i < m->obj->nsym && m->obj->sym[i].addr <= m->obj->fde[k].lo);
		taddr_t addr = sym ? m->obj->sym[i].addr : m->obj->fde[k].lo;
		bool is_func = !sym || func_symbol(&m->obj->sym[i]);

		if (sym)
			i++;
		else
			k++;
		if (!is_func || (any && addr == last))
			continue;
		any = true;
		last = addr;
		err = look(s, addr, c, verbose);
	}
	return err;
}

static void print_count(const char *path, const struct count *c)
{
	struct json w;

	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "file");
	json_str(&w, path);
	json_key(&w, "functions");
	json_u64(&w, c->functions);
	json_key(&w, "entry");
	json_u64(&w, c->entry);
	json_key(&w, "exit");
	json_u64(&w, c->exit);
	for (unsigned k = SITE_NOP; k <= SITE_HOP; k++) {
		json_key(&w, site_kind_text((enum site_kind)k));
		json_u64(&w, c->site[k]);
	}
	json_key(&w, "refused");
	json_open(&w, '{');
	for (unsigned i = 0; refusal_at(i); i++) {
		if (!c->refused[i])
			continue;
		json_key(&w, refusal_at(i)->code);
		json_u64(&w, c->refused[i]);
	}
	json_close(&w, '}');
	json_key(&w, "ms");
	json_u64(&w, (uint64_t)(c->seconds * 1e3));
	json_close(&w, '}');
	printf("%s\n", w.buf);
	json_fini(&w);
}

static int census(const char *path, bool verbose)
{
	struct modset *s = NULL;
	struct count c = { .seconds = now() };
	struct diag d = { 0 };
	int err = modset_new(&s);

	if (err)
		return err;
	err = modset_add_file(s, path, &d);
	if (err) {
		struct json w;

		json_init(&w);
		json_open(&w, '{');
		json_key(&w, "file");
		json_str(&w, path);
		json_key(&w, "skipped");
		json_str(&w, diag_text(&d, err));
		json_close(&w, '}');
		printf("%s\n", w.buf);
		json_fini(&w);
		modset_free(s);
		return 0;
	}
	err = look_at_all(s, &c, verbose);
	modset_free(s);
	c.seconds = now() - c.seconds;
	if (!err)
		print_count(path, &c);
	return err;
}

int main(int argc, char **argv)
{
	bool verbose = argc > 1 && !strcmp(argv[1], "-v");
	int err = 0;

	if (argc > 1 && !strcmp(argv[1], "-r")) {
		for (unsigned i = 0; refusal_at(i); i++)
			printf("%s\t%s\t%s\n", refusal_at(i)->code,
			       refusal_at(i)->entry ? "entry" : "exit", refusal_at(i)->text);
		return 0;
	}
	for (int i = 1 + verbose; i < argc; i++) {
		err |= census(argv[i], verbose);
		fflush(stdout);
	}
	return err != 0;
}
