/*
 * tramp/format.c - a plan as text; see tramp.h.
 */
#include "tramp/tramp.h"

#include "tramp/seed.h"
#include "x86/frame.h"

#include <stdarg.h>
#include <stdio.h>

struct text {
	char *out;
	size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void text_add(struct text *t, const char *fmt, ...)
{
	size_t room = t->cap - t->len;
	va_list ap;
	int n;

	if (!room)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->out + t->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < room ? (size_t)n : room - 1;
}

static const char *const reg_name[] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
					"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static void add_saved(struct text *t, const struct tramp_plan *p)
{
	for (unsigned r = RAX; r <= R15; r++) {
		if (p->saved & X86_REG(r))
			text_add(t, "save %s at %d\n", reg_name[r],
				 tramp_plan_home(p, (enum x86_gpr)r));
	}
}

static void add_slots(struct text *t, const struct tramp_plan *p)
{
	unsigned slots = p->spec->model->nslots + tramp_result_slots(p->spec->model);

	if (p->first == p->end)
		return;
	text_add(t, "ctx %d:", p->ctx);
	for (unsigned i = 0; i < slots; i++) {
		if (tramp_plan_fills(p, i))
			text_add(t, " %u", i);
	}
	if (tramp_plan_fills(p, p->spec->model->nslots + FM_VARARGS_SLOT))
		text_add(t, " varargs");
	text_add(t, "%s%s%s%s\n", p->fill_count ? " count" : "", p->fill_ip ? " ip" : "",
		 p->fill_override ? " override" : "", p->fill_result ? " result" : "");
}

static void add_cookies(struct text *t, const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;

	for (unsigned i = 0; i < s->list[TRAMP_FENTRY].n; i++) {
		unsigned index = tramp_plan_cookie(p, &s->list[TRAMP_FENTRY].prog[i]);

		if (index)
			text_add(t, "session cookie %u at %d\n", index,
				 p->ctx - 8 * (int32_t)index);
	}
}

/* Nothing but what the kernel's frame has, under the kernel's names. */
static void add_seed(struct text *t, const struct tramp_plan *p)
{
	char flags[64];

	seed_flags(p, flags, sizeof(flags));
	text_add(t, "layout: seed, entered by %s: %s\n",
		 p->spec->entry == TRAMP_BY_CALL ? "call" : "jmp", flags);
	text_add(t, "frame %u%s\n", p->frame, p->seed.align ? ", then aligned to 16" : "");
	text_add(t, "args %d\n", p->args);
	if (p->seed.save_ret)
		text_add(t, "ret %d\n", p->seed.ret);
	text_add(t, "ctx %d: %u slots, %u registers\n", p->ctx, p->spec->model->nslots,
		 p->seed.used);
	text_add(t, "count %d\n", p->ctx - 8);
	if (p->fill_ip)
		text_add(t, "ip %d\n", p->ctx - 16);
	add_cookies(t, p);
	text_add(t, "rbx %d\n", p->seed.rbx);
	text_add(t, "run_ctx %d\n", p->seed.run_ctx);
	if (p->out_bytes)
		text_add(t, "out %d: %u bytes of stack arguments\n", p->out, p->out_bytes);
}

static unsigned sessions(const struct tramp_spec *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->list[TRAMP_FENTRY].n; i++)
		n += s->list[TRAMP_FENTRY].prog[i].session;
	return n;
}

