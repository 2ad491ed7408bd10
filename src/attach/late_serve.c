/*
 * attach/late_serve.c - what one module has for the specs that wait; see late.h.
 *
 * The same road as for a module that was there: resolve, hook, link.  Only that nobody can be
 * refused any more: what cannot be attached is told.
 *
 * Context  [ctl]
 */
#include "attach/generated.h"
#include "attach/late.h"
#include "attach/nearest.h"
#include "attach/object.h"

#include <errno.h>

static void tell(struct utramp_target *t, const struct late_want *w, const struct amodule *m,
		 const struct diag *why, int err)
{
	const struct utramp_late_note n = { .what = UTRAMP_LATE_FAILED,
					    .module = m->shown,
					    .text = diag_text(why, err) };

	if (!w->opts.missing_ok)
		late_note(t, &n);
	else if (w->opts.missing)
		w->opts.missing(w->opts.ctx, n.text);
}

/* The hooks that w means in m; none is no error. */
static int find_hooks(struct utramp_target *t, const struct late_want *w, struct amodule *m,
		      struct hook_list *out, struct diag *d)
{
	struct func_list funcs = { 0 };
	struct fspec within = { 0 };
	struct hook *h;
	int err = w->within ? fspec_parse(w->within, &within, d) : 0;

	if (!err)
		err = func_resolve_in(t->mods, m, &w->spec, &funcs, d);
	for (size_t i = 0; i < funcs.n && !err; i++) {
		struct func *f = funcs.at[i];

		if (w->within && !func_answers(f, &within))
			continue;
		funcs.at[i] = NULL; /* the hook's, or freed */
		t->arena->hdr
			->heartbeat++; /* reading types takes its time, and a thread may wait */
		err = session_hook(t, f, &h, d);
		if (!err)
			err = vec_push(out, h);
	}
	func_list_fini(&funcs);
	if (w->within)
		fspec_fini(&within);
	out->pattern = w->spec.func_glob || w->spec.module_glob;
	return err;
}

static int serve(struct utramp_target *t, struct late_want *w, struct amodule *m, struct diag *d)
{
	struct hook_list list = { 0 };
	int n = find_hooks(t, w, m, &list, d);

	/* a pattern of modules means those that have it */
	if (!n && !list.n && !w->spec.module_glob && !w->within)
		n = nearest_to(t->mods, &w->spec, d);
	if (!n && list.n && w->owner.g)
		n = generated_late(w->owner.g, &list, w, d);
	else if (!n && list.n)
		n = object_late(w->owner.prog, w->owner.link, &list, &w->opts, d);
	vec_free(&list);
	return n;
}

void late_serve(struct utramp_target *t, struct amodule *m)
{
	for (size_t i = 0; i < t->late->wants.n; i++) {
		struct late_want *w = t->late->wants.at[i];
		struct diag why = { 0 };
		int n;

		if (w->serial <= m->served ||
		    !fspec_module_matches(&w->spec, m->path, m->obj->soname))
			continue;
		w->met = true;
		n = serve(t, w, m, &why);
		if (n < 0 && process_alive(t->proc))
			tell(t, w, m, &why, n);
	}
}
