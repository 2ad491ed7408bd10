/*
 * ctl/ring.c - see ring.h; the protocol is in shm/layout.h.
 *
 * Our position is kept here: what the other side writes into the consumer page is
 * overwritten, never read.  The size is read once.
 *
 *        consumer                        producer
 *   zero |  record | pad | BUSY | hole |  zero ...
 *        ^ pos: cleared behind            ^ claimed up to here
 */
#include "ctl/ring.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A thread that may still write what was claimed below the hole's end. */
struct suspect {
	uint32_t slot, tid, claims;
};

struct ring_reader {
	struct arena *arena;
	struct shm_ring *ring;
	uint64_t size, pos;
	uint64_t told; /* pos as the producers know it */
	uint64_t dead; /* records lost with their writers */
	uint8_t *copy;
	size_t cap;
	/* a hole at pos that is being waited out; end 0: none */
	uint64_t hole_end;
	struct suspect *suspect;
	unsigned nsuspects;
};

int ring_reader_new(struct arena *a, shm_ref map, struct ring_reader **out)
{
	const struct shm_map *m = shm_ptr(a, map, sizeof(*m));
	struct ring_reader *r;
	struct shm_ring *ring;
	uint64_t size;

	if (!m || (m->type != BPF_MAP_TYPE_RINGBUF && m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY))
		return -EINVAL;
	ring = shm_ptr(a, m->values, sizeof(*ring));
	if (!ring)
		return -EPROTO;
	size = ring->producer.size;
	if (size < SHM_RING_PAGE || size & (size - 1) ||
	    !shm_ptr(a, m->values, sizeof(*ring) + size))
		return -EPROTO;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->suspect = calloc(SHM_MAX_THREADS, sizeof(*r->suspect));
	if (!r->suspect) {
		free(r);
		return -ENOMEM;
	}
	r->arena = a;
	r->ring = ring;
	r->size = size;
	r->pos = r->told = ring->consumer.pos;
	*out = r;
	return 0;
}

void ring_reader_free(struct ring_reader *r)
{
	if (!r)
		return;
	free(r->suspect);
	free(r->copy);
	free(r);
}

uint64_t ring_reader_unfinished(const struct ring_reader *r)
{
	return r->dead;
}

uint64_t ring_reader_lost(const struct ring_reader *r)
{
	return __atomic_load_n(&r->ring->producer.lost, __ATOMIC_RELAXED) + r->dead;
}

/* -- whose is it ----------------------------------------------------------------------------- */

static bool thread_gone(uint32_t pid, uint32_t tid)
{
	return !tid || (syscall(SYS_tgkill, (pid_t)pid, (pid_t)tid, 0) < 0 && errno == ESRCH);
}

static bool owner_gone(const struct ring_reader *r, uint32_t owner)
{
	uint32_t slot = SHM_OWNER_SLOT(owner);
	const struct shm_thread *th;

	if (slot >= SHM_MAX_THREADS)
		return true;
	th = &r->arena->hdr->thread[slot];
	if ((uint16_t)__atomic_load_n(&th->claims, __ATOMIC_ACQUIRE) != SHM_OWNER_CLAIMS(owner))
		return true;
	return thread_gone(__atomic_load_n(&th->pid, __ATOMIC_RELAXED),
			   __atomic_load_n(&th->tid, __ATOMIC_RELAXED));
}

/* Step 1 of layout.h's rule for holes. */
static void hole_begin(struct ring_reader *r, uint64_t end)
{
	const struct shm_arena *hdr = r->arena->hdr;

	r->hole_end = end;
	r->nsuspects = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < SHM_MAX_THREADS; i++) {
		const struct shm_thread *th = &hdr->thread[i];
		uint32_t tid = __atomic_load_n(&th->tid, __ATOMIC_ACQUIRE);

		if (tid)
			r->suspect[r->nsuspects++] =
				(struct suspect){ i, tid,
						  __atomic_load_n(&th->claims, __ATOMIC_ACQUIRE) };
	}
}

