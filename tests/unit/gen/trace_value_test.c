/* gen/value.c: types as debug information may have them, also broken ones. */
#include "rig.h"

static const struct ty t_int = { .kind = TY_INT, .name = "int", .size = 4, .flags = TY_SIGNED };
static const struct ty t_u8 = { .kind = TY_INT, .name = "u8", .size = 1 };
static const struct ty t_char = {
	.kind = TY_INT, .name = "char", .size = 1, .flags = TY_CHAR | TY_SIGNED
};
static const struct ty t_bool = { .kind = TY_INT, .name = "_Bool", .size = 1, .flags = TY_BOOL };
static const struct ty t_double = { .kind = TY_FLOAT, .name = "double", .size = 8 };
static const struct ty t_x87 = {
	.kind = TY_FLOAT, .name = "long double", .size = 16, .flags = TY_X87
};
static const struct ty t_ptr = { .kind = TY_PTR, .name = "", .size = 8, .of = &t_int };
static const struct ty t_i128 = { .kind = TY_INT, .name = "i", .size = 16, .flags = TY_SIGNED };
static const struct ty t_wide = { .kind = TY_INT, .name = "_BitInt(192)", .size = 24 };
static const struct ty t_zero = { .kind = TY_INT, .name = "zero", .size = 0 };
static const struct ty t_huge = { .kind = TY_INT, .name = "huge", .size = 1ull << 40 };
static const struct ty t_unknown = { .kind = TY_UNKNOWN, .name = "struct x", .size = 4 };
static const struct ty t_void = { .kind = TY_VOID, .name = "" };

static const struct ty_enumerator signs[] = { { "MINUS", -1 }, { "ZERO", 0 }, { "BIG", 300 } };
static const struct ty t_enum = {
	.kind = TY_ENUM, .name = "signs", .size = 4, .flags = TY_SIGNED, .n = 3, .enumerator = signs
};
static const struct ty_enumerator high[] = { { "TOP", (int64_t)0x80000000 }, { "ALL", -1 } };
static const struct ty t_uenum = {
	.kind = TY_ENUM, .name = "high", .size = 4, .n = 2, .enumerator = high
};
static const struct ty_enumerator wide[] = { { "W", INT64_MIN } };
static const struct ty t_enum8 = {
	.kind = TY_ENUM, .name = "", .size = 8, .flags = TY_SIGNED, .n = 1, .enumerator = wide
};

/* too small for its names but one */
static const struct ty_member few_m[] = { { "a", &t_uenum, 0, 0, 9 }, { "b", &t_enum, 1, 1, 7 } };
static const struct ty s_few = {
	.kind = TY_STRUCT, .name = "few", .size = 2, .n = 2, .member = few_m
};
static const struct ty t_bf16 = { .kind = TY_FLOAT, .name = "__bf16", .size = 2 };
static const struct ty t_quad = { .kind = TY_FLOAT, .name = "_Float128", .size = 16 };

/* flags: single bits, unions of them, and 0 */
static const struct ty_enumerator perm[] = { { "NONE", 0 }, { "R", 1 },     { "W", 2 }, { "RW", 3 },
					     { "X", 4 },    { "AGAIN", 4 }, { "S", 8 } };
static const struct ty t_perm = {
	.kind = TY_ENUM, .name = "perm", .size = 4, .n = 7, .enumerator = perm
};
static const struct ty t_perm8 = {
	.kind = TY_ENUM, .name = "perm", .size = 1, .n = 7, .enumerator = perm
};
static const struct ty t_signed_perm = {
	.kind = TY_ENUM, .name = "perm", .size = 4, .flags = TY_SIGNED, .n = 7, .enumerator = perm
};
static const struct ty_enumerator wide_flags[] = { { "LO", 1 }, { "HI", INT64_MIN }, { NULL, 2 } };
static const struct ty t_wide_flags = {
	.kind = TY_ENUM, .name = "", .size = 8, .n = 3, .enumerator = wide_flags
};
static const struct ty_enumerator fives[] = { { "ONE", 1 }, { "TWO", 2 }, { "FIVE", 5 } };
static const struct ty t_fives = {
	.kind = TY_ENUM, .name = "", .size = 4, .n = 3, .enumerator = fives
};
static const struct ty_member perms_m[] = { { "a", &t_perm, 0, 0, 3 }, { "b", &t_perm, 0, 3, 5 } };
static const struct ty s_perms = {
	.kind = TY_STRUCT, .name = "perms", .size = 1, .n = 2, .member = perms_m
};

