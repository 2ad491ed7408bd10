/* types.c - compiled for BPF, this is the victim's BTF. */
#include "req.h"

/* clang leaves out what is only pointed to */
struct peer a_peer;
struct conn a_conn;

long handle(struct req *r);
long handle(struct req *r)
{
	return r->conn->peer->port;
}
