/*
 * gen/trace_chain.c and gen/value_std.c: what C++ objects keep elsewhere, by layouts as debug
 * information tells them; the programs run in both engines.
 */
#include "rig.h"

#include <stdio.h>

#define ADDR(x)    ((uint64_t)(uintptr_t)(x))
#define NAME(in)   "std::" in "<char, std::char_traits<char>, std::allocator<char> >"
#define MEMBERS(m) .n = ARRAY_LEN(m), .member = (m)

static const struct ty t_char = {
	.kind = TY_INT, .name = "char", .size = 1, .align = 1, .flags = TY_CHAR | TY_SIGNED
};
static const struct ty t_wide = { .kind = TY_INT, .name = "wchar_t", .size = 4, .align = 4 };
static const struct ty t_int = {
	.kind = TY_INT, .name = "int", .size = 4, .align = 4, .flags = TY_SIGNED
};
static const struct ty t_long = { .kind = TY_INT, .name = "unsigned long", .size = 8, .align = 8 };
static const struct ty p_char = {
	.kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &t_char
};
static const struct ty p_wide = {
	.kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &t_wide
};
static const struct ty p_int = { .kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &t_int };
static const struct ty a_local = {
	.kind = TY_ARRAY, .name = "", .size = 16, .align = 1, .n = 16, .of = &t_char
};
static const struct ty s_alloc = { .kind = TY_STRUCT, .name = "std::allocator<char>", .size = 1 };

/* std::string: pointer, length, and short ones' characters in a union without a name */
static const struct ty_member hider_m[] = { { "", &s_alloc, 0 }, { "_M_p", &p_char, 0 } };
static const struct ty s_hider = {
	.kind = TY_STRUCT, .name = "h", .size = 8, .align = 8, MEMBERS(hider_m)
};
static const struct ty_member local_m[] = { { "_M_local_buf", &a_local, 0 },
					    { "_M_allocated_capacity", &t_long, 0 } };
static const struct ty u_local = {
	.kind = TY_UNION, .name = "", .size = 16, .align = 8, MEMBERS(local_m)
};
static const struct ty_member string_m[] = { { "_M_dataplus", &s_hider, 0 },
					     { "_M_string_length", &t_long, 8 },
					     { "", &u_local, 16 } };
static const struct ty s_string = { .kind = TY_STRUCT,
				    .name = NAME("__cxx11::basic_string"),
				    .size = 32,
				    .align = 8,
				    .flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD,
				    MEMBERS(string_m) };
static const struct ty s_libcxx = { .kind = TY_STRUCT,
				    .name = NAME("__1::basic_string"),
				    .size = 32,
				    .align = 8,
				    MEMBERS(string_m) };

static const struct ty_member whider_m[] = { { "_M_p", &p_wide, 0 } };
static const struct ty s_whider = {
	.kind = TY_STRUCT, .name = "h", .size = 8, .align = 8, MEMBERS(whider_m)
};
static const struct ty_member wstring_m[] = { { "_M_dataplus", &s_whider, 0 },
					      { "_M_string_length", &t_long, 8 } };
static const struct ty s_wstring = { .kind = TY_STRUCT,
				     .name = "std::__cxx11::basic_string<wchar_t>",
				     .size = 16,
				     .align = 8,
				     MEMBERS(wstring_m) };

/* the old one: a pointer, 24 bytes before which its length is */
static const struct ty_member cow_m[] = { { "_M_dataplus", &s_hider, 0 } };
static const struct ty s_cow = { .kind = TY_STRUCT,
				 .name = NAME("basic_string"),
				 .size = 8,
				 .align = 8,
				 .flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD,
				 MEMBERS(cow_m) };

static const struct ty_member view_m[] = { { "_M_len", &t_long, 0 }, { "_M_str", &p_char, 8 } };
static const struct ty s_view = { .kind = TY_STRUCT,
				  .name = "std::basic_string_view<char, std::char_traits<char> >",
				  .size = 16,
				  .align = 8,
				  MEMBERS(view_m) };

