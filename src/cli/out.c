/*
 * cli/out.c - messages, exit codes, the output file.
 */
#include "cli/cli.h"
#include "cli/keep.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Names come from files: what a terminal would obey is not shown.  UTF-8 passes. */
void cli_disarm(char *line)
{
	for (; *line; line++) {
		if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
			*line = '?';
	}
}

/* Every line gets the prefix, so that a reader of mixed output knows whose it is. */
static void put_lines(char *text, bool info)
{
	char *line = text, *end;

	cli_progress_end();
	while (line && *line) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		cli_disarm(line);
		if (!cli_keep_takes(line, info))
			fprintf(stderr, "utramp: %s\n", line);
		line = end;
	}
}

void cli_lines(char *text)
{
	put_lines(text, false);
}

static void __attribute__((format(printf, 1, 0))) message(const char *fmt, va_list ap, bool info)
{
	char text[4096];

	vsnprintf(text, sizeof(text), fmt, ap);
	put_lines(text, info);
}

void cli_info(const struct cli *c, const char *fmt, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	va_start(ap, fmt);
	message(fmt, ap, true);
	va_end(ap);
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	message(fmt, ap, false);
	va_end(ap);
}

void cli_warn(void *ctx, const char *text)
{
	cli_info(ctx, "%s", text);
}

void cli_missing(void *ctx, const char *why)
{
	struct cli *c = ctx;

	if (c->missing_warn)
		cli_error("not attached: %s", why);
	else
		c->passed++;
}

void cli_passed(struct cli *c, const char *pattern)
{
	if (c->passed && !c->missing_ok)
		cli_info(c,
			 "not attached: %u function%s of %s (--missing warn tells which and why)",
			 c->passed, cli_plural(c->passed), pattern);
	c->passed = 0;
}

int cli_code(int err)
{
	switch (-err) {
	case EPERM:
		return EXIT_PERMISSION;
	case ESRCH:
		return EXIT_GONE;
	default:
		return EXIT_RUNTIME;
	}
}

int cli_spawn_code(int err)
{
	switch (-err) {
	case ENOENT:
		return EXIT_NOT_FOUND;
	case EACCES: /* as execve(2) has them; env(1) makes one code of all */
	case ENOEXEC:
	case ENOTDIR:
	case ELOOP:
	case ETXTBSY:
	case E2BIG:
	case ENAMETOOLONG:
		return EXIT_NOT_EXECUTABLE;
	default:
		return cli_code(err);
	}
}

int cli_status_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void cli_reason(int err)
{
	struct rlimit r;

	if (err != -EMFILE || getrlimit(RLIMIT_NOFILE, &r) < 0)
		cli_error("%s", utramp_error());
	else
		cli_error("%s (RLIMIT_NOFILE is %llu: raise it, ulimit -n)", utramp_error(),
			  (unsigned long long)r.rlim_cur);
}

int cli_fail(int err)
{
	cli_reason(err);
	return cli_code(err);
}

int cli_fail_spec(int err)
{
	int code = cli_fail(err);

	return err == -ENOENT ? EXIT_NO_MATCH : err == -EINVAL ? EXIT_USAGE : code;
}

int cli_fail_file(int err)
{
	return cli_fail(err == -EACCES ? -EPERM : err);
}

const char *cli_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* no-color.org: set and not empty */
bool cli_colors(const struct cli *c)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (c->color && strcmp(c->color, "auto") != 0)
		return !strcmp(c->color, "always");
	return !(no && *no) && !c->output && !c->keep && isatty(STDOUT_FILENO) &&
	       !(term && !strcmp(term, "dumb"));
}

int cli_open_output(struct cli *c)
{
	FILE *f;

	if (!c->output)
		return 0;
	f = fopen(c->output, "we");
	if (f) {
		c->out = f;
		return 0;
	}
	cli_error("cannot write %s: %s", c->output, strerror(errno));
	return EXIT_RUNTIME;
}

static bool reader_is_gone(FILE *f)
{
	struct pollfd p = { .fd = fileno(f) };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP));
}

bool cli_flush(struct cli *c)
{
	int err;

	if (c->broken)
		return false;
	if (fflush(c->out) < 0)
		err = errno;
	else if (!ferror(c->out))
		return true;
	else /* an earlier write failed, and its errno is lost */
		err = reader_is_gone(c->out) ? EPIPE : EIO;
	/* a reader that went away (head) has seen enough: nothing to complain about */
	if (err != EPIPE)
		cli_error("cannot write %s: %s", c->output ? c->output : "to standard output",
			  strerror(err));
	c->broken = true;
	return false;
}
