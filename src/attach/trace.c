/*
 * attach/trace.c - utramp_trace: generated programs on functions, their records as lines.
 *
 * The programs go the same road as a user's: checked by program_load(), linked to hooks,
 * compiled into images.
 */
#include "gen/trace.h"
#include "attach/ringbuf.h"
#include "attach/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_RING (64ull << 20)
/* In generated LDDWs: the programs have these two maps, so the numbers are ours to choose. */
#define RING_FD  1
#define SLOTS_FD 2

struct utramp_trace {
	struct utramp_target *target; /* NULL: gone */
	struct utramp_trace_opts opts;
	struct gen_trace *gen;
	struct map *ring, *slots;
	struct utramp_ring_buffer *rb;
	struct {
		VEC(struct link *);
	} links;
	/* while reading */
	void (*line)(void *ctx, const char *text, size_t n);
	void *ctx;
};

static int record(void *arg, const void *data, size_t n)
{
	struct utramp_trace *tr = arg;

	tr->target->arena->hdr->heartbeat++;
	return gen_trace_record(tr->gen, data, n, tr->line, tr->ctx) == -ENOMEM ? 1 : 0;
}

static uint64_t ring_size(uint64_t want)
{
	uint64_t n = SHM_RING_PAGE;

	while (n < want && n < (1ull << 30))
		n *= 2;
	return n;
}

static int trace_init(struct utramp_trace *tr, struct diag *d)
{
	struct gen_trace_opts go = { .json = tr->opts.json,
				     .timestamps = tr->opts.timestamps,
				     .strings = tr->opts.strings };
	struct map_attr attr = { .type = BPF_MAP_TYPE_RINGBUF,
				 .max_entries = (uint32_t)ring_size(tr->opts.buffer),
				 .name = "trace",
				 .lossless = tr->opts.lossless };
	struct map_attr slots = { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				  .key_size = sizeof(uint32_t),
				  .value_size = sizeof(struct gen_slot_value),
				  .max_entries = 1,
				  .name = "trace_slots" };
	int err = gen_trace_new(&go, &tr->gen);

	if (!err)
		err = map_create(tr->target->arena, &attr, &tr->ring, d);
	if (!err)
		err = map_create(tr->target->arena, &slots, &tr->slots, d);
	if (!err)
		err = ringbuf_new(tr->target, tr->ring, record, tr, &tr->rb, d);
	if (err)
		return err;
	tr->rb->silent = true; /* a record that is lost is not a call: trace_lost() */
	return vec_push(&tr->target->traces, tr);
}

struct utramp_trace *utramp_trace__new(struct utramp_target *t,
				       const struct utramp_trace_opts *opts)
{
	struct diag *d = api_diag();
	struct utramp_trace *tr;
	int err;

	if (!t)
		return api_null(diag_set(d, -EINVAL, "no target given"));
	tr = calloc(1, sizeof(*tr));
	if (!tr)
		return api_null(-ENOMEM);
	tr->target = t;
	err = opts_copy(&tr->opts, sizeof(tr->opts), opts, d);
	if (!opts)
		tr->opts.strings = 64;
	if (!tr->opts.buffer)
		tr->opts.buffer = TRACE_RING;
	if (!err)
		err = trace_init(tr, d);
	if (err) {
		utramp_trace__free(tr);
		return api_null(err);
	}
	return tr;
}

static struct map *trace_map(void *arg, int fd)
{
	struct utramp_trace *tr = arg;

	return fd == RING_FD ? tr->ring : fd == SLOTS_FD ? tr->slots : NULL;
}

static int load(struct utramp_trace *tr, const struct func *f, enum program_kind kind,
		const struct gen_prog *gp, struct program **out, struct diag *d)
{
	char name[64];

	snprintf(name, sizeof(name), "trace_%s", f->name);
	return program_load(&(struct program_attr){ .name = name,
						    .kind = kind,
						    .insn = gp->insn,
						    .ninsns = gp->n,
						    .arena = tr->target->arena,
						    .map_by_fd = trace_map,
						    .arg = tr,
						    .reentrant = true,
						    .nslots = f->model->nslots },
			    out, d);
}

