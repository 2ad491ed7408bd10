/*
 * sys/kfunc.c - the BTF in which libbpf looks kfuncs up, and the way back from its ids.
 *
 * libbpf compares what a program declares with a FUNC of the kernel's BTF and puts that
 * FUNC's id into the call.  Our BTF has the functions of bpf/kfunc.h and the types that they
 * need; its ids are the same each time it is made.
 *
 * Context  [ctl] any thread
 * Spec     Documentation/bpf/btf.rst, kfuncs.rst
 */
#include "sys/session.h"

#include "base/types.h"
#include "bpf/insn.h"
#include "bpf/kfunc.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* struct bpf_iter_num { __u64 __opaque[1]; }, of which programs have one on their stack */
static int add_iter_num(struct btf *btf, int number, int u64)
{
	int array = btf__add_array(btf, number, u64, 1);
	int type = btf__add_struct(btf, "bpf_iter_num", 8);
	int err = array < 0 ? array : type < 0 ? type : 0;

	if (!err)
		err = btf__add_field(btf, "__opaque", array, 0, 0);
	return err ? err : type;
}

static int pointer_to(struct btf *btf, int type)
{
	return type < 0 ? type : btf__add_ptr(btf, type);
}

/* Ids of the types, by enum kfunc_type; negative: not made. */
static void add_types(struct btf *btf, int id[KFUNC_TYPES])
{
	int u64 = btf__add_int(btf, "unsigned long long", 8, 0);

	id[KFUNC_T_BOOL] = btf__add_int(btf, "bool", 1, BTF_INT_BOOL);
	id[KFUNC_T_U64] = u64;
	id[KFUNC_T_U64_PTR] = pointer_to(btf, u64);
	id[KFUNC_T_VOID] = 0;
	id[KFUNC_T_VOID_PTR] = btf__add_ptr(btf, 0);
	id[KFUNC_T_INT] = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	id[KFUNC_T_U32] = btf__add_int(btf, "unsigned int", 4, 0);
	id[KFUNC_T_INT_PTR] = pointer_to(btf, id[KFUNC_T_INT]);
	id[KFUNC_T_ITER_NUM_PTR] = pointer_to(btf, add_iter_num(btf, id[KFUNC_T_U32], u64));
}

static int add_func(struct btf *btf, const struct kfunc *k, const int id[KFUNC_TYPES])
{
	static const char *const arg[KFUNC_MAX_ARGS] = { "arg1", "arg2", "arg3", "arg4", "arg5" };
	int proto = btf__add_func_proto(btf, id[k->result]), err = proto < 0 ? proto : 0;

	for (unsigned i = 0; i < k->nargs && !err; i++)
		err = btf__add_func_param(btf, arg[i], id[k->arg[i]]);
	return err ? err : btf__add_func(btf, k->name, BTF_FUNC_STATIC, proto);
}

struct btf *sys_kfunc_btf(void)
{
	struct btf *btf = btf__new_empty();
	const struct kfunc *k;
	int id[KFUNC_TYPES];
	unsigned n;

	if (!btf)
		return NULL;
	add_types(btf, id);
	for (int refused = 0; refused < 2; refused++) {
		k = refused ? kfunc_refused(&n) : kfunc_table(&n);
		for (unsigned i = 0; i < n; i++) {
			if (add_func(btf, &k[i], id) < 0) {
				btf__free(btf);
				errno = ENOMEM;
				return NULL;
			}
		}
	}
	return btf;
}

static const struct kfunc *kfunc_of(const struct btf *btf, int btf_id)
{
	const struct btf_type *t = btf_id > 0 ? btf__type_by_id(btf, (unsigned)btf_id) : NULL;
	const char *name = t && btf_is_func(t) ? btf__name_by_offset(btf, t->name_off) : NULL;
	const struct kfunc *k;
	unsigned n;

	for (int refused = 0; refused < 2; refused++) {
		k = refused ? kfunc_refused(&n) : kfunc_table(&n);
		for (unsigned i = 0; i < n && name; i++)
			if (!strcmp(k[i].name, name))
				return &k[i];
	}
	return NULL;
}

static bool is_call(const struct bpf_insn *in)
{
	return insn_is_call(in) && in->src_reg == CALL_KFUNC && in->imm;
}

/* "Is there such a kfunc?"; of one that is not there libbpf makes the constant 0 itself. */
static bool is_address(const struct bpf_insn *in)
{
	return insn_is_lddw(in) && in->src_reg == LDDW_VAR;
}

static void translate(const struct btf *btf, struct bpf_insn *in)
{
	const struct kfunc *k = kfunc_of(btf, in->imm);

	if (is_call(in)) {
		if (k)
			in->imm = (int)k->id;
		else if (kfunc_by_id((uint32_t)in->imm))
			in->imm = INT_MAX; /* our numbers are not for users */
	} else if (k && !in[1].imm) {
		in->src_reg = LDDW_IMM;
		in->imm = !k->instead; /* only whether it is 0 can be asked */
	}
}

int sys_kfunc_translate(struct bpf_insn *insn, uint32_t n)
{
	struct btf *btf = NULL;

	for (uint32_t i = 0; i < n; i++) {
		bool wide = insn_is_lddw(&insn[i]);

		if (is_call(&insn[i]) || (is_address(&insn[i]) && i + 1 < n)) {
			btf = btf ? btf : sys_kfunc_btf();
			if (!btf)
				return -ENOMEM;
			translate(btf, &insn[i]);
		}
		i += wide;
	}
	btf__free(btf);
	return 0;
}
