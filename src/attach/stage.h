/*
 * attach/stage.h - code on its way into a slab: gathered, then written in large pieces.
 *
 * Nine writes for each function were most of the time that attaching to many takes.  Between
 * stage_begin() and stage_end() what is to be written is kept here, one stretch for each slab; what
 * does not continue it, or is one too much, has it written first.
 *
 * A.1 and A.2 of attach/hook.c hold: nothing points to what is staged but what is staged, too.
 * stage_end() comes before any window or pointer of the target is changed; if it fails, what is
 * left stays here and the next stage_begin() writes it or fails as well.
 *
 * Errors   those of process_write()
 * Memory   stage_fini()
 * Context  [ctl]
 */
#ifndef ATTACH_STAGE_H
#define ATTACH_STAGE_H

#include "base/types.h"
#include "ctl/process.h"

#include <stdbool.h>

struct utramp_target;

#define STAGE_MAX (1u << 20) /* bytes of code, and as many frame states */

struct stage {
	taddr_t lo;
	size_t n, cap;
	uint8_t *code, *frames; /* NULL: none yet */
	bool top; /* its end was that of the room in use: what follows is free but for what comes here */
};

struct stages {
	struct stage of[SLABS];
	bool on;
};

int stage_begin(struct utramp_target *t);
int stage_end(struct utramp_target *t);

/* n bytes of code and their frame states, into room that is taken; between begin and end later. */
int stage_write(struct utramp_target *t, unsigned slab, taddr_t at, const void *code,
		const void *frames, size_t n);

/* At once, whatever is staged. */
int stage_write_now(struct utramp_target *t, unsigned slab, taddr_t at, const void *code,
		    const void *frames, size_t n);

/* Change n bytes at `at`, if they are staged; false: they are not. */
bool stage_change(struct utramp_target *t, unsigned slab, taddr_t at, const void *bytes, size_t n);

void stage_fini(struct stages *s);

#endif
