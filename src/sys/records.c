/*
 * sys/records.c - see records.h.
 *
 * Context  [ctl]
 * Spec     Linux kernel/bpf/verifier.c check_btf_info(); uapi/linux/bpf.h
 */
#include "sys/records.h"

#include "bpf/insn.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RECORD 252 /* MAX_FUNCINFO_REC_SIZE, MAX_LINEINFO_REC_SIZE */

static const char compile_again[] =
	"what to change: the object's .BTF.ext does not fit its code: compile it again with -g, or take it "
	"out (llvm-strip -g)";

struct reading {
	struct sys_call *c;
	const struct btf *btf;
	uint32_t *start; /* of functions, ascending */
	uint32_t nstart;
};

static int wrong(const struct reading *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int wrong(const struct reading *r, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_set(&r->c->s->diag, -EINVAL, "%s", text);
	diag_add(&r->c->s->diag, "%s", compile_again);
	return -EINVAL;
}

/* Where functions begin: the program, what is called, and whose address is taken. */
static int find_functions(struct reading *r)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)r->c->attr.insns;
	uint32_t n = r->c->attr.insn_cnt;
	uint8_t *begins = calloc(n, 1);

	if (!begins)
		return -ENOMEM;
	begins[0] = 1;
	for (uint32_t i = 0; i < n; i++) {
		bool call = insn_is_call(&in[i]) && in[i].src_reg == CALL_LOCAL;
		bool address = insn_is_lddw(&in[i]) && in[i].src_reg == LDDW_FUNC;
		int64_t to = (int64_t)i + 1 + in[i].imm;

		if ((call || address) && to >= 0 && to < n) /* else check_insns() tells */
			begins[to] = 1;
		i += insn_is_lddw(&in[i]);
	}
	r->start = calloc(n, sizeof(*r->start));
	for (uint32_t i = 0; r->start && i < n; i++)
		if (begins[i])
			r->start[r->nstart++] = i;
	free(begins);
	return r->start ? 0 : -ENOMEM;
}

/* The attributes of one kind of records, and where the kernel tells the size that it knows. */
struct given {
	uint64_t from;
	uint32_t n, size, ours;
	uint32_t *size_back;
	const char *longer;
};

static int all_zero(const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i])
			return 0;
	return 1;
}

/* One record is read at a time: how many there really are, their order tells. */
static int read_record(const struct reading *r, const struct given *g, uint32_t i, void *out)
{
	const uint8_t *p = (const uint8_t *)(uintptr_t)g->from + (uint64_t)i * g->size;

	if (sys_check_user((uintptr_t)p, g->size) < 0)
		return -EFAULT;
	if (!all_zero(p + g->ours, g->size - g->ours)) {
		*g->size_back = g->ours;
		wrong(r, "%s", g->longer);
		return -E2BIG;
	}
	memcpy(out, p, g->ours);
	return 0;
}

static int start_records(const struct reading *r, const struct given *g,
			 struct sys_info_records *out)
{
	uint32_t most = g->n < r->c->attr.insn_cnt ? g->n : r->c->attr.insn_cnt;

	out->data = calloc(most + 1, g->ours);
	out->rec_size = g->ours;
	return out->data ? 0 : -ENOMEM;
}

static bool bad_size(const struct given *g)
{
	return g->size < g->ours || g->size > MAX_RECORD || g->size % sizeof(uint32_t) ||
	       g->n > INT_MAX / g->ours;
}

/* -- functions ------------------------------------------------------------------------------ */

static int check_func(const struct reading *r, const struct bpf_func_info *f, uint32_t i)
{
	const struct btf_type *t = btf__type_by_id(r->btf, f->type_id);

	if (!i && f->insn_off)
		return wrong(r, "nonzero insn_off %u for the first func info record", f->insn_off);
	if (i && f->insn_off <= f[-1].insn_off)
		return wrong(r,
			     "same or smaller insn offset (%u) than previous func info record (%u)",
			     f->insn_off, f[-1].insn_off);
	if (!t || !btf_is_func(t))
		return wrong(r, "invalid type id %u in func info", f->type_id);
	t = btf__type_by_id(r->btf, t->type);
	if (!t || !btf_is_func_proto(t))
		return wrong(r, "invalid type id %u in func info", f->type_id);
	return 0;
}

