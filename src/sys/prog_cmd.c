/*
 * sys/prog_cmd.c - BPF_PROG_LOAD, BPF_PROG_BIND_MAP, BPF_PROG_TEST_RUN.
 *
 * What a program is, comes from: sys_expect() for the types that handlers register (raw
 * tracepoint, tracing); else from expected_attach_type for the same types; all other types
 * are loaded by libbpf only to see what bpf(2) can do: they are plain, may name any helper that
 * is there for some kind of program, and can never be attached.  Of these types only those are
 * taken that libbpf's own questions need (bpf_object__probe_loading() and others): to
 * libbpf_probe_bpf_prog_type() they look as if they were there.  TRACING with an attach_btf_id
 * gives the kernel's answer for one that is no function, by which libbpf knows that it is there.
 *
 * Context  [ctl]
 * Spec     bpf(2); Linux kernel/bpf/syscall.c bpf_prog_load(), log.c
 */
#include "sys/session.h"

#include "base/types.h"
#include "bpf/dead.h"
#include "bpf/helper.h"
#include "sys/prog_log.h"
#include "sys/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROG_FLAGS \
	((uint32_t)(BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_RND_HI32 | \
		    BPF_F_TEST_STATE_FREQ | BPF_F_SLEEPABLE | BPF_F_XDP_HAS_FRAGS))
#define LOG_LEVELS 15u /* BPF_LOG_LEVEL1, _LEVEL2, _STATS, _FIXED */

static bool is_tracing(uint32_t type)
{
	return type == BPF_PROG_TYPE_RAW_TRACEPOINT || type == BPF_PROG_TYPE_TRACING;
}

/* The kernel's list (license_is_gpl_compatible()). */
static bool is_gpl(const char *license)
{
	static const char *const gpl[] = {
		"GPL",          "GPL v2",       "GPL and additional rights",
		"Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(gpl); i++)
		if (!strcmp(license, gpl[i]))
			return true;
	return false;
}

static int check_log(const union bpf_attr *a, struct diag *d)
{
	if (!a->log_buf != !a->log_size)
		return diag_set(d, -EINVAL, "log_buf and log_size go together");
	if ((a->log_buf && !a->log_level) || (a->log_level & ~LOG_LEVELS) ||
	    a->log_size > UINT32_MAX >> 2)
		return diag_set(d, -EINVAL, "log_level %u with a log of %u bytes", a->log_level,
				a->log_size);
	return a->log_buf ? sys_check_user(a->log_buf, a->log_size) : 0;
}

static int check_type(const union bpf_attr *a, struct diag *d)
{
	switch (a->prog_type) {
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_KPROBE:
	case BPF_PROG_TYPE_TRACEPOINT:
	case BPF_PROG_TYPE_CGROUP_SOCK:
		if (a->attach_btf_id || a->attach_prog_fd)
			return diag_set(d, -EINVAL, "program type %u has no target in BTF",
					a->prog_type);
		return 0;
	case BPF_PROG_TYPE_TRACING:
		return 0;
	default:
		break;
	}
	if (a->prog_type == BPF_PROG_TYPE_UNSPEC || a->prog_type > BPF_PROG_TYPE_SYSCALL + 1)
		return diag_set(d, -EINVAL, "there is no program type %u", a->prog_type);
	return diag_set(d, -ENOTSUP,
			"program type %u is not supported: programs here are fentry, fexit, "
			"fmod_ret and fsession",
			a->prog_type);
}

static int check_load(struct sys_call *c)
{
	const union bpf_attr *a = &c->attr;
	struct diag *d = &c->s->diag;
	int err;

	if (a->prog_flags & ~PROG_FLAGS)
		return diag_set(d, -EINVAL, "program flags %#x do not exist",
				a->prog_flags & ~PROG_FLAGS);
	if (!a->insn_cnt || a->insn_cnt > PROGRAM_MAX_INSNS)
		return diag_set(d, -E2BIG, "%u instructions, 1 to %u are possible", a->insn_cnt,
				PROGRAM_MAX_INSNS);
	err = check_type(a, d);
	if (!err)
		err = check_log(a, d);
	if (!err)
		err = sys_check_name(a->prog_name, sizeof(a->prog_name), d);
	if (err < 0)
		return err;
	if (sys_check_user(a->license, 1) < 0 ||
	    sys_check_user(a->insns, (uint64_t)a->insn_cnt * sizeof(struct bpf_insn)) < 0)
		return diag_set(d, -EFAULT, "no instructions or no license");
	return 0;
}

static struct map *map_by_fd(void *arg, int fd)
{
	return sys_map_by_fd(arg, fd);
}

/* expected_attach_type; the last four are not in Debian 12's linux/bpf.h, but since 7.0, 7.2. */
static const struct {
	uint32_t attach_type;
	enum program_kind kind;
	bool multi;
} kinds[] = {
	{ BPF_TRACE_FENTRY, PROGRAM_FENTRY, false },
	{ BPF_TRACE_FEXIT, PROGRAM_FEXIT, false },
	{ BPF_MODIFY_RETURN, PROGRAM_FMOD_RET, false },
	{ 58, PROGRAM_FSESSION, false },
	{ 59, PROGRAM_FENTRY, true },
	{ 60, PROGRAM_FEXIT, true },
	{ 61, PROGRAM_FSESSION, true },
};

uint32_t sys_attach_type(const struct program *p)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].kind == (enum program_kind)p->kind && kinds[i].multi == p->multi)
			return kinds[i].attach_type;
	return BPF_TRACE_RAW_TP;
}

