/*
 * check_test.c - program_load(): what is refused, with which number and reason; text of
 * instructions; the helper table.
 */
#include "run.h"

#include "bpf/helper.h"
#include "bpf/insn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* insn[0] is judged with an exit behind it. */
static int load_raw(struct bpf_insn a, struct bpf_insn b, bool any, struct diag *d)
{
	struct bpf_insn insn[3] = { a, b, EXIT };
	struct program_attr attr = { .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .ninsns = 3,
				     .nslots = PROGRAM_NO_CTX,
				     .allow_any_helper = any };
	struct program *p = NULL;
	int err;

	d->text[0] = '\0';
	err = program_load(&attr, &p, d);
	assert_true(!err == !!p);
	program_put(p);
	return err;
}

#define NOP INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0)

struct refusal {
	struct bpf_insn a, b;
	int err;
	const char *why;
};

static const struct refusal refusals[] = {
	/* not instructions */
	{ INSN(0xff, 0, 0, 0, 0), NOP, -EACCES, "insn 0" },
	{ INSN(BPF_ALU | 0xe0, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_ALU64 | 0xf0, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_ALU64 | BPF_END | BPF_X, 0, 0, 0, 16), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_ALU | BPF_END, 0, 0, 0, 8), NOP, -EACCES, "byte swap" },
	{ INSN(BPF_ALU | BPF_NEG | BPF_X, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP32 | BPF_CALL, 0, 0, 0, 5), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP32 | BPF_EXIT, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP | BPF_EXIT | BPF_X, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP | 0xf0, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP32 | BPF_JA | BPF_X, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_LD | BPF_IMM | BPF_W, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_LDX | INSN_MEMSX | BPF_DW, 0, 1, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_STX | INSN_MEMSX | BPF_W, 1, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_LDX | BPF_IMM | BPF_W, 0, 1, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_B, 1, 0, 0, BPF_ADD), NOP, -EACCES, "no such" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 0, 0, BPF_SUB), NOP, -EACCES, "no such atomic" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 0, 0, 0xe0), NOP, -EACCES, "no such atomic" },
	/* reserved fields */
	{ INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 1, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_ADD | BPF_K, 0, 0, 1, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_ADD | BPF_X, 0, 1, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_DIV | BPF_X, 0, 1, 2, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_NEG, 0, 0, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 8, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 8, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ALU64 | BPF_END, 0, 1, 0, 16), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_JA, 1, 0, 0, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_JA, 0, 0, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP32 | BPF_JA, 0, 0, 1, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_CALL, 1, 0, 0, 5), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 1, 5), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_LDX | BPF_MEM | BPF_W, 0, 1, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_STX | BPF_MEM | BPF_W, 10, 1, -8, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_ST | BPF_MEM | BPF_W, 10, 1, -8, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 1, 0), INSN(0, 0, 0, 0, 0), -EACCES, "reserved" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0), INSN(0, 1, 0, 0, 0), -EACCES, "reserved" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 1, 0, 7), INSN(0, 0, 0, 0, 1), -EACCES, "reserved" },
	/* registers and constants */
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_K, 11, 0, 0, 0), NOP, -EACCES, "no such register" },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 15, 0, 0), NOP, -EACCES, "no such register" },
	{ INSN(BPF_ALU64 | BPF_ADD | BPF_K, 10, 0, 0, 8), NOP, -EACCES, "r10 is read-only" },
	{ INSN(BPF_LDX | BPF_MEM | BPF_DW, 10, 1, 0, 0), NOP, -EACCES, "r10 is read-only" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 10, 0, 0, 0), INSN(0, 0, 0, 0, 0), -EACCES, "r10" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 10, 10, -8, BPF_XCHG), NOP, -EACCES, "r10" },
	{ INSN(BPF_ALU64 | BPF_DIV | BPF_K, 0, 0, 0, 0), NOP, -EACCES, "division by zero" },
	{ INSN(BPF_ALU | BPF_MOD | BPF_K, 0, 0, 1, 0), NOP, -EACCES, "division by zero" },
	{ INSN(BPF_ALU64 | BPF_LSH | BPF_K, 0, 0, 0, 64), NOP, -EACCES, "shift" },
	{ INSN(BPF_ALU | BPF_RSH | BPF_K, 0, 0, 0, 32), NOP, -EACCES, "shift" },
	{ INSN(BPF_ALU | BPF_ARSH | BPF_K, 0, 0, 0, -1), NOP, -EACCES, "shift" },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 24, 0), NOP, -EACCES, "sign extension" },
	{ INSN(BPF_ALU | BPF_MOV | BPF_X, 0, 1, 32, 0), NOP, -EACCES, "sign extension" },
	/* the stack */
	{ INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 10, 0, 0), NOP, -EACCES, "outside the stack" },
	{ INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -4, 0), NOP, -EACCES, "outside the stack" },
	{ INSN(BPF_ST | BPF_MEM | BPF_B, 10, 0, -513, 0), NOP, -EACCES, "1 bytes at r10-513" },
	{ INSN(BPF_STX | BPF_MEM | BPF_W, 10, 0, 8, 0), NOP, -EACCES, "outside the stack" },
	/* not supported, by name */
	{ INSN(BPF_LD | BPF_ABS | BPF_W, 0, 0, 0, 0), NOP, -ENOTSUP, "packet" },
	{ INSN(BPF_LD | BPF_IND | BPF_B, 0, 1, 0, 0), NOP, -ENOTSUP, "packet" },
	{ INSN(BPF_JMP | BPF_CALL | BPF_X, 1, 0, 0, 0), NOP, -ENOTSUP, "callx" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 2, 0, 77), NOP, -ENOTSUP, "unknown kfunc #77" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 2, 0, 0), NOP, -ENOTSUP, "weak kfunc that we do not have" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 3, 0, 77), NOP, -EACCES, "no such kind of call" },
	{ INSN(BPF_JMP | INSN_JCOND, 1, 0, 0, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | INSN_JCOND, 0, 1, 0, 0), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | INSN_JCOND, 0, 0, 0, 1), NOP, -EACCES, "reserved" },
	{ INSN(BPF_JMP | INSN_JCOND | BPF_X, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP32 | INSN_JCOND, 0, 0, 0, 0), NOP, -EACCES, "no such instruction" },
	{ INSN(BPF_JMP | BPF_JA | BPF_X, 1, 0, 0, 0), NOP, -ENOTSUP, "gotox" },
	{ INSN(BPF_ALU64 | BPF_MOV | BPF_X, 0, 1, 1, 1), NOP, -ENOTSUP, "arena" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_B, 10, 1, 0, INSN_LOAD_ACQ), NOP, -EACCES,
	  "r10 is read" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_B, 0, 10, 0, INSN_LOAD_ACQ), NOP, -EACCES,
	  "outside the" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_H, 10, 0, -1, INSN_STORE_REL), NOP, -EACCES,
	  "outside the" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_W, 1, 2, 0, 0x101), NOP, -EACCES, "no such atomic" },
	{ INSN(BPF_STX | BPF_ATOMIC | BPF_DW, 1, 0, 0, INSN_STORE_REL), NOP, -EACCES, "read-only" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 12), NOP, -EACCES, "r2 is read" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 3, 0, 1), INSN(0, 0, 0, 0, 0), -ENOTSUP, "ksym" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 4, 0, 1), INSN(0, 0, 0, 0, 1), -EACCES, "reserved" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 5, 0, 1), INSN(0, 0, 0, 0, 0), -ENOTSUP, "index" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 6, 0, 1), INSN(0, 0, 0, 0, 0), -ENOTSUP, "index" },
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 7, 0, 1), INSN(0, 0, 0, 0, 0), -EACCES, "64-bit" },
	/* helpers */
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 109), NOP, -ENOTSUP,
	  "unknown helper bpf_send_signal#109" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 4000), NOP, -EACCES, "unknown helper #4000" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, -1), NOP, -EACCES, "unknown helper #-1" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 0), NOP, -EACCES, "unknown helper #0" },
	{ INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_override_return), NOP, -EACCES,
	  "program of this type cannot use helper bpf_override_return#58: it is for fmod_ret" },
	/* maps */
	{ INSN(BPF_LD | BPF_IMM | BPF_DW, 1, 1, 0, 7), INSN(0, 0, 0, 0, 0), -EACCES,
	  "descriptor 7 is not a map" },
	/* ctx */
	{ INSN(BPF_STX | BPF_MEM | BPF_DW, 1, 0, 0, 0), NOP, -EACCES, "ctx, which is read-only" },
	{ INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, -24, 0), NOP, -EACCES, "outside ctx" },
	{ INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 2048, 0), NOP, -EACCES, "outside ctx" },
};

