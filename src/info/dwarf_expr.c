/*
 * info/dwarf_expr.c - what a location expression says of a value, part by part (see dwarf_priv.h).
 *
 * An expression is followed with registers left open: a term is a constant, or a register plus a
 * constant, shifted right, of which so many low bits count.  What does not stay such a term says
 * nothing about its part.  A register is one at the function's first instruction, so an entry
 * value is the register itself.
 *
 * What a part needs of memory is the stack above the return address only.  Pointers to what is no
 * longer in memory (DW_OP_implicit_pointer) and the value that a removed parameter would have had
 * (DW_OP_GNU_parameter_ref) are nowhere in the machine.
 *
 * Context  [ctl]
 * Spec     DWARF 5, 2.5 (expressions), 2.6.1 (descriptions, pieces); gcc's DW_OP_GNU_* are
 *          described in its own dwarf2.def
 */
#include "info/dwarf_priv.h"

#include <string.h>

#define MAX_STACK 8
#define MAX_OPS   256
#define MAX_PARTS 8

enum term_kind { T_REG, T_CONST, T_FUNC, T_STACK, T_SLOT /* what lies at T_STACK */ };

struct term {
	uint8_t kind, reg;
	uint8_t shift; /* T_REG: right, after the addition */
	bool zeroes;   /* so are the next 64 bits */
	uint16_t bits; /* that count, from the lowest */
	int64_t value;
};

/* What a simple description came to. */
enum described { D_NOTHING, D_REG, D_VALUE, D_MEMORY, D_BYTES };

struct machine {
	struct dwarf_reader *r;
	struct dwr_frame *f;
	Dwarf_Attribute *attr;
	struct term stack[MAX_STACK];
	unsigned n;
	bool whole; /* as struct dwr_expr */
	bool lost;  /* some operation of this description is not understood */
	bool gone;  /* some part is told to be nowhere */
	bool valued;
	struct term reg;
	bool in_reg;
	Dwarf_Block bytes;
	struct proto_part part[MAX_PARTS];
	uint8_t shift[MAX_PARTS];
	unsigned nparts;
	uint64_t at; /* bytes of the value behind us */
	bool gaps;
};

static void push(struct machine *m, struct term t)
{
	if (m->n == MAX_STACK) {
		m->lost = true;
		return;
	}
	m->stack[m->n++] = t;
}

static void push_const(struct machine *m, uint64_t v)
{
	push(m, (struct term){ .kind = T_CONST, .bits = 64, .value = (int64_t)v });
}

static bool push_literal(struct machine *m, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		push_const(m, op->atom - DW_OP_lit0);
		return true;
	}
	switch (op->atom) {
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		push_const(m, op->number); /* libdw has extended it */
		return true;
	default:
		return false;
	}
}

static void push_address(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Addr addr = op->number;
	Dwarf_Attribute a;

	if (op->atom != DW_OP_addr &&
	    (dwarf_getlocation_attr(m->attr, op, &a) || dwarf_formaddr(&a, &addr)))
		m->lost = true;
	push(m, (struct term){ .kind = T_FUNC, .bits = 64, .value = (int64_t)(addr - m->f->pc) });
}

static void push_reg(struct machine *m, uint64_t reg, int64_t add)
{
	if (reg == DWR_RSP && !m->whole) {
		push(m, (struct term){ .kind = T_STACK, .bits = 64, .value = add - 8 });
	} else if (reg == DWR_RBP && m->whole) {
		push(m, (struct term){ .kind = T_STACK, .bits = 64, .value = add - 16 });
	} else if (dwr_is_arg_reg(reg)) {
		push(m,
		     (struct term){ .kind = T_REG, .reg = (uint8_t)reg, .bits = 64, .value = add });
	} else {
		m->lost = true;
	}
}

static void push_frame(struct machine *m, int64_t offset)
{
	int64_t to_cfa;

	if (!dwr_frame_base(m->r, m->f, &to_cfa))
		m->lost = true;
	else
		push(m, (struct term){ .kind = T_STACK, .bits = 64, .value = offset + to_cfa });
}

