/*
 * rt/info.c - helpers that tell about thread, time and machine.
 *
 * Context  [probe]
 * Spec     bpf-helpers(7)
 */
#include "rt/probe.h"

#define CPU_SELECTOR 0x7b /* GDT entry whose limit holds node << 12 | cpu (asm/segment.h) */
#define COMM_LEN     16   /* TASK_COMM_LEN */
#define GET_NAME     16   /* PR_GET_NAME */

/* linux/time.h */
#define MONOTONIC        1
#define MONOTONIC_COARSE 6
#define BOOTTIME         7
#define TAI              11

static inline __attribute__((always_inline)) uint64_t clock_ns(int clock)
{
	int (*vdso)(int, void *) = (int (*)(int, void *))(void *)rt_state.clock_gettime;
	struct {
		int64_t sec, nsec;
	} ts = { 0, 0 };

	if (!vdso || vdso(clock, &ts) < 0)
		rt_sys3(__NR_clock_gettime, clock, (long)&ts, 0);
	return (uint64_t)ts.sec * 1000000000u + (uint64_t)ts.nsec;
}

uint64_t rt_ktime_get_ns(void)
{
	return clock_ns(MONOTONIC);
}

uint64_t rt_ktime_get_boot_ns(void)
{
	return clock_ns(BOOTTIME);
}

uint64_t rt_ktime_get_coarse_ns(void)
{
	return clock_ns(MONOTONIC_COARSE);
}

uint64_t rt_ktime_get_tai_ns(void)
{
	return clock_ns(TAI);
}

uint64_t rt_get_current_pid_tgid(void)
{
	const struct rt_thread *t = rt_self();

	if (t)
		return (uint64_t)t->pid << 32 | t->tid;
	return (uint64_t)rt_sys3(__NR_getpid, 0, 0, 0) << 32 |
	       (uint32_t)rt_sys3(__NR_gettid, 0, 0, 0);
}

uint64_t rt_get_current_uid_gid(void)
{
	return (uint64_t)rt_sys3(__NR_getgid, 0, 0, 0) << 32 |
	       (uint32_t)rt_sys3(__NR_getuid, 0, 0, 0);
}

uint64_t rt_get_current_comm(char *buf, uint32_t size)
{
	char comm[COMM_LEN] = "";
	uint32_t n = 0;

	if (!size)
		return RT_ERR(EINVAL);
	rt_sys3(__NR_prctl, GET_NAME, (long)comm, 0);
	while (n < COMM_LEN && n < size - 1 && comm[n])
		n++;
	rt_copy(buf, comm, n);
	rt_zero(buf + n, size - n);
	return 0;
}

static uint64_t cpu_limit(void)
{
	uint64_t limit = 0;

	__asm__ volatile("lslq %1, %0" : "+r"(limit) : "r"((uint64_t)CPU_SELECTOR) : "cc");
	return limit;
}

/*
 * The kernel keeps it in the struct that libc registers for restartable sequences (linux/rseq.h); below 0
 * in a thread that registered none.  A child of vfork() reads its parent's.
 */
uint64_t rt_get_smp_processor_id(void)
{
	int32_t cpu = -1;

	if (rt_state.rseq_cpu)
		__asm__ volatile("movl %%fs:(%1), %0" : "=r"(cpu) : "r"(rt_state.rseq_cpu));
	return cpu >= 0 ? (uint64_t)cpu : cpu_limit() & 0xfff;
}

uint64_t rt_get_numa_node_id(void)
{
	return cpu_limit() >> 12;
}

/* xorshift64* (Marsaglia, Vigna); a handler in between costs at most a repeated number. */
uint64_t rt_get_prandom_u32(void)
{
	struct rt_thread *t = rt_self();
	static uint64_t shared = 0x9e3779b97f4a7c15ull;
	uint64_t *state = t ? &t->random : &shared, x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull >> 32;
}

/* As the kernel's strncmp: -1, 0, 1. */
uint64_t rt_strncmp(const char *s1, uint32_t size, const char *s2)
{
	for (uint32_t i = 0; i < size; i++) {
		uint8_t a = (uint8_t)s1[i], b = (uint8_t)s2[i];

		if (a != b)
			return a < b ? (uint64_t)-1 : 1;
		if (!a)
			break;
	}
	return 0;
}
