/*
 * emit_test.c - trampolines for random models and random programs, run on every register.
 *
 * Programs here are "precise": they read just the slots that their facts name, change just
 * the registers that they name, and use what else a body may (scratch, stack below rsp,
 * out-of-line code, leaving without a result).  Some runs are single-stepped: the frame
 * state of each instruction must lead to the caller, and what lies below rsp is destroyed.
 */
#include "harness.h"

#include "tramp/tramp.h"
#include "x86/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "bodies.h"

#define MAX_PROGS 4
#define CODE_SIZE (256 * 1024)
#define FUNC      0x1234567890abcdefull

static uint8_t *code, frame[CODE_SIZE];
static uint32_t code_len;
static volatile unsigned step_errors, steps;
static bool by_call, frameless;
static bool frame_ran[512]; /* by 16 bytes */
static uint64_t tag;
static unsigned asked[2]; /* tail calls, by what became of them */
static uint8_t *page_end; /* nothing is mapped behind it */

/* -- what a program must see --------------------------------------------- */

static uint64_t clean(uint64_t v, uint32_t bytes, bool sign)
{
	unsigned unused = bytes >= 8 ? 0 : 64 - 8 * bytes;

	v <<= unused;
	return sign ? (uint64_t)((int64_t)v >> unused) : v >> unused;
}

static uint64_t value_slot(const struct fm_value *v, unsigned j, const struct state *st,
			   bool result)
{
	static const uint8_t arg_reg[] = { 7, 6, 2, 1, 8, 9 }, ret_reg[] = { 0, 2 };
	uint64_t w = 0;

	if (v->flags & FM_BY_ADDR && !v->place.by_ref && !result)
		return h_in.gpr[4] + v->place.stack;
	if (result && !v->place.nregs && v->size > 16)
		return j ? 0 : st->gpr[0];
	if (result && !v->place.nregs) { /* shown, if rax is what came in rdi */
		if (st->gpr[0] != h_in.gpr[7])
			return 0;
		memcpy(&w, (const uint8_t *)st->gpr[0] + 8 * j,
		       v->size - 8 * j > 8 ? 8 : v->size - 8 * j);
		return w;
	}
	if (result && v->place.nregs && v->place.file[0] == ABI_ST) {
		memcpy(&w, harness_st[j / 2] + 8 * (j % 2), j % 2 ? 2 : 8);
		return w;
	}
	if (v->place.wide && v->place.nregs)
		return st->xmm[v->place.num[0]][j];
	if (!v->place.nregs)
		memcpy(&w, harness_stack + v->place.stack + 8 * j, 8);
	else if (j >= v->place.nregs)
		return 0;
	else if (v->place.file[j] == ABI_XMM)
		w = st->xmm[v->place.num[j]][0];
	else
		w = st->gpr[result ? ret_reg[v->place.num[j]] : arg_reg[v->place.num[j]]];
	return v->place.by_ref ? w : clean(w, v->size - 8 * j, v->flags & FM_SIGNED);
}

static uint64_t arg_slot(const struct func_model *m, unsigned slot)
{
	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (v->nslots && slot >= v->slot && slot < v->slot + v->nslots)
			return value_slot(v, slot - v->slot, &h_in, false);
	}
	fail_msg("no argument has slot %u", slot);
	return 0;
}

/* -- one run ------------------------------------------------------------- */

struct run {
	struct func_model *m;
	char sig[1024];
	struct tramp_spec spec;
	struct tramp_plan plan;
	struct body body[TRAMP_KINDS][MAX_PROGS];
	struct tramp_body tb[TRAMP_KINDS][MAX_PROGS];
	struct tramp_prog prog[TRAMP_KINDS][MAX_PROGS];
	struct body_log log[TRAMP_KINDS][MAX_PROGS];
	int decider; /* fmod_ret program that decides, or -1 */
	bool bare;   /* only entry programs, most of which need no frame */
	bool inside; /* the caller is in the rooms, so this may be a tail call */
};

/* It shares the frame of an open call: no exit, and it is jumped to. */
static bool shares(const struct run *r)
{
	return r->plan.tails && r->inside && harness_shares;
}

