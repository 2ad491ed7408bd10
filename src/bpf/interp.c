/*
 * bpf/interp.c - see interp.h: the reference, written to be read.
 *
 * Every rule of arithmetic stands once, in alu64(), alu32() and taken(); the JIT is
 * tested against them.
 *
 * Context  [ctl] [probe]
 * Spec     RFC 9669 sections 4 and 5
 */
#include "bpf/interp.h"

#include "bpf/insn.h"
#include "bpf/kfunc.h"
#include "rt/rt.h"

#include <asm/errno.h>

/* -- arithmetic: RFC 9669 4.1 ------------------------------------------------- */

static uint64_t sdiv64(uint64_t a, uint64_t b)
{
	if (!b)
		return 0;
	return b == UINT64_MAX ? -a : (uint64_t)((int64_t)a / (int64_t)b);
}

static uint64_t smod64(uint64_t a, uint64_t b)
{
	if (!b)
		return a;
	return b == UINT64_MAX ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
}

static uint64_t sign_extend(uint64_t v, int bits)
{
	switch (bits) {
	case 8:
		return (uint64_t)(int64_t)(int8_t)v;
	case 16:
		return (uint64_t)(int64_t)(int16_t)v;
	case 32:
		return (uint64_t)(int64_t)(int32_t)v;
	default:
		return v;
	}
}

/* off selects signed division and the width of a sign-extending move. */
static uint64_t alu64(unsigned op, int off, uint64_t a, uint64_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return off ? sdiv64(a, b) : b ? a / b : 0;
	case BPF_MOD:
		return off ? smod64(a, b) : b ? a % b : a;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 63);
	case BPF_RSH:
		return a >> (b & 63);
	case BPF_ARSH:
		return (uint64_t)((int64_t)a >> (b & 63));
	case BPF_NEG:
		return -a;
	default: /* BPF_MOV */
		return sign_extend(b, off);
	}
}

static uint32_t alu32(unsigned op, int off, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_DIV:
	case BPF_MOD:
		if (off) /* 64 bits hold INT32_MIN / -1; the upper half is cut */
			return (uint32_t)alu64(op, off, sign_extend(a, 32), sign_extend(b, 32));
		return (uint32_t)alu64(op, 0, a, b);
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	case BPF_ARSH:
		return (uint32_t)((int32_t)a >> (b & 31));
	default:
		return (uint32_t)alu64(op, off, a, b);
	}
}

/* RFC 9669 4.2: the host is little-endian, so "le" only cuts. */
static uint64_t swap(const struct bpf_insn *i, uint64_t v)
{
	bool cut_only = BPF_CLASS(i->code) == BPF_ALU && BPF_SRC(i->code) == BPF_K;

	switch (i->imm) {
	case 16:
		return cut_only ? (uint16_t)v : __builtin_bswap16((uint16_t)v);
	case 32:
		return cut_only ? (uint32_t)v : __builtin_bswap32((uint32_t)v);
	default:
		return cut_only ? v : __builtin_bswap64(v);
	}
}

/* RFC 9669 4.3; both operands zero- and sign-extended */
static bool taken(unsigned op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	default: /* BPF_JSLE */
		return sa <= sb;
	}
}

/* -- memory --------------------------------------------------------------------- */

#define LOAD(type, addr) \
	({ \
		type v_; \
		__builtin_memcpy(&v_, (const void *)(uintptr_t)(addr), sizeof(v_)); \
		v_; \
	})

#define STORE(type, addr, v) \
	do { \
		type v_ = (type)(v); \
		__builtin_memcpy((void *)(uintptr_t)(addr), &v_, sizeof(v_)); \
	} while (0)

/* In one access each, as the JIT's: another thread sees all of it or nothing. */
static uint64_t load(uint64_t addr, unsigned size)
{
	switch (size) {
	case 1:
		return LOAD(uint8_t, addr);
	case 2:
		return LOAD(uint16_t, addr);
	case 4:
		return LOAD(uint32_t, addr);
	default:
		return LOAD(uint64_t, addr);
	}
}

static void store(uint64_t addr, unsigned size, uint64_t v)
{
	switch (size) {
	case 1:
		STORE(uint8_t, addr, v);
		break;
	case 2:
		STORE(uint16_t, addr, v);
		break;
	case 4:
		STORE(uint32_t, addr, v);
		break;
	default:
		STORE(uint64_t, addr, v);
	}
}

