/*
 * gen/trace_held.c - calls that are presumed to be left: their thread has reported from a frame
 * above them, or is gone.  That may be a longjmp, or they are on a coroutine's stack and go on.
 *
 * They are held until something tells: their exit record, an exception's event, or another
 * call where they were, which proves that they were left.  A live call's frame is nobody
 * else's in its process, so frames tell them, whatever thread they go on in.
 *
 * Memory   at most HELD_MAX calls; beyond, gen_trace says that the older half was left
 * Errors   -ENOMEM
 */
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HELD_MAX   32768
#define HELD_APART 16 /* contexts nearer than that share bytes */

static uint32_t pid_of(const struct open_call *c)
{
	struct rec_head h;

	memcpy(&h, c->rec, sizeof(h));
	return (uint32_t)(h.pid_tgid >> 32);
}

/* The first that is of pid and at frame or above, or of a higher pid. */
static size_t held_at(const struct held_calls *v, uint32_t pid, uint64_t frame)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct held_call *c = &v->at[mid];

		if (c->pid < pid || (c->pid == pid && c->call.frame < frame))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int held_add(struct held_calls *v, const struct open_call *c)
{
	struct held_call h = { .pid = pid_of(c), .call = *c };
	size_t at = held_at(v, h.pid, c->frame);

	if (vec_push(v, h))
		return -ENOMEM;
	memmove(&v->at[at + 1], &v->at[at], (v->n - 1 - at) * sizeof(v->at[0]));
	v->at[at] = h;
	return 0;
}

struct open_call *held_exact(const struct held_calls *v, uint32_t pid, uint64_t frame)
{
	size_t at = held_at(v, pid, frame);

	return at < v->n && v->at[at].pid == pid && v->at[at].call.frame == frame ?
		       &v->at[at].call :
		       NULL;
}

struct open_call *held_near(const struct held_calls *v, uint32_t pid, uint64_t frame)
{
	uint64_t low = frame > HELD_APART - 1 ? frame - (HELD_APART - 1) : 0;
	size_t at = held_at(v, pid, low);

	return at < v->n && v->at[at].pid == pid &&
			       (v->at[at].call.frame < frame ||
				v->at[at].call.frame - frame < HELD_APART) ?
		       &v->at[at].call :
		       NULL;
}

struct open_call *held_below(const struct held_calls *v, uint32_t pid, uint64_t frame)
{
	size_t at = held_at(v, pid, frame);

	return at && v->at[at - 1].pid == pid ? &v->at[at - 1].call : NULL;
}

void held_remove(struct held_calls *v, const struct open_call *c)
{
	size_t at = held_at(v, pid_of(c), c->frame);

	free(v->at[at].call.rec);
	v->n--;
	memmove(&v->at[at], &v->at[at + 1], (v->n - at) * sizeof(v->at[0]));
}

bool held_full(const struct held_calls *v)
{
	return v->n >= HELD_MAX;
}

void held_compact(struct held_calls *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		if (v->at[i].call.rec)
			v->at[n++] = v->at[i];
	}
	v->n = n;
}

void held_free(struct held_calls *v)
{
	for (size_t i = 0; i < v->n; i++)
		free(v->at[i].call.rec);
	vec_free(v);
}
