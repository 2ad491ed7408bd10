/*
 * ctl/bare.h - a system call without libc, whose functions may be traced, and whose state a
 * thread may have to leave alone.
 *
 * Errors   the kernel's: -errno as the result
 * Context  [ctl]; also where two run on one thread pointer (ctl/aside.h)
 * Spec     psABI A.2.1 "Calling Conventions" of the kernel
 */
#ifndef CTL_BARE_H
#define CTL_BARE_H

#include <stdint.h>

static inline __attribute__((always_inline)) long bare_syscall(long nr, uint64_t a, uint64_t b,
							       uint64_t c, uint64_t e)
{
	register uint64_t r10 __asm__("r10") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
