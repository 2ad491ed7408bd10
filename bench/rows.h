/*
 * rows.h - what is measured: rows, their functions, and how each is traced.
 *
 * A row is one manner of tracing, with functions of its own: ROW_f0 .. ROW_f12, the same
 * code in every row.  Each begins with a nop of five bytes, so that every manner has the
 * entry that suits it best.
 *
 * BARE    nobody touches it
 * HAND    a trampoline of hand.S, jumped to from the nop
 * UTRAMP  a program of hit.bpf.c, attached by `utramp run`
 * KERNEL  a program of uprobe.bpf.c, attached by uprobe.c to a kernel uprobe
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

/* The functions: X(row, number of arguments). */
#define EACH_COUNT(X, row) X(row, 0) X(row, 2) X(row, 6) X(row, 8) X(row, 12)

/*
 * X(row, how, which counts it has, title); the order of the table.  Guarded: utramp's
 * recursion guard is in its code; a program that is one instruction needs none.
 */
#define EACH_ROW(X) \
	X(plain, BARE, COUNTS, "not traced") \
	X(hand_empty, HAND, COUNTS, "hand: empty program at entry") \
	X(ut_empty, UTRAMP, COUNTS, "utramp: empty program at entry") \
	X(hand_entry, HAND, COUNTS, "hand: count at entry") \
	X(ut_entry, UTRAMP, COUNTS, "utramp: count at entry") \
	X(hand_exit, HAND, COUNTS, "hand: count at exit") \
	X(ut_exit, UTRAMP, COUNTS, "utramp: count at exit") \
	X(hand_both, HAND, COUNTS, "hand: count at entry and at exit") \
	X(ut_both, UTRAMP, COUNTS, "utramp: count at entry and at exit") \
	X(hand_store, HAND, TWELVE, "hand: store 12 arguments") \
	X(ut_store, UTRAMP, TWELVE, "utramp: store 12 arguments, guarded") \
	X(ut_ninth, UTRAMP, TWELVE, "utramp: store argument 9 of 12") \
	X(ut_two, UTRAMP, COUNTS, "utramp: two counts at entry, guarded") \
	X(ut_percpu, UTRAMP, COUNTS, "utramp: count per CPU at entry, guarded") \
	X(k_entry, KERNEL, COUNTS, "kernel uprobe: count at entry") \
	X(k_exit, KERNEL, COUNTS, "kernel uretprobe: count at exit")

#define PARAMS_0  void
#define PARAMS_2  long a, long b
#define PARAMS_6  PARAMS_2, long c, long d, long e, long f
#define PARAMS_8  PARAMS_6, long g, long h
#define PARAMS_12 PARAMS_8, long i, long j, long k, long l

#define DECLARE(row, n)                      long row##_f##n(PARAMS_##n);
#define DECLARE_ROW(row, how, counts, title) EACH_COUNT(DECLARE, row)
EACH_ROW(DECLARE_ROW)

#endif
