/*
 * tests/unit/model/proto_test.c - C prototypes: what is understood, and what is refused how.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "model/func_model.h"
#include "mutate.h"

#include <errno.h>
#include <stdio.h>

#define MUTATIONS 20000

/* The places tell kinds and sizes; the spelling is ty_format()'s business. */
static const struct {
	const char *text, *places;
} good[] = {
	{ "void f(void)", "| void | K=0" },
	{ "int f();", "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5 | rax=r | K=?" },
	{ "int f(struct s *p, const char *, double x, ...)",
	  "rdi=a0 rsi=a1 xmm0=a2 | rax=r | K=?" },
	{ "int main(int argc, char **argv, char *const envp[])",
	  "rdi=a0 rsi=a1 rdx=a2 | rax=r | K=0" },
	{ "FILE *fopen(const char *restrict path, const char *__restrict mode)",
	  "rdi=a0 rsi=a1 | rax=r | K=0" },
	{ "void (*signal(int sig, void (*handler)(int)))(int)", "rdi=a0 rsi=a1 | rax=r | K=0" },
	{ "int (*(*f(double d))[3])(int)", "xmm0=a0 | rax=r | K=0" },
	{ "void qsort(void *, size_t, size_t, int (*)(const void *, const void *))",
	  "rdi=a0 rsi=a1 rdx=a2 rcx=a3 | void | K=0" },
	{ "double f(double (double), int (x), float a[static 4], char b[const], short c[*])",
	  "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 | xmm0=r | K=0" },
	{ "void f(int a[3][4], int n, int b[n][4])", "rdi=a0 rsi=a1 rdx=a2 | void | K=0" },
	{ "long double f(long double, double long, __int128, _Float128, va_list)",
	  "[8]=a0 [24]=a1 rdi=a2.0 rsi=a2.1 xmm0=a3 rdx=a4 | st0=r | K=32/16" },
	{ "_Complex double f(float _Complex, _Complex long double)",
	  "xmm0=a0 [8]=a1 | xmm0=r.0 xmm1=r.1 | K=32/16" },
	{ "__m128i f(__m64, __m256, __m512d)", "xmm0=a0 ymm1=a1 zmm2=a2 | xmm0=r | K=?" },
	{ "void f(struct { int x; double y; } s, union { float f; int i; } u)",
	  "rdi=a0.0 xmm0=a0.1 rsi=a1 | void | K=0" },
	{ "struct pt { int x; double y; } f(struct pt a, struct pt *b)",
	  "rdi=a0.0 xmm0=a0.1 rsi=a1 | rax=r.0 xmm0=r.1 | K=0" },
	{ "void f(struct { char *name; struct { long a[2]; }; } s)", "[8]=a0 | void | K=24" },
	{ "void f(struct { float x, y, *z; } s)", "xmm0=a0.0 rdi=a0.1 | void | K=0" },
	{ "void f(struct { double d; int a : 3, : 2, b : 30; } s)",
	  "xmm0=a0.0 rdi=a0.1 | void | K=0" },
	{ "void f(struct { float a; int : 0; float b[2]; } s)",
	  "xmm0=a0.0 xmm1=a0.1 | void | K=0" },
	{ "void f(struct { int n; char data[]; } s)", "rdi=a0 | void | K=?" },
	{ "void f(struct {} s, int x)", "-=a0 rdi=a1 | void | K=0" },
	{ "enum e { A, B = -4, C = 0x10, } f(enum e x, enum other y)",
	  "rdi=a0 rsi=a1 | rax=r | K=0" },
	{ "extern inline int const volatile f(register int x)", "rdi=a0 | rax=r | K=0" },
	{ "wchar_t f(char16_t, bool, _Bool, ssize_t, uint8_t, intptr_t, off_t, time_t, pid_t)",
	  "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5 [8]=a6 [16]=a7 [24]=a8 | rax=r | K=24" },
	{ "int 0x11e9(int x, double y)", "rdi=a0 xmm0=a1 | rax=r | K=0" },
	{ "void *0xFFFF800000001000(void)", "| rax=r | K=0" },
	{ "const T *f(T *x, U **y, V *const *restrict)", "rdi=a0 rsi=a1 rdx=a2 | rax=r | K=0" },
};

static void test_good(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		struct ty_pool *pool;
		struct func_model *m;
		struct diag d = { "" };
		struct proto p;
		char places[256];
		int err;

		assert_int_equal(ty_pool_new(&pool), 0);
		err = proto_parse(good[i].text, pool, &p, &d);
		if (err)
			print_error("%s: %s\n", good[i].text, d.text);
		assert_int_equal(err, 0);
		assert_int_equal(p.source, PROTO_USER);
		assert_int_equal(func_model_from_proto(&p, &m, &d), 0);
		func_model_format(m, places, sizeof(places));
		assert_string_equal(places, good[i].places);
		func_model_free(m);
		ty_pool_free(pool);
	}
}

