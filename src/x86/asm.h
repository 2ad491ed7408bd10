/*
 * x86/asm.h - assemble x86-64 instructions into a caller's buffer.
 *
 * Knows instruction encodings, labels and code bytes, and writes beside each code
 * byte one "frame state" byte (x86/frame.h) for the unwinder.  Does not know BPF,
 * calling conventions, page protection or other processes.
 *
 * Units    lengths and offsets are bytes; a pc is a run-time address.
 * Errors   sticky.  Emit functions return nothing: the first error is kept in
 *          a->err and later calls do nothing.  Look once, at x86_asm_finish().
 *            -ENOSPC  the buffer is full
 *            -ENOMEM  no memory for the label or fixup table
 *            -ERANGE  a branch target is out of reach
 *            -EINVAL  the operand has no encoding, a label is bound twice or never
 *                     (a bug in the caller)
 * Memory   the buffers are the caller's; the label tables are the assembler's:
 *          x86_asm_finish() releases them, also after an error.  Code is encoded
 *          for pc0, so it may be written far from where it will run.
 * Context  [ctl] any thread; do not share one struct x86_asm.
 * Spec     Intel SDM vol. 2A 2.1-2.2 (ModRM, SIB, REX); opcode pages vol. 2A-2D.
 */
#ifndef X86_ASM_H
#define X86_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */

/* Values are the hardware register numbers. */
enum x86_gpr {
	RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
	R8,  R9,  R10, R11, R12, R13, R14, R15,
	X86_NO_REG,
};

enum x86_xmm {
	XMM0, XMM1, XMM2,  XMM3,  XMM4,  XMM5,  XMM6,  XMM7,
	XMM8, XMM9, XMM10, XMM11, XMM12, XMM13, XMM14, XMM15,
};

/* Operand width, as log2 of its bytes. */
enum x86_width { X86_B, X86_W, X86_D, X86_Q };

/* Values are the /digit of opcode group 1, then of group 2. */
enum x86_alu   { X86_ADD, X86_OR, X86_ADC, X86_SBB, X86_AND, X86_SUB, X86_XOR, X86_CMP };
enum x86_shift { X86_ROL, X86_ROR, X86_SHL = 4, X86_SHR = 5, X86_SAR = 7 };

/* Values are the low nibble of Jcc. */
enum x86_cc {
	X86_O, X86_NO, X86_C, X86_NC, X86_E,  X86_NE, X86_BE, X86_A,
	X86_S, X86_NS, X86_P, X86_NP, X86_LT, X86_GE, X86_LE, X86_GT,
};

/* clang-format on */

/* [base + index * scale + disp]; scale is 1, 2, 4 or 8. */
struct x86_mem {
	enum x86_gpr base, index;
	uint8_t scale;
	int32_t disp;
};

#define X86_MEM(base_, disp_) \
	((struct x86_mem){ .base = (base_), .index = X86_NO_REG, .scale = 1, .disp = (disp_) })

#define X86_MEM_IX(base_, index_, scale_, disp_) \
	((struct x86_mem){ .base = (base_), .index = (index_), .scale = (scale_), .disp = (disp_) })

typedef uint32_t x86_label;

struct x86_fixup {
	uint32_t at; /* offset of the rel32 field */
	x86_label to;
};

struct x86_asm {
	uint8_t *buf;
	uint8_t *frame; /* frame state per byte of buf, or NULL: not wanted */
	uint32_t len, cap;
	uint64_t pc0;        /* address buf[0] will have when it runs */
	int err;             /* 0, or the first error */
	uint8_t frame_state; /* written beside the next instruction's bytes */

	uint32_t *label_off; /* UINT32_MAX until bound */
	struct x86_fixup *fixup;
	uint32_t nlabels, cap_labels, nfixups, cap_fixups;
};

/* frame: cap bytes for the frame states, or NULL.  The first state is FRAME_CFA(0). */
void x86_asm_init(struct x86_asm *a, void *buf, void *frame, size_t cap, uint64_t pc0);

/* Resolve labels, release the tables.  Returns the length of the code, or the first error. */
int x86_asm_finish(struct x86_asm *a);

/* Keep err as the assembly's error, unless it has one already. */
void x86_fail(struct x86_asm *a, int err);

/* From here on instructions run in this state (x86/frame.h). */
void x86_frame(struct x86_asm *a, uint8_t state);

/*
 * The instruction from `start` (an offset in buf) to here is a load into dst that may fault: its
 * states tell (x86/frame.h, FRAME_FAULT).
 */
void x86_may_fault(struct x86_asm *a, uint32_t start, enum x86_gpr dst);

/* Address of the next byte. */
static inline uint64_t x86_pc(const struct x86_asm *a)
{
	return a->pc0 + a->len;
}

