/* gen/bell.h: the program, run by both engines on maps of its own. */
#include "rig.h"

#include "gen/bell.h"

#include <pthread.h>
#include <time.h>

enum { BELL_FD = 31, RING_FD };

static struct rig rig;
static struct map *bells, *ring;
static struct program *prog;

static struct map *by_fd(void *arg, int fd)
{
	return fd == BELL_FD ? bells : fd == RING_FD ? ring : NULL;
}

static struct gen_bell *bell(void)
{
	return bells->values;
}

static struct shm_ring *the_ring(void)
{
	return shm_ptr(rig.arena, ring->shm->values, sizeof(struct shm_ring));
}

static struct map *make(uint32_t type, uint32_t key, uint32_t value, uint32_t n)
{
	struct map_attr at = { .type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = n,
			       .lossless = type == BPF_MAP_TYPE_RINGBUF };
	struct diag d = { "" };
	struct map *m = NULL;

	if (map_create(rig.arena, &at, &m, &d))
		fail_msg("%s", d.text);
	return m;
}

static int setup(void **state)
{
	struct program_attr attr = { .name = "bell",
				     .kind = PROGRAM_FENTRY,
				     .map_by_fd = by_fd,
				     .nslots = 1,
				     .reentrant = true };
	struct diag d = { "" };
	struct gen_prog gp;

	rig_init(&rig, &(struct gen_trace_opts){ 0 }, 1 << 16);
	bells = make(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct gen_bell), 1);
	ring = make(BPF_MAP_TYPE_RINGBUF, 0, 0, GEN_BELL_RING);
	assert_int_equal(gen_bell_program(BELL_FD, RING_FD, &gp), 0);
	attr.arena = rig.arena;
	attr.insn = gp.insn;
	attr.ninsns = gp.n;
	if (program_load(&attr, &prog, &d))
		fail_msg("%s", d.text);
	free(gp.insn);
	return 0;
}

static int teardown(void **state)
{
	program_put(prog);
	map_put(bells);
	map_put(ring);
	rig_fini(&rig);
	return 0;
}

static void run(bool jit)
{
	uint64_t ctx[2] = { 0 };

	if (jit)
		rig_jit(&rig, prog)((uint64_t)(uintptr_t)ctx, 0);
	else
		rig_interp(&rig, prog, ctx);
}

/* Each one counts, and the first that was not seen leaves its time. */
static void test_rings(void **state)
{
	uint64_t first;

	bell()->phase = GEN_BELL_NEVER;
	for (unsigned round = 0; round < 4; round++) {
		uint64_t before = rt_ktime_get_ns();

		bell()->first_ns = 0;
		run(round % 2);
		first = bell()->first_ns;
		assert_true(first >= before && first <= rt_ktime_get_ns());
		run(round % 2);
		run(!(round % 2));
		assert_true(bell()->first_ns == first);
		assert_int_equal(bell()->rings, 3 * (round + 1));
		bell()->seen = bell()->rings;
	}
	assert_int_equal(the_ring()->producer.pos, 0);
	assert_int_equal(bell()->holds, 0);
}

static void *in_thread(void *arg)
{
	run(*(bool *)arg);
	return NULL;
}

/* What the control side does for who is held. */
static void let_go(void)
{
	struct shm_ring *r = the_ring();

	memset(r->data, 0, GEN_BELL_RING);
	__atomic_store_n(&r->consumer.pos, __atomic_load_n(&r->producer.pos, __ATOMIC_ACQUIRE),
			 __ATOMIC_RELEASE);
}

/* Every other waits until its record is consumed, by sleeping or spinning. */
static void test_holds(void **state)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	rig.arena->hdr->control_pid = 1; /* which would not wait for itself */
	for (unsigned round = 0; round < 4; round++) {
		bool jit = round % 2;
		pthread_t t;

		the_ring()->producer.lossless = round < 2 ? SHM_RING_SPINS : SHM_RING_SLEEPS;
		bell()->phase = (bell()->rings + 1) % 2;
		run(jit);
		assert_int_equal(bell()->holds, 0);
		assert_int_equal(pthread_create(&t, NULL, in_thread, &jit), 0);
		for (int i = 0; i < 50; i++) {
			nanosleep(&ms, NULL);
			rig.arena->hdr->heartbeat++;
		}
		while (!__atomic_load_n(&bell()->holds, __ATOMIC_ACQUIRE) ||
		       the_ring()->producer.pos == the_ring()->consumer.pos)
			rig.arena->hdr->heartbeat++;
		assert_int_equal(the_ring()->producer.lost, 0);
		let_go();
		pthread_join(t, NULL);
		assert_int_equal(bell()->holds, 0);
		assert_int_equal(the_ring()->producer.lost, 0);
		let_go(); /* the second record */
	}
}

/* Who cannot wait goes on, and is counted. */
static void test_nobody_answers(void **state)
{
	uint64_t lost = the_ring()->producer.lost;

	rig.arena->hdr->control_pid = (uint32_t)getpid();
	bell()->phase = bell()->rings % 2;
	run(true);
	assert_int_equal(bell()->holds, 0);
	assert_int_equal(the_ring()->producer.lost, lost + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_nobody_answers),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
