/*
 * sys/map_cmd.c - BPF_MAP_*: create, the elements, freeze.
 *
 * Context  [ctl]
 * Spec     bpf(2); Linux kernel/bpf/syscall.c (order of the checks)
 */
#include "sys/session.h"

#include "base/types.h"
#include "bpf/progarray.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The types named for keys and values must have their sizes. */
static int check_types(struct sys_call *c, const struct sys_object *btf)
{
	const union bpf_attr *a = &c->attr;
	struct btf *types = btf->blob.parsed;

	if (!a->btf_value_type_id)
		return diag_set(&c->s->diag, -EINVAL, "map %s: a key type but no value type",
				a->map_name);
	if (a->btf_key_type_id && btf__resolve_size(types, a->btf_key_type_id) != a->key_size)
		return diag_set(&c->s->diag, -EINVAL, "map %s: its key type has not %u bytes",
				a->map_name, a->key_size);
	if (btf__resolve_size(types, a->btf_value_type_id) != a->value_size)
		return diag_set(&c->s->diag, -EINVAL, "map %s: its value type has not %u bytes",
				a->map_name, a->value_size);
	return 0;
}

static int check_node(struct sys_call *c)
{
	char path[64];

	if (!(c->attr.map_flags & BPF_F_NUMA_NODE) || !c->attr.numa_node)
		return 0;
	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", c->attr.numa_node);
	if (access(path, F_OK) < 0)
		return diag_set(&c->s->diag, -EINVAL, "there is no NUMA node %u",
				c->attr.numa_node);
	return 0;
}

static int check_create(struct sys_call *c, struct sys_object **btf)
{
	const union bpf_attr *a = &c->attr;
	struct diag *d = &c->s->diag;
	int err = sys_check_name(a->map_name, sizeof(a->map_name), d);

	if (err < 0)
		return err;
	if (a->btf_vmlinux_value_type_id || a->map_extra)
		return diag_set(d, -EINVAL, "map %s: no such attribute for its type", a->map_name);
	if (a->map_ifindex)
		return diag_set(d, -ENOTSUP, "map %s: maps on network devices are not supported",
				a->map_name);
	err = check_node(c);
	if (err < 0 || !(a->btf_key_type_id || a->btf_value_type_id))
		return err;
	*btf = sys_object_by_fd(c->s, (int)a->btf_fd, SYS_BTF, &err);
	return *btf ? check_types(c, *btf) : err;
}

int sys_map_create(struct sys_call *c)
{
	const union bpf_attr *a = &c->attr;
	struct sys_object *o, *btf = NULL;
	struct map_attr attr = {
		.type = a->map_type,
		.key_size = a->key_size,
		.value_size = a->value_size,
		.max_entries = a->max_entries,
		.flags = a->map_flags,
		.name = a->map_name,
		.btf_key_type_id = a->btf_key_type_id,
		.btf_value_type_id = a->btf_value_type_id,
		.lossless = c->s->lossless,
	};
	int err = check_create(c, &btf);

	if (err < 0)
		return err;
	sys_sweep(c->s);
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->type = SYS_MAP;
	err = map_create(c->s->arena, &attr, &o->map, &c->s->diag);
	if (err < 0) {
		free(o);
		return err;
	}
	o->id = o->map->id;
	err = sys_object_publish(c->s, o, o->map->fd, a->map_name);
	if (err < 0) {
		map_put(o->map);
		free(o);
		return err;
	}
	o->btf = btf;
	if (btf)
		btf->held++;
	return err;
}

static bool is_percpu(const struct map *m)
{
	return m->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       m->attr.type == BPF_MAP_TYPE_PERCPU_HASH;
}

/* The possible CPUs, as users of per-CPU maps size their buffers by. */
unsigned sys_cpus(void)
{
	int n = libbpf_num_possible_cpus();

	return n > 0 ? (unsigned)n : 1;
}

uint64_t sys_map_value_size(const struct map *m)
{
	return is_percpu(m) ? ALIGN_UP((uint64_t)m->attr.value_size, 8) * sys_cpus() :
			      m->attr.value_size;
}

/* A key as the caller gave it: it may be absent only where the map has none. */
static int check_key(const struct map *m, uint64_t key)
{
	if (!m->attr.key_size)
		return key ? -EINVAL : 0;
	return sys_check_user(key, m->attr.key_size);
}

static void *user_ptr(uint64_t ptr)
{
	return (void *)(uintptr_t)ptr;
}

/* The map of an element command, its key checked. */
static struct map *element_map(struct sys_call *c, int *err)
{
	struct sys_object *o = sys_object_by_fd(c->s, (int)c->attr.map_fd, SYS_MAP, err);

	if (!o)
		return NULL;
	*err = check_key(o->map, c->attr.key);
	return *err < 0 ? NULL : o->map;
}

