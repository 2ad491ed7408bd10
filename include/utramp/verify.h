/*
 * utramp/verify.h - what the verifier said of a program when its object was loaded.
 *
 * Every program is verified before it can be attached, and none is loaded that was refused; there is
 * no switch.  utramp_error() has the reason already: first what is wrong and where, then the line of
 * the source, last what to change.  Here are the log, as the kernel's, and the statistics.
 *
 * Errors   ENOENT  the program was not given to the verifier: not loaded yet, off (SEC("?...")), or
 *                  an earlier one of its object was refused
 *          EINVAL  misuse
 * Memory   strings live as long as their object
 */
#ifndef UTRAMP_VERIFY_H
#define UTRAMP_VERIFY_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the log has, beside the reason of a refusal; bits, as log_level of bpf(2). */
enum utramp_log_level {
	UTRAMP_LOG_PATH = 1,  /* the path to what is refused, with what changes */
	UTRAMP_LOG_ALL = 2,   /* every path */
	UTRAMP_LOG_STATS = 4, /* time, stack depth */
};

/* Before loading; all programs of o. */
UTRAMP_API int utramp_object__set_log_level(struct utramp_object *o, unsigned level);

struct utramp_verdict {
	size_t sz;
	int err;            /* 0: accepted; else the negative errno of loading */
	const char *reason; /* lines; "" accepted */
	const char *log;    /* lines; at level 0 the verdict alone */
	uint64_t processed; /* instructions, each as often as it was looked at */
	uint64_t time_ns, peak_bytes;
	uint32_t states, peak_states, max_states_per_insn;
};
UTRAMP_API int utramp_program__verdict(const struct utramp_program *p, struct utramp_verdict *out);

#ifdef __cplusplus
}
#endif
#endif
