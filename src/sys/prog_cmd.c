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
#include "bpf/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROG_FLAGS \
	((uint32_t)(BPF_F_STRICT_ALIGNMENT | BPF_F_ANY_ALIGNMENT | BPF_F_TEST_RND_HI32 | \
		    BPF_F_TEST_STATE_FREQ | BPF_F_SLEEPABLE | BPF_F_XDP_HAS_FRAGS))
#define MAX_INFO_REC 252 /* MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */
#define LOG_LEVELS   15u /* BPF_LOG_LEVEL1, _LEVEL2, _STATS, _FIXED */

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

/* What the verifier said, and how much it did: all zero if it was not asked. */
struct verdict {
	struct verify_log log;
	struct verify_stats stats;
};

/* Those for questions only are never attached, and never run. */
static int make_program(struct sys_call *c, const struct program_attr *at, struct program **p,
			struct verdict *said)
{
	if (at->allow_any_helper)
		return program_load(at, p, &c->s->diag);
	said->log.level = c->attr.log_level;
	return program_load_verified(at, NULL, &said->log, &said->stats, p, &c->s->diag);
}

/* *p is the caller's, on failure too. */
static int load_program(struct sys_call *c, struct program **p, struct verdict *said)
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
	err = check_meaning(c);
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

/*
 * libbpf turns what it could not resolve (CO-RE, maps that were not created) into calls of
 * helpers with huge numbers, and explains them to the user when it finds them refused in
 * the kernel's words (libbpf.c fixup_verifier_log()).  The index of such a call, or -1.
 */
static long poisoned_call(const struct sys_call *c)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)c->attr.insns;
	char number[32];
	uint32_t i;

	for (i = 0; i < c->attr.insn_cnt; i++) {
		if (in[i].code == (BPF_LD | BPF_IMM | BPF_DW)) {
			i++;
			continue;
		}
		if (!dead_is_poison(&in[i]))
			continue;
		snprintf(number, sizeof(number), "#%d", in[i].imm);
		return strstr(c->s->diag.text, number) ? (long)i : -1;
	}
	return -1;
}

/* The kernel's words for it, which libbpf_probe_bpf_helper() looks for. */
static void explain_helper(const char *text, FILE *log)
{
	static const char known[] = ": unknown helper bpf_", any[] = ": unknown helper #";
	const char *at = strstr(text, known);

	if (at) {
		at += sizeof(known) - sizeof("bpf_");
		fprintf(log, "unknown func %.*s\n", (int)strcspn(at, ":"), at);
	}
	at = at ? NULL : strstr(text, any);
	if (at)
		fprintf(log, "invalid func unknown#%d\n", atoi(at + sizeof(any) - 1));
}

static void explain(struct sys_call *c, int err, FILE *log)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)c->attr.insns;
	long at = poisoned_call(c);

	if (at < 0) {
		fprintf(log, "%s\n", diag_text(&c->s->diag, err));
		explain_helper(diag_text(&c->s->diag, err), log);
		return;
	}
	fprintf(log, "%ld: (85) call unknown#%d\ninvalid func unknown#%d\n", at, in[at].imm,
		in[at].imm);
	diag_set(&c->s->diag, err,
		 "insn %ld: needs a field, type or map that the target does not have", at);
}

/* The program as it came, one instruction a line, as level 2 of the kernel's log has it. */
static void list_insns(const union bpf_attr *a, FILE *log)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)a->insns;
	struct bpf_insn last[2] = { { 0 }, { 0 } };
	char text[128];
	uint32_t i, n;

	for (i = 0; i < a->insn_cnt; i += n) {
		last[0] = in[i]; /* the formatter may look at a second half that is not there */
		if (i + 1 < a->insn_cnt)
			last[1] = in[i + 1];
		n = program_format_insn(last, text, sizeof(text));
		n = n ? n : 1;
		fprintf(log, "%u: (%02x) %s\n", i, last[0].code, text);
	}
}

