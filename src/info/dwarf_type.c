/*
 * info/dwarf_type.c - types out of DWARF (see dwarf_priv.h, dwr_type_of).
 *
 * A type graph has cycles and can be as large as the program, so it is built breadth first
 * from a queue, not by recursion: asking for a type gives its node at once, a TY_UNKNOWN that
 * carries the name, and the queue fills it later.  Nodes further away than MAX_POINTERS steps
 * through pointers, or beyond MAX_NODES, stay as they are; a later request that is nearer
 * fills them (and its surroundings anew).  Sizes and alignments need finished members: a second pass settles them.
 *
 * Context  [ctl]
 * Spec     DWARF 5, chapter 5; 5.7.6 (members, bit-fields), DWARF 3, 5.6.6 (old bit-fields)
 */
#include "info/dwarf_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POINTERS 4
#define MAX_NODES    8192
#define MAX_MEMBERS  (1u << 16)
#define MAX_DIMS     16
#define MAX_CHILDREN (1u << 20)

struct queue {
	struct dwarf_reader *r;
	struct ty_pool *pool;
	struct diag *d;
	VEC(struct dwr_node *);
};

static uint64_t hash_die(const void *die)
{
	return ((uintptr_t)die * 0x9e3779b97f4a7c15ULL) >> 20;
}

static int memo_grow(struct dwarf_reader *r)
{
	size_t cap = r->memo_cap ? r->memo_cap * 2 : 1024;
	struct dwr_memo *memo = calloc(cap, sizeof(*memo));

	if (!memo)
		return -ENOMEM;
	for (size_t i = 0; i < r->memo_cap; i++) {
		size_t at = hash_die(r->memo[i].die) & (cap - 1);

		if (!r->memo[i].die)
			continue;
		while (memo[at].die)
			at = (at + 1) & (cap - 1);
		memo[at] = r->memo[i];
	}
	free(r->memo);
	r->memo = memo;
	r->memo_cap = cap;
	return 0;
}

/* The place of this DIE in the memo: taken, or free for it. */
static struct dwr_memo *memo_at(struct dwarf_reader *r, const void *die)
{
	size_t at;

	if (r->nmemo * 2 >= r->memo_cap && memo_grow(r) < 0)
		return NULL;
	at = hash_die(die) & (r->memo_cap - 1);
	while (r->memo[at].die && r->memo[at].die != die)
		at = (at + 1) & (r->memo_cap - 1);
	return &r->memo[at];
}

/* A node that is not filled yet shows at least what it is called. */
static int name_unknown(struct queue *q, struct dwr_node *n)
{
	const char *name = dwarf_diename(&n->die), *word = "";
	char text[512];

	switch (dwarf_tag(&n->die)) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		word = "struct ";
		break;
	case DW_TAG_union_type:
		word = "union ";
		break;
	case DW_TAG_enumeration_type:
		word = "enum ";
		break;
	}
	if (name)
		name = dwr_qualified(q->r, &n->die, name, q->pool);
	snprintf(text, sizeof(text), "%s%s", word, name ? name : "{...}");
	n->base.ty.kind = TY_UNKNOWN;
	n->base.ty.name = ty_pool_str(q->pool, text);
	return n->base.ty.name ? 0 : -ENOMEM;
}

/* The node for a type DIE, queued if it is near enough.  */
static int node_for(struct queue *q, const Dwarf_Die *die, unsigned pointers, enum dwr_need need,
		    struct dwr_node **out)
{
	struct dwr_memo *m = memo_at(q->r, die->addr);
	struct dwr_node *n;

	if (!m)
		return -ENOMEM;
	if (m->die) {
		n = m->node;
	} else {
		n = ty_pool_alloc(q->pool, sizeof(*n));
		if (!n)
			return -ENOMEM;
		n->die = *die;
		m->die = die->addr;
		m->node = n;
		q->r->nmemo++;
		if (name_unknown(q, n) < 0)
			return -ENOMEM;
	}
	*out = n;
	if (n->base.queued && need > n->need)
		n->need = (uint8_t)need;
	if (n->base.queued || (n->base.filled && pointers >= n->base.pointers && need <= n->need) ||
	    pointers > MAX_POINTERS || (pointers && q->n >= MAX_NODES))
		return 0;
	n->base.queued = true;
	if (!n->base.filled || pointers < n->base.pointers)
		n->base.pointers = (uint8_t)pointers;
	if (need > n->need)
		n->need = (uint8_t)need;
	return vec_push(q, n);
}

