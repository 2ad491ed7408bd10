/*
 * rt/tls.c - the words of thread-local storage: a thread's block in the slab, its stack.
 *
 * They must lie at one offset from the thread pointer in all threads, so its library must be
 * loaded at start: the slab is, a test program is.  libutramp has no use for it and is without this
 * file, so that dlopen() may load it.
 *
 * Context  [probe]
 */
#include "rt/rt.h"

/* Whose offset from the thread pointer rt_state.tls_off holds. */
__thread struct rt_tls rt_tls_word __attribute__((tls_model("initial-exec")));

/* In the slab this is their one user, hence the one TPOFF64 relocation. */
int32_t rt_tls_offset(void)
{
	int64_t off;

	__asm__("movq rt_tls_word@gottpoff(%%rip), %0" : "=r"(off));
	return (int32_t)off;
}
