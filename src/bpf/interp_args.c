/*
 * bpf/interp_args.c - see shadow.h: arguments and results of helpers and kfuncs.
 *
 * A helper that we have and proto.h does not is refused: nothing could be said of its calls.  What
 * is neither (a test's own function) takes any numbers and gives one.
 */
#include "base/diag.h"
#include "bpf/helper.h"
#include "bpf/kfunc.h"
#include "bpf/proto.h"
#include "bpf/shadow.h"

#include <errno.h>
#include <string.h>

/* -- memory behind an argument -------------------------------------------------------------- */

static int want(struct interp_check *c, unsigned r, uint64_t size, enum shadow_access how)
{
	return size ? shadow_access(c, &c->r[r], c->m->r[r], size, how) : 0;
}

/* The map in r1, which has been looked at. */
static const struct map *map_of(const struct interp_check *c)
{
	return c->p->map[c->r[1].index];
}

static int want_map(const struct interp_check *c, unsigned r, bool ring)
{
	const struct shadow *s = &c->r[r];

	if (s->type != SHADOW_MAP || c->m->r[r] != s->lo)
		return shadow_fail(c, "r%u is not a map", r);
	if (ring != (c->p->map[s->index]->attr.type == BPF_MAP_TYPE_RINGBUF))
		return shadow_fail(c, "r%u is map %s, which is %s", r, c->p->map[s->index]->name,
				   ring ? "no ring buffer" : "a ring buffer");
	return 0;
}

static int want_record(const struct interp_check *c, unsigned r)
{
	const struct shadow *s = &c->r[r];

	if (s->type != SHADOW_RECORD || c->m->r[r] != s->lo)
		return shadow_fail(c, "r%u is not a ring record's beginning", r);
	if (!shadow_record(c, s->index))
		return shadow_fail(c, "the ring record in r%u was given back before", r);
	return 0;
}

static int want_string(struct interp_check *c, unsigned r)
{
	uint64_t at = c->m->r[r];
	int err;

	do {
		err = shadow_access(c, &c->r[r], at, 1, SHADOW_LOAD);
	} while (!err && *(const char *)(uintptr_t)at++);
	return err;
}

/* Sizes are 32 bits for those helpers that have them, and the others refuse what is too much. */
static uint64_t size_behind(const struct interp_check *c, unsigned r)
{
	return (uint32_t)c->m->r[r + 1];
}

static int want_sized(struct interp_check *c, unsigned r, enum shadow_access how, bool empty)
{
	uint64_t size = size_behind(c, r);
	int err = shadow_use(c, r + 1);

	if (err)
		return err;
	if (c->r[r + 1].type != SHADOW_NUMBER)
		return shadow_fail(c, "r%u is a size, and a pointer is in it", r + 1);
	if (!size && !empty)
		return shadow_fail(c, "r%u is a size, and 0", r + 1);
	return want(c, r, size, how);
}

static int want_ctx(const struct interp_check *c, unsigned r)
{
	uint64_t before = c->p->kind == PROGRAM_PLAIN ? 0 : CTX_BEFORE;

	if (c->r[r].type == SHADOW_CTX && c->m->r[r] == c->ctx.lo + before)
		return 0;
	return shadow_fail(c, "r%u is not ctx", r);
}

static int want_arg(struct interp_check *c, unsigned r, enum proto_arg arg)
{
	int err = arg == ARG_NONE ? 0 : shadow_use(c, r);

	if (err)
		return err;
	switch (arg) {
	case ARG_CTX:
		return want_ctx(c, r);
	case ARG_MAP:
	case ARG_RING:
		return want_map(c, r, arg == ARG_RING);
	case ARG_KEY:
		return want(c, r, map_of(c)->attr.key_size, SHADOW_LOAD);
	case ARG_VALUE:
		return want(c, r, map_of(c)->attr.value_size, SHADOW_LOAD);
	case ARG_IN:
	case ARG_IN0:
		return want_sized(c, r, SHADOW_LOAD, arg == ARG_IN0);
	case ARG_OUT:
	case ARG_OUT0:
		return want_sized(c, r, SHADOW_FILL, arg == ARG_OUT0);
	case ARG_OUT8:
		return want(c, r, 8, SHADOW_FILL);
	case ARG_STRING:
		return want_string(c, r);
	case ARG_RECORD:
		return want_record(c, r);
	default:
		return 0;
	}
}

/* -- helpers ---------------------------------------------------------------------------------- */

/* NULL: a function of somebody's own, which stands where a helper of this number would. */
static const struct helper *helper_of(const struct interp_check *c, uint32_t id)
{
	const struct helper *h = helper_by_id(id);

	return h && (!h->symbol || c->env->helper[id] == h->native) ? h : NULL;
}

static void keep_args(struct interp_check *c)
{
	memcpy(c->arg, c->m->r, sizeof(c->arg));
}

