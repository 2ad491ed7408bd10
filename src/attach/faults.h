/*
 * attach/faults.h - how programs of a target survive bad addresses of its own (rt/fault.c).
 *
 * Two ways, one for all of a target, chosen when the first program that needs it is attached:
 *   handler  loads are plain; a handler of ours for SIGSEGV and SIGBUS is in the target while
 *            such programs are attached, and libc's functions about signals lead to stand-ins
 *   syscall  each load asks the kernel: where the user wants it, and where the application's
 *            signals cannot be kept apart from ours
 * and under a seccomp filter that allows neither: none, every address is bad.
 *
 * Errors   those of the layers below
 * Context  [ctl]
 */
#ifndef ATTACH_FAULTS_H
#define ATTACH_FAULTS_H

#include "base/diag.h"
#include "base/types.h"

enum faults_way { FAULTS_OPEN, FAULTS_HANDLER, FAULTS_SYSCALL, FAULTS_NONE };

struct faults {
	bool asked_syscall; /* by the user */
	enum faults_way way;
	char why[256]; /* why not the handler; "" */
	bool on;       /* it is in the target */
	bool needed;   /* by a program that is attached, as of the last look */
	bool torn;     /* put in or taken out by who was killed: it may be there in parts */
	bool lingers;  /* on for a thread that is held inside a program; no stand-ins any more */
};

struct utramp_target;
struct hook;
struct program;

/* "auto" or NULL, "syscall"; -EINVAL: no such way. */
int faults_ask(struct faults *f, const char *how, struct diag *d);

/* A program that reads the target's memory is about to be attached: choose the way. */
int faults_choose(struct utramp_target *t, const struct program *p, struct diag *d);

/* The stand-in that the function of this hook leads to, RT_HOOK_*; -1: none. */
int faults_stand_in(const struct utramp_target *t, const struct hook *h);
taddr_t faults_stand_in_at(const struct utramp_target *t, int which);
/* Its slot is written: where the function as it was is. */
int faults_slot(struct utramp_target *t, int which, taddr_t original);

/* Its text is to be patched for the handler's sake. */
bool faults_want(const struct utramp_target *t, const struct hook *h);

/* A commit has something to do here. */
bool faults_changed(struct utramp_target *t);

/*
 * Stopped: put the handler in, before hooks are written; or take it out, which is -EAGAIN as
 * long as a thread may be inside a program.  Functions are left all the same, so that nobody
 * enters one anew.  `last`: the handler stays, in front of the target's own, and the text is
 * restored.
 */
int faults_enter(struct utramp_target *t, struct diag *d);
int faults_leave(struct utramp_target *t, bool last, struct diag *d);
void faults_undo(struct utramp_target *t); /* of faults_enter(), when the commit failed */

/* RT_FLAG_* for the present. */
uint32_t faults_flags(const struct utramp_target *t);

#endif
