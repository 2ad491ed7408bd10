/*
 * varargs_test.c - formats to types, types to places, and what is written of them.
 *
 * Values are numbered so that each tells where it came from: register or stack, and which.
 */
#include "rt_util.h"

#include "shm/varargs.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CAP 1024

#define GPR(i) (0x1111000000000000ull + (i))
#define XMM(i) (0x2222000000000000ull + (i))
#define MEM(i) (0x3333000000000000ull + (i))

struct __attribute__((aligned(16))) args {
	uint64_t entry[SHM_VA_WORDS], stack[64];
	unsigned strings;
	uint8_t ngpr, nxmm;
	bool scanf;
};

static void args_init(struct args *a)
{
	memset(a, 0, sizeof(*a));
	for (unsigned i = 0; i < 6; i++)
		a->entry[SHM_VA_GPR + i] = GPR(i);
	for (unsigned i = 0; i < 8; i++)
		a->entry[SHM_VA_XMM + i] = XMM(i);
	for (unsigned i = 0; i < 64; i++)
		a->stack[i] = MEM(i);
	a->entry[SHM_VA_RAX] = 0xabc08;
	a->entry[SHM_VA_STACK] = (uint64_t)(uintptr_t)a->stack;
	a->ngpr = 1;
}

/* format_cap: the bytes that were to be read of it, 0: more than it has */
static uint32_t apply(const struct args *a, const char *format, size_t format_cap, void *out,
		      uint32_t cap)
{
	struct {
		int64_t got;
		char text[2048];
	} f = { 0 };
	struct shm_varargs head;

	assert_true(strlen(format) < sizeof(f.text));
	strcpy(f.text, format);
	f.got = (int64_t)strlen(format) + 1;
	if (format_cap && (size_t)f.got > format_cap) {
		f.got = (int64_t)format_cap;
		f.text[format_cap - 1] = '\0';
	}
	rt_format_args(out, cap, &f, a->entry,
		       SHM_VA_HOW(a->ngpr, a->nxmm, a->scanf, a->strings,
				  format_cap ? format_cap : sizeof(f.text)));
	memcpy(&head, out, sizeof(head));
	return head.more;
}

/* "i4 u8 c d L p s", "|" behind what is not all */
static void types(const struct args *a, const char *format, char *text, size_t room)
{
	static const char letter[] = "?iucdLps";
	uint64_t out[CAP / 8];
	const uint8_t *at = (const uint8_t *)out + sizeof(struct shm_varargs), *end;
	struct shm_varargs head;
	uint32_t more = apply(a, format, 0, out, sizeof(out));
	size_t n = 0;

	memcpy(&head, out, sizeof(head));
	end = at + head.bytes;
	text[0] = '\0';
	while (at < end) {
		struct shm_vararg e;

		memcpy(&e, at, sizeof(e));
		n += (size_t)snprintf(text + n, room - n, "%s%c", n ? " " : "", letter[e.kind]);
		if (e.kind == SHM_VA_INT || e.kind == SHM_VA_UINT)
			n += (size_t)snprintf(text + n, room - n, "%u", e.size);
		at += e.bytes;
	}
	assert_ptr_equal(at, end);
	snprintf(text + n, room - n, "%s", more ? "|" : "");
}

