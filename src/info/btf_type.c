/*
 * info/btf_type.c - types out of BTF (see btf_priv.h, btfr_build).
 *
 * Built breadth first from a queue, like those of dwarf_type.c and for the same reasons.
 * BTF has no alignments and vectors: what clang and pahole leave out cannot be shown, unless a
 * tag of ours tells it (btf_gen.h).  A complex type is a float that its name tells.
 *
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst 2.2
 */
#include "info/btf_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POINTERS 4
#define MAX_NODES    8192

struct queue {
	struct btf_reader *r;
	struct ty_pool *pool;
	struct diag *d;
	VEC(struct btfr_node *);
};

static int name_unknown(struct queue *q, struct ty *ty, const struct btf_type *t)
{
	const char *name = btfr_str(q->r, t->name_off), *word = "";
	char text[512];

	if (btf_is_struct(t) || (btf_is_fwd(t) && !btf_kflag(t)))
		word = "struct ";
	else if (btf_is_union(t) || btf_is_fwd(t))
		word = "union ";
	else if (btf_is_any_enum(t))
		word = "enum ";
	snprintf(text, sizeof(text), "%s%s", word, *name ? name : "{...}");
	ty->kind = TY_UNKNOWN;
	ty->name = ty_pool_str(q->pool, text);
	return ty->name ? 0 : -ENOMEM;
}

static int node_for(struct queue *q, uint32_t id, unsigned pointers, const struct ty **out)
{
	const struct btf_type *t = btf__type_by_id(q->r->btf, id);
	struct btfr_node *n;

	*out = &ty_void_node.ty;
	if (!id)
		return 0;
	if (!t)
		return diag_set(q->d, -EBADMSG, "damaged BTF: no type %u", id);
	n = q->r->memo[id];
	if (!n) {
		n = ty_pool_alloc(q->pool, sizeof(*n));
		if (!n || name_unknown(q, &n->base.ty, t) < 0)
			return -ENOMEM;
		n->id = id;
		q->r->memo[id] = n;
	}
	*out = &n->base.ty;
	if (n->base.queued || (n->base.filled && pointers >= n->base.pointers) ||
	    pointers > MAX_POINTERS || (pointers && q->n >= MAX_NODES))
		return 0;
	n->base.queued = true;
	n->base.pointers = (uint8_t)pointers;
	return vec_push(q, n);
}

static bool is_char_name(const char *s)
{
	return !strcmp(s, "char") || !strcmp(s, "signed char") || !strcmp(s, "unsigned char");
}

static void fill_int(struct ty *ty, const struct btf_type *t)
{
	unsigned enc = btf_int_encoding(t);

	ty->kind = TY_INT;
	ty->size = t->size;
	if (enc & BTF_INT_SIGNED)
		ty->flags |= TY_SIGNED;
	if (enc & BTF_INT_BOOL)
		ty->flags |= TY_BOOL;
	/* neither clang nor pahole sets BTF_INT_CHAR */
	if (enc & BTF_INT_CHAR || (t->size == 1 && is_char_name(ty->name)))
		ty->flags |= TY_CHAR;
}

static void fill_float(struct ty *ty, const struct btf_type *t)
{
	ty->kind = TY_FLOAT;
	ty->size = t->size;
	if (strcasestr(ty->name, "complex")) /* LLVM: "complex double" */
		ty->flags |= TY_COMPLEX;
	if (t->size == (ty->flags & TY_COMPLEX ? 32 : 16) && strstr(ty->name, "long double"))
		ty->flags |= TY_X87;
}

static int fill_array(struct queue *q, struct btfr_node *n, const struct btf_type *t)
{
	const struct btf_array *a = btf_array(t);

	n->base.ty.kind = TY_ARRAY;
	n->base.ty.n = a->nelems;
	n->base.ty.flags = a->nelems ? 0 : TY_UNSIZED;
	return node_for(q, a->type, n->base.pointers, &n->base.ty.of);
}

