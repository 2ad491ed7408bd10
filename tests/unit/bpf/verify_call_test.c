/*
 * verify_call_test.c - verify.h: functions, callbacks, loops that the run time bounds, iterators,
 * kfuncs, typed pointers, the log, limits.
 */
#include "verify_case.h"

#include "bpf/kfunc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK  "mov r0, 0\nexit\n"
#define END "e: " OK
#define X   PROGRAM_FEXIT
#define M   PROGRAM_FMOD_RET
#define S   PROGRAM_FSESSION

static const struct verify_case functions_cases[] = {
	{ "call local f\nexit\nf: mov r0, 0\nexit\n", NULL },
	{ "call local f\nexit\nf: mov r0, 1\nexit\n", "smin=1 smax=1" },
	{ "call local f\nexit\nf: ldxdw r0, [r1+0]\nexit\n", "unknown scalar" },
	{ "call local f\nexit\nf: exit\n", "R0 !read_ok" },
	{ "call local f\nmov r0, 0\nexit\nf: exit\n", NULL },
	{ "mov r6, 1\ncall local f\n" OK "f: mov r0, r6\nexit\n", "R6 !read_ok" },
	{ "mov r6, 1\ncall local f\nmov r0, r6\nexit\nf: mov r6, 0\nmov r0, 0\nexit\n", "smin=1" },
	{ "call local f\nmov r0, r1\nexit\nf: mov r0, 0\nexit\n", "R1 !read_ok" },
	{ "mov r2, 5\ncall local f\nexit\nf: mov r0, r2\nsub r0, 5\nexit\n", NULL },
	{ "call local f\n" OK "f: mov r0, r3\nexit\n", "R3 !read_ok" },
	/* the caller's stack */
	{ "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\ncall local f\nldxdw r0, [r10-8]\nexit\n"
	  "f: stdw [r1+0], 0\nmov r0, 0\nexit\n",
	  NULL },
	{ "mov r1, r10\nadd r1, -8\ncall local f\nldxdw r0, [r10-8]\nexit\n"
	  "f: stdw [r1+0], 0\nmov r0, 0\nexit\n",
	  NULL },
	{ "mov r1, r10\nadd r1, -8\ncall local f\nldxdw r0, [r10-8]\nexit\n"
	  "f: stdw [r1+0], 3\nmov r0, 0\nexit\n",
	  "smin=3 smax=3" },
	{ "mov r1, r10\ncall local f\n" OK "f: stdw [r1+0], 0\nmov r0, 0\nexit\n",
	  "invalid write to stack R1 off=0 size=8" },
	{ "mov r1, r10\nadd r1, -8\ncall local f\n" OK "f: stxdw [r1+0], r10\nmov r0, 0\nexit\n",
	  "cannot spill pointers to stack into stack frame of the caller" },
	{ "mov r1, r10\nadd r1, -8\ncall local f\n" OK "f: stxdw [r1+0], r1\nmov r0, 0\nexit\n",
	  "cannot spill pointers to stack into stack frame of the caller" },
	{ "call local f\nstdw [r0-8], 0\n" OK "f: mov r0, r10\nexit\n",
	  "cannot return stack pointer to the caller" },
	{ "mov r1, r10\ncall local f\nstdw [r0-8], 0\n" OK "f: mov r0, r1\nexit\n", NULL },
	{ "call local f\nldxdw r0, [r10-8]\nexit\nf: stdw [r10-8], 0\nmov r0, 0\nexit\n",
	  "has unknown scalar value" },
	{ "stdw [r10-8], 0\ncall local f\nexit\nf: ldxdw r0, [r10-8]\nexit\n",
	  "has unknown scalar value" },
	/* a value that the callee looked up, one that it looks at */
	{ "call local f\njeq r0, 0, e\nstdw [r0+0], 1\n" END
	  "f: stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nexit\n",
	  NULL },
	{ "call local f\nstdw [r0+0], 1\n" OK
	  "f: stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nexit\n",
	  "R0 invalid mem access 'map_value_or_null'" },
	/* a record that the callee gives back, or not */
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, e\nmov r1, r0\ncall local f\n" END
	  "f: mov r2, 0\ncall 132\nmov r0, 0\nexit\n",
	  NULL },
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, e\nmov r1, r0\ncall local f\n" END
	  "f: mov r0, 0\nexit\n",
	  "Unreleased reference" },
	{ "call local f\n" OK "f: map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nmov r0, 0\nexit\n",
	  "Unreleased reference" },
	{ "call local f\njeq r0, 0, e\nmov r1, r0\nmov r2, 0\ncall 132\n" END
	  "f: map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nexit\n",
	  NULL },
	/* twice, with different arguments */
	{ "mov r1, 1\ncall local f\nmov r1, 0\ncall local f\nexit\nf: mov r0, r1\nexit\n", NULL },
	{ "mov r1, 0\ncall local f\nmov r1, 1\ncall local f\nexit\nf: mov r0, r1\nexit\n",
	  "smin=1" },
};

static void test_functions(void **state)
{
	VERIFY_CASES(functions_cases);
}

/* bpf_loop(n, f, ctx, 0) */
#define LOOP(ctx_)      "mov r1, 10\nfunc r2, f\n" ctx_ "mov r4, 0\ncall 181\n"
#define EACH(fd_, ctx_) "map r1, " fd_ "\nfunc r2, f\n" ctx_ "mov r4, 0\ncall 164\n"

