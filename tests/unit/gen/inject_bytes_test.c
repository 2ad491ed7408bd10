/*
 * inject_bytes_test.c - the bytes of values that are no word: 128 bits, long double, complex,
 * what stands in braces.  And half precision, which is a word.
 */
#include "gen/inject.h"
#include "model/proto_parser.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* want: hex; of a word 16 digits, most significant first. */
static const struct row {
	const char *ret, *text, *want;
} good[] = {
	{ "_Float16", "1.5", "0000000000003e00" },
	{ "_Float16", "-0", "0000000000008000" },
	{ "_Float16", "65504", "0000000000007bff" },
	{ "_Float16", "65519", "0000000000007bff" },
	{ "_Float16", "0x1p-24", "0000000000000001" },
	{ "_Float16", "0x1p-14", "0000000000000400" },
	{ "_Float16", "2049", "0000000000006800" },
	{ "_Float16", "4095.9", "0000000000006c00" },
	{ "_Float16", "inf", "0000000000007c00" },
	{ "int", "'\\x41'", "0000000000000041" },
	{ "int", "'\\101'", "0000000000000041" },
	{ "int", "'\\0'", "0000000000000000" },
	{ "__int128", "-1", "ffffffffffffffffffffffffffffffff" },
	{ "__int128", NULL, "ffffffffffffffffffffffffffffffff" },
	{ "unsigned __int128", "0x0102030405060708090a0b0c0d0e0f10",
	  "100f0e0d0c0b0a090807060504030201" },
	{ "__int128", "18446744073709551616", "00000000000000000100000000000000" },
	{ "long double", "1.5", "00000000000000c0ff3f000000000000" },
	{ "long double", "-inf", "0000000000000080ffff000000000000" },
	{ "_Float128", "-1.5", "0000000000000000000000000080ffbf" },
	/* of which a long double has too few digits */
	{ "_Float128", "0.1", "9a99999999999999999999999999fb3f" },
	{ "float _Complex", "1+2i", "0000803f00000040" },
	{ "float _Complex", "-2i", "00000000000000c0" },
	{ "double _Complex", "1e0-5e-1i", "000000000000f03f000000000000e0bf" },
	{ "double _Complex", "0.5", "000000000000e03f0000000000000000" },
	{ "long double _Complex", "1.5-1.5i",
	  "00000000000000c0ff3f00000000000000000000000000c0ffbf000000000000" },
	{ "struct { int x; short y; }", "{1, 2}", "0100000002000000" },
	{ "struct { int x; short y; }", " { 0x10 , -2 , } ", "10000000feff0000" },
	{ "struct { int x; short y; }", "{.y = 3}", "0000000003000000" },
	{ "struct { int x; short y; }", "{.y=3,.x=4}", "0400000003000000" },
	{ "struct { int x; short y; }", "{}", "0000000000000000" },
	{ "struct { struct { int a, b; } s; char c; }", "{ 0 }", "000000000000000000000000" },
	{ "struct { struct { int a, b; } s; char c; }", "{{1, 2}, ','}",
	  "01000000020000002c000000" },
	{ "struct { struct { int a, b; } s; char c; }", "{.s.b = 7, '}'}",
	  "00000000070000007d000000" },
	{ "struct { struct { int a, b; }; char c; }", "{.b = 7, 'A'}", "000000000700000041000000" },
	{ "struct { char s[4]; int n; }", "{\"ab\", 1}", "6162000001000000" },
	{ "struct { char s[4]; int n; }", "{\"a,}\\x01\"}", "612c7d0100000000" },
	{ "struct { unsigned char s[4]; }", "{{1, [3] = 2}}", "01000002" },
	{ "struct { unsigned char s[4]; }", "{.s[1] = 5}", "00050000" },
	{ "struct { double d; void *p; }", "{.5, NULL}", "000000000000e03f0000000000000000" },
	{ "union { short i; double d; }", "{3}", "0300000000000000" },
	{ "union { short i; double d; }", "{.d = 0.5}", "000000000000e03f" },
};

static const struct refusal {
	const char *ret, *text, *word;
} bad[] = {
	{ "int", "''", "integer" },
	{ "int", "'\\q'", "integer" },
	{ "int", "'\\x'", "integer" },
	{ "int", "'\\400'", "integer" },
	{ "int", "'ab'", "integer" },
	{ "int", "08", "integer" },
	{ "int", "0x", "integer" },
	{ "void *", "18446744073709551616", "NULL" },
	{ "__int128", "340282366920938463463374607431768211456", "integer" },
	{ "__int128", "-170141183460469231731687303715884105729", "fits" },
	{ "unsigned __int128", "-1", "fits" },
	{ "unsigned __int128", NULL, "failure is not known" },
	{ "long double", NULL, "failure is not known" },
	{ "long double", "1e5000", "range" },
	{ "long double", "1.5L", "number" },
	{ "_Float16", "65520", "range" },
	{ "double", " 1", "number" },
	{ "double _Complex", "1+2", "1+2i" },
	{ "double _Complex", "1+2ii", "1+2i" },
	{ "double _Complex", "i", "1+2i" },
	{ "double _Complex", "1+ 2i", "1+2i" },
	{ "float _Complex", "1-1e40i", "range" },
	{ "struct { int x; }", "1", "give values in braces" },
	{ "struct { int x; }", "{1, 2}", "so many" },
	{ "struct { int x; }", "{1", "a comma between values" },
	{ "struct { int x; }", "{1}}", "nothing behind" },
	{ "struct { int x; }", "{.y = 1}", "the names of its members" },
	{ "struct { int x; }", "{[0] = 1}", "[N] in arrays" },
	{ "struct { int x; }", "{.x 1}", "= behind" },
	{ "struct { int x; }", "{.x.y = 1}", "the names of its members" },
	{ "struct { int x; }", "{x}", "integer" },
	{ "struct { int x; }", "{}x", "nothing behind" },
	{ "struct { int x; }", NULL, "failure is not known" },
	{ "struct { int x[2]; }", "{{1, 2, 3}}", "so many" },
	{ "struct { int x[2]; }", "{{[2] = 1}}", "so many" },
	{ "struct { int x[2]; }", "{{[x] = 1}}", "[N]" },
	{ "struct { int x[2]; }", "{{.x = 1}}", "names of its members" },
	{ "struct { int x[2]; }", "{1, 2}", "values in braces" },
	{ "struct { char s[3]; }", "{\"abcd\"}", "a shorter string" },
	{ "struct { char s[3]; }", "{\"ab", "closing quote" },
	{ "struct { char s[3]; }", "{\"\\q\"}", "an escape" },
	{ "struct { char *s; }", "{\"abc\"}", "no string to point to" },
	{ "union { int i; double d; }", "{1, 2}", "so many" },
};

