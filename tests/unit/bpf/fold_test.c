/*
 * fold_test.c - constants of frozen maps: what becomes of loads and branches, and that results stay.
 *
 * Each program is loaded twice, with a map that is frozen and read-only for programs, and with one that
 * holds the same and is not: both engines give the same r0 for both.
 */
#include "run.h"

#include "bpf/insn.h"
#include "shm/arena.h"

#include <string.h>

static const uint8_t constants[24] = { 1,    0,    0xff, 0x80, 0x78, 0x56, 0x34, 0x12,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
				       1,    2,    3,    4,    5,    6,    7,    8 };

static struct arena *arena;
static struct map *map, *data;

static struct map *by_fd(void *arg, int fd)
{
	return fd == 7 ? map : fd == 8 ? data : NULL;
}

static struct program *load(const char *text, bool frozen)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = 4,
				 .value_size = sizeof(constants),
				 .max_entries = 1,
				 .flags = frozen ? BPF_F_RDONLY_PROG : 0,
				 .name = "rodata" };
	struct bpf_insn insn[64];
	struct program_attr pa = { .kind = PROGRAM_PLAIN,
				   .insn = insn,
				   .arena = arena,
				   .map_by_fd = by_fd,
				   .nslots = PROGRAM_NO_CTX };
	struct diag d = { "" };
	struct program *p;
	uint32_t zero = 0;
	char err[128];
	int n = asmtext_parse(text, insn, 64, err, sizeof(err));

	if (n < 0)
		fail_msg("%s", err);
	pa.ninsns = (uint32_t)n;
	assert_int_equal(map_create(arena, &attr, &map, &d), 0);
	assert_int_equal(map_update(map, &zero, constants, 0, 0), 0);
	if (frozen)
		assert_int_equal(map_freeze(map), 0);
	if (program_load(&pa, &p, &d))
		fail_msg("%s", d.text);
	map_put(map);
	return p;
}

static void count(const struct program *p, unsigned *loads, unsigned *dead)
{
	*loads = *dead = 0;
	for (uint32_t i = 0; i < p->ninsns; i++) {
		*loads += BPF_CLASS(p->insn[i].code) == BPF_LDX;
		*dead += insn_is_nop(&p->insn[i]);
		i += insn_is_lddw(&p->insn[i]);
	}
}

