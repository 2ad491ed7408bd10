/* thread_test.c - registration: slots, handlers in between, fork, a full table; the guard. */
#include "rt_util.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void set_word(void *p)
{
	__asm__ volatile("movq %0, %%fs:(%1)" : : "r"(p), "r"((int64_t)rt_tls_offset()) : "memory");
}

static int slots_in_use(const struct arena *a)
{
	int n = 0;

	for (int s = 1; s < SHM_MAX_THREADS; s++)
		n += a->hdr->thread[s].tid != 0;
	return n;
}

static void registers_once(void **state)
{
	struct arena *a;
	struct rt_thread *t;

	assert_null(rt_thread_self()); /* no session */
	assert_null(rt_thread_register());
	a = rt_util_arena();
	t = rt_thread_register();
	assert_non_null(t);
	assert_int_equal(t->magic, RT_THREAD_MAGIC);
	assert_int_equal(t->tid, syscall(SYS_gettid));
	assert_int_equal(t->pid, getpid());
	assert_true(t->slot > 0 && t->slot < SHM_MAX_THREADS);
	assert_ptr_equal(t, rt_state.threads + t->slot * RT_THREAD_SIZE);
	assert_int_equal(a->hdr->thread[t->slot].tid, t->tid);
	assert_int_equal(a->hdr->thread[t->slot].pid, t->pid);
	assert_int_equal(a->hdr->thread[t->slot].claims, t->claims);
	assert_true(a->hdr->slots_used > t->slot);
	assert_ptr_equal(rt_thread_self(), t);
	assert_ptr_equal(rt_thread_register(), t);
	assert_int_equal(slots_in_use(a), 1);
	rt_util_destroy(a);
}

/* rt_first with every register poisoned and rsp off by 8. */
uint64_t first_regs[16], first_rax;
void call_first(uint64_t misalign);
__asm__(".text\n"
	"call_first:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, first_regs(%rip)\n"
	"	sub %rdi, %rsp\n"
	"	mov $1, %ebx; mov $2, %ecx; mov $3, %edx; mov $4, %esi; mov $5, %edi; mov $6, %ebp\n"
	"	mov $8, %r8d; mov $9, %r9d; mov $10, %r10d; mov $11, %r11d; mov $12, %r12d\n"
	"	mov $13, %r13d; mov $14, %r14d; mov $15, %r15d\n"
	"	call rt_first\n"
	"	mov %rax, first_rax(%rip)\n"
	"	lea first_regs(%rip), %rax\n"
	"	mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax)\n"
	"	mov %rdi, 40(%rax); mov %rbp, 48(%rax); mov %r8, 64(%rax); mov %r9, 72(%rax)\n"
	"	mov %r10, 80(%rax); mov %r11, 88(%rax); mov %r12, 96(%rax); mov %r13, 104(%rax)\n"
	"	mov %r14, 112(%rax); mov %r15, 120(%rax)\n"
	"	mov first_regs(%rip), %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n");

static void first_preserves_registers(void **state)
{
	struct arena *a = rt_util_arena();

	for (uint64_t misalign = 0; misalign < 16; misalign++) {
		set_word(NULL);
		call_first(misalign);
		for (uint64_t r = 1; r < 16; r++) {
			if (r != 7)
				assert_int_equal(first_regs[r], r);
		}
		assert_ptr_equal(first_rax, rt_thread_self());
	}
	assert_int_equal(slots_in_use(a), 1); /* an own entry is found again */
	rt_util_destroy(a);
}

