/* timer.bpf.c - refused: nothing of ours runs between calls. */
#include "../programs.h"

struct element {
	struct bpf_timer timer;
	__u64 hits;
};

MAP(elements, ARRAY, 1, __u32, struct element);

static int expired(void *map, __u32 *key, struct element *e)
{
	e->hits++;
	return 0;
}

SEC("fentry/spend")
int BPF_PROG(start)
{
	__u32 zero = 0;
	struct element *e = bpf_map_lookup_elem(&elements, &zero);

	if (!e)
		return 0;
	bpf_timer_init(&e->timer, &elements, 1);
	bpf_timer_set_callback(&e->timer, expired);
	bpf_timer_start(&e->timer, 1000000, 0);
	return 0;
}
