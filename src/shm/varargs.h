/*
 * shm/varargs.h - the unnamed arguments of a printf-like call, as rt_format_args() writes them
 * into a record and the control process reads them.
 *
 * One parser of formats, in rt/varargs.c: what a value is stands beside it, so the reader needs none.
 *
 * Layout   struct shm_varargs, then entries one behind the other, each a struct shm_vararg and
 *          what belongs to it, 8-byte aligned.
 * Context  both sides; the reader must not trust what it finds
 */
#ifndef SHM_VARARGS_H
#define SHM_VARARGS_H

#include <stdint.h>

enum shm_vararg_kind {
	SHM_VA_NONE,
	SHM_VA_INT, /* size bytes of value */
	SHM_VA_UINT,
	SHM_VA_CHAR,
	SHM_VA_DOUBLE,
	SHM_VA_LDOUBLE, /* value, and the rest in the next word */
	SHM_VA_PTR,
	SHM_VA_STR, /* value is the address; behind it what is there */
};

struct shm_vararg {
	uint8_t kind; /* enum shm_vararg_kind */
	uint8_t size; /* of an integer */
	uint8_t cut;  /* SHM_VA_STR: the string goes on behind the last byte but one */
	uint8_t unused;
	uint16_t bytes; /* of the whole entry, a multiple of 8 */
	int16_t got; /* SHM_VA_STR: bytes with the NUL; 0: NULL, not read; negative: not readable */
	uint64_t value;
};

struct shm_varargs {
	uint32_t bytes; /* of the entries */
	uint32_t more;  /* 1: there may be more that are not known or found no room */
};

/*
 * The words that rt_format_args() is given: what a function's entry found in its registers, and
 * the address of the first unnamed argument on the stack (psABI 3.2.3, 3.5.7).
 */
enum {
	SHM_VA_GPR = 0, /* rdi rsi rdx rcx r8 r9 */
	SHM_VA_RAX = 6, /* al: how many vector registers hold arguments, at most */
	SHM_VA_XMM = 7, /* the lower halves of xmm0 to xmm7 */
	SHM_VA_STACK = 15,
	SHM_VA_WORDS = 16,
};

enum {
	SHM_VA_SCANF = 1 << 0,   /* the format is scanf's: all are pointers */
	SHM_VA_VA_LIST = 1 << 1, /* the first word of the room is the address of a va_list */
};

/*
 * How: registers that named arguments have, SHM_VA_* above, bytes shown of strings (0: nothing), the
 * size of the format's buffer.
 */
#define SHM_VA_HOW(ngpr, nxmm, flags, strings, cap) \
	((uint64_t)(ngpr) | (uint64_t)(nxmm) << 8 | (uint64_t)(flags) << 16 | \
	 (uint64_t)(strings) << 24 | (uint64_t)(cap) << 40)

#endif
