/*
 * cli/tally.c - see tally.h.
 */
#include "cli/tally.h"

#include "cli/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Of a row that is kept the texts are its own. */
static void text_free(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void row_fini(struct tally_row *r)
{
	for (unsigned i = 0; i < r->nframes && r->kept; i++) {
		text_free(r->frame[i].module);
		text_free(r->frame[i].func);
	}
	if (r->kept) {
		text_free(r->module);
		text_free(r->func);
	}
	free(r->frame);
}

/* -- rows ---------------------------------------------------------------------------------- */

static void drop_rows(struct tally *t)
{
	for (size_t i = 0; i < t->rows.n; i++)
		row_fini(&t->rows.at[i]);
	t->rows.n = 0;
	t->functions = t->called = 0;
	t->calls = 0;
}

/* Leave of a row what came since the last table; what can only be told of all goes. */
static int since_last(struct tally *t, struct tally_row *r)
{
	struct tally_seen none = { 0 }, *seen, now = { .calls = r->calls, .sum_ns = r->sum_ns };
	struct tally_probe *p = &t->probe[t->at];

	while (p->seen.n <= r->id) {
		if (vec_push(&p->seen, none) < 0)
			return -ENOMEM;
	}
	seen = &p->seen.at[r->id];
	memcpy(now.bucket, r->bucket, sizeof(now.bucket));
	r->calls -= seen->calls;
	r->sum_ns -= seen->sum_ns;
	for (unsigned i = 0; i < TALLY_BUCKETS; i++)
		r->bucket[i] -= seen->bucket[i];
	r->min_ns = r->max_ns = 0;
	*seen = now;
	return 0;
}

static int copy_frames(struct tally_row *r, const struct utramp_frame *from, unsigned n)
{
	r->frame = NULL;
	r->nframes = 0;
	if (!n)
		return 0;
	r->frame = calloc(n, sizeof(*r->frame));
	if (!r->frame)
		return -ENOMEM;
	memcpy(r->frame, from, n * sizeof(*r->frame));
	r->nframes = n;
	return 0;
}

static int take_row(void *ctx, const struct utramp_probe_row *from)
{
	struct tally *t = ctx;
	struct tally_row r = { .id = from->id,
			       .module = from->module,
			       .func = from->func,
			       .calls = from->calls,
			       .unfinished = from->unfinished,
			       .sum_ns = from->sum_ns,
			       .min_ns = from->min_ns,
			       .max_ns = from->max_ns };

	for (unsigned i = 0; i < from->nbuckets; i++)
		r.bucket[i < TALLY_BUCKETS ? i : TALLY_BUCKETS - 1] += from->bucket[i];
	r.was_called = r.calls || r.unfinished;
	if (t->c->interval_ns)
		t->err = since_last(t, &r);
	if (!t->err)
		t->err = copy_frames(&r, from->frame, from->nframes);
	if (!t->err && vec_push(&t->rows, r) < 0)
		t->err = -ENOMEM;
	if (t->err)
		free(r.frame);
	return t->err;
}

/* -- rows of several processes are one, where they tell of the same ------------------------- */

static int by_text(const char *x, const char *y)
{
	return x && y ? strcmp(x, y) : (x != NULL) - (y != NULL);
}

/* Addresses differ from process to process; a frame without a name is its place in the file. */
static int by_frame(const struct utramp_frame *x, const struct utramp_frame *y)
{
	int r = by_text(x->module, y->module);

	r = r ? r : by_text(x->func, y->func);
	if (r)
		return r;
	if (!x->module)
		return x->addr < y->addr ? -1 : x->addr > y->addr;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int by_function(const struct tally_row *x, const struct tally_row *y)
{
	int r = strcmp(x->module, y->module);

	return r ? r : strcmp(x->func, y->func);
}

static int by_what(const void *a, const void *b)
{
	const struct tally_row *x = a, *y = b;
	int r = by_function(x, y);

	if (!r)
		r = x->nframes < y->nframes ? -1 : x->nframes > y->nframes;
	for (unsigned i = 0; i < x->nframes && !r; i++)
		r = by_frame(&x->frame[i], &y->frame[i]);
	return r;
}

static void add_row(struct tally_row *to, const struct tally_row *r)
{
	to->was_called |= r->was_called;
	if (r->calls && (!to->calls || r->min_ns < to->min_ns))
		to->min_ns = r->min_ns;
	if (r->max_ns > to->max_ns)
		to->max_ns = r->max_ns;
	to->calls += r->calls;
	to->unfinished += r->unfinished;
	to->sum_ns += r->sum_ns;
	for (unsigned i = 0; i < TALLY_BUCKETS; i++)
		to->bucket[i] += r->bucket[i];
}

static size_t merge_rows(struct tally_row *at, size_t rows)
{
	size_t n = 0;

	if (rows)
		qsort(at, rows, sizeof(at[0]), by_what);
	for (size_t i = 0; i < rows; i++) {
		if (n && !by_what(&at[n - 1], &at[i])) {
			add_row(&at[n - 1], &at[i]);
			row_fini(&at[i]);
		} else {
			at[n++] = at[i];
		}
	}
	return n;
}

/* -- rows of targets that are over (-f) ------------------------------------------------------ */

/* Its texts were its probe's. */
static int keep_row(struct tally_row *r)
{
	bool whole = true;

	r->kept = true;
	r->module = strdup(r->module);
	r->func = strdup(r->func);
	whole = r->module && r->func;
	for (unsigned i = 0; i < r->nframes; i++) {
		struct utramp_frame *f = &r->frame[i];
		const char *module = f->module, *func = f->func;

		f->module = module ? strdup(module) : NULL;
		f->func = func ? strdup(func) : NULL;
		whole &= !module == !f->module && !func == !f->func;
	}
	return whole ? 0 : -ENOMEM;
}

static int keep_rows(struct tally *t)
{
	int err = 0;

	for (size_t i = 0; i < t->rows.n; i++) {
		int bad = keep_row(&t->rows.at[i]);

		err = err ? err : bad;
		if (!err)
			err = vec_push(&t->past, t->rows.at[i]);
		if (err)
			row_fini(&t->rows.at[i]);
	}
	t->rows.n = 0;
	t->past.n = merge_rows(t->past.at, t->past.n);
	return err;
}

static void part(void *arg, int i, bool used)
{
	struct tally *t = arg;
	struct tally_probe *p = &t->probe[i];
	int n = 0;

	drop_rows(t);
	t->at = i;
	if (used)
		n = utramp_probe__each(p->p, take_row, t);
	if (n < 0)
		cli_fail(n);
	if (!t->err)
		t->err = keep_rows(t);
	t->past_lost += utramp_probe__lost(p->p);
	vec_free(&p->seen);
	utramp_probe__free(p->p);
	*p = t->probe[t->group.n - 1];
	memset(&t->probe[t->group.n - 1], 0, sizeof(*p));
}

static int add_past(struct tally *t)
{
	int err = 0;

	for (size_t i = 0; i < t->past.n && !err; i++) {
		struct tally_row r = t->past.at[i];

		r.kept = false; /* the texts stay where they are */
		err = copy_frames(&r, t->past.at[i].frame, t->past.at[i].nframes);
		if (!err && vec_push(&t->rows, r) < 0) {
			free(r.frame);
			err = -ENOMEM;
		}
	}
	return err;
}

/* They are in a table now; that they were called is told at the end. */
static void empty_past(struct tally *t)
{
	for (size_t i = 0; i < t->past.n; i++) {
		struct tally_row *r = &t->past.at[i];

		r->calls = r->unfinished = r->sum_ns = 0;
		memset(r->bucket, 0, sizeof(r->bucket));
	}
}

/* Count them, and leave those out that there is nothing to say of. */
static void sift_rows(struct tally *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->rows.n; i++) {
		struct tally_row *r = &t->rows.at[i];

		t->functions++;
		t->called += r->was_called;
		t->calls += r->calls;
		if (r->calls || r->unfinished || t->c->verbose)
			t->rows.at[n++] = *r;
		else
			row_fini(r);
	}
	t->rows.n = n;
}

/* The most first; then by name, so that equal ones do not change places. */
static int compare(const void *a, const void *b, void *by_time)
{
	const struct tally_row *x = a, *y = b;
	uint64_t nx = by_time ? x->sum_ns : x->calls, ny = by_time ? y->sum_ns : y->calls;
	int by_name;

	if (nx != ny)
		return nx < ny ? 1 : -1;
	by_name = strcmp(x->module, y->module);
	by_name = by_name ? by_name : strcmp(x->func, y->func);
	return by_name ? by_name : x->id < y->id ? -1 : x->id > y->id;
}

/* -- tables ---------------------------------------------------------------------------------- */

static void json_row(struct tally *t, const struct tally_row *r)
{
	struct json *w = &t->line;

	json_open(w, '{');
	if (t->c->interval_ns) {
		json_key(w, "time_ns");
		json_u64(w, t->time_ns);
	}
	json_key(w, "module");
	json_str(w, r->module);
	json_key(w, "func");
	json_str(w, r->func);
	json_key(w, "calls");
	json_u64(w, r->calls);
	if (t->json)
		t->json(t, r);
	json_close(w, '}');
	json_raw(w, "\n", 1);
	w->comma = false;
}

static void head(struct tally *t)
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	if (t->c->interval_ns && localtime_r(&now, &tm)) {
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
		json_printf(&t->line, "%s%s\n", t->c->shown ? "\n" : "", text);
	}
	if (t->begin)
		t->begin(t);
}

