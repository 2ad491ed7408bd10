/*
 * tests of info/btf.h and info/args.h: btf_test RAW.btf OBJECT.bpf.o SHARED-OBJECT
 */
#include "info/args.h"
#include "info/btf.h"

#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char **path;
static struct btf_reader *reader;
static struct ty_pool *pool;

static int set_up(void **state)
{
	struct diag d = { 0 };

	if (btfr_open(path[1], &reader, &d) < 0)
		fail_msg("%s", d.text);
	return ty_pool_new(&pool);
}

static int tear_down(void **state)
{
	btfr_close(reader);
	btfr_close(NULL);
	ty_pool_free(pool);
	return 0;
}

static void assert_proto(const char *name, const char *want)
{
	struct diag d = { 0 };
	struct proto p;
	char out[300];

	if (btfr_proto(reader, name, pool, &p, &d) < 0)
		fail_msg("%s", d.text);
	assert_int_equal(p.source, PROTO_BTF);
	proto_format(&p, out, sizeof(out));
	assert_string_equal(out, want);
}

static void test_prototypes(void **state)
{
	assert_proto("a0", "int a0(void)");
	assert_proto("a1", "int a1(struct node *)");
	assert_proto("a3", "int a3(pair_t, int, long)");
	assert_proto("a7s", "int a7s(int, int, int, int, int, int, union number)");
	assert_proto("afloat", "double afloat(double, float)");
	assert_proto("avar", "int avar(const char *, ...)");
	assert_proto("defined", "int defined(struct node *n, enum color c)");
	assert_proto("pick", "const void *pick(int i)");
}

static const struct ty *type_of(const char *name)
{
	const struct ty *t;
	struct diag d;

	if (btfr_type(reader, name, pool, &t, &d) < 0)
		fail_msg("%s", d.text);
	return t;
}

static void test_types(void **state)
{
	const struct ty *t = type_of("node"), *f;

	assert_int_equal(t->kind, TY_STRUCT);
	assert_ptr_equal(ty_strip(t->member[0].type)->of, t);
	assert_int_equal(ty_strip(ty_strip(t->member[1].type)->of)->kind, TY_UNKNOWN);
	assert_string_equal(ty_strip(ty_strip(t->member[1].type)->of)->name, "struct hidden");
	assert_int_equal(t->member[5].type->size, 60);
	assert_int_equal(t->member[5].type->n, 3);
	assert_string_equal(t->member[7].name, "");
	assert_int_equal(ty_strip(t->member[7].type)->kind, TY_UNION);
	assert_true(t->member[8].type->flags & TY_UNSIZED);
	assert_int_equal(t->align, 8);
	assert_false(t->flags & TY_PACKED);
	f = ty_strip(ty_strip(t->member[4].type)->of);
	assert_int_equal(f->flags, TY_SIGNED | TY_CHAR);
	t = type_of("struct bits");
	assert_int_equal(t->size, 8);
	assert_int_equal(t->member[2].bits, 10);
	assert_int_equal(t->member[2].offset, 0);
	assert_int_equal(t->member[2].bit_offset, 8);
	assert_int_equal(t->member[3].bits, 40);
	assert_int_equal(t->member[3].bit_offset, 18);
	t = type_of("enum color");
	assert_true(t->flags & TY_SIGNED);
	assert_int_equal(t->n, 3);
	assert_int_equal(t->enumerator[0].value, -1);
	assert_string_equal(t->enumerator[2].name, "BLUE");
	t = type_of("pair_t");
	assert_int_equal(t->kind, TY_TYPEDEF);
	assert_int_equal(t->size, 16);
	assert_int_equal(type_of("union number")->size, 4);
}

