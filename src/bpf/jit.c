/*
 * bpf/jit.c - see jit.h and engine.h: frames, calls, the body of an attachment.
 */
#include "bpf/jit.h"

#include "bpf/check.h"
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "bpf/kfunc.h"
#include "rt/rt.h"
#include "shm/layout.h"
#include "x86/frame.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Callee-saved registers of R6-R9, their fixed slots and frame states. */
static const struct {
	enum x86_gpr reg;
	int32_t off;
	uint8_t state;
} keep[4] = {
	{ RBX, FRAME_OFF_RBX, FRAME_RBX },
	{ R12, FRAME_OFF_R12, FRAME_R12 },
	{ R13, FRAME_OFF_R13, FRAME_R13 },
	{ R14, FRAME_OFF_R14, FRAME_R14 },
};

size_t engine_frame_name(int32_t off, char *out, size_t cap)
{
	static const char *const kept[] = { "rbx", "r12", "r13", "r14" };
	int n = 0;

	if (cap)
		out[0] = '\0';
	for (unsigned k = 0; k < ARRAY_LEN(keep); k++) {
		if (off == keep[k].off)
			n = snprintf(out, cap, "saved %s", kept[k]);
	}
	if (off < -FRAME_FIXED)
		n = snprintf(out, cap, "r10 - %d", -FRAME_FIXED - off);
	else if (off == -FRAME_FIXED)
		n = snprintf(out, cap, "r10");
	return n > 0 && cap ? ((size_t)n < cap ? (size_t)n : cap - 1) : 0;
}

/* -- calls --------------------------------------------------------------------------- */

#define BLOCK_AT(base, field) X86_MEM((base), (int32_t)offsetof(struct rt_thread, field))

/* Of a session, ctx[-1] has it all: tramp/tramp.h.  r1 is rdi. */
static void jit_kfunc(struct jit *j, uint32_t id)
{
	struct x86_asm *a = j->a;

	switch (id) {
	case KFUNC_SESSION_IS_RETURN: /* bit 63 */
		x86_load(a, X86_Q, RAX, X86_MEM(RDI, -8));
		x86_shift_ri(a, X86_SHR, X86_Q, RAX, 63);
		break;
	case KFUNC_SESSION_COOKIE: /* ctx - 8 * bits 8-15 */
		x86_load(a, X86_B, RAX, X86_MEM(RDI, -7));
		x86_neg(a, X86_Q, RAX);
		x86_lea(a, RAX, X86_MEM_IX(RDI, RAX, 8, 0));
		break;
	case KFUNC_SET_ERRNO:
		if (j->env->errno_off)
			x86_store_fs32(a, j->env->errno_off, RDI);
		x86_mov_ri(a, RAX, j->env->errno_off ? 0 : (uint64_t)-EOPNOTSUPP);
		break;
	case KFUNC_SET_RESULT:
		x86_call_to(a, j->env->set_result, R11);
		break;
	case KFUNC_RDONLY_CAST:
		x86_mov_rr(a, RAX, RDI);
		break;
	default:
		jit_iter_num(a, id);
	}
}

void jit_call(struct jit *j, const struct bpf_insn *i)
{
	uint32_t id = (uint32_t)i->imm;

	if (i->src_reg == CALL_LOCAL)
		x86_call(j->a, j->sub[program_sub_at(j->p, (uint32_t)insn_target(i, j->at))]);
	else if (i->src_reg == CALL_KFUNC)
		jit_kfunc(j, id);
	else if (id == BPF_FUNC_tail_call)
		jit_tail_call(j);
	else
		jit_helper(j, id);
}

/* -- frames -------------------------------------------------------------------------- */

static void survey(struct jit *j)
{
	const struct program_subprog *s = &j->p->sub[j->cur];

	j->frame = false;
	j->saved = 0;
	for (uint32_t n = s->start; n < s->end; n++) {
		const struct bpf_insn *i = &j->p->insn[n];
		int w = insn_writes(i);

		if (w >= BPF_REG_6 && w < INSN_FP)
			j->saved |= X86_REG(keep[w - BPF_REG_6].reg);
		j->frame |= i->dst_reg == INSN_FP || i->src_reg == INSN_FP || insn_is_call(i);
		if (insn_is_lddw(i))
			n++;
	}
	j->frame |= j->saved != 0 || s->may_goto;
}

