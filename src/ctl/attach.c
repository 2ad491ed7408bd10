/*
 * ctl/attach.c - the slabs into a process that runs.
 *
 * Slabs that an earlier session left are taken instead, if there are some (idle.h).  Else:
 *
 *   admit ── files written ── all threads stopped ── one of them stands safe (safepoint.c)
 *              others go on ◀──────────────────────────┤
 *                                                      │ mmap of a stack; dlopen of both
 *                                                      │ slabs on it (call.c)
 *                                                      ▼
 *                                     p->stopped: this thread alone, until process_resume()
 *
 * While the thread calls the loader all others run, for they may hold the locks it takes.
 *
 * A.1  Before the first change everything is known that can be: files, places, functions.
 * A.2  A slab that was loaded stays when the other cannot be: dlclose is never called.
 *
 * Errors   as in process.h
 * Context  [ctl]
 * Spec     dlopen(3); ld.so(8); proc(5); pidfd_open(2)
 */
#include "base/cleanup.h"
#include "ctl/admit.h"
#include "ctl/idle.h"
#include "ctl/journal.h"
#include "ctl/priv.h"
#include "info/objfile.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SAFE_LIMIT_NS 2000000000ull
#define LOAD_LIMIT_NS 10000000000ull

enum {
	TEXT_MAX = 400,                /* of dlerror()'s text */
	DLOPEN_MODE = (int)0x80000000, /* glibc __RTLD_DLOPEN, for __libc_dlopen_mode() */
};

/* -- who cannot be attached to --------------------------------------------------------------- */

/* The value of a line of /proc/PID/status; false: no such process or line. */
static bool status_of(pid_t pid, const char *key, char *out, size_t n)
{
	char path[64], line[256];
	_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		size_t len = strlen(key);

		if (strncmp(line, key, len) != 0)
			continue;
		len += strspn(line + len, " \t");
		snprintf(out, n, "%.*s", (int)strcspn(line + len, "\n"), line + len);
		return true;
	}
	return false;
}

static int admit(struct process *p, struct diag *d)
{
	char text[64];
	pid_t pid = p->pid;
	int err = admit_proc(d);

	if (err)
		return err;
	if (status_of(pid, "Tgid:", text, sizeof(text)) && strtol(text, NULL, 10) != pid)
		return diag_set(d, -EINVAL, "%d is a thread of process %s: give that number",
				(int)pid, text);
	if (pid == getpid())
		return diag_set(d, -ENOTSUP, "a process attaches to itself by utramp/self.h");
	return process_admit(pid, d);
}

/* -- what is there ----------------------------------------------------------------------------- */

struct loading {
	const struct process_attach_opts *opts;
	taddr_t open, error; /* dlopen(), dlerror() or 0 */
	int64_t errno_off;
	uint64_t mode;
	uint64_t deadline;
};

static taddr_t function_of(const struct objfile *o, taddr_t bias, const char *name)
{
	const struct objsym *s = objfile_sym(o, name);

	return s && s->dynamic && s->type == OBJSYM_FUNC ? bias + s->addr : 0;
}

/* libc has it since glibc 2.34, libdl before; what libc had then for itself will do as well. */
static void find_functions(struct process *p, struct loading *l)
{
	taddr_t other = 0;

	for (size_t i = 0; i < p->modules.n && !l->open; i++) {
		const struct module *m = &p->modules.at[i];
		const char *base = strrchr(m->path, '/');
		struct objfile *o;
		char path[4200];

		if (!base ||
		    (strncmp(base, "/libc.so.6", 10) && strncmp(base, "/libdl.so.2", 11) &&
		     strncmp(base, "/libc-2.", 8) && strncmp(base, "/libdl-2.", 9)) ||
		    module_path(p->pid, &p->modules, m, path, sizeof(path)) < 0 ||
		    objfile_open(path, &o, NULL) < 0)
			continue;
		l->open = function_of(o, m->bias, "dlopen");
		l->error = function_of(o, m->bias, "dlerror");
		if (!other)
			other = function_of(o, m->bias, "__libc_dlopen_mode");
		if (l->opts->errno_off && strncmp(base, "/libdl", 6) != 0)
			l->opts->errno_off(p, o, m->bias, &l->errno_off);
		objfile_close(o);
	}
	l->mode = RTLD_NOW;
	if (!l->open && other) {
		l->open = other;
		l->mode |= (uint32_t)DLOPEN_MODE;
	}
}

