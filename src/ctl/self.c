/*
 * ctl/self.c - see self.h.
 */
#include "ctl/self.h"

#include "base/cleanup.h"
#include "ctl/admit.h"
#include "ctl/aside.h"
#include "ctl/bare.h"
#include "ctl/priv.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -- loading the slabs --------------------------------------------------------------------- */

static void read_auxv(struct process_priv *pp)
{
	pp->entry = getauxval(AT_ENTRY);
	pp->phdr = getauxval(AT_PHDR);
	pp->loader = getauxval(AT_BASE);
	pp->vdso = getauxval(AT_SYSINFO_EHDR);
}

static int find_exe(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	const struct module *exe;
	int err = process_refresh(p, d);

	if (err)
		return err;
	exe = modules_at(&p->modules, pp->entry);
	if (!exe || !pp->loader)
		return diag_set(d, -ENOTSUP,
				"this program is linked statically: a slab cannot be "
				"loaded into it");
	pp->exe = (struct taddr_range){ exe->lo, exe->hi };
	return 0;
}

static int load_one(const struct process *p, int which, struct diag *d)
{
	if (dlopen(p->slab[which].path, RTLD_NOW | RTLD_LOCAL))
		return 0;
	return diag_set(d, -ENOTSUP, "a slab cannot be loaded: %s", dlerror());
}

static int load(struct process *p, const struct slab_template *slab, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	taddr_t base = slab_place(&p->modules.maps, pp->exe, pp->layout.span);
	struct map_list maps = { 0 };
	int err = 0, found;

	if (!base)
		return diag_set(d, -ERANGE, "no room for a slab within 2 GiB of the executable");
	for (int i = 0; i < SLABS && !err; i++) {
		err = slab_write(p, i, slab, i == SLAB_EXE ? base : 0, d);
		if (!err)
			err = load_one(p, i, d);
	}
	if (!err)
		err = maps_read(p->pid, &maps, d);
	if (err)
		return err;
	found = slab_locate(p, slab, &maps);
	maps_free(&maps);
	if (!found || !slab_in_reach(p))
		return diag_set(d, -ERANGE, "the loader put a slab out of reach of the executable");
	return process_refresh(p, d);
}

int process_self(const struct slab_template *slab, const char *dir, struct process **out,
		 struct diag *d)
{
	int err = admit_proc(d);
	struct process *p = err ? NULL : process_alloc();

	if (err)
		return err;
	if (!p)
		return diag_set(d, -ENOMEM, "no memory for a process");
	p->pid = getpid();
	p->self = true;
	process_priv(p)->ran = true;
	read_auxv(process_priv(p));
	process_priv(p)->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	err = process_priv(p)->pidfd < 0 ? diag_set(d, -errno, "pidfd_open: %s", strerror(errno)) :
					   0;
	if (!err)
		err = process_open_mem(p, d);
	if (!err)
		err = slab_layout_read(slab, &process_priv(p)->layout, d);
	if (!err)
		err = find_exe(p, d);
	if (!err)
		err = slab_choose_paths(p, dir, d);
	if (!err)
		err = load(p, slab, d);
	if (!err)
		code_find(p, NULL); /* once, for all helpers: what they find is lost with them */
	if (err)
		process_free(p);
	else
		*out = p;
	return err;
}

/* -- the helper ------------------------------------------------------------------------------ */

bool process_helps(const struct process *p)
{
	return process_priv(p)->tape && !tape_plays(p);
}

void process_helper_write(taddr_t addr, const void *bytes, size_t n)
{
	static const char mem[] = "/proc/self/mem";
	long fd = bare_syscall(SYS_openat, (uint64_t)AT_FDCWD, (uintptr_t)mem, O_RDWR, 0);

	if (fd < 0)
		return;
	bare_syscall(SYS_pwrite64, (uint64_t)fd, (uintptr_t)bytes, n, addr);
	bare_syscall(SYS_close, (uint64_t)fd, 0, 0, 0);
}

/*
 * yama's ptrace_scope 1 wants to be told who may.  Whom the program itself has told is forgotten by that,
 * for there is one and nobody can ask who: so it is not told where that makes no difference.
 */
static void permit(pid_t helper)
{
	if (admit_must_permit(&admit_real))
		prctl(PR_SET_PTRACER, helper > 0 ? (unsigned long)helper : 0, 0, 0, 0);
}

struct help {
	int (*job)(void *arg, struct diag *d);
	void *arg;
};

static void help(void *arg)
{
	const struct help *h = arg;
	struct diag unheard = { "" };

	h->job(h->arg, &unheard);
}

/* Let a helper do the job; what it did is on the tape. */
static int send_helper(int (*job)(void *arg, struct diag *d), void *arg, struct diag *d)
{
	struct help h = { job, arg };
	struct aside a;
	int err = aside_begin(&a, help, &h, d);

	if (err)
		return err;
	permit(a.helper);
	aside_end(&a);
	permit(0);
	return 0;
}

int process_apart(struct process *p, int (*job)(void *arg, struct diag *d), void *arg,
		  struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	int err;

	if (!p->self || pp->tape)
		return job(arg, d);
	pp->caller = gettid();
	pp->caller_sp = (taddr_t)(uintptr_t)__builtin_frame_address(0);
	err = tape_new(&pp->tape, pp->dies.times ? pp->dies.at : 0);
	if (err)
		return diag_set(d, err, "no memory for a helper's notes");
	err = send_helper(job, arg, d);
	if (!err) {
		tape_rewind(pp->tape);
		err = job(arg, d);
	}
	if (err == -EIO && pp->dies.times)
		pp->dies.times--;
	if (err == -EIO)
		diag_set(d, err, "the helper that stops this process ended too early");
	p->stopped = false;
	tape_free(pp->tape);
	pp->tape = NULL;
	return err;
}

struct once {
	struct process *p;
	int (*job)(void *arg, struct diag *d);
	void *arg, *out;
	size_t n;
};

static int do_once(void *arg, struct diag *d)
{
	const struct once *o = arg;

	if (tape_plays(o->p))
		return (int)tape_take(o->p, TAPE_ONCE, o->out, o->n);
	tape_begin(o->p);
	return (int)tape_end(o->p, TAPE_ONCE, o->job(o->arg, d), o->out, o->n);
}

int process_apart_once(struct process *p, int (*job)(void *arg, struct diag *d), void *arg,
		       void *out, size_t n, struct diag *d)
{
	struct once o = { p, job, arg, out, n };

	return process_apart(p, do_once, &o, d);
}
