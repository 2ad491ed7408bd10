/*
 * info/dwarf_func.c - see dwarf.h: prototypes of functions, and counts of arguments.
 *
 * A function with code can be an instance of another DIE (DW_AT_abstract_origin: it was
 * inlined elsewhere or cloned).  The instance tells what is left of the arguments, the
 * origin what was declared: the prototype is the origin's, in its order.
 *
 * What may have become of the parameters is told by the symbol (.isra, .constprop, ...), by
 * DW_CC_nocall, and for local functions by parameters that are nowhere any more (clang drops dead
 * arguments of local functions and keeps the name); what follows from it is the model's
 * (model/placed.h).  Results may be dropped, too, in the same functions: of LLVM's no trace is
 * left, so of those that it optimised they are unsure.
 *
 * Context  [ctl]
 * Spec     DWARF 5, 3.3.1, 3.3.8.2 (concrete instances), 4.1 (parameters); 2.6 (locations)
 */
#include "base/cleanup.h"
#include "info/args.h"
#include "info/cxxname.h"
#include "info/demangle.h"
#include "info/dwarf_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMS 4096

struct param_list {
	VEC(struct proto_param);
};

/* What the children of a function say, before types. */
struct shape {
	struct {
		VEC(Dwarf_Die);
	} param;
	bool variadic;
};

static int read_shape(Dwarf_Die *func, struct shape *out)
{
	Dwarf_Die child;

	if (!dwr_first(func, &child))
		return 0;
	do {
		switch (dwarf_tag(&child)) {
		case DW_TAG_formal_parameter:
			if (out->param.n < MAX_PARAMS && vec_push(&out->param, child) < 0)
				return -ENOMEM;
			break;
		case DW_TAG_unspecified_parameters:
			out->variadic = true;
			break;
		}
	} while (dwr_next(&child));
	return 0;
}

/* The DIE whose children are the declared parameters. */
static Dwarf_Die declared(Dwarf_Die *func)
{
	Dwarf_Die at = *func, origin;

	for (unsigned i = 0; i < DWR_MAX_DEPTH && dwr_ref(&at, DW_AT_abstract_origin, &origin); i++)
		at = origin;
	return at;
}

static bool flag_integrated(Dwarf_Die *die, unsigned attr)
{
	Dwarf_Attribute a;
	bool v = false;

	return dwarf_attr_integrate(die, attr, &a) && !dwarf_formflag(&a, &v) && v;
}

/* The instance's own DIE of a declared parameter: the one whose origin it is. */
static bool instance_of(const struct shape *own, const Dwarf_Die *param, Dwarf_Die *out)
{
	for (size_t i = 0; i < own->param.n; i++) {
		Dwarf_Die die = own->param.at[i], origin;

		if (die.addr == param->addr ||
		    (dwr_ref(&die, DW_AT_abstract_origin, &origin) && origin.addr == param->addr)) {
			*out = own->param.at[i];
			return true;
		}
	}
	return false;
}

static bool is_aggregate(const struct ty *t)
{
	uint8_t kind = ty_strip(t)->kind;

	return kind == TY_STRUCT || kind == TY_UNION;
}

struct builder {
	struct dwarf_reader *r;
	struct ty_pool *pool;
	struct diag *d;
	const struct dwr_func *f;
	struct dwr_frame frame;
	bool is_local;
	bool placed;   /* some parameter has a place, so that one without is gone */
	bool c_like;   /* languages of which only classes are passed by reference */
	bool promoted; /* not prototyped: float travels as double */
};

/*
 * Classes by value or by reference: as clang tells of the class, else as the parameter's place
 * tells (gcc), else as the class looks.  Fortran passes all by reference, Rust what is large.
 */
