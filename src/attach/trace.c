/*
 * attach/trace.c - utramp_trace: an entry and an exit program on each function, their records
 * as lines.
 */
#include "utramp/trace.h"
#include "attach/generated.h"
#include "attach/ringbuf.h"
#include "attach/symbols.h"
#include "gen/trace.h"
#include "info/cxxname.h"
#include "info/demangle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE_RING (64ull << 20)
/* In generated LDDWs: the programs have these two maps, so the numbers are ours to choose. */
#define RING_FD       1
#define SLOTS_FD      2
#define NO_CODE_BELOW 4096 /* what stands for SIG_IGN and such */

struct utramp_trace {
	struct generated g; /* first: see of() */
	struct utramp_trace_opts opts;
	char *filter, *buf_text[GEN_TRACE_BUFS]; /* "ARG", and behind its NUL the length */
	char *buf_said[GEN_TRACE_BUFS];
	struct gen_trace_buf buf[GEN_TRACE_BUFS];
	struct gen_trace *gen;
	struct map *ring, *slots;
	struct shm_sink *sink; /* in the arena; NULL: none */
	struct utramp_ring_buffer *rb;
	struct symbols *symbols; /* NULL: no function so far has pointers to functions */
	bool looked;             /* at what is mapped, since reading began */
	/* while reading */
	void (*line)(void *ctx, const char *text, size_t n);
	void *ctx;
};

static struct utramp_trace *of(struct generated *g)
{
	return (struct utramp_trace *)(void *)g;
}

/* gen/ has its own names for what rt/ writes. */
_Static_assert(sizeof(struct gen_slot_value) == sizeof(struct shm_sink_slot) &&
		       offsetof(struct gen_slot_value, lost_exits) ==
			       offsetof(struct shm_sink_slot, lost_exits) &&
		       offsetof(struct gen_slot_value, lost_high) ==
			       offsetof(struct shm_sink_slot, lost_high),
	       "a slot's counters");

_Static_assert(GEN_TRACE_IS_TAIL == TRAMP_IS_TAIL, "the trampoline's word");

static bool is_unwound(const void *data, size_t n, struct gen_unwound *out)
{
	struct shm_unwound u;

	if (n != sizeof(u))
		return false;
	memcpy(&u, data, sizeof(u));
	*out = (struct gen_unwound){ .time_ns = u.time_ns,
				     .pid_tgid = u.pid_tgid,
				     .frame = u.frame,
				     .hook = u.hook,
				     .slot = u.slot,
				     .lost_exits = u.lost_exits,
				     .lost_high = u.lost_high };
	return u.kind == SHM_UNWOUND_KIND;
}

static int record(void *arg, const void *data, size_t n)
{
	struct utramp_trace *tr = arg;
	struct gen_unwound u;
	int err;

	tr->g.target->arena->hdr->heartbeat++;
	if (is_unwound(data, n, &u))
		err = gen_trace_unwound(tr->gen, &u, tr->line, tr->ctx);
	else
		err = gen_trace_record(tr->gen, data, n, tr->line, tr->ctx);
	return err == -ENOMEM ? 1 : 0;
}

/* -- calls left by unwinding --------------------------------------------------------------- */

/* A node that nobody has, or a new one in front of the list. */
static struct shm_sink *sink_take(struct arena *a)
{
	shm_ref at = __atomic_load_n(&a->hdr->sinks, __ATOMIC_RELAXED);
	struct shm_sink *s = shm_ptr(a, at, sizeof(*s));

	while (at && s && s->ring) {
		at = s->next;
		s = shm_ptr(a, at, sizeof(*s));
	}
	if (at)
		return s;
	at = arena_alloc(a, sizeof(*s), 64);
	s = at ? shm_ptr(a, at, sizeof(*s)) : NULL;
	if (s) {
		s->next = a->hdr->sinks;
		__atomic_store_n(&a->hdr->sinks, at, __ATOMIC_RELEASE);
	}
	return s;
}

/* The records of a trace come with those of its calls that unwinding has ended. */
static int sink_open(struct utramp_trace *tr)
{
	if (tr->opts.entry_only || tr->opts.exit_only)
		return 0; /* no call of it is ever open */
	tr->sink = sink_take(tr->g.target->arena);
	if (!tr->sink)
		return -ENOSPC;
	tr->sink->slots = tr->slots->shm->self;
	__atomic_store_n(&tr->sink->ring, tr->ring->shm->self, __ATOMIC_RELEASE);
	return 0;
}

/* Who has read the node writes once more into a ring that is there as long as the arena. */
static void sink_close(struct utramp_trace *tr)
{
	if (tr->sink)
		__atomic_store_n(&tr->sink->ring, 0, __ATOMIC_RELEASE);
	tr->sink = NULL;
}

