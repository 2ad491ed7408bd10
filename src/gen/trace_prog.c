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
#include "bpf/kfunc.h"
#include "gen/regs.h"
#include "gen/trace_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE   256 /* bytes read of an argument in memory */
#define MIN_SECTION 16

/* -- plans ---------------------------------------------------------------------- */

bool type_is_string(const struct ty *t)
{
	const struct ty *to;

	if (t->kind != TY_PTR || t->flags & TY_REFERENCE || !t->of)
		return false;
	to = ty_strip(t->of);
	return to->kind == TY_INT && to->flags & TY_CHAR && to->size == 1;
}

const struct ty *type_referent(const struct ty *t)
{
	const struct ty *to;

	if (t->kind != TY_PTR || !(t->flags & TY_REFERENCE) || !t->of)
		return NULL;
	to = ty_strip(t->of);
	if (to->kind == TY_VOID || to->kind == TY_FUNC || to->kind == TY_UNKNOWN)
		return NULL;
	return to->size ? to : NULL;
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

struct rec_section *plan_add(struct rec_plan *p, const struct rec_section *s, uint32_t bytes)
{
	struct rec_section *more = realloc(p->section, (p->nsections + 1u) * sizeof(*more));

	if (!more)
		return NULL;
	p->section = more;
	more += p->nsections++;
	*more = *s;
	more->off = p->size;
	p->size = (uint16_t)(p->size + bytes);
	return more;
}

uint32_t plan_room(const struct rec_plan *p, uint32_t want)
{
	uint32_t room = GEN_TRACE_MAX_RECORD - p->size;

	if (room >= 8 + ALIGN_UP(want, 8u))
		return want;
	return room >= 8 + MIN_SECTION ? (room - 8) & ~7u : 0;
}

void plan_free(struct trace_func *f)
{
	free(f->entry.section);
	free(f->exit.section);
}

struct planner {
	const struct trace_func *f;
	const struct gen_trace_opts *o;
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

/* What of arg is read from memory: how many bytes, and how.  0: nothing. */
static uint32_t bytes_there(const struct planner *pl, int arg, const struct fm_value *v,
			    uint8_t *kind)
{
	const struct ty *t = func_type(pl->f, arg), *to = type_referent(t);
	bool format;

	*kind = SEC_MEMORY;
	if (v->flags & FM_BY_ADDR)
		return v->size;
	if (to)
		return to->size > MAX_VALUE ? MAX_VALUE : (uint32_t)to->size;
	format = printf_is_format(pl->f, arg);
	if ((!pl->o->strings && !format) || !type_is_string(t))
		return 0;
	*kind = SEC_STRING;
	/* two more: the NUL, and one that tells whether the string goes on */
	return (format && pl->o->strings < PRINTF_FORMAT ? PRINTF_FORMAT : pl->o->strings) + 2;
}

static const struct fm_value *planned_value(const struct planner *pl, int arg)
{
	const struct trace_func *f = pl->f;
	const struct fm_value *v = arg == REC_RESULT ? &f->model->ret : &f->model->arg[arg];

	if (!f->proto || v->flags & (FM_HIDDEN | FM_GONE) || !v->nslots)
		return NULL;
	return arg != REC_RESULT && buffer_of(f, pl->o, arg) ? NULL : v;
}

/* Room for what an argument points to, as far as the record has any. */
static int plan_value(const struct planner *pl, struct rec_plan *p, int arg)
{
	const struct fm_value *v = planned_value(pl, arg);
	struct rec_section s = { .arg = (int16_t)arg };
	uint32_t want, cap, shown;

	want = v ? bytes_there(pl, arg, v, &s.kind) : 0;
	if (!want)
		return 0;
	cap = s.kind == SEC_MEMORY && want > MAX_VALUE ? MAX_VALUE : want;
	cap = plan_room(p, cap);
	shown = s.kind == SEC_STRING ? pl->o->strings : want;
	if (cap < (s.kind == SEC_STRING ? shown + 2 : want))
		note(pl, arg, shown, s.kind == SEC_STRING && cap ? cap - 2 : cap);
	if (!cap)
		return 0;
	s.slot = v->slot;
	s.cap = (uint16_t)cap;
	s.shown = (uint16_t)(shown + 2 < cap ? shown : cap - 2u);
	return plan_add(p, &s, 8 + ALIGN_UP(cap, 8u)) ? 0 : -ENOMEM;
}

/* Room for what objects among the arguments keep elsewhere. */
static int plan_kept(const struct planner *pl, struct rec_plan *p, int arg)
{
	const struct fm_value *v = planned_value(pl, arg);
	const struct rec_section *s = plan_section(p, arg);
	const struct ty *t = v ? func_type(pl->f, arg) : NULL;
	unsigned at = v ? sizeof(struct rec_head) + 8u * (unsigned)(v->slot - p->first) : 0;

	if (s && s->kind == SEC_MEMORY)
		return plan_chains(p, arg, v->flags & FM_BY_ADDR ? t : type_referent(t),
				   s->off + 8u, s->cap, s->off, pl->o);
	if (!v || s || v->flags & FM_BY_ADDR)
		return 0;
	return plan_chains(p, arg, t, at, 8u * v->nslots, 0, pl->o);
}

static int plan_one(const struct planner *pl, struct rec_plan *p, bool args, bool result)
{
	const struct func_model *m = pl->f->model;
	unsigned rets = result ? m->ret.nslots : 0;
	int err = 0;

	p->args = args;
	p->result = result;
	p->first = args ? 0 : m->nslots;
	p->nslots = (uint16_t)((args ? m->nslots : 0) + rets);
	p->size = (uint16_t)(sizeof(struct rec_head) + 8u * p->nslots);
	for (int i = 0; i < m->nargs && !err; i++)
		err = plan_buffer(pl->f, pl->o, p, i, pl->d);
	for (int i = 0; args && i < m->nargs && !err; i++)
		err = plan_value(pl, p, i);
	if (result && !err)
		err = plan_value(pl, p, REC_RESULT);
	for (int i = 0; args && i < m->nargs && !err; i++)
		err = plan_kept(pl, p, i);
	if (result && !err)
		err = plan_kept(pl, p, REC_RESULT);
	if (args && !result && !err)
		plan_varargs(pl->f, pl->o, p);
	return err;
}

int plan_make(struct trace_func *f, const struct gen_trace_opts *o, struct diag *d)
{
	struct planner pl = { .f = f, .o = o, .d = d };
	int err = 0;

	if (f->model->nslots > FM_MAX_SLOTS)
		return -EINVAL;
	if (f->has_entry)
		err = plan_one(&pl, &f->entry, true, false);
	if (!err && f->has_exit)
		err = plan_one(&pl, &f->exit, !f->has_entry, true);
	return err;
}

/* -- programs ------------------------------------------------------------------------ */

/* Of the stack: the key of the slots' map, above it the start of the call at exit. */
#define START_AT   (-16)
#define STACK_TOP  16
#define KFUNC_CALL 2 /* src_reg of a call, RFC 9669 4.3.1 */

#define HEAD(field) offsetof(struct rec_head, field)
#define SLOT(field) offsetof(struct gen_slot_value, field)

/* No room: count it.  An exit record's frame tells the decoder which call it was. */
static void put_lost(struct gen_writer *w, bool call)
{
	unsigned low;

	gen_put_set(w, R1, 1);
	gen_put(w, BPF_STX | BPF_ATOMIC | BPF_DW, R8, R1,
		(int)(call ? SLOT(lost_calls) : SLOT(lost_exits)), BPF_ADD);
	if (!call) {
		gen_put_load(w, R1, R8, SLOT(lost_high));
		gen_put(w, BPF_JMP | BPF_JGE | BPF_X, R1, R6, 0, 0);
		low = (unsigned)w->n - 1;
		gen_put_store(w, R8, SLOT(lost_high), R6);
		gen_jump_here(w, low);
	}
}

/* r8 the slot's counters, r7 the record; or leave. */
static void put_reserve(struct gen_writer *w, const struct rec_plan *p, bool call, int ring,
			int slots)
{
	unsigned no_slot, room;

	gen_put(w, BPF_ST | BPF_MEM | BPF_W, R10, 0, -4, 0);
	gen_put_map(w, R1, slots);
	gen_put_mov(w, R2, R10);
	gen_put_add(w, R2, -4);
	gen_put_call(w, BPF_FUNC_map_lookup_elem);
	no_slot = gen_put_jump(w, BPF_JEQ, R0, 0);
	gen_put_mov(w, R8, R0);
	put_buffer_sizes(w, p);
	gen_put_map(w, R1, ring);
	gen_put_set(w, R3, 0);
	gen_put_call(w, BPF_FUNC_ringbuf_reserve);
	room = gen_put_jump(w, BPF_JNE, R0, 0);
	put_lost(w, call);
	gen_jump_here(w, no_slot);
	gen_put_exit(w);
	gen_jump_here(w, room);
	gen_put_mov(w, R7, R0);
}

/* started: the time of the entry is at hand */
static void put_head(struct gen_writer *w, uint32_t kind, uint32_t id, bool started)
{
	gen_put(w, BPF_ST | BPF_MEM | BPF_W, R7, 0, (int)HEAD(kind), (int32_t)kind);
	gen_put(w, BPF_ST | BPF_MEM | BPF_W, R7, 0, (int)HEAD(func), (int32_t)id);
	gen_put_store(w, R7, HEAD(frame), R6);
	gen_put_store(w, R7, HEAD(slot), R8);
	if (kind == REC_ENTRY)
		gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, R1, R6, -8, 0);
	else if (started)
		gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, R1, R10, START_AT, 0);
	else
		gen_put_set(w, R1, 0);
	gen_put_store(w, R7, HEAD(start_ns), R1); /* HEAD(count) */
	gen_put_load(w, R1, R8, SLOT(lost_exits));
	gen_put_store(w, R7, HEAD(lost_exits), R1);
	gen_put_load(w, R1, R8, SLOT(lost_high));
	gen_put_store(w, R7, HEAD(lost_high), R1);
	gen_put(w, BPF_ST | BPF_MEM | BPF_DW, R8, 0, (int)SLOT(lost_high), 0);
	gen_put_call(w, BPF_FUNC_get_current_pid_tgid);
	gen_put_store(w, R7, HEAD(pid_tgid), R0);
}

