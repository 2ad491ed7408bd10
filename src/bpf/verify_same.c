/*
 * bpf/verify_same.c - see verify_priv.h: is one state a case of another?
 *
 * If every value that a register or byte can have in `now` is one that it can have in `old`, then
 * what was proved from old on holds from now on.  Identities are compared by what has the same one,
 * not by their numbers; a constant's is its value, as copies of it need no other to be equal.  A register that is not set in old is not read from there on, or was refused; a
 * byte of the stack that is not set is any number there, so it covers all but an iterator's.
 */
#include "bpf/verify_priv.h"

#include <string.h>

#define MAX_IDS 128

struct identity {
	uint32_t id; /* 0: a constant */
	uint64_t value;
};

struct idmap {
	uint32_t n, old[MAX_IDS];
	struct identity now[MAX_IDS];
};

/* All that has this identity in old must have the same one in now. */
static bool same_identity(struct idmap *m, uint32_t old, struct identity now)
{
	for (uint32_t k = 0; k < m->n; k++) {
		if (m->old[k] == old)
			return m->now[k].id == now.id && m->now[k].value == now.value;
		if (now.id && m->now[k].id == now.id)
			return false;
	}
	if (m->n == MAX_IDS)
		return false;
	m->old[m->n] = old;
	m->now[m->n++] = now;
	return true;
}

static bool same_id(struct idmap *m, uint32_t old, uint32_t now)
{
	if (!old || !now)
		return old == now;
	return same_identity(m, old, (struct identity){ .id = now });
}

static bool covers_number(const struct vreg *old, const struct vreg *now, struct idmap *m)
{
	if (now->kind != V_SCALAR || !range_within(&old->r, &now->r))
		return false;
	if (old->flags & VF_TARGET && !(now->flags & VF_TARGET))
		return false;
	/* copies that old knows to be equal must be so now */
	if (old->id && range_is_const(&now->r))
		return same_identity(m, old->id, (struct identity){ .value = now->r.umin });
	return !old->id || same_id(m, old->id, now->id);
}

static bool covers_reg(const struct vreg *old, const struct vreg *now, struct idmap *m)
{
	if (old->kind == V_UNSET)
		return true;
	if (old->kind == V_SCALAR)
		return covers_number(old, now, m);
	return old->kind == now->kind && old->flags == now->flags && old->frame == now->frame &&
	       old->off == now->off && old->index == now->index && old->type == now->type &&
	       range_within(&old->r, &now->r) && same_id(m, old->id, now->id) &&
	       same_id(m, old->ref, now->ref);
}

static const struct vslot empty;

static const struct vslot *slot_of(const struct vframe *f, unsigned i)
{
	return i < f->nslots ? &f->slot[i] : &empty;
}

/* A byte of which old knows nothing, or that it is zero. */
static bool covers_byte(const struct vslot *old, const struct vslot *now, unsigned k)
{
	uint8_t b = now->byte[k];

	switch ((enum vbyte)old->byte[k]) {
	case S_UNSET:
	case S_MISC:
		return b != S_ITER;
	case S_ZERO:
		return b == S_ZERO;
	default:
		return false;
	}
}

static bool any_number(const struct vreg *r)
{
	return r->kind == V_SCALAR && range_is_unknown(&r->r) && !r->id && !(r->flags & VF_TARGET);
}

static bool covers_spill(const struct vslot *old, const struct vslot *now, struct idmap *m)
{
	bool same = true, plain = true;
	struct vreg zero = vreg_scalar(range_const(0));

	for (unsigned k = 0; k < 8; k++) {
		same &= (old->byte[k] == S_SPILL) == (now->byte[k] == S_SPILL);
		if (old->byte[k] == S_SPILL) {
			plain &= now->byte[k] != S_ITER;
			if (now->byte[k] != S_ZERO)
				zero.kind = V_UNSET;
		} else if (!covers_byte(old, now, k)) {
			return false;
		}
	}
	if (same)
		return covers_reg(&old->spill, &now->spill, m);
	if (zero.kind == V_SCALAR)
		return covers_reg(&old->spill, &zero, m);
	return plain && any_number(&old->spill);
}

static bool covers_slot(const struct vslot *old, const struct vslot *now, struct idmap *m)
{
	if (old->byte[0] == S_SPILL)
		return covers_spill(old, now, m);
	if (old->byte[0] == S_ITER)
		return now->byte[0] == S_ITER && old->spill.index == now->spill.index &&
		       same_id(m, old->spill.ref, now->spill.ref);
	for (unsigned k = 0; k < 8; k++)
		if (!covers_byte(old, now, k))
			return false;
	return true;
}

