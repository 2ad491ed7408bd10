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

/* A load that may fault there, and is not made for that. */
static bool strays_further(const struct program *p, const uint8_t *strays)
{
	for (uint32_t i = 0; i < p->ninsns; i++)
		if (strays[i / 8] >> i % 8 & 1 && !program_load_strays(p, i))
			return true;
	return false;
}

int verify_again(const struct program *p, const struct arena *arena, const struct ctx_desc *ctx,
		 struct diag *d)
{
	struct verify_prog in = { .p = p, .arena = arena, .ctx = ctx };
	int err;

	if (holds(p, ctx))
		return 0;
	in.strays = calloc(p->ninsns / 8 + 1, 1);
	if (!in.strays)
		return -ENOMEM;
	err = verify_program(&in, NULL, NULL, d);
	if (!err && strays_further(p, in.strays))
		err = diag_set(
			d, -EACCES,
			"what it follows is an address of the target's here, and was memory of "
			"its own where it was loaded for: load it for this function");
	free(in.strays);
	return err;
}
