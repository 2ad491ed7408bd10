/*
 * sys/info_cmd.c - BPF_OBJ_GET_INFO_BY_FD, BPF_ENABLE_STATS.
 *
 * Not filled in, hence 0: what only a kernel has (network devices, JIT images: our code is
 * emitted per process).  run_time_ns and run_cnt grow while BPF_ENABLE_STATS has a descriptor open.
 * tag, and prog_tags of the functions, are 64-bit FNV-1a hashes of the instructions with map ids in
 * place of descriptors: equal for equal programs, but not the kernel's SHA.
 *
 * Context  [ctl]
 * Spec     Linux kernel/bpf/syscall.c bpf_*_get_info_by_fd()
 */
#include "sys/session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *user_ptr(uint64_t ptr)
{
	return (void *)(uintptr_t)ptr;
}

/* The caller's struct: what we do not know of it must be 0.  *len: how much to write. */
static int open_info(struct sys_call *c, size_t known, uint32_t *len)
{
	uint32_t given = c->attr.info.info_len, i;
	const char *p = user_ptr(c->attr.info.info);

	if (given > 4096)
		return diag_set(&c->s->diag, -E2BIG, "info of %u bytes", given);
	if (given && sys_check_user(c->attr.info.info, given) < 0)
		return -EFAULT;
	for (i = (uint32_t)known; i < given; i++)
		if (p[i])
			return diag_set(&c->s->diag, -E2BIG, "info byte %u is not known here", i);
	*len = given < known ? given : (uint32_t)known;
	return 0;
}

static int put_info(struct sys_call *c, const void *info, uint32_t len)
{
	if (len)
		memcpy(user_ptr(c->attr.info.info), info, len);
	c->user->info.info_len = len;
	return 0;
}

static int map_info(struct sys_call *c, const struct sys_object *o)
{
	const struct map *m = o->map;
	struct bpf_map_info info = {
		.type = m->attr.type,
		.id = o->id,
		.key_size = m->attr.key_size,
		.value_size = m->attr.value_size,
		.max_entries = m->attr.max_entries,
		/* Those two belong to descriptors, so the kernel does not show them. */
		.map_flags = m->attr.flags & ~(uint32_t)(BPF_F_RDONLY | BPF_F_WRONLY),
		.btf_id = o->btf ? o->btf->id : 0,
		.btf_key_type_id = o->btf ? m->attr.btf_key_type_id : 0,
		.btf_value_type_id = o->btf ? m->attr.btf_value_type_id : 0,
	};
	uint32_t len;
	int err = open_info(c, sizeof(info), &len);

	if (err < 0)
		return err;
	snprintf(info.name, sizeof(info.name), "%.15s", m->name);
	return put_info(c, &info, len);
}

/* Instructions as a dump shows them: map ids where the program has indexes. */
static struct bpf_insn *shown_insns(const struct program *p)
{
	struct bpf_insn *insn = calloc(p->ninsns, sizeof(*insn));
	uint32_t i;

	if (!insn)
		return NULL;
	memcpy(insn, p->insn, p->ninsns * sizeof(*insn));
	for (i = 0; i + 1 < p->ninsns; i++) {
		if (insn[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if ((insn[i].src_reg == BPF_PSEUDO_MAP_FD ||
		     insn[i].src_reg == BPF_PSEUDO_MAP_VALUE) &&
		    (uint32_t)insn[i].imm < p->nmaps)
			insn[i].imm = (int32_t)p->map[insn[i].imm]->id;
		i++;
	}
	return insn;
}

static void hash_insns(const struct bpf_insn *insn, uint32_t n, uint8_t tag[BPF_TAG_SIZE])
{
	const uint8_t *p = (const uint8_t *)insn;
	uint64_t h = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < n * sizeof(*insn); i++)
		h = (h ^ p[i]) * 0x100000001b3ull;
	memcpy(tag, &h, BPF_TAG_SIZE);
}

static int put_map_ids(const struct sys_load *l, struct bpf_prog_info *info)
{
	uint32_t cap = info->nr_map_ids, n = l->program->nmaps, i;
	uint32_t *id = user_ptr(info->map_ids);

	info->nr_map_ids = n + (uint32_t)l->bound.n;
	cap = cap < info->nr_map_ids ? cap : info->nr_map_ids;
	if (cap && sys_check_user(info->map_ids, cap * sizeof(*id)) < 0)
		return -EFAULT;
	for (i = 0; i < cap; i++)
		id[i] = i < n ? l->program->map[i]->id : l->bound.at[i - n]->id;
	return 0;
}

static int put_insns(const struct program *p, const struct bpf_insn *insn,
		     struct bpf_prog_info *info)
{
	uint32_t room = info->xlated_prog_len, size = p->ninsns * (uint32_t)sizeof(*p->insn);

