/*
 * bpf/verify_reg.c - see verify_priv.h: what a register is, and its text.
 *
 * Texts are those of the kernel's log (kernel/bpf/log.c): "scalar(...)", "fp-8", "map_value(...)".
 */
#include "bpf/verify_priv.h"

#include <stdio.h>
#include <string.h>

struct vreg vreg_scalar(struct range r)
{
	return (struct vreg){ .kind = V_SCALAR, .r = r };
}

struct vreg vreg_number(void)
{
	return vreg_scalar(range_unknown());
}

struct vreg vreg_target_word(unsigned size, bool sx)
{
	struct vreg out = vreg_scalar(range_load(size, sx));

	out.flags = size == 8 ? VF_TARGET : 0;
	return out;
}

struct vreg vreg_pointer(enum vkind kind, uint32_t index)
{
	return (struct vreg){ .kind = (uint8_t)kind, .index = index, .r = range_const(0) };
}

const char *vreg_kind_name(const struct vreg *r)
{
	bool null = r->flags & VF_NULL;

	switch ((enum vkind)r->kind) {
	case V_UNSET:
		return "?";
	case V_SCALAR:
		return "scalar";
	case V_CTX:
		return "ctx";
	case V_STACK:
		return "fp";
	case V_MAP:
		return "map_ptr";
	case V_VALUE:
		return null ? "map_value_or_null" : "map_value";
	case V_MEM:
		if (r->ref)
			return null ? "ringbuf_mem_or_null" : "ringbuf_mem";
		if (r->flags & VF_RDONLY)
			return null ? "rdonly_mem_or_null" : "rdonly_mem";
		return null ? "mem_or_null" : "mem";
	case V_BTF:
		return "untrusted_ptr_";
	case V_FUNC:
		return "func";
	}
	return "?";
}

/* "map=m,ks=4,vs=64," */
static void map_text(const struct map *m, char *out, size_t cap)
{
	snprintf(out, cap, "map=%.20s,ks=%u,vs=%u,", m->name, m->attr.key_size, m->attr.value_size);
}

void vreg_text(const struct verify *v, const struct vreg *r, char *out, size_t cap)
{
	char num[200] = "", ty[64] = "", map[64] = "";

	if (r->kind == V_SCALAR) {
		range_text(&r->r, r->id, out, cap);
		return;
	}
	if (r->kind == V_STACK) {
		snprintf(out, cap, "fp%+d", r->off);
		if (!r->off)
			snprintf(out, cap, "fp0");
		return;
	}
	if (!range_is_const(&r->r))
		range_text(&r->r, 0, num, sizeof(num));
	if (r->kind == V_BTF && r->type)
		snprintf(ty, sizeof(ty), "%s", r->type->name);
	snprintf(out, cap, "%s%s(", vreg_kind_name(r), ty);
	if (r->id)
		snprintf(out + strlen(out), cap - strlen(out), "id=%u,", r->id);
	if (r->ref)
		snprintf(out + strlen(out), cap - strlen(out), "ref_obj_id=%u,", r->ref);
	if (r->kind == V_MAP || r->kind == V_VALUE)
		map_text(v->p->map[r->index], map, sizeof(map));
	snprintf(out + strlen(out), cap - strlen(out), "%s", map);
	if (r->kind == V_MEM)
		snprintf(out + strlen(out), cap - strlen(out), "sz=%u,", r->index);
	if (r->off)
		snprintf(out + strlen(out), cap - strlen(out), "off=%d,", r->off);
	/* "scalar(umax=8)" without its name */
	if (strchr(num, '('))
		snprintf(out + strlen(out), cap - strlen(out), "%s", strchr(num, '(') + 1);
	else
		snprintf(out + strlen(out), cap - strlen(out), ")");
	if (cap > 2 && strlen(out) > 2 && !strcmp(out + strlen(out) - 2, ",)"))
		strcpy(out + strlen(out) - 2, ")");
}

int vreg_read(struct verify *v, unsigned r)
{
	if (vreg(v, r)->kind != V_UNSET)
		return 0;
	return vdeny(v,
		     "set it on every path that leads here; calls leave nothing in r1 to r5, and a "
		     "function that returns nothing leaves nothing in r0",
		     "R%u !read_ok", r);
}

/* All registers and spilled ones, of all functions that are open. */
void vreg_scan(const struct vstate *s, void (*fn)(const struct vreg *r, void *arg), void *arg)
{
	for (unsigned k = 0; k <= s->depth; k++) {
		const struct vframe *f = s->f[k];

		for (unsigned r = 0; r < INSN_FP; r++)
			fn(&f->r[r], arg);
		for (unsigned i = 0; i < f->nslots; i++)
			if (f->slot[i].byte[0] == S_SPILL)
				fn(&f->slot[i].spill, arg);
	}
}

static void each_of(struct verify *v, struct vstate *s, unsigned k,
		    bool (*is)(const struct vreg *r, const void *arg),
		    void (*change)(struct vreg *r, const void *arg), const void *arg)
{
	struct vframe *f = s->f[k];

	for (unsigned r = 0; r < INSN_FP; r++)
		if (is(&f->r[r], arg)) {
			f = vframe_own(v, s, k);
			if (!f)
				return;
			change(&f->r[r], arg);
		}
	for (unsigned i = 0; i < f->nslots; i++)
		if (f->slot[i].byte[0] == S_SPILL && is(&f->slot[i].spill, arg)) {
			f = vframe_own(v, s, k);
			if (!f)
				return;
			change(&f->slot[i].spill, arg);
		}
}

/* Changes those of them that are so; without memory v->err is set. */
void vreg_each(struct verify *v, struct vstate *s,
	       bool (*is)(const struct vreg *r, const void *arg),
	       void (*change)(struct vreg *r, const void *arg), const void *arg)
{
	for (unsigned k = 0; k <= s->depth; k++)
		each_of(v, s, k, is, change, arg);
}

bool vreg_spans(const struct vreg *r, int64_t *lo, int64_t *hi)
{
	if (r->r.smin < -VERIFY_MAX_OFF || r->r.smax > VERIFY_MAX_OFF)
		return false;
	*lo = r->off + r->r.smin;
	*hi = r->off + r->r.smax;
	return true;
}
