/*
 * cli/cmd_run.c - utramp run: objects on a command, what they print on stdout.
 *
 * bpf_printk text as it is, a line each, with -j {"printk":TEXT,"time_ns","pid","tid"}; ring
 * records and, when everything is over, maps as utramp/print.h has them.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "utramp/print.h"
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	struct run *run;
	struct utramp_map *map;
	struct utramp_ring_buffer *rb;
};

struct run {
	struct cli *c;
	struct utramp_target *t;
	struct cli_objects objects;
	struct ring *ring;
	int nrings, events;
	bool over; /* the maps are printed */
	struct json line;
};

static void put_line(void *ctx, const char *text, size_t n)
{
	struct run *r = ctx;

	fwrite(text, 1, n, r->c->out);
	fputc('\n', r->c->out);
}

static void put_event(void *ctx, const char *text, size_t n)
{
	struct run *r = ctx;

	if (cli_full(r->c))
		return;
	r->c->shown++;
	put_line(r, text, n);
}

static void print_text(void *ctx, const struct utramp_printk *p)
{
	struct run *r = ctx;
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
	put_event(r, r->line.buf, r->line.n);
}

static struct utramp_print_opts print_opts(const struct run *r)
{
	return (struct utramp_print_opts){ .sz = sizeof(struct utramp_print_opts),
					   .json = r->c->json };
}

static int print_record(void *ctx, const void *data, size_t size)
{
	struct ring *ring = ctx;
	struct utramp_print_opts opts = print_opts(ring->run);

	ring->run->events++;
	if (cli_full(ring->run->c))
		return 0;
	return utramp_map__format_record(ring->map, data, size, &opts, put_event, ring->run);
}

static int drain_events(struct run *r)
{
	int before = r->events, n;

	for (int i = 0; i < r->nrings; i++) {
		n = utramp_ring_buffer__consume(r->ring[i].rb);
		if (n < 0)
			return cli_fail(n), n;
	}
	n = utramp_target__read_printk(r->t, print_text, r);
	if (n < 0)
		return cli_fail(n), n;
	return r->events - before;
}

/* Once: they say how it was when the programs ran last. */
static void print_maps(struct run *r)
{
	struct utramp_print_opts opts = print_opts(r);

	for (int i = 0; i < r->objects.n && !r->over; i++) {
		struct utramp_map *m = NULL;

		while ((m = utramp_object__next_map(r->objects.obj[i], m))) {
			int n;

			if (utramp_map__is_hidden(m))
				continue;
			n = utramp_map__print(m, &opts, put_line, r);
			if (n < 0)
				cli_reason(n);
			else if (!n && r->c->verbose)
				cli_info(r->c, "map %s: nothing to show", utramp_map__name(m));
		}
	}
	r->over = true;
}

static int drain(void *arg, bool final)
{
	struct run *r = arg;
	int n = drain_events(r);

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

static int open_rings(struct run *r, struct utramp_object *o)
{
	struct utramp_map *m = NULL;

	while ((m = utramp_object__next_map(o, m))) {
		struct ring *ring;

		if (utramp_map__type(m) != BPF_MAP_TYPE_RINGBUF &&
		    utramp_map__type(m) != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			continue;
		ring = &r->ring[r->nrings];
		ring->run = r;
		ring->map = m;
		if (!utramp_map__record_type(m))
			tell_hex(r->c, utramp_map__name(m));
		ring->rb = utramp_ring_buffer__new(m, print_record, ring, NULL);
		if (!ring->rb)
			return cli_fail(-errno);
		if (++r->nrings == CLI_MAX)
			break;
	}
	return 0;
}

static int load_all(struct run *r)
{
	int code = cli_check_names(r->c, &r->objects);

	for (int i = 0; i < r->objects.n && !code; i++) {
		struct utramp_object *o = r->objects.obj[i];
		struct utramp_program *p = NULL;
		code = cli_load(r->c, o, r->t);
		while (!code && (p = utramp_object__next_program(o, p)))
			code = cli_attach(r->c, r->t, p, NULL);
		if (!code)
			code = open_rings(r, o);
	}
	return code;
}

/* A program that would have run inside itself was passed over: say so, as with lost events. */
static void tell_missed(const struct run *r)
{
	for (int i = 0; i < r->objects.n; i++) {
		struct utramp_program *p = NULL;

		while ((p = utramp_object__next_program(r->objects.obj[i], p))) {
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
static void tell_stats(const struct run *r)
{
	for (int i = 0; r->c->stats && i < r->objects.n; i++) {
		struct utramp_program *p = NULL;

		while ((p = utramp_object__next_program(r->objects.obj[i], p))) {
			uint64_t ns, n = utramp_program__stats(p, &ns);

			if (utramp_program__autoload(p))
				cli_error("%s: run_time_ns %llu run_cnt %llu recursion_misses %llu",
					  utramp_program__name(p), (unsigned long long)ns,
					  (unsigned long long)n,
					  (unsigned long long)utramp_program__missed(p));
		}
	}
}

static int run(struct cli *c)
{
	struct ring *rings = calloc(CLI_MAX, sizeof(*rings));
	struct run r = { .c = c, .ring = rings };
	int code = rings ? 0 : EXIT_RUNTIME;

	json_init(&r.line);
	if (!code)
		code = cli_open_objects(c, 0, &r.objects);
	if (!code)
		r.t = cli_spawn(c, &code);
	if (r.t && c->stats && utramp_target__enable_stats(r.t, true))
		code = cli_fail(-errno);
	if (r.t && !code)
		code = load_all(&r);
	if (r.t && !code)
		code = cli_resume(c, r.t);
	if (r.t && !code)
		code = cli_wait(c, r.t, drain, &r);
	if (c->ran && !c->broken)
		print_maps(&r); /* if events could not be read to their end */
	if (r.t) {
		tell_missed(&r);
		tell_stats(&r);
		cli_tell_unwound(c, r.t);
	}
	for (int i = 0; i < r.nrings; i++)
		utramp_ring_buffer__free(r.ring[i].rb);
	cli_close_objects(&r.objects);
	utramp_target__free(r.t);
	json_fini(&r.line);
	free(rings);
	return code;
}

int cmd_run(struct cli *c)
{
	if (c->nargs)
		return c->dry_run ? cli_dry_run(c) : run(c);
	cli_error("run: the object is missing: utramp run OBJ.bpf.o %s",
		  c->dry_run ? "--dry-run" : "-- CMD");
	return EXIT_USAGE;
}
