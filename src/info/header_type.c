/*
 * info/header_type.c - types of headers, from libclang's to ours; see header_priv.h.
 *
 * Types are told apart by a text of what they are, in which others appear by their id; structs,
 * unions, enums and typedefs by their declaration.  Members wait in a queue, so cycles need no
 * care.  Behind a pointer all is shown as well as BTF can (a vector is an array); what is passed
 * by value has to be exact, and header_unsayable() tells what is not.
 *
 * Context  [ctl]
 * Spec     C11 6.7.6.3 (parameters that are arrays and functions); psABI 3.1.2
 */
#include "info/header_priv.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 64

struct known {
	char *key;
	uint32_t id;
};

static const struct {
	const char *name;
	bool is_signed;
} scalars[] = {
	[CX_BOOL] = { "_Bool", false },
	[CX_CHAR_U] = { "char", false },
	[CX_UCHAR] = { "unsigned char", false },
	[CX_CHAR16] = { "char16_t", false },
	[CX_CHAR32] = { "char32_t", false },
	[CX_USHORT] = { "unsigned short", false },
	[CX_UINT] = { "unsigned int", false },
	[CX_ULONG] = { "unsigned long", false },
	[CX_ULONGLONG] = { "unsigned long long", false },
	[CX_UINT128] = { "unsigned __int128", false },
	[CX_CHAR_S] = { "char", true },
	[CX_SCHAR] = { "signed char", true },
	[CX_WCHAR] = { "wchar_t", true },
	[CX_SHORT] = { "short", true },
	[CX_INT] = { "int", true },
	[CX_LONG] = { "long", true },
	[CX_LONGLONG] = { "long long", true },
	[CX_INT128] = { "__int128", true },
	[CX_FLOAT] = { "float", true },
	[CX_DOUBLE] = { "double", true },
	[CX_LONGDOUBLE] = { "long double", true },
	[CX_FLOAT128] = { "__float128", true },
	[CX_FLOAT16] = { "_Float16", true },
};

static int compare(const void *pa, const void *pb)
{
	const struct known *a = pa, *b = pb;

	return strcmp(a->key, b->key);
}

static void free_known(void *p)
{
	struct known *k = p;

	free(k->key);
	free(k);
}

void header_type_fini(struct header_parse *p)
{
	tdestroy(p->known, free_known);
	p->known = NULL;
	vec_free(&p->todo);
}

const char *header_name(struct header_parse *p, char *text)
{
	const char *kept = text ? ty_pool_str(p->h->pool, text) : NULL;

	free(text);
	if (!kept)
		p->err = -ENOMEM;
	return kept ? kept : "";
}

/*
 * The type of this key: its id, and whether it is new and to be filled in.  Takes the key
 * (NULL: out of memory).
 */
static uint32_t intern(struct header_parse *p, char *key, struct header_type t, bool *is_new)
{
	struct known *k = calloc(1, sizeof(*k)), **slot = NULL;

	*is_new = false;
	if (!k || !key || p->err) {
		free(k);
		free(key);
		p->err = p->err ? p->err : -ENOMEM;
		return 0;
	}
	k->key = key;
	slot = (struct known **)tsearch(k, &p->known, compare);
	if (!slot || *slot != k) {
		free_known(k);
		if (!slot)
			p->err = -ENOMEM;
		return slot ? (*slot)->id : 0;
	}
	if (!t.name)
		t.name = "";
	if (vec_push(&p->h->types, t) < 0)
		p->err = -ENOMEM;
	k->id = (uint32_t)p->h->types.n;
	*is_new = !p->err;
	return k->id;
}

__attribute__((format(printf, 1, 2))) static char *format(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}

static uint32_t wrap(struct header_parse *p, uint8_t kind, uint32_t of)
{
	bool is_new;

	return intern(p, format("%u %u", kind, of), (struct header_type){ .kind = kind, .of = of },
		      &is_new);
}