static const struct ty a_int3 = { .kind = TY_ARRAY, .name = "", .size = 12, .n = 3, .of = &t_int };
static const struct ty a_char4 = { .kind = TY_ARRAY, .name = "", .size = 4, .n = 4, .of = &t_char };
static const struct ty a_flex = {
	.kind = TY_ARRAY, .name = "", .flags = TY_UNSIZED, .n = 5, .of = &t_int
};
static const struct ty a_zero = {
	.kind = TY_ARRAY, .name = "", .n = UINT64_MAX, .size = 8, .of = &t_zero
};
static const struct ty a_endless = {
	.kind = TY_ARRAY, .name = "", .n = UINT64_MAX, .size = 8, .of = &t_u8
};

static const struct ty_member bits_m[] = {
	{ "a", &t_int, 0, 0, 3 },
	{ "e", &t_enum, 0, 3, 2 },
	{ "", &t_int, 0, 5, 2 },
	{ "b", &t_bool, 0, 7, 1 },
	{ "x", &t_u8, 1, 4, 8 },
	{ "far", &t_int, 9, 0, 3 },
	{ "p", &t_ptr, 0, 0, 3 },
	{ "w", &t_i128, 0, 0, 65 },
	{ "over", &t_int, 1ull << 63, 0, 1 },
	{ "tail", &t_int, 0, 62, 3 },
};
static const struct ty s_bits = {
	.kind = TY_STRUCT, .name = "bits", .size = 8, .n = 10, .member = bits_m
};

static const struct ty_member anon_m[] = { { "u", &t_int, 0, 0, 0 }, { "v", &t_int, 0, 0, 0 } };
static const struct ty u_anon = {
	.kind = TY_UNION, .name = "", .size = 4, .n = 2, .member = anon_m
};
static const struct ty_member outer_m[] = {
	{ "a\n", &t_int, 0, 0, 0 },   { "", &u_anon, 4, 0, 0 },      { "arr", &a_int3, 8, 0, 0 },
	{ "s", &a_char4, 20, 0, 0 },  { "flex", &a_flex, 24, 0, 0 }, { NULL, NULL, 0, 0, 0 },
	{ "past", &t_int, 99, 0, 0 },
};
static const struct ty s_outer = {
	.kind = TY_STRUCT, .name = "outer", .size = 24, .n = 7, .member = outer_m
};

/* contains itself, by value */
static const struct ty s_loop;
static const struct ty_member loop_m[] = { { "l", &s_loop, 0, 0, 0 }, { "m", &s_loop, 0, 0, 0 } };
static const struct ty s_loop = {
	.kind = TY_STRUCT, .name = "loop", .size = 8, .n = 2, .member = loop_m
};
static const struct ty s_anon_loop;
static const struct ty_member anon_loop_m[] = { { "", &s_anon_loop, 0, 0, 0 },
						{ "", &s_anon_loop, 0, 0, 0 } };
static const struct ty s_anon_loop = {
	.kind = TY_STRUCT, .name = "", .size = 8, .n = 2, .member = anon_loop_m
};
static const struct ty td_loop = { .kind = TY_TYPEDEF, .name = "td", .of = &td_loop };
static const struct ty s_none = { .kind = TY_STRUCT, .name = "none", .size = 8, .n = 4 };
static const struct ty e_none = { .kind = TY_ENUM, .name = "none", .size = 4, .n = 4 };

static const uint8_t word[8] = { 0x9d, 0xb7, 0x0c, 0, 0, 0, 0, 0x80 };
static const uint8_t ones[24] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
				  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
static const uint8_t outer[24] = { 1, 0, 0, 0, 2, 0, 0, 0, 3,   0,   0,   0,
				   4, 0, 0, 0, 5, 0, 0, 0, 'a', 'b', 'c', 'd' };

static const struct ty_member base_m[] = { { "x", &t_int, 0 } };
static const struct ty s_base = {
	.kind = TY_STRUCT, .name = "A", .size = 4, .n = 1, .member = base_m
};
static const struct ty_member derived_m[] = { { "", &s_base, 0 }, { "x", &t_int, 4 } };
static const struct ty s_derived = {
	.kind = TY_STRUCT, .name = "B", .size = 8, .n = 2, .member = derived_m
};
/* bases that hold nothing */
static const struct ty s_empty = { .kind = TY_STRUCT, .name = "E", .size = 1 };
static const struct ty_member hollow_m[] = { { "", &s_empty, 0 } };
static const struct ty s_hollow = {
	.kind = TY_STRUCT, .name = "H", .size = 1, .n = 1, .member = hollow_m
};
static const struct ty_member filled_m[] = { { "", &s_hollow, 0 },
					     { "x", &t_int, 0 },
					     { "e", &s_empty, 4 } };
