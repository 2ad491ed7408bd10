/*
 * victim.h - types and functions of the traced program; the BPF programs share the types.
 *
 * The functions are twins of those that the kernel's BPF selftests trace, and of the module
 * behind tests/oracle/recorded-6.12.117.txt: same signatures, same results.
 */
#ifndef VICTIM_H
#define VICTIM_H

typedef unsigned long long vu64;

struct pair_li {
	long a;
	int b;
};
struct pair_ll {
	long a, b;
};
struct one_int {
	int a;
};
struct flexible {
	int a;
	int b[];
};
struct pair_ui {
	vu64 a;
	int b;
};
struct mixed {
	char a;
	short b;
	int c;
	long d;
};
struct holder {
	struct holder *a;
};

#ifndef __bpf__
#include <stdbool.h>

struct s1 {
	char a;
};
struct s8 {
	int a, b;
};
struct s12 {
	int a, b, c;
};
struct spk {
	char a;
	long b;
	char c;
} __attribute__((packed));
struct sal {
	long a;
} __attribute__((aligned(16)));
struct sal2 {
	long a, b;
} __attribute__((aligned(16)));
union u8b {
	long l;
	int i;
};
union u16b {
	long l[2];
	__int128 q;
};
struct s0 {
};
struct s24 {
	long a, b, c;
};
enum e { E0, E1, E2 = 0x7fffffff };

/* net/bpf/test_run.c */
int fentry_test1(int a);
int fentry_test2(int a, vu64 b);
int fentry_test3(char a, int b, vu64 c);
int fentry_test4(void *a, char b, int c, vu64 d);
int fentry_test5(vu64 a, void *b, short c, int d, vu64 e);
int fentry_test6(vu64 a, void *b, short c, int d, void *e, vu64 f);
int fentry_test7(struct holder *a);
int fentry_test8(struct holder *a);
unsigned fentry_test9(unsigned *a);
int fentry_test10(const void *a);
int modify_return_test(int a, int *b);
int modify_return_test2(int a, int *b, short c, int d, void *e, char f, int g);

/* bpf_testmod */
int testmod_fentry_test1(int a);
int testmod_fentry_test2(int a, vu64 b);
int testmod_fentry_test3(char a, int b, vu64 c);
int testmod_fentry_test7(vu64 a, void *b, short c, int d, void *e, char f, int g);
int testmod_fentry_test11(vu64 a, void *b, short c, int d, void *e, char f, int g, unsigned h,
			  long i, vu64 j, unsigned long k);
int struct_arg_1(struct pair_ll a, int b, int c);
int struct_arg_2(int a, struct pair_ll b, int c);
int struct_arg_3(int a, int b, struct pair_ll c);
int struct_arg_4(struct one_int a, int b, int c, int d, struct pair_ll e);
int struct_arg_5(void);
int struct_arg_6(struct flexible *a);
int struct_arg_7(vu64 a, void *b, short c, int d, void *e, struct pair_ui f);
int struct_arg_8(vu64 a, void *b, short c, int d, void *e, struct pair_ui f, int g);
int struct_arg_9(vu64 a, void *b, short c, int d, void *e, char f, short g, struct mixed h, long i);

/* the module of the recording */
int fx_f6(vu64 a, void *b, short c, int d, void *e, vu64 f);
int fx_f7(vu64 a, void *b, short c, int d, void *e, char f, int g);
int fx_f7c(vu64 a, void *b, short c, int d, void *e, char f, char g);
int fx_f8(vu64 a, void *b, short c, int d, void *e, char f, int g, short h);
int fx_f11(vu64 a, void *b, short c, int d, void *e, char f, int g, unsigned h, long i, vu64 j,
	   unsigned long k);
long fx_f12(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k,
	    long l);
long fx_f13(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k,
	    long l, long m);
long fx_f14(char a, long b, short c, long d, int e, long f, long g, char h, long i, short j, long k,
	    int l, long m, unsigned char n);
long fx_f20(long a, long b, long c, long d, long e, long f, char g, short h, int i, long j,
	    unsigned char k, unsigned short l, unsigned m, vu64 n, void *o, bool p, enum e q,
	    signed char r, struct pair_li s, int t);
int fx_dis(char a, char b, char c, char d, char e, struct pair_li f, char g);
int fx_dis2(long a, long b, long c, long d, struct pair_li e, struct pair_li f, int g, int h);
int fx_s16r(struct pair_li a, struct pair_li b, struct pair_li c);
int fx_s16x4(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d);
int fx_s16x6(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d,
	     struct pair_li e, struct pair_li f);
int fx_s16x7(struct pair_li a, struct pair_li b, struct pair_li c, struct pair_li d,
	     struct pair_li e, struct pair_li f, struct pair_li g);
int fx_small(struct s1 a, struct one_int b, struct s8 c, struct s12 d);
int fx_pk(int a, struct spk p, int b);
int fx_al(int a, struct sal p, int b);
int fx_al2(long a, long b, long c, long d, long e, long f, long g, struct sal2 p, int i);
int fx_i128(int a, __int128 q, int b);
int fx_i128s(long a, long b, long c, long d, long e, long f, long g, __int128 q, int i);
int fx_un(int a, union u8b u, union u16b w);
int fx_empty(int a, struct s0 z, int b);
int fx_bool(bool a, enum e b, short c, unsigned char d, signed char e, unsigned short f, bool g,
	    signed char h, short i);
void fx_void(int a, int b, int c, int d, int e, int f, int g, int h);
struct pair_li fx_ret16(int a);
__int128 fx_reti128(int a);
int fx_s24(int a, struct s24 s);
int fx_var(int a, ...);
signed char fx_retc(int a);
short fx_rets(int a);
bool fx_retb(int a);
vu64 fx_ret64(vu64 a);
int fx_mod(int a, int *b, short c, int d, void *e, char f, int g, long h);
long fx_mod12(long a, long b, long c, long d, long e, long f, long g, long h, long i, long j,
	      long k, long l);
int fx_rec(int n);
int fx_nest(int n);
int fx_align(long a, long b, long c, long d, long e, long f, long g);
int fx_nt(int a);
int fx_self(int n, int (*cb)(int));
int fx_sleep(int ms, int b, int c, int d, int e, int f, int g, int h);

void sleep_inside(void); /* of fx_sleep(): says that it is there, waits for a line */

extern long fx_align_rsp;
#endif
#endif
