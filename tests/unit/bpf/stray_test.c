/*
 * stray_test.c - loads through pointers of the target's: which they are, and that one which faults
 * gives 0 and changes nothing else, by the handler and by calls, in every form a load has.
 */
#include "run.h"

#include "bpf/insn.h"
#include "bpf/jit.h"
#include "rt/rt.h"
#include "rt/signal.h"
#include "rt/slab.h"
#include "x86/frame.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* -- which ------------------------------------------------------------------------ */

struct want {
	const char *text;
	uint64_t strays; /* by instruction */
};

static const struct want wants[] = {
	/* ctx, the stack, and what is added to them */
	{ "ldxdw r0, [r1+0]\nexit\n", 0 },
	{ "stdw [r10-8], 1\nldxdw r0, [r10-8]\nexit\n", 0 },
	{ "mov r2, r10\nadd r2, -8\nstdw [r2+0], 0\nldxdw r0, [r2+0]\nexit\n", 0 },
	{ "call 7\nand r0, 7\nmov r2, r10\nadd r2, -8\nadd r2, r0\nldxb r0, [r2+0]\nexit\n", 0 },
	/* what ctx holds, and what that leads to */
	{ "ldxdw r1, [r1+0]\nldxdw r1, [r1+8]\nldxw r0, [r1+4]\nexit\n", 6 },
	/* an argument's sum, a number, a value that was in memory */
	{ "ldxdw r1, [r1+0]\nadd r1, 64\nldxdw r0, [r1+0]\nexit\n", 4 },
	{ "mov r1, 64\nldxdw r0, [r1+0]\nexit\n", 2 },
	{ "stxdw [r10-8], r1\nldxdw r2, [r10-8]\nldxdw r0, [r2+0]\nexit\n", 4 },
	{ "ldxdw r2, [r1+0]\nldxdw r3, [r1+8]\nadd r2, r3\nldxdw r0, [r2+0]\nexit\n", 8 },
	/* one or the other */
	{ "ldxdw r2, [r1+0]\njeq r2, 0, a\nmov r2, r10\na: ldxdw r0, [r2-8]\nexit\n", 8 },
	/* results of helpers: a value, a record, another's number */
	{ "mov r2, r10\nadd r2, -8\nstdw [r10-8], 0\ncall 1\njeq r0, 0, a\nldxdw r0, [r0+8]\n"
	  "a: mov r0, 0\nexit\n",
	  0 },
	{ "mov r2, r10\nadd r2, -8\nstdw [r10-8], 0\ncall 1\nmov r6, r0\ncall 7\nadd r6, r0\n"
	  "ldxb r0, [r6+0]\nmov r0, 0\nexit\n",
	  0 },
	{ "call 14\nldxdw r0, [r0+0]\nexit\n", 2 },
	/* into functions and out of them */
	{ "call local f\nexit\nf: ldxdw r0, [r1+0]\nexit\n", 0 },
	{ "ldxdw r1, [r1+0]\ncall local f\nexit\nf: ldxdw r0, [r1+0]\nexit\n", 8 },
};

static void which_loads_stray(void **state)
{
	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++) {
		struct program *p = run_load_text(PROGRAM_FENTRY, wants[i].text);
		uint64_t is = 0;

		for (uint32_t n = 0; n < p->ninsns; n++)
			is |= (uint64_t)program_load_strays(p, n) << n;
		if (is != wants[i].strays)
			fail_msg("%s: %#llx, not %#llx", wants[i].text, (unsigned long long)is,
				 (unsigned long long)wants[i].strays);
		assert_int_equal(p->strays, is != 0);
		program_put(p);
	}
}

