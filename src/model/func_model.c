/*
 * model/func_model.c - build a func_model from types; see func_model.h.
 */
#include "model/func_model.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>

#define RAW_ARGS 6

static uint8_t value_flags(const struct abi_type *t)
{
	switch ((enum abi_kind)t->kind) {
	case ABI_INT:
		if (t->is_bool)
			return FM_BOOL;
		return t->is_signed ? FM_SIGNED : 0;
	case ABI_FLOAT:
	case ABI_X87:
		return FM_FLOAT;
	case ABI_VECTOR:
	case ABI_AGGREGATE:
	case ABI_ARRAY:
	case ABI_COMPLEX_X87:
		return FM_AGGREGATE;
	case ABI_VOID:
		break;
	}
	return 0;
}

/* Which slots show the value, given its place; v->slot is the caller's. */
static void fill(struct fm_value *v, const struct abi_type *t, const struct abi_place *place)
{
	bool in_memory = place->nregs == 0;

	v->place = *place;
	v->size = t->kind == ABI_X87 ? 10 : t->size; /* the other six bytes are padding */
	v->flags = value_flags(t) | (place->disputed ? FM_UNCERTAIN : 0);
	if (t->kind == ABI_VOID)
		return;
	if (place->none) {
		v->flags |= FM_HIDDEN;
	} else if (t->by_ref || (in_memory && v->size > 16)) {
		v->flags |= FM_BY_ADDR;
		v->nslots = 1;
	} else {
		v->nslots = (uint16_t)((v->size + 7) / 8);
	}
}

int func_model_new(const struct abi_dialect *by, const struct abi_type *ret,
		   const struct abi_type *const *arg, unsigned nargs, struct func_model **out)
{
	_free_ struct abi_place *place = NULL;
	_free_ struct func_model *m = NULL;
	struct abi_place ret_place;
	unsigned slots = 0;
	int err;

	if (nargs > FM_MAX_ARGS)
		return -E2BIG;
	m = calloc(1, sizeof(*m) + nargs * sizeof(m->arg[0]));
	place = calloc(nargs + 1, sizeof(*place));
	if (!m || !place)
		return -ENOMEM;
	err = abi_assign(by, ret, arg, nargs, &ret_place, place, &m->call);
	if (err)
		return err;
	if (m->call.stack_bytes > FM_MAX_STACK)
		return -E2BIG;
	for (unsigned i = 0; i < nargs; i++) {
		m->arg[i].slot = (uint16_t)slots;
		fill(&m->arg[i], arg[i], &place[i]);
		slots += m->arg[i].nslots;
		if (slots > FM_MAX_SLOTS)
			return -E2BIG;
	}
	ret_place.by_ref = ret->by_ref;
	fill(&m->ret, ret, &ret_place);
	m->ret.slot = (uint16_t)slots;
	m->nargs = (uint16_t)nargs;
	m->nslots = (uint16_t)slots;
	m->k_known = true;
	if (m->call.stack_align > FM_MAX_ALIGN)
		func_model_hide_k(m, "an argument is aligned to more than 64 bytes");
	*out = TAKE_PTR(m);
	return 0;
}

void func_model_free(struct func_model *m)
{
	free(m);
}

void func_model_variadic(struct func_model *m)
{
	m->varargs = (struct fm_varargs){ .known = true,
					  .ngpr = m->call.ngpr,
					  .nxmm = m->call.nxmm,
					  .stack = m->call.stack_bytes };
	func_model_hide_k(m, "it is variadic");
}

void func_model_hide_k(struct func_model *m, const char *why)
{
	m->k_known = false;
	m->k_why = why;
	m->call.ngpr = 6;
	m->call.nxmm = 8;
	m->call.stack_bytes = 0;
	m->call.stack_align = 8;
}

int func_model_raw(struct func_model **out)
{
	static const struct abi_type word = { .kind = ABI_INT, .size = 8, .align = 8 };
	const struct abi_type *arg[RAW_ARGS];
	int err;

	for (unsigned i = 0; i < RAW_ARGS; i++)
		arg[i] = &word;
	err = func_model_new(NULL, &word, arg, RAW_ARGS, out);
	if (err)
		return err;
	func_model_hide_k(*out, NULL);
	(*out)->raw = true;
	return 0;
}
