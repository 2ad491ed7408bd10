/*
 * bpf/verify.c - see verify.h: paths, one after another.
 */
#include "bpf/verify.h"

#include "bpf/verify_priv.h"

#include <stdlib.h>
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
	v->cur->at++;
	return err;
}

static int too_long(struct verify *v)
{
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
	struct vframe before;
	uint32_t at = v->cur->at;
	int err;

	if (++v->stats.processed > v->max_insns)
		return too_long(v);
	if (vcall_is_callback(in) && !vframe(v)->loop)
		vframe(v)->loop = ++v->ids;
	err = v->mark[at] & VM_PRUNE ? vprune_visit(v) : 0;
	if (err)
		return err;
	v->since_insns++;
	if (vlog_on(v)) {
		vlog_insn(v);
		before = *vframe(v);
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
	v->cur->next = NULL;
	if (v->log && !(v->log->level & 2) && v->log->n > v->cur->log_at)
		v->log->n = v->cur->log_at;
	if (vlog_on(v)) {
		vlog(v, "\nfrom %u to %u: ", v->cur->last_at, v->cur->at);
		vlog_state(v);
	}
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
	return err == VERIFY_END ? 0 : err;
}

static int prepare(struct verify *v)
{
	uint32_t n = v->p->ninsns;

	v->seen = calloc(n, sizeof(struct vstate *));
	v->nseen = calloc(n, sizeof(*v->nseen));
	v->live = calloc(n + 1, sizeof(*v->live));
	v->mark = calloc(n + 1, 1);
	if (!v->seen || !v->nseen || !v->live || !v->mark)
		return -ENOMEM;
	v->cur = vstate_new(v);
	if (!v->cur)
		return -ENOMEM;
	*vreg(v, 1) = vreg_pointer(V_CTX, 0);
	return vlive_compute(v);
}

static void finish(struct verify *v)
{
	vstate_free(v, v->cur);
	while (v->waiting) {
		struct vstate *s = v->waiting;

		v->waiting = s->next;
		vstate_free(v, s);
	}
	vprune_free(v);
	free(v->nseen);
	free(v->live);
	free(v->mark);
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

	if (!err) {
		if (vlog_on(&v))
			vlog_state(&v);
		err = walk(&v);
	}
	v.stats.ns = now_ns() - start;
	v.stats.verdict = err;
	if (!err && log && !(log->level & 2))
		log->n = 0;
	if (log)
		vlog_stats(&v);
	finish(&v);
	if (stats)
		*stats = v.stats;
	return err;
}
