/*
 * Sites of hand-made functions: windows, kinds, and every refusal.
 */
#include "text/site.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LO   0x401000ull
#define BIAS 0x10000000ull /* the sweep knows file addresses */

struct fn {
	const char *bytes;
	size_t n, len; /* bytes in all; of the function, the rest lies behind it */
};

#define FN(code) \
	{ \
		(code), sizeof(code) - 1, sizeof(code) - 1 \
	}
#define FN_PAD(code, pad) \
	{ \
		(code pad), sizeof(code pad) - 1, sizeof(code) - 1 \
	}

static struct site site;
static struct diag diag;

/* Describe the function, with one more function at `also` (0: none). */
static int describe(const struct fn *f, const char *mem, unsigned also)
{
	struct sweep_code code = { LO, (const uint8_t *)f->bytes, f->n };
	struct taddr_range func[] = { { LO, LO + f->len }, { LO + also, LO + also + 1 } };
	struct site_query q = {
		.bias = BIAS,
		.func = { LO + BIAS, LO + BIAS + f->len },
		.entry = LO + BIAS,
		.mem = (const uint8_t *)(mem ? mem : f->bytes),
		.file = (const uint8_t *)f->bytes,
		.n = f->n,
	};
	struct sweep *s = NULL;
	int err;

	memset(&site, 0, sizeof(site));
	diag.text[0] = 0;
	assert_int_equal(sweep_new(&code, 1, func, also ? 2 : 1, NULL, &s), 0);
	q.sweep = s;
	err = site_describe(&q, &site, &diag);
	sweep_free(s);
	return err;
}

struct good {
	struct fn f;
	enum site_kind kind;
	unsigned skip, len, ninsns;
	bool ends, reentered;
};

/* clang-format off */
static const struct good goods[] = {
	/* push rbp; mov rbp, rsp; sub rsp, 16; ... */
	{ FN("\x55\x48\x89\xe5\x48\x83\xec\x10\xc9\xc3"), SITE_MOVED, 0, 8, 3, false, false },
	{ FN("\xb8\1\0\0\0\xc3"), SITE_MOVED, 0, 5, 1, false, false },
	{ FN("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x90\xc3"), SITE_MOVED, 4, 5, 3, false, false },
	/* five nops, a nop of five, two nops of six bytes, behind endbr64 */
	{ FN("\x90\x90\x90\x90\x90\xc3"), SITE_NOP, 0, 5, 5, false, false },
	{ FN("\x0f\x1f\x44\0\0\xc3"), SITE_NOP, 0, 5, 1, false, false },
	{ FN("\x66\x90\x0f\x1f\x40\0\xc3"), SITE_NOP, 0, 6, 2, false, false },
	{ FN("\xf3\x0f\x1e\xfa\x90\x90\x90\x90\x90\xc3"), SITE_NOP, 4, 5, 5, false, false },
	/* too few nops are moved */
	{ FN("\x90\x90\x90\x31\xc0\xc3"), SITE_MOVED, 0, 5, 4, false, false },
	/* ret with padding: behind the function, or in it */
	{ FN_PAD("\xc3", "\x90\x90\x90\x90"), SITE_MOVED, 0, 5, 1, true, false },
	{ FN_PAD("\x31\xc0\xc3", "\x66\x2e\x0f\x1f\x84\0\0\0\0\0"), SITE_MOVED, 0, 5, 2, true, false },
	{ FN_PAD("\xeb\x10", "\xcc\xcc\xcc"), SITE_MOVED, 0, 5, 1, true, false },
	{ FN("\xc3\xcc\xcc\xcc\xcc\xcc"), SITE_MOVED, 0, 5, 1, true, false },
	/* a tail call; a call that comes last; a recursive call that comes last */
	{ FN("\xe9\0\1\0\0"), SITE_MOVED, 0, 5, 1, true, false },
	{ FN("\xe8\0\1\0\0\xc3"), SITE_MOVED, 0, 5, 1, true, false },
	{ FN("\x48\x83\xec\x08\xff\xd0\xc3"), SITE_MOVED, 0, 6, 2, true, false },
	{ FN("\xe8\xfb\xff\xff\xff\xc3"), SITE_MOVED, 0, 5, 1, true, false },
	/* jcc in the window, the target behind it */
	{ FN("\x85\xff\x74\x01\x55\x31\xc0\xc3"), SITE_MOVED, 0, 5, 3, false, false },
	/* jumps back to the entry, from behind the window; with endbr64 to either address */
	{ FN("\x83\xc0\x01\x89\xc1\x75\xf9\xc3"), SITE_MOVED, 0, 5, 2, false, true },
	{ FN("\xf3\x0f\x1e\xfa\x83\xc0\x01\x89\xc1\x75\xf9\xc3"), SITE_MOVED, 4, 5, 2, false, true },
	{ FN("\xf3\x0f\x1e\xfa\x83\xc0\x01\x89\xc1\x75\xf5\xc3"), SITE_MOVED, 4, 5, 2, false, true },
	/* four short instructions, then the longest */
	{ FN("\x50\x51\x52\x53\x64\xf0\x48\x81\x84\x24\0\0\0\0\1\0\0\0\xc3"), SITE_MOVED, 0, 18, 5, false, false },
};
/* clang-format on */

