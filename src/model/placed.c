/*
 * model/placed.c - see placed.h.
 *
 * Is a function changed?  Its compiler says so (clones by their names, DW_CC_nocall), or nothing is
 * said and nobody else can call it (CHANGE_LOCAL): then it is, if the places are not those of
 * the types, or if parameters are gone and the others are where they would be without those.
 *
 * What is known without a place (constants, a register plus something) is believed of changed
 * functions only.  In others a parameter is still passed, and what is told of the first
 * instruction may be what the first statement makes of it.
 *
 * Spec     psABI 3.6.2 (numbers of registers in DWARF)
 */
#include "model/placed.h"

#include "base/cleanup.h"

#include <errno.h>
#include <string.h>

enum { DWARF_XMM0 = 17, DWARF_XMM15 = 32 };

static const struct abi_type pad = { .kind = ABI_INT, .size = 8, .align = 8 };

/* A register as abi_place has it. */
static bool find_reg(uint8_t dwarf, uint8_t *file, uint8_t *num)
{
	static const uint8_t gpr[] = { 5, 4, 1, 2, 8, 9 };

	if (dwarf >= DWARF_XMM0 && dwarf <= DWARF_XMM15) {
		*file = ABI_XMM;
		*num = (uint8_t)(dwarf - DWARF_XMM0);
		return true;
	}
	for (unsigned i = 0; i < ARRAY_LEN(gpr); i++) {
		if (gpr[i] == dwarf) {
			*file = ABI_GPR;
			*num = (uint8_t)i;
			return true;
		}
	}
	return false;
}

/* -- do they agree? --------------------------------------------------------------------- */

static bool is_reg(const struct abi_place *p, unsigned i, uint8_t dwarf)
{
	uint8_t file, num;

	return i < p->nregs && find_reg(dwarf, &file, &num) && p->file[i] == file &&
	       p->num[i] == num;
}

static bool in_these_regs(const struct abi_place *p, const struct proto_place *seen)
{
	for (unsigned i = 0; i < 2; i++) {
		if (seen->reg[i] != PLACE_NO_REG && !is_reg(p, i, seen->reg[i]))
			return false;
	}
	return p->nregs > 0;
}

/* All of a value in memory, or the eightbyte of it that found no register. */
static bool is_on_stack(const struct abi_place *p, const struct proto_part *part)
{
	unsigned i = part->offset / 8;

	if (!p->nregs)
		return part->value == (int64_t)p->stack + part->offset;
	return i < p->nregs && p->file[i] == ABI_STACK &&
	       part->value == (int64_t)p->stack + part->offset % 8;
}

/* Parts of an eightbyte are not what a type has in a register; joined they would be one part. */
static bool in_these_parts(const struct abi_place *p, const struct proto_place *seen)
{
	for (unsigned i = 0; i < seen->nparts; i++) {
		const struct proto_part *part = &seen->part[i];

		if (part->from == PART_STACK && !is_on_stack(p, part))
			return false;
		if (part->from == PART_REG &&
		    (part->offset % 8 || !is_reg(p, part->offset / 8, part->reg)))
			return false;
	}
	return true;
}

static bool agrees(const struct abi_place *p, const struct proto_place *seen)
{
	if (p->none)
		return true;
	switch ((enum place_seen)seen->seen) {
	case SEEN_REGS:
		return seen->deref == p->by_ref && in_these_regs(p, seen);
	case SEEN_STACK:
		return seen->deref == p->by_ref && !p->nregs && seen->offset == p->stack;
	case SEEN_PARTS:
		return p->by_ref || in_these_parts(p, seen);
	case SEEN_COPY:
		return seen->deref == p->by_ref;
	case SEEN_NOT:
	case SEEN_GONE:
		break;
	}
	return true;
}

bool placed_is_gone(const struct proto_param *p)
{
	if (p->place.seen == SEEN_GONE)
		return true;
	if (p->place.seen != SEEN_PARTS)
		return false;
	for (unsigned i = 0; i < p->place.nparts; i++) {
		uint8_t from = p->place.part[i].from;

		if (from == PART_REG || from == PART_STACK)
			return false;
	}
	return true;
}

bool placed_in_regs(const struct proto_param *p)
{
	return p->place.seen == SEEN_REGS && !p->place.weak && !p->place.partial;
}

static bool is_half_known(const struct proto_param *p)
{
	bool known = false;

	for (unsigned i = 0; p->place.seen == SEEN_PARTS && i < p->place.nparts; i++)
		known |= p->place.part[i].from == PART_CONST || p->place.part[i].from == PART_FUNC;
	return known && !placed_is_gone(p);
}

