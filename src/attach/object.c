/*
 * attach/object.c - .bpf.o files: libbpf opens and relocates, sys/ keeps what it loads.
 *
 * libbpf knows fentry as a kernel matter: it would look the target up in kernel BTF.  So
 * the section kinds are registered here, as raw tracepoints, and a prepare-load handler
 * tells sys/ what each program really is (reference: libbpf_register_prog_handler).
 */
#include "attach/object.h"
#include "attach/core.h"
#include "attach/ctxdesc.h"
#include "attach/symbols.h"
#include "base/cleanup.h"
#include "utramp/verify.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- what libbpf says, for the reason of a failure ------------------------------------ */

static _Thread_local char said[DIAG_MAX];
static _Thread_local const struct utramp_object *loading;
static _Thread_local struct utramp_program *announced; /* of it */

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Keep the warnings of the call at hand; the last lines matter when there are many. */
static int __attribute__((format(printf, 2, 0)))
hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[1024];
	size_t have, n;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	n = strlen(line);
	have = strlen(said);
	if (have + n >= sizeof(said)) {
		size_t drop = have + n - sizeof(said) + 1;

		drop = drop > have ? have : drop;
		memmove(said, said + drop, have - drop + 1);
		have -= drop;
	}
	snprintf(said + have, sizeof(said) - have, "%s", line);
	return 0;
}

/* libbpf's words without its prefix and trailing newline, on one line. */
static int heard(struct diag *d, int err, const char *path, const char *doing)
{
	const char *text = said;
	size_t n;

	if (!strncmp(text, "libbpf: ", 8))
		text += 8;
	n = strcspn(text, "\n");
	if (!n)
		return diag_set(d, err, "cannot %s %s: %s", doing, path, strerror(-err));
	return diag_set(d, err, "cannot %s %s: %.*s", doing, path, (int)n, text);
}

/* -- section kinds --------------------------------------------------------------------- */

static const struct section_kind {
	const char *sec; /* as registered with libbpf */
	enum program_kind kind;
	bool multi;
} section_kinds[] = {
	{ "fentry+", PROGRAM_FENTRY, false },
	{ "fentry.s+", PROGRAM_FENTRY, false },
	{ "fexit+", PROGRAM_FEXIT, false },
	{ "fexit.s+", PROGRAM_FEXIT, false },
	{ "fmod_ret+", PROGRAM_FMOD_RET, false },
	{ "fmod_ret.s+", PROGRAM_FMOD_RET, false },
	{ "fsession+", PROGRAM_FSESSION, false },
	{ "fsession.s+", PROGRAM_FSESSION, false },
	{ "fentry.multi+", PROGRAM_FENTRY, true },
	{ "fentry.multi.s+", PROGRAM_FENTRY, true },
	{ "fexit.multi+", PROGRAM_FEXIT, true },
	{ "fexit.multi.s+", PROGRAM_FEXIT, true },
	{ "fsession.multi+", PROGRAM_FSESSION, true },
	{ "fsession.multi.s+", PROGRAM_FSESSION, true },
};

/* cookie: which of section_kinds. */
static int announce(struct bpf_program *p, struct bpf_prog_load_opts *opts, long cookie)
{
	const struct section_kind *k = &section_kinds[cookie];
	const struct ctxdesc *ctx = NULL;

	(void)opts;
	announced = NULL;
	for (size_t i = 0; loading && i < loading->programs.n; i++)
		if (loading->programs.at[i]->libbpf == p)
			announced = loading->programs.at[i];
	if (announced)
		ctx = announced->ctx;
	if (loading)
		sys_expect(loading->target->sys,
			   &(struct sys_expect){ .kind = k->kind,
						 .multi = k->multi,
						 .nslots = PROGRAM_NO_CTX,
						 .ctx = ctx ? &ctx->desc : NULL,
						 .allow_write = loading->allow_write,
						 .lossless = loading->lossless,
						 .log_level = loading->log_level });
	return 0;
}

struct utramp_program *object_loading(void)
{
	return announced;
}

