/*
 * info/type.c - see type.h: the pool, and types and prototypes as C text.
 *
 * A C declarator is written inside out, so a type is walked from the outside to its base
 * while what stands left and right of the name is collected in two small buffers.
 *
 * Context  [ctl]; a pool belongs to one thread at a time
 * Spec     C11 6.7.6 (declarators), 6.7.7 (type names)
 */
#include "info/type.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (16 * 1024)
#define POOL_ALIGN  16
#define MAX_DEPTH   64

struct pool_chunk {
	struct pool_chunk *next;
	size_t used, size;
	_Alignas(POOL_ALIGN) unsigned char bytes[];
};

struct ty_pool {
	uint64_t id;
	struct pool_chunk *chunk; /* the one being filled; full and oversized ones behind it */
};

static atomic_uint_fast64_t next_id;
static const struct ty unknown = { .kind = TY_UNKNOWN, .name = "?" };

int ty_pool_new(struct ty_pool **out)
{
	struct ty_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->id = atomic_fetch_add(&next_id, 1) + 1;
	*out = p;
	return 0;
}

uint64_t ty_pool_id(const struct ty_pool *p)
{
	return p->id;
}

void ty_pool_free(struct ty_pool *p)
{
	struct pool_chunk *c, *next;

	if (!p)
		return;
	for (c = p->chunk; c; c = next) {
		next = c->next;
		free(c);
	}
	free(p);
}

static struct pool_chunk *chunk_new(size_t size)
{
	struct pool_chunk *c = calloc(1, sizeof(*c) + size);

	if (c)
		c->size = size;
	return c;
}

void *ty_pool_alloc(struct ty_pool *p, size_t n)
{
	struct pool_chunk *c = p->chunk;
	void *at;

	if (n > SIZE_MAX / 2)
		return NULL;
	n = n ? ALIGN_UP(n, POOL_ALIGN) : POOL_ALIGN;
	if (!c || c->size - c->used < n) {
		c = chunk_new(n > CHUNK_BYTES ? n : CHUNK_BYTES);
		if (!c)
			return NULL;
		if (n > CHUNK_BYTES && p->chunk) {
			/* an oversized one goes behind, so that the current one is filled on */
			c->next = p->chunk->next;
			p->chunk->next = c;
		} else {
			c->next = p->chunk;
			p->chunk = c;
		}
	}
	at = c->bytes + c->used;
	c->used += n;
	return at;
}

const char *ty_pool_str(struct ty_pool *p, const char *s)
{
	size_t n;
	char *copy;

	if (!s || !*s)
		return "";
	n = strlen(s);
	copy = ty_pool_alloc(p, n + 1);
	return copy ? memcpy(copy, s, n + 1) : NULL;
}

const struct ty *ty_strip(const struct ty *t)
{
	for (unsigned i = 0; t && i < MAX_DEPTH; i++) {
		if (t->kind != TY_TYPEDEF && t->kind != TY_QUAL)
			return t;
		t = t->of;
	}
	return &unknown;
}

/* Text that is cut, never overrun; control characters (names come from files) become '?'. */
struct text {
	char *out;
	size_t n, cap;
};

static void text_put(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (t->n + 1 >= t->cap)
			return;
		t->out[t->n++] = (unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s;
	}
}

static size_t text_end(struct text *t)
{
	if (t->cap)
		t->out[t->n] = '\0';
	return t->n;
}

#define SIDE_BYTES 256

/* What stands left and right of the name in a declarator, and the base type before both. */
struct declarator {
	char left[SIDE_BYTES], right[SIDE_BYTES];
	char quals[64];
	const struct ty *base; /* NULL: void */
	bool cut;              /* deeper than we follow */
};

static void side_append(char *side, const char *s)
{
	size_t n = strlen(side);

	snprintf(side + n, SIDE_BYTES - n, "%s", s);
}

static void side_prepend(char *side, const char *s)
{
	size_t n = strlen(s), have = strlen(side);

	if (n + have >= SIDE_BYTES)
		return;
	memmove(side + n, side, have + 1);
	memcpy(side, s, n);
}

static void qual_add(struct declarator *d, const char *word)
{
	size_t n = strlen(d->quals);

	if (!word || !*word || strlen(word) + n + 2 > sizeof(d->quals))
		return;
	snprintf(d->quals + n, sizeof(d->quals) - n, "%s ", word);
}

