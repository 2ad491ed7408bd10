/*
 * sys/batch_cmd.c - BPF_MAP_{LOOKUP,LOOKUP_AND_DELETE,UPDATE,DELETE}_BATCH.
 *
 * Which types have which, and the errors, as in the kernel: hashes all four, arrays lookup and
 * update.  attr.batch.count is the room on the way in and the number done on the way out,
 * after errors too.
 *
 * Lookup of a hash goes bucket by bucket, and in_batch/out_batch hold 4 bytes, the next bucket's
 * number: -ENOENT after the last, -ENOSPC when the first bucket alone does not fit.  A bucket's
 * keys are those of one moment, their values are read after it: an element that goes meanwhile
 * is left out.  Of an array they hold the last index given.
 *
 * Differs  attr.batch.flags must be 0 for all (the kernel looks at them for hashes only)
 * Context  [ctl]
 * Spec     Linux kernel/bpf/syscall.c generic_map_*_batch(), bpf_map_do_batch(); hashtab.c
 *          __htab_map_lookup_and_delete_batch()
 */
#include "sys/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DOES_LOOKUP = 1, DOES_DELETE = 2, DOES_UPDATE = 4 };

struct batch {
	struct sys_call *c;
	struct map *m;
	char *keys, *values, *buf; /* the caller's arrays; keys of one bucket */
	uint64_t value_size;
	uint32_t max, done;
	bool take;
};

static void *user_ptr(uint64_t ptr)
{
	return (void *)(uintptr_t)ptr;
}

static bool is_hash(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_HASH || m->attr.type == BPF_MAP_TYPE_PERCPU_HASH;
}

