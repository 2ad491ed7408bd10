/*
 * stress_test.c - maps and rings under threads, signal handlers and SIGKILL.
 *
 * Seeds are fixed; the schedule is not, the invariants hold for every one.
 */
#include "ring_consumer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "../skip.h"

#define THREADS 4

static uint64_t next_random(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1dull >> 32;
}

static void timer(int on)
{
	struct itimerval every = { { 0, on ? 200 : 0 }, { 0, on ? 200 : 0 } };

	setitimer(ITIMER_REAL, &every, NULL);
}

/* -- hash ----------------------------------------------------------------------------- */

#define KEYS    64 /* the first STAYING are in the map throughout */
#define STAYING 16
#define OPS     150000

/* A map may have values of n alone: those of 8 bytes go another way. */
struct value {
	uint64_t n, key, sum;
};

static struct shm_map *hash_map;
static long hash_missed, hash_wrong, hash_handled;

static int is_value(const struct value *at, uint64_t key, uint64_t n)
{
	return at->n == n && (hash_map->value_size == 8 || (at->key == key && at->sum == key + n));
}

static void put_staying(uint64_t key, uint64_t n)
{
	struct value v = { n, key, key + n };

	rt_map_update_elem(hash_map, &key, &v, BPF_ANY); /* -EBUSY is fine */
}

static void on_hash_tick(int sig)
{
	uint64_t key = (uint64_t)hash_handled++ % STAYING;

	if (!rt_map_lookup_elem(hash_map, &key))
		__atomic_fetch_add(&hash_missed, 1, __ATOMIC_RELAXED);
	put_staying(key, 1000);
}

/* Each thread owns the keys above STAYING that are its number modulo THREADS. */
static void own_step(uint64_t key, uint64_t r, uint64_t *mine)
{
	struct value v = { r, key, key + r },
		     *at = (struct value *)rt_map_lookup_elem(hash_map, &key);
	int64_t err;

	if (!at != !*mine || (at && !is_value(at, key, *mine)))
		__atomic_fetch_add(&hash_wrong, 1, __ATOMIC_RELAXED);
	if (r % 3) {
		err = (int64_t)rt_map_update_elem(hash_map, &key, &v,
						  *mine ? BPF_EXIST : BPF_NOEXIST);
		if (!err)
			*mine = r;
	} else {
		err = (int64_t)rt_map_delete_elem(hash_map, &key);
		if (!err != !!*mine && err != -EBUSY)
			__atomic_fetch_add(&hash_wrong, 1, __ATOMIC_RELAXED);
		if (!err)
			*mine = 0;
		else if (err == -ENOENT)
			err = 0;
	}
	if (err && err != -EBUSY)
		__atomic_fetch_add(&hash_wrong, 1, __ATOMIC_RELAXED);
}

static void *hash_worker(void *arg)
{
	uint64_t me = (uint64_t)arg, seed = 1234567 + me, mine[KEYS] = { 0 }, present = 0;

	for (int i = 0; i < OPS; i++) {
		uint64_t r = next_random(&seed) | 1, key = r >> 8 & (KEYS - 1);

		if (key < STAYING) {
			if (!rt_map_lookup_elem(hash_map, &key))
				__atomic_fetch_add(&hash_missed, 1, __ATOMIC_RELAXED);
			if (!(r & 6))
				put_staying(key, r);
		} else {
			key = (key & ~(uint64_t)(THREADS - 1)) | me;
			own_step(key, r, &mine[key]);
		}
	}
	for (int k = 0; k < KEYS; k++)
		present += mine[k] != 0;
	return (void *)present;
}

static unsigned count_free(struct arena *a, struct shm_hash *h)
{
	uint32_t n = (uint32_t)h->free_head;
	unsigned count = 0;

	for (; n && count <= hash_map->max_entries; count++)
		n = ((struct shm_elem *)rt_util_ptr(a, h->elems + (n - 1) * h->elem_stride))->next;
	return count;
}

static int is_noted(struct arena *a, struct shm_hash *h, uint32_t n)
{
	const struct shm_rest *r = rt_util_ptr(a, h->rest);

	for (uint32_t slot = 0; slot < SHM_MAX_THREADS; slot++) {
		if (r[slot].elem == n)
			return 1;
	}
	return 0;
}

/* Elements that rest in a chain; each is noted. */
static unsigned count_resting(struct arena *a, struct shm_hash *h)
{
	const struct shm_bucket *b = rt_util_ptr(a, h->buckets);
	unsigned count = 0;

	for (uint32_t i = 0; i < h->nbuckets; i++) {
		for (uint32_t n = b[i].head, next; n; n = next) {
			const struct shm_elem *e =
				rt_util_ptr(a, h->elems + (n - 1) * h->elem_stride);

			next = e->next;
			if (!(e->hash & SHM_ELEM_RESTS))
				continue;
			assert_true(is_noted(a, h, n));
			count++;
		}
	}
	return count;
}

