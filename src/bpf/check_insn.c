/*
 * bpf/check_insn.c - see check.h: one instruction at a time.
 *
 * What RFC 9669 calls reserved must be zero; what we know but cannot run is refused
 * by name (-ENOTSUP), all else that is not an instruction as -EACCES.
 */
#include "bpf/check.h"
#include "bpf/helper.h"
#include "bpf/insn.h"
#include "bpf/kfunc.h"

#include <errno.h>
#include <stdio.h>

struct insn_check {
	const struct program *p;
	const struct program_attr *attr;
	const struct bpf_insn *i;
	uint32_t at;
	struct diag *d;
};

static int refuse(const struct insn_check *c, int err, const char *why)
{
	char text[96];

	program_format_insn(c->i, text, sizeof(text));
	return diag_set(c->d, err, "insn %u (%s): %s", c->at, text, why);
}

#define DENY(c, why)        refuse((c), -EACCES, (why))
#define UNSUPPORTED(c, why) refuse((c), -ENOTSUP, (why))

static int check_reserved(const struct insn_check *c, bool dst, bool src, bool off, bool imm)
{
	if ((!dst && c->i->dst_reg) || (!src && c->i->src_reg) || (!off && c->i->off) ||
	    (!imm && c->i->imm))
		return DENY(c, "a reserved field is not zero");
	return 0;
}

static int bad_shift(const struct insn_check *c)
{
	char why[80];

	snprintf(why, sizeof(why), "invalid shift %d: shift by more than the register's width",
		 c->i->imm);
	return DENY(c, why);
}

/* RFC 9669 4.1 and 4.2 */
static int check_mov(const struct insn_check *c, bool reg, bool wide)
{
	if (!reg)
		return check_reserved(c, true, false, false, true);
	if (wide && c->i->off == INSN_CAST)
		return UNSUPPORTED(c,
				   "arena address casts are not supported: use an array or a hash");
	if (c->i->off != 0 && c->i->off != 8 && c->i->off != 16 && !(wide && c->i->off == 32))
		return DENY(c, "sign extension from a width that does not exist");
	return check_reserved(c, true, true, true, false);
}

static int check_end(const struct insn_check *c, bool reg, bool wide)
{
	if (wide && reg)
		return DENY(c, "no such instruction");
	if (c->i->imm != 16 && c->i->imm != 32 && c->i->imm != 64)
		return DENY(c, "byte swap of a width that does not exist");
	return check_reserved(c, true, false, false, true);
}

static int check_alu(const struct insn_check *c)
{
	bool reg = BPF_SRC(c->i->code) == BPF_X, wide = BPF_CLASS(c->i->code) == BPF_ALU64;

	switch (BPF_OP(c->i->code)) {
	case BPF_LSH:
	case BPF_RSH:
	case BPF_ARSH:
		if (!reg && !c->attr->allow_any_helper && (uint32_t)c->i->imm >= (wide ? 64 : 32))
			return bad_shift(c);
		return check_reserved(c, true, reg, false, !reg);
	case BPF_ADD:
	case BPF_SUB:
	case BPF_MUL:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
		return check_reserved(c, true, reg, false, !reg);
	case BPF_DIV:
	case BPF_MOD:
		if (!reg && !c->i->imm)
			return DENY(c, "division by zero");
		if (c->i->off != 0 && c->i->off != 1)
			return DENY(c, "a reserved field is not zero");
		return check_reserved(c, true, reg, true, !reg);
	case BPF_NEG:
		if (reg)
			return DENY(c, "no such instruction");
		return check_reserved(c, true, false, false, false);
	case BPF_MOV:
		return check_mov(c, reg, wide);
	case BPF_END:
		return check_end(c, reg, wide);
	default:
		return DENY(c, "no such instruction");
	}
}

static const char *kinds_text(uint32_t flags)
{
	switch (flags & HELPER_ALL) {
	case HELPER_FMOD_RET:
		return "fmod_ret";
	default:
		return "fentry, fexit, fmod_ret and fsession";
	}
}

