/*
 * attach/code.c - utramp_code: gather what a function's trampoline is made of; see code.h.
 */
#include "attach/code.h"
#include "attach/object.h"
#include "bpf/insn.h"
#include "bpf/verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *code_kind_name(enum tramp_kind kind)
{
	static const char *const name[] = { "fentry", "fmod_ret", "fexit" };

	return name[kind];
}

const char *code_layout_name(enum tramp_layout l)
{
	return l == TRAMP_SEED ? "seed" : "ours";
}

const char *code_entry_name(enum tramp_entry e)
{
	return e == TRAMP_BY_CALL ? "call" : "jmp";
}

/* -- bodies that tell where they went ---------------------------------------------------- */

static void wrapped_emit(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	struct code_prog *p = ((const struct code_prog *)self)->self, *place = p;

	if (p->exit && env->kind == TRAMP_FEXIT)
		place = p->exit;
	if (env->open)
		place->open_lo = a->len;
	else
		place->call_lo = a->len;
	p->inner->emit(a, env, p->inner->self);
	if (!env->open)
		place->call_hi = a->len;
}

static void wrapped_cold(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	const struct code_prog *p = self;

	p->inner->emit_cold(a, env, p->inner->self);
}

static void wrapped_rest(struct x86_asm *a, const struct tramp_env *env, const void *self)
{
	struct code_prog *p = ((const struct code_prog *)self)->self;

	p->code_lo = a->len;
	p->inner->emit_rest(a, env, p->inner->self);
	p->code_hi = a->len - p->inner->data;
}

/* A program's full name and file, if it is of an object. */
static void find_program(const struct utramp_target *t, struct code_prog *out)
{
	out->name = out->link->prog->name;
	for (size_t i = 0; i < t->objects.n; i++) {
		const struct utramp_object *o = t->objects.at[i];

		for (size_t k = 0; k < o->programs.n; k++) {
			if (o->programs.at[k]->prog != out->link->prog)
				continue;
			out->name = object_program_name(o->programs.at[k]);
			out->object = o->path;
		}
	}
}

/* The wrapper of a session program's other place: both must have one body. */
static struct code_prog *wrapped_before(const struct code_view *v, const struct code_prog *p)
{
	for (struct code_prog *q = v->prog; q < p; q++) {
		if (q->link == p->link)
			return q;
	}
	return NULL;
}

static int wrap_programs(struct code_view *v)
{
	const struct hook *h = v->hook;
	struct code_prog *p = calloc(v->recipe.nprogs + 1, sizeof(*p));

	v->prog = p;
	if (!p)
		return -ENOMEM;
	for (int k = 0; k < TRAMP_KINDS; k++) {
		for (size_t i = 0; i < h->list[k].n; i++, p++) {
			struct tramp_prog *tp = &v->recipe.prog[p - v->prog];
			struct code_prog *before;

			p->self = p;
			p->link = h->list[k].at[i];
			p->inner = tp->body;
			p->kind = (enum tramp_kind)k;
			find_program(v->t, p);
			before = wrapped_before(v, p);
			if (before) {
				before->exit = p;
				tp->body = &before->body;
				continue;
			}
			p->body = (struct tramp_body){ .facts = p->inner->facts,
						       .emit = wrapped_emit,
						       .data = p->inner->data,
						       .self = p };
			if (p->inner->emit_cold)
				p->body.emit_cold = wrapped_cold;
			if (p->inner->emit_rest)
				p->body.emit_rest = wrapped_rest;
			tp->body = &p->body;
		}
	}
	return 0;
}

/* -- addresses by name -------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) static int add_name(struct code_view *v, taddr_t at,
							  uint64_t size, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n, err;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	err = vec_push(&v->texts, text);
	if (err) {
		free(text);
		return err;
	}
	return at ? vec_push(&v->names, ((struct x86_name){ at, size, text })) : 0;
}

static int name_map(struct code_view *v, const struct map *m)
{
	taddr_t arena = v->t->env[v->hook->slab].arena;
	int err = add_name(v, arena + m->ref, sizeof(struct shm_map), "map %s", m->name);

	return err || !m->shm->values ? err :
					add_name(v, arena + m->shm->values, m->shm->values_size,
						 "values of map %s", m->name);
}

/*
 * Subprograms follow the program's own code in the order of their numbers, and every one is
 * called from there: the distinct targets of calls, by address.
 */
