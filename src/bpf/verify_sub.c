/*
 * bpf/verify_sub.c - see verify_priv.h: functions of the program, callbacks, what they return.
 *
 * A function is verified at each call with what it is given, but for global ones (verify_global.c).  A helper that runs a callback is
 * looked at again after each run of it, since what one run leaves is what the next one finds; every time
 * it may as well have been the last.  verify_prune.c ends that.
 */
#include "bpf/verify_priv.h"

static const char clean_up[] = "BPF_EXIT instruction in main prog";

static int enter(struct verify *v, uint32_t sub)
{
	struct vstate *s = v->cur;
	struct vframe *f;

	if (s->depth + 1 >= VERIFY_FRAMES)
		return vdeny(v,
			     "call fewer functions from each other, or make some __always_inline",
			     "the call stack of %u frames is too deep", s->depth + 2);
	f = vframe_push(v, s);
	if (!f)
		return -ENOMEM;
	f->sub = sub;
	f->call_at = s->at;
	f->nrefs = (uint8_t)s->nrefs;
	s->at = v->p->sub[sub].start;
	return 0;
}

int vsub_call(struct verify *v, const struct bpf_insn *in)
{
	uint32_t sub = program_sub_at(v->p, (uint32_t)insn_target(in, v->cur->at));
	const struct vframe *caller = vframe(v);
	int err;

	if (vglobal_is(v, sub))
		return vglobal_call(v, sub);
	err = enter(v, sub);
	for (unsigned r = 1; r <= 5 && !err; r++)
		*vreg(v, r) = caller->r[r];
	return err;
}

void vcall_clobber(struct verify *v)
{
	for (unsigned r = 0; r <= 5; r++)
		*vreg(v, r) = (struct vreg){ .kind = V_UNSET };
}

/* -- callbacks -------------------------------------------------------------------------------- */

static void callback_args(struct verify *v, const struct vframe *caller, uint32_t helper)
{
	const struct map *m;

	if (helper == BPF_FUNC_loop) {
		*vreg(v, 1) = vreg_number();
		*vreg(v, 2) = caller->r[3];
		return;
	}
	m = v->p->map[caller->r[1].index];
	*vreg(v, 1) = caller->r[1];
	*vreg(v, 2) = vreg_pointer(V_MEM, m->attr.key_size);
	vreg(v, 2)->flags = VF_RDONLY;
	*vreg(v, 3) = vreg_pointer(V_VALUE, caller->r[1].index);
	*vreg(v, 4) = caller->r[3];
}

/* The arguments are right: it may be over now, or the function runs (once more). */
int vsub_callback(struct verify *v, uint32_t helper)
{
	struct vframe *caller = vframe(v), *done;
	struct vstate *over = vstate_branch(v, v->cur->at + 1);
	int err;

	if (!over)
		return -ENOMEM;
	done = over->f[over->depth];
	done->loop = 0;
	for (unsigned r = 0; r <= 5; r++)
		done->r[r] = (struct vreg){ .kind = V_UNSET };
	done->r[0] = vreg_number();
	err = enter(v, caller->r[2].index);
	if (err)
		return err;
	vframe(v)->callback = true;
	callback_args(v, caller, helper);
	return 0;
}

/* -- returning ---------------------------------------------------------------------------------- */

static int wrong_result(struct verify *v, const char *when, const char *change, const char *span)
{
	const struct vreg *r = vreg(v, 0);

	if (r->kind != V_SCALAR)
		return vdeny(v, change, "At %s the register R0 is not a known value (%s)", when,
			     vreg_kind_name(r));
	if (range_is_unknown(&r->r))
		return vdeny(
			v, change,
			"At %s the register R0 has unknown scalar value should have been in %s",
			when, span);
	return vdeny(v, change,
		     "At %s the register R0 has smin=%lld smax=%lld should have been in %s", when,
		     (long long)r->r.smin, (long long)r->r.smax, span);
}

/* Of a session the kernel asks it at both ends, since 7.0 (check_return_code() in its verifier.c). */
static bool must_return_0(const struct program *p)
{
	return p->kind == PROGRAM_FENTRY || p->kind == PROGRAM_FEXIT || p->kind == PROGRAM_FSESSION;
}

static int program_ends(struct verify *v)
{
	const struct vreg *r = vreg(v, 0);
	int err = vref_none(v, 0, clean_up);

	if (!err)
		err = vreg_read(v, 0);
	if (err)
		return err;
	if (must_return_0(v->p) && (r->kind != V_SCALAR || r->r.umax != 0))
		return wrong_result(v, "program exit",
				    "return 0: what fentry, fexit and fsession programs return is "
				    "nobody's affair; results are replaced by fmod_ret programs",
				    "[0, 0]");
	return VERIFY_END;
}

static int callback_ends(struct verify *v)
{
	const struct vreg *r = vreg(v, 0);
	uint32_t call = vframe(v)->call_at;
	int err = vref_none(v, vframe(v)->nrefs, "BPF_EXIT instruction in callback");

	if (!err)
		err = vreg_read(v, 0);
	if (err)
		return err;
	if (r->kind != V_SCALAR || r->r.umax > 1)
		return wrong_result(v, "callback return",
				    "return 0 to go on, 1 to make it the last", "[0, 1]");
	if (!vframe_pop(v, v->cur))
		return -ENOMEM;
	v->cur->at = call;
	return 0;
}

int vsub_exit(struct verify *v)
{
	struct vreg r0 = *vreg(v, 0);
	uint32_t call = vframe(v)->call_at;

	if (!v->cur->depth)
		return vframe(v)->sub ? vglobal_exit(v) : program_ends(v);
	if (vframe(v)->callback)
		return callback_ends(v);
	if (r0.kind == V_STACK && r0.frame == v->cur->depth)
		return vdeny(
			v,
			"the stack of a function is gone when it returns: have the caller give "
			"it the memory",
			"cannot return stack pointer to the caller");
	if (!vframe_pop(v, v->cur))
		return -ENOMEM;
	vcall_clobber(v);
	*vreg(v, 0) = r0;
	v->cur->at = call + 1;
	return 0;
}
