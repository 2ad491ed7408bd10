/*
 * gen/expr.h: members, elements, bit-fields, texts and patterns, against C that says the same;
 * reads that fault; messages, compared whole.
 */
#include "expr_rig.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <sys/mman.h>

enum color { RED, GREEN = 5, BLUE = -3 };

/* -- members, elements ------------------------------------------------------------------------- */

#define NODE \
	"struct node { int id; const char *name; struct head { int id; const char *name; } *next; char tag[8]; double w[2]; " \
	"union { unsigned long raw; unsigned char byte[8]; }; struct { short x, y; } at; int *ip; }"

struct node {
	int id;
	const char *name;
	struct node *next;
	char tag[8];
	double w[2];
	union {
		unsigned long raw;
		unsigned char byte[8];
	};
	struct {
		short x, y;
	} at;
	int *ip;
};

struct small {
	int a;
	short b[2];
	char s[6];
};

static void member_rows(struct group *group, const struct node *p, const struct node *ret,
			const struct small by, const int *v)
{
	C(p->id == -1);
	C(p->id < ret->id);
	C(p->next == NULL);
	C(p->next != NULL && p->next->id == 2);
	C(p->w[0] < 1);
	C(p->w[1] == -1 || p->w[1] > 2.25);
	C(p->raw == 0x8877665544332211);
	C(p->byte[7] == 0x88);
	C(p->byte[0] + p->byte[1] > 0);
	C(p->at.x == -7);
	C(p->at.x + p->at.y == 2);
	C((*p).id == 2);
	C(p[0].id == 2);
	C(p->tag[1] == 'b');
	C(ret->name == p->name);
	C(p->ip != NULL);
	C(by.a == 42);
	C(by.b[0] == -1 && by.b[1] == 2);
	C(by.s[2] == 'z');
	C(by.a + by.b[0] == 41);
	C(v[0] == -4);
	C(v[1] > 0);
	C(*v == 3);
	C(*v + v[1] * 2 < 0);
	C(p->id + (p->at.x + (p->at.y + ret->id)) > 0);
	C(p->id || ret->id);
	C(!p->at.x);
}

static void member_text_rows(struct group *group, bool first)
{
	check(group, "p->ip[1] == -4", first);
	check(group, "p->ip[1] != -4", false);
	check(group, "!(p->ip[1] == -4)", !first);
	check(group, "p->name == \"one\"", first);
	check(group, "p->name =~ \"?wo\"", !first);
	check(group, "p->tag == \"ab\"", first);
	check(group, "p->tag == \"12345678\"", !first);
	check(group, "p->tag == \"1234567\"", false);
	check(group, "p->tag != \"123456789\"", true);
	check(group, "p->tag =~ \"*78\"", !first);
	check(group, "by.s == \"xyz\"", true);
	check(group, "by.s == \"xy\"", false);
	check(group, "by.s =~ \"x*\"", true);
	check(group, "by.s =~ \"*y\"", false);
	check(group, "p->next->name == \"two\"", first);
	check(group, "p->next->name != \"two\"", false);
	check(group, "!p->next->id", false);
}

static void with_nodes(bool texts)
{
	int ints[3] = { 3, -4, 5 };
	struct node two = { .id = 2, .name = "two", .tag = "12345678", .w = { 0, 2.5 } };
	struct node one = { .id = -1,
			    .name = "one",
			    .next = &two,
			    .tag = "ab",
			    .w = { 0.5, -1 },
			    .raw = 0x8877665544332211,
			    .at = { -7, 9 },
			    .ip = ints };
	const struct node *row[] = { &one, &two };
	struct small by = { 42, { -1, 2 }, "xyz" };
	struct group g, *group = &g;

	group_init(
		&g, NODE
		" *f(struct node *p, struct small { int a; short b[2]; char s[6]; } by, int v[3])");
	for (size_t k = 0; k < 2; k++) {
		PUT(0, row[k]);
		memcpy(g.ctx + 3, &by, sizeof(by));
		PUT(3, ints + k);
		PUT(4, row[1 - k]);
		if (texts)
			member_text_rows(group, k == 0);
		else
			member_rows(group, row[k], row[1 - k], by, ints + k);
	}
	group_fini(&g);
}

static void members(void **state)
{
	with_nodes(false);
}

static void member_texts(void **state)
{
	with_nodes(true);
}

