/*
 * bpf/insn.h - what every part of the engine must know of one instruction.
 *
 * Internal to bpf/ and sys/.  Nothing here checks: fields are taken as they are; bpf/check.c
 * decides what is a program.
 *
 * Context  [ctl]
 * Spec     RFC 9669 sections 3 (encoding), 4 (arithmetic, jumps), 5 (loads, stores)
 */
#ifndef BPF_INSN_H
#define BPF_INSN_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

/* Numbers that Debian 12's linux/bpf.h does not have. */
#define INSN_MEMSX     0x80  /* BPF_LDX mode: sign-extending load, RFC 9669 5.2 */
#define INSN_JCOND     0xe0  /* BPF_JMP: may_goto; include/uapi/linux/bpf.h since 6.9 */
#define INSN_LOAD_ACQ  0x100 /* BPF_ATOMIC imm; since 6.15 */
#define INSN_STORE_REL 0x110
#define INSN_CAST      1 /* off of BPF_MOV: arena address cast; since 6.9 */

/* src_reg of LDDW beyond map and map value: RFC 9669 5.4, include/uapi/linux/bpf.h */
enum { LDDW_IMM, LDDW_MAP, LDDW_VALUE, LDDW_VAR, LDDW_FUNC, LDDW_MAP_IDX, LDDW_VALUE_IDX };

/* src_reg of CALL: RFC 9669 4.3.1 */
enum { CALL_HELPER, CALL_LOCAL, CALL_KFUNC };

#define INSN_FP 10 /* the frame pointer's number */

/* BPF_MAX_LOOPS, include/linux/bpf.h: of bpf_loop, of bpf_iter_num_*, of may_goto in one call. */
#define INSN_MAX_LOOPS (8u << 20)

static inline bool insn_is_lddw(const struct bpf_insn *i)
{
	return i->code == (BPF_LD | BPF_IMM | BPF_DW);
}

static inline bool insn_is_alu(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_ALU || BPF_CLASS(i->code) == BPF_ALU64;
}

static inline bool insn_is_jmp(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_JMP || BPF_CLASS(i->code) == BPF_JMP32;
}

static inline bool insn_is_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL);
}

static inline bool insn_is_local_call(const struct bpf_insn *i)
{
	return insn_is_call(i) && i->src_reg == CALL_LOCAL;
}

static inline bool insn_is_tail_call(const struct bpf_insn *i)
{
	return insn_is_call(i) && i->src_reg == CALL_HELPER && i->imm == BPF_FUNC_tail_call;
}

static inline bool insn_is_exit(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_EXIT);
}

static inline bool insn_is_ja(const struct bpf_insn *i)
{
	return insn_is_jmp(i) && BPF_OP(i->code) == BPF_JA;
}

/* The address of a function of the program: what callbacks are given by. */
static inline bool insn_is_func(const struct bpf_insn *i)
{
	return insn_is_lddw(i) && i->src_reg == LDDW_FUNC;
}

/* Names another function of the program: calls it, or has it called. */
static inline bool insn_names_func(const struct bpf_insn *i)
{
	return insn_is_local_call(i) || insn_is_func(i);
}

static inline bool insn_is_may_goto(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | INSN_JCOND);
}

/* Goes somewhere by its offset: JA, may_goto and the conditional jumps. */
static inline bool insn_is_branch(const struct bpf_insn *i)
{
	return insn_is_jmp(i) && BPF_OP(i->code) != BPF_CALL && BPF_OP(i->code) != BPF_EXIT;
}

static inline bool insn_is_atomic(const struct bpf_insn *i)
{
	return BPF_CLASS(i->code) == BPF_STX && BPF_MODE(i->code) == BPF_ATOMIC;
}

static inline bool insn_is_load_acq(const struct bpf_insn *i)
{
	return insn_is_atomic(i) && i->imm == INSN_LOAD_ACQ;
}

static inline bool insn_is_store_rel(const struct bpf_insn *i)
{
	return insn_is_atomic(i) && i->imm == INSN_STORE_REL;
}

/* Where the branch, local call or address of a function at index i leads, as an instruction index. */
static inline int64_t insn_target(const struct bpf_insn *i, uint32_t at)
{
	bool by_imm = insn_is_call(i) || insn_is_lddw(i) || i->code == (BPF_JMP32 | BPF_JA);

	return (int64_t)at + 1 + (by_imm ? i->imm : i->off);
}

static inline unsigned insn_bytes(const struct bpf_insn *i)
{
	switch (BPF_SIZE(i->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static inline uint64_t insn_imm64(const struct bpf_insn *i)
{
	return (uint32_t)i[0].imm | (uint64_t)(uint32_t)i[1].imm << 32;
}

/* goto +0: what dead code becomes. */
static inline bool insn_is_nop(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_JA) && !i->off;
}

/* The register that the instruction writes, or -1; calls write more than one. */
static inline int insn_writes(const struct bpf_insn *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
	case BPF_LDX:
	case BPF_LD:
		return i->dst_reg;
	case BPF_STX:
		if (insn_is_load_acq(i))
			return i->dst_reg;
		if (!insn_is_atomic(i) || insn_is_store_rel(i) || !(i->imm & BPF_FETCH))
			return -1;
		return i->imm == BPF_CMPXCHG ? BPF_REG_0 : i->src_reg;
	default:
		return -1;
	}
}

#endif
