/*
 * classes.c - the bugs that other verifiers and JITs had, by class (docs/testing.md has the table): a
 * verifier with that bug accepts what is refused here, or what it accepts runs otherwise.  Each of them
 * is planted by tools/mutate.py (tools/faults/verifier.py).
 *
 * Most programs reach what is wrong on one path only, which exists: a verifier that believes it does
 * not is the one with the bug.
 */
#include "cases.h"

#include <stdio.h>
#include <string.h>

/* (a) what is known of numbers of 32 bits, and of 64 */
void verify_class_numbers(void **state)
{
	static const struct verify_case c[] = {
		/* CVE-2017-16995: a 32-bit immediate is not extended by its sign */
		REFUSED("value_size=64 off=64", "mov32 r6, -1\njeq r6, -1, e\n" OUTSIDE END),
		GIVES(0xffffffff, "mov32 r0, -1\n" RET),
		GIVES(UINT64_MAX, "mov r0, -1\n" RET),
		/* CVE-2020-8835: a comparison of 32 bits tells nothing of the upper ones */
		REFUSED("unbounded min value",
			"ldxdw r6, [r1+0]\njgt32 r6, 56, e\n" TOUCH("r6") END),
		GIVES(5, "ldxdw r6, [r1+8]\njgt32 r6, 56, e\nmov32 r6, r6\n" TOUCH(
				 "r6") "mov r0, r6\n" RET END),
		/* CVE-2020-27194: the bounds of 64 bits, cut, are none of 32 */
		REFUSED("R1 min value is negative",
			"ldxdw r6, [r1+0]\nlddw r7, 0x600000001\njlt r6, 1, e\njgt r6, r7, e\nor r6, 0\n"
			"mov32 r6, r6\nsub r6, 1\n" TOUCH("r6") END),
		/* CVE-2021-3490: bounds of 32 bits after and, or, xor of what is known */
		REFUSED("value_size=64 off=64",
			"mov r6, 5\nand32 r6, 3\njeq r6, 5, e\n" OUTSIDE END),
		REFUSED("value_size=64 off=64",
			"mov r6, 5\nor32 r6, 3\njeq r6, 5, e\n" OUTSIDE END),
		REFUSED("value_size=64 off=64",
			"mov r6, 5\nxor32 r6, 3\njeq r6, 5, e\n" OUTSIDE END),
		GIVES(1, "mov r0, 5\nand32 r0, 3\n" RET),
		/* CVE-2021-31440: at least 1 in 64 bits is not so in 32 */
		REFUSED("R1 min value is outside",
			"ldxdw r6, [r1+0]\njeq r6, 0, e\nmov32 r6, r6\nsub r6, 1\njsgt r6, 56, e\n" TOUCH(
				"r6") END),
		/* CVE-2021-45402: what was cut to 32 bits has no sign */
		REFUSED("value_size=64 off=64 size=1\nR1 max value",
			"ldxdw r6, [r1+0]\nmov32 r6, r6\nrsh r6, 31\nmul r6, 64\n" TOUCH("r6") END),
		GIVES(0xfffffffd, "ldxdw r6, [r1+16]\nmov32 r0, r6\n" RET),
		/* CVE-2021-3444: the rest by 0 is the dividend, cut if it is of 32 bits */
		REFUSED("value_size=64 off=100 size=1\nR1 max value",
			"ldxdw r7, [r1+0]\nand r7, 7\nmov r6, 100\nmod r6, r7\n" TOUCH("r6") END),
		REFUSED("value_size=64 off=100 size=1\nR1 max value",
			"ldxdw r7, [r1+0]\nand r7, 7\nmov r6, 100\nmod32 r6, r7\n" TOUCH("r6") END),
		GIVES(3, "lddw r0, 0x500000003\nmov r2, 0\nmod32 r0, r2\n" RET),
		GIVES(0x500000003, "lddw r0, 0x500000003\nmov r2, 0\nmod r0, r2\n" RET),
		GIVES(0, "lddw r0, 0x500000003\nmov r2, 0\ndiv32 r0, r2\n" RET),
		/* CVE-2024-49888: the least number by -1 */
		GIVES(INT64_MIN, "lddw r0, 0x8000000000000000\nmov r2, -1\nsdiv r0, r2\n" RET),
		GIVES(0, "lddw r0, 0x8000000000000000\nmov r2, -1\nsmod r0, r2\n" RET),
		GIVES(0x80000000, "mov32 r0, 0x80000000\nmov r2, -1\nsdiv32 r0, r2\n" RET),
		REFUSED("value_size=64 off=64",
			"lddw r6, 0x8000000000000000\nsdiv r6, -1\njsgt r6, 0, e\n" OUTSIDE END),
	};

	VERIFY_CASES(c);
}

