/*
 * flow.c - control flow, loops, and what programs of each kind may return.
 */
#include "cases.h"

void verify_flow(void **state)
{
	static const struct verify_case c[] = {
		GIVES(1, "mov r0, 1\nja +0\n" RET),
		GIVES(2, "mov r0, 1\nja a\nb: mov r0, 2\nexit\na: ja b\n"),
		GIVES(3, "mov r0, 3\ngotol a\nb: exit\na: gotol b\n"),
		GIVES(4, "ldxdw r2, [r1+8]\nmov r0, 4\njeq r2, 5, +1\nmov r0, 5\nexit\n"),
		GIVES(4, "ldxdw r2, [r1+8]\nmov r0, 5\njeq r2, 5, a\nexit\na: mov r0, 4\nexit\n"),
		/* a jump that is decided: the other way may be anything that is reached otherwise */
		GIVES(0, "mov r2, 1\njeq r2, 1, +1\nmov r0, r9\n" OK),
		REFUSED("R9 !read_ok", "ldxdw r2, [r1+8]\njeq r2, 1, +1\nmov r0, r9\n" OK),
		REFUSED("unreachable insn 1", "ja +1\nmov r0, 0\nmov r0, 0\nexit\n"),
		REFUSED("unreachable insn 2", "mov r0, 0\nexit\nexit\n"),
		REFUSED("ends without exit or goto", "mov r0, 0\n"),
		REFUSED("ends without exit or goto", "mov r0, 0\nexit\nf: mov r0, 0\n"),
		REFUSED("leaves the function [0, 3)", "mov r0, 0\nja +5\nexit\n"),
		REFUSED("leaves the function [0, 3)", "mov r0, 0\njeq r0, 0, -9\nexit\n"),
		REFUSED("jump into the middle of insn",
			"mov r0, 0\njeq r0, 0, +1\nlddw r2, 1\nexit\n"),
		REFUSED("R0 !read_ok", "exit\n"),
		REFUSED("R0 !read_ok", "ldxdw r2, [r1+8]\njeq r2, 5, +1\nmov r0, 1\nexit\n"),
		REFUSED("r10 is read-only", "mov r10, 0\nmov r0, 0\nexit\n"),
		REFUSED("r10 is read-only", "add r10, 8\nmov r0, 0\nexit\n"),
		REFUSED("unknown helper", "call 9999\nexit\n"),
	};

	VERIFY_CASES(c);
}

void verify_loops(void **state)
{
	static const struct verify_case c[] = {
		GIVES(10, "mov r0, 0\na: add r0, 1\njne r0, 10, a\n" RET),
		GIVES(0, "mov r0, 10\na: sub r0, 1\njsgt r0, 0, a\n" RET),
		GIVES(45, "mov r0, 0\nmov r2, 0\na: add r0, r2\nadd r2, 1\njlt r2, 10, a\n" RET),
		GIVES(5,
		      "ldxdw r2, [r1+8]\nmov r0, 0\njgt r2, 64, e\na: jge r0, r2, e\nadd r0, 1\nja a\ne: exit\n"),
		GIVES(100,
		      "mov r0, 0\nmov r2, 0\na: mov r3, 0\nb: add r0, 1\nadd r3, 1\njlt r3, 10, b\nadd r2, 1\n"
		      "jlt r2, 10, a\n" RET),
		GIVES(64, "mov r0, 0\nmov r2, 1\na: lsh r2, 1\nadd r0, 1\njne r2, 0, a\n" RET),
		/* after as many rounds that nobody looks at all of the last ones any more */
		REFUSED("infinite loop detected",
			"mov r1, 0\na: jge r1, 3000, +1\nadd r1, 1\nja a\n"),
		REFUSED("infinite loop detected",
			"mov r1, 0\nmov r2, 0\na: jge r1, 3000, b\nadd r1, 1\nja a\n"
			"b: add r2, 1\njne r2, 11, a\nmov r2, 0\nja a\n"),
		REFUSED("infinite loop detected", "a: ja a\n"),
		REFUSED("infinite loop detected",
			"mov r2, 0\na: mov r2, 0\njeq r2, 0, a\nmov r0, 0\nexit\n"),
		REFUSED("infinite loop detected", "ldxdw r2, [r1+8]\na: jne r2, 7, a\n" OK),
		REFUSED("infinite loop detected",
			"ldxdw r2, [r1+8]\na: mov r3, r2\nand r3, 1\njeq r3, 0, a\n" OK),
		/* may_goto: a loop that the run time bounds */
		RUNS("mov r6, 0\na: may_goto e\nadd r6, 1\njlt r6, 100, a\n" END),
		GIVES(7, "mov r0, 7\nmay_goto e\nmov r0, 7\ne: exit\n"),
		GIVES(5,
		      "ldxdw r2, [r1+8]\nmov r0, 0\na: may_goto e\njge r0, r2, e\nadd r0, 1\njlt r0, 50, a\ne: exit\n"),
		REFUSED("math between map_value pointer",
			"mov r6, 0\na: may_goto e\n" TOUCH("r6") "add r6, 1\nja a\n" END),
		REFUSED("infinite loop detected", "b: mov r2, 0\na: may_goto b\nja a\n"),
		REFUSED("infinite loop detected", "c: mov r2, 0\na: may_goto b\nja a\nb: ja c\n"),
		REFUSED("infinite loop detected", "a: may_goto b\nmov r2, 0\nb: ja a\n"),
		/* the budget is of the call: in a loop around it, there is another each time */
		REFUSED("infinite loop detected",
			"a: call local f\nja a\nf: may_goto g\nja f\ng: mov r0, 0\nexit\n"),
	};

	VERIFY_CASES(c);
}

