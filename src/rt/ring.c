/*
 * rt/ring.c - ring buffer, producer side; the protocol is in shm/layout.h.
 *
 * Any number of producers, lock-free: a record is claimed by moving producer.pos.  The
 * position is read before the consumer's, so a claim that succeeds had the room it saw.  The
 * consumer's is read anew only if the one of before (producer.seen) leaves no room: it only grows, so
 * an older one shows less room than there is, and its line is busy with the consumer.
 *
 * Lossless rings wait for room, in sleeps of 50 us or spinning, while the control process's heartbeat
 * advances.  Once somebody has waited in vain, nobody waits again before it does (or the
 * consumer moves): each call would take that long after the control process died.  Nobody
 * waits who holds a record himself (the consumer cannot pass it), who interrupted a claim,
 * or who is the control process.
 *
 * Context  [probe] signal-safe
 * Spec     bpf-helpers(7), kernel/bpf/ringbuf.c for sizes, flags and errors
 */
#include "rt/probe.h"

#define RING_MAX_RECORD 0x3fffffffu      /* RINGBUF_MAX_RECORD_SZ */
#define PERF_MAX_SAMPLE (64 * 1024 - 24) /* bpf_trace.c: header.size is 16 bits wide */
#define CLAIM_TRIES     100000
#define SLEEP_NS        50000
#define SPINS           100
#define GIVE_UP_NS      2000000000ull
#define STUCK_NS        10000000000ull

struct intent {
	uint64_t ring, pos, len;
};

