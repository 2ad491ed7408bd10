/*
 * ctl/safepoint.c - a thread of a process that may call the loader for us, and when.
 *
 * dlopen() takes the loader's locks and malloc's.  On a thread that holds one of them, or is
 * in the middle of what one guards, it destroys the heap or waits for ever (of 60 tries on a
 * program that allocates, 45).  So a thread is judged by what it does and by every frame of
 * its stack:
 *
 *   S.1  In a system call that malloc and the loader do not make (they map, unmap, advise and
 *        wait for locks; they read files), or in another one, or in none, see S.3, S.4.
 *   S.2  No frame in the loader, none in a function of malloc's or dlopen's family or of fork's,
 *        in whichever module that is.  These call nobody back, so they are found.
 *   S.3  In another system call made by libc: the function that was called from outside has a name.
 *        Names of what is only internal a stripped libc does not have (_mid_memalign).
 *   S.4  In no system call: at an instruction of neither libc nor a module that brings an
 *        allocator.  Standing in code of its own, the thread is where a signal handler could
 *        run as well.
 *   S.5  Waiting on a futex: of a condition, semaphore or barrier by the name of a function of
 *        libc's, or for a thread's end by the value waited for, which is its id; or in code
 *        as in S.4.  A mutex may be an allocator's.
 *   S.6  The stack's end is found, or code without tables (made at run time) behind code that has
 *        them; then no word above may be the address that signal handlers return to.
 *
 * Locks of stdio do not matter: the loader reads by system calls.
 *
 * Errors   -EBUSY  no thread came to such a place within the time (diag: what they do)
 * Memory   judge_free() frees all
 * Context  [ctl]
 * Spec     glibc elf/dl-open.c, elf/dl-tls.c, malloc/malloc.c, nptl/ for who calls what
 */
#include "base/cleanup.h"
#include "ctl/priv.h"
#include "info/objfile.h"
#include "info/unwind.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	SCAN_MAX = 256 << 10,
	THREADS_AT_ONCE = 64, /* judged in one stop */
};

enum module_kind { IN_NONE, IN_CODE, IN_LIBC, IN_LOADER, IN_ALLOCATOR };

enum { UNFIT, FIT_RUNNING, FIT_CALL, FIT_BLOCKED };

struct judged {
	struct taddr_range range;
	enum module_kind kind;
};

struct judge {
	struct process *p;
	struct unwind *unwind;
	struct objfile *libc;
	taddr_t libc_bias;
	struct {
		VEC(struct judged);
	} modules;
	struct {
		VEC(struct taddr_range);
	} never, waits; /* run-time addresses of functions */
	unsigned turn;
};

static const char *const never_names[] = {
	"malloc",
	"calloc",
	"realloc",
	"reallocarray",
	"free",
	"cfree",
	"memalign",
	"posix_memalign",
	"aligned_alloc",
	"valloc",
	"pvalloc",
	"malloc_trim",
	"malloc_stats",
	"malloc_info",
	"mallinfo",
	"mallinfo2",
	"mallopt",
	"malloc_usable_size",
	"fork",
	"vfork",
	"_Fork",
	"__libc_fork",
	"daemon",
	"forkpty",
	"dlopen",
	"dlclose",
	"dlsym",
	"dlvsym",
	"dlmopen",
	"dladdr",
	"dladdr1",
	"dlinfo",
	"dlerror",
	"dl_iterate_phdr",
	"__libc_dlopen_mode",
	"__libc_dlsym",
	"__libc_dlclose",
	"pthread_create",
	"pthread_exit",
	"__tls_get_addr",
	"__libc_freeres",
	"_dl_find_object",
	"sbrk",
	"brk",
	/* where debugging symbols are */
	"_int_malloc",
	"_int_free",
	"_int_realloc",
	"_int_memalign",
	"_mid_memalign",
	"sysmalloc",
	"systrim",
	"malloc_consolidate",
	"arena_get2",
	"tcache_init",
	"__libc_malloc",
	"__libc_free",
	"__libc_calloc",
	"__libc_realloc",
	"__libc_memalign",
	"allocate_stack",
	"__nptl_deallocate_stack",
};

