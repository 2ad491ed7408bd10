/*
 * tramp/seed.c - the kernel's trampoline: its frame, its order, its instructions.
 *
 * What "bpf, x86: allow function arguments up to 12 for TRACING" (Linux 6.6) made of
 * __arch_prepare_bpf_trampoline() in arch/x86/net/bpf_jit_comp.c, as 6.12 has it:
 *
 *   rbp + 24   stack arguments        entered by call; by jmp (Linux 6.19) rbp + 16
 *   rbp + 16   return address of the caller           by call only
 *   rbp + 8    return address into the function, by jmp that of the caller
 *   rbp + 0    caller's rbp
 *   rbp - 8    return value           fexit or fmod_ret programs
 *   ctx        argument slots, in declaration order
 *   ctx - 8    number of slots
 *   ctx - 16   function's address     if some program asks for it
 *   cookies    8 bytes each           of fsession programs that ask for one (Linux 7.0)
 *   rbx        caller's rbx           stored by mov: nothing may be pushed before the call
 *   run_ctx    struct tramp_run_ctx, 16 bytes
 *   out        outgoing stack arguments, rsp   if the original is called and has some
 *
 * Slots are raw copies, and arguments go back to their registers from there; stack arguments
 * are copied a second time from the caller's frame.  Registers other than those, rbx and rax
 * are not kept, nor is any result but rax.  Where that kernel is wrong, this is not:
 *   - where values travel and how many bytes of stack they take comes from the model (psABI
 *     3.2.3), not from sizes: packed, over-aligned, MEMORY-class values, __int128
 *   - rsp is 16-byte aligned for programs also if no argument is passed on the stack
 *   - the upper half of a lone 4-byte stack argument is cleared where it is shown, not where
 *     it is passed on
 *   - results that rax does not hold are refused (the kernel does since 7.3)
 *
 * Unwinding: rbx has no fixed slot here, so the frame state does not name it: throw nothing
 * through this layout.
 */
#include "tramp/seed.h"

#include "tramp/parts.h"
#include "x86/frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ARG_REGS 6

static const uint8_t arg_reg[ARG_REGS] = { RDI, RSI, RDX, RCX, R8, R9 };

/* -- plan ---------------------------------------------------------------- */

static int check_programs(const struct tramp_spec *s, struct diag *d)
{
	for (unsigned k = 0; k < TRAMP_KINDS; k++) {
		for (unsigned i = 0; i < s->list[k].n; i++) {
			const struct body_facts *f = &s->list[k].prog[i].body->facts;

			if (f->may_override || f->sets_result)
				return diag_set(d, -ENOTSUP,
						"%s: the kernel's layout has no room for it: use "
						"ours",
						f->may_override ? "bpf_override_return" :
								  "utramp_set_result");
			if (f->uses_scratch || f->room)
				return diag_set(
					d, -ENOTSUP,
					"a program with a guard of its own: in the kernel's "
					"layout the enter function is the guard");
			if (f->clobbers & ~X86_CALLER_SAVED)
				return diag_set(d, -EINVAL,
						"a program changes callee-saved registers, which "
						"the kernel's layout does not keep");
		}
	}
	return 0;
}

/* rax is all that is kept of a result. */
static bool in_rax(const struct fm_value *r)
{
	return !(r->flags & FM_HIDDEN) && !r->place.wide &&
	       (!r->place.nregs ||
		(r->place.nregs == 1 && r->place.file[0] == ABI_GPR && r->place.num[0] == 0));
}

static int check_model(const struct tramp_plan *p, struct diag *d)
{
	const struct func_model *m = p->spec->model;

	if (m->call.sret)
		return diag_set(d, -ENOTSUP,
				"the result is stored in the caller's memory: the kernel's layout "
				"loses the pointer to it");
	if (!m->k_known && !m->raw)
		return diag_set(d, -ENOTSUP,
				"variadic: the kernel's layout loses al, the number of vector "
				"registers");
	if (p->call_orig && !in_rax(&m->ret))
		return diag_set(d, -ENOTSUP,
				"the kernel's layout keeps rax only of a result: attach fentry "
				"programs");
	for (unsigned i = 0; i < m->nargs; i++) {
		if (m->arg[i].npieces || m->arg[i].flags & FM_GONE)
			return diag_set(
				d, -ENOTSUP,
				"argument %u is in pieces or gone, which the kernel's layout does "
				"not know",
				i);
		if (m->arg[i].place.wide && m->arg[i].place.nregs)
			return diag_set(d, -ENOTSUP,
					"argument %u is a vector, which the kernel's layout does "
					"not know",
					i);
	}
	if (p->call_orig && m->call.stack_align > 16)
		return diag_set(d, -ENOTSUP,
				"stack arguments aligned to %u: the kernel's layout aligns to 16",
				m->call.stack_align);
	return 0;
}

