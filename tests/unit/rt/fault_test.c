/*
 * fault_test.c - reads that may fault, by the handler in this process; and what an application's own
 * handler is given.
 */
#include "rt_util.h"

#include "rt/fault.h"
#include "rt/signal.h"
#include "rt/slab.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unwind.h>

#define PAGE 4096

static char *edge; /* memory ends here */

/* In each test: cmocka has set its own for it. */
static void catch_faults(void)
{
	struct sigaction sa = { .sa_sigaction =
					(void (*)(int, siginfo_t *, void *))(void *)rt_fault_entry,
				.sa_flags = SA_SIGINFO | SA_NODEFER };

	assert_int_equal(sigaction(SIGSEGV, &sa, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &sa, NULL), 0);
}

static int make_edge(void **state)
{
	edge = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge == MAP_FAILED || mprotect(edge + 2 * PAGE, PAGE, PROT_NONE) < 0)
		return -1;
	edge += 2 * PAGE;
	rt_state.flags = RT_FLAG_FAULTS;
	rt_state.tls_off = rt_tls_offset();
	return 0;
}

static void blocks_up_to_the_edge(void **state)
{
	char buf[64], want[64];

	catch_faults();
	for (int i = 0; i < 2 * PAGE; i++)
		edge[i - 2 * PAGE] = (char)(i * 7 + 1);
	for (unsigned before = 0; before < 40; before++) {
		for (unsigned size = 0; size < 40; size++) {
			uint64_t r;

			memset(buf, 'x', sizeof(buf));
			memset(want, 'x', sizeof(want));
			memset(want, 0, size);
			if (size <= before)
				memcpy(want, edge - before, size);
			r = rt_probe_read(buf, size, (uint64_t)(edge - before));
			assert_int_equal(r, size <= before ? 0 : R0(EFAULT));
			assert_memory_equal(buf, want, sizeof(buf));
			memset(buf, 'x', sizeof(buf));
			assert_int_equal(rt_read_some(buf, size, (uint64_t)(edge - before)),
					 size <= before ? size : before);
		}
	}
}

static void places_without_memory(void **state)
{
	const uint64_t bad[] = {
		0,          8,          UINT64_MAX,    UINT64_MAX - 3, 0xffffffff80000000,
		1ull << 47, 1ull << 63, (uint64_t)edge
	};
	char buf[16];

	catch_faults();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(buf, 'x', sizeof(buf));
		assert_int_equal(rt_probe_read(buf, 8, bad[i]), R0(EFAULT));
		assert_memory_equal(buf, "\0\0\0\0\0\0\0\0x", 9);
		assert_int_equal(rt_probe_read_str(buf, 8, bad[i]), R0(EFAULT));
		assert_int_equal(rt_load(bad[i], 8), 0);
		assert_int_equal(rt_probe_read(buf, 0, bad[i]), 0);
		assert_int_equal(rt_probe_read_str(buf, 0, bad[i]), 0);
		assert_int_equal(rt_write_all(bad[i], buf, 8), 1);
		assert_int_equal(rt_write_all(bad[i], buf, 1), 1);
	}
	memcpy(buf, "abcdefgh", 8);
	assert_int_equal(rt_write_all((uint64_t)edge - 11, "0123456789", 11), 0);
	assert_memory_equal(edge - 11, "0123456789", 11);
}

static volatile int faults;

static void count_fault(int sig, siginfo_t *si, void *uc)
{
	faults++;
	if (rt_fault(sig, (struct rt_siginfo *)(void *)si, uc))
		abort();
}

/* A fault costs 10 us, and most of what is no pointer is a small number. */
static void no_fault_where_nothing_can_be(void **state)
{
	const uint64_t none[] = { 0,
				  1,
				  8,
				  PAGE - 8,
				  PAGE - 1,
				  1ull << 56,
				  1ull << 63,
				  0xffffffff80000000,
				  UINT64_MAX - 7,
				  UINT64_MAX };
	struct sigaction sa = { .sa_sigaction = count_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };
	char buf[16];

	assert_int_equal(sigaction(SIGSEGV, &sa, NULL), 0);
	faults = 0;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(rt_probe_read(buf, 8, none[i]), R0(EFAULT));
		assert_int_equal(rt_probe_read_str(buf, 8, none[i]), R0(EFAULT));
		assert_int_equal(rt_load(none[i], 4), 0);
		assert_int_equal(rt_read_some(buf, 8, none[i]), 0);
		assert_int_equal(rt_write_all(none[i], buf, 8), 1);
	}
	assert_int_equal(faults, 0);
	assert_int_equal(rt_probe_read(buf, 8, (uint64_t)edge), R0(EFAULT));
	assert_int_equal(faults, 1);
}

