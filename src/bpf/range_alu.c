/*
 * bpf/range_alu.c - see range.h: what arithmetic makes of ranges.
 *
 * An operator works on views (range_view.h): every interval of dst with every interval of src, each
 * of one sign, gives the exact span of the results as integers of unlimited size; view_add() folds
 * it into the width, so overflow needs no rule of its own.  Where the low half of a result is made
 * by the low halves of the operands alone, the half is worked out a second time from what is known
 * of those.
 */
#include "bpf/range_view.h"

/* An interval of an operand: numbers of one sign. */
struct part {
	uint64_t lo, hi;
	struct tnum bits;
	bool negative;
};

/* Adds to out what the operator makes of two parts. */
typedef void part_op(struct view *out, const struct part *a, const struct part *b);

static view_int part_int(const struct part *p, uint64_t value, unsigned width)
{
	return p->negative ? (view_int)view_signed(value, width) : (view_int)value;
}

static bool part_of(const struct view *v, unsigned side, struct part *p)
{
	if (!view_has(v, side))
		return false;
	*p = (struct part){ v->lo[side], v->hi[side], v->bits, side };
	/* What is known of this sign; if it cannot be, there are no such numbers. */
	return tnum_intersect(v->bits, tnum_range(p->lo, p->hi), &p->bits);
}

static struct view combine(const struct view *a, const struct view *b, part_op *op)
{
	struct view out = view_none(a->width);

	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < 2; j++) {
			struct part pa, pb;

			if (part_of(a, i, &pa) && part_of(b, j, &pb))
				op(&out, &pa, &pb);
		}
	return out;
}

static void part_add(struct view *out, const struct part *a, const struct part *b)
{
	view_add(out, (view_int)a->lo + b->lo, (view_int)a->hi + b->hi, tnum_add(a->bits, b->bits));
}

static void part_sub(struct view *out, const struct part *a, const struct part *b)
{
	view_add(out, (view_int)a->lo - b->hi, (view_int)a->hi - b->lo, tnum_sub(a->bits, b->bits));
}

/* Signed or not, the product is the same modulo the width: the signed ones are the smaller. */
static void part_mul(struct view *out, const struct part *a, const struct part *b)
{
	view_int alo = part_int(a, a->lo, out->width), ahi = part_int(a, a->hi, out->width);
	view_int blo = part_int(b, b->lo, out->width), bhi = part_int(b, b->hi, out->width);
	view_int corner[] = { alo * blo, alo * bhi, ahi * blo, ahi * bhi };
	view_int lo = corner[0], hi = corner[0];

	for (unsigned i = 1; i < 4; i++) {
		lo = corner[i] < lo ? corner[i] : lo;
		hi = corner[i] > hi ? corner[i] : hi;
	}
	view_add(out, lo, hi, tnum_mul(a->bits, b->bits));
}

/* x & y has no bit that one of them lacks: it is at most the smaller. */
static void part_and(struct view *out, const struct part *a, const struct part *b)
{
	struct tnum bits = tnum_and(a->bits, b->bits);
	uint64_t hi = a->hi < b->hi ? a->hi : b->hi;

	view_add(out, tnum_min(bits), hi < tnum_max(bits) ? hi : tnum_max(bits), bits);
}

/* x | y has every bit of both: it is at least the larger. */
static void part_or(struct view *out, const struct part *a, const struct part *b)
{
	struct tnum bits = tnum_or(a->bits, b->bits);
	uint64_t lo = a->lo > b->lo ? a->lo : b->lo;

	view_add(out, lo > tnum_min(bits) ? lo : tnum_min(bits), tnum_max(bits), bits);
}

static void part_xor(struct view *out, const struct part *a, const struct part *b)
{
	struct tnum bits = tnum_xor(a->bits, b->bits);

	view_add(out, tnum_min(bits), tnum_max(bits), bits);
}

/* The largest power of two that divides every value, as a mask of the bits below it. */
static uint64_t zeros_below(struct tnum t)
{
	return ~tnum_max(t) & (tnum_max(t) - 1);
}

