/*
 * info/dwarf_loc.c - where parameters are when their function is entered (see dwarf_priv.h).
 *
 * Only what holds at the first instruction is told: an expression, or the first entry of a
 * list that begins there (gcc writes empty ranges there, before what the first statement
 * changes).  The plain forms are these, others are info/dwarf_expr.c's:
 *
 *   reg                               in this register
 *   breg of an argument register, 0   its address is in that register, if told of the entry only
 *   frame base + offset               above the return address: on the caller's stack; below: a
 *                                     copy that the function makes
 *   the latter and deref              the same of its address
 *
 * Offsets are counted from the first stack argument (the CFA).  gcc's frame base is the CFA,
 * clang's rbp = CFA - 16, or rsp as it is behind the prologue: how far the CFA is from there, the
 * unwind table tells.
 *
 * Context  [ctl]
 * Spec     DWARF 5, 2.6 (locations), 3.3.5 (frame base); psABI 3.6.2 (register numbers)
 */
#include "info/dwarf_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES 65536
#define MAX_ROWS    256

static bool is_expr_form(Dwarf_Attribute *a)
{
	switch (dwarf_whatform(a)) {
	case DW_FORM_exprloc:
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		return true;
	default:
		return false;
	}
}

/* The expression that holds at pc. */
static bool expr_at(Dwarf_Attribute *a, taddr_t pc, struct dwr_expr *out)
{
	Dwarf_Addr base, lo, hi;
	Dwarf_Op *op;
	ptrdiff_t at = 0;
	bool found = false, at_pc = false;
	size_t n;

	*out = (struct dwr_expr){ .attr = a, .whole = is_expr_form(a) };
	for (unsigned i = 0; i < MAX_ENTRIES; i++) {
		at = dwarf_getlocations(a, at, &base, &lo, &hi, &op, &n);
		if (at <= 0)
			break;
		out->varies |= i > 0;
		if (!out->whole && lo != pc && (pc < lo || pc >= hi))
			continue;
		if (found && (lo != pc || at_pc))
			continue;
		out->op = op;
		out->n = n;
		found = true;
		at_pc = lo == pc;
	}
	return found;
}

/* The entry of a list that begins first, where none holds at pc: behind the prologue. */
static bool first_expr(Dwarf_Attribute *a, taddr_t pc, struct dwr_expr *out)
{
	Dwarf_Addr base, lo, hi, first = 0;
	Dwarf_Op *op;
	ptrdiff_t at = 0;
	size_t n;

	*out = (struct dwr_expr){ .attr = a };
	for (unsigned i = 0; i < MAX_ENTRIES; i++) {
		at = dwarf_getlocations(a, at, &base, &lo, &hi, &op, &n);
		if (at <= 0)
			break;
		if (lo < pc || (out->n && lo >= first))
			continue;
		first = lo;
		out->op = op;
		out->n = n;
	}
	return out->n != 0;
}

/* How far the CFA is above rsp at *pc, 0: not known; *pc becomes where that ends. */
static int64_t frame_size(struct dwarf_reader *r, Dwarf_Addr *pc)
{
	Dwarf_Frame *frame;
	int64_t size = 0;
	Dwarf_Addr end;
	Dwarf_Op *op;
	size_t n;

	if (!r->cfi && !r->no_cfi)
		r->cfi = dwarf_getcfi_elf(r->code);
	r->no_cfi = !r->cfi;
	if (!r->cfi || dwarf_cfi_addrframe(r->cfi, *pc, &frame))
		return 0;
	if (!dwarf_frame_cfa(frame, &op, &n) && n == 1) {
		if (op[0].atom == DW_OP_bregx && op[0].number == DWR_RSP) /* libdw's way */
			size = (int64_t)op[0].number2;
		else if (op[0].atom == DW_OP_breg0 + DWR_RSP)
			size = (int64_t)op[0].number;
	}
	if (dwarf_frame_info(frame, NULL, &end, NULL) < 0 || end <= *pc)
		size = 0;
	else
		*pc = end;
	free(frame);
	return size;
}

/* The largest that the frame gets; 0: not known. */
static int64_t largest_frame(struct dwarf_reader *r, struct dwr_frame *f)
{
	Dwarf_Addr pc = f->pc, end;
	int64_t size = 0, at;

	if (dwarf_highpc(&f->func, &end))
		return 0;
	for (unsigned i = 0; pc < end; i++) {
		at = i < MAX_ROWS ? frame_size(r, &pc) : 0;
		if (!at)
			return 0;
		size = at > size ? at : size;
	}
	return size;
}

