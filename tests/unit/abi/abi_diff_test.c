/*
 * tests/unit/abi/abi_diff_test.c - hold abi_assign() to what a compiler really does.
 *
 *	abi_diff_test CASES.so [CASES.so...]
 *
 * Each generated caller (gen_types.py) calls spy(), which is no function of its prototype: it
 * records every argument register and the caller's stack, and returns known values in the
 * registers where abi_assign() says that the result is.  Then each argument's bytes are
 * compared at the place abi_assign() gives, and the result as the caller stored it.
 *
 * Not compared: what abi_assign() leaves open though it knows the compiler; it is counted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi_case.h"

#include "base/types.h"
#include "model/func_model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../skip.h"

#define STACK_COPY  8192
#define MAX_RESULT  8192
#define MAX_REPORTS 10

/* Offsets are used by the assembly below. */
struct spy {
	uint64_t gpr[6];                 /* 0 */
	uint64_t sp;                     /* 48: at entry */
	uint64_t level;                  /* 56: 0 SSE, 1 AVX, 2 AVX-512 */
	_Alignas(64) uint8_t xmm[8][64]; /* 64 */
	uint64_t out_gpr[2];             /* 576 */
	uint64_t out_nst;                /* 592 */
	uint8_t out_st[2][16];           /* 600: eight too few to be aligned; fldt does not mind */
	_Alignas(64) uint8_t out_xmm[2][64]; /* 640 */
};

_Static_assert(offsetof(struct spy, sp) == 48 && offsetof(struct spy, level) == 56 &&
		       offsetof(struct spy, xmm) == 64 && offsetof(struct spy, out_gpr) == 576 &&
		       offsetof(struct spy, out_st) == 600 && offsetof(struct spy, out_xmm) == 640,
	       "the assembly knows these");

__attribute__((used, visibility("hidden"))) struct spy spy_rec;
__attribute__((used, visibility("hidden"))) void spy_hook(void);
void spy(void);

/* clang-format off */
__asm__(
	".text\n"
	".globl spy\n"
	".hidden spy\n"
	"spy:	mov %rdi, spy_rec(%rip)\n"
	"	mov %rsi, 8+spy_rec(%rip)\n"
	"	mov %rdx, 16+spy_rec(%rip)\n"
	"	mov %rcx, 24+spy_rec(%rip)\n"
	"	mov %r8, 32+spy_rec(%rip)\n"
	"	mov %r9, 40+spy_rec(%rip)\n"
	"	mov %rsp, 48+spy_rec(%rip)\n"
	"	cmpq $1, 56+spy_rec(%rip)\n"
	"	ja 2f\n"
	"	je 1f\n"
	"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	movups %xmm\\n, 64+64*\\n+spy_rec(%rip)\n"
	"	.endr\n"
	"	jmp 3f\n"
	"1:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	vmovups %ymm\\n, 64+64*\\n+spy_rec(%rip)\n"
	"	.endr\n"
	"	jmp 3f\n"
	"2:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	vmovups %zmm\\n, 64+64*\\n+spy_rec(%rip)\n"
	"	.endr\n"
	"3:	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	and $-64, %rsp\n"
	"	call spy_hook\n"
	"	leave\n"
	"	mov 576+spy_rec(%rip), %rax\n"
	"	mov 584+spy_rec(%rip), %rdx\n"
	"	cmpq $1, 56+spy_rec(%rip)\n"
	"	ja 2f\n"
	"	je 1f\n"
	"	movups 640+spy_rec(%rip), %xmm0\n"
	"	movups 704+spy_rec(%rip), %xmm1\n"
	"	jmp 3f\n"
	"1:	vmovups 640+spy_rec(%rip), %ymm0\n"
	"	vmovups 704+spy_rec(%rip), %ymm1\n"
	"	jmp 3f\n"
	"2:	vmovups 640+spy_rec(%rip), %zmm0\n"
	"	vmovups 704+spy_rec(%rip), %zmm1\n"
	"3:	cmpq $1, 592+spy_rec(%rip)\n"
	"	jb 5f\n"
	"	je 4f\n"
	"	fldt 616+spy_rec(%rip)\n"
	"4:	fldt 600+spy_rec(%rip)\n"
	"5:	ret\n");
