/* bodyrun.c - see bodyrun.h. */
#include "bodyrun.h"

#include "rt/rt.h"
#include "shm/arena.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CODE_BYTES  (1 << 20)
#define CTX_OFF     (-128) /* in the frame that stands in for a trampoline's */
#define SCRATCH_OFF (-200)
#define AFTER_OFF   (-400) /* rax .. r15 behind the body */
#define FRAME_BYTES 512

typedef uint64_t (*body_fn)(const uint64_t *ctx);

static uint64_t after[16];

bool bodyrun_open(struct bodyrun *b)
{
	void *threads = mmap(NULL, SHM_MAX_THREADS * RT_THREAD_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	memset(b, 0, sizeof(*b));
	b->code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (threads == MAP_FAILED || b->code == MAP_FAILED || arena_create(&b->arena))
		return false;
	rt_state.arena = (uint64_t)(uintptr_t)b->arena->hdr;
	rt_state.threads = (uint64_t)(uintptr_t)threads;
	rt_state.tls_off = rt_tls_offset();
	engine_env_native(b->arena, &b->env);
	b->env.guard_slow = (uint64_t)(uintptr_t)rt_guard_slow;
	b->env.first = (uint64_t)(uintptr_t)rt_first;
	b->env.tls_off = rt_state.tls_off;
	return true;
}

static uint64_t before(unsigned r)
{
	return 0x1122334455667700ull + r;
}

/* What stands around a body: ctx copied into the frame, registers known before and kept after. */
static void emit_around(struct x86_asm *a, const struct tramp_body *body)
{
	struct tramp_env t = { .ctx = CTX_OFF, .scratch = SCRATCH_OFF };

	t.entry = x86_label_new(a);
	t.skip = x86_label_new(a);
	for (unsigned c = 0; body->emit_cold && c < BODY_COLD; c++)
		t.cold[c] = x86_label_new(a);
	x86_push(a, RBP);
	x86_mov_rr(a, RBP, RSP);
	x86_alu_ri(a, X86_SUB, X86_Q, RSP, FRAME_BYTES);
	for (int k = -2; k <= BODYRUN_SLOTS; k++) {
		x86_load(a, X86_Q, RAX, X86_MEM(RDI, 8 * k));
		x86_store(a, X86_Q, X86_MEM(RBP, CTX_OFF + 8 * k), RAX);
	}
	for (unsigned r = RAX; r <= R11; r++) {
		if (X86_CALLER_SAVED & X86_REG(r))
			x86_mov_ri(a, (enum x86_gpr)r, before(r));
	}
	body->emit(a, &t, body->self);
	x86_bind(a, t.skip);
	for (unsigned r = RAX; r <= R15; r++)
		x86_store(a, X86_Q, X86_MEM(RBP, AFTER_OFF + 8 * (int32_t)r), (enum x86_gpr)r);
	x86_mov_ri(a, RCX, (uint64_t)(uintptr_t)after);
	for (int r = R15; r >= RAX; r--) {
		x86_load(a, X86_Q, RAX, X86_MEM(RBP, AFTER_OFF + 8 * r));
		x86_store(a, X86_Q, X86_MEM(RCX, 8 * r), RAX);
	}
	x86_leave(a);
	x86_ret(a);
	if (body->emit_cold)
		body->emit_cold(a, &t, body->self);
	if (body->emit_rest)
		body->emit_rest(a, &t, body->self);
}

static bool registers_kept(const struct tramp_body *body)
{
	for (unsigned r = RAX; r <= R11; r++) {
		if (X86_CALLER_SAVED & (x86_regset)~body->facts.clobbers & X86_REG(r) &&
		    after[r] != before(r)) {
			fprintf(stderr, "body: register %u is changed, and not said so\n", r);
			return false;
		}
	}
	return true;
}

bool bodyrun(struct bodyrun *b, struct program *p, const uint64_t words[BODYRUN_WORDS],
	     uint64_t *r0, bool *in_line)
{
	const struct tramp_body *body;
	struct engine_body *eb;
	struct x86_asm a;
	bool ok;
	int err = engine_body_new(p, &b->env, &eb);

	if (err) {
		fprintf(stderr, "body: engine_body_new: %d\n", err);
		return false;
	}
	body = engine_body(eb);
	*in_line = !body->emit_rest;
	x86_asm_init(&a, b->code, NULL, CODE_BYTES, (uint64_t)(uintptr_t)b->code);
	emit_around(&a, body);
	err = x86_asm_finish(&a);
	ok = err >= 0;
	if (ok) {
		*r0 = ((body_fn)(uintptr_t)b->code)(words + 2);
		ok = registers_kept(body);
	} else {
		fprintf(stderr, "body: x86_asm_finish: %d\n", err);
	}
	engine_body_free(eb);
	return ok;
}
