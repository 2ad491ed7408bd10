/*
 * core.bpf.c - fields by CO-RE, in the layout of whatever module it is for.
 *
 * -DWHERE=1: a program on core's in_program; 2: on libcore's in_library; 3: both.  -DONLY: the
 * field of a struct that libcore alone has.  -DBARE: sections without a function.
 */
#include "probe.h"

#include <bpf/bpf_core_read.h>

struct moved {
	int a;
} __attribute__((preserve_access_index));

struct only_here___flavour {
	int value;
} __attribute__((preserve_access_index));

#ifdef BARE
#define ON(where) SEC("fentry")
#else
#define ON(where) SEC("fentry/" where)
#endif

#if WHERE & 1
ON("core:in_program") int BPF_PROG(first, struct moved *m)
{
#ifndef ONLY
	bpf_printk("program: %d", BPF_CORE_READ(m, a));
#else
	bpf_printk("program");
#endif
	return 0;
}
#endif

#if WHERE & 2
ON("libcore.so:in_library") int BPF_PROG(second, struct moved *m, struct only_here___flavour *o)
{
#ifndef ONLY
	bpf_printk("library: %d", BPF_CORE_READ(m, a));
#else
	bpf_printk("library: %d", BPF_CORE_READ(o, value));
#endif
	return 0;
}
#endif
