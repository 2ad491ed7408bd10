/*
 * gen/trace_printf.c - calls of printf-like functions: the unnamed arguments, by the format.
 *
 * Which functions: variadic ones whose last named parameter is a string that nobody is to change,
 * or is called a format; and those that have such a string and behind it a va_list, of which what is
 * left at entry is shown.  Whether it is a format only its text tells, call by call: rt/varargs.c
 * parses it where the arguments are.  What it leaves in the record is read here.
 *
 * A format is read up to PRINTF_FORMAT bytes, whatever is shown of strings.
 *
 * Spec     C11 7.21.6
 */
#include "bpf/helper.h"
#include "gen/regs.h"
#include "gen/trace_line.h"
#include "shm/varargs.h"

#include <string.h>

#define MIN_ROOM 256
#define WORDS    (32u * sizeof(struct shm_vararg)) /* as many as are parsed */
#define STRINGS  4                                 /* of full length, beside them */

_Static_assert(FM_VARARGS_SLOT == FORMAT_ARGS_SLOT && FM_VARARGS_WORDS == FORMAT_ARGS_WORDS &&
		       FM_VARARGS_WORDS == SHM_VA_WORDS,
	       "one block of words");

/* -- which functions --------------------------------------------------------------------------- */

static bool is_const(const struct ty *t)
{
	for (unsigned i = 0; t && i < 32 && (t->kind == TY_QUAL || t->kind == TY_TYPEDEF); i++) {
		if (t->kind == TY_QUAL && t->name && !strcmp(t->name, "const"))
			return true;
		t = t->of;
	}
	return false;
}

static bool is_called_format(const char *name)
{
	return name && (strstr(name, "fmt") || strstr(name, "format") || strstr(name, "Format"));
}

static bool is_scanf(const char *name)
{
	size_t n = strlen(name);

	return n >= 5 && !strcmp(name + n - 5, "scanf");
}

/* Wide characters are four bytes, so they are no strings here. */
static bool may_be_format(const struct trace_func *f, int arg)
{
	const struct ty *t = func_type(f, arg);

	return type_is_string(t) &&
	       (is_const(t->of) || is_called_format(f->proto->param[arg].name));
}

/* psABI 3.5.7: passed as all arrays are. */
static bool is_va_list(const struct trace_func *f, int arg)
{
	const struct ty *t = func_type(f, arg), *of = t->of ? ty_strip(t->of) : NULL;
	const struct fm_value *v = &f->model->arg[arg];

	return t->kind == TY_PTR && of && of->kind == TY_STRUCT && of->name &&
	       !strcmp(of->name, "__va_list_tag") && v->nslots == 1 && !(v->flags & FM_BY_ADDR);
}

/* The va_list that the arguments for a format at arg are in; -1: there is none. */
static int list_of(const struct trace_func *f, int arg)
{
	return !f->proto->variadic && arg + 1 < f->model->nargs && is_va_list(f, arg + 1) ?
		       arg + 1 :
		       -1;
}

static bool is_last_of_variadic(const struct trace_func *f, int arg)
{
	const struct func_model *m = f->model;

	return f->proto->variadic && m->varargs.known && arg == m->nargs - 1 && !f->has_exit &&
	       m->nslots + FM_VARARGS_SLOT + FM_VARARGS_WORDS <= FM_MAX_SLOTS;
}

bool printf_is_format(const struct trace_func *f, int arg)
{
	return f->proto && f->has_entry && arg >= 0 && arg < f->model->nargs &&
	       (is_last_of_variadic(f, arg) || list_of(f, arg) >= 0) && may_be_format(f, arg);
}

static int format_of(const struct trace_func *f)
{
	for (int i = 0; i < f->model->nargs; i++)
		if (printf_is_format(f, i))
			return i;
	return -1;
}

/* -- programs ---------------------------------------------------------------------------------- */

void plan_varargs(const struct trace_func *f, const struct gen_trace_opts *o, struct rec_plan *p)
{
	int arg = format_of(f);
	const struct rec_section *s = arg >= 0 ? plan_section(p, arg) : NULL;
	uint32_t room = (GEN_TRACE_MAX_RECORD - p->size) & ~7u, cap;

	if (p->size > GEN_TRACE_MAX_RECORD || !s || s->kind == SEC_BUFFER)
		return;
	cap = (uint32_t)sizeof(struct shm_varargs) + WORDS + STRINGS * ALIGN_UP(o->strings + 2, 8u);
	if (list_of(f, arg) >= 0)
		cap += 8 * SHM_VA_WORDS;
	if (cap > room)
		cap = room;
	if (cap < MIN_ROOM)
		return;
	p->varargs = p->size;
	p->varargs_cap = (uint16_t)cap;
	p->strings = (uint16_t)o->strings;
	p->size = (uint16_t)(p->size + cap);
}

