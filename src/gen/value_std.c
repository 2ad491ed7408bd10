/* gen/value_std.c - see value_std.h. */
#include "gen/value_std.h"
#include "gen/quote.h"
#include "gen/value_priv.h"

#include <string.h>

#define MAX_BASES 8
#define MAX_BYTES (1ull << 30) /* of contents; more is not true */

/* -- layouts ------------------------------------------------------------------------------- */

/* A member of t or of its bases, stripped; *off is added to.  NULL: none. */
static const struct ty *member_of(const struct ty *t, const char *name, uint64_t *off,
				  unsigned depth)
{
	if ((t->kind != TY_STRUCT && t->kind != TY_UNION) || depth > MAX_BASES)
		return NULL;
	for (uint64_t i = 0; i < t->n && t->member; i++) {
		const struct ty_member *m = &t->member[i];
		const struct ty *of = m->type ? ty_strip(m->type) : NULL, *in;
		uint64_t at = *off + m->offset;

		if (!of || m->bits)
			continue;
		if (m->name && !strcmp(m->name, name)) {
			*off = at;
			return of;
		}
		in = m->name && m->name[0] ? NULL : member_of(of, name, &at, depth + 1);
		if (in) {
			*off = at;
			return in;
		}
	}
	return NULL;
}

/* The same for a word, of which the object has all bytes. */
static const struct ty *word_of(const struct ty *t, const char *outer, const char *name,
				uint32_t *off)
{
	const struct ty *in = t;
	uint64_t at = 0;

	if (outer)
		in = member_of(t, outer, &at, 0);
	if (in)
		in = member_of(in, name, &at, 0);
	if (!in || in->size != 8 || at > UINT16_MAX || at + 8 > t->size)
		return NULL;
	*off = (uint32_t)at;
	return in;
}

/* What a pointer leads to, if that has a size. */
static const struct ty *element_of(const struct ty *ptr)
{
	const struct ty *of = ptr && ptr->kind == TY_PTR && ptr->of ? ty_strip(ptr->of) : NULL;

	return of && of->size && of->size <= MAX_BYTES ? of : NULL;
}