static unsigned count_keys(void)
{
	uint64_t key, next, seen[KEYS] = { 0 };
	unsigned n = 0;
	int err = rt_hash_get_next(hash_map, NULL, &next);

	while (!err && n <= 2 * KEYS) {
		key = next;
		assert_true(key < KEYS);
		assert_int_equal(seen[key]++, 0);
		n++;
		err = rt_hash_get_next(hash_map, &key, &next);
	}
	assert_int_equal(err, -ENOENT);
	return n;
}

/* spare: elements beyond the keys; with none, updates fall back to working in place. */
static void hash_run(unsigned spare, uint32_t nbuckets, uint32_t value_size)
{
	struct arena *a = rt_util_arena();
	struct shm_hash *h;
	uint64_t present = STAYING;
	pthread_t t[THREADS];
	void *mine;

	hash_map = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, value_size, KEYS + spare);
	h = rt_util_ptr(a, hash_map->hash);
	h->nbuckets = nbuckets;
	hash_missed = hash_wrong = hash_handled = 0;
	for (uint64_t k = 0; k < STAYING; k++)
		put_staying(k, k);
	signal(SIGALRM, on_hash_tick);
	timer(1);
	for (uint64_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_worker, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(t[i], &mine);
		present += (uint64_t)mine;
	}
	timer(0);
	fprintf(stderr, "# %u buckets: %lu present, %lu busy, %ld in handlers\n", nbuckets, present,
		hash_map->busy, hash_handled);
	assert_int_equal(hash_missed, 0);
	assert_int_equal(hash_wrong, 0);
	assert_int_equal(count_keys(), present);
	assert_int_equal(count_free(a, h) + count_resting(a, h), hash_map->max_entries - present);
	assert_true(hash_handled > 10);
	rt_util_destroy(a);
}

static void hash_keeps_its_keys(void **state)
{
	hash_run(16, 64, sizeof(struct value));
	hash_run(4, 2, sizeof(struct value)); /* long chains */
	hash_run(0, 1, sizeof(struct value));
	hash_run(16, 128, 8); /* most keys alone in their chains */
	hash_run(0, 64, 8);
}

/* -- ring ------------------------------------------------------------------------------- */

#define RECORDS 100000

static struct shm_map *ring_map;
static uint64_t ring_failed, ring_ticks, tick_seq, ring_done;

struct record {
	uint64_t producer, seq, fill[30];
};

/* Reserve, fill, submit, sometimes discard: 1 when the consumer is to see it. */
static int produce(uint64_t producer, uint64_t seq, uint64_t r)
{
	uint64_t n = r % 30;
	struct record *rec =
		(struct record *)rt_ringbuf_reserve(ring_map, 16 + n * 8 + r / 64 % 8, 0);

	if (!rec) {
		__atomic_fetch_add(&ring_failed, 1, __ATOMIC_RELAXED);
		return 0;
	}
	rec->producer = producer;
	rec->seq = seq;
	for (uint64_t i = 0; i < n; i++)
		rec->fill[i] = seq * 31 + i;
	if (r % 17 == 0) {
		rt_ringbuf_discard(rec, 0);
		return 0;
	}
	rt_ringbuf_submit(rec, 0);
	return 1;
}

static void on_ring_tick(int sig)
{
	ring_ticks += (uint64_t)produce(THREADS, tick_seq, tick_seq * 7 + 1);
	tick_seq++;
}

static void *ring_producer(void *arg)
{
	uint64_t me = (uint64_t)arg, seed = 99 + me, sent = 0;

	for (uint64_t i = 0; i < RECORDS; i++) {
		sent += (uint64_t)produce(me, i, next_random(&seed));
		if (i % 16 == 0)
			sched_yield();
	}
	__atomic_fetch_add(&ring_done, 1, __ATOMIC_RELEASE);
	return (void *)sent;
}

struct tally {
	uint64_t n[THREADS + 1], last[THREADS + 1], bad;
};

static int check_record(void *arg, const void *data, uint32_t len, uint32_t owner)
{
	struct tally *t = arg;
	const struct record *rec = data;

	if (len < 16 || rec->producer > THREADS) {
		t->bad++;
		return 0;
	}
	if (t->n[rec->producer]++ && rec->seq <= t->last[rec->producer])
		t->bad++;
	t->last[rec->producer] = rec->seq;
	for (uint64_t i = 0; i < (len - 16) / 8; i++)
		t->bad += rec->fill[i] != rec->seq * 31 + i;
	return 0;
}

