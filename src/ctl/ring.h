/*
 * ctl/ring.h - consume a ring buffer that traced threads write.
 *
 * Follows shm/layout.h: records in order, discarded ones skipped, memory cleared behind
 * the consumer, holes and busy records of dead threads discarded.  The record is copied
 * out first: the other side may scribble.
 *
 * Errors   -EPROTO the ring is damaged (positions or lengths that cannot be)
 * Memory   the reader borrows the arena; ring_reader_free()
 * Context  [ctl]
 */
#ifndef CTL_RING_H
#define CTL_RING_H

#include "shm/arena.h"

struct ring_reader;

int ring_reader_new(struct arena *a, shm_ref map, struct ring_reader **out);
void ring_reader_free(struct ring_reader *r); /* NULL is fine */

/*
 * Give every finished record to fn, up to max (0: all there are).  fn returning not 0
 * stops after that record.  `final`: the writers are gone; what is unfinished is
 * discarded and counted.  Returns the number of records, or an error.
 */
int ring_reader_poll(struct ring_reader *r, unsigned max, bool final,
		     int (*fn)(void *arg, const void *data, size_t n), void *arg);

/* Records that found no room, plus unfinished ones of dead writers. */
uint64_t ring_reader_lost(const struct ring_reader *r);
uint64_t ring_reader_unfinished(const struct ring_reader *r); /* only those of dead writers */

#endif