static void test_refused_instructions(void **state)
{
	struct diag d;

	for (unsigned k = 0; k < ARRAY_LEN(refusals); k++) {
		int err = load_raw(refusals[k].a, refusals[k].b, false, &d);

		if (err != refusals[k].err || !strstr(d.text, refusals[k].why))
			fail_msg("case %u: %d '%s', want %d '%s'", k, err, d.text, refusals[k].err,
				 refusals[k].why);
	}
}

/* Nothing that decodes crashes the text or the checks; what loads has sane facts. */
static void test_every_opcode(void **state)
{
	struct diag d;
	char text[96];
	unsigned ok = 0;

	for (int code = 0; code < 256; code++)
		for (int src = 0; src < 12; src += 1)
			for (int off = -8; off <= 32; off += 8)
				for (int imm = 0; imm < 256; imm += 1) {
					struct bpf_insn i[2] = { INSN(code, 1, src, off, imm),
								 NOP };

					if (imm > 2 && imm < 250 && imm % 16)
						continue;
					ok += !load_raw(i[0], i[1], imm & 1, &d);
					assert_in_range(program_format_insn(i, text, sizeof(text)),
							1, 2);
					assert_true(text[0]);
				}
	assert_true(ok > 1000);
}

static void test_conformance_rules(void **state)
{
	struct diag d;

	assert_int_equal(load_raw(INSN(BPF_ALU64 | BPF_LSH | BPF_K, 0, 0, 0, 64), NOP, true, &d),
			 0);
	assert_int_equal(load_raw(INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 255), NOP, true, &d), 0);
	assert_int_equal(load_raw(INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 256), NOP, true, &d), -EACCES);
}

