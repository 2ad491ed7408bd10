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
 * Open     a call whose thread reports from a frame above it on the same stack is closed as
 *          unwound; what is open at gen_trace_finish() is printed as open, oldest first.
 * Errors   -EBADMSG a record that no program of ours wrote;  -E2BIG arguments too large for
 *          a record (such a function is traced with what fits; diag names the argument)
 * Memory   protos and models are borrowed while the trace lives
 * Context  [ctl]
 */
#ifndef GEN_TRACE_H
#define GEN_TRACE_H

#include "base/diag.h"
#include "info/type.h"
#include "model/func_model.h"

#include <linux/bpf.h>

struct gen_trace_opts {
	bool json;
	bool timestamps;  /* text form: seconds since the first record */
	unsigned strings; /* bytes shown of a char *; 0: as other pointers */
};

struct gen_trace_func {
	const char *module; /* as shown: "libsqlite3.so.0", "prog" */
	const char *name;
	const struct proto *proto; /* NULL: no types, slots are shown as arg0 ... arg5 */
	const struct func_model *model;
	bool entry, exit; /* which programs there are */
};

struct gen_prog {
	struct bpf_insn *insn; /* malloc'ed */
	unsigned n;
};

struct gen_trace;
int gen_trace_new(const struct gen_trace_opts *opts, struct gen_trace **out);
void gen_trace_free(struct gen_trace *t); /* NULL is fine */

/* Announce a function; its number is what its programs write into records. */
int gen_trace_add(struct gen_trace *t, const struct gen_trace_func *f, uint32_t *id,
		  struct diag *d);

/* The programs of function id; ring_fd goes into their LDDW (src 1). */
int gen_trace_entry(const struct gen_trace *t, uint32_t id, int ring_fd, struct gen_prog *out);
int gen_trace_exit(const struct gen_trace *t, uint32_t id, int ring_fd, struct gen_prog *out);

typedef void (*gen_line_fn)(void *arg, const char *text, size_t n);

/* One ring record; emits zero or more lines (no newline in them). */
int gen_trace_record(struct gen_trace *t, const void *data, size_t n, gen_line_fn line, void *arg);

/* The target is gone or detached: print the calls that are still open. */
int gen_trace_finish(struct gen_trace *t, gen_line_fn line, void *arg);

#endif
