/*
 * inject_wide.c - functions of inject_victim whose results are in ymm0 and zmm0.
 *
 * Compiled for AVX-512 as a whole.  What they are passed tells that such vectors are in registers
 * (model/vectors.h); a result alone would not.
 */
#include <stdio.h>

#ifdef __clang__
#define ALONE __attribute__((noinline, optnone))
#else
#define ALONE __attribute__((noipa))
#endif

typedef double vec4 __attribute__((vector_size(32)));
typedef int vec16 __attribute__((vector_size(64)));

void show_wide(void);

ALONE vec4 vector4(vec4 v)
{
	return v;
}

ALONE vec16 vector16(vec16 v)
{
	return v;
}

void show_wide(void)
{
	vec4 v = vector4((vec4){ 1, 1, 1, 1 });
	vec16 w = vector16((vec16){ 1 });

	printf("vector4 %g %g %g %g\nvector16 %d %d %d\n", v[0], v[1], v[2], v[3], w[0], w[1],
	       w[15]);
}
