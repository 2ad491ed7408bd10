/*
 * attach/late_watch.c - a program of ours on ld.so's _dl_debug_state(); see late.h.
 *
 * Context  [ctl]
 * Spec     glibc elf/dl-debug.c; <link.h>, struct r_debug: the function is called at each change,
 *          with r_state RT_ADD or RT_DELETE before, RT_CONSISTENT behind
 */
#include "attach/generated.h"
#include "attach/late.h"
#include "gen/bell.h"

#include <errno.h>
#include <link.h>
#include <stddef.h>
#include <stdlib.h>

/* In the generated LDDWs: the numbers are ours to choose. */
enum { BELL_FD = 1, RING_FD };

#define BLINK_NS 20000000u
#define LOADER   "_dl_debug_state"

struct late_watch {
	struct generated g; /* first */
	struct map *map, *ring;
	struct ring_reader *reader;
	taddr_t r_state; /* ld.so's; 0: unknown */
	uint64_t lost;   /* of the ring: who could not wait, as of the last answer */
};

static struct map *watch_map(void *arg, int fd)
{
	struct late_watch *w = arg;

	return fd == BELL_FD ? w->map : fd == RING_FD ? w->ring : NULL;
}

static uint64_t nothing_lost(const struct generated *g)
{
	(void)g;
	return 0;
}

static void orphan(struct generated *g)
{
	struct late_watch *w = (struct late_watch *)(void *)g;

	generated_leave(g);
	ring_reader_free(w->reader);
	map_put(w->map);
	map_put(w->ring);
	w->reader = NULL;
	w->map = w->ring = NULL;
}

static const struct generated_kind watch_kind = {
	.verb = "watch",
	.lost = nothing_lost,
	.orphan = orphan,
};

static struct gen_bell *bell(const struct late_watch *w)
{
	return w->map->values;
}

static struct shm_ring *ring(const struct late_watch *w)
{
	return shm_ptr(w->ring->arena, w->ring->shm->values, sizeof(struct shm_ring));
}

static int make_ring(struct late_watch *w, struct diag *d)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_RINGBUF,
				 .max_entries = GEN_BELL_RING,
				 .name = "bell_ring",
				 .lossless = true };
	struct utramp_target *t = w->g.target;
	int err = map_create(t->arena, &attr, &w->ring, d);

	if (!err)
		err = ring_reader_new(t->arena, w->ring->ref, &w->reader);
	if (!err)
		ring(w)->producer.lossless = SHM_RING_SPINS;
	return err;
}

static int watch_new(struct utramp_target *t, struct late_watch **out, struct diag *d)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = sizeof(uint32_t),
				 .value_size = sizeof(struct gen_bell),
				 .max_entries = 1,
				 .name = "bell" };
	struct late_watch *w = calloc(1, sizeof(*w));
	int err = w ? generated_init(&w->g, &watch_kind, t) : -ENOMEM;

	if (err) {
		free(w);
		return err;
	}
	err = map_create(t->arena, &attr, &w->map, d);
	if (!err)
		err = make_ring(w, d);
	if (err)
		watch_free(w);
	else
		*out = w;
	return err;
}

void watch_free(struct late_watch *w)
{
	if (!w)
		return;
	if (w->g.target)
		orphan(&w->g);
	free(w);
}

static taddr_t state_of(const struct amodule *m)
{
	const struct objsym *s = objfile_sym(m->obj, "_r_debug");

	return s ? s->addr + m->bias + offsetof(struct r_debug, r_state) : 0;
}

/* The hook of the loader's function. */
static int loader_hook(struct utramp_target *t, struct late_watch *w, struct hook **out,
		       struct diag *d)
{
	struct func *f = NULL;
	int err = -ENOENT;

	for (size_t i = 0; i < t->mods->n && err == -ENOENT; i++)
		err = func_exported(t->mods->at[i], LOADER, &f, NULL);
	if (err == -ENOENT)
		return diag_set(d, -ENOTSUP, "its loader has no function " LOADER);
	if (err)
		return err;
	w->r_state = state_of(f->mod);
	*out = session_find_hook(t, f);
	if (!*out)
		return session_hook_untyped(t, f, out, d);
	func_free(f);
	return 0;
}

