/*
 * info/dwarf_sym.c - what symbols tell of a function's signature (see dwarf_priv.h).
 *
 * gcc gives a function whose parameters it changed a name with a suffix: .isra, if some may have
 * been added (a pointer becomes what it points to), .constprop and .part, if some may be missing.
 * LLVM mostly keeps the name, but does so only to functions that nothing else calls: their
 * symbols are local, also those that link-time optimisation made so.
 *
 * Context  [ctl]
 * Spec     gcc: ipa-sra.cc, ipa-cp.cc, ipa-split.cc; LLVM: ArgumentPromotion.cpp,
 *          DeadArgumentElimination.cpp
 */
#include "info/dwarf_priv.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

static unsigned by_suffix(const char *name)
{
	static const struct {
		const char *mark;
		unsigned flag;
	} suffix[] = {
		{ ".isra.", SYM_ANY | SYM_RESULT }, { ".part.", SYM_FEWER | SYM_RESULT },
		{ ".constprop.", SYM_FEWER },       { ".argprom", SYM_ANY },
		{ ".argelim", SYM_FEWER },          { ".retelim", SYM_FEWER | SYM_RESULT },
		{ ".specialized", SYM_FEWER },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < ARRAY_LEN(suffix); i++)
		if (strstr(name, suffix[i].mark))
			flags |= suffix[i].flag;
	return flags;
}

static int add_table(struct dwarf_reader *r, Elf *elf, Elf_Scn *scn, size_t strings)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && data->d_buf ? data->d_size / sizeof(Elf64_Sym) : 0;
	const char *name;
	GElf_Sym sym;

	for (size_t i = 0; i < n && i < INT32_MAX; i++) {
		struct dwr_sym s = { .flags = SYM_KNOWN };

		if (!gelf_getsym(data, (int)i, &sym) || GELF_ST_TYPE(sym.st_info) != STT_FUNC ||
		    sym.st_shndx == SHN_UNDEF)
			continue;
		name = elf_strptr(elf, strings, sym.st_name);
		s.addr = sym.st_value;
		s.name = name;
		s.flags |= name ? by_suffix(name) : 0;
		if (GELF_ST_BIND(sym.st_info) != STB_LOCAL)
			s.flags |= SYM_GLOBAL;
		if (vec_push(&r->sym, s) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int compare_syms(const void *pa, const void *pb)
{
	const struct dwr_sym *a = pa, *b = pb;

	return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static int add_tables(struct dwarf_reader *r, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	int err = 0;

	while (!err && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB)
			err = add_table(r, elf, scn, shdr.sh_link);
	return err;
}

int dwr_index_syms(struct dwarf_reader *r)
{
	int err;

	if (r->have_syms)
		return 0;
	vec_free(&r->sym);
	err = add_tables(r, r->elf);
	if (!err && r->code != r->elf)
		err = add_tables(r, r->code);
	if (r->sym.n)
		qsort(r->sym.at, r->sym.n, sizeof(*r->sym.at), compare_syms);
	r->have_syms = !err;
	return err;
}

const struct dwr_sym *dwr_syms_at(const struct dwarf_reader *r, taddr_t addr, size_t *n)
{
	size_t lo = 0, hi = r->sym.n, mid, end;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (r->sym.at[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < r->sym.n && r->sym.at[end].addr == addr; end++)
		;
	*n = end - lo;
	return *n ? &r->sym.at[lo] : NULL;
}

unsigned dwr_sym_flags(const struct dwarf_reader *r, taddr_t addr)
{
	const struct dwr_sym *sym;
	unsigned flags = 0;
	size_t n;

	sym = dwr_syms_at(r, addr, &n);
	for (size_t i = 0; i < n; i++)
		flags |= sym[i].flags;
	return flags;
}
