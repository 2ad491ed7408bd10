/*
 * bpf/verify_stack.c - see verify_priv.h: stacks, byte by byte.
 *
 * Accesses of a known place are aligned, so they lie in one slot.  A register that is stored whole at
 * a slot's beginning is kept as it was (a spill); of all else only is known that it was set, or is
 * zero.  Bytes that were never set are read as any number, also by helpers, which is what the kernel
 * grants privileged programs (allow_uninit_stack, kernel/bpf/verifier.c since 6.3): clang leaves the
 * padding of structs unset.  An iterator is read by its kfuncs alone.  A store whose place is one of
 * several sets none of them for certain.
 */
#include "bpf/verify_priv.h"

#include <stdio.h>
#include <string.h>

static const char keep_inside[] = "the stack of a function is 512 bytes below r10: check the index "
				  "first, or make the array larger";
static const char leave_iter[] = "an iterator lies there: only its kfuncs may read it, until "
				 "bpf_iter_num_destroy()";

/* Bytes of the spill in a slot: it begins with the slot. */
static unsigned spilled(const struct vslot *s)
{
	unsigned n = 0;

	while (n < 8 && s->byte[n] == S_SPILL)
		n++;
	return n;
}

/* What is left when a part of a slot is overwritten, or read as bytes. */
static void scatter(struct vslot *s)
{
	bool iter = s->byte[0] == S_ITER;

	for (unsigned k = 0; k < 8; k++)
		if (s->byte[k] == S_SPILL)
			s->byte[k] = S_MISC;
		else if (iter)
			s->byte[k] = S_UNSET;
	memset(&s->spill, 0, sizeof(s->spill));
}

static int outside(struct verify *v, unsigned reg, const struct vreg *p, int32_t off, uint32_t size,
		   const char *doing)
{
	char bits[64];

	if (range_is_const(&p->r))
		return vdeny(v, keep_inside, "invalid %s stack R%u off=%lld size=%u", doing, reg,
			     (long long)(p->off + p->r.smin + off), size);
	if (p->r.smin < -VERIFY_MAX_OFF || p->r.smax > VERIFY_MAX_OFF)
		return vdeny(v, keep_inside, "invalid unbounded variable-offset %s stack R%u",
			     doing, reg);
	tnum_text(p->r.bits, bits, sizeof(bits));
	return vdeny(v, keep_inside,
		     "invalid variable-offset %s stack R%u var_off=%s off=%d size=%u", doing, reg,
		     bits, p->off + off, size);
}

/* Where the first of `size` bytes can lie: lo to hi, below r10. */
static int place(struct verify *v, unsigned reg, const struct vreg *p, int32_t off, uint32_t size,
		 const char *doing, int32_t *lo, int32_t *hi)
{
	int64_t from, to;

	if (!vreg_spans(p, &from, &to) || from + off < -PROGRAM_MAX_STACK ||
	    to + off + (int64_t)size > 0)
		return outside(v, reg, p, off, size, doing);
	*lo = (int32_t)(from + off);
	*hi = (int32_t)(to + off);
	return 0;
}

static uint8_t *byte_at(struct vslot *slot, int32_t at)
{
	unsigned i = (unsigned)(-at - 1) / 8;

	return &slot[i].byte[at + 8 * (int32_t)(i + 1)];
}

static struct vslot *slots_to(struct verify *v, unsigned frame, int32_t lowest)
{
	return vframe_slots(v, v->cur, frame, (unsigned)(-lowest + 7) / 8);
}

static uint8_t what_is(const struct verify *v, unsigned frame, int32_t at)
{
	struct vframe *f = v->cur->f[frame];

	return (unsigned)(-at - 1) / 8 < f->nslots ? *byte_at(f->slot, at) : S_UNSET;
}

/* [lo, hi) may be read; reg < 0: by a load. */
static int readable(struct verify *v, unsigned frame, int32_t lo, int32_t hi, int reg)
{
	for (int32_t at = lo; at < hi; at++) {
		if (what_is(v, frame, at) != S_ITER)
			continue;
		if (reg >= 0)
			return vdeny(v, leave_iter, "invalid read from stack R%d off %d+%d size %d",
				     reg, lo, at - lo, hi - lo);
		return vdeny(v, leave_iter, "invalid read from stack off %d+%d size %d", lo,
			     at - lo, hi - lo);
	}
	return 0;
}

/* -- single accesses -------------------------------------------------------------------- */

static int aligned(struct verify *v, const struct vreg *p, int32_t off, unsigned size)
{
	static const char change[] =
		"align what lies on the stack to its size: do not use packed structs there";
	int64_t fixed = (int64_t)p->off + off;
	char bits[64];

	if (tnum_is_aligned(tnum_add(p->r.bits, tnum_const((uint64_t)fixed)), size))
		return 0;
	tnum_text(p->r.bits, bits, sizeof(bits));
	if (range_is_const(&p->r))
		snprintf(bits, sizeof(bits), "%#llx", (unsigned long long)p->r.bits.value);
	return vdeny(v, change, "misaligned stack access off %s+%d+%d size %u", bits, p->off, off,
		     size);
}

static void load_bytes(const struct vslot *s, unsigned b, unsigned size, bool sx, struct vreg *out)
{
	bool zero = true;

	for (unsigned k = b; k < b + size; k++)
		zero &= s->byte[k] == S_ZERO;
	*out = vreg_scalar(zero ? range_const(0) : range_load(size, sx));
}