/*
 * x % y = x - q * y, and y = 0 leaves x: the bits below the lowest that y may have are x's.
 */
static struct tnum rest_bits(const struct part *a, const struct part *b)
{
	uint64_t same = zeros_below(b->bits);

	return (struct tnum){ a->bits.value & same, a->bits.mask | ~same };
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The rests of lo..hi by dlo..dhi, none zero, as an interval: *lo..*hi. */
static void rest_span(uint64_t *lo, uint64_t *hi, uint64_t dlo, uint64_t dhi)
{
	if (*hi < dlo)
		return; /* all are below every divisor */
	if (dlo == dhi && *lo / dlo == *hi / dlo) {
		*lo %= dlo; /* between two multiples of one divisor */
		*hi %= dlo;
		return;
	}
	*lo = 0;
	*hi = smaller(*hi, dhi - 1);
}

/* Division by zero gives 0, its rest is the dividend (RFC 9669 4.1). */
static void part_div(struct view *out, const struct part *a, const struct part *b)
{
	uint64_t dlo = b->lo ? b->lo : 1;

	if (!b->lo)
		view_add(out, 0, 0, tnum_const(0));
	if (dlo <= b->hi)
		view_add(out, a->lo / b->hi, a->hi / dlo, tnum_unknown());
}

static void part_mod(struct view *out, const struct part *a, const struct part *b)
{
	uint64_t dlo = b->lo ? b->lo : 1, lo = a->lo, hi = a->hi;

	if (!b->lo)
		view_add(out, lo, hi, a->bits);
	if (dlo > b->hi)
		return;
	rest_span(&lo, &hi, dlo, b->hi);
	view_add(out, lo, hi, rest_bits(a, b));
}

/* Absolute values, as numbers: 2^(width-1) for the least one too. */
static void magnitude(const struct part *p, unsigned width, uint64_t *lo, uint64_t *hi)
{
	*lo = p->negative ? -p->hi & view_mask(width) : p->lo;
	*hi = p->negative ? -p->lo & view_mask(width) : p->hi;
}

/*
 * Signed: rounds to zero, so the magnitudes divide as unsigned ones, and the quotient is negative
 * if the signs differ, the rest if the dividend is.  The least number by -1 is 2^(width-1), folded
 * back to itself, with no rest.
 */
static void part_sdiv(struct view *out, const struct part *a, const struct part *b)
{
	uint64_t alo, ahi, dlo, dhi;

	magnitude(a, out->width, &alo, &ahi);
	magnitude(b, out->width, &dlo, &dhi);
	if (!dlo) {
		view_add(out, 0, 0, tnum_const(0));
		dlo = 1;
	}
	if (dlo > dhi)
		return;
	if (a->negative != b->negative)
		view_add(out, -(view_int)(ahi / dlo), -(view_int)(alo / dhi), tnum_unknown());
	else
		view_add(out, alo / dhi, ahi / dlo, tnum_unknown());
}

static void part_smod(struct view *out, const struct part *a, const struct part *b)
{
	uint64_t lo, hi, dlo, dhi;

	magnitude(a, out->width, &lo, &hi);
	magnitude(b, out->width, &dlo, &dhi);
	if (!dlo) {
		view_add(out, a->lo, a->hi, a->bits);
		dlo = 1;
	}
	if (dlo > dhi)
		return;
	rest_span(&lo, &hi, dlo, dhi);
	if (a->negative)
		view_add(out, -(view_int)hi, -(view_int)lo, rest_bits(a, b));
	else
		view_add(out, lo, hi, rest_bits(a, b));
}

/* Shifts look at the low 6 (32-bit: 5) bits of src only; every number of bits that may be is tried. */
static bool shifts_by(const struct part *b, unsigned by, unsigned width)
{
	uint64_t low = width - 1;

	if (b->hi <= low && (by < b->lo || by > b->hi))
		return false;
	return tnum_contains((struct tnum){ b->bits.value & low, b->bits.mask & low }, by);
}

static void part_lsh(struct view *out, const struct part *a, const struct part *b)
{
	for (unsigned by = 0; by < out->width; by++)
		if (shifts_by(b, by, out->width))
			view_add(out, (view_int)a->lo << by, (view_int)a->hi << by,
				 tnum_lsh(a->bits, by));
}

static void part_rsh(struct view *out, const struct part *a, const struct part *b)
{
	for (unsigned by = 0; by < out->width; by++)
		if (shifts_by(b, by, out->width))
			view_add(out, a->lo >> by, a->hi >> by, tnum_rsh(a->bits, by));
}

static void part_arsh(struct view *out, const struct part *a, const struct part *b)
{
	for (unsigned by = 0; by < out->width; by++)
		if (shifts_by(b, by, out->width))
			view_add(out, part_int(a, a->lo, out->width) >> by,
				 part_int(a, a->hi, out->width) >> by,
				 tnum_arsh(a->bits, by, out->width));
}

/* low: the low half of the result comes of the operands' low halves alone. */
static const struct alu {
	part_op *op, *signed_op;
	struct tnum (*bits)(struct tnum, struct tnum);
	bool low;
} alus[16] = {
#define ALU(name) [BPF_##name >> 4]
	ALU(ADD) = { part_add, NULL, tnum_add, true },
	ALU(SUB) = { part_sub, NULL, tnum_sub, true },
	ALU(MUL) = { part_mul, NULL, tnum_mul, true },
	ALU(AND) = { part_and, NULL, tnum_and, true },
	ALU(OR) = { part_or, NULL, tnum_or, true },
	ALU(XOR) = { part_xor, NULL, tnum_xor, true },
	ALU(LSH) = { part_lsh, NULL, NULL, true },
	ALU(RSH) = { part_rsh },
	ALU(ARSH) = { part_arsh },
	ALU(DIV) = { part_div, part_sdiv },
	ALU(MOD) = { part_mod, part_smod },
#undef ALU
};

/*
 * The union over the parts knows less of the bits than the operator on all bits, at times: both
 * hold.
 */
static struct view apply(const struct alu *alu, bool is_signed, const struct view *a,
			 const struct view *b)
{
	struct view out = combine(a, b, is_signed ? alu->signed_op : alu->op);

	if (alu->bits)
		(void)tnum_intersect(out.bits, tnum_cut(alu->bits(a->bits, b->bits), a->width),
				     &out.bits);
	return out;
}

/* dst = the number that the view is of, zero-extended: it is the low half too, signed if so seen. */
static void from_narrow(struct range *dst, const struct view *v)
{
	struct range r = range_unknown();

	if (view_is_empty(v)) {
		*dst = r; /* of operands that have no value: any answer is true */
		return;
	}
	if (v->width == RANGE_HALF)
		view_put(v, &r);
	r.bits = v->bits;
	r.umin = view_umin(v);
	r.umax = view_umax(v);
	*dst = range_deduce(&r) ? r : range_unknown();
}

static void from_word(struct range *dst, const struct view *word, const struct view *half)
{
	struct range r = range_unknown();
	struct view v = *word;

	if (view_is_empty(word) || view_is_empty(half)) {
		*dst = r;
		return;
	}
	(void)tnum_intersect(v.bits, view_word_bits(half), &v.bits);
	view_put(half, &r);
	view_put(&v, &r);
	*dst = range_deduce(&r) ? r : range_unknown();
}

/* The low bits of v, as a view of that width. */
static struct view narrow(const struct view *v, unsigned bits)
{
	struct view out = view_none(bits);

