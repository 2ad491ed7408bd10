/*
 * tramp/format.c - a plan as text; see tramp.h.
 */
#include "tramp/tramp.h"

#include "tramp/seed.h"

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

static void add_saved(struct text *t, const struct tramp_plan *p)
{
	static const char *const name[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};

	for (unsigned r = RAX; r <= R15; r++) {
		if (p->saved & X86_REG(r))
			text_add(t, "save %s at %d\n", name[r],
				 tramp_plan_home(p, (enum x86_gpr)r));
	}
}

static void add_slots(struct text *t, const struct tramp_plan *p)
{
	unsigned slots = p->spec->model->nslots + TRAMP_RESULT_SLOTS;

	text_add(t, "ctx %d:", p->ctx);
	for (unsigned i = 0; i < slots; i++) {
		if (tramp_plan_fills(p, i))
			text_add(t, " %u", i);
	}
	text_add(t, "%s%s%s\n", p->fill_count ? " count" : "", p->fill_ip ? " ip" : "",
		 p->fill_override ? " override" : "");
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
	text_add(&t, "frame %u\n", plan->frame);
	add_saved(&t, plan);
	add_slots(&t, plan);
	text_add(&t, "scratch %d\n", plan->scratch);
	add_cookies(&t, plan);
	if (plan->call_orig)
		text_add(&t, "out %d: %u bytes of stack arguments%s\n", plan->out, plan->out_bytes,
			 plan->copy_loop ? ", in a loop" : "");
	return t.len;
}