static void expect(enum program_kind kind, const char *text, int err, const char *why)
{
	int got;
	const char *said = run_refused(kind, text, &got);

	if (got != err || !strstr(said, why))
		fail_msg("%d '%s', want %d '%s', for:\n%s", got, said, err, why, text);
}

static void test_flow(void **state)
{
	char text[4096], *at;

	expect(PROGRAM_FENTRY, "mov r0, 0\n", -EACCES, "insn 0: the function ends without exit");
	expect(PROGRAM_FENTRY, "exit\nlddw r0, 5\n", -EACCES, "insn 1: the function ends");
	expect(PROGRAM_FENTRY, "mov r0, 0\njeq r0, 0, -3\nexit\n", -EACCES,
	       "insn 1: jump to -1 leaves the function [0, 3)");
	expect(PROGRAM_FENTRY, "ja +1\nexit\n", -EACCES, "insn 0: jump to 2 leaves");
	expect(PROGRAM_FENTRY, "gotol +100000\nexit\n", -EACCES, "insn 0: jump to 100001 leaves");
	expect(PROGRAM_FENTRY, "ja +1\nlddw r0, 1\nexit\n", -EACCES,
	       "insn 0: jump into the middle of insn 1");
	expect(PROGRAM_FENTRY, "call local f\nexit\nf: mov r0, 0\nja -3\n", -EACCES,
	       "insn 3: jump to 1 leaves the function [2, 4)");
	expect(PROGRAM_FENTRY, "mov r0, 0\ncall local f\nf: exit\n", -EACCES,
	       "insn 1: the function ends without exit");
	expect(PROGRAM_FENTRY, "call local +5\nexit\n", -EACCES, "insn 0: call to 6");
	expect(PROGRAM_FENTRY, "call local +1\nexit\nlddw r0, 1\nexit\n", 0, "");
	expect(PROGRAM_FENTRY, "call local +2\nexit\nlddw r0, 1\nexit\n", -EACCES,
	       "insn 0: call to 3");
	expect(PROGRAM_FENTRY, "call local f\nexit\nf: call local f\nexit\n", -EACCES, "recurse");
	expect(PROGRAM_FENTRY, "call local -1\nexit\n", -EACCES,
	       "recurse"); /* no second function */
	expect(PROGRAM_FENTRY, "mov r0, 0\nexit\nf: call local g\nexit\ng: call local f\nexit\n",
	       -EACCES, "recurse");
	expect(PROGRAM_FENTRY, "mov r0, 0\nexit\nja -1\nmov r0, r1\nexit\n", 0, "");
	for (int depth = 8; depth <= 9; depth++) {
		at = text;
		for (int k = 1; k < depth; k++)
			at += sprintf(at, "f%d: call local f%d\nexit\n", k, k + 1);
		sprintf(at, "f%d: mov r0, 0\nexit\n", depth);
		expect(PROGRAM_FENTRY, text, depth == 8 ? 0 : -EACCES,
		       depth == 8 ? "" : "nest deeper than 8");
	}
}

