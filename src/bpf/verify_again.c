/*
 * bpf/verify_again.c - what a program was told of its context when it was verified; see verify.h.
 *
 * Ranges of numbers decide what is in bounds, so they must be true wherever the program runs: at other
 * functions than those that it was loaded for, and behind a tail call of another program.
 */
#include "bpf/verify.h"

#include <errno.h>
#include <stdlib.h>

#define SIGN 0x80

/* One byte of it: how many bytes the number has, and whether they are extended by their sign. */
static uint8_t number_at(const struct ctx_desc *ctx, unsigned slot)
{
	const struct ctx_slot *s = ctx && slot < ctx->nslots ? &ctx->slot[slot] : NULL;

	return s && !s->type ? (uint8_t)(s->bytes | (s->is_signed ? SIGN : 0)) : 0;
}

int verify_assumed(struct program *p, const struct ctx_desc *ctx)
{
	unsigned n = 0;

	for (unsigned i = 0; ctx && i < ctx->nslots; i++)
		if (number_at(ctx, i))
			n = i + 1;
	if (!n)
		return 0;
	p->assumed = malloc(n);
	if (!p->assumed)
		return -ENOMEM;
	p->nassumed = n;
	for (unsigned i = 0; i < n; i++)
		p->assumed[i] = number_at(ctx, i);
	return 0;
}

static bool reads(const struct program *p, unsigned slot)
{
	return p->facts.reads_any || p->facts.ctx_escapes || slot >= BODY_MAX_SLOTS ||
	       p->facts.reads[slot / 64] >> slot % 64 & 1;
}

static bool holds(const struct program *p, const struct ctx_desc *ctx)
{
	for (unsigned i = 0; i < p->nassumed; i++)
		if (p->assumed[i] && reads(p, i) && p->assumed[i] != number_at(ctx, i))
			return false;
	return true;
}

int verify_again(const struct program *p, const struct arena *arena, const struct ctx_desc *ctx,
		 struct diag *d)
{
	return holds(p, ctx) ?
		       0 :
		       verify_program(&(struct verify_prog){ .p = p, .arena = arena, .ctx = ctx },
				      NULL, NULL, d);
}
