/*
 * bpf/jit_helper.c - see jit.h: helpers, called or in line.
 *
 * In line is what takes a few instructions: words of the context and of the thread's block,
 * elements of arrays that are known here.  Arguments are in rdi, rsi, rdx, rcx, r8; the result goes to
 * rax.  jit_helper_clobbers() knows what else is changed.
 *
 * The thread's block is there only where the guard made sure of it.
 *
 * Context  [ctl]
 */
#include "bpf/jit.h"
#include "rt/rt.h"
#include "shm/layout.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#define CPU_SELECTOR 0x7b /* as rt/info.c has it */

#define BLOCK_AT(base, field) X86_MEM((base), (int32_t)offsetof(struct rt_thread, field))

/* Constants of the attachment, loads from ctx. */
static bool inline_ctx(struct jit *j, uint32_t id)
{
	if (j->p->kind == PROGRAM_PLAIN)
		return false;
	switch (id) {
	case BPF_FUNC_get_attach_cookie:
		if (j->tailed)
			x86_load(j->a, X86_Q, RAX, JIT_HIT(cookie));
		else
			x86_mov_ri(j->a, RAX, j->cookie);
		return true;
	case BPF_FUNC_get_func_ret:
		if (j->p->kind != PROGRAM_FENTRY)
			return false;
		x86_mov_ri(j->a, RAX, (uint64_t)-EOPNOTSUPP);
		return true;
	case BPF_FUNC_get_func_arg_cnt: /* the low byte: DESIGN section 4 */
		x86_load(j->a, X86_B, RAX, X86_MEM(RDI, -8));
		return true;
	case BPF_FUNC_get_func_ip:
		x86_load(j->a, X86_Q, RAX, X86_MEM(RDI, -16));
		return true;
	default:
		return false;
	}
}

/*
 * rt_ktime_get_ns(), without a frame of its own: its time is that of the clock.  It takes 52 bytes; a
 * program that is too long for its call site has one such copy for each function that it is attached to.
 */
static bool inline_ktime(struct jit *j)
{
	struct x86_asm *a = j->a;
	x86_label done = x86_label_new(a);

	if (!j->in_line || !j->env->clock_gettime || !j->env->helper[BPF_FUNC_ktime_get_ns])
		return false;
	x86_alu_ri(a, X86_SUB, X86_Q, RSP, 16);
	x86_mov_ri(a, RDI, CLOCK_MONOTONIC);
	x86_mov_rr(a, RSI, RSP);
	x86_call_to(a, j->env->clock_gettime, RAX);
	x86_pop(a, RDX);
	x86_pop(a, RCX);
	x86_imul_rri(a, X86_Q, RDX, RDX, 1000000000);
	x86_alu_rr(a, X86_ADD, X86_Q, RDX, RCX);
	x86_test_rr(a, X86_D, RAX, RAX);
	x86_mov_rr(a, RAX, RDX);
	x86_jcc(a, X86_E, done);
	x86_call_to(a, j->env->helper[BPF_FUNC_ktime_get_ns], R11);
	x86_bind(a, done);
	return true;
}

/* rt_get_smp_processor_id(). */
static bool inline_cpu(struct jit *j)
{
	struct x86_asm *a = j->a;
	x86_label done;

	if (!j->env->rseq_cpu)
		return false;
	done = x86_label_new(a);
	x86_load_fs32(a, RAX, j->env->rseq_cpu);
	x86_test_rr(a, X86_D, RAX, RAX);
	x86_jcc(a, X86_NS, done);
	x86_mov_ri(a, R11, CPU_SELECTOR);
	x86_lsl(a, RAX, R11);
	x86_alu_ri(a, X86_AND, X86_D, RAX, 0xfff);
	x86_bind(a, done);
	return true;
}

/* What the thread and the processor tell. */
static bool inline_thread(struct jit *j, uint32_t id)
{
	struct x86_asm *a = j->a;

	switch (id) {
	case BPF_FUNC_get_current_pid_tgid:
		if (!j->env->guard_slow)
			return false;
		x86_load_fs(a, RAX, j->env->tls_off);
		x86_load(a, X86_Q, RAX, BLOCK_AT(RAX, tid));
		return true;
	case BPF_FUNC_ktime_get_ns:
		return inline_ktime(j);
	case BPF_FUNC_get_smp_processor_id:
		return inline_cpu(j);
	default:
		return false;
	}
}

/*
 * bpf_map_lookup_elem of an array that is known here, as rt/map_array.c has it: rsi is the
 * key's address, rax becomes the value's or 0.  A per-CPU one needs the thread's slot, and
 * only the guard makes sure that the thread has a block.
 */
static bool array_is_known(const struct map *m, const struct engine_env *env)
{
	bool percpu = m && m->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY;

	return m && (m->attr.type == BPF_MAP_TYPE_ARRAY || (percpu && env->guard_slow)) &&
	       m->attr.value_size && m->attr.value_size <= INT32_MAX / 2 &&
	       m->attr.max_entries <= INT32_MAX;
}