static int value_of(const char *ret, const char *text, struct gen_value *out, struct diag *d)
{
	struct ty_pool *pool;
	struct proto p;
	char proto[128];
	int err;

	assert_int_equal(ty_pool_new(&pool), 0);
	snprintf(proto, sizeof(proto), "%s f(void)", ret);
	if (proto_parse(proto, pool, &p, d))
		fail_msg("%s: %s", ret, d->text);
	err = gen_inject_value(text, p.ret, out, d);
	ty_pool_free(pool);
	return err;
}

static void show(const struct gen_value *v, char *out, size_t cap)
{
	out[0] = '\0';
	if (!v->bytes)
		snprintf(out, cap, "%016lx", v->word);
	for (size_t i = 0; v->bytes && i < v->size && 2 * i + 2 < cap; i++)
		snprintf(out + 2 * i, 3, "%02x", v->bytes[i]);
}

static void bytes_are_those_of_c(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const struct row *r = &good[i];
		struct diag d = { "" };
		struct gen_value v;
		char have[80];
		int err = value_of(r->ret, r->text, &v, &d);

		show(&v, have, sizeof(have));
		if (err || strcmp(have, r->want))
			fail_msg("%s %s: %d %s, want %s %s", r->ret, r->text ? r->text : "-", err,
				 have, r->want, d.text);
		gen_value_free(&v);
	}
}

static void what_is_none_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct refusal *r = &bad[i];
		struct diag d = { "" };
		struct gen_value v;
		int err = value_of(r->ret, r->text, &v, &d);

		if (err != -EINVAL || v.bytes || !strstr(d.text, r->word))
			fail_msg("%s %s: %d '%s'", r->ret, r->text ? r->text : "-", err, d.text);
	}
}

/* As DWARF tells them: these cannot be written in a prototype. */
static const struct ty t_int = { .kind = TY_INT, .flags = TY_SIGNED, .name = "int", .size = 4 };

static void bit_fields(void **state)
{
	static const struct ty_member fields[] = {
		{ .name = "a", .type = &t_int, .bits = 3 },
		{ .name = "b", .type = &t_int, .bit_offset = 3, .bits = 12 },
		{ .name = "far", .type = &t_int, .offset = 2 },
	};
	static const struct ty bits = {
		.kind = TY_STRUCT, .name = "bits", .size = 4, .n = 3, .member = fields
	};
	struct gen_value v, w;
	struct diag d = { "" };

	(void)state;
	assert_int_equal(gen_inject_value("{-4, 0x5a5}", &bits, &v, &d), 0);
	assert_memory_equal(v.bytes, "\x2c\x2d\0\0", 4);
	assert_int_equal(gen_inject_value("{.b = 0x5a5, .a = -4}", &bits, &w, &d), 0);
	assert_true(gen_value_same(&v, &w));
	gen_value_free(&w);
	assert_int_equal(gen_inject_value("{-3, 0x5a5}", &bits, &w, &d), 0);
	assert_false(gen_value_same(&v, &w));
	gen_value_free(&v);
	gen_value_free(&w);
	assert_int_equal(gen_inject_value("{8}", &bits, &v, &d), -EINVAL);
	assert_non_null(strstr(d.text, "one that fits"));
	/* a member that is said to lie outside */
	assert_int_equal(gen_inject_value("{.far = 1}", &bits, &v, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "what it holds is not known"));
}

static void vectors(void **state)
{
	static const struct ty vector = {
		.kind = TY_ARRAY, .flags = TY_VECTOR, .name = "", .size = 16, .n = 4, .of = &t_int
	};
	struct diag d = { "" };
	struct gen_value v;

	(void)state;
	assert_int_equal(gen_inject_value("{1, -1, [3] = 2}", &vector, &v, &d), 0);
	assert_memory_equal(v.bytes, "\1\0\0\0\xff\xff\xff\xff\0\0\0\0\2\0\0\0", 16);
	gen_value_free(&v);
	assert_int_equal(gen_inject_value("\"abc\"", &vector, &v, &d), -EINVAL);
}

/* Declared, never defined. */
static void what_is_not_known(void **state)
{
	static const struct ty unknown = { .kind = TY_UNKNOWN, .name = "struct foo", .size = 4 };
	struct diag d = { "" };
	struct gen_value v;

	(void)state;
	assert_int_equal(gen_inject_value("{1}", &unknown, &v, &d), -ENOTSUP);
	assert_non_null(strstr(d.text, "a result of type struct foo cannot be written"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_those_of_c), cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(bit_fields),           cmocka_unit_test(vectors),
		cmocka_unit_test(what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
