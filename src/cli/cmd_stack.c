/*
 * cli/cmd_stack.c - utramp stack: who calls a function.
 */
#include "cli/tally.h"

#include <inttypes.h>

static void put_frame(struct json *w, const struct utramp_frame *f)
{
	if (f->func)
		json_printf(w, "    %s+0x%" PRIx64 " (%s)\n", f->func, f->offset, f->module);
	else if (f->module)
		json_printf(w, "    0x%" PRIx64 " (%s)\n", f->offset, f->module);
	else
		json_printf(w, "    0x%" PRIx64 "\n", f->addr);
}

/* As bpftrace shows a map that has a stack as its key, the function itself included. */
static void row(struct tally *t, const struct tally_row *r)
{
	struct json *w = &t->line;

	json_printf(w, "@[\n    %s (%s)\n", r->func, r->module);
	for (unsigned i = 0; i < r->nframes; i++)
		put_frame(w, &r->frame[i]);
	json_printf(w, "]: %" PRIu64 " (%.1f%%)\n", r->calls,
		    t->calls ? 100.0 * (double)r->calls / (double)t->calls : 0.0);
}

static void put_text(struct json *w, const char *key, const char *text)
{
	json_key(w, key);
	if (text)
		json_str(w, text);
	else
		json_null(w);
}

static void json_members(struct tally *t, const struct tally_row *r)
{
	struct json *w = &t->line;

	json_key(w, "stack");
	json_open(w, '[');
	for (unsigned i = 0; i < r->nframes; i++) {
		json_open(w, '{');
		json_key(w, "addr");
		json_hex(w, r->frame[i].addr);
		put_text(w, "module", r->frame[i].module);
		put_text(w, "func", r->frame[i].func);
		json_key(w, "offset");
		json_u64(w, r->frame[i].offset);
		json_close(w, '}');
	}
	json_close(w, ']');
}

int cmd_stack(struct cli *c)
{
	struct tally t = { .c = c, .row = row, .json = json_members };

	return tally_run(&t, UTRAMP_PROBE_STACK);
}