/* The next level outwards is a pointer: its own qualifiers stand right of the star. */
static void declare_pointer(struct declarator *d, const struct ty *t)
{
	const struct ty *to = t->of;
	bool wrap;

	if (d->quals[0] && !d->left[0])
		d->quals[strlen(d->quals) - 1] = '\0';
	side_prepend(d->left, d->quals);
	d->quals[0] = '\0';
	side_prepend(d->left, t->flags & TY_REFERENCE ? "&" : "*");
	for (unsigned i = 0; to && to->kind == TY_QUAL && i < MAX_DEPTH; i++)
		to = to->of;
	wrap = to && (to->kind == TY_ARRAY || to->kind == TY_FUNC);
	if (wrap) {
		side_prepend(d->left, "(");
		side_append(d->right, ")");
	}
}

static void declare(struct declarator *d, const struct ty *t)
{
	char n[32];

	memset(d, 0, sizeof(*d));
	for (unsigned depth = 0; t; depth++, t = t->of) {
		if (depth == MAX_DEPTH) {
			d->cut = true;
			return;
		}
		switch (t->kind) {
		case TY_QUAL:
			qual_add(d, t->name);
			break;
		case TY_PTR:
			declare_pointer(d, t);
			break;
		case TY_ARRAY:
			if (t->flags & TY_VECTOR && t->name && t->name[0]) {
				d->base = t;
				return;
			}
			snprintf(n, sizeof(n), "[%llu]", (unsigned long long)t->n);
			side_append(d->right, t->flags & TY_UNSIZED ? "[]" : n);
			break;
		case TY_FUNC:
			side_append(d->right, "()");
			break;
		default:
			d->base = t;
			return;
		}
	}
}

static const char *tag_word(const struct ty *t)
{
	if (t->kind == TY_ENUM)
		return "enum";
	return t->kind == TY_UNION ? "union" : "struct";
}

static void put_base(struct text *o, const struct declarator *d)
{
	const struct ty *t = d->base;
	const char *name = t && t->name ? t->name : "";

	text_put(o, d->quals);
	if (d->cut) {
		text_put(o, "...");
	} else if (!t) {
		text_put(o, "void");
	} else if (t->kind == TY_STRUCT || t->kind == TY_UNION || t->kind == TY_ENUM) {
		if (!(t->flags & TY_CLASS) || !name[0]) {
			text_put(o, tag_word(t));
			text_put(o, " ");
		}
		text_put(o, name[0] ? name : "{...}");
	} else if (t->kind == TY_VOID) {
		text_put(o, "void");
	} else {
		text_put(o, name[0] ? name : "?");
	}
}

/* Everything left of the name, with the blank that belongs before it. */
static void put_left(struct text *o, const struct declarator *d, bool named)
{
	size_t n = strlen(d->left);

	put_base(o, d);
	if (n || named)
		text_put(o, " ");
	text_put(o, d->left);
	if (named && n && d->left[n - 1] != '*' && d->left[n - 1] != '&' && d->left[n - 1] != ' ')
		text_put(o, " ");
}

size_t ty_format(const struct ty *t, char *out, size_t cap)
{
	struct text o = { .out = out, .cap = cap };
	struct declarator d;

	declare(&d, t);
	put_left(&o, &d, false);
	text_put(&o, d.right);
	return text_end(&o);
}

static void put_param(struct text *o, const struct proto_param *p)
{
	bool named = p->name && p->name[0];
	struct declarator d;

	declare(&d, p->type);
	put_left(o, &d, named);
	if (named)
		text_put(o, p->name);
	text_put(o, d.right);
}

size_t proto_format(const struct proto *p, char *out, size_t cap)
{
	struct text o = { .out = out, .cap = cap };
	struct declarator d;

	declare(&d, p->ret);
	put_left(&o, &d, true);
	text_put(&o, p->name ? p->name : "");
	text_put(&o, "(");
	for (unsigned i = 0; i < p->nparams; i++) {
		text_put(&o, i ? ", " : "");
		put_param(&o, &p->param[i]);
	}
	if (p->variadic)
		text_put(&o, p->nparams ? ", ..." : "...");
	else if (!p->nparams && !p->unprototyped)
		text_put(&o, "void");
	text_put(&o, ")");
	text_put(&o, d.right);
	return text_end(&o);
}
