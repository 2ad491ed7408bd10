/*
 * utramp/late.h - modules that come and go while the target runs: dlopen(), dlclose().
 *
 * Once told to, a target keeps specs whose module is not loaded, and those whose module is a
 * pattern ("libfoo.so:bar", "lib*:bar*"), and attaches to the modules that come later and answer
 * to them.  That is noticed in utramp_target__poll(), a few milliseconds after the loader has
 * mapped the module.  Calls in that time are missed, and how much time it was is told; or the
 * thread that called dlopen() is held meanwhile, and none is missed.
 *
 *	utramp_target__wait(t, NULL);
 *	utramp_probe__add(p, "libplugin.so:run", NULL);    0: it waits
 *
 * Whoever waits or not, what is attached to a module that is unloaded is left alone from then on:
 * nothing is written to addresses that may be another's.  A module that comes back where it was
 * has its programs again.
 *
 * Errors, memory, options, threads as in utramp/utramp.h.
 */
#ifndef UTRAMP_LATE_H
#define UTRAMP_LATE_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum utramp_late {
	UTRAMP_LATE_WAITS, /* module: as the spec has it; text: where it was not found, or NULL */
	UTRAMP_LATE_ATTACHED, /* functions of the module; missed_ns: 0, or calls in it are missed */
	UTRAMP_LATE_AGAIN,    /* the same; one of its path was told of before */
	UTRAMP_LATE_FAILED,   /* text: why not; a later module may do */
};

struct utramp_late_note {
	size_t sz;
	enum utramp_late what;
	const char *module, *text;
	unsigned functions;
	uint64_t missed_ns;
};

struct utramp_late_opts {
	size_t sz;
	/* Told of each of these; from within _add, _attach and _poll. */
	void (*note)(void *ctx, const struct utramp_late_note *n);
	void *ctx;
	/*
	 * Threads wait in dlopen() and dlclose() for utramp_target__poll(), which has to be called all
	 * the time then: they give up after two seconds without.  They spin, without system calls.
	 */
	bool hold;
};

/*
 * From now on specs wait; 0, also if they do already.  What their options say counts until the
 * target is freed: functions that missing_ok lets be absent, and whom to tell.  A spec that would have
 * to wait is refused (ENOTSUP) where the loader does not tell of modules: no glibc, or somebody
 * else's bytes in its _dl_debug_state().  ENOTSUP, too: a program that traces itself.
 */
UTRAMP_API int utramp_target__wait(struct utramp_target *t, const struct utramp_late_opts *opts);

/*
 * Specs for which no module has come; fn, which may be NULL, returning not 0 stops.  Those that
 * missing_ok lets be absent are not among them.
 */
UTRAMP_API int utramp_target__waiting(const struct utramp_target *t,
				      int (*fn)(void *ctx, const char *spec), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
