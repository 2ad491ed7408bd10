/*
 * dump_test.c - maps, variables and records as text and JSON, with and without types.
 */
#include "gen/dump.h"

#include "../rt/rt_util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info/type.h"

#define TYPE(NAME, ...) static const struct ty NAME = { .name = "", __VA_ARGS__ }

TYPE(t_int, .kind = TY_INT, .size = 4, .flags = TY_SIGNED);
TYPE(t_u32, .kind = TY_INT, .size = 4);
TYPE(t_u64, .kind = TY_INT, .size = 8);
TYPE(t_long, .kind = TY_INT, .size = 8, .flags = TY_SIGNED);
TYPE(t_short, .kind = TY_INT, .size = 2, .flags = TY_SIGNED);
TYPE(t_bool, .kind = TY_INT, .size = 1, .flags = TY_BOOL);
static const struct ty t_char = {
	.kind = TY_INT, .name = "char", .size = 1, .flags = TY_CHAR | TY_SIGNED
};
static const struct ty t_byte = {
	.kind = TY_INT, .name = "unsigned char", .size = 1, .flags = TY_CHAR
};
TYPE(t_void, .kind = TY_VOID);
TYPE(t_fwd, .kind = TY_UNKNOWN, .size = 4);
TYPE(a_char4, .kind = TY_ARRAY, .size = 4, .n = 4, .of = &t_char);
TYPE(a_byte4, .kind = TY_ARRAY, .size = 4, .n = 4, .of = &t_byte);
TYPE(a_flex, .kind = TY_ARRAY, .flags = TY_UNSIZED, .of = &t_short);
TYPE(a_u32x3, .kind = TY_ARRAY, .size = 12, .n = 3, .of = &t_u32);
TYPE(a_int2, .kind = TY_ARRAY, .size = 8, .n = 2, .of = &t_int);

static const struct ty_enumerator perms[] = { { "R", 1 }, { "W", 2 }, { "X", 4 } };
TYPE(t_perm, .kind = TY_ENUM, .size = 4, .n = 3, .enumerator = perms);
static const struct ty_enumerator colors[] = { { "RED", -1 }, { "BLUE", 5 } };
TYPE(t_color, .kind = TY_ENUM, .size = 4, .flags = TY_SIGNED, .n = 2, .enumerator = colors);

static const struct ty_member key_m[] = { { "n", &t_int, 0, 0, 0 }, { "s", &a_char4, 4, 0, 0 } };
TYPE(s_key, .kind = TY_STRUCT, .size = 8, .n = 2, .member = key_m);

static const struct ty_member value_m[] = { { "ok", &t_bool, 0, 0, 0 },
					    { "c", &t_color, 4, 0, 0 } };
TYPE(s_value, .kind = TY_STRUCT, .size = 8, .n = 2, .member = value_m);

static const struct ty_member open_m[] = { { "n", &t_int, 0, 0, 0 }, { "v", &a_flex, 4, 0, 0 } };
TYPE(s_open, .kind = TY_STRUCT, .size = 4, .n = 2, .member = open_m);
TYPE(td_open, .kind = TY_TYPEDEF, .of = &s_open);

static struct arena *arena;
static struct map *map;

static int set_up(void **state)
{
	arena = rt_util_arena();
	return 0;
}

static int tear_down(void **state)
{
	map_put(map);
	map = NULL;
	rt_util_destroy(arena);
	return 0;
}

static void create(uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	struct map_attr at = {
		.type = type, .key_size = key, .value_size = value, .max_entries = n, .name = "m"
	};
	struct diag d = { "" };

	map_put(map);
	map = NULL;
	if (map_create(arena, &at, &map, &d))
		fail_msg("%s", d.text);
}

static void put(const void *key, const void *value, unsigned cpus)
{
	assert_int_equal(map_update(map, key, value, BPF_ANY, cpus), 0);
}

struct text {
	char buf[4096];
	size_t n;
	int lines;
};