static bool calls(const struct run *r)
{
	return r->plan.call_orig && !shares(r);
}

static void random_body(uint64_t *s, struct run *r, unsigned kind, unsigned i)
{
	struct body *b = &r->body[kind][i];
	unsigned slots = r->m->nslots + (kind == TRAMP_FENTRY ? 0 : r->m->ret.nslots);

	*b = (struct body){ .log = &r->log[kind][i], .result_slot = r->m->nslots };
	b->nread = slots ? rnd_below(s, 2) * rnd_below(s, 16) : 0;
	for (unsigned k = 0; k < b->nread; k++)
		b->read[k] = (uint16_t)rnd_below(s, slots);
	b->count = rnd(s) & 1;
	b->ip = rnd(s) & 1;
	b->outline = rnd_below(s, 3) == 0;
	b->clobbers = (x86_regset)(rnd(s) & (X86_CALLER_SAVED | 0xf000 | X86_REG(RBX)));
	b->ptr = (enum x86_gpr[]){ RCX, RDX, RDI, R11, RBX, R15 }[rnd_below(s, 6)];
	b->clobbers |= X86_REG(RAX) | X86_REG(b->ptr);
	b->r0 = kind == TRAMP_FMOD_RET && rnd_below(s, 3) ? 0 : rnd(s);
	b->skip = rnd_below(s, 5) == 0;
	b->override = kind == TRAMP_FMOD_RET && !b->skip && rnd_below(s, 4) == 0;
	b->value = rnd(s) << rnd_below(s, 64);
	b->no_frame = rnd_below(s, 4) < (r->bare ? 3u : 1u);
	b->any_stack = b->no_frame || rnd(s) & 1;
	b->scratch = !b->no_frame && rnd(s) & 1;
	b->room = b->no_frame || rnd(s) & 1 ? 0 : 8 * rnd_below(s, 20);
	b->direct = rnd_below(s, 3) > 0;
	if (b->no_frame) {
		b->nread = b->direct ? b->nread : 0;
		b->count = b->ip = b->outline = b->override = false;
	}
	if (r->bare)
		b->clobbers &= X86_CALLER_SAVED;
	if (r->bare && !(b->clobbers & X86_REG(b->ptr)))
		b->clobbers |= X86_REG(b->ptr = RDX);
	r->tb[kind][i] = precise_body(b);
	r->prog[kind][i].body = &r->tb[kind][i];
}

static bool wide_reads(const struct run *r)
{
	for (unsigned i = 0; i < r->m->nargs; i++) {
		if (r->m->arg[i].nslots > 2)
			return true;
	}
	return false;
}

/* Around the caller's return address, beside it (by 64 KiB), or none; the other slab may be far away. */
static void random_rooms(uint64_t *s, struct run *r)
{
	taddr_t ret = (taddr_t)harness_returned, far = 0x7fff00000000;
	unsigned which = rnd_below(s, 3), size = 1 + rnd_below(s, 28 << 20);

	if (rnd_below(s, 3) == 0)
		return;
	r->spec.tail = (taddr_t)harness_tail;
	r->spec.tagged = true;
	r->inside = rnd_below(s, 3) > 0;
	for (unsigned i = 0; i < 2; i++)
		r->spec.room[i].hi = 1 + (r->spec.room[i].lo = far + i * (64ull << 20));
	if (which < 2) {
		r->spec.room[which].lo = r->inside ? ret - rnd_below(s, size) : ret + 65536;
		r->spec.room[which].hi = r->spec.room[which].lo + size;
	}
	r->inside &= which < 2;
	if (rnd(s) & 1 && which != 1)
		r->spec.room[1].hi = 0;
	harness_shares = rnd(s) & 1;
}

