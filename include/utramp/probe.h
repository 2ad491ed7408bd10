/*
 * utramp/probe.h - count calls, measure durations, tell callers: sums kept in the target.
 *
 * Programs of our own on the functions that specs name; nothing is reported a call, so a call
 * costs nanoseconds.  Sums are exact: for threads that have ended, in signal handlers, in
 * recursion, and with a forked child's calls added.  Reading changes nothing and may be done at
 * any time, also after the process has ended.
 *
 *	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
 *	utramp_probe__add(p, "libz:*", NULL);
 *	...
 *	utramp_probe__each(p, print_row, NULL);
 *
 * Errors, memory, options, threads as in utramp/utramp.h.
 */
#ifndef UTRAMP_PROBE_H
#define UTRAMP_PROBE_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_probe;

enum utramp_probe_kind {
	UTRAMP_PROBE_COUNT,   /* calls */
	UTRAMP_PROBE_LATENCY, /* durations of calls, in powers of two */
	UTRAMP_PROBE_STACK,   /* calls by their callers */
};

struct utramp_probe_opts {
	size_t sz;
	const char *filter;      /* which calls: "n > 4096 && ret < 0"; NULL: every one */
	const char *const *deny; /* ndeny patterns, [MODULE:]FUNC: functions to be left out */
	size_t ndeny;
	unsigned depth;      /* stack: callers that tell one stack from another; 0: 16 */
	unsigned max_stacks; /* stack: different ones that there is room for; 0: 16384 */
};

/* EINVAL: a depth above 127. */
UTRAMP_API struct utramp_probe *utramp_probe__new(struct utramp_target *t,
						  enum utramp_probe_kind kind,
						  const struct utramp_probe_opts *opts);
/*
 * To what spec names; number of functions.  A function named again is counted once.  Latency
 * needs functions that can have exit programs; a pattern passes over those that cannot.
 * EINVAL: the filter does not fit the function's arguments.
 */
UTRAMP_API int utramp_probe__add(struct utramp_probe *p, const char *spec,
				 const struct utramp_attach_opts *opts);

/* One caller. */
struct utramp_frame {
	uint64_t addr;      /* where the call returns to */
	const char *module; /* NULL: none that we know is there */
	const char *func;   /* NULL: the module has no symbol for it */
	uint64_t offset;    /* addr's distance from func; without one, addr in the module's file */
};

struct utramp_probe_row {
	size_t sz;
	unsigned id;               /* small, and the same for the same row whenever it is read */
	const char *module, *func; /* C++ names as people write them */
	uint64_t calls;            /* latency: that have ended */
	/* latency */
	uint64_t unfinished; /* calls that run still, or were left by exception or longjmp */
	uint64_t sum_ns, min_ns, max_ns;
	const uint64_t *bucket; /* nbuckets: calls of [2^i, 2^(i+1)) ns, the first also of 0 */
	unsigned nbuckets;
	/* stack */
	const struct utramp_frame *frame; /* nframes, the caller first */
	unsigned nframes;
};

/* Functions (stack: stacks) in no order; fn returning not 0 stops.  Number of rows. */
UTRAMP_API int utramp_probe__each(struct utramp_probe *p,
				  int (*fn)(void *ctx, const struct utramp_probe_row *row),
				  void *ctx);
/* Calls of functions with no stack counted: no room; not among utramp_target__lost(). */
UTRAMP_API uint64_t utramp_probe__lost(struct utramp_probe *p);
UTRAMP_API void utramp_probe__free(struct utramp_probe *p);

/*
 * n buckets of powers of two as rows of text, "[256, 512)  1234 |@@@@    |", each ended by a
 * newline, or as one JSON array of {"min","max","count"}; given to fn in one piece.
 */
UTRAMP_API int utramp_hist(const uint64_t *bucket, unsigned n, bool json,
			   void (*fn)(void *ctx, const char *text, size_t size), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