static int find_image(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct aux a = { 0 };
	int err = read_aux(p, &a);

	if (err)
		return diag_set(d, err, "/proc/%d/auxv: %s", p->pid, strerror(-err));
	if (!a.loader)
		return diag_set(d, -ENOTSUP,
				"process %d is statically linked: it has no loader that takes a "
				"library in",
				p->pid);
	pp->entry = a.entry;
	pp->phdr = a.phdr;
	pp->loader = a.loader;
	pp->vdso = a.vdso;
	if (a.phent != sizeof(Elf64_Phdr) || a.phnum > 4096 ||
	    exe_range(p, &a, &p->modules.maps, &pp->exe) < 0)
		return diag_set(d, -EBADMSG, "process %d: its program headers are damaged", p->pid);
	return 0;
}

/* -- the slab files ---------------------------------------------------------------------------- */

void process_find_root(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	char path[64];
	struct stat own, its;

	snprintf(path, sizeof(path), "/proc/%d/root", p->pid);
	if (stat("/", &own) == 0 && stat(path, &its) == 0 && own.st_dev == its.st_dev &&
	    own.st_ino == its.st_ino) {
		snprintf(path, sizeof(path), "/proc/%d/ns/mnt", p->pid);
		if (stat("/proc/self/ns/mnt", &own) == 0 && stat(path, &its) == 0 &&
		    own.st_ino == its.st_ino)
			return;
	}
	snprintf(pp->root, sizeof(pp->root), "/proc/%d/root", p->pid);
}

static taddr_t place_lib(struct process *p)
{
	struct taddr_range near = slab_libs(p);

	if (!near.hi)
		return 0;
	return maps_gap(&p->modules.maps, near, SLAB_REACH,
			process_priv(p)->layout.span + (2u << 20));
}

static int write_files(struct process *p, const struct loading *l, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	taddr_t exe = slab_place(&p->modules.maps, pp->exe, pp->layout.span), lib = place_lib(p);
	int err;

	if (!exe)
		return diag_set(d, -ERANGE,
				"process %d: no room of %llu MiB within 2 GiB of its "
				"executable",
				p->pid, (unsigned long long)pp->layout.span >> 20);
	err = slab_choose_paths(p, l->opts->dir, d);
	if (!err)
		journal_begin(p);
	if (!err)
		err = slab_write(p, SLAB_EXE, l->opts->slab, exe - pp->layout.lowest, d);
	if (!err)
		err = slab_write(p, SLAB_LIB, l->opts->slab, lib ? lib - pp->layout.lowest : 0, d);
	return err ? err : slab_give_files(p, d);
}

/* -- loading ------------------------------------------------------------------------------------- */

/* What dlerror() says, into d; its own words are the loader's. */
static int loader_says(struct call *c, const struct loading *l, int which, struct diag *d)
{
	const struct process_priv *pp = process_priv(c->p);
	taddr_t word = pp->stack.lo + 1024;
	const uint64_t none[2] = { 0 };
	char text[TEXT_MAX] = "";
	uint64_t at = 0;

	if (l->error && pp->code.store && process_write(c->p, word, none, sizeof(none[0])) == 0 &&
	    call_run(c, l->error, none, word, l->deadline, NULL) == 0 &&
	    process_read(c->p, word, &at, sizeof(at)) == 0 && at)
		for (size_t n = 0; n + 1 < sizeof(text); n++)
			if (process_read(c->p, at + n, &text[n], 1) < 0 || !text[n])
				break;
	text[sizeof(text) - 1] = '\0';
	return diag_set(d, -ENOTSUP, "process %d: its loader does not load %s: %s", c->p->pid,
			c->p->slab[which].path, *text ? text : "it does not say why");
}

static bool is_mapped(struct process *p, int which)
{
	struct map_list m = { 0 };
	bool found = false;

	if (maps_read(tracee_any(p), &m, NULL) < 0)
		return false;
	for (size_t i = 0; i < m.n && !found; i++)
		found = slab_is_region(&p->slab[which], &m.at[i]);
	maps_free(&m);
	return found;
}

static int load_slabs(struct call *c, const struct loading *l, struct diag *d)
{
	struct process *p = c->p;
	taddr_t name = process_priv(p)->stack.lo;
	int err = 0;

	for (int i = 0; i < SLABS && !err; i++) {
		const uint64_t arg[2] = { name, l->mode };

		err = process_write(p, name, p->slab[i].path, strlen(p->slab[i].path) + 1);
		if (!err)
			err = call_run(c, l->open, arg, 0, l->deadline, d);
		if (!err && !is_mapped(p, i))
			err = loader_says(c, l, i, d);
	}
	return err;
}

