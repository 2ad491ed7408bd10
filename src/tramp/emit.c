/*
 * tramp/emit.c - write the code a plan describes; see tramp.h.
 *
 * Each function emits one paragraph of the trampoline, in the order in which it runs.
 * rax is the only register used between saving and restoring (and rcx by the copying
 * loop); rbx, r12-r15, vector registers and flags that outlive a call are not touched.
 * In between, all argument registers keep their entry values until the first body.
 */
#include "tramp/tramp.h"

#include "tramp/parts.h"
#include "tramp/seed.h"
#include "x86/asm.h"
#include "x86/frame.h"

#include <errno.h>
#include <stdlib.h>

/* -- the frame ----------------------------------------------------------- */

/* The frame state while bodies run: the fixed slots in use, and the tag. */
static uint8_t inside(const struct tramp_plan *p)
{
	static const struct {
		uint8_t reg, bit;
	} fixed[] = { { RBX, FRAME_RBX },
		      { R12, FRAME_R12 },
		      { R13, FRAME_R13 },
		      { R14, FRAME_R14 },
		      { R15, FRAME_R15 } };
	uint8_t state = FRAME_RBP;

	if (p->frameless)
		return FRAME_CFA(0);
	if (p->spec->tagged)
		state |= FRAME_TAG;
	for (unsigned i = 0; i < ARRAY_LEN(fixed); i++) {
		if (p->saved & X86_REG(fixed[i].reg))
			state |= fixed[i].bit;
	}
	return state;
}

/* Both at entry and behind the call of the original: the stack that bodies run on, if one of
 * them calls what the ABI has calls for. */
static void align_stack(struct x86_asm *a)
{
	x86_alu_ri(a, X86_AND, X86_Q, RSP, -16);
}

static void save_registers(struct x86_asm *a, const struct tramp_plan *p, x86_regset set)
{
	for (unsigned r = RAX; r <= R15; r++) {
		if (set & X86_REG(r))
			x86_store(a, X86_Q, home(p, (enum x86_gpr)r), (enum x86_gpr)r);
	}
}

static void restore_registers(struct x86_asm *a, const struct tramp_plan *p, x86_regset set)
{
	for (unsigned r = RAX; r <= R15; r++) {
		if (set & X86_REG(r))
			x86_load(a, X86_Q, (enum x86_gpr)r, home(p, (enum x86_gpr)r));
	}
}

static void emit_enter(struct x86_asm *a, const struct tramp_plan *p)
{
	x86_frame(a, FRAME_CFA(0));
	parts_room(a, p);
	if (p->frameless) {
		save_registers(a, p, p->at_entry);
		parts_save_flags(a, p);
		return;
	}
	x86_push(a, RBP);
	x86_frame(a, FRAME_CFA_RBP(1));
	x86_mov_rr(a, RBP, RSP);
	x86_frame(a, FRAME_RBP);
	if (p->keep_flags)
		x86_lea(a, RSP, X86_MEM(RSP, -(int32_t)p->down));
	else
		x86_alu_ri(a, X86_SUB, X86_Q, RSP, (int32_t)p->down);
	if (p->align_entry && !p->keep_flags)
		align_stack(a);
	if (p->spec->tagged) {
		x86_store_i(a, X86_Q, at(FRAME_OFF_TAG),
			    (int32_t)((uint32_t)FRAME_TAG_MAGIC | p->spec->slot));
		x86_frame(a, FRAME_RBP | FRAME_TAG);
	}
	save_registers(a, p, p->at_entry);
	x86_frame(a, inside(p));
	parts_save_flags(a, p);
	if (p->align_entry && p->keep_flags)
		align_stack(a);
}

/* Everything as it was, or as the original left it. */
static void emit_undo(struct x86_asm *a, const struct tramp_plan *p)
{
	parts_restore_flags(a, p);
	restore_registers(a, p, p->call_orig ? p->at_exit : p->at_entry);
	if (!p->frameless)
		x86_leave(a);
	x86_frame(a, FRAME_CFA(0));
}

/* Back to the caller; by call, past the return address into the function. */
static void emit_return(struct x86_asm *a, const struct tramp_plan *p)
{
	emit_undo(a, p);
	if (p->spec->entry == TRAMP_BY_CALL) /* lea keeps the flags */
		x86_lea(a, RSP, X86_MEM(RSP, 8));
	if (p->spec->leave_ret)
		x86_jmp_pc(a, p->spec->leave_ret);
	else
		x86_ret(a);
}