/*
 * Offsets from rsp as it is where the line table says that the prologue has ended.  LLVM means
 * the whole frame, of which there is nothing yet where it moved the prologue behind an early
 * return; and pushes for a call make it larger than that.  If both agree, neither is so.
 */
static void find_prologue_end(struct dwarf_reader *r, struct dwr_frame *f)
{
	Dwarf_Addr *pc = NULL;
	int64_t size = 0;

	if (dwarf_entry_breakpoints(&f->func, &pc) > 0)
		size = frame_size(r, &pc[0]);
	free(pc);
	f->known = size >= 8 && size == largest_frame(r, f);
	f->to_cfa = -size;
}

static void find_frame_base(struct dwarf_reader *r, struct dwr_frame *f)
{
	Dwarf_Attribute a;
	struct dwr_expr e;

	f->tried = true;
	if (!dwarf_attr(&f->func, DW_AT_frame_base, &a) || !expr_at(&a, f->pc, &e) || e.n != 1)
		return;
	f->known = true;
	if (e.op[0].atom == DW_OP_call_frame_cfa)
		f->to_cfa = 0;
	else if (e.op[0].atom == DW_OP_reg0 + DWR_RBP)
		f->to_cfa = -16;
	else if (!e.whole && e.op[0].atom == DW_OP_breg0 + DWR_RSP)
		f->to_cfa = (int64_t)e.op[0].number - 8;
	else if (e.whole && e.op[0].atom == DW_OP_reg0 + DWR_RSP)
		find_prologue_end(r, f);
	else
		f->known = false;
}

bool dwr_frame_base(struct dwarf_reader *r, struct dwr_frame *f, int64_t *to_cfa)
{
	if (!f->tried)
		find_frame_base(r, f);
	*to_cfa = f->to_cfa;
	return f->known;
}

static bool is_arg_gpr(uint64_t reg)
{
	return reg == DWR_RDI || reg == DWR_RSI || reg == DWR_RDX || reg == DWR_RCX ||
	       reg == DWR_R8 || reg == DWR_R8 + 1;
}

bool dwr_is_arg_reg(uint64_t reg)
{
	return is_arg_gpr(reg) || (reg >= DWR_XMM0 && reg <= DWR_XMM15);
}

static void on_stack(int64_t offset, struct proto_place *out)
{
	out->seen = offset >= 0 ? SEEN_STACK : SEEN_COPY;
	out->offset = offset;
}

static void in_memory(struct dwarf_reader *r, struct dwr_frame *f, const struct dwr_expr *e,
		      struct proto_place *out)
{
	unsigned reg = (unsigned)e->op[0].atom - DW_OP_breg0;
	int64_t offset = (int64_t)e->op[0].number, to_cfa;

	/* gcc, where it aligns the stack itself: the register, any one, that its prologue makes point to
	 * the stack arguments (DRAP), told as if for the whole function.  It tells nothing here. */
	if (f->c_like && e->whole && e->n == 1 && is_arg_gpr(reg))
		return;
	out->deref = e->n == 2;
	if (e->op[0].atom == DW_OP_fbreg) {
		out->seen = SEEN_COPY;
		if (dwr_frame_base(r, f, &to_cfa))
			on_stack(offset + to_cfa, out);
	} else if (reg == DWR_RSP && !e->whole) {
		on_stack(offset - 8, out);
	} else if (reg == DWR_RBP && e->whole) {
		on_stack(offset - 16, out);
	} else if (is_arg_gpr(reg) && !offset && e->n == 1) {
		out->seen = SEEN_REGS;
		out->deref = true;
		out->reg[0] = (uint8_t)reg;
		out->reg[1] = PLACE_NO_REG;
	}
}

int dwr_reg_of(const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
		return op->atom - DW_OP_reg0;
	if (op->atom == DW_OP_regx && op->number < PLACE_NO_REG)
		return (int)op->number;
	return -1;
}

static void in_one_reg(const struct dwr_expr *e, struct proto_place *out)
{
	unsigned reg = (unsigned)dwr_reg_of(&e->op[0]);

	out->reg[0] = (uint8_t)reg;
	out->reg[1] = PLACE_NO_REG;
	/* gcc -fno-var-tracking: where it is later on */
	out->seen = e->whole && !is_arg_gpr(reg) && reg < DWR_XMM0 ? SEEN_COPY : SEEN_REGS;
}

