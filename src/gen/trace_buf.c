/*
 * gen/trace_buf.c - buffers in records: bytes that a pointer argument points to, as many as
 * another argument, the result or a number says.
 *
 * A buffer's section is three words: status (0 or negative), what length was told (negative
 * ones are 0), and how many bytes of it are here.  The bytes follow behind the record's fixed
 * part, in order, so that a record is no longer than it needs to be.
 *
 * While the program runs, of each buffer the number of bytes and their place in the record
 * wait on its stack.
 */
#include "gen/regs.h"
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_STACK 24 /* above: the key of the slots' map, and a start time */
#define N_AT(i)     (-(FIRST_STACK + 16 * (int)(i)))
#define POS_AT(i)   (-(FIRST_STACK + 8 + 16 * (int)(i)))
#define WANT        8
#define HAVE        16

static bool is_named(const struct trace_func *f, unsigned i, const char *name)
{
	char number[24];

	snprintf(number, sizeof(number), "arg%u", i);
	if (!strcmp(number, name))
		return true;
	return f->proto && f->proto->param[i].name && !strcmp(f->proto->param[i].name, name);
}

static int find_arg(const struct trace_func *f, const char *name)
{
	for (unsigned i = 0; i < f->model->nargs; i++)
		if (is_named(f, i, name))
			return (int)i;
	return -1;
}

/* A length that is the result cannot be known at entry. */
static bool at_exit(const struct gen_trace_buf *b)
{
	return b->len && !strcmp(b->len, "ret");
}

const struct gen_trace_buf *buffer_of(const struct trace_func *f, const struct gen_trace_opts *o,
				      int arg)
{
	for (unsigned i = 0; i < o->nbufs; i++) {
		const struct gen_trace_buf *b = &o->buf[i];

		if (is_named(f, (unsigned)arg, b->arg) &&
		    (!b->len || at_exit(b) || find_arg(f, b->len) >= 0))
			return b;
	}
	return NULL;
}

static bool is_length(const struct trace_func *f, int arg)
{
	const struct ty *t = f->proto ? func_type(f, arg) : NULL;

	return !t || (t->kind == TY_INT && t->size <= 8);
}

/* The section of arg in the record that can have it; -EINVAL types that do not fit. */
static int set_section(const struct trace_func *f, const struct gen_trace_buf *b, int arg,
		       struct rec_section *s, struct diag *d)
{
	const struct fm_value *len = &f->model->ret;
	int of = REC_RESULT;

	if (f->proto && func_type(f, arg)->kind != TY_PTR)
		return diag_set(d, -EINVAL, "%s: argument %s is no pointer to a buffer", f->name,
				b->arg);
	if (f->model->arg[arg].flags & FM_GONE)
		return diag_set(d, -EINVAL, "%s: argument %s was removed by the compiler", f->name,
				b->arg);
	s->kind = SEC_BUFFER;
	s->cap = (uint16_t)(b->n && b->n < GEN_TRACE_MAX_BUF ? b->n : GEN_TRACE_MAX_BUF);
	if (!b->len)
		return 0;
	if (!at_exit(b)) {
		of = find_arg(f, b->len);
		len = &f->model->arg[of];
	} else if (!f->has_exit) {
		return diag_set(d, -ENOTSUP,
				"%s: the length of %s is its result, which is not seen", f->name,
				b->arg);
	}
	if (len->flags & FM_GONE)
		return diag_set(d, -EINVAL, "%s: argument %s was removed by the compiler", f->name,
				b->len);
	if (!is_length(f, of) || !len->nslots)
		return diag_set(d, -EINVAL, "%s: %s is no integer: it cannot be the length of %s",
				f->name, b->len, b->arg);
	s->len_slot = len->slot;
	s->len_size = (uint8_t)len->size;
	s->len_signed = len->flags & FM_SIGNED;
	return 0;
}

int plan_buffer(const struct trace_func *f, const struct gen_trace_opts *o, struct rec_plan *p,
		int arg, struct diag *d)
{
	const struct gen_trace_buf *b = buffer_of(f, o, arg);
	struct rec_section s = { .arg = (int16_t)arg, .slot = f->model->arg[arg].slot };
	int err;

	if (!b || (p == &f->entry && at_exit(b) && f->has_exit) ||
	    (p == &f->exit && f->has_entry && !at_exit(b)))
		return 0;
	err = set_section(f, b, arg, &s, d);
	if (err)
		return err;
	return plan_add(p, &s, 24) ? 0 : -ENOMEM;
}

