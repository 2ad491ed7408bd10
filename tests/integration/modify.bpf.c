/*
 * modify.bpf.c - entry, fmod_ret and exit of the two modify_return functions; each notes at
 * which turn it ran.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

struct modify_state state;

SEC("fentry/modify_return_test")
int BPF_PROG(entry1, int a, __u64 b)
{
	state.f[0].entry = ++state.turn;
	return 0;
}

SEC("fmod_ret/modify_return_test")
int BPF_PROG(mod1, int a, int *b, int ret)
{
	state.f[0].mod = ++state.turn;
	state.f[0].mod_ret = ret;
	return (int)state.input;
}

SEC("fexit/modify_return_test")
int BPF_PROG(exit1, int a, __u64 b, int ret)
{
	state.f[0].exit = ++state.turn;
	state.f[0].ret = ret;
	state.f[0].arg[0] = a;
	state.f[0].arg[1] = b != 0;
	return 0;
}

SEC("fentry/modify_return_test2")
int BPF_PROG(entry2, int a, int *b, short c, int d, void *e, char f, int g)
{
	state.f[1].entry = ++state.turn;
	return 0;
}

SEC("fmod_ret/modify_return_test2")
int BPF_PROG(mod2, int a, int *b, short c, int d, void *e, char f, int g, int ret)
{
	state.f[1].mod = ++state.turn;
	state.f[1].mod_ret = ret;
	return (int)state.input;
}

SEC("fexit/modify_return_test2")
int BPF_PROG(exit2, int a, int *b, short c, int d, void *e, char f, int g, int ret)
{
	state.f[1].exit = ++state.turn;
	state.f[1].ret = ret;
	state.f[1].arg[0] = a;
	state.f[1].arg[1] = b != 0;
	state.f[1].arg[2] = c;
	state.f[1].arg[3] = d;
	state.f[1].arg[4] = (long)e;
	state.f[1].arg[5] = f;
	state.f[1].arg[6] = g;
	return 0;
}
