/*
 * ring_consumer.h - the consumer's side of shm/layout.h's ring, for reference and tests.
 *
 * One consumer a ring.  A record whose owner is dead is passed as discarded; a hole as
 * layout.h describes.
 */
#ifndef RING_CONSUMER_H
#define RING_CONSUMER_H

#include "rt_util.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

struct ring_consumer {
	struct arena *a;
	struct shm_ring *r;
	int (*record)(void *arg, const void *data, uint32_t len, uint32_t owner);
	void *arg;
	/* the hole under watch: positions below end were claimed before the watch began */
	int watching;
	uint64_t hole, end;
	uint64_t suspect[SHM_MAX_THREADS]; /* {tid, pid}; 0: cleared */
	uint32_t claims[SHM_MAX_THREADS];
	uint64_t orphans, holes; /* BUSY records and claims of the dead that were passed */
};

static inline uint64_t consumer_pair(const struct ring_consumer *c, uint32_t slot)
{
	const struct shm_thread *th = &c->a->hdr->thread[slot];

	return __atomic_load_n(&th->tid, __ATOMIC_ACQUIRE) |
	       (uint64_t)__atomic_load_n(&th->pid, __ATOMIC_ACQUIRE) << 32;
}

static inline int consumer_dead(uint64_t pair)
{
	return !(uint32_t)pair ||
	       (syscall(SYS_tgkill, (int)(pair >> 32), (int)(uint32_t)pair, 0) < 0 &&
		errno == ESRCH);
}

static inline int consumer_owner_dead(const struct ring_consumer *c, uint32_t owner)
{
	uint32_t slot = SHM_OWNER_SLOT(owner);

	if (slot >= SHM_MAX_THREADS ||
	    (uint16_t)c->a->hdr->thread[slot].claims != SHM_OWNER_CLAIMS(owner))
		return 1;
	return consumer_dead(consumer_pair(c, slot));
}

static inline void consumer_advance(struct ring_consumer *c, uint64_t from, uint64_t to)
{
	uint64_t mask = c->r->producer.size - 1;

	memset(c->r->data + (from & mask), 0, to - from);
	__atomic_store_n(&c->r->consumer.pos, to, __ATOMIC_RELEASE);
}

/* Pass the dead words of a hole, as far as they go; 0: the living may still fill it. */
static inline int consumer_hole(struct ring_consumer *c, uint64_t pos)
{
	struct shm_arena *h = c->a->hdr;
	uint64_t mask = c->r->producer.size - 1, to;
	int left = 0;

	if (!c->watching || c->hole != pos) {
		c->watching = 1;
		c->hole = pos;
		c->end = __atomic_load_n(&c->r->producer.pos, __ATOMIC_ACQUIRE);
		for (uint32_t s = 0; s < SHM_MAX_THREADS; s++) {
			c->suspect[s] = consumer_pair(c, s);
			c->claims[s] = h->thread[s].claims;
			if (!(uint32_t)c->suspect[s])
				c->suspect[s] = 0;
		}
	}
	for (uint32_t s = 0; s < SHM_MAX_THREADS; s++) {
		const struct shm_thread *th = &h->thread[s];

		if (c->suspect[s] && (!__atomic_load_n(&th->intent_ring, __ATOMIC_ACQUIRE) ||
				      consumer_pair(c, s) != c->suspect[s] ||
				      th->claims != c->claims[s] || consumer_dead(c->suspect[s])))
			c->suspect[s] = 0;
		left += c->suspect[s] != 0;
	}
	if (left)
		return 0;
	for (to = pos; to < c->end; to += 8) {
		if (__atomic_load_n((uint64_t *)(void *)(c->r->data + (to & mask)),
				    __ATOMIC_ACQUIRE))
			break;
	}
	c->watching = 0;
	if (to > pos) {
		c->holes++;
		__atomic_store_n(&c->r->consumer.pos, to, __ATOMIC_RELEASE);
	}
	return 1;
}

/* Consume what is there; the number of records given to record(). */
static inline int consumer_poll(struct ring_consumer *c)
{
	uint64_t pos = c->r->consumer.pos, mask = c->r->producer.size - 1;
	int n = 0;

	while (pos != __atomic_load_n(&c->r->producer.pos, __ATOMIC_ACQUIRE)) {
		struct shm_ring_hdr *hdr = (void *)(c->r->data + (pos & mask));
		uint64_t word = __atomic_load_n((uint64_t *)(void *)hdr, __ATOMIC_ACQUIRE);
		uint32_t len = (uint32_t)word, owner = (uint32_t)(word >> 32);

		if (!word) {
			if (!consumer_hole(c, pos))
				break;
			pos = c->r->consumer.pos;
			continue;
		}
		if (len & SHM_RING_BUSY) {
			if (!consumer_owner_dead(c, owner))
				break;
			/* it may have been submitted between the two looks */
			len = __atomic_load_n(&hdr->len, __ATOMIC_ACQUIRE);
			if (len & SHM_RING_BUSY) {
				len = (len & ~SHM_RING_BUSY) | SHM_RING_DISCARD;
				c->orphans++;
			}
		}
		if (!(len & SHM_RING_DISCARD)) {
			c->record(c->arg, hdr + 1, len, owner);
			n++;
		}
		len &= ~(SHM_RING_BUSY | SHM_RING_DISCARD);
		consumer_advance(c, pos, pos + ((uint64_t)len + SHM_RING_HDR + 7) / 8 * 8);
		pos = c->r->consumer.pos;
	}
	return n;
}

#endif
