/*
 * bpf/program.c - see program.h: copy, look up maps, check, count references.
 */
#include "bpf/program.h"

#include "bpf/check.h"
#include "bpf/dead.h"
#include "bpf/helper.h"
#include "bpf/insn.h"
#include "bpf/progarray.h"
#include "bpf/verify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int attr_check(const struct program_attr *attr, struct diag *d)
{
	if (!attr->insn || !attr->ninsns)
		return diag_set(d, -EINVAL, "a program has at least one instruction");
	if (attr->ninsns > PROGRAM_MAX_INSNS)
		return diag_set(d, -EINVAL, "%u instructions, the limit is %u", attr->ninsns,
				PROGRAM_MAX_INSNS);
	if (attr->kind > PROGRAM_PLAIN)
		return diag_set(d, -EINVAL, "no such kind of program");
	return 0;
}

static int map_index(struct program *p, struct map *m)
{
	for (uint32_t i = 0; i < p->nmaps; i++)
		if (p->map[i] == m)
			return (int)i;
	if (!(p->nmaps & (p->nmaps - 1))) { /* grow at powers of two */
		size_t n = p->nmaps ? 2 * (size_t)p->nmaps : 1;
		struct map **more = realloc(p->map, n * sizeof(struct map *));

		if (!more)
			return -ENOMEM;
		p->map = more;
	}
	p->map[p->nmaps] = map_get(m);
	return (int)p->nmaps++;
}

/* As the kernel: the address of a value is known for arrays of one element only. */
static int value_check(const struct map *m, uint32_t off, uint32_t at, struct diag *d)
{
	if (m->attr.type != BPF_MAP_TYPE_ARRAY || m->attr.max_entries != 1)
		return diag_set(d, -ENOTSUP,
				"insn %u: address of a value of map %s, which is not global data",
				at, m->name);
	if (off >= m->attr.value_size)
		return diag_set(d, -EACCES, "insn %u: offset %u outside map %s, %u bytes", at, off,
				m->name, m->attr.value_size);
	return 0;
}

/* Descriptors become indexes into map[]. */
static int maps_resolve(struct program *p, const struct program_attr *attr, struct diag *d)
{
	for (uint32_t i = 0; i + 1 < p->ninsns; i++) {
		struct bpf_insn *in = &p->insn[i];
		struct map *m;
		int err;

		if (!insn_is_lddw(in))
			continue;
		if (in->src_reg == LDDW_MAP || in->src_reg == LDDW_VALUE) {
			m = attr->map_by_fd ? attr->map_by_fd(attr->arg, in->imm) : NULL;
			if (!m)
				return diag_set(d, -EACCES, "insn %u: descriptor %d is not a map",
						i, in->imm);
			err = in->src_reg == LDDW_VALUE ?
				      value_check(m, (uint32_t)in[1].imm, i, d) :
				      0;
			if (err)
				return err;
			in->imm = map_index(p, m);
			if (in->imm < 0)
				return in->imm;
		}
		i++;
	}
	return 0;
}

static int stats_alloc(struct program *p, struct arena *arena, struct diag *d)
{
	if (!arena)
		return 0;
	p->stats = arena_alloc(arena, sizeof(struct shm_prog), 64);
	return p->stats ? 0 : diag_set(d, -ENOSPC, "the arena is full");
}

int program_count_runs(struct program *p, struct arena *arena, struct diag *d)
{
	if (!p->runs)
		p->runs = arena_alloc(arena, SHM_MAX_THREADS * sizeof(struct shm_run), 64);
	return p->runs ? 0 : diag_set(d, -ENOSPC, "the arena is full");
}

struct program_runs program_runs(const struct program *p, const struct arena *arena)
{
	const struct shm_run *table =
		p->runs ? shm_ptr(arena, p->runs, SHM_MAX_THREADS * sizeof(*table)) : NULL;
	struct program_runs sum = { 0 };

	for (unsigned i = 0; table && i < SHM_MAX_THREADS && i < arena->hdr->slots_used; i++) {
		sum.count += __atomic_load_n(&table[i].count, __ATOMIC_RELAXED);
		sum.ns += __atomic_load_n(&table[i].ns, __ATOMIC_RELAXED);
	}
	return sum;
}

