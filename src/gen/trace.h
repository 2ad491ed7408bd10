/*
 * gen/trace.h - the eBPF programs behind `utramp trace`, and the decoder of their records.
 *
 * For each function an entry program that copies its argument slots (and, on demand, what
 * they point to) into a ring record, and an exit program that does so with the result.
 * The decoder pairs records by thread and frame and prints finished calls in order of
 * finishing, typed by the function's prototype.
 *
 * Knows BPF instructions, models and types; does not know processes or trampolines: records
 * come in as bytes, text goes out through a callback.
 *
 * Records  private to gen/trace_*.c.  An entry record and an exit record carry the frame:
 *          the address of ctx, the same for both programs of one call.
 * Filter   A condition on arguments alone is decided at entry, before anything is written; one
 *          that asks for ret at exit, from which then the only record comes, as with exit_only:
 *          what strings and buffers show is read at return, and calls that do not return are
 *          not seen.  Both are one fsession program, whose cookie tells the exit what the entry
 *          has decided, or when it was.
 * Buffers  Bytes that an argument points to, as many as another argument says, read at entry; or
 *          as many as the result says, read at exit.  At most GEN_TRACE_MAX_BUF.
 * Depth    counted by the decoder, among the calls of a thread that are open: deeper ones are
 *          not printed.
 * Maps     a ring, and a PERCPU_ARRAY of one struct gen_slot_value (key 0) that counts what
 *          found no room.
 * Open     a call that an exception or a cancellation ends is closed as unwound by
 *          gen_trace_unwound(), with the time at which its frame was left.  Otherwise
 *          a call whose thread reports from a frame above it on the same stack (within
 *          8 MiB), or whose thread's slot has a new owner, is presumed to be left (longjmp) and
 *          held back: another call at its frame proves it, and it is printed as unwound,
 *          without a duration; an exit record disproves it (a coroutine).  gen_trace_finish()
 *          prints what is held as unwound, then as open what is open, oldest first each.
 * Tail     an entry that took over the frame of an open call by a tail call, and has no return
 *          of its own, is printed at once like that of a function with no exit program.
 * Lost     Every run of an entry program is printed as one line or counted in
 *          gen_trace_lost(), never both: one whose entry record found no room is counted by
 *          the program and its exit record ignored; one whose exit record found no room is
 *          counted when the decoder closes it, not printed.  Which calls those are is told by
 *          lost_exits and lost_high; where that is ambiguous (longjmp among lost exits) a
 *          call may be printed as unwound for another that is counted, so the sum is exact
 *          always.  Of functions with an exit program only, the same by its runs.  What a
 *          thread killed inside a program leaves unfinished is the ring reader's to count.
 * Errors   -EBADMSG a record that no program of ours wrote; it changes nothing
 *          -EINVAL  no such function, a program that it does not have, counters out of range
 * Memory   protos and models are borrowed while the trace lives, names are copied
 * Context  [ctl] one thread at a time
 */
#ifndef GEN_TRACE_H
#define GEN_TRACE_H

#include "base/diag.h"
#include "gen/value.h"
#include "gen/writer.h"
#include "info/type.h"
#include "model/func_model.h"

#include <linux/bpf.h>

#define GEN_TRACE_MAX_RECORD 4000 /* bytes, without the ring's header and buffers */
#define GEN_TRACE_MAX_BUF    4000 /* bytes of one buffer */
#define GEN_TRACE_BUFS       8

/* In ctx[-1] of an entry that shares the frame of an open call, and its return. */
#define GEN_TRACE_IS_TAIL (1ull << 62)

/* "ARG=LENARG", "ARG=N", "ARG=ret". */
struct gen_trace_buf {
	const char *arg, *len; /* len: a name, "ret" or NULL: n bytes */
	uint32_t n;
};

struct gen_trace_opts {
	bool json;
	bool timestamps; /* text form: seconds since the first record */
	bool color;
	unsigned strings; /* bytes shown of a char *; 0: as other pointers */
	bool exit_only;
	unsigned depth;         /* 0: any */
	const char *filter;     /* NULL: none; as gen/expr.h has it */
	value_symbol_fn symbol; /* names functions; its answer is used at once.  NULL: none */
	void *symbol_arg;
	uint64_t since_ns; /* of timestamps; 0: of the first record */
	const struct gen_trace_buf *buf;
	unsigned nbufs; /* at most GEN_TRACE_BUFS; the trace keeps a pointer to it all */
};