/* (b) arithmetic on pointers */
void verify_class_pointers(void **state)
{
	static const struct verify_case c[] = {
		/* CVE-2022-23222: NULL and 8 is not 0 when NULL is */
		REFUSED("R6 pointer arithmetic on map_value_or_null prohibited",
			"stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nmov r6, r0\nadd r6, 8\n"
			"jne r0, 0, e\nmul r6, 8\n" TOUCH("r6") END),
		REFUSED("R6 pointer arithmetic on ringbuf_mem_or_null prohibited",
			"map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nmov r6, r0\nadd r6, 8\njeq r0, 0, e\n"
			"mov r1, r0\nmov r2, 0\ncall 133\n" END),
		/* a number that is not known, added or taken away */
		REFUSED("R1 min value is outside",
			"ldxdw r6, [r1+0]\nand r6, 63\nvalue r1, 5, 0\nsub r1, r6\nldxb r2, [r1+0]\n" OK),
		REFUSED("R1 max value is outside",
			"ldxdw r6, [r1+0]\nand r6, 63\nvalue r1, 5, 1\nadd r1, r6\nldxb r2, [r1+0]\n" OK),
		GIVES(58,
		      "ldxdw r6, [r1+8]\nand r6, 63\nvalue r1, 5, 0\nsub r1, r6\nldxb r0, [r1+63]\n" RET),
		/* CVE-2024-26589: a variable distance where only fixed ones are looked at */
		REFUSED("variable ctx access var_off=(0x0; 0x8) disallowed",
			"ldxdw r6, [r1+0]\nand r6, 8\nadd r1, r6\nldxdw r0, [r1+0]\n" RET),
		REFUSED("value_size=64 off=71 size=1\nR1 max value",
			"ldxdw r6, [r1+0]\nand r6, 15\nvalue r1, 5, 56\nadd r1, r6\nldxb r2, [r1+0]\n" OK),
	};

	VERIFY_CASES(c);
}

