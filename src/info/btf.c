/*
 * info/btf.c - see btf.h: opening, lookup by name, prototypes, counts.
 *
 * libbpf checks the header and that every type lies in its section; ids, names and chains
 * of types are checked here, at each use.
 *
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst 2.2.12 (FUNC), 2.2.13 (FUNC_PROTO)
 */
#include "info/args.h"
#include "info/btf_gen.h"
#include "info/btf_priv.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_ALIGN 4096

static int open_error(const char *path, int err, struct diag *d)
{
	switch (err) {
	case -ENODATA:
		return diag_set(d, -ENOENT, "%s: no BTF in this file", path);
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -ENOMEM:
		return diag_set(d, err, "%s: %s", path, strerror(-err));
	default:
		return diag_set(d, -EBADMSG, "%s: neither BTF nor an ELF file with sound BTF",
				path);
	}
}

/* libbpf's parsers would write their complaints to stderr. */
static struct btf *parse_quietly(const char *path, const void *raw, size_t n, int *err)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct btf *btf;

	errno = 0;
	btf = path ? btf__parse(path, NULL) : btf__new(raw, (uint32_t)n);
	*err = btf ? 0 : errno ? -errno : -EBADMSG;
	libbpf_set_print(print);
	return btf;
}

static int reader_new(struct btf *btf, struct btf_reader **out)
{
	struct btf_reader *r = calloc(1, sizeof(*r));

	if (!r) {
		btf__free(btf);
		return -ENOMEM;
	}
	r->btf = btf;
	*out = r;
	return 0;
}

int btfr_open(const char *path, struct btf_reader **out, struct diag *d)
{
	struct btf *btf;
	struct stat st;
	int err;

	if (stat(path, &st) < 0)
		return open_error(path, -errno, d);
	if (!S_ISREG(st.st_mode)) /* a FIFO would hold us up */
		return open_error(path, -EBADMSG, d);
	btf = parse_quietly(path, NULL, 0, &err);
	if (err == -ENOENT)
		err = -ENODATA; /* the file is there: libbpf says so of a missing section too */
	return btf ? reader_new(btf, out) : open_error(path, err, d);
}

int btfr_open_mem(const void *raw, size_t n, struct btf_reader **out, struct diag *d)
{
	struct btf *btf;
	int err;

	if (n > UINT32_MAX)
		return open_error("BTF in memory", -EBADMSG, d);
	btf = parse_quietly(NULL, raw, n, &err);
	return btf ? reader_new(btf, out) : open_error("BTF in memory", err, d);
}

void btfr_close(struct btf_reader *r)
{
	if (!r)
		return;
	btf__free(r->btf);
	vec_free(&r->name);
	vec_free(&r->told);
	free(r->memo);
	free(r);
}

const char *btfr_str(const struct btf_reader *r, uint32_t offset)
{
	const char *s = btf__str_by_offset(r->btf, offset);

	return s ? s : "";
}

/* Of equal names the better one comes first: a tag before a typedef. */
static int kind_order(unsigned kind)
{
	return kind == BTF_KIND_TYPEDEF ? 1 : 0;
}

static int compare_names(const void *pa, const void *pb)
{
	const struct btfr_name *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	if (c)
		return c;
	if (kind_order(a->kind) != kind_order(b->kind))
		return kind_order(a->kind) - kind_order(b->kind);
	return a->id < b->id ? -1 : a->id > b->id;
}

static int compare_told(const void *pa, const void *pb)
{
	const struct btfr_told *a = pa, *b = pb;

	return a->id < b->id ? -1 : a->id > b->id;
}

const struct btfr_told *btfr_told_of(const struct btf_reader *r, uint32_t id)
{
	struct btfr_told key = { .id = id };

	return r->told.n ? bsearch(&key, r->told.at, r->told.n, sizeof(key), compare_told) : NULL;
}

