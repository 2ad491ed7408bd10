/*
 * cases.h - the verifier's cases by property: one file each, all of them in one program (main.c).
 *
 * Maps and the context of what is run: verify_case.h, verify_run.h.  Most programs here are fmod_ret
 * programs, which may return anything: so what they compute can be compared.
 */
#ifndef TESTS_VERIFY_CASES_H
#define TESTS_VERIFY_CASES_H

#include "../verify_case.h"

#define F PROGRAM_FENTRY
#define M PROGRAM_FMOD_RET
#define X PROGRAM_FEXIT
#define S PROGRAM_FSESSION

#define OK  "mov r0, 0\nexit\n"
#define END "e: " OK
#define RET "exit\n"

/* accepted and returns; refused with a reason */
#define GIVES(r0_, text_) \
	{ \
		.text = (text_), .kind = M, .r0 = (uint64_t)(r0_) \
	}
#define REFUSED(says_, text_) \
	{ \
		.text = (text_), .says = (says_), .kind = M \
	}
#define RUNS(text_) \
	{ \
		.text = (text_), .kind = M, .any = true \
	}

/* r0: a value of map fd by key 0 (8 bytes of it), which is not NULL; e: otherwise.  r6 to r9 stay. */
#define LOOKUP(fd_) \
	"stdw [r10-8], 0\nmap r1, " fd_ "\nmov r2, r10\nadd r2, -8\ncall 1\njeq r0, 0, e\n"
/* one byte of the 64 of .data, by the number in reg */
#define TOUCH(reg_) "value r1, 5, 0\nadd r1, " reg_ "\nldxb r2, [r1+0]\n"
/* never right */
#define OUTSIDE "value r1, 5, 0\nstdw [r1+64], 1\n"
/* a record of 16 bytes in r6; none: e */
#define RESERVE "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, e\nmov r6, r0\n"
#define SUBMIT  "mov r1, r6\nmov r2, 0\ncall 132\n"
#define DISCARD "mov r1, r6\nmov r2, 0\ncall 133\n"
/* states are remembered here */
#define PRUNE "mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\n"

void verify_class_numbers(void **state);
void verify_class_pointers(void **state);
void verify_class_pruning(void **state);
void verify_class_helpers(void **state);
void verify_class_stack(void **state);
void verify_class_jit(void **state);
void verify_class_tails(void **state);
void verify_class_dead(void **state);
void verify_numbers_constants(void **state);
void verify_numbers_bounds(void **state);
void verify_numbers_loose(void **state);
void verify_flow(void **state);
void verify_results(void **state);
void verify_loops(void **state);
void verify_pointers(void **state);
void verify_stack(void **state);
void verify_spills(void **state);
void verify_values(void **state);
void verify_constants(void **state);
void verify_records(void **state);
void verify_null(void **state);
void verify_context(void **state);
void verify_functions(void **state);
void verify_globals(void **state);
void verify_globals_arguments(void **state);
void verify_globals_pointers(void **state);
void verify_globals_once(void **state);
void verify_globals_log(void **state);
void verify_too_complex(void **state);
void verify_callbacks(void **state);
void verify_iterators(void **state);
void verify_iterators_rounds(void **state);
void verify_kfuncs(void **state);
void verify_depth(void **state);
void verify_helpers_arguments(void **state);
void verify_helpers_kinds(void **state);

#endif
