/*
 * late.c - a program that passes functions of libraries that it loads and unloads; with LATE
 * defined, such a library, whose only function is called so.
 */
#include <dlfcn.h>
#include <stdio.h>

#ifdef LATE
void LATE(int n);
void LATE(int n)
{
	__asm__ volatile("nop" : : "r"(n));
}
#else
typedef void (*handler)(int);

__attribute__((noinline)) void take(handler call)
{
	__asm__ volatile("nop\n\tnop\n\tnop\n\tnop\n\tnop" : : "r"(call) : "memory");
}

/* late LIBRARY NAME...: each line that comes is the leave to go on */
int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		void *lib = dlopen(argv[i], RTLD_NOW);

		if (!lib)
			return 1;
		take((handler)dlsym(lib, argv[i + 1]));
		if (getchar() == EOF)
			return 2;
		dlclose(lib);
	}
	return 0;
}
#endif
