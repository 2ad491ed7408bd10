/*
 * gen/trace_line.c - one call as a line: its values, and JSON as `trace -j` promises.
 *
 * Records were checked by trace_record.c: sizes and status words can be trusted here.
 */
#include "gen/trace_line.h"
#include "gen/value_std.h"

#include <stdio.h>
#include <string.h>

static uint64_t word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

void line_pointer(struct value_out *o, uint64_t ptr)
{
	if (o->text && !ptr)
		json_raw(o->w, "NULL", 4);
	else
		value_hex(o, ptr);
}

static void print_buffer(struct value_out *o, uint64_t ptr, const struct rec_plan *p,
			 const uint8_t *rec, const struct rec_section *s)
{
	struct rec_buffer b;

	buffer_get(p, rec, s, &b);
	if (!ptr || (o->text && !b.read)) {
		line_pointer(o, ptr);
		return;
	}
	if (o->text) {
		text_quote(o->w, b.bytes, b.n, b.want > b.n);
		return;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, ptr);
	value_key(o, "hex");
	if (b.read)
		json_bytes(o->w, b.bytes, b.n);
	else
		json_null(o->w);
	if (b.want > b.n) {
		value_key(o, "size");
		json_u64(o->w, b.want);
	}
	value_close(o, '}');
}