static const struct ty s_filled = {
	.kind = TY_STRUCT, .name = "F", .size = 8, .n = 3, .member = filled_m
};
/* functions */
static const struct ty t_code = { .kind = TY_FUNC, .name = "" };
static const struct ty t_handler = { .kind = TY_PTR, .name = "", .size = 8, .of = &t_code };
static const struct ty td_handler = { .kind = TY_TYPEDEF, .name = "h", .of = &t_handler };
static const struct ty_member methods_m[] = { { "call", &td_handler, 0 }, { "p", &t_ptr, 8 } };
static const struct ty s_methods = {
	.kind = TY_STRUCT, .name = "M", .size = 16, .n = 2, .member = methods_m
};
static const struct ty_member wide_m[] = { { "a", &t_i128, 0, 0, 100 } };
static const struct ty s_wide_bits = {
	.kind = TY_STRUCT, .name = "W", .size = 16, .n = 1, .member = wide_m
};
static const uint8_t minus_five[16] = { 0xfb, 255, 255, 255, 255, 255, 255,
					255,  255, 255, 255, 255, 0x0f };

static const struct {
	const struct ty *t;
	const void *bytes;
	size_t n;
	const char *json, *text;
} cases[] = {
	{ &t_int, ones, 4, "-1", "-1" },
	{ &s_derived, "\1\0\0\0\2\0\0", 8, "{\"A\":{\"x\":1},\"x\":2}", "{A={x=1}, x=2}" },
	{ &s_wide_bits, minus_five, 16, "{\"a\":\"-5\"}", "{a=-5}" },
	{ &t_int, ones, 3, "null", "?" },
	{ &t_int, ones, 0, "null", "?" },
	{ &t_char, "a", 1, "97", "'a'" },
	{ &t_bool, ones, 1, "true", "true" },
	{ &t_double, ones, 8, "\"nan\"", "nan" },
	{ &t_x87, ones, 9, "null", "?" },
	{ &t_x87, ones, 10, "\"nan\"", "nan" },
	{ &t_ptr, word, 8, "\"0x80000000000cb79d\"", "0x80000000000cb79d" },
	{ &t_i128, ones, 16, "\"-1\"", "-1" },
	{ &t_wide, ones, 24, "\"0xffffffffffffffffffffffffffffffffffffffffffffffff\"",
	  "0xffffffffffffffffffffffffffffffffffffffffffffffff" },
	{ &t_wide, ones, 23, "null", "?" },
	{ &t_zero, ones, 8, "null", "?" },
	{ &t_huge, ones, 8, "null", "?" },
	{ &t_unknown, ones, 4, "\"0xffffffff\"", "0xffffffff" },
	{ &t_void, ones, 4, "null", "?" },
	{ &t_enum, ones, 4, "\"MINUS\"", "MINUS" },
	{ &t_enum, "\x2c\x01\0\0", 4, "\"BIG\"", "BIG" },
	{ &t_enum, "\x2d\x01\0\0", 4, "301", "301" },
	{ &t_enum, "\xfe\xff\xff\xff", 4, "-2", "-2" },
	{ &t_uenum, "\0\0\0\x80", 4, "\"TOP\"", "TOP" },
	{ &t_uenum, ones, 4, "\"ALL\"", "ALL" },
	{ &t_uenum, "\xfe\xff\xff\xff", 4, "4294967294", "4294967294" },
	{ &t_enum8, "\0\0\0\0\0\0\0\x80", 8, "\"W\"", "W" },
	{ &e_none, ones, 4, "4294967295", "4294967295" },
	{ &s_few, "\0X", 2, "{\"a\":0,\"b\":44}", "{a=0, b=44}" },
	{ &s_few, ones, 2, "{\"a\":511,\"b\":\"MINUS\"}", "{a=511, b=MINUS}" },
	/* 1 + 2^-64 + 2^-112, 1 + 2^-64, 1 + 3 * 2^-64, the last below 2, the least that is normal */
	{ &t_quad, "\1\0\0\0\0\0\1\0\0\0\0\0\0\0\xff\x3f", 16, "1.0000000000000000001",
	  "1.0000000000000000001" },
	{ &t_bf16, "\xc0\x3f", 2, "1.5", "1.5" },
	{ &t_quad, "\0\0\0\0\0\0\1\0\0\0\0\0\0\0\xff\x3f", 16, "1", "1" },
	{ &t_quad, "\0\0\0\0\0\0\3\0\0\0\0\0\0\0\xff\x3f", 16, "1.0000000000000000002",
	  "1.0000000000000000002" },
	{ &t_quad, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x3f", 16, "2",
	  "2" },
	{ &t_quad, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x80", 16, "-3.3621031431120935063e-4932",
	  "-3.3621031431120935063e-4932" },
	{ &t_perm, "\0\0\0", 4, "\"NONE\"", "NONE" },
	{ &t_perm, "\3\0\0", 4, "\"RW\"", "RW" },
	{ &t_perm, "\7\0\0", 4, "\"R|W|X\"", "R|W|X" },
	{ &t_perm, "\xc\0\0", 4, "\"X|S\"", "X|S" },
	{ &t_perm, "\x15\0\0", 4, "\"R|X|0x10\"", "R|X|0x10" },
	{ &t_perm, "\1\0\0\x80", 4, "\"R|0x80000000\"", "R|0x80000000" },
	{ &t_perm, "\x10\0\0", 4, "16", "16" },
	{ &t_perm8, "\xff", 1, "\"R|W|X|S|0xf0\"", "R|W|X|S|0xf0" },
	{ &t_signed_perm, "\5\0\0", 4, "5", "5" },
	{ &t_wide_flags, "\1\0\0\0\0\0\0\x80", 8, "\"LO|HI\"", "LO|HI" },
	{ &t_fives, "\3\0\0", 4, "3", "3" },
	/* 0x35 = 00110 101 */
	{ &s_perms, "\x35", 1, "{\"a\":\"R|X\",\"b\":\"W|X\"}", "{a=R|X, b=W|X}" },
	{ &s_filled, "\1\0\0\0\0\0\0", 8, "{\"x\":1,\"e\":{}}", "{x=1, e={}}" },
	{ &t_handler, "\x34\x12\0\0\0\0\0", 8, "{\"ptr\":\"0x1234\",\"sym\":\"m.so:f\\n(int)\"}",
	  "0x1234 <f?(int)>" },
	{ &td_handler, "\x36\x12\0\0\0\0\0", 8,
	  "{\"ptr\":\"0x1236\",\"sym\":\"m.so:f\\n(int)+0x2\"}", "0x1236 <f?(int)+0x2>" },
	{ &t_handler, "\0\0\0\0\0\0\0", 8, "\"0x0\"", "NULL" },
	{ &t_handler, "\1\0\0\0\0\0\0", 8, "\"0x1\"", "0x1" },
	{ &t_handler, "\x34\x12\0", 4, "null", "?" },
	{ &s_methods, "\x34\x12\0\0\0\0\0\0\x34\x12\0\0\0\0\0", 16,
	  "{\"call\":{\"ptr\":\"0x1234\",\"sym\":\"m.so:f\\n(int)\"},\"p\":\"0x1234\"}",
	  "{call=0x1234 <f?(int)>, p=0x1234}" },
	{ &a_int3, outer, 12, "[1,2,3]", "[1, 2, 3]" },
	{ &a_int3, outer, 11, "[1,2]", "[1, 2, ...]" },
	{ &a_int3, outer, 0, "[]", "[...]" },
	{ &a_char4, "ab", 3, "[97,98,0]", "\"ab\"" },
	{ &a_char4, "abcd", 4, "[97,98,99,100]", "\"abcd\"" },
	{ &a_char4, "abcd", 3, "[97,98,99]", "\"abc\"..." },
	{ &a_flex, outer, 24, "[]", "[]" },
	{ &a_zero, outer, 24, "[]", "[]" },
	{ &a_endless, outer, 4, "[1,0,0,0]", "[1, 0, 0, 0, ...]" },
	/* 0x9d = 1 00 11 101, 0x0cb7 >> 4 = 0xcb */
	{ &s_bits, word, 8,
	  "{\"a\":-3,\"e\":\"MINUS\",\"b\":true,\"x\":203,\"far\":null,\"p\":null,\"w\":null,"
	  "\"over\":null,\"tail\":null}",
	  "{a=-3, e=MINUS, b=true, x=203, far=?, p=?, w=?, over=?, tail=?}" },
	{ &s_outer, outer, 24,
	  "{\"a\\n\":1,\"u\":2,\"v\":2,\"arr\":[3,4,5],\"s\":[97,98,99,100],\"flex\":[],"
	  "\"past\":null}",
	  "{a?=1, u=2, v=2, arr=[3, 4, 5], s=\"abcd\", flex=[], past=?}" },
	{ &s_outer, outer, 10,
	  "{\"a\\n\":1,\"u\":2,\"v\":2,\"arr\":[],\"s\":[],\"flex\":[],\"past\":null}",
	  "{a?=1, u=2, v=2, arr=[...], s=\"\"..., flex=[], past=?}" },
	{ &s_anon_loop, outer, 8, "{}", "{}" },
	{ &td_loop, outer, 8, "\"0x200000001\"", "0x200000001" },
	{ &s_none, outer, 8, "{}", "{}" },
};