static void test_many_subprograms(void **state)
{
	static struct bpf_insn insn[1024];
	struct program_attr attr = { .kind = PROGRAM_FENTRY, .insn = insn };
	struct program *p;
	struct diag d;

	for (unsigned callees = 255; callees <= 256; callees++) {
		unsigned n = 0;

		for (unsigned k = 0; k < callees; k++, n++)
			insn[n] = INSN(BPF_JMP | BPF_CALL, 0, CALL_LOCAL, 0, callees + 2 * k - n);
		insn[n++] = EXIT;
		for (unsigned k = 0; k < callees; k++)
			insn[n++] = NOP, insn[n++] = EXIT;
		attr.ninsns = n;
		if (callees == 255) {
			assert_int_equal(program_load(&attr, &p, &d), 0);
			assert_int_equal(p->nsub, 256);
			for (uint32_t i = 0; i < n; i++) {
				uint32_t s = program_sub_at(p, i);

				assert_true(p->sub[s].start <= i && i < p->sub[s].end);
			}
			program_put(p);
		} else {
			assert_int_equal(program_load(&attr, &p, &d), -EACCES);
			assert_non_null(strstr(d.text, "257 subprograms"));
		}
	}
}

static void two_frames(char *text, int a, int b)
{
	sprintf(text,
		"stdw [r10-%d], 0\ncall local f\nexit\nf: stdw [r10-%d], 0\nmov r0, 0\nexit\n", a,
		b);
}

static void test_stack_limits(void **state)
{
	char text[256];

	two_frames(text, 256, 256);
	expect(PROGRAM_FENTRY, text, 0, "");
	two_frames(text, 264, 256);
	expect(PROGRAM_FENTRY, text, -EACCES, "the stack of nested calls is 520 bytes");
	expect(PROGRAM_FENTRY, "mov r2, r10\nadd r2, -520\nldxdw r0, [r2+0]\nexit\n", -EACCES,
	       "outside the stack");
	expect(PROGRAM_FENTRY, "mov r2, r10\nadd r2, -8\nldxdw r0, [r2+1]\nexit\n", -EACCES,
	       "insn 2 (r0 = *(u64 *)(r2 +1)): access outside the stack");
	expect(PROGRAM_FENTRY, "mov r2, r10\nadd r2, -512\nldxdw r0, [r2+504]\nexit\n", 0, "");
}

static void test_helper_kinds(void **state)
{
	expect(PROGRAM_FENTRY, "mov r2, r10\nadd r2, -8\ncall 184\nexit\n", 0,
	       ""); /* -EOPNOTSUPP at run time */
	expect(PROGRAM_FEXIT, "mov r2, r10\nadd r2, -8\ncall 184\nexit\n", 0, "");
	expect(PROGRAM_FMOD_RET, "mov r2, r10\nadd r2, -8\ncall 184\nexit\n", 0, "");
	expect(PROGRAM_FMOD_RET, "mov r2, 0\ncall 58\nexit\n", 0, "");
	expect(PROGRAM_FEXIT, "mov r2, 0\ncall 58\nexit\n", -EACCES, "is for fmod_ret programs");
	for (int id = 173; id <= 185; id++) {
		char text[32];

		if (id != 173 && id != 174 && id < 183)
			continue;
		sprintf(text, "call %d\nexit\n", id);
		expect(PROGRAM_PLAIN, text, -EACCES,
		       "is for fentry, fexit, fmod_ret and fsession programs");
	}
}

