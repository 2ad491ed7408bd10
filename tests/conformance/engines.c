/*
 * engines.c - many programs through all engines: what the Python tests of this folder talk to.
 *
 * stdin: records.h.  stdout, for each record:
 *
 *	u32 status      0, or an errno: refused or failed; then u32 length and a text
 *	per memory      u64 r0 by engine (interpreter, checked interpreter, JIT, body)
 *	                u32 bit by engine that ran and left other memory than the interpreter
 *	                the memory as the interpreter left it
 *
 * Memory lies at MEM; r1 points there and r2 is its length.  Helper 5 returns r1, helper 6
 * mixes its arguments.  A body is run if the record asks for it: as fmod_ret, its r1 is ctx.
 * An engine that does not run is given the interpreter's r0.
 */
#include "records.h"

#include "../unit/bpf/bodyrun.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEM  0x300000000000
#define CODE (64 << 20)
#define FUEL 100000000

enum { INTERP, CHECKED, JIT, BODY_ENGINE, ENGINES };

struct run {
	struct record rec;
	struct program *p, *body; /* body: the same as fmod_ret, or NULL */
	const struct engine_env *env;
	struct diag d;
	uint64_t (*jit)(uint64_t r1, uint64_t r2);
	uint8_t *mem; /* at MEM */
};

static struct bodyrun bodies;

static uint64_t unwind(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return r1;
}

static uint64_t mix(uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4, uint64_t r5)
{
	return (r1 * 3 + r2 * 5 + r3 * 7 + r4 * 11 + r5 * 13) ^ r1 >> 29;
}

static int load(struct run *r, enum program_kind kind, struct program **out)
{
	struct program_attr attr = { .kind = kind,
				     .insn = r->rec.insn,
				     .ninsns = r->rec.h.ninsns,
				     .arena = bodies.arena,
				     .nslots =
					     kind == PROGRAM_PLAIN ? PROGRAM_NO_CTX : BODYRUN_SLOTS,
				     .allow_any_helper = r->rec.h.flags & RECORD_UNVERIFIED };

	return program_load(&attr, out, &r->d);
}

static int compile(struct run *r)
{
	static void *code;
	struct x86_asm a;
	int n;

	if (!code)
		code = mmap(NULL, CODE, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (code == MAP_FAILED)
		return -errno;
	x86_asm_init(&a, code, NULL, CODE, (uint64_t)(uintptr_t)code);
	engine_jit_function(r->p, r->env, &a);
	n = x86_asm_finish(&a);
	r->jit = (uint64_t(*)(uint64_t, uint64_t))(uintptr_t)code;
	return n < 0 ? diag_set(&r->d, n, "the JIT fails") : 0;
}

static int run_body(struct run *r, uint64_t *r0)
{
	static const uint64_t words[BODYRUN_WORDS] = { 0xf00d, BODYRUN_SLOTS, 1, 2, 3 };
	bool in_line = false;

	if (!bodyrun(&bodies, r->body, words, r0, &in_line) || !in_line)
		return diag_set(&r->d, -EINVAL, "the body is not in line, or spoils registers");
	return 0;
}

static int run_engine(struct run *r, unsigned engine, uint64_t r1, uint64_t *r0)
{
	struct interp_opts o = { .checked = engine == CHECKED, .fuel = FUEL };
	/* what small programs address without r1 */
	struct interp_range range = { MEM, MEM + r->rec.h.mem_len, true };

	o.range = &range;
	o.nranges = 1;
	if (engine == JIT)
		*r0 = r->jit(r1, r->rec.h.mem_len);
	else if (engine == BODY_ENGINE)
		return run_body(r, r0);
	else
		return interp_run(r->p, r->env, r1, r->rec.h.mem_len, &o, r0, &r->d);
	return 0;
}

/* One memory through all engines; out: what follows the status. */
static int run_memory(struct run *r, const uint8_t *before, uint64_t r0[ENGINES], uint32_t *differ,
		      uint8_t *after)
{
	*differ = 0;
	for (unsigned e = 0; e < ENGINES; e++) {
		int err;

		if (e == BODY_ENGINE && !r->body) {
			r0[e] = r0[INTERP];
			continue;
		}
		memcpy(r->mem, before, r->rec.h.mem_len);
		err = run_engine(r, e, r->rec.h.mem_len ? MEM : 0, &r0[e]);
		if (err)
			return err;
		if (e == INTERP)
			memcpy(after, r->mem, r->rec.h.mem_len);
		else if (memcmp(r->mem, after, r->rec.h.mem_len))
			*differ |= 1u << e;
	}
	return 0;
}

static void run_all(struct run *r)
{
	size_t one = sizeof(uint64_t) * ENGINES + sizeof(uint32_t) + r->rec.h.mem_len;
	uint8_t *out = malloc(one * (r->rec.h.nmem ? r->rec.h.nmem : 1));
	int err = out ? 0 : -ENOMEM;

	for (uint32_t k = 0; !err && k < r->rec.h.nmem; k++) {
		uint8_t *at = out + k * one;
		uint64_t r0[ENGINES];
		uint32_t differ;

		err = run_memory(r, r->rec.mems + (size_t)k * r->rec.h.mem_len, r0, &differ,
				 at + sizeof(r0) + sizeof(differ));
		memcpy(at, r0, sizeof(r0));
		memcpy(at + sizeof(r0), &differ, sizeof(differ));
	}
	if (err) {
		record_refuse(err, diag_text(&r->d, err));
	} else {
		record_put32(0);
		record_put(out, one * r->rec.h.nmem);
	}
	free(out);
}

static void one(struct run *r)
{
	int err;

	r->d.text[0] = '\0';
	r->p = r->body = NULL;
	err = load(r, PROGRAM_PLAIN, &r->p);
	if (!err && r->rec.h.flags & RECORD_BODY)
		err = load(r, PROGRAM_FMOD_RET, &r->body);
	if (!err)
		err = compile(r);
	if (err)
		record_refuse(err, diag_text(&r->d, err));
	else
		run_all(r);
	program_put(r->p);
	program_put(r->body);
}

int main(void)
{
	static struct engine_env env = { .helper[5] = (uint64_t)(uintptr_t)unwind,
					 .helper[6] = (uint64_t)(uintptr_t)mix };
	struct run r = { .env = &env };

	r.mem = mmap((void *)(uintptr_t)MEM, RECORD_MAX_MEM, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if ((uintptr_t)r.mem != MEM || !bodyrun_open(&bodies)) {
		perror("engines");
		return 1;
	}
	while (record_next(&r.rec))
		one(&r);
	fflush(stdout);
	return 0;
}