static const struct {
	const char *format, *types;
} cases[] = {
	{ "", "" },
	{ "plain", "" },
	{ "100%%", "" },
	{ "%m: done\n", "" },
	{ "%d", "i4" },
	{ "%i", "i4" },
	{ "%u", "u4" },
	{ "%x %X %o", "u4 u4 u4" },
	{ "%b %B", "u4 u4" },
	{ "%c", "c" },
	{ "%s", "s" },
	{ "%p", "p" },
	{ "%n", "p" },
	{ "%a %A %e %E %f %F %g %G", "d d d d d d d d" },
	{ "%hhd %hhi %hhu %hhx", "i1 i1 u1 u1" },
	{ "%hd %hu", "i2 u2" },
	{ "%ld %lu %li %lx %lo", "i8 u8 i8 u8 u8" },
	{ "%lld %llu", "i8 u8" },
	{ "%Ld %qd %qu", "i8 i8 u8" },
	{ "%jd %ju", "i8 u8" },
	{ "%zd %zu %Zd", "i8 u8 i8" },
	{ "%td %tx", "i8 u8" },
	{ "%w8d %w16u %w32d %w64x", "i1 u2 i4 u8" },
	{ "%wf8d %wf16d %wf32u %wf64d", "i1 i8 u8 i8" },
	{ "%w7d", "|" },
	{ "%w128d", "|" },
	{ "%lf %le %lg", "d d d" },
	{ "%Lf", "L" },
	{ "%Le %LA", "L L" },
	{ "%llf", "L" },
	{ "%hn %ln %hhn", "p p p" },
	{ "%lc", "u4" },
	{ "%C", "u4" },
	{ "%ls", "p" },
	{ "%S", "p" },
	{ "%hs", "s" },
	{ "%5d", "i4" },
	{ "%-5d|", "i4" },
	{ "%+d % d %05d %#x %'d %Id", "i4 i4 i4 u4 i4 i4" },
	{ "%-+ #0'I12.34hd", "i2" },
	{ "%*d", "i4 i4" },
	{ "%.*f", "i4 d" },
	{ "%*.*s", "i4 i4 s" },
	{ "%-*.*Lf", "i4 i4 L" },
	{ "%.d", "i4" },
	{ "%.3s", "s" },
	{ "%99999999999999999999d", "i4" },
	{ "%.99999999999999999999s", "s" },
	{ "%1$d", "i4" },
	{ "%2$s %1$d", "i4 s" },
	{ "%2$s %1$d %2$s", "i4 s" },
	{ "%1$s %1$p", "s" },
	{ "%1$d %1$f", "i4|" },
	{ "%1$*2$d", "i4 i4" },
	{ "%3$.*1$f %2$Lg", "i4 L d" },
	{ "%3$d %1$d", "i4|" }, /* nobody says what the second is */
	{ "%2$d", "|" },
	{ "%1$d %d", "i4|" },
	{ "%d %1$d", "i4|" },
	{ "%*1$d", "i4|" },
	{ "%0$d", "|" },
	{ "%33$d", "|" },
	{ "%1$%", "|" },
	{ "%", "|" },
	{ "%d %", "i4|" },
	{ "%d %l", "i4|" },
	{ "%d %*", "i4|" }, /* its width is no argument of which anything is known */
	{ "%d %*y %s", "i4|" },
	{ "%y", "|" },
	{ "%d %k %d", "i4|" },
	{ "%Hf", "|" },
	{ "%DDf", "|" },
	{ "%v", "|" },
	{ "%d\x01%d", "i4|" },
	{ "\x02%d", "" },
	{ "\x1b[1m%s\x1b[0m\t%d\r\n\v\f\a\b", "s i4" },
	{ "\xc3\xa9t\xe9: %d", "i4" },
	{ "%s: %s: line %d, column %d: %s '%.*s' (%zu of %zu, %5.1f%%)\n",
	  "s s i4 i4 s i4 s u8 u8 d" },
}, scans[] = {
	{ "", "" },
	{ "%d %u", "p p" },
	{ "%*d %d", "p" },
	{ "%5s%n", "p p" },
	{ "%ms %m[a-z]", "p p" },
	{ "%[^]x]y%d", "p p" },
	{ "%[]]%d", "p p" },
	{ "%*[^\n]%c", "p" },
	{ "%[abc", "|" },
	{ "%[", "|" },
	{ "%[]", "|" },
	{ "%lf %Lf %hhd %lld %zu %jd", "p p p p p p" },
	{ "%2$d %1$s", "p p" },
	{ "%% %d", "p" },
	{ "%'d %Id", "p p" },
	{ "%-d", "|" },
	{ "%.3d", "|" },
	{ "%d %", "p|" },
	{ "%w7d", "|" },
	{ "%as %S %C %p %x %X %o %i %b %g %F", "p p p p p p p p p p p" },
};

static void table(void **state)
{
	struct args a;
	char got[512];

	args_init(&a);
	for (unsigned i = 0; i < ARRAY_LEN(cases) + ARRAY_LEN(scans); i++) {
		bool scan = i >= ARRAY_LEN(cases);
		const char *format = scan ? scans[i - ARRAY_LEN(cases)].format : cases[i].format;
		const char *want = scan ? scans[i - ARRAY_LEN(cases)].types : cases[i].types;

		a.scanf = scan;
		a.strings = 64;
		types(&a, format, got, sizeof(got));
		if (strcmp(got, want))
			fail_msg("%s: got '%s', want '%s'", format, got, want);
	}
}

