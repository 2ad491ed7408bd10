/*
 * info/btf_check.c - is BTF sound enough for libbpf? (see btf.h, btfr_check)
 *
 * libbpf 1.1 looks at the bounds of each type when it reads BTF and trusts ids and offsets of
 * strings from there on: object files with others make it follow null pointers, or go round
 * typedefs for ever.
 *
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst 2.2
 */
#include "info/btf_priv.h"

#include <errno.h>

#define MAX_CHAIN 1000 /* typedefs and qualifiers on one another */

struct check {
	const struct btf *btf;
	uint32_t id; /* of the type that is looked at */
	struct diag *d;
};

static int check_id(const struct check *c, uint32_t id)
{
	if (btf__type_by_id(c->btf, id))
		return 0;
	return diag_set(c->d, -EBADMSG,
			"damaged BTF: type %u refers to type %u, which is not there", c->id, id);
}

static int check_name(const struct check *c, uint32_t offset)
{
	if (btf__str_by_offset(c->btf, offset))
		return 0;
	return diag_set(c->d, -EBADMSG, "damaged BTF: a name of type %u is not there", c->id);
}

static int check_both(const struct check *c, uint32_t offset, uint32_t id)
{
	int err = check_name(c, offset);

	return err ? err : check_id(c, id);
}

static bool is_wrapper(const struct btf_type *t)
{
	return btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t);
}

static int check_chain(const struct check *c, const struct btf_type *t)
{
	for (unsigned i = 0; i < MAX_CHAIN; i++) {
		int err = check_id(c, t->type);

		if (err)
			return err;
		t = btf__type_by_id(c->btf, t->type);
		if (!is_wrapper(t))
			return 0;
	}
	return diag_set(c->d, -EBADMSG, "damaged BTF: the typedefs from type %u on do not end",
			c->id);
}

static int check_parts(const struct check *c, const struct btf_type *t)
{
	int err = 0;

	for (unsigned i = 0; i < btf_vlen(t) && !err; i++) {
		switch (btf_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			err = check_both(c, btf_members(t)[i].name_off, btf_members(t)[i].type);
			break;
		case BTF_KIND_FUNC_PROTO:
			err = check_both(c, btf_params(t)[i].name_off, btf_params(t)[i].type);
			break;
		case BTF_KIND_ENUM:
			err = check_name(c, btf_enum(t)[i].name_off);
			break;
		case BTF_KIND_ENUM64:
			err = check_name(c, btf_enum64(t)[i].name_off);
			break;
		case BTF_KIND_DATASEC:
			err = check_id(c, btf_var_secinfos(t)[i].type);
			break;
		default:
			return 0;
		}
	}
	return err;
}

static int check_type(const struct check *c, const struct btf_type *t)
{
	int err = check_name(c, t->name_off);

	if (!err && is_wrapper(t))
		err = check_chain(c, t);
	if (!err && btf_is_array(t))
		err = check_id(c, btf_array(t)->type);
	if (!err && btf_is_array(t))
		err = check_id(c, btf_array(t)->index_type);
	if (!err && (btf_is_ptr(t) || btf_is_var(t) || btf_is_func(t) || btf_is_func_proto(t) ||
		     btf_is_decl_tag(t)))
		err = check_id(c, t->type);
	if (!err && btf_is_func(t) && !btf_is_func_proto(btf__type_by_id(c->btf, t->type)))
		err = diag_set(c->d, -EBADMSG, "damaged BTF: function %u has no prototype", c->id);
	return err ? err : check_parts(c, t);
}

int btfr_check(const struct btf_reader *r, struct diag *d)
{
	struct check c = { .btf = r->btf, .d = d };
	uint32_t n = btf__type_cnt(r->btf);
	int err = 0;

	for (c.id = 1; c.id < n && !err; c.id++)
		err = check_type(&c, btf__type_by_id(r->btf, c.id));
	return err;
}
