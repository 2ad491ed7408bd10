/*
 * bpf/verify_prune.c - see verify_priv.h: states that were seen, where paths meet.
 *
 * A path ends at a state that is a case of one from which all paths have ended (branches is 0).
 *
 * It also ends at a case of a state on its own way here, if the run time bounds how often the way
 * between the two is gone: bpf_iter_num_next, may_goto, callbacks.  Nothing new can follow, and it
 * ends.  What bounds it is told by a token, which is never used twice: the iterator, the call that has
 * a budget of may_goto, the call of the helper.  It must have been there at the first state, have been
 * passed since and be there still, so an unbounded loop around a bounded one is not taken for it.  What changes from
 * round to round is widened to "any number", so that few rounds are looked at.
 *
 * Without such a bound, a state that equals one on its way here goes round for ever: refused.
 *
 * Which registers matter does not depend on the paths that were walked (verify_live.c), so states
 * from which paths still wait can be compared with.
 */
#include "bpf/kfunc.h"
#include "bpf/verify_priv.h"

#include <stdlib.h>
#include <string.h>

/* Remembering every state would cost more than it saves: as the kernel does it. */
#define LEAST_JUMPS 2
#define LEAST_INSNS 8

/* Within a loop, where states of one instruction differ by a counter: */
#define LEAST_JUMPS_ROUND 20
#define LEAST_INSNS_ROUND 100

/* No more are compared with at a time, the newest first. */
#define MOST_LOOKED_AT 64

static uint32_t token_of(const struct verify *v, const struct vstate *s)
{
	const struct bpf_insn *in = &v->p->insn[s->at];
	const struct vframe *f = s->f[s->depth];
	const struct vreg *it = &f->r[1];
	int64_t lo, hi;
	unsigned i;

	if (insn_is_may_goto(in))
		return f->spent ? 0 : f->serial;
	if (!insn_is_call(in))
		return 0;
	if (in->src_reg == CALL_HELPER)
		return f->loop;
	if (in->src_reg != CALL_KFUNC || it->kind != V_STACK || !vreg_spans(it, &lo, &hi) ||
	    lo != hi || lo >= 0)
		return 0;
	i = (unsigned)(-lo - 1) / 8;
	if (i >= s->f[it->frame]->nslots || s->f[it->frame]->slot[i].byte[0] != S_ITER)
		return 0;
	if (s->f[it->frame]->slot[i].spill.index) /* it has ended: nothing bounds it any more */
		return 0;
	return s->f[it->frame]->slot[i].spill.ref;
}

/* What is spent in now was so in old: else the way between the two is not one that is gone again. */
static bool same_budgets(const struct vstate *old, const struct vstate *now)
{
	for (unsigned k = 0; k <= now->depth; k++)
		if (old->f[k]->spent != now->f[k]->spent)
			return false;
	return true;
}

/* -- what makes no difference ------------------------------------------------------------------ */

struct ids {
	uint32_t n, id[256];
};

static void collect(struct vreg *r, void *arg)
{
	struct ids *ids = arg;

	if (r->kind == V_SCALAR && r->id && ids->n < ARRAY_LEN(ids->id))
		ids->id[ids->n++] = r->id;
}

/* The only one of its id is equal to nothing. */
static void drop_single(struct vreg *r, void *arg)
{
	const struct ids *ids = arg;
	unsigned found = 0;

	if (r->kind != V_SCALAR || !r->id || ids->n == ARRAY_LEN(ids->id))
		return;
	for (uint32_t k = 0; k < ids->n; k++)
		found += ids->id[k] == r->id;
	if (found < 2)
		r->id = 0;
}

/* Registers that nobody reads any more are as if they had never been set. */
static void clean(struct verify *v, struct vstate *s)
{
	struct ids ids = { .n = 0 };

	for (unsigned k = 0; k <= s->depth; k++) {
		const struct vframe *callee = k < s->depth ? s->f[k + 1] : NULL;
		uint16_t live = v->live[callee ? callee->call_at : s->at];

		if (callee && !callee->callback)
			live &= 0x7c0;
		for (unsigned r = 0; r < INSN_FP; r++)
			if (!(live >> r & 1))
				s->f[k]->r[r] = (struct vreg){ .kind = V_UNSET };
	}
	vreg_each(s, collect, &ids);
	if (ids.n)
		vreg_each(s, drop_single, &ids);
}

