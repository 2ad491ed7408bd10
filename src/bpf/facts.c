/*
 * bpf/facts.c - see check.h: where the ctx pointer and the frame pointer travel.
 *
 * A forward pass over all paths.  A register holds a set of what it may be (ctx plus an
 * offset, frame plus an offset, anything else); where paths meet the sets are joined, so
 * the state of an instruction only grows and the pass ends.  Memory is not followed: a
 * ctx pointer that is stored, or goes through arithmetic other than adding, has escaped,
 * and then every slot counts as read.  A frame pointer that is no longer followed makes
 * the stack of its function PROGRAM_MAX_STACK bytes.
 *
 * Loads of 8 bytes or of the lower 4 of one slot, from ctx and a distance that is known, are noted
 * (program.ctx_slot): the JIT takes the value from where the trampoline has it.  A slot that is read in
 * another manner, too, must be in memory.  Where ctx escapes, or a slot is chosen at run time, all are.
 *
 * A load whose base may be anything else than ctx, the own stack or memory of a map's is one of
 * the target's memory, which may not be there: program_load_strays().  What came through memory
 * is not known, so a map's value that was put on the stack counts as such.  An index that is added
 * leaves a pointer what it is.
 *
 * The verifier knows more: which code is dead, what comes back from the stack.  It is not asked, since what stands
 * here must hold wherever a program is verified anew (verify_again()), and other code is dead there.  In 567
 * programs of tests and examples that cost: no context (all 51 that lose it mean to), and 512 bytes of stack taken for
 * granted in 34.
 *
 * r1-r5 of a callee begin as the join of all its calls; those of a callback are what its
 * helper gives it.  What was never set, or died in a call, must not be read; only where that
 * holds on all paths is it certain here.
 */
#include "bpf/check.h"
#include "bpf/helper.h"
#include "bpf/insn.h"
#include "bpf/jit.h"
#include "bpf/kfunc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * MAY_MAP: a map itself.  MAY_VALUE: memory of one, a value or a ring's record.  MAY_INDEX: a number
 * was added, beside what is pointed to.
 */
enum {
	MAY_OTHER = 1,
	MAY_CTX = 2,
	MAY_FP = 4,
	MAY_UNSET = 8,
	MAY_FUNC = 16,
	MAY_MAP = 32,
	MAY_VALUE = 64,
	MAY_INDEX = 128
};

/*
 * `known`: may is MAY_CTX or MAY_FP alone, and the pointer is that plus off; or MAY_FUNC or
 * MAY_MAP alone, and off is the number of the function or map.
 */
struct val {
	uint8_t may;
	bool known;
	int32_t off;
};

struct regs {
	struct val r[INSN_FP + 1];
};

#define NO_LEADER UINT32_MAX

struct pass {
	struct program *p;
	const struct program_attr *attr;
	struct body_facts *f;
	struct diag *d;
	uint32_t *leader;   /* by instruction: index into state, or NO_LEADER */
	struct regs *state; /* on arrival at a leader */
	uint32_t *first;    /* instruction of a leader */
	bool *queued;
	uint32_t *queue, nqueue, nleaders;

	struct regs now;
	uint32_t at, sub;
	uint64_t in_memory[BODY_MAX_SLOTS / 64]; /* read otherwise than ctx_slot tells */
	uint32_t depth[CHECK_MAX_SUBPROGS];
	bool loose[CHECK_MAX_SUBPROGS]; /* frame pointer not followed everywhere */
	int err;
};

static const struct val other = { .may = MAY_OTHER };
static const struct val unset = { .may = MAY_UNSET };
static const struct val of_map = { .may = MAY_VALUE };

/* -- states ----------------------------------------------------------------- */

static bool val_join(struct val *to, struct val from)
{
	struct val old = *to;

	if (!old.may) {
		*to = from;
	} else {
		to->may |= from.may;
		to->known = old.known && from.known && old.may == from.may && old.off == from.off;
		to->off = to->known ? old.off : 0;
	}
	return to->may != old.may || to->known != old.known || to->off != old.off;
}

static void arrive(struct pass *s, uint32_t insn)
{
	uint32_t l = s->leader[insn];
	bool changed = false;

	for (unsigned r = 0; r <= INSN_FP; r++)
		changed |= val_join(&s->state[l].r[r], s->now.r[r]);
	if (changed && !s->queued[l]) {
		s->queued[l] = true;
		s->queue[s->nqueue++] = l;
	}
}

