/* survive_rpath.c - a library that opens one which only its own RUNPATH finds. */
#include <dlfcn.h>

__attribute__((visibility("default"))) long t_rpath(long a, long b, long c, long d, long e, long f,
						    long g, long h);

long t_rpath(long a, long b, long c, long d, long e, long f, long g, long h)
{
	void *lib = dlopen("libsurvive_found.so", RTLD_NOW);
	long (*fn)(long) = lib ? (long (*)(long))dlsym(lib, "survive_found") : 0;
	long r = fn ? fn(41) : -1;

	if (lib)
		dlclose(lib);
	return r + a + b + c + d + e + f + g + h;
}
