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

static struct x86_mem at(int32_t off)
{
	return X86_MEM(RBP, off);
}

static struct x86_mem slot(const struct tramp_plan *p, unsigned i)
{
	return at(p->ctx + 8 * (int32_t)i);
}

static struct x86_mem home(const struct tramp_plan *p, enum x86_gpr r)
{
	return X86_MEM(p->frameless ? RSP : RBP, tramp_plan_home(p, r));
}

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

/* -- context slots ------------------------------------------------------- */

/* One eightbyte of a value. */
struct part {
	enum { IN_GPR, IN_XMM, IN_MEM, PADDING } where;
	unsigned reg;
	struct x86_mem mem;
	uint32_t bytes; /* of the eightbyte that belong to the value */
	bool is_signed;
	bool address; /* not the memory but where it is */
};

/* rax = the part, its other bytes zero or sign. */
static void load_narrow(struct x86_asm *a, const struct part *s)
{
	static const int8_t width[8] = { -1, X86_B, X86_W, -1, X86_D, -1, -1, -1 };
	uint8_t unused = (uint8_t)(64 - 8 * s->bytes);
	enum x86_width w = (enum x86_width)width[s->bytes];

	if (width[s->bytes] < 0) {
		if (s->where == IN_GPR)
			x86_mov_rr(a, RAX, (enum x86_gpr)s->reg);
		else
			x86_load(a, X86_Q, RAX, s->mem);
		x86_shift_ri(a, X86_SHL, X86_Q, RAX, unused);
		x86_shift_ri(a, s->is_signed ? X86_SAR : X86_SHR, X86_Q, RAX, unused);
	} else if (s->where == IN_MEM) {
		s->is_signed ? x86_load_sx(a, w, RAX, s->mem) : x86_load(a, w, RAX, s->mem);
	} else if (s->is_signed) {
		x86_movsx_rr(a, w, true, RAX, (enum x86_gpr)s->reg);
	} else if (w == X86_D) {
		x86_mov_rr32(a, RAX, (enum x86_gpr)s->reg);
	} else {
		x86_movzx_rr(a, w, RAX, (enum x86_gpr)s->reg);
	}
}

static void show_part(struct x86_asm *a, struct x86_mem dst, struct part s)
{
	if (s.where == PADDING) {
		x86_store_i(a, X86_Q, dst, 0);
		return;
	}
	if (s.where == IN_XMM) {
		x86_movq_store(a, dst, (enum x86_xmm)s.reg);
		if (s.bytes >= 8)
			return;
		if (s.bytes == 4) {
			x86_store_i(a, X86_D, X86_MEM(dst.base, dst.disp + 4), 0);
			return;
		}
		s.where = IN_MEM; /* cleaned in place */
		s.mem = dst;
	}
	if (s.where == IN_GPR && s.bytes >= 8) {
		x86_store(a, X86_Q, dst, (enum x86_gpr)s.reg);
		return;
	}
	if (s.address)
		x86_lea(a, RAX, s.mem);
	else if (s.bytes >= 8)
		x86_load(a, X86_Q, RAX, s.mem);
	else
		load_narrow(a, &s);
	x86_store(a, X86_Q, dst, RAX);
}

/* What the j-th slot of v shows, but for its place. */
static struct part part_of(const struct fm_value *v, unsigned j)
{
	struct part s = { .where = PADDING };
	bool pointer = v->place.by_ref || v->flags & FM_BY_ADDR;

	s.bytes = pointer ? 8 : v->size - 8 * j;
	s.is_signed = !pointer && v->flags & FM_SIGNED;
	s.address = v->flags & FM_BY_ADDR && !v->place.by_ref;
	return s;
}

static struct part arg_part(const struct tramp_plan *p, const struct fm_value *v, unsigned j)
{
	static const uint8_t gpr[] = { RDI, RSI, RDX, RCX, R8, R9 };
	struct part s = part_of(v, j);

	if (!v->place.nregs) {
		s.where = IN_MEM;
		s.mem = at(p->args + (int32_t)v->place.stack + 8 * (int32_t)j);
	} else if (j < v->place.nregs && v->place.file[j] == ABI_GPR) {
		s.where = IN_GPR;
		s.reg = gpr[v->place.num[j]];
	} else if (j < v->place.nregs) {
		s.where = IN_XMM;
		s.reg = v->place.num[j];
	}
	return s;
}

