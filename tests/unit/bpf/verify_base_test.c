/*
 * verify_base_test.c - verify.h: registers, arithmetic, branches, the context, what is returned.
 */
#include "verify_case.h"

#include <stdio.h>

#define F PROGRAM_FENTRY
#define M PROGRAM_FMOD_RET
#define X PROGRAM_FEXIT

#define OK "mov r0, 0\nexit\n"

static const struct verify_case unset_cases[] = {
	{ OK, NULL },
	{ "exit\n", "R0 !read_ok" },
	{ "mov r0, r2\nexit\n", "R2 !read_ok" },
	{ "mov r0, r9\nexit\n", "R9 !read_ok" },
	{ "mov r0, r10\nmov r0, 0\nexit\n", NULL },
	{ "add r3, 1\n" OK, "R3 !read_ok" },
	{ "mov r1, 1\nadd r1, r4\n" OK, "R4 !read_ok" },
	{ "neg r5\n" OK, "R5 !read_ok" },
	{ "be16 r5\n" OK, "R5 !read_ok" },
	{ "bswap64 r6\n" OK, "R6 !read_ok" },
	{ "movsx8 r1, r6\n" OK, "R6 !read_ok" },
	{ "jeq r7, 0, +0\n" OK, "R7 !read_ok" },
	{ "mov r1, 0\njgt r1, r7, +0\n" OK, "R7 !read_ok" },
	{ "jset32 r7, 1, +0\n" OK, "R7 !read_ok" },
	{ "ldxdw r0, [r3+0]\n" OK, "R3 !read_ok" },
	{ "stxdw [r10-8], r3\n" OK, "R3 !read_ok" },
	{ "stdw [r3-8], 0\n" OK, "R3 !read_ok" },
	{ "stdw [r10-8], 0\nlock add [r10-8], r3\n" OK, "R3 !read_ok" },
	{ "stdw [r10-8], 0\nmov r3, 1\nlock cmpxchg [r10-8], r3\n" OK, "R0 !read_ok" },
	{ "lock add [r3-8], r1\n" OK, "R3 !read_ok" },
	{ "acqw r0, [r3+0]\n" OK, "R3 !read_ok" },
	{ "reldw [r10-8], r4\n" OK, "R4 !read_ok" },
	/* calls leave nothing in r1 to r5 */
	{ "call 5\nmov r0, r1\nexit\n", "R1 !read_ok" },
	{ "mov r5, 1\ncall 5\nmov r0, r5\nexit\n", "R5 !read_ok" },
	{ "mov r6, 0\ncall 5\nmov r0, r6\nexit\n", NULL },
	/* on one path only */
	{ "ldxdw r1, [r1+0]\njeq r1, 0, +1\nmov r2, 0\nmov r0, r2\nexit\n", "R2 !read_ok" },
	{ "mov r1, 1\njeq r1, 0, +1\nmov r2, 0\nmov r0, r2\nexit\n", NULL },
	{ "ldxdw r1, [r1+0]\nmov r2, 0\njeq r1, 0, +1\nmov r2, 0\nmov r0, r2\nexit\n", NULL },
	/* unset, but nobody reads it */
	{ "ldxdw r1, [r1+0]\njeq r1, 0, +1\nmov r2, 0\n" OK, NULL },
};

static void test_unset(void **state)
{
	VERIFY_CASES(unset_cases);
}

static const struct verify_case flow_cases[] = {
	{ "mov r0, 0\nja +1\nmov r0, 1\nexit\n", "unreachable insn 2" },
	{ OK "mov r0, 1\nexit\n", "unreachable insn 2" },
	{ "mov r0, 0\ngotol +1\nmov r0, 1\nexit\n", "unreachable insn 2" },
	{ "ja -1\n", "infinite loop detected at insn 0" },
	{ "mov r0, 0\nja -1\n", "infinite loop detected at insn 1" },
	{ "mov r0, 0\na: ja b\nb: ja a\n", "infinite loop detected" },
	{ "ldxdw r1, [r1+0]\na: jeq r1, 0, a\n" OK, "infinite loop detected" },
	{ "ldxdw r1, [r1+0]\na: jne r1, 7, a\n" OK, "infinite loop detected" },
	{ "mov r1, 0\na: add r1, 1\njlt r1, 100, a\n" OK, NULL },
	{ "mov r1, 0\na: add r1, 1\njne r1, 1000, a\n" OK, NULL },
	{ "mov r1, 100\na: sub r1, 1\njsgt r1, 0, a\n" OK, NULL },
	{ "mov r1, 0\na: add r1, 2\njne r1, 1001, a\n" OK, "too complex" },
	{ "mov r1, 0\na: add r1, 0\njne r1, 1, a\n" OK, "infinite loop detected" },
	{ "ldxdw r2, [r1+0]\njgt r2, 50, e\nmov r1, 0\na: add r1, 1\njlt r1, r2, a\ne: " OK, NULL },
	{ "ldxdw r2, [r1+0]\nmov r1, 0\na: add r1, 1\njlt r1, r2, a\n" OK, "too complex" },
	{ "mov r1, 0\na: add r1, 1\njlt32 r1, 64, a\n" OK, NULL },
};

