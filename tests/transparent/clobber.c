/*
 * clobber.c - the control: what a hook that keeps only what the ABI promises does to a program.
 *
 * clobber WHAT ADDRESS[+N]... -- CMD [ARG...]     addresses as in the file's symbol table
 *
 * Runs CMD, stops it by breakpoints where a function begins and where it returns to, and there
 * destroys what WHAT names and psABI 3.2 allows a callee, or a careless hook, to change.  A victim
 * whose output is the same under it does not depend on what it is meant to depend on.
 * Ends as CMD does; 128 + N when signal N killed it; 99 for errors of its own.
 *
 * One thread, calls that return.  Knows nothing of utramp.
 */
#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX     64
#define COPIED  2048
#define GARBAGE 0x5aa5

struct stop {
	uint64_t at;
	uint8_t byte;
	bool entry;
};

struct call {
	uint64_t ret, rsp, real; /* rsp behind the return, and what it is to be then */
};

struct what {
	const char *name;
	void (*entry)(struct user_regs_struct *r);
	void (*leave)(struct user_regs_struct *r);
};

static pid_t pid;
static struct stop stops[MAX];
static struct call calls[MAX];
static unsigned nstops, ncalls;
static uint64_t bias, number;
static uint8_t x[16384];
static size_t x_size;
static unsigned long hits;

static void die(const char *what)
{
	fprintf(stderr, "clobber: %s: %s\n", what, strerror(errno));
	if (pid)
		kill(pid, SIGKILL);
	exit(99);
}

static void check(long r, const char *what)
{
	if (r < 0)
		die(what);
}

static bool peek(uint64_t at, void *to, size_t n)
{
	struct iovec here = { to, n }, there = { (void *)at, n };

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)n;
}

static bool poke(uint64_t at, const void *from, size_t n)
{
	struct iovec here = { (void *)(uintptr_t)from, n }, there = { (void *)at, n };

	return process_vm_writev(pid, &here, 1, &there, 1, 0) == (ssize_t)n;
}

/* Text is not writable: the tracer's own way. */
static uint8_t set_byte(uint64_t at, uint8_t byte)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	if (errno)
		die("PEEKTEXT");
	check(ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffl) | byte), "POKETEXT");
	return (uint8_t)word;
}

/* -- what is destroyed ------------------------------------------------------------- */

static void flip(unsigned long long *reg)
{
	*reg ^= GARBAGE;
}

static void crash(void)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	exit(128 + SIGKILL);
}

static void scratch_entry(struct user_regs_struct *r)
{
	flip(&r->r11);
}

static void chain_entry(struct user_regs_struct *r)
{
	flip(&r->r10);
}

/* No vector registers, says al: a variadic function stores none. */
static void al_entry(struct user_regs_struct *r)
{
	r->rax = 0;
}

/* As a hook that keeps the one argument its prototype has. */
static void gpr_entry(struct user_regs_struct *r)
{
	flip(&r->rsi);
	flip(&r->rdx);
	flip(&r->rcx);
	flip(&r->r8);
	flip(&r->r9);
	flip(&r->r10);
	flip(&r->r11);
}

static void gpr_leave(struct user_regs_struct *r)
{
	flip(&r->rsi);
	flip(&r->rdi);
	flip(&r->rcx);
	flip(&r->r8);
	flip(&r->r9);
	flip(&r->r10);
	flip(&r->r11);
}

static void rdx_leave(struct user_regs_struct *r)
{
	flip(&r->rdx);
}

static void flags_leave(struct user_regs_struct *r)
{
	r->eflags ^= 0x8d5; /* CF PF AF ZF SF OF */
}

static void flags_entry(struct user_regs_struct *r)
{
	flags_leave(r);
}

static void df_leave(struct user_regs_struct *r)
{
	r->eflags |= 0x400;
}

/* A call of a function that stores xmm0 with movaps. */
static void align_entry(struct user_regs_struct *r)
{
	if (r->rsp % 16 != 8)
		crash();
}

static void below_entry(struct user_regs_struct *r)
{
	uint8_t junk[128];

	memset(junk, 0xa5, sizeof(junk));
	if (!poke(r->rsp - sizeof(junk), junk, sizeof(junk)))
		crash();
}

/* A frame of +N bytes. */
static void deep_entry(struct user_regs_struct *r)
{
	uint8_t zero = 0;

	for (uint64_t n = 8; n <= number; n += 8) {
		if (!poke(r->rsp - n, &zero, 1))
			crash();
	}
}

