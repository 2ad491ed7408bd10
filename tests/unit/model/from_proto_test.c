/*
 * tests/unit/model/from_proto_test.c - type graphs as files may tell them, good and hostile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "model/func_model.h"

#include <errno.h>
#include <string.h>

static const struct ty t_void = { .kind = TY_VOID, .name = "void" };
static const struct ty t_int = {
	.kind = TY_INT, .flags = TY_SIGNED, .name = "int", .size = 4, .align = 4
};
static const struct ty t_long = {
	.kind = TY_INT, .flags = TY_SIGNED, .name = "long", .size = 8, .align = 8
};
static const struct ty t_i128 = { .kind = TY_INT, .name = "__int128", .size = 16, .align = 16 };
static const struct ty t_bool = {
	.kind = TY_INT, .flags = TY_BOOL, .name = "_Bool", .size = 1, .align = 1
};
static const struct ty t_double = { .kind = TY_FLOAT, .name = "double", .size = 8, .align = 8 };
static const struct ty t_unknown = { .kind = TY_UNKNOWN, .name = "struct secret" };

/* func_model_from_proto() of "ret f(arg)"; the places as text. */
static int try_one(const struct ty *ret, const struct ty *arg, bool by_ref, char places[256],
		   struct diag *d)
{
	struct proto_param param = { .name = "x", .type = arg, .by_ref = by_ref };
	struct proto p = {
		.name = "f", .ret = ret, .nparams = arg != NULL, .param = &param, .by_gcc = true
	};
	struct func_model *m;
	int err;

	p.maker = (struct proto_maker){ .compiler = MAKER_GCC, .version = 12, .vector = 64 };
	err = func_model_from_proto(&p, &m, d);

	if (err)
		return err;
	func_model_format(m, places, 256);
	func_model_free(m);
	return 0;
}

static void assert_places(const struct ty *ret, const struct ty *arg, const char *want)
{
	struct diag d = { "" };
	char places[256];
	int err = try_one(ret, arg, false, places, &d);

	if (err)
		print_error("%s\n", d.text);
	assert_int_equal(err, 0);
	assert_string_equal(places, want);
}

static void assert_refused(const struct ty *ret, const struct ty *arg, int want, const char *why)
{
	struct diag d = { "" };
	char places[256];

	assert_int_equal(try_one(ret, arg, false, places, &d), want);
	if (!strstr(d.text, why))
		print_error("%s\n", d.text);
	assert_non_null(strstr(d.text, why));
	assert_int_equal(try_one(ret, arg, false, places, NULL), want);
}

static void test_scalars(void **state)
{
	struct ty ptr = { .kind = TY_PTR, .of = &t_unknown, .size = 8 };
	struct ty en = { .kind = TY_ENUM, .name = "e", .size = 4 };
	struct ty td = { .kind = TY_TYPEDEF, .name = "t", .of = &en };
	struct ty qual = { .kind = TY_QUAL, .name = "const", .of = &td };
	struct ty x80 = { .kind = TY_FLOAT, .flags = TY_X87, .size = 16 };
	struct ty cx80 = { .kind = TY_FLOAT, .flags = TY_X87 | TY_COMPLEX, .size = 32 };
	struct ty cf = { .kind = TY_FLOAT, .flags = TY_COMPLEX, .size = 8 };
	struct ty f128 = { .kind = TY_FLOAT, .size = 16 };
	struct ty vec = { .kind = TY_ARRAY, .flags = TY_VECTOR, .size = 32, .n = 8, .of = &t_int };

	assert_places(&t_void, NULL, "| void | K=0");
	assert_places(NULL, &t_int, "rdi=a0 | void | K=0");
	assert_places(&t_bool, &ptr, "rdi=a0 | rax=r | K=0");
	assert_places(&qual, &qual, "rdi=a0 | rax=r | K=0");
	assert_places(&x80, &x80, "[8]=a0 | st0=r | K=16/16");
	assert_places(&cx80, &cx80, "[8]=a0 | st0=r.0 st1=r.1 | K=32/16");
	assert_places(&cf, &cf, "xmm0=a0 | xmm0=r | K=0");
	assert_places(&f128, &vec, "ymm0=a0 | xmm0=r | K=0");
	assert_places(&t_i128, &t_i128, "rdi=a0.0 rsi=a0.1 | rax=r.0 rdx=r.1 | K=0");
}

