/*
 * gen/trace.h, programs: each signature's programs are loaded, run by both engines on a
 * context as a trampoline fills it, and the lines compared, JSON and text.
 */
#include "rig.h"

#include <stdio.h>

static const char hello[] = "hello", quoted[] = "a\"b\n\xff", empty[] = "";
static const char at_limit[] = "0123456789abcdef", over[] = "0123456789abcdefg";
static const char utf8[] = "0123456789abcd\xe2\x82\xac";
static const int64_t five[] = { 1, -2, 3, -4, 5 };
static const struct {
	double d[3];
	char name[8];
} mixed = { { 0.1, -2.5, 1e300 }, "bob" };
static const long double lds[] = { 0.1L, -1.5L };

#define ADDR(x)    ((uint64_t)(uintptr_t)(x))
#define F64_0_1    0x3fb999999999999aull
#define F64_1E23   0x44b52d02c7e14af6ull
#define F64_NAN    0x7ff8000000000000ull
#define F32_0_1    0x3dcccccdull
#define F32_MAX    0x7f7fffffull
#define X87_1_5_LO 0xc000000000000000ull
#define X87_1_5_HI 0x3fffull
#define M1         UINT64_MAX

/* %p in the expected texts: the case's address. */
static const struct {
	const char *proto;
	uint64_t slot[12]; /* arguments, then the result */
	const char *json;  /* from "args" on, without dur_ns */
	const char *text;
	const void *addr;
} cases[] = {
	{ "void f(void)", { 0 }, "\"args\":{},\"ret\":null", "f()" },
	{ "int f(int a)", { M1, 7 }, "\"args\":{\"a\":-1},\"ret\":7", "f(a=-1) = 7" },
	{ "int f(int)", { 1, 0 }, "\"args\":{\"arg0\":1},\"ret\":0", "f(arg0=1) = 0" },
	{ "unsigned f(unsigned a)",
	  { 0xffffffff, 0xfffffffe },
	  "\"args\":{\"a\":4294967295},\"ret\":4294967294",
	  "f(a=4294967295) = 4294967294" },
	{ "long f(long a, unsigned long b)",
	  { 1ull << 63, M1, 1ull << 63 },
	  "\"args\":{\"a\":-9223372036854775808,\"b\":18446744073709551615},"
	  "\"ret\":-9223372036854775808",
	  "f(a=-9223372036854775808, b=18446744073709551615) = -9223372036854775808" },
	{ "short f(short a, unsigned short b)",
	  { (uint64_t)-300, 65535, (uint64_t)-1 },
	  "\"args\":{\"a\":-300,\"b\":65535},\"ret\":-1",
	  "f(a=-300, b=65535) = -1" },
	{ "char f(char a, unsigned char b)",
	  { 'x', 200, (uint64_t)-3 },
	  "\"args\":{\"a\":120,\"b\":200},\"ret\":-3",
	  "f(a='x', b=200) = -3" },
	{ "_Bool f(_Bool a, bool b)",
	  { 1, 0, 1 },
	  "\"args\":{\"a\":true,\"b\":false},\"ret\":true",
	  "f(a=true, b=false) = true" },
	{ "void *f(void *p, int *q)",
	  { 0x1234, 0, 0xffffffffffffffff },
	  "\"args\":{\"p\":\"0x1234\",\"q\":\"0x0\"},\"ret\":\"0xffffffffffffffff\"",
	  "f(p=0x1234, q=NULL) = 0xffffffffffffffff" },
	{ "double f(double a, float b)",
	  { F64_0_1, F32_0_1, F64_1E23 },
	  "\"args\":{\"a\":0.1,\"b\":0.1},\"ret\":1e+23",
	  "f(a=0.1, b=0.1) = 1e+23" },
	{ "float f(float a)",
	  { F32_MAX, 0x80000000 },
	  "\"args\":{\"a\":3.4028235e+38},\"ret\":-0",
	  "f(a=3.4028235e+38) = -0" },
	{ "double f(double a, float b)",
	  { F64_NAN, 0xff800000, 0x7ff0000000000000 },
	  "\"args\":{\"a\":\"nan\",\"b\":\"-inf\"},\"ret\":\"inf\"",
	  "f(a=nan, b=-inf) = inf" },
	{ "int f(long double x, int b)",
	  { X87_1_5_LO, X87_1_5_HI, 3, 4 },
	  "\"args\":{\"x\":1.5,\"b\":3},\"ret\":4",
	  "f(x=1.5, b=3) = 4" },
	{ "long double f(int a)",
	  { 1, X87_1_5_LO, X87_1_5_HI },
	  "\"args\":{\"a\":1},\"ret\":1.5",
	  "f(a=1) = 1.5" },
	{ "__int128 f(__int128 a, unsigned __int128 b)",
	  { M1, M1, M1, M1, 0, 1ull << 63 },
	  "\"args\":{\"a\":\"-1\",\"b\":\"340282366920938463463374607431768211455\"},"
	  "\"ret\":\"-170141183460469231731687303715884105728\"",
	  "f(a=-1, b=340282366920938463463374607431768211455) = "
	  "-170141183460469231731687303715884105728" },
	{ "_Float16 f(_Float16 a)",
	  { 0x3e00, 0xfc00 },
	  "\"args\":{\"a\":1.5},\"ret\":\"-inf\"",
	  "f(a=1.5) = -inf" },
	{ "_Float128 f(_Float128 a)",
	  { 0, 0x3fff800000000000, 0, 0xc000000000000000 },
	  "\"args\":{\"a\":1.5},\"ret\":-2",
	  "f(a=1.5) = -2" },
	{ "_Complex double f(_Complex float a)",
	  { 0x400000003f800000, F64_0_1, 0 },
	  "\"args\":{\"a\":[1,2]},\"ret\":[0.1,0]",
	  "f(a=[1, 2]) = [0.1, 0]" },
	{ "char *f(const char *s)",
	  { ADDR(hello), 0 },
	  "\"args\":{\"s\":{\"ptr\":\"%p\",\"str\":\"hello\"}},\"ret\":\"0x0\"",
	  "f(s=\"hello\") = NULL",
	  hello },
	{ "const char *f(int a)",
	  { 1, ADDR(quoted) },
	  "\"args\":{\"a\":1},\"ret\":{\"ptr\":\"%p\",\"str\":\"a\\\"b\\n\\u00ff\"}",
	  "f(a=1) = \"a\\\"b\\n\\377\"",
	  quoted },
	{ "int f(char *s)",
	  { ADDR(empty), 1 },
	  "\"args\":{\"s\":{\"ptr\":\"%p\",\"str\":\"\"}},\"ret\":1",
	  "f(s=\"\") = 1",
	  empty },
	{ "int f(unsigned char *s)",
	  { ADDR(at_limit), 1 },
	  "\"args\":{\"s\":{\"ptr\":\"%p\",\"str\":\"0123456789abcdef\"}},\"ret\":1",
	  "f(s=\"0123456789abcdef\") = 1",
	  at_limit },
	{ "int f(signed char *const s)",
	  { ADDR(over), 1 },
	  "\"args\":{\"s\":{\"ptr\":\"%p\",\"str\":\"0123456789abcdef\"}},\"ret\":1",
	  "f(s=\"0123456789abcdef\"...) = 1",
	  over },
	{ "int f(char *s)",
	  { ADDR(utf8), 1 },
	  "\"args\":{\"s\":{\"ptr\":\"%p\",\"str\":\"0123456789abcd\"}},\"ret\":1",
	  "f(s=\"0123456789abcd\"...) = 1",
	  utf8 },
	{ "int f(char *s)",
	  { 16, 1 },
	  "\"args\":{\"s\":{\"ptr\":\"0x10\",\"str\":null}},\"ret\":1",
	  "f(s=0x10) = 1" },
	{ "int f(char **s, char s2[])",
	  { 16, ADDR(hello), 1 },
	  "\"args\":{\"s\":\"0x10\",\"s2\":{\"ptr\":\"%p\",\"str\":\"hello\"}},\"ret\":1",
	  "f(s=0x10, s2=\"hello\") = 1",
	  hello },
	{ "int f(int (*cb)(int), int a[4])",
	  { 0x401000, 0x7fff0000, 1 },
	  "\"args\":{\"cb\":\"0x401000\",\"a\":\"0x7fff0000\"},\"ret\":1",
	  "f(cb=0x401000, a=0x7fff0000) = 1" },
	{ "int f(struct foo *p, size_t n, ssize_t m)",
	  { 0x5000, 10, M1, 1 },
	  "\"args\":{\"p\":\"0x5000\",\"n\":10,\"m\":-1},\"ret\":1",
	  "f(p=0x5000, n=10, m=-1) = 1" },
	{ "enum { A, B = 5, C = -2 } f(enum { X = 1, Y = 2 } e, enum { Z = 9 } g)",
	  { 2, 8, 0xfffffffffffffffe },
	  "\"args\":{\"e\":\"Y\",\"g\":8},\"ret\":\"C\"",
	  "f(e=Y, g=8) = C" },
	{ "struct { int x, y; } f(struct { int x, y; } p)",
	  { 0xfffffffe00000001, 0x0000000400000003 },
	  "\"args\":{\"p\":{\"x\":1,\"y\":-2}},\"ret\":{\"x\":3,\"y\":4}",
	  "f(p={x=1, y=-2}) = {x=3, y=4}" },
	{ "struct { long a; double b; } f(struct { double d; char c; } p, int q)",
	  { F64_0_1, 'z', 4, 5, F64_0_1 },
	  "\"args\":{\"p\":{\"d\":0.1,\"c\":122},\"q\":4},\"ret\":{\"a\":5,\"b\":0.1}",
	  "f(p={d=0.1, c='z'}, q=4) = {a=5, b=0.1}" },
	{ "void f(struct { unsigned a : 3; int b : 5; unsigned long c : 40; _Bool d : 1; } s)",
	  { 5 | 0x1full << 3 | 0xabcdef1234ull << 8 | 1ull << 48 },
	  "\"args\":{\"s\":{\"a\":5,\"b\":-1,\"c\":737894404660,\"d\":true}},\"ret\":null",
	  "f(s={a=5, b=-1, c=737894404660, d=true})" },
	{ "void f(struct { struct { short a, b; } in; union { int i; float f; }; } s)",
	  { 0x3f800000fffe0001 },
	  "\"args\":{\"s\":{\"in\":{\"a\":1,\"b\":-2},\"i\":1065353216,\"f\":1}},\"ret\":null",
	  "f(s={in={a=1, b=-2}, i=1065353216, f=1})" },
	{ "void f(struct { char name[6]; unsigned char n[2]; } s)",
	  { 0x0201006e6f6a6173 & ~0ull },
	  "\"args\":{\"s\":{\"name\":[115,97,106,111,110,0],\"n\":[1,2]}},\"ret\":null",
	  "f(s={name=\"sajon\", n=\"\\1\\2\"})" },
	{ "void f(struct { int a[2][2]; } s)",
	  { 0x200000001, 0x400000003 },
	  "\"args\":{\"s\":{\"a\":[[1,2],[3,4]]}},\"ret\":null",
	  "f(s={a=[[1, 2], [3, 4]]})" },
	{ "void f(union { int i; unsigned char c[4]; void *p; } u)",
	  { 0xffffffff },
	  "\"args\":{\"u\":{\"i\":-1,\"c\":[255,255,255,255],\"p\":\"0xffffffff\"}},"
	  "\"ret\":null",
	  "f(u={i=-1, c=\"\\377\\377\\377\\377\", p=0xffffffff})" },
	{ "void f(struct { } e, int a)",
	  { 3 },
	  "\"args\":{\"e\":{},\"a\":3},\"ret\":null",
	  "f(e={}, a=3)" },
	{ "struct { long v[5]; } f(struct { long v[5]; } big, int a)",
	  { ADDR(five), 9, ADDR(five) },
	  "\"args\":{\"big\":{\"v\":[1,-2,3,-4,5]},\"a\":9},\"ret\":{\"v\":[1,-2,3,-4,5]}",
	  "f(big={v=[1, -2, 3, -4, 5]}, a=9) = {v=[1, -2, 3, -4, 5]}" },
	{ "void f(struct { double d[3]; char name[8]; } s)",
	  { ADDR(&mixed) },
	  "\"args\":{\"s\":{\"d\":[0.1,-2.5,1e+300],\"name\":[98,111,98,0,0,0,0,0]}},"
	  "\"ret\":null",
	  "f(s={d=[0.1, -2.5, 1e+300], name=\"bob\"})" },
	{ "struct { long double a, b; } f(int x)",
	  { 1, ADDR(lds) },
	  "\"args\":{\"x\":1},\"ret\":{\"a\":0.1,\"b\":-1.5}",
	  "f(x=1) = {a=0.1, b=-1.5}" },
	{ "void f(struct { long v[5]; } unreadable)",
	  { 32 },
	  "\"args\":{\"unreadable\":\"0x20\"},\"ret\":null",
	  "f(unreadable=0x20)" },
	{ "int f(int a, int b, int c, int d, int e, int g, int h, int i, double j)",
	  { 1, 2, 3, 4, 5, 6, 7, M1, F64_0_1, 10 },
	  "\"args\":{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"g\":6,\"h\":7,\"i\":-1,\"j\":0.1},"
	  "\"ret\":10",
	  "f(a=1, b=2, c=3, d=4, e=5, g=6, h=7, i=-1, j=0.1) = 10" },
	{ "__m128 f(__m128d a)",
	  { F64_0_1, F64_1E23, 0x400000003f800000, 0 },
	  "\"args\":{\"a\":[0.1,1e+23]},\"ret\":[1,2,0,0]",
	  "f(a=[0.1, 1e+23]) = [1, 2, 0, 0]" },
	{ "int8_t f(uint8_t a, int64_t b, uint64_t c)",
	  { 255, M1, M1, (uint64_t)-128 },
	  "\"args\":{\"a\":255,\"b\":-1,\"c\":18446744073709551615},\"ret\":-128",
	  "f(a=255, b=-1, c=18446744073709551615) = -128" },
};

