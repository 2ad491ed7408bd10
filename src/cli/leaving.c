/*
 * cli/leaving.c - as in leaving.h.
 */
#include "cli/leaving.h"

#define PAUSE_NS     200000000ull
#define PAUSE_MAX_NS 2000000000ull
#define GIVE_UP_NS   30000000000ull

bool cli_leaving_due(const struct cli_leaving *l, uint64_t now)
{
	return now >= l->next;
}

bool cli_leaving_failed(struct cli_leaving *l, uint64_t now, bool asked_again)
{
	bool first = !l->since;

	if (first) {
		l->since = now;
		l->pause = PAUSE_NS;
	}
	l->next = now + l->pause;
	l->pause = 2 * l->pause < PAUSE_MAX_NS ? 2 * l->pause : PAUSE_MAX_NS;
	return (asked_again && !first) || now - l->since > GIVE_UP_NS;
}