static void child_registers_afresh(void **state)
{
	struct arena *a = rt_util_arena();
	struct rt_thread *t = rt_thread_self(), *u;
	uint32_t slot = t->slot;
	int status;
	pid_t pid;

	t->inside[3] = 9;
	pid = fork();
	if (!pid) {
		if (t->magic)
			_exit(1);
		u = rt_thread_self();
		_exit(!u || u->slot == slot || u->pid != (uint32_t)getpid() || u->inside[3]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(t->inside[3], 9);
	assert_int_equal(slots_in_use(a), 2); /* nobody has freed the child's yet */
	rt_util_destroy(a);
}

/*
 * What the control side has told needs no system call, which a filter may kill for: so what it told
 * is believed.  A forked child was told nothing.
 */
static void *told(void *arg)
{
	const struct rt_thread *t = rt_thread_self();
	int status = 0;
	pid_t pid;

	if (t->pid != 12345 || t->tid != (uint32_t)syscall(SYS_gettid))
		return "the pair is another";
	pid = (pid_t)syscall(SYS_fork); /* libc does not see it, and keeps the parent's id */
	if (!pid) {
		t = rt_thread_self();
		_exit(t->pid != (uint32_t)getpid() || t->tid != t->pid);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return "the child's is another";
	return NULL;
}

static void pair_without_asking(void **state)
{
	const uint32_t *size = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
	const uint32_t *tid = dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid");
	struct arena *a = rt_util_arena();
	struct rt_thread *first = (struct rt_thread *)rt_state.threads;
	pthread_t th;
	void *wrong;

	assert_true(size && tid);
	first->pid = first->tid = 12345;
	rt_state.pthread_size = *size;
	rt_state.tid_off = tid[2];
	assert_int_equal(pthread_create(&th, NULL, told, NULL), 0);
	pthread_join(th, &wrong);
	assert_ptr_equal(wrong, NULL);
	/* the first thread is known by its address alone */
	assert_int_equal(rt_thread_self()->pid, getpid());
	set_word(NULL);
	__asm__ volatile("movq %%fs:0, %0" : "=r"(rt_state.main_tcb));
	assert_int_equal(rt_thread_self()->pid, 12345);
	assert_int_equal(rt_thread_self()->tid, getpid());
	rt_state.pthread_size = 0;
	rt_state.tid_off = rt_state.main_tcb = 0;
	rt_util_destroy(a);
}

struct member {
	uint32_t bits, n, at; /* as libthread_db has it */
};

static void know_libc(void)
{
	const uint32_t *size = dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread");
	const struct member *tid = dlsym(RTLD_DEFAULT, "_thread_db_pthread_tid");
	struct rt_thread *first = (struct rt_thread *)rt_state.threads;

	assert_non_null(size);
	assert_non_null(tid);
	rt_state.pthread_size = *size;
	rt_state.tid_off = tid->at;
	__asm__ volatile("movq %%fs:0, %0" : "=r"(rt_state.main_tcb));
	first->pid = first->tid = (uint32_t)getpid(); /* as ctl/remote.c name_owner() */
}

/* The child makes the first hit, on the parent's thread pointer: 0, or what was wrong. */
static int hit_first_in_vfork(void)
{
	const struct rt_thread *t;
	int status;
	pid_t pid;

	set_word(NULL);
	pid = vfork();
	if (!pid) {
		t = rt_thread_self();
		_exit(!t);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	t = rt_thread_self();
	return t->tid != (uint32_t)syscall(SYS_gettid) ? 2 : t->pid != (uint32_t)getpid() ? 3 : 0;
}

static void *vforks(void *arg)
{
	*(int *)arg = hit_first_in_vfork();
	return NULL;
}

/* It is the parent's thread that goes on with the block, so the block has to be its. */
static void vfork_child_is_its_parent(void **state)
{
	struct arena *a = rt_util_arena();
	int bad = -1, status;
	pthread_t th;
	pid_t pid;

	know_libc();
	assert_int_equal(hit_first_in_vfork(), 0);
	assert_int_equal(pthread_create(&th, NULL, vforks, &bad), 0);
	pthread_join(th, NULL);
	assert_int_equal(bad, 0);
	pid = fork(); /* block 0 is wiped there */
	if (!pid) {
		set_word(NULL);
		rt_thread_self();
		_exit(hit_first_in_vfork());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* a copy that libc does not know of is no child of vfork() */
	pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		const struct rt_thread *t = rt_thread_self();

		_exit(t->pid != (uint32_t)syscall(SYS_getpid) || t->tid != t->pid);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rt_state.pthread_size = 0;
	rt_state.tid_off = rt_state.main_tcb = 0;
	rt_util_destroy(a);
}

static void *enters(void *arg)
{
	struct rt_thread *t = rt_thread_self();

	*(uint32_t *)arg = t->depth ? 0 : t->slot;
	t->depth = 1;
	t->inside[3]++;
	return NULL;
}

/*
 * A coroutine that a thread left inside a call outlives it, and so does the count: a thread that
 * takes the dead one's block goes on with it, or the sum would be -1 in the end.
 */
static void counts_outlive_threads(void **state)
{
	struct arena *a = rt_util_arena();
	const struct rt_thread *t;
	uint32_t first = 0, second = 0;
	pthread_t th;

	assert_int_equal(pthread_create(&th, NULL, enters, &first), 0);
	pthread_join(th, NULL);
	for (uint32_t s = 1; s < SHM_MAX_THREADS; s++) { /* no other is free: init has them */
		if (s != first)
			a->hdr->thread[s].tid = a->hdr->thread[s].pid = 1;
	}
	assert_int_equal(pthread_create(&th, NULL, enters, &second), 0);
	pthread_join(th, NULL);
	assert_int_equal(first, second); /* not 0: nothing runs in a new owner's block */
	t = (const struct rt_thread *)(rt_state.threads + (uint64_t)first * RT_THREAD_SIZE);
	assert_int_equal(t->inside[3], 2);
	assert_int_equal(a->hdr->thread[first].claims, 2);
	rt_util_destroy(a);
}

static void full_table(void **state)
{
	struct arena *a = rt_util_arena();
	struct rt_thread *t;
	int status;
	pid_t dead = fork();

	if (!dead)
		_exit(0);
	assert_int_equal(waitpid(dead, &status, 0), dead);
	for (int s = 1; s < SHM_MAX_THREADS; s++)
		a->hdr->thread[s].tid = a->hdr->thread[s].pid = 1; /* init lives */
	assert_null(rt_thread_self());
	assert_null(rt_thread_self());
	assert_int_equal(a->hdr->no_slot, 2);
	assert_int_equal(rt_guard_enter(1, 1, NULL), 0);
	a->hdr->thread[500].tid = a->hdr->thread[500].pid = (uint32_t)dead;
	a->hdr->thread[500].intent_ring = 64;
	t = rt_thread_self();
	assert_non_null(t);
	assert_int_equal(t->slot, 500);
	assert_int_equal(a->hdr->thread[500].intent_ring, 0);
	assert_int_equal(t->claims, 1);
	rt_util_destroy(a);
}

/* A timer's handler registers at any instruction of registrations in a loop. */
static volatile int ticks, tick_bad;

static void on_tick(int sig)
{
	const struct rt_thread *t = rt_thread_self();

	ticks++;
	if (!t || t->magic != RT_THREAD_MAGIC || rt_thread_self() != t)
		tick_bad++;
}

static void handler_interrupts_registration(void **state)
{
	struct itimerval every = { { 0, 50 }, { 0, 50 } }, off = { { 0 } };
	struct arena *a = rt_util_arena();
	struct shm_thread *th;

	signal(SIGALRM, on_tick);
	ticks = tick_bad = 0;
	setitimer(ITIMER_REAL, &every, NULL);
	for (long i = 0; ticks < 5000 && i < 10000000; i++) {
		struct rt_thread *t = rt_thread_self();

		assert_int_equal(t->magic, RT_THREAD_MAGIC);
		assert_ptr_equal(t, rt_thread_self());
		th = &a->hdr->thread[t->slot];
		assert_int_equal(th->tid, t->tid);
		/* leave the slot, as if the control side had freed it */
		__atomic_store_n(&th->tid, 0, __ATOMIC_RELEASE);
		t->magic = 0;
		set_word(NULL);
	}
	setitimer(ITIMER_REAL, &off, NULL);
	signal(SIGALRM, SIG_DFL);
	assert_true(ticks > 100);
	assert_int_equal(tick_bad, 0);
	/* at most the last registration, and one that a handler had begun between ours */
	assert_true(slots_in_use(a) <= 2);
	rt_util_destroy(a);
}

/*
 * The same, exhaustively: a handler registers at the n-th instruction of a registration.
 * From then on, at each instruction, the block that a further handler would take says what
 * the slot says: else that handler's locks are a dead owner's, or the control process's.
 */
static volatile long steps, step_at, wrong_at;
static struct arena *step_arena;

static int block_agrees(const struct rt_thread *t)
{
	const struct shm_thread *th = &step_arena->hdr->thread[t->slot];

	return t->slot && t->claims == th->claims && t->tid == th->tid && t->pid == th->pid;
}

static void on_step(int sig)
{
	const struct rt_thread *t;

	if (++steps == step_at)
		rt_thread_self();
	__asm__ volatile("movq %%fs:(%1), %0" : "=r"(t) : "r"((int64_t)rt_tls_offset()));
	if (!wrong_at && t && t->magic == RT_THREAD_MAGIC && !block_agrees(t))
		wrong_at = steps;
}

static struct rt_thread *stepped_registration(void)
{
	struct rt_thread *t;

	steps = 0;
	/* TF is set behind the popf's next instruction and cleared likewise (SDM vol. 3, 17.3.1.4) */
	__asm__ volatile(
		"sub $128, %%rsp\n\tpushf\n\torl $0x100, (%%rsp)\n\tpopf\n\tadd $128, %%rsp"
		:
		:
		: "memory", "cc");
	t = rt_thread_self();
	__asm__ volatile(
		"sub $128, %%rsp\n\tpushf\n\tandl $~0x100, (%%rsp)\n\tpopf\n\tadd $128, %%rsp"
		:
		:
		: "memory", "cc");
	return t;
}

static void handler_at_each_instruction(void **state)
{
	struct arena *a = rt_util_arena();

	step_arena = a;
	/* no byte of it is 0, so that half a number is seen */
	for (int i = 0; i < SHM_MAX_THREADS; i++)
		a->hdr->thread[i].claims = 0x01010101;
	signal(SIGTRAP, on_step);
	steps = 1;
	for (step_at = 1; steps >= step_at || step_at == 1; step_at++) {
		struct rt_thread *t;

		wrong_at = 0;
		t = stepped_registration();
		if (wrong_at || !block_agrees(t))
			fail_msg("handler at instruction %ld: at %ld block and slot %u differ",
				 step_at, wrong_at, (unsigned)t->slot);
		__atomic_store_n(&a->hdr->thread[t->slot].tid, 0, __ATOMIC_RELEASE);
		t->magic = 0;
		set_word(NULL);
		assert_true(step_at < 100000);
	}
	signal(SIGTRAP, SIG_DFL);
	assert_true(step_at > 50);
	rt_util_destroy(a);
}

#define THREADS 8

static pthread_barrier_t barrier;

static void *take_slot(void *arg)
{
	pthread_barrier_wait(&barrier);
	*(uint32_t *)arg = rt_thread_self()->slot;
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void threads_get_different_slots(void **state)
{
	struct arena *a = rt_util_arena();
	uint32_t slot[THREADS];
	pthread_t t[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < THREADS; i++)
			pthread_create(&t[i], NULL, take_slot, &slot[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(t[i], NULL);
		for (int i = 0; i < THREADS; i++) {
			for (int j = 0; j < i; j++)
				assert_int_not_equal(slot[i], slot[j]);
			a->hdr->thread[slot[i]].tid = 0;
		}
	}
	assert_true(a->hdr->slots_used <= 64 + 2 * THREADS);
	rt_util_destroy(a);
}

/* -- guard --------------------------------------------------------------------------- */

static void guard_skips_recursion(void **state)
{
	struct arena *a = rt_util_arena();
	struct rt_thread *t = rt_thread_self();
	struct shm_prog stats = { 0 };

	assert_int_equal(rt_guard_enter(1, 0x7000, &stats), 1);
	assert_int_equal(t->depth, 1);
	assert_int_equal(rt_guard_enter(1, 0x6000, &stats), 0);
	assert_int_equal(stats.missed, 1);
	assert_int_equal(rt_guard_enter(2, 0x6000, &stats), 1);
	assert_int_equal(t->depth, 2);
	assert_int_equal(t->running[1].prog, 2);
	/* back at 0x6800: what ran at 0x6000 was left by siglongjmp */
	assert_int_equal(rt_guard_enter(2, 0x6800, &stats), 1);
	assert_int_equal(t->depth, 2);
	assert_int_equal(t->running[1].frame, 0x6800);
	/* the same frame again: left as well */
	assert_int_equal(rt_guard_enter(1, 0x7000, &stats), 1);
	assert_int_equal(t->depth, 1);
	for (uint64_t i = 2; i <= RT_MAX_RUNNING; i++)
		assert_int_equal(rt_guard_enter(i, 0x7000 - i, &stats), 1);
	assert_int_equal(rt_guard_enter(99, 0x100, &stats), 0);
	assert_int_equal(stats.missed, 2);
	t->depth = 0xffffffff; /* counted out too often */
	assert_int_equal(rt_guard_enter(1, 0x7000, &stats), 1);
	assert_int_equal(t->depth, 1);
	rt_util_destroy(a);
}

static struct shm_prog alt_stats;
static uint64_t alt_ran[2];

static void on_alternate(int sig)
{
	uint64_t frame = (uint64_t)__builtin_frame_address(0);

	alt_ran[0] = rt_guard_enter(1, frame, &alt_stats);
	alt_ran[1] = rt_guard_enter(2, frame, &alt_stats);
}

/* The alternate stack lies above the interrupted one: its handler drops nothing. */
static void guard_knows_alternate_stacks(void **state)
{
	struct sigaction sa = { .sa_handler = on_alternate, .sa_flags = SA_ONSTACK };
	stack_t off = { .ss_flags = SS_DISABLE }, alt = { 0 };
	struct arena *a = rt_util_arena();
	struct rt_thread *t = rt_thread_self();

	alt.ss_size = 65536;
	alt.ss_sp = malloc(alt.ss_size);
	assert_int_equal(sigaltstack(&alt, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	/* a program that runs on a stack below every mapping */
	assert_int_equal(rt_guard_enter(1, 0x7000, &alt_stats), 1);
	raise(SIGUSR1);
	assert_int_equal(alt_ran[0], 0);
	assert_int_equal(alt_stats.missed, 1);
	assert_int_equal(alt_ran[1], 1);
	assert_int_equal(t->depth, 2);
	signal(SIGUSR1, SIG_DFL);
	sigaltstack(&off, NULL);
	free(alt.ss_sp);
	rt_util_destroy(a);
}

/*
 * Two threads with one block, as clone() without CLONE_SETTLS makes them: depth changes under
 * the guard's hands.  Nobody dies of it, and in the end programs run again.
 */
static struct rt_thread *shared;
static struct shm_prog shared_stats;

static void *shares(void *arg)
{
	uint64_t base = (uint64_t)(uintptr_t)arg;

	set_word(shared);
	for (uint64_t i = 0; i < 300000; i++) {
		uint32_t depth;

		if (!rt_guard_enter(i % 40, base + i % 7 * 64, &shared_stats))
			continue;
		depth = __atomic_load_n(&shared->depth, __ATOMIC_RELAXED) - 1; /* bpf/jit.c */
		__atomic_store_n(&shared->depth, depth, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void guard_survives_shared_blocks(void **state)
{
	struct arena *a = rt_util_arena();
	pthread_t th[2];

	shared = rt_thread_self();
	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&th[i], NULL, shares, (void *)(i * 128)), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(th[i], NULL);
	assert_int_equal(shared->records, 0); /* what lies behind running[] */
	assert_int_equal(rt_guard_enter(1000, UINT64_MAX, &shared_stats), 1);
	rt_util_destroy(a);
}

/* rt_personality without a session, without the unwinder's functions, in the search phase. */
static void personality_goes_on(void **state)
{
	assert_int_equal(rt_personality(1, 1, 0, NULL, NULL), 8);
	assert_int_equal(rt_personality(1, 2, 0, NULL, NULL), 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_once),
		cmocka_unit_test(first_preserves_registers),
		cmocka_unit_test(child_registers_afresh),
		cmocka_unit_test(pair_without_asking),
		cmocka_unit_test(vfork_child_is_its_parent),
		cmocka_unit_test(counts_outlive_threads),
		cmocka_unit_test(full_table),
		cmocka_unit_test(handler_interrupts_registration),
		cmocka_unit_test(handler_at_each_instruction),
		cmocka_unit_test(threads_get_different_slots),
		cmocka_unit_test(guard_skips_recursion),
		cmocka_unit_test(guard_knows_alternate_stacks),
		cmocka_unit_test(guard_survives_shared_blocks),
		cmocka_unit_test(personality_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
