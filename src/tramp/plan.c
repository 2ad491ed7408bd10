/*
 * tramp/plan.c - lay out one trampoline: what to save, what to fill, where; see tramp.h.
 *
 * All offsets are decided here, in one pass from rbp downwards; emit.c only follows.
 */
#include "tramp/tramp.h"

#include "tramp/parts.h"
#include "tramp/seed.h"
#include "x86/frame.h"

#include <errno.h>
#include <stdio.h>

/* Stack arguments must land congruent to where they were: the strictest alignment a SysV
 * argument commonly has is that of __m512 (psABI 3.2.3), raised where the model says more. */
#define CONGRUENCE 64u

/* Copied by that many pushes; beyond it a loop is shorter, which counts in rcx. */
#define COPY_UNROLLED 64u

#define OVERRIDE_KINDS (1u << TRAMP_FMOD_RET)

static const char *const kind_name[TRAMP_KINDS] = { "fentry", "fmod_ret", "fexit" };

/* -- what the programs need ---------------------------------------------- */

static void set_bit(uint64_t *set, unsigned i)
{
	set[i / 64] |= 1ull << (i % 64);
}

static bool reads_slot(const struct body_facts *f, unsigned slot)
{
	/* the second result slot of a function with 255 is beyond what facts can name */
	return f->reads_any || f->ctx_escapes || slot >= BODY_MAX_SLOTS ||
	       (f->reads[slot / 64] >> (slot % 64) & 1);
}

/* Is it one of the words that tell of unnamed arguments? */
static bool is_vararg(const struct tramp_spec *s, unsigned slot)
{
	unsigned first = s->model->nslots + FM_VARARGS_SLOT;

	return s->model->varargs.known && s->layout == TRAMP_OURS && slot >= first &&
	       slot < first + FM_VARARGS_WORDS && slot < BODY_MAX_SLOTS;
}

/* How often a session's body is in a list. */
static unsigned occurs(const struct tramp_spec *s, unsigned kind, const struct tramp_body *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->list[kind].n; i++)
		n += s->list[kind].prog[i].session && s->list[kind].prog[i].body == b;
	return n;
}

static int check_session(const struct tramp_spec *s, unsigned kind, const struct tramp_prog *p,
			 struct diag *d)
{
	if (!p->session && p->body->facts.session_cookie)
		return diag_set(
			d, -EINVAL,
			"bpf_session_cookie in a %s program: only an fsession program has a "
			"session",
			kind_name[kind]);
	if (p->session && (kind == TRAMP_FMOD_RET || occurs(s, TRAMP_FENTRY, p->body) != 1 ||
			   occurs(s, TRAMP_FEXIT, p->body) != 1))
		return diag_set(d, -EINVAL,
				"an fsession program runs at entry and at exit, once each");
	return 0;
}

static int check_body(const struct tramp_spec *s, unsigned kind, const struct tramp_body *b,
		      struct diag *d)
{
	unsigned slots = s->model->nslots;

	if (!b || !b->emit)
		return diag_set(d, -EINVAL, "a %s program has no code", kind_name[kind]);
	if (b->facts.clobbers & (X86_REG(RSP) | X86_REG(RBP)))
		return diag_set(d, -EINVAL, "a %s program claims to change rsp or rbp",
				kind_name[kind]);
	if ((b->facts.may_override || b->facts.sets_result) && !(OVERRIDE_KINDS >> kind & 1))
		return diag_set(d, -EINVAL,
				"%s in a %s program: only a fmod_ret program can skip the function",
				b->facts.may_override ? "bpf_override_return" : "utramp_set_result",
				kind_name[kind]);
	for (unsigned i = slots + tramp_result_slots(s->model); i < BODY_MAX_SLOTS; i++) {
		if (!is_vararg(s, i) && b->facts.reads[i / 64] >> (i % 64) & 1)
			return diag_set(d, -EINVAL,
					"a %s program reads ctx[%u], but the function has %u "
					"argument slots",
					kind_name[kind], i, slots);
	}
	return 0;
}

/* It reads the slot, and not where it lies anyway. */
static bool wants_slot(const struct body_facts *f, unsigned slot, const struct body_home *home)
{
	if (!reads_slot(f, slot))
		return false;
	return slot >= BODY_MAX_SLOTS || !home[slot].bytes ||
	       !(f->direct[slot / 64] >> (slot % 64) & 1);
}