/* (c) what paths have in common */
void verify_class_pruning(void **state)
{
	static const struct verify_case c[] = {
		/* CVE-2023-2163: on one path r8 is r7, on the other, which is looked at later, it is not */
		REFUSED("math between map_value pointer",
			"ldxdw r7, [r1+0]\nldxdw r6, [r1+8]\nldxdw r8, [r1+16]\njeq r6, 1, +1\nmov r8, r7\n" PRUNE
			"jgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" END),
		REFUSED("value_size=64 off=60 size=8",
			"ldxdw r6, [r1+0]\nmov r7, 0\njeq r6, 1, +1\nja +1\nmov r7, 60\n" PRUNE
			"value r1, 5, 0\nadd r1, r7\nldxdw r2, [r1+0]\n" OK),
		GIVES(5,
		      "ldxdw r7, [r1+8]\nldxdw r6, [r1+8]\nmov r8, r7\njeq r6, 1, +1\nmov r8, r7\n" PRUNE
		      "jgt r8, 56, e\nvalue r1, 5, 0\nadd r1, r7\nldxb r0, [r1+0]\n" RET END),
		/* a part that is stored is no copy of the whole */
		REFUSED("math between map_value pointer",
			"ldxdw r7, [r1+0]\nstxw [r10-8], r7\nldxw r8, [r10-8]\njgt r8, 56, e\n" TOUCH(
				"r7") END),
		GIVES(5,
		      "ldxw r7, [r1+8]\nstxw [r10-8], r7\nldxw r8, [r10-8]\njgt r8, 56, e\n" TOUCH(
			      "r7") "mov r0, r2\n" RET END),
		/* nor is one that was moved by 32 bits */
		REFUSED("math between map_value pointer",
			"ldxdw r7, [r1+0]\nmov32 r8, r7\njgt r8, 56, e\n" TOUCH("r7") END),
		REFUSED("math between map_value pointer",
			"ldxdw r7, [r1+0]\nmov r8, r7\nadd32 r8, 0\njgt r8, 56, e\n" TOUCH("r7")
				END),
		/* callbacks looked at once only, before 6.7: the second run finds what the first left */
		REFUSED("math between map_value pointer",
			"stdw [r10-8], 0\nmov r1, 10\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall 181\n" OK
			"f: ldxdw r1, [r2+0]\nvalue r3, 5, 0\nadd r3, r1\nldxb r0, [r3+0]\n"
			"stdw [r2+0], 1000\nmov r0, 0\nexit\n"),
		GIVES(9,
		      "stdw [r10-8], 0\nmov r1, 9\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall 181\n"
		      "ldxdw r0, [r10-8]\nexit\n"
		      "f: ldxdw r1, [r2+0]\nadd r1, 1\nstxdw [r2+0], r1\nmov r0, 0\nexit\n"),
		/* CVE-2024-45020: a stack that is smaller than the one that was seen */
		REFUSED("math between map_value pointer",
			"ldxdw r6, [r1+0]\njeq r6, 1, +1\nstdw [r10-16], 0\n" PRUNE
			"ldxdw r7, [r10-16]\n" TOUCH("r7") OK),
	};

	VERIFY_CASES(c);
}

/* (d) what helpers are given */
void verify_class_helpers(void **state)
{
	static const struct verify_case c[] = {
		/* sizes */
		REFUSED("R2 invalid zero-sized read: u64=[0,15]",
			"ldxdw r2, [r1+0]\nand r2, 15\nmov r1, r10\nadd r1, -16\ncall 16\n" OK),
		REFUSED("R2 min value is negative",
			"ldxdw r2, [r1+0]\njsgt r2, 16, e\nmov r1, r10\nadd r1, -16\nmov r3, 0\ncall 112\n" END),
		REFUSED("invalid write to stack R1 off=-16 size=31",
			"ldxdw r2, [r1+0]\nand r2, 31\nmov r1, r10\nadd r1, -16\nmov r3, 0\ncall 112\n" OK),
		/* CVE-2024-49861, CVE-2024-50164: filled where nothing may be written */
		REFUSED("write into map forbidden",
			"value r1, 4, 0\nmov r2, 8\nmov r3, 0\ncall 112\n" OK),
		REFUSED("write into map forbidden", "mov r2, 0\nvalue r3, 4, 0\ncall 183\n" OK),
		REFUSED("write into map forbidden",
			"value r1, 4, 0\nmov r2, 8\nvalue r3, 4, 32\nmov r4, 0\nmov r5, 0\ncall 165\n" OK),
		/* CVE-2021-4204, CVE-2022-2785: not a record's beginning */
		REFUSED("R1 must have zero offset",
			RESERVE "mov r1, r6\nadd r1, 8\nmov r2, 0\ncall 132\n" END),
		REFUSED("R1 must have zero offset",
			"ldxdw r7, [r1+0]\nand r7, 8\n" RESERVE
			"mov r1, r6\nadd r1, r7\nmov r2, 0\ncall 133\n" END),
		/* given back, and used; another than was taken */
		REFUSED("R6 invalid mem access 'scalar'", RESERVE SUBMIT "stdw [r6+0], 1\n" END),
		REFUSED("R1 type=scalar expected=ringbuf_mem", RESERVE DISCARD SUBMIT END),
		REFUSED("R1 type=map_value expected=ringbuf_mem",
			RESERVE LOOKUP("1") "mov r1, r0\nmov r2, 0\ncall 132\n" END),
		GIVES(7,
		      RESERVE "stdw [r6+8], 7\nldxdw r7, [r6+8]\n" SUBMIT "mov r0, r7\nexit\n" END),
	};

	VERIFY_CASES(c);
}

