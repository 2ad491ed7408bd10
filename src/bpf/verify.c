/*
 * bpf/verify.c - see verify.h: paths, one after another.
 */
#include "bpf/verify.h"

#include "bpf/verify_priv.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void lddw(struct verify *v, const struct bpf_insn *in)
{
	struct vreg *dst = vreg(v, in->dst_reg);

	switch (in->src_reg) {
	case LDDW_MAP:
		*dst = vreg_pointer(V_MAP, (uint32_t)in->imm);
		break;
	case LDDW_VALUE:
		*dst = vreg_pointer(V_VALUE, (uint32_t)in->imm);
		dst->off = in[1].imm;
		dst->flags = VF_DIRECT;
		break;
	case LDDW_FUNC:
		*dst = vreg_pointer(V_FUNC,
				    program_sub_at(v->p, (uint32_t)insn_target(in, v->cur->at)));
		break;
	default:
		*dst = vreg_scalar(range_const(insn_imm64(in)));
		break;
	}
	v->cur->at += 2;
}

static int call(struct verify *v, const struct bpf_insn *in)
{
	switch (in->src_reg) {
	case CALL_LOCAL:
		return vsub_call(v, in);
	case CALL_KFUNC:
		return vcall_kfunc(v, in);
	default:
		return vcall_helper(v, in);
	}
}

