/* run.c - see run.h. */
#include "run.h"

#include "asmtext.h"
#include "slab_run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_BYTES (1 << 20)

struct program *run_load(enum program_kind kind, const struct bpf_insn *insn, unsigned n)
{
	struct program_attr attr = {
		.kind = kind, .insn = insn, .ninsns = n, .nslots = PROGRAM_NO_CTX
	};
	struct program *p = NULL;
	struct diag d = { "" };
	int err;

	attr.allow_any_helper = kind == PROGRAM_PLAIN;
	err = program_load(&attr, &p, &d);
	if (err)
		fail_msg("program_load: %d %s", err, d.text);
	return p;
}

struct program *run_load_text(enum program_kind kind, const char *text)
{
	static struct bpf_insn insn[MAX_INSNS];
	char why[256];
	int n = asmtext_parse(text, insn, MAX_INSNS, why, sizeof(why));

	if (n < 0)
		fail_msg("%s", why);
	return run_load(kind, insn, (unsigned)n);
}

const char *run_refused(enum program_kind kind, const char *text, int *err)
{
	static struct bpf_insn insn[MAX_INSNS];
	static struct diag d;
	struct program_attr attr = { .kind = kind, .insn = insn, .nslots = PROGRAM_NO_CTX };
	struct program *p = NULL;
	char why[256];
	int n = asmtext_parse(text, insn, MAX_INSNS, why, sizeof(why));

	if (n < 0)
		fail_msg("%s", why);
	attr.ninsns = (unsigned)n;
	d.text[0] = '\0';
	*err = program_load(&attr, &p, &d);
	program_put(p);
	return d.text;
}

static uint8_t states[CODE_BYTES];

void run_asm(struct x86_asm *a)
{
	static void *code;

	if (!code)
		code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		fail_msg("no executable memory");
	x86_asm_init(a, code, states, CODE_BYTES, (uint64_t)(uintptr_t)code);
}

void *run_asm_finish(struct x86_asm *a, uint8_t **frame_states)
{
	void *code = a->buf;
	int n = x86_asm_finish(a);

	if (n < 0)
		fail_msg("x86_asm_finish: %d", n);
	if (frame_states)
		*frame_states = states;
	return code;
}

jit_fn run_jit(const struct program *p, const struct engine_env *env)
{
	struct x86_asm a;

	run_asm(&a);
	engine_jit_function(p, env, &a);
	return (jit_fn)(uintptr_t)run_asm_finish(&a, NULL);
}

uint64_t run_interp(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2)
{
	struct interp_opts o = { .fuel = 100000000 };
	struct diag d = { "" };
	uint64_t r0 = 0;
	int err = interp_run(p, env, r1, r2, &o, &r0, &d);

	if (err)
		fail_msg("interp_run: %d %s", err, d.text);
	return r0;
}

/* After the interpreter has made `want`, and mem `after`, of mem as it was `before`. */
static void check_same(const char *engine, uint64_t got, uint64_t want, const void *mem,
		       const void *after, size_t len)
{
	if (got != want)
		fail_msg("interpreter 0x%llx, %s 0x%llx", (unsigned long long)want, engine,
			 (unsigned long long)got);
	if (len)
		assert_memory_equal(mem, after, len);
}

uint64_t run_both(const struct program *p, const struct engine_env *env, void *mem, size_t len)
{
	uint64_t r1 = (uint64_t)(uintptr_t)mem, want, got;
	uint8_t *before = malloc(len + 1), *after = malloc(len + 1);

	assert_non_null(before);
	assert_non_null(after);
	if (len)
		memcpy(before, mem, len);
	want = run_interp(p, env, r1, len);
	if (len) {
		memcpy(after, mem, len);
		memcpy(mem, before, len);
	}
	if (!p->tails) { /* the table that env has is of code */
		got = slab_run(p, env, r1, len);
		check_same("that of the slab", got, want, mem, after, len);
	}
	if (len)
		memcpy(mem, before, len);
	got = run_jit(p, env)(r1, len);
	check_same("jit", got, want, mem, after, len);
	free(before);
	free(after);
	return got;
}
