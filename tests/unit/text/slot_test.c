/*
 * Slots by execution: functions of this program are patched in place and called, with
 * no image, with an image that jumps on, and with one that calls the original; results,
 * registers, counters, frame states and the restored bytes are checked.
 */
#include "slot_rig.h"
#include "x86/frame.h"

#include <errno.h>
#include <signal.h>
#include <sys/ucontext.h>

/* -- hand-written functions with odd first instructions ------------------------ */

ASM_FN(asm_loop, "mov %rsi, %rcx\n and $7, %ecx\n loop 1f\n xor %eax, %eax\n ret\n"
		 "1: lea (%rdi,%rcx), %rax\n ret");
ASM_FN(asm_loop_first, "loop 1f\n mov %rdi, %rax\n ret\n nop\n 1: mov %rsi, %rax\n ret");
ASM_FN(asm_jrcxz, "jrcxz 1f\n mov %rdi, %rax\n ret\n 1: mov %rsi, %rax\n ret");
ASM_FN(with_rcx_loop, "mov %rsi, %rcx\n jmp asm_loop_first");
ASM_FN(with_rcx_jrcxz, "mov %rsi, %rcx\n jmp asm_jrcxz");
ASM_FN(asm_call_last, "call asm_helper\n add %rdi, %rax\n ret");
ASM_FN(asm_call_ind, "push %rbx\n call *asm_pointer(%rip)\n pop %rbx\n add %rdi, %rax\n ret");
ASM_FN(asm_cmp, "cmpl $3, asm_word(%rip)\n sete %al\n movzbl %al, %eax\n add %rdi, %rax\n ret");
ASM_FN(asm_frame, "push %rbp\n mov %rsp, %rbp\n push %rbx\n mov %rdi, %rbx\n mov %rbx, %rax\n"
		  "pop %rbx\n pop %rbp\n ret");
ASM_FN(asm_pushes, "push %r12\n push %rbx\n sub $24, %rsp\n lea (%rdi,%rsi,4), %rax\n"
		   "add $24, %rsp\n pop %rbx\n pop %r12\n ret");
/* where its caller is: the original return address must be seen */
ASM_FN(asm_caller, "mov (%rsp), %rax\n add %rdi, %rax\n ret");
/* a branch to the second instruction, as mempcpy's to memcpy's: only a hop fits */
ASM_FN(asm_hop, "mov %rdi, %rax\n 1: add $3, %rax\n dec %rsi\n jg 1b\n ret\n .balign 16, 0xcc\n"
		".skip 8, 0xcc");
ASM_FN(asm_nops, "nop; nop; nop; nop; nop\n mov %rdi, %rax\n ret");
ASM_FN(asm_regs, "add %r8, %rdi\n lea (%rdi,%r9), %rax\n add %r10, %rax\n add %r11, %rax\n ret");

__asm__(".text\n.type asm_helper, @function\nasm_helper: mov (%rsp), %rax\n and $0xff, %eax\n"
	"add %rsi, %rax\n ret\n.size asm_helper, . - asm_helper\n"
	".section .data.rel, \"aw\"\n.balign 8\nasm_pointer: .quad asm_helper\n"
	"asm_word: .long 3, 0\n.text\n");

#define SET(p) \
	long p##global(long, long); \
	long p##add(long, long); \
	long p##nothing(long, long); \
	long p##constant(long, long); \
	long p##sign(long, long); \
	long p##fib(long, long); \
	long p##sum(long, long); \
	long p##tail(long, long); \
	long p##calls(long, long); \
	long p##array(long, long); \
	long p##pick(long, long); \
	long p##calls_va(long, long); \
	long p##calls_fp(long, long); \
	long p##nops(long, long);

SET(o0_)
SET(o2_)
SET(cet_)
SET(pad_)
SET(o3_)

#define ROW(p, f, nops_) \
	{ \
#p #f, p##f, nops_, false \
	}