static void prologue(struct jit *j)
{
	uint32_t room = FRAME_FIXED + ALIGN_UP(j->p->sub[j->cur].stack, 16u);
	struct x86_asm *a = j->a;

	if (j->in_line)
		return;
	x86_frame(a, FRAME_CFA(0));
	if (!j->frame)
		return;
	x86_push(a, RBP);
	x86_frame(a, FRAME_CFA_RBP(1));
	x86_mov_rr(a, RBP, RSP);
	x86_frame(a, FRAME_RBP);
	x86_alu_ri(a, X86_SUB, X86_Q, RSP, (int32_t)room);
	for (unsigned k = 0; k < ARRAY_LEN(keep); k++) {
		if (!(j->saved & X86_REG(keep[k].reg)))
			continue;
		x86_store(a, X86_Q, X86_MEM(RBP, keep[k].off), keep[k].reg);
		x86_frame(a, a->frame_state | keep[k].state);
	}
	if (j->p->sub[j->cur].may_goto)
		x86_store_i(a, X86_D, X86_MEM(RBP, JIT_BUDGET), INSN_MAX_LOOPS);
}

/* The slots stay valid to the end, so the states need not shrink while registers return. */
void jit_leave(struct jit *j)
{
	struct x86_asm *a = j->a;

	for (unsigned k = 0; j->frame && k < ARRAY_LEN(keep); k++)
		if (j->saved & X86_REG(keep[k].reg))
			x86_load(a, X86_Q, keep[k].reg, X86_MEM(RBP, keep[k].off));
	if (j->frame) {
		x86_leave(a);
		x86_frame(a, FRAME_CFA(0));
	}
}

void jit_exit(struct jit *j)
{
	struct x86_asm *a = j->a;
	uint8_t state = a->frame_state;

	if (j->in_line) {
		if (j->at + 1 < j->p->ninsns)
			x86_jmp(a, j->end);
		return;
	}
	jit_leave(j);
	x86_ret(a);
	x86_frame(a, state);
}

static void emit_sub(struct jit *j)
{
	const struct program_subprog *s = &j->p->sub[j->cur];

	survey(j);
	j->fp = j->in_line ? j->tramp->room + (int32_t)s->stack : -FRAME_FIXED;
	x86_bind(j->a, j->sub[j->cur]);
	prologue(j);
	j->r1_map = -1;
	for (j->at = s->start; j->at < s->end; j->at++) {
		const struct bpf_insn *i = &j->p->insn[j->at];

		if (j->target[j->at] != JIT_NO_LABEL) {
			x86_bind(j->a, j->target[j->at]);
			j->r1_map = -1;
		}
		if (j->in_line && jit_inline_drops(j->p, j->at, j->homed)) {
			j->at += insn_is_lddw(i);
		} else if (j->in_line && jit_inline_fuses(j->p, j->at)) {
			jit_fused(j);
			j->at += 2;
		} else {
			jit_insn(j);
		}
		if (insn_is_lddw(i) && i->src_reg == LDDW_MAP && i->dst_reg == BPF_REG_1)
			j->r1_map = i->imm;
		else if (insn_is_call(i) || insn_writes(i) == BPF_REG_1)
			j->r1_map = -1;
	}
}

/* All functions of the program, the first bound at entry. */
static void emit_program(struct jit *j, x86_label entry)
{
	const struct program *p = j->p;
	uint8_t state = j->a->frame_state;

	j->sub = calloc(p->nsub, sizeof(*j->sub));
	j->target = calloc(p->ninsns, sizeof(*j->target));
	if (!j->sub || !j->target) {
		x86_fail(j->a, -ENOMEM);
	} else {
		for (uint32_t s = 0; s < p->nsub; s++)
			j->sub[s] = s ? x86_label_new(j->a) : entry;
		if (p->tails && !j->tailed) {
			j->sub[0] = x86_label_new(j->a);
			x86_bind(j->a, entry);
			jit_tail_stub(j, j->sub[0]);
		}
		for (uint32_t i = 0; i < p->ninsns; i++)
			j->target[i] = JIT_NO_LABEL;
		for (uint32_t i = 0; i < p->ninsns; i++) {
			int64_t to = insn_target(&p->insn[i], i);

			if (insn_is_lddw(&p->insn[i]))
				i++;
			else if (insn_is_branch(&p->insn[i]) && !insn_is_nop(&p->insn[i]) &&
				 j->target[to] == JIT_NO_LABEL)
				j->target[to] = x86_label_new(j->a);
		}
		for (j->cur = 0; j->cur < p->nsub && !j->a->err; j->cur++)
			emit_sub(j);
	}
	free(j->sub);
	free(j->target);
	x86_frame(j->a, state);
}