static void add_facts(struct tramp_plan *p, unsigned kind, const struct body_facts *f,
		      const struct body_home *home)
{
	unsigned slots = p->spec->model->nslots + tramp_result_slots(p->spec->model);

	for (unsigned i = 0; i < slots; i++) {
		if (wants_slot(f, i, home))
			set_bit(p->fill, i);
	}
	for (unsigned i = slots; i < BODY_MAX_SLOTS; i++) {
		/* named, not only within reach */
		if (is_vararg(p->spec, i) && f->reads[i / 64] >> (i % 64) & 1)
			set_bit(p->fill, i);
	}
	/* a slot chosen at run time was checked against the count */
	p->fill_count |= f->reads_count || f->reads_any || f->ctx_escapes;
	p->fill_ip |= f->reads_ip || f->ctx_escapes;
	p->fill_override |= f->may_override || f->sets_result;
	p->fill_result |= f->sets_result;
	p->saved |= f->clobbers;
	if (kind == TRAMP_FEXIT) {
		p->at_exit |= f->clobbers;
		p->align_exit |= !f->any_stack;
	} else {
		p->at_entry |= f->clobbers;
		p->align_entry |= !f->any_stack;
	}
}

static void add_session(struct tramp_plan *p, unsigned kind, const struct tramp_prog *prog)
{
	const struct body_facts *f = &prog->body->facts;

	if (!prog->session || kind != TRAMP_FENTRY)
		return;
	p->fill_return |= f->reads_count || f->reads_any || f->ctx_escapes || f->session_cookie;
	p->fill_count |= p->fill_return;
	p->cookies += f->session_cookie;
}

static int gather(struct tramp_plan *p, struct diag *d)
{
	const struct tramp_spec *s = p->spec;

	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		struct body_home home[BODY_MAX_SLOTS];

		parts_homes(p, k, home);
		for (unsigned i = 0; i < s->list[k].n; i++) {
			const struct tramp_prog *prog = &s->list[k].prog[i];
			int err = check_body(s, k, prog->body, d);

			if (!err)
				err = check_session(s, k, prog, d);
			if (err)
				return err;
			add_facts(p, k, &prog->body->facts, home);
			add_session(p, k, prog);
			p->need_frame = true;
		}
	}
	if (p->cookies > TRAMP_MAX_COOKIES)
		return diag_set(d, -E2BIG,
				"%u fsession programs with a session cookie on one function, the "
				"limit is %u",
				p->cookies, TRAMP_MAX_COOKIES);
	return 0;
}

/* -- what cannot be done ------------------------------------------------- */

static int check_known(const struct tramp_spec *s, struct diag *d)
{
	unsigned kind = s->list[TRAMP_FEXIT].n ? TRAMP_FEXIT : TRAMP_FMOD_RET;

	if (!s->list[kind].n || (s->model->k_known && !s->model->raw))
		return 0;
	return diag_set(d, -ENOTSUP,
			"%s programs need to know what the function is passed on the stack, and it "
			"is variadic or has no types: attach fentry programs only, or give its "
			"prototype with --proto, its types with --btf",
			kind_name[kind]);
}

/* What a 64-bit value cannot be; NULL: it can, the rest is 0. */
static const char *wordless(const struct fm_value *r, char *buf, size_t cap)
{
	if (!parts_wordless(r))
		return NULL;
	if (!r->place.nregs)
		return "is stored in the caller's memory";
	if (r->place.file[0] == ABI_ST)
		return "is on the x87 stack";
	snprintf(buf, cap, "is a vector of %u bytes", r->size);
	return buf;
}

static int check_setter(const struct tramp_spec *s, const struct body_facts *f, struct diag *d)
{
	const struct fm_value *r = &s->model->ret;
	char buf[40];
	const char *why = wordless(r, buf, sizeof(buf));

	if (f->sets_result && (!r->size || r->place.none))
		return diag_set(
			d, -ENOTSUP,
			"utramp_set_result: the function returns nothing that could be set: "
			"return a value other than 0 from the program to skip it");
	if (why && f->may_override)
		return diag_set(d, -ENOTSUP,
				"bpf_override_return: the result %s, which a 64-bit value cannot "
				"replace: use utramp_set_result()",
				why);
	if (why && !f->sets_result)
		return diag_set(d, -ENOTSUP,
				"fmod_ret: the result %s, which a program's 64-bit value cannot "
				"replace: use utramp_set_result(), or attach fentry or fexit "
				"programs",
				why);
	return 0;
}

