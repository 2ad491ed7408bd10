/*
 * info/dwarf_same.c - functions that gcc found to be the same as another (see dwarf_priv.h).
 *
 * -fipa-icf, on by default at -O2, keeps one body of several.  A function whose address is taken
 * keeps code of its own, a jump to the other's or a copy of a short one, with its signature
 * as written, but its entry in DWARF loses the addresses.  The symbol tells the name, and the one
 * function so called in the unit that the code lies in is it.  Only what gcc says of C: LLVM changes
 * signatures without changing names, and in C++ names are not one.
 *
 * Context  [ctl]
 * Spec     gcc: ipa-icf.cc, sem_function::merge()
 */
#include "info/dwarf_priv.h"

#include <string.h>

static bool has_code(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges) ||
	       dwarf_hasattr(die, DW_AT_entry_pc);
}

/* The only one of the unit that is called so, whatever it is; false: none, or several. */
static bool only_one(struct dwr_unit *u, const char *name, Dwarf_Die *out)
{
	unsigned n = 0;
	Dwarf_Die child;
	const char *is;

	if (!dwr_first(&u->die, &child))
		return false;
	do {
		if (dwarf_tag(&child) != DW_TAG_subprogram)
			continue;
		is = dwr_name(&child);
		if (is && !strcmp(is, name)) {
			*out = child;
			n++;
		}
	} while (dwr_next(&child));
	return n == 1;
}

int dwr_same_at(struct dwarf_reader *r, struct dwr_unit *u, taddr_t addr,
		const struct dwr_func **out)
{
	const struct dwr_sym *sym;
	Dwarf_Die die;
	size_t n;
	int err;

	*out = NULL;
	if (!dwr_is_c(u->lang) || !dwr_made_by_gcc(&u->die))
		return 0;
	err = dwr_index_syms(r);
	if (err < 0)
		return err;
	sym = dwr_syms_at(r, addr, &n);
	for (size_t i = 0; i < n && !*out; i++) {
		if (!sym[i].name || !only_one(u, sym[i].name, &die) || has_code(&die) ||
		    dwr_flag(&die, DW_AT_declaration) || !dwr_flag(&die, DW_AT_prototyped))
			continue;
		r->same = (struct dwr_func){ .addr = addr, .die = die, .placeless = true };
		*out = &r->same;
	}
	return 0;
}