static const char *const wait_names[] = {
	"pthread_cond_wait",
	"pthread_cond_timedwait",
	"pthread_cond_clockwait",
	"pthread_join",
	"pthread_timedjoin_np",
	"pthread_clockjoin_np",
	"sem_wait",
	"sem_timedwait",
	"sem_clockwait",
	"pthread_barrier_wait",
	"cnd_wait",
	"cnd_timedwait",
	"thrd_join",
	"syscall",
};

/* -- what is known of the modules ------------------------------------------------------------- */

static int add_function(struct process *p, struct objfile *o, taddr_t bias, const char *name,
			void *list)
{
	struct {
		VEC(struct taddr_range);
	} *to = list;
	const struct objsym *s = objfile_sym(o, name);
	struct taddr_range r;

	if (!s || s->type == OBJSYM_OBJECT || !s->addr)
		return 0;
	if (!objfile_func_range(o, s->addr, &r))
		r = (struct taddr_range){ s->addr, s->addr + (s->size ? s->size : 1) };
	r.lo += bias;
	r.hi += bias;
	return vec_push(to, r);
}

static bool has_allocator(const struct objfile *o)
{
	const struct objsym *m = objfile_sym(o, "malloc"), *f = objfile_sym(o, "free");

	return m && f && m->addr && f->addr && m->type != OBJSYM_OBJECT;
}

static int add_module(struct judge *j, const struct module *m)
{
	struct judged n = { { m->lo, m->hi }, IN_CODE };
	struct process_priv *pp = process_priv(j->p);
	char path[4200];
	struct objfile *o = NULL;
	int err = 0;

	if (pp->loader >= m->lo && pp->loader < m->hi)
		n.kind = IN_LOADER;
	else if (module_path(j->p->pid, &j->p->modules, m, path, sizeof(path)) < 0 ||
		 objfile_open(path, &o, NULL) < 0)
		n.kind = IN_NONE; /* nothing is known of it */
	else if (o->soname && !strcmp(o->soname, "libc.so.6"))
		n.kind = IN_LIBC;
	else if (has_allocator(o))
		n.kind = IN_ALLOCATOR;
	for (size_t i = 0; o && i < ARRAY_LEN(never_names) && !err; i++)
		err = add_function(j->p, o, m->bias, never_names[i], &j->never);
	for (size_t i = 0; n.kind == IN_LIBC && i < ARRAY_LEN(wait_names) && !err; i++)
		err = add_function(j->p, o, m->bias, wait_names[i], &j->waits);
	if (n.kind == IN_LIBC && !j->libc) {
		j->libc = TAKE_PTR(o);
		j->libc_bias = m->bias;
	}
	objfile_close(o);
	return err ? err : vec_push(&j->modules, n);
}

void judge_free(struct judge *j)
{
	if (!j)
		return;
	unwind_free(j->unwind);
	objfile_close(j->libc);
	vec_free(&j->modules);
	vec_free(&j->never);
	vec_free(&j->waits);
	free(j);
}

int judge_new(struct process *p, struct judge **out, struct diag *d)
{
	struct judge *j = calloc(1, sizeof(*j));
	int err = j ? 0 : -ENOMEM;

	if (j)
		j->p = p;
	for (size_t i = 0; i < p->modules.n && !err; i++)
		err = add_module(j, &p->modules.at[i]);
	if (!err)
		err = unwind_new(p->pid, &p->modules, &j->unwind, d);
	if (err) {
		judge_free(j);
		return err;
	}
	*out = j;
	return 0;
}

/* -- one thread -------------------------------------------------------------------------------- */

static enum module_kind kind_of(const struct judge *j, taddr_t pc)
{
	for (size_t i = 0; i < j->modules.n; i++) {
		if (pc >= j->modules.at[i].range.lo && pc < j->modules.at[i].range.hi)
			return j->modules.at[i].kind;
	}
	return IN_NONE;
}

static bool is_in(const struct taddr_range *at, size_t n, taddr_t pc)
{
	for (size_t i = 0; i < n; i++) {
		if (pc >= at[i].lo && pc < at[i].hi)
			return true;
	}
	return false;
}

static bool has_name(const struct judge *j, taddr_t pc)
{
	struct taddr_range r;

	return j->libc && objfile_func_range(j->libc, pc - j->libc_bias, &r) &&
	       objfile_sym_at(j->libc, r.lo);
}

/* Seen of a stack so far. */
struct look {
	struct judge *j;
	enum module_kind caller; /* of the innermost frame that is not libc's */
	bool libc, named, waits; /* of libc's frames before it: any; the last one; one of them */
	bool cut;                /* code without tables came */
	const char *why;
};

