/*
 * info/dwarf_class.c - is a C++ class passed by invisible reference, as its declarations tell?
 *
 * It is if it is not trivial for the purposes of calls: a copy or move constructor or the
 * destructor is neither implicit nor defaulted in the class, something is virtual, or all copy
 * and move constructors are deleted.  What its members and bases are adds to that (ty_settle).
 *
 * Two things DWARF may leave open.  Whether a constructor T(const T &, int) copies depends on
 * default arguments, which gcc does not tell: not if there is another one that copies.  And
 * "= default" and "= delete" are told since DWARF 5, before it as an extension of gcc 7.
 *
 * Context  [ctl]
 * Spec     Itanium C++ ABI 3.1.2.3; DWARF 5, 5.7.8 (DW_AT_defaulted, DW_AT_deleted);
 *          C++17 15.8.1 (copy and move constructors)
 */
#include "info/dwarf_priv.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CHILDREN (1u << 20)

/* What the member functions of one class say. */
struct members {
	Dwarf_Die *class;
	const char *name;
	bool tells_defaults;
	bool is_virtual, provided; /* some function makes it non-trivial */
	bool maybe_copies;         /* with further parameters that may have defaults */
	bool copies;               /* surely, deleted or not */
	bool deleted, usable;      /* copy and move constructors */
};

enum ctor { CTOR_OTHER, CTOR_COPY, CTOR_MOVE, CTOR_MAYBE };

/* "vector" for "vector<int>": the name constructors have. */
static bool is_own_name(const char *class, const char *func)
{
	size_t n = strcspn(class, "<");

	return strlen(func) == n && !strncmp(class, func, n);
}

/* Is t a reference to the class; which kind? */
static enum ctor by_reference_to(Dwarf_Die *param, const Dwarf_Die *class)
{
	Dwarf_Die t;
	int tag;

	if (!dwr_ref(param, DW_AT_type, &t))
		return CTOR_OTHER;
	tag = dwarf_tag(&t);
	if ((tag != DW_TAG_reference_type && tag != DW_TAG_rvalue_reference_type) ||
	    !dwr_ref(&t, DW_AT_type, &t))
		return CTOR_OTHER;
	while (dwarf_tag(&t) == DW_TAG_const_type || dwarf_tag(&t) == DW_TAG_volatile_type)
		if (!dwr_ref(&t, DW_AT_type, &t))
			return CTOR_OTHER;
	if (t.addr != class->addr)
		return CTOR_OTHER;
	return tag == DW_TAG_reference_type ? CTOR_COPY : CTOR_MOVE;
}

/* By its parameters behind "this" and what else the compiler adds. */
static enum ctor ctor_kind(Dwarf_Die *ctor, const Dwarf_Die *class)
{
	enum ctor kind = CTOR_OTHER;
	bool first = true;
	Dwarf_Die p;

	if (!dwr_first(ctor, &p))
		return CTOR_OTHER;
	do {
		if (dwarf_tag(&p) == DW_TAG_unspecified_parameters && !first)
			return kind == CTOR_OTHER ? CTOR_OTHER : CTOR_MAYBE;
		if (dwarf_tag(&p) != DW_TAG_formal_parameter || dwr_flag(&p, DW_AT_artificial))
			continue;
		if (first)
			kind = by_reference_to(&p, class);
		else if (kind != CTOR_OTHER && !dwarf_hasattr(&p, DW_AT_default_value))
			return CTOR_MAYBE;
		first = false;
	} while (kind != CTOR_OTHER ? dwr_next(&p) : first && dwr_next(&p));
	return kind;
}

/* "GNU C++17 12.2.0 -mtune=generic ... -g -gstrict-dwarf"; without switches nothing is known. */
static bool tells_defaults(Dwarf_Die *class)
{
	const char *producer = NULL, *version;
	Dwarf_Half dwarf_version;
	Dwarf_Attribute a;
	Dwarf_Die cu;

	if (!dwarf_cu_die(class->cu, &cu, &dwarf_version, NULL, NULL, NULL, NULL, NULL))
		return false;
	if (dwarf_version >= 5)
		return true;
	if (dwarf_attr(&cu, DW_AT_producer, &a))
		producer = dwarf_formstring(&a);
	if (!producer || strncmp(producer, "GNU C++", 7) != 0)
		return false;
	version = strchr(producer + 7, ' ');
	return version && strtol(version, NULL, 10) >= 7 && strstr(version, " -m") &&
	       !strstr(version, "-gstrict-dwarf");
}

static void look_at_ctor(struct members *m, Dwarf_Die *func, bool provided)
{
	switch (ctor_kind(func, m->class)) {
	case CTOR_OTHER:
		return;
	case CTOR_MAYBE:
		m->maybe_copies = true;
		return;
	case CTOR_COPY:
		m->copies = true;
		break;
	case CTOR_MOVE:
		break;
	}
	if (dwr_flag(func, DW_AT_deleted)) {
		m->deleted = true;
		return;
	}
	m->usable = true;
	m->provided |= provided;
}

static void look_at(struct members *m, Dwarf_Die *func)
{
	const char *name = dwarf_diename(func);
	bool provided = !dwr_flag(func, DW_AT_artificial);
	uint64_t v;

	if (dwr_udata(func, DW_AT_virtuality, &v) && v != DW_VIRTUALITY_none)
		m->is_virtual = true;
	if (dwr_udata(func, DW_AT_defaulted, &v) && v == DW_DEFAULTED_in_class)
		provided = false;
	if (!name)
		return;
	if (name[0] == '~')
		m->provided |= provided && !dwr_flag(func, DW_AT_deleted);
	else if (m->name && is_own_name(m->name, name))
		look_at_ctor(m, func, provided);
}

uint16_t dwr_class_flags(Dwarf_Die *class)
{
	struct members m = { .class = class, .name = dwarf_diename(class) };
	Dwarf_Die child;
	unsigned seen = 0;
	uint64_t v;

	if (dwr_udata(class, DW_AT_calling_convention, &v)) {
		if (v == DW_CC_pass_by_reference)
			return TY_PASS_TOLD | TY_NONTRIVIAL;
		if (v == DW_CC_pass_by_value)
			return TY_PASS_TOLD;
	}
	if (!dwr_first(class, &child))
		return 0;
	m.tells_defaults = tells_defaults(class);
	do {
		if (dwarf_tag(&child) == DW_TAG_subprogram)
			look_at(&m, &child);
	} while (++seen < MAX_CHILDREN && dwr_next(&child));
	if (m.is_virtual)
		return TY_NONTRIVIAL;
	if (m.provided)
		return TY_NONTRIVIAL | (m.tells_defaults ? 0 : TY_PASS_OPEN);
	if (m.deleted && !m.usable)
		return TY_NONTRIVIAL | (m.maybe_copies ? TY_PASS_OPEN : 0);
	return m.maybe_copies && !m.copies ? TY_PASS_OPEN : 0;
}
