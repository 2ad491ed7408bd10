/*
 * gen/trace_line.h - what the two forms of a line share.
 *
 * Context  [ctl] private to gen/
 */
#ifndef GEN_TRACE_LINE_H
#define GEN_TRACE_LINE_H

#include "gen/quote.h"
#include "gen/trace_priv.h"

#define TYPE_BUDGET 20000 /* nodes walked for one line */

struct call {
	enum line_kind kind;
	const struct trace_func *f;
	struct rec_head head; /* time_ns: of the entry, if that is known */
	const struct rec_plan *plan, *ret_plan;
	const uint8_t *rec, *ret; /* ret: NULL if there is no result */
	bool timed;
	uint64_t dur_ns;
};

/* Where the values of a line go. */
struct value_out line_out(const struct gen_trace *t, struct json *w, bool text);
bool line_returns_value(const struct trace_func *f);
const char *line_arg_name(const struct trace_func *f, unsigned i, char *buf, size_t cap);
void line_arg(struct value_out *o, const struct call *c, unsigned i);
void line_result(struct value_out *o, const struct call *c);

/* "0x55d0"; in text NULL */
void line_pointer(struct value_out *o, uint64_t ptr);

/* The n bytes that were read at ptr, of a string that goes on if it is cut; n negative: none could. */
void line_string(struct value_out *o, uint64_t ptr, const char *text, int64_t n, bool cut);

/* -- trace_printf.c ----------------------------------------------------------------- */

/* Behind the named arguments: "..." and a list in JSON, in text the values. */
void line_varargs(struct value_out *o, const struct call *c);

/* -- trace_text.c ------------------------------------------------------------------- */

void line_text(const struct gen_trace *t, struct json *w, const struct call *c);

#endif