static void ring_delivers_or_counts(void **state)
{
	struct arena *a = rt_util_arena();
	struct ring_consumer *c = calloc(1, sizeof(*c));
	struct tally tally = { 0 };
	uint64_t sent[THREADS];
	pthread_t t[THREADS];
	sigset_t alarm;

	ring_map = rt_util_ring(a, 4096);
	*c = (struct ring_consumer){
		.a = a, .r = rt_util_ring_of(a, ring_map), .record = check_record, .arg = &tally
	};
	ring_failed = ring_ticks = tick_seq = ring_done = 0;
	signal(SIGALRM, on_ring_tick);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL); /* of all, then one takes them */
	for (uint64_t i = 1; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, ring_producer, (void *)i), 0);
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	assert_int_equal(pthread_create(&t[0], NULL, ring_producer, (void *)0), 0);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);
	timer(1);
	while (__atomic_load_n(&ring_done, __ATOMIC_ACQUIRE) < THREADS) {
		if (!consumer_poll(c))
			sched_yield();
	}
	timer(0);
	for (int i = 0; i < THREADS; i++) {
		void *n;

		pthread_join(t[i], &n);
		sent[i] = (uint64_t)n;
	}
	consumer_poll(c);
	fprintf(stderr, "# %lu + %lu of handlers delivered, %lu lost\n",
		tally.n[0] + tally.n[1] + tally.n[2] + tally.n[3], tally.n[4], ring_failed);
	assert_int_equal(tally.bad, 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(tally.n[i], sent[i]);
	assert_int_equal(tally.n[THREADS], ring_ticks);
	assert_int_equal(c->r->producer.lost, ring_failed);
	assert_int_equal(c->r->consumer.pos, c->r->producer.pos);
	assert_int_equal(c->orphans + c->holes, 0);
	free(c);
	rt_util_destroy(a);
}

/* -- SIGKILL -------------------------------------------------------------------------------- */

#define STEPS_MAX 5000

/* Instrumented code has too many instructions to step through. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define INSTRUMENTED 1
#endif
#endif
#if !defined(INSTRUMENTED) && defined(__SANITIZE_ADDRESS__)
#define INSTRUMENTED 1
#elif !defined(INSTRUMENTED)
#define INSTRUMENTED 0
#endif

enum { VICTIM_RING, VICTIM_PAD, VICTIM_REPLACE, VICTIM_IN_OUT, VICTIM_REST, VICTIMS };

static struct shm_map *rest_map; /* words, nothing stays in it */

static void in_out(uint64_t key)
{
	rt_map_update_elem(rest_map, &key, &key, BPF_ANY);
	rt_map_delete_elem(rest_map, &key);
}

/* What is killed at each instruction; the parent steps it from the SIGSTOP on. */
static void victim(int what, uint64_t n)
{
	struct value v = { n, STAYING, STAYING + n };
	void *rec;

	rt_thread_self();
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	kill(getpid(), SIGSTOP);
	switch (what) {
	case VICTIM_RING:
		produce(1, n, 5);
		break;
	case VICTIM_PAD: /* a pad, then the record */
		rec = (void *)rt_ringbuf_reserve(ring_map, 4096 - 64, 0);
		if (rec)
			rt_ringbuf_discard(rec, 0);
		break;
	case VICTIM_REPLACE:
		put_staying(3, n);
		break;
	case VICTIM_IN_OUT:
		rt_map_update_elem(hash_map, &v.key, &v, BPF_NOEXIST);
		rt_map_delete_elem(hash_map, &v.key);
		break;
	case VICTIM_REST: /* it rests; it comes back; another, at the second time, is to rest instead */
		in_out(1);
		in_out(1);
		in_out(2);
		in_out(2);
		break;
	}
	_exit(0);
}

/* What those who were killed have lost, of all elements: two each at most. */
static uint64_t rest_lost(void)
{
	uint64_t key = 1000, n = 0;

	while (!rt_map_update_elem(rest_map, &key, &key, BPF_NOEXIST)) {
		key++;
		n++;
	}
	assert_int_equal((int)rt_map_update_elem(rest_map, &key, &key, BPF_NOEXIST), -E2BIG);
	return rest_map->max_entries - n;
}

/* Run a victim for `steps` instructions and kill it; 0: it was through before. */
static int kill_after(int what, uint64_t steps)
{
	pid_t pid = fork();
	int status, alive = 1;

	if (!pid)
		victim(what, steps);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	for (uint64_t i = 0; i < steps && alive; i++) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		alive = WIFSTOPPED(status);
	}
	if (alive) {
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	return alive;
}

