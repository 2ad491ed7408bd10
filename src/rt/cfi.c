/*
 * rt/cfi.c - see cfi.h: from an address to its FDE, and its instructions up to there.
 *
 * The FDE is found by the sorted table of .eh_frame_hdr, in the one encoding that linkers
 * write; a module without such a table has CFI_NONE.
 *
 * Context  [probe]
 */
#include "rt/cfi.h"
#include "rt/probe.h"

#define CFI_BYTES 4096
#define CFI_DEPTH 4 /* of DW_CFA_remember_state */

#define REG_FP 6
#define REG_RA 16

/* -- remembered rows ------------------------------------------------------------------------ */

/*
 * A word: the upper 35 bits of the mixed address, whose lower 12 are the word's place; enum
 * cfi_found in two bits, 0 for an empty word; rbp or rsp; CFA's offset and rbp's place, in words.
 * One load or store each: nobody sees half of a row, and who overwrites one does no harm.
 */
#define PC_BITS  47
#define TAG_BITS (PC_BITS - RT_CFI_CACHE_BITS)
#define OFF_BITS 13
#define OFF_MAX  ((1u << OFF_BITS) - 1)

enum { KEPT_NOTHING, KEPT_NONE, KEPT_ROW, KEPT_TOP };

static uint64_t mix(uint64_t pc)
{
	return pc * 0x2545f4914f6cdd1dull & ((1ull << PC_BITS) - 1);
}

static uint64_t *kept_at(uint64_t pc)
{
	struct rt_cfi *c = (struct rt_cfi *)rt_state.cfi;

	return &c->row[mix(pc) >> TAG_BITS];
}

/* What is remembered of pc: KEPT_*. */
static unsigned recall(uint64_t pc, struct cfi_row *row)
{
	uint64_t v = __atomic_load_n(kept_at(pc), __ATOMIC_RELAXED);
	uint64_t cfa = v & OFF_MAX, fp = v >> OFF_BITS & OFF_MAX;

	if (v >> (64 - TAG_BITS) != (mix(pc) & ((1ull << TAG_BITS) - 1)))
		return KEPT_NOTHING;
	*row = (struct cfi_row){
		.cfa = v >> 2 * OFF_BITS & 1 ? CFI_AT : CFI_SP,
		.fp = !fp           ? CFI_SAME :
		      fp == OFF_MAX ? CFI_LOST :
				      CFI_AT,
		.ra = CFI_AT,
		.cfa_off = 8 * (int32_t)cfa,
		.fp_off = -8 * (int32_t)fp,
		.ra_off = -8,
	};
	return v >> (2 * OFF_BITS + 1) & 3;
}

/* Its rbp in a word's bits; -1: it does not fit. */
static int64_t pack_fp(const struct cfi_row *row)
{
	if (row->fp == CFI_SAME)
		return 0;
	if (row->fp == CFI_LOST)
		return OFF_MAX;
	return row->fp == CFI_AT && row->fp_off % 8 == 0 && row->fp_off < 0 &&
			       row->fp_off > -8 * (int32_t)OFF_MAX ?
		       -row->fp_off / 8 :
		       -1;
}

static void keep(uint64_t pc, unsigned kind, const struct cfi_row *row)
{
	uint64_t v = (uint64_t)kind << (2 * OFF_BITS + 1);
	int64_t fp;

	if (kind == KEPT_ROW) {
		fp = pack_fp(row);
		if (fp < 0 || row->signal || row->cfa > CFI_SP || row->ra != CFI_AT ||
		    row->ra_off != -8 || row->cfa_off % 8 || row->cfa_off < 0 ||
		    row->cfa_off > 8 * (int32_t)OFF_MAX)
			return;
		v |= (uint64_t)(row->cfa == CFI_AT) << 2 * OFF_BITS;
		v |= (uint64_t)fp << OFF_BITS | (uint64_t)row->cfa_off / 8;
	}
	__atomic_store_n(kept_at(pc), v | mix(pc) << (64 - TAG_BITS), __ATOMIC_RELAXED);
}

/* -- the FDE --------------------------------------------------------------------------------- */

enum {
	ENC_ABS = 0x00,
	ENC_ULEB = 0x01,
	ENC_U2 = 0x02,
	ENC_U4 = 0x03,
	ENC_U8 = 0x04,
	ENC_SLEB = 0x09,
	ENC_S2 = 0x0a,
	ENC_S4 = 0x0b,
	ENC_S8 = 0x0c,
	ENC_PCREL = 0x10,
	ENC_SORTED = 0x3b, /* signed 4 bytes, relative to the table's head */
};

struct cie {
	uint64_t code, end; /* its instructions, until end */
	uint64_t code_align;
	int64_t data_align;
	uint8_t enc, augmented, signal;
};

