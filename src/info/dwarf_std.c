/*
 * info/dwarf_std.c - std::string where it is only declared (see dwarf_priv.h).
 *
 * clang describes a class that the library instantiates (extern template) by its name alone: until
 * C++20 that is every std::string.  Its layout is part of libstdc++'s ABI, for which the namespace
 * __cxx11 stands, and of one destructor that is not trivial.
 *
 * Context  [ctl]
 * Spec     libstdc++: bits/basic_string.h; manual, "Dual ABI"; clang: -fstandalone-debug
 */
#include "info/dwarf_priv.h"

#include <string.h>

#define SETTLED .filled = true, .settled = true

static const struct ty_node t_char = {
	.ty = { .kind = TY_INT,
		.flags = TY_CHAR | TY_SIGNED,
		.name = "char",
		.size = 1,
		.align = 1 },
	SETTLED,
};
static const struct ty_node t_long = {
	.ty = { .kind = TY_INT, .name = "unsigned long", .size = 8, .align = 8 },
	SETTLED,
};
static const struct ty_node t_ptr = {
	.ty = { .kind = TY_PTR, .name = "", .size = 8, .align = 8, .of = &t_char.ty },
	SETTLED,
};
static const struct ty_node t_chars = {
	.ty = { .kind = TY_ARRAY, .name = "", .size = 16, .align = 1, .n = 16, .of = &t_char.ty },
	SETTLED,
};
static const struct ty_member hider_m[] = { { .name = "_M_p", .type = &t_ptr.ty } };
static const struct ty_node t_hider = {
	.ty = { .kind = TY_STRUCT,
		.flags = TY_CLASS,
		.name = "_Alloc_hider",
		.size = 8,
		.align = 8,
		.n = 1,
		.member = hider_m },
	SETTLED,
};
static const struct ty_member local_m[] = {
	{ .name = "_M_local_buf", .type = &t_chars.ty },
	{ .name = "_M_allocated_capacity", .type = &t_long.ty },
};
static const struct ty_node t_local = {
	.ty = { .kind = TY_UNION, .name = "", .size = 16, .align = 8, .n = 2, .member = local_m },
	SETTLED,
};
static const struct ty_member string_m[] = {
	{ .name = "_M_dataplus", .type = &t_hider.ty },
	{ .name = "_M_string_length", .type = &t_long.ty, .offset = 8 },
	{ .name = "", .type = &t_local.ty, .offset = 16 },
};

/* What follows the class's name, as compilers close two brackets; NULL: another class. */
static const char *behind_string(const char *name)
{
	static const char head[] =
		"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char>";

	if (strncmp(name, head, sizeof(head) - 1) != 0)
		return NULL;
	name += sizeof(head) - 1;
	name += *name == ' ';
	return *name == '>' ? name + 1 : NULL;
}

bool dwr_std_class(const char *name, struct ty *out)
{
	const char *rest = behind_string(name);

	if (rest && !strcmp(rest, "::_Alloc_hider")) {
		*out = t_hider.ty;
		return true;
	}
	if (!rest || *rest)
		return false;
	out->kind = TY_STRUCT;
	out->flags = TY_CLASS | TY_NONTRIVIAL | TY_PASS_TOLD;
	out->size = 32;
	out->n = 3;
	out->member = string_m;
	return true;
}
