/*
 * info/dwarf_alt.c - the file that dwz has moved DWARF into, which several debug files share.
 *
 * libdw opens it where .gnu_debugaltlink says: an absolute path below the tree that the packages
 * are installed to, mostly /usr/lib/debug/.dwz/.  Where such a tree was unpacked elsewhere, it is
 * at the same place in that tree, and its build-id tells that it is the right one.
 *
 * Errors   -EBADMSG it is not there (diag)
 * Context  [ctl]
 * Spec     gdb manual, "Separate Debug Files"; dwz(1)
 */
#include "info/dwarf_priv.h"

#include "base/cleanup.h"
#include "info/debugfile.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where trees of debug files keep what is shared. */
#define SHARED "/.dwz/"

static bool is_it(const char *path, const void *id, size_t n)
{
	struct debugfile f;
	struct diag d;

	return access(path, F_OK) == 0 && debugfile_read(path, &f, &d) == 0 &&
	       f.build_id_len == n && !memcmp(f.build_id, id, n);
}

/* The file called name in a tree that path is in: the innermost that has it; NULL: none. */
static char *in_tree_of(const char *path, const char *name, const void *id, size_t n)
{
	const char *in_tree = strstr(name, SHARED);
	_free_ char *dir = realpath(path, NULL);
	char *end, *out;

	while (dir && in_tree && (end = strrchr(dir, '/'))) {
		*end = '\0';
		if (asprintf(&out, "%s%s", dir, in_tree) < 0)
			return NULL;
		if (is_it(out, id, n))
			return out;
		free(out);
	}
	return NULL;
}

int dwr_find_shared(Dwarf *dw, const char *path, char **out, struct diag *d)
{
	const char *name;
	const void *id;
	ssize_t n;

	*out = NULL;
	n = dwelf_dwarf_gnu_debugaltlink(dw, &name, &id);
	if (n <= 0 || dwarf_getalt(dw)) /* a damaged link: what refers to it says so */
		return 0;
	*out = in_tree_of(path, name, id, (size_t)n);
	if (*out)
		return 0;
	return diag_set(d, -EBADMSG,
			"%s: part of its DWARF is in %s, which is not there: install that too "
			"(it comes in the same package), or unpack the whole package in one place",
			path, name);
}
