/*
 * attach/probe.c - utramp_probe: one counting program on each function, and the sums it made.
 *
 * The functions of one spec share a per-thread array (and a scratch array), made when their
 * number is known; the stacks of all are in one hash map.
 */
#include "attach/probe.h"

#include "info/demangle.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In generated LDDWs: the numbers are ours to choose. */
enum { CALLS_FD = 1, STACKS_FD, SCRATCH_FD };

#define STACK_DEPTH  16
#define STACK_PLACES 16384

static struct utramp_probe *of(struct generated *g)
{
	return (struct utramp_probe *)(void *)g;
}

static struct map *probe_map(void *arg, int fd)
{
	struct utramp_probe *p = arg;
	const struct probe_batch *b = &p->batches.at[p->batches.n - 1];

	switch (fd) {
	case CALLS_FD:
		return b->calls;
	case STACKS_FD:
		return p->stacks;
	case SCRATCH_FD:
		return b->scratch;
	default:
		return NULL;
	}
}

/* -- making ---------------------------------------------------------------------------- */

static uint32_t calls_size(const struct utramp_probe *p)
{
	return p->kind == GEN_TALLY_LATENCY ? sizeof(struct gen_tally_latency) : sizeof(uint64_t);
}

static uint32_t key_size(const struct utramp_probe *p)
{
	return (uint32_t)(sizeof(struct gen_tally_key) + 8 * p->depth);
}

static struct gen_tally tally_of(const struct utramp_probe *p)
{
	return (struct gen_tally){ .kind = p->kind,
				   .depth = p->depth,
				   .calls_fd = CALLS_FD,
				   .stacks_fd = STACKS_FD,
				   .scratch_fd = SCRATCH_FD };
}

/* A value for each of n functions and each thread; address space, of which little is touched. */
static int make_array(struct utramp_probe *p, const char *name, uint32_t value, size_t n,
		      struct map **out, struct diag *d)
{
	struct arena *a = p->g.target->arena;
	struct map_attr attr = { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				 .key_size = sizeof(uint32_t),
				 .value_size = value,
				 .max_entries = (uint32_t)n,
				 .name = name };
	uint64_t room = (a->size - a->next) / ((uint64_t)value * SHM_MAX_THREADS);

	if (n > room)
		return diag_set(d, -ENOSPC,
				"%zu functions are too many for the memory that is shared with the "
				"target: there is room for %llu more; narrow the pattern",
				n, (unsigned long long)room);
	return map_create(a, &attr, out, d);
}

static int begin(struct generated *g, size_t n, struct diag *d)
{
	struct utramp_probe *p = of(g);
	struct probe_batch b = { 0 };
	struct gen_tally t = tally_of(p);
	int err = make_array(p, "calls", calls_size(p), n, &b.calls, d);

	if (!err && gen_tally_uses_scratch(&t))
		err = make_array(p, "scratch", key_size(p), n, &b.scratch, d);
	if (!err)
		err = vec_push(&p->batches, b);
	if (err) {
		map_put(b.calls);
		map_put(b.scratch);
	}
	return err;
}

static int load(struct utramp_probe *p, struct hook *h, const struct gen_tally *t, struct diag *d)
{
	static const char *const verb[] = { "count", "latency", "stack" };
	bool exit = gen_tally_at_exit(t);
	char name[64];
	struct program_attr attr = { .name = name,
				     .kind = exit ? PROGRAM_FEXIT : PROGRAM_FENTRY,
				     .map_by_fd = probe_map,
				     .arg = p,
				     .reentrant = !gen_tally_uses_scratch(t),
				     .own_counters = t->kind != GEN_TALLY_STACK };
	struct gen_prog gp;
	int err = gen_tally_program(t, &gp, d);

	if (err)
		return err;
	if (t->kind == GEN_TALLY_LATENCY)
		attr.kind = PROGRAM_FSESSION;
	snprintf(name, sizeof(name), "%s_%s", verb[t->kind], h->func->name);
	return generated_link(&p->g, h, attr.kind == PROGRAM_FENTRY ? TRAMP_FENTRY : TRAMP_FEXIT,
			      &attr, &gp, d);
}

