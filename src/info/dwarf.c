/*
 * info/dwarf.c - see dwarf.h: opening, units, the index of functions, scopes.
 *
 * Units are listed at the first question; a unit's functions are indexed when an address in
 * its ranges is asked for, so that a question about one function of a big file reads one unit.
 *
 * libdw follows references and checks bounds; what it does not bound (chains of types, depth)
 * is bounded here.
 *
 * Context  [ctl]
 * Spec     DWARF 5, 2.17 (code addresses), 3.1 (units), 3.3 (subroutines)
 */
#include "info/dwarf_priv.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_NAME 4096

int dwr_damaged(const struct dwarf_reader *r, const Dwarf_Die *die, struct diag *d)
{
	Dwarf_Die copy = die ? *die : (Dwarf_Die){ 0 };

	if (!die)
		return diag_set(d, -EBADMSG, "%s: damaged DWARF: %s", r->path, dwarf_errmsg(-1));
	return diag_set(d, -EBADMSG, "%s: damaged DWARF at %#" PRIx64, r->path,
			(uint64_t)dwarf_dieoffset(&copy));
}

bool dwr_flag(Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;
	bool v = false;

	return dwarf_attr(die, attr, &a) && !dwarf_formflag(&a, &v) && v;
}

bool dwr_udata(Dwarf_Die *die, unsigned attr, uint64_t *out)
{
	Dwarf_Attribute a;
	Dwarf_Word v;

	if (!dwarf_attr(die, attr, &a) || dwarf_formudata(&a, &v))
		return false;
	*out = v;
	return true;
}

bool dwr_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *out)
{
	Dwarf_Attribute a;

	return dwarf_attr(die, attr, &a) && dwarf_formref_die(&a, out);
}

int dwr_first(Dwarf_Die *die, Dwarf_Die *child)
{
	return dwarf_child(die, child) == 0 && (char *)child->addr > (char *)die->addr;
}

int dwr_next(Dwarf_Die *child)
{
	Dwarf_Die next;

	if (dwarf_siblingof(child, &next) != 0 || (char *)next.addr <= (char *)child->addr)
		return 0;
	*child = next;
	return 1;
}

static bool has_section(Elf *elf, const char *const *names)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	const char *name;
	size_t strndx;

	if (elf_getshdrstrndx(elf, &strndx) < 0)
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, strndx, shdr.sh_name);
		for (size_t i = 0; name && names[i]; i++)
			if (!strcmp(name, names[i]))
				return true;
	}
	return false;
}

/* Mapped, unlike in objfile.c: debug sections are often larger than what we ask for. */
static int open_elf(const char *path, int *fd, Elf **out, struct diag *d)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	elf_version(EV_CURRENT);
	*out = elf_begin(*fd, ELF_C_READ_MMAP, NULL);
	if (!*out || elf_kind(*out) != ELF_K_ELF)
		return diag_set(d, -EBADMSG, "%s: not an ELF file", path);
	return 0;
}

static int open_shared(struct dwarf_reader *r, struct diag *d)
{
	_free_ char *path = NULL;
	int err = dwr_find_shared(r->dw, r->path, &path, d);

	if (err || !path)
		return err;
	err = open_elf(path, &r->shared_fd, &r->shared_elf, d);
	if (err)
		return err;
	r->shared = dwarf_begin_elf(r->shared_elf, DWARF_C_READ, NULL);
	if (!r->shared)
		return diag_set(d, -EBADMSG, "%s: damaged DWARF", path);
	dwarf_setalt(r->dw, r->shared);
	return 0;
}

static int open_dwarf(struct dwarf_reader *r, struct diag *d)
{
	static const char *const names[] = { ".debug_info", ".zdebug_info", NULL };
	int err = open_elf(r->path, &r->fd, &r->elf, d);

	if (!err && r->module)
		err = open_elf(r->module, &r->module_fd, &r->code, d);
	if (err)
		return err;
	if (!r->module)
		r->code = r->elf;
	if (!has_section(r->elf, names))
		return diag_set(d, -ENOENT, "%s: no DWARF in this file", r->path);
	r->dw = dwarf_begin_elf(r->elf, DWARF_C_READ, NULL);
	return r->dw ? open_shared(r, d) : dwr_damaged(r, NULL, d);
}