static int check_helper(const struct insn_check *c)
{
	uint32_t id = (uint32_t)c->i->imm;
	const struct helper *h = helper_by_id(id);

	if (c->attr->allow_any_helper && id < HELPER_MAX)
		return 0;
	if (!h && helper_in_kernel(id))
		return helper_refuse(c->at, id, 1u << c->p->kind, c->d);
	if (!h || (h->flags & HELPER_OWN && !c->attr->generated))
		return diag_set(c->d, -EACCES, "insn %u: unknown helper #%d", c->at, c->i->imm);
	if (h->flags & HELPER_WRITES && !c->attr->allow_write)
		return diag_set(c->d, -EACCES,
				"insn %u: helper bpf_%s#%u may corrupt the target's memory: it is "
				"refused unless --allow-write is given "
				"(utramp_object__allow_write())",
				c->at, h->name, id);
	if (!(h->flags & 1u << c->p->kind))
		return diag_set(
			c->d, -EACCES,
			"insn %u: program of this type cannot use helper bpf_%s#%u: it is for "
			"%s programs%s",
			c->at, h->name, id, kinds_text(h->flags),
			h->flags & HELPER_OVERRIDES ?
				": name the section fmod_ret/FUNCTION, no other kind "
				"changes a result" :
				"");
	return 0;
}

/* A call without an id is libbpf's for a weak extern that the BTF does not have. */
static int check_kfunc(const struct insn_check *c)
{
	const struct kfunc *k = kfunc_by_id((uint32_t)c->i->imm);

	if (!c->i->imm)
		return diag_set(c->d, -ENOTSUP, "insn %u: call of a weak kfunc that we do not have",
				c->at);
	if (!k)
		return diag_set(c->d, -ENOTSUP, "insn %u: unknown kfunc #%d: we do not have it",
				c->at, c->i->imm);
	if (k->instead)
		return diag_set(c->d, -ENOTSUP, "insn %u: %s() is not supported: %s", c->at,
				k->name, k->instead);
	if (!(k->kinds >> c->p->kind & 1))
		return diag_set(c->d, -EACCES,
				"insn %u: %s() is for %s programs: name the section %s", c->at,
				k->name, k->kind, k->section);
	return 0;
}

static int check_call(const struct insn_check *c)
{
	if (BPF_SRC(c->i->code) == BPF_X)
		return UNSUPPORTED(
			c,
			"calls by register (callx) are not supported: compile with -O2, and call functions by name");
	if (c->i->src_reg > CALL_KFUNC)
		return DENY(c, "no such kind of call");
	if (check_reserved(c, false, true, false, true))
		return -EACCES;
	if (c->i->src_reg == CALL_KFUNC)
		return check_kfunc(c);
	return c->i->src_reg == CALL_HELPER ? check_helper(c) : 0;
}

/* RFC 9669 4.3 */
static int check_jmp(const struct insn_check *c)
{
	bool reg = BPF_SRC(c->i->code) == BPF_X, wide = BPF_CLASS(c->i->code) == BPF_JMP;

	switch (BPF_OP(c->i->code)) {
	case BPF_JA:
		if (reg && wide)
			return UNSUPPORTED(
				c,
				"indirect jumps (gotox) are not supported: compile with -fno-jump-tables");
		if (reg)
			return DENY(c, "no such instruction");
		return check_reserved(c, false, false, wide, !wide);
	case BPF_CALL:
		return wide ? check_call(c) : DENY(c, "no such instruction");
	case BPF_EXIT:
		if (!wide || reg)
			return DENY(c, "no such instruction");
		return check_reserved(c, false, false, false, false);
	case INSN_JCOND:
		if (wide && !reg)
			return check_reserved(c, false, false, true, false);
		return DENY(c, "no such instruction");
	case 0xf0:
		return DENY(c, "no such instruction");
	default:
		return check_reserved(c, true, reg, true, !reg);
	}
}

