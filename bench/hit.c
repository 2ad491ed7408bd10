/*
 * hit.c - what a call costs, traced in each manner of rows.h, in one process.
 *
 * For each number of arguments all rows are measured in turn.  Run by bench/run.py, which
 * has utramp and the kernel's uprobes attached and makes tables of what this prints: a line
 * for each function, with tabs: row, how, number of arguments, least, median (ns a call),
 * title.  A row whose functions are not patched although they should be is an error, not a
 * small number.
 *
 * usage: hit CPU BLOCKS MICROSECONDS [ROW...]   or all that are hand, native, utramp, kernel
 */
#include "measure.h"
#include "rows.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum how { BARE, HAND, NATIVE, UTRAMP, KERNEL };

static const char *const how_name[] = { "bare", "hand", "native", "utramp", "kernel" };

typedef long fn_0(PARAMS_0);
typedef long fn_2(PARAMS_2);
typedef long fn_6(PARAMS_6);
typedef long fn_8(PARAMS_8);
typedef long fn_12(PARAMS_12);

static const unsigned count[] = { 0, 2, 6, 8, 12 };

#define NCOUNTS (sizeof(count) / sizeof(count[0]))
#define COUNTS  0x1f /* bits of count[] */
#define TWELVE  0x10
#define PAIR    0x12
#define RING    (TWELVE | DRAINED)
#define DRAINED 0x100 /* what it writes must be read, behind each block */

#define TRAMP(row, n) \
	extern const char row##_tramp_##n[] __attribute__((weak, visibility("hidden")));
#define TRAMP_ROW(row, how, counts, title) EACH_COUNT(TRAMP, row)
EACH_ROW(TRAMP_ROW)

struct row {
	const char *name, *title;
	enum how how;
	unsigned counts;
	void *fn[NCOUNTS];
	const char *tramp[NCOUNTS];
};

