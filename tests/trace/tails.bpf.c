/*
 * tails.bpf.c - counts entries and exits of each function of tails.c, by one instruction each.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define FUNC(module, name) \
	__u64 in_##name, out_##name; \
	SEC("fentry/" module ":" #name) \
	int enter_##name(void *ctx) \
	{ \
		in_##name++; \
		return 0; \
	} \
	SEC("fexit/" module ":" #name) \
	int leave_##name(void *ctx) \
	{ \
		out_##name++; \
		return 0; \
	}

FUNC("tails", self)
FUNC("tails", even)
FUNC("tails", odd)
FUNC("tails", three_a)
FUNC("tails", three_b)
FUNC("tails", three_c)
FUNC("tails", c00)
FUNC("tails", c01)
FUNC("tails", c02)
FUNC("tails", c03)
FUNC("tails", c04)
FUNC("tails", c05)
FUNC("tails", c06)
FUNC("tails", c07)
FUNC("tails", c08)
FUNC("tails", c09)
FUNC("tails", c10)
FUNC("tails", c11)
FUNC("tails", c12)
FUNC("tails", c13)
FUNC("tails", c14)
FUNC("tails", c15)
FUNC("tails", c16)
FUNC("tails", c17)
FUNC("tails", c18)
FUNC("tails", c19)
FUNC("tails", stack_a)
FUNC("tails", stack_b)
FUNC("tails", ping)
FUNC("libtails.so", lib_pong)
FUNC("tails", outer)
FUNC("tails", deep)
