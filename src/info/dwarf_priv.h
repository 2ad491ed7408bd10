/*
 * info/dwarf_priv.h - what the parts of the DWARF reader share; for src/info/dwarf*.c only.
 *
 * A DIE is known by the address of its bytes: unique across the file, its split units and
 * its alternate file.
 *
 * Context  [ctl]
 */
#ifndef INFO_DWARF_PRIV_H
#define INFO_DWARF_PRIV_H

#include "base/vec.h"
#include "info/dwarf.h"
#include "info/type_layout.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#define DWR_MAX_DEPTH 64 /* of nested scopes, chains of typedefs, types by value */

struct dwr_func {
	taddr_t addr;
	Dwarf_Die die;
	bool placeless; /* its DIE is not that of the code: without places none is gone */
};

/* A namespace, class or function with classes: the bytes [lo, hi) of the section are inside it. */
struct dwr_scope {
	const void *lo, *hi;
	const char *name;
	size_t parent; /* index + 1; 0: none */
	size_t within; /* the same, of the scope that its name is in: where it was declared */
};

struct dwr_def {
	const char *name;
	int tag;
	Dwarf_Die die;
};

struct dwr_unit {
	Dwarf_Die die; /* the split one of a skeleton */
	int lang;
	bool has_code, split_missing, indexed, defs_sorted, scoped;
	bool typed, typed_known; /* it tells types and parameters: not -g1 */
	struct {
		VEC(struct dwr_func);
	} func; /* sorted by address once indexed */
	struct {
		VEC(struct dwr_def);
	} def; /* named aggregates and enums at top level that are complete */
	struct {
		VEC(struct dwr_scope);
	} scope;
};

struct dwr_cu {
	const struct Dwarf_CU *cu;
	size_t unit;
};

struct dwr_range {
	taddr_t lo, hi;
	size_t unit;
};

/* How functions of a language are called. */
enum dwr_calls {
	CALLS_AS_C,
	CALLS_BY_PLACE,  /* the same way, but anything may be passed by reference: places tell */
	CALLS_OTHERWISE, /* other conventions, or an assembler's */
};

/* What the symbols at an address say together. */
enum {
	SYM_KNOWN = 1 << 0,  /* there is one */
	SYM_GLOBAL = 1 << 1, /* callers may be anywhere */
	SYM_FEWER = 1 << 2,  /* a clone that lacks arguments */
	SYM_ANY = 1 << 3,    /* a clone that may have others */
	SYM_RESULT = 1 << 4, /* a clone that may lack its result */
};

struct dwr_sym {
	taddr_t addr;
	const char *name; /* libelf's */
	unsigned flags;
};

/* What offsets to a function's frame base mean, found when first needed. */
struct dwr_frame {
	Dwarf_Die func;
	taddr_t pc;
	bool tried, known;
	bool c_like; /* only classes are passed by reference */
	bool by_gcc;
	bool untracked; /* registers are those of later on: gcc without -fvar-tracking */
	int64_t to_cfa;
};

/* Numbers of registers (psABI 3.6.2). */
enum {
	DWR_RDX = 1,
	DWR_RCX = 2,
	DWR_RSI = 4,
	DWR_RDI = 5,
	DWR_RBP = 6,
	DWR_RSP = 7,
	DWR_R8 = 8,
	DWR_XMM0 = 17,
	DWR_XMM15 = 32,
};

/* A location's expression. */
struct dwr_expr {
	Dwarf_Attribute *attr;
	const Dwarf_Op *op;
	size_t n;
	bool whole;  /* holds for the whole function, not only at its entry */
	bool varies; /* it is one of several, elsewhere others hold */
};

/* A type while it lives in the memo. */
struct dwr_node {
	struct ty_node base; /* first */
	Dwarf_Die die;
	uint8_t need; /* enum dwr_need */
};

struct dwr_memo {
	const void *die;
	struct dwr_node *node;
};

struct dwarf_reader {
	char *path, *module; /* module NULL: path */
	int fd, module_fd, shared_fd;
	Elf *elf, *code; /* code: of the module; the same, if there is no other file */
	Dwarf *dw;
	Elf *shared_elf; /* what dwz has moved away, if libdw did not find it */
	Dwarf *shared;
	Dwarf_CFI *cfi; /* of .eh_frame, opened when first needed */
	bool no_cfi;
	bool have_units, all_indexed, have_inlined, have_syms;
	struct {
		VEC(struct dwr_unit);
	} unit;
	struct {
		VEC(struct dwr_cu);
	} by_cu; /* sorted by pointer */
	struct {
		VEC(struct dwr_range);
	} range;          /* sorted by lo */
	uint64_t longest; /* of the ranges */
	struct {
		VEC(struct dwr_def);
	} cxx_def; /* of all units of C++, by name; read when first needed */
	bool have_cxx_def;
	struct {
		VEC(const char *);
	} inlined; /* one name per instance, sorted */
	struct {
		VEC(struct dwr_sym);
	} sym;                /* of functions, sorted by address */
	struct dwr_func same; /* what dwr_same_at() found last */

	/* types built so far in the pool of this id */
	uint64_t pool_id;
	struct dwr_memo *memo;
	size_t nmemo, memo_cap;
};