void engine_jit_function(const struct program *p, const struct engine_env *env, struct x86_asm *a)
{
	struct jit j = { .a = a, .p = p, .env = env };

	emit_program(&j, x86_label_new(a));
}

void engine_jit_tail(const struct program *p, const struct engine_env *env, struct x86_asm *a)
{
	struct jit j = { .a = a, .p = p, .env = env, .tailed = true };

	if (env->interp) {
		interp_emit_image(p, env, a);
		return;
	}
	emit_program(&j, x86_label_new(a));
}

/* -- the body of an attachment ----------------------------------------------------------- */

struct engine_body {
	struct tramp_body body;
	struct program *p;
	struct engine_env env;
	bool one_step; /* needs neither guard nor thread block */
};

#define BLOCK(field) BLOCK_AT(RAX, field)

/* tramp_env.cold[]: where a call site jumps out, and where it comes back. */
enum { COLD_FIRST, COLD_SLOW, COLD_CHECK, COLD_DONE };

static bool is_timed(const struct engine_body *b)
{
	return b->env.run_end && b->env.guard_slow && b->p->runs;
}

/* Only with a guard: the kernel's layout calls every program. */
static bool goes_in_line(const struct engine_body *b)
{
	return b->env.guard_slow && !b->env.interp && jit_may_inline(b->p) && !is_timed(b) &&
	       !jit_calls_to_load(b->p, &b->env);
}

/*
 * With the clock before and behind.
 *
 *   [rbp + room]      when it began
 *   [rbp + room + 8]  its result
 */
#define TIMED_ROOM 16

static void run_timed(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	x86_call_to(a, b->env.helper[BPF_FUNC_ktime_get_ns], R11);
	x86_store(a, X86_Q, X86_MEM(RBP, t->room), RAX);
	x86_lea(a, RDI, X86_MEM(RBP, t->ctx));
	x86_call(a, t->entry);
	x86_store(a, X86_Q, X86_MEM(RBP, t->room + 8), RAX);
	x86_mov_ri(a, RDI, b->env.arena + b->p->runs);
	x86_load(a, X86_Q, RSI, X86_MEM(RBP, t->room));
	x86_call_to(a, b->env.run_end, R11);
	x86_load(a, X86_Q, RAX, X86_MEM(RBP, t->room + 8));
}

static void run(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	struct jit j = {
		.a = a, .p = b->p, .env = &b->env, .cookie = t->cookie, .tramp = t, .in_line = true
	};
	bool in_line = goes_in_line(b);

	if (is_timed(b)) {
		run_timed(b, a, t);
		return;
	}
	jit_find_homes(&j);
	if (!in_line || jit_inline_wants_ctx(b->p, j.homed))
		x86_lea(a, RDI, X86_MEM(RBP, t->ctx));
	if (!in_line) {
		x86_call(a, t->entry);
		return;
	}
	j.end = x86_label_new(a);
	emit_program(&j, x86_label_new(a));
	x86_bind(a, j.end);
}

/*
 * Recursion guard: the program is not run while it runs on this thread already.  The
 * usual case, nothing runs, is in line.  What depth goes back to is known there, 0, else
 * kept in the frame; it is stored, not counted down: programs that siglongjmp() left behind
 * above us, or a block wiped by fork() in a signal handler, then leave no trace.
 *
 * Until depth is 1 a handler's program uses running[0] itself, and from then on it judges
 * what is there: so we write it before and once more behind.
 *
 *   [rbp + scratch]  cold way only: depth to restore
 */
static void guard_claim(const struct engine_body *b, struct x86_asm *a)
{
	x86_store_i(a, X86_Q, BLOCK(running[0].prog), (int32_t)b->p->id);
	x86_store(a, X86_Q, BLOCK(running[0].frame), RBP);
}

