/*
 * info/libclang.c - see libclang.h.
 */
#include "info/libclang.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Debian 12's first: its answers are those that the packs were made with. */
static const char *const names[] = {
	"libclang-14.so.1", "libclang.so.1",    "libclang-16.so.1", "libclang-19.so.1",
	"libclang-15.so.1", "libclang-17.so.1", "libclang-18.so.1", "libclang.so",
};

struct entry {
	const char *name;
	size_t offset;
};

static const struct entry entries[] = {
#define LIBCLANG_ENTRY(ret, name, args) { "clang_" #name, offsetof(struct libclang, name) },
	LIBCLANG_FUNCTIONS(LIBCLANG_ENTRY)
#undef LIBCLANG_ENTRY
};

static int fill(void *lib, const char *name, struct libclang *lc, struct diag *d)
{
	for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
		void *fn = dlsym(lib, entries[i].name);

		if (!fn)
			return diag_set(d, -ENOTSUP,
					"%s has no %s: install libclang1-14 (or newer)", name,
					entries[i].name);
		memcpy((char *)lc + entries[i].offset, &fn, sizeof(fn));
	}
	return 0;
}

int libclang_load(const struct libclang **out, struct diag *d)
{
	static struct libclang lc;
	static void *lib;
	size_t i;
	int err;

	if (!lib) {
		for (i = 0; i < ARRAY_LEN(names) && !lib; i++)
			lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
		if (!lib)
			return diag_set(d, -ENOTSUP,
					"headers are read by libclang, which is not installed: "
					"apt-get install libclang1-14");
		err = fill(lib, names[i - 1], &lc, d);
		if (err) {
			dlclose(lib);
			lib = NULL;
			return err;
		}
	}
	*out = &lc;
	return 0;
}

char *libclang_take(const struct libclang *lc, struct cx_string s)
{
	const char *text = lc->getCString(s);
	char *own = strdup(text ? text : "");

	lc->disposeString(s);
	return own;
}