/* -- what is found out ------------------------------------------------------- */

static void refuse(struct pass *s, const char *why)
{
	char text[96];

	program_format_insn(&s->p->insn[s->at], text, sizeof(text));
	if (!s->err)
		s->err = diag_set(s->d, -EACCES, "insn %u (%s): %s", s->at, text, why);
}

static void ctx_escapes(struct body_facts *f)
{
	f->ctx_escapes = f->reads_any = f->reads_count = f->reads_ip = true;
}

/* The instruction reads register r. */
static void use(struct pass *s, unsigned r)
{
	char why[64];

	if (s->now.r[r].may != MAY_UNSET || s->attr->allow_any_helper || s->p->verified)
		return; /* verified: it lies on no path that can be taken */
	snprintf(why, sizeof(why), "r%u is read, but was never set or died in a call", r);
	refuse(s, why);
}

static bool tracing(const struct pass *s)
{
	return s->p->kind != PROGRAM_PLAIN;
}

static const char untyped[] = "a .multi program has no typed arguments: use bpf_get_func_arg() and "
			      "bpf_get_func_ret()";

static void ctx_read_slot(struct pass *s, int32_t slot, bool direct)
{
	/* exit programs see the result behind the arguments, in two slots or more */
	unsigned results = s->p->kind == PROGRAM_FENTRY ? 0 :
			   s->attr->nresults > 2        ? s->attr->nresults :
							  2;

	if (slot == -1)
		s->f->reads_count = true;
	else if (slot == -2)
		s->f->reads_ip = true;
	else if (!tracing(s))
		s->f->reads_any = true;
	else if (s->attr->multi)
		refuse(s, untyped);
	else if (slot < 0 || slot >= BODY_MAX_SLOTS)
		refuse(s, "access outside ctx");
	else if (s->attr->nslots != PROGRAM_NO_CTX && (uint32_t)slot >= s->attr->nslots + results)
		refuse(s, "ctx has no such slot: the function has fewer arguments");
	else
		s->f->reads[slot / 64] |= 1ull << slot % 64;
	if (!direct && slot >= 0 && slot < BODY_MAX_SLOTS)
		s->in_memory[slot / 64] |= 1ull << slot % 64;
}

/* What is found at the last visit holds: what is known of a register only gets less. */
static bool ctx_note(struct pass *s, int32_t at, unsigned size, bool store)
{
	const struct bpf_insn *i = &s->p->insn[s->at];
	bool direct = !store && i->code == (BPF_LDX | BPF_MEM | BPF_SIZE(i->code)) && at >= 0 &&
		      at / 8 < BODY_MAX_SLOTS && !(at & 7) && size >= 4 && tracing(s);

	s->p->ctx_slot[s->at] = direct ? (int16_t)(at / 8) : -1;
	return direct;
}

static void ctx_access(struct pass *s, struct val base, int32_t off, unsigned size, bool store)
{
	int32_t lo, hi;

	if (store && tracing(s)) {
		if (base.may == MAY_CTX)
			refuse(s, "store into ctx, which is read-only");
		ctx_escapes(s->f);
	}
	if (!base.known) {
		s->p->ctx_slot[s->at] = -1;
		if (s->attr->multi)
			refuse(s, untyped);
		ctx_escapes(s->f);
		return;
	}
	/* val_add() keeps offsets small: no overflow */
	lo = base.off + off;
	hi = lo + (int32_t)size - 1;
	ctx_read_slot(s, lo >> 3, ctx_note(s, lo, size, store));
	if (hi >> 3 != lo >> 3)
		ctx_read_slot(s, hi >> 3, false);
}

static void stack_reach(struct pass *s, int32_t lowest)
{
	uint32_t need = lowest < 0 ? (uint32_t)-lowest : 0;

	if (need > PROGRAM_MAX_STACK)
		refuse(s, "address outside the stack");
	else if (need > s->depth[s->sub])
		s->depth[s->sub] = need;
}

