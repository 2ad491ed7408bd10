/*
 * attach/api.c - the public functions: targets, objects, programs, links.
 *
 * Each empties the thread's diag, does its work by the internal function, and turns the
 * result into what the header promises.
 */
#include "attach/object.h"
#include "attach/session.h"

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
	int err;

	if (!argv || !argv[0])
		return api_null(diag_set(api_diag(), -EINVAL, "no command"));
	err = session_spawn(argv, opts, &t, api_diag());
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
	return api_return(session_resume(t, api_diag()));
}

int utramp_target__poll(struct utramp_target *t, int timeout_ms)
{
	bool exec = false;
	int n;

	if (t->proc->exited)
		return UTRAMP_EXITED;
	n = process_poll(t->proc, timeout_ms, &exec);
	t->arena->hdr->heartbeat++;
	if (n < 0)
		return api_return(diag_set(api_diag(), n, "cannot wait for process %d: %s",
					   (int)t->proc->pid, strerror(-n)));
	if (n)
		return UTRAMP_EXITED;
	return exec ? UTRAMP_EXECED : UTRAMP_RUNNING;
}

int utramp_target__status(const struct utramp_target *t)
{
	return t->proc->status;
}

int utramp_target__detach(struct utramp_target *t)
{
	return api_return(session_detach(t, api_diag()));
}

uint64_t utramp_target__stopped_ns(const struct utramp_target *t)
{
	return process_stopped_ns(t->proc);
}

int utramp_target__add_btf(struct utramp_target *t, const char *module, const char *file)
{
	return api_return(types_add_btf(&t->types, module, file, api_diag()));
}

int utramp_target__add_proto(struct utramp_target *t, const char *proto)
{
	return api_return(types_add_proto(&t->types, proto, api_diag()));
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
		if (!live)
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
	int err = object_open(path, opts, &o, api_diag());

	return err ? api_null(err) : o;
}

int utramp_object__load(struct utramp_object *o, struct utramp_target *t)
{
	return api_return(object_load(o, t, api_diag()));
}

void utramp_object__close(struct utramp_object *o)
{
	struct utramp_target *t = o ? o->target : NULL;
	bool had_links = o && o->links.n;

	object_close(o);
	if (t && had_links && !t->detached && !t->proc->stopped && !t->proc->exited)
		session_commit(t, NULL);
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
	return k == PROGRAM_FEXIT    ? TRAMP_FEXIT :
	       k == PROGRAM_FMOD_RET ? TRAMP_FMOD_RET :
				       TRAMP_FENTRY;
}

void object_drop_link(struct utramp_link *l)
{
	struct utramp_object *o = l->object;

	for (size_t i = 0; i < l->parts.n; i++)
		link_remove(l->parts.at[i]);
	vec_free(&l->parts);
	for (size_t i = 0; i < o->links.n; i++) {
		if (o->links.at[i] == l) {
			o->links.at[i] = o->links.at[--o->links.n];
			break;
		}
	}
	free(l);
}

static int link_one(struct utramp_program *p, struct utramp_target *t, struct hook *h,
		    const struct utramp_attach_opts *opts, struct utramp_link *l, struct diag *d)
{
	struct link *part;
	int err =
		hook_link(t, h, p->prog, tramp_kind_of(p->kind), opts ? opts->cookie : 0, &part, d);

	if (!err) {
		session_warn(t, h->func, opts);
		return vec_push(&l->parts, part);
	}
	if (!opts || !opts->missing_ok || err == -ENOMEM)
		return err;
	if (opts->missing)
		opts->missing(opts->ctx, diag_text(d, err));
	return 0;
}

static int link_all(struct utramp_program *p, struct utramp_target *t, const char *spec,
		    const struct utramp_attach_opts *opts, struct utramp_link *l, struct diag *d)
{
	struct hook_list list = { 0 };
	int err = session_hooks(t, spec, &list, d);

	if (err && opts && opts->missing_ok && err == -ENOENT) {
		if (opts->missing)
			opts->missing(opts->ctx, diag_text(d, err));
		err = 0;
	}
	for (size_t i = 0; i < list.n && !err; i++)
		err = link_one(p, t, list.at[i], opts, l, d);
	vec_free(&list);
	return err;
}

static int attach(struct utramp_program *p, struct utramp_target *t, const char *spec,
		  const struct utramp_attach_opts *opts, struct utramp_link **out, struct diag *d)
{
	struct utramp_link *l;
	int err;

	spec = spec ? spec : p->spec;
	if (!p->prog || p->object->target != t)
		return diag_set(d, -EINVAL, "program %s is not loaded for this target",
				object_program_name(p));
	if (!spec)
		return diag_set(d, -EINVAL,
				"program %s names no function: use --attach %s=[MODULE:]FUNCTION",
				object_program_name(p), object_program_name(p));
	l = calloc(1, sizeof(*l));
	if (!l || vec_push(&p->object->links, l) < 0) {
		free(l);
		return -ENOMEM;
	}
	l->object = p->object;
	err = link_all(p, t, spec, opts, l, d);
	if (!err && !t->proc->stopped)
		err = session_commit(t, d);
	if (err) {
		object_drop_link(l);
		return err;
	}
	*out = l;
	return 0;
}

struct utramp_link *utramp_program__attach(struct utramp_program *p, struct utramp_target *t,
					   const char *spec, const struct utramp_attach_opts *opts)
{
	struct utramp_link *l;
	int err = attach(p, t, spec, opts, &l, api_diag());

	return err ? api_null(err) : l;
}

int utramp_object__attach(struct utramp_object *o, struct utramp_target *t,
			  const struct utramp_attach_opts *opts)
{
	struct diag *d = api_diag();
	int err = 0;

	for (size_t i = 0; i < o->programs.n && !err; i++) {
		struct utramp_program *p = o->programs.at[i];
		struct utramp_link *l;

		if (p->prog && p->spec)
			err = attach(p, t, NULL, opts, &l, d);
	}
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
	if (t->proc->stopped || t->proc->exited || t->detached)
		return 0;
	return api_return(session_commit(t, d));
}