static bool is_narrow(const struct ty *t)
{
	return t && t->kind == TY_INT && t->flags & TY_CHAR && t->size == 1;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static struct std_class string_of(const struct ty *t)
{
	struct std_class c = { .kind = STD_STRING };
	uint64_t at = 0;
	const struct ty *of;

	c.elem = element_of(word_of(t, "_M_dataplus", "_M_p", &c.ptr));
	if (!is_narrow(c.elem))
		return (struct std_class){ STD_NONE };
	of = word_of(t, NULL, "_M_string_length", &c.len);
	if (!of && t->size == 8 && !c.ptr && begins(t->name, "std::basic_string<"))
		c.kind = STD_COW_STRING;
	else if (!of || of->kind != TY_INT)
		return (struct std_class){ STD_NONE };
	of = member_of(t, "_M_local_buf", &at, 0);
	if (of && of->kind == TY_ARRAY && at + of->size <= t->size) {
		c.local = (uint32_t)at;
		c.nlocal = (uint32_t)of->size;
	}
	return c;
}

static struct std_class view_of(const struct ty *t)
{
	struct std_class c = { .kind = STD_STRING };
	const struct ty *len = word_of(t, NULL, "_M_len", &c.len);

	c.elem = element_of(word_of(t, NULL, "_M_str", &c.ptr));
	if (!len || len->kind != TY_INT || !is_narrow(c.elem))
		c.kind = STD_NONE;
	return c;
}

static struct std_class vector_of(const struct ty *t)
{
	struct std_class c = { .kind = STD_VECTOR };
	const struct ty *start = word_of(t, "_M_impl", "_M_start", &c.ptr);
	const struct ty *end = word_of(t, "_M_impl", "_M_finish", &c.len);
	uint32_t room;

	c.elem = element_of(start);
	if (!c.elem || element_of(end) != c.elem ||
	    !word_of(t, "_M_impl", "_M_end_of_storage", &room))
		c.kind = STD_NONE;
	return c;
}

struct std_class std_class_of(const struct ty *t)
{
	if (t->kind != TY_STRUCT || !t->name || !begins(t->name, "std::"))
		return (struct std_class){ STD_NONE };
	if (begins(t->name, "std::__cxx11::basic_string<") || begins(t->name, "std::basic_string<"))
		return string_of(t);
	if (begins(t->name, "std::basic_string_view<"))
		return view_of(t);
	if (begins(t->name, "std::vector<"))
		return vector_of(t);
	return (struct std_class){ STD_NONE };
}

/* -- printing -------------------------------------------------------------------------------- */

/* What an object says, and what is known of its contents. */
struct contents {
	uint64_t ptr, len; /* len: bytes */
	const uint8_t *bytes;
	size_t n;
};

static uint64_t word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static const struct value_far *far_of(const struct value_out *o, const struct ty *t,
				      const uint8_t *p)
{
	for (unsigned i = 0; i < o->nfar; i++) {
		if (o->far[i].object == p && o->far[i].type == t)
			return &o->far[i];
	}
	return NULL;
}

/* Short strings lie in their objects: of those whose address is known that can be told. */
static const uint8_t *own_chars(const struct value_out *o, const struct std_class *c,
				const struct contents *is, const uint8_t *p, size_t n)
{
	uint64_t address;

	if (!c->local || !o->here || is->len >= c->nlocal || c->local + is->len > n)
		return NULL;
	address = o->here_is + (uint64_t)(p - o->here);
	return is->ptr == address + c->local ? p + c->local : NULL;
}

/* False: what the object says cannot be. */
static bool look(const struct value_out *o, const struct std_class *c, const struct ty *t,
		 const uint8_t *p, size_t n, struct contents *out)
{
	const struct value_far *far = far_of(o, t, p);

	if (n < t->size)
		return false;
	*out = (struct contents){ .ptr = word_at(p + c->ptr) };
	if (c->kind != STD_COW_STRING)
		out->len = word_at(p + c->len);
	else if (far && far->lead)
		out->len = far->len;
	else
		return false;
	if (c->kind == STD_VECTOR)
		out->len -= out->ptr;
	if (out->len > MAX_BYTES || out->len % c->elem->size)
		return false;
	if (far && far->read) {
		out->bytes = far->bytes;
		out->n = far->n < out->len ? far->n : (size_t)out->len;
	} else if (!out->len) {
		out->bytes = p;
	} else {
		out->bytes = own_chars(o, c, out, p, n);
		out->n = out->bytes ? (size_t)out->len : 0;
	}
	return true;
}

static void print_string(struct value_out *o, const struct contents *is)
{
	bool cut = is->n < is->len;
	size_t n = cut && is->bytes ? value_cut((const char *)is->bytes, is->n) : is->n;

	if (o->text && is->bytes) {
		text_quote(o->w, is->bytes, n, cut);
		return;
	}
	if (o->text) {
		value_hex(o, is->ptr);
		return;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, is->ptr);
	value_key(o, "len");
	json_u64(o->w, is->len);
	value_key(o, "str");
	if (is->bytes)
		json_strn(o->w, (const char *)is->bytes, n);
	else
		value_null(o);
	value_close(o, '}');
}

static void print_elements(struct value_out *o, const struct ty *of, const struct contents *is,
			   unsigned depth)
{
	const uint8_t *here = o->here;
	uint64_t here_is = o->here_is, all = is->len / of->size;
	size_t at = 0;

	o->here = is->bytes;
	o->here_is = is->ptr;
	value_open(o, '[');
	for (; at < is->n && o->budget; at += (size_t)of->size) {
		size_t rest = is->n - at;

		value_item(o);
		value_any(o, of, is->bytes + at, rest < of->size ? rest : (size_t)of->size,
			  depth + 1);
	}
	if (o->text && at / of->size < all)
		json_raw(o->w, at ? ", ..." : "...", at ? 5 : 3);
	value_close(o, ']');
	o->here = here;
	o->here_is = here_is;
}

static void print_vector(struct value_out *o, const struct ty *of, const struct contents *is,
			 unsigned depth)
{
	uint64_t all = is->len / of->size;

	if (o->text) {
		print_elements(o, of, is, depth);
		if (is->n < is->len)
			json_printf(o->w, " (%llu)", (unsigned long long)all);
		return;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, is->ptr);
	value_key(o, "len");
	json_u64(o->w, all);
	value_key(o, "val");
	if (is->bytes)
		print_elements(o, of, is, depth);
	else
		value_null(o);
	value_close(o, '}');
}

bool std_print(struct value_out *o, const struct ty *t, const uint8_t *p, size_t n, unsigned depth)
{
	struct std_class c = std_class_of(t);
	struct contents is;

	if (c.kind == STD_NONE || (c.kind != STD_VECTOR && !o->strings) ||
	    !look(o, &c, t, p, n, &is))
		return false;
	if (c.kind == STD_VECTOR)
		print_vector(o, c.elem, &is, depth);
	else
		print_string(o, &is);
	return true;
}
