/*
 * info/dwarf_def.c - the definition of a type that is only declared (see dwarf_priv.h).
 *
 * In C by name in the same unit.  In C++ a plain name is not enough: the same scopes must be around
 * it.  A class may be described in another unit alone, clang does so by intent
 * (-fno-standalone-debug: where its constructor is); the one-definition rule makes that the same,
 * but for what is in an unnamed namespace.  Looking everywhere reads all units once, so it is for
 * types without which a function could not be presented, and for others in files of moderate size.
 *
 * Context  [ctl]
 * Spec     DWARF 5, 5.7.1 (declarations, DW_AT_specification), 5.7.3 (DW_AT_signature);
 *          C++17 6.2 (one-definition rule)
 */
#include "info/dwarf_priv.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define MODERATE (64u << 20) /* bytes of .debug_info */

static bool is_type(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_enumeration_type;
}

/* "struct" and "class" are one. */
static int kind_of(int tag)
{
	return tag == DW_TAG_class_type ? DW_TAG_structure_type : tag;
}

/* -- everywhere ------------------------------------------------------------------------------ */

static int collect(struct dwarf_reader *r, Dwarf_Die *scope, unsigned depth)
{
	Dwarf_Die child;
	int err = 0;

	if (depth > DWR_MAX_DEPTH || !dwr_first(scope, &child))
		return 0;
	do {
		int tag = dwarf_tag(&child);
		struct dwr_def def = { dwarf_diename(&child), kind_of(tag), child };

		if (tag == DW_TAG_namespace && !def.name)
			continue; /* each unit has its own */
		if (is_type(tag) && def.name && !dwr_flag(&child, DW_AT_declaration) &&
		    !dwarf_hasattr(&child, DW_AT_signature))
			err = vec_push(&r->cxx_def, def);
		if (!err && tag != DW_TAG_enumeration_type &&
		    (tag == DW_TAG_namespace || is_type(tag)))
			err = collect(r, &child, depth + 1);
	} while (!err && dwr_next(&child));
	return err;
}

static int compare(const void *pa, const void *pb)
{
	const struct dwr_def *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	if (!c)
		c = a->tag - b->tag;
	/* the same order in every run */
	return c || a->die.addr == b->die.addr ? c : a->die.addr < b->die.addr ? -1 : 1;
}

static int collect_all(struct dwarf_reader *r)
{
	int err = 0;

	if (r->have_cxx_def)
		return 0;
	for (size_t i = 0; i < r->unit.n && !err; i++)
		if (dwr_is_cxx(r->unit.at[i].lang))
			err = collect(r, &r->unit.at[i].die, 0);
	if (err)
		return err;
	if (r->cxx_def.n)
		qsort(r->cxx_def.at, r->cxx_def.n, sizeof(*r->cxx_def.at), compare);
	r->have_cxx_def = true;
	return 0;
}

/* -- names ----------------------------------------------------------------------------------- */

/* With scopes: a nested class that is defined outside of the other is declared in it. */
static const char *full_name(struct dwarf_reader *r, Dwarf_Die *die, const char *name,
			     struct ty_pool *pool)
{
	Dwarf_Die decl;

	if (dwr_ref(die, DW_AT_specification, &decl))
		die = &decl;
	return dwr_qualified(r, die, name, pool);
}

static bool is_private(const char *full)
{
	return !strncmp(full, "(anonymous)", 11) || strstr(full, "::(anonymous)");
}

/* Among defs, sorted, the one of this full name; NULL: none. */
static const struct dwr_def *pick(struct dwarf_reader *r, const struct dwr_def *defs, size_t n,
				  const struct dwr_def *want, const char *full,
				  struct ty_pool *pool)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(defs[mid].name, want->name);

		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n && !strcmp(defs[lo].name, want->name); lo++) {
		Dwarf_Die die = defs[lo].die;
		const char *is;

		if (kind_of(defs[lo].tag) != want->tag)
			continue;
		is = full_name(r, &die, want->name, pool);
		if (is && !strcmp(is, full))
			return &defs[lo];
	}
	return NULL;
}

static bool is_moderate(const struct dwarf_reader *r)
{
	size_t size = 0, shstr;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(r->elf, &shstr))
		return false;
	while ((scn = elf_nextscn(r->elf, scn))) {
		GElf_Shdr h;
		const char *name;

		if (!gelf_getshdr(scn, &h))
			return false;
		name = elf_strptr(r->elf, shstr, h.sh_name);
		if (name && (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info")))
			size += h.sh_size;
	}
	return size <= MODERATE;
}

static void find_cxx(struct dwarf_reader *r, struct dwr_unit *u, Dwarf_Die *die, enum dwr_need need,
		     struct ty_pool *pool)
{
	struct dwr_def want = { .name = dwarf_diename(die), .tag = kind_of(dwarf_tag(die)) };
	const char *full = want.name ? full_name(r, die, want.name, pool) : NULL;
	const struct dwr_def *def;
	size_t n;

	if (!full)
		return;
	def = dwr_unit_defs(u, &n);
	def = pick(r, def, n, &want, full, pool);
	if (!def && need != DWR_OPAQUE && !is_private(full) &&
	    (need == DWR_WHOLE || is_moderate(r)) && !collect_all(r))
		def = pick(r, r->cxx_def.at, r->cxx_def.n, &want, full, pool);
	if (def)
		*die = def->die;
}

void dwr_find_definition(struct dwarf_reader *r, Dwarf_Die *die, enum dwr_need need,
			 struct ty_pool *pool)
{
	const struct dwr_def *def = NULL;
	int tag = dwarf_tag(die);
	Dwarf_Die by_signature;
	struct dwr_unit *u;
	const char *name;

	if (!is_type(tag))
		return;
	if (dwr_ref(die, DW_AT_signature, &by_signature)) { /* gcc flags no declaration here */
		*die = by_signature;
		return;
	}
	if (!dwr_flag(die, DW_AT_declaration))
		return;
	u = dwr_unit_of(r, die);
	if (u && dwr_is_cxx(u->lang)) {
		find_cxx(r, u, die, need, pool);
		return;
	}
	name = dwarf_diename(die);
	if (name && u)
		def = dwr_find_def(u, name, tag);
	if (def)
		*die = def->die;
}
