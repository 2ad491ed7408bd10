/* replace.bpf.c - results replaced: by what a program returns, by the helper, for calls of choice. */
#include "../programs.h"

const volatile __u32 every = 4;
const volatile int error = 11;
__u64 asked, replaced, skipped_list;

SEC("fmod_ret/spend")
int BPF_PROG(fail_some, int turns, long ret)
{
	if (++asked % every)
		return 0;
	replaced++;
	return -error;
}

SEC("fmod_ret/enter")
int BPF_PROG(deep, const struct dir *d)
{
	if (!BPF_CORE_READ_USER(d, parent))
		bpf_override_return((void *)ctx, 5000);
	return 0;
}

SEC("fexit/sum_list")
int BPF_PROG(see, const struct node *n, long ret)
{
	skipped_list += ret < 0;
	return 0;
}