/* A label may be used before or after x86_bind(), but must be bound once if it is used. */
x86_label x86_label_new(struct x86_asm *a);
void x86_bind(struct x86_asm *a, x86_label l);

/* Raw bytes: moved instructions (x86/insn.h), data, padding.  Never hand-made opcodes. */
void x86_bytes(struct x86_asm *a, const void *p, size_t n);
void x86_int3_to(struct x86_asm *a, uint32_t align); /* pad until the pc is a multiple of align */
void x86_nop_to(struct x86_asm *a, uint32_t align);  /* the same with nops that may be run */

/*
 * Moves.  _rr register, _ri immediate; load/store name the memory side.  Loads
 * of B, W and D widths zero-extend to 64 bits, x86_load_sx sign-extends to 64.
 * mov_rr is 64-bit and emits nothing for dst == src; mov_rr32 always emits and
 * clears the upper half.
 */
void x86_mov_rr(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr src);
void x86_mov_rr32(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr src);
void x86_mov_ri(struct x86_asm *a, enum x86_gpr dst, uint64_t imm);   /* shortest form */
void x86_mov_ri64(struct x86_asm *a, enum x86_gpr dst, uint64_t imm); /* always movabs */
void x86_movzx_rr(struct x86_asm *a, enum x86_width from, enum x86_gpr dst, enum x86_gpr src);
void x86_movsx_rr(struct x86_asm *a, enum x86_width from, bool to64, enum x86_gpr dst,
		  enum x86_gpr src); /* to64 false: to 32 bits, upper half cleared */
void x86_load(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, struct x86_mem src);
void x86_load_sx(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, struct x86_mem src);
void x86_store(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src);
void x86_store_i(struct x86_asm *a, enum x86_width w, struct x86_mem dst, int32_t imm);
void x86_lea(struct x86_asm *a, enum x86_gpr dst, struct x86_mem src);
void x86_lea_pc(struct x86_asm *a, enum x86_gpr dst, uint64_t pc);  /* rip-relative; -ERANGE */
void x86_load_fs(struct x86_asm *a, enum x86_gpr dst, int32_t off); /* mov dst, fs:[off] */
void x86_load_fs32(struct x86_asm *a, enum x86_gpr dst, int32_t off);
/* mov fs:[off], src: the lower 32 bits */
void x86_store_fs32(struct x86_asm *a, int32_t off, enum x86_gpr src);
void x86_cmp_fs(struct x86_asm *a, enum x86_gpr r, int32_t off); /* cmp r, fs:[off] */
void x86_movups_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src);
void x86_movups_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
/* vmovups, 32 bytes by VEX (AVX), 64 by EVEX (AVX-512F); loads clear what lies above. */
void x86_ymm_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src);
void x86_ymm_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
void x86_zmm_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src);
void x86_zmm_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
void x86_movq_load(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src); /* upper half: 0 */
void x86_movq_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
void x86_movd_store(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
void x86_fstp_t(struct x86_asm *a, struct x86_mem dst); /* pops st0: 80 bits to memory */
void x86_fld_t(struct x86_asm *a, struct x86_mem src);
/* 512 bytes, aligned to 16: x87 and SSE, st0 at 32, st1 at 48.  Only stores (SDM vol. 1, 10.5). */
void x86_fxsave(struct x86_asm *a, struct x86_mem dst);
void x86_push(struct x86_asm *a, enum x86_gpr r);
void x86_push_i(struct x86_asm *a, int32_t imm); /* sign-extended to 64 bits */
void x86_push_m(struct x86_asm *a, struct x86_mem src);
void x86_pop(struct x86_asm *a, enum x86_gpr r);
void x86_xchg_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr r1, enum x86_gpr r2); /* D, Q */

/*
 * Arithmetic; w is X86_D (upper half of dst cleared) or X86_Q; immediates are
 * sign-extended, and cut for narrower operands.  The B and W forms exist wherever
 * the processor has them (bswap, imul and cmov lack some: -EINVAL) and leave the
 * rest of dst alone.
 */
void x86_alu_rr(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst,
		enum x86_gpr src);
void x86_alu_ri(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst,
		int32_t imm);
void x86_alu_rm(struct x86_asm *a, enum x86_alu op, enum x86_width w, enum x86_gpr dst,
		struct x86_mem src); /* w: B, W, D, Q */
void x86_alu_mr(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		enum x86_gpr src); /* w: B, W, D, Q */
void x86_alu_mi(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		int32_t imm); /* w: B, W, D, Q */
void x86_shift_ri(struct x86_asm *a, enum x86_shift op, enum x86_width w, enum x86_gpr dst,
		  uint8_t bits);
