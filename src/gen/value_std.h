/*
 * gen/value_std.h - strings and vectors of the C++ library, whose contents lie elsewhere.
 *
 * By the layout that debug information tells, under the names that libstdc++'s sources give the
 * members; those of another library (std::__1::), or of another layout, are structs like any.
 * Objects may be uninitialised or moved from: what they say is bounded and never believed.
 *
 * Memory   nothing is kept
 * Context  [ctl] private to gen/
 * Spec     libstdc++: bits/basic_string.h, bits/cow_string.h, string_view, bits/stl_vector.h
 */
#ifndef GEN_VALUE_STD_H
#define GEN_VALUE_STD_H

#include "gen/value.h"

enum std_kind { STD_NONE, STD_STRING, STD_COW_STRING, STD_VECTOR };

/* In front of the characters of a copy-on-write string: length, capacity, references. */
#define STD_COW_HEAD 24

struct std_class {
	uint8_t kind; /* enum std_kind */
	uint32_t ptr; /* offset in the object: the address of the contents */
	uint32_t len; /* offset: how many bytes (vectors: where they end); none in STD_COW_STRING */
	uint32_t local;  /* STD_STRING: offset of short strings' characters; 0: none */
	uint32_t nlocal; /* how many fit there */
	const struct ty *elem;
};

/* What t, stripped, is; STD_NONE: none of them. */
struct std_class std_class_of(const struct ty *t);

/* An object of t; false: it is none, or says nothing that can be true: show what it is made of. */
bool std_print(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n, unsigned depth);

#endif
