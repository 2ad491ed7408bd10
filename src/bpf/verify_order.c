/*
 * bpf/verify_order.c - see verify_priv.h: what can be reached, in which order, where paths meet and
 * where loops end.
 */
#include "bpf/kfunc.h"
#include "bpf/verify_priv.h"

#include <stdlib.h>

static bool is_iter_next(const struct bpf_insn *in)
{
	return insn_is_call(in) && in->src_reg == CALL_KFUNC && in->imm == KFUNC_ITER_NUM_NEXT;
}

/* Where paths meet, and where blocks begin: the other questions are answered there only. */
static void mark(struct verify *v, uint32_t at)
{
	const struct bpf_insn *in = &v->p->insn[at];

	if (insn_is_branch(in))
		v->mark[insn_target(in, at)] |= VM_PRUNE | VM_NODE;
	if (vcall_is_callback(in) || is_iter_next(in) || insn_is_may_goto(in))
		v->mark[at] |= VM_PRUNE | VM_FORCE | VM_NODE;
	if (insn_is_local_call(in)) {
		v->mark[at] |= VM_NODE;
		v->mark[at + 1] |= VM_PRUNE | VM_NODE; /* ways out of a function meet there */
	}
	if (insn_is_lddw(in))
		v->mark[at + 1] |= VM_SECOND;
}

static int make_nodes(struct verify *v)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->p->ninsns; i++)
		if (!(v->mark[i] & VM_SECOND))
			mark(v, i);
	for (uint32_t s = 0; s < v->p->nsub; s++)
		v->mark[v->p->sub[s].start] |= VM_NODE;
	for (uint32_t i = 0; i < v->p->ninsns; i++)
		if (v->mark[i] & VM_NODE)
			v->node[i] = n++;
	v->nnodes = n;
	v->order = calloc(n, sizeof(*v->order));
	return v->order ? 0 : -ENOMEM;
}

struct way {
	uint32_t node, at; /* the block's first instruction; the next one that is looked at */
};

/* The next block that follows and was not seen; false: none does. */
static bool follow(struct verify *v, struct way *w, uint32_t *to)
{
	while (w->at < v->p->ninsns) {
		const struct bpf_insn *in = &v->p->insn[w->at];
		bool began = w->at != w->node;
		uint32_t at = w->at;

		if (began && v->mark[at] & VM_NODE) {
			w->at = v->p->ninsns;
			*to = at;
		} else {
			v->mark[at] |= VM_SEEN;
			w->at = insn_is_exit(in) || insn_is_ja(in) ? v->p->ninsns :
								     at + 1 + insn_is_lddw(in);
			if (!insn_is_branch(in))
				continue;
			*to = (uint32_t)insn_target(in, at);
		}
		if (!(v->mark[*to] & VM_SEEN))
			return true;
	}
	return false;
}

/*
 * Into v->order, function after function: a block comes behind all that follow it, but for those
 * that lead back to it.
 */
static int reach(struct verify *v)
{
	struct way *way = calloc(v->nnodes + 1, sizeof(*way));
	uint32_t done = 0, n = 0, to;

	if (!way)
		return -ENOMEM;
	for (uint32_t s = 0; s < v->p->nsub; s++) {
		way[n++] = (struct way){ v->p->sub[s].start, v->p->sub[s].start };
		while (n) {
			if (follow(v, &way[n - 1], &to)) {
				v->mark[to] |= VM_SEEN;
				way[n++] = (struct way){ to, to };
			} else {
				v->order[done++] = way[--n].node;
			}
		}
		v->order_end[s] = done;
	}
	free(way);
	return 0;
}

/* -- loops ----------------------------------------------------------------------------------- */

/* The largest one that is at most i and was not filled; indices are one more than instructions. */
static uint32_t unfilled(uint32_t *below, uint32_t i)
{
	while (below[i] != i) {
		below[i] = below[below[i]];
		i = below[i];
	}
	return i;
}

/*
 * A loop is what lies between a jump backwards and its target, as compilers lay them out.  Into
 * end[]: where the smallest loop around an instruction ends, one more than the jump; 0: it is in none.
 */
static void find_loops(const struct verify *v, uint32_t *end, uint32_t *below)
{
	uint32_t n = v->p->ninsns;

	for (uint32_t i = 0; i <= n; i++)
		below[i] = i;
	for (uint32_t i = 0; i < n; i++) {
		const struct bpf_insn *in = &v->p->insn[i];
		int64_t to = v->mark[i] & VM_SECOND || !insn_is_branch(in) ? INT64_MAX :
									     insn_target(in, i);

		if (to > i)
			continue;
		for (uint32_t k = unfilled(below, i + 1); k > to; k = unfilled(below, k)) {
			end[k - 1] = i + 1;
			below[k] = k - 1;
		}
	}
}

static bool leaves(const struct verify *v, uint32_t at, const uint32_t *end)
{
	const struct bpf_insn *in = &v->p->insn[at];
	int64_t to = insn_target(in, at);

	return to <= at || (end[at] && to >= end[at]);
}

static void mark_loops(struct verify *v, const uint32_t *end)
{
	for (uint32_t i = 0; i < v->p->ninsns; i++) {
		const struct bpf_insn *in = &v->p->insn[i];

		if (v->mark[i] & VM_SECOND || !insn_is_branch(in) || insn_is_ja(in))
			continue;
		/* if (...) continue; break; */
		if (leaves(v, i, end) || (insn_is_ja(&in[1]) && end[i] && leaves(v, i + 1, end)))
			v->mark[i] |= VM_LOOP;
	}
}

static int all_reached(struct verify *v)
{
	for (uint32_t i = 0; i < v->p->ninsns; i++) {
		if (v->mark[i] & (VM_SEEN | VM_SECOND))
			continue;
		v->cur->at = i;
		return vdeny(v, "no path leads there: take it out, or compile with -O2",
			     "unreachable insn %u", i);
	}
	return 0;
}

static int loops(struct verify *v)
{
	uint32_t n = v->p->ninsns;
	uint32_t *end = calloc(n, sizeof(*end)), *below = calloc(n + 1, sizeof(*below));
	int err = end && below ? 0 : -ENOMEM;

	if (!err) {
		find_loops(v, end, below);
		mark_loops(v, end);
	}
	free(end);
	free(below);
	return err;
}

int vorder_compute(struct verify *v)
{
	int err = make_nodes(v);

	if (!err)
		err = reach(v);
	if (!err)
		err = all_reached(v);
	return err ? err : loops(v);
}
