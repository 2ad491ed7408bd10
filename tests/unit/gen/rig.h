/*
 * rig.h - run the programs of gen/trace for real: arena, maps, engines, ring consumer; and
 * write records by hand.  Everything fails the running cmocka test.
 */
#ifndef TESTS_GEN_RIG_H
#define TESTS_GEN_RIG_H

#include "../rt/ring_consumer.h"

#include "bpf/engine.h"
#include "gen/trace_priv.h"

#define RIG_LINES 65536

/* Lines as gen_trace emits them. */
struct rig_lines {
	char *at[RIG_LINES];
	size_t n, unwound;
	bool count_only;
};

void rig_line(void *arg, const char *text, size_t n); /* arg: struct rig_lines */
void rig_lines_reset(struct rig_lines *l);
const char *rig_flat(const char *line); /* columns apart by one space; valid until called again */

/* A function of a trace. */
struct rig_func {
	struct ty_pool *pool;
	struct proto proto;
	struct func_model *model;
	uint32_t id;
};

/* proto as text; added to t as module "m". */
void rig_func(struct rig_func *f, struct gen_trace *t, const char *proto, bool entry, bool exit);
void rig_func_free(struct rig_func *f);

struct rig {
	struct arena *arena;
	struct map *ring, *slots;
	struct engine_env env;
	struct ring_consumer reader;
	struct gen_trace *trace;
	struct rig_lines *lines;
	int err; /* of the last gen_trace_record() */
};

void rig_init(struct rig *r, const struct gen_trace_opts *opts, uint32_t ring_size);
void rig_fini(struct rig *r);

enum { RIG_RING_FD = 11, RIG_SLOTS_FD = 12 };

typedef uint64_t (*rig_fn)(uint64_t ctx, uint64_t unused);

struct program *rig_load(struct rig *r, const struct rig_func *f, bool exit);
rig_fn rig_jit(struct rig *r, const struct program *p);
void rig_interp(struct rig *r, const struct program *p, uint64_t *ctx);

/* Records into the trace; what the slots hold into the trace; the end. */
void rig_drain(struct rig *r);
void rig_counters(struct rig *r);
void rig_finish(struct rig *r);

/* A record by hand: bytes of the size that the function's plan says; free() it. */
uint8_t *rig_record(const struct gen_trace *t, const struct rec_head *h, size_t *n);

/* One that is given to the trace; the return value of gen_trace_record(). */
int rig_give(struct gen_trace *t, struct rig_lines *l, const struct rec_head *h);

#endif
