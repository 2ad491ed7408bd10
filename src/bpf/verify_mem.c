/*
 * bpf/verify_mem.c - see verify_priv.h: loads, stores, and memory that helpers are given.
 *
 * What is loaded from a map's value or a record is a number, but for the constants of maps that
 * nobody can change.  Memory of the target is read by plain loads only, which survive faults
 * (facts.c: program_load_strays()), and never written.
 */
#include "bpf/verify_priv.h"

#include <stdio.h>
#include <string.h>

static const char only_read[] =
	"the target's memory is written by bpf_probe_write_user() alone, where "
	"--allow-write permits that; results by fmod_ret programs";

static const char *change_for(const struct vreg *p)
{
	if (p->flags & VF_NULL)
		return "compare it with NULL first: if (!p) return 0;";
	if (p->kind == V_SCALAR)
		return "a number is no address: read by bpf_probe_read_user(), or tell where the "
		       "pointer comes from by bpf_rdonly_cast()";
	if (p->kind == V_MAP)
		return "use bpf_map_lookup_elem() to reach a value of the map";
	return "only the stack, ctx, values of maps and ring buffer records are memory";
}

static int no_memory(struct verify *v, unsigned reg)
{
	const struct vreg *p = vreg(v, reg);

	return vdeny(v, change_for(p), "R%u invalid mem access '%s'", reg, vreg_kind_name(p));
}

/* -- values of maps, records ------------------------------------------------------------ */

static uint32_t bytes_of(const struct verify *v, const struct vreg *p)
{
	return p->kind == V_VALUE ? v->p->map[p->index]->attr.value_size : p->index;
}

static const char check_index[] = "check the index before, as an unsigned number: if (i < N) "
				  "x = p[i]";

static int outside(struct verify *v, unsigned reg, const struct vreg *p, int64_t at, uint32_t size,
		   const char *which)
{
	char more[80];
	uint32_t room = bytes_of(v, p);

	snprintf(more, sizeof(more), "R%u %s value is outside of the allowed memory range", reg,
		 which);
	if (p->kind == V_VALUE)
		return vdeny(v, check_index,
			     "invalid access to map value, value_size=%u off=%lld size=%u\n%s",
			     room, (long long)at, size, more);
	return vdeny(v, check_index, "invalid access to memory, mem_size=%u off=%lld size=%u\n%s",
		     room, (long long)at, size, more);
}

static int in_bounds(struct verify *v, unsigned reg, const struct vreg *p, int32_t off,
		     uint32_t size)
{
	uint32_t room = bytes_of(v, p);
	int64_t lo, hi;

	if (!vreg_spans(p, &lo, &hi)) {
		if (p->r.smin < 0)
			return vdeny(v, check_index,
				     "R%u min value is negative, either use unsigned index or do a "
				     "if (index >=0) check.",
				     reg);
		return vdeny(v, check_index,
			     "R%u unbounded memory access, make sure to bounds check any such "
			     "access",
			     reg);
	}
	if (lo + off < 0 || lo + off + (int64_t)size > room)
		return outside(v, reg, p, lo + off, size, "min");
	if (hi + off + (int64_t)size > room)
		return outside(v, reg, p, hi + off, size, "max");
	return 0;
}

static int may_access(struct verify *v, unsigned reg, const struct vreg *p, int32_t off,
		      uint32_t size, bool write)
{
	const struct map *m = p->kind == V_VALUE ? v->p->map[p->index] : NULL;

	if (m && m->attr.flags & (write ? BPF_F_RDONLY_PROG : BPF_F_WRONLY_PROG))
		return vdeny(v,
			     write ? "const data cannot be changed: declare it without const" :
				     "the map was made with BPF_F_WRONLY_PROG",
			     "%s map forbidden, value_size=%u off=%d size=%u",
			     write ? "write into" : "read from", m->attr.value_size, p->off + off,
			     size);
	if (write && p->flags & VF_RDONLY)
		return vdeny(v, "copy it, and change the copy", "R%u cannot write into %s", reg,
			     vreg_kind_name(p));
	return 0;
}

int vmem_in_bounds(struct verify *v, unsigned reg, const struct vreg *p, int32_t off, uint32_t size,
		   bool write)
{
	int err = may_access(v, reg, p, off, size, write);

	return err ? err : in_bounds(v, reg, p, off, size);
}