static void put_section(struct gen_writer *w, const struct rec_section *s)
{
	bool string = s->kind == SEC_STRING;
	unsigned null = 0;

	gen_put_load(w, R3, R6, 8u * s->slot);
	if (string) {
		gen_put_set(w, R0, 0);
		null = gen_put_jump(w, BPF_JEQ, R3, 0);
	}
	gen_put_mov(w, R1, R7);
	gen_put_add(w, R1, s->off + 8);
	gen_put_set(w, R2, s->cap);
	gen_put_call(w, string ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_user);
	if (string)
		gen_jump_here(w, null);
	gen_put_store(w, R7, s->off, R0);
}

/* The record: r9 has the time of an exit's. */
static void put_record(struct gen_writer *w, const struct trace_func *f, uint32_t kind, uint32_t id,
		       int ring, int slots)
{
	const struct rec_plan *p = kind == REC_ENTRY ? &f->entry : &f->exit;

	put_reserve(w, p, p->args, ring, slots);
	put_head(w, kind, id, f->session && p->args && kind == REC_EXIT);
	for (unsigned i = 0; i < p->nslots; i++) {
		gen_put_load(w, R1, R6, 8u * (p->first + i));
		gen_put_store(w, R7, sizeof(struct rec_head) + 8u * i, R1);
	}
	for (unsigned i = 0; i < p->nsections; i++) {
		if (p->section[i].kind == SEC_CHAIN)
			put_chain(w, &p->section[i]);
		else if (p->section[i].kind != SEC_BUFFER)
			put_section(w, &p->section[i]);
	}
	if (p->varargs)
		put_varargs(w, f, p);
	put_buffers(w, p);
	if (kind == REC_ENTRY) {
		gen_put_call(w, BPF_FUNC_ktime_get_ns);
		gen_put_mov(w, R9, R0);
	}
	gen_put_store(w, R7, HEAD(time_ns), R9);
	gen_put_mov(w, R1, R7);
	gen_put_set(w, R2, 0);
	gen_put_call(w, BPF_FUNC_ringbuf_submit);
}