struct bits {
	int a           : 3;
	unsigned b      : 13;
	long c          : 40;
	_Bool d         : 1;
	unsigned long e : 37;
	enum color f    : 4;
	unsigned w      : 32;
	unsigned char rest;
};

static void bit_fields(void **state)
{
	static const struct bits row[] = {
		{ -1, 8191, -1, 1, 0x1fffffffff, BLUE, 0xffffffff, 1 },
		{ 3, 0, 0x7fffffffff, 0, 1, GREEN, 0, 2 },
		{ -4, 4096, 5, 1, 0x1000000000, RED, 0x80000000, 255 },
	};
	static const char bits[] =
		"struct bits { int a : 3; unsigned b : 13; long c : 40; _Bool d : 1; "
		"unsigned long e : 37; enum color { RED, GREEN = 5, BLUE = -3 } f : 4; "
		"unsigned w : 32; unsigned char rest; }";
	char proto[512];
	struct group g, *group = &g;

	snprintf(proto, sizeof(proto),
		 "int f(%s *p, struct two { int m : 5; unsigned n : 20; long o : 39; } s)", bits);
	group_init(&g, proto);
	for (size_t k = 0; k < ARRAY_LEN(row); k++) {
		struct two {
			int m      : 5;
			unsigned n : 20;
			long o     : 39;
		} s = { k ? -16 : 15, k ? 0xfffff : 7, k ? -5 : 5 };
		const struct bits *p = &row[k];

		PUT(0, p);
		memcpy(g.ctx + 3, &s, sizeof(s));
		C(p->a == -1);
		C(p->a < 0);
		C(p->b == 8191);
		C(p->b - 1 < 0);
		C(p->b > -1);
		C(p->c < 0);
		C(p->c == 0x7fffffffff);
		C(p->d);
		C(p->e == 0x1fffffffff);
		C(p->e > 1);
		C(p->f == BLUE);
		C(p->f != GREEN);
		C(p->w - 1 > 5);
		C(p->w == 0x80000000);
		C(p->rest == 255);
		C(s.m == -16);
		C(s.n == 0xfffff);
		C(s.o == -5);
		C(s.m + s.o < 0);
		C(p->b & 0x1000 && p->a);
	}
	group_fini(&g);
}

/* -- texts, patterns -------------------------------------------------------------------------- */

static const char *const strings[] = { "",
				       "a",
				       "ab",
				       "abc",
				       "abcd",
				       "b",
				       "aab",
				       "abab",
				       "GET /",
				       "GET / HTTP/1.1\r\n",
				       "a*b",
				       "a?b",
				       "a\\b",
				       "\xff\xfe",
				       "axxxb",
				       "xxab",
				       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
				       "libssl.so.3" };

#define EQ(t) \
	check(group, "s == \"" t "\"", !strcmp(s, t)), \
		check(group, "s != \"" t "\"", strcmp(s, t) != 0)
#define GLOB(t) check(group, "s =~ \"" t "\"", !fnmatch(t, s, FNM_NOESCAPE))

static void texts(void **state)
{
	struct group g, *group = &g;

	group_init(&g, "const char *f(const char *s)");
	for (size_t k = 0; k < ARRAY_LEN(strings); k++) {
		const char *s = strings[k];

		PUT(0, s);
		PUT(1, s);
		EQ("");
		EQ("a");
		EQ("ab");
		EQ("abc");
		EQ("abcd");
		EQ("GET / HTTP/1.1");
		EQ("libssl.so.3");
		EQ("a*b");
		GLOB("");
		GLOB("*");
		GLOB("?");
		GLOB("a*");
		GLOB("*b");
		GLOB("a*b");
		GLOB("a?b");
		GLOB("*ab*");
		GLOB("a*b?");
		GLOB("?*?");
		GLOB("**a**b**");
		GLOB("lib*.so.?");
		GLOB("*a*a*a*a*a*a*b");
		GLOB("GET *");
		GLOB("a");
		check(group, "s == \"GET / HTTP/1.1\\r\\n\"", !strcmp(s, "GET / HTTP/1.1\r\n"));
		check(group, "s == \"\\xff\\376\"", !strcmp(s, "\xff\xfe"));
		check(group, "s =~ \"a\\*b\"", !strcmp(s, "a*b"));
		check(group, "s =~ \"a\\?b\"", !strcmp(s, "a?b"));
		check(group, "s =~ \"a\\\\b\"", !strcmp(s, "a\\b"));
		check(group, "s =~ \"\\xff*\"", s[0] == '\xff');
		check(group, "\"ab\" == ret", !strcmp(s, "ab"));
		check(group, "!(s =~ \"a*\") && s[0] != 'x'", s[0] != 'a' && s[0] != 'x');
		check(group, "s == \"a\" || s == \"b\" || s =~ \"x*\"",
		      !strcmp(s, "a") || !strcmp(s, "b") || s[0] == 'x');
	}
	group_fini(&g);
}

