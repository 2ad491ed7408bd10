/*
 * attach/session.c - start a target and everything that belongs to one run; see session.h.
 */
#include "attach/session.h"
#include "attach/generated.h"
#include "attach/image.h"
#include "attach/late.h"
#include "attach/object.h"
#include "attach/symbols.h"
#include "ctl/follow.h"
#include "ctl/self.h"
#include "rt/rt.h"
#include "rt/slab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PRINTK_RING (1u << 20)

static struct slab_template slab_of_rt(bool interp)
{
	return (struct slab_template){
		.bytes = interp ? slab_interp_template : slab_template,
		.size = interp ? slab_interp_template_size : slab_template_size,
		.file_size = interp ? slab_interp_file_size : slab_file_size,
		.code_size = SLAB_CODE,
		.shadow_distance = SLAB_SHADOW_DISTANCE,
	};
}

taddr_t session_rt_symbol(const struct utramp_target *t, unsigned slab, const char *name)
{
	const struct objsym *s = name ? objfile_sym(t->slab, name) : NULL;

	return s ? s->addr + t->proc->slab[slab].bias : 0;
}

/* Where maps, helpers and the guard are, seen from code in this slab. */
static void make_env(struct utramp_target *t, unsigned slab)
{
	struct engine_env *e = &t->env[slab];
	const struct helper *h;
	unsigned n;

	h = helper_table(&n);
	*e = (struct engine_env){ .arena = t->proc->arena, .tls_off = t->proc->tls_off };
	for (unsigned i = 0; i < n; i++)
		e->helper[h[i].id] = session_rt_symbol(t, slab, h[i].symbol);
	e->helper[HELPER_FORMAT_ARGS] = session_rt_symbol(t, slab, "rt_format_args");
	e->guard_slow = session_rt_symbol(t, slab, "rt_guard_slow");
	e->first = session_rt_symbol(t, slab, "rt_first");
	e->tail = session_rt_symbol(t, slab, "rt_tail");
	e->set_result = session_rt_symbol(t, slab, "rt_set_result");
	e->tails = session_rt_symbol(t, slab, "rt_tails");
	e->interp = session_rt_symbol(t, slab, t->interp ? "interp_enter" : NULL);
	e->hash_lookup = session_rt_symbol(t, slab, "rt_hash_lookup");
	e->hash_update = session_rt_symbol(t, slab, "rt_map_hash_update");
	e->hash_delete = session_rt_symbol(t, slab, "rt_map_hash_delete");
	e->clock_gettime = t->proc->clock_gettime;
	t->run_end[slab] = session_rt_symbol(t, slab, "rt_run_end");
	t->room[slab] =
		(struct code_room){ .lo = t->proc->slab[slab].text,
				    .hi = t->proc->slab[slab].text + t->proc->slab[slab].room,
				    .next = t->proc->slab[slab].text };
}

/* The ring that bpf_trace_printk() writes into. */
static int make_printk(struct utramp_target *t, struct diag *d)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_RINGBUF,
				 .max_entries = PRINTK_RING,
				 .name = "printk" };
	int err = map_create(t->arena, &attr, &t->printk, d);

	if (err)
		return err;
	t->arena->hdr->printk = t->printk->ref;
	return ring_reader_new(t->arena, t->printk->ref, &t->printk_reader);
}

/* "Seccomp: 2" in /proc/PID/status: system calls of ours might kill it. */
static bool has_seccomp(pid_t pid)
{
	char path[64], line[256];
	int mode = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Seccomp: %d", &mode) == 1)
			break;
	}
	fclose(f);
	return mode != 0;
}

/*
 * Map what the arena has grown since, so that programs find their maps.  The first time
 * makes the addresses that the environments are built from.
 */
int session_map(struct utramp_target *t, struct diag *d)
{
	if (!t->filtered && !t->proc->self)
		t->filtered = process_filtered(t->proc);
	return process_map_arena(t->proc, t->arena, faults_flags(t), d);
}

int session_blame(struct utramp_target *t, int err, struct diag *d)
{
	return err >= 0 || t->file ? err : process_blame(t->proc, err, d);
}

