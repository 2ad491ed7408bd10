/*
 * inject_victim.c - calls functions N times and tells which of the calls failed.
 *
 * usage: inject_victim MODE [N]; see the modes below.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the callers find it: called, and with all its arguments. */
#ifdef __clang__
#define ALONE __attribute__((noinline, optnone))
#else
#define ALONE __attribute__((noipa))
#endif
#include <sys/wait.h>
#include <unistd.h>

static int noted;

ALONE int answer(int n)
{
	return n + 42;
}

ALONE int other(int n)
{
	return n;
}

ALONE double half(double x)
{
	return x / 2;
}

ALONE void note(int n)
{
	noted += n;
}

ALONE void *grab(size_t n)
{
	static char room[16];

	return room + n % 16;
}

ALONE __int128 wide(int n)
{
	return n;
}

/* A result of each class, of whatever travels where: see psABI 3.2.3. */
struct mixed {
	long n;
	double d;
};

struct large {
	int n;
	double d;
	char text[8];
	struct {
		short x, y;
	} at[2];
	unsigned low : 3, high : 5;
};

struct packed {
	char c;
	long n;
} __attribute__((packed));

enum side { LEFT = 1, RIGHT = 2 };
typedef double vec2 __attribute__((vector_size(16)));

ALONE long double x87(int n)
{
	return n;
}

ALONE _Complex long double x87_pair(int n)
{
	return n;
}

ALONE float _Complex two_floats(int n)
{
	return (float)n;
}

ALONE struct mixed mixed(int n)
{
	return (struct mixed){ n, n };
}

ALONE struct large large(int n)
{
	return (struct large){ .n = n };
}

ALONE struct packed packed(int n)
{
	return (struct packed){ 0, n };
}

ALONE enum side side(int n)
{
	return n ? LEFT : RIGHT;
}

ALONE vec2 vector(int n)
{
	return (vec2){ n, n };
}

/* inject_wide.c: vectors of 32 and 64 bytes, on a processor with AVX-512 */
void show_wide(void);

static void show_classes(void)
{
	long double x = x87(1) + x87(2); /* one is kept on the x87 stack meanwhile, or spilled */
	_Complex long double p = x87_pair(1);
	float _Complex f = two_floats(1);
	struct mixed m = mixed(1);
	struct large l = large(1);
	struct packed k = packed(1);
	vec2 v = vector(1);

	printf("x87 %Lg\nx87_pair %Lg %Lg\ntwo_floats %g %g\n", x, __real__ p, __imag__ p,
	       (double)__real__ f, (double)__imag__ f);
	printf("mixed %ld %g\npacked %d %ld\nside %d\nvector %g %g\n", m.n, m.d, k.c, k.n, side(1),
	       v[0], v[1]);
	printf("large %d %g %s %d %d %d %d %u %u\n", l.n, l.d, l.text, l.at[0].x, l.at[0].y,
	       l.at[1].x, l.at[1].y, l.low, l.high);
	printf("wide %llx %llx\n", (unsigned long long)(wide(1) >> 64),
	       (unsigned long long)wide(1));
	if (__builtin_cpu_supports("avx512f"))
		show_wide();
}

static int early;

/* glibc hands constructors what it hands to main(). */
__attribute__((constructor)) static void begin(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "early"))
		early = answer(-1) != 41;
}

static void check_answer(int i)
{
	int r, e;

	errno = 0;
	r = answer(i);
	e = errno;
	if (r != i + 42)
		printf("answer %d %d %s\n", i, r, strerror(e));
}

static void check_grab(int i)
{
	void *p;

	errno = 0;
	p = grab((size_t)i);
	if (!p)
		printf("grab %d %p %s\n", i, p, strerror(errno));
}

static void check_half(int i)
{
	double r = half(i);

	if (r != i / 2.0)
		printf("half %d %g\n", i, r);
}

static void check_note(int i)
{
	note(i + 1);
}

/* Called by libc's qsort() only, never by us. */
ALONE int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void check_sort(int i)
{
	int two[] = { i + 1, i };

	qsort(two, 2, sizeof(two[0]), compare);
	if (two[0] != i)
		printf("sort %d\n", i);
}

static int calls = 1, failed;

static void *thread(void *arg)
{
	int mine = 0;

	(void)arg;
	for (int i = 0; i < calls; i++)
		mine += answer(i) != i + 42;
	__atomic_fetch_add(&failed, mine, __ATOMIC_RELAXED);
	return NULL;
}

static void four_threads(void)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++) {
		if (pthread_create(&t[i], NULL, thread, NULL))
			exit(1);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	printf("failed %d\n", failed);
}

/* One after the other, each with a tid of its own. */
static void *one_of_many(void *arg)
{
	int n = (int)(long)arg;

	for (int i = 20 * n; i < 20 * n + 20; i++)
		check_answer(i);
	return NULL;
}

static void serial_threads(void)
{
	for (long n = 0; n < calls; n++) {
		pthread_t t;

		if (pthread_create(&t, NULL, one_of_many, (void *)n))
			exit(1);
		pthread_join(t, NULL);
	}
}

/* A child's choices are its own. */
static void with_child(void)
{
	for (int i = 0; i < calls; i++)
		check_answer(i);
	fflush(stdout);
	if (!fork()) {
		for (int i = 0; i < calls; i++)
			check_answer(calls + i);
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static const struct mode {
	const char *name;
	void (*check)(int i);
} modes[] = {
	{ "plain", check_answer }, { "early", check_answer }, { "grab", check_grab },
	{ "half", check_half },    { "note", check_note },    { "sort", check_sort },
};

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "plain";

	calls = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
	if (!strcmp(name, "threads")) {
		four_threads();
		return 0;
	}
	for (int i = 0; i < calls && !strcmp(name, "classes"); i++)
		show_classes();
	if (!strcmp(name, "serial"))
		serial_threads();
	if (!strcmp(name, "child"))
		with_child();
	if (!strcmp(name, "early") && early)
		printf("answer -1 failed early\n");
	for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
		for (int i = 0; i < calls && !strcmp(name, modes[m].name); i++)
			modes[m].check(i);
	}
	if (!strcmp(name, "note"))
		printf("noted %d\n", noted);
	return 0;
}
