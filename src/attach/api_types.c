/*
 * attach/api_types.c - the public functions of utramp/types.h.
 */
#include "attach/session.h"
#include "info/debugfile.h"
#include "utramp/types.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int utramp_target__add_btf(struct utramp_target *t, const char *module, const char *file)
{
	struct fspec s = { .module = (char *)(uintptr_t)module };
	struct diag *d = api_diag();
	bool known = false;
	int err;

	if (!t || !module || !file)
		return api_misuse("target, module or file");
	s.module_glob = strpbrk(module, "*?") != NULL;
	for (size_t i = 0; i < t->mods->n; i++)
		known |=
			fspec_module_matches(&s, t->mods->at[i]->path, t->mods->at[i]->obj->soname);
	if (!known)
		return api_return(
			diag_set(d, -ENOENT, "types of module '%s': there is none such", module));
	err = types_add_btf(&t->types, module, file, d);
	return api_return(err == -ENOENT ? -EBADMSG : err); /* the file's: the module is there */
}

/* A function of this name, or beginning at this address, is in the module. */
static bool has_function(struct amodule *m, const char *name)
{
	struct taddr_range r;
	taddr_t addr;

	module_find_debug(m);
	if (!types_proto_addr(name, &addr))
		return objfile_sym(m->obj, name) != NULL;
	return objfile_sym_at(m->obj, addr) ||
	       (objfile_func_range(m->obj, addr, &r) && r.lo == addr);
}

int utramp_target__add_proto(struct utramp_target *t, const char *proto)
{
	struct diag *d = api_diag();
	const char *name;
	int err;

	if (!t || !proto)
		return api_misuse("target or prototype");
	err = types_add_proto(&t->types, proto, d);
	if (err)
		return api_return(err);
	name = t->types.protos.at[t->types.protos.n - 1].name;
	for (size_t i = 0; i < t->mods->n; i++) {
		if (has_function(t->mods->at[i], name))
			return 0;
	}
	t->types.protos.n--;
	return api_return(
		diag_set(d, -ENOENT, "prototype of '%s': there is no such function", name));
}

/* -- debug files ------------------------------------------------------------------------------ */

/* "prog 1234..., libx.so.1 no build-id" */
static void list_ids(const struct utramp_target *t, char *out, size_t cap)
{
	char id[DEBUGFILE_ID_TEXT];
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < t->mods->n && n < cap; i++) {
		const struct amodule *m = t->mods->at[i];

		n += (size_t)snprintf(out + n, cap - n, "%s%s %s", i ? ", " : "", m->shown,
				      debugfile_id_text(m->obj->build_id, m->obj->build_id_len,
							id));
	}
}

/* One file, of the module that has its build-id. */
static int add_file(struct utramp_target *t, const char *path, struct diag *d)
{
	char id[DEBUGFILE_ID_TEXT], ids[2048];
	struct debugfile f;
	int err = debugfile_read(path, &f, d);

	if (err)
		return err == -ENOENT ? err : err == -ENOMEM ? err : -EBADMSG;
	debugfile_id_text(f.build_id, f.build_id_len, id);
	for (size_t i = 0; i < t->mods->n; i++) {
		struct amodule *m = t->mods->at[i];

		if (!debugfile_is_of(&f, m->obj))
			continue;
		if (!f.dwarf && !f.symbols)
			return diag_set(d, -EBADMSG, "%s: neither DWARF nor symbols in this file",
					path);
		if (m->debug.given)
			return diag_set(d, -EINVAL, "%s: %s has a debug file already, %s", path,
					m->shown, m->debug.path);
		return module_give_debug(m, path, d);
	}
	list_ids(t, ids, sizeof(ids));
	return diag_set(d, -ENOENT, "%s is of no module here: its build-id is %s, theirs are: %s",
			path, f.build_id_len ? id : "missing", ids);
}

/* A tree like /usr/lib/debug: every module that has a file there. */
static int add_tree(struct utramp_target *t, const char *tree, struct diag *d)
{
	unsigned found = 0;

	for (size_t i = 0; i < t->mods->n; i++) {
		struct amodule *m = t->mods->at[i];
		char *path;
		int err;

		if (m->debug.given)
			continue;
		d->text[0] = '\0';
		err = debugfile_in_tree(m->obj, m->path, tree, &path, d);
		if (err == -ENOENT && !d->text[0])
			continue;
		if (!err) {
			err = module_give_debug(m, path, d);
			free(path);
		}
		if (err) /* a file that is there and of no use: the user asked for it */
			return err == -ENOMEM ? err : -EBADMSG;
		found++;
	}
	return found ? 0 :
		       diag_set(d, -ENOENT,
				"%s: no debug file of any module here, by build-id "
				"(.build-id/xx/yyyy.debug) or by .gnu_debuglink",
				tree);
}

int utramp_target__add_debuginfo(struct utramp_target *t, const char *path)
{
	struct diag *d = api_diag();
	struct stat st;
	int err;

	if (!t || !path)
		return api_misuse("target or path");
	if (stat(path, &st) < 0) /* the user's file: -ENOENT is for modules */
		return api_return(diag_set(d, -EBADMSG, "%s: %s", path, strerror(errno)));
	err = S_ISDIR(st.st_mode) ? add_tree(t, path, d) : add_file(t, path, d);
	t->types.generation += !err;
	return api_return(err);
}
