/*
 * cli/dry.c - utramp run --dry-run: what the verifier says of every program, a line each.
 *
 * With a command it is started, its functions are looked up and programs attached as in earnest;
 * but it is killed before its first instruction has run.  Without one there is no process: of
 * programs whose section or --attach names a file (FILE:FUNC) that is the target, of all others
 * nothing, so that their functions' types are not known.
 *
 * An object ends to load at the first program that is refused, so it is opened again for the rest.
 */
#include "cli/cli.h"

#include "base/json.h"
#include "utramp/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What stands for a process, and for which specs. */
struct place {
	const char *spec; /* up to the function's name */
	size_t n;         /* 0: no file */
	bool nowhere;     /* nothing is known of the functions */
	struct utramp_target *t;
};

struct dry {
	struct cli *c;
	struct place place[CLI_MAX];
	struct utramp_target *target[CLI_MAX]; /* the same, each once */
	int nplaces;
	char *told; /* by the program's number in the object */
	struct cli_objects kept;
	int code;         /* of the first mishap */
	unsigned nowhere; /* programs */
};

/* -- where programs go --------------------------------------------------------------------------- */

/* The first function that a program is for, as the user or its section has it; NULL: none. */
static const char *spec_of(const struct cli *c, const struct utramp_program *p)
{
	const char *slash = strchr(utramp_program__section(p), '/');

	for (int i = 0; i < c->nattach; i++) {
		if (!strcmp(c->attach[i].key, utramp_program__name(p)))
			return c->attach[i].value;
	}
	return slash ? slash + 1 : NULL;
}

/* How many of its bytes name the module, at least: 0 none. */
static size_t module_of(const char *spec)
{
	const char *colon = spec ? strrchr(spec, ':') : NULL;

	return colon ? (size_t)(colon - spec) : 0;
}

static struct place *find_place(struct dry *d, const char *spec, size_t n)
{
	for (int i = 0; i < d->nplaces; i++) {
		struct place *p = &d->place[i];

		if (p->n == n && (!n || !strncmp(p->spec, spec, n)))
			return p;
	}
	return NULL;
}

/* The place at hand was made for spec, if that is a file's. */
static int add_place(struct dry *d, const char *spec)
{
	size_t n = d->c->command ? 0 : module_of(spec);
	struct place *p = find_place(d, spec, n);

	if (p || d->nplaces == CLI_MAX)
		return p ? 0 : EXIT_RUNTIME;
	p = &d->place[d->nplaces];
	*p = (struct place){ .spec = spec, .n = n };
	p->t = n ? utramp_target__file(spec) : NULL;
	p->nowhere = !p->t;
	if (p->nowhere) { /* no file: never mind, but its types are not known */
		if (n && d->c->verbose)
			cli_info(d->c, "%.*s: no file to take types from: %s", (int)n, spec,
				 utramp_error());
		p->t = utramp_target__file(NULL);
	}
	if (!p->t)
		return cli_fail(-errno);
	d->target[d->nplaces++] = p->t;
	return 0;
}

/* Strings of objects live as long as these, so they stay open. */
static int add_places(struct dry *d, const struct cli_objects *objects)
{
	int code = 0;

	for (int i = 0; i < objects->n && !code; i++) {
		struct utramp_program *p = NULL;

		while (!code && (p = utramp_object__next_program(objects->obj[i], p)))
			code = add_place(d, spec_of(d->c, p));
	}
	return code ? code : cli_add_types(d->c, d->target, d->nplaces);
}

/* Without a command those of the objects, else the command. */
static int make_targets(struct dry *d, const struct cli_objects *objects)
{
	int code = 0;

	if (!d->c->command)
		return add_places(d, objects);
	d->place[0].t = cli_spawn(d->c, &code);
	d->target[0] = d->place[0].t;
	d->nplaces = d->place[0].t != NULL;
	return d->nplaces ? 0 : code ? code : EXIT_RUNTIME;
}

/* -- what is said ---------------------------------------------------------------------------------- */

static void tell_json(struct dry *d, const char *path, const struct utramp_program *p,
		      const char *verdict, const struct utramp_verdict *v)
{
	struct json w;

	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "object");
	json_str(&w, path);
	json_key(&w, "program");
	json_str(&w, utramp_program__name(p));
	json_key(&w, "section");
	json_str(&w, utramp_program__section(p));
	json_key(&w, "verdict");
	json_str(&w, verdict);
	if (v) {
		json_key(&w, "insns");
		json_u64(&w, v->processed);
		json_key(&w, "states");
		json_u64(&w, v->states);
		json_key(&w, "peak_states");
		json_u64(&w, v->peak_states);
		json_key(&w, "max_states_per_insn");
		json_u64(&w, v->max_states_per_insn);
		json_key(&w, "peak_bytes");
		json_u64(&w, v->peak_bytes);
		json_key(&w, "time_ns");
		json_u64(&w, v->time_ns);
	}
	if (v && v->err) {
		json_key(&w, "reason");
		json_str(&w, v->reason);
	}
	json_close(&w, '}');
	fprintf(d->c->out, "%.*s\n", (int)w.n, w.buf);
	json_fini(&w);
}

