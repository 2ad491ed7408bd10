/*
 * ctl/admit.h - may this process be attached to, and if not, why and what then.
 *
 * One table of facts, asked in the kernel's own order.  Who attaches wants the first obstacle
 * (process_admit), `utramp doctor` wants all lines: so errors and doctor say the same words.
 * Whether tracing is permitted is the kernel's to say (opening /proc/PID/mem for writing is
 * the check that PTRACE_SEIZE makes, and disturbs nobody); facts only explain its answer, since
 * what a target allowed by prctl(PR_SET_PTRACER), or a security module decides, is seen nowhere.
 *
 * Errors   -ESRCH   gone, a zombie, no process
 *          -EPERM   not permitted, traced already, a filter of system calls that cannot be put off
 *          -ENOTSUP a kernel thread, 32-bit, static, not glibc's, Go
 * Memory   nothing is kept; a fact's text lives as long as the call that shows it
 * Context  [ctl] forks a child of its own for a moment: what the kernel allows is tried on it
 * Spec     ptrace(2) "Ptrace access mode checking"; proc_pid_status(5);
 *          Documentation/admin-guide/LSM/Yama.rst
 */
#ifndef CTL_ADMIT_H
#define CTL_ADMIT_H

#include "base/diag.h"

#include <stdbool.h>
#include <sys/types.h>

enum fact_state { FACT_OK, FACT_WARN, FACT_BAD };

struct fact {
	const char *what; /* "ptrace scope": stays for ever */
	enum fact_state state;
	int err; /* of a bad one: negative errno */
	char text[640];
	char remedy[512]; /* one sentence without its full stop, or "" */
};

/* 0, or the first obstacle: its text, "; ", its remedy. */
int process_admit(pid_t pid, struct diag *d);

/*
 * The kernel refused to trace it by err (of PTRACE_SEIZE, of /proc/PID/mem): why.  What it gives is
 * err, or a better one: PTRACE_SEIZE says EPERM of a process that has just ended.
 */
int process_admit_why(pid_t pid, int err, struct diag *d);

/* /proc shows this process under its own number: before anything else is done by way of it. */
int admit_proc(struct diag *d);

/* What the kernel lets us do to a child of our own: 0 or negative errno. */
struct admit_probe {
	int trace;    /* PTRACE_SEIZE */
	int sigmask;  /* PTRACE_GETSIGMASK */
	int write;    /* to code through /proc/PID/mem, while tracing */
	int touch;    /* the same, not tracing */
	int suspend;  /* PTRACE_O_SUSPEND_SECCOMP */
	bool no_fork; /* there was no child to try */
};

void admit_try(struct admit_probe *out);

/* Where facts are read; tests have trees of their own. */
struct admit_world {
	const char *proc, *sys;          /* "/proc", "/sys" */
	int access;                      /* 1: ask the kernel; else as if it had answered this */
	const struct admit_probe *probe; /* NULL: admit_try() when it is needed */
};

extern const struct admit_world admit_real;

/* Does a child of ours trace us only if we permit it by prctl(PR_SET_PTRACER)? */
bool admit_must_permit(const struct admit_world *w);
int admit_check(const struct admit_world *w, pid_t pid, struct diag *d);

/* Show each line: of the machine, then, if pid is not 0, of the process.  fn: not 0 stops. */
typedef int (*admit_fn)(void *ctx, const struct fact *f, bool of_process);
int admit_show(const struct admit_world *w, pid_t pid, admit_fn fn, void *ctx);

#endif
