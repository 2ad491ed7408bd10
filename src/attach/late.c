/*
 * attach/late.c - see late.h: who waits, what came, what is gone.
 */
#include "attach/late.h"
#include "attach/generated.h"
#include "attach/modlife.h"
#include "attach/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long after a ring it is looked how often: who loads one module loads another. */
#define BURST_NS 20000000u
#define QUICK_NS 500000000u
#define REST_NS  100000
#define QUICK_MS 1
#define IDLE_MS  2
#define LOOKS    3
#define TRIES    10

/* -- who waits ---------------------------------------------------------------------------- */

static void want_free(struct late_want *w)
{
	fspec_fini(&w->spec);
	free(w->text);
	free(w->within);
	free(w->said);
	free(w);
}

void late_forget_all(struct utramp_target *t)
{
	while (t->late && t->late->wants.n)
		want_free(t->late->wants.at[--t->late->wants.n]);
}

void late_free(struct utramp_target *t)
{
	if (!t->late)
		return;
	late_forget_all(t);
	vec_free(&t->late->wants);
	vec_free(&t->late->arrived);
	watch_free(t->late->watch);
	free(t->late);
	t->late = NULL;
}

void late_forget(struct utramp_target *t, struct late_owner owner)
{
	size_t kept = 0;

	for (size_t i = 0; t->late && i < t->late->wants.n; i++) {
		struct late_want *w = t->late->wants.at[i];

		if (w->owner.g == owner.g && w->owner.link == owner.link)
			want_free(w);
		else
			t->late->wants.at[kept++] = w;
	}
	if (t->late)
		t->late->wants.n = kept;
}

void late_note(const struct utramp_target *t, const struct utramp_late_note *n)
{
	struct utramp_late_note own = *n;

	own.sz = sizeof(own);
	if (t->late->opts.note)
		t->late->opts.note(t->late->opts.ctx, &own);
}

static bool has_module(const struct utramp_target *t, const struct fspec *s)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		if (fspec_module_matches(s, t->mods->at[i]->path, t->mods->at[i]->obj->soname))
			return true;
	}
	return false;
}

bool late_means(const struct utramp_target *t, const char *spec, bool found)
{
	struct fspec s;
	bool means;

	if (!t->late || !t->late->on || fspec_parse(spec, &s, NULL))
		return false;
	means = s.module && (s.module_glob || (!found && !has_module(t, &s)));
	fspec_fini(&s);
	return means;
}

static char *copy(const char *s, int *err)
{
	char *own = s ? strdup(s) : NULL;

	if (s && !own)
		*err = -ENOMEM;
	return own;
}

static int want_new(const char *spec, const struct utramp_attach_opts *o, struct late_owner owner,
		    struct late_want **out, struct diag *d)
{
	struct late_want *w = calloc(1, sizeof(*w));
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->opts = *o;
	w->owner = owner;
	w->text = copy(spec, &err);
	w->within = copy(o->within, &err);
	w->said = copy(owner.g ? owner.g->said : NULL, &err);
	w->opts.within = w->within;
	w->opts.syms = NULL; /* this is one of them, with its cookie */
	w->opts.cookies = NULL;
	w->opts.cnt = 0;
	if (!err)
		err = fspec_parse(spec, &w->spec, d);
	if (err)
		want_free(w);
	else
		*out = w;
	return err;
}

static void tell_waits(const struct utramp_target *t, const struct late_want *w)
{
	late_note(t, &(struct utramp_late_note){ .what = UTRAMP_LATE_WAITS,
						 .module = w->spec.module });
}

int late_add(struct utramp_target *t, const char *spec, bool found,
	     const struct utramp_attach_opts *o, struct late_owner owner, struct diag *d)
{
	struct late *l = t->late;
	struct diag why = { 0 };
	struct late_want *w;
	int err = watch_make(t, &why);

	if (err && err != -ENOMEM && !found)
		return diag_set(d, -ENOTSUP,
				"%s: its module is not loaded, and cannot be waited for: %s", spec,
				diag_text(&why, err));
	if (err && err != -ENOMEM) {
		late_note(t, &(struct utramp_late_note){ .what = UTRAMP_LATE_FAILED,
							 .module = spec,
							 .text = diag_text(&why, err) });
		return 0;
	}
	if (!err)
		err = want_new(spec, o, owner, &w, d);
	if (err)
		return err;
	w->serial = l->serial + 1;
	w->met = found;
	err = vec_push(&l->wants, w);
	if (err) {
		want_free(w);
		return err;
	}
	l->serial++;
	l->again = true; /* it may have come since functions were looked for */
	if (!found)
		tell_waits(t, w);
	return 0;
}