/* r4 is &ctx[slot]; of a function with 3 slots. */
static int load_format_args(bool generated, enum program_kind kind, int slot, struct diag *d)
{
	struct bpf_insn insn[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 4, 1, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 8 * slot),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 1, 0, 0, -64),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 64),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 1, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, HELPER_FORMAT_ARGS),
		EXIT,
	};
	struct program_attr attr = { .kind = kind,
				     .insn = insn,
				     .ninsns = ARRAY_LEN(insn),
				     .nslots = 3,
				     .generated = generated };
	struct program *p = NULL;
	int err = program_load(&attr, &p, d);

	if (!err)
		assert_int_equal(p->facts.reads[0], 0xffffull << (3 + FORMAT_ARGS_SLOT));
	program_put(p);
	return err;
}

/* A helper of our own is for programs of our own, and reads what is meant for it alone. */
static void test_own_helper(void **state)
{
	struct diag d = { "" };

	assert_int_equal(load_format_args(true, PROGRAM_FENTRY, 3 + FORMAT_ARGS_SLOT, &d), 0);
	assert_int_equal(load_format_args(false, PROGRAM_FENTRY, 3 + FORMAT_ARGS_SLOT, &d),
			 -EACCES);
	assert_non_null(strstr(d.text, "unknown helper #255"));
	assert_int_equal(load_format_args(true, PROGRAM_FEXIT, 3 + FORMAT_ARGS_SLOT, &d), -EACCES);
	assert_int_equal(load_format_args(true, PROGRAM_FENTRY, FORMAT_ARGS_SLOT, &d), -EACCES);
	assert_non_null(strstr(d.text, "r4 is not where"));
}

static int load_slots(enum program_kind kind, unsigned nslots, int slot)
{
	struct bpf_insn insn[] = { INSN(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 8 * slot, 0), EXIT };
	struct program_attr attr = { .kind = kind, .insn = insn, .ninsns = 2, .nslots = nslots };
	struct program *p = NULL;
	int err = program_load(&attr, &p, NULL);

	program_put(p);
	return err;
}

static void test_ctx_slots(void **state)
{
	assert_int_equal(load_slots(PROGRAM_FENTRY, 3, 2), 0);
	assert_int_equal(load_slots(PROGRAM_FENTRY, 3, 3), -EACCES);
	assert_int_equal(load_slots(PROGRAM_FENTRY, 0, 0), -EACCES);
	assert_int_equal(load_slots(PROGRAM_FEXIT, 3, 4), 0);
	assert_int_equal(load_slots(PROGRAM_FEXIT, 3, 5), -EACCES);
	assert_int_equal(load_slots(PROGRAM_FMOD_RET, 0, 1), 0);
	assert_int_equal(load_slots(PROGRAM_FENTRY, PROGRAM_NO_CTX, 255), 0);
	assert_int_equal(load_slots(PROGRAM_FENTRY, PROGRAM_NO_CTX, 256), -EACCES);
}

static void test_attributes(void **state)
{
	struct bpf_insn insn[] = { NOP, EXIT };
	struct program_attr attr = {
		.name = "a name", .kind = PROGRAM_FENTRY, .insn = insn, .ninsns = 2
	};
	struct program *p, *q;
	struct diag d;

	assert_int_equal(program_load(&attr, &p, &d), 0);
	assert_string_equal(p->name, "a name");
	assert_int_equal(p->refs, 1);
	assert_int_equal(p->stats, 0);
	assert_ptr_equal(program_get(p), p);
	program_put(p);
	assert_int_equal(program_load(&attr, &q, &d), 0);
	assert_int_not_equal(p->id, q->id);
	program_put(p);
	program_put(q);
	program_put(NULL);
	attr.ninsns = 0;
	assert_int_equal(program_load(&attr, &p, &d), -EINVAL);
	attr.ninsns = PROGRAM_MAX_INSNS + 1;
	assert_int_equal(program_load(&attr, &p, &d), -EINVAL);
	assert_non_null(strstr(d.text, "1000001 instructions"));
	attr.ninsns = 1;
	attr.kind = (enum program_kind)9;
	assert_int_equal(program_load(&attr, &p, &d), -EINVAL);
	attr.kind = PROGRAM_PLAIN;
	insn[0] = INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 0);
	assert_int_equal(program_load(&attr, &p, &d), -EACCES);
	assert_non_null(strstr(d.text, "second half"));
}

