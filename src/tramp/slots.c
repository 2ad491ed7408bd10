/*
 * tramp/slots.c - what of a call is in the context, and what of the context becomes its result.
 *
 * rax is free here, it is saved.  Vector and x87 registers are read by instructions that only
 * store: fxsave, since no other stores st0 and leaves it (SDM vol. 1, 10.5.1).  They are written
 * where the function was skipped, and are then its result.
 *
 * Units    bytes; offsets are relative to rbp
 * Errors   through the assembly
 * Context  [ctl] emits; what it emits is [probe]
 * Spec     psABI 3.2.3 "Returning of Values"; SDM vol. 1, 10.5.1 (layout of FXSAVE)
 */
#include "tramp/parts.h"

#include "x86/asm.h"

#include <string.h>

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

static const uint8_t arg_gpr[] = { RDI, RSI, RDX, RCX, R8, R9 };

static struct part arg_part(const struct tramp_plan *p, const struct fm_value *v, unsigned j)
{
	struct part s = part_of(v, j);

	if (!v->place.nregs) {
		s.where = IN_MEM;
		s.mem = at(p->args + (int32_t)v->place.stack + 8 * (int32_t)j);
	} else if (j < v->place.nregs && v->place.file[j] == ABI_STACK) {
		s.where = IN_MEM;
		s.mem = at(p->args + (int32_t)v->place.stack);
	} else if (j < v->place.nregs && v->place.file[j] == ABI_GPR) {
		s.where = IN_GPR;
		s.reg = arg_gpr[v->place.num[j]];
	} else if (j < v->place.nregs) {
		s.where = IN_XMM;
		s.reg = v->place.num[j];
	}
	return s;
}

/* A store of 16 bytes where no program reads more: ymm and zmm take a processor that has them. */
static void show_wide(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v)
{
	enum x86_xmm reg = (enum x86_xmm)v->place.num[0];

	switch (parts_wide_slots(p, v)) {
	case 2:
		x86_movups_store(a, slot(p, v->slot), reg);
		break;
	case 4:
		x86_ymm_store(a, slot(p, v->slot), reg);
		break;
	case 8:
		x86_zmm_store(a, slot(p, v->slot), reg);
		break;
	}
}

static struct part result_part(const struct tramp_plan *p, unsigned j);

/* The place of a part of 4 bytes or 8; saved: registers whose values are at home by now. */
static struct body_home home_of(const struct tramp_plan *p, const struct part *s, x86_regset saved)
{
	struct body_home h = { .bytes = s->bytes >= 8 ? 8 : 4, .is_signed = s->is_signed };

	if (s->where == IN_MEM && !s->address) {
		h.mem = s->mem;
		if (p->frameless)
			h.mem = X86_MEM(RSP, s->mem.disp - 8);
	} else if (s->where == IN_GPR && saved & X86_REG(s->reg)) {
		h.mem = home(p, (enum x86_gpr)s->reg);
	} else if (s->where == IN_GPR) {
		h.in_reg = true;
		h.reg = (enum x86_gpr)s->reg;
	} else {
		h.bytes = 0;
	}
	return s->bytes >= 8 || s->bytes == 4 ? h : (struct body_home){ 0 };
}

/*
 * The first part of a result in rax.  Behind fmod_ret programs it may be what one of them gave.
 */
static void result_home(const struct tramp_plan *p, struct body_home *home)
{
	const struct fm_value *v = &p->spec->model->ret;
	struct part s;

	if (p->spec->list[TRAMP_FMOD_RET].n || p->spec->model->call.sret || v->flags & FM_HIDDEN ||
	    v->npieces || v->place.wide || !v->place.nregs || v->place.file[0] != ABI_GPR ||
	    v->place.num[0] || !v->nslots || v->slot >= BODY_MAX_SLOTS)
		return;
	s = result_part(p, 0);
	s.where = IN_GPR;
	s.reg = RAX;
	home[v->slot] = home_of(p, &s, p->at_exit);
}

/*
 * The caller's stack stays as it is: a called original has its own copy.  Registers are gone when it
 * has returned.  Of a session the code is the same at entry and at exit.
 */
