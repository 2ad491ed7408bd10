/* strings.bpf.c - names looked at char by char: loops that are loops, loops that are none, helpers. */
#include "../programs.h"

#define LEN 32

const volatile char prefix[LEN] = "/etc/";
const volatile int prefix_len = 5;

__u64 by_unrolled, by_loop, by_helper, slashes, longest, hashes, endings;

static __always_inline bool same_unrolled(const char *a, const char *b)
{
#pragma unroll
	for (int i = 0; i < 10; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return false;
}

static __always_inline bool starts_with(const char *s)
{
	for (int i = 0; i < LEN && i < prefix_len; i++)
		if (s[i] != prefix[i])
			return false;
	return true;
}

static int count_of(const char *s, char what)
{
	int n = 0;

	for (int i = 0; i < LEN; i++) {
		if (!s[i])
			break;
		n += s[i] == what;
	}
	return n;
}

static __noinline __u64 hash_of(const char *s, __u32 len)
{
	__u64 h = 0xcbf29ce484222325ull;

	for (__u32 i = 0; i < len && i < LEN; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001b3ull;
	return h;
}

SEC("fentry/open_file")
int BPF_PROG(look, const char *path)
{
	char name[LEN] = {};
	long n = bpf_probe_read_user_str(name, sizeof(name), path);

	if (n <= 0)
		return 0;
	by_unrolled += same_unrolled(name, "/etc/host") || same_unrolled(name, "relative/");
	by_loop += starts_with(name);
	by_helper += !bpf_strncmp(name, sizeof(name), "/etc/passwd");
	slashes += count_of(name, '/');
	if (n > longest)
		longest = n;
	hashes += hash_of(name, n - 1);
	if (n > 2 && n <= LEN) /* its last two */
		endings += name[n - 2] == 's' && name[n - 3] == 't';
	return 0;
}
