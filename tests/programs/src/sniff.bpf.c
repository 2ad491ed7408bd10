/* sniff.bpf.c - large buffers, in pieces, each sent with the size it has; comm and a share of the calls. */
#include "../programs.h"

#define PIECE  512
#define PIECES 12

struct piece_event {
	__u32 conn, total;
	__u16 at, size;
	char comm[16];
	__u8 data[PIECE];
};

MAP(_pieces, PERCPU_ARRAY, 1, __u32, struct piece_event);
PERF(piece);
const struct piece_event *_piece_event;
const volatile __u32 one_in = 1;
const volatile char only_comm[16] = "";
__u64 pieces, bytes, too_large;

static __always_inline bool comm_fits(const char *comm)
{
	if (!only_comm[0])
		return true;
	for (int i = 0; i < 16; i++) {
		if (comm[i] != only_comm[i])
			return false;
		if (!comm[i])
			break;
	}
	return true;
}

SEC("fentry/transfer")
int BPF_PROG(sniff, int conn, const __u8 *buf, size_t len)
{
	struct piece_event *e;
	__u32 zero = 0, i;

	if (one_in > 1 && bpf_get_prandom_u32() % one_in)
		return 0;
	e = bpf_map_lookup_elem(&_pieces, &zero);
	if (!e)
		return 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	if (!comm_fits(e->comm))
		return 0;
	e->conn = conn;
	e->total = len;
	for (i = 0; i < PIECES; i++) {
		__u64 at = i * PIECE, n;

		if (at >= len)
			break;
		n = len - at;
		if (n > PIECE)
			n = PIECE;
		known_now(n);
		if (n > PIECE)
			break;
		e->at = at;
		e->size = n;
		if (bpf_probe_read_user(e->data, n, buf + at))
			break;
		bpf_perf_event_output(ctx, &piece, BPF_F_CURRENT_CPU, e,
				      offsetof(struct piece_event, data) + n);
		pieces++;
		bytes += n;
	}
	too_large += len > PIECE * PIECES;
	return 0;
}
