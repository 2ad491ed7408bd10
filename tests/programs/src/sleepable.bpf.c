/* sleepable.bpf.c - the sections of programs that may wait, and the read that only these have. */
#include "../programs.h"

__u64 copied, failed, sums;
char last[16];

SEC("fentry.s/transfer")
int BPF_PROG(copy, int conn, const void *buf, size_t len)
{
	unsigned char some[24] = {};
	__u32 n = len;

	if (n > sizeof(some))
		n = sizeof(some);
	known_now(n);
	if (n > sizeof(some))
		return 0;
	if (bpf_copy_from_user(some, n, buf)) {
		failed++;
		return 0;
	}
	copied += n;
	for (__u32 i = 0; i < sizeof(some); i++)
		sums += some[i];
	return 0;
}

SEC("fexit.s/open_file")
int BPF_PROG(name, const char *path)
{
	if (bpf_copy_from_user(last, 8, path))
		failed++;
	return 0;
}

SEC("fmod_ret.s/give")
int BPF_PROG(never, void *p)
{
	return 0;
}