/* Names come from files, too. */
static bool symbol(void *arg, uint64_t addr, struct value_symbol *out)
{
	assert_ptr_equal(arg, cases);
	*out = (struct value_symbol){ .module = "m.so",
				      .func = "f\n(int)",
				      .offset = addr - 0x1234 };
	return addr >= 0x1234 && addr < 0x1240;
}

static void print(struct json *w, const struct ty *t, const void *bytes, size_t n, bool text)
{
	struct value_out o = { .w = w,
			       .text = text,
			       .first = true,
			       .budget = 1000,
			       .symbol = symbol,
			       .symbol_arg = (void *)(uintptr_t)cases };
	uint8_t *copy = malloc(n + !n); /* exactly n: sanitizers see reads beyond */

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	json_reset(w);
	value_print(&o, t, copy, n);
	free(copy);
	assert_false(w->failed);
}

static void values(void **state)
{
	struct json w;

	json_init(&w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (int text = 0; text < 2; text++) {
			const char *want = text ? cases[i].text : cases[i].json;

			print(&w, cases[i].t, cases[i].bytes, cases[i].n, text);
			if (strcmp(w.buf, want))
				fail_msg("case %zu: got %s, want %s", i, w.buf, want);
		}
	}
	json_fini(&w);
}

/* A type that would unfold without end: bounded, and the brackets still match. */
static void bounded(void **state)
{
	struct json w;
	int depth = 0;

	json_init(&w);
	print(&w, &s_loop, outer, 8, false);
	assert_in_range(w.n, 100, 50000);
	for (size_t i = 0; i < w.n; i++)
		depth += (w.buf[i] == '{') - (w.buf[i] == '}');
	assert_int_equal(depth, 0);
	assert_non_null(strstr(w.buf, "{\"l\":\"...\",\"m\":\"...\"}"));
	print(&w, &s_loop, outer, 8, true);
	assert_non_null(strstr(w.buf, "{l=..., m=...}"));
	json_fini(&w);
}

