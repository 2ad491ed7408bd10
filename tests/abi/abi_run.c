/*
 * abi_run.c - call every function of a table through trampolines and compare.
 *
 * Usage: abi_run CALLER.so CALLEE.so TABLE SEED [COMPILER:VERSION]     (gcc: both sides are gcc's)
 *
 * For each function and each mix of programs: random values go through the caller's code
 * into the trampoline; compared are the arguments as the callee got them, every slot of
 * every program, the result as the caller got it and the callee-saved registers.  What a
 * slot must hold follows from the C types of the table alone, never from the model.
 */
#include "abi.h"

#include "rt/rt.h"
#include "tramp/tramp.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_VALUES 64
#define CODE_SIZE  65536
#define FUNC       0xfedcba9876543210ull

struct value {
	char kind;   /* i u f x a v, - for void */
	bool by_ref; /* its slot holds its address */
	uint32_t at, size;
	const char *bytes;
};

struct function {
	bool one_only; /* compilers differ: one makes both sides */
	const char *sig;
	struct value ret, arg[MAX_VALUES];
	unsigned nargs;
	struct func_model *model;
};

/*
 * How many programs of each kind, and which fmod_ret program decides (-1: none).  sets: fmod_ret
 * programs are such that call utramp_set_result(), and the decider does.
 */
struct mix {
	const char *name;
	unsigned n[TRAMP_KINDS];
	int decider;
	bool sets;
};

static const struct mix mixes[] = {
	{ "fentry", { 1, 0, 0 }, -1, false },
	{ "fexit", { 0, 0, 1 }, -1, false },
	{ "2 fentry, 2 fexit", { 2, 0, 2 }, -1, false },
	{ "fmod_ret, goes on", { 0, 1, 0 }, -1, false },
	{ "all, go on", { 1, 2, 1 }, -1, false },
	{ "all, 2nd skips", { 1, 3, 2 }, 1, false },
	{ "fmod_ret skips", { 0, 1, 0 }, 0, false },
	{ "all, might set the result", { 1, 2, 1 }, -1, true },
	{ "fmod_ret sets the result", { 0, 1, 0 }, 0, true },
	{ "all, 2nd sets the result", { 1, 3, 2 }, 1, true },
};

static uint64_t seed, runs, refused, bad;
static _Alignas(128) uint8_t in[BUFFER], out[512];
static uint8_t *code, *got, *result;
static int *callee_runs;
static const struct function *cur;
static const struct mix *cur_mix;

static uint64_t rnd(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dull;
}

#define CHECK(cond, ...) \
	do { \
		if (!(cond) && bad++ < 12) { \
			printf("%s, %s: ", cur->sig, cur_mix->name); \
			printf(__VA_ARGS__); \
			printf("\n"); \
		} \
	} while (0)

/* -- values -------------------------------------------------------------- */

static void choose(uint8_t *p, const struct value *v)
{
	for (uint32_t i = 0; i < v->size; i++) {
		uint8_t r = (uint8_t)(rnd() >> 32);

		switch (v->bytes[i]) {
		case 'b':
			r &= 1;
			break;
		case 'E': /* integer bit of a long double: a normal number */
			r |= 0x80;
			break;
		case 'F': /* its exponent: neither the least nor the greatest */
			r |= 1;
			break;
		case 'G':
			r &= 0xbf;
			break;
		}
		p[i] = r;
	}
}

static bool same(const uint8_t *a, const uint8_t *b, const struct value *v)
{
	for (uint32_t i = 0; i < v->size; i++) {
		if (v->bytes[i] != '.' && a[i] != b[i])
			return false;
	}
	return true;
}

static unsigned value_slots(const struct value *v)
{
	if (v->kind == 'x')
		return 2;
	return v->by_ref ? 1 : (v->size + 7) / 8;
}

/* Do the slots show the value at p, clean behind its end?  Padding may hold anything. */
static bool slots_show(const uint64_t *slot, const uint8_t *p, const struct value *v)
{
	unsigned n = value_slots(v);
	uint8_t raw[64] = { 0 };
	bool negative = v->kind == 'i' && p[v->size - 1] & 0x80;

	memcpy(raw, slot, 8 * n);
	if (!same(raw, p, v))
		return false;
	for (uint32_t i = v->kind == 'x' ? 10 : v->size; i < 8 * n; i++) {
		if (raw[i] != (negative ? 0xff : 0))
			return false;
	}
	return true;
}

