/* opens_path.bpf.c - the parts of a path, gathered upwards in a buffer of the CPU's, each at its own place. */
#include "../programs.h"

#define PART  64
#define PARTS 16

struct gathered {
	char part[PARTS][PART];
	__u32 n;
};

struct paths_event {
	__u32 depth, size;
	char first[PART], last[PART];
};

RING(paths);
const struct paths_event *_paths_event;
MAP(_gathered, PERCPU_ARRAY, 1, __u32, struct gathered);
__u64 too_deep, unread;

/* From d to the root; false: it is further than there is room. */
static bool gather(struct gathered *g, const struct dir *d)
{
	for (__u32 i = 0; i < PARTS; i++) {
		if (!d) {
			g->n = i;
			return true;
		}
		if (bpf_probe_read_user_str(g->part[i], PART, BPF_CORE_READ_USER(d, name)) < 0)
			unread++;
		d = BPF_CORE_READ_USER(d, parent);
	}
	return false;
}

SEC("fentry/enter")
int BPF_PROG(on_enter, const struct dir *d)
{
	struct paths_event *e;
	__u32 zero = 0, root;
	struct gathered *g = bpf_map_lookup_elem(&_gathered, &zero);

	if (!g)
		return 0;
	if (!gather(g, d)) {
		too_deep++;
		return 0;
	}
	e = bpf_ringbuf_reserve(&paths, sizeof(*e), 0);
	if (!e)
		return 0;
	e->depth = g->n;
	root = g->n - 1;
	if (root >= PARTS) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	bpf_probe_read_kernel_str(e->first, PART, g->part[0]);
	e->size = bpf_probe_read_kernel_str(e->last, PART, g->part[root]);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