static int look_at(void *arg, taddr_t pc, unsigned depth)
{
	struct look *l = arg;
	enum module_kind kind = kind_of(l->j, pc);

	if (kind == IN_LOADER)
		l->why = "in the loader";
	else if (is_in(l->j->never.at, l->j->never.n, pc))
		l->why = "in malloc, fork or dlopen";
	else if (kind == IN_NONE && !l->caller)
		l->why = "in code of which no file is known";
	if (l->why)
		return -EBUSY;
	if (kind == IN_NONE) {
		l->cut = true;
		return 1;
	}
	if (l->caller)
		return 0;
	if (kind != IN_LIBC) {
		l->caller = kind;
		return 0;
	}
	l->libc = true;
	l->named = has_name(l->j, pc);
	l->waits |= is_in(l->j->waits.at, l->j->waits.n, pc);
	return 0;
}

static int read_word(void *arg, taddr_t addr, uint64_t *word)
{
	struct look *l = arg;

	return process_read(l->j->p, addr, word, sizeof(*word));
}

/* Does the rest of the stack hold what a signal handler returns to? */
static bool holds_handler(const struct judge *j, taddr_t rsp)
{
	const struct map_region *r = maps_at(&j->p->modules.maps, rsp);
	taddr_t restorer = process_priv(j->p)->code.restorer;
	uint64_t word[512];
	taddr_t end;

	if (!r)
		return true; /* mapped since: not known */
	end = r->hi - rsp < SCAN_MAX ? r->hi : rsp + SCAN_MAX;
	for (taddr_t at = rsp & ~7ull; at < end; at += sizeof(word)) {
		size_t n = end - at < sizeof(word) ? end - at : sizeof(word);

		if (process_read(j->p, at, word, n) < 0)
			return true;
		for (size_t i = 0; i < n / 8; i++) {
			if (word[i] == restorer)
				return true;
		}
	}
	return false;
}

static bool walk(struct judge *j, const struct user_regs_struct *r, struct look *l)
{
	struct unwind_walk w = {
		.reg = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
			 r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip },
		.read = read_word,
		.frame = look_at,
		.arg = l,
	};
	int err = unwind_walk(j->unwind, &w);

	if (l->why)
		return false;
	if (!l->caller)
		l->why = "in libc, called by nobody known";
	else if (err && holds_handler(j, r->rsp))
		l->why = "where its stack cannot be followed";
	return !l->why;
}

/* Made by malloc, the loader or fork; or there is nothing to come back to. */
static bool call_never(uint64_t nr)
{
	static const uint16_t list[] = {
		SYS_mmap,       SYS_munmap,          SYS_mremap, SYS_brk,        SYS_mprotect,
		SYS_madvise,    SYS_clone,           SYS_fork,   SYS_vfork,      435,
		SYS_execve,     SYS_execveat,        SYS_exit,   SYS_exit_group, SYS_rt_sigreturn,
		SYS_arch_prctl, SYS_restart_syscall,
	}; /* 435: clone3; restart_syscall: of what call is not known */

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (list[i] == nr)
			return true;
	}
	return false;
}

/* Neither malloc nor the loader ever make them. */
static bool call_blocks(uint64_t nr)
{
	static const uint16_t list[] = {
		SYS_poll,         SYS_ppoll,        SYS_select,          SYS_pselect6,
		SYS_epoll_wait,   SYS_epoll_pwait,  SYS_epoll_pwait2,    SYS_nanosleep,
		SYS_pause,        SYS_wait4,        SYS_waitid,          SYS_rt_sigsuspend,
		SYS_accept,       SYS_accept4,      SYS_recvfrom,        SYS_recvmsg,
		SYS_recvmmsg,     SYS_sendto,       SYS_sendmsg,         SYS_sendmmsg,
		SYS_connect,      SYS_msgrcv,       SYS_msgsnd,          SYS_semop,
		SYS_semtimedop,   SYS_io_getevents, SYS_io_uring_enter,  SYS_mq_timedreceive,
		SYS_mq_timedsend, SYS_flock,        SYS_clock_nanosleep, SYS_rt_sigtimedwait,
	};

	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (list[i] == nr)
			return true;
	}
	return false;
}