/* A process with its slabs is there: what else a session needs of it. */
static int session_enter(struct utramp_target *t, struct diag *d)
{
	const char *skip[SLABS];
	int err;

	err = session_map(t, d);
	t->seccomp = t->filtered || has_seccomp(t->proc->pid);
	if (err)
		return diag_inner(session_blame(t, err, d));
	for (unsigned i = 0; i < SLABS; i++) {
		make_env(t, i);
		skip[i] = t->proc->slab[i].path;
	}
	if (t->proc->stopped && !t->proc->child &&
	    !t->proc->fresh) /* attached to: it need not wait any more */
		err = process_resume(t->proc, d);
	if (!err)
		err = modset_add_process(t->mods, t->proc->pid, &t->proc->modules, skip, SLABS, d);
	session_libc(t); /* there with the first commit */
	/* of one that was killed meanwhile no module can be opened, which is no error there */
	if (!err && !process_alive(t->proc))
		err = -ESRCH;
	return diag_inner(session_blame(
		t, err, d)); /* the command's own errors are those of process_spawn() */
}

static int session_start(struct utramp_target *t, char *const argv[],
			 const struct utramp_spawn_opts *opts, struct diag *d)
{
	struct slab_template slab = slab_of_rt(t->interp);
	struct process_spawn_opts so = { .slab = &slab, .dir = opts ? opts->slab_dir : NULL };
	int err = process_spawn(argv, &so, &t->proc, d);

	return err || t->proc->exited ? err : session_enter(t, d);
}

/* The soft limit, for a message; 0: there is none. */
static unsigned long long limit_of(__rlimit_resource_t what)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	getrlimit(what, &r);
	return r.rlim_cur == RLIM_INFINITY ? 0 : (unsigned long long)r.rlim_cur;
}

/* The arena is address space and a sparse file, not memory: what refuses it is a limit. */
static int make_arena(struct utramp_target *t, struct diag *d)
{
	const unsigned long long mib = (unsigned long long)ARENA_SIZE >> 20;
	int err = arena_create(&t->arena);
	unsigned long long as = limit_of(RLIMIT_AS);

	if (err == -EFBIG)
		return diag_set(
			d, err,
			"RLIMIT_FSIZE is %llu KiB, and a file of %llu MiB is needed, most of "
			"it never written: raise it (ulimit -f unlimited)",
			limit_of(RLIMIT_FSIZE) >> 10, mib);
	if (err != -ENOMEM)
		return err;
	if (!as)
		return diag_set(d, err, "no room for %llu MiB of address space", mib);
	return diag_set(d, err,
			"RLIMIT_AS is %llu MiB, and here and in the target %llu MiB of address "
			"space are needed: raise it (ulimit -v unlimited)",
			as >> 20, mib);
}

/* All that does not depend on the process.  On failure the caller frees *out. */
static int session_new(bool interp, struct utramp_target **out, struct diag *d)
{
	const struct slab_template slab = slab_of_rt(interp);
	struct utramp_target *t = calloc(1, sizeof(*t));
	const struct sys_ops ops = { .tail_ready = session_tail_ready,
				     .judged = object_judged,
				     .arg = t };
	int err = t ? modset_new(&t->mods) : -ENOMEM;

	*out = t;
	if (t)
		t->interp = interp;
	if (!err)
		err = types_init(&t->types);
	if (!err)
		err = make_arena(t, d);
	if (!err)
		err = sys_open(t->arena, &ops, &t->sys);
	if (!err)
		err = make_printk(t, d);
	if (!err)
		err = objfile_open_mem(slab.bytes, slab.size, "slab", &t->slab, d);
	return diag_inner(err);
}

static int session_end(struct utramp_target *t, int err, struct utramp_target **out)
{
	if (err)
		session_free(t);
	else
		*out = t;
	return err;
}

int session_spawn(char *const argv[], const struct utramp_spawn_opts *opts,
		  struct utramp_target **out, struct diag *d)
{
	struct utramp_target *t;
	int err = session_new(opts && opts->engine == UTRAMP_INTERP, &t, d);

	if (!err)
		err = faults_ask(&t->faults, opts ? opts->faults : NULL, d);
	if (!err)
		err = session_start(t, argv, opts, d);
	return session_end(t, err, out);
}

/* Of a process that has its slabs; p is the session's from here on, whatever comes. */
static int session_on(struct process *p, const struct utramp_spawn_opts *opts,
		      struct utramp_target **out, struct diag *d)
{
	struct utramp_target *t;
	int err = session_new(opts->engine == UTRAMP_INTERP, &t, d);

	if (t)
		t->proc = p;
	else
		process_free(p);
	if (!err)
		err = faults_ask(&t->faults, opts->faults, d);
	if (!err)
		err = session_enter(t, d);
	return session_end(t, err, out);
}

