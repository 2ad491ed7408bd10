/*
 * bpf/verify_loop.c - see verify_priv.h: where loops end.
 *
 * A loop is what can be gone round: its first block, which every way into it passes, is come back to from
 * all others.  Which branches end one is a question of what follows what, not of where it lies:
 * clang puts the way out between the body and the test, or the body before it.
 *
 * Loops are found from the tree of the ways by which blocks were first come to (struct vtree), inner ones
 * first, each taken together to its first block then (Tarjan, Testing flow graph reducibility,
 * 1974; Havlak, Nesting of reducible and irreducible loops, 1997).  What is jumped into beside its first
 * block is taken for less than it is.
 *
 * Nobody proves anything by this: verify_need.c forgets by it, which is right whatever is forgotten.
 *
 * Errors   -ENOMEM
 */
#include "bpf/verify_priv.h"

#include <stdlib.h>

/* Blocks by their numbers in the tree, which begin at 1: 0 is none. */
struct loops {
	struct verify *v;
	const struct vtree *t;
	uint32_t *head; /* the first block of the smallest loop around one, but not of its own */
	uint32_t *with; /* what it was taken together with, or itself */
	uint32_t *before, *end; /* those that lead to one: before[end[b - 1]] to before[end[b]] */
	uint32_t *waiting, nwaiting; /* of one loop, what leads to them is to be looked at */
};

static bool follows(const struct vtree *t, uint32_t first, uint32_t b)
{
	return first <= b && b <= t->last[first];
}

static uint32_t taken_with(struct loops *l, uint32_t b)
{
	while (l->with[b] != b) {
		l->with[b] = l->with[l->with[b]];
		b = l->with[b];
	}
	return b;
}

static void belongs(struct loops *l, uint32_t first, uint32_t b)
{
	b = taken_with(l, b);
	if (b == first || !follows(l->t, first, b))
		return;
	l->head[b] = l->with[b] = first;
	l->waiting[l->nwaiting++] = b;
}

static void find(struct loops *l)
{
	for (uint32_t first = l->t->n; first; first--) {
		for (uint32_t k = l->end[first - 1]; k < l->end[first]; k++)
			if (follows(l->t, first, l->before[k]))
				belongs(l, first, l->before[k]);
		while (l->nwaiting) {
			uint32_t b = l->waiting[--l->nwaiting];

			for (uint32_t k = l->end[b - 1]; k < l->end[b]; k++)
				belongs(l, first, l->before[k]);
		}
	}
}

/* -- what leads to what ----------------------------------------------------------------------- */

static uint32_t number(const struct loops *l, uint32_t at)
{
	return l->t->number[l->v->node[at]];
}

static void each_way(struct loops *l, void (*fn)(struct loops *l, uint32_t from, uint32_t to))
{
	for (uint32_t b = 1; b <= l->t->n; b++) {
		struct vway w = { l->t->at[b], l->t->at[b] };
		uint32_t to;

		while (vorder_next(l->v, &w, &to))
			fn(l, b, number(l, to));
	}
}

static void count(struct loops *l, uint32_t from, uint32_t to)
{
	(void)from;
	l->end[to]++;
}

/* end[] is where the next one goes, backwards, so that it is the beginning when all are there. */
static void enter(struct loops *l, uint32_t from, uint32_t to)
{
	l->before[--l->end[to]] = from;
}

static int ways(struct loops *l)
{
	uint32_t n = l->t->n;

	each_way(l, count);
	for (uint32_t b = 1; b <= n; b++)
		l->end[b] += l->end[b - 1];
	l->before = malloc((l->end[n] + 1) * sizeof(*l->before));
	if (!l->before)
		return -ENOMEM;
	l->end[n + 1] = l->end[n];
	each_way(l, enter);
	for (uint32_t b = 0; b <= n; b++)
		l->end[b] = l->end[b + 1];
	return 0;
}

/* -- branches ----------------------------------------------------------------------------------- */

/* The smallest loop that a way from one block to another stays in; 0: none. */
static uint32_t stays_in(const struct loops *l, uint32_t from, uint32_t at)
{
	uint32_t to = number(l, at);

	return follows(l->t, to, from) ? to : l->head[to];
}

/*
 * A branch ends a loop if one of its ways stays in one that the other one does not.  One that itself
 * goes back to where the loop begins may end another loop within it, which begins there, too.
 */
static void mark(struct loops *l, uint32_t from)
{
	struct verify *v = l->v;
	uint32_t first = l->t->at[from], end = first, loop = 0;
	const struct bpf_insn *in;

	do {
		in = &v->p->insn[end];
		end += 1 + insn_is_lddw(in);
	} while (!insn_is_ja(in) && !insn_is_exit(in) && !(v->mark[end] & VM_NODE));
	if (!insn_is_ja(in) && !insn_is_exit(in))
		loop = stays_in(l, from, end);
	for (uint32_t i = end; i-- > first;) {
		uint32_t to, other;

		in = &v->p->insn[i];
		if (v->mark[i] & VM_SECOND || !insn_is_branch(in))
			continue;
		to = (uint32_t)insn_target(in, i);
		other = stays_in(l, from, to);
		if (!insn_is_ja(in) && (other != loop || other == number(l, to)))
			v->mark[i] |= VM_LOOP;
		/* both lie around this block, so the smaller one began later */
		if (other > loop)
			loop = other;
	}
}

int vloop_mark(struct verify *v, const struct vtree *t)
{
	struct loops l = { .v = v, .t = t };
	size_t n = t->n + 2;
	int err;

	l.head = calloc(n, sizeof(*l.head));
	l.with = malloc(n * sizeof(*l.with));
	l.end = calloc(n, sizeof(*l.end));
	l.waiting = malloc(n * sizeof(*l.waiting));
	err = l.head && l.with && l.end && l.waiting ? ways(&l) : -ENOMEM;
	if (!err) {
		for (uint32_t b = 0; b <= t->n; b++)
			l.with[b] = b;
		find(&l);
		for (uint32_t b = 1; b <= t->n; b++)
			mark(&l, b);
	}
	free(l.head);
	free(l.with);
	free(l.end);
	free(l.waiting);
	free(l.before);
	return err;
}
