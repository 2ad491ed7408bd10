/*
 * utramp/session.h - the sessions of all programs that use utramp, this one's too; and their undoing.
 *
 * What is changed in a process is written down first, in a file of the user's, so that somebody
 * else can undo it when the program that changed it was killed.  `utramp ps` and `utramp detach`
 * are these functions.
 *
 * Errors   ENOENT no session of this name; ESRCH the process is gone; EPERM; EXDEV the session is
 *          of another PID namespace, whose numbers mean other processes here; EBUSY a program lives
 *          that does not take requests; ETIMEDOUT it did not detach in time; EAGAIN a thread is in
 *          the way for now
 * Else     as in utramp/utramp.h
 */
#ifndef UTRAMP_SESSION_H
#define UTRAMP_SESSION_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * What other programs see of sessions that begin from now on: `line` is what the user asked for
 * (NULL: nothing).  detaches: this program detaches when SIGTERM comes, and may be sent it.
 */
UTRAMP_API void utramp_session__announce(const char *line, bool detaches);

/* Why nobody could undo what is done to t, if this program were killed; NULL: it could be. */
UTRAMP_API const char *utramp_target__no_journal(const struct utramp_target *t);

enum utramp_session_state {
	UTRAMP_SESSION_LIVE,
	UTRAMP_SESSION_ORPHANED, /* its program is gone, what it changed is there still */
	UTRAMP_SESSION_DAMAGED,  /* its file cannot be read: id and reason only */
	/* of another PID (or time) namespace, a container's: pid and tool are its numbers there */
	UTRAMP_SESSION_ELSEWHERE,
};

struct utramp_session {
	const char *id;
	pid_t pid, tool;    /* the process, and who attached to it; tool 0: it has left it so */
	const char *comm;   /* the process's; "" not known */
	const char *line;   /* "" none was told */
	const char *reason; /* UTRAMP_SESSION_DAMAGED: why; else "" */
	enum utramp_session_state state;
	unsigned functions; /* patched now */
	int64_t since;      /* seconds since 1970 */
};

/*
 * fn for each session of this user, of root: of all users; valid until it returns.  A result other
 * than 0 ends it and is given.  What is left of sessions whose process is gone is removed.
 */
UTRAMP_API int utramp_session__each(int (*fn)(void *ctx, const struct utramp_session *s),
				    void *ctx);

/* What became of a process. */
struct utramp_undone {
	size_t sz;
	pid_t pid;
	unsigned restored;          /* functions */
	unsigned left;              /* functions that hold somebody else's bytes: not touched */
	unsigned long long left_at; /* one of them */
	bool gone;                  /* it has ended, or runs another program */
	bool ended;                 /* it was this program's child, and is waited for: */
	int status;                 /* as waitpid(2) */
};

/*
 * Detach the session: ask the program that lives, and wait up to timeout_ms until nothing is
 * attached any more; or undo what was left.  out->sz is set by the caller; NULL: not wanted.
 */
UTRAMP_API int utramp_session__detach(const char *id, int timeout_ms, struct utramp_undone *out);

/*
 * Undo all sessions of a program that has died, for the process that watched it: told of each is
 * what was done, or the error that utramp_error() explains.  How many there were.
 */
UTRAMP_API int utramp_session__undo(pid_t tool,
				    void (*told)(void *ctx, int err, const struct utramp_undone *u),
				    void *ctx);

#ifdef __cplusplus
}
#endif
#endif