size_t tramp_plan_format(const struct tramp_plan *plan, char *out, size_t cap)
{
	struct text t = { .out = out, .cap = cap };
	const struct tramp_spec *s = plan->spec;
	unsigned both = sessions(s);

	text_add(&t, "programs: %u fentry, %u fmod_ret, %u fexit", s->list[TRAMP_FENTRY].n - both,
		 s->list[TRAMP_FMOD_RET].n, s->list[TRAMP_FEXIT].n - both);
	if (both)
		text_add(&t, ", %u fsession", both);
	text_add(&t, "\n");
	if (!plan->need_frame) {
		text_add(&t, "nothing to run: jump to the original\n");
		return t.len;
	}
	if (s->layout == TRAMP_SEED) {
		add_seed(&t, plan);
		return t.len;
	}
	if (s->entry == TRAMP_BY_CALL)
		text_add(&t, "entered by call: args %d\n", plan->args);
	text_add(&t, "original: %s\n", plan->call_orig ? "called" : "jumped to");
	if (plan->tails)
		text_add(&t, "tail calls share the frame of an open call\n");
	if (plan->need)
		text_add(&t, "looks for %u bytes of stack\n", plan->need + s->stack.left);
	if (plan->keep_flags)
		text_add(&t, "flags %d\n", plan->flags);
	if (plan->frameless) {
		text_add(&t, "no frame: offsets from rsp\n");
		add_saved(&t, plan);
		return t.len;
	}
	text_add(&t, "frame %u\n", plan->frame);
	add_saved(&t, plan);
	add_slots(&t, plan);
	if (plan->scratch)
		text_add(&t, "scratch %d\n", plan->scratch);
	if (plan->body_bytes)
		text_add(&t, "programs' stack %d: %u bytes\n", plan->body, plan->body_bytes);
	add_cookies(&t, plan);
	if (plan->call_orig)
		text_add(&t, "out %d: %u bytes of stack arguments%s\n", plan->out, plan->out_bytes,
			 plan->copy_loop ? ", in a loop" : "");
	return t.len;
}

/* -- what an offset means ------------------------------------------------- */

/* Is off in the bytes from lo on?  Then *at is how far. */
static bool within(int32_t off, int32_t lo, uint32_t bytes, uint32_t *at)
{
	*at = (uint32_t)(off - lo);
	return off >= lo && *at < bytes;
}

static void add_inside(struct text *t, uint32_t at)
{
	if (at)
		text_add(t, " + %u", at);
}

static bool name_register(struct text *t, const struct tramp_plan *p, int32_t off)
{
	uint32_t at;

	for (unsigned r = RAX; r <= R15; r++) {
		if (!(p->saved & X86_REG(r)) ||
		    !within(off, tramp_plan_home(p, (enum x86_gpr)r), 8, &at))
			continue;
		text_add(t, "saved %s", reg_name[r]);
		add_inside(t, at);
		return true;
	}
	return false;
}

static bool name_slot(struct text *t, const struct tramp_plan *p, int32_t off)
{
	unsigned n = p->spec->model->nslots, slot;
	uint32_t at;

	if (!within(off, p->ctx, 8 * (n + tramp_result_slots(p->spec->model)), &at) ||
	    off < p->ctx + 8 * p->first || off >= p->ctx + 8 * p->end)
		return false;
	slot = at / 8;
	text_add(t, "ctx[%u]", slot);
	add_inside(t, at % 8);
	if (slot == n)
		text_add(t, ", the result");
	else if (slot == n + 1)
		text_add(t, ", the result's second word");
	else if (slot > n)
		text_add(t, ", the result's word %u", slot - n + 1);
	return true;
}

static bool name_varargs(struct text *t, const struct tramp_plan *p, int32_t off)
{
	static const char *const what[] = { "rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax" };
	unsigned first = p->spec->model->nslots + FM_VARARGS_SLOT;
	uint32_t at;

	if (!tramp_plan_fills(p, first) ||
	    !within(off, p->ctx + 8 * (int32_t)first, 8 * FM_VARARGS_WORDS, &at))
		return false;
	if (at / 8 < ARRAY_LEN(what))
		text_add(t, "%s", what[at / 8]);
	else if (at / 8 < FM_VARARGS_WORDS - 1)
		text_add(t, "xmm%u", (unsigned)(at / 8 - ARRAY_LEN(what)));
	else
		text_add(t, "address of unnamed arguments");
	add_inside(t, at % 8);
	return true;
}

/* How much of an argument lies in memory: all, nothing, or one of two eightbytes. */
static uint32_t bytes_on_stack(const struct fm_value *v)
{
	if (v->place.none)
		return 0;
	if (!v->place.nregs)
		return v->place.by_ref || !v->size ? 8 : v->size;
	for (unsigned i = 0; i < v->place.nregs; i++)
		if (v->place.file[i] == ABI_STACK)
			return 8;
	return 0;
}

/* Of the caller's, from rbp + args on: which argument lies there. */
static bool name_argument(struct text *t, const struct tramp_plan *p, int32_t off)
{
	const struct func_model *m = p->spec->model;
	uint32_t at, in;

	/* of a function with unknown K what the model shows may lie there all the same */
	if (!within(off, p->args, FM_MAX_STACK, &at))
		return false;
	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (!within((int32_t)at, (int32_t)v->place.stack, bytes_on_stack(v), &in))
			continue;
		text_add(t, "arg %u on the stack", i);
		add_inside(t, in);
		return true;
	}
	if (!within((int32_t)at, 0, m->call.stack_bytes, &in))
		return false;
	text_add(t, "stack arguments");
	add_inside(t, in);
	return true;
}

