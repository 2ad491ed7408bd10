/*
 * results.bpf.c - results of every class, set and seen: functions of tests/cli/inject_victim.c.
 *
 * BAD 0: programs that set what is not an even call's; exit programs write down what they see.
 * Others: one program each, which is refused when it is attached.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

#ifndef BAD
#define BAD 0
#endif

struct mixed {
	long n;
	double d;
};

struct large {
	int n;
	double d;
	char text[8];
	short at[4];
	unsigned bits;
};

#if BAD == 0

struct state {
	__s64 said[8];   /* utramp_set_result(), by function; then two of the wrong size */
	__u64 pair[4];   /* ctx of x87_pair at exit */
	__u64 pair_ret;  /* bpf_get_func_ret() there */
	__u64 large_n;   /* what lies at the address that large's exit has */
	__u64 wide16[8]; /* ctx of vector16 at exit */
	__u64 skipped;   /* x87 at exit, its first word, where it was set */
} state;

struct state *_state;

#define TEN(mantissa, exponent) \
	{ \
		(mantissa), (exponent) \
	}

/* 1.5 as a long double, and -0.5 */
SEC("fmod_ret/x87")
int BPF_PROG(set_x87, int n)
{
	__u64 v[2] = TEN(0xc000000000000000, 0x3fff);

	if (n == 2)
		return 1; /* no result: only what is set counts here */
	state.said[0] = utramp_set_result(ctx, v, sizeof(v));
	return 0;
}

SEC("fmod_ret/x87_pair")
int BPF_PROG(set_x87_pair, int n)
{
	__u64 v[4] = { 0xc000000000000000, 0xdead3fff, 0x8000000000000000, 0xbffe };

	state.said[6] = utramp_set_result(ctx, v, 16);
	state.said[1] = utramp_set_result(ctx, v, sizeof(v));
	return 0;
}

SEC("fexit/x87_pair")
int BPF_PROG(see_x87_pair, int n)
{
	for (int i = 0; i < 4; i++)
		state.pair[i] = ctx[1 + i];
	bpf_get_func_ret(ctx, &state.pair_ret);
	return 0;
}

SEC("fexit/x87")
int BPF_PROG(see_x87, int n)
{
	if (n == 1)
		state.skipped = ctx[1];
	return 0;
}

SEC("fmod_ret/mixed")
int BPF_PROG(set_mixed, int n)
{
	__u64 v[2] = { -7, 0x3fe0000000000000 };

	state.said[2] = utramp_set_result(ctx, v, sizeof(v));
	return 0;
}

SEC("fmod_ret/large")
int BPF_PROG(set_large, int n)
{
	struct large v = { .n = 11, .text = "set", .at = { 1, 2, 3, 4 }, .bits = 5 | 9 << 3 };

	state.said[7] = utramp_set_result(ctx, &v, sizeof(v) - 1);
	state.said[3] = utramp_set_result(ctx, &v, sizeof(v));
	return 0;
}

SEC("fexit/large")
int BPF_PROG(see_large, int n)
{
	bpf_probe_read_user(&state.large_n, 4, (void *)ctx[1]);
	return 0;
}

SEC("fmod_ret/vector")
int BPF_PROG(set_vector, int n)
{
	__u64 v[2] = { 0x3fe0000000000000, 0x4010000000000000 };

	state.said[4] = utramp_set_result(ctx, v, sizeof(v));
	return 0;
}

SEC("fmod_ret/vector16")
int BPF_PROG(set_vector16)
{
	__u32 v[16] = { 3, 4, [15] = 5 };

	state.said[5] = utramp_set_result(ctx, v, sizeof(v));
	return 0;
}

SEC("fexit/vector16")
int BPF_PROG(see_vector16)
{
	for (int i = 0; i < 8; i++)
		state.wide16[i] = ctx[8 + i]; /* its argument has eight words, too */
	return 0;
}

#elif BAD == 1

SEC("fmod_ret/large")
int BPF_PROG(by_word, int n)
{
	bpf_override_return((void *)ctx, 1);
	return 0;
}

#elif BAD == 2

SEC("fmod_ret/x87")
int BPF_PROG(by_result, int n)
{
	return n;
}

#elif BAD == 3

SEC("fmod_ret/note")
int BPF_PROG(of_nothing, int n)
{
	return utramp_set_result(ctx, &n, sizeof(n));
}

#elif BAD == 4

SEC("fexit/mixed")
int BPF_PROG(too_late, int n)
{
	return utramp_set_result(ctx, &n, sizeof(n));
}

#endif
