/* map_in_map.bpf.c - refused: maps are not looked up by maps. */
#include "../programs.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = { .values = { &first } };

SEC("fentry/spend")
int BPF_PROG(count)
{
	__u32 zero = 0;
	void *map = bpf_map_lookup_elem(&outer, &zero);
	__u64 *v = map ? bpf_map_lookup_elem(map, &zero) : NULL;

	if (v)
		++*v;
	return 0;
}
