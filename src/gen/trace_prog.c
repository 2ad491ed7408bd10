/*
 * gen/trace_prog.c - what a function's records hold, and the programs that write them.
 *
 *   r6 ctx   r7 record   r8 the thread slot's struct gen_slot_value   r9 time (exit)
 *
 * Context slots are loaded one by one at fixed offsets, so that bpf/facts.c sees which are
 * read; the frame being stored, ctx counts as escaped all the same, which costs a trampoline
 * with an entry program the two words before ctx only, all its slots being read anyway.
 *
 * The clock is read last on entry and first on exit: a duration is that of the function, not
 * of the helpers that copy its arguments.
 *
 * Counters are added to atomically: a signal handler may run a program of another function
 * between load and store.
 *
 * Spec     RFC 9669; bpf-helpers(7)
 */
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE   256 /* bytes read of an argument in memory */
#define MIN_SECTION 16
#define RET_SLOTS   2

/* -- plans ---------------------------------------------------------------------- */

bool type_is_string(const struct ty *t)
{
	const struct ty *to;

	if (t->kind != TY_PTR || t->flags & TY_REFERENCE || !t->of)
		return false;
	to = ty_strip(t->of);
	return to->kind == TY_INT && to->flags & TY_CHAR && to->size == 1;
}

/* C11 6.7.6.3: arrays and functions are passed as pointers. */
const struct ty *func_type(const struct trace_func *f, int arg)
{
	static const struct ty nothing = { .kind = TY_VOID, .name = "" };
	static const struct ty pointer = { .kind = TY_PTR, .name = "", .size = 8, .align = 8 };
	const struct ty *of = arg == REC_RESULT ? f->proto->ret : f->proto->param[arg].type, *t;

	if (!of)
		return &nothing;
	t = ty_strip(of);
	if (arg == REC_RESULT || (t->kind != TY_FUNC && t->kind != TY_ARRAY) ||
	    t->flags & TY_VECTOR)
		return t;
	return &pointer;
}

const struct rec_section *plan_section(const struct rec_plan *p, int arg)
{
	for (unsigned i = 0; i < p->nsections; i++) {
		if (p->section[i].arg == arg)
			return &p->section[i];
	}
	return NULL;
}

void plan_free(struct trace_func *f)
{
	free(f->entry.section);
	free(f->exit.section);
}

struct planner {
	const struct trace_func *f;
	unsigned strings;
	struct diag *d;
};

static void note(const struct planner *pl, int arg, uint32_t size, unsigned shown)
{
	const struct trace_func *f = pl->f;

	if (arg == REC_RESULT)
		diag_add(pl->d, "%s: result: %u of %u bytes are shown", f->name, shown, size);
	else if (f->proto && f->proto->param[arg].name && f->proto->param[arg].name[0])
		diag_add(pl->d, "%s: argument %d (%s): %u of %u bytes are shown", f->name, arg + 1,
			 f->proto->param[arg].name, shown, size);
	else
		diag_add(pl->d, "%s: argument %d: %u of %u bytes are shown", f->name, arg + 1,
			 shown, size);
}

/* Room for what an argument points to, as far as the record has any. */
static void plan_value(const struct planner *pl, struct rec_plan *p, int arg)
{
	const struct trace_func *f = pl->f;
	const struct fm_value *v = arg == REC_RESULT ? &f->model->ret : &f->model->arg[arg];
	struct rec_section s = { .arg = (int16_t)arg, .slot = v->slot, .off = p->size };
	uint32_t want, room = GEN_TRACE_MAX_RECORD - p->size, cap;

	if (!f->proto || v->flags & FM_HIDDEN || !v->nslots)
		return;
	s.string = !(v->flags & FM_BY_ADDR);
	if (s.string && (!pl->strings || !type_is_string(func_type(f, arg))))
		return;
	/* two more: the NUL, and one that tells whether the string goes on */
	want = s.string ? pl->strings + 2 : v->size;
	if (!want)
		return;
	cap = !s.string && want > MAX_VALUE ? MAX_VALUE : want;
	if (room < 8 + ALIGN_UP(cap, 8u))
		cap = room >= 8 + MIN_SECTION ? (room - 8) & ~7u : 0;
	if (cap < want)
		note(pl, arg, s.string ? pl->strings : want, s.string && cap ? cap - 2 : cap);
	if (!cap)
		return;
	s.cap = (uint16_t)cap;
	p->section[p->nsections++] = s;
	p->size = (uint16_t)(p->size + 8 + ALIGN_UP(cap, 8u));
}

