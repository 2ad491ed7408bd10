/*
 * tests of info/dwarf.h on C: dwarf_test VICTIM.so NAME, NAME being "gcc-O0", "clang-O2" ...
 */
#include "info/args.h"
#include "info/dwarf.h"
#include "victims/victim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *victim, *variant;
static struct objfile *obj;
static struct dwarf_reader *reader;
static struct ty_pool *pool;

static int set_up(void **state)
{
	struct diag d = { 0 };

	assert_int_equal(objfile_open(victim, &obj, &d), 0);
	assert_int_equal(dwr_open(victim, &reader, &d), 0);
	return ty_pool_new(&pool);
}

static int tear_down(void **state)
{
	objfile_close(obj);
	dwr_close(reader);
	ty_pool_free(pool);
	return 0;
}

static struct proto proto_of(const char *name)
{
	const struct objsym *s = objfile_sym(obj, name);
	struct diag d = { 0 };
	struct proto p;

	assert_non_null(s);
	if (dwr_proto_at(reader, s->addr, pool, &p, &d) < 0)
		fail_msg("%s: %s", name, d.text);
	assert_string_equal(p.name, name);
	assert_int_equal(p.source, PROTO_DWARF);
	return p;
}

static void assert_proto(const char *name, const char *want)
{
	struct proto p = proto_of(name);
	char out[400];

	proto_format(&p, out, sizeof(out));
	assert_string_equal(out, want);
	assert_false(p.ms_abi);
}

static const struct ty *pointee(const struct proto *p, unsigned i)
{
	const struct ty *t = ty_strip(p->param[i].type);

	assert_int_equal(t->kind, TY_PTR);
	return ty_strip(t->of);
}

static void test_prototypes(void **state)
{
	assert_proto("f_plain", "int f_plain(int a, const char *s, double d)");
	assert_proto("f_void", "void f_void(void)");
	assert_proto("f_unprototyped", "int f_unprototyped(void)"); /* a definition */
	assert_proto("f_variadic", "int f_variadic(const char *fmt, ...)");
	assert_proto("f_ld", "long double f_ld(long double x, float f, _Bool b)");
	assert_proto("f_struct", "struct pt f_struct(struct pt p, struct mixed *m, "
				 "struct bits *b, pair_t pair)");
	assert_proto("f_pointers", "int f_pointers(int (*cb)(), int (*arr)[4], char **argv)");
	assert_proto("f_enums", "int f_enums(enum color c, enum big b)");
	assert_proto("f_hidden", "int f_hidden(struct hidden *h)");
	if (strcmp(variant, "gcc-old") != 0) /* DWARF 2 has no restrict */
		assert_true(proto_of("f_typedef").nparams == 2);
	assert_false(proto_of("f_variadic").unprototyped);
	assert_true(proto_of("f_variadic").variadic);
	assert_false(proto_of("f_unprototyped").unprototyped);
	assert_false(proto_of("f_void").unprototyped);
}

static void test_noreturn(void **state)
{
	/* strict DWARF 2 and 4 have no DW_AT_noreturn, gcc writes it as an extension */
	if (strcmp(variant, "gcc-old") != 0)
		assert_true(proto_of("f_noreturn").noreturn);
	assert_false(proto_of("f_plain").noreturn);
}

static void test_producer(void **state)
{
	assert_int_equal(proto_of("f_plain").by_gcc, !strncmp(variant, "gcc", 3));
	assert_int_equal(proto_of("f_struct").by_gcc, !strncmp(variant, "gcc", 3));
}