#define ROWS(p, n) \
	ROW(p, global, n), ROW(p, add, n), ROW(p, nothing, n), ROW(p, constant, n), \
		ROW(p, sign, n), ROW(p, fib, n), ROW(p, sum, n), ROW(p, tail, n), \
		ROW(p, calls, n), ROW(p, array, n), ROW(p, pick, n), \
		{ #p "va", p##calls_va, n, false }, { #p "fp", p##calls_fp, n, false }, \
		ROW(p, nops, true)
static const struct victim victims[] = {
	/* clang-format off */
	ROWS(o0_, false),
	ROWS(o2_, false),
	ROWS(cet_, false),
	ROWS(pad_, true),
	ROWS(o3_, false),
	ASM_ROW(asm_loop),
	{ "asm_loop_first", with_rcx_loop, false, false },
	{ "asm_jrcxz", with_rcx_jrcxz, false, false },
	ASM_ROW(asm_call_last),
	ASM_ROW(asm_call_ind),
	ASM_ROW(asm_cmp),
	ASM_ROW(asm_frame),
	ASM_ROW(asm_pushes),
	{ "asm_nops", asm_nops, true, false },
	ASM_ROW(asm_hop),
	{ "asm_caller", asm_caller, false, true },
	/* clang-format on */
};

static const long args[][2] = { { 0, 0 },  { 1, 2 }, { -5, 9 }, { 13, -4 }, { 1000, 77 },
				{ 4, 63 }, { 7, 1 }, { 2, 5 },  { 3, 3 } };

/* One call site for all: asm_caller tells where it is. */
__attribute__((noinline)) static void run_all(const struct victim *v, long out[ARRAY_LEN(args)])
{
	for (unsigned i = 0; i < ARRAY_LEN(args); i++)
		out[i] = v->run(args[i][0], args[i][1]);
}

static void check_victim(const struct victim *v, enum how how)
{
	long want[ARRAY_LEN(args)], got[ARRAY_LEN(args)];
	uint8_t before[64], after[64];
	struct taddr_range f = find(v->name);
	size_t n = f.hi - f.lo < 64 ? f.hi - f.lo : 64;

	if (how == IMAGE_CALLS && v->sees_caller)
		return;
	memcpy(before, (void *)(uintptr_t)f.lo, n);
	run_all(v, want);
	patch(v);
	set_image(how);
	first_calls = 0;
	run_all(v, got);
	unpatch();
	memcpy(after, (void *)(uintptr_t)f.lo, n);
	for (unsigned i = 0; i < ARRAY_LEN(args); i++)
		if (got[i] != want[i])
			fail_msg("%s(%ld, %ld) = %ld, patched (%d) %ld", v->name, args[i][0],
				 args[i][1], want[i], how, got[i]);
	assert_memory_equal(before, after, n);
	if (first_calls != 1 || block.inside[COUNTER] != 0)
		fail_msg("%s: %u first calls, %ld inside", v->name, first_calls,
			 (long)block.inside[COUNTER]);
	if (how != NO_IMAGE && hook.hits < ARRAY_LEN(args))
		fail_msg("%s: %lu hits", v->name, (unsigned long)hook.hits);
}

static void test_every_victim(void **state)
{
	no_block = false;
	for (size_t i = 0; i < ARRAY_LEN(victims); i++)
		for (enum how how = NO_IMAGE; how < HOWS; how++)
			check_victim(&victims[i], how);
}

/* No block to be had: the functions run without image, uncounted. */
static void test_no_block(void **state)
{
	static const struct victim v = { "o2_sign", o2_sign, false, false };

	no_block = true;
	patch(&v);
	set_image(IMAGE_CALLS);
	first_calls = 0;
	assert_int_equal(o2_sign(-1, 5), -5);
	assert_int_equal(o2_sign(1, 5), 5);
	assert_int_equal(first_calls, 2);
	assert_int_equal(hook.hits, 0);
	assert_int_equal(block.inside[COUNTER], 0);
	no_block = false;
	assert_int_equal(o2_sign(1, 5), 5);
	assert_int_equal(hook.hits, 1);
	unpatch();
}

/* The counter is up while the image runs, and down by one where a call leaves. */
static long seen_inside;

static long look_inside(long a, long b)
{
	seen_inside = block.inside[COUNTER];
	return a + b;
}

static victim_fn *look = look_inside;

/* behind five bytes, so that it can be patched */
ASM_FN(asm_looks, "sub $8, %rsp\n nop\n mov asm_look(%rip), %rax\n mov (%rax), %rax\n call *%rax\n"
		  "add $8, %rsp\n ret");
extern victim_fn **asm_look;
victim_fn **asm_look = &look;

static void test_counter(void **state)
{
	static const struct victim v = { "asm_looks", asm_looks, false, false };

	no_block = false;
	patch(&v);
	set_image(IMAGE_CALLS);
	assert_int_equal(asm_looks(1, 2), 3);
	assert_int_equal(seen_inside, 1);
	assert_int_equal(block.inside[COUNTER], 0);
	set_image(IMAGE_RESUMES); /* counted out before it goes on */
	assert_int_equal(asm_looks(1, 2), 3);
	assert_int_equal(seen_inside, 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(block.inside[i], 0);
	unpatch();
}

/* The thread that leaves is not the one that entered: its block is made on leaving. */
static void test_leave_without_block(void **state)
{
	static const struct victim v = { "o2_add", o2_add, false, false };
	typedef long leave_fn(long a, long b);

	no_block = false;
	patch(&v);
	first_calls = 0;
	assert_int_equal(((leave_fn *)(uintptr_t)hook.code.leave_resume)(3, 4), 7);
	assert_int_equal(first_calls, 1);
	assert_int_equal(block.inside[COUNTER], -1);
	tls.block = 0;
	((leave_fn *)(uintptr_t)hook.code.leave_ret)(3, 4);
	assert_int_equal(first_calls, 2);
	assert_int_equal(block.inside[COUNTER], -2);
	tls.block = 0;
	no_block = true; /* and if there is none: return all the same */
	((leave_fn *)(uintptr_t)hook.code.leave_ret)(3, 4);
	assert_int_equal(((leave_fn *)(uintptr_t)hook.code.leave_resume)(30, 4), 34);
	assert_int_equal(first_calls, 4);
	assert_int_equal(block.inside[COUNTER], -2);
	no_block = false;
	unpatch();
}

/* -- registers, alignment, frame states, by single steps --------------------------- */

static struct regs step_regs;
static volatile unsigned steps, bad_steps;
static volatile uint64_t bad_pc;

/* One unwinding step by the frame states; false: pc is not in the slot. */
static bool unwind(uint64_t *pc, uint64_t *rsp, uint64_t *rbp, bool is_return)
{
	uint64_t at = *pc - is_return - hook.code.at, cfa, state;

	if (at >= hook.code.size)
		return false;
	state = hook.frame[at];
	cfa = state & FRAME_RBP ? *rbp + 16 : *rsp + 8 + 8 * (state & 0x3f);
	if (state & (FRAME_RBP | 0x40))
		memcpy(rbp, (void *)(cfa - 16), 8);
	memcpy(pc, (void *)(cfa - 8), 8);
	*rsp = cfa;
	return true;
}

static void on_step(int sig, siginfo_t *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)g[REG_RIP], rsp = (uint64_t)g[REG_RSP], rbp = (uint64_t)g[REG_RBP];
	uint64_t here = pc;
	bool back = false;

	if (!slot_has_pc(&hook.code, pc))
		return;
	for (unsigned i = 0; i < 4 && unwind(&pc, &rsp, &rbp, back); i++)
		back = true;
	steps++;
	if (pc != (uintptr_t)call_regs_back || rsp != step_regs.rsp + 8 ||
	    rbp != step_regs.r[RBP]) {
		bad_steps++;
		bad_pc = here;
	}
}

/* Each path of the slot in single steps: every instruction's frame state must unwind. */
static void step_through(const struct victim *v, enum how how, bool block_there, bool refuse,
			 bool roomy)
{
	struct regs want = fill_regs(), got;

	call_regs(&want, (const void *)(uintptr_t)find(v->name).lo, 0);
	patch(v);
	set_image(how);
	no_block = refuse;
	tls.block = block_there ? (uintptr_t)&block : 0;
	step_regs = fill_regs();
	step_regs.flags |= 0x100; /* TF */
	steps = bad_steps = 0;
	got = step_regs;
	step_regs.rsp = 0;
	tls.stack_lo = !roomy;
	tls.stack_limit = roomy ? 0 : UINT64_MAX;
	/* rsp is stored by call_regs before the first step in the slot */
	call_regs(&step_regs, (const void *)(uintptr_t)find(v->name).lo, 0);
	got = step_regs;
	no_block = false;
	tls.stack_lo = tls.stack_limit = 0;
	unpatch();
	if (bad_steps)
		fail_msg("%s, image %d: %u of %u states are wrong, the last at slot + %#lx",
			 v->name, how, bad_steps, steps, (unsigned long)(bad_pc - hook.code.at));
	assert_true(steps > 5);
	assert_memory_equal(want.r, got.r, sizeof(want.r));
}

static void test_frame_states(void **state)
{
	static const struct victim v[] = { ASM_ROW(asm_frame),   ASM_ROW(asm_pushes),
					   ASM_ROW(asm_cmp),     ASM_ROW(asm_loop),
					   ASM_ROW(asm_regs),    ASM_ROW(asm_call_last),
					   ASM_ROW(asm_call_ind) };
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO }, old;

	sigaction(SIGTRAP, &sa, &old);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		for (enum how how = NO_IMAGE; how <= IMAGE_RESUMES; how++)
			for (int f = 0; f < 2; f++) {
				keep_flags = f;
				step_through(&v[i], how, true, false, true);
				step_through(&v[i], how, false, false, true);
				step_through(&v[i], how, false, true, true);
				step_through(&v[i], how, true, false, false);
			}
	keep_flags = false;
	sigaction(SIGTRAP, &old, NULL);
}

