/*
 * bpf/interp_check.c - see interp.h: checked mode; see shadow.h: what it knows.
 *
 * Context  [ctl]
 */
#include "base/diag.h"
#include "bpf/insn.h"
#include "bpf/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- before an instruction ---------------------------------------------------------------- */

static int before_mem(struct interp_check *c, const struct bpf_insn *i)
{
	bool load = BPF_CLASS(i->code) == BPF_LDX || insn_is_load_acq(i),
	     atomic = insn_is_atomic(i);
	unsigned base = load ? i->src_reg : i->dst_reg, size = insn_bytes(i);
	uint64_t addr = c->m->r[base] + (uint64_t)(int64_t)i->off;
	int err = shadow_use(c, base);

	if (!err && BPF_CLASS(i->code) == BPF_STX)
		err = shadow_use(c, i->src_reg);
	if (!err && atomic && i->imm == BPF_CMPXCHG)
		err = shadow_use(c, BPF_REG_0);
	if (!err && atomic && addr % size)
		err = shadow_fail(c, "atomic operation of %u bytes at unaligned 0x%llx", size,
				  (unsigned long long)addr);
	c->addr = addr;
	if (!err && (load || (atomic && !insn_is_store_rel(i))))
		err = shadow_access(c, &c->r[base], addr, size, SHADOW_LOAD);
	if (!err && !load)
		err = shadow_access(c, &c->r[base], addr, size, SHADOW_STORE);
	return err;
}

static int before_alu(struct interp_check *c, const struct bpf_insn *i)
{
	unsigned op = BPF_OP(i->code);
	int err = op == BPF_MOV ? 0 : shadow_use(c, i->dst_reg);

	if (!err && BPF_SRC(i->code) == BPF_X && op != BPF_END && op != BPF_NEG)
		err = shadow_use(c, i->src_reg);
	return err;
}

static int before_exit(struct interp_check *c)
{
	if (c->call[c->depth].callback)
		return shadow_use(c, BPF_REG_0);
	if (c->depth) /* others may return nothing */
		return 0;
	for (uint32_t k = 0; k < SHADOW_RECORDS; k++) {
		if (c->record[k])
			return shadow_fail(
				c, "exit with a ring record neither submitted nor discarded");
	}
	return shadow_use(c, BPF_REG_0);
}

static int before_jmp(struct interp_check *c, const struct bpf_insn *i)
{
	int err;

	if (insn_is_exit(i))
		return before_exit(c);
	if (insn_is_call(i)) {
		if (i->src_reg == CALL_LOCAL)
			return 0;
		return i->src_reg == CALL_KFUNC ? check_kfunc(c, (uint32_t)i->imm) :
						  check_helper(c, (uint32_t)i->imm);
	}
	if (insn_is_ja(i) || insn_is_may_goto(i))
		return 0;
	err = shadow_use(c, i->dst_reg);
	if (!err && BPF_SRC(i->code) == BPF_X)
		err = shadow_use(c, i->src_reg);
	return err;
}

static void unset(struct interp_check *c, unsigned from, unsigned to)
{
	for (unsigned r = from; r <= to; r++)
		c->r[r] = (struct shadow){ 0 };
}

/* As the machine did: the callee has its arguments and a stack of its own. */
static void enter(struct interp_check *c, bool callback)
{
	struct shadow_call *call = &c->call[++c->depth];

	memcpy(call->saved, c->r, sizeof(call->saved));
	call->callback = callback;
	unset(c, 0, 0);
	unset(c, 6, 9);
	shadow_enter(c, c->m->r[INSN_FP], c->p->sub[c->m->sub].stack);
}

static int before(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
	struct interp_check *c = (void *)w;

	if (m->depth > c->depth) { /* a helper called a function of the program */
		enter(c, true);
		callback_args(c);
	}
	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		return 0;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return before_mem(c, i);
	case BPF_ALU:
	case BPF_ALU64:
		return before_alu(c, i);
	default:
		return before_jmp(c, i);
	}
}

/* -- after it ------------------------------------------------------------------------------ */

/* Adding a number leaves a pointer what it is. */
static struct shadow sum(const struct shadow *a, const struct shadow *b, bool add)
{
	if (a->type != SHADOW_NUMBER && b->type == SHADOW_NUMBER)
		return *a;
	if (add && a->type == SHADOW_NUMBER && b->type != SHADOW_NUMBER)
		return *b;
	return shadow_number();
}

static void after_alu(struct interp_check *c, const struct bpf_insn *i)
{
	struct shadow number = shadow_number(), *dst = &c->r[i->dst_reg];
	const struct shadow *src = BPF_SRC(i->code) == BPF_X ? &c->r[i->src_reg] : &number;
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	unsigned op = BPF_OP(i->code);

	if (wide && op == BPF_MOV && !i->off)
		*dst = *src;
	else if (wide && (op == BPF_ADD || op == BPF_SUB))
		*dst = sum(dst, src, op == BPF_ADD);
	else
		*dst = number;
}

