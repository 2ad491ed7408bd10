/*
 * ctl/self.h - the calling process as one to be traced, by itself.
 *
 * Nobody can ptrace a thread of his own process.  What needs every thread stopped is a job that
 * a forked helper does (ctl/tape.h); all else, reading, writing, system calls, is done directly.
 *
 * What the process sees of a helper (ctl/aside.h): its pthread_atfork() handlers run, and for some
 * milliseconds there is a child that only wait(2) with __WALL or __WCLONE sees; no SIGCHLD.
 *
 * Errors   -EPERM  another tracer is there (diag names it), or ptrace is not permitted: the
 *                  process is not dumpable, or yama says no
 *          those of aside_begin()
 *          -EIO    the helper was killed before its job was done
 * Context  [ctl] one thread at a time; every thread, the calling one too, is stopped meanwhile
 * Spec     ptrace(2); prctl(2) PR_SET_PTRACER; dlopen(3)
 */
#ifndef CTL_SELF_H
#define CTL_SELF_H

#include "ctl/process.h"

/* Its slabs are loaded by dlopen(), and stay loaded when the handle is freed. */
int process_self(const struct slab_template *slab, const char *dir, struct process **out,
		 struct diag *d);

/*
 * Run job(arg): for a process that is not our own, at once and here.  For our own twice: in a
 * helper, for real, and then here, by the helper's tape.  Its result.
 */
int process_apart(struct process *p, int (*job)(void *arg, struct diag *d), void *arg,
		  struct diag *d);
/* The same as one operation: job is done by the helper alone, and n bytes at out come from there. */
int process_apart_once(struct process *p, int (*job)(void *arg, struct diag *d), void *arg,
		       void *out, size_t n, struct diag *d);
/* Inside of a job: this is the helper. */
bool process_helps(const struct process *p);

/*
 * Write to this helper's own copy of the process, calling no function that may be traced.
 * Nothing can be done about failure.
 */
void process_helper_write(taddr_t addr, const void *bytes, size_t n);

#endif