static void do_load(struct interp *m, const struct bpf_insn *i)
{
	unsigned size = insn_bytes(i);
	uint64_t addr = m->r[i->src_reg] + (uint64_t)(int64_t)i->off;
	uint64_t v = i->imm == INTERP_STRAY ? rt_load(addr, size) : load(addr, size);

	m->r[i->dst_reg] = BPF_MODE(i->code) == INSN_MEMSX ? sign_extend(v, 8 * (int)size) : v;
}

static void do_store(struct interp *m, const struct bpf_insn *i, uint64_t v)
{
	store(m->r[i->dst_reg] + (uint64_t)(int64_t)i->off, insn_bytes(i), v);
}

#define ATOMIC(type) \
	static uint64_t atomic_##type(int op, void *addr, uint64_t value, uint64_t expected) \
	{ \
		type *at = addr, v = (type)value, old = (type)expected; \
\
		switch (op & ~BPF_FETCH) { \
		case BPF_ADD: \
			return __atomic_fetch_add(at, v, __ATOMIC_SEQ_CST); \
		case BPF_OR: \
			return __atomic_fetch_or(at, v, __ATOMIC_SEQ_CST); \
		case BPF_AND: \
			return __atomic_fetch_and(at, v, __ATOMIC_SEQ_CST); \
		case BPF_XOR: \
			return __atomic_fetch_xor(at, v, __ATOMIC_SEQ_CST); \
		case BPF_XCHG & ~BPF_FETCH: \
			return __atomic_exchange_n(at, v, __ATOMIC_SEQ_CST); \
		default: \
			__atomic_compare_exchange_n(at, &old, v, false, __ATOMIC_SEQ_CST, \
						    __ATOMIC_SEQ_CST); \
			return old; \
		} \
	}
ATOMIC(uint32_t)
ATOMIC(uint64_t)

/* Load-acquire and store-release. */
static void do_ordered(struct interp *m, const struct bpf_insn *i)
{
	if (insn_is_load_acq(i)) {
		m->r[i->dst_reg] =
			load(m->r[i->src_reg] + (uint64_t)(int64_t)i->off, insn_bytes(i));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} else {
		__atomic_thread_fence(__ATOMIC_RELEASE);
		do_store(m, i, m->r[i->src_reg]);
	}
}

/* RFC 9669 5.3 */
static void do_atomic(struct interp *m, const struct bpf_insn *i)
{
	void *at = (void *)(uintptr_t)(m->r[i->dst_reg] + (uint64_t)(int64_t)i->off);
	uint64_t v = m->r[i->src_reg], old;

	if (BPF_SIZE(i->code) == BPF_DW)
		old = atomic_uint64_t(i->imm, at, v, m->r[0]);
	else
		old = atomic_uint32_t(i->imm, at, v, m->r[0]);
	if (insn_writes(i) >= 0)
		m->r[insn_writes(i)] = old;
}

/* -- calls ----------------------------------------------------------------------- */