static void test_windows(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(goods); i++) {
		const struct good *g = &goods[i];
		int err = describe(&g->f, NULL, 0);

		if (err)
			fail_msg("row %zu: %s", i, diag.text);
		if (site.kind != g->kind || site.entry != LO + BIAS ||
		    site.window != LO + BIAS + g->skip || site.len != g->len ||
		    site.ninsns != g->ninsns || site.reentered != g->reentered ||
		    site.resume != (g->ends ? 0 : site.window + g->len) || site.reason != SITE_OK)
			fail_msg("row %zu: kind %d window +%lu len %u insns %u", i, site.kind,
				 (unsigned long)(site.window - site.entry), site.len, site.ninsns);
		assert_memory_equal(site.old, g->f.bytes + g->skip, g->len);
	}
	describe(&goods[0].f, NULL, 0);
	assert_memory_equal(site.insn_at, "\0\1\4", 3);
}

struct bad {
	struct fn f;
	enum site_reason reason;
	const char *word; /* of the diag */
};

/* clang-format off */
static const struct bad bads[] = {
	{ FN("\xc3"), SITE_SHORT, "shorter than a jump" },
	{ FN_PAD("\xc3", "\x90\x90\x90"), SITE_SHORT, NULL },
	{ FN_PAD("\xc3", "\x55\x90\x90\x90\x90"), SITE_SHORT, "code behind it" },
	{ FN_PAD("\xc3", "\x06\x90\x90\x90\x90"), SITE_SHORT, "no padding" },
	{ FN_PAD("\x31\xc0", "\x90\x90\x90\x90\x90"), SITE_SHORT, "ends here" }, /* falls through */
	{ FN("\x55\x06\x90\x90\x90\x90"), SITE_UNDECODABLE, "+0x1" },
	{ FN_PAD("\x55\x48\x8b", "\x05\0\0\0\0"), SITE_UNDECODABLE, "past the function" },
	{ FN("\x0f\x05\x90\x90\x90\xc3"), SITE_UNMOVABLE, "syscall" },
	{ FN("\x0f\x0b\x90\x90\x90\xc3"), SITE_UNMOVABLE, "undefined" },
	{ FN("\x55\xcc\x90\x90\x90\xc3"), SITE_UNMOVABLE, "int3" },
	{ FN("\xc7\xf8\0\0\0\0\xc3"), SITE_UNMOVABLE, "xbegin" },
	{ FN("\xff\xd0\x31\xc0\x90\xc3"), SITE_EARLY_CALL, NULL },
	{ FN("\x50\xff\xd0\x31\xc0\x90\xc3"), SITE_EARLY_CALL, "+0x1" },
	{ FN("\xeb\xfe\xcc\xcc\xcc\xcc"), SITE_LOOP, NULL },          /* jmp to itself */
	{ FN("\xff\xcf\x75\xfc\xc3"), SITE_LOOP, "+0x2" },            /* loop to the entry */
	{ FN("\x31\xc0\xff\xcf\x75\xfc\xc3"), SITE_LOOP, NULL },      /* into the window */
	{ FN("\xf3\x0f\x1e\xfa\xff\xcf\x75\xf8\xc3"), SITE_LOOP, NULL }, /* to the endbr64 */
	{ FN("\x55\x48\x89\xe5\x90\x31\xc0\xeb\xf8\xc3"), SITE_BRANCH_INTO, NULL },
	{ FN("\x90\x90\x90\x90\x90\x31\xc0\x75\xfb\xc3"), SITE_BRANCH_INTO, NULL }, /* nops too */
	{ FN("\x55\x48\x29\xc1\x90\x90\xff\xe1"), SITE_JUMPS, "+0x1" }, /* sub %rax, %rcx; jmp *%rcx */
	{ FN("\x48\xc7\xc0\x0f\0\0\0\x0f\x05\x90"), SITE_SIGRETURN, NULL },
	{ FN("\xb8\x0f\0\0\0\x0f\x05\x90"), SITE_SIGRETURN, NULL },
	{ FN("\x90\x48\xc7\xc0\x0f\0\0\0\x0f\x05\x90"), SITE_SIGRETURN, "+0x1" }, /* glibc's FDE */
};
/* clang-format on */

