/* ring_sizes.bpf.c - records as large as what they hold, by bpf_ringbuf_output() from a buffer of a CPU's. */
#include "../programs.h"

#define DATA 4096

struct data_event {
	__u32 conn, len, kept;
	unsigned char data[DATA];
};

RING(data);
MAP(_buffers, PERCPU_ARRAY, 1, __u32, struct data_event);
const struct data_event *_data_event;
__u64 sent, cut, lost;

SEC("fentry/transfer")
int BPF_PROG(capture, int conn, const void *buf, size_t len)
{
	struct data_event *e;
	__u32 zero = 0, n;

	if (len == 0 || conn == 2)
		return 0;
	e = bpf_map_lookup_elem(&_buffers, &zero);
	if (!e)
		return 0;
	e->conn = conn;
	e->len = len;
	n = len;
	if (n > DATA) {
		n = DATA;
		cut++;
	}
	n = n > 100 ? 100 : n;
	known_now(n);
	n &= 127;
	e->kept = n;
	if (bpf_probe_read_user(e->data, n, buf))
		return 0;
	if (bpf_ringbuf_output(&data, e, offsetof(struct data_event, data) + n, 0))
		lost++;
	else
		sent++;
	return 0;
}
