/*
 * tests/unit/model/signature_test.c - the text form, read and written, and what it refuses.
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

static const struct {
	const char *text, *places;
} good[] = {
	{ "void()", "| void | K=0" },
	{ "i32(void)", "| rax=r | K=0" },
	{ "i32(p,f64,{i64,f32,f32},u8)", "rdi=a0 xmm0=a1 rsi=a2.0 xmm1=a2.1 rdx=a3 | rax=r | K=0" },
	{ " i32 ( p , f64 ) ", "rdi=a0 xmm0=a1 | rax=r | K=0" },
	{ "bool(bool,i8,u8,i16,u16,i32,u32,u64)",
	  "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5 [8]=a6 [16]=a7 | rax=r | K=16" },
	{ "i128(u128)", "rdi=a0.0 rsi=a0.1 | rax=r.0 rdx=r.1 | K=0" },
	{ "f16(f16,f32,f128)", "xmm0=a0 xmm1=a1 xmm2=a2 | xmm0=r | K=0" },
	{ "x80(x80,cx80)", "[8]=a0 [24]=a1 | st0=r | K=48/16" },
	{ "cx80()", "| st0=r.0 st1=r.1 | K=0" },
	{ "v512(v64,v128,v256)", "xmm0=a0 xmm1=a1 ymm2=a2 | zmm0=r | K=0" },
	{ "{i64,i64,i64}(i32)", "rsi=a0 | [rdi]=r | K=0" },
	{ "{i64,f64}({f64,i64})", "xmm0=a0.0 rdi=a0.1 | rax=r.0 xmm0=r.1 | K=0" },
	{ "void(<i32|f64>,<f32|f64>)", "rdi=a0 xmm0=a1 | void | K=0" },
	{ "void(!{i8,i64},i32)", "[8]=a0 rdi=a1 | void | K=16" },
	{ "void({i64}@16,i32)", "rdi=a0 rsi=a1 | void | K=0" },
	{ "void(i32,{i64}@32,{i8}@64)", "rdi=a0 [8]=a1 [72]=a2 | void | K=128/64" },
	{ "void({i8,i64@16})", "[8]=a0 | void | K=32/16" },
	{ "void({f32[4]},{i32[2][2]})", "xmm0=a0.0 xmm1=a0.1 rdi=a1.0 rsi=a1.1 | void | K=0" },
	{ "void({i32,i8[0]})", "rdi=a0 | void | K=0" },
	{ "void({i32,i8[]},v32,b128)", "rdi=a0 rsi=a1 rdx=a2.0 rcx=a2.1 | void | K=0" },
	{ "void({i64}@128)", "[8]=a0 | void | K=?" },
	{ "void({},i32,!{}@16)", "-=a0 rdi=a1 -=a2 | void | K=0" },
	{ "void({i32:3,i32:29,i32:1})", "rdi=a0 | void | K=0" },
	{ "void({f64,i32:31,i32:2})", "xmm0=a0.0 rdi=a0.1 | void | K=0" },
	/* found by the differential test: unaligned bit-fields in a union; arrays by their first
	 * element; an X87UP that stands alone in a nested union */
	{ "void(!{u8,<i32:19>},!{u8,{i32:19}})", "[8]=a0 rdi=a1 | void | K=8" },
	{ "void({!{u32,u64:16}[2],i64:28})", "rdi=a0.0 rsi=a0.1 | void | K=0" },
	{ "<u64|u32[3]|<x80|i32[2]>@16>(i32)", "rsi=a0 | [rdi]=r | K=0" },
	{ "void(!{i8:3,f32@4})", "rdi=a0 | void | K=0" },
	{ "&{i32}(&{p,p,p},i32)", "*rsi=a0 rdx=a1 | [rdi]=r | K=0" },
	{ "void(p,p,p,p,p,p,&{i32})",
	  "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5 *[8]=a6 | void | K=8" },
	{ "i32(p,...)", "rdi=a0 | rax=r | K=?" },
	{ "i32(...)", "| rax=r | K=?" },
};

static void test_good(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
		struct func_model *m = NULL;
		struct diag d = { "" };
		char places[256];
		size_t n;
		int err = func_model_parse(good[i].text, &m, &d);

		if (err)
			print_error("%s: %s\n", good[i].text, d.text);
		assert_int_equal(err, 0);
		n = func_model_format(m, places, sizeof(places));
		assert_string_equal(places, good[i].places);
		assert_int_equal(n, strlen(places));
		func_model_free(m);
	}
}