static const struct fold {
	const char *text;
	unsigned loads, dead; /* that are left; that became of it */
	uint64_t r0;
} rows[] = {
	{ "value r1, 7, 0\nldxb r0, [r1+0]\nexit\n", 0, 0, 1 },
	{ "value r1, 7, 2\nldxb r0, [r1+0]\nexit\n", 0, 0, 0xff },
	{ "value r1, 7, 2\nldxh r0, [r1+0]\nexit\n", 0, 0, 0x80ff },
	{ "value r1, 7, 4\nldxw r0, [r1+0]\nexit\n", 0, 0, 0x12345678 },
	{ "value r1, 7, 0\nldxw r0, [r1+8]\nexit\n", 0, 0, 0xffffffff },
	{ "value r1, 7, 0\nldxsb r0, [r1+2]\nexit\n", 0, 0, UINT64_MAX },
	{ "value r1, 7, 0\nldxsh r0, [r1+2]\nexit\n", 0, 0, (uint64_t)(int16_t)0x80ff },
	{ "value r1, 7, 8\nldxdw r0, [r1+0]\nexit\n", 0, 0, UINT64_MAX },
	/* too large for an immediate: it stays */
	{ "value r1, 7, 16\nldxdw r0, [r1+0]\nexit\n", 1, 0, 0x0807060504030201ull },
	/* pointers that move, and come from elsewhere */
	{ "value r1, 7, 0\nmov r2, r1\nadd r2, 4\nldxw r0, [r2+0]\nexit\n", 0, 0, 0x12345678 },
	{ "value r1, 7, 4\nldxw r0, [r1-2]\nexit\n", 0, 0, 0x567880ff },
	{ "mov r2, 4\nvalue r1, 7, 0\nadd r1, r2\nldxw r0, [r1+0]\nexit\n", 1, 0, 0x12345678 },
	{ "value r1, 7, 0\njeq r1, 0, +0\nldxb r0, [r1+0]\nexit\n", 1, 0, 1 },
	{ "mov r2, 0\nvalue r1, 7, 0\njeq r2, 1, over\nadd r1, 2\nover: ldxb r0, [r1+0]\nexit\n", 1,
	  1, 0xff },
	/* behind the map's end a plain load */
	{ "value r1, 7, 0\nmov r0, 3\njeq r0, 3, over\nldxdw r0, [r1+20]\nover: exit\n", 0, 1, 3 },
	/* switches: one way is dead */
	{ "value r1, 7, 0\nldxb r2, [r1+0]\nmov r0, 5\njeq r2, 0, over\nmov r0, 6\nover: exit\n", 0,
	  1, 6 },
	{ "value r1, 7, 1\nldxb r2, [r1+0]\nmov r0, 5\njeq r2, 0, over\nmov r0, 6\nadd r0, 1\nover: exit\n",
	  0, 2, 5 },
	{ "value r1, 7, 0\nldxb r2, [r1+0]\nand r2, 1\nmov r0, 5\njne r2, 0, over\nmov r0, 6\nover: exit\n",
	  0, 1, 5 },
	{ "value r1, 7, 4\nldxw r2, [r1+0]\nlsh r2, 32\nrsh r2, 60\nmov r0, 5\njeq r2, 1, over\n"
	  "value r3, 7, 0\nldxb r0, [r3+0]\nover: exit\n",
	  0, 3, 5 },
	{ "value r1, 7, 3\nldxb r2, [r1+0]\nlsh r2, 56\narsh r2, 56\nmov r0, 5\njslt r2, 0, over\n"
	  "mov r0, 6\nover: exit\n",
	  0, 1, 5 },
	/* the last instruction stays */
	{ "value r1, 7, 0\nldxb r0, [r1+0]\njeq r0, 0, back\nexit\nback: mov r0, 9\nexit\n", 0, 2,
	  1 },
};

static void test_rows(void **state)
{
	struct engine_env env;

	engine_env_native(arena, &env);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct program *p = load(rows[i].text, true), *plain = load(rows[i].text, false);
		unsigned loads, dead;

		count(p, &loads, &dead);
		if (loads != rows[i].loads || dead != rows[i].dead)
			fail_msg("%zu: %u loads, %u dead\n%s", i, loads, dead, rows[i].text);
		assert_int_equal(run_both(p, &env, NULL, 0), rows[i].r0);
		assert_int_equal(run_both(plain, &env, NULL, 0), rows[i].r0);
		count(plain, &loads, &dead);
		assert_true(loads > 0 && !dead);
		program_put(p);
		program_put(plain);
	}
}

/* Beside constants, what programs and users may write: one of read-only flags, not frozen. */
static void test_only_constants(void **state)
{
	static const uint32_t flags[] = { 0, BPF_F_RDONLY_PROG };

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
					 .key_size = 4,
					 .value_size = sizeof(constants),
					 .max_entries = 1,
					 .flags = flags[i],
					 .name = "data" };
		unsigned loads, dead;
		struct program *p;

		assert_int_equal(map_create(arena, &attr, &data, NULL), 0);
		p = load("value r1, 7, 0\nldxb r0, [r1+0]\nvalue r2, 8, 0\nldxb r2, [r2+0]\n"
			 "add r0, r2\nexit\n",
			 true);
		count(p, &loads, &dead);
		assert_int_equal(loads, 1);
		program_put(p);
		map_put(data);
	}
}

static int setup(void **state)
{
	return arena_create(&arena);
}

static int teardown(void **state)
{
	arena_destroy(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows),
					    cmocka_unit_test(test_only_constants) };

	return cmocka_run_group_tests(tests, setup, teardown);
}
