/*
 * tests/unit/model/func_model_test.c - slots and flags of values; raw and entry-only models.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "model/func_model.h"

#include <errno.h>

static struct func_model *parse(const char *text)
{
	struct func_model *m;

	assert_int_equal(func_model_parse(text, &m, NULL), 0);
	return m;
}

static void assert_value(const struct fm_value *v, unsigned size, unsigned slot, unsigned nslots,
			 unsigned flags)
{
	assert_int_equal(v->size, size);
	assert_int_equal(v->slot, slot);
	assert_int_equal(v->nslots, nslots);
	assert_int_equal(v->flags, flags);
}

static void test_scalars(void **state)
{
	struct func_model *m = parse("i8(bool,i16,u32,p,f32,f64,i128,x80,f128)");

	assert_true(m->k_known);
	assert_false(m->raw);
	assert_int_equal(m->nargs, 9);
	assert_value(&m->arg[0], 1, 0, 1, FM_BOOL);
	assert_value(&m->arg[1], 2, 1, 1, FM_SIGNED);
	assert_value(&m->arg[2], 4, 2, 1, 0);
	assert_value(&m->arg[3], 8, 3, 1, 0);
	assert_value(&m->arg[4], 4, 4, 1, FM_FLOAT);
	assert_value(&m->arg[5], 8, 5, 1, FM_FLOAT);
	assert_value(&m->arg[6], 16, 6, 2, FM_SIGNED);
	assert_value(&m->arg[7], 10, 8, 2, FM_FLOAT);
	assert_value(&m->arg[8], 16, 10, 2, FM_FLOAT);
	assert_int_equal(m->nslots, 12);
	assert_value(&m->ret, 1, 12, 1, FM_SIGNED);
	func_model_free(m);
}

static void test_aggregates(void **state)
{
	struct func_model *m = parse("{f64,i32}({i8[3]},{i64,i64},!{i8,i64},{i64,i64,i64},{},"
				     "{i64}@16,v512,&{i32},cx80)");

	assert_value(&m->arg[0], 3, 0, 1, FM_AGGREGATE);
	assert_value(&m->arg[1], 16, 1, 2, FM_AGGREGATE);
	assert_value(&m->arg[2], 9, 3, 2, FM_AGGREGATE); /* in memory, but small */
	assert_value(&m->arg[3], 24, 5, 1, FM_AGGREGATE | FM_BY_ADDR);
	assert_value(&m->arg[4], 0, 6, 0, FM_AGGREGATE | FM_HIDDEN);
	assert_value(&m->arg[5], 16, 6, 2, FM_AGGREGATE); /* its second eightbyte is padding */
	assert_int_equal(m->arg[5].place.nregs, 1);
	assert_value(&m->arg[6], 64, 8, 8, FM_AGGREGATE);
	assert_value(&m->arg[7], 4, 16, 1, FM_AGGREGATE | FM_BY_ADDR);
	assert_true(m->arg[7].place.by_ref);
	assert_value(&m->arg[8], 32, 17, 1, FM_AGGREGATE | FM_BY_ADDR);
	assert_value(&m->ret, 16, 18, 2, FM_AGGREGATE);
	func_model_free(m);
}

static void test_results(void **state)
{
	static const struct {
		const char *text;
		unsigned size, nslots, flags;
	} t[] = {
		{ "void(i32)", 0, 0, 0 },
		{ "x80(i32)", 10, 2, FM_FLOAT },
		{ "cx80(i32)", 32, 4, FM_AGGREGATE },
		{ "{x80}(i32)", 16, 2, FM_AGGREGATE },
		{ "{}(i32)", 0, 0, FM_AGGREGATE | FM_HIDDEN },
		{ "{p,p,p}(i32)", 24, 1, FM_AGGREGATE | FM_BY_ADDR },
		{ "!{i8,i64}(i32)", 9, 2, FM_AGGREGATE },
		{ "&{i32}(i32)", 4, 1, FM_AGGREGATE | FM_BY_ADDR },
		{ "i128(i32)", 16, 2, FM_SIGNED },
		{ "v256(i32)", 32, 4, FM_AGGREGATE },
	};

	for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
		struct func_model *m = parse(t[i].text);

		assert_value(&m->ret, t[i].size, 1, t[i].nslots, t[i].flags);
		func_model_free(m);
	}
}

static void test_new(void **state)
{
	static const struct abi_type i = { .kind = ABI_INT, .size = 4, .align = 4 };
	static const struct abi_type v = { .kind = ABI_VOID };
	const struct abi_type *arg[1025];
	struct func_model *m = (void *)&m;

	for (unsigned k = 0; k < ARRAY_LEN(arg); k++)
		arg[k] = &i;
	assert_int_equal(func_model_new(NULL, &v, arg, 1025, &m), -E2BIG);
	assert_int_equal(func_model_new(NULL, &v, arg, 256, &m), -E2BIG);
	arg[0] = &v;
	assert_int_equal(func_model_new(NULL, &v, arg, 1, &m), -EINVAL);
	assert_ptr_equal(m, &m);
	assert_int_equal(func_model_new(NULL, &v, NULL, 0, &m), 0);
	func_model_free(m);
	func_model_free(NULL);
}

/* Nothing may be taken for free in a call whose arguments are not all known. */
static void test_entry_only(void **state)
{
	struct func_model *m = parse("i32(p,p,p,p,p,p,i64,...)");

	assert_false(m->k_known);
	assert_int_equal(m->call.ngpr, 6);
	assert_int_equal(m->call.nxmm, 8);
	assert_int_equal(m->call.stack_bytes, 0);
	assert_int_equal(m->nslots, 7);
	assert_int_equal(m->arg[6].place.nregs, 0);
	func_model_free(m);

	m = parse("i32(p,i64)");
	func_model_hide_k(m, NULL);
	assert_false(m->k_known);
	assert_int_equal(m->call.ngpr, 6);
	func_model_free(m);
}

static void test_raw(void **state)
{
	struct func_model *m;

	assert_int_equal(func_model_raw(&m), 0);
	assert_true(m->raw);
	assert_false(m->k_known);
	assert_int_equal(m->nslots, 6);
	assert_int_equal(m->call.nxmm, 8);
	for (unsigned i = 0; i < 6; i++) {
		assert_value(&m->arg[i], 8, i, 1, 0);
		assert_int_equal(m->arg[i].place.num[0], i);
	}
	func_model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars),    cmocka_unit_test(test_aggregates),
		cmocka_unit_test(test_results),    cmocka_unit_test(test_new),
		cmocka_unit_test(test_entry_only), cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests_name("model func_model", tests, NULL, NULL);
}
