/*
 * bpf/progarray.c - see progarray.h.
 */
#include "bpf/progarray.h"

#include "bpf/verify.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdlib.h>

struct progarray {
	struct {
		uint8_t kind;
		bool multi;
		unsigned nslots, nresults;
	} owner;
	struct program *at[];
};

static struct progarray *array_of(struct map *m, const struct program *owner)
{
	size_t size = sizeof(*m->progs) + m->attr.max_entries * sizeof(struct program *);

	if (m->progs)
		return m->progs;
	m->progs = calloc(1, size);
	if (!m->progs)
		return NULL;
	m->progs->owner.kind = owner->kind;
	m->progs->owner.multi = owner->multi;
	m->progs->owner.nslots = owner->nslots;
	m->progs->owner.nresults = owner->nresults;
	return m->progs;
}

int progarray_own(struct map *m, const struct program *p, struct diag *d)
{
	const struct progarray *a = array_of(m, p);

	if (!a)
		return -ENOMEM;
	if (a->owner.kind != p->kind || a->owner.multi != p->multi)
		return diag_set(d, -EINVAL,
				"program %s cannot use map %s: its programs are of another kind",
				p->name, m->name);
	if (a->owner.nslots != p->nslots || a->owner.nresults != p->nresults)
		return diag_set(d, -EINVAL,
				"program %s cannot use map %s: its programs are for functions with "
				"other arguments",
				p->name, m->name);
	return 0;
}

int progarray_admit(struct map *m, struct program *p, struct diag *d)
{
	int err = progarray_own(m, p, d);
	struct diag why = { 0 };

	if (err)
		return err;
	if (p->hit_in_callback)
		return diag_set(d, -ENOTSUP,
				"program %s asks for its cookie or its caller in a callback: not "
				"possible in a program that is tail called; ask before the loop",
				p->name);
	err = verify_again(p, m->arena, NULL, &why);
	if (err)
		return diag_set(
			d, err,
			"program %s is refused behind a tail call, where nothing is known of "
			"its arguments: %s",
			p->name, diag_text(&why, err));
	if (p->tail)
		return 0;
	if (m->arena->tails + 1 >= RT_TAILS)
		return diag_set(d, -ENOSPC, "map %s: %u programs in arrays are the limit", m->name,
				RT_TAILS - 1);
	p->tail = ++m->arena->tails;
	return 0;
}

/* A word in memory that the target shares, but whose place only we know. */
static void publish(struct map *m, uint32_t index, uint64_t number)
{
	__atomic_store_n((uint64_t *)m->values + index, number, __ATOMIC_RELEASE);
}

int progarray_set(struct map *m, uint32_t index, struct program *p)
{
	struct program *old;

	if (index >= m->attr.max_entries)
		return -E2BIG;
	old = progarray_get(m, index);
	if (!p && !old)
		return -ENOENT;
	publish(m, index, p ? p->tail : 0);
	m->progs->at[index] = p ? program_get(p) : NULL;
	program_put(old);
	return 0;
}

struct program *progarray_get(const struct map *m, uint32_t index)
{
	return m->progs && index < m->attr.max_entries ? m->progs->at[index] : NULL;
}

void progarray_clear(struct map *m)
{
	for (uint32_t i = 0; m && m->progs && i < m->attr.max_entries; i++)
		if (m->progs->at[i])
			progarray_set(m, i, NULL);
}
