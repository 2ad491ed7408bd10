/*
 * ctl/remote.c - single system calls by a stopped thread, and the arena mapped with them.
 *
 * The call is run through PTRACE_SYSCALL, not by a single step: a step's SIGTRAP would
 * reset the application's handler where it blocks or ignores SIGTRAP.  All signals are
 * blocked for its duration and the thread ends in an event stop again, so that an
 * interrupted call of its own is restarted as if nothing had been (orig_rax is back).
 *
 * Context  [ctl]
 * Spec     ptrace(2) "Syscall-stops"; psABI A.2.1 (system call registers); vdso(7)
 */
#include "base/cleanup.h"
#include "ctl/journal.h"
#include "ctl/priv.h"
#include "info/objfile.h"
#include "shm/layout.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

#define REMOTE_LIMIT_NS 5000000000ull

static bool is_syscall_at(struct process *p, taddr_t at)
{
	static const uint8_t insn[2] = { 0x0f, 0x05 };
	uint8_t now[2];

	return at && process_read(p, at, now, sizeof(now)) == 0 && !memcmp(now, insn, sizeof(now));
}

/* The two bytes need not be an instruction of the program: we step on nothing after them. */
static taddr_t find_syscall(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	struct map_list m = { 0 };
	taddr_t at = 0;

	if (is_syscall_at(p, pp->syscall_at))
		return pp->syscall_at;
	if (maps_read(tracee_any(p), &m, NULL) < 0)
		return 0;
	for (size_t i = 0; i < m.n && !at; i++) {
		const struct map_region *r = &m.at[i];
		size_t n = r->hi - r->lo;
		_free_ uint8_t *text = NULL;
		const uint8_t *hit;

		if (!r->x || !r->r || n > 64u << 20 || !strncmp(r->path, "[vsyscall]", 10))
			continue;
		text = malloc(n);
		if (!text || process_read(p, r->lo, text, n) < 0)
			continue;
		hit = memmem(text, n, "\x0f\x05", 2);
		if (hit)
			at = r->lo + (taddr_t)(hit - text);
	}
	maps_free(&m);
	pp->syscall_at = at;
	return at;
}

/* Nobody else's: all signals are blocked, which these are not when the thread itself raises them. */
static bool is_fatal(int st)
{
	int sig = st >> 16 ? 0 : WSTOPSIG(st);

	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
	       sig == SIGTRAP || sig == SIGSYS;
}

/* To the next system call stop; group stops and SIGSTOP on the way are passed through. */
int tracee_to_syscall(struct process *p, struct tracee *t, uint64_t deadline)
{
	int sig = 0;

	for (;;) {
		int st;
		pid_t got;

		if (ptrace(PTRACE_SYSCALL, t->tid, 0, (long)sig) < 0)
			return -errno;
		while ((got = waitpid(t->tid, &st, __WALL | WNOHANG)) == 0 ||
		       (got < 0 && errno == EINTR)) {
			if (process_now_ns() > deadline)
				return -ETIMEDOUT;
			sched_yield();
		}
		if (got < 0)
			return -ESRCH;
		if (!WIFSTOPPED(st)) {
			if (t->tid == p->pid)
				tracee_ended(p, st);
			return -ESRCH;
		}
		if (WSTOPSIG(st) == SYSCALL_STOP)
			return 0;
		if (is_fatal(st))
			return -EFAULT;
		sig = st >> 16 ? 0 : WSTOPSIG(st);
	}
}

int tracee_to_event(struct process *p, struct tracee *t, uint64_t deadline)
{
	t->stopped = false;
	if (ptrace(PTRACE_INTERRUPT, t->tid, 0, 0) < 0 || ptrace(PTRACE_CONT, t->tid, 0, 0) < 0)
		return -errno;
	return tracee_await(p, t, deadline);
}

/*
 * A signal frame of the thread's state (frame.c), for the case that we die in between: on our own
 * stack there, else below the thread's, whose bytes come back.
 */
struct cover {
	taddr_t frame; /* 0: none */
	taddr_t at;
	uint8_t *old; /* n bytes that were at `at`; NULL: ours */
	size_t n;
};

