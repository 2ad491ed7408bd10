/*
 * bpf/verify_btf.c - see verify_priv.h: the context, and walks along typed pointers.
 *
 * A load through a typed pointer must be of a member: a mistake in a cast is told, not read.  What is
 * behind a pointer to a complete struct or union is typed again; behind all others (void *,
 * char *, arrays of numbers) there is memory of any kind.
 */
#include "bpf/verify_priv.h"

#define WALK_DEPTH 32

enum walk { WALK_NO, WALK_NUMBER, WALK_POINTER };

static enum walk walk(const struct ty *t, uint64_t off, unsigned size, const struct ty **to,
		      unsigned depth);

static bool unsized(const struct ty *t)
{
	return t->kind == TY_ARRAY && (t->flags & TY_UNSIZED || !t->n);
}

static enum walk walk_members(const struct ty *t, uint64_t off, unsigned size, const struct ty **to,
			      unsigned depth)
{
	enum walk found = WALK_NO;

	for (uint64_t i = 0; i < t->n && !found; i++) {
		const struct ty_member *m = &t->member[i];
		const struct ty *of = ty_strip(m->type);

		if (off < m->offset || (!unsized(of) && off + size > m->offset + of->size))
			continue;
		found = m->bits ? WALK_NUMBER : walk(of, off - m->offset, size, to, depth + 1);
	}
	return found;
}

/* What `size` bytes at off of a t are. */
static enum walk walk(const struct ty *t, uint64_t off, unsigned size, const struct ty **to,
		      unsigned depth)
{
	const struct ty *of;

	t = ty_strip(t);
	if (depth > WALK_DEPTH)
		return WALK_NO;
	switch (t->kind) {
	case TY_STRUCT:
	case TY_UNION:
		return walk_members(t, off, size, to, depth);
	case TY_ARRAY:
		of = ty_strip(t->of);
		return of->size ? walk(of, off % of->size, size, to, depth + 1) : WALK_NO;
	case TY_PTR:
		*to = t->of;
		return !off && size == 8 ? WALK_POINTER : off + size <= 8 ? WALK_NUMBER : WALK_NO;
	case TY_INT:
	case TY_ENUM:
	case TY_FLOAT:
		return off + size <= t->size ? WALK_NUMBER : WALK_NO;
	default:
		return WALK_NO;
	}
}

/* A pointer to t, which is typed if it is known what is there. */
static struct vreg pointer_to(const struct ty *t)
{
	struct vreg out;

	t = t ? ty_strip(t) : NULL;
	if (!t || (t->kind != TY_STRUCT && t->kind != TY_UNION) || !t->size)
		return vreg_target_word(8, false);
	out = vreg_pointer(V_BTF, 0);
	out.type = t;
	return out;
}

int vbtf_load(struct verify *v, unsigned reg, const struct bpf_insn *in, struct vreg *out)
{
	const struct vreg *p = vreg(v, reg);
	unsigned size = insn_bytes(in);
	bool sx = BPF_MODE(in->code) == INSN_MEMSX;
	const char *name = p->type->name;
	const struct ty *to = NULL;
	int64_t at = (int64_t)p->off + in->off;
	char bits[64];

	if (!range_is_const(&p->r)) {
		tnum_text(p->r.bits, bits, sizeof(bits));
		return vdeny(v, "read it by bpf_probe_read_user(), or cast by bpf_rdonly_cast()",
			     "R%u is ptr_%s invalid variable offset: off=%d, var_off=%s", reg, name,
			     p->off, bits);
	}
	at += p->r.smin;
	if (at < 0)
		return vdeny(v, "read it by bpf_probe_read_user()",
			     "R%u is ptr_%s invalid negative access: off=%lld", reg, name,
			     (long long)at);
	switch (walk(p->type, (uint64_t)at, size, &to, 0)) {
	case WALK_POINTER:
		*out = pointer_to(to);
		return 0;
	case WALK_NUMBER:
		*out = vreg_scalar(range_load(size, sx));
		return 0;
	default:
		break;
	}
	if ((uint64_t)at + size > p->type->size)
		return vdeny(v,
			     "is it really one? Arrays of structs are read by "
			     "bpf_probe_read_user(), other types after bpf_rdonly_cast()",
			     "access beyond struct %s at off %lld size %u", name, (long long)at,
			     size);
	return vdeny(v, "use BPF_CORE_READ(), or declare the struct with preserve_access_index",
		     "struct %s doesn't have field at offset %lld of size %u", name, (long long)at,
		     size);
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
