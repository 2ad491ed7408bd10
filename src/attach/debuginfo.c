/*
 * attach/debuginfo.c - a module's separate debug file, and which DWARF counts; see modset.h.
 *
 * A file that is there and cannot be used is no error, as nobody asked for it: debug.why keeps
 * the reason for `check`.  One that the user gave is refused.
 */
#include "attach/modset.h"
#include "info/debugfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void say_why(struct amodule *m, const struct diag *why)
{
	if (!m->debug.why && why->text[0])
		m->debug.why = strdup(why->text);
}

void module_find_debug(struct amodule *m)
{
	struct diag why = { 0 };
	int err;

	if (m->debug.tried)
		return;
	m->debug.tried = true;
	err = debugfile_in_tree(m->obj, m->path, DEBUGFILE_TREE, &m->debug.path, &why);
	if (err == -ENOENT)
		err = debugfile_beside(m->obj, m->path, &m->debug.path, &why);
	if (!err)
		err = objfile_add_symbols(m->obj, m->debug.path, &why);
	if (err)
		say_why(m, &why);
}

static void use(struct amodule *m, struct dwarf_reader *dw)
{
	dwr_close(m->dwarf);
	m->dwarf = dw;
	m->tried_dwarf = true;
}

int module_give_debug(struct amodule *m, const char *path, struct diag *d)
{
	struct dwarf_reader *dw = NULL;
	char *copy = strdup(path);
	int err = copy ? dwr_open_separate(path, m->obj->path, &dw, d) : -ENOMEM;

	if (err == -ENOENT) /* symbols alone are of use */
		err = 0;
	if (!err && !(m->debug.path && !m->debug.given)) /* else of the same build: known */
		err = objfile_add_symbols(m->obj, path, d);
	if (err) {
		dwr_close(dw);
		free(copy);
		return err;
	}
	if (dw)
		use(m, dw);
	free(m->debug.path);
	m->debug.path = copy;
	m->debug.tried = m->debug.given = true;
	m->debug.in_use = dw != NULL;
	return 0;
}

void module_debug_fini(struct amodule *m)
{
	dwr_close(m->dwarf);
	free(m->debug.path);
	free(m->debug.why);
}

struct dwarf_reader *module_dwarf(struct amodule *m)
{
	struct diag why = { 0 };
	int err;

	if (m->tried_dwarf)
		return m->dwarf;
	m->tried_dwarf = true;
	err = dwr_open(m->obj->path, &m->dwarf, &why);
	if (err && err != -ENOENT)
		say_why(m, &why);
	if (!err)
		return m->dwarf;
	m->dwarf = NULL;
	module_find_debug(m);
	if (!m->debug.path)
		return NULL;
	err = dwr_open_separate(m->debug.path, m->obj->path, &m->dwarf, &why);
	if (err && err != -ENOENT)
		say_why(m, &why);
	m->debug.in_use = !err;
	return err ? m->dwarf = NULL : m->dwarf;
}