static void describe(struct sys_call *c, struct program_attr *at)
{
	const union bpf_attr *a = &c->attr;

	at->kind = PROGRAM_PLAIN;
	at->nslots = PROGRAM_NO_CTX;
	if (!is_tracing(a->prog_type)) {
		at->allow_any_helper = true;
		return;
	}
	if (c->s->announced) {
		at->kind = c->s->expect.kind;
		at->nslots = c->s->expect.nslots;
		at->multi = c->s->expect.multi;
		at->allow_write = c->s->expect.allow_write;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (a->expected_attach_type != kinds[i].attach_type)
			continue;
		at->kind = kinds[i].kind;
		at->multi = kinds[i].multi;
	}
}

/* Helpers that a program of a type for questions only may name. */
static int check_named(struct sys_call *c)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)c->attr.insns;
	const struct helper *h;

	for (uint32_t i = 0; i < c->attr.insn_cnt; i++) {
		if (in[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			i++;
			continue;
		}
		if (in[i].code != (BPF_JMP | BPF_CALL) || in[i].src_reg)
			continue;
		h = helper_by_id((uint32_t)in[i].imm);
		if (h && !(h->flags & HELPER_OWN))
			continue;
		if (helper_in_kernel((uint32_t)in[i].imm))
			return helper_refuse(i, (uint32_t)in[i].imm, HELPER_ALL, &c->s->diag);
		return diag_set(&c->s->diag, -EINVAL, "insn %u: unknown helper #%d", i, in[i].imm);
	}
	return 0;
}

static int check_meaning(struct sys_call *c)
{
	if (!is_tracing(c->attr.prog_type))
		return check_named(c);
	if (c->attr.attach_btf_id && !c->s->announced)
		return diag_set(&c->s->diag, -EINVAL,
				"attach_btf_id %u is not a function: targets are named by section",
				c->attr.attach_btf_id);
	return 0;
}

/* Those for questions only are never attached, and never run. */
static int make_program(struct sys_call *c, const struct program_attr *at, struct program **p,
			struct verdict *said)
{
	struct verify_prog how = { .ctx = said->announced ? c->s->expect.ctx : NULL,
				   .source = said->lines.btf ? sys_records_source : NULL,
				   .function = said->records.func.n ? sys_records_function : NULL,
				   .arg = &said->lines };
	int err;

	if (at->allow_any_helper)
		return program_load(at, p, &c->s->diag);
	said->log.level = c->attr.log_level;
	if (said->announced && c->s->ops.judged) /* what else is in libbpf's log is not asked for */
		said->log.level = c->s->expect.log_level | (c->attr.log_level & 3);
	err = program_load_verified(at, &how, &said->log, &said->stats, p, &c->s->diag);
	if (err < 0 && !said->stats.processed)
		sys_log_add_source(c, said);
	return err;
}

/* *p is the caller's, on failure too. */
static int load_program(struct sys_call *c, const struct sys_object *btf, struct program **p,
			struct verdict *said)
{
	const union bpf_attr *a = &c->attr;
	struct program_attr at = {
		.name = a->prog_name,
		.insn = (const struct bpf_insn *)(uintptr_t)a->insns,
		.ninsns = a->insn_cnt,
		.arena = c->s->arena,
		.map_by_fd = map_by_fd,
		.arg = c->s,
	};
	int err;

	describe(c, &at);
	said->announced = c->s->announced && !at.allow_any_helper;
	err = check_meaning(c);
	if (!err)
		err = sys_records_take(c, btf, &said->records);
	if (!err)
		err = make_program(c, &at, p, said);
	if (err < 0)
		return err;
	if (is_tracing(a->prog_type) && c->s->ops.program_ready) {
		err = c->s->ops.program_ready(c->s->ops.arg, *p);
		if (err < 0)
			return diag_set(&c->s->diag, err, "program %s: refused by its target: %s",
					a->prog_name, strerror(-err));
	}
	return 0;
}

