/*
 * calls.c - the context by kind of program; functions, callbacks, iterators, kfuncs; how deep calls may go.
 */
#include "cases.h"

#include "bpf/kfunc.h"

#include <stdio.h>
#include <string.h>

static const struct ctx_slot two_slots[] = { { .bytes = 4, .is_signed = true }, { .bytes = 1 } };
static const struct ctx_desc two = { 2, two_slots };

#define C(kind_, says_, text_, ...) \
	{ \
		.text = (text_), .says = (says_), .kind = (kind_), __VA_ARGS__ \
	}

void verify_context(void **state)
{
	static const struct verify_case c[] = {
		GIVES(5, "ldxdw r0, [r1+8]\n" RET),
		GIVES(300, "add r1, 40\nldxdw r0, [r1+0]\n" RET),
		GIVES(1, "ldxb r0, [r1+41]\n" RET),
		C(F, "invalid bpf_context access off=16 size=8", "ldxdw r0, [r1+16]\n" OK,
		  .ctx = &two),
		C(F, NULL, "ldxdw r0, [r1+8]\n" OK, .ctx = &two),
		C(X, NULL, "ldxdw r0, [r1+16]\nldxdw r0, [r1+24]\n" OK, .ctx = &two),
		C(X, "invalid bpf_context access off=32 size=8", "ldxdw r0, [r1+32]\n" OK,
		  .ctx = &two),
		C(M, NULL, "ldxdw r0, [r1+16]\n" OK, .ctx = &two),
		C(S, NULL, "ldxdw r0, [r1+16]\n" OK, .ctx = &two),
		C(M, NULL, "ldxdw r0, [r1+8]\njgt r0, 255, +1\nexit\n" OUTSIDE OK, .ctx = &two,
		  .r0 = 5),
		C(M, NULL, "ldxdw r0, [r1+0]\njsgt r0, 0x7fffffff, +1\nexit\n" OUTSIDE OK,
		  .ctx = &two, .r0 = 0x8000),
		C(M, "value_size=64 off=64", "ldxdw r0, [r1+8]\njgt r0, 254, +1\nexit\n" OUTSIDE OK,
		  .ctx = &two),
		C(F, "R2 invalid mem access 'scalar'", "ldxdw r2, [r1+8]\nldxb r0, [r2+0]\n" OK,
		  .ctx = &two),
		C(F, "invalid bpf_context access off=-8", "ldxdw r0, [r1-8]\n" OK),
		C(F, "invalid bpf_context access off=2 size=4", "ldxw r0, [r1+2]\n" OK),
		C(F, "invalid bpf_context access off=0 size=8", "stdw [r1+0], 0\n" OK),
		C(M, "invalid bpf_context access off=8 size=1", "stb [r1+8], 0\n" OK),
		C(X, "BPF_ATOMIC stores into R1 ctx", "mov r2, 1\nlock add [r1+0], r2\n" OK),
		C(F, "off=2048", "add r1, 2000\nldxdw r0, [r1+48]\n" OK),
	};

	VERIFY_CASES(c);
}

