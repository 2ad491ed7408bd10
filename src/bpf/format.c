/*
 * bpf/format.c - an instruction as text, in the spelling of the kernel's verifier log.
 *
 * Spec     the output of kernel/bpf/disasm.c, by observation
 */
#include "bpf/helper.h"
#include "bpf/insn.h"
#include "bpf/kfunc.h"
#include "bpf/program.h"

#include <stdio.h>

static const char *const size_name[] = { "u32", "u16", "u8", "u64" }; /* by BPF_SIZE >> 3 */
static const char *const ssize_name[] = { "s32", "s16", "s8", "s64" };

static const char *alu_op(const struct bpf_insn *i)
{
	static const char *const op[16] = {
		"+=",  "-=",  "*=",       "/=",        "|=",       "&=",
		"<<=", ">>=", [9] = "%=", [10] = "^=", [11] = "=", [12] = "s>>="
	};
	unsigned n = BPF_OP(i->code) >> 4;

	if (n == BPF_DIV >> 4 && i->off)
		return "s/=";
	if (n == BPF_MOD >> 4 && i->off)
		return "s%=";
	return op[n];
}

static int format_swap(const struct bpf_insn *i, char *out, size_t cap)
{
	const char *name = BPF_CLASS(i->code) == BPF_ALU64 ? "bswap" :
			   BPF_SRC(i->code) == BPF_X       ? "be" :
							     "le";

	return snprintf(out, cap, "r%u = %s%d r%u", i->dst_reg, name, i->imm, i->dst_reg);
}

static int format_alu(const struct bpf_insn *i, char *out, size_t cap)
{
	char r = BPF_CLASS(i->code) == BPF_ALU64 ? 'r' : 'w';
	const char *op = alu_op(i);

	if (BPF_OP(i->code) == BPF_END)
		return format_swap(i, out, cap);
	if (BPF_OP(i->code) == BPF_NEG)
		return snprintf(out, cap, "%c%u = -%c%u", r, i->dst_reg, r, i->dst_reg);
	if (!op)
		return -1;
	if (BPF_SRC(i->code) == BPF_K)
		return snprintf(out, cap, "%c%u %s %d", r, i->dst_reg, op, i->imm);
	if (BPF_OP(i->code) == BPF_MOV && i->off)
		return snprintf(out, cap, "%c%u = (s%d)%c%u", r, i->dst_reg, i->off, r, i->src_reg);
	return snprintf(out, cap, "%c%u %s %c%u", r, i->dst_reg, op, r, i->src_reg);
}

static int format_call(const struct bpf_insn *i, char *out, size_t cap);

static int format_jmp(const struct bpf_insn *i, char *out, size_t cap)
{
	static const char *const op[16] = { [1] = "==", ">",        ">=", "&",  "!=", "s>",
					    "s>=",      [10] = "<", "<=", "s<", "s<=" };
	char r = BPF_CLASS(i->code) == BPF_JMP ? 'r' : 'w';
	const char *cmp = op[BPF_OP(i->code) >> 4];

	if (insn_is_exit(i))
		return snprintf(out, cap, "exit");
	if (insn_is_ja(i) && BPF_SRC(i->code) == BPF_K)
		return r == 'r' ? snprintf(out, cap, "goto pc%+d", i->off) :
				  snprintf(out, cap, "gotol pc%+d", i->imm);
	if (BPF_OP(i->code) == BPF_CALL)
		return format_call(i, out, cap);
	if (BPF_OP(i->code) == INSN_JCOND)
		return snprintf(out, cap, "may_goto pc%+d", i->off);
	if (!cmp)
		return -1;
	if (BPF_SRC(i->code) == BPF_K)
		return snprintf(out, cap, "if %c%u %s 0x%x goto pc%+d", r, i->dst_reg, cmp,
				(uint32_t)i->imm, i->off);
	return snprintf(out, cap, "if %c%u %s %c%u goto pc%+d", r, i->dst_reg, cmp, r, i->src_reg,
			i->off);
}

static int format_kfunc(const struct bpf_insn *i, char *out, size_t cap)
{
	const struct kfunc *k = kfunc_by_id((uint32_t)i->imm);

	return snprintf(out, cap, "call %s#%d", k ? k->name : "kernel-function", i->imm);
}

static int format_call(const struct bpf_insn *i, char *out, size_t cap)
{
	if (!insn_is_call(i))
		return BPF_CLASS(i->code) == BPF_JMP ? snprintf(out, cap, "callx r%u", i->dst_reg) :
						       -1;
	if (i->src_reg == CALL_LOCAL)
		return snprintf(out, cap, "call pc%+d", i->imm);
	if (i->src_reg == CALL_KFUNC)
		return format_kfunc(i, out, cap);
	if (helper_in_kernel((uint32_t)i->imm))
		return snprintf(out, cap, "call bpf_%s#%d", helper_name((uint32_t)i->imm), i->imm);
	return snprintf(out, cap, "call unknown#%d", i->imm);
}

