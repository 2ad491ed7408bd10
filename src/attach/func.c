/*
 * attach/func.c - resolve specifications to functions; see func.h.
 */
#include "attach/func.h"
#include "attach/nearest.h"
#include "attach/policy.h"
#include "info/cxxname.h"
#include "info/demangle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void func_free(struct func *f)
{
	if (!f)
		return;
	func_model_free(f->model);
	free(f->aliases);
	free(f->reason);
	free(f->types_why);
	free(f);
}

void func_list_fini(struct func_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		func_free(l->at[i]);
	vec_free(l);
}

bool func_is_startup(const char *name)
{
	static const char *const list[] = {
		"_start",
		"_init",
		"_fini",
		"deregister_tm_clones",
		"register_tm_clones",
		"__do_global_dtors_aux",
		"frame_dummy",
		"_dl_relocate_static_pie",
		"__libc_csu_init",
		"__libc_csu_fini",
		"__restore_rt",
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (!strcmp(name, list[i]))
			return true;
	}
	return strstr(name, "@plt") != NULL || policy_is_fragment(name);
}

bool func_symbol(const struct objsym *sym)
{
	return sym->type == OBJSYM_FUNC || sym->type == OBJSYM_IFUNC;
}

/* Is name one of a ", "-separated list? */
static bool has_alias(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += n) {
		bool begins = at == list || at[-1] == ' ';

		if (begins && (!at[n] || at[n] == ','))
			return true;
	}
	return false;
}

static int add_alias(struct func *f, const char *name)
{
	char *text;

	if (!strcmp(f->name, name))
		return 0;
	if (!f->aliases) {
		f->aliases = strdup(name);
		return f->aliases ? 0 : -ENOMEM;
	}
	if (has_alias(f->aliases, name)) /* .symtab and .dynsym both have it, as a rule */
		return 0;
	if (asprintf(&text, "%s, %s", f->aliases, name) < 0)
		return -ENOMEM;
	free(f->aliases);
	f->aliases = text;
	return 0;
}

/*
 * The other names of the address, which are the same function: asked for or not.  One of
 * them says that it is an IFUNC's resolver, whose own name is an ordinary function's.
 */
static int add_aliases(struct func *f)
{
	const struct objsym *s = objfile_sym_at(f->mod->obj, f->addr);
	const struct objsym *end = f->mod->obj->sym + f->mod->obj->nsym;
	int err = 0;

	for (; !err && s && s < end && s->addr == f->addr; s++) {
		f->ifunc |= s->type == OBJSYM_IFUNC;
		if (func_symbol(s))
			err = add_alias(f, s->name);
	}
	return err;
}

static int func_new(struct amodule *m, const char *name, taddr_t addr, bool ifunc,
		    struct func_list *out)
{
	struct func *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->mod = m;
	f->name = name;
	f->addr = addr;
	f->ifunc = ifunc;
	if (!objfile_func_extent(m->obj, addr, &f->range))
		f->range = (struct taddr_range){ addr, addr };
	if (add_aliases(f) < 0 || vec_push(out, f) < 0) {
		func_free(f);
		return -ENOMEM;
	}
	return 0;
}

int func_exported(struct amodule *m, const char *name, struct func **out, struct diag *d)
{
	const struct objsym *s = objfile_sym(m->obj, name);
	struct func_list one = { 0 };
	int err;

	if (!s || !s->dynamic || s->type != OBJSYM_FUNC)
		return diag_set(d, -ENOENT, "%s has no function %s", m->shown, name);
	err = func_new(m, s->name, s->addr, false, &one);
	if (!err)
		*out = one.at[0];
	vec_free(&one);
	return err;
}

/* All names of an address are one function: the first that matched names it. */
static int add_match(struct amodule *m, const struct objsym *sym, struct func_list *out)
{
	struct func *last = out->n ? out->at[out->n - 1] : NULL;

	if (last && last->mod == m && last->addr == sym->addr)
		return 0;
	return func_new(m, sym->name, sym->addr, sym->type == OBJSYM_IFUNC, out);
}