static const struct {
	const char *text;
	int column; /* 0: any */
	const char *why;
} bad[] = {
	{ "", 1, "expected a type" },
	{ "int", 1, "not a prototype" },
	{ "int x", 1, "not a prototype" },
	{ "int (*fp)(int)", 1, "not a prototype" },
	{ "int f(int", 10, "expected ')'" },
	{ "int f(int))", 11, "text behind" },
	{ "int f(int,)", 11, "expected a type" },
	{ "int f(..., int)", 10, "expected ')'" },
	{ "int f(void, int)", 11, "expected ')'" },
	{ "int f(void x)", 7, "type void" },
	{ "int f(const void)", 7, "type void" },
	{ "int f(int, void)", 12, "type void" },
	{ "int f(FILE x)", 7, "'FILE' is not known" },
	{ "foo_t f(int x)", 1, "'foo_t' is not known" },
	{ "int f(struct s x)", 7, "'struct s' is not known" },
	{ "int f(union u x[3])", 0, "'union u' is not known" },
	{ "int f(struct { struct t x; } x)", 0, "'struct t' is not known" },
	{ "int f(struct n { struct n x; } x)", 0, "'struct n' is not known" },
	{ "int f(struct { void x; } x)", 0, "not a type of a member" },
	{ "int f(struct { int x(void); } x)", 0, "not a type of a member" },
	{ "int f(struct { int x[n]; } x)", 22, "length must be a number" },
	{ "int f(struct { char x[]; int y; } x)", 0, "flexible array" },
	{ "int f(struct { int x : 33; } x)", 0, "not a bit-field" },
	{ "int f(struct { float x : 3; } x)", 0, "not a bit-field" },
	{ "int f(struct { int x : 0; } x)", 0, "not a bit-field" },
	{ "int f(struct { bool x : 2; } x)", 0, "not a bit-field" },
	{ "int f(struct { char x[99999999999999999999]; } x)", 0, "number too large" },
	{ "int f(struct { char x[0xffffffff]; } x)", 0, "larger than 2 GiB" },
	{ "int f(struct { char x[2147483647], y[2147483647]; } x)", 0, "larger than 2 GiB" },
	{ "int f(struct { int x[08]; } x)", 0, "expected" },
	{ "int f(struct { int x } x)", 22, "expected ';'" },
	{ "int f(struct { int x;", 22, "expected a type" },
	{ "int f(struct)", 13, "expected a tag" },
	{ "int f(enum { 3 } x)", 14, "expected an enumerator" },
	{ "int f(enum { A = 4294967296 } x)", 0, "enumerators are ints" },
	{ "int f(int[3] x)", 14, "expected ')'" },
	{ "int f(int)(int)", 0, "text behind" },
	{ "int f(int)[3]", 0, "text behind" },
	{ "int (*f(int))(int)(int)", 0, "cannot return a function" },
	{ "int (*f(int))(int)[3]", 0, "cannot return an array" },
	{ "int f(void x[3])", 0, "not a type of an element" },
	{ "long char f(int)", 1, "words that make no type" },
	{ "short long f(int)", 1, "words that make no type" },
	{ "unsigned signed f(int)", 1, "words that make no type" },
	{ "long long long f(int)", 0, "two types" },
	{ "int int f(int)", 5, "two types" },
	{ "size_t int f(int)", 8, "two types" },
	{ "struct s int f(int)", 10, "two types" },
	{ "int &f(int)", 5, "references" },
	{ "int f(int) __attribute__((cold))", 12, "attributes" },
	{ "struct __attribute__((packed)) s { int x; } f(int)", 8, "attributes" },
	{ "int 3f(int)", 5, "text behind" },
	{ "int 0x(int)", 5, "text behind" },
	{ "int 0x11g(int)", 5, "text behind" },
	{ "int 0x11112222333344445(int)", 5, "text behind" },
	{ "int f(int 0x11)", 11, "expected ')'" },
	{ "int f(int x = 3)", 13, "expected ')'" },
	{ "((((((((((((((((((((((((((((((((((((((((((((", 1, "expected a type" },
	{ "int ((((((((((((((((((((((((((((((((((((((((((((", 0, "expected ')'" },
};

static void test_bad(void **state)
{
	struct ty_pool *pool;

	assert_int_equal(ty_pool_new(&pool), 0);
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct proto p = { .nparams = 77 };
		struct diag d = { "" };
		int err = proto_parse(bad[i].text, pool, &p, &d), column = 0;

		if (err != -EBADMSG || !strstr(d.text, bad[i].why) ||
		    sscanf(d.text, "prototype, column %d:", &column) != 1 ||
		    (bad[i].column && column != bad[i].column)) {
			print_error("%s: %d %s\n", bad[i].text, err, d.text);
			fail();
		}
		assert_int_equal(p.nparams, 77);
		assert_int_equal(proto_parse(bad[i].text, pool, &p, NULL), -EBADMSG);
	}
	ty_pool_free(pool);
}

