/* arguments.bpf.c - a function of nine arguments: by name, by number, and what a program knows of it. */
#include "../programs.h"

__u64 counts, cookies, function, results, nones;
long by_name, by_number, last;

SEC("fentry/many")
int BPF_PROG(named, int a, long b, short c, unsigned char d, int e, long f, int g, int h, long i)
{
	by_name += a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
	cookies += bpf_get_attach_cookie(ctx);
	if (!function)
		function = bpf_get_func_ip(ctx);
	else if (function != bpf_get_func_ip(ctx))
		nones = 1000;
	return 0;
}

SEC("fexit/many")
int BPF_PROG(numbered)
{
	__u64 n = bpf_get_func_arg_cnt(ctx), v = 0;

	counts += n;
	for (__u32 i = 0; i < 12; i++) {
		if (bpf_get_func_arg(ctx, i, &v)) {
			nones++;
			break;
		}
		by_number += (i + 1) * (long)v;
	}
	if (!bpf_get_func_ret(ctx, &v))
		results += v;
	last = v;
	return 0;
}
