/* context.h - what context.c, its program body and context_wide.c share. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

/* One call: what the programs shall do, and what they saw. */
struct context_seen {
	bool sets, overrides;
	uint64_t given;
	uint8_t value[64];
	uint32_t size;
	unsigned result, nresults; /* slots */
	uint64_t arg[8], ret[8];   /* at entry, at exit */
	uint64_t got_arg, got_ret;
	int64_t arg_err, ret_err, said;
};

extern struct context_seen context_seen;

/* TYPE NAME(TYPE), which returns what it is passed, and its caller. */
#define ALONE __attribute__((noinline)) /* and called by pointers only */
#define VALUE_OF(linkage, name, type, ...) \
	ALONE linkage type name(type v) \
	{ \
		__asm__ volatile(""); \
		return v; \
	} \
	ALONE linkage void call_##name(void *fn, void *out) \
	{ \
		type v = __VA_ARGS__; \
		type r = ((type(*)(type))fn)(v); \
\
		memcpy(out, &r, sizeof(r)); \
	}
#define VALUE(name, type, ...) VALUE_OF(static, name, type, __VA_ARGS__)

/* context_wide.c: clang passes them in memory unless the whole file is compiled for AVX. */
typedef float v256 __attribute__((vector_size(32)));
typedef float v512 __attribute__((vector_size(64)));

v256 f_v256(v256 v);
v512 f_v512(v512 v);
void call_f_v256(void *fn, void *out);
void call_f_v512(void *fn, void *out);

/* arg: enum tramp_kind */
uint64_t context_body(uint64_t *ctx, uint64_t arg);

#endif
