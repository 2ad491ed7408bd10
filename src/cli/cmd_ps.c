/*
 * cli/cmd_ps.c - utramp ps and detach: whose functions are patched, and an end to that.
 */
#include "cli/cli.h"
#include "cli/keep.h"
#include "utramp/session.h"

#include "base/json.h"
#include "base/vec.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ASK_MS 5000

static const char *const states[] = {
	[UTRAMP_SESSION_LIVE] = "live",           [UTRAMP_SESSION_ORPHANED] = "orphaned",
	[UTRAMP_SESSION_ELSEWHERE] = "elsewhere", [UTRAMP_SESSION_KEPT] = "kept",
	[UTRAMP_SESSION_ENDED] = "ended",
};

static void since(int64_t seconds, char *out, size_t n)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(out, n, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(out, n, "?");
}

static void print_row(struct cli *c, const struct utramp_session *s)
{
	char line[512], comm[32], when[32];

	/* as others wrote them: nothing in it may steer the terminal */
	snprintf(line, sizeof(line), "%s", s->line);
	snprintf(comm, sizeof(comm), "%s", s->comm);
	cli_disarm(line);
	cli_disarm(comm);
	since(s->since, when, sizeof(when));
	fprintf(c->out, "%-10s %7d %-15s %7d %-9s %9u  %-19s  %s\n", s->id, (int)s->pid,
		*comm ? comm : "?", (int)s->tool, states[s->state], s->functions, when, line);
}

static void print_json(struct cli *c, const struct utramp_session *s)
{
	struct json w;

	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "id");
	json_str(&w, s->id);
	json_key(&w, "pid");
	json_i64(&w, s->pid);
	json_key(&w, "comm");
	if (*s->comm)
		json_str(&w, s->comm);
	else
		json_null(&w);
	json_key(&w, "tool");
	if (s->tool)
		json_i64(&w, s->tool);
	else
		json_null(&w);
	json_key(&w, "state");
	json_str(&w, states[s->state]);
	json_key(&w, "functions");
	json_u64(&w, s->functions);
	json_key(&w, "since");
	json_i64(&w, s->since);
	json_key(&w, "verb");
	json_str(&w, s->line);
	json_close(&w, '}');
	fprintf(c->out, "%s\n", w.failed ? "" : w.buf);
	json_fini(&w);
}

static void tell_damaged(const struct utramp_session *s)
{
	cli_error("session %s cannot be read: %s", s->id, s->reason);
}

static int list_one(void *ctx, const struct utramp_session *s)
{
	struct cli *c = ctx;

	if (s->state == UTRAMP_SESSION_DAMAGED)
		tell_damaged(s);
	else if (c->json)
		print_json(c, s);
	else
		print_row(c, s);
	return 0;
}

int cmd_ps(struct cli *c)
{
	int err;

	if (c->nargs || c->command) {
		cli_error("ps takes no arguments: '%s'", c->nargs ? c->arg[0] : c->command[0]);
		return EXIT_USAGE;
	}
	if (!c->json)
		fprintf(c->out, "%-10s %7s %-15s %7s %-9s %9s  %-19s  %s\n", "ID", "PID", "COMMAND",
			"TOOL", "STATE", "FUNCTIONS", "SINCE", "VERB");
	err = utramp_session__each(list_one, c);
	return err ? cli_fail(err) : 0;
}

/* -- detach ----------------------------------------------------------------------------------- */

struct id {
	char text[40];
	enum utramp_session_state state;
	pid_t tool;
};

struct chosen {
	const char *what; /* PID or ID; NULL: all */
	bool elsewhere;   /* take a PID for one of another namespace */
	struct {
		VEC(struct id);
	} ids;
};

static bool is_meant(const struct chosen *x, const struct utramp_session *s)
{
	const char *what = x->what;
	char *end;
	long pid;

	if (!what || !strcmp(what, s->id))
		return true;
	if (x->elsewhere != (s->state == UTRAMP_SESSION_ELSEWHERE))
		return false;
	pid = strtol(what, &end, 10);
	return !*end && pid == s->pid;
}

static int choose(void *ctx, const struct utramp_session *s)
{
	struct chosen *x = ctx;
	struct id id = { .state = s->state, .tool = s->tool };

	if (s->state == UTRAMP_SESSION_DAMAGED) {
		if (!x->what || !strcmp(x->what, s->id))
			tell_damaged(s);
		return 0;
	}
	snprintf(id.text, sizeof(id.text), "%s", s->id);
	return is_meant(x, s) ? vec_push(&x->ids, id) : 0;
}

