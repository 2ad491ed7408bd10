/*
 * attach/api.c - the public functions: targets, objects, programs, links.
 *
 * Each empties the thread's diag, does its work by the internal function, and turns the
 * result into what the header promises.
 */
#include "attach/generated.h"
#include "attach/late.h"
#include "attach/object.h"
#include "attach/symbols.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct diag last;
static _Thread_local int last_err;

struct diag *api_diag(void)
{
	last.text[0] = '\0';
	return &last;
}

int api_return(int err)
{
	if (err < 0)
		last_err = err;
	return err;
}

void *api_null(int err)
{
	last_err = err;
	errno = -err;
	return NULL;
}

int api_misuse(const char *what)
{
	return api_return(diag_set(api_diag(), -EINVAL, "no %s given", what));
}

int opts_copy(void *own, size_t own_sz, const void *user, struct diag *d)
{
	const unsigned char *bytes = user;
	size_t sz;

	memset(own, 0, own_sz);
	if (!user)
		return 0;
	memcpy(&sz, user, sizeof(sz));
	if (sz < sizeof(sz))
		return diag_set(d, -EINVAL, "options: sz is not set to the size of the struct");
	for (size_t i = own_sz; i < sz; i++) {
		if (bytes[i])
			return diag_set(d, -E2BIG, "options: a newer member is set, at byte %zu",
					i);
	}
	memcpy(own, user, sz < own_sz ? sz : own_sz);
	return 0;
}

const char *utramp_version(void)
{
	return UTRAMP_VERSION;
}

const char *utramp_error(void)
{
	return diag_text(&last, last_err);
}

/* -- targets ---------------------------------------------------------------------------------- */

struct utramp_target *utramp_target__spawn(char *const argv[], const struct utramp_spawn_opts *opts)
{
	struct utramp_target *t = NULL;
	struct utramp_spawn_opts own;
	struct diag *d = api_diag();
	int err;

	if (!argv || !argv[0])
		return api_null(diag_set(d, -EINVAL, "no command"));
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err && own.engine != UTRAMP_JIT && own.engine != UTRAMP_INTERP)
		err = diag_set(d, -EINVAL, "no such engine; there are: jit, interp");
	if (!err)
		err = session_spawn(argv, &own, &t, d);
	return err ? api_null(err) : t;
}

struct utramp_target *utramp_target__file(const char *spec)
{
	struct utramp_target *t = NULL;
	int err = session_file(spec, &t, api_diag());

	return err ? api_null(err) : t;
}

void utramp_target__free(struct utramp_target *t)
{
	session_free(t);
}

pid_t utramp_target__pid(const struct utramp_target *t)
{
	return t->proc->pid;
}

int utramp_target__resume(struct utramp_target *t)
{
	return t ? api_return(session_resume(t, api_diag())) : api_misuse("target");
}

int utramp_target__together(struct utramp_target *t)
{
	return t ? api_return(session_together(t, api_diag())) : api_misuse("target");
}

int utramp_target__poll(struct utramp_target *t, int timeout_ms)
{
	struct diag *d = api_diag();
	bool exec = false;
	int n;

	if (!t)
		return api_misuse("target");
	if (t->file)
		return api_return(diag_set(d, -EINVAL, "a file does not run"));
	if (t->proc->exited)
		return UTRAMP_EXITED;
	if (t->proc->stopped)
		return api_return(
			diag_set(d, -EINVAL, "process %d is not resumed yet", (int)t->proc->pid));
	n = late_poll(t, timeout_ms, &exec);
	t->arena->hdr->heartbeat++;
	if (n < 0)
		return api_return(diag_set(d, n, "cannot wait for process %d: %s",
					   (int)t->proc->pid, strerror(-n)));
	if (n)
		return UTRAMP_EXITED;
	for (size_t i = 0; i < t->generated.n && !exec; i++) {
		if (t->generated.at[i]->kind->tick)
			t->generated.at[i]->kind->tick(t->generated.at[i]);
	}
	if (t->symbols && !exec) /* while they can be read: stacks are named at the end */
		symbols_look(t->symbols, t, false);
	return exec ? UTRAMP_EXECED : UTRAMP_RUNNING;
}

int utramp_target__status(const struct utramp_target *t)
{
	return t->proc->status;
}

const char *utramp_target__renamed(const struct utramp_target *t)
{
	return process_renamed(t->proc);
}

int utramp_target__detach(struct utramp_target *t)
{
	return t ? api_return(session_detach(t, api_diag())) : api_misuse("target");
}