static bool is_by_ref(const struct builder *b, const struct proto_param *p)
{
	const struct ty *t = ty_strip(p->type);

	if (!b->c_like)
		return p->place.deref;
	if (!is_aggregate(t))
		return false;
	if (t->flags & TY_PASS_TOLD || p->place.seen == SEEN_NOT || p->place.seen == SEEN_GONE ||
	    p->place.seen == SEEN_PARTS)
		return t->flags & TY_NONTRIVIAL;
	if (!(t->flags & (TY_NONTRIVIAL | TY_PASS_OPEN)))
		return false; /* C's structs: a place that says otherwise is no proof, but a doubt */
	return p->place.deref;
}

/* clang does not tell how many bits of a _BitInt count; what is above them is anything. */
static bool has_bit_int(const struct ty *t, unsigned depth)
{
	t = ty_strip(t);
	if (t->kind == TY_INT)
		return !strcmp(t->name, "_BitInt") || !strcmp(t->name, "unsigned _BitInt");
	if (t->kind == TY_ARRAY && t->of && depth < DWR_MAX_DEPTH)
		return has_bit_int(t->of, depth + 1);
	for (uint64_t i = 0; is_aggregate(t) && i < t->n && depth < DWR_MAX_DEPTH; i++)
		if (has_bit_int(t->member[i].type, depth + 1))
			return true;
	return false;
}

/* LLVM forgets to say of an address on the stack that it is one: no such class lies there itself. */
static void mend_place(struct proto_param *p)
{
	const unsigned by_ref = TY_PASS_TOLD | TY_NONTRIVIAL;

	if (p->place.seen == SEEN_STACK && is_aggregate(p->type) &&
	    (ty_strip(p->type)->flags & by_ref) == by_ref)
		p->place.deref = true;
}

static bool is_told(Dwarf_Die *param)
{
	return dwarf_hasattr(param, DW_AT_location) || dwarf_hasattr(param, DW_AT_const_value);
}

static int build_param(struct builder *b, const struct shape *own, Dwarf_Die *param,
		       struct proto_param *out)
{
	Dwarf_Die instance = *param;
	const char *name = dwr_name(param);
	bool gone;
	int err;

	err = dwr_type_of(b->r, param, b->pool, &out->type, b->d);
	if (err < 0)
		return err;
	gone = !instance_of(own, param, &instance) || !is_told(&instance);
	if (!gone && dwr_place_of(b->r, &b->frame, &instance, out->type, b->pool, &out->place))
		return -ENOMEM;
	mend_place(out);
	if (gone && !b->f->placeless && (b->placed || b->is_local))
		out->place.seen = SEEN_GONE;
	out->uncertain = has_bit_int(out->type, 0) ||
			 (b->promoted && ty_strip(out->type)->kind == TY_FLOAT &&
			  ty_strip(out->type)->size < 8);
	out->by_ref = is_by_ref(b, out);
	out->name = ty_pool_str(b->pool, name);
	return out->name ? 0 : -ENOMEM;
}

/*
 * Constructors and destructors of classes with virtual bases: gcc declares whether they are
 * those of a whole object, but makes two functions of them instead, and passes the table of
 * virtual tables only to that for a base (C2, D2).
 */
static bool is_passed(Dwarf_Die *param, const char *linkage)
{
	const char *name = dwr_name(param);

	if (!name || !dwr_flag(param, DW_AT_artificial))
		return true;
	if (!strcmp(name, "__in_chrg"))
		return false;
	return strcmp(name, "__vtt_parm") != 0 || strstr(linkage, "C2E") || strstr(linkage, "D2E");
}

static void drop_not_passed(struct shape *s, const char *linkage)
{
	size_t n = 0;

	for (size_t i = 0; i < s->param.n; i++)
		if (is_passed(&s->param.at[i], linkage))
			s->param.at[n++] = s->param.at[i];
	s->param.n = n;
}

/*
 * clang leaves out parameters that are objects of which the address is passed, where it does not
 * optimise and the address is not used at once.  The name of a C++ function tells how many it has.
 */