/* -- places --------------------------------------------------------------------------------- */

static void values(const struct args *a, const char *format, const uint64_t *want, unsigned n)
{
	uint64_t out[CAP / 8];
	const uint8_t *at = (const uint8_t *)out + sizeof(struct shm_varargs);
	struct shm_varargs head;
	struct shm_vararg e;
	unsigned i;

	apply(a, format, 0, out, sizeof(out));
	memcpy(&head, out, sizeof(head));
	for (i = 0; at < (const uint8_t *)out + sizeof(head) + head.bytes; i++, at += e.bytes) {
		memcpy(&e, at, sizeof(e));
		assert_true(i < n);
		if (e.value != want[i])
			fail_msg("%s: argument %u is %lx, not %lx", format, i, e.value, want[i]);
		if (e.kind == SHM_VA_LDOUBLE)
			assert_memory_equal(at + sizeof(e), &(uint64_t){ want[i] + 1 }, 8);
	}
	assert_int_equal(i, n);
}

#define VALUES(a_, format_, ...) \
	values(a_, format_, (const uint64_t[]){ __VA_ARGS__ }, \
	       sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static void places(void **state)
{
	struct args a;

	args_init(&a);
	VALUES(&a, "%ld%ld%ld%ld%ld%ld%ld", GPR(1), GPR(2), GPR(3), GPR(4), GPR(5), MEM(0), MEM(1));
	VALUES(&a, "%f%ld%f", XMM(0), GPR(1), XMM(1));
	VALUES(&a, "%f%f%f%f%f%f%f%f%f%ld%f", XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5),
	       XMM(6), XMM(7), MEM(0), GPR(1), MEM(1));
	VALUES(&a, "%Lf%ld%Lf", MEM(0), GPR(1), MEM(2));
	a.ngpr = 6;
	VALUES(&a, "%ld%Lf%ld%Lf", MEM(0), MEM(2), MEM(4), MEM(6)); /* aligned to 16 */
	VALUES(&a, "%3$ld %1$ld %2$f", MEM(0), XMM(0), MEM(1));
	a.entry[SHM_VA_STACK] += 8;
	VALUES(&a, "%ld%Lf", MEM(1), MEM(2));
	VALUES(&a, "%Lf", MEM(2)); /* by address, not by distance */
	args_init(&a);
	a.ngpr = 3;
	a.nxmm = 7;
	VALUES(&a, "%f%f%ld%ld%ld%ld", XMM(7), MEM(0), GPR(3), GPR(4), GPR(5), MEM(1));
}

/* al says how many vector registers hold arguments: what is beyond was not passed. */
static void vector_registers(void **state)
{
	struct args a;
	char got[64];

	args_init(&a);
	a.entry[SHM_VA_RAX] = 0xffffff02;
	types(&a, "%f %d %f %d %f %d", got, sizeof(got));
	assert_string_equal(got, "d i4 d i4|");
	a.entry[SHM_VA_RAX] = 0xffffff00;
	types(&a, "%d %f", got, sizeof(got));
	assert_string_equal(got, "i4|");
	a.nxmm = 1;
	a.entry[SHM_VA_RAX] = 1;
	types(&a, "%f", got, sizeof(got));
	assert_string_equal(got, "|");
}

static void stack_that_is_not_there(void **state)
{
	struct args a;
	char got[64];
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	args_init(&a);
	a.entry[SHM_VA_STACK] = 8;
	types(&a, "%d %d %d %d %d %f", got, sizeof(got));
	assert_string_equal(got, "i4 i4 i4 i4 i4 d");
	types(&a, "%d %d %d %d %d %f %d %f", got, sizeof(got));
	assert_string_equal(got, "i4 i4 i4 i4 i4 d|");
	types(&a, "%Lf", got, sizeof(got));
	assert_string_equal(got, "|");
	/* as much as is asked for is there, and no more */
	assert_true(page != MAP_FAILED);
	munmap(page + 4096, 4096);
	a.entry[SHM_VA_STACK] = (uint64_t)(uintptr_t)page + 4096 - 16;
	types(&a, "%d%d%d%d%d%d%d", got, sizeof(got));
	assert_string_equal(got, "i4 i4 i4 i4 i4 i4 i4");
	munmap(page, 4096);
}

