/*
 * model/proto_parser.h - what proto.c (declarators) and proto_spec.c (specifiers) share.
 *
 * The first error sticks in err; after it nothing is consumed, and nodes returned are valid but
 * meaningless.  Private to model/.
 *
 * Memory   nodes in the caller's pool
 * Context  [ctl]
 */
#ifndef MODEL_PROTO_PARSER_H
#define MODEL_PROTO_PARSER_H

#include "base/diag.h"
#include "info/type.h"

#include <stdio.h>

/* A tag whose body stood earlier in the text. */
struct proto_tag {
	const struct proto_tag *next;
	const struct ty *type;
};

struct proto_parser {
	const char *text, *s;
	int err;
	unsigned depth;
	unsigned in_struct; /* a length must be known there */
	bool noreturn;
	const struct proto_tag *tags;
	struct ty_pool *pool;
	struct diag *diag;
};

struct proto_params {
	const struct ty *ret;
	struct proto_param *at; /* NULL: not wanted */
	unsigned n;
	bool variadic, unprototyped;
};

extern const struct ty proto_void;

void proto_fail(struct proto_parser *p, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void *proto_alloc(struct proto_parser *p, size_t n);
const struct ty *proto_node(struct proto_parser *p, const struct ty *t);
const char *proto_str(struct proto_parser *p, const char *s, size_t n);

/* One level deeper; false: an error, now or earlier.  The caller counts p->depth down. */
bool proto_enter(struct proto_parser *p);

bool proto_eat(struct proto_parser *p, char c);
void proto_need(struct proto_parser *p, char c);

/* Length of the word that comes next, 0 if none does; p->s is at it. */
size_t proto_peek(struct proto_parser *p);
bool proto_word_is(const struct proto_parser *p, size_t n, const char *word);
uint64_t proto_number(struct proto_parser *p);

/* A bit for const, volatile, restrict; 0: something else. */
unsigned proto_qualifier(const struct proto_parser *p, size_t n);
const struct ty *proto_qualify(struct proto_parser *p, const struct ty *t, unsigned quals);

/* Fails, naming the type, unless values of it can exist here. */
bool proto_need_complete(struct proto_parser *p, const char *at, const struct ty *t);

/* Specifiers: "const unsigned long", "struct s { ... }". */
const struct ty *proto_specifiers(struct proto_parser *p);
bool proto_is_specifier(const struct proto_parser *p, size_t n);

/* top: where to put the parameters of the function that is declared, or NULL. */
const struct ty *proto_declarator(struct proto_parser *p, const struct ty *t, const char **name,
				  struct proto_params *top);
const struct ty *proto_suffixes(struct proto_parser *p, const struct ty *t);

#endif