static int register_kinds(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static size_t done;
	int id = 0;

	pthread_mutex_lock(&lock);
	for (; done < ARRAY_LEN(section_kinds) && id >= 0; done += id >= 0) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, o, .cookie = (long)done,
			    .prog_prepare_load_fn = announce);

		if (!done)
			libbpf_set_print(hear);
		id = libbpf_register_prog_handler(section_kinds[done].sec,
						  BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &o);
	}
	pthread_mutex_unlock(&lock);
	return id < 0 ? id : 0;
}

/* The kind of "fexit/libfoo.so:bar", and where the function's spec begins (NULL: bare). */
static const struct section_kind *section_parse(const char *sec, const char **spec)
{
	sec += *sec == '?'; /* libbpf: not loaded by default */
	for (size_t i = 0; i < ARRAY_LEN(section_kinds); i++) {
		size_t n = strlen(section_kinds[i].sec) - 1;

		if (strncmp(sec, section_kinds[i].sec, n) != 0 || (sec[n] && sec[n] != '/'))
			continue;
		*spec = sec[n] && sec[n + 1] ? sec + n + 1 : NULL;
		return &section_kinds[i];
	}
	return NULL;
}

static int refuse_section(const struct utramp_object *o, const char *prog, const char *sec,
			  struct diag *d)
{
	const char *bare = sec + (*sec == '?');

	if (!strncmp(bare, "fmod_ret.multi", strlen("fmod_ret.multi")))
		return diag_set(d, -ENOTSUP,
				"%s: program %s is in section '%s': there is no fmod_ret.multi, "
				"here as in the kernel; name it fmod_ret/PATTERN",
				o->path, prog, sec);
	return diag_set(
		d, -ENOTSUP,
		"%s: program %s is in section '%s': utramp runs fentry, fexit, fmod_ret and "
		"fsession programs; name the section fentry/[MODULE:]FUNCTION",
		o->path, prog, sec);
}

/* -- open, load, close -------------------------------------------------------------------- */

static int add_program(struct utramp_object *o, struct bpf_program *bp, struct diag *d)
{
	struct utramp_program *p = calloc(1, sizeof(*p));
	const char *sec = bpf_program__section_name(bp);
	const struct section_kind *k;

	if (!p)
		return -ENOMEM;
	p->object = o;
	p->libbpf = bp;
	k = section_parse(sec, &p->spec);
	if (!k) {
		free(p);
		return refuse_section(o, bpf_program__name(bp), sec, d);
	}
	p->kind = k->kind;
	p->multi = k->multi;
	if (vec_push(&o->programs, p) < 0) {
		free(p);
		return -ENOMEM;
	}
	return 0;
}

static int read_programs(struct utramp_object *o, struct diag *d)
{
	struct bpf_program *bp;
	int err = 0;

	bpf_object__for_each_program(bp, o->libbpf)
	{
		if (!err)
			err = add_program(o, bp, d);
	}
	if (!err && !o->programs.n)
		err = diag_set(d, -EBADMSG, "%s has no program", o->path);
	return err;
}

static struct utramp_object *object_new(void)
{
	struct utramp_object *o = calloc(1, sizeof(*o));

	if (o)
		o->core_fd = -1;
	return o;
}

/* The file was not opened at all: what the object is like is another matter. */
static bool cannot_open(int err)
{
	return err == ENOENT || err == EACCES || err == EMFILE || err == ENFILE;
}

/* What cannot be read at all libbpf refuses by itself. */
static int check_btf(const char *path, struct diag *d)
{
	struct btf_reader *r = NULL;
	struct diag why = { "" };
	int err = btfr_open(path, &r, &why) == 0 ? btfr_check(r, &why) : 0;

	btfr_close(r);
	return err ? diag_set(d, err, "%s: %s", path, why.text) : 0;
}