static void separators(void **state)
{
	struct value_out o = { .text = true, .first = true, .budget = 10 };
	struct json w;

	json_init(&w);
	o.w = &w;
	value_key(&o, "a");
	value_hex(&o, 16);
	value_key(&o, "b");
	value_open(&o, '[');
	value_item(&o);
	value_null(&o);
	value_item(&o);
	value_null(&o);
	value_close(&o, ']');
	value_item(&o);
	value_null(&o);
	assert_string_equal(w.buf, "a=0x10, b=[?, ?], ?");
	json_fini(&w);
}

static void cuts(void **state)
{
	assert_int_equal(value_cut("abc", 3), 3);
	assert_int_equal(value_cut("", 0), 0);
	assert_int_equal(value_cut("ab\xc3", 3), 2);
	assert_int_equal(value_cut("a\xc3\xa9", 3), 3);
	assert_int_equal(value_cut("a\xe2\x82", 3), 1);
	assert_int_equal(value_cut("a\xe2\x82\xac", 4), 4);
	assert_int_equal(value_cut("a\xf0\x9f\x98", 4), 1);
	assert_int_equal(value_cut("\x80\x80\x80\x80", 4), 4); /* not UTF-8 at all */
	assert_int_equal(value_cut("\x80\x80", 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(bounded),
		cmocka_unit_test(separators),
		cmocka_unit_test(cuts),
	};

	return cmocka_run_group_tests_name("trace-value", tests, NULL, NULL);
}
