#include "ctl_util.h"

#include "ctl/priv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void must_stop(struct victim *v)
{
	if (process_stop(v->p, &v->d) < 0)
		fail_msg("%s", v->d.text);
}

/* 2000 queued signals under stops: all are caught, epoll_wait is interrupted as ever. */
static void test_signals_arrive(void **state)
{
	struct victim v;
	bool exec;

	victim_ready(&v, "signals");
	for (int i = 0; i < 400 && process_poll(v.p, 1, &exec) == 0; i++) {
		must_stop(&v);
		process_resume(v.p, NULL);
	}
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\ncaught 2000 of 2000, interrupted yes\n");
	victim_free(&v);
}

/*
 * A signal that comes while the thread is stopped inside its wait ends that wait with EINTR,
 * as without us: a wait that was repeated behind the handler would last for ever.
 */
static void test_signal_during_stop(void **state)
{
	struct victim v;

	victim_ready(&v, "masked");
	for (size_t round = 0; round < 50; round++) {
		sleep_ms(2);
		must_stop(&v); /* in a wait, and nothing comes */
		process_resume(v.p, NULL);
		sleep_ms(2);
		must_stop(&v);
		kill(v.p->pid, SIGALRM);
		process_resume(v.p, NULL);
		for (int i = 0; i < 3000 && strlen(victim_output(&v)) < 7 + round; i++)
			sleep_ms(1);
		if (strlen(victim_output(&v)) < 7 + round) {
			kill(v.p->pid, SIGKILL);
			fail_msg("the wait of round %zu goes on behind its signal", round);
		}
	}
	assert_int_equal(victim_wait(&v), 0);
	assert_non_null(strstr(victim_output(&v), "\n50 rounds, caught 50\n"));
	victim_free(&v);
}

static taddr_t move_nap(const void *arg, taddr_t pc)
{
	const taddr_t *two = arg;

	return two[1] + (pc - two[0]);
}

/*
 * A thread sleeps in a system call inside the window; the kernel restarts it 2 bytes before
 * the pc.  It has to go on in the copy, whole time slept, with remote calls in between.
 */
static void check_nap(uint8_t len)
{
	const uint64_t none[6] = { 0 };
	struct process_patch x = { .len = len };
	struct victim v;
	taddr_t two[2];

	victim_ready(&v, "nap");
	sleep_ms(200);
	two[0] = x.addr = victim_symbol(&v, "nap");
	two[1] = victim_symbol(&v, "nap_copy");
	x.arg = two;
	memcpy(x.expect, "\xb8\x23\0\0\0\x0f\x05\x90", 8);
	memset(x.bytes, 0xcc, 8); /* deadly */
	must_stop(&v);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 1);
	assert_int_equal(x.result, -EAGAIN); /* no move(): postponed */
	x.move = move_nap;
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(process_syscall(v.p, SYS_getpid, none), v.p->pid);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\nnap 0x10000 whole\n");
	victim_free(&v);
}

static void test_restarted_call_in_window(void **state)
{
	check_nap(8); /* pc inside */
	check_nap(7); /* pc behind the window, the restarted instruction in it */
}

/* The system call that will be restarted is all of the window: its first byte counts or not. */
static void test_first_byte_moves(void **state)
{
	struct process_patch x = { .len = 2, .expect = "\x0f\x05", .bytes = "\xcc\xcc" };
	struct victim v;
	taddr_t two[2];

	victim_ready(&v, "nap");
	sleep_ms(200);
	two[0] = x.addr = victim_symbol(&v, "nap") + 5;
	two[1] = victim_symbol(&v, "nap_copy") + 5;
	x.arg = two;
	x.restores = x.first_too = true;
	must_stop(&v);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 1);
	assert_int_equal(x.result, -EAGAIN);
	x.move = move_nap;
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\nnap 0x10000 whole\n");
	victim_free(&v);
}

static void test_interrupted_pc_on_stack(void **state)
{
	struct process_patch x, edge;
	struct victim v;

	victim_ready(&v, "handler");
	x = answer_patch(&v, "answer", 1, 42);
	edge = answer_patch(&v, "edge", 1, 42);
	must_stop(&v);
	assert_int_equal(process_patch(v.p, (struct process_patch[]){ x, edge }, 2, &v.d), 1);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 1);
	assert_int_equal(x.result, -EAGAIN);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