static void show_wide(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v)
{
	if (tramp_plan_fills(p, v->slot) || tramp_plan_fills(p, v->slot + 1u))
		x86_movups_store(a, slot(p, v->slot), (enum x86_xmm)v->place.num[0]);
}

static void show_args(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (v->place.wide && v->place.nregs && v->nslots > 1) {
			show_wide(a, p, v);
			continue;
		}
		for (unsigned j = 0; j < v->nslots; j++) {
			if (tramp_plan_fills(p, v->slot + j))
				show_part(a, slot(p, v->slot + j), arg_part(p, v, j));
		}
	}
}

uint64_t parts_word(const struct tramp_plan *p, unsigned kind, unsigned cookie)
{
	return p->spec->model->nslots | (uint64_t)cookie << TRAMP_COOKIE_SHIFT |
	       (p->open ? TRAMP_IS_TAIL : 0) | (kind == TRAMP_FEXIT ? TRAMP_IS_RETURN : 0);
}

/* ctx[-1] as the program about to run sees it; rax is free. */
static void emit_word(struct x86_asm *a, const struct tramp_plan *p, unsigned kind, unsigned cookie)
{
	uint64_t word = parts_word(p, kind, cookie);

	if (word <= INT32_MAX) {
		x86_store_i(a, X86_Q, at(p->ctx - 8), (int32_t)word);
		return;
	}
	x86_mov_ri(a, RAX, word);
	x86_store(a, X86_Q, at(p->ctx - 8), RAX);
}

static void fill_ctx(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;
	unsigned n = s->model->nslots;

	show_args(a, p);
	for (unsigned i = n; i < n + TRAMP_RESULT_SLOTS; i++) {
		if (s->list[TRAMP_FMOD_RET].n || tramp_plan_fills(p, i))
			x86_store_i(a, X86_Q, slot(p, i), 0);
	}
	if (p->fill_count)
		emit_word(a, p, TRAMP_FENTRY, 0);
	if (p->fill_ip) {
		x86_mov_ri(a, RAX, s->func);
		x86_store(a, X86_Q, at(p->ctx - 16), RAX);
	}
	if (p->fill_override)
		x86_store_i(a, X86_Q, at(p->ctx - 24), 0);
	for (unsigned i = 0; i < p->cookies; i++)
		x86_store_i(a, X86_Q, at(p->cookie - 8 * (int32_t)i), 0);
}

/* Is the result one whose memory is shown, not its address? */
static bool shows_memory(const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	return p->spec->model->call.sret && !(v->flags & (FM_BY_ADDR | FM_HIDDEN)) &&
	       (tramp_plan_fills(p, v->slot) || tramp_plan_fills(p, v->slot + 1u));
}

/*
 * A small result in memory: rax is the hidden pointer that came in rdi, which was kept in
 * the result slot (psABI 3.2.3, "Returning of values", 2).  If it is not, the prototype is
 * wrong, and the slots stay 0: a mistake in showing must not make us read somewhere.
 * Not a byte behind the value is read.
 */
static void show_memory_result(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;
	x86_label end = x86_label_new(a);
	uint32_t off = 0;

	x86_alu_mr(a, X86_CMP, X86_Q, slot(p, v->slot), RAX);
	for (unsigned j = 0; j < TRAMP_RESULT_SLOTS; j++)
		x86_store_i(a, X86_Q, slot(p, v->slot + j), 0); /* mov keeps the flags */
	x86_jcc(a, X86_NE, end);
	for (int w = X86_Q; w >= X86_B; w--) {
		for (; off + (1u << w) <= v->size && off < 8 * TRAMP_RESULT_SLOTS; off += 1u << w) {
			struct x86_mem dst = at(p->ctx + 8 * v->slot + (int32_t)off);

			x86_load(a, X86_Q, RAX, home(p, RAX));
			x86_load(a, (enum x86_width)w, RAX, X86_MEM(RAX, (int32_t)off));
			x86_store(a, (enum x86_width)w, dst, RAX);
		}
	}
	x86_bind(a, end);
}

