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

	assert_int_equal(sweep_new(&code, 1, func, nfunc, NULL, &s), 0);
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

	assert_int_equal(sweep_new(code, 2, f, 3, NULL, &s), 0);
	assert_true(hit(s, 0x1002));
	assert_false(hit(s, 0x1001));
	assert_false(hit(s, 0x1000));
	assert_int_equal(sweep_stats(s).outside, 1);
	sweep_free(s);
}

/* -- what indirect jumps may reach ------------------------------------------------- */

#define DATA (BASE + 0x2000)

static struct sweep *sweep_with(const char *bytes, size_t n, const void *data, size_t ndata,
				struct sweep_hints *h)
{
	struct sweep_code code = { BASE, (const uint8_t *)bytes, n }, d = { DATA, data, ndata };
	struct taddr_range f = { BASE, BASE + n };
	struct sweep *s = NULL;

	h->data = &d;
	h->ndata = ndata ? 1 : 0;
	assert_int_equal(sweep_new(&code, 1, &f, 1, h, &s), 0);
	return s;
}

/* Exactly these offsets may be arrived at if they are instructions. */
static void check_guesses(const struct sweep *s, unsigned n, const char *marks)
{
	for (unsigned i = 0; i < n; i++)
		if (sweep_may_target(s, BASE + i) != (marks[i] == 'x'))
			fail_msg("offset %u", i);
}

static void test_named_addresses(void **state)
{
	/* lea 10(%rip); mov 11(%rip); jmp *12(%rip); push 13(%rip) */
	static const char code[] =
		"\x48\x8d\x05\x19\0\0\0\x48\x8b\x05\x13\0\0\0"
		"\xff\x25\x0e\0\0\0\xff\x35\x09\0\0\0\x90\x90\x90\x90\x90\x90\x90\x90";
	const taddr_t point[] = { BASE + 3, 0, BASE + 34, UINT64_MAX, BASE + 31 };
	struct sweep_hints h = { .point = point, .npoint = ARRAY_LEN(point) };
	struct sweep *s = sweep_with(code, 34, NULL, 0, &h);

	check_marks(s, 34, "x..x...........................xx.");
	assert_false(sweep_may_target(s, BASE + 32));
	assert_true(sweep_may_target(s, BASE + 33)); /* read, which a program may do to its code */
	sweep_free(s);
	h.npoint = 0;
	s = sweep_with(code, 34, NULL, 0, &h);
	assert_false(hit(s, 3));
	sweep_free(s);
}

#define LEA_TABLE "\x48\x8d\x15\xf9\x1f\0\0" /* lea DATA(%rip), %rdx at BASE */

/* gcc and clang: entries relative to the table, up to one that leaves the code. */
static void test_switch_table(void **state)
{
	/* movslq (%rdx,%rax,4), %rax; add %rdx, %rax; jmp *%rax; nops */
	static const char code[] = LEA_TABLE "\x48\x63\x04\x82\x48\x01\xd0\xff\xe0\x90\x90\x90";
	int32_t table[] = { 16 - 0x2000, 18 - 0x2000, 3 - 0x2000, 19 - 0x2000, 17 - 0x2000 };
	struct sweep_hints h = { 0 };
	struct sweep *s = sweep_with(code, 19, table, sizeof(table), &h);

	check_guesses(s, 19, "...x............x.x");
	assert_false(hit(s, 16)); /* nothing is sure */
	assert_int_equal(sweep_stats(s).tables, 1);
	assert_false(sweep_jumps_anywhere(s, BASE, BASE + 19));
	sweep_free(s);
	table[0] = 4096; /* no table of this function */
	s = sweep_with(code, 19, table, sizeof(table), &h);
	check_guesses(s, 19, "...................");
	assert_int_equal(sweep_stats(s).open, 1);
	assert_true(sweep_jumps_anywhere(s, BASE + 18, BASE + 30));
	assert_false(sweep_jumps_anywhere(s, BASE + 19, BASE + 30));
	assert_false(sweep_jumps_anywhere(s, BASE - 10, BASE));
	sweep_free(s);
	s = sweep_with(code, 19, table, 3, &h); /* not even one entry */
	assert_int_equal(sweep_stats(s).open, 1);
	sweep_free(s);
}

/* Two tables side by side: past the second's start the first counts in its function only. */
static void test_tables_in_a_row(void **state)
{
	/* lea DATA; lea DATA + 8; movslq (%rdx,%rax,4), %rax; add %rdx, %rax; jmp *%rax */
	static const char code[] = LEA_TABLE "\x48\x8d\x0d\xfa\x1f\0\0"
					     "\x48\x63\x04\x82\x48\x01\xd0\xff\xe0\x90\x90\x90";
	const int32_t table[] = { 23 - 0x2000, 24 - 0x2000, 25 - 0x2008, 20 - 0x2008 };
	struct sweep_hints h = { 0 };
	struct sweep *s = sweep_with(code, 26, table, sizeof(table), &h);

	/* 17 and 12: what the second's entries are from the first's base */
	check_guesses(s, 26, "............x....x..x..xxx");
	assert_int_equal(sweep_stats(s).tables, 2);
	sweep_free(s);
}

/* gcc -O0's way to read an entry, and differences from a label. */
static void test_label_differences(void **state)
{
	/* mov (%rdx,%rax), %eax; cltq; lea 25(%rip), %rcx; add %rcx, %rax; notrack jmp *%rax */
	static const char code[] = LEA_TABLE "\x8b\x04\x02\x48\x98\x48\x8d\x0d\x06\0\0\0"
					     "\x48\x01\xc8\x3e\xff\xe0\x90\x90\x90";
	const int32_t table[] = { 0, 2, -18, 100 };
	struct sweep_hints h = { 0 };
	struct sweep *s = sweep_with(code, 28, table, sizeof(table), &h);

	check_guesses(s, 28, ".......x.................x.x");
	assert_true(hit(s, 25));
	assert_false(sweep_jumps_anywhere(s, BASE, BASE + 28));
	sweep_free(s);
}

