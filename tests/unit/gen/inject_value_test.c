/*
 * inject_value_test.c - what the result slot holds for a value's text, type by type.
 */
#include "gen/inject.h"
#include "model/proto_parser.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct ty_enumerator colours[] = { { "RED", 1 }, { "BLUE", -2 } };
static const struct ty colour = { .kind = TY_ENUM,
				  .flags = TY_SIGNED,
				  .name = "colour",
				  .size = 4,
				  .n = 2,
				  .enumerator = colours };

static const struct row {
	const char *ret, *text;
	uint64_t want;
} good[] = {
	{ "int", "0", 0 },
	{ "int", "-1", UINT64_MAX },
	{ "int", "2147483647", 0x7fffffff },
	{ "int", "-2147483648", 0xffffffff80000000 },
	{ "int", "0xffffffff", UINT64_MAX },
	{ "int", "010", 8 },
	{ "int", "+7", 7 },
	{ "int", "'A'", 65 },
	{ "int", "'\\n'", 10 },
	{ "unsigned", "0xffffffff", 0xffffffff },
	{ "unsigned char", "255", 255 },
	{ "signed char", "-128", UINT64_MAX - 127 },
	{ "char", "'\\\\'", '\\' },
	{ "short", "0x8000", 0xffffffffffff8000 },
	{ "long", "-9223372036854775808", 0x8000000000000000 },
	{ "unsigned long", "18446744073709551615", UINT64_MAX },
	{ "size_t", "0", 0 },
	{ "_Bool", "true", 1 },
	{ "_Bool", "0", 0 },
	{ "void *", "NULL", 0 },
	{ "void *", "0", 0 },
	{ "char *", "0x7fff00001000", 0x7fff00001000 },
	{ "void *", "-1", UINT64_MAX },
	{ "double", "0.5", 0x3fe0000000000000 },
	{ "double", "-0", 0x8000000000000000 },
	{ "double", "inf", 0x7ff0000000000000 },
	{ "float", "1.5", 0x3fc00000 },
	{ "void", "void", 0 },
	{ "int", NULL, UINT64_MAX },
	{ "long", NULL, UINT64_MAX },
	{ "char *", NULL, 0 },
	{ "void", NULL, 0 },
};

static const struct refusal {
	const char *ret, *text;
	int err;
	const char *word;
} bad[] = {
	{ "int", "4294967296", -EINVAL, "fits" },
	{ "int", "-2147483649", -EINVAL, "fits" },
	{ "unsigned", "-1", -EINVAL, "fits" },
	{ "unsigned char", "256", -EINVAL, "fits" },
	{ "int", "", -EINVAL, "integer" },
	{ "int", "1x", -EINVAL, "integer" },
	{ "int", "NULL", -EINVAL, "integer" },
	{ "int", "--1", -EINVAL, "integer" },
	{ "int", "1.5", -EINVAL, "integer" },
	{ "int", "18446744073709551616", -EINVAL, "fits" },
	{ "_Bool", "2", -EINVAL, "true or false" },
	{ "void *", "nil", -EINVAL, "NULL" },
	{ "double", "abc", -EINVAL, "number" },
	{ "float", "1e40", -EINVAL, "range" },
	{ "double", "-1e400", -EINVAL, "range" },
	{ "double", "1.5x", -EINVAL, "number" },
	{ "void", "0", -EINVAL, "void" },
	{ "unsigned", NULL, -EINVAL, "unsigned" },
	{ "double", NULL, -EINVAL, "double" },
};

static int value_of(const char *ret, const char *text, struct gen_value *out, struct diag *d)
{
	struct ty_pool *pool;
	struct proto p;
	char proto[64];
	int err;

	assert_int_equal(ty_pool_new(&pool), 0);
	snprintf(proto, sizeof(proto), "%s f(void)", ret);
	assert_int_equal(proto_parse(proto, pool, &p, d), 0);
	err = gen_inject_value(text, p.ret, out, d);
	ty_pool_free(pool);
	return err;
}

static void values_are_as_in_c(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct diag d = { "" };
		struct gen_value v = { .word = 0x5a5a };

		if (value_of(good[i].ret, good[i].text, &v, &d) || v.bytes ||
		    v.word != good[i].want)
			fail_msg("%s %s: %#lx %s", good[i].ret, good[i].text ? good[i].text : "-",
				 v.word, d.text);
	}
}

static void what_is_none_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diag d = { "" };
		struct gen_value v;
		int err = value_of(bad[i].ret, bad[i].text, &v, &d);

		if (err != bad[i].err || !strstr(d.text, bad[i].word))
			fail_msg("%s %s: %d '%s'", bad[i].ret, bad[i].text ? bad[i].text : "-", err,
				 d.text);
	}
}

static void enumerators_by_name(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} rows[] = { { "RED", 1 },          { "BLUE", -2ull },  { "7", 7 },
		     { "BLUE|RED", -1ull }, { "RED | RED", 1 }, { "colour::RED", 1 } };
	struct diag d = { "" };
	struct gen_value v;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (gen_inject_value(rows[i].text, &colour, &v, &d) || v.bytes ||
		    v.word != rows[i].want)
			fail_msg("%s: %#lx", rows[i].text, v.word);
	}
	assert_int_equal(gen_inject_value("RED|", &colour, &v, &d), -EINVAL);
	assert_int_equal(gen_inject_value("", &colour, &v, &d), -EINVAL);
	assert_int_equal(gen_inject_value("GREEN", &colour, &v, &d), -EINVAL);
	assert_non_null(strstr(d.text, "enumerators"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_as_in_c),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(enumerators_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