/* What the instruction does to the state, which goes on at the next one. */
static int insn(struct verify *v, const struct bpf_insn *in)
{
	int err;

	switch (BPF_CLASS(in->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		err = valu_insn(v, in);
		break;
	case BPF_LD:
		lddw(v, in);
		return 0;
	case BPF_JMP:
	case BPF_JMP32:
		if (insn_is_exit(in))
			return vsub_exit(v);
		return insn_is_call(in) ? call(v, in) : vjump_insn(v, in);
	default:
		err = vmem_insn(v, in);
		break;
	}
	if (!err)
		v->cur->at++;
	return err;
}

/* A try leaves half to those after it, if there are any. */
static int too_long(struct verify *v)
{
	if (!v->forgot)
		v->try_insns = v->max_insns;
	if (v->stats.processed <= v->try_insns)
		return 0;
	return vfail(
		v, -E2BIG,
		"make loops shorter, or move their body into a bpf_loop() callback; split branchy "
		"code into functions that are not inlined",
		"BPF program is too large. Processed %llu insn: the program is too complex",
		(unsigned long long)v->stats.processed);
}

static int step(struct verify *v)
{
	const struct bpf_insn *in = &v->p->insn[v->cur->at];
	struct vlogged before;
	uint32_t at = v->cur->at;
	int err;

	if (++v->stats.processed > v->try_insns) {
		err = too_long(v);
		if (err)
			return err;
	}
	if (vcall_is_callback(in) && !vframe(v)->loop)
		vframe(v)->loop = ++v->ids;
	err = v->mark[at] & VM_PRUNE ? vprune_visit(v) : 0;
	if (err == VERIFY_END && vlog_on(v))
		vlog(v, "%u: safe\n", at);
	if (err)
		return err;
	v->since_insns++;
	if (vlog_on(v)) {
		vlog_insn(v);
		vlog_before(v, &before);
	}
	err = insn(v, in);
	if (vlog_on(v) && err >= 0)
		vlog_changes(v, &before);
	return err;
}

/* The newest way that was left; false: there is none. */
static bool take_up(struct verify *v)
{
	vprune_path_ends(v);
	vstate_free(v, v->cur);
	v->cur = v->waiting;
	if (!v->cur)
		return false;
	v->waiting = v->cur->next;
	v->nwaiting--;
	v->cur->next = NULL;
	if (v->log && !(v->log->level & 2) && v->log->n > v->cur->log_at)
		v->log->n = v->cur->log_at;
	if (vlog_on(v))
		vlog_from(v);
	return true;
}

static int walk(struct verify *v)
{
	int err;

	do {
		do {
			err = step(v);
			if (!err)
				err = vstate_full(v);
		} while (!err);
	} while (err == VERIFY_END && take_up(v));
	return err == VERIFY_END ? v->err : err;
}

static int prepare(struct verify *v)
{
	uint32_t n = v->p->ninsns;
	int err;

	v->mark = calloc(n + 1, 1);
	v->node = calloc(n + 1, sizeof(*v->node));
	v->sub = calloc(v->p->nsub, 1);
	v->depth = calloc(v->p->nsub, sizeof(*v->depth));
	v->order_end = calloc(v->p->nsub, sizeof(*v->order_end));
	v->cur = vstate_new(v);
	if (!v->mark || !v->node || !v->sub || !v->depth || !v->order_end || !v->cur)
		return -ENOMEM;
	err = vorder_compute(v);
	if (!err)
		err = vflow_compute(v);
	if (err)
		return err;
	v->seen = calloc(v->nnodes, sizeof(struct vstate *));
	v->nseen = calloc(v->nnodes, sizeof(*v->nseen));
	v->need = calloc(v->nnodes, sizeof(*v->need));
	return v->seen && v->nseen && v->need ? 0 : -ENOMEM;
}

/* All ways from the beginning, with what may be forgotten at this try. */
static int try(struct verify *v)
{
	size_t logged = v->log ? v->log->n : 0;
	int err;

	v->forgot = false;
	v->global = 0;
	v->stats.tries++;
	vneed_compute(v);
	*vreg(v, 1) = vreg_pointer(V_CTX, 0);
	if (vlog_on(v))
		vlog_state(v);
	err = walk(v);
	while (!err) {
		if (v->log && !(v->log->level & 2))
			v->log->n = logged;
		err = vglobal_begin(v);
		if (err <= 0)
			break;
		err = walk(v);
		if (!err)
			vglobal_end(v);
	}
	return err;
}

static void drop_states(struct verify *v)
{
	vstate_free(v, v->cur);
	v->cur = NULL;
	while (v->waiting) {
		struct vstate *s = v->waiting;

		v->waiting = s->next;
		vstate_free(v, s);
	}
	vprune_free(v);
}

/* Nothing is left of the try before but its statistics, and what was learnt. */
static int again(struct verify *v, size_t logged, int err)
{
	if (err != -EACCES || !vneed_learn(v))
		v->forget++;
	drop_states(v);
	memset(v->nseen, 0, v->nnodes * sizeof(*v->nseen));
	v->ids = v->nstates = v->nwaiting = v->since_insns = v->since_jumps = 0;
	v->logged_from = UINT32_MAX;
	v->shown = (struct verify_source){ .text = NULL };
	if (v->log)
		v->log->n = logged;
	v->d->text[0] = '\0';
	v->cur = vstate_new(v);
	return v->cur ? 0 : -ENOMEM;
}

/*
 * Most programs are right whatever is forgotten.  What is refused may be so because too much was, so
 * less is at the next try: all but what the refusal shows to count, if it shows anything.  The last word is
 * that of the try that forgets nothing.
 */
static int tries(struct verify *v)
{
	size_t logged = v->log ? v->log->n : 0;
	uint64_t left;
	int err;

	if (v->in->explore_all)
		v->forget = FORGET_NOTHING;
	for (;;) {
		left = v->max_insns - v->stats.processed;
		v->try_insns = v->max_insns - (v->forget < FORGET_NOTHING ? left / 2 : 0);
		err = try(v);
		if ((err != -EACCES && err != -E2BIG) || !v->forgot)
			break;
		if (again(v, logged, err))
			return -ENOMEM;
	}
	return err;
}

static void finish(struct verify *v)
{
	drop_states(v);
	vstate_free_all(v);
	free(v->seen);
	free(v->nseen);
	free(v->need);
	free(v->base);
	free(v->node);
	free(v->mark);
	free(v->sub);
	free(v->depth);
	free(v->order);
	free(v->order_end);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int verify_program(const struct verify_prog *in, struct verify_log *log, struct verify_stats *stats,
		   struct diag *d)
{
	struct verify v = { .in = in,
			    .p = in->p,
			    .log = log,
			    .d = d,
			    .max_insns = in->max_insns ? in->max_insns : VERIFY_MAX_INSNS,
			    .max_bytes = in->max_bytes ? in->max_bytes : VERIFY_MAX_BYTES,
			    .logged_from = UINT32_MAX };
	uint64_t start = now_ns();
	int err = prepare(&v);

	if (!err)
		err = tries(&v);
	v.stats.ns = now_ns() - start;
	v.stats.verdict = err;
	if (!err && log)
		log->verdict = log->n;
	if (log)
		vlog_stats(&v);
	finish(&v);
	if (stats)
		*stats = v.stats;
	return err;
}
