/*
 * victim.c - the traced program: reads commands from stdin, a line each, calls functions and
 * prints their results; an empty line ends an answer.
 */
#include "victim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define P(n) ((void *)(n))

static void kernel_builtin(void)
{
	struct holder h = { 0 };
	unsigned zero = 0;

	printf("fentry_test1 %d\n", fentry_test1(1));
	printf("fentry_test2 %d\n", fentry_test2(2, 3));
	printf("fentry_test3 %d\n", fentry_test3(4, 5, 6));
	printf("fentry_test4 %d\n", fentry_test4(P(7), 8, 9, 10));
	printf("fentry_test5 %d\n", fentry_test5(11, P(12), 13, 14, 15));
	printf("fentry_test6 %d\n", fentry_test6(16, P(17), 18, 19, P(20), 21));
	printf("fentry_test7 %d\n", fentry_test7(NULL));
	printf("fentry_test8 %d\n", fentry_test8(&h));
	printf("fentry_test9 %u\n", fentry_test9(&zero));
	printf("fentry_test10 %d\n", fentry_test10(P(30)));
}

/* As the kernel's test run reports it: sum of the results, number of changed *b. */
static void kernel_modify(void)
{
	int b = 2, side = 0, sum;

	sum = modify_return_test(1, &b);
	side += b != 2;
	b = 2;
	sum += modify_return_test2(1, &b, 3, 4, P(5), 6, 7);
	side += b != 2;
	printf("modify %d %d\n", sum, side);
}

static void kernel_testmod(void)
{
	struct pair_ll p = { 2, 3 };
	struct one_int o = { 10 };
	struct pair_ui u = { 21, 22 };
	struct mixed m = { 23, 24, 25, 26 };
	struct flexible *f = malloc(sizeof(*f) + sizeof(int));

	f->a = 0;
	f->b[0] = 1;
	printf("testmod_fentry_test1 %d\n", testmod_fentry_test1(1));
	printf("testmod_fentry_test2 %d\n", testmod_fentry_test2(2, 3));
	printf("testmod_fentry_test3 %d\n", testmod_fentry_test3(4, 5, 6));
	printf("testmod_fentry_test7 %d\n", testmod_fentry_test7(16, P(17), 18, 19, P(20), 21, 22));
	printf("testmod_fentry_test11 %d\n",
	       testmod_fentry_test11(16, P(17), 18, 19, P(20), 21, 22, 23, 24, 25, 26));
	printf("struct_arg_1 %d\n", struct_arg_1(p, 1, 4));
	printf("struct_arg_2 %d\n", struct_arg_2(1, p, 4));
	printf("struct_arg_3 %d\n", struct_arg_3(1, 4, p));
	printf("struct_arg_4 %d\n", struct_arg_4(o, 1, 2, 3, p));
	printf("struct_arg_5 %d\n", struct_arg_5());
	printf("struct_arg_6 %d\n", struct_arg_6(f));
	printf("struct_arg_7 %d\n", struct_arg_7(16, P(17), 18, 19, P(20), u));
	printf("struct_arg_8 %d\n", struct_arg_8(16, P(17), 18, 19, P(20), u, 23));
	printf("struct_arg_9 %d\n", struct_arg_9(16, P(17), 18, 19, P(20), 21, 22, m, 27));
	free(f);
}

static const struct pair_li x = { 0x1000000000000001L, 2 }, y = { 3, -4 }, z = { 5, 6 },
			    w = { 7, 8 }, v = { 9, 10 }, u = { 11, 12 };

