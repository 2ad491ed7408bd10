/*
 * stack.bpf.c - who calls innermost(), from programs of each kind; errno of a malloc() that fails.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

extern int utramp_set_errno(int err) __ksym;

struct stack_state state;

static __always_inline int see(void *ctx, int where)
{
	struct stack_seen *s = &state.at[where];

	s->runs++;
	s->bytes = bpf_get_stack(ctx, s->pc, sizeof(s->pc), BPF_F_USER_STACK);
	s->without = bpf_get_stack(ctx, s->also, sizeof(s->also), 0);
	s->build_id = bpf_get_stack(ctx, s->junk, sizeof(s->junk),
				    BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
	return 0;
}

SEC("fentry/innermost")
int BPF_PROG(at_entry)
{
	return see(ctx, STACK_ENTRY);
}

SEC("fmod_ret/innermost")
int BPF_PROG(at_mod)
{
	return see(ctx, STACK_MOD);
}

SEC("fexit/innermost")
int BPF_PROG(at_exit)
{
	return see(ctx, STACK_EXIT);
}

SEC("fsession/innermost")
int BPF_PROG(at_both)
{
	return see(ctx, STACK_SESSION);
}

/* On the program's own stack, and skipping one. */
SEC("fentry/innermost")
int BPF_PROG(on_stack)
{
	__u64 pc[4] = { 1, 1, 1, 1 };

	state.at[STACK_OWN].bytes = bpf_get_stack(ctx, pc, sizeof(pc), BPF_F_USER_STACK | 1);
	for (int i = 0; i < 4; i++)
		state.at[STACK_OWN].pc[i] = pc[i];
	state.at[STACK_OWN].runs++;
	return 0;
}

/* So that their images are among the callers. */
SEC("fexit")
int BPF_PROG(caller)
{
	state.callers++;
	return 0;
}

SEC("fmod_ret/libc:malloc")
int BPF_PROG(no_memory, __u64 size)
{
	if (size != 4242)
		return 0;
	state.errno_code = utramp_set_errno(12);
	bpf_override_return((void *)ctx, 0);
	return 0;
}

/* Helpers that make system calls, behind the skipped function. */
SEC("fexit/libc:malloc")
int BPF_PROG(after_malloc, __u64 size, __u64 ret)
{
	char comm[16], byte;

	if (size != 4242)
		return 0;
	bpf_get_current_comm(comm, sizeof(comm));
	state.fault = bpf_probe_read_user(&byte, 1, (void *)8);
	state.failed += !ret;
	return 0;
}