void verify_functions(void **state)
{
	static const struct verify_case c[] = {
		GIVES(12, "mov r1, 5\nmov r2, 7\ncall local f\n" RET
			  "f: mov r0, r1\nadd r0, r2\nexit\n"),
		GIVES(6, "mov r6, 6\ncall local f\nmov r0, r6\n" RET
			 "f: mov r6, 9\nmov r0, 0\nexit\n"),
		GIVES(3, "mov r1, r10\nadd r1, -8\ncall local f\nldxdw r0, [r10-8]\n" RET
			 "f: stdw [r1+0], 3\nmov r0, 0\nexit\n"),
		GIVES(21, "mov r1, 1\ncall local f\n" RET
			  "f: mov r6, r1\nmov r1, 20\ncall local g\nadd r0, r6\nexit\n"
			  "g: mov r0, r1\nexit\n"),
		GIVES(9, "call local f\njeq r0, 0, e\nldxb r0, [r0+9]\n" RET END
			 "f: value r0, 5, 0\nexit\n"),
		GIVES(5, "call local f\n" RET "f: ldxdw r0, [r1+8]\nexit\n"),
		REFUSED("R1 !read_ok", "call local f\nmov r0, r1\n" RET "f: mov r0, 0\nexit\n"),
		REFUSED("R5 !read_ok",
			"mov r5, 1\ncall local f\nmov r0, r5\n" RET "f: mov r0, 0\nexit\n"),
		REFUSED("R6 !read_ok", "mov r6, 1\ncall local f\n" RET "f: mov r0, r6\nexit\n"),
		REFUSED("R0 !read_ok", "call local f\n" RET "f: exit\n"),
		REFUSED("cannot return stack pointer",
			"call local f\n" OK "f: mov r0, r10\nexit\n"),
		REFUSED("cannot spill pointers to stack",
			"mov r1, r10\nadd r1, -8\ncall local f\n" OK
			"f: stxdw [r1+0], r10\nmov r0, 0\nexit\n"),
		REFUSED("invalid write to stack R1 off=0",
			"mov r1, r10\ncall local f\n" OK "f: stdw [r1+0], 0\nmov r0, 0\nexit\n"),
		REFUSED("value_size=64 off=64",
			"mov r1, 63\ncall local f\nmov r1, 64\ncall local f\n" OK
			"f: value r2, 5, 0\nadd r2, r1\nldxb r0, [r2+0]\nexit\n"),
		REFUSED("Unreleased reference",
			RESERVE "mov r1, r6\ncall local f\n" END "f: mov r0, 0\nexit\n"),
		GIVES(0, RESERVE "mov r1, r6\ncall local f\n" END
				 "f: mov r2, 0\ncall 132\nmov r0, 0\nexit\n"),
		REFUSED("unreachable insn 2", "mov r0, 0\nexit\nf: mov r0, 0\nexit\n"),
		/* r1 is the caller's r6 on one way, its r7 on the other; both ways have one caller's frame */
		REFUSED("register with unbounded min value",
			"ldxdw r6, [r1+8]\nldxdw r7, [r1+0]\nldxdw r3, [r1+16]\nmov r1, r6\nmov r2, r7\n"
			"call local f\njne r0, 0, e\n" TOUCH("r6") END
			"f: .fill 8\njeq r3, 2, +0\njeq r3, 3, +0\njset r3, 1, t\n.fill 8\nja j\n"
			"t: mov r1, r2\nj: jgt r1, 63, b\nmov r0, 0\nexit\nb: mov r0, 1\nexit\n"),
	};

	VERIFY_CASES(c);
}

#define LOOP(n_)  "mov r1, " n_ "\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall 181\n"
#define EACH(fd_) "map r1, " fd_ "\nfunc r2, f\nmov r3, r10\nadd r3, -8\nmov r4, 0\ncall 164\n"

