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
	enum { CALLS_UNKNOWN, CALLS_ALLOWED, CALLS_FILTERED } calls; /* filter.c, in this stop */
};

#define SLAB_DIGITS 16 /* letters X in the template's SONAME that become random */

/* What the template says about itself; addresses are the template's own. */
struct slab_layout {
	taddr_t text, shadow, rt_state;
	taddr_t signals, restore; /* rt_signals, rt_restore; 0: there is none */
	taddr_t tls_word;         /* target of its R_X86_64_TPOFF64 */
	taddr_t lowest;           /* page of its first PT_LOAD */
	uint64_t span;            /* bytes of address space from there */
};

struct process_priv {
	struct {
		VEC(struct tracee);
	} threads;
	int pidfd;
	bool cfi_known; /* p->cfi is of p->modules */
	bool attached;  /* by process_attach() */
	bool ran;       /* it was resumed: it is not ours to kill any more */
	bool exec_seen; /* process_poll() has told */
	struct {
		unsigned at, times;
	} dies;                /* for tests: so many helpers, with their operation number `at` */
	struct follow *follow; /* it is followed, or was until it ended or executed: ctl/follow.h */
	struct followed *followed; /* now */
	struct tape *tape;         /* a job for a helper is done: ctl/self.h; else NULL */
	int notify;                /* inotify: readable when the arena is unmapped there; -1 */
	int comm_fd;               /* /proc/PID/comm */
	char comm[16];             /* its name as last seen while it lived */
	char last[16];             /* the one it ended under, if that is another; "" */
	char dir[192];             /* of the slab files; "" none */
	int base_fd, dir_fd;       /* where it is, and itself; -1 */
	char no_journal[512];      /* why there is none; "" */
	struct slab_layout layout;
	struct slab_template slab; /* that they are of, attached */
	bool taken;                /* the slabs are those that another session left: idle.h */
	pid_t caller;              /* our own process: the thread that has the job done, */
	taddr_t caller_sp;         /* and where the frames of ours begin, downwards */
	taddr_t entry, phdr, loader, vdso;
	taddr_t syscall_at;       /* a syscall instruction there; 0: not looked for yet */
	struct {                  /* in libc's code; 0: not there, or not looked for */
		taddr_t restorer; /* __restore_rt: rt_sigreturn(2) */
		taddr_t call;     /* syscall; ret */
		taddr_t store;    /* mov %rax, (%rbx); pop %rbx; ret */
		bool known;       /* they were looked for */
	} code;
	struct taddr_range stack; /* of ours there, for calls; empty: none */
	pid_t underway;           /* the thread of a system call that took too long; 0: none */
	uint64_t call_ns;         /* what one may take, for tests; 0: as usual */
	struct taddr_range exe;
	uint64_t stopped_at_ns, stopped_ns, longest_ns;
	char root[32]; /* in front of the slab files' paths, for us; "" if its names are ours */
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

/* -- leave.c ----------------------------------------------------------------------------- */

/*
 * Of a stopped process: a signal frame on some thread's stack leads into our slabs; `words`: or any
 * word of a stack is an address of their code, called or not.
 */
bool stacks_lead_back(struct process *p, bool words);

/* -- idle.c ------------------------------------------------------------------------------ */

/* The thread's words of ours become 0; *block: what was the first.  False: they cannot be written. */
bool idle_forget_words(struct process *p, taddr_t *block, const struct tracee *t);

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
/* slab_link.c: the relocated bytes of the template, malloc'ed. */
int slab_link(const struct slab_template *t, taddr_t base, const char hex[SLAB_DIGITS],
	      uint8_t **out, struct diag *d);

/* A PT_LOAD of the template; addresses are the template's own. */
struct slab_segment {
	taddr_t addr;
	uint64_t offset, size;
	uint64_t bytes; /* of it that the template has; 0: a hole */
	bool r, w, x;
};

bool slab_segment(const struct slab_template *t, unsigned i, struct slab_segment *out);
/* Its data, which rt_state is in; NULL: none. */
const void *slab_data(const struct slab_template *t, taddr_t *at, uint64_t *size);

/* A slab in a process's memory. */
struct slab_found {
	bool fresh; /* all of it is as the loader left it, but what rt_state says of that */
	taddr_t base;
	char digits[SLAB_DIGITS];
	int32_t tls_off;
	struct rt_state state;
	uint8_t *file; /* malloc'ed: what its file held, of t->size bytes */
};

/*
 * now: t->size bytes of memory from `at` on, of a process.  Is it a slab of just this template, that
 * nothing was ever done with?  The caller frees f->file, whatever the answer.
 */
bool slab_is_fresh(const struct slab_template *t, taddr_t at, const uint8_t *now,
		   struct slab_found *f);
bool slab_is_region(const struct slab *s, const struct map_region *r);
/* To the user that the process opens files as. */
int slab_give_files(struct process *p, struct diag *d);
void slab_remove_files(struct process *p);
extern const char *const slab_gone_name[SLABS]; /* of their links, where there are such */
/*
 * For slabs that are mapped already: the files they came from, by these paths, once more.  False: not
 * there any more, or in a directory that slab_choose_paths() would not take.
 */
bool slab_same_files(struct process *p, const char *dir, const char *const path[SLABS],
		     const struct slab_template *t, const void *const bytes[SLABS]);
/* Of a rel32, less 1 MiB for what a moved operand may add. */
#define SLAB_REACH ((2ull << 30) - (1ull << 20))
/* The loader, and around it the libraries that one slab can serve; empty: there is no loader. */
struct taddr_range slab_libs(const struct process *p);
/* Their slab is within reach of all of them. */
bool slab_near_libs(const struct process *p);
bool slab_files_stay(void); /* the user asked for it */

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
/* A leader that called pthread_exit() stays a zombie, unwaitable, while others run. */
bool tracee_is_zombie(pid_t pid, pid_t tid);
/* A thread by whose id /proc shows the address space: not the leader once that has ended. */
pid_t tracee_any(const struct process *p);
int tracee_regs(const struct tracee *t, struct user_regs_struct *out);
int tracee_set_regs(const struct tracee *t, const struct user_regs_struct *regs);
/*
 * Where the restartable sequence (rseq(2)) that pc is in begins anew; 0: it is in none.  The kernel
 * makes a thread that was stopped inside do so, but only if its pc is still there when it runs.
 */
taddr_t tracee_rseq_abort(const struct tracee *t, taddr_t pc);
/* Kill a child that never ran and collect it. */
void tracee_kill(struct process *p);
/* Record the end of the child. */
void tracee_ended(struct process *p, int status);

/* The call it is in will be repeated: arch/x86/kernel/signal.c. */
bool tracee_will_restart(const struct user_regs_struct *r);
#define SYSCALL_LEN 2
/*
 * remote.c: to the next system call stop.  -ETIMEDOUT: it runs still.  -EFAULT: it stands at a
 * fatal signal, which has not been delivered.
 */
int tracee_to_syscall(struct process *p, struct tracee *t, uint64_t deadline);
/* From there, with its own registers again, to an event stop. */
int tracee_to_event(struct process *p, struct tracee *t, uint64_t deadline);
/* stop.c: it is ours no more. */
void tracee_forget(struct process *p, pid_t tid);
/* leftover.c: those that have not stopped yet, of a handle that goes; and those that have by now. */
void leftover_add(struct process *p);
void leftover_settle(void);
/* Let all others run; this one is then the only one, at the list's begin.  p->stopped stays. */
void process_keep_one(struct process *p, pid_t tid);

/* -- filter.c: who makes system calls for us --------------------------------------------------- */

bool tracee_may_call(const struct process *p, struct tracee *t);
/* The first thread if that may, else any; NULL: none. */
struct tracee *tracee_that_calls(struct process *p);
/* -EPERM, and why. */
int process_no_calls(const struct process *p, struct diag *d);

/* -- frame.c: a thread's state ------------------------------------------------------------ */

struct thread_state {
	struct user_regs_struct regs;
	uint64_t mask;
	uint8_t *xstate;
	size_t xsize;
};

int state_save(const struct tracee *t, struct thread_state *s);
int state_restore(const struct tracee *t, const struct thread_state *s);
void state_free(struct thread_state *s);
/* Below what the thread's own stack holds, and how many bytes a frame may take there. */
taddr_t frame_below(const struct thread_state *s);
uint64_t frame_size(const struct thread_state *s);
/* The number of the call it is in, of one that is restarted that of the call itself. */
uint64_t call_number(struct process *p, const struct user_regs_struct *r);
/* The frame, as a stack pointer that a function's `ret` may meet: *at. */
int frame_write(struct process *p, const struct thread_state *s, taddr_t top, taddr_t *at);

/* In words: from where a frame's return address is to the pc that it restores. */
#define FRAME_PC_WORD 22
#define FRAME_SP_WORD 21 /* and its stack pointer */

/* pass.c: a descriptor over there for our fd, through a pair of sockets; or an error. */
long pass_fd(struct process *p, int fd, bool read_only, struct diag *d);

/* -- call.c ---------------------------------------------------------------------------------- */

int code_find(struct process *p, struct diag *d); /* -ENOTSUP; process_priv()->code */
int stack_map(struct process *p, struct diag *d); /* of a stopped process */
void stack_unmap(struct process *p);

struct call {
	struct process *p;
	struct tracee *t;
	struct thread_state state;
	taddr_t frame, errno_at;
	int err_no;
	unsigned calls; /* of the system, but futex(2), by the function at hand */
	enum { CALL_BEGUN, CALL_AT_END, CALL_STOPPED, CALL_LEFT, CALL_GONE } where;
};

/* errno_off: errno's distance from the thread pointer; 0: not known. */
int call_begin(struct call *c, struct process *p, struct tracee *t, int64_t errno_off);
/* function(arg[0], arg[1]); result: the address of a word for what it gives, or 0. */
int call_run(struct call *c, taddr_t function, const uint64_t arg[2], taddr_t result,
	     uint64_t deadline, struct diag *d);
int call_end(struct call *c);

/* -- safepoint.c ----------------------------------------------------------------------------- */

struct judge;
int judge_new(struct process *p, struct judge **out, struct diag *d);
void judge_free(struct judge *j); /* NULL is fine */
pid_t judge_pick(struct judge *j, const char **why);
int judge_wait(struct judge *j, uint64_t limit_ns, pid_t *tid, struct diag *d);

/* -- image.c: what the kernel tells of the program that runs -------------------------------- */

/* attach.c: its root directory, if it is another than ours, into process_priv()->root. */
void process_find_root(struct process *p);
/* The user and group that it opens files as. */
int process_user(const struct process *p, unsigned *uid, unsigned *gid);

struct aux {
	uint64_t loader, phdr, phent, phnum, entry, secure, vdso;
};

int read_aux(struct process *p, struct aux *out);
/* The executable's addresses, from its program headers in memory. */
int exe_range(struct process *p, const struct aux *a, const struct map_list *maps,
	      struct taddr_range *out);

/* -- loader.c: its first instruction, its loader, the environment of that ------------------- */

#define ENV_BIAS    "LD_USE_LOAD_BIAS=1"
#define ENV_PRELOAD "LD_PRELOAD="
enum { OUR_ENTRIES = 2 }; /* of the environment, the last ones: these */

struct loader {
	taddr_t debug_state; /* function called at each change */
	taddr_t r_debug;
};

/* ENV_PRELOAD and its value, malloc'ed: the slabs, then what the user preloads (or NULL). */
char *loader_preload(const struct process *p, const char *program, const char *users);
/* bias_at: where the pointer to the first of our entries is. */
int loader_forget_env(struct process *p, taddr_t bias_at, char *const ours[OUR_ENTRIES]);
/* Can it be loaded into?  path is what it is called; a is filled. */
int loader_check(struct process *p, const char *path, const struct tracee *t, struct aux *a,
		 struct diag *d);
int loader_find(struct process *p, const struct map_list *maps, struct loader *out, struct diag *d);
/* 1: all is mapped and relocated; 0: go on; -ENOTSUP: the loader left the slabs out. */
int loader_is_ready(struct process *p, const struct loader *l, const struct slab_template *slab,
		    bool audited, struct diag *d);

/* -- process.c -------------------------------------------------------------------------- */

struct process *process_alloc(void);
int process_open_mem(struct process *p, struct diag *d);
/* Notice an exec early: arena_fd is the file whose mapping there goes with the program. */
void process_watch(struct process *p, int arena_fd);
/* -- stop.c: let go of threads that stopped too late for a stop that was given up. */
void process_settle_late(struct process *p);

#endif
