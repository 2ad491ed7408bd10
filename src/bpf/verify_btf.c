/*
 * bpf/verify_btf.c - see verify_priv.h: the context, and walks along typed pointers.
 *
 * A load through a typed pointer must be of a member: a mistake in a cast is told, not read.  What is
 * behind a pointer to a complete struct or union is typed again; behind all others (void *,
 * char *, pointers to pointers, declared structs) there is memory of any kind, as behind integers of 8
 * bytes: programs keep handles in them.
 *
 * The rules are btf_struct_walk()'s of the kernel (kernel/bpf/btf.c), where that accepts: arrays of
 * numbers are read by any size, across their elements; so is what a union has; a bit-field, if the load
 * covers it; the array at a struct's end, if it has no size, to any distance.  Beyond them, a part of a
 * pointer is a number, and all members of a union are looked at, not the first one: where they
 * differ, the word may be any of them.
 */
#include "bpf/verify_priv.h"

#define WALK_DEPTH 32
#define WALK_STEPS 4096 /* of hostile types, whose members all lie above each other */

enum walk { WALK_NO, WALK_NUMBER, WALK_POINTER };

/* size bytes at an offset, and what they are. */
struct walker {
	unsigned size, steps;
	enum walk found;
	const struct ty *to; /* WALK_POINTER: NULL if it may be to several things */
	/* a member that ends too early for it: in `in`, where the load is at off */
	const struct ty_member *cut;
	const struct ty *in;
	uint64_t off, cut_end;
};

static void walk(struct walker *w, const struct ty *t, uint64_t off, bool loose, unsigned depth);

static bool unsized(const struct ty *t)
{
	return t->kind == TY_ARRAY && (t->flags & TY_UNSIZED || !t->n);
}

static void found(struct walker *w, enum walk what, const struct ty *to)
{
	if (!w->found) {
		w->found = what;
		w->to = to;
	} else if (w->found != what || (what == WALK_POINTER && w->to != to)) {
		w->found = WALK_POINTER;
		w->to = NULL;
	}
}

/* A number, or several of them, of which only the beginning must be there in a union. */
static void number(struct walker *w, const struct ty *t, uint64_t off, bool loose)
{
	if (off + w->size <= t->size || (loose && off < t->size))
		found(w, WALK_NUMBER, NULL);
}

/* Of a bit-field: all of it, or something in the unit that holds it. */
static void bits(struct walker *w, const struct ty_member *m, const struct ty *unit, uint64_t off)
{
	uint64_t first = m->offset + m->bit_offset / 8u;
	uint64_t end = m->offset + (m->bit_offset + m->bits + 7u) / 8;

	if ((off <= first && end <= off + w->size) ||
	    (off >= m->offset && off + w->size <= m->offset + unit->size))
		found(w, WALK_NUMBER, NULL);
}

static void walk_members(struct walker *w, const struct ty *t, uint64_t off, bool loose,
			 unsigned depth)
{
	loose |= t->kind == TY_UNION && t->n != 1;
	for (uint64_t i = 0; i < t->n; i++) {
		const struct ty_member *m = &t->member[i];
		const struct ty *of = ty_strip(m->type);
		uint64_t end = m->offset + of->size;
		enum walk before = w->found;

		if (m->bits) {
			if (!w->cut)
				bits(w, m, of, off);
			continue;
		}
		if (off < m->offset || off >= end)
			continue;
		walk(w, of, off - m->offset, loose, depth + 1);
		if (!w->found && before == WALK_NO && off + w->size > end && !w->cut) {
			w->cut = m;
			w->in = t;
			w->off = off;
			w->cut_end = end;
		}
	}
}

/* The array without a size that ends it. */
static void walk_tail(struct walker *w, const struct ty *t, uint64_t off, unsigned depth)
{
	for (uint64_t i = 0; i < t->n; i++) {
		const struct ty_member *m = &t->member[i];
		const struct ty *of = ty_strip(m->type), *elem;

		if (!unsized(of) || off < m->offset || (t->kind == TY_STRUCT && i + 1 < t->n))
			continue;
		elem = ty_strip(of->of);
		if (!elem->size)
			continue;
		if (elem->kind == TY_INT || elem->kind == TY_ENUM || elem->kind == TY_FLOAT)
			found(w, WALK_NUMBER, NULL);
		else
			walk(w, elem, (off - m->offset) % elem->size, false, depth + 1);
	}
}

/* Arrays of arrays are one array; across numbers a load may reach as far as there are some. */
static void walk_array(struct walker *w, const struct ty *t, uint64_t off, bool loose,
		       unsigned depth)
{
	const struct ty *of = ty_strip(t->of);

	for (unsigned n = 0; of->kind == TY_ARRAY && n < WALK_DEPTH; n++)
		of = ty_strip(of->of);
	if (of->kind == TY_STRUCT || of->kind == TY_UNION || of->kind == TY_PTR) {
		if (of->size && off < t->size)
			walk(w, of, off % of->size, loose, depth + 1);
		return;
	}
	number(w, t, off, loose);
}

/* What the bytes at off of a t are. */
static void walk(struct walker *w, const struct ty *t, uint64_t off, bool loose, unsigned depth)
{
	t = ty_strip(t);
	if (depth > WALK_DEPTH || ++w->steps > WALK_STEPS)
		return;
	switch (t->kind) {
	case TY_STRUCT:
	case TY_UNION:
		if (off + w->size <= t->size)
			walk_members(w, t, off, loose, depth);
		if (!w->found)
			walk_tail(w, t, off, depth);
		return;
	case TY_ARRAY:
		walk_array(w, t, off, loose, depth);
		return;
	case TY_PTR:
		if (!off && w->size == 8)
			found(w, WALK_POINTER, t->of ? ty_strip(t->of) : NULL);
		else if (off + w->size <= 8)
			found(w, WALK_NUMBER, NULL);
		return;
	case TY_INT:
	case TY_ENUM:
	case TY_FLOAT:
	case TY_UNKNOWN: /* of a size that is known */
		number(w, t, off, loose);
		return;
	default:
		return;
	}
}