static int tell_undone(const struct cli *c, int err, const struct utramp_undone *u)
{
	if (err == -ENOENT)
		return 0; /* it has ended since we looked */
	if (err)
		return cli_fail(err);
	if (u->gone) {
		cli_error("process %d is gone, or runs another program", (int)u->pid);
		return EXIT_GONE;
	}
	if (u->left) {
		cli_error(
			"process %d: %u function%s not restored, somebody else changed them since "
			"(one at %#llx)",
			(int)u->pid, u->left, u->left == 1 ? " was" : "s were", u->left_at);
		return EXIT_RUNTIME;
	}
	cli_info(c, "detached from process %d: %u function%s restored", (int)u->pid, u->restored,
		 u->restored == 1 ? " is" : "s are");
	return 0;
}

/* Who wants the rest of a kept session's output comes before he asks for its end. */
static int detach_one(struct cli *c, const struct id *id)
{
	struct utramp_undone u = { .sz = sizeof(u) };
	int fd, err, code;

	if (id->state == UTRAMP_SESSION_ENDED)
		return cli_kept_print_saved(c, id->text, 0);
	fd = id->state == UTRAMP_SESSION_KEPT ? cli_kept_connect(id->text) : -1;
	err = utramp_session__detach(id->text, ASK_MS, &u);
	if (fd < 0 && id->state == UTRAMP_SESSION_KEPT && (err == -ENOENT || err == -ESRCH))
		return cli_kept_print_saved(c, id->text, id->tool); /* it ended as we came */
	if (fd < 0)
		return tell_undone(c, err, &u);
	if (!err || err == -ENOENT) /* it says itself that it has detached */
		code = cli_kept_print(c, fd, id->text);
	else
		code = cli_fail(err);
	close(fd);
	return code;
}

/* Why there is no session of that name. */
static int not_found(const char *what)
{
	char *end, path[48];
	long pid = strtol(what, &end, 10);
	struct stat st;

	if (*end || pid <= 0 || pid > INT_MAX) {
		cli_error("there is no session '%s'; see 'utramp ps'", what);
		return EXIT_NO_MATCH;
	}
	snprintf(path, sizeof(path), "/proc/%ld", pid);
	if (stat(path, &st) < 0) {
		cli_error("there is no process %ld", pid);
		return EXIT_GONE;
	}
	if (geteuid() && st.st_uid != geteuid()) {
		cli_error("process %ld is another user's", pid);
		return EXIT_PERMISSION;
	}
	cli_error("process %ld has nothing attached by utramp; see 'utramp ps'", pid);
	return EXIT_NO_MATCH;
}

/* The number of a process there is. */
static bool is_process(const char *what)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%.20s", what);
	return !access(path, F_OK);
}

static bool is_name(const char *what)
{
	return *what && !what[strspn(what, "0123456789.")];
}

static int detach_named(struct cli *c, const char *what)
{
	struct chosen x = { .what = what };
	int err = utramp_session__each(choose, &x), code = 0;

	if (!err && !x.ids.n && what && !is_process(what)) {
		x.elsewhere = true; /* what is refused tells more than that there is none */
		err = utramp_session__each(choose, &x);
	}
	if (err)
		code = cli_fail(err);
	else if (!x.ids.n && what)
		code = not_found(what);
	for (size_t i = 0; i < x.ids.n; i++) {
		int one = detach_one(c, &x.ids.at[i]);

		code = code ? code : one;
	}
	if (!code && !x.ids.n) {
		cli_error("there is no session");
		code = EXIT_NO_MATCH;
	}
	vec_free(&x.ids);
	return code;
}

int cmd_detach(struct cli *c)
{
	int code = 0;

	if (c->command || c->all == (c->nargs > 0)) {
		cli_error("detach: name processes or sessions, or --all: utramp detach PID|ID...");
		return EXIT_USAGE;
	}
	for (int i = 0; i < c->nargs; i++) {
		if (is_name(c->arg[i]))
			continue;
		cli_error("detach: '%s' is no PID, and no ID as 'utramp ps' shows it", c->arg[i]);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* whoever reads has seen enough: the rest is done all the same */
	if (c->all)
		return detach_named(c, NULL);
	for (int i = 0; i < c->nargs; i++) {
		int one = detach_named(c, c->arg[i]);

		code = code ? code : one;
	}
	return code;
}