/* Where the j-th eightbyte of a result is, once rax is saved; larger ones in memory: at rax. */
static struct part result_part(const struct tramp_plan *p, unsigned j)
{
	const struct fm_value *v = &p->spec->model->ret;
	struct part s = part_of(v, j);

	s.address = false;
	if (j < v->place.nregs && v->place.file[j] == ABI_XMM) {
		s.where = IN_XMM;
		s.reg = v->place.num[j];
	} else if (j < v->place.nregs && v->place.num[j] == 1) {
		s.where = IN_GPR;
		s.reg = RDX;
	} else if (j < (v->place.nregs ? v->place.nregs : 1u)) {
		s.where = IN_MEM;
		s.mem = home(p, RAX);
	}
	return s;
}

static void show_result(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	if (v->flags & FM_HIDDEN)
		return;
	if (shows_memory(p)) {
		show_memory_result(a, p);
		return;
	}
	if (v->place.wide && v->place.nregs) {
		show_wide(a, p, v);
		return;
	}
	for (unsigned j = 0; j < v->nslots && j < TRAMP_RESULT_SLOTS; j++) {
		if (tramp_plan_fills(p, v->slot + j))
			show_part(a, slot(p, v->slot + j), result_part(p, j));
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
		emit_word(a, p, kind, cookie);
	*env = (struct tramp_env){ .ctx = p->ctx,
				   .ret = p->args - 8,
				   .cookie = prog->cookie,
				   .arg = prog->arg,
				   .kind = kind,
				   .open = p->open,
				   .scratch = p->scratch,
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
		emit_word(a, p, kind, 0);
	for (unsigned i = 0; i < p->spec->list[kind].n; i++, env++) {
		emit_body(a, p, kind, i, e);
		x86_bind(a, env->skip);
	}
}

/*
 * The first program that overrides or returns non-zero decides the result and goes to
 * skipped.  A zero may be stored, too: the slot is zero as long as the chain goes on.
 */
static void emit_fmod_ret(struct x86_asm *a, const struct tramp_plan *p, const struct envs *e,
			  x86_label skipped)
{
	const struct tramp_env *env = envs_of(p, e, TRAMP_FMOD_RET);
	const struct tramp_spec *s = p->spec;

	for (unsigned i = 0; i < s->list[TRAMP_FMOD_RET].n; i++, env++) {
		emit_body(a, p, TRAMP_FMOD_RET, i, e);
		if (s->list[TRAMP_FMOD_RET].prog[i].body->facts.may_override) {
			x86_alu_mi(a, X86_CMP, X86_Q, at(p->ctx - 24), 0);
			x86_jcc(a, X86_NE, skipped);
		}
		x86_store(a, X86_Q, slot(p, s->model->nslots), RAX);
		x86_test_rr(a, X86_Q, RAX, RAX);
		x86_jcc(a, X86_NE, skipped);
		x86_bind(a, env->skip);
	}
}

/* The function was skipped: its result is what the result slots say. */
static void emit_skipped(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	x86_frame(a, inside(p));
	for (unsigned j = 0; j < v->place.nregs; j++) {
		struct x86_mem src = slot(p, v->slot + j);

		if (v->place.file[j] == ABI_XMM) { /* bodies leave it alone */
			x86_movq_load(a, (enum x86_xmm)v->place.num[j], src);
		} else if (v->place.num[j] == 1 && !(p->saved & X86_REG(RDX))) {
			x86_load(a, X86_Q, RDX, src); /* so do they this one */
		} else {
			x86_load(a, X86_Q, RAX, src);
			x86_store(a, X86_Q, home(p, v->place.num[j] ? RDX : RAX), RAX);
		}
	}
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
	if (shows_memory(p))
		x86_store(a, X86_Q, slot(p, p->spec->model->nslots), RDI);
	x86_call_pc(a, p->spec->original);
	if (p->tails)
		tell_distance(a, p);
	if (below)
		x86_lea(a, RSP, at(-(int32_t)p->frame));
	save_registers(a, p, p->at_exit);
	if (p->align_exit)
		align_stack(a);
	show_result(a, p);
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

	fill_ctx(a, p);
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
	fill_ctx(a, p);
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
	if (!e.all) {
		x86_fail(a, -ENOMEM);
		return;
	}
	e.again = e.all + n;
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
