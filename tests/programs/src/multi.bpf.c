/* multi.bpf.c - programs for functions of any signature: what was called, by address, and how long. */
#include "../programs.h"

struct info {
	__u64 entries, exits, args;
};

MAP(_info, HASH, 64, __u64, struct info);
__u64 functions, entries, exits, most_args;

SEC("fentry.multi/s*")
int BPF_PROG(entered)
{
	__u64 ip = bpf_get_func_ip(ctx), n = bpf_get_func_arg_cnt(ctx);
	struct info *i = bpf_map_lookup_elem(&_info, &ip), first = { 1, 0, n };

	if (n > most_args)
		most_args = n;
	entries++;
	if (i) {
		__sync_fetch_and_add(&i->entries, 1);
		return 0;
	}
	if (!bpf_map_update_elem(&_info, &ip, &first, BPF_NOEXIST))
		functions++;
	return 0;
}

SEC("fexit.multi/s*")
int BPF_PROG(left)
{
	__u64 ip = bpf_get_func_ip(ctx);
	struct info *i = bpf_map_lookup_elem(&_info, &ip);

	exits++;
	if (i)
		i->exits++;
	return 0;
}
