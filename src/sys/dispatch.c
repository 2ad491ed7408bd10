/*
 * sys/dispatch.c - the table of bpf(2)'s commands, ids, pinning.
 *
 * A command that is not in the table gives EINVAL, as in a kernel that does not know it;
 * sys_last_error() has its name.
 *
 * Context  [ctl]
 * Spec     include/uapi/linux/bpf.h (which attributes a command has)
 */
#include "sys/session.h"

#include "base/types.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static int next_id(struct sys_call *c, enum sys_type type)
{
	uint32_t best = UINT32_MAX, start = c->attr.start_id;
	struct sys_object *o;
	size_t i;

	if (start >= INT_MAX)
		return -EINVAL;
	sys_sweep(c->s);
	for (i = 0; i < c->s->object.n; i++) {
		o = c->s->object.at[i];
		if (o->type == type && o->id > start && o->id < best)
			best = o->id;
	}
	if (best == UINT32_MAX)
		return -ENOENT;
	c->user->next_id = best;
	return 0;
}

static int next_prog(struct sys_call *c)
{
	return next_id(c, SYS_PROG);
}

static int next_map(struct sys_call *c)
{
	return next_id(c, SYS_MAP);
}

static int next_blob(struct sys_call *c)
{
	return next_id(c, SYS_BTF);
}

static int next_link(struct sys_call *c)
{
	return next_id(c, SYS_LINK);
}

static int open_id(struct sys_call *c, enum sys_type type)
{
	struct sys_object *o;

	if (c->attr.open_flags)
		return diag_set(&c->s->diag, -EINVAL,
				"open_flags are not supported: a map's access is decided at its "
				"creation");
	sys_sweep(c->s);
	o = sys_object_by_id(c->s, c->attr.start_id, type);
	return o ? sys_object_open(o) : -ENOENT;
}

static int open_prog(struct sys_call *c)
{
	return open_id(c, SYS_PROG);
}

static int open_map(struct sys_call *c)
{
	return open_id(c, SYS_MAP);
}

static int open_blob(struct sys_call *c)
{
	return open_id(c, SYS_BTF);
}

static int open_link(struct sys_call *c)
{
	return open_id(c, SYS_LINK);
}

/* No path is on a BPF file system of ours: the errors are the kernel's for such a path. */
static int obj_pin(struct sys_call *c)
{
	if (sys_check_user(c->attr.pathname, 1) < 0)
		return -EFAULT;
	if (!sys_object_any(c->s, (int)c->attr.bpf_fd))
		return -EBADF;
	return diag_set(&c->s->diag, -EPERM,
			"pinning is not supported: objects live as long as the session");
}

static int obj_get(struct sys_call *c)
{
	if (sys_check_user(c->attr.pathname, 1) < 0)
		return -EFAULT;
	if (access((const char *)(uintptr_t)c->attr.pathname, F_OK) < 0)
		return -errno;
	return diag_set(&c->s->diag, -EACCES,
			"pinning is not supported: objects live as long as the session");
}

#define UNTIL(field) (offsetof(union bpf_attr, field) + sizeof(((union bpf_attr *)NULL)->field))

