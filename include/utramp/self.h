/*
 * utramp/self.h - the calling process as the target: a program that traces itself.
 *
 *	struct utramp_target *t = utramp_target__self(NULL);
 *	struct utramp_probe *p = utramp_probe__new(t, UTRAMP_PROBE_COUNT, NULL);
 *	utramp_probe__add(p, "libc:malloc", NULL);
 *
 * It runs, so what is attached takes effect at once.  For each change of what is attached every
 * thread, the calling one too, is stopped for some milliseconds by a helper, a forked process
 * that ends by itself.  So pthread_atfork() handlers run; no SIGCHLD comes, and no wait(2) sees it but
 * with __WALL or __WCLONE.  ptrace must be permitted (not under a debugger: EPERM).
 * Calls that this library makes are the process's, and are traced like all others.
 *
 * Freeing the target detaches.  The two small libraries that were loaded stay, as address space
 * of 128 MiB and some pages; make one target and keep it.  Code of what was attached and detached
 * again is kept there until room gets short; then a helper looks, while all threads stand for up to
 * 0.1 s, which of it nobody can be inside of any more.
 *
 * Errors, memory, options, threads as in utramp/utramp.h; ENOTSUP: the program is linked
 * statically.  There is nothing to resume; utramp_target__poll() never reports an end.
 */
#ifndef UTRAMP_SELF_H
#define UTRAMP_SELF_H

#include <utramp/utramp.h>

#ifdef __cplusplus
extern "C" {
#endif

UTRAMP_API struct utramp_target *utramp_target__self(const struct utramp_spawn_opts *opts);

#ifdef __cplusplus
}
#endif
#endif
