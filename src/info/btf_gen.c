/*
 * info/btf_gen.c - see btf_gen.h: each type of a header is one of BTF, with the same id.
 *
 * Context  [ctl]
 */
#include "info/btf_gen.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_enum(struct btf *btf, const struct header_type *t)
{
	bool wide = t->size > 4;
	int id = wide ? btf__add_enum64(btf, t->name, (uint32_t)t->size, t->is_signed) :
			btf__add_enum(btf, t->name, (uint32_t)t->size);
	int err = id < 0 ? id : 0;

	for (size_t i = 0; i < t->m.n && !err; i++) {
		const struct header_member *m = &t->m.at[i];

		if (wide)
			err = btf__add_enum64_value(btf, m->name, (uint64_t)m->value);
		else
			err = btf__add_enum_value(btf, m->name,
						  t->is_signed ? m->value :
								 (int64_t)(uint32_t)m->value);
	}
	return err ? err : id;
}

static int add_aggregate(struct btf *btf, const struct header_type *t)
{
	int id, err = 0;

	if (t->size > UINT32_MAX)
		return -E2BIG;
	id = t->kind == HEADER_UNION ? btf__add_union(btf, t->name, (uint32_t)t->size) :
				       btf__add_struct(btf, t->name, (uint32_t)t->size);
	for (size_t i = 0; i < t->m.n && id > 0 && !err; i++) {
		const struct header_member *m = &t->m.at[i];

		if (m->at > UINT32_MAX)
			return -E2BIG;
		err = btf__add_field(btf, *m->name ? m->name : NULL, (int)m->type, (uint32_t)m->at,
				     m->bits);
	}
	return err ? err : id;
}

static int add_proto(struct btf *btf, const struct header_type *t)
{
	int id = btf__add_func_proto(btf, (int)t->of), err = 0;

	for (size_t i = 0; i < t->m.n && id > 0 && !err; i++)
		err = btf__add_func_param(btf, *t->m.at[i].name ? t->m.at[i].name : NULL,
					  (int)t->m.at[i].type);
	if (t->variadic && id > 0 && !err)
		err = btf__add_func_param(btf, NULL, 0);
	return err ? err : id;
}

/* An array is indexed by some integer: by the first there is, itself if there is none. */
static int index_type(const struct header *h, int self)
{
	for (size_t i = 0; i < h->types.n; i++) {
		if (h->types.at[i].kind == HEADER_INT)
			return (int)i + 1;
	}
	return self;
}

/* The id that it got, or a negative errno. */
static int add_type(struct btf *btf, const struct header *h, size_t i)
{
	const struct header_type *t = &h->types.at[i];

	switch ((enum header_kind)t->kind) {
	case HEADER_INT:
		return btf__add_int(btf, t->name, t->size,
				    t->is_bool   ? BTF_INT_BOOL :
				    t->is_signed ? BTF_INT_SIGNED :
						   0);
	case HEADER_FLOAT:
		return btf__add_float(btf, t->name, t->size);
	case HEADER_PTR:
		return btf__add_ptr(btf, (int)t->of);
	case HEADER_ARRAY:
		return btf__add_array(btf, index_type(h, (int)i + 1), (int)t->of, (uint32_t)t->n);
	case HEADER_STRUCT:
	case HEADER_UNION:
		return add_aggregate(btf, t);
	case HEADER_ENUM:
		return add_enum(btf, t);
	case HEADER_FWD_STRUCT:
		return btf__add_fwd(btf, t->name, BTF_FWD_STRUCT);
	case HEADER_FWD_UNION:
		return btf__add_fwd(btf, t->name, BTF_FWD_UNION);
	case HEADER_FWD_ENUM:
		return btf__add_fwd(btf, t->name, BTF_FWD_ENUM);
	case HEADER_TYPEDEF:
		return btf__add_typedef(btf, t->name, (int)t->of);
	case HEADER_CONST:
		return btf__add_const(btf, (int)t->of);
	case HEADER_VOLATILE:
		return btf__add_volatile(btf, (int)t->of);
	case HEADER_RESTRICT:
		return btf__add_restrict(btf, (int)t->of);
	case HEADER_PROTO:
		return add_proto(btf, t);
	}
	return -EINVAL;
}

/* libbpf tells errors in place of ids. */
static int failed(int id, const char *what, const char *name, struct diag *d)
{
	if (id >= 0)
		return 0;
	return diag_set(d, id == -ENOMEM ? id : -E2BIG, "BTF has no room for %s %s: %s", what, name,
			strerror(-id));
}

static int add_types(struct btf *btf, const struct header *h, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; i < h->types.n && !err; i++)
		err = failed(add_type(btf, h, i), "type", h->types.at[i].name, d);
	for (size_t i = 0; i < h->types.n && !err; i++) {
		const struct header_type *t = &h->types.at[i];
		char tag[32];

		if (t->kind != HEADER_STRUCT && t->kind != HEADER_UNION)
			continue;
		snprintf(tag, sizeof(tag), BTF_TAG_ALIGN "%u", t->align);
		err = failed(btf__add_decl_tag(btf, tag, (int)i + 1, -1), "type", t->name, d);
	}
	return err;
}

static int add_funcs(struct btf *btf, const struct header *h, struct diag *d)
{
	int err = 0;

	for (size_t i = 0; i < h->funcs.n && !err; i++) {
		const struct header_func *f = &h->funcs.at[i];
		int id = btf__add_func(btf, f->name, BTF_FUNC_GLOBAL, (int)f->proto);

		err = failed(id, "function", f->name, d);
		if (!err && f->noreturn)
			err = failed(btf__add_decl_tag(btf, BTF_TAG_NORETURN, id, -1), "function",
				     f->name, d);
	}
	return err;
}

int btfgen_raw(const struct header *h, void **out, size_t *size, struct diag *d)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	uint32_t n = 0;
	int err = btf ? add_types(btf, h, d) : -ENOMEM;

	if (!err)
		err = add_funcs(btf, h, d);
	raw = err ? NULL : btf__raw_data(btf, &n);
	*out = raw ? malloc(n) : NULL;
	if (*out) {
		memcpy(*out, raw, n);
		*size = n;
	} else if (!err) {
		err = -ENOMEM;
	}
	btf__free(btf);
	return err;
}