int session_executed(struct follow *f, pid_t pid, const struct utramp_spawn_opts *opts,
		     struct utramp_target **out, struct diag *d)
{
	const struct slab_template slab = slab_of_rt(opts->engine == UTRAMP_INTERP);
	const struct follow_load_opts lo = { .slab = &slab, .dir = opts->slab_dir };
	struct process *p = NULL;
	int err = follow_load(f, pid, &lo, &p, d);

	return err ? err : session_on(p, opts, out, d);
}

int session_self(const struct utramp_spawn_opts *opts, struct utramp_target **out, struct diag *d)
{
	struct slab_template slab = slab_of_rt(opts->engine == UTRAMP_INTERP);
	struct process *p;
	/* before the arena, below which there is no room in reach of the libraries */
	int err = process_self(&slab, opts->slab_dir, &p, d);

	return err ? err : session_on(p, opts, out, d);
}

int session_attach(pid_t pid, const struct utramp_attach_pid_opts *opts, struct utramp_target **out,
		   struct diag *d)
{
	struct utramp_target *t;
	struct slab_template slab;
	struct process_attach_opts ao = { .slab = &slab,
					  .dir = opts ? opts->slab_dir : NULL,
					  .errno_off = session_errno_off };
	int err = session_new(opts && opts->engine == UTRAMP_INTERP, &t, d);

	if (!err)
		err = faults_ask(&t->faults, opts ? opts->faults : NULL, d);
	if (!err) {
		slab = slab_of_rt(t->interp);
		err = process_attach(pid, &ao, &t->proc, d);
	}
	if (!err) {
		t->together = opts && opts->together;
		err = session_enter(t, d);
	}
	if (!err)
		late_mark(t);
	return session_end(t, err, out);
}

/* -- a file in place of a process -------------------------------------------------------- */

/* Where Linux puts what can be anywhere, and the arena: any place beyond 32 bits. */
#define FILE_BIAS  0x555555554000ull
#define FILE_ARENA 0x7fff00000000ull
#define FILE_TLS   (-(int)sizeof(struct rt_tls))

static taddr_t end_of(const struct amodule *m)
{
	taddr_t end = 0;

	for (unsigned i = 0; i < m->obj->nseg; i++) {
		const struct objseg *s = &m->obj->seg[i];

		end = s->addr + s->memsz > end ? s->addr + s->memsz : end;
	}
	return end + m->bias;
}

/* Both slabs in one place, behind the module (NULL: there is none). */
static int place_slabs(struct utramp_target *t, struct amodule *m)
{
	const struct objsym *text = objfile_sym(t->slab, "slab_text");
	taddr_t base;

	if (m)
		m->bias = m->obj->is_dyn ? FILE_BIAS : 0;
	base = ALIGN_UP(m ? end_of(m) : FILE_BIAS, (taddr_t)SLAB_ADDRESS_SPACE);
	t->proc = process_none();
	if (!t->proc || !text)
		return -ENOMEM;
	t->proc->arena = FILE_ARENA;
	t->proc->tls_off = FILE_TLS;
	for (unsigned i = 0; i < SLABS; i++) {
		t->proc->slab[i].bias = base;
		t->proc->slab[i].text = base + text->addr;
		t->proc->slab[i].room = SLAB_CODE;
		make_env(t, i);
	}
	session_libc(t);
	return 0;
}

static int add_file(struct utramp_target *t, const char *spec, struct diag *d)
{
	struct fspec s;
	int err = fspec_parse(spec, &s, d);

	if (err)
		return err;
	err = modset_add_file(t->mods, s.module, d);
	fspec_fini(&s);
	return err;
}

/* Before anything is made. */
static int check_file(const char *spec, struct diag *d)
{
	struct fspec s;
	int err = fspec_parse(spec, &s, d);

	if (err)
		return err;
	if (!s.module)
		err = diag_set(d, -EINVAL, "'%s': name the file, FILE:%s, or a command behind --",
			       spec, s.func);
	fspec_fini(&s);
	return err;
}

int session_file(const char *spec, struct utramp_target **out, struct diag *d)
{
	struct utramp_target *t = NULL;
	int err = spec ? check_file(spec, d) : 0;

	if (!err)
		err = session_new(false, &t, d);
	if (!err && spec)
		err = add_file(t, spec, d);
	if (!err)
		err = place_slabs(t, spec ? t->mods->at[0] : NULL);
	if (!err)
		t->file = true;
	return session_end(t, err, out);
}