static void after_lddw(struct interp_check *c, const struct bpf_insn *image)
{
	/* the image has addresses in it; the program itself tells of what */
	const struct bpf_insn *i = &c->p->insn[image - c->m->p->insn];
	struct shadow *dst = &c->r[i->dst_reg];
	const struct map *map;

	*dst = shadow_number();
	if (i->src_reg != LDDW_MAP && i->src_reg != LDDW_VALUE)
		return;
	map = c->p->map[i->imm];
	dst->index = (uint32_t)i->imm;
	if (i->src_reg == LDDW_MAP) {
		dst->type = SHADOW_MAP;
		dst->lo = c->env->arena + map->ref;
	} else {
		dst->type = SHADOW_VALUE;
		dst->lo = c->env->arena + map->shm->values;
		dst->len = map->attr.value_size;
	}
}

static void after_mem(struct interp_check *c, const struct bpf_insn *i, uint64_t addr)
{
	int written = insn_writes(i);
	bool whole;

	if (BPF_CLASS(i->code) == BPF_LDX || insn_is_load_acq(i)) {
		c->r[i->dst_reg] = BPF_MODE(i->code) == INSN_MEMSX ?
					   shadow_number() :
					   shadow_get(c, addr, insn_bytes(i));
		return;
	}
	whole = BPF_CLASS(i->code) == BPF_STX && (!insn_is_atomic(i) || insn_is_store_rel(i));
	shadow_set(c, addr, insn_bytes(i), whole ? &c->r[i->src_reg] : NULL);
	if (written >= 0)
		c->r[written] = shadow_number();
}

static void after_exit(struct interp_check *c)
{
	const struct shadow_call *call = &c->call[c->depth];

	if (!c->depth)
		return;
	shadow_leave(c);
	memcpy(&c->r[6], &call->saved[6], 4 * sizeof(c->r[0]));
	unset(c, 1, 5);
	c->depth--;
	call = &c->call[c->depth];
	c->r[INSN_FP] = (struct shadow){ .type = SHADOW_STACK,
					 .index = call->serial,
					 .lo = call->lo,
					 .len = call->fp - call->lo };
}

static void after_jmp(struct interp_check *c, const struct bpf_insn *i)
{
	if (insn_is_exit(i)) {
		after_exit(c);
	} else if (insn_is_local_call(i)) {
		enter(c, false);
	} else if (insn_is_call(i)) {
		if (i->src_reg == CALL_KFUNC)
			after_kfunc(c, (uint32_t)i->imm);
		else
			after_helper(c, (uint32_t)i->imm);
		unset(c, 1, 5);
	}
}

static void after(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
	struct interp_check *c = (void *)w;

	switch (BPF_CLASS(i->code)) {
	case BPF_LD:
		after_lddw(c, i);
		break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		after_mem(c, i, c->addr);
		break;
	case BPF_ALU:
	case BPF_ALU64:
		after_alu(c, i);
		break;
	default:
		after_jmp(c, i);
	}
}

/* -- a run ---------------------------------------------------------------------------------- */

/* ctx of a tracing program ends behind the result's slots; of a plain one it is r2 bytes. */
static struct shadow first_argument(const struct program *p, const struct interp *m)
{
	struct shadow s = { .type = SHADOW_CTX, .lo = m->r[1], .len = m->r[2] };
	uint64_t count;

	if (p->kind == PROGRAM_PLAIN)
		return m->r[2] ? s : shadow_number();
	memcpy(&count, (const uint64_t *)(uintptr_t)m->r[1] - 1, sizeof(count));
	s.lo = m->r[1] - CTX_BEFORE;
	s.len = CTX_BEFORE + 8 * ((count & 0xff) + 2);
	return s;
}

int interp_check_new(const struct program *p, const struct engine_env *env,
		     const struct interp_opts *o, const struct interp *m, struct diag *d,
		     struct interp_check **out)
{
	struct interp_check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->watch = (struct interp_watch){ before, after };
	c->p = p;
	c->env = env;
	c->o = o;
	c->m = m;
	c->d = d;
	c->top = m->r[INSN_FP];
	c->ctx = c->r[1] = first_argument(p, m);
	if (p->kind == PROGRAM_PLAIN)
		c->r[2] = shadow_number();
	shadow_enter(c, c->top, p->sub[0].stack);
	*out = c;
	return 0;
}

struct interp_watch *interp_check_watch(struct interp_check *c)
{
	return &c->watch;
}

void interp_check_free(struct interp_check *c)
{
	free(c);
}