static bool is_array(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_ARRAY || m->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static int check_access(const struct map *m, unsigned what)
{
	bool reads = what & DOES_LOOKUP, writes = what & (DOES_DELETE | DOES_UPDATE);

	if (reads && (m->attr.flags & BPF_F_WRONLY))
		return -EPERM;
	return writes && (m->frozen || (m->attr.flags & BPF_F_RDONLY)) ? -EPERM : 0;
}

/* 0, and b->max 0: nothing is asked for. */
static int batch_open(struct batch *b, struct sys_call *c, unsigned what)
{
	const union bpf_attr *a = &c->attr;
	struct sys_object *o;
	int err;

	*b = (struct batch){ .c = c, .max = a->batch.count };
	o = sys_object_by_fd(c->s, (int)a->batch.map_fd, SYS_MAP, &err);
	if (!o)
		return err;
	b->m = o->map;
	err = check_access(b->m, what);
	if (err < 0)
		return err;
	if (!is_hash(b->m) && !(is_array(b->m) && !(what & DOES_DELETE)))
		return diag_set(&c->s->diag, -ENOTSUP, "map %s: a %s has no such batch command",
				b->m->name, map_type_name(b->m->attr.type));
	/* The only one is BPF_F_LOCK, for values with a bpf_spin_lock: our maps have none. */
	if (a->batch.elem_flags)
		return diag_set(&c->s->diag, -EINVAL, "elem_flags %#llx do not exist for it",
				(unsigned long long)a->batch.elem_flags);
	if (a->batch.flags)
		return diag_set(&c->s->diag, -EINVAL, "batch flags must be 0");
	if (!b->max)
		return 0;
	c->user->batch.count = 0;
	b->value_size = sys_map_value_size(b->m);
	b->keys = user_ptr(a->batch.keys);
	b->values = user_ptr(a->batch.values);
	if (sys_check_user(a->batch.keys, (uint64_t)b->max * b->m->attr.key_size) < 0)
		return -EFAULT;
	if (what != DOES_DELETE && (b->max > UINT64_MAX / b->value_size ||
				    sys_check_user(a->batch.values, b->max * b->value_size) < 0))
		return -EFAULT;
	return 0;
}

static int batch_end(const struct batch *b, int err)
{
	b->c->user->batch.count = b->done;
	return err;
}

static void *key_at(const struct batch *b, uint32_t i)
{
	return b->keys + (uint64_t)i * b->m->attr.key_size;
}

static void *value_at(const struct batch *b, uint32_t i)
{
	return b->values + i * b->value_size;
}

/* -- lookup ------------------------------------------------------------------------------ */

/* One bucket, which fits. */
static int give_bucket(struct batch *b, uint32_t n)
{
	uint32_t size = b->m->attr.key_size;
	int err;

	for (uint32_t i = 0; i < n; i++) {
		void *value = value_at(b, b->done);

		memcpy(key_at(b, b->done), b->buf + (uint64_t)i * size, size);
		err = b->take ? map_take(b->m, key_at(b, b->done), value, sys_cpus()) :
				map_lookup(b->m, key_at(b, b->done), value, sys_cpus());
		if (err < 0 && err != -ENOENT)
			return err;
		b->done += !err;
	}
	return 0;
}

static int walk_hash(struct batch *b, uint32_t *bucket)
{
	for (;; (*bucket)++) {
		uint32_t room = b->max - b->done;
		int n = map_bucket(b->m, *bucket, b->buf, room), err;

		if (n < 0)
			return n;
		if ((uint32_t)n > room)
			return b->done ? 0 : -ENOSPC;
		err = give_bucket(b, (uint32_t)n);
		if (err < 0)
			return err;
	}
}

static int lookup_hash(struct batch *b)
{
	const union bpf_attr *a = &b->c->attr;
	uint32_t bucket = 0, size = b->m->attr.key_size;
	uint32_t most = b->max < b->m->attr.max_entries ? b->max : b->m->attr.max_entries;
	int err;

	if (a->batch.in_batch && sys_check_user(a->batch.in_batch, sizeof(bucket)) < 0)
		return -EFAULT;
	if (sys_check_user(a->batch.out_batch, sizeof(bucket)) < 0)
		return -EFAULT;
	if (a->batch.in_batch)
		memcpy(&bucket, user_ptr(a->batch.in_batch), sizeof(bucket));
	b->max = most; /* there are no more, ever */
	b->buf = malloc((uint64_t)most * size);
	if (!b->buf)
		return -ENOMEM;
	err = walk_hash(b, &bucket);
	memcpy(user_ptr(a->batch.out_batch), &bucket, sizeof(bucket));
	free(b->buf);
	return batch_end(b, err);
}

static int lookup_array(struct batch *b)
{
	const union bpf_attr *a = &b->c->attr;
	uint32_t prev = 0, next;
	bool first = !a->batch.in_batch;
	int err = 0;

	if (!first && sys_check_user(a->batch.in_batch, sizeof(prev)) < 0)
		return -EFAULT;
	if (sys_check_user(a->batch.out_batch, sizeof(prev)) < 0)
		return -EFAULT;
	if (!first)
		memcpy(&prev, user_ptr(a->batch.in_batch), sizeof(prev));
	while (b->done < b->max && !err) {
		err = map_next_key(b->m, first ? NULL : &prev, &next);
		if (!err)
			err = map_lookup(b->m, &next, value_at(b, b->done), sys_cpus());
		if (err)
			break;
		memcpy(key_at(b, b->done), &next, sizeof(next));
		prev = next;
		first = false;
		b->done++;
	}
	if (b->done)
		memcpy(user_ptr(a->batch.out_batch), &prev, sizeof(prev));
	return batch_end(b, err);
}

int sys_map_lookup_batch(struct sys_call *c)
{
	struct batch b;
	int err = batch_open(&b, c, DOES_LOOKUP);

	if (err < 0 || !b.max)
		return err;
	return is_hash(b.m) ? lookup_hash(&b) : lookup_array(&b);
}

int sys_map_take_batch(struct sys_call *c)
{
	struct batch b;
	int err = batch_open(&b, c, DOES_LOOKUP | DOES_DELETE);

	if (err < 0 || !b.max)
		return err;
	b.take = true;
	return lookup_hash(&b);
}

/* -- update, delete ------------------------------------------------------------------------ */

int sys_map_update_batch(struct sys_call *c)
{
	struct batch b;
	int err = batch_open(&b, c, DOES_UPDATE);

	for (; !err && b.done < b.max; b.done += !err)
		err = map_update(b.m, key_at(&b, b.done), value_at(&b, b.done), 0, sys_cpus());
	return b.values ? batch_end(&b, err) : err;
}

int sys_map_delete_batch(struct sys_call *c)
{
	struct batch b;
	int err = batch_open(&b, c, DOES_DELETE);

	for (; !err && b.done < b.max; b.done += !err)
		err = map_delete(b.m, key_at(&b, b.done));
	return b.keys ? batch_end(&b, err) : err;
}
