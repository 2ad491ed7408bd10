/*
 * attach/api_data.c - the public functions: maps, ring buffers, printk, lost events.
 */
#include "attach/generated.h"
#include "attach/object.h"
#include "attach/ringbuf.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct utramp_map *utramp_object__next_map(const struct utramp_object *o, struct utramp_map *prev)
{
	size_t i = 0;

	while (prev && i < o->maps.n && o->maps.at[i++] != prev)
		;
	return i < o->maps.n ? o->maps.at[i] : NULL;
}

struct utramp_map *utramp_object__find_map_by_name(const struct utramp_object *o, const char *name)
{
	for (size_t i = 0; i < o->maps.n; i++) {
		if (!__builtin_strcmp(o->maps.at[i]->name, name))
			return o->maps.at[i];
	}
	return api_null(diag_set(api_diag(), -ENOENT, "%s has no map '%s'", o->path, name));
}

const char *utramp_map__name(const struct utramp_map *m)
{
	return m->name;
}

uint32_t utramp_map__type(const struct utramp_map *m)
{
	return m->type;
}

uint32_t utramp_map__key_size(const struct utramp_map *m)
{
	return m->key_size;
}

uint32_t utramp_map__value_size(const struct utramp_map *m)
{
	return m->value_size;
}

static unsigned possible_cpus(void)
{
	int n = libbpf_num_possible_cpus();

	return n > 0 ? (unsigned)n : 1;
}

/* As libbpf checks them: the sizes a caller believes in must be the map's. */
static int check_sizes(const struct utramp_map *m, size_t key_sz, bool has_value, size_t value_sz,
		       struct diag *d)
{
	size_t want = m->value_size;

	if (!m->map)
		return diag_set(d, -ESRCH, "map %s: its target is gone", m->name);
	if (key_sz != m->key_size)
		return diag_set(d, -EINVAL, "map %s: keys have %u bytes, not %zu", m->name,
				m->key_size, key_sz);
	if (m->type == BPF_MAP_TYPE_PERCPU_ARRAY || m->type == BPF_MAP_TYPE_PERCPU_HASH)
		want = ALIGN_UP((size_t)m->value_size, 8) * possible_cpus();
	if (has_value && value_sz != want)
		return diag_set(d, -EINVAL, "map %s: values have %zu bytes, not %zu", m->name, want,
				value_sz);
	return 0;
}

int utramp_map__lookup_elem(const struct utramp_map *m, const void *key, size_t key_sz, void *value,
			    size_t value_sz, uint64_t flags)
{
	struct diag *d = api_diag();
	int err = check_sizes(m, key_sz, true, value_sz, d);

	if (!err && flags)
		err = diag_set(d, -EINVAL, "lookup takes no flags");
	return api_return(err ? err : map_lookup(m->map, key, value, possible_cpus()));
}

int utramp_map__update_elem(const struct utramp_map *m, const void *key, size_t key_sz,
			    const void *value, size_t value_sz, uint64_t flags)
{
	int err = check_sizes(m, key_sz, true, value_sz, api_diag());

	if (!err && m->type == BPF_MAP_TYPE_PROG_ARRAY)
		return api_return(sys_progarray_update(m->target->sys, m->map, key, value, flags));
	return api_return(err ? err : map_update(m->map, key, value, flags, possible_cpus()));
}

int utramp_map__delete_elem(const struct utramp_map *m, const void *key, size_t key_sz,
			    uint64_t flags)
{
	struct diag *d = api_diag();
	int err = check_sizes(m, key_sz, false, 0, d);

	if (!err && flags)
		err = diag_set(d, -EINVAL, "delete takes no flags");
	return api_return(err ? err : map_delete(m->map, key));
}

int utramp_map__get_next_key(const struct utramp_map *m, const void *key, void *next_key,
			     size_t key_sz)
{
	int err = check_sizes(m, key_sz, false, 0, api_diag());

	return api_return(err ? err : map_next_key(m->map, key, next_key));
}

/* -- ring buffers ------------------------------------------------------------------------------ */

int ringbuf_new(struct utramp_target *t, struct map *m, utramp_sample_fn fn, void *ctx,
		struct utramp_ring_buffer **out, struct diag *d)
{
	struct utramp_ring_buffer *rb = calloc(1, sizeof(*rb));
	int err = rb ? ring_reader_new(t->arena, m->ref, &rb->reader) : -ENOMEM;

	if (!err)
		err = vec_push(&t->rings, rb);
	if (err) {
		ring_reader_free(rb ? rb->reader : NULL);
		free(rb);
		return diag_set(d, err, "cannot read ring buffer %s", m->name);
	}
	rb->target = t;
	rb->fn = fn;
	rb->ctx = ctx;
	*out = rb;
	return 0;
}

int ringbuf_consume(struct utramp_ring_buffer *rb, bool final)
{
	return rb->reader ? ring_reader_poll(rb->reader, 0, final, rb->fn, rb->ctx) : 0;
}

uint64_t ringbuf_lost(const struct utramp_ring_buffer *rb)
{
	return rb->reader ? ring_reader_lost(rb->reader) : rb->lost;
}

uint64_t ringbuf_unfinished(const struct utramp_ring_buffer *rb)
{
	return rb->reader ? ring_reader_unfinished(rb->reader) : 0;
}