/* -- programs ------------------------------------------------------------ */

/* In st0, or st0 and st1: long double and _Complex long double, in a struct too. */
static unsigned result_x87(const struct function *f)
{
	if (!strncmp(f->sig, "cx80(", 5))
		return 2;
	return f->ret.size == 16 && !memcmp(f->ret.bytes, "xxxxxxxEFG......", 16);
}

/* No 64 bits can stand for it. */
static bool is_wordless(const struct function *f)
{
	return f->ret.by_ref || f->model->call.sret || result_x87(f) ||
	       (f->ret.kind == 'v' && f->ret.size > 16);
}

static void set_up_programs(const struct function *f)
{
	const struct func_model *m = f->model;
	unsigned slot = 0;

	abi_nlogs = abi_nshown = 0;
	abi_sret = (struct shown){ 0 };
	abi_widest = 16;
	for (unsigned i = 0; i < f->nargs; i++) {
		const struct value *v = &f->arg[i];

		if (v->by_ref)
			abi_shown[abi_nshown++] = (struct shown){ slot, v->at, v->size };
		slot += value_slots(v);
		if (v->kind == 'v' && v->size > abi_widest)
			abi_widest = v->size;
	}
	abi_nslots = slot + tramp_result_slots(m);
	abi_result_wide = f->ret.kind == 'v' ? f->ret.size : 0;
	abi_result_x87 = result_x87(f);
	if (f->ret.by_ref)
		abi_sret = (struct shown){ slot, BUFFER - 512, f->ret.size };
}

static void check_result_slots(const struct function *f, const struct log *log)
{
	const struct func_model *m = f->model;
	const uint64_t *slot = &log->slot[m->nslots];
	const uint8_t *want = cur_mix->sets && cur_mix->decider >= 0 ? abi_value : result;

	if (cur_mix->decider >= 0 && !cur_mix->sets)
		CHECK(slot[0] == abi_r0[cur_mix->n[0] + (unsigned)cur_mix->decider] && !slot[1],
		      "fexit sees %lx %lx", slot[0], slot[1]);
	else if (f->ret.by_ref)
		CHECK(same(&log->mem[BUFFER - 512], want, &f->ret), "fexit sees another result");
	else if (f->ret.size)
		CHECK(slots_show(slot, want, &f->ret), "fexit sees %lx %lx", slot[0], slot[1]);
}

static void check_log(const struct function *f, const struct log *log)
{
	unsigned slot = 0;

	CHECK(log->rsp % 16 == 0, "stack of a program misaligned: %lx", log->rsp);
	CHECK(log->ip == FUNC, "ctx[-2] is %lx", log->ip);
	for (unsigned i = 0; i < f->nargs; i++) {
		const struct value *v = &f->arg[i];
		bool ok = v->by_ref ? same(&log->mem[v->at], in + v->at, v) :
				      slots_show(&log->slot[slot], in + v->at, v);

		CHECK(ok, "program %lx: ctx[%u] = %lx is not argument %u", log->arg, slot,
		      log->slot[slot], i);
		slot += value_slots(v);
	}
	CHECK(log->count == slot, "ctx[-1] is %lu, not %u", log->count, slot);
	if (log->arg & ABI_EXIT)
		check_result_slots(f, log);
}

/* -- one call ------------------------------------------------------------ */

/* A result that no bit of the low half gives away, but for bool. */
static uint64_t decided(const struct function *f)
{
	bool is_bool = f->ret.size && f->ret.bytes[0] == 'b';

	return is_bool ? 1 : rnd() << 32 | rnd() >> 56 | 1ull << 63;
}