static bool lacks_params(Dwarf_Die *die, const struct shape *s)
{
	const char *linkage = dwr_linkage_name(die);
	_free_ char *text = linkage ? demangle(linkage) : NULL;
	struct cxx_name name;
	int n = 0;

	if (!text)
		return false;
	cxx_name_split(text, &name);
	for (size_t i = 0; i < s->param.n; i++)
		n += !dwr_flag(&s->param.at[i], DW_AT_artificial);
	return n < cxx_name_count(&name);
}

static bool tells_calls(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_call_all_calls) ||
	       dwarf_hasattr(die, DW_AT_GNU_all_call_sites);
}

/*
 * clang gives parameters no place when nothing uses them, and then LLVM's callers in the same
 * module may pass anything (DeadArgumentElimination), though others can call the function, too.
 */
static void doubt_unused(const struct builder *b, Dwarf_Die *die, struct proto_param *param,
			 unsigned n)
{
	if (b->placed || b->f->placeless || !tells_calls(die))
		return;
	for (unsigned i = 0; i < n; i++)
		param[i].uncertain = true;
}

static int build_params(struct builder *b, Dwarf_Die *func, Dwarf_Die *decl, struct proto *p)
{
	struct shape own = { 0 }, want = { 0 };
	struct proto_param *param = NULL;
	int err;

	err = read_shape(func, &own);
	if (!err)
		err = read_shape(decl, &want);
	drop_not_passed(&want, dwr_linkage_name(func));
	p->lacking = lacks_params(func, &want);
	if (!err && want.param.n) {
		param = ty_pool_alloc(b->pool, want.param.n * sizeof(*param));
		err = param ? 0 : -ENOMEM;
	}
	for (size_t i = 0; i < own.param.n; i++)
		b->placed |= is_told(&own.param.at[i]);
	for (size_t i = 0; i < want.param.n && !err; i++)
		err = build_param(b, &own, &want.param.at[i], &param[i]);
	if (!err && p->maker.compiler == MAKER_CLANG)
		doubt_unused(b, func, param, (unsigned)want.param.n);
	p->param = param;
	p->nparams = (unsigned)want.param.n;
	p->variadic = want.variadic || own.variadic;
	vec_free(&own.param);
	vec_free(&want.param);
	return err;
}

/* Anything a compiler may have done to the arguments; gcc says so where there are symbols. */
static enum proto_change change_of(const struct builder *b, const struct proto *p, bool nocall)
{
	unsigned flags = dwr_sym_flags(b->r, b->f->addr);

	if (nocall || flags & SYM_ANY)
		return CHANGE_ANY;
	if (flags & SYM_FEWER)
		return CHANGE_FEWER;
	return b->is_local && !(p->by_gcc && flags) ? CHANGE_LOCAL : CHANGE_NONE;
}

static bool is_local(const struct dwarf_reader *r, Dwarf_Die *die, taddr_t addr)
{
	unsigned flags = dwr_sym_flags(r, addr);

	return !flag_integrated(die, DW_AT_external) || (flags && !(flags & SYM_GLOBAL));
}

/*
 * Whose language counts: that of the declaration's unit, since link-time optimisation mixes them
 * in one of its own.  dwz moves declarations to units that have none: then that of the code's.
 */
static struct dwr_unit *speaking_unit(struct dwarf_reader *r, Dwarf_Die *die, Dwarf_Die *decl)
{
	struct dwr_unit *u = dwr_unit_of(r, decl);

	return u && u->lang > 0 ? u : dwr_unit_of(r, die);
}

/*
 * A function that the C++ ABI asks for and nobody wrote (Itanium C++ ABI 5.1.4: _ZT...).  LLVM
 * describes its thunks, which take all that their function takes, without parameters.
 */
static bool is_thunk(Dwarf_Die *die)
{
	const char *linkage = dwr_linkage_name(die);

	return dwr_flag(die, DW_AT_artificial) && linkage && !strncmp(linkage, "_ZT", 3);
}