void verify_callbacks(void **state)
{
	static const struct verify_case c[] = {
		GIVES(45,
		      "stdw [r10-8], 0\n" LOOP(
			      "10") "ldxdw r0, [r10-8]\n" RET
				    "f: ldxdw r3, [r2+0]\nadd r3, r1\nstxdw [r2+0], r3\nmov r0, 0\nexit\n"),
		GIVES(10, "stdw [r10-8], 0\n" LOOP("10") RET "f: mov r0, 0\nexit\n"),
		GIVES(1, "stdw [r10-8], 0\n" LOOP("10") RET "f: mov r0, 1\nexit\n"),
		GIVES(0, "stdw [r10-8], 0\n" LOOP("0") RET "f: mov r0, 0\nexit\n"),
		GIVES(4, "stdw [r10-8], 0\n" EACH("1") RET "f: mov r0, 0\nexit\n"),
		GIVES(6,
		      "stdw [r10-8], 0\n" EACH(
			      "1") "ldxdw r0, [r10-8]\n" RET
				   "f: ldxw r1, [r2+0]\nldxdw r5, [r4+0]\nadd r5, r1\nstxdw [r4+0], r5\nmov r0, 0\nexit\n"),
		REFUSED("infinite loop detected", "a: " LOOP("3") "ja a\nf: mov r0, 0\nexit\n"),
		REFUSED("infinite loop detected", LOOP("3") OK "f: ja f\n"),
		REFUSED("should have been in [0, 1]", LOOP("3") OK "f: mov r0, 2\nexit\n"),
		REFUSED("should have been in [0, 1]", LOOP("3") OK "f: mov r0, -1\nexit\n"),
		REFUSED("R3 !read_ok", LOOP("3") OK "f: mov r0, r3\nexit\n"),
		REFUSED("R6 !read_ok", "mov r6, 0\n" LOOP("3") OK "f: mov r0, r6\nexit\n"),
		REFUSED("cannot write into rdonly_mem",
			EACH("1") OK "f: stb [r2+0], 1\nmov r0, 0\nexit\n"),
		REFUSED("mem_size=4 off=4", EACH("1") OK "f: ldxb r0, [r2+4]\nmov r0, 0\nexit\n"),
		REFUSED("mem_size=8 off=8", EACH("2") OK "f: ldxb r0, [r2+8]\nmov r0, 0\nexit\n"),
		REFUSED("value_size=16 off=16",
			EACH("2") OK "f: stb [r3+16], 1\nmov r0, 0\nexit\n"),
		REFUSED("cannot pass map_type", EACH("3") OK "f: mov r0, 0\nexit\n"),
		REFUSED("value_size=64 off=64", "stdw [r10-8], 0\n" LOOP("64") OK
			"f: ldxdw r3, [r2+0]\njgt r3, 64, d\nvalue r4, 5, 0\nadd r4, r3\nldxb r5, [r4+0]\n"
			"add r3, 1\nstxdw [r2+0], r3\nd: mov r0, 0\nexit\n"),
		REFUSED("value_size=64 off=64", "stdw [r10-8], 0\n" LOOP("64") OK
			"f: jgt r1, 64, d\nvalue r4, 5, 0\nadd r4, r1\nldxb r5, [r4+0]\nd: mov r0, 0\nexit\n"),
		GIVES(0, "stdw [r10-8], 0\n" LOOP("64") OK
		      "f: jgt r1, 63, d\nvalue r4, 5, 0\nadd r4, r1\nldxb r5, [r4+0]\nd: mov r0, 0\nexit\n"),
		REFUSED("Unreleased reference", LOOP("3") OK
			"f: map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nmov r0, 0\nexit\n"),
	};

	VERIFY_CASES(c);
}

#define NEW(lo_, hi_) \
	"mov r1, r10\nadd r1, -8\nmov r2, " lo_ "\nmov r3, " hi_ "\ncall kfunc 0x10004\n"
#define NEXT "mov r1, r10\nadd r1, -8\ncall kfunc 0x10005\n"
/* so that a state is remembered at the next place where ways meet */
#define PASSED \
	"jeq r7, 11, +0\njeq r7, 12, +0\nja +0\nmov r2, 0\nmov r2, 0\nmov r2, 0\nmov r2, 0\nmov r2, 0\n" \
	"mov r2, 0\nmov r2, 0\nmov r2, 0\nmov r2, 0\n"
#define DESTROY "mov r1, r10\nadd r1, -8\ncall kfunc 0x10006\n"

void verify_iterators(void **state)
{
	static const struct verify_case c[] = {
		GIVES(6, "mov r6, 0\n" NEW(
				 "1",
				 "4") "a: " NEXT
				      "jeq r0, 0, d\nldxw r1, [r0+0]\nadd r6, r1\nja a\nd: " DESTROY
				      "mov r0, r6\n" RET),
		GIVES(0, NEW("4", "1") "a: " NEXT "jne r0, 0, a\n" DESTROY "mov r0, 0\n" RET),
		GIVES(0, NEW("0", "3") DESTROY NEW("0", "3") DESTROY OK),
		REFUSED("Unreleased reference", NEW("0", "3") OK),
		REFUSED("Unreleased reference", NEW("0", "3") "a: " NEXT "jne r0, 0, a\n" OK),
		REFUSED("expected an initialized iter_num", NEXT OK),
		REFUSED("expected an initialized iter_num", DESTROY OK),
		REFUSED("expected uninitialized iter_num", NEW("0", "3") NEW("0", "3") DESTROY OK),
		REFUSED("expected an initialized iter_num",
			NEW("0", "3") "stdw [r10-8], 1\n" DESTROY OK),
		REFUSED("invalid read from stack", NEW("0", "3") "ldxb r0, [r10-1]\n" DESTROY OK),
		REFUSED("mem_size=4 off=4",
			NEW("0", "3") NEXT "jeq r0, 0, d\nldxb r1, [r0+4]\nd: " DESTROY OK),
		REFUSED("cannot write into rdonly",
			NEW("0", "3") NEXT "jeq r0, 0, d\nstb [r0+0], 1\nd: " DESTROY OK),
		REFUSED("R0 invalid mem access", NEW("0", "3") NEXT "ldxw r1, [r0+0]\n" DESTROY OK),
		REFUSED("infinite loop detected", NEW("0", "3") "a: " NEXT "ja a\n"),
		REFUSED("infinite loop detected", "a: " NEW("0", "3") NEXT DESTROY "ja a\n"),
		REFUSED("infinite loop detected",
			NEW("0",
			    "3") "a: mov r1, r10\nadd r1, -16\nmov r2, 0\nmov r3, 1\n"
				 "call kfunc 0x10004\nmov r1, r10\nadd r1, -16\ncall kfunc 0x10005\n"
				 "mov r1, r10\nadd r1, -16\ncall kfunc 0x10006\nja a\n"),
	};

	VERIFY_CASES(c);
}