static uint64_t ring_size(uint64_t want)
{
	uint64_t n = SHM_RING_PAGE;

	while (n < want && n < (1ull << 30))
		n *= 2;
	return n;
}

/* "ARG=LENARG", "ARG=N", "ARG=ret" */
static int parse_buf(struct utramp_trace *tr, size_t i, const char *text, struct diag *d)
{
	struct gen_trace_buf *b = &tr->buf[i];
	char *eq, *end;

	tr->buf_said[i] = strdup(text);
	tr->buf_text[i] = strdup(text);
	if (!tr->buf_said[i] || !tr->buf_text[i])
		return -ENOMEM;
	eq = strchr(tr->buf_text[i], '=');
	if (!eq || eq == tr->buf_text[i] || !eq[1])
		return diag_set(d, -EINVAL, "buffer '%s': expected ARG=LENARG, ARG=N or ARG=ret",
				text);
	*eq = '\0';
	b->arg = tr->buf_text[i];
	if (eq[1] < '0' || eq[1] > '9') {
		b->len = eq + 1;
		return 0;
	}
	errno = 0;
	b->n = (uint32_t)strtoul(eq + 1, &end, 0);
	if (*end || errno || !b->n || b->n > GEN_TRACE_MAX_BUF)
		return diag_set(d, -EINVAL, "buffer '%s': a length is 1 to %d bytes", text,
				GEN_TRACE_MAX_BUF);
	return 0;
}

/* A pointer to a function may lead into what the program has loaded since, or anywhere. */
static bool name_function(void *arg, uint64_t addr, struct value_symbol *out)
{
	struct utramp_trace *tr = arg;

	if (!tr->symbols || addr < NO_CODE_BELOW)
		return false;
	if (symbols_function(tr->symbols, addr, tr->looked, &out->module, &out->func, &out->offset))
		return true;
	if (tr->looked || !tr->g.target)
		return false;
	tr->looked = true;
	symbols_look(tr->symbols, tr->g.target, true);
	return symbols_function(tr->symbols, addr, true, &out->module, &out->func, &out->offset);
}

/* While the target is surely there: it may have ended when the first record is read. */
static int learn_names(struct utramp_trace *tr, const struct func *f)
{
	int err;

	if (tr->symbols || f->proto.source == PROTO_NONE || !gen_trace_names(&f->proto))
		return 0;
	err = symbols_new(&tr->symbols);
	return err ? err : symbols_look(tr->symbols, tr->g.target, true);
}

/* The user's strings, which need not outlive utramp_trace__new(). */
static int keep_opts(struct utramp_trace *tr, struct diag *d)
{
	const struct utramp_trace_opts *o = &tr->opts;
	int err = 0;

	if (o->entry_only && o->exit_only)
		return diag_set(d, -EINVAL, "entries only and exits only: nothing is left");
	if (o->depth && (o->entry_only || o->exit_only))
		return diag_set(d, -EINVAL,
				"a depth is counted between entries and exits: both are needed");
	if (o->nbufs > GEN_TRACE_BUFS)
		return diag_set(d, -E2BIG, "more than %d buffers", GEN_TRACE_BUFS);
	if (o->filter && !(tr->filter = strdup(o->filter)))
		return -ENOMEM;
	for (size_t i = 0; i < o->nbufs && !err; i++)
		err = parse_buf(tr, i, o->bufs[i], d);
	for (size_t i = 0; i < o->ndeny && !err; i++)
		err = generated_deny(&tr->g, o->deny[i], d);
	return err;
}

static int trace_init(struct utramp_trace *tr, struct diag *d)
{
	struct gen_trace_opts go = { .json = tr->opts.json,
				     .timestamps = tr->opts.timestamps,
				     .color = tr->opts.color && !tr->opts.json,
				     .exit_only = tr->opts.exit_only,
				     .depth = tr->opts.depth,
				     .filter = tr->filter,
				     .since_ns = tr->opts.since_ns,
				     .buf = tr->buf,
				     .nbufs = (unsigned)tr->opts.nbufs,
				     .symbol = name_function,
				     .symbol_arg = tr,
				     .strings = tr->opts.strings };
	struct map_attr attr = { .type = BPF_MAP_TYPE_RINGBUF,
				 .max_entries = (uint32_t)ring_size(tr->opts.buffer),
				 .name = "trace",
				 .lossless = tr->opts.lossless };
	struct map_attr slots = { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				  .key_size = sizeof(uint32_t),
				  .value_size = sizeof(struct gen_slot_value),
				  .max_entries = 1,
				  .name = "trace_slots" };
	int err = gen_trace_new(&go, &tr->gen);

	if (!err)
		err = map_create(tr->g.target->arena, &attr, &tr->ring, d);
	if (!err)
		err = map_create(tr->g.target->arena, &slots, &tr->slots, d);
	if (!err)
		err = ringbuf_new(tr->g.target, tr->ring, record, tr, &tr->rb, d);
	if (err)
		return err;
	tr->rb->silent = true; /* a record that is lost is not a call: trace_lost() */
	return sink_open(tr);
}