/* A fmod_ret program must have a way to give what the caller looks for. */
static int check_result(const struct tramp_spec *s, struct diag *d)
{
	int err = 0;

	if (s->list[TRAMP_FMOD_RET].n && s->model->ret.place.by_ref)
		return diag_set(d, -ENOTSUP,
				"fmod_ret: the result is a C++ object that the function constructs "
				"(its class is not trivial to copy), and nobody else can: attach "
				"fentry or fexit programs");
	for (unsigned i = 0; i < s->list[TRAMP_FMOD_RET].n && !err; i++)
		err = check_setter(s, &s->list[TRAMP_FMOD_RET].prog[i].body->facts, d);
	return err;
}

/* -- the frame ----------------------------------------------------------- */

/* Is there anything in the frame but saved registers? */
static bool fills_any(const struct tramp_plan *p)
{
	bool any = p->fill_count || p->fill_ip || p->fill_override || p->fill_result ||
		   p->fill_return || p->cookies;

	for (unsigned i = 0; i < ARRAY_LEN(p->fill); i++)
		any |= p->fill[i] != 0;
	return any;
}

/*
 * What is changed at entry need not be what is changed at exit.  Skipped calls come to the
 * exit programs with the stack and the saved registers of the entry, and callee-saved registers lie in the
 * frame all the time, as its state says: both are in both sets.  rax goes through most things.
 */
static void split_saved(struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;

	if (p->copy_loop)
		p->at_entry |= X86_REG(RCX);
	if (fills_any(p)) {
		p->at_entry |= X86_REG(RAX);
		p->at_exit |= X86_REG(RAX);
	}
	if (p->tails || p->keep_flags)
		p->at_entry |= X86_REG(RAX);
	if (s->list[TRAMP_FMOD_RET].n) {
		p->at_entry = p->at_exit = p->saved;
		p->align_entry |= p->align_exit;
	}
	p->at_entry |= p->saved & (x86_regset)~X86_CALLER_SAVED;
	p->at_exit |= p->saved & (x86_regset)~X86_CALLER_SAVED;
}

static bool runs_frameless(const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;

	if (p->call_orig || s->list[TRAMP_FMOD_RET].n || fills_any(p))
		return false;
	for (unsigned i = 0; i < s->list[TRAMP_FENTRY].n; i++) {
		if (!s->list[TRAMP_FENTRY].prog[i].body->facts.no_frame)
			return false;
	}
	return !(p->saved & ~X86_CALLER_SAVED);
}

/* -- words of ctx ----------------------------------------------------------- */

/* In the frame, what some program can reach; where ctx escapes, all of it. */
static void want(struct tramp_plan *p, int32_t word)
{
	if (p->first == p->end) {
		p->first = word;
		p->end = word + 1;
	} else if (word < p->first) {
		p->first = word;
	} else if (word >= p->end) {
		p->end = word + 1;
	}
}

unsigned parts_wide_slots(const struct tramp_plan *p, const struct fm_value *v)
{
	unsigned n = 0, slots = 2;

	for (unsigned j = 0; j < v->nslots; j++)
		n = tramp_plan_fills(p, v->slot + j) ? j + 1 : n;
	while (slots < n)
		slots *= 2;
	return n ? slots : 0;
}

/*
 * The slots of one value: those that are filled; and beside them what is written together: of
 * vectors as much as a store fills, the first two of results in memory, all of what fmod_ret
 * programs decide.
 */
static void want_value(struct tramp_plan *p, const struct fm_value *v, unsigned nslots)
{
	bool any = tramp_plan_fills(p, v->slot) || tramp_plan_fills(p, v->slot + 1u);
	unsigned whole = v->place.wide && v->place.nregs ? parts_wide_slots(p, v) : 0;

	if (v == &p->spec->model->ret && any && p->spec->model->call.sret)
		whole = 2;
	if (v == &p->spec->model->ret && p->spec->list[TRAMP_FMOD_RET].n)
		whole = nslots;
	for (unsigned j = 0; j < nslots; j++) {
		if (tramp_plan_fills(p, v->slot + j) || j < whole)
			want(p, (int32_t)(v->slot + j));
	}
}

static bool escapes(const struct tramp_spec *s)
{
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < s->list[k].n; i++) {
			if (s->list[k].prog[i].body->facts.ctx_escapes)
				return true;
		}
	}
	return false;
}