static void cover(struct process *p, const struct thread_state *s, struct cover *c)
{
	const struct process_priv *pp = process_priv(p);
	taddr_t top = pp->stack.hi;

	if (code_find(p, NULL) < 0)
		return;
	if (!top) {
		top = frame_below(s);
		c->n = frame_size(s);
		c->at = top - c->n;
		c->old = malloc(c->n);
		if (!c->old || process_read(p, c->at, c->old, c->n) < 0)
			return;
	}
	if (frame_write(p, s, top, &c->frame) < 0)
		c->frame = 0;
}

static void uncover(struct process *p, struct cover *c)
{
	if (c->frame && c->old)
		process_write(p, c->at, c->old, c->n);
	free(c->old);
	c->old = NULL;
}

/* The registers of the call, then the mask: call.c C.1. */
static int remote_begin(struct process *p, struct tracee *t, const struct cover *c,
			const struct user_regs_struct *old, long nr, const uint64_t arg[6])
{
	const struct process_priv *pp = process_priv(p);
	struct user_regs_struct r = *old;
	uint64_t all = UINT64_MAX;
	int err;

	r.rip = c->frame ? pp->code.call : pp->syscall_at;
	r.rsp = c->frame ? c->frame : r.rsp;
	r.rax = (uint64_t)nr;
	r.orig_rax = (uint64_t)-1; /* or the kernel would restart the thread's own call */
	r.rdi = arg[0];
	r.rsi = arg[1];
	r.rdx = arg[2];
	r.r10 = arg[3];
	r.r8 = arg[4];
	r.r9 = arg[5];
	err = tracee_set_regs(t, &r);
	if (!err && ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(all), &all) < 0)
		err = -errno;
	return err;
}

/*
 * The call takes too long: the thread comes back from it by the frame, alone, whenever that is.  Its own
 * state is there and nowhere else.  So until we have left, no other call is made, which would take the
 * registers of this one for the thread's and write its own frame over that, and our stack stays.
 */
static void leave_underway(struct process *p, struct tracee *t)
{
	process_priv(p)->underway = t->tid;
	t->stopped = false;
	ptrace(PTRACE_INTERRUPT, t->tid, 0, 0);
}

static long remote_call(struct process *p, struct tracee *t, long nr, const uint64_t arg[6])
{
	const struct process_priv *pp = process_priv(p);
	uint64_t deadline = process_now_ns() + (pp->call_ns ? pp->call_ns : REMOTE_LIMIT_NS);
	struct user_regs_struct r;
	struct thread_state s;
	struct cover c = { 0 };
	long result = -ESRCH;
	int err = state_save(t, &s);

	if (err)
		return err;
	cover(p, &s, &c);
	err = remote_begin(p, t, &c, &s.regs, nr, arg);
	if (!err)
		err = tracee_to_syscall(p, t, deadline); /* entry */
	if (!err)
		err = tracee_to_syscall(p, t, deadline); /* exit */
	if (!err)
		err = tracee_regs(t, &r);
	if (!err)
		result = (long)r.rax;
	if (err == -ETIMEDOUT)
		leave_underway(p, t);
	if (err != -ESRCH && err != -ETIMEDOUT) {
		state_restore(t, &s);
		uncover(p, &c);
		if (tracee_to_event(p, t, deadline) < 0)
			err = -ESRCH;
	}
	free(c.old);
	state_free(&s);
	return err ? err : result;
}

static long some_thread_calls(struct process *p, long nr, const uint64_t arg[6])
{
	struct tracee *t = p->stopped ? tracee_that_calls(p) : NULL;

	if (!p->stopped)
		return -EINVAL;
	if (process_priv(p)->underway)
		return -ETIMEDOUT;
	if (!t)
		return process_priv(p)->threads.n ? -EPERM : -ESRCH;
	if (!find_syscall(p))
		return -ESRCH;
	return remote_call(p, t, nr, arg);
}

long process_syscall(struct process *p, long nr, const uint64_t arg[6])
{
	long r;

	if (tape_plays(p))
		return (long)tape_take(p, TAPE_SYSCALL, NULL, 0);
	if (p->self && !process_priv(p)->tape) {
		r = syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
		return r == -1 ? -errno : r;
	}
	tape_begin(p);
	return (long)tape_end(p, TAPE_SYSCALL, some_thread_calls(p, nr, arg), NULL, 0);
}

