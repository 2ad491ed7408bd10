/*
 * kernel.bpf.c - entry and exit of every function in the kernel's selftest tables, with
 * arguments as BPF_PROG and BPF_PROG2 declare them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "seen.h"
#include "victim.h"

char LICENSE[] SEC("license") = "GPL";

struct seen_all seen;

static __always_inline int see(struct seen *s, void *ctx, const __s64 *v, int n, __s64 ret)
{
	s->runs++;
	s->n = n;
	s->ret = ret;
	s->slots = bpf_get_func_arg_cnt(ctx);
	for (int i = 0; i < n; i++)
		s->arg[i] = v[i];
	return 0;
}

#define SEE(id, is_exit, result, args...) \
	({ \
		__s64 v_[] = { args }; \
		see(&seen.at[id][is_exit], ctx, v_, sizeof(v_) / sizeof(v_[0]), (__s64)(result)); \
	})
#define ENTRY(id, args...) SEE(id, 0, 0, args)
#define EXIT(id, args...)  SEE(id, 1, ret, args)

/* -- net/bpf/test_run.c ------------------------------------------------------------------ */

SEC("fentry/fentry_test1")
int BPF_PROG(fentry_test1_entry, int a)
{
	return ENTRY(SEEN_FENTRY1, a);
}

SEC("fexit/fentry_test1")
int BPF_PROG(fentry_test1_exit, int a, int ret)
{
	return EXIT(SEEN_FENTRY1, a);
}

SEC("fentry/fentry_test2")
int BPF_PROG(fentry_test2_entry, int a, __u64 b)
{
	return ENTRY(SEEN_FENTRY2, a, b);
}

SEC("fexit/fentry_test2")
int BPF_PROG(fentry_test2_exit, int a, __u64 b, int ret)
{
	return EXIT(SEEN_FENTRY2, a, b);
}

SEC("fentry/fentry_test3")
int BPF_PROG(fentry_test3_entry, char a, int b, __u64 c)
{
	return ENTRY(SEEN_FENTRY3, a, b, c);
}

SEC("fexit/fentry_test3")
int BPF_PROG(fentry_test3_exit, char a, int b, __u64 c, int ret)
{
	return EXIT(SEEN_FENTRY3, a, b, c);
}

SEC("fentry/fentry_test4")
int BPF_PROG(fentry_test4_entry, void *a, char b, int c, __u64 d)
{
	return ENTRY(SEEN_FENTRY4, (long)a, b, c, d);
}

SEC("fexit/fentry_test4")
int BPF_PROG(fentry_test4_exit, void *a, char b, int c, __u64 d, int ret)
{
	return EXIT(SEEN_FENTRY4, (long)a, b, c, d);
}

SEC("fentry/fentry_test5")
int BPF_PROG(fentry_test5_entry, __u64 a, void *b, short c, int d, __u64 e)
{
	return ENTRY(SEEN_FENTRY5, a, (long)b, c, d, e);
}

SEC("fexit/fentry_test5")
int BPF_PROG(fentry_test5_exit, __u64 a, void *b, short c, int d, __u64 e, int ret)
{
	return EXIT(SEEN_FENTRY5, a, (long)b, c, d, e);
}

SEC("fentry/fentry_test6")
int BPF_PROG(fentry_test6_entry, __u64 a, void *b, short c, int d, void *e, __u64 f)
{
	return ENTRY(SEEN_FENTRY6, a, (long)b, c, d, (long)e, f);
}

SEC("fexit/fentry_test6")
int BPF_PROG(fentry_test6_exit, __u64 a, void *b, short c, int d, void *e, __u64 f, int ret)
{
	return EXIT(SEEN_FENTRY6, a, (long)b, c, d, (long)e, f);
}

SEC("fentry/fentry_test7")
int BPF_PROG(fentry_test7_entry, struct holder *a)
{
	return ENTRY(SEEN_FENTRY7, (long)a);
}

SEC("fexit/fentry_test7")
int BPF_PROG(fentry_test7_exit, struct holder *a, int ret)
{
	return EXIT(SEEN_FENTRY7, (long)a);
}

SEC("fentry/fentry_test8")
int BPF_PROG(fentry_test8_entry, struct holder *a)
{
	return ENTRY(SEEN_FENTRY8, a != 0, (long)a->a);
}

SEC("fexit/fentry_test8")
int BPF_PROG(fentry_test8_exit, struct holder *a, int ret)
{
	return EXIT(SEEN_FENTRY8, a != 0, (long)a->a);
}

