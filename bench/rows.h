/*
 * rows.h - what is measured: rows, their functions, and how each is traced.
 *
 * A row is one manner of tracing, with functions of its own: ROW_f0 .. ROW_f12, the same
 * code in every row.  Each begins with a nop of five bytes, so that every manner has the
 * entry that suits it best.
 *
 * BARE    nobody touches it
 * HAND    a trampoline of hand.S, jumped to from the nop
 * NATIVE  a C function of interpose.c is called in its place, which calls it
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
	X(c_empty, NATIVE, COUNTS, "C interposer: nothing") \
	X(c_entry, NATIVE, COUNTS, "C interposer: count at entry") \
	X(c_both, NATIVE, COUNTS, "C interposer: count at entry and at exit") \
	X(c_store, NATIVE, TWELVE, "C interposer: 12 arguments and result in memory") \
	X(ut_ring, UTRAMP, RING, "utramp: ring record of 12 arguments and result") \
	X(c_clock, NATIVE, PAIR, "C interposer: clock_gettime once") \
	X(c_latency, NATIVE, PAIR, "C interposer: latency histogram") \
	X(ut_lat_own, UTRAMP, PAIR, "utramp: latency histogram, session's cookie") \
	X(ut_lat_cpu, UTRAMP, PAIR, "utramp: latency histogram, start per CPU") \
	X(ut_lat_hash, UTRAMP, PAIR, "utramp: latency histogram, hash by pid_tgid") \
	EACH_PROG(X) \
	X(k_entry, KERNEL, COUNTS, "kernel uprobe: count at entry") \
	X(k_exit, KERNEL, COUNTS, "kernel uretprobe: count at exit")

/* Programs at entry, the same C for both where they can be: progs.h. */
#define EACH_PROG(X) \
	X(c_helpers, NATIVE, PAIR, "C: 100 calls of a function") \
	X(ut_helpers, UTRAMP, PAIR, "utramp: 100 calls of a helper") \
	X(c_fnv, NATIVE, PAIR, "C: FNV of 64 bytes") \
	X(ut_fnv, UTRAMP, PAIR, "utramp: FNV of 64 bytes") \
	X(c_loop, NATIVE, PAIR, "C: loop of 10,000 turns") \
	X(ut_loop, UTRAMP, PAIR, "utramp: loop of 10,000 turns") \
	X(c_lea, NATIVE, PAIR, "C: the same, of sums that lea does") \
	X(ut_lea, UTRAMP, PAIR, "utramp: the same, of sums that lea does") \
	X(c_array, NATIVE, PAIR, "C: bounded array[a]++") \
	X(ut_array, UTRAMP, PAIR, "utramp: lookup in an array") \
	X(c_hash, NATIVE, PAIR, "C: lookup in a hash table") \
	X(ut_hash, UTRAMP, PAIR, "utramp: lookup in a hash map, key of 8 bytes") \
	X(ut_hash4, UTRAMP, PAIR, "utramp: lookup in a hash map, key of 4 bytes") \
	X(c_pid, NATIVE, PAIR, "C: pid and tid, known to the thread") \
	X(ut_pid, UTRAMP, PAIR, "utramp: pid_tgid") \
	X(c_cpu, NATIVE, PAIR, "C: number of the processor") \
	X(ut_cpu, UTRAMP, PAIR, "utramp: number of the processor")

#define PARAMS_0  void
#define PARAMS_2  long a, long b
#define PARAMS_6  PARAMS_2, long c, long d, long e, long f
#define PARAMS_8  PARAMS_6, long g, long h
#define PARAMS_12 PARAMS_8, long i, long j, long k, long l

#define DECLARE(row, n)                      long row##_f##n(PARAMS_##n);
#define DECLARE_ROW(row, how, counts, title) EACH_COUNT(DECLARE, row)
EACH_ROW(DECLARE_ROW)

#endif
