/*
 * workers.c - four threads that call one function, for latency.bpf.c.
 */
#include <pthread.h>
#include <stdio.h>

#define THREADS 4

__attribute__((noinline)) unsigned long work(int id, unsigned rounds)
{
	unsigned long x = (unsigned long)id;

	for (unsigned i = 0; i < rounds; i++)
		x = x * 6364136223846793005u + 1442695040888963407u;
	return x;
}

static void *run(void *arg)
{
	unsigned long sum = 0;
	int id = *(int *)arg;

	for (unsigned i = 0; i < 100; i++)
		sum = sum * 31 + work(id, (100u << id) + i);
	printf("worker %d: %016lx\n", id, sum);
	return NULL;
}

int main(void)
{
	pthread_t thread[THREADS];
	int id[THREADS];

	for (int i = 0; i < THREADS; i++) {
		id[i] = i + 1;
		if (pthread_create(&thread[i], NULL, run, &id[i]))
			return 1;
		pthread_join(thread[i], NULL); /* one by one: the output is always the same */
	}
	return 0;
}