static void take(void *arg, const char *line, size_t n)
{
	struct text *t = arg;

	assert_int_equal(strlen(line), n);
	assert_null(memchr(line, '\n', n));
	assert_true(t->n + n + 2 < sizeof(t->buf));
	memcpy(t->buf + t->n, line, n);
	t->n += n;
	t->buf[t->n++] = '\n';
	t->lines++;
}

static void expect_named(const char *name, const struct dump_types *types, bool json,
			 const char *want)
{
	struct text *t = calloc(1, sizeof(*t));
	int n;

	assert_non_null(t);
	n = gen_dump_map(map, name, types, json, take, t);
	assert_int_equal(n, t->lines);
	assert_string_equal(t->buf, want);
	free(t);
}

static void expect(const struct ty *key, const struct ty *value, bool json, const char *want)
{
	expect_named("m", &(struct dump_types){ .key = key, .value = value }, json, want);
}

static void test_falling_values(void **state)
{
	const int key[] = { 1, -2, 3, 4 }, value[] = { 7, -9, 7, 100 };

	create(BPF_MAP_TYPE_HASH, 4, 4, 8);
	expect(&t_int, &t_int, false, "");
	expect(&t_int, &t_int, true, "");
	for (int i = 0; i < 4; i++)
		put(&key[i], &value[i], 1);
	expect(&t_int, &t_int, false, "m[4] = 100\nm[1] = 7\nm[3] = 7\nm[-2] = -9\n");
	/* without its sign, the negative one is the greatest, as a value and as a key */
	expect(&t_u32, &t_u32, false,
	       "m[4294967294] = 4294967287\nm[4] = 100\nm[1] = 7\nm[3] = 7\n");
	expect(&t_int, &t_int, true,
	       "{\"map\":\"m\",\"key\":4,\"value\":100}\n{\"map\":\"m\",\"key\":1,\"value\":7}\n"
	       "{\"map\":\"m\",\"key\":3,\"value\":7}\n{\"map\":\"m\",\"key\":-2,\"value\":-9}\n");
}

static void test_keys_in_order(void **state)
{
	static const struct {
		int n;
		char s[4];
	} key[] = { { 256, "a" }, { 2, "z" }, { 2, "b" }, { -1, "long" } };
	static const struct {
		bool ok;
		int color;
	} value[] = { { true, 5 }, { false, -1 }, { true, 0 }, { 0 } };

	create(BPF_MAP_TYPE_HASH, 8, 8, 8);
	for (int i = 0; i < 4; i++)
		put(&key[i], &value[i], 1);
	expect(&s_key, &s_value, false,
	       "m[{n=-1, s=\"long\"}] = {ok=false, c=0}\nm[{n=2, s=\"b\"}] = {ok=true, c=0}\n"
	       "m[{n=2, s=\"z\"}] = {ok=false, c=RED}\nm[{n=256, s=\"a\"}] = {ok=true, c=BLUE}\n");
	map_delete(map, &key[1]);
	map_delete(map, &key[2]);
	map_delete(map, &key[3]);
	expect(&s_key, &s_value, true,
	       "{\"map\":\"m\",\"key\":{\"n\":256,\"s\":\"a\"},\"value\":{\"ok\":true,"
	       "\"c\":\"BLUE\"}}\n");
}

