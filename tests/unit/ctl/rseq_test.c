/*
 * rseq_test.c - a thread in a restartable sequence (rseq(2)) runs a system call for us, or is moved:
 * the sequence begins anew, as behind every preemption, or what it commits is another processor's.
 *
 * The victim's sequence never ends by itself: only its abort leads out.
 */
#include "ctl_util.h"

#include "ctl/priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 50 };

struct shared {
	uint64_t begun, aborted;
};

extern const uint8_t rseq_test_inside[]; /* where the sequence waits */

__attribute__((noinline)) static void sequence(struct rseq *rs, struct shared *s)
{
	__asm__ volatile(".pushsection .data.rseq_test, \"aw\"\n"
			 ".balign 32\n"
			 "3: .long 0, 0\n"
			 ".quad 1f, 2f - 1f, 4f\n"
			 ".popsection\n"
			 "lea 3b(%%rip), %%rax\n"
			 "mov %%rax, %c[cs](%[rs])\n"
			 "1: incq (%[begun])\n"
			 ".globl rseq_test_inside\n"
			 "rseq_test_inside:\n"
			 "5: nop\n"
			 "jmp 5b\n"
			 "2: ud2\n"
			 ".byte 0x0f, 0xb9, 0x3d\n"
			 ".long %c[sig]\n"
			 "4: incq (%[aborted])\n"
			 :
			 : [rs] "r"(rs), [begun] "r"(&s->begun), [aborted] "r"(&s->aborted),
			   [cs] "i"(offsetof(struct rseq, rseq_cs)), [sig] "i"(RSEQ_SIG)
			 : "rax", "memory", "cc");
}

static pid_t start(struct shared **s)
{
	pid_t pid;

	*s = mmap(NULL, sizeof(**s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(*s != MAP_FAILED);
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			sequence(
				(struct rseq *)((char *)__builtin_thread_pointer() + __rseq_offset),
				*s);
	}
	return pid;
}

static void end(pid_t pid, struct process *p, struct shared *s)
{
	int st;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(WTERMSIG(st), SIGKILL); /* and not what stands behind the sequence */
	process_free(p);
	munmap(s, sizeof(*s));
}

/* A counter rises within 10 s. */
static bool rises(const uint64_t *n, uint64_t above)
{
	const struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 10000; i++) {
		if (__atomic_load_n(n, __ATOMIC_RELAXED) > above)
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

static bool there_is_rseq(void)
{
	if (__rseq_size)
		return true;
	print_message("no rseq(2) here, or libc was told not to use it\n");
	return false;
}

static void test_call(void **state)
{
	const uint64_t none[6] = { 0 };
	struct shared *s;
	struct process *p;
	unsigned inside = 0;
	struct diag d;
	pid_t pid;

	if (!there_is_rseq())
		return;
	pid = start(&s);
	assert_true(rises(&s->begun, 0));
	p = process_of(pid);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t aborted;

		assert_int_equal(process_stop(p, &d), 0);
		inside += tracee_rseq_abort(&process_priv(p)->threads.at[0],
					    (taddr_t)(uintptr_t)rseq_test_inside) != 0;
		aborted = s->aborted;
		assert_int_equal(process_syscall(p, SYS_getpid, none), pid);
		assert_int_equal(process_resume(p, &d), 0);
		if (!rises(&s->aborted, aborted))
			fail_msg("round %d: the sequence went on where it was", i);
		assert_true(rises(&s->begun, s->aborted));
	}
	assert_true(inside > 0);
	end(pid, p, s);
}

/* Whom a patch would take out of the sequence keeps its place, and the window waits. */
static taddr_t elsewhere(const void *arg, taddr_t pc)
{
	return 0x1000; /* nowhere */
}

static void test_patch(void **state)
{
	struct process_patch x = { .addr = (taddr_t)(uintptr_t)rseq_test_inside - 3,
				   .len = 6,
				   .restores = true,
				   .move = elsewhere };
	struct shared *s;
	struct process *p;
	unsigned again = 0;
	struct diag d;
	pid_t pid;

	if (!there_is_rseq())
		return;
	pid = start(&s);
	assert_true(rises(&s->begun, 0));
	p = process_of(pid);
	assert_int_equal(process_read(p, x.addr, x.expect, x.len), 0);
	memcpy(x.bytes, x.expect, x.len);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t begun;

		assert_int_equal(process_stop(p, &d), 0);
		assert_true(process_patch(p, &x, 1, &d) >= 0);
		again += x.result == -EAGAIN;
		begun = s->begun;
		assert_int_equal(process_resume(p, &d), 0);
		assert_true(rises(&s->begun, begun));
	}
	assert_true(again > 0);
	end(pid, p, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_patch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
