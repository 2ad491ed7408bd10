/*
 * profiled.c - a program whose stack is walked from a signal handler, by glibc's backtrace(), all
 * the time: each pc that it gives must be accounted for.
 *
 * profiled sample N   N backtraces, on main's thread and three others at once: SIGPROF comes to
 *                     each 2 to 32 us after its last one was answered
 * profiled step N     N rounds of single steps, on a new thread each: at each instruction
 *
 * The functions traced are named p_*, and called with rbp holding anything.  A backtrace must
 * be: handler, signal frame, where it was interrupted, then callers that are exactly those of
 * the running scenario, from the innermost that has begun (level) out to the end of the stack,
 * and between them nothing but addresses in our own code, or in the vDSO, called from there.  In the caller's frame, drive's, the
 * callee-saved registers must be what drive put there.
 *
 * Built with FRAMES and frame pointers, drive is plain C, and the walk is one by frame pointers,
 * as profilers do it that cannot read unwind tables (and bpf_get_stack).
 *
 * Status 7: all was right, and the same line on stdout whether traced or not.  stderr has what was
 * interrupted how often, for the test to see that the handler came in our code, and the rates.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#define RIGHT 7
#ifdef __clang__
#define APART __attribute__((noinline, visibility("default")))
#else
#define APART __attribute__((noinline, noclone, visibility("default")))
#endif
#ifdef FRAMES
#define HIDDEN 1 /* functions without a frame hide their callers */
#else
#define HIDDEN 0
#endif
#define KEEP __asm__ volatile("" ::: "memory")

#ifndef FRAMES
long drive(long (*fn)(long), long arg, long rbp, long *kept);
#else
APART long drive(long (*fn)(long), long arg, long rbp, long *kept)
{
	long r = fn(arg);

	(void)rbp;
	*kept = 1;
	return r;
}
#endif
long p_raw(long n);

/* How many of the scenario's functions have begun and not ended. */
__thread volatile int level;

/* -- what is traced ------------------------------------------------------------------------ */

APART long p_leaf(long a)
{
	KEEP;
	return a * 3 + 1;
}

APART long p_many(long a, double b, long c, int d, long e, short f, long g, long h, float i, char j)
{
	long r;

	level++;
	r = p_leaf(a + (long)b + c + d + e + f + g + h + (long)i + j) + 1;
	level--;
	return r;
}

APART long p_few(long a)
{
	long r;

	level++;
	r = p_leaf(a) + p_leaf(a + 1);
	level--;
	return r;
}

APART long p_any(const char *kinds, ...)
{
	va_list ap;
	long r = 0;

	level++;
	va_start(ap, kinds);
	for (; *kinds; kinds++)
		r += *kinds == 'd' ? (long)va_arg(ap, double) : va_arg(ap, long);
	va_end(ap);
	r += p_leaf(r);
	level--;
	return r;
}

struct big {
	long v[6];
};

APART struct big p_big(struct big b, long double x)
{
	level++;
	b.v[0] = p_leaf(b.v[5]) + (long)x;
	level--;
	return b;
}

APART long p_deep(long n)
{
	long r;

	level++;
	r = n ? p_deep(n - 1) + 1 : p_leaf(7);
	KEEP;
	level--;
	return r;
}

/* Ends in a jump. */
APART long p_tail(long a)
{
	KEEP;
	return p_leaf(a + 2);
}

/* A program may say that it is not called. */
APART long p_skip(long a)
{
	long r;

	level++;
	r = p_leaf(a) + 5;
	level--;
	return r;
}

/* -- scenarios ------------------------------------------------------------------------------ */

#define SCENARIO(name, call) \
	APART long name(long a) \
	{ \
		long r; \
\
		level++; \
		r = call; \
		level--; \
		return r + 1; \
	}

SCENARIO(s_few, p_few(a))
SCENARIO(s_many, p_many(a, 2.5, 3, 4, 5, 6, 7, 8, 9.5f, 'x'))
SCENARIO(s_any, p_any("lldlllll", a, 2L, 3.5, 4L, 5L, 6L, 7L, 8L))
SCENARIO(s_big, p_big((struct big){ { 1, 2, 3, 4, 5, a } }, 2.5L).v[0])
SCENARIO(s_deep, p_deep(5 + (a & 0)))
SCENARIO(s_tail, p_tail(a) + p_tail(a))
SCENARIO(s_raw, p_raw(a & 7))
SCENARIO(s_skip, (p_skip(a) & 0) + 1)

enum { PATH = 10, FUNCS = 24, OTHERS = 3 };

