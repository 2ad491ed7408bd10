/*
 * tramp/format.c - a plan as text; see tramp.h.
 */
#include "tramp/tramp.h"

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

size_t tramp_plan_format(const struct tramp_plan *plan, char *out, size_t cap)
{
	struct text t = { .out = out, .cap = cap };
	const struct tramp_spec *s = plan->spec;

	text_add(&t, "programs: %u fentry, %u fmod_ret, %u fexit\n", s->list[TRAMP_FENTRY].n,
		 s->list[TRAMP_FMOD_RET].n, s->list[TRAMP_FEXIT].n);
	if (!plan->need_frame) {
		text_add(&t, "nothing to run: jump to the original\n");
		return t.len;
	}
	text_add(&t, "original: %s\n", plan->call_orig ? "called" : "jumped to");
	text_add(&t, "frame %u\n", plan->frame);
	add_saved(&t, plan);
	add_slots(&t, plan);
	text_add(&t, "scratch %d\n", plan->scratch);
	if (plan->call_orig)
		text_add(&t, "out %d: %u bytes of stack arguments%s\n", plan->out, plan->out_bytes,
			 plan->copy_loop ? ", in a loop" : "");
	return t.len;
}