static void test_refusals(void **state)
{
	unsigned seen = 1u << SITE_OK;

	for (size_t i = 0; i < ARRAY_LEN(bads); i++) {
		int err = describe(&bads[i].f, NULL, 0);

		if (err != -EILSEQ || site.reason != bads[i].reason || site.kind != SITE_NONE)
			fail_msg("row %zu: %d %s: %s", i, err, site_reason_text(site.reason),
				 diag.text);
		if (!strstr(diag.text, site_reason_text(site.reason)))
			fail_msg("row %zu: %s", i, diag.text);
		if (bads[i].word && !strstr(diag.text, bads[i].word))
			fail_msg("row %zu: %s", i, diag.text);
		seen |= 1u << site.reason;
	}
	seen |= 1u << SITE_CHANGED | 1u << SITE_OUTSIDE | 1u << SITE_TAKEN; /* below */
	assert_int_equal(seen, (1u << SITE_REASONS) - 1);
}

/* Another function's start in the window, or at the window itself (behind endbr64). */
static void test_second_entry(void **state)
{
	static const struct fn f = FN("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x90\xc3");

	assert_int_equal(describe(&f, NULL, 4), 0);
	assert_int_equal(describe(&f, NULL, 5), -EILSEQ);
	assert_int_equal(site.reason, SITE_BRANCH_INTO);
	assert_int_equal(describe(&f, NULL, 8), -EILSEQ);
	assert_int_equal(describe(&f, NULL, 9), 0);
}

/*
 * A label that only a table of differences knows; and a function that jumps anywhere, where a
 * window of one instruction, a hop, and the compiler's nops are safe.
 */
static void test_indirect_jumps(void **state)
{
	/* 0: xor %eax, %eax; 2: lea 0x2000; movslq (%rdx,%rcx,4), %rcx; add; jmp *%rcx */
	static const uint8_t code[] = "\x31\xc0\x48\x8d\x15\xf7\x1f\0\0\x48\x63\x0c\x8a"
				      "\x48\x01\xd1\xff\xe1\x90\x90\x90\x90\x90";
	static const struct fn one = FN("\xb9\1\0\0\0\x48\x29\xc1\xff\xe1"),
			       nops = FN("\x90\x90\x90\x90\x90\x48\x29\xc1\xff\xe1");
	int32_t table[] = { 16 - 0x2000, 2 - 0x2000 };
	struct sweep_code sc = { LO, code, 23 };
	struct sweep_code data = { LO + 0x2000, (const uint8_t *)table, sizeof(table) };
	struct sweep_hints h = { .data = &data, .ndata = 1 };
	struct site_query q = {
		.func = { LO, LO + 18 }, .entry = LO, .mem = code, .file = code, .n = 23
	};

	for (int round = 0; round < 3; round++) {
		struct sweep *s = NULL;

		table[1] = (round == 0 ? 16 : round == 1 ? 2 : 3) - 0x2000;
		assert_int_equal(sweep_new(&sc, 1, &q.func, 1, &h, &s), 0);
		q.sweep = s;
		assert_int_equal(site_describe(&q, &site, &diag), round == 1 ? -EILSEQ : 0);
		if (round == 1)
			assert_int_equal(site.reason, SITE_BRANCH_INTO);
		q.may_hop = round == 1;
		assert_int_equal(site_describe(&q, &site, &diag), 0);
		assert_int_equal(site.kind, round == 1 ? SITE_HOP : SITE_MOVED);
		q.may_hop = false;
		sweep_free(s);
	}
	assert_int_equal(describe(&one, NULL, 0), 0);
	assert_int_equal(describe(&nops, NULL, 0), 0);
}

