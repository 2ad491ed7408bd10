/*
 * model/ctypes.h - the C types that every x86-64 Linux program knows by name.
 *
 * char is signed, long and pointers have 8 bytes, wchar_t is int, long double is x87's.
 *
 * Memory   all nodes are static
 * Context  [ctl] any thread
 * Spec     psABI 3.1.2; names of C11, <stdint.h>, <stddef.h>, <sys/types.h>, <immintrin.h>
 */
#ifndef MODEL_CTYPES_H
#define MODEL_CTYPES_H

#include "info/type.h"

/* The words of a list of specifiers, in any order: "long unsigned int long". */
enum ctype_word {
	CW_VOID = 1 << 0,
	CW_CHAR = 1 << 1,
	CW_SHORT = 1 << 2,
	CW_INT = 1 << 3,
	CW_LONG = 1 << 4,
	CW_LONG2 = 1 << 5, /* the second "long" */
	CW_FLOAT = 1 << 6,
	CW_DOUBLE = 1 << 7,
	CW_SIGNED = 1 << 8,
	CW_UNSIGNED = 1 << 9,
	CW_BOOL = 1 << 10,
	CW_COMPLEX = 1 << 11,
	CW_INT128 = 1 << 12,
	CW_FLOAT128 = 1 << 13,
	CW_FLOAT16 = 1 << 14,
};

/* 0 if the word, of n characters, is none of these. */
unsigned ctype_word(const char *word, size_t n);

/* NULL: such words do not go together. */
const struct ty *ctype_of_words(unsigned words);

/* A typedef such as size_t, or NULL. */
const struct ty *ctype_named(const char *name, size_t n);

#endif