/* (e) the stack */
void verify_class_stack(void **state)
{
	static const struct verify_case c[] = {
		/* CVE-2023-52462: a store that may hit a kept pointer leaves none */
		REFUSED("R4 invalid mem access 'scalar'",
			"stxdw [r10-8], r10\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\n"
			"stb [r3+0], 1\nldxdw r4, [r10-8]\nstdw [r4-16], 0\n" OK),
		REFUSED("value_size=64 off=64 size=1\nR1 max value",
			"stdw [r10-8], 1\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\n"
			"stb [r3+0], 64\nldxb r6, [r10-8]\njgt r6, 64, e\n" TOUCH("r6") END),
		/* CVE-2023-52452: a load from one of several places has what any of them has */
		REFUSED("value_size=64 off=255 size=1\nR1 max value",
			"stdw [r10-16], 0\nldxdw r2, [r1+0]\nand r2, 8\nmov r3, r10\nadd r3, -16\nadd r3, r2\n"
			"ldxb r6, [r3+0]\n" TOUCH("r6") OK),
		GIVES(3,
		      "stdw [r10-16], 3\nstdw [r10-8], 4\nldxdw r2, [r1+8]\nand r2, 8\nmov r3, r10\nadd r3, -16\n"
		      "add r3, r2\nldxdw r0, [r3+0]\nexit\n"),
		/* a callback's stack lies below that of who calls the helper */
		REFUSED("the stack of nested calls",
			"stdw [r10-512], 0\nmov r1, 3\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\n" OK
			"f: stdw [r10-512], 0\ncall local g\nmov r0, 0\nexit\n"
			"g: stdw [r10-512], 0\nmov r0, 0\nexit\n"),
		REFUSED("the stack of nested calls",
			"stdw [r10-512], 0\ncall local f\n" OK
			"f: stdw [r10-512], 0\ncall local g\nmov r0, 0\nexit\n"
			"g: stdw [r10-8], 0\nmov r0, 0\nexit\n"),
	};

	VERIFY_CASES(c);
}

/* -- (f) the JIT ------------------------------------------------------------------------------- */

/* rA and rB: all pairs of registers. */
static void each_pair(const char *with, uint64_t r0)
{
	char text[512];

	for (int a = 0; a < 10; a++)
		for (int b = 0; b < 10; b++) {
			struct verify_case c = { .text = text, .kind = M, .r0 = r0 };

			if (a == b)
				continue;
			strcpy(text, with);
			for (char *at = text; *at; at++)
				*at = (char)(*at == 'A' ? '0' + a : *at == 'B' ? '0' + b : *at);
			verify_cases(&c, 1);
		}
}

/* Jumps as long as 8 bits reach, and one more; 32 bits. */
static void displacements(void)
{
	char text[256];

	for (int k = 0; k < 60; k += k < 40 ? 1 : 19) {
		struct verify_case c = { .text = text, .kind = M, .r0 = 7 };

		snprintf(
			text, sizeof(text),
			"ldxdw r2, [r1+8]\nmov r0, 7\njeq r2, 5, e\nmov r0, 1\n.fill %d\ne: exit\n",
			k);
		verify_cases(&c, 1);
		snprintf(
			text, sizeof(text),
			"ldxdw r2, [r1+8]\nmov r0, 0\nja b\na: mov r0, 7\nexit\nb: .fill %d\njeq r2, 5, a\nexit\n",
			k);
		verify_cases(&c, 1);
	}
}

