/*
 * follow.bpf.c - an fentry program as for the kernel: it follows pointers as C does.  CORE: by layouts
 * of its own, which are not the victim's until they are relocated.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#ifdef CORE
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct peer {
	unsigned ttl;
	unsigned char flags;
	signed char level;
	short family;
	int port;
};
struct conn {
	long id;
	struct peer *peer;
};
struct req {
	const char *name;
	struct conn *conn;
	long seq;
};
#pragma clang attribute pop
#else
#include "req.h"
#endif

long calls, ports, bad_strings;

SEC("fentry/faults_victim:handle")
int BPF_PROG(follow, struct req *r)
{
	char name[24] = "";
	long seq = r->seq, id = r->conn->id;
	int port = r->conn->peer->port;

	calls++;
	ports += port;
	if (bpf_probe_read_user_str(name, sizeof(name), r->name) < 0)
		bad_strings++;
	if (seq >= 1000)
		return 0;
	bpf_printk("#%ld id %ld port %d", seq, id, port);
	bpf_printk("#family %d level %d flags %d", r->conn->peer->family, r->conn->peer->level,
		   r->conn->peer->flags);
	bpf_printk("#ttl %u name %s", r->conn->peer->ttl, name);
	return 0;
}

char _license[] SEC("license") = "GPL";