static void long_texts(void **state)
{
	static char s[400], text[300], eq[320], glob[64];
	struct group g, *group = &g;

	group_init(&g, "int f(const char *s)");
	memset(text, 'q', 255);
	snprintf(eq, sizeof(eq), "s == \"%s\"", text);
	snprintf(glob, sizeof(glob), "s =~ \"q*Z\"");
	PUT(0, s);
	for (unsigned n = 250; n < 260; n++) {
		memset(s, 'q', n);
		s[n] = '\0';
		check(group, eq, n == 255);
		/* what stands behind the 255th byte is not seen */
		if (n >= 255)
			s[254] = 'Z';
		check(group, glob, n >= 255);
	}
	group_fini(&g);
}

/* The last page that can be read; a string may end with it. */
static void faults(void **state)
{
	char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct group g, *group = &g;

	assert_true(map != MAP_FAILED);
	assert_int_equal(munmap(map + 4096, 4096), 0);
	group_init(&g, "int f(const char *s, int *p, int a, unsigned b)");
	memcpy(map + 4096 - 4, "end", 4);
	PUT(0, map + 4096 - 4);
	PUT(1, 0);
	PUT(2, 10);
	PUT(3, 0);
	check(group, "s == \"end\"", true);
	check(group, "s != \"end\"", false);
	check(group, "s =~ \"e*\"", true);
	map[4095] = 'x';
	check(group, "s == \"endx\"", false);
	check(group, "s != \"endx\"", false);
	check(group, "s =~ \"*\"", false);
	PUT(0, 0);
	check(group, "s == \"end\"", false);
	check(group, "s != \"end\"", false);
	check(group, "!(s == \"end\")", true);
	for (uint64_t bad = 0; bad < 32; bad += 16) {
		PUT(1, bad);
		check(group, "*p == 1", false);
		check(group, "*p != 1", false);
		check(group, "*p", false);
		check(group, "!*p", false);
		check(group, "p[3] < a", false);
		check(group, "a + *p > 0", false);
		check(group, "(*p == 1) == 0", true);
		check(group, "*p || a", true);
		check(group, "a && (*p == 5 || a == 10)", true);
		check(group, "p && *p", false);
	}
	check(group, "a / b > 0", false);
	check(group, "a / b <= 0", false);
	check(group, "a % b == a", false);
	check(group, "a / b == 0 || a == 10", true);
	group_fini(&g);
	munmap(map, 4096);
}

/* -- places ------------------------------------------------------------------------------------- */

static void many_arguments(void **state)
{
	struct group g, *group = &g;
	group_init(&g,
		   "long f(int a, double b, int c, int d, int e, int g, int h, struct big { long "
		   "v[5]; char n[8]; } st, short i, double j, int k, __int128 w)");
	struct big {
		long v[5];
		char n[8];
	} st = { { 1, 2, 3, 4, 5 }, "nine" };

	for (unsigned i = 0; i < g.m->nargs; i++)
		PUT(g.m->arg[i].slot, i);
	PUT(g.m->arg[1].slot, 0x3ff8000000000000); /* 1.5 */
	PUT(g.m->arg[7].slot, &st);
	PUT(g.m->arg[8].slot, -8);
	PUT(g.m->arg[9].slot, 0x4004000000000000); /* 2.5 */
	PUT(g.m->ret.slot, 1234567890123);
	check(group, "a == 0 && c == 2 && h == 6", true);
	check(group, "b == 1.5", true);
	check(group, "st.v[4] == 5 && st.n == \"nine\"", true);
	check(group, "st.v[0] == 2", false);
	check(group, "i == -8", true);
	check(group, "j == 2.5 && j > b", true);
	check(group, "k == 10", true);
	check(group, "arg10 == k", true);
	check(group, "ret == 1234567890123", true);
	group_fini(&g);
}