static void test_structs(void **state)
{
	struct ty chars = { .kind = TY_ARRAY, .of = &t_bool, .n = 3, .size = 3 };
	struct ty flex = { .kind = TY_ARRAY, .of = &t_int, .flags = TY_UNSIZED };
	struct ty_member in[] = { { "c", &chars, 0 }, { "b", &t_int, 4, 3, 7 }, { "f", &flex, 8 } };
	struct ty inner = { .kind = TY_STRUCT, .name = "in", .n = 3, .member = in, .size = 8 };
	struct ty_member out[] = { { "d", &t_double, 0 }, { "", &inner, 8 } };
	struct ty outer = {
		.kind = TY_STRUCT, .name = "out", .n = 2, .member = out, .size = 16, .align = 8
	};
	struct ty_member un[] = { { "d", &t_double, 0 }, { "l", &t_long, 0 } };
	struct ty uni = { .kind = TY_UNION, .name = "u", .n = 2, .member = un, .size = 8 };
	struct ty large = { .kind = TY_STRUCT, .name = "big", .size = 100, .align = 4 };
	struct ty empty = { .kind = TY_STRUCT, .name = "empty", .size = 1, .align = 1 };

	assert_places(&outer, &outer, "xmm0=a0.0 rdi=a0.1 | xmm0=r.0 rax=r.1 | K=0");
	assert_places(&uni, &uni, "rdi=a0 | rax=r | K=0");
	assert_places(&large, &large, "[8]=a0 | [rdi]=r | K=104");
	assert_places(&empty, &empty, "-=a0 | -=r | K=0");
	empty.size = 4; /* nothing but an unnamed bit-field, or a file that lost the members */
	assert_refused(&t_void, &empty, -ENOTSUP, "members");
	/* 16 bytes of padding in 8-aligned ones: some alignment was not told */
	uni.kind = TY_STRUCT;
	uni.size = 24;
	uni.align = 8;
	assert_places(&t_void, &uni, "[8]=a0 | void | K=?");
	uni.align = 32;
	uni.size = 32;
	assert_places(&t_void, &uni, "[8]=a0 | void | K=32/32");
	large.align = 0;
	assert_refused(&t_void, &large, -ENOTSUP, "alignment");
}

static void test_params(void **state)
{
	struct ty arr = { .kind = TY_ARRAY, .of = &t_unknown, .n = 3 };
	struct ty fn = { .kind = TY_FUNC };
	struct ty cls = { .kind = TY_STRUCT, .flags = TY_NONTRIVIAL, .name = "C", .size = 4 };
	struct ty plain = { .kind = TY_STRUCT, .name = "D", .size = 8, .align = 8 };
	char places[256];

	assert_places(&t_void, &arr, "rdi=a0 | void | K=0");
	assert_places(&t_void, &fn, "rdi=a0 | void | K=0");
	assert_places(&cls, &cls, "*rsi=a0 | [rdi]=r | K=0");
	assert_int_equal(try_one(&t_void, &plain, true, places, NULL), 0);
	assert_string_equal(places, "*rdi=a0 | void | K=0");
}

/* Further than a trampoline keeps places congruent: shown, but the copy would lie elsewhere. */
static void test_over_aligned(void **state)
{
	struct ty over = { .kind = TY_STRUCT, .name = "over", .size = 128, .align = 128 };
	struct proto_param param[2] = { { .name = "i", .type = &t_long },
					{ .name = "x", .type = &over } };
	struct proto p = { .name = "f", .ret = &t_void, .nparams = 2, .param = param };
	struct func_model *m;

	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_false(m->k_known || m->raw);
	assert_string_equal(m->k_why, "an argument is aligned to more than 64 bytes");
	assert_false(m->arg[1].flags & FM_UNCERTAIN);
	func_model_free(m);
}