static void many(void **state)
{
	char format[256] = "", got[512];
	struct args a;

	args_init(&a);
	for (unsigned i = 0; i < 40; i++)
		strcat(format, "%d");
	types(&a, format, got, sizeof(got));
	assert_int_equal(strlen(got), 32 * 3); /* "i4 " each, the last "i4|" */
	format[0] = '\0';
	for (unsigned i = 0; i < 20; i++)
		strcat(format, "%Lf");
	types(&a, format, got, sizeof(got));
	assert_int_equal(strlen(got), 16 * 2); /* 32 words of stack */
}

/* -- a va_list ------------------------------------------------------------------------------- */

struct list {
	uint32_t gp, fp;
	uint64_t overflow, save;
};

/* What is left of a call's arguments, as values(). */
static uint32_t list_values(const struct list *v, const char *format, uint64_t *value,
			    unsigned room, unsigned *n)
{
	struct {
		int64_t got;
		char text[64];
	} f = { .got = (int64_t)strlen(format) + 1 };
	uint64_t out[CAP / 8] = { (uint64_t)(uintptr_t)v };
	const uint8_t *at = (const uint8_t *)out + sizeof(struct shm_varargs);
	struct shm_varargs head;
	struct shm_vararg e;

	strcpy(f.text, format);
	rt_format_args(out, sizeof(out), &f, NULL,
		       SHM_VA_HOW(0, 0, SHM_VA_VA_LIST, 0, sizeof(f.text)));
	memcpy(&head, out, sizeof(head));
	for (*n = 0; at < (const uint8_t *)out + sizeof(head) + head.bytes; at += e.bytes) {
		memcpy(&e, at, sizeof(e));
		assert_true(*n < room);
		value[(*n)++] = e.value;
	}
	return head.more;
}

static void check_list(const struct list *v, const char *format, const uint64_t *want, unsigned n)
{
	uint64_t got[16];
	unsigned have;

	assert_int_equal(list_values(v, format, got, ARRAY_LEN(got), &have), 0);
	assert_int_equal(have, n);
	assert_memory_equal(got, want, 8 * n);
}

