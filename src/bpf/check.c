/*
 * bpf/check.c - see check.h: subprograms, jumps, how calls nest.
 *
 * A subprogram begins at instruction 0 and at each function that a call or an address names,
 * and ends where the next one begins.  Unreachable code is fine, but has been decoded.
 * Whoever takes a function's address is counted as its caller, as in the kernel: whatever
 * helper runs it does so while its taker's frame is there.
 *
 * Spec     RFC 9669 4.3.1; the limits are those of kernel/bpf/verifier.c
 */
#include "bpf/check.h"

#include "bpf/helper.h"
#include "bpf/insn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MARK_SECOND = 1, MARK_START = 2 };

/* The second half of a 64-bit load is data: nothing may go there. */
static uint8_t *mark_insns(const struct program *p)
{
	uint8_t *mark = calloc(p->ninsns, 1);

	for (uint32_t i = 0; mark && i < p->ninsns; i++)
		if (insn_is_lddw(&p->insn[i]))
			mark[++i] |= MARK_SECOND;
	return mark;
}

static int find_subprogs(struct program *p, uint8_t *mark, struct diag *d)
{
	uint32_t n = 1;

	mark[0] |= MARK_START;
	for (uint32_t i = 0; i < p->ninsns; i++) {
		int64_t to = insn_target(&p->insn[i], i);

		if (mark[i] & MARK_SECOND || !insn_names_func(&p->insn[i]))
			continue;
		if (to < 0 || to >= p->ninsns || mark[to] & MARK_SECOND)
			return diag_set(d, -EACCES, "insn %u: %s %lld, which is no instruction", i,
					insn_is_func(&p->insn[i]) ? "the address of" : "call to",
					(long long)to);
		n += !(mark[to] & MARK_START);
		mark[to] |= MARK_START;
	}
	if (n > CHECK_MAX_SUBPROGS)
		return diag_set(d, -EACCES, "%u subprograms, the limit is %u", n,
				CHECK_MAX_SUBPROGS);
	p->sub = calloc(n, sizeof(*p->sub));
	if (!p->sub)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->ninsns; i++)
		if (mark[i] & MARK_START)
			p->sub[p->nsub++].start = i;
	for (uint32_t s = 0; s < p->nsub; s++)
		p->sub[s].end = s + 1 < p->nsub ? p->sub[s + 1].start : p->ninsns;
	return 0;
}

static int check_jumps(const struct program *p, const struct program_subprog *s,
		       const uint8_t *mark, struct diag *d)
{
	uint32_t last = s->start;

	for (uint32_t i = s->start; i < s->end; i++) {
		const struct bpf_insn *in = &p->insn[i];
		int64_t to = insn_target(in, i);

		if (mark[i] & MARK_SECOND)
			continue;
		last = i;
		if (!insn_is_branch(in))
			continue;
		if (to < s->start || to >= s->end)
			return diag_set(d, -EACCES,
					"insn %u: jump to %lld leaves the function [%u, %u)", i,
					(long long)to, s->start, s->end);
		if (mark[to] & MARK_SECOND)
			return diag_set(d, -EACCES, "insn %u: jump into the middle of insn %lld", i,
					(long long)to - 1);
	}
	if (!insn_is_exit(&p->insn[last]) && !insn_is_ja(&p->insn[last]))
		return diag_set(d, -EACCES, "insn %u: the function ends without exit or goto",
				last);
	return 0;
}