int check_helper(struct interp_check *c, uint32_t id)
{
	const struct helper_proto *proto = proto_by_id(id);
	int err = 0;

	keep_args(c);
	if (!helper_of(c, id))
		return 0;
	if (!proto)
		return diag_set(c->d, -ENOTSUP,
				"insn %u: checked mode does not know what bpf_%s asks for "
				"(bpf/proto.c)",
				c->m->at, helper_name(id));
	for (unsigned r = 1; r <= PROTO_ARGS && !err; r++)
		err = want_arg(c, r, (enum proto_arg)proto->arg[r - 1]);
	memcpy(c->call[c->depth].given, c->r, sizeof(c->call[0].given));
	return err;
}

/* When there are more than we can follow, it is a number. */
static struct shadow new_record(struct interp_check *c)
{
	uint32_t *place = shadow_record(c, 0);

	if (!place)
		return shadow_number();
	*place = ++c->serial;
	return (struct shadow){
		.type = SHADOW_RECORD, .index = *place, .lo = c->m->r[0], .len = c->arg[2]
	};
}

static struct shadow result(struct interp_check *c, enum proto_ret ret)
{
	if ((ret != RET_RECORD && ret != RET_VALUE) || !c->m->r[0])
		return shadow_number();
	if (ret == RET_RECORD)
		return new_record(c);
	return (struct shadow){ .type = SHADOW_VALUE,
				.index = c->r[1].index,
				.lo = c->m->r[0],
				.len = map_of(c)->attr.value_size };
}

static void filled(struct interp_check *c, unsigned r, enum proto_arg arg)
{
	if (arg == ARG_OUT || arg == ARG_OUT0)
		shadow_set(c, c->arg[r], (uint32_t)c->arg[r + 1], NULL);
	else if (arg == ARG_OUT8)
		shadow_set(c, c->arg[r], 8, NULL);
	else if (arg == ARG_RECORD)
		*shadow_record(c, c->r[r].index) = 0;
}

void after_helper(struct interp_check *c, uint32_t id)
{
	const struct helper_proto *proto = helper_of(c, id) ? proto_by_id(id) : NULL;

	for (unsigned r = 1; proto && r <= PROTO_ARGS; r++)
		filled(c, r, (enum proto_arg)proto->arg[r - 1]);
	c->r[0] = result(c, proto ? (enum proto_ret)proto->ret : RET_NUMBER);
}

/*
 * The machine is in the function, at its first instruction; the call that led here is the caller's
 * current instruction.
 */
void callback_args(struct interp_check *c)
{
	const struct bpf_insn *call = &c->p->insn[c->m->frame[c->m->depth - 1].ret];
	const struct shadow *given = c->call[c->depth - 1].given;
	const struct map *map;

	memset(&c->r[1], 0, 5 * sizeof(c->r[0]));
	if (call->imm == BPF_FUNC_loop) {
		c->r[1] = shadow_number();
		c->r[2] = given[3];
		return;
	}
	map = c->p->map[given[1].index];
	c->r[1] = given[1];
	c->r[2] = (struct shadow){ SHADOW_KEY, given[1].index, c->m->r[2], map->attr.key_size };
	c->r[3] = (struct shadow){ SHADOW_VALUE, given[1].index, c->m->r[3], map->attr.value_size };
	c->r[4] = given[3];
}

/* -- kfuncs ------------------------------------------------------------------------------------- */

int check_kfunc(struct interp_check *c, uint32_t id)
{
	const struct kfunc *k = kfunc_by_id(id);
	int err = 0;

	keep_args(c);
	for (unsigned r = 1; k && r <= k->nargs && !err; r++)
		err = shadow_use(c, r);
	if (!err && k && k->flags & KFUNC_TAKES_CTX)
		err = want_ctx(c, 1);
	if (!err && k && k->flags & KFUNC_TAKES_ITER)
		err = want(c, 1, 8, id == KFUNC_ITER_NUM_NEW ? SHADOW_FILL : SHADOW_LOAD);
	if (!err && id == KFUNC_SET_RESULT)
		err = want_sized(c, 2, SHADOW_LOAD, true);
	return err;
}

void after_kfunc(struct interp_check *c, uint32_t id)
{
	c->r[0] = shadow_number();
	if (id == KFUNC_ITER_NUM_NEW)
		shadow_set(c, c->arg[1], 8, NULL);
	if (id == KFUNC_ITER_NUM_NEXT && c->m->r[0])
		c->r[0] = (struct shadow){ .type = SHADOW_OWN, .lo = c->m->r[0], .len = 4 };
	/* ctx itself: the program has no cookie here */
	if (id == KFUNC_SESSION_COOKIE && c->m->r[0] != c->arg[1])
		c->r[0] = (struct shadow){ .type = SHADOW_OWN, .lo = c->m->r[0], .len = 8 };
}