static void guarded(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	x86_load_fs(a, RAX, b->env.tls_off);
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, t->cold[COLD_FIRST]);
	x86_bind(a, t->cold[COLD_CHECK]);
	x86_alu_mi(a, X86_CMP, X86_D, BLOCK(magic), RT_THREAD_MAGIC);
	x86_jcc(a, X86_NE, t->cold[COLD_SLOW]);
	x86_alu_mi(a, X86_CMP, X86_D, BLOCK(depth), 0);
	x86_jcc(a, X86_NE, t->cold[COLD_SLOW]);
	guard_claim(b, a);
	x86_store_i(a, X86_D, BLOCK(depth), 1);
	guard_claim(b, a);
	run(b, a, t);
	x86_load_fs(a, RDI, b->env.tls_off);
	x86_store_i(a, X86_D, BLOCK_AT(RDI, depth), 0);
	x86_bind(a, t->cold[COLD_DONE]);
}

/* The thread's first hit: a block, or no program. */
static void cold_first(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	x86_bind(a, t->cold[COLD_FIRST]);
	x86_call_to(a, b->env.first, RAX);
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, t->skip);
	x86_jmp(a, t->cold[COLD_CHECK]);
}

static void guarded_cold(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	struct x86_mem depth = X86_MEM(RBP, t->scratch);

	x86_bind(a, t->cold[COLD_SLOW]);
	x86_push_i(a, (int32_t)b->p->id);
	x86_mov_ri(a, RAX, b->env.arena + b->p->stats);
	x86_call_to(a, b->env.guard_slow, RDI);
	x86_lea(a, RSP, X86_MEM(RSP, 8));
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, t->skip);
	x86_load_fs(a, RAX, b->env.tls_off);
	x86_load(a, X86_D, RAX, BLOCK(depth));
	x86_alu_ri(a, X86_SUB, X86_D, RAX, 1);
	x86_store(a, X86_D, depth, RAX);
	run(b, a, t);
	x86_load_fs(a, RDI, b->env.tls_off);
	x86_push(a, RAX);
	x86_load(a, X86_D, RAX, depth);
	x86_store(a, X86_D, BLOCK_AT(RDI, depth), RAX);
	x86_pop(a, RAX);
	x86_jmp(a, t->cold[COLD_DONE]);
}

/* A program that may run inside itself needs the thread's block all the same. */
static void unguarded(const struct engine_body *b, struct x86_asm *a, const struct tramp_env *t)
{
	x86_load_fs(a, RAX, b->env.tls_off);
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, t->cold[COLD_FIRST]);
	x86_alu_mi(a, X86_CMP, X86_D, BLOCK(magic), RT_THREAD_MAGIC);
	x86_jcc(a, X86_NE, t->cold[COLD_FIRST]);
	x86_bind(a, t->cold[COLD_CHECK]);
	run(b, a, t);
}

static void body_emit(struct x86_asm *a, const struct tramp_env *t, const void *self)
{
	const struct engine_body *b = self;

	if (!b->env.guard_slow || b->one_step)
		run(b, a, t);
	else if (b->p->facts.may_reenter)
		guarded(b, a, t);
	else
		unguarded(b, a, t);
}

static void body_emit_cold(struct x86_asm *a, const struct tramp_env *t, const void *self)
{
	const struct engine_body *b = self;

	cold_first(b, a, t);
	if (b->p->facts.may_reenter)
		guarded_cold(b, a, t);
}

static void body_emit_rest(struct x86_asm *a, const struct tramp_env *t, const void *self)
{
	const struct engine_body *b = self;
	struct jit j = { .a = a, .p = b->p, .env = &b->env, .cookie = t->cookie, .tramp = t };

	jit_find_homes(&j);
	emit_program(&j, t->entry);
}

static void body_emit_interp(struct x86_asm *a, const struct tramp_env *t, const void *self)
{
	const struct engine_body *b = self;

	interp_emit(b->p, &b->env, t, a);
}

