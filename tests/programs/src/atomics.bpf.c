/* atomics.bpf.c - what is shared, changed by one instruction each: a limiter of rate, flags, a maximum. */
#include "../programs.h"

#define BUDGET 150

__u64 tokens = BUDGET, passed, limited, flags, highest, owner, ours, total, earlier;
__u32 half;

SEC("fentry/transfer")
int BPF_PROG(limit, int conn, const void *buf, size_t len)
{
	__u64 old;

#if __BPF_CPU_VERSION__ >= 3
	old = __sync_fetch_and_sub(&tokens, 1);
	__sync_fetch_and_or(&flags, 1ull << (conn & 63));
	__sync_fetch_and_xor(&half, (__u32)len);
	for (int i = 0; i < 8; i++) {
		old = highest;
		if (old >= len || __sync_val_compare_and_swap(&highest, old, len) == old)
			break;
	}
	if (__sync_bool_compare_and_swap(&owner, 0, conn + 1))
		ours++;
	old = __sync_fetch_and_add(&total, len);
#else /* has no more than an add that gives nothing back */
	__sync_fetch_and_add(&tokens, -1);
	flags |= 1ull << (conn & 63);
	half ^= (__u32)len;
	if (highest < len)
		highest = len;
	if (!owner) {
		owner = conn + 1;
		ours++;
	}
	old = total;
	__sync_fetch_and_add(&total, len);
#endif
	if ((__s64)tokens < 0)
		limited++;
	else
		passed++;
	earlier += old;
	return 0;
}