/* As if what is gone had never been declared. */
static int look_reduced(const struct proto *p, const struct abi_dialect *by,
			const struct abi_type *ret, const struct abi_type *const *arg, bool *out)
{
	_free_ const struct abi_type **left = calloc(p->nparams + 1u, sizeof(*left));
	_free_ struct abi_place *place = calloc(p->nparams + 1u, sizeof(*place));
	struct abi_place ret_place;
	struct abi_call call;
	unsigned n = 0;

	if (!left || !place)
		return -ENOMEM;
	for (unsigned i = 0; i < p->nparams; i++) {
		if (!placed_is_gone(&p->param[i]))
			left[n++] = arg[i];
	}
	left[n] = &pad;
	*out = !abi_assign(by, ret, left, n, &ret_place, place, &call);
	n = 0;
	for (unsigned i = 0; i < p->nparams && *out; i++) {
		if (!placed_is_gone(&p->param[i]))
			*out = agrees(&place[n++], &p->param[i].place);
	}
	return 0;
}

int placed_look(const struct proto *p, const struct abi_dialect *by, const struct abi_type *ret,
		const struct abi_type *const *arg, const struct func_model *m,
		struct placed_view *out)
{
	struct placed_view v = { .as_typed = true };

	for (unsigned i = 0; i < p->nparams; i++) {
		v.as_typed &= agrees(&m->arg[i].place, &p->param[i].place);
		v.some_gone |= placed_is_gone(&p->param[i]);
		v.some_known |= is_half_known(&p->param[i]);
		v.some_less |= !p->by_gcc && p->param[i].place.partial && m->arg[i].size > 8;
	}
	v.as_reduced = v.as_typed;
	*out = v;
	return v.some_gone ? look_reduced(p, by, ret, arg, &out->as_reduced) : 0;
}

/* -- places ------------------------------------------------------------------------------ */

static bool is_changed(const struct proto *p, const struct placed_view *v)
{
	switch ((enum proto_change)p->change) {
	case CHANGE_NONE:
		return !v->as_typed;
	case CHANGE_LOCAL:
		return !v->as_typed || v->some_known || (v->some_gone && v->as_reduced);
	case CHANGE_FEWER:
	case CHANGE_ANY:
		break;
	}
	return true;
}

static void lose(struct fm_value *v)
{
	v->flags |= FM_GONE | FM_UNCERTAIN;
	v->place = (struct abi_place){ .none = true };
	v->npieces = 0;
}

/* An address in one register, a vector, or an eightbyte in each: false: not so. */
static bool move_to_regs(struct fm_value *v, const struct proto_place *seen)
{
	unsigned n = seen->deref || v->size <= 8 ? 1 : 2;
	struct abi_place to = { .by_ref = seen->deref };

	if (seen->partial)
		return false;
	if (seen->reg[0] >= DWARF_XMM0 && seen->reg[1] == PLACE_NO_REG && v->size > 8 &&
	    !to.by_ref) {
		to.wide = true; /* of a value in one register */
		n = 1;
	} else if (v->size > 16 && !to.by_ref) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!find_reg(seen->reg[i], &to.file[i], &to.num[i]))
			return false;
	}
	if (to.by_ref && to.file[0] != ABI_GPR)
		return false;
	to.nregs = (uint8_t)n;
	/* the slots are those of the type: an address, or the value itself */
	if (to.by_ref != !!(v->flags & FM_BY_ADDR))
		return false;
	v->place = to;
	return true;
}

static bool move_to_stack(struct fm_value *v, const struct proto_place *seen)
{
	if (seen->offset < 0 || seen->offset > FM_MAX_STACK - v->size ||
	    (seen->deref && !(v->flags & FM_BY_ADDR)) ||
	    (!seen->deref && v->flags & FM_BY_ADDR && v->size <= 16))
		return false;
	v->place = (struct abi_place){ .by_ref = seen->deref, .stack = (uint32_t)seen->offset };
	return true;
}

static int64_t extended(const struct fm_value *v, int64_t value, unsigned size)
{
	unsigned unused = 64 - 8 * size;

	value = (int64_t)((uint64_t)value << unused);
	if (v->flags & FM_SIGNED && size == v->size)
		return value >> unused;
	return (int64_t)((uint64_t)value >> unused);
}

static bool make_piece(const struct fm_value *v, const struct proto_part *part, unsigned from,
		       unsigned size, struct fm_piece *out)
{
	struct fm_piece p = { .offset = (uint8_t)(part->offset + from), .size = (uint8_t)size };
	uint8_t file;

	p.value = part->value;
	switch ((enum part_from)part->from) {
	case PART_REG:
		/* of a vector register only the first eightbyte is at hand */
		if (from || !find_reg(part->reg, &file, &p.num) ||
		    (file == ABI_XMM && (part->value || size < 4)) ||
		    part->value != (int32_t)part->value)
			return false;
		p.from = file == ABI_XMM ? FM_XMM : FM_GPR;
		break;
	case PART_STACK:
		p.from = FM_STACK;
		p.value += from;
		if (p.value < 0 || p.value > FM_MAX_STACK)
			return false;
		break;
	case PART_CONST:
		p.from = FM_CONST;
		p.value = extended(v, part->value >> 8 * from, size);
		break;
	case PART_FUNC:
		p.from = FM_FUNC;
		if (from || size != 8)
			return false;
		break;
	}
	*out = p;
	return true;
}

