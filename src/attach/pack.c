/*
 * attach/pack.c - see pack.h.
 *
 * The SONAME comes from a file that may be hostile: as a path it is one name, no more.
 *
 * Context  [ctl]
 */
#include "attach/pack.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef UTRAMP_DATADIR
#define UTRAMP_DATADIR "/usr/share"
#endif

/* dir/SONAME.btf, if it is there. */
static char *pack_in(const char *dir, size_t n, const char *soname)
{
	char *path = NULL, *real;

	if (!n || asprintf(&path, "%.*s/%s.btf", (int)n, dir, soname) < 0)
		return NULL;
	real = realpath(path, NULL);
	free(path);
	return real;
}

static char *in_list(const char *list, const char *soname)
{
	char *found = NULL;

	while (list && *list && !found) {
		size_t n = strcspn(list, ":");

		found = pack_in(list, n, soname);
		list += n + (list[n] == ':');
	}
	return found;
}

/* Where the tool lies decides: it may be run from where it was built, or installed anywhere. */
static char *beside_executable(const char *soname)
{
	char dir[PATH_MAX + 32];
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX);
	char *end;

	if (n <= 0)
		return NULL;
	dir[n] = '\0';
	end = strrchr(dir, '/');
	if (!end)
		return NULL;
	strcpy(end, "/../share/utramp/btf");
	return pack_in(dir, strlen(dir), soname);
}

static char *find(const char *soname)
{
	static const char data[] = UTRAMP_DATADIR "/utramp/btf";
	char *path = in_list(getenv("UTRAMP_BTF_PATH"), soname);

	if (!path)
		path = beside_executable(soname);
	return path ? path : pack_in(data, strlen(data), soname);
}

struct btf_reader *module_pack(struct amodule *m)
{
	const char *soname = m->obj->soname;
	struct diag why = { 0 };

	if (m->tried_pack)
		return m->pack;
	m->tried_pack = true;
	if (!soname || !*soname || strchr(soname, '/'))
		return NULL;
	m->pack_path = find(soname);
	if (m->pack_path && btfr_open(m->pack_path, &m->pack, &why) != 0) {
		m->pack = NULL;
		m->pack_why = strdup(why.text);
	}
	return m->pack;
}

/* An old version of a function may have had other parameters than headers give it now. */
bool pack_may_tell(const struct amodule *m, const char *symbol, taddr_t addr)
{
	const struct objsym *s = objfile_sym(m->obj, symbol);

	return s && s->addr == addr && s->dynamic && s->global &&
	       (!s->version || s->default_version);
}
