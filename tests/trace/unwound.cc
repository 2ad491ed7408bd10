/*
 * unwound.cc CASE - calls that an exception, pthread_exit(), a cancellation or a tail call ends.
 *
 * Traced are the functions with C names; what catches is not, or says so.  Each case prints one
 * line that depends on all it did.
 */
#include <cstdio>
#include <cstring>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define CALL __attribute__((noinline, noclone))

static volatile long sum;

struct note {
	~note()
	{
		sum = sum + 1;
	}
};

extern "C" {

CALL long work(long n)
{
	sum = sum + n;
	return n + 1000;
}

/* Eight arguments, two of them on the stack. */
CALL long level(long depth, long b, long c, long d, long e, long f, long g, long h)
{
	note n;

	if (depth)
		return level(depth - 1, b, c, d, e, f, g, h) + 1;
	throw std::runtime_error(std::to_string(b + h));
}

CALL long catches(long n)
{
	try {
		return level(n, 2, 3, 4, 5, 6, 7, 8);
	} catch (std::exception &e) {
		return std::stol(e.what()) + n;
	}
}

CALL long rethrows(long n)
{
	try {
		return level(1, n, 3, 4, 5, 6, 7, 8);
	} catch (...) {
		work(n);
		throw;
	}
}

CALL long replaces(long n)
{
	try {
		return level(0, n, 3, 4, 5, 6, 7, 8);
	} catch (std::exception &) {
		throw n;
	}
}
}

struct thrower {
	long n;
	~thrower() noexcept(false)
	{
		rethrows(n);
	}
};

struct nester {
	long n;
	~nester()
	{
		sum = sum + catches(n);
	}
};

extern "C" {

CALL long destroys(long n)
{
	thrower t = { n };

	return work(n);
}

/* While one exception unwinds this frame, its destructor throws and catches another. */
CALL long nests(long n)
{
	nester t = { n };

	return replaces(n);
}

CALL long five(void)
{
	return rethrows(5) + 1;
}

/* Its first bytes are sub and call: what is patched has a call in it. */
CALL long window(void)
{
	return five() + 1;
}

/* They jump to each other: all their calls but the first two share those two's frames. */
CALL long pong(long n, long how);

CALL long ping(long n, long how)
{
	sum = sum + 1;
	if (n)
		return pong(n - 1, how);
	return how ? level(0, how, 3, 4, 5, 6, 7, 8) : 5;
}

CALL long pong(long n, long how)
{
	sum = sum + 2;
	return n ? ping(n - 1, how) : 6;
}

CALL long leaves(long depth, long how)
{
	note n;

	if (depth)
		return leaves(depth - 1, how) + 1;
	if (how)
		pthread_exit((void *)how);
	for (;;)
		pause();
}

CALL void *body(void *how)
{
	try {
		leaves(2, (long)how);
	} catch (...) {
		work(7);
		throw; /* forced unwinding goes on */
	}
	return NULL;
}
}

/* -- cases ------------------------------------------------------------------------------- */

template <typename F> static long caught(F f)
{
	try {
		return f();
	} catch (std::exception &e) {
		return std::stol(e.what());
	} catch (long v) {
		return -v;
	}
}

static long through()
{
	long r = 0;

	for (long n = 0; n < 5; n++)
		r = r * 31 + caught([n] { return level(n, n, 3, 4, 5, 6, 7, 8); });
	return r;
}

static long inside()
{
	return catches(0) + catches(2);
}

static long again()
{
	return caught([] { return rethrows(4); }) * 100 + caught([] { return replaces(3); });
}

static long destructors()
{
	return caught([] { return destroys(6); }) * 100 + caught([] { return nests(1); });
}

static long windows()
{
	return caught([] { return window(); }) + caught([] { return window(); });
}

static long tails()
{
	return caught([] { return ping(3, 0); }) * 100 + caught([] { return ping(2, 4); });
}

static ucontext_t home, away;
static long inner;

static void coroutine()
{
	inner = caught([] { return rethrows(1); });
	swapcontext(&away, &home);
	inner += caught([] { return level(1, 2, 3, 4, 5, 6, 7, 8); });
}

/* On a stack elsewhere, while an exception crosses frames on this one in between. */
static long coroutines()
{
	const size_t size = 256 << 10, far = 64 << 20;
	char *room = (char *)mmap(NULL, far, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long r;

	getcontext(&away);
	away.uc_stack.ss_sp = room + far / 2;
	away.uc_stack.ss_size = size;
	away.uc_link = &home;
	makecontext(&away, coroutine, 0);
	swapcontext(&home, &away);
	r = caught([] { return rethrows(9); });
	swapcontext(&home, &away);
	return r * 1000 + inner;
}

static long threads(long how)
{
	pthread_t t;
	void *got = NULL;

	pthread_create(&t, NULL, body, (void *)how);
	if (!how) {
		usleep(20000);
		pthread_cancel(t);
	}
	pthread_join(t, &got);
	return (long)got;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long r = !strcmp(what, "through")     ? through() :
		 !strcmp(what, "inside")      ? inside() :
		 !strcmp(what, "again")       ? again() :
		 !strcmp(what, "destructors") ? destructors() :
		 !strcmp(what, "window")      ? windows() :
		 !strcmp(what, "tails")       ? tails() :
		 !strcmp(what, "coroutine")   ? coroutines() :
		 !strcmp(what, "exit")        ? threads(12) :
		 !strcmp(what, "cancel")      ? threads(0) :
						-999;

	std::printf("%s %ld %ld\n", what, r, sum);
	return 7;
}
