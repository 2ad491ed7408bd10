/*
 * cli/tally.h - what count, latency and stack share: a probe on a command, and tables of it.
 *
 * With -i there is a table each interval, of what came since the last one; without, one at the
 * end.  Rows without calls are left out, unless -v.
 *
 * Memory   rows live until the table is printed
 * Context  [ctl]
 */
#ifndef CLI_TALLY_H
#define CLI_TALLY_H

#include "cli/group.h"

#include "base/json.h"
#include "base/vec.h"

#define TALLY_BUCKETS 64

struct tally_row {
	unsigned id;
	const char *module, *func;
	uint64_t calls, unfinished, sum_ns, min_ns, max_ns;
	uint64_t bucket[TALLY_BUCKETS];
	bool was_called;            /* ever, not only since the last table */
	struct utramp_frame *frame; /* owned */
	unsigned nframes;
	bool kept; /* the texts are its own, too */
};

/* What a row was when it was last printed. */
struct tally_seen {
	uint64_t calls, sum_ns, bucket[TALLY_BUCKETS];
};

struct tally {
	struct cli *c;
	enum utramp_probe_kind kind;
	struct utramp_probe_opts opts;
	struct cli_group group;
	struct tally_probe {
		struct utramp_probe *p;
		struct {
			VEC(struct tally_seen); /* by id; -i */
		} seen;
	} probe[CLI_MAX];
	int at; /* the probe that is read */
	struct {
		VEC(struct tally_row);
	} rows;
	struct {
		VEC(struct tally_row); /* -f: of targets that are over; -i: since the last table */
	} past;
	uint64_t past_lost;
	unsigned functions, called; /* of all read */
	uint64_t calls;             /* in rows */
	uint64_t time_ns, next_ns;  /* -i: of this table, when the next is due */
	struct json line;
	int err;

	/* the verb's own */
	bool by_time;                   /* rows with the most time first, not the most calls */
	void (*begin)(struct tally *t); /* before the rows, text only */
	void (*row)(struct tally *t, const struct tally_row *r);
	void (*json)(struct tally *t, const struct tally_row *r); /* members behind func */
	void (*end)(struct tally *t); /* behind them, text only; both may be NULL */
};

/* The whole verb; exit code. */
int tally_run(struct tally *t, enum utramp_probe_kind kind);

#endif