static void choose_words(struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++)
		want_value(p, &m->arg[i], m->arg[i].nslots);
	want_value(p, &m->ret, tramp_result_slots(m));
	for (unsigned i = 0; i < FM_VARARGS_WORDS; i++) {
		if (tramp_plan_fills(p, m->nslots + FM_VARARGS_SLOT + i))
			want(p, (int32_t)(m->nslots + FM_VARARGS_SLOT + i));
	}
	if (p->fill_count || p->fill_return)
		want(p, -1);
	if (p->fill_ip)
		want(p, -2);
	if (p->fill_override || escapes(p->spec))
		want(p, -3);
	if (p->fill_result) {
		want(p, TRAMP_RESULT_AT);
		want(p, TRAMP_RESULT_SIZE);
	}
}

/*
 * The lowest word that must be what it was when the original returns: read by an exit program,
 * or written behind the call.  p->end: none.
 */
static int32_t first_to_outlast(const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;
	int32_t first = p->end;

	if (p->cookies)
		return p->first;
	for (int32_t w = p->first; w < p->end && first == p->end; w++) {
		bool need = w >= (int32_t)s->model->nslots || (w == -1 && p->fill_return);

		for (unsigned i = 0; i < s->list[TRAMP_FEXIT].n; i++) {
			const struct body_facts *f = &s->list[TRAMP_FEXIT].prog[i].body->facts;

			need |= f->ctx_escapes ||
				(w >= 0 && reads_slot(f, (unsigned)w) &&
				 tramp_plan_fills(p, (unsigned)w)) ||
				(w == -1 && (f->reads_count || f->reads_any)) ||
				(w == -2 && f->reads_ip);
		}
		if (need)
			first = w;
	}
	return first;
}

/* -- offsets ------------------------------------------------------------------ */

static const int8_t fixed_slot[] = {
	[RBX] = FRAME_OFF_RBX, [R12] = FRAME_OFF_R12, [R13] = FRAME_OFF_R13,
	[R14] = FRAME_OFF_R14, [R15] = FRAME_OFF_R15,
};

static uint32_t fixed_bytes(const struct tramp_plan *p)
{
	int32_t lowest = p->spec->tagged ? FRAME_OFF_TAG : 0;

	for (unsigned r = 0; r < ARRAY_LEN(fixed_slot); r++) {
		if (p->saved & X86_REG(r) && fixed_slot[r] < lowest)
			lowest = fixed_slot[r];
	}
	return (uint32_t)-lowest;
}

static bool uses_scratch(const struct tramp_spec *s)
{
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < s->list[k].n; i++) {
			if (s->list[k].prog[i].body->facts.uses_scratch)
				return true;
		}
	}
	return false;
}

/* They use it one after the other. */
static uint32_t body_bytes(const struct tramp_spec *s)
{
	uint32_t most = 0;

	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < s->list[k].n; i++) {
			if (s->list[k].prog[i].body->facts.room > most)
				most = s->list[k].prog[i].body->facts.room;
		}
	}
	return most;
}

/* Everything below rbp; returns how much of it must outlast the call of the original. */
static uint32_t lay_out_frame(struct tramp_plan *p)
{
	uint32_t down = fixed_bytes(p), kept = down;
	int32_t lasting;

	choose_words(p);
	lasting = first_to_outlast(p);
	kept += 8u * (uint32_t)(p->end - lasting);
	down += 8u * (uint32_t)(p->end - p->first);
	p->ctx = -(int32_t)down - 8 * p->first;
	p->cookie = -(int32_t)down - 8;
	down += 8u * p->cookies;
	kept += 8u * p->cookies;
	down += 8u * (unsigned)__builtin_popcount(p->saved & X86_CALLER_SAVED);
	p->gpr = -(int32_t)down;
	if (uses_scratch(p->spec)) {
		down += 8;
		p->scratch = -(int32_t)down;
	}
	if (p->keep_flags) {
		down += 8;
		p->flags = -(int32_t)down;
	}
	p->body_bytes = body_bytes(p->spec);
	down += p->body_bytes;
	p->body = -(int32_t)down;
	p->frame = p->down = (uint32_t)ALIGN_UP(down, 16);
	/* the loop counts in a register, which comes back behind it */
	return p->copy_loop ? (uint32_t)-p->gpr : kept;
}

