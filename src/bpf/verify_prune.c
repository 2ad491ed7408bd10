/*
 * bpf/verify_prune.c - see verify_priv.h: states that were seen, where paths meet.
 *
 * A path ends at a state that is a case of one from which all paths have ended (branches is 0).
 *
 * It also ends at a case of a state on its own way here, if the run time bounds how often the way
 * between the two is gone: bpf_iter_num_next, may_goto, callbacks.  Nothing new can follow, and it
 * ends; at these instructions alone, so that no way round leaves them out.  What bounds it is told by a
 * token, which is never used twice: the iterator, the call that has a budget of may_goto, the call of the
 * helper.  It must have been there at the first state, have been passed since and be there still, so an
 * unbounded loop around a bounded one is not taken for it; and a state from which paths ended so covers
 * only those with the same tokens (lean), so that none is begun anew on another way round.  What changes
 * from round to round is widened to "any number", so that few rounds are looked at.
 *
 * Without such a bound, a state that equals one on its way here goes round for ever: refused.
 *
 * A state that is remembered forgets what verify_need.c says, and the path goes on with what is left:
 * what is proved of it is proved of every state that it covers, however wrong the answers may be.  They
 * do not depend on the paths that were walked, so states from which paths still wait can be
 * compared with.
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

/* The same of those on the path's own way, which only tell that it goes round for ever. */
#define MOST_ON_THE_WAY 8

/*
 * Where more than so many states are remembered, a loop goes round for long, and these are looked at once in
 * eight times: what goes round for ever is found so as well, later.  By chance, as rounds may repeat themselves
 * after any number of them.
 */
#define MANY_STATES 16

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
	uint32_t n, id[VERIFY_FRAMES * (INSN_FP + VERIFY_SLOTS)];
};

