/* ring_test.c - the ring's producer side: record format, limits, loss, waiting. */
#include "ring_consumer.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static char got[64][256];
static int ngot;

static int keep(void *arg, const void *data, uint32_t len, uint32_t owner)
{
	assert_true(ngot < 64 && len < 256);
	memcpy(got[ngot], data, len);
	got[ngot++][len] = 0;
	return 0;
}

static struct ring_consumer *consumer(struct arena *a, struct shm_map *m)
{
	struct ring_consumer *c = calloc(1, sizeof(*c));

	c->a = a;
	c->r = rt_util_ring_of(a, m);
	c->record = keep;
	ngot = 0;
	return c;
}

static void records_in_order(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_ring(a, 4096);
	struct ring_consumer *c = consumer(a, m);
	struct rt_thread *t = rt_thread_self();
	char *s, *d;

	s = (char *)rt_ringbuf_reserve(m, 6, 0);
	assert_non_null(s);
	assert_int_equal(((struct shm_ring_hdr *)s)[-1].len, 6 | SHM_RING_BUSY);
	assert_int_equal(((struct shm_ring_hdr *)s)[-1].owner, SHM_OWNER(t->slot, t->claims));
	d = (char *)rt_ringbuf_reserve(m, 8, 0);
	assert_ptr_equal(d, s + 16);
	assert_int_equal(rt_ringbuf_output(m, "last", 4, BPF_RB_NO_WAKEUP), 0);
	assert_int_equal(consumer_poll(c), 0); /* the first is busy */
	assert_int_equal(rt_ringbuf_query(m, BPF_RB_AVAIL_DATA), 16 + 16 + 16);
	memcpy(s, "first", 6);
	rt_ringbuf_submit(s, 0);
	rt_ringbuf_discard(d, 0);
	assert_int_equal(t->records, 0);
	assert_int_equal(consumer_poll(c), 2);
	assert_string_equal(got[0], "first");
	assert_string_equal(got[1], "last");
	assert_int_equal(rt_ringbuf_query(m, BPF_RB_AVAIL_DATA), 0);
	assert_int_equal(rt_ringbuf_query(m, BPF_RB_RING_SIZE), 4096);
	assert_int_equal(rt_ringbuf_query(m, BPF_RB_CONS_POS), 48);
	assert_int_equal(rt_ringbuf_query(m, BPF_RB_PROD_POS), 48);
	assert_int_equal(rt_ringbuf_query(m, 99), 0);
	assert_int_equal(a->hdr->thread[t->slot].intent_ring, 0);
	free(c);
	rt_util_destroy(a);
}

static void limits_and_loss(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_ring(a, 4096);
	struct shm_ring *r = rt_util_ring_of(a, m);
	struct ring_consumer *c = consumer(a, m);
	static char big[4096];
	void *whole;

	assert_int_equal(rt_ringbuf_reserve(m, 8, 1), 0);
	assert_int_equal(rt_ringbuf_output(m, big, 8, 4), R0(EINVAL));
	assert_int_equal(rt_ringbuf_reserve(m, 4089, 0), 0);
	assert_int_equal(rt_ringbuf_reserve(m, UINT64_MAX, 0), 0);
	assert_int_equal(rt_ringbuf_reserve(m, UINT64_MAX - 7, 0), 0);
	assert_int_equal(rt_ringbuf_output(m, big, 5000, 0), R0(EAGAIN));
	assert_int_equal(r->producer.lost, 4); /* a wrong flag is no lost record */
	whole = (void *)rt_ringbuf_reserve(m, 4088, 0);
	assert_non_null(whole);
	assert_int_equal(rt_ringbuf_output(m, big, 0, 0), R0(EAGAIN));
	assert_int_equal(r->producer.lost, 5);
	rt_ringbuf_discard(whole, 0);
	assert_int_equal(consumer_poll(c), 0);
	assert_int_equal(rt_ringbuf_output(m, big, 0, 0), 0); /* empty records exist */
	assert_int_equal(consumer_poll(c), 1);
	free(c);
	rt_util_destroy(a);
}

/* A record never wraps: the end is filled by a discarded one. */
static void end_is_padded(void **state)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_ring(a, 4096);
	struct shm_ring *r = rt_util_ring_of(a, m);
	struct ring_consumer *c = consumer(a, m);
	char text[64];

	for (int i = 0; i < 400; i++) {
		int n = snprintf(text, sizeof(text), "record %d %.*s", i, i % 23,
				 "abcdefghijklmnopqrstuvw");

		assert_int_equal(rt_ringbuf_output(m, text, (uint64_t)n, 0), 0);
		ngot = 0;
		assert_int_equal(consumer_poll(c), 1);
		assert_string_equal(got[0], text);
	}
	assert_true(r->producer.pos > 2 * 4096);
	for (int i = 0; i < 4096; i++)
		assert_int_equal(r->data[i], 0);
	/* a record longer than what is left on both sides gets there after the pad */
	assert_int_equal(rt_ringbuf_output(m, "x", 1, 0), 0);
	consumer_poll(c);
	for (int i = 0; i < 2; i++) {
		void *p = (void *)rt_ringbuf_reserve(m, 4088, 0);

		if (p)
			rt_ringbuf_discard(p, 0);
		consumer_poll(c);
		assert_true(i == 0 || p);
	}
	assert_int_equal(r->producer.lost, 1);
	free(c);
	rt_util_destroy(a);
}

