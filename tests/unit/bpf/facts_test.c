/*
 * facts_test.c - program_load()'s facts: exact for what compilers write, and never less
 * than what a run really reads, on random programs that throw pointers about.
 */
#include "run.h"

#include "bpf/check.h"
#include "bpf/insn.h"
#include "randprog.h"

#include <stdlib.h>
#include <string.h>

static struct program *load(enum program_kind kind, const char *text)
{
	return run_load_text(kind, text);
}

/* -- exact ------------------------------------------------------------------------ */

struct want {
	const char *text;
	uint64_t reads;
	bool any, escapes, ip, count;
	unsigned stack; /* of the program itself */
};

static const struct want wants[] = {
	{ "mov r0, 0\nexit\n", 0, 0, 0, 0, 0, 0 },
	{ "ldxdw r0, [r1+8]\nexit\n", 2, 0, 0, 0, 0, 0 },
	{ "mov r6, r1\ncall 14\nldxdw r0, [r6+64]\nexit\n", 1 << 8, 0, 0, 0, 0, 0 },
	{ "ldxw r2, [r1+4]\nldxb r3, [r1+31]\nmov r0, 0\nexit\n", 9, 0, 0, 0, 0, 0 },
	{ "add r1, 16\nldxdw r0, [r1+8]\nsub r1, 8\nldxdw r0, [r1+0]\nexit\n", 10, 0, 0, 0, 0, 0 },
	{ "ldxdw r0, [r1-8]\nldxdw r0, [r1-16]\nexit\n", 0, 0, 0, 1, 1, 0 },
	/* both arms of a branch, and a ctx register that is dead where they meet */
	{ "ldxdw r2, [r1+0]\njeq r2, 0, a\nldxdw r0, [r1+8]\nmov r1, 7\nja b\n"
	  "a: ldxdw r0, [r1+16]\nb: mov r1, 0\nexit\n",
	  7, 0, 0, 0, 0, 0 },
	/* what may be ctx or not is followed until it is used */
	{ "mov r2, 1\njeq r2, 0, a\nmov r2, r1\na: ldxdw r0, [r2+0]\nexit\n", 0, 1, 1, 1, 1, 0 },
	/* a slot chosen at run time */
	{ "ldxdw r2, [r1+0]\nand r2, 8\nadd r1, r2\nldxdw r0, [r1+0]\nexit\n", 1, 1, 1, 1, 1, 0 },
	/* through memory */
	{ "stxdw [r10-8], r1\nldxdw r2, [r10-8]\nldxdw r0, [r2+8]\nexit\n", 0, 1, 1, 1, 1, 8 },
	{ "xor r1, 0\nldxdw r0, [r1+8]\nexit\n", 0, 1, 1, 1, 1, 0 },
	{ "movsx32 r2, r1\nmov r0, 0\nexit\n", 0, 1, 1, 1, 1, 0 },
	/* into functions, and back to the caller's registers */
	{ "mov r6, r1\ncall local f\nldxdw r0, [r6+0]\nexit\nf: ldxdw r0, [r1+8]\nexit\n", 3, 0, 0,
	  0, 0, 0 },
	{ "mov r3, r1\nadd r3, 8\ncall local f\nexit\nf: ldxdw r0, [r3+8]\nexit\n", 4, 0, 0, 0, 0,
	  0 },
	{ "call local f\nldxdw r0, [r0+0]\nexit\nf: mov r0, r1\nexit\n", 0, 1, 1, 1, 1, 0 },
	{ "mov r6, r1\nmov r0, r1\ncall local f\nldxdw r0, [r0+0]\nexit\nf: exit\n", 0, 1, 1, 1, 1,
	  0 },
	/* helpers */
	{ "call 173\nexit\n", 0, 0, 0, 1, 0, 0 },
	{ "call 185\nexit\n", 0, 0, 0, 0, 1, 0 },
	{ "call 174\nexit\n", 0, 0, 0, 0, 0, 0 },
	{ "mov r2, 0\nmov r3, r10\nadd r3, -8\ncall 183\nexit\n", 0, 1, 0, 0, 1, 8 },
	{ "call 14\ncall 5\nexit\n", 0, 0, 0, 0, 0, 0 }, /* r1 left over, not an argument */
	{ "mov r2, 8\nmov r3, r1\nmov r1, r10\nadd r1, -8\ncall 113\nexit\n", 0, 1, 1, 1, 1, 8 },
	/* stack */
	{ "stb [r10-1], 0\nmov r0, 0\nexit\n", 0, 0, 0, 0, 0, 8 },
	{ "mov r2, r10\nadd r2, -24\nmov r0, 0\nexit\n", 0, 0, 0, 0, 0, 0 },
	{ "mov r2, r10\nadd r2, -24\nstdw [r2+8], 0\nmov r0, 0\nexit\n", 0, 0, 0, 0, 0, 16 },
	{ "mov r1, r10\nadd r1, -24\nmov r2, 16\ncall 16\nexit\n", 0, 0, 0, 0, 0, 24 },
	{ "mov r3, 0\nmov r2, r10\nadd r2, -24\nadd r2, r3\nldxb r0, [r2+0]\nexit\n", 0, 0, 0, 0, 0,
	  512 },
	{ "stxdw [r10-8], r10\nmov r0, 0\nexit\n", 0, 0, 0, 0, 0, 512 },
	{ "mov r2, r10\nadd r2, -8\ncall local f\nexit\nf: stdw [r2+0], 1\nmov r0, 0\nexit\n", 0, 0,
	  0, 0, 0, 512 },
};