static void access(struct pass *s, unsigned reg, const struct bpf_insn *i, bool store)
{
	struct val base = s->now.r[reg];

	use(s, reg);
	if (base.may == MAY_FUNC)
		refuse(s, "a function's code is no memory of the program");
	if (BPF_CLASS(i->code) == BPF_LDX && (!base.may || base.may & (MAY_OTHER | MAY_UNSET)))
		program_mark_stray(s->p, s->at);
	if (base.may & MAY_CTX)
		ctx_access(s, base, i->off, insn_bytes(i), store);
	if (!(base.may & MAY_FP))
		return;
	if (!base.known) {
		s->loose[s->sub] = true;
		return;
	}
	if (base.off + i->off + (int32_t)insn_bytes(i) > 0)
		refuse(s, "access outside the stack");
	stack_reach(s, base.off + i->off);
}

/* The value goes where it is not followed. */
static void lost(struct pass *s, struct val v)
{
	if (v.may & MAY_CTX)
		ctx_escapes(s->f);
	if (v.may & MAY_FP) {
		s->loose[s->sub] = true;
		if (v.known)
			stack_reach(s, v.off);
	}
}

/* -- instructions --------------------------------------------------------------- */

#define MAX_OFF (1 << 20)

static struct val val_add(struct val v, int64_t imm)
{
	int64_t off = v.off + imm;

	if (v.may & (MAY_FUNC | MAY_MAP))
		return other;
	if (!v.known)
		return v;
	if (off < -MAX_OFF || off > MAX_OFF)
		return (struct val){ .may = v.may };
	v.off = (int32_t)off;
	return v;
}

/* A pointer and a number; of two unknown ones neither is known to be the number. */
static uint8_t may_of_sum(uint8_t a, uint8_t b)
{
	const uint8_t known = MAY_CTX | MAY_FP | MAY_VALUE | MAY_INDEX;

	if (a & known && !(a & ~known) && b == MAY_OTHER)
		return a | MAY_INDEX;
	if (b & known && !(b & ~known) && a == MAY_OTHER)
		return b | MAY_INDEX;
	return a | b;
}

static void step_alu(struct pass *s, const struct bpf_insn *i)
{
	struct val *dst = &s->now.r[i->dst_reg];
	struct val src = BPF_SRC(i->code) == BPF_X && BPF_OP(i->code) != BPF_END ?
				 s->now.r[i->src_reg] :
				 other;
	bool wide = BPF_CLASS(i->code) == BPF_ALU64;
	unsigned op = BPF_OP(i->code);
	bool add = op == BPF_ADD || op == BPF_SUB;

	if (op != BPF_MOV)
		use(s, i->dst_reg);
	if (BPF_SRC(i->code) == BPF_X && op != BPF_END)
		use(s, i->src_reg);
	if (wide && op == BPF_MOV && !i->off) {
		*dst = src;
	} else if (wide && add && BPF_SRC(i->code) == BPF_K) {
		*dst = val_add(*dst, op == BPF_ADD ? i->imm : -(int64_t)i->imm);
	} else if (wide && add) {
		*dst = (struct val){ .may = may_of_sum(dst->may, src.may) };
	} else {
		if (op != BPF_MOV)
			lost(s, *dst);
		lost(s, src);
		*dst = other;
	}
}

/* To a function of ours, which reads what it points to and keeps nothing. */
static void handed(struct pass *s, struct val v)
{
	if (v.may & MAY_CTX)
		ctx_escapes(s->f);
	if (v.may & MAY_FP && !v.known)
		s->loose[s->sub] = true;
	else if (v.may & MAY_FP)
		stack_reach(s, v.off);
}

/* As in the kernel, ctx must be ctx itself; what came through memory is not known here. */
static void want_ctx(struct pass *s)
{
	struct val ctx = s->now.r[1];

	if (!(ctx.may & (MAY_CTX | MAY_OTHER)) || (ctx.known && ctx.off))
		refuse(s, "r1 is not ctx");
}

/* Its words of the context, which nothing else reads. */
static void varargs_read(struct pass *s)
{
	int32_t first = (int32_t)s->attr->nslots + FORMAT_ARGS_SLOT;

	if (!(s->now.r[4].may & MAY_CTX)) /* a va_list has no use for them */
		return;
	if (s->attr->nslots > BODY_MAX_SLOTS || first + FORMAT_ARGS_WORDS > BODY_MAX_SLOTS ||
	    !s->now.r[4].known || s->now.r[4].may != MAY_CTX || s->now.r[4].off != 8 * first) {
		refuse(s, "r4 is not where the words for it are");
		return;
	}
	for (int32_t i = first; i < first + FORMAT_ARGS_WORDS; i++) {
		s->f->reads[i / 64] |= 1ull << i % 64;
		s->in_memory[i / 64] |= 1ull << i % 64;
	}
}

