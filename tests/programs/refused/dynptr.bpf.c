/* dynptr.bpf.c - refused: records of a size that the run time knows, by a dynamic pointer. */
#include "../programs.h"

RING(data);

SEC("fentry/transfer")
int BPF_PROG(send, int conn, const void *buf, size_t len)
{
	struct bpf_dynptr p;

	bpf_ringbuf_reserve_dynptr(&data, len, 0, &p);
	bpf_ringbuf_discard_dynptr(&p, 0);
	return 0;
}