/* Pointers of another type: the halves that the callee does not look at hold garbage. */
static void fx_dirty(void)
{
	int (*volatile g7)(long, long, long, long, long, long, long) = P(fx_f7);
	int (*volatile g7c)(long, long, long, long, long, long, long) = P(fx_f7c);
	int (*volatile g8)(long, long, long, long, long, long, long, long) = P(fx_f8);

	printf("f7garb %d\n", g7(0x1111111111111111, 0x2222222222222222, (long)0xdeadbeef33333333,
				 (long)0xdeadbeef44444444, 0x5555555555555555,
				 (long)0xdeadbeefcafeba66, (long)0xdeadbeef77777777));
	printf("f7cgarb %d\n", g7c(1, 2, 3, 4, 5, 6, (long)0xdeadbeefcafeba77));
	printf("f8garb %d\n",
	       g8(1, 2, 3, 4, 5, 6, (long)0xdeadbeef77777777, (long)0xdeadbeefcafe8888));
}

static void fx_dirty_bool(void)
{
	int (*volatile gb)(long, long, long, long, long, long, long, long, long) = P(fx_bool);

	printf("boolgarb %d\n",
	       gb(0xdead0001, (long)0xdeadbeef00000001, (long)0xdeadbeefcafefffd,
		  (long)0xdeadbeefcafeba05, (long)0xdeadbeefcafebafb, (long)0xdeadbeefcafe0006,
		  (long)0xdeadbeefcafeba01, (long)0xdeadbeefcafebaf8, (long)0xdeadbeefcafefff7));
}