struct known {
	const char *name;
	uint64_t lo, hi;
};

static const struct scenario {
	long (*run)(long);
	const char *path[PATH]; /* outermost first; '?': need not be there */
} scenarios[] = {
	{ s_few, { "work", "drive", "s_few", "p_few", "p_leaf" } },
	{ s_many, { "work", "drive", "s_many", "p_many", "p_leaf" } },
	{ s_any, { "work", "drive", "s_any", "p_any", "p_leaf" } },
	{ s_big, { "work", "drive", "s_big", "p_big", "p_leaf" } },
	{ s_deep,
	  { "work", "drive", "s_deep", "p_deep", "p_deep", "p_deep", "p_deep", "p_deep", "p_deep",
	    "p_leaf" } },
	{ s_tail, { "work", "drive", "s_tail", "?p_tail", "p_leaf" } },
	{ s_raw, { "work", "drive", "s_raw", "p_raw", "p_leaf" } },
	{ s_skip, { "work", "drive", "s_skip", "p_skip", "p_leaf" } },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

static const long rbps[] = {
	0, 1, -1, 0x10, (long)0xffff800000000000, 0x7fffffffffff, (long)0xdeadbeefdeadbeef, 4096
};

/* -- whose is a pc? ------------------------------------------------------------------------- */

static struct known known[FUNCS], room, rt, vdso; /* vdso: clocks, which rt calls there */
static unsigned nknown;

static void know(const char *name, void *at)
{
	Dl_info info;
	void *sym = NULL;

	if (!dladdr1(at, &info, &sym, RTLD_DL_SYMENT) || !sym || strcmp(info.dli_sname, name) ||
	    nknown == FUNCS) {
		fprintf(stderr, "no symbol %s\n", name);
		exit(2);
	}
	known[nknown++] =
		(struct known){ name, (uint64_t)at, (uint64_t)at + ((ElfW(Sym) *)sym)->st_size };
}

static bool in(const struct known *k, uint64_t pc)
{
	return pc >= k->lo && pc < k->hi;
}

static const char *name_of(uint64_t pc)
{
	for (unsigned i = 0; i < nknown; i++) {
		if (in(&known[i], pc))
			return known[i].name;
	}
	return NULL;
}

/* Of the slab beside the executable two mappings: rt's code, then the room. */
static void find_slab(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long lo, hi;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, " r-x") || sscanf(line, "%lx-%lx", &lo, &hi) != 2)
			continue;
		if (strstr(line, "[vdso]"))
			vdso = (struct known){ "vdso", lo, hi };
		if (!strstr(line, "/slab-exe.so"))
			continue;
		if (hi - lo > 1 << 20)
			room = (struct known){ "room", room.lo ? room.lo : lo, hi };
		else
			rt = (struct known){ "rt", rt.lo ? rt.lo : lo, hi };
	}
	if (f)
		fclose(f);
}

/* -- the handler ---------------------------------------------------------------------------- */

static __thread const struct scenario *now;
static __thread volatile long rbp_now;
static __thread void *tail[16]; /* who called work */
static __thread int ntail;
static __thread long seen; /* by this thread */
static long all_seen, bad, in_room, in_rt, in_func;
static bool stepping;

static void complain(const char *why, void *const *pc, int n)
{
	if (__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED) > 2)
		return;
	fprintf(stderr, "# %s, in %s, level %d, rbp %lx:", why, now->path[2], level, rbp_now);
	for (int i = 0; i < n; i++) {
		uint64_t at = (uint64_t)pc[i];
		const char *name = name_of(at - (i != 2));

		if (name)
			fprintf(stderr, " %s", name);
		else
			fprintf(stderr, " %s%lx",
				in(&room, at) ? "room+" :
				in(&rt, at)   ? "rt+" :
						"",
				at - (in(&room, at) ? room.lo :
				      in(&rt, at)   ? rt.lo :
						      0));
	}
	fprintf(stderr, "\n");
}

/* Go on in the path to name, past what need not be there and `may` others: their number, or -1. */
static int path_find(const char *const *path, int *at, const char *name, int may)
{
	for (; *at < PATH && path[*at]; ++*at) {
		bool optional = path[*at][0] == '?';

		if (!strcmp(path[*at] + optional, name))
			return !optional;
		if (!optional && may-- == 0)
			break;
	}
	return -1;
}