static void test_scalars(void **state)
{
	struct proto p = proto_of("f_ld");

	assert_int_equal(p.ret->kind, TY_FLOAT);
	assert_int_equal(p.ret->size, sizeof(long double));
	assert_int_equal(p.ret->align, _Alignof(long double));
	assert_true(p.ret->flags & TY_X87);
	assert_int_equal(p.param[1].type->size, 4);
	assert_false(p.param[1].type->flags & TY_X87);
	assert_int_equal(p.param[2].type->flags, TY_BOOL);
	p = proto_of("f_i128");
	assert_int_equal(p.ret->kind, TY_INT);
	assert_int_equal(p.ret->size, 16);
	assert_int_equal(p.ret->align, 16);
	assert_true(p.ret->flags & TY_SIGNED);
	assert_false(p.param[1].type->flags & TY_SIGNED);
	p = proto_of("f_complex");
	assert_int_equal(p.ret->kind, TY_FLOAT);
	assert_int_equal(p.ret->flags, TY_COMPLEX);
	assert_int_equal(p.ret->size, sizeof(double _Complex));
	assert_int_equal(p.ret->align, _Alignof(double _Complex));
	p = proto_of("f_complex_ld");
	assert_int_equal(p.ret->flags, TY_COMPLEX | TY_X87);
	assert_int_equal(p.ret->size, sizeof(long double _Complex));
	p = proto_of("f_plain");
	assert_int_equal(ty_strip(pointee(&p, 1))->flags, TY_CHAR | TY_SIGNED);
	assert_int_equal(p.param[2].type->align, 8);
}

static void test_vector(void **state)
{
	struct proto p = proto_of("f_vector");
	const struct ty *v = ty_strip(p.param[0].type);

	if (!strcmp(variant, "gcc-old")) /* DW_AT_GNU_vector is not strict */
		return;
	assert_string_equal(p.param[0].type->name, "vec4");
	assert_int_equal(v->kind, TY_ARRAY);
	assert_true(v->flags & TY_VECTOR);
	assert_int_equal(v->n, 4);
	assert_int_equal(v->size, 16);
	assert_int_equal(v->align, 16);
	assert_int_equal(v->of->kind, TY_FLOAT);
}

static void assert_member(const struct ty *t, const char *name, size_t offset, size_t size)
{
	for (uint64_t i = 0; i < t->n; i++) {
		if (strcmp(t->member[i].name, name) != 0)
			continue;
		assert_int_equal(t->member[i].offset, offset);
		assert_int_equal(t->member[i].type->size, size);
		assert_int_equal(t->member[i].bits, 0);
		return;
	}
	fail_msg("no member %s in %s", name, t->name);
}

#define ASSERT_MEMBER(t, type, field) \
	assert_member(t, #field, offsetof(type, field), sizeof(((type *)0)->field))

static void test_members(void **state)
{
	struct proto p = proto_of("f_struct");
	const struct ty *t = pointee(&p, 1);

	assert_int_equal(t->kind, TY_STRUCT);
	assert_string_equal(t->name, "mixed");
	assert_int_equal(t->size, sizeof(struct mixed));
	assert_int_equal(t->align, _Alignof(struct mixed));
	assert_int_equal(t->n, 11);
	ASSERT_MEMBER(t, struct mixed, c);
	ASSERT_MEMBER(t, struct mixed, s);
	ASSERT_MEMBER(t, struct mixed, i);
	ASSERT_MEMBER(t, struct mixed, l);
	ASSERT_MEMBER(t, struct mixed, d);
	ASSERT_MEMBER(t, struct mixed, f);
	ASSERT_MEMBER(t, struct mixed, b);
	ASSERT_MEMBER(t, struct mixed, ld);
	ASSERT_MEMBER(t, struct mixed, str);
	ASSERT_MEMBER(t, struct mixed, cb);
	ASSERT_MEMBER(t, struct mixed, bytes);
	assert_false(t->flags & (TY_PACKED | TY_CLASS | TY_NONTRIVIAL));
	t = ty_strip(p.param[0].type);
	assert_int_equal(t->size, sizeof(struct pt));
	assert_int_equal(t->align, 4);
	t = ty_strip(p.param[3].type);
	assert_int_equal(t->kind, TY_STRUCT);
	assert_string_equal(t->name, "");
	assert_int_equal(t->size, 16);
	for (unsigned i = 0; i < p.nparams; i++)
		assert_false(p.param[i].by_ref);
}

/* Read each field through what the reader says, from a struct that the compiler filled. */
static uint64_t read_bits(const void *at, const struct ty_member *m)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < m->bits; i++) {
		uint64_t bit = m->offset * 8 + m->bit_offset + i;

		v |= (uint64_t)((((const uint8_t *)at)[bit / 8] >> (bit % 8)) & 1) << i;
	}
	return v;
}

