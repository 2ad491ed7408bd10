/*
 * gen/trace_line.c - one call as a line: JSON as `trace -j` promises, or text.
 *
 * Records were checked by trace_record.c: sizes and status words can be trusted here.
 *
 * Text     module:func(a=1, s="text", st={x=1}) = ret [+1.234 us]
 */
#include "gen/trace_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TYPE_BUDGET 20000 /* nodes walked for one line */

static uint64_t word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void print_string(struct value_out *o, uint64_t ptr, const uint8_t *section,
			 const struct rec_section *s)
{
	int64_t status = (int64_t)word_at(section);
	const char *text = (const char *)section + 8;
	size_t n = status > 0 ? (size_t)status - 1 : 0;
	bool cut = status == s->cap;

	if (!ptr) {
		value_hex(o, 0);
		return;
	}
	if (cut)
		n = value_cut(text, n - 1);
	if (o->text && status > 0) {
		o->w->comma = false;
		json_strn(o->w, text, n);
		json_raw(o->w, "...", cut ? 3 : 0);
		return;
	}
	if (o->text) {
		value_hex(o, ptr);
		return;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, ptr);
	value_key(o, "str");
	if (status > 0)
		json_strn(o->w, text, n);
	else
		value_null(o);
	value_close(o, '}');
}

/* Without types: the slots as they are. */
static void print_slots(struct value_out *o, const uint8_t *p, unsigned n)
{
	if (n == 1) {
		value_hex(o, word_at(p));
		return;
	}
	if (!n) {
		value_null(o);
		return;
	}
	value_open(o, '[');
	for (unsigned i = 0; i < n; i++) {
		value_item(o);
		value_hex(o, word_at(p + 8u * i));
	}
	value_close(o, ']');
}

/* One argument or the result, out of a record of plan p. */
static void print_value(struct value_out *o, const struct trace_func *f, const struct rec_plan *p,
			const uint8_t *rec, int arg)
{
	const struct fm_value *v = arg == REC_RESULT ? &f->model->ret : &f->model->arg[arg];
	const struct rec_section *s = plan_section(p, arg);
	unsigned at = (unsigned)(v->slot - p->first), n = v->nslots;
	const uint8_t *slot = rec + sizeof(struct rec_head) + 8u * at;

	if (v->flags & FM_HIDDEN)
		n = 0;
	if (at + n > p->nslots)
		n = at < p->nslots ? p->nslots - at : 0;
	if (!f->proto)
		print_slots(o, slot, n);
	else if (s && s->string)
		print_string(o, word_at(slot), rec + s->off, s);
	else if (s && !word_at(rec + s->off))
		value_print(o, func_type(f, arg), rec + s->off + 8, s->cap);
	else if (n && v->flags & FM_BY_ADDR)
		value_hex(o, word_at(slot));
	else
		value_print(o, func_type(f, arg), slot, 8u * n);
}

static const char *arg_name(const struct trace_func *f, unsigned i, char *buf, size_t cap)
{
	if (f->proto && f->proto->param[i].name && f->proto->param[i].name[0])
		return f->proto->param[i].name;
	snprintf(buf, cap, "arg%u", i);
	return buf;
}

static void print_args(struct value_out *o, const struct trace_func *f, const struct rec_plan *p,
		       const uint8_t *rec)
{
	char buf[24];

	for (unsigned i = 0; i < f->model->nargs; i++) {
		value_key(o, arg_name(f, i, buf, sizeof(buf)));
		print_value(o, f, p, rec, (int)i);
	}
}

static void json_uncertain(struct json *w, const struct trace_func *f)
{
	char buf[24];
	bool any = false;

	for (unsigned i = 0; f->proto && i < f->proto->nparams; i++) {
		bool marked = i < f->model->nargs && f->model->arg[i].flags & FM_UNCERTAIN;

		if (!marked && !f->proto->param[i].uncertain)
			continue;
		if (!any) {
			json_key(w, "uncertain");
			json_open(w, '[');
		}
		any = true;
		json_str(w, arg_name(f, i, buf, sizeof(buf)));
	}
	if (any)
		json_close(w, ']');
}

static bool returns_value(const struct trace_func *f)
{
	return !f->proto || func_type(f, REC_RESULT)->kind != TY_VOID;
}