/* On into the function. */
void parts_resume(struct x86_asm *a, const struct tramp_spec *s)
{
	if (s->entry == TRAMP_BY_JMP) {
		x86_jmp_pc(a, s->leave_resume ? s->leave_resume : s->original);
	} else if (s->leave_resume) {
		x86_lea(a, RSP, X86_MEM(RSP, 8));
		x86_jmp_pc(a, s->leave_resume);
	} else {
		x86_ret(a);
	}
}

/* -- programs ------------------------------------------------------------ */

/* env[]: one per program, in the order of the lists; it is needed again for emit_rest. */
static struct tramp_env *env_of(const struct tramp_plan *p, struct tramp_env *env, unsigned kind)
{
	for (unsigned k = 0; k < kind; k++)
		env += p->spec->list[k].n;
	return env;
}

bool parts_written_before(unsigned kind, const struct tramp_prog *prog)
{
	return prog->session && kind == TRAMP_FEXIT;
}

x86_label parts_entry(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
		      const struct tramp_prog *prog, const struct tramp_env *all)
{
	const struct tramp_prog *other = p->spec->list[TRAMP_FENTRY].prog;

	if (!parts_written_before(kind, prog))
		return x86_label_new(a);
	while (other->body != prog->body || !other->session)
		other++;
	return all[other - p->spec->list[TRAMP_FENTRY].prog].entry;
}

/*
 * The environments of every list; again: of the call sites for tail calls, whose programs' code
 * is that of the others.
 */
struct envs {
	struct tramp_env *all, *again;
	struct body_home *home; /* BODY_MAX_SLOTS for each kind */
	x86_label tail, go_on;
};

static struct tramp_env *envs_of(const struct tramp_plan *p, const struct envs *e, unsigned kind)
{
	return env_of(p, p->open ? e->again : e->all, kind);
}

static void emit_body(struct x86_asm *a, const struct tramp_plan *p, unsigned kind, unsigned i,
		      const struct envs *e)
{
	const struct tramp_prog *prog = &p->spec->list[kind].prog[i];
	struct tramp_env *env = envs_of(p, e, kind) + i;
	unsigned cookie = tramp_plan_cookie(p, prog);

	if (cookie)
		parts_put_word(a, p, kind, cookie);
	*env = (struct tramp_env){ .ctx = p->ctx,
				   .ret = p->args - 8,
				   .cookie = prog->cookie,
				   .home = prog->session ? NULL :
							   e->home + (size_t)kind * BODY_MAX_SLOTS,
				   .arg = prog->arg,
				   .kind = kind,
				   .open = p->open,
				   .scratch = p->scratch,
				   .room = p->body,
				   .entry = p->open ? env_of(p, e->all, kind)[i].entry :
						      parts_entry(a, p, kind, prog, e->all),
				   .skip = x86_label_new(a) };
	for (unsigned c = 0; prog->body->emit_cold && c < BODY_COLD; c++)
		env->cold[c] = x86_label_new(a);
	prog->body->emit(a, env, prog->body->self);
	x86_frame(a, inside(p));
}

static void emit_list(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
		      const struct envs *e)
{
	const struct tramp_env *env = envs_of(p, e, kind);

	if (kind == TRAMP_FEXIT && p->fill_return)
		parts_put_word(a, p, kind, 0);
	for (unsigned i = 0; i < p->spec->list[kind].n; i++, env++) {
		emit_body(a, p, kind, i, e);
		x86_bind(a, env->skip);
	}
}

/*
 * The first program that overrides, sets the result or returns non-zero decides and goes to
 * skipped.  A zero may be stored, too: the slot is zero as long as the chain goes on.  What a
 * program returns is no result where a word cannot be one.
 */
static void emit_fmod_ret(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e,
			  x86_label skipped)
{
	const struct tramp_env *env = envs_of(p, e, TRAMP_FMOD_RET);
	const struct tramp_spec *s = p->spec;
	bool words = !parts_wordless(&s->model->ret);

	for (unsigned i = 0; i < s->list[TRAMP_FMOD_RET].n; i++, env++) {
		const struct body_facts *f = &s->list[TRAMP_FMOD_RET].prog[i].body->facts;

		emit_body(a, p, TRAMP_FMOD_RET, i, e);
		if (f->may_override || f->sets_result) {
			x86_alu_mi(a, X86_CMP, X86_Q, at(p->ctx - 24), 0);
			x86_jcc(a, X86_NE, skipped);
		}
		if (words) {
			x86_store(a, X86_Q, slot(p, s->model->nslots), RAX);
			x86_test_rr(a, X86_Q, RAX, RAX);
			x86_jcc(a, X86_NE, skipped);
		}
		x86_bind(a, env->skip);
	}
}

static void emit_skipped(struct x86_asm *a, const struct tramp_plan *p)
{
	x86_frame(a, inside(p));
	parts_skipped(a, p);
}

