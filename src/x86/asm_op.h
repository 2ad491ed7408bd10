/*
 * x86/asm_op.h - from an opcode and its operands to bytes; private to the assembler.
 *
 * One instruction is: legacy prefixes, REX, escape 0x0f, opcode, ModRM, SIB,
 * displacement, immediate (SDM vol. 2A 2.1, 2.2.1).  op_*() write all but the
 * immediate, which the caller puts behind.
 *
 * Errors   sticky, as in x86/asm.h.
 * Context  [ctl]
 */
#ifndef X86_ASM_OP_H
#define X86_ASM_OP_H

#include "x86/asm.h"

struct op {
	uint8_t lock;   /* 0xf0 or 0 */
	uint8_t prefix; /* 0x64, 0x66, 0xf2, 0xf3 or 0 */
	uint8_t escape; /* 0x0f or 0 */
	uint8_t byte;
	bool rex_w;             /* 64-bit operand */
	bool byte_reg, byte_rm; /* this operand is a byte register: spl..dil need a REX */
};

/* clang-format off */
#define OP(b)       ((struct op){ .byte = (b) })
#define OP_Q(b)     ((struct op){ .byte = (b), .rex_w = true })
#define OP_0F(b)    ((struct op){ .escape = 0x0f, .byte = (b) })
#define OP_66_0F(b) ((struct op){ .prefix = 0x66, .escape = 0x0f, .byte = (b) })
#define OP_F3_0F(b) ((struct op){ .prefix = 0xf3, .escape = 0x0f, .byte = (b) })
/* clang-format on */

/* Put the low n bytes of v, n <= 8. */
void op_put(struct x86_asm *a, uint64_t v, unsigned n);

/* Put a rel32 that x86_asm_finish() fills in. */
void op_fixup(struct x86_asm *a, x86_label to);

/* Put a rel32 to pc; it is the last field of its instruction. */
void op_rel32(struct x86_asm *a, uint64_t pc);

/*
 * opcode is that of the 16-, 32- and 64-bit forms; the byte form is the even
 * opcode before it.  byte_reg and byte_rm are left to the caller.
 */
struct op op_width(struct x86_asm *a, struct op op, enum x86_width w);

/* Register in the opcode's low three bits. */
void op_plus(struct x86_asm *a, struct op op, enum x86_gpr r);

/* ModRM with two registers; reg may also be an opcode's /digit. */
void op_reg(struct x86_asm *a, struct op op, unsigned reg, unsigned rm);

/* ModRM with a register (or /digit) and memory. */
void op_mem(struct x86_asm *a, struct op op, unsigned reg, struct x86_mem m);

/* The same of a ymm or zmm register, by VEX or EVEX (SDM vol. 2A 2.3, 2.7). */
void op_vector(struct x86_asm *a, uint8_t byte, unsigned reg, struct x86_mem m, bool zmm);

/* ModRM with a register (or /digit) and [rip + rel32]; the rel32 is left to the caller. */
void op_rip(struct x86_asm *a, struct op op, unsigned reg);

/* An immediate of an operand of width w: 1, 2, 4 or (for 64 bits) 4 bytes. */
void op_imm(struct x86_asm *a, enum x86_width w, int32_t imm);

#endif