/* An alignment that no type of this size has is not believed. */
static int note_tag(struct btf_reader *r, const struct btf_type *tag)
{
	const struct btf_type *of = btf__type_by_id(r->btf, tag->type);
	const char *text = btfr_str(r, tag->name_off);
	struct btfr_told told = { .id = tag->type };
	unsigned long align;
	char *end;

	if (!of || btf_decl_tag(tag)->component_idx != -1)
		return 0;
	if (btf_is_func(of) && !strcmp(text, BTF_TAG_NORETURN))
		return vec_push(&r->told, told);
	if (!btf_is_composite(of) || strncmp(text, BTF_TAG_ALIGN, strlen(BTF_TAG_ALIGN)) != 0)
		return 0;
	align = strtoul(text + strlen(BTF_TAG_ALIGN), &end, 10);
	if (*end || !align || align > MAX_ALIGN || align & (align - 1) || of->size % align)
		return 0;
	told.align = (uint32_t)align;
	return vec_push(&r->told, told);
}

static int index_names(struct btf_reader *r)
{
	uint32_t n = btf__type_cnt(r->btf);

	if (r->indexed)
		return 0;
	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(r->btf, id);
		struct btfr_name e = { .id = id };

		if (!t)
			continue;
		if (btf_is_decl_tag(t) && note_tag(r, t) < 0)
			return -ENOMEM;
		e.kind = btf_kind(t);
		e.name = btfr_str(r, t->name_off);
		if (!*e.name || !(btf_is_func(t) || btf_is_composite(t) || btf_is_any_enum(t) ||
				  btf_is_typedef(t)))
			continue;
		if (vec_push(&r->name, e) < 0)
			return -ENOMEM;
	}
	if (r->name.n)
		qsort(r->name.at, r->name.n, sizeof(*r->name.at), compare_names);
	if (r->told.n)
		qsort(r->told.at, r->told.n, sizeof(*r->told.at), compare_told);
	r->indexed = true;
	return 0;
}

static bool kind_wanted(unsigned kind, bool func, const char *tag)
{
	if (func || kind == BTF_KIND_FUNC)
		return func && kind == BTF_KIND_FUNC;
	if (!tag)
		return true;
	switch (kind) {
	case BTF_KIND_STRUCT:
		return !strcmp(tag, "struct ");
	case BTF_KIND_UNION:
		return !strcmp(tag, "union ");
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return !strcmp(tag, "enum ");
	default:
		return false;
	}
}