static const struct verify_case callbacks_cases[] = {
	{ LOOP("mov r3, 0\n") OK "f: mov r0, 0\nexit\n", NULL },
	{ LOOP("mov r3, 0\n") OK "f: mov r0, 1\nexit\n", NULL },
	{ LOOP("mov r3, 0\n") OK "f: mov r0, 2\nexit\n",
	  "At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]" },
	{ LOOP("mov r3, 0\n") OK "f: mov r0, r1\nexit\n", "R0 has unknown scalar value" },
	{ LOOP("mov r3, 0\n") OK "f: exit\n", "R0 !read_ok" },
	{ LOOP("mov r3, 0\n") OK "f: mov r0, r3\nexit\n", "R3 !read_ok" },
	{ LOOP("mov r3, 5\n") OK "f: mov r0, 0\nexit\n", "R3 type=scalar expected=fp" },
	{ LOOP("mov r3, r10\n") OK "f: mov r0, 0\nexit\n", NULL },
	{ "mov r1, 10\nmov r2, 0\nmov r3, 0\nmov r4, 0\ncall 181\n" OK,
	  "R2 type=scalar expected=func" },
	{ LOOP("mov r3, 0\n") "exit\nf: mov r0, 0\nexit\n", "R0 has unknown scalar value" },
	{ LOOP("mov r3, 0\n") "mov r0, r1\nexit\nf: mov r0, 0\nexit\n", "R1 !read_ok" },
	/* what it may leave: nothing, or anything that some round leaves */
	{ "stdw [r10-8], 0\n" LOOP(
		  "mov r3, r10\nadd r3, -8\n") "ldxdw r0, [r10-8]\nexit\n"
					       "f: stdw [r2+0], 0\nmov r0, 0\nexit\n",
	  NULL },
	{ "stdw [r10-8], 0\n" LOOP(
		  "mov r3, r10\nadd r3, -8\n") "ldxdw r0, [r10-8]\nexit\n"
					       "f: stdw [r2+0], 1\nmov r0, 0\nexit\n",
	  "should have been in [0, 0]" },
	{ LOOP("mov r3, r10\nadd r3, -8\n") "ldxdw r0, [r10-8]\nexit\n"
					    "f: stdw [r2+0], 0\nmov r0, 0\nexit\n",
	  "has unknown scalar value" }, /* zero rounds */
	{ "stdw [r10-8], 0\n" LOOP("mov r3, r10\nadd r3, -8\n") OK
	  "f: ldxdw r1, [r2+0]\nadd r1, 1\nstxdw [r2+0], r1\nmov r0, 0\nexit\n",
	  NULL },
	/* the second round finds what the first one left (once only: accepted before 6.7) */
	{ "stdw [r10-8], 0\n" LOOP("mov r3, r10\nadd r3, -8\n") OK
	  "f: ldxdw r1, [r2+0]\nvalue r3, 5, 0\nadd r3, r1\nldxb r0, [r3+0]\n"
	  "stdw [r2+0], 1000\nmov r0, 0\nexit\n",
	  "math between map_value pointer" },
	{ "stxdw [r10-8], r10\n" LOOP("mov r3, r10\nadd r3, -8\n") OK
	  "f: ldxdw r1, [r2+0]\nldxdw r1, [r1-8]\nstdw [r2+0], 7\nmov r0, 0\nexit\n",
	  "R1 invalid mem access 'scalar'" },
	{ "stdw [r10-8], 0\nmov r6, 0\n" LOOP("mov r3, r10\nadd r3, -8\n") "mov r0, r6\nexit\n"
									   "f: mov r0, 0\nexit\n",
	  NULL },
	/* bounded by its own test */
	{ "stdw [r10-8], 0\n" LOOP("mov r3, r10\nadd r3, -8\n") OK
	  "f: ldxdw r1, [r2+0]\njgt r1, 63, d\nvalue r3, 5, 0\nadd r3, r1\nstb [r3+0], 1\nadd r1, 1\n"
	  "stxdw [r2+0], r1\nd: mov r0, 0\nexit\n",
	  NULL },
	{ "stdw [r10-8], 0\n" LOOP("mov r3, r10\nadd r3, -8\n") OK
	  "f: ldxdw r1, [r2+0]\nvalue r3, 5, 0\nadd r3, r1\nstb [r3+0], 1\nadd r1, 1\n"
	  "stxdw [r2+0], r1\nmov r0, 0\nexit\n",
	  "math between map_value pointer" },
	/* records */
	{ LOOP("mov r3, 0\n") OK "f: map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nmov r0, 0\nexit\n",
	  "Unreleased reference" },
	{ LOOP("mov r3, 0\n") OK
	  "f: map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, d\nmov r1, r0\nmov r2, 0\ncall 132\n"
	  "d: mov r0, 0\nexit\n",
	  NULL },
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, e\nstxdw [r10-8], r0\n" LOOP(
		  "mov r3, r10\nadd r3, -8\n") END
	  "f: ldxdw r1, [r2+0]\nmov r2, 0\ncall 132\nmov r0, 0\nexit\n",
	  "" }, /* given back by none, or by each round */
	/* loops in loops */
	{ LOOP("mov r3, 0\n") OK
	  "f: mov r1, 3\nfunc r2, g\nmov r3, 0\nmov r4, 0\ncall 181\nmov r0, 0\nexit\n"
	  "g: mov r0, 0\nexit\n",
	  NULL },
	/* maps */
	{ EACH("1", "mov r3, 0\n") OK "f: ldxw r1, [r2+0]\nstdw [r3+56], 1\nmov r0, 0\nexit\n",
	  NULL },
	{ EACH("1", "mov r3, 0\n") OK "f: stw [r2+0], 0\nmov r0, 0\nexit\n",
	  "R2 cannot write into rdonly_mem" },
	{ EACH("1", "mov r3, 0\n") OK "f: ldxdw r1, [r2+0]\nmov r0, 0\nexit\n",
	  "mem_size=4 off=0 size=8" },
	{ EACH("1", "mov r3, 0\n") OK "f: stdw [r3+64], 1\nmov r0, 0\nexit\n",
	  "value_size=64 off=64" },
	{ EACH("2", "mov r3, 0\n") OK "f: call 3\nmov r0, 0\nexit\n", NULL },
	{ EACH("3", "mov r3, 0\n") OK "f: mov r0, 0\nexit\n",
	  "cannot pass map_type 27 into func bpf_for_each_map_elem" },
	{ EACH("2", "mov r3, r10\nadd r3, -8\n") OK "f: stdw [r4+0], 1\nmov r0, 0\nexit\n", NULL },
};

static void test_callbacks(void **state)
{
	VERIFY_CASES(callbacks_cases);
}

#define NEW     "mov r1, r10\nadd r1, -8\nmov r2, 0\nmov r3, 10\ncall kfunc 0x10004\n"
#define NEXT    "mov r1, r10\nadd r1, -8\ncall kfunc 0x10005\n"
#define DESTROY "mov r1, r10\nadd r1, -8\ncall kfunc 0x10006\n"