/* What comes back does not wait for a word on a stack, but where nothing comes back it does. */
static void test_restoring(void **state)
{
	struct process_patch x;
	struct victim v;

	victim_ready(&v, "handler");
	x = answer_patch(&v, "answer", 1, 42);
	x.restores = true;
	must_stop(&v);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0); /* with answer + 5 on the stack */
	x = answer_patch(&v, "answer", 42, 1);
	x.restores = true;
	x.len = 5; /* answer + 5 is outside, answer itself is on the stack as well */
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	x = answer_patch(&v, "answer", 1, 42);
	x.restores = x.first_too = true;
	x.len = 5;
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 1);
	assert_int_equal(x.result, -EAGAIN);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

static void test_patch_refusals(void **state)
{
	struct process_patch x[4];
	struct victim v;
	uint8_t now[6];

	victim_ready(&v, "cat");
	assert_int_equal(process_patch(v.p, x, 0, &v.d), -EINVAL); /* it runs */
	x[0] = answer_patch(&v, "edge", 9, 10);
	x[1] = x[2] = x[3] = answer_patch(&v, "answer", 1, 42);
	x[2].addr = 4096;
	x[3].len = 33;
	x[3].addr += 64;
	must_stop(&v);
	assert_int_equal(process_patch(v.p, x, 4, &v.d), 3);
	assert_int_equal(x[0].result, -EBUSY);
	assert_int_equal(x[1].result, 0);
	assert_int_equal(x[2].result, -EFAULT);
	assert_int_equal(x[3].result, -EINVAL);
	assert_int_equal(process_read(v.p, x[1].addr, now, 6), 0);
	assert_memory_equal(now, x[1].bytes, 6);
	/* of two that overlap one is made */
	x[0] = x[1] = answer_patch(&v, "answer", 42, 1);
	assert_int_equal(process_patch(v.p, x, 2, &v.d), 1);
	assert_int_equal(process_patch(v.p, x, 0, &v.d), 0);
	process_resume(v.p, NULL);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 5);
	victim_free(&v);
}

/* What is written later does not reach a child that was forked before. */
static void test_fork_keeps_its_copy(void **state)
{
	struct process_patch x;
	struct victim v;
	char prog[] = VICTIM, arg[] = "fork";
	char *const argv[] = { prog, arg, NULL };

	assert_int_equal(victim_spawn(&v, argv), 0);
	x = answer_patch(&v, "answer", 1, 42);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_resume(v.p, NULL);
	for (int i = 0; i < 5000 && !strstr(victim_output(&v), "ready"); i++)
		sleep_ms(1);
	x = answer_patch(&v, "answer", 42, 1);
	must_stop(&v);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_resume(v.p, NULL);
	assert_int_equal(victim_wait(&v), 0);
	assert_string_equal(victim_output(&v), "ready\nparent 1 child 42\n");
	victim_free(&v);
}

static void test_group_stop(void **state)
{
	const uint64_t none[6] = { 0 };
	struct victim v;
	siginfo_t si;

	victim_ready(&v, "threads");
	kill(v.p->pid, SIGSTOP);
	assert_int_equal(waitid(P_PID, (id_t)v.p->pid, &si, WSTOPPED | WEXITED), 0);
	for (int i = 0; i < 5; i++) {
		must_stop(&v);
		assert_int_equal(process_syscall(v.p, SYS_getpid, none), v.p->pid);
		process_resume(v.p, NULL);
	}
	sleep_ms(20);
	/* still stopped for its parent, and continues when told to */
	kill(v.p->pid, SIGCONT);
	assert_int_equal(waitid(P_PID, (id_t)v.p->pid, &si, WCONTINUED | WNOHANG), 0);
	assert_int_equal(victim_wait(&v), 0);
	victim_free(&v);
}

