/*
 * bpf/interp.c - see engine.h: the reference, written to be read.
 *
 * Every rule of arithmetic stands once, in alu64(), alu32() and taken(); the JIT is
 * tested against them.
 *
 * Spec     RFC 9669 sections 4 and 5
 */
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/kfunc.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#define STACK_BYTES (PROGRAM_MAX_CALLS * PROGRAM_MAX_STACK)

struct machine {
	const struct program *p;
	const struct engine_env *env;
	const struct interp_opts *o;
	struct diag *d;
	uint64_t r[INSN_FP + 1];
	uint64_t ctx, ctx_len; /* first argument; bytes behind it that plain programs may use */
	uint32_t at;           /* instruction that runs */
	uint32_t sub;
	unsigned depth;
	struct {
		uint32_t ret, sub;
		uint64_t saved[5]; /* r6-r10 */
	} frame[PROGRAM_MAX_CALLS];
	uint8_t stack[STACK_BYTES] __attribute__((aligned(16)));
};

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

static bool inside(uint64_t addr, uint64_t size, uint64_t lo, uint64_t len)
{
	return addr >= lo && size <= len && addr - lo <= len - size;
}

static bool map_holds(const struct machine *m, const struct map *map, uint64_t addr, uint64_t size,
		      bool store)
{
	const struct shm_map *shm = map->shm;
	const struct shm_hash *h;

	if (store && (shm->frozen || shm->map_flags & BPF_F_RDONLY_PROG))
		return false;
	if (shm->values && inside(addr, size, m->env->arena + shm->values, shm->values_size))
		return true;
	h = shm->hash ? shm_ptr(map->arena, shm->hash, sizeof(*h)) : NULL;
	return h && inside(addr, size, m->env->arena + h->elems, h->elem_stride * shm->max_entries);
}

static void see_slot(struct body_facts *seen, int64_t slot)
{
	if (slot == -1)
		seen->reads_count = true;
	else if (slot == -2)
		seen->reads_ip = true;
	else if (slot < 0 || slot >= BODY_MAX_SLOTS)
		seen->reads_any = true;
	else
		seen->reads[slot / 64] |= 1ull << slot % 64;
}

static bool ctx_holds(const struct machine *m, uint64_t addr, uint64_t size, bool store)
{
	uint64_t count;

	if (m->p->kind == PROGRAM_PLAIN)
		return inside(addr, size, m->ctx, m->ctx_len);
	if (store)
		return false;
	memcpy(&count, (const uint64_t *)(uintptr_t)m->ctx - 1, sizeof(count));
	return inside(addr, size, m->ctx - 16, 16 + 8 * ((count & 0xff) + 2));
}

static uint64_t ctx_word(uint64_t ctx)
{
	uint64_t word;

	memcpy(&word, (const uint64_t *)(uintptr_t)ctx - 1, sizeof(word));
	return word;
}

/* Where the session cookie of a program with this ctx is; ctx itself: it has none. */
static uint64_t session_cookie(uint64_t ctx)
{
	return ctx - 8 * (ctx_word(ctx) >> 8 & 0xff);
}

static bool cookie_holds(const struct machine *m, uint64_t addr, uint64_t size)
{
	return m->p->facts.session_cookie && session_cookie(m->ctx) != m->ctx &&
	       inside(addr, size, session_cookie(m->ctx), 8);
}

static bool may_access(const struct machine *m, uint64_t addr, uint64_t size, bool store)
{
	uint64_t top = (uint64_t)(uintptr_t)(m->stack + STACK_BYTES);
	uint64_t low = m->r[INSN_FP] - m->p->sub[m->sub].stack;

	if (inside(addr, size, low, top - low))
		return true;
	if (ctx_holds(m, addr, size, store)) {
		if (m->o->seen && !store && m->p->kind != PROGRAM_PLAIN) {
			see_slot(m->o->seen, (int64_t)(addr - m->ctx) >> 3);
			see_slot(m->o->seen, (int64_t)(addr + size - 1 - m->ctx) >> 3);
		}
		return true;
	}
	if (cookie_holds(m, addr, size))
		return true;
	for (uint32_t i = 0; i < m->p->nmaps; i++)
		if (map_holds(m, m->p->map[i], addr, size, store))
			return true;
	for (unsigned i = 0; i < m->o->nranges; i++)
		if (inside(addr, size, m->o->range[i].lo, m->o->range[i].hi - m->o->range[i].lo) &&
		    (!store || m->o->range[i].writable))
			return true;
	return false;
}

static int access(const struct machine *m, uint64_t addr, unsigned size, bool store, bool aligned)
{
	if (!m->o->checked)
		return 0;
	if (aligned && addr % size)
		return diag_set(m->d, -EFAULT, "insn %u: atomic operation at unaligned 0x%llx",
				m->at, (unsigned long long)addr);
	if (!may_access(m, addr, size, store))
		return diag_set(m->d, -EFAULT, "insn %u: %s of %u bytes at 0x%llx", m->at,
				store ? "store" : "load", size, (unsigned long long)addr);
	return 0;
}