static bool means_all(const struct fspec *spec)
{
	return spec->func_glob && !strcmp(spec->func, "*") && !spec->params;
}

static int match_symbols(struct modset *s, struct amodule *m, const struct fspec *spec,
			 struct func_list *out)
{
	bool pattern = spec->func_glob;
	int err = 0;

	for (unsigned i = 0; i < m->obj->nsym && !err; i++) {
		const struct objsym *sym = &m->obj->sym[i];
		char *human = NULL;

		if (!func_symbol(sym) || (pattern && func_is_startup(sym->name)))
			continue;
		/* each name of thousands would be read only to see that it is one */
		human = means_all(spec) ? NULL : demangle(sym->name);
		if (fspec_symbol_matches(spec, sym->name, sym->version, human))
			err = add_match(m, sym, out);
		free(human);
	}
	return err;
}

bool func_answers(const struct func *f, const struct fspec *spec)
{
	const struct objsym *s = objfile_sym_at(f->mod->obj, f->addr);
	const struct objsym *end = f->mod->obj->sym + f->mod->obj->nsym;
	bool found = false;

	if (!fspec_module_matches(spec, f->mod->path, f->mod->obj->soname))
		return false;
	if (spec->is_addr)
		return f->addr == spec->addr;
	for (; s && s < end && s->addr == f->addr && !found; s++) {
		char *human = demangle(s->name);

		found = func_symbol(s) && fspec_symbol_matches(spec, s->name, s->version, human);
		free(human);
	}
	return found;
}

/* Several addresses for one plain name: a library's old versions of it.  Keep the default. */
static void prefer_default(const struct fspec *spec, struct func_list *l, size_t from)
{
	const struct objsym *best;

	if (spec->func_glob || spec->version || spec->params || l->n - from < 2)
		return;
	best = objfile_sym(l->at[from]->mod->obj, spec->func);
	if (!best || !best->default_version)
		return;
	for (size_t i = from; i < l->n;) {
		if (l->at[i]->addr == best->addr || strcmp(l->at[i]->name, spec->func) != 0) {
			i++;
			continue;
		}
		func_free(l->at[i]);
		memmove(&l->at[i], &l->at[i + 1], (l->n - i - 1) * sizeof(l->at[0]));
		l->n--;
	}
}

static int match_addr(struct modset *s, struct amodule *m, const struct fspec *spec,
		      struct func_list *out, struct diag *d)
{
	const struct objsym *sym = objfile_sym_at(m->obj, spec->addr);
	struct taddr_range r;
	char name[32], *kept;

	if (sym && func_symbol(sym))
		return add_match(m, sym, out);
	if (!objfile_func_range(m->obj, spec->addr, &r) || r.lo != spec->addr)
		return diag_set(d, -ENOENT, "no function begins at %#llx in %s",
				(unsigned long long)spec->addr, m->path);
	snprintf(name, sizeof(name), "0x%llx", (unsigned long long)spec->addr);
	kept = (char *)(uintptr_t)ty_pool_str(s->pool, name);
	return kept ? func_new(m, kept, spec->addr, false, out) : -ENOMEM;
}

int func_resolve_in(struct modset *s, struct amodule *m, const struct fspec *spec,
		    struct func_list *out, struct diag *d)
{
	size_t from = out->n;
	int err;

	if (!fspec_module_matches(spec, m->path, m->obj->soname))
		return 0;
	module_find_debug(m);
	err = spec->is_addr ? match_addr(s, m, spec, out, d) : match_symbols(s, m, spec, out);
	if (!err)
		prefer_default(spec, out, from);
	return err;
}

int func_resolve(struct modset *s, const struct fspec *spec, struct func_list *out, struct diag *d)
{
	size_t before = out->n;
	int err = 0;

	for (size_t i = 0; i < s->n && !err; i++) {
		err = func_resolve_in(s, s->at[i], spec, out, d);
		if (out->n > before && !spec->module_glob)
			break; /* the first module that has it */
	}
	if (err)
		return err;
	return out->n > before ? 0 : nearest_to(s, spec, d);
}
