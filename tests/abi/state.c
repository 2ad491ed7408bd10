/*
 * state.c - fill all registers before and behind a call through a trampoline, and compare them.
 *
 * A trampoline hands on every register as it got it, in both directions, but for rsp: more than
 * the psABI asks of a call (gcc's -fipa-ra relies on it).  The stubs of stubs.S store all of them
 * in abi_state at four places: [0] where the caller enters the trampoline, [1] where it enters
 * the callee, [2] where the callee returns, [3] where the caller goes on.  What carries no
 * argument or result is filled at random at [0] and [2]: upper halves of vectors, mask registers,
 * rounding modes, r10, r11.
 *
 * Built with -mgeneral-regs-only, as log.c is.  Spec: SDM vol. 1, 13.4 (layout of XSAVE).
 */
#include "abi.h"

#include <cpuid.h>
#include <string.h>

#define X87_CW  0
#define X87_SW  2
#define X87_TAG 4
#define MXCSR   24
#define ST0     32
#define XMM0    160
#define COMPS   8
#define WANTED  0xe7u /* x87, SSE, AVX, masks, both parts of AVX-512 */
#define ABOVE   512   /* bytes of the caller's stack that are compared */
#define DF      0x400u

enum { RAX, RSP = 4, RBP, R10 = 10 };

struct state abi_state[4];
uint32_t abi_components;
void *abi_code, *abi_callee;
unsigned abi_widest, abi_result_wide, abi_result_x87, abi_arrived;
struct changed abi_changed;

static uint32_t where[COMPS], size[COMPS];
static uint64_t random_state = 0x1234567, back[2];
static uint8_t above[ABOVE];
static uint16_t own_cw;
static uint32_t own_mxcsr;

static uint8_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint8_t)(random_state >> 24);
}

static void fill(void *p, unsigned n)
{
	for (uint8_t *b = p; n--; b++)
		*b = rnd();
}

/* By no function of libc: sanitizers look at what it reads. */
static void keep_stack(uint64_t from)
{
	const volatile uint8_t *p = (const volatile uint8_t *)from;

	for (unsigned i = 0; i < ABOVE; i++)
		above[i] = p[i];
}

void abi_written(uint64_t at, const uint8_t *bytes, unsigned n)
{
	uint64_t from = abi_state[0].gpr[RSP] + 8;

	for (unsigned i = 0; i < n; i++) {
		if (at + i >= from && at + i < from + ABOVE)
			above[at + i - from] = bytes[i];
	}
}

bool abi_find_components(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return false;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	abi_components = a & WANTED;
	for (unsigned i = 2; i < COMPS; i++) {
		if (abi_components & 1u << i)
			__get_cpuid_count(0xd, i, &size[i], &where[i], &c, &d);
	}
	return true;
}

static void note(const char *what, unsigned at)
{
	if (!abi_changed.what)
		abi_changed = (struct changed){ what, at };
}

static void compare(const char *what, const void *a, const void *b, unsigned from, unsigned n,
		    unsigned unit)
{
	const uint8_t *x = a, *y = b;

	for (unsigned i = from; i < n; i++) {
		if (x[i] != y[i]) {
			note(what, i / unit);
			return;
		}
	}
}

/* Registers of x87 were pushed: the stack's top has moved, as many more registers are in use. */
static void compare_loaded(const uint8_t *a, const uint8_t *b, unsigned loaded)
{
	unsigned top = a[X87_SW + 1] >> 3 & 7, tags = a[X87_TAG];

	for (unsigned i = 0; i < loaded; i++) {
		top = (top + 7) & 7;
		tags |= 1u << top;
	}
	compare("x87 control: byte", a + X87_CW, b + X87_CW, 0, 2, 1);
	if (b[X87_SW] != a[X87_SW] || (b[X87_SW + 1] >> 3 & 7) != top)
		note("x87 exceptions, top:", b[X87_SW + 1]);
	if (b[X87_TAG] != tags)
		note("x87 tags", b[X87_TAG]);
}

/* Vectors from number first on; loaded: registers that x87's stack gained.  What the last x87 instruction was is the kernel's affair. */
static void compare_extended(const uint8_t *a, const uint8_t *b, unsigned first, unsigned loaded)
{
	static const struct {
		const char *name;
		unsigned unit;
		bool by_number;
	} part[COMPS] = {
		[2] = { "upper half of ymm", 16, true },
		[5] = { "mask register", 8, false },
		[6] = { "upper half of zmm", 32, true },
		[7] = { "zmm from 16 on:", 64, false },
	};

	if (loaded)
		compare_loaded(a, b, loaded);
	else
		compare("x87 control, status, tags: byte", a + X87_CW, b + X87_CW, 0, X87_TAG + 1,
			1);
	compare("mxcsr", a + MXCSR, b + MXCSR, 0, 4, 4);
	compare("st", a + ST0, b + ST0 + 16 * loaded, 0, 128 - 16 * loaded, 16);
	compare("xmm", a + XMM0, b + XMM0, 16 * first, 256, 16);
	for (unsigned i = 2; i < COMPS; i++) {
		if (size[i])
			compare(part[i].name, a + where[i], b + where[i],
				part[i].by_number ? first * part[i].unit : 0, size[i],
				part[i].unit);
	}
}