/* What else than its parameters tells how the function is called. */
static void read_manner(struct builder *b, Dwarf_Die *die, Dwarf_Die *decl, struct proto *p)
{
	struct dwr_unit *u = speaking_unit(b->r, die, decl);
	enum dwr_calls calls = dwr_calls_of(u ? u->lang : -1);
	Dwarf_Word cc = DW_CC_normal;
	Dwarf_Attribute a;

	if (dwarf_attr_integrate(die, DW_AT_calling_convention, &a))
		dwarf_formudata(&a, &cc);
	p->ms_abi = cc != DW_CC_normal && cc != DW_CC_program && cc != DW_CC_nocall;
	p->noreturn = flag_integrated(die, DW_AT_noreturn);
	p->maker = dwr_maker_of(die);
	p->cxx = u && dwr_is_cxx(u->lang);
	p->by_gcc = p->maker.compiler == MAKER_GCC;
	p->foreign = calls == CALLS_OTHERWISE;
	p->rust = u && u->lang == DW_LANG_Rust;
	b->c_like = b->frame.c_like = calls == CALLS_AS_C;
	b->is_local = is_local(b->r, die, b->f->addr);
	p->change = (uint8_t)change_of(b, p, cc == DW_CC_nocall);
	p->ret_unsure = cc == DW_CC_nocall || dwr_sym_flags(b->r, b->f->addr) & SYM_RESULT;
	b->frame.by_gcc = p->by_gcc;
	b->frame.untracked = dwr_untracked(die);
	b->promoted = u && dwr_is_c(u->lang) && !flag_integrated(die, DW_AT_prototyped);
	/* only definitions have code, and in one an empty list means none (C11 6.7.6.3p14) */
	p->unprototyped = p->foreign || !u || !dwr_unit_typed(u) || is_thunk(die);
}

/* Only LLVM's optimiser says that it told all calls, or moves parameters from the frame. */
static bool is_optimised(Dwarf_Die *die, const struct proto *p)
{
	bool some = tells_calls(die);

	for (unsigned i = 0; i < p->nparams && !some; i++)
		some = p->param[i].place.seen != SEEN_COPY &&
		       p->param[i].place.seen != SEEN_STACK && !p->param[i].by_ref;
	return some;
}

/* The same where no name tells: C's linkage in C++.  main has no such parameters. */
static bool may_lack_params(struct builder *b, Dwarf_Die *die, Dwarf_Die *decl,
			    const struct proto *p)
{
	struct dwr_unit *u = speaking_unit(b->r, die, decl);

	return u && b->c_like && !dwr_is_c(u->lang) && p->maker.compiler == MAKER_CLANG &&
	       !*dwr_linkage_name(die) && !is_optimised(die, p) && strcmp(p->name, "main") != 0;
}

static int build_proto(struct builder *b, struct dwr_func *f, struct proto *p)
{
	Dwarf_Die decl = declared(&f->die);
	int err;

	p->source = PROTO_DWARF;
	p->name = dwr_func_name(b->r, &f->die, b->pool);
	if (!p->name)
		return -ENOMEM;
	read_manner(b, &f->die, &decl, p);
	err = dwr_type_of(b->r, &f->die, b->pool, &p->ret, b->d);
	if (!err)
		err = build_params(b, &f->die, &decl, p);
	if (!err)
		p->lacking |= may_lack_params(b, &f->die, &decl, p);
	p->unprototyped &= !p->nparams && !p->variadic;
	p->ret_unsure |= p->change == CHANGE_LOCAL && is_optimised(&f->die, p);
	p->ret_unsure |= !err && p->ret && has_bit_int(p->ret, 0);
	return err;
}

int dwr_proto_at(struct dwarf_reader *r, taddr_t addr, struct ty_pool *pool, struct proto *out,
		 struct diag *d)
{
	struct builder b = { .r = r, .pool = pool, .d = d };
	const struct dwr_func *found;
	struct proto p = { 0 };
	struct dwr_func f;
	int err;

	err = dwr_index_at(r, addr, &found, d);
	if (!err)
		err = dwr_index_syms(r);
	if (err < 0)
		return err;
	f = *found;
	b.f = &f;
	b.frame = (struct dwr_frame){ .func = f.die, .pc = f.addr };
	err = build_proto(&b, &f, &p);
	if (!err)
		*out = p;
	return err;
}

