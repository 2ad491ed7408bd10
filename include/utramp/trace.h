/*
 * utramp/trace.h - calls of functions as lines, without writing BPF: what `utramp trace` does.
 *
 * Manners, errors and threads are those of utramp/utramp.h.
 *
 *	struct utramp_trace_opts o = { .sz = sizeof(o), .strings = 64, .filter = "num > 1000" };
 *	struct utramp_trace *tr = utramp_trace__new(t, &o);
 *	utramp_trace__add(tr, "libssl:SSL_write", NULL);
 *	utramp_target__resume(t);
 *	while (utramp_target__poll(t, 100) == UTRAMP_RUNNING)
 *		utramp_trace__read(tr, false, print, NULL);
 *	utramp_trace__read(tr, true, print, NULL);
 */
#ifndef UTRAMP_TRACE_H
#define UTRAMP_TRACE_H

#include "utramp/utramp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_trace; /* generated programs that report calls */

struct utramp_trace_opts {
	size_t sz;
	bool json;        /* one object a line, else text */
	bool entry_only;  /* no results */
	bool lossless;    /* the target waits instead of losing events */
	bool timestamps;  /* text form: seconds since the first event */
	unsigned strings; /* bytes shown of a char *; 0: none */
	uint64_t buffer;  /* bytes; 0: 64 MiB */
	bool exit_only;   /* one event at return: strings are as they are then */
	bool color;       /* text form: ECMA-48 sequences */
	unsigned depth;   /* only calls at most so deep among those traced of a thread; 0: any */
	/*
	 * Only calls for which this holds, as C writes conditions: arguments by name or as arg0 ...,
	 * ret, members p->m, elements a[3], strings s == "text" and s =~ "pat*".  Without ret it is
	 * decided at entry, before anything is written; with ret at return, and then all that is
	 * shown is as it is then.  Functions without the arguments are refused (ENOENT), of a
	 * pattern passed over.  A read that faults makes its comparison false.  NULL: all.
	 */
	const char *filter;
	/* "ARG=LENARG", "ARG=N", "ARG=ret": bytes behind a pointer, at most 4000 of each; at most 8 */
	const char *const *bufs;
	size_t nbufs;
	/* Functions that specs name are left out, if one of these "[MODULE:]FUNC" names them too. */
	const char *const *deny;
	size_t ndeny;
	uint64_t since_ns; /* of timestamps, CLOCK_MONOTONIC; 0: the first event */
};
UTRAMP_API struct utramp_trace *utramp_trace__new(struct utramp_target *t,
						  const struct utramp_trace_opts *opts);
/* Attach to what spec names; number of functions. */
UTRAMP_API int utramp_trace__add(struct utramp_trace *tr, const char *spec,
				 const struct utramp_attach_opts *opts);
/* The first of bufs whose arguments no function so far has; NULL: none. */
UTRAMP_API const char *utramp_trace__unused(const struct utramp_trace *tr);
/* One line per finished call, in order of finishing; final: the target is gone, or detached. */
UTRAMP_API int utramp_trace__read(struct utramp_trace *tr, bool final,
				  void (*line)(void *ctx, const char *text, size_t n), void *ctx);
/*
 * Of the last line, or the one that is being told: when its call ended, or was entered if the end
 * is not known.  CLOCK_MONOTONIC ns, by which lines of several targets can be put in order.
 */
UTRAMP_API uint64_t utramp_trace__line_time(const struct utramp_trace *tr);
/* Of the same line: the process that called, the target's or one forked of it. */
UTRAMP_API pid_t utramp_trace__line_pid(const struct utramp_trace *tr);
UTRAMP_API void utramp_trace__free(struct utramp_trace *tr);

#ifdef __cplusplus
}
#endif
#endif