static void untyped(void **state)
{
	struct func_model *m = NULL;
	struct gen_expr *e = NULL;
	struct diag d = { "" };

	assert_int_equal(func_model_raw(&m), 0);
	assert_int_equal(gen_expr_new("arg5 == 3 && ret > 1", NULL, m, &e, &d), 0);
	assert_true(gen_expr_uses_ret(e));
	gen_expr_free(e);
	assert_int_equal(gen_expr_new("arg0 == 1 && !arg1", NULL, m, &e, &d), 0);
	assert_false(gen_expr_uses_ret(e));
	gen_expr_free(e);
	assert_int_equal(gen_expr_new("arg6", NULL, m, &e, &d), -ENOENT);
	assert_string_equal(d.text, "'arg6', column 1: no argument arg6: the function has arg0, "
				    "arg1, arg2, arg3, arg4, arg5, ret");
	assert_int_equal(gen_expr_new("arg0 == \"x\"", NULL, m, &e, &d), -EINVAL);
	func_model_free(m);
}

/* -- messages ------------------------------------------------------------------------------------ */

static const struct {
	const char *text;
	int err;
	const char *want; /* behind "'TEXT', " */
} bad[] = {
	{ "", -EINVAL,
	  "column 1: expected an argument, a constant, \"text\" or (, but it ends here" },
	{ "a ==", -EINVAL,
	  "column 5: expected an argument, a constant, \"text\" or (, but it ends here" },
	{ "a == )", -EINVAL,
	  "column 6: expected an argument, a constant, \"text\" or (, found ')'" },
	{ "a b", -EINVAL, "column 3: expected an operator, found 'b'" },
	{ "(a == 1", -EINVAL, "column 8: expected an operator or ), but it ends here" },
	{ "a = 1", -EINVAL, "column 3: nothing can be assigned: == compares" },
	{ "a += 1", -EINVAL, "column 3: no such operator: '+='" },
	{ "a ? 1 : 0", -EINVAL, "column 3: ?: is not supported: use && and ||" },
	{ "foo > 1", -ENOENT, "column 1: no argument foo: f has a, s, p, q, st, x, ld, ret" },
	{ "a > 1 && b", -ENOENT, "column 10: no argument b: f has a, s, p, q, st, x, ld, ret" },
	{ "p->foo", -EINVAL, "column 4: a struct pt has no member foo; it has x, y" },
	{ "p.x", -EINVAL, "column 2: a pointer to struct pt: write ->" },
	{ "st->x", -EINVAL, "column 3: a struct pt: write ." },
	{ "st", -EINVAL, "column 1: a struct pt: no condition by itself" },
	{ "st == 1", -EINVAL,
	  "column 1: a struct pt: not compared as a whole, only its members: .name" },
	{ "q->x", -EINVAL, "column 2: what it points to has no type: it cannot be followed" },
	{ "*q", -EINVAL, "column 1: what it points to has no type: it cannot be followed" },
	{ "a->x", -EINVAL, "column 2: an integer: write ." },
	{ "a.x", -EINVAL, "column 2: an integer has no members" },
	{ "a[1]", -EINVAL, "column 2: an integer has no elements and points to nothing" },
	{ "s[a]", -EINVAL, "column 3: an index must be a constant integer" },
	{ "s[1", -EINVAL, "column 4: expected ], but it ends here" },
	{ "a == \"x\"", -EINVAL,
	  "column 1: an integer: only a char * or an array of char is compared with a text" },
	{ "s < \"x\"", -EINVAL, "column 3: a text is compared by ==, != and =~ only" },
	{ "s =~ a", -EINVAL, "column 6: =~ expects a pattern, \"a*b?\"" },
	{ "s == \"x", -EINVAL, "column 6: no closing \"" },
	{ "s == \"\\q\"", -EINVAL, "column 7: no such escape sequence" },
	{ "s == \"a\\0b\"", -EINVAL, "column 6: a string has no NUL inside" },
	{ "a == 'xy'", -EINVAL,
	  "column 6: expected one character between '': text stands in \"\"" },
	{ "x + 1 > 2", -EINVAL,
	  "column 3: arithmetic on floating-point values is not supported: compare the value itself with a constant" },
	{ "x == a", -EINVAL,
	  "column 3: a floating-point value is compared with another or with a constant, not with an integer that is none" },
	{ "s + 1", -EINVAL,
	  "column 3: arithmetic on pointers is not supported: p[N] is the Nth element, p->m a member" },
	{ "a / 0", -EINVAL, "column 3: division by zero" },
	{ "a << 32", -EINVAL, "column 3: a value of 32 bits cannot be shifted by 32" },
	{ "(long)a", -EINVAL,
	  "column 2: casts are not supported: values have the types of the function" },
	{ "strlen(s)", -EINVAL, "column 1: functions cannot be called" },
	{ "&a", -EINVAL, "column 1: addresses cannot be taken" },
	{ "a++", -EINVAL,
	  "column 4: expected an argument, a constant, \"text\" or (, but it ends here" },
	{ "a == 12q", -EINVAL, "column 6: '12q' is no number" },
	{ "a == 0b", -EINVAL, "column 6: '0b' is no number" },
	{ "a == 0x", -EINVAL, "column 6: '0x' is no number" },
	{ "a == 08", -EINVAL, "column 6: '08' is no number" },
	{ "a == 18446744073709551616", -EINVAL,
	  "column 6: 18446744073709551616 has more than 64 bits" },
	{ "a == 18446744073709551615", -EINVAL,
	  "column 6: 18446744073709551615 fits no signed type: write 18446744073709551615u" },
	{ "x == 1e999", -EINVAL, "column 6: 1e999 is out of range" },
	{ "x == 1.5L", -EINVAL,
	  "column 3: a long double is compared with another or with a constant only" },
	{ "x == 1.2.3", -EINVAL, "column 6: '1.2.3' is no number" },
	{ "p->", -EINVAL, "column 4: expected a member's name, but it ends here" },
	{ "\"x\" == \"x\"", -EINVAL,
	  "column 8: a text: only a char * or an array of char is compared with a text" },
	{ "a == 1;", -EINVAL, "column 7: expected an operator, found ';'" },
};

