/*
 * tests of model/placed.h: what places tell, against the types, in functions of each kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/types.h"
#include "model/func_model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct ty t_void = { .kind = TY_VOID, .name = "void" };
static const struct ty t_int = {
	.kind = TY_INT, .flags = TY_SIGNED, .name = "int", .size = 4, .align = 4
};
static const struct ty t_long = {
	.kind = TY_INT, .flags = TY_SIGNED, .name = "long", .size = 8, .align = 8
};
static const struct ty t_double = { .kind = TY_FLOAT, .name = "double", .size = 8, .align = 8 };
static const struct ty t_f128 = { .kind = TY_FLOAT, .name = "f128", .size = 16, .align = 16 };
static const struct ty t_ptr = { .kind = TY_PTR, .name = "", .of = &t_long, .size = 8, .align = 8 };
static const struct ty_member m_pair[] = { { "x", &t_int, 0 }, { "y", &t_int, 4 } };
static const struct ty t_pair = {
	.kind = TY_STRUCT, .name = "pair", .size = 8, .align = 4, .n = 2, .member = m_pair
};
static const struct ty_member m_two[] = { { "l", &t_long, 0 }, { "d", &t_double, 8 } };
static const struct ty t_two = {
	.kind = TY_STRUCT, .name = "two", .size = 16, .align = 8, .n = 2, .member = m_two
};
static const struct ty_member m_big[] = { { "a", &t_two, 0 }, { "b", &t_long, 16 } };
static const struct ty t_big = {
	.kind = TY_STRUCT, .name = "big", .size = 24, .align = 8, .n = 2, .member = m_big
};

enum { NONE = PLACE_NO_REG, RDX = 1, RCX = 2, RSI = 4, RDI = 5, R8 = 8, R9 = 9, XMM0 = 17 };

#define REGS(a, b) \
	{ \
		SEEN_REGS, .reg = { a, b } \
	}
#define ON_STACK(o) \
	{ \
		SEEN_STACK, .offset = o \
	}
#define PARTS(...) \
	{ \
		SEEN_PARTS, .part = (const struct proto_part[]){ __VA_ARGS__ }, \
			    .nparts = sizeof((struct proto_part[]){ __VA_ARGS__ }) / \
				      sizeof(struct proto_part) \
	}
#define GONE \
	{ \
		SEEN_GONE \
	}

/*
 * Of the places and types of some function: the model's text, a ? behind which are the
 * uncertain arguments, r for the result.
 */
static void assert_model(const struct proto *p, const char *want)
{
	struct func_model *m;
	char text[300];
	size_t n;

	assert_int_equal(func_model_from_proto(p, &m, NULL), 0);
	n = func_model_format(m, text, sizeof(text));
	for (unsigned i = 0; i < m->nargs; i++) {
		if (m->arg[i].flags & FM_UNCERTAIN)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " ?a%u", i);
		if (m->arg[i].flags & FM_GONE)
			assert_true(m->arg[i].flags & FM_UNCERTAIN && m->arg[i].place.none);
	}
	if (m->ret.flags & FM_UNCERTAIN)
		snprintf(text + n, sizeof(text) - n, " ?r");
	assert_string_equal(text, want);
	func_model_free(m);
}