void verify_class_jit(void **state)
{
	static const struct verify_case c[] = {
		/* the sign of immediates */
		GIVES(-8, "mov r0, -1\nand r0, -8\n" RET),
		GIVES(0xfffffff8, "mov r0, -1\nand32 r0, -8\n" RET),
		GIVES(-1, "stdw [r10-8], -1\nldxdw r0, [r10-8]\n" RET),
		GIVES(1, "mov r0, 0\nmov r2, -5\njslt r2, -4, +1\nexit\nmov r0, 1\n" RET),
		GIVES(1,
		      "mov r0, 1\nlddw r2, 0xffffffff80000000\njeq r2, -2147483648, +1\nmov r0, 0\n" RET),
		GIVES(-2147483648ll, "lddw r0, 0xffffffff80000000\nor r0, -2147483648\n" RET),
		/* bases that need a SIB byte or a displacement: r7 is r12, r8 r13, r10 rbp */
		GIVES(8, "value r7, 5, 8\nldxb r0, [r7+0]\n" RET),
		GIVES(8, "value r8, 5, 8\nldxb r0, [r8+0]\n" RET),
		GIVES(0x0f, "value r8, 5, 8\nldxdw r7, [r8+0]\nmov r0, r7\nrsh r0, 56\n" RET),
		GIVES(77, "value r7, 5, 8\nstdw [r7+0], 77\nldxdw r0, [r7+0]\n" RET),
		GIVES(77, "value r8, 5, 8\nstdw [r8+0], 77\nldxdw r0, [r8+0]\n" RET),
		/* the address is what is loaded */
		GIVES(0x200000008000,
		      "ldxdw r2, [r1+0]\nldxdw r2, [r2+8]\nldxdw r2, [r2+16]\nmov r0, r2\n" RET),
		GIVES(0xffffffffffff8000, "ldxdw r2, [r1+0]\nldxsh r2, [r2+0]\nmov r0, r2\n" RET),
		GIVES(8, "value r2, 5, 8\nldxb r2, [r2+0]\nmov r0, r2\n" RET),
		/* CVE-2024-42072: a may_goto that goes back */
		REFUSED("infinite loop detected",
			"ldxdw r6, [r1+0]\na: mov r2, 1\nb: may_goto a\njne r6, 7, b\n" OK),
		REFUSED("infinite loop detected", "a: mov r2, 1\nb: may_goto a\nja b\n"),
		REFUSED("infinite loop detected", "mov r0, 0\na: mov r2, 1\nmay_goto a\n" RET),
		/* the same of an iterator that has ended */
		REFUSED("infinite loop detected",
			"mov r1, r10\nadd r1, -8\nmov r2, 0\nmov r3, 10\ncall kfunc 0x10004\na: mov r1, r10\n"
			"add r1, -8\ncall kfunc 0x10005\nja a\n"),
		GIVES(3, "mov r0, 3\nja b\na: mov r0, 4\nexit\nb: may_goto a\n" RET),
		/* every way of shifting and of its being zero */
		GIVES(0x91a2b3c4d5e6f78,
		      "ldxdw r0, [r1+24]\nrsh r0, 1\nmov32 r2, 64\nlsh r0, r2\n" RET),
		GIVES(0x4d5e6f78,
		      "ldxdw r0, [r1+24]\nrsh32 r0, 1\nmov32 r2, 32\nlsh32 r0, r2\n" RET),
	};

	VERIFY_CASES(c);
	displacements();
	each_pair("mov rA, 20\nmov rB, 21\nadd rA, rB\nmov r0, rA\nexit\n", 41);
	each_pair(
		"stdw [r10-8], 12\nmov rA, r10\nadd rA, -8\nmov rB, 7\nlock fetch_xor [rA+0], rB\n"
		"mov r0, rB\nexit\n",
		12);
	each_pair(
		"stdw [r10-8], 12\nmov rA, r10\nadd rA, -8\nmov rB, 7\nlock fetch_and32 [rA+0], rB\n"
		"ldxdw r0, [r10-8]\nexit\n",
		4);
}