#define FN(row, n)     (void *)row##_f##n,
#define TRAMPS(row, n) row##_tramp_##n,
#define ROW(row, how, counts, title) \
	{ #row, title, how, counts, { EACH_COUNT(FN, row) }, { EACH_COUNT(TRAMPS, row) } },

static const struct row rows[] = { EACH_ROW(ROW) };

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static void die(const char *what, const char *which)
{
	fprintf(stderr, "hit: %s: %s\n", which, what);
	exit(1);
}

/* -- the rows that are there -------------------------------------------------------------- */

static void patch(uint8_t *fn, const char *tramp)
{
	uintptr_t page = (uintptr_t)fn & ~4095ul;
	int32_t rel = (int32_t)(tramp - (const char *)fn - 5);

	if (mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		die(strerror(errno), "making text writable");
	fn[0] = 0xe9;
	memcpy(fn + 1, &rel, 4);
	if (mprotect((void *)page, 8192, PROT_READ | PROT_EXEC))
		die(strerror(errno), "making text read-only");
}

/* The first byte of the nop, of a jump, or of whatever a uprobe has there. */
static void check(const struct row *r, unsigned c)
{
	uint8_t first = *(const uint8_t *)r->fn[c];
	bool as_it_should;

	if (r->how == BARE || r->how == NATIVE)
		as_it_should = first == 0x0f;
	else if (r->how == KERNEL)
		as_it_should = first != 0x0f && first != 0xe9;
	else
		as_it_should = first == 0xe9;
	if (!as_it_should)
		die("not patched as it should be", r->name);
}

/* The same results in every row: what is measured works. */
static void *called(const struct row *r, unsigned c)
{
	return r->how == NATIVE ? (void *)(uintptr_t)r->tramp[c] : r->fn[c];
}

static long result(const struct row *r, unsigned c)
{
	void *fn = called(r, c);

	switch (count[c]) {
	case 0:
		return ((fn_0 *)fn)();
	case 2:
		return ((fn_2 *)fn)(1, 2);
	case 6:
		return ((fn_6 *)fn)(1, 2, 3, 4, 5, 6);
	case 8:
		return ((fn_8 *)fn)(1, 2, 3, 4, 5, 6, 7, 8);
	default:
		return ((fn_12 *)fn)(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
	}
}

/* -- one block ------------------------------------------------------------------------------- */

struct turn {
	unsigned c;
	const struct row *row[NROWS];
};

static volatile long sink;

#define LOOP(type, ...) \
	do { \
		type *f = (type *)fn; \
\
		for (long i = 0; i < calls; i++) \
			sum += f(__VA_ARGS__); \
	} while (0)

__attribute__((noinline, aligned(64))) static double timed(void *fn, unsigned args, long calls)
{
	double start = measure_now();
	long sum = 0;

	switch (args) {
	case 0:
		LOOP(fn_0, );
		break;
	case 2:
		LOOP(fn_2, i, 2);
		break;
	case 6:
		LOOP(fn_6, i, 2, 3, 4, 5, 6);
		break;
	case 8:
		LOOP(fn_8, i, 2, 3, 4, 5, 6, 7, 8);
		break;
	default:
		LOOP(fn_12, i, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
		break;
	}
	sink = sum;
	return measure_now() - start;
}

/*
 * A ring holds three times DRAIN_CALLS records, and they are read meanwhile: nothing is lost.  While
 * we wait for the reader others have the processor: some calls, not timed, warm it up.
 */
#define DRAIN_CALLS 8192
#define WARM_CALLS  1024
#define DRAIN_NS    3000000

static double drained(void *fn, unsigned args, long calls)
{
	double ns;

	timed(fn, args, WARM_CALLS);
	ns = timed(fn, args, DRAIN_CALLS);
	nanosleep(&(struct timespec){ .tv_nsec = DRAIN_NS }, NULL);
	return ns * (double)calls / DRAIN_CALLS;
}

static double block(const void *what, unsigned k, long calls)
{
	const struct turn *t = what;
	const struct row *r = t->row[k];
	unsigned args = count[t->c];

	return r->counts & DRAINED ? drained(called(r, t->c), args, calls) :
				     timed(called(r, t->c), args, calls);
}

/* -- main ---------------------------------------------------------------------------------- */

static bool wanted(const struct row *r, char **names, int n)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(names[i], how_name[r->how]) || !strcmp(names[i], r->name))
			return true;
	}
	return r->how == BARE;
}

static void measure(struct turn *t, unsigned n, int blocks, double us)
{
	struct measure_result out[NROWS];
	long first = 0;

	for (unsigned k = 0; k < n; k++) {
		const struct row *r = t->row[k];

		if (r->how == HAND)
			patch(r->fn[t->c], r->tramp[t->c]);
		check(r, t->c);
		if (!k)
			first = result(r, t->c);
		else if (result(r, t->c) != first)
			die("another result than untraced", r->name);
	}
	measure_in_turn(block, t, n, blocks, us, out);
	for (unsigned k = 0; k < n; k++)
		printf("%s\t%s\t%u\t%.4f\t%.4f\t%s\n", t->row[k]->name, how_name[t->row[k]->how],
		       count[t->c], out[k].least, out[k].median, t->row[k]->title);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int blocks = argc > 2 ? atoi(argv[2]) : 0;
	double us = argc > 3 ? atof(argv[3]) : 0;
	cpu_set_t cpu;

	if (blocks < 1 || us <= 0) {
		fprintf(stderr,
			"usage: hit CPU BLOCKS MICROSECONDS [hand] [native] [utramp] [kernel]\n");
		return 2;
	}
	CPU_ZERO(&cpu);
	CPU_SET(atoi(argv[1]), &cpu);
	if (sched_setaffinity(0, sizeof(cpu), &cpu))
		die(strerror(errno), "pinning");
	for (unsigned c = 0; c < NCOUNTS; c++) {
		struct turn t = { .c = c };
		unsigned n = 0;

		for (unsigned r = 0; r < NROWS; r++) {
			if (rows[r].counts & 1u << c && wanted(&rows[r], argv + 4, argc - 4))
				t.row[n++] = &rows[r];
		}
		measure(&t, n, blocks, us);
	}
	return 0;
}
