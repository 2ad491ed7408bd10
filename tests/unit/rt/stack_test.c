/*
 * stack_test.c - bpf_get_stack on stacks made by hand: chains, wild pointers, frames of ours.
 */
#include "rt_util.h"

#include "rt/slab.h"

#include <errno.h>
#include <stdio.h>

#define R0(e) ((uint64_t)(int64_t) - (e))
#define USER  256
#define DEPTH 127
#define WORDS (64 * 512) /* 64 pages */

static uint64_t *stack; /* followed by a page that cannot be read */
static uint64_t rbp;    /* at the hit */

static uint64_t at(unsigned word)
{
	return (uint64_t)(stack + word);
}

static int setup(void **state)
{
	char *p = mmap(NULL, 8 * WORDS + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED || mprotect(p + 8 * WORDS, 4096, PROT_NONE))
		return -1;
	stack = (uint64_t *)(void *)p;
	return 0;
}

static int clear(void **state)
{
	memset(stack, 0, 8 * WORDS);
	memset(rt_state.room, 0, sizeof(rt_state.room));
	rbp = 0;
	return 0;
}

/* A frame whose saved rbp is in this word and says next, and which returns to pc. */
static void frame(unsigned word, uint64_t next, uint64_t pc)
{
	stack[word] = next;
	stack[word + 1] = pc;
}

/* The hit's return address is in stack[ret]. */
static uint64_t walk_from(unsigned ret, void *buf, uint32_t size, uint64_t flags)
{
	return rt_get_stack(NULL, buf, size, flags, stack + ret, &rbp);
}

static uint64_t walk(void *buf, uint32_t size, uint64_t flags)
{
	return walk_from(0, buf, size, flags);
}

/* Three callers: 0x1000, 0x2000, 0x3000. */
static void three(void)
{
	stack[0] = 0x1000;
	rbp = at(10);
	frame(10, at(20), 0x2000);
	frame(20, 0, 0x3000);
}

static void expect(const uint64_t *got, uint64_t r0, const uint64_t *want, unsigned n)
{
	assert_int_equal(r0, 8 * n);
	assert_memory_equal(got, want, 8 * n);
}

static void test_chain(void **state)
{
	static const uint64_t want[] = { 0x1000, 0x2000, 0x3000 };
	uint64_t got[5], zero[5] = { 0 };

	three();
	for (int user = 0; user < 2; user++) {
		uint64_t flags = user ? USER : 0;

		memset(got, 0xff, sizeof(got));
		expect(got, walk(got, 32, flags), want, 3);
		assert_int_equal(got[3], 0); /* the rest, no more */
		assert_int_equal(got[4], UINT64_MAX);
		for (unsigned skip = 0; skip <= 3; skip++)
			expect(got, walk(got, 32, flags | skip), want + skip, 3 - skip);
		expect(got, walk(got, 16, flags), want, 2);
		expect(got, walk(got, 8, flags | 1), want + 1, 1);
		expect(got, walk(got, 0, flags), want, 0);
	}
	memset(got, 0xff, sizeof(got));
	assert_int_equal(walk(got, 32, 4), R0(EFAULT)); /* as in the kernel: no such frame */
	assert_memory_equal(got, zero, 32);
}

static void test_refused(void **state)
{
	static const uint64_t flags[] = { 1 << 11, USER | 1 << 11, 1 << 9, 1 << 10, 1ull << 32 };
	uint64_t got[4];

	three();
	for (unsigned i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		memset(got, 0xff, sizeof(got));
		assert_int_equal(walk(got, 24, flags[i]), R0(EINVAL));
		assert_true(!got[0] && !got[1] && !got[2]);
		assert_int_equal(got[3], UINT64_MAX);
	}
	for (uint32_t size = 17; size < 24; size++)
		assert_int_equal(walk(got, size, USER), R0(EINVAL));
	memset(got, 0xff, sizeof(got));
	assert_int_equal(rt_get_stack(NULL, got, 24, USER, NULL, NULL), R0(EINVAL));
	assert_true(!got[0] && !got[2] && got[3] == UINT64_MAX);
}