/* A poll goes on while the producer does: of so many records nothing is kept. */
static int drop(void *arg, const void *data, uint32_t len, uint32_t owner)
{
	return 0;
}

struct waiter {
	struct ring_consumer *c;
	int stop;
};

static void *slow_consumer(void *arg)
{
	struct waiter *w = arg;
	struct timespec nap = { 0, 300000 };

	while (!__atomic_load_n(&w->stop, __ATOMIC_ACQUIRE)) {
		nanosleep(&nap, NULL);
		consumer_poll(w->c);
		__atomic_fetch_add(&w->c->a->hdr->heartbeat, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void waits(uint32_t how)
{
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_ring(a, 4096);
	struct shm_ring *r = rt_util_ring_of(a, m);
	struct waiter w = { consumer(a, m), 0 };
	char text[100] = "";
	double begin;
	pthread_t t;
	void *held;

	r->producer.lossless = how;
	/* the control process itself does not wait */
	held = (void *)rt_ringbuf_reserve(m, 4000, 0);
	begin = seconds();
	assert_int_equal(rt_ringbuf_output(m, text, 100, 0), R0(EAGAIN));
	/* nor who holds a record */
	a->hdr->control_pid = 1;
	assert_int_equal(rt_ringbuf_output(m, text, 100, 0), R0(EAGAIN));
	assert_true(seconds() - begin < 1);
	rt_ringbuf_discard(held, 0);
	/* without a heartbeat: 2 s */
	begin = seconds();
	assert_int_equal(rt_ringbuf_output(m, text, 100, 0), R0(EAGAIN));
	assert_true(seconds() - begin > 1.9 && seconds() - begin < 5);
	assert_int_equal(r->producer.lost, 3);
	/* but once: the control process has died, and the target goes on */
	begin = seconds();
	for (int i = 0; i < 100; i++)
		assert_int_equal(rt_ringbuf_output(m, text, 100, 0), R0(EAGAIN));
	assert_true(seconds() - begin < 1);
	assert_int_equal(r->producer.lost, 103);
	/* it was only late */
	a->hdr->heartbeat++;
	w.c->record = drop;
	pthread_create(&t, NULL, slow_consumer, &w);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(rt_ringbuf_output(m, text, 100, 0), 0);
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	assert_int_equal(r->producer.lost, 103);
	free(w.c);
	rt_util_destroy(a);
}

static void lossless_waits(void **state)
{
	waits(SHM_RING_SLEEPS);
}

static void spinning_waits(void **state)
{
	waits(SHM_RING_SPINS);
}

static void perf_events(void **state)
{
	static char big[70000];
	struct arena *a = rt_util_arena();
	struct shm_map *m = rt_util_ring(a, 4096);
	struct shm_ring *r = rt_util_ring_of(a, m);

	assert_int_equal(rt_perf_event_output(NULL, m, BPF_F_CURRENT_CPU, "x", 1), R0(EINVAL));
	m->type = BPF_MAP_TYPE_PERF_EVENT_ARRAY;
	m->max_entries = 2;
	assert_int_equal(rt_perf_event_output(NULL, m, BPF_F_CURRENT_CPU, "first", 5), 0);
	assert_int_equal(rt_perf_event_output(NULL, m, 1, "second", 6), 0);
	assert_int_equal(((const struct shm_ring_hdr *)(void *)r->data)->len, 5);
	assert_memory_equal(r->data + 8, "first", 5);
	assert_memory_equal(r->data + 24, "second", 6);
	assert_int_equal(rt_perf_event_output(NULL, m, 2, "x", 1), R0(E2BIG));
	assert_int_equal(rt_perf_event_output(NULL, m, 1ull << 32, "x", 1), R0(EINVAL));
	assert_int_equal(rt_perf_event_output(NULL, m, BPF_F_CURRENT_CPU, big, 65513), R0(E2BIG));
	assert_int_equal(r->producer.lost, 0);
	assert_int_equal(rt_perf_event_output(NULL, m, BPF_F_CURRENT_CPU, big, 4090), R0(ENOSPC));
	assert_int_equal(r->producer.lost, 1);
	rt_util_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(perf_events),     cmocka_unit_test(records_in_order),
		cmocka_unit_test(limits_and_loss), cmocka_unit_test(end_is_padded),
		cmocka_unit_test(lossless_waits),  cmocka_unit_test(spinning_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
