/*
 * info/cxxname.c - see cxxname.h.
 *
 * One walk: step() passes over what counts as a unit, so that brackets, blanks and colons
 * inside of it mean nothing to the callers.
 *
 * Context  [ctl]
 * Spec     Itanium C++ ABI 5.1 (names); the text is that of libiberty's cp-demangle.c
 */
#include "info/cxxname.h"

#include <ctype.h>
#include <string.h>

#define ANONYMOUS "(anonymous namespace)"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool starts(const char *c, const char *with)
{
	return !strncmp(c, with, strlen(with));
}

static bool is_operator(const char *text, const char *c)
{
	return starts(c, "operator") && (c == text || !is_word(c[-1])) && c[8] && !is_word(c[8]);
}

static const char *skip_angles(const char *text, const char *c);

/* '(', '[' and '{' hold any expression, so only their own kind is counted. */
static const char *skip_brackets(const char *c, char open, char close)
{
	unsigned depth = 0;

	for (; *c; c++) {
		if (*c == open)
			depth++;
		else if (*c == close && !--depth)
			return c + 1;
	}
	return c;
}

static const char *skip_group(const char *text, const char *c)
{
	switch (*c) {
	case '<':
		return skip_angles(text, c);
	case '(':
		return skip_brackets(c, '(', ')');
	case '[':
		return skip_brackets(c, '[', ']');
	case '{':
		return skip_brackets(c, '{', '}');
	default:
		return c + 1;
	}
}

/* "operator T": T ends where the parameters begin, which are always "()". */
static const char *skip_conversion(const char *text, const char *c)
{
	while (*c && *c != '>' && *c != ',' && *c != ')') {
		if (*c == '(' && c[1] == ')' && c[2] != '(')
			return c;
		c = skip_group(text, c);
	}
	return c;
}

static const char *skip_operator(const char *text, const char *c)
{
	static const char *const whole[] = {
		"()", "[]", "->*", "->", "<=>",    "<<=",  ">>=",       "<<",      ">>",
		"<=", ">=", "<",   ">",  " new[]", " new", " delete[]", " delete", " co_await"
	};

	c += strlen("operator");
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		size_t n = strlen(whole[i]);

		if (!starts(c, whole[i]) || (is_word(whole[i][n - 1]) && is_word(c[n])))
			continue;
		c += n;
		return c + starts(c, " <"); /* "operator< <int>": a template's arguments */
	}
	if (starts(c, "\"\"")) { /* operator"" _km */
		c += 2;
		c += *c == ' ';
		while (is_word(*c))
			c++;
		return c;
	}
	if (*c == ' ')
		return skip_conversion(text, c + 1);
	return c + strspn(c, "+-*/%^&|~!=,");
}

/* Template arguments; "->" and operators in them are no brackets.  Counted, not nested calls:
 * hostile text may open very many. */
static const char *skip_angles(const char *text, const char *c)
{
	unsigned depth = 0;

	while (*c) {
		if (is_operator(text, c)) {
			c = skip_operator(text, c);
		} else if (starts(c, "->")) {
			c += 2;
		} else if (*c == '<') {
			depth++;
			c++;
		} else if (*c == '>') {
			c++;
			if (!--depth)
				break;
		} else {
			c = skip_group(text, c);
		}
	}
	return c;
}

/* What may stand between a function's parameters and "::". */
static const char *skip_qualifiers(const char *c)
{
	static const char *const word[] = { " const", " volatile", " &&", " &" };

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]);) {
		if (starts(c, word[i])) {
			c += strlen(word[i]);
			i = 0;
		} else {
			i++;
		}
	}
	return c;
}

/* Past the unit at c; NULL: here the parameters begin. */
static const char *step(const char *text, const char *c)
{
	const char *end;

	if (is_operator(text, c))
		return skip_operator(text, c);
	if (starts(c, "::"))
		return c + 2;
	if (starts(c, ANONYMOUS))
		return c + strlen(ANONYMOUS);
	if (*c != '(')
		return skip_group(text, c);
	end = skip_group(text, c);
	if ((c - text >= 8 && (starts(c - 8, "decltype") || starts(c - 8, "__vector"))) ||
	    (c - text >= 9 && starts(c - 9, "decltype ")))
		return end;
	end = skip_qualifiers(end);
	return starts(end, "::") ? end : NULL; /* else those of a function around it */
}

/* "non-virtual thunk to C::f()" is another function than C::f, so this is no result's type. */
static size_t thunk_prefix(const char *text)
{
	static const char *const word[] = { "non-virtual thunk to ",      "virtual thunk to ",
					    "covariant return thunk to ", "TLS init function for ",
					    "TLS wrapper function for ",  "guard variable for " };

	for (size_t i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		if (starts(text, word[i]))
			return strlen(word[i]);
	}
	return 0;
}