static void test_flow(void **state)
{
	VERIFY_CASES(flow_cases);
}

static const struct verify_case results_cases[] = {
	{ "mov r0, 1\nexit\n",
	  "At program exit the register R0 has smin=1 smax=1 should have "
	  "been in [0, 0]",
	  F },
	{ "mov r0, 1\nexit\n", "should have been in [0, 0]", X },
	{ "mov r0, 1\nexit\n", "smin=1 smax=1 should have been in [0, 0]", PROGRAM_FSESSION },
	{ "call kfunc 0x10000\nexit\n", "smin=0 smax=1 should have been in [0, 0]",
	  PROGRAM_FSESSION },
	{ "mov r0, 1\nexit\n", NULL, M, .r0 = 1 },
	{ "mov r0, -1\nexit\n", "smin=-1 smax=-1 should have been in [0, 0]", F },
	{ "ldxdw r0, [r1+0]\nexit\n", "R0 has unknown scalar value should have been in [0, 0]", F },
	{ "ldxdw r0, [r1+0]\nexit\n", NULL, M, .r0 = 0x200000008000 },
	{ "ldxdw r0, [r1+0]\nand r0, 1\nexit\n", "smin=0 smax=1 should have been", F },
	{ "ldxdw r0, [r1+0]\nand r0, 0\nexit\n", NULL, F },
	{ "ldxdw r0, [r1+0]\njeq r0, 0, +1\nmov r0, 0\nexit\n", NULL, F },
	{ "ldxdw r0, [r1+0]\njeq r0, 0, +1\nmov r0, 2\nexit\n", "smin=2 smax=2", F },
	{ "mov r0, r10\nexit\n", "R0 is not a known value (fp)", F },
	{ "mov r0, r1\nexit\n", "R0 is not a known value (ctx)", F },
	{ "lddw r0, 0x100000000\nexit\n", "should have been in [0, 0]", F },
	{ "lddw r0, 0x100000000\nmov32 r0, r0\nexit\n", NULL, F },
};

static void test_results(void **state)
{
	VERIFY_CASES(results_cases);
}

