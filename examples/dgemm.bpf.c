/*
 * dgemm.bpf.c - the 14 arguments of cblas_dgemm(), two of them doubles between integers.
 *
 *	utramp run dgemm.bpf.o -- dgemm
 *
 * alpha and beta arrive as their bits: compared and scaled by tracing.bpf.h, as eBPF has no
 * floating point.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

struct size {
	int m, n, k;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct size);
	__type(value, __u64);
} sizes SEC(".maps");

__u64 adding; /* calls whose beta is not 0: they read C */

SEC("fentry/libblas.so.3:cblas_dgemm")
int UT_PROG(dgemm, int, layout, int, trans_a, int, trans_b, int, m, int, n, int, k, ut_f64, alpha,
	    const double *, a, int, lda, const double *, b, int, ldb, ut_f64, beta, double *, c,
	    int, ldc)
{
	struct size size = { m, n, k };
	__u64 *calls = bpf_map_lookup_elem(&sizes, &size), one = 1;

	if (calls)
		++*calls;
	else
		bpf_map_update_elem(&sizes, &size, &one, BPF_NOEXIST);
	if (ut_f64_cmp(beta, UT_F64(0)))
		adding++;
	bpf_printk("dgemm(%d, %d, %d, %d x %d x %d, alpha=%lld/1000, lda=%d, ldb=%d, "
		   "beta=%lld/1000, ldc=%d)",
		   layout, trans_a, trans_b, m, n, k, ut_f64_scaled(alpha, 1000), lda, ldb,
		   ut_f64_scaled(beta, 1000), ldc);
	return 0;
}
