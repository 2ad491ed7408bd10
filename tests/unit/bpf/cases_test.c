/*
 * cases_test.c - the programs of tests/conformance/, each through both engines.
 *
 *	-- case NAME
 *	-- asm            asmtext.h
 *	-- mem            optional: bytes in hex, r1 points at them, r2 is their number
 *	-- result         r0
 *
 * Lines before the first case are comments.
 */
#include "run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT 8192

struct one_case {
	char name[128], asm_text[MAX_TEXT], mem_text[1024], result[64];
};

static uint64_t unwind(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return r1;
}

static size_t parse_mem(const char *s, uint8_t *out, size_t cap)
{
	size_t n = 0;

	while (*(s += strspn(s, " \n")) && n < cap) {
		out[n++] = (uint8_t)strtoul(s, NULL, 16);
		while (isxdigit((unsigned char)*s))
			s++;
	}
	return n;
}

static void run_case(const struct one_case *c)
{
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)unwind };
	uint8_t mem[256], copy[256];
	size_t len = parse_mem(c->mem_text, mem, sizeof(mem));
	struct program *p = run_load_text(PROGRAM_PLAIN, c->asm_text);
	struct interp_opts checked = { .checked = true, .fuel = 100000 };
	uint64_t want = strtoull(c->result, NULL, 0), got = 0;
	struct diag d = { "" };

	memcpy(copy, mem, sizeof(mem));
	got = run_both(p, &env, len ? mem : NULL, len);
	if (got != want)
		fail_msg("%s: want 0x%llx, got 0x%llx", c->name, (unsigned long long)want,
			 (unsigned long long)got);
	if (interp_run(p, &env, len ? (uint64_t)(uintptr_t)copy : 0, len, &checked, &got, &d))
		fail_msg("%s: checked: %s", c->name, d.text);
	assert_int_equal(got, want);
	program_put(p);
}

static unsigned run_file(const char *name)
{
	static struct one_case c;
	char path[512], line[512], *section = NULL;
	size_t cap = 0;
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.data", CASES_DIR, name);
	f = fopen(path, "r");
	if (!f)
		fail_msg("no %s", path);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "-- case ", 8)) {
			if (n++)
				run_case(&c);
			memset(&c, 0, sizeof(c));
			snprintf(c.name, sizeof(c.name), "%.*s", (int)strcspn(line + 8, "\n"),
				 line + 8);
			section = NULL;
		} else if (!strcmp(line, "-- asm\n")) {
			section = c.asm_text, cap = sizeof(c.asm_text);
		} else if (!strcmp(line, "-- mem\n")) {
			section = c.mem_text, cap = sizeof(c.mem_text);
		} else if (!strcmp(line, "-- result\n")) {
			section = c.result, cap = sizeof(c.result);
		} else if (section) {
			assert_true(strlen(section) + strlen(line) < cap);
			strcat(section, line);
		}
	}
	if (n)
		run_case(&c);
	fclose(f);
	return n;
}

static void test_arithmetic(void **state)
{
	assert_true(run_file("arithmetic") >= 150);
}

static void test_jumps(void **state)
{
	assert_true(run_file("jumps") >= 100);
}

static void test_memory(void **state)
{
	assert_true(run_file("memory") >= 40);
}

static void test_atomics(void **state)
{
	assert_true(run_file("atomics") >= 60);
}

static void test_calls(void **state)
{
	assert_true(run_file("calls") >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_memory),     cmocka_unit_test(test_atomics),
		cmocka_unit_test(test_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