static unsigned used_registers(const struct func_model *m)
{
	unsigned used = 0;

	for (unsigned i = 0; i < m->nargs; i++) {
		for (unsigned j = 0; j < m->arg[i].place.nregs; j++)
			used += m->arg[i].place.file[j] == ABI_GPR;
	}
	return used;
}

/*
 * Compilers store 4 bytes of a lone small stack argument and leave the rest of its slot as
 * it is (clean_stack_garbage); with more of them they push.
 */
static int32_t lone_slot(const struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		if (m->call.stack_bytes == 8 && !v->place.nregs && v->nslots == 1 && v->size <= 4)
			return p->ctx + 8 * v->slot;
	}
	return 0;
}

static int32_t take(uint64_t *down, uint64_t bytes)
{
	*down += bytes;
	return -(int32_t)*down;
}

static int lay_out(struct tramp_plan *p, struct diag *d)
{
	const struct func_model *m = p->spec->model;
	uint64_t stack = ALIGN_UP((uint64_t)m->call.stack_bytes, 8), down = 0;

	if (stack > TRAMP_MAX_FRAME)
		return diag_set(d, -E2BIG,
				"%u bytes of stack arguments need a frame of more than %u",
				m->call.stack_bytes, TRAMP_MAX_FRAME);
	p->seed.save_ret = p->call_orig;
	if (p->seed.save_ret)
		p->seed.ret = take(&down, 8);
	p->ctx = take(&down, 8u * m->nslots);
	take(&down, 8);
	if (p->fill_ip)
		take(&down, 8);
	p->cookie = -(int32_t)down - 8;
	take(&down, 8u * p->cookies);
	p->seed.rbx = take(&down, 8);
	p->seed.run_ctx = take(&down, sizeof(struct tramp_run_ctx));
	if (p->call_orig && stack) {
		p->out_bytes = (uint32_t)stack;
		down += stack;
		down += (down + (uint32_t)p->args) % 16;
		p->out = -(int32_t)down;
	}
	p->frame = p->down = (uint32_t)down;
	p->seed.align = (down + (uint32_t)p->args) % 16;
	p->seed.used = used_registers(m);
	p->seed.stack1 = lone_slot(p);
	return 0;
}

int seed_plan(struct tramp_plan *p, struct diag *d)
{
	const struct tramp_shim *s = p->spec->shim;
	int err;

	if (!s || !s->enter || !s->exit || (p->call_orig && (!s->image_enter || !s->image_exit)))
		return diag_set(d, -EINVAL, "the kernel's layout without enter and exit functions");
	err = check_programs(p->spec, d);
	if (!err)
		err = check_model(p, d);
	return err ? err : lay_out(p, d);
}

void seed_flags(const struct tramp_plan *p, char *out, size_t cap)
{
	bool by_call = p->spec->entry == TRAMP_BY_CALL;

	snprintf(out, cap, "%s%s%s", p->call_orig ? "CALL_ORIG" : "RESTORE_REGS",
		 p->call_orig && by_call ? " SKIP_FRAME" : "", p->fill_ip ? " IP_ARG" : "");
}

/* -- code ---------------------------------------------------------------- */

static void emit_prologue(struct x86_asm *a, const struct tramp_plan *p)
{
	x86_frame(a, FRAME_CFA(0));
	x86_push(a, RBP);
	x86_frame(a, FRAME_CFA_RBP(1));
	x86_mov_rr(a, RBP, RSP);
	x86_frame(a, FRAME_RBP);
	x86_alu_ri(a, X86_SUB, X86_Q, RSP, (int32_t)p->frame);
	if (p->seed.align)
		x86_alu_ri(a, X86_AND, X86_Q, RSP, -16);
	x86_store(a, X86_Q, at(p->seed.rbx), RBX);
	x86_mov_ri(a, RAX, p->spec->model->nslots);
	x86_store(a, X86_Q, at(p->ctx - 8), RAX);
	if (p->fill_ip) {
		x86_mov_ri(a, RAX, p->spec->func);
		x86_store(a, X86_Q, at(p->ctx - 16), RAX);
	}
}

