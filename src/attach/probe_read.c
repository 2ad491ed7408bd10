/*
 * attach/probe_read.c - utramp_probe: what the programs have summed up by now.
 *
 * Threads go on adding while we read.  Each word is read whole; words of one row may differ by
 * calls that end meanwhile.
 */
#include "attach/probe.h"

#include "gen/hist.h"
#include "rt/rt.h"

#include <errno.h>
#include <string.h>

typedef int (*row_fn)(void *ctx, const struct utramp_probe_row *row);

static struct map *calls_of(const struct utramp_probe *p, const struct probe_func *f)
{
	return p->batches.at[f->batch].calls;
}

/* The next that is told of with it; NULL: there is none. */
static const struct probe_func *next_of(const struct utramp_probe *p, const struct probe_func *f)
{
	return f->next ? &p->funcs.at[f->next] : NULL;
}

static uint64_t counted(const struct utramp_probe *p, const struct probe_func *f)
{
	uint64_t sum = 0;

	for (; f; f = next_of(p, f)) {
		uint64_t n = 0;

		map_lookup(calls_of(p, f), &f->index, &n, 1);
		sum += n;
	}
	return sum;
}

static void add_slot(struct gen_tally_latency *sum, const struct gen_tally_latency *one)
{
	sum->entered += one->entered;
	sum->passed_over += one->passed_over;
	sum->sum_ns += one->sum_ns;
	if (sum->most_ns < one->most_ns)
		sum->most_ns = one->most_ns;
	if (sum->least_not < one->least_not)
		sum->least_not = one->least_not;
	for (unsigned i = 0; i < GEN_TALLY_BUCKETS; i++)
		sum->bucket[i] += one->bucket[i];
}

static void add_slots(const struct utramp_probe *p, const struct probe_func *f,
		      struct gen_tally_latency *sum)
{
	struct map *m = calls_of(p, f);
	struct gen_tally_latency one;

	for (unsigned slot = 0; slot < SHM_MAX_THREADS; slot++) {
		if (map_slot_touched(m, slot) && !map_lookup_slot(m, &f->index, slot, &one))
			add_slot(sum, &one);
	}
}

static void read_latency(const struct utramp_probe *p, const struct probe_func *f,
			 struct gen_tally_latency *sum, struct utramp_probe_row *row)
{
	uint64_t ended;

	memset(sum, 0, sizeof(*sum));
	for (; f; f = next_of(p, f))
		add_slots(p, f, sum);
	for (unsigned i = 0; i < GEN_TALLY_BUCKETS; i++)
		row->calls += sum->bucket[i];
	ended = row->calls + sum->passed_over;
	row->unfinished = sum->entered > ended ? sum->entered - ended : 0;
	row->sum_ns = sum->sum_ns;
	row->max_ns = sum->most_ns;
	row->min_ns = sum->least_not ? ~sum->least_not : 0;
	row->bucket = sum->bucket;
	row->nbuckets = GEN_TALLY_BUCKETS;
}

static struct utramp_probe_row row_of(const struct probe_func *f, unsigned id)
{
	return (struct utramp_probe_row){ .sz = sizeof(struct utramp_probe_row),
					  .id = id,
					  .module = f->func->mod->shown,
					  .func = f->name ? f->name : f->func->name };
}

static int each_func(struct utramp_probe *p, row_fn fn, void *ctx)
{
	struct gen_tally_latency sum;
	int n = 0;

	for (size_t i = 0; i < p->funcs.n; i++) {
		const struct probe_func *f = &p->funcs.at[i];
		struct utramp_probe_row row = row_of(f, (unsigned)i);

		if (f->first != i)
			continue;
		n++;
		if (p->kind == GEN_TALLY_LATENCY)
			read_latency(p, f, &sum, &row);
		else
			row.calls = counted(p, f);
		if (fn(ctx, &row))
			break;
	}
	return n;
}

/* -- stacks ------------------------------------------------------------------------------- */