static int name_subprograms(struct code_view *v, const struct code_prog *p)
{
	uint32_t at = p->code_lo, next = p->code_lo;
	int err = 0;

	for (unsigned i = 1; i < p->link->prog->nsub && !err; i++, at = next) {
		struct x86_insn insn;

		next = UINT32_MAX;
		for (uint32_t off = p->code_lo; off < p->code_hi; off += insn.len) {
			taddr_t pc = v->image_at + off;

			if (x86_decode(v->image.bytes + off, p->code_hi - off, pc, &insn) < 0)
				return 0;
			if (insn.flow == X86_FLOW_CALL && insn.target > v->image_at + at &&
			    insn.target < v->image_at + p->code_hi &&
			    insn.target - v->image_at < next)
				next = (uint32_t)(insn.target - v->image_at);
		}
		if (next == UINT32_MAX)
			return 0;
		err = add_name(v, v->image_at + next, 0, "%s, subprogram %u", p->name, i);
	}
	return err;
}

/* As the interpreter reads it: header, functions, helpers, then the instructions. */
static int name_data(struct code_view *v, const struct code_prog *p)
{
	taddr_t at = v->image_at + p->code_hi;

	if (!p->inner->data || p->code_hi == p->code_lo)
		return 0;
	if (vec_push(&v->data, ((struct x86_data){ at, at + p->inner->data })))
		return -ENOMEM;
	return add_name(v, at, 0, "%s, for the interpreter", p->name);
}

static int name_program(struct code_view *v, const struct code_prog *p)
{
	const struct program *prog = p->link->prog;
	taddr_t arena = v->t->env[v->hook->slab].arena;
	int err = 0;

	if (p->call_hi > p->call_lo)
		err = add_name(v, v->image_at + p->call_lo, 0, "run %s", p->name);
	if (!err && p->open_lo)
		err = add_name(v, v->image_at + p->open_lo, 0, "run %s, tail call", p->name);
	if (!err && p->code_hi > p->code_lo)
		err = add_name(v, v->image_at + p->code_lo, 0, "%s", p->name);
	if (!err)
		err = name_subprograms(v, p);
	if (!err)
		err = name_data(v, p);
	if (!err && prog->stats)
		err = add_name(v, arena + prog->stats, sizeof(struct shm_prog), "statistics of %s",
			       p->name);
	for (uint32_t i = 0; i < prog->nmaps && !err; i++)
		err = name_map(v, prog->map[i]);
	return err;
}

static int name_helpers(struct code_view *v)
{
	const struct engine_env *env = &v->t->env[v->hook->slab];
	const struct helper *h;
	unsigned n;
	int err;

	h = helper_table(&n);
	err = add_name(v, env->first, 0, "rt_first");
	if (!err)
		err = add_name(v, env->guard_slow, 0, "rt_guard_slow");
	if (!err)
		err = add_name(v, env->interp, 0, "interpreter");
	if (!err)
		err = add_name(v, env->set_result, 0, "rt_set_result");
	if (!err)
		err = add_name(v, env->clock_gettime, 0, "the vDSO's clock_gettime");
	if (!err)
		err = add_name(v, env->hash_lookup, 0, "rt_hash_lookup");
	if (!err)
		err = add_name(v, env->hash_update, 0, "bpf_map_update_elem, of a hash map");
	if (!err)
		err = add_name(v, env->hash_delete, 0, "bpf_map_delete_elem, of a hash map");
	if (!err)
		err = add_name(v, env->run_end, 0, "rt_run_end");
	if (!err)
		err = add_name(v, env->tail, 0, "rt_tail");
	if (!err)
		err = add_name(v, env->helper[HELPER_FORMAT_ARGS], 0, "rt_format_args");
	for (unsigned i = 0; i < n && !err; i++)
		err = add_name(v, env->helper[h[i].id], 0, "bpf_%s", h[i].name);
	return err;
}