static void test_members_and_names(void **state)
{
	const struct ty_member *m;
	struct ty_pool *pool;
	struct proto p;
	const struct ty *t;

	assert_int_equal(ty_pool_new(&pool), 0);
	assert_int_equal(
		proto_parse("_Noreturn void die(struct s { char c; short h : 5, : 3, i : 9; "
			    "union { double d; char e[9]; }; } v, enum { A = 7, B } w, "
			    "char *)",
			    pool, &p, NULL),
		0);
	assert_string_equal(p.name, "die");
	assert_true(p.noreturn);
	assert_false(p.variadic || p.unprototyped || p.ms_abi);
	assert_int_equal(p.nparams, 3);
	assert_string_equal(p.param[0].name, "v");
	assert_string_equal(p.param[2].name, "");
	t = p.param[0].type;
	assert_int_equal(t->kind, TY_STRUCT);
	assert_string_equal(t->name, "s");
	assert_int_equal(t->n, 4);
	assert_int_equal(t->size, 24);
	assert_int_equal(t->align, 8);
	m = t->member;
	assert_int_equal(m[1].offset * 8 + m[1].bit_offset, 8);
	assert_int_equal(m[1].bits, 5);
	assert_int_equal(m[2].offset * 8 + m[2].bit_offset, 16);
	assert_string_equal(m[3].name, "");
	assert_int_equal(m[3].offset, 8);
	assert_int_equal(m[3].type->size, 16);
	t = p.param[1].type;
	assert_int_equal(t->n, 2);
	assert_string_equal(t->enumerator[1].name, "B");
	assert_int_equal(t->enumerator[1].value, 8);
	assert_int_equal(p.param[2].type->kind, TY_PTR);
	assert_true(ty_strip(p.param[2].type->of)->flags & TY_CHAR);
	ty_pool_free(pool);
}

/* Every order of the words gives the same type. */
static void test_words(void **state)
{
	static const struct {
		const char *text;
		unsigned size;
		bool is_signed;
	} t[] = {
		{ "unsigned long long int", 8, false },
		{ "long unsigned int long", 8, false },
		{ "int long", 8, true },
		{ "short unsigned", 2, false },
		{ "signed", 4, true },
		{ "char unsigned", 1, false },
		{ "char", 1, true },
		{ "char signed", 1, true },
		{ "int signed short const", 2, true },
		{ "unsigned __int128", 16, false },
		{ "volatile unsigned const", 4, false },
	};
	struct ty_pool *pool;

	assert_int_equal(ty_pool_new(&pool), 0);
	for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
		char text[128];
		struct proto p;

		snprintf(text, sizeof(text), "void f(%s x)", t[i].text);
		assert_int_equal(proto_parse(text, pool, &p, NULL), 0);
		assert_int_equal(ty_strip(p.param[0].type)->size, t[i].size);
		assert_int_equal(!!(ty_strip(p.param[0].type)->flags & TY_SIGNED), t[i].is_signed);
	}
	ty_pool_free(pool);
}

static void test_limits(void **state)
{
	size_t n = 70000;
	char *text = malloc(n + 1);
	struct ty_pool *pool;
	struct proto p;

	assert_int_equal(ty_pool_new(&pool), 0);
	memset(text, ' ', n);
	text[n] = '\0';
	assert_int_equal(proto_parse(text, pool, &p, NULL), -E2BIG);
	/* thousands of nested parentheses and of parameters */
	memset(text, '(', n);
	memcpy(text, "int ", 4);
	text[60000] = '\0';
	assert_int_equal(proto_parse(text, pool, &p, NULL), -EBADMSG);
	strcpy(text, "int f(int");
	for (unsigned i = 0; i < 2000; i++)
		strcpy(text + 9 + 4 * i, ",int");
	strcat(text, ")");
	assert_int_equal(proto_parse(text, pool, &p, NULL), -E2BIG);
	ty_pool_free(pool);
	free(text);
}

static void test_mutations(void **state)
{
	struct mutator mut = { 20261122, "()[]{}*,;:.=&- 0123456789abcdefnstux_" };
	unsigned ok = 0;

	for (unsigned i = 0; i < MUTATIONS; i++) {
		char *text = mutate(&mut, good[i % ARRAY_LEN(good)].text), spelled[512];
		struct ty_pool *pool;
		struct diag d = { "" };
		struct func_model *m;
		struct proto p;
		int err;

		assert_int_equal(ty_pool_new(&pool), 0);
		err = proto_parse(text, pool, &p, &d);
		assert_true(err == 0 || err == -EBADMSG || err == -E2BIG);
		assert_true(!err == !*d.text);
		if (!err) {
			ok++;
			proto_format(&p, spelled, sizeof(spelled));
			err = func_model_from_proto(&p, &m, &d);
			assert_true(!err || err == -ENOTSUP || err == -E2BIG || err == -EBADMSG);
			if (!err)
				func_model_free(m);
		}
		ty_pool_free(pool);
		free(text);
	}
	assert_in_range(ok, MUTATIONS / 100, MUTATIONS * 2 / 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_members_and_names),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("model proto", tests, NULL, NULL);
}
