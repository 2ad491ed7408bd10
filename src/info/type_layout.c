/*
 * info/type_layout.c - see type_layout.h.
 *
 * Context  [ctl]
 * Spec     psABI 3.1.2 (sizes and alignments); Itanium C++ ABI 3.1.2.3 (a class is as
 *          non-trivial as what it holds)
 */
#include "info/type_layout.h"

#include <string.h>

#define MAX_DEPTH 64

const struct ty_node ty_void_node = {
	.ty = { .kind = TY_VOID, .name = "void", .align = 1 },
	.filled = true,
	.settled = true,
};

/* Size and alignment of a type that another one holds by value. */
static void settle_inner(const struct ty *t, unsigned depth)
{
	if (t)
		ty_settle((struct ty_node *)(uintptr_t)t, depth + 1);
}

/* psABI 3.1.2: _BitInt(N) of more than 64 bits is an array of eightbytes; files tell it by its name. */
static bool is_bit_int(const struct ty *t)
{
	return t->kind == TY_INT && t->name && strstr(t->name, "_BitInt");
}

static uint32_t scalar_align(const struct ty *t)
{
	uint64_t size = t->flags & TY_COMPLEX ? t->size / 2 : t->size;
	uint32_t align = 1, most = is_bit_int(t) ? 8 : 64;

	while (align < most && align * 2 <= size)
		align *= 2;
	return align;
}

static void settle_array(struct ty *t, unsigned depth)
{
	uint64_t elem;

	settle_inner(t->of, depth);
	elem = t->of ? t->of->size : 0;
	t->align = t->of && t->of->align ? t->of->align : 1;
	if (__builtin_mul_overflow(elem, t->n, &t->size) || t->size > INT64_MAX) {
		t->size = 0;
		t->n = 0;
		t->flags |= TY_UNSIZED;
	}
	if (t->flags & TY_VECTOR)
		t->align = scalar_align(t);
}

/* What a class gets of a member: how that is passed, where it is not told of the class. */
static uint16_t passing_of(const struct ty *t)
{
	for (unsigned i = 0; i < MAX_DEPTH; i++) {
		t = ty_strip(t);
		if (t->kind == TY_STRUCT || t->kind == TY_UNION)
			return t->flags & (TY_NONTRIVIAL | TY_PASS_OPEN);
		if (t->kind != TY_ARRAY)
			break;
		t = t->of;
	}
	return 0;
}

/* What is surely by reference in part is so as a whole. */
static void add_passing(struct ty *t, uint16_t flags)
{
	bool sure = (t->flags & (TY_NONTRIVIAL | TY_PASS_OPEN)) == TY_NONTRIVIAL ||
		    flags == TY_NONTRIVIAL;

	t->flags |= flags;
	if (sure)
		t->flags &= (uint16_t)~TY_PASS_OPEN;
}

/*
 * Gaps as alignment makes them: such a struct is not packed, but a type of its members may
 * be, without our seeing it there (a packed struct of one pointer looks like any).
 */
static bool is_padded(const struct ty *t, uint32_t natural)
{
	uint64_t end = 0;

	for (uint64_t i = 0; t->kind == TY_STRUCT && i < t->n; i++) {
		const struct ty_member *m = &t->member[i];
		uint64_t want = m->type->align ? m->type->align : 1;

		if (!m->bits && m->offset > end && m->offset - end < want && m->offset % want == 0)
			return true;
		end = m->bits ? m->offset + (m->bit_offset + m->bits + 7u) / 8 :
				m->offset + m->type->size;
	}
	return t->kind == TY_STRUCT && t->size > end && t->size - end < natural &&
	       t->size % natural == 0;
}

static bool is_aggregate(const struct ty *t)
{
	t = ty_strip(t);
	for (unsigned i = 0; i < 64 && t->kind == TY_ARRAY && t->of; i++) /* hostile: a loop */
		t = ty_strip(t->of);
	return t->kind == TY_STRUCT || t->kind == TY_UNION;
}

/* Debug information tells no alignment but a forced one: it is that of the most aligned member, unless
 * the size or an offset shows that the type is packed. */
static void settle_aggregate(struct ty_node *n, unsigned depth)
{
	struct ty *t = &n->ty;
	uint32_t align = 1, natural;
	bool padded;

	for (uint64_t i = 0; i < t->n; i++) {
		settle_inner(t->member[i].type, depth);
		if (t->member[i].type->align > align)
			align = t->member[i].type->align;
		if (!(t->flags & TY_PASS_TOLD))
			add_passing(t, passing_of(t->member[i].type));
	}
	natural = align;
	padded = is_padded(t, natural);
	while (align > 1 && t->size % align)
		align /= 2;
	for (uint64_t i = 0; i < t->n; i++) {
		const struct ty_member *m = &t->member[i];
		uint32_t want = m->type->align;

		/* a bit-field is out of place only if no storage unit holds it */
		if (!want || (m->bits && m->bit_offset + m->bits <= 8 * m->type->size &&
			      m->offset % want == 0))
			continue;
		if (m->offset % want)
			t->flags |= TY_PACKED;
		if (padded && is_aggregate(m->type))
			continue;
		while (align > 1 && m->offset % (want < align ? want : align))
			align /= 2;
	}
	if (align < natural)
		t->flags |= TY_PACKED;
	/*
	 * clang tells aligned(N) as it is written (gcc what came of it), of the type and of its
	 * members: unless they are packed, it never lowers; if they are, it may count for nothing.
	 */
	if (t->flags & TY_ALIGN_TOLD)
		align = n->forced_align;
	else if (n->forced_align && t->size % n->forced_align == 0 &&
		 (align < natural || n->forced_align > align))
		align = n->forced_align;
	t->align = align;
}

static void settle_wrapper(struct ty_node *n, unsigned depth)
{
	struct ty *t = &n->ty;

	settle_inner(t->of, depth);
	t->size = t->of ? t->of->size : 0;
	t->align = t->of ? t->of->align : 0;
	if (n->forced_align)
		t->align = n->forced_align;
}

void ty_settle(struct ty_node *n, unsigned depth)
{
	struct ty *t = &n->ty;

	if (n->settled || n->settling || depth > MAX_DEPTH)
		return;
	n->settling = true;
	switch (t->kind) {
	case TY_STRUCT:
	case TY_UNION:
		settle_aggregate(n, depth);
		break;
	case TY_ARRAY:
		settle_array(t, depth);
		break;
	case TY_TYPEDEF:
	case TY_QUAL:
		settle_wrapper(n, depth);
		break;
	case TY_ENUM:
		settle_inner(t->of, depth);
		if (t->of && ty_strip(t->of)->flags & TY_SIGNED)
			t->flags |= TY_SIGNED;
		t->align = scalar_align(t);
		break;
	default:
		t->align = scalar_align(t);
		break;
	}
	n->settling = false;
	n->settled = true;
}

void ty_place_bits(struct ty_member *m, uint64_t at, uint64_t bits, uint64_t unit)
{
	m->offset = unit ? at / 8 / unit * unit : at / 8;
	if (at - m->offset * 8 + bits > unit * 8)
		m->offset = at / 8;
	m->bit_offset = (uint16_t)(at - m->offset * 8);
	m->bits = (uint16_t)bits;
}
