/*
 * load.c - load VICTIM BTF OBJECT...: what the verifier says of each program of each object.
 * load VICTIM --generated: of the programs that the tool makes itself for the victim's functions.
 *
 * The objects are opened and loaded as by users, for the victim's file; every program that goes to
 * the verifier on the way there is told of, a line each, as matrix.py reads them: "program WHERE
 * NAME VERDICT PROCESSED STATES BYTES INSNS", and at the end what the library says, "object WHERE
 * RESULT REASON".
 *
 * Context  [ctl] program_load_verified() is wrapped at link time
 */
#include "base/types.h"
#include "bpf/verify.h"
#include "utramp/inject.h"
#include "utramp/probe.h"
#include "utramp/trace.h"
#include "utramp/types.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_program_load_verified(const struct program_attr *attr, const struct verify_prog *how,
				 struct verify_log *log, struct verify_stats *stats,
				 struct program **out, struct diag *d);
int __wrap_program_load_verified(const struct program_attr *attr, const struct verify_prog *how,
				 struct verify_log *log, struct verify_stats *stats,
				 struct program **out, struct diag *d);

static const char *where;

int __wrap_program_load_verified(const struct program_attr *attr, const struct verify_prog *how,
				 struct verify_log *log, struct verify_stats *stats,
				 struct program **out, struct diag *d)
{
	struct verify_stats s = { 0 };
	int err = __real_program_load_verified(attr, how, log, &s, out, d);

	if (stats)
		*stats = s;
	printf("program %s %s %d %" PRIu64 " %" PRIu32 " %" PRIu64 " %u\n", where,
	       attr->name && attr->name[0] ? attr->name : "-", err, s.processed, s.states,
	       s.peak_bytes, attr->ninsns);
	return err;
}

static struct utramp_target *victim_file(const char *victim, const char *btf)
{
	char spec[512];
	struct utramp_target *t;

	snprintf(spec, sizeof(spec), "%s:main", victim);
	t = utramp_target__file(spec);
	if (!t || (btf && utramp_target__add_btf(t, victim, btf) < 0)) {
		printf("Bail out! %s\n", utramp_error());
		exit(1);
	}
	return t;
}

static void say(int err)
{
	printf("object %s %d ", where, err < 0 ? err : 0);
	for (const char *s = err < 0 ? utramp_error() : ""; *s; s++)
		putchar(*s == '\n' ? ' ' : *s);
	putchar('\n');
}

static void load(const char *victim, const char *btf)
{
	struct utramp_target *t = victim_file(victim, btf);
	struct utramp_object *o = utramp_object__open_file(where, NULL);

	say(o ? utramp_object__load(o, t) : -errno);
	utramp_object__close(o);
	utramp_target__free(t);
}

/* -- the tool's own ------------------------------------------------------------------------ */

static const char *const buf[] = { "buf=len" };
#define TRACE(...) \
	{ \
		sizeof(struct utramp_trace_opts), __VA_ARGS__ \
	}
static const struct {
	const char *name, *spec;
	struct utramp_trace_opts opts;
} traces[] = {
	{ "trace", "*", TRACE(.strings = 64) },
	{ "trace-entry", "*", TRACE(.strings = 512, .entry_only = true) },
	{ "trace-exit", "*", TRACE(.strings = 64, .exit_only = true) },
	{ "trace-depth", "*", TRACE(.depth = 3, .lossless = true) },
	{ "trace-buf", "transfer", TRACE(.bufs = buf, .nbufs = 1) },
	{ "trace-filter", "open_file",
	  TRACE(.filter = "path =~ \"/etc/*\" && mode > 3 && ret < 0") },
	{ "trace-members", "serve", TRACE(.filter = "r->conn->peer->id > 1003 || r->size == 100") },
	{ "trace-floats", "mix", TRACE(.filter = "x > 1.5 && ret <= 100", .strings = 8) },
};

#define PROBE(...) \
	{ \
		sizeof(struct utramp_probe_opts), __VA_ARGS__ \
	}
static const struct {
	const char *name, *spec;
	enum utramp_probe_kind kind;
	struct utramp_probe_opts opts;
} probes[] = {
	{ "count", "*", UTRAMP_PROBE_COUNT, PROBE(.depth = 0) },
	{ "latency", "*", UTRAMP_PROBE_LATENCY, PROBE(.depth = 0) },
	{ "stack", "*", UTRAMP_PROBE_STACK, PROBE(.depth = 16) },
	{ "stack-deep", "*", UTRAMP_PROBE_STACK, PROBE(.depth = 127) },
	{ "count-filter", "transfer", UTRAMP_PROBE_COUNT, PROBE(.filter = "len > 100 && ret < 0") },
	{ "latency-filter", "serve", UTRAMP_PROBE_LATENCY, PROBE(.filter = "r->method == PUT") },
};

#define INJECT(...) \
	{ \
		sizeof(struct utramp_inject_opts), __VA_ARGS__ \
	}
static const struct {
	const char *name, *spec, *value;
	struct utramp_inject_opts opts;
} injects[] = {
	{ "inject", "open_file", "-1", INJECT(.err = 2) },
	{ "inject-pointer", "take", "NULL", INJECT(.chance = 0.25, .seed = 7, .count = 3) },
	{ "inject-double", "mix", "0.5", INJECT(.from = "*", .after = 5) },
	{ "inject-wide", "wide", "-1", INJECT(.after_main = true) },
	{ "inject-void", "give", "void", INJECT(.condition = "p != 0") },
};

static int add_trace(struct utramp_target *t, size_t i)
{
	struct utramp_trace *tr = utramp_trace__new(t, &traces[i].opts);
	int err = tr ? utramp_trace__add(tr, traces[i].spec, NULL) : -errno;

	utramp_trace__free(tr);
	return err;
}

static int add_probe(struct utramp_target *t, size_t i)
{
	struct utramp_probe *p = utramp_probe__new(t, probes[i].kind, &probes[i].opts);
	int err = p ? utramp_probe__add(p, probes[i].spec, NULL) : -errno;

	utramp_probe__free(p);
	return err;
}

static int add_inject(struct utramp_target *t, size_t i)
{
	struct utramp_inject *in = utramp_inject__new(t, &injects[i].opts);
	int err = in ? utramp_inject__add(in, injects[i].spec, injects[i].value, NULL) : -errno;

	utramp_inject__free(in);
	return err;
}

static void generated(const char *victim, const char *name, size_t i,
		      int (*add)(struct utramp_target *t, size_t i))
{
	struct utramp_target *t = victim_file(victim, NULL);
	int err;

	where = name;
	err = add(t, i); /* before its reason is gone */
	if (!err)
		err = -ENOENT;
	say(err);
	utramp_target__free(t);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[2], "--generated")) {
		for (size_t i = 0; i < ARRAY_LEN(traces); i++)
			generated(argv[1], traces[i].name, i, add_trace);
		for (size_t i = 0; i < ARRAY_LEN(probes); i++)
			generated(argv[1], probes[i].name, i, add_probe);
		for (size_t i = 0; i < ARRAY_LEN(injects); i++)
			generated(argv[1], injects[i].name, i, add_inject);
		return 0;
	}
	for (int i = 3; i < argc; i++) {
		where = argv[i];
		load(argv[1], argv[2]);
	}
	return 0;
}
