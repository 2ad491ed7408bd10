/* funcs_test.c - what BTF's prototypes of global functions become for the verifier, and which are refused. */
#include "sys/records.h"

#include "base/types.h"

#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Types of every case, by their ids. */
enum {
	VOID,
	INT,
	LONG,
	BYTE,
	STRUCT, /* of 24 bytes */
	FWD,
	CTX,
	ENUM,
	FLOAT,
	ARRAY,   /* of 3 int */
	TYPEDEF, /* of const STRUCT */
	CONST,
	TO_VOID,
	TO_LONG,
	TO_STRUCT,
	TO_FWD,
	TO_CTX,
	TO_ARRAY,
	TO_TYPEDEF,
	TO_POINTER,
	TO_FUNC,
	PROTO,
	LAST,
};

static struct btf *types(void)
{
	struct btf *b = btf__new_empty();

	assert_non_null(b);
	assert_int_equal(btf__add_int(b, "int", 4, BTF_INT_SIGNED), INT);
	assert_int_equal(btf__add_int(b, "unsigned long", 8, 0), LONG);
	assert_int_equal(btf__add_int(b, "unsigned char", 1, 0), BYTE);
	assert_int_equal(btf__add_struct(b, "acc", 24), STRUCT);
	assert_int_equal(btf__add_fwd(b, "somewhere", BTF_FWD_STRUCT), FWD);
	assert_int_equal(btf__add_struct(b, "bpf_raw_tracepoint_args", 0), CTX);
	assert_int_equal(btf__add_enum(b, "color", 4), ENUM);
	assert_int_equal(btf__add_float(b, "double", 8), FLOAT);
	assert_int_equal(btf__add_array(b, INT, INT, 3), ARRAY);
	assert_int_equal(btf__add_typedef(b, "acc_t", CONST), TYPEDEF);
	assert_int_equal(btf__add_const(b, STRUCT), CONST);
	assert_int_equal(btf__add_ptr(b, VOID), TO_VOID);
	assert_int_equal(btf__add_ptr(b, LONG), TO_LONG);
	assert_int_equal(btf__add_ptr(b, STRUCT), TO_STRUCT);
	assert_int_equal(btf__add_ptr(b, FWD), TO_FWD);
	assert_int_equal(btf__add_ptr(b, CTX), TO_CTX);
	assert_int_equal(btf__add_ptr(b, ARRAY), TO_ARRAY);
	assert_int_equal(btf__add_ptr(b, TYPEDEF), TO_TYPEDEF);
	assert_int_equal(btf__add_ptr(b, TO_STRUCT), TO_POINTER);
	assert_int_equal(btf__add_ptr(b, PROTO), TO_FUNC);
	assert_int_equal(btf__add_func_proto(b, INT), PROTO);
	return b;
}

struct func_case {
	int ret, arg, more; /* more: arguments of the same type besides */
	const char *tag[2]; /* of the first */
	const char *why;    /* NULL: the first argument is this */
	struct verify_param is;
};

/* Function f of a BTF of its own, as func_info tells of it. */
static bool look(const struct func_case *c, enum btf_func_linkage linkage, struct verify_func *out)
{
	struct btf *b = types();
	int proto = btf__add_func_proto(b, c->ret), func;
	struct bpf_func_info info[2] = { { 0, 0 }, { 5, 0 } };
	struct sys_info_records records = { .data = info, .n = 2 };
	struct sys_lines lines = { .func = &records, .btf = b };
	bool known;

	for (int i = 0; i < 1 + c->more; i++)
		assert_int_equal(btf__add_func_param(b, "a", c->arg), 0);
	func = btf__add_func(b, "f", linkage, proto);
	assert_true(func > LAST);
	for (int i = 0; i < 2; i++)
		if (c->tag[i])
			assert_true(btf__add_decl_tag(b, c->tag[i], func, 0) > 0);
	/* of the function, and of another argument: none of the first's */
	assert_true(btf__add_decl_tag(b, "arg:ctx", func, -1) > 0);
	info[0].type_id = info[1].type_id = (uint32_t)func;
	known = sys_records_function(&lines, 5, out);
	btf__free(b);
	return known;
}

#define NO(why_, ret_, arg_, ...) \
	{ \
		.ret = (ret_), .arg = (arg_), .why = (why_), __VA_ARGS__ \
	}
#define IS(arg_, kind_, size_, ...) \
	{ \
		.ret = INT, .arg = (arg_), .is = { .kind = (kind_), .size = (size_) }, __VA_ARGS__ \
	}
#define TAG(...) .tag = { __VA_ARGS__ }