static const struct verify_case rounds_cases[] = {
	{ NEW "a: " NEXT "jne r0, 0, a\n" DESTROY OK, NULL },
	{ NEW "a: " NEXT "jeq r0, 0, d\nldxw r1, [r0+0]\nja a\nd: " DESTROY OK, NULL },
	{ NEW "a: " NEXT "jeq r0, 0, d\nldxdw r1, [r0+0]\nja a\nd: " DESTROY OK, "mem_size=4" },
	{ NEW "a: " NEXT "jeq r0, 0, d\nstw [r0+0], 1\nja a\nd: " DESTROY OK,
	  "cannot write into rdonly" },
	{ NEW NEXT "ldxw r1, [r0+0]\n" DESTROY OK, "R0 invalid mem access" },
	{ NEW OK, "Unreleased reference" },
	{ NEW "a: " NEXT "jne r0, 0, a\n" OK, "Unreleased reference" },
	{ NEW DESTROY OK, NULL },
	{ NEW DESTROY DESTROY OK, "expected an initialized iter_num as arg #0" },
	{ NEW NEW OK, "expected uninitialized iter_num as arg #0" },
	{ NEXT OK, "expected an initialized iter_num as arg #0" },
	{ NEW DESTROY NEXT OK, "expected an initialized iter_num as arg #0" },
	{ NEW "stdw [r10-8], 0\n" DESTROY OK, "expected an initialized iter_num as arg #0" },
	{ NEW "stb [r10-3], 0\n" NEXT DESTROY OK, "expected an initialized iter_num" },
	{ NEW "ldxdw r0, [r10-8]\n" DESTROY OK, "invalid read from stack off -8+0" },
	{ NEW "map r1, 2\nmov r2, r10\nadd r2, -8\ncall 1\n" DESTROY OK,
	  "invalid read from stack R2 off -8+0 size 8" },
	{ NEW DESTROY "ldxdw r0, [r10-8]\n" OK, NULL },
	{ "mov r1, r10\nadd r1, -4\nmov r2, 0\nmov r3, 10\ncall kfunc 0x10004\n" OK,
	  "expected pointer to an iterator on stack" },
	{ "value r1, 5, 0\nmov r2, 0\nmov r3, 10\ncall kfunc 0x10004\n" OK,
	  "expected pointer to an iterator on stack" },
	/* a counter that only the rounds bound is any number */
	{ "mov r6, 0\n" NEW "a: " NEXT "jeq r0, 0, d\nadd r6, 1\nja a\nd: " DESTROY OK, NULL },
	{ "mov r6, 0\n" NEW "a: " NEXT
	  "jeq r0, 0, d\nvalue r1, 5, 0\nadd r1, r6\nstb [r1+0], 1\nadd r6, 1\n"
	  "ja a\nd: " DESTROY OK,
	  "math between map_value pointer" },
	{ "mov r6, 0\n" NEW "a: " NEXT "jeq r0, 0, d\njgt r6, 63, d\nvalue r1, 5, 0\nadd r1, r6\n"
	  "stb [r1+0], 1\nadd r6, 1\nja a\nd: " DESTROY OK,
	  NULL },
	/* what one round leaves, the next one finds */
	{ "mov r6, r10\nstdw [r10-16], 0\n" NEW "a: " NEXT
	  "jeq r0, 0, d\nldxdw r1, [r6-16]\nmov r6, 7\n"
	  "ja a\nd: " DESTROY OK,
	  "R6 invalid mem access 'scalar'" },
	/* a bounded loop does not bound the one around it */
	{ "a: " NEW "b: " NEXT "jne r0, 0, b\n" DESTROY "ja a\n", "infinite loop detected" },
	{ "mov r6, 0\na: " NEW "b: " NEXT "jeq r0, 0, d\nadd r6, 1\nja b\nd: " DESTROY
	  "jlt r6, 100, a\n" OK,
	  "" },
	{ "mov r6, 3\na: " NEW "b: " NEXT "jne r0, 0, b\n" DESTROY "sub r6, 1\njne r6, 0, a\n" OK,
	  NULL },
	{ NEW "a: " NEXT "jeq r0, 0, d\nmov r1, r10\nadd r1, -16\nmov r2, 0\nmov r3, 3\n"
	      "call kfunc 0x10004\nb: mov r1, r10\nadd r1, -16\ncall kfunc 0x10005\njne r0, 0, b\n"
	      "mov r1, r10\nadd r1, -16\ncall kfunc 0x10006\nja a\nd: " DESTROY OK,
	  NULL },
	/* what a loop around it leaves is not looked at inside */
	{ "mov r6, 0\n" NEW "a: " NEXT
	  "jeq r0, 0, d\nmov r1, r10\nadd r1, -16\nmov r2, 0\nmov r3, 3\n"
	  "call kfunc 0x10004\nb: mov r1, r10\nadd r1, -16\ncall kfunc 0x10005\njne r0, 0, b\n"
	  "mov r1, r10\nadd r1, -16\ncall kfunc 0x10006\ncall 7\nmov r6, r0\nja a\nd: " DESTROY
	  "mov r1, r6\n" OK,
	  NULL },
	/* may_goto */
	{ "a: may_goto e\nja a\n" END, NULL },
	{ "mov r6, 0\na: may_goto e\nadd r6, 1\nja a\n" END, NULL },
	{ "mov r6, 0\na: may_goto e\nadd r6, 1\njlt r6, 1000000, a\n" END, NULL },
	{ "mov r0, 0\na: may_goto e\nmov r0, 1\nja a\ne: exit\n", "should have been in [0, 0]" },
	{ "mov r6, 0\na: may_goto e\nvalue r1, 5, 0\nadd r1, r6\nstb [r1+0], 1\nadd r6, 1\nja a\n" END,
	  "math between map_value pointer" },
	{ "mov r6, 0\na: may_goto e\njgt r6, 63, e\nvalue r1, 5, 0\nadd r1, r6\nstb [r1+0], 1\nadd r6, 1\n"
	  "ja a\n" END,
	  NULL },
	{ "ldxdw r6, [r1+0]\na: may_goto e\nldxdw r6, [r6+0]\njne r6, 0, a\n" END,
	  NULL }, /* a list */
	{ "a: call local f\nja a\nf: may_goto g\nja f\ng: mov r0, 0\nexit\n",
	  "infinite loop detected" },
	/* what bounds one round of a loop does not bound the loop */
	{ "a: mov r1, 2\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\njne r0, 7, a\n" OK
	  "f: mov r0, 0\nexit\n",
	  "infinite loop detected" },
	{ "a: mov r1, 2\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\nja a\nf: mov r0, 0\nexit\n",
	  "infinite loop detected" },
	{ "mov r7, 0\na: stdw [r10-80], 0\nmov r1, 2\nfunc r2, f\nmov r3, r10\nadd r3, -80\nmov r4, 0\n"
	  "call 181\nldxdw r1, [r10-80]\njlt r7, 4, a\n" OK
	  "f: ldxdw r4, [r2+0]\nadd r4, 1\nstxdw [r2+0], r4\nmov r0, 1\nexit\n",
	  "infinite loop detected" },
	{ "a: call local f\njeq r0, 0, a\n" OK "f: may_goto g\nja f\ng: mov r0, 0\nexit\n",
	  "infinite loop detected" },
};

