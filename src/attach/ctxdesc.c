/*
 * attach/ctxdesc.c - see ctxdesc.h.
 */
#include "attach/ctxdesc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where the trampoline does not simply extend what the caller passed. */
#define NO_NUMBER (FM_FLOAT | FM_BY_ADDR | FM_HIDDEN | FM_AGGREGATE | FM_UNCERTAIN | FM_GONE)

static void type_of_value(const struct fm_value *v, const struct ty *t, bool result,
			  struct ctx_slot *out)
{
	t = ty_strip(t);
	if (v->nslots != 1 || v->npieces || v->flags & (FM_HIDDEN | FM_UNCERTAIN | FM_GONE))
		return;
	if (v->flags & FM_BY_ADDR || v->place.by_ref) {
		out->type = t;
	} else if (t->kind == TY_PTR && v->size == 8) {
		out->type = t->of ? ty_strip(t->of) : NULL;
	} else if ((t->kind == TY_INT || t->kind == TY_ENUM) && !result && v->size < 8 &&
		   !(v->flags & NO_NUMBER)) {
		out->bytes = (uint8_t)v->size;
		out->is_signed = v->flags & FM_SIGNED;
	}
}

static bool is_known(const struct func *f)
{
	const struct proto *p = &f->proto;

	return p->source != PROTO_NONE && !f->model->raw && !p->foreign && !p->unprototyped &&
	       !p->ms_abi && f->model->nargs == p->nparams;
}

void ctxdesc_of_func(const struct func *f, bool results, struct ctxdesc *out)
{
	const struct func_model *m = f->model;

	memset(out, 0, sizeof(*out));
	out->desc = (struct ctx_desc){ BODY_MAX_SLOTS, out->slot };
	if (!is_known(f))
		return;
	for (unsigned i = 0; i < m->nargs; i++) {
		if (m->arg[i].slot < BODY_MAX_SLOTS && !f->proto.param[i].uncertain)
			type_of_value(&m->arg[i], f->proto.param[i].type, false,
				      &out->slot[m->arg[i].slot]);
	}
	if (results && f->proto.ret && !f->proto.ret_unsure && m->ret.slot < BODY_MAX_SLOTS)
		type_of_value(&m->ret, f->proto.ret, true, &out->slot[m->ret.slot]);
}

/* The same type, perhaps of two units that declare it alike. */
static bool is_same_type(const struct ty *a, const struct ty *b)
{
	return a == b || (a && b && a->kind == b->kind && a->size == b->size && a->n == b->n &&
			  a->name && b->name && *a->name && !strcmp(a->name, b->name));
}

/* What holds for both; false: nothing does. */
static bool agree(struct ctxdesc *all, const struct ctxdesc *one)
{
	bool any = false;

	for (unsigned i = 0; i < BODY_MAX_SLOTS; i++) {
		struct ctx_slot *a = &all->slot[i];
		const struct ctx_slot *b = &one->slot[i];

		if (a->bytes != b->bytes || a->is_signed != b->is_signed ||
		    !is_same_type(a->type, b->type))
			*a = (struct ctx_slot){ 0 };
		any |= a->bytes || a->type;
	}
	return any;
}

/* As attaching will find it: of a function that is hooked, what its hook goes by. */
static int look_up(struct utramp_target *t, struct func *f, bool results, struct ctxdesc *out)
{
	const struct hook *h = session_find_hook(t, f);
	bool known = h && (hook_has_links(h) || h->func->types_seen == t->types.generation);
	int err = known ? 0 : func_find_types(f, &t->types, t->mods->pool);

	if (!err)
		ctxdesc_of_func(known ? h->func : f, results, out);
	return err;
}

struct gather {
	struct utramp_target *t;
	struct ctxdesc *all;
	struct ctxdesc one;
	bool results, any, none;
};

static int add_functions(struct gather *g, const char *spec)
{
	struct func_list funcs = { 0 };
	struct diag why = { 0 };
	struct fspec s;
	int err = fspec_parse(spec, &s, &why);

	if (err)
		return err;
	err = func_resolve(g->t->mods, &s, &funcs, &why);
	fspec_fini(&s);
	for (size_t i = 0; i < funcs.n && !err && !g->none; i++) {
		err = look_up(g->t, funcs.at[i], g->results, &g->one);
		if (err)
			break;
		if (!g->any)
			*g->all = g->one;
		g->any = true;
		g->none = !agree(g->all, &g->one);
	}
	func_list_fini(&funcs);
	return err;
}

int ctxdesc_of_program(const struct utramp_program *p, struct utramp_target *t,
		       struct ctxdesc **out)
{
	struct gather g = { .t = t, .results = p->kind != PROGRAM_FENTRY };
	const char *spec;
	int err = 0;

	*out = NULL;
	if (p->multi)
		return 0;
	g.all = calloc(1, sizeof(*g.all));
	if (!g.all)
		return -ENOMEM;
	for (size_t i = 0; !err && !g.none && (spec = object_program_target(p, i)); i++)
		err = add_functions(&g, spec);
	if (err || g.none || !g.any) {
		free(g.all);
		return err == -ENOMEM ? err : 0;
	}
	g.all->desc.slot = g.all->slot;
	*out = g.all;
	return 0;
}
