/*
 * bpf/verify_arg.c - see verify_priv.h: one argument of a helper, by the table of prototypes.
 */
#include "bpf/helper.h"
#include "bpf/proto.h"
#include "bpf/verify_priv.h"

#include <string.h>

static const char helper_text[] = "see docs/helpers.md for what the helper asks of its arguments";

static int want(struct verify *v, unsigned r, const char *expected)
{
	return vdeny(v, helper_text, "R%u type=%s expected=%s", r, vreg_kind_name(vreg(v, r)),
		     expected);
}

static int want_ctx(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);

	if (p->kind != V_CTX)
		return want(v, r, "ctx");
	if (p->off || !range_is_const(&p->r) || p->r.umin)
		return vdeny(v, "give it ctx itself",
			     "dereference of modified ctx ptr R%u off=%d disallowed", r, p->off);
	return 0;
}

static int want_map(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);
	uint32_t helper = (uint32_t)v->p->insn[v->cur->at].imm;
	const struct map *m;

	if (p->kind != V_MAP)
		return want(v, r, "map_ptr");
	m = v->p->map[p->index];
	if (!proto_map_fits(helper, m->attr.type))
		return vdeny(v, helper_text,
			     "cannot pass map_type %u into func bpf_%s#%u: %s is a %s map",
			     m->attr.type, helper_name(helper), helper, m->name,
			     map_type_name(m->attr.type));
	return 0;
}

/* The map in r1, which has been looked at. */
static const struct map *map_of(const struct verify *v)
{
	return v->p->map[vreg(v, 1)->index];
}

static int want_value(struct verify *v, unsigned r)
{
	const struct map *m = map_of(v);
	uint32_t helper = (uint32_t)v->p->insn[v->cur->at].imm;

	if (helper == BPF_FUNC_map_update_elem || helper == BPF_FUNC_map_delete_elem)
		if (m->attr.flags & BPF_F_RDONLY_PROG)
			return vdeny(v, "const data cannot be changed", "write into map forbidden");
	return vmem_region(v, r, m->attr.value_size, m->attr.value_size, false);
}

/* -- memory and its size ---------------------------------------------------------------------- */

static int size_span(struct verify *v, unsigned r, bool empty, uint32_t *least, uint32_t *most)
{
	const struct vreg *n = vreg(v, r);

	if (n->kind != V_SCALAR)
		return want(v, r, "scalar");
	if (n->r.smin < 0)
		return vdeny(v, "make it unsigned, or check that it is not negative",
			     "R%u min value is negative, either use unsigned or 'var &= const'", r);
	if (!n->r.umin && !empty)
		return vdeny(v, "check that it is not 0",
			     "R%u invalid zero-sized read: u64=[%llu,%llu]", r,
			     (unsigned long long)n->r.umin, (unsigned long long)n->r.umax);
	if (n->r.umax >= VERIFY_MAX_OFF)
		return vdeny(
			v, "check it against the size of the memory",
			"R%u unbounded memory access, use 'var &= const' or 'if (var < const)'", r);
	*least = (uint32_t)n->r.umin;
	*most = (uint32_t)n->r.umax;
	return 0;
}

/* r is the size of what the register before it points to. */
static int want_sized(struct verify *v, unsigned r, enum proto_arg of)
{
	bool write = of == ARG_OUT || of == ARG_OUT0, empty = of == ARG_OUT0 || of == ARG_IN0;
	uint32_t least = 0, most = 0;
	int err = size_span(v, r, empty, &least, &most);

	if (err || !most)
		return err;
	if (v->in->generated) /* gen/ looks at no more than it had filled: it compares with the size */
		least = most;
	return vmem_region(v, r - 1, least, most, write);
}

/* Text that nobody can change, with its end. */
static int want_string(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);
	int64_t at = p->off + p->r.smin;
	const uint8_t *text;
	uint32_t room;

	if (p->kind != V_VALUE || !range_is_const(&p->r))
		return want(v, r, "map_value (a constant string)");
	room = v->p->map[p->index]->attr.value_size;
	text = at >= 0 && at < room ? vmem_constant(v, p, at, (uint32_t)(room - at)) : NULL;
	if (!text)
		return vdeny(v, "use a string literal, or a static const char array",
			     "R%u does not point to a readonly map", r);
	if (!memchr(text, 0, (size_t)(room - at)))
		return vdeny(v, "end it with a 0", "string is not zero-terminated");
	return 0;
}

static int want_record(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);

	if (p->kind != V_MEM || !p->ref || p->flags & VF_NULL)
		return want(v, r, "ringbuf_mem");
	if (p->off || !range_is_const(&p->r) || p->r.umin)
		return vdeny(v, "give it what bpf_ringbuf_reserve() returned",
			     "R%u must have zero offset when passed to release func", r);
	return 0;
}

/* -- others ----------------------------------------------------------------------------------- */

static int want_func(struct verify *v, unsigned r)
{
	return vreg(v, r)->kind == V_FUNC ? 0 : want(v, r, "func");
}

static int want_frame(struct verify *v, unsigned r)
{
	const struct vreg *p = vreg(v, r);

	return p->kind == V_STACK || (vreg_is_const(p) && !p->r.umin) ? 0 : want(v, r, "fp");
}

static int want_const(struct verify *v, unsigned r)
{
	/* those of gen/ write as much as they ask for (gen/trace_buf.c): see new_record() */
	if (vreg_is_const(vreg(v, r)) || (v->in->generated && vreg(v, r)->kind == V_SCALAR))
		return 0;
	return vdeny(v, "use a size that is known when compiled; bpf_ringbuf_output() takes any",
		     "R%u is not a known constant", r);
}

int varg_check(struct verify *v, const struct helper_proto *proto, unsigned r)
{
	enum proto_arg arg = (enum proto_arg)proto->arg[r - 1];
	int err = arg == ARG_NONE ? 0 : vreg_read(v, r);

	if (err)
		return err;
	switch (arg) {
	case ARG_CTX:
		return want_ctx(v, r);
	case ARG_MAP:
	case ARG_RING:
		return want_map(v, r);
	case ARG_KEY:
		return vmem_region(v, r, 0, map_of(v)->attr.key_size, false);
	case ARG_VALUE:
		return want_value(v, r);
	case ARG_SIZE:
		return want_sized(v, r, (enum proto_arg)proto->arg[r - 2]);
	case ARG_OUT8:
		return vmem_region(v, r, 8, 8, true);
	case ARG_STRING:
		return want_string(v, r);
	case ARG_RECORD:
		return want_record(v, r);
	case ARG_FUNC:
		return want_func(v, r);
	case ARG_FRAME:
		return want_frame(v, r);
	case ARG_CONST:
		return want_const(v, r);
	default:
		return 0;
	}
}