void verify_iterators_rounds(void **state)
{
	static const struct verify_case c[] = {
		/* one way round passes it, the other does not, or begins it anew */
		REFUSED("infinite loop detected", "ldxdw r7, [r1+8]\n" NEW("0", "3") PASSED
			"a: mov r0, 0\njeq r7, 5, s\n" NEXT "jeq r0, 0, d\n" PASSED
			"b: mov r0, 0\nja a\ns: mov r2, 0\nja b\nd: " DESTROY OK),
		REFUSED("infinite loop detected", "ldxdw r7, [r1+8]\n" PASSED
						  "a: mov r0, 0\njeq r7, 5, s\nmay_goto d\n" PASSED
						  "b: mov r0, 0\nja a\ns: mov r2, 0\nja b\nd: " OK),
		REFUSED("", "ldxdw r7, [r1+8]\n" NEW(
				    "0", "3") "a: " NEXT "jeq r0, 0, d\njeq r7, 5, s\n" PASSED
					      "b: mov r0, 0\nja a\ns: " DESTROY NEW(
						      "0", "3") "ja b\nd: " DESTROY OK),
		/* the number of an iterator that is gone lies where the stack was */
		RUNS("call local f\njeq r0, 0, e\nldxw r0, [r0+0]\n" RET END "f: " NEW("0", "3")
			     NEXT "mov r6, r0\n" DESTROY "mov r0, r6\nexit\n"),
		REFUSED("Unreleased reference",
			"stdw [r10-16], 0\nmov r1, 3\nfunc r2, f\nmov r3, 0\nmov r4, 0\ncall 181\n" OK
			"f: " NEW("0", "3") "mov r0, 0\nexit\n"),
		REFUSED("expected an initialized iter_num",
			NEW("0", "3") "mov r1, 3\nfunc r2, f\nmov r3, r10\nadd r3, -8\n"
				      "mov r4, 0\ncall 181\n" DESTROY OK
				      "f: mov r1, r2\ncall kfunc 0x10006\nmov r0, 0\nexit\n"),
		REFUSED("infinite loop detected", NEW("0", "3") "a: " NEXT "jeq r0, 0, a\nja a\n"),
		REFUSED("infinite loop detected",
			"b: " NEW("0", "3") "a: " NEXT "jne r0, 0, a\n" DESTROY "ja b\n"),
		REFUSED("arg#1 R2 is not a scalar",
			"mov r1, r10\nadd r1, -8\nmov r2, r10\nmov r3, 1\ncall kfunc 0x10004\n" OK),
		REFUSED("arg#2 R3 is not a scalar",
			"mov r1, r10\nadd r1, -8\nmov r3, r10\nmov r2, 1\ncall kfunc 0x10004\n" OK),
		REFUSED("expected pointer to an iterator",
			"value r1, 5, 0\nmov r2, 1\nmov r3, 1\ncall kfunc 0x10004\n" OK),
		REFUSED("expected pointer to an iterator",
			"mov r1, r10\nmov r2, 1\nmov r3, 1\ncall kfunc 0x10004\n" OK),
	};

	VERIFY_CASES(c);
}

/* Each kfunc by each kind of program, with its arguments unset, and as numbers. */
static unsigned each_kfunc(const struct kfunc *k)
{
	char text[256];
	unsigned bad = 0;

	for (unsigned kind = PROGRAM_FENTRY; kind < PROGRAM_PLAIN; kind++) {
		struct verify_case c = { .text = text, .kind = (enum program_kind)kind };

		c.says = k->kinds & 1u << kind ? " !read_ok" : " programs";
		snprintf(text, sizeof(text), "mov r6, r1\ncall 5\ncall kfunc 0x%x\n" OK, k->id);
		bad += !verify_one(&c);
	}
	return bad;
}

