/* several.bpf.c - of work(): a line each, a record each, and how many there were. */
#include "probe.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} seen SEC(".maps");

struct seen_event {
	int n;
};
struct seen_event *_seen_event;

long total;

SEC("fentry/work")
int on_work(__u64 *ctx)
{
	struct seen_event *e = bpf_ringbuf_reserve(&seen, sizeof(*e), 0);

	total++;
	bpf_printk("work %d", (int)ctx[0]);
	if (!e)
		return 0;
	e->n = (int)ctx[0];
	bpf_ringbuf_submit(e, 0);
	return 0;
}