static void test_refused(void **state)
{
	struct ty odd = { .kind = TY_INT, .name = "odd", .size = 3 };
	struct ty f10 = { .kind = TY_FLOAT, .name = "f10", .size = 10 };
	struct ty x12 = { .kind = TY_FLOAT, .flags = TY_X87, .name = "x12", .size = 12 };
	struct ty cf = { .kind = TY_FLOAT, .flags = TY_COMPLEX, .name = "cf", .size = 6 };
	struct ty vec = {
		.kind = TY_ARRAY, .flags = TY_VECTOR, .size = 128, .n = 32, .of = &t_int
	};
	struct ty arr = { .kind = TY_ARRAY, .of = &t_int, .n = UINT64_MAX, .size = 16 };
	struct ty_member m[] = { { "m", &arr, 0 } }, past[] = { { "m", &t_int, UINT64_MAX } };
	struct ty with_arr = { .kind = TY_STRUCT, .name = "s", .n = 1, .member = m, .size = 16 };
	struct ty with_past = {
		.kind = TY_STRUCT, .name = "s", .n = 1, .member = past, .size = 16
	};
	struct ty many = {
		.kind = TY_STRUCT, .name = "s", .n = UINT64_MAX, .member = m, .size = 16
	};
	struct ty huge = { .kind = TY_STRUCT, .name = "huge", .size = UINT64_MAX, .align = 1 };

	assert_refused(&t_void, &t_unknown, -ENOTSUP, "argument 1 (x): struct secret");
	assert_refused(&t_unknown, &t_int, -ENOTSUP, "result: struct secret");
	assert_refused(&t_void, &t_void, -EBADMSG, "void is not passed");
	assert_refused(&t_void, &odd, -ENOTSUP, "odd");
	assert_refused(&t_void, &f10, -ENOTSUP, "f10");
	assert_refused(&t_void, &x12, -ENOTSUP, "x12");
	assert_refused(&t_void, &cf, -ENOTSUP, "cf");
	assert_refused(&t_void, &vec, -ENOTSUP, "vector");
	assert_refused(&t_void, &with_arr, -EBADMSG, "larger than the struct");
	assert_refused(&t_void, &with_past, -EBADMSG, "past the end");
	assert_refused(&t_void, &many, -EBADMSG, "too many members");
	assert_refused(&t_void, &huge, -ENOTSUP, "2 GiB");
	m[0] = (struct ty_member){ "m", &t_long, 12 };
	assert_refused(&t_void, &with_arr, -EBADMSG, "argument 1 (x): no rule");
	assert_refused(&with_arr, NULL, -EBADMSG, "result: no rule");
	huge.size = 70000;
	assert_refused(&t_void, &huge, -E2BIG, "65536 bytes");
}

/* "void f(long, double, struct of 24 bytes, long)": K is 24. */
struct placed {
	struct proto_param param[4];
	struct ty_member member[3];
	struct ty three;
	struct proto proto;
};

static void placed_init(struct placed *p)
{
	*p = (struct placed){ 0 };
	for (unsigned i = 0; i < 3; i++)
		p->member[i] = (struct ty_member){ "m", &t_long, 8 * i };
	p->three =
		(struct ty){ .kind = TY_STRUCT, .name = "three", .size = 24, .align = 8, .n = 3 };
	p->three.member = p->member;
	for (unsigned i = 0; i < 4; i++)
		p->param[i] = (struct proto_param){ .name = "x", .type = &t_long };
	p->param[1].type = &t_double;
	p->param[2].type = &p->three;
	p->proto = (struct proto){ .name = "f", .ret = &t_void, .nparams = 4, .param = p->param };
}

/* The first argument marked uncertain, 4: none; why: part of the reason, NULL: K is known. */
static void assert_proven(const struct proto *p, unsigned first, const char *why)
{
	struct func_model *m;
	unsigned i = 0;

	assert_int_equal(func_model_from_proto(p, &m, NULL), 0);
	assert_int_equal(m->k_known, !why);
	if (why)
		assert_non_null(strstr(m->k_why, why));
	while (i < m->nargs && !(m->arg[i].flags & FM_UNCERTAIN))
		i++;
	assert_int_equal(i, first);
	func_model_free(m);
}

static void assert_places_of(const struct proto *p, const char *want)
{
	struct func_model *m;
	char places[256];

	assert_int_equal(func_model_from_proto(p, &m, NULL), 0);
	func_model_format(m, places, sizeof(places));
	assert_string_equal(places, want);
	func_model_free(m);
}