	for (unsigned i = 0; i < 2; i++) {
		struct part p;

		if (part_of(v, i, &p)) /* from the low bits on: as far as it is from lo to hi */
			view_add(&out, p.lo & view_mask(bits),
				 (view_int)(p.lo & view_mask(bits)) + p.hi - p.lo, p.bits);
	}
	(void)view_settle(&out);
	return out;
}

/* The low bits of r, as a view: of the half if they are in it, for more may be known there. */
static struct view low_view(const struct range *r, unsigned bits)
{
	struct view v = bits > RANGE_HALF ? view_word(r) : view_half(r);

	return bits == v.width ? v : narrow(&v, bits);
}

/* dst = the low bits of src as a signed number of width bits. */
static void sign_extend(struct range *dst, const struct range *src, unsigned bits, unsigned width)
{
	struct view low = low_view(src, bits), out = view_none(width);

	for (unsigned i = 0; i < 2; i++) {
		struct part p;

		if (part_of(&low, i, &p))
			view_add(&out, part_int(&p, p.lo, bits), part_int(&p, p.hi, bits),
				 tnum_sign_extend(p.bits, bits));
	}
	if (width == RANGE_WORD) {
		struct view half = view_all(RANGE_HALF);

		from_word(dst, &out, &half);
	} else {
		from_narrow(dst, &out);
	}
}

static void move(struct range *dst, bool is64, int16_t off, const struct range *src)
{
	unsigned width = is64 ? RANGE_WORD : RANGE_HALF;
	struct view low;

	if (off < 0 || off >= (int)width || off % RANGE_BYTE) {
		*dst = range_unknown();
	} else if (off) {
		sign_extend(dst, src, (unsigned)off, width);
	} else if (is64) {
		*dst = *src;
	} else {
		low = view_half(src);
		from_narrow(dst, &low);
	}
}

static void alu_word(struct range *dst, const struct alu *alu, bool is_signed,
		     const struct range *src)
{
	struct view a = view_word(dst), b = view_word(src), word, half = view_all(RANGE_HALF);
	struct range low_half;
	/* A shift by half a word or more leaves no bit of the low half in it. */
	bool low = alu->low && (alu->op != part_lsh || src->umax < RANGE_HALF);

	if (alu->op == part_lsh && src->umin >= RANGE_HALF && src->umax < RANGE_WORD) {
		/* and none of the high half: what JMP32 told is enough */
		sign_extend(&low_half, dst, RANGE_HALF, RANGE_WORD);
		a = view_word(&low_half);
	}
	word = apply(alu, is_signed, &a, &b);
	if (low) {
		a = view_half(dst);
		b = view_half(src);
		half = apply(alu, is_signed, &a, &b);
	}
	from_word(dst, &word, &half);
}

void range_alu(struct range *dst, uint8_t op, bool is64, int16_t off, const struct range *src)
{
	struct range zero = range_const(0), from = op == BPF_NEG ? *dst : *src;
	const struct alu *alu = &alus[op >> 4];
	bool divides = op == BPF_DIV || op == BPF_MOD;

	if (op == BPF_MOV) {
		move(dst, is64, off, &from);
		return;
	}
	if (op == BPF_NEG) {
		*dst = zero;
		alu = &alus[BPF_SUB >> 4];
	}
	if (!alu->op || op & 0xf || (off && !divides) || off < 0 || off > 1) {
		*dst = range_unknown();
	} else if (is64) {
		alu_word(dst, alu, off, &from);
	} else {
		struct view a = view_half(dst), b = view_half(&from), out = apply(alu, off, &a, &b);

		from_narrow(dst, &out);
	}
}

void range_swap(struct range *dst, unsigned bits, bool reverse)
{
	struct view low;

	if (bits != 16 && bits != 32 && bits != 64) {
		*dst = range_unknown();
	} else if (reverse) {
		struct range r = range_unknown();

		low = low_view(dst, bits);
		r.bits = tnum_swap(low.bits, bits);
		*dst = range_deduce(&r) ? r : range_unknown();
	} else {
		range_cast(dst, bits / 8);
	}
}

void range_cast(struct range *dst, unsigned size)
{
	struct view low;

	if (size * RANGE_BYTE >= RANGE_WORD)
		return;
	low = low_view(dst, size * RANGE_BYTE);
	from_narrow(dst, &low);
}

void range_sign_extend(struct range *dst, unsigned size)
{
	if (size * RANGE_BYTE < RANGE_WORD)
		sign_extend(dst, dst, size * RANGE_BYTE, RANGE_WORD);
}