static int check_loaded(struct process *p, const struct loading *l, struct diag *d)
{
	struct map_list m = { 0 };
	int err = maps_read(tracee_any(p), &m, d);

	if (!err && !slab_locate(p, l->opts->slab, &m))
		err = diag_set(d, -ENOTSUP, "process %d: its loader left %s unfinished", p->pid,
			       p->slab[SLAB_EXE].path);
	if (!err && !slab_in_reach(p))
		err = diag_set(
			d, -ERANGE,
			"process %d: its loader put %s at %#llx, out of reach of the executable; "
			"another tool may have attached at the same moment: try again",
			p->pid, p->slab[SLAB_EXE].path, (unsigned long long)p->slab[SLAB_EXE].bias);
	maps_free(&m);
	return err;
}

/* On the one thread that is stopped. */
static int load_on(struct process *p, struct tracee *t, struct loading *l, struct diag *d)
{
	struct call c;
	int err = stack_map(p, d), back;

	if (err)
		return err;
	l->deadline = process_now_ns() + LOAD_LIMIT_NS;
	err = call_begin(&c, p, t, l->errno_off);
	if (err) {
		stack_unmap(p);
		return diag_set(d, err, "process %d: thread %d: its state: %s", p->pid, t->tid,
				strerror(-err));
	}
	err = load_slabs(&c, l, d);
	back = call_end(&c);
	if (back && !err)
		err = diag_set(d, back, "process %d: thread %d: %s", p->pid, t->tid,
			       strerror(-back));
	if (!err)
		err = check_loaded(p, l, d);
	if (err && c.where != CALL_LEFT && c.where != CALL_GONE)
		stack_unmap(p);
	return err;
}

static int load(struct process *p, struct loading *l, struct diag *d)
{
	struct judge *j = NULL;
	pid_t tid = 0;
	int err = write_files(p, l, d);

	if (!err)
		err = judge_new(p, &j, d);
	if (!err)
		err = judge_wait(j, SAFE_LIMIT_NS, &tid, d);
	judge_free(j);
	if (err)
		return err;
	process_keep_one(p, tid);
	err = load_on(p, &process_priv(p)->threads.at[0], l, d);
	return err ? err : process_refresh(p, d);
}

/* -- the whole ------------------------------------------------------------------------------------- */

static int prepare(struct process *p, struct loading *l, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	int err = slab_layout_read(l->opts->slab, &pp->layout, d);

	if (err)
		return err;
	err = admit(p, d);
	if (err)
		return err;
	pp->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (pp->pidfd < 0)
		err = diag_set(d, -errno, "process %d: %s", p->pid, strerror(errno));
	if (!err)
		err = process_open_mem(p, d);
	if (!err)
		err = process_refresh(p, d);
	if (!err)
		err = find_image(p, d);
	if (err)
		return err == -EACCES ? -EPERM : err;
	find_functions(p, l);
	if (!l->open)
		return diag_set(
			d, -ENOTSUP,
			"process %d has no dlopen() of glibc's (libc.so.6, libdl.so.2): other "
			"libcs are not supported",
			p->pid);
	err = code_find(p, d);
	if (err)
		return err;
	process_find_root(p);
	return 0;
}

/* Slabs that were left there: one thread stays stopped, as where they are loaded; it may make calls. */
static int take(struct process *p, const struct loading *l, struct diag *d)
{
	int got = idle_take(p, l->opts->slab, l->opts->dir, d);
	const struct tracee *t = got > 0 ? tracee_that_calls(p) : NULL;

	if (got <= 0)
		return got;
	process_keep_one(p, t ? t->tid : process_priv(p)->threads.at[0].tid);
	got = stack_map(p, d);
	return got ? got : 1;
}

int process_attach(pid_t pid, const struct process_attach_opts *opts, struct process **out,
		   struct diag *d)
{
	struct loading l = { .opts = opts };
	struct process *p = process_alloc();
	int err;

	if (!p)
		return diag_set(d, -ENOMEM, "no memory for a process");
	p->pid = pid;
	process_priv(p)->ran = true;
	process_priv(p)->attached = true;
	process_priv(p)->slab = *opts->slab;
	err = prepare(p, &l, d);
	if (!err)
		err = take(p, &l, d);
	if (!err)
		err = load(p, &l, d);
	if (err < 0) {
		if (p->mem >= 0)
			err = process_blame(p, err, d);
		process_free(p);
		return err;
	}
	*out = p;
	return 0;
}
