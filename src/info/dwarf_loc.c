/*
 * info/dwarf_loc.c - where parameters are when their function is entered (see dwarf_priv.h).
 *
 * Only what holds at the first instruction is told: an expression, or the first entry of a
 * list that begins there (gcc writes empty ranges there, before what the first statement
 * changes).  What is not one of the few forms below says nothing.
 *
 *   reg, or pieces of registers       in these registers
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

enum { DW_RDX = 1, DW_RCX = 2, DW_RSI = 4, DW_RDI = 5, DW_RBP = 6, DW_RSP = 7, DW_R8 = 8 };

#define MAX_ENTRIES 65536

struct expr {
	const Dwarf_Op *op;
	size_t n;
	bool whole; /* holds for the whole function, not only at its entry */
};

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
static bool expr_at(Dwarf_Attribute *a, taddr_t pc, struct expr *out)
{
	Dwarf_Addr base, lo, hi;
	Dwarf_Op *op;
	ptrdiff_t at = 0;
	bool found = false;
	size_t n;

	out->whole = is_expr_form(a);
	for (unsigned i = 0; i < MAX_ENTRIES; i++) {
		at = dwarf_getlocations(a, at, &base, &lo, &hi, &op, &n);
		if (at <= 0)
			break;
		if (!out->whole && lo != pc && (pc < lo || pc >= hi))
			continue;
		if (found && lo != pc)
			continue;
		out->op = op;
		out->n = n;
		found = true;
		if (out->whole || lo == pc)
			break;
	}
	return found;
}

/* How far the CFA is above rsp at pc; 0: not known. */
static int64_t frame_size(struct dwarf_reader *r, Dwarf_Addr pc)
{
	Dwarf_Frame *frame;
	int64_t size = 0;
	Dwarf_Op *op;
	size_t n;

	if (!r->cfi && !r->no_cfi)
		r->cfi = dwarf_getcfi_elf(r->code);
	r->no_cfi = !r->cfi;
	if (!r->cfi || dwarf_cfi_addrframe(r->cfi, pc, &frame))
		return 0;
	if (!dwarf_frame_cfa(frame, &op, &n) && n == 1 && op[0].atom == DW_OP_breg0 + DW_RSP)
		size = (int64_t)op[0].number;
	free(frame);
	return size;
}

/* Offsets from rsp as it is where the line table says that the prologue has ended. */
static void find_prologue_end(struct dwarf_reader *r, struct dwr_frame *f)
{
	Dwarf_Addr *pc = NULL;
	int64_t size = 0;

	if (dwarf_entry_breakpoints(&f->func, &pc) > 0)
		size = frame_size(r, pc[0]);
	free(pc);
	f->known = size >= 8;
	f->to_cfa = -size;
}

static void find_frame_base(struct dwarf_reader *r, struct dwr_frame *f)
{
	Dwarf_Attribute a;
	struct expr e;

	f->tried = true;
	if (!dwarf_attr(&f->func, DW_AT_frame_base, &a) || !expr_at(&a, f->pc, &e) || e.n != 1)
		return;
	f->known = true;
	if (e.op[0].atom == DW_OP_call_frame_cfa)
		f->to_cfa = 0;
	else if (e.op[0].atom == DW_OP_reg0 + DW_RBP)
		f->to_cfa = -16;
	else if (!e.whole && e.op[0].atom == DW_OP_breg0 + DW_RSP)
		f->to_cfa = (int64_t)e.op[0].number - 8;
	else if (e.whole && e.op[0].atom == DW_OP_reg0 + DW_RSP)
		find_prologue_end(r, f);
	else
		f->known = false;
}

static bool is_arg_gpr(unsigned reg)
{
	return reg == DW_RDI || reg == DW_RSI || reg == DW_RDX || reg == DW_RCX || reg == DW_R8 ||
	       reg == DW_R8 + 1;
}

static void on_stack(int64_t offset, struct proto_place *out)
{
	out->seen = offset >= 0 ? SEEN_STACK : SEEN_COPY;
	out->offset = offset;
}