static void messages(void **state)
{
	struct group g;

	group_init(&g, "int f(int a, const char *s, struct pt { int x, y; } *p, void *q, "
		       "struct pt st, double x, long double ld)");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct gen_expr *e = NULL;
		struct diag d = { "" };
		char want[512];
		int err = gen_expr_new(bad[i].text, &g.proto, g.m, &e, &d);

		snprintf(want, sizeof(want), "'%s', %s", bad[i].text, bad[i].want);
		assert_string_equal(d.text, want);
		assert_int_equal(err, bad[i].err);
	}
	group_fini(&g);
}

static void limits(void **state)
{
	static char text[8192];
	struct gen_expr *e = NULL;
	struct diag d = { "" };
	struct group g;

	group_init(&g, "void f(int a, const char *s)");
	assert_int_equal(gen_expr_new("ret", &g.proto, g.m, &e, &d), -ENOENT);
	assert_string_equal(d.text, "'ret', column 1: no ret: f returns nothing");
	memset(text, '(', 200);
	assert_int_equal(gen_expr_new(text, &g.proto, g.m, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "nested too deeply"));
	memset(text, '!', 200);
	assert_int_equal(gen_expr_new(text, &g.proto, g.m, &e, &d), -EINVAL);
	strcpy(text, "a");
	for (int i = 0; i < 1000; i++)
		strcat(text, "+a");
	assert_int_equal(gen_expr_new(text, &g.proto, g.m, &e, &d), -E2BIG);
	strcpy(text, "s == \"");
	memset(text + 6, 'x', 256);
	strcpy(text + 262, "\"");
	assert_int_equal(gen_expr_new(text, &g.proto, g.m, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "a text of 256 bytes; the limit is 255"));
	memcpy(text, "s =~ ", 5);
	strcpy(text + 69, "\"");
	assert_int_equal(gen_expr_new(text, &g.proto, g.m, &e, &d), -EINVAL);
	assert_non_null(strstr(d.text, "more than 62 characters"));
	group_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),        cmocka_unit_test(member_texts),
		cmocka_unit_test(bit_fields),     cmocka_unit_test(texts),
		cmocka_unit_test(long_texts),     cmocka_unit_test(faults),
		cmocka_unit_test(many_arguments), cmocka_unit_test(untyped),
		cmocka_unit_test(messages),       cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, expr_start, expr_stop);
}
