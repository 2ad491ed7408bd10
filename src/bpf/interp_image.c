/*
 * bpf/interp_image.c - see interp.h: a program as the interpreter reads it.
 *
 * Header, functions, helpers, instructions, in this order, each at a multiple of 8.
 *
 * Context  [ctl]
 */
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/interp.h"

#include <assert.h>
#include <string.h>

static_assert(INTERP_MAX_CALLS == PROGRAM_MAX_CALLS, "the machine has a frame for each call");

static bool calls(const struct program *p, uint32_t id)
{
	return p->facts.helpers[id / 64] & 1ull << id % 64;
}

static uint32_t count_helpers(const struct program *p)
{
	uint32_t n = 0;

	for (uint32_t id = 0; id < HELPER_MAX; id++)
		n += calls(p, id);
	return n;
}

size_t interp_image_size(const struct program *p)
{
	return sizeof(struct interp_image) + p->nsub * sizeof(struct interp_sub) +
	       count_helpers(p) * sizeof(struct interp_helper) + p->ninsns * sizeof(*p->insn);
}

/* Of other programs as many as tail calls may leave: tail_call() in interp.c looks at nothing else. */
uint32_t interp_frames(const struct program *p)
{
	return p->tails ? INTERP_FRAMES : p->nsub > 1 ? INTERP_MAX_CALLS : 0;
}

/* What the JIT puts in line, too: jit.c. */
static uint32_t helper_flags(const struct program *p, uint32_t id)
{
	const struct helper *h = helper_by_id(id);

	if (p->kind != PROGRAM_PLAIN && id == BPF_FUNC_get_attach_cookie)
		return INTERP_COOKIE;
	if (p->kind == PROGRAM_FENTRY && id == BPF_FUNC_get_func_ret)
		return INTERP_FAILS;
	if (id == BPF_FUNC_tail_call && p->tails)
		return INTERP_TAIL;
	if (id == BPF_FUNC_loop)
		return INTERP_LOOPS;
	if (id == BPF_FUNC_for_each_map_elem)
		return INTERP_EACH;
	return h && h->flags & HELPER_WALKS ? INTERP_WALKS : 0;
}

/* Those that are not there are left out: a call of one ends the program. */
static uint32_t write_helpers(const struct program *p, const struct engine_env *env,
			      struct interp_helper *to)
{
	uint32_t n = 0;

	for (uint32_t id = 0; id < HELPER_MAX; id++) {
		uint32_t flags = helper_flags(p, id);

		if (calls(p, id) &&
		    (env->helper[id] || flags & (INTERP_COOKIE | INTERP_FAILS | INTERP_TAIL)))
			to[n++] = (struct interp_helper){ env->helper[id], id, flags };
	}
	return n;
}

static void set_imm64(struct bpf_insn *i, uint64_t v)
{
	i[0].src_reg = LDDW_IMM;
	i[0].imm = (int32_t)v;
	i[1].imm = (int32_t)(v >> 32);
}

static void write_insns(const struct program *p, const struct engine_env *env, uint64_t at,
			struct bpf_insn *to)
{
	memcpy(to, p->insn, p->ninsns * sizeof(*to));
	for (uint32_t n = 0; n < p->ninsns; n++) {
		const struct bpf_insn *i = &p->insn[n];

		if (env->interp && program_load_strays(p, n))
			to[n].imm = INTERP_STRAY;
		const struct map *m;

		if (!insn_is_lddw(i))
			continue;
		m = i->src_reg == LDDW_MAP || i->src_reg == LDDW_VALUE ? p->map[i->imm] : NULL;
		if (m && i->src_reg == LDDW_MAP)
			set_imm64(&to[n], env->arena + m->ref);
		else if (m)
			set_imm64(&to[n], env->arena + m->shm->values + (uint32_t)i[1].imm);
		else if (insn_is_func(i))
			set_imm64(&to[n], at + (uint64_t)insn_target(i, n) * sizeof(*to));
		n++;
	}
}

static void *pointer(uint64_t addr)
{
	return (void *)(uintptr_t)addr;
}

void interp_image_write(const struct program *p, const struct engine_env *env, uint64_t at,
			void *out)
{
	uint64_t sub = sizeof(struct interp_image);
	uint64_t helper = sub + p->nsub * sizeof(struct interp_sub);
	uint64_t insn = helper + count_helpers(p) * sizeof(struct interp_helper);
	struct interp_sub *subs = (void *)((char *)out + sub);

	for (uint32_t s = 0; s < p->nsub; s++)
		subs[s] = (struct interp_sub){ p->sub[s].start, p->sub[s].stack };
	*(struct interp_image *)out = (struct interp_image){
		.sub = pointer(at + sub),
		.helper = pointer(at + helper),
		.insn = pointer(at + insn),
		.nsub = p->nsub,
		.nhelpers = write_helpers(p, env, (void *)((char *)out + helper)),
		.ninsns = p->ninsns,
		.errno_off = env->errno_off,
		.set_result = env->set_result,
		.tails = env->tails,
		.own_depth = p->own_depth,
		.stack_depth = p->stack_depth,
		.nframes = interp_frames(p),
	};
	write_insns(p, env, at + insn, (void *)((char *)out + insn));
}