int dwr_open_separate(const char *path, const char *module, struct dwarf_reader **out,
		      struct diag *d)
{
	struct dwarf_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->fd = r->module_fd = r->shared_fd = -1;
	r->path = strdup(path);
	r->module = module ? strdup(module) : NULL;
	err = r->path && !module == !r->module ? open_dwarf(r, d) : -ENOMEM;
	if (err < 0)
		dwr_close(r);
	else
		*out = r;
	return err;
}

int dwr_open(const char *path, struct dwarf_reader **out, struct diag *d)
{
	return dwr_open_separate(path, NULL, out, d);
}

void dwr_close(struct dwarf_reader *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->unit.n; i++) {
		vec_free(&r->unit.at[i].func);
		vec_free(&r->unit.at[i].def);
		vec_free(&r->unit.at[i].scope);
	}
	vec_free(&r->unit);
	vec_free(&r->by_cu);
	vec_free(&r->range);
	vec_free(&r->inlined);
	vec_free(&r->cxx_def);
	vec_free(&r->sym);
	free(r->memo);
	if (r->cfi)
		dwarf_cfi_end(r->cfi);
	if (r->dw)
		dwarf_end(r->dw);
	if (r->shared)
		dwarf_end(r->shared);
	elf_end(r->shared_elf);
	if (r->code != r->elf)
		elf_end(r->code);
	elf_end(r->elf);
	if (r->module_fd >= 0)
		close(r->module_fd);
	if (r->shared_fd >= 0)
		close(r->shared_fd);
	if (r->fd >= 0)
		close(r->fd);
	free(r->module);
	free(r->path);
	free(r);
}

static int compare_ranges(const void *pa, const void *pb)
{
	const struct dwr_range *a = pa, *b = pb;

	return a->lo < b->lo ? -1 : a->lo > b->lo;
}

static int unit_ranges(struct dwarf_reader *r, Dwarf_Die *die, size_t unit)
{
	Dwarf_Addr base, lo, hi;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &lo, &hi)) > 0) {
		struct dwr_range range = { lo, hi, unit };

		if (hi > lo && vec_push(&r->range, range) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int unit_add(struct dwarf_reader *r, Dwarf_Die *die, uint8_t type, Dwarf_Die *split)
{
	struct dwr_unit u = { .die = *die };

	if (type == DW_UT_skeleton && split->addr)
		u.die = *split;
	else if (type == DW_UT_skeleton)
		u.split_missing = true;
	u.lang = dwarf_srclang(&u.die);
	u.has_code = type != DW_UT_type && type != DW_UT_split_type &&
		     dwarf_tag(die) != DW_TAG_partial_unit;
	if (vec_push(&r->unit, u) < 0)
		return -ENOMEM;
	return u.has_code ? unit_ranges(r, die, r->unit.n - 1) : 0;
}

static int compare_cus(const void *pa, const void *pb)
{
	const struct dwr_cu *a = pa, *b = pb;

	return a->cu < b->cu ? -1 : a->cu > b->cu;
}

/* Sort what list_units() collected. */
static int units_ready(struct dwarf_reader *r)
{
	if (r->range.n)
		qsort(r->range.at, r->range.n, sizeof(*r->range.at), compare_ranges);
	for (size_t i = 0; i < r->range.n; i++)
		if (r->range.at[i].hi - r->range.at[i].lo > r->longest)
			r->longest = r->range.at[i].hi - r->range.at[i].lo;
	for (size_t i = 0; i < r->unit.n; i++)
		if (vec_push(&r->by_cu, ((struct dwr_cu){ r->unit.at[i].die.cu, i })) < 0)
			return -ENOMEM;
	if (r->by_cu.n)
		qsort(r->by_cu.at, r->by_cu.n, sizeof(*r->by_cu.at), compare_cus);
	r->have_units = true;
	return 0;
}

static int list_units(struct dwarf_reader *r, struct diag *d)
{
	Dwarf_Die die, split;
	Dwarf_CU *cu = NULL;
	uint8_t type;
	int got, err;

	if (r->have_units)
		return 0;
	for (;;) {
		memset(&split, 0, sizeof(split));
		memset(&die, 0, sizeof(die));
		got = dwarf_get_units(r->dw, cu, &cu, NULL, &type, &die, &split);
		if (got < 0)
			return dwr_damaged(r, NULL, d);
		if (got)
			break;
		err = die.addr ? unit_add(r, &die, type, &split) : 0;
		if (err < 0)
			return err;
	}
	return units_ready(r);
}

struct dwr_unit *dwr_unit_of(struct dwarf_reader *r, const Dwarf_Die *die)
{
	struct dwr_cu key = { .cu = die->cu }, *found;

	if (!r->by_cu.n)
		return NULL;
	found = bsearch(&key, r->by_cu.at, r->by_cu.n, sizeof(key), compare_cus);
	return found ? &r->unit.at[found->unit] : NULL;
}

const char *dwr_name(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	const char *s;

	s = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_name, &a));
	return s && *s ? s : NULL;
}