/* std::vector<T>: its words in a base of a member of a base */
static const struct ty_member int_words_m[] = { { "_M_start", &p_int, 0 },
						{ "_M_finish", &p_int, 8 },
						{ "_M_end_of_storage", &p_int, 16 } };
static const struct ty s_int_words = {
	.kind = TY_STRUCT, .name = "w", .size = 24, .align = 8, MEMBERS(int_words_m)
};
static const struct ty_member int_impl_m[] = { { "", &s_alloc, 0 }, { "", &s_int_words, 0 } };
static const struct ty s_int_impl = {
	.kind = TY_STRUCT, .name = "i", .size = 24, .align = 8, MEMBERS(int_impl_m)
};
static const struct ty_member int_base_m[] = { { "_M_impl", &s_int_impl, 0 } };
static const struct ty s_int_base = {
	.kind = TY_STRUCT, .name = "b", .size = 24, .align = 8, MEMBERS(int_base_m)
};
static const struct ty_member ints_m[] = { { "", &s_int_base, 0 } };
static const struct ty s_ints = { .kind = TY_STRUCT,
				  .name = "std::vector<int, std::allocator<int> >",
				  .size = 24,
				  .align = 8,
				  .flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD,
				  MEMBERS(ints_m) };

static const struct ty p_string = {
	.kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &s_string
};
static const struct ty_member str_words_m[] = { { "_M_start", &p_string, 0 },
						{ "_M_finish", &p_string, 8 },
						{ "_M_end_of_storage", &p_string, 16 } };
static const struct ty s_str_words = {
	.kind = TY_STRUCT, .name = "w", .size = 24, .align = 8, MEMBERS(str_words_m)
};
static const struct ty_member strings_m[] = { { "_M_impl", &s_str_words, 0 } };
static const struct ty s_strings = { .kind = TY_STRUCT,
				     .name = "std::vector<std::string>",
				     .size = 24,
				     .align = 8,
				     .flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD,
				     MEMBERS(strings_m) };

static const struct ty_member holder_m[] = { { "a", &s_string, 0 },  { "n", &t_int, 32 },
					     { "v", &s_ints, 40 },   { "c", &s_string, 64 },
					     { "d", &s_string, 96 }, { "e", &s_string, 128 } };
static const struct ty s_holder = { .kind = TY_STRUCT,
				    .name = "holder",
				    .size = 160,
				    .align = 8,
				    .flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD,
				    MEMBERS(holder_m) };

static const struct ty t_opaque = { .kind = TY_UNKNOWN, .name = "struct opaque" };
static const struct ty t_code = { .kind = TY_FUNC, .name = "" };
#define REFERENCE(to) \
	{ \
		.kind = TY_PTR, .name = "", .size = 8, .align = 8, .flags = TY_REFERENCE, \
		.of = (to) \
	}
static const struct ty r_int = REFERENCE(&t_int), r_string = REFERENCE(&s_string);
static const struct ty r_opaque = REFERENCE(&t_opaque), r_code = REFERENCE(&t_code);
static const struct ty r_libcxx = REFERENCE(&s_libcxx), r_holder = REFERENCE(&s_holder);
static const struct ty r_ints = REFERENCE(&s_ints), r_wstring = REFERENCE(&s_wstring);

/* -- objects --------------------------------------------------------------------------------- */

struct string {
	const char *p;
	uint64_t len;
	char local[16];
};

struct words {
	const void *start, *finish, *end;
};

