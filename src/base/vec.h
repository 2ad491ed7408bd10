/*
 * base/vec.h - a typed growable array in four macros.
 *
 *	struct { VEC(int); } v = { 0 };
 *	if (vec_push(&v, 7) < 0) ...          returns 0 or -ENOMEM
 *	for (size_t i = 0; i < v.n; i++) use(v.at[i]);
 *	vec_free(&v);
 *
 * Memory   grows by doubling; pointers into at[] die with the next push.
 * Context  [ctl]
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H

#include <errno.h>
#include <stdlib.h>

#define VEC(type) \
	type *at; \
	size_t n, cap

int vec_grow(void **at, size_t *cap, size_t need, size_t elem);

#define vec_reserve(v, more) \
	vec_grow((void **)&(v)->at, &(v)->cap, (v)->n + (more), sizeof(*(v)->at))

#define vec_push(v, value) (vec_reserve((v), 1) < 0 ? -ENOMEM : ((v)->at[(v)->n++] = (value), 0))

#define vec_free(v) \
	do { \
		free((v)->at); \
		(v)->at = NULL; \
		(v)->n = 0; \
		(v)->cap = 0; \
	} while (0)

#endif