static void show_frames(struct utramp_probe *p, struct utramp_probe_row *row)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->depth && p->key->frame[i]; i++)
		n += symbols_find(p->symbols, p->key->frame[i], &p->frame[n]);
	row->frame = p->frame;
	row->nframes = n;
}

/*
 * The next stack, in no order, into p->key: its count and its element's number.  Memory that
 * the target may have scribbled over is not believed: false then.
 */
static bool next_stack(struct utramp_probe *p, bool *first, uint64_t *calls, unsigned *id)
{
	struct map *m = p->stacks;
	uint64_t stride = rt_hash_elems_size(m->shm) / m->attr.max_entries, elems;
	const char *at;
	int err = map_next_key(m, *first ? NULL : p->key, p->key);

	*first = false;
	if (err || p->key->func >= p->funcs.n)
		return false;
	at = rt_hash_value(m->shm, p->key, 0);
	if (!at || map_lookup(m, p->key, calls, 0) < 0)
		return false;
	elems = (uint64_t)(at - (const char *)m->arena->hdr) -
		((const struct shm_hash *)shm_ptr(m->arena, m->shm->hash, sizeof(struct shm_hash)))
			->elems;
	*id = (unsigned)(elems / stride);
	return *id < m->attr.max_entries;
}

static int each_stack(struct utramp_probe *p, row_fn fn, void *ctx)
{
	bool first = true;
	uint64_t calls;
	unsigned id;
	int n = 0;

	symbols_look(p->symbols, p->g.target, true);
	/* a map that changes under us may lead in a circle */
	while ((unsigned)n < p->stacks->attr.max_entries && next_stack(p, &first, &calls, &id)) {
		struct utramp_probe_row row = row_of(&p->funcs.at[p->key->func], id);

		row.calls = calls;
		show_frames(p, &row);
		n++;
		if (fn(ctx, &row))
			break;
	}
	return n;
}

int utramp_probe__each(struct utramp_probe *p, row_fn fn, void *ctx)
{
	struct diag *d = api_diag();

	if (!p || !fn)
		return api_return(diag_set(d, -EINVAL, "no probe or callback given"));
	if (!p->g.target)
		return api_return(diag_set(d, -ESRCH, "the probe's target is gone"));
	return p->kind == GEN_TALLY_STACK ? each_stack(p, fn, ctx) : each_func(p, fn, ctx);
}

/* Runs that the guard refused, of programs that must not run inside themselves. */
static uint64_t missed(const struct utramp_probe *p, const struct probe_func *f)
{
	const struct shm_prog *s = shm_ptr(p->g.target->arena, f->prog->stats, sizeof(*s));

	return s ? __atomic_load_n(&s->missed, __ATOMIC_RELAXED) : 0;
}

uint64_t utramp_probe__lost(struct utramp_probe *p)
{
	uint64_t calls = 0, n = 0, sum = 0, lost = 0;
	bool first = true;
	unsigned id;

	if (!p || !p->g.target || p->kind != GEN_TALLY_STACK)
		return 0;
	for (size_t i = 0; i < p->funcs.n; i++) {
		if (p->funcs.at[i].first == i)
			calls += counted(p, &p->funcs.at[i]);
		lost += missed(p, &p->funcs.at[i]);
	}
	for (unsigned i = 0; i < p->stacks->attr.max_entries && next_stack(p, &first, &n, &id); i++)
		sum += n;
	return lost + (calls > sum ? calls - sum : 0);
}

int utramp_hist(const uint64_t *bucket, unsigned n, bool json,
		void (*fn)(void *ctx, const char *text, size_t size), void *ctx)
{
	struct json w;
	int err = 0;

	if (!bucket || !fn)
		return api_return(diag_set(api_diag(), -EINVAL, "no buckets or callback given"));
	json_init(&w);
	if (json)
		gen_hist_json(&w, bucket, n);
	else
		gen_hist_text(&w, bucket, n);
	if (w.failed)
		err = -ENOMEM;
	else if (w.n)
		fn(ctx, w.buf, w.n);
	json_fini(&w);
	return api_return(err);
}
