/*
 * cli/keep.c - see keep.h: the program that keeps sessions.
 *
 * Context  [ctl]
 * Spec     fopencookie(3); unix(7) SO_PEERCRED, SO_SNDTIMEO
 */
#include "cli/keep.h"
#include "utramp/session.h"

#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	KEEP_OUT = 8 << 20,
	KEEP_SAID = 256 << 10,
	SEND_MS = 5000, /* a reader that takes nothing for so long has none */
	READERS = 16,   /* served at most, one behind the other */
	NAMED = 4,      /* sessions in the message */
	LOOK_MS = 1000,
};

/* Whole lines; the oldest go when they are too many. */
struct held {
	VEC(char);
	uint64_t cut; /* lines */
};

static struct {
	bool on, closing;
	bool errors;     /* messages that -q would not leave out */
	int fd;          /* listens */
	pid_t pid;       /* of the first session */
	uint64_t looked; /* when, ms */
	struct held out, said;
} keep = { .fd = -1 };

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* -- what is held ----------------------------------------------------------------------------- */

static void cut_oldest(struct held *h, size_t most)
{
	const char *from = h->at + (h->n - most / 4 * 3), *end;
	size_t left;

	end = memchr(from, '\n', (size_t)(h->at + h->n - from));
	if (!end)
		return; /* one long line: it may be cut when it has ended */
	end++;
	for (const char *p = h->at; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		h->cut++;
	left = (size_t)(h->at + h->n - end);
	memmove(h->at, end, left);
	h->n = left;
}

static int hold(struct held *h, const char *text, size_t n, size_t most)
{
	if (vec_reserve(h, n) < 0)
		return -ENOMEM;
	memcpy(h->at + h->n, text, n);
	h->n += n;
	if (h->n > most && !keep.closing)
		cut_oldest(h, most);
	return 0;
}

/* What the verbs print.  A stream's errors are its own: cli_flush() tells of them. */
static ssize_t take_output(void *cookie, const char *text, size_t n)
{
	(void)cookie;
	if (hold(&keep.out, text, n, KEEP_OUT) == 0)
		return (ssize_t)n;
	errno = ENOMEM;
	return 0;
}

bool cli_keep_takes(const char *line, bool info)
{
	if (!keep.on)
		return false;
	keep.errors |= !info;
	if (vec_reserve(&keep.said, strlen(line) + 2) < 0)
		return true;
	hold(&keep.said, info ? "i" : "e", 1, SIZE_MAX);
	hold(&keep.said, line, strlen(line), SIZE_MAX);
	hold(&keep.said, "\n", 1, KEEP_SAID);
	return true;
}

/* -- the beginning ------------------------------------------------------------------------------ */

void cli_keep_away(int fd)
{
	int null = open("/dev/null", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (null < 0) {
		close(fd);
		return;
	}
	dup2(null, fd);
	if (null != fd)
		close(null);
}

int cli_keep_prepare(struct cli *c, struct utramp_target *const *t, int n)
{
	if (!c->keep)
		return 0;
	for (int i = 0; i < n; i++) {
		const char *why = utramp_target__no_journal(t[i]);

		if (!why)
			continue;
		cli_error("%s: --keep: process %d: there would be nothing for 'utramp detach' to "
			  "find: %s (set XDG_RUNTIME_DIR to a directory of your own)",
			  c->verb, (int)utramp_target__pid(t[i]), why);
		return EXIT_RUNTIME;
	}
	keep.fd = utramp_session__keep(t, (unsigned)n);
	return keep.fd < 0 ? cli_fail(keep.fd) : 0;
}

static void tell_kept(const struct cli *c, struct utramp_target *const *t, int n)
{
	char names[NAMED * 32] = "", more[32] = "";
	const char *first = utramp_target__session(t[0]);
	size_t at = 0;

	for (int i = 0; i < n && i < NAMED; i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
				       utramp_target__session(t[i]));
	if (n > NAMED)
		snprintf(more, sizeof(more), " and %d more", n - NAMED);
	if (n == 1)
		cli_info(c, "session %s is kept; utramp detach %s ends it", first, first);
	else
		cli_info(c, "sessions %s%s are kept; utramp detach %s ends them", names, more,
			 first);
}

/* Those that we were started with, pipes perhaps, whose readers wait: ours are close-on-exec. */
static void close_inherited(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		int fd = atoi(e->d_name);

		if (fd > STDERR_FILENO && fcntl(fd, F_GETFD) == 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

void cli_keep_go(struct cli *c, struct utramp_target *const *t, int n)
{
	static const cookie_io_functions_t into = { .write = take_output };
	FILE *held = NULL;

	if (!c->keep || cli_interrupts(NULL))
		return; /* to end at once, as without */
	if (!c->output && !(held = fopencookie(NULL, "w", into))) {
		cli_error("%s: --keep: no memory for the output", c->verb);
		raise(SIGTERM);
		return;
	}
	tell_kept(c, t, n);
	fflush(c->out);
	fflush(stderr);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		cli_keep_away(fd);
	close_inherited();
	c->out = held ? held : c->out;
	keep.pid = utramp_target__pid(t[0]);
	keep.on = true;
	cli_guard_kept(keep.pid);
}

void cli_keep_watch(struct utramp_target *const *t, int n)
{
	uint64_t now = keep.on ? now_ms() : 0;

	if (now < keep.looked + LOOK_MS)
		return;
	keep.looked = now;
	for (int i = 0; i < n; i++) {
		const char *why = utramp_target__no_journal(t[i]);

		if (!why)
			continue;
		keep.looked = UINT64_MAX - LOOK_MS; /* once */
		cli_error("process %d: %s, so that 'utramp detach' would not find it",
			  (int)utramp_target__pid(t[i]), why);
		raise(SIGTERM); /* as if asked */
		break;
	}
}

void cli_keep_closing(void)
{
	keep.closing = true;
}

/* -- the end ------------------------------------------------------------------------------------ */

struct text {
	VEC(char);
};

static int make_text(struct text *all)
{
	struct kept_head h = { .magic = KEPT_MAGIC, .out = keep.out.n, .said = keep.said.n };

	if (vec_reserve(all, sizeof(h) + keep.out.n + keep.said.n) < 0)
		return -ENOMEM;
	memcpy(all->at, &h, sizeof(h));
	all->n = sizeof(h);
	if (keep.out.n)
		memcpy(all->at + all->n, keep.out.at, keep.out.n);
	all->n += keep.out.n;
	if (keep.said.n)
		memcpy(all->at + all->n, keep.said.at, keep.said.n);
	all->n += keep.said.n;
	return 0;
}

static bool is_user(int fd)
{
	struct ucred who;
	socklen_t n = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

/* It has taken all when it says so, by a byte. */
static bool serve(int fd, const struct text *all)
{
	const struct timeval patience = { .tv_sec = SEND_MS / 1000 };
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	uint64_t end = now_ms() + 2 * SEND_MS;
	size_t done = 0;
	char taken;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (done < all->n && now_ms() < end) {
		ssize_t n = send(fd, all->at + done, all->n - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return done == all->n && poll(&answer, 1, SEND_MS) > 0 && read(fd, &taken, 1) == 1;
}

static bool serve_all(const struct text *all)
{
	bool taken = false;
	int fd;

	for (int i = 0; i < READERS && keep.fd >= 0; i++) {
		fd = accept4(keep.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			break;
		if (is_user(fd))
			taken |= serve(fd, all);
		close(fd);
	}
	return taken;
}

static void tell_cut(void)
{
	if (keep.out.cut)
		cli_error("%llu line%s of the output left out, the oldest: without -o the last %d "
			  "MiB are held",
			  (unsigned long long)keep.out.cut, cli_plural(keep.out.cut),
			  KEEP_OUT >> 20);
	if (keep.said.cut)
		cli_error("%llu older message%s left out", (unsigned long long)keep.said.cut,
			  cli_plural(keep.said.cut));
}

void cli_keep_end(void)
{
	struct text all = { 0 };

	if (!keep.on)
		return;
	tell_cut();
	if (make_text(&all) == 0 && !serve_all(&all) && (keep.out.n || keep.errors))
		utramp_session__save(keep.pid, all.at, all.n);
	vec_free(&all);
	close(keep.fd);
}

void cli_keep_note(void)
{
	keep.on = true;
}

void cli_keep_save(pid_t pid)
{
	struct text all = { 0 };

	if (make_text(&all) == 0)
		utramp_session__save(pid, all.at, all.n);
	vec_free(&all);
}