static bool random_run(uint64_t *s, struct run *r)
{
	bool fmod = rnd_below(s, 3) == 0;
	struct diag d = { "" };

	memset(r, 0, sizeof(*r));
	random_signature(s, r->sig, sizeof(r->sig), fmod);
	if (func_model_parse(r->sig, &r->m, &d) < 0)
		fail_msg("%s: %s", r->sig, d.text);
	assert_false(wide_reads(r));
	r->bare = rnd_below(s, 6) == 0;
	r->spec = (struct tramp_spec){ .model = r->m,
				       .func = rnd(s) & 1 ? FUNC : 0x401000,
				       .original = (taddr_t)harness_callee,
				       .slot = (uint32_t)rnd(s),
				       .tagged = rnd(s) & 1 };
	if (rnd_below(s, 3) == 0) {
		r->spec.entry = TRAMP_BY_CALL;
		r->spec.original = (taddr_t)harness_body;
	}
	if (rnd(s) & 1) {
		r->spec.leave_ret = (taddr_t)harness_leave_ret;
		r->spec.leave_resume = (taddr_t)harness_leave_resume;
	}
	random_rooms(s, r);
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		bool none = (k == TRAMP_FMOD_RET && !fmod) || (k != TRAMP_FENTRY && r->bare);
		unsigned n = none ? 0 : rnd_below(s, MAX_PROGS);

		for (unsigned i = 0; i < n; i++)
			random_body(s, r, k, i);
		r->spec.list[k].prog = r->prog[k];
		r->spec.list[k].n = n;
	}
	r->decider = -1;
	for (unsigned i = 0; i < r->spec.list[TRAMP_FMOD_RET].n; i++) {
		const struct body *b = &r->body[TRAMP_FMOD_RET][i];

		if (!b->skip && (b->override || b->r0)) {
			r->decider = (int)i;
			break;
		}
	}
	return true;
}

static void run_code(uint64_t *s, struct run *r, unsigned shift, bool step)
{
	struct x86_asm a;
	struct diag d = { "" };
	int n;

	if (tramp_plan(&r->spec, &r->plan, &d) < 0)
		fail_msg("%s: %s", r->sig, d.text);
	memset(code, 0xcc, code_len);
	rest_at = 0;
	x86_asm_init(&a, code, frame, CODE_SIZE, (uint64_t)code);
	tramp_emit(&r->plan, &a, NULL);
	n = x86_asm_finish(&a);
	if (n < 0)
		fail_msg("%s: emit %d", r->sig, n);
	code_len = (uint32_t)n;
	if (!rest_at)
		rest_at = code_len;
	tag = FRAME_TAG_MAGIC | r->spec.slot;

	for (unsigned i = 0; i < 16; i++) {
		h_in.gpr[i] = rnd(s);
		h_set.gpr[i] = rnd(s);
		for (unsigned j = 0; j < 2; j++) {
			h_in.xmm[i][j] = rnd(s);
			h_set.xmm[i][j] = rnd(s);
		}
	}
	if (r->m->call.sret && r->m->ret.size <= 16) {
		h_in.gpr[7] = (uint64_t)page_end - r->m->ret.size;
		if (rnd(s) & 1)
			h_set.gpr[0] = h_in.gpr[7];
	}
	harness_k = r->m->call.stack_bytes;
	for (unsigned i = 0; i < harness_k; i++)
		harness_stack[i] = (uint8_t)rnd(s);
	harness_shift = shift;
	harness_runs = harness_left = harness_asked = 0;
	sequence = 0;
	step_errors = 0;
	memset(&h_seen, 0, sizeof(h_seen));
	memset(&h_out, 0, sizeof(h_out));
	harness_step = step;
	frameless = r->plan.frameless;
	by_call = r->spec.entry == TRAMP_BY_CALL;
	h_tramp = code;
	if (r->plan.frame / 16 < ARRAY_LEN(frame_ran))
		frame_ran[r->plan.frame / 16] = true;
	harness_load_x87(s);
	harness_call(by_call ? (void *)harness_patched : code);
	if (!harness_kept_x87())
		fail_msg("%s: x87 changed", r->sig);
}

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			fail_msg("%s:%d: %s", r->sig, __LINE__, #cond); \
	} while (0)

