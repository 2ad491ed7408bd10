/* lists.bpf.c - a linked list, as far as a bound: by reads that may fail, by following, unrolled. */
#include "../programs.h"

#define BOUND 32

__u64 read_sum, follow_sum, short_sum, cut;

SEC("fentry/sum_list")
int BPF_PROG(walk, struct node *n)
{
	struct node copy, *at = n;
	int i;

	for (i = 0; i < BOUND && at; i++) {
		if (bpf_probe_read_user(&copy, sizeof(copy), at))
			break;
		read_sum += copy.value;
		at = copy.next;
	}
	cut += at != NULL;
	at = n;
	for (i = 0; i < BOUND; i++) {
		if (!at)
			break;
		follow_sum += at->value;
		at = at->next;
	}
	at = n;
#pragma unroll
	for (i = 0; i < 4; i++) {
		short_sum += BPF_CORE_READ_USER(at, value);
		at = BPF_CORE_READ_USER(at, next);
	}
	return 0;
}