/* The value that a register had at entry: it has it now. */
static void push_entry_value(struct machine *m, const Dwarf_Op *op)
{
	Dwarf_Attribute a;
	Dwarf_Op *in;
	size_t n;
	int reg = -1;

	if (!dwarf_getlocation_attr(m->attr, op, &a) && !dwarf_getlocation(&a, &in, &n) && n == 1)
		reg = dwr_reg_of(&in[0]);
	if (reg >= 0 && dwr_is_arg_reg((unsigned)reg))
		push(m, (struct term){ .kind = T_REG, .reg = (uint8_t)reg, .bits = 64 });
	else
		m->lost = true;
}

/* A type's size in bits, if it is an integer; 0: it is none.  LLVM knows integers of 128. */
static unsigned int_bits(struct machine *m, const Dwarf_Op *op, bool *is_signed)
{
	uint64_t enc = 0, size = 0;
	Dwarf_Die type;

	if (dwarf_getlocation_die(m->attr, op, &type) || !dwr_udata(&type, DW_AT_byte_size, &size))
		return 0;
	dwr_udata(&type, DW_AT_encoding, &enc);
	*is_signed = enc == DW_ATE_signed;
	if (size > 16 || enc == DW_ATE_float || enc == DW_ATE_complex_float)
		return 0;
	return (unsigned)size * 8;
}

static void convert(struct machine *m, const Dwarf_Op *op)
{
	bool is_signed = false;
	unsigned bits = op->number ? int_bits(m, op, &is_signed) : 64; /* 0: the generic type */
	struct term *t = m->n ? &m->stack[m->n - 1] : NULL;

	if (!t || !bits)
		m->lost = true;
	else if (bits == 128)
		t->zeroes = !is_signed && t->bits == 64;
	else if (bits < t->bits)
		t->bits = (uint16_t)bits;
}

static void push_typed_reg(struct machine *m, const Dwarf_Op *op)
{
	if (dwr_is_arg_reg(op->number))
		push(m, (struct term){ .kind = T_REG, .reg = (uint8_t)op->number, .bits = 64 });
	else
		m->lost = true;
}

/* The low bits that mask keeps; 0: it keeps others. */
static unsigned kept(uint64_t mask)
{
	unsigned n = 0;

	while (n < 64 && mask >> n & 1)
		n++;
	return n < 64 && mask >> n ? 0 : n;
}

/* Two terms become one, the upper of them a constant. */
static void combine(struct machine *m, unsigned atom)
{
	struct term *a, c;

	if (m->n < 2 || m->stack[m->n - 1].kind != T_CONST) {
		m->lost = true;
		return;
	}
	c = m->stack[--m->n];
	a = &m->stack[m->n - 1];
	if (a->kind == T_SLOT || a->shift || a->bits < 64) {
		m->lost = true;
	} else if (atom == DW_OP_plus) {
		a->value = (int64_t)((uint64_t)a->value + (uint64_t)c.value);
	} else if (atom == DW_OP_minus) {
		a->value = (int64_t)((uint64_t)a->value - (uint64_t)c.value);
	} else if (atom == DW_OP_and && kept((uint64_t)c.value)) {
		a->bits = (uint16_t)kept((uint64_t)c.value);
	} else if (atom == DW_OP_shr && c.value > 0 && c.value < 64 && a->kind == T_REG) {
		a->shift = (uint8_t)c.value;
		a->bits = (uint16_t)(64 - c.value);
	} else {
		m->lost = true;
	}
}

static void dereference(struct machine *m)
{
	struct term *t = m->n ? &m->stack[m->n - 1] : NULL;

	if (t && t->kind == T_STACK)
		t->kind = T_SLOT;
	else
		m->lost = true;
}

static bool step_frame(struct machine *m, const Dwarf_Op *op)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		push_reg(m, op->atom - DW_OP_breg0, (int64_t)op->number);
		return true;
	}
	switch (op->atom) {
	case DW_OP_bregx:
		push_reg(m, op->number, (int64_t)op->number2);
		return true;
	case DW_OP_fbreg:
		push_frame(m, (int64_t)op->number);
		return true;
	case DW_OP_call_frame_cfa:
		push(m, (struct term){ .kind = T_STACK, .bits = 64 });
		return true;
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		push_address(m, op);
		return true;
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		push_entry_value(m, op);
		return true;
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		push_typed_reg(m, op);
		return true;
	default:
		return false;
	}
}