static bool same_place(const struct vstate *old, const struct vstate *now)
{
	if (old->depth != now->depth || old->nrefs != now->nrefs)
		return false;
	for (unsigned k = 0; k <= old->depth; k++) {
		const struct vframe *a = old->f[k], *b = now->f[k];

		if (a->sub != b->sub || a->call_at != b->call_at || a->callback != b->callback ||
		    !a->loop != !b->loop || a->nrefs != b->nrefs || (a->spent && !b->spent))
			return false;
	}
	return true;
}

static bool covers_frame(const struct vframe *old, const struct vframe *now, struct idmap *m)
{
	for (unsigned r = 0; r < INSN_FP; r++)
		if (!covers_reg(&old->r[r], &now->r[r], m))
			return false;
	for (unsigned i = 0; i < old->nslots || i < now->nslots; i++)
		if (!covers_slot(slot_of(old, i), slot_of(now, i), m))
			return false;
	return true;
}

/* What has this identity in both states is the same; so it must be, wherever else it is. */
static bool is_itself(const struct idmap *m, uint32_t id)
{
	for (uint32_t k = 0; id && k < m->n; k++)
		if ((m->old[k] == id) != (m->now[k].id == id))
			return false;
	return true;
}

/* A frame that both share is a case of itself, but what in it is equal to others counts. */
static bool covers_shared(const struct vframe *f, const struct idmap *m)
{
	for (unsigned r = 0; r < INSN_FP && m->n; r++)
		if (!is_itself(m, f->r[r].id) || !is_itself(m, f->r[r].ref))
			return false;
	for (unsigned i = 0; i < f->nslots && m->n; i++)
		if (!is_itself(m, f->slot[i].spill.id) || !is_itself(m, f->slot[i].spill.ref))
			return false;
	return true;
}

/*
 * The current function first, since there is what changes from round to round; shared frames last, when all
 * other identities are known: theirs, which may be many, need not be noted then.
 */
bool vsame_covers(const struct vstate *old, const struct vstate *now)
{
	struct idmap m;

	m.n = 0; /* and no more of it: it is large */
	if (!same_place(old, now))
		return false;
	for (unsigned k = 0; k < old->nrefs; k++)
		if (!same_id(&m, old->ref[k].id, now->ref[k].id))
			return false;
	for (unsigned k = old->depth + 1; k-- > 0;)
		if (old->f[k] != now->f[k] && !covers_frame(old->f[k], now->f[k], &m))
			return false;
	for (unsigned k = 0; k <= old->depth; k++)
		if (old->f[k] == now->f[k] && !covers_shared(old->f[k], &m))
			return false;
	return true;
}

/* -- widening --------------------------------------------------------------------------------- */

static void widen_reg(const struct vreg *old, struct vreg *now)
{
	if (old->kind != V_SCALAR || now->kind != V_SCALAR)
		return;
	if (!(old->flags & VF_TARGET))
		now->flags &= (uint8_t)~VF_TARGET;
	now->id = 0;
	if (!range_within(&old->r, &now->r))
		now->r = range_unknown();
}

static bool all_numbers(const struct vslot *s)
{
	return s->byte[0] != S_ITER && !(s->byte[0] == S_SPILL && s->spill.kind != V_SCALAR);
}

static void widen_slot(const struct vslot *old, struct vslot *now)
{
	struct idmap m = { .n = 0 };

	if (!all_numbers(old) || !all_numbers(now) || covers_slot(old, now, &m))
		return;
	for (unsigned k = 0; k < 8; k++)
		if (now->byte[k] != S_UNSET)
			now->byte[k] = S_MISC;
	memset(&now->spill, 0, sizeof(now->spill));
}

/* now is a later time round the same loop: what has changed since may be anything. */
void vsame_widen(struct verify *v, const struct vstate *old, struct vstate *now)
{
	if (!same_place(old, now))
		return;
	for (unsigned k = 0; k <= now->depth; k++) {
		struct vframe *f = old->f[k] == now->f[k] ? NULL : vframe_own(v, now, k);

		if (!f)
			continue; /* nothing has changed; or there is no memory, which ends it */
		for (unsigned r = 0; r < INSN_FP; r++)
			widen_reg(&old->f[k]->r[r], &f->r[r]);
		for (unsigned i = 0; i < f->nslots; i++)
			widen_slot(slot_of(old->f[k], i), &f->slot[i]);
	}
}