/* Gaps of every size, over page borders and those of the pieces that are read. */
static void test_distances(void **state)
{
	uint64_t got[DEPTH + 3], want[DEPTH];

	for (unsigned gap = 2; gap < 250; gap++) {
		unsigned n = 1;

		clear(NULL);
		want[0] = stack[0] = 0x1000;
		rbp = at(1);
		for (unsigned w = 1; n < DEPTH && w + 2 * gap < WORDS; w += gap) {
			want[n] = 0x10000 + n;
			frame(w, at(w + gap), want[n++]);
		}
		expect(got, walk(got, 8 * n, USER), want, n);
	}
}

static void test_deep(void **state)
{
	static uint64_t got[400];
	uint64_t r0;

	stack[0] = 1;
	rbp = at(10);
	for (unsigned i = 1; i < 400; i++)
		frame(10 * i, at(10 * i + 10), i + 1);
	r0 = walk(got, sizeof(got), USER);
	assert_int_equal(r0, 8 * DEPTH);
	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(got[i], i < DEPTH ? i + 1 : 0);
	/* what is skipped counts */
	assert_int_equal(walk(got, sizeof(got), 100), 8 * (DEPTH - 100));
	assert_int_equal(got[0], 101);
	assert_int_equal(walk(got, sizeof(got), 255), R0(EFAULT));
}

/* rbp may hold anything: only the return address is certain then. */
static void test_wild(void **state)
{
	const uint64_t wild[] = { 0,
				  1,
				  8,
				  at(0),
				  at(0) - 8,
				  at(0) - 1,
				  at(1) + 1,
				  at(10) + 4,
				  UINT64_MAX,
				  ~7ull,
				  ~15ull,
				  0xffffffff80000000,
				  at(WORDS),
				  at(WORDS - 1),
				  0x8000000000000000,
				  0x7fffffffe000 };
	uint64_t got[8];

	errno = 4711;
	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		stack[0] = 0x1000;
		rbp = wild[i];
		memset(got, 0xff, sizeof(got));
		assert_int_equal(walk(got, sizeof(got), USER), 8);
		assert_int_equal(got[0], 0x1000);
		assert_int_equal(got[1] | got[7], 0);
		/* the same behind a good frame */
		rbp = at(10);
		frame(10, wild[i] > at(0) && wild[i] < at(11) ? 0 : wild[i], 0x2000);
		assert_int_equal(walk(got, sizeof(got), USER), 16);
		assert_int_equal(got[1], 0x2000);
	}
	assert_int_equal(errno, 4711);
}

/* Only upwards: a frame that is its own caller, or one below. */
static void test_circles(void **state)
{
	uint64_t got[8];

	three();
	stack[20] = at(20);
	assert_int_equal(walk(got, sizeof(got), USER), 24);
	stack[20] = at(10);
	assert_int_equal(walk(got, sizeof(got), USER), 24);
	stack[20] = at(21); /* would be read from what it returns to */
	assert_int_equal(walk(got, sizeof(got), USER), 24);
	stack[10] = at(9);
	assert_int_equal(walk(got, sizeof(got), USER), 16);
	stack[11] = 0; /* nobody returns to 0 */
	assert_int_equal(walk(got, sizeof(got), USER), 8);
}

/* The last frame that can be read ends where the guard page begins. */
static void test_edge(void **state)
{
	uint64_t got[4];

	stack[0] = 0x1000;
	rbp = at(WORDS - 2);
	frame(WORDS - 2, 0, 0x2000);
	assert_int_equal(walk(got, sizeof(got), USER), 16);
	assert_int_equal(got[1], 0x2000);
	/* the return address is the last word of its page, and of all */
	stack[WORDS - 1] = 0x3000;
	assert_int_equal(walk_from(WORDS - 1, got, sizeof(got), USER), 8);
	assert_int_equal(got[0], 0x3000);
}

/* -- frames of ours --------------------------------------------------------------------- */

static uint8_t *slab[2];

static void make_slabs(void)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!slab[i])
			slab[i] = mmap(NULL, SLAB_ADDRESS_SPACE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_ptr_not_equal(slab[i], MAP_FAILED);
		rt_state.room[i] = (struct rt_room){ (uint64_t)slab[i], SLAB_CODE };
	}
}

