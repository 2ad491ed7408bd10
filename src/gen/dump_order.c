/*
 * gen/dump_order.c - the keys of a hash in the order of printing.
 *
 * Types come from files: members are looked at no further than the key's bytes, and no deeper
 * than MAX_DEPTH; what that leaves open is decided by the bytes as they lie.
 */
#include "gen/dump_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_STEPS 10000 /* of one comparison */

static int compare_typed(const struct ty *t, const uint8_t *a, const uint8_t *b, size_t n,
			 unsigned depth, unsigned *steps);

static int compare_raw(uint64_t a, uint64_t b, bool is_signed)
{
	if (is_signed)
		return (int64_t)a < (int64_t)b ? -1 : (int64_t)a > (int64_t)b;
	return a < b ? -1 : a > b;
}

static int compare_members(const struct ty *t, const uint8_t *a, const uint8_t *b, size_t n,
			   unsigned depth, unsigned *steps)
{
	int c = 0;

	for (uint64_t i = 0; i < t->n && t->member && !c; i++) {
		const struct ty_member *m = &t->member[i];

		/* bit-fields are left to the bytes */
		if (m->type && !m->bits && m->offset < n)
			c = compare_typed(ty_strip(m->type), a + m->offset, b + m->offset,
					  n - (size_t)m->offset, depth + 1, steps);
		if (!*steps)
			break;
	}
	return c;
}

static int compare_typed(const struct ty *t, const uint8_t *a, const uint8_t *b, size_t n,
			 unsigned depth, unsigned *steps)
{
	const struct ty *of;
	int c = 0;

	if (depth > MAX_DEPTH || !*steps || t->size > n || !t->size)
		return 0;
	--*steps;
	switch (t->kind) {
	case TY_INT:
	case TY_ENUM:
	case TY_PTR:
		if (t->size <= 8)
			c = compare_raw(dump_number(t, a), dump_number(t, b), t->flags & TY_SIGNED);
		break;
	case TY_STRUCT:
		c = compare_members(t, a, b, (size_t)t->size, depth, steps);
		break;
	case TY_ARRAY:
		of = ty_strip(t->of);
		if (of->kind == TY_INT && of->size == 1)
			return memcmp(a, b, (size_t)t->size);
		for (uint64_t i = 0; i < t->n && of->size && n / of->size > i && !c && *steps; i++)
			c = compare_typed(of, a + i * of->size, b + i * of->size, (size_t)of->size,
					  depth + 1, steps);
		break;
	default: /* unions, floats: as they lie */
		break;
	}
	return c;
}

struct entry {
	uint64_t number; /* the value, if that is one */
	size_t at;       /* of the key in `keys` */
};

struct order {
	const struct dump *d;
	const uint8_t *keys;
	bool by_value;
};

static int compare_entries(const void *pa, const void *pb, void *arg)
{
	const struct entry *a = pa, *b = pb;
	const struct order *o = arg;
	const uint8_t *ka = o->keys + a->at, *kb = o->keys + b->at;
	size_t n = o->d->map->attr.key_size;
	unsigned steps = MAX_STEPS;
	int c = 0;

	if (o->by_value)
		c = compare_raw(b->number, a->number, o->d->value->flags & TY_SIGNED);
	if (!c && o->d->key)
		c = compare_typed(o->d->key, ka, kb, n, 0, &steps);
	return c ? c : memcmp(ka, kb, n);
}

/* The keys as they come; programs that still run may change the hash, but it holds no more. */
static int collect(struct dump *d, uint8_t *keys, struct entry *list, bool by_value, size_t *n)
{
	size_t size = d->map->attr.key_size;
	const uint8_t *last = NULL;
	int err = 0;

	for (*n = 0; *n < d->map->attr.max_entries; ++*n) {
		struct entry *e = &list[*n];

		e->at = *n * size;
		err = map_next_key(d->map, last, keys + e->at);
		if (err)
			break;
		last = keys + e->at;
		if (by_value && dump_sum(d, last, &e->number) < 0)
			e->number = 0; /* deleted meanwhile */
	}
	return err == -ENOENT ? 0 : err;
}

int dump_keys(struct dump *d, uint8_t **out, size_t *n)
{
	size_t size = d->map->attr.key_size, max = d->map->attr.max_entries;
	struct order o = { .d = d, .by_value = dump_is_number(d->value) };
	struct entry *list = calloc(max, sizeof(*list));
	uint8_t *keys = calloc(max, size), *sorted = NULL;
	int err = list && keys ? collect(d, keys, list, o.by_value, n) : -ENOMEM;

	if (!err) {
		o.keys = keys;
		qsort_r(list, *n, sizeof(*list), compare_entries, &o);
		sorted = calloc(*n + 1, size);
		err = sorted ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < *n && !err; i++)
		memcpy(sorted + i * size, keys + list[i].at, size);
	free(list);
	free(keys);
	if (err)
		*n = 0;
	*out = sorted;
	return err;
}
