/*
 * attach/func.h - from a specification to functions, with types, model and site.
 *
 * Errors   -ENOENT nothing matches: see nearest.h
 * Memory   functions belong to their func_list; prototypes to the modset's pool
 * Context  [ctl]
 */
#ifndef ATTACH_FUNC_H
#define ATTACH_FUNC_H

#include "attach/modset.h"
#include "attach/refusal.h"
#include "attach/spec.h"
#include "attach/types.h"
#include "model/func_model.h"
#include "text/site.h"

#include <limits.h>

struct func {
	struct amodule *mod;
	const char *name; /* the symbol that matched, mangled */
	char *aliases;    /* ", "-separated other names of the address; NULL: none */
	bool ifunc;       /* a resolver, not a function */
	taddr_t addr;     /* in the file */
	struct taddr_range range;

	struct proto proto; /* proto.source PROTO_NONE: no types */
	struct func_model *model;
	struct site site; /* valid if !site_err */
	int site_err;
	char *reason; /* why entry, or only exit, cannot be attached; NULL: nothing */
	const struct refusal *refusal; /* what kind of reason that is */
	bool can_entry, can_exit;
	char *types_why;     /* why no types, beyond that there are none; NULL */
	unsigned types_seen; /* of type_sources.generation, when the prototype was looked up */
};

struct func_list {
	VEC(struct func *);
};

/*
 * Find what spec names.  Patterns leave out start-up and stub functions (_start, _init,
 * PLT).  Models and sites are not made yet: func_prepare().
 */
int func_resolve(struct modset *s, const struct fspec *spec, struct func_list *out, struct diag *d);
/* What it names in this module, if the module is one that it means; nothing is no error. */
int func_resolve_in(struct modset *s, struct amodule *m, const struct fspec *spec,
		    struct func_list *out, struct diag *d);
/* Does spec name f, by any of the names that its address has? */
bool func_answers(const struct func *f, const struct fspec *spec);

/* Code has this name; start-up code, linker stubs and parts of functions, which no pattern means. */
bool func_symbol(const struct objsym *sym);
bool func_is_startup(const char *name);

void func_list_fini(struct func_list *l);
void func_free(struct func *f);

/* How to fetch the bytes of the process: 0, or a negative errno. */
struct live {
	int (*read)(void *arg, taddr_t addr, void *out, size_t n);
	void *arg;
};

/*
 * Types, model and site.  Never fails for want of types: the model is raw then.  The site
 * keeps its bytes from other sites' hops, until func_give_back().  live NULL: only to show,
 * by the file's own bytes.
 */
int func_prepare(struct func *f, const struct type_sources *types, const struct live *live,
		 struct ty_pool *pool, struct diag *d);

/* Types and model alone, of a function that is only looked at. */
int func_find_types(struct func *f, const struct type_sources *types, struct ty_pool *pool);

/* The function that module m exports by this name; -ENOENT. */
int func_exported(struct amodule *m, const char *name, struct func **out, struct diag *d);

/* As func_prepare(), but types are not looked for: func_retype() is to do that. */
#define TYPES_UNSEEN UINT_MAX
int func_prepare_untyped(struct func *f, const struct live *live, struct diag *d);

/* f was looked at and not patched: its bytes are to be had again. */
void func_give_back(struct func *f);

/* Types, model and what they decide, anew; the site stays. */
int func_retype(struct func *f, const struct type_sources *types, struct ty_pool *pool);

/* Nothing can be attached to f, for this reason. */
void func_refuse(struct func *f, int err, const struct refusal *kind, const char *why);

/* Run-time address. */
static inline taddr_t func_addr(const struct func *f)
{
	return f->addr + f->mod->bias;
}

#endif
