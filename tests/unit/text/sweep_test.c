/*
 * The sweep on hand-made code: every kind of branch, gaps, data, ranges, limits.
 */
#include "text/sweep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE 0x401000ull

static struct sweep *sweep(const char *bytes, size_t n, const struct taddr_range *func,
			   size_t nfunc)
{
	struct sweep_code code = { BASE, (const uint8_t *)bytes, n };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(&code, 1, func, nfunc, &s), 0);
	return s;
}

static bool hit(const struct sweep *s, unsigned off)
{
	return sweep_targets_inside(s, BASE + off, BASE + off + 1);
}

/* Exactly these offsets are marked, of n. */
static void check_marks(const struct sweep *s, unsigned n, const char *marks)
{
	for (unsigned i = 0; i < n; i++)
		if (hit(s, i) != (marks[i] == 'x'))
			fail_msg("offset %u", i);
}

#define RANGE(lo, hi) \
	{ \
		BASE + (lo), BASE + (hi) \
	}

static void test_every_branch(void **state)
{
	/* clang-format off */
	static const char code[] =
		"\xeb\x1e"                  /*  0: jmp short 32 */
		"\xe9\x1b\0\0\0"            /*  2: jmp 34 */
		"\x74\x1a"                  /*  7: je 35 */
		"\x0f\x85\x15\0\0\0"        /*  9: jne 36 */
		"\xe2\x14"                  /* 15: loop 37 */
		"\xe3\x14"                  /* 17: jrcxz 39 */
		"\xe8\x10\0\0\0"            /* 19: call 40 */
		"\xc7\xf8\x0b\0\0\0"        /* 24: xbegin 41 */
		"\xff\xe0"                  /* 30: jmp rax: no target known */
		"\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90";
	/* clang-format on */
	struct taddr_range f = RANGE(0, 44);
	struct sweep *s = sweep(code, 44, &f, 1);

	check_marks(s, 44, "x...............................x.xxxx.xxx..");
	assert_true(sweep_targets_inside(s, BASE + 33, BASE + 35));
	assert_false(sweep_targets_inside(s, BASE + 42, BASE + 44));
	assert_false(sweep_targets_inside(s, BASE + 34, BASE + 34));  /* half open, empty */
	assert_false(sweep_targets_inside(s, BASE + 44, BASE + 100)); /* no code there */
	assert_int_equal(sweep_stats(s).branches, 8);
	assert_int_equal(sweep_stats(s).outside, 0);
	assert_int_equal(sweep_stats(s).bytes, 44);
	assert_int_equal(sweep_stats(s).insns, 21);
	sweep_free(s);
}

/* Functions' starts are marked; a gap is read as well; a symbol may split an instruction. */
static void test_functions_and_gaps(void **state)
{
	/* 0: ret, nops; 4 (no symbol): jmp 1; 8: mov eax, imm32 whose imm32 is a function */
	static const char code[] = "\xc3\x90\x90\x90\xeb\xfb\xcc\xcc\xb8\x90\x90\xc3\x90";
	struct taddr_range f[] = { RANGE(9, 13), RANGE(8, 13), RANGE(0, 1), RANGE(8, 13),
				   RANGE(2, 2) };
	struct sweep *s = sweep(code, 13, f, 5);
	taddr_t at = 0;

	check_marks(s, 13, "xx......xx...");
	assert_int_equal(sweep_stats(s).data, 1); /* the b8 alone is no instruction */
	assert_true(sweep_data_inside(s, BASE, BASE + 13, &at));
	assert_int_equal(at, BASE + 8);
	assert_false(sweep_data_inside(s, BASE + 9, BASE + 13, &at));
	assert_false(sweep_data_inside(s, BASE, BASE + 8, &at));
	sweep_free(s);
}

/* Data in a function: remembered once, and the code behind it is read. */
static void test_data_in_text(void **state)
{
	static const char code[] = "\xc3\x06\x06\x06\x06\x90\x90\x90\xeb\xf8\x06";
	struct taddr_range f = RANGE(0, 10);
	struct sweep *s = sweep(code, 11, &f, 1);
	taddr_t at = 0;

	check_marks(s, 11, "x.x........");
	assert_int_equal(sweep_stats(s).data, 1); /* the last 06 is in no function */
	assert_true(sweep_data_inside(s, BASE, BASE + 10, &at));
	assert_int_equal(at, BASE + 1);
	sweep_free(s);
}