static void test_changed_bytes(void **state)
{
	static const struct fn f = FN("\xf3\x0f\x1e\xfa\x55\x48\x89\xe5\x90\xc3");
	static const struct {
		unsigned at;
		char byte;
		const char *word;
	} row[] = { { 0, '\xcc', "breakpoint" },
		    { 4, '\xcc', "uprobe" },
		    { 4, '\xe9', "hook" },
		    { 8, 'x', "78 instead of 90" } };
	char mem[10];

	for (unsigned i = 0; i < ARRAY_LEN(row); i++) {
		memcpy(mem, f.bytes, 10);
		mem[row[i].at] = row[i].byte;
		assert_int_equal(describe(&f, mem, 0), -EBUSY);
		assert_int_equal(site.reason, SITE_CHANGED);
		assert_non_null(strstr(diag.text, row[i].word));
	}
	memcpy(mem, f.bytes, 10);
	mem[9] = '\xcc'; /* behind the window: none of our business */
	assert_int_equal(describe(&f, mem, 0), 0);
}

static void test_entry_outside(void **state)
{
	static const uint8_t code[] = "\x90\x90\x90\x90\x90\xc3";
	struct sweep_code sc = { LO, code, 6 };
	struct site_query q = { .func = { LO, LO + 6 }, .mem = code, .file = code, .n = 6 };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(&sc, 1, &q.func, 1, NULL, &s), 0);
	q.sweep = s;
	q.entry = LO - 1;
	assert_int_equal(site_describe(&q, &site, NULL), -EILSEQ);
	assert_int_equal(site.reason, SITE_OUTSIDE);
	q.entry = LO + 6;
	assert_int_equal(site_describe(&q, &site, NULL), -EILSEQ);
	q.entry = LO;
	q.n = 0;
	assert_int_equal(site_describe(&q, &site, NULL), -EILSEQ);
	assert_int_equal(site.reason, SITE_OUTSIDE);
	q.n = 3; /* fewer bytes than the window */
	assert_int_equal(site_describe(&q, &site, NULL), -EILSEQ);
	q.n = 6;
	assert_int_equal(site_describe(&q, &site, NULL), 0);
	sweep_free(s);
}

/*
 * As glibc's mempcpy and memcpy: the first jumps to the second's fourth byte, behind
 * the jump is padding.
 */
static const uint8_t pair[] = {
	0x48, 0x89, 0xf8, 0xeb, 0x0b,                               /*  0: mov, jmp 16 */
	0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,             /*  5: a hole of eight */
	0x48, 0x89, 0xf7, 0x48, 0x39, 0xc6, 0x75, 0xfb, 0xc3, 0xcc, /* 13: mov, cmp, jne 16, ret */
	0xcc, 0xcc, 0xcc, 0xcc, /* 23: with the cc before: five */
};

static int describe_pair(struct site_query *q, const uint8_t *mem)
{
	struct sweep_code sc = { LO, pair, sizeof(pair) };
	struct taddr_range f[] = { { LO, LO + 5 }, { LO + 13, LO + 22 } };
	struct sweep *s = NULL;
	int err;

	assert_int_equal(sweep_new(&sc, 1, f, 2, NULL, &s), 0);
	q->sweep = s;
	q->bias = BIAS;
	q->func = (struct taddr_range){ f[1].lo + BIAS, f[1].hi + BIAS };
	q->entry = q->func.lo;
	q->file = pair + 13;
	q->mem = mem + 13;
	q->n = sizeof(pair) - 13;
	memset(&site, 0, sizeof(site));
	err = site_describe(q, &site, &diag);
	sweep_free(s);
	return err;
}