typedef uint64_t (*helper_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* r1-r5 are unspecified after a call: a program that reads them must not seem to work. */
static void spoil(struct interp *m)
{
	for (unsigned i = 1; i <= 5; i++)
		m->r[i] = 0xdead0000dead0000 + i;
}

static const struct interp_helper *helper_of(const struct interp *m, uint32_t id)
{
	for (uint32_t n = 0; n < m->p->nhelpers; n++)
		if (m->p->helper[n].id == id)
			return &m->p->helper[n];
	return NULL;
}

static int do_callbacks(struct interp *m, const struct interp_helper *h);

static int do_helper(struct interp *m, uint32_t id)
{
	const struct interp_helper *h = helper_of(m, id);
	uint64_t *r = m->r;
	helper_fn fn;

	if (!h)
		return -EOPNOTSUPP;
	if (h->flags & (INTERP_LOOPS | INTERP_EACH))
		return do_callbacks(m, h);
	fn = (helper_fn)(uintptr_t)h->addr;
	if (h->flags & INTERP_COOKIE)
		r[0] = m->cookie;
	else if (h->flags & INTERP_FAILS)
		r[0] = (uint64_t)-EOPNOTSUPP;
	else if (h->flags & INTERP_WALKS)
		r[0] = fn(r[1], r[2], r[3], r[4], m->ret, m->hit);
	else
		r[0] = fn(r[1], r[2], r[3], r[4], r[5], 0);
	spoil(m);
	return 0;
}

static uint64_t ctx_word(uint64_t ctx)
{
	return load(ctx - 8, 8);
}

static uint64_t set_errno(const struct interp *m, uint64_t value)
{
	uint64_t thread;

	if (!m->p->errno_off)
		return (uint64_t)-EOPNOTSUPP;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	store(thread + (uint64_t)(int64_t)m->p->errno_off, 4, value);
	return 0;
}

/* 0 twice is an iterator that has nothing to give: so next need not know why. */
static uint64_t iter_num_new(uint64_t it, int32_t start, int32_t end)
{
	bool backwards = start > end, too_long = (int64_t)end - start > INSN_MAX_LOOPS;

	if (backwards || too_long) {
		store(it, 8, 0);
		return (uint64_t)(backwards ? -EINVAL : -E2BIG);
	}
	store(it, 4, (uint32_t)start - 1);
	store(it + 4, 4, (uint32_t)end);
	return 0;
}

/* bpf_iter_num_*: two words of 4 bytes, the number last given and the end. */
static uint64_t iter_num(uint32_t id, uint64_t it, int32_t start, int32_t end)
{
	int32_t next = (int32_t)((uint32_t)load(it, 4) + 1);

	if (id == KFUNC_ITER_NUM_NEW)
		return iter_num_new(it, start, end);
	if (id == KFUNC_ITER_NUM_NEXT && next < (int32_t)load(it + 4, 4)) {
		store(it, 4, (uint32_t)next);
		return it;
	}
	store(it, 8, 0);
	return 0;
}

static int do_kfunc(struct interp *m, uint32_t id)
{
	uint64_t *r = m->r;

	switch (id) {
	case KFUNC_SESSION_IS_RETURN:
		r[0] = ctx_word(r[1]) >> 63;
		break;
	case KFUNC_SESSION_COOKIE:
		r[0] = r[1] - 8 * (ctx_word(r[1]) >> 8 & 0xff);
		break;
	case KFUNC_SET_ERRNO:
		r[0] = set_errno(m, r[1]);
		break;
	case KFUNC_SET_RESULT:
		if (!m->p->set_result)
			return -EOPNOTSUPP;
		r[0] = ((helper_fn)(uintptr_t)m->p->set_result)(r[1], r[2], r[3], 0, 0, 0);
		break;
	case KFUNC_ITER_NUM_NEW:
	case KFUNC_ITER_NUM_NEXT:
	case KFUNC_ITER_NUM_DESTROY:
		r[0] = iter_num(id, r[1], (int32_t)r[2], (int32_t)r[3]);
		break;
	case KFUNC_RDONLY_CAST: /* a matter of types */
		r[0] = r[1];
		break;
	default:
		return -EOPNOTSUPP;
	}
	spoil(m);
	return 0;
}

static uint32_t sub_at(const struct interp_image *p, uint32_t insn)
{
	uint32_t lo = 0, hi = p->nsub;

	while (hi - lo > 1) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (p->sub[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static void copy_saved(uint64_t *to, const uint64_t *from)
{
	for (unsigned i = 0; i < 5; i++)
		to[i] = from[i];
}

/* The caller's stack ends where the callee's begins. */
static void enter(struct interp *m, uint32_t to, uint32_t ret)
{
	copy_saved(m->frame[m->depth].saved, &m->r[6]);
	m->frame[m->depth].p = m->p;
	m->frame[m->depth].ret = ret;
	m->frame[m->depth].sub = m->sub;
	m->frame[m->depth].budget = m->budget;
	m->depth++;
	m->r[INSN_FP] -= m->p->sub[m->sub].stack;
	m->at = to;
	m->sub = sub_at(m->p, to);
	m->budget = INSN_MAX_LOOPS;
}

static bool do_exit(struct interp *m)
{
	if (!m->depth)
		return true;
	m->depth--;
	copy_saved(&m->r[6], m->frame[m->depth].saved);
	m->p = m->frame[m->depth].p;
	m->sub = m->frame[m->depth].sub;
	m->budget = m->frame[m->depth].budget;
	m->at = m->frame[m->depth].ret;
	spoil(m);
	return false;
}

/* The image that the map in r2 names at index r3; NULL: none, or it cannot run here. */
static const struct interp_image *tail_image(const struct interp *m)
{
	const struct shm_map *map = (const struct shm_map *)(uintptr_t)m->r[2];
	const struct interp_image *p;
	uint32_t index = (uint32_t)m->r[3], number;

	if (map->type != BPF_MAP_TYPE_PROG_ARRAY || index >= map->max_entries || !m->p->tails)
		return NULL;
	number = (uint32_t)load(m->r[2] - map->self + map->values + 8 * (uint64_t)index, 4);
	if (number >= RT_TAILS)
		return NULL;
	p = (const struct interp_image *)(uintptr_t)load(m->p->tails + 8 * (uint64_t)number, 8);
	return p && m->r[INSN_FP] - p->own_depth >= m->lowest ? p : NULL;
}

/* In place of the running function: its frame, and its stack.  false: goes on behind the call. */
static bool tail_call(struct interp *m)
{
	const struct interp_image *p = tail_image(m);

	if (!p || m->tails >= INTERP_MAX_TAILS || m->depth + INTERP_MAX_CALLS > INTERP_FRAMES) {
		spoil(m);
		return false;
	}
	m->tails++;
	m->p = p;
	m->at = m->sub = 0;
	m->budget = INSN_MAX_LOOPS;
	return true;
}

static bool is_tail_call(const struct interp *m, const struct bpf_insn *i)
{
	const struct interp_helper *h =
		insn_is_tail_call(i) ? helper_of(m, (uint32_t)i->imm) : NULL;

	return h && h->flags & INTERP_TAIL;
}

/* -- the loop ----------------------------------------------------------------------- */

static uint64_t operand(const struct interp *m, const struct bpf_insn *i)
{
	return BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (uint64_t)(int64_t)i->imm;
}

static void do_alu(struct interp *m, const struct bpf_insn *i)
{
	uint64_t *dst = &m->r[i->dst_reg], src = operand(m, i);
	unsigned op = BPF_OP(i->code);

	if (op == BPF_END)
		*dst = swap(i, *dst);
	else if (BPF_CLASS(i->code) == BPF_ALU64)
		*dst = alu64(op, i->off, *dst, src);
	else
		*dst = alu32(op, i->off, (uint32_t)*dst, (uint32_t)src);
}

static bool do_compare(struct interp *m, const struct bpf_insn *i)
{
	uint64_t a = m->r[i->dst_reg], b = operand(m, i);
	unsigned op = BPF_OP(i->code);

	if (op == BPF_JA)
		return true;
	if (op == INSN_JCOND) {
		if (!m->budget)
			return true;
		m->budget--;
		return false;
	}
	if (BPF_CLASS(i->code) == BPF_JMP)
		return taken(op, a, b, (int64_t)a, (int64_t)b);
	return taken(op, (uint32_t)a, (uint32_t)b, (int32_t)a, (int32_t)b);
}

/* One instruction.  1: the program is over; 0: go on at m->at; or an error. */
static int step(struct interp *m, const struct bpf_insn *i)
{
	int err = 0;

	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		do_alu(m, i);
		break;
	case BPF_LD:
		m->r[i->dst_reg] = insn_imm64(i);
		m->at++;
		break;
	case BPF_LDX:
		do_load(m, i);
		break;
	case BPF_ST:
		do_store(m, i, (uint64_t)(int64_t)i->imm);
		break;
	case BPF_STX:
		if (insn_is_load_acq(i) || insn_is_store_rel(i))
			do_ordered(m, i);
		else if (insn_is_atomic(i))
			do_atomic(m, i);
		else
			do_store(m, i, m->r[i->src_reg]);
		break;
	default:
		if (insn_is_exit(i))
			return do_exit(m);
		if (insn_is_local_call(i)) {
			enter(m, (uint32_t)insn_target(i, m->at), m->at + 1);
			return 0;
		}
		if (is_tail_call(m, i)) {
			m->at += !tail_call(m);
			return 0;
		}
		if (insn_is_call(i) && i->src_reg == CALL_KFUNC)
			err = do_kfunc(m, (uint32_t)i->imm);
		else if (insn_is_call(i))
			err = do_helper(m, (uint32_t)i->imm);
		else if (do_compare(m, i))
			m->at = (uint32_t)(insn_target(i, m->at) - 1);
	}
	m->at += !err;
	return err;
}

static int watched(struct interp *m, const struct bpf_insn *i)
{
	int err = m->watch->before(m->watch, m, i);

	if (!err)
		err = step(m, i);
	if (err >= 0)
		m->watch->after(m->watch, m, i);
	return err;
}

static int one(struct interp *m)
{
	const struct bpf_insn *i = &m->p->insn[m->at];

	return m->watch ? watched(m, i) : step(m, i);
}

/* -- callbacks ------------------------------------------------------------------------ */

/* A helper that runs a function of the program, by way of loop_step() or each_step(). */
struct callback {
	struct interp *m;
	uint32_t to; /* the function */
	uint64_t arg;
	int err;
};

/* Until the function returns.  What went wrong ends the helper's loop. */
static uint64_t run_function(struct callback *c, uint64_t r1, uint64_t r2, uint64_t r3, uint64_t r4)
{
	struct interp *m = c->m;
	uint32_t depth = m->depth;

	enter(m, c->to, m->at);
	m->r[1] = r1;
	m->r[2] = r2;
	m->r[3] = r3;
	m->r[4] = r4;
	m->r[5] = 0;
	while (!c->err && m->depth > depth) {
		c->err = m->fuel ? one(m) : -ELOOP;
		m->fuel -= m->fuel != 0;
	}
	return c->err ? 1 : m->r[0];
}

static uint64_t loop_step(uint64_t i, uint64_t self)
{
	struct callback *c = (struct callback *)(uintptr_t)self;

	return run_function(c, i, c->arg, 0, 0);
}

static uint64_t each_step(uint64_t map, uint64_t key, uint64_t value, uint64_t self)
{
	struct callback *c = (struct callback *)(uintptr_t)self;

	return run_function(c, map, key, value, c->arg);
}

static int do_callbacks(struct interp *m, const struct interp_helper *h)
{
	uint64_t off = m->r[2] - (uint64_t)(uintptr_t)m->p->insn;
	struct callback c = { .m = m, .to = (uint32_t)(off / sizeof(*m->p->insn)), .arg = m->r[3] };
	uint64_t fn = h->flags & INTERP_LOOPS ? (uint64_t)(uintptr_t)loop_step :
						(uint64_t)(uintptr_t)each_step;

	if (off % sizeof(*m->p->insn) || off / sizeof(*m->p->insn) >= m->p->ninsns ||
	    m->p->sub[sub_at(m->p, c.to)].start != c.to)
		return -EFAULT;
	m->r[0] = ((helper_fn)(uintptr_t)h->addr)(m->r[1], fn, (uint64_t)(uintptr_t)&c, m->r[4], 0,
						  0);
	spoil(m);
	return c.err;
}

int interp_go(struct interp *m, uint64_t fuel)
{
	int err = 0;

	m->budget = INSN_MAX_LOOPS;
	m->tails = 0;
	m->lowest = m->r[INSN_FP] - m->p->stack_depth;
	m->fuel = fuel;
	while (!err && m->fuel) {
		m->fuel--;
		err = one(m);
	}
	return err > 0 ? 0 : err ? err : -ELOOP;
}

uint64_t interp_enter(uint64_t ctx, const struct interp_image *p, uint64_t fp, uint64_t cookie,
		      uint64_t ret, uint64_t hit)
{
	struct interp m;

	for (unsigned n = 0; n < INSN_FP; n++)
		m.r[n] = 0;
	m.p = p;
	m.watch = NULL;
	m.r[1] = ctx;
	m.r[INSN_FP] = fp;
	m.cookie = cookie;
	m.ret = ret;
	m.hit = hit;
	m.at = m.sub = m.depth = 0;
	m.frame = (struct interp_frame *)(uintptr_t)(fp - interp_room(p->stack_depth, p->nframes));
	interp_go(&m,
		  UINT64_MAX); /* the image has all that it calls: engine_body_new() saw to that */
	return m.r[0];
}
