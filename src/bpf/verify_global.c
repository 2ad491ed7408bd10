/*
 * bpf/verify_global.c - see verify_priv.h: functions that are verified by themselves.
 *
 * A function that BTF says to be global is taken at its word: whoever calls it must give what its
 * prototype asks for, knows of its result that it is a number, and goes on.  It is verified afterwards, once,
 * with any arguments that its prototype allows, if there is a way to a call of it: what constants of .rodata
 * switch off is not looked at, as everywhere.  So verifying takes as long as functions do, not ways to them.
 *
 * The rules are the kernel's (do_check_subprogs(), btf_prepare_func_args(), btf_check_func_arg_match(), since
 * 6.8), and so are the words, with three differences: a function may return nothing; NULL is none of "arg:nonnull",
 * which the kernel's (6.18) takes; and what it takes as pointers to its own structs ("arg:trusted", "arg:untrusted")
 * are words of the target's, since there are no others here.
 *
 * Whose address is taken is followed as a callback, whatever BTF says of it.
 */
#include "bpf/verify_priv.h"

#include <stdlib.h>
#include <string.h>

#define CALL \
	"write what it asks for, or make it static: then it is verified at each call with what it is given"

const struct verify_func *vfunc(const struct verify *v, uint32_t sub)
{
	return v->p->func && v->p->func[sub].name[0] ? &v->p->func[sub] : NULL;
}

bool vglobal_is(const struct verify *v, uint32_t sub)
{
	return sub && v->p->func && v->p->func[sub].global;
}

int verify_take_functions(const struct verify_prog *in, struct program *p)
{
	struct verify_func *func = in->function ? calloc(p->nsub, sizeof(*func)) : NULL;

	if (in->function && !func)
		return -ENOMEM;
	for (uint32_t s = 0; func && s < p->nsub; s++)
		if (!in->function(in->arg, p->sub[s].start, &func[s]))
			func[s] = (struct verify_func){ .global = false };
	free(p->func);
	p->func = func;
	return 0;
}

/* What a call reads, and of which of that more counts than that it is a number. */
void vglobal_args(const struct verify_func *f, uint16_t *read, uint16_t *count)
{
	for (unsigned i = 0; i < f->nparams; i++) {
		*read |= (uint16_t)(1u << (i + 1));
		if (f->param[i].kind != PARAM_NUMBER)
			*count |= (uint16_t)(1u << (i + 1));
	}
}

/* -- calls ---------------------------------------------------------------------------------------- */

static int give_number(struct verify *v, unsigned r)
{
	return vreg(v, r)->kind == V_SCALAR ? 0 : vdeny(v, CALL, "R%u is not a scalar", r);
}

static int give_ctx(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);

	if (p->kind != V_CTX)
		return vdeny(v, CALL, "arg#%u expects pointer to ctx", r - 1);
	if (p->off || !range_is_const(&p->r) || p->r.umin)
		return vdeny(v, "give it ctx itself",
			     "dereference of modified ctx ptr R%u off=%d disallowed", r, p->off);
	return 0;
}

static int give_null(struct verify *v, unsigned r, const struct verify_param *want)
{
	if (!want->nonnull)
		return 0;
	return vdeny(v, "compare it with NULL before the call", "arg#%u is expected to be non-NULL",
		     r - 1);
}

/* What it points to may be changed to anything: also its bytes on a stack. */
static int give_memory(struct verify *v, unsigned r, const struct verify_param *want)
{
	struct vreg given = *vreg(v, r);
	bool null = given.kind == V_SCALAR && vreg_is_const(&given) && !given.r.umin;
	int err;

	if (null)
		return give_null(v, r, want);
	if (given.flags & VF_NULL) {
		err = give_null(v, r, want);
		if (err)
			return err;
		vreg(v, r)->flags &= (uint8_t)~VF_NULL;
	}
	if (given.kind == V_CTX)
		return vdeny(
			v,
			"tell that it is the context: void *ctx "
			"__attribute__((btf_decl_tag(\"arg:ctx\"))), or make the function static",
			"R%u type=ctx expected=fp, map_key, map_value, mem, ringbuf_mem", r);
	if (given.kind == V_BTF || (given.kind == V_SCALAR && given.flags & VF_TARGET))
		return vdeny(
			v,
			"the target's memory is no memory of the program: make the function static, "
			"or tell that of its parameter: __attribute__((btf_decl_tag(\"arg:untrusted\")))",
			"R%u type=%s expected=fp, map_key, map_value, mem, ringbuf_mem", r,
			vreg_kind_name(&given));
	err = vmem_region(v, r, want->size, want->size, false);
	if (!err)
		err = vmem_region(v, r, want->size, want->size, true);
	if (!err)
		*vreg(v, r) = given;
	return err;
}