static const struct verify_case pointer_math_cases[] = {
	{ "mov r2, r10\nmul r2, 8\n" OK, "R2 pointer arithmetic with *= operator" },
	{ "mov r2, r10\nand r2, -8\n" OK, "R2 bitwise operator &= on pointer" },
	{ "mov r2, r10\nor r2, 8\n" OK, "R2 bitwise operator |= on pointer" },
	{ "mov r2, r10\nxor r2, 8\n" OK, "R2 bitwise operator ^= on pointer" },
	{ "mov r2, r10\nlsh r2, 8\n" OK, "R2 pointer arithmetic with <<= operator" },
	{ "mov r2, r10\nrsh r2, 8\n" OK, "R2 pointer arithmetic with >>= operator" },
	{ "mov r2, r10\narsh r2, 8\n" OK, "R2 pointer arithmetic with s>>= operator" },
	{ "mov r2, r10\ndiv r2, 8\n" OK, "R2 pointer arithmetic with /= operator" },
	{ "mov r2, r10\nmod r2, 8\n" OK, "R2 pointer arithmetic with %= operator" },
	{ "mov r2, r10\nadd32 r2, 8\n" OK, "R2 32-bit pointer arithmetic prohibited" },
	{ "mov r2, r10\nadd r2, r10\n" OK, "R2 pointer += pointer prohibited" },
	{ "mov r2, r10\nsub r2, r10\n" OK, NULL },
	{ "mov r2, r10\nsub r2, r1\nadd r2, 1\nmul r2, 5\n" OK, NULL },
	{ "mov r2, 8\nsub r2, r10\n" OK, "R2 tried to subtract pointer from scalar" },
	{ "mov r2, -8\nadd r2, r10\nstdw [r2+0], 1\n" OK, NULL },
	{ "mov r2, r10\nsub r2, 8\nstdw [r2+0], 1\n" OK, NULL },
	{ "mov r2, r10\nsub r2, -8\nstdw [r2+0], 1\n" OK, "invalid write to stack R2 off=8" },
	{ "mov r2, r10\nadd r2, 0x7fffffff\n" OK,
	  "value 2147483647 makes fp pointer be out of bounds" },
	{ "mov r2, r10\nadd r2, -536870912\n" OK, "makes fp pointer be out of bounds" },
	{ "mov r2, r10\nadd r2, 500000000\nadd r2, 500000000\n" OK,
	  "fp pointer offset 1000000000 is not allowed" },
	{ "ldxdw r3, [r1+0]\nmov r2, r10\nadd r2, r3\n" OK,
	  "math between fp pointer and register with unbounded min value is not allowed" },
	{ "map r2, 1\nadd r2, 1\n" OK, "R2 pointer arithmetic on map_ptr prohibited" },
	{ "func r2, f\nadd r2, 8\n" OK "f: mov r0, 0\nexit\n",
	  "R2 pointer arithmetic on func prohibited" },
	{ "mov r2, r10\nneg r2\nadd r2, 5\n" OK, NULL },
	{ "mov r2, r10\nneg r2\nldxdw r2, [r2+0]\n" OK, "R2 invalid mem access 'scalar'" },
	{ "mov32 r2, r10\nldxdw r2, [r2+0]\n" OK, "R2 invalid mem access 'scalar'" },
	{ "movsx32 r2, r10\nldxdw r2, [r2+0]\n" OK, "R2 invalid mem access 'scalar'" },
	/* of which nothing is known, not that it is the pointer's distance from its object */
	{ "mov32 r0, r1\nexit\n", "At program exit the register R0 has smin=0 smax=4294967295", F },
	{ "mov32 r0, r10\nexit\n", "At program exit the register R0 has smin=0 smax=4294967295",
	  F },
	{ "movsx8 r0, r10\nexit\n", "R0 has smin=-128 smax=127", F },
	{ "movsx32 r0, r1\nexit\n", "R0 has smin=-2147483648 smax=2147483647", F },
	{ "mov r0, r1\nbswap64 r0\nexit\n", "R0 has unknown scalar value", F },
	{ "mov r2, r1\nneg r2\nmov r0, r2\nexit\n", "R0 has unknown scalar value", F },
	{ "mov r0, r10\nsub32 r0, r1\nexit\n",
	  "At program exit the register R0 has smin=0 smax=4294967295", F },
	{ "mov r0, r10\nsub r0, r10\nexit\n", "R0 has unknown scalar value", F },
	{ "mov r2, r10\nbe64 r2\nstdw [r2+0], 0\n" OK, "R2 invalid mem access 'scalar'" },
	/* compared pointers stay what they are */
	{ "mov r2, r10\njgt r2, r1, +0\nstdw [r2-8], 0\n" OK, NULL },
	{ "mov r2, r10\njeq r2, 0, +1\nja +1\nmov r3, r9\n" OK, NULL },
	{ "mov r2, r10\njne r2, 0, +1\nmov r3, r9\n" OK, NULL },
	{ "mov r2, r10\njeq r2, 5, +1\nja +1\nmov r3, r9\n" OK, "R9 !read_ok" },
};

static void test_pointer_math(void **state)
{
	VERIFY_CASES(pointer_math_cases);
}

/* r2 is unknown, then an index of the stack's 16 highest bytes, and of its lowest: 0 to 15. */
#define INDEX(how_) \
	"ldxdw r2, [r1+0]\nldxw r5, [r1+8]\nstdw [r10-16], 0\nstdw [r10-8], 0\n" how_ \
	"mov r4, r10\nadd r4, -16\nadd r4, r2\nldxb r0, [r4+0]\n" \
	"mov r4, r10\nadd r4, -512\nadd r4, r2\nldxb r0, [r4+0]\ne: " OK

