/* What the verifier is told of a function's words: "s4" numbers, "*struct" what they point to, "-" nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "attach/ctxdesc.h"

struct change {
	uint8_t flags, npieces;
	bool foreign, uncertain, lacking_types, ret_unsure;
};

static const char *tell(const char *prototype, bool results, struct change how)
{
	static char text[512];
	struct ty_pool *pool;
	struct func f = { 0 };
	struct ctxdesc c;
	struct diag d;
	size_t n = 0;

	assert_int_equal(ty_pool_new(&pool), 0);
	assert_int_equal(proto_parse(prototype, pool, &f.proto, &d), 0);
	f.proto.source = how.lacking_types ? PROTO_NONE : PROTO_DWARF;
	f.proto.foreign = how.foreign;
	f.proto.ret_unsure = how.ret_unsure;
	assert_int_equal(func_model_from_proto(&f.proto, &f.model, &d), 0);
	f.model->arg[0].flags |= how.flags;
	f.model->arg[0].npieces = how.npieces;
	((struct proto_param *)(uintptr_t)&f.proto.param[0])->uncertain = how.uncertain;
	ctxdesc_of_func(&f, results, &c);
	assert_true(c.desc.slot == c.slot && c.desc.nslots == BODY_MAX_SLOTS);
	text[0] = '\0';
	for (unsigned i = 0; i < f.model->nslots + 2u; i++) {
		char type[64] = "";

		if (c.slot[i].type)
			ty_format(c.slot[i].type, type, sizeof(type));
		if (c.slot[i].type)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "*%s ", type);
		else if (c.slot[i].bytes)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%c%u ",
					      c.slot[i].is_signed ? 's' : 'u', c.slot[i].bytes);
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, "- ");
	}
	func_model_free(f.model);
	ty_pool_free(pool);
	return text;
}

#define TELL(prototype_, ...) tell(prototype_, false, (struct change){ __VA_ARGS__ })

static void test_numbers(void **state)
{
	assert_string_equal(
		TELL("void f(signed char a, unsigned char b, short c, unsigned short d, int e, "
		     "unsigned g, _Bool h)"),
		"s1 u1 s2 u2 s4 u4 u1 - - ");
	/* on the stack, too; integers of 8 bytes may be anything's address */
	assert_string_equal(
		TELL("void f(long a, unsigned long b, long long c, long d, long e, long g, int h)"),
		"- - - - - - s4 - - ");
	assert_string_equal(TELL("void f(float a, double b, __int128 c)"), "- - - - - - ");
}

static void test_pointers(void **state)
{
	assert_string_equal(TELL("void f(struct s *a, const char *b, void *c, int **d)"),
			    "*struct s *char *void *int * - - ");
	assert_string_equal(
		TELL("void f(struct { long a; long b; long c; } a, struct { int a; } b)"),
		"*struct {...} - - - ");
}

static void test_results(void **state)
{
	assert_string_equal(tell("struct s *f(int a)", true, (struct change){ 0 }),
			    "s4 *struct s - ");
	assert_string_equal(tell("struct s *f(int a)", false, (struct change){ 0 }), "s4 - - ");
	assert_string_equal(tell("struct s *f(int a)", true, (struct change){ .ret_unsure = true }),
			    "s4 - - ");
	/* it may be what an fmod_ret program returned, any word */
	assert_string_equal(tell("int f(int a)", true, (struct change){ 0 }), "s4 - - ");
}

/* Where anything is doubtful nothing is said. */
static void test_doubts(void **state)
{
	static const char proto[] = "void f(int a, struct s *b)";

	assert_string_equal(TELL(proto, 0), "s4 *struct s - - ");
	assert_string_equal(TELL(proto, .flags = FM_UNCERTAIN), "- *struct s - - ");
	assert_string_equal(TELL(proto, .flags = FM_GONE), "- *struct s - - ");
	assert_string_equal(TELL(proto, .npieces = 1), "- *struct s - - ");
	assert_string_equal(TELL(proto, .uncertain = true), "- *struct s - - ");
	assert_string_equal(TELL(proto, .foreign = true), "- - - - ");
	assert_string_equal(TELL(proto, .lacking_types = true), "- - - - ");
	assert_string_equal(TELL("void f(struct s *a)", .flags = FM_GONE), "- - - ");
	assert_string_equal(TELL("void f(struct s *a)", .uncertain = true), "- - - ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_results),
		cmocka_unit_test(test_doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