/* What a function sees of its caller's value: whose frame a pointer is into is not followed. */
static struct val passed(struct pass *s, struct val v)
{
	if (!(v.may & MAY_FP))
		return v;
	s->loose[s->sub] = true;
	if (v.known)
		stack_reach(s, v.off);
	return (struct val){ .may = (v.may & MAY_CTX) | MAY_OTHER };
}

/*
 * The helper runs the function in r2, with nargs arguments, of which the last is the
 * helper's r3.
 */
static void callback(struct pass *s, unsigned nargs)
{
	struct val fn = s->now.r[2], arg = passed(s, s->now.r[3]);
	struct regs caller = s->now;

	if (fn.may != MAY_FUNC) {
		if (!s->attr->allow_any_helper)
			refuse(s, "r2 is not the address of a function of the program");
		return;
	}
	for (unsigned r = 0; r < INSN_FP; r++)
		s->now.r[r] = r >= 1 && r < nargs ? other : r == nargs ? arg : unset;
	if (nargs == 4) /* a map, a key of it, its value */
		s->now.r[2] = s->now.r[3] = of_map;
	for (uint32_t sub = 0; sub < s->p->nsub; sub++)
		if (fn.known ? sub == (uint32_t)fn.off : s->p->sub[sub].callback)
			arrive(s, s->p->sub[sub].start);
	s->now = caller;
}

static bool is_progarray(const struct pass *s, struct val v)
{
	return v.may == MAY_MAP && v.known &&
	       s->p->map[v.off]->attr.type == BPF_MAP_TYPE_PROG_ARRAY;
}

/* Other programs may follow, and read what this one does not. */
static void tail_call(struct pass *s)
{
	struct val map = s->now.r[2];
	unsigned kind = s->p->kind;

	want_ctx(s);
	if (map.may != MAY_MAP || (map.known && !is_progarray(s, map)))
		refuse(s, "r2 is not a map of type prog_array");
	ctx_escapes(s->f);
	s->f->may_override |= kind == PROGRAM_FMOD_RET;
	s->f->sets_result |= kind == PROGRAM_FMOD_RET;
	s->f->session_cookie |= kind == PROGRAM_FSESSION;
}

static void map_argument(struct pass *s, unsigned r)
{
	if (is_progarray(s, s->now.r[r]))
		refuse(s, "a prog_array is for bpf_tail_call() only");
}

static void step_helper(struct pass *s, uint32_t id)
{
	const struct helper *h = s->attr->allow_any_helper ? NULL : helper_by_id(id);
	unsigned nargs = h ? h->nargs : 5;
	struct body_facts *f = s->f;

	f->helpers[id / 64] |= 1ull << id % 64;
	for (unsigned r = 1; r <= nargs; r++) {
		struct val v = s->now.r[r];

		if (!h || r <= h->needs)
			use(s, r);
		if (r == 1 && h && h->flags & HELPER_TAKES_CTX)
			v.may &= (uint8_t)~MAY_CTX;
		if (id != BPF_FUNC_tail_call)
			map_argument(s, r);
		handed(s, v);
	}
	if (id == BPF_FUNC_loop)
		callback(s, 2);
	else if (id == BPF_FUNC_for_each_map_elem)
		callback(s, 4);
	else if (id == BPF_FUNC_tail_call && h)
		tail_call(s);
	if (!h)
		return;
	if (h->flags & HELPER_WALKS)
		want_ctx(s);
	if (id == HELPER_FORMAT_ARGS)
		varargs_read(s);
	f->may_override |= (h->flags & HELPER_OVERRIDES) != 0;
	if (id == BPF_FUNC_get_func_ip)
		f->reads_ip = true;
	else if (id == BPF_FUNC_get_func_arg)
		f->reads_any = f->reads_count = true;
	else if (id == BPF_FUNC_get_func_arg_cnt || id == BPF_FUNC_override_return)
		f->reads_count = true;
	else if (id == BPF_FUNC_get_func_ret && s->p->kind != PROGRAM_FENTRY) {
		f->reads_count = true;
		if (s->attr->nslots < BODY_MAX_SLOTS && !s->attr->multi)
			ctx_read_slot(s, (int32_t)s->attr->nslots, false);
		else
			f->reads_any = true;
	}
}