int dwr_damaged(const struct dwarf_reader *r, const Dwarf_Die *die, struct diag *d);

/* The file with what dwz has moved out of path's, if libdw does not find it; else *out is NULL. */
int dwr_find_shared(Dwarf *dw, const char *path, char **out, struct diag *d);

/* The function at addr, in u's code, whose addresses DWARF does not tell; else *out is NULL.  It is
 * valid until the next call. */
int dwr_same_at(struct dwarf_reader *r, struct dwr_unit *u, taddr_t addr,
		const struct dwr_func **out);

/* Flags and small constants of a DIE, its origin and specification not asked. */
bool dwr_flag(Dwarf_Die *die, unsigned attr);
bool dwr_udata(Dwarf_Die *die, unsigned attr, uint64_t *out);
bool dwr_ref(Dwarf_Die *die, unsigned attr, Dwarf_Die *out);

bool dwr_is_c(int lang); /* DW_LANG_ of any C, C++ not among them */
bool dwr_is_cxx(int lang);

/* Children in order; each step moves forward or ends.  1: *child is valid; 0: the end. */
int dwr_first(Dwarf_Die *die, Dwarf_Die *child);
int dwr_next(Dwarf_Die *child);

/* Index what has code at addr, or (all) everything. */
int dwr_index_at(struct dwarf_reader *r, taddr_t addr, const struct dwr_func **out, struct diag *d);
int dwr_index_all(struct dwarf_reader *r, struct diag *d);

/* Through abstract origins and specifications; NULL: nameless. */
const char *dwr_name(Dwarf_Die *die);

/* "" where there is none. */
const char *dwr_linkage_name(Dwarf_Die *die);

struct dwr_unit *dwr_unit_of(struct dwarf_reader *r, const Dwarf_Die *die);
const struct dwr_def *dwr_find_def(struct dwr_unit *u, const char *name, int tag);
const struct dwr_def *dwr_unit_defs(struct dwr_unit *u, size_t *n); /* by name */

/* What a type is wanted for: behind a pointer, to be shown, to tell how it is passed. */
enum dwr_need { DWR_OPAQUE, DWR_SHOWN, DWR_WHOLE };

/* Of a declaration, the definition, as far as it is worth to look for it; else *die stays. */
void dwr_find_definition(struct dwarf_reader *r, Dwarf_Die *die, enum dwr_need need,
			 struct ty_pool *pool);

/* The name with its namespaces and classes, in pool; the plain name outside of C++. */
const char *dwr_qualified(struct dwarf_reader *r, Dwarf_Die *die, const char *name,
			  struct ty_pool *pool);

/* A function's qualified name: that of the declaration it is an instance of. */
const char *dwr_func_name(struct dwarf_reader *r, Dwarf_Die *die, struct ty_pool *pool);

/* Where a parameter is at its function's entry; SEEN_GONE only if that is told, since what is not
 * told takes all of them.  f: the same for all parameters of a function. */
int dwr_place_of(struct dwarf_reader *r, struct dwr_frame *f, Dwarf_Die *param,
		 const struct ty *type, struct ty_pool *pool, struct proto_place *out);

/* The same from one expression, or from a constant, of a value of size bytes: parts. */
int dwr_parts_of(struct dwarf_reader *r, struct dwr_frame *f, const struct dwr_expr *e,
		 uint64_t size, struct ty_pool *pool, struct proto_place *out);
int dwr_const_of(Dwarf_Attribute *a, uint64_t size, struct ty_pool *pool, struct proto_place *out);

/* DW_OP_regN, also as DW_OP_regx; -1: another operation. */
int dwr_reg_of(const Dwarf_Op *op);
/* One that passes arguments in some convention, and that our code leaves alone. */
bool dwr_is_arg_reg(uint64_t reg);
bool dwr_frame_base(struct dwarf_reader *r, struct dwr_frame *f, int64_t *to_cfa);

enum dwr_calls dwr_calls_of(int lang);
bool dwr_made_by_gcc(Dwarf_Die *die);
struct proto_maker dwr_maker_of(Dwarf_Die *die); /* its unit's */
/* gcc that does not follow variables from place to place. */
bool dwr_untracked(Dwarf_Die *die);

/* Does the unit tell types, so that a function without parameters has none? */
bool dwr_unit_typed(struct dwr_unit *u);

int dwr_index_syms(struct dwarf_reader *r);
const struct dwr_sym *dwr_syms_at(const struct dwarf_reader *r, taddr_t addr, size_t *n);
unsigned dwr_sym_flags(const struct dwarf_reader *r, taddr_t addr);

/* TY_NONTRIVIAL and TY_PASS_* of a class, by its own declarations. */
uint16_t dwr_class_flags(Dwarf_Die *class);

/* The type that attribute DW_AT_type of die names; void is a node, not NULL. */
int dwr_type_of(struct dwarf_reader *r, Dwarf_Die *die, struct ty_pool *pool, const struct ty **out,
		struct diag *d);

/* -- dwarf_std.c ------------------------------------------------------------------ */

/* Is the class of this qualified name known where it is only declared?  Fills all but the name. */
bool dwr_std_class(const char *name, struct ty *out);

#endif