static struct map *trace_map(void *arg, int fd)
{
	struct utramp_trace *tr = arg;

	return fd == RING_FD ? tr->ring : fd == SLOTS_FD ? tr->slots : NULL;
}

/* One of a function's programs, generated, loaded, linked. */
static int link_program(struct utramp_trace *tr, struct hook *h, uint32_t id,
			enum program_kind kind, struct diag *d)
{
	struct gen_prog gp = { 0 };
	char name[64];
	struct program_attr attr = {
		.name = name, .kind = kind, .map_by_fd = trace_map, .arg = tr, .reentrant = true
	};
	int err = kind == PROGRAM_FSESSION ?
			  gen_trace_session(tr->gen, id, RING_FD, SLOTS_FD, &gp) :
		  kind == PROGRAM_FEXIT ? gen_trace_exit(tr->gen, id, RING_FD, SLOTS_FD, &gp) :
					  gen_trace_entry(tr->gen, id, RING_FD, SLOTS_FD, &gp);

	if (err)
		return err;
	snprintf(name, sizeof(name), "trace_%s", h->func->name);
	return generated_link(&tr->g, h, kind == PROGRAM_FENTRY ? TRAMP_FENTRY : TRAMP_FEXIT, &attr,
			      &gp, d);
}

/* A C++ name without its parameters: they stand behind it with their values. */
static char *shown_name(const char *name)
{
	char *text = demangle_short(name), *at, *out;
	struct cxx_name n;

	if (!text)
		return strdup(name);
	cxx_name_split(text, &n);
	at = text + (n.name - text);
	at[n.params - n.name] = '\0';
	out = strdup(*at ? at : name);
	free(text);
	return out;
}

static int link_all(struct utramp_trace *tr, struct hook *h, uint32_t id, struct diag *d)
{
	int err = 0;

	if (gen_trace_has_session(tr->gen, id))
		return link_program(tr, h, id, PROGRAM_FSESSION, d);
	if (gen_trace_has_entry(tr->gen, id))
		err = link_program(tr, h, id, PROGRAM_FENTRY, d);
	if (!err && gen_trace_has_exit(tr->gen, id))
		err = link_program(tr, h, id, PROGRAM_FEXIT, d);
	return err;
}

/* A function that is not traced for want of its result: why there is none. */
static int no_result(const struct utramp_trace *tr, const struct func *f, int err, struct diag *d)
{
	const char *why = func_refusal(f, TRAMP_FEXIT);

	if (err != -ENOTSUP)
		return err;
	if (tr->opts.entry_only)
		return diag_set(d, -EINVAL, "%s: entries only, but the result is asked for",
				f->name);
	return diag_set(d, err, "cannot trace %s:%s: its result is not seen: %s", f->mod->shown,
			f->name, why ? why : "");
}

/* All programs of a function, or none. */
static int trace_hook(struct generated *g, struct hook *h, struct diag *d)
{
	struct utramp_trace *tr = of(g);
	const struct func *f = h->func;
	char *shown = shown_name(f->name);
	struct gen_trace_func gf = { .module = f->mod->shown,
				     .name = f->name,
				     .shown = shown,
				     .proto = f->proto.source == PROTO_NONE ? NULL : &f->proto,
				     .model = f->model,
				     .entry = true,
				     .exit = f->can_exit && !tr->opts.entry_only,
				     .hook = h->number };
	uint32_t id;
	int err = generated_refusal(g, h, TRAMP_FENTRY, d);

	if (!err)
		err = learn_names(tr, f);
	if (!err) {
		err = gen_trace_add(tr->gen, &gf, &id, d);
		err = err ? no_result(tr, f, err, d) : link_all(tr, h, id, d);
	}
	free(shown);
	return err;
}

int utramp_trace__add(struct utramp_trace *tr, const char *spec,
		      const struct utramp_attach_opts *opts)
{
	struct diag *d = api_diag();

	if (!tr || !spec)
		return api_return(diag_set(d, -EINVAL, "no trace or function given"));
	return api_return(generated_add(&tr->g, spec, opts, d));
}