static void hook_free(struct hook *h)
{
	for (int k = 0; k < TRAMP_KINDS; k++) {
		while (h->list[k].n)
			link_unhook(h->list[k].at[0]);
		vec_free(&h->list[k]);
	}
	vec_free(&h->gates);
	image_free(h->live);
	image_free(h->ready);
	func_free(h->func);
	free(h);
}

static void unchain(struct utramp_target *t, const struct hook *h)
{
	struct hook **at = session_chain(t, h->func);

	while (*at && *at != h)
		at = &(*at)->chained;
	if (*at)
		*at = h->chained;
}

void session_drop_hooks(struct utramp_target *t, size_t n)
{
	while (t->hooks.n > n) {
		struct hook *h = t->hooks.at[t->hooks.n - 1];

		if (h->slot_at || hook_has_links(h) || faults_stand_in(t, h) >= 0)
			return; /* the one who was shown them attached at once */
		t->hooks.n--;
		unchain(t, h);
		func_give_back(h->func);
		hook_free(h);
	}
}

void session_free(struct utramp_target *t)
{
	if (!t)
		return;
	if (t->proc && t->proc->stopped && !t->proc->child && !t->proc->self)
		process_resume(t->proc, NULL); /* attaching failed half way */
	if (t->proc && !t->proc->exited && !t->proc->stopped && !session_detach(t, NULL) &&
	    !t->left)
		process_leave(t->proc, t->arena, NULL);
	late_free(t);
	while (t->objects.n)
		object_orphan(t->objects.at[t->objects.n - 1]);
	while (t->generated.n)
		t->generated.at[t->generated.n - 1]->kind->orphan(
			t->generated.at[t->generated.n - 1]);
	while (t->rings.n)
		ringbuf_orphan(t->rings.at[t->rings.n - 1]);
	reclaim_fini(t);
	for (size_t i = 0; i < t->hooks.n; i++)
		hook_free(t->hooks.at[i]);
	vec_free(&t->hooks);
	vec_free(&t->rings);
	vec_free(&t->generated);
	vec_free(&t->objects);
	while (t->tails.n)
		program_put(t->tails.at[--t->tails.n]);
	vec_free(&t->tails);
	process_free(t->proc);
	objfile_close(t->slab);
	ring_reader_free(t->printk_reader);
	map_put(t->printk);
	sys_close(t->sys);
	types_fini(&t->types);
	modset_free(t->mods);
	symbols_free(t->symbols);
	for (unsigned i = 0; i < SLABS; i++)
		names_fini(&t->names[i]);
	for (unsigned i = 0; i < SLABS; i++)
		room_fini(&t->room[i]);
	stage_fini(&t->stages);
	arena_destroy(t->arena);
	free(t);
}

static int no_process(const struct utramp_target *t, struct diag *d)
{
	return diag_set(d, -EINVAL, "%s is a file, it does not run",
			t->mods->n ? t->mods->at[0]->shown : "the target");
}

int session_together(struct utramp_target *t, struct diag *d)
{
	if (t->file)
		return no_process(t, d);
	t->together = true;
	return 0;
}

int session_resume(struct utramp_target *t, struct diag *d)
{
	bool together = t->together;
	int err;

	if (t->file)
		return no_process(t, d);
	if (t->proc->exited)
		return 0;
	if (!session_waits(t))
		return diag_set(d, -EINVAL, "process %d runs already", (int)t->proc->pid);
	t->together = false;
	err = session_commit(t, d);
	t->together = err && together;
	if (!err && t->proc->stopped)
		err = process_resume(t->proc, d);
	return session_blame(t, err, d);
}

/* What was read of the process last, while many functions are looked at in one go. */
struct live_block {
	taddr_t lo;
	size_t n; /* 0: nothing */
	uint8_t bytes[64 << 10];
};

/* A patch compares again what it replaces, so what changes in between is found then. */
static int read_live(void *arg, taddr_t addr, void *out, size_t n)
{
	struct utramp_target *t = arg;
	struct live_block *b = t->live;

	if (!b || n > sizeof(b->bytes) / 4)
		return process_read(t->proc, addr, out, n);
	if (addr < b->lo || addr - b->lo > b->n || b->n - (addr - b->lo) < n) {
		b->lo = addr - addr % 4096;
		b->n = sizeof(b->bytes);
		if (process_read(t->proc, b->lo, b->bytes, b->n) < 0)
			b->n = 0; /* the mapping ends in between */
	}
	if (!b->n)
		return process_read(t->proc, addr, out, n);
	memcpy(out, b->bytes + (addr - b->lo), n);
	return 0;
}