/* Every general register but the result survives, whatever the alignment of rsp. */
static void test_registers_and_alignment(void **state)
{
	static const struct victim v = ASM_ROW(asm_regs);

	for (unsigned off = 0; off < 16; off += 8)
		for (enum how how = NO_IMAGE; how < HOWS; how++) {
			struct regs want = fill_regs(), got = fill_regs();

			call_regs(&want, (const void *)(uintptr_t)asm_regs, off);
			no_block = false;
			patch(&v);
			set_image(how);
			call_regs(&got, (const void *)(uintptr_t)asm_regs, off);
			unpatch();
			assert_memory_equal(want.r, got.r, sizeof(want.r));
			assert_int_equal(first_rsp % 16, 8); /* as a call leaves it */
			assert_int_equal(block.inside[COUNTER], 0);
		}
}

/* -- layout, pc map, errors ----------------------------------------------------------- */

static void test_layout(void **state)
{
	struct slot_code *c = &hook.code;
	uint64_t image;

	patch(&victims[0]);
	unpatch();
	assert_int_equal(c->at, (uintptr_t)slab);
	assert_int_equal(c->enter, c->at);
	assert_true(c->image_ptr + 8 - c->at <= 64); /* enter and what it reads share a line */
	assert_true(c->enter < c->image_ptr && c->image_ptr < c->leave_ret);
	assert_true(c->leave_ret < c->leave_resume && c->leave_resume < c->moved);
	assert_int_equal(c->image_ptr % 8, 0);
	assert_true(c->moved + c->moved_size < c->at + c->size && c->size <= SLOT_MAX);
	assert_int_equal(c->leave_ret - c->at, SLOT_ALIGN);
	assert_true(c->moved - c->at <= 2 * SLOT_ALIGN);
	memcpy(&image, (void *)(uintptr_t)c->image_ptr, 8);
	assert_int_equal(image, c->leave_resume);
	assert_int_equal(c->image, image);
	assert_true(slot_has_pc(c, c->at));
	assert_true(slot_has_pc(c, c->at + c->size - 1));
	assert_false(slot_has_pc(c, c->at + c->size));
	assert_false(slot_has_pc(c, c->at - 1));
}

