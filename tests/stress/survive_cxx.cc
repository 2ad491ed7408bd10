/*
 * survive_cxx.cc - C++ exceptions through traced frames: thrown, rethrown, replaced, carried to
 * another thread, out of calls that were moved, on coroutines' stacks.
 *
 * survive_cxx CASE    Status 7: everything was right.  The functions traced are named t_*.
 * Whatever happens, each call that was entered is counted out.
 */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <ucontext.h>
#include <unistd.h>
#include <vector>

static std::atomic<long> bad;
static thread_local long alive;

static void check(bool good)
{
	if (!good)
		bad++;
}

struct counted {
	counted()
	{
		alive++;
	}
	~counted()
	{
		alive--;
	}
};

struct error {
	long code;
	std::string text;
};

struct pod {
	long v[4];
};

extern "C" {
__attribute__((noinline)) long t_throw(long kind, double b, long c, long d, long e, long f, long g,
				       pod p, long h)
{
	counted k;

	switch (kind % 4) {
	case 0:
		return c + d + e + f + g + p.v[3] + h + (long)b;
	case 1:
		throw error{ c + h, std::string(40, 'x') };
	case 2:
		throw std::runtime_error("two");
	default:
		throw c;
	}
}

__attribute__((noinline)) long t_middle(long kind, double b, long c, long d, long e, long f, long g,
					pod p, long h)
{
	counted k;

	try {
		return t_throw(kind, b, c, d, e, f, g, p, h) + 1;
	} catch (error &e1) {
		e1.code++;
		t_throw(4, b, c, d, e, f, g, p, h); /* a call while an exception is handled */
		throw;
	} catch (std::exception &) {
		throw error{ c, "replaced" };
	}
}

__attribute__((noinline)) long t_top(long depth, long kind, double b, long c, long d, long e,
				     long f, pod p, long h)
{
	counted k;

	if (depth)
		return t_top(depth - 1, kind, b, c, d, e, f, p, h) + 1;
	return t_middle(kind, b, c, d, e, f, 6, p, h) + 1;
}
}

static void round_of(long i)
{
	pod p = { { 1, 2, 3, 4 } };
	long got = -1;

	try {
		got = t_top(i % 5, i, 1.5, i, 2, 3, 4, p, 9);
		check(i % 4 == 0 && got == i + 2 + 3 + 4 + 6 + 4 + 9 + 1 + 2 + i % 5);
	} catch (error &e) {
		check(i % 4 == 1 ? e.code == i + 10 && e.text.size() == 40 :
				   i % 4 == 2 && e.code == i && e.text == "replaced");
	} catch (long c) {
		check(i % 4 == 3 && c == i);
	}
	check(alive == 0);
}

static void throws(long n)
{
	for (long i = 0; i < n; i++)
		round_of(i);
}

/* -- threads that end inside: forced unwinding, through handlers as well ------------------ */

static std::atomic<long> left;

struct leaving {
	~leaving()
	{
		left++;
	}
};

extern "C" __attribute__((noinline)) long t_inside(long depth, long end, long c, long d, long e,
						   long f, pod p)
{
	leaving k;

	if (depth) {
		try {
			return t_inside(depth - 1, end, c, d, e, f, p) + 1;
		} catch (...) {
			throw; /* forced unwinding must go on */
		}
	}
	if (end)
		pthread_exit(nullptr);
	for (;;)
		pause();
}

static void *inside(void *arg)
{
	pod p = { { 1, 2, 3, 4 } };

	t_inside(4, (long)arg, 1, 2, 3, 4, p);
	return arg;
}

static void ends(long how)
{
	for (long i = 1; i <= 200; i++) {
		pthread_t t;
		void *r;

		left = 0;
		pthread_create(&t, nullptr, inside, (void *)how);
		if (!how) {
			usleep(100);
			pthread_cancel(t);
		}
		pthread_join(t, &r);
		check(r == (how ? nullptr : PTHREAD_CANCELED));
		check(how ? left == 5 : left == 5 || left == 0);
	}
}

static void throw_many()
{
	std::vector<std::thread> t;

	for (int i = 0; i < 4; i++)
		t.emplace_back(throws, 4000);
	for (auto &x : t)
		x.join();
}