/* RFC 9669 5.4; the map references were looked up before (bpf/program.c) */
static int check_lddw(const struct insn_check *c)
{
	const struct bpf_insn *next = c->i + 1;

	if (c->at + 1 == c->p->ninsns)
		return DENY(c, "the second half of a 64-bit load is missing");
	if (next->code || next->dst_reg || next->src_reg || next->off || c->i->off)
		return DENY(c, "a reserved field is not zero");
	switch (c->i->src_reg) {
	case LDDW_IMM:
	case LDDW_VALUE:
		return 0;
	case LDDW_MAP:
	case LDDW_FUNC:
		return next->imm ? DENY(c, "a reserved field is not zero") : 0;
	case LDDW_VAR:
		return UNSUPPORTED(
			c, "kernel variables (ksym) are not supported: there is no kernel here");
	case LDDW_MAP_IDX:
	case LDDW_VALUE_IDX:
		return UNSUPPORTED(c, "map references by index are not supported: use descriptors");
	default:
		return DENY(c, "no such kind of 64-bit load");
	}
}

static int check_ld(const struct insn_check *c)
{
	if (insn_is_lddw(c->i))
		return check_lddw(c);
	if ((BPF_MODE(c->i->code) == BPF_ABS || BPF_MODE(c->i->code) == BPF_IND) &&
	    BPF_SIZE(c->i->code) != BPF_DW)
		return UNSUPPORTED(
			c,
			"legacy packet loads are not supported: there are no packets here, read memory by its address");
	return DENY(c, "no such instruction");
}

/* RFC 9669 5.3 */
static int check_atomic(const struct insn_check *c)
{
	if (c->i->imm == INSN_LOAD_ACQ || c->i->imm == INSN_STORE_REL)
		return 0; /* of any size */
	if (BPF_SIZE(c->i->code) != BPF_W && BPF_SIZE(c->i->code) != BPF_DW)
		return DENY(c, "no such instruction");
	switch (c->i->imm) {
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
	case BPF_ADD | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
	case BPF_CMPXCHG:
		return 0;
	default:
		return DENY(c, "no such atomic operation");
	}
}

/* RFC 9669 5.1, 5.2 */
static int check_mem(const struct insn_check *c)
{
	unsigned class = BPF_CLASS(c->i->code), mode = BPF_MODE(c->i->code);

	if (class == BPF_STX && mode == BPF_ATOMIC)
		return check_atomic(c);
	if (mode != BPF_MEM &&
	    !(class == BPF_LDX && mode == INSN_MEMSX && BPF_SIZE(c->i->code) != BPF_DW))
		return DENY(c, "no such instruction");
	if (class == BPF_ST)
		return check_reserved(c, true, false, true, true);
	return check_reserved(c, true, true, true, false);
}

/* A load or store straight off the frame pointer. */
static int check_stack(const struct insn_check *c)
{
	unsigned class = BPF_CLASS(c->i->code);
	bool load = class == BPF_LDX || insn_is_load_acq(c->i);
	unsigned base = load ? c->i->src_reg : c->i->dst_reg;
	int off = c->i->off;

	if (base != INSN_FP || (class != BPF_LDX && class != BPF_ST && class != BPF_STX))
		return 0;
	if (off < -PROGRAM_MAX_STACK || off + (int)insn_bytes(c->i) > 0)
		return diag_set(
			c->d, -EACCES,
			"insn %u: invalid %s stack R10 off=%d size=%u: access outside the stack: %u "
			"bytes at r10%+d, allowed [-%d, 0)",
			c->at, load ? "read from" : "write to", off, insn_bytes(c->i),
			insn_bytes(c->i), off, PROGRAM_MAX_STACK);
	return 0;
}

static int check_one(const struct insn_check *c)
{
	int err;

	if (c->i->dst_reg > INSN_FP || c->i->src_reg > INSN_FP)
		return DENY(c, "no such register");
	switch (BPF_CLASS(c->i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		err = check_alu(c);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		err = check_jmp(c);
		break;
	case BPF_LD:
		err = check_ld(c);
		break;
	default:
		err = check_mem(c);
	}
	if (err)
		return err;
	if (insn_writes(c->i) == INSN_FP)
		return DENY(c, "r10 is read-only");
	return check_stack(c);
}

int check_insns(const struct program *p, const struct program_attr *attr, struct diag *d)
{
	struct insn_check c = { .p = p, .attr = attr, .d = d };

	for (c.at = 0; c.at < p->ninsns; c.at++) {
		int err;

		c.i = &p->insn[c.at];
		err = check_one(&c);
		if (err)
			return err;
		if (insn_is_lddw(c.i))
			c.at++;
	}
	return 0;
}