static void test_pc_map(void **state)
{
	struct slot_move m = { &hook.site, &hook.code };
	taddr_t w;

	patch(&(struct victim)ASM_ROW(asm_frame)); /* 55 | 48 89 e5 | 53 */
	unpatch();
	w = hook.site.window;
	assert_int_equal(hook.site.len, 5);
	assert_int_equal(slot_move_pc(&m, w - 1), w - 1);
	assert_int_equal(slot_move_pc(&m, w), w);
	assert_int_equal(slot_move_pc(&m, w + 1), hook.code.moved + 1);
	assert_int_equal(slot_move_pc(&m, w + 2), 0);
	assert_int_equal(slot_move_pc(&m, w + 3), 0);
	assert_int_equal(slot_move_pc(&m, w + 4), hook.code.moved + 4);
	assert_int_equal(slot_move_pc(&m, w + 5), w + 5);

	patch(&(struct victim){ "asm_nops", asm_nops, true, false });
	unpatch();
	w = hook.site.window;
	assert_int_equal(slot_move_pc(&m, w), w);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(slot_move_pc(&m, w + i), hook.code.moved);
	assert_int_equal(slot_move_pc(&m, w + 5), w + 5);
}

/* A thread taken from the middle of the window goes on in the copy: really run it. */
static void test_pc_map_runs(void **state)
{
	struct slot_move m = { &hook.site, &hook.code };

	patch(&(struct victim)ASM_ROW(asm_loop)); /* mov rcx, rsi; and ecx, 7; loop */
	for (unsigned i = 1; i < hook.site.ninsns; i++) {
		taddr_t pc = slot_move_pc(&m, hook.site.window + hook.site.insn_at[i]);
		struct regs r = fill_regs();

		r.r[RCX] = 3;
		call_regs(&r, (const void *)(uintptr_t)pc, 0);
		assert_int_equal(r.r[RAX], 5 + 2);
	}
	unpatch();
}

