/*
 * A function whose parameters' places are written by hand, one form each: DW_OP_* in order of
 * tests/unit/info/places_test.c.  The types: 1 long, 2 int, 3 a struct of 16 bytes, 4 double.
 */
	.text
	.globl	f
	.type	f, @function
f:
	.rept	8
	ret
	.endr
f_end:
	.size	f, f_end - f

	.section .debug_abbrev, "", @progbits
abbrev:
	.macro attrs list:vararg
	.uleb128 \list
	.endm
	attrs 1, 0x11, 1        /* compile unit: children */
	attrs 0x13, 0x0b        /* language data1 */
	attrs 0x25, 0x08        /* producer string */
	attrs 0x11, 0x01        /* low_pc addr */
	attrs 0x12, 0x07        /* high_pc data8 */
	attrs 0, 0
	attrs 2, 0x24, 0        /* base type */
	attrs 0x0b, 0x0b        /* byte_size data1 */
	attrs 0x3e, 0x0b        /* encoding data1 */
	attrs 0x03, 0x08        /* name string */
	attrs 0, 0
	attrs 3, 0x13, 1        /* structure */
	attrs 0x03, 0x08
	attrs 0x0b, 0x0b
	attrs 0, 0
	attrs 4, 0x0d, 0        /* member */
	attrs 0x03, 0x08
	attrs 0x49, 0x13        /* type ref4 */
	attrs 0x38, 0x0b        /* data_member_location */
	attrs 0, 0
	attrs 5, 0x2e, 1        /* subprogram */
	attrs 0x03, 0x08
	attrs 0x3f, 0x19        /* external */
	attrs 0x27, 0x19        /* prototyped */
	attrs 0x11, 0x01
	attrs 0x12, 0x07
	attrs 0x40, 0x18        /* frame_base exprloc */
	attrs 0, 0
	attrs 6, 0x05, 0        /* formal parameter */
	attrs 0x49, 0x13
	attrs 0x02, 0x18        /* location exprloc */
	attrs 0, 0
	attrs 7, 0x05, 0
	attrs 0x49, 0x13
	attrs 0x1c, 0x0d        /* const_value sdata */
	attrs 0, 0
	attrs 8, 0x05, 0
	attrs 0x49, 0x13
	attrs 0x1c, 0x0a        /* const_value block1 */
	attrs 0, 0
	attrs 0

	.section .debug_info, "", @progbits
info:
	.long	info_end - info_begin
info_begin:
	.short	5
	.byte	1, 8            /* unit of code, addresses of 8 bytes */
	.long	abbrev
	.uleb128 1
	.byte	0x1d            /* C11 */
	.asciz	"by hand"
	.quad	f
	.quad	f_end - f
t1:
	.uleb128 2
	.byte	8, 5
	.asciz	"long"
t2:
	.uleb128 2
	.byte	4, 5
	.asciz	"int"
t4:
	.uleb128 2
	.byte	8, 4
	.asciz	"double"
t3:
	.uleb128 3
	.asciz	"two"
	.byte	16
	.uleb128 4
	.asciz	"a"
	.long	t1 - info
	.byte	0
	.uleb128 4
	.asciz	"b"
	.long	t4 - info
	.byte	8
	.byte	0
	.uleb128 5
	.asciz	"f"
	.quad	f
	.quad	f_end - f
	.uleb128 1
	.byte	0x9c            /* call_frame_cfa */
	.macro place type, bytes:vararg
	.uleb128 6
	.long	\type - info
	.uleb128 9001f - 9000f
9000:	.byte	\bytes
9001:
	.endm
	place t1, 0x55                                  /* 0: reg5 */
	place t1, 0x75, 0, 0x9f                         /* 1: breg5 0, stack_value */
	place t1, 0x75, 8, 0x9f                         /* 2: breg5 8, stack_value */
	place t1, 0x74, 0, 0x23, 16, 0x9f               /* 3: breg4 0, plus_uconst 16 */
	place t1, 0x74, 0, 0x33, 0x1c, 0x9f             /* 4: breg4 0, lit3, minus */
	place t1, 0xa3, 1, 0x51, 0x9f                   /* 5: entry_value (reg1) */
	place t1, 0x37, 0x9f                            /* 6: lit7 */
	place t2, 0x9e, 4, 1, 2, 3, 4                   /* 7: implicit_value of 4 bytes */
	place t3, 0x55, 0x93, 8, 0x61, 0x93, 8          /* 8: reg5 piece 8, reg17 piece 8 */
	place t3, 0x93, 8, 0x61, 0x93, 8                /* 9: piece 8, reg17 piece 8 */
	/* 10: the halves of breg5, piece 4 each */
	place t1, 0x75, 0, 0x0c, 255, 255, 255, 255, 0x1a, 0x9f, 0x93, 4, 0x75, 0, 0x8, 32, 0x25, 0x9f, 0x93, 4
	place t1, 0x91, 8                               /* 11: fbreg 8 */
	place t1, 0x91, 16, 0x06, 0x9f                  /* 12: fbreg 16, deref, stack_value */
	place t1, 0xa0, 0, 0, 0, 0, 0                   /* 13: implicit_pointer */
	place t1, 0x75, 0, 0x06, 0x9f                   /* 14: breg5 0, deref, stack_value */
	place t1, 0x50                                  /* 15: reg0 */
	place t1, 0x75, 0, 0x32, 0x24, 0x9f             /* 16: breg5 0, lit2, shl */
	place t2, 0x55, 0x93, 2, 0x54, 0x93, 2          /* 17: reg5 piece 2, reg4 piece 2 */
	.uleb128 6                                      /* 18: addr f + 5, stack_value */
	.long	t1 - info
	.uleb128 10
	.byte	0x03
	.quad	f + 5
	.byte	0x9f
	.uleb128 7                                      /* 19: const_value -5 */
	.long	t2 - info
	.sleb128 -5
	.uleb128 8                                      /* 20: const_value 2.0 */
	.long	t4 - info
	.byte	8, 0, 0, 0, 0, 0, 0, 0, 0x40
	place t3, 0x91, 0x78                            /* 21: fbreg -8 */
	place t1, 0xa3, 1, 0x50, 0x9f                   /* 22: entry_value (reg0) */
	.byte	0, 0
info_end:
	.section .note.GNU-stack, "", @progbits