/* The '*' or '&' of "int (*f(char))[4]" or "int (C::*f(char)) const", c behind the bracket; NULL. */
static const char *declarator(const char *text, const char *c)
{
	if (*c == '*' || *c == '&')
		return c;
	while (is_word(*c) || *c == '<' || starts(c, "::") || starts(c, ANONYMOUS)) {
		if (starts(c, "::*"))
			return c + 2;
		c = is_word(*c) ? c + 1 : step(text, c);
	}
	return NULL;
}

void cxx_name_split(const char *text, struct cxx_name *out)
{
	const char *c = text + thunk_prefix(text), *next, *clone;
	bool inside = false; /* the name is in brackets */

	out->name = text;
	while (*c && !starts(c, " [clone")) {
		next = *c == ' ' && c[1] == '(' && (c - text < 8 || !starts(c - 8, "decltype")) ?
			       declarator(text, c + 2) :
			       NULL;
		if (next) {
			inside = true;
			out->name = c = next;
		} else if (*c == ' ' || (inside && (*c == '*' || *c == '&'))) {
			out->name = ++c;
		} else {
			next = step(text, c);
			if (!next)
				break;
			c = next;
		}
	}
	out->params = c;
	clone = strstr(c, " [clone");
	out->params_len = clone ? (size_t)(clone - c) : strlen(c);
}

const char *cxx_name_colon(const char *text)
{
	const char *found = NULL;

	for (const char *c = text; c && *c; c = step(text, c)) {
		if (*c == ':' && c[1] != ':')
			found = c;
	}
	return found;
}

const char *cxx_name_operator(const char *text, const char **end)
{
	for (const char *c = text; c && *c; c = step(text, c)) {
		if (is_operator(text, c)) {
			*end = skip_operator(text, c);
			return c;
		}
	}
	return NULL;
}

int cxx_name_count(const struct cxx_name *name)
{
	const char *c = name->params;
	int n = 0;

	if (*c != '(')
		return -1;
	if (*++c == ')')
		return 0;
	for (n = 1; *c && *c != ')'; c = starts(c, "...") ? c + 3 : skip_group(name->params, c)) {
		if (starts(c, "..."))
			n--;
		else if (*c == ',')
			n++;
	}
	return n;
}

static bool is_loose(const char *s, size_t i, size_t n)
{
	return s[i] == ' ' && !(i && i + 1 < n && is_word(s[i - 1]) && is_word(s[i + 1]));
}

static size_t skip_loose(const char *s, size_t i, size_t n)
{
	while (i < n && is_loose(s, i, n))
		i++;
	return i;
}

static size_t skip_spaces(const char *s, size_t i, size_t n)
{
	while (i < n && s[i] == ' ')
		i++;
	return i;
}

/* How long is word, which has no spaces, in s[i, n)?  0: it is not there, or is part of another. */
static size_t spelled(const char *s, size_t i, size_t n, const char *word)
{
	size_t k = i;

	if (i && (is_word(s[i - 1]) || s[i - 1] == ':'))
		return 0;
	for (; *word; word++) {
		k = skip_loose(s, k, n);
		if (k == n || s[k++] != *word)
			return 0;
	}
	return k < n && is_word(s[k]) && is_word(s[k - 1]) ? 0 : k - i;
}

/* What a std::string is since C++11's ABI of libstdc++; the demangler writes it out. */
static const char long_string[] =
	"std::__cxx11::basic_string<char,std::char_traits<char>,std::allocator<char>>";
static const char short_string[] = "std::string";

static size_t string_at(const char *s, size_t i, size_t n)
{
	size_t len = spelled(s, i, n, short_string);

	return len ? len : spelled(s, i, n, long_string);
}

void cxx_name_shorten(char *text)
{
	size_t n = strlen(text), i = 0, to = 0, len;

	while (i < n) {
		len = spelled(text, i, n, long_string);
		if (!len) {
			text[to++] = text[i++];
			continue;
		}
		memcpy(text + to, short_string, strlen(short_string));
		to += strlen(short_string);
		i += len;
		i += starts(text + i, " >");
	}
	text[to] = '\0';
}

bool cxx_name_same(const char *a, size_t na, const char *b, size_t nb)
{
	size_t i = 0, k = 0, x, y;

	for (;;) {
		i = skip_loose(a, i, na);
		k = skip_loose(b, k, nb);
		x = string_at(a, i, na);
		y = x ? string_at(b, k, nb) : 0;
		if (y) { /* a space behind one spelling separates words, behind the other not */
			i = skip_spaces(a, i + x, na);
			k = skip_spaces(b, k + y, nb);
			continue;
		}
		if (i < na && starts(a + i, "[abi:") && !(k < nb && b[k] == '[')) {
			i = (size_t)(skip_brackets(a + i, '[', ']') - a);
			i = i < na ? i : na;
			continue;
		}
		if (i == na || k == nb)
			return i == na && k == nb;
		if (a[i++] != b[k++])
			return false;
	}
}
