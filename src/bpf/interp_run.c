/*
 * bpf/interp_run.c - see engine.h: one run of a program in this process, checked or not.
 *
 * Context  [ctl]
 */
#include "bpf/check.h"
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "bpf/kfunc.h"
#include "bpf/progarray.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES TAIL_DEPTH

static int no_call(const struct program *p, uint32_t at, struct diag *d)
{
	const struct bpf_insn *i = &p->insn[at];
	const struct kfunc *k;

	if (i->src_reg != CALL_KFUNC)
		return diag_set(d, -ENOTSUP, "insn %u: no helper bpf_%s here", at,
				helper_name((uint32_t)i->imm));
	k = kfunc_by_id((uint32_t)i->imm);
	return k ? diag_set(d, -ENOTSUP, "insn %u: no %s here", at, k->name) :
		   diag_set(d, -ENOTSUP, "insn %u: no kfunc #%u here", at, (uint32_t)i->imm);
}

static int run(const struct program *p, const struct interp_opts *o, struct interp *m,
	       struct diag *d)
{
	int err = interp_go(m, o->fuel ? o->fuel : UINT64_MAX);

	if (err == -ELOOP)
		return diag_set(d, err, "insn %u: out of fuel", m->at);
	return err == -ENOTSUP ? no_call(p, m->at, d) : err;
}

static void *image_new(const struct program *p, const struct engine_env *env)
{
	void *image = malloc(interp_image_size(p));

	if (image)
		interp_image_write(p, env, (uint64_t)(uintptr_t)image, image);
	return image;
}

/* -- programs that tail calls may reach ---------------------------------------------------- */

struct tails {
	uint64_t at[RT_TAILS];
	struct engine_env env;
};

static void tails_free(struct tails *t)
{
	for (uint32_t i = 0; t && i < RT_TAILS; i++)
		free((void *)(uintptr_t)t->at[i]);
	free(t);
}

/* The images of all that p can jump to as its maps are now, and of what those can. */
static int tails_add(struct tails *t, const struct program *p)
{
	for (uint32_t i = 0; i < p->nmaps; i++) {
		for (uint32_t k = 0; p->map[i]->progs && k < p->map[i]->attr.max_entries; k++) {
			const struct program *next = progarray_get(p->map[i], k);
			int err;

			if (!next || t->at[next->tail])
				continue;
			t->at[next->tail] = (uint64_t)(uintptr_t)image_new(next, &t->env);
			err = t->at[next->tail] ? tails_add(t, next) : -ENOMEM;
			if (err)
				return err;
		}
	}
	return 0;
}

/* *out: NULL if p makes no tail calls. */
static int tails_new(const struct program *p, const struct engine_env *env, struct tails **out)
{
	struct tails *t = p->tails ? calloc(1, sizeof(*t)) : NULL;

	*out = t;
	if (!t)
		return p->tails ? -ENOMEM : 0;
	t->env = *env;
	t->env.tails = (uint64_t)(uintptr_t)t->at;
	return tails_add(t, p);
}

int interp_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2,
	       const struct interp_opts *opts, uint64_t *r0, struct diag *d)
{
	static const struct interp_opts none;
	const struct interp_opts *o = opts ? opts : &none;
	uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
	struct tails *tails;
	int err = tails_new(p, env, &tails);
	struct interp_image *image = image_new(p, tails ? &tails->env : env);
	struct interp_check *check = NULL;
	struct interp_frame frame[INTERP_FRAMES];
	struct interp m = { .p = image, .cookie = o->cookie, .frame = frame };

	if (!err && !image)
		err = -ENOMEM;
	if (!err && tails && o->checked)
		err = diag_set(d, -ENOTSUP, "checked mode does not follow tail calls");

	m.ret = (uint64_t)(uintptr_t)o->ret;
	m.hit = (uint64_t)(uintptr_t)o->frame;
	m.r[1] = r1;
	m.r[2] = r2;
	m.r[INSN_FP] = (uint64_t)(uintptr_t)(stack + STACK_BYTES);
	memset(stack + STACK_BYTES - p->stack_depth, 0, p->stack_depth);
	if (!err && o->checked) {
		err = interp_check_new(p, env, o, &m, d, &check);
		m.watch = err ? NULL : interp_check_watch(check);
	}
	if (!err)
		err = run(p, o, &m, d);
	if (!err)
		*r0 = m.r[0];
	interp_check_free(check);
	tails_free(tails);
	free(image);
	return err;
}
