/*
 * tests of info/dwarf.h on C++: dwarf_cxx_test VICTIM.so
 */
#include "info/dwarf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../skip.h"

static const char *victim;
static struct dwarf_reader *reader;
static struct ty_pool *pool;

struct wanted {
	const char *name;
	taddr_t addr;
};

static int match(const char *name, const char *linkage, taddr_t addr, void *arg)
{
	struct wanted *w = arg;

	if (strcmp(name, w->name) != 0)
		return 0;
	w->addr = addr;
	return 1;
}

static struct proto proto_of(const char *name)
{
	struct wanted w = { .name = name };
	struct diag d = { 0 };
	struct proto p;

	assert_int_equal(dwr_each_func(reader, match, &w), 1);
	if (dwr_proto_at(reader, w.addr, pool, &p, &d) < 0)
		fail_msg("%s", d.text);
	assert_string_equal(p.name, name);
	assert_false(p.unprototyped);
	return p;
}

static int set_up(void **state)
{
	struct diag d = { 0 };

	assert_int_equal(dwr_open(victim, &reader, &d), 0);
	return ty_pool_new(&pool);
}

static int tear_down(void **state)
{
	dwr_close(reader);
	ty_pool_free(pool);
	return 0;
}

static void test_this(void **state)
{
	struct proto p = proto_of("ns::counted::get");
	const struct ty *t;
	char out[200];

	assert_int_equal(p.nparams, 2);
	assert_string_equal(p.param[0].name, "this");
	assert_string_equal(p.param[1].name, "scale");
	t = ty_strip(ty_strip(p.param[0].type)->of);
	assert_string_equal(t->name, "ns::counted");
	assert_true(t->flags & TY_CLASS);
	ty_format(p.param[0].type, out, sizeof(out));
	assert_non_null(strstr(out, "const ns::counted *"));
	p = proto_of("ns::counted::over");
	assert_int_equal(p.nparams, 2);
	p = proto_of("ns::counted::made");
	assert_int_equal(p.nparams, 1);
	assert_string_equal(p.param[0].name, "n");
}

static void test_by_value(void **state)
{
	struct proto p = proto_of("ns::by_value");

	assert_int_equal(p.nparams, 3);
	assert_false(p.param[0].by_ref);
	assert_int_equal(ty_strip(p.param[0].type)->size, 16);
	assert_true(p.param[1].by_ref);
	assert_true(ty_strip(p.param[1].type)->flags & TY_NONTRIVIAL);
	assert_true(p.param[2].by_ref);
	assert_true(ty_strip(p.param[2].type)->flags & TY_NONTRIVIAL);
}

static void test_references(void **state)
{
	struct proto p = proto_of("ns::by_reference");
	char out[200];

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ty_strip(p.param[i].type)->kind, TY_PTR);
		assert_true(ty_strip(p.param[i].type)->flags & TY_REFERENCE);
		assert_int_equal(ty_strip(p.param[i].type)->size, 8);
		assert_false(p.param[i].by_ref);
	}
	ty_format(p.param[1].type, out, sizeof(out));
	assert_string_equal(out, "const ns::counted &");
}

/* Declared only, as clang does; its layout is the library's ABI. */
static void test_declared_string(void **state)
{
	struct proto p = proto_of("declared_string");
	const struct ty *t;
	char out[200];

	assert_int_equal(p.nparams, 2);
	t = ty_strip(ty_strip(p.param[0].type)->of);
	assert_int_equal(t->kind, TY_STRUCT);
	assert_int_equal(t->size, 32);
	assert_int_equal(t->align, 8);
	assert_int_equal(t->n, 3);
	assert_true(t->flags & TY_NONTRIVIAL && t->flags & TY_PASS_TOLD);
	assert_string_equal(t->member[1].name, "_M_string_length");
	assert_int_equal(t->member[1].offset, 8);
	/* of wide ones nothing is known */
	t = ty_strip(ty_strip(p.param[1].type)->of);
	assert_int_equal(t->kind, TY_UNKNOWN);
	ty_format(t, out, sizeof(out));
	assert_non_null(strstr(out, "basic_string<wchar_t"));
}

