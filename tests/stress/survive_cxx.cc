/*
 * survive_cxx.cc - C++ exceptions through traced frames: thrown, rethrown, replaced.
 *
 * survive_cxx CASE    Status 7: everything was right.  The functions traced are named t_*.
 */
#include <atomic>
#include <cstdio>
#include <cstring>
#include <exception>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <thread>
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

int main(int argc, char **argv)
{
	std::string what = argc > 1 ? argv[1] : "";
	char c;

	if (what == "throw")
		throw_many();
	else if (what == "exit")
		ends(1);
	else if (what == "cancel")
		ends(0);
	else
		return 2;
	printf("%s: %ld bad\n", argv[1], bad.load());
	fflush(stdout);
	while (read(0, &c, 1) == 1)
		;
	return bad ? 1 : 7;
}