/* The kernel's own reads are what it must agree with. */
static void strings_as_by_the_kernel(void **state)
{
	char buf[64], want[64];

	catch_faults();
	for (unsigned before = 1; before < 40; before++) {
		for (unsigned len = 0; len <= before; len++) {
			memset(edge - 64, 'y', 64);
			if (len < before)
				edge[(int)len - (int)before] = 0;
			for (unsigned size = 0; size < 44; size++) {
				uint64_t got, r;

				memset(buf, 'x', sizeof(buf));
				memset(want, 'x', sizeof(want));
				got = rt_probe_read_str(buf, size, (uint64_t)(edge - before));
				rt_state.flags = 0;
				r = rt_probe_read_str(want, size, (uint64_t)(edge - before));
				rt_state.flags = RT_FLAG_FAULTS;
				assert_int_equal(got, r);
				if ((int64_t)r > 0)
					assert_memory_equal(buf, want, r);
				else
					assert_memory_equal(buf, want, size);
				assert_int_equal(buf[size], 'x');
			}
		}
	}
}

static void words(void **state)
{
	catch_faults();
	memcpy(edge - 8, "\x81\x92\xa3\xb4\xc5\xd6\xe7\xf8", 8);
	assert_int_equal(rt_load((uint64_t)edge - 8, 8), 0xf8e7d6c5b4a39281);
	assert_int_equal(rt_load((uint64_t)edge - 4, 4), 0xf8e7d6c5);
	assert_int_equal(rt_load((uint64_t)edge - 2, 2), 0xf8e7);
	assert_int_equal(rt_load((uint64_t)edge - 1, 1), 0xf8);
	assert_int_equal(rt_load((uint64_t)edge - 3, 4), 0);
}

/* -- the application's handler ---------------------------------------------------------- */

static volatile int calls, nested, found;
static void *volatile from;

static _Unwind_Reason_Code look(struct _Unwind_Context *c, void *arg)
{
	(void)arg;
	found |= _Unwind_FindEnclosingFunction((void *)_Unwind_GetIP(c)) == from;
	return _URC_NO_REASON;
}

__attribute__((noinline)) static uint64_t faulting(uint64_t addr)
{
	uint64_t rbx;

	__asm__ volatile("movq $77, %%rbx\n\tmovb $1, (%1)\n\tmovq %%rbx, %0"
			 : "=r"(rbx)
			 : "a"(addr)
			 : "rbx", "memory");
	return rbx;
}

static void over(int sig, siginfo_t *si, void *p)
{
	ucontext_t *uc = p;
	char buf[8];

	calls++;
	assert_int_equal(sig, SIGSEGV);
	assert_ptr_equal(si->si_addr, (void *)0x123);
	nested = (int)(*sig_view().held & RT_HELD_SEGV);
	/* ours, inside of theirs */
	assert_int_equal(rt_probe_read(buf, 8, (uint64_t)edge), R0(EFAULT));
	_Unwind_Backtrace(look, NULL);
	uc->uc_mcontext.gregs[REG_RIP] += 3;
}

static void their_faults_are_theirs(void **state)
{
	catch_faults();
	rt_signals.active = 1;
	rt_signals.app[SIGSEGV] =
		(struct rt_sigaction){ .handler = (uint64_t)over, .flags = SA_SIGINFO };
	from = (void *)faulting;
	assert_int_equal(faulting(0x123), 77);
	assert_int_equal(faulting(0x123), 77);
	assert_int_equal(calls, 2);
	assert_int_equal(nested, RT_HELD_SEGV);
	assert_true(found); /* unwinders go through the frame */
	assert_int_equal(*sig_view().held & RT_HELD_SEGV, 0);
	rt_signals.app[SIGSEGV].flags |= SA_NODEFER | SA_RESETHAND;
	assert_int_equal(faulting(0x123), 77);
	assert_int_equal(nested, 0);
	assert_int_equal(rt_signals.app[SIGSEGV].handler, RT_SIG_DFL);
	rt_signals.active = 0;
}

/*
 * A fault in a slab's room: what the states of its bytes say, and of a call, whose states are a
 * distance (x86/frame.h), nothing.
 */