static bool is_same(const struct func *a, const struct func *b)
{
	return a->addr == b->addr && a->mod->late && b->mod->late &&
	       !memcmp(&a->mod->id, &b->mod->id, sizeof(a->mod->id)) &&
	       !strcmp(a->mod->path, b->mod->path);
}

/* The number of the first that is the same function as f, or of one to come. */
static uint32_t first_of(const struct utramp_probe *p, const struct func *f)
{
	size_t i = f->mod->late ? 0 : p->funcs.n;

	while (i < p->funcs.n && !is_same(p->funcs.at[i].func, f))
		i++;
	return (uint32_t)i;
}

/* The last one is to be told of with its first. */
static void join(struct utramp_probe *p)
{
	uint32_t last = (uint32_t)p->funcs.n - 1, first = p->funcs.at[last].first;

	if (first == last)
		return;
	p->funcs.at[last].next = p->funcs.at[first].next;
	p->funcs.at[first].next = last;
}

static int link_hook(struct utramp_probe *p, struct hook *h, const struct gen_expr *filter,
		     struct diag *d)
{
	struct gen_tally t = tally_of(p);
	struct probe_batch *b = &p->batches.at[p->batches.n - 1];
	int err;

	t.filter = filter;
	t.index = b->used;
	t.func = first_of(p, h->func);
	err = generated_refusal(&p->g, h,
				t.kind == GEN_TALLY_LATENCY || gen_tally_at_exit(&t) ? TRAMP_FEXIT :
										       TRAMP_FENTRY,
				d);
	if (!err)
		err = vec_reserve(&p->funcs, 1);
	if (!err)
		err = load(p, h, &t, d);
	if (!err) {
		p->funcs.at[p->funcs.n++] = (struct probe_func){
			.func = h->func,
			.name = demangle_short(h->func->name),
			.prog = program_get(p->g.links.at[p->g.links.n - 1]->prog),
			.batch = (uint32_t)p->batches.n - 1,
			.index = b->used++,
			.first = t.func,
		};
		join(p);
	}
	return err;
}

static int probe_hook(struct generated *g, struct hook *h, struct diag *d)
{
	const struct func *f = h->func;
	struct utramp_probe *p = of(g);
	struct gen_expr *filter = NULL;
	int err = 0;

	if (p->filter)
		err = gen_expr_new(p->filter, f->proto.source == PROTO_NONE ? NULL : &f->proto,
				   f->model, &filter, d);
	if (!err)
		err = link_hook(p, h, filter, d);
	gen_expr_free(filter);
	return err;
}

static void drop_funcs(struct utramp_probe *p, size_t n)
{
	while (p->funcs.n > n) {
		struct probe_func *f = &p->funcs.at[--p->funcs.n];

		/* the latest is the first behind its first */
		if (f->first != p->funcs.n)
			p->funcs.at[f->first].next = f->next;
		program_put(f->prog);
		free(f->name);
	}
}

static void drop_batches(struct utramp_probe *p, size_t n)
{
	while (p->batches.n > n) {
		struct probe_batch *b = &p->batches.at[--p->batches.n];

		map_put(b->calls);
		map_put(b->scratch);
	}
}

int utramp_probe__add(struct utramp_probe *p, const char *spec,
		      const struct utramp_attach_opts *opts)
{
	struct diag *d = api_diag();
	size_t funcs, batches;
	int n;

	if (!p || !spec)
		return api_return(diag_set(d, -EINVAL, "no probe or function given"));
	funcs = p->funcs.n;
	batches = p->batches.n;
	n = generated_add(&p->g, spec, opts, d);
	if (n < 0) {
		drop_funcs(p, funcs);
		drop_batches(p, batches);
	}
	return api_return(n);
}

static void orphan(struct generated *g)
{
	struct utramp_probe *p = of(g);

	generated_leave(g);
	drop_funcs(p, 0);
	drop_batches(p, 0);
	map_put(p->stacks);
	p->stacks = NULL;
}

