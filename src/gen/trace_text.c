/*
 * gen/trace_text.c - one call as a line of text.
 *
 *	module:func(a=1, s="text"..., st={x=1}, p=NULL)  = ret         <0.012 ms>
 *	module:func(a=2)                                 = ? <unwound> <0.012 ms>
 *
 * With -t the time stands before it, with several threads "[tid N]".  Results begin in one
 * column and durations in another, or behind what is longer.  Colours count for no width, nor
 * do the second and later bytes of a UTF-8 character.
 */
#include "gen/trace_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define RESULT_COLUMN   40 /* strace -a */
#define DURATION_COLUMN 56

/* ECMA-48 8.3.117 */
#define PLAIN    "\033[0m"
#define FUNCTION "\033[1;36m"
#define FAINT    "\033[2m"
#define RESULT   "\033[32m"
#define FAILURE  "\033[31m"

struct text_line {
	struct json *w;
	bool color;
	size_t begin; /* of what the columns are counted from */
};

static void paint(const struct text_line *l, const char *how)
{
	if (l->color)
		json_raw(l->w, how, strlen(how));
}

static size_t width(const char *s, size_t n)
{
	size_t cells = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\033') {
			while (i < n && s[i] != 'm')
				i++;
			continue;
		}
		cells += ((uint8_t)s[i] & 0xc0) != 0x80;
	}
	return cells;
}

static void pad(const struct text_line *l, size_t column)
{
	size_t at = l->w->failed ? column : width(l->w->buf + l->begin, l->w->n - l->begin);

	do
		json_raw(l->w, " ", 1);
	while (++at < column);
}

/* -- parts ----------------------------------------------------------------------------------- */

/* Names come from files: keep a line a line. */
static void put_name(struct json *w, const char *s)
{
	for (; *s; s++)
		json_raw(w, (unsigned char)*s < ' ' || *s == 0x7f ? "?" : s, 1);
}

static void put_time(struct json *w, uint64_t start, uint64_t now)
{
	uint64_t ns = now >= start ? now - start : start - now;

	json_printf(w, "%s%" PRIu64 ".%06" PRIu64 " ", now < start ? "-" : "", ns / 1000000000u,
		    ns % 1000000000u / 1000);
}

static void put_args(const struct text_line *l, struct value_out *o, const struct call *c)
{
	char buf[24];

	for (unsigned i = 0; i < c->f->model->nargs; i++) {
		value_item(o);
		paint(l, FAINT);
		put_name(l->w, line_arg_name(c->f, i, buf, sizeof(buf)));
		json_raw(l->w, "=", 1);
		paint(l, PLAIN);
		line_arg(o, c, i);
		o->first = false;
	}
	if (c->plan->varargs)
		line_varargs(o, c);
}

/* What a function of C most often fails with: NULL, -1. */
static bool is_failure(const struct call *c)
{
	const struct fm_value *v = &c->f->model->ret;
	const struct ty *t = c->f->proto ? func_type(c->f, REC_RESULT) : NULL;
	uint64_t raw;

	if (!t || !v->nslots || v->flags & FM_BY_ADDR)
		return false;
	memcpy(&raw, c->ret + sizeof(struct rec_head) + 8u * (v->slot - c->ret_plan->first), 8);
	if (t->kind == TY_PTR)
		return !raw;
	return t->kind == TY_INT && t->flags & TY_SIGNED && raw == UINT64_MAX;
}

static void put_result(const struct text_line *l, struct value_out *o, const struct call *c)
{
	if (c->ret && line_returns_value(c->f)) {
		pad(l, RESULT_COLUMN);
		json_raw(l->w, "= ", 2);
		paint(l, is_failure(c) ? FAILURE : RESULT);
		o->first = true;
		line_result(o, c);
		paint(l, PLAIN);
	} else if (c->kind == LINE_UNWOUND || c->kind == LINE_OPEN || c->kind == LINE_TAIL) {
		pad(l, RESULT_COLUMN);
		paint(l, c->kind == LINE_TAIL ? FAINT : FAILURE);
		json_printf(l->w, c->kind == LINE_OPEN ? "= ? <unfinished ...>" :
				  c->kind == LINE_TAIL ? "= ? <tail call>" :
							 "= ? <unwound>");
		paint(l, PLAIN);
	}
}

/* Milliseconds, three digits of them; below 0.01 ms nanoseconds, too. */
static void put_duration(const struct text_line *l, uint64_t ns)
{
	pad(l, DURATION_COLUMN);
	paint(l, FAINT);
	if (ns < 10000)
		json_printf(l->w, "<0.%06" PRIu64 " ms>", ns);
	else
		json_printf(l->w, "<%" PRIu64 ".%03" PRIu64 " ms>", ns / 1000000,
			    ns % 1000000 / 1000);
	paint(l, PLAIN);
}

void line_text(const struct gen_trace *t, struct json *w, const struct call *c)
{
	struct value_out o = line_out(t, w, true);
	struct text_line l = { .w = w, .color = t->opts.color };

	if (t->opts.timestamps)
		put_time(w, t->start_ns, c->head.time_ns);
	if (t->many_threads)
		json_printf(w, "[tid %u] ", (uint32_t)c->head.pid_tgid);
	l.begin = w->n;
	put_name(w, c->f->module);
	json_raw(w, ":", 1);
	paint(&l, FUNCTION);
	put_name(w, c->f->shown);
	paint(&l, PLAIN);
	json_raw(w, "(", 1);
	put_args(&l, &o, c);
	json_raw(w, ")", 1);
	put_result(&l, &o, c);
	if (c->timed)
		put_duration(&l, c->dur_ns);
}