static void test_rounds(void **state)
{
	VERIFY_CASES(rounds_cases);
}

static const struct verify_case kfuncs_cases[] = {
	{ "call kfunc 0x10000\n" OK, NULL, S },
	{ "mov r1, 0\ncall kfunc 0x10000\nexit\n", "arg#0 R1 type=scalar expected=ctx", S },
	{ "call kfunc 0x10001\nldxdw r1, [r0+0]\nstdw [r0+0], 1\n" OK, NULL, S },
	{ "call kfunc 0x10001\nstdw [r0+8], 1\n" OK, "mem_size=8 off=8", S },
	{ "mov r1, 5\ncall kfunc 0x10002\n" OK, NULL, M },
	{ "mov r1, r10\ncall kfunc 0x10002\n" OK, "arg#0 R1 is not a scalar", M },
	{ "stdw [r10-8], 0\nmov r2, r10\nadd r2, -8\nmov r3, 8\ncall kfunc 0x10003\n" OK, NULL, M },
	{ "mov r2, r10\nadd r2, -8\nmov r3, 8\ncall kfunc 0x10003\n" OK, NULL, M },
	{ "stdw [r10-8], 0\nmov r2, r10\nadd r2, -8\nmov r3, 16\ncall kfunc 0x10003\n" OK,
	  " stack R2", M },
	{ "mov r2, 0\nmov r3, 8\ncall kfunc 0x10003\n" OK, "R2 type=scalar expected=fp", M },
	{ "ldxdw r2, [r1+0]\nmov r1, 0\ncall kfunc 0x10007\n" OK, "R2 must be a known constant" },
	{ "mov r1, 64\nmov r2, 0\ncall kfunc 0x10007\nldxdw r0, [r0+8]\n" OK, NULL,
	  .no_run = true },
	{ "mov r1, 64\nmov r2, 0\ncall kfunc 0x10007\nstdw [r0+8], 1\n" OK,
	  "R0 invalid mem access" },
};

static void test_kfuncs(void **state)
{
	VERIFY_CASES(kfuncs_cases);
}

/* Results are changed by fmod_ret programs, and by no other kind: also where nothing gets there. */
#define OVERRIDE "mov r2, 7\ncall 58\n"
#define ERRNO    "mov r1, 7\ncall kfunc 0x10002\n"
#define RESULT   "stdw [r10-8], 0\nmov r2, r10\nadd r2, -8\nmov r3, 8\ncall kfunc 0x10003\n"
#define NO_OVERRIDE \
	"cannot use helper bpf_override_return#58: it is for fmod_ret programs: name the section fmod_ret/FUNCTION"
#define NO_ERRNO  "utramp_set_errno() is for fmod_ret programs: name the section fmod_ret/FUNCTION"
#define NO_RESULT "utramp_set_result() is for fmod_ret programs: name the section fmod_ret/FUNCTION"

static const struct verify_case changes_cases[] = {
	{ OVERRIDE OK, NULL, M },
	{ ERRNO OK, NULL, M },
	{ RESULT OK, NULL, M },
	{ OVERRIDE "mov r0, -12\nexit\n", NULL, M, .r0 = (uint64_t)-12 },
	{ OVERRIDE OK, NO_OVERRIDE },
	{ OVERRIDE OK, NO_OVERRIDE, X },
	{ OVERRIDE OK, NO_OVERRIDE, S },
	{ ERRNO OK, NO_ERRNO },
	{ ERRNO OK, NO_ERRNO, X },
	{ ERRNO OK, NO_ERRNO, S },
	{ RESULT OK, NO_RESULT },
	{ RESULT OK, NO_RESULT, X },
	{ RESULT OK, NO_RESULT, S },
	{ "ja +2\n" OVERRIDE OK, NO_OVERRIDE },
	{ "mov r1, 4\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\n" OK "f: " ERRNO OK, NO_ERRNO },
};

static void test_changes(void **state)
{
	VERIFY_CASES(changes_cases);
}

/* Memory of the target's: by those that are allowed to, from memory of their own. */
#define WRITE   "mov r3, 8\ncall 36\n" OK
#define TO_WORD "ldxdw r1, [r1+0]\n"
#define FROM    "stdw [r10-8], 0\nmov r2, r10\nadd r2, -8\n"
#define ALLOWED .allow_write = true

static const struct verify_case writes_cases[] = {
	{ FROM TO_WORD WRITE,
	  "helper bpf_probe_write_user#36 may corrupt the target's memory: it is refused unless "
	  "--allow-write is given" },
	{ "ja +2\n" FROM TO_WORD WRITE, "unless --allow-write is given" },
	{ FROM TO_WORD WRITE, NULL, ALLOWED },
	{ FROM TO_WORD WRITE, NULL, X, ALLOWED },
	{ FROM TO_WORD WRITE, NULL, M, ALLOWED },
	{ FROM TO_WORD WRITE, NULL, S, ALLOWED },
	{ FROM TO_WORD WRITE, "helper bpf_probe_write_user", PROGRAM_PLAIN },
	{ FROM "mov r1, 64\n" WRITE, NULL, ALLOWED },
	{ "mov r2, 64\n" TO_WORD WRITE, "R2 type=scalar expected=fp", ALLOWED },
	{ "mov r2, r10\nadd r2, -4\n" TO_WORD WRITE, "invalid read from stack R2 off=-4 size=8",
	  ALLOWED },
	{ FROM TO_WORD "ldxdw r3, [r10-8]\njgt r3, 64, e\ncall 36\n" END, "R3 invalid zero-sized",
	  ALLOWED },
	{ FROM TO_WORD "mov r3, -1\ncall 36\n" OK, "R3 min value is negative", ALLOWED },
};

static void test_writes(void **state)
{
	VERIFY_CASES(writes_cases);
}

/* -- typed pointers ------------------------------------------------------------------------------ */