static void test_places(void **state)
{
	static const struct proto_place rdi = { .seen = SEEN_REGS,
						.deref = false,
						.reg = { 5, PLACE_NO_REG } };
	static const struct proto_place rcx = { .seen = SEEN_REGS,
						.deref = false,
						.reg = { 2, PLACE_NO_REG } };
	static const struct proto_place xmm0 = { .seen = SEEN_REGS,
						 .deref = false,
						 .reg = { 17, PLACE_NO_REG } };
	static const struct proto_place at_rsi = { .seen = SEEN_REGS,
						   .deref = true,
						   .reg = { 4, PLACE_NO_REG } };
	struct placed p;

	placed_init(&p);
	assert_proven(&p.proto, 4, NULL);
	p.param[0].place = rdi;
	p.param[1].place = xmm0;
	p.param[2].place = (struct proto_place){ .seen = SEEN_STACK };
	p.param[3].place = (struct proto_place){ .seen = SEEN_COPY };
	assert_proven(&p.proto, 4, NULL);
	p.param[0].place = rcx; /* ms_abi: read where it is seen, but K? */
	assert_proven(&p.proto, 3, "elsewhere");
	p.param[0].place.weak = true; /* perhaps only later */
	assert_proven(&p.proto, 0, "elsewhere");
	p.param[0].place =
		(struct proto_place){ .seen = SEEN_STACK, .weak = true }; /* ms_abi at -O0 */
	assert_proven(&p.proto, 0, "elsewhere");
	p.param[0].place = rdi;
	p.param[2].place.offset = 8;
	assert_proven(&p.proto, 3, "elsewhere");
	p.param[2].place.offset = 0;
	p.param[1].place = rdi;
	assert_proven(&p.proto, 3, "elsewhere");
	p.param[1].place = xmm0;
	p.param[2].place = at_rsi;
	assert_proven(&p.proto, 3, "elsewhere");
	p.param[2].by_ref = true;
	assert_proven(&p.proto, 4, NULL);
}

/* Only what was seen in a place overrules what the class looks like. */
static void test_classes(void **state)
{
	struct placed p;

	placed_init(&p);
	p.three.flags = TY_PASS_OPEN;
	assert_proven(&p.proto, 4, "class");
	p.three.flags = TY_NONTRIVIAL;
	assert_proven(&p.proto, 4, NULL);
	p.three.flags = TY_NONTRIVIAL | TY_PASS_OPEN;
	p.param[2].place = (struct proto_place){ .seen = SEEN_STACK };
	assert_proven(&p.proto, 4, NULL);
	p.proto.ret = &p.three;
	assert_proven(&p.proto, 4, "class");
}

static void test_changed(void **state)
{
	struct placed p;

	placed_init(&p);
	p.proto.change = CHANGE_ANY; /* and nothing tells where they are */
	assert_proven(&p.proto, 0, "changed");
	p.proto.change = CHANGE_FEWER;
	assert_proven(&p.proto, 0, "removed");
	p.proto.change = CHANGE_LOCAL; /* the struct on the stack may be there in pieces */
	assert_proven(&p.proto, 4, "may have changed");
	p.param[2].place.seen = SEEN_STACK;
	assert_proven(&p.proto, 4, NULL);
	p.param[0].place.seen = SEEN_GONE;
	assert_proven(&p.proto, 0, "may have changed");
	p.proto.nparams = 2; /* nothing on the stack: dropping a scalar puts nothing there */
	assert_proven(&p.proto, 0, NULL);
	p.proto.change = CHANGE_FEWER;
	assert_proven(&p.proto, 0, NULL);
	p.proto.change = CHANGE_LOCAL;
	p.param[0].type = &p.three;
	assert_proven(&p.proto, 0, "may have changed");
	p.proto.foreign = true;
	assert_proven(&p.proto, 0, "language");
}

/* Where clang and gcc begin to differ. */
static void test_disputed(void **state)
{
	struct proto_param param[8] = { 0 };
	struct proto p = { .name = "f", .ret = &t_void, .nparams = 8, .param = param };

	for (unsigned i = 0; i < 8; i++)
		param[i] = (struct proto_param){ .name = "x", .type = i == 5 ? &t_i128 : &t_long };
	assert_proven(&p, 5, "compilers differ");
	p.by_gcc = true;
	assert_proven(&p, 8, NULL);
	p.by_gcc = false;
	p.maker = (struct proto_maker){ .compiler = MAKER_CLANG, .version = 14 };
	assert_proven(&p, 8, NULL);
	p.maker.version = 20; /* nobody has run it here */
	assert_proven(&p, 5, "compilers differ");
}