uint64_t utramp_target__stopped_ns(const struct utramp_target *t)
{
	return process_stopped_ns(t->proc);
}

void utramp_target__on_progress(struct utramp_target *t,
				void (*fn)(void *ctx, unsigned done, unsigned total), void *ctx)
{
	t->progress.fn = fn;
	t->progress.ctx = ctx;
}

unsigned utramp_target__functions(const struct utramp_target *t, unsigned *untyped,
				  const char **example)
{
	unsigned n = 0, raw = 0;

	for (size_t i = 0; i < t->hooks.n; i++) {
		const struct hook *h = t->hooks.at[i];
		bool live = false;

		for (int k = 0; k < TRAMP_KINDS; k++)
			live |= h->list[k].n != 0;
		if (!live || late_is_watch(t, h))
			continue;
		n++;
		if (h->func->proto.source != PROTO_NONE)
			continue;
		if (!raw++ && example)
			*example = h->func->name;
	}
	if (untyped)
		*untyped = raw;
	return n;
}

/* -- objects ------------------------------------------------------------------------------------ */

struct utramp_object *utramp_object__open_file(const char *path,
					       const struct utramp_object_opts *opts)
{
	struct utramp_object *o = NULL;
	struct utramp_object_opts own;
	struct diag *d = api_diag();
	int err;

	if (!path)
		return api_null(api_misuse("path"));
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err)
		err = object_open(path, &own, &o, d);
	return err ? api_null(err) : o;
}

int utramp_object__load(struct utramp_object *o, struct utramp_target *t)
{
	if (!o || !t)
		return api_misuse("object or target");
	return api_return(object_load(o, t, api_diag()));
}

void utramp_object__close(struct utramp_object *o)
{
	object_close(o);
}

struct utramp_program *utramp_object__next_program(const struct utramp_object *o,
						   struct utramp_program *prev)
{
	size_t i = 0;

	while (prev && i < o->programs.n && o->programs.at[i++] != prev)
		;
	return i < o->programs.n ? o->programs.at[i] : NULL;
}

const char *utramp_program__name(const struct utramp_program *p)
{
	return object_program_name(p);
}

const char *utramp_program__section(const struct utramp_program *p)
{
	return object_program_section(p);
}

bool utramp_program__autoload(const struct utramp_program *p)
{
	return object_program_autoload(p);
}

int utramp_program__set_autoload(struct utramp_program *p, bool on)
{
	return api_return(object_set_autoload(p, on, api_diag()));
}

int utramp_program__add_target(struct utramp_program *p, const char *spec)
{
	struct diag *d = api_diag();
	struct fspec s;
	char *own;
	int err;

	if (!p || !spec)
		return api_misuse("program or function");
	if (p->object->tried)
		return api_return(diag_set(d, -EINVAL, "%s is loaded already", p->object->path));
	err = fspec_parse(spec, &s, d);
	if (err)
		return api_return(err);
	fspec_fini(&s);
	own = strdup(spec);
	if (own && !vec_push(&p->targets, own))
		return 0;
	free(own);
	return api_return(-ENOMEM);
}

uint64_t utramp_program__missed(const struct utramp_program *p)
{
	const struct shm_prog *s = NULL;

	if (p->prog && p->prog->stats)
		s = shm_ptr(p->object->target->arena, p->prog->stats, sizeof(*s));
	return s ? __atomic_load_n(&s->missed, __ATOMIC_RELAXED) : 0;
}

/* -- links ---------------------------------------------------------------------------------------- */

static enum tramp_kind tramp_kind_of(enum program_kind k)
{
	switch (k) {
	case PROGRAM_FEXIT:
	case PROGRAM_FSESSION: /* struct link */
		return TRAMP_FEXIT;
	case PROGRAM_FMOD_RET:
		return TRAMP_FMOD_RET;
	default:
		return TRAMP_FENTRY;
	}
}

void object_drop_parts(struct utramp_link *l, size_t n)
{
	while (l->parts.n > n)
		link_remove(l->parts.at[--l->parts.n]);
}

void object_drop_link(struct utramp_link *l)
{
	struct utramp_object *o = l->object;

	if (o->target)
		late_forget(o->target, (struct late_owner){ .link = l });
	object_drop_parts(l, 0);
	vec_free(&l->parts);
	for (size_t i = 0; i < o->links.n; i++) {
		if (o->links.at[i] == l) {
			o->links.at[i] = o->links.at[--o->links.n];
			break;
		}
	}
	free(l);
}

