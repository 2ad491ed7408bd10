/*
 * info/dwarf_lang.c - what a unit's language, producer and contents tell (see dwarf_priv.h).
 *
 * Context  [ctl]
 * Spec     DWARF 5, 3.1.1 (DW_AT_language, DW_AT_producer) and the list of languages on
 *          dwarfstd.org
 */
#include "info/dwarf_priv.h"
#include "info/maker.h"

#include <string.h>

/* Younger than the header. */
enum {
	LANG_CXX17 = 0x2a,
	LANG_CXX20 = 0x2b,
	LANG_C17 = 0x2c,
	LANG_FORTRAN18 = 0x2d,
	LANG_ADA2005 = 0x2e,
	LANG_ADA2012 = 0x2f,
	LANG_CXX23 = 0x3a,
	LANG_C23 = 0x3e,
};

bool dwr_is_c(int lang)
{
	switch (lang) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case LANG_C17:
	case LANG_C23:
		return true;
	default:
		return false;
	}
}

bool dwr_is_cxx(int lang)
{
	switch (lang) {
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case LANG_CXX17:
	case LANG_CXX20:
	case LANG_CXX23:
		return true;
	default:
		return false;
	}
}

static bool is_c_family(int lang)
{
	switch (lang) {
	case DW_LANG_ObjC:
	case DW_LANG_ObjC_plus_plus:
	case DW_LANG_UPC:
		return true;
	default:
		return dwr_is_c(lang) || dwr_is_cxx(lang);
	}
}

enum dwr_calls dwr_calls_of(int lang)
{
	switch (lang) {
	case DW_LANG_Fortran77:
	case DW_LANG_Fortran90:
	case DW_LANG_Fortran95:
	case DW_LANG_Fortran03:
	case DW_LANG_Fortran08:
	case LANG_FORTRAN18:
	case DW_LANG_Ada83:
	case DW_LANG_Ada95:
	case LANG_ADA2005:
	case LANG_ADA2012:
		return CALLS_BY_PLACE;
	default:
		return is_c_family(lang) ? CALLS_AS_C : CALLS_OTHERWISE;
	}
}

static const char *producer_of(Dwarf_Die *die)
{
	const char *producer = NULL;
	Dwarf_Attribute a;
	Dwarf_Die cu;

	if (dwarf_diecu(die, &cu, NULL, NULL) && dwarf_attr(&cu, DW_AT_producer, &a))
		producer = dwarf_formstring(&a);
	return producer ? producer : "";
}

struct proto_maker dwr_maker_of(Dwarf_Die *die)
{
	return maker_parse(producer_of(die));
}

bool dwr_made_by_gcc(Dwarf_Die *die)
{
	return dwr_maker_of(die).compiler == MAKER_GCC;
}

/* The producer's text has the options; without any, nothing is known (-gno-record-gcc-switches). */
bool dwr_untracked(Dwarf_Die *die)
{
	const char *producer = producer_of(die), *level;
	bool optimised = false;

	if (!dwr_made_by_gcc(die))
		return false;
	for (level = producer; (level = strstr(level, " -O")); level += 3)
		optimised = level[3] != '0';
	return !optimised || strstr(producer, " -fno-var-tracking");
}

static bool tells_types(Dwarf_Die *die)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_base_type:
	case DW_TAG_pointer_type:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
		return true;
	case DW_TAG_subprogram:
		return dwr_flag(die, DW_AT_prototyped) || dwarf_hasattr(die, DW_AT_type);
	default:
		return false;
	}
}

/* With less (-g1, line tables for profiling) functions have neither result nor parameters. */
bool dwr_unit_typed(struct dwr_unit *u)
{
	Dwarf_Die child;

	if (u->typed_known)
		return u->typed;
	u->typed_known = true;
	if (!dwr_first(&u->die, &child))
		return false;
	do {
		u->typed = tells_types(&child);
	} while (!u->typed && dwr_next(&child));
	return u->typed;
}