/* A vector of 32 bytes: in ymm0, or in memory? */
static void test_vector_width(void **state)
{
	struct ty v256 = {
		.kind = TY_ARRAY, .flags = TY_VECTOR, .of = &t_double, .n = 4, .size = 32
	};
	struct proto_param param[2] = { { .name = "v", .type = &v256 },
					{ .name = "d", .type = &t_double } };
	struct proto p = { .name = "f", .ret = &t_void, .nparams = 2, .param = param };
	struct proto_place *seen = &param[0].place;

	p.maker = (struct proto_maker){ .compiler = MAKER_CLANG, .version = 14 };
	assert_proven(&p, 0, "vectors of more than 16 bytes");
	*seen = (struct proto_place){ .seen = SEEN_STACK };
	assert_proven(&p, 2, NULL);
	seen->offset = 32; /* not even there */
	assert_proven(&p, 0, "vectors of more than 16 bytes");
	*seen = (struct proto_place){ .seen = SEEN_COPY };
	assert_proven(&p, 2, NULL);
	*seen = (struct proto_place){ .seen = SEEN_REGS, .reg = { 17, PLACE_NO_REG } };
	assert_proven(&p, 2, NULL);
	*seen = (struct proto_place){ 0 };
	/* as a result it is in ymm0, or in xmm0 and xmm1 */
	p.ret = &v256;
	p.param = &param[1];
	p.nparams = 1;
	assert_proven(&p, 1, "registers its result is");
	p.ret = &t_void;
	p.param = param;
	p.nparams = 2;
	/* gcc tells by its options, unless the function has its own */
	p.by_gcc = true;
	p.maker = (struct proto_maker){ .compiler = MAKER_GCC, .version = 12, .vector = 16 };
	assert_proven(&p, 2, NULL);
	*seen = (struct proto_place){ .seen = SEEN_COPY };
	assert_places_of(&p, "ymm0=a0 xmm1=a1 | void | K=0");
	*seen = (struct proto_place){ .seen = SEEN_STACK };
	assert_places_of(&p, "[8]=a0 xmm0=a1 | void | K=32/32");
	p.maker.vector = 64;
	*seen = (struct proto_place){ .seen = SEEN_NOT };
	assert_places_of(&p, "ymm0=a0 xmm1=a1 | void | K=0");
}

/* clang takes the typedef's alignment for the member's, though the struct is packed. */
static void test_packed_typedef(void **state)
{
	struct ty al16 = {
		.kind = TY_TYPEDEF, .name = "al16", .of = &t_int, .size = 4, .align = 16
	};
	struct ty_member in = { "v", &al16, 0 };
	struct ty packed = { .kind = TY_STRUCT, .flags = TY_PACKED, .name = "in", .size = 4 };
	struct proto_param param = { .name = "x", .type = &packed };
	struct proto p = { .name = "f", .ret = &t_void, .nparams = 1, .param = &param };

	packed.align = 1;
	packed.n = 1;
	packed.member = &in;
	assert_proven(&p, 1, "packed");
	p.by_gcc = true;
	assert_proven(&p, 1, NULL);
}

/* BTF tells neither aligned(16) nor vectors. */
static void test_btf_doubts(void **state)
{
	struct ty arr = { .kind = TY_ARRAY, .of = &t_double, .n = 2, .size = 16, .align = 8 };
	struct ty_member two[] = { { "a", &t_long, 0 }, { "b", &t_long, 8 } },
			 vec = { "v", &arr, 0 };
	struct ty pair = { .kind = TY_STRUCT, .name = "pair", .size = 16, .align = 8, .n = 2 };
	struct ty holds = { .kind = TY_STRUCT, .name = "v", .size = 16, .align = 8, .n = 1 };
	struct proto_param param[9] = { 0 };
	struct proto p = { .name = "f", .ret = &t_void, .nparams = 8, .param = param };

	pair.member = two;
	holds.member = &vec;
	for (unsigned i = 0; i < 9; i++)
		param[i] = (struct proto_param){ .name = "x", .type = &t_long };
	param[7].type = &pair;
	assert_proven(&p, 8, NULL);
	p.source = PROTO_FILE;
	assert_proven(&p, 8, "alignment");
	pair.flags = TY_ALIGN_TOLD; /* unless a tag of ours tells the alignment */
	assert_proven(&p, 8, NULL);
	pair.flags = 0;
	p.param = param + 1; /* at offset 0 any alignment fits */
	p.nparams = 7;
	assert_proven(&p, 7, NULL);
	p.param = param;
	p.nparams = 1;
	param[0].type = &arr;
	assert_proven(&p, 1, "vectors");
	param[0].type = &holds;
	assert_proven(&p, 1, NULL); /* one register or two, none on the stack */
	for (unsigned i = 1; i < 9; i++)
		param[i].type = &t_double;
	p.nparams = 8;
	assert_proven(&p, 8, "vectors");
}