/* The kernel's frame, by the words of add_seed(). */
static void name_seed(struct text *t, const struct tramp_plan *p, int32_t off)
{
	unsigned n = p->spec->model->nslots;
	const struct {
		int32_t lo;
		uint32_t bytes;
		bool there;
		const char *name;
	} area[] = {
		{ p->seed.ret, 8, p->seed.save_ret, "ret" },
		{ p->ctx - 8, 8, true, "count" },
		{ p->ctx - 16, 8, p->fill_ip, "ip" },
		{ p->cookie + 8 - 8 * (int32_t)p->cookies, 8 * p->cookies, true,
		  "session cookies" },
		{ p->seed.rbx, 8, true, "saved rbx" },
		{ p->seed.run_ctx, 16, true, "run_ctx" },
		{ p->out, p->out_bytes, p->out_bytes > 0, "out" },
	};
	uint32_t at;

	if (within(off, p->ctx, 8 * n, &at)) {
		text_add(t, "ctx[%u]", at / 8);
		add_inside(t, at % 8);
		return;
	}
	for (unsigned i = 0; i < ARRAY_LEN(area); i++) {
		if (!area[i].there || !within(off, area[i].lo, area[i].bytes, &at))
			continue;
		text_add(t, "%s", area[i].name);
		add_inside(t, at);
		return;
	}
}

static void name_ours(struct text *t, const struct tramp_plan *p, int32_t off)
{
	const struct {
		int32_t lo;
		uint32_t bytes;
		bool there;
		const char *name;
	} area[] = {
		{ FRAME_OFF_TAG, 8, p->spec->tagged, "tag" },
		{ p->ctx - 8, 8, p->fill_count || p->fill_return, "ctx[-1], the count" },
		{ p->ctx - 16, 8, p->fill_ip, "ctx[-2], the function" },
		{ p->ctx - 24, 8, p->fill_override, "override word" },
		{ p->ctx + 8 * TRAMP_RESULT_AT, 8, p->fill_result, "the result's address" },
		{ p->ctx + 8 * TRAMP_RESULT_SIZE, 8, p->fill_result, "the result's size" },
		{ p->scratch, 8, p->scratch != 0, "scratch" },
		{ p->body, p->body_bytes, true, "programs' stack" },
		{ p->flags, 8, p->keep_flags, "flags" },
		{ p->cookie + 8 - 8 * (int32_t)p->cookies, 8 * p->cookies, true,
		  "session cookies" },
		{ p->out, p->out_bytes, p->call_orig, "copied stack arguments" },
	};
	uint32_t at;

	if (name_register(t, p, off) || name_slot(t, p, off) || name_varargs(t, p, off))
		return;
	for (unsigned i = 0; i < ARRAY_LEN(area); i++) {
		if (!area[i].there || !within(off, area[i].lo, area[i].bytes, &at))
			continue;
		text_add(t, "%s", area[i].name);
		add_inside(t, at);
		return;
	}
}

size_t tramp_plan_name(const struct tramp_plan *p, int32_t off, char *out, size_t cap)
{
	struct text t = { .out = out, .cap = cap };
	bool by_call = p->spec->entry == TRAMP_BY_CALL;
	uint32_t at;

	if (cap)
		out[0] = '\0';
	if (p->frameless) {
		if (p->keep_flags && within(off, p->flags, 8, &at))
			text_add(&t, "flags");
		else
			name_register(&t, p, off);
		return t.len;
	}
	if (!p->need_frame || name_argument(&t, p, off))
		return t.len;
	if (within(off, 0, 8, &at))
		text_add(&t, "caller's rbp");
	else if (within(off, 8, 8, &at))
		text_add(&t, by_call ? "return address into the function" : "return address");
	else if (by_call && within(off, 16, 8, &at))
		text_add(&t, "return address");
	else if (p->spec->layout == TRAMP_SEED)
		name_seed(&t, p, off);
	else
		name_ours(&t, p, off);
	return t.len;
}