void line_string(struct value_out *o, uint64_t ptr, const char *text, int64_t n, bool cut)
{
	if (!ptr) {
		line_pointer(o, 0);
		return;
	}
	if (cut)
		n = (int64_t)value_cut(text, (size_t)n);
	if (o->text && n >= 0) {
		text_quote(o->w, (const uint8_t *)text, (size_t)n, cut);
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
	if (n >= 0)
		json_strn(o->w, text, (size_t)n);
	else
		value_null(o);
	value_close(o, '}');
}

static void print_string(struct value_out *o, uint64_t ptr, const uint8_t *section,
			 const struct rec_section *s)
{
	int64_t n = (int64_t)word_at(section) - 1; /* without the NUL */
	bool cut = n > s->shown;

	line_string(o, ptr, (const char *)section + 8, cut ? s->shown : n, cut);
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

/* "@0x7ffd10: VALUE", {"ptr":"0x7ffd10","val":VALUE}; strings and vectors as they are. */
static void print_reference(struct value_out *o, uint64_t ptr, const struct ty *to,
			    const uint8_t *bytes, size_t n, bool read)
{
	if (read && std_print(o, to, bytes, n, 0))
		return;
	if (o->text && !read) {
		line_pointer(o, ptr);
		return;
	}
	if (o->text) {
		json_printf(o->w, "@0x%llx: ", (unsigned long long)ptr);
		value_print(o, to, bytes, n);
		return;
	}
	value_open(o, '{');
	value_key(o, "ptr");
	value_hex(o, ptr);
	value_key(o, "val");
	if (read)
		value_print(o, to, bytes, n);
	else
		value_null(o);
	value_close(o, '}');
}

/* A value whose address is in the slot, or a reference to it. */
static void print_memory(struct value_out *o, const struct ty *t, uint64_t ptr,
			 const uint8_t *section, const struct rec_section *s)
{
	const struct ty *to = type_referent(t);
	bool read = !word_at(section);

	o->here = section + 8;
	o->here_is = ptr;
	if (to)
		print_reference(o, ptr, to, section + 8, s->cap, read);
	else if (read)
		value_print(o, t, section + 8, s->cap);
	else
		value_hex(o, ptr);
	o->here = NULL;
}

/* One argument or the result, out of a record of plan p. */
static void print_value(struct value_out *o, const struct trace_func *f, const struct rec_plan *p,
			const uint8_t *rec, int arg)
{
	const struct fm_value *v = arg == REC_RESULT ? &f->model->ret : &f->model->arg[arg];
	const struct rec_section *s = plan_section(p, arg);
	unsigned at = (unsigned)(v->slot - p->first), n = v->nslots;
	const uint8_t *slot = rec + sizeof(struct rec_head) + 8u * at;
	struct value_far far[TRACE_MAX_CHAINS];

	o->far = far;
	o->nfar = chains_get(p, rec, arg, far);
	if (v->flags & FM_HIDDEN)
		n = 0;
	if (s && s->kind == SEC_STRING && !s->shown)
		s = NULL;
	if (at + n > p->nslots)
		n = at < p->nslots ? p->nslots - at : 0;
	if (v->flags & FM_GONE)
		value_null(o);
	else if (s && s->kind == SEC_BUFFER)
		print_buffer(o, word_at(slot), p, rec, s);
	else if (!f->proto)
		print_slots(o, slot, n);
	else if (s && s->kind == SEC_STRING)
		print_string(o, word_at(slot), rec + s->off, s);
	else if (s && s->kind == SEC_MEMORY)
		print_memory(o, func_type(f, arg), word_at(slot), rec + s->off, s);
	else if (n && v->flags & FM_BY_ADDR)
		value_hex(o, word_at(slot));
	else
		value_print(o, func_type(f, arg), slot, 8u * n);
	o->nfar = 0;
}

const char *line_arg_name(const struct trace_func *f, unsigned i, char *buf, size_t cap)
{
	if (f->proto && f->proto->param[i].name && f->proto->param[i].name[0])
		return f->proto->param[i].name;
	snprintf(buf, cap, "arg%u", i);
	return buf;
}

/* Its bytes may have come with the result. */
void line_arg(struct value_out *o, const struct call *c, unsigned i)
{
	const struct fm_value *v = &c->f->model->arg[i];
	const struct rec_section *s =
		c->ret && c->ret != c->rec ? plan_section(c->ret_plan, (int)i) : NULL;

	if (s && s->kind == SEC_BUFFER)
		print_buffer(o, word_at(c->rec + sizeof(struct rec_head) + 8u * v->slot),
			     c->ret_plan, c->ret, s);
	else
		print_value(o, c->f, c->plan, c->rec, (int)i);
}

void line_result(struct value_out *o, const struct call *c)
{
	print_value(o, c->f, c->ret_plan, c->ret, REC_RESULT);
}

struct value_out line_out(const struct gen_trace *t, struct json *w, bool text)
{
	return (struct value_out){ .w = w,
				   .text = text,
				   .first = true,
				   .std = true,
				   .strings = t->opts.strings != 0,
				   .symbol = t->opts.symbol,
				   .symbol_arg = t->opts.symbol_arg,
				   .budget = TYPE_BUDGET };
}

bool line_returns_value(const struct trace_func *f)
{
	return !f->proto || func_type(f, REC_RESULT)->kind != TY_VOID;
}

static void json_name(struct json *w, const char *name, bool *any)
{
	if (!*any) {
		json_key(w, "uncertain");
		json_open(w, '[');
	}
	*any = true;
	json_str(w, name);
}

static void json_uncertain(struct json *w, const struct call *c)
{
	const struct trace_func *f = c->f;
	char buf[24];
	bool any = false;

	for (unsigned i = 0; f->proto && i < f->model->nargs; i++)
		if (f->model->arg[i].flags & FM_UNCERTAIN)
			json_name(w, line_arg_name(f, i, buf, sizeof(buf)), &any);
	if (c->ret && line_returns_value(f) && f->model->ret.flags & FM_UNCERTAIN)
		json_name(w, "ret", &any);
	if (any)
		json_close(w, ']');
}

static void json_flag(struct json *w, const char *key)
{
	json_key(w, key);
	json_bool(w, true);
}

/* How it ended. */
static void json_end(struct json *w, struct value_out *o, const struct call *c)
{
	bool entry = c->kind == LINE_ENTRY || c->kind == LINE_TAIL;

	if (!entry)
		json_key(w, "ret");
	if (c->ret && line_returns_value(c->f))
		line_result(o, c);
	else if (!entry)
		json_null(w);
	if (c->timed) {
		json_key(w, "dur_ns");
		json_u64(w, c->dur_ns);
	}
	if (entry)
		json_flag(w, "entry");
	if (c->kind == LINE_TAIL)
		json_flag(w, "tail");
	if (c->kind == LINE_UNWOUND)
		json_flag(w, "unwound");
	if (c->kind == LINE_OPEN)
		json_flag(w, "open");
}

static void line_json(const struct gen_trace *t, struct json *w, const struct call *c)
{
	struct value_out o = line_out(t, w, false);
	char buf[24];

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
	for (unsigned i = 0; i < c->f->model->nargs; i++) {
		value_key(&o, line_arg_name(c->f, i, buf, sizeof(buf)));
		line_arg(&o, c, i);
	}
	if (c->plan->varargs)
		line_varargs(&o, c);
	json_close(w, '}');
	json_end(w, &o, c);
	json_uncertain(w, c);
	json_close(w, '}');
}

uint64_t gen_trace_line_time(const struct gen_trace *t)
{
	return t->line_ns;
}

pid_t gen_trace_line_pid(const struct gen_trace *t)
{
	return t->line_pid;
}

void line_format(struct gen_trace *t, enum line_kind kind, const uint8_t *rec, const uint8_t *ret,
		 uint64_t end_ns)
{
	struct call c = { .kind = kind, .rec = rec, .ret = ret };
	struct rec_head end;

	memcpy(&c.head, rec, sizeof(c.head));
	c.f = &t->funcs.at[c.head.func];
	c.plan = kind == LINE_EXIT ? &c.f->exit : &c.f->entry;
	c.ret_plan = &c.f->exit;
	end = c.head;
	if (kind == LINE_EXIT)
		c.ret = rec;
	if (kind == LINE_DONE)
		memcpy(&end, ret, sizeof(end));
	if (kind == LINE_UNWOUND)
		end.time_ns = end_ns;
	c.timed = kind == LINE_DONE || (kind == LINE_EXIT && end.start_ns) ||
		  (kind == LINE_UNWOUND && end_ns);
	if (kind == LINE_EXIT && end.start_ns)
		c.head.time_ns = end.start_ns;
	t->line_pid = (pid_t)(c.head.pid_tgid >> 32);
	t->line_ns = end.time_ns ? end.time_ns : c.head.time_ns;
	c.dur_ns = end.time_ns >= c.head.time_ns ? end.time_ns - c.head.time_ns : 0;
	if (t->opts.json)
		line_json(t, &t->w, &c);
	else
		line_text(t, &t->w, &c);
}
