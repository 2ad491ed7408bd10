/*
 * cli/merge.c - see merge.h.
 */
#include "cli/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void merge_begin(struct merge *m, uint64_t now_ns)
{
	m->before_ns = m->begun_ns;
	m->begun_ns = now_ns;
}

int merge_add(struct merge *m, uint64_t time_ns, pid_t pid, const char *text, size_t n)
{
	struct merge_line l = {
		.time_ns = time_ns, .seq = m->seq++, .pid = pid, .n = n, .text = malloc(n + 1)
	};

	if (!l.text || vec_push(&m->lines, l) < 0) {
		free(l.text);
		return -ENOMEM;
	}
	memcpy(l.text, text, n);
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct merge_line *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

int merge_tell(struct merge *m, bool all,
	       void (*fn)(void *ctx, pid_t pid, const char *text, size_t n), void *ctx)
{
	size_t n = 0, left;

	if (m->lines.n)
		qsort(m->lines.at, m->lines.n, sizeof(m->lines.at[0]), compare);
	for (; n < m->lines.n && (all || m->lines.at[n].time_ns <= m->before_ns); n++) {
		struct merge_line *l = &m->lines.at[n];

		fn(ctx, l->pid, l->text, l->n);
		free(l->text);
	}
	left = m->lines.n - n;
	if (left && n)
		memmove(m->lines.at, m->lines.at + n, left * sizeof(m->lines.at[0]));
	m->lines.n = left;
	return (int)n;
}

void merge_fini(struct merge *m)
{
	for (size_t i = 0; i < m->lines.n; i++)
		free(m->lines.at[i].text);
	vec_free(&m->lines);
}