static int give_target(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);

	if (p->kind == V_SCALAR || p->kind == V_BTF)
		return 0;
	return vdeny(v,
		     "it is for pointers of the target's: pass those of the program without a tag",
		     "R%u type=%s expected=untrusted_ptr_", r, vreg_kind_name(p));
}

static int give(struct verify *v, unsigned r, const struct verify_param *want)
{
	switch ((enum verify_param_kind)want->kind) {
	case PARAM_NUMBER:
		return give_number(v, r);
	case PARAM_MEMORY:
		return give_memory(v, r, want);
	case PARAM_CTX:
		return give_ctx(v, r);
	case PARAM_TARGET:
		return give_target(v, r);
	}
	return 0;
}

/* The instruction's own line ends, and what the call changes stands behind this one. */
static void log_assumed(struct verify *v, uint32_t sub)
{
	size_t begin;

	if (!vlog_on(v))
		return;
	vlog(v, "\n");
	begin = v->log->n;
	vlog(v, "Func#%u ('%s') is global and assumed valid.", sub, vfunc(v, sub)->name);
	v->column = v->log->n - begin + 1;
}

int vglobal_call(struct verify *v, uint32_t sub)
{
	const struct verify_func *f = &v->p->func[sub];
	int err = 0;

	v->passing = sub;
	if (f->why[0])
		err = vdeny(v, f->change, "%s", f->why);
	for (unsigned i = 0; i < f->nparams && !err; i++)
		err = give(v, i + 1, &f->param[i]);
	v->passing = 0;
	if (err)
		return err;
	log_assumed(v, sub);
	v->sub[sub] |= SUB_CALLED;
	vcall_clobber(v);
	if (!f->is_void)
		*vreg(v, 0) = vreg_number();
	v->cur->at++;
	return 0;
}

/* -- by themselves -------------------------------------------------------------------------------- */

static struct vreg taken(struct verify *v, const struct verify_param *p)
{
	struct vreg r;

	switch ((enum verify_param_kind)p->kind) {
	case PARAM_MEMORY:
		r = vreg_pointer(V_MEM, p->size);
		if (!p->nonnull) {
			r.flags = VF_NULL;
			r.id = ++v->ids;
		}
		return r;
	case PARAM_CTX:
		return vreg_pointer(V_CTX, 0);
	case PARAM_TARGET:
		return vreg_target_word(8, false);
	case PARAM_NUMBER:
		break;
	}
	return vreg_number();
}

static int begin(struct verify *v, uint32_t sub)
{
	const struct verify_func *f = &v->p->func[sub];

	v->cur = vstate_new(v);
	if (!v->cur)
		return -ENOMEM;
	vframe(v)->sub = sub;
	v->cur->at = v->p->sub[sub].start;
	for (unsigned i = 0; i < f->nparams; i++)
		*vreg(v, i + 1) = taken(v, &f->param[i]);
	v->since_insns = v->since_jumps = 0;
	v->logged_from = UINT32_MAX;
	v->shown = (struct verify_source){ .text = NULL };
	if (vlog_on(v)) {
		vlog(v, "Validating %s() func#%u...\n", f->name, sub);
		vlog_state(v);
	}
	return 1;
}

/* In the kernel's order: rounds over all, as long as one of them calls another one. */
int vglobal_begin(struct verify *v)
{
	for (uint32_t k = 1; k <= v->p->nsub; k++) {
		uint32_t s = (v->global + k) % v->p->nsub;

		if (vglobal_is(v, s) && (v->sub[s] & (SUB_CALLED | SUB_DONE)) == SUB_CALLED) {
			v->global = s;
			return begin(v, s);
		}
	}
	v->global = 0;
	return 0;
}

void vglobal_end(struct verify *v)
{
	v->sub[v->global] |= SUB_DONE;
	if (vlog_on(v))
		vlog(v, "Func#%u ('%s') is safe for any args that match its prototype\n", v->global,
		     vfunc(v, v->global)->name);
}

int vglobal_exit(struct verify *v)
{
	int err = vref_none(v, 0, "BPF_EXIT instruction in main prog");

	if (err || v->p->func[vframe(v)->sub].is_void)
		return err ? err : VERIFY_END;
	err = vreg_read(v, 0);
	if (err)
		return err;
	if (vreg(v, 0)->kind != V_SCALAR)
		return vdeny(v,
			     "return a number: a pointer is given back by a static function, or "
			     "through memory",
			     "At subprogram exit the register R0 is not a scalar value (%s)",
			     vreg_kind_name(vreg(v, 0)));
	return VERIFY_END;
}