/* A function that is hooked already is known: its bytes are ours by now. */
struct hook **session_chain(struct utramp_target *t, const struct func *f)
{
	return &t->by_func[(func_addr(f) >> 4 ^ func_addr(f) >> 16) % HOOK_CHAINS];
}

struct hook *session_find_hook(const struct utramp_target *t, const struct func *f)
{
	struct hook *h = *session_chain((struct utramp_target *)(uintptr_t)t, f);

	while (h && (h->func->mod != f->mod || h->func->addr != f->addr))
		h = h->chained;
	return h;
}

int session_hook(struct utramp_target *t, struct func *f, struct hook **out, struct diag *d)
{
	struct live live = { read_live, t };
	struct hook *h = session_find_hook(t, f);
	int err;

	if (h) {
		bool in_use =
			hook_has_links(h) || (h->slot_at && h->func->types_seen != TYPES_UNSEEN);

		func_free(f);
		*out = h;
		f = h->func;
		return in_use || f->types_seen == t->types.generation ?
			       0 :
			       func_retype(f, &t->types, t->mods->pool);
	}
	err = func_prepare(f, &t->types, t->file ? NULL : &live, t->mods->pool, d);
	if (err) {
		func_free(f);
		return err;
	}
	return hook_new(t, f, out);
}

int session_hook_untyped(struct utramp_target *t, struct func *f, struct hook **out, struct diag *d)
{
	struct live live = { read_live, t };
	int err = func_prepare_untyped(f, t->file ? NULL : &live, d);

	if (err) {
		func_free(f);
		return err;
	}
	return hook_new(t, f, out);
}

int session_hooks(struct utramp_target *t, const char *spec, struct hook_list *out, struct diag *d)
{
	struct func_list funcs = { 0 };
	struct hook *h;
	struct fspec s;
	int err = fspec_parse(spec, &s, d);

	if (err)
		return err;
	if (t->file || process_alive(t->proc))
		err = func_resolve(t->mods, &s, &funcs, d);
	else
		err = diag_set(d, -ESRCH, "process %d is gone, or runs another program",
			       (int)t->proc->pid);
	out->pattern = s.func_glob || s.module_glob;
	fspec_fini(&s);
	t->live = funcs.n > 16 ? calloc(1, sizeof(*t->live)) : NULL;
	for (size_t i = 0; i < funcs.n && !err; i++) {
		struct func *f = funcs.at[i];

		funcs.at[i] = NULL; /* the hook's, or freed */
		err = session_hook(t, f, &h, d);
		if (!err)
			err = vec_push(out, h);
		session_progress(t, STEP_FOUND, i + 1, funcs.n);
	}
	free(t->live);
	t->live = NULL;
	func_list_fini(&funcs);
	return err;
}

int session_within(struct utramp_target *t, const char *spec, struct hook_list *list,
		   struct diag *d)
{
	struct hook_list in = { 0 };
	int err = session_hooks(t, spec, &in, d);
	bool *named = calloc(t->hooks.n + 1, sizeof(*named)); /* by number */
	size_t kept = 0;

	if (!err && !named)
		err = -ENOMEM;
	for (size_t k = 0; k < in.n && !err; k++)
		named[in.at[k]->number] = true;
	for (size_t i = 0; i < list->n && !err; i++) {
		if (named[list->at[i]->number])
			list->at[kept++] = list->at[i];
	}
	list->n = kept;
	vec_free(&in);
	free(named);
	return err;
}

void session_warn(struct utramp_target *t, const struct func *f,
		  const struct utramp_attach_opts *opts)
{
	char text[512];

	if (!opts || !opts->warn)
		return;
	if (f->mod->pack_why && !f->mod->pack_told) {
		f->mod->pack_told = true;
		snprintf(text, sizeof(text), "the types that come for %s are left out: %s",
			 f->mod->shown, f->mod->pack_why);
		opts->warn(opts->ctx, text);
	}
	if (f->proto.source != PROTO_NONE || t->warned)
		return;
	t->warned = true;
	snprintf(text, sizeof(text),
		 "no types for %s:%s: programs see the six argument registers; give them with "
		 "--proto 'RESULT %s(TYPES)' or --btf %s=FILE",
		 f->mod->shown, f->name, f->name, f->mod->shown);
	opts->warn(opts->ctx, text);
}