static void check_log(const struct run *r, unsigned kind, unsigned i, uint64_t order)
{
	const struct body_log *log = &r->log[kind][i];
	const struct body *b = &r->body[kind][i];
	const struct fm_value *ret = &r->m->ret;

	CHECK(log->order == order);
	CHECK(b->any_stack || (log->rsp + (b->outline ? 8 : 0)) % 16 == 0);
	CHECK(b->no_frame || log->rsp <= h_in.gpr[4] - r->plan.frame + 15);
	CHECK(!b->count || log->count == (r->m->nslots | (shares(r) ? TRAMP_IS_TAIL : 0)));
	CHECK(!b->ip || log->ip == r->spec.func);
	for (unsigned k = 0; k < b->nread; k++) {
		unsigned slot = b->read[k], j = slot - r->m->nslots;
		const struct body *by = &r->body[TRAMP_FMOD_RET][r->decider < 0 ? 0 : r->decider];
		uint64_t want = 0;

		if (slot < r->m->nslots)
			want = arg_slot(r->m, slot);
		else if (kind == TRAMP_FEXIT && r->decider >= 0)
			want = j ? 0 : by->override ? by->value : by->r0;
		else if (kind == TRAMP_FEXIT)
			want = value_slot(ret, j, &h_set, true);
		if (log->slot[slot] != want)
			fail_msg("%s: kind %u ctx[%u] is %lx, want %lx", r->sig, kind, slot,
				 log->slot[slot], want);
	}
}

static bool needs_no_frame(const struct run *r)
{
	bool none = r->spec.list[TRAMP_FENTRY].n > 0 && !r->spec.list[TRAMP_FMOD_RET].n &&
		    !r->spec.list[TRAMP_FEXIT].n;

	for (unsigned i = 0; i < r->spec.list[TRAMP_FENTRY].n; i++) {
		const struct body *b = &r->body[TRAMP_FENTRY][i];

		none &= b->no_frame && !(b->clobbers & ~X86_CALLER_SAVED);
		for (unsigned n = 0; n < b->nread; n++)
			none &= !tramp_plan_fills(&r->plan, b->read[n]);
	}
	return none;
}

static void check_programs(const struct run *r)
{
	uint64_t order = 0;

	CHECK(r->plan.frameless == needs_no_frame(r));
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < r->spec.list[k].n; i++) {
			bool after = k == TRAMP_FMOD_RET && r->decider >= 0 && (int)i > r->decider;

			after |= k == TRAMP_FEXIT && shares(r);

			if (after)
				CHECK(r->log[k][i].order == 0);
			else
				check_log(r, k, i, ++order);
		}
	}
	CHECK(sequence == order);
}

/* Caller's registers when the function was skipped: at entry, but for the result. */
static void skipped_state(const struct run *r, struct state *want)
{
	const struct body *by = &r->body[TRAMP_FMOD_RET][r->decider];
	const struct fm_value *v = &r->m->ret;

	*want = h_in;
	for (unsigned j = 0; j < v->place.nregs; j++) {
		uint64_t w = j ? 0 : by->override ? by->value : by->r0;

		if (v->place.file[j] == ABI_XMM) {
			want->xmm[v->place.num[j]][0] = w;
			want->xmm[v->place.num[j]][1] = 0;
		} else {
			want->gpr[v->place.num[j] ? 2 : 0] = w;
		}
	}
}

/* Of the stack, between our caller and the original: return address, rbp, what lasts, the copy. */
static uint64_t costs(const struct tramp_plan *p)
{
	return (uint64_t)(p->args - p->out);
}

