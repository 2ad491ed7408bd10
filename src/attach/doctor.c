/*
 * attach/doctor.c - the public functions of utramp/doctor.h, over ctl/admit.h.
 */
#include "utramp/doctor.h"

#include "attach/session.h"
#include "base/json.h"
#include "ctl/admit.h"

#include <errno.h>

struct doctor {
	int (*fn)(void *ctx, const struct utramp_doctor_line *l);
	void *ctx;
	struct json json;
	bool stopped;
};

static const char *const states[] = {
	[FACT_OK] = "ok",
	[FACT_WARN] = "warn",
	[FACT_BAD] = "bad",
};

static void line_json(struct json *w, const struct fact *f, bool of_process)
{
	json_reset(w);
	json_open(w, '{');
	json_key(w, "of");
	json_str(w, of_process ? "process" : "machine");
	json_key(w, "what");
	json_str(w, f->what);
	json_key(w, "state");
	json_str(w, states[f->state]);
	json_key(w, "text");
	json_str(w, f->text);
	json_key(w, "remedy");
	if (*f->remedy)
		json_str(w, f->remedy);
	else
		json_null(w);
	json_close(w, '}');
}

static int show(void *ctx, const struct fact *f, bool of_process)
{
	struct doctor *doc = ctx;
	struct utramp_doctor_line l = {
		.sz = sizeof(l),
		.of_process = of_process,
		.what = f->what,
		.state = (enum utramp_doctor_state)f->state,
		.err = f->err,
		.text = f->text,
		.remedy = *f->remedy ? f->remedy : NULL,
	};

	line_json(&doc->json, f, of_process);
	if (doc->json.failed)
		return -ENOMEM;
	l.json = doc->json.buf;
	doc->stopped = doc->fn(doc->ctx, &l) != 0;
	return doc->stopped;
}

int utramp_doctor(pid_t pid, int (*fn)(void *ctx, const struct utramp_doctor_line *l), void *ctx)
{
	struct doctor doc = { .fn = fn, .ctx = ctx };
	int err;

	if (!fn)
		return api_misuse("function");
	json_init(&doc.json);
	err = admit_show(&admit_real, pid, show, &doc);
	json_fini(&doc.json);
	if (doc.stopped || !err)
		return 0;
	return api_return(diag_set(api_diag(), err, "no memory"));
}