/* A copy of +N bytes of the stack, whatever the function takes. */
static void over_entry(struct user_regs_struct *r)
{
	uint8_t byte;

	for (uint64_t n = 8; n < 8 + number; n++) {
		if (!peek(r->rsp + n, &byte, 1))
			crash();
	}
}

static void errno_leave(struct user_regs_struct *r)
{
	uint64_t at;
	int value = ENOTTY;

	(void)r;
	if (!peek(bias + number, &at, 8) || !poke(at, &value, sizeof(value)))
		die("errno");
}

/* Stack arguments copied to where 16 bytes are aligned, and no more. */
static void copy_entry(struct user_regs_struct *r)
{
	static uint8_t bytes[COPIED];
	uint64_t to = r->rsp - 2 * COPIED - 16;

	if (!peek(r->rsp, bytes, COPIED) || !poke(to, bytes, COPIED))
		die("copy");
	calls[ncalls - 1].real = r->rsp + 8;
	calls[ncalls - 1].rsp = to + 8;
	r->rsp = to;
}

static void get_x(void)
{
	struct iovec iov = { x, sizeof(x) };

	check(ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &iov), "GETREGSET");
	x_size = iov.iov_len;
}

/* Component: its number in XSTATE_BV (SDM volume 1, 13.4). */
static void set_x(unsigned component)
{
	struct iovec iov = { x, x_size };

	x[512 + component / 8] |= (uint8_t)(1 << component % 8);
	check(ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, &iov), "SETREGSET");
}

static void spoil(unsigned component)
{
	unsigned size, at, c, d;

	__cpuid_count(13, component, size, at, c, d);
	get_x();
	if (at + size > x_size)
		die("no such registers");
	for (unsigned i = 0; i < size; i++)
		x[at + i] ^= i % 8 < 6 ? 0x11 : 0;
	set_x(component);
}

static void xmm_leave(struct user_regs_struct *r)
{
	(void)r;
	get_x();
	for (unsigned i = 160 + 16; i < 416; i++) /* the result stays */
		x[i] ^= i % 8 < 6 ? 0x11 : 0;
	set_x(1);
}

static void ymm_leave(struct user_regs_struct *r)
{
	(void)r;
	spoil(2);
}

static void k_leave(struct user_regs_struct *r)
{
	(void)r;
	spoil(5);
}

static void zmm_leave(struct user_regs_struct *r)
{
	(void)r;
	spoil(6);
}

static void zmm16_leave(struct user_regs_struct *r)
{
	(void)r;
	spoil(7);
}

/* "Inexact", as any division may leave it: a status bit, which callees may set. */
static void mxcsr_leave(struct user_regs_struct *r)
{
	(void)r;
	get_x();
	x[24] |= 0x20;
	set_x(1);
}

/* Two values too many on the x87 stack: fstp of registers that hold nothing. */
static void x87_leave(struct user_regs_struct *r)
{
	uint16_t sw;
	unsigned top;

	(void)r;
	get_x();
	memcpy(&sw, x + 2, 2);
	top = ((sw >> 11 & 7) + 6) & 7;
	sw = (uint16_t)((sw & ~0x3800) | top << 11);
	memcpy(x + 2, &sw, 2);
	x[4] |= (uint8_t)(3 << top);
	memmove(x + 32 + 32, x + 32, 6 * 16);
	memset(x + 32, 0, 32);
	set_x(0);
}

/* emms: what uses MMX ends with it. */
static void emms_entry(struct user_regs_struct *r)
{
	(void)r;
	get_x();
	x[4] = 0;
	set_x(0);
}

static void rax_entry(struct user_regs_struct *r)
{
	flip(&r->rax);
}

static void nothing(struct user_regs_struct *r)
{
	(void)r;
}

static const struct what list[] = {
	{ "nothing", nothing, nothing },
	{ "gpr", nothing, gpr_leave },
	{ "gpr-entry", gpr_entry, nothing },
	{ "rdx", nothing, rdx_leave },
	{ "scratch", scratch_entry, nothing },
	{ "chain", chain_entry, nothing },
	{ "al", al_entry, nothing },
	{ "rax", rax_entry, nothing },
	{ "flags", nothing, flags_leave },
	{ "df", nothing, df_leave },
	{ "flags-entry", flags_entry, nothing },
	{ "align", align_entry, nothing },
	{ "below", below_entry, nothing },
	{ "deep", deep_entry, nothing },
	{ "over", over_entry, nothing },
	{ "errno", nothing, errno_leave },
	{ "copy", copy_entry, nothing },
	{ "xmm", nothing, xmm_leave },
	{ "ymm", nothing, ymm_leave },
	{ "zmm", nothing, zmm_leave },
	{ "zmm16", nothing, zmm16_leave },
	{ "k", nothing, k_leave },
	{ "mxcsr", nothing, mxcsr_leave },
	{ "x87", nothing, x87_leave },
	{ "emms", emms_entry, nothing },
};