SEC("fentry/fentry_test9")
int BPF_PROG(fentry_test9_entry, __u32 *a)
{
	return ENTRY(SEEN_FENTRY9, a != 0, *a);
}

SEC("fexit/fentry_test9")
int BPF_PROG(fentry_test9_exit, __u32 *a, __u32 ret)
{
	return EXIT(SEEN_FENTRY9, a != 0, *a);
}

SEC("fentry/fentry_test10")
int BPF_PROG(fentry_test10_entry, const void *a)
{
	return ENTRY(SEEN_FENTRY10, (long)a);
}

SEC("fexit/fentry_test10")
int BPF_PROG(fentry_test10_exit, const void *a, int ret)
{
	return EXIT(SEEN_FENTRY10, (long)a);
}

/* -- bpf_testmod -------------------------------------------------------------------------- */

SEC("fentry/testmod_fentry_test1")
int BPF_PROG(testmod_fentry_test1_entry, int a)
{
	return ENTRY(SEEN_TESTMOD1, a);
}

SEC("fexit/testmod_fentry_test1")
int BPF_PROG(testmod_fentry_test1_exit, int a, int ret)
{
	return EXIT(SEEN_TESTMOD1, a);
}

SEC("fentry/testmod_fentry_test2")
int BPF_PROG(testmod_fentry_test2_entry, int a, __u64 b)
{
	return ENTRY(SEEN_TESTMOD2, a, b);
}

SEC("fexit/testmod_fentry_test2")
int BPF_PROG(testmod_fentry_test2_exit, int a, __u64 b, int ret)
{
	return EXIT(SEEN_TESTMOD2, a, b);
}

SEC("fentry/testmod_fentry_test3")
int BPF_PROG(testmod_fentry_test3_entry, char a, int b, __u64 c)
{
	return ENTRY(SEEN_TESTMOD3, a, b, c);
}

SEC("fexit/testmod_fentry_test3")
int BPF_PROG(testmod_fentry_test3_exit, char a, int b, __u64 c, int ret)
{
	return EXIT(SEEN_TESTMOD3, a, b, c);
}

SEC("fentry/testmod_fentry_test7")
int BPF_PROG(testmod_fentry_test7_entry, __u64 a, void *b, short c, int d, void *e, char f, int g)
{
	return ENTRY(SEEN_TESTMOD7, a, (long)b, c, d, (long)e, f, g);
}

SEC("fexit/testmod_fentry_test7")
int BPF_PROG(testmod_fentry_test7_exit, __u64 a, void *b, short c, int d, void *e, char f, int g,
	     int ret)
{
	return EXIT(SEEN_TESTMOD7, a, (long)b, c, d, (long)e, f, g);
}

SEC("fentry/testmod_fentry_test11")
int BPF_PROG(testmod_fentry_test11_entry, __u64 a, void *b, short c, int d, void *e, char f, int g,
	     unsigned int h, long i, __u64 j, unsigned long k)
{
	return ENTRY(SEEN_TESTMOD11, a, (long)b, c, d, (long)e, f, g, h, i, j, k);
}

SEC("fexit/testmod_fentry_test11")
int BPF_PROG(testmod_fentry_test11_exit, __u64 a, void *b, short c, int d, void *e, char f, int g,
	     unsigned int h, long i, __u64 j, unsigned long k, int ret)
{
	return EXIT(SEEN_TESTMOD11, a, (long)b, c, d, (long)e, f, g, h, i, j, k);
}

SEC("fentry/struct_arg_1")
int BPF_PROG2(struct_arg_1_entry, struct pair_ll, a, int, b, int, c)
{
	return ENTRY(SEEN_STRUCT1, a.a, a.b, b, c);
}

SEC("fexit/struct_arg_1")
int BPF_PROG2(struct_arg_1_exit, struct pair_ll, a, int, b, int, c, int, ret)
{
	return EXIT(SEEN_STRUCT1, a.a, a.b, b, c);
}

SEC("fentry/struct_arg_2")
int BPF_PROG2(struct_arg_2_entry, int, a, struct pair_ll, b, int, c)
{
	return ENTRY(SEEN_STRUCT2, a, b.a, b.b, c);
}

SEC("fexit/struct_arg_2")
int BPF_PROG2(struct_arg_2_exit, int, a, struct pair_ll, b, int, c, int, ret)
{
	return EXIT(SEEN_STRUCT2, a, b.a, b.b, c);
}

SEC("fentry/struct_arg_3")
int BPF_PROG2(struct_arg_3_entry, int, a, int, b, struct pair_ll, c)
{
	return ENTRY(SEEN_STRUCT3, a, b, c.a, c.b);
}