/* Replace %p and, in got, cut what differs from run to run. */
static void expect_line(const char *proto, const char *got, const char *want, const void *addr,
			bool json)
{
	char full[2048], line[4096];
	const char *p = strstr(want, "%p");
	char *from, *end;

	if (p)
		snprintf(full, sizeof(full), "%.*s0x%llx%s", (int)(p - want), want,
			 (unsigned long long)ADDR(addr), p + 2);
	else
		snprintf(full, sizeof(full), "%s", want);
	assert_true(strlen(got) < sizeof(line));
	strcpy(line, got);
	if (json) {
		char head[256];
		unsigned long long t;
		int n = 0;

		from = strstr(line, "\"args\"");
		assert_non_null(from);
		snprintf(head, sizeof(head),
			 "\"pid\":%d,\"tid\":%d,\"module\":\"m\",\"func\":\"f\",", (int)getpid(),
			 (int)syscall(SYS_gettid));
		if (sscanf(line, "{\"time_ns\":%llu,%n", &t, &n) != 1 || !t ||
		    strlen(head) != (size_t)(from - line - n) ||
		    memcmp(line + n, head, strlen(head)))
			fail_msg("%s", line);
		end = strstr(line, ",\"dur_ns\":");
		assert_non_null(end);
		assert_int_equal(sscanf(end, ",\"dur_ns\":%llu}%n", &t, &n), 1);
		assert_int_equal(end[n], 0);
	} else {
		from = line;
		memmove(line, rig_flat(line), strlen(rig_flat(line)) + 1);
		end = strstr(line, " <");
		assert_non_null(end);
		assert_memory_equal(from, "m:", 2);
		from += 2;
	}
	*end = '\0';
	if (strcmp(from, full))
		fail_msg("%s:\n  got  %s\n  want %s", proto, from, full);
}

