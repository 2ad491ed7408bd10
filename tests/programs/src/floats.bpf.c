/* floats.bpf.c - floating point by its bits, as programs without the instructions see it. */
#include "../programs.h"

#include <utramp/tracing.bpf.h>

struct point_bits {
	ut_f64 x;
	ut_f32 y;
	__u32 unused;
};

__u64 negative, above, bits, exponents_hist[16];
__s64 halves, floats, xs, results;

SEC("fexit/mix")
int UT_PROG(mixed, ut_f64, x, ut_f32, y, struct point_bits, p, ut_f64, ret)
{
	__u32 exponent = (x.bits >> 52 & 0x7ff) - 1023 + 2;

	negative += ut_f64_cmp(x, UT_F64(0)) < 0;
	above += ut_f64_cmp(x, UT_F64(4.25)) > 0;
	halves += ut_f64_scaled(x, 2);
	floats += ut_f32_to_i64(y);
	xs += ut_f64_to_i64(p.x);
	results += ut_f64_scaled(ret, 100);
	bits ^= p.y.bits;
	if (exponent < 16)
		exponents_hist[exponent]++;
	return 0;
}
