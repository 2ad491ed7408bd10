/*
 * bpf/engine.h - run a program: the interpreter (reference) and the JIT (product).
 *
 * Both take programs of program_load() and an address environment: where maps and
 * helpers are for the process in which the code will run.
 *
 * Program ABI  r1 = ctx, r2 = second argument (conformance: memory and its length),
 *          r0 the result; r6-r9 and r10 as RFC 9669 section 2.  In JIT code R0 is rax,
 *          R1-R5 are rdi rsi rdx rcx r8 (so helper calls need no moves), R6-R9 are rbx
 *          r12 r13 r14, R10 is rbp or an offset from it.
 * Errors   engine_jit_*: through the assembly; interp_run: -EFAULT a checked access failed
 *          (checked mode), -ELOOP out of fuel; both: -ENOTSUP env has no address for a
 *          helper that p calls
 * Memory   an engine_body is one allocation, freed by engine_body_free()
 * Context  [ctl]; the code that is emitted runs in [probe]
 */
#ifndef BPF_ENGINE_H
#define BPF_ENGINE_H

#include "bpf/helper.h"
#include "bpf/program.h"
#include "x86/asm.h"
#include "x86/body.h"

struct engine_env {
	uint64_t arena;              /* address of the arena there */
	uint64_t helper[HELPER_MAX]; /* addresses by id; 0: not there */
	uint64_t guard_slow;         /* rt_guard_slow; 0: no recursion guard (tests) */
	uint64_t first;              /* rt_first */
	uint64_t tail;               /* rt_tail, which trampolines call */
	uint64_t load;               /* rt_load_word: for loads of the target's; 0: plain loads */
	uint64_t set_result;         /* rt_set_result; 0: not there */
	uint64_t tails;         /* rt_tails: RT_TAILS addresses of what engine_jit_tail() made */
	uint64_t interp;        /* interp_enter: bodies are interpreted; 0: compiled */
	uint64_t run_end;       /* rt_run_end, if runs are to be counted; else 0 */
	uint64_t hash_lookup;   /* rt_hash_lookup; 0: not there */
	uint64_t hash_update;   /* rt_map_hash_update; 0: not there */
	uint64_t hash_delete;   /* rt_map_hash_delete; 0: not there */
	uint64_t clock_gettime; /* the vDSO's; 0: not known, the helper is called */
	int32_t tls_off;
	int32_t errno_off; /* libc's errno is at fs:[errno_off]; 0: not known, cannot be set */
	int32_t rseq_cpu;  /* as in struct rt_state; 0: not known, the helper is called */
};

/* The environment of this process: native helpers, the arena's own mapping, no guard. */
void engine_env_native(const struct arena *arena, struct engine_env *out);

/*
 * The body of one attachment of p, for a trampoline.  Guard, helper addresses and map
 * addresses are env's; the cookie and the kind come from the trampoline's env.  p and
 * env are copied or referenced until engine_body_free().  -EINVAL: a guard needs p's
 * statistics, so an arena at program_load().
 */
struct engine_body;
int engine_body_new(struct program *p, const struct engine_env *env, struct engine_body **out);
void engine_body_free(struct engine_body *b); /* NULL is fine */
const struct tramp_body *engine_body(const struct engine_body *b);

/*
 * What lies at rbp + off in a program's own code: "saved rbx", "r10 - 8".  Cut to cap; 0:
 * nothing that has a name.
 */
size_t engine_frame_name(int32_t off, char *out, size_t cap);

/* p as a plain function uint64_t f(r1, r2), for tests and the conformance plugin. */
void engine_jit_function(const struct program *p, const struct engine_env *env, struct x86_asm *a);

/*
 * p as tail calls enter it, from a program with bpf_tail_call that runs on this or the other slab.
 * It takes the place of the function that jumps: no guard, no statistics.  Where env interprets it
 * is an image, at a multiple of 8.  -ENOTSUP: env lacks something that it calls.
 */
int engine_tail_check(const struct program *p, const struct engine_env *env);
void engine_jit_tail(const struct program *p, const struct engine_env *env, struct x86_asm *a);

struct interp_range {
	uint64_t lo, hi;
	bool writable;
};

struct interp_opts {
	bool checked;                     /* verify every access against `range` and the stack */
	const struct interp_range *range; /* readable memory beside stack, maps and ctx */
	unsigned nranges;
	uint64_t fuel; /* instructions; 0: no limit */
	uint64_t cookie;
	const uint64_t *ret, *frame; /* where return address and rbp of the hit lie; or NULL */
	struct body_facts *seen; /* checked mode: ctx slots really read are added; may be NULL */
};

/*
 * r1 of a tracing program points at ctx[0], with ctx[-1] and ctx[-2] in place; r1 and r2
 * of a plain one are memory that it may write, and its length.  opts may be NULL.
 */

int interp_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2,
	       const struct interp_opts *opts, uint64_t *r0, struct diag *d);

#endif
