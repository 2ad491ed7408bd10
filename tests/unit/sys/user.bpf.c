/* Only its BTF is used: the types of a user-space program. */
struct request {
	long pad[3];
	short kind;
	int id;
};

int handle(struct request *r, int n)
{
	return r->id + r->kind + n;
}