static void test_hop(void **state)
{
	struct site_query q = { .may_hop = true, .before = 13 };
	uint8_t out[SITE_WINDOW_MAX];
	size_t len;

	assert_int_equal(describe_pair(&q, pair), 0);
	assert_int_equal(site.kind, SITE_HOP);
	assert_int_equal(site.window, LO + BIAS + 13);
	assert_int_equal(site.len, 3);
	assert_int_equal(site.ninsns, 1);
	assert_int_equal(site.resume, LO + BIAS + 16);
	assert_int_equal(site.hop, LO + BIAS + 5);
	assert_memory_equal(site.hop_old, pair + 5, 5);
	assert_int_equal(text_jmp_patch(&site, 0, out, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "\xeb\xf6\xcc", 3);
	assert_int_equal(text_hop_patch(&site, site.hop + 0x105, out), 0);
	assert_memory_equal(out, "\xe9\0\x01\0\0", 5);
	assert_int_equal(text_hop_patch(&site, site.hop + (3ull << 30), out), -ERANGE);
	site.kind = SITE_MOVED;
	assert_int_equal(text_hop_patch(&site, site.hop, out), -EINVAL);
}

/* The hole before is out of sight, taken or changed: the next one is used, or none. */
static void test_hop_choice(void **state)
{
	struct taddr_range taken[] = { { LO + BIAS + 9, LO + BIAS + 10 },
				       { LO + BIAS + 22, LO + BIAS + 27 } };
	struct site_query q = { .may_hop = true };
	uint8_t mem[sizeof(pair)];

	assert_int_equal(describe_pair(&q, pair), 0);
	assert_int_equal(site.hop, LO + BIAS + 22);
	q.before = 6; /* only a byte of the first hole is missing */
	assert_int_equal(describe_pair(&q, pair), 0);
	assert_int_equal(site.hop, LO + BIAS + 7);
	q.before = 13;
	q.taken = taken;
	q.ntaken = 1;
	assert_int_equal(describe_pair(&q, pair), 0);
	assert_int_equal(site.hop, LO + BIAS + 22);
	q.ntaken = 2;
	assert_int_equal(describe_pair(&q, pair), -EILSEQ);
	assert_int_equal(site.reason, SITE_TAKEN);
	assert_non_null(strstr(diag.text, "+0x3"));
	assert_non_null(strstr(diag.text, "serves another function"));
	q.ntaken = 0;
	q.may_hop = false;
	assert_int_equal(describe_pair(&q, pair), -EILSEQ);
	assert_int_equal(site.reason, SITE_BRANCH_INTO);
	q.may_hop = true;
	memcpy(mem, pair, sizeof(mem));
	mem[7] = 0xe9; /* somebody else's use of the padding */
	assert_int_equal(describe_pair(&q, mem), 0);
	assert_int_equal(site.hop, LO + BIAS + 8);
	mem[8] = 0;
	assert_int_equal(describe_pair(&q, mem), 0);
	assert_int_equal(site.hop, LO + BIAS + 22);
}

/* rel8 reaches 127 bytes ahead and 128 back, from behind the two bytes. */
static void test_hop_reach(void **state)
{
	for (unsigned gap = 118; gap < 128; gap++) {
		uint8_t code[256];
		struct sweep_code sc = { LO, code, sizeof(code) };
		struct taddr_range f[] = { { LO, LO + 6 + gap }, { LO + 20 + gap, LO + 256 } };
		struct site_query q = { .func = f[0],
					.entry = LO,
					.mem = code,
					.file = code,
					.n = 256,
					.may_hop = true };
		struct sweep *s = NULL;
		int err;

		memset(code, 0x50, sizeof(code));        /* push rax: nothing to hop to */
		memcpy(code, "\x31\xc0\x50\x75\xfd", 5); /* jumps to its own offset 2 */
		memcpy(code + 5 + gap, "\xc3\x90\x90\x90\x90\x90", 6);
		assert_int_equal(sweep_new(&sc, 1, f, 2, NULL, &s), 0);
		q.sweep = s;
		err = site_describe(&q, &site, NULL);
		if (err != (6 + gap <= 2 + 127 ? 0 : -EILSEQ))
			fail_msg("gap %u: %d", gap, err);
		if (!err)
			assert_int_equal(site.hop, LO + 6 + gap);
		sweep_free(s);
	}
}

/* The same backwards: hole, code that ends in a jmp, then the function at offset 5 + gap. */
static void test_hop_reach_back(void **state)
{
	for (unsigned gap = 118; gap < 128; gap++) {
		uint8_t code[256];
		struct sweep_code sc = { LO, code, sizeof(code) };
		struct taddr_range f[] = { { LO, LO + 1 }, { LO + 6, LO + 6 + gap } };
		struct site_query q = { .func = { LO + 6 + gap, LO + 256 },
					.entry = LO + 6 + gap,
					.mem = code + 6 + gap,
					.file = code + 6 + gap,
					.n = 250 - gap,
					.before = 6 + gap,
					.may_hop = true };
		struct sweep *s = NULL;
		int err;

		memset(code, 0x50, sizeof(code));
		memcpy(code, "\xc3\x90\x90\x90\x90\x90", 6);
		memcpy(code + 6 + gap, "\x31\xc0\x50\x75\xfd", 5);
		assert_int_equal(sweep_new(&sc, 1, f, 2, NULL, &s), 0);
		q.sweep = s;
		err = site_describe(&q, &site, NULL);
		if (err != (5 + gap + 2 <= 128 ? 0 : -EILSEQ))
			fail_msg("gap %u: %d", gap, err);
		if (!err)
			assert_int_equal(site.hop, LO + 1);
		sweep_free(s);
	}
}

/* Padding that a branch goes into is no place to hop to, but what lies behind it may be. */
static void test_hop_arrivals(void **state)
{
	static const uint8_t code[] = {
		0x31, 0xc0, 0x50, 0x75, 0xfd, /* xor; push; jne 2 */
		0x74, 0x03, 0xc3,             /* je 10; ret */
		0x90, 0x90, 0x90, 0x90, 0x90,
		0x90, 0x90, 0x90, /* a hole of eight, 10 is a target */
	};
	struct sweep_code sc = { LO, code, sizeof(code) };
	struct site_query q = { .func = { LO, LO + 8 },
				.entry = LO,
				.mem = code,
				.file = code,
				.n = sizeof(code),
				.may_hop = true };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(&sc, 1, &q.func, 1, NULL, &s), 0);
	q.sweep = s;
	assert_int_equal(site_describe(&q, &site, NULL), 0);
	assert_int_equal(site.hop, LO + 11);
	sweep_free(s);
}