static struct string brief = { .len = 5, .local = "brief" };
static struct string lengthy = { .p = "0123456789abcdefghijkl", .len = 22 };
static struct string invalid = { .p = (const char *)16, .len = 3 };
static struct string absurd = { .p = (const char *)16, .len = (1ull << 30) + 1 };
static struct string empty = { .p = NULL, .len = 0 };
static struct {
	uint64_t len, cap, refs;
	char chars[32];
} cow = { 3, 3, 0, "cow" };
static const char *const cow_string = cow.chars, *const no_cow = (const char *)4096;
static const struct {
	uint64_t len;
	const char *p;
} view = { 4, "view and more" };
static const int numbers[100] = { 1, -2, 3 };
static struct words three = { numbers, numbers + 3, numbers + 3 };
static struct words many = { numbers, numbers + 100, numbers + 100 };
static struct words nothing, uneven = { (void *)16, (void *)18, (void *)18 };
static struct words backwards = { numbers + 1, numbers, numbers };
static struct string pair[2] = { { .len = 3, .local = "one" }, { "elsewhere", 9, "" } };
static struct words strings = { pair, pair + 2, pair + 2 };
static struct {
	struct string a;
	uint64_t n;
	struct words v;
	struct string c, d, e;
} holder = { .n = 7 };

static void set_up(void)
{
	brief.p = brief.local;
	pair[0].p = pair[0].local;
	holder.a = lengthy;
	holder.v = three;
	holder.c = holder.d = holder.e = lengthy;
}

