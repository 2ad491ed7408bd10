/*
 * attach/tails.c - programs that tail calls reach: their code in the target; see session.h.
 *
 * Code comes before its address in the slab's table, and that before the program's number in a
 * map: whoever finds the number finds code.  Both slabs have all of it, since which programs
 * will jump is not known.  Code stays; what is taken out of a map is not found any more.
 *
 * Context  [ctl]
 */
#include "attach/image.h"
#include "attach/session.h"

#include <errno.h>

static bool written(const struct utramp_target *t, const struct program *p)
{
	return t->tailed[p->tail / 64] >> p->tail % 64 & 1;
}

struct tail_job {
	const struct program *p;
	const struct engine_env *env;
};

static void emit_tail(struct x86_asm *a, const void *arg)
{
	const struct tail_job *job = arg;

	engine_jit_tail(job->p, job->env, a);
}

static int write_tail(struct utramp_target *t, const struct program *p, struct diag *d)
{
	for (unsigned slab = 0; slab < SLABS; slab++) {
		struct tail_job job = { p, &t->env[slab] };
		taddr_t at;
		int err;

		if (!t->room[slab].lo)
			continue;
		err = image_add_code(t, slab, emit_tail, &job, p->name, &at, d);
		if (!err)
			err = process_write(t->proc, job.env->tails + 8 * (uint64_t)p->tail, &at,
					    sizeof(at));
		if (err)
			return err;
	}
	t->tailed[p->tail / 64] |= 1ull << p->tail % 64;
	return 0;
}

int session_write_tails(struct utramp_target *t, struct diag *d)
{
	while (t->tails.n) {
		struct program *p = t->tails.at[t->tails.n - 1];
		int err = written(t, p) ? 0 : write_tail(t, p, d);

		if (err)
			return err;
		t->tails.n--;
		program_put(p);
	}
	return 0;
}

static int check(struct utramp_target *t, const struct program *p, struct diag *d)
{
	int err = session_check_reads(t, p, d);

	if (!err && p->facts.sets_errno)
		err = session_errno(t, p->name, d);
	for (unsigned slab = 0; slab < SLABS && !err; slab++)
		if (t->room[slab].lo && engine_tail_check(p, &t->env[slab]))
			err = diag_set(d, -ENOTSUP, "program %s calls what this target lacks",
				       p->name);
	return err;
}

int session_tail_ready(void *arg, struct program *p, struct diag *d)
{
	struct utramp_target *t = arg;
	int err;

	if (t->file || !t->proc || t->proc->exited || written(t, p))
		return 0;
	err = check(t, p, d);
	if (!err)
		err = vec_push(&t->tails, p);
	if (err)
		return err;
	program_get(p);
	err = session_settle(t, d);
	if (err && t->tails.n) /* it was the last that came */
		program_put(t->tails.at[--t->tails.n]);
	return err;
}
