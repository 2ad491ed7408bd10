/* read.bpf.c - reads the target's memory. */
#include "probe.h"

SEC("fentry/half")
int read_why(__u64 *ctx)
{
	char text[8] = "";

	bpf_probe_read_user_str(text, sizeof(text), (void *)ctx[1]);
	bpf_printk("why \"%s\"", text);
	return 0;
}
