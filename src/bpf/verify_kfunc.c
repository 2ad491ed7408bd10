/*
 * bpf/verify_kfunc.c - see verify_priv.h: calls of kfuncs.
 *
 * An iterator is 8 aligned bytes of the stack, which nobody else writes while it is one; it must be
 * destroyed on all paths.
 */
#include "bpf/kfunc.h"
#include "bpf/verify_priv.h"

#include <string.h>

static int leave(struct verify *v, struct vreg r0)
{
	vcall_clobber(v);
	*vreg(v, 0) = r0;
	v->cur->at++;
	return 0;
}

static int want_ctx(struct verify *v)
{
	const struct vreg *p = vreg(v, 1);

	if (p->kind == V_CTX && !p->off && range_is_const(&p->r) && !p->r.umin)
		return 0;
	return vdeny(v, "give it ctx itself", "arg#0 R1 type=%s expected=ctx", vreg_kind_name(p));
}

static int want_number(struct verify *v, unsigned r)
{
	if (vreg(v, r)->kind == V_SCALAR)
		return 0;
	return vdeny(v, "it takes a number", "arg#%u R%u is not a scalar", r - 1, r);
}

/* -- bpf_iter_num_* ---------------------------------------------------------------------------- */

static struct vslot *iter_at(struct verify *v, bool open, int *err)
{
	const struct vreg *p = vreg(v, 1);
	struct vslot *s = p->kind == V_STACK ? vstack_slot(v, p, 0) : NULL;

	*err = 0;
	if (s && (s->byte[0] == S_ITER) == open)
		return s;
	if (!s)
		*err = vdeny(v, "declare struct bpf_iter_num as a variable of the function",
			     "arg#0 R1 type=%s: expected pointer to an iterator on stack",
			     vreg_kind_name(vreg(v, 1)));
	else
		*err = vdeny(v, "call bpf_iter_num_new() once, then _next(), at the end _destroy()",
			     open ? "expected an initialized iter_num as arg #0" :
				    "expected uninitialized iter_num as arg #0");
	return NULL;
}

static int iter_new(struct verify *v)
{
	struct vslot *s;
	uint32_t id;
	int err = want_number(v, 2);

	if (!err)
		err = want_number(v, 3);
	if (!err)
		err = vref_take(v, &id);
	if (err)
		return err;
	s = iter_at(v, false, &err);
	if (!s)
		return err;
	memset(s, 0, sizeof(*s));
	memset(s->byte, S_ITER, sizeof(s->byte));
	s->spill.ref = id;
	return leave(v, vreg_scalar(range_signed(-4095, 0)));
}

/* Another number; or it has ended, which is for the way that waits. */
static int iter_next(struct verify *v)
{
	struct vreg number = vreg_pointer(V_MEM, 4), it = *vreg(v, 1);
	struct vstate *over, *now = v->cur;
	struct vslot *s;
	int err;

	s = iter_at(v, true, &err);
	if (!s)
		return err;
	number.flags = VF_RDONLY;
	if (s->spill.index)
		return leave(v, vreg_scalar(range_const(0)));
	leave(v, number);
	over = vstate_branch(v, now->at);
	if (!over)
		return -ENOMEM;
	v->cur = over;
	vstack_slot(v, &it, 0)->spill.index = 1;
	*vreg(v, 0) = vreg_scalar(range_const(0));
	v->cur = now;
	return 0;
}

static int iter_destroy(struct verify *v)
{
	struct vslot *s;
	int err;

	s = iter_at(v, true, &err);
	if (!s)
		return err;
	if (vref_give(v, s->spill.ref))
		return vdeny(v, "it was destroyed already",
			     "reference has not been acquired before");
	memset(s, 0, sizeof(*s));
	return leave(v, (struct vreg){ .kind = V_UNSET });
}

/* -- others ------------------------------------------------------------------------------------- */

static int set_result(struct verify *v)
{
	const struct vreg *n = vreg(v, 3);
	int err = want_ctx(v);

	if (!err)
		err = want_number(v, 3);
	if (err)
		return err;
	if (n->r.umax >= VERIFY_MAX_OFF)
		return vdeny(
			v, "use sizeof() of what it points to",
			"R3 unbounded memory access, use 'var &= const' or 'if (var < const)'");
	err = n->r.umax ? vmem_region(v, 2, 0, (uint32_t)n->r.umax, false) : 0;
	return err ? err : leave(v, vreg_scalar(range_load(4, true)));
}

static int rdonly_cast(struct verify *v)
{
	struct vreg word = vreg_number();

	if (!vreg_is_const(vreg(v, 2)))
		return vdeny(v, "use bpf_core_type_id_kernel(), or 0",
			     "R2 must be a known constant");
	word.flags = VF_TARGET;
	return leave(v, word);
}

int vcall_kfunc(struct verify *v, const struct bpf_insn *in)
{
	const struct kfunc *k = kfunc_by_id((uint32_t)in->imm);
	int err = 0;

	for (unsigned r = 1; k && r <= k->nargs && !err; r++)
		err = vreg_read(v, r);
	if (err)
		return err;
	switch ((enum kfunc_id)in->imm) {
	case KFUNC_SESSION_IS_RETURN:
		err = want_ctx(v);
		return err ? err : leave(v, vreg_scalar(range_unsigned(0, 1)));
	case KFUNC_SESSION_COOKIE:
		err = want_ctx(v);
		return err ? err : leave(v, vreg_pointer(V_MEM, 8));
	case KFUNC_SET_ERRNO:
		err = want_number(v, 1);
		return err ? err : leave(v, vreg_scalar(range_load(4, true)));
	case KFUNC_SET_RESULT:
		return set_result(v);
	case KFUNC_ITER_NUM_NEW:
		return iter_new(v);
	case KFUNC_ITER_NUM_NEXT:
		return iter_next(v);
	case KFUNC_ITER_NUM_DESTROY:
		return iter_destroy(v);
	case KFUNC_RDONLY_CAST:
		return rdonly_cast(v);
	default:
		return vdeny(v, "docs/helpers.md tells which there are",
			     "calling kernel function #%d is not allowed", in->imm);
	}
}
