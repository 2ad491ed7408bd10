/* chains.bpf.c - fields by CO-RE: chains, bit-fields, enums, sizes, and what may not be there. */
#include "../programs.h"

struct request___later {
	int colour;
	struct conn *conn;
} __attribute__((preserve_access_index));

struct conn___old {
	unsigned int handle; /* was fd */
} __attribute__((preserve_access_index));

enum method___full { PUT___full = 99, PATCH___full = 100 };

struct req_event {
	__u32 method, urgent, retries;
	int weight;
	__u64 bytes, size;
	int peer, fd;
	char name[16], path[8], text[8];
	__u8 addr[16];
};

RING(req);
const struct req_event *_req_event;
int has_colour, has_answer, has_patch, put_is, conn_size, urgent_seen;
__u64 nobody;

SEC("fexit/serve")
int BPF_PROG(on_serve, struct request *r)
{
	struct request___later *later = (void *)r;
	struct conn___old *old;
	struct req_event *e;
	struct peer *peer;

	has_colour = bpf_core_field_exists(later->colour) ? BPF_CORE_READ_USER(later, colour) : -1;
	has_answer = bpf_core_field_exists(r->answer.text);
	has_patch = bpf_core_enum_value_exists(enum method___full, PATCH___full);
	put_is = bpf_core_enum_value(enum method___full, PUT___full);
	conn_size = bpf_core_type_size(struct conn) * 100 + bpf_core_field_size(r->answer.text);

	peer = BPF_CORE_READ_USER(r, conn, peer);
	if (!peer)
		nobody++;
	e = bpf_ringbuf_reserve(&req, sizeof(*e), 0);
	if (!e)
		return 0;
	__builtin_memset(e, 0, sizeof(*e));
	e->method = BPF_CORE_READ_USER(r, method);
	e->urgent = BPF_CORE_READ_BITFIELD_PROBED(r, urgent);
	e->retries = BPF_CORE_READ_BITFIELD_PROBED(r, retries);
	e->weight = BPF_CORE_READ_BITFIELD_PROBED(r, weight);
	urgent_seen += BPF_CORE_READ_BITFIELD(r, urgent);
	e->bytes = BPF_CORE_READ_USER(r, conn, bytes);
	e->size = BPF_CORE_READ_USER(r, size);
	e->peer = BPF_CORE_READ_USER(r, conn, peer, id);
	bpf_probe_read_user_str(e->name, sizeof(e->name), BPF_CORE_READ_USER(r, conn, peer, name));
	bpf_probe_read_user_str(e->path, sizeof(e->path), BPF_CORE_READ_USER(r, path));
	BPF_CORE_READ_USER_STR_INTO(&e->text, r, answer.text);
	BPF_CORE_READ_USER_INTO(&e->addr, r, conn, peer, address);
	old = (void *)BPF_CORE_READ_USER(r, conn);
	if (bpf_core_field_exists(old->handle))
		e->fd = BPF_CORE_READ_USER(old, handle);
	else
		e->fd = BPF_CORE_READ_USER(r, conn, fd);
	bpf_ringbuf_submit(e, 0);
	return 0;
}
