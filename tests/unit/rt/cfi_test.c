/*
 * cfi_test.c - tests of rt/cfi.h: this process's own tables, and damaged ones.
 */
#include "rt_util.h"

#include "rt/cfi.h"
#include "rt/probe.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdlib.h>

static struct rt_cfi tables;

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct rt_cfi_module m = { UINT64_MAX, 0, 0 };

	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t at = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_GNU_EH_FRAME)
			m.hdr = at;
		if (p->p_type != PT_LOAD)
			continue;
		m.lo = at < m.lo ? at : m.lo;
		m.hi = at + p->p_memsz > m.hi ? at + p->p_memsz : m.hi;
	}
	if (m.hdr)
		tables.module[tables.nmodules++] = m;
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct rt_cfi_module *l = a, *r = b;

	return l->lo < r->lo ? -1 : l->lo > r->lo;
}

static int setup(void **state)
{
	memset(&tables, 0, sizeof(tables));
	dl_iterate_phdr(add_module, NULL);
	qsort(tables.module, tables.nmodules, sizeof(tables.module[0]), by_address);
	rt_state.cfi = (uint64_t)&tables;
	return 0;
}

static int teardown(void **state)
{
	rt_state.cfi = 0;
	return 0;
}

static uint64_t seen[64], bytes;
static void *expected[66];
static int nexpected;

/* Its own frame is the hit: rbp as its caller has it, and where it returns to. */
__attribute__((noinline)) static void look(void)
{
	uint64_t *frame = __builtin_frame_address(0);

	bytes = rt_get_stack(NULL, seen, sizeof(seen), BPF_F_USER_STACK, frame + 1, frame);
	nexpected = backtrace(expected, 66);
}

__attribute__((noinline)) static int nested(int n)
{
	volatile char room[100];

	room[n] = (char)n;
	if (n)
		nested(n - 1);
	else
		look();
	return room[n];
}

static int compare(const void *a, const void *b)
{
	nested(5);
	return 0;
}

static void test_backtrace(void **state)
{
	int v[2] = { 1, 2 }, own;

	for (int round = 0; round < 2; round++) { /* rows read, and remembered */
		qsort(v, 2, sizeof(v[0]), compare);
		assert_in_range(nexpected, 11, 65);
		own = 0; /* backtrace() itself, look(), and a sanitizer's before it */
		while (own < 4 && (uint64_t)expected[own] != seen[0])
			own++;
		assert_in_range(own, 1, 3);
		assert_int_equal(bytes, 8 * (nexpected - own));
		for (int i = 0; i < nexpected - own; i++)
			assert_int_equal(seen[i], (uint64_t)expected[i + own]);
	}
}

/* What is remembered is what was read. */
static void test_remembered(void **state)
{
	uint64_t from = (uint64_t)dlsym(RTLD_DEFAULT, "qsort"), fde;
	unsigned kinds[3] = { 0 };

	for (uint64_t pc = from; pc < from + 20000; pc++) {
		struct cfi_row first = { 0 }, again = { 0 };
		enum cfi_found found = rt_cfi_find(pc, &first, &fde);

		kinds[found]++;
		assert_int_equal(rt_cfi_find(pc, &again, &fde), found);
		if (found == CFI_ROW)
			assert_memory_equal(&again, &first, sizeof(first));
	}
	assert_true(kinds[CFI_ROW] > 15000);
}

static void test_outside(void **state)
{
	struct cfi_row row;
	uint64_t fde;

	assert_int_equal(rt_cfi_find(0, &row, &fde), CFI_NONE);
	assert_int_equal(rt_cfi_find(8, &row, &fde), CFI_NONE);
	assert_int_equal(rt_cfi_find(UINT64_MAX, &row, &fde), CFI_NONE);
	assert_int_equal(rt_cfi_find((uint64_t)&row, &row, &fde), CFI_NONE);
	rt_state.cfi = 0;
	assert_int_equal(rt_cfi_find((uint64_t)look, &row, &fde), CFI_NONE);
}

static struct rt_cfi_module libc_module(void)
{
	uint64_t at = (uint64_t)dlsym(RTLD_DEFAULT, "qsort");

	for (uint64_t i = 0; i < tables.nmodules; i++)
		if (tables.module[i].lo <= at && at < tables.module[i].hi)
			return tables.module[i];
	fail_msg("no libc");
	return (struct rt_cfi_module){ 0 };
}

/* Copies of libc's tables with wrong bytes: any answer will do, if it comes. */
static void test_damaged(void **state)
{
	const struct rt_cfi_module m = libc_module();
	const uint64_t size = m.hi - m.hdr;
	unsigned seed = 1, found = 0;
	uint64_t n = 0, got, fde, v;
	uint8_t *clean = malloc(size), *copy = malloc(size);

	assert_true(clean && copy);
	while (n < size && (got = rt_read_some(clean + n, size - n, m.hdr + n)))
		n += got;
	tables.nmodules = 1;
	tables.module[0].hdr = (uint64_t)copy;
	tables.module[0].lo = (uint64_t)copy - (m.hdr - m.lo);
	tables.module[0].hi = (uint64_t)copy + size;
	for (unsigned round = 0; round < 10; round++) {
		memcpy(copy, clean, n);
		for (unsigned i = 0; i < n / 40 * round; i++)
			copy[rand_r(&seed) % n] = (uint8_t)rand_r(&seed);
		if (round)
			memcpy(copy, clean, 12); /* so that the table is searched */
		memset(tables.row, 0, sizeof(tables.row));
		for (unsigned i = 0; i < 200; i++) {
			uint64_t pc = tables.module[0].lo + rand_r(&seed) % (m.hdr - m.lo);
			const struct cfi_regs regs = { pc, (uint64_t)clean, (uint64_t)copy };
			struct cfi_row row;

			found += rt_cfi_find(pc, &row, &fde) == CFI_ROW;
			rt_cfi_expr((uint64_t)copy + rand_r(&seed) % n, &regs, NULL, &v);
		}
		assert_true(round || found > 100);
	}
	free(clean);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_backtrace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remembered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
