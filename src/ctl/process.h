/*
 * ctl/process.h - one traced process as seen from outside: start, stop, read, write, map.
 *
 * Changes are made by ptrace and /proc/PID/mem only, while every thread is stopped;
 * nothing is loaded but the slabs, nothing runs there but single system calls.
 *
 * States   after process_spawn(): stopped by ptrace at the loader's consistent point, one
 *          thread, every library mapped and relocated, no constructor run yet.
 *          process_resume(): runs, nobody traces it.  process_stop(): every thread
 *          stopped again (seized), until process_resume().
 * Errors   -ENOENT, -EACCES, -ENOEXEC and what else execve(2) says: process_spawn() means
 *          the command by them, and nothing else (diag_inner())
 *          -EROFS     no directory can hold the slab files (diag: each one tried)
 *          -EPERM     AT_SECURE (set-user-ID), already traced (diag names the tracer)
 *          -ENOTSUP   static, 32-bit, musl (diag says what)
 *          -ESRCH     the process is gone
 *          -ETIMEDOUT a thread did not stop (diag: its tid, state); it goes on by leftover.c
 *          -EBUSY     a window's bytes are not what was expected
 * Memory   process_free() detaches if needed and frees; it never kills a process that
 *          runs, and kills one that never got to run
 * Context  [ctl] one thread per process
 * Spec     ptrace(2), proc(5), ld.so(8); DESIGN section 2 "Launch"
 */
#ifndef CTL_PROCESS_H
#define CTL_PROCESS_H

#include "base/diag.h"
#include "base/types.h"
#include "info/maps.h"
#include "shm/arena.h"

#include <sys/types.h>

/* The slab's ELF template (rt/slab.h), handed down by attach/. */
struct slab_template {
	const void *bytes;
	uint64_t size, file_size;
	uint64_t code_size, shadow_distance;
};

enum { SLAB_EXE, SLAB_LIB, SLABS };

/* A slab as loaded. */
struct slab {
	char path[256];   /* its file while the session lasts; "" when there is none */
	int fd;           /* of the file, for writing code into it too; -1 */
	taddr_t bias;     /* run-time address of a template symbol = its value + bias */
	taddr_t text;     /* first byte of room for code */
	taddr_t shadow;   /* frame states: shadow + (pc - text) */
	uint64_t room;    /* bytes */
	taddr_t rt_state; /* address of struct rt_state there */
};

struct objfile;

/* rt/'s signal handling in a process (attach/faults.c): addresses there. */
struct process_handlers {
	uint64_t signals;     /* struct rt_signals */
	uint64_t fault_entry; /* the handler of SIGSEGV and SIGBUS */
	uint64_t sig_enter;   /* what other handlers are called by */
};

struct journal; /* ctl/journal.h */

struct process {
	pid_t pid;
	int mem;      /* /proc/PID/mem; reads 0 bytes once the address space is gone */
	bool child;   /* ours to wait for */
	bool self;    /* the calling process: ctl/self.h */
	bool stopped; /* by us */
	bool fresh;   /* loaded by follow_load(): it waits for process_resume() as a child does */
	bool exited;
	int status; /* wait status, when exited and child */
	struct slab slab[SLABS];
	taddr_t arena;         /* where it is mapped there; 0: not yet */
	unsigned regions;      /* of the arena's list that are mapped */
	taddr_t threads;       /* block table */
	taddr_t cfi;           /* struct rt_cfi */
	taddr_t clock_gettime; /* the vDSO's; 0: there is none */
	int32_t tls_off;
	uint32_t pthread_size; /* the caller's to find, for struct rt_state, as rseq_cpu and */
	uint32_t tid_off;
	int32_t rseq_cpu;
	struct module_list modules;
	struct journal *journal; /* NULL: none is kept */
	void *priv;
};

struct process_spawn_opts {
	const struct slab_template *slab;
	const char *dir; /* for the slab files; NULL: $XDG_RUNTIME_DIR or /tmp */
	bool keep_env;   /* leave LD_PRELOAD in the environment (-f) */
};

/*
 * argv[0] is looked up in PATH as a shell does.  On failure nothing is left behind.  A
 * command that ends before its libraries are loaded (one is missing: ld.so has said so on
 * stderr, exit status 127) is a success with (*out)->exited.
 *
 * LD_PRELOAD names the slabs first, then what the user's names; the user's own entry stays
 * where it is.  LD_USE_LOAD_BIAS=1, which glibc <= 2.35 needs to honour the slab's address,
 * comes with it.  Both are gone from the environment when this returns.
 */
int process_spawn(char *const argv[], const struct process_spawn_opts *opts, struct process **out,
		  struct diag *d);
void process_free(struct process *p); /* NULL is fine */

struct process_attach_opts {
	const struct slab_template *slab;
	const char *dir; /* for the slab files, as the process names it; NULL: /tmp and the like */
	/* where errno is from the thread pointer on; -errno: not known */
	int (*errno_off)(struct process *p, const struct objfile *libc, taddr_t bias, int64_t *off);
};