/* Step 2: true when nobody is left who could still write there. */
static bool hole_is_dead(struct ring_reader *r)
{
	for (unsigned i = 0; i < r->nsuspects;) {
		const struct suspect *s = &r->suspect[i];
		const struct shm_thread *th = &r->arena->hdr->thread[s->slot];
		uint32_t pid = __atomic_load_n(&th->pid, __ATOMIC_RELAXED);

		if (__atomic_load_n(&th->intent_ring, __ATOMIC_ACQUIRE) == 0 ||
		    __atomic_load_n(&th->tid, __ATOMIC_ACQUIRE) != s->tid ||
		    __atomic_load_n(&th->claims, __ATOMIC_ACQUIRE) != s->claims ||
		    thread_gone(pid, s->tid))
			r->suspect[i] = r->suspect[--r->nsuspects];
		else
			i++;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return r->nsuspects == 0;
}

/* -- records --------------------------------------------------------------------------------- */

static uint64_t *header_at(const struct ring_reader *r, uint64_t pos)
{
	return (uint64_t *)(void *)(r->ring->data + (pos & (r->size - 1)));
}

static void tell(struct ring_reader *r)
{
	if (r->told == r->pos)
		return;
	r->told = r->pos;
	__atomic_store_n(&r->ring->consumer.pos, r->pos, __ATOMIC_RELEASE);
}

/* Producers hear of it by the page's worth, and at the end of a poll: the line goes to and fro. */
static void consume(struct ring_reader *r, uint64_t n)
{
	memset(r->ring->data + (r->pos & (r->size - 1)), 0, n);
	r->pos += n;
	r->hole_end = 0;
	if (r->pos - r->told >= SHM_RING_PAGE / 2)
		tell(r);
}

/* Zero words up to the next header or `end` hold no record; they never wrap at once. */
static void skip_hole(struct ring_reader *r, uint64_t end)
{
	while (r->pos < end && !__atomic_load_n(header_at(r, r->pos), __ATOMIC_ACQUIRE))
		consume(r, SHM_RING_HDR);
	r->dead++;
}

/* 1: the hole was skipped, 0: wait. */
static int pass_hole(struct ring_reader *r, uint64_t prod, bool final)
{
	if (final) {
		skip_hole(r, prod);
		return 1;
	}
	if (!r->hole_end)
		hole_begin(r, prod);
	if (!hole_is_dead(r))
		return 0;
	/* step 3: the last of them may have written while we looked */
	if (!__atomic_load_n(header_at(r, r->pos), __ATOMIC_ACQUIRE))
		skip_hole(r, r->hole_end);
	return 1;
}

static int copy_out(struct ring_reader *r, uint64_t n)
{
	if (n >= r->cap) { /* also for an empty first record: fn gets an address */
		uint8_t *grown = realloc(r->copy, n + 64);

		if (!grown)
			return -ENOMEM;
		r->copy = grown;
		r->cap = n + 64;
	}
	if (n)
		memcpy(r->copy, header_at(r, r->pos) + 1, n);
	return 0;
}

enum { RECORD_NONE, RECORD_SKIPPED, RECORD_GIVEN };

/* The record at pos, of which header was read: RECORD_*, or an error; *n its length. */
static int take_record(struct ring_reader *r, uint64_t header, uint64_t prod, bool final, size_t *n)
{
	uint32_t word = (uint32_t)header, len = word & ~(SHM_RING_BUSY | SHM_RING_DISCARD);
	uint64_t total = ALIGN_UP((uint64_t)len + SHM_RING_HDR, 8ull);
	int err;

	if (total > prod - r->pos || (r->pos & (r->size - 1)) + total > r->size)
		return -EPROTO;
	if (word & SHM_RING_BUSY) {
		if (!final && !owner_gone(r, (uint32_t)(header >> 32)))
			return RECORD_NONE;
		/* submitted just before its owner died? */
		word = __atomic_load_n((uint32_t *)(void *)header_at(r, r->pos), __ATOMIC_ACQUIRE);
		if (word & SHM_RING_BUSY) {
			r->dead++;
			word |= SHM_RING_DISCARD;
		}
	}
	if (word & SHM_RING_DISCARD) {
		consume(r, total);
		return RECORD_SKIPPED;
	}
	err = copy_out(r, len);
	if (err)
		return err;
	consume(r, total);
	*n = len;
	return RECORD_GIVEN;
}

static int poll_records(struct ring_reader *r, unsigned max, bool final,
			int (*fn)(void *arg, const void *data, size_t n), void *arg)
{
	/* what comes while we work waits for the next poll: bounded, whatever they write */
	uint64_t prod = __atomic_load_n(&r->ring->producer.pos, __ATOMIC_ACQUIRE);
	unsigned given = 0;

	__atomic_fetch_add(&r->arena->hdr->heartbeat, 1, __ATOMIC_RELAXED);
	if (prod - r->pos > r->size || prod % SHM_RING_HDR)
		return -EPROTO;
	while (r->pos != prod && (!max || given < max)) {
		uint64_t header;
		size_t n = 0;
		int what;

		header = __atomic_load_n(header_at(r, r->pos), __ATOMIC_ACQUIRE);
		if (!header) {
			/* claimed, not written: shm/layout.h */
			if (!pass_hole(r, prod, final))
				break;
			continue;
		}
		what = take_record(r, header, prod, final, &n);
		if (what < 0)
			return what;
		if (what == RECORD_NONE)
			break;
		if (what == RECORD_SKIPPED)
			continue;
		given++;
		if (fn(arg, r->copy, n))
			break;
	}
	return (int)given;
}

int ring_reader_poll(struct ring_reader *r, unsigned max, bool final,
		     int (*fn)(void *arg, const void *data, size_t n), void *arg)
{
	int n = poll_records(r, max, final, fn, arg);

	tell(r);
	return n;
}
