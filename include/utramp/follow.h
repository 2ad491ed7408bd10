/*
 * utramp/follow.h - a process and all whom it starts: forked children, programs they execute.
 *
 *	struct utramp_follow_opts o = { .sz = sizeof(o), .begin = attach, .end = read_and_free };
 *	struct utramp_follow *f = utramp_follow__new(&o);
 *	utramp_follow__add(f, t);                a target that is not resumed yet, or attached to
 *	utramp_target__resume(t);
 *	while (utramp_follow__poll(f, 5) == UTRAMP_RUNNING)
 *		...                              read what all targets tell
 *
 * A forked child runs the programs of its parent's target and reports there, under its own pid.
 * A program that is executed is a target of its own, handed to `begin` before its first
 * constructor.  A target is over when its process and all forked of it have ended or executed
 * something else: `end` is told.
 *
 * Followed processes are traced by ptrace(2) all the time: each signal costs them a stop, they have no
 * other debugger, and set-user-ID programs run without it unless the caller is privileged.  When
 * the caller is killed, all go on.  SIGCHLD and waitpid(2) are this library's while there is one.
 *
 * Errors, memory, options, threads as in utramp/utramp.h; one thread does all of it.
 */
#ifndef UTRAMP_FOLLOW_H
#define UTRAMP_FOLLOW_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_follow;

enum utramp_follow_what {
	UTRAMP_FOLLOW_PASSED,   /* pid's program is passed over, and runs untraced: text says why */
	UTRAMP_FOLLOW_WEAK,     /* pid's program has not got the rights that its file grants */
	UTRAMP_FOLLOW_RESTORED, /* at detaching: a forked child is as if nothing had been */
	UTRAMP_FOLLOW_UNRESTORED /* at detaching: it is not, text says why */
};

struct utramp_follow_note {
	size_t sz;
	enum utramp_follow_what what;
	pid_t pid;
	const char *text;
};

struct utramp_follow_opts {
	size_t sz;
	/* For the targets to come, as in struct utramp_spawn_opts. */
	const char *slab_dir;
	enum utramp_engine engine;
	const char *faults;
	/*
	 * A target stands before its first constructor.  0: it is resumed, and freed by the caller once
	 * `end` has told that it is over; else its process goes on and t is freed here.
	 */
	int (*begin)(void *ctx, struct utramp_target *t);
	void (*end)(void *ctx, struct utramp_target *t);
	void (*note)(void *ctx, const struct utramp_follow_note *n); /* or NULL */
	void *ctx;
};

UTRAMP_API struct utramp_follow *utramp_follow__new(const struct utramp_follow_opts *opts);
UTRAMP_API int utramp_follow__add(struct utramp_follow *f, struct utramp_target *t);
/*
 * Wait up to timeout_ms for something to happen; to be called all the time.  UTRAMP_RUNNING, or
 * UTRAMP_EXITED: all have ended.  It calls begin and end, and polls all targets.
 */
UTRAMP_API int utramp_follow__poll(struct utramp_follow *f, int timeout_ms);
/* The command, as spawned, has ended: 1 and its wait status. */
UTRAMP_API int utramp_follow__status(const struct utramp_follow *f, int *status);
/* How many processes are followed now. */
UTRAMP_API unsigned utramp_follow__count(const struct utramp_follow *f);
/*
 * Detach from all targets, restore forked children, let everybody go.  The first error, when all
 * was tried; `end` is called for no target any more.
 */
UTRAMP_API int utramp_follow__detach(struct utramp_follow *f);
/* Lets everybody go; targets are their owners' to free, behind it or before. */
UTRAMP_API void utramp_follow__free(struct utramp_follow *f);

#ifdef __cplusplus
}
#endif
#endif