static void collect(const struct vreg *r, void *arg)
{
	struct ids *ids = arg;

	if (r->kind == V_SCALAR && r->id)
		ids->id[ids->n++] = r->id;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort(struct ids *ids)
{
	if (ids->n > 1)
		qsort(ids->id, ids->n, sizeof(ids->id[0]), by_number);
}

/* How many of a sorted list; more than one is two. */
static unsigned times(const struct ids *ids, uint32_t id)
{
	uint32_t lo = 0, hi = ids->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ids->id[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ids->n || ids->id[lo] != id)
		return 0;
	return lo + 1 < ids->n && ids->id[lo + 1] == id ? 2 : 1;
}

/* The only one of its id is equal to nothing. */
static bool is_single(const struct vreg *r, const void *arg)
{
	return r->kind == V_SCALAR && r->id && times(arg, r->id) < 2;
}

static void drop_id(struct vreg *r, const void *arg)
{
	r->id = 0;
}

/* What counts of frame k while a function that it called runs, or the current one. */
static struct vneed need_of(const struct verify *v, const struct vstate *s, unsigned k)
{
	const struct vframe *callee = k < s->depth ? s->f[k + 1] : NULL;
	struct vneed n = *vneed_at(v, callee ? callee->call_at : s->at);

	if (callee && !callee->callback)
		n.live.reg &= 0x7c0;
	return n;
}

static bool in_slots(const struct vslots *s, unsigned i)
{
	return (s->half[0] | s->half[1]) >> i & 1;
}

/* Those that are equal to a number that counts. */
static void needed_ids(const struct verify *v, const struct vstate *s, struct ids *ids)
{
	for (unsigned k = 0; k <= s->depth; k++) {
		struct vneed n = need_of(v, s, k);
		const struct vframe *f = s->f[k];

		for (unsigned r = 0; r < INSN_FP; r++)
			if ((n.live.reg & n.need.reg) >> r & 1)
				collect(&f->r[r], ids);
		for (unsigned i = 0; i < f->nslots; i++)
			if (f->slot[i].byte[0] == S_SPILL && in_slots(&n.need.slot, i))
				collect(&f->slot[i].spill, ids);
	}
	sort(ids);
}

static bool counts(const struct vreg *r, const struct ids *needed)
{
	return r->kind != V_SCALAR || (r->id && times(needed, r->id));
}

static void forget_slot(struct verify *v, struct vslot *s, bool live, const struct ids *needed)
{
	if (s->byte[0] == S_ITER || (live && s->byte[0] == S_SPILL && counts(&s->spill, needed)))
		return;
	for (unsigned k = 0; k < 8; k++) {
		v->forgot |= s->byte[k] == S_SPILL || s->byte[k] == S_ZERO;
		if (!live)
			s->byte[k] = S_UNSET;
		else if (s->byte[k] != S_UNSET)
			s->byte[k] = S_MISC;
	}
	memset(&s->spill, 0, sizeof(s->spill));
}

static bool is_empty(const struct vslot *s)
{
	static const uint8_t none[8];

	return !memcmp(s->byte, none, sizeof(none));
}

/* What is live and does not count; and all of the stack that nobody reads. */
static void forget(struct verify *v, struct vframe *f, const struct vneed *n,
		   const struct ids *needed)
{
	for (unsigned r = 0; r < INSN_FP; r++) {
		if (n->need.reg >> r & 1 || counts(&f->r[r], needed))
			continue;
		v->forgot |= f->r[r].flags || f->r[r].id || !range_is_unknown(&f->r[r].r);
		f->r[r] = vreg_number();
	}
	for (unsigned i = 0; i < f->nslots; i++)
		if (!in_slots(&n->need.slot, i))
			forget_slot(v, &f->slot[i], in_slots(&n->live.slot, i), needed);
	while (f->nslots && is_empty(&f->slot[f->nslots - 1]))
		f->nslots--;
}

/* Registers that nobody reads any more are as if they had never been set. */
static void clean(struct verify *v, struct vstate *s)
{
	struct ids ids = { .n = 0 };

	if (v->forget < FORGET_NOTHING)
		needed_ids(v, s, &ids);
	for (unsigned k = 0; k <= s->depth; k++) {
		struct vneed n = need_of(v, s, k);
		struct vframe *f = k < s->depth && s->f[k]->clean ? NULL : vframe_own(v, s, k);

		if (!f)
			continue; /* nothing has changed, or there is no memory */
		for (unsigned r = 0; r < INSN_FP; r++)
			if (!(n.live.reg >> r & 1))
				f->r[r] = (struct vreg){ .kind = V_UNSET };
		if (v->forget < FORGET_NOTHING)
			forget(v, f, &n, &ids);
		f->clean = k < s->depth;
	}
	ids.n = 0;
	vreg_scan(s, collect, &ids);
	sort(&ids);
	if (ids.n)
		vreg_each(v, s, is_single, drop_id, &ids);
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
	uint32_t node = v->node[v->cur->at];

	if (!s)
		return -ENOMEM;
	s->branches = 1;
	s->token = token;
	s->ids = v->ids;
	s->next = v->seen[node];
	v->seen[node] = s;
	v->cur->parent = s;
	v->since_insns = v->since_jumps = 0;
	v->stats.states++;
	v->nstates++;
	if (v->nstates > v->stats.peak_states)
		v->stats.peak_states = v->nstates;
	if (++v->nseen[node] > v->stats.max_per_insn)
		v->stats.max_per_insn = v->nseen[node];
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
	v->nseen[v->node[v->cur->at]]--;
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

/*
 * The path ends at a state that is on its way, or that leans on one: what was there when `ids` were given
 * bounds how often the states between are come through, as long as it is the same that counts.
 */
static void lean_on(struct vstate *now, uint32_t ids)
{
	for (struct vstate *s = now->parent; ids && s && s->ids >= ids; s = s->parent)
		if (s->lean < ids)
			s->lean = ids;
}

/* What counted the rounds that old leans on counts them now: it was not begun anew. */
static bool same_tokens(const struct vstate *old, const struct vstate *now)
{
	for (unsigned k = 0; k < old->nrefs; k++)
		if (old->ref[k].id <= old->lean && old->ref[k].id != now->ref[k].id)
			return false;
	for (unsigned k = 0; k <= old->depth; k++) {
		const struct vframe *a = old->f[k], *b = now->f[k];

		if ((a->serial <= old->lean && a->serial != b->serial) ||
		    (a->loop <= old->lean && a->loop != b->loop))
			return false;
	}
	return true;
}

static bool too_soon(const struct verify *v, bool loop)
{
	if (loop)
		return v->since_jumps < LEAST_JUMPS_ROUND && v->since_insns < LEAST_INSNS_ROUND;
	return v->since_jumps < LEAST_JUMPS || v->since_insns < LEAST_INSNS;
}

static bool looks_at_way(struct verify *v)
{
	if (v->nseen[v->node[v->cur->at]] <= MANY_STATES)
		return true;
	v->chance = v->chance * 1103515245 + 12345;
	return !(v->chance >> 16 & 7);
}

int vprune_visit(struct verify *v)
{
	struct vstate *s = v->cur, *before = NULL, *old;
	uint32_t token = token_of(v, s), looked = 0, way = 0;
	bool loop = false, looks = looks_at_way(v);

	if (v->in->explore_all && !(v->mark[s->at] & VM_FORCE))
		return 0;
	for (struct vstate **at = &v->seen[v->node[s->at]];
	     (old = *at) && looked++ < MOST_LOOKED_AT;) {
		if (old->branches && !token && (!looks || way++ >= MOST_ON_THE_WAY)) {
			loop = true;
			at = &old->next;
			continue;
		}
		if (vsame_covers(old, s)) {
			bool counted = old->branches && bounded(old, s, token);

			if (old->branches ? counted && token && token <= old->ids :
					    same_tokens(old, s)) {
				lean_on(s, old->branches ? old->ids : old->lean);
				old->hits++;
				return VERIFY_END;
			}
			if (old->branches && !counted) {
				clean(v, s);
				if (vsame_covers(s, old))
					return endless(v);
			}
		}
		if (old->branches && token && old->token == token && !before)
			before = old;
		loop |= old->branches != 0;
		if (!old->branches && drop_useless(v, at))
			continue;
		at = &old->next;
	}
	if (before)
		vsame_widen(v, before, s);
	if (!(v->mark[s->at] & VM_FORCE) && too_soon(v, loop))
		return 0;
	clean(v, s);
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
	for (uint32_t i = 0; v->seen && i < v->nnodes; i++)
		while (v->seen[i]) {
			struct vstate *s = v->seen[i];

			v->seen[i] = s->next;
			vstate_free(v, s);
		}
}