static void run_cases(bool json)
{
	struct gen_trace_opts opts = { .json = json, .strings = 16 };
	static struct rig r;

	rig_init(&r, &opts, 65536);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct program *p[2];
		struct rig_func f;
		uint64_t ctx[16] = { 0 };

		rig_func(&f, r.trace, cases[i].proto, true, true);
		p[0] = rig_load(&r, &f, false);
		p[1] = rig_load(&r, &f, true);
		memcpy(ctx + 2, cases[i].slot, sizeof(cases[i].slot));
		rig_interp(&r, p[0], ctx + 2);
		rig_interp(&r, p[1], ctx + 2);
		assert_int_equal(rig_jit(&r, p[0])(ADDR(ctx + 2), 0), 0);
		assert_int_equal(rig_jit(&r, p[1])(ADDR(ctx + 2), 0), 0);
		rig_drain(&r);
		assert_int_equal(r.lines->n, 2);
		for (size_t k = 0; k < 2; k++)
			expect_line(cases[i].proto, r.lines->at[k],
				    json ? cases[i].json : cases[i].text, cases[i].addr, json);
		rig_lines_reset(r.lines);
		program_put(p[0]);
		program_put(p[1]);
		rig_finish(&r); /* nothing is open */
		assert_int_equal(r.lines->n, 0);
		rig_func_free(&f);
	}
	assert_int_equal(gen_trace_lost(r.trace), 0);
	rig_fini(&r);
}