static bool has_part(const struct utramp_link *l, const struct hook *h)
{
	for (size_t i = 0; i < l->parts.n; i++) {
		if (l->parts.at[i]->hook == h)
			return true;
	}
	return false;
}

/* A function that is passed over instead of failing the whole; not one named twice. */
static bool passes(const struct utramp_attach_opts *o, const struct utramp_link *l,
		   const struct hook *h, bool pattern, enum tramp_kind kind, int err)
{
	if (err == -ENOMEM || has_part(l, h))
		return false;
	return o->missing_ok || (pattern && func_refusal(h->func, kind));
}

static int link_one(struct utramp_program *p, struct utramp_target *t, struct hook *h,
		    const struct utramp_attach_opts *o, struct utramp_link *l, struct diag *d)
{
	struct link *part;
	int err = hook_link(t, h, p->prog, tramp_kind_of(p->kind), o->cookie, &part, d);

	if (err == -EBUSY && has_part(l, h))
		return diag_set(d, -EINVAL, "%s is in the list more than once", h->func->name);
	if (err)
		return err;
	err = vec_push(&l->parts, part);
	if (err)
		link_remove(part);
	else
		session_warn(t, h->func, o);
	return err;
}

/* A pattern means the functions that can be attached; none at all is a failure even so. */
static int link_hooks(struct utramp_program *p, const struct hook_list *list,
		      const struct utramp_attach_opts *o, struct utramp_link *l, struct diag *d)
{
	struct utramp_target *t = p->object->target;
	size_t before = l->parts.n;
	int passed = 0;

	for (size_t i = 0; i < list->n; i++) {
		int err = link_one(p, t, list->at[i], o, l, d);

		session_progress(t, STEP_LINKED, i + 1, list->n);
		if (!err)
			continue;
		if (!passes(o, l, list->at[i], list->pattern, tramp_kind_of(p->kind), err))
			return err;
		if (o->missing)
			o->missing(o->ctx, diag_text(d, err));
		passed = err;
	}
	return l->parts.n == before && !o->missing_ok ? passed : (int)(l->parts.n - before);
}

static int link_all(struct utramp_program *p, struct utramp_target *t, const char *spec,
		    const struct utramp_attach_opts *o, struct utramp_link *l, struct diag *d)
{
	struct hook_list list = { 0 };
	int err = session_hooks(t, spec, &list, d);
	bool waits;

	if (!err && o->within)
		err = session_within(t, o->within, &list, d);
	waits = late_means(t, spec, !err);
	if (err == -ENOENT && waits) {
		err = 0;
	} else if (err == -ENOENT && o->missing_ok) {
		if (o->missing)
			o->missing(o->ctx, diag_text(d, err));
		err = 0;
	}
	if (!err)
		err = link_hooks(p, &list, o, l, d);
	if (err >= 0 && waits)
		err = late_add(t, spec, list.n, o, (struct late_owner){ .prog = p, .link = l }, d);
	vec_free(&list);
	return err < 0 ? err : 0;
}

int object_late(struct utramp_program *p, struct utramp_link *l, const struct hook_list *list,
		const struct utramp_attach_opts *o, struct diag *d)
{
	size_t before = l->parts.n;
	struct hook_list fresh = { .pattern = list->pattern };
	int n = 0;

	for (size_t i = 0; i < list->n && !n; i++) {
		if (!has_part(l, list->at[i]))
			n = vec_push(&fresh, list->at[i]);
	}
	if (!n)
		n = link_hooks(p, &fresh, o, l, d);
	vec_free(&fresh);
	if (n < 0)
		object_drop_parts(l, before);
	return n;
}

/* Each of the list, with its cookie: all or none. */
static int link_list(struct utramp_program *p, struct utramp_target *t,
		     const struct utramp_attach_opts *o, struct utramp_link *l, struct diag *d)
{
	struct utramp_attach_opts one = *o;
	int err = 0;

	for (size_t i = 0; i < o->cnt && !err; i++) {
		if (!o->syms[i])
			return diag_set(d, -EINVAL, "options: syms[%zu] is no function", i);
		if (o->cookies)
			one.cookie = o->cookies[i];
		err = link_all(p, t, o->syms[i], &one, l, d);
	}
	return err;
}

static bool has_list(const struct utramp_attach_opts *o)
{
	return o->syms || o->cookies || o->cnt;
}

