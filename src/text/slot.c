/*
 * text/slot.c - see slot.h.
 *
 * Hot parts come first: enter and the image pointer are one cache line, leave_ret and
 * leave_resume the next (one that begins in the first's last bytes costs a cycle a call);
 * what runs once per thread, or when the stack is nearly used up, is last.
 */
#include "text/slot.h"

#include "shm/layout.h"
#include "x86/frame.h"
#include "x86/insn.h"
#include "x86/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

/* A slot under construction. */
struct build {
	const struct slot_plan *plan;
	struct slot_code *code;
	struct x86_asm a;
	x86_label moved, image_ptr, first;
	x86_label no_room, roomy; /* enter's */
};

/* One of the three places that count, and its way for threads without a block. */
struct count {
	x86_label slow, counted;
	bool flags; /* are kept on the stack, below rax */
};

static int32_t tls(const struct build *b, size_t off)
{
	return b->plan->tls_off + (int32_t)off;
}

/*
 * Up to the counting instruction included: rax is the block, its old value on the stack.
 * Below the limit on the thread's own stack nothing is counted and no image is run.
 */
static struct count emit_count(struct build *b, bool in, bool flags)
{
	struct count c = { .slow = x86_label_new(&b->a),
			   .counted = x86_label_new(&b->a),
			   .flags = flags };
	struct x86_mem counter = X86_MEM(RAX, b->plan->counter_off);

	x86_push_state(&b->a, flags);
	x86_load_fs(&b->a, RAX, tls(b, offsetof(struct rt_tls, block)));
	x86_test_rr(&b->a, X86_Q, RAX, RAX);
	x86_jcc(&b->a, X86_E, c.slow);
	x86_bind(&b->a, c.counted);
	if (in) {
		x86_cmp_fs(&b->a, RSP, tls(b, offsetof(struct rt_tls, stack_limit)));
		x86_jcc(&b->a, X86_C, b->no_room);
		x86_bind(&b->a, b->roomy);
		x86_inc_m(&b->a, X86_Q, counter);
	} else {
		x86_dec_m(&b->a, X86_Q, counter);
	}
	x86_pop_state(&b->a, flags);
	return c;
}

/*
 * Below the limit: on another stack, which lies below the thread's own, all is well.  The
 * count is the arena's, since a forked child's block is wiped.
 */
static void emit_no_room(struct build *b)
{
	bool flags = b->plan->keep_flags;

	x86_bind(&b->a, b->no_room);
	x86_frame(&b->a, FRAME_CFA(X86_STATE_WORDS(flags)));
	x86_cmp_fs(&b->a, RSP, tls(b, offsetof(struct rt_tls, stack_lo)));
	x86_jcc(&b->a, X86_C, b->roomy);
	x86_mov_ri(&b->a, RAX, b->plan->no_room);
	x86_lock_inc_m(&b->a, X86_Q, X86_MEM(RAX, 0));
	x86_pop_state(&b->a, flags);
	x86_jmp(&b->a, b->moved);
}

/* Get a block and count with it; without one go on uncounted: to moved, or return. */
static void emit_slow(struct build *b, const struct count *c, bool to_moved)
{
	x86_bind(&b->a, c->slow);
	x86_frame(&b->a, FRAME_CFA(X86_STATE_WORDS(c->flags)));
	x86_call(&b->a, b->first);
	x86_jcc(&b->a, X86_NE, c->counted);
	x86_pop_state(&b->a, c->flags);
	if (to_moved)
		x86_jmp(&b->a, b->moved);
	else
		x86_ret(&b->a);
}

/*
 * rt_first with an aligned stack: callers may be entered with rsp off by 8
 * (gcc's -fipa-stack-alignment).  rax and the zero flag tell the result.
 */
static void emit_first(struct build *b)
{
	x86_bind(&b->a, b->first);
	x86_frame(&b->a, FRAME_CFA(0));
	x86_push(&b->a, RBP);
	x86_frame(&b->a, FRAME_CFA_RBP(1));
	x86_mov_rr(&b->a, RBP, RSP);
	x86_frame(&b->a, FRAME_RBP);
	x86_alu_ri(&b->a, X86_AND, X86_Q, RSP, -16);
	x86_call_pc(&b->a, b->plan->rt_first);
	x86_test_rr(&b->a, X86_Q, RAX, RAX);
	x86_leave(&b->a);
	x86_frame(&b->a, FRAME_CFA(0));
	x86_ret(&b->a);
}

