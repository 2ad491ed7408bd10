/*
 * utramp/attach.h - a process that runs already as a target.
 *
 * Manners, errors and threads are those of utramp/utramp.h.
 *
 *	struct utramp_target *t = utramp_target__attach_pid(pid, NULL);
 *	utramp_object__load(o, t);
 *	utramp_object__attach(o, t, NULL);
 *	while (utramp_target__poll(t, 100) == UTRAMP_RUNNING)
 *		utramp_target__read_printk(t, print, NULL);
 *	utramp_target__free(t);
 */
#ifndef UTRAMP_ATTACH_H
#define UTRAMP_ATTACH_H

#include "utramp/utramp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_attach_pid_opts {
	size_t sz;
	const char *slab_dir; /* for the slab's files, as the process names it; NULL: chosen */
	enum utramp_engine engine;
	const char *faults; /* as in utramp_spawn_opts */
	bool together; /* what is attached before utramp_target__resume() begins there, in one stop */
};
/*
 * The process runs on; programs see calls from when they are attached.  One of its threads is
 * borrowed for some milliseconds to load what programs run in; when the target is freed, that stays
 * loaded, without effect, and all else is as before (docs/attach.md).  Its end gives UTRAMP_EXITED
 * with status 0: only its parent is told more.
 * EPERM: not permitted, or traced by another; ESRCH: there is no such process; EBUSY: no thread
 * came to a point where this is safe; ENOTSUP: static, 32-bit, another libc than glibc.
 */
UTRAMP_API struct utramp_target *utramp_target__attach_pid(
	pid_t pid, const struct utramp_attach_pid_opts *opts);
/*
 * Detach for good, so that what is mapped there goes; utramp_target__free() does the same.  EBUSY:
 * a traced call is open, and code of ours that it returns through needs it, so it stays.  Counts and
 * events can still be read; nothing can be attached any more.
 */
UTRAMP_API int utramp_target__leave(struct utramp_target *t);

#ifdef __cplusplus
}
#endif
#endif
