/*
 * loaded.c LIBRARY - libutramp as a plugin: opened, used, closed, and again.  Prints its version twice.
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < 2; i++) {
		void *lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
		const char *(*version)(void) =
			lib ? (const char *(*)(void))dlsym(lib, "utramp_version") : NULL;

		if (!version) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
		puts(version());
		dlclose(lib);
	}
	return 0;
}
