/*
 * gen/trace_chain.c - sections for what objects keep elsewhere: their addresses and lengths stand
 * in the record already, in slots or in the bytes of an earlier section.
 *
 *	std::string by value    slot -> object's bytes -> characters
 *	std::string_view        slots -> characters
 *	const std::string &     slot -> object's bytes -> characters
 *
 * The programs believe nothing of it: what is read is bounded by the section, a fault is its
 * status.  Strings and vectors inside other objects are followed, too, the first MAX_CHAINS of an
 * argument; not those in unions (which member counts?) and arrays.
 */
#include "gen/regs.h"
#include "gen/trace_priv.h"
#include "gen/value_std.h"

#include <errno.h>
#include <string.h>

#define MAX_NESTED   4
#define MAX_MEMBERS  64
#define MAX_ELEMENTS 32  /* of a vector */
#define MAX_CONTENTS 256 /* bytes of them */

/* -- plans ----------------------------------------------------------------------------------- */

struct chains {
	struct rec_plan *p;
	const struct gen_trace_opts *o;
	int arg;
	uint32_t guard;
	unsigned n;
};

static int add(struct chains *c, const struct rec_chain *chain, uint32_t want, uint16_t *off)
{
	struct rec_section s = { .arg = (int16_t)c->arg, .kind = SEC_CHAIN, .chain = *chain };
	uint32_t cap = plan_room(c->p, want);
	const struct rec_section *added;

	if (!cap)
		return 0;
	s.cap = (uint16_t)cap;
	added = plan_add(c->p, &s, 8 + ALIGN_UP(cap, 8u));
	if (!added)
		return -ENOMEM;
	*off = added->off;
	return 0;
}

/* The length of a copy-on-write string stands before its characters: one more section leads there. */
static int add_cow(struct chains *c, struct rec_chain *chain)
{
	struct rec_chain lead = *chain;
	uint16_t off = 0;
	int err;

	lead.type = NULL;
	lead.shift = -STD_COW_HEAD;
	err = add(c, &lead, STD_COW_HEAD, &off);
	if (err || !off)
		return err;
	chain->guard = off;
	chain->len = (uint16_t)(off + 8);
	return add(c, chain, c->o->strings, &off);
}

static int add_object(struct chains *c, const struct ty *t, const struct std_class *k, uint32_t at)
{
	struct rec_chain chain = { .guard = (uint16_t)c->guard,
				   .addr = (uint16_t)(at + k->ptr),
				   .len = (uint16_t)(at + k->len),
				   .len_is_end = k->kind == STD_VECTOR,
				   .object = (uint16_t)at,
				   .type = t };
	uint32_t size = (uint32_t)k->elem->size, want = c->o->strings;
	uint16_t off = 0;

	if (k->kind == STD_VECTOR && size > MAX_CONTENTS)
		want = MAX_CONTENTS; /* a part of the first */
	else if (k->kind == STD_VECTOR)
		want = (MAX_CONTENTS / size < MAX_ELEMENTS ? MAX_CONTENTS / size : MAX_ELEMENTS) *
		       size;
	if (!want)
		return 0;
	c->n++;
	return k->kind == STD_COW_STRING ? add_cow(c, &chain) : add(c, &chain, want, &off);
}

static int walk(struct chains *c, const struct ty *t, uint32_t at, uint32_t n, unsigned depth)
{
	struct std_class k = std_class_of(t);
	int err = 0;

	if (c->n >= TRACE_MAX_CHAINS || t->kind != TY_STRUCT || depth > MAX_NESTED)
		return 0;
	if (k.kind != STD_NONE)
		return t->size <= n ? add_object(c, t, &k, at) : 0;
	for (uint64_t i = 0; i < t->n && i < MAX_MEMBERS && t->member && !err; i++) {
		const struct ty_member *m = &t->member[i];

		if (m->type && !m->bits && m->offset < n)
			err = walk(c, ty_strip(m->type), at + (uint32_t)m->offset,
				   n - (uint32_t)m->offset, depth + 1);
	}
	return err;
}

int plan_chains(struct rec_plan *p, int arg, const struct ty *t, uint32_t object, uint32_t n,
		uint32_t guard, const struct gen_trace_opts *o)
{
	struct chains c = { .p = p, .o = o, .arg = arg, .guard = guard };

	return walk(&c, t, object, n, 0);
}

/* -- programs -------------------------------------------------------------------------------- */

/* r2: how many bytes to read from r3, at most cap. */
static void put_length(struct gen_writer *w, const struct rec_section *s)
{
	unsigned fits;

	if (!s->chain.len) {
		gen_put_set(w, R2, s->cap);
		return;
	}
	gen_put_load(w, R2, R7, s->chain.len);
	if (s->chain.len_is_end)
		gen_put(w, BPF_ALU64 | BPF_SUB | BPF_X, R2, R3, 0, 0);
	fits = gen_put_jump(w, BPF_JLE, R2, s->cap);
	gen_put_set(w, R2, s->cap);
	gen_jump_here(w, fits);
}

void put_chain(struct gen_writer *w, const struct rec_section *s)
{
	unsigned unread = 0, empty;

	if (s->chain.guard) {
		gen_put_load(w, R0, R7, s->chain.guard);
		unread = gen_put_jump(w, BPF_JNE, R0, 0);
	}
	gen_put_load(w, R3, R7, s->chain.addr);
	put_length(w, s);
	gen_put_set(w, R0, 0);
	empty = gen_put_jump(w, BPF_JEQ, R2, 0);
	if (s->chain.shift)
		gen_put_add(w, R3, s->chain.shift);
	gen_put_mov(w, R1, R7);
	gen_put_add(w, R1, s->off + 8);
	gen_put_call(w, BPF_FUNC_probe_read_user);
	gen_jump_here(w, empty);
	if (s->chain.guard)
		gen_jump_here(w, unread);
	gen_put_store(w, R7, s->off, R0);
}

/* -- records --------------------------------------------------------------------------------- */

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static struct value_far far_at(const uint8_t *rec, const struct rec_section *s)
{
	const struct rec_chain *c = &s->chain;
	struct value_far f = { .object = rec + c->object, .type = c->type };

	f.lead = !c->guard || !word(rec + c->guard);
	f.read = !word(rec + s->off);
	f.len = word(rec + c->len) - (c->len_is_end ? word(rec + c->addr) : 0);
	f.bytes = rec + s->off + 8;
	f.n = f.len < s->cap ? (size_t)f.len : s->cap;
	return f;
}

unsigned chains_get(const struct rec_plan *p, const uint8_t *rec, int arg, struct value_far *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->nsections && n < TRACE_MAX_CHAINS; i++) {
		const struct rec_section *s = &p->section[i];

		if (s->arg == arg && s->kind == SEC_CHAIN && s->chain.type)
			out[n++] = far_at(rec, s);
	}
	return n;
}