static void states_of_code(void **state)
{
	const size_t size = SLAB_SHADOW_DISTANCE + PAGE;
	uint8_t *code = mmap(NULL, size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const struct rt_sigaction app = rt_signals.app[SIGSEGV];
	struct rt_siginfo si = { .signo = SIGSEGV, .code = 1 };
	static const uint8_t load[] = { 0x4c, 0x8b, 0x73, 0x08 }, call[] = { 0xe8, 0, 0, 0, 0 };
	struct rt_ucontext uc = { .reg[UC_RIP] = (uint64_t)code };
	const uint64_t handler = (uint64_t)&edge;

	assert_ptr_not_equal(code, MAP_FAILED);
	rt_state.room[0] = (struct rt_room){ (uint64_t)code, PAGE };
	rt_signals.app[SIGSEGV] = (struct rt_sigaction){ .handler = handler };
	code[SLAB_SHADOW_DISTANCE] = 0xc0;
	code[SLAB_SHADOW_DISTANCE + 1] = 0xae; /* r14 */
	code[SLAB_SHADOW_DISTANCE + 2] = sizeof(load);
	memcpy(code, load, sizeof(load));
	uc.reg[6] = 9;
	assert_int_equal(rt_fault(SIGSEGV, &si, &uc), 0);
	assert_int_equal(uc.reg[UC_RIP], (uint64_t)code + sizeof(load));
	assert_int_equal(uc.reg[6], 0);
	memcpy(code, call, sizeof(call));
	uc.reg[UC_RIP] = (uint64_t)code;
	uc.reg[6] = 9;
	code[SLAB_SHADOW_DISTANCE + 3] = 0x2a;
	/* the handler's frame: the word below is where it returns to */
	struct {
		uint64_t below;
		struct rt_ucontext uc;
	} frame = { .uc = uc };
	assert_int_equal(rt_fault(SIGSEGV, &si, &frame.uc), handler);
	assert_int_equal(frame.uc.reg[UC_RIP], (uint64_t)code);
	assert_int_equal(frame.uc.reg[6], 9);
	rt_signals.app[SIGSEGV] = app;
	memset(rt_state.room, 0, sizeof(rt_state.room));
	munmap(code, size);
}

/* -- whose signals ---------------------------------------------------------------------- */

static pid_t dead_process(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void nobody_set_anything(struct rt_thread *owner, pid_t pid)
{
	memset(&rt_signals, 0, sizeof(rt_signals));
	rt_signals.app[SIGSEGV].handler = 0x1111;
	rt_state.threads = (uint64_t)owner;
	owner->pid = (uint32_t)pid;
}

/* The block of slot 0 says whose the memory is; another process has a record until it is gone. */
static void a_child_in_our_memory(void **state)
{
	static struct rt_thread owner;
	struct sig_view v, again;

	nobody_set_anything(&owner, getppid());
	v = sig_view();
	assert_non_null(v.child);
	assert_int_equal(rt_signals.children, 1);
	sig_app(&v, SIGSEGV)->handler = 0x2222;
	held_set(&v, RT_HELD_BUS);
	again = sig_view();
	assert_ptr_equal(again.child, v.child);
	assert_ptr_equal(sig_view_quiet().child, v.child);
	assert_int_equal(*again.held & RT_HELD_BUS, RT_HELD_BUS);
	/* the thread that made it goes on: nothing of that is its own, and no handler asks any more */
	owner.pid = (uint32_t)getpid();
	v = sig_view();
	assert_null(v.child);
	assert_int_equal(sig_app(&v, SIGSEGV)->handler, 0x1111);
	assert_int_equal(*v.held & RT_HELD_BUS, 0);
	assert_int_equal(rt_signals.children, 0);
	assert_null(sig_view_quiet().child);
	rt_state.threads = 0;
}

static void more_children_than_records(void **state)
{
	static struct rt_thread owner;
	struct sig_view v;

	nobody_set_anything(&owner, getppid());
	for (unsigned i = 0; i < RT_CHILDREN; i++)
		rt_signals.child[i].pid = i % 2 ? RT_CHILD_CLAIMED : (uint32_t)getppid();
	rt_signals.children = RT_CHILDREN;
	v = sig_view();
	assert_true(v.lost && !v.child);
	assert_int_equal(sig_app(&v, SIGSEGV)->handler, 0x1111);
	rt_signals.child[6].pid = (uint32_t)dead_process();
	v = sig_view();
	assert_ptr_equal(v.child, &rt_signals.child[6]);
	assert_int_equal(v.child->pid, getpid());
	assert_int_equal(rt_signals.children, RT_CHILDREN);
	rt_state.threads = 0;
}

/* The block was wiped: the memory is its own, and its parent's children are not its. */
static void a_forked_child(void **state)
{
	static struct rt_thread owner;

	nobody_set_anything(&owner, 0);
	rt_signals.child[3].pid = (uint32_t)getppid();
	rt_signals.children = 1;
	assert_null(sig_view().child);
	assert_int_equal(owner.pid, getpid());
	assert_int_equal(rt_signals.children, 0);
	assert_int_equal(rt_signals.child[3].pid, 0);
	rt_state.threads = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_up_to_the_edge),
		cmocka_unit_test(places_without_memory),
		cmocka_unit_test(no_fault_where_nothing_can_be),
		cmocka_unit_test(strings_as_by_the_kernel),
		cmocka_unit_test(words),
		cmocka_unit_test(their_faults_are_theirs),
		cmocka_unit_test(states_of_code),
		cmocka_unit_test(a_child_in_our_memory),
		cmocka_unit_test(more_children_than_records),
		cmocka_unit_test(a_forked_child),
	};

	return cmocka_run_group_tests(tests, make_edge, NULL);
}