static int program_copy(struct program *p, const struct program_attr *attr)
{
	/* one more, so that a 64-bit load at the very end can be looked at */
	p->insn = calloc(attr->ninsns + 1, sizeof(*p->insn));
	if (!p->insn)
		return -ENOMEM;
	memcpy(p->insn, attr->insn, attr->ninsns * sizeof(*p->insn));
	p->ninsns = attr->ninsns;
	p->kind = (uint8_t)attr->kind;
	p->multi = attr->multi;
	p->own_counters = attr->own_counters;
	p->nslots = attr->nslots;
	p->nresults = attr->nresults;
	snprintf(p->name, sizeof(p->name), "%s", attr->name ? attr->name : "");
	return 0;
}

int program_parse(const struct program_attr *attr, struct program **out, struct diag *d)
{
	struct program *p;
	int err = attr_check(attr, d);

	if (err)
		return err;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->refs = 1;
	err = program_copy(p, attr);
	if (!err)
		err = check_insns(p, attr, d);
	if (!err)
		err = maps_resolve(p, attr, d);
	if (!err)
		err = check_flow(p, d);
	if (err)
		program_put(p);
	else
		*out = p;
	return err;
}

static int program_finish(struct program *p, const struct program_attr *attr, struct diag *d)
{
	int err = dead_fold(p, attr->arena);

	if (!err)
		err = facts_compute(p, attr, d);
	for (uint32_t i = 0; !err && i < p->nmaps; i++)
		if (p->map[i]->attr.type == BPF_MAP_TYPE_PROG_ARRAY)
			err = progarray_own(p->map[i], p, d);
	return err ? err : stats_alloc(p, attr->arena, d);
}

static int program_make(const struct program_attr *attr, struct program *p, struct program **out,
			struct diag *d)
{
	static uint32_t next_id;
	int err = program_finish(p, attr, d);

	if (err) {
		program_put(p);
		return err;
	}
	p->id = ++next_id;
	*out = p;
	return 0;
}

int program_load(const struct program_attr *attr, struct program **out, struct diag *d)
{
	struct program *p = NULL;
	int err = program_parse(attr, &p, d);

	return err ? err : program_make(attr, p, out, d);
}

int program_load_verified(const struct program_attr *attr, const struct verify_prog *how,
			  struct verify_log *log, struct verify_stats *stats, struct program **out,
			  struct diag *d)
{
	struct verify_prog in = how ? *how : (struct verify_prog){ .ctx = NULL };
	struct program *p = NULL;
	int err = program_parse(attr, &p, d);

	if (err)
		return err;
	in.p = p;
	in.arena = attr->arena;
	in.generated = attr->generated;
	p->stray = in.strays = calloc(p->ninsns / 8 + 1, 1);
	err = p->stray ? verify_take_functions(&in, p) : -ENOMEM;
	if (!err)
		err = verify_program(&in, log, stats, d);
	for (uint32_t i = 0; i < p->ninsns && !err; i++)
		p->strays |= program_load_strays(p, i);
	if (err) {
		program_put(p);
		return err;
	}
	p->verified = true;
	err = verify_assumed(p, in.ctx);
	if (err) {
		program_put(p);
		return err;
	}
	return program_make(attr, p, out, d);
}

void program_mark_stray(struct program *p, uint32_t insn)
{
	p->stray[insn / 8] |= (uint8_t)(1u << insn % 8);
	p->strays = true;
}

bool program_reads_target(const struct program *p)
{
	/* whatever follows by a tail call may */
	bool reads = p->strays || p->facts.sets_result ||
		     p->facts.helpers[BPF_FUNC_tail_call / 64] >> BPF_FUNC_tail_call % 64 & 1;

	for (uint32_t id = 0; id < HELPER_MAX && !reads; id++) {
		const struct helper *h =
			p->facts.helpers[id / 64] >> id % 64 & 1 ? helper_by_id(id) : NULL;

		reads = h && h->flags & HELPER_READS_MEM;
	}
	return reads;
}

struct program *program_get(struct program *p)
{
	p->refs++;
	return p;
}

void program_put(struct program *p)
{
	if (!p || --p->refs)
		return;
	for (uint32_t i = 0; i < p->nmaps; i++)
		map_put(p->map[i]);
	free(p->func);
	free(p->assumed);
	free(p->ctx_slot);
	free(p->map);
	free(p->insn);
	free(p->sub);
	free(p->edge);
	free(p->stray);
	free(p);
}