/* What DW_AT_type of die names; void is NULL. */
static int ref_type(struct queue *q, Dwarf_Die *die, unsigned pointers, enum dwr_need need,
		    const struct ty **out)
{
	Dwarf_Attribute a;
	struct dwr_node *n;
	Dwarf_Die t;
	int err;

	*out = &ty_void_node.ty;
	if (!dwarf_attr_integrate(die, DW_AT_type, &a))
		return 0;
	if (!dwarf_formref_die(&a, &t))
		return dwr_damaged(q->r, die, q->d);
	dwr_find_definition(q->r, &t, need, q->pool);
	err = node_for(q, &t, pointers, need, &n);
	if (!err)
		*out = &n->base.ty;
	return err;
}

static int set_name(struct queue *q, struct dwr_node *n)
{
	const char *name = dwarf_diename(&n->die);

	n->base.ty.name = name && *name ? dwr_qualified(q->r, &n->die, name, q->pool) : "";
	return n->base.ty.name ? 0 : -ENOMEM;
}

static bool is_x87_name(const char *s)
{
	return strstr(s, "long double") || !strcmp(s, "__float80") || !strcmp(s, "_Float64x") ||
	       !strcmp(s, "real(kind=10)") || !strcmp(s, "complex(kind=10)");
}

static int fill_base(struct queue *q, struct dwr_node *n)
{
	uint64_t enc = 0, size = 0;
	struct ty *t = &n->base.ty;
	bool x87;

	if (set_name(q, n) < 0)
		return -ENOMEM;
	dwr_udata(&n->die, DW_AT_encoding, &enc);
	dwr_udata(&n->die, DW_AT_byte_size, &size);
	t->size = size;
	t->kind = TY_INT;
	switch (enc) {
	case DW_ATE_boolean:
		t->flags = TY_BOOL;
		break;
	case DW_ATE_signed_char:
		t->flags = TY_CHAR | TY_SIGNED;
		break;
	case DW_ATE_unsigned_char:
		t->flags = TY_CHAR;
		break;
	case DW_ATE_UTF:
		t->flags = size == 1 ? TY_CHAR : 0;
		break;
	case DW_ATE_signed:
		t->flags = TY_SIGNED;
		break;
	case DW_ATE_unsigned:
	case DW_ATE_address:
		break;
	case DW_ATE_float:
		t->kind = TY_FLOAT;
		t->flags = size == 16 && is_x87_name(t->name) ? TY_X87 : 0;
		break;
	case DW_ATE_complex_float:
		t->kind = TY_FLOAT;
		/* clang says "complex", of __float128 as well, which hardly anybody uses */
		x87 = is_x87_name(t->name) || !strcmp(t->name, "complex");
		t->flags = TY_COMPLEX | (size == 32 && x87 ? TY_X87 : 0);
		break;
	default: /* decimal, fixed point, integer complex: the name says */
		t->kind = TY_UNKNOWN;
		break;
	}
	return 0;
}

static int fill_pointer(struct queue *q, struct dwr_node *n, uint16_t flags)
{
	uint64_t size = 8;

	dwr_udata(&n->die, DW_AT_byte_size, &size);
	n->base.ty.kind = TY_PTR;
	n->base.ty.flags = flags;
	n->base.ty.name = "";
	n->base.ty.size = size;
	return ref_type(q, &n->die, n->base.pointers + 1u,
			flags & TY_REFERENCE ? DWR_SHOWN : DWR_OPAQUE, &n->base.ty.of);
}

static int fill_wrapper(struct queue *q, struct dwr_node *n, enum ty_kind kind, const char *word)
{
	n->base.ty.kind = (uint8_t)kind;
	if (word)
		n->base.ty.name = word;
	else if (set_name(q, n) < 0)
		return -ENOMEM;
	return ref_type(q, &n->die, n->base.pointers, n->need, &n->base.ty.of);
}

/* A pointer to a data member is an offset; one to a member function is two words, the first of
 * which is its address, or for a virtual one an odd number (Itanium C++ ABI 2.3). */
