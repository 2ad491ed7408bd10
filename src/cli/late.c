/*
 * cli/late.c - modules that are not loaded yet: what is waited for, what came, what never did.
 */
#include "utramp/late.h"
#include "cli/cli.h"

static void note(void *ctx, const struct utramp_late_note *n)
{
	struct cli *c = ctx;
	char missed[64] = "";

	switch (n->what) {
	case UTRAMP_LATE_WAITS:
		c->waits = true;
		cli_info(c, "waiting for %s%s%s%s", n->module, n->text ? " (" : "",
			 n->text ? n->text : "", n->text ? ")" : "");
		break;
	case UTRAMP_LATE_ATTACHED:
		c->came += n->functions;
		if (n->missed_ns)
			snprintf(missed, sizeof(missed), "; calls of its first %.1f ms are missed",
				 (double)n->missed_ns / 1e6);
		cli_info(c, "%s came at run time: attached %u function%s%s", n->module,
			 n->functions, cli_plural(n->functions), missed);
		break;
	case UTRAMP_LATE_AGAIN:
		c->came_unseen += n->missed_ns != 0;
		break;
	case UTRAMP_LATE_FAILED:
		cli_error("%s: %s", n->module, n->text);
		break;
	}
}

int cli_wait_modules(struct cli *c, struct utramp_target *t)
{
	struct utramp_late_opts opts = { .sz = sizeof(opts), .note = note, .ctx = c, .hold = true };
	bool wait = c->npid ? c->wait : !c->looks && !c->dry_run;
	int err = wait ? utramp_target__wait(t, &opts) : 0;

	return err ? cli_fail(err) : 0;
}

static int tell_absent(void *ctx, const char *spec)
{
	(void)ctx;
	cli_error("%s: its module was never loaded", spec);
	return 0;
}

void cli_late_tell(const struct cli *c, const struct utramp_target *t)
{
	if (c->came_unseen)
		cli_error("modules came back %u more time%s, and calls of the first milliseconds "
			  "are missed",
			  c->came_unseen, cli_plural(c->came_unseen));
	if (c->waits)
		utramp_target__waiting(t, tell_absent, NULL);
}

int cli_late_code(const struct cli *c, int code)
{
	bool nothing = c->waits && !c->missing_ok && !c->came && !c->attached;

	return nothing && !code ? EXIT_NO_MATCH : code;
}
