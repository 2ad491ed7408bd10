/*
 * expr_rig.h - conditions compiled by gen/expr, run by both engines, compared with C.
 */
#ifndef TESTS_GEN_EXPR_RIG_H
#define TESTS_GEN_EXPR_RIG_H

#include "rig.h"

#include "gen/expr.h"

/* The expressions are what users write, not what we would. */
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wint-in-bool-context"
#pragma GCC diagnostic ignored "-Wfloat-equal"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wshadow"
#ifdef __clang__
#pragma clang diagnostic ignored "-Weverything"
#else
#pragma GCC diagnostic ignored "-Wbool-compare"
#pragma GCC diagnostic ignored "-Wbool-operation"
#pragma GCC diagnostic ignored "-Wlogical-op"
#endif

#define EXPR_CACHE 192

/* One function, and what is compiled of it. */
struct group {
	const char *text;
	struct ty_pool *pool;
	struct proto proto;
	struct func_model *m;
	uint64_t ctx[2 + 64];
	struct {
		const char *text;
		struct program *p;
		rig_fn jit;
	} cache[EXPR_CACHE];
};

void group_init(struct group *g, const char *text);
void group_fini(struct group *g);

/* Both engines answer want on g->ctx. */
void check(struct group *g, const char *text, bool want);

/* Text and C alike, of the group g points to. */
#define C(e) check(group, #e, (e) != 0)

#define PUT(slot, v) (group->ctx[2 + (slot)] = (uint64_t)(v))

/* cmocka's; stop fails when fewer than so many expressions were compared. */
int expr_start(void **state);
unsigned expr_distinct(void);

int expr_stop(void **state);

#endif
