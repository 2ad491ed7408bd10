/*
 * bpf/check.h - the passes of program_load(), in their order.
 *
 * Internal to bpf/.  Each takes a program whose instructions are its own copy, fills
 * in what it finds out and refuses by instruction number and reason.
 *
 * Errors   -EACCES refused, -ENOTSUP not supported (by name), -ENOMEM
 * Context  [ctl]
 */
#ifndef BPF_CHECK_H
#define BPF_CHECK_H

#include "bpf/program.h"

#define CHECK_MAX_SUBPROGS 256 /* BPF_MAX_SUBPROGS, include/linux/bpf_verifier.h */

/*
 * Stack that a helper, or the guard's slow path, may take below the program's frames; more where
 * text is put together, unwind tables are read or a stack is before it has a place.
 * tools/check-stack.py holds them to the slab's code.
 */
#define FACTS_HELPER_STACK  1024
#define FACTS_PRINT_STACK   1344
#define FACTS_WALK_STACK    1664
#define FACTS_STACKID_STACK 2752

/*
 * Of the target's stack: what any one program takes (8 frames of 512 bytes, all callbacks), and
 * what calls of functions that end in tail calls may leave in between.  Of the program's stack: the
 * same.
 */
#define TAIL_OWN   (8320 + FACTS_STACKID_STACK - FACTS_HELPER_STACK)
#define TAIL_SUM   8192
#define TAIL_DEPTH (PROGRAM_MAX_CALLS * PROGRAM_MAX_STACK + 8192)

/* A function that tail calls has less than this before it on the stack, as in the kernel. */
#define TAIL_BEFORE 256

/*
 * bpf/program.c: the program as far as it can be told without following paths: copied, its maps
 * looked up, check_insns() and check_flow() passed.  What verify.h and facts.c want.
 */
int program_parse(const struct program_attr *attr, struct program **out, struct diag *d);

/* bpf/check_insn.c: every instruction decodes, reserved fields are zero, helpers are known. */
int check_insns(const struct program *p, const struct program_attr *attr, struct diag *d);

/* bpf/check.c: finds sub[] and edge[]; jumps, ends, nesting of calls. */
int check_flow(struct program *p, struct diag *d);

/*
 * bpf/facts.c: facts, sub[].stack and stack_depth.  Refuses what a pass without value
 * ranges can be sure of: accesses outside the stack or ctx, stores into ctx, registers
 * that no path has set.
 */
int facts_compute(struct program *p, const struct program_attr *attr, struct diag *d);

/* What program.edge[] holds of each pair of functions; bits. */
enum { EDGE_CALL = 1, EDGE_CALLBACK = 2 };

/* The stack that the helpers which a program calls may take: one of FACTS_*_STACK. */
uint32_t facts_helper_stack(const struct body_facts *f);

/* Deepest value along the chains of these edges: each subprogram's own plus its callees'. */
uint32_t check_chain(const struct program *p, const uint32_t *own, unsigned edges);

/* What lies on the stack when this subprogram runs, at most: its callers' own values. */
uint32_t check_before(const struct program *p, const uint32_t *own, uint32_t sub);

#endif