static void who_reads_the_target(void **state)
{
	static const struct {
		const char *text;
		bool reads;
	} list[] = {
		{ "mov r0, 0\nexit\n", false },
		{ "ldxdw r0, [r1+0]\nexit\n", false },
		{ "ldxdw r1, [r1+0]\nldxdw r0, [r1+0]\nexit\n", true },
		{ "ldxdw r3, [r1+0]\nmov r1, r10\nadd r1, -8\nmov r2, 8\ncall 112\nexit\n", true },
		{ "call 14\nexit\n", false },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		struct program *p = run_load_text(PROGRAM_FENTRY, list[i].text);

		assert_int_equal(program_reads_target(p), list[i].reads);
		program_put(p);
	}
}

/* -- and what becomes of them -------------------------------------------------------- */

#define ROOM 65536u

static uint8_t *room; /* code, its frame states SLAB_SHADOW_DISTANCE behind */

static int make_room(void **state)
{
	room = mmap(NULL, SLAB_SHADOW_DISTANCE + ROOM, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	rt_state.room[0].lo = rt_state.text = (uint64_t)(uintptr_t)room;
	rt_state.room[0].size = ROOM;
	rt_state.tls_off = rt_tls_offset();
	return room == MAP_FAILED;
}

static jit_fn jit(const struct program *p, const struct engine_env *env)
{
	struct x86_asm a;

	x86_asm_init(&a, room, room + SLAB_SHADOW_DISTANCE, ROOM, (uint64_t)(uintptr_t)room);
	engine_jit_function(p, env, &a);
	assert_true(x86_asm_finish(&a) > 0);
	return (jit_fn)(void *)room;
}

/* Values in all registers, one load, and a sum that tells them all apart. */
static unsigned write_load(struct bpf_insn *in, uint8_t code, unsigned dst, unsigned src, int off)
{
	unsigned n = 0;

	for (unsigned r = 0; r < 10; r++) {
		if (r == src || r == 2)
			continue;
		in[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
					     .dst_reg = r & 15,
					     .imm = 1000 + (int)r };
	}
	in[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X,
				     .dst_reg = src & 15,
				     .src_reg = 2 };
	in[n++] = (struct bpf_insn){
		.code = code, .dst_reg = dst & 15, .src_reg = src & 15, .off = (int16_t)off
	};
	if (src != dst) /* an address is no constant */
		in[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
					     .dst_reg = src & 15 };
	if (src != 2 && dst != 2)
		in[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2 };
	for (unsigned r = 9; r > 0; r--) {
		in[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MUL | BPF_K, .imm = 31 };
		in[n++] =
			(struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_X, .src_reg = r & 15 };
	}
	in[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	return n;
}

static uint64_t want_sum(unsigned dst, unsigned src, uint64_t loaded)
{
	uint64_t r[10], sum;

	for (unsigned i = 0; i < 10; i++)
		r[i] = i == dst ? loaded : i == src || i == 2 ? 0 : 1000 + i;
	sum = r[0];
	for (int i = 9; i > 0; i--)
		sum = sum * 31 + r[i];
	return sum;
}

static uint64_t value_of(uint8_t code, const uint8_t *at)
{
	uint64_t v = 0;
	unsigned bytes = BPF_SIZE(code) == BPF_B ? 1 :
			 BPF_SIZE(code) == BPF_H ? 2 :
			 BPF_SIZE(code) == BPF_W ? 4 :
						   8;

	memcpy(&v, at, bytes);
	if (BPF_MODE(code) == INSN_MEMSX)
		v = (uint64_t)((int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
	return v;
}

static void one_form(const struct engine_env *env, uint8_t code, unsigned dst, unsigned src,
		     int off, uint8_t *good, uint8_t *bad)
{
	struct bpf_insn in[64];
	struct program *p = run_load(PROGRAM_PLAIN, in, write_load(in, code, dst, src, off));
	jit_fn f = jit(p, env);
	uint64_t none = want_sum(dst, src, 0), some = want_sum(dst, src, value_of(code, good));
	const uint64_t nowhere[] = { (uint64_t)(uintptr_t)bad - (uint64_t)off, 0, 4095,
				     0xdead000000000000ull, (uint64_t)-4096 };

	if (f(0, (uint64_t)(uintptr_t)good - (uint64_t)off) != some)
		fail_msg("code %#x r%u = [r%u + %d]: not what is there", code, dst, src, off);
	for (size_t i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		if (f(0, nowhere[i]) != none)
			fail_msg("code %#x r%u = [r%u + %d] at %#llx: not 0", code, dst, src, off,
				 (unsigned long long)nowhere[i]);
	}
	program_put(p);
}

static void all_forms(const struct engine_env *env)
{
	static const uint8_t codes[] = { BPF_LDX | BPF_MEM | BPF_B,    BPF_LDX | BPF_MEM | BPF_H,
					 BPF_LDX | BPF_MEM | BPF_W,    BPF_LDX | BPF_MEM | BPF_DW,
					 BPF_LDX | INSN_MEMSX | BPF_B, BPF_LDX | INSN_MEMSX | BPF_H,
					 BPF_LDX | INSN_MEMSX | BPF_W };
	static uint8_t good[16] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 1 };
	static const int offs[] = { 0, 8, -300 };
	uint8_t *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* calls cost system calls: some registers of each encoding only */
	unsigned step = env->load ? 3 : 1;

	for (size_t c = 0; c < sizeof(codes); c++)
		for (unsigned dst = 0; dst < 10; dst += step)
			for (unsigned src = 0; src < 10; src += step)
				for (unsigned o = 0; o < 3; o++)
					one_form(env, codes[c], dst, src, offs[o], good, bad);
	munmap(bad, 4096);
}

static void faults_give_zero(void **state)
{
	struct sigaction sa = { .sa_sigaction =
					(void (*)(int, siginfo_t *, void *))(void *)rt_fault_entry,
				.sa_flags = SA_SIGINFO | SA_NODEFER };
	struct engine_env env;

	/* here: cmocka has set its own for the test */
	assert_int_equal(sigaction(SIGSEGV, &sa, NULL), 0);
	engine_env_native(NULL, &env);
	all_forms(&env);
}

static void calls_give_zero(void **state)
{
	struct engine_env env;

	engine_env_native(NULL, &env);
	env.load = (uint64_t)(uintptr_t)rt_load_word;
	all_forms(&env);
}

/* Of loads alone, and where their second and third byte are. */
static void marks(void **state)
{
	struct program *p =
		run_load_text(PROGRAM_PLAIN, "ldxdw r0, [r1+0]\nldxw r3, [r2+0]\nldxdw r9, [r2+8]\n"
					     "add r0, r3\nadd r0, r9\nexit\n");
	struct engine_env env;
	unsigned found = 0;
	const uint8_t *s;

	engine_env_native(NULL, &env);
	memset(room + SLAB_SHADOW_DISTANCE, 0, ROOM);
	jit(p, &env);
	s = room + SLAB_SHADOW_DISTANCE;
	for (unsigned i = 0; i < 256; i++) {
		if ((s[i] & FRAME_FAULT) != FRAME_FAULT)
			continue;
		found++;
		/* mov edx, [rsi]; mov r14, [rsi + 8] */
		if (found == 1) {
			assert_int_equal(s[i], FRAME_FAULT | FRAME_FAULT_SHORT | RDX);
			assert_memory_equal(room + i - 1, "\x8b\x16", 2);
		} else {
			assert_int_equal(s[i], FRAME_FAULT | R14);
			assert_int_equal(s[i + 1], 4);
			assert_memory_equal(room + i - 1, "\x4c\x8b\x76\x08", 4);
		}
	}
	assert_int_equal(found, 2);
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_loads_stray),
		cmocka_unit_test(who_reads_the_target),
		cmocka_unit_test(faults_give_zero),
		cmocka_unit_test(calls_give_zero),
		cmocka_unit_test(marks),
	};

	return cmocka_run_group_tests(tests, make_room, NULL);
}
