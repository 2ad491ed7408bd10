/*
 * victim_func.c - the traced functions; apart from their callers, so that no compiler
 * changes a signature.
 */
#include "victim.h"

#if __has_attribute(noclone)
#define KEEP __attribute__((noinline, noclone))
#else
#define KEEP __attribute__((noinline))
#endif

KEEP int fentry_test1(int a)
{
	return a + 1;
}

KEEP int fentry_test2(int a, vu64 b)
{
	return (int)(a + b);
}

KEEP int fentry_test3(char a, int b, vu64 c)
{
	return (int)(a + b + c);
}

KEEP int fentry_test4(void *a, char b, int c, vu64 d)
{
	return (int)((long)a + b + c + d);
}

KEEP int fentry_test5(vu64 a, void *b, short c, int d, vu64 e)
{
	return (int)(a + (long)b + c + d + e);
}

KEEP int fentry_test6(vu64 a, void *b, short c, int d, void *e, vu64 f)
{
	return (int)(a + (long)b + c + d + (long)e + f);
}

KEEP int fentry_test7(struct holder *a)
{
	__asm__ volatile("" : "+r"(a));
	return (int)(long)a;
}

KEEP int fentry_test8(struct holder *a)
{
	return (int)(long)a->a;
}

KEEP unsigned fentry_test9(unsigned *a)
{
	return *a;
}

KEEP int fentry_test10(const void *a)
{
	return (int)(long)a;
}

KEEP int modify_return_test(int a, int *b)
{
	*b += 1;
	return a + *b;
}

KEEP int modify_return_test2(int a, int *b, short c, int d, void *e, char f, int g)
{
	*b += 1;
	return (int)(a + *b + c + d + (long)e + f + g);
}

KEEP int testmod_fentry_test1(int a)
{
	return a + 1;
}

KEEP int testmod_fentry_test2(int a, vu64 b)
{
	return (int)(a + b);
}

KEEP int testmod_fentry_test3(char a, int b, vu64 c)
{
	return (int)(a + b + c);
}

KEEP int testmod_fentry_test7(vu64 a, void *b, short c, int d, void *e, char f, int g)
{
	return (int)(a + (long)b + c + d + (long)e + f + g);
}

KEEP int testmod_fentry_test11(vu64 a, void *b, short c, int d, void *e, char f, int g, unsigned h,
			       long i, vu64 j, unsigned long k)
{
	return (int)(a + (long)b + c + d + (long)e + f + g + h + i + j + k);
}

KEEP int struct_arg_1(struct pair_ll a, int b, int c)
{
	return (int)(a.a + a.b + b + c);
}

KEEP int struct_arg_2(int a, struct pair_ll b, int c)
{
	return (int)(a + b.a + b.b + c);
}

KEEP int struct_arg_3(int a, int b, struct pair_ll c)
{
	return (int)(a + b + c.a + c.b);
}

KEEP int struct_arg_4(struct one_int a, int b, int c, int d, struct pair_ll e)
{
	return (int)(a.a + b + c + d + e.a + e.b);
}

KEEP int struct_arg_5(void)
{
	__asm__ volatile("");
	return 1;
}

KEEP int struct_arg_6(struct flexible *a)
{
	return a->b[0];
}

KEEP int struct_arg_7(vu64 a, void *b, short c, int d, void *e, struct pair_ui f)
{
	return (int)(a + (long)b + c + d + (long)e + f.a + f.b);
}

KEEP int struct_arg_8(vu64 a, void *b, short c, int d, void *e, struct pair_ui f, int g)
{
	return (int)(a + (long)b + c + d + (long)e + f.a + f.b + g);
}

KEEP int struct_arg_9(vu64 a, void *b, short c, int d, void *e, char f, short g, struct mixed h,
		      long i)
{
	return (int)(a + (long)b + c + d + (long)e + f + g + h.a + h.b + h.c + h.d + i);
}

KEEP int fx_f6(vu64 a, void *b, short c, int d, void *e, vu64 f)
{
	return (int)(a + (long)b + c + d + (long)e + f);
}

KEEP int fx_f7(vu64 a, void *b, short c, int d, void *e, char f, int g)
{
	return (int)(a + (long)b + c + d + (long)e + f + g);
}

KEEP int fx_f7c(vu64 a, void *b, short c, int d, void *e, char f, char g)
{
	return (int)(a + (long)b + c + d + (long)e + f + g);
}

KEEP int fx_f8(vu64 a, void *b, short c, int d, void *e, char f, int g, short h)
{
	return (int)(a + (long)b + c + d + (long)e + f + g + h);
}

KEEP int fx_f11(vu64 a, void *b, short c, int d, void *e, char f, int g, unsigned h, long i, vu64 j,
		unsigned long k)
{
	return (int)(a + (long)b + c + d + (long)e + f + g + h + i + j + k);
}

KEEP long fx_f12(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j,
		 long k, long l)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k +
	       12 * l;
}

KEEP long fx_f13(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j,
		 long k, long l, long m)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k +
	       12 * l + 13 * m;
}

KEEP long fx_f14(char a, long b, short c, long d, int e, long f, long g, char h, long i, short j,
		 long k, int l, long m, unsigned char n)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k +
	       12 * l + 13 * m + 14 * n;
}

KEEP long fx_f20(long a, long b, long c, long d, long e, long f, char g, short h, int i, long j,
		 unsigned char k, unsigned short l, unsigned m, vu64 n, void *o, bool p, enum e q,
		 signed char r, struct pair_li s, int t)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j + 11 * k +
	       12 * l + 13L * m + 14 * (long)n + 15 * (long)o + 16 * p + 17L * q + 18 * r +
	       19 * s.a + 20 * s.b + 21 * t;
}