/* rbp: that of the trampoline's frame, where it has one. */
static void compare_gpr(const struct state *a, const struct state *b, bool rbp)
{
	for (unsigned i = 0; i < 16; i++) {
		if (i != RSP && (i != RBP || rbp) && a->gpr[i] != b->gpr[i])
			note("general register", i);
	}
	if ((a->flags ^ b->flags) & DF)
		note("direction flag", 0);
}

/* Upper parts of the vectors that are wider than what travels, from number first on all. */
static void fill_vectors(uint8_t *x, unsigned widest, unsigned first)
{
	uint64_t all = abi_components;

	fill(x + XMM0 + 16 * first, 256 - 16 * first);
	if (size[2])
		fill(x + where[2] + (widest >= 32 ? 16 * first : 0),
		     size[2] - (widest >= 32 ? 16 * first : 0));
	if (size[6])
		fill(x + where[6] + (widest >= 64 ? 32 * first : 0),
		     size[6] - (widest >= 64 ? 32 * first : 0));
	if (size[5])
		fill(x + where[5], size[5]);
	if (size[7])
		fill(x + where[7], size[7]);
	memcpy(x + 512, &all, 8);
}

static void swap_return(struct state *s, unsigned which, void (*to)(void))
{
	uint64_t *at = (uint64_t *)s->gpr[RSP];

	back[which] = *at;
	*at = (uint64_t)to;
}

void abi_at_entry(void)
{
	struct state *s = &abi_state[0];
	uint16_t cw;
	uint32_t mxcsr;

	abi_arrived = 0;
	abi_changed.what = NULL;
	memcpy(&own_cw, s->x + X87_CW, 2);
	memcpy(&own_mxcsr, s->x + MXCSR, 4);
	cw = (uint16_t)(0x037f | (rnd() & 0x0c) << 8);
	mxcsr = (uint32_t)(0x1f80 | (rnd() & 0x7f) | (rnd() & 0xe0) << 8);
	memcpy(s->x + X87_CW, &cw, 2);
	memcpy(s->x + MXCSR, &mxcsr, 4);
	fill(&s->gpr[RAX], 8);
	fill(&s->gpr[R10], 16);
	fill_vectors(s->x, abi_widest, 8);
	keep_stack(s->gpr[RSP] + 8);
	swap_return(s, 0, abi_home);
}

void abi_at_callee(void)
{
	struct state *a = &abi_state[0], *b = &abi_state[1];

	abi_arrived++;
	compare_gpr(a, b, a->gpr[RSP] == b->gpr[RSP]);
	compare_extended(a->x, b->x, 0, 0);
	if ((a->gpr[RSP] ^ b->gpr[RSP]) % 64)
		note("rsp mod 64", (unsigned)(b->gpr[RSP] % 64));
	compare("caller's stack, by programs before", above, (void *)(a->gpr[RSP] + 8), 0, ABOVE,
		1);
	swap_return(b, 1, abi_leave);
}

/* rcx, rsi, rdi, r8-r11 hold nothing: a trampoline hands them on all the same. */
void abi_from_callee(void)
{
	static const uint8_t free_gpr[] = { 1, 6, 7, 8, 9, 10, 11 };
	struct state *s = &abi_state[2];

	for (unsigned i = 0; i < sizeof(free_gpr); i++)
		fill(&s->gpr[free_gpr[i]], 8);
	fill_vectors(s->x, abi_result_wide, 2);
	*(uint64_t *)s->gpr[RSP] = back[1];
	keep_stack(abi_state[0].gpr[RSP] + 8);
}

void abi_at_caller(void)
{
	struct state *s = &abi_state[3];

	if (s->gpr[RSP] != abi_state[0].gpr[RSP])
		note("rsp", 0);
	compare("callee-saved register", &abi_state[0].gpr[RBP], &s->gpr[RBP], 0, 8, 8);
	if (abi_arrived) {
		compare_gpr(&abi_state[2], s, false);
		compare_extended(abi_state[2].x, s->x, 0, 0);
	} else { /* skipped: the result is the programs' */
		compare_extended(abi_state[0].x, s->x, 2, abi_result_x87);
	}
	compare("caller's stack, by programs behind", above, (void *)(s->gpr[RSP] + 8), 0, ABOVE,
		1);
	memcpy(s->x + X87_CW, &own_cw, 2);
	memcpy(s->x + MXCSR, &own_mxcsr, 4);
	*(uint64_t *)s->gpr[RSP] = back[0];
}
