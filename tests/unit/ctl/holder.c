/*
 * holder.c - a program that keeps words in all kinds of places, for scan_test.c.
 *
 *	holder words    word(k) lies in place k of the list below and nowhere else
 *	holder sharer   a second process, no thread, runs in its memory
 *
 * Prints "ready", ends with status 0 when stdin does.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

/*
 * *at = 0x5a5a00000000 + (k << 12) + off, by way of a register that forgets it: the compiler
 * keeps no copy.
 */
static void put(void *at, uint64_t k)
{
	__asm__ volatile("movq %1, %%rax\n\t"
			 "shlq $12, %%rax\n\t"
			 "movabsq $0x5a5a00000000, %%rcx\n\t"
			 "addq %%rcx, %%rax\n\t"
			 "movq %%rax, (%0)\n\t"
			 "xorl %%eax, %%eax\n\t"
			 "xorl %%ecx, %%ecx"
			 :
			 : "r"(at), "r"(k)
			 : "rax", "rcx", "memory", "cc");
}

enum { HEAP, DATA, STACK, ALTERNATE, SEALED, LOCKED, SHARED, REGISTER, SECOND, ODD, GONE, BEHIND };

static uint64_t data;
static volatile int second_there;
static uint64_t alternate[8192];

static void *map(int prot_flags)
{
	return mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, prot_flags | MAP_ANONYMOUS, -1, 0);
}

/* Parked in read() for good: what a thread blocked in the kernel looks like. */
static void *second(void *arg)
{
	uint64_t held[4];
	char c;

	put(&held[1], SECOND);
	second_there = 1;
	while (read(*(int *)arg, &c, 1) > 0)
		;
	__asm__ volatile("" : : "r"(held) : "memory");
	return NULL;
}

static void handler(int sig)
{
	uint64_t held[2];
	char c;

	put(&held[0], ALTERNATE);
	printf("ready\n");
	fflush(stdout);
	/* read(0, &c, 1) with the word in r12, which is nowhere else */
	for (long r = 1; r > 0;)
		__asm__ volatile("movq %1, %%r12\n\t"
				 "shlq $12, %%r12\n\t"
				 "movabsq $0x5a5a00000000, %%rcx\n\t"
				 "addq %%rcx, %%r12\n\t"
				 "xorl %%eax, %%eax\n\t"
				 "xorl %%edi, %%edi\n\t"
				 "movq %2, %%rsi\n\t"
				 "movl $1, %%edx\n\t"
				 "syscall\n\t"
				 "xorl %%r12d, %%r12d"
				 : "=&a"(r)
				 : "r"((uint64_t)REGISTER), "r"(&c)
				 : "rcx", "r11", "rdi", "rsi", "rdx", "r12", "memory", "cc");
	__asm__ volatile("" : : "r"(held) : "memory");
}

static int words(void)
{
	stack_t alt = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	uint64_t held[4], *at[6];
	int fd[2];
	pthread_t t;

	if (pipe(fd) < 0 || pthread_create(&t, NULL, second, &fd[0]))
		return 1;
	at[0] = malloc(100000);
	for (int i = 1; i < 6; i++)
		at[i] = map(i == 3 ? MAP_SHARED : MAP_PRIVATE);
	put(&at[0][5000], HEAP);
	put(&data, DATA);
	put(&held[1], STACK);
	put(&at[1][3 * 512], SEALED);
	mprotect(at[1], 16 * PAGE, PROT_NONE);
	put(&at[2][1], LOCKED);
	mprotect(at[2], 16 * PAGE, PROT_READ);
	put(&at[3][700], SHARED);
	put((char *)at[4] + 100, ODD); /* no multiple of 8 */
	put(&at[5][9], GONE);
	madvise(at[5], 16 * PAGE, MADV_DONTNEED);
	put(&at[4][20], BEHIND); /* the address behind its place is the next one's first */
	while (!second_there)
		sched_yield();
	sigaltstack(&alt, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	close(fd[1]);
	pthread_join(t, NULL);
	__asm__ volatile("" : : "r"(held) : "memory");
	return 0;
}

static int other(void *arg)
{
	char c;

	while (read(*(int *)arg, &c, 1) > 0)
		;
	_exit(0);
}

static int sharer(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int fd[2];
	pid_t pid;
	char c;

	if (pipe(fd) < 0)
		return 1;
	pid = clone(other, stack + sizeof(stack), CLONE_VM | SIGCHLD, &fd[0]);
	if (pid < 0)
		return 1;
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	kill(pid, SIGKILL); /* its descriptors are its own: the pipe would not end */
	waitpid(pid, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[1], "sharer") ? sharer() : words();
}
