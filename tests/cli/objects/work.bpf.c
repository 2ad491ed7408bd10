/* work.bpf.c - entry and exit of victim's work(). */
#include "probe.h"

SEC("fentry/work")
int BPF_PROG(work_entry, int a, int b)
{
	bpf_printk("> work(%d, %d)", a, b);
	return 0;
}

SEC("fexit/work")
int BPF_PROG(work_exit, int a, int b, int ret)
{
	bpf_printk("< %d", ret);
	return 0;
}
