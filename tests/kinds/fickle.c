/*
 * fickle.c [THREADS] - a program that ends, or executes another, when it is told to.
 *
 * Its threads call work(), allocate and sleep; all but 16 of them for a second at a time.  The first one obeys a byte on standard input: 'e'
 * executes cat, 'x' exits with 3, '.' or the end exits with 0, 'v' makes a child by vfork() that sleeps for
 * two seconds ('V': until it is killed), ends, and is waited for (it says "back" then), 'l' ends the first thread alone.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((noinline)) long work(long a, long b)
{
	__asm__ volatile("");
	return a * 3 + b;
}

static void say(const char *text)
{
	if (write(1, text, strlen(text)) < 0)
		_exit(8);
}

static void *other(void *arg)
{
	const struct timespec nap = { .tv_sec = arg != NULL, .tv_nsec = 100000 };
	void *kept[16] = { 0 };

	for (long i = 0;; i++) {
		free(kept[i % 16]);
		kept[i % 16] = malloc((size_t)(i * 37 % 3000 + 1));
		if (work(i, 7) != i * 3 + 7 || !kept[i % 16]) {
			say("wrong\n");
			_exit(9);
		}
		nanosleep(&nap, NULL);
	}
	return arg;
}

static void sleep_in_child(int until_killed)
{
	const struct timespec two = { .tv_sec = 2 };
	int st;
	pid_t pid = vfork();

	if (!pid) {
		if (until_killed)
			pause();
		nanosleep(&two, NULL);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &st, 0) != pid || (st == 0) == until_killed)
		_exit(7);
	say("back\n");
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 2;
	pthread_t t;
	char c = '.';

	for (int i = 0; i < n; i++)
		pthread_create(&t, NULL, other, i < 16 ? NULL : &t);
	say("ready\n");
	while (read(0, &c, 1) == 1) {
		if (c == 'e')
			execlp("cat", "cat", NULL);
		if (c == 'v' || c == 'V')
			sleep_in_child(c == 'V');
		if (c == 'l')
			pthread_exit(NULL);
		if (c == 'x')
			exit(3);
		if (c == '.')
			break;
	}
	say("ok 1\n");
	return 0;
}
