/*
 * attach/prepare.c - types, model and site of one function, and what may be attached.
 */
#include "attach/func.h"
#include "attach/policy.h"
#include "attach/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A window ends within CODE_MAX; padding for a hop is sought 127 bytes around it. */
#define CODE_MAX    64
#define NEAR_BEFORE 160
#define NEAR_BEHIND 160

static void add_reason(struct func *f, const struct refusal *kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void add_reason(struct func *f, const struct refusal *kind, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	if (f->reason)
		return; /* the first one is the strongest */
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	f->reason = text;
	f->refusal = kind;
}

static void forget_reason(struct func *f)
{
	free(f->reason);
	f->reason = NULL;
	f->refusal = NULL;
}

static int make_model(struct func *f, const struct type_sources *types, struct ty_pool *pool,
		      struct diag *d)
{
	struct diag why = { 0 };
	int err = types_find(types, f->mod, f->name, f->addr, pool, &f->proto, &why);

	f->types_seen = types->generation;
	free(f->types_why);
	f->types_why = err && why.text[0] ? strdup(why.text) : NULL;
	if (!err)
		err = func_model_from_proto(&f->proto, &f->model, d);
	else
		f->proto = (struct proto){ .name = f->name, .source = PROTO_NONE };
	if (err == -ENOMEM)
		return err;
	if (err) { /* no types, or ones that cannot be presented: registers only */
		if (f->proto.source != PROTO_NONE && d)
			add_reason(f, &refusal_not_modelled, "exit: %s", d->text);
		err = func_model_raw(&f->model);
	}
	return err;
}

/* A stretch of code around a function, as it is and as it ought to be. */
struct bytes {
	uint8_t mem[NEAR_BEFORE + CODE_MAX + NEAR_BEHIND],
		file[NEAR_BEFORE + CODE_MAX + NEAR_BEHIND];
	size_t before, n; /* bytes in front of the function; bytes from its start on */
};

static void read_file(const struct func *f, size_t want, struct bytes *b)
{
	b->before = NEAR_BEFORE;
	while (b->before &&
	       module_bytes(f->mod, f->range.lo - b->before, b->file, b->before) != b->before)
		b->before /= 2; /* the segment begins there */
	b->n = module_bytes(f->mod, f->range.lo, b->file + b->before, want);
}

/* The same from the process, no more than the mapping has. */
static void read_mem(const struct func *f, const struct live *live, struct bytes *b)
{
	taddr_t lo = f->range.lo + f->mod->bias;

	if (!live || !f->mod->live) {
		memcpy(b->mem, b->file, b->before + b->n);
		return;
	}
	if (live->read(live->arg, lo - b->before, b->mem, b->before) < 0) {
		memmove(b->file, b->file + b->before, b->n);
		b->before = 0;
	}
	while (b->n && live->read(live->arg, lo, b->mem + b->before, b->n) < 0)
		b->n--;
}

static int make_site(struct func *f, const struct live *live, struct diag *d)
{
	size_t len = f->range.hi - f->range.lo;
	taddr_t bias = f->mod->bias;
	const struct taddr_range *taken;
	const struct sweep *sweep;
	struct bytes b;
	size_t ntaken;
	int err = module_sweep(f->mod, &sweep, d);

	if (err)
		return err;
	read_file(f, (len < CODE_MAX ? len : CODE_MAX) + NEAR_BEHIND, &b);
	read_mem(f, live, &b);
	if (!b.n)
		return diag_set(d, -EFAULT, "its code cannot be read");
	taken = module_taken(f->mod, f->range.lo + bias - b.before, f->range.lo + bias + b.n,
			     &ntaken);
	err = site_describe(
		&(struct site_query){ .sweep = sweep,
				      .bias = bias,
				      .func = { f->range.lo + bias, f->range.hi + bias },
				      .entry = f->addr + bias,
				      .mem = b.mem + b.before,
				      .file = b.file + b.before,
				      .n = b.n,
				      .before = b.before,
				      .may_hop = true,
				      .taken = taken,
				      .ntaken = ntaken },
		&f->site, d);
	return err ? err : module_take(f->mod, &f->site);
}

/* The first rule that applies to a name of the function, whichever was asked for. */
static const char *by_policy(const struct func *f, const char *(*rule)(const char *, const char *))
{
	const struct objsym *s = objfile_sym_at(f->mod->obj, f->addr);
	const struct objsym *end = f->mod->obj->sym + f->mod->obj->nsym;
	const char *soname = f->mod->obj->soname, *why = rule(f->name, soname);

	for (; !why && s && s < end && s->addr == f->addr; s++) {
		if (s->type == OBJSYM_FUNC || s->type == OBJSYM_IFUNC)
			why = rule(s->name, soname);
	}
	return why;
}

/*
 * Goroutines run on stacks of a few KiB that are checked by Go's prologues alone, and copied when
 * they grow, return addresses and all (runtime/stack.go: StackGuard, copystack).  Go's code lies
 * between two symbols; without them all of the file is taken for it.
 */
static struct taddr_range find_go(const struct objfile *o)
{
	const struct objsym *lo, *hi;
	size_t n;

	if (!objfile_section(o, ".gopclntab", &n, NULL) &&
	    !objfile_section(o, ".data.rel.ro.gopclntab", &n, NULL))
		return (struct taddr_range){ 0, 0 };
	lo = objfile_sym(o, "runtime.text");
	hi = objfile_sym(o, "runtime.etext");
	if (lo && hi)
		return (struct taddr_range){ lo->addr, hi->addr };
	return (struct taddr_range){ 0, UINT64_MAX };
}

static const char *by_language(const struct func *f)
{
	struct amodule *m = f->mod;

	if (!m->go.known)
		m->go.code = find_go(m->obj);
	m->go.known = true;
	if (f->addr < m->go.code.lo || f->addr >= m->go.code.hi)
		return NULL;
	return "it is Go code, whose stacks have no room for programs and are moved when they "
	       "grow; functions of libraries, and of C in the program, can be traced";
}

/*
 * gcc's -fsplit-stack: a function first compares rsp, or what it will be, with the end of its
 * piece of stack, cmp reg, fs:[0x70] (gcc/config/i386/i386.h: TARGET_THREAD_SPLIT_STACK_OFFSET;
 * libgcc/config/i386/morestack.S).  Behind that end are about a thousand bytes, for handlers of
 * signals: programs and helpers may want more, and below lies anything.
 */
static const char *by_stack(const struct func *f)
{
	uint8_t code[24];
	size_t len = f->range.hi > f->addr ? f->range.hi - f->addr : sizeof(code);
	size_t n = module_bytes(f->mod, f->addr, code, len < sizeof(code) ? len : sizeof(code));

	for (size_t i = 0; i + 9 <= n; i++) {
		const uint8_t *p = code + i;

		if (p[0] == 0x64 && (p[1] & 0xfb) == 0x48 && p[2] == 0x3b &&
		    (p[3] & 0xc7) == 0x04 && p[4] == 0x25 && p[5] == 0x70 && !p[6] && !p[7] &&
		    !p[8])
			return "it is compiled with -fsplit-stack, and its piece of stack may have "
			       "no room for programs; compile it without";
	}
	return NULL;
}

static void decide_exit(struct func *f)
{
	const char *why = by_policy(f, policy_entry_only);

	if (why)
		add_reason(f, refusal_of_policy(why), "exit: %s", why);
	else if (f->proto.noreturn)
		add_reason(f, &refusal_noreturn, "exit: it never returns");
	else if (f->proto.source == PROTO_NONE)
		add_reason(f, &refusal_no_types,
			   "exit: no types in %s, so the size of its stack arguments is not "
			   "known; give them with --proto, --btf or --debuginfo%s%s%s",
			   f->mod->shown, f->types_why ? " (" : "",
			   f->types_why ? f->types_why : "", f->types_why ? ")" : "");
	else if (f->proto.variadic)
		add_reason(
			f, &refusal_variadic,
			"exit: variadic, so the size of its stack arguments is not known; if all "
			"calls have as many, give those with --proto");
	else if (!f->model->k_known)
		add_reason(f, &refusal_stack_args,
			   "exit: %s%sthe size of its stack arguments is not known",
			   f->model->k_why ? f->model->k_why : "", f->model->k_why ? ", so " : "");
	else
		f->can_exit = true;
}

void func_refuse(struct func *f, int err, const struct refusal *kind, const char *why)
{
	forget_reason(f);
	add_reason(f, kind, "%s", why);
	f->can_entry = f->can_exit = false;
	f->site_err = err;
}

/* Why f is never patched, whatever its bytes; NULL: nothing. */
static const char *what_forbids(const struct func *f, const struct refusal **kind)
{
	const char *never = by_policy(f, policy_never_patched);

	*kind = &refusal_ifunc;
	if (f->ifunc)
		return "it is an IFUNC resolver, run by the loader; name the implementation it "
		       "chooses";
	*kind = refusal_of_policy(never);
	if (never)
		return never;
	*kind = &refusal_go;
	never = by_language(f);
	if (never)
		return never;
	*kind = &refusal_split_stack;
	return by_stack(f);
}

/* Why make_site() failed. */
static const struct refusal *site_refusal(const struct func *f)
{
	if (f->site.reason != SITE_OK)
		return refusal_of_site(f->site.reason);
	return f->mod->sweep ? &refusal_unreadable : &refusal_unanalysed;
}

/* Whether and where it can be patched; 0, or -ENOMEM. */
static int prepare_site(struct func *f, const struct live *live, struct diag *d)
{
	struct diag why = { 0 };
	const struct refusal *kind;
	const char *never = what_forbids(f, &kind);

	if (never) {
		func_refuse(f, -ENOTSUP, kind, never);
		return 0;
	}
	f->site_err = make_site(f, live, &why);
	if (f->site_err == -ENOMEM)
		return diag_set(d, -ENOMEM, "out of memory");
	if (f->site_err) {
		func_refuse(f, f->site_err, site_refusal(f), diag_text(&why, f->site_err));
		return 0;
	}
	f->can_entry = true;
	decide_exit(f);
	return 0;
}

int func_prepare(struct func *f, const struct type_sources *types, const struct live *live,
		 struct ty_pool *pool, struct diag *d)
{
	struct diag why = { 0 };
	int err = make_model(f, types, pool, &why);

	return err ? err : prepare_site(f, live, d);
}

int func_find_types(struct func *f, const struct type_sources *types, struct ty_pool *pool)
{
	struct diag why = { 0 };

	return make_model(f, types, pool, &why);
}

int func_prepare_untyped(struct func *f, const struct live *live, struct diag *d)
{
	int err = func_model_raw(&f->model);

	f->proto = (struct proto){ .name = f->name, .source = PROTO_NONE };
	f->types_seen = TYPES_UNSEEN;
	return err ? err : prepare_site(f, live, d);
}

void func_give_back(struct func *f)
{
	if (!f->site_err && f->site.kind != SITE_NONE)
		module_give_back(f->mod, &f->site);
}

int func_retype(struct func *f, const struct type_sources *types, struct ty_pool *pool)
{
	struct func_model *former = f->model;
	const struct refusal *kind = f->refusal;
	struct diag why = { 0 };
	char *reason = f->reason;
	int err;

	f->reason = NULL;
	f->refusal = NULL;
	err = make_model(f, types, pool, &why);
	if (err)
		f->model = former;
	else
		func_model_free(former);
	if (err || !f->can_entry) { /* the reason is stronger than one for want of types */
		forget_reason(f);
		f->reason = reason;
		f->refusal = kind;
		return err;
	}
	free(reason);
	f->can_exit = false;
	decide_exit(f);
	return 0;
}

const char *func_refusal(const struct func *f, enum tramp_kind kind)
{
	if (!f->can_entry)
		return f->reason ? f->reason : "it cannot be patched";
	if (kind != TRAMP_FENTRY && !f->can_exit)
		return f->reason ? f->reason : "exit programs are not possible";
	return NULL;
}