void parts_homes(const struct tramp_plan *p, unsigned kind, struct body_home *home)
{
	const struct func_model *m = p->spec->model;

	memset(home, 0, BODY_MAX_SLOTS * sizeof(*home));
	if (p->spec->layout != TRAMP_OURS)
		return;
	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (v->npieces || v->flags & (FM_GONE | FM_HIDDEN) ||
		    (v->place.wide && v->place.nregs))
			continue;
		for (unsigned j = 0; j < v->nslots && v->slot + j < BODY_MAX_SLOTS; j++) {
			struct part s = arg_part(p, v, j);

			if (s.where == IN_MEM || kind != TRAMP_FEXIT)
				home[v->slot + j] = home_of(p, &s, p->at_entry);
		}
	}
	if (kind == TRAMP_FEXIT)
		result_home(p, home);
}

static void show_args(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (parts_show_pieces(a, p, v))
			continue;
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

/* shm/varargs.h; argument registers have been left alone so far, but for rax, which was saved. */
static void show_varargs(struct x86_asm *a, const struct tramp_plan *p)
{
	unsigned first = p->spec->model->nslots + FM_VARARGS_SLOT;

	if (!tramp_plan_fills(p, first))
		return;
	for (unsigned i = 0; i < ARRAY_LEN(arg_gpr); i++)
		x86_store(a, X86_Q, slot(p, first + i), (enum x86_gpr)arg_gpr[i]);
	x86_load(a, X86_Q, RAX, home(p, RAX));
	x86_store(a, X86_Q, slot(p, first + 6), RAX);
	for (unsigned i = 0; i < 8; i++)
		x86_movq_store(a, slot(p, first + 7 + i), (enum x86_xmm)i);
	x86_lea(a, RAX, at(p->args + (int32_t)p->spec->model->varargs.stack));
	x86_store(a, X86_Q, slot(p, first + 15), RAX);
}

uint64_t parts_word(const struct tramp_plan *p, unsigned kind, unsigned cookie)
{
	return p->spec->model->nslots | (uint64_t)cookie << TRAMP_COOKIE_SHIFT |
	       (p->open ? TRAMP_IS_TAIL : 0) | (kind == TRAMP_FEXIT ? TRAMP_IS_RETURN : 0);
}

/* ctx[-1] as the program about to run sees it; rax is free. */
void parts_put_word(struct x86_asm *a, const struct tramp_plan *p, unsigned kind, unsigned cookie)
{
	uint64_t word = parts_word(p, kind, cookie);

	if (word <= INT32_MAX) {
		x86_store_i(a, X86_Q, at(p->ctx - 8), (int32_t)word);
		return;
	}
	x86_mov_ri(a, RAX, word);
	x86_store(a, X86_Q, at(p->ctx - 8), RAX);
}

/* For utramp_set_result(): where the caller wants the result, and how it is extended. */
static void fill_result(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;
	int64_t size = tramp_result_size(v);

	if (p->spec->model->call.sret)
		x86_store(a, X86_Q, at(p->ctx + 8 * TRAMP_RESULT_AT), RDI);
	else
		x86_store_i(a, X86_Q, at(p->ctx + 8 * TRAMP_RESULT_AT), 0);
	x86_mov_ri(a, RAX, (uint64_t)(v->flags & FM_SIGNED ? -size : size));
	x86_store(a, X86_Q, at(p->ctx + 8 * TRAMP_RESULT_SIZE), RAX);
}

void parts_fill_ctx(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;
	unsigned n = s->model->nslots;

	show_args(a, p);
	show_varargs(a, p);
	for (unsigned i = n; i < n + tramp_result_slots(s->model); i++) {
		if (s->list[TRAMP_FMOD_RET].n || tramp_plan_fills(p, i))
			x86_store_i(a, X86_Q, slot(p, i), 0);
	}
	if (p->fill_count)
		parts_put_word(a, p, TRAMP_FENTRY, 0);
	if (p->fill_ip) {
		x86_mov_ri(a, RAX, s->func);
		x86_store(a, X86_Q, at(p->ctx - 16), RAX);
	}
	if (p->fill_override)
		x86_store_i(a, X86_Q, at(p->ctx - 24), 0);
	if (p->fill_result)
		fill_result(a, p);
	for (unsigned i = 0; i < p->cookies; i++)
		x86_store_i(a, X86_Q, at(p->cookie - 8 * (int32_t)i), 0);
}

/* Is the result one whose memory is shown, not its address? */
bool parts_shows_memory(const struct tramp_plan *p)
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

void parts_show_result(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	if (v->flags & FM_HIDDEN || (v->place.nregs && v->place.file[0] == ABI_ST))
		return;
	if (parts_shows_memory(p)) {
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

bool parts_shows_x87(const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;
	bool any = false;

	for (unsigned j = 0; j < v->nslots; j++)
		any |= tramp_plan_fills(p, v->slot + j);
	return any && v->place.nregs && v->place.file[0] == ABI_ST;
}

/* What st(i) holds is 10 bytes, at 32 + 16 i. */
void parts_show_x87(struct x86_asm *a, const struct tramp_plan *p, int32_t bottom)
{
	const struct fm_value *v = &p->spec->model->ret;

	x86_lea(a, RSP, at(bottom - PARTS_FXSAVE));
	x86_alu_ri(a, X86_AND, X86_Q, RSP, -16);
	x86_fxsave(a, X86_MEM(RSP, 0));
	for (unsigned j = 0; j < v->nslots; j++) {
		if (!tramp_plan_fills(p, v->slot + j))
			continue;
		x86_load(a, j & 1 ? X86_W : X86_Q, RAX, X86_MEM(RSP, 32 + 8 * (int32_t)j));
		x86_store(a, X86_Q, slot(p, v->slot + j), RAX);
	}
	x86_lea(a, RSP, at(bottom));
}

/* -- a result that programs gave ------------------------------------------ */

bool parts_wordless(const struct fm_value *ret)
{
	return (ret->size && !ret->place.nregs && !ret->place.none) ||
	       (ret->place.nregs && ret->place.file[0] == ABI_ST) ||
	       (ret->place.wide && ret->size > 16);
}

/* It lies where the caller wants it; rax says where. */
static void skipped_memory(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	x86_load(a, X86_Q, RAX, at(p->ctx + 8 * TRAMP_RESULT_AT));
	x86_store(a, X86_Q, home(p, RAX), RAX);
	if (tramp_plan_fills(p, v->slot) || parts_shows_memory(p))
		x86_store(a, X86_Q, slot(p, v->slot), RAX);
	if (parts_shows_memory(p))
		show_memory_result(a, p);
}

/* The loads of 16 bytes leave what lies above as a caller that knows no more has it. */
static void skipped_wide(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;
	enum x86_xmm reg = (enum x86_xmm)v->place.num[0];

	if (v->size <= 16)
		x86_movups_load(a, reg, slot(p, v->slot));
	else if (v->size <= 32)
		x86_ymm_load(a, reg, slot(p, v->slot));
	else
		x86_zmm_load(a, reg, slot(p, v->slot));
}

/* In registers, by parts.  Bodies leave vector registers alone, and rdx if they do not name it. */
static void skipped_parts(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	for (unsigned j = 0; j < v->place.nregs; j++) {
		struct x86_mem src = slot(p, v->slot + j);

		if (v->place.file[j] == ABI_XMM) {
			x86_movq_load(a, (enum x86_xmm)v->place.num[j], src);
		} else if (v->place.num[j] == 1 && !(p->saved & X86_REG(RDX))) {
			x86_load(a, X86_Q, RDX, src);
		} else {
			x86_load(a, X86_Q, RAX, src);
			x86_store(a, X86_Q, home(p, v->place.num[j] ? RDX : RAX), RAX);
		}
	}
}

/* st0 is pushed last.  Behind 10 bytes, what was given as padding is not shown. */
static void skipped_x87(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	for (unsigned j = v->place.nregs; j > 0; j--) {
		struct x86_mem m = slot(p, v->slot + 2 * (j - 1));

		x86_fld_t(a, m);
		x86_store_i(a, X86_W, X86_MEM(RBP, m.disp + 10), 0);
		x86_store_i(a, X86_D, X86_MEM(RBP, m.disp + 12), 0);
	}
}

void parts_skipped(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct fm_value *v = &p->spec->model->ret;

	if (p->spec->model->call.sret) {
		skipped_memory(a, p);
	} else if (v->place.nregs && v->place.file[0] == ABI_ST) {
		skipped_x87(a, p);
	} else if (v->place.nregs && v->place.wide) {
		skipped_wide(a, p);
	} else {
		skipped_parts(a, p);
	}
}
