/*
 * gen/trace_record.c - pair entry and exit records; see trace.h for what counts as lost.
 *
 * Every thread slot has the stacks on which its thread has open calls.  Of one stack, the
 * frames of open calls strictly decrease: a new record first closes what lies below it.
 * Which stack a frame belongs to is told by distance alone: the nearest open call within
 * STACK_REACH.  Stacks may be nearer to each other, so what a frame above tells of a call
 * is a presumption: see trace_held.c.
 *
 * Records are input: the traced process could write anything.  They are checked before
 * they change anything.
 */
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STACK_REACH (8ull << 20)
#define FRAME_REACH (256ull << 10) /* a trampoline's frame is no larger */

struct emitter {
	struct gen_trace *t;
	gen_line_fn line;
	void *arg;
	int err; /* the first: a line that could not be printed counts as lost */
};

static void emit(struct emitter *e, enum line_kind kind, const uint8_t *rec, const uint8_t *ret,
		 uint64_t end_ns)
{
	struct gen_trace *t = e->t;

	json_reset(&t->w);
	line_format(t, kind, rec, ret, end_ns);
	if (t->w.failed) {
		t->dropped++;
		e->err = -ENOMEM;
		return;
	}
	e->line(e->arg, t->w.buf, t->w.n);
}

/* -- stacks ---------------------------------------------------------------------------- */

static uint64_t stack_low(const struct call_stack *s)
{
	return s->at[s->n - 1].frame;
}

static uint64_t stack_high(const struct call_stack *s)
{
	return s->at[0].frame;
}