/* The callers, from the outermost, are the path's; *depth of them, "?" not counted. */
static const char *check_path(void *const *pc, int n, int *depth)
{
	int at = 0;

	*depth = 0;
	for (int i = n - ntail - 1; i >= 2; i--) {
		uint64_t here = (uint64_t)pc[i] - (i != 2);
		const char *name = name_of(here);
		int found;

		if (!name && (in(&room, here) || in(&rt, here) || in(&vdso, here)))
			continue;
		if (!name)
			return "an address of nobody";
		found = path_find(now->path, &at, name, i == 2 ? HIDDEN : 0);
		if (found < 0)
			return "not the caller";
		*depth += found;
		at++;
	}
	return NULL;
}

#ifndef FRAMES
static _Unwind_Reason_Code look(struct _Unwind_Context *ctx, void *arg)
{
	static const int reg[5] = { 3, 12, 13, 14, 15 }; /* DWARF numbers */
	static const uint64_t want[5] = { 0x1b, 0x112, 0x113, 0x114, 0x115 };
	const char *name = name_of(_Unwind_GetIP(ctx) - 1);

	if (!name || strcmp(name, "drive") != 0)
		return _URC_NO_REASON;
	for (int i = 0; i < 5; i++)
		*(bool *)arg &= _Unwind_GetGR(ctx, reg[i]) == want[i];
	*(bool *)arg &= _Unwind_GetGR(ctx, 6) == (uint64_t)rbp_now;
	return _URC_NORMAL_STOP;
}

#endif

static void add(long *counter, long n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/* How interrupted code is counted, and what was wrong there. */
static void note(uint64_t interrupted, const char *why, void *const *pc, int n)
{
	if (why)
		complain(why, pc, n);
	add(&in_room, in(&room, interrupted));
	add(&in_rt, in(&rt, interrupted));
	add(&in_func, name_of(interrupted) != NULL);
	add(&all_seen, 1);
	seen++;
}

#ifndef FRAMES
__attribute__((always_inline)) static inline void trace_back(const greg_t *reg)
{
	uint64_t interrupted = (uint64_t)reg[REG_RIP];
	int depth = 0, n;
	void *pc[64];
	const char *why;
	bool good = true;

	n = backtrace(pc, 64);
	if (n < ntail + 3 || memcmp(pc + n - ntail, tail, sizeof(*tail) * (size_t)ntail) != 0)
		why = "not up to the end";
	else if ((uint64_t)pc[2] != interrupted)
		why = "not what was interrupted";
	else
		why = check_path(pc, n, &depth);
	if (!why && level && depth < level + 2)
		why = "a caller is missing";
	if (!why && level && (stepping || seen % 4 == 0)) {
		_Unwind_Backtrace(look, &good);
		why = good ? NULL : "registers of drive";
	}
	note(interrupted, why, pc, n);
}
#else
/*
 * By frame pointers up to work.  What has no frame of its own, or not yet, hides its caller,
 * whose return address no frame pointer tells: one may be missing.
 */
static void trace_back(const greg_t *reg)
{
	const uint64_t *fp = (const uint64_t *)reg[REG_RBP], *end;
	void *pc[64] = { NULL, NULL, (void *)reg[REG_RIP] };
	const char *why;
	int n = 3, depth = 0;

	end = (const uint64_t *)reg[REG_RSP] + 8192;
	if (in(&vdso, (uint64_t)pc[2]) || (now->path[3] && !strcmp(now->path[3], "p_raw")))
		return; /* not built like that */
	while (n < 64 && (uint64_t)fp >= (uint64_t)reg[REG_RSP] && fp < end &&
	       (uint64_t)fp % 8 == 0 && fp[1] != (uint64_t)tail[0]) {
		pc[n++] = (void *)fp[1];
		fp = (const uint64_t *)fp[0];
	}
	ntail = 0;
	why = check_path(pc, n, &depth);
	if (!why && depth < (level ? level + 1 : 1))
		why = "a caller is missing";
	note((uint64_t)pc[2], why, pc, n);
}
#endif

/* -- when ------------------------------------------------------------------------------------ */

static __thread timer_t timer;
static __thread uint64_t random_state = 88172645463325252; /* Marsaglia, xorshift RNGs, 2003 */

/* Each time anew, so that the moments are no multiple of anything. */
static void next_signal(void)
{
	struct itimerspec its = { .it_value.tv_nsec = 0 };

	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	its.it_value.tv_nsec = 2000 + (long)(random_state % 30000);
	timer_settime(timer, 0, &its, NULL);
}

static void start_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGPROF };

	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer))
		exit(2);
	next_signal();
}