static bool has_late_hook(const struct utramp_target *t)
{
	for (size_t i = 0; i < t->hooks.n; i++) {
		if (t->hooks.at[i]->func->mod->late && hook_has_links(t->hooks.at[i]))
			return true;
	}
	return false;
}

int late_keep(struct utramp_target *t)
{
	int err = t->late && t->late->on && has_late_hook(t) ? watch_make(t, NULL) : 0;

	return err == -ENOMEM ? err : 0; /* else it is attached all the same */
}

static void mark(struct utramp_target *t, struct amodule *m)
{
	const struct module_list *list = &t->proc->modules;

	for (size_t i = 0; i < list->n; i++) {
		const struct module *mod = &list->at[i];

		if (mod->bias != m->bias || strcmp(mod->path, m->path) != 0 ||
		    module_identify(t->proc, list, mod, &m->id))
			continue;
		m->lo = mod->lo;
		m->late = true;
	}
}

void late_mark(struct utramp_target *t)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		struct amodule *m = t->mods->at[i];
		bool stays = m->main || objfile_sym(m->obj, "_dl_debug_state") ||
			     (m->obj->soname && !strcmp(m->obj->soname, "libc.so.6"));

		if (!stays)
			mark(t, m);
	}
}

/* -- what is gone ------------------------------------------------------------------------- */

/*
 * Of the hooks that are patched one is looked at: bytes that are the function's own, where our
 * jump was, say that the pages are new ones.  Somebody else's are left to batch_result().
 */
static bool is_mapped_anew(struct utramp_target *t, const struct amodule *m)
{
	uint8_t now[SITE_WINDOW_MAX];

	for (size_t i = 0; i < t->hooks.n; i++) {
		const struct hook *h = t->hooks.at[i];
		const struct site *s = &h->func->site;

		if (h->func->mod == m && h->patched)
			return process_read(t->proc, s->window, now, s->len) ||
			       !memcmp(now, s->old, s->len);
	}
	return false;
}

/* L.2 */
static void leave_hooks(struct utramp_target *t, const struct amodule *m)
{
	for (size_t i = 0; i < t->hooks.n; i++) {
		struct hook *h = t->hooks.at[i];

		if (h->func->mod == m)
			h->patched = h->hopped = false;
	}
}

int late_lose(struct utramp_target *t, const struct map_list *maps)
{
	int n = 0;

	for (size_t i = t->mods->n; i-- > 0;) {
		struct amodule *m = t->mods->at[i];

		if (!m->late || (module_is_there(t->proc, maps, m) && !is_mapped_anew(t, m)))
			continue;
		if (modset_lose(t->mods, m))
			return -ENOMEM;
		leave_hooks(t, m);
		n++;
	}
	return n;
}

static bool any_late(const struct utramp_target *t)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		if (t->mods->at[i]->late)
			return true;
	}
	return false;
}

int late_verify(struct utramp_target *t, struct diag *d)
{
	struct map_list maps = { 0 };
	int n;

	if (!any_late(t))
		return 0;
	n = process_maps(t->proc, &maps, d);
	if (!n)
		n = late_lose(t, &maps);
	maps_free(&maps);
	if (n > 0 && t->late)
		t->late->again = true; /* something may have come instead */
	return n < 0 ? n : 0;
}

/* -- what came ---------------------------------------------------------------------------- */

static bool is_slab(const struct utramp_target *t, const struct module *mod)
{
	for (unsigned i = 0; i < SLABS; i++) {
		if (mod->lo <= t->proc->slab[i].text && t->proc->slab[i].text < mod->hi)
			return true;
	}
	return false;
}

static bool is_known(const struct utramp_target *t, const struct module *mod)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		const struct amodule *m = t->mods->at[i];

		if (m->bias == mod->bias && !strcmp(m->path, mod->path))
			return true;
	}
	return is_slab(t, mod) || mod->path[0] != '/';
}