static bool build(const struct function *f, const struct mix *mix)
{
	static const uint64_t fn = (uint64_t)abi_body;
	static struct tramp_prog prog[MAX_LOGS];
	static struct tramp_body body[2];
	struct tramp_spec s = { .model = f->model, .func = FUNC, .original = (taddr_t)abi_arrive };
	struct diag d = { "" };
	struct tramp_plan p;
	struct x86_asm a;
	unsigned n = 0;
	int err;

	body[0] = body[1] = tramp_body_call(&fn);
	body[1].facts.sets_result = mix->sets;
	memset(abi_r0, 0, sizeof(abi_r0));
	abi_setter = -1;
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		s.list[k].prog = &prog[n];
		s.list[k].n = mix->n[k];
		for (unsigned i = 0; i < mix->n[k]; i++, n++) {
			prog[n].body = &body[k == TRAMP_FMOD_RET];
			prog[n].arg = n | (k == TRAMP_FEXIT ? ABI_EXIT : 0u);
			if (k != TRAMP_FMOD_RET || (mix->sets && is_wordless(f)))
				abi_r0[n] = rnd();
			else if ((int)i == mix->decider && mix->sets)
				abi_r0[n] = rnd() & 1; /* what it returns is no matter */
			else if ((int)i == mix->decider)
				abi_r0[n] = decided(f);
			if (k == TRAMP_FMOD_RET && (int)i == mix->decider && mix->sets)
				abi_setter = (int)n;
		}
	}
	err = tramp_plan(&s, &p, &d);
	if (err == -ENOTSUP) {
		bool nothing = !f->ret.size && mix->sets;

		CHECK(mix->n[TRAMP_FMOD_RET] && (nothing || (is_wordless(f) && !mix->sets)),
		      "refused: %s", d.text);
		refused++;
		return false;
	}
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	if (!err) {
		tramp_emit(&p, &a, NULL);
		err = x86_asm_finish(&a);
	}
	CHECK(err > 0, "not built: %d %s", err, d.text);
	return err > 0;
}

static void check_call(const struct function *f, const struct mix *mix)
{
	unsigned nlogs = mix->n[0] + mix->n[1] + mix->n[2], after = 0;
	uint8_t skipped[16] = { 0 };

	if (mix->decider >= 0)
		after = mix->n[TRAMP_FMOD_RET] - 1 - (unsigned)mix->decider;
	CHECK(abi_nlogs == nlogs - after, "%u programs ran, not %u", abi_nlogs, nlogs - after);
	for (unsigned i = 0, n = 0; i < abi_nlogs; i++, n++) {
		if (after && n == mix->n[0] + (unsigned)mix->decider + 1)
			n += after;
		CHECK((abi_logs[i].arg & 0xff) == n, "program %lu ran in place of %u",
		      abi_logs[i].arg & 0xff, n);
		check_log(f, &abi_logs[i]);
	}
	CHECK(*callee_runs == (mix->decider < 0), "the function ran %d times", *callee_runs);
	if (mix->decider >= 0 && mix->sets) {
		CHECK(!abi_setter_said, "the result was not set: %ld", (long)abi_setter_said);
		CHECK(same(out, abi_value, &f->ret), "caller got another result than was set");
		return;
	}
	if (mix->decider >= 0) {
		memcpy(skipped, &abi_r0[mix->n[0] + (unsigned)mix->decider], 8);
		CHECK(!f->ret.size || same(out, skipped, &f->ret), "caller got another result");
		return;
	}
	for (unsigned i = 0; i < f->nargs; i++)
		CHECK(same(got + f->arg[i].at, in + f->arg[i].at, &f->arg[i]),
		      "callee got another argument %u", i);
	CHECK(same(out, result, &f->ret), "caller got another result");
}

static void run_function(const struct function *f, void *caller, void *callee)
{
	for (unsigned k = 0; k < ARRAY_LEN(mixes); k++) {
		uint64_t kept;

		cur_mix = &mixes[k];
		set_up_programs(f);
		if (!build(f, cur_mix))
			continue;
		abi_callee = callee;
		for (unsigned i = 0; i < f->nargs; i++)
			choose(in + f->arg[i].at, &f->arg[i]);
		choose(result, &f->ret);
		choose(abi_value, &f->ret);
		abi_value_size = f->ret.size;
		memset(got, 0x77, BUFFER);
		memset(out, 0x77, sizeof(out));
		*callee_runs = 0;
		kept = abi_call(caller, (void *)abi_enter, in, out);
		CHECK(!kept, "callee-saved registers changed: %lx", kept);
		CHECK(!abi_changed.what, "%s %u changed", abi_changed.what, abi_changed.at);
		check_call(f, cur_mix);
		runs++;
	}
}