/* -- states ---------------------------------------------------------------------------------- */

static int endless(struct verify *v)
{
	return vdeny(v,
		     "nothing that the loop tests changes: let its counter grow to a bound, or use "
		     "bpf_for(), bpf_loop() or can_loop",
		     "infinite loop detected at insn %u", v->cur->at);
}

static int remember(struct verify *v, uint32_t token)
{
	struct vstate *s = vstate_copy(v, v->cur);
	uint32_t at = v->cur->at;

	if (!s)
		return -ENOMEM;
	s->branches = 1;
	s->token = token;
	s->ids = v->ids;
	s->next = v->seen[at];
	v->seen[at] = s;
	v->cur->parent = s;
	v->since_insns = v->since_jumps = 0;
	v->stats.states++;
	v->nstates++;
	if (v->nstates > v->stats.peak_states)
		v->stats.peak_states = v->nstates;
	if (++v->nseen[at] > v->stats.max_per_insn)
		v->stats.max_per_insn = v->nseen[at];
	return vstate_full(v);
}

/* It has helped too seldom: later states rather find others. */
static bool drop_useless(struct verify *v, struct vstate **at)
{
	struct vstate *s = *at;

	if (++s->misses <= s->hits * 3 + 3)
		return false;
	*at = s->next;
	v->nstates--;
	v->nseen[v->cur->at]--;
	vstate_free(v, s);
	return true;
}

/* Is what this token stands for open still? */
static bool is_open(const struct vstate *s, uint32_t token)
{
	for (unsigned k = 0; k <= s->depth; k++) {
		const struct vframe *f = s->f[k];

		if (f->serial == token || f->loop == token)
			return true;
		for (unsigned i = 0; i < f->nslots; i++)
			if (f->slot[i].byte[0] == S_ITER && f->slot[i].spill.ref == token)
				return true;
	}
	return false;
}

/*
 * Between old and now, which came from it, something was passed that was there at old already and is
 * still.  What is gone by now bounds this round only.
 */
static bool bounded(const struct vstate *old, const struct vstate *now, uint32_t token)
{
	const struct vstate *s = now->parent;

	if (!same_budgets(old, now))
		return false;
	while (!token || token > old->ids || !is_open(now, token)) {
		if (!s || s == old)
			return false;
		token = s->token;
		s = s->parent;
	}
	return true;
}

static bool too_soon(const struct verify *v, bool loop)
{
	if (loop)
		return v->since_jumps < LEAST_JUMPS_ROUND && v->since_insns < LEAST_INSNS_ROUND;
	return v->since_jumps < LEAST_JUMPS || v->since_insns < LEAST_INSNS;
}

int vprune_visit(struct verify *v)
{
	struct vstate *s = v->cur, *before = NULL, *old;
	uint32_t token = token_of(v, s), looked = 0;
	bool loop = false;

	clean(v, s);
	for (struct vstate **at = &v->seen[s->at]; (old = *at) && looked++ < MOST_LOOKED_AT;) {
		if (vsame_covers(old, s)) {
			if (!old->branches || bounded(old, s, token)) {
				old->hits++;
				return VERIFY_END;
			}
			if (vsame_covers(s, old))
				return endless(v);
		}
		if (old->branches && token && old->token == token && !before)
			before = old;
		loop |= old->branches != 0;
		if (!old->branches && drop_useless(v, at))
			continue;
		at = &old->next;
	}
	if (before)
		vsame_widen(before, s);
	if (!(v->mark[s->at] & VM_FORCE) && too_soon(v, loop))
		return 0;
	return remember(v, token);
}

/* The path that was walked is over: so may be all from the states on its way. */
void vprune_path_ends(struct verify *v)
{
	for (struct vstate *s = v->cur->parent; s && !--s->branches; s = s->parent)
		;
}

void vprune_free(struct verify *v)
{
	for (uint32_t i = 0; v->seen && i < v->p->ninsns; i++)
		for (struct vstate *s = v->seen[i], *next; s; s = next) {
			next = s->next;
			vstate_free(v, s);
		}
	free(v->seen);
	v->seen = NULL;
}
