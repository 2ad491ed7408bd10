/*
 * slot_room_test.c - calls that find too little stack go by; status flags at entry are kept
 * where that is asked for, on every way through the slot.
 */
#include "slot_rig.h"

ASM_FN(asm_regs, "add %r8, %rdi\n lea (%rdi,%r9), %rax\n add %r10, %rax\n add %r11, %rax\n ret");

/* -- stack room -------------------------------------------------------------------------- */

/* asm_regs with rsp at the given distance above lo, as it is in the function: was it traced? */
static bool traced_at(uint64_t above_lo, uint64_t room)
{
	struct regs want = fill_regs(), got = fill_regs();
	uint64_t hits, missed;

	call_regs(&want, (const void *)(uintptr_t)asm_regs, 0);
	tls.stack_lo = want.rsp - 8 - above_lo; /* rsp behind the slot's push */
	tls.stack_limit = tls.stack_lo + room;
	patch(&(struct victim)ASM_ROW(asm_regs));
	set_image(IMAGE_CALLS);
	hits = hook.hits;
	missed = no_room;
	got.rsp = want.rsp;
	call_regs(&got, (const void *)(uintptr_t)asm_regs, 0);
	unpatch();
	assert_int_equal(got.rsp, want.rsp);
	assert_memory_equal(want.r, got.r, sizeof(want.r));
	assert_int_equal(block.inside[COUNTER], 0);
	assert_int_equal(hook.hits - hits + (no_room - missed), 1);
	tls.stack_lo = tls.stack_limit = 0;
	return hook.hits != hits;
}

static void test_room(void **state)
{
	no_block = false;
	for (int i = 0; i < 2; i++) {
		const uint64_t push = keep_flags ? 16 : 8;

		/* the function's rsp is above_lo - 8 below what is compared */
		assert_true(traced_at(push - 8 + 0x10000, 0x10000));
		assert_true(traced_at(push - 8 + 0x20000, 0x10000));
		assert_false(traced_at(push - 8 + 0xffff, 0x10000));
		assert_false(traced_at(push - 8, 0x10000)); /* the last word but that of the push */
		assert_true(traced_at(push - 8 - 1, 0x10000)); /* a stack that lies below */
		assert_true(traced_at(-0x100000ull, 0x10000));
		assert_true(traced_at(0x100, 0)); /* bounds not known */
		keep_flags = true;
	}
	keep_flags = false;
}

/* The same without a block: it is asked for first, then the room. */
static void test_room_first(void **state)
{
	struct regs r = fill_regs();

	call_regs(&r, (const void *)(uintptr_t)asm_regs, 0);
	patch(&(struct victim)ASM_ROW(asm_regs));
	set_image(IMAGE_CALLS);
	no_room = 0;
	tls.stack_lo = r.rsp - 0x1000;
	tls.stack_limit = r.rsp + 0x1000;
	first_calls = 0;
	call_regs(&r, (const void *)(uintptr_t)asm_regs, 0);
	assert_int_equal(first_calls, 1);
	assert_int_equal(no_room, 1);
	assert_int_equal(hook.hits, 0);
	assert_int_equal(block.inside[COUNTER], 0);
	tls.stack_lo = tls.stack_limit = 0;
	unpatch();
}

/* -- flags ------------------------------------------------------------------------------- */

#define STATUS 0x8d5u /* CF PF AF ZF SF OF: SDM vol. 1, 3.4.3.1 */

/* what it was entered with, by all its ways in */
ASM_FN(asm_flags, "mov %rdi, %rsi\n mov %rsi, %rdi\n pushf\n pop %rax\n and $0x8d5, %eax\n ret");

static uint64_t flags_seen(uint64_t in)
{
	struct regs r = fill_regs(), want = r;

	r.flags = 0x202 | in;
	call_regs(&r, (const void *)(uintptr_t)asm_flags, 0);
	want.r[RAX] = r.r[RAX];
	want.r[RSI] = r.r[RSI];
	assert_memory_equal(r.r, want.r, sizeof(r.r));
	return r.r[RAX];
}

/* The i-th of the 64 combinations. */
static uint64_t combination(unsigned i)
{
	static const unsigned bit[] = { 0, 2, 4, 6, 7, 11 };
	uint64_t f = 0;

	for (unsigned k = 0; k < ARRAY_LEN(bit); k++)
		f |= (uint64_t)(i >> k & 1) << bit[k];
	return f;
}

enum flag_way { WITH_BLOCK, FIRST_HIT, BLOCK_REFUSED, WITHOUT_ROOM, FLAG_WAYS };

static void one_flag_way(enum flag_way way, bool *differs)
{
	no_block = way == BLOCK_REFUSED;
	if (way == WITHOUT_ROOM) {
		tls.stack_lo = 1;
		tls.stack_limit = UINT64_MAX;
	}
	for (unsigned i = 0; i < 64; i++) {
		uint64_t in = combination(i);

		tls.block = way == WITH_BLOCK || way == WITHOUT_ROOM ? (uintptr_t)&block : 0;
		*differs |= flags_seen(in) != in;
	}
	no_block = false;
	tls.stack_lo = tls.stack_limit = 0;
}

/* Kept on every way to moved; no image: set_image()'s own change them. */
static void test_flags(void **state)
{
	no_block = false;
	for (int kept = 1; kept >= 0; kept--) {
		keep_flags = kept;
		patch(&(struct victim)ASM_ROW(asm_flags));
		for (enum flag_way way = 0; way < FLAG_WAYS; way++) {
			bool differs = false;

			one_flag_way(way, &differs);
			if (differs == kept)
				fail_msg("keep_flags %d, way %d: flags %s", kept, (int)way,
					 differs ? "differ" : "do not differ");
		}
		unpatch();
	}
	keep_flags = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_room_first),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests_name("text/slot_room", tests, rig_setup, rig_teardown);
}
