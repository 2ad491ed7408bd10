/* absent.bpf.c - its function is nowhere. */
#include "probe.h"

SEC("fentry/victim:wrok")
int absent(__u64 *ctx)
{
	return 0;
}
