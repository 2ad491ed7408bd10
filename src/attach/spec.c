/*
 * attach/spec.c - see spec.h.
 */
#include "attach/spec.h"
#include "attach/policy.h"
#include "info/cxxname.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool has_glob(const char *s)
{
	return strpbrk(s, "*?") != NULL;
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

/*
 * The ':' behind the module, NULL: there is none.  A module that is a path may hold anything:
 * it ends at the first ':' behind the name of a file.
 */
static const char *separator(const char *text)
{
	const char *at;
	char *path = strchr(text, '/') ? strdup(text) : NULL;
	bool found = false;

	for (at = text; path && !found && (at = strchr(at, ':')); at++) {
		if (at[1] == ':') {
			at++;
			continue;
		}
		path[at - text] = '\0';
		found = memchr(text, '/', (size_t)(at - text)) && is_file(path);
		path[at - text] = ':';
		if (found)
			break;
	}
	free(path);
	return found ? at : cxx_name_colon(text);
}

static int parse_addr(const char *text, struct fspec *out, struct diag *d)
{
	char *end;

	errno = 0;
	out->addr = strtoull(text + 2, &end, 16);
	if (!isxdigit((unsigned char)text[2]) || *end || errno)
		return diag_set(d, -EINVAL, "'%s' is not an address: write 0x and hex digits",
				text);
	out->is_addr = true;
	return 0;
}

/* "name+0x10" asks for an instruction inside; a '+' of an operator name does not. */
static bool has_offset(const char *func)
{
	const char *plus = strrchr(func, '+');

	return plus && plus > func && isdigit((unsigned char)plus[1]);
}

/* In a template's arguments "char const*" is a type: this '*' stands behind one, and ends it. */
static bool ends_type(const char *text, const char *star)
{
	int depth = 0;

	for (const char *c = text; c < star; c++)
		depth += *c == '<' ? 1 : *c == '>' ? -1 : 0;
	return depth > 0 && (isalnum((unsigned char)star[-1]) || strchr("_*>)", star[-1])) &&
	       star[1] && strchr(">,&* )", star[1]);
}

/*
 * "operator*" is a name, not a pattern, and so is what follows it; "C*::operator*" is a pattern
 * that means this operator: its own '*' are marked as such, as are those of types.
 */
static int parse_glob(struct fspec *s)
{
	const char *end, *op = cxx_name_operator(s->func, &end), *last;
	char *marked;
	size_t n = 0;

	last = op ? op : s->func + strlen(s->func);
	for (const char *c = s->func; c < last && !s->func_glob; c++)
		s->func_glob = *c == '?' || (*c == '*' && !ends_type(s->func, c));
	if (!s->func_glob)
		return 0;
	marked = malloc(2 * strlen(s->func) + 1);
	if (!marked)
		return -ENOMEM;
	for (const char *c = s->func; *c; c++) {
		if (*c == '*' && ((op && c >= op && c < end) || ends_type(s->func, c)))
			marked[n++] = '\\';
		marked[n++] = *c;
	}
	marked[n] = '\0';
	free(s->func);
	s->func = marked;
	return 0;
}

/* Cut "@VERSION" off text: 1 if there was one, 0, or -ENOMEM. */
static int cut_version(char *text, struct fspec *out)
{
	char *at = strchr(text, '@');

	if (!at || at == text)
		return 0;
	*at++ = '\0';
	at += *at == '@';
	out->version = strdup(at);
	return out->version ? 1 : -ENOMEM;
}

static int parse_name(const char *text, struct fspec *out)
{
	struct cxx_name name;
	int err;

	cxx_name_split(text, &name);
	if (*name.params == '(' && name.params > text) {
		out->params = strdup(name.params);
		out->func = strndup(text, (size_t)(name.params - text));
	} else {
		out->func = strdup(text);
	}
	if (!out->func || (*name.params == '(' && name.params > text && !out->params))
		return -ENOMEM;
	err = cut_version(out->func, out);
	if (!err && out->params)
		err = cut_version(out->params, out);
	return err < 0 ? err : 0;
}

static int parse_func(const char *text, struct fspec *out, struct diag *d)
{
	bool literal = *text == '=';
	int err;

	text += literal;
	if (!*text)
		return diag_set(d, -EINVAL, "the function is missing: write [MODULE:]FUNCTION");
	if (has_offset(text))
		return diag_set(d, -ENOTSUP,
				"'%s': an offset into a function can only be probed by uprobe "
				"programs; fentry and fexit take the function's name",
				text);
	if (!literal && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		out->func = strdup(text);
		return out->func ? parse_addr(text, out, d) : -ENOMEM;
	}
	err = parse_name(text, out);
	return err || literal ? err : parse_glob(out);
}

int fspec_parse(const char *text, struct fspec *out, struct diag *d)
{
	struct fspec s = { 0 };
	const char *colon = separator(text);
	int err = 0;

	if (colon && colon > text) {
		s.module = strndup(text, (size_t)(colon - text));
		if (!s.module)
			return -ENOMEM;
		s.module_glob = has_glob(s.module);
	}
	err = parse_func(colon ? colon + 1 : text, &s, d);
	if (err) {
		fspec_fini(&s);
		return err;
	}
	*out = s;
	return 0;
}

void fspec_fini(struct fspec *s)
{
	free(s->module);
	free(s->func);
	free(s->version);
	free(s->params);
	*s = (struct fspec){ 0 };
}

bool glob_match(const char *p, const char *t)
{
	const char *star = NULL, *retry = NULL;

	while (*t) {
		if (*p == '*') {
			star = p++;
			retry = t;
		} else if (*p == '?' || (*p != '\\' && *p == *t)) {
			p++;
			t++;
		} else if (*p == '\\' && p[1] == *t) {
			p += 2;
			t++;
		} else if (star) {
			p = star + 1;
			t = ++retry;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "libc" answers for libc.so.6 and libc-2.31.so, "libfoo.so" for libfoo.so.1. */
static bool short_name(const char *want, const char *name)
{
	size_t n = strlen(want);

	if (strncmp(want, name, n) != 0)
		return false;
	if (!strncmp(name + n, ".so", 3) && (!name[n + 3] || name[n + 3] == '.'))
		return true;
	if (name[n] == '-' && isdigit((unsigned char)name[n + 1]) && strstr(name + n, ".so"))
		return true;
	return n > 3 && !strcmp(want + n - 3, ".so") && name[n] == '.';
}

static bool same_path(const char *a, const char *b)
{
	char *ra, *rb;
	bool same;

	if (!strcmp(a, b))
		return true;
	ra = realpath(a, NULL);
	rb = realpath(b, NULL);
	same = ra && rb && !strcmp(ra, rb);
	free(ra);
	free(rb);
	return same;
}

bool fspec_module_matches(const struct fspec *s, const char *path, const char *soname)
{
	const char *base = base_name(path);

	if (!s->module)
		return true;
	if (strchr(s->module, '/'))
		return s->module_glob ? glob_match(s->module, path) : same_path(s->module, path);
	if (s->module_glob)
		return glob_match(s->module, base) || (soname && glob_match(s->module, soname));
	return !strcmp(s->module, base) || (soname && !strcmp(s->module, soname)) ||
	       short_name(s->module, base) || (soname && short_name(s->module, soname));
}

static bool glob_match_n(const char *pattern, const char *text, size_t n)
{
	char *copy = strndup(text, n);
	bool ok = copy && glob_match(pattern, copy);

	free(copy);
	return ok;
}

/* The pattern may show that it means the result's type as well: "int ns::*". */
static bool pattern_matches(const struct fspec *s, const char *demangled,
			    const struct cxx_name *parts)
{
	return glob_match_n(s->func, parts->name, (size_t)(parts->params - parts->name)) ||
	       (strchr(s->func, ' ') &&
		glob_match_n(s->func, demangled, (size_t)(parts->params - demangled)));
}

static bool demangled_matches(const struct fspec *s, const char *demangled)
{
	struct cxx_name parts;
	size_t n = strlen(s->func);
	bool ok;

	cxx_name_split(demangled, &parts);
	if (s->func_glob)
		ok = pattern_matches(s, demangled, &parts);
	else
		ok = cxx_name_same(parts.name, (size_t)(parts.params - parts.name), s->func, n) ||
		     cxx_name_same(demangled, (size_t)(parts.params - demangled), s->func, n);
	return ok && (!s->params ||
		      cxx_name_same(parts.params, parts.params_len, s->params, strlen(s->params)));
}

/* A pattern means a C++ function's name, not the letters of its mangled one, unless it says so. */
static bool mangled_matches(const struct fspec *s, const char *mangled, bool has_demangled)
{
	if (s->params)
		return false;
	if (!s->func_glob)
		return !strcmp(s->func, mangled);
	return (!has_demangled || s->func[0] == '_') && glob_match(s->func, mangled);
}

bool fspec_symbol_matches(const struct fspec *s, const char *mangled, const char *version,
			  const char *demangled)
{
	if (s->version && (!version || strcmp(s->version, version) != 0))
		return false;
	if (mangled_matches(s, mangled, demangled != NULL))
		return true;
	return demangled && !policy_is_fragment(mangled) && demangled_matches(s, demangled);
}