/* Where the function is entered; 0: it has no code (linkers leave 0 or -1 for dropped code). */
static taddr_t entry_of(Dwarf_Die *die)
{
	Dwarf_Addr base, lo = 0, hi;
	Dwarf_Attribute a;

	if ((!dwarf_attr(die, DW_AT_low_pc, &a) || dwarf_formaddr(&a, &lo)) &&
	    (!dwarf_attr(die, DW_AT_entry_pc, &a) || dwarf_formaddr(&a, &lo)) &&
	    (!dwarf_hasattr(die, DW_AT_ranges) || dwarf_ranges(die, 0, &base, &lo, &hi) <= 0))
		return 0;
	return lo >= UINT64_MAX - 1 ? 0 : lo;
}

static bool is_class(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* What can hold functions with code; in classes, g++ has those of local classes and lambdas. */
static bool is_scope(const struct dwr_unit *u, int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
	case DW_TAG_subprogram: /* GNU C nested functions, definitions in local classes */
	case DW_TAG_lexical_block:
		return true;
	default:
		return is_class(tag) && !dwr_is_c(u->lang);
	}
}

static int index_def(struct dwr_unit *u, Dwarf_Die *die, int tag)
{
	struct dwr_def def = { .tag = tag, .die = *die };

	if (tag != DW_TAG_structure_type && tag != DW_TAG_union_type && tag != DW_TAG_class_type &&
	    tag != DW_TAG_enumeration_type)
		return 0;
	if (dwr_flag(die, DW_AT_declaration))
		return 0;
	def.name = dwarf_diename(die);
	return def.name ? vec_push(&u->def, def) : 0;
}

/* Everything inside of die that is a function with code. */
static int index_scope(struct dwr_unit *u, Dwarf_Die *die, unsigned depth)
{
	struct dwr_func f;
	Dwarf_Die child;
	int tag, err = 0;

	if (depth > DWR_MAX_DEPTH || !dwr_first(die, &child))
		return 0;
	do {
		tag = dwarf_tag(&child);
		if (depth == 0)
			err = index_def(u, &child, tag);
		if (!err && tag == DW_TAG_subprogram) {
			f = (struct dwr_func){ .addr = entry_of(&child), .die = child };
			if (f.addr)
				err = vec_push(&u->func, f);
		}
		if (!err && is_scope(u, tag))
			err = index_scope(u, &child, depth + 1);
	} while (!err && dwr_next(&child));
	return err;
}

static int compare_funcs(const void *pa, const void *pb)
{
	const struct dwr_func *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->die.addr < b->die.addr ? -1 : a->die.addr > b->die.addr;
}

static int compare_defs(const void *pa, const void *pb)
{
	const struct dwr_def *a = pa, *b = pb;
	int c = strcmp(a->name, b->name);

	return c ? c : a->tag - b->tag;
}

static int index_unit(struct dwr_unit *u)
{
	int err;

	if (u->indexed)
		return 0;
	err = index_scope(u, &u->die, 0);
	if (err < 0)
		return err;
	if (u->func.n)
		qsort(u->func.at, u->func.n, sizeof(*u->func.at), compare_funcs);
	if (u->def.n)
		qsort(u->def.at, u->def.n, sizeof(*u->def.at), compare_defs);
	u->indexed = true;
	return 0;
}