static int check_list(const struct utramp_program *p, const char *spec,
		      const struct utramp_attach_opts *o, struct diag *d)
{
	if (!o->syms || !o->cnt)
		return diag_set(d, -EINVAL, "options: syms and cnt go together, cookies with them");
	if (!p->multi)
		return diag_set(d, -EINVAL,
				"a list of functions is for .multi programs, and %s is in section "
				"'%s'",
				object_program_name(p), object_program_section(p));
	return spec ? diag_set(d, -EINVAL, "a list and a spec: give one of them") : 0;
}

static int check_attach(const struct utramp_program *p, const struct utramp_target *t,
			const char *spec, struct diag *d)
{
	if (!p->prog || p->object->target != t)
		return diag_set(d, -EINVAL, "program %s is not loaded for this target",
				object_program_name(p));
	if (!spec)
		return diag_set(d, -EINVAL,
				"program %s names no function: use --attach %s=[MODULE:]FUNCTION",
				object_program_name(p), object_program_name(p));
	return 0;
}

/* spec NULL: to each function that the program has. */
static int attach(struct utramp_program *p, struct utramp_target *t, const char *spec,
		  const struct utramp_attach_opts *o, struct utramp_link **out, struct diag *d)
{
	/* of one that tail calls reach nobody says that it is to run by itself, too */
	bool tailed = !spec && !has_list(o) && p->prog && p->prog->tail && p->object->target == t;
	const char *own = spec || has_list(o) || tailed ? NULL : object_program_target(p, 0);
	int err = has_list(o) ? check_list(p, spec, o, d) : 0;
	struct utramp_link *l;

	if (!err && !tailed)
		err = check_attach(p, t, has_list(o) ? "" : spec ? spec : own, d);
	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l || vec_push(&p->object->links, l) < 0) {
		free(l);
		return -ENOMEM;
	}
	l->object = p->object;
	if (has_list(o))
		err = link_list(p, t, o, l, d);
	else if (spec)
		err = link_all(p, t, spec, o, l, d);
	for (size_t i = 0; own && !err; own = object_program_target(p, ++i))
		err = link_all(p, t, own, o, l, d);
	if (!err)
		err = late_keep(t);
	if (!err && !session_waits(t))
		err = session_commit(t, d);
	if (err) {
		object_drop_link(l);
		session_settle(t, NULL); /* it may be in images already */
		return session_blame(t, err, d);
	}
	*out = l;
	return 0;
}

struct utramp_link *utramp_program__attach(struct utramp_program *p, struct utramp_target *t,
					   const char *spec, const struct utramp_attach_opts *opts)
{
	struct utramp_attach_opts own;
	struct diag *d = api_diag();
	struct utramp_link *l;
	int err;

	if (!p || !t)
		return api_null(api_misuse("program or target"));
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err)
		err = attach(p, t, spec, &own, &l, d);
	return err ? api_null(err) : l;
}

int utramp_program__fd(const struct utramp_program *p)
{
	if (!p)
		return api_misuse("program");
	if (!p->prog)
		return api_return(diag_set(api_diag(), -EINVAL, "program %s is not loaded",
					   object_program_name(p)));
	return bpf_program__fd(p->libbpf);
}

int utramp_object__attach(struct utramp_object *o, struct utramp_target *t,
			  const struct utramp_attach_opts *opts)
{
	struct utramp_attach_opts own;
	struct diag *d = api_diag();
	size_t before;
	int err;

	if (!o || !t)
		return api_misuse("object or target");
	before = o->links.n;
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err && has_list(&own))
		err = diag_set(d, -EINVAL, "options: a list of functions is for one program");
	if (!err && (o->target != t || !o->loaded))
		err = diag_set(d, -EINVAL, "%s is not loaded for this target", o->path);
	for (size_t i = 0; i < o->programs.n && !err; i++) {
		struct utramp_program *p = o->programs.at[i];
		struct utramp_link *l;

		if (p->prog && object_program_target(p, 0))
			err = attach(p, t, NULL, &own, &l, d);
	}
	while (err && o->links.n > before)
		object_drop_link(o->links.at[o->links.n - 1]);
	if (err && o->target)
		session_settle(o->target, NULL);
	return api_return(err);
}

unsigned utramp_link__functions(const struct utramp_link *l)
{
	return (unsigned)l->parts.n;
}

int utramp_link__destroy(struct utramp_link *l)
{
	struct utramp_target *t = l ? l->object->target : NULL;
	struct diag *d = api_diag();

	if (!l)
		return 0;
	object_drop_link(l);
	return t ? api_return(session_settle(t, d)) : 0;
}