static void test_exact(void **state)
{
	for (unsigned k = 0; k < ARRAY_LEN(wants); k++) {
		const struct want *w = &wants[k];
		struct program *p = load(PROGRAM_FENTRY, w->text);
		const struct body_facts *f = &p->facts;

		if (f->reads[0] != w->reads || f->reads_any != w->any ||
		    f->ctx_escapes != w->escapes || f->reads_ip != w->ip ||
		    f->reads_count != w->count || p->sub[0].stack != w->stack)
			fail_msg("reads 0x%llx any %d escapes %d ip %d count %d stack %u for\n%s",
				 (unsigned long long)f->reads[0], f->reads_any, f->ctx_escapes,
				 f->reads_ip, f->reads_count, p->sub[0].stack, w->text);
		assert_true(f->may_reenter);
		assert_false(f->may_override);
		program_put(p);
	}
}

static void test_high_slots(void **state)
{
	struct program *p = load(PROGRAM_FENTRY, "ldxdw r0, [r1+2040]\nldxdw r0, [r1+512]\nexit\n");

	assert_int_equal(p->facts.reads[3], 1ull << 63);
	assert_int_equal(p->facts.reads[1], 1);
	assert_int_equal(p->facts.reads[0] | p->facts.reads[2], 0);
	program_put(p);
}

static void test_return_value_helper(void **state)
{
	struct bpf_insn insn[] = { INSN(BPF_ALU64 | BPF_MOV | BPF_K, 2, 0, 0, 0),
				   INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_func_ret),
				   INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0) };
	struct program_attr attr = {
		.kind = PROGRAM_FEXIT, .insn = insn, .ninsns = 3, .nslots = 5
	};
	struct program *p;

	assert_int_equal(program_load(&attr, &p, NULL), 0);
	assert_int_equal(p->facts.reads[0], 1 << 5);
	assert_true(p->facts.reads_count && !p->facts.reads_any);
	program_put(p);
	attr.nslots = PROGRAM_NO_CTX;
	assert_int_equal(program_load(&attr, &p, NULL), 0);
	assert_true(p->facts.reads_any);
	program_put(p);
	attr.kind = PROGRAM_FENTRY;
	assert_int_equal(program_load(&attr, &p, NULL), 0);
	assert_false(p->facts.reads_any || p->facts.reads_count);
	program_put(p);
}

static void test_override(void **state)
{
	struct program *p = load(PROGRAM_FMOD_RET, "mov r2, 0\ncall 58\nexit\n");

	assert_true(p->facts.may_override && p->facts.reads_count);
	assert_false(p->facts.ctx_escapes);
	assert_int_equal(p->facts.helpers[0], 1ull << 58);
	program_put(p);
}