/* Everything but pieces. */
static void step(struct machine *m, const Dwarf_Op *op)
{
	int reg = dwr_reg_of(op);

	if (reg >= 0) {
		m->in_reg = dwr_is_arg_reg((unsigned)reg);
		m->lost |= !m->in_reg;
		m->reg = (struct term){ .kind = T_REG, .reg = (uint8_t)reg, .bits = 128 };
		return;
	}
	if (push_literal(m, op) || step_frame(m, op))
		return;
	switch (op->atom) {
	case DW_OP_plus_uconst:
		push_const(m, op->number);
		combine(m, DW_OP_plus);
		break;
	case DW_OP_plus:
	case DW_OP_minus:
	case DW_OP_and:
	case DW_OP_shr:
		combine(m, op->atom);
		break;
	case DW_OP_deref:
		dereference(m);
		break;
	case DW_OP_convert:
	case DW_OP_GNU_convert:
		convert(m, op);
		break;
	case DW_OP_stack_value:
		m->valued = true;
		break;
	case DW_OP_implicit_value:
		m->lost |= dwarf_getlocation_implicit_value(m->attr, op, &m->bytes) != 0;
		break;
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
	case DW_OP_GNU_parameter_ref:
		m->gone = m->lost = true;
		break;
	case DW_OP_nop:
		break;
	default:
		m->lost = true;
	}
}

static enum described described(const struct machine *m)
{
	if (m->lost)
		return D_NOTHING;
	if (m->in_reg)
		return D_REG;
	if (m->bytes.data)
		return D_BYTES;
	if (!m->n)
		return D_NOTHING;
	return m->valued ? D_VALUE : D_MEMORY;
}

static bool add_part(struct machine *m, enum part_from from, const struct term *t, uint64_t size)
{
	if (m->nparts == MAX_PARTS)
		return false;
	m->shift[m->nparts] = t->shift;
	m->part[m->nparts++] = (struct proto_part){ .from = (uint8_t)from,
						    .reg = t->reg,
						    .offset = (uint16_t)m->at,
						    .size = (uint16_t)size,
						    .value = t->value };
	return true;
}

static bool add_value(struct machine *m, const struct term *t, uint64_t size)
{
	static const uint8_t from[] = { [T_REG] = PART_REG,
					[T_CONST] = PART_CONST,
					[T_FUNC] = PART_FUNC,
					[T_SLOT] = PART_STACK };

	if (size == 16 && t->zeroes) {
		const struct term zero = { .kind = T_CONST, .bits = 64 };
		bool ok = add_value(m, t, 8);

		m->at += 8;
		ok = ok && add_value(m, &zero, 8);
		m->at -= 8;
		return ok;
	}
	/* one bit: a bool, of which the others are zero */
	if (t->kind == T_STACK || size > 8 || (t->bits < size * 8 && t->bits != 1) ||
	    (t->kind == T_SLOT && t->value < 0))
		return false;
	return add_part(m, (enum part_from)from[t->kind], t, size);
}

static bool add_bytes(struct machine *m, uint64_t size)
{
	uint64_t begin = m->at, n;

	for (uint64_t i = 0; i < size && i < m->bytes.length; i += n) {
		struct term t = { .kind = T_CONST };

		n = size - i < 8 ? size - i : 8;
		n = m->bytes.length - i < n ? m->bytes.length - i : n;
		memcpy(&t.value, m->bytes.data + i, n);
		m->at = begin + i;
		if (!add_part(m, PART_CONST, &t, n))
			return false;
	}
	m->at = begin;
	return m->bytes.length >= size;
}