static void test_without_types(void **state)
{
	static const uint8_t key[][3] = { { 2, 0, 1 }, { 1, 0, 2 } };
	uint8_t value[70];

	for (int i = 0; i < 70; i++)
		value[i] = (uint8_t)(0xa0 + i);
	create(BPF_MAP_TYPE_HASH, 3, 2, 8);
	put(key[0], value, 1);
	put(key[1], value, 1);
	expect(NULL, NULL, false, "m[01 00 02] = a0 a1\nm[02 00 01] = a0 a1\n");
	/* types of other sizes, and such as have no values, are as good as none */
	expect(&t_int, &t_int, false, "m[01 00 02] = a0 a1\nm[02 00 01] = a0 a1\n");
	map_delete(map, key[0]);
	expect(&t_void, &t_void, true,
	       "{\"map\":\"m\",\"key\":{\"hex\":\"010002\"},\"value\":{\"hex\":\"a0a1\"}}\n");
	create(BPF_MAP_TYPE_ARRAY, 4, 4, 2);
	put(&(uint32_t){ 1 }, value, 1);
	expect(NULL, &t_fwd, false, "m[1] = a0 a1 a2 a3\n");
	create(BPF_MAP_TYPE_ARRAY, 4, 66, 1);
	put(&(uint32_t){ 0 }, value, 1);
	expect(NULL, NULL, false,
	       "m[0] = a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af b0 b1 b2 b3 b4 b5 b6 b7 b8 "
	       "b9 ba bb bc bd be bf c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 ca cb cc cd ce cf d0 d1 d2 d3 "
	       "d4 d5 d6 d7 d8 d9 da db dc dd de df ... (66 bytes)\n");
}

static void test_arrays(void **state)
{
	int v = -3;

	create(BPF_MAP_TYPE_ARRAY, 4, 4, 3);
	put(&(uint32_t){ 1 }, &v, 1);
	expect(&t_u32, &t_int, false, "m[1] = -3\n");
	expect(&t_u32, &t_int, true,
	       "{\"map\":\"m\",\"key\":0,\"value\":0}\n{\"map\":\"m\",\"key\":1,\"value\":-3}\n"
	       "{\"map\":\"m\",\"key\":2,\"value\":0}\n");
	expect(&t_color, &t_color, false, "m[1] = -3\n");
	v = 0x15;
	put(&(uint32_t){ 1 }, &v, 1);
	expect(&t_u32, &t_perm, false, "m[1] = R|X|0x10\n");
	expect(&t_u32, &t_perm, true,
	       "{\"map\":\"m\",\"key\":0,\"value\":0}\n"
	       "{\"map\":\"m\",\"key\":1,\"value\":\"R|X|0x10\"}\n"
	       "{\"map\":\"m\",\"key\":2,\"value\":0}\n");
}

/* char is text; unsigned char, that is __u8, is a number, and zeros end nothing. */
static void test_text_and_bytes(void **state)
{
	create(BPF_MAP_TYPE_ARRAY, 4, 4, 1);
	put(&(uint32_t){ 0 }, "A\0B", 1);
	expect(&t_u32, &a_char4, false, "m[0] = \"A\"\n");
	expect(&t_u32, &a_char4, true, "{\"map\":\"m\",\"key\":0,\"value\":\"A\"}\n");
	expect(&t_u32, &a_byte4, false, "m[0] = [65, 0, 66, 0]\n");
	expect(&t_u32, &a_byte4, true, "{\"map\":\"m\",\"key\":0,\"value\":[65,0,66,0]}\n");
	create(BPF_MAP_TYPE_ARRAY, 4, 1, 1);
	put(&(uint32_t){ 0 }, "A", 1);
	expect(&t_u32, &t_char, false, "m[0] = 65 'A'\n");
	expect(&t_u32, &t_byte, false, "m[0] = 65\n");
}

static void test_per_cpu_sums(void **state)
{
	/* one value in 8 bytes; slots 0, 1 and 2 */
	const uint64_t v[3] = { 0, (uint32_t)-7, 4 }, opposed[3] = { 1, (uint32_t)-1, 0 };
	const uint64_t big[2] = { UINT32_MAX, UINT32_MAX };

	create(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 3);
	put(&(uint32_t){ 0 }, v, 3);
	put(&(uint32_t){ 2 }, opposed, 3);
	expect(&t_u32, &t_int, false, "m[0] = -3\nm[2] = 0\n");
	expect(&t_u32, &t_int, true,
	       "{\"map\":\"m\",\"key\":0,\"value\":-3,\"cpus\":[{\"cpu\":1,\"value\":-7},"
	       "{\"cpu\":2,\"value\":4}]}\n"
	       "{\"map\":\"m\",\"key\":1,\"value\":0,\"cpus\":[]}\n"
	       "{\"map\":\"m\",\"key\":2,\"value\":0,\"cpus\":[{\"cpu\":0,\"value\":1},"
	       "{\"cpu\":1,\"value\":-1}]}\n");
	create(BPF_MAP_TYPE_PERCPU_HASH, 4, 4, 3);
	put(&(uint32_t){ 9 }, v, 3);
	put(&(uint32_t){ 8 }, big, 2);
	put(&(uint32_t){ 7 }, (uint64_t[3]){ 0 }, 3);
	expect(&t_u32, &t_u32, false, "m[8] = 8589934590\nm[9] = 4294967293\nm[7] = 0\n");
}