/* -- out of moved calls, with the stack off by 8 ------------------------------------------ */

static volatile long volatile_three = 3;

extern "C" {
__attribute__((noinline, used)) long throw_or_add(long v)
{
	if (v % 3 == 0)
		throw v;
	return v + 1;
}

__attribute__((noinline)) long throw_or_not()
{
	return throw_or_add(volatile_three);
}

/* sub $8, %rsp and the call are its window, and the call's range has a handler. */
__attribute__((noinline)) long t_caught_call(long)
{
	try {
		return throw_or_not();
	} catch (long v) {
		return v + 10;
	}
}

/* A byte, then a call: both are moved when it is patched. */
__attribute__((naked, noinline)) long t_first_call(long)
{
	__asm__("pushq %rbx\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_offset %rbx, -16\n\t"
		"call throw_or_add\n\t"
		"popq %rbx\n\t.cfi_adjust_cfa_offset -8\n\tret");
}

/* It aligns the stack for itself, since it calls what wants that. */
__attribute__((noinline, used, force_align_arg_pointer)) long t_askew(long v)
{
	counted k;

	return throw_or_add(v) + 1;
}

/* Calls it with rsp off by 8, as gcc does with leaves of its own (-fipa-stack-alignment). */
__attribute__((naked, noinline)) long call_askew(long)
{
	__asm__("subq $16, %rsp\n\t.cfi_adjust_cfa_offset 16\n\t"
		"call t_askew\n\t"
		"addq $16, %rsp\n\t.cfi_adjust_cfa_offset -16\n\tret");
}
}

/* Where the window ends that has to hold the call: e8 is call rel32, e9 our jump. */
static bool begins_with_call(long (*volatile fn)(long))
{
	const unsigned char *b = reinterpret_cast<const unsigned char *>(fn);

	return b[0] == 0xe9 || b[1] == 0xe8 || b[4] == 0xe8;
}

/* By pointers: compilers believe that assembly throws nothing. */
static long (*volatile first_call)(long) = t_first_call;
static long (*volatile askew)(long) = call_askew;
static long (*volatile caught_call)(long) = t_caught_call;

static void moved()
{
	check(begins_with_call(first_call) && begins_with_call(caught_call));
	for (long i = 1; i <= 3000; i++) {
		long a = 0, b = 0;

		try {
			a = first_call(i);
		} catch (long v) {
			a = -v;
		}
		try {
			b = askew(i);
		} catch (long v) {
			b = -v;
		}
		check(a == (i % 3 ? i + 1 : -i) && b == (i % 3 ? i + 2 : -i));
		check(caught_call(0) == 13 && alive == 0);
	}
}

/* -- again and again ---------------------------------------------------------------------- */

extern "C" {
/* Each level catches and throws on. */
__attribute__((noinline)) long t_again(long depth, long b, long c, long d, long e, long f, long g)
{
	counted k;

	try {
		if (!depth)
			throw error{ b + c + d + e + f + g, "again" };
		return t_again(depth - 1, b, c, d, e, f, g) + 1;
	} catch (error &x) {
		x.code++;
		throw;
	}
}

/* Calls traced functions that throw, while an exception is on its way through. */
struct noisy {
	~noisy()
	{
		try {
			t_again(2, 1, 2, 3, 4, 5, 6);
		} catch (error &x) {
			check(x.code == 21 + 3);
		}
	}
};

__attribute__((noinline)) long t_noisy(long depth, long b, long c, long d, long e, long f, long g)
{
	noisy n;

	return depth ? t_noisy(depth - 1, b, c, d, e, f, g) + 1 : t_again(1, b, c, d, e, f, g);
}

/* Thrown on: an exception that another thread has caught. */
__attribute__((noinline)) long t_carry(std::exception_ptr p, long depth, long c, long d, long e,
				       long f, long g)
{
	counted k;

	if (depth)
		return t_carry(p, depth - 1, c, d, e, f, g) + 1;
	std::rethrow_exception(p);
}

/* Handled as a whole function, and what nobody may throw through stays inside. */
__attribute__((noinline)) long t_silent(long depth, long b, long c, long d, long e, long f,
					long g) noexcept
try {
	return t_again(depth, b, c, d, e, f, g);
} catch (error &x) {
	return x.code;
}
}