static void in_memory(struct dwarf_reader *r, struct dwr_frame *f, const struct expr *e,
		      struct proto_place *out)
{
	unsigned reg = (unsigned)e->op[0].atom - DW_OP_breg0;
	int64_t offset = (int64_t)e->op[0].number;

	/* gcc, where it aligns the stack itself: the register, any one, that its prologue makes point to
	 * the stack arguments (DRAP), told as if for the whole function.  It tells nothing here. */
	if (f->c_like && e->whole && e->n == 1 && is_arg_gpr(reg))
		return;
	out->deref = e->n == 2;
	if (e->op[0].atom == DW_OP_fbreg) {
		if (!f->tried)
			find_frame_base(r, f);
		out->seen = SEEN_COPY;
		if (f->known)
			on_stack(offset + f->to_cfa, out);
	} else if (reg == DW_RSP && !e->whole) {
		on_stack(offset - 8, out);
	} else if (reg == DW_RBP && e->whole) {
		on_stack(offset - 16, out);
	} else if (is_arg_gpr(reg) && !offset && e->n == 1) {
		out->seen = SEEN_REGS;
		out->deref = true;
		out->reg[0] = (uint8_t)reg;
		out->reg[1] = PLACE_NO_REG;
	}
}

/* DW_OP_regN, also as DW_OP_regx; -1: another operation. */
static int reg_of(const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
		return op->atom - DW_OP_reg0;
	if (op->atom == DW_OP_regx && op->number < PLACE_NO_REG)
		return (int)op->number;
	return -1;
}

/* reg, or reg piece reg piece ...: those that begin an eightbyte; empty pieces are optimised out. */
static void in_regs(const struct expr *e, struct proto_place *out)
{
	uint64_t at = 0;
	int reg = reg_of(&e->op[0]);

	out->reg[0] = out->reg[1] = PLACE_NO_REG;
	if (e->n == 1 && reg >= 0) {
		/* gcc -fno-var-tracking: where it is later on */
		out->seen =
			e->whole && !is_arg_gpr((unsigned)reg) && reg < 17 ? SEEN_COPY : SEEN_REGS;
		out->reg[0] = (uint8_t)reg;
		return;
	}
	reg = -1;
	for (size_t i = 0; i < e->n && at < 16; i++) {
		if (e->op[i].atom != DW_OP_piece) {
			reg = reg_of(&e->op[i]);
			continue;
		}
		if (reg >= 0 && at % 8 == 0) {
			out->seen = SEEN_REGS;
			out->reg[at / 8] = (uint8_t)reg;
		}
		at += e->op[i].number;
		reg = -1;
	}
}

static bool is_memory_form(const struct expr *e)
{
	bool address = e->op[0].atom == DW_OP_fbreg ||
		       (e->op[0].atom >= DW_OP_breg0 && e->op[0].atom <= DW_OP_breg31);

	return address && (e->n == 1 || (e->n == 2 && e->op[1].atom == DW_OP_deref));
}

/* An address in an argument register, and pieces of what is there: a class by reference. */
static bool is_split_ref(const struct expr *e)
{
	return e->n > 1 && e->op[0].atom >= DW_OP_breg0 && e->op[0].atom <= DW_OP_breg31 &&
	       is_arg_gpr((unsigned)e->op[0].atom - DW_OP_breg0) && !e->op[0].number &&
	       e->op[1].atom == DW_OP_piece;
}

void dwr_place_of(struct dwarf_reader *r, struct dwr_frame *f, Dwarf_Die *param,
		  struct proto_place *out)
{
	Dwarf_Attribute a;
	struct expr e;

	memset(out, 0, sizeof(*out));
	if (!dwarf_attr(param, DW_AT_location, &a) || !expr_at(&a, f->pc, &e) || !e.n)
		return;
	if (is_memory_form(&e) || is_split_ref(&e)) {
		e.n = is_split_ref(&e) ? 1 : e.n;
		in_memory(r, f, &e, out);
	} else {
		in_regs(&e, out);
	}
}