void verify_kfuncs(void **state)
{
	static const struct verify_case c[] = {
		C(S, NULL, "call kfunc 0x10000\n" OK),
		C(S, NULL, "call kfunc 0x10001\nstdw [r0+0], 5\nldxdw r0, [r0+0]\n" OK),
		C(S, "mem_size=8 off=4 size=8", "call kfunc 0x10001\nstdw [r0+4], 5\n" OK),
		C(S, "arg#0 R1 type=fp expected=ctx", "mov r1, r10\ncall kfunc 0x10000\n" OK),
		C(S, "arg#0 R1 type=ctx expected=ctx", "add r1, 8\ncall kfunc 0x10001\n" OK),
		C(S, "expected=ringbuf_mem",
		  "call kfunc 0x10001\nmov r1, r0\nmov r2, 0\ncall 132\n" OK),
		C(M, NULL, "mov r1, 5\ncall kfunc 0x10002\n" OK),
		C(M, "arg#0 R1 is not a scalar", "call kfunc 0x10002\n" OK),
		C(M, "R2 type=scalar expected=fp", "mov r2, 0\nmov r3, 8\ncall kfunc 0x10003\n" OK),
		C(M, "R3 unbounded memory access",
		  "ldxdw r3, [r1+8]\nmov r2, r10\nadd r2, -8\ncall kfunc 0x10003\n" OK),
		C(M, "arg#2 R3 is not a scalar",
		  "mov r2, r10\nadd r2, -8\nmov r3, r10\ncall kfunc 0x10003\n" OK),
		C(M, "arg#0 R1 type=scalar expected=ctx",
		  "mov r1, 0\nmov r2, r10\nadd r2, -8\nmov r3, 8\ncall kfunc 0x10003\n" OK),
		C(M, "R2 must be a known constant", "ldxdw r2, [r1+8]\ncall kfunc 0x10007\n" OK),
		C(M, NULL,
		  "ldxdw r1, [r1+0]\nmov r2, 0\ncall kfunc 0x10007\nldxdw r0, [r0+8]\n" RET,
		  .r0 = 0x200000008000),
		C(M, "R0 invalid mem access 'scalar'",
		  "ldxdw r1, [r1+0]\nmov r2, 0\ncall kfunc 0x10007\nstdw [r0+8], 1\n" OK),
	};
	unsigned n, bad = 0;
	const struct kfunc *k = kfunc_table(&n);

	VERIFY_CASES(c);
	for (unsigned i = 0; i < n; i++)
		bad += each_kfunc(&k[i]);
	assert_int_equal(bad, 0);
}

/* n functions that call each other, each with so many bytes of stack. */
static bool chain(unsigned n, unsigned stack, const char *says)
{
	char text[2048] = "mov r0, 0\n", one[128];
	struct verify_case c = { .text = text, .says = says, .kind = M };

	for (unsigned k = 0; k < n; k++) {
		snprintf(one, sizeof(one), "%s", k ? "" : "mov r6, 0\n");
		strcat(text, one);
		if (k) {
			snprintf(one, sizeof(one), "f%u: ", k);
			strcat(text, one);
		}
		if (stack) {
			snprintf(one, sizeof(one), "stdw [r10-%u], 0\n", stack);
			strcat(text, one);
		}
		if (k + 1 < n) {
			snprintf(one, sizeof(one), "call local f%u\n", k + 1);
			strcat(text, one);
		}
		strcat(text, OK);
	}
	return verify_one(&c);
}

void verify_depth(void **state)
{
	unsigned bad = 0;

	for (unsigned n = 1; n <= 8; n++)
		bad += !chain(n, 0, NULL) + !chain(n, 64, NULL);
	bad += !chain(9, 0, "calls nest deeper than 8 functions");
	bad += !chain(2, 256, NULL) +
	       !chain(2, 264, "the stack of nested calls is 528 bytes, the limit is 512");
	bad += !chain(4, 128, NULL) + !chain(4, 136, "the stack of nested calls is 544 bytes");
	bad += !chain(8, 72, "the stack of nested calls is 576 bytes") + !chain(1, 512, NULL);
	assert_int_equal(bad, 0);
}
