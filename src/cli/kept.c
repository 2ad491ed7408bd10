/*
 * cli/kept.c - see keep.h: what a kept session had to say, for who ends it.
 *
 * All of it is taken before any is printed, so that the session's program never waits for who
 * reads our output, and whatever becomes of us, it has ended.
 *
 * Errors   exit codes, told
 * Context  [ctl]
 */
#include "cli/keep.h"
#include "utramp/session.h"

#include "base/vec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FIRST_MS = 60000, /* the last calls are read and printed, stacks are named */
	ALL_MS = 120000,
	SAVING_MS = 10000,
};
#define MOST (256ull << 20)

struct text {
	VEC(char);
};

/* -- printing ----------------------------------------------------------------------------------- */

/* Whether all is there that the beginning counts; 0: not yet, -EBADMSG: it is no such text. */
static int is_whole(const char *at, size_t n)
{
	struct kept_head h;

	if (n < sizeof(h))
		return 0;
	memcpy(&h, at, sizeof(h));
	if (h.magic != KEPT_MAGIC || h.out > MOST || h.said > MOST)
		return -EBADMSG;
	return n >= sizeof(h) + h.out + h.said;
}

static void print_said(const struct cli *c, char *at, size_t n)
{
	while (n) {
		char *end = memchr(at, '\n', n);
		size_t len = end ? (size_t)(end - at) + 1 : n;

		if (end) {
			*end = '\0';
			if (*at == 'i')
				cli_info(c, "%s", at + 1);
			else
				cli_error("%s", at + 1);
		}
		at += len;
		n -= len;
	}
}

/* It may be somebody else's, and we root: at a terminal nothing obeys it. */
static void disarm(char *at, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (((unsigned char)at[i] < ' ' && at[i] != '\t' && at[i] != '\n') || at[i] == 0x7f)
			at[i] = '?';
	}
}

static void print(struct cli *c, char *at)
{
	struct kept_head h;

	memcpy(&h, at, sizeof(h));
	at += sizeof(h);
	if (isatty(fileno(c->out)))
		disarm(at, h.out);
	fwrite(at, 1, h.out, c->out);
	cli_flush(c);
	print_said(c, at + h.out, h.said);
}

static int print_saved(void *ctx, const void *bytes, size_t n)
{
	struct cli *c = ctx;

	if (is_whole(bytes, n) > 0)
		print(c, (char *)(uintptr_t)bytes);
	else
		cli_error("the output that was saved is damaged");
	return 0;
}

/* -- from the program --------------------------------------------------------------------------- */

int cli_kept_connect(const char *id)
{
	int fd = utramp_session__connect(id);

	return fd < 0 ? -1 : fd;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 1: all is there; 0: the other side has ended before; -errno. */
static int take_all(int fd, struct text *t)
{
	int64_t begun = now_ms();
	int whole = 0;

	while (!whole) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = begun + (t->n ? ALL_MS : FIRST_MS) - now_ms();
		int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready ? -errno : -ETIMEDOUT;
		if (t->n > 2 * MOST || vec_reserve(t, 65536) < 0)
			return -ENOMEM;
		n = read(fd, t->at + t->n, t->cap - t->n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		t->n += (size_t)n;
		whole = is_whole(t->at, t->n);
	}
	return whole;
}

int cli_kept_print(struct cli *c, int fd, const char *id)
{
	struct text t = { 0 };
	int r = take_all(fd, &t);

	if (r > 0) {
		send(fd, "t", 1, MSG_NOSIGNAL);
		print(c, t.at);
	} else if (r == -ETIMEDOUT) {
		cli_error("session %s: its program says nothing; its output is to be had by "
			  "'utramp detach %s' when it has ended",
			  id, id);
	} else if (utramp_session__saved(id, print_saved, c) == 0) {
		r = 1; /* it came to its end before it saw us */
	} else {
		cli_error("session %s: its program has ended without giving us its output", id);
	}
	vec_free(&t);
	return r > 0 ? 0 : EXIT_RUNTIME;
}

/* -- from the file ------------------------------------------------------------------------------ */

int cli_kept_print_saved(struct cli *c, const char *id, pid_t tool)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	int64_t end = now_ms() + SAVING_MS;
	bool over;
	int err;

	do {
		over = tool <= 0 || kill(tool, 0) < 0 || now_ms() > end;
		err = utramp_session__saved(id, print_saved, c);
		if (err != -ENOENT || over)
			break;
		nanosleep(&nap, NULL);
	} while (true);
	if (!err || err == -ENOENT) /* somebody else has it */
		return 0;
	return cli_fail(err);
}