#define LIST(v_, format_, ...) \
	check_list(v_, format_, (const uint64_t[]){ __VA_ARGS__ }, \
		   sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static void va_lists(void **state)
{
	_Alignas(16) uint64_t save[22], stack[16], got[4];
	struct list v = { 8, 48, (uint64_t)(uintptr_t)stack, (uint64_t)(uintptr_t)save }, bad;
	unsigned n;

	for (unsigned i = 0; i < 22; i++)
		save[i] = i < 6 ? GPR(i) : XMM((i - 6) / 2);
	for (unsigned i = 0; i < 16; i++)
		stack[i] = MEM(i);
	LIST(&v, "%ld %f %ld", GPR(1), XMM(0), GPR(2));
	LIST(&v, "%ld%ld%ld%ld%ld%ld%f", GPR(1), GPR(2), GPR(3), GPR(4), GPR(5), MEM(0), XMM(0));
	/* some are taken already */
	v.gp = 40;
	v.fp = 48 + 7 * 16;
	v.overflow += 8;
	LIST(&v, "%ld%ld%f%f%Lf", GPR(5), MEM(1), XMM(7), MEM(2), MEM(4));
	v.gp = 48;
	v.fp = 176;
	v.save = 1; /* nothing is left there */
	LIST(&v, "%f%ld", MEM(1), MEM(2));
	for (unsigned i = 0; i < 7; i++) {
		bad = v;
		if (i == 0)
			bad.gp = 56;
		else if (i == 1)
			bad.gp = 44;
		else if (i == 2)
			bad.fp = 192;
		else if (i == 3)
			bad.fp = 56;
		else if (i == 4)
			bad.fp = 32;
		else if (i == 5)
			bad.gp = 0; /* and the save area is not readable */
		assert_int_equal(
			list_values(i == 6 ? (const struct list *)16 : &bad, "%d", got, 4, &n), 1);
		assert_int_equal(n, 0);
	}
	assert_int_equal(list_values((const struct list *)16, "none", got, 4, &n), 0);
}

/* -- strings --------------------------------------------------------------------------------- */

struct string {
	int16_t got;
	bool cut;
	char text[256];
	uint64_t value;
};

/* The first string among the arguments. */
static void string_of(const struct args *a, const char *format, uint32_t cap, struct string *s)
{
	uint64_t out[CAP / 8];
	const uint8_t *at = (const uint8_t *)out + sizeof(struct shm_varargs);
	struct shm_varargs head;
	struct shm_vararg e = { 0 };

	memset(s, 0, sizeof(*s));
	apply(a, format, 0, out, cap);
	memcpy(&head, out, sizeof(head));
	for (; at < (const uint8_t *)out + sizeof(head) + head.bytes; at += e.bytes) {
		memcpy(&e, at, sizeof(e));
		if (e.kind == SHM_VA_STR)
			break;
	}
	assert_int_equal(e.kind, SHM_VA_STR);
	s->got = e.got;
	s->cut = e.cut;
	s->value = e.value;
	memcpy(s->text, at + sizeof(e), e.bytes - sizeof(e));
}

static void strings(void **state)
{
	static const char eight[] = "abcdefgh", nine[] = "abcdefghi";
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct args a;
	struct string s;

	args_init(&a);
	a.strings = 8;
	a.entry[1] = (uint64_t)(uintptr_t)eight;
	string_of(&a, "%s", CAP, &s);
	assert_int_equal(s.got, 9);
	assert_false(s.cut);
	assert_string_equal(s.text, eight);
	assert_true(s.value == (uint64_t)(uintptr_t)eight);
	a.entry[1] = (uint64_t)(uintptr_t)nine;
	string_of(&a, "%s", CAP, &s);
	assert_true(s.cut && s.got == 10);
	string_of(&a, "%.9s", CAP, &s); /* no more is printed */
	assert_true(!s.cut && s.got == 10);
	string_of(&a, "%.3s", CAP, &s);
	assert_true(!s.cut && s.got == 4);
	assert_string_equal(s.text, "abc");
	string_of(&a, "%.0s%d", CAP, &s);
	assert_true(s.got == 1);
	a.entry[1] = 0;
	string_of(&a, "%s", CAP, &s);
	assert_true(!s.got && !s.value);
	a.entry[1] = 16;
	string_of(&a, "%s", CAP, &s);
	assert_true(s.got < 0 && s.value == 16);
	string_of(&a, "%.0s", CAP, &s);
	assert_true(s.got == 1);
	/* the precision is an argument: of int, and none if negative */
	a.entry[1] = 0xffffffff00000002;
	a.entry[2] = (uint64_t)(uintptr_t)nine;
	string_of(&a, "%.*s", CAP, &s);
	assert_string_equal(s.text, "ab");
	a.entry[1] = 0x00000000fffffffe;
	string_of(&a, "%.*s", CAP, &s);
	assert_true(s.cut);
	/* no byte behind the precision need be there */
	assert_true(page != MAP_FAILED);
	munmap(page + 4096, 4096);
	memcpy(page + 4096 - 3, "xyz", 3);
	a.entry[1] = (uint64_t)(uintptr_t)page + 4096 - 3;
	string_of(&a, "%.3s", CAP, &s);
	assert_int_equal(s.got, 4);
	assert_string_equal(s.text, "xyz");
	string_of(&a, "%s", CAP, &s);
	assert_true(s.got < 0);
	munmap(page, 4096);
	a.strings = 0;
	assert_int_equal(apply(&a, "%s", 0, (uint64_t[CAP / 8]){ 0 }, CAP), 0);
}

static void format_that_is_cut(void **state)
{
	uint64_t out[CAP / 8];
	struct shm_varargs head;
	struct args a;

	args_init(&a);
	assert_int_equal(apply(&a, "%d %d", 6, out, CAP), 1); /* as many bytes as there were room */
	memcpy(&head, out, sizeof(head));
	assert_int_equal(head.bytes, 2 * sizeof(struct shm_vararg));
	assert_int_equal(apply(&a, "%d %d", 7, out, CAP), 0);
	assert_int_equal(apply(&a, "%d %d", 5, out, CAP), 1);
	memcpy(&head, out, sizeof(head));
	assert_int_equal(head.bytes, sizeof(struct shm_vararg));
}

/* -- whatever comes -------------------------------------------------------------------------- */

static uint64_t seed = 20261127;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % n;
}

