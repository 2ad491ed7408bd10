/* Refused: with -DKIND by its section, else for reading an argument that has no type. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#ifdef KIND
SEC("fmod_ret.multi/fentry_test*")
#else
SEC("fexit.multi/fentry_test*")
#endif
int reads(__u64 *ctx)
{
	return (int)ctx[0];
}
