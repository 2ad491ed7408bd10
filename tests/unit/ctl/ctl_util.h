/* What the tests of ctl/ share: the template, a victim with its pipes. */
#ifndef CTL_UTIL_H
#define CTL_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/process.h"

struct victim {
	struct process *p;
	int in;  /* its stdin; -1: closed */
	int out; /* a file with its stdout and stderr */
	struct diag d;
};

const struct slab_template *template_get(void);

/* Start it, at the consistent point; returns process_spawn()'s value. */
int victim_spawn(struct victim *v, char *const argv[]);
/* `victim WHAT`, resumed, after it has printed "ready". */
void victim_ready(struct victim *v, const char *what);
void victim_close_in(struct victim *v);
/* Its wait status, after closing its stdin; fails the test when it takes over 20 s. */
int victim_wait(struct victim *v);
const char *victim_output(struct victim *v);
void victim_free(struct victim *v);
taddr_t victim_symbol(struct victim *v, const char *name);

/* A handle for what runs, without slabs. */
struct process *process_of(pid_t pid);

/* A patch of the 6 bytes of answer() or edge() from giving `from` to giving `to`. */
struct process_patch answer_patch(struct victim *v, const char *name, int from, int to);

#endif