KEEP int fx_dis(char a, char b, char c, char d, char e, struct pair_li f, char g)
{
	return (int)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f.a + 7 * f.b + 8 * g);
}

KEEP int fx_dis2(long a, long b, long c, long d, struct pair_li e, struct pair_li f, int g, int h)
{
	return (int)(a + 2 * b + 3 * c + 4 * d + 5 * e.a + 6 * e.b + 7 * f.a + 8 * f.b + 9 * g +
		     10 * h);
}

KEEP int fx_s16r(struct pair_li a, struct pair_li b, struct pair_li c)
{
	return (int)(a.a + 2 * a.b + 3 * b.a + 4 * b.b + 5 * c.a + 6 * c.b);
}

KEEP int fx_s16x4(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d)
{
	return (int)(a.a + 2 * a.b + 3 * b.a + 4 * b.b + 5 * c.a + 6 * c.b + 7 * d.a + 8 * d.b);
}

KEEP int fx_s16x6(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d,
		  struct pair_li e, struct pair_li f)
{
	return (int)(a.a + 2 * a.b + 3 * b.a + 4 * b.b + 5 * c.a + 6 * c.b + 7 * d.a + 8 * d.b +
		     9 * e.a + 10 * e.b + 11 * f.a + 12 * f.b);
}

KEEP int fx_s16x7(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d,
		  struct pair_li e, struct pair_li f, struct pair_li g)
{
	return (int)(a.a + f.a + g.a);
}

KEEP int fx_small(struct s1 a, struct one_int b, struct s8 c, struct s12 d)
{
	return a.a + 2 * b.a + 3 * c.a + 4 * c.b + 5 * d.a + 6 * d.b + 7 * d.c;
}

KEEP int fx_pk(int a, struct spk p, int b)
{
	return (int)(a + 2 * p.a + 3 * p.b + 4 * p.c + 5 * b);
}

KEEP int fx_al(int a, struct sal p, int b)
{
	return (int)(a + 2 * p.a + 3 * b);
}

KEEP int fx_al2(long a, long b, long c, long d, long e, long f, long g, struct sal2 p, int i)
{
	return (int)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * p.a + 9 * p.b +
		     10 * i);
}

KEEP int fx_i128(int a, __int128 q, int b)
{
	return (int)(a + 2 * (long)q + 3 * (long)(q >> 64) + 4 * b);
}

KEEP int fx_i128s(long a, long b, long c, long d, long e, long f, long g, __int128 q, int i)
{
	return (int)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * (long)q +
		     9 * (long)(q >> 64) + 10 * i);
}

KEEP int fx_un(int a, union u8b u, union u16b w)
{
	return (int)(a + 2 * u.i + 3 * w.l[0]);
}

KEEP int fx_empty(int a, struct s0 z, int b)
{
	return a + 2 * b;
}

KEEP int fx_bool(bool a, enum e b, short c, unsigned char d, signed char e, unsigned short f,
		 bool g, signed char h, short i)
{
	return (int)(a + 2u * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i);
}

KEEP void fx_void(int a, int b, int c, int d, int e, int f, int g, int h)
{
	__asm__ volatile("" ::"r"(a), "r"(h) : "memory");
}

KEEP struct pair_li fx_ret16(int a)
{
	return (struct pair_li){ a, a + 1 };
}

KEEP __int128 fx_reti128(int a)
{
	return ((__int128)a << 64) | 7;
}

KEEP int fx_s24(int a, struct s24 s)
{
	return (int)(a + s.c);
}

KEEP int fx_var(int a, ...)
{
	return a;
}

KEEP signed char fx_retc(int a)
{
	return (signed char)a;
}

KEEP short fx_rets(int a)
{
	return (short)a;
}

KEEP bool fx_retb(int a)
{
	return a > 3;
}

KEEP vu64 fx_ret64(vu64 a)
{
	return a * 3;
}

KEEP int fx_mod(int a, int *b, short c, int d, void *e, char f, int g, long h)
{
	*b += 1;
	return (int)(a + *b + c + d + (long)e + f + g + h);
}

KEEP long fx_mod12(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j,
		   long k, long l)
{
	return a + l;
}

KEEP int fx_rec(int n)
{
	return n <= 0 ? 0 : 1 + fx_rec(n - 1);
}

/* By way of a pointer, so that no compiler makes a loop of it. */
static int (*volatile nest_again)(int) = fx_nest;

KEEP int fx_nest(int n)
{
	return n <= 0 ? 0 : 1 + nest_again(n - 1);
}

long fx_align_rsp;

/* The stack as its caller left it: rsp + 8 is a multiple of 16 at the entry. */
KEEP int fx_align(long a, long b, long c, long d, long e, long f, long g)
{
	fx_align_rsp = (long)__builtin_frame_address(0);
	return (int)(a + g);
}

KEEP int fx_sleep(int ms, int b, int c, int d, int e, int f, int g, int h)
{
	sleep_inside();
	return ms + h;
}

/* a + 1, and a branch to its second byte: nothing can be patched there. */
__asm__(".globl fx_nt\n\t.type fx_nt, @function\n"
	"fx_nt:\n\tnop\n"
	"1:\txor %eax, %eax\n\tinc %eax\n\tcmp $1, %eax\n\tjne 1b\n\tadd %edi, %eax\n\tret\n\t"
	".size fx_nt, . - fx_nt");

KEEP int fx_self(int n, int (*cb)(int))
{
	__asm__ volatile("" : "+r"(cb));
	return n;
}