static void check_state(const struct run *r)
{
	struct state want = h_set;
	const uint8_t kept[] = { 3, 5, 12, 13, 14, 15 };

	if (r->decider >= 0) {
		skipped_state(r, &want);
		CHECK(harness_runs == 0);
	} else {
		CHECK(harness_runs == 1);
		for (unsigned i = 0; i < 16; i++) {
			if (i == 4 || (i == 5 && calls(r)))
				continue; /* rsp below; rbp: our frame, in the chain */
			if (h_seen.gpr[i] != h_in.gpr[i])
				fail_msg("%s: the original got %lx in register %u, not %lx", r->sig,
					 h_seen.gpr[i], i, h_in.gpr[i]);
		}
		CHECK(!memcmp(h_seen.xmm, h_in.xmm, sizeof(h_in.xmm)));
		CHECK(h_seen.gpr[4] % 64 == (h_in.gpr[4] - 8) % 64);
		CHECK(!memcmp(harness_stack_seen, harness_stack, harness_k));
		CHECK(h_seen.gpr[4] == h_in.gpr[4] - 8 - (calls(r) ? costs(&r->plan) : 0));
	}
	for (unsigned i = 0; i < sizeof(kept); i++)
		want.gpr[kept[i]] = h_in.gpr[kept[i]];
	want.gpr[4] = h_in.gpr[4];
	CHECK(!memcmp(want.gpr, h_out.gpr, sizeof(want.gpr)));
	CHECK(!memcmp(want.xmm, h_out.xmm, sizeof(want.xmm)));
	CHECK(!(h_flags & 0x400)); /* DF */
	if (calls(r) || r->decider >= 0)
		CHECK(!memcmp(harness_stack_after, harness_stack, harness_k));
	CHECK(harness_left == (r->spec.leave_ret ? 1 : 0));
	CHECK(harness_asked == (r->plan.tails && r->inside));
	asked[shares(r)] += harness_asked;
	CHECK(!step_errors);
}

/* -- single steps -------------------------------------------------------- */

static uint64_t word_at(uint64_t address)
{
	return *(const uint64_t *)address;
}

/* Entered by call, our caller is the patched function, until its return address is dropped. */
static bool caller_ok(uint64_t cfa)
{
	if (by_call && cfa == h_in.gpr[4] - 8)
		return word_at(cfa - 8) == (uint64_t)harness_body;
	return cfa == h_in.gpr[4] && word_at(cfa - 8) == (uint64_t)harness_returned;
}

static bool frame_ok(uint64_t pc, const greg_t *g)
{
	static const struct {
		uint8_t bit, reg;
		int8_t off;
	} slots[] = { { FRAME_RBX, 3, FRAME_OFF_RBX },
		      { FRAME_R12, 12, FRAME_OFF_R12 },
		      { FRAME_R13, 13, FRAME_OFF_R13 },
		      { FRAME_R14, 14, FRAME_OFF_R14 },
		      { FRAME_R15, 15, FRAME_OFF_R15 } };
	uint64_t rsp = (uint64_t)g[REG_RSP], rbp = (uint64_t)g[REG_RBP];
	uint8_t st = frame[pc - (uint64_t)code];
	uint64_t cfa = st & FRAME_RBP ? rbp + 16 : rsp + 8 + 8 * (st & 0x3f);

	if (pc - (uint64_t)code >= rest_at) /* out-of-line bodies: called by the image */
		return st == FRAME_CFA(0) && word_at(cfa - 8) - (uint64_t)code < code_len;
	if (!caller_ok(cfa))
		return false;
	if (!(st & FRAME_RBP))
		return (st & 0x40 ? word_at(cfa - 16) : rbp) == h_in.gpr[5];
	if (word_at(cfa - 16) != h_in.gpr[5] ||
	    (st & FRAME_TAG && word_at(rbp + (uint64_t)FRAME_OFF_TAG) != tag))
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(slots); i++) {
		if (st & slots[i].bit &&
		    word_at(rbp + (uint64_t)slots[i].off) != h_in.gpr[slots[i].reg])
			return false;
	}
	return true;
}

/* Callee-saved registers that the state does not place must be in their registers. */
static bool kept_ok(uint64_t pc, const greg_t *g)
{
	uint8_t st = frame[pc - (uint64_t)code];
	const struct {
		uint8_t bit, reg;
		greg_t now;
	} kept[] = { { FRAME_RBX, 3, g[REG_RBX] },
		     { FRAME_R12, 12, g[REG_R12] },
		     { FRAME_R13, 13, g[REG_R13] },
		     { FRAME_R14, 14, g[REG_R14] },
		     { FRAME_R15, 15, g[REG_R15] } };

	if (pc - (uint64_t)code >= rest_at)
		return true;
	for (unsigned i = 0; i < ARRAY_LEN(kept); i++) {
		bool placed = st & FRAME_RBP && st & kept[i].bit;

		if (!placed && (uint64_t)kept[i].now != h_in.gpr[kept[i].reg])
			return false;
	}
	return true;
}