/* %p: the address of the contents, then of the object */
static const struct {
	const struct ty *type;
	bool by_ref;
	const void *object; /* in the slots if !by_ref and no reference */
	unsigned nslots;
	const char *json, *text;
} cases[] = {
	{ &s_string, true, &brief, 0, "{\"ptr\":\"0xP\",\"len\":5,\"str\":\"brief\"}",
	  "\"brief\"" },
	{ &s_string, true, &lengthy, 0, "{\"ptr\":\"0xP\",\"len\":22,\"str\":\"0123456789abcdef\"}",
	  "\"0123456789abcdef\"..." },
	{ &s_string, true, &invalid, 0, "{\"ptr\":\"0x10\",\"len\":3,\"str\":null}", "0x10" },
	{ &s_string, true, &empty, 0, "{\"ptr\":\"0x0\",\"len\":0,\"str\":\"\"}", "\"\"" },
	{ &s_string, true, &absurd, 0,
	  "{\"_M_dataplus\":{\"_M_p\":\"0x10\"},\"_M_string_length\":1073741825,"
	  "\"_M_local_buf\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],\"_M_allocated_capacity\":0}",
	  "{_M_dataplus={_M_p=0x10}, _M_string_length=1073741825, _M_local_buf=\"\", "
	  "_M_allocated_capacity=0}" },
	{ &s_string, true, (void *)32, 0, "\"0x20\"", "0x20" },
	{ &r_string, false, &lengthy, 0,
	  "{\"ptr\":\"0xP\",\"len\":22,\"str\":\"0123456789abcdef\"}", "\"0123456789abcdef\"..." },
	{ &r_string, false, (void *)32, 0, "{\"ptr\":\"0x20\",\"val\":null}", "0x20" },
	{ &r_string, false, NULL, 0, "{\"ptr\":\"0x0\",\"val\":null}", "NULL" },
	{ &r_libcxx, false, &empty, 0,
	  "{\"ptr\":\"0xP\",\"val\":{\"_M_dataplus\":{\"_M_p\":\"0x0\"},\"_M_string_length\":0,"
	  "\"_M_local_buf\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],\"_M_allocated_capacity\":0}}",
	  "@0xP: {_M_dataplus={_M_p=NULL}, _M_string_length=0, _M_local_buf=\"\", "
	  "_M_allocated_capacity=0}" },
	{ &r_wstring, false, &invalid, 0,
	  "{\"ptr\":\"0xP\",\"val\":{\"_M_dataplus\":{\"_M_p\":\"0x10\"},\"_M_string_length\":3}}",
	  "@0xP: {_M_dataplus={_M_p=0x10}, _M_string_length=3}" },
	{ &s_cow, true, &cow_string, 0, "{\"ptr\":\"0xP\",\"len\":3,\"str\":\"cow\"}", "\"cow\"" },
	{ &s_cow, true, &no_cow, 0, "{\"_M_dataplus\":{\"_M_p\":\"0x1000\"}}",
	  "{_M_dataplus={_M_p=0x1000}}" },
	{ &s_view, false, &view, 2, "{\"ptr\":\"0xP\",\"len\":4,\"str\":\"view\"}", "\"view\"" },
	{ &s_ints, true, &three, 0, "{\"ptr\":\"0xP\",\"len\":3,\"val\":[1,-2,3]}", "[1, -2, 3]" },
	{ &s_ints, true, &nothing, 0, "{\"ptr\":\"0x0\",\"len\":0,\"val\":[]}", "[]" },
	{ &r_ints, false, &many, 0,
	  "{\"ptr\":\"0xP\",\"len\":100,\"val\":[1,-2,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,"
	  "0,0,0,0,0,0,0]}",
	  "[1, -2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "
	  "0, 0, 0, ...] (100)" },
	{ &r_ints, false, &uneven, 0,
	  "{\"ptr\":\"0xP\",\"val\":{\"b\":{\"_M_impl\":{\"w\":{\"_M_start\":\"0x10\",\"_M_finish\":"
	  "\"0x12\",\"_M_end_of_storage\":\"0x12\"}}}}}",
	  "@0xP: {b={_M_impl={w={_M_start=0x10, _M_finish=0x12, _M_end_of_storage=0x12}}}}" },
	{ &r_ints, false, &backwards, 0,
	  "{\"ptr\":\"0xP\",\"val\":{\"b\":{\"_M_impl\":{\"w\":{\"_M_start\":\"0xP\",\"_M_finish\":"
	  "\"0xP\",\"_M_end_of_storage\":\"0xP\"}}}}}",
	  "@0xP: {b={_M_impl={w={_M_start=0xP, _M_finish=0xP, _M_end_of_storage=0xP}}}}" },
	{ &s_strings, true, &strings, 0,
	  "{\"ptr\":\"0xP\",\"len\":2,\"val\":[{\"ptr\":\"0xP\",\"len\":3,\"str\":\"one\"},"
	  "{\"ptr\":\"0xP\",\"len\":9,\"str\":null}]}",
	  "[\"one\", 0xP]" },
	/* four of them are followed */
	{ &r_holder, false, &holder, 0,
	  "{\"ptr\":\"0xP\",\"val\":{\"a\":{\"ptr\":\"0xP\",\"len\":22,\"str\":\"0123456789abcdef\"},"
	  "\"n\":7,\"v\":{\"ptr\":\"0xP\",\"len\":3,\"val\":[1,-2,3]},"
	  "\"c\":{\"ptr\":\"0xP\",\"len\":22,\"str\":\"0123456789abcdef\"},"
	  "\"d\":{\"ptr\":\"0xP\",\"len\":22,\"str\":\"0123456789abcdef\"},"
	  "\"e\":{\"ptr\":\"0xP\",\"len\":22,\"str\":null}}}",
	  "@0xP: {a=\"0123456789abcdef\"..., n=7, v=[1, -2, 3], c=\"0123456789abcdef\"..., "
	  "d=\"0123456789abcdef\"..., e=0xP}" },
	{ &r_int, false, numbers, 0, "{\"ptr\":\"0xP\",\"val\":1}", "@0xP: 1" },
	{ &r_int, false, (void *)32, 0, "{\"ptr\":\"0x20\",\"val\":null}", "0x20" },
	{ &r_opaque, false, numbers, 0, "\"0xP\"", "0xP" },
	{ &r_code, false, (void *)0x1234, 0, "{\"ptr\":\"0x1234\",\"sym\":\"lib:fn+0x4\"}",
	  "0x1234 <fn+0x4>" },
	{ &r_code, false, (void *)0x4321, 0, "\"0x4321\"", "0x4321" },
};

