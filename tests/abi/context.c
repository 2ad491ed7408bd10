/*
 * context.c - what a BPF program sees of each class of value: the rows of docs/context.md.
 *
 * Each function returns what it is passed.  It is called through trampolines: one whose entry
 * and exit programs write down their context, one whose fmod_ret program calls
 * bpf_override_return(), one whose program calls utramp_set_result().  Printed is what was seen
 * and what the caller got, or that the plan refuses; prints no row it did not run.
 *
 * _Float16 and the C++ object are passed as the psABI has them (3.2.3), by types that both
 * compilers know.  Exit status 77: the processor has no AVX-512.
 */
#include "context.h"

#include "rt/rt.h"
#include "tramp/tramp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_SIZE 65536
#define GIVEN     0x1122334455667788

typedef float v128 __attribute__((vector_size(16)));

/* clang-format off */
struct small { int a; };
struct two { long a, b; };
struct mixed { double a; long b; };
struct floats { float a, b, c; };
struct holed { char a; long b; } __attribute__((packed));
struct large { long a, b, c; };
struct x87 { long double a; };
struct nothing { };
union either { float a; int b; };
/* clang-format on */

/* As an object travels that is not trivial to copy: both by their addresses. */
struct object {
	int a;
};

/* One class of value: how it is called, and what for. */
struct row {
	const char *type, *sig;
	uint32_t size;
	void *callee;
	void (*call)(void *fn, void *out);
};

VALUE(f_bool, _Bool, 1)
VALUE(f_i8, signed char, -2)
VALUE(f_u16, unsigned short, 0xfffe)
VALUE(f_i32, int, -2)
VALUE(f_u32, unsigned, 0xfffffffe)
VALUE(f_i64, long, -2)
VALUE(f_p, void *, (void *)0x1234)
VALUE(f_i128, __int128, -2)
VALUE(f_f32, float, 1.5f)
VALUE(f_f64, double, 1.5)
VALUE(f_f128, __float128, 1.5)
VALUE(f_x80, long double, 1.5L)
VALUE(f_cf32, float _Complex, 1.5f)
VALUE(f_cf64, double _Complex, 1.5)
VALUE(f_cx80, long double _Complex, 1.5L)
VALUE(f_v128, v128, { 1.5f, 2, 3, 4 })
VALUE(f_small, struct small, { -2 })
VALUE(f_two, struct two, { 1, 2 })
VALUE(f_mixed, struct mixed, { 1.5, 2 })
VALUE(f_floats, struct floats, { 1.5f, 2, 3 })
VALUE(f_either, union either, { 1.5f })
VALUE(f_holed, struct holed, { 1, 2 })
VALUE(f_large, struct large, { 1, 2, 3 })
VALUE(f_x87, struct x87, { 1.5L })
VALUE(f_nothing, struct nothing, {})

/* binary16 in the low half of a float's register; what is above means nothing */
ALONE static void call_f16(void *fn, void *out)
{
	uint32_t bits = 0xdead3e00;
	float v, r;

	memcpy(&v, &bits, 4);
	r = ((float (*)(float))fn)(v);
	memcpy(out, &r, 2);
}

ALONE static struct object *f_object(struct object *ret, const struct object *v)
{
	*ret = *v;
	return ret;
}

ALONE static void call_object(void *fn, void *out)
{
	struct object v = { -2 };

	((struct object * (*)(void *, const struct object *)) fn)(out, &v);
}

ALONE static void f_void(void)
{
	__asm__ volatile("");
}

ALONE static void call_void(void *fn, void *out)
{
	((void (*)(void))fn)();
}

#define ROW(type, sig, name, ctype) \
	{ \
		type, sig "(" sig ")", sizeof(ctype), name, call_##name \
	}

static const struct row rows[] = {
	ROW("bool", "bool", f_bool, _Bool),
	ROW("signed char", "i8", f_i8, signed char),
	ROW("unsigned short", "u16", f_u16, unsigned short),
	ROW("int, enum", "i32", f_i32, int),
	ROW("unsigned", "u32", f_u32, unsigned),
	ROW("long", "i64", f_i64, long),
	ROW("pointer, C++ reference", "p", f_p, void *),
	ROW("__int128", "i128", f_i128, __int128),
	{ "_Float16", "f16(f16)", 2, f_f32, call_f16 },
	ROW("float", "f32", f_f32, float),
	ROW("double", "f64", f_f64, double),
	ROW("_Float128", "f128", f_f128, __float128),
	ROW("long double", "x80", f_x80, long double),
	ROW("float _Complex", "{f32,f32}", f_cf32, float _Complex),
	ROW("double _Complex", "{f64,f64}", f_cf64, double _Complex),
	ROW("long double _Complex", "cx80", f_cx80, long double _Complex),
	ROW("__m128", "v128", f_v128, v128),
	ROW("__m256", "v256", f_v256, v256),
	ROW("__m512", "v512", f_v512, v512),
	ROW("struct { int; }", "{i32}", f_small, struct small),
	ROW("struct { long, long; }", "{i64,i64}", f_two, struct two),
	ROW("struct { double; long; }", "{f64,i64}", f_mixed, struct mixed),
	ROW("struct { float, float, float; }", "{f32,f32,f32}", f_floats, struct floats),
	ROW("union { float; int; }", "<f32|i32>", f_either, union either),
	ROW("struct { char; long; } packed", "!{i8,i64}", f_holed, struct holed),
	ROW("struct { long double; }", "{x80}", f_x87, struct x87),
	ROW("struct of more than 16 bytes", "{i64,i64,i64}", f_large, struct large),
	ROW("struct without members (C)", "{}", f_nothing, struct nothing),
	{ "C++ object, not trivial to copy", "&{i32}(&{i32})", 4, f_object, call_object },
	{ "void", "void()", 0, f_void, call_void },
};