static void make_format(char *format, unsigned n)
{
	static const char *const good[] = { "%d", "%s", "%*.*f ", "%ld", "%Lf", "%.3s", "%c%p" };
	static const char set[] = "%%%%%%%%dsfcLlhqjztw*.$0123456789-+ #'Inpxm[]^aS\x01\xff";

	unsigned i = 0;

	for (unsigned k = random_below(10); k && i + 8 < n; k--)
		i += (unsigned)sprintf(format + i, "%s", good[random_below(ARRAY_LEN(good))]);
	for (; i < n; i++)
		format[i] = random_below(8) ? set[random_below(sizeof(set) - 1)] :
					      (char)(1 + random_below(255));
	format[n] = '\0';
}

/* Nothing is written beyond the room, entries are whole, and types are those of a shorter room. */
static void random_formats(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789";
	uint64_t out[CAP / 8 + 8];
	char format[200];
	struct args a;
	uint64_t all = 0;

	for (unsigned i = 0; i < 30000; i++) {
		uint32_t cap = 64 + 8 * random_below((CAP - 64) / 8 + 1);
		const uint8_t *at = (const uint8_t *)out + sizeof(struct shm_varargs), *end;
		struct shm_varargs head;

		args_init(&a);
		a.strings = random_below(3) ? random_below(100) : 0;
		a.ngpr = (uint8_t)random_below(7);
		a.nxmm = (uint8_t)random_below(9);
		a.scanf = !random_below(4);
		a.entry[SHM_VA_RAX] = random_below(10);
		for (unsigned k = 0; k < 6; k++)
			a.entry[k] = (uint64_t)(uintptr_t)text + random_below(50) - 5;
		make_format(format, random_below(sizeof(format)));
		memset(out, 0xee, sizeof(out));
		apply(&a, format, random_below(2) ? 126 : 0, out, cap);
		for (uint32_t k = cap / 8; k < ARRAY_LEN(out); k++)
			assert_true(out[k] == 0xeeeeeeeeeeeeeeeeull);
		memcpy(&head, out, sizeof(head));
		assert_true(head.more <= 1);
		assert_true(sizeof(head) + head.bytes <= cap);
		for (end = at + head.bytes; at < end; all++) {
			struct shm_vararg e;

			memcpy(&e, at, sizeof(e));
			assert_true(e.kind > SHM_VA_NONE && e.kind <= SHM_VA_STR);
			assert_true(e.bytes >= sizeof(e) && e.bytes % 8 == 0);
			assert_true(e.got <= (int)(e.bytes - sizeof(e)));
			at += e.bytes;
		}
		assert_ptr_equal(at, end);
	}
	assert_true(all > 50000);
}

static void not_read(void **state)
{
	struct {
		int64_t got;
		char text[8];
	} f = { .got = -14, .text = "%d" };
	uint64_t out[CAP / 8];
	struct shm_varargs head;
	struct args a;

	args_init(&a);
	for (unsigned i = 0; i < 2; i++, f.got = 0) {
		memset(out, 0xee, sizeof(out));
		rt_format_args(out, CAP, &f, a.entry, SHM_VA_HOW(1, 0, 0, 64, 8));
		memcpy(&head, out, sizeof(head));
		assert_int_equal(head.bytes, 0);
		assert_int_equal(head.more, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(places),
		cmocka_unit_test(vector_registers),
		cmocka_unit_test(stack_that_is_not_there),
		cmocka_unit_test(many),
		cmocka_unit_test(va_lists),
		cmocka_unit_test(strings),
		cmocka_unit_test(format_that_is_cut),
		cmocka_unit_test(random_formats),
		cmocka_unit_test(not_read),
	};

	return cmocka_run_group_tests_name("rt/varargs", tests, NULL, NULL);
}