static void sum_up(const struct sys_call *c, int err, FILE *log)
{
	fprintf(log,
		"processed %u insns (limit %u) max_states_per_insn 0 total_states 0 "
		"peak_states 0 mark_read 0\n",
		err < 0 ? 0 : c->attr.insn_cnt, PROGRAM_MAX_INSNS);
}

/*
 * The verifier's log if it had the program, which ends with what it did.  Else failures always, if
 * there is room; what is refused before has no path.
 */
static int write_log(struct sys_call *c, const struct verdict *said, int err)
{
	char *text = NULL;
	size_t size;
	FILE *log = open_memstream(&text, &size);
	int cut;

	if (!log)
		return err < 0 ? err : -ENOMEM;
	if (said->log.text) {
		if (err < 0 && !said->stats.verdict) /* refused after it */
			explain(c, err, log);
		fputs(said->log.text, log);
	} else {
		if (c->attr.log_level & 2)
			list_insns(&c->attr, log);
		if (err < 0)
			explain(c, err, log);
		sum_up(c, err, log);
	}
	cut = fclose(log) < 0 ? -ENOMEM : said->log.err;
	if (!cut)
		cut = sys_write_log(c->attr.log_buf, c->attr.log_size, text);
	free(text);
	return cut < 0 ? cut : err;
}

static int copy_records(struct sys_call *c, const char *what, uint64_t from, uint32_t n,
			uint32_t rec_size, uint32_t least, struct sys_info_records *out)
{
	uint32_t at, last = 0;

	if (!n)
		return 0;
	if (rec_size < least || rec_size > MAX_INFO_REC || rec_size % 4 || n > c->attr.insn_cnt)
		return diag_set(&c->s->diag, -EINVAL, "%s: %u records of %u bytes", what, n,
				rec_size);
	if (sys_check_user(from, (uint64_t)n * rec_size) < 0)
		return -EFAULT;
	out->data = malloc((size_t)n * rec_size);
	if (!out->data)
		return -ENOMEM;
	memcpy(out->data, (const void *)(uintptr_t)from, (size_t)n * rec_size);
	out->n = n;
	out->rec_size = rec_size;
	for (uint32_t i = 0; i < n; i++, last = at) {
		memcpy(&at, (const char *)out->data + (size_t)i * rec_size, sizeof(at));
		if (at >= c->attr.insn_cnt || (i && at <= last) || (!i && at))
			return diag_set(&c->s->diag, -EINVAL,
					"%s: record %u is for insn %u: they rise from 0", what, i,
					at);
	}
	return 0;
}

/* As bpf(2) wants them; what they say is for readers of BPF_OBJ_GET_INFO_BY_FD alone. */
static int take_records(struct sys_call *c, struct sys_load *l)
{
	const union bpf_attr *a = &c->attr;
	int err = copy_records(c, "func_info", a->func_info, a->func_info_cnt,
			       a->func_info_rec_size, sizeof(struct bpf_func_info), &l->func);

	return err ? err :
		     copy_records(c, "line_info", a->line_info, a->line_info_cnt,
				  a->line_info_rec_size, sizeof(struct bpf_line_info), &l->line);
}

static int publish(struct sys_call *c, struct program *p, struct sys_object *btf)
{
	struct sys_object *o = calloc(1, sizeof(*o));
	struct timespec now;
	int fd;

	if (!o)
		return -ENOMEM;
	fd = take_records(c, &o->prog);
	if (fd < 0)
		goto fail;
	clock_gettime(CLOCK_BOOTTIME, &now);
	o->type = SYS_PROG;
	o->id = p->id;
	o->prog.program = p;
	o->prog.prog_type = c->attr.prog_type;
	o->prog.uid = getuid();
	o->prog.time_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	o->prog.gpl = is_gpl((const char *)(uintptr_t)c->attr.license);
	fd = sys_object_publish(c->s, o, -1, p->name);
	if (fd < 0)
		goto fail;
	o->btf = btf;
	if (btf)
		btf->held++;
	return fd;
fail:
	free(o->prog.func.data);
	free(o->prog.line.data);
	free(o);
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
	int err = write_log(c, &said, load_program(c, &p, &said));

	verify_log_free(&said.log);
	if (err == 0)
		err = publish(c, p, btf);
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