struct gen_trace_func {
	const char *module; /* as shown: "libsqlite3.so.0", "prog" */
	const char *name;
	const char *shown;         /* in text instead of name: demangled; NULL: name */
	const struct proto *proto; /* NULL: no types, slots are shown as arg0 ... arg5 */
	const struct func_model *model;
	bool entry, exit; /* what can be had; exit only: the line has no duration */
	uint32_t hook;    /* struct gen_unwound knows it by */
};

/* The value of the PERCPU_ARRAY, one a thread slot; written by the programs. */
struct gen_slot_value {
	uint64_t lost_calls; /* entry records (exit records, where there is no entry program) */
	uint64_t lost_exits;
	uint64_t lost_high; /* the highest frame of those since the last record, 0: none */
};

struct gen_trace;
int gen_trace_new(const struct gen_trace_opts *opts, struct gen_trace **out);
void gen_trace_free(struct gen_trace *t); /* NULL is fine */

/*
 * Announce a function; its number is what its programs write into records.  Arguments
 * that do not fit a record are traced with what fits: returns 0 and d names them (d is
 * empty otherwise).  A filter, exit_only or a buffer that does not fit the function: -EINVAL,
 * -ENOENT (no such argument), -ENOTSUP (needs the result, which cannot be had).
 */
int gen_trace_add(struct gen_trace *t, const struct gen_trace_func *f, uint32_t *id,
		  struct diag *d);

/* Which programs the function has: an entry program, an exit program, or one for both. */
bool gen_trace_has_entry(const struct gen_trace *t, uint32_t id);
bool gen_trace_has_exit(const struct gen_trace *t, uint32_t id);
bool gen_trace_has_session(const struct gen_trace *t, uint32_t id);

/* May values of p be pointers to functions? */
bool gen_trace_names(const struct proto *p);

/* Buffer number i was found in some function. */
bool gen_trace_buf_used(const struct gen_trace *t, unsigned i);

/* The programs of function id; the maps' descriptors go into their LDDWs (src 1). */
int gen_trace_entry(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		    struct gen_prog *out);
int gen_trace_exit(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		   struct gen_prog *out);

int gen_trace_session(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		      struct gen_prog *out);

typedef void (*gen_line_fn)(void *arg, const char *text, size_t n);

/*
 * Of the last line, or the one that is being told: when its call ended, or was entered if the end
 * is not known.  CLOCK_MONOTONIC ns.
 */
uint64_t gen_trace_line_time(const struct gen_trace *t);
pid_t gen_trace_line_pid(const struct gen_trace *t); /* who called */

/* One ring record; emits zero or more lines (no newline in them). */
int gen_trace_record(struct gen_trace *t, const void *data, size_t n, gen_line_fn line, void *arg);

/* A call's frame is being left by an exception or a cancellation; comes in the ring's order. */
struct gen_unwound {
	uint64_t time_ns, pid_tgid;
	uint64_t frame; /* above the ctx of its call, below that of its caller's */
	uint32_t hook;
	uint64_t slot;                  /* address of the thread slot's struct gen_slot_value */
	uint64_t lost_exits, lost_high; /* what that held */
};

int gen_trace_unwound(struct gen_trace *t, const struct gen_unwound *u, gen_line_fn line,
		      void *arg);

/*
 * What the PERCPU_ARRAY holds for a slot, addr being its address in process pid (0: any):
 * what programs know it by.  Cumulative values: the last ones given of a slot count, so this
 * may be called at any time; before gen_trace_finish() it must be, for every slot that was
 * used, or lost calls go uncounted or are printed as open.  A slot that served several
 * processes is given once for each.
 */
struct gen_slot {
	uint32_t slot, pid; /* slot < 65536 */
	taddr_t addr;
	struct gen_slot_value value;
};

int gen_trace_counters(struct gen_trace *t, const struct gen_slot *s, size_t n);

/* Calls that are not and will not be printed, as far as known. */
uint64_t gen_trace_lost(const struct gen_trace *t);

/* The target is gone or detached: print the calls that are still open. */
int gen_trace_finish(struct gen_trace *t, gen_line_fn line, void *arg);

#endif