uint32_t program_sub_at(const struct program *p, uint32_t insn)
{
	uint32_t lo = 0, hi = p->nsub;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->sub[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/* Who names whom: p->edge, and what sub[] says of its functions. */
static int find_edges(struct program *p)
{
	uint32_t s = 0;

	p->edge = calloc(p->nsub, p->nsub);
	if (!p->edge)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->ninsns; i++) {
		const struct bpf_insn *in = &p->insn[i];

		s += i == p->sub[s].end;
		p->sub[s].may_goto |= insn_is_may_goto(in);
		p->sub[s].tails |= insn_is_tail_call(in);
		p->tails |= insn_is_tail_call(in);
		if (insn_names_func(in)) {
			uint32_t to = program_sub_at(p, (uint32_t)insn_target(in, i));

			p->edge[s * p->nsub + to] |= insn_is_func(in) ? EDGE_CALLBACK : EDGE_CALL;
			p->sub[to].callback |= insn_is_func(in);
		}
		i += insn_is_lddw(in);
	}
	return 0;
}

/*
 * One round makes each subprogram's value its own plus the largest among those it names; the
 * n-th round knows all chains of n + 1 frames, so PROGRAM_MAX_CALLS rounds know all that
 * are allowed.
 */
static void chain_round(const struct program *p, const uint32_t *own, unsigned edges, uint32_t *sum)
{
	for (uint32_t s = 0; s < p->nsub; s++) {
		uint32_t most = 0;

		for (uint32_t to = 0; to < p->nsub; to++)
			if (p->edge[s * p->nsub + to] & edges && sum[to] > most)
				most = sum[to];
		sum[s] = own[s] + most;
	}
}

uint32_t check_chain(const struct program *p, const uint32_t *own, unsigned edges)
{
	uint32_t sum[CHECK_MAX_SUBPROGS];

	memcpy(sum, own, p->nsub * sizeof(*own));
	for (unsigned round = 0; round < PROGRAM_MAX_CALLS && p->nsub > 1; round++)
		chain_round(p, own, edges, sum);
	return sum[0];
}

/*
 * Functions that nobody calls from the program are looked at too: depth 1 everywhere, so
 * a cycle or a long chain anywhere grows past the limit.
 */
static int check_nesting(const struct program *p, struct diag *d)
{
	uint32_t own[CHECK_MAX_SUBPROGS], sum[CHECK_MAX_SUBPROGS];

	for (uint32_t s = 0; s < p->nsub; s++)
		own[s] = sum[s] = 1;
	for (unsigned round = 0; round < PROGRAM_MAX_CALLS; round++)
		chain_round(p, own, EDGE_CALL | EDGE_CALLBACK, sum);
	for (uint32_t s = 0; s < p->nsub; s++)
		if (sum[s] > PROGRAM_MAX_CALLS)
			return diag_set(d, -EACCES,
					"insn %u: calls nest deeper than %u functions, or recurse",
					p->sub[s].start, PROGRAM_MAX_CALLS);
	return 0;
}

uint32_t check_before(const struct program *p, const uint32_t *own, uint32_t sub)
{
	uint32_t sum[CHECK_MAX_SUBPROGS] = { 0 };

	for (unsigned round = 0; round < PROGRAM_MAX_CALLS; round++)
		for (uint32_t s = 0; s < p->nsub; s++)
			for (uint32_t to = 0; to < p->nsub; to++)
				if (p->edge[s * p->nsub + to] && sum[s] + own[s] > sum[to])
					sum[to] = sum[s] + own[s];
	return sum[sub];
}

/* Callbacks and what they call. */
static void mark_callbacks(const struct program *p, bool in[CHECK_MAX_SUBPROGS])
{
	for (uint32_t s = 0; s < p->nsub; s++)
		in[s] = p->sub[s].callback;
	for (unsigned round = 0; round < PROGRAM_MAX_CALLS; round++)
		for (uint32_t s = 0; s < p->nsub; s++)
			for (uint32_t to = 0; in[s] && to < p->nsub; to++)
				in[to] |= p->edge[s * p->nsub + to] != 0;
}

static bool asks_for_hit(const struct bpf_insn *i)
{
	const struct helper *h = insn_is_call(i) && i->src_reg == CALL_HELPER ?
					 helper_by_id((uint32_t)i->imm) :
					 NULL;

	return h && (h->id == BPF_FUNC_get_attach_cookie || h->flags & HELPER_WALKS);
}

/* A helper's code is between a callback and the program that a tail call would replace. */
static int check_callbacks(struct program *p, struct diag *d)
{
	bool in[CHECK_MAX_SUBPROGS];

	mark_callbacks(p, in);
	for (uint32_t s = 0; s < p->nsub; s++) {
		if (in[s] && p->sub[s].tails)
			return diag_set(
				d, -ENOTSUP,
				"insn %u: tail calls in callbacks are not supported: return 1 "
				"and make the tail call behind the loop",
				p->sub[s].start);
		for (uint32_t i = p->sub[s].start; in[s] && i < p->sub[s].end; i++) {
			p->hit_in_callback |= asks_for_hit(&p->insn[i]);
			i += insn_is_lddw(&p->insn[i]);
		}
	}
	return 0;
}

int check_flow(struct program *p, struct diag *d)
{
	uint8_t *mark = mark_insns(p);
	int err = mark ? find_subprogs(p, mark, d) : -ENOMEM;

	for (uint32_t s = 0; !err && s < p->nsub; s++)
		err = check_jumps(p, &p->sub[s], mark, d);
	free(mark);
	if (!err)
		err = find_edges(p);
	if (!err)
		err = check_nesting(p, d);
	return err ? err : check_callbacks(p, d);
}