/* clang-format on */

/* The case being run; spy_hook() is called without arguments. */
static struct {
	const struct func_model *model;
	const uint8_t *result;
	unsigned result_size, hits;
	int first_bad; /* argument, or nargs for the result */
	uint8_t stack[STACK_COPY];
} now;

struct cases {
	const char *name;
	const struct abi_case *at;
	unsigned n;
	struct abi_dialect by;
	unsigned wide;
};

static void put_result(const struct abi_place *p)
{
	for (unsigned i = 0; i < p->nregs; i++) {
		size_t piece = p->wide ? 64 : p->file[i] == ABI_ST ? 16 : 8;
		uint8_t *to = p->file[i] == ABI_GPR ? (uint8_t *)&spy_rec.out_gpr[p->num[i]] :
			      p->file[i] == ABI_XMM ? spy_rec.out_xmm[p->num[i]] :
						      spy_rec.out_st[p->num[i]];
		size_t left = now.result_size - i * piece;

		memcpy(to, now.result + i * piece, left < piece ? left : piece);
		spy_rec.out_nst += p->file[i] == ABI_ST;
	}
}

/* As far as arguments lie on it, K known or not.  It is the caller's, of whose frame ASan knows more. */
__attribute__((no_sanitize("address"))) static void copy_stack(void)
{
	const struct func_model *m = now.model;
	size_t end = m->call.stack_bytes;

	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (!v->place.none && v->place.stack + v->size > end)
			end = v->place.stack + v->size;
	}
	assert_true(end <= STACK_COPY);
	for (size_t i = 0; i < end; i++)
		now.stack[i] = ((const volatile uint8_t *)spy_rec.sp)[8 + i];
}

void spy_hook(void)
{
	now.hits++;
	copy_stack();
	memset(spy_rec.out_gpr, 0xa5, sizeof(spy_rec.out_gpr));
	memset(spy_rec.out_xmm, 0xa5, sizeof(spy_rec.out_xmm));
	spy_rec.out_nst = 0;
	if (now.model->call.sret) {
		memcpy((uint8_t *)spy_rec.gpr[0], now.result, now.result_size);
		spy_rec.out_gpr[0] = spy_rec.gpr[0];
	} else {
		put_result(&now.model->ret.place);
	}
}

/* Collect the bytes of an argument from where the model says it is. */
static void fetch(const struct abi_place *p, uint8_t *to, unsigned size)
{
	if (!p->nregs) {
		memcpy(to, now.stack + p->stack, size);
		return;
	}
	for (unsigned i = 0; i < p->nregs; i++) {
		unsigned piece = p->wide ? 64 : 8, left = size - 8 * i;
		const uint8_t *from =
			p->file[i] == ABI_STACK ? now.stack + p->stack :
			p->file[i] == ABI_GPR   ? (const uint8_t *)&spy_rec.gpr[p->num[i]] :
						  spy_rec.xmm[p->num[i]];

		memcpy(to + 8 * i, from, left < piece ? left : piece);
	}
}

/* 1 and a note of the first one if the argument, or with i == nargs the result, is wrong. */
static unsigned compare(const struct abi_case *c, unsigned i, unsigned off, const uint8_t *got)
{
	unsigned size = i == c->nargs ? c->ret_size : c->size[i];

	for (unsigned k = 0; k < size; k++) {
		if ((got[k] ^ c->value[off + k]) & c->mask[off + k]) {
			if (now.first_bad < 0)
				now.first_bad = (int)i;
			return 1;
		}
	}
	return 0;
}

static unsigned check_args(const struct abi_case *c)
{
	static uint8_t got[MAX_RESULT];
	unsigned bad = 0, off = 0;

	for (unsigned i = 0; i < c->nargs; i++) {
		const struct abi_place *p = &now.model->arg[i].place;

		memset(got, 0, sizeof(got));
		if (p->none) {
			bad += c->size[i] != 0;
		} else {
			fetch(p, got, c->size[i]);
			bad += compare(c, i, off, got);
		}
		if (!p->none && !p->nregs && (spy_rec.sp + 8) % now.model->call.stack_align)
			bad++;
		off += c->size[i];
	}
	return bad;
}

