/*
 * small_buffer.c - utramp trace with a buffer of any size, by the public API.
 *
 *	small_buffer BYTES LOSSLESS OUT SPEC CMD [ARG...]
 *
 * Prints "lost N" on standard error and ends as the command did.  Between readings it
 * sleeps, so that a small buffer fills.
 */
#include "utramp/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

static void put_line(void *ctx, const char *text, size_t n)
{
	fwrite(text, 1, n, ctx);
	fputc('\n', ctx);
}

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, utramp_error());
	return 99;
}

int main(int argc, char **argv)
{
	struct utramp_trace_opts opts = { .sz = sizeof(opts), .json = true, .strings = 64 };
	struct utramp_attach_opts attach = { .sz = sizeof(attach) };
	struct utramp_target *t;
	struct utramp_trace *tr;
	int status;
	FILE *out;

	if (argc < 6)
		return 2;
	opts.buffer = strtoull(argv[1], NULL, 0);
	opts.lossless = atoi(argv[2]);
	out = fopen(argv[3], "we");
	t = out ? utramp_target__spawn(argv + 5, NULL) : NULL;
	if (!t)
		return fail("spawn");
	tr = utramp_trace__new(t, &opts);
	if (!tr || utramp_trace__add(tr, argv[4], &attach) < 0 || utramp_target__resume(t))
		return fail("trace");
	while (utramp_target__poll(t, 2) == UTRAMP_RUNNING) {
		if (utramp_trace__read(tr, false, put_line, out) < 0)
			return fail("read");
	}
	if (utramp_trace__read(tr, true, put_line, out) < 0 || fclose(out))
		return fail("read");
	status = utramp_target__status(t);
	fprintf(stderr, "utramp: events lost: %llu\n", (unsigned long long)utramp_target__lost(t));
	utramp_trace__free(tr);
	utramp_target__free(t);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