static int print_table(struct tally *t)
{
	int n;

	drop_rows(t);
	json_reset(&t->line);
	t->time_ns = now_ns();
	for (t->at = 0; t->at < t->group.n; t->at++) {
		n = utramp_probe__each(t->probe[t->at].p, take_row, t);
		if (n < 0 || t->err)
			return n < 0 ? n : t->err;
	}
	n = add_past(t);
	if (n < 0)
		return n;
	if (t->c->interval_ns)
		empty_past(t);
	if (t->group.several)
		t->rows.n = merge_rows(t->rows.at, t->rows.n);
	sift_rows(t);
	if (t->rows.n)
		qsort_r(t->rows.at, t->rows.n, sizeof(t->rows.at[0]), compare,
			t->by_time ? t : NULL);
	if (!t->c->json)
		head(t);
	for (size_t i = 0; i < t->rows.n; i++) {
		if (t->c->json)
			json_row(t, &t->rows.at[i]);
		else
			t->row(t, &t->rows.at[i]);
	}
	if (!t->c->json && t->end)
		t->end(t);
	if (t->line.failed)
		return -ENOMEM;
	fwrite(t->line.buf, 1, t->line.n, t->c->out);
	t->c->shown++;
	return 1;
}

static int drain(void *arg, bool final)
{
	struct tally *t = arg;
	uint64_t now = now_ns();
	int n;

	if (!final && (!t->c->interval_ns || now < t->next_ns))
		return 0;
	if (final)
		cli_keep_closing();
	while (t->next_ns <= now && t->c->interval_ns)
		t->next_ns += t->c->interval_ns;
	n = print_table(t);
	if (n == -ENOMEM)
		cli_error("no memory for the table");
	else if (n < 0)
		cli_fail(n);
	return n;
}