/* Parts that are registers' own eightbytes, all of them or their lower bytes. */
static void name_regs(struct proto_place *out)
{
	uint8_t reg[2] = { PLACE_NO_REG, PLACE_NO_REG };

	for (unsigned i = 0; i < out->nparts; i++) {
		const struct proto_part *p = &out->part[i];

		if (p->from != PART_REG || p->value || p->offset % 8 || p->offset > 8 ||
		    (p->reg < DWR_XMM0 && p->size > 8))
			return;
		reg[p->offset / 8] = p->reg;
	}
	out->seen = SEEN_REGS;
	memcpy(out->reg, reg, sizeof(reg));
}

static bool is_memory_form(const struct dwr_expr *e)
{
	bool address = e->op[0].atom == DW_OP_fbreg ||
		       (e->op[0].atom >= DW_OP_breg0 && e->op[0].atom <= DW_OP_breg31);

	return address && (e->n == 1 || (e->n == 2 && e->op[1].atom == DW_OP_deref));
}

/* An address in an argument register, and pieces of what is there: a class by reference. */
static bool is_split_ref(const struct dwr_expr *e)
{
	return e->n > 1 && e->op[0].atom >= DW_OP_breg0 && e->op[0].atom <= DW_OP_breg31 &&
	       is_arg_gpr((unsigned)e->op[0].atom - DW_OP_breg0) && !e->op[0].number &&
	       e->op[1].atom == DW_OP_piece;
}

/*
 * gcc follows variables of one register only: of an __int128 or a complex number it tells the two
 * that it has later on, which are neighbours in its order of registers, or any vector ones.
 */
static bool is_pair_of_later(const struct proto_place *p)
{
	uint8_t a = p->reg[0], b = p->reg[1];

	if (p->nparts != 2 || p->seen != SEEN_REGS || p->part[0].size != 8 || p->part[1].size != 8)
		return false;
	return (a >= DWR_XMM0 && b >= DWR_XMM0) || b == a + 1;
}

/*
 * LLVM drops eightbytes of a parameter, too.  If it is told behind the prologue only, then what is
 * missing there was not passed.
 */
static int lacks_some(struct dwarf_reader *r, struct dwr_frame *f, Dwarf_Attribute *a,
		      uint64_t size, struct ty_pool *pool, bool *out)
{
	struct proto_place later = { 0 };
	struct dwr_expr e;
	int err;

	if (f->by_gcc || size <= 8 || !first_expr(a, f->pc, &e))
		return 0;
	err = dwr_parts_of(r, f, &e, size, pool, &later);
	*out = later.seen == SEEN_PARTS && later.partial;
	return err;
}

/*
 * LLVM leaves out what holds for no instruction: of a variable that changes, this is perhaps what the
 * first statement made of it.
 */
static bool is_assigned(const struct dwr_expr *e, const struct proto_place *p)
{
	for (unsigned i = 0; p->seen == SEEN_PARTS && i < p->nparts; i++) {
		if (((p->part[i].from == PART_CONST || p->part[i].from == PART_FUNC) &&
		     e->varies) ||
		    (p->part[i].from == PART_REG && p->part[i].value))
			return true;
	}
	return false;
}

int dwr_place_of(struct dwarf_reader *r, struct dwr_frame *f, Dwarf_Die *param,
		 const struct ty *type, struct ty_pool *pool, struct proto_place *out)
{
	const struct ty *t = ty_strip(type);
	Dwarf_Attribute a;
	struct dwr_expr e;
	int err = 0;

	memset(out, 0, sizeof(*out));
	if (dwarf_attr(param, DW_AT_const_value, &a))
		return dwr_const_of(&a, t->size, pool, out);
	if (!dwarf_attr(param, DW_AT_location, &a))
		return 0;
	if (!expr_at(&a, f->pc, &e) || !e.n)
		return lacks_some(r, f, &a, t->size, pool, &out->partial);
	if (is_memory_form(&e) || is_split_ref(&e)) {
		e.n = is_split_ref(&e) ? 1 : e.n;
		in_memory(r, f, &e, out);
	} else if (e.n == 1 && dwr_reg_of(&e.op[0]) >= 0) {
		in_one_reg(&e, out);
	} else {
		err = dwr_parts_of(r, f, &e, t->size, pool, out);
		out->partial |= out->seen == SEEN_NOT;
		if (!err && out->seen == SEEN_PARTS)
			name_regs(out);
	}
	out->weak = e.whole && (f->untracked || (f->by_gcc && is_pair_of_later(out)));
	out->weak |= !f->by_gcc && is_assigned(&e, out);
	return err;
}