static void test_failures(void **state)
{
	struct btf_reader *r = NULL;
	const struct ty *t = NULL;
	struct diag d = { 0 };
	struct proto p;

	assert_int_equal(btfr_proto(reader, "nonesuch", pool, &p, &d), -ENOENT);
	assert_non_null(strstr(d.text, "nonesuch"));
	assert_int_equal(btfr_proto(reader, "node", pool, &p, &d), -ENOENT);
	assert_int_equal(btfr_type(reader, "nonesuch", pool, &t, &d), -ENOENT);
	assert_int_equal(btfr_type(reader, "a0", pool, &t, &d), -ENOENT);
	assert_int_equal(btfr_type(reader, "union node", pool, &t, &d), -ENOENT);
	assert_null(t);
	assert_int_equal(btfr_open("/nonexistent", &r, &d), -ENOENT);
	assert_int_equal(btfr_open("/etc/passwd", &r, &d), -EBADMSG);
	assert_int_equal(btfr_open("/tmp", &r, &d), -EBADMSG);
	assert_int_equal(btfr_open("/bin/true", &r, &d), -ENOENT);
	assert_non_null(strstr(d.text, "no BTF"));
	assert_int_equal(btfr_open_mem("x", 1, &r, &d), -EBADMSG);
	assert_int_equal(btfr_open_mem("", 0, &r, &d), -EBADMSG);
	assert_null(r);
}

static void test_memory(void **state)
{
	struct btf_reader *mem;
	static char raw[1 << 16];
	FILE *f = fopen(path[1], "rb");
	size_t n = fread(raw, 1, sizeof(raw), f);
	struct proto p;

	fclose(f);
	assert_int_equal(btfr_open_mem(raw, n, &mem, NULL), 0);
	memset(raw, 0xff, sizeof(raw)); /* it keeps a copy */
	assert_int_equal(btfr_proto(mem, "a12", pool, &p, NULL), 0);
	assert_int_equal(p.nparams, 12);
	btfr_close(mem);
}

static void check_fixture(const struct args_table *t)
{
	assert_int_equal(t->functions, 12);
	assert_int_equal(t->by_args[0], 1);
	assert_int_equal(t->by_args[1], 2);
	assert_int_equal(t->by_args[2], 4); /* with the ... of avar */
	assert_int_equal(t->by_args[3], 1);
	assert_int_equal(t->by_args[6], 1);
	assert_int_equal(t->by_args[7], 2);
	assert_int_equal(t->by_args[12], 1);
	assert_int_equal(args_over(t, 6), 3);
	assert_int_equal(args_over(t, 11), 1);
	assert_int_equal(args_over(t, 12), 0);
	assert_int_equal(args_over(t, 1000), 0);
	assert_int_equal(t->variadic, 1);
	assert_int_equal(t->struct_by_value, 2);
	assert_int_equal(t->with_float, 1);
}

static void test_args(void **state)
{
	struct args_table t;
	struct diag d = { 0 };

	assert_int_equal(btfr_args(reader, &t, &d), 0);
	check_fixture(&t);
	memset(&t, 0xff, sizeof(t));
	assert_int_equal(args_read(path[1], &t, &d), 0);
	check_fixture(&t);
	memset(&t, 0xff, sizeof(t));
	assert_int_equal(args_read(path[2], &t, &d), 0); /* an ELF file */
	check_fixture(&t);
	assert_int_equal(args_read(path[3], &t, &d), 0); /* by DWARF */
	assert_int_equal(t.by_args[6], 1);
	assert_string_equal(d.text, "");
	assert_int_equal(args_read("/nonexistent", &t, &d), -ENOENT);
	assert_int_equal(args_read("/bin/true", &t, &d), -ENOENT);
	assert_non_null(strstr(d.text, "neither BTF nor DWARF"));
	assert_int_equal(args_read("/etc/passwd", &t, &d), -EBADMSG);
}

