/*
 * model/proto_spec.c - the specifiers of a C declaration, struct and enum bodies included.
 *
 * Layout of structs is System V's (psABI 3.1.2, "Bit-Fields" included); packed ones cannot be
 * written, as attributes are refused.
 */
#include "model/ctypes.h"
#include "model/proto_parser.h"

#include "base/vec.h"

#include <errno.h>
#include <string.h>

const struct ty proto_void = { .kind = TY_VOID, .name = "void" };

/* Where the next member goes. */
struct layout {
	bool is_union;
	uint64_t bits, max_bits; /* end of the last one, of the furthest one */
	uint32_t align;
};

struct members {
	VEC(struct ty_member);
};

struct enumerators {
	VEC(struct ty_enumerator);
};

struct specifiers {
	unsigned words, quals;
	const struct ty *type; /* a tag or name */
};

static bool is_storage(const struct proto_parser *p, size_t n)
{
	static const char *const words[] = { "extern",     "static",        "inline",
					     "register",   "__inline",      "auto",
					     "__inline__", "__extension__", "_Noreturn",
					     "noreturn",   "_Thread_local" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (proto_word_is(p, n, words[i]))
			return true;
	}
	return false;
}

static unsigned tag_kind(const struct proto_parser *p, size_t n)
{
	if (proto_word_is(p, n, "struct"))
		return TY_STRUCT;
	if (proto_word_is(p, n, "union"))
		return TY_UNION;
	return proto_word_is(p, n, "enum") ? TY_ENUM : TY_VOID;
}

bool proto_is_specifier(const struct proto_parser *p, size_t n)
{
	return ctype_word(p->s, n) || ctype_named(p->s, n) || proto_qualifier(p, n) ||
	       tag_kind(p, n) != TY_VOID || is_storage(p, n);
}

static void place_bits(struct proto_parser *p, struct layout *l, struct ty_member *m, uint64_t bits)
{
	const struct ty *bare = ty_strip(m->type);
	uint64_t unit = bare->size * 8, at = l->is_union ? 0 : l->bits;

	if ((bare->kind != TY_INT && bare->kind != TY_ENUM) || bits > unit ||
	    (bare->flags & TY_BOOL && bits > 1) || (!bits && *m->name)) {
		proto_fail(p, p->s, "not a bit-field");
		return;
	}
	if (!bits || at / unit != (at + bits - 1) / unit)
		at = ALIGN_UP(at, unit);
	m->offset = at / unit * bare->size;
	m->bit_offset = (uint16_t)(at % unit);
	m->bits = (uint16_t)bits;
	l->bits = at + bits;
	if (*m->name && l->align < bare->align)
		l->align = bare->align;
}

static void place_member(struct proto_parser *p, const char *at, struct layout *l,
			 struct ty_member *m)
{
	const struct ty *bare = ty_strip(m->type);
	uint64_t off = l->is_union ? 0 : (l->bits + 7) / 8;

	if (!proto_need_complete(p, at, m->type))
		return;
	if (bare->kind == TY_VOID || bare->kind == TY_FUNC || !bare->align) {
		proto_fail(p, at, "not a type of a member");
		return;
	}
	m->offset = ALIGN_UP(off, (uint64_t)bare->align);
	l->bits = (m->offset + bare->size) * 8;
	if (l->align < bare->align)
		l->align = bare->align;
}

/* One declarator of a member; false for unnamed bit-fields, which are padding. */
static bool parse_member(struct proto_parser *p, const struct ty *base, struct layout *l,
			 struct ty_member *m)
{
	const char *at = p->s;
	bool is_bits;

	*m = (struct ty_member){ .name = "" };
	m->type = proto_declarator(p, base, &m->name, NULL);
	is_bits = proto_eat(p, ':');
	if (is_bits)
		place_bits(p, l, m, proto_number(p));
	else
		place_member(p, at, l, m);
	if (l->bits > l->max_bits)
		l->max_bits = l->bits;
	if (l->max_bits / 8 > INT32_MAX)
		proto_fail(p, at, "struct larger than 2 GiB");
	return !is_bits || *m->name;
}