SEC("fexit/struct_arg_3")
int BPF_PROG2(struct_arg_3_exit, int, a, int, b, struct pair_ll, c, int, ret)
{
	return EXIT(SEEN_STRUCT3, a, b, c.a, c.b);
}

SEC("fentry/struct_arg_4")
int BPF_PROG2(struct_arg_4_entry, struct one_int, a, int, b, int, c, int, d, struct pair_ll, e)
{
	return ENTRY(SEEN_STRUCT4, a.a, b, c, d, e.a, e.b);
}

SEC("fexit/struct_arg_4")
int BPF_PROG2(struct_arg_4_exit, struct one_int, a, int, b, int, c, int, d, struct pair_ll, e, int,
	      ret)
{
	return EXIT(SEEN_STRUCT4, a.a, b, c, d, e.a, e.b);
}

SEC("fentry/struct_arg_6")
int BPF_PROG2(struct_arg_6_entry, struct flexible *, a)
{
	return ENTRY(SEEN_STRUCT6, a->b[0]);
}

SEC("fexit/struct_arg_6")
int BPF_PROG2(struct_arg_6_exit, struct flexible *, a, int, ret)
{
	return EXIT(SEEN_STRUCT6, a->b[0]);
}

SEC("fentry/struct_arg_7")
int BPF_PROG2(struct_arg_7_entry, __u64, a, void *, b, short, c, int, d, void *, e, struct pair_ui,
	      f)
{
	return ENTRY(SEEN_STRUCT7, a, (long)b, c, d, (long)e, f.a, f.b);
}

SEC("fexit/struct_arg_7")
int BPF_PROG2(struct_arg_7_exit, __u64, a, void *, b, short, c, int, d, void *, e, struct pair_ui,
	      f, int, ret)
{
	return EXIT(SEEN_STRUCT7, a, (long)b, c, d, (long)e, f.a, f.b);
}

SEC("fentry/struct_arg_8")
int BPF_PROG2(struct_arg_8_entry, __u64, a, void *, b, short, c, int, d, void *, e, struct pair_ui,
	      f, int, g)
{
	return ENTRY(SEEN_STRUCT8, a, (long)b, c, d, (long)e, f.a, f.b, g);
}

SEC("fexit/struct_arg_8")
int BPF_PROG2(struct_arg_8_exit, __u64, a, void *, b, short, c, int, d, void *, e, struct pair_ui,
	      f, int, g, int, ret)
{
	return EXIT(SEEN_STRUCT8, a, (long)b, c, d, (long)e, f.a, f.b, g);
}

SEC("fentry/struct_arg_9")
int BPF_PROG2(struct_arg_9_entry, __u64, a, void *, b, short, c, int, d, void *, e, char, f, short,
	      g, struct mixed, h, long, i)
{
	return ENTRY(SEEN_STRUCT9, a, (long)b, c, d, (long)e, f, g, h.a, h.b, h.c, h.d, i);
}

SEC("fexit/struct_arg_9")
int BPF_PROG2(struct_arg_9_exit, __u64, a, void *, b, short, c, int, d, void *, e, char, f, short,
	      g, struct mixed, h, long, i, int, ret)
{
	return EXIT(SEEN_STRUCT9, a, (long)b, c, d, (long)e, f, g, h.a, h.b, h.c, h.d, i);
}

/* No arguments: ctx[0] is the result. */
SEC("fentry/struct_arg_5")
int struct_arg_5_entry(__u64 *ctx)
{
	return see(&seen.at[SEEN_STRUCT5][0], ctx, 0, 0, 0);
}

SEC("fexit/struct_arg_5")
int struct_arg_5_exit(__u64 *ctx)
{
	return see(&seen.at[SEEN_STRUCT5][1], ctx, 0, 0, (int)ctx[0]);
}

/* The same arguments as u64s, as fentry_many_args has them too. */
SEC("fentry/testmod_fentry_test11")
int BPF_PROG(testmod_fentry_test11_raw, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e, __u64 f,
	     __u64 g, __u64 h, __u64 i, __u64 j, __u64 k)
{
	return ENTRY(SEEN_TESTMOD11_RAW, a, b, c, d, e, f, g, h, i, j, k);
}

SEC("fexit/testmod_fentry_test11")
int BPF_PROG(testmod_fentry_test11_raw_exit, __u64 a, __u64 b, __u64 c, __u64 d, __u64 e, __u64 f,
	     __u64 g, __u64 h, __u64 i, __u64 j, __u64 k, __u64 ret)
{
	return EXIT(SEEN_TESTMOD11_RAW, a, b, c, d, e, f, g, h, i, j, k);
}
