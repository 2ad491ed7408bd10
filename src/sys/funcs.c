/*
 * sys/funcs.c - see records.h: what BTF says of a program's functions, for the verifier.
 *
 * A global function is one whose BTF has that linkage.  Its arguments become what bpf/verify_global.c knows:
 * numbers; memory of the size that is pointed to; the context, by the tag "arg:ctx" or by the name of its
 * struct; words of the target's, by "arg:trusted" or "arg:untrusted".  What else there may be is refused,
 * where the function is called.
 *
 * Errors   none: what is wrong with a prototype stands in verify_func.why, in the kernel's words
 * Memory   nothing is kept
 * Context  [ctl]
 * Spec     Linux kernel/bpf/btf.c btf_prepare_func_args(), btf_is_prog_ctx_type(); uapi/linux/btf.h
 */
#include "sys/records.h"

#include "base/types.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NARGS    ARRAY_LEN(((struct verify_func *)0)->param)
#define MOST     32 /* typedefs and qualifiers of one type */
#define CTX_NAME "bpf_raw_tracepoint_args"

enum {
	TAG_CTX = 1,
	TAG_NONNULL = 2,
	TAG_TRUSTED = 4,
	TAG_UNTRUSTED = 8,
	TAG_NULLABLE = 16,
	TAG_OTHER = 32,
};

static const struct {
	const char *name;
	unsigned tag;
} tags[] = {
	{ "ctx", TAG_CTX },           { "nonnull", TAG_NONNULL },     { "trusted", TAG_TRUSTED },
	{ "nullable", TAG_NULLABLE }, { "untrusted", TAG_UNTRUSTED },
};

static const char make_static[] =
	"make the function static: then it is verified at each call, with what it is given";
static const char give_size[] =
	"give the pointer a type whose size is known, tell \"arg:ctx\" or \"arg:untrusted\" of the parameter, or make "
	"the function static";
static const char known_tags[] =
	"tags are \"arg:ctx\", \"arg:nonnull\" and \"arg:untrusted\", on pointers, one "
	"of them each; else make the function static";

static void cannot(struct verify_func *f, const char *change, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void cannot(struct verify_func *f, const char *change, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	f->change = change;
}

/* Without typedefs and qualifiers; NULL: void, or nothing. */
static const struct btf_type *plain(const struct btf *b, uint32_t id)
{
	const struct btf_type *t = id ? btf__type_by_id(b, id) : NULL;

	for (unsigned n = 0; t && (btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)); n++)
		t = t->type && n < MOST ? btf__type_by_id(b, t->type) : NULL;
	return t;
}

static const char *name_of(const struct btf *b, const struct btf_type *t)
{
	const char *name = t ? btf__name_by_offset(b, t->name_off) : NULL;

	return name ? name : "";
}

/* As the kernel's btf_type_str() calls it. */
static const char *kind_of(const struct btf_type *t)
{
	static const char *const kinds[] = { "UNKNOWN", "INT",        "PTR",      "ARRAY",
					     "STRUCT",  "UNION",      "ENUM",     "FWD",
					     "TYPEDEF", "VOLATILE",   "CONST",    "RESTRICT",
					     "FUNC",    "FUNC_PROTO", "VAR",      "DATASEC",
					     "FLOAT",   "DECL_TAG",   "TYPE_TAG", "ENUM64" };
	unsigned kind = t ? btf_kind(t) : 0;

	return kind < ARRAY_LEN(kinds) ? kinds[kind] : "UNKNOWN";
}

static bool is_number(const struct btf_type *t)
{
	return t && (btf_is_int(t) || btf_is_any_enum(t));
}

/* -- declaration tags ------------------------------------------------------------------------ */

static unsigned tag_by_name(const char *name)
{
	if (strncmp(name, "arg:", 4) != 0)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(tags); k++)
		if (!strcmp(name + 4, tags[k].name))
			return tags[k].tag;
	return TAG_OTHER;
}

/* Of all parameters of the function with this id, in one walk over the types. */
static void find_tags(const struct btf *b, uint32_t func, unsigned tag[NARGS])
{
	uint32_t n = btf__type_cnt(b);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(b, id);
		int at =
			btf_is_decl_tag(t) && t->type == func ? btf_decl_tag(t)->component_idx : -1;

		if (at >= 0 && at < (int)NARGS)
			tag[at] |= tag_by_name(name_of(b, t));
	}
}

/* -- parameters ------------------------------------------------------------------------------------ */

static bool is_word(const struct btf_type *t)
{
	return btf_is_int(t) && t->size == 8;
}

