/*
 * info/demangle.c - see demangle.h.
 */
#include "info/demangle.h"
#include "info/cxxname.h"

#include <dlfcn.h>
#include <stddef.h>

typedef char *(*cxa_demangle)(const char *name, char *buf, size_t *n, int *status);

static cxa_demangle find(void)
{
	void *lib = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

	return lib ? (cxa_demangle)dlsym(lib, "__cxa_demangle") : NULL;
}

char *demangle(const char *mangled)
{
	static cxa_demangle fn;
	static int tried;
	int status = 0;

	if (mangled[0] != '_' || mangled[1] != 'Z')
		return NULL;
	if (!tried) {
		fn = find();
		tried = 1;
	}
	return fn ? fn(mangled, NULL, NULL, &status) : NULL;
}

char *demangle_short(const char *mangled)
{
	char *text = demangle(mangled);

	if (text)
		cxx_name_shorten(text);
	return text;
}