static int fill_member_pointer(struct queue *q, struct dwr_node *n)
{
	static const struct ty_node word = {
		.ty = { .kind = TY_INT, .flags = TY_SIGNED, .name = "long", .size = 8, .align = 8 },
		.filled = true,
		.settled = true,
	};
	static const struct ty_node code = {
		.ty = { .kind = TY_FUNC, .name = "", .of = &ty_void_node.ty },
		.filled = true,
		.settled = true,
	};
	static const struct ty_node to_code = {
		.ty = { .kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &code.ty },
		.filled = true,
		.settled = true,
	};
	struct ty_member *m;
	Dwarf_Die to;

	n->base.ty.size = 8;
	n->base.ty.name = "";
	if (!dwr_ref(&n->die, DW_AT_type, &to) || dwarf_tag(&to) != DW_TAG_subroutine_type) {
		n->base.ty.kind = TY_INT;
		n->base.ty.flags = TY_SIGNED;
		n->base.ty.name = "long";
		return 0;
	}
	m = ty_pool_alloc(q->pool, 2 * sizeof(*m));
	if (!m)
		return -ENOMEM;
	m[0] = (struct ty_member){ .name = "ptr", .type = &to_code.ty };
	m[1] = (struct ty_member){ .name = "adj", .type = &word.ty, .offset = 8 };
	n->base.ty.kind = TY_STRUCT;
	n->base.ty.size = 16;
	n->base.ty.n = 2;
	n->base.ty.member = m;
	return 0;
}

struct enum_list {
	VEC(struct ty_enumerator);
};

static int fill_enum(struct queue *q, struct dwr_node *n)
{
	struct ty_enumerator *copy, e;
	struct enum_list list = { 0 };
	bool negative = false;
	const struct ty *of = NULL;
	uint64_t v, enc, size = 4;
	Dwarf_Die child;
	int err = 0;

	if (set_name(q, n) < 0)
		return -ENOMEM;
	n->base.ty.kind = TY_ENUM;
	dwr_udata(&n->die, DW_AT_byte_size, &size);
	n->base.ty.size = size;
	if (dwr_first(&n->die, &child)) {
		do {
			if (dwarf_tag(&child) != DW_TAG_enumerator || list.n >= MAX_MEMBERS ||
			    !dwr_udata(&child, DW_AT_const_value, &v))
				continue;
			e.name = ty_pool_str(q->pool, dwarf_diename(&child));
			e.value = (int64_t)v;
			negative |= e.value < 0;
			err = e.name ? vec_push(&list, e) : -ENOMEM;
		} while (!err && dwr_next(&child));
	}
	copy = err ? NULL : ty_pool_alloc(q->pool, list.n * sizeof(*copy));
	if (copy && list.n)
		memcpy(copy, list.at, list.n * sizeof(*copy));
	n->base.ty.enumerator = copy;
	n->base.ty.n = list.n;
	vec_free(&list);
	if (!copy)
		return -ENOMEM;
	err = ref_type(q, &n->die, n->base.pointers, n->need, &of);
	of = of == &ty_void_node.ty ? NULL : of;
	n->base.ty.of = of;
	if (dwr_udata(&n->die, DW_AT_encoding, &enc))
		negative = enc == DW_ATE_signed || enc == DW_ATE_signed_char;
	n->base.ty.flags =
		negative && !of ? TY_SIGNED : 0; /* else settled by the underlying type */
	return err;
}

static bool dimension(Dwarf_Die *range, uint64_t *n)
{
	uint64_t lower = 0, upper;

	dwr_udata(range, DW_AT_lower_bound, &lower);
	if (dwr_udata(range, DW_AT_count, n))
		return *n <= INT64_MAX;
	if (!dwr_udata(range, DW_AT_upper_bound, &upper))
		return false;
	*n = upper - lower + 1; /* an upper bound of -1: none */
	return *n <= INT64_MAX;
}

static int fill_array(struct queue *q, struct dwr_node *n)
{
	struct ty *t = &n->base.ty;
	struct ty_node *inner;
	Dwarf_Die child;
	unsigned dims = 0;
	uint64_t count;

	t->name = "";
	t->kind = TY_ARRAY;
	t->flags = TY_UNSIZED;
	if (dwr_first(&n->die, &child)) {
		do {
			if (dwarf_tag(&child) != DW_TAG_subrange_type || dims >= MAX_DIMS)
				continue;
			if (dims++) {
				inner = ty_pool_alloc(q->pool, sizeof(*inner));
				if (!inner)
					return -ENOMEM;
				inner->filled = true;
				inner->ty.kind = TY_ARRAY;
				inner->ty.name = "";
				t->of = &inner->ty;
				t = &inner->ty;
			}
			t->flags = dimension(&child, &count) ? 0 : TY_UNSIZED;
			t->n = t->flags ? 0 : count;
		} while (dwr_next(&child));
	}
	if (dwr_flag(&n->die, DW_AT_GNU_vector))
		n->base.ty.flags |= TY_VECTOR;
	return ref_type(q, &n->die, n->base.pointers, n->need, &t->of);
}

