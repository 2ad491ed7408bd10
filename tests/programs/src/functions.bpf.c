/* functions.bpf.c - subprograms: static and global, with contexts, memory, numbers, and calls of others. */
#include "../programs.h"

struct acc {
	__u64 sum, n;
	int min, max;
};

/* What BTF tells of a parameter, and libbpf's headers call __arg_ctx, __arg_nonnull, __arg_untrusted. */
#define ARG(what) __attribute__((btf_decl_tag("arg:" what)))

MAP(accs, ARRAY, 2, __u32, struct acc);
__u64 mixed, odd_calls, ctx_words, bytes;
const volatile bool broken = false;

/* global: verified by itself */
__noinline int clamp(long v, int lo, int hi)
{
	if (v < lo)
		return lo;
	return v > hi ? hi : (int)v;
}

__noinline int add_to(struct acc *a, int v)
{
	if (!a)
		return -1;
	a->sum += v;
	if (!a->n++ || v < a->min)
		a->min = v;
	if (v > a->max)
		a->max = v;
	return (int)a->n;
}

__noinline int first_word(unsigned long long *ctx ARG("ctx"))
{
	return (int)ctx[0];
}

__noinline int widest(const struct acc *a ARG("nonnull"))
{
	return a->max - a->min;
}

__noinline int byte_of(const unsigned char *buf ARG("untrusted"), int at)
{
	return buf[at & 7];
}

/* nobody calls it, as constants are */
__noinline int not_right(int at)
{
	return *(int *)(long)at;
}

/* static: verified where it is called */
static __noinline struct acc *acc_of(__u32 which)
{
	return bpf_map_lookup_elem(&accs, &which);
}

static __noinline __u64 mix_in(__u64 seed, const struct acc *a, int *odd)
{
	*odd = a->n & 1;
	return seed * 31 + a->sum;
}

SEC("fexit/transfer")
int BPF_PROG(account, int conn, const void *buf, size_t len, long ret)
{
	struct acc here = {}, *a = acc_of(conn & 1);
	int odd = 0;

	if (!a)
		return 0;
	add_to(a, clamp(ret, 0, 3000));
	add_to(&here, conn);
	mixed = mix_in(mixed, a, &odd);
	odd_calls += odd + here.max;
	ctx_words += first_word(ctx) + widest(a);
	bytes += byte_of(buf, conn);
	if (broken)
		odd_calls += not_right(conn);
	return 0;
}