static void test_clobbers(void **state)
{
	x86_regset least = X86_REG(RAX) | X86_REG(RDI);
	x86_regset scratch = X86_REG(R9) | X86_REG(R10) | X86_REG(R11);
	struct program *p = load(PROGRAM_FENTRY, "mov r2, 1\nmov r6, 1\nmov r0, 0\nexit\n");

	assert_int_equal(p->facts.clobbers, least | X86_REG(RSI));
	program_put(p);
	p = load(PROGRAM_FENTRY, "mov r4, 1\nmov r5, 0\nlock xchg [r10-8], r5\nmov r0, 0\nexit\n");
	assert_int_equal(p->facts.clobbers, least | scratch | X86_REG(RCX) | X86_REG(R8));
	program_put(p);
	p = load(PROGRAM_FENTRY, "mov r2, 7\nmov r0, 9\ndiv r0, r2\nexit\n");
	assert_int_equal(p->facts.clobbers, least | scratch | X86_REG(RSI));
	program_put(p);
	p = load(PROGRAM_FENTRY, "mov r2, 7\nmov r0, 9\nlsh r0, r2\nadd r0, r2\nexit\n");
	assert_int_equal(p->facts.clobbers, least | scratch | X86_REG(RSI));
	program_put(p);
	p = load(PROGRAM_FENTRY, "call local f\nexit\nf: mov r0, 0\nexit\n");
	assert_int_equal(p->facts.clobbers, X86_CALLER_SAVED);
	program_put(p);
}

/* Frames of a chain add up: return address, rbp and fixed slots each. */
static void test_stack_bytes(void **state)
{
	struct program *p = load(PROGRAM_FENTRY, "mov r0, 0\nexit\n");
	uint32_t one = p->facts.stack_bytes;

	assert_int_equal(one, 64);
	program_put(p);
	p = load(PROGRAM_FENTRY, "stb [r10-100], 0\nmov r0, 0\nexit\n");
	assert_int_equal(p->facts.stack_bytes, one + 112);
	assert_int_equal(p->stack_depth, 104);
	program_put(p);
	p = load(PROGRAM_FENTRY,
		 "stb [r10-16], 0\ncall local f\ncall local g\nexit\n"
		 "f: stb [r10-32], 0\nmov r0, 0\nexit\ng: stb [r10-64], 0\nmov r0, 0\n"
		 "exit\n");
	assert_true(p->facts.stack_bytes >= 2 * one + 16 + 64);
	assert_int_equal(p->stack_depth, 80);
	program_put(p);
}

/* -- sound ----------------------------------------------------------------------------- */

#define NSLOTS 12

static uint64_t words[2 + NSLOTS + 2];

static struct bpf_insn random_insn(struct rand *r, int at, int n, int callee)
{
	unsigned dst = rand_below(r, 10), src = rand_below(r, 11);
	int small = 8 * (int)rand_below(r, 6) - 16, spill = -8 - 8 * (int)rand_below(r, 4);

	switch (rand_below(r, 14)) {
	case 0:
	case 1:
	case 2:
		return INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
	case 3:
		return INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, small);
	case 4:
		return INSN(BPF_ALU64 | BPF_SUB | BPF_X, dst, src, 0, 0);
	case 5:
		return INSN(BPF_ALU64 | BPF_ADD | BPF_X, dst, src, 0, 0);
	case 6:
		return INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, 8 * rand_below(r, 4));
	case 7:
		return INSN(BPF_ALU64 | BPF_OR | BPF_X, dst, src, 0, 0);
	case 8:
		return INSN(BPF_STX | BPF_MEM | BPF_DW, 10, dst, spill, 0);
	case 9:
		return INSN(BPF_LDX | BPF_MEM | BPF_DW, dst, 10, spill, 0);
	case 10:
		if (at < callee && rand_below(r, 3) == 0)
			return INSN(BPF_JMP | BPF_CALL, 0, CALL_LOCAL, 0, callee - at - 1);
		__attribute__((fallthrough));
	case 11:
		if (n - at > 4)
			return INSN(BPF_JMP | BPF_JSGT | BPF_K, dst, 0, rand_below(r, 3), 8);
		__attribute__((fallthrough));
	default:
		return INSN(BPF_LDX | BPF_MEM | (rand_below(r, 4) ? BPF_DW : BPF_W), dst, src % 10,
			    small + (int)rand_below(r, 2) * 4, 0);
	}
}

static bool seen_is_known(const struct body_facts *seen, const struct body_facts *f)
{
	if ((seen->reads_count && !f->reads_count) || (seen->reads_ip && !f->reads_ip) ||
	    (seen->reads_any && !f->reads_any))
		return false;
	for (unsigned k = 0; k < ARRAY_LEN(f->reads) && !f->reads_any; k++)
		if (seen->reads[k] & ~f->reads[k])
			return false;
	return true;
}