static void test_unset_registers(void **state)
{
	const char *why = "is read, but was never set or died in a call";

	expect(PROGRAM_FENTRY, "exit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "mov r0, r2\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "add r6, 1\nmov r0, 0\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "stxdw [r10-8], r3\nmov r0, 0\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "stw [r3+0], 1\nmov r0, 0\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "jeq r4, 0, +0\nmov r0, 0\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "mov r4, 0\njeq r4, r5, +0\nmov r0, 0\nexit\n", -EACCES, why);
	expect(PROGRAM_FENTRY, "call 14\nldxdw r0, [r1+0]\nexit\n", -EACCES,
	       "insn 1 (r0 = *(u64 *)(r1 +0)): r1 is read");
	expect(PROGRAM_FENTRY, "call local f\nmov r0, r2\nexit\nf: mov r0, 0\nexit\n", -EACCES,
	       why);
	expect(PROGRAM_FENTRY, "mov r6, 1\ncall local f\nexit\nf: mov r0, r6\nexit\n", -EACCES,
	       why);
	expect(PROGRAM_FENTRY, "call 16\nexit\n", -EACCES, "r2 is read");
	expect(PROGRAM_FENTRY, "stdw [r10-8], 0\nmov r3, 0\nlock cmpxchg [r10-8], r3\nexit\n",
	       -EACCES, "r0 is read");
	/* functions without a result; printk without values */
	expect(PROGRAM_FENTRY, "call local f\nmov r0, 0\nexit\nf: exit\n", 0, "");
	expect(PROGRAM_FENTRY, "mov r1, r10\nadd r1, -8\nmov r2, 8\ncall 6\nexit\n", 0, "");
	expect(PROGRAM_FENTRY, "mov r1, r10\nadd r1, -8\ncall 6\nexit\n", -EACCES, "r2 is read");
	/* set on one path only: perhaps that one is always taken */
	expect(PROGRAM_FENTRY, "mov r2, 1\njeq r2, 0, +1\nmov r3, 1\nmov r0, r3\nexit\n", 0, "");
	expect(PROGRAM_PLAIN, "mov r0, r2\nexit\n", 0, "");
	expect(PROGRAM_PLAIN, "mov r0, r3\nexit\n", -EACCES, why);
}

/* As large as allowed, with a jump at every instruction: the passes stay linear. */
static void test_a_million_instructions(void **state)
{
	struct bpf_insn *insn = calloc(PROGRAM_MAX_INSNS, sizeof(*insn));
	struct program_attr attr = { .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .ninsns = PROGRAM_MAX_INSNS,
				     .nslots = PROGRAM_NO_CTX };
	struct program *p;
	struct diag d;

	assert_non_null(insn);
	insn[0] = NOP;
	for (uint32_t i = 1; i + 1 < attr.ninsns; i++)
		insn[i] = INSN(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 0, i);
	insn[attr.ninsns - 1] = EXIT;
	assert_int_equal(program_load(&attr, &p, &d), 0);
	program_put(p);
	free(insn);
}

/* -- text ----------------------------------------------------------------------------- */

