/* leaky.bpf.c - refused: a record that one of the ways through the program does not give back. */
#include "../programs.h"

struct event {
	__u64 len;
};

RING(data);

SEC("fentry/transfer")
int BPF_PROG(send, int conn, const void *buf, size_t len)
{
	struct event *e = bpf_ringbuf_reserve(&data, sizeof(*e), 0);

	if (!e)
		return 0;
	e->len = len;
	if (len == 7)
		return 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
