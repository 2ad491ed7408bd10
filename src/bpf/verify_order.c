/*
 * bpf/verify_order.c - see verify_priv.h: what can be reached, in which order, and where paths
 * meet.
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

/* The next way out of a block, at its end or by a branch within it; false: there is none. */
bool vorder_next(struct verify *v, struct vway *w, uint32_t *to)
{
	while (w->at < v->p->ninsns) {
		const struct bpf_insn *in = &v->p->insn[w->at];
		uint32_t at = w->at;

		if (at != w->first && v->mark[at] & VM_NODE) {
			w->at = v->p->ninsns;
			*to = at;
			return true;
		}
		v->mark[at] |= VM_SEEN;
		w->at = insn_is_exit(in) || insn_is_ja(in) ? v->p->ninsns :
							     at + 1 + insn_is_lddw(in);
		if (insn_is_branch(in)) {
			*to = (uint32_t)insn_target(in, at);
			return true;
		}
	}
	return false;
}

/* A block that is come to for the first time. */
static struct vway come_to(struct verify *v, struct vtree *t, uint32_t at)
{
	v->mark[at] |= VM_SEEN;
	t->at[++t->n] = at;
	t->number[v->node[at]] = t->n;
	return (struct vway){ at, at };
}

/*
 * Into v->order, function after function: a block comes behind all that follow it, but for those
 * that lead back to it.
 */
static void reach(struct verify *v, struct vway *way, struct vtree *t)
{
	uint32_t done = 0, n = 0, to;

	for (uint32_t s = 0; s < v->p->nsub; s++) {
		way[n++] = come_to(v, t, v->p->sub[s].start);
		while (n) {
			if (!vorder_next(v, &way[n - 1], &to)) {
				uint32_t first = way[--n].first;

				v->order[done++] = first;
				t->last[t->number[v->node[first]]] = t->n;
			} else if (!(v->mark[to] & VM_SEEN)) {
				way[n++] = come_to(v, t, to);
			}
		}
		v->order_end[s] = done;
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

int vorder_compute(struct verify *v)
{
	struct vtree t = { .n = 0 };
	struct vway *way;
	int err = make_nodes(v);
	size_t n = v->nnodes + 1;

	if (err)
		return err;
	way = calloc(n, sizeof(*way));
	t.number = calloc(n, sizeof(*t.number));
	t.at = calloc(n, sizeof(*t.at));
	t.last = calloc(n, sizeof(*t.last));
	if (way && t.number && t.at && t.last) {
		reach(v, way, &t);
		err = all_reached(v);
		if (!err)
			err = vloop_mark(v, &t);
	} else {
		err = -ENOMEM;
	}
	free(way);
	free(t.number);
	free(t.at);
	free(t.last);
	return err;
}