/* Addresses of more than 4 digits as 0xP. */
static const char *plain(const char *line)
{
	static char out[8192];
	size_t n = 0;

	while (*line && n < sizeof(out) - 1) {
		size_t digits =
			line[0] == '0' && line[1] == 'x' ? strspn(line + 2, "0123456789abcdef") : 0;

		if (digits > 4) {
			memcpy(out + n, "0xP", 3);
			n += 3;
			line += 2 + digits;
			continue;
		}
		out[n++] = *line++;
	}
	out[n] = '\0';
	return out;
}

static bool symbol(void *arg, uint64_t addr, struct value_symbol *out)
{
	*out = (struct value_symbol){ .module = "lib", .func = "fn", .offset = 4 };
	return addr == 0x1234;
}

static void add(struct rig *r, struct rig_func *f, struct proto_param *p, const struct ty *ret)
{
	struct gen_trace_func gf = {
		.module = "m", .name = "f", .entry = true, .exit = ret != NULL
	};
	struct diag d = { "" };

	f->proto = (struct proto){
		.name = "f", .ret = ret, .nparams = !!p, .param = p, .source = PROTO_DWARF
	};
	if (func_model_from_proto(&f->proto, &f->model, &d))
		fail_msg("%s", d.text);
	gf.proto = &f->proto;
	gf.model = f->model;
	assert_int_equal(gen_trace_add(r->trace, &gf, &f->id, &d), 0);
	assert_string_equal(d.text, "");
}

static void expect(const struct rig *r, size_t i, const char *before, const char *want)
{
	assert_int_equal(r->lines->n, 2);
	for (size_t k = 0; k < 2; k++) {
		const char *got = strstr(plain(r->lines->at[k]), before);

		assert_non_null(got);
		got += strlen(before);
		if (strncmp(got, want, strlen(want)))
			fail_msg("case %zu:\n got  %s\n want %s", i, got, want);
		assert_non_null(strchr("}), ", got[strlen(want)]));
	}
}

static void run(struct rig *r, const struct rig_func *f, bool exit, uint64_t *ctx)
{
	struct program *p[2] = { rig_load(r, f, false), exit ? rig_load(r, f, true) : NULL };

	for (int k = 0; k < 2; k++)
		if (p[k])
			rig_interp(r, p[k], ctx);
	for (int k = 0; k < 2; k++) {
		if (p[k])
			rig_jit(r, p[k])(ADDR(ctx), 0);
		program_put(p[k]);
	}
	rig_drain(r);
}

static void arguments(bool json)
{
	struct gen_trace_opts opts = { .json = json, .strings = 16, .symbol = symbol };
	static struct rig r;

	set_up();
	rig_init(&r, &opts, 65536);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct proto_param p = { "x", cases[i].type, .by_ref = cases[i].by_ref };
		uint64_t ctx[8] = { 0, 0, ADDR(cases[i].object) };
		struct rig_func f;

		memcpy(ctx + 2, cases[i].object, 8 * cases[i].nslots);
		add(&r, &f, &p, NULL);
		run(&r, &f, false, ctx + 2);
		expect(&r, i, json ? "{\"x\":" : "f(x=", json ? cases[i].json : cases[i].text);
		rig_lines_reset(r.lines);
		func_model_free(f.model);
	}
	rig_fini(&r);
}

static void arguments_json(void **state)
{
	arguments(true);
}

static void arguments_text(void **state)
{
	arguments(false);
}