/* Leave unless the condition holds. */
static void put_filter(struct gen_writer *w, const struct trace_func *f)
{
	unsigned holds;

	gen_expr_emit(f->filter, w, STACK_TOP, NULL);
	holds = gen_put_jump(w, BPF_JNE, R0, 0);
	gen_put_exit(w);
	gen_jump_here(w, holds);
}

static int program(const struct trace_func *f, uint32_t kind, uint32_t id, int ring, int slots,
		   struct gen_prog *out)
{
	struct gen_writer w = { 0 };

	gen_put_mov(&w, R6, R1);
	if (kind == REC_EXIT) {
		gen_put_call(&w, BPF_FUNC_ktime_get_ns);
		gen_put_mov(&w, R9, R0);
	}
	if (f->filter)
		put_filter(&w, f);
	put_record(&w, f, kind, id, ring, slots);
	gen_put_exit(&w);
	return gen_writer_done(&w, out);
}

static void put_kfunc(struct gen_writer *w, int id)
{
	gen_put_mov(w, R1, R6);
	gen_put(w, BPF_JMP | BPF_CALL, 0, KFUNC_CALL, 0, id);
}

/* The cookie is 0: no record at exit. */
static void put_session_entry(struct gen_writer *w, const struct trace_func *f, uint32_t id,
			      int ring, int slots)
{
	put_kfunc(w, KFUNC_SESSION_COOKIE);
	gen_put(w, BPF_ST | BPF_MEM | BPF_DW, R0, 0, 0, 0);
	if (f->filter && !gen_expr_uses_ret(f->filter))
		put_filter(w, f);
	if (f->has_entry) {
		put_record(w, f, REC_ENTRY, id, ring, slots);
	} else {
		gen_put_call(w, BPF_FUNC_ktime_get_ns);
		gen_put_mov(w, R9, R0);
	}
	put_kfunc(w, KFUNC_SESSION_COOKIE);
	gen_put_store(w, R0, 0, R9);
	gen_put_exit(w);
}

