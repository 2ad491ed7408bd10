/*
 * bpf/dead.h - calls that cannot work, in code that cannot run.
 *
 * libbpf turns what it cannot resolve (a field that the target's types do not have, a map
 * that was not created) into a call of a helper with a huge number, a weak kfunc into one of
 * kfunc 0, and counts on the kernel's verifier, which never looks at code that cannot be reached:
 *	if (bpf_core_field_exists(r->new_field)) use(r->new_field);
 * This takes such calls out of the program; those that can be reached stay and are refused.
 *
 * Memory   works in place, on instructions that nobody has checked
 * Context  [ctl]
 */
#ifndef BPF_DEAD_H
#define BPF_DEAD_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#define DEAD_POISON_MIN 100000 /* above every helper there will ever be */

/* A call that libbpf has put there (or nonsense). */
bool dead_is_poison(const struct bpf_insn *in);

/*
 * Replace the poisoned calls that no path reaches by "goto +0".  Reachable is every
 * instruction but those behind a conditional jump whose operands are constants of the same
 * basic block: what clang makes of CO-RE's questions.  Returns their number, or -ENOMEM.
 */
int dead_remove_poison(struct bpf_insn *insn, uint32_t n);

struct arena;
struct program;

/*
 * Loads from frozen maps that programs may not write (.rodata) become constants; branches that they
 * decide are taken or not, and what no path reaches any more becomes "goto +0".  So a switch of the
 * user's, `const volatile bool verbose`, costs nothing.  0 or -ENOMEM.
 */
int dead_fold(struct program *p, const struct arena *arena);

#endif