/* A return address in our code, behind a call made in this state (x86/frame.h). */
static uint64_t ours(unsigned i, unsigned off, uint8_t state)
{
	slab[i][off - 1 + SLAB_SHADOW_DISTANCE] = state;
	return (uint64_t)(slab[i] + off);
}

/* The function was called by its image, which has the frame that rbp names. */
static void test_image_frames(void **state)
{
	static const uint64_t want[] = { 0x1000, 0x2000, 0x3000 };
	uint64_t got[8];

	make_slabs();
	/* the traced function's caller is traced, and has a frame of its own */
	stack[0] = 0x1000;
	rbp = at(10);
	frame(10, at(30), ours(0, 100, 0xc0));
	frame(30, at(40), 0x2000); /* its image's */
	frame(40, 0, 0x3000);
	expect(got, walk(got, sizeof(got), USER), want, 3);
	/* it has none, or has jumped here: rbp is the image's */
	rbp = at(30);
	expect(got, walk(got, sizeof(got), USER), want, 3);
	stack[0] = ours(1, SLAB_CODE, 0xff);
	expect(got, walk(got, sizeof(got), USER), want + 1, 2);
	/* two of them, one within the other, and one is skipped as entries are counted */
	frame(30, at(34), ours(1, 1, 0x80));
	frame(34, at(40), 0x2000);
	expect(got, walk(got, sizeof(got), USER), want + 1, 2);
	expect(got, walk(got, sizeof(got), USER | 1), want + 2, 1);
}

/* Each of 120 recursive calls through an image, and through a program that was interrupted. */
static void test_many_image_frames(void **state)
{
	static uint64_t got[128];
	unsigned w = 2;

	make_slabs();
	stack[0] = 1;
	rbp = at(w);
	for (unsigned i = 0; i < 120; i++, w += 12) {
		frame(w, at(w + 4), ours(0, 64, 0xc0));
		frame(w + 4, at(w + 8), ours(1, 64, 0x81));
		frame(w + 8, at(w + 12), i + 2);
	}
	assert_int_equal(walk(got, sizeof(got), USER), 8 * 121);
	for (unsigned i = 0; i < 121; i++)
		assert_int_equal(got[i], i + 1);
}

/* Code of ours without a frame: what it pushed lies between, perhaps rbp the last. */
static void test_frameless(void **state)
{
	static const uint64_t want[] = { 0x2000, 0x3000 };
	uint64_t got[8];

	make_slabs();
	for (unsigned pushes = 0; pushes < 0x40; pushes++) {
		clear(NULL);
		make_slabs();
		stack[0] = ours(0, 4096, (uint8_t)pushes);
		stack[1 + pushes] = 0x2000;
		rbp = at(100);
		frame(100, 0, 0x3000);
		expect(got, walk(got, sizeof(got), USER), want, 2);
		if (!pushes)
			continue;
		stack[0] = ours(0, 4096, (uint8_t)(0x40 | pushes));
		stack[pushes] = at(100);
		rbp = 8;
		expect(got, walk(got, sizeof(got), USER), want, 2);
	}
}

static void test_not_ours(void **state)
{
	uint64_t got[4];

	make_slabs();
	stack[0] = (uint64_t)slab[0]; /* returns to the first byte: the call was before it */
	assert_int_equal(walk(got, sizeof(got), USER), 8);
	stack[0] = (uint64_t)slab[0] + SLAB_CODE + 1;
	assert_int_equal(walk(got, sizeof(got), USER), 8);
	stack[0] = (uint64_t)slab[0] + SLAB_CODE;
	assert_int_equal(walk(got, sizeof(got), USER), 0);
}

#define TEST(f) cmocka_unit_test_setup(f, clear)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain),
		TEST(test_refused),
		TEST(test_distances),
		TEST(test_deep),
		TEST(test_wild),
		TEST(test_circles),
		TEST(test_edge),
		TEST(test_image_frames),
		TEST(test_many_image_frames),
		TEST(test_frameless),
		TEST(test_not_ours),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