static void test_bit_fields(void **state)
{
	struct bits b = { .a = 5, .b = 21, .c = 0x155, .d = 0x9988776655, .e = 1 };
	static const unsigned want[] = { 3, 5, 10, 40, 1 };
	struct proto p = proto_of("f_struct");
	const struct ty *t = pointee(&p, 2);
	const uint64_t value[] = { 5, 21, 0x155, 0x9988776655, 1 };

	assert_int_equal(t->size, sizeof(b));
	assert_int_equal(t->n, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct ty_member *m = &t->member[i];

		assert_int_equal(m->bits, want[i]);
		assert_int_equal(read_bits(&b, m), value[i]);
		assert_in_range(m->bit_offset + m->bits, 1, 8 * m->type->size);
	}
	assert_int_equal(t->align, 8);
	assert_false(t->flags & TY_PACKED);
}

static void test_layout(void **state)
{
	struct proto p = proto_of("f_layout");
	const struct ty *t = pointee(&p, 0);

	ASSERT_MEMBER(t, struct packed_offset, l);
	assert_true(t->flags & TY_PACKED);
	assert_int_equal(t->align, 1);
	t = pointee(&p, 1);
	assert_int_equal(t->size, 5);
	assert_true(t->flags & TY_PACKED);
	assert_int_equal(t->align, 1);
	t = pointee(&p, 2);
	assert_int_equal(t->size, 32);
	if (strncmp(variant, "gcc-old", 7) != 0 && !strstr(variant, "-O2"))
		assert_int_equal(t->align, 32); /* DW_AT_alignment is of DWARF 5 */
	t = pointee(&p, 3);
	assert_int_equal(t->size, sizeof(struct flex));
	assert_string_equal(t->member[1].name, "data");
	assert_true(t->member[1].type->flags & TY_UNSIZED);
	assert_int_equal(t->member[1].type->size, 0);
	assert_int_equal(t->member[1].offset, offsetof(struct flex, data));
	t = pointee(&p, 4);
	ASSERT_MEMBER(t, struct multi, m);
	ASSERT_MEMBER(t, struct multi, names);
	assert_int_equal(t->member[0].type->n, 3);
	assert_int_equal(t->member[0].type->of->n, 5);
	assert_int_equal(t->member[0].type->of->size, 20);
	t = pointee(&p, 5);
	assert_int_equal(t->n, 2);
	assert_string_equal(t->member[1].name, "");
	assert_int_equal(t->member[1].offset, 4);
	t = ty_strip(t->member[1].type);
	assert_int_equal(t->kind, TY_UNION);
	assert_int_equal(t->n, 3);
	assert_int_equal(ty_strip(t->member[2].type)->member[1].offset, 2);
}

static void test_low_alignment(void **state)
{
	struct proto p = proto_of("f_low");
	const struct ty *t = pointee(&p, 0);

	assert_int_equal(t->align, _Alignof(union low_member));
	assert_false(t->flags & TY_PACKED);
	t = pointee(&p, 1);
	assert_int_equal(t->align, _Alignof(struct low));
	t = pointee(&p, 2);
	assert_int_equal(t->size, 10);
	assert_true(t->flags & TY_PACKED);
	assert_int_equal(t->align, _Alignof(struct low_packed));
	t = pointee(&p, 3);
	assert_true(t->flags & TY_PACKED);
	assert_int_equal(t->member[1].offset, 1);
	assert_int_equal(t->align, _Alignof(struct packed_inside));
	t = pointee(&p, 4);
	assert_int_equal(t->size, 33);
	assert_int_equal(t->align, 1);
}

