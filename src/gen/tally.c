/*
 * gen/tally.c - see tally.h.
 *
 *   r6 ctx   r7, r8 pointers   r9 time
 *   r10 - 8: the function's number as key of an array; later the value of a new stack
 *
 * Spec     RFC 9669; bpf-helpers(7)
 */
#include "gen/tally.h"

#include "bpf/kfunc.h"
#include "gen/regs.h"

#include <errno.h>
#include <stddef.h>

#define KEY_OFF   (-8)
#define STACK_MAX 60 /* frames of a key that fits a program's stack, and leaves room for r10 - 8 */

#define LATENCY(field) offsetof(struct gen_tally_latency, field)

bool gen_tally_at_exit(const struct gen_tally *t)
{
	return t->kind != GEN_TALLY_LATENCY && t->filter && gen_expr_uses_ret(t->filter);
}

bool gen_tally_uses_scratch(const struct gen_tally *t)
{
	return t->kind == GEN_TALLY_STACK && t->depth > STACK_MAX;
}

/* r0: the function's element of an array; without one the program ends. */
static void put_element(struct gen_writer *w, const struct gen_tally *t, int fd)
{
	unsigned there;

	gen_put(w, BPF_ST | BPF_MEM | BPF_W, R10, 0, KEY_OFF, (int32_t)t->index);
	gen_put_map(w, R1, fd);
	gen_put_mov(w, R2, R10);
	gen_put_add(w, R2, KEY_OFF);
	gen_put_call(w, BPF_FUNC_map_lookup_elem);
	there = gen_put_jump(w, BPF_JNE, R0, 0);
	gen_put_exit(w);
	gen_jump_here(w, there);
}

/* [base + off] += src, so that nothing can come between. */
static void put_tally(struct gen_writer *w, uint8_t base, size_t off, uint8_t src)
{
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, base, src, (int)off, BPF_ADD);
}

static void put_tally_one(struct gen_writer *w, uint8_t base, size_t off)
{
	gen_put_set(w, R1, 1);
	put_tally(w, base, off, R1);
}

/* r0: does the filter let the call pass?  r6 is ctx, r6 to r9 are kept. */
static int put_filter(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	return gen_expr_emit(t->filter, w, -KEY_OFF, d);
}

static int put_filter_or_end(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	int err = put_filter(w, t, d);
	unsigned pass = gen_put_jump(w, BPF_JNE, R0, 0);

	gen_put_exit(w);
	gen_jump_here(w, pass);
	return err;
}

static int put_count(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	int err = 0;

	if (t->filter) {
		gen_put_mov(w, R6, R1);
		err = put_filter_or_end(w, t, d);
	}
	put_element(w, t, t->calls_fd);
	put_tally_one(w, R0, 0);
	gen_put_exit(w);
	return err;
}

/* -- latency ------------------------------------------------------------------------------ */

static void put_kfunc(struct gen_writer *w, enum kfunc_id id)
{
	gen_put_mov(w, R1, R6);
	gen_put(w, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, (int32_t)id);
}

/* The clock is read last on entry and first on exit: a duration is the function's alone. */
static int put_enter(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	bool asks = t->filter && !gen_expr_uses_ret(t->filter);
	int err = asks ? put_filter_or_end(w, t, d) : 0;

	put_element(w, t, t->calls_fd);
	put_tally_one(w, R0, LATENCY(entered));
	put_kfunc(w, KFUNC_SESSION_COOKIE);
	gen_put_mov(w, R7, R0);
	gen_put_call(w, BPF_FUNC_ktime_get_ns);
	gen_put_store(w, R7, 0, R0);
	gen_put_exit(w);
	return err;
}

/* r2: the binary logarithm of r9, rounded down; 0 of 0. */
static void put_log2(struct gen_writer *w)
{
	gen_put_mov(w, R1, R9);
	gen_put_set(w, R2, 0);
	for (int bits = 32; bits; bits /= 2) {
		unsigned none;

		gen_put_mov(w, R3, R1);
		gen_put(w, BPF_ALU64 | BPF_RSH | BPF_K, R3, 0, 0, bits);
		none = gen_put_jump(w, BPF_JEQ, R3, 0);
		gen_put_mov(w, R1, R3);
		gen_put_add(w, R2, bits);
		gen_jump_here(w, none);
	}
}

/* The word is the thread's own: only handlers that interrupt it can be in the way, one after another. */
#define TRIES 32

/* [r8 + off] becomes r2 if that is more. */
static void put_raise(struct gen_writer *w, size_t off)
{
	unsigned again, most, last;

	gen_put_load(w, R0, R8, off);
	gen_put_set(w, R4, TRIES);
	again = (unsigned)w->n;
	gen_put(w, BPF_JMP | BPF_JGE | BPF_X, R0, R2, 0, 0);
	most = (unsigned)w->n - 1;
	gen_put_add(w, R4, -1);
	last = gen_put_jump(w, BPF_JEQ, R4, 0);
	gen_put_mov(w, R3, R0);
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R2, (int)off, BPF_CMPXCHG);
	gen_put(w, BPF_JMP | BPF_JNE | BPF_X, R0, R3, (int)again - (int)w->n - 1, 0);
	gen_jump_here(w, most);
	gen_jump_here(w, last);
}