/* -- the table and the two sides ----------------------------------------- */

static void parse_value(char *word, struct value *v)
{
	char *at = strchr(word, ':'), *bytes = at ? strchr(at + 1, ':') : NULL;

	if (!bytes) {
		fprintf(stderr, "bad table: %s\n", word);
		exit(2);
	}
	v->kind = word[0];
	v->at = (uint32_t)strtoul(at + 1, NULL, 10);
	v->bytes = bytes + 1;
	v->size = (uint32_t)strlen(v->bytes);
	v->by_ref = v->size > 16;
}

static void parse_function(char *line, const struct abi_dialect *by, struct function *f)
{
	struct diag d = { "" };
	char *save, *word;

	memset(f, 0, sizeof(*f));
	f->one_only = strtok_r(line, " \n", &save)[0] == 's';
	f->sig = strtok_r(NULL, " \n", &save);
	parse_value(strtok_r(NULL, " \n", &save), &f->ret);
	while ((word = strtok_r(NULL, " \n", &save)))
		parse_value(word, &f->arg[f->nargs++]);
	if (func_model_parse_by(f->sig, by, &f->model, &d) < 0) {
		fprintf(stderr, "%s: %s\n", f->sig, d.text);
		exit(2);
	}
	f->ret.by_ref &= f->ret.kind != 'v' && strncmp(f->sig, "cx80(", 5);
	/* where vectors wider than 16 bytes run out of registers only the model tells here */
	for (unsigned i = 0; i < f->nargs; i++)
		f->arg[i].by_ref &= f->arg[i].kind != 'v' || !f->model->arg[i].place.wide;
}

static void *open_side(const char *path, const char *symbol, void **lib)
{
	void *p;

	*lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	p = *lib ? dlsym(*lib, symbol) : NULL;
	if (!p) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	return p;
}

static void map_code(uintptr_t near)
{
	for (uintptr_t d = 16 << 20; d < 1u << 30; d += 16 << 20) {
		code = mmap((void *)((near & ~0xfffful) - d), CODE_SIZE,
			    PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (code != MAP_FAILED)
			return;
	}
	fprintf(stderr, "no memory near %lx\n", near);
	exit(2);
}

/* "gcc:12", "clang:14"; none: two compilers, where what is the same for both is run. */
static struct abi_dialect dialect_of(const char *text)
{
	struct abi_dialect d = { .by = ABI_BY_GCC, .vector = 64 };

	if (text) {
		d.by = strncmp(text, "clang", 5) ? ABI_BY_GCC : ABI_BY_CLANG;
		d.version = (uint16_t)strtoul(strchr(text, ':') + 1, NULL, 10);
	}
	return d;
}

int main(int argc, char **argv)
{
	struct abi_dialect by = dialect_of(argc > 5 ? argv[5] : NULL);
	static char line[65536];
	void *lib, **callers, **callees;
	unsigned n = 0, skipped = 0;
	FILE *table;

	if (argc < 5 || !(table = fopen(argv[3], "r"))) {
		fprintf(stderr,
			"usage: abi_run CALLER.so CALLEE.so TABLE SEED [COMPILER:VERSION]\n");
		return 2;
	}
	seed = strtoull(argv[4], NULL, 0) * 2 + 1;
	callers = open_side(argv[1], "callers", &lib);
	callees = open_side(argv[2], "callees", &lib);
	got = dlsym(lib, "got");
	result = dlsym(lib, "result");
	callee_runs = dlsym(lib, "runs");
	map_code((uintptr_t)abi_arrive);
	abi_code = code;
	rt_state.flags = RT_FLAG_NO_READS; /* no thread block here for system calls */
	if (!abi_find_components()) {
		fprintf(stderr, "no XSAVE\n");
		return 77;
	}
	for (; fgets(line, sizeof(line), table); n++) {
		struct function f;

		parse_function(line, &by, &f);
		cur = &f;
		if (f.one_only && argc < 6)
			skipped++;
		else
			run_function(&f, callers[n], callees[n]);
		func_model_free(f.model);
	}
	fclose(table);
	printf("%u functions, %u skipped, %lu calls, %lu refused, %lu bad\n", n, skipped, runs,
	       refused, bad);
	return bad || !n;
}