static int do_load(struct machine *m, const struct bpf_insn *i)
{
	uint64_t addr = m->r[i->src_reg] + (uint64_t)(int64_t)i->off, v = 0;
	unsigned size = insn_bytes(i);
	int err = access(m, addr, size, false, false);

	if (err)
		return err;
	memcpy(&v, (const void *)(uintptr_t)addr, size);
	m->r[i->dst_reg] = BPF_MODE(i->code) == INSN_MEMSX ? sign_extend(v, 8 * (int)size) : v;
	return 0;
}

static int do_store(struct machine *m, const struct bpf_insn *i, uint64_t v)
{
	uint64_t addr = m->r[i->dst_reg] + (uint64_t)(int64_t)i->off;
	int err = access(m, addr, insn_bytes(i), true, false);

	if (!err)
		memcpy((void *)(uintptr_t)addr, &v, insn_bytes(i));
	return err;
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

/* RFC 9669 5.3 */
static int do_atomic(struct machine *m, const struct bpf_insn *i)
{
	uint64_t addr = m->r[i->dst_reg] + (uint64_t)(int64_t)i->off;
	void *at = (void *)(uintptr_t)addr;
	uint64_t v = m->r[i->src_reg], old;
	int err = access(m, addr, insn_bytes(i), true, true);

	if (err)
		return err;
	if (BPF_SIZE(i->code) == BPF_DW)
		old = atomic_uint64_t(i->imm, at, v, m->r[0]);
	else
		old = atomic_uint32_t(i->imm, at, v, m->r[0]);
	if (insn_writes(i) >= 0)
		m->r[insn_writes(i)] = old;
	return 0;
}

/* -- calls ----------------------------------------------------------------------- */

typedef uint64_t (*helper_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

/* What the JIT puts in line, too: engine.h. */
static bool inlined(const struct machine *m, uint32_t id, uint64_t *r0)
{
	if (m->p->kind == PROGRAM_PLAIN)
		return false;
	if (id == BPF_FUNC_get_attach_cookie)
		*r0 = m->o->cookie;
	else if (id == BPF_FUNC_get_func_ret && m->p->kind == PROGRAM_FENTRY)
		*r0 = (uint64_t)-EOPNOTSUPP;
	else
		return false;
	return true;
}

/* r1-r5 are unspecified after a call: a program that reads them must not seem to work. */
static void spoil(struct machine *m)
{
	for (unsigned i = 1; i <= 5; i++)
		m->r[i] = 0xdead0000dead0000 + i;
}

static int do_helper(struct machine *m, uint32_t id)
{
	uint64_t *r = m->r;

	if (!inlined(m, id, &r[0])) {
		helper_fn fn = (helper_fn)(uintptr_t)m->env->helper[id];
		const struct helper *h = helper_by_id(id);

		if (!fn)
			return diag_set(m->d, -ENOTSUP, "insn %u: no helper bpf_%s here", m->at,
					helper_name(id));
		if (h && h->flags & HELPER_WALKS)
			r[0] = fn(r[1], r[2], r[3], r[4], (uint64_t)(uintptr_t)m->o->ret,
				  (uint64_t)(uintptr_t)m->o->frame);
		else
			r[0] = fn(r[1], r[2], r[3], r[4], r[5], 0);
	}
	spoil(m);
	return 0;
}

static uint64_t set_errno(const struct machine *m, int value)
{
	char *thread;

	if (!m->env->errno_off)
		return (uint64_t)-EOPNOTSUPP;
	__asm__("movq %%fs:0, %0" : "=r"(thread));
	memcpy(thread + m->env->errno_off, &value, sizeof(value));
	return 0;
}

static int do_kfunc(struct machine *m, uint32_t id)
{
	const struct kfunc *k = kfunc_by_id(id);
	uint64_t ctx = m->r[1];
	int err = k && k->flags & KFUNC_TAKES_CTX ? access(m, ctx - 8, 8, false, false) : 0;

	if (err)
		return err;
	switch (id) {
	case KFUNC_SESSION_IS_RETURN:
		m->r[0] = ctx_word(ctx) >> 63;
		break;
	case KFUNC_SESSION_COOKIE:
		m->r[0] = session_cookie(ctx);
		break;
	case KFUNC_SET_ERRNO:
		m->r[0] = set_errno(m, (int)ctx);
		break;
	case KFUNC_SET_RESULT:
		if (!m->env->set_result)
			return diag_set(m->d, -ENOTSUP, "insn %u: no %s here", m->at, k->name);
		err = access(m, m->r[2], (uint32_t)m->r[3], false, false);
		if (err)
			return err;
		m->r[0] =
			((helper_fn)(uintptr_t)m->env->set_result)(ctx, m->r[2], m->r[3], 0, 0, 0);
		break;
	default:
		return diag_set(m->d, -ENOTSUP, "insn %u: no kfunc #%u here", m->at, id);
	}
	spoil(m);
	return 0;
}

/* The caller's stack ends where the callee's begins. */
static void do_call(struct machine *m, const struct bpf_insn *i)
{
	memcpy(m->frame[m->depth].saved, &m->r[6], sizeof(m->frame[0].saved));
	m->frame[m->depth].ret = m->at + 1;
	m->frame[m->depth].sub = m->sub;
	m->depth++;
	m->r[INSN_FP] -= m->p->sub[m->sub].stack;
	m->at = (uint32_t)insn_target(i, m->at);
	m->sub = program_sub_at(m->p, m->at);
}

static bool do_exit(struct machine *m)
{
	if (!m->depth)
		return true;
	m->depth--;
	memcpy(&m->r[6], m->frame[m->depth].saved, sizeof(m->frame[0].saved));
	m->sub = m->frame[m->depth].sub;
	m->at = m->frame[m->depth].ret;
	spoil(m);
	return false;
}

/* -- the loop ----------------------------------------------------------------------- */

static void do_lddw(struct machine *m, const struct bpf_insn *i)
{
	uint64_t *dst = &m->r[i->dst_reg];

	if (i->src_reg == LDDW_MAP)
		*dst = m->env->arena + m->p->map[i->imm]->ref;
	else if (i->src_reg == LDDW_VALUE)
		*dst = m->env->arena + m->p->map[i->imm]->shm->values + (uint32_t)i[1].imm;
	else
		*dst = insn_imm64(i);
}

static uint64_t operand(const struct machine *m, const struct bpf_insn *i)
{
	return BPF_SRC(i->code) == BPF_X ? m->r[i->src_reg] : (uint64_t)(int64_t)i->imm;
}

static void do_alu(struct machine *m, const struct bpf_insn *i)
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

static bool do_compare(const struct machine *m, const struct bpf_insn *i)
{
	uint64_t a = m->r[i->dst_reg], b = operand(m, i);
	unsigned op = BPF_OP(i->code);

	if (op == BPF_JA)
		return true;
	if (BPF_CLASS(i->code) == BPF_JMP)
		return taken(op, a, b, (int64_t)a, (int64_t)b);
	return taken(op, (uint32_t)a, (uint32_t)b, (int32_t)a, (int32_t)b);
}

/* One instruction.  1: the program is over; 0: go on at m->at; or an error. */
static int step(struct machine *m)
{
	const struct bpf_insn *i = &m->p->insn[m->at];
	int err = 0;

	switch (BPF_CLASS(i->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		do_alu(m, i);
		break;
	case BPF_LD:
		do_lddw(m, i);
		m->at++;
		break;
	case BPF_LDX:
		err = do_load(m, i);
		break;
	case BPF_ST:
		err = do_store(m, i, (uint64_t)(int64_t)i->imm);
		break;
	case BPF_STX:
		err = insn_is_atomic(i) ? do_atomic(m, i) : do_store(m, i, m->r[i->src_reg]);
		break;
	default:
		if (insn_is_exit(i))
			return do_exit(m);
		if (insn_is_local_call(i)) {
			do_call(m, i);
			return 0;
		}
		if (insn_is_call(i) && i->src_reg == CALL_KFUNC)
			err = do_kfunc(m, (uint32_t)i->imm);
		else if (insn_is_call(i))
			err = do_helper(m, (uint32_t)i->imm);
		else if (do_compare(m, i))
			m->at = (uint32_t)(insn_target(i, m->at) - 1);
	}
	m->at++;
	return err;
}

int interp_run(const struct program *p, const struct engine_env *env, uint64_t r1, uint64_t r2,
	       const struct interp_opts *opts, uint64_t *r0, struct diag *d)
{
	static const struct interp_opts none;
	struct machine m;
	uint64_t fuel;
	int err = 0;

	memset(&m, 0, offsetof(struct machine, stack));
	m.p = p;
	m.env = env;
	m.o = opts ? opts : &none;
	m.d = d;
	m.ctx = m.r[1] = r1;
	m.ctx_len = m.r[2] = r2;
	m.r[INSN_FP] = (uint64_t)(uintptr_t)(m.stack + STACK_BYTES);
	memset(m.stack + STACK_BYTES - p->stack_depth, 0, p->stack_depth);

	fuel = m.o->fuel ? m.o->fuel : UINT64_MAX;
	while (!err && fuel--)
		err = step(&m);
	if (err < 0)
		return err;
	if (!err)
		return diag_set(d, -ELOOP, "insn %u: out of fuel", m.at);
	*r0 = m.r[0];
	return 0;
}