static long call6(struct process *p, long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t e,
		  uint64_t f, uint64_t g)
{
	const uint64_t arg[6] = { a, b, c, e, f, g };

	return process_syscall(p, nr, arg);
}

static bool call_failed(long r)
{
	return r < 0 && r >= -4095;
}

/* -- the arena ------------------------------------------------------------------------------ */

static bool is_same_file(const struct process *p, long there, int fd)
{
	struct stat its, ours;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%ld", p->pid, there);
	return stat(path, &its) == 0 && fstat(fd, &ours) == 0 && its.st_dev == ours.st_dev &&
	       its.st_ino == ours.st_ino;
}

/*
 * Open our descriptor fd over there: through /proc/OUR-PID/fd, the name lying in rt_state's
 * reserved words, which are rewritten afterwards.
 */
static long open_there(struct process *p, int fd, bool read_only, struct diag *d)
{
	taddr_t name = p->slab[SLAB_EXE].rt_state + offsetof(struct rt_state, reserved);
	char path[sizeof(((struct rt_state *)0)->reserved)] = { 0 };
	int n = snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	int err = process_write(p, name, path, sizeof(path));
	long there;

	if (err || n < 0)
		return diag_set(d, err ? err : -EINVAL, "cannot write to the slab's data");
	there = call6(p, SYS_openat, (uint64_t)AT_FDCWD, name,
		      (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC, 0, 0, 0);
	/* by its own /proc, where our number may be another's: then it is another file */
	if (!call_failed(there) && !is_same_file(p, there, fd)) {
		call6(p, SYS_close, (uint64_t)there, 0, 0, 0, 0, 0);
		there = -ENOENT;
	}
	if (call_failed(there) && process_priv(p)->attached)
		return pass_fd(p, fd, read_only, d);
	if (call_failed(there))
		return diag_set(d, (int)there, "process %d cannot open %s: %s", p->pid, path,
				strerror((int)-there));
	return there;
}

static int map_there(struct process *p, int fd, taddr_t at, uint64_t len, bool read_only,
		     struct diag *d)
{
	long there = open_there(p, fd, read_only, d), got;

	if (there < 0)
		return (int)there;
	got = call6(p, SYS_mmap, at, len, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, (uint64_t)there, 0);
	call6(p, SYS_close, (uint64_t)there, 0, 0, 0, 0, 0);
	if (call_failed(got))
		return diag_set(d, (int)got, "process %d cannot map the arena: %s", p->pid,
				strerror((int)-got));
	/* not into core files */
	call6(p, SYS_madvise, at, len, MADV_DONTDUMP, 0, 0, 0);
	return 0;
}

/*
 * Far below the libraries: the kernel gives addresses from the top down, and a module that comes
 * later finds the 2 GiB below them free, which the slab there reaches.
 */
static taddr_t out_of_the_way(const struct process *p)
{
	const uint64_t far = 64ull << 30;
	taddr_t lib = p->slab[SLAB_LIB].bias;

	return lib > 2 * far ? (lib - far) & ~4095ull : 0;
}

static int reserve(struct process *p, uint64_t size, taddr_t *out, struct diag *d)
{
	long at = call6(p, SYS_mmap, out_of_the_way(p), size, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);

	if (call_failed(at))
		return diag_set(d, (int)at,
				"process %d has no room for %llu MiB of address space (%s): is "
				"there a limit (ulimit -v)?",
				p->pid, (unsigned long long)size >> 20, strerror((int)-at));
	*out = (taddr_t)at;
	return 0;
}

/* Private and wiped in a forked child: shm/layout.h "thread block". */
/* "NSpid: 4711 17 1": the last is what the process itself is told. */
static uint32_t inner_pid(const struct process *p)
{
	char path[48], line[256];
	const char *last;
	_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		last = strncmp(line, "NSpid:", 6) ? NULL : strrchr(line, '\t');
		if (last)
			return (uint32_t)strtoul(last, NULL, 10);
	}
	return (uint32_t)p->pid;
}

/* The block of slot 0: shm/layout.h. */
static int name_owner(struct process *p, struct diag *d)
{
	const struct rt_thread who = { .tid = inner_pid(p), .pid = inner_pid(p) };
	taddr_t at = p->threads + offsetof(struct rt_thread, tid);
	int err = process_write(p, at, &who.tid, sizeof(who.tid) + sizeof(who.pid));

	return err ? diag_set(d, err, "process %d: its table of threads cannot be written: %s",
			      p->pid, strerror(-err)) :
		     0;
}

