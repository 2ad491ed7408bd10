/*
 * tail_test.c - rt_tail_open() on frames made by hand: whose call is open, and where it ends.
 */
#include "rt_util.h"

#include "rt/slab.h"
#include "x86/frame.h"

#define FRAMES 16
#define WORDS  4096

static uint8_t *room; /* a page, with its shadow */
static uint64_t *stack;

static int setup(void **state)
{
	size_t size = SLAB_SHADOW_DISTANCE + 4096;

	room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	stack = mmap(NULL, 8 * WORDS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return room == MAP_FAILED || stack == MAP_FAILED;
}

static int clear(void **state)
{
	memset(stack, 0, 8 * WORDS);
	memset(room + SLAB_SHADOW_DISTANCE, 0, 4096);
	memset(rt_state.room, 0, sizeof(rt_state.room));
	rt_state.room[1].lo = (uint64_t)room;
	rt_state.room[1].size = 4096;
	return 0;
}

/* An image's call of its function at this offset, from a frame of so many words: what it returns to. */
static uint64_t call_at(unsigned off, unsigned words)
{
	uint8_t *state = room + SLAB_SHADOW_DISTANCE + off;

	memset(state, FRAME_RBP | FRAME_TAG, FRAME_CALL_BYTES);
	state[1] = (uint8_t)words;
	state[2] = (uint8_t)(words >> 8);
	state[3] = FRAME_CALL_MARK;
	return (uint64_t)room + off + FRAME_CALL_BYTES;
}

static uint64_t tag(uint32_t slot)
{
	return FRAME_TAG_MAGIC | slot;
}

/* A frame whose rbp is at this word, which returns to pc. */
static uint64_t frame(unsigned word, uint32_t slot, uint64_t pc)
{
	stack[word + FRAME_OFF_TAG / 8] = tag(slot);
	stack[word + 1] = pc;
	return (uint64_t)(stack + word);
}

/* The hit is of slot `slot`; below it n frames, of slots 1 to n, each of 6 to 300 words. */
static uint64_t tower(uint32_t slot, unsigned n)
{
	unsigned at = 2, last = 2;

	for (unsigned i = 0; i <= n; i++) {
		unsigned words = 6 + 294 * (i % 2);

		frame(at, i ? i : slot, call_at(64 + 16 * i, words));
		last = at;
		at += 2 + words;
	}
	stack[last + 1] = (uint64_t)abort; /* who called all of that */
	return (uint64_t)(stack + 2);
}

static void test_own_frame_is_found(void **state)
{
	for (unsigned n = 0; n <= FRAMES; n++) {
		for (uint32_t slot = 1; slot <= n; slot++)
			assert_int_equal(rt_tail_open(tower(slot, n)), 1);
		clear(NULL);
	}
}

static void test_others_are_not_its_own(void **state)
{
	for (unsigned n = 0; n < FRAMES; n++)
		assert_int_equal(rt_tail_open(tower(99, n)), 0);
}

/* Sixteen of others: no more frames, and that is counted. */
static void test_too_many(void **state)
{
	struct arena *a = rt_util_arena();
	uint64_t before = a->hdr->no_exit;

	assert_int_equal(rt_tail_open(tower(99, FRAMES - 1)), 0);
	assert_int_equal(rt_tail_open(tower(FRAMES, FRAMES)), 1);
	assert_int_equal(a->hdr->no_exit, before);
	assert_int_equal(rt_tail_open(tower(99, FRAMES)), 1);
	assert_int_equal(rt_tail_open(tower(FRAMES + 1, FRAMES + 1)), 1);
	assert_int_equal(a->hdr->no_exit, before + 2);
	rt_util_destroy(a);
}

/* What an ordinary caller's frame happens to hold is nothing to us. */
static void test_only_calls_of_originals(void **state)
{
	uint64_t hit = tower(1, 1), pc = stack[3];
	uint8_t *state_of_call = room + SLAB_SHADOW_DISTANCE + 64;

	assert_int_equal(rt_tail_open(hit), 1);
	stack[3] = (uint64_t)abort;
	assert_int_equal(rt_tail_open(hit), 0);
	stack[3] = (uint64_t)room + 4; /* no call can end there */
	assert_int_equal(rt_tail_open(hit), 0);
	stack[3] = (uint64_t)room + 4097;
	assert_int_equal(rt_tail_open(hit), 0);
	stack[3] = pc;
	state_of_call[3] = FRAME_RBP | FRAME_TAG; /* another call, such as of a helper */
	assert_int_equal(rt_tail_open(hit), 0);
	state_of_call[3] = FRAME_CALL_MARK;
	state_of_call[4] = FRAME_RBP; /* a program's own */
	assert_int_equal(rt_tail_open(hit), 0);
	state_of_call[4] = FRAME_CFA(0) | FRAME_TAG;
	assert_int_equal(rt_tail_open(hit), 0);
	state_of_call[4] = FRAME_RBP | FRAME_TAG;
	assert_int_equal(rt_tail_open(hit), 1);
}

/* A word that is no tag ends it: counted out, or never a frame of ours. */
static void test_without_a_tag(void **state)
{
	uint64_t hit = tower(2, 2);

	assert_int_equal(rt_tail_open(hit), 1);
	stack[10 - 1] = 0; /* the first frame's */
	assert_int_equal(rt_tail_open(hit), 0);
	stack[10 - 1] = 1;
	assert_int_equal(rt_tail_open(hit), 0);
}

static void test_numbers(void **state)
{
	/* what rt/tail.c has by number */
	assert_int_equal(FRAME_RBP | FRAME_TAG, 0xc0);
	assert_int_equal(FRAME_CALL_BYTES, 5);
	assert_int_equal(FRAME_CALL_MARK, 0x2a);
	assert_int_equal(FRAME_TAG_MAGIC, 0xffffffff80000000ull);
	assert_int_equal(FRAME_OFF_TAG, -8);
}

#define T(f) cmocka_unit_test_setup(f, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_own_frame_is_found),      T(test_others_are_not_its_own), T(test_too_many),
		T(test_only_calls_of_originals), T(test_without_a_tag),          T(test_numbers),
	};

	return cmocka_run_group_tests_name("rt/tail", tests, setup, NULL);
}
