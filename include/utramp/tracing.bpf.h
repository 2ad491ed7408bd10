/*
 * utramp/tracing.bpf.h - for eBPF programs on user-space functions, beside <bpf/bpf_tracing.h>.
 *
 *	#include <linux/bpf.h>
 *	#include <bpf/bpf_helpers.h>
 *	#include <utramp/tracing.bpf.h>
 *
 *	SEC("fexit/libm.so.6:pow")
 *	int UT_PROG(on_pow, ut_f64, x, ut_f64, y, ut_f64, ret)
 *	{
 *		if (ut_f64_cmp(ret, UT_F64(1e6)) > 0)
 *			bpf_printk("pow(%lld, ...)", ut_f64_to_i64(x));
 *		return 0;
 *	}
 *
 * BPF_PROG and BPF_PROG2 work as they are, to 12 arguments and structs of at most 16 bytes.
 * UT_PROG goes to 32 arguments of any size, each written as two words: type, name.
 *
 * Context  ctx[] has a word for an argument of at most 8 bytes, two for 9 to 16 bytes, and for
 *          a larger one its address: UT_PROG reads the value there, as it is when the program
 *          runs, and gives zeros if that cannot be read.  An empty struct has none.  What a
 *          C++ function takes by invisible reference is declared as a pointer.
 *          In fexit programs the result follows the arguments, by the same rule.
 * Stack    a program has 512 bytes; structs by value live there
 * Floats   eBPF has no floating point: a double is declared as ut_f64, a float as ut_f32,
 *          which hold its bits; compared, converted and scaled by the functions below.
 *          long double is ut_f80.
 * Where    C, clang -target bpf; nothing to link with
 * Spec     IEEE 754-2019 3.4 (formats), 5.11 (comparison)
 */
#ifndef UTRAMP_TRACING_BPF_H
#define UTRAMP_TRACING_BPF_H

#include <linux/types.h>

#include <bpf/bpf_helpers.h>

/* -- floating-point values by their bits --------------------------------------------------- */

typedef struct {
	__u64 bits;
} ut_f64;

typedef struct {
	__u32 bits;
} ut_f32;

typedef struct {
	__u64 mantissa; /* the leading 1 is its bit 63 */
	__u16 exponent; /* the sign is its bit 15 */
	__u16 unused[3];
} ut_f80;

/* Constants; the compiler folds them. */
union ut_f64_constant {
	double value;
	ut_f64 made;
};
union ut_f32_constant {
	float value;
	ut_f32 made;
};
#define UT_F64(c) (((union ut_f64_constant){ .value = (c) }).made)
#define UT_F32(c) (((union ut_f32_constant){ .value = (c) }).made)

#define UT_UNORDERED 2 /* a comparison's result when one of the two is not a number */

static __always_inline _Bool ut_f64_is_nan(ut_f64 x)
{
	return x.bits << 1 > 0xffe0000000000000ull;
}

/* The same number: every float is a double. */
static __always_inline ut_f64 ut_f32_to_f64(ut_f32 x)
{
	__u64 sign = (__u64)(x.bits >> 31) << 63, mantissa = x.bits & 0x7fffff;
	__u64 exponent = x.bits >> 23 & 0xff;

	if (exponent == 0xff) {
		exponent = 0x7ff;
	} else if (exponent) {
		exponent += 1023 - 127;
	} else if (mantissa) { /* subnormal: its leading 1 goes to bit 23, by halves */
		__u64 shift = 0;

		for (int n = 16; n; n /= 2) {
			if (!(mantissa >> (24 - n))) {
				mantissa <<= n;
				shift += (__u64)n;
			}
		}
		mantissa &= 0x7fffff;
		exponent = 1023 - 126 - shift;
	}
	return (ut_f64){ sign | exponent << 52 | mantissa << 29 };
}

/* -1, 0, 1: x is less than, equal to, greater than y; -0 equals 0; or UT_UNORDERED. */
static __always_inline int ut_f64_cmp(ut_f64 x, ut_f64 y)
{
	/* sign and magnitude, as two's complement */
	__s64 a = x.bits >> 63 ? (__s64)(0x8000000000000000ull - x.bits) : (__s64)x.bits;
	__s64 b = y.bits >> 63 ? (__s64)(0x8000000000000000ull - y.bits) : (__s64)y.bits;

	if (ut_f64_is_nan(x) || ut_f64_is_nan(y))
		return UT_UNORDERED;
	return (a > b) - (a < b);
}

static __always_inline int ut_f32_cmp(ut_f32 x, ut_f32 y)
{
	return ut_f64_cmp(ut_f32_to_f64(x), ut_f32_to_f64(y));
}

/*
 * x * scale without its fraction, towards zero as C's cast, exactly; scale is 1 to 2048.
 * ut_f64_scaled(x, 1000) are thousandths.  Beyond 64 bits the nearest there is; NaN is 0.
 */