/* Told once of a path, however often it comes and to whatever address. */
static bool was_told(const struct utramp_target *t, const struct amodule *m)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		if (t->mods->at[i]->told && !strcmp(t->mods->at[i]->path, m->path))
			return true;
	}
	for (size_t i = 0; i < t->mods->gone.n; i++) {
		if (t->mods->gone.at[i]->told && !strcmp(t->mods->gone.at[i]->path, m->path))
			return true;
	}
	return false;
}

static int add_one(struct utramp_target *t, const struct module *mod)
{
	struct module_id id;
	struct amodule *m;
	int err = module_identify(t->proc, &t->proc->modules, mod, &id);

	if (err)
		return 0; /* gone again */
	m = modset_former(t->mods, mod, &id);
	if (m) {
		err = modset_regain(t->mods, m);
		return err ? err : vec_push(&t->late->arrived, m);
	}
	err = modset_add_late(t->mods, t->proc->pid, &t->proc->modules, mod, &m, NULL);
	if (err)
		return err == -ENOMEM ? err : 0; /* no file, or none that we can read */
	m->id = id;
	m->lo = mod->lo;
	return vec_push(&t->late->arrived, m);
}

static int add_new(struct utramp_target *t)
{
	const struct module_list *list = &t->proc->modules;
	int err = 0;

	for (size_t i = 0; i < list->n && !err; i++) {
		if (!is_known(t, &list->at[i]))
			err = add_one(t, &list->at[i]);
	}
	return err;
}

/* -- looking ------------------------------------------------------------------------------ */

/* Attach what the modules that have not been asked yet have for those who wait. */
static void serve_all(struct utramp_target *t)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		struct amodule *m = t->mods->at[i];

		if (!m->late || m->served == t->late->serial)
			continue;
		late_serve(t, m);
		m->served = t->late->serial;
	}
}

static unsigned count_linked(const struct utramp_target *t, const struct amodule *m)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->hooks.n; i++)
		n += t->hooks.at[i]->func->mod == m && hook_has_links(t->hooks.at[i]);
	return n;
}

/* missed_ns: since they were there to be called. */
static void tell_arrivals(struct utramp_target *t, uint64_t missed_ns)
{
	for (size_t i = 0; i < t->late->arrived.n; i++) {
		struct amodule *m = t->late->arrived.at[i];
		struct utramp_late_note n = { .what = UTRAMP_LATE_ATTACHED,
					      .module = m->shown,
					      .missed_ns = missed_ns };

		n.functions = m->gone ? 0 : count_linked(t, m);
		if (!n.functions)
			continue;
		if (was_told(t, m))
			n.what = UTRAMP_LATE_AGAIN;
		m->told = true;
		late_note(t, &n);
	}
	t->late->arrived.n = 0;
}

static void mark_all(struct utramp_target *t)
{
	for (size_t i = 0; i < t->late->wants.n; i++) {
		struct late_want *w = t->late->wants.at[i];

		w->had = w->owner.g ? w->owner.g->links.n : w->owner.link->parts.n;
	}
}

/* Undo this look's links; what was attached before stays so. */
static void take_back(struct utramp_target *t, const struct diag *why, int err)
{
	const struct late *l = t->late;

	for (size_t i = t->late->wants.n; i-- > 0;) {
		struct late_want *w = t->late->wants.at[i];

		if (w->owner.g)
			generated_drop(w->owner.g, w->had);
		else
			object_drop_parts(w->owner.link, w->had);
	}
	session_settle(t, NULL);
	late_note(t, &(struct utramp_late_note){ .what = UTRAMP_LATE_FAILED,
						 .module = l->arrived.n ? l->arrived.at[0]->shown :
									  "a module",
						 .text = diag_text(why, err) });
}

/* What is gone and what came; the functions of what came are attached. */
static int look(struct utramp_target *t)
{
	struct diag why = { 0 };
	int err = process_refresh(t->proc, &why);

	mark_all(t);
	/* of another program's modules, or of none, others tell */
	if (err || !process_alive(t->proc))
		return 0;
	err = late_lose(t, &t->proc->modules.maps);
	if (err >= 0)
		err = add_new(t);
	if (!err)
		serve_all(t);
	if (!err) {
		err = session_commit(t, &why);
		t->late->unsettled = err == -EAGAIN;
	}
	if (err && err != -EAGAIN && err != -ESRCH)
		take_back(t, &why, err);
	return err == -ENOMEM ? err : 0;
}