/* The id, 0: none.  tag: "struct ", "union ", "enum " or NULL, any type. */
static uint32_t find_name(const struct btf_reader *r, const char *name, bool func, const char *tag)
{
	size_t lo = 0, hi = r->name.n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(r->name.at[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < r->name.n && !strcmp(r->name.at[lo].name, name); lo++)
		if (kind_wanted(r->name.at[lo].kind, func, tag))
			return r->name.at[lo].id;
	return 0;
}

static const struct btf_type *func_proto(const struct btf_reader *r, const struct btf_type *func)
{
	const struct btf_type *t = btf__type_by_id(r->btf, func->type);

	return t && btf_is_func_proto(t) ? t : NULL;
}

/* The last parameter of a variadic function has neither name nor type. */
static bool is_variadic(const struct btf_type *proto)
{
	const struct btf_param *p = btf_params(proto);
	unsigned n = btf_vlen(proto);

	return n && !p[n - 1].name_off && !p[n - 1].type;
}

static int build_proto(struct btf_reader *r, const struct btf_type *proto, struct ty_pool *pool,
		       struct proto *p, struct diag *d)
{
	const struct btf_param *have = btf_params(proto);
	struct proto_param *param;
	int err;

	p->variadic = is_variadic(proto);
	p->nparams = btf_vlen(proto) - p->variadic;
	err = btfr_build(r, proto->type, pool, &p->ret, d);
	param = ty_pool_alloc(pool, p->nparams * sizeof(*param));
	p->param = param;
	if (!param)
		return -ENOMEM;
	for (unsigned i = 0; i < p->nparams && !err; i++) {
		err = btfr_build(r, have[i].type, pool, &param[i].type, d);
		param[i].name = ty_pool_str(pool, btfr_str(r, have[i].name_off));
		if (!param[i].name)
			return -ENOMEM;
	}
	return err;
}

int btfr_proto(struct btf_reader *r, const char *func, struct ty_pool *pool, struct proto *out,
	       struct diag *d)
{
	struct proto p = { .source = PROTO_BTF };
	const struct btf_type *proto;
	uint32_t id;
	int err;

	err = index_names(r);
	if (err < 0)
		return err;
	id = find_name(r, func, true, NULL);
	if (!id)
		return diag_set(d, -ENOENT, "BTF has no function %s", func);
	proto = func_proto(r, btf__type_by_id(r->btf, id));
	if (!proto)
		return diag_set(d, -EBADMSG, "damaged BTF: function %s has no prototype", func);
	p.noreturn = btfr_told_of(r, id) != NULL;
	p.name = ty_pool_str(pool, func);
	err = p.name ? build_proto(r, proto, pool, &p, d) : -ENOMEM;
	if (!err)
		*out = p;
	return err;
}

int btfr_type(struct btf_reader *r, const char *name, struct ty_pool *pool, const struct ty **out,
	      struct diag *d)
{
	static const char *const tags[] = { "struct ", "union ", "enum " };
	const char *tag = NULL, *bare = name;
	uint32_t id;
	int err;

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (!strncmp(name, tags[i], strlen(tags[i]))) {
			tag = tags[i];
			bare = name + strlen(tag);
		}
	err = index_names(r);
	if (err < 0)
		return err;
	id = find_name(r, bare, false, tag);
	if (!id)
		return diag_set(d, -ENOENT, "BTF has no type %s", name);
	return btfr_build(r, id, pool, out, d);
}

/* One VAR; a type that cannot be built costs this variable its type, not the others. */
static int fill_var(struct btf_reader *r, const struct btf_var_secinfo *info, struct ty_pool *pool,
		    struct section_var *v)
{
	const struct btf_type *t = btf__type_by_id(r->btf, info->type);
	struct diag unused = { "" };
	int err;

	v->offset = info->offset;
	v->size = info->size;
	v->name = "";
	if (!t || !btf_is_var(t))
		return 0;
	v->name = ty_pool_str(pool, btfr_str(r, t->name_off));
	if (!v->name)
		return -ENOMEM;
	err = btfr_build(r, t->type, pool, &v->type, &unused);
	if (err)
		v->type = NULL;
	return err == -ENOMEM ? err : 0;
}

int btfr_section(struct btf_reader *r, uint32_t id, struct ty_pool *pool,
		 const struct section_var **out, unsigned *n, struct diag *d)
{
	const struct btf_type *t = id ? btf__type_by_id(r->btf, id) : NULL;
	struct section_var *v;
	int err = 0;

	if (!t || !btf_is_datasec(t))
		return diag_set(d, -ENOENT, "BTF has no data section %u", id);
	v = ty_pool_alloc(pool, btf_vlen(t) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (unsigned i = 0; i < btf_vlen(t) && !err; i++)
		err = fill_var(r, btf_var_secinfos(t) + i, pool, &v[i]);
	*out = v;
	*n = btf_vlen(t);
	return err;
}

static void peek(const struct btf_reader *r, uint32_t id, bool *aggregate, bool *floating)
{
	const struct btf_type *t = NULL;

	for (unsigned i = 0; i < 64; i++) {
		t = btf__type_by_id(r->btf, id);
		if (!t || !(btf_is_mod(t) || btf_is_typedef(t) || btf_is_type_tag(t)))
			break;
		id = t->type;
	}
	*aggregate |= t && btf_is_composite(t);
	*floating |= t && btf_is_float(t);
}

int btfr_args(struct btf_reader *r, struct args_table *t, struct diag *d)
{
	uint32_t n = btf__type_cnt(r->btf);
	struct args_table table = { 0 };

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *f = btf__type_by_id(r->btf, id), *proto;
		bool aggregate = false, floating = false, unused = false;
		unsigned vlen;

		if (!f || !btf_is_func(f))
			continue;
		proto = func_proto(r, f);
		if (!proto)
			return diag_set(d, -EBADMSG, "damaged BTF: function %s has no prototype",
					btfr_str(r, f->name_off));
		vlen = btf_vlen(proto);
		for (unsigned i = 0; i < vlen; i++)
			peek(r, btf_params(proto)[i].type, &aggregate, &floating);
		peek(r, proto->type, &unused, &floating);
		table.functions++;
		table.by_args[vlen < ARGS_MAX ? vlen : ARGS_MAX - 1]++;
		table.variadic += is_variadic(proto);
		table.struct_by_value += aggregate;
		table.with_float += floating;
	}
	*t = table;
	return 0;
}