static void test_enums(void **state)
{
	struct proto p = proto_of("f_enums");
	const struct ty *t = ty_strip(p.param[0].type);

	assert_int_equal(t->kind, TY_ENUM);
	assert_int_equal(t->size, 4);
	assert_true(t->flags & TY_SIGNED);
	assert_int_equal(t->n, 3);
	assert_string_equal(t->enumerator[0].name, "RED");
	assert_int_equal(t->enumerator[0].value, RED);
	assert_string_equal(t->enumerator[2].name, "BLUE");
	assert_int_equal(t->enumerator[2].value, BLUE);
	t = ty_strip(p.param[1].type);
	assert_int_equal((uint32_t)t->enumerator[1].value, TOP);
	if (strcmp(variant, "gcc-old") != 0) {
		assert_false(t->flags & TY_SIGNED);
		assert_int_equal(t->enumerator[1].value, (int64_t)TOP);
	}
}

static void test_graph(void **state)
{
	struct proto p = proto_of("f_deep"), q = proto_of("f_hidden");
	const struct ty *t = pointee(&p, 0);

	assert_ptr_equal(ty_strip(ty_strip(t->member[0].type)->of), t);
	assert_int_equal(t->member[2].type->size, 2 * sizeof(struct pt));
	assert_int_equal(pointee(&q, 0)->kind, TY_UNKNOWN);
	assert_string_equal(pointee(&q, 0)->name, "struct hidden");
	if (strcmp(variant, "gcc-types") != 0) /* there each type unit declares it anew */
		assert_ptr_equal(ty_strip(t->member[1].type)->of, ty_strip(q.param[0].type)->of);
}

static void test_pools(void **state)
{
	const struct objsym *s = objfile_sym(obj, "f_deep");
	struct ty_pool *mine = NULL;
	struct proto p;
	char out[200];

	/* a new pool, perhaps at the address of an old one, must not see old nodes */
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(ty_pool_new(&mine), 0);
		assert_int_equal(dwr_proto_at(reader, s->addr, mine, &p, NULL), 0);
		proto_format(&p, out, sizeof(out));
		assert_string_equal(out, "int f_deep(struct deep *n)");
		assert_int_equal(pointee(&p, 0)->n, 3);
		ty_pool_free(mine);
	}
}

static void test_inlined(void **state)
{
	/* clang -O2 merges the three */
	assert_in_range(dwr_inlined_count(reader, "twice"), strcmp(variant, "clang-O2") ? 3 : 1, 3);
	assert_int_equal(dwr_inlined_count(reader, "f_plain"), 0);
	assert_int_equal(dwr_inlined_count(reader, "zzz"), 0);
}

/* What is told of the third parameter, which no code uses. */
static void test_clones(void **state)
{
	bool changed = strstr(variant, "-O2");
	const struct objsym *s = NULL;
	struct proto p;

	for (unsigned i = 0; i < obj->nsym; i++)
		if (!strncmp(obj->sym[i].name, "f_clone", 7))
			s = &obj->sym[i];
	assert_non_null(s);
	assert_int_equal(dwr_proto_at(reader, s->addr, pool, &p, NULL), 0);
	assert_string_equal(p.name, "f_clone");
	assert_int_equal(p.nparams, 3);
	assert_int_equal(p.param[1].place.seen, changed ? SEEN_REGS : SEEN_COPY);
	if (changed && !strncmp(variant, "clang", 5))
		assert_int_equal(p.param[2].place.seen, SEEN_GONE);
	assert_int_equal(p.change == CHANGE_LOCAL, !p.by_gcc);
	assert_int_equal(p.change >= CHANGE_FEWER, strchr(s->name, '.') != NULL);
	assert_int_equal(p.ret_unsure, p.change == CHANGE_ANY || (changed && !p.by_gcc));
	p = proto_of("f_plain");
	assert_int_equal(p.change, CHANGE_NONE);
	assert_false(p.ret_unsure);
}

static void test_convention(void **state)
{
	if (!strncmp(variant, "clang", 5))
		assert_true(proto_of("f_ms").ms_abi);
	else
		assert_null(objfile_sym(obj, "f_ms"));
}

struct seen {
	unsigned n, stop_at;
	bool plain;
};