/* The records are the object's from here on. */
static int publish(struct sys_call *c, struct program *p, struct sys_object *btf,
		   struct sys_load *records)
{
	struct sys_object *o = calloc(1, sizeof(*o));
	struct timespec now;
	int fd;

	if (!o)
		return -ENOMEM;
	clock_gettime(CLOCK_BOOTTIME, &now);
	o->type = SYS_PROG;
	o->id = p->id;
	o->prog.program = p;
	o->prog.prog_type = c->attr.prog_type;
	o->prog.uid = getuid();
	o->prog.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	o->prog.gpl = is_gpl((const char *)(uintptr_t)c->attr.license);
	fd = sys_object_publish(c->s, o, -1, p->name);
	if (fd < 0) {
		free(o);
		return fd;
	}
	o->prog.func = records->func;
	o->prog.line = records->line;
	*records = (struct sys_load){ .program = NULL };
	o->btf = btf;
	if (btf)
		btf->held++;
	return fd;
}

/* From here on the instructions are ours, kfuncs by our numbers, no calls that nothing reaches. */
static int take_insns(struct sys_call *c)
{
	size_t size = c->attr.insn_cnt * sizeof(struct bpf_insn);
	struct bpf_insn *insn = malloc(size);
	int err;

	if (!insn)
		return -ENOMEM;
	memcpy(insn, (const void *)(uintptr_t)c->attr.insns, size);
	err = sys_kfunc_translate(insn, c->attr.insn_cnt);
	if (!err)
		err = dead_remove_poison(insn, c->attr.insn_cnt);
	if (err < 0) {
		free(insn);
		return err;
	}
	c->attr.insns = (uintptr_t)insn;
	return 0;
}

static int load_and_publish(struct sys_call *c, struct sys_object *btf)
{
	struct verdict said = { .stats = { 0 } };
	struct program *p = NULL;
	int err;

	said.lines = (struct sys_lines){ &said.records.line, &said.records.func,
					 btf ? btf->blob.parsed : NULL };
	err = sys_log_write(c, &said, load_program(c, btf, &p, &said));
	if (err == 0)
		err = publish(c, p, btf, &said.records);
	verify_log_free(&said.log);
	sys_records_free(&said.records);
	if (err < 0)
		program_put(p);
	else if (is_tracing(c->attr.prog_type)) /* libbpf repeats loads that failed */
		c->s->announced = false;
	return err;
}

int sys_prog_load(struct sys_call *c)
{
	struct sys_object *btf = NULL;
	int err = check_load(c);

	if (err < 0)
		return err;
	if (c->attr.prog_btf_fd && (c->attr.func_info_cnt || c->attr.line_info_cnt)) {
		btf = sys_object_by_fd(c->s, (int)c->attr.prog_btf_fd, SYS_BTF, &err);
		if (!btf)
			return err;
	}
	sys_sweep(c->s);
	err = take_insns(c);
	if (err < 0)
		return err;
	err = load_and_publish(c, btf);
	free((void *)(uintptr_t)c->attr.insns);
	return err;
}

int sys_prog_bind_map(struct sys_call *c)
{
	const union bpf_attr *a = &c->attr;
	struct sys_object *prog, *map;
	struct program *p;
	size_t i;
	int err;

	if (a->prog_bind_map.flags)
		return -EINVAL;
	prog = sys_object_by_fd(c->s, (int)a->prog_bind_map.prog_fd, SYS_PROG, &err);
	if (!prog)
		return err;
	map = sys_object_by_fd(c->s, (int)a->prog_bind_map.map_fd, SYS_MAP, &err);
	if (!map)
		return err;
	p = prog->prog.program;
	for (i = 0; i < p->nmaps; i++)
		if (p->map[i] == map->map)
			return 0;
	for (i = 0; i < prog->prog.bound.n; i++)
		if (prog->prog.bound.at[i] == map->map)
			return 0;
	err = vec_push(&prog->prog.bound, map->map);
	if (!err)
		map_get(map->map);
	return err;
}

int sys_prog_test_run(struct sys_call *c)
{
	int err;

	if (!sys_object_by_fd(c->s, (int)c->attr.test.prog_fd, SYS_PROG, &err))
		return err;
	return diag_set(&c->s->diag, -ENOTSUP,
			"BPF_PROG_TEST_RUN is not supported: attach the program to a function");
}
