/*
 * cli/cmd_latency.c - utramp latency: how long calls take.
 *
 * All times are ns.  Quantiles are estimated: within a bucket calls are taken to be spread
 * evenly.
 */
#include "cli/tally.h"

#include <inttypes.h>

static void begin(struct tally *t)
{
	json_printf(&t->line, "durations in ns (~ estimated from the histogram)\n");
}

/* The duration that this share of calls does not exceed. */
static uint64_t quantile(const struct tally_row *r, double share)
{
	double rank = share * (double)r->calls, below = 0;
	uint64_t v = 0;

	for (unsigned i = 0; i < TALLY_BUCKETS; i++) {
		double low = i ? (double)(1ull << i) : 0, high = i ? 2 * low : 2, n;

		n = (double)r->bucket[i];
		if (n > 0 && below + n >= rank) {
			v = (uint64_t)(low + (high - low) * (rank - below) / n);
			break;
		}
		below += n;
	}
	if (r->max_ns && v > r->max_ns)
		v = r->max_ns;
	return v < r->min_ns ? r->min_ns : v;
}

static void put_hist(void *ctx, const char *text, size_t n)
{
	struct tally *t = ctx;

	json_raw(&t->line, text, n);
}

static uint64_t average(const struct tally_row *r)
{
	return r->calls ? r->sum_ns / r->calls : 0;
}

static void row(struct tally *t, const struct tally_row *r)
{
	struct json *w = &t->line;

	json_printf(w, "\n%s:%s\n", r->module, r->func);
	json_printf(w, "calls %" PRIu64 ", total %" PRIu64 ", average %" PRIu64, r->calls,
		    r->sum_ns, average(r));
	if (r->calls && !t->c->interval_ns)
		json_printf(w, ", min %" PRIu64 ", max %" PRIu64, r->min_ns, r->max_ns);
	if (r->calls)
		json_printf(w, ", p50 ~%" PRIu64 ", p99 ~%" PRIu64, quantile(r, 0.5),
			    quantile(r, 0.99));
	json_printf(w, "\n");
	if (r->unfinished)
		json_printf(w,
			    "not measured: %" PRIu64
			    " calls left by exception or longjmp, running still, or tail calls "
			    "inside a measured one\n",
			    r->unfinished);
	utramp_hist(r->bucket, TALLY_BUCKETS, false, put_hist, t);
}

static void put_u64(struct json *w, const char *key, uint64_t v)
{
	json_key(w, key);
	json_u64(w, v);
}

static void json_members(struct tally *t, const struct tally_row *r)
{
	struct json *w = &t->line;

	put_u64(w, "avg_ns", average(r));
	put_u64(w, "total_ns", r->sum_ns);
	if (!t->c->interval_ns) {
		put_u64(w, "min_ns", r->min_ns);
		put_u64(w, "max_ns", r->max_ns);
	}
	put_u64(w, "unfinished", r->unfinished);
	json_key(w, "hist");
	utramp_hist(r->bucket, TALLY_BUCKETS, true, put_hist, t);
	w->comma = true;
}

int cmd_latency(struct cli *c)
{
	struct tally t = {
		.c = c, .by_time = true, .begin = begin, .row = row, .json = json_members
	};

	return tally_run(&t, UTRAMP_PROBE_LATENCY);
}
