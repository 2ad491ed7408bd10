/*
 * cli/cmd_run.c - utramp run: objects on a command, what they print on stdout.
 *
 * bpf_printk text as it is, a line each, with -j {"printk":TEXT,"time_ns","pid","tid"}; ring
 * records and, when everything is over, maps as utramp/print.h has them.
 */
#include "cli/group.h"
#include "cli/keep.h"
#include "cli/merge.h"

#include "base/json.h"
#include "utramp/print.h"
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ring {
	struct one *one;
	struct utramp_map *map;
	struct utramp_ring_buffer *rb;
};

/* A target, and the objects that run there. */
struct one {
	struct run *run;
	struct utramp_target *t;
	struct cli_objects objects;
	struct ring *ring;
	int nrings;
};

struct run {
	struct cli *c;
	struct cli_group group;
	struct one *one[CLI_MAX]; /* one[0]: opened before its target is there */
	struct merge merge;
	int events, err; /* err: of keeping lines */
	bool over;       /* the maps are printed */
	struct json line;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void put_line(struct run *r, const char *text, size_t n)
{
	fwrite(text, 1, n, r->c->out);
	fputc('\n', r->c->out);
}

/* One of several processes': "[pid 17] TEXT", {"pid":17,...}; bpf_printk's JSON has it already. */
static void put_of(void *ctx, pid_t pid, const char *text, size_t n)
{
	static const char printk[] = "{\"printk\":";
	struct run *r = ctx;

	if (!r->c->json) {
		fprintf(r->c->out, "[pid %d] ", (int)pid);
	} else if (n > 1 && *text == '{' &&
		   (n < sizeof(printk) || memcmp(text, printk, sizeof(printk) - 1) != 0)) {
		fprintf(r->c->out, "{\"pid\":%d%s", (int)pid, text[1] == '}' ? "" : ",");
		text++;
		n--;
	}
	put_line(r, text, n);
}

/* Of a map: a table may have lines without a beginning of their own. */
static void put_map_line(void *ctx, const char *text, size_t n)
{
	struct one *o = ctx;

	if (o->run->group.several && o->run->c->json)
		put_of(o->run, utramp_target__pid(o->t), text, n);
	else
		put_line(o->run, text, n);
}

static void put_event(struct run *r, const char *text, size_t n)
{
	if (cli_full(r->c))
		return;
	r->c->shown++;
	put_line(r, text, n);
}

static void put_merged(void *ctx, pid_t pid, const char *text, size_t n)
{
	struct run *r = ctx;

	if (cli_full(r->c))
		return;
	r->c->shown++;
	put_of(r, pid, text, n);
}

static void take_event(struct one *o, uint64_t time_ns, pid_t pid, const char *text, size_t n)
{
	struct run *r = o->run;
	int err = 0;

	if (r->group.several)
		err = merge_add(&r->merge, time_ns, pid, text, n);
	else
		put_event(r, text, n);
	r->err = r->err ? r->err : err;
}

static void print_text(void *ctx, const struct utramp_printk *p)
{
	struct one *o = ctx;
	struct run *r = o->run;
	size_t n = p->size;

	while (n && p->text[n - 1] == '\n')
		n--;
	json_reset(&r->line);
	if (r->c->json) {
		json_open(&r->line, '{');
		json_key(&r->line, "printk");
		json_strn(&r->line, p->text, n);
		json_key(&r->line, "time_ns");
		json_u64(&r->line, p->time_ns);
		json_key(&r->line, "pid");
		json_i64(&r->line, p->pid);
		json_key(&r->line, "tid");
		json_i64(&r->line, p->tid);
		json_close(&r->line, '}');
	} else {
		json_raw(&r->line, p->text, n);
	}
	r->events++;
	take_event(o, p->time_ns, p->pid, r->line.buf, r->line.n);
}

static struct utramp_print_opts print_opts(const struct run *r)
{
	return (struct utramp_print_opts){ .sz = sizeof(struct utramp_print_opts),
					   .json = r->c->json };
}

/* A record has no time of its own: it is when it was read. */
static void take_record(void *ctx, const char *text, size_t n)
{
	struct one *o = ctx;

	take_event(o, o->run->merge.begun_ns, utramp_target__pid(o->t), text, n);
}

static int print_record(void *ctx, const void *data, size_t size)
{
	struct ring *ring = ctx;
	struct run *r = ring->one->run;
	struct utramp_print_opts opts = print_opts(r);

	r->events++;
	if (cli_full(r->c))
		return 0;
	return utramp_map__format_record(ring->map, data, size, &opts, take_record, ring->one);
}

static int drain_one(struct one *o)
{
	int n;

	for (int i = 0; i < o->nrings; i++) {
		n = utramp_ring_buffer__consume(o->ring[i].rb);
		if (n < 0)
			return cli_fail(n), n;
	}
	n = utramp_target__read_printk(o->t, print_text, o);
	if (n < 0)
		return cli_fail(n), n;
	return 0;
}

static int drain_events(struct run *r, bool final)
{
	int before = r->events, err = 0;

	merge_begin(&r->merge, now_ns());
	for (int i = 0; i < r->group.n && !err; i++)
		err = drain_one(r->one[i]);
	if (err)
		return err;
	if (r->err) {
		cli_error("no memory for lines of several processes");
		return r->err;
	}
	if (!r->group.several)
		return r->events - before;
	return merge_tell(&r->merge, final, put_merged, r);
}

static void print_maps_of(struct one *o)
{
	struct run *r = o->run;
	struct utramp_print_opts opts = print_opts(r);

	if (r->group.several && !r->c->json)
		fprintf(r->c->out, "process %d:\n", (int)utramp_target__pid(o->t));
	for (int i = 0; i < o->objects.n; i++) {
		struct utramp_map *m = NULL;

		while ((m = utramp_object__next_map(o->objects.obj[i], m))) {
			int n;

			if (utramp_map__is_hidden(m))
				continue;
			n = utramp_map__print(m, &opts, put_map_line, o);
			if (n < 0)
				cli_reason(n);
			else if (!n && r->c->verbose)
				cli_info(r->c, "map %s: nothing to show", utramp_map__name(m));
		}
	}
}

/* Once: they say how it was when the programs ran last. */
static void print_maps(struct run *r)
{
	cli_keep_closing();
	for (int i = 0; i < r->group.n && !r->over; i++)
		print_maps_of(r->one[i]);
	r->over = true;
}

static int drain(void *arg, bool final)
{
	struct run *r = arg;
	int n = drain_events(r, final);

	if (final)
		print_maps(r);
	return n;
}

static void tell_hex(const struct cli *c, const char *ring)
{
	cli_info(c,
		 "records of %s are shown in hex: the object's BTF has no struct %s_event; a "
		 "variable 'struct %s_event *_%s_event;' makes clang put it there",
		 ring, ring, ring, ring);
}

static int open_rings(struct one *one, struct utramp_object *o, bool tell)
{
	struct utramp_map *m = NULL;

	while ((m = utramp_object__next_map(o, m))) {
		struct ring *ring;

		if (utramp_map__type(m) != BPF_MAP_TYPE_RINGBUF &&
		    utramp_map__type(m) != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			continue;
		ring = &one->ring[one->nrings];
		ring->one = one;
		ring->map = m;
		if (tell && !utramp_map__record_type(m))
			tell_hex(one->run->c, utramp_map__name(m));
		ring->rb = utramp_ring_buffer__new(m, print_record, ring, NULL);
		if (!ring->rb)
			return cli_fail(-errno);
		if (++one->nrings == CLI_MAX)
			break;
	}
	return 0;
}

static void one_free(struct one *o)
{
	if (!o)
		return;
	for (int i = 0; i < o->nrings; i++)
		utramp_ring_buffer__free(o->ring[i].rb);
	cli_close_objects(&o->objects);
	free(o->ring);
	free(o);
}

/* NULL: *code has the exit code. */
static struct one *one_open(struct run *r, int *code)
{
	struct one *o = calloc(1, sizeof(*o));

	*code = EXIT_RUNTIME;
	if (o)
		o->ring = calloc(CLI_MAX, sizeof(*o->ring));
	if (o && o->ring) {
		o->run = r;
		*code = cli_open_objects(r->c, 0, &o->objects);
	}
	if (!*code)
		return o;
	one_free(o);
	return NULL;
}

static int load_all(struct one *one, bool tell)
{
	struct cli *c = one->run->c;
	int code = 0;

	if (c->stats && utramp_target__enable_stats(one->t, true))
		code = cli_fail(-errno);
	for (int i = 0; i < one->objects.n && !code; i++) {
		struct utramp_object *o = one->objects.obj[i];
		struct utramp_program *p = NULL;

		code = cli_load(c, o, one->t);
		while (!code && (p = utramp_object__next_program(o, p)))
			code = cli_attach(c, one->t, p, NULL);
		if (!code)
			code = open_rings(one, o, tell);
	}
	return code;
}

static int set_up(void *arg, struct utramp_target *t, int i)
{
	struct run *r = arg;
	int code = 0;

	if (!r->one[i])
		r->one[i] = one_open(r, &code);
	if (!code) {
		r->one[i]->t = t;
		code = load_all(r->one[i], !i);
	}
	if (code) {
		one_free(r->one[i]);
		r->one[i] = NULL;
	}
	return code;
}

/* A program that would have run inside itself was passed over: say so, as with lost events. */
static void tell_missed(const struct one *o)
{
	for (int i = 0; i < o->objects.n; i++) {
		struct utramp_program *p = NULL;

		while ((p = utramp_object__next_program(o->objects.obj[i], p))) {
			uint64_t n = utramp_program__missed(p);

			if (n)
				cli_error(
					"program %s missed %llu run%s: a signal handler called the "
					"function while it ran",
					utramp_program__name(p), (unsigned long long)n,
					cli_plural(n));
		}
	}
}

/* As `bpftool prog` has it. */
static void tell_stats(const struct one *o)
{
	for (int i = 0; o->run->c->stats && i < o->objects.n; i++) {
		struct utramp_program *p = NULL;

		while ((p = utramp_object__next_program(o->objects.obj[i], p))) {
			uint64_t ns, n = utramp_program__stats(p, &ns);

			if (utramp_program__autoload(p))
				cli_error("%s: run_time_ns %llu run_cnt %llu recursion_misses %llu",
					  utramp_program__name(p), (unsigned long long)ns,
					  (unsigned long long)n,
					  (unsigned long long)utramp_program__missed(p));
		}
	}
}

static void tell(const struct run *r)
{
	for (int i = 0; i < r->group.n && r->one[i]; i++) {
		if (r->group.several && r->c->stats)
			cli_error("process %d:", (int)utramp_target__pid(r->group.t[i]));
		tell_missed(r->one[i]);
		tell_stats(r->one[i]);
	}
	if (r->group.n)
		cli_group_tell_unwound(&r->group);
}

/* -f: its maps are printed when it is over. */
static void part(void *arg, int i, bool used)
{
	struct run *r = arg;
	struct one *o = r->one[i];

	r->merge.begun_ns = now_ns();
	if (used && !drain_one(o) && !r->c->broken) {
		merge_tell(&r->merge, true, put_merged, r);
		print_maps_of(o);
	}
	if (used && r->c->stats)
		cli_error("process %d:", (int)utramp_target__pid(o->t));
	if (used) {
		tell_missed(o);
		tell_stats(o);
	}
	one_free(o);
	r->one[i] = r->one[r->group.n - 1];
	r->one[r->group.n - 1] = NULL;
}

static int run(struct cli *c)
{
	static struct run r;
	int code;

	r.c = c;
	json_init(&r.line);
	r.one[0] = one_open(&r, &code);
	if (!code)
		code = cli_check_names(c, &r.one[0]->objects);
	r.group.part = part;
	if (!code)
		code = cli_group_start(&r.group, c);
	if (!code)
		code = cli_group_each(&r.group, set_up, &r);
	if (!code)
		code = cli_group_resume(&r.group);
	if (!code)
		code = cli_group_wait(&r.group, drain, &r);
	if (c->ran && !c->broken)
		print_maps(&r); /* if events could not be read to their end */
	tell(&r);
	for (int i = 0; i < CLI_MAX; i++)
		one_free(r.one[i]);
	cli_group_free(&r.group);
	merge_fini(&r.merge);
	json_fini(&r.line);
	return code;
}

int cmd_run(struct cli *c)
{
	if (c->dry_run && c->follow) {
		cli_error("run: --dry-run runs nothing that could be followed: leave -f out");
		return EXIT_USAGE;
	}
	if (c->dry_run && (c->npid || c->ncomm)) {
		cli_error("run: --dry-run looks at files and commands, not at a process that runs "
			  "(-p, -n): leave that out, or give its program: -- CMD");
		return EXIT_USAGE;
	}
	if (c->dry_run && c->keep) {
		cli_error("run: --keep with --dry-run: nothing is attached that could be kept");
		return EXIT_USAGE;
	}
	if (c->nargs)
		return c->dry_run ? cli_dry_run(c) : run(c);
	cli_error("run: the object is missing: utramp run OBJ.bpf.o %s",
		  c->dry_run ? "--dry-run" : "-- CMD");
	return EXIT_USAGE;
}
