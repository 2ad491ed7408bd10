/*
 * attach/types.c - see types.h.
 */
#include "attach/types.h"
#include "attach/pack.h"
#include "attach/spec.h"
#include "model/func_model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int types_init(struct type_sources *t)
{
	*t = (struct type_sources){ 0 };
	return ty_pool_new(&t->pool);
}

void types_fini(struct type_sources *t)
{
	for (size_t i = 0; i < t->files.n; i++) {
		free(t->files.at[i].module);
		free(t->files.at[i].path);
		btfr_close(t->files.at[i].btf);
	}
	vec_free(&t->files);
	vec_free(&t->protos);
	ty_pool_free(t->pool);
	t->pool = NULL;
}

int types_add_proto(struct type_sources *t, const char *text, struct diag *d)
{
	struct proto p;
	int err = proto_parse(text, t->pool, &p, d);

	if (err)
		return err;
	if (!p.name || !p.name[0])
		return diag_set(d, -EBADMSG, "prototype '%s' has no function name", text);
	p.source = PROTO_USER;
	t->generation++;
	return vec_push(&t->protos, p);
}

int types_add_btf(struct type_sources *t, const char *module, const char *file, struct diag *d)
{
	struct type_file f = { 0 };
	int err = btfr_open(file, &f.btf, d);

	if (err)
		return err;
	f.module = strdup(module);
	f.path = strdup(file);
	if (!f.module || !f.path || vec_push(&t->files, f) < 0) {
		free(f.module);
		free(f.path);
		btfr_close(f.btf);
		return -ENOMEM;
	}
	t->generation++;
	return 0;
}

/* The i-th name of the function: what it is called here, then the symbols at its address. */
static const char *name_at(const struct amodule *m, taddr_t addr, const char *symbol, unsigned i)
{
	const struct objsym *s = objfile_sym_at(m->obj, addr), *end = m->obj->sym + m->obj->nsym;

	if (i == 0)
		return symbol;
	for (; s && s < end && s->addr == addr; s++) {
		if ((s->type == OBJSYM_FUNC || s->type == OBJSYM_IFUNC) && --i == 0)
			return s->name;
	}
	return NULL;
}

bool types_proto_addr(const char *name, taddr_t *addr)
{
	*addr = strtoull(name, NULL, 16);
	return name[0] == '0' && (name[1] | 0x20) == 'x';
}

/* An address means the function there in whichever module it is asked for. */
static int from_protos(const struct type_sources *t, const char *symbol, taddr_t addr,
		       struct proto *out)
{
	for (size_t i = 0; i < t->protos.n; i++) {
		const char *name = t->protos.at[i].name;
		taddr_t at;

		if (types_proto_addr(name, &at) ? at == addr : !strcmp(name, symbol)) {
			*out = t->protos.at[i];
			return 0;
		}
	}
	return -ENOENT;
}

static bool file_is_for(const struct type_file *f, const struct amodule *m)
{
	struct fspec s = { .module = f->module, .module_glob = strpbrk(f->module, "*?") != NULL };

	return fspec_module_matches(&s, m->path, m->obj->soname);
}

const char *types_btf_file(const struct type_sources *t, const struct amodule *m)
{
	for (size_t i = 0; i < t->files.n; i++) {
		if (file_is_for(&t->files.at[i], m))
			return t->files.at[i].path;
	}
	return NULL;
}

/* The user's BTF file for this module, asked for the function. */
static int from_files(const struct type_sources *t, const struct amodule *m, const char *symbol,
		      struct ty_pool *pool, struct proto *out)
{
	for (size_t i = 0; i < t->files.n; i++) {
		if (!file_is_for(&t->files.at[i], m))
			continue;
		if (!btfr_proto(t->files.at[i].btf, symbol, pool, out, NULL)) {
			out->source = PROTO_FILE;
			return 0;
		}
	}
	return -ENOENT;
}

/* What comes with utramp, for the symbols that the module exports. */
static int from_pack(struct amodule *m, const char *symbol, taddr_t addr, struct ty_pool *pool,
		     struct proto *out)
{
	struct btf_reader *pack = module_pack(m);
	const char *name;

	for (unsigned i = 0; pack && (name = name_at(m, addr, symbol, i)); i++) {
		if (pack_may_tell(m, name, addr) && !btfr_proto(pack, name, pool, out, NULL)) {
			out->source = PROTO_PACK;
			return 0;
		}
	}
	return -ENOENT;
}

int types_find(const struct type_sources *t, struct amodule *m, const char *symbol, taddr_t addr,
	       struct ty_pool *pool, struct proto *out, struct diag *d)
{
	struct btf_reader *btf;
	struct dwarf_reader *dw;
	struct diag why = { 0 };
	const char *name;
	int err;

	for (unsigned i = 0; (name = name_at(m, addr, symbol, i)); i++) {
		if (!from_protos(t, name, addr, out))
			return 0;
	}
	for (unsigned i = 0; t->files.n && (name = name_at(m, addr, symbol, i)); i++) {
		if (!from_files(t, m, name, pool, out))
			return 0;
	}
	btf = module_btf(m);
	for (unsigned i = 0; btf && (name = name_at(m, addr, symbol, i)); i++) {
		if (!btfr_proto(btf, name, pool, out, NULL)) {
			out->source = PROTO_BTF;
			return 0;
		}
	}
	dw = module_dwarf(m);
	err = dw ? dwr_proto_at(dw, addr, pool, out, &why) : -ENOENT;
	if (!err) {
		out->source = PROTO_DWARF;
		return 0;
	}
	if (!from_pack(m, symbol, addr, pool, out))
		return 0;
	if (err == -ENOENT) /* that DWARF does not know it is nothing to tell */
		return diag_set(d, -ENOENT, "%s", m->debug.why ? m->debug.why : "");
	return diag_set(d, -ENOENT, "%s", why.text);
}

const char *proto_source_name(uint8_t source)
{
	static const char *const name[] = { "none", "BTF", "DWARF", "pack", "--btf", "--proto" };

	return source < ARRAY_LEN(name) ? name[source] : "none";
}
