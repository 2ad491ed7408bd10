/*
 * names.c - functions of libc that look at their caller or come back twice: a hook that calls
 * them is a caller of its own, and gone when they come back.
 */
#include "cases.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* The next abs behind this program, which has one of its own. */
int abs(int n)
{
	return n + 1000;
}

static long found(void *(*look)(void *, const char *))
{
	int (*volatile fn)(int) = (int (*)(int))look(RTLD_NEXT, "abs");

	return fn ? fn(-5 * (int)seed) : -1;
}

static long call_dlsym(void)
{
	return found(dlsym);
}

/* sub $8, %rsp; call *dlsym; add $8, %rsp; ret: what a hook's call is to dlsym */
static long call_stub(void)
{
	static const uint8_t code[] = { 0x48, 0x83, 0xec, 0x08, 0xff, 0xd0,
					0x48, 0x83, 0xc4, 8,    0xc3 };
	uint8_t *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *at = (void *)dlsym;

	p[0] = 0x48; /* mov $dlsym, %rax */
	p[1] = 0xb8;
	memcpy(p + 2, &at, 8);
	memcpy(p + 10, code, sizeof(code));
	return found((void *(*)(void *, const char *))p);
}

static jmp_buf back;

static NOINLINE long call__setjmp(void)
{
	volatile long n = 0;
	int r = _setjmp(back);

	n += r + 1;
	if (r < 3)
		longjmp(back, r + 1);
	return n * 10 + seed;
}

static NOINLINE long call_getcontext(void)
{
	volatile long n = 0;
	ucontext_t u;

	getcontext(&u);
	if (n++ < 3)
		setcontext(&u);
	return n * 10 + seed;
}

static NOINLINE long call_vfork(void)
{
	int st = 0;
	pid_t pid = vfork();

	if (!pid)
		_exit(5 + (int)seed);
	waitpid(pid, &st, 0);
	return WEXITSTATUS(st);
}

MAIN(CASE(dlsym), CASE(stub), CASE(_setjmp), CASE(getcontext), CASE(vfork))