/* -- the original -------------------------------------------------------- */

/*
 * Copy the stack arguments, last one first, by pushing: the stack grows by a word at a
 * time, so that a large copy meets the guard page instead of leaping over it, and nothing
 * of it ever lies below rsp.  When all are pushed, rsp is rbp + out.  What of the frame need not
 * last is overwritten, or below rsp from here on.
 */
static void copy_stack_args(struct x86_asm *a, const struct tramp_plan *p)
{
	int32_t bytes = (int32_t)p->out_bytes;

	if (p->align_entry || (int32_t)p->down != -p->out - bytes)
		x86_lea(a, RSP, at(p->out + bytes));
	if (p->copy_loop) {
		x86_label again = x86_label_new(a);

		x86_mov_ri(a, RCX, p->out_bytes / 8);
		x86_bind(a, again);
		x86_push_m(a, X86_MEM_IX(RBP, RCX, 8, p->args - 8));
		x86_alu_ri(a, X86_SUB, X86_D, RCX, 1);
		x86_jcc(a, X86_NE, again);
		return;
	}
	for (int32_t off = bytes - 8; off >= 0; off -= 8)
		x86_push_m(a, at(p->args + off));
}

/* Beside the call that was just emitted: from rsp to rbp, for rt/tail.c (x86/frame.h). */
static void tell_distance(struct x86_asm *a, const struct tramp_plan *p)
{
	uint32_t words = (uint32_t)-p->out / 8;
	uint8_t *state;

	if (a->err || !a->frame)
		return;
	state = a->frame + a->len - FRAME_CALL_BYTES;
	state[1] = (uint8_t)words;
	state[2] = (uint8_t)(words >> 8);
	state[3] = FRAME_CALL_MARK;
}

static void call_original(struct x86_asm *a, const struct tramp_plan *p)
{
	bool below = p->align_exit || (int32_t)p->frame > -p->out;

	if (p->copy_loop)
		copy_stack_args(a, p);
	restore_registers(a, p, p->at_entry);
	if (!p->copy_loop)
		copy_stack_args(a, p);
	if (parts_shows_memory(p))
		x86_store(a, X86_Q, slot(p, p->spec->model->nslots), RDI);
	x86_call_pc(a, p->spec->original);
	if (p->tails)
		tell_distance(a, p);
	if (below)
		x86_lea(a, RSP, at(-(int32_t)p->frame));
	save_registers(a, p, p->at_exit);
	if (parts_shows_x87(p))
		parts_show_x87(a, p, below ? -(int32_t)p->frame : p->out);
	if (p->align_exit)
		align_stack(a);
	parts_show_result(a, p);
}

/* -- all of it ----------------------------------------------------------- */

/*
 * The gate before the exit programs: a nop of five bytes that attach/ turns into a jump past
 * them when the image is replaced, so that calls inside run no program that may be gone.
 * Five bytes in one instruction: no thread can stand in its middle.
 */
static void emit_gate(struct x86_asm *a, struct tramp_marks *marks)
{
	if (marks)
		marks->exit_nop = a->len;
	x86_nop5(a);
}

static void emit_cold(struct x86_asm *a, const struct tramp_plan *p, const struct tramp_env *env)
{
	for (unsigned k = 0; k < (p->open ? TRAMP_FEXIT : TRAMP_KINDS); k++) {
		for (unsigned i = 0; i < p->spec->list[k].n; i++, env++) {
			const struct tramp_body *b = p->spec->list[k].prog[i].body;

			x86_frame(a, inside(p));
			if (b->emit_cold)
				b->emit_cold(a, env, b->self);
		}
	}
}

/* Without a call: the programs at entry, then on into the function, or back to the caller. */
static void emit_pass(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e)
{
	x86_label skipped = x86_label_new(a);

	parts_fill_ctx(a, p);
	emit_list(a, p, TRAMP_FENTRY, e);
	emit_fmod_ret(a, p, e, skipped);
	emit_undo(a, p);
	parts_resume(a, p->spec);
	if (!p->spec->list[TRAMP_FMOD_RET].n)
		return;
	x86_bind(a, skipped);
	emit_skipped(a, p);
	emit_return(a, p);
}

/*
 * Does our caller's return address lie in code of ours?  rax is free: its lower half is bits 16 to
 * 47 of it, so what lies within 64 KiB of a room is asked for in vain.
 */