static int plan_one(const struct planner *pl, struct rec_plan *p, bool args, bool result)
{
	const struct func_model *m = pl->f->model;
	unsigned rets = result ? m->ret.nslots : 0;

	if (rets > RET_SLOTS)
		rets = RET_SLOTS;
	p->args = args;
	p->result = result;
	p->first = args ? 0 : m->nslots;
	p->nslots = (uint16_t)((args ? m->nslots : 0) + rets);
	p->size = (uint16_t)(sizeof(struct rec_head) + 8u * p->nslots);
	p->section = calloc(m->nargs + 1u, sizeof(*p->section));
	if (!p->section)
		return -ENOMEM;
	for (int i = 0; args && i < m->nargs; i++)
		plan_value(pl, p, i);
	if (result)
		plan_value(pl, p, REC_RESULT);
	return 0;
}

int plan_make(struct trace_func *f, unsigned strings, struct diag *d)
{
	struct planner pl = { .f = f, .strings = strings, .d = d };
	int err = 0;

	if (f->model->nslots > FM_MAX_SLOTS)
		return -EINVAL;
	if (f->has_entry)
		err = plan_one(&pl, &f->entry, true, false);
	if (!err && f->has_exit)
		err = plan_one(&pl, &f->exit, !f->has_entry, true);
	return err;
}

/* -- instructions ------------------------------------------------------------------ */

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10 };

struct writer {
	struct bpf_insn *insn;
	unsigned n, cap;
};

static void put(struct writer *w, int code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	if (w->n < w->cap)
		w->insn[w->n] = (struct bpf_insn){ .code = (uint8_t)code,
						   .dst_reg = dst & 15u,
						   .src_reg = src & 15u,
						   .off = (int16_t)off,
						   .imm = imm };
	w->n++;
}