static const struct {
	const char *name;
	int (*run)(struct sys_call *c);
	size_t end; /* of the attributes that the command has: behind it all must be 0 */
} commands[] = {
	[BPF_MAP_CREATE] = { "BPF_MAP_CREATE", sys_map_create, UNTIL(map_extra) },
	[BPF_MAP_LOOKUP_ELEM] = { "BPF_MAP_LOOKUP_ELEM", sys_map_lookup, UNTIL(flags) },
	[BPF_MAP_UPDATE_ELEM] = { "BPF_MAP_UPDATE_ELEM", sys_map_update, UNTIL(flags) },
	[BPF_MAP_DELETE_ELEM] = { "BPF_MAP_DELETE_ELEM", sys_map_delete, UNTIL(key) },
	[BPF_MAP_GET_NEXT_KEY] = { "BPF_MAP_GET_NEXT_KEY", sys_map_next_key, UNTIL(next_key) },
	[BPF_PROG_LOAD] = { "BPF_PROG_LOAD", sys_prog_load,
			    UNTIL(core_relo_rec_size) + sizeof(uint32_t) }, /* log_true_size */
	[BPF_OBJ_PIN] = { "BPF_OBJ_PIN", obj_pin, UNTIL(file_flags) },
	[BPF_OBJ_GET] = { "BPF_OBJ_GET", obj_get, UNTIL(file_flags) },
	[BPF_PROG_ATTACH] = { "BPF_PROG_ATTACH", NULL, 0 },
	[BPF_PROG_DETACH] = { "BPF_PROG_DETACH", NULL, 0 },
	[BPF_PROG_TEST_RUN] = { "BPF_PROG_TEST_RUN", sys_prog_test_run, UNTIL(test.batch_size) },
	[BPF_PROG_GET_NEXT_ID] = { "BPF_PROG_GET_NEXT_ID", next_prog, UNTIL(next_id) },
	[BPF_MAP_GET_NEXT_ID] = { "BPF_MAP_GET_NEXT_ID", next_map, UNTIL(next_id) },
	[BPF_PROG_GET_FD_BY_ID] = { "BPF_PROG_GET_FD_BY_ID", open_prog, UNTIL(prog_id) },
	[BPF_MAP_GET_FD_BY_ID] = { "BPF_MAP_GET_FD_BY_ID", open_map, UNTIL(open_flags) },
	[BPF_OBJ_GET_INFO_BY_FD] = { "BPF_OBJ_GET_INFO_BY_FD", sys_object_info, UNTIL(info.info) },
	[BPF_PROG_QUERY] = { "BPF_PROG_QUERY", NULL, 0 },
	[BPF_RAW_TRACEPOINT_OPEN] = { "BPF_RAW_TRACEPOINT_OPEN", sys_raw_tracepoint_open,
				      UNTIL(raw_tracepoint.prog_fd) },
	[BPF_BTF_LOAD] = { "BPF_BTF_LOAD", sys_load_btf, UNTIL(btf_log_level) },
	[BPF_BTF_GET_FD_BY_ID] = { "BPF_BTF_GET_FD_BY_ID", open_blob, UNTIL(btf_id) },
	[BPF_TASK_FD_QUERY] = { "BPF_TASK_FD_QUERY", NULL, 0 },
	[BPF_MAP_LOOKUP_AND_DELETE_ELEM] = { "BPF_MAP_LOOKUP_AND_DELETE_ELEM",
					     sys_map_lookup_delete, UNTIL(flags) },
	[BPF_MAP_FREEZE] = { "BPF_MAP_FREEZE", sys_map_freeze, UNTIL(map_fd) },
	[BPF_BTF_GET_NEXT_ID] = { "BPF_BTF_GET_NEXT_ID", next_blob, UNTIL(next_id) },
	[BPF_MAP_LOOKUP_BATCH] = { "BPF_MAP_LOOKUP_BATCH", sys_map_lookup_batch,
				   UNTIL(batch.flags) },
	[BPF_MAP_LOOKUP_AND_DELETE_BATCH] = { "BPF_MAP_LOOKUP_AND_DELETE_BATCH", sys_map_take_batch,
					      UNTIL(batch.flags) },
	[BPF_MAP_UPDATE_BATCH] = { "BPF_MAP_UPDATE_BATCH", sys_map_update_batch,
				   UNTIL(batch.flags) },
	[BPF_MAP_DELETE_BATCH] = { "BPF_MAP_DELETE_BATCH", sys_map_delete_batch,
				   UNTIL(batch.flags) },
	[BPF_LINK_CREATE] = { "BPF_LINK_CREATE", sys_link_create,
			      UNTIL(link_create.kprobe_multi.cookies) },
	[BPF_LINK_UPDATE] = { "BPF_LINK_UPDATE", NULL, 0 },
	[BPF_LINK_GET_FD_BY_ID] = { "BPF_LINK_GET_FD_BY_ID", open_link, UNTIL(link_id) },
	[BPF_LINK_GET_NEXT_ID] = { "BPF_LINK_GET_NEXT_ID", next_link, UNTIL(next_id) },
	[BPF_ENABLE_STATS] = { "BPF_ENABLE_STATS", sys_enable_stats, UNTIL(enable_stats.type) },
	[BPF_ITER_CREATE] = { "BPF_ITER_CREATE", NULL, 0 },
	[BPF_LINK_DETACH] = { "BPF_LINK_DETACH", sys_link_detach, UNTIL(link_detach.link_fd) },
	[BPF_PROG_BIND_MAP] = { "BPF_PROG_BIND_MAP", sys_prog_bind_map,
				UNTIL(prog_bind_map.flags) },
};

int sys_dispatch(struct sys_call *c, int cmd)
{
	const char *raw = (const char *)&c->attr;
	struct diag *d = &c->s->diag;
	size_t i;

	if (cmd < 0 || (size_t)cmd >= ARRAY_LEN(commands))
		return diag_set(d, -EINVAL, "there is no bpf(2) command %d", cmd);
	if (!commands[cmd].run)
		return diag_set(d, -EINVAL, "%s is not supported", commands[cmd].name);
	for (i = commands[cmd].end; i < sizeof(c->attr); i++)
		if (raw[i])
			return diag_set(d, -EINVAL, "%s: attribute byte %zu must be 0",
					commands[cmd].name, i);
	return commands[cmd].run(c);
}