static const struct ty t_int = { .kind = TY_INT, .size = 4, .flags = TY_SIGNED, .name = "int" };
static const struct ty t_char = { .kind = TY_INT, .size = 1, .flags = TY_CHAR, .name = "char" };
static const struct ty t_void = { .kind = TY_VOID, .name = "" };
static const struct ty t_conn, t_req;
static const struct ty p_conn = { .kind = TY_PTR, .size = 8, .of = &t_conn, .name = "" };
static const struct ty p_void = { .kind = TY_PTR, .size = 8, .of = &t_void, .name = "" };
static const struct ty a_int = { .kind = TY_ARRAY, .size = 16, .n = 4, .of = &t_int, .name = "" };
static const struct ty a_tail = {
	.kind = TY_ARRAY, .n = 0, .flags = TY_UNSIZED, .of = &t_char, .name = ""
};
static const struct ty_member conn_members[] = {
	{ .name = "fd", .type = &t_int, .offset = 0 },
	{ .name = "peer", .type = &p_conn, .offset = 8 },
	{ .name = "flags", .type = &t_int, .offset = 16, .bit_offset = 3, .bits = 5 },
	{ .name = "name", .type = &a_tail, .offset = 20 },
};
static const struct ty t_conn = {
	.kind = TY_STRUCT, .name = "conn", .size = 24, .n = 4, .member = conn_members
};
static const struct ty_member either_members[] = {
	{ .name = "n", .type = &t_int, .offset = 0 },
	{ .name = "c", .type = &p_conn, .offset = 0 },
};
static const struct ty t_either = {
	.kind = TY_UNION, .name = "either", .size = 8, .n = 2, .member = either_members
};
static const struct ty_member req_members[] = {
	{ .name = "id", .type = &t_int, .offset = 0 },
	{ .name = "conn", .type = &p_conn, .offset = 8 },
	{ .name = "data", .type = &p_void, .offset = 16 },
	{ .name = "n", .type = &a_int, .offset = 24 },
	{ .name = "e", .type = &t_either, .offset = 40 },
	{ .name = "own", .type = &t_conn, .offset = 48 },
};
static const struct ty t_req = {
	.kind = TY_STRUCT, .name = "req", .size = 72, .n = 6, .member = req_members
};

/* What C has beside the plain ones. */
static const struct ty t_long = { .kind = TY_INT, .size = 8, .name = "long" };
static const struct ty t_short = { .kind = TY_INT, .size = 2, .name = "short" };
static const struct ty t_opaque = { .kind = TY_UNKNOWN, .name = "struct opaque" };
static const struct ty t_enum_of_rust = { .kind = TY_UNKNOWN, .size = 8, .name = "Choice" };
static const struct ty t_bare = { .kind = TY_STRUCT, .size = 32, .name = "bare" };
static const struct ty t_func = { .kind = TY_FUNC, .name = "" };
static const struct ty p_req = { .kind = TY_PTR, .size = 8, .of = &t_req, .name = "" };
static const struct ty p_opaque = { .kind = TY_PTR, .size = 8, .of = &t_opaque, .name = "" };
static const struct ty p_func = { .kind = TY_PTR, .size = 8, .of = &t_func, .name = "" };
static const struct ty p_bare = { .kind = TY_PTR, .size = 8, .of = &t_bare, .name = "" };
static const struct ty td_conn = {
	.kind = TY_TYPEDEF, .size = 24, .of = &t_conn, .name = "conn_t"
};
static const struct ty q_conn = { .kind = TY_QUAL, .size = 24, .of = &td_conn, .name = "const" };
static const struct ty r_conn = {
	.kind = TY_PTR, .size = 8, .flags = TY_REFERENCE, .of = &q_conn, .name = ""
};
static const struct ty a_conn2 = {
	.kind = TY_ARRAY, .size = 48, .n = 2, .of = &t_conn, .name = ""
};
static const struct ty a_ptr2 = { .kind = TY_ARRAY, .size = 16, .n = 2, .of = &p_conn, .name = "" };
static const struct ty a_row = { .kind = TY_ARRAY, .size = 4, .n = 2, .of = &t_short, .name = "" };
static const struct ty a_rows = { .kind = TY_ARRAY, .size = 8, .n = 2, .of = &a_row, .name = "" };
static const struct ty_member pair_members[] = {
	{ .name = "lo", .type = &t_int, .offset = 0 },
	{ .name = "hi", .type = &t_int, .offset = 4 },
};
static const struct ty t_pair = {
	.kind = TY_STRUCT, .name = "", .size = 8, .n = 2, .member = pair_members
};
static const struct ty_member any_members[] = {
	{ .name = "", .type = &t_pair, .offset = 0 },
	{ .name = "conn", .type = &p_conn, .offset = 0 },
	{ .name = "req", .type = &p_req, .offset = 0 },
};
static const struct ty t_any = {
	.kind = TY_UNION, .name = "any", .size = 8, .n = 3, .member = any_members
};
static const struct ty t_one = {
	.kind = TY_UNION, .name = "one", .size = 8, .n = 1, .member = any_members + 1
};
static const struct ty a_tail_conn = {
	.kind = TY_ARRAY, .flags = TY_UNSIZED, .of = &t_conn, .name = ""
};
static const struct ty_member all_members[] = {
	{ .name = "", .type = &t_conn, .offset = 0 }, /* a base class */
	{ .name = "two", .type = &a_conn2, .offset = 24 },
	{ .name = "ptr", .type = &a_ptr2, .offset = 72 },
	{ .name = "rows", .type = &a_rows, .offset = 88 },
	{ .name = "a", .type = &t_int, .offset = 96, .bit_offset = 0, .bits = 3 },
	{ .name = "b", .type = &t_int, .offset = 96, .bit_offset = 3, .bits = 13 },
	{ .name = "c", .type = &t_char, .offset = 101, .bit_offset = 0, .bits = 4 },
	{ .name = "any", .type = &t_any, .offset = 104 },
	{ .name = "one", .type = &t_one, .offset = 112 },
	{ .name = "handle", .type = &t_long, .offset = 120 },
	{ .name = "opaque", .type = &p_opaque, .offset = 128 },
	{ .name = "fn", .type = &p_func, .offset = 136 },
	{ .name = "ref", .type = &r_conn, .offset = 144 },
	{ .name = "choice", .type = &t_enum_of_rust, .offset = 152 },
	{ .name = "bare", .type = &p_bare, .offset = 160 },
	{ .name = "tail", .type = &a_tail_conn, .offset = 168 },
};
static const struct ty t_all = { .kind = TY_STRUCT,
				 .name = "all",
				 .size = 168,
				 .n = ARRAY_LEN(all_members),
				 .member = all_members };

static const struct ctx_slot all_slots[] = { { .type = &t_all }, { .type = &t_any } };
static const struct ctx_desc all_desc = { 2, all_slots };
#define A      .ctx = &all_desc, .no_run = true
#define AT(n_) "ldxdw r2, [r1+0]\nldxdw r3, [r2+" #n_ "]\n"

