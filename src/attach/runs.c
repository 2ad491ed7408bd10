/*
 * attach/runs.c - run_cnt and run_time_ns: how often programs ran, and how long.
 *
 * Counted is what runs through images that were made while somebody wanted it: turned on or off, the
 * images of all programs are made anew, in one stop.  It costs two readings of the clock a run.
 *
 * Context  [ctl]
 */
#include "attach/object.h"
#include "attach/session.h"
#include "utramp/utramp.h"

static int count_hook(struct utramp_target *t, struct hook *h, struct diag *d)
{
	int err = 0;

	for (int k = 0; k < TRAMP_KINDS; k++) {
		for (size_t i = 0; i < h->list[k].n && !err; i++)
			err = program_count_runs(h->list[k].at[i]->prog, t->arena, d);
	}
	return err;
}

int session_count_runs(struct utramp_target *t, struct diag *d)
{
	bool on = t->stats || sys_counts_runs(t->sys);
	int err = 0;

	for (size_t i = 0; i < t->hooks.n && !err; i++) {
		struct hook *h = t->hooks.at[i];

		h->dirty |= on != t->counting && hook_has_links(h);
		if (on)
			err = count_hook(t, h, d);
	}
	t->counting = on;
	for (unsigned i = 0; i < SLABS; i++)
		t->env[i].run_end = on ? t->run_end[i] : 0;
	return err;
}

int utramp_target__enable_stats(struct utramp_target *t, bool on)
{
	if (!t)
		return api_misuse("target");
	t->stats = on;
	return t->file ? 0 : api_return(session_settle(t, api_diag()));
}

uint64_t utramp_program__stats(const struct utramp_program *p, uint64_t *run_time_ns)
{
	struct program_runs runs = { 0 };

	if (p->prog)
		runs = program_runs(p->prog, p->object->target->arena);
	if (run_time_ns)
		*run_time_ns = runs.ns;
	return runs.count;
}