static unsigned run_case(const struct abi_case *c)
{
	static _Alignas(64) uint8_t out[MAX_RESULT];
	unsigned bad, ret_at = 0;

	for (unsigned i = 0; i < c->nargs; i++)
		ret_at += c->size[i];
	now.result = c->value + ret_at;
	now.result_size = c->ret_size;
	now.hits = 0;
	now.first_bad = -1;
	memset(out, 0x5a, sizeof(out));
	c->call((void *)(uintptr_t)spy, c->value, out);
	assert_int_equal(now.hits, 1);
	bad = check_args(c);
	bad += compare(c, c->nargs, ret_at, out);
	return bad;
}

static void report(const struct cases *cs, unsigned i)
{
	char places[1024];

	func_model_format(now.model, places, sizeof(places));
	print_error("%s: case %u: %s\n    %s: value %d\n", cs->name, i, cs->at[i].sig, places,
		    now.first_bad);
}

static void test_places(void **state)
{
	const struct cases *cs = *state;
	unsigned bad = 0, skipped = 0;

	for (unsigned i = 0; i < cs->n; i++) {
		struct func_model *m;
		struct diag d = { "" };
		int err = func_model_parse_by(cs->at[i].sig, &cs->by, &m, &d);

		if (err)
			print_error("%s: %s\n", cs->at[i].sig, diag_text(&d, err));
		assert_int_equal(err, 0);
		assert_int_equal(m->nargs, cs->at[i].nargs);
		assert_true(m->call.stack_bytes <= STACK_COPY && cs->at[i].ret_size <= MAX_RESULT);
		now.model = m;
		if (m->call.disputed || m->ret.place.disputed) {
			skipped++;
		} else if (run_case(&cs->at[i])) {
			if (bad++ < MAX_REPORTS)
				report(cs, i);
		}
		func_model_free(m);
	}
	print_message("# %s: %u calls, %u not compared, %u wrong\n", cs->name, cs->n, skipped, bad);
	assert_int_equal(bad, 0);
	assert_true(skipped <= cs->n / 100);
}

static bool machine_has(unsigned wide)
{
	return wide <= 16 ||
	       (wide == 32 ? __builtin_cpu_supports("avx2") : __builtin_cpu_supports("avx512f"));
}

static void test_skipped(void **state)
{
	SKIP_TEST("vectors that this machine has not");
}

static void open_cases(const char *path, struct cases *cs)
{
	const unsigned *n, *wide, *by, *version;
	void *so = dlopen(path, RTLD_NOW);

	if (!so) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	cs->name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	cs->at = dlsym(so, "abi_cases");
	n = dlsym(so, "abi_ncases");
	by = dlsym(so, "abi_by");
	version = dlsym(so, "abi_version");
	wide = dlsym(so, "abi_wide");
	if (!cs->at || !n || !by || !version || !wide)
		exit(2);
	cs->n = *n;
	cs->by = (struct abi_dialect){ .by = (uint8_t)*by,
				       .version = (uint16_t)*version,
				       .vector = *wide ? (uint8_t)*wide : 16 };
	cs->wide = *wide;
}

int main(int argc, char **argv)
{
	static struct cases cases[16];
	struct CMUnitTest tests[ARRAY_LEN(cases)];
	unsigned n = 0;

	spy_rec.level = __builtin_cpu_supports("avx512f") ? 2 :
			__builtin_cpu_supports("avx")     ? 1 :
							    0;
	for (; n + 1 < (unsigned)argc && n < ARRAY_LEN(cases); n++) {
		open_cases(argv[n + 1], &cases[n]);
		tests[n] = (struct CMUnitTest){
			.name = cases[n].name,
			.test_func = machine_has(cases[n].wide) ? test_places : test_skipped,
			.initial_state = &cases[n],
		};
	}
	return _cmocka_run_group_tests("abi places", tests, n, NULL, NULL);
}