static int name_code(struct code_view *v)
{
	const struct slot_code *s = &v->slot;
	const struct tramp_marks *marks = &v->image.marks;
	const struct tramp_shim *shim = &v->recipe.shim;
	bool seed = v->recipe.spec.layout == TRAMP_SEED;
	const struct {
		taddr_t at;
		const char *name;
	} list[] = {
		{ s->enter, "enter" },
		{ s->leave_ret, "leave_ret" },
		{ s->leave_resume, "leave_resume" },
		{ s->moved, "original" },
		{ s->image_ptr, "image pointer" },
		{ v->image_at, "image" },
		{ seed ? shim->enter : 0, "enter function" },
		{ seed ? shim->exit : 0, "exit function" },
		{ seed ? shim->image_enter : 0, "enter function of images" },
		{ seed ? shim->image_exit : 0, "exit function of images" },
		{ marks->exit_nop ? v->image_at + marks->exit_nop : 0, "exit programs" },
		{ marks->exit_nop ? v->image_at + marks->exit_skip : 0, "behind exit programs" },
		{ marks->tail ? v->image_at + marks->tail : 0, "tail calls" },
	};
	const struct func *f = v->hook->func;
	int err = add_name(v, image_no_room(v->t), 0, "calls not traced for want of stack");

	for (size_t i = 0; i < ARRAY_LEN(list) && !err; i++)
		err = add_name(v, list[i].at, 0, "%s", list[i].name);
	if (!err)
		err = name_helpers(v);
	for (unsigned i = 0; i < v->recipe.nprogs && !err; i++)
		err = name_program(v, &v->prog[i]);
	return err ? err :
		     add_name(v, func_addr(f), f->range.hi + f->mod->bias - func_addr(f), "%s",
			      f->name);
}

/* -- a view ------------------------------------------------------------------------------- */

int code_view_init(struct code_view *v, struct utramp_target *t, struct hook *h,
		   enum tramp_layout layout, struct diag *d)
{
	int n, err;

	*v = (struct code_view){ .t = t, .hook = h };
	n = image_slot_code(t, h, v->slot_bytes, NULL, sizeof(v->slot_bytes), &v->slot, d);
	if (n < 0)
		return n;
	v->slot_len = (size_t)n;
	v->image_at = image_place(t, h, &v->slot);
	/* as it is once the image is there */
	memcpy(v->slot_bytes + (v->slot.image_ptr - v->slot.at), &v->image_at, 8);
	err = recipe_init(t, h, &v->slot, layout, &v->recipe, d);
	v->recipe.shim.image = v->image_at;
	if (!err)
		err = wrap_programs(v);
	if (!err)
		err = image_emit(&v->recipe, v->image_at, &v->image, d);
	return err ? err : name_code(v);
}

void code_view_fini(struct code_view *v)
{
	for (size_t i = 0; i < v->texts.n; i++)
		free(v->texts.at[i]);
	vec_free(&v->texts);
	vec_free(&v->names);
	vec_free(&v->data);
	image_code_fini(&v->image);
	recipe_fini(&v->recipe);
	free(v->prog);
}

/* -- the example ---------------------------------------------------------------------------- */

static void read_value(struct bpf_insn *insn, uint32_t *n, const struct fm_value *v)
{
	for (unsigned j = 0; j < v->nslots; j++)
		insn[(*n)++] = (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW,
						  .dst_reg = BPF_REG_0,
						  .src_reg = BPF_REG_1,
						  .off = (int16_t)(8 * (v->slot + j)) };
}

/* r0 = each argument and, at the exit, each word of the result; return 0. */
static int example_load(struct utramp_target *t, const struct func *f, bool exit,
			struct program **out, struct diag *d)
{
	struct bpf_insn insn[FM_MAX_SLOTS + FM_MAX_RESULT + 2];
	const struct func_model *m = f->model;
	struct program_attr attr = { .name = exit ? "example_exit" : "example_entry",
				     .kind = exit ? PROGRAM_FEXIT : PROGRAM_FENTRY,
				     .insn = insn,
				     .arena = t->arena,
				     .nslots = m->nslots,
				     .nresults = m->ret.nslots };
	uint32_t n = 0;

	for (unsigned i = 0; i < m->nargs; i++)
		read_value(insn, &n, &m->arg[i]);
	if (exit)
		read_value(insn, &n, &m->ret);
	insn[n++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K };
	insn[n++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	attr.ninsns = n;
	return program_load_verified(&attr, NULL, NULL, NULL, out, d);
}

static int example_link(struct utramp_target *t, struct hook *h, bool exit, struct link **out,
			struct diag *d)
{
	struct program *p = NULL;
	int err = example_load(t, h->func, exit, &p, d);

