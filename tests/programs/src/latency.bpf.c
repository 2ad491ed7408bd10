/* latency.bpf.c - durations by a hash of starts, in histograms that a hash holds, in a unit of choice. */
#include "../programs.h"

#define SLOTS 26

enum unit { NANO, MICRO, MILLI };

struct times {
	__u32 slot[SLOTS];
	__u64 sum;
};

const volatile enum unit unit = MICRO;
const volatile bool each_thread = false;

MAP(_since, HASH, 1024, __u64, __u64);
MAP(_times, HASH, 64, __u64, struct times);
static struct times _none;
__u64 seen, in_hist, backwards;

SEC("fentry/spend")
int BPF_PROG(begins)
{
	__u64 id = bpf_get_current_pid_tgid(), now = bpf_ktime_get_ns();

	bpf_map_update_elem(&_since, &id, &now, BPF_NOEXIST);
	return 0;
}

static __always_inline struct times *times_of(__u64 whose)
{
	struct times *t = bpf_map_lookup_elem(&_times, &whose);

	if (!t && !bpf_map_update_elem(&_times, &whose, &_none, BPF_NOEXIST))
		t = bpf_map_lookup_elem(&_times, &whose);
	return t;
}

static __always_inline void note(struct times *t, __u64 ns)
{
	__u64 slot, n = ns;

	switch (unit) {
	case NANO:
		break;
	case MICRO:
		n = ns / 1000;
		break;
	case MILLI:
		n = ns / 1000000;
		break;
	}
	slot = log2_of(n);
	__sync_fetch_and_add(&t->slot[slot < SLOTS ? slot : SLOTS - 1], 1);
	__sync_fetch_and_add(&t->sum, ns);
}

SEC("fexit/spend")
int BPF_PROG(ends)
{
	__u64 now = bpf_ktime_get_ns(), id = bpf_get_current_pid_tgid();
	__u64 *since = bpf_map_lookup_elem(&_since, &id);
	struct times *t;

	if (!since)
		return 0;
	t = times_of(each_thread ? id : 0);
	if ((__s64)(now - *since) < 0) {
		backwards++;
	} else if (t) {
		note(t, now - *since);
		seen++;
		in_hist = 0;
		for (int i = 0; i < SLOTS; i++)
			in_hist += t->slot[i];
	}
	bpf_map_delete_elem(&_since, &id);
	return 0;
}