static const char *const good[] = {
	"and r2, 15\n",
	"and32 r2, 15\n",
	"mod r2, 16\n",
	"mod32 r2, 16\n",
	"rsh r2, 60\n",
	"rsh32 r2, 28\n",
	"jgt r2, 15, e\n",
	"jge r2, 16, e\n",
	"jlt r2, 16, +1\nja e\n",
	"jle r2, 15, +1\nja e\n",
	"jsgt r2, 15, e\njslt r2, 0, e\n",
	"jslt r2, 0, e\njsge r2, 16, e\n",
	"mov32 r2, r2\njgt r2, 15, e\n",
	"mov32 r2, r2\njgt32 r2, 15, e\n",
	"and r2, 7\nlsh r2, 1\n",
	"and r2, 7\nmul r2, 2\n",
	"and r2, 7\nadd r2, 8\n",
	"and r2, 7\nor r2, 8\n",
	"and r2, 7\nxor r2, 8\n",
	"and r2, 255\ndiv r2, 16\n",
	"and r2, 255\nrsh r2, 4\n",
	"jset r2, -16, e\n",
	"mov r3, r2\njgt r3, 15, e\n",                           /* the copy knows, too */
	"stxdw [r10-8], r2\njgt r2, 15, e\nldxdw r2, [r10-8]\n", /* the one on the stack */
	"jgt r2, 15, e\nstxdw [r10-8], r2\nldxdw r2, [r10-8]\n",
	"jgt r2, 15, e\nstxw [r10-8], r2\nldxw r2, [r10-8]\n",
	"and r2, 15\nstxb [r10-8], r2\nldxb r2, [r10-8]\n",
	"mov r3, 16\njge r2, r3, e\n",
	"mov r3, 15\njlt r3, r2, e\n",
	"and r5, 15\nmov r2, r5\n",
	"jne r2, 3, e\n",
	"jeq r2, 3, +1\nja e\n",
	"mov r2, 3\n",
	"movsx8 r2, r2\njslt r2, 0, e\njsgt r2, 15, e\n",
	"arsh r2, 63\nand r2, 15\n",
	"and r2, 0xf0\nbswap16 r2\nrsh r2, 12\n",
};
static const char *const bad[] = {
	"",
	"and r2, 31\n",
	"and r2, 16\n",
	"mod r2, 17\n",
	"jgt r2, 16, e\n",
	"jsgt r2, 15, e\n",              /* negative */
	"jslt r2, 0, e\n",               /* unbounded */
	"jgt32 r2, 15, e\n",             /* of the upper half nothing is known */
	"mov32 r3, r2\njgt r3, 15, e\n", /* cut: no copy */
	"and r2, 15\nadd r2, 1\n",
	"and r2, 15\nsub r2, 1\n",
	"and r2, 15\nor r2, 16\n",
	"and r2, 15\nxor r2, 16\n",
	"and r2, 15\nlsh r2, 1\n",
	"and r2, 15\nmul r2, 2\n",
	"and r2, 15\nneg r2\n",
	"mov r3, r2\nadd r3, 1\njgt r3, 15, e\nmov r2, r3\nadd r2, 1\n",
	"mov r3, r2\nadd r2, 16\njgt r3, 15, e\n", /* no copy any more */
	"jgt r2, 15, e\nstxdw [r10-8], r2\nadd r2, 1\nldxdw r2, [r10-8]\nadd r2, 1\n",
	"jeq r2, 99, e\n",
	"jset r2, 15, e\n",
	"rsh r2, 59\n",
	"rsh32 r2, 27\n",
	"movsx8 r2, r2\njsgt r2, 15, e\n",
	"mod32 r2, 0x7fffffff\n",
	"arsh r2, 60\n",
};

static void test_ranges(void **state)
{
	char text[1024];
	struct verify_case c = { .text = text };

	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		snprintf(text, sizeof(text), INDEX("%s"), good[i]);
		verify_cases(&c, 1);
	}
	c.says = "";
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		snprintf(text, sizeof(text), INDEX("%s"), bad[i]);
		verify_cases(&c, 1);
	}
}

static const struct verify_case ctx_cases[] = {
	{ "ldxdw r0, [r1+0]\n" OK, NULL },
	{ "ldxdw r0, [r1+2040]\n" OK, NULL },
	{ "ldxdw r0, [r1+2048]\n" OK, "invalid bpf_context access off=2048 size=8" },
	{ "ldxdw r0, [r1-8]\n" OK, "invalid bpf_context access off=-8 size=8" },
	{ "ldxdw r0, [r1-8]\n" OK, NULL, .generated = true },
	{ "ldxdw r0, [r1-24]\n" OK, "invalid bpf_context access off=-24", .generated = true },
	{ "ldxdw r0, [r1+4]\n" OK, "invalid bpf_context access off=4 size=8" },
	{ "ldxw r0, [r1+4]\n" OK, NULL },
	{ "ldxh r0, [r1+3]\n" OK, "invalid bpf_context access off=3 size=2" },
	{ "ldxb r0, [r1+3]\n" OK, NULL },
	{ "ldxsw r0, [r1+8]\n" OK, NULL },
	{ "stdw [r1+0], 0\n" OK, "invalid bpf_context access off=0 size=8" },
	{ "stdw [r1+0], 0\n" OK, "read-only" },
	{ "mov r2, 0\nstxw [r1+8], r2\n" OK, "invalid bpf_context access off=8 size=4" },
	{ "mov r2, 0\nlock add [r1+8], r2\n" OK, "BPF_ATOMIC stores into R1 ctx is not allowed" },
	{ "acqdw r2, [r1+8]\n" OK, "BPF_ATOMIC stores into R1 ctx is not allowed" },
	{ "mov r2, 0\nreldw [r1+8], r2\n" OK, "BPF_ATOMIC stores into R1 ctx is not allowed" },
	{ "add r1, 8\nldxdw r0, [r1+8]\n" OK, NULL },
	{ "add r1, 2040\nldxdw r0, [r1+8]\n" OK, "off=2048 size=8" },
	{ "ldxdw r2, [r1+0]\nand r2, 8\nadd r1, r2\nldxdw r0, [r1+0]\n" OK,
	  "variable ctx access var_off=(0x0; 0x8) disallowed" },
	{ "ldxdw r2, [r1+0]\nand r2, 8\nmul r2, 0\nadd r1, r2\nldxdw r0, [r1+0]\n" OK, NULL },
	{ "stxdw [r10-8], r1\nldxdw r1, [r10-8]\nldxdw r0, [r1+0]\n" OK, NULL },
};

