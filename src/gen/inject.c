/*
 * gen/inject.c - see inject.h.
 *
 *   r6 ctx   r7 struct gen_inject_shared   r8 struct gen_inject_slot   r9 the die
 *
 * Stack: a word at r10 - 8 for the map's key and the return address; what a condition needs
 * lies below.
 */
#include "gen/inject.h"
#include "bpf/kfunc.h"
#include "gen/regs.h"

#include <errno.h>
#include <stddef.h>

#define SHARED(field) offsetof(struct gen_inject_shared, field)
#define SLOT(field)   offsetof(struct gen_inject_slot, field)
#define WORD          8 /* bytes of the stack that are ours */

/* A program in the making, and its jumps to the end: the function runs. */
struct injector {
	struct gen_writer w;
	struct {
		VEC(unsigned);
	} leave;
};

static void leave_at(struct injector *in, unsigned jump)
{
	if (vec_push(&in->leave, jump) && !in->w.err)
		in->w.err = -ENOMEM;
}

static void leave_if(struct injector *in, int op, uint8_t reg, int32_t imm)
{
	leave_at(in, gen_put_jump(&in->w, op, reg, imm));
}

/* A jump on two registers, for gen_jump_here(). */
static unsigned jump_rr(struct gen_writer *w, int op, uint8_t dst, uint8_t src)
{
	gen_put(w, BPF_JMP | op | BPF_X, dst, src, 0, 0);
	return (unsigned)w->n - 1;
}

static void put_value(struct gen_writer *w, uint8_t dst, int fd)
{
	gen_put(w, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_VALUE, 0, fd);
	gen_put(w, 0, 0, 0, 0, 0);
}

/* A call returns behind its instruction, perhaps to the very end of the code: (lo, hi]. */
static void check_caller(struct injector *in, const struct gen_inject *g)
{
	struct gen_writer *w = &in->w;
	struct {
		VEC(unsigned);
	} found = { 0 };

	gen_put_mov(w, R1, R6);
	gen_put_mov(w, R2, R10);
	gen_put_add(w, R2, -WORD);
	gen_put_set(w, R3, WORD);
	gen_put_set(w, R4, BPF_F_USER_STACK);
	gen_put_call(w, BPF_FUNC_get_stack);
	leave_if(in, BPF_JSLT, R0, WORD);
	gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, R1, R10, -WORD, 0);
	for (size_t i = 0; i < g->nfrom; i++) {
		unsigned below;

		gen_put_set64(w, R2, g->from[i].lo);
		below = jump_rr(w, BPF_JLE, R1, R2);
		gen_put_set64(w, R2, g->from[i].hi);
		if (vec_push(&found, jump_rr(w, BPF_JLE, R1, R2)) && !w->err)
			w->err = -ENOMEM;
		gen_jump_here(w, below);
	}
	gen_put(w, BPF_JMP | BPF_JA, 0, 0, 0, 0);
	leave_at(in, (unsigned)w->n - 1);
	for (size_t i = 0; i < found.n; i++)
		gen_jump_here(w, found.at[i]);
	vec_free(&found);
}

static void count_call(struct injector *in, int slots_fd)
{
	struct gen_writer *w = &in->w;

	gen_put(w, BPF_ST | BPF_MEM | BPF_W, R10, 0, -WORD, 0);
	gen_put_map(w, R1, slots_fd);
	gen_put_mov(w, R2, R10);
	gen_put_add(w, R2, -WORD);
	gen_put_call(w, BPF_FUNC_map_lookup_elem);
	leave_if(in, BPF_JEQ, R0, 0);
	gen_put_mov(w, R8, R0);
	gen_put_set(w, R1, 1);
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R1, (int)SLOT(calls), BPF_ADD);
}

/* dst = the counter, which goes up by one. */
static void take_number(struct gen_writer *w, uint8_t dst, size_t counter)
{
	gen_put_set(w, dst, 1);
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R7, dst, (int)counter, BPF_ADD | BPF_FETCH);
}

static void shift_in(struct gen_writer *w, int op, int32_t by)
{
	gen_put_mov(w, R1, R9);
	gen_put(w, BPF_ALU64 | op | BPF_K, R1, 0, 0, by);
	gen_put(w, BPF_ALU64 | BPF_XOR | BPF_X, R9, R1, 0, 0);
}

static void multiply(struct gen_writer *w, uint8_t dst, uint64_t by)
{
	gen_put_set64(w, R2, by);
	gen_put(w, BPF_ALU64 | BPF_MUL | BPF_X, dst, R2, 0, 0);
}

