/* Asks the target's types before it uses a field that they do not have. */
#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

int seen;

struct request {
	int not_there;
	int id;
} __attribute__((preserve_access_index));

SEC("fentry/handle")
int guarded(unsigned long long *ctx)
{
	struct request *r = (void *)ctx[0];
	int v = 0;

	if (bpf_core_field_exists(r->not_there))
		bpf_core_read(&v, sizeof(v), &r->not_there);
	else if (bpf_core_field_exists(r->id))
		bpf_core_read(&v, sizeof(v), &r->id);
	seen = v;
	return 0;
}

SEC("fentry/handle")
int unguarded(unsigned long long *ctx)
{
	struct request *r = (void *)ctx[0];
	int v = 0;

	bpf_core_read(&v, sizeof(v), &r->not_there);
	seen = v;
	return 0;
}