/* -- the verb -------------------------------------------------------------------------------- */

static int add_all(struct tally *t, struct utramp_probe *p)
{
	struct cli *c = t->c;
	struct utramp_attach_opts opts = {
		.sz = sizeof(opts), .missing_ok = c->missing_ok, .missing = cli_missing, .ctx = c
	};

	for (int i = 0; i < c->nargs; i++) {
		int n = utramp_probe__add(p, c->arg[i], &opts);

		if (n < 0)
			return cli_fail_spec(n);
		cli_passed(c, c->arg[i]);
	}
	return 0;
}

static int set_up(void *arg, struct utramp_target *target, int i)
{
	struct tally *t = arg;
	struct utramp_probe *p = utramp_probe__new(target, t->kind, &t->opts);
	int code = p ? add_all(t, p) : cli_fail_spec(-errno);

	if (code)
		utramp_probe__free(p);
	else
		t->probe[i].p = p;
	return code;
}

static int start(struct tally *t)
{
	struct cli *c = t->c;
	int code;

	t->group.part = part;
	code = cli_group_start(&t->group, c);

	t->opts = (struct utramp_probe_opts){ .sz = sizeof(t->opts),
					      .filter = c->filter,
					      .deny = c->deny,
					      .ndeny = (size_t)c->ndeny,
					      .depth = (unsigned)c->depth };
	if (!code)
		code = cli_group_each(&t->group, set_up, t);
	if (!code)
		code = cli_group_resume(&t->group);
	t->next_ns = now_ns() + c->interval_ns;
	return code;
}

static void tell(struct tally *t)
{
	uint64_t lost = t->past_lost;

	for (int i = 0; i < t->group.n; i++)
		lost += utramp_probe__lost(t->probe[i].p);
	if (t->kind != UTRAMP_PROBE_STACK)
		cli_info(t->c, "%u of %u function%s %s called", t->called, t->functions,
			 cli_plural(t->functions), t->called == 1 ? "was" : "were");
	if (lost)
		cli_error("stacks lost: %llu call%s", (unsigned long long)lost, cli_plural(lost));
}

static void fini(struct tally *t)
{
	drop_rows(t);
	vec_free(&t->rows);
	for (size_t i = 0; i < t->past.n; i++)
		row_fini(&t->past.at[i]);
	vec_free(&t->past);
	json_fini(&t->line);
	for (int i = 0; i < t->group.n; i++) {
		vec_free(&t->probe[i].seen);
		utramp_probe__free(t->probe[i].p);
	}
	cli_group_free(&t->group);
}

int tally_run(struct tally *t, enum utramp_probe_kind kind)
{
	struct cli *c = t->c;
	int code;

	if (!c->nargs) {
		cli_error("%s: the function is missing: utramp %s [MODULE:]FUNC -- CMD", c->verb,
			  c->verb);
		return EXIT_USAGE;
	}
	c->untyped_ok = !c->filter;
	t->kind = kind;
	json_init(&t->line);
	code = start(t);
	if (!code) {
		code = cli_group_wait(&t->group, drain, t);
		tell(t);
		cli_group_tell_unwound(&t->group);
	}
	fini(t);
	return code;
}
