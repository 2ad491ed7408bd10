/*
 * programs.h - what each program of src/ begins with.
 *
 * The programs are written as bcc's libbpf-tools and their users write theirs, by libbpf's headers
 * alone: they are here to be accepted as compilers make them.
 */
#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <linux/bpf.h>

#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#include "victim.h"
#pragma clang attribute pop

char LICENSE[] SEC("license") = "GPL";

#define MAP(NAME, TYPE, N, KEY, VALUE) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##TYPE); \
		__uint(max_entries, N); \
		__type(key, KEY); \
		__type(value, VALUE); \
	} NAME SEC(".maps")

#define RING(NAME) \
	struct { \
		__uint(type, BPF_MAP_TYPE_RINGBUF); \
		__uint(max_entries, 1 << 18); \
	} NAME SEC(".maps")

#define PERF(NAME) \
	struct { \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); \
		__uint(max_entries, 8); \
		__uint(key_size, sizeof(__u32)); \
		__uint(value_size, sizeof(__u32)); \
	} NAME SEC(".maps")

/* Keeps the compiler from comparing one copy of a number and using another. */
#define known_now(n) asm volatile("" : "+r"(n))

/* The place of a number in a histogram of powers of two. */
static __always_inline __u64 log2_of(__u64 v)
{
	__u64 place = 0, step;

#pragma unroll
	for (int half = 32; half; half /= 2) {
		step = (__u64)(v >> half != 0) * half;
		v >>= step;
		place += step;
	}
	return place;
}

#endif