/*
 * The slabs into a process that runs: those that a session left there (ctl/idle.h), or one of its
 * threads, at a safe point, calls dlopen().  When
 * this returns that thread alone is stopped (p->stopped), enough for process_map_arena() and for
 * process_syscall(); process_resume() lets it go on with what it did.  On failure all is as
 * before, but for a slab that was loaded already.
 * -EPERM   not permitted, or traced by another    -EBUSY  no thread came to a safe point
 * -ENOTSUP static, 32-bit, another libc, or its loader refuses (diag: in its words)
 */
int process_attach(pid_t pid, const struct process_attach_opts *opts, struct process **out,
		   struct diag *d);

/*
 * Unmap what is ours there, but for the slabs, which another session may take then, if no call can be
 * inside of our code; -EBUSY: one is, and all stays.  Of attached processes that run, their text restored; others: 0.
 */
int process_leave(struct process *p, const struct arena *a, struct diag *d);

/*
 * None: a handle like that of a process that has ended, pid -1, for code that is generated
 * but never runs.  Where slabs and arena would be is the caller's to fill in.  NULL: no memory.
 */
struct process *process_none(void);

/*
 * Map the arena (and, called again, regions added since), make the block table and fill
 * both slabs' rt_state.  Stopped processes only.
 */
int process_map_arena(struct process *p, const struct arena *a, uint32_t flags, struct diag *d);

int process_stop(struct process *p, struct diag *d);
int process_resume(struct process *p, struct diag *d);

/* Whole or not at all: 0, or -EFAULT (-ESRCH when the address space is gone). */
int process_read(struct process *p, taddr_t addr, void *out, size_t n);
int process_write(struct process *p, taddr_t addr, const void *bytes, size_t n);

/* True while the address space we patched exists: false after exit and after exec. */
bool process_alive(struct process *p);

/*
 * Wait up to timeout_ms for the child to end: 1 and p->status, 0 not yet, or an error.
 * Sets *exec when the process lives but has executed another program.
 */
int process_poll(struct process *p, int timeout_ms, bool *exec);

/*
 * The name under which the child ended, when it is another than the one last seen and no
 * exec was: it may have executed a program that ended before we could look.  Else NULL.
 */
const char *process_renamed(const struct process *p);

/* Read p->modules anew (libraries may have been loaded); running or stopped. */
int process_refresh(struct process *p, struct diag *d);

/* What is mapped in it; maps_free() is the caller's. */
int process_maps(const struct process *p, struct map_list *out, struct diag *d);

/* One function's window: replaced in a batch.  pc in (addr, addr + len) is moved by `move`. */
struct process_patch {
	taddr_t addr;
	uint8_t len;
	uint8_t expect[32], bytes[32];
	/* where a thread whose pc is inside the window goes on; 0: cannot, postpone */
	taddr_t (*move)(const void *arg, taddr_t pc);
	const void *arg;
	bool restores;  /* a jump of ours goes, what stood there comes back: stacks do not matter */
	bool first_too; /* pc == addr counts as inside: nothing will stand there to arrive at */
	/*
	 * out: 0; -EBUSY bytes differ; -EAGAIN a thread cannot be moved, or a stopped stack
	 * holds an address inside the window; -EINVAL len, or overlaps its neighbour; -EFAULT
	 */
	int result;
};

/* Stopped processes only.  Each patch succeeds or fails by itself; returns how many failed. */
int process_patch(struct process *p, struct process_patch *patch, unsigned n, struct diag *d);

/*
 * Make the windows' pages private by rewriting a byte of each with itself, before the stop,
 * so that the stop holds no page fault.  Optional; errors are left to process_patch().
 */
void process_touch(struct process *p, const struct process_patch *patch, unsigned n);

/* One system call by a stopped thread; the result as the kernel gives it (-errno). */
long process_syscall(struct process *p, long nr, const uint64_t arg[6]);

/* Of a stopped process; new or old NULL: not wanted.  As the kernel gives it (-errno). */
int process_sigaction(struct process *p, int sig, const struct rt_sigaction *new,
		      struct rt_sigaction *old);
uint64_t process_caught(struct process *p); /* signals that have a handler, bit sig - 1 */

/*
 * SIGSEGV and SIGBUS are unblocked in every thread, which goes on believing what it believed
 * (rt_tls.held), or are blocked again where it does.  Stopped processes only.
 */
int process_hold(struct process *p, bool hold);

/*
 * The target's handlers come back where ours stand; what it set itself since stays.  `masks`: what
 * its threads believe to have blocked is blocked again.  Stopped, and nobody inside.
 */
int process_leave_handlers(struct process *p, const struct process_handlers *h, bool masks);

/*
 * Is there a thread of the stopped process that process_syscall() can have a call made by?  Not one
 * whose filter (seccomp) might kill it for that: ctl/filter.c.
 */
bool process_may_call(struct process *p);
/* Some thread of it has such a filter, or had one a moment ago. */
bool process_filtered(const struct process *p);

/* May some thread of the stopped process be inside of a program? */
bool process_inside(struct process *p);

/*
 * err, which something about this process has failed with; or -ESRCH and a reason, if it is only
 * because the process is gone.
 */
int process_blame(struct process *p, int err, struct diag *d);

/* ns between the last stop and resume, for the start line; attached: of the longest stop. */
uint64_t process_stopped_ns(const struct process *p);

uint64_t process_now_ns(void); /* CLOCK_MONOTONIC */

#endif