static int make_threads(struct process *p, struct diag *d)
{
	const uint64_t size = (uint64_t)SHM_MAX_THREADS * RT_THREAD_SIZE;
	long at = call6(p, SYS_mmap, out_of_the_way(p), size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1, 0);
	long wipe;

	if (call_failed(at))
		return diag_set(d, (int)at, "process %d: no memory for the table of threads: %s",
				p->pid, strerror((int)-at));
	wipe = call6(p, SYS_madvise, (uint64_t)at, size, MADV_WIPEONFORK, 0, 0, 0);
	if (call_failed(wipe))
		return diag_set(d, (int)wipe, "MADV_WIPEONFORK: %s", strerror((int)-wipe));
	p->threads = (taddr_t)at;
	return name_owner(p, d);
}

/* -- rt_state ------------------------------------------------------------------------------- */

/* A module's symbols; NULL: they cannot be had. */
static struct objfile *module_open(const struct process *p, const struct module *m)
{
	struct objfile *o;
	char path[4200];

	if (module_path(p->pid, &p->modules, m, path, sizeof(path)) < 0 ||
	    objfile_open(path, &o, NULL) < 0)
		return NULL;
	return o;
}

static bool is_named(const struct module *m, const char *prefix)
{
	const char *base = strrchr(m->path, '/');

	return base && !strncmp(base + 1, prefix, strlen(prefix));
}

/* The unwinder in this module, if there is one; hidden symbols will do. */
static bool take_unwinder(const struct process *p, const struct module *m, struct rt_state *s)
{
	struct objfile *o = module_open(p, m);
	const struct objsym *gr = o ? objfile_sym(o, "_Unwind_GetGR") : NULL;
	const struct objsym *ip = o ? objfile_sym(o, "_Unwind_GetIP") : NULL;
	bool found = gr && ip && gr->addr && ip->addr;

	if (found) {
		s->get_gr = m->bias + gr->addr;
		s->get_ip = m->bias + ip->addr;
		s->unwinder = (struct rt_room){ m->lo, m->hi - m->lo };
	}
	objfile_close(o);
	return found;
}

/*
 * The unwinder whose contexts the personality will be given, if it is loaded by now; and what
 * finds those that come later (rt/unwinder.c).
 */
static void find_unwinder(const struct process *p, struct rt_state *s)
{
	const struct objsym *find;
	const struct module *exe;
	struct objfile *o;

	for (size_t i = 0; i < p->modules.n; i++) {
		const struct module *m = &p->modules.at[i];

		if (is_named(m, "libgcc_s.so"))
			take_unwinder(p, m, s);
		if (!is_named(m, "libc.so.6"))
			continue;
		o = module_open(p, m);
		find = o ? objfile_sym(o, "_dl_find_object") : NULL;
		if (find)
			s->find_object = m->bias + find->addr;
		objfile_close(o);
	}
	/* libgcc_eh in the executable, which it does not export */
	exe = s->get_gr ? NULL : modules_at(&p->modules, process_priv(p)->exe.lo);
	if (exe)
		take_unwinder(p, exe, s);
}

static taddr_t vdso_symbol(struct process *p, const char *name)
{
	taddr_t base = process_priv(p)->vdso, found = 0;
	const struct map_region *r = maps_at(&p->modules.maps, base);
	size_t n = r ? r->hi - base : 0;
	_free_ uint8_t *image = NULL;
	const struct objsym *s;
	struct objfile *o;

	if (!base || !n || n > 1u << 20)
		return 0;
	image = malloc(n);
	if (!image || process_read(p, base, image, n) < 0 ||
	    objfile_open_mem(image, n, "[vdso]", &o, NULL) < 0)
		return 0;
	s = objfile_sym(o, name);
	if (s && o->nseg)
		found = base + s->addr - (o->seg[0].addr - o->seg[0].offset);
	objfile_close(o);
	return found;
}

/*
 * How far down the main thread's stack may go.  The kernel lets it grow as long as all of it,
 * in pages, is within the soft limit (mm/mmap.c acct_stack_growth()).  Without a limit it may
 * reach any mapping below.
 */