static int format_atomic(const struct bpf_insn *i, char *out, size_t cap)
{
	const char *type = size_name[BPF_SIZE(i->code) >> 3];
	const char *bits = BPF_SIZE(i->code) == BPF_DW ? "64" : "";
	const char *name = NULL, *op = NULL;

	if (insn_is_load_acq(i))
		return snprintf(out, cap, "r%u = load_acquire((%s *)(r%u %+d))", i->dst_reg, type,
				i->src_reg, i->off);
	if (insn_is_store_rel(i))
		return snprintf(out, cap, "store_release((%s *)(r%u %+d), r%u)", type, i->dst_reg,
				i->off, i->src_reg);
	switch (i->imm & ~BPF_FETCH) {
	case BPF_ADD:
		name = "add", op = "+=";
		break;
	case BPF_AND:
		name = "and", op = "&=";
		break;
	case BPF_OR:
		name = "or", op = "|=";
		break;
	case BPF_XOR:
		name = "xor", op = "^=";
		break;
	}
	if (i->imm == BPF_CMPXCHG)
		return snprintf(out, cap, "r0 = atomic%s_cmpxchg((%s *)(r%u %+d), r0, r%u)", bits,
				type, i->dst_reg, i->off, i->src_reg);
	if (i->imm == BPF_XCHG)
		return snprintf(out, cap, "r%u = atomic%s_xchg((%s *)(r%u %+d), r%u)", i->src_reg,
				bits, type, i->dst_reg, i->off, i->src_reg);
	if (!name)
		return -1;
	if (i->imm & BPF_FETCH)
		return snprintf(out, cap, "r%u = atomic%s_fetch_%s((%s *)(r%u %+d), r%u)",
				i->src_reg, bits, name, type, i->dst_reg, i->off, i->src_reg);
	return snprintf(out, cap, "lock *(%s *)(r%u %+d) %s r%u", type, i->dst_reg, i->off, op,
			i->src_reg);
}

static int format_mem(const struct bpf_insn *i, char *out, size_t cap)
{
	unsigned mode = BPF_MODE(i->code), class = BPF_CLASS(i->code);
	const char *const *name = mode == INSN_MEMSX ? ssize_name : size_name;
	const char *type = name[BPF_SIZE(i->code) >> 3];

	if (class == BPF_STX && mode == BPF_ATOMIC)
		return format_atomic(i, out, cap);
	if (mode != BPF_MEM && !(class == BPF_LDX && mode == INSN_MEMSX))
		return -1;
	if (class == BPF_LDX)
		return snprintf(out, cap, "r%u = *(%s *)(r%u %+d)", i->dst_reg, type, i->src_reg,
				i->off);
	if (class == BPF_ST)
		return snprintf(out, cap, "*(%s *)(r%u %+d) = %d", type, i->dst_reg, i->off,
				i->imm);
	return snprintf(out, cap, "*(%s *)(r%u %+d) = r%u", type, i->dst_reg, i->off, i->src_reg);
}

static int format_lddw(const struct bpf_insn *i, char *out, size_t cap)
{
	switch (i->src_reg) {
	case LDDW_MAP:
		return snprintf(out, cap, "r%u = map[%d]", i->dst_reg, i->imm);
	case LDDW_VALUE:
		return snprintf(out, cap, "r%u = map[%d][0]+%u", i->dst_reg, i->imm,
				(uint32_t)i[1].imm);
	case LDDW_FUNC:
		return snprintf(out, cap, "r%u = func pc%+d", i->dst_reg, i->imm);
	default:
		return snprintf(out, cap, "r%u = 0x%llx", i->dst_reg,
				(unsigned long long)insn_imm64(i));
	}
}

unsigned program_format_insn(const struct bpf_insn *i, char *out, size_t cap)
{
	int n;

	if (insn_is_lddw(i)) {
		format_lddw(i, out, cap);
		return 2;
	}
	if (insn_is_alu(i))
		n = format_alu(i, out, cap);
	else if (insn_is_jmp(i))
		n = format_jmp(i, out, cap);
	else
		n = BPF_CLASS(i->code) == BPF_LD ? -1 : format_mem(i, out, cap);
	if (n < 0)
		snprintf(out, cap, "unknown opcode 0x%02x", i->code);
	return 1;
}