int sys_map_lookup(struct sys_call *c)
{
	struct map *m;
	int err;

	/* BPF_F_LOCK needs a bpf_spin_lock in the value: our maps have none. */
	if (c->attr.flags)
		return -EINVAL;
	m = element_map(c, &err);
	if (!m)
		return err;
	if (m->attr.value_size && sys_check_user(c->attr.value, sys_map_value_size(m)) < 0)
		return -EFAULT;
	return map_lookup(m, user_ptr(c->attr.key), user_ptr(c->attr.value), sys_cpus());
}

static int put_program(struct sys_session *s, struct map *m, uint32_t index, int fd)
{
	int err = 0;
	struct sys_object *o = sys_object_by_fd(s, fd, SYS_PROG, &err);

	if (!o)
		return err;
	if (!o->prog.program->verified) /* it was loaded as one of libbpf's questions */
		return diag_set(&s->diag, -EINVAL,
				"program %s is of a type that cannot be attached, nor jumped to",
				o->prog.program->name);
	err = progarray_admit(m, o->prog.program, &s->diag);
	if (!err && s->ops.tail_ready)
		err = s->ops.tail_ready(s->ops.arg, o->prog.program, &s->diag);
	return err ? err : progarray_set(m, index, o->prog.program);
}

int sys_progarray_update(struct sys_session *s, struct map *m, const void *key, const void *value,
			 uint64_t flags)
{
	uint32_t index;
	int fd, err;

	if (m->frozen || (m->attr.flags & BPF_F_RDONLY))
		return -EPERM;
	if (flags)
		return -EINVAL;
	memcpy(&index, key, sizeof(index));
	memcpy(&fd, value, sizeof(fd));
	if (index >= m->attr.max_entries)
		return -E2BIG;
	pthread_mutex_lock(&sys_lock);
	err = put_program(s, m, index, fd);
	pthread_mutex_unlock(&sys_lock);
	return err;
}

int sys_map_update(struct sys_call *c)
{
	struct map *m;
	int err;

	m = element_map(c, &err);
	if (!m)
		return err;
	if (m->attr.value_size && sys_check_user(c->attr.value, sys_map_value_size(m)) < 0)
		return -EFAULT;
	if (m->attr.type == BPF_MAP_TYPE_PROG_ARRAY)
		return sys_progarray_update(c->s, m, user_ptr(c->attr.key), user_ptr(c->attr.value),
					    c->attr.flags);
	if (m->attr.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return diag_set(&c->s->diag, -ENOTSUP,
				"map %s: a perf_event_array takes no perf events here: its records "
				"are read by utramp_ring_buffer__new(), in the order of the calls",
				m->name);
	return map_update(m, user_ptr(c->attr.key), user_ptr(c->attr.value), c->attr.flags,
			  sys_cpus());
}

int sys_map_delete(struct sys_call *c)
{
	struct map *m;
	int err;

	m = element_map(c, &err);
	return m ? map_delete(m, user_ptr(c->attr.key)) : err;
}

int sys_map_next_key(struct sys_call *c)
{
	struct sys_object *o;
	struct map *m;
	int err;

	o = sys_object_by_fd(c->s, (int)c->attr.map_fd, SYS_MAP, &err);
	if (!o)
		return err;
	m = o->map;
	if (c->attr.key && check_key(m, c->attr.key) < 0)
		return check_key(m, c->attr.key);
	if (m->attr.key_size && sys_check_user(c->attr.next_key, m->attr.key_size) < 0)
		return -EFAULT;
	return map_next_key(m, user_ptr(c->attr.key), user_ptr(c->attr.next_key));
}

int sys_map_lookup_delete(struct sys_call *c)
{
	struct map *m;
	int err;

	if (c->attr.flags)
		return -EINVAL;
	m = element_map(c, &err);
	if (!m)
		return err;
	if (m->attr.type != BPF_MAP_TYPE_HASH && m->attr.type != BPF_MAP_TYPE_PERCPU_HASH)
		return diag_set(&c->s->diag, m->attr.value_size ? -ENOTSUP : -EINVAL,
				"map %s: a %s cannot look up and delete", m->name,
				map_type_name(m->attr.type));
	if (m->frozen || (m->attr.flags & (BPF_F_RDONLY | BPF_F_WRONLY)))
		return -EPERM;
	if (sys_check_user(c->attr.value, sys_map_value_size(m)) < 0)
		return -EFAULT;
	return map_take(m, user_ptr(c->attr.key), user_ptr(c->attr.value), sys_cpus());
}

int sys_map_freeze(struct sys_call *c)
{
	struct sys_object *o;
	int err;

	o = sys_object_by_fd(c->s, (int)c->attr.map_fd, SYS_MAP, &err);
	return o ? map_freeze(o->map) : err;
}