/* -- programs ------------------------------------------------------------------------------ */

/* r1: how many bytes are wanted; 0 for NULL and negative lengths. */
static void put_want(struct gen_writer *w, const struct rec_section *s)
{
	unsigned null, plus;

	gen_put_load(w, R2, R6, 8u * s->slot);
	gen_put_set(w, R1, 0);
	null = gen_put_jump(w, BPF_JEQ, R2, 0);
	if (!s->len_size) {
		gen_put_set(w, R1, s->cap);
	} else {
		gen_put_load(w, R1, R6, 8u * s->len_slot);
		plus = gen_put_jump(w, s->len_signed ? BPF_JSGE : BPF_JGE, R1, 0);
		gen_put_set(w, R1, 0);
		gen_jump_here(w, plus);
	}
	gen_jump_here(w, null);
}

void put_buffer_sizes(struct gen_writer *w, const struct rec_plan *p)
{
	unsigned at = 0, fits;

	gen_put_set(w, R3, p->size);
	for (unsigned i = 0; i < p->nsections; i++) {
		const struct rec_section *s = &p->section[i];

		if (s->kind != SEC_BUFFER)
			continue;
		put_want(w, s);
		fits = gen_put_jump(w, BPF_JLE, R1, s->cap);
		gen_put_set(w, R1, s->cap);
		gen_jump_here(w, fits);
		gen_put(w, BPF_STX | BPF_MEM | BPF_DW, R10, R1, N_AT(at), 0);
		gen_put(w, BPF_STX | BPF_MEM | BPF_DW, R10, R3, POS_AT(at), 0);
		gen_put_add(w, R1, 7);
		gen_put(w, BPF_ALU64 | BPF_AND | BPF_K, R1, 0, 0, -8);
		gen_put(w, BPF_ALU64 | BPF_ADD | BPF_X, R3, R1, 0, 0);
		at++;
	}
	gen_put_mov(w, R2, R3);
}

void put_buffers(struct gen_writer *w, const struct rec_plan *p)
{
	unsigned at = 0, none;

	for (unsigned i = 0; i < p->nsections; i++) {
		const struct rec_section *s = &p->section[i];

		if (s->kind != SEC_BUFFER)
			continue;
		put_want(w, s);
		gen_put_store(w, R7, s->off + WANT, R1);
		gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, R2, R10, N_AT(at), 0);
		gen_put_store(w, R7, s->off + HAVE, R2);
		gen_put_set(w, R0, 0);
		none = gen_put_jump(w, BPF_JEQ, R2, 0);
		gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, R1, R10, POS_AT(at), 0);
		gen_put(w, BPF_ALU64 | BPF_ADD | BPF_X, R1, R7, 0, 0);
		gen_put_load(w, R3, R6, 8u * s->slot);
		gen_put_call(w, BPF_FUNC_probe_read_user);
		gen_jump_here(w, none);
		gen_put_store(w, R7, s->off, R0);
		at++;
	}
}

/* -- records --------------------------------------------------------------------------------- */

static uint64_t word(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

int buffers_check(const struct rec_plan *p, const uint8_t *rec, size_t n)
{
	size_t want = p->size;

	if (n < want)
		return -EBADMSG;
	for (unsigned i = 0; i < p->nsections; i++) {
		const struct rec_section *s = &p->section[i];
		uint64_t have = s->kind == SEC_BUFFER ? word(rec + s->off + HAVE) : 0;

		if (have > s->cap)
			return -EBADMSG;
		want += ALIGN_UP((size_t)have, 8u);
	}
	return n == want ? 0 : -EBADMSG;
}

void buffer_get(const struct rec_plan *p, const uint8_t *rec, const struct rec_section *s,
		struct rec_buffer *out)
{
	size_t at = p->size;

	for (const struct rec_section *x = p->section; x < s; x++)
		at += x->kind == SEC_BUFFER ? ALIGN_UP((size_t)word(rec + x->off + HAVE), 8u) : 0;
	out->bytes = rec + at;
	out->n = (size_t)word(rec + s->off + HAVE);
	out->want = s->len_size ? word(rec + s->off + WANT) : out->n;
	out->read = !word(rec + s->off);
}