/* intent_ring goes to 0 only when no claim, nested ones included, is under way. */
static void intent_set(struct shm_thread *th, struct intent in)
{
	if (in.ring) {
		__atomic_store_n(&th->intent_ring, SHM_INTENT_CHANGING, __ATOMIC_RELEASE);
		__atomic_store_n(&th->intent_pos, in.pos, __ATOMIC_RELEASE);
		__atomic_store_n(&th->intent_len, in.len, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&th->intent_ring, in.ring, __ATOMIC_RELEASE);
}

static struct intent intent_get(const struct shm_thread *th)
{
	return (struct intent){ th->intent_ring, th->intent_pos, th->intent_len };
}

static void header_store(struct shm_ring *r, uint64_t pos, uint64_t len, uint32_t owner)
{
	uint64_t *hdr = (uint64_t *)(void *)(r->data + (pos & (r->producer.size - 1)));

	__atomic_store_n(hdr, len | (uint64_t)owner << 32, __ATOMIC_RELEASE);
}

/* Are n bytes free, seen from a producer.pos?  -1: that is old. */
static int has_room(struct shm_ring *r, uint64_t pos, uint64_t n)
{
	uint64_t size = r->producer.size;
	uint64_t used = pos - __atomic_load_n(&r->producer.seen, __ATOMIC_ACQUIRE);

	if (used <= size && size - used >= n)
		return 1;
	used = __atomic_load_n(&r->consumer.pos, __ATOMIC_ACQUIRE);
	__atomic_store_n(&r->producer.seen, used, __ATOMIC_RELEASE);
	used = pos - used;
	if ((int64_t)used < 0)
		return -1;
	return used <= size && size - used >= n;
}

/* One try to claim `total` bytes in one piece: the header, or NULL: no room now. */
static struct shm_ring_hdr *ring_claim(struct shm_map *m, struct shm_ring *r, struct shm_thread *th,
				       uint32_t owner, uint64_t total, uint64_t len)
{
	struct intent before = intent_get(th);
	uint64_t size = r->producer.size, pos = 0, pad, want;
	struct shm_ring_hdr *hdr = NULL;
	int room;

	for (int i = 0; i < CLAIM_TRIES && !hdr; i++) {
		pos = __atomic_load_n(&r->producer.pos, __ATOMIC_ACQUIRE);
		pad = size - (pos & (size - 1));
		if (pad >= total)
			pad = 0;
		want = pad ? pad : total;
		/* a pad without its record is claimed only if both never fit at once */
		room = has_room(r, pos, pad + total <= size ? pad + total : want);
		if (!room)
			break;
		if (room < 0)
			continue;
		intent_set(th, (struct intent){ m->self, pos, want });
		if (!__atomic_compare_exchange_n(&r->producer.pos, &pos, pos + want, 0,
						 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			continue;
		if (pad) {
			header_store(r, pos, (pad - SHM_RING_HDR) | SHM_RING_DISCARD, owner);
			continue;
		}
		header_store(r, pos, len | SHM_RING_BUSY, owner);
		hdr = (struct shm_ring_hdr *)(void *)(r->data + (pos & (size - 1)));
	}
	intent_set(th, before);
	return hdr;
}

/* Nobody has waited in vain since the heartbeat or the consumer moved. */
static int waiting_helps(const struct shm_arena *a, const struct shm_ring *r)
{
	uint64_t beat = __atomic_load_n(&a->heartbeat, __ATOMIC_RELAXED);
	uint64_t pos = __atomic_load_n(&r->consumer.pos, __ATOMIC_RELAXED);

	return __atomic_load_n(&r->producer.dead_beat, __ATOMIC_RELAXED) != beat + 1 &&
	       __atomic_load_n(&r->producer.stuck_pos, __ATOMIC_RELAXED) != pos + 1;
}

static void rest(const struct shm_ring *r)
{
	struct {
		int64_t sec, nsec;
	} nap = { 0, SLEEP_NS };

	if (r->producer.lossless == SHM_RING_SPINS) {
		for (int i = 0; i < SPINS; i++)
			__builtin_ia32_pause();
		return;
	}
	rt_sys3(__NR_nanosleep, (long)&nap, 0, 0);
}

/* 1: time has passed and another try is worth it. */
static int ring_wait(struct shm_arena *a, struct shm_ring *r, uint64_t state[5])
{
	uint64_t now, beat, pos;

	rest(r);
	now = rt_ktime_get_ns();
	beat = __atomic_load_n(&a->heartbeat, __ATOMIC_RELAXED);
	pos = __atomic_load_n(&r->consumer.pos, __ATOMIC_RELAXED);
	if (!state[4] || beat != state[0]) {
		state[0] = beat;
		state[1] = now;
	}
	if (!state[4] || pos != state[2]) {
		state[2] = pos;
		state[3] = now;
	}
	state[4] = 1;
	if (now - state[1] >= GIVE_UP_NS)
		__atomic_store_n(&r->producer.dead_beat, beat + 1, __ATOMIC_RELAXED);
	if (now - state[3] >= STUCK_NS)
		__atomic_store_n(&r->producer.stuck_pos, pos + 1, __ATOMIC_RELAXED);
	return waiting_helps(a, r);
}

static struct shm_ring_hdr *ring_reserve(struct shm_map *m, uint64_t len)
{
	struct shm_ring *r = rt_map_at(m, m->values);
	struct shm_arena *a = rt_map_arena(m);
	struct rt_thread *t = rt_self();
	struct shm_thread *th = &a->thread[t ? t->slot : 0];
	uint64_t total = (len + SHM_RING_HDR + 7) & ~7ull, state[5] = { 0 };
	struct shm_ring_hdr *hdr = NULL;
	int may_wait;

	may_wait = t && !t->records && !th->intent_ring && r->producer.lossless &&
		   a->control_pid != t->pid && waiting_helps(a, r);
	if (len <= RING_MAX_RECORD && total <= r->producer.size) {
		do
			hdr = ring_claim(m, r, th, rt_owner(t), total, len);
		while (!hdr && may_wait && ring_wait(a, r, state));
	}
	if (!hdr)
		__atomic_fetch_add(&r->producer.lost, 1, __ATOMIC_RELAXED);
	else if (t)
		t->records++;
	return hdr;
}

/* Clears BUSY last, after the data. */
static void ring_commit(void *sample, uint32_t flag)
{
	struct shm_ring_hdr *hdr = (struct shm_ring_hdr *)sample - 1;
	struct rt_thread *t = rt_self();

	__atomic_store_n(&hdr->len, (hdr->len & ~SHM_RING_BUSY) | flag, __ATOMIC_RELEASE);
	if (t && t->records)
		t->records--;
}

uint64_t rt_ringbuf_reserve(struct shm_map *m, uint64_t size, uint64_t flags)
{
	struct shm_ring_hdr *hdr = flags ? NULL : ring_reserve(m, size);

	return hdr ? (uint64_t)(hdr + 1) : 0;
}

uint64_t rt_ringbuf_submit(void *sample, uint64_t flags)
{
	ring_commit(sample, 0);
	return 0;
}

uint64_t rt_ringbuf_discard(void *sample, uint64_t flags)
{
	ring_commit(sample, SHM_RING_DISCARD);
	return 0;
}

/* A record of two parts. */
uint64_t rt_output2(struct shm_map *m, const void *a, uint64_t na, const void *b, uint64_t nb)
{
	struct shm_ring_hdr *hdr = ring_reserve(m, na + nb);

	if (!hdr)
		return RT_ERR(EAGAIN);
	rt_copy(hdr + 1, a, na);
	rt_copy((char *)(hdr + 1) + na, b, nb);
	ring_commit(hdr + 1, 0);
	return 0;
}

uint64_t rt_ringbuf_output(struct shm_map *m, const void *data, uint64_t size, uint64_t flags)
{
	if (flags & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return RT_ERR(EINVAL);
	return rt_output2(m, data, size, NULL, 0);
}

/*
 * A perf event array is one ring for all CPUs, in the order of the calls.  Whatever index is
 * given, the record is delivered: a thread may be moved between asking for its CPU and this.
 */
uint64_t rt_perf_event_output(const uint64_t *ctx, struct shm_map *m, uint64_t flags,
			      const void *data, uint64_t size)
{
	uint64_t err;

	(void)ctx;
	if (flags & ~(uint64_t)BPF_F_INDEX_MASK || m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return RT_ERR(EINVAL);
	if (flags != BPF_F_CURRENT_CPU && flags >= m->max_entries)
		return RT_ERR(E2BIG);
	if (size > PERF_MAX_SAMPLE)
		return RT_ERR(E2BIG);
	err = rt_output2(m, data, size, NULL, 0);
	return err ? RT_ERR(ENOSPC) : 0;
}

uint64_t rt_ringbuf_query(struct shm_map *m, uint64_t what)
{
	struct shm_ring *r = rt_map_at(m, m->values);
	uint64_t cons = __atomic_load_n(&r->consumer.pos, __ATOMIC_ACQUIRE);
	uint64_t prod = __atomic_load_n(&r->producer.pos, __ATOMIC_ACQUIRE);

	switch (what) {
	case BPF_RB_AVAIL_DATA:
		return prod - cons;
	case BPF_RB_RING_SIZE:
		return r->producer.size;
	case BPF_RB_CONS_POS:
		return cons;
	case BPF_RB_PROD_POS:
		return prod;
	}
	return 0;
}