static void step_kfunc(struct pass *s, const struct kfunc *k)
{
	for (unsigned r = 1; r <= k->nargs; r++)
		use(s, r);
	if (k->flags & KFUNC_TAKES_CTX)
		want_ctx(s);
	if (k->flags & KFUNC_TAKES_ITER && !(s->now.r[1].may & (MAY_FP | MAY_OTHER)))
		refuse(s, "r1 is not an iterator on the stack");
	for (unsigned r = 1; r <= k->nargs; r++) {
		if (r > 1 || !(k->flags & KFUNC_TAKES_CTX))
			handed(s, s->now.r[r]);
	}
	s->f->reads_count |= (k->flags & KFUNC_READS_COUNT) != 0;
	s->f->sets_result |= (k->flags & KFUNC_SETS_RESULT) != 0;
	s->f->session_cookie |= (k->flags & KFUNC_HAS_COOKIE) != 0;
	s->f->sets_errno |= (k->flags & KFUNC_SETS_ERRNO) != 0;
}

static void step_call(struct pass *s, const struct bpf_insn *i)
{
	if (i->src_reg == CALL_HELPER) {
		step_helper(s, (uint32_t)i->imm);
	} else if (i->src_reg == CALL_KFUNC) {
		step_kfunc(s, kfunc_by_id((uint32_t)i->imm));
	} else {
		struct regs caller = s->now;

		for (unsigned r = 0; r < INSN_FP; r++)
			s->now.r[r] = r < 1 || r > 5 ? unset : passed(s, s->now.r[r]);
		arrive(s, (uint32_t)insn_target(i, s->at));
		s->now = caller;
	}
	/* a function that returns nothing leaves r0 alone */
	if (i->src_reg == CALL_HELPER && helper_returns_memory((uint32_t)i->imm))
		s->now.r[0] = of_map;
	else
		s->now.r[0] =
			insn_is_tail_call(i) ?
				unset :
				(struct val){ .may = MAY_OTHER | (s->now.r[0].may & MAY_CTX) };
	for (unsigned r = 1; r <= 5; r++)
		s->now.r[r] = unset;
}

static void step_mem(struct pass *s, const struct bpf_insn *i)
{
	unsigned class = BPF_CLASS(i->code);
	int written = insn_writes(i);

	if (class == BPF_LDX || insn_is_load_acq(i)) {
		access(s, i->src_reg, i, false);
	} else {
		access(s, i->dst_reg, i, true);
		if (class == BPF_STX) {
			use(s, i->src_reg);
			lost(s, s->now.r[i->src_reg]);
		}
		if (insn_is_atomic(i) && i->imm == BPF_CMPXCHG) {
			use(s, 0);
			lost(s, s->now.r[0]);
		}
	}
	if (written >= 0)
		s->now.r[written] = other;
}

static struct val function(const struct pass *s, const struct bpf_insn *i)
{
	uint32_t sub = program_sub_at(s->p, (uint32_t)insn_target(i, s->at));

	return (struct val){ .may = MAY_FUNC, .known = true, .off = (int32_t)sub };
}

/* The registers that decide whether it jumps. */
static void use_compared(struct pass *s, const struct bpf_insn *i)
{
	if (insn_is_ja(i) || insn_is_may_goto(i))
		return;
	use(s, i->dst_reg);
	if (BPF_SRC(i->code) == BPF_X)
		use(s, i->src_reg);
}

/* One instruction; false: the path ends here, or goes on at leaders only. */
static bool step(struct pass *s, const struct bpf_insn *i)
{
	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_alu(s, i);
		return true;
	case BPF_LD:
		s->now.r[i->dst_reg] = i->src_reg == LDDW_VALUE ? of_map : other;
		if (insn_is_func(i))
			s->now.r[i->dst_reg] = function(s, i);
		else if (i->src_reg == LDDW_MAP)
			s->now.r[i->dst_reg] =
				(struct val){ .may = MAY_MAP, .known = true, .off = i->imm };
		s->at++;
		return true;
	case BPF_JMP:
	case BPF_JMP32:
		if (insn_is_exit(i)) {
			if (!s->sub || s->p->sub[s->sub].callback) /* others may return nothing */
				use(s, 0);
			if (s->sub && s->now.r[0].may & MAY_CTX)
				ctx_escapes(s->f);
			return false;
		}
		if (insn_is_call(i)) {
			step_call(s, i);
			return true;
		}
		use_compared(s, i);
		arrive(s, (uint32_t)insn_target(i, s->at));
		return !insn_is_ja(i);
	default:
		step_mem(s, i);
		return true;
	}
}