static int session(const struct trace_func *f, uint32_t id, int ring, int slots,
		   struct gen_prog *out)
{
	struct gen_writer w = { 0 };
	unsigned at_exit, wanted;

	gen_put_mov(&w, R6, R1);
	put_kfunc(&w, KFUNC_SESSION_IS_RETURN);
	at_exit = gen_put_jump(&w, BPF_JNE, R0, 0);
	put_session_entry(&w, f, id, ring, slots);
	gen_jump_here(&w, at_exit);
	gen_put_call(&w, BPF_FUNC_ktime_get_ns);
	gen_put_mov(&w, R9, R0);
	put_kfunc(&w, KFUNC_SESSION_COOKIE);
	gen_put_load(&w, R1, R0, 0);
	wanted = gen_put_jump(&w, BPF_JNE, R1, 0);
	gen_put_exit(&w);
	gen_jump_here(&w, wanted);
	gen_put(&w, BPF_STX | BPF_MEM | BPF_DW, R10, R1, START_AT, 0);
	if (f->filter && gen_expr_uses_ret(f->filter))
		put_filter(&w, f);
	put_record(&w, f, REC_EXIT, id, ring, slots);
	gen_put_exit(&w);
	return gen_writer_done(&w, out);
}

bool gen_trace_has_session(const struct gen_trace *t, uint32_t id)
{
	return t->funcs.at[id].session;
}

bool gen_trace_has_entry(const struct gen_trace *t, uint32_t id)
{
	return t->funcs.at[id].has_entry && !t->funcs.at[id].session;
}

bool gen_trace_has_exit(const struct gen_trace *t, uint32_t id)
{
	return t->funcs.at[id].has_exit && !t->funcs.at[id].session;
}

int gen_trace_entry(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		    struct gen_prog *out)
{
	if (id >= t->funcs.n || !gen_trace_has_entry(t, id))
		return -EINVAL;
	return program(&t->funcs.at[id], REC_ENTRY, id, ring_fd, slots_fd, out);
}

int gen_trace_exit(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		   struct gen_prog *out)
{
	if (id >= t->funcs.n || !gen_trace_has_exit(t, id))
		return -EINVAL;
	return program(&t->funcs.at[id], REC_EXIT, id, ring_fd, slots_fd, out);
}

int gen_trace_session(const struct gen_trace *t, uint32_t id, int ring_fd, int slots_fd,
		      struct gen_prog *out)
{
	if (id >= t->funcs.n || !gen_trace_has_session(t, id))
		return -EINVAL;
	return session(&t->funcs.at[id], id, ring_fd, slots_fd, out);
}
