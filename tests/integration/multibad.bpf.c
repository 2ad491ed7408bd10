/* Refused: with -DKIND by its section, else for reading an argument that has no type. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__u64 seen;

#ifdef KIND
SEC("fmod_ret.multi/fentry_test*")
#else
SEC("fexit.multi/fentry_test*")
#endif
int reads(__u64 *ctx)
{
	seen = ctx[0];
	return 0;
}
