/*
 * asmtext.h - assemble eBPF text for tests.
 *
 *	start:  mov r0, 5               # 64 bits; "mov32" for 32
 *	        ldxw r1, [r2+4]         # ldxsw sign-extends; stw [r2+4], 7; stxw [r2+4], r1
 *	        lock fetch_add [r10-8], r1       # add32 ...: the 4-byte forms
 *	        jsgt32 r1, -4, start    # or +N, -N: instructions from the next one
 *	        lddw r3, 0x123456789a   # map r3, FD / value r3, FD, OFF: references
 *	        func r2, callback       # the address of a function
 *	        may_goto done           # jumps when the budget is spent
 *	        acqw r1, [r2+4]; reldw [r2+8], r1       # load-acquire, store-release
 *	        call 5                  # helper; call local LABEL; call kfunc ID
 *	        be16 r0; le64 r0; bswap32 r0; neg r0; movsx8 r0, r1; sdiv r0, r1; gotol start
 *	        .fill 5                 # five times "mov r5, 0"
 *
 * Operands may carry a '%'.  '#' and ';' at a line's beginning are comments.
 */
#ifndef TESTS_ASMTEXT_H
#define TESTS_ASMTEXT_H

#include <linux/bpf.h>
#include <stddef.h>

/* One instruction; wider arguments are cut. */
#define INSN(code_, dst_, src_, off_, imm_) \
	((struct bpf_insn){ .code = (__u8)(code_), \
			    .dst_reg = (unsigned)(dst_)&15u, \
			    .src_reg = (unsigned)(src_)&15u, \
			    .off = (__s16)(off_), \
			    .imm = (__s32)(imm_) })

/* The number of instructions, or -1 with a reason in err. */
int asmtext_parse(const char *text, struct bpf_insn *out, int cap, char *err, size_t err_cap);

#endif