const char *utramp_trace__unused(const struct utramp_trace *tr)
{
	for (unsigned i = 0; tr && i < tr->opts.nbufs; i++)
		if (!gen_trace_buf_used(tr->gen, i))
			return tr->buf_said[i];
	return NULL;
}

/* What the programs of each thread slot could not record. */
static int count_lost(struct utramp_trace *tr)
{
	uint64_t used = __atomic_load_n(&tr->g.target->arena->hdr->slots_used, __ATOMIC_RELAXED);
	uint64_t each = (uint64_t)tr->slots->shm->value_stride * tr->slots->attr.max_entries;
	uint32_t key = 0;
	int err = 0;

	for (uint32_t i = 0; i < SHM_MAX_THREADS && i <= used && !err; i++) {
		struct gen_slot s = { .slot = i,
				      .addr = tr->g.target->proc->arena + tr->slots->shm->values +
					      i * each };

		err = map_lookup_slot(tr->slots, &key, i, &s.value);
		if (!err && (s.value.lost_calls || s.value.lost_exits))
			err = gen_trace_counters(tr->gen, &s, 1);
	}
	return err;
}

/* Calls, not records: what the generated programs counted, and what dead writers left. */
static uint64_t trace_lost(const struct generated *g)
{
	const struct utramp_trace *tr = (const struct utramp_trace *)(const void *)g;

	return tr->rb ? gen_trace_lost(tr->gen) + ringbuf_unfinished(tr->rb) : 0;
}

int utramp_trace__read(struct utramp_trace *tr, bool final,
		       void (*line)(void *ctx, const char *text, size_t n), void *ctx)
{
	struct diag *d = api_diag();
	int n, err = 0;

	if (!tr || !line)
		return api_return(diag_set(d, -EINVAL, "no trace or callback given"));
	if (!tr->g.target)
		return api_return(diag_set(d, -ESRCH, "the trace's target is gone"));
	tr->line = line;
	tr->ctx = ctx;
	tr->looked = false;
	n = ringbuf_consume(tr->rb, final);
	if (n < 0)
		return api_return(diag_set(d, n, "the trace's ring buffer is damaged"));
	if (final)
		err = count_lost(tr);
	if (final && !err)
		err = gen_trace_finish(tr->gen, line, ctx);
	return api_return(err ? err : n);
}

uint64_t utramp_trace__line_time(const struct utramp_trace *tr)
{
	return tr ? gen_trace_line_time(tr->gen) : 0;
}

pid_t utramp_trace__line_pid(const struct utramp_trace *tr)
{
	return tr ? gen_trace_line_pid(tr->gen) : 0;
}

static void trace_orphan(struct generated *g)
{
	struct utramp_trace *tr = of(g);

	sink_close(tr);
	generated_leave(g);
	if (tr->rb)
		ringbuf_free(tr->rb);
	map_put(tr->slots);
	map_put(tr->ring);
	tr->rb = NULL;
	tr->slots = tr->ring = NULL;
}

static const struct generated_kind trace_kind = {
	.verb = "trace",
	.hook = trace_hook,
	.lost = trace_lost,
	.orphan = trace_orphan,
};

struct utramp_trace *utramp_trace__new(struct utramp_target *t,
				       const struct utramp_trace_opts *opts)
{
	struct diag *d = api_diag();
	struct utramp_trace *tr;
	int err;

	if (!t)
		return api_null(diag_set(d, -EINVAL, "no target given"));
	tr = calloc(1, sizeof(*tr));
	if (!tr)
		return api_null(-ENOMEM);
	err = generated_init(&tr->g, &trace_kind, t);
	if (err) {
		free(tr);
		return api_null(err);
	}
	err = opts_copy(&tr->opts, sizeof(tr->opts), opts, d);
	if (!opts)
		tr->opts.strings = 64;
	if (!tr->opts.buffer)
		tr->opts.buffer = TRACE_RING;
	if (!err)
		err = keep_opts(tr, d);
	if (!err)
		err = trace_init(tr, d);
	if (err) {
		utramp_trace__free(tr);
		return api_null(err);
	}
	return tr;
}

void utramp_trace__free(struct utramp_trace *tr)
{
	if (!tr)
		return;
	if (tr->g.target) {
		generated_drop(&tr->g, 0);
		session_settle(tr->g.target, NULL);
		trace_orphan(&tr->g);
	}
	gen_trace_free(tr->gen);
	symbols_free(tr->symbols);
	for (size_t i = 0; i < GEN_TRACE_BUFS; i++) {
		free(tr->buf_text[i]);
		free(tr->buf_said[i]);
	}
	free(tr->filter);
	free(tr);
}