static void lines_json(void **state)
{
	run_cases(true);
}

static void lines_text(void **state)
{
	run_cases(false);
}

/* One call by the interpreter; the line. */
static const char *one_call(struct rig *r, const struct rig_func *f, bool entry, bool exit,
			    uint64_t *ctx)
{
	struct program *p;

	rig_lines_reset(r->lines);
	if (entry) {
		p = rig_load(r, f, false);
		rig_interp(r, p, ctx);
		program_put(p);
	}
	if (exit) {
		p = rig_load(r, f, true);
		rig_interp(r, p, ctx);
		program_put(p);
	}
	rig_drain(r);
	assert_int_equal(r->lines->n, 1);
	return r->lines->at[0];
}

static const char *from_args(const char *line)
{
	const char *s = strstr(line, "\"args\"");

	assert_non_null(s);
	return s;
}

static void kinds(void **state)
{
	struct gen_trace_opts opts = { .json = true };
	uint64_t ctx[8] = { 0, 0, 5, ADDR(hello), 6 };
	char want[256];
	struct rig_func f[3];
	struct gen_prog gp;
	static struct rig r;

	rig_init(&r, &opts, 65536);
	rig_func(&f[0], r.trace, "int f(int a, char *s)", true, false);
	rig_func(&f[1], r.trace, "int f(int a, char *s)", false, true);
	rig_func(&f[2], r.trace, "int f(int a, ...)", true, false);
	snprintf(want, sizeof(want), "\"args\":{\"a\":5,\"s\":\"0x%llx\"},\"entry\":true}",
		 (unsigned long long)ADDR(hello));
	assert_string_equal(from_args(one_call(&r, &f[0], true, false, ctx + 2)), want);
	snprintf(want, sizeof(want), "\"args\":{\"a\":5,\"s\":\"0x%llx\"},\"ret\":6}",
		 (unsigned long long)ADDR(hello));
	assert_string_equal(from_args(one_call(&r, &f[1], false, true, ctx + 2)), want);
	assert_string_equal(from_args(one_call(&r, &f[2], true, false, ctx + 2)),
			    "\"args\":{\"a\":5},\"entry\":true}");
	assert_int_equal(gen_trace_exit(r.trace, f[0].id, 1, 2, &gp), -EINVAL);
	assert_int_equal(gen_trace_entry(r.trace, f[1].id, 1, 2, &gp), -EINVAL);
	assert_int_equal(gen_trace_entry(r.trace, 3, 1, 2, &gp), -EINVAL);
	assert_int_equal(gen_trace_exit(r.trace, 3, 1, 2, &gp), -EINVAL);
	for (int i = 0; i < 3; i++)
		rig_func_free(&f[i]);
	rig_fini(&r);
}

