/*
 * gen/trace.c - see trace.h: the functions of a trace, and its counters.
 */
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SLOT    65536
#define MAX_NESTED  16
#define MAX_TYPES   10000
#define MAX_STRINGS (GEN_TRACE_MAX_RECORD / 2)

int gen_trace_new(const struct gen_trace_opts *opts, struct gen_trace **out)
{
	struct gen_trace *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->opts = *opts;
	if (t->opts.strings > MAX_STRINGS)
		t->opts.strings = MAX_STRINGS;
	json_init(&t->w);
	*out = t;
	return 0;
}

static void func_free(struct trace_func *f)
{
	free(f->module);
	free(f->name);
	free(f->shown);
	gen_expr_free(f->filter);
	plan_free(f);
}

void gen_trace_free(struct gen_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->funcs.n; i++)
		func_free(&t->funcs.at[i]);
	vec_free(&t->funcs);
	vec_free(&t->lost_calls);
	trace_slots_free(t);
	held_free(&t->held);
	json_fini(&t->w);
	free(t);
}

/* Types are of use only if they are those that the model was made from. */
static const struct proto *usable(const struct gen_trace_func *f)
{
	if (!f->proto || f->model->raw || f->proto->nparams != f->model->nargs)
		return NULL;
	return f->proto;
}

/* Which programs f gets, by what is asked for and what can be had. */
static int decide(struct gen_trace *t, struct trace_func *n, bool entry, bool exit, struct diag *d)
{
	bool late = t->opts.exit_only;
	int err = 0;

	if (t->opts.filter) {
		/* without a prototype six words: names are not known then */
		err = gen_expr_new(t->opts.filter, n->proto, n->model, &n->filter, d);
		if (err)
			return err;
		late |= gen_expr_uses_ret(n->filter);
	}
	if (late && !exit)
		return diag_set(d, -ENOTSUP, "%s: its result is not seen", n->name);
	n->has_entry = entry && !late;
	n->has_exit = exit;
	n->session = entry && exit && (late || n->filter);
	return plan_make(n, &t->opts, d);
}

/* Values are shown to no greater depth and width, as a rule; where one is, it has no name. */
static bool leads_to_code(const struct ty *t, unsigned depth, unsigned *budget)
{
	const struct ty *of;

	t = t ? ty_strip(t) : NULL;
	if (!t || depth > MAX_NESTED || !*budget)
		return false;
	--*budget;
	of = t->of ? ty_strip(t->of) : NULL;
	if (t->kind == TY_FUNC || (t->kind == TY_PTR && of && of->kind == TY_FUNC))
		return true;
	if (t->kind == TY_ARRAY || (t->kind == TY_PTR && t->flags & TY_REFERENCE))
		return leads_to_code(of, depth + 1, budget);
	if (t->kind != TY_STRUCT && t->kind != TY_UNION)
		return false;
	for (uint64_t i = 0; i < t->n && t->member && *budget; i++)
		if (leads_to_code(t->member[i].type, depth + 1, budget))
			return true;
	return false;
}

bool gen_trace_names(const struct proto *p)
{
	unsigned budget = MAX_TYPES;
	bool any = leads_to_code(p->ret, 0, &budget);

	for (unsigned i = 0; i < p->nparams && !any; i++)
		any = leads_to_code(p->param[i].type, 0, &budget);
	return any;
}

static void note_buffers(struct gen_trace *t, const struct trace_func *f)
{
	for (unsigned i = 0; i < f->model->nargs; i++) {
		const struct gen_trace_buf *b = buffer_of(f, &t->opts, (int)i);

		if (b)
			t->buf_used[b - t->opts.buf] = true;
	}
}

bool gen_trace_buf_used(const struct gen_trace *t, unsigned i)
{
	return t->buf_used[i];
}

int gen_trace_add(struct gen_trace *t, const struct gen_trace_func *f, uint32_t *id, struct diag *d)
{
	struct trace_func n = { .model = f->model, .hook = f->hook };
	int err;

	if (d)
		d->text[0] = '\0';
	if (!f->model || (!f->entry && !f->exit))
		return diag_set(d, -EINVAL, "%s: nothing to trace", f->name ? f->name : "");
	if (t->funcs.n >= INT32_MAX)
		return diag_set(d, -E2BIG, "too many functions");
	n.proto = usable(f);
	n.module = strdup(f->module ? f->module : "");
	n.name = strdup(f->name ? f->name : "");
	n.shown = strdup(f->shown ? f->shown : f->name ? f->name : "");
	err = n.module && n.name && n.shown ? decide(t, &n, f->entry, f->exit, d) : -ENOMEM;
	if (!err)
		err = vec_push(&t->funcs, n);
	if (err) {
		func_free(&n);
		return err;
	}
	note_buffers(t, &n);
	*id = (uint32_t)t->funcs.n - 1;
	return 0;
}

/* What programs count is taken up at gen_trace_finish(); until then calls are still open. */
static void settle(struct gen_trace *t, const struct gen_slot *s)
{
	for (size_t b = 0; b < SLOT_BUCKETS; b++) {
		for (struct trace_slot *ts = t->bucket[b]; ts; ts = ts->next) {
			if (ts->addr != s->addr || (s->pid && s->pid != ts->pid))
				continue;
			ts->settled = true;
			ts->final = s->value;
		}
	}
}

int gen_trace_counters(struct gen_trace *t, const struct gen_slot *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i].slot >= MAX_SLOT)
			return -EINVAL;
		while (t->lost_calls.n <= s[i].slot) {
			if (vec_push(&t->lost_calls, 0))
				return -ENOMEM;
		}
		t->lost_calls.at[s[i].slot] = s[i].value.lost_calls;
		if (s[i].value.lost_exits)
			settle(t, &s[i]);
	}
	return 0;
}

uint64_t gen_trace_lost(const struct gen_trace *t)
{
	uint64_t sum = t->dropped;

	for (size_t i = 0; i < t->lost_calls.n; i++)
		sum += t->lost_calls.at[i];
	return sum;
}
