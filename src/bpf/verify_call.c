/*
 * bpf/verify_call.c - see verify_priv.h: calls of helpers.
 *
 * Who may call which was checked by check_insns().  Arguments and results are those of the table in
 * proto.h; what is filled is filled when the arguments are looked at, so a helper that fills and reads
 * the same memory would need more care.
 */
#include "bpf/helper.h"
#include "bpf/proto.h"
#include "bpf/verify_priv.h"

/* The largest size that was given, for RET_LENGTH. */
static uint64_t size_given(const struct verify *v, const struct helper_proto *proto)
{
	uint64_t most = 0;

	for (unsigned r = 1; r <= PROTO_ARGS; r++)
		if (proto->arg[r - 1] == ARG_SIZE)
			most = vreg(v, r)->r.umax;
	return most;
}

/*
 * A size that is not known is one of a program of gen/, which puts at most as much into the record as
 * it asked for, piece by piece: no range of one register tells that, so the largest size counts.
 */
static int new_record(struct verify *v, uint32_t size, struct vreg *out)
{
	int err;

	*out = vreg_pointer(V_MEM, size);
	out->flags = VF_NULL;
	err = vref_take(v, &out->ref);
	out->id = out->ref;
	return err;
}

static uint32_t record_size(const struct range *r)
{
	return r->umax < VERIFY_MAX_OFF ? (uint32_t)r->umax : (uint32_t)r->umin;
}

static int result(struct verify *v, const struct helper_proto *proto, struct vreg *out)
{
	*out = vreg_number();
	switch ((enum proto_ret)proto->ret) {
	case RET_NUMBER:
		return 0;
	case RET_NONE:
		out->kind = V_UNSET;
		return 0;
	case RET_LENGTH:
		out->r = range_signed(-4095, (int64_t)size_given(v, proto));
		return 0;
	case RET_VALUE:
		*out = vreg_pointer(V_VALUE, vreg(v, 1)->index);
		out->flags = VF_NULL;
		out->id = ++v->ids;
		return 0;
	case RET_RECORD:
		return new_record(v, record_size(&vreg(v, 2)->r), out);
	}
	return 0;
}

static int known(struct verify *v, uint32_t id)
{
	if (v->p->kind == PROGRAM_PLAIN && !helper_by_id(id))
		return vdeny(v, "it is for tests of the engine", "unknown func #%u", id);
	return vdeny(v, "there is no row of it in bpf/proto.c", "bpf_%s has no prototype",
		     helper_name(id));
}

static int give_back(struct verify *v, const struct helper_proto *proto)
{
	for (unsigned r = 1; r <= PROTO_ARGS; r++)
		if (proto->arg[r - 1] == ARG_RECORD && vref_give(v, vreg(v, r)->ref))
			return vdeny(v, "it was given back already",
				     "R%u reference has not been acquired before", r);
	return 0;
}

bool vcall_is_callback(const struct bpf_insn *in)
{
	return insn_is_call(in) && in->src_reg == CALL_HELPER &&
	       (in->imm == BPF_FUNC_loop || in->imm == BPF_FUNC_for_each_map_elem);
}

/*
 * A tail call that is made ends the function that makes it: its caller goes on, with the other program's
 * result for its own.  
 */
static int tail_call(struct verify *v)
{
	struct vstate *goes_on = v->cur, *s;
	int err = vref_none(v, 0, "tail_call");
	bool popped;

	if (err || !goes_on->depth)
		return err;
	s = vstate_branch(v, vframe(v)->call_at + 1);
	if (!s)
		return -ENOMEM;
	v->cur = s;
	popped = vframe_pop(v, s);
	if (popped) {
		vcall_clobber(v);
		*vreg(v, 0) = vreg_number();
	}
	v->cur = goes_on;
	return popped ? vstate_full(v) : -ENOMEM;
}

int vcall_helper(struct verify *v, const struct bpf_insn *in)
{
	uint32_t id = (uint32_t)in->imm;
	const struct helper_proto *proto = proto_by_id(id);
	struct vreg r0;
	int err = proto ? 0 : known(v, id);

	for (unsigned r = 1; r <= PROTO_ARGS && !err; r++)
		err = varg_check(v, proto, r);
	if (!err && id == BPF_FUNC_tail_call)
		err = tail_call(v);
	if (err)
		return err;
	if (vcall_is_callback(in))
		return vsub_callback(v, id);
	err = result(v, proto, &r0);
	if (!err)
		err = give_back(v, proto);
	if (err)
		return err;
	vcall_clobber(v);
	*vreg(v, 0) = r0;
	v->cur->at++;
	return 0;
}