/*
 * A thread's first throw: seed and its number, mixed until near numbers are far apart.  The
 * number is the order of first throws, which a program repeats; CPU, tid and slot are not.
 */
static void start_die(struct gen_writer *w, uint64_t seed)
{
	gen_put_store(w, R8, SLOT(thrower), R0);
	take_number(w, R1, SHARED(throwers));
	gen_put_add(w, R1, 1);
	multiply(w, R1, 0x9e3779b97f4a7c15); /* 2^64 / golden ratio, odd */
	gen_put_set64(w, R9, seed);
	gen_put(w, BPF_ALU64 | BPF_ADD | BPF_X, R9, R1, 0, 0);
	shift_in(w, BPF_RSH, 32);
	multiply(w, R9, 0xd1342543de82ef95);
	shift_in(w, BPF_RSH, 29);
	gen_put(w, BPF_ALU64 | BPF_OR | BPF_K, R9, 0, 0, 1);
}

static void throw_die(struct injector *in, const struct gen_inject *g)
{
	struct gen_writer *w = &in->w;
	unsigned known;

	/* the slot may have been another thread's */
	gen_put_call(w, BPF_FUNC_get_current_pid_tgid);
	gen_put_load(w, R9, R8, SLOT(die));
	gen_put_load(w, R1, R8, SLOT(thrower));
	known = jump_rr(w, BPF_JEQ, R1, R0);
	start_die(w, g->seed);
	gen_jump_here(w, known);
	shift_in(w, BPF_RSH, 12);
	shift_in(w, BPF_LSH, 25);
	shift_in(w, BPF_RSH, 27);
	gen_put_store(w, R8, SLOT(die), R9);
	multiply(w, R9, 0x2545f4914f6cdd1d);
	gen_put_set64(w, R1, g->chance);
	leave_at(in, jump_rr(w, BPF_JGE, R9, R1));
}

static void limit(struct injector *in, const struct gen_inject *g)
{
	struct gen_writer *w = &in->w;

	if (g->after) {
		take_number(w, R1, SHARED(passed));
		gen_put_set64(w, R2, g->after);
		leave_at(in, jump_rr(w, BPF_JLT, R1, R2));
	}
	if (!g->always)
		throw_die(in, g);
	if (g->count != UINT64_MAX) {
		take_number(w, R1, SHARED(given));
		gen_put_set64(w, R2, g->count);
		leave_at(in, jump_rr(w, BPF_JGE, R1, R2));
	}
}

static void inject(struct gen_writer *w, const struct gen_inject *g)
{
	gen_put_set(w, R1, 1);
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R1, (int)SLOT(injected), BPF_ADD);
	if (g->err) {
		gen_put_set(w, R1, g->err);
		gen_put(w, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, KFUNC_SET_ERRNO);
	}
	gen_put_mov(w, R1, R6);
	if (g->value->bytes) {
		put_value(w, R2, g->value_fd);
		gen_put_set(w, R3, (int32_t)g->value->size);
		gen_put(w, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, KFUNC_SET_RESULT);
	} else {
		gen_put_set64(w, R2, g->value->word);
		gen_put_call(w, BPF_FUNC_override_return);
	}
}

int gen_inject_program(const struct gen_inject *g, int slots_fd, int shared_fd,
		       struct gen_prog *out, struct diag *d)
{
	struct injector in = { 0 };
	struct gen_writer *w = &in.w;
	int err = 0;

	gen_put_mov(w, R6, R1);
	put_value(w, R7, shared_fd);
	if (g->after_main) {
		gen_put_load(w, R1, R7, SHARED(main_began));
		leave_if(&in, BPF_JEQ, R1, 0);
	}
	if (!g->from_anywhere)
		check_caller(&in, g);
	if (g->cond) {
		err = gen_expr_emit(g->cond, w, WORD, d);
		leave_if(&in, BPF_JEQ, R0, 0);
	}
	count_call(&in, slots_fd);
	limit(&in, g);
	inject(w, g);
	for (size_t i = 0; i < in.leave.n; i++)
		gen_jump_here(w, in.leave.at[i]);
	gen_put_exit(w);
	vec_free(&in.leave);
	if (err)
		gen_writer_drop(w);
	return err ? err : gen_writer_done(w, out);
}

int gen_inject_main(int shared_fd, struct gen_prog *out)
{
	struct gen_writer w = { 0 };

	put_value(&w, R7, shared_fd);
	gen_put(&w, BPF_ST | BPF_MEM | BPF_DW, R7, 0, (int)SHARED(main_began), 1);
	gen_put_exit(&w);
	return gen_writer_done(&w, out);
}
