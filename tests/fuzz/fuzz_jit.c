/*
 * fuzz_jit.c - libFuzzer: raw instructions through the checks, random programs through
 * both engines.  Built with -Dfuzz=true by clang.
 *
 * First byte even: the rest is instructions; what the checks accept is compiled, and run
 * in the checked interpreter only.  Odd: the rest steers randprog.c, and interpreter and
 * JIT must agree.
 */
#include "../unit/bpf/randprog.h"

#include "bpf/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_INSNS 4096
#define CODE      (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t mem[RANDPROG_MEM / 8];
static struct bpf_insn insn[MAX_INSNS];

static uint64_t mix(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return (r1 * 3 + r2 * 5 + r3 * 7 + r4 * 11 + r5 * 13) ^ r1 >> 29;
}

static struct program *load(unsigned n, enum program_kind kind, bool any)
{
	struct program_attr attr = { .kind = kind,
				     .insn = insn,
				     .ninsns = n,
				     .nslots = PROGRAM_NO_CTX,
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

static void raw(const uint8_t *data, size_t size)
{
	static uint64_t ctx[2 + 16] = { 0x400000, 14 };
	struct interp_opts o = { .checked = true, .fuel = 5000 };
	unsigned n = (unsigned)(size / 8 < MAX_INSNS ? size / 8 : MAX_INSNS);
	struct engine_env env = { 0 };
	struct program *p;
	uint64_t r0;

	memcpy(insn, data, 8 * (size_t)n);
	for (unsigned i = 0; i < n;) {
		char text[40];

		i += i + 1 < n ? program_format_insn(&insn[i], text, sizeof(text)) : 1;
	}
	p = load(n, PROGRAM_FENTRY, false);
	if (!p)
		return;
	compile(p, &env);
	interp_run(p, &env, (uint64_t)(uintptr_t)(ctx + 2), 0, &o, &r0, NULL);
	program_put(p);
}

static void structured(const uint8_t *data, size_t size)
{
	struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)mix };
	struct interp_opts o = { .fuel = 10000000 };
	struct rand r = { .s = 88172645463325252ull, .bytes = data, .nbytes = size };
	uint64_t want = 0, after[RANDPROG_MEM / 8];
	int n = randprog_make(&r, mem, 5, insn, MAX_INSNS);
	struct program *p = load((unsigned)n, PROGRAM_PLAIN, true);
	uint64_t (*fn)(uint64_t, uint64_t);

	if (!p)
		abort();
	memset(mem, 0x5a, sizeof(mem));
	if (interp_run(p, &env, 0, 0, &o, &want, NULL))
		abort();
	memcpy(after, mem, sizeof(mem));
	memset(mem, 0x5a, sizeof(mem));
	fn = (uint64_t(*)(uint64_t, uint64_t))(uintptr_t)compile(p, &env);
	if (!fn || fn(0, 0) != want || memcmp(mem, after, sizeof(mem)))
		abort();
	program_put(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		structured(data + 1, size - 1);
	else
		raw(data + 1, size - 1);
	return 0;
}