static const struct func_case cases[] = {
	IS(INT, PARAM_NUMBER, 0),
	IS(ENUM, PARAM_NUMBER, 0),
	IS(TO_LONG, PARAM_MEMORY, 8),
	IS(TO_STRUCT, PARAM_MEMORY, 24),
	IS(TO_ARRAY, PARAM_MEMORY, 12),
	IS(TO_TYPEDEF, PARAM_MEMORY, 24),
	IS(TO_POINTER, PARAM_MEMORY, 8),
	IS(TO_CTX, PARAM_CTX, 0),
	IS(TO_CTX, PARAM_CTX, 0, TAG("arg:ctx")),
	IS(TO_VOID, PARAM_CTX, 0, TAG("arg:ctx")),
	IS(TO_LONG, PARAM_CTX, 0, TAG("arg:ctx")),
	IS(TO_VOID, PARAM_TARGET, 0, TAG("arg:untrusted")),
	IS(TO_FWD, PARAM_TARGET, 0, TAG("arg:untrusted")),
	IS(TO_STRUCT, PARAM_TARGET, 0, TAG("arg:trusted")),
	IS(TO_STRUCT, PARAM_TARGET, 0, TAG("arg:trusted", "arg:nullable")),
	IS(TO_STRUCT, PARAM_MEMORY, 24, TAG("something else")),
	IS(INT, PARAM_NUMBER, 0, .more = 4),
	NO("Global function f() with 6 > 5 args. Buggy compiler.", INT, INT, .more = 5),
	NO("Global function f() doesn't return scalar. Only those are supported.", TO_STRUCT, INT),
	NO("Global function f() doesn't return scalar. Only those are supported.", STRUCT, INT),
	NO("arg#0 reference type('UNKNOWN ') size cannot be determined: -22", INT, TO_VOID),
	NO("arg#0 reference type('FWD somewhere') size cannot be determined: -22", INT, TO_FWD),
	NO("arg#0 reference type('FUNC_PROTO ') size cannot be determined: -22", INT, TO_FUNC),
	NO("Arg#0 type STRUCT in f() is not supported yet.", INT, STRUCT),
	NO("Arg#0 type FLOAT in f() is not supported yet.", INT, FLOAT),
	NO("Arg#0 type UNKNOWN in f() is not supported yet.", INT, VOID),
	NO("arg#0 should be `struct bpf_raw_tracepoint_args *`", INT, TO_STRUCT, TAG("arg:ctx")),
	NO("arg#0 has invalid combination of tags", INT, TO_LONG, TAG("arg:ctx", "arg:nonnull")),
	NO("arg#0 has invalid combination of tags", INT, TO_STRUCT, TAG("arg:nullable")),
	NO("arg#0 untrusted cannot be combined with any other tags", INT, TO_STRUCT,
	   TAG("arg:untrusted", "arg:nonnull")),
	NO("arg#0 has unsupported set of tags", INT, TO_STRUCT, TAG("arg:arena")),
	NO("arg#0 has pointer tag, but is not a pointer type", INT, INT, TAG("arg:nonnull")),
};

static void test_prototypes(void **state)
{
	unsigned bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct func_case *c = &cases[i];
		struct verify_func f = { .name = "" };
		bool ok = look(c, BTF_FUNC_GLOBAL, &f) && f.global && !strcmp(f.name, "f");

		ok &= c->why ? !strcmp(f.why, c->why) && f.change :
			       !f.why[0] && f.nparams == 1 + c->more &&
				       f.param[0].kind == c->is.kind &&
				       f.param[0].size == c->is.size && !f.param[0].nonnull;
		if (!ok)
			print_error("case %zu: '%s', %u arguments, kind %u, %u bytes\n", i, f.why,
				    f.nparams, f.param[0].kind, f.param[0].size);
		bad += !ok;
	}
	assert_int_equal(bad, 0);
}

static void test_nonnull(void **state)
{
	const struct func_case c = { .ret = VOID, .arg = TO_STRUCT, .tag = { "arg:nonnull" } };
	struct verify_func f;

	assert_true(look(&c, BTF_FUNC_GLOBAL, &f));
	assert_true(f.is_void && f.param[0].nonnull && f.param[0].size == 24);
}

/* Of static ones their name is told, whatever they take; the program itself is none that is called. */
static void test_static(void **state)
{
	const struct func_case c = { .ret = TO_STRUCT, .arg = TO_VOID, .tag = { "arg:what" } };
	struct sys_info_records none = { .n = 0 };
	struct sys_lines lines = { .func = &none };
	struct verify_func f = { .global = true };

	assert_true(look(&c, BTF_FUNC_STATIC, &f));
	assert_true(!f.global && !f.why[0] && !strcmp(f.name, "f"));
	assert_false(sys_records_function(&lines, 5, &f));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prototypes),
		cmocka_unit_test(test_nonnull),
		cmocka_unit_test(test_static),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
