/*
 * info/header_priv.h - what header.c and header_type.c share; for these two only.
 *
 * Context  [ctl]
 */
#ifndef INFO_HEADER_PRIV_H
#define INFO_HEADER_PRIV_H

#include "info/header.h"
#include "info/libclang.h"
#include "info/type.h"

struct header_todo {
	uint32_t id;
	struct cx_cursor def;
};

struct header_parse {
	const struct libclang *lc;
	struct header *h;
	void *known; /* tsearch(3): types made so far, by what they are */
	struct {
		VEC(struct header_todo);
	} todo;  /* structs, unions and enums that have an id, and no members yet */
	int err; /* the first, sticky: -ENOMEM */
};

/* A name in the header's pool; "" and p->err when there is no memory.  Frees text. */
const char *header_name(struct header_parse *p, char *text);

/* The id of a type, made if it is new; 0: void. */
uint32_t header_type_id(struct header_parse *p, struct cx_type t);
/* The same of a parameter: arrays and functions are pointers, transparent unions their first member. */
uint32_t header_param_id(struct header_parse *p, struct cx_type t);
/* A prototype whose parameters' names are those of this function's declaration. */
uint32_t header_proto_id(struct header_parse *p, struct cx_type t, const char *const *names);

/* Fill in what header_type_id() has put off. */
void header_type_finish(struct header_parse *p);
void header_type_fini(struct header_parse *p);

/* Why BTF cannot say how a value of this type is passed (static text); NULL: it can. */
const char *header_unsayable(struct header_parse *p, struct cx_type t);
/* Does libclang's printing of this declaration have the word? */
bool header_has_attribute(struct header_parse *p, struct cx_cursor c, const char *word);

#endif