/* A pointer to t, which is typed if it is known what is there. */
static struct vreg pointer_to(const struct ty *t)
{
	struct vreg out;

	t = t ? ty_strip(t) : NULL;
	if (!t || (t->kind != TY_STRUCT && t->kind != TY_UNION) || !t->size || !t->n)
		return vreg_target_word(8, false);
	out = vreg_pointer(V_BTF, 0);
	out.type = t;
	return out;
}

static const char *tag(const struct ty *t)
{
	return t->name && *t->name ? t->name : "(anon)";
}

static const char core[] =
	"use BPF_CORE_READ(), or declare the struct with preserve_access_index; of "
	"another type it is after bpf_rdonly_cast()";

/* Why there is no such member. */
static int no_member(struct verify *v, const struct ty *t, uint64_t at, const struct walker *w)
{
	if (at + w->size > t->size)
		return vdeny(v,
			     "is it really one? Arrays of structs are read by "
			     "bpf_probe_read_user(), other types after bpf_rdonly_cast()",
			     "access beyond struct %s at off %llu size %u", tag(t),
			     (unsigned long long)at, w->size);
	if (w->cut)
		return vdeny(v,
			     "read it by its own size; several members at once by "
			     "bpf_probe_read_user()",
			     "access beyond the end of member %s (mend:%llu) in struct %s with off "
			     "%llu size %u",
			     w->cut->name && *w->cut->name ? w->cut->name : "(anon)",
			     (unsigned long long)w->cut_end, tag(w->in), (unsigned long long)w->off,
			     w->size);
	return vdeny(v, core, "struct %s doesn't have field at offset %llu of size %u", tag(t),
		     (unsigned long long)at, w->size);
}

int vbtf_load(struct verify *v, unsigned reg, const struct bpf_insn *in, struct vreg *out)
{
	const struct vreg *p = vreg(v, reg);
	unsigned size = insn_bytes(in);
	bool sx = BPF_MODE(in->code) == INSN_MEMSX;
	const char *name = tag(p->type);
	struct walker w = { .size = size };
	int64_t at = (int64_t)p->off + in->off;
	char var[64];

	if (!range_is_const(&p->r)) {
		tnum_text(p->r.bits, var, sizeof(var));
		return vdeny(v, "read it by bpf_probe_read_user(), or cast by bpf_rdonly_cast()",
			     "R%u is ptr_%s invalid variable offset: off=%d, var_off=%s", reg, name,
			     p->off, var);
	}
	at += p->r.smin;
	if (at < 0)
		return vdeny(v, "read it by bpf_probe_read_user()",
			     "R%u is ptr_%s invalid negative access: off=%lld", reg, name,
			     (long long)at);
	walk(&w, p->type, (uint64_t)at, false, 0);
	if (!w.found)
		return no_member(v, p->type, (uint64_t)at, &w);
	*out = w.found == WALK_POINTER ? pointer_to(w.to) : vreg_target_word(size, sx);
	return 0;
}

/* -- the context ------------------------------------------------------------------------------ */

static int no_slot(struct verify *v, int64_t at, unsigned size)
{
	return vdeny(v,
		     "ctx has one word of 8 bytes for each argument, then those of the result in "
		     "fexit, fmod_ret and fsession programs",
		     "invalid bpf_context access off=%lld size=%u", (long long)at, size);
}

static unsigned slots_of(const struct program *p)
{
	unsigned results = p->kind == PROGRAM_FENTRY ? 0 : p->nresults > 2 ? p->nresults : 2;

	return p->nslots >= BODY_MAX_SLOTS ? BODY_MAX_SLOTS : p->nslots + results;
}

/* What is known of a word; NULL: nothing. */
static const struct ctx_slot *slot_at(const struct verify *v, int64_t at)
{
	const struct ctx_desc *c = v->in->ctx;

	return c && at / 8 < c->nslots ? &c->slot[at / 8] : NULL;
}

int vctx_load(struct verify *v, unsigned reg, const struct bpf_insn *in, struct vreg *out)
{
	const struct vreg *p = vreg(v, reg);
	unsigned size = insn_bytes(in);
	bool sx = BPF_MODE(in->code) == INSN_MEMSX;
	const struct ctx_slot *s;
	int64_t at = (int64_t)p->off + in->off;
	char bits[64];

	if (!range_is_const(&p->r)) {
		tnum_text(p->r.bits, bits, sizeof(bits));
		return vdeny(v, "use bpf_get_func_arg() for an argument chosen at run time",
			     "variable ctx access var_off=%s disallowed", bits);
	}
	at += p->r.smin;
	if (at >= -16 && at < 0 && v->in->generated) {
		*out = vreg_scalar(range_load(size, sx));
		return 0;
	}
	if (at < 0 || at % size || at + size > 8 * (int64_t)slots_of(v->p))
		return no_slot(v, at, size);
	s = slot_at(v, at);
	if (s && s->type && size == 8)
		*out = pointer_to(s->type);
	else if (s && s->bytes && at % 8 == 0 && size == 8)
		*out = vreg_scalar(range_load(s->bytes, s->is_signed));
	else if (s && (s->bytes || s->type))
		*out = vreg_scalar(range_load(size, sx));
	else
		*out = vreg_target_word(size, sx);
	return 0;
}