static void test_per_cpu_structs(void **state)
{
	const struct {
		bool ok;
		int color;
	} v[2] = { { 0 }, { true, 5 } }, none[2] = { 0 };

	create(BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 3);
	put(&(uint32_t){ 9 }, v, 2);
	put(&(uint32_t){ 8 }, none, 2);
	expect(&t_u32, &s_value, false, "m[8] = {ok=false, c=0}\nm[9] cpu 1 = {ok=true, c=BLUE}\n");
	expect(&t_u32, &s_value, true,
	       "{\"map\":\"m\",\"key\":8,\"cpus\":[]}\n"
	       "{\"map\":\"m\",\"key\":9,\"cpus\":[{\"cpu\":1,\"value\":{\"ok\":true,"
	       "\"c\":\"BLUE\"}}]}\n");
	create(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 2);
	put(&(uint32_t){ 1 }, v, 2);
	expect(&t_u32, NULL, false, "m[1] cpu 1 = 01 00 00 00 05 00 00 00\n");
}

#define ROW(RANGE, N, BAR, GAP) RANGE "                  " N " |" BAR GAP "|\n"
#define BAR26                   "@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define GAP26                   "                          "

static void test_histograms(void **state)
{
	const struct dump_types u64 = { .key = &t_u32, .value = &t_u64 };
	uint64_t one = 1, two = 2;

	create(BPF_MAP_TYPE_ARRAY, 4, 8, 64);
	expect_named("x_hist", &u64, false, "");
	expect_named("x_hist", &u64, true, "{\"map\":\"x_hist\",\"hist\":[]}\n");
	put(&(uint32_t){ 1 }, &one, 1);
	put(&(uint32_t){ 2 }, &two, 1);
	expect_named("x_hist", &u64, false,
		     "x_hist:\n" ROW("[2, 4)", "1", BAR26, GAP26) ROW("[4, 8)", "2", BAR26, BAR26));
	expect_named("x_hist", &(struct dump_types){ 0 }, true,
		     "{\"map\":\"x_hist\",\"hist\":[{\"min\":2,\"max\":3,\"count\":1},"
		     "{\"min\":4,\"max\":7,\"count\":2}]}\n");
	/* not by name, not by type */
	expect_named("_hist", &u64, false, "_hist[1] = 1\n_hist[2] = 2\n");
	expect_named("x_histo", &u64, false, "x_histo[1] = 1\nx_histo[2] = 2\n");
	expect_named("x_hist", &(struct dump_types){ .key = &t_u32, .value = &t_long }, false,
		     "x_hist[1] = 1\nx_hist[2] = 2\n");
	create(BPF_MAP_TYPE_ARRAY, 4, 8, 65);
	put(&(uint32_t){ 1 }, &one, 1);
	expect_named("x_hist", &u64, false, "x_hist[1] = 1\n");
}