static bool is_thread(const struct process *p, uint64_t id)
{
	const struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < pp->threads.n; i++) {
		if ((uint64_t)pp->threads.at[i].tid == (uint32_t)id)
			return true;
	}
	return false;
}

/* FUTEX_WAIT, FUTEX_WAIT_BITSET without their flags. */
static bool waits_for_thread(const struct process *p, const struct user_regs_struct *r)
{
	uint32_t op = (uint32_t)r->rsi & 127;

	return (op == 0 || op == 9) && is_thread(p, r->rdx);
}

static int by_call(const struct judge *j, const struct user_regs_struct *r, struct look *l)
{
	bool own = l->caller == IN_CODE && !l->libc;

	if ((int64_t)r->orig_rax < 0) {
		l->why = "running in libc, or where an allocator is";
		return own ? FIT_RUNNING : UNFIT;
	}
	if (call_blocks(r->orig_rax))
		return FIT_BLOCKED;
	if (r->orig_rax == SYS_futex) {
		l->why = "waiting for a lock";
		return own || l->waits || waits_for_thread(j->p, r) ? FIT_CALL : UNFIT;
	}
	l->why = "in a system call of an unknown function of libc";
	return own || (l->libc && l->named) ? FIT_CALL : UNFIT;
}

/* A thread of libc's: dlopen() finds its own data by fs. */
static bool has_libc_thread(struct process *p, const struct user_regs_struct *r)
{
	uint64_t self;

	return r->fs_base && process_read(p, r->fs_base + 16, &self, sizeof(self)) == 0 &&
	       self == r->fs_base;
}

static int judge_thread(struct judge *j, struct tracee *t, const char **why)
{
	struct look l = { .j = j };
	struct user_regs_struct r;
	int fit = UNFIT;

	if (!t->stopped || tracee_regs(t, &r) < 0)
		return UNFIT;
	r.orig_rax = call_number(j->p, &r);
	if (!tracee_may_call(j->p, t))
		l.why = "under seccomp, which might kill it for calling the loader";
	else if ((int64_t)r.orig_rax >= 0 && call_never(r.orig_rax))
		l.why = "in a system call of malloc, fork or the loader";
	else if (!has_libc_thread(j->p, &r))
		l.why = "no thread of libc's";
	else if (walk(j, &r, &l))
		fit = by_call(j, &r, &l);
	*why = l.why ? l.why : *why;
	return fit;
}

/* -- all of them ------------------------------------------------------------------------------- */

/* Of the stopped threads the one that is fit best; 0: none, and *why of one of them. */
pid_t judge_pick(struct judge *j, const char **why)
{
	struct process_priv *pp = process_priv(j->p);
	size_t n = pp->threads.n < THREADS_AT_ONCE ? pp->threads.n : THREADS_AT_ONCE;
	int best = UNFIT;
	pid_t tid = 0;

	for (size_t i = 0; i < n && best < FIT_BLOCKED; i++) {
		struct tracee *t = &pp->threads.at[(i + j->turn) % pp->threads.n];
		int fit = judge_thread(j, t, why);

		/* the first thread's heap is there already: another may get one, of 64 MiB */
		if (fit != UNFIT && t->tid == j->p->pid)
			return t->tid;
		if (fit > best) {
			best = fit;
			tid = t->tid;
		}
	}
	j->turn += (unsigned)n;
	return tid;
}

/* Stopped when this succeeds. */
int judge_wait(struct judge *j, uint64_t limit_ns, pid_t *tid, struct diag *d)
{
	uint64_t end = process_now_ns() + limit_ns;
	const char *why = "not stopped";

	for (unsigned turn = 0;; turn++) {
		/* odd times, so that no rhythm of the target's is met again and again */
		struct timespec nap = { .tv_nsec = 300000 + 137000 * (long)(turn % 16) };
		int err = process_stop(j->p, d);

		if (err && (err != -ETIMEDOUT || process_now_ns() > end))
			return err;
		*tid = err ? 0 : judge_pick(j, &why);
		if (*tid)
			return 0;
		err = err ? 0 : process_resume(j->p, d);
		if (err)
			return err;
		if (process_now_ns() > end)
			return diag_set(d, -EBUSY,
					"process %d: no thread came to a safe point within %.0f s: "
					"the last one was %s; try again, or start the program "
					"under utramp",
					j->p->pid, (double)limit_ns / 1e9, why);
		nanosleep(&nap, NULL);
	}
}
