/*
 * cli/cmd_count.c - utramp count: how often each function is called.
 */
#include "cli/tally.h"

#include <inttypes.h>

static void begin(struct tally *t)
{
	json_printf(&t->line, "%12s  %s\n", "CALLS", "FUNCTION");
}

static void row(struct tally *t, const struct tally_row *r)
{
	json_printf(&t->line, "%12" PRIu64 "  %s:%s\n", r->calls, r->module, r->func);
}

static void end(struct tally *t)
{
	json_printf(&t->line, "%12" PRIu64 "  total\n", t->calls);
}

int cmd_count(struct cli *c)
{
	struct tally t = { .c = c, .begin = begin, .row = row, .end = end };

	return tally_run(&t, UTRAMP_PROBE_COUNT);
}
