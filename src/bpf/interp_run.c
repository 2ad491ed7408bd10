/*
 * bpf/interp_run.c - see engine.h: one run of a program in this process, checked or not.
 *
 * Context  [ctl]
 */
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "bpf/kfunc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES (PROGRAM_MAX_CALLS * PROGRAM_MAX_STACK)

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

int interp_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2,
	       const struct interp_opts *opts, uint64_t *r0, struct diag *d)
{
	static const struct interp_opts none;
	const struct interp_opts *o = opts ? opts : &none;
	uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
	struct interp_image *image = image_new(p, env);
	struct interp_check *check = NULL;
	struct interp m = { .p = image, .cookie = o->cookie };
	int err = image ? 0 : -ENOMEM;

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
	free(image);
	return err;
}
