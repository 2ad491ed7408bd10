/*
 * cli/cmd_run.c - utramp run: objects on a command, what they print on stdout.
 *
 * bpf_printk text as it is, a line each; ring records as hex, "MAP: 01 02 ...", or with -j
 * {"map":NAME,"hex":"0102..."} and {"printk":TEXT,"pid","tid","time_ns"}.
 */
#include "cli/cli.h"

#include "base/json.h"
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

struct ring {
	struct run *run;
	const char *name;
	struct utramp_ring_buffer *rb;
};

struct run {
	struct cli *c;
	struct utramp_target *t;
	struct utramp_object *obj[CLI_MAX];
	int nobjs;
	struct ring *ring;
	int nrings, events;
	struct json line;
};

static void put_line(struct run *r)
{
	r->events++;
	if (cli_full(r->c))
		return;
	r->c->shown++;
	fwrite(r->line.buf, 1, r->line.n, r->c->out);
	fputc('\n', r->c->out);
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
	put_line(r);
}

static int print_record(void *ctx, const void *data, size_t size)
{
	const unsigned char *b = data;
	struct ring *ring = ctx;
	struct json *w = &ring->run->line;
	bool js = ring->run->c->json;

	json_reset(w);
	if (js)
		json_printf(w, "{\"map\":\"%s\",\"hex\":\"", ring->name);
	else
		json_printf(w, "%s:", ring->name);
	for (size_t i = 0; i < size; i++)
		json_printf(w, js ? "%02x" : " %02x", b[i]);
	if (js)
		json_raw(w, "\"}", 2);
	put_line(ring->run);
	return 0;
}

static int drain(void *arg, bool final)
{
	struct run *r = arg;
	int before = r->events, n;

	(void) final; /* the library knows when the process is gone */
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

static int open_rings(struct run *r, struct utramp_object *o)
{
	struct utramp_map *m = NULL;

	while ((m = utramp_object__next_map(o, m))) {
		struct ring *ring;

		if (utramp_map__type(m) != BPF_MAP_TYPE_RINGBUF)
			continue;
		ring = &r->ring[r->nrings];
		ring->run = r;
		ring->name = utramp_map__name(m);
		ring->rb = utramp_ring_buffer__new(m, print_record, ring, NULL);
		if (!ring->rb)
			return cli_fail(-errno);
		if (++r->nrings == CLI_MAX)
			break;
	}
	return 0;
}

static void missing(void *ctx, const char *why)
{
	const struct cli *c = ctx;

	if (c->missing_warn)
		cli_error("not attached: %s", why);
}

/* To each function that --attach names for it, else to the one of its section. */
static int attach_program(struct run *r, struct utramp_program *p)
{
	struct cli *c = r->c;
	struct utramp_attach_opts opts = {
		.sz = sizeof(opts), .missing_ok = c->missing_ok, .missing = missing, .ctx = c
	};

	for (int i = 0; i < c->ncookie; i++) {
		if (!strcmp(c->cookie[i].key, utramp_program__name(p)))
			opts.cookie = strtoull(c->cookie[i].value, NULL, 0);
	}
	return utramp_program__attach(p, r->t, NULL, &opts) ? 0 : cli_fail_spec(-errno);
}

/* Before loading, which may want to know the modules. */
static int add_targets(const struct run *r, struct utramp_object *o)
{
	const struct cli *c = r->c;
	struct utramp_program *p = NULL;

	while ((p = utramp_object__next_program(o, p))) {
		for (int i = 0; i < c->nattach; i++) {
			int err = strcmp(c->attach[i].key, utramp_program__name(p)) ?
					  0 :
					  utramp_program__add_target(p, c->attach[i].value);

			if (err)
				return cli_fail_spec(err);
		}
	}
	return 0;
}

/* A --attach or --cookie that names no program is a mistake to tell, not to pass over. */
static int check_names(const struct run *r, const char *option, const struct cli_pair *list, int n)
{
	for (int i = 0; i < n; i++) {
		bool found = false;

		for (int k = 0; k < r->nobjs; k++) {
			struct utramp_program *p = NULL;

			while ((p = utramp_object__next_program(r->obj[k], p)))
				found |= !strcmp(utramp_program__name(p), list[i].key);
		}
		if (!found) {
			cli_error("%s: no program '%s' in the objects", option, list[i].key);
			return EXIT_NO_MATCH;
		}
	}
	return 0;
}

static int load_all(struct run *r)
{
	int code = check_names(r, "--attach", r->c->attach, r->c->nattach);

	if (!code)
		code = check_names(r, "--cookie", r->c->cookie, r->c->ncookie);
	for (int i = 0; i < r->nobjs && !code; i++) {
		struct utramp_program *p = NULL;
		int err;

		code = add_targets(r, r->obj[i]);
		err = code ? 0 : utramp_object__load(r->obj[i], r->t);
		if (err) /* ENOENT: the function whose module should have the types */
			return err == -ENOENT ? cli_fail_spec(err) : cli_fail(err);
		while (!code && (p = utramp_object__next_program(r->obj[i], p)))
			code = attach_program(r, p);
		if (!code)
			code = open_rings(r, r->obj[i]);
	}
	return code;
}

static int open_all(struct run *r)
{
	struct utramp_object_opts opts = { .sz = sizeof(opts), .lossless = r->c->lossless };

	if (!r->c->nargs) {
		cli_error("run: the object is missing: utramp run OBJ.bpf.o -- CMD");
		return EXIT_USAGE;
	}
	for (int i = 0; i < r->c->nargs; i++) {
		r->obj[i] = utramp_object__open_file(r->c->arg[i], &opts);
		if (!r->obj[i])
			return errno == EACCES ? cli_fail(-EPERM) : cli_fail(-errno);
		r->nobjs++;
	}
	return 0;
}

/* A program that would have run inside itself was passed over: say so, as with lost events. */
static void tell_missed(const struct run *r)
{
	for (int i = 0; i < r->nobjs; i++) {
		struct utramp_program *p = NULL;

		while ((p = utramp_object__next_program(r->obj[i], p))) {
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

int cmd_run(struct cli *c)
{
	struct ring *rings = calloc(CLI_MAX, sizeof(*rings));
	struct run r = { .c = c, .ring = rings };
	int code = rings ? open_all(&r) : EXIT_RUNTIME;

	json_init(&r.line);
	if (!code)
		r.t = cli_spawn(c, &code);
	if (r.t)
		code = load_all(&r);
	if (r.t && !code)
		code = cli_resume(c, r.t);
	if (r.t && !code)
		code = cli_wait(c, r.t, drain, &r);
	if (r.t)
		tell_missed(&r);
	for (int i = 0; i < r.nrings; i++)
		utramp_ring_buffer__free(r.ring[i].rb);
	for (int i = 0; i < r.nobjs; i++)
		utramp_object__close(r.obj[i]);
	utramp_target__free(r.t);
	json_fini(&r.line);
	free(rings);
	return code;
}
