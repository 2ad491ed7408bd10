/*
 * attach/generated.h - programs that we write ourselves, on the functions that specs name.
 *
 * What trace and probe have in common: which functions a spec means, which are passed over,
 * and the life of the links.  What the programs do is the owner's, behind struct
 * generated_kind.
 *
 * Errors   those of session_hooks() and hook_link();  -ESRCH the target is gone
 * Memory   the target knows its owners, to sum up what they lost, and orphans those that
 *          outlive it: they have no target and no links then
 * Context  [ctl]
 */
#ifndef ATTACH_GENERATED_H
#define ATTACH_GENERATED_H

#include "attach/session.h"
#include "gen/writer.h"

struct late_want; /* attach/late.h */

struct generated_kind {
	const char *verb; /* "trace": what cannot be done to a function that is refused */
	/* Before a spec's functions, of which there are n at most; NULL: nothing to do. */
	int (*begin)(struct generated *g, size_t n, struct diag *d);
	/* All programs of one function, which has none of ours yet, or none. */
	int (*hook)(struct generated *g, struct hook *h, struct diag *d);
	/* May a spec name a function that has ours already?  NULL: it may, to no effect. */
	int (*again)(struct generated *g, const struct hook *h, struct diag *d);
	unsigned beside; /* bits by enum tramp_kind: these programs do not make it ours */
	uint64_t (*lost)(const struct generated *g);
	void (*orphan)(struct generated *g); /* the target goes: calls generated_leave() */
	int (*tick)(struct generated *g);    /* now and then, while it runs; NULL: nothing to do */
};

struct generated {
	const struct generated_kind *kind;
	struct utramp_target *target; /* NULL: gone */
	struct {
		VEC(struct link *);
	} links;
	struct {
		VEC(struct fspec);
	} deny;           /* functions that are left out, whatever names them */
	const char *said; /* what comes with the spec at hand, of this kind's own; NULL: nothing */
};

int generated_init(struct generated *g, const struct generated_kind *kind, struct utramp_target *t);

/* A pattern of functions, "[MODULE:]FUNC", to be left out of specs to come. */
int generated_deny(struct generated *g, const char *pattern, struct diag *d);

/*
 * To each function that spec names; returns how many, those that have our programs already
 * among them.  All or none, unless opts let functions be passed over; a pattern means those
 * that can be had.
 */
int generated_add(struct generated *g, const char *spec, const struct utramp_attach_opts *opts,
		  struct diag *d);

/* The same for a module that has come, of which w was kept; how many. */
int generated_late(struct generated *g, struct hook_list *list, const struct late_want *w,
		   struct diag *d);

/* -ENOTSUP (-EBUSY) with the reason if programs of this kind cannot be on this function. */
int generated_refusal(const struct generated *g, const struct hook *h, enum tramp_kind kind,
		      struct diag *d);

/* Load gp, which is freed in any case, with what at says of it, and link it to h. */
int generated_link(struct generated *g, struct hook *h, enum tramp_kind kind,
		   const struct program_attr *at, struct gen_prog *gp, struct diag *d);

/* Take links back until n are left; session_settle() is the caller's. */
void generated_drop(struct generated *g, size_t n);

/* No longer of a target: links go, losses stay counted there. */
void generated_leave(struct generated *g);

#endif
