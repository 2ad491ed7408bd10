/* follow.bpf.c - pointers followed as in C, by loads of the program's own. */
#include "../programs.h"

__u64 by_method[8], bytes, ids, nobody, names, retries;
long weights, answers;

SEC("fentry/serve")
int BPF_PROG(ask, struct request *r)
{
	struct conn *c = r->conn;
	unsigned m = r->method;

	if (m < 8)
		by_method[m]++;
	bytes += c->bytes;
	retries += r->retries;
	weights += r->weight;
	if (!c->peer) {
		nobody++;
		return 0;
	}
	ids += r->conn->peer->id;
	names += r->conn->peer->name[0] == 'o';
	return 0;
}

SEC("fexit/serve")
int BPF_PROG(answer, struct request *r, int ret)
{
	answers += r->answer.code;
	if (ret == 404)
		answers += r->answer.text[5] == 'y';
	return 0;
}