void ringbuf_orphan(struct utramp_ring_buffer *rb)
{
	struct utramp_target *t = rb->target;

	rb->lost = ringbuf_lost(rb);
	if (!rb->silent)
		t->lost += rb->lost;
	for (size_t i = 0; i < t->rings.n; i++) {
		if (t->rings.at[i] == rb) {
			t->rings.at[i] = t->rings.at[--t->rings.n];
			break;
		}
	}
	ring_reader_free(rb->reader);
	rb->reader = NULL;
	rb->target = NULL;
}

void ringbuf_free(struct utramp_ring_buffer *rb)
{
	if (rb->target)
		ringbuf_orphan(rb);
	free(rb);
}

struct utramp_ring_buffer *utramp_ring_buffer__new(struct utramp_map *m, utramp_sample_fn fn,
						   void *ctx, const void *opts)
{
	struct utramp_ring_buffer *rb = NULL;
	struct diag *d = api_diag();
	int err;

	if (opts || !fn || !m)
		return api_null(diag_set(d, -EINVAL,
					 "a ring buffer takes a map and a callback, no options"));
	if (m->type != BPF_MAP_TYPE_RINGBUF && m->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return api_null(diag_set(d, -EINVAL, "map %s is no ring buffer", m->name));
	if (!m->map)
		return api_null(diag_set(d, -ESRCH, "map %s: its target is gone", m->name));
	err = ringbuf_new(m->target, m->map, fn, ctx, &rb, d);
	return err ? api_null(err) : rb;
}

int utramp_ring_buffer__consume(struct utramp_ring_buffer *rb)
{
	struct diag *d = api_diag();
	int n;

	if (!rb)
		return api_return(diag_set(d, -EINVAL, "no ring buffer given"));
	n = ringbuf_consume(rb, rb->target && rb->target->proc->exited);
	return n < 0 ? api_return(diag_set(d, n, "the ring buffer is damaged")) : n;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Nobody wakes us: the traced side makes no system call.  Look often, sleep little. */
int utramp_ring_buffer__poll(struct utramp_ring_buffer *rb, int timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	uint64_t end = now_ms() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
	int n;

	for (;;) {
		n = utramp_ring_buffer__consume(rb);
		if (n || !rb->target || rb->target->proc->exited)
			return n; /* nobody writes any more */
		rb->target->arena->hdr->heartbeat++;
		if (timeout_ms >= 0 && now_ms() >= end)
			return 0;
		if (nanosleep(&nap, NULL) < 0)
			return 0; /* a signal of the caller's */
	}
}

uint64_t utramp_ring_buffer__lost(const struct utramp_ring_buffer *rb)
{
	return ringbuf_lost(rb);
}

void utramp_ring_buffer__free(struct utramp_ring_buffer *rb)
{
	if (rb)
		ringbuf_free(rb);
}

/* -- printk and totals ---------------------------------------------------------------------------- */

struct printk_reader {
	void (*fn)(void *ctx, const struct utramp_printk *p);
	void *ctx;
};

static int one_printk(void *arg, const void *data, size_t n)
{
	const struct printk_reader *r = arg;
	const struct shm_printk *p = data;
	struct utramp_printk out;
	char comm[sizeof(p->comm) + 1] = "";

	if (n < sizeof(*p))
		return 0;
	__builtin_memcpy(comm, p->comm, sizeof(p->comm));
	out = (struct utramp_printk){ .time_ns = p->time_ns,
				      .pid = (pid_t)p->pid,
				      .tid = (pid_t)p->tid,
				      .comm = comm,
				      .text = p->text,
				      .size = n - sizeof(*p) };
	r->fn(r->ctx, &out);
	return 0;
}

int utramp_target__read_printk(struct utramp_target *t,
			       void (*fn)(void *ctx, const struct utramp_printk *p), void *ctx)
{
	struct printk_reader r = { fn, ctx };
	struct diag *d = api_diag();
	int n;

	if (!t || !fn)
		return api_return(diag_set(d, -EINVAL, "no target or callback given"));
	n = ring_reader_poll(t->printk_reader, 0, t->proc->exited, one_printk, &r);
	t->arena->hdr->heartbeat++;
	return n < 0 ? api_return(diag_set(d, n, "the ring of bpf_printk is damaged")) : n;
}

uint64_t utramp_target__lost(const struct utramp_target *t)
{
	uint64_t n = t->lost + ring_reader_lost(t->printk_reader);

	for (size_t i = 0; i < t->rings.n; i++)
		n += t->rings.at[i]->silent ? 0 : ringbuf_lost(t->rings.at[i]);
	for (size_t i = 0; i < t->generated.n; i++)
		n += t->generated.at[i]->kind->lost(t->generated.at[i]);
	n += __atomic_load_n(&t->arena->hdr->no_slot, __ATOMIC_RELAXED);
	return n + __atomic_load_n(&t->arena->hdr->no_exit, __ATOMIC_RELAXED);
}

uint64_t utramp_target__untraced(const struct utramp_target *t)
{
	return __atomic_load_n(&t->arena->hdr->no_room, __ATOMIC_RELAXED);
}

uint64_t utramp_target__unwound(const struct utramp_target *t)
{
	return __atomic_load_n(&t->arena->hdr->unwound, __ATOMIC_RELAXED);
}