static const struct verify_case members_cases[] = {
	/* the first member by its own type, and what lies in it */
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+0]\n" OK, NULL, A },
	{ AT(8) "ldxdw r3, [r3+8]\nldxw r3, [r3+0]\n" OK, NULL, A },
	{ AT(8) "ldxdw r3, [r3+24]\n" OK, NULL, A }, /* in conn's name[] */
	{ AT(8) "ldxw r3, [r3+4]\n" OK, "struct conn doesn't have field at offset 4", A },
	/* arrays: of structs, of pointers, of arrays */
	{ AT(56) "ldxw r3, [r3+0]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+20]\n" OK, NULL, A }, /* conn's name[] */
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+72]\n" OK, NULL, A },
	{ AT(80) "ldxw r3, [r3+4]\n" OK, "struct conn doesn't have field at offset 4", A },
	{ AT(76) OK, "struct all doesn't have field at offset 76", A },
	{ AT(88) OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+90]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+94]\n" OK,
	  "access beyond the end of member rows (mend:96)", A },
	/* bit-fields: a part of their unit, the bytes they have, all that the load covers */
	{ "ldxdw r2, [r1+0]\nldxb r3, [r2+96]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxb r3, [r2+97]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+96]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxh r3, [r2+100]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+0]\nldxb r3, [r2+100]\n" OK, "doesn't have field at offset 100", A },
	{ "ldxdw r2, [r1+0]\nldxb r3, [r2+102]\n" OK, "doesn't have field at offset 102", A },
	/* unions: a number or one of two pointers may be any of them; one of one is what it is */
	{ AT(104) "ldxdw r3, [r3+400]\nrsh r3, 3\n" OK, NULL, A },
	{ AT(104) "and r3, -8\nldxdw r3, [r2+104]\nadd r3, r3\n" OK, NULL, A },
	{ AT(112) "ldxw r3, [r3+4]\n" OK, "struct conn doesn't have field at offset 4", A },
	{ "ldxdw r2, [r1+8]\nldxdw r3, [r2+0]\nldxdw r3, [r3+800]\n" OK, NULL, A },
	{ "ldxdw r2, [r1+8]\nldxdw r3, [r2+8]\n" OK, "access beyond struct any at off 8 size 8",
	  A },
	/* handles, and pointers to what is not known */
	{ AT(120) "ldxdw r3, [r3+400]\n" OK, NULL, A },
	{ AT(128) "ldxdw r3, [r3+400]\n" OK, NULL, A },
	{ AT(136) "ldxdw r3, [r3+400]\n" OK, NULL, A },
	{ AT(144) "ldxw r3, [r3+4]\n" OK, "struct conn doesn't have field at offset 4", A },
	{ AT(152) "ldxdw r3, [r3+400]\n" OK, NULL, A },
	{ AT(160) "ldxdw r3, [r3+400]\n" OK, NULL, A },
	/* behind the end: conns */
	{ AT(176) "ldxw r3, [r3+0]\n" OK, NULL, A },
	{ AT(2576) "ldxw r3, [r3+4]\n" OK, "struct conn doesn't have field at offset 4", A },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+172]\n" OK, "access beyond struct all at off 172 size 4",
	  A },
};

static void test_members(void **state)
{
	VERIFY_CASES(members_cases);
}

static const struct ctx_slot typed_slots[] = {
	{ .type = &t_req }, { .bytes = 4, .is_signed = true }, { .bytes = 8 }, { .bytes = 1 }
};
static const struct ctx_desc typed_desc = { 4, typed_slots };
#define T .ctx = &typed_desc
static const struct verify_case typed_cases[] = {
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+0]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+8]\nldxdw r3, [r3+8]\nldxw r3, [r3+0]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+4]\n" OK,
	  "struct req doesn't have field at offset 4 of size 4", T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+0]\n" OK,
	  "access beyond the end of member id (mend:4) in struct req with off 0 size 8", T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+72]\n" OK, "access beyond struct req at off 72 size 4",
	  T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2-4]\n" OK, "R2 is ptr_req invalid negative access: off=-4",
	  T },
	{ "ldxdw r2, [r1+0]\nstw [r2+0], 1\n" OK, "only read is supported", T },
	{ "ldxdw r2, [r1+0]\nmov r3, 1\nlock add [r2+24], r3\n" OK,
	  "BPF_ATOMIC stores into R2 untrusted_ptr_", T },
	{ "ldxdw r2, [r1+0]\nldxb r3, [r2+2]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+8]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+8]\nldxw r3, [r3+0]\n" OK,
	  "R3 invalid mem access 'scalar'", T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+28]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+24]\n" OK, NULL, T }, /* two of n */
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+28]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+36]\n" OK,
	  "access beyond the end of member n (mend:40) in struct req with off 36 size 8", T },
	{ "ldxdw r2, [r1+0]\nldxw r3, [r2+40]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+40]\nldxw r3, [r3+0]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+56]\nldxw r3, [r3+16]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+16]\nldxdw r3, [r3+400]\n" OK, NULL, T }, /* void * */
	{ "ldxdw r2, [r1+0]\nadd r2, 48\nldxw r3, [r2+0]\n" OK, NULL, T },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r2+8]\nldxb r3, [r3+99]\n" OK, NULL,
	  T }, /* flexible array */
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r1+16]\nand r3, 3\nadd r2, r3\nldxb r3, [r2+0]\n" OK,
	  "R2 is ptr_req invalid variable offset: off=0, var_off=(0x0; 0x3)", T },
	{ "ldxdw r2, [r1+0]\njeq r2, 0, e\nldxw r3, [r2+0]\n" END, NULL, T },
	{ "ldxdw r2, [r1+0]\njne r2, 0, +1\nldxdw r0, [r9+0]\n" OK, "R9 !read_ok", T },
	{ "ldxdw r2, [r1+0]\nmap r1, 2\ncall 1\n" OK, "R2 type=untrusted_ptr_ expected=fp", T },
	{ "ldxdw r3, [r1+0]\nmov r1, r10\nadd r1, -16\nmov r2, 16\ncall 112\n" OK, NULL, T },
	{ "ldxdw r2, [r1+8]\nldxdw r3, [r2+0]\n" OK, "R2 invalid mem access 'scalar'", T },
	{ "ldxdw r2, [r1+16]\nldxdw r3, [r2+0]\n" OK, "R2 invalid mem access 'scalar'", T },
	{ "ldxdw r0, [r1+24]\nrsh r0, 8\nexit\n", NULL, T },
	{ "ldxdw r0, [r1+8]\nlddw r2, 0x80000000\nadd r0, r2\nrsh r0, 32\nexit\n", NULL, T },
	{ "ldxdw r0, [r1+32]\n" OK, "invalid bpf_context access off=32 size=8", T },
	{ "ldxdw r0, [r1+40]\n" OK, NULL, X, T },
	{ "ldxdw r0, [r1+48]\n" OK, "invalid bpf_context access off=48", X, T },
};