static void load_spill(const struct vslot *s, unsigned n, unsigned size, bool sx, struct vreg *out)
{
	*out = s->spill;
	if (size == 8)
		return;
	if (out->kind != V_SCALAR) { /* a part of a pointer */
		*out = vreg_scalar(range_load(size, sx));
		return;
	}
	if (size < n || sx) {
		out->id = 0;
		out->flags = 0;
	}
	if (sx)
		range_sign_extend(&out->r, size);
	else
		range_cast(&out->r, size);
}

int vstack_load(struct verify *v, unsigned base, int32_t off, unsigned size, bool sx,
		struct vreg *out)
{
	struct vreg p = *vreg(v, base);
	const struct vslot *s;
	int32_t lo, hi;
	unsigned b;
	int err = place(v, base, &p, off, size, "read from", &lo, &hi);

	if (!err)
		err = aligned(v, &p, off, size);
	if (!err)
		err = readable(v, p.frame, lo, hi + (int32_t)size, -1);
	if (err)
		return err;
	if (lo != hi || (unsigned)(-lo - 1) / 8 >= v->cur->f[p.frame]->nslots) {
		*out = vreg_scalar(range_load(size, sx));
		return 0;
	}
	s = &v->cur->f[p.frame]->slot[(unsigned)(-lo - 1) / 8];
	b = (unsigned)lo & 7;
	if (!b && spilled(s) >= size)
		load_spill(s, spilled(s), size, sx, out);
	else
		load_bytes(s, b, size, sx, out);
	return 0;
}

static void store_part(struct vslot *s, unsigned b, unsigned size, uint8_t kind)
{
	scatter(s);
	memset(&s->byte[b], kind, size);
}

static int store_at(struct verify *v, unsigned frame, int32_t at, unsigned size, struct vreg val)
{
	struct vslot *s = slots_to(v, frame, at);
	unsigned b = (unsigned)at & 7;

	if (!s)
		return -ENOMEM;
	s += (unsigned)(-at - 1) / 8;
	if (vreg_is_const(&val) && !val.r.umin) {
		store_part(s, b, size, S_ZERO);
	} else if (b) {
		store_part(s, b, size, S_MISC);
	} else {
		store_part(s, 0, size, S_SPILL);
		if (size < 8) {
			struct range whole = val.r;

			range_cast(&val.r, size);
			val.flags = 0;
			if (!range_equal(&whole, &val.r))
				val.id = 0;
		}
		s->spill = val;
	}
	return 0;
}

/* At one of several places: what may have been changed is no more what it was. */
static int store_somewhere(struct verify *v, unsigned frame, int32_t lo, int32_t hi, bool zero)
{
	struct vslot *s = slots_to(v, frame, lo);

	if (!s)
		return -ENOMEM;
	for (int32_t at = lo; at < hi; at++) {
		struct vslot *one = &s[(unsigned)(-at - 1) / 8];
		uint8_t *byte = byte_at(s, at);

		if (one->byte[0] == S_SPILL || one->byte[0] == S_ITER)
			scatter(one);
		if (*byte != S_UNSET && !(*byte == S_ZERO && zero))
			*byte = S_MISC;
	}
	return 0;
}

int vstack_store(struct verify *v, unsigned base, int32_t off, unsigned size,
		 const struct vreg *val)
{
	struct vreg p = *vreg(v, base), what = *val;
	int32_t lo, hi;
	int err = place(v, base, &p, off, size, "write to", &lo, &hi);

	if (!err)
		err = aligned(v, &p, off, size);
	if (err)
		return err;
	if (vreg_is_pointer(&what) && size != 8)
		return vdeny(v, "store all 8 bytes of a pointer", "invalid size of register spill");
	if (what.kind == V_STACK && p.frame != v->cur->depth)
		return vdeny(v, "the caller's pointer would outlive this function's stack",
			     "cannot spill pointers to stack into stack frame of the caller");
	if (lo == hi)
		return store_at(v, p.frame, lo, size, what);
	return store_somewhere(v, p.frame, lo, hi + (int32_t)size,
			       vreg_is_const(&what) && !what.r.umin);
}

/* -- what helpers read and fill -------------------------------------------------------------- */

int vstack_read_range(struct verify *v, unsigned reg, const struct vreg *base, uint32_t size)
{
	int32_t lo, hi;
	int err = place(v, reg, base, 0, size, "read from", &lo, &hi);

	return err ? err : readable(v, base->frame, lo, hi + (int32_t)size, (int)reg);
}

int vstack_fill_range(struct verify *v, unsigned reg, const struct vreg *base, uint32_t least,
		      uint32_t size)
{
	unsigned frame = base->frame;
	struct vslot *s;
	int32_t lo, hi;
	int err = place(v, reg, base, 0, size, "write to", &lo, &hi);

	if (!err)
		err = store_somewhere(v, frame, lo, hi + (int32_t)size, false);
	if (err || lo != hi)
		return err;
	s = v->cur->f[frame]->slot;
	for (int32_t at = lo; at < lo + (int32_t)least; at++)
		*byte_at(s, at) = S_MISC;
	return 0;
}

/* The slot at a known, aligned place; NULL: it is none, or there is no memory. */
struct vslot *vstack_slot(struct verify *v, const struct vreg *base, int32_t off)
{
	int64_t at = base->off + base->r.smin + off;
	struct vslot *s;

	if (base->kind != V_STACK || !range_is_const(&base->r) || at < -PROGRAM_MAX_STACK ||
	    at > -8 || at % 8)
		return NULL;
	s = slots_to(v, base->frame, (int32_t)at);
	return s ? &s[(unsigned)(-at - 1) / 8] : NULL;
}