/* Threads in windows to come go on soon; one that is held may be the one that waits for them. */
static bool waits_on(struct late *l)
{
	l->tries = l->unsettled ? l->tries + 1 : 0;
	return l->tries && l->tries < TRIES;
}

static int look_if_rung(struct utramp_target *t)
{
	struct late *l = t->late;
	struct watch_news news = watch_ask(l->watch, process_now_ns());
	int err = 0;
	bool kept;

	if (news.rang || news.full)
		l->rang = process_now_ns();
	if (news.rang && !l->arrived.n)
		l->since = news.first_ns;
	l->again |= news.rang || l->unsettled;
	/* once more if what was lost between look and stop has come back, or something else has */
	for (int i = 0; l->again && !err && i < LOOKS; i++) {
		l->again = false;
		err = look(t);
	}
	if (waits_on(l))
		return err;
	kept = watch_answer(l->watch, &news);
	tell_arrivals(t, kept || !l->since ? 0 : process_now_ns() - l->since);
	return err;
}

/* Sleep a little, at most left_ms. */
static int sleep_poll(struct utramp_target *t, int left_ms, bool *exec)
{
	const struct timespec rest = { .tv_nsec = REST_NS };
	uint64_t since = process_now_ns() - t->late->rang;
	int ms = since < QUICK_NS ? QUICK_MS : IDLE_MS;

	if (since < BURST_NS && left_ms) {
		nanosleep(&rest, NULL);
		ms = 0;
	}
	return process_poll(t->proc, ms < left_ms ? ms : left_ms, exec);
}

int late_poll(struct utramp_target *t, int timeout_ms, bool *exec)
{
	uint64_t end = process_now_ns() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0) * 1000000u;
	int err = 0;

	if (!t->late || !t->late->watch)
		return process_poll(t->proc, timeout_ms, exec);
	while (!err) {
		uint64_t now = process_now_ns();
		int left = now < end ? (int)((end - now + 999999) / 1000000) : 0;

		err = sleep_poll(t, timeout_ms < 0 ? IDLE_MS : left, exec);
		if (err || *exec)
			return err;
		t->arena->hdr->heartbeat++;
		err = look_if_rung(t);
		if (timeout_ms >= 0 && process_now_ns() >= end)
			break;
	}
	return err;
}

bool late_is_watch(const struct utramp_target *t, const struct hook *h)
{
	const struct generated *g = t->late ? watch_owner(t->late->watch) : NULL;

	for (int k = 0; g && k < TRAMP_KINDS; k++) {
		for (size_t i = 0; i < h->list[k].n; i++) {
			if (h->list[k].at[i]->owner != g)
				return false;
		}
	}
	return g != NULL;
}

/* -- the public functions ----------------------------------------------------------------- */

int utramp_target__wait(struct utramp_target *t, const struct utramp_late_opts *opts)
{
	struct utramp_late_opts own;
	struct diag *d = api_diag();
	int err;

	if (!t)
		return api_misuse("target");
	if (t->file)
		return api_return(diag_set(d, -EINVAL, "a file does not run: no module comes"));
	if (t->proc->self)
		return api_return(
			diag_set(d, -ENOTSUP,
				 "a program that traces itself knows when it has loaded a "
				 "module: attach to its functions then"));
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err && !t->late && !(t->late = calloc(1, sizeof(*t->late))))
		err = -ENOMEM;
	if (err)
		return api_return(err);
	t->late->on = true;
	t->late->opts = own;
	return 0;
}

int utramp_target__waiting(const struct utramp_target *t, int (*fn)(void *ctx, const char *spec),
			   void *ctx)
{
	int n = 0;

	if (!t)
		return api_misuse("target");
	for (size_t i = 0; t->late && i < t->late->wants.n; i++) {
		const struct late_want *w = t->late->wants.at[i];

		if (w->met || w->opts.missing_ok)
			continue;
		n++;
		if (fn && fn(ctx, w->text))
			break;
	}
	return n;
}