static void test_typed(void **state)
{
	VERIFY_CASES(typed_cases);
}

/* -- pruning -------------------------------------------------------------------------------------- */

/* n questions whose answers do not matter: without pruning 2^n paths. */
static void test_pruning(void **state)
{
	static char text[16384];
	struct verify_case c = { .text = text };
	struct verify_stats s;
	struct diag d;
	char *at = text + sprintf(text, "mov r6, r1\n");

	for (int i = 0; i < 100; i++)
		at += sprintf(at, "ldxdw r1, [r6+%d]\njeq r1, %d, +1\nmov r2, %d\n", 8 * i, i, i);
	strcpy(at, OK);
	assert_int_equal(verify_text(&c, &d, NULL, &s, NULL), 0);
	assert_true(s.processed < 5000);
	assert_true(s.states > 10 && s.peak_states <= s.states && s.max_per_insn > 0);
}

/* Paths that differ in what matters are all looked at: a bad value that comes last is found. */
static const struct verify_case not_pruned_cases[] = {
	{ "ldxdw r6, [r1+0]\nmov r7, 0\njeq r6, 1, +1\nmov r7, 60\nmov r8, 0\nmov r8, 0\nmov r8, 0\n"
	  "mov r8, 0\njeq r6, 2, +0\njeq r6, 3, +0\nvalue r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" OK,
	  "value_size=64 off=60 size=8" },
	{ "ldxdw r6, [r1+0]\nmov r7, r10\njeq r6, 1, +1\nmov r7, r1\nmov r8, 0\nmov r8, 0\nmov r8, 0\n"
	  "mov r8, 0\njeq r6, 2, +0\njeq r6, 3, +0\nstdw [r7-8], 0\n" OK,
	  "invalid bpf_context access" },
	/* copies: on one path r8 is r7, on the other it is not (CVE-2023-2163's kind) */
	{ "ldxdw r7, [r1+0]\nldxdw r6, [r1+8]\nldxdw r8, [r1+16]\njeq r6, 1, +1\nmov r8, r7\n"
	  "mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\n"
	  "jgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" END,
	  "math between map_value pointer" },
	{ "ldxdw r7, [r1+0]\nldxdw r6, [r1+8]\nmov r8, r7\njeq r6, 1, +1\nldxdw r8, [r1+16]\n"
	  "mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\n"
	  "jgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" END,
	  "" },
	/* the same where the other path has two constants, which have no identity */
	{ "ldxdw r6, [r1+0]\nldxdw r7, [r1+8]\nrsh r7, 1\nmov r8, r7\njeq r6, 1, +1\nja +2\nmov r7, 60\nmov r8, 0\n"
	  "mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\n"
	  "jgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" END,
	  "value_size=64 off=60 size=8" },
	/* and one of them is a copy on the stack */
	{ "ldxdw r6, [r1+0]\nldxdw r7, [r1+8]\nrsh r7, 1\nstxdw [r10-8], r7\njeq r6, 1, +1\nja +2\nmov r7, 60\n"
	  "stdw [r10-8], 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r6, 2, +0\n"
	  "jeq r6, 3, +0\nldxdw r8, [r10-8]\njgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\n"
	  "ldxdw r2, [r1+0]\n" END,
	  "value_size=64 off=60 size=8" },
	/* on the stack (CVE-2024-45020's kind) */
	{ "ldxdw r6, [r1+0]\nstdw [r10-8], 0\njeq r6, 1, +1\nstdw [r10-8], 60\nmov r9, 0\nmov r9, 0\n"
	  "mov r9, 0\nmov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\nldxdw r7, [r10-8]\nvalue r1, 5, 0\n"
	  "add r1, r7\nldxdw r2, [r1+0]\n" OK,
	  "value_size=64 off=60 size=8" },
	{ "ldxdw r6, [r1+0]\njeq r6, 1, +1\nstdw [r10-8], 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\n"
	  "mov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\nldxdw r7, [r10-8]\nvalue r1, 5, 0\n"
	  "add r1, r7\nldxdw r2, [r1+0]\n" OK,
	  "math between map_value pointer" },
	{ "ldxdw r6, [r1+0]\njeq r6, 1, +1\nstdw [r10-8], 60\nmov r9, 0\nmov r9, 0\nmov r9, 0\n"
	  "mov r9, 0\njeq r6, 2, +0\njeq r6, 3, +0\nldxb r7, [r10-8]\nvalue r1, 5, 0\n"
	  "add r1, r7\nldxb r2, [r1+0]\n" OK,
	  "value_size=64" },
	/* a record open on one of two paths */
	{ "ldxdw r7, [r1+0]\nmov r6, 0\njeq r7, 1, d\nmap r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\n"
	  "mov r6, r0\nd: mov r9, 0\nmov r9, 0\nmov r9, 0\nmov r9, 0\njeq r7, 2, +0\njeq r7, 3, +0\n"
	  "jeq r6, 0, e\nmov r1, r6\nmov r2, 0\ncall 132\n" END,
	  NULL },
};

static void test_not_pruned(void **state)
{
	VERIFY_CASES(not_pruned_cases);
}

/* -- log and limits -------------------------------------------------------------------------------- */

static bool source(void *arg, uint32_t insn, struct verify_source *out)
{
	static const struct verify_source line = { "prog.c", "return *p;", 7 };

	*out = line;
	return insn >= 2;
}

static void test_log(void **state)
{
	const struct verify_case c = {
		.text = "ldxdw r2, [r1+0]\nand r2, 3\nldxdw r0, [r2+0]\nexit\n"
	};
	struct verify_prog in = { .source = source };
	struct verify_log log = { .level = 1 };
	struct diag d = { "" };

	assert_int_equal(verify_text(&c, &d, &log, NULL, &in), -EACCES);
	assert_non_null(strstr(log.text, "0: R1=ctx() R10=fp0\n"));
	assert_non_null(strstr(log.text, "0: (79) r2 = *(u64 *)(r1 +0)          ; R2=scalar()\n"));
	assert_non_null(strstr(log.text, "; return *p; @ prog.c:7\n2: (79) r0 = *(u64 *)(r2 +0)\n"
					 "R2 invalid mem access 'scalar'\n"));
	assert_non_null(strstr(log.text,
			       "at prog.c:7: return *p;\nwhat to change: a number is no address"));
	assert_non_null(strstr(log.text, "processed 3 insns (limit 1000000)"));
	assert_non_null(strstr(d.text,
			       "insn 2 (r0 = *(u64 *)(r2 +0)): R2 invalid mem access 'scalar'\n"
			       "at prog.c:7: return *p;\n"));
	verify_log_free(&log);
}