/* Holes: padding behind jmp and ret up to the next function; never what falls through. */
static void test_holes(void **state)
{
	static const char code[] =
		"\xc3\x90\x90\x90\x90\x90"                         /* 0: ret, five nops */
		"\x31\xc0\x0f\x1f\x44\0\0\xff\xe0\xcc\xcc\xcc\xcc" /* 6: falls through a nop; 4 int3 */
		"\x31\xc0\x90\x90\x90\x90\x90\x90" /* 19: falls into the next function */
		"\xeb\xfe\x0f\x1f\x44\0\0\xcc"     /* 27: jmp, nop and int3: 29 .. 35 */
		"\xc3\x90\x90\x90\x90\x90\x90";    /* 35: to the end of the range */
	struct taddr_range f[] = { RANGE(0, 1), RANGE(6, 15), RANGE(19, 21), RANGE(27, 29),
				   RANGE(35, 36) };
	struct sweep *s = sweep(code, 42, f, 5);
	const struct taddr_range *hole = NULL;

	assert_int_equal(sweep_holes(s, BASE, BASE + 42, &hole), 3);
	assert_int_equal(hole[0].lo, BASE + 1);
	assert_int_equal(hole[0].hi, BASE + 6);
	assert_int_equal(hole[1].lo, BASE + 29);
	assert_int_equal(hole[1].hi, BASE + 35);
	assert_int_equal(hole[2].lo, BASE + 36);
	assert_int_equal(hole[2].hi, BASE + 42);
	assert_int_equal(sweep_holes(s, BASE + 6, BASE + 29, &hole), 0);
	assert_null(hole);
	assert_int_equal(sweep_holes(s, BASE + 5, BASE + 30, &hole), 2);
	assert_int_equal(sweep_holes(s, BASE + 34, BASE + 36, &hole), 1);
	assert_int_equal(hole[0].lo, BASE + 29);
	assert_int_equal(sweep_holes(s, BASE + 42, BASE + 50, &hole), 0);
	sweep_free(s);
	f[4].lo = BASE + 39; /* a function may begin in the padding: two pieces, both too small */
	f[4].hi = BASE + 42;
	s = sweep(code, 42, f, 5);
	assert_int_equal(sweep_holes(s, BASE + 35, BASE + 42, &hole), 0);
	sweep_free(s);
}

/* Branches from one range into another, and out of all. */
static void test_ranges(void **state)
{
	static const uint8_t a[] = { 0xe9, 0xfd, 0x0f, 0, 0, 0xe9, 0, 0, 0, 1 },
			     b[] = { 0x90, 0x90, 0x90, 0xc3 };
	struct sweep_code code[] = { { BASE + 0x1000, b, sizeof(b) }, { BASE, a, sizeof(a) } };
	/* longer than its range, starting before the other one, and in none */
	struct taddr_range f[] = { RANGE(0, 0x2000), RANGE(0xfff, 0x1003), RANGE(0x5000, 0x5010) };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(code, 2, f, 3, &s), 0);
	assert_true(hit(s, 0x1002));
	assert_false(hit(s, 0x1001));
	assert_false(hit(s, 0x1000));
	assert_int_equal(sweep_stats(s).outside, 1);
	sweep_free(s);
}

static void test_errors(void **state)
{
	uint8_t b[8] = { 0xc3 };
	struct sweep_code overlap[] = { { BASE, b, 8 }, { BASE + 4, b, 8 } };
	struct sweep_code empty = { BASE, b, 0 }, wraps = { UINT64_MAX - 3, b, 8 };
	struct sweep_code huge = { BASE, b, SWEEP_MAX_BYTES + 1 };
	struct sweep *s = (struct sweep *)b;

	assert_int_equal(sweep_new(overlap, 2, NULL, 0, &s), -EINVAL);
	assert_int_equal(sweep_new(&empty, 1, NULL, 0, &s), -EINVAL);
	assert_int_equal(sweep_new(&wraps, 1, NULL, 0, &s), -EINVAL);
	assert_int_equal(sweep_new(&huge, 1, NULL, 0, &s), -E2BIG);
	assert_ptr_equal(s, b); /* untouched */
	assert_int_equal(sweep_new(NULL, 0, NULL, 0, &s), 0);
	assert_false(sweep_targets_inside(s, 0, 100));
	sweep_free(s);
	sweep_free(NULL);
}

/* Random bytes: no crash, and the same marks twice. */
static void test_random_bytes(void **state)
{
	static uint8_t bytes[64 * 1024];
	struct sweep_code code = { BASE, bytes, sizeof(bytes) };
	struct taddr_range f[64];
	uint64_t seed = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		bytes[i] = (uint8_t)(seed >> 33);
	}
	for (unsigned i = 0; i < 64; i++) {
		uint64_t lo = BASE + (bytes[i] | (uint64_t)bytes[i + 64] << 8);

		f[i] = (struct taddr_range){ lo, lo + bytes[i + 128] };
	}
	for (unsigned n = 0; n < 2; n++) {
		struct sweep *s = NULL;

		assert_int_equal(sweep_new(&code, 1, f, 64, &s), 0);
		assert_true(sweep_stats(s).branches > 1000);
		for (unsigned i = 0; i < 64; i++)
			if (f[i].hi > f[i].lo && f[i].lo < BASE + sizeof(bytes))
				assert_true(sweep_targets_inside(s, f[i].lo, f[i].lo + 1));
		sweep_free(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_branch), cmocka_unit_test(test_functions_and_gaps),
		cmocka_unit_test(test_data_in_text), cmocka_unit_test(test_holes),
		cmocka_unit_test(test_ranges),       cmocka_unit_test(test_errors),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests_name("text/sweep", tests, NULL, NULL);
}