static int put_leave(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	unsigned started, pass, fits;
	int err = 0;

	gen_put_call(w, BPF_FUNC_ktime_get_ns);
	gen_put_mov(w, R9, R0);
	put_kfunc(w, KFUNC_SESSION_COOKIE);
	gen_put_load(w, R8, R0, 0);
	started = gen_put_jump(w, BPF_JNE, R8, 0);
	gen_put_exit(w);
	gen_jump_here(w, started);
	gen_put(w, BPF_ALU64 | BPF_SUB | BPF_X, R9, R8, 0, 0);
	if (t->filter && gen_expr_uses_ret(t->filter)) {
		err = put_filter(w, t, d);
		pass = gen_put_jump(w, BPF_JNE, R0, 0);
		put_element(w, t, t->calls_fd);
		put_tally_one(w, R0, LATENCY(passed_over));
		gen_put_exit(w);
		gen_jump_here(w, pass);
	}
	put_element(w, t, t->calls_fd);
	gen_put_mov(w, R8, R0);
	put_tally(w, R8, LATENCY(sum_ns), R9);
	put_log2(w);
	fits = gen_put_jump(w, BPF_JLT, R2, GEN_TALLY_BUCKETS);
	gen_put_set(w, R2, GEN_TALLY_BUCKETS - 1);
	gen_jump_here(w, fits);
	gen_put(w, BPF_ALU64 | BPF_LSH | BPF_K, R2, 0, 0, 3);
	gen_put(w, BPF_ALU64 | BPF_ADD | BPF_X, R2, R8, 0, 0);
	put_tally_one(w, R2, LATENCY(bucket));
	gen_put_mov(w, R2, R9);
	put_raise(w, LATENCY(most_ns));
	gen_put(w, BPF_ALU64 | BPF_XOR | BPF_K, R2, 0, 0, -1);
	put_raise(w, LATENCY(least_not));
	gen_put_exit(w);
	return err;
}

static int put_latency(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	unsigned leaves;
	int err;

	gen_put_mov(w, R6, R1);
	put_kfunc(w, KFUNC_SESSION_IS_RETURN);
	leaves = gen_put_jump(w, BPF_JNE, R0, 0);
	err = put_enter(w, t, d);
	gen_jump_here(w, leaves);
	return err ? err : put_leave(w, t, d);
}

/* -- stacks ------------------------------------------------------------------------------- */

/* r7: the key's memory. */
static void put_key(struct gen_writer *w, const struct gen_tally *t)
{
	const int size = (int)(sizeof(struct gen_tally_key) + 8 * t->depth);

	if (gen_tally_uses_scratch(t)) {
		put_element(w, t, t->scratch_fd);
		gen_put_mov(w, R7, R0);
	} else {
		gen_put_mov(w, R7, R10);
		gen_put_add(w, R7, KEY_OFF - size);
	}
	gen_put(w, BPF_ST | BPF_MEM | BPF_DW, R7, 0, offsetof(struct gen_tally_key, func),
		(int32_t)t->func);
	gen_put_mov(w, R1, R6);
	gen_put_mov(w, R2, R7);
	gen_put_add(w, R2, offsetof(struct gen_tally_key, frame));
	gen_put_set(w, R3, (int32_t)(8 * t->depth));
	gen_put_set(w, R4, BPF_F_USER_STACK);
	gen_put_call(w, BPF_FUNC_get_stack); /* what it does not fill it zeroes */
}

static void put_find(struct gen_writer *w, const struct gen_tally *t)
{
	gen_put_map(w, R1, t->stacks_fd);
	gen_put_mov(w, R2, R7);
	gen_put_call(w, BPF_FUNC_map_lookup_elem);
}

/*
 * The stack is counted before the call: whoever reads in between sees a call too few, which
 * is no loss.
 */
static int put_stack(struct gen_writer *w, const struct gen_tally *t, struct diag *d)
{
	unsigned known, new_one, full;
	int err = 0;

	gen_put_mov(w, R6, R1);
	if (t->filter)
		err = put_filter_or_end(w, t, d);
	put_key(w, t);
	put_find(w, t);
	known = gen_put_jump(w, BPF_JNE, R0, 0);
	gen_put(w, BPF_ST | BPF_MEM | BPF_DW, R10, 0, KEY_OFF, 1);
	gen_put_map(w, R1, t->stacks_fd);
	gen_put_mov(w, R2, R7);
	gen_put_mov(w, R3, R10);
	gen_put_add(w, R3, KEY_OFF);
	gen_put_set(w, R4, BPF_NOEXIST);
	gen_put_call(w, BPF_FUNC_map_update_elem);
	new_one = gen_put_jump(w, BPF_JEQ, R0, 0);
	put_find(w, t); /* another thread's, or there is no room */
	full = gen_put_jump(w, BPF_JEQ, R0, 0);
	gen_jump_here(w, known);
	put_tally_one(w, R0, 0);
	gen_jump_here(w, new_one);
	gen_jump_here(w, full);
	put_element(w, t, t->calls_fd);
	put_tally_one(w, R0, 0);
	gen_put_exit(w);
	return err;
}

int gen_tally_program(const struct gen_tally *t, struct gen_prog *out, struct diag *d)
{
	struct gen_writer w = { 0 };
	int err;

	if (t->kind == GEN_TALLY_STACK && (!t->depth || t->depth > GEN_TALLY_MAX_DEPTH))
		return diag_set(d, -EINVAL, "a stack of %u frames: 1 to %u", t->depth,
				GEN_TALLY_MAX_DEPTH);
	if (t->kind == GEN_TALLY_COUNT)
		err = put_count(&w, t, d);
	else
		err = t->kind == GEN_TALLY_LATENCY ? put_latency(&w, t, d) : put_stack(&w, t, d);
	if (err) {
		gen_writer_drop(&w);
		return err;
	}
	return gen_writer_done(&w, out);
}