static void parse_member_line(struct proto_parser *p, struct layout *l, struct members *list)
{
	const struct ty *base = proto_specifiers(p);

	do {
		struct ty_member m;
		const struct ty *last = list->n ? ty_strip(list->at[list->n - 1].type) : NULL;
		const char *at = p->s;

		if (last && last->flags & TY_UNSIZED && !l->is_union)
			proto_fail(p, at, "a flexible array is the last member");
		if (parse_member(p, base, l, &m) && !p->err && vec_push(list, m) < 0)
			p->err = -ENOMEM;
	} while (proto_eat(p, ','));
	proto_need(p, ';');
}

static const struct ty *finish_struct(struct proto_parser *p, unsigned kind, const char *name,
				      const struct layout *l, const struct members *list)
{
	struct ty_member *m = proto_alloc(p, list->n * sizeof(*m));

	if (!m)
		return &proto_void;
	if (list->n)
		memcpy(m, list->at, list->n * sizeof(*m));
	return proto_node(p,
			  &(struct ty){ .kind = (uint8_t)kind,
					.name = name,
					.size = ALIGN_UP((l->max_bits + 7) / 8, (uint64_t)l->align),
					.align = l->align,
					.n = list->n,
					.member = m });
}

/* Behind '{'. */
static const struct ty *parse_struct(struct proto_parser *p, unsigned kind, const char *name)
{
	struct layout l = { .is_union = kind == TY_UNION, .align = 1 };
	struct members list = { 0 };
	const struct ty *t;

	p->in_struct++;
	while (!p->err && !proto_eat(p, '}'))
		parse_member_line(p, &l, &list);
	p->in_struct--;
	t = p->err ? &proto_void : finish_struct(p, kind, name, &l, &list);
	vec_free(&list);
	return t;
}

static int64_t parse_value(struct proto_parser *p)
{
	bool negative = proto_eat(p, '-');
	const char *at = p->s;
	uint64_t v = proto_number(p);

	if (v > (uint64_t)INT32_MAX + negative) {
		proto_fail(p, at, "enumerators are ints");
		return 0;
	}
	return negative ? -(int64_t)v : (int64_t)v;
}

static void parse_enumerator(struct proto_parser *p, struct enumerators *list)
{
	size_t n = proto_peek(p);
	struct ty_enumerator e = { .value = list->n ? list->at[list->n - 1].value + 1 : 0 };

	if (!n) {
		proto_fail(p, p->s, "expected an enumerator");
		return;
	}
	e.name = proto_str(p, p->s, n);
	p->s += n;
	if (proto_eat(p, '='))
		e.value = parse_value(p);
	if (!p->err && vec_push(list, e) < 0)
		p->err = -ENOMEM;
}

/* Behind '{'.  As gcc and clang do: unsigned int unless a value is negative. */
static const struct ty *parse_enum(struct proto_parser *p, const char *name)
{
	struct ty t = { .kind = TY_ENUM, .name = name, .size = 4, .align = 4 };
	struct enumerators list = { 0 };
	struct ty_enumerator *e;

	do {
		if (list.n && proto_peek(p) == 0)
			break; /* "A, }" */
		parse_enumerator(p, &list);
	} while (proto_eat(p, ','));
	proto_need(p, '}');
	e = proto_alloc(p, list.n * sizeof(*e));
	for (size_t i = 0; e && i < list.n; i++) {
		e[i] = list.at[i];
		if (e[i].value < 0)
			t.flags |= TY_SIGNED;
	}
	t.n = e ? list.n : 0;
	t.enumerator = e;
	vec_free(&list);
	return proto_node(p, &t);
}

