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

/* The session's name, as `utramp ps` shows it; NULL: it has none.  Valid while t is. */
UTRAMP_API const char *utramp_target__session(const struct utramp_target *t);
/* Why nobody could undo what is done to t, were this program killed now; NULL: it could be. */
UTRAMP_API const char *utramp_target__no_journal(const struct utramp_target *t);

enum utramp_session_state {
	UTRAMP_SESSION_LIVE,
	UTRAMP_SESSION_ORPHANED, /* its program is gone, what it changed is there still */
	UTRAMP_SESSION_DAMAGED,  /* its file cannot be read: id and reason only */
	/* of another PID (or time) namespace, a container's: pid and tool are its numbers there */
	UTRAMP_SESSION_ELSEWHERE,
	UTRAMP_SESSION_KEPT,  /* live, and whoever detaches it can have its output */
	UTRAMP_SESSION_ENDED, /* nothing is attached; its output waits: __saved() */
};

struct utramp_session {
	const char *id;
	pid_t pid, tool;    /* the process, and who attached to it; tool 0: it has left it so */
	const char *comm;   /* the process's; "" not known */
	const char *line;   /* "" none was told */
	const char *reason; /* UTRAMP_SESSION_DAMAGED: why; else "" */
	enum utramp_session_state state;
	unsigned functions; /* patched now */
	int64_t since;      /* seconds since 1970; UTRAMP_SESSION_ENDED: when that was */
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

/*
 * A program that goes on without its terminal keeps its sessions for others: from now on they are
 * shown as kept.  The descriptor of a socket, which listens and does not block: whoever is about to
 * detach one of them connects first, and is sent the rest of the output at the end.  Its reader
 * is checked by SO_PEERCRED.  Who connects cannot be told from a utramp of the same user's.
 */
UTRAMP_API int utramp_session__keep(struct utramp_target *const *t, unsigned n);
/* A descriptor, connected to that socket; ENOENT: nobody keeps the session. */
UTRAMP_API int utramp_session__connect(const char *id);
/*
 * Output that nobody has read when the session of process pid ended, of 128 MiB at most.  It stays
 * under a name of its own, PID.NUMBER, until read() has been given it and gives 0; one reader gets it.
 */
UTRAMP_API int utramp_session__save(pid_t pid, const void *bytes, size_t n);
UTRAMP_API int utramp_session__saved(const char *id,
				     int (*read)(void *ctx, const void *bytes, size_t n),
				     void *ctx);

#ifdef __cplusplus
}
#endif
#endif