/* The window's instructions for their new address; frame states follow the pushes. */
static int emit_moved(struct build *b, struct diag *d)
{
	const struct site *site = b->plan->site;
	unsigned n = site->kind == SITE_NOP ? 0 : site->ninsns;
	uint8_t state = FRAME_CFA(0);

	x86_bind(&b->a, b->moved);
	b->code->moved = x86_pc(&b->a);
	if (b->plan->stand_in)
		x86_jmp_pc(&b->a, b->plan->stand_in);
	b->code->original = x86_pc(&b->a);
	for (unsigned i = 0; i < n; i++) {
		unsigned at = site->insn_at[i];
		struct x86_insn in;
		char text[96] = "";

		if (x86_decode(site->old + at, site->len - at, site->window + at, &in) < 0)
			return diag_set(d, -EINVAL, "the site's bytes do not decode");
		b->code->insn[i] = x86_pc(&b->a);
		x86_frame(&b->a, state);
		x86_move(&b->a, site->old + at, &in, site->window + at);
		state = x86_insn_frame(state, &in);
		if (b->a.err != -ERANGE)
			continue;
		x86_format(site->old + at, in.len, site->window + at, text, sizeof(text));
		return diag_set(d, -ERANGE, "%s cannot be moved to %#" PRIx64 ": out of reach",
				text, b->plan->at);
	}
	x86_frame(&b->a, state);
	if (site->kind == SITE_NOP) /* any of the nops goes on behind them */
		for (unsigned i = 0; i < site->ninsns; i++)
			b->code->insn[i] = x86_pc(&b->a);
	if (site->resume)
		x86_jmp_pc(&b->a, site->resume);
	x86_frame(&b->a, FRAME_CFA(0));
	return 0;
}

static int emit(struct build *b, struct diag *d)
{
	struct x86_asm *a = &b->a;
	struct slot_code *code = b->code;
	struct count in, out, resume;
	bool flags = b->plan->keep_flags;
	uint32_t image_at;
	int err;

	b->moved = x86_label_new(a);
	b->image_ptr = x86_label_new(a);
	b->first = x86_label_new(a);
	b->no_room = x86_label_new(a);
	b->roomy = x86_label_new(a);

	code->enter = x86_pc(a);
	in = emit_count(b, true, flags);
	x86_jmp_m(a, b->image_ptr);
	x86_int3_to(a, 8);
	x86_bind(a, b->image_ptr);
	code->image_ptr = x86_pc(a);
	image_at = a->len;
	x86_bytes(a, &code->image, 8);
	x86_int3_to(a, SLOT_ALIGN);
	code->leave_ret = x86_pc(a);
	out = emit_count(b, false, false);
	x86_ret(a);
	code->leave_resume = x86_pc(a);
	resume = emit_count(b, false, flags);
	err = emit_moved(b, d);
	if (err)
		return err;
	code->moved_size = (uint32_t)(x86_pc(a) - code->moved);
	x86_int3_to(a, 8);
	emit_slow(b, &in, true);
	emit_slow(b, &out, false);
	emit_slow(b, &resume, true);
	emit_no_room(b);
	emit_first(b);
	code->image = code->leave_resume;
	if (!a->err)
		memcpy(a->buf + image_at, &code->image, sizeof(code->image));
	return 0;
}

int slot_emit(const struct slot_plan *plan, void *buf, void *frame, size_t cap,
	      struct slot_code *out, struct diag *d)
{
	struct slot_code code = { .at = plan->at };
	struct build b = { .plan = plan, .code = &code };
	int err, n;

	if (plan->site->kind == SITE_NONE || plan->at % SLOT_ALIGN)
		return diag_set(d, -EINVAL, "no site, or the slot is not aligned");
	x86_asm_init(&b.a, buf, frame, cap, plan->at);
	err = emit(&b, d);
	n = x86_asm_finish(&b.a);
	if (err)
		return err;
	if (n == -ERANGE)
		return diag_set(d, n,
				"the slot at %#" PRIx64
				" is out of reach of its function at %#" PRIx64
				" or of rt_first at %#" PRIx64,
				plan->at, plan->site->window, plan->rt_first);
	if (n < 0)
		return diag_set(d, n, "the slot cannot be encoded in %zu bytes", cap);
	code.size = (uint32_t)n;
	*out = code;
	return n;
}

taddr_t slot_move_pc(const void *arg, taddr_t pc)
{
	const struct slot_move *m = arg;
	const struct site *site = m->site;

	if (pc <= site->window || pc >= site->window + site->len)
		return pc;
	for (unsigned i = 1; i < site->ninsns; i++)
		if (pc == site->window + site->insn_at[i])
			return m->code->insn[i];
	return 0;
}

bool slot_has_pc(const struct slot_code *code, taddr_t pc)
{
	return pc >= code->at && pc < code->at + code->size;
}