static void on_step(int sig, siginfo_t *si, void *uc)
{
	const greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;
	uint64_t pc = (uint64_t)g[REG_RIP], rsp = (uint64_t)g[REG_RSP];

	if (pc - (uint64_t)code >= code_len)
		return;
	steps++;
	if (!frame_ok(pc, g) || !kept_ok(pc, g))
		step_errors++;
	/* as a signal does, whose frame leaves 128 bytes alone */
	memset((void *)(rsp - 1024 - 128), 0xa5, frameless ? 1024 : 1024 + 128);
}

static int setup(void **state)
{
	static uint8_t alt[64 * 1024];
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };
	struct sigaction sa = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	code = harness_code(CODE_SIZE);
	page_end = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page_end == MAP_FAILED || munmap(page_end + 4096, 4096))
		return -1;
	page_end += 4096;
	for (int i = 1; i <= 16; i++)
		page_end[-i] = (uint8_t)(0xe0 + i);
	return !code || sigaltstack(&ss, NULL) || sigaction(SIGTRAP, &sa, NULL);
}

static void random_runs(uint64_t seed, unsigned n, bool step)
{
	static struct run r;

	for (unsigned i = 0; i < n; i++) {
		if (!random_run(&seed, &r))
			continue;
		run_code(&seed, &r, 8 * rnd_below(&seed, 8), step);
		check_programs(&r);
		check_state(&r);
		func_model_free(r.m);
	}
}

static void test_random(void **state)
{
	const char *n = getenv("UTRAMP_RUNS");

	random_runs(0x5eed1, n ? (unsigned)atoi(n) : 10000, false);
	/* from the smallest to where 8-bit displacements end, and beyond */
	for (unsigned f = 64; f <= 512; f += 16)
		assert_true(frame_ran[f / 16]);
}

static void test_random_stepped(void **state)
{
	asked[0] = asked[1] = 0;
	random_runs(0x5eed2, 160, true);
	assert_true(steps > 10000);
	assert_true(asked[0] && asked[1]);
	assert_true(homes[0] > 100 && homes[1] > 100);
}

/* -- cases --------------------------------------------------------------- */

static void one_body(struct run *r, const char *sig, unsigned kind, struct body b)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->sig, sizeof(r->sig), "%s", sig);
	assert_int_equal(func_model_parse(sig, &r->m, NULL), 0);
	r->spec = (struct tramp_spec){ .model = r->m,
				       .func = FUNC,
				       .original = (taddr_t)harness_callee };
	b.log = &r->log[kind][0];
	b.result_slot = r->m->nslots;
	r->body[kind][0] = b;
	r->tb[kind][0] = precise_body(&r->body[kind][0]);
	r->prog[kind][0].body = &r->tb[kind][0];
	r->spec.list[kind].prog = r->prog[kind];
	r->spec.list[kind].n = 1;
	r->decider = kind == TRAMP_FMOD_RET && (b.r0 || b.override) ? 0 : -1;
}

static void test_64k_of_stack(void **state)
{
	static struct run r;
	uint64_t s = 3;
	struct body b = { .clobbers = X86_REG(RAX) | X86_REG(RDX), .ptr = RDX };

	one_body(&r, "void({u8[65528]},i64)", TRAMP_FEXIT, b);
	run_code(&s, &r, 8, false);
	check_programs(&r);
	check_state(&r);
	func_model_free(r.m);
}

static void test_override_by_zero(void **state)
{
	static struct run r;
	uint64_t s = 4;
	struct body b = { .clobbers = X86_REG(RAX) | X86_REG(RCX),
			  .ptr = RCX,
			  .override = true,
			  .value = 0,
			  .r0 = 5 };

	one_body(&r, "p(u64)", TRAMP_FMOD_RET, b);
	run_code(&s, &r, 0, false);
	check_state(&r);
	assert_int_equal(h_out.gpr[0], 0);
	func_model_free(r.m);
}

