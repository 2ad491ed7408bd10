/*
 * attach/verdict.c - the public functions of utramp/verify.h, and how what they tell comes in.
 *
 * Memory   an object's programs own the texts
 * Context  [ctl]
 */
#include "attach/object.h"
#include "utramp/verify.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS (UTRAMP_LOG_PATH | UTRAMP_LOG_ALL | UTRAMP_LOG_STATS)

void program_forget_verdict(struct utramp_program *p)
{
	free(p->verdict.reason);
	free(p->verdict.log);
	p->verdict = (struct program_verdict){ .known = false };
}

/* libbpf tries a load that failed again: the last answer counts. */
void object_judged(void *arg, int err, const char *why, const char *log,
		   const struct verify_stats *stats)
{
	struct utramp_program *p = object_loading();
	struct program_verdict v = { .known = true, .err = err, .stats = *stats };

	(void)arg;
	if (!p)
		return;
	v.reason = strdup(err ? why : "");
	v.log = strdup(log);
	program_forget_verdict(p);
	p->verdict = v;
}

int utramp_object__set_log_level(struct utramp_object *o, unsigned level)
{
	struct diag *d = api_diag();

	if (!o)
		return api_misuse("object");
	if (level & ~(unsigned)LEVELS)
		return api_return(diag_set(d, -EINVAL,
					   "log level %u: there are 1 (path), 2 (all paths), 4 "
					   "(statistics), and their sums",
					   level));
	if (o->tried)
		return api_return(diag_set(d, -EINVAL, "%s is loaded already", o->path));
	o->log_level = level;
	return 0;
}

int utramp_program__verdict(const struct utramp_program *p, struct utramp_verdict *out)
{
	struct diag *d = api_diag();
	const struct program_verdict *v;
	struct utramp_verdict own;
	size_t sz;

	if (!p || !out)
		return api_misuse("program or verdict");
	sz = out->sz;
	if (sz < sizeof(sz))
		return api_return(diag_set(d, -EINVAL, "sz is not set to the size of the struct"));
	v = &p->verdict;
	if (!v->known)
		return api_return(diag_set(d, -ENOENT, "program %s was not given to the verifier",
					   object_program_name(p)));
	own = (struct utramp_verdict){
		.sz = sz,
		.err = v->err,
		.reason = v->reason ? v->reason : "",
		.log = v->log ? v->log : "",
		.processed = v->stats.processed,
		.time_ns = v->stats.ns,
		.peak_bytes = v->stats.peak_bytes,
		.states = v->stats.states,
		.peak_states = v->stats.peak_states,
		.max_states_per_insn = v->stats.max_per_insn,
	};
	memset(out, 0, sz);
	memcpy(out, &own, sz < sizeof(own) ? sz : sizeof(own));
	return 0;
}
