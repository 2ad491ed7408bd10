/*
 * room_test.c - where stacks end: threads of all sizes and guards, memory of the user's at any
 * alignment, against pthread_getattr_np(); control blocks that are none.
 */
#include "rt_util.h"

#include "rt/probe.h"

#include <asm/prctl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul

static uint64_t tls_word(size_t off)
{
	uint64_t v;

	__asm__ volatile("movq %%fs:(%1), %0" : "=r"(v) : "r"((int64_t)rt_tls_offset() + off));
	return v;
}

#define LIMIT() tls_word(offsetof(struct rt_tls, stack_limit))
#define LO()    tls_word(offsetof(struct rt_tls, stack_lo))

static uint64_t room_of(uint64_t size)
{
	return size / 4 < RT_ROOM_LEFT + RT_ROOM_IMAGE ? RT_ROOM_LEFT + RT_ROOM_IMAGE : size / 4;
}

static int setup(void **state)
{
	const uint32_t *size = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");

	rt_state.tls_off = rt_tls_offset();
	rt_state.pthread_size = size ? *size : 0;
	rt_state.stack_lo = 0x7ff000000000;
	rt_state.stack_size = 8 << 20;
	assert_true(rt_state.pthread_size > 512 && rt_state.pthread_size < PAGE);
	return 0;
}

/* The main thread has no block of its own; without a limit there are no bounds. */
static void main_thread(void **state)
{
	rt_find_room();
	assert_int_equal(LO(), rt_state.stack_lo);
	assert_int_equal(LIMIT(), rt_state.stack_lo + (2 << 20));
	rt_state.stack_size = 16384; /* ulimit -s 16 */
	rt_find_room();
	assert_int_equal(LIMIT(), rt_state.stack_lo + RT_ROOM_LEFT + RT_ROOM_IMAGE);
	rt_state.stack_lo = rt_state.stack_size = 0;
	rt_find_room();
	assert_int_equal(LO(), 0);
	assert_int_equal(LIMIT(), 0);
	setup(NULL);
}

struct bounds {
	uint64_t lo, limit, want_lo, tcb;
};

static void *ask(void *arg)
{
	struct bounds *b = arg;
	pthread_attr_t a;
	void *addr;
	size_t size;

	rt_find_room();
	b->lo = LO();
	b->limit = LIMIT();
	__asm__("movq %%fs:0, %0" : "=r"(b->tcb));
	pthread_getattr_np(pthread_self(), &a);
	pthread_attr_getstack(&a, &addr, &size);
	b->want_lo = (uint64_t)addr;
	pthread_attr_destroy(&a);
	return NULL;
}

static void check_thread(pthread_attr_t *a, const char *what, size_t n)
{
	struct bounds b = { 0 };
	pthread_t t;

	assert_int_equal(pthread_create(&t, a, ask, &b), 0);
	pthread_join(t, NULL);
	if (b.lo != b.want_lo || b.limit != b.lo + room_of(b.tcb - b.lo))
		fail_msg("%s %zu: lo %#lx, not %#lx, limit %#lx", what, n, b.lo, b.want_lo,
			 b.limit);
}

static void threads(void **state)
{
	static const size_t sizes[] = { 16384, 20480, 65536, 256 << 10, 8 << 20 };
	static const size_t guards[] = { 0, 4096, 8192, 65536 };

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (unsigned k = 0; k < sizeof(guards) / sizeof(*guards); k++) {
			pthread_attr_t a;

			pthread_attr_init(&a);
			pthread_attr_setstacksize(&a, sizes[i] + guards[k] + 16384);
			pthread_attr_setguardsize(&a, guards[k]);
			check_thread(&a, "stack of", sizes[i]);
			pthread_attr_destroy(&a);
		}
	}
}

/* The control block then lies anywhere, across pages too. */
static void users_memory(void **state)
{
	const size_t size = 128 << 10;
	char *p =
		mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	for (size_t skew = 0; skew < PAGE; skew += 192) {
		pthread_attr_t a;

		pthread_attr_init(&a);
		pthread_attr_setstack(&a, p + skew, size);
		check_thread(&a, "memory from", skew);
		pthread_attr_destroy(&a);
	}
	munmap(p, size + PAGE);
}

/* Behind fs nothing that is called may look at thread-local storage. */
__attribute__((no_sanitize("address", "undefined"), noinline)) static void with_fs(uint64_t fs,
										   uint64_t *lo)
{
	uint64_t old;

	__asm__("movq %%fs:0, %0" : "=r"(old));
	rt_sys3(__NR_arch_prctl, ARCH_SET_FS, (long)fs, 0);
	rt_find_room();
	rt_sys3(__NR_arch_prctl, ARCH_SET_FS, (long)old, 0);
	*lo = *(uint64_t *)(fs + (uint64_t)(int64_t)rt_state.tls_off +
			    offsetof(struct rt_tls, stack_lo));
}

/* A raw clone's own, which end where nothing is mapped, or say nothing of themselves. */
static void other_control_blocks(void **state)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *tcb = (uint64_t *)(void *)(p + 2 * PAGE - 64), lo;

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(munmap(p + 2 * PAGE, PAGE), 0);
	tcb[0] = (uint64_t)tcb;
	with_fs((uint64_t)tcb, &lo);
	assert_int_equal(lo, rt_state.stack_lo);
	tcb[2] = (uint64_t)tcb; /* glibc's mark */
	with_fs((uint64_t)tcb, &lo);
	assert_int_equal(lo, rt_state.stack_lo);
	tcb = (uint64_t *)(void *)(p + PAGE); /* all there, but no stack in it */
	tcb[0] = tcb[2] = (uint64_t)tcb;
	with_fs((uint64_t)tcb, &lo);
	assert_int_equal(lo, rt_state.stack_lo);
	tcb[100] = (uint64_t)p + 64; /* and now one */
	tcb[101] = (uint64_t)tcb + rt_state.pthread_size - tcb[100] + 8;
	with_fs((uint64_t)tcb, &lo);
	assert_int_equal(lo, p + 64);
	rt_state.pthread_size = 0; /* another libc */
	with_fs((uint64_t)tcb, &lo);
	assert_int_equal(lo, rt_state.stack_lo);
	setup(NULL);
	munmap(p, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(main_thread),
		cmocka_unit_test(threads),
		cmocka_unit_test(users_memory),
		cmocka_unit_test(other_control_blocks),
	};

	return cmocka_run_group_tests_name("rt/room", tests, setup, NULL);
}
