/*
 * info/cxxname.h - the parts of a demangled function name.
 *
 *	int ns::tf<int>(int) const [clone .isra.0]
 *	    |          |
 *	    name       params
 *
 * Knows the words of the C++ runtime's demangler: templates, operators, conversions, lambdas,
 * local classes ("outer(int)::L::in(int)" is named "outer(int)::L::in"), results that are
 * function pointers.  Text that is no such name gives some split, never an error.
 *
 * Context  [ctl]
 */
#ifndef INFO_CXXNAME_H
#define INFO_CXXNAME_H

#include <stdbool.h>
#include <stddef.h>

struct cxx_name {
	const char *name;   /* behind the result's type; ends at params */
	const char *params; /* the list and what follows it; "" if there is none */
	size_t params_len;  /* without what the compiler did to it, " [clone .isra.0]" */
};

void cxx_name_split(const char *text, struct cxx_name *out);

/* How many parameters it names, "..." is none; -1: it has no list. */
int cxx_name_count(const struct cxx_name *name);

/* The last ':' of text that belongs neither to a '::' nor to anything in brackets; NULL: none. */
const char *cxx_name_colon(const char *text);

/* The first operator in text, "operator->*": where it begins, *end behind it.  NULL: none. */
const char *cxx_name_operator(const char *text, const char **end);

/*
 * Do a and b say the same?  Spaces that separate no words do not count, nor do ABI tags
 * ("f[abi:cxx11]") of a that b does not have.  std::string is itself in both its spellings.
 */
bool cxx_name_same(const char *a, size_t na, const char *b, size_t nb);

/* In place: std::string for the class template that it is, as the demangler spells it. */
void cxx_name_shorten(char *text);

#endif
