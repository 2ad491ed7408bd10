/*
 * x86/insn.h - decode one instruction, and encode it again for another address.
 *
 * Zydis decodes; nothing else in the project includes its headers.
 *
 * Units    bytes; addresses are run-time addresses of the traced process.
 * Errors   x86_decode  -EILSEQ  not an instruction
 *          x86_move    through the assembly's sticky error:
 *                      -ENOTSUP  must not be moved (see x86_insn.reason)
 *                      -ERANGE   the moved operand is out of reach
 * Memory   none kept.
 * Context  [ctl] any thread
 * Spec     SDM vol. 2A, chapter 2; branch semantics in JMP/Jcc/CALL/LOOP pages.
 */
#ifndef X86_INSN_H
#define X86_INSN_H

#include "base/types.h"
#include "x86/asm.h"

enum x86_flow {
	X86_FLOW_NEXT,     /* falls through, nothing else */
	X86_FLOW_JMP,      /* direct jmp */
	X86_FLOW_JCC,      /* direct conditional, loop, jrcxz */
	X86_FLOW_CALL,     /* direct call */
	X86_FLOW_JMP_IND,  /* jmp through a register or memory */
	X86_FLOW_CALL_IND, /* call through a register or memory */
	X86_FLOW_RET,
	X86_FLOW_STOP,    /* int3, ud2, hlt: never falls through */
	X86_FLOW_SYSCALL, /* syscall, sysenter, int n */
};

struct x86_insn {
	uint8_t len;
	uint8_t flow;      /* enum x86_flow */
	bool rip_relative; /* has a [rip + disp32] operand */
	bool is_lea;       /* takes the operand's address */
	bool is_nop;       /* any form of nop, endbr64 excluded */
	bool is_endbr64;
	bool is_vector;   /* touches xmm/ymm/zmm, mask or x87/MMX state */
	bool writes_rsp;  /* other than by push/pop/call/ret */
	bool pushes_rbp;  /* push rbp */
	bool sets_rbp;    /* mov rbp, rsp */
	bool pops_rbp;    /* pop rbp or leave */
	int32_t rsp_add;  /* bytes by which rsp grows (push: -8), 0 if none or not constant */
	taddr_t target;   /* direct branches: where to; rip_relative: the operand's address */
	uint8_t disp_at;  /* rip_relative: offset of the disp32 in the instruction */
	bool has_mem;     /* has the explicit operand [mem_base + mem_disp], no index, no fs, gs */
	bool has_fs;      /* has the operand fs:[disp]: mem_disp */
	bool has_imm;     /* mov of the constant imm to a register */
	uint8_t mem_base; /* enum x86_gpr */
	int32_t mem_disp;
	uint64_t imm;       /* as the 64-bit register gets it */
	uint8_t jmp_reg;    /* jmp *reg: 1 + the register's number (rax 0 ... r15 15), else 0 */
	bool jmp_stack;     /* jmp through memory based on rsp or rbp */
	bool loads_entry;   /* reads 32 bits at [register + index], as from a table of offsets */
	uint8_t nabs;       /* what may be an address in a program that is not relocatable: */
	taddr_t abs[2];     /* immediates and displacements of 32 bits and more, not relative */
	const char *reason; /* not NULL: why x86_move would refuse it */
};

/* code holds at least n bytes as they lie at pc.  *out is untouched on failure. */
int x86_decode(const void *code, size_t n, taddr_t pc, struct x86_insn *out);

/*
 * The same for a sweep: only len, flow, target, rip_relative, is_lea, is_nop, is_endbr64,
 * disp_at, jmp_reg, jmp_stack, loads_entry and abs.
 */
int x86_decode_flow(const void *code, size_t n, taddr_t pc, struct x86_insn *out);

/* Of the decoder: another one may see other instructions. */
uint64_t x86_decoder_version(void);

/* How an instruction makes the value of a register. */
enum x86_value_kind {
	X86_VALUE_KEPT,    /* not at all */
	X86_VALUE_LOADED,  /* from memory as it is, or what a call left there */
	X86_VALUE_SPILLED, /* from the stack, where anything may have been put */
	X86_VALUE_ENTRY,   /* 32 bits of memory */
	X86_VALUE_ADDRESS, /* a constant, or the address of a [rip + disp32] operand */
	X86_VALUE_COPIED,  /* from register a, perhaps the lower half of it */
	X86_VALUE_SUM,     /* of registers a and b */
	X86_VALUE_MADE,    /* in any other way */
};

struct x86_value {
	uint8_t kind;
	uint8_t a, b; /* register numbers */
};

/* What the instruction does to general register `reg`; anything undecodable makes it. */
struct x86_value x86_value_of(const void *code, size_t n, unsigned reg);

/*
 * Does the function at code do nothing but return the address of a thread-local variable, as
 * compilers write it for shared objects: fs:0 plus a constant, or plus a word that the dynamic
 * linker fills in?  0, or -ENOENT.
 */
struct x86_tls_address {
	bool in_word; /* the distance from fs:0 is what the word at `word` holds */
	taddr_t word;
	int64_t off; /* else it is this */
};
int x86_tls_address(const void *code, size_t n, taddr_t pc, struct x86_tls_address *out);

/* An upper bound of what x86_move appends for one instruction. */
#define X86_MOVE_MAX 32

/*
 * Append the instruction at code, which ran at pc, so that it does the same at
 * a's current address.  A call must be the last one moved and is done as push of
 * the original return address + jmp, so that the callee returns to the original
 * code; loop and jrcxz become a short hop around a near jump.  A jcc or jmp whose
 * target lies in [pc0, pc0 + n) of the moved window is refused by the caller, not
 * here.  The frame state is the caller's business (x86_insn_frame()), except
 * between the push and the jmp of a call.
 */
void x86_move(struct x86_asm *a, const void *code, const struct x86_insn *insn, taddr_t pc);

/*
 * The frame state (x86/frame.h) behind an instruction that ran in state: follows
 * the pushes and rsp arithmetic of a prologue.  What a byte cannot express leaves
 * the state as it was.
 */
uint8_t x86_insn_frame(uint8_t state, const struct x86_insn *insn);

/*
 * Intel-syntax text of the instruction at code; returns its length, -EILSEQ, or
 * -ENOSPC if the text does not fit.
 */
int x86_format(const void *code, size_t n, taddr_t pc, char *out, size_t cap);

#endif
