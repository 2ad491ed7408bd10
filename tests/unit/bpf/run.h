/*
 * run.h - load a program in a test and run it in both engines.
 *
 * Everything fails the running cmocka test with a reason rather than returning errors.
 */
#ifndef TESTS_BPF_RUN_H
#define TESTS_BPF_RUN_H

#include "asmtext.h"

#include "bpf/engine.h"

/* Order wanted by cmocka.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MAX_INSNS 4096

typedef uint64_t (*jit_fn)(uint64_t r1, uint64_t r2);

/* Without maps; the caller puts it. */
struct program *run_load(enum program_kind kind, const struct bpf_insn *insn, unsigned n);
struct program *run_load_text(enum program_kind kind, const char *text);

/* The reason why a program is refused; *err its code, 0 if it was not. */
const char *run_refused(enum program_kind kind, const char *text, int *err);

/* Code of p; valid until the next call.  Executable memory that the test process keeps. */
jit_fn run_jit(const struct program *p, const struct engine_env *env);

/* Executable memory and frame states for tests that assemble for themselves. */
void run_asm(struct x86_asm *a);
void *run_asm_finish(struct x86_asm *a, uint8_t **frame_states);

uint64_t run_interp(const struct program *p, const struct engine_env *env, uint64_t r1,
		    uint64_t r2);

/* Both engines, and the interpreter of the slab; fails unless they agree.  mem is restored in between; both may be 0. */
uint64_t run_both(const struct program *p, const struct engine_env *env, void *mem, size_t len);

/* rbx, r12 .. r14, which bodies may change, to rbp + off or back. */
static inline void run_keep(struct x86_asm *a, int32_t off, bool back)
{
	static const uint8_t kept[] = { RBX, R12, R13, R14 };

	for (int k = 0; k < 4; k++) {
		if (back)
			x86_load(a, X86_Q, (enum x86_gpr)kept[k], X86_MEM(RBP, off + 8 * k));
		else
			x86_store(a, X86_Q, X86_MEM(RBP, off + 8 * k), (enum x86_gpr)kept[k]);
	}
}

#endif