	if (!err)
		err = hook_link(t, h, p, exit ? TRAMP_FEXIT : TRAMP_FENTRY, 0, out, d);
	program_put(p); /* the link holds it */
	return err;
}

/* -- the API ---------------------------------------------------------------------------------- */

struct shower {
	struct utramp_code_opts opts;
	int (*fn)(void *ctx, const struct utramp_code_info *c);
	void *ctx;
	struct json text, json;
};

static int show_view(struct shower *s, const struct code_view *v)
{
	struct utramp_code_info info = { .sz = sizeof(info),
					 .module = v->hook->func->mod->shown,
					 .func = v->hook->func->name };
	int err;

	json_reset(&s->text);
	json_reset(&s->json);
	err = code_show_text(v, &s->text);
	if (!err)
		err = code_show_json(v, &s->json);
	if (!err && (s->text.failed || s->json.failed))
		err = -ENOMEM;
	if (err)
		return err;
	info.text = s->text.buf;
	info.json = s->json.buf;
	return s->fn(s->ctx, &info) ? 1 : 0;
}

static int show_hook(struct shower *s, struct utramp_target *t, struct hook *h, bool example,
		     struct diag *d)
{
	enum tramp_layout layout = s->opts.layout == UTRAMP_SEED ? TRAMP_SEED : TRAMP_OURS;
	struct code_view v;
	int err = code_view_init(&v, t, h, layout, d);

	v.example = example;
	if (!err)
		err = show_view(s, &v);
	code_view_fini(&v);
	return err;
}

/* Linked for the time of the look; the hook is as before then. */
static int show_example(struct shower *s, struct utramp_target *t, struct hook *h, struct diag *d)
{
	struct link *entry = NULL, *exit = NULL;
	bool dirty = h->dirty;
	int err = example_link(t, h, false, &entry, d);

	if (!err && h->func->can_exit)
		err = example_link(t, h, true, &exit, d);
	if (!err)
		err = show_hook(s, t, h, true, d);
	if (exit)
		link_remove(exit);
	if (entry)
		link_remove(entry);
	h->dirty = dirty;
	return err;
}

/* 1: stop.  *shown counts. */
static int show_one(struct shower *s, struct utramp_target *t, struct hook *h, int *shown,
		    struct diag *d)
{
	const struct func *f = h->func;
	const char *why = func_refusal(f, TRAMP_FENTRY);
	int err;

	if (why)
		return diag_set(d, f->site_err == -EBUSY ? -EBUSY : -ENOTSUP,
				"%s:%s has no trampoline: %s", f->mod->shown, f->name, why);
	if (!hook_has_links(h) && s->opts.attached)
		return 0;
	err = hook_has_links(h) ? show_hook(s, t, h, false, d) : show_example(s, t, h, d);
	*shown += err >= 0;
	return err;
}

/* A pattern means the functions that can be patched, a name that one. */
static int show_all(struct shower *s, struct utramp_target *t, const char *spec, struct diag *d)
{
	struct hook_list list = { 0 };
	int err = session_hooks(t, spec, &list, d), shown = 0, passed = 0;

	for (size_t i = 0; i < list.n && !err; i++) {
		err = show_one(s, t, list.at[i], &shown, d);
		if (err >= 0 || !list.pattern || err == -ENOMEM)
			continue;
		passed = err;
		err = 0;
	}
	vec_free(&list);
	if (err < 0)
		return err;
	return shown || !passed ? shown : passed;
}

int utramp_code(struct utramp_target *t, const char *spec, const struct utramp_code_opts *opts,
		int (*fn)(void *ctx, const struct utramp_code_info *c), void *ctx)
{
	struct shower s = { .fn = fn, .ctx = ctx };
	struct utramp_target *file = NULL;
	struct diag *d = api_diag();
	int err;

	if (!spec || !fn)
		return api_return(diag_set(d, -EINVAL, "no function or callback given"));
	err = opts_copy(&s.opts, sizeof(s.opts), opts, d);
	if (!err && s.opts.layout != UTRAMP_OURS && s.opts.layout != UTRAMP_SEED)
		err = diag_set(d, -EINVAL, "no such layout; there are: ours, seed");
	if (!err && !t)
		err = session_file(spec, &file, d);
	json_init(&s.text);
	json_init(&s.json);
	if (!err)
		err = show_all(&s, t ? t : file, spec, d);
	json_fini(&s.text);
	json_fini(&s.json);
	session_free(file);
	return api_return(err);
}
