/*
 * attach/generated.c - see generated.h.
 *
 * The programs go the same road as a user's: checked by program_load(), linked to hooks,
 * compiled into images.
 */
#include "attach/generated.h"
#include "attach/late.h"

#include "bpf/verify.h"

#include <errno.h>
#include <stdlib.h>

int generated_init(struct generated *g, const struct generated_kind *kind, struct utramp_target *t)
{
	g->kind = kind;
	g->target = t;
	return vec_push(&t->generated, g);
}

int generated_deny(struct generated *g, const char *pattern, struct diag *d)
{
	struct fspec s;
	int err = fspec_parse(pattern, &s, d);

	if (err)
		return err;
	err = vec_push(&g->deny, s);
	if (err)
		fspec_fini(&s);
	return err;
}

static bool is_denied(const struct generated *g, const struct func *f)
{
	for (size_t i = 0; i < g->deny.n; i++) {
		if (func_answers(f, &g->deny.at[i]))
			return true;
	}
	return false;
}

static int leave_out(const struct generated *g, const char *spec, struct hook_list *list,
		     struct diag *d)
{
	size_t kept = 0, had = list->n;

	for (size_t i = 0; i < had; i++) {
		if (!is_denied(g, list->at[i]->func))
			list->at[kept++] = list->at[i];
	}
	list->n = kept;
	if (kept || !had)
		return 0;
	return diag_set(d, -ENOENT, "every function of '%s' is denied (%zu)", spec, had);
}

int generated_refusal(const struct generated *g, const struct hook *h, enum tramp_kind kind,
		      struct diag *d)
{
	const struct func *f = h->func;
	const char *why = func_refusal(f, kind);

	if (!why)
		return 0;
	return diag_set(d, f->site_err == -EBUSY ? -EBUSY : -ENOTSUP, "cannot %s %s:%s: %s",
			g->kind->verb, f->mod->shown, f->name, why);
}

int generated_link(struct generated *g, struct hook *h, enum tramp_kind kind,
		   const struct program_attr *at, struct gen_prog *gp, struct diag *d)
{
	struct program_attr attr = *at;
	struct program *p = NULL;
	struct link *l;
	int err;

	attr.insn = gp->insn;
	attr.ninsns = gp->n;
	attr.arena = g->target->arena;
	attr.nslots = h->func->model->nslots;
	attr.nresults = h->func->model->ret.nslots;
	attr.generated = true;
	err = program_load_verified(&attr, NULL, NULL, NULL, &p, d);
	if (!err)
		err = hook_link(g->target, h, p, kind, 0, &l, d);
	if (!err)
		l->owner = g;
	if (!err && vec_push(&g->links, l) < 0) {
		link_remove(l);
		err = -ENOMEM;
	}
	program_put(p); /* the link holds it */
	free(gp->insn);
	return err;
}

void generated_drop(struct generated *g, size_t n)
{
	while (g->links.n > n)
		link_remove(g->links.at[--g->links.n]);
}

/* Another spec named this function before. */
static bool is_ours(const struct generated *g, const struct hook *h)
{
	for (int k = 0; k < TRAMP_KINDS; k++) {
		if (g->kind->beside >> k & 1)
			continue;
		for (size_t i = 0; i < h->list[k].n; i++) {
			if (h->list[k].at[i]->owner == g)
				return true;
		}
	}
	return false;
}

static int link_again(struct generated *g, const struct hook *h, struct diag *d)
{
	return g->kind->again ? g->kind->again(g, h, d) : 0;
}

/*
 * A pattern means what can be had; a name means that function and no less.  Functions
 * that have our programs already count, but get no second ones.
 */
static int link_all(struct generated *g, const struct hook_list *list,
		    const struct utramp_attach_opts *o, struct diag *d)
{
	bool passing = list->pattern || o->missing_ok;
	int n = 0, first = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool again = is_ours(g, list->at[i]);
		size_t before = g->links.n;
		int err = again ? link_again(g, list->at[i], d) : g->kind->hook(g, list->at[i], d);

		session_progress(g->target, STEP_LINKED, i + 1, list->n);
		n += !err;
		if (!err && !again)
			session_warn(g->target, list->at[i]->func, o);
		if (err)
			generated_drop(g, before);
		if (err && (!passing || err == -ENOMEM))
			return err;
		first = first ? first : err;
		if (err && o->missing)
			o->missing(o->ctx, diag_text(d, err));
	}
	return n || o->missing_ok ? n : first;
}

/* The hooks that spec means; 0, or an error. */
static int find_all(struct generated *g, const char *spec, const struct utramp_attach_opts *o,
		    struct hook_list *list, struct diag *d)
{
	int err = session_hooks(g->target, spec, list, d);

	if (err == -ENOENT && late_means(g->target, spec, false))
		return 0;
	if (!err && o->within)
		err = session_within(g->target, o->within, list, d);
	if (!err)
		err = leave_out(g, spec, list, d);
	if (!err && g->kind->begin && list->n)
		err = g->kind->begin(g, list->n, d);
	return err;
}

static int add(struct generated *g, const char *spec, const struct utramp_attach_opts *o,
	       struct diag *d)
{
	struct hook_list list = { 0 };
	size_t before = g->links.n;
	int n = find_all(g, spec, o, &list, d), err = 0;

	if (n == -ENOENT && o->missing_ok) {
		if (o->missing)
			o->missing(o->ctx, diag_text(d, n));
		vec_free(&list);
		return 0;
	}
	if (!n && list.n)
		n = link_all(g, &list, o, d);
	if (n >= 0 && late_means(g->target, spec, list.n))
		err = late_add(g->target, spec, list.n, o, (struct late_owner){ .g = g }, d);
	if (n > 0 && !err)
		err = late_keep(g->target);
	vec_free(&list);
	if (n >= 0 && !err && !session_waits(g->target))
		err = session_commit(g->target, d);
	if (n < 0 || err) {
		generated_drop(g, before);
		session_settle(g->target, NULL);
	}
	return session_blame(g->target, err ? err : n, d);
}

int generated_add(struct generated *g, const char *spec, const struct utramp_attach_opts *opts,
		  struct diag *d)
{
	struct utramp_attach_opts own;
	int err;

	if (!g->target)
		return diag_set(d, -ESRCH, "the %s's target is gone", g->kind->verb);
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err && (own.syms || own.cookies || own.cnt))
		err = diag_set(d, -EINVAL, "options: a list of functions is for .multi programs");
	return err ? err : add(g, spec, &own, d);
}

int generated_late(struct generated *g, struct hook_list *list, const struct late_want *w,
		   struct diag *d)
{
	size_t before = g->links.n;
	int n = leave_out(g, w->text, list, d);

	g->said = w->said;
	if (!n && g->kind->begin && list->n)
		n = g->kind->begin(g, list->n, d);
	if (!n)
		n = link_all(g, list, &w->opts, d);
	if (n < 0)
		generated_drop(g, before);
	return n;
}

void generated_leave(struct generated *g)
{
	struct utramp_target *t = g->target;

	if (t)
		late_forget(t, (struct late_owner){ .g = g });
	generated_drop(g, 0);
	vec_free(&g->links);
	for (size_t i = 0; i < g->deny.n; i++)
		fspec_fini(&g->deny.at[i]);
	vec_free(&g->deny);
	g->target = NULL;
	for (size_t i = 0; t && i < t->generated.n; i++) {
		if (t->generated.at[i] != g)
			continue;
		t->lost += g->kind->lost(g);
		t->generated.at[i] = t->generated.at[--t->generated.n];
		return;
	}
}