static const struct ty *find_tag(struct proto_parser *p, unsigned kind, const char *name)
{
	static const char *const words[] = { [TY_STRUCT] = "struct ", [TY_UNION] = "union " };
	size_t n = strlen(name);
	char *spelled;

	for (const struct proto_tag *t = p->tags; t; t = t->next) {
		if (t->type->kind == kind && !strcmp(t->type->name, name))
			return t->type;
	}
	/* An enum whose values nobody told is an int all the same (gcc's and clang's choice). */
	if (kind == TY_ENUM)
		return proto_node(
			p, &(struct ty){ .kind = TY_ENUM, .name = name, .size = 4, .align = 4 });
	spelled = proto_alloc(p, n + sizeof("struct "));
	if (!spelled)
		return &proto_void;
	strcpy(spelled, words[kind]);
	memcpy(spelled + strlen(spelled), name, n + 1);
	return proto_node(p, &(struct ty){ .kind = TY_UNKNOWN, .name = spelled });
}

/* Behind "struct", "union" or "enum". */
static const struct ty *parse_tag(struct proto_parser *p, unsigned kind)
{
	size_t n = proto_peek(p);
	const char *at = p->s, *name = n ? proto_str(p, at, n) : "";
	struct proto_tag *tag;
	const struct ty *t;

	p->s += n;
	if (n && proto_word_is(&(struct proto_parser){ .s = at }, n, "__attribute__"))
		proto_fail(p, at, "attributes are not known");
	if (!proto_eat(p, '{')) {
		if (!n)
			proto_fail(p, p->s, "expected a tag or '{'");
		return find_tag(p, kind, name);
	}
	if (!proto_enter(p))
		return &proto_void;
	t = kind == TY_ENUM ? parse_enum(p, name) : parse_struct(p, kind, name);
	p->depth--;
	tag = proto_alloc(p, sizeof(*tag));
	if (n && tag) {
		*tag = (struct proto_tag){ .next = p->tags, .type = t };
		p->tags = tag;
	}
	return t;
}

/* "long" may stand twice, everything else once. */
static void add_word(struct proto_parser *p, struct specifiers *s, unsigned word)
{
	if (word == CW_LONG && s->words & CW_LONG)
		word = CW_LONG2;
	if (s->words & word || s->type)
		proto_fail(p, p->s, "two types in one declaration");
	s->words |= word;
}

/* The word of n characters at p->s, if it belongs to the specifiers. */
static bool parse_specifier(struct proto_parser *p, struct specifiers *s, size_t n)
{
	unsigned word = ctype_word(p->s, n), qual = proto_qualifier(p, n), kind = tag_kind(p, n);

	if (word) {
		add_word(p, s, word);
	} else if (qual) {
		s->quals |= qual;
	} else if (is_storage(p, n)) {
		p->noreturn |= proto_word_is(p, n, "_Noreturn") || proto_word_is(p, n, "noreturn");
	} else if (kind != TY_VOID) {
		if (s->words || s->type)
			proto_fail(p, p->s, "two types in one declaration");
		p->s += n;
		s->type = parse_tag(p, kind);
		return true;
	} else if (!s->words && !s->type) {
		s->type = ctype_named(p->s, n);
		if (!s->type)
			s->type = proto_node(p, &(struct ty){ .kind = TY_UNKNOWN,
							      .name = proto_str(p, p->s, n) });
	} else {
		return false; /* the name that is declared */
	}
	p->s += n;
	return true;
}

const struct ty *proto_specifiers(struct proto_parser *p)
{
	struct specifiers s = { 0 };
	const char *at = p->s;
	size_t n;

	while ((n = proto_peek(p)) && parse_specifier(p, &s, n))
		;
	if (!s.type && s.words)
		s.type = ctype_of_words(s.words);
	if (!s.type) {
		proto_fail(p, s.words ? at : p->s,
			   s.words ? "words that make no type" : "expected a type");
		return &proto_void;
	}
	return proto_qualify(p, s.type, s.quals);
}