struct tally {
	unsigned loaded, read, precise;
};

/*
 * Most of these programs end at a bad access; what they read until then counts.  Slots
 * hold small numbers, so that sums of ctx and slots stay near ctx.
 */
static void one_sound(struct rand *r, struct tally *t)
{
	struct engine_env env = { 0 };
	struct body_facts seen = { 0 };
	struct interp_opts o = { .checked = true, .fuel = 1000, .seen = &seen };
	struct bpf_insn insn[64];
	struct program_attr attr = { .kind = PROGRAM_FENTRY, .insn = insn, .nslots = NSLOTS + 2 };
	int callee = 20 + (int)rand_below(r, 8), n = callee + 9 + (int)rand_below(r, 6);
	struct program *p;
	uint64_t r0;
	unsigned slots = 0;

	for (int k = 0; k < n; k++)
		insn[k] = random_insn(r, k, k < callee ? callee : n, callee);
	for (unsigned k = 0; k < 9; k++) /* all but r1 */
		insn[k] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, k + (k > 0), 0, 0, 8);
	for (unsigned k = 0; k < 5; k++)
		insn[callee + (int)k] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, k ? k + 5 : 0, 0, 0, 8);
	insn[callee - 1] = insn[n - 1] = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	attr.ninsns = (uint32_t)n;
	if (program_load(&attr, &p, NULL))
		return;
	t->loaded++;
	interp_run(p, &env, (uint64_t)(uintptr_t)(words + 2), 0, &o, &r0, NULL);
	for (unsigned k = 0; k < ARRAY_LEN(seen.reads); k++)
		slots |= seen.reads[k] != 0;
	t->read += slots;
	t->precise += slots && !p->facts.reads_any;
	if (!seen_is_known(&seen, &p->facts)) {
		for (int k = 0; k < n; k++) {
			char text[96];

			program_format_insn(&insn[k], text, sizeof(text));
			print_error("%3d %s\n", k, text);
		}
		fail_msg("reads 0x%llx, seen 0x%llx", (unsigned long long)p->facts.reads[0],
			 (unsigned long long)seen.reads[0]);
	}
	program_put(p);
}

static void test_sound(void **state)
{
	struct rand r = { .s = 0x9e3779b97f4a7c15 };
	struct tally t = { 0 };

	words[0] = 0x400000;
	words[1] = NSLOTS;
	for (unsigned k = 0; k < NSLOTS + 2; k++)
		words[2 + k] = 8 * (k % 4);
	for (unsigned k = 0; k < 400000; k++)
		one_sound(&r, &t);
	/* the test means something only if many run, read, and are not "reads any" */
	if (t.loaded < 50000 || t.read < 12000 || t.precise < 5000)
		fail_msg("loaded %u, read ctx %u, precise %u", t.loaded, t.read, t.precise);
}

/* Room on the stack for what a program calls: tools/check-stack.py holds the numbers to the code. */
static void stack_of_helpers(void **state)
{
	static const struct {
		const char *text;
		uint32_t least, most;
	} rows[] = {
		{ "mov r0, 0\nexit\n", 0, 64 },
		{ "call 14\nexit\n", FACTS_HELPER_STACK, FACTS_HELPER_STACK + 64 },
		{ "mov r1, 0\nmov r2, 0\ncall 6\nexit\n", FACTS_PRINT_STACK,
		  FACTS_PRINT_STACK + 64 },
		{ "mov r2, 0\nmov r3, 0\nmov r4, 0\ncall 67\nexit\n", FACTS_WALK_STACK,
		  FACTS_WALK_STACK + 64 },
		{ "mov r2, 0\nmov r3, 0\ncall 27\nexit\n", FACTS_STACKID_STACK,
		  FACTS_STACKID_STACK + 64 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = load(PROGRAM_FENTRY, rows[i].text);

		assert_in_range(p->facts.stack_bytes, rows[i].least, rows[i].most);
		program_put(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_of_helpers), cmocka_unit_test(test_exact),
		cmocka_unit_test(test_high_slots),  cmocka_unit_test(test_return_value_helper),
		cmocka_unit_test(test_override),    cmocka_unit_test(test_clobbers),
		cmocka_unit_test(test_stack_bytes), cmocka_unit_test(test_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