static void fx_scalars(void)
{
	printf("f6 %d\n", fx_f6(16, P(17), 18, 19, P(20), 21));
	printf("f7 %d\n", fx_f7(16, P(17), 18, 19, P(20), 21, 22));
	printf("f7neg %d\n", fx_f7(16, P(17), -18, -19, P(20), -21, -22));
	fx_dirty();
	printf("f11 %d\n", fx_f11(16, P(17), 18, 19, P(20), 21, 22, 23, 24, 25, 26));
	printf("f12 %ld\n", fx_f12(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
	printf("f13 %ld\n", fx_f13(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
	printf("f14 %ld\n", fx_f14(-1, 2, -3, 4, -5, 6, 7, -8, 9, -10, 11, -12, 13, 200));
	printf("f20 %ld\n", fx_f20(1, 2, 3, 4, 5, 6, -7, -8, -9, 10, 211, 60012, 4000000013u,
				   0xf000000000000014, P(15), true, E2, -18, y, -20));
}

static void fx_structs(void)
{
	struct s1 a1 = { -1 };
	struct one_int a4 = { -2 };
	struct s8 a8 = { 3, -4 };
	struct s12 a12 = { 5, 6, -7 };
	struct spk pk = { 1, 2, 3 };
	struct sal al = { 4 };
	struct sal2 al2 = { 5, 6 };
	static const union u8b ub = { .i = -3 };
	union u16b uw = { .l = { 11, 12 } };
	struct s0 z0 = {};
	struct s24 s24 = { 1, 2, 3 };
	__int128 q = ((__int128)0x77 << 64) | 0x66;

	printf("dis %d\n", fx_dis(1, 2, 3, 4, 5, y, 7));
	printf("dis2 %d\n", fx_dis2(1, 2, 3, 4, x, y, 70, 80));
	printf("s16r %d\n", fx_s16r(x, y, z));
	printf("s16x4 %d\n", fx_s16x4(x, y, z, w));
	printf("s16x6 %d\n", fx_s16x6(x, y, z, w, v, u));
	printf("s16x7 %d\n", fx_s16x7(x, y, z, w, v, u, x));
	printf("small %d\n", fx_small(a1, a4, a8, a12));
	printf("pk %d\n", fx_pk(1, pk, 2));
	printf("al %d\n", fx_al(1, al, 2));
	printf("al2 %d\n", fx_al2(1, 2, 3, 4, 5, 6, 7, al2, 9));
	printf("i128 %d\n", fx_i128(1, q, 2));
	printf("i128s %d\n", fx_i128s(1, 2, 3, 4, 5, 6, 7, q, 9));
	printf("un %d\n", fx_un(1, ub, uw));
	printf("empty %d\n", fx_empty(1, z0, 2));
	printf("s24 %d\n", fx_s24(1, s24));
}

static void fx_results(void)
{
	printf("bool %d\n", fx_bool(true, E2, -3, 200, -5, 60000, true, -8, -9));
	fx_dirty_bool();
	fx_void(1, 2, 3, 4, 5, 6, 7, 8);
	printf("ret16 %d\n", fx_ret16(4).b);
	printf("reti128 %ld\n", (long)fx_reti128(4));
	printf("var %d\n", fx_var(1, 2, 3));
	printf("retc %d\n", fx_retc(-5));
	printf("rets %d\n", fx_rets(-6));
	printf("retb %d\n", fx_retb(5));
	printf("ret64 %llx\n", fx_ret64(0x5000000000000000ULL));
}

static void fx_changed(void)
{
	int b = 2;

	printf("mod %d\n", fx_mod(1, &b, 3, 4, P(5), 6, 7, 8));
	printf(" mod.b %d\n", b);
	printf("mod12 %ld\n", fx_mod12(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
	printf("rec %d\n", fx_rec(5));
	printf("align %d\n", fx_align(1, 2, 3, 4, 5, 6, 7));
	printf(" align.fp%%16 %ld\n", fx_align_rsp & 15);
	printf("nt %d\n", fx_nt(1));
	printf("self %d\n", fx_self(6, fx_rec));
}

static void recorded(void)
{
	fx_scalars();
	fx_structs();
	fx_results();
	fx_changed();
}

void sleep_inside(void)
{
	char c = 0;

	printf("inside\n\n");
	fflush(stdout);
	while (c != '\n' && read(0, &c, 1) == 1)
		;
}

static void long_sleep(void)
{
	printf("sleep %d\n", fx_sleep(400, 2, 3, 4, 5, 6, 7, 8));
}

static void mod_only(void)
{
	int b = 2, ret = fx_mod(1, &b, 3, 4, P(5), 6, 7, 8);

	printf("mod %d b %d\n", ret, b);
}

static void test1_only(void)
{
	printf("fentry_test1 %d\n", fentry_test1(1));
}

static void recurse(void)
{
	printf("nest %d\n", fx_nest(20));
}

static void allocate(void)
{
	static volatile size_t magic = 4242, plain = 100;
	void *volatile p = malloc(magic), *volatile q = malloc(plain);

	printf("malloc %s %s\n", p ? "memory" : "NULL", q ? "memory" : "NULL");
	free(p);
	free(q);
}

static const struct {
	const char *name;
	void (*run)(void);
} commands[] = {
	{ "builtin", kernel_builtin }, { "modify", kernel_modify }, { "testmod", kernel_testmod },
	{ "recorded", recorded },      { "sleep", long_sleep },     { "mod", mod_only },
	{ "test1", test1_only },       { "malloc", allocate },      { "nest", recurse },
};

static const struct {
	const char *name;
	void *addr;
} addresses[] = {
	{ "fx_sleep", P(fx_sleep) },
	{ "fx_mod", P(fx_mod) },
	{ "fentry_test1", P(fentry_test1) },
	{ "fentry_test2", P(fentry_test2) },
	{ "fentry_test3", P(fentry_test3) },
	{ "fentry_test4", P(fentry_test4) },
	{ "fentry_test5", P(fentry_test5) },
	{ "fentry_test6", P(fentry_test6) },
	{ "fentry_test7", P(fentry_test7) },
	{ "fentry_test8", P(fentry_test8) },
	{ "fentry_test9", P(fentry_test9) },
	{ "fentry_test10", P(fentry_test10) },
	{ "modify_return_test", P(modify_return_test) },
};

int main(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			if (!strcmp(line, commands[i].name))
				commands[i].run();
		}
		for (unsigned i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
			if (!strcmp(line, addresses[i].name))
				printf("%p\n", addresses[i].addr);
		}
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
