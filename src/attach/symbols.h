/*
 * attach/symbols.h - what stands at an address of the target: module, function, distance.
 *
 * Knows every module that was mapped when it looked, those that were unloaded or whose process
 * has ended since as well.  What is loaded and gone between two looks it cannot know.
 *
 * Errors   -ENOMEM; a process without maps is no error
 * Memory   names live as long as the symbols
 * Context  [ctl]
 */
#ifndef ATTACH_SYMBOLS_H
#define ATTACH_SYMBOLS_H

#include "attach/session.h"
#include "utramp/probe.h"

struct symbols;

int symbols_new(struct symbols **out);
void symbols_free(struct symbols *s); /* NULL is fine */

/* Look at what is mapped now; at most once in 20 ms unless `now`. */
int symbols_look(struct symbols *s, struct utramp_target *t, bool now);

/*
 * addr is where a call returns to: the call's own function is meant.  False: it is code of ours,
 * which a signal handler's stack may show.
 */
bool symbols_find(struct symbols *s, taddr_t addr, struct utramp_frame *out);

/*
 * The function that addr lies in, if that is sure: of a module that the program has loaded itself,
 * and may unload, only if we have looked since the address was told (fresh).  False: none.
 */
bool symbols_function(struct symbols *s, taddr_t addr, bool fresh, const char **module,
		      const char **func, uint64_t *offset);

#endif
