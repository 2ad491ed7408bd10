/*
 * rt/unwound.c - what is told of a call that an exception or a cancellation has ended: a count,
 * and a record to each sink (shm/layout.h).
 *
 * A record goes into the ring that the entry record of the same call went into, so it comes
 * behind that.  Without room it is counted as the exit record that the call does not have.
 *
 * Context  [probe] called by the personality; may interrupt a helper, where a cancellation does
 */
#include "rt/probe.h"

#define MAX_SINKS 64 /* a list that the program has scribbled over ends, too */

static void note_lost(struct shm_sink_slot *c, uint64_t frame)
{
	__atomic_fetch_add(&c->lost_exits, 1, __ATOMIC_RELAXED);
	if (c->lost_high < frame)
		c->lost_high = frame;
}

static void tell(struct shm_map *ring, struct shm_sink_slot *c, uint64_t frame, uint32_t hook)
{
	struct shm_unwound *u = (void *)rt_ringbuf_reserve(ring, sizeof(*u), 0);

	if (!u) {
		note_lost(c, frame);
		return;
	}
	u->kind = SHM_UNWOUND_KIND;
	u->hook = hook;
	u->time_ns = rt_ktime_get_ns();
	u->pid_tgid = rt_get_current_pid_tgid();
	u->frame = frame;
	u->slot = (uint64_t)c;
	u->lost_exits = c->lost_exits;
	u->lost_high = c->lost_high;
	c->lost_high = 0;
	rt_ringbuf_submit(u, 0);
}

void rt_unwound(uint64_t frame, uint32_t hook)
{
	struct shm_arena *a = (struct shm_arena *)(void *)rt_state.arena;
	const struct rt_thread *t = rt_thread_self();
	const struct shm_sink *s;
	shm_ref at, ring;
	uint32_t key = 0;

	if (!a)
		return;
	__atomic_fetch_add(&a->unwound, 1, __ATOMIC_RELAXED);
	at = t ? __atomic_load_n(&a->sinks, __ATOMIC_ACQUIRE) : 0;
	for (unsigned i = 0; at && i < MAX_SINKS; i++, at = s->next) {
		void *c = NULL;

		s = (const struct shm_sink *)(const void *)((const char *)a + at);
		ring = __atomic_load_n(&s->ring, __ATOMIC_ACQUIRE);
		if (ring)
			c = map_array_lookup((struct shm_map *)(void *)((char *)a + s->slots), &key,
					     t->slot);
		if (c)
			tell((struct shm_map *)(void *)((char *)a + ring), c, frame, hook);
	}
}
