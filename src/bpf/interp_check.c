/*
 * bpf/interp_check.c - see interp.h: checked mode.
 *
 * Context  [ctl]
 */
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/interp.h"
#include "bpf/kfunc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct interp_check {
	struct interp_watch watch;
	const struct program *p;
	const struct engine_env *env;
	const struct interp_opts *o;
	struct diag *d;
	uint64_t ctx, ctx_len; /* first argument; bytes behind it that plain programs may use */
	uint64_t top;          /* of the stack */
};

static bool inside(uint64_t addr, uint64_t size, uint64_t lo, uint64_t len)
{
	return addr >= lo && size <= len && addr - lo <= len - size;
}

static bool map_holds(const struct interp_check *c, const struct map *map, uint64_t addr,
		      uint64_t size, bool store)
{
	const struct shm_map *shm = map->shm;
	const struct shm_hash *h;

	if (store && (shm->frozen || shm->map_flags & BPF_F_RDONLY_PROG))
		return false;
	if (shm->values && inside(addr, size, c->env->arena + shm->values, shm->values_size))
		return true;
	h = shm->hash ? shm_ptr(map->arena, shm->hash, sizeof(*h)) : NULL;
	return h && inside(addr, size, c->env->arena + h->elems, h->elem_stride * shm->max_entries);
}

static void see_slot(struct body_facts *seen, int64_t slot)
{
	if (slot == -1)
		seen->reads_count = true;
	else if (slot == -2)
		seen->reads_ip = true;
	else if (slot < 0 || slot >= BODY_MAX_SLOTS)
		seen->reads_any = true;
	else
		seen->reads[slot / 64] |= 1ull << slot % 64;
}

static bool ctx_holds(const struct interp_check *c, uint64_t addr, uint64_t size, bool store)
{
	uint64_t count;

	if (c->p->kind == PROGRAM_PLAIN)
		return inside(addr, size, c->ctx, c->ctx_len);
	if (store)
		return false;
	memcpy(&count, (const uint64_t *)(uintptr_t)c->ctx - 1, sizeof(count));
	return inside(addr, size, c->ctx - 16, 16 + 8 * ((count & 0xff) + 2));
}

static uint64_t ctx_word(uint64_t ctx)
{
	uint64_t word;

	memcpy(&word, (const uint64_t *)(uintptr_t)ctx - 1, sizeof(word));
	return word;
}

/* Where the session cookie of a program with this ctx is; ctx itself: it has none. */
static uint64_t session_cookie(uint64_t ctx)
{
	return ctx - 8 * (ctx_word(ctx) >> 8 & 0xff);
}

static bool cookie_holds(const struct interp_check *c, uint64_t addr, uint64_t size)
{
	return c->p->facts.session_cookie && session_cookie(c->ctx) != c->ctx &&
	       inside(addr, size, session_cookie(c->ctx), 8);
}

static void see(const struct interp_check *c, uint64_t addr, uint64_t size)
{
	if (!c->o->seen || c->p->kind == PROGRAM_PLAIN)
		return;
	see_slot(c->o->seen, (int64_t)(addr - c->ctx) >> 3);
	see_slot(c->o->seen, (int64_t)(addr + size - 1 - c->ctx) >> 3);
}

static bool may_access(const struct interp_check *c, const struct interp *m, uint64_t addr,
		       uint64_t size, bool store)
{
	uint64_t low = m->r[INSN_FP] - c->p->sub[m->sub].stack;

	if (inside(addr, size, low, c->top - low))
		return true;
	if (ctx_holds(c, addr, size, store)) {
		if (!store)
			see(c, addr, size);
		return true;
	}
	if (cookie_holds(c, addr, size) || (!store && inside(addr, size, m->key, m->key_len)))
		return true;
	for (uint32_t i = 0; i < c->p->nmaps; i++)
		if (map_holds(c, c->p->map[i], addr, size, store))
			return true;
	for (unsigned i = 0; i < c->o->nranges; i++)
		if (inside(addr, size, c->o->range[i].lo, c->o->range[i].hi - c->o->range[i].lo) &&
		    (!store || c->o->range[i].writable))
			return true;
	return false;
}

static int access(const struct interp_check *c, const struct interp *m, uint64_t addr,
		  unsigned size, bool store, bool aligned)
{
	if (aligned && addr % size)
		return diag_set(c->d, -EFAULT, "insn %u: atomic operation at unaligned 0x%llx",
				m->at, (unsigned long long)addr);
	if (!may_access(c, m, addr, size, store))
		return diag_set(c->d, -EFAULT, "insn %u: %s of %u bytes at 0x%llx", m->at,
				store ? "store" : "load", size, (unsigned long long)addr);
	return 0;
}

static int check_kfunc(const struct interp_check *c, const struct interp *m, uint32_t id)
{
	const struct kfunc *k = kfunc_by_id(id);
	int err = 0;

	if (k && k->flags & KFUNC_TAKES_CTX)
		err = access(c, m, m->r[1] - 8, 8, false, false);
	if (!err && k && k->flags & KFUNC_TAKES_ITER)
		err = access(c, m, m->r[1], 8, true, false);
	if (!err && id == KFUNC_SET_RESULT)
		err = access(c, m, m->r[2], (uint32_t)m->r[3], false, false);
	return err;
}

static int before(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
	const struct interp_check *c = (const void *)w;
	uint64_t off = (uint64_t)(int64_t)i->off;

	if (insn_is_load_acq(i))
		return access(c, m, m->r[i->src_reg] + off, insn_bytes(i), false, true);
	switch (BPF_CLASS(i->code)) {
	case BPF_LDX:
		return access(c, m, m->r[i->src_reg] + off, insn_bytes(i), false, false);
	case BPF_ST:
	case BPF_STX:
		return access(c, m, m->r[i->dst_reg] + off, insn_bytes(i), true, insn_is_atomic(i));
	default:
		return insn_is_call(i) && i->src_reg == CALL_KFUNC ?
			       check_kfunc(c, m, (uint32_t)i->imm) :
			       0;
	}
}

static void after(struct interp_watch *w, const struct interp *m, const struct bpf_insn *i)
{
}

int interp_check_new(const struct program *p, const struct engine_env *env,
		     const struct interp_opts *o, const struct interp *m, struct diag *d,
		     struct interp_check **out)
{
	struct interp_check *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	*c = (struct interp_check){ .watch = { before, after },
				    .p = p,
				    .env = env,
				    .o = o,
				    .d = d,
				    .ctx = m->r[1],
				    .ctx_len = m->r[2],
				    .top = m->r[INSN_FP] };
	*out = c;
	return 0;
}

struct interp_watch *interp_check_watch(struct interp_check *c)
{
	return &c->watch;
}

void interp_check_free(struct interp_check *c)
{
	free(c);
}