/* v NULL: it is off. */
static void tell(struct dry *d, const char *path, const struct utramp_program *p,
		 const struct utramp_verdict *v)
{
	const char *verdict = !v ? "skipped" : v->err ? "refused" : "accepted";
	char line[1024];

	if (d->c->json) {
		tell_json(d, path, p, verdict, v);
		return;
	}
	if (v)
		snprintf(line, sizeof(line), "%s: %s: %s, %llu insns processed, %u states, %llu us",
			 path, utramp_program__name(p), verdict, (unsigned long long)v->processed,
			 v->states, (unsigned long long)v->time_ns / 1000);
	else
		snprintf(line, sizeof(line),
			 "%s: %s: %s, its section begins with '?': --attach %s=FUNC takes it in",
			 path, utramp_program__name(p), verdict, utramp_program__name(p));
	cli_disarm(line);
	fprintf(d->c->out, "%s\n", line);
}

/* -- one object -------------------------------------------------------------------------------------- */

static bool is_here(struct dry *d, const struct utramp_program *p, const struct place *at)
{
	const char *spec = spec_of(d->c, p);

	return d->c->command || find_place(d, spec, module_of(spec)) == at;
}

/* Only what goes there and was not told of yet; how many. */
static int choose(struct dry *d, const char *path, struct utramp_object *o, const struct place *at)
{
	struct utramp_program *p = NULL;
	int n = 0;

	for (int i = 0; (p = utramp_object__next_program(o, p)); i++) {
		bool on = is_here(d, p, at) && !d->told[i];

		if (on && !utramp_program__autoload(p)) {
			tell(d, path, p, NULL);
			d->told[i] = 1;
			on = false;
		}
		d->nowhere += on && at->nowhere;
		utramp_program__set_autoload(p, on);
		n += on;
	}
	return n;
}

/* How many were told of. */
static int tell_verdicts(struct dry *d, const char *path, const struct utramp_object *o)
{
	struct utramp_program *p = NULL;
	int n = 0;

	for (int i = 0; (p = utramp_object__next_program(o, p)); i++) {
		struct utramp_verdict v = { .sz = sizeof(v) };

		if (!utramp_program__autoload(p) || utramp_program__verdict(p, &v))
			continue;
		tell(d, path, p, &v);
		d->told[i] = 1;
		n++;
	}
	return n;
}

/* As `run` does it. */
static int attach_all(struct dry *d, struct utramp_object *o, struct utramp_target *t)
{
	struct utramp_program *p = NULL;
	int code = 0;

	while (!code && (p = utramp_object__next_program(o, p)))
		code = utramp_program__autoload(p) ? cli_attach(d->c, t, p, NULL) : 0;
	return code;
}

/* 0: nothing is left to do there; 1: come again. */
static int once(struct dry *d, const char *path, const struct place *at)
{
	int code = 0, err, told;
	struct utramp_object *o = cli_open_object(d->c, path, &code);

	if (o)
		code = cli_bind(d->c, o);
	if (!o || code || !choose(d, path, o, at)) {
		d->code = d->code ? d->code : code;
		utramp_object__close(o);
		return 0;
	}
	err = utramp_object__load(o, at->t);
	if (err)
		code = err == -ENOENT ? cli_fail_spec(err) : cli_fail(err);
	cli_tell_logs(d->c, o);
	told = tell_verdicts(d, path, o);
	if (!err && d->c->command)
		code = attach_all(d, o, at->t);
	d->code = d->code ? d->code : code;
	if (err || d->kept.n == CLI_MAX)
		utramp_object__close(o);
	else
		d->kept.obj[d->kept.n++] = o;
	return err && told;
}

static int count_programs(const struct utramp_object *o)
{
	struct utramp_program *p = NULL;
	int n = 0;

	while ((p = utramp_object__next_program(o, p)))
		n++;
	return n;
}

static void verify(struct dry *d, const char *path, const struct utramp_object *o)
{
	d->told = calloc((size_t)count_programs(o) + 1, 1);
	if (!d->told)
		d->code = EXIT_RUNTIME;
	for (int i = 0; d->told && i < d->nplaces; i++) {
		while (once(d, path, &d->place[i]))
			;
	}
	free(d->told);
}

/* -- all of them --------------------------------------------------------------------------------------- */

static void sum_up(const struct dry *d)
{
	unsigned n;

	if (d->nowhere && !d->code)
		cli_info(d->c,
			 "%u program%s verified without the types of their functions: name a file "
			 "(--attach PROG=FILE:FUNC), or the command behind --",
			 d->nowhere, d->nowhere == 1 ? " was" : "s were");
	if (!d->c->command || d->code)
		return;
	n = utramp_target__functions(d->target[0], NULL, NULL);
	cli_info(d->c, "%u function%s would be attached; %s has not run", n, cli_plural(n),
		 d->c->command[0]);
}

int cli_dry_run(struct cli *c)
{
	struct cli_objects objects = { .n = 0 };
	struct dry *d = calloc(1, sizeof(*d));
	int code = d ? cli_open_objects(c, 0, &objects) : EXIT_RUNTIME;

	c->looks = true;
	if (!code)
		code = cli_check_names(c, &objects);
	if (d)
		d->c = c;
	if (!code)
		code = make_targets(d, &objects);
	for (int i = 0; i < objects.n && !code; i++)
		verify(d, c->arg[i], objects.obj[i]);
	if (!code) {
		sum_up(d);
		code = d->code;
	}
	for (int i = 0; d && i < d->nplaces; i++)
		utramp_target__free(d->target[i]); /* never resumed: the command does not run */
	if (d)
		cli_close_objects(&d->kept);
	cli_close_objects(&objects);
	free(d);
	return code;
}