	hash_insns(insn, p->ninsns, info->tag);
	info->xlated_prog_len = size;
	room = room < size ? room : size;
	if (room && sys_check_user(info->xlated_prog_insns, room) < 0)
		return -EFAULT;
	if (room)
		memcpy(user_ptr(info->xlated_prog_insns), insn, room);
	return 0;
}

static int put_tags(const struct program *p, const struct bpf_insn *insn,
		    struct bpf_prog_info *info)
{
	uint32_t cap = info->nr_prog_tags < p->nsub ? info->nr_prog_tags : p->nsub;
	uint8_t(*tag)[BPF_TAG_SIZE] = user_ptr(info->prog_tags);

	info->nr_prog_tags = p->nsub;
	if (cap && sys_check_user(info->prog_tags, cap * sizeof(*tag)) < 0)
		return -EFAULT;
	for (uint32_t i = 0; i < cap; i++)
		hash_insns(insn + p->sub[i].start, p->sub[i].end - p->sub[i].start, tag[i]);
	return 0;
}

static int put_code(const struct program *p, struct bpf_prog_info *info)
{
	struct bpf_insn *insn = shown_insns(p);
	int err = insn ? put_insns(p, insn, info) : -ENOMEM;

	if (!err)
		err = put_tags(p, insn, info);
	free(insn);
	return err;
}

/* Their size is that of linux/bpf.h, or nobody asks for any and gets told it. */
static int put_records(const struct sys_info_records *r, uint64_t to, uint32_t *n, uint32_t *size,
		       uint32_t ours)
{
	uint32_t cap = *n < r->n ? *n : r->n;

	if ((*n || *size) && *size != ours)
		return -EINVAL;
	*n = r->n;
	*size = ours;
	if (cap && sys_check_user(to, (uint64_t)cap * ours) < 0)
		return -EFAULT;
	for (uint32_t i = 0; i < cap; i++)
		memcpy((char *)user_ptr(to) + (size_t)i * ours,
		       (const char *)r->data + (size_t)i * r->rec_size, ours);
	return 0;
}

static int put_debug(const struct sys_load *l, struct bpf_prog_info *info)
{
	int err = put_records(&l->func, info->func_info, &info->nr_func_info,
			      &info->func_info_rec_size, sizeof(struct bpf_func_info));

	return err ? err :
		     put_records(&l->line, info->line_info, &info->nr_line_info,
				 &info->line_info_rec_size, sizeof(struct bpf_line_info));
}

/* What the caller said of his memory. */
static void copy_asked(struct bpf_prog_info *info, const struct bpf_prog_info *asked)
{
	info->nr_map_ids = asked->nr_map_ids;
	info->map_ids = asked->map_ids;
	info->xlated_prog_len = asked->xlated_prog_len;
	info->xlated_prog_insns = asked->xlated_prog_insns;
	info->nr_prog_tags = asked->nr_prog_tags;
	info->prog_tags = asked->prog_tags;
	info->nr_func_info = asked->nr_func_info;
	info->func_info = asked->func_info;
	info->func_info_rec_size = asked->func_info_rec_size;
	info->nr_line_info = asked->nr_line_info;
	info->line_info = asked->line_info;
	info->line_info_rec_size = asked->line_info_rec_size;
	info->jited_line_info_rec_size = sizeof(uint64_t);
}

static int prog_info(struct sys_call *c, const struct sys_object *o)
{
	const struct program *p = o->prog.program;
	struct bpf_prog_info asked = { 0 }, info = { 0 };
	const struct shm_prog *stats;
	struct program_runs runs;
	uint32_t len;
	int err = open_info(c, sizeof(info), &len);

	if (err < 0)
		return err;
	if (len)
		memcpy(&asked, user_ptr(c->attr.info.info), len);
	info.type = o->prog.prog_type;
	info.id = o->id;
	info.load_time = o->prog.time_ns;
	info.created_by_uid = o->prog.uid;
	info.gpl_compatible = o->prog.gpl;
	info.btf_id = o->btf ? o->btf->id : 0;
	info.verified_insns = p->ninsns;
	copy_asked(&info, &asked);
	snprintf(info.name, sizeof(info.name), "%.15s", p->name);
	stats = p->stats ? shm_ptr(c->s->arena, p->stats, sizeof(*stats)) : NULL;
	if (stats)
		info.recursion_misses = __atomic_load_n(&stats->missed, __ATOMIC_RELAXED);
	runs = program_runs(p, c->s->arena);
	info.run_cnt = runs.count;
	info.run_time_ns = runs.ns;
	err = put_map_ids(&o->prog, &info);
	if (!err)
		err = put_code(p, &info);
	if (!err)
		err = put_debug(&o->prog, &info);
	return err < 0 ? err : put_info(c, &info, len);
}

static int blob_info(struct sys_call *c, const struct sys_object *o)
{
	struct bpf_btf_info info = { 0 };
	uint32_t len, room;
	int err = open_info(c, sizeof(info), &len);

	if (err < 0)
		return err;
	if (len)
		memcpy(&info, user_ptr(c->attr.info.info), len);
	if (!info.name != !info.name_len)
		return -EINVAL;
	room = info.btf_size < o->blob.size ? info.btf_size : o->blob.size;
	if ((room && sys_check_user(info.btf, room) < 0) ||
	    (info.name_len && sys_check_user(info.name, info.name_len) < 0))
		return -EFAULT;
	if (room)
		memcpy(user_ptr(info.btf), o->blob.data, room);
	if (info.name_len)
		*(char *)user_ptr(info.name) = 0; /* only the kernel's own BTF has a name */
	info.btf_size = o->blob.size;
	info.id = o->id;
	info.name_len = 0;
	info.kernel_btf = 0;
	return put_info(c, &info, len);
}

static int link_info(struct sys_call *c, const struct sys_object *o)
{
	struct bpf_link_info info = {
		.type = o->link.type,
		.id = o->id,
		.prog_id = o->link.prog->id,
	};
	uint32_t len;
	int err = open_info(c, sizeof(info), &len);

	if (err < 0)
		return err;
	info.tracing.attach_type = o->link.attach_type;
	return put_info(c, &info, len);
}

int sys_object_info(struct sys_call *c)
{
	struct sys_object *o = sys_object_any(c->s, (int)c->attr.info.bpf_fd);

	if (!o) /* EBADFD, as the kernel: open, but nothing of bpf(2) */
		return fcntl((int)c->attr.info.bpf_fd, F_GETFD) < 0 ? -EBADF : -EBADFD;
	switch (o->type) {
	case SYS_MAP:
		return map_info(c, o);
	case SYS_PROG:
		return prog_info(c, o);
	case SYS_BTF:
		return blob_info(c, o);
	case SYS_LINK:
		return link_info(c, o);
	case SYS_STATS: /* the kernel's is no bpf(2) object */
		return -EINVAL;
	}
	return -EINVAL;
}

/* Runs are counted as long as the descriptor is open. */
int sys_enable_stats(struct sys_call *c)
{
	struct sys_object *o;
	int fd;

	if (c->attr.enable_stats.type != BPF_STATS_RUN_TIME)
		return diag_set(&c->s->diag, -EINVAL, "there are no statistics of type %u",
				c->attr.enable_stats.type);
	o = calloc(1, sizeof(*o));
	if (!o)
		return -ENOMEM;
	o->type = SYS_STATS;
	fd = sys_object_publish(c->s, o, -1, "bpf-stats");
	if (fd < 0)
		free(o);
	return fd;
}

bool sys_counts_runs(struct sys_session *s)
{
	bool any = false;

	pthread_mutex_lock(&sys_lock);
	sys_sweep(s);
	for (size_t i = 0; i < s->object.n; i++)
		any |= s->object.at[i]->type == SYS_STATS;
	pthread_mutex_unlock(&sys_lock);
	return any;
}
