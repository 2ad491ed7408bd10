/* top.bpf.c - the K largest, kept in order in an array of variables by insertion. */
#include "../programs.h"

#define K 8

struct entry {
	__u64 size;
	int conn, call;
};

struct entry top[K];
int used, calls;

SEC("fexit/transfer")
int BPF_PROG(rank, int conn, const void *buf, size_t len)
{
	struct entry e = { .size = len, .conn = conn, .call = calls++ };
	int i, at = K;

	for (i = 0; i < K; i++) {
		if (top[i].size < e.size) {
			at = i;
			break;
		}
	}
	if (at >= K)
		return 0;
	for (i = K - 1; i > 0; i--) {
		if (i <= at)
			break;
		top[i] = top[i - 1];
	}
	top[at] = e;
	if (used < K)
		used++;
	return 0;
}