/* One of the two programs of a function, generated, loaded, linked. */
static int link_program(struct utramp_trace *tr, struct hook *h, uint32_t id, bool exit,
			struct diag *d)
{
	struct gen_prog gp = { 0 };
	struct program *p = NULL;
	struct link *l;
	int err = exit ? gen_trace_exit(tr->gen, id, RING_FD, SLOTS_FD, &gp) :
			 gen_trace_entry(tr->gen, id, RING_FD, SLOTS_FD, &gp);

	if (!err)
		err = load(tr, h->func, exit ? PROGRAM_FEXIT : PROGRAM_FENTRY, &gp, &p, d);
	if (!err)
		err = hook_link(tr->target, h, p, exit ? TRAMP_FEXIT : TRAMP_FENTRY, 0, &l, d);
	if (!err)
		l->owner = tr;
	if (!err && vec_push(&tr->links, l) < 0) {
		link_remove(l);
		err = -ENOMEM;
	}
	program_put(p); /* the link holds it */
	free(gp.insn);
	return err;
}

static void drop_links(struct utramp_trace *tr, size_t keep)
{
	while (tr->links.n > keep)
		link_remove(tr->links.at[--tr->links.n]);
}

/* Another spec named this function before. */
static bool is_traced(const struct utramp_trace *tr, const struct hook *h)
{
	for (size_t i = 0; i < h->list[TRAMP_FENTRY].n; i++) {
		if (h->list[TRAMP_FENTRY].at[i]->owner == tr)
			return true;
	}
	return false;
}

/* Both programs of a function, or none. */
static int trace_hook(struct utramp_trace *tr, struct hook *h, struct diag *d)
{
	const struct func *f = h->func;
	struct gen_trace_func gf = { .module = f->mod->shown,
				     .name = f->name,
				     .proto = f->proto.source == PROTO_NONE ? NULL : &f->proto,
				     .model = f->model,
				     .entry = true,
				     .exit = f->can_exit && !tr->opts.entry_only };
	const char *why = func_refusal(f, TRAMP_FENTRY);
	size_t before = tr->links.n;
	uint32_t id;
	int err;

	if (why)
		return diag_set(d, f->site_err == -EBUSY ? -EBUSY : -ENOTSUP,
				"cannot trace %s:%s: %s", f->mod->shown, f->name, why);
	err = gen_trace_add(tr->gen, &gf, &id, d);
	if (!err)
		err = link_program(tr, h, id, false, d);
	if (!err && gf.exit)
		err = link_program(tr, h, id, true, d);
	if (err)
		drop_links(tr, before);
	return err;
}

/*
 * A pattern means what can be traced; a name means that function and no less.  Functions
 * that are traced already count, but get no second pair of programs.
 */
static int trace_all(struct utramp_trace *tr, const struct hook_list *list,
		     const struct utramp_attach_opts *o, struct diag *d)
{
	bool passing = list->pattern || o->missing_ok;
	int n = 0, first = 0;

	for (size_t i = 0; i < list->n; i++) {
		bool again = is_traced(tr, list->at[i]);
		int err = again ? 0 : trace_hook(tr, list->at[i], d);

		n += !err;
		if (!err && !again)
			session_warn(tr->target, list->at[i]->func, o);
		if (err && (!passing || err == -ENOMEM))
			return err;
		first = first ? first : err;
		if (err && o->missing)
			o->missing(o->ctx, diag_text(d, err));
	}
	return n || o->missing_ok ? n : first;
}

static int add(struct utramp_trace *tr, const char *spec, const struct utramp_attach_opts *o,
	       struct diag *d)
{
	struct hook_list list = { 0 };
	size_t before = tr->links.n;
	int n = session_hooks(tr->target, spec, &list, d), err = 0;