/* A void function leaves something in rax, which is no result: exit programs read 0. */
static void test_void_result(void **state)
{
	static struct run r;
	uint64_t s = 7;
	struct body b = {
		.clobbers = X86_REG(RAX) | X86_REG(RCX), .ptr = RCX, .nread = 1, .read = { 1 }
	};

	one_body(&r, "void(i64)", TRAMP_FEXIT, b);
	r.body[TRAMP_FEXIT][0].log->slot[1] = 1;
	run_code(&s, &r, 8, false);
	check_state(&r);
	assert_int_equal(r.log[TRAMP_FEXIT][0].slot[1], 0);
	func_model_free(r.m);
}

static void test_no_programs(void **state)
{
	static struct run r;
	uint64_t s = 5;

	one_body(&r, "i32(i32)", TRAMP_FENTRY, (struct body){ .ptr = RCX });
	r.spec.list[TRAMP_FENTRY].n = 0;
	run_code(&s, &r, 8, true);
	assert_int_equal(code_len, 5);
	check_state(&r);
	func_model_free(r.m);
}

static uint64_t native_ctx[4], native_arg;

static uint64_t native(const uint64_t *ctx, uint64_t arg)
{
	memcpy(native_ctx, ctx - 2, sizeof(native_ctx));
	native_arg = arg;
	return 0xffffffff00000000ull; /* the low half alone would be 0 */
}

static void test_body_call(void **state)
{
	static struct run r;
	uint64_t s = 6, fn = (uint64_t)native;
	struct tramp_body tb = tramp_body_call(&fn);

	one_body(&r, "u64(u8,u64)", TRAMP_FMOD_RET, (struct body){ .ptr = RCX });
	r.prog[TRAMP_FMOD_RET][0] = (struct tramp_prog){ .body = &tb, .arg = 0xfeedfeedfeedull };
	r.body[TRAMP_FMOD_RET][0].r0 = 0xffffffff00000000ull;
	r.decider = 0;
	run_code(&s, &r, 8, false);
	assert_int_equal(native_arg, 0xfeedfeedfeedull);
	assert_int_equal(native_ctx[0], FUNC);
	assert_int_equal(native_ctx[1], 2);
	assert_int_equal(native_ctx[2], h_in.gpr[7] & 0xff);
	assert_int_equal(native_ctx[3], h_in.gpr[6]);
	assert_int_equal(h_out.gpr[0], 0xffffffff00000000ull);
	assert_int_equal(h_out.gpr[2], h_in.gpr[2]);
	func_model_free(r.m);
}

/* Errors of the assembly come through it. */
static void test_emit_errors(void **state)
{
	static struct run r;
	struct x86_asm a;
	uint8_t small[16];

	one_body(&r, "i32(i32)", TRAMP_FEXIT,
		 (struct body){ .clobbers = X86_REG(RAX) | X86_REG(RCX), .ptr = RCX });
	assert_int_equal(tramp_plan(&r.spec, &r.plan, NULL), 0);
	x86_asm_init(&a, small, NULL, sizeof(small), (uint64_t)code);
	tramp_emit(&r.plan, &a, NULL);
	assert_int_equal(x86_asm_finish(&a), -ENOSPC);

	r.spec.original = (uint64_t)code + (1ull << 32);
	x86_asm_init(&a, code, NULL, CODE_SIZE, (uint64_t)code);
	tramp_emit(&r.plan, &a, NULL);
	assert_int_equal(x86_asm_finish(&a), -ERANGE);
	func_model_free(r.m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),       cmocka_unit_test(test_random_stepped),
		cmocka_unit_test(test_64k_of_stack), cmocka_unit_test(test_override_by_zero),
		cmocka_unit_test(test_no_programs),  cmocka_unit_test(test_body_call),
		cmocka_unit_test(test_emit_errors),  cmocka_unit_test(test_void_result),
	};

	return cmocka_run_group_tests_name("tramp/emit", tests, setup, NULL);
}
