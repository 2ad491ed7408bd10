/*
 * dump_fuzz_test.c - whatever BTF says, a map is printed: bytes of a sound one are changed.
 *
 * The same seed, the same changes; run under the sanitizers it is worth most.
 */
#include "gen/dump.h"

#include "../rt/rt_util.h"

#include <bpf/btf.h>
#include <stdio.h>

#define ROUNDS 3000
#define HEADER 24 /* bytes of struct btf_header: damage there is the reader's own test */

static uint64_t seed = 0x5eed;

static uint32_t any(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16) % below;
}

static void member(struct btf *b, const char *name, int type, uint32_t bit)
{
	assert_int_equal(btf__add_field(b, name, type, bit, 0), 0);
}

/* Every kind that values have, nested; the section is the last type. */
static struct btf *sound(void)
{
	struct btf *b = btf__new_empty();
	int i4 = btf__add_int(b, "int", 4, BTF_INT_SIGNED), u8, ch, text, en, in, out, ptr, td;

	u8 = btf__add_int(b, "unsigned long", 8, 0);
	ch = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	text = btf__add_array(b, i4, ch, 8);
	en = btf__add_enum(b, "color", 4);
	btf__add_enum_value(b, "RED", -1);
	in = btf__add_union(b, "", 8);
	member(b, "u", u8, 0);
	member(b, "t", text, 0);
	td = btf__add_typedef(b, "inner", in);
	ptr = btf__add_ptr(b, td);
	out = btf__add_struct(b, "outer", 40);
	member(b, "a", i4, 0);
	member(b, "e", en, 32);
	member(b, "", in, 64);
	member(b, "p", ptr, 128);
	member(b, "v", btf__type_cnt(b) + 1, 192); /* the array below */
	btf__add_array(b, i4, u8, 2);
	btf__add_array(b, i4, u8, 5);
	btf__add_float(b, "double", 8);
	btf__add_const(b, out);
	btf__add_var(b, "x", BTF_VAR_STATIC, out);
	btf__add_var(b, "y_hist", BTF_VAR_STATIC, out + 2);
	btf__add_datasec(b, ".bss", 80);
	btf__add_datasec_var_info(b, out + 5, 0, 40);
	btf__add_datasec_var_info(b, out + 6, 40, 40);
	return b;
}

struct seen {
	unsigned long lines, bytes;
};

static void take(void *arg, const char *line, size_t n)
{
	struct seen *s = arg;

	assert_int_equal(strlen(line), n);
	assert_null(memchr(line, '\n', n));
	assert_true(n < 1 << 22);
	s->lines++;
	s->bytes += n;
}

static const uint32_t sizes[] = { 1, 4, 8, 40, 80 };
#define SIZES 5

static struct map *maps[SIZES];

static void create_maps(struct arena *a)
{
	uint8_t bytes[80];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < SIZES; i++) {
		struct map_attr at = { .type = i == 4 ? BPF_MAP_TYPE_ARRAY : BPF_MAP_TYPE_HASH,
				       .key_size = i == 4 ? 4 : sizes[i],
				       .value_size = sizes[i],
				       .max_entries = i == 4 ? 1 : 4 };
		struct diag d = { "" };

		assert_int_equal(map_create(a, &at, &maps[i], &d), 0);
		for (uint8_t k = 0; k < at.max_entries; k++) {
			uint8_t key[80] = { i == 4 ? 0 : k };

			assert_int_equal(map_update(maps[i], key, bytes, BPF_ANY, 1), 0);
		}
	}
}

static void print_all(struct btf_reader *r, struct ty_pool *pool, uint32_t types, struct seen *s)
{
	static const uint8_t record[48];
	struct dump_types global = { .global = true };
	struct diag d = { "" };
	struct json w;

	json_init(&w);
	for (uint32_t id = 0; id < types; id++) {
		const struct ty *t = NULL;
		struct dump_types dt;

		if (btfr_section(r, id, pool, &global.var, &global.nvars, &d) == 0)
			assert_true(gen_dump_map(maps[4], "g", &global, any(2), take, s) >= 0);
		if (btfr_build(r, id, pool, &t, &d) < 0)
			continue;
		dt = (struct dump_types){ .key = t, .value = t };
		for (size_t i = 0; i < SIZES; i++)
			assert_true(gen_dump_map(maps[i], "m_hist", &dt, any(2), take, s) > 0);
		json_reset(&w);
		gen_dump_record(&w, "r", t, record, any(sizeof(record) + 1), any(2));
		take(s, w.buf, w.n);
	}
	json_fini(&w);
}

static void test_damaged_types(void **state)
{
	struct arena *a = rt_util_arena();
	struct btf *b = sound();
	uint32_t size, types = btf__type_cnt(b);
	const uint8_t *raw = btf__raw_data(b, &size);
	uint8_t *copy = malloc(size);
	struct seen whole = { 0, 0 }, s = { 0, 0 };
	unsigned opened = 0;

	create_maps(a);
	assert_non_null(copy);
	for (int round = 0; round < ROUNDS; round++) {
		struct btf_reader *r;
		struct ty_pool *pool;

		memcpy(copy, raw, size);
		for (uint32_t i = any(4) + 1; round && i; i--)
			copy[HEADER + any(size - HEADER)] = (uint8_t)any(any(2) ? 256 : 8);
		if (btfr_open_mem(copy, size, &r, NULL) < 0)
			continue;
		opened++;
		assert_int_equal(ty_pool_new(&pool), 0);
		print_all(r, pool, types, round ? &s : &whole);
		ty_pool_free(pool);
		btfr_close(r);
	}
	assert_true(whole.lines > 100);
	assert_true(opened > ROUNDS / 4 && s.lines > whole.lines);
	free(copy);
	btf__free(b);
	for (size_t i = 0; i < SIZES; i++)
		map_put(maps[i]);
	rt_util_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_damaged_types) };

	return cmocka_run_group_tests_name("dump-fuzz", tests, NULL, NULL);
}