static int link_bell(struct utramp_target *t, struct late_watch *w, struct diag *d)
{
	struct program_attr attr = { .name = "bell",
				     .kind = PROGRAM_FENTRY,
				     .map_by_fd = watch_map,
				     .arg = w,
				     .reentrant = true };
	struct gen_prog gp = { 0 };
	struct hook *h;
	int err = loader_hook(t, w, &h, d);

	if (!err)
		err = generated_refusal(&w->g, h, TRAMP_FENTRY, d);
	if (!err)
		err = gen_bell_program(BELL_FD, RING_FD, &gp);
	return err ? err : generated_link(&w->g, h, TRAMP_FENTRY, &attr, &gp, d);
}

static bool is_linked(const struct late_watch *w)
{
	return w->g.links.n && w->g.links.at[0]->hook;
}

static bool is_consistent(struct utramp_target *t, const struct late_watch *w)
{
	int state = RT_CONSISTENT;

	if (w->r_state)
		process_read(t->proc, w->r_state, &state, sizeof(state));
	return state == RT_CONSISTENT;
}

/*
 * Held is who comes when modules have come or gone, not who comes before.  The two take turns.  At
 * the start a program is about to say that it is consistent; any other has said so.  Should that
 * be wrong, the first who is held tells: watch_ask().
 */
static void set_phase(struct utramp_target *t, const struct late_watch *w)
{
	struct gen_bell *b = bell(w);

	b->phase = !t->late->opts.hold ? GEN_BELL_NEVER : (b->rings + !t->proc->stopped) % 2;
}

int watch_make(struct utramp_target *t, struct diag *d)
{
	struct late_watch *w = t->late->watch;
	int err = w ? 0 : watch_new(t, &w, d);

	if (err)
		return err;
	t->late->watch = w;
	if (is_linked(w))
		return 0;
	generated_drop(&w->g, 0); /* one that a detach has left */
	set_phase(t, w);
	return link_bell(t, w, d);
}

/* The ring is looked at first, and who is held has rung before. */
struct watch_news watch_ask(struct late_watch *w, uint64_t now)
{
	struct gen_bell *b = bell(w);
	struct shm_ring *r = ring(w);
	struct watch_news n = { 0 };
	uint64_t rings;

	n.full = __atomic_load_n(&r->producer.pos, __ATOMIC_ACQUIRE) !=
		 __atomic_load_n(&r->consumer.pos, __ATOMIC_RELAXED);
	n.held = n.full && __atomic_load_n(&b->holds, __ATOMIC_ACQUIRE);
	rings = __atomic_load_n(&b->rings, __ATOMIC_ACQUIRE);
	n.first_ns = __atomic_load_n(&b->first_ns, __ATOMIC_RELAXED);
	n.rang = rings != b->seen;
	/* it rang, and will be held in a moment */
	if (n.rang && !n.held && (rings - 1) % 2 == b->phase && now < n.first_ns + BLINK_NS)
		n.rang = false;
	if (n.rang)
		__atomic_store_n(&b->seen, rings, __ATOMIC_SEQ_CST);
	if (n.rang && n.held && !is_consistent(w->g.target, w))
		b->phase ^= 1;
	return n;
}

static int pass(void *arg, const void *data, size_t n)
{
	(void)arg;
	(void)data;
	(void)n;
	return 1;
}

/* In the ring is the one record that was there when watch_ask() looked. */
bool watch_answer(struct late_watch *w, const struct watch_news *news)
{
	uint64_t lost = ring_reader_lost(w->reader);
	bool kept = news->held && lost == w->lost;

	w->lost = lost;
	if (news->full)
		ring_reader_poll(w->reader, 1, false, pass, NULL);
	return kept;
}

void watch_release(struct late_watch *w)
{
	struct watch_news news = { .full = true };

	if (!w)
		return;
	bell(w)->phase = GEN_BELL_NEVER;
	watch_answer(w, &news);
}

const struct generated *watch_owner(const struct late_watch *w)
{
	return w ? &w->g : NULL;
}