static uint32_t array_of(struct header_parse *p, uint32_t of, long long n)
{
	struct header_type t = { .kind = HEADER_ARRAY, .of = of };
	bool is_new;

	t.n = n > 0 && n <= UINT32_MAX ? (uint64_t)n : 0;
	return intern(p, format("array %u %llu", of, (unsigned long long)t.n), t, &is_new);
}

static uint32_t scalar(struct header_parse *p, struct cx_type t)
{
	bool is_float = t.kind > CX_INT128, is_new;
	struct header_type made = { .kind = is_float ? HEADER_FLOAT : HEADER_INT,
				    .is_signed = scalars[t.kind].is_signed,
				    .is_bool = t.kind == CX_BOOL,
				    .name = scalars[t.kind].name,
				    .size = (uint64_t)p->lc->Type_getSizeOf(t) };

	return intern(p, format("scalar %s", made.name), made, &is_new);
}

/* BTF's floats have at most 16 bytes: a complex long double is shown as its two parts. */
static uint32_t complex_of(struct header_parse *p, struct cx_type t)
{
	struct cx_type part = p->lc->getElementType(t);
	struct header_type made = { .kind = HEADER_FLOAT,
				    .size = (uint64_t)p->lc->Type_getSizeOf(t) };
	bool is_new;

	if (part.kind != CX_FLOAT && part.kind != CX_DOUBLE)
		return array_of(p, header_type_id(p, part), 2);
	made.name = part.kind == CX_FLOAT ? "_Complex float" : "_Complex double";
	return intern(p, format("scalar %s", made.name), made, &is_new);
}

static uint8_t record_kind(struct header_parse *p, struct cx_cursor decl, bool defined)
{
	enum { STRUCT_DECL = 2, UNION_DECL = 3 }; /* enum CXCursorKind */

	if (decl.kind == STRUCT_DECL)
		return defined ? HEADER_STRUCT : HEADER_FWD_STRUCT;
	if (decl.kind == UNION_DECL)
		return defined ? HEADER_UNION : HEADER_FWD_UNION;
	return defined ? HEADER_ENUM : HEADER_FWD_ENUM;
}

static uint32_t tagged(struct header_parse *p, struct cx_type t)
{
	struct cx_cursor decl = p->lc->getCanonicalCursor(p->lc->getTypeDeclaration(t));
	struct cx_cursor def = p->lc->getCursorDefinition(decl);
	bool defined = !p->lc->Cursor_isNull(def), is_new;
	struct header_type made = { .kind = record_kind(p, decl, defined) };
	uint32_t id = intern(p, format("tag %p", decl.data[0]), made, &is_new);
	struct header_type *h = is_new ? &p->h->types.at[id - 1] : NULL;
	struct cx_type whole;

	if (!h)
		return id;
	if (!p->lc->Cursor_isAnonymous(decl))
		h->name = header_name(p, libclang_take(p->lc, p->lc->getCursorSpelling(decl)));
	if (!defined)
		return id;
	whole = p->lc->getCursorType(def);
	h->size = (uint64_t)p->lc->Type_getSizeOf(whole);
	h->align = (uint32_t)p->lc->Type_getAlignOf(whole);
	if (vec_push(&p->todo, ((struct header_todo){ id, def })) < 0)
		p->err = -ENOMEM;
	return id;
}

static uint32_t named(struct header_parse *p, struct cx_type t)
{
	struct cx_cursor decl = p->lc->getCanonicalCursor(p->lc->getTypeDeclaration(t));
	struct header_type made = { .kind = HEADER_TYPEDEF };
	uint32_t of = header_type_id(p, p->lc->getTypedefDeclUnderlyingType(decl));
	bool is_new;
	uint32_t id;

	made.of = of;
	id = intern(p, format("typedef %p", decl.data[0]), made, &is_new);
	if (is_new)
		p->h->types.at[id - 1].name =
			header_name(p, libclang_take(p->lc, p->lc->getCursorSpelling(decl)));
	return id;
}

