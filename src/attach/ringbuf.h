/*
 * attach/ringbuf.h - a ring reader that counts for its target; the public object's inside.
 *
 * Memory   the target knows its readers, to sum up what was lost, and orphans those that
 *          outlive it: nothing comes from them any more
 * Context  [ctl]
 */
#ifndef ATTACH_RINGBUF_H
#define ATTACH_RINGBUF_H

#include "attach/session.h"

struct utramp_ring_buffer {
	struct utramp_target *target; /* NULL: gone, and the reader with it */
	struct ring_reader *reader;
	uint64_t lost; /* without a reader */
	utramp_sample_fn fn;
	void *ctx;
	bool silent; /* its losses are counted by who reads it */
};

int ringbuf_new(struct utramp_target *t, struct map *m, utramp_sample_fn fn, void *ctx,
		struct utramp_ring_buffer **out, struct diag *d);

/* final: the writers are gone, or detached for good. */
int ringbuf_consume(struct utramp_ring_buffer *rb, bool final);
uint64_t ringbuf_lost(const struct utramp_ring_buffer *rb);
uint64_t ringbuf_unfinished(const struct utramp_ring_buffer *rb); /* of dead writers */
void ringbuf_free(struct utramp_ring_buffer *rb);                 /* its losses stay counted */

#endif