static void test_ctx(void **state)
{
	VERIFY_CASES(ctx_cases);
}

/* Words of unknown types may be followed; what was computed of them otherwise may not. */
static const struct verify_case target_words_cases[] = {
	{ "ldxdw r2, [r1+0]\nldxdw r2, [r2+8]\nldxw r2, [r2+4]\n" OK, NULL },
	{ "ldxw r2, [r1+0]\nldxdw r2, [r2+8]\n" OK, "R2 invalid mem access 'scalar'" },
	{ "ldxdw r2, [r1+0]\nldxw r2, [r2+0]\nldxdw r2, [r2+8]\n" OK,
	  "R2 invalid mem access 'scalar'" },
	{ "ldxdw r2, [r1+0]\nadd r2, 40\nldxdw r2, [r2+8]\n" OK, NULL },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r1+8]\nlsh r3, 3\nadd r2, r3\nldxdw r2, [r2+8]\n" OK,
	  NULL },
	{ "ldxdw r2, [r1+0]\nsub r2, 8\nldxdw r2, [r2+8]\n" OK, NULL },
	{ "ldxdw r2, [r1+0]\nlsh r2, 1\nldxdw r2, [r2+8]\n" OK, "R2 invalid mem access" },
	{ "ldxdw r2, [r1+0]\nmov32 r2, r2\nldxdw r2, [r2+8]\n" OK, "R2 invalid mem access" },
	{ "ldxdw r2, [r1+0]\nstdw [r2+0], 0\n" OK, "R2 invalid mem access 'scalar'" },
	{ "ldxdw r2, [r1+0]\nstdw [r2+0], 0\n" OK, "written by bpf_probe_write_user() alone" },
	{ "ldxdw r2, [r1+0]\nmov r3, 1\nlock add [r2+0], r3\n" OK,
	  "BPF_ATOMIC stores into R2 scalar is not allowed" },
	{ "ldxdw r2, [r1+0]\nacqdw r3, [r2+0]\n" OK, "BPF_ATOMIC stores into R2" },
	{ "mov r2, 0\nldxdw r2, [r2+8]\n" OK, "R2 invalid mem access 'scalar'" },
	{ "lddw r2, 0x7fff00000000\nldxdw r2, [r2+8]\n" OK, "R2 invalid mem access 'scalar'" },
	{ "ldxdw r2, [r1+0]\nstxdw [r10-8], r2\nldxdw r3, [r10-8]\nldxdw r2, [r3+8]\n" OK, NULL },
	{ "ldxdw r2, [r1+0]\nstxdw [r10-8], r2\nldxw r3, [r10-8]\nldxdw r2, [r3+8]\n" OK,
	  "R3 invalid mem access" },
	{ "ldxdw r2, [r1+0]\nmov r1, r2\nmov r2, 0\ncall kfunc 0x10007\nldxdw r2, [r0+8]\n" OK,
	  NULL },
};

static void test_target_words(void **state)
{
	VERIFY_CASES(target_words_cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unset),        cmocka_unit_test(test_flow),
		cmocka_unit_test(test_results),      cmocka_unit_test(test_pointer_math),
		cmocka_unit_test(test_ranges),       cmocka_unit_test(test_ctx),
		cmocka_unit_test(test_target_words),
	};

	return cmocka_run_group_tests(tests, verify_setup, verify_teardown);
}