/* The size of the storage unit of a bit-field, and the width that old BTF keeps in it. */
static uint64_t unit_of(const struct btf_reader *r, uint32_t id, uint64_t *bits, uint64_t *shift)
{
	const struct btf_type *t = NULL;

	*bits = *shift = 0;
	for (unsigned i = 0; i < 64; i++) {
		t = btf__type_by_id(r->btf, id);
		if (!t || !(btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
			break;
		id = t->type;
	}
	if (!t || !(btf_is_int(t) || btf_is_any_enum(t)))
		return 0;
	if (btf_is_int(t) && btf_int_bits(t) != t->size * 8) {
		*bits = btf_int_bits(t);
		*shift = btf_int_offset(t);
	}
	return t->size;
}

static int fill_member(struct queue *q, struct btfr_node *n, const struct btf_type *t, unsigned i,
		       struct ty_member *m)
{
	const struct btf_member *have = btf_members(t) + i;
	uint64_t bits, shift, unit, at = btf_member_bit_offset(t, i);

	m->name = ty_pool_str(q->pool, btfr_str(q->r, have->name_off));
	if (!m->name)
		return -ENOMEM;
	unit = unit_of(q->r, have->type, &bits, &shift);
	if (btf_kflag(t))
		bits = btf_member_bitfield_size(t, i);
	else
		at += shift;
	if (bits)
		ty_place_bits(m, at, bits, unit);
	else
		m->offset = at / 8;
	return node_for(q, have->type, n->base.pointers, &m->type);
}

static int fill_aggregate(struct queue *q, struct btfr_node *n, const struct btf_type *t)
{
	struct ty *ty = &n->base.ty;
	unsigned count = btf_vlen(t);
	struct ty_member *m = ty_pool_alloc(q->pool, count * sizeof(*m));
	const struct btfr_told *told;
	int err = 0;

	if (!m)
		return -ENOMEM;
	for (unsigned i = 0; i < count && !err; i++) {
		err = fill_member(q, n, t, i, &m[i]);
		if (!err && m[i].type->kind == TY_VOID)
			err = diag_set(q->d, -EBADMSG, "damaged BTF: a void member in type %u",
				       n->id);
	}
	ty->kind = btf_is_union(t) ? TY_UNION : TY_STRUCT;
	ty->size = t->size;
	ty->member = m;
	ty->n = count;
	told = btfr_told_of(q->r, n->id);
	if (told && told->align) {
		n->base.forced_align = told->align;
		ty->flags |= TY_ALIGN_TOLD;
	}
	return err;
}

static int fill_enum(struct queue *q, struct ty *ty, const struct btf_type *t)
{
	unsigned count = btf_vlen(t);
	struct ty_enumerator *e = ty_pool_alloc(q->pool, count * sizeof(*e));
	bool negative = false;

	if (!e)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		uint32_t name;

		if (btf_is_enum64(t)) {
			name = btf_enum64(t)[i].name_off;
			e[i].value = (int64_t)btf_enum64_value(btf_enum64(t) + i);
		} else {
			name = btf_enum(t)[i].name_off;
			e[i].value = btf_enum(t)[i].val;
		}
		negative |= e[i].value < 0;
		e[i].name = ty_pool_str(q->pool, btfr_str(q->r, name));
		if (!e[i].name)
			return -ENOMEM;
	}
	/* clang 16 and later tell the sign; before, values above INT_MAX cannot be told from
	 * negative ones, and negative ones are likelier */
	if (btf_kflag(t) || negative)
		ty->flags |= TY_SIGNED;
	ty->kind = TY_ENUM;
	ty->size = t->size;
	ty->enumerator = e;
	ty->n = count;
	return 0;
}

static int fill_wrapper(struct queue *q, struct btfr_node *n, const struct btf_type *t,
			enum ty_kind kind, const char *word)
{
	n->base.ty.kind = (uint8_t)kind;
	if (word)
		n->base.ty.name = word;
	return node_for(q, t->type, n->base.pointers, &n->base.ty.of);
}

static int fill(struct queue *q, struct btfr_node *n)
{
	const struct btf_type *t = btf__type_by_id(q->r->btf, n->id);
	struct ty *ty = &n->base.ty;

	n->base.settled = false;
	ty->flags = 0;
	if (btf_is_fwd(t))
		return 0;
	ty->name = ty_pool_str(q->pool, btfr_str(q->r, t->name_off));
	if (!ty->name)
		return -ENOMEM;
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		fill_int(ty, t);
		return 0;
	case BTF_KIND_FLOAT:
		fill_float(ty, t);
		return 0;
	case BTF_KIND_PTR:
		ty->kind = TY_PTR;
		ty->size = 8;
		return node_for(q, t->type, n->base.pointers + 1u, &ty->of);
	case BTF_KIND_ARRAY:
		return fill_array(q, n, t);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return fill_aggregate(q, n, t);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return fill_enum(q, ty, t);
	case BTF_KIND_TYPEDEF:
		return fill_wrapper(q, n, t, TY_TYPEDEF, NULL);
	case BTF_KIND_CONST:
		return fill_wrapper(q, n, t, TY_QUAL, "const");
	case BTF_KIND_VOLATILE:
		return fill_wrapper(q, n, t, TY_QUAL, "volatile");
	case BTF_KIND_RESTRICT:
		return fill_wrapper(q, n, t, TY_QUAL, "restrict");
	case BTF_KIND_TYPE_TAG:
		return fill_wrapper(q, n, t, TY_QUAL, "");
	case BTF_KIND_FUNC_PROTO:
		return fill_wrapper(q, n, t, TY_FUNC, "");
	default: /* functions and variables are no types */
		return diag_set(q->d, -EBADMSG, "damaged BTF: %u is not a type", n->id);
	}
}

static void forget(struct btf_reader *r)
{
	free(r->memo);
	r->memo = NULL;
	r->pool_id = 0;
}

static int memo_for(struct btf_reader *r, const struct ty_pool *pool)
{
	if (r->memo && r->pool_id == ty_pool_id(pool))
		return 0;
	forget(r);
	r->memo = calloc(btf__type_cnt(r->btf), sizeof(struct btfr_node *));
	r->pool_id = ty_pool_id(pool);
	return r->memo ? 0 : -ENOMEM;
}

int btfr_build(struct btf_reader *r, uint32_t id, struct ty_pool *pool, const struct ty **out,
	       struct diag *d)
{
	struct queue q = { .r = r, .pool = pool, .d = d };
	const struct ty *ty = NULL;
	int err;

	err = memo_for(r, pool);
	if (!err)
		err = node_for(&q, id, 0, &ty);
	for (size_t i = 0; i < q.n && !err; i++) {
		q.at[i]->base.queued = false;
		q.at[i]->base.filled = true;
		err = fill(&q, q.at[i]);
	}
	for (size_t i = 0; i < q.n && !err; i++)
		ty_settle(&q.at[i]->base, 0);
	vec_free(&q);
	if (err < 0)
		forget(r); /* some of its nodes are half done */
	else
		*out = ty;
	return err;
}