struct member_list {
	VEC(struct ty_member);
};

/* A constant, or the one-operation expression that DWARF 2 wrote. */
static bool member_location(Dwarf_Die *die, uint64_t *out)
{
	Dwarf_Attribute a;
	Dwarf_Word v;
	Dwarf_Op *op;
	size_t n;

	*out = 0;
	if (!dwarf_attr(die, DW_AT_data_member_location, &a))
		return true;
	if (!dwarf_formudata(&a, &v)) {
		*out = v;
		return true;
	}
	if (dwarf_getlocation(&a, &op, &n) || n != 1 || op[0].atom != DW_OP_plus_uconst)
		return false;
	*out = op[0].number;
	return true;
}

/* Bit position from the beginning of the struct, in DWARF 4 and 5 or the older way: there
 * DW_AT_bit_offset counts from the most significant bit of the storage unit. */
static bool bit_position(Dwarf_Die *die, uint64_t bits, uint64_t unit, uint64_t *out)
{
	uint64_t at, old;

	if (dwr_udata(die, DW_AT_data_bit_offset, out))
		return *out / 8 <= UINT32_MAX;
	if (!member_location(die, &at) || at > UINT32_MAX)
		return false;
	*out = at * 8;
	if (!dwr_udata(die, DW_AT_bit_offset, &old))
		return true;
	dwr_udata(die, DW_AT_byte_size, &unit);
	*out += unit * 8 - bits - old;
	return *out / 8 <= UINT32_MAX;
}

static uint64_t peek_size(Dwarf_Die *holder)
{
	uint64_t size = 0;
	Dwarf_Die t;

	if (!dwr_ref(holder, DW_AT_type, &t))
		return 0;
	for (unsigned i = 0; i < DWR_MAX_DEPTH && !dwr_udata(&t, DW_AT_byte_size, &size); i++)
		if (!dwr_ref(&t, DW_AT_type, &t))
			break;
	return size;
}

static int fill_member(struct queue *q, struct dwr_node *n, Dwarf_Die *die,
		       struct member_list *list)
{
	uint64_t bits = 0, at, unit, align;
	struct ty_member m = { 0 };
	int err;

	if (dwr_flag(die, DW_AT_external) || dwr_flag(die, DW_AT_declaration) ||
	    list->n >= MAX_MEMBERS)
		return 0; /* a static member */
	unit = peek_size(die);
	if (dwr_udata(die, DW_AT_bit_size, &bits) && bits && bits <= 128) {
		if (!bit_position(die, bits, unit, &at))
			return dwr_damaged(q->r, die, q->d);
		ty_place_bits(&m, at, bits, unit);
	} else if (!member_location(die, &m.offset)) {
		n->base.ty.flags |= TY_NONTRIVIAL; /* a virtual base */
		return 0;
	}
	if (dwr_udata(die, DW_AT_alignment, &align) && align > n->base.forced_align &&
	    align <= (1u << 28))
		n->base.forced_align = (uint32_t)align;
	m.name = dwarf_tag(die) == DW_TAG_inheritance ? "" :
							ty_pool_str(q->pool, dwarf_diename(die));
	err = ref_type(q, die, n->base.pointers, n->need, &m.type);
	if (err < 0 || !m.name)
		return err < 0 ? err : -ENOMEM;
	return m.type->kind == TY_VOID ? 0 : vec_push(list, m);
}

static int walk_members(struct queue *q, struct dwr_node *n, struct member_list *list)
{
	uint32_t seen = 0;
	Dwarf_Die child;
	int err = 0;

	if (!dwr_first(&n->die, &child))
		return 0;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_member:
		case DW_TAG_inheritance:
			err = fill_member(q, n, &child, list);
			break;
		case DW_TAG_subprogram:
			n->base.ty.flags |= TY_CLASS;
			break;
		case DW_TAG_variant_part: /* what is there depends on a discriminant: Rust, Ada */
			return -ENOTSUP;
		}
	} while (!err && ++seen < MAX_CHILDREN && dwr_next(&child));
	return err;
}