/* How many stacks of ts lie wholly below frame. */
static size_t stacks_below(const struct trace_slot *ts, uint64_t frame)
{
	size_t lo = 0, hi = ts->stacks.n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (stack_high(&ts->stacks.at[mid]) < frame)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The stack that frame belongs to, NULL: none; *at: where a new one would go. */
static struct call_stack *stack_of(const struct trace_slot *ts, uint64_t frame, size_t *at)
{
	size_t i = stacks_below(ts, frame);
	uint64_t below = UINT64_MAX, above = UINT64_MAX;

	*at = i;
	if (i)
		below = frame - stack_high(&ts->stacks.at[i - 1]);
	if (i < ts->stacks.n)
		above = stack_low(&ts->stacks.at[i]) > frame ?
				stack_low(&ts->stacks.at[i]) - frame :
				0;
	if (above <= below && above < STACK_REACH)
		*at = i;
	else if (below < STACK_REACH)
		*at = i - 1;
	else
		return NULL;
	return &ts->stacks.at[*at];
}

static void stack_remove(struct trace_slot *ts, size_t at)
{
	vec_free(&ts->stacks.at[at]);
	ts->stacks.n--;
	memmove(&ts->stacks.at[at], &ts->stacks.at[at + 1],
		(ts->stacks.n - at) * sizeof(ts->stacks.at[0]));
}

static struct call_stack *stack_insert(struct trace_slot *ts, size_t at)
{
	struct call_stack empty = { 0 };

	if (vec_push(&ts->stacks, empty))
		return NULL;
	memmove(&ts->stacks.at[at + 1], &ts->stacks.at[at],
		(ts->stacks.n - 1 - at) * sizeof(ts->stacks.at[0]));
	ts->stacks.at[at] = empty;
	return &ts->stacks.at[at];
}

static bool is_deep(const struct gen_trace *t, unsigned depth)
{
	return t->opts.depth && depth > t->opts.depth;
}

static int by_age(const void *a, const void *b)
{
	const struct open_call *x = *(const struct open_call *const *)a;
	const struct open_call *y = *(const struct open_call *const *)b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct call_list {
	VEC(struct open_call *);
};

/* Oldest first. */
static void emit_by_age(struct emitter *e, enum line_kind kind, struct call_list *list, size_t n)
{
	if (n)
		qsort(list->at, list->n, sizeof(list->at[0]), by_age);
	for (size_t i = 0; i < n; i++)
		emit(e, kind, list->at[i]->rec, NULL, 0);
}

/* -- calls that are presumed to be left --------------------------------------------------- */

static void held_left(struct emitter *e, struct open_call *c, uint64_t end_ns)
{
	emit(e, LINE_UNWOUND, c->rec, NULL, end_ns);
	held_remove(&e->t->held, c);
}

/* Nothing more will tell of them, but of the `keep` youngest. */
static void held_finish(struct emitter *e, size_t keep)
{
	struct held_calls *v = &e->t->held;
	struct call_list list = { 0 };

	if (vec_reserve(&list, v->n)) {
		e->err = -ENOMEM;
		while (v->n)
			held_left(e, &v->at[v->n - 1].call, 0);
		return;
	}
	for (size_t i = 0; i < v->n; i++)
		list.at[list.n++] = &v->at[i].call;
	emit_by_age(e, LINE_UNWOUND, &list, list.n - keep);
	for (size_t i = 0; i < list.n - keep; i++) {
		free(list.at[i]->rec);
		list.at[i]->rec = NULL;
	}
	held_compact(v);
	vec_free(&list);
}

/* A call is at frame: nothing else is. */
static void held_prove(struct emitter *e, uint32_t pid, uint64_t frame)
{
	struct open_call *c;

	while ((c = held_near(&e->t->held, pid, frame)))
		held_left(e, c, 0);
}

enum end {
	END_LOST,     /* its exit record was */
	END_LEFT,     /* certainly; at end_ns, if that is known */
	END_PRESUMED, /* its thread reports from above, or is gone */
};

/* The innermost call is no longer among the open ones. */
static void close_at(struct emitter *e, struct call_stack *s, enum end end, uint64_t end_ns)
{
	struct open_call *c = &s->at[--s->n];

	if (end == END_PRESUMED && !is_deep(e->t, c->depth)) {
		if (held_full(&e->t->held))
			held_finish(e, e->t->held.n / 2);
		if (!held_add(&e->t->held, c))
			return;
	}
	if (end == END_LOST && !is_deep(e->t, c->depth))
		e->t->dropped++;
	else if (!is_deep(e->t, c->depth))
		emit(e, LINE_UNWOUND, c->rec, NULL, end_ns);
	free(c->rec);
}

static void close_top(struct emitter *e, struct call_stack *s, enum end end)
{
	close_at(e, s, end, 0);
}

static void close_below(struct emitter *e, struct call_stack *s, uint64_t frame)
{
	while (s->n && stack_low(s) < frame)
		close_top(e, s, END_PRESUMED);
}

/* -- lost exits ------------------------------------------------------------------------ */

static bool is_open(const struct call_stack *s, uint64_t frame)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (s->at[mid].frame == frame)
			return true;
		if (s->at[mid].frame > frame)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/*
 * lost_exits rose to `now` since the last record, `high` being the highest frame among
 * them.  What lies below it is left too: by as many lost exits as there were, innermost
 * first, the rest by unwinding.
 */
static void apply_lost(struct emitter *e, struct trace_slot *ts, uint64_t now, uint64_t high)
{
	uint64_t lost = now > ts->lost_exits ? now - ts->lost_exits : 0;
	struct open_call *held = lost ? held_exact(&e->t->held, ts->pid, high) : NULL;
	struct call_stack *s;
	size_t at;

	ts->lost_exits = now;
	if (held) {
		e->t->dropped++;
		held_remove(&e->t->held, held);
		lost--;
	}
	s = lost ? stack_of(ts, high, &at) : NULL;
	if (!s)
		return;
	if (is_open(s, high))
		lost--; /* that one is certain */
	while (s->n && stack_low(s) < high) {
		close_top(e, s, lost ? END_LOST : END_PRESUMED);
		lost -= lost != 0;
	}
	if (s->n && stack_low(s) == high)
		close_top(e, s, END_LOST);
	if (!s->n)
		stack_remove(ts, at);
}

/* -- slots ------------------------------------------------------------------------------ */

static void slot_close(struct emitter *e, struct trace_slot *ts)
{
	while (ts->stacks.n) {
		struct call_stack *s = &ts->stacks.at[ts->stacks.n - 1];

		close_below(e, s, UINT64_MAX);
		while (s->n)
			close_top(e, s, END_PRESUMED);
		stack_remove(ts, ts->stacks.n - 1);
	}
}

static struct trace_slot *slot_get(struct gen_trace *t, const struct rec_head *h)
{
	uint32_t pid = (uint32_t)(h->pid_tgid >> 32);
	uint64_t hash = (h->slot ^ (uint64_t)pid << 40) * 0x9e3779b97f4a7c15ull;
	struct trace_slot **b = &t->bucket[hash >> 52], *ts;

	for (ts = *b; ts; ts = ts->next) {
		if (ts->addr == h->slot && ts->pid == pid)
			return ts;
	}
	ts = calloc(1, sizeof(*ts));
	if (!ts)
		return NULL;
	ts->pid = pid;
	ts->addr = h->slot;
	ts->pid_tgid = h->pid_tgid;
	ts->lost_exits = h->lost_exits;
	ts->next = *b;
	*b = ts;
	ts->older = t->slots;
	t->slots = ts;
	return ts;
}

static void slot_free(struct trace_slot *ts)
{
	for (size_t i = 0; i < ts->stacks.n; i++) {
		struct call_stack *s = &ts->stacks.at[i];

		for (size_t k = 0; k < s->n; k++)
			free(s->at[k].rec);
		vec_free(s);
	}
	vec_free(&ts->stacks);
	free(ts);
}

void trace_slots_free(struct gen_trace *t)
{
	for (size_t b = 0; b < SLOT_BUCKETS; b++) {
		while (t->bucket[b]) {
			struct trace_slot *ts = t->bucket[b];

			t->bucket[b] = ts->next;
			slot_free(ts);
		}
	}
	t->slots = NULL;
}

/* -- records ------------------------------------------------------------------------------ */

/* 0, or a record that none of our programs wrote. */
static int check_record(const struct gen_trace *t, const uint8_t *data, size_t n,
			struct rec_head *h)
{
	const struct trace_func *f;
	const struct rec_plan *p;

	if (n < sizeof(*h))
		return -EBADMSG;
	memcpy(h, data, sizeof(*h));
	if ((h->kind != REC_ENTRY && h->kind != REC_EXIT) || h->func >= t->funcs.n)
		return -EBADMSG;
	f = &t->funcs.at[h->func];
	if (h->kind == REC_ENTRY ? !f->has_entry : !f->has_exit)
		return -EBADMSG;
	p = h->kind == REC_ENTRY ? &f->entry : &f->exit;
	if (buffers_check(p, data, n))
		return -EBADMSG;
	for (unsigned i = 0; i < p->nsections; i++) {
		int64_t status;

		memcpy(&status, data + p->section[i].off, sizeof(status));
		if (status > (p->section[i].kind == SEC_STRING ? p->section[i].cap : 0))
			return -EBADMSG;
	}
	return 0;
}

static int push_call(struct emitter *e, struct trace_slot *ts, struct call_stack *s, size_t at,
		     const struct rec_head *h, const uint8_t *data, size_t n)
{
	struct open_call c = {
		.func = h->func, .frame = h->frame, .time_ns = h->time_ns, .seq = e->t->seq++
	};
	bool fresh = !s;

	c.depth = s ? s->at[s->n - 1].depth + 1 : 1;
	c.rec = malloc(n);
	if (!c.rec)
		return -ENOMEM;
	memcpy(c.rec, data, n);
	if (fresh)
		s = stack_insert(ts, at);
	if (!s || vec_push(s, c)) {
		free(c.rec);
		if (s && fresh)
			stack_remove(ts, at);
		return -ENOMEM;
	}
	return 0;
}

static int entry_record(struct emitter *e, struct trace_slot *ts, const struct rec_head *h,
			const uint8_t *data, size_t n)
{
	size_t at;
	struct call_stack *s = stack_of(ts, h->frame, &at);
	bool tail = h->count & GEN_TRACE_IS_TAIL;
	int err = 0;

	if (!tail)
		held_prove(e, ts->pid, h->frame);
	if (s) {
		close_below(e, s, h->frame);
		if (s->n && stack_low(s) == h->frame && !tail)
			close_top(e, s, END_LEFT);
		if (!s->n) {
			stack_remove(ts, at);
			s = NULL;
		}
	}
	if (e->t->funcs.at[h->func].has_exit && !tail)
		err = push_call(e, ts, s, at, h, data, n);
	else if (!is_deep(e->t, s ? s->at[s->n - 1].depth + 1 : 1))
		emit(e, tail ? LINE_TAIL : LINE_ENTRY, data, NULL, 0);
	if (err)
		e->t->dropped++;
	return err;
}

/* The call at this frame has returned, and with it those below; false: no such call is open. */
static bool exit_at(struct emitter *e, struct trace_slot *ts, const struct rec_head *h,
		    const uint8_t *data)
{
	size_t at;
	struct call_stack *s = stack_of(ts, h->frame, &at);
	bool found = false;

	if (!s)
		return false;
	close_below(e, s, h->frame);
	if (s->n && stack_low(s) == h->frame) {
		struct open_call *c = &s->at[s->n - 1];

		found = c->func == h->func;
		if (!found) {
			close_top(e, s, END_LEFT); /* its frame was used again */
		} else {
			if (!is_deep(e->t, c->depth))
				emit(e, LINE_DONE, c->rec, data, 0);
			free(c->rec);
			s->n--;
		}
	}
	if (!s->n)
		stack_remove(ts, at);
	return found;
}

/* The frame's own call: the outermost below it, if that is of this hook and near; or NULL. */
static const struct open_call *own_call(const struct gen_trace *t, const struct trace_slot *ts,
					const struct gen_unwound *u)
{
	const struct open_call *own = NULL;
	const struct call_stack *s;
	size_t at;

	s = stack_of(ts, u->frame, &at);
	for (size_t i = s ? s->n : 0; i && s->at[i - 1].frame < u->frame; i--)
		own = &s->at[i - 1];
	if (!own || t->funcs.at[own->func].hook != u->hook || u->frame - own->frame > FRAME_REACH)
		return NULL;
	return own;
}

/* Others below the frame were left earlier, in ways that nobody told of. */
static void unwound_at(struct emitter *e, struct trace_slot *ts, const struct gen_unwound *u,
		       const struct open_call *own)
{
	uint64_t frame = own ? own->frame : 0;
	size_t at;
	struct call_stack *s = stack_of(ts, u->frame, &at);

	while (s && s->n && stack_low(s) < u->frame) {
		if (stack_low(s) == frame)
			close_at(e, s, END_LEFT, u->time_ns);
		else
			close_top(e, s, END_PRESUMED);
	}
	if (s && !s->n)
		stack_remove(ts, at);
}

/* The same among those that are held. */
static struct open_call *own_held(const struct gen_trace *t, const struct trace_slot *ts,
				  const struct gen_unwound *u)
{
	struct open_call *c = held_below(&t->held, ts->pid, u->frame);

	return c && t->funcs.at[c->func].hook == u->hook && u->frame - c->frame <= FRAME_REACH ?
		       c :
		       NULL;
}

/*
 * A coroutine that goes on in another thread: its calls are among those of the thread in which
 * they began.  The frame and the function tell them.
 */
static struct trace_slot *begun_elsewhere(const struct gen_trace *t, const struct trace_slot *ts,
					  const struct rec_head *h, const struct gen_unwound *u)
{
	for (struct trace_slot *o = t->slots; o; o = o->older) {
		const struct call_stack *s;
		size_t at;

		if (o == ts || o->pid != ts->pid)
			continue;
		if (u && own_call(t, o, u))
			return o;
		s = u ? NULL : stack_of(o, h->frame, &at);
		for (size_t i = s ? s->n : 0; i && s->at[i - 1].frame <= h->frame; i--)
			if (s->at[i - 1].frame == h->frame && s->at[i - 1].func == h->func)
				return o;
	}
	return NULL;
}

static void unwound(struct emitter *e, struct trace_slot *ts, const struct gen_unwound *u)
{
	const struct open_call *own = own_call(e->t, ts, u);
	struct open_call *held = own_held(e->t, ts, u);
	struct trace_slot *o;

	if (held && (!own || own->frame < held->frame)) {
		held_left(e, held, u->time_ns);
		return;
	}
	unwound_at(e, ts, u, own);
	o = own ? NULL : begun_elsewhere(e->t, ts, NULL, u);
	if (o)
		unwound_at(e, o, u, own_call(e->t, o, u));
}

/* The call at this frame was presumed to be left, and has returned. */
static bool exit_held(struct emitter *e, uint32_t pid, const struct rec_head *h,
		      const uint8_t *data)
{
	struct open_call *c = held_exact(&e->t->held, pid, h->frame);
	bool found = c && c->func == h->func;

	if (found)
		emit(e, LINE_DONE, c->rec, data, 0);
	else if (c)
		emit(e, LINE_UNWOUND, c->rec, NULL, 0);
	if (c)
		held_remove(&e->t->held, c);
	return found;
}

static void exit_record(struct emitter *e, struct trace_slot *ts, const struct rec_head *h,
			const uint8_t *data)
{
	bool found = exit_at(e, ts, h, data);
	struct trace_slot *o;

	if (!e->t->funcs.at[h->func].has_entry) {
		emit(e, LINE_EXIT, data, NULL, 0);
		return;
	}
	if (found || exit_held(e, ts->pid, h, data))
		return;
	o = begun_elsewhere(e->t, ts, h, NULL);
	if (o)
		exit_at(e, o, h, data);
}

static void note_thread(struct gen_trace *t, const struct rec_head *h)
{
	if (!t->started) {
		t->started = true;
		t->start_ns = t->opts.since_ns                   ? t->opts.since_ns :
			      h->kind == REC_EXIT && h->start_ns ? h->start_ns :
								   h->time_ns;
		t->first_thread = h->pid_tgid;
	}
	t->many_threads |= h->pid_tgid != t->first_thread;
}

/* The thread's slot, what was lost before this record taken up; NULL: no memory. */
static struct trace_slot *slot_enter(struct emitter *e, const struct rec_head *h)
{
	struct trace_slot *ts = slot_get(e->t, h);

	if (!ts)
		return NULL;
	apply_lost(e, ts, h->lost_exits, h->lost_high);
	if (ts->pid_tgid != h->pid_tgid) {
		slot_close(e, ts); /* that thread has ended */
		ts->pid_tgid = h->pid_tgid;
	}
	return ts;
}

int gen_trace_unwound(struct gen_trace *t, const struct gen_unwound *u, gen_line_fn line, void *arg)
{
	struct emitter e = { .t = t, .line = line, .arg = arg };
	struct rec_head h = { .pid_tgid = u->pid_tgid,
			      .slot = u->slot,
			      .lost_exits = u->lost_exits,
			      .lost_high = u->lost_high };
	struct trace_slot *ts = slot_enter(&e, &h);

	if (!ts)
		return -ENOMEM;
	unwound(&e, ts, u);
	return e.err;
}

int gen_trace_record(struct gen_trace *t, const void *data, size_t n, gen_line_fn line, void *arg)
{
	struct emitter e = { .t = t, .line = line, .arg = arg };
	struct trace_slot *ts;
	struct rec_head h;
	int err = check_record(t, data, n, &h);

	if (err)
		return err;
	note_thread(t, &h);
	ts = slot_enter(&e, &h);
	if (!ts) {
		t->dropped += h.kind == REC_ENTRY || !t->funcs.at[h.func].has_entry;
		return -ENOMEM;
	}
	if (h.kind == REC_ENTRY)
		err = entry_record(&e, ts, &h, data, n);
	else
		exit_record(&e, ts, &h, data);
	return err ? err : e.err;
}

/* -- the end -------------------------------------------------------------------------------- */

static int collect(const struct gen_trace *t, struct trace_slot *ts, struct call_list *list)
{
	for (size_t i = 0; i < ts->stacks.n; i++) {
		struct call_stack *s = &ts->stacks.at[i];

		for (size_t k = 0; k < s->n; k++) {
			if (!is_deep(t, s->at[k].depth) && vec_push(list, &s->at[k]))
				return -ENOMEM;
		}
	}
	return 0;
}

int gen_trace_finish(struct gen_trace *t, gen_line_fn line, void *arg)
{
	struct emitter e = { .t = t, .line = line, .arg = arg };
	struct call_list open = { 0 };
	int err = 0;

	for (struct trace_slot *ts = t->slots; ts; ts = ts->older)
		if (ts->settled)
			apply_lost(&e, ts, ts->final.lost_exits, ts->final.lost_high);
	held_finish(&e, 0);
	for (struct trace_slot *ts = t->slots; ts && !err; ts = ts->older)
		err = collect(t, ts, &open);
	if (!err) {
		emit_by_age(&e, LINE_OPEN, &open, open.n);
		trace_slots_free(t);
	}
	vec_free(&open);
	return err ? err : e.err;
}