static void without_types(void **state)
{
	struct gen_trace_opts opts = { .strings = 64 };
	uint64_t ctx[10] = { 0, 0, 1, 2, 3, 4, 5, 6 };
	struct gen_trace_func gf = { .module = "lib\n.so", .name = "g", .entry = true };
	struct rig_func f[2] = { { .proto = { .name = "g" } }, { .proto = { .name = "g" } } };
	static struct rig r;

	rig_init(&r, &opts, 65536);
	assert_int_equal(func_model_raw(&f[0].model), 0);
	gf.model = f[0].model;
	assert_int_equal(gen_trace_add(r.trace, &gf, &f[0].id, NULL), 0);
	assert_string_equal(one_call(&r, &f[0], true, false, ctx + 2),
			    "lib?.so:g(arg0=0x1, arg1=0x2, arg2=0x3, arg3=0x4, arg4=0x5, "
			    "arg5=0x6)");
	assert_int_equal(func_model_parse("i32(p,{i64,f32,f32},{})", &f[1].model, NULL), 0);
	gf.model = f[1].model;
	gf.exit = true;
	assert_int_equal(gen_trace_add(r.trace, &gf, &f[1].id, NULL), 0);
	assert_memory_equal(rig_flat(one_call(&r, &f[1], true, true, ctx + 2)),
			    "lib?.so:g(arg0=0x1, arg1=[0x2, 0x3], arg2=?) = 0x4 <", 52);
	for (int i = 0; i < 2; i++)
		func_model_free(f[i].model);
	rig_fini(&r);
}