/* Bytes that nobody can change any more, neither programs nor the control side. */
const uint8_t *vmem_constant(const struct verify *v, const struct vreg *p, int64_t at,
			     uint32_t size)
{
	const struct map *m = p->kind == V_VALUE ? v->p->map[p->index] : NULL;
	const uint8_t *data;

	if (!m || !(p->flags & VF_DIRECT) || !m->frozen || !(m->attr.flags & BPF_F_RDONLY_PROG) ||
	    !v->in->arena || at < 0 || at + size > m->attr.value_size)
		return NULL;
	data = shm_ptr(v->in->arena, m->shm->values, m->attr.value_size);
	return data ? data + at : NULL;
}

static void load_value(const struct verify *v, const struct vreg *p, int32_t off, unsigned size,
		       bool sx, struct vreg *out)
{
	const uint8_t *data =
		range_is_const(&p->r) ? vmem_constant(v, p, p->off + p->r.smin + off, size) : NULL;
	uint64_t value = 0;

	*out = vreg_scalar(range_load(size, sx));
	if (!data)
		return;
	memcpy(&value, data, size);
	out->r = range_const(value);
	if (sx)
		range_sign_extend(&out->r, size);
}

/* -- instructions ----------------------------------------------------------------------------- */

static bool is_sx(const struct bpf_insn *in)
{
	return BPF_MODE(in->code) == INSN_MEMSX;
}

/* It goes by an address of the target's, which may be none: facts.c need not know as much. */
static void strays(struct verify *v)
{
	if (v->in->strays)
		v->in->strays[v->cur->at / 8] |= (uint8_t)(1u << v->cur->at % 8);
}

static int load(struct verify *v, const struct bpf_insn *in, struct vreg *out)
{
	unsigned reg = in->src_reg, size = insn_bytes(in);
	struct vreg p = *vreg(v, reg);
	int err;

	if (p.flags & VF_NULL)
		return no_memory(v, reg);
	switch ((enum vkind)p.kind) {
	case V_SCALAR:
		if (!(p.flags & VF_TARGET))
			return no_memory(v, reg);
		strays(v);
		*out = vreg_target_word(size, is_sx(in));
		return 0;
	case V_CTX:
		return vctx_load(v, reg, in, out);
	case V_STACK:
		return vstack_load(v, reg, in->off, size, is_sx(in), out);
	case V_VALUE:
	case V_MEM:
		err = vmem_in_bounds(v, reg, &p, in->off, size, false);
		if (!err)
			load_value(v, &p, in->off, size, is_sx(in), out);
		return err;
	case V_BTF:
		strays(v);
		return vbtf_load(v, reg, in, out);
	default:
		return no_memory(v, reg);
	}
}

static int store(struct verify *v, const struct bpf_insn *in, const struct vreg *val)
{
	unsigned reg = in->dst_reg, size = insn_bytes(in);
	struct vreg p = *vreg(v, reg);

	if (p.flags & VF_NULL)
		return no_memory(v, reg);
	switch ((enum vkind)p.kind) {
	case V_STACK:
		return vstack_store(v, reg, in->off, size, val);
	case V_VALUE:
	case V_MEM:
		return vmem_in_bounds(v, reg, &p, in->off, size, true);
	case V_CTX:
		return vdeny(
			v,
			"store into ctx, which is read-only: results are changed by what an fmod_ret program "
			"returns, and by utramp_set_result()",
			"invalid bpf_context access off=%d size=%u", p.off + in->off, size);
	case V_BTF:
		return vdeny(v, only_read, "only read is supported");
	case V_SCALAR:
		return vdeny(v, p.flags & VF_TARGET ? only_read : change_for(&p),
			     "R%u invalid mem access 'scalar'", reg);
	default:
		return no_memory(v, reg);
	}
}