static char *logged(const char *text, unsigned level)
{
	const struct verify_case c = { .text = text };
	struct verify_log log = { .level = level };
	struct diag d = { "" };

	(void)verify_text(&c, &d, &log, NULL, NULL);
	assert_non_null(log.text);
	return log.text;
}

static void says(const char *text, unsigned level, const char *words)
{
	char *log = logged(text, level);

	if (!strstr(log, words))
		fail_msg("no '%s' in:\n%s", words, log);
	free(log);
}

/* As the kernel writes it: tests/verify/log_test.c compares. */
static void test_log_text(void **state)
{
	says("map r1, 1\n" OK, 2, "R1=map_ptr(map=m,ks=4,vs=64)\n");
	says("map r1, 2\nmov r2, r10\nadd r2, -8\nstdw [r10-8], 0\ncall 1\njeq r0, 0, +1\n"
	     "ldxdw r0, [r0+0]\n" OK,
	     2, "R0=map_value_or_null(id=2,map=m,ks=8,vs=16)\n");
	says("map r1, 2\nmov r2, r10\nadd r2, -8\nstdw [r10-8], 0\ncall 1\njeq r0, 0, +1\n"
	     "ldxdw r0, [r0+0]\n" OK,
	     2, "; R0=map_value(map=m,ks=8,vs=16)\n");
	says("stw [r10-4], 0\n" OK, 2, "; fp-8=0000????\n");
	says("stxdw [r10-16], r1\n" OK, 2, "; fp-16=ctx()\n");
	says("mov r2, 7\nstxw [r10-8], r2\n" OK, 2, "; fp-8=????7\n");
	says("map r1, 3\nmov r2, 8\nmov r3, 0\ncall 131\njeq r0, 0, +3\nmov r1, r0\nmov r2, 0\n"
	     "call 132\n" OK,
	     2, "R0=ringbuf_mem_or_null(id=2,ref_obj_id=2,sz=8) refs=2\n");
	says("call local f\nexit\nf: mov r0, 0\nexit\n", 2,
	     "0: (85) call pc+1\ncaller:\n R10=fp0\ncallee:\n frame1: R1=ctx() R10=fp0\n"
	     "2: (b7) r0 = 0                        ; frame1: R0=0\n3: (95) exit\n"
	     "returning from callee:\n frame1: R0=0 R1=ctx() R10=fp0\nto caller at 1:\n R0=0 R10=fp0\n");
	says("ldxdw r2, [r1+0]\njeq r2, 0, +0\n.fill 9\njeq r2, 1, +0\n.fill 9\njeq r2, 2, +0\n.fill 9\n"
	     "jeq r2, 3, +0\n.fill 9\n" OK,
	     2, ": safe\n");
	/* statistics: how deep each function's stack is */
	says("stdw [r10-24], 0\ncall local f\nexit\nf: stb [r10-1], 0\n" OK, 4,
	     " usec\nstack depth 24+8\nprocessed ");
}

static void test_log_levels(void **state)
{
	const struct verify_case ok = { .text = "ldxdw r2, [r1+0]\njeq r2, 7, e\nmov r3, 1\n" END };
	const struct verify_case bad = { .text = "ldxdw r2, [r1+0]\njeq r2, 7, +2\n" OK "exit\n" };
	struct verify_log log = { .level = 1 };
	struct diag d;

	assert_int_equal(verify_text(&ok, &d, &log, NULL, NULL), 0);
	assert_int_equal(strncmp(log.text, "processed ", 10),
			 0); /* what was accepted is not told */
	verify_log_free(&log);
	log.level = 2;
	assert_int_equal(verify_text(&ok, &d, &log, NULL, NULL), 0);
	assert_non_null(strstr(log.text, "\nfrom 1 to 3: R1=ctx() R2=7"));
	assert_non_null(strstr(log.text, "2: (b7) r3 = 1"));
	verify_log_free(&log);
	log.level = 1;
	log.verdict = 0;
	assert_int_equal(verify_text(&bad, &d, &log, NULL, NULL), -EACCES);
	assert_non_null(strstr(log.text + log.verdict, "R0 !read_ok\nwhat to change: "));
	assert_null(strstr(log.text, "2: (b7) r0 = 0")); /* a path that was right */
	assert_non_null(strstr(log.text, "from 1 to 4: R1="));
	assert_non_null(strstr(log.text, "R0 !read_ok"));
	verify_log_free(&log);
}

static void test_limits(void **state)
{
	const struct verify_case loop = {
		.text = "mov r1, 0\na: add r1, 1\njne r1, 100000, a\n" OK
	};
	const struct verify_case wide = {
		.text = "ldxdw r2, [r1+0]\nmov r1, 0\na: add r1, 1\njlt r1, r2, a\n" OK
	};
	struct verify_prog in = { .max_insns = 150000 };
	struct verify_stats s;
	struct diag d;

	assert_int_equal(verify_text(&loop, &d, NULL, &s, &in), -E2BIG);
	assert_non_null(strstr(d.text, "BPF program is too large. Processed 150001 insn"));
	assert_non_null(strstr(d.text, "insn "));
	assert_int_equal(verify_text(&loop, &d, NULL, &s, NULL), 0);
	in = (struct verify_prog){ .max_bytes = 1 << 20 };
	assert_int_equal(verify_text(&wide, &d, NULL, &s, &in), -E2BIG);
	assert_non_null(strstr(d.text, "too complex: its states take more than 1 MiB"));
	assert_true(s.peak_bytes >= 1 << 20 && s.peak_bytes < 2 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions),  cmocka_unit_test(test_callbacks),
		cmocka_unit_test(test_rounds),     cmocka_unit_test(test_kfuncs),
		cmocka_unit_test(test_changes),    cmocka_unit_test(test_writes),
		cmocka_unit_test(test_typed),      cmocka_unit_test(test_members),
		cmocka_unit_test(test_pruning),    cmocka_unit_test(test_not_pruned),
		cmocka_unit_test(test_log),        cmocka_unit_test(test_log_text),
		cmocka_unit_test(test_log_levels), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, verify_setup, verify_teardown);
}
