/*
 * ctl/priv.h - what the files of ctl/ share; nobody else includes it.
 *
 * Every thread that we trace is in priv->threads from its PTRACE_SEIZE until it is
 * detached or gone.  While p->stopped each of them stands in a PTRACE_EVENT_STOP: signals
 * that came on the way were delivered (their handler's frame is pushed), so none is in
 * hand and a plain detach loses none.
 *
 * Errors   as in ctl/process.h; `tracee_` functions give plain negative errno
 * Context  [ctl] ptrace(2) binds all of it to the thread that called process_spawn()
 * Spec     ptrace(2) "Stopped states", "PTRACE_EVENT stops"
 */
#ifndef CTL_PRIV_H
#define CTL_PRIV_H

#include "base/vec.h"
#include "ctl/process.h"
#include "ctl/tape.h"

#include <signal.h>
#include <sys/user.h>

struct tracee {
	pid_t tid;
	bool stopped;
};

/* What the template says about itself; addresses are the template's own. */
struct slab_layout {
	taddr_t text, shadow, rt_state;
	taddr_t tls_word; /* target of its R_X86_64_TPOFF64 */
	taddr_t lowest;   /* page of its first PT_LOAD */
	uint64_t span;    /* bytes of address space from there */
};

struct process_priv {
	struct {
		VEC(struct tracee);
	} threads;
	int pidfd;
	bool cfi_known;    /* p->cfi is of p->modules */
	bool ran;          /* it was resumed: it is not ours to kill any more */
	bool exec_seen;    /* process_poll() has told */
	struct tape *tape; /* a job for a helper is done: ctl/self.h; else NULL */
	int notify;        /* inotify: readable when the arena is unmapped there; -1 */
	int comm_fd;       /* /proc/PID/comm */
	char comm[16];     /* its name as last seen while it lived */
	char last[16];     /* the one it ended under, if that is another; "" */
	char dir[192];     /* of the slab files; "" none */
	struct slab_layout layout;
	pid_t caller;      /* our own process: the thread that has the job done, */
	taddr_t caller_sp; /* and where the frames of ours begin, downwards */
	taddr_t entry, phdr, loader, vdso;
	taddr_t syscall_at; /* a syscall instruction there; 0: not looked for yet */
	struct taddr_range exe;
	uint64_t stopped_at_ns, stopped_ns;
};

static inline struct process_priv *process_priv(const struct process *p)
{
	return p->priv;
}

/* -- command.c: what would be executed, and whether we may start it ------------------- */

/* PATH lookup as a shell does it; path has n bytes. */
int command_find(const char *name, char *path, size_t n, struct diag *d);
/* -EPERM if executing path changes ids or capabilities (scripts: their interpreter, whose path
 * program, of PATH_MAX bytes, is then). */
int command_check_plain(const char *path, char *program, struct diag *d);

/* -- cfi.c ----------------------------------------------------------------------------- */

/* The modules of p->modules, if they are others than before, and rows forgotten; room at p->cfi. */
int process_fill_cfi(struct process *p, struct diag *d);

/* -- slab.c: the two files and where they went ---------------------------------------- */

int slab_layout_read(const struct slab_template *t, struct slab_layout *out, struct diag *d);
/* A fresh private directory and two paths in it; the files do not exist yet. */
int slab_choose_paths(struct process *p, const char *dir, struct diag *d);
/* Write file `which`, linked at base (0: not prelinked). */
int slab_write(struct process *p, int which, const struct slab_template *t, taddr_t base,
	       struct diag *d);
/* Where the executable's slab shall lie; 0: no room within reach. */
taddr_t slab_place(const struct map_list *m, struct taddr_range exe, uint64_t span);
/* The executable's slab reaches all of it by rel32, and is reached. */
bool slab_in_reach(const struct process *p);
/* 1: both are mapped and relocated, p->slab and p->tls_off are filled; 0: not (yet). */
int slab_locate(struct process *p, const struct slab_template *t, const struct map_list *m);
/* The relocated bytes of the template, malloc'ed (slab_write's core, for tests). */
int slab_link(const struct slab_template *t, taddr_t base, const char hex[16], uint8_t **out,
	      struct diag *d);
void slab_remove_files(struct process *p);

/* -- tracee.c: one thread under ptrace -------------------------------------------------- */

/*
 * Bring a seized thread to its event stop, delivering what signals come first: 1 stopped,
 * 0 not yet, -ESRCH gone (dropped by the caller; p->exited is set if it was the child).
 */
int tracee_settle(struct process *p, struct tracee *t);
/* The same, waiting up to the deadline (CLOCK_MONOTONIC ns): 0, -ESRCH, -ETIMEDOUT. */
int tracee_await(struct process *p, struct tracee *t, uint64_t deadline_ns);
/* Undo what the stop did to a system call that a stop interrupts visibly. */
void tracee_repeat_call(const struct tracee *t);
/* A thread by whose id /proc shows the address space: not the leader once that has ended. */
pid_t tracee_any(const struct process *p);
int tracee_regs(const struct tracee *t, struct user_regs_struct *out);
int tracee_set_regs(const struct tracee *t, const struct user_regs_struct *regs);
/* Kill a child that never ran and collect it. */
void tracee_kill(struct process *p);
/* Record the end of the child. */
void tracee_ended(struct process *p, int status);

/* -- process.c -------------------------------------------------------------------------- */

struct process *process_alloc(void);
uint64_t process_now_ns(void);
int process_open_mem(struct process *p, struct diag *d);
/* Notice an exec early: arena_fd is the file whose mapping there goes with the program. */
void process_watch(struct process *p, int arena_fd);
/* -- stop.c: let go of threads that stopped too late for a stop that was given up. */
void process_settle_late(struct process *p);

#endif