/* The next size bytes of the value are what was described. */
static void end_description(struct machine *m, uint64_t size)
{
	uint64_t room;
	bool ok = false;

	switch (described(m)) {
	case D_REG:
		room = m->reg.reg < DWR_XMM0 ? 8 : 16;
		ok = add_part(m, PART_REG, &m->reg, size < room ? size : room) && size <= room;
		break;
	case D_VALUE:
		ok = add_value(m, &m->stack[m->n - 1], size);
		break;
	case D_MEMORY:
		ok = m->stack[m->n - 1].kind == T_STACK && m->stack[m->n - 1].value >= 0 &&
		     add_part(m, PART_STACK, &m->stack[m->n - 1], size);
		break;
	case D_BYTES:
		ok = add_bytes(m, size);
		break;
	case D_NOTHING:
		break;
	}
	m->gaps |= !ok;
	m->at += size;
	m->n = 0;
	m->lost = m->valued = m->in_reg = false;
	m->bytes = (Dwarf_Block){ 0 };
}

/* Parts of one register that follow each other as they do in it are one. */
static void join_parts(struct machine *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->nparts; i++) {
		struct proto_part *prev = n ? &m->part[n - 1] : NULL, *p = &m->part[i];

		if (!m->shift[i]) {
			m->part[n++] = *p;
		} else if (prev && prev->from == PART_REG && prev->reg == p->reg &&
			   prev->value == p->value && prev->offset + prev->size == p->offset &&
			   m->shift[i] == 8 * prev->size) {
			prev->size = (uint16_t)(prev->size + p->size);
		} else {
			m->gaps = true;
		}
	}
	m->nparts = n;
}

static int finish(struct machine *m, uint64_t size, struct ty_pool *pool, struct proto_place *out)
{
	struct proto_part *part;

	join_parts(m);
	if (!m->nparts) {
		out->seen = m->gone ? SEEN_GONE : SEEN_NOT;
		return 0;
	}
	part = ty_pool_alloc(pool, m->nparts * sizeof(*part));
	if (!part)
		return -1;
	memcpy(part, m->part, m->nparts * sizeof(*part));
	out->seen = SEEN_PARTS;
	out->part = part;
	out->nparts = (uint8_t)m->nparts;
	out->partial = m->gaps || m->at < size;
	return 0;
}

int dwr_parts_of(struct dwarf_reader *r, struct dwr_frame *f, const struct dwr_expr *e,
		 uint64_t size, struct ty_pool *pool, struct proto_place *out)
{
	struct machine m = { .r = r, .f = f, .attr = e->attr, .whole = e->whole };
	bool pieces = false;

	if (!size || size > UINT16_MAX)
		return 0;
	for (size_t i = 0; i < e->n && i < MAX_OPS && m.at < size; i++) {
		const Dwarf_Op *op = &e->op[i];

		if (op->atom == DW_OP_piece) {
			uint64_t n = op->number < size - m.at ? op->number : size - m.at;

			pieces = true;
			end_description(&m, n);
		} else if (op->atom == DW_OP_bit_piece) {
			return 0;
		} else {
			step(&m, op);
		}
	}
	if (!pieces)
		end_description(&m, size);
	return finish(&m, size, pool, out);
}

int dwr_const_of(Dwarf_Attribute *a, uint64_t size, struct ty_pool *pool, struct proto_place *out)
{
	struct machine m = { .attr = a };
	struct term t = { .kind = T_CONST, .bits = 64 };
	Dwarf_Sword s;
	Dwarf_Word u;

	if (!size || size > 16)
		return 0;
	if (!dwarf_formblock(a, &m.bytes)) {
		end_description(&m, size);
		return finish(&m, size, pool, out);
	}
	/* data1 .. data8 have no sign: gcc and LLVM write what is negative as sdata */
	if (dwarf_whatform(a) == DW_FORM_sdata || dwarf_whatform(a) == DW_FORM_implicit_const) {
		if (dwarf_formsdata(a, &s))
			return 0;
		t.value = s;
	} else {
		if (dwarf_formudata(a, &u))
			return 0;
		t.value = (int64_t)u;
	}
	if (size <= 8) {
		push(&m, t);
		m.valued = true;
		end_description(&m, size);
	}
	return finish(&m, size, pool, out);
}
