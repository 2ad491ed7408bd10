#include "ctl_util.h"

#include "ctl/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 4096 };

struct fixture {
	struct arena *a;
	shm_ref map;
	struct shm_ring *ring;
	struct ring_reader *r;
	char seen[8192];
	int stop_after;
};

static int note(void *arg, const void *data, size_t n)
{
	struct fixture *f = arg;
	size_t at = strlen(f->seen);

	if (at + n + 2 < sizeof(f->seen)) {
		memcpy(f->seen + at, data, n);
		f->seen[at + n] = ' ';
		f->seen[at + n + 1] = '\0';
	}
	return f->stop_after && --f->stop_after == 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct shm_map *m;
	shm_ref values;

	assert_int_equal(arena_create(&f->a), 0);
	f->map = arena_alloc(f->a, sizeof(*m), 64);
	m = shm_ptr(f->a, f->map, sizeof(*m));
	assert_int_equal(arena_add_region(f->a, sizeof(struct shm_ring) + SIZE, false, "r", &values,
					  NULL),
			 0);
	m->self = f->map;
	m->type = BPF_MAP_TYPE_RINGBUF;
	m->values = values;
	f->ring = shm_ptr(f->a, values, sizeof(*f->ring) + SIZE);
	f->ring->producer.size = SIZE;
	assert_int_equal(ring_reader_new(f->a, f->map, &f->r), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ring_reader_free(f->r);
	arena_destroy(f->a);
	free(f);
	return 0;
}

/* Write a record as rt/ does; flags BUSY leaves it open.  Returns its header. */
static struct shm_ring_hdr *put(struct fixture *f, const char *text, uint32_t flags, uint32_t owner)
{
	uint64_t pos = f->ring->producer.pos, len = strlen(text);
	uint64_t total = (len + SHM_RING_HDR + 7) & ~7ull, left = SIZE - (pos & (SIZE - 1));
	struct shm_ring_hdr *h;

	if (left < total) {
		h = (void *)(f->ring->data + (pos & (SIZE - 1)));
		h->len = (uint32_t)(left - SHM_RING_HDR) | SHM_RING_DISCARD;
		pos += left;
	}
	h = (void *)(f->ring->data + (pos & (SIZE - 1)));
	assert_true(h->len == 0 && h->owner == 0); /* cleared behind the consumer */
	h->len = (uint32_t)len | flags;
	h->owner = owner;
	memcpy(h + 1, text, len);
	f->ring->producer.pos = pos + total;
	return h;
}

static int poll_all(struct fixture *f)
{
	f->seen[0] = '\0';
	return ring_reader_poll(f->r, 0, false, note, f);
}

/* A child that is alive (paused), or one that has died and was collected. */
static pid_t child(bool alive)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (alive)
			pause();
		_exit(0);
	}
	if (!alive)
		waitpid(pid, NULL, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct shm_thread *thread_set(struct fixture *f, unsigned slot, pid_t pid)
{
	struct shm_thread *t = &f->a->hdr->thread[slot];

	t->tid = t->pid = (uint32_t)pid;
	t->claims = 1;
	return t;
}

static void test_order_and_limits(void **state)
{
	struct fixture *f = *state;
	uint64_t beat = f->a->hdr->heartbeat;

	assert_int_equal(poll_all(f), 0);
	assert_true(f->a->hdr->heartbeat > beat);
	put(f, "one", 0, 0);
	put(f, "not", SHM_RING_DISCARD, 0);
	put(f, "two2two2", 0, 0);
	put(f, "", 0, SHM_OWNER(1, 1)); /* an owner tells it from a hole */
	assert_int_equal(poll_all(f), 3);
	assert_string_equal(f->seen, "one two2two2  ");
	assert_true(f->ring->consumer.pos == f->ring->producer.pos);
	put(f, "a", 0, 0);
	put(f, "b", 0, 0);
	put(f, "c", 0, 0);
	f->seen[0] = '\0';
	assert_int_equal(ring_reader_poll(f->r, 2, false, note, f), 2);
	assert_string_equal(f->seen, "a b ");
	put(f, "d", 0, 0);
	f->stop_after = 1;
	assert_int_equal(poll_all(f), 1);
	assert_string_equal(f->seen, "c ");
	assert_int_equal(poll_all(f), 1);
	assert_int_equal(ring_reader_lost(f->r), 0);
	f->ring->producer.lost = 3;
	assert_int_equal(ring_reader_lost(f->r), 3);
}

static void test_round_and_round(void **state)
{
	struct fixture *f = *state;
	char text[200];

	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 2000; i++) {
		text[i % 190] = '\0';
		put(f, text, 0, SHM_OWNER(1, 1));
		assert_int_equal(poll_all(f), 1);
		assert_int_equal(strlen(f->seen), strlen(text) + 1);
		text[i % 190] = 'x';
	}
	assert_int_equal(ring_reader_lost(f->r), 0);
	for (unsigned i = 0; i < SIZE; i++)
		assert_int_equal(f->ring->data[i], 0);
}