/* What is of no known kind: so many bytes. */
static uint32_t bytes_of(struct header_parse *p, struct cx_type t)
{
	struct header_type byte = { .kind = HEADER_INT, .name = "unsigned char", .size = 1 };
	long long size = p->lc->Type_getSizeOf(t);
	bool is_new;

	if (size <= 0)
		return 0;
	return array_of(p, intern(p, format("scalar %s", byte.name), byte, &is_new), size);
}

static uint32_t unqualified(struct header_parse *p, struct cx_type t)
{
	const struct libclang *lc = p->lc;
	struct cx_type plain;

	switch (t.kind) {
	case CX_VOID:
		return 0;
	case CX_COMPLEX:
		return complex_of(p, t);
	case CX_POINTER:
		return wrap(p, HEADER_PTR, header_type_id(p, lc->getPointeeType(t)));
	case CX_RECORD:
	case CX_ENUM:
		return tagged(p, t);
	case CX_TYPEDEF:
		return named(p, t);
	case CX_FUNCTION_NO_PROTO:
	case CX_FUNCTION_PROTO:
		return header_proto_id(p, t, NULL);
	case CX_ARRAY:
	case CX_OPEN_ARRAY:
	case CX_VARIABLE_ARRAY:
		return array_of(p, header_type_id(p, lc->getArrayElementType(t)),
				lc->getNumElements(t));
	case CX_VECTOR:
	case CX_EXT_VECTOR:
		return array_of(p, header_type_id(p, lc->getElementType(t)), lc->getNumElements(t));
	case CX_ELABORATED:
		return header_type_id(p, lc->Type_getNamedType(t));
	case CX_ATTRIBUTED:
		return header_type_id(p, lc->Type_getModifiedType(t));
	case CX_ATOMIC:
		return header_type_id(p, lc->Type_getValueType(t));
	default:
		break;
	}
	if (t.kind < ARRAY_LEN(scalars) && scalars[t.kind].name)
		return scalar(p, t);
	if (lc->getNumArgTypes(t) >= 0) /* parentheses around a function type */
		return header_proto_id(p, t, NULL);
	plain = lc->getCanonicalType(t);
	return plain.kind == t.kind || plain.kind == CX_INVALID ? bytes_of(p, t) :
								  unqualified(p, plain);
}

uint32_t header_type_id(struct header_parse *p, struct cx_type t)
{
	uint32_t id = unqualified(p, t);

	if (p->lc->isRestrictQualifiedType(t))
		id = wrap(p, HEADER_RESTRICT, id);
	if (p->lc->isVolatileQualifiedType(t))
		id = wrap(p, HEADER_VOLATILE, id);
	if (p->lc->isConstQualifiedType(t))
		id = wrap(p, HEADER_CONST, id);
	return id;
}

/* -- parameters --------------------------------------------------------------------------- */

bool header_has_attribute(struct header_parse *p, struct cx_cursor c, const char *word)
{
	char *text = libclang_take(p->lc, p->lc->getCursorPrettyPrinted(c, NULL));
	bool found = text && strstr(text, word);

	if (!text)
		p->err = -ENOMEM;
	free(text);
	return found;
}

static unsigned take_first(struct cx_cursor c, void *data)
{
	*(struct cx_cursor *)data = c;
	return CX_BREAK;
}

/* gcc manual, "Common Type Attributes": passed as its first member would be. */
static bool is_transparent(struct header_parse *p, struct cx_type t, struct cx_type *first)
{
	struct cx_type plain = p->lc->getCanonicalType(t);
	struct cx_cursor def, field = { 0 };

	if (plain.kind != CX_RECORD)
		return false;
	def = p->lc->getCursorDefinition(p->lc->getTypeDeclaration(plain));
	if (p->lc->Cursor_isNull(def) ||
	    !header_has_attribute(p, def, "__attribute__((transparent_union))"))
		return false;
	p->lc->Type_visitFields(plain, take_first, &field);
	*first = p->lc->getCursorType(field);
	return field.kind == CX_FIELD_DECL;
}