static void test_histograms_of_threads_and_keys(void **state)
{
	const uint64_t cpus[2] = { 1, UINT32_MAX };
	const uint32_t row[4] = { 0, 0, 3 }; /* and padding */
	const struct dump_types rows = { .key = &t_int, .value = &a_u32x3 };

	create(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 4);
	put(&(uint32_t){ 3 }, cpus, 2);
	expect_named(
		"c_hist", &(struct dump_types){ .value = &t_u32 }, true,
		"{\"map\":\"c_hist\",\"hist\":[{\"min\":8,\"max\":15,\"count\":4294967296}]}\n");
	create(BPF_MAP_TYPE_HASH, 4, 12, 4);
	put(&(int){ -5 }, row, 1);
	put(&(int){ 5 }, (uint32_t[3]){ 0 }, 1);
	expect_named("k_hist", &rows, false, "k_hist[-5]:\n" ROW("[4, 8)", "3", BAR26, BAR26));
	expect_named(
		"k_hist", &rows, true,
		"{\"map\":\"k_hist\",\"key\":-5,\"hist\":[{\"min\":4,\"max\":7,\"count\":3}]}\n"
		"{\"map\":\"k_hist\",\"key\":5,\"hist\":[]}\n");
	create(BPF_MAP_TYPE_PERCPU_HASH, 4, 12, 4);
	put(&(int){ 5 }, (uint32_t[8]){ 1, 0, 0, 0, 2, 0, 0, 0 }, 2);
	expect_named(
		"k_hist", &rows, true,
		"{\"map\":\"k_hist\",\"key\":5,\"hist\":[{\"min\":0,\"max\":1,\"count\":3}]}\n");
}

static void test_variables(void **state)
{
	static const struct section_var var[] = {
		{ "n", &t_int, 0, 4 },         { "_hidden", &t_int, 0, 4 },
		{ "zero", &t_long, 24, 8 },    { "s", &a_char4, 4, 4 },
		{ "damaged", NULL, 0, 4 },     { "other\nsize", &t_long, 0, 4 },
		{ "pair", &a_int2, 0, 8 },     { "", &t_int, 0, 4 },
		{ "past", &t_int, 30, 4 },     { "far", &t_int, UINT32_MAX, 4 },
		{ "e_hist", &a_u32x3, 8, 12 },
	};
	const struct dump_types types = { .global = true, .var = var, .nvars = ARRAY_LEN(var) };
	const struct {
		int n;
		char s[4];
		uint32_t hist[3], pad;
		long zero;
	} data = { -1, "ab", { 2 }, 0, 0 };

	create(BPF_MAP_TYPE_ARRAY, 4, 32, 1);
	put(&(uint32_t){ 0 }, &data, 1);
	expect_named("p.bss", &types, false,
		     "n = -1\nzero = 0\ns = \"ab\"\ndamaged = ff ff ff ff\n"
		     "other?size = ff ff ff ff\npair = [-1, 25185]\n"
		     "e_hist:\n" ROW("[0, 2)", "2", BAR26, BAR26));
	expect_named("p.bss", &(struct dump_types){ .global = true, .var = var, .nvars = 4 }, true,
		     "{\"map\":\"p.bss\",\"var\":\"n\",\"value\":-1}\n"
		     "{\"map\":\"p.bss\",\"var\":\"zero\",\"value\":0}\n"
		     "{\"map\":\"p.bss\",\"var\":\"s\",\"value\":\"ab\"}\n");
	expect_named("p.bss", &(struct dump_types){ .global = true, .var = var + 10, .nvars = 1 },
		     true,
		     "{\"map\":\"p.bss\",\"var\":\"e_hist\",\"hist\":[{\"min\":0,\"max\":1,"
		     "\"count\":2}]}\n");
	expect_named("p.bss", &(struct dump_types){ .global = true }, false, "");
}