static __always_inline __s64 ut_f64_scaled(ut_f64 x, __u32 scale)
{
	__u64 mantissa = (x.bits & 0xfffffffffffffull) | 0x10000000000000ull, value = ~0ull;
	int exponent = (int)(x.bits >> 52 & 0x7ff) - 1023; /* of the leading 1 */
	_Bool negative = x.bits >> 63;

	if (ut_f64_is_nan(x) || exponent < 52 - 63)
		return 0;
	if (exponent <= 52) /* 53 and 11 bits */
		value = mantissa * scale >> (52 - exponent);
	else if (exponent < 63 && mantissa << (exponent - 52) <= ~0ull / scale)
		value = (mantissa << (exponent - 52)) * scale;
	if (value > 0x7fffffffffffffffull)
		return negative ? (__s64)0x8000000000000000ull : 0x7fffffffffffffffll;
	return negative ? -(__s64)value : (__s64)value;
}

/* As C's (long)x; beyond a long the nearest there is; NaN is 0. */
static __always_inline __s64 ut_f64_to_i64(ut_f64 x)
{
	return ut_f64_scaled(x, 1);
}

static __always_inline __s64 ut_f32_to_i64(ut_f32 x)
{
	return ut_f64_scaled(ut_f32_to_f64(x), 1);
}

/* -- programs ------------------------------------------------------------------------------ */

/* Words of ctx that a value of type t has. */
#define UT_WORDS(t) (sizeof(t) <= 16 ? (sizeof(t) + 7) / 8 : 1)

/* A value of type t, whose words begin at ctx[at]. */
#define UT_VALUE(at, t) \
	({ \
		union { \
			__u64 word[2]; \
			__typeof__(t) value; \
		} ut_value; \
\
		ut_value.word[0] = sizeof(t) && sizeof(t) <= 16 ? ctx[at] : 0; \
		ut_value.word[1] = sizeof(t) > 8 && sizeof(t) <= 16 ? ctx[(at) + 1] : 0; \
		if (sizeof(t) > 16 && \
		    bpf_probe_read_user(&ut_value, sizeof(t), (const void *)ctx[at]) < 0) \
			__builtin_memset(&ut_value, 0, sizeof(ut_value)); \
		ut_value.value; \
	})

/* How many pairs: their number is the suffix of the macros that take them apart. */
#define UT_NTH(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, \
	       x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30, x31, x32, x33, \
	       x34, x35, x36, x37, x38, x39, x40, x41, x42, x43, x44, x45, x46, x47, x48, x49, \
	       x50, x51, x52, x53, x54, x55, x56, x57, x58, x59, x60, x61, x62, x63, x64, n, ...) \
	n
#define UT_PAIRS(...) \
	UT_NTH(x __VA_OPT__(, ) __VA_ARGS__, 32, no_name, 31, no_name, 30, no_name, 29, no_name, \
	       28, no_name, 27, no_name, 26, no_name, 25, no_name, 24, no_name, 23, no_name, 22, \
	       no_name, 21, no_name, 20, no_name, 19, no_name, 18, no_name, 17, no_name, 16, \
	       no_name, 15, no_name, 14, no_name, 13, no_name, 12, no_name, 11, no_name, 10, \
	       no_name, 9, no_name, 8, no_name, 7, no_name, 6, no_name, 5, no_name, 4, no_name, 3, \
	       no_name, 2, no_name, 1, no_name, 0, 0)
#define UT_JOIN_(a, b) a##b
#define UT_JOIN(a, b)  UT_JOIN_(a, b)

