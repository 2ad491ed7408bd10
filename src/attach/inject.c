/*
 * attach/inject.c - utramp_inject: values in place of calls, by generated fmod_ret programs.
 */
#include "gen/inject.h"
#include "attach/entry.h"
#include "attach/generated.h"
#include "utramp/inject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In generated LDDWs; the programs have the first two maps, and the third for values in bytes. */
#define SLOTS_FD  1
#define SHARED_FD 2
#define VALUE_FD  3

/* What a function returns; the last one of a function counts. */
struct given {
	const struct hook *hook;
	struct gen_value value;
};

struct utramp_inject {
	struct generated g; /* first */
	struct gen_inject what;
	char *condition;
	struct map *slots, *shared;
	struct map *bytes; /* of the value at hand, while its program is made */
	struct {
		VEC(struct taddr_range);
	} from;
	struct {
		VEC(struct given);
	} given;
	bool main_linked;
	bool at_main; /* the function at hand is main(), which is only watched */
};

static struct utramp_inject *of(struct generated *g)
{
	return (struct utramp_inject *)(void *)g;
}

static struct map *inject_map(void *arg, int fd)
{
	struct utramp_inject *in = arg;

	return fd == SLOTS_FD  ? in->slots :
	       fd == SHARED_FD ? in->shared :
	       fd == VALUE_FD  ? in->bytes :
				 NULL;
}

/* -- who calls ------------------------------------------------------------------------ */