static uint64_t lost(const struct generated *g)
{
	return 0; /* told by utramp_probe__lost() */
}

static int tick(struct generated *g)
{
	return of(g)->symbols ? symbols_look(of(g)->symbols, g->target, false) : 0;
}

static const struct generated_kind probe_kind[] = {
	[GEN_TALLY_COUNT] = { .verb = "count",
			      .begin = begin,
			      .hook = probe_hook,
			      .lost = lost,
			      .orphan = orphan,
			      .tick = tick },
	[GEN_TALLY_LATENCY] = { .verb = "measure",
				.begin = begin,
				.hook = probe_hook,
				.lost = lost,
				.orphan = orphan,
				.tick = tick },
	[GEN_TALLY_STACK] = { .verb = "tell the callers of",
			      .begin = begin,
			      .hook = probe_hook,
			      .lost = lost,
			      .orphan = orphan,
			      .tick = tick },
};

static int make_stacks(struct utramp_probe *p, const struct utramp_probe_opts *o, struct diag *d)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_HASH,
				 .value_size = sizeof(uint64_t),
				 .max_entries = o->max_stacks ? o->max_stacks : STACK_PLACES,
				 .name = "stacks" };
	int err;

	p->depth = o->depth ? o->depth : STACK_DEPTH;
	if (p->depth > GEN_TALLY_MAX_DEPTH)
		return diag_set(d, -EINVAL, "a depth of %u callers: %u is the most", p->depth,
				GEN_TALLY_MAX_DEPTH);
	attr.key_size = key_size(p);
	err = symbols_new(&p->symbols);
	if (!err)
		err = symbols_look(p->symbols, p->g.target, true);
	p->key = malloc(attr.key_size);
	p->frame = calloc(p->depth, sizeof(*p->frame));
	if (!err && (!p->key || !p->frame))
		err = -ENOMEM;
	return err ? err : map_create(p->g.target->arena, &attr, &p->stacks, d);
}

static int make(struct utramp_probe *p, const struct utramp_probe_opts *user, struct diag *d)
{
	struct utramp_probe_opts o;
	int err = opts_copy(&o, sizeof(o), user, d);

	for (size_t i = 0; i < o.ndeny && !err; i++)
		err = generated_deny(&p->g, o.deny[i], d);
	if (!err && o.filter) {
		p->filter = strdup(o.filter);
		err = p->filter ? 0 : -ENOMEM;
	}
	return !err && p->kind == GEN_TALLY_STACK ? make_stacks(p, &o, d) : err;
}

struct utramp_probe *utramp_probe__new(struct utramp_target *t, enum utramp_probe_kind kind,
				       const struct utramp_probe_opts *opts)
{
	static const enum gen_tally_kind kinds[] = { [UTRAMP_PROBE_COUNT] = GEN_TALLY_COUNT,
						     [UTRAMP_PROBE_LATENCY] = GEN_TALLY_LATENCY,
						     [UTRAMP_PROBE_STACK] = GEN_TALLY_STACK };
	struct diag *d = api_diag();
	struct utramp_probe *p;
	int err;

	if (!t || (unsigned)kind >= ARRAY_LEN(kinds))
		return api_null(diag_set(d, -EINVAL, "no target, or no such kind of probe"));
	p = calloc(1, sizeof(*p));
	if (!p)
		return api_null(-ENOMEM);
	p->kind = kinds[kind];
	err = generated_init(&p->g, &probe_kind[p->kind], t);
	if (err) {
		free(p);
		return api_null(err);
	}
	err = make(p, opts, d);
	if (err) {
		utramp_probe__free(p);
		return api_null(err);
	}
	return p;
}

void utramp_probe__free(struct utramp_probe *p)
{
	if (!p)
		return;
	if (p->g.target) {
		generated_drop(&p->g, 0);
		session_settle(p->g.target, NULL);
		orphan(&p->g);
	}
	vec_free(&p->funcs);
	vec_free(&p->batches);
	symbols_free(p->symbols);
	free(p->filter);
	free(p->key);
	free(p->frame);
	free(p);
}