static void test_busy(void **state)
{
	struct fixture *f = *state;
	pid_t pid = child(true);
	struct shm_ring_hdr *h;

	thread_set(f, 3, pid);
	h = put(f, "open", SHM_RING_BUSY, SHM_OWNER(3, 1));
	put(f, "later", 0, 0);
	assert_int_equal(poll_all(f), 0); /* in order */
	h->len &= ~SHM_RING_BUSY;
	assert_int_equal(poll_all(f), 2);
	put(f, "open", SHM_RING_BUSY, SHM_OWNER(3, 1));
	put(f, "later", 0, 0);
	end(pid);
	assert_int_equal(poll_all(f), 1);
	assert_string_equal(f->seen, "later ");
	assert_int_equal(ring_reader_lost(f->r), 1);
	/* its slot is another thread's now */
	thread_set(f, 3, getpid())->claims = 2;
	put(f, "open", SHM_RING_BUSY, SHM_OWNER(3, 1));
	put(f, "mine", 0, 0);
	assert_int_equal(poll_all(f), 1);
	put(f, "wild", SHM_RING_BUSY, SHM_OWNER(0xffff, 1));
	assert_int_equal(poll_all(f), 0);
	assert_int_equal(ring_reader_lost(f->r), 3);
}

static void test_hole(void **state)
{
	struct fixture *f = *state;
	pid_t pid = child(true), other = child(true);
	struct shm_thread *t = thread_set(f, 3, pid), *o = thread_set(f, 4, other);
	uint64_t at = f->ring->producer.pos;

	/* claimed 24 bytes, not written; another thread is amid a claim of its own */
	t->intent_ring = f->map;
	t->intent_pos = at;
	t->intent_len = 24;
	o->intent_ring = SHM_INTENT_CHANGING;
	f->ring->producer.pos += 24;
	put(f, "later", 0, 0);
	assert_int_equal(poll_all(f), 0);
	end(pid);
	assert_int_equal(poll_all(f), 0); /* the other one may be its owner */
	o->intent_ring = 0;
	assert_int_equal(poll_all(f), 1);
	assert_string_equal(f->seen, "later ");
	assert_int_equal(ring_reader_lost(f->r), 1);
	/* a hole that a living thread fills after all */
	o->intent_ring = f->map;
	at = f->ring->producer.pos;
	f->ring->producer.pos += 16;
	assert_int_equal(poll_all(f), 0);
	f->ring->producer.pos = at;
	put(f, "late", 0, 0);
	assert_int_equal(poll_all(f), 1);
	assert_string_equal(f->seen, "late ");
	assert_int_equal(ring_reader_lost(f->r), 1);
	end(other);
}

static void test_final(void **state)
{
	struct fixture *f = *state;

	thread_set(f, 3, getpid())->intent_ring = f->map;
	put(f, "open", SHM_RING_BUSY, SHM_OWNER(3, 1));
	put(f, "a", 0, 0);
	f->ring->producer.pos += 32;
	put(f, "b", 0, 0);
	f->ring->producer.pos += 8;
	assert_int_equal(poll_all(f), 0);
	f->seen[0] = '\0';
	assert_int_equal(ring_reader_poll(f->r, 0, true, note, f), 2);
	assert_string_equal(f->seen, "a b ");
	assert_int_equal(ring_reader_lost(f->r), 3);
	assert_true(f->ring->consumer.pos == f->ring->producer.pos);
}

static void test_damage(void **state)
{
	struct fixture *f = *state;
	struct shm_map *m = shm_ptr(f->a, f->map, sizeof(*m));
	struct ring_reader *other;
	struct shm_ring_hdr *h;

	f->ring->consumer.pos = 12345; /* theirs to write, ours to ignore */
	put(f, "x", 0, 0);
	assert_int_equal(poll_all(f), 1);
	f->ring->producer.pos += SIZE + 8;
	assert_int_equal(poll_all(f), -EPROTO);
	f->ring->producer.pos -= SIZE + 8 - 3;
	assert_int_equal(poll_all(f), -EPROTO);
	f->ring->producer.pos -= 3;
	h = put(f, "x", 0, 0);
	h->len = 4000; /* beyond the producer */
	assert_int_equal(poll_all(f), -EPROTO);
	f->ring->producer.pos = f->ring->consumer.pos + SIZE;
	h->len = SIZE - 8; /* beyond the end */
	assert_int_equal(poll_all(f), -EPROTO);

	assert_int_equal(ring_reader_new(f->a, 0x7fffffffffff, &other), -EINVAL);
	m->type = BPF_MAP_TYPE_HASH;
	assert_int_equal(ring_reader_new(f->a, f->map, &other), -EINVAL);
	m->type = BPF_MAP_TYPE_RINGBUF;
	f->ring->producer.size = 4095;
	assert_int_equal(ring_reader_new(f->a, f->map, &other), -EPROTO);
	f->ring->producer.size = 1ull << 40;
	assert_int_equal(ring_reader_new(f->a, f->map, &other), -EPROTO);
	m->values = ARENA_SIZE - 8;
	assert_int_equal(ring_reader_new(f->a, f->map, &other), -EPROTO);
	ring_reader_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order_and_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_round_and_round, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hole, setup, teardown),
		cmocka_unit_test_setup_teardown(test_final, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