/* -- breakpoints ------------------------------------------------------------------- */

static struct stop *stop_at(uint64_t at)
{
	for (unsigned i = 0; i < nstops; i++) {
		if (stops[i].at == at)
			return &stops[i];
	}
	return NULL;
}

static void add_stop(uint64_t at, bool entry)
{
	if (stop_at(at))
		return;
	if (nstops == MAX)
		die("too many places");
	stops[nstops++] = (struct stop){ at, set_byte(at, 0xcc), entry };
}

static void at_entry(const struct what *w, struct user_regs_struct *r)
{
	uint64_t ret = 0;

	if (ncalls == MAX || !peek(r->rsp, &ret, 8))
		die("call");
	calls[ncalls++] = (struct call){ ret, r->rsp + 8, r->rsp + 8 };
	if (w->leave != nothing || w->entry == copy_entry)
		add_stop(ret, false);
	hits++;
	w->entry(r);
}

static void at_return(const struct what *w, struct user_regs_struct *r)
{
	const struct call *c = ncalls ? &calls[ncalls - 1] : NULL;

	if (!c || c->ret != r->rip || c->rsp != r->rsp)
		return;
	r->rsp = c->real;
	ncalls--;
	w->leave(r);
}

static int wait_stop(void)
{
	int st;

	check(waitpid(pid, &st, 0), "waitpid");
	if (WIFEXITED(st))
		exit(hits ? WEXITSTATUS(st) : 99);
	if (WIFSIGNALED(st))
		exit(128 + WTERMSIG(st));
	return WSTOPSIG(st);
}

static void hit(const struct what *w, struct stop *s, struct user_regs_struct *r)
{
	struct stop was;

	r->rip--;
	if (s->entry)
		at_entry(w, r);
	else
		at_return(w, r);
	was = *stop_at(r->rip);
	check(ptrace(PTRACE_SETREGS, pid, 0, r), "SETREGS");
	set_byte(was.at, was.byte);
	check(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), "SINGLESTEP");
	wait_stop();
	set_byte(was.at, 0xcc);
}

/* Where the program lies: its entry is in the auxiliary vector and in its file. */
static uint64_t load_bias(void)
{
	Elf64_auxv_t v;
	Elf64_Ehdr eh;
	char path[32];
	int fd, exe;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	exe = open(path, O_RDONLY);
	if (fd < 0 || exe < 0 || read(exe, &eh, sizeof(eh)) != sizeof(eh))
		die("auxv");
	while (read(fd, &v, sizeof(v)) == sizeof(v) && v.a_type != AT_NULL) {
		if (v.a_type == AT_ENTRY) {
			close(fd);
			close(exe);
			return v.a_un.a_val - eh.e_entry;
		}
	}
	die("AT_ENTRY");
	return 0;
}

static void run(const struct what *w)
{
	for (int sig = 0;;) {
		struct user_regs_struct r;
		struct stop *s;

		check(ptrace(PTRACE_CONT, pid, 0, sig), "CONT");
		sig = wait_stop();
		if (sig != SIGTRAP)
			continue;
		check(ptrace(PTRACE_GETREGS, pid, 0, &r), "GETREGS");
		s = stop_at(r.rip - 1);
		if (s) {
			hit(w, s, &r);
			sig = 0;
		}
	}
}

int main(int argc, char **argv)
{
	const struct what *w = NULL;
	int cmd = 2;

	while (cmd < argc && strcmp(argv[cmd], "--") != 0)
		cmd++;
	for (size_t i = 0; argc > 1 && i < sizeof(list) / sizeof(list[0]); i++) {
		if (!strcmp(argv[1], list[i].name))
			w = &list[i];
	}
	if (!w || cmd + 1 >= argc) {
		fprintf(stderr, "usage: clobber WHAT ADDRESS[+N]... -- CMD [ARG...]\n");
		return 99;
	}
	pid = fork();
	if (!pid) {
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[cmd + 1], argv + cmd + 1);
		_exit(99);
	}
	check(pid, "fork");
	wait_stop();
	check(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL), "SETOPTIONS");
	bias = load_bias();
	for (int i = 2; i < cmd; i++) {
		char *end;
		uint64_t at = strtoull(argv[i], &end, 16);

		add_stop(bias + at, true);
		if (*end == '+')
			number = strtoull(end + 1, NULL, 0);
	}
	run(w);
}
