/* verify_run.c - see verify_run.h. */
#include "verify_run.h"

#include "slab_run.h"

#include "base/diag.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BELOW  8 /* words before ctx[0]: the count, a session's cookie */
#define WORDS  (BELOW + 300)
#define COUNT  254 /* arguments that the function has, if it is not said */
#define BYTES  0x10000
#define FUEL   300000
#define COOKIE 3 /* a session's lies so many words below ctx */

/* The program that runs, and its context. */
struct world {
	const struct verify_case *c;
	const struct program *p;
	struct engine_env env;
	void (*reset)(void);
	uint64_t given[WORDS], word[WORDS];
	struct interp_range target;
};

static uint64_t rest[] = { VERIFY_RUN_WORDS };

static uint64_t random_word(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> (*seed % 5 * 13);
}

/* As a caller passes it: what the type says of the word is true. */
static uint64_t conform(const struct ctx_desc *ctx, unsigned k, uint64_t v)
{
	const struct ctx_slot *s = ctx && k < ctx->nslots ? &ctx->slot[k] : NULL;
	unsigned unused = s && s->bytes ? 64 - 8 * s->bytes : 0;

	if (s && s->type)
		return VERIFY_RUN_TARGET;
	return s && s->is_signed ? (uint64_t)((int64_t)(v << unused) >> unused) :
				   v << unused >> unused;
}

/* which: 0 the words that results are told of; 1 zeros; 2 ones; then random ones. */
static void fill(struct world *w, unsigned which)
{
	uint64_t seed = 0x9e3779b97f4a7c15 * (which + 1);

	memset(w->given, 0, sizeof(w->given));
	w->given[BELOW - 1] = (w->c->ctx ? w->c->ctx->nslots : COUNT) |
			      (w->p->kind == PROGRAM_FSESSION ? COOKIE << 8 : 0);
	w->given[BELOW - 2] = 0x401000; /* the function */
	for (unsigned k = 0; k < WORDS - BELOW; k++) {
		uint64_t v = k ? rest[(k - 1) % ARRAY_LEN(rest)] : VERIFY_RUN_TARGET;

		if (which && !(w->p->strays && !k))
			v = which == 1   ? 0 :
			    w->p->strays ? random_word(&seed) & 0x38 :
			    which == 2   ? UINT64_MAX :
					   random_word(&seed);
		w->given[BELOW + k] = conform(w->c->ctx, k, v);
	}
}

static uint64_t begin(struct world *w)
{
	memcpy(w->word, w->given, sizeof(w->word));
	w->reset();
	return (uint64_t)(uintptr_t)(w->word + BELOW);
}

static int target(struct interp_range *r)
{
	static uint64_t *at;

	if (!at) {
		at = mmap((void *)(uintptr_t)(VERIFY_RUN_TARGET - BYTES / 2), BYTES,
			  PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
			  -1, 0);
		if (at == MAP_FAILED)
			return -errno;
		for (unsigned k = 0; k < BYTES / 8; k++)
			at[k] = VERIFY_RUN_TARGET;
	}
	*r = (struct interp_range){ .lo = (uint64_t)(uintptr_t)at,
				    .hi = (uint64_t)(uintptr_t)at + BYTES };
	return 0;
}

/* Checked, except for what checked mode cannot follow. */
static int checked(struct world *w, uint64_t *r0, struct diag *d)
{
	struct interp_opts o = {
		.checked = !w->p->tails, .fuel = FUEL, .range = &w->target, .nranges = 1
	};

	return interp_run(w->p, &w->env, begin(w), 0, &o, r0, d);
}

static enum verify_ran run_with(struct world *w, unsigned which, struct diag *d)
{
	uint64_t want = 0, slab, jit;
	int err;

	fill(w, which);
	err = checked(w, &want, d);
	if (err == -ELOOP)
		return VERIFY_ENDLESS;
	if (err) {
		d->text[sizeof(d->text) - 1] = '\0';
		return VERIFY_WRONG;
	}
	slab = w->p->tails ? want : slab_run(w->p, &w->env, begin(w), 0);
	jit = run_jit(w->p, &w->env)(begin(w), 0);
	if (!w->c->any && (slab != want || jit != want)) {
		diag_set(d, -EINVAL, "context %u: interpreter %lld, the slab's %lld, jit %lld",
			 which, (long long)want, (long long)slab, (long long)jit);
		return VERIFY_WRONG;
	}
	if (!which && !w->c->any && jit != w->c->r0) {
		diag_set(d, -EINVAL, "it returns %lld (0x%llx), not %lld", (long long)jit,
			 (unsigned long long)jit, (long long)w->c->r0);
		return VERIFY_WRONG;
	}
	return VERIFY_RAN;
}

enum verify_ran verify_run(const struct verify_case *c, const struct program *p,
			   const struct arena *arena, void (*reset)(void), struct diag *d)
{
	struct world w = { .c = c, .p = p, .reset = reset };
	enum verify_ran ran = VERIFY_RAN;

	engine_env_native(arena, &w.env);
	rt_state.arena = w.env.arena;
	rt_state.tls_off = rt_tls_offset();
	if (target(&w.target)) {
		diag_set(d, -ENOMEM, "no memory at the target's address");
		return VERIFY_WRONG;
	}
	for (unsigned which = 0; which < 6 && ran == VERIFY_RAN; which++)
		ran = run_with(&w, which, d);
	return ran;
}
