/*
 * tests of info/type.h: the pool, stripping, C spelling.
 */
#include "info/type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct ty ty_void = { .kind = TY_VOID };
static const struct ty ty_int = { .kind = TY_INT, .flags = TY_SIGNED, .name = "int", .size = 4 };
static const struct ty ty_char = { .kind = TY_INT, .flags = TY_SIGNED | TY_CHAR, .name = "char" };
static const struct ty ty_double = { .kind = TY_FLOAT, .name = "double", .size = 8 };
static const struct ty const_char = { .kind = TY_QUAL, .name = "const", .of = &ty_char };
static const struct ty string = { .kind = TY_PTR, .of = &const_char, .size = 8 };
static const struct ty pt = { .kind = TY_STRUCT, .name = "pt", .size = 8 };

static void assert_text(const struct ty *t, const char *want)
{
	char out[300];
	size_t n = ty_format(t, out, sizeof(out));

	assert_string_equal(out, want);
	assert_int_equal(n, strlen(want));
}

static void test_pool(void **state)
{
	struct ty_pool *p;
	unsigned char *a, *big;
	const char *s;

	assert_int_equal(ty_pool_new(&p), 0);
	for (unsigned i = 0; i < 5000; i++) {
		a = ty_pool_alloc(p, i % 97);
		assert_non_null(a);
		assert_int_equal((uintptr_t)a % 16, 0);
		for (unsigned k = 0; k < i % 97; k++)
			assert_int_equal(a[k], 0);
		memset(a, 0xff, i % 97);
	}
	big = ty_pool_alloc(p, 1 << 20);
	assert_non_null(big);
	memset(big, 0xff, 1 << 20);
	a = ty_pool_alloc(p, 16);
	assert_int_equal(a[0], 0);
	s = ty_pool_str(p, "hello");
	assert_string_equal(s, "hello");
	assert_string_equal(ty_pool_str(p, NULL), "");
	assert_null(ty_pool_alloc(p, SIZE_MAX));
	ty_pool_free(p);
	ty_pool_free(NULL);
}

static void test_strip(void **state)
{
	struct ty loop = { .kind = TY_TYPEDEF, .name = "loop" };
	struct ty td = { .kind = TY_TYPEDEF, .name = "T", .of = &const_char };

	assert_ptr_equal(ty_strip(&td), &ty_char);
	assert_ptr_equal(ty_strip(&ty_int), &ty_int);
	loop.of = &loop;
	assert_int_equal(ty_strip(&loop)->kind, TY_UNKNOWN);
	assert_int_equal(ty_strip(NULL)->kind, TY_UNKNOWN);
}

static void test_format_plain(void **state)
{
	struct ty td = { .kind = TY_TYPEDEF, .name = "size_t", .of = &ty_int };
	struct ty un = { .kind = TY_UNION, .name = "" };
	struct ty en = { .kind = TY_ENUM, .name = "color" };
	struct ty cls = { .kind = TY_STRUCT, .flags = TY_CLASS, .name = "ns::C" };
	struct ty ref = { .kind = TY_PTR, .flags = TY_REFERENCE, .of = &cls };
	struct ty unknown = { .kind = TY_UNKNOWN, .name = "struct hidden" };
	struct ty punknown = { .kind = TY_PTR, .of = &unknown };
	struct ty bad = { .kind = TY_INT, .name = "a\nb\x1b" };

	assert_text(&ty_int, "int");
	assert_text(NULL, "void");
	assert_text(&ty_void, "void");
	assert_text(&pt, "struct pt");
	assert_text(&td, "size_t");
	assert_text(&un, "union {...}");
	assert_text(&en, "enum color");
	assert_text(&cls, "ns::C");
	assert_text(&ref, "ns::C &");
	assert_text(&punknown, "struct hidden *");
	assert_text(&bad, "a?b?");
}

static void test_format_declarators(void **state)
{
	struct ty arr = { .kind = TY_ARRAY, .n = 4, .of = &ty_int };
	struct ty arr2 = { .kind = TY_ARRAY, .n = 3, .of = &arr };
	struct ty flex = { .kind = TY_ARRAY, .flags = TY_UNSIZED, .of = &ty_int };
	struct ty parr = { .kind = TY_PTR, .of = &arr };
	struct ty fn = { .kind = TY_FUNC, .of = &ty_int };
	struct ty pfn = { .kind = TY_PTR, .of = &fn };
	struct ty apfn = { .kind = TY_ARRAY, .n = 2, .of = &pfn };
	struct ty cp = { .kind = TY_QUAL, .name = "const", .of = &string };
	struct ty pcp = { .kind = TY_PTR, .of = &cp };
	struct ty vol = { .kind = TY_QUAL, .name = "volatile", .of = &const_char };
	struct ty pvoid = { .kind = TY_PTR };
	struct ty cpfn = { .kind = TY_QUAL, .name = "const", .of = &pfn };

	assert_text(&string, "const char *");
	assert_text(&arr, "int[4]");
	assert_text(&arr2, "int[3][4]");
	assert_text(&flex, "int[]");
	assert_text(&parr, "int (*)[4]");
	assert_text(&pfn, "int (*)()");
	assert_text(&apfn, "int (*[2])()");
	assert_text(&cp, "const char *const");
	assert_text(&pcp, "const char *const *");
	assert_text(&vol, "volatile const char");
	assert_text(&pvoid, "void *");
	assert_text(&cpfn, "int (*const)()");
}

static void test_format_limits(void **state)
{
	struct ty loop = { .kind = TY_PTR };
	char out[300], tiny[6];

	loop.of = &loop;
	ty_format(&loop, out, sizeof(out));
	assert_non_null(strstr(out, "..."));
	assert_int_equal(ty_format(&string, tiny, sizeof(tiny)), 5);
	assert_string_equal(tiny, "const");
	assert_int_equal(ty_format(&string, tiny, 1), 0);
	assert_string_equal(tiny, "");
	assert_int_equal(ty_format(&string, NULL, 0), 0);
}

static void assert_proto(const struct proto *p, const char *want)
{
	char out[300];

	assert_int_equal(proto_format(p, out, sizeof(out)), strlen(want));
	assert_string_equal(out, want);
}

static void test_proto(void **state)
{
	struct ty fn = { .kind = TY_FUNC, .of = &ty_int };
	struct ty pfn = { .kind = TY_PTR, .of = &fn };
	struct ty cstring = { .kind = TY_QUAL, .name = "const", .of = &string };
	struct proto_param one[] = { { .name = "s", .type = &string },
				     { .name = "", .type = &ty_double } };
	struct proto_param cb[] = { { .name = "cb", .type = &pfn },
				    { .name = "c", .type = &cstring } };
	struct proto p = { .name = "f", .ret = &ty_int, .nparams = 2, .param = one };

	assert_proto(&p, "int f(const char *s, double)");
	p.variadic = true;
	assert_proto(&p, "int f(const char *s, double, ...)");
	p = (struct proto){ .name = "g", .ret = &ty_void };
	assert_proto(&p, "void g(void)");
	p.unprototyped = true;
	assert_proto(&p, "void g()");
	p = (struct proto){ .name = "h", .ret = &pfn, .nparams = 2, .param = cb };
	assert_proto(&p, "int (*h(int (*cb)(), const char *const c))()");
	p = (struct proto){ .name = "s", .ret = &string };
	assert_proto(&p, "const char *s(void)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool),          cmocka_unit_test(test_strip),
		cmocka_unit_test(test_format_plain),  cmocka_unit_test(test_format_declarators),
		cmocka_unit_test(test_format_limits), cmocka_unit_test(test_proto),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
