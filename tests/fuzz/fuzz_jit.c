/*
 * fuzz_jit.c - libFuzzer: any bytes through the checks and the engines, which must agree.
 *
 * The first byte chooses what the rest is:
 *   raw         instructions.  What the checks accept is compiled, as a function and as a body;
 *               it runs in the checked interpreter, and on both engines if it touches nothing but
 *               registers
 *   structured  choices of randprog.c: loops, local calls
 *   list        units of listprog.c: every instruction, register, offset and immediate
 *   small       the same as the body of an attachment, which stands at its call site
 *
 * libFuzzer's driver comes with -Dfuzz=true and clang; else tests/fuzz/replay.c is the driver.
 */
#include "../unit/bpf/bodyrun.h"
#include "../unit/bpf/listprog.h"
#include "../unit/bpf/randprog.h"

#include "bpf/insn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_INSNS 4096
#define CODE      (1 << 20)
#define HELPER    5

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mem[RANDPROG_MEM / 8];
static struct bpf_insn insn[MAX_INSNS];
static struct bodyrun body;

static uint64_t mix(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return (r1 * 3 + r2 * 5 + r3 * 7 + r4 * 11 + r5 * 13) ^ r1 >> 29;
}

static struct engine_env plain_env(void)
{
	return (struct engine_env){ .helper[HELPER] = (uint64_t)(uintptr_t)mix };
}

static struct program *load(unsigned n, enum program_kind kind, bool any)
{
	struct program_attr attr = { .kind = kind,
				     .insn = insn,
				     .ninsns = n,
				     .arena = body.arena,
				     .nslots = BODYRUN_SLOTS,
				     .allow_any_helper = any };
	struct program *p = NULL;
	struct diag d;

	return program_load(&attr, &p, &d) ? NULL : p;
}

static void *compile(const struct program *p, const struct engine_env *env)
{
	static void *code;
	struct x86_asm a;

	if (!code)
		code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(p, env, &a);
	return x86_asm_finish(&a) < 0 ? NULL : code;
}

static void die(const struct program *p, const char *what, uint64_t want, uint64_t got)
{
	for (uint32_t i = 0; i < p->ninsns;) {
		char text[96];
		uint32_t at = i;

		i += program_format_insn(&p->insn[i], text, sizeof(text));
		fprintf(stderr, "%4u %s\n", at, text);
	}
	fprintf(stderr, "%s: interpreter 0x%llx, got 0x%llx\n", what, (unsigned long long)want,
		(unsigned long long)got);
	abort();
}

static void fill(uint64_t m[RANDPROG_MEM / 8])
{
	for (unsigned k = 0; k < RANDPROG_MEM / 8; k++)
		m[k] = k * 0x9e3779b97f4a7c15;
}

/* Interpreter, its checked mode, and the JIT's function. */
static uint64_t agree(const struct program *p, uint64_t after[RANDPROG_MEM / 8])
{
	struct engine_env env = plain_env();
	struct interp_range range = { (uint64_t)(uintptr_t)mem,
				      (uint64_t)(uintptr_t)mem + sizeof(mem), true };
	struct interp_opts o = { .fuel = 10000000, .range = &range, .nranges = 1 };
	uint64_t want = 0, got = 0;
	struct diag d = { "" };
	void *fn;

	fill(mem);
	if (interp_run(p, &env, 0, 0, &o, &want, &d))
		die(p, d.text, 0, 0);
	memcpy(after, mem, sizeof(mem));
	fill(mem);
	o.checked = true;
	if (interp_run(p, &env, 0, 0, &o, &got, &d) || got != want ||
	    memcmp(mem, after, sizeof(mem)))
		die(p, "checked", want, got);
	fill(mem);
	fn = compile(p, &env);
	if (!fn)
		die(p, "not compiled", want, 0);
	got = ((uint64_t(*)(uint64_t, uint64_t))(uintptr_t)fn)(0, 0);
	if (got != want || memcmp(mem, after, sizeof(mem)))
		die(p, "jit", want, got);
	return want;
}

/* -- raw ------------------------------------------------------------------------------------ */

/* Ends and computes the same wherever it lies: no memory, no calls, no way back, no r10. */
static bool only_registers(const struct program *p)
{
	for (uint32_t i = 0; i < p->ninsns; i++) {
		const struct bpf_insn *in = &p->insn[i];
		unsigned class = BPF_CLASS(in->code);

		if (class == BPF_LDX || class == BPF_ST || class == BPF_STX || insn_is_call(in) ||
		    in->dst_reg == INSN_FP || (in->src_reg == INSN_FP && class != BPF_LD) ||
		    (class == BPF_LD && in->src_reg) ||
		    (insn_is_branch(in) && insn_target(in, i) <= i))
			return false;
		i += insn_is_lddw(in);
	}
	return true;
}