int object_open(const char *path, const struct utramp_object_opts *opts, struct utramp_object **out,
		struct diag *d)
{
	struct utramp_object *o = object_new();
	char core[CORE_PATH_ROOM];
	LIBBPF_OPTS(bpf_object_open_opts, open_opts, .btf_custom_path = core);
	int err = o ? register_kinds() : -ENOMEM;

	if (!err)
		err = check_btf(path, d);
	if (!err)
		err = core_init(o, core);
	if (err)
		goto out;
	o->lossless = opts->lossless;
	o->path = strdup(path);
	o->btf = opts->btf ? strdup(opts->btf) : NULL;
	if (!o->path || (opts->btf && !o->btf)) {
		err = -ENOMEM;
		goto out;
	}
	said[0] = '\0';
	o->libbpf = bpf_object__open_file(path, &open_opts);
	if (!o->libbpf) {
		err = cannot_open(errno) ? -errno : -EBADMSG;
		err = err == -EBADMSG ? heard(d, err, path, "read") :
					diag_set(d, err, "%s: %s", path, strerror(-err));
		goto out;
	}
	err = read_programs(o, d);
	if (!err) {
		*out = o;
		return 0;
	}
out:
	object_close(o);
	return err;
}

/* Stacks are printed with names when the process has ended, so look at it from now on. */
static int want_symbols(struct utramp_target *t)
{
	int err = t->symbols ? 0 : symbols_new(&t->symbols);

	return err ? err : symbols_look(t->symbols, t, true);
}

static int bind_maps(struct utramp_object *o)
{
	struct bpf_map *bm;
	int err;

	bpf_object__for_each_map(bm, o->libbpf)
	{
		struct utramp_map *m = calloc(1, sizeof(*m));

		if (!m || vec_push(&o->maps, m) < 0) {
			free(m);
			return -ENOMEM;
		}
		m->object = o;
		m->libbpf = bm;
		m->name = bpf_map__name(bm);
		m->map = sys_map_by_fd(o->target->sys, bpf_map__fd(bm));
		if (!m->map)
			return -ENOENT;
		m->target = o->target;
		m->type = m->map->attr.type;
		m->key_size = m->map->attr.key_size;
		m->value_size = m->map->attr.value_size;
		err = m->type == BPF_MAP_TYPE_STACK_TRACE ? want_symbols(o->target) : 0;
		if (err)
			return err;
	}
	return 0;
}

/* The first line of the checks' words, or libbpf's if they had none. */
static int load_error(const struct utramp_object *o, int err, struct diag *d)
{
	const char *why = sys_last_error(o->target->sys);

	if (why && o->core_from && strstr(why, "the target does not have"))
		return diag_set(d, err, "%s: %s: CO-RE went by the BTF of %s", o->path, why,
				o->core_from);
	if (why && *why && announced && announced->verdict.err)
		return diag_set(d, err, "%s: program %s: %s", o->path,
				object_program_name(announced), why);
	if (why && *why)
		return diag_set(d, err, "%s: %s", o->path, why);
	/* ESRCH is libbpf's word for an extern that nobody has; ours is for a target that is gone */
	return heard(d, err == -ESRCH ? -ENOTSUP : err, o->path, "load");
}

/* What programs see of the functions that they are for, before the verifier asks. */
static int describe_contexts(struct utramp_object *o, struct utramp_target *t)
{
	int err = 0;

	for (size_t i = 0; i < o->programs.n && !err; i++)
		if (object_program_autoload(o->programs.at[i]))
			err = ctxdesc_of_program(o->programs.at[i], t, &o->programs.at[i]->ctx);
	return err;
}

static void forget_contexts(struct utramp_object *o)
{
	for (size_t i = 0; i < o->programs.n; i++) {
		free(o->programs.at[i]->ctx);
		o->programs.at[i]->ctx = NULL;
	}
}