/* The slots of one value: raw eightbytes, those that travel nowhere 0. */
static void save_value(struct x86_asm *a, const struct tramp_plan *p, const struct fm_value *v)
{
	bool address = v->flags & FM_BY_ADDR && !v->place.by_ref;

	for (unsigned j = 0; j < v->nslots; j++) {
		struct x86_mem src = at(p->args + (int32_t)v->place.stack + 8 * (int32_t)j);
		struct x86_mem dst = slot(p, v->slot + j);

		if (!v->place.nregs) {
			address ? x86_lea(a, RAX, src) : x86_load(a, X86_Q, RAX, src);
			x86_store(a, X86_Q, dst, RAX);
		} else if (j >= v->place.nregs) {
			x86_store_i(a, X86_Q, dst, 0);
		} else if (v->place.file[j] == ABI_STACK) {
			x86_load(a, X86_Q, RAX, at(p->args + (int32_t)v->place.stack));
			x86_store(a, X86_Q, dst, RAX);
		} else if (v->place.file[j] == ABI_GPR) {
			x86_store(a, X86_Q, dst, (enum x86_gpr)arg_reg[v->place.num[j]]);
		} else {
			x86_movq_store(a, dst, (enum x86_xmm)v->place.num[j]);
		}
	}
}

static void save_args(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++)
		save_value(a, p, &m->arg[i]);
	if (p->seed.stack1)
		x86_store_i(a, X86_D, at(p->seed.stack1 + 4), 0);
}

/* Vector registers are as they were: no program touches them. */
static void restore_regs(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct func_model *m = p->spec->model;

	for (unsigned i = 0; i < m->nargs; i++) {
		const struct fm_value *v = &m->arg[i];

		for (unsigned j = 0; j < v->place.nregs && j < v->nslots; j++) {
			if (v->place.file[j] == ABI_GPR)
				x86_load(a, X86_Q, (enum x86_gpr)arg_reg[v->place.num[j]],
					 slot(p, v->slot + j));
		}
	}
}

static void copy_stack_args(struct x86_asm *a, const struct tramp_plan *p)
{
	for (int32_t off = 0; off < (int32_t)p->out_bytes; off += 8) {
		x86_load(a, X86_Q, RAX, at(p->args + off));
		x86_store(a, X86_Q, at(p->out + off), RAX);
	}
}

/* ctx[-1], as it is stored: through rax. */
static void store_word(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
		       unsigned cookie)
{
	x86_mov_ri(a, RAX, parts_word(p, kind, cookie));
	x86_store(a, X86_Q, at(p->ctx - 8), RAX);
}

static bool has_session(const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;

	for (unsigned i = 0; i < s->list[TRAMP_FENTRY].n; i++) {
		if (s->list[TRAMP_FENTRY].prog[i].session)
			return true;
	}
	return false;
}

/* Sessions may look at the result before there is one, and at cookies nobody has written. */
static void zero_session(struct x86_asm *a, const struct tramp_plan *p)
{
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_store(a, X86_Q, at(p->seed.ret), RAX);
	for (unsigned i = 0; i < p->cookies; i++)
		x86_store(a, X86_Q, at(p->cookie - 8 * (int32_t)i), RAX);
}

static void call_image(struct x86_asm *a, const struct tramp_plan *p, uint64_t fn)
{
	x86_mov_ri(a, RDI, p->spec->shim->image);
	x86_call_to(a, fn, RAX);
}

/* save: the result goes to the return slot, unless enter says to skip the program. */
static void invoke(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
		   const struct tramp_prog *prog, struct tramp_env *env,
		   const struct tramp_env *all)
{
	const struct tramp_shim *s = p->spec->shim;
	unsigned cookie = tramp_plan_cookie(p, prog);

	if (cookie)
		store_word(a, p, kind, cookie);
	*env = (struct tramp_env){ .ctx = p->ctx,
				   .ret = p->args - 8,
				   .cookie = prog->cookie,
				   .arg = prog->arg,
				   .kind = kind,
				   .entry = parts_entry(a, p, kind, prog, all),
				   .skip = x86_label_new(a) };
	x86_mov_ri(a, RDI, prog->cookie);
	x86_store(a, X86_Q, at(p->seed.run_ctx), RDI);
	x86_mov_ri(a, RDI, prog->prog);
	x86_lea(a, RSI, at(p->seed.run_ctx));
	x86_call_to(a, s->enter, RAX);
	x86_mov_rr(a, RBX, RAX);
	x86_test_rr(a, X86_Q, RAX, RAX);
	x86_jcc(a, X86_E, env->skip);
	prog->body->emit(a, env, prog->body->self);
	x86_frame(a, FRAME_RBP);
	if (kind == TRAMP_FMOD_RET)
		x86_store(a, X86_Q, at(p->seed.ret), RAX);
	x86_bind(a, env->skip);
	x86_mov_ri(a, RDI, prog->prog);
	x86_mov_rr(a, RSI, RBX);
	x86_lea(a, RDX, at(p->seed.run_ctx));
	x86_call_to(a, s->exit, RAX);
}