#define MODEL(how, want, ...) MODEL_BY(how, MAKER_OTHER, 0, want, __VA_ARGS__)
#define MODEL_BY(how, compiler_, version_, want, ...) \
	do { \
		const struct proto_param param_[] = { __VA_ARGS__ }; \
		struct proto proto_ = { .name = "f", \
					.ret = &t_long, \
					.nparams = ARRAY_LEN(param_), \
					.param = param_, \
					.maker = { .compiler = compiler_, .version = version_ }, \
					.change = CHANGE_##how }; \
		assert_model(&proto_, want); \
	} while (0)

#define P(t, ...) \
	{ \
		.name = "p", .type = &(t_##t), .place = __VA_ARGS__ \
	}

/* gcc's .constprop: fewer parameters, and K as proven as the types have it. */
static void test_fewer(void **state)
{
	MODEL(FEWER, "rdi=a0 0x7=a1 rsi=a2 xmm0=a3 | rax=r | K=0", P(long, REGS(RDI, NONE)),
	      P(int, PARTS({ PART_CONST, 0, 0, 4, 7 })), P(long, REGS(RSI, NONE)),
	      P(double, REGS(XMM0, NONE)));
	MODEL(FEWER, "-=a0 rdi=a1 | rax=r | K=0 ?a0", P(ptr, GONE), P(long, REGS(RDI, NONE)));
	/* neither as typed nor as if some had not been declared: another convention? */
	MODEL(FEWER, "-=a0 rdx=a1 | rax=r | K=? ?a0", P(ptr, GONE), P(long, REGS(RDX, NONE)));
	MODEL(FEWER, "0xffffffffffffffff=a0 func+64=a1 | rax=r | K=0",
	      P(int, PARTS({ PART_CONST, 0, 0, 4, 0xffffffff })),
	      P(ptr, PARTS({ PART_FUNC, 0, 0, 8, 64 })));
	/* what is not told may have moved */
	MODEL(FEWER, "rdi=a0 rsi=a1 | rax=r | K=0 ?a1", P(long, REGS(RDI, NONE)),
	      P(long, { SEEN_COPY }));
}

/* gcc's .isra: a parameter's place can be taken by what it is made of or points to. */
static void test_any(void **state)
{
	MODEL(ANY, "-=a0 rdi=a1 | rax=r | K=0 ?a0", P(long, GONE), P(ptr, REGS(RDI, NONE)));
	MODEL(ANY, "-=a0 rsi=a1 | rax=r | K=? ?a0", P(ptr, GONE), P(long, REGS(RSI, NONE)));
	MODEL(ANY, "-=a0 rdi=a1 | rax=r | K=? ?a0", P(ptr, GONE), P(long, REGS(RDI, NONE)));
	MODEL(ANY, "rdi=a0.0:4 rsi=a0.4:4 rdx=a1 | rax=r | K=?",
	      P(pair, PARTS({ PART_REG, RDI, 0, 4, 0 }, { PART_REG, RSI, 4, 4, 0 })),
	      P(long, REGS(RDX, NONE)));
	MODEL(ANY, "rdi=a0.4:4 rsi=a1 | rax=r | K=? ?a0",
	      P(pair, { SEEN_PARTS, .partial = true, .nparts = 1,
			.part = (const struct proto_part[]){ { PART_REG, RDI, 4, 4, 0 } } }),
	      P(long, REGS(RSI, NONE)));
	/* its slot is an address, and it has none any more */
	MODEL(ANY, "-=a0 rsi=a1 | rax=r | K=? ?a0",
	      P(big, PARTS({ PART_REG, RDI, 0, 8, 0 }, { PART_CONST, 0, 8, 8, 1 })),
	      P(long, REGS(RSI, NONE)));
	MODEL(ANY, "rdi=a0 | rax=r | K=? ?a0", P(long, { SEEN_NOT }));
}

/* LLVM's: the same to local functions that others cannot call. */
static void test_local(void **state)
{
	MODEL(LOCAL, "rdi=a0 rsi=a1 | rax=r | K=0", P(long, REGS(RDI, NONE)),
	      P(long, { SEEN_COPY }));
	MODEL(LOCAL, "rdi=a0 -=a1 rsi=a2 | rax=r | K=0 ?a1", P(ptr, REGS(RDI, NONE)), P(long, GONE),
	      P(long, REGS(RSI, NONE)));
	/* its address is taken: one that is not used is passed all the same */
	MODEL(LOCAL, "rdi=a0 rsi=a1 rdx=a2 | rax=r | K=0 ?a1", P(ptr, REGS(RDI, NONE)),
	      P(long, GONE), P(long, REGS(RDX, NONE)));
	MODEL(LOCAL, "rdi=a0 -=a1 | rax=r | K=0 ?a1", P(ptr, REGS(RDI, NONE)), P(long, GONE));
	MODEL(LOCAL, "-=a0 rdi=a1 | rax=r | K=? ?a0", P(ptr, GONE), P(long, REGS(RDI, NONE)));
	MODEL(LOCAL, "-=a0 [8]=a1 rdi=a2 | rax=r | K=? ?a0", P(long, GONE), P(big, ON_STACK(0)),
	      P(long, REGS(RDI, NONE)));
	MODEL(LOCAL, "xmm0=a0.8:8 rdi=a1 | rax=r | K=? ?a0",
	      P(two, { SEEN_REGS, .reg = { NONE, XMM0 }, .partial = true, .nparts = 1,
		       .part = (const struct proto_part[]){ { PART_REG, XMM0, 8, 8, 0 } } }),
	      P(int, REGS(RDI, NONE)));
	MODEL(LOCAL, "rdi=a0.0 xmm0=a0.1 rsi=a1 | rax=r | K=0 ?a0",
	      P(two, { SEEN_REGS, .reg = { RDI, NONE }, .partial = true, .nparts = 1,
		       .part = (const struct proto_part[]){ { PART_REG, RDI, 0, 8, 0 } } }),
	      P(int, REGS(RSI, NONE)));
}

/* Of an __int128 the upper half is known, and not passed. */
static void test_half_known(void **state)
{
	static const struct ty t_i128 = { .kind = TY_INT, .name = "i128", .size = 16, .align = 16 };

	MODEL(LOCAL, "rdi=a0 rsi=a1.0:8 0=a1.8:8 | rax=r | K=0", P(long, REGS(RDI, NONE)),
	      P(i128, PARTS({ PART_REG, RSI, 0, 8, 0 }, { PART_CONST, 0, 8, 8, 0 })));
	MODEL(FEWER, "rdi=a0 rsi=a1.0 rdx=a1.1 | rax=r | K=0 ?a1", P(long, REGS(RDI, NONE)),
	      P(i128, REGS(RSI, NONE)));
	MODEL(NONE, "rdi=a0.0 rsi=a0.1 | rax=r | K=0", P(i128, REGS(RDI, NONE)));
	MODEL(NONE, "rdi=a0.0 rsi=a0.1 | rax=r | K=0",
	      P(i128, PARTS({ PART_REG, RDI, 0, 8, 0 }, { PART_CONST, 0, 8, 8, 0 })));
}

/* clang 14 puts half of it into the last register. */
static void test_torn(void **state)
{
	static const struct ty t_i128 = { .kind = TY_INT, .name = "i128", .size = 16, .align = 16 };
#define FIVE \
	P(long, REGS(RDI, NONE)), P(long, REGS(RSI, NONE)), P(long, REGS(RDX, NONE)), \
		P(long, REGS(RCX, NONE)), P(long, REGS(R8, NONE))

	MODEL_BY(NONE, MAKER_CLANG, 14,
		 "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5.0 [8]=a5.1 | rax=r | K=8", FIVE,
		 P(i128, PARTS({ PART_REG, R9, 0, 8, 0 }, { PART_STACK, 0, 8, 8, 0 })));
	MODEL_BY(NONE, MAKER_CLANG, 14,
		 "rdi=a0 rsi=a1 rdx=a2 rcx=a3 r8=a4 r9=a5.0:8 [16]=a5.8:8 | rax=r | K=?", FIVE,
		 P(i128, PARTS({ PART_REG, R9, 0, 8, 0 }, { PART_STACK, 0, 8, 8, 8 })));
#undef FIVE
}

/* Functions that others can call: what is told wins, but K is proven by what agrees only. */
static void test_none(void **state)
{
	MODEL(NONE, "rcx=a0 rdx=a1 | rax=r | K=?", P(long, REGS(RCX, NONE)),
	      P(int, REGS(RDX, NONE)));
	MODEL(NONE, "rcx=a0 rsi=a1 | rax=r | K=? ?a1", P(long, REGS(RCX, NONE)),
	      P(int, { SEEN_COPY }));
	MODEL(NONE, "rdi=a0 rsi=a1 | rax=r | K=0 ?a1", P(long, REGS(RDI, NONE)), P(int, GONE));
	/* the first statement may have made it that: it is still passed */
	MODEL(NONE, "rdi=a0 rsi=a1 | rax=r | K=0 ?a1", P(long, REGS(RDI, NONE)),
	      P(int, PARTS({ PART_CONST, 0, 0, 4, 9 })));
	MODEL(NONE, "rdi=a0 | rax=r | K=0", P(long, PARTS({ PART_REG, RDI, 0, 8, 5 })));
	/* perhaps later only */
	MODEL(NONE, "rdi=a0 | rax=r | K=? ?a0",
	      P(long, { SEEN_REGS, .weak = true, .reg = { R9, NONE } }));
	MODEL(NONE, "*rdx=a0 | rax=r | K=?",
	      P(big, { SEEN_REGS, .deref = true, .reg = { RDX, NONE } }));
	MODEL(NONE, "xmm3=a0 | rax=r | K=?", P(f128, REGS(XMM0 + 3, NONE)));
	/* rbx: our code knows registers of arguments only */
	MODEL(NONE, "rdi=a0 | rax=r | K=? ?a0", P(long, REGS(3, NONE)));
}

static void test_registers_plus(void **state)
{
	MODEL(FEWER, "rdi+8=a0 -=a1 | rax=r | K=0 ?a1", P(long, PARTS({ PART_REG, RDI, 0, 8, 8 })),
	      P(int, GONE));
	/* too far for an instruction */
	MODEL(FEWER, "-=a0 | rax=r | K=0 ?a0", P(long, PARTS({ PART_REG, RDI, 0, 8, 1ll << 40 })));
	/* more pieces than there is room for */
	MODEL(ANY, "rdi=a0.0:1 rsi=a0.1:1 rdx=a0.2:1 rcx=a0.3:1 | rax=r | K=? ?a0",
	      P(pair, PARTS({ PART_REG, RDI, 0, 1, 0 }, { PART_REG, RSI, 1, 1, 0 },
			    { PART_REG, RDX, 2, 1, 0 }, { PART_REG, RCX, 3, 1, 0 },
			    { PART_REG, R8, 4, 1, 0 })));
}

static struct proto rust(const struct proto_param *param, unsigned n)
{
	return (struct proto){ .name = "f",
			       .ret = &t_long,
			       .nparams = n,
			       .param = param,
			       .foreign = true,
			       .rust = true };
}

/* Of Rust only what cannot be on the stack in any way has an exit. */
static void test_rust(void **state)
{
	static const struct ty option = { .kind = TY_UNKNOWN, .name = "Option<i32>", .size = 8 };
	static const struct ty_member m_args[] = { { "__0", &t_long, 0 }, { "__1", &t_long, 8 } };
	static const struct ty args = { .kind = TY_STRUCT,
					.name = "(i64, i64)",
					.size = 16,
					.align = 8,
					.n = 2,
					.member = m_args };
	static const struct proto_param many[] = { P(long, REGS(RDI, NONE)), P(two, { SEEN_COPY }),
						   P(int, { SEEN_COPY }), P(long, { SEEN_COPY }) };
	const struct proto_param halves = { .name = "o",
					    .type = &option,
					    .place = PARTS({ PART_REG, RDI, 0, 4, 0 },
							   { PART_REG, RSI, 4, 4, 0 }) };
	const struct proto_param large = { .name = "s",
					   .type = &t_big,
					   .by_ref = true,
					   .place = { SEEN_REGS, .deref = true,
						      .reg = { RDI, NONE } } };
	const struct proto_param closure = { .name = "args", .type = &args };
	struct proto p = rust(many, 3);

	assert_model(&p, "rdi=a0 rsi=a1.0 xmm0=a1.1 rdx=a2 | rax=r | K=0 ?a1 ?a2");
	p.nparams = 4; /* with a hidden result and a caller's place there could be seven */
	assert_model(&p, "rdi=a0 rsi=a1.0 xmm0=a1.1 rdx=a2 rcx=a3 | rax=r | K=? ?a1 ?a2 ?a3");
	p = rust(many, 1);
	p.name = "m::{closure#0}";
	assert_model(&p, "rdi=a0 | rax=r | K=?");
	p = rust(many, 1);
	p.rust = false;
	assert_model(&p, "rdi=a0 | rax=r | K=?");
	p = rust(&halves, 1);
	assert_model(&p, "rdi=a0.0:4 rsi=a0.4:4 | rax=r | K=0");
	p = rust(&large, 1);
	assert_model(&p, "*rdi=a0 | rax=r | K=0");
	p = rust(&closure, 1);
	assert_model(&p, "rdi=a0.0 rsi=a0.1 | rax=r | K=? ?a0");
	p.ret = &t_two;
	p.param = many;
	assert_model(&p, "rdi=a0 | rax=r.0 xmm0=r.1 | K=0 ?r");
}

static void test_results(void **state)
{
	static const struct proto_param param = P(long, REGS(RDI, NONE));
	struct proto p = { .name = "f",
			   .ret = &t_long,
			   .nparams = 1,
			   .param = &param,
			   .change = CHANGE_LOCAL,
			   .ret_unsure = true };

	assert_model(&p, "rdi=a0 | rax=r | K=0 ?r");
	p.ret = &t_void;
	assert_model(&p, "rdi=a0 | void | K=0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fewer),          cmocka_unit_test(test_any),
		cmocka_unit_test(test_local),          cmocka_unit_test(test_half_known),
		cmocka_unit_test(test_torn),           cmocka_unit_test(test_none),
		cmocka_unit_test(test_registers_plus), cmocka_unit_test(test_results),
		cmocka_unit_test(test_rust),
	};

	return cmocka_run_group_tests_name("model placed", tests, NULL, NULL);
}