/* A program at a fixed address: any word may be a pointer. */
static void test_fixed_addresses(void **state)
{
	/* mov $BASE + 16, %edi; mov BASE + 18(,%rax,8), %rax; jmp *%rax; nops */
	static const char code[] = "\xbf\x10\x10\x40\0\x48\x8b\x04\xc5\x12\x10\x40\0\xff\xe0"
				   "\x90\x90\x90\x90\x90\x90\x90\x90\x90";
	const uint32_t word[] = { BASE + 15, 0,         BASE + 17, 1, /* 8 bytes; no pointer */
				  BASE + 20, BASE + 21, 7,         BASE + 22 };
	struct sweep_hints h = { .fixed = true };
	struct sweep *s = sweep_with(code, 24, word, sizeof(word), &h);

	check_guesses(s, 24, "...............xx.x.xx..");
	sweep_free(s);
	h.fixed = false;
	s = sweep_with(code, 24, word, sizeof(word), &h);
	check_guesses(s, 24, "........................");
	sweep_free(s);
}

/* How the register of an indirect jump came about. */
static void test_open_jumps(void **state)
{
	/* clang-format off */
	static const struct {
		const char *bytes;
		size_t n;
		bool open;
	} row[] = {
#define ROW(code, open) { code, sizeof(code) - 1, open }
		ROW("\x4c\x8d\x1d\x06\0\0\0\x49\x29\xc3\x41\xff\xe3\x90", true), /* lea label, sub rax */
		ROW("\x48\x83\xe7\xe0\xff\xe7", true),                          /* and $-32, %rdi */
		ROW("\x4c\x8b\x1c\x24\x49\x83\xc3\x10\x41\xff\xe3", true),     /* add $16, %r11 */
		ROW("\x48\x63\x04\x82\x48\x85\xc0\xeb\0\xff\xe0", true),      /* an entry, two blocks */
		ROW("\x48\x8d\x04\xc7\xff\xe0", true),                          /* lea (%rdi,%rax,8) */
		ROW("\x48\x01\xf0\xff\xe0", true),                              /* add %rsi, %rax */
		ROW("\xff\xe7", false),                                          /* an argument */
		ROW("\x48\x8b\x4f\x08\x48\x89\xc8\xff\xe0", false),              /* loaded, copied */
		ROW("\xe8\0\0\0\0\xff\xe0", false),                             /* a call's result */
		ROW("\x48\x8b\x47\x08\x5b\xff\xe0", false),                      /* pop of another */
		ROW("\x48\x83\xe7\xe0\xc3\xff\xe7", false),                      /* and; ret: not from there */
		ROW("\x48\x83\xe7\xe0\xff\x27", false),                          /* jmp *(%rdi) */
		/* lea -1(%rip): its own code; add $2, %rax; push; jmp *(%rsp) */
		ROW("\x48\x8d\x05\xff\xff\xff\xff\x48\x83\xc0\x02\x50\xff\x24\x24", true),
		ROW("\x48\x83\xc0\x02\x50\xff\x24\x24", false), /* no label of its own */
		/* glibc's pointer guard: mov, ror, xor %fs:0x30 */
		ROW("\x48\x8b\x47\x08\x48\xc1\xc8\x11\x64\x48\x33\x04\x25\x30\0\0\0\xff\xe0", false),
#undef ROW
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct sweep_hints h = { 0 };
		struct sweep *s = sweep_with(row[i].bytes, row[i].n, NULL, 0, &h);

		if (sweep_jumps_anywhere(s, BASE, BASE + row[i].n) != row[i].open)
			fail_msg("row %zu", i);
		sweep_free(s);
	}
}

static void test_errors(void **state)
{
	uint8_t b[8] = { 0xc3 };
	struct sweep_code overlap[] = { { BASE, b, 8 }, { BASE + 4, b, 8 } };
	struct sweep_code empty = { BASE, b, 0 }, wraps = { UINT64_MAX - 3, b, 8 };
	struct sweep_code huge = { BASE, b, SWEEP_MAX_BYTES + 1 };
	struct sweep *s = (struct sweep *)b;

	assert_int_equal(sweep_new(overlap, 2, NULL, 0, NULL, &s), -EINVAL);
	assert_int_equal(sweep_new(&empty, 1, NULL, 0, NULL, &s), -EINVAL);
	assert_int_equal(sweep_new(&wraps, 1, NULL, 0, NULL, &s), -EINVAL);
	assert_int_equal(sweep_new(&huge, 1, NULL, 0, NULL, &s), -E2BIG);
	assert_ptr_equal(s, b); /* untouched */
	assert_int_equal(sweep_new(NULL, 0, NULL, 0, NULL, &s), 0);
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

		assert_int_equal(sweep_new(&code, 1, f, 64, NULL, &s), 0);
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
		cmocka_unit_test(test_every_branch),    cmocka_unit_test(test_functions_and_gaps),
		cmocka_unit_test(test_data_in_text),    cmocka_unit_test(test_holes),
		cmocka_unit_test(test_ranges),          cmocka_unit_test(test_errors),
		cmocka_unit_test(test_named_addresses), cmocka_unit_test(test_switch_table),
		cmocka_unit_test(test_tables_in_a_row), cmocka_unit_test(test_label_differences),
		cmocka_unit_test(test_fixed_addresses), cmocka_unit_test(test_open_jumps),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests_name("text/sweep", tests, NULL, NULL);
}