static int fill_aggregate(struct queue *q, struct dwr_node *n, enum ty_kind kind)
{
	struct member_list list = { 0 };
	struct ty_member *copy = NULL;
	uint16_t passing;
	uint64_t v = 0;
	int err;

	dwr_udata(&n->die, DW_AT_byte_size, &v);
	n->base.ty.size = v;
	err = walk_members(q, n, &list);
	if (!err && list.n) {
		copy = ty_pool_alloc(q->pool, list.n * sizeof(*copy));
		if (copy)
			memcpy(copy, list.at, list.n * sizeof(*copy));
		else
			err = -ENOMEM;
	}
	n->base.ty.n = list.n;
	vec_free(&list);
	if (err) {
		n->base.ty.n = 0;
		n->base.ty.flags = 0;
		return err == -ENOTSUP ? 0 : err;
	}
	passing = dwr_class_flags(&n->die);
	if (passing & TY_PASS_TOLD)
		n->base.ty.flags &= (uint16_t)~TY_NONTRIVIAL;
	n->base.ty.flags |= passing;
	if (dwarf_tag(&n->die) == DW_TAG_class_type)
		n->base.ty.flags |= TY_CLASS;
	n->base.ty.kind = (uint8_t)kind;
	n->base.ty.member = copy;
	return set_name(q, n);
}

static int fill_unspecified(struct queue *q, struct dwr_node *n)
{
	if (set_name(q, n) < 0)
		return -ENOMEM;
	n->base.ty.kind = TY_UNKNOWN;
	if (!strcmp(n->base.ty.name, "decltype(nullptr)")) {
		n->base.ty.kind = TY_PTR;
		n->base.ty.size = 8;
	}
	return 0;
}

/* TY_UNKNOWN by its name, but for what is known without. */
static int fill_declared(struct queue *q, struct dwr_node *n)
{
	const char *name = dwarf_diename(&n->die);

	name = name ? dwr_qualified(q->r, &n->die, name, q->pool) : "";
	if (!name)
		return -ENOMEM;
	if (dwr_std_class(name, &n->base.ty))
		n->base.ty.name = name;
	return 0;
}

static int fill_tagged(struct queue *q, struct dwr_node *n)
{
	if (dwr_flag(&n->die, DW_AT_declaration))
		return fill_declared(q, n);
	switch (dwarf_tag(&n->die)) {
	case DW_TAG_enumeration_type:
		return fill_enum(q, n);
	case DW_TAG_union_type:
		return fill_aggregate(q, n, TY_UNION);
	default:
		return fill_aggregate(q, n, TY_STRUCT);
	}
}

static int fill(struct queue *q, struct dwr_node *n)
{
	uint64_t align;

	n->base.settled = false;
	n->base.forced_align = 0;
	n->base.ty.flags = 0;
	if (dwr_udata(&n->die, DW_AT_alignment, &align) && align <= (1u << 28))
		n->base.forced_align = (uint32_t)align;
	switch (dwarf_tag(&n->die)) {
	case DW_TAG_base_type:
		return fill_base(q, n);
	case DW_TAG_pointer_type:
		return fill_pointer(q, n, 0);
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return fill_pointer(q, n, TY_REFERENCE);
	case DW_TAG_ptr_to_member_type:
		return fill_member_pointer(q, n);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return fill_tagged(q, n);
	case DW_TAG_array_type:
		return fill_array(q, n);
	case DW_TAG_subroutine_type:
		return fill_wrapper(q, n, TY_FUNC, "");
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
	case DW_TAG_subrange_type:
		return fill_wrapper(q, n, TY_TYPEDEF, NULL);
	case DW_TAG_const_type:
		return fill_wrapper(q, n, TY_QUAL, "const");
	case DW_TAG_volatile_type:
		return fill_wrapper(q, n, TY_QUAL, "volatile");
	case DW_TAG_restrict_type:
		return fill_wrapper(q, n, TY_QUAL, "restrict");
	case DW_TAG_atomic_type:
		return fill_wrapper(q, n, TY_QUAL, "_Atomic");
	case DW_TAG_unspecified_type:
		return fill_unspecified(q, n);
	default:
		return 0;
	}
}

static void forget(struct dwarf_reader *r)
{
	free(r->memo);
	r->memo = NULL;
	r->nmemo = r->memo_cap = 0;
}

int dwr_type_of(struct dwarf_reader *r, Dwarf_Die *die, struct ty_pool *pool, const struct ty **out,
		struct diag *d)
{
	struct queue q = { .r = r, .pool = pool, .d = d };
	const struct ty *t = NULL;
	int err;

	if (r->pool_id != ty_pool_id(pool)) {
		forget(r);
		r->pool_id = ty_pool_id(pool);
	}
	err = ref_type(&q, die, 0, DWR_WHOLE, &t);
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
		*out = t;
	return err;
}