/* A struct in itself; 8 ways at each of 31 levels; a loop of typedefs. */
static void test_hostile_graphs(void **state)
{
	enum { LEVELS = 31, WIDTH = 8 };
	struct ty self = { .kind = TY_STRUCT, .name = "self", .n = 1, .size = 8, .align = 8 };
	struct ty_member own = { "s", &self, 0 };
	struct ty loop = { .kind = TY_TYPEDEF, .name = "loop" };
	struct ty_member m[LEVELS][WIDTH];
	struct ty t[LEVELS];

	self.member = &own;
	assert_refused(&t_void, &self, -EBADMSG, "nested too deeply");
	loop.of = &loop;
	assert_refused(&loop, NULL, -ENOTSUP, "result");
	for (unsigned i = 0; i < LEVELS; i++) {
		for (unsigned k = 0; k < WIDTH; k++)
			m[i][k] = (struct ty_member){ "m", i ? &t[i - 1] : &t_int, 0 };
		t[i] = (struct ty){ .kind = TY_UNION,
				    .name = "u",
				    .n = WIDTH,
				    .member = m[i],
				    .size = 4,
				    .align = 4 };
	}
	assert_refused(&t_void, &t[LEVELS - 1], -EBADMSG, "nested too deeply");
	assert_places(&t_void, &t[1], "rdi=a0 | void | K=0");
}

static void test_conventions(void **state)
{
	struct proto_param param[4] = {
		{ .name = "a", .type = &t_long },
		{ .name = "b", .type = &t_i128 },
		{ .name = "c", .type = &t_i128 },
		{ .name = "d", .type = &t_i128 },
	};
	struct proto p = { .name = "f", .ret = &t_int, .nparams = 2, .param = param };
	struct func_model *m;

	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_true(m->k_known);
	func_model_free(m);
	p.variadic = true;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_false(m->k_known || m->raw);
	assert_true(m->varargs.known);
	assert_int_equal(m->nargs, 2);
	func_model_free(m);
	p.variadic = false;
	/* an __int128 in memory: which compiler was it? */
	p.nparams = 4;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_true(m->call.disputed);
	assert_false(m->k_known);
	func_model_free(m);
	p.by_gcc = true;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_true(!m->call.disputed && m->k_known);
	assert_int_equal(m->call.stack_bytes, 16);
	func_model_free(m);
	p.variadic = true;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_false(m->k_known);
	assert_true(m->varargs.known);
	assert_int_equal(m->varargs.stack, 16);
	func_model_free(m);
	p.by_gcc = false;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_false(m->k_known || m->varargs.known); /* where the named ones end is in dispute */
	assert_string_equal(m->k_why, "it is variadic");
	func_model_free(m);
	p.variadic = false;
	p.nparams = 2;
	p.ms_abi = true;
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_true(m->raw);
	assert_string_equal(m->k_why, "it is called with a convention of its own");
	func_model_free(m);
	p = (struct proto){ .name = "f", .ret = &t_unknown, .unprototyped = true };
	assert_int_equal(func_model_from_proto(&p, &m, NULL), 0);
	assert_true(m->raw);
	assert_string_equal(m->k_why, "it is defined without a prototype");
	func_model_free(m);
	p = (struct proto){ .name = "f", .ret = &t_int, .nparams = 5000, .param = param };
	assert_int_equal(func_model_from_proto(&p, &m, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),         cmocka_unit_test(test_classes),
		cmocka_unit_test(test_changed),        cmocka_unit_test(test_disputed),
		cmocka_unit_test(test_vector_width),   cmocka_unit_test(test_over_aligned),
		cmocka_unit_test(test_packed_typedef), cmocka_unit_test(test_btf_doubts),
		cmocka_unit_test(test_scalars),        cmocka_unit_test(test_structs),
		cmocka_unit_test(test_params),         cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile_graphs), cmocka_unit_test(test_conventions),
	};

	return cmocka_run_group_tests_name("model from_proto", tests, NULL, NULL);
}