static uint8_t *code;
static _Alignas(64) uint8_t out[64];

static bool map_code(void)
{
	for (uintptr_t d = 16 << 20; d < 1u << 30; d += 16 << 20) {
		code = mmap((void *)(((uintptr_t)f_void & ~0xfffful) - d), CODE_SIZE,
			    PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (code != MAP_FAILED)
			return true;
	}
	return false;
}

/* Programs of these kinds around the function, all the same; false: refused. */
static bool run(const struct row *r, const struct func_model *m, unsigned kinds,
		struct body_facts more, struct diag *d)
{
	static const uint64_t fn = (uint64_t)context_body;
	struct tramp_body body = tramp_body_call(&fn);
	struct tramp_prog prog[TRAMP_KINDS];
	struct tramp_spec s = { .model = m, .func = 1, .original = (taddr_t)r->callee };
	struct tramp_plan p;
	struct x86_asm a;

	body.facts.may_override = more.may_override;
	body.facts.sets_result = more.sets_result;
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		prog[k] = (struct tramp_prog){ .body = &body, .arg = k };
		s.list[k].prog = &prog[k];
		s.list[k].n = kinds >> k & 1;
	}
	if (tramp_plan(&s, &p, d) < 0)
		return false;
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&p, &a, NULL);
	if (x86_asm_finish(&a) < 0)
		abort();
	memset(out, 0, sizeof(out));
	context_seen = (struct context_seen){ .sets = more.sets_result,
					      .overrides = more.may_override,
					      .given = GIVEN,
					      .result = m->nslots,
					      .nresults = tramp_result_slots(m),
					      .size = r->size };
	for (unsigned i = 0; i < r->size; i++)
		context_seen.value[i] = (uint8_t)(i % 8 == 7 ? 0x3f : 0x41 + i);
	r->call(code, out);
	return true;
}

/* An address is no number to print. */
static void word(uint64_t v, const struct fm_value *of)
{
	if (of->flags & FM_BY_ADDR)
		printf("address");
	else
		printf("%#lx", v);
}

static void words(const uint64_t *slot, const struct fm_value *v, bool padded)
{
	if (!v->nslots) {
		printf("none");
		return;
	}
	printf("%u: ", v->nslots);
	for (unsigned i = 0; i < v->nslots; i++) {
		if (i == 3 && v->nslots > 4) {
			printf(" ...");
			return;
		}
		printf("%s", i ? ", " : "");
		word(padded && i ? slot[i] & 0xffff : slot[i], v);
		if (padded && i)
			printf(" and padding");
	}
}

/* What the helper says, or what it gives. */
static void helper(int64_t err, uint64_t v, const struct fm_value *of)
{
	if (err)
		printf(err == -EINVAL ? "-EINVAL" : "another error");
	else
		word(v, of);
}

/* Did the caller get what was given, and zeroes behind? */
static bool got_override(const struct row *r)
{
	uint64_t want[8] = { GIVEN };

	if (!strcmp(r->type, "bool"))
		return out[0] == (uint8_t)GIVEN;
	return !memcmp(out, want, r->size);
}

static bool got_value(const struct row *r, const struct func_model *m)
{
	bool x87 = m->ret.place.nregs && m->ret.place.file[0] == ABI_ST;

	for (unsigned i = 0; i < r->size; i++) {
		if (!(x87 && i % 16 >= 10) && out[i] != context_seen.value[i])
			return false;
	}
	return true;
}

static void replaced(const struct row *r, const struct func_model *m)
{
	struct body_facts override = { .may_override = true }, set = { .sets_result = true };
	struct diag d = { "" };
	bool word = run(r, m, 1 << TRAMP_FMOD_RET, override, &d), whole;

	if (word && !got_override(r)) {
		printf("broken: bpf_override_return\n");
		exit(1);
	}
	whole = run(r, m, 1 << TRAMP_FMOD_RET, set, &d);
	if (whole && (context_seen.said || !got_value(r, m))) {
		printf("broken: utramp_set_result %ld\n", context_seen.said);
		exit(1);
	}
	if (word && whole)
		printf(r->size > 8 ? "either; a word is its first 8 bytes" : "either");
	else if (whole)
		printf("`utramp_set_result`");
	else if (word)
		printf("nothing to replace");
	else
		printf("not at all");
}

static void print_row(const struct row *r)
{
	const struct context_seen *s = &context_seen;
	struct func_model *m;
	struct diag d = { "" };

	if (func_model_parse(r->sig, &m, &d) < 0 ||
	    !run(r, m, 1 << TRAMP_FENTRY | 1 << TRAMP_FEXIT, (struct body_facts){ 0 }, &d)) {
		printf("%s: %s\n", r->sig, d.text);
		exit(1);
	}
	printf("| `%s` | ", r->type);
	if (m->nargs)
		words(s->arg, &m->arg[0], !strcmp(r->sig, "{x80}({x80})"));
	printf(" | ");
	words(s->ret, &m->ret, false);
	printf(" | ");
	helper(s->arg_err, s->got_arg, &m->arg[0]);
	printf(" | ");
	helper(s->ret_err, s->got_ret, &m->ret);
	printf(" | ");
	replaced(r, m);
	printf(" |\n");
	func_model_free(m);
}

int main(void)
{
	if (!__builtin_cpu_supports("avx512f"))
		return 77;
	if (!map_code())
		return 1;
	rt_state.flags = RT_FLAG_NO_READS; /* no thread block here for system calls */
	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		print_row(&rows[i]);
	return 0;
}