static void find_stack(const struct process *p, struct rt_state *s)
{
	const struct map_list *m = &p->modules.maps;
	struct rlimit lim;

	if (prlimit(p->pid, RLIMIT_STACK, NULL, &lim) < 0 || lim.rlim_cur == RLIM_INFINITY)
		return;
	for (size_t i = 0; i < m->n; i++) {
		uint64_t size = lim.rlim_cur & ~4095ull;

		if (strcmp(m->at[i].path, "[stack]") != 0 || size > m->at[i].hi)
			continue;
		s->stack_lo = m->at[i].hi - size;
		s->stack_size = size;
	}
}

/* As glibc keeps it at fs:0 and fs:16, of the first thread, if that lives and is seen. */
static taddr_t main_tcb(struct process *p)
{
	const struct process_priv *pp = process_priv(p);
	struct user_regs_struct r;
	uint64_t word[3];

	for (size_t i = 0; i < pp->threads.n && !p->self; i++) {
		const struct tracee *t = &pp->threads.at[i];

		if (t->tid == p->pid && t->stopped && tracee_regs(t, &r) == 0 &&
		    process_read(p, r.fs_base, word, sizeof(word)) == 0 && word[0] == r.fs_base &&
		    word[2] == r.fs_base)
			return r.fs_base;
	}
	return 0;
}

/*
 * 0 where libc does not know: in a child by a bare clone() or fork() system call the first thread's
 * descriptor has the parent's number.
 */
static uint32_t tid_off(struct process *p, taddr_t tcb)
{
	uint32_t tid;

	if (tcb &&
	    (process_read(p, tcb + p->tid_off, &tid, sizeof(tid)) < 0 || tid != inner_pid(p)))
		return 0;
	return p->tid_off;
}

static int fill_states(struct process *p, uint32_t flags, struct diag *d)
{
	taddr_t tcb = main_tcb(p);
	struct rt_state s;

	p->clock_gettime = vdso_symbol(p, "__vdso_clock_gettime");
	s = (struct rt_state){
		.magic = RT_STATE_MAGIC,
		.version = SHM_VERSION,
		.tls_off = p->tls_off,
		.arena = p->arena,
		.threads = p->threads,
		.clock_gettime = p->clock_gettime,
		.flags = flags,
		.pthread_size = p->pthread_size,
		.rseq_cpu = p->rseq_cpu,
		.tid_off = tid_off(p, tcb),
		.main_tcb = tcb,
		.cfi = p->cfi,
	};

	find_unwinder(p, &s);
	find_stack(p, &s);
	for (int i = 0; i < SLABS; i++)
		s.room[i] = (struct rt_room){ p->slab[i].text, p->slab[i].room };
	for (int i = 0; i < SLABS; i++) {
		int err;

		s.text = p->slab[i].text;
		err = process_write(p, p->slab[i].rt_state, &s, sizeof(s));

		if (err)
			return diag_set(d, err, "cannot write to the slab's data");
	}
	return 0;
}

int process_map_arena(struct process *p, const struct arena *a, uint32_t flags, struct diag *d)
{
	taddr_t at = p->arena;
	int err = 0;

	if ((!p->stopped && !p->self) || !p->slab[SLAB_EXE].rt_state)
		return diag_set(d, -EINVAL, "process %d is not stopped with its slabs", p->pid);
	if ((!at || !p->threads || p->regions < a->nregions) && !process_may_call(p))
		return process_no_calls(p, d);
	if (!at) {
		err = reserve(p, ARENA_SIZE, &at, d);
		if (err)
			return err;
		err = map_there(p, a->fd, at, a->size, false, d);
		if (err) {
			call6(p, SYS_munmap, at, ARENA_SIZE, 0, 0, 0, 0);
			return err;
		}
		p->arena = at;
		if (!process_priv(p)->follow) /* else it is told of an exec */
			process_watch(p, a->fd);
	}
	if (!p->threads)
		err = make_threads(p, d);
	for (; !err && p->regions < a->nregions; p->regions += !err) {
		const struct arena_region *r = &a->region[p->regions];

		err = map_there(p, r->fd, at + r->at, r->len, r->read_only, d);
	}
	if (!err)
		err = process_fill_cfi(p, d);
	if (!err)
		err = fill_states(p, flags, d);
	if (!err)
		journal_places(p);
	return err;
}