static const struct {
	const char *text;
	int err;
	const char *why; /* part of the reason */
} bad[] = {
	{ "", -EBADMSG, "column 1: expected a type" },
	{ "i32", -EBADMSG, "column 4: expected '('" },
	{ "i32(", -EBADMSG, "column 5: expected a type" },
	{ "i32(i32", -EBADMSG, "column 8: expected ')'" },
	{ "i32(i32,)", -EBADMSG, "column 9: expected a type" },
	{ "i32(i33)", -EBADMSG, "column 5: expected a type" },
	{ "i32()x", -EBADMSG, "column 6: text behind" },
	{ "i32(...,i32)", -EBADMSG, "column 8: expected ')'" },
	{ "i32(void,i32)", -EBADMSG, "void and arrays" },
	{ "i32(i32[2])", -EBADMSG, "void and arrays" },
	{ "i32[2]()", -EBADMSG, "no type of a result" },
	{ "i32({i32)", -EBADMSG, "expected '}'" },
	{ "i32({void})", -EBADMSG, "not a type of a member" },
	{ "i32({&{i32}})", -EBADMSG, "not a type of a member" },
	{ "i32({i32,})", -EBADMSG, "expected a type" },
	{ "i32(<i32,i32>)", -EBADMSG, "expected '>'" },
	{ "i32(!i32)", -EBADMSG, "'!' stands before" },
	{ "i32(&i32)", -EBADMSG, "'&' stands before" },
	{ "i32({i32:33})", -EBADMSG, "not a bit-field" },
	{ "i32({i32:0})", -EBADMSG, "not a bit-field" },
	{ "i32({f32:3})", -EBADMSG, "not a bit-field" },
	{ "i32({i32}@3)", -EBADMSG, "power of two" },
	{ "i32({i32}@8192)", -EBADMSG, "power of two" },
	{ "i32({i32[x]})", -EBADMSG, "expected a number" },
	{ "i32({i32[4294967296]})", -EBADMSG, "number too large" },
	{ "i32({i32[4294967295]})", -EBADMSG, "more than 2 GiB" },
	{ "i32({i32[4]", -EBADMSG, "expected '}'" },
	{ "void({i8[2147483647],i8[2147483647],i8[2147483647]})", -EBADMSG, "more than 2 GiB" },
	{ "void({i8[65537]})", -E2BIG, "65536 bytes of stack arguments" },
	{ "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", -EBADMSG, "nested too deeply" },
	{ "!!!!", -EBADMSG, "'!' stands before" },
	{ "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&", -EBADMSG, "nested too deeply" },
};

static void test_bad(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		struct func_model *m = (void *)&m;
		struct diag d = { "" };

		assert_int_equal(func_model_parse(bad[i].text, &m, &d), bad[i].err);
		if (!strstr(d.text, bad[i].why))
			print_error("%s: %s\n", bad[i].text, d.text);
		assert_non_null(strstr(d.text, bad[i].why));
		assert_ptr_equal(m, &m);
		assert_int_equal(func_model_parse(bad[i].text, &m, NULL), bad[i].err);
	}
}

/* n times "i32" as parameters, in a heap block of exactly that size. */
static char *many(unsigned n)
{
	char *text = malloc(n * 4 + 16);
	size_t at = (size_t)sprintf(text, "void(");

	for (unsigned i = 0; i < n; i++)
		at += (size_t)sprintf(text + at, i ? ",i32" : "i32");
	strcpy(text + at, ")");
	return text;
}

static void test_limits(void **state)
{
	static const struct {
		unsigned n;
		int err;
	} t[] = { { 255, 0 }, { 256, -E2BIG }, { 1025, -E2BIG }, { 17000, -E2BIG } };

	for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
		struct func_model *m = NULL;
		char *text = many(t[i].n);

		assert_int_equal(func_model_parse(text, &m, NULL), t[i].err);
		if (m) {
			assert_int_equal(m->nslots, 255);
			assert_int_equal(m->ret.slot, 255);
			assert_int_equal(m->call.stack_bytes, 249 * 8);
		}
		func_model_free(m);
		free(text);
	}
}

static void test_format_cut(void **state)
{
	struct func_model *m;
	char text[64];

	assert_int_equal(func_model_parse("i32(p,f64)", &m, NULL), 0);
	for (size_t cap = 1; cap < sizeof(text); cap++) {
		memset(text, 'x', sizeof(text));
		func_model_format(m, text, cap);
		assert_int_equal(text[cap], 'x');
		assert_true(strlen(text) < cap);
	}
	assert_int_equal(func_model_format(m, text, 6), 5);
	assert_string_equal(text, "rdi=a");
	assert_int_equal(func_model_format(m, NULL, 0), 0);
	func_model_free(m);
}

static void test_mutations(void **state)
{
	struct mutator mut = { 20261122, "{}<>()[],|!&@:. 0123456789iufpxv" };
	unsigned ok = 0;

	for (unsigned i = 0; i < MUTATIONS; i++) {
		char *text = mutate(&mut, good[i % ARRAY_LEN(good)].text), places[4096];
		struct func_model *m = NULL;
		struct diag d = { "" };
		int err = func_model_parse(text, &m, &d);

		assert_true(err == 0 || err == -EBADMSG || err == -ENOTSUP || err == -E2BIG);
		assert_true(!err == !*d.text);
		if (!err) {
			ok++;
			assert_true(m->nslots <= FM_MAX_SLOTS);
			assert_true(m->call.stack_bytes <= FM_MAX_STACK);
			func_model_format(m, places, sizeof(places));
		}
		func_model_free(m);
		free(text);
	}
	/* both sides are reached, or the mutations test nothing */
	assert_in_range(ok, MUTATIONS / 100, MUTATIONS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),    cmocka_unit_test(test_format_cut),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("model signature", tests, NULL, NULL);
}