static int add_code(struct utramp_inject *in, const struct amodule *m)
{
	for (unsigned i = 0; i < m->obj->nseg; i++) {
		const struct objseg *s = &m->obj->seg[i];
		struct taddr_range r = { s->addr + m->bias, s->addr + m->bias + s->memsz };

		if (s->x && vec_push(&in->from, r) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int find_callers(struct utramp_inject *in, const char *from, struct diag *d)
{
	const struct modset *mods = in->g.target->mods;
	struct fspec s = { 0 };
	int err = 0;

	in->what.from_anywhere = from && !strcmp(from, "*");
	if (in->what.from_anywhere)
		return 0;
	if (from && !(s.module = strdup(from)))
		return -ENOMEM;
	s.module_glob = from && strpbrk(from, "*?");
	for (size_t i = 0; i < mods->n && !err; i++) {
		const struct amodule *m = mods->at[i];

		if (from ? fspec_module_matches(&s, m->path, m->obj->soname) : m->main)
			err = add_code(in, m);
	}
	fspec_fini(&s);
	if (!err && !in->from.n)
		return diag_set(d, -ENOENT,
				"no module '%s' is loaded; one that is loaded later is not "
				"known as a caller: '*' means all callers",
				from ? from : "(the executable)");
	in->what.from = in->from.at;
	in->what.nfrom = in->from.n;
	return err;
}

/* -- programs ------------------------------------------------------------------------- */

static int link_main(struct utramp_inject *in, struct hook *h, struct diag *d)
{
	struct gen_prog gp = { 0 };
	struct program_attr attr = { .name = "inject_main",
				     .kind = PROGRAM_FENTRY,
				     .map_by_fd = inject_map,
				     .arg = in,
				     .reentrant = true };
	int err = generated_refusal(&in->g, h, TRAMP_FENTRY, d);

	if (!err)
		err = gen_inject_main(SHARED_FD, &gp);
	return err ? err : generated_link(&in->g, h, TRAMP_FENTRY, &attr, &gp, d);
}

static int value_for(const struct utramp_inject *in, const struct func *f, struct gen_value *out,
		     struct diag *d)
{
	const struct ty *ret = f->proto.source == PROTO_NONE ? NULL : f->proto.ret;

	return gen_inject_value(in->g.said, ret, out, d);
}

/* The value's bytes, where the program finds them. */
static int store_bytes(struct utramp_inject *in, const struct gen_value *v, struct diag *d)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = sizeof(uint32_t),
				 .value_size = (uint32_t)v->size,
				 .max_entries = 1,
				 .name = "inject_value" };
	uint32_t key = 0;
	int err;

	if (!v->bytes)
		return 0;
	err = map_create(in->g.target->arena, &attr, &in->bytes, d);
	return err ? err : map_update(in->bytes, &key, v->bytes, 0, 1);
}

/* The condition's arguments are this function's. */
static int make_program(struct utramp_inject *in, const struct hook *h, struct gen_prog *gp,
			struct diag *d)
{
	const struct func *f = h->func;
	const struct proto *p = f->proto.source == PROTO_NONE ? NULL : &f->proto;
	struct gen_inject what = in->what;
	struct gen_expr *cond = NULL;
	struct given given = { .hook = h };
	int err = value_for(in, f, &given.value, d);

	if (!err && vec_push(&in->given, given)) {
		gen_value_free(&given.value);
		err = -ENOMEM;
	}
	if (!err)
		err = store_bytes(in, &given.value, d);
	what.value = &given.value;
	what.value_fd = VALUE_FD;
	if (!err && in->condition)
		err = gen_expr_new(in->condition, p, f->model, &cond, d);
	if (!err && cond && gen_expr_uses_ret(cond))
		err = diag_set(d, -EINVAL,
			       "the condition '%s' asks for ret, which is what is "
			       "given here",
			       in->condition);
	what.cond = cond;
	if (!err)
		err = gen_inject_program(&what, SLOTS_FD, SHARED_FD, gp, d);
	gen_expr_free(cond);
	return err;
}

static int inject_hook(struct generated *g, struct hook *h, struct diag *d)
{
	struct utramp_inject *in = of(g);
	struct gen_prog gp = { 0 };
	char name[64];
	struct program_attr attr = { .name = name,
				     .kind = PROGRAM_FMOD_RET,
				     .map_by_fd = inject_map,
				     .arg = in,
				     .reentrant = true };
	int err;

	if (in->at_main)
		return link_main(in, h, d);
	err = generated_refusal(g, h, TRAMP_FMOD_RET, d);
	if (!err)
		err = make_program(in, h, &gp, d);
	if (!err) {
		snprintf(name, sizeof(name), "inject_%s", h->func->name);
		err = generated_link(g, h, TRAMP_FMOD_RET, &attr, &gp, d);
	}
	map_put(in->bytes); /* the program has it */
	in->bytes = NULL;
	return err;
}

/* Another name of the function, or a pattern, may say the same of it. */
static int inject_again(struct generated *g, const struct hook *h, struct diag *d)
{
	const struct utramp_inject *in = of(g);
	struct gen_value value;
	size_t i = in->given.n;
	int err = value_for(in, h->func, &value, d);
	bool same;

	if (err)
		return err;
	while (i && in->given.at[i - 1].hook != h)
		i--;
	same = !i || gen_value_same(&in->given.at[i - 1].value, &value);
	gen_value_free(&value);
	if (same)
		return 0;
	return diag_set(
		d, -EINVAL,
		"%s:%s is given two values: name it once, before patterns that mean it, too",
		h->func->mod->shown, h->func->name);
}

/* Watch main(), once. */
static int watch_main(struct utramp_inject *in, struct diag *d)
{
	const struct modset *mods = in->g.target->mods;
	char spec[4200];
	taddr_t addr;
	int n;

	if (!in->what.after_main || in->main_linked)
		return 0;
	n = entry_find_main(mods->at[0]->obj, &addr, d);
	if (n)
		return n;
	snprintf(spec, sizeof(spec), "%s:0x%llx", mods->at[0]->path, (unsigned long long)addr);
	in->at_main = true;
	n = generated_add(&in->g, spec, NULL, d);
	in->at_main = false;
	in->main_linked = n > 0;
	return n < 0 ? n : 0;
}

int utramp_inject__add(struct utramp_inject *in, const char *spec, const char *value,
		       const struct utramp_attach_opts *opts)
{
	struct diag *d = api_diag();
	int err;

	if (!in || !spec)
		return api_return(diag_set(d, -EINVAL, "no injection or function given"));
	if (!in->g.target)
		return api_return(diag_set(d, -ESRCH, "the injection's target is gone"));
	err = watch_main(in, d);
	in->g.said = value;
	return api_return(err ? err : generated_add(&in->g, spec, opts, d));
}

int utramp_inject__calls(const struct utramp_inject *in, uint64_t *calls, uint64_t *injected)
{
	struct gen_inject_slot s;
	uint32_t key = 0;

	if (!in || !calls || !injected)
		return api_return(diag_set(api_diag(), -EINVAL, "no injection or counters given"));
	if (!in->g.target)
		return api_return(diag_set(api_diag(), -ESRCH, "the injection's target is gone"));
	*calls = *injected = 0;
	for (uint32_t i = 0; i < SHM_MAX_THREADS; i++) {
		int err = map_lookup_slot(in->slots, &key, i, &s);

		if (err)
			return api_return(err);
		*calls += s.calls;
		*injected += s.injected;
	}
	return 0;
}

/* -- life ------------------------------------------------------------------------------ */

static uint64_t nothing_lost(const struct generated *g)
{
	(void)g;
	return 0;
}

static void inject_orphan(struct generated *g)
{
	struct utramp_inject *in = of(g);

	generated_leave(g);
	map_put(in->slots);
	map_put(in->shared);
	in->slots = in->shared = NULL;
}

static const struct generated_kind inject_kind = {
	.verb = "inject into",
	.hook = inject_hook,
	.again = inject_again,
	.beside = 1u << TRAMP_FENTRY, /* main() is watched */
	.lost = nothing_lost,
	.orphan = inject_orphan,
};

static int set_chance(struct gen_inject *what, double chance, struct diag *d)
{
	if (!(chance >= 0 && chance <= 1))
		return diag_set(d, -EINVAL, "options: a chance is a number from 0 to 1");
	what->always = chance == 0 || chance == 1;
	what->chance = what->always ? 0 : (uint64_t)(chance * 0x1p64);
	return 0;
}

static int inject_init(struct utramp_inject *in, const struct utramp_inject_opts *o, struct diag *d)
{
	struct map_attr slots = { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
				  .key_size = sizeof(uint32_t),
				  .value_size = sizeof(struct gen_inject_slot),
				  .max_entries = 1,
				  .name = "inject_slots" };
	struct map_attr shared = { .type = BPF_MAP_TYPE_ARRAY,
				   .key_size = sizeof(uint32_t),
				   .value_size = sizeof(struct gen_inject_shared),
				   .max_entries = 1,
				   .name = "inject_shared" };
	int err;

	if (o->err < 0 || o->err > 4095)
		return diag_set(d, -EINVAL, "options: %d is no errno", o->err);
	in->what = (struct gen_inject){ .err = o->err,
					.after_main = o->after_main,
					.after = o->after,
					.count = o->count ? o->count : UINT64_MAX,
					.seed = o->seed };
	err = set_chance(&in->what, o->chance, d);
	if (!err && o->condition && !(in->condition = strdup(o->condition)))
		err = -ENOMEM;
	if (!err)
		err = find_callers(in, o->from, d);
	if (!err)
		err = map_create(in->g.target->arena, &slots, &in->slots, d);
	if (!err)
		err = map_create(in->g.target->arena, &shared, &in->shared, d);
	return err;
}

struct utramp_inject *utramp_inject__new(struct utramp_target *t,
					 const struct utramp_inject_opts *opts)
{
	struct utramp_inject_opts own;
	struct diag *d = api_diag();
	struct utramp_inject *in;
	int err;

	if (!t)
		return api_null(diag_set(d, -EINVAL, "no target given"));
	in = calloc(1, sizeof(*in));
	if (!in)
		return api_null(-ENOMEM);
	err = generated_init(&in->g, &inject_kind, t);
	if (err) {
		free(in);
		return api_null(err);
	}
	err = opts_copy(&own, sizeof(own), opts, d);
	if (!err)
		err = inject_init(in, &own, d);
	if (err) {
		utramp_inject__free(in);
		return api_null(err);
	}
	return in;
}

void utramp_inject__free(struct utramp_inject *in)
{
	if (!in)
		return;
	if (in->g.target) {
		generated_drop(&in->g, 0);
		session_settle(in->g.target, NULL);
		inject_orphan(&in->g);
	}
	for (size_t i = 0; i < in->given.n; i++)
		gen_value_free(&in->given.at[i].value);
	vec_free(&in->from);
	vec_free(&in->given);
	free(in->condition);
	free(in);
}
