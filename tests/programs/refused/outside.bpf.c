/* outside.bpf.c - refused: a buffer on the stack, written as far as a number of the target's says. */
#include "../programs.h"

char last;

SEC("fentry/transfer")
int BPF_PROG(copy, int conn, const void *buf, size_t len)
{
	char some[32];

	if (len > 33)
		return 0;
	bpf_probe_read_user(some, len, buf);
	last = some[0];
	return 0;
}