static int collect_inlined(struct dwarf_reader *r, Dwarf_Die *die, unsigned depth)
{
	Dwarf_Die child;
	const char *name;
	int tag, err = 0;

	if (depth > DWR_MAX_DEPTH || !dwr_first(die, &child))
		return 0;
	do {
		tag = dwarf_tag(&child);
		if (tag == DW_TAG_inlined_subroutine) {
			name = dwr_name(&child);
			err = name ? vec_push(&r->inlined, name) : 0;
		}
		if (!err && (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram ||
			     tag == DW_TAG_lexical_block || tag == DW_TAG_namespace ||
			     tag == DW_TAG_try_block || tag == DW_TAG_catch_block))
			err = collect_inlined(r, &child, depth + 1);
	} while (!err && dwr_next(&child));
	return err;
}

static int compare_names(const void *pa, const void *pb)
{
	const char *const *a = pa, *const *b = pb;

	return strcmp(*a, *b);
}

int dwr_inlined_count(struct dwarf_reader *r, const char *name)
{
	size_t lo = 0, hi, mid;
	int n = 0, err;

	err = dwr_index_all(r, NULL);
	for (size_t i = 0; i < r->unit.n && !err && !r->have_inlined; i++)
		if (r->unit.at[i].has_code)
			err = collect_inlined(r, &r->unit.at[i].die, 0);
	if (err < 0) {
		vec_free(&r->inlined);
		return err;
	}
	if (!r->have_inlined && r->inlined.n)
		qsort(r->inlined.at, r->inlined.n, sizeof(*r->inlined.at), compare_names);
	r->have_inlined = true;
	hi = r->inlined.n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (strcmp(r->inlined.at[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < r->inlined.n && !strcmp(r->inlined.at[lo], name) && n < INT32_MAX) {
		n++;
		lo++;
	}
	return n;
}

/* Only as much of a type as the table wants, without building it. */
static void peek_type(Dwarf_Die *holder, bool *aggregate, bool *floating)
{
	Dwarf_Attribute a;
	Dwarf_Die t;
	uint64_t enc;

	if (!dwarf_attr_integrate(holder, DW_AT_type, &a) || !dwarf_formref_die(&a, &t))
		return;
	for (unsigned i = 0; i < DWR_MAX_DEPTH; i++) {
		switch (dwarf_tag(&t)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
			if (!dwr_ref(&t, DW_AT_type, &t))
				return;
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			*aggregate = true;
			return;
		case DW_TAG_base_type:
			if (dwr_udata(&t, DW_AT_encoding, &enc) &&
			    (enc == DW_ATE_float || enc == DW_ATE_complex_float))
				*floating = true;
			return;
		default:
			return;
		}
	}
}

static int count_func(struct dwr_func *f, struct args_table *t)
{
	bool aggregate = false, floating = false, unused = false;
	Dwarf_Die decl = declared(&f->die);
	struct shape s = { 0 };
	size_t n;
	int err;

	err = read_shape(&decl, &s);
	peek_type(&f->die, &unused, &floating);
	for (size_t i = 0; i < s.param.n; i++)
		peek_type(&s.param.at[i], &aggregate, &floating);
	n = s.param.n + s.variadic;
	t->functions++;
	t->by_args[n < ARGS_MAX ? n : ARGS_MAX - 1]++;
	t->variadic += s.variadic;
	t->struct_by_value += aggregate;
	t->with_float += floating;
	vec_free(&s.param);
	return err;
}

int dwr_args(struct dwarf_reader *r, struct args_table *t, struct diag *d)
{
	struct args_table table = { 0 };
	int err;

	err = dwr_index_all(r, d);
	for (size_t i = 0; i < r->unit.n && !err; i++)
		for (size_t k = 0; k < r->unit.at[i].func.n && !err; k++)
			err = count_func(&r->unit.at[i].func.at[k], &table);
	if (!err)
		*t = table;
	return err;
}
