/* types.c - BTF of the victim's structs, for CO-RE: compiled for eBPF, where victim.c cannot be. */
#include "victim.h"

/* whole, where pointers to them would only name them */
struct request request;
struct conn conn;
struct peer peer;
struct dir dir;
struct node node;

int serve(struct request *r)
{
	return r->answer.code;
}