static void test_member_pointers(void **state)
{
	struct proto p = proto_of("member_pointers");
	const struct ty *t = ty_strip(p.param[0].type);

	assert_int_equal(t->kind, TY_STRUCT);
	assert_int_equal(t->size, 16);
	assert_int_equal(t->n, 2);
	assert_string_equal(t->member[0].name, "ptr");
	assert_int_equal(t->member[0].type->kind, TY_PTR);
	assert_int_equal(t->member[0].type->of->kind, TY_FUNC);
	assert_string_equal(t->member[1].name, "adj");
	assert_int_equal(t->member[1].offset, 8);
	assert_int_equal(ty_strip(p.param[1].type)->kind, TY_INT);
	assert_int_equal(ty_strip(p.param[1].type)->size, 8);
}

static void test_template(void **state)
{
	struct proto p = proto_of("twice<int>");
	char out[200];

	proto_format(&p, out, sizeof(out));
	assert_string_equal(out, "int twice<int>(int v)");
}

static void shown(const char *name, const char *as)
{
	struct proto p = proto_of(name);
	char out[200];

	proto_format(&p, out, sizeof(out));
	if (strncmp(out, as, strlen(as)) != 0)
		fail_msg("%s", out);
}

/* g++ has their code within the type within the function, clang beside it. */
static void test_local(void **state)
{
	struct proto p = proto_of("ns::local_class::L::in");
	const struct ty *this = ty_strip(ty_strip(p.param[0].type)->of);

	assert_int_equal(p.nparams, 3);
	assert_string_equal(this->name, "ns::local_class::L");
	assert_string_equal(p.param[0].name, "this");
	assert_string_equal(p.param[1].name, "k");
	assert_int_equal(ty_strip(p.param[2].type)->size, 8);
	p = proto_of("ns::local_in_block::U::get");
	assert_int_equal(p.nparams, 2);
	assert_int_equal(ty_strip(p.param[1].type)->size, 2);
}

static void test_lambdas(void **state)
{
	struct proto p = proto_of("ns::local_lambda::(anonymous)::operator()");

	assert_int_equal(p.nparams, 3);
	assert_string_equal(p.param[1].name, "q");
	assert_string_equal(p.param[2].name, "s");
	p = proto_of("ns::local_captures::(anonymous)::operator()");
	assert_int_equal(p.nparams, 2);
	assert_string_equal(p.param[1].name, "d");
	assert_int_equal(ty_strip(p.param[1].type)->kind, TY_FLOAT);
	shown("ns::local_captures::(anonymous)::operator()", "long");
}

static void test_lambda_of_no_function(void **state)
{
	struct wanted w = { .name = "(anonymous)::operator()" };
	struct proto p;

	if (dwr_each_func(reader, match, &w) != 1)
		SKIP_TEST("inlined into the function that it converts to");
	assert_int_equal(dwr_proto_at(reader, w.addr, pool, &p, NULL), 0);
	assert_int_equal(p.nparams, 2);
	assert_string_equal(p.param[1].name, "g");
}

/* What clang leaves out is noticed: whether it does is its affair. */
static void test_lacking(void **state)
{
	struct proto p = proto_of("lacks_one");

	assert_in_range(p.nparams, 7, 8);
	assert_int_equal(p.lacking, p.nparams == 7);
	assert_string_equal(p.param[p.nparams - 1].name, "last");
	assert_true(p.param[p.nparams - 1].by_ref);
	if (p.param[p.nparams - 1].place.seen == SEEN_STACK)
		assert_true(p.param[p.nparams - 1].place.deref); /* clang -O2 does not say so */
	p = proto_of("lacks_in_c");
	assert_true(p.nparams == 8 || p.lacking);
	p = proto_of("ns::by_value");
	assert_false(p.lacking);
	p = proto_of("twice<int>");
	assert_false(p.lacking);
}

/* Nothing uses it: who calls it may know, if nothing is told of it. */
static void test_unused(void **state)
{
	struct proto p = proto_of("fades::~fades");

	assert_int_equal(p.nparams, 1);
	assert_int_equal(p.param[0].uncertain, p.param[0].place.seen == SEEN_NOT);
	p = proto_of("twice<int>");
	assert_false(p.param[0].uncertain);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_this),
		cmocka_unit_test(test_by_value),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_member_pointers),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_declared_string),
		cmocka_unit_test(test_lacking),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_lambdas),
		cmocka_unit_test(test_lambda_of_no_function),
	};

	if (argc < 2)
		return 2;
	victim = argv[1];
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