#define UT_TAKES_0()
#define UT_TAKES_1(t, n)       , __typeof__(t) n
#define UT_TAKES_2(t, n, ...)  , __typeof__(t) n UT_TAKES_1(__VA_ARGS__)
#define UT_TAKES_3(t, n, ...)  , __typeof__(t) n UT_TAKES_2(__VA_ARGS__)
#define UT_TAKES_4(t, n, ...)  , __typeof__(t) n UT_TAKES_3(__VA_ARGS__)
#define UT_TAKES_5(t, n, ...)  , __typeof__(t) n UT_TAKES_4(__VA_ARGS__)
#define UT_TAKES_6(t, n, ...)  , __typeof__(t) n UT_TAKES_5(__VA_ARGS__)
#define UT_TAKES_7(t, n, ...)  , __typeof__(t) n UT_TAKES_6(__VA_ARGS__)
#define UT_TAKES_8(t, n, ...)  , __typeof__(t) n UT_TAKES_7(__VA_ARGS__)
#define UT_TAKES_9(t, n, ...)  , __typeof__(t) n UT_TAKES_8(__VA_ARGS__)
#define UT_TAKES_10(t, n, ...) , __typeof__(t) n UT_TAKES_9(__VA_ARGS__)
#define UT_TAKES_11(t, n, ...) , __typeof__(t) n UT_TAKES_10(__VA_ARGS__)
#define UT_TAKES_12(t, n, ...) , __typeof__(t) n UT_TAKES_11(__VA_ARGS__)
#define UT_TAKES_13(t, n, ...) , __typeof__(t) n UT_TAKES_12(__VA_ARGS__)
#define UT_TAKES_14(t, n, ...) , __typeof__(t) n UT_TAKES_13(__VA_ARGS__)
#define UT_TAKES_15(t, n, ...) , __typeof__(t) n UT_TAKES_14(__VA_ARGS__)
#define UT_TAKES_16(t, n, ...) , __typeof__(t) n UT_TAKES_15(__VA_ARGS__)
#define UT_TAKES_17(t, n, ...) , __typeof__(t) n UT_TAKES_16(__VA_ARGS__)
#define UT_TAKES_18(t, n, ...) , __typeof__(t) n UT_TAKES_17(__VA_ARGS__)
#define UT_TAKES_19(t, n, ...) , __typeof__(t) n UT_TAKES_18(__VA_ARGS__)
#define UT_TAKES_20(t, n, ...) , __typeof__(t) n UT_TAKES_19(__VA_ARGS__)
#define UT_TAKES_21(t, n, ...) , __typeof__(t) n UT_TAKES_20(__VA_ARGS__)
#define UT_TAKES_22(t, n, ...) , __typeof__(t) n UT_TAKES_21(__VA_ARGS__)
#define UT_TAKES_23(t, n, ...) , __typeof__(t) n UT_TAKES_22(__VA_ARGS__)
#define UT_TAKES_24(t, n, ...) , __typeof__(t) n UT_TAKES_23(__VA_ARGS__)
#define UT_TAKES_25(t, n, ...) , __typeof__(t) n UT_TAKES_24(__VA_ARGS__)
#define UT_TAKES_26(t, n, ...) , __typeof__(t) n UT_TAKES_25(__VA_ARGS__)
#define UT_TAKES_27(t, n, ...) , __typeof__(t) n UT_TAKES_26(__VA_ARGS__)
#define UT_TAKES_28(t, n, ...) , __typeof__(t) n UT_TAKES_27(__VA_ARGS__)
#define UT_TAKES_29(t, n, ...) , __typeof__(t) n UT_TAKES_28(__VA_ARGS__)
#define UT_TAKES_30(t, n, ...) , __typeof__(t) n UT_TAKES_29(__VA_ARGS__)
#define UT_TAKES_31(t, n, ...) , __typeof__(t) n UT_TAKES_30(__VA_ARGS__)
#define UT_TAKES_32(t, n, ...) , __typeof__(t) n UT_TAKES_31(__VA_ARGS__)

#define UT_GIVES_0(at)
#define UT_GIVES_1(at, t, n)       , UT_VALUE(at, t)
#define UT_GIVES_2(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_1((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_3(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_2((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_4(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_3((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_5(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_4((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_6(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_5((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_7(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_6((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_8(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_7((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_9(at, t, n, ...)  , UT_VALUE(at, t) UT_GIVES_8((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_10(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_9((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_11(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_10((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_12(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_11((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_13(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_12((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_14(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_13((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_15(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_14((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_16(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_15((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_17(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_16((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_18(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_17((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_19(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_18((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_20(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_19((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_21(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_20((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_22(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_21((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_23(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_22((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_24(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_23((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_25(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_24((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_26(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_25((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_27(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_26((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_28(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_27((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_29(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_28((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_30(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_29((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_31(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_30((at) + UT_WORDS(t), __VA_ARGS__)
#define UT_GIVES_32(at, t, n, ...) , UT_VALUE(at, t) UT_GIVES_31((at) + UT_WORDS(t), __VA_ARGS__)

/* SEC("...") int UT_PROG(name, type, argument, ...) { body }; ctx is there too. */
#define UT_PROG(name, ...) \
	name(unsigned long long *ctx); \
	static __always_inline __typeof__(name(0)) ut_body_##name( \
		unsigned long long *ctx __attribute__((unused)) \
		UT_JOIN(UT_TAKES_, UT_PAIRS(__VA_ARGS__))(__VA_ARGS__)); \
	__typeof__(name(0)) name(unsigned long long *ctx) \
	{ \
		return ut_body_##name(ctx UT_JOIN(UT_GIVES_, UT_PAIRS(__VA_ARGS__))( \
			0 __VA_OPT__(, ) __VA_ARGS__)); \
	} \
	static __always_inline __typeof__(name(0)) ut_body_##name( \
		unsigned long long *ctx __attribute__((unused)) \
		UT_JOIN(UT_TAKES_, UT_PAIRS(__VA_ARGS__))(__VA_ARGS__))

/* -- kfuncs -------------------------------------------------------------------------------- */

/* In fsession programs: is the call returning, and a word of its own, 0 at entry. */
extern _Bool bpf_session_is_return(void *ctx) __ksym;
extern __u64 *bpf_session_cookie(void *ctx) __ksym;

/* In fmod_ret programs: errno of the traced thread, for a call that is made to fail. */
extern int utramp_set_errno(int err) __ksym;

/*
 * In fmod_ret programs: size bytes at value are the function's result, whatever its type (C's
 * sizeof), and the function is skipped.  0; -EINVAL: another size; -EFAULT: a result that the
 * caller wants in memory that cannot be written.  Then the function is not skipped.
 */
extern int utramp_set_result(void *ctx, const void *value, __u32 size) __ksym;

#endif