static void ask_for_tail(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e)
{
	const struct tramp_spec *s = p->spec;
	uint32_t base = 0;

	x86_load(a, X86_Q, RAX, at(p->args - 8));
	x86_shift_ri(a, X86_SHR, X86_Q, RAX, 16);
	for (unsigned i = 0; i < ARRAY_LEN(s->room) && s->room[i].hi; i++) {
		uint32_t lo = (uint32_t)(s->room[i].lo >> 16), hi = (uint32_t)(s->room[i].hi >> 16);

		x86_alu_ri(a, X86_SUB, X86_D, RAX, (int32_t)(lo - base));
		x86_alu_ri(a, X86_CMP, X86_D, RAX, (int32_t)(hi - lo));
		x86_jcc(a, X86_BE, e->tail);
		base = lo;
	}
	x86_bind(a, e->go_on);
}

/* rt_tail() knows; the frame is made, and the same for both ways. */
static void emit_tail(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e,
		      struct tramp_marks *marks)
{
	struct tramp_plan open = *p;

	open.open = true;
	open.tails = open.call_orig = open.fill_return = false;
	x86_frame(a, inside(p));
	x86_bind(a, e->tail);
	if (marks)
		marks->tail = a->len;
	x86_call_to(a, p->spec->tail, RAX);
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, e->go_on);
	emit_pass(a, &open, e);
	emit_cold(a, &open, e->again);
}

static void emit_main(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e,
		      struct tramp_marks *marks)
{
	const struct tramp_spec *s = p->spec;
	bool may_skip = s->list[TRAMP_FMOD_RET].n > 0;
	x86_label skipped = x86_label_new(a), done = x86_label_new(a);

	emit_enter(a, p);
	if (!p->call_orig) {
		emit_pass(a, p, e);
		return;
	}
	if (p->tails)
		ask_for_tail(a, p, e);
	parts_fill_ctx(a, p);
	emit_list(a, p, TRAMP_FENTRY, e);
	emit_fmod_ret(a, p, e, skipped);
	call_original(a, p);
	if (may_skip) {
		x86_jmp(a, done);
		x86_bind(a, skipped);
		emit_skipped(a, p);
		x86_bind(a, done);
	}
	emit_gate(a, marks);
	emit_list(a, p, TRAMP_FEXIT, e);
	if (marks)
		marks->exit_skip = a->len;
	emit_return(a, p);
}

static void emit_rest(struct x86_asm *a, const struct tramp_plan *p, const struct tramp_env *env)
{
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < p->spec->list[k].n; i++, env++) {
			const struct tramp_prog *prog = &p->spec->list[k].prog[i];
			const struct tramp_body *b = prog->body;

			if (!b->emit_rest || parts_written_before(k, prog))
				continue;
			x86_int3_to(a, 16);
			x86_frame(a, FRAME_CFA(0));
			b->emit_rest(a, env, b->self);
		}
	}
}

void tramp_emit(const struct tramp_plan *p, struct x86_asm *a, struct tramp_marks *marks)
{
	struct envs e = { .tail = x86_label_new(a), .go_on = x86_label_new(a) };
	size_t n = 0;

	if (marks)
		*marks = (struct tramp_marks){ 0 };
	if (!p->need_frame) {
		x86_frame(a, FRAME_CFA(0));
		parts_resume(a, p->spec);
		return;
	}
	for (unsigned k = 0; k < TRAMP_KINDS; k++)
		n += p->spec->list[k].n;
	e.all = calloc(2 * n, sizeof(*e.all));
	e.home = calloc((size_t)TRAMP_KINDS * BODY_MAX_SLOTS, sizeof(*e.home));
	if (!e.all || !e.home) {
		free(e.all);
		free(e.home);
		x86_fail(a, -ENOMEM);
		return;
	}
	e.again = e.all + n;
	for (unsigned k = 0; k < TRAMP_KINDS; k++)
		parts_homes(p, k, e.home + (size_t)k * BODY_MAX_SLOTS);
	if (p->spec->layout == TRAMP_SEED) {
		seed_emit(p, a, e.all, marks);
	} else {
		emit_main(a, p, &e, marks);
		emit_cold(a, p, e.all);
		if (p->tails)
			emit_tail(a, p, &e, marks);
	}
	emit_rest(a, p, e.all);
	free(e.all);
	free(e.home);
}

/* -- the trivial body ---------------------------------------------------- */

static void emit_call(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const uint64_t *fn = self;

	x86_lea(a, RDI, at(env->ctx));
	x86_mov_ri(a, RSI, env->arg);
	x86_call_to(a, *fn, RAX);
}

struct tramp_body tramp_body_call(const uint64_t *fn)
{
	return (struct tramp_body){
		.facts = { .reads_any = true,
			   .ctx_escapes = true,
			   .reads_ip = true,
			   .reads_count = true,
			   .clobbers = X86_CALLER_SAVED },
		.emit = emit_call,
		.self = fn,
	};
}
