/*
 * ctl/idle.h - the two slabs of a process that a session has left, for the next one.
 *
 * The loader's room for static TLS and the address space are a process's for its life, and slabs
 * are never unloaded.  So who leaves makes them what they were when they were loaded, and says so in
 * them; who comes finds them by what they are (their paths prove nothing), and no loader is called.
 *
 *   left   rt_state.left of both is RT_LEFT*, .partner tells the other, .tls_off what its relocation
 *          is to be; all else is the template's, linked where it lies, and in room and frame states
 *          no page was written
 *   used   left is 0: whose it is, alive or killed, is not asked; it is nobody else's for ever
 *
 * I.1  Put back is only what was proven empty (leave.c), with the process stopped and its journal
 *      empty; `left` is the last word written.  A tool that is killed before leaves them used.
 * I.2  Taken is in a stop of all threads, of which there can be but one at a time, and only if nobody
 *      else runs in that memory: there all is looked at again, and `left` of both becomes 0.
 * I.3  No thread has a word of the last session in its rt_tls: written when it is left, and when
 *      they are taken, in all threads that there are; a new thread's is zeroed by libc
 *      (_dl_allocate_tls_init()).  A thread whose block is not found by the words of all threads
 *      keeps its TLS elsewhere: then they are not put back.
 * I.4  A thread may be inside of a stand-in (rt/sighook.c) long after a session, blocked in
 *      sigsuspend(): these are not counted.  RT_LEFT_SIGNALS says that stand-ins were there; who takes such
 *      slabs looks for words on all stacks, and at the signal handlers, first.
 *
 * A forked child of a process has its slabs as they were: used ones stay so for ever.
 *
 * Errors   none: what cannot be put back or taken is left alone, and a new pair is loaded
 * Context  [ctl]
 * Spec     madvise(2) MADV_DONTNEED of private mappings of files; fallocate(2) FALLOC_FL_PUNCH_HOLE;
 *          proc_pid_pagemap(5)
 */
#ifndef CTL_IDLE_H
#define CTL_IDLE_H

#include "ctl/process.h"

/* Stopped, the table of threads still there, `slots` of it claimed: I.3.  Can they be put back? */
bool idle_forget_threads(struct process *p, unsigned slots);

/* Stopped, proven empty, and nothing of the session mapped any more: make them as new. */
void idle_put_back(struct process *p);

/*
 * 1: p has a pair that was left, and is its; all threads are stopped.  0: there is none, and
 * nothing has changed.  Before it is called p->modules are read.  Files are written for them, at the
 * paths the loader knows, in a directory that slab_choose_paths() would take, and a journal begins.
 */
int idle_take(struct process *p, const struct slab_template *t, const char *dir, struct diag *d);

#endif
