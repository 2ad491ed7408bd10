/* nested.bpf.c - values made of arrays of structs of arrays, reached by numbers that are checked. */
#include "../programs.h"

#define CONNS 4
#define KINDS 5

struct cell {
	__u64 n, bytes;
	__u16 sizes[KINDS];
};

struct board {
	struct {
		struct cell cell[KINDS];
		__u32 calls;
	} conn[CONNS];
	__u8 last;
};

struct scratch {
	__u8 bytes[512];
	__u32 used;
};

MAP(boards, ARRAY, 1, __u32, struct board);
MAP(_scratch, PERCPU_ARRAY, 1, __u32, struct scratch);
__u64 refused, wrapped, tail_sum;

SEC("fexit/transfer")
int BPF_PROG(mark, int conn, const void *buf, size_t len)
{
	__u64 at = (__u32)conn, kind = len / 1000;
	__u32 zero = 0;
	struct board *b = bpf_map_lookup_elem(&boards, &zero);
	struct cell *c;

	if (!b)
		return 0;
	known_now(at);
	known_now(kind);
	if (at >= CONNS || kind >= KINDS) {
		refused++;
		return 0;
	}
	b->conn[at].calls++;
	c = &b->conn[at].cell[kind];
	c->n++;
	c->bytes += len;
	c->sizes[len & 3]++;
	b->last = conn << 4 | kind;
	return 0;
}

/* appends to a buffer at a place that only the run time knows */
SEC("fentry/transfer")
int BPF_PROG(append, int conn, const __u8 *buf, size_t len)
{
	__u32 zero = 0, at;
	struct scratch *s = bpf_map_lookup_elem(&_scratch, &zero);

	if (!s)
		return 0;
	len = (len & 31) + 1;
	at = s->used;
	if (at > sizeof(s->bytes) - 32) {
		at = 0;
		wrapped++;
	}
	if (bpf_probe_read_user(&s->bytes[at], len, buf))
		return 0;
	s->used = at + len;
	tail_sum += s->bytes[(at + len - 1) & 511];
	return 0;
}