static bool array_lookup(struct jit *j)
{
	const struct map *m = j->r1_map < 0 ? NULL : j->p->map[j->r1_map];
	struct x86_asm *a = j->a;
	x86_label none, done;
	uint32_t stride;

	if (!array_is_known(m, j->env))
		return false;
	stride = ALIGN_UP(m->attr.value_size, 8u);
	none = x86_label_new(a);
	done = x86_label_new(a);
	x86_load(a, X86_D, RAX, X86_MEM(RSI, 0));
	x86_alu_ri(a, X86_CMP, X86_D, RAX, (int32_t)m->attr.max_entries);
	x86_jcc(a, X86_NC, none);
	if (m->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY) {
		x86_load_fs(a, R11, j->env->tls_off);
		x86_load(a, X86_D, R11, BLOCK_AT(R11, slot));
		if (m->attr.max_entries > 1)
			x86_imul_rri(a, X86_Q, R11, R11, (int32_t)m->attr.max_entries);
		x86_alu_rr(a, X86_ADD, X86_Q, RAX, R11);
	}
	if (stride & (stride - 1))
		x86_imul_rri(a, X86_Q, RAX, RAX, (int32_t)stride);
	else
		x86_shift_ri(a, X86_SHL, X86_Q, RAX, (uint8_t)__builtin_ctz(stride));
	x86_mov_ri(a, R11, j->env->arena + m->shm->values);
	x86_alu_rr(a, X86_ADD, X86_Q, RAX, R11);
	x86_jmp(a, done);
	x86_bind(a, none);
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_bind(a, done);
	return true;
}

/* What a helper does with a hash map, without asking for its type; 0: not known here. */
static uint64_t hash_call(const struct jit *j, uint32_t id)
{
	const struct map *m = j->r1_map < 0 ? NULL : j->p->map[j->r1_map];

	if (!m || m->attr.type != BPF_MAP_TYPE_HASH)
		return 0;
	if (id == BPF_FUNC_map_lookup_elem)
		return j->env->hash_lookup;
	if (m->attr.flags & BPF_F_RDONLY_PROG)
		return 0;
	return id == BPF_FUNC_map_update_elem ? j->env->hash_update :
	       id == BPF_FUNC_map_delete_elem ? j->env->hash_delete :
						0;
}

/*
 * A fifth and a sixth argument: the addresses of the hit's return address and rbp.  Both lie at
 * fixed distances from ctx, which is rdi: nothing is stored for it at the hit.
 */
static void add_frame(struct jit *j)
{
	if (j->tailed) {
		jit_tailed_frame(j);
		return;
	}
	if (!j->tramp) {
		x86_alu_rr(j->a, X86_XOR, X86_D, R8, R8);
		x86_alu_rr(j->a, X86_XOR, X86_D, R9, R9);
		return;
	}
	x86_lea(j->a, R8, X86_MEM(RDI, j->tramp->ret - j->tramp->ctx));
	x86_lea(j->a, R9, X86_MEM(RDI, -j->tramp->ctx));
}

void jit_helper(struct jit *j, uint32_t id)
{
	const struct helper *h = helper_by_id(id);
	uint64_t hash = hash_call(j, id);

	if (id == BPF_FUNC_map_lookup_elem && array_lookup(j))
		return;
	if (hash) {
		x86_call_to(j->a, hash, R11);
		return;
	}
	if (inline_ctx(j, id) || inline_thread(j, id))
		return;
	if (!j->env->helper[id]) {
		x86_fail(j->a, -ENOTSUP);
		return;
	}
	if (h && h->flags & HELPER_WALKS)
		add_frame(j);
	x86_call_to(j->a, j->env->helper[id], R11);
}

x86_regset jit_helper_clobbers(const struct program *p, const struct engine_env *env, uint32_t id,
			       const struct map *map)
{
	switch (id) {
	case BPF_FUNC_map_lookup_elem:
		return array_is_known(map, env) ? X86_REG(RAX) | X86_REG(R11) : X86_CALLER_SAVED;
	case BPF_FUNC_get_attach_cookie:
	case BPF_FUNC_get_func_arg_cnt:
	case BPF_FUNC_get_func_ip:
		return p->kind != PROGRAM_PLAIN ? X86_REG(RAX) : X86_CALLER_SAVED;
	case BPF_FUNC_get_func_ret:
		return p->kind == PROGRAM_FENTRY ? X86_REG(RAX) : X86_CALLER_SAVED;
	case BPF_FUNC_get_current_pid_tgid:
		return env->guard_slow ? X86_REG(RAX) : X86_CALLER_SAVED;
	case BPF_FUNC_get_smp_processor_id:
		return env->rseq_cpu ? X86_REG(RAX) | X86_REG(R11) : X86_CALLER_SAVED;
	default:
		return X86_CALLER_SAVED;
	}
}