static int see(const char *name, const char *linkage, taddr_t addr, void *arg)
{
	struct seen *s = arg;
	struct proto p;

	s->n++;
	s->plain |= !strcmp(name, "f_plain") && objfile_sym_at(obj, addr) &&
		    objfile_sym_at(obj, addr)->addr == addr;
	assert_int_equal(dwr_proto_at(reader, addr, pool, &p, NULL), 0);
	assert_string_equal(p.name, name);
	assert_non_null(linkage);
	return s->n == s->stop_at ? 42 : 0;
}

static void test_each(void **state)
{
	struct args_table t, u;
	struct seen s = { 0 };

	assert_int_equal(dwr_each_func(reader, see, &s), 0);
	assert_in_range(s.n, 18, 22);
	assert_true(s.plain);
	assert_int_equal(dwr_args(reader, &t, NULL), 0);
	assert_int_equal(t.functions, s.n);
	assert_int_equal(t.by_args[6], 1);
	assert_int_equal(t.variadic, 1);
	assert_int_equal(t.struct_by_value, 1);
	assert_int_equal(t.with_float, 4); /* f_plain, f_ld, f_complex, f_complex_ld */
	assert_int_equal(args_over(&t, 5), 1);
	assert_int_equal(args_over(&t, 6), 0);
	assert_int_equal(args_read(victim, &u, NULL), 0);
	assert_memory_equal(&t, &u, sizeof(t));
	s = (struct seen){ .stop_at = 2 };
	assert_int_equal(dwr_each_func(reader, see, &s), 42);
	assert_int_equal(s.n, 2);
}

static void test_failures(void **state)
{
	const struct objsym *s = objfile_sym(obj, "f_plain");
	struct dwarf_reader *r = NULL;
	struct diag d = { 0 };
	struct proto p;

	assert_int_equal(dwr_proto_at(reader, s->addr + 1, pool, &p, &d), -ENOENT);
	assert_int_equal(dwr_proto_at(reader, 0, pool, &p, NULL), -ENOENT);
	assert_int_equal(dwr_proto_at(reader, UINT64_MAX, pool, &p, NULL), -ENOENT);
	assert_int_equal(dwr_open("/nonexistent", &r, &d), -ENOENT);
	assert_int_equal(dwr_open("/proc/self/status", &r, &d), -EBADMSG);
	assert_non_null(strstr(d.text, "not an ELF file"));
	assert_int_equal(dwr_open("/bin/true", &r, &d), -ENOENT);
	assert_non_null(strstr(d.text, "no DWARF"));
	assert_null(r);
	dwr_close(NULL);
}

/* Split DWARF without its other half is refused by name. */
static void test_split(void **state)
{
	const struct objsym *s = objfile_sym(obj, "f_plain");
	char dwo[4096], away[4200];
	struct dwarf_reader *r;
	struct diag d = { 0 };
	struct proto p;

	if (strcmp(variant, "gcc-split") != 0)
		return;
	snprintf(dwo, sizeof(dwo), "%s-victim.dwo", victim);
	snprintf(away, sizeof(away), "%s.away", dwo);
	assert_int_equal(rename(dwo, away), 0);
	assert_int_equal(dwr_open(victim, &r, NULL), 0);
	assert_int_equal(dwr_proto_at(r, s->addr, pool, &p, &d), -ENODATA);
	assert_int_equal(rename(away, dwo), 0);
	assert_non_null(strstr(d.text, "-gsplit-dwarf"));
	assert_non_null(strstr(d.text, "victim.dwo"));
	dwr_close(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prototypes),    cmocka_unit_test(test_noreturn),
		cmocka_unit_test(test_producer),      cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_vector),        cmocka_unit_test(test_members),
		cmocka_unit_test(test_bit_fields),    cmocka_unit_test(test_layout),
		cmocka_unit_test(test_low_alignment), cmocka_unit_test(test_enums),
		cmocka_unit_test(test_graph),         cmocka_unit_test(test_pools),
		cmocka_unit_test(test_inlined),       cmocka_unit_test(test_clones),
		cmocka_unit_test(test_convention),    cmocka_unit_test(test_each),
		cmocka_unit_test(test_failures),      cmocka_unit_test(test_split),
	};

	if (argc < 3)
		return 2;
	victim = argv[1];
	variant = argv[2];
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