uint32_t header_param_id(struct header_parse *p, struct cx_type t)
{
	struct cx_type plain = p->lc->getCanonicalType(t), first;

	switch (plain.kind) {
	case CX_ARRAY:
	case CX_OPEN_ARRAY:
	case CX_VARIABLE_ARRAY:
		first = t.kind == CX_ARRAY || t.kind == CX_OPEN_ARRAY ? t : plain;
		return wrap(p, HEADER_PTR, header_type_id(p, p->lc->getArrayElementType(first)));
	case CX_FUNCTION_PROTO:
	case CX_FUNCTION_NO_PROTO:
		return wrap(p, HEADER_PTR, header_type_id(p, t));
	default:
		return header_type_id(p, is_transparent(p, t, &first) ? first : t);
	}
}

static char *append(char *key, uint32_t id, const char *name)
{
	char *more = key ? format("%s %u:%s", key, id, name) : NULL;

	free(key);
	return more;
}

uint32_t header_proto_id(struct header_parse *p, struct cx_type t, const char *const *names)
{
	struct header_type made = { .kind = HEADER_PROTO,
				    .variadic = p->lc->isFunctionTypeVariadic(t) };
	int n = p->lc->getNumArgTypes(t);
	bool is_new = false;
	uint32_t id;
	char *key;

	made.of = header_type_id(p, p->lc->getResultType(t));
	key = format("proto %u %d", made.of, made.variadic);
	for (int i = 0; i < n && !p->err; i++) {
		struct header_member m = { .name = names ? names[i] : "" };

		m.type = header_param_id(p, p->lc->getArgType(t, (unsigned)i));
		key = append(key, m.type, m.name);
		if (vec_push(&made.m, m) < 0)
			p->err = -ENOMEM;
	}
	id = intern(p, key, made, &is_new);
	if (!is_new)
		vec_free(&made.m);
	return id;
}

/* -- members ------------------------------------------------------------------------------ */

struct filling {
	struct header_parse *p;
	uint32_t id;
};

static unsigned add_member(struct filling *f, struct header_member m)
{
	if (vec_push(&f->p->h->types.at[f->id - 1].m, m) < 0)
		f->p->err = -ENOMEM;
	return f->p->err ? CX_BREAK : CX_CONTINUE;
}

static unsigned add_field(struct cx_cursor c, void *data)
{
	struct filling *f = data;
	const struct libclang *lc = f->p->lc;
	struct header_member m = { .at = (uint64_t)lc->Cursor_getOffsetOfField(c) };
	char *name = libclang_take(lc, lc->getCursorSpelling(c));

	if (lc->Cursor_isBitField(c))
		m.bits = (uint32_t)lc->getFieldDeclBitWidth(c);
	if (name && lc->Cursor_isBitField(c) && !*name) {
		free(name); /* compilers leave unnamed bit-fields out of debug information, too */
		return CX_CONTINUE;
	}
	if (name && strchr(name, '(')) /* "(anonymous union at ...)", from clang 16 on */
		*name = 0;
	m.name = header_name(f->p, name);
	m.type = header_type_id(f->p, lc->getCursorType(c));
	return add_member(f, m);
}

static unsigned add_enumerator(struct cx_cursor c, struct cx_cursor parent, void *data)
{
	struct filling *f = data;
	const struct libclang *lc = f->p->lc;
	struct header_member m = { 0 };

	if (c.kind != CX_ENUM_CONSTANT_DECL)
		return CX_CONTINUE;
	m.name = header_name(f->p, libclang_take(lc, lc->getCursorSpelling(c)));
	m.value = lc->getEnumConstantDeclValue(c);
	return add_member(f, m);
}