static void test_taken_padding(void **state)
{
	static const uint8_t code[] = { 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc };
	struct sweep_code sc = { LO, code, 6 };
	struct taddr_range taken = { LO + 4, LO + 6 };
	struct site_query q = { .func = { LO, LO + 1 },
				.entry = LO,
				.mem = code,
				.file = code,
				.n = 6,
				.taken = &taken };
	struct sweep *s = NULL;

	assert_int_equal(sweep_new(&sc, 1, &q.func, 1, NULL, &s), 0);
	q.sweep = s;
	assert_int_equal(site_describe(&q, &site, NULL), 0);
	q.ntaken = 1;
	assert_int_equal(site_describe(&q, &site, NULL), -EILSEQ);
	assert_int_equal(site.reason, SITE_TAKEN);
	taken.lo = LO + 5;
	assert_int_equal(site_describe(&q, &site, NULL), 0);
	sweep_free(s);
}

static void test_texts(void **state)
{
	for (unsigned i = 0; i < SITE_REASONS; i++)
		assert_true(strlen(site_reason_text((enum site_reason)i)) > 5);
	assert_non_null(site_reason_text((enum site_reason)99));
	assert_string_equal(site_kind_text(SITE_NOP), "nop");
	assert_string_equal(site_kind_text(SITE_MOVED), "moved");
	assert_string_equal(site_kind_text(SITE_HOP), "hop");
	assert_null(site_kind_text(SITE_NONE));
}

static void test_jmp_patch(void **state)
{
	uint8_t out[SITE_WINDOW_MAX];
	size_t len = 0;

	assert_int_equal(describe(&goods[0].f, NULL, 0), 0);
	assert_int_equal(text_jmp_patch(&site, site.window + 0x1005, out, &len), 0);
	assert_int_equal(len, 8);
	assert_memory_equal(out, "\xe9\0\x10\0\0\xcc\xcc\xcc", 8);
	assert_int_equal(text_jmp_patch(&site, site.window + 5 + (1ull << 31), out, &len), -ERANGE);
	assert_int_equal(text_jmp_patch(&site, site.window + 5 - (1ull << 31), out, &len), 0);
	assert_int_equal(describe(&goods[1].f, NULL, 0), 0);
	assert_int_equal(text_jmp_patch(&site, site.window, out, &len), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(out, "\xe9\xfb\xff\xff\xff", 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),       cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_second_entry),  cmocka_unit_test(test_indirect_jumps),
		cmocka_unit_test(test_changed_bytes), cmocka_unit_test(test_entry_outside),
		cmocka_unit_test(test_texts),         cmocka_unit_test(test_jmp_patch),
		cmocka_unit_test(test_hop),           cmocka_unit_test(test_hop_choice),
		cmocka_unit_test(test_hop_reach),     cmocka_unit_test(test_hop_reach_back),
		cmocka_unit_test(test_hop_arrivals),  cmocka_unit_test(test_taken_padding),
	};

	return cmocka_run_group_tests_name("text/site", tests, NULL, NULL);
}
