/*
 * utramp/inject.h - return a value in a function's place, by chance, count, caller or condition.
 *
 * Programs are generated (fmod_ret); nobody writes BPF.  Errors, memory, threads and options are
 * as in utramp/utramp.h.
 *
 *	struct utramp_inject_opts o = { .sz = sizeof(o), .chance = 0.01, .seed = 7 };
 *	struct utramp_inject *in = utramp_inject__new(target, &o);
 *	utramp_inject__add(in, "libc:malloc", "NULL", NULL);
 */
#ifndef UTRAMP_INJECT_H
#define UTRAMP_INJECT_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_inject;

struct utramp_inject_opts {
	size_t sz;
	/*
	 * Only calls that come from these modules (path, SONAME, short name, pattern); NULL: from
	 * the executable, so that libraries do not fail themselves; "*": from anywhere.  Where
	 * the call returns to counts: a tail call is its function's caller's.
	 */
	const char *from;
	const char
		*condition; /* only calls of which this is true: as trace's filter, without ret */
	int err;            /* errno of the calls that are replaced; 0: left alone */
	bool after_main;    /* only calls since main() began */
	uint64_t after;     /* not the first so many of all these calls */
	double chance;      /* of each one behind those, to 1; 0: every one */
	uint64_t seed;      /* of chance: the same seed, the same choices in each thread */
	uint64_t count;     /* so many in all and no more; 0: no limit */
};

UTRAMP_API struct utramp_inject *utramp_inject__new(struct utramp_target *t,
						    const struct utramp_inject_opts *opts);
/*
 * To what spec names; number of functions.  value: as the function's result type is written in
 * C ("0", "-1", "NULL", "0.5", "true", an enumerator, "1+2i", "{1, .x = {2, 3}}"), "void" for
 * none; NULL: -1 or NULL.  EINVAL: no value of that type; ENOTSUP: a result that nobody but the
 * function can give (a C++ object that is not trivial to copy).
 */
UTRAMP_API int utramp_inject__add(struct utramp_inject *in, const char *spec, const char *value,
				  const struct utramp_attach_opts *opts);
/* Of the calls that from, condition and after_main let in, how many were replaced. */
UTRAMP_API int utramp_inject__calls(const struct utramp_inject *in, uint64_t *calls,
				    uint64_t *injected);
UTRAMP_API void utramp_inject__free(struct utramp_inject *in); /* NULL is fine */

#ifdef __cplusplus
}
#endif
#endif