/* (g) tail calls and functions */
void verify_class_tails(void **state)
{
	static const struct verify_case c[] = {
		REFUSED("tail_call would lead to reference leak",
			"mov r9, r1\n" RESERVE
			"mov r1, r9\nmap r2, 9\nmov r3, 0\ncall 12\n" SUBMIT END),
		REFUSED("tail_call would lead to reference leak",
			"mov r9, r1\n" RESERVE "mov r1, r9\ncall local f\n" SUBMIT END
			"f: map r2, 9\nmov r3, 0\ncall 12\nmov r0, 0\nexit\n"),
		REFUSED("tail calls in callbacks are not supported",
			"mov r3, r1\nmov r1, 3\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\n" OK
			"f: map r2, 9\nmov r3, 0\ncall 12\nmov r0, 0\nexit\n"),
		/* one that is made ends its function before what stands behind it, with another result */
		REFUSED("invalid read from stack R4 off=92",
			"stdw [r10-8], 100\nmov r2, r10\nadd r2, -8\ncall local f\n"
			"ldxdw r3, [r10-8]\nmov r4, r10\nadd r4, r3\nldxdw r0, [r4-8]\n" OK
			"f: mov r6, r2\nmap r2, 9\nmov r3, 0\ncall 12\nstdw [r6+0], 0\n"
			"mov r0, 0\nexit\n"),
		REFUSED("unbounded min value",
			"stdw [r10-8], 1\ncall local f\nmov r4, r10\nadd r4, r0\n"
			"ldxdw r0, [r4-8]\n" OK
			"f: map r2, 9\nmov r3, 0\ncall 12\nmov r0, 0\nexit\n"),
		/* what functions have on the stack when one of them goes away */
		REFUSED("a function that tail calls has 256 bytes of its callers'",
			"stdw [r10-256], 0\ncall local f\n" OK
			"f: map r2, 9\nmov r3, 0\ncall 12\nmov r0, 0\nexit\n"),
		REFUSED("a function that tail calls has 256 bytes of its callers'",
			"stdw [r10-128], 0\ncall local f\n" OK
			"f: stdw [r10-128], 0\ncall local g\nmov r0, 0\nexit\n"
			"g: map r2, 9\nmov r3, 0\ncall 12\nmov r0, 0\nexit\n"),
		GIVES(5, "map r2, 9\nmov r3, 0\ncall 12\nmov r0, 5\nexit\n"),
		GIVES(6, "stdw [r10-8], 6\ncall local f\nldxdw r0, [r10-8]\nexit\n"
			 "f: stdw [r10-8], 9\nmap r2, 9\nmov r3, 7\ncall 12\nmov r0, 5\nexit\n"),
	};

	VERIFY_CASES(c);
}

/* (h) code that is never run is taken out: what is left is what was verified */
void verify_class_dead(void **state)
{
	static const struct verify_case c[] = {
		GIVES(2,
		      "value r1, 4, 0\nldxb r2, [r1+1]\njeq r2, 1, +2\nmov r0, 1\nexit\nmov r0, 2\nexit\n"),
		GIVES(1,
		      "value r1, 4, 0\nldxb r2, [r1+1]\njne r2, 1, +2\nmov r0, 1\nexit\nmov r0, 2\nexit\n"),
		/* two ways meet with different constants */
		GIVES(1,
		      "mov r3, 1\nldxdw r4, [r1+8]\nvalue r2, 4, 0\nldxb r5, [r2+3]\njeq r4, 5, +1\nmov r3, 0\n"
		      "mov r0, 0\njeq r3, 0, +1\nmov r0, 1\nexit\n"),
		GIVES(3,
		      "value r2, 4, 0\nldxb r5, [r2+3]\nldxdw r4, [r1+8]\njeq r4, 5, +1\nmov r5, 9\n"
		      "mov r0, r5\nexit\n"),
		REFUSED("R9 !read_ok",
			"value r1, 5, 0\nldxb r2, [r1+1]\njeq r2, 1, +1\nldxdw r0, [r9+0]\n" OK),
		GIVES(0, "value r1, 4, 0\nldxb r2, [r1+1]\njeq r2, 1, +1\nldxdw r0, [r9+0]\n" OK),
		GIVES(0x0706050403020100, "value r1, 4, 0\nldxdw r0, [r1+0]\n" RET),
		GIVES(-2,
		      "value r1, 4, 0\nldxb r2, [r1+1]\njeq r2, 0, +2\nmov r0, -2\nja +2\nlddw r0, 0x100000000\n" RET),
	};

	VERIFY_CASES(c);
}
