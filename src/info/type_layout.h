/*
 * info/type_layout.h - types while a reader builds them, and their sizes and alignments.
 *
 * For the readers in info/ only.  A reader makes nodes, joins them, and settles them when
 * all that one holds by value are filled; from then on it is a plain struct ty.
 *
 * Memory   nodes live in a struct ty_pool; every type that a node refers to is a node.
 * Context  [ctl]
 * Spec     psABI 3.1.2
 */
#ifndef INFO_TYPE_LAYOUT_H
#define INFO_TYPE_LAYOUT_H

#include "info/type.h"

struct ty_node {
	struct ty ty;          /* first: the struct ty * that others hold is this node */
	uint32_t forced_align; /* 0: none */
	uint8_t pointers;      /* steps through pointers from what was asked for */
	bool queued, filled, settled, settling;
};

/* The one node of void. */
extern const struct ty_node ty_void_node;

/* Size, alignment, TY_PACKED, TY_NONTRIVIAL and an enum's sign, as members tell them. */
void ty_settle(struct ty_node *n, unsigned depth);

/* Place of a bit-field that begins at bit at of its struct: from the storage unit (of unit
 * bytes) where it lies in one, else from its first byte. */
void ty_place_bits(struct ty_member *m, uint64_t at, uint64_t bits, uint64_t unit);

#endif