#define K(kind_, says_, r0_, text_) \
	{ \
		.text = (text_), .says = (says_), .kind = (kind_), .r0 = (r0_) \
	}

void verify_results(void **state)
{
	static const struct verify_case c[] = {
		K(F, NULL, 0, "mov r0, 0\nexit\n"),
		K(X, NULL, 0, "mov r0, 0\nexit\n"),
		K(S, NULL, 0, "mov r0, 0\nexit\n"),
		K(M, NULL, 0, "mov r0, 0\nexit\n"),
		K(F, "should have been in [0, 0]", 0, "mov r0, 1\nexit\n"),
		K(X, "should have been in [0, 0]", 0, "mov r0, 1\nexit\n"),
		K(F, "should have been in [0, 0]", 0, "mov r0, -1\nexit\n"),
		K(X, "smin=0 smax=1 should have been", 0, "ldxdw r0, [r1+8]\nand r0, 1\nexit\n"),
		K(F, "R0 has unknown scalar value", 0, "ldxdw r0, [r1+8]\nexit\n"),
		K(F, "R0 is not a known value (ctx)", 0, "mov r0, r1\nexit\n"),
		K(X, "R0 is not a known value (fp)", 0, "mov r0, r10\nexit\n"),
		K(F, "R0 is not a known value (map_value)", 0, "value r0, 5, 0\nexit\n"),
		K(X, "R0 is not a known value (map_ptr)", 0, "map r0, 1\nexit\n"),
		K(F, NULL, 0, "ldxdw r0, [r1+8]\njeq r0, 0, e\nmov r0, 0\ne: exit\n"),
		K(F, "smin=2 smax=2", 0, "ldxdw r0, [r1+8]\njeq r0, 2, e\nmov r0, 0\ne: exit\n"),
		K(F, NULL, 0, "ldxdw r0, [r1+8]\nrsh r0, 63\nrsh r0, 1\nexit\n"),
		K(M, NULL, 5, "ldxdw r0, [r1+8]\nexit\n"),
		K(M, NULL, (uint64_t)-3, "ldxdw r0, [r1+16]\nexit\n"),
		K(M, NULL, 0x9abcdef0, "ldxw r0, [r1+24]\nexit\n"),
		K(M, NULL, 0x12345678, "ldxw r0, [r1+28]\nexit\n"),
		K(M, NULL, 0xfffffffffffffff0, "ldxsb r0, [r1+24]\nexit\n"),
		K(M, NULL, 0xffffffffffffdef0, "ldxsh r0, [r1+24]\nexit\n"),
		K(M, NULL, 0xffffffff9abcdef0, "ldxsw r0, [r1+24]\nexit\n"),
	};

	VERIFY_CASES(c);
}
