/*
 * sys/link_cmd.c - BPF_BTF_LOAD, and links: create, detach.
 *
 * Context  [ctl]
 * Spec     bpf(2); Linux kernel/bpf/btf.c, syscall.c
 */
#include "sys/session.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_MAX (16u << 20) /* BTF_MAX_SIZE */

/* libbpf's own parser checks the sections and the size of every type. */
static int parse_blob(struct sys_blob *b, struct diag *d)
{
	const struct btf_header *h = b->data;

	if (b->size < sizeof(*h) || h->magic != BTF_MAGIC || h->version != BTF_VERSION ||
	    h->flags || h->hdr_len < sizeof(*h) || h->hdr_len > b->size)
		return diag_set(d, -EINVAL, "this is not BTF of version %d", BTF_VERSION);
	b->parsed = btf__new(b->data, b->size);
	if (!b->parsed)
		return diag_set(d, -EINVAL, "BTF is malformed: %s", strerror(errno));
	return 0;
}

static int read_blob(struct sys_call *c, struct sys_blob *b)
{
	if (sys_check_user(c->attr.btf, c->attr.btf_size) < 0)
		return -EFAULT;
	b->size = c->attr.btf_size;
	b->data = malloc(b->size);
	if (!b->data)
		return -ENOMEM;
	memcpy(b->data, (const void *)(uintptr_t)c->attr.btf, b->size);
	return parse_blob(b, &c->s->diag);
}

static int publish_blob(struct sys_call *c, const struct sys_blob *b)
{
	struct sys_object *o = calloc(1, sizeof(*o));
	int fd;

	if (!o)
		return -ENOMEM;
	o->type = SYS_BTF;
	o->id = ++c->s->last_btf_id;
	o->blob = *b;
	fd = sys_object_publish(c->s, o, -1, "btf");
	if (fd < 0)
		free(o);
	return fd;
}

static int check_blob(const union bpf_attr *a, struct diag *d)
{
	if (!a->btf_log_buf != !a->btf_log_size)
		return diag_set(d, -EINVAL, "btf_log_buf and btf_log_size go together");
	if (a->btf_log_buf && !a->btf_log_level)
		return diag_set(d, -EINVAL, "a log but btf_log_level 0");
	if (a->btf_log_buf && sys_check_user(a->btf_log_buf, a->btf_log_size) < 0)
		return -EFAULT;
	if (a->btf_size < sizeof(struct btf_header))
		return diag_set(d, -EINVAL, "%u bytes of BTF", a->btf_size);
	if (a->btf_size > BLOB_MAX)
		return diag_set(d, -E2BIG, "%u bytes of BTF, the limit is %u", a->btf_size,
				BLOB_MAX);
	return 0;
}

int sys_load_btf(struct sys_call *c)
{
	struct sys_blob b = { 0 };
	int err = check_blob(&c->attr, &c->s->diag);

	if (err < 0)
		return err;
	sys_sweep(c->s);
	err = read_blob(c, &b);
	if (err < 0)
		(void)sys_write_log(c->attr.btf_log_buf, c->attr.btf_log_size,
				    diag_text(&c->s->diag, err));
	if (!err)
		err = publish_blob(c, &b);
	if (err < 0) {
		btf__free(b.parsed);
		free(b.data);
	}
	return err;
}

/* -- links ----------------------------------------------------------------------------- */

static int new_link(struct sys_call *c, struct sys_object *prog, const union bpf_attr *attr,
		    uint32_t type)
{
	struct sys_object *o;
	int fd;

	if (prog->prog.prog_type != BPF_PROG_TYPE_RAW_TRACEPOINT &&
	    prog->prog.prog_type != BPF_PROG_TYPE_TRACING)
		return diag_set(&c->s->diag, -EINVAL, "program %s is not a tracing program",
				prog->prog.program->name);
	if (!c->s->ops.link_create)
		return diag_set(&c->s->diag, -ENOTSUP, "nothing to attach to in this session");
	sys_sweep(c->s);
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->type = SYS_LINK;
	o->link.prog = prog;
	o->link.attach_type = attr->link_create.attach_type;
	o->link.type = type;
	fd = c->s->ops.link_create(c->s->ops.arg, prog->prog.program, attr, &o->link.id);
	if (fd < 0) {
		free(o);
		return diag_set(&c->s->diag, fd, "program %s: not attached: %s",
				prog->prog.program->name, strerror(-fd));
	}
	o->id = ++c->s->last_link_id;
	fd = sys_object_publish(c->s, o, -1, "link");
	if (fd < 0) {
		(void)sys_link_cut(c->s, &o->link);
		free(o);
		return fd;
	}
	prog->held++;
	return fd;
}

int sys_link_create(struct sys_call *c)
{
	const union bpf_attr *a = &c->attr;
	struct sys_object *prog;
	int err;

	prog = sys_object_by_fd(c->s, (int)a->link_create.prog_fd, SYS_PROG, &err);
	if (!prog)
		return err;
	/* libbpf asks for perf links with target_fd -1, and takes EBADF for "supported". */
	if (a->link_create.attach_type == BPF_PERF_EVENT)
		return fcntl((int)a->link_create.target_fd, F_GETFD) < 0 ? -EBADF : -ENOTSUP;
	if (a->link_create.flags)
		return diag_set(&c->s->diag, -EINVAL, "link flags %#x do not exist",
				a->link_create.flags);
	return new_link(c, prog, a, BPF_LINK_TYPE_TRACING);
}

/* attach/ sees the attributes of a BPF_LINK_CREATE, whichever command it was. */
int sys_raw_tracepoint_open(struct sys_call *c)
{
	union bpf_attr attr = { 0 };
	struct sys_object *prog;
	int err;

	prog = sys_object_by_fd(c->s, (int)c->attr.raw_tracepoint.prog_fd, SYS_PROG, &err);
	if (!prog)
		return err;
	if (prog->prog.program->kind == PROGRAM_PLAIN)
		return diag_set(&c->s->diag, -EINVAL,
				"program %s: there are no raw tracepoints in user space: make it "
				"fentry or fexit",
				prog->prog.program->name);
	attr.link_create.prog_fd = c->attr.raw_tracepoint.prog_fd;
	attr.link_create.attach_type = sys_attach_type(prog->prog.program);
	return new_link(c, prog, &attr, BPF_LINK_TYPE_TRACING);
}

int sys_link_cut(struct sys_session *s, struct sys_link *link)
{
	int err;

	if (link->detached)
		return 0;
	if (!s->ops.link_detach)
		return -ENOTSUP;
	err = s->ops.link_detach(s->ops.arg, link->id);
	link->detached = err >= 0;
	return err < 0 ? err : 0;
}

int sys_link_detach(struct sys_call *c)
{
	struct sys_object *o;
	int err;

	o = sys_object_by_fd(c->s, (int)c->attr.link_detach.link_fd, SYS_LINK, &err);
	return o ? sys_link_cut(c->s, &o->link) : err;
}
