/*
 * gen/inject.h - the eBPF programs behind `utramp inject`, and the values they return.
 *
 * A fmod_ret program that decides, call by call, whether the function runs or a value is
 * returned in its place.  In this order: has main() begun (after_main); does the call come from
 * the modules meant (from); does the condition hold; such calls are counted; are there more than
 * `after` of them; does the die say so (chance); have there been fewer than `count`.
 *
 * Choices  each thread, and each forked child's, has its own die, made of the seed and the
 *          number of threads that threw before it: the same seed, the same choices, as long as
 *          threads make their first such calls in the same order
 * Maps     a PERCPU_ARRAY of one struct gen_inject_slot and an ARRAY of one struct
 *          gen_inject_shared (key 0); an ARRAY with the bytes of a value that is no word
 *
 * Knows BPF instructions, prototypes and models; not processes.
 *
 * Errors   -EINVAL  a value that the function's result cannot have (d says which it can)
 *          -ENOTSUP a result that no value can be given for
 * Memory   everything is borrowed but the programs and the bytes of values
 * Context  [ctl]
 * Spec     bpf-helpers(7): bpf_override_return; xorshift64*: Vigna 2016, "An experimental
 *          exploration of Marsaglia's xorshift generators, scrambled", section 3
 */
#ifndef GEN_INJECT_H
#define GEN_INJECT_H

#include "base/diag.h"
#include "base/types.h"
#include "gen/expr.h"
#include "gen/writer.h"
#include "info/type.h"

#include <stdbool.h>

struct gen_inject_slot {
	uint64_t die;
	uint64_t thrower; /* whose die it is: pid and tid; 0: nobody's yet */
	uint64_t calls, injected;
};

struct gen_inject_shared {
	uint64_t main_began; /* not 0: yes */
	uint64_t passed;     /* calls that count for `after` */
	uint64_t given;      /* injections that count for `count` */
	uint64_t throwers;   /* threads that have a die */
};

/*
 * What is returned in a function's place.  A scalar of one register is a word, as the result slot
 * holds it; everything else bytes, C's sizeof of them, for utramp_set_result().
 */
struct gen_value {
	uint64_t word;
	uint8_t *bytes; /* malloc'ed; NULL: word it is */
	size_t size;
};

struct gen_inject {
	const struct gen_value *value;
	int value_fd; /* of an ARRAY map whose first element is the value's bytes, if it has some */
	int err;      /* errno of the calls that are made to fail; 0: untouched */
	bool after_main;
	const struct taddr_range *from; /* where the call must return to */
	size_t nfrom;
	bool from_anywhere;          /* from is not looked at */
	const struct gen_expr *cond; /* NULL: none */
	uint64_t after, count;       /* count UINT64_MAX: no limit */
	bool always;                 /* no die */
	uint64_t chance;             /* of 2^64, unless always */
	uint64_t seed;
};

/*
 * The value that text says, for a function that returns type ret, as C writes it: an integer,
 * character, enumerators (A|B), true, false, NULL, address, floating-point number, 1+2i; braces
 * around what structs, unions, arrays and vectors hold, {1, {2, 3}}, {.x = 1, [2] = 7}, what is
 * not named being 0; "text" in a character array; "void" (or nothing) for no result.  text
 * NULL: what says failure, -1 or NULL.  out is to be freed by gen_value_free().
 */
int gen_inject_value(const char *text, const struct ty *ret, struct gen_value *out, struct diag *d);
void gen_value_free(struct gen_value *v); /* the bytes only */
bool gen_value_same(const struct gen_value *a, const struct gen_value *b);

/* For fmod_ret. */
int gen_inject_program(const struct gen_inject *in, int slots_fd, int shared_fd,
		       struct gen_prog *out, struct diag *d);

/* For fentry of main(): tells the others that it has begun. */
int gen_inject_main(int shared_fd, struct gen_prog *out);

#endif