/* The table of the kernel that these numbers were taken from. */
static void test_kernel(void **state)
{
	static const char file[] = "/sys/kernel/btf/vmlinux";
	struct args_table t;
	struct diag d;

	if (access(file, R_OK) < 0)
		return;
	assert_int_equal(args_read(file, &t, &d), 0);
	assert_true(t.functions > 10000);
	assert_int_equal(t.with_float, 0);
	if (t.functions != 56327)
		return;
	assert_int_equal(t.by_args[7], 580);
	assert_int_equal(t.by_args[8], 271);
	assert_int_equal(t.by_args[12], 13);
	assert_int_equal(args_over(&t, 6), 1119);
	assert_int_equal(t.variadic, 139);
}

/* A complex type is a float by kind and complex by name. */
static void test_complex(void **state)
{
	static const struct {
		const char *name;
		uint32_t size;
		uint16_t flags;
	} list[] = { { "complex double", 16, TY_COMPLEX },
		     { "_Complex float", 8, TY_COMPLEX },
		     { "complex", 8, TY_COMPLEX },
		     { "long double", 16, TY_X87 },
		     { "double", 8, 0 } };
	struct btf *b = btf__new_empty();
	struct btf_reader *r;
	struct proto p;
	const void *raw;
	uint32_t n;
	int proto;

	proto = btf__add_func_proto(b, 0);
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		btf__add_func_param(b, list[i].name, proto + 2 + (int)i);
	btf__add_func(b, "f", BTF_FUNC_STATIC, proto);
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		btf__add_float(b, list[i].name, list[i].size);
	raw = btf__raw_data(b, &n);
	assert_int_equal(btfr_open_mem(raw, n, &r, NULL), 0);
	assert_int_equal(btfr_proto(r, "f", pool, &p, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		assert_int_equal(p.param[i].type->kind, TY_FLOAT);
		assert_int_equal(p.param[i].type->flags, list[i].flags);
	}
	btfr_close(r);
	btf__free(b);
}

/* Variables of a section as they are, one with a damaged type among them; types by id. */
static void test_section(void **state)
{
	struct btf *b = btf__new_empty();
	const struct section_var *v;
	const struct ty *t = NULL;
	struct btf_reader *r;
	struct diag d = { "" };
	int section, number, named;
	const void *raw;
	uint32_t size;
	unsigned n;

	number = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	named = btf__add_typedef(b, "counter", number);
	btf__add_var(b, "first", BTF_VAR_STATIC, named);
	btf__add_var(b, "second", BTF_VAR_GLOBAL_ALLOCATED, 99);
	section = btf__add_datasec(b, ".bss", 16);
	btf__add_datasec_var_info(b, 3, 8, 4);
	btf__add_datasec_var_info(b, 4, 12, 2);
	btf__add_datasec_var_info(b, number, 100, 7);
	raw = btf__raw_data(b, &size);
	assert_int_equal(btfr_open_mem(raw, size, &r, NULL), 0);
	assert_int_equal(btfr_section(r, (uint32_t)section, pool, &v, &n, &d), 0);
	assert_int_equal(n, 3);
	assert_string_equal(v[0].name, "first");
	assert_string_equal(v[0].type->name, "counter");
	assert_true(v[0].offset == 8 && v[0].size == 4);
	assert_string_equal(v[1].name, "second");
	assert_true(!v[1].type && v[1].offset == 12 && v[1].size == 2);
	assert_true(!v[2].type && v[2].name[0] == '\0' && v[2].size == 7);
	assert_int_equal(btfr_section(r, 0, pool, &v, &n, &d), -ENOENT);
	assert_int_equal(btfr_section(r, (uint32_t)named, pool, &v, &n, &d), -ENOENT);
	assert_int_equal(btfr_section(r, 1000, pool, &v, &n, &d), -ENOENT);
	assert_non_null(strstr(d.text, "1000"));
	assert_int_equal(btfr_build(r, (uint32_t)named, pool, &t, &d), 0);
	assert_true(ty_strip(t)->kind == TY_INT && ty_strip(t)->size == 4);
	assert_int_equal(btfr_build(r, (uint32_t)section, pool, &t, &d), -EBADMSG);
	assert_int_equal(btfr_build(r, 1000, pool, &t, &d), -EBADMSG);
	btfr_close(r);
	btf__free(b);
}

enum fault {
	SOUND,
	POINTEE,
	TYPEDEF_LOOP,
	MEMBER_TYPE,
	MEMBER_NAME,
	ELEMENT,
	INDEX,
	PROTO,
	PARAM,
	RESULT,
	VARIABLE,
	SECTION,
	TAG,
	FAULTS
};

/* Type ids as they are given out: 1 int, 2 on what may be at fault. */
static void check(enum fault f, const char *why)
{
	struct btf *b = btf__new_empty();
	struct diag d = { "" };
	struct btf_reader *r;
	const void *raw;
	uint32_t size;

	btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	btf__add_ptr(b, f == POINTEE ? 77 : 0);
	btf__add_typedef(b, "t", f == TYPEDEF_LOOP ? 4 : 1);
	btf__add_const(b, 3);
	btf__add_struct(b, "s", 4);
	btf__add_field(b, f == MEMBER_NAME ? "lost" : "m", f == MEMBER_TYPE ? 77 : 4, 0, 0);
	btf__add_array(b, f == INDEX ? 77 : 1, f == ELEMENT ? 77 : 1, 3);
	btf__add_func_proto(b, f == RESULT ? 77 : 0);
	btf__add_func_param(b, "p", f == PARAM ? 77 : 1);
	btf__add_func(b, "f", BTF_FUNC_STATIC, f == PROTO ? 1 : 7);
	btf__add_var(b, "v", BTF_VAR_STATIC, f == VARIABLE ? 77 : 5);
	btf__add_datasec(b, ".bss", 4);
	btf__add_datasec_var_info(b, f == SECTION ? 77 : 9, 0, 4);
	btf__add_decl_tag(b, "tag", f == TAG ? 77 : 5, -1);
	btf__add_enum(b, "e", 4);
	btf__add_enum_value(b, "E", 1);
	btf__add_fwd(b, "w", BTF_FWD_STRUCT);
	if (f == MEMBER_NAME)
		btf_members((struct btf_type *)(uintptr_t)btf__type_by_id(b, 5))->name_off = 1
											     << 20;
	raw = btf__raw_data(b, &size);
	assert_int_equal(btfr_open_mem(raw, size, &r, NULL), 0);
	assert_int_equal(btfr_check(r, &d), why ? -EBADMSG : 0);
	if (why && !strstr(d.text, why))
		fail_msg("fault %d: want '%s', have '%s'", f, why, d.text);
	btfr_close(r);
	btf__free(b);
}

static void test_check(void **state)
{
	static const char *const why[FAULTS] = {
		[POINTEE] = "type 2 refers to type 77",
		[TYPEDEF_LOOP] = "from type 3 on do not end",
		[MEMBER_TYPE] = "type 5 refers to",
		[MEMBER_NAME] = "a name of type 5",
		[ELEMENT] = "type 6 refers to",
		[INDEX] = "type 6 refers to",
		[PROTO] = "function 8 has no prototype",
		[PARAM] = "type 7 refers to",
		[RESULT] = "type 7 refers to",
		[VARIABLE] = "type 9 refers to",
		[SECTION] = "type 10 refers to",
		[TAG] = "type 11 refers to",
	};

	for (enum fault f = SOUND; f < FAULTS; f++)
		check(f, why[f]);
	assert_int_equal(btfr_check(reader, NULL), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prototypes), cmocka_unit_test(test_types),
		cmocka_unit_test(test_failures),   cmocka_unit_test(test_memory),
		cmocka_unit_test(test_args),       cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_complex),    cmocka_unit_test(test_section),
		cmocka_unit_test(test_check),
	};

	if (argc < 4)
		return 2;
	path = argv;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
