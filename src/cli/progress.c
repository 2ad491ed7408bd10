/*
 * cli/progress.c - how far attaching is, on stderr, where it takes longer than a second.
 *
 *	utramp: attaching: 1200 of 5363 functions
 *
 * On a terminal one line is written again and again, and goes away with the next message; else
 * a line each second.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

static struct cli_progress state;

bool cli_progress_due(struct cli_progress *p, uint64_t now)
{
	if (now - p->begun < SECOND || (p->told && now - p->told < SECOND))
		return false;
	p->told = now;
	return true;
}

int cli_progress_text(char *out, size_t cap, unsigned done, unsigned total, bool terminal)
{
	return snprintf(out, cap, "%sutramp: attaching: %u of %u function%s%s",
			terminal ? "\r" : "", done, total, cli_plural(total),
			terminal ? "\033[K" : "\n");
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void tell(void *ctx, unsigned done, unsigned total)
{
	struct cli_progress *p = ctx;
	char text[96];

	if (!cli_progress_due(p, now_ns()))
		return;
	cli_progress_text(text, sizeof(text), done, total, p->terminal);
	fputs(text, stderr);
	fflush(stderr);
	p->open = p->terminal;
}

void cli_progress_begin(const struct cli *c, struct utramp_target *t)
{
	const char *term = getenv("TERM");

	if (c->quiet || c->looks)
		return;
	state = (struct cli_progress){ .begun = now_ns(),
				       .terminal = isatty(STDERR_FILENO) && term &&
						   strcmp(term, "dumb") != 0 };
	utramp_target__on_progress(t, tell, &state);
}

void cli_progress_end(void)
{
	if (state.open)
		fputs("\r\033[K", stderr);
	state.open = false;
}
