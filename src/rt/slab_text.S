/*
 * rt/slab_text.S - the slab's room and shadow, and the FDE that unwinds the room.
 *
 * One FDE covers the whole room.  Its rules are DWARF expressions over the shadow byte of
 * the pc (x86/frame.h); s stands for that byte, D for SLAB_SHADOW_DISTANCE:
 *
 *   CFA       s & 0x80 ? rbp + 16 : rsp + 8 + 8 * (s & 0x3f)
 *   rbp       s & 0xc0 ? *(CFA - 16) : rbp
 *   rbx       (s & 0x81) == 0x81 ? *(CFA - 32) : rbx      r12 to r15: bits 2 to 0x10,
 *                                                         slots CFA - 40 to CFA - 64
 *   rip       *(CFA - 8)
 *
 * Each expression is written once below as bytes; labels give their lengths and branches.
 * A register rule starts with the CFA on the stack and yields a value
 * (DW_CFA_val_expression), since "unchanged" cannot be said as an address.
 *
 * Both sections are NOBITS here; tools/build-slab.py gives them their place, a hole, in
 * the file.
 *
 * Spec     DWARF 5 2.5 and 6.4.2; psABI figure 3.36 (register numbers)
 */
#include "slab.h"

#define DW_CFA_def_cfa_expression 0x0f
#define DW_CFA_val_expression     0x16
#define DW_OP_deref               0x06
#define DW_OP_const1u             0x08
#define DW_OP_const4u             0x0c
#define DW_OP_dup                 0x12
#define DW_OP_drop                0x13
#define DW_OP_and                 0x1a
#define DW_OP_minus               0x1c
#define DW_OP_plus                0x22
#define DW_OP_shl                 0x24
#define DW_OP_bra                 0x28
#define DW_OP_eq                  0x29
#define DW_OP_skip                0x2f
#define DW_OP_lit3                0x33
#define DW_OP_breg(n)             (0x70 + (n))
#define DW_OP_deref_size          0x94

/* s: 9 bytes */
#define STATE \
	DW_OP_breg(16), 0, DW_OP_const4u, (SLAB_SHADOW_DISTANCE & 0xff), \
		(SLAB_SHADOW_DISTANCE >> 8 & 0xff), (SLAB_SHADOW_DISTANCE >> 16 & 0xff), \
		(SLAB_SHADOW_DISTANCE >> 24 & 0xff), DW_OP_plus, DW_OP_deref_size, 1

/* s & 0x80 ? rbp + 16 : rsp + 8 + 8 * (s & 0x3f); branches count from behind themselves */
#define CFA_EXPR \
	STATE, DW_OP_dup, DW_OP_const1u, 0x80, DW_OP_and, DW_OP_bra, 11, 0, \
		DW_OP_const1u, 0x3f, DW_OP_and, DW_OP_lit3, DW_OP_shl, /* 5 */ \
		DW_OP_breg(7), 8, DW_OP_plus, DW_OP_skip, 3, 0,        /* 6 */ \
		DW_OP_drop, DW_OP_breg(6), 16                          /* 3 */
#define CFA_EXPR_LEN (10 + 7 + 11 + 3)

/* s & 0xc0 ? *(CFA - 16) : rbp */
#define RBP_EXPR \
	STATE, DW_OP_const1u, 0xc0, DW_OP_and, DW_OP_bra, 6, 0, \
		DW_OP_drop, DW_OP_breg(6), 0, DW_OP_skip, 4, 0, /* 6 */ \
		DW_OP_const1u, 16, DW_OP_minus, DW_OP_deref     /* 4 */
#define RBP_EXPR_LEN (10 + 6 + 6 + 4)

/* (s & m) == m ? *(CFA - off) : reg, with m = 0x80 | bit */
#define SAVED_EXPR(reg, bit, off) \
	STATE, DW_OP_const1u, (0x80 | (bit)), DW_OP_and, DW_OP_const1u, (0x80 | (bit)), DW_OP_eq, \
		DW_OP_bra, 6, 0, DW_OP_drop, DW_OP_breg(reg), 0, DW_OP_skip, 4, 0, \
		DW_OP_const1u, off, DW_OP_minus, DW_OP_deref
#define SAVED_EXPR_LEN (10 + 9 + 6 + 4)

	.section .room, "ax", @nobits
	.globl slab_text
	.hidden slab_text, rt_personality
	.type slab_text, @object
	.balign 4096
slab_text:
	.cfi_startproc simple
	.cfi_personality 0x1b, rt_personality
	.cfi_escape DW_CFA_def_cfa_expression, CFA_EXPR_LEN, CFA_EXPR
	.cfi_offset %rip, -8
	.cfi_escape DW_CFA_val_expression, 6, RBP_EXPR_LEN, RBP_EXPR
	.cfi_escape DW_CFA_val_expression, 3, SAVED_EXPR_LEN, SAVED_EXPR(3, 0x01, 32)
	.cfi_escape DW_CFA_val_expression, 12, SAVED_EXPR_LEN, SAVED_EXPR(12, 0x02, 40)
	.cfi_escape DW_CFA_val_expression, 13, SAVED_EXPR_LEN, SAVED_EXPR(13, 0x04, 48)
	.cfi_escape DW_CFA_val_expression, 14, SAVED_EXPR_LEN, SAVED_EXPR(14, 0x08, 56)
	.cfi_escape DW_CFA_val_expression, 15, SAVED_EXPR_LEN, SAVED_EXPR(15, 0x10, 64)
	.skip SLAB_CODE
	.cfi_endproc
	.size slab_text, SLAB_CODE

	.section .shadow, "a", @nobits
	.globl slab_shadow
	.hidden slab_shadow
	.type slab_shadow, @object
	.balign 4096
slab_shadow:
	.skip SLAB_CODE
	.size slab_shadow, SLAB_CODE

	.section .note.GNU-stack, "", @progbits