struct call {
	enum line_kind kind;
	const struct trace_func *f;
	struct rec_head head;
	const struct rec_plan *plan, *ret_plan;
	const uint8_t *rec, *ret; /* ret: NULL if there is no result */
	uint64_t dur_ns;
};

static void line_json(struct json *w, const struct call *c)
{
	struct value_out o = { .w = w, .budget = TYPE_BUDGET };

	json_open(w, '{');
	json_key(w, "time_ns");
	json_u64(w, c->head.time_ns);
	json_key(w, "pid");
	json_u64(w, c->head.pid_tgid >> 32);
	json_key(w, "tid");
	json_u64(w, (uint32_t)c->head.pid_tgid);
	json_key(w, "module");
	json_str(w, c->f->module);
	json_key(w, "func");
	json_str(w, c->f->name);
	json_key(w, "args");
	json_open(w, '{');
	print_args(&o, c->f, c->plan, c->rec);
	json_close(w, '}');
	if (c->kind != LINE_ENTRY)
		json_key(w, "ret");
	if (c->ret && returns_value(c->f))
		print_value(&o, c->f, c->ret_plan, c->ret, REC_RESULT);
	else if (c->kind != LINE_ENTRY)
		json_null(w);
	if (c->kind == LINE_DONE) {
		json_key(w, "dur_ns");
		json_u64(w, c->dur_ns);
	} else if (c->kind != LINE_EXIT) {
		json_key(w, c->kind == LINE_ENTRY   ? "entry" :
			    c->kind == LINE_UNWOUND ? "unwound" :
						      "open");
		json_bool(w, true);
	}
	json_uncertain(w, c->f);
	json_close(w, '}');
}

/* Names come from files: keep a line a line. */
static void put_name(struct json *w, const char *s)
{
	for (; *s; s++)
		json_raw(w, (unsigned char)*s < ' ' || *s == 0x7f ? "?" : s, 1);
}

static void text_time(struct json *w, uint64_t start, uint64_t now)
{
	uint64_t ns = now >= start ? now - start : start - now;

	json_printf(w, "%s%" PRIu64 ".%06" PRIu64 " ", now < start ? "-" : "", ns / 1000000000u,
		    ns % 1000000000u / 1000);
}

static void line_text(const struct gen_trace *t, struct json *w, const struct call *c)
{
	struct value_out o = { .w = w, .text = true, .first = true, .budget = TYPE_BUDGET };

	if (t->opts.timestamps)
		text_time(w, t->start_ns, c->head.time_ns);
	if (t->many_threads)
		json_printf(w, "[%u] ", (uint32_t)c->head.pid_tgid);
	put_name(w, c->f->module);
	json_raw(w, ":", 1);
	put_name(w, c->f->name);
	json_raw(w, "(", 1);
	print_args(&o, c->f, c->plan, c->rec);
	json_raw(w, ")", 1);
	if (c->ret && returns_value(c->f)) {
		json_raw(w, " = ", 3);
		print_value(&o, c->f, c->ret_plan, c->ret, REC_RESULT);
	}
	if (c->kind == LINE_DONE)
		json_printf(w, " [+%" PRIu64 ".%03" PRIu64 " us]", c->dur_ns / 1000,
			    c->dur_ns % 1000);
	else if (c->kind == LINE_UNWOUND)
		json_printf(w, " unwound");
	else if (c->kind == LINE_OPEN)
		json_printf(w, " still open");
}

void line_format(struct gen_trace *t, enum line_kind kind, const uint8_t *rec, const uint8_t *ret)
{
	struct call c = { .kind = kind, .rec = rec, .ret = ret };
	struct rec_head end;

	memcpy(&c.head, rec, sizeof(c.head));
	c.f = &t->funcs.at[c.head.func];
	c.plan = kind == LINE_EXIT ? &c.f->exit : &c.f->entry;
	c.ret_plan = &c.f->exit;
	if (kind == LINE_EXIT)
		c.ret = rec;
	if (kind == LINE_DONE) {
		memcpy(&end, ret, sizeof(end));
		c.dur_ns = end.time_ns >= c.head.time_ns ? end.time_ns - c.head.time_ns : 0;
	}
	if (t->opts.json)
		line_json(&t->w, &c);
	else
		line_text(t, &t->w, &c);
}