static int lay_out(struct tramp_plan *p, struct diag *d)
{
	const struct func_model *m = p->spec->model;
	uint64_t stack = ALIGN_UP((uint64_t)m->call.stack_bytes, 8);
	uint64_t mod = CONGRUENCE, out;
	uint32_t kept;

	p->out_bytes = 0;
	if (p->call_orig) {
		if (m->call.stack_align > mod)
			mod = m->call.stack_align;
		if (mod & (mod - 1) || stack > TRAMP_MAX_FRAME || mod > TRAMP_MAX_FRAME)
			goto too_big;
		p->out_bytes = (uint32_t)stack;
	}
	p->copy_loop = p->out_bytes > COPY_UNROLLED;
	p->saved |= p->copy_loop ? X86_REG(RAX) | X86_REG(RCX) : X86_REG(RAX);
	p->keep_flags = p->spec->keep_flags && !p->call_orig;
	split_saved(p);
	p->frameless = runs_frameless(p);
	if (p->frameless) {
		p->saved = p->at_entry;
		p->gpr = -8 * __builtin_popcount(p->saved);
		p->flags = p->gpr - 8;
		return 0;
	}

	kept = lay_out_frame(p);
	if (!p->call_orig)
		return 0;

	/* the copy ends below what lasts, and begins congruent to rbp + args */
	out = ALIGN_UP((uint32_t)p->args + kept + p->out_bytes, mod) - (uint32_t)p->args;
	if (out > TRAMP_MAX_FRAME)
		goto too_big;
	p->out = -(int32_t)out;
	if (out - p->out_bytes > p->down)
		p->down = (uint32_t)out - p->out_bytes;
	return 0;
too_big:
	return diag_set(d, -E2BIG,
			"%u bytes of stack arguments, aligned to %u, need a frame of more than %u",
			m->call.stack_bytes, m->call.stack_align, TRAMP_MAX_FRAME);
}

bool tramp_plan_fills(const struct tramp_plan *p, unsigned slot)
{
	return slot < 64 * ARRAY_LEN(p->fill) && (p->fill[slot / 64] >> (slot % 64) & 1);
}

unsigned tramp_plan_cookie(const struct tramp_plan *p, const struct tramp_prog *prog)
{
	const struct tramp_prog *at = p->spec->list[TRAMP_FENTRY].prog;
	unsigned index = (unsigned)(p->ctx - p->cookie) / 8;

	if (!prog->session || !prog->body->facts.session_cookie)
		return 0;
	for (; at->body != prog->body || !at->session; at++)
		index += at->session && at->body->facts.session_cookie;
	return index;
}

int32_t tramp_plan_home(const struct tramp_plan *p, enum x86_gpr r)
{
	unsigned below = p->saved & X86_CALLER_SAVED & (X86_REG(r) - 1u);

	if (!(X86_CALLER_SAVED & X86_REG(r)))
		return fixed_slot[r];
	return p->gpr + 8 * __builtin_popcount(below);
}

int tramp_plan(const struct tramp_spec *spec, struct tramp_plan *plan, struct diag *d)
{
	struct tramp_plan p = { .spec = spec, .args = spec->entry == TRAMP_BY_CALL ? 24 : 16 };
	int err;

	if (spec->model->nslots > FM_MAX_SLOTS || spec->model->ret.slot != spec->model->nslots)
		return diag_set(d, -EINVAL, "not a model of a function");
	err = gather(&p, d);
	if (!err)
		err = check_known(spec, d);
	if (!err)
		err = check_result(spec, d);
	if (err)
		return err;
	/* the kernel calls it behind fmod_ret programs too */
	p.call_orig = spec->list[TRAMP_FEXIT].n > 0 ||
		      (spec->layout == TRAMP_SEED && spec->list[TRAMP_FMOD_RET].n > 0);
	p.tails = p.call_orig && spec->tail && spec->tagged && spec->layout == TRAMP_OURS &&
		  spec->entry == TRAMP_BY_JMP;
	if (p.need_frame) {
		err = spec->layout == TRAMP_SEED ? seed_plan(&p, d) : lay_out(&p, d);
		if (err)
			return err;
	}
	if (p.need_frame && spec->layout != TRAMP_SEED && spec->stack.missed &&
	    parts_bytes(&p) > spec->stack.granted)
		p.need = parts_bytes(&p);
	*plan = p;
	return 0;
}
