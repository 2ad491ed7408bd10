// attach_throw.cc THREADS - as attach_victim: exceptions through traced calls, on every thread.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

static std::atomic<bool> over;
static std::atomic<unsigned long> rounds;

extern "C" __attribute__((noinline)) long work(long a, long b, double x)
{
	if (a % 3 == 0)
		throw std::runtime_error(std::to_string(a));
	return a * 3 + b + (long)x;
}

static void *throws(void *)
{
	for (long i = 0; !over; i++) {
		try {
			if (work(i, 7, 2.5) != i * 3 + 9 || i % 3 == 0) {
				puts("wrong: a result");
				_exit(9);
			}
		} catch (const std::runtime_error &e) {
			if (atol(e.what()) != i || i % 3) {
				puts("wrong: an exception");
				_exit(9);
			}
		}
		rounds++;
	}
	return nullptr;
}

int main(int argc, char **argv)
{
	pthread_t t[64];
	int n = argc > 2 ? atoi(argv[2]) : 2;
	char c;

	for (int i = 0; i < n; i++)
		pthread_create(&t[i], nullptr, throws, nullptr);
	while (rounds < 100)
		usleep(1000);
	puts("ready");
	fflush(stdout);
	if (read(0, &c, 1) < 0)
		return 1;
	over = true;
	for (int i = 0; i < n; i++)
		pthread_join(t[i], nullptr);
	printf("ok %lu\n", (unsigned long)rounds);
	return 0;
}