/* What an atomic instruction may work on: memory of the program's own. */
static int atomic_place(struct verify *v, unsigned reg, const struct bpf_insn *in)
{
	const struct vreg *p = vreg(v, reg);
	unsigned size = insn_bytes(in);
	struct tnum at = tnum_add(p->r.bits, tnum_const((uint64_t)((int64_t)p->off + in->off)));
	char bits[64];

	if (p->flags & VF_NULL || (p->kind == V_SCALAR && !(p->flags & VF_TARGET)) ||
	    p->kind == V_MAP || p->kind == V_FUNC)
		return no_memory(v, reg);
	if (p->kind != V_STACK && p->kind != V_VALUE && p->kind != V_MEM)
		return vdeny(v, "atomic instructions are for values of maps, records and the stack",
			     "BPF_ATOMIC stores into R%u %s is not allowed", reg,
			     vreg_kind_name(p));
	if (p->kind == V_STACK || tnum_is_aligned(at, size))
		return 0;
	tnum_text(p->r.bits, bits, sizeof(bits));
	return vdeny(v, "atomic instructions are for words at a multiple of their size",
		     "misaligned value access off %s+%d+%d size %u", bits, p->off, in->off, size);
}

/* What it holds is read, so it must be there, and then changed to anything. */
static int atomic(struct verify *v, const struct bpf_insn *in)
{
	const struct vreg any = vreg_scalar(range_load(insn_bytes(in), false));
	unsigned size = insn_bytes(in);
	struct bpf_insn read = *in;
	struct vreg old;
	int written = insn_writes(in), err = vreg_read(v, in->src_reg);

	if (!err && in->imm == BPF_CMPXCHG)
		err = vreg_read(v, 0);
	if (!err)
		err = atomic_place(v, in->dst_reg, in);
	if (err)
		return err;
	read.src_reg = in->dst_reg;
	read.code = (uint8_t)(BPF_LDX | BPF_MEM | BPF_SIZE(in->code));
	err = load(v, &read, &old);
	if (!err)
		err = store(v, in, &any);
	if (!err && written >= 0)
		*vreg(v, (unsigned)written) = vreg_scalar(range_load(size, false));
	return err;
}

static int load_insn(struct verify *v, const struct bpf_insn *in)
{
	struct vreg out;
	int err = vreg_read(v, in->src_reg);

	if (!err && insn_is_load_acq(in))
		err = atomic_place(v, in->src_reg, in);
	if (!err)
		err = load(v, in, &out);
	if (!err)
		*vreg(v, in->dst_reg) = out;
	return err;
}

static int store_insn(struct verify *v, const struct bpf_insn *in)
{
	struct vreg val = vreg_scalar(range_const((uint64_t)(int64_t)in->imm));
	int err = vreg_read(v, in->dst_reg);

	if (!err && BPF_CLASS(in->code) == BPF_STX)
		err = vreg_read(v, in->src_reg);
	if (!err && insn_is_store_rel(in))
		err = atomic_place(v, in->dst_reg, in);
	if (err)
		return err;
	if (BPF_CLASS(in->code) == BPF_STX) {
		struct vreg *src = vreg(v, in->src_reg);

		/* the copy on the stack is equal to it */
		if (src->kind == V_SCALAR && !src->id && !range_is_const(&src->r))
			src->id = ++v->ids;
		val = *src;
	}
	return store(v, in, &val);
}

int vmem_insn(struct verify *v, const struct bpf_insn *in)
{
	int err;

	if (BPF_CLASS(in->code) == BPF_LDX || insn_is_load_acq(in))
		return load_insn(v, in);
	if (!insn_is_atomic(in) || insn_is_store_rel(in))
		return store_insn(v, in);
	err = vreg_read(v, in->dst_reg);
	return err ? err : atomic(v, in);
}

/* -- memory for helpers --------------------------------------------------------------------- */

int vmem_region(struct verify *v, unsigned reg, uint32_t least, uint32_t size, bool write)
{
	struct vreg p = *vreg(v, reg);

	if (p.flags & VF_NULL || (p.kind != V_STACK && p.kind != V_VALUE && p.kind != V_MEM))
		return vdeny(v,
			     p.flags & VF_NULL ? change_for(&p) :
						 "copy it to the stack first, from the target by "
						 "bpf_probe_read_user()",
			     "R%u type=%s expected=fp, map_key, map_value, mem, ringbuf_mem", reg,
			     vreg_kind_name(&p));
	if (!size)
		return 0;
	if (p.kind != V_STACK)
		return vmem_in_bounds(v, reg, &p, 0, size, write);
	return write ? vstack_fill_range(v, reg, &p, least, size) :
		       vstack_read_range(v, reg, &p, size);
}