int object_load(struct utramp_object *o, struct utramp_target *t, struct diag *d)
{
	struct sys_session *former;
	int err;

	if (o->tried)
		return diag_set(d, -EINVAL, "%s was loaded before; open it anew", o->path);
	err = core_choose(o, t, d);
	if (!err)
		err = describe_contexts(o, t);
	if (err) {
		forget_contexts(o);
		return err;
	}
	if (vec_push(&t->objects, o) < 0)
		return -ENOMEM;
	o->tried = true;
	o->target = t;
	said[0] = '\0';
	/* the reason at least, at once: else libbpf loads what failed again to ask for it */
	for (size_t i = 0; i < o->programs.n; i++)
		bpf_program__set_log_level(o->programs.at[i]->libbpf, UTRAMP_LOG_STATS);
	former = sys_enter(t->sys);
	loading = o;
	announced = NULL;
	/* maps come before programs: rings must know by now whether they wait */
	sys_expect(t->sys, &(struct sys_expect){ .lossless = o->lossless });
	sys_expect(t->sys, NULL);
	err = bpf_object__load(o->libbpf);
	sys_expect(t->sys, NULL);
	loading = NULL;
	sys_enter(former);
	forget_contexts(o);
	if (err)
		return load_error(o, err, d);
	for (size_t i = 0; i < o->programs.n; i++) {
		struct utramp_program *p = o->programs.at[i];
		int fd = bpf_program__fd(p->libbpf);

		p->prog = fd >= 0 ? sys_program_by_fd(t->sys, fd) : NULL;
	}
	err = bind_maps(o);
	o->loaded = !err;
	return err;
}

/* Take o from its target. */
static void leave_target(struct utramp_object *o)
{
	struct utramp_target *t = o->target;

	for (size_t i = 0; i < t->objects.n; i++) {
		if (t->objects.at[i] == o) {
			t->objects.at[i] = t->objects.at[--t->objects.n];
			break;
		}
	}
	o->target = NULL;
}

void object_orphan(struct utramp_object *o)
{
	for (size_t i = 0; i < o->links.n; i++) {
		struct utramp_link *l = o->links.at[i];

		while (l->parts.n)
			link_remove(l->parts.at[--l->parts.n]);
	}
	for (size_t i = 0; i < o->programs.n; i++)
		o->programs.at[i]->prog = NULL;
	for (size_t i = 0; i < o->maps.n; i++) {
		o->maps.at[i]->map = NULL;
		o->maps.at[i]->target = NULL;
	}
	leave_target(o);
}

static void program_free(struct utramp_program *p)
{
	for (size_t i = 0; i < p->targets.n; i++)
		free(p->targets.at[i]);
	vec_free(&p->targets);
	program_forget_verdict(p);
	free(p);
}

void object_close(struct utramp_object *o)
{
	if (!o)
		return;
	while (o->links.n)
		object_drop_link(o->links.at[0]);
	vec_free(&o->links);
	if (o->target) {
		session_settle(o->target, NULL);
		leave_target(o);
	}
	for (size_t i = 0; i < o->programs.n; i++)
		program_free(o->programs.at[i]);
	vec_free(&o->programs);
	object_print_free(o);
	for (size_t i = 0; i < o->maps.n; i++)
		free(o->maps.at[i]);
	vec_free(&o->maps);
	if (o->libbpf)
		bpf_object__close(o->libbpf);
	core_fini(o);
	free(o->core_from);
	free(o->btf);
	free(o->path);
	free(o);
}

const char *object_program_target(const struct utramp_program *p, size_t i)
{
	if (p->targets.n)
		return i < p->targets.n ? p->targets.at[i] : NULL;
	return i ? NULL : p->spec;
}

const char *object_program_name(const struct utramp_program *p)
{
	return bpf_program__name(p->libbpf);
}

const char *object_program_section(const struct utramp_program *p)
{
	return bpf_program__section_name(p->libbpf);
}

bool object_program_autoload(const struct utramp_program *p)
{
	return bpf_program__autoload(p->libbpf);
}

int object_set_autoload(struct utramp_program *p, bool on, struct diag *d)
{
	if (p->object->tried)
		return diag_set(d, -EINVAL, "program %s: its object is loaded already",
				object_program_name(p));
	return bpf_program__set_autoload(p->libbpf, on);
}
