/*
 * bpf/progarray.h - maps of type PROG_ARRAY: where bpf_tail_call goes.
 *
 * In the arena an element is a word: the number of a program, 0: none.  Numbers are given out
 * once per arena, to programs that are put into an array; each process has a table of their
 * code by number (rt/rt.h, rt_tails), so a change of the map is one store, which every process
 * sees.  Who puts a program in has its code there first:
 *	progarray_admit()   may it be in this map?  Gives it its number.
 *	(its code is written, wherever programs may jump to it)
 *	progarray_set()
 *
 * As in the kernel, all programs of an array, and all that jump by it, are of one kind for one
 * kind of function: the first of them owns the map.
 *
 * Errors   -E2BIG no such index, -ENOENT nothing there, -EINVAL another kind of program;
 *          -ENOSPC numbers are used up
 * Memory   an array holds a reference on each of its programs, until progarray_clear()
 * Context  [ctl]
 * Spec     kernel/bpf/arraymap.c, core.c bpf_prog_map_compatible()
 */
#ifndef BPF_PROGARRAY_H
#define BPF_PROGARRAY_H

#include "bpf/program.h"

/* p uses the map.  -EINVAL: the map belongs to other programs. */
int progarray_own(struct map *m, const struct program *p, struct diag *d);

int progarray_admit(struct map *m, struct program *p, struct diag *d);
int progarray_set(struct map *m, uint32_t index, struct program *p); /* NULL: none */
struct program *progarray_get(const struct map *m, uint32_t index);  /* NULL: none; borrowed */
void progarray_clear(struct map *m);                                 /* of any type; NULL is fine */

#endif