/* "arg:ctx" is told of a pointer to anything, to its words, or to its struct. */
static void context(struct verify_func *f, unsigned i, const struct btf *b,
		    const struct btf_type *to, unsigned tag)
{
	if (tag & ~TAG_CTX)
		return cannot(f, known_tags, "arg#%u has invalid combination of tags", i);
	if (to && !is_word(to) && strcmp(name_of(b, to), CTX_NAME) != 0)
		return cannot(f, "declare it as void *ctx or unsigned long long *ctx",
			      "arg#%u should be `struct " CTX_NAME " *`", i);
	f->param[i].kind = PARAM_CTX;
}

static void memory(struct verify_func *f, unsigned i, const struct btf *b, uint32_t id,
		   unsigned tag)
{
	const struct btf_type *to = plain(b, id);
	int64_t size = to ? btf__resolve_size(b, id) : -EINVAL;

	if (tag & TAG_NULLABLE)
		return cannot(f, known_tags, "arg#%u has invalid combination of tags", i);
	if (size < 0 || size > UINT32_MAX)
		return cannot(f, give_size,
			      "arg#%u reference type('%s %s') size cannot be determined: %d", i,
			      kind_of(to), name_of(b, to), -EINVAL);
	f->param[i] = (struct verify_param){ .kind = PARAM_MEMORY,
					     .nonnull = tag & TAG_NONNULL,
					     .size = (uint32_t)size };
}

static void target(struct verify_func *f, unsigned i, unsigned tag)
{
	bool sure = tag & TAG_TRUSTED; /* or NULL, which it may be in any case */

	if (sure ? tag & ~(unsigned)(TAG_TRUSTED | TAG_NONNULL | TAG_NULLABLE) :
		   tag & ~(unsigned)TAG_UNTRUSTED)
		return cannot(f, known_tags,
			      sure ? "arg#%u has invalid combination of tags" :
				     "arg#%u untrusted cannot be combined with any other tags",
			      i);
	f->param[i].kind = PARAM_TARGET;
}

static void param(struct verify_func *f, unsigned i, const struct btf *b, uint32_t type,
		  unsigned tag)
{
	const struct btf_type *t = plain(b, type), *to;

	if (tag & TAG_OTHER)
		return cannot(f, known_tags, "arg#%u has unsupported set of tags", i);
	if (!t || !btf_is_ptr(t)) {
		if (tag)
			return cannot(f, known_tags,
				      "arg#%u has pointer tag, but is not a pointer type", i);
		if (!is_number(t))
			return cannot(f, make_static,
				      "Arg#%u type %s in %s() is not supported yet.", i, kind_of(t),
				      f->name);
		f->param[i].kind = PARAM_NUMBER;
		return;
	}
	to = plain(b, t->type);
	if (tag & TAG_CTX || (to && btf_is_struct(to) && !strcmp(name_of(b, to), CTX_NAME)))
		return context(f, i, b, to, tag);
	if (tag & (TAG_TRUSTED | TAG_UNTRUSTED))
		return target(f, i, tag);
	memory(f, i, b, t->type, tag);
}

static void prototype(struct verify_func *f, const struct btf *b, uint32_t func,
		      const struct btf_type *proto)
{
	const struct btf_type *ret = plain(b, proto->type);
	const struct btf_param *p = btf_params(proto);
	unsigned tag[NARGS] = { 0 }, n = btf_vlen(proto);

	if (n > NARGS)
		return cannot(f, make_static,
			      "Global function %s() with %u > %zu args. Buggy compiler.", f->name,
			      n, NARGS);
	f->is_void = !proto->type;
	if (!f->is_void && !is_number(ret))
		return cannot(
			f, make_static,
			"Global function %s() doesn't return scalar. Only those are supported.",
			f->name);
	find_tags(b, func, tag);
	f->nparams = (uint8_t)n;
	for (unsigned i = 0; i < n && !f->why[0]; i++)
		param(f, i, b, p[i].type, tag[i]);
}

static const struct bpf_func_info *find(const struct sys_info_records *r, uint32_t insn)
{
	const struct bpf_func_info *f = r->data;

	for (uint32_t i = 0; i < r->n; i++)
		if (f[i].insn_off == insn)
			return &f[i];
	return NULL;
}

bool sys_records_function(void *arg, uint32_t insn, struct verify_func *out)
{
	const struct sys_lines *s = arg;
	const struct bpf_func_info *info = find(s->func, insn);
	const struct btf_type *t = info ? btf__type_by_id(s->btf, info->type_id) : NULL;
	const struct btf_type *proto = t ? btf__type_by_id(s->btf, t->type) : NULL;

	if (!proto || !*name_of(s->btf, t))
		return false;
	/* of a function that is its linkage */
	*out = (struct verify_func){ .global = btf_vlen(t) == BTF_FUNC_GLOBAL };
	snprintf(out->name, sizeof(out->name), "%s", name_of(s->btf, t));
	if (out->global && insn)
		prototype(out, s->btf, info->type_id, proto);
	return true;
}
