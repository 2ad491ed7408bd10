/*
 * unwound_test.c - what the personality tells of a call that it sees ended.
 */
#include "ring_consumer.h"
#include "rt/probe.h"

#define HOOK 4711

static struct shm_unwound got[64];
static unsigned ngot;

static int keep(void *arg, const void *data, uint32_t len, uint32_t owner)
{
	assert_int_equal(len, sizeof(got[0]));
	assert_true(ngot < 64);
	memcpy(&got[ngot++], data, len);
	return 0;
}

struct sink {
	struct shm_sink *node;
	struct shm_map *slots;
	struct shm_sink_slot *mine;
	struct ring_consumer reader;
};

static void sink_init(struct sink *s, struct arena *a)
{
	shm_ref at = arena_alloc(a, sizeof(*s->node), 64);
	struct shm_map *ring = rt_util_ring(a, 4096);
	uint32_t key = 0;

	memset(s, 0, sizeof(*s));
	s->slots = rt_util_map(a, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct shm_sink_slot), 1);
	s->mine = (void *)rt_map_lookup_elem(s->slots, &key);
	s->node = rt_util_ptr(a, at);
	s->node->ring = ring->self;
	s->node->slots = s->slots->self;
	s->node->next = a->hdr->sinks;
	a->hdr->sinks = at;
	s->reader.a = a;
	s->reader.r = rt_util_ring_of(a, ring);
	s->reader.record = keep;
}

static int poll_sink(struct sink *s)
{
	ngot = 0;
	return consumer_poll(&s->reader);
}

static void tells_every_sink(void **state)
{
	struct arena *a = rt_util_arena();
	uint64_t before;
	static struct sink s[2];

	rt_unwound(0x1000, HOOK); /* to nobody, but it counts */
	assert_int_equal(a->hdr->unwound, 1);
	sink_init(&s[0], a);
	sink_init(&s[1], a);
	assert_ptr_not_equal(s[0].mine, s[1].mine);
	s[1].mine->lost_exits = 3;
	s[1].mine->lost_high = 0x2000;
	before = rt_ktime_get_ns();
	rt_unwound(0x7ffe0010, HOOK);
	assert_int_equal(poll_sink(&s[0]), 1);
	assert_int_equal(got[0].lost_exits, 0);
	assert_int_equal(poll_sink(&s[1]), 1);
	assert_int_equal(got[0].kind, SHM_UNWOUND_KIND);
	assert_int_equal(got[0].hook, HOOK);
	assert_int_equal(got[0].frame, 0x7ffe0010);
	assert_true(got[0].time_ns >= before && got[0].time_ns <= rt_ktime_get_ns());
	assert_int_equal(got[0].pid_tgid, rt_get_current_pid_tgid());
	assert_ptr_equal(got[0].slot, s[1].mine);
	assert_int_equal(got[0].lost_exits, 3);
	assert_int_equal(got[0].lost_high, 0x2000);
	assert_int_equal(s[1].mine->lost_high, 0); /* told */
	/* one ends: the other goes on */
	s[1].node->ring = 0;
	rt_unwound(0x7ffe0020, HOOK);
	assert_int_equal(poll_sink(&s[0]), 1);
	assert_int_equal(poll_sink(&s[1]), 0);
	assert_int_equal(a->hdr->unwound, 3);
	rt_util_destroy(a);
	rt_unwound(0x1000, HOOK); /* no session */
}

static void no_room(void **state)
{
	struct arena *a = rt_util_arena();
	unsigned fit = 4096 / (sizeof(struct shm_unwound) + SHM_RING_HDR);
	static struct sink s;

	sink_init(&s, a);
	for (unsigned i = 0; i < fit; i++)
		rt_unwound(0xf000, HOOK);
	rt_unwound(0x9010, HOOK);
	rt_unwound(0x9040, HOOK);
	rt_unwound(0x9020, HOOK);
	assert_int_equal(a->hdr->unwound, fit + 3);
	assert_int_equal(s.mine->lost_exits, 3);
	assert_int_equal(s.mine->lost_calls, 0);
	assert_int_equal(s.mine->lost_high, 0x9040);
	assert_int_equal(poll_sink(&s), (int)fit);
	rt_unwound(0x8000, HOOK);
	assert_int_equal(poll_sink(&s), 1);
	assert_int_equal(got[0].lost_exits, 3);
	assert_int_equal(got[0].lost_high, 0x9040);
	assert_int_equal(s.mine->lost_high, 0);
	rt_util_destroy(a);
}

/* A list that leads in a circle ends. */
static void scribbled(void **state)
{
	struct arena *a = rt_util_arena();
	static struct sink s;

	sink_init(&s, a);
	s.node->next = a->hdr->sinks;
	rt_unwound(0x8000, HOOK);
	assert_true(poll_sink(&s) > 1);
	rt_util_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_every_sink),
		cmocka_unit_test(no_room),
		cmocka_unit_test(scribbled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