static void on_sample(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)si;
	if (now)
		trace_back(((ucontext_t *)context)->uc_mcontext.gregs);
	if (seen % 8 == 0 &&
	    p_leaf(seen) != seen * 3 + 1) /* programs at any instruction of programs */
		add(&bad, 1);
	next_signal();
}

static void on_step(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)si;
	if (!now)
		return;
	trace_back(((ucontext_t *)context)->uc_mcontext.gregs);
}

/* The trap flag is the interrupted code's. */
static void toggle(int sig, siginfo_t *si, void *context)
{
	(void)sig;
	(void)si;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] ^= 0x100;
}

/* -- running -------------------------------------------------------------------------------- */

/* What scenario i gives; in line: nobody is between work and drive. */
__attribute__((always_inline)) static inline long expected(unsigned i, long a)
{
	const long any = a + 35;
	const long want[SCENARIOS] = { 6 * a + 6,
				       3 * (a + 35 + 9 + 'x') + 3,
				       4 * any + 2,
				       3 * a + 4,
				       28,
				       6 * a + 15,
				       3 * (a & 7) + 3,
				       2 };

	return want[i];
}

__attribute__((always_inline)) static inline void round_of(long i)
{
	unsigned which = (unsigned)(i % (long)SCENARIOS);
	long kept = 0, r;

	rbp_now = rbps[i / (long)SCENARIOS % (long)(sizeof(rbps) / sizeof(rbps[0]))];
	KEEP;
	now = &scenarios[which];
	KEEP;
	r = drive(scenarios[which].run, i, rbp_now, &kept);
	KEEP;
	now = NULL;
	KEEP;
	if (!kept || r != expected(which, i))
		add(&bad, 1);
}

/* Until so many backtraces were made; or in step mode, each scenario once. */
APART void work(long until)
{
	void *pc[16];

	ntail = backtrace(pc, 16) - 1;
	memcpy(tail, pc + 1, sizeof(tail) - sizeof(tail[0]));
	if (until) {
		start_timer();
		for (long i = 0; __atomic_load_n(&all_seen, __ATOMIC_RELAXED) < until; i++)
			round_of(i);
		timer_delete(timer);
		return;
	}
	raise(SIGUSR1);
	for (unsigned i = 0; i < SCENARIOS; i++)
		round_of(i + (long)SCENARIOS * (seen % 8));
	raise(SIGUSR1);
}

static void *thread_main(void *arg)
{
	work((long)(intptr_t)arg);
	KEEP;
	return NULL;
}

static void on(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigaction(sig, &sa, NULL);
}

static void sample(long n)
{
	pthread_t t[OTHERS];

	on(SIGPROF, on_sample);
	for (int i = 0; i < OTHERS; i++)
		pthread_create(&t[i], NULL, thread_main, (void *)(intptr_t)n);
	work(n);
	for (int i = 0; i < OTHERS; i++)
		pthread_join(t[i], NULL);
}

static void step(long rounds)
{
	pthread_t t;

	stepping = true;
	on(SIGTRAP, on_step);
	on(SIGUSR1, toggle);
	for (long i = 0; i < rounds; i++) {
		pthread_create(&t, NULL, thread_main, NULL);
		pthread_join(t, NULL);
	}
}

static double seconds(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long n = argc == 3 ? atol(argv[2]) : 0;
	double began;
	void *pc[4];

	if (n <= 0 || (strcmp(argv[1], "sample") != 0 && strcmp(argv[1], "step") != 0))
		return 2;
	backtrace(pc, 4); /* loads the unwinder */
#define KNOW(f) know(#f, (void *)(f))
	KNOW(drive), KNOW(p_raw), KNOW(p_leaf), KNOW(p_many), KNOW(p_few), KNOW(p_any);
	KNOW(p_big), KNOW(p_deep), KNOW(p_tail), KNOW(p_skip), KNOW(s_few), KNOW(s_many);
	KNOW(s_any), KNOW(s_big), KNOW(s_deep), KNOW(s_tail), KNOW(s_raw), KNOW(s_skip), KNOW(work);
	find_slab();
	began = seconds(CLOCK_MONOTONIC);
	if (strcmp(argv[1], "sample") == 0)
		sample(n);
	else
		step(n);
	fprintf(stderr,
		"interrupted: %ld in functions, %ld in the room, %ld in rt, of %ld; "
		"in %.3f s, of CPUs %.3f s\n",
		in_func, in_room, in_rt, all_seen, seconds(CLOCK_MONOTONIC) - began,
		seconds(CLOCK_PROCESS_CPUTIME_ID));
	printf("%s: %ld bad\n", argv[1], bad);
	return bad ? 1 : RIGHT;
}
