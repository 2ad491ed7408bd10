/*
 * ctl/scan.h - does a process hold, anywhere, an address inside of these places?
 *
 * Asked before code of ours is used again (attach/reclaim.h): who can come back to it has its
 * address as a pc, in a register, or as a word in memory.  Memory that can hold a stack is read
 * whole: what is private and was written, with whatever protection it has now, and shared memory
 * that can be written or has no file; so stacks of threads, of coroutines and of signal handlers,
 * the frames that the kernel pushes there, saved contexts, and stacks copied to the heap.  A
 * word that only looks like an address counts as one.
 *
 * Words are looked for at multiples of 8: `call` pushes at rsp, which compilers keep a multiple of
 * 8 (psABI 3.2.2), signal frames and struct ucontext are aligned to more, and who copies
 * stacks to and fro keeps them so.  jmp_buf, whose pc glibc encrypts, holds none: attach/reclaim.h.
 *
 * What is not seen: pages that a user of userfaultfd(2) keeps elsewhere, and registers of
 * threads that are not of this process but run in its memory (process_alone()).
 *
 * Errors   -ETIMEDOUT the limit; -EFAULT memory that cannot be read, or may be swapped out where
 *          the page table does not tell (diag: which); -ESRCH; -ENOMEM; -EBUSY process_alone().
 *          After an error nothing is proven
 * Memory   none is kept
 * Context  [ctl] reads only; what it reads of a running process may be of different instants
 * Spec     proc_pid_maps(5), proc_pid_pagemap(5), kcmp(2)
 */
#ifndef CTL_SCAN_H
#define CTL_SCAN_H

#include "ctl/process.h"

/* [lo, hi], as the address behind a last call counts; by address, without overlaps. */
struct scan_place {
	taddr_t lo, hi;
	bool found;
};

#define SCAN_SKIP 8

struct scan {
	struct scan_place *place;
	size_t n;
	struct taddr_range skip[SCAN_SKIP]; /* memory of ours where no stack is */
	unsigned nskip;
	uint64_t limit_ns; /* of time; 0: none */
	uint64_t bytes;    /* out: read by all passes together */
};

/* All memory; sets found. */
int process_scan_memory(struct process *p, struct scan *s, struct diag *d);

/* The general registers and the pc of every thread; stopped processes only. */
int process_scan_registers(struct process *p, struct scan *s, struct diag *d);

/* From 128 bytes below each thread's rsp to the end of what is mapped there; stopped only. */
int process_scan_stacks(struct process *p, struct scan *s, struct diag *d);

/* 0: nobody but the stopped process's own threads runs in its memory; -EBUSY: somebody may. */
int process_alone(const struct process *p, struct diag *d);

/*
 * Calls inside of images, by counter (shm/layout.h struct rt_thread): those that were counted in
 * less those counted out, of all threads there ever were.  slots: how many were claimed.
 */
int process_calls_inside(struct process *p, unsigned slots, int64_t sum[RT_COUNTERS]);

#endif