/* What does not fit is named, and the rest is still shown. */
static void limits(void **state)
{
	static uint8_t big[4096];
	struct gen_trace_opts opts = { .json = true, .strings = 100000 };
	struct diag d = { "stale" };
	struct gen_trace_func gf = { .module = "m", .name = "f", .entry = true };
	uint64_t ctx[16] = { 0, 0, ADDR(big), ADDR(big), ADDR(big), ADDR(big) };
	struct rig_func f, g;
	struct gen_prog gp;
	const char *line;
	uint32_t id = 77;
	static struct rig r;

	memset(big, 'x', sizeof(big) - 1);
	rig_init(&r, &opts, 65536);
	rig_func(&f, r.trace, "void f(char *a, char *b, struct { char c[300]; } s, char *e)", true,
		 true);
	gf.proto = &f.proto;
	gf.model = f.model;
	assert_int_equal(gen_trace_add(r.trace, &gf, &id, &d), 0);
	assert_non_null(strstr(d.text, "argument 2 (b): "));
	assert_non_null(strstr(d.text, "argument 3 (s): 0 of 300 bytes"));
	assert_null(strstr(d.text, "argument 1"));
	assert_int_equal(gen_trace_entry(r.trace, f.id, 1, 2, &gp), 0);
	free(gp.insn);
	line = one_call(&r, &f, true, true, ctx + 2);
	assert_non_null(strstr(line, "\"str\":\"xxxxxxxx"));
	assert_non_null(strstr(line, "\"s\":\"0x")); /* not read: its address */
	rig_func_free(&f);

	rig_func(&f, r.trace, "void f(struct { char c[300]; long tail; } s)", true, false);
	line = one_call(&r, &f, true, false, ctx + 2);
	assert_non_null(strstr(line, "120,120],\"tail\":null}"));
	gf.proto = &f.proto;
	gf.model = f.model;
	assert_int_equal(gen_trace_add(r.trace, &gf, &id, &d), 0);
	assert_string_equal(d.text, "f: argument 1 (s): 256 of 312 bytes are shown");
	rig_func_free(&f);
	rig_func(&g, r.trace, "int f(int a)", true, true);
	gf.proto = &g.proto;
	gf.model = g.model;
	assert_int_equal(gen_trace_add(r.trace, &gf, &id, &d), 0);
	assert_string_equal(d.text, "");
	gf.entry = false;
	assert_int_equal(gen_trace_add(r.trace, &gf, &id, &d), -EINVAL);
	rig_func_free(&g);
	rig_fini(&r);
}

/* As many slots as a function may have: the record and its programs still fit. */
static void many_slots(void **state)
{
	struct gen_trace_opts opts = { .json = true, .strings = 64 };
	struct gen_trace_func gf = { .module = "m", .name = "g", .entry = true, .exit = true };
	struct rig_func f = { .proto = { .name = "g" } };
	static uint64_t ctx[262];
	char text[1024] = "i64(";
	static struct rig r;

	for (int i = 0; i < FM_MAX_SLOTS; i++)
		strcat(text, i ? ",p" : "p");
	strcat(text, ")");
	for (size_t i = 0; i < ARRAY_LEN(ctx) - 2; i++)
		ctx[i + 2] = i;
	rig_init(&r, &opts, 65536);
	assert_int_equal(func_model_parse(text, &f.model, NULL), 0);
	gf.model = f.model;
	assert_int_equal(gen_trace_add(r.trace, &gf, &f.id, NULL), 0);
	assert_non_null(strstr(one_call(&r, &f, true, true, ctx + 2),
			       ",\"arg254\":\"0xfe\"},\"ret\":\"0xff\",\"dur_ns\":"));
	func_model_free(f.model);
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_json), cmocka_unit_test(lines_text),
		cmocka_unit_test(kinds),      cmocka_unit_test(without_types),
		cmocka_unit_test(limits),     cmocka_unit_test(many_slots),
	};

	return cmocka_run_group_tests_name("trace-prog", tests, NULL, NULL);
}