const struct dwr_def *dwr_find_def(struct dwr_unit *u, const char *name, int tag)
{
	struct dwr_def key = { .name = name, .tag = tag };

	if (index_unit(u) < 0 || !u->def.n)
		return NULL;
	return bsearch(&key, u->def.at, u->def.n, sizeof(key), compare_defs);
}

const struct dwr_def *dwr_unit_defs(struct dwr_unit *u, size_t *n)
{
	*n = index_unit(u) < 0 ? 0 : u->def.n;
	return u->def.at;
}

static const struct dwr_func *func_in_unit(const struct dwr_unit *u, taddr_t addr)
{
	size_t lo = 0, hi = u->func.n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (u->func.at[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < u->func.n && u->func.at[lo].addr == addr ? &u->func.at[lo] : NULL;
}

/* -gsplit-dwarf: libdw looks for the unit's file by its name, but not into packages. */
static int split_missing(const struct dwarf_reader *r, struct dwr_unit *u, struct diag *d)
{
	const char *module = r->module ? r->module : r->path, *name;
	Dwarf_Attribute a;
	char dwp[4096];
	bool packed;

	name = dwarf_formstring(dwarf_attr(&u->die, DW_AT_dwo_name, &a));
	if (!name)
		name = dwarf_formstring(dwarf_attr(&u->die, DW_AT_GNU_dwo_name, &a));
	snprintf(dwp, sizeof(dwp), "%s.dwp", module);
	packed = access(dwp, F_OK) == 0;
	return diag_set(d, -ENODATA,
			"%s: split DWARF (-gsplit-dwarf): its file %s is not there%s%s%s", r->path,
			name ? name : "(.dwo)", packed ? ", and packages are not read: " : "",
			packed ? dwp : "", packed ? "" : "; build without, or keep the .dwo files");
}

int dwr_index_at(struct dwarf_reader *r, taddr_t addr, const struct dwr_func **out, struct diag *d)
{
	size_t lo = 0, hi, mid;
	int err;

	err = list_units(r, d);
	if (err < 0)
		return err;
	hi = r->range.n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (r->range.at[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* ranges of different units may overlap in odd files: look at all that can hold addr */
	while (lo-- > 0 && addr - r->range.at[lo].lo < r->longest) {
		const struct dwr_range *range = &r->range.at[lo];
		struct dwr_unit *u = &r->unit.at[range->unit];

		if (addr >= range->hi)
			continue;
		if (u->split_missing)
			return split_missing(r, u, d);
		err = index_unit(u);
		if (err < 0)
			return err;
		*out = func_in_unit(u, addr);
		if (!*out)
			err = dwr_same_at(r, u, addr, out);
		if (err < 0 || *out)
			return err;
	}
	return diag_set(d, -ENOENT, "%s: DWARF has no function at %#" PRIx64, r->path, addr);
}

int dwr_index_all(struct dwarf_reader *r, struct diag *d)
{
	int err;

	err = list_units(r, d);
	for (size_t i = 0; i < r->unit.n && !err && !r->all_indexed; i++)
		if (r->unit.at[i].has_code)
			err = index_unit(&r->unit.at[i]);
	r->all_indexed = !err;
	return err;
}

/* Its name stands before the names inside of it; a function's does if it has classes. */
static bool names_scope(Dwarf_Die *die, int tag)
{
	if (tag == DW_TAG_subprogram) /* clang leaves the shell of one that it inlined */
		return dwarf_diename(die) != NULL;
	return tag == DW_TAG_namespace || is_class(tag);
}

/* The innermost scope around this DIE, not itself; index + 1, 0: none.  Scopes are in
 * order of their first byte, so an enclosing one stands before. */
static size_t scope_of(const struct dwr_unit *u, const void *die)
{
	size_t lo = 0, hi = u->scope.n, mid, i;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (u->scope.at[mid].lo < die)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (i = lo; i && (const char *)die >= (const char *)u->scope.at[i - 1].hi;)
		i = u->scope.at[i - 1].parent;
	return i;
}

/* A member that is defined outside of its class or namespace. */
static size_t declared_in(const struct dwr_unit *u, Dwarf_Die *die, size_t parent)
{
	Dwarf_Die decl;

	if (dwarf_tag(die) != DW_TAG_subprogram || !dwr_ref(die, DW_AT_specification, &decl) ||
	    decl.cu != die->cu)
		return parent;
	return scope_of(u, decl.addr);
}

/* end: where the bytes of die's children end. */
static int scan_scopes(struct dwr_unit *u, Dwarf_Die *die, const void *end, size_t parent,
		       unsigned depth)
{
	Dwarf_Die child, next;
	bool more;
	int err = 0;

	if (depth > DWR_MAX_DEPTH || !dwr_first(die, &child))
		return 0;
	do {
		int tag = dwarf_tag(&child);
		const void *hi;

		next = child;
		more = dwr_next(&next);
		hi = more ? next.addr : end;
		if (names_scope(&child, tag)) {
			struct dwr_scope s = { child.addr, hi, dwarf_diename(&child), parent,
					       declared_in(u, &child, parent) };

			err = vec_push(&u->scope, s);
			if (!err)
				err = scan_scopes(u, &child, hi, u->scope.n, depth + 1);
			if (tag == DW_TAG_subprogram && !err &&
			    u->scope.at[u->scope.n - 1].lo == s.lo)
				u->scope.n--; /* nothing is named after it */
		} else if (tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block) {
			err = scan_scopes(u, &child, hi, parent, depth + 1);
		}
		child = next;
	} while (more && !err);
	return err;
}

const char *dwr_qualified(struct dwarf_reader *r, Dwarf_Die *die, const char *name,
			  struct ty_pool *pool)
{
	struct dwr_unit *u = dwr_unit_of(r, die);
	char text[MAX_NAME], *at = text + sizeof(text) - 1;
	const char *part = name;
	size_t n, scope;

	if (!u || !dwr_is_cxx(u->lang))
		return ty_pool_str(pool, name);
	if (!u->scoped && scan_scopes(u, &u->die, (const void *)UINTPTR_MAX, 0, 0) < 0)
		return NULL;
	u->scoped = true;
	*at = '\0';
	for (scope = scope_of(u, die->addr);; scope = u->scope.at[scope - 1].within) {
		n = strlen(part);
		if (n + 2 > (size_t)(at - text))
			break;
		at -= n;
		memcpy(at, part, n);
		if (!scope)
			break;
		part = u->scope.at[scope - 1].name;
		if (!part)
			part = "(anonymous)";
		at -= 2;
		memcpy(at, "::", 2);
	}
	return ty_pool_str(pool, *at ? at : name);
}

const char *dwr_func_name(struct dwarf_reader *r, Dwarf_Die *die, struct ty_pool *pool)
{
	Dwarf_Die at = *die;
	const char *name;

	for (unsigned i = 0; i < DWR_MAX_DEPTH; i++) {
		name = dwarf_diename(&at);
		if (dwarf_hasattr(&at, DW_AT_name) && name)
			return dwr_qualified(r, &at, name, pool);
		if (!dwr_ref(&at, DW_AT_abstract_origin, &at) &&
		    !dwr_ref(&at, DW_AT_specification, &at))
			break;
	}
	return ty_pool_str(pool, dwr_name(die));
}

const char *dwr_linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute a;
	const char *s = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &a) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &a))
		s = dwarf_formstring(&a);
	return s ? s : "";
}

int dwr_each_func(struct dwarf_reader *r,
		  int (*fn)(const char *name, const char *linkage, taddr_t addr, void *arg),
		  void *arg)
{
	struct ty_pool *names;
	const char *name;
	int err;

	err = dwr_index_all(r, NULL);
	if (err < 0)
		return err;
	if (ty_pool_new(&names) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < r->unit.n && !err; i++) {
		for (size_t k = 0; k < r->unit.at[i].func.n && !err; k++) {
			struct dwr_func *f = &r->unit.at[i].func.at[k];

			name = dwr_func_name(r, &f->die, names);
			err = name ? fn(name, dwr_linkage_name(&f->die), f->addr, arg) : -ENOMEM;
		}
	}
	ty_pool_free(names);
	return err;
}