static void test_killed_while_stopped(void **state)
{
	const uint64_t none[6] = { 0 };
	struct victim v;

	victim_ready(&v, "threads");
	must_stop(&v);
	kill(v.p->pid, SIGKILL);
	process_syscall(v.p, SYS_getpid, none);
	assert_int_equal(process_resume(v.p, &v.d), 0);
	assert_int_equal(WTERMSIG(victim_wait(&v)), SIGKILL);
	assert_int_equal(process_stop(v.p, &v.d), -ESRCH);
	assert_int_equal(process_resume(v.p, &v.d), 0);
	victim_free(&v);
}

/* Given up whole and soon; the thread goes on as soon as it can, and a later stop works. */
static void test_thread_that_does_not_stop(void **state)
{
	struct victim v;
	uint64_t start;
	bool exec;

	victim_ready(&v, "vfork");
	sleep_ms(100);
	start = process_now_ns();
	assert_int_equal(process_stop(v.p, &v.d), -ETIMEDOUT);
	assert_true(process_now_ns() - start < 1500000000u); /* all others stand as long */
	assert_non_null(strstr(v.d.text, "cannot be stopped meanwhile, state D"));
	assert_non_null(strstr(v.d.text, "as a child of vfork() does"));
	assert_false(v.p->stopped);
	assert_int_equal(process_poll(v.p, 5000, &exec), 1);
	assert_int_equal(WEXITSTATUS(v.p->status), 6);
	assert_string_equal(victim_output(&v), "ready\nanswer 1\n");
	victim_free(&v);
	/* a stop that is asked for again */
	victim_ready(&v, "vfork");
	sleep_ms(100);
	assert_int_equal(process_stop(v.p, &v.d), -ETIMEDOUT);
	for (int i = 0; i < 100 && process_stop(v.p, &v.d) == -ETIMEDOUT; i++)
		sleep_ms(50);
	assert_true(v.p->stopped);
	process_resume(v.p, NULL);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 6);
	victim_free(&v);
}

/* Of a handle that is gone meanwhile: it goes on when any other process is polled. */
static void test_late_and_freed(void **state)
{
	struct victim v, other;
	pid_t pid;
	bool exec;
	int st;

	victim_ready(&v, "vfork-long");
	sleep_ms(100);
	assert_int_equal(process_stop(v.p, &v.d), -ETIMEDOUT);
	pid = v.p->pid;
	process_free(v.p);
	v.p = NULL;
	victim_ready(&other, "cat");
	for (int i = 0; i < 100 && !strstr(victim_output(&v), "answer"); i++)
		process_poll(other.p, 100, &exec);
	if (!strstr(victim_output(&v), "answer 1\n")) {
		kill(pid, SIGKILL);
		fail_msg("it was not let go: '%s'", victim_output(&v));
	}
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(WEXITSTATUS(st), 6);
	victim_wait(&other);
	victim_free(&other);
	victim_free(&v);
}

static void test_leader_gone(void **state)
{
	const uint64_t none[6] = { 0 };
	struct process_patch x;
	struct victim v;
	bool exec = false;

	victim_ready(&v, "leaderless");
	sleep_ms(50);
	x = answer_patch(&v, "answer", 1, 42);
	for (int i = 0; i < 3; i++) {
		must_stop(&v);
		assert_int_equal(process_syscall(v.p, SYS_getpid, none), v.p->pid);
		if (i == 0)
			assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
		process_resume(v.p, NULL);
		assert_int_equal(process_poll(v.p, 5, &exec), 0);
		assert_false(exec);
	}
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 42);
	victim_free(&v);
}

