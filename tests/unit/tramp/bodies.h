/*
 * bodies.h - the programs of emit_test.c: they note what they see, and change what they may.
 */
#ifndef TRAMP_BODIES_H
#define TRAMP_BODIES_H

#include "tramp/tramp.h"

#include <stddef.h>

#define GARBAGE 0xbad0bad1bad2bad3ull

struct body_log {
	uint64_t order, rsp, count, ip, slot[BODY_MAX_SLOTS + 2];
};

struct body {
	unsigned nread;
	uint16_t read[16];
	bool count, ip, outline, skip, override, scratch;
	bool any_stack, no_frame; /* as its facts say */
	bool direct;              /* reads slots where they are, if there is a place */
	uint32_t room;
	x86_regset clobbers;
	enum x86_gpr ptr; /* one of clobbers */
	uint64_t r0, value;
	unsigned result_slot;
	struct body_log *log;
};

static uint64_t sequence;
static uint32_t rest_at;  /* where the first of them is written out of line */
static unsigned homes[2]; /* slots read where they are: in memory, in registers */

/* rax = the slot, from its home or from ctx. */
static void emit_slot(struct x86_asm *a, const struct tramp_env *env, const struct body *b,
		      unsigned slot)
{
	const struct body_home *h = env->home ? &env->home[slot < BODY_MAX_SLOTS ? slot : 0] : NULL;

	if (!h || !b->direct || slot >= BODY_MAX_SLOTS || !h->bytes) {
		x86_load(a, X86_Q, RAX, X86_MEM(RBP, env->ctx + 8 * (int32_t)slot));
		return;
	}
	homes[h->in_reg]++;
	if (h->in_reg && h->bytes == 8)
		x86_mov_rr(a, RAX, h->reg);
	else if (h->in_reg && h->is_signed)
		x86_movsx_rr(a, X86_D, true, RAX, h->reg);
	else if (h->in_reg)
		x86_mov_rr32(a, RAX, h->reg);
	else if (h->bytes == 4 && h->is_signed)
		x86_load_sx(a, X86_D, RAX, h->mem);
	else
		x86_load(a, h->bytes == 8 ? X86_Q : X86_D, RAX, h->mem);
}

static void emit_reads(struct x86_asm *a, const struct tramp_env *env, const struct body *b)
{
	for (unsigned i = 0; i < b->nread; i++) {
		emit_slot(a, env, b, b->read[i]);
		x86_store(a, X86_Q,
			  X86_MEM(b->ptr,
				  (int32_t)offsetof(struct body_log, slot) + 8 * b->read[i]),
			  RAX);
	}
}

/* Reads ctx, and writes where it may: below rsp, into its scratch word, the override word. */
static void emit_in_frame(struct x86_asm *a, const struct tramp_env *env, const struct body *b)
{
	enum x86_gpr ptr = b->ptr;

	if (b->count) {
		x86_load(a, X86_Q, RAX, X86_MEM(RBP, env->ctx - 8));
		x86_store(a, X86_Q, X86_MEM(ptr, offsetof(struct body_log, count)), RAX);
	}
	if (b->ip) {
		x86_load(a, X86_Q, RAX, X86_MEM(RBP, env->ctx - 16));
		x86_store(a, X86_Q, X86_MEM(ptr, offsetof(struct body_log, ip)), RAX);
	}
	for (int32_t off = 8; off <= 512; off += 8)
		x86_store_i(a, X86_Q, X86_MEM(RSP, -off), -1);
	if (b->scratch)
		x86_store_i(a, X86_Q, X86_MEM(RBP, env->scratch), -1);
	for (uint32_t off = 0; off < b->room; off += 8)
		x86_store_i(a, X86_Q, X86_MEM(RBP, env->room + (int32_t)off), -1);
	if (b->override) {
		x86_store_i(a, X86_Q, X86_MEM(RBP, env->ctx - 24), 1);
		x86_mov_ri(a, RAX, b->value);
		x86_store(a, X86_Q, X86_MEM(RBP, env->ctx + 8 * (int32_t)b->result_slot), RAX);
	}
}

static void emit_work(struct x86_asm *a, const struct tramp_env *env, const struct body *b)
{
	enum x86_gpr ptr = b->ptr;

	x86_mov_ri64(a, ptr, (uint64_t)&sequence);
	x86_inc_m(a, X86_Q, X86_MEM(ptr, 0));
	x86_load(a, X86_Q, RAX, X86_MEM(ptr, 0));
	x86_mov_ri64(a, ptr, (uint64_t)b->log);
	x86_store(a, X86_Q, X86_MEM(ptr, offsetof(struct body_log, order)), RAX);
	x86_store(a, X86_Q, X86_MEM(ptr, offsetof(struct body_log, rsp)), RSP);
	emit_reads(a, env, b);
	if (!b->no_frame)
		emit_in_frame(a, env, b);
	for (unsigned r = 0; r < 16; r++) {
		if (b->clobbers & X86_REG(r))
			x86_mov_ri64(a, (enum x86_gpr)r, GARBAGE);
	}
	x86_mov_ri(a, RAX, b->r0);
}
static void precise_emit(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct body *b = self;

	if (b->outline)
		x86_call(a, env->entry);
	else
		emit_work(a, env, b);
	if (b->skip)
		x86_jmp(a, env->skip);
}

static void precise_rest(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct body *b = self;

	if (!rest_at)
		rest_at = a->len;
	if (!b->outline)
		return;
	x86_bind(a, env->entry);
	emit_work(a, env, b);
	x86_ret(a);
}

static struct tramp_body precise_body(const struct body *b)
{
	struct tramp_body t = { .emit = precise_emit, .emit_rest = precise_rest, .self = b };

	for (unsigned i = 0; i < b->nread; i++)
		t.facts.reads[b->read[i] / 64] |= 1ull << (b->read[i] % 64);
	for (unsigned i = 0; b->direct && i < ARRAY_LEN(t.facts.reads); i++)
		t.facts.direct[i] = t.facts.reads[i];
	t.facts.room = b->room;
	t.facts.clobbers = b->clobbers;
	t.facts.reads_count = b->count;
	t.facts.reads_ip = b->ip;
	t.facts.may_override = b->override;
	t.facts.any_stack = b->any_stack;
	t.facts.uses_scratch = b->scratch;
	t.facts.no_frame = b->no_frame;
	return t;
}

#endif