static void in_start(struct cfi_in *in, uint64_t at)
{
	in->at = at;
	in->from = in->have = 0;
	in->bad = 0;
}

static uint64_t in_pointer(struct cfi_in *in, uint8_t enc)
{
	uint64_t at = in->at, v = 0;

	switch (enc & 0x0f) {
	case ENC_ABS:
	case ENC_U8:
	case ENC_S8:
		v = rt_cfi_fixed(in, 8);
		break;
	case ENC_ULEB:
		v = rt_cfi_uleb(in);
		break;
	case ENC_SLEB:
		v = (uint64_t)rt_cfi_sleb(in);
		break;
	case ENC_U2:
		v = rt_cfi_fixed(in, 2);
		break;
	case ENC_S2:
		v = (uint64_t)rt_cfi_signed(in, 2);
		break;
	case ENC_U4:
		v = rt_cfi_fixed(in, 4);
		break;
	case ENC_S4:
		v = (uint64_t)rt_cfi_signed(in, 4);
		break;
	default:
		in->bad = 1;
	}
	return (enc & 0x70) == ENC_PCREL ? at + v : v;
}

static const struct rt_cfi_module *module_at(uint64_t pc)
{
	const struct rt_cfi *c = (const struct rt_cfi *)rt_state.cfi;
	uint64_t lo = 0, hi = c ? c->nmodules : 0;

	while (lo < hi) {
		uint64_t mid = (lo + hi) / 2;

		if (c->module[mid].hi <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return c && lo < c->nmodules && c->module[lo].lo <= pc ? &c->module[lo] : NULL;
}

struct entry {
	int32_t code, fde;
};

/* The last entry of the table at or below pc; 0: none. */
static uint64_t search(uint64_t hdr, uint64_t table, uint64_t n, uint64_t pc)
{
	uint64_t lo = 0;
	struct entry e;

	while (lo < n) {
		uint64_t mid = (lo + n) / 2;

		if (rt_read_some(&e, sizeof(e), table + mid * sizeof(e)) != sizeof(e))
			return 0;
		if (hdr + (uint64_t)(int64_t)e.code <= pc)
			lo = mid + 1;
		else
			n = mid;
	}
	if (!lo || rt_read_some(&e, sizeof(e), table + (lo - 1) * sizeof(e)) != sizeof(e))
		return 0;
	return hdr + (uint64_t)(int64_t)e.fde;
}

static uint64_t find_fde(uint64_t pc)
{
	const struct rt_cfi_module *m = module_at(pc);
	uint8_t count_enc;
	struct cfi_in in;
	uint64_t n;

	if (!m)
		return 0;
	in_start(&in, m->hdr);
	if (rt_cfi_fixed(&in, 1) != 1)
		return 0;
	n = rt_cfi_fixed(&in, 3);
	count_enc = (uint8_t)(n >> 8);
	if (n >> 16 != ENC_SORTED || count_enc == 0xff)
		return 0;
	in_pointer(&in, (uint8_t)n);
	n = in_pointer(&in, count_enc);
	return in.bad ? 0 : search(m->hdr, in.at, n, pc);
}

/* What its string of augmentations says: "zR", "zPLR", "zRS". */
static void read_augmentation(struct cfi_in *in, struct cie *c, uint64_t text)
{
	struct cfi_in t;
	uint8_t what;

	in_start(&t, text);
	while (!in->bad && !t.bad && (what = (uint8_t)rt_cfi_fixed(&t, 1))) {
		switch (what) {
		case 'z':
			break;
		case 'R':
			c->enc = (uint8_t)rt_cfi_fixed(in, 1);
			break;
		case 'P':
			in_pointer(in, (uint8_t)rt_cfi_fixed(in, 1) & 0x0f);
			break;
		case 'L':
			rt_cfi_fixed(in, 1);
			break;
		case 'S':
			c->signal = 1;
			break;
		default:
			in->bad = 1;
		}
	}
}

/* What a CIE says; 0: something that we do not know. */
static int read_cie(struct cfi_in *in, uint64_t at, struct cie *c)
{
	uint64_t len, text, version, end, first;

	*c = (struct cie){ 0 };
	in_start(in, at);
	len = rt_cfi_fixed(in, 4);
	c->end = in->at + len;
	version = rt_cfi_fixed(in, 4) ? 0 : rt_cfi_fixed(in, 1);
	if (len >= 0xfffffff0 || (version != 1 && version != 3))
		return 0;
	text = in->at;
	first = rt_cfi_fixed(in, 1);
	c->augmented = first == 'z';
	while (first && !in->bad && rt_cfi_fixed(in, 1))
		;
	c->code_align = rt_cfi_uleb(in);
	c->data_align = rt_cfi_sleb(in);
	if ((version == 1 ? rt_cfi_fixed(in, 1) : rt_cfi_uleb(in)) != REG_RA ||
	    (first && !c->augmented))
		return 0;
	end = in->at;
	if (c->augmented) {
		end = rt_cfi_uleb(in);
		end += in->at;
		read_augmentation(in, c, text);
	}
	c->code = end;
	return !in->bad;
}

/* -- its instructions: DWARF 5 6.4.2, 7.24 ------------------------------------------------------ */

enum {
	CFA_ADVANCE = 0x40, /* these three have an operand in the low six bits */
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE1 = 0x02,
	CFA_ADVANCE2 = 0x03,
	CFA_ADVANCE4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER = 0x0a,
	CFA_RECALL = 0x0b,
	CFA_DEF = 0x0c,
	CFA_DEF_REGISTER = 0x0d,
	CFA_DEF_OFFSET = 0x0e,
	CFA_DEF_EXPR = 0x0f,
	CFA_EXPR = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_SF = 0x12,
	CFA_DEF_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPR = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
};

struct run {
	struct cfi_in *in;
	const struct cie *cie;
	uint64_t loc, pc, fde;
	struct cfi_row row, first, saved[CFI_DEPTH];
	unsigned depth;
};

static void set_rule(struct run *r, uint64_t reg, uint8_t rule, int64_t off)
{
	if (off != (int32_t)off)
		rule = CFI_LOST;
	if (reg == REG_FP) {
		r->row.fp = rule;
		r->row.fp_off = (int32_t)off;
	} else if (reg == REG_RA) {
		r->row.ra = rule;
		r->row.ra_off = (int32_t)off;
	}
}

static void restore(struct run *r, uint64_t reg)
{
	if (reg == REG_FP)
		set_rule(r, reg, r->first.fp, r->first.fp_off);
	else
		set_rule(r, reg, r->first.ra, r->first.ra_off);
}

static void set_cfa(struct run *r, uint64_t reg, int64_t off)
{
	r->row.cfa = reg == 7 ? CFI_SP : reg == REG_FP ? CFI_AT : CFI_LOST;
	r->row.cfa_off = (int32_t)off;
	if (off != (int32_t)off)
		r->row.cfa = CFI_LOST;
}

/* An expression is passed over; where it is. */
static int64_t expression(struct run *r)
{
	uint64_t at = r->in->at, len = rt_cfi_uleb(r->in);

	if (len > CFI_BYTES)
		r->in->bad = 1;
	else
		r->in->at += len;
	return (int64_t)(at - r->fde);
}

static int64_t scaled(struct run *r)
{
	return (int64_t)rt_cfi_uleb(r->in) * r->cie->data_align;
}

static int64_t scaled_sf(struct run *r)
{
	return rt_cfi_sleb(r->in) * r->cie->data_align;
}

/* Which register the next operand names. */
static uint64_t reg(struct run *r)
{
	return rt_cfi_uleb(r->in);
}

/* Rules of registers; 0: it is none. */
static int step_register(struct run *r, uint8_t op)
{
	uint64_t n;

	switch (op) {
	case CFA_OFFSET_EXTENDED:
		n = reg(r);
		set_rule(r, n, CFI_AT, scaled(r));
		return 1;
	case CFA_OFFSET_EXTENDED_SF:
		n = reg(r);
		set_rule(r, n, CFI_AT, scaled_sf(r));
		return 1;
	case CFA_RESTORE_EXTENDED:
		restore(r, reg(r));
		return 1;
	case CFA_UNDEFINED:
		set_rule(r, reg(r), CFI_LOST, 0);
		return 1;
	case CFA_SAME_VALUE:
		set_rule(r, reg(r), CFI_SAME, 0);
		return 1;
	case CFA_REGISTER:
	case CFA_VAL_OFFSET:
		n = reg(r);
		rt_cfi_uleb(r->in);
		set_rule(r, n, CFI_LOST, 1);
		return 1;
	case CFA_VAL_OFFSET_SF:
		n = reg(r);
		rt_cfi_sleb(r->in);
		set_rule(r, n, CFI_LOST, 1);
		return 1;
	case CFA_EXPR:
		n = reg(r);
		set_rule(r, n, CFI_EXPR, expression(r));
		return 1;
	case CFA_VAL_EXPR:
		n = reg(r);
		set_rule(r, n, CFI_VAL, expression(r));
		return 1;
	}
	return 0;
}

static int step_cfa(struct run *r, uint8_t op)
{
	int64_t off;
	uint64_t n;

	switch (op) {
	case CFA_DEF:
		n = reg(r);
		set_cfa(r, n, (int64_t)rt_cfi_uleb(r->in));
		return 1;
	case CFA_DEF_SF:
		n = reg(r);
		set_cfa(r, n, scaled_sf(r));
		return 1;
	case CFA_DEF_REGISTER:
		set_cfa(r, reg(r), r->row.cfa_off);
		return 1;
	case CFA_DEF_OFFSET:
		r->row.cfa_off = (int32_t)rt_cfi_uleb(r->in);
		return 1;
	case CFA_DEF_OFFSET_SF:
		r->row.cfa_off = (int32_t)scaled_sf(r);
		return 1;
	case CFA_DEF_EXPR:
		off = expression(r);
		r->row.cfa = off == (int32_t)off ? CFI_EXPR : CFI_LOST;
		r->row.cfa_off = (int32_t)off;
		return 1;
	}
	return 0;
}

static void step_other(struct run *r, uint8_t op)
{
	switch (op) {
	case CFA_NOP:
		return;
	case CFA_SET_LOC:
		r->loc = in_pointer(r->in, r->cie->enc);
		return;
	case CFA_ADVANCE1:
		r->loc += rt_cfi_fixed(r->in, 1) * r->cie->code_align;
		return;
	case CFA_ADVANCE2:
		r->loc += rt_cfi_fixed(r->in, 2) * r->cie->code_align;
		return;
	case CFA_ADVANCE4:
		r->loc += rt_cfi_fixed(r->in, 4) * r->cie->code_align;
		return;
	case CFA_GNU_ARGS_SIZE:
		rt_cfi_uleb(r->in);
		return;
	case CFA_REMEMBER:
		if (r->depth < CFI_DEPTH)
			r->saved[r->depth++] = r->row;
		else
			r->in->bad = 1;
		return;
	case CFA_RECALL:
		if (r->depth)
			r->row = r->saved[--r->depth];
		else
			r->in->bad = 1;
		return;
	}
	r->in->bad = 1;
}

/* The row of pc, as far as the instructions in [in->at, end) make it; 0: they cannot be followed. */
static int run(struct run *r, uint64_t end)
{
	if (end - r->in->at > CFI_BYTES)
		return 0;
	while (r->in->at < end && r->loc <= r->pc && !r->in->bad) {
		uint8_t op = (uint8_t)rt_cfi_fixed(r->in, 1);

		switch (op & 0xc0) {
		case CFA_ADVANCE:
			r->loc += (op & 0x3f) * r->cie->code_align;
			continue;
		case CFA_OFFSET:
			set_rule(r, op & 0x3f, CFI_AT, scaled(r));
			continue;
		case CFA_RESTORE:
			restore(r, op & 0x3f);
			continue;
		}
		if (!step_register(r, op) && !step_cfa(r, op))
			step_other(r, op);
	}
	return !r->in->bad;
}

static enum cfi_found read_row(uint64_t fde, uint64_t pc, struct cfi_row *row)
{
	struct cfi_in in;
	struct cie cie;
	struct run r = { .in = &in, .cie = &cie, .pc = pc, .fde = fde };
	uint64_t len, end, id, lo, at;

	in_start(&in, fde);
	len = rt_cfi_fixed(&in, 4);
	end = in.at + len;
	at = in.at;
	id = rt_cfi_fixed(&in, 4);
	if (in.bad || !id || len >= 0xfffffff0 || !read_cie(&in, at - id, &cie))
		return CFI_NONE;
	r.row = (struct cfi_row){
		.cfa = CFI_LOST, .ra = CFI_LOST, .ra_off = 1, .signal = cie.signal
	};
	in_start(&in, cie.code);
	if (!run(&r, cie.end))
		return CFI_NONE;
	r.first = r.row;
	in_start(&in, at + 4);
	lo = in_pointer(&in, cie.enc);
	if (pc - lo >= in_pointer(&in, cie.enc & 0x0f) || in.bad)
		return CFI_NONE; /* between functions */
	if (cie.augmented) {
		len = rt_cfi_uleb(&in);
		in.at += len;
	}
	r.loc = lo;
	if (!run(&r, end))
		return CFI_NONE;
	*row = r.row;
	return row->ra == CFI_LOST && !row->ra_off ? CFI_TOP : CFI_ROW;
}

enum cfi_found rt_cfi_find(uint64_t pc, struct cfi_row *row, uint64_t *fde)
{
	enum cfi_found found = CFI_NONE;

	*fde = 0;
	if (!rt_state.cfi || pc >> PC_BITS)
		return CFI_NONE;
	switch (recall(pc, row)) {
	case KEPT_ROW:
		return CFI_ROW;
	case KEPT_NONE:
		return CFI_NONE;
	case KEPT_TOP:
		return CFI_TOP;
	}
	*fde = find_fde(pc);
	if (*fde)
		found = read_row(*fde, pc, row);
	keep(pc, found == CFI_ROW ? KEPT_ROW : found == CFI_TOP ? KEPT_TOP : KEPT_NONE, row);
	return found;
}