void x86_shift_cl(struct x86_asm *a, enum x86_shift op, enum x86_width w, enum x86_gpr dst);
void x86_ror16(struct x86_asm *a, enum x86_gpr dst, uint8_t bits); /* 16-bit operand */
void x86_neg(struct x86_asm *a, enum x86_width w, enum x86_gpr r);
void x86_not(struct x86_asm *a, enum x86_width w, enum x86_gpr r);
void x86_imul_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, enum x86_gpr src);
void x86_imul_rri(struct x86_asm *a, enum x86_width w, enum x86_gpr dst, enum x86_gpr src,
		  int32_t imm);
void x86_lsl(struct x86_asm *a, enum x86_gpr dst, enum x86_gpr selector); /* its segment's limit */
void x86_div(struct x86_asm *a, enum x86_width w, enum x86_gpr r);        /* rdx:rax / r */
void x86_idiv(struct x86_asm *a, enum x86_width w, enum x86_gpr r);       /* signed */
void x86_cdq(struct x86_asm *a, enum x86_width w);                        /* cdq or cqo */
void x86_bswap(struct x86_asm *a, enum x86_width w, enum x86_gpr r);
void x86_test_rr(struct x86_asm *a, enum x86_width w, enum x86_gpr r1, enum x86_gpr r2);
void x86_test_ri(struct x86_asm *a, enum x86_width w, enum x86_gpr r, int32_t imm);
void x86_setcc(struct x86_asm *a, enum x86_cc cc, enum x86_gpr dst); /* low byte only */
void x86_cmov(struct x86_asm *a, enum x86_cc cc, enum x86_width w, enum x86_gpr dst,
	      enum x86_gpr src);
void x86_inc_m(struct x86_asm *a, enum x86_width w, struct x86_mem m);
void x86_dec_m(struct x86_asm *a, enum x86_width w, struct x86_mem m);

/*
 * ah = SF ZF AF PF CF, and back.  In 64-bit mode by CPUID 80000001H:ecx[0], which every x86-64
 * processor but the first two years' has (SDM vol. 2, LAHF).
 */
void x86_lahf(struct x86_asm *a);
void x86_sahf(struct x86_asm *a);

/* Atomics with a lock prefix (xchg has it by nature); w is X86_D or X86_Q. */
void x86_lock_inc_m(struct x86_asm *a, enum x86_width w, struct x86_mem m);
void x86_lock_alu_mr(struct x86_asm *a, enum x86_alu op, enum x86_width w, struct x86_mem dst,
		     enum x86_gpr src);
void x86_lock_xadd(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src);
void x86_xchg_mr(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src);
void x86_lock_cmpxchg(struct x86_asm *a, enum x86_width w, struct x86_mem dst, enum x86_gpr src);

/*
 * Branches.  Always rel32: a jump's size never depends on its distance, so one
 * pass is enough and code does not change shape when it moves.  The one short
 * form is x86_jmp_short_pc, for two-byte windows.
 */
void x86_jcc(struct x86_asm *a, enum x86_cc cc, x86_label to);
void x86_jmp(struct x86_asm *a, x86_label to);
void x86_call(struct x86_asm *a, x86_label to);
void x86_lea_label(struct x86_asm *a, enum x86_gpr dst, x86_label to);
void x86_jcc_pc(struct x86_asm *a, enum x86_cc cc, uint64_t pc); /* -ERANGE past +-2 GiB */
void x86_jmp_pc(struct x86_asm *a, uint64_t pc);                 /* -ERANGE past +-2 GiB */
void x86_call_pc(struct x86_asm *a, uint64_t pc);                /* -ERANGE past +-2 GiB */
void x86_jmp_short_pc(struct x86_asm *a, uint64_t pc);           /* -ERANGE past +-127 */
void x86_jmp_m_pc(struct x86_asm *a, uint64_t pc);  /* jmp [rip + ...]: pointer lies at pc */
void x86_call_m_pc(struct x86_asm *a, uint64_t pc); /* call [rip + ...] */
void x86_jmp_m(struct x86_asm *a, x86_label to);    /* jmp [rip + ...]: pointer lies at to */
void x86_jmp_r(struct x86_asm *a, enum x86_gpr r);
void x86_call_r(struct x86_asm *a, enum x86_gpr r);
void x86_call_far(struct x86_asm *a, uint64_t pc, enum x86_gpr scratch); /* any distance */
void x86_call_to(struct x86_asm *a, uint64_t pc, enum x86_gpr scratch);  /* near if it can be */
void x86_ret(struct x86_asm *a);
void x86_leave(struct x86_asm *a);
void x86_int3(struct x86_asm *a);
void x86_ud2(struct x86_asm *a);
void x86_mfence(struct x86_asm *a);
void x86_nop5(struct x86_asm *a); /* one instruction */

#endif