/* Objects that are returned: in memory, in registers, by reference. */
static void results(void **state)
{
	struct gen_trace_opts opts = { .strings = 16 };
	static const struct {
		const struct ty *type;
		const void *object;
		unsigned nslots;
		const char *text;
	} given[] = {
		{ &s_string, &lengthy, 0, "\"0123456789abcdef\"..." },
		{ &s_ints, &three, 0, "[1, -2, 3]" },
		{ &s_view, &view, 2, "\"view\"" },
		{ &r_int, numbers, 0, "@0xP: 1" },
		{ &r_string, &brief, 0, "\"brief\"" },
		{ &s_string, (void *)32, 0, "0x20" },
	};
	static struct rig r;

	set_up();
	rig_init(&r, &opts, 65536);
	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		uint64_t ctx[8] = { 0, 0, ADDR(given[i].object) };
		struct rig_func f;

		memcpy(ctx + 2, given[i].object, 8 * given[i].nslots);
		add(&r, &f, NULL, given[i].type);
		run(&r, &f, true, ctx + 2);
		expect(&r, i, "= ", given[i].text);
		rig_lines_reset(r.lines);
		func_model_free(f.model);
	}
	rig_fini(&r);
}

/* --strings=off: strings are structs, vectors are read all the same. */
static void strings_off(void **state)
{
	struct gen_trace_opts opts = { 0 };
	struct proto_param p = { "x", &s_string, .by_ref = true };
	uint64_t ctx[8] = { 0, 0, ADDR(&invalid) };
	struct rig_func f;
	static struct rig r;

	set_up();
	rig_init(&r, &opts, 65536);
	add(&r, &f, &p, NULL);
	run(&r, &f, false, ctx + 2);
	expect(&r, 0, "f(x=",
	       "{_M_dataplus={_M_p=0x10}, _M_string_length=3, _M_local_buf=\"\", "
	       "_M_allocated_capacity=0}");
	rig_lines_reset(r.lines);
	func_model_free(f.model);
	p = (struct proto_param){ "x", &s_strings, .by_ref = true };
	ctx[2] = ADDR(&strings);
	add(&r, &f, &p, NULL);
	run(&r, &f, false, ctx + 2);
	expect(&r, 1, "f(x=[", "{_M_dataplus={_M_p=0xP}, _M_string_length=3, _M_local_buf=\"one\"");
	func_model_free(f.model);
	rig_fini(&r);
}

/* As many objects as there are: what a record has no room for is not read, and no record grows. */
static void no_room(void **state)
{
	struct gen_trace_opts opts = { .strings = 2000 };
	struct proto_param p[4];
	uint64_t ctx[8] = { 0, 0, ADDR(&lengthy), ADDR(&lengthy), ADDR(&lengthy), ADDR(&lengthy) };
	struct rig_func f;
	static struct rig r;
	const struct rec_plan *plan;

	set_up();
	rig_init(&r, &opts, 65536);
	for (unsigned i = 0; i < 4; i++)
		p[i] = (struct proto_param){ "x", &r_string };
	add(&r, &f, NULL, NULL);
	func_model_free(f.model);
	f.proto = (struct proto){ .name = "f", .nparams = 4, .param = p, .source = PROTO_DWARF };
	assert_int_equal(func_model_from_proto(&f.proto, &f.model, NULL), 0);
	assert_int_equal(gen_trace_add(r.trace,
				       &(struct gen_trace_func){ .module = "m",
								 .name = "f",
								 .proto = &f.proto,
								 .model = f.model,
								 .entry = true },
				       &f.id, NULL),
			 0);
	plan = &r.trace->funcs.at[f.id].entry;
	assert_in_range(plan->size, 2000, GEN_TRACE_MAX_RECORD);
	run(&r, &f, false, ctx + 2);
	expect(&r, 0, "f(", "x=\"0123456789abcdefghijkl\", x=\"0123456789abcdefghijkl\"");
	assert_non_null(strstr(plain(r.lines->at[0]), "x=0xP)"));
	func_model_free(f.model);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_json), cmocka_unit_test(arguments_text),
		cmocka_unit_test(results),        cmocka_unit_test(strings_off),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests_name("trace-chain", tests, NULL, NULL);
}