static const struct {
	const char *asm_text, *kernel;
} spelling[] = {
	{ "mov r1, 5", "r1 = 5" },
	{ "mov32 r1, -5", "w1 = -5" },
	{ "mov r1, r2", "r1 = r2" },
	{ "mov32 r1, r2", "w1 = w2" },
	{ "movsx8 r1, r2", "r1 = (s8)r2" },
	{ "movsx1632 r1, r2", "w1 = (s16)w2" },
	{ "add r3, r4", "r3 += r4" },
	{ "sub32 r3, 7", "w3 -= 7" },
	{ "sdiv r3, r4", "r3 s/= r4" },
	{ "smod r3, 3", "r3 s%= 3" },
	{ "div r3, r4", "r3 /= r4" },
	{ "mod32 r3, r4", "w3 %= w4" },
	{ "arsh r3, 2", "r3 s>>= 2" },
	{ "lsh r3, r9", "r3 <<= r9" },
	{ "neg r3", "r3 = -r3" },
	{ "neg32 r3", "w3 = -w3" },
	{ "le16 r3", "r3 = le16 r3" },
	{ "be64 r3", "r3 = be64 r3" },
	{ "bswap32 r3", "r3 = bswap32 r3" },
	{ "ldxdw r1, [r1+8]", "r1 = *(u64 *)(r1 +8)" },
	{ "ldxb r1, [r10-1]", "r1 = *(u8 *)(r10 -1)" },
	{ "ldxsw r1, [r2+0]", "r1 = *(s32 *)(r2 +0)" },
	{ "stxh [r2+4], r3", "*(u16 *)(r2 +4) = r3" },
	{ "stw [r10-4], 9", "*(u32 *)(r10 -4) = 9" },
	{ "lock add [r1+8], r2", "lock *(u64 *)(r1 +8) += r2" },
	{ "lock xor32 [r1+8], r2", "lock *(u32 *)(r1 +8) ^= r2" },
	{ "lock fetch_or [r1+0], r2", "r2 = atomic64_fetch_or((u64 *)(r1 +0), r2)" },
	{ "lock xchg32 [r1+0], r2", "r2 = atomic_xchg((u32 *)(r1 +0), r2)" },
	{ "lock cmpxchg [r1+0], r2", "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)" },
	{ "jeq r1, 5, +3", "if r1 == 0x5 goto pc+3" },
	{ "jslt32 r1, r2, -2", "if w1 s< w2 goto pc-2" },
	{ "jset r1, 1, +0", "if r1 & 0x1 goto pc+0" },
	{ "acqb r1, [r2+4]", "r1 = load_acquire((u8 *)(r2 +4))" },
	{ "reldw [r10-8], r3", "store_release((u64 *)(r10 -8), r3)" },
	{ "may_goto +3", "may_goto pc+3" },
	{ "func r2, +7", "r2 = func pc+7" },
	{ "ja +9", "goto pc+9" },
	{ "gotol -9", "gotol pc-9" },
	{ "call 1", "call bpf_map_lookup_elem#1" },
	{ "call 9999", "call unknown#9999" },
	{ "call local +3", "call pc+3" },
	{ "exit", "exit" },
	{ "lddw r1, 0x1122334455", "r1 = 0x1122334455" },
	{ "map r1, 3", "r1 = map[3]" },
	{ "value r1, 3, 16", "r1 = map[3][0]+16" },
};

static void test_spelling(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(spelling); k++) {
		struct bpf_insn insn[2] = { 0 };
		char text[96], why[96] = "";
		int n = asmtext_parse(spelling[k].asm_text, insn, 2, why, sizeof(why));

		if (n < 0)
			fail_msg("%s: %s", spelling[k].asm_text, why);
		assert_int_equal(program_format_insn(insn, text, sizeof(text)), n);
		assert_string_equal(text, spelling[k].kernel);
	}
}

static void test_text_is_cut(void **state)
{
	struct bpf_insn i = EXIT;
	char text[3];

	assert_int_equal(program_format_insn(&i, text, sizeof(text)), 1);
	assert_string_equal(text, "ex");
}

/* -- helpers ----------------------------------------------------------------------------- */

static void test_helper_table(void **state)
{
	unsigned n;
	const struct helper *h = helper_table(&n);

	assert_true(n >= 28);
	for (unsigned i = 0; i < n; i++) {
		assert_true(h[i].id < HELPER_MAX);
		assert_true(h[i].nargs <= 5 && h[i].needs <= h[i].nargs);
		assert_ptr_equal(helper_by_id(h[i].id), &h[i]);
		assert_string_equal(helper_name(h[i].id), h[i].name);
		assert_true(helper_in_kernel(h[i].id));
		assert_int_equal(!h[i].symbol, !h[i].native);
		assert_int_not_equal(h[i].flags & HELPER_ALL, 0);
		if (h[i].symbol)
			assert_int_equal(strncmp(h[i].symbol, "rt_", 3), 0);
	}
	assert_null(helper_by_id(0));
	assert_null(helper_by_id(109));
	assert_string_equal(helper_name(109), "send_signal");
	assert_string_equal(helper_name(70000), "unknown#70000");
	assert_false(helper_in_kernel(0));
	assert_false(helper_in_kernel(70000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_instructions),
		cmocka_unit_test(test_every_opcode),
		cmocka_unit_test(test_conformance_rules),
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_many_subprograms),
		cmocka_unit_test(test_stack_limits),
		cmocka_unit_test(test_helper_kinds),
		cmocka_unit_test(test_own_helper),
		cmocka_unit_test(test_ctx_slots),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_unset_registers),
		cmocka_unit_test(test_a_million_instructions),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_helper_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