static struct tramp_env *invoke_list(struct x86_asm *a, const struct tramp_plan *p, unsigned kind,
				     struct tramp_env *env, const struct tramp_env *all)
{
	const struct tramp_spec *s = p->spec;

	for (unsigned i = 0; i < s->list[kind].n; i++)
		invoke(a, p, kind, &s->list[kind].prog[i], env++, all);
	return env;
}

static struct tramp_env *invoke_fmod_ret(struct x86_asm *a, const struct tramp_plan *p,
					 struct tramp_env *env, const struct tramp_env *all,
					 x86_label do_fexit)
{
	const struct tramp_spec *s = p->spec;

	if (!s->list[TRAMP_FMOD_RET].n)
		return env;
	x86_alu_rr(a, X86_XOR, X86_D, RAX, RAX);
	x86_store(a, X86_Q, at(p->seed.ret), RAX);
	for (unsigned i = 0; i < s->list[TRAMP_FMOD_RET].n; i++) {
		invoke(a, p, TRAMP_FMOD_RET, &s->list[TRAMP_FMOD_RET].prog[i], env++, all);
		x86_alu_mi(a, X86_CMP, X86_Q, at(p->seed.ret), 0);
		x86_jcc(a, X86_NE, do_fexit);
	}
	return env;
}

static void call_original(struct x86_asm *a, const struct tramp_plan *p, struct tramp_marks *marks)
{
	restore_regs(a, p);
	copy_stack_args(a, p);
	x86_call_pc(a, p->spec->original);
	x86_store(a, X86_Q, at(p->seed.ret), RAX);
	if (marks)
		marks->exit_nop = a->len;
	x86_nop5(a);
}

static void emit_epilogue(struct x86_asm *a, const struct tramp_plan *p)
{
	const struct tramp_spec *s = p->spec;
	bool by_call = s->entry == TRAMP_BY_CALL;
	taddr_t on = s->leave_resume ? s->leave_resume : s->original;

	if (p->seed.save_ret)
		x86_load(a, X86_Q, RAX, at(p->seed.ret));
	x86_load(a, X86_Q, RBX, at(p->seed.rbx));
	x86_leave(a);
	x86_frame(a, FRAME_CFA(0));
	if (p->call_orig && by_call)
		x86_alu_ri(a, X86_ADD, X86_Q, RSP, 8); /* past the return into the function */
	if (!p->call_orig && !by_call)
		x86_jmp_pc(a, on);
	else if (p->call_orig && s->leave_ret)
		x86_jmp_pc(a, s->leave_ret);
	else
		x86_ret(a);
}

void seed_emit(const struct tramp_plan *p, struct x86_asm *a, struct tramp_env *env,
	       struct tramp_marks *marks)
{
	x86_label do_fexit = x86_label_new(a);
	const struct tramp_env *all = env;
	bool session = has_session(p);

	emit_prologue(a, p);
	save_args(a, p);
	if (p->call_orig)
		call_image(a, p, p->spec->shim->image_enter);
	if (session)
		zero_session(a, p);
	env = invoke_list(a, p, TRAMP_FENTRY, env, all);
	env = invoke_fmod_ret(a, p, env, all, do_fexit);
	if (p->call_orig)
		call_original(a, p, marks);
	if (p->spec->list[TRAMP_FMOD_RET].n) {
		x86_nop_to(a, 16);
		x86_bind(a, do_fexit);
	}
	if (session)
		store_word(a, p, TRAMP_FEXIT, 0);
	invoke_list(a, p, TRAMP_FEXIT, env, all);
	if (marks && p->call_orig)
		marks->exit_skip = a->len;
	if (p->call_orig)
		call_image(a, p, p->spec->shim->image_exit);
	else
		restore_regs(a, p);
	emit_epilogue(a, p);
}
