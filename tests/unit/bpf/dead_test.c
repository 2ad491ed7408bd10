/* bpf/dead.h: poison goes where nothing can come, and only there. */
#include "bpf/dead.h"

#include "base/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define POISON \
	{ \
		.code = BPF_JMP | BPF_CALL, .imm = 195896080 \
	}
#define MOV(r, v) \
	{ \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = r, .imm = v \
	}
#define JMP_IMM(op, r, v, o) \
	{ \
		.code = BPF_JMP | op | BPF_K, .dst_reg = r, .imm = v, .off = o \
	}
#define GOTO(o) \
	{ \
		.code = BPF_JMP | BPF_JA, .off = o \
	}
#define EXIT \
	{ \
		.code = BPF_JMP | BPF_EXIT \
	}

static const struct {
	const char *what;
	int removed;
	struct bpf_insn insn[8];
	uint32_t n;
} cases[] = {
	{ "weak kfunc, asked for",
	  1,
	  { MOV(1, 0),
	    JMP_IMM(BPF_JEQ, 1, 0, 1),
	    { .code = BPF_JMP | BPF_CALL, .src_reg = 2 },
	    EXIT },
	  4 },
	{ "weak kfunc, called", 0, { { .code = BPF_JMP | BPF_CALL, .src_reg = 2 }, EXIT }, 2 },
	{ "kfunc that is there",
	  0,
	  { EXIT, { .code = BPF_JMP | BPF_CALL, .src_reg = 2, .imm = 0x10000 }, EXIT },
	  3 },
	{ "no poison", 0, { MOV(0, 0), EXIT }, 2 },
	{ "straight", 0, { POISON, EXIT }, 2 },
	{ "question answered no", 1, { MOV(1, 0), JMP_IMM(BPF_JEQ, 1, 0, 1), POISON, EXIT }, 4 },
	{ "question answered yes", 0, { MOV(1, 1), JMP_IMM(BPF_JEQ, 1, 0, 1), POISON, EXIT }, 4 },
	{ "not equal", 1, { MOV(1, 0), JMP_IMM(BPF_JNE, 1, 0, 1), EXIT, POISON, EXIT }, 5 },
	{ "unknown register", 0, { JMP_IMM(BPF_JEQ, 1, 0, 1), POISON, EXIT }, 3 },
	{ "goto over", 1, { GOTO(1), POISON, EXIT }, 3 },
	{ "goto back", 0, { GOTO(2), POISON, EXIT, JMP_IMM(BPF_JEQ, 2, 0, -3), EXIT }, 5 },
	{ "behind exit", 1, { EXIT, POISON, EXIT }, 3 },
	{ "a call forgets r1",
	  0,
	  { MOV(1, 0),
	    { .code = BPF_JMP | BPF_CALL, .imm = 5 },
	    JMP_IMM(BPF_JEQ, 1, 0, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "a call keeps r6",
	  1,
	  { MOV(6, 0),
	    { .code = BPF_JMP | BPF_CALL, .imm = 5 },
	    JMP_IMM(BPF_JEQ, 6, 0, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "a target forgets all",
	  0,
	  { JMP_IMM(BPF_JEQ, 2, 0, 1), MOV(1, 0), JMP_IMM(BPF_JEQ, 1, 0, 1), POISON, EXIT },
	  5 },
	{ "load forgets",
	  0,
	  { MOV(1, 0),
	    { .code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 10, .off = -8 },
	    JMP_IMM(BPF_JEQ, 1, 0, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "atomic fetch forgets",
	  0,
	  { MOV(1, 0),
	    { .code = BPF_STX | BPF_ATOMIC | BPF_DW,
	      .dst_reg = 10,
	      .src_reg = 1,
	      .off = -8,
	      .imm = BPF_XCHG },
	    JMP_IMM(BPF_JEQ, 1, 0, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "addition is not followed",
	  0,
	  { MOV(1, 0),
	    { .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 1, .imm = 1 },
	    JMP_IMM(BPF_JEQ, 1, 0, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "signed", 1, { MOV(1, -1), JMP_IMM(BPF_JSLT, 1, 0, 1), POISON, EXIT }, 4 },
	{ "unsigned", 0, { MOV(1, -1), JMP_IMM(BPF_JLT, 1, 0, 1), POISON, EXIT }, 4 },
	{ "low half only",
	  1,
	  { { .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = 7 },
	    { .imm = 1 },
	    { .code = BPF_JMP32 | BPF_JEQ | BPF_K, .dst_reg = 1, .imm = 7, .off = 1 },
	    POISON,
	    EXIT },
	  5 },
	{ "whole register",
	  0,
	  { { .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = 1, .imm = 7 },
	    { .imm = 1 },
	    JMP_IMM(BPF_JEQ, 1, 7, 1),
	    POISON,
	    EXIT },
	  5 },
	{ "called subprogram",
	  0,
	  { { .code = BPF_JMP | BPF_CALL, .src_reg = 1, .imm = 1 }, EXIT, POISON, EXIT },
	  4 },
	{ "subprogram nobody calls", 1, { MOV(0, 0), EXIT, POISON, EXIT }, 4 },
	{ "callback",
	  0,
	  { { .code = BPF_LD | BPF_IMM | BPF_DW, .src_reg = 4, .imm = 2 },
	    { 0 },
	    EXIT,
	    POISON,
	    EXIT },
	  5 },
	{ "jumps outside, ends in the middle",
	  1,
	  { JMP_IMM(BPF_JEQ, 1, 0, 3000),
	    GOTO(-30000),
	    POISON,
	    { .code = BPF_LD | BPF_IMM | BPF_DW } },
	  4 },
};

static void table(void **state)
{
	struct bpf_insn insn[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int n;

		memcpy(insn, cases[i].insn, sizeof(insn));
		n = dead_remove_poison(insn, cases[i].n);
		if (n != cases[i].removed)
			fail_msg("%s: %d removed, expected %d", cases[i].what, n, cases[i].removed);
		for (uint32_t k = 0; k < cases[i].n; k++)
			if (memcmp(&insn[k], &cases[i].insn[k], sizeof(*insn)) != 0) {
				assert_true(dead_is_poison(&cases[i].insn[k]));
				assert_int_equal(insn[k].code, BPF_JMP | BPF_JA);
				assert_int_equal(insn[k].off, 0);
			}
	}
}

static void poison(void **state)
{
	struct bpf_insn in = POISON, helper = { .code = BPF_JMP | BPF_CALL, .imm = 211 };

	(void)state;
	assert_true(dead_is_poison(&in));
	assert_false(dead_is_poison(&helper));
	in.src_reg = 1; /* a subprogram far away is not one */
	assert_false(dead_is_poison(&in));
	assert_int_equal(dead_remove_poison(NULL, 0), 0);
}

/* Garbage must neither crash nor change anything but poison. */
static void garbage(void **state)
{
	struct bpf_insn insn[64], before[64];

	(void)state;
	srand(7);
	for (int round = 0; round < 20000; round++) {
		for (size_t i = 0; i < sizeof(insn); i++)
			((uint8_t *)insn)[i] = (uint8_t)(rand() >> 7);
		insn[round % 64] = (struct bpf_insn)POISON;
		memcpy(before, insn, sizeof(insn));
		assert_true(dead_remove_poison(insn, 64) >= 0);
		for (int i = 0; i < 64; i++)
			if (memcmp(&insn[i], &before[i], sizeof(*insn)) != 0)
				assert_true(dead_is_poison(&before[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(poison),
		cmocka_unit_test(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
