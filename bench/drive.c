/*
 * drive.c - run a command with every program of an object attached, and read its rings.
 *
 * As `utramp run` does, but that records are counted, not printed: printing is slower than what
 * is measured.  Behind the command's end what the maps hold goes to FILE, in the same lines.  A
 * record that was lost is a failure: a ring that is full costs less.
 *
 * usage: drive OBJECT FILE COMMAND [ARGUMENT...]
 */
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <utramp/print.h>
#include <utramp/utramp.h>

#define MAX_RINGS 4

static unsigned long records;

static int count(void *ctx, const void *data, size_t size)
{
	records++;
	return 0;
}

static void put(void *ctx, const char *line, size_t n)
{
	fprintf(ctx, "%.*s\n", (int)n, line);
}

static int failed(const char *what)
{
	fprintf(stderr, "drive: %s: %s\n", what, utramp_error());
	return 1;
}

static unsigned open_rings(struct utramp_object *o, struct utramp_ring_buffer **rb)
{
	struct utramp_map *m = NULL;
	unsigned n = 0;

	while (n < MAX_RINGS && (m = utramp_object__next_map(o, m))) {
		if (utramp_map__type(m) == BPF_MAP_TYPE_RINGBUF)
			rb[n++] = utramp_ring_buffer__new(m, count, NULL, NULL);
	}
	return n;
}

static int run(struct utramp_target *t, struct utramp_object *o)
{
	struct utramp_ring_buffer *rb[MAX_RINGS];
	const struct timespec pause = { .tv_nsec = 200000 };
	unsigned n = open_rings(o, rb);
	int state;

	if (utramp_target__resume(t))
		return failed("resuming");
	do {
		nanosleep(&pause, NULL);
		state = utramp_target__poll(t, 0);
		for (unsigned i = 0; i < n; i++)
			if (utramp_ring_buffer__consume(rb[i]) < 0)
				return failed("reading a ring");
	} while (state == UTRAMP_RUNNING);
	if (utramp_target__lost(t)) {
		fprintf(stderr, "drive: %llu records were lost, %lu read: try again\n",
			(unsigned long long)utramp_target__lost(t), records);
		return 1;
	}
	state = utramp_target__status(t);
	return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

int main(int argc, char **argv)
{
	struct utramp_target *t;
	struct utramp_object *o;
	struct utramp_map *m = NULL;
	FILE *f;
	int code;

	if (argc < 4) {
		fprintf(stderr, "usage: drive OBJECT FILE COMMAND [ARGUMENT...]\n");
		return 2;
	}
	t = utramp_target__spawn(argv + 3, NULL);
	o = t ? utramp_object__open_file(argv[1], NULL) : NULL;
	if (!o || utramp_object__load(o, t) || utramp_object__attach(o, t, NULL))
		return failed(argv[1]);
	code = run(t, o);
	f = fopen(argv[2], "w");
	while (f && (m = utramp_object__next_map(o, m))) {
		if (!utramp_map__is_hidden(m))
			utramp_map__print(m, NULL, put, f);
	}
	if (f)
		fprintf(f, "ring_records = %lu\n", records);
	if (!f || fclose(f))
		return perror(argv[2]), 1;
	utramp_object__close(o);
	utramp_target__free(t);
	return code;
}