/* The largest size that is a piece's: a power of two, in one eightbyte. */
static unsigned piece_size(unsigned offset, unsigned left)
{
	unsigned size = 8;

	while (size > left || offset % 8 + size > 8)
		size /= 2;
	return size;
}

/* What does not fit is left out: false. */
static bool move_to_pieces(struct fm_value *v, const struct proto_place *seen)
{
	bool all = !seen->partial;

	v->place = (struct abi_place){ .none = true };
	v->npieces = 0;
	for (unsigned i = 0; i < seen->nparts; i++) {
		const struct proto_part *part = &seen->part[i];
		unsigned done = 0, size;

		for (; done < part->size && part->offset + done < 8u * v->nslots; done += size) {
			size = piece_size(part->offset + done, part->size - done);
			if (v->npieces == FM_PIECES ||
			    !make_piece(v, part, done, size, &v->piece[v->npieces])) {
				all = false;
				break;
			}
			v->npieces++;
		}
	}
	return all;
}

/* Where it is, against its type: does that tell all of it? */
static bool move(struct fm_value *v, const struct proto_place *seen)
{
	if (seen->weak)
		return false;
	if (seen->seen == SEEN_STACK)
		return move_to_stack(v, seen);
	if (seen->seen == SEEN_REGS && move_to_regs(v, seen))
		return true;
	if (seen->seen != SEEN_PARTS && !(seen->seen == SEEN_REGS && seen->partial && seen->nparts))
		return false;
	if (v->flags & (FM_BY_ADDR | FM_HIDDEN)) {
		lose(v); /* its slot holds an address, and it has none */
		return false;
	}
	if (move_to_pieces(v, seen))
		return true;
	if (!v->npieces)
		lose(v);
	return false;
}

static bool is_told(const struct proto_place *seen)
{
	return seen->seen == SEEN_REGS || seen->seen == SEEN_STACK || seen->seen == SEEN_PARTS;
}

/* clang names the register of one half of an __int128 only: the other may have been dropped. */
static bool tells_one_half(const struct proto_place *seen, const struct fm_value *v)
{
	return seen->seen == SEEN_REGS && !seen->deref && v->size > 8 &&
	       seen->reg[0] < DWARF_XMM0 && seen->reg[1] == PLACE_NO_REG;
}

static void place_changed(const struct proto *p, unsigned i, struct fm_value *v)
{
	const struct proto_place *seen = &p->param[i].place;

	if (v->place.none && !v->nslots)
		return;
	if (seen->seen == SEEN_GONE) {
		lose(v);
	} else if (!is_told(seen) || seen->weak) {
		v->flags |= FM_UNCERTAIN;
	} else if (!agrees(&v->place, seen) || seen->partial || seen->seen == SEEN_PARTS) {
		if (!move(v, seen))
			v->flags |= FM_UNCERTAIN;
	} else if (tells_one_half(seen, v)) {
		v->flags |= FM_UNCERTAIN;
	}
}

/*
 * Callers that LLVM sees pass anything for what is not used.  Behind what it dropped others may
 * have moved, if nothing tells where they are.
 */
static void place_typed(const struct proto *p, unsigned i, const struct placed_view *view,
			struct fm_value *v)
{
	const struct proto_place *seen = &p->param[i].place;
	bool less = !p->by_gcc && seen->partial && (v->size > 8 || p->change == CHANGE_LOCAL);
	bool moved = p->change == CHANGE_LOCAL && view->some_less && !is_told(seen);

	if (placed_is_gone(&p->param[i]) || less || moved)
		v->flags |= FM_UNCERTAIN;
}

/* How another language passes a struct, and what is left to those behind it, C does not tell. */
static void place_foreign(const struct proto *p, struct func_model *m)
{
	bool open = m->ret.flags & FM_AGGREGATE && m->ret.size;

	for (unsigned i = 0; i < p->nparams && i < m->nargs; i++) {
		if (is_told(&p->param[i].place))
			continue;
		open |= (m->arg[i].flags & FM_AGGREGATE) != 0;
		if (open)
			m->arg[i].flags |= FM_UNCERTAIN;
	}
	if (m->ret.flags & FM_AGGREGATE && m->ret.size)
		m->ret.flags |= FM_UNCERTAIN;
}

void placed_apply(const struct proto *p, const struct placed_view *v, struct func_model *m)
{
	bool changed = is_changed(p, v);

	for (unsigned i = 0; i < p->nparams && i < m->nargs; i++) {
		if (p->param[i].uncertain)
			m->arg[i].flags |= FM_UNCERTAIN;
		if (changed)
			place_changed(p, i, &m->arg[i]);
		else
			place_typed(p, i, v, &m->arg[i]);
	}
	if (p->ret_unsure && m->ret.size)
		m->ret.flags |= FM_UNCERTAIN;
	if (p->foreign)
		place_foreign(p, m);
}