static void make_interp(struct engine_body *b)
{
	b->body.emit_rest = body_emit_interp;
	b->body.data = (uint32_t)interp_image_size(b->p);
	b->body.facts.clobbers = X86_CALLER_SAVED;
	b->body.facts.stack_bytes = interp_stack_bytes(b->p);
	memset(b->body.facts.direct, 0, sizeof(b->body.facts.direct)); /* it reads ctx */
}

int engine_tail_check(const struct program *p, const struct engine_env *env)
{
	for (uint32_t id = 0; id < HELPER_MAX; id++) {
		const struct helper *h;

		if (!(p->facts.helpers[id / 64] & 1ull << id % 64) || env->helper[id])
			continue;
		h = helper_by_id(id);
		if (!h || h->symbol)
			return -ENOTSUP;
	}
	return (p->facts.sets_result && !env->set_result) || (p->tails && !env->tails) ? -ENOTSUP :
											 0;
}

int engine_body_new(struct program *p, const struct engine_env *env, struct engine_body **out)
{
	struct engine_body *b;

	if (env->guard_slow && !p->stats) /* the guard counts misses there */
		return -EINVAL;
	if (engine_tail_check(p, env))
		return -ENOTSUP;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->p = program_get(p);
	b->env = *env;
	b->body.facts = p->facts;
	b->body.emit = body_emit;
	b->body.emit_rest = goes_in_line(b) ? NULL : body_emit_rest;
	b->body.self = b;
	if (env->guard_slow) {
		bool counted = p->facts.clobbers == X86_CALLER_SAVED;

		b->one_step = goes_in_line(b) && jit_inline_one_step(p);
		b->body.emit_cold = b->one_step ? NULL : body_emit_cold;
		if (goes_in_line(b)) { /* what is cold takes care of the stack itself */
			b->body.facts.any_stack = !jit_inline_calls(p, env);
			b->body.facts.clobbers = jit_inline_clobbers(p, env);
			b->body.facts.room = p->sub[0].stack;
		}
		b->body.facts.no_frame = b->one_step && !b->body.facts.room &&
					 !jit_inline_wants_ctx(p, p->facts.direct);
		if (is_timed(b)) {
			b->body.facts.room = TIMED_ROOM;
			b->body.facts.clobbers |= X86_CALLER_SAVED;
		}
		if (jit_calls_to_load(p, env) && !counted) {
			b->body.facts.clobbers |= X86_CALLER_SAVED;
			b->body.facts.stack_bytes += FACTS_HELPER_STACK;
			counted = true;
		}
		if (!b->one_step)
			b->body.facts.clobbers |= X86_REG(RAX) | X86_REG(RDI);
		b->body.facts.uses_scratch = p->facts.may_reenter;
		b->body.facts.stack_bytes += counted ? 0 : FACTS_HELPER_STACK;
	}
	if (env->interp)
		make_interp(b);
	*out = b;
	return 0;
}

void engine_body_free(struct engine_body *b)
{
	if (!b)
		return;
	program_put(b->p);
	free(b);
}

const struct tramp_body *engine_body(const struct engine_body *b)
{
	return &b->body;
}

/* psABI 3.4.6, TLS variant II: the word at fs:0 holds its own address. */
static uintptr_t thread_pointer(void)
{
	uintptr_t tp;

	__asm__("movq %%fs:0, %0" : "=r"(tp));
	return tp;
}

void engine_env_native(const struct arena *arena, struct engine_env *out)
{
	const struct helper *h;
	unsigned n;

	*out = (struct engine_env){ .arena = (uint64_t)(uintptr_t)(arena ? arena->hdr : NULL),
				    .set_result = (uint64_t)(uintptr_t)rt_set_result,
				    .tails = (uint64_t)(uintptr_t)rt_tails,
				    .hash_lookup = (uint64_t)(uintptr_t)rt_hash_lookup,
				    .hash_update = (uint64_t)(uintptr_t)rt_map_hash_update,
				    .hash_delete = (uint64_t)(uintptr_t)rt_map_hash_delete,
				    .errno_off = (int32_t)((uintptr_t)&errno - thread_pointer()) };
	h = helper_table(&n);
	for (unsigned i = 0; i < n; i++)
		out->helper[h[i].id] = h[i].native;
	out->helper[HELPER_FORMAT_ARGS] = helper_by_id(HELPER_FORMAT_ARGS)->native;
}