	if (!n && o->within)
		n = session_within(tr->target, o->within, &list, d);
	if (n == -ENOENT && o->missing_ok) {
		if (o->missing)
			o->missing(o->ctx, diag_text(d, n));
		vec_free(&list);
		return 0;
	}
	if (!n)
		n = trace_all(tr, &list, o, d);
	vec_free(&list);
	if (n > 0 && !session_waits(tr->target))
		err = session_commit(tr->target, d);
	if (n < 0 || err) {
		drop_links(tr, before);
		session_settle(tr->target, NULL);
	}
	return err ? err : n;
}

int utramp_trace__add(struct utramp_trace *tr, const char *spec,
		      const struct utramp_attach_opts *opts)
{
	struct utramp_attach_opts own;
	struct diag *d = api_diag();
	int err;

	if (!tr || !spec)
		return api_return(diag_set(d, -EINVAL, "no trace or function given"));
	if (!tr->target)
		return api_return(diag_set(d, -ESRCH, "the trace's target is gone"));
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err && (own.syms || own.cookies || own.cnt))
		err = diag_set(d, -EINVAL, "options: a list of functions is for .multi programs");
	return api_return(err ? err : add(tr, spec, &own, d));
}

/* What the programs of each thread slot could not record. */
static int count_lost(struct utramp_trace *tr)
{
	uint64_t used = __atomic_load_n(&tr->target->arena->hdr->slots_used, __ATOMIC_RELAXED);
	uint64_t each = (uint64_t)tr->slots->shm->value_stride * tr->slots->attr.max_entries;
	uint32_t key = 0;
	int err = 0;

	for (uint32_t i = 0; i < SHM_MAX_THREADS && i <= used && !err; i++) {
		struct gen_slot s = { .slot = i,
				      .addr = tr->target->proc->arena + tr->slots->shm->values +
					      i * each };

		err = map_lookup_slot(tr->slots, &key, i, &s.value);
		if (!err && (s.value.lost_calls || s.value.lost_exits))
			err = gen_trace_counters(tr->gen, &s, 1);
	}
	return err;
}

/* Calls, not records: what the generated programs counted, and what dead writers left. */
uint64_t trace_lost(const struct utramp_trace *tr)
{
	return gen_trace_lost(tr->gen) + ringbuf_unfinished(tr->rb);
}

int utramp_trace__read(struct utramp_trace *tr, bool final,
		       void (*line)(void *ctx, const char *text, size_t n), void *ctx)
{
	struct diag *d = api_diag();
	int n, err = 0;

	if (!tr || !line)
		return api_return(diag_set(d, -EINVAL, "no trace or callback given"));
	if (!tr->target)
		return api_return(diag_set(d, -ESRCH, "the trace's target is gone"));
	tr->line = line;
	tr->ctx = ctx;
	n = ringbuf_consume(tr->rb, final);
	if (n < 0)
		return api_return(diag_set(d, n, "the trace's ring buffer is damaged"));
	if (final)
		err = count_lost(tr);
	if (final && !err)
		err = gen_trace_finish(tr->gen, line, ctx);
	return api_return(err ? err : n);
}

static void forget(struct utramp_target *t, const struct utramp_trace *tr)
{
	for (size_t i = 0; i < t->traces.n; i++) {
		if (t->traces.at[i] != tr)
			continue;
		t->lost += trace_lost(tr);
		t->traces.at[i] = t->traces.at[--t->traces.n];
		return;
	}
}

void trace_orphan(struct utramp_trace *tr)
{
	drop_links(tr, 0);
	vec_free(&tr->links);
	forget(tr->target, tr);
	if (tr->rb)
		ringbuf_free(tr->rb);
	map_put(tr->slots);
	map_put(tr->ring);
	tr->rb = NULL;
	tr->slots = tr->ring = NULL;
	tr->target = NULL;
}

void utramp_trace__free(struct utramp_trace *tr)
{
	if (!tr)
		return;
	if (tr->target) {
		drop_links(tr, 0);
		session_settle(tr->target, NULL);
		trace_orphan(tr);
	}
	gen_trace_free(tr->gen);
	free(tr);
}