static void test_refusals(void **state)
{
	struct map_attr at = { .type = BPF_MAP_TYPE_HASH,
			       .key_size = 4,
			       .value_size = 4,
			       .max_entries = 4,
			       .flags = BPF_F_WRONLY,
			       .name = "w" };
	struct diag d = { "" };
	struct text t = { .n = 0 };

	assert_int_equal(map_create(arena, &at, &map, &d), 0);
	assert_int_equal(gen_dump_map(map, "w", &(struct dump_types){ 0 }, false, take, &t),
			 -EPERM);
	create(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	expect(NULL, NULL, false, "");
}

static void expect_record(const struct ty *t, const void *data, size_t n, bool json,
			  const char *want)
{
	struct json w;

	json_init(&w);
	gen_dump_record(&w, "r", t, data, n, json);
	assert_false(w.failed);
	assert_string_equal(w.buf, want);
	json_fini(&w);
}

static void test_records(void **state)
{
	static const uint8_t b[] = { 1, 0, 0, 0, 0xff, 0xff, 2, 0, 3 };

	expect_record(NULL, b, 3, false, "r: 01 00 00");
	expect_record(NULL, b, 0, false, "r:");
	expect_record(NULL, b, 3, true, "{\"map\":\"r\",\"hex\":\"010000\"}");
	expect_record(&t_int, b, 4, false, "r: 1");
	expect_record(&t_int, b, 6, false, "r: 1 + ff ff");
	expect_record(&t_int, b, 6, true, "{\"map\":\"r\",\"event\":1,\"more\":\"ffff\"}");
	expect_record(&s_value, b, 3, false, "r: {ok=true, c=?}");
	expect_record(&s_value, b, 3, true, "{\"map\":\"r\",\"event\":{\"ok\":true,\"c\":null}}");
	expect_record(&s_value, b, 0, false, "r: {ok=?, c=?}");
	/* what has no end takes all but the last half element */
	expect_record(&td_open, b, 9, false, "r: {n=1, v=[-1, 2]} + 03");
	expect_record(&td_open, b, 8, true, "{\"map\":\"r\",\"event\":{\"n\":1,\"v\":[-1,2]}}");
	expect_record(&td_open, b, 4, true, "{\"map\":\"r\",\"event\":{\"n\":1,\"v\":[]}}");
	expect_record(&td_open, b, 2, false, "r: {n=?, v=[]}");
}

/* contains itself many times over: the budget ends it */
static const struct ty s_bush;
static const struct ty_member bush_m[] = { { "a", &s_bush, 0, 0, 0 }, { "b", &s_bush, 0, 0, 0 },
					   { "c", &s_bush, 0, 0, 0 }, { "d", &s_bush, 0, 0, 0 },
					   { "e", &s_bush, 0, 0, 0 }, { "f", &s_bush, 0, 0, 0 } };
TYPE(s_bush, .kind = TY_STRUCT, .size = 8, .n = 6, .member = bush_m);

static void test_endless_types(void **state)
{
	struct text *t = calloc(1, sizeof(*t));
	struct json w;
	uint64_t key[] = { 2, 1, 3 };

	json_init(&w);
	gen_dump_record(&w, "r", &s_bush, key, 8, true);
	assert_true(w.n > 100 && w.n < 1 << 20);
	json_fini(&w);
	create(BPF_MAP_TYPE_HASH, 8, 2, 4);
	for (int i = 0; i < 3; i++)
		put(&key[i], &(uint16_t){ 0 }, 1);
	/* 6^17 steps would not end; the bytes decide in the end */
	assert_int_equal(
		gen_dump_map(map, "m", &(struct dump_types){ .key = &a_int2 }, false, take, t), 3);
	assert_string_equal(t->buf, "m[[1, 0]] = 00 00\nm[[2, 0]] = 00 00\nm[[3, 0]] = 00 00\n");
	free(t);
}

#define CASE(F) cmocka_unit_test_setup_teardown(F, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_falling_values),
		CASE(test_keys_in_order),
		CASE(test_without_types),
		CASE(test_arrays),
		CASE(test_text_and_bytes),
		CASE(test_per_cpu_sums),
		CASE(test_per_cpu_structs),
		CASE(test_histograms),
		CASE(test_histograms_of_threads_and_keys),
		CASE(test_variables),
		CASE(test_refusals),
		CASE(test_records),
		CASE(test_endless_types),
	};

	return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