static int take_funcs(const struct reading *r, struct sys_info_records *out)
{
	union bpf_attr *a = &r->c->attr;
	struct given g = {
		.from = a->func_info,
		.n = a->func_info_cnt,
		.size = a->func_info_rec_size,
		.ours = sizeof(struct bpf_func_info),
		.size_back = &r->c->user->func_info_rec_size,
		.longer = "nonzero tailing record in func info",
	};
	struct bpf_func_info *f;
	int err;

	if (!g.n)
		return 0;
	if (bad_size(&g))
		return wrong(r, "invalid func info rec size %u", g.size);
	err = start_records(r, &g, out);
	f = out->data;
	for (uint32_t i = 0; !err && i < g.n; i++) {
		/* more than instructions cannot rise within them */
		if (i >= r->nstart)
			return wrong(
				r, "number of funcs in func_info doesn't match number of subprogs");
		err = read_record(r, &g, i, &f[i]);
		if (!err)
			err = check_func(r, &f[i], i);
		if (!err && f[i].insn_off != r->start[i])
			err = wrong(r, "func_info BTF section doesn't match subprog layout in BPF "
				       "program");
		out->n = i + 1;
	}
	if (!err && out->n != r->nstart)
		err = wrong(r, "number of funcs in func_info doesn't match number of subprogs");
	return err;
}

/* -- lines ----------------------------------------------------------------------------------- */

static int check_line(const struct reading *r, const struct bpf_line_info *l, uint32_t i)
{
	const struct bpf_insn *in = (const struct bpf_insn *)(uintptr_t)r->c->attr.insns;
	uint32_t before = i ? l[-1].insn_off : 0, n = r->c->attr.insn_cnt;

	if ((i && l->insn_off <= before) || l->insn_off >= n)
		return wrong(r, "Invalid line_info[%u].insn_off:%u (prev_offset:%u prog->len:%u)",
			     i, l->insn_off, before, n);
	if (!in[l->insn_off].code)
		return wrong(r, "Invalid insn code at line_info[%u].insn_off", i);
	if (!btf__name_by_offset(r->btf, l->line_off) ||
	    !btf__name_by_offset(r->btf, l->file_name_off))
		return wrong(r, "Invalid line_info[%u].line_off or .file_name_off", i);
	return 0;
}

static int take_lines(const struct reading *r, struct sys_info_records *out)
{
	union bpf_attr *a = &r->c->attr;
	struct given g = {
		.from = a->line_info,
		.n = a->line_info_cnt,
		.size = a->line_info_rec_size,
		.ours = sizeof(struct bpf_line_info),
		.size_back = &r->c->user->line_info_rec_size,
		.longer = "nonzero tailing record in line_info",
	};
	struct bpf_line_info *l;
	uint32_t sub = 0;
	int err;

	if (!g.n)
		return 0;
	if (bad_size(&g))
		return wrong(r, "invalid line info rec size %u", g.size);
	err = start_records(r, &g, out);
	l = out->data;
	for (uint32_t i = 0; !err && i < g.n; i++) { /* ends: they rise within the program */
		err = read_record(r, &g, i, &l[i]);
		if (!err)
			err = check_line(r, &l[i], i);
		if (err)
			break;
		if (sub < r->nstart && l[i].insn_off == r->start[sub])
			sub++;
		else if (sub < r->nstart && l[i].insn_off > r->start[sub])
			return wrong(r, "missing bpf_line_info for func#%u", sub);
		out->n = i + 1;
	}
	if (!err && sub != r->nstart)
		err = wrong(r, "missing bpf_line_info for %u funcs starting from func#%u",
			    r->nstart - sub, sub);
	return err;
}

int sys_records_take(struct sys_call *c, const struct sys_object *btf, struct sys_load *l)
{
	struct reading r = { .c = c, .btf = btf ? btf->blob.parsed : NULL };
	int err;

	if (!btf)
		return 0;
	err = find_functions(&r);
	if (!err)
		err = take_funcs(&r, &l->func);
	if (!err)
		err = take_lines(&r, &l->line);
	free(r.start);
	return err;
}

void sys_records_free(struct sys_load *l)
{
	free(l->func.data);
	free(l->line.data);
	l->func = l->line = (struct sys_info_records){ .data = NULL };
}

/* The last one that is not behind the instruction, as bpf_find_linfo() has it. */
static const struct bpf_line_info *find_line(const struct sys_info_records *r, uint32_t insn)
{
	const struct bpf_line_info *l = r->data;
	uint32_t lo = 0, hi = r->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l[mid].insn_off <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &l[lo - 1] : NULL;
}

bool sys_records_source(void *arg, uint32_t insn, struct verify_source *out)
{
	const struct sys_lines *s = arg;
	const struct bpf_line_info *l = find_line(s->line, insn);
	const char *text, *file, *slash;

	if (!l)
		return false;
	text = btf__name_by_offset(s->btf, l->line_off);
	file = btf__name_by_offset(s->btf, l->file_name_off);
	slash = strrchr(file, '/');
	*out = (struct verify_source){ .text = text + strspn(text, " \t"),
				       .file = slash ? slash + 1 : file,
				       .line = BPF_LINE_INFO_LINE_NUM(l->line_col) };
	return true;
}