static void walk(struct pass *s, uint32_t leader)
{
	s->at = s->first[leader];
	s->sub = program_sub_at(s->p, s->at);
	s->now = s->state[leader];
	s->now.r[INSN_FP] = (struct val){ .may = MAY_FP, .known = true };
	while (!s->err && step(s, &s->p->insn[s->at])) {
		s->at++;
		if (s->leader[s->at] != NO_LEADER) {
			arrive(s, s->at);
			return;
		}
	}
}

/* -- the pass ---------------------------------------------------------------------- */

static void mark_leaders(struct pass *s)
{
	const struct program *p = s->p;

	for (uint32_t i = 0; i < p->ninsns; i++)
		s->leader[i] = NO_LEADER;
	for (uint32_t i = 0; i < p->nsub; i++)
		s->leader[p->sub[i].start] = 0;
	for (uint32_t i = 0; i < p->ninsns; i++) {
		if (insn_is_lddw(&p->insn[i]))
			i++;
		else if (insn_is_branch(&p->insn[i]))
			s->leader[insn_target(&p->insn[i], i)] = 0;
	}
	for (uint32_t i = 0; i < p->ninsns; i++)
		if (s->leader[i] != NO_LEADER)
			s->leader[i] = s->nleaders++;
}

static int pass_alloc(struct pass *s)
{
	s->leader = calloc(s->p->ninsns, sizeof(*s->leader));
	s->p->ctx_slot = calloc(s->p->ninsns, sizeof(*s->p->ctx_slot));
	if (!s->leader || !s->p->ctx_slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->p->ninsns; i++)
		s->p->ctx_slot[i] = -1;
	mark_leaders(s);
	s->state = calloc(s->nleaders, sizeof(*s->state));
	s->first = calloc(s->nleaders, sizeof(*s->first));
	s->queued = calloc(s->nleaders, sizeof(*s->queued));
	s->queue = calloc(s->nleaders, sizeof(*s->queue));
	if (!s->state || !s->first || !s->queued || !s->queue)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->p->ninsns; i++)
		if (s->leader[i] != NO_LEADER)
			s->first[s->leader[i]] = i;
	return 0;
}

static void pass_free(struct pass *s)
{
	free(s->leader);
	free(s->state);
	free(s->first);
	free(s->queued);
	free(s->queue);
	free(s);
}

static void pass_run(struct pass *s)
{
	for (unsigned r = 0; r < INSN_FP; r++)
		s->now.r[r] = unset;
	s->now.r[1] = (struct val){ .may = MAY_CTX, .known = true };
	if (!tracing(s)) /* plain programs have a second argument */
		s->now.r[2] = other;
	s->now.r[INSN_FP] = other; /* walk() sets it */
	arrive(s, 0);
	while (s->nqueue && !s->err) {
		uint32_t l = s->queue[--s->nqueue];

		s->queued[l] = false;
		walk(s, l);
	}
}

/* rax, rdi, those of R0-R5 that are written, and scratch registers where they are needed. */
static x86_regset clobbers(const struct program *p, bool *calls)
{
	x86_regset set = X86_REG(RAX) | X86_REG(RDI);

	*calls = false;
	for (uint32_t i = 0; i < p->ninsns; i++) {
		int w = insn_writes(&p->insn[i]);

		if (w >= 0 && w <= 5)
			set |= X86_REG(jit_reg((unsigned)w));
		if (jit_takes_scratch(&p->insn[i]))
			set |= JIT_SCRATCH;
		if (insn_is_call(&p->insn[i]))
			*calls = true;
		if (insn_is_lddw(&p->insn[i]))
			i++;
	}
	return *calls ? X86_CALLER_SAVED : set;
}