/* Registers that nobody has set differ between engines: all are set in front. */
static void run_raw(unsigned n)
{
	uint64_t after[RANDPROG_MEM / 8];
	struct program *p;

	if (n + 10 > MAX_INSNS)
		return;
	memmove(insn + 10, insn, n * sizeof(*insn));
	for (unsigned r = 0; r < 10; r++)
		insn[r] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, r, 0, 0, 0x1234567 * (int)r);
	p = load(n + 10, PROGRAM_PLAIN, true);
	if (p && only_registers(p))
		agree(p, after);
	program_put(p);
}

static void compile_body(struct program *p)
{
	struct tramp_env t = { .ctx = -128, .scratch = -200 };
	const struct tramp_body *b;
	struct engine_body *eb;
	static uint8_t out[CODE];
	struct x86_asm a;

	if (engine_body_new(p, &body.env, &eb))
		return;
	b = engine_body(eb);
	x86_asm_init(&a, out, NULL, sizeof(out), 0x10000);
	t.entry = x86_label_new(&a);
	t.skip = x86_label_new(&a);
	for (unsigned c = 0; b->emit_cold && c < BODY_COLD; c++)
		t.cold[c] = x86_label_new(&a);
	b->emit(&a, &t, b->self);
	x86_bind(&a, t.skip);
	if (b->emit_cold)
		b->emit_cold(&a, &t, b->self);
	if (b->emit_rest)
		b->emit_rest(&a, &t, b->self);
	x86_asm_finish(&a);
	engine_body_free(eb);
}

static void raw(const uint8_t *data, size_t size, enum program_kind kind)
{
	static uint64_t ctx[2 + 16] = { 0x400000, 14 };
	struct interp_opts o = { .checked = true, .fuel = 5000 };
	unsigned n = (unsigned)(size / 8 < MAX_INSNS ? size / 8 : MAX_INSNS);
	struct engine_env env = { 0 };
	struct program *p;
	uint64_t r0;

	if (!n)
		return;
	memcpy(insn, data, 8 * (size_t)n);
	for (unsigned i = 0; i < n;) {
		char text[40];

		i += i + 1 < n ? program_format_insn(&insn[i], text, sizeof(text)) : 1;
	}
	p = load(n, kind, false);
	if (p) {
		compile(p, &env);
		compile_body(p);
		interp_run(p, &env, (uint64_t)(uintptr_t)(ctx + 2), 0, &o, &r0, NULL);
		program_put(p);
	}
	run_raw(n);
}

/* -- made ------------------------------------------------------------------------------------ */

static void made(int n)
{
	uint64_t after[RANDPROG_MEM / 8];
	struct program *p = n > 0 ? load((unsigned)n, PROGRAM_PLAIN, true) : NULL;

	if (!p)
		abort();
	agree(p, after);
	program_put(p);
}

static void small(int n, enum program_kind kind)
{
	static const uint64_t words[BODYRUN_WORDS] = { 0xf00d, BODYRUN_SLOTS, 1, 2, 3 };
	uint64_t after[RANDPROG_MEM / 8], want, got = 0;
	struct program *p = load((unsigned)n, PROGRAM_PLAIN, false);
	bool in_line = false;

	if (!p)
		abort();
	want = agree(p, after);
	program_put(p);
	p = load((unsigned)n, kind, false);
	if (!p)
		abort();
	fill(mem);
	if (!bodyrun(&body, p, words, &got, &in_line) || !in_line ||
	    (kind == PROGRAM_FMOD_RET && got != want) || memcmp(mem, after, sizeof(mem)))
		die(p, in_line ? "body" : "not in line", want, got);
	program_put(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum program_kind kinds[] = { PROGRAM_FENTRY, PROGRAM_FEXIT,
						   PROGRAM_FMOD_RET };
	struct rand r = { .s = 88172645463325252ull };
	enum program_kind kind;

	if (!body.code && !bodyrun_open(&body))
		abort();
	if (!size)
		return 0;
	r.bytes = data + 1;
	r.nbytes = size - 1;
	kind = kinds[(data[0] >> 2) % 3];
	switch (data[0] & 3) {
	case 0:
		raw(data + 1, size - 1, data[0] & 0x80 ? PROGRAM_FSESSION : kind);
		break;
	case 1:
		made(randprog_make(&r, mem, HELPER, insn, MAX_INSNS));
		break;
	case 2:
		made(listprog_make(data + 1, size - 1, false, mem, HELPER, insn, MAX_INSNS));
		break;
	default:
		small(listprog_make(data + 1, size - 1, true, mem, HELPER, insn, MAX_INSNS), kind);
	}
	return 0;
}