static std::exception_ptr caught_elsewhere()
{
	std::exception_ptr p;
	std::thread t([&p] {
		try {
			t_again(3, 1, 2, 3, 4, 5, 6);
		} catch (...) {
			p = std::current_exception();
		}
		check(alive == 0);
	});

	t.join();
	return p;
}

static void rethrow()
{
	for (long i = 0; i < 1000; i++) {
		long code = 0;

		try {
			t_noisy(i % 4, 1, 2, 3, 4, 5, 6);
		} catch (error &x) {
			code = x.code;
		}
		check(code == 21 + 2 && alive == 0);
		check(t_silent(i % 5, 1, 2, 3, 4, 5, 6) == 21 + 1 + i % 5 && alive == 0);
	}
	for (long i = 0; i < 100; i++) {
		std::exception_ptr p = caught_elsewhere();
		long code = 0;

		try {
			t_carry(p, i % 6, 1, 2, 3, 4, 5);
		} catch (error &x) {
			code = x.code;
		}
		check(code == 21 + 4 && alive == 0);
	}
}

/* -- on a coroutine's stack ---------------------------------------------------------------- */

static ucontext_t main_context, co_context;
static std::exception_ptr inside_co;

extern "C" __attribute__((noinline)) long t_wait(long depth, long b, long c, long d, long e, long f,
						 long g)
{
	counted k;

	if (depth)
		return t_wait(depth - 1, b, c, d, e, f, g) + 1;
	swapcontext(&co_context, &main_context);
	std::rethrow_exception(inside_co); /* what the resumer wants it to end by */
}

static void coroutine()
{
	long code = 0;

	try {
		t_wait(3, 1, 2, 3, 4, 5, 6);
	} catch (error &x) {
		code = x.code;
	}
	check(code == 77);
}

static void on_coroutine()
{
	static char stack[65536];

	inside_co = std::make_exception_ptr(error{ 77, "end" });
	for (int i = 0; i < 500; i++) {
		getcontext(&co_context);
		co_context.uc_stack.ss_sp = stack;
		co_context.uc_stack.ss_size = sizeof(stack);
		co_context.uc_link = &main_context;
		makecontext(&co_context, coroutine, 0);
		swapcontext(&main_context, &co_context);
		alive -= 4; /* the coroutine's, which wait */
		round_of(i);
		alive += 4;
		swapcontext(&main_context, &co_context);
		check(alive == 0);
	}
}

/* -- objects of threads ---------------------------------------------------------------------- */

struct per_thread {
	long v = 0;

	~per_thread()
	{
		throws(5);
		check(t_silent(2, 1, 2, 3, 4, 5, 6) == 21 + 3);
		left++;
	}
};

static thread_local per_thread mine;

static void thread_objects()
{
	for (long i = 1; i <= 200; i++) {
		std::thread t([i] {
			mine.v = i; /* made here, destroyed when the thread is over */
			check(t_silent(1, 1, 2, 3, 4, 5, 6) == 21 + 2);
		});

		t.join();
		check(left == i);
	}
}

static void leaves_none()
{
	const char *path = getenv("LEAVES");
	FILE *f = path ? fopen(path, "w") : nullptr;

	if (f) {
		fputs("0 0\n", f);
		fclose(f);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)();
	} cases[] = {
		{ "throw", throw_many },       { "exit", [] { ends(1); } },
		{ "cancel", [] { ends(0); } }, { "moved", moved },
		{ "rethrow", rethrow },        { "coroutine", on_coroutine },
		{ "objects", thread_objects },
	};
	char c;

	for (auto &x : cases) {
		if (argc < 2 || strcmp(argv[1], x.name) != 0)
			continue;
		leaves_none();
		x.run();
		printf("%s: %ld bad\n", argv[1], bad.load());
		fflush(stdout);
		while (read(0, &c, 1) == 1)
			;
		return bad ? 1 : 7;
	}
	return 2;
}