static void test_already_traced(void **state)
{
	struct victim v;
	int go[2], done[2], st;
	pid_t tracer;
	char byte = 0;

	victim_ready(&v, "cat");
	assert_int_equal(pipe(go) | pipe(done), 0);
	tracer = fork();
	if (tracer == 0) {
		byte = ptrace(PTRACE_SEIZE, v.p->pid, 0, 0) == 0;
		if (write(done[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(done[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	assert_int_equal(process_stop(v.p, &v.d), -EPERM);
	assert_non_null(strstr(v.d.text, "traced by process"));
	assert_int_equal(write(go[1], "", 1), 1);
	waitpid(tracer, &st, 0);
	must_stop(&v);
	process_resume(v.p, NULL);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 5);
	victim_free(&v);
}

static void test_memory(void **state)
{
	const uint64_t map[6] = { 0, 8192, 3, 0x22, (uint64_t)-1, 0 };
	const uint64_t none[6] = { 0 };
	uint8_t bytes[64], got[64];
	struct victim v;
	uint64_t unmap[6] = { 0 };
	long at;

	victim_ready(&v, "cat");
	assert_int_equal(process_syscall(v.p, SYS_getpid, none), -EINVAL); /* it runs */
	must_stop(&v);
	at = process_syscall(v.p, SYS_mmap, map);
	assert_true(at > 0);
	unmap[0] = (uint64_t)at + 4096;
	unmap[1] = 4096;
	assert_int_equal(process_syscall(v.p, SYS_munmap, unmap), 0);
	assert_int_equal(process_syscall(v.p, 9999, none), -ENOSYS);
	memset(bytes, 7, sizeof(bytes));
	assert_int_equal(process_write(v.p, (taddr_t)at + 4032, bytes, 64), 0);
	assert_int_equal(process_read(v.p, (taddr_t)at + 4032, got, 64), 0);
	assert_memory_equal(got, bytes, 64);
	/* whole or not at all */
	memset(bytes, 9, sizeof(bytes));
	assert_int_equal(process_write(v.p, (taddr_t)at + 4064, bytes, 64), -EFAULT);
	assert_int_equal(process_read(v.p, (taddr_t)at + 4032, got, 64), 0);
	assert_int_equal(got[63], 7);
	assert_int_equal(process_read(v.p, (taddr_t)at + 4064, got, 64), -EFAULT);
	assert_int_equal(process_read(v.p, UINT64_MAX - 3, got, 8), -EFAULT);
	assert_int_equal(process_read(v.p, 1ull << 63, got, 8), -EFAULT);
	process_resume(v.p, NULL);
	assert_int_equal(process_refresh(v.p, &v.d), 0);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 5);
	assert_int_equal(process_refresh(v.p, &v.d), -ESRCH);
	victim_free(&v);
}

/*
 * The only copy of the thread's own state is then a frame on our stack: no further call may be made
 * over it, nor the stack unmapped.  It is back in its read() afterwards.
 */
static void test_call_takes_too_long(void **state)
{
	const struct timespec nap = { .tv_nsec = 400000000 };
	const uint64_t none[6] = { 0 };
	struct process_priv *pp;
	struct victim v;

	victim_ready(&v, "cat");
	must_stop(&v);
	pp = process_priv(v.p);
	assert_int_equal(stack_map(v.p, &v.d), 0);
	assert_int_equal(process_write(v.p, pp->stack.lo, &nap, sizeof(nap)), 0);
	pp->call_ns = 50000000;
	assert_int_equal(process_syscall(v.p, SYS_nanosleep,
					 (const uint64_t[6]){ pp->stack.lo, 0 }),
			 -ETIMEDOUT);
	sleep_ms(1000); /* the call is over, and the thread stands behind it */
	assert_int_equal(process_syscall(v.p, SYS_getpid, none), -ETIMEDOUT);
	stack_unmap(v.p);
	process_resume(v.p, NULL);
	assert_int_equal(WEXITSTATUS(victim_wait(&v)), 5);
	victim_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_arrive),
		cmocka_unit_test(test_signal_during_stop),
		cmocka_unit_test(test_restarted_call_in_window),
		cmocka_unit_test(test_interrupted_pc_on_stack),
		cmocka_unit_test(test_restoring),
		cmocka_unit_test(test_first_byte_moves),
		cmocka_unit_test(test_patch_refusals),
		cmocka_unit_test(test_fork_keeps_its_copy),
		cmocka_unit_test(test_group_stop),
		cmocka_unit_test(test_killed_while_stopped),
		cmocka_unit_test(test_thread_that_does_not_stop),
		cmocka_unit_test(test_late_and_freed),
		cmocka_unit_test(test_leader_gone),
		cmocka_unit_test(test_already_traced),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_call_takes_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