/* What a frame of the JIT takes beside the program's stack: return address, rbp, fixed slots. */
#define FRAME_OVERHEAD 64

/* What the helper that runs a callback has on the stack then. */
#define CALLBACK_OVERHEAD 384

static int check_stack(struct pass *s, const uint32_t *measured)
{
	uint32_t calls = check_chain(s->p, measured, EDGE_CALL);
	uint32_t all = check_chain(s->p, measured, EDGE_CALL | EDGE_CALLBACK);

	if (calls > PROGRAM_MAX_STACK)
		return diag_set(s->d, -EACCES,
				"the stack of nested calls is %u bytes, the limit is %u", calls,
				PROGRAM_MAX_STACK);
	if (all > PROGRAM_MAX_CHAIN)
		return diag_set(
			s->d, -EACCES,
			"the stack of nested calls and callbacks is %u bytes, the limit is %u", all,
			PROGRAM_MAX_CHAIN);
	for (uint32_t i = 1; i < s->p->nsub; i++) {
		uint32_t before = s->p->sub[i].tails ? check_before(s->p, measured, i) : 0;

		if (before >= TAIL_BEFORE)
			return diag_set(s->d, -EACCES,
					"insn %u: a function that tail calls has %u bytes of its "
					"callers' on the stack, less than %u are possible",
					s->p->sub[i].start, before, TAIL_BEFORE);
	}
	return 0;
}

static bool calls_helper(const struct body_facts *f, uint32_t id)
{
	return f->helpers[id / 64] >> id % 64 & 1;
}

uint32_t facts_helper_stack(const struct body_facts *f)
{
	if (calls_helper(f, BPF_FUNC_get_stackid))
		return FACTS_STACKID_STACK;
	if (calls_helper(f, BPF_FUNC_get_stack))
		return FACTS_WALK_STACK;
	if (calls_helper(f, BPF_FUNC_trace_printk) || calls_helper(f, BPF_FUNC_trace_vprintk))
		return FACTS_PRINT_STACK;
	return FACTS_HELPER_STACK;
}

static int stack_sum(struct pass *s)
{
	uint32_t measured[CHECK_MAX_SUBPROGS], stack[CHECK_MAX_SUBPROGS], frame[CHECK_MAX_SUBPROGS];
	const unsigned edges = EDGE_CALL | EDGE_CALLBACK;
	struct program *p = s->p;
	bool calls;
	int err;

	for (uint32_t i = 0; i < p->nsub; i++) {
		measured[i] = ALIGN_UP(s->depth[i], 8u);
		stack[i] = s->loose[i] ? PROGRAM_MAX_STACK : measured[i];
		frame[i] = FRAME_OVERHEAD + ALIGN_UP(stack[i], 16u);
		frame[i] += p->sub[i].callback ? CALLBACK_OVERHEAD : 0;
		p->sub[i].stack = stack[i];
	}
	err = check_stack(s, measured);
	if (err)
		return err;
	p->own_depth = check_chain(p, stack, edges);
	p->stack_depth = p->tails ? TAIL_DEPTH : p->own_depth;
	s->f->clobbers = clobbers(p, &calls);
	s->f->stack_bytes = check_chain(p, frame, edges) + (calls ? facts_helper_stack(s->f) : 0);
	if (p->tails)
		s->f->stack_bytes = 2 * FRAME_OVERHEAD + TAIL_SUM + TAIL_OWN;
	return 0;
}

int facts_compute(struct program *p, const struct program_attr *attr, struct diag *d)
{
	struct pass *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->p = p;
	s->attr = attr;
	s->f = &p->facts;
	s->d = d;
	err = pass_alloc(s);
	if (!err) {
		p->facts.may_reenter = !attr->reentrant;
		if (!p->stray) /* what the verifier saw is there */
			p->stray = calloc(p->ninsns / 8 + 1, 1);
		err = p->stray ? 0 : -ENOMEM;
	}
	if (!err) {
		pass_run(s);
		for (unsigned i = 0; i < ARRAY_LEN(s->in_memory); i++)
			s->f->direct[i] = s->f->reads_any || p->kind == PROGRAM_FSESSION ?
						  0 :
						  s->f->reads[i] & ~s->in_memory[i];
		err = s->err ? s->err : stack_sum(s);
	}
	pass_free(s);
	return err;
}