void header_type_finish(struct header_parse *p)
{
	for (size_t i = 0; i < p->todo.n && !p->err; i++) {
		struct header_todo todo = p->todo.at[i];
		struct filling f = { p, todo.id };
		struct header_type *h = &p->h->types.at[todo.id - 1];

		if (h->kind == HEADER_ENUM) {
			unsigned of =
				p->lc->getCanonicalType(p->lc->getEnumDeclIntegerType(todo.def))
					.kind;

			h->is_signed = of >= CX_CHAR_S;
			p->lc->visitChildren(todo.def, add_enumerator, &f);
		} else {
			p->lc->Type_visitFields(p->lc->getCursorType(todo.def), add_field, &f);
		}
	}
	p->todo.n = 0;
}

/* -- what has to be exact ------------------------------------------------------------------ */

struct asking {
	struct header_parse *p;
	unsigned depth;
	const char *why;
};

static const char *unsayable(struct header_parse *p, struct cx_type t, unsigned depth);

static bool is_unnamed(struct header_parse *p, struct cx_cursor c)
{
	struct cx_string s = p->lc->getCursorSpelling(c);
	const char *text = p->lc->getCString(s);
	bool unnamed = !text || !*text;

	p->lc->disposeString(s);
	return unnamed;
}

static unsigned ask_field(struct cx_cursor c, void *data)
{
	struct asking *a = data;
	const struct libclang *lc = a->p->lc;

	/* gcc classifies them, clang does not: psABI 3.2.3 says to ignore them */
	if (lc->Cursor_isBitField(c) && lc->getFieldDeclBitWidth(c) > 0 && is_unnamed(a->p, c)) {
		a->why = "compilers differ in how they pass unnamed bit-fields";
		return CX_BREAK;
	}
	a->why = unsayable(a->p, a->p->lc->getCursorType(c), a->depth + 1);
	return a->why ? CX_BREAK : CX_CONTINUE;
}

static const char *unsayable(struct header_parse *p, struct cx_type t, unsigned depth)
{
	const struct libclang *lc = p->lc;
	struct asking a = { p, depth, NULL };
	struct cx_type plain = lc->getCanonicalType(t), part;

	if (depth > MAX_DEPTH)
		return "its types are nested too deeply";
	switch (plain.kind) {
	case CX_VOID:
	case CX_POINTER:
	case CX_ENUM:
	case CX_OPEN_ARRAY: /* a flexible array member has no bytes */
		return NULL;
	case CX_COMPLEX:
		part = lc->getElementType(plain);
		return part.kind == CX_FLOAT || part.kind == CX_DOUBLE ?
			       NULL :
			       "BTF has no complex long double";
	case CX_VECTOR:
	case CX_EXT_VECTOR:
		return "BTF has no vectors";
	case CX_ARRAY:
		return unsayable(p, lc->getArrayElementType(plain), depth + 1);
	case CX_RECORD:
		if (lc->Type_getSizeOf(plain) < 0)
			return "a struct that is not defined is passed by value";
		lc->Type_visitFields(plain, ask_field, &a);
		return a.why;
	default:
		return plain.kind < ARRAY_LEN(scalars) && scalars[plain.kind].name ?
			       NULL :
			       "BTF has no such type as one of its values";
	}
}

/* An alignment that a typedef adds is not told, and compilers differ in what they make of it. */
const char *header_unsayable(struct header_parse *p, struct cx_type t)
{
	struct cx_type plain = p->lc->getCanonicalType(t);
	const char *why;

	switch (plain.kind) {
	case CX_ARRAY:
	case CX_OPEN_ARRAY:
	case CX_VARIABLE_ARRAY:
	case CX_FUNCTION_PROTO:
	case CX_FUNCTION_NO_PROTO:
	case CX_VOID:
		return NULL;
	default:
		break;
	}
	why = unsayable(p, t, 0);
	if (!why && p->lc->Type_getAlignOf(t) != p->lc->Type_getAlignOf(plain))
		why = "a typedef changes the alignment of one of its values";
	return why;
}