/* Everything claimed is passed, the living are heard, every lock is free or robbed. */
static void recover(struct ring_consumer *c, struct tally *tally)
{
	uint64_t before = tally->n[0];
	int polls = 0;

	while (c->r->consumer.pos != c->r->producer.pos && polls++ < 10)
		consumer_poll(c);
	assert_int_equal(c->r->consumer.pos, c->r->producer.pos);
	tally->n[1] = 0; /* the next victim begins anew */
	assert_true(produce(0, tally->last[0] + 1, 1));
	assert_true(consumer_poll(c) == 1 && tally->n[0] == before + 1);
	for (uint64_t key = 0; key < STAYING; key++) {
		struct value v = { 1, key, key + 1 };

		assert_true(rt_map_lookup_elem(hash_map, &key) != 0);
		assert_int_equal(rt_map_update_elem(hash_map, &key, &v, BPF_ANY), 0);
	}
	assert_true(count_keys() <= STAYING + 8);
	in_out(1);
	in_out(2);
}

static void killed_at_each_instruction(void **state)
{
	/* every instruction takes minutes: RT_STRESS_ALL */
	static const uint64_t stride[VICTIMS] = { 11, 11, 47, 53, 83 };
	struct tally tally = { 0 };
	struct ring_consumer *c;
	struct arena *a;
	int all = getenv("RT_STRESS_ALL") != NULL;
	uint64_t kills = 0, robbed = 0, resting = 0, lost;
	struct shm_bucket *b;
	struct shm_hash *h;

	if (INSTRUMENTED)
		SKIP_TEST("single-stepped code must not be instrumented");
	a = rt_util_arena();
	c = calloc(1, sizeof(*c));
	ring_map = rt_util_ring(a, 4096);
	hash_map = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, sizeof(struct value), 4096);
	rest_map = rt_util_map(a, BPF_MAP_TYPE_HASH, 8, 8, 4096);
	h = rt_util_ptr(a, hash_map->hash);
	b = rt_util_ptr(a, h->buckets);
	h->nbuckets = 1;
	*c = (struct ring_consumer){
		.a = a, .r = rt_util_ring_of(a, ring_map), .record = check_record, .arg = &tally
	};
	for (uint64_t k = 0; k < STAYING; k++)
		put_staying(k, k);
	for (int what = 0; what < VICTIMS; what++) {
		uint64_t steps = 1;

		for (; steps < STEPS_MAX && kill_after(what, steps);
		     steps += all ? 1 : stride[what]) {
			kills++;
			robbed += b->lock != 0;
			resting += what == VICTIM_REST;
			recover(c, &tally);
		}
		assert_true(steps < STEPS_MAX);
		recover(c, &tally);
	}
	lost = rest_lost();
	fprintf(stderr, "# killed %lu: %lu busy and %lu holes passed, %lu locks robbed\n", kills,
		c->orphans, c->holes, robbed);
	fprintf(stderr, "# of %lu with resting elements, %lu are lost\n", resting, lost);
	assert_true(resting > 20 && lost <= 2 * resting);
	assert_int_equal(tally.bad, 0);
	assert_true(kills > 100 && c->orphans > 4 && c->holes > 0 && robbed > 10);
	free(c);
	rt_util_destroy(a);
}

/* What a kill leaves between claim and header, put there by hand; a live claim above it. */
static void holes_of_the_dead(void **state)
{
	struct arena *a = rt_util_arena();
	struct ring_consumer *c = calloc(1, sizeof(*c));
	struct tally tally = { 0 };
	struct shm_thread *dead = &a->hdr->thread[900], *alive = &a->hdr->thread[901];
	struct shm_ring *r;

	ring_map = rt_util_ring(a, 4096);
	r = rt_util_ring_of(a, ring_map);
	*c = (struct ring_consumer){ .a = a, .r = r, .record = check_record, .arg = &tally };
	dead->tid = dead->pid = 0x7ffffff0; /* above pid_max */
	dead->intent_ring = ring_map->self;
	alive->tid = alive->pid = 1;
	alive->intent_ring = ring_map->self; /* claims 64 behind the dead one's 32 */
	r->producer.pos = 32 + 64;
	assert_true(produce(0, 1, 1));
	for (int i = 0; i < 5; i++)
		assert_int_equal(consumer_poll(c), 0);
	assert_int_equal(r->consumer.pos, 0); /* the living may still write */
	*(uint64_t *)(void *)(r->data + 32) = 56 | SHM_RING_DISCARD | (uint64_t)901 << 32;
	alive->intent_ring = 0;
	assert_int_equal(consumer_poll(c), 1);
	assert_int_equal(c->holes, 1);
	assert_int_equal(r->consumer.pos, r->producer.pos);
	free(c);
	rt_util_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_keeps_its_keys),
		cmocka_unit_test(ring_delivers_or_counts),
		cmocka_unit_test(killed_at_each_instruction),
		cmocka_unit_test(holes_of_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