/* A format that is not there, or not readable, has a status of 0 or less: rt/ sees to it. */
void put_varargs(struct gen_writer *w, const struct trace_func *f, const struct rec_plan *p)
{
	const struct fm_varargs *v = &f->model->varargs;
	int arg = format_of(f), list = list_of(f, arg);
	const struct rec_section *s = plan_section(p, arg);
	uint64_t flags = (is_scanf(f->name) ? SHM_VA_SCANF : 0) | (list >= 0 ? SHM_VA_VA_LIST : 0);

	if (list >= 0) {
		gen_put_load(w, R1, R6, 8u * f->model->arg[list].slot);
		gen_put_store(w, R7, p->varargs, R1);
	}
	gen_put_mov(w, R1, R7);
	gen_put_add(w, R1, p->varargs);
	gen_put_set(w, R2, p->varargs_cap);
	gen_put_mov(w, R3, R7);
	gen_put_add(w, R3, s->off);
	if (list >= 0) {
		gen_put_set(w, R4, 0);
	} else {
		gen_put_mov(w, R4, R6);
		gen_put_add(w, R4, 8 * (f->model->nslots + FM_VARARGS_SLOT));
	}
	gen_put_set64(w, R5, SHM_VA_HOW(v->ngpr, v->nxmm, flags, p->strings, s->cap));
	gen_put_call(w, HELPER_FORMAT_ARGS);
}

/* -- records ----------------------------------------------------------------------------------- */

/* Entries as they come; the traced process could have written anything. */
struct reader {
	const uint8_t *at, *end;
};

static bool next_entry(struct reader *r, struct shm_vararg *e)
{
	size_t left = (size_t)(r->end - r->at);

	if (left < sizeof(*e))
		return false;
	memcpy(e, r->at, sizeof(*e));
	if (e->bytes < sizeof(*e) || e->bytes > left || e->bytes % 8)
		return false;
	r->at += e->bytes;
	return true;
}

static void print_number(struct value_out *o, const struct ty *t, const uint8_t *entry, size_t n)
{
	value_print(o, t, entry + offsetof(struct shm_vararg, value), n);
}

static void print_entry(struct value_out *o, const struct shm_vararg *e, const uint8_t *entry)
{
	static const struct ty real = { .kind = TY_FLOAT, .name = "double", .size = 8 };
	static const struct ty x87 = {
		.kind = TY_FLOAT, .name = "long double", .size = 16, .flags = TY_X87
	};
	static const struct ty character = {
		.kind = TY_INT, .name = "char", .size = 1, .flags = TY_CHAR | TY_SIGNED
	};
	struct ty integer = { .kind = TY_INT,
			      .name = "",
			      .size = e->size,
			      .flags = e->kind == SHM_VA_INT ? TY_SIGNED : 0 };
	size_t room = e->bytes - sizeof(*e);
	int64_t n = (int64_t)e->got - 1;

	switch ((enum shm_vararg_kind)e->kind) {
	case SHM_VA_INT:
	case SHM_VA_UINT:
		print_number(o, &integer, entry, 8);
		return;
	case SHM_VA_CHAR:
		print_number(o, &character, entry, 1);
		return;
	case SHM_VA_DOUBLE:
		print_number(o, &real, entry, 8);
		return;
	case SHM_VA_LDOUBLE:
		print_number(o, &x87, entry, 8 + room);
		return;
	case SHM_VA_STR:
		if (n >= 0 && (uint64_t)n >= room)
			n = -1;
		if (e->cut && n > 0)
			n--;
		line_string(o, e->value, (const char *)entry + sizeof(*e), n, e->cut && n >= 0);
		return;
	case SHM_VA_PTR:
		line_pointer(o, e->value);
		return;
	case SHM_VA_NONE:
		break;
	}
	value_null(o);
}

void line_varargs(struct value_out *o, const struct call *c)
{
	const uint8_t *at = c->rec + c->plan->varargs;
	struct shm_varargs head;
	struct reader r;
	struct shm_vararg e;

	memcpy(&head, at, sizeof(head));
	r.at = at + sizeof(head);
	r.end = at + c->plan->varargs_cap;
	if (head.bytes < (size_t)(r.end - r.at))
		r.end = r.at + head.bytes;
	if (!o->text && head.bytes) {
		value_key(o, "...");
		value_open(o, '[');
	}
	for (const uint8_t *entry = r.at; next_entry(&r, &e); entry = r.at) {
		value_item(o);
		print_entry(o, &e, entry);
		o->first = false;
	}
	if (!o->text && head.bytes)
		value_close(o, ']');
	if (o->text && head.more) {
		value_item(o);
		json_raw(o->w, "...", 3);
	}
}