static void test_errors(void **state)
{
	struct site site;
	struct slot_code code;
	struct slot_plan plan = { .site = &site,
				  .at = (uintptr_t)slab,
				  .rt_first = (uintptr_t)first,
				  .tls_off = -8,
				  .counter_off = COUNTER_OFF };
	uint8_t buf[SLOT_MAX];
	struct diag d;
	int n;

	assert_int_equal(describe("asm_cmp", &site, &d), 0);
	n = slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d);
	assert_true(n > 100);
	for (int cap = 0; cap < n; cap++)
		assert_int_equal(slot_emit(&plan, buf, NULL, (size_t)cap, &code, &d), -ENOSPC);
	assert_int_equal(slot_emit(&plan, buf, NULL, (size_t)n, &code, NULL), n);

	plan.rt_first += 4ull << 30;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "rt_first"));
	plan.at += 4ull << 30; /* the moved cmp cannot reach its operand */
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "cmp"));
	assert_int_equal(describe("asm_pushes", &site, &d), 0);
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -ERANGE);
	assert_non_null(strstr(d.text, "function"));

	plan.at = (uintptr_t)slab + 8;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -EINVAL);
	plan.at = (uintptr_t)slab;
	site.kind = SITE_NONE;
	assert_int_equal(slot_emit(&plan, buf, NULL, sizeof(buf), &code, &d), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_victim), cmocka_unit_test(test_no_block),
		cmocka_unit_test(test_counter),      cmocka_unit_test(test_leave_without_block),
		cmocka_unit_test(test_frame_states), cmocka_unit_test(test_registers_and_alignment),
		cmocka_unit_test(test_layout),       cmocka_unit_test(test_pc_map),
		cmocka_unit_test(test_pc_map_runs),  cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests_name("text/slot", tests, rig_setup, rig_teardown);
}