static void put_mov(struct writer *w, uint8_t dst, uint8_t src)
{
	put(w, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void put_set(struct writer *w, uint8_t dst, int32_t imm)
{
	put(w, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static void put_add(struct writer *w, uint8_t dst, int32_t imm)
{
	put(w, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

static void put_load(struct writer *w, uint8_t dst, uint8_t base, size_t off)
{
	put(w, BPF_LDX | BPF_MEM | BPF_DW, dst, base, (int)off, 0);
}

static void put_store(struct writer *w, uint8_t base, size_t off, uint8_t src)
{
	put(w, BPF_STX | BPF_MEM | BPF_DW, base, src, (int)off, 0);
}

static void put_map(struct writer *w, uint8_t dst, int fd)
{
	put(w, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	put(w, 0, 0, 0, 0, 0);
}

static void put_call(struct writer *w, int helper)
{
	put(w, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static void put_exit(struct writer *w)
{
	put_set(w, R0, 0);
	put(w, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A jump whose target comes later: returns its place for jump_here(). */
static unsigned put_jump(struct writer *w, int op, uint8_t dst, int32_t imm)
{
	put(w, BPF_JMP | op | BPF_K, dst, 0, 0, imm);
	return w->n - 1;
}

static void jump_here(struct writer *w, unsigned at)
{
	if (at < w->cap)
		w->insn[at].off = (int16_t)(w->n - at - 1);
}

#define HEAD(field) offsetof(struct rec_head, field)
#define SLOT(field) offsetof(struct gen_slot_value, field)

/* No room: count it.  An exit record's frame tells the decoder which call it was. */
static void put_lost(struct writer *w, bool call)
{
	unsigned low;

	put_set(w, R1, 1);
	put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R1,
	    (int)(call ? SLOT(lost_calls) : SLOT(lost_exits)), BPF_ADD);
	if (!call) {
		put_load(w, R1, R8, SLOT(lost_high));
		put(w, BPF_JMP | BPF_JGE | BPF_X, R1, R6, 0, 0);
		low = w->n - 1;
		put_store(w, R8, SLOT(lost_high), R6);
		jump_here(w, low);
	}
}

/* r8 the slot's counters, r7 the record; or leave. */
static void put_reserve(struct writer *w, const struct rec_plan *p, bool call, int ring, int slots)
{
	unsigned no_slot, room;

	put(w, BPF_ST | BPF_MEM | BPF_W, R10, 0, -4, 0);
	put_map(w, R1, slots);
	put_mov(w, R2, R10);
	put_add(w, R2, -4);
	put_call(w, BPF_FUNC_map_lookup_elem);
	no_slot = put_jump(w, BPF_JEQ, R0, 0);
	put_mov(w, R8, R0);
	put_map(w, R1, ring);
	put_set(w, R2, p->size);
	put_set(w, R3, 0);
	put_call(w, BPF_FUNC_ringbuf_reserve);
	room = put_jump(w, BPF_JNE, R0, 0);
	put_lost(w, call);
	jump_here(w, no_slot);
	put_exit(w);
	jump_here(w, room);
	put_mov(w, R7, R0);
}

static void put_head(struct writer *w, uint32_t kind, uint32_t id)
{
	put(w, BPF_ST | BPF_MEM | BPF_W, R7, 0, (int)HEAD(kind), (int32_t)kind);
	put(w, BPF_ST | BPF_MEM | BPF_W, R7, 0, (int)HEAD(func), (int32_t)id);
	put_store(w, R7, HEAD(frame), R6);
	put_store(w, R7, HEAD(slot), R8);
	put_load(w, R1, R8, SLOT(lost_exits));
	put_store(w, R7, HEAD(lost_exits), R1);
	put_load(w, R1, R8, SLOT(lost_high));
	put_store(w, R7, HEAD(lost_high), R1);
	put(w, BPF_ST | BPF_MEM | BPF_DW, R8, 0, (int)SLOT(lost_high), 0);
	put_call(w, BPF_FUNC_get_current_pid_tgid);
	put_store(w, R7, HEAD(pid_tgid), R0);
}

static void put_section(struct writer *w, const struct rec_section *s)
{
	unsigned null = 0;

	put_load(w, R3, R6, 8u * s->slot);
	if (s->string) {
		put_set(w, R0, 0);
		null = put_jump(w, BPF_JEQ, R3, 0);
	}
	put_mov(w, R1, R7);
	put_add(w, R1, s->off + 8);
	put_set(w, R2, s->cap);
	put_call(w, s->string ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_user);
	if (s->string)
		jump_here(w, null);
	put_store(w, R7, s->off, R0);
}

static int program(const struct rec_plan *p, uint32_t kind, uint32_t id, int ring, int slots,
		   struct gen_prog *out)
{
	unsigned cap = 64 + 2u * p->nslots + 8u * p->nsections;
	struct writer w = { .insn = calloc(cap, sizeof(*w.insn)), .cap = cap };

	if (!w.insn)
		return -ENOMEM;
	put_mov(&w, R6, R1);
	if (kind == REC_EXIT) {
		put_call(&w, BPF_FUNC_ktime_get_ns);
		put_mov(&w, R9, R0);
	}
	put_reserve(&w, p, p->args, ring, slots);
	put_head(&w, kind, id);
	for (unsigned i = 0; i < p->nslots; i++) {
		put_load(&w, R1, R6, 8u * (p->first + i));
		put_store(&w, R7, sizeof(struct rec_head) + 8u * i, R1);
	}
	for (unsigned i = 0; i < p->nsections; i++)
		put_section(&w, &p->section[i]);
	if (kind == REC_ENTRY) {
		put_call(&w, BPF_FUNC_ktime_get_ns);
		put_mov(&w, R9, R0);
	}
	put_store(&w, R7, HEAD(time_ns), R9);
	put_mov(&w, R1, R7);
	put_set(&w, R2, 0);
	put_call(&w, BPF_FUNC_ringbuf_submit);
	put_exit(&w);
	if (w.n > w.cap) {
		free(w.insn);
		return -E2BIG;
	}
	out->insn = w.insn;
	out->n = w.n;
	return 0;
}

int gen_trace_entry(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		    struct gen_prog *out)
{
	if (id >= t->funcs.n || !t->funcs.at[id].has_entry)
		return -EINVAL;
	return program(&t->funcs.at[id].entry, REC_ENTRY, id, ring_fd, slots_fd, out);
}

int gen_trace_exit(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		   struct gen_prog *out)
{
	if (id >= t->funcs.n || !t->funcs.at[id].has_exit)
		return -EINVAL;
	return program(&t->funcs.at[id].exit, REC_EXIT, id, ring_fd, slots_fd, out);
}
