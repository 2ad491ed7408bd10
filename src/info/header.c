/*
 * info/header.c - see header.h: the headers are compiled as one file, its functions collected.
 *
 * A function is known by the symbol that calls of it name (an asm label counts).  Of several
 * declarations those that have this name themselves are taken, and of these the one with the most
 * names of parameters.
 *
 * Context  [ctl]
 * Spec     C11 6.4.2.1, 7.1.3 (identifiers that are reserved)
 */
#include "info/header_priv.h"

#include "info/objfile.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PARAMS 255

struct found {
	char *symbol;
	struct cx_cursor decl;
	struct cx_type type; /* canonical */
	unsigned named;      /* parameters with names */
	bool own;            /* the symbol is the declared name, no label */
	bool differs;        /* two declarations of the symbol do not agree */
};

struct reading {
	struct header_parse p;
	const struct header_opts *opts;
	void *tu;
	void *exported; /* tsearch(3): names; NULL: all functions are meant */
	struct {
		VEC(struct found);
	} found;
	void *by_symbol; /* tsearch(3): their indices + 1, by name */
};

/* -- what the library exports --------------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void keep(void *p)
{
}

/* A version that is not the default cannot be what a header declares. */
static int read_exports(struct reading *r, struct objfile *o)
{
	for (unsigned i = 0; i < o->nsym; i++) {
		const struct objsym *s = &o->sym[i];

		if (!s->dynamic || !s->global || (s->version && !s->default_version) ||
		    (s->type != OBJSYM_FUNC && s->type != OBJSYM_IFUNC))
			continue;
		if (!tsearch(s->name, &r->exported, compare_names))
			return -ENOMEM;
	}
	return 0;
}

static bool is_wanted(const struct reading *r, const char *symbol)
{
	return !r->opts->library || tfind(symbol, &r->exported, compare_names);
}

/* -- finding functions ------------------------------------------------------------------------ */

struct index_entry {
	char *symbol; /* first: compared alone */
	size_t at;
};

static int compare_entries(const void *pa, const void *pb)
{
	const struct index_entry *a = pa, *b = pb;

	return strcmp(a->symbol, b->symbol);
}

static unsigned count_names(struct reading *r, struct cx_cursor c, struct cx_type t)
{
	const struct libclang *lc = r->p.lc;
	int n = lc->getNumArgTypes(t);
	unsigned named = 0;

	for (int i = 0; i < n; i++) {
		struct cx_string s = lc->getCursorSpelling(lc->Cursor_getArgument(c, (unsigned)i));
		const char *text = lc->getCString(s);

		named += text && *text;
		lc->disposeString(s);
	}
	return named;
}

static bool is_own_name(struct reading *r, struct cx_cursor c, const char *symbol)
{
	struct cx_string s = r->p.lc->getCursorSpelling(c);
	const char *text = r->p.lc->getCString(s);
	bool own = text && !strcmp(text, symbol);

	r->p.lc->disposeString(s);
	return own;
}

/* A second declaration of a symbol. */
static void merge(struct reading *r, struct found *have, const struct found *f)
{
	if (f->own != have->own) {
		if (f->own) {
			char *symbol = have->symbol;

			*have = *f;
			have->symbol = symbol;
		}
		return;
	}
	have->differs |= !r->p.lc->equalTypes(have->type, f->type);
	if (f->named > have->named) {
		have->decl = f->decl;
		have->named = f->named;
	}
}

static int add_found(struct reading *r, char *symbol, struct cx_cursor c)
{
	struct cx_type t = r->p.lc->getCursorType(c);
	struct found f = { .symbol = symbol, .decl = c };
	struct index_entry *e = calloc(1, sizeof(*e)), **slot = NULL;

	f.type = r->p.lc->getCanonicalType(t);
	f.named = count_names(r, c, t);
	f.own = is_own_name(r, c, symbol);
	if (e) {
		e->symbol = symbol;
		e->at = r->found.n;
		slot = (struct index_entry **)tsearch(e, &r->by_symbol, compare_entries);
	}
	if (slot && *slot == e) {
		if (vec_push(&r->found, f) == 0)
			return 0;
		free(symbol); /* the index keeps the name, but nobody asks it again */
		return -ENOMEM;
	}
	free(e);
	if (slot)
		merge(r, &r->found.at[(*slot)->at], &f);
	free(symbol);
	return slot ? 0 : -ENOMEM;
}

static unsigned see(struct cx_cursor c, struct cx_cursor parent, void *data)
{
	struct reading *r = data;
	char *symbol;

	if (c.kind != CX_FUNCTION_DECL || r->p.lc->getCursorLinkage(c) != CX_LINKAGE_EXTERNAL)
		return CX_CONTINUE;
	symbol = libclang_take(r->p.lc, r->p.lc->Cursor_getMangling(c));
	if (!symbol)
		r->p.err = -ENOMEM;
	else if (is_wanted(r, symbol))
		r->p.err = add_found(r, symbol, c);
	else
		free(symbol);
	return r->p.err ? CX_BREAK : CX_CONTINUE;
}

/* -- names of parameters ------------------------------------------------------------------------ */

static bool is_keyword(const char *s)
{
	static const char *const words[] = {
		"auto",     "bool",     "break",   "case",   "char",   "const",    "continue",
		"default",  "do",       "double",  "else",   "enum",   "extern",   "float",
		"for",      "goto",     "if",      "inline", "int",    "long",     "register",
		"restrict", "return",   "short",   "signed", "sizeof", "static",   "struct",
		"switch",   "typedef",  "typeof",  "union",  "void",   "volatile", "while",
		"asm",      "unsigned", "complex",
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!strcmp(words[i], s))
			return true;
	}
	return false;
}

/* A reserved name ("__fd") without its underscores, if that is a name. */
static const char *plain_name(const char *name)
{
	const char *bare = name + strspn(name, "_");

	if (name[0] != '_' || (name[1] != '_' && !isupper((unsigned char)name[1])))
		return name;
	return isalpha((unsigned char)*bare) && !is_keyword(bare) ? bare : name;
}

/* The name that a comment behind an unnamed parameter has, as Xlib writes it: "int / * depth * /". */
static char *comment_name(const char *text)
{
	const char *from = text + 2 + strspn(text + 2, " \t");
	size_t n = 0;

	while (isalnum((unsigned char)from[n]) || from[n] == '_')
		n++;
	if (!n || isdigit((unsigned char)*from) || strcmp(from + n + strspn(from + n, " \t"), "*/"))
		return NULL;
	return strndup(from, n);
}

static unsigned offset_of(struct reading *r, struct cx_location l)
{
	unsigned offset = 0;

	r->p.lc->getFileLocation(l, NULL, NULL, NULL, &offset);
	return offset;
}

/* Which parameter ends last before this place?  -1: none. */
static int param_before(struct reading *r, const struct found *f, unsigned n, unsigned at)
{
	const struct libclang *lc = r->p.lc;
	int best = -1;

	for (unsigned i = 0; i < n; i++) {
		struct cx_range e = lc->getCursorExtent(lc->Cursor_getArgument(f->decl, i));

		if (offset_of(r, lc->getRangeEnd(e)) <= at)
			best = (int)i;
	}
	return best;
}

/* Names from comments, only where no parameter has a name of its own. */
static void names_from_comments(struct reading *r, const struct found *f, unsigned n,
				const char **names)
{
	const struct libclang *lc = r->p.lc;
	struct cx_token *tokens = NULL;
	unsigned ntokens = 0;

	lc->tokenize(r->tu, lc->getCursorExtent(f->decl), &tokens, &ntokens);
	for (unsigned i = 0; i < ntokens; i++) {
		char *text, *name;
		int to;

		if (lc->getTokenKind(tokens[i]) != CX_TOKEN_COMMENT)
			continue;
		text = libclang_take(lc, lc->getTokenSpelling(r->tu, tokens[i]));
		name = text && !strncmp(text, "/*", 2) ? comment_name(text) : NULL;
		to = name ? param_before(r, f, n,
					 offset_of(r, lc->getTokenLocation(r->tu, tokens[i]))) :
			    -1;
		if (to >= 0 && !*names[to])
			names[to] = header_name(&r->p, name);
		else
			free(name);
		free(text);
	}
	if (tokens)
		lc->disposeTokens(r->tu, tokens, ntokens);
}

static void take_names(struct reading *r, const struct found *f, unsigned n, const char **names)
{
	const struct libclang *lc = r->p.lc;

	for (unsigned i = 0; i < n; i++)
		names[i] = header_name(
			&r->p, libclang_take(lc, lc->getCursorSpelling(
							 lc->Cursor_getArgument(f->decl, i))));
	if (!f->named && n)
		names_from_comments(r, f, n, names);
	for (unsigned i = 0; i < n; i++) {
		const char *plain = plain_name(names[i]);
		bool taken = false;

		for (unsigned k = 0; k < n; k++)
			taken |= k != i && !strcmp(names[k], plain);
		names[i] = taken ? names[i] : plain;
	}
}

/* -- functions ----------------------------------------------------------------------------------- */

/* Why it is left out (static text); NULL: it is not. */
static const char *left_out(struct reading *r, const struct found *f, int n)
{
	const char *why = NULL;

	if (f->differs)
		return "two declarations of it differ";
	if (f->type.kind != CX_FUNCTION_PROTO)
		return "it is declared without its parameters";
	if (r->p.lc->getFunctionTypeCallingConv(f->type) != CX_CALL_C)
		return "it has a calling convention of its own";
	if (header_has_attribute(&r->p, f->decl, "returns_twice"))
		return "it can return twice";
	if (n > MAX_PARAMS)
		return "it has too many parameters";
	for (int i = 0; i < n && !why; i++)
		why = header_unsayable(&r->p, r->p.lc->getArgType(r->p.lc->getCursorType(f->decl),
								  (unsigned)i));
	return why ? why : header_unsayable(&r->p, r->p.lc->getResultType(f->type));
}

static bool is_noreturn(struct reading *r, const struct found *f)
{
	char *text = libclang_take(r->p.lc, r->p.lc->getTypeSpelling(f->type));
	bool found = text && strstr(text, "noreturn");

	if (!text)
		r->p.err = -ENOMEM;
	free(text);
	return found;
}

static void add_function(struct reading *r, const struct found *f)
{
	const char *names[MAX_PARAMS], *why;
	struct header_func out = { .noreturn = is_noreturn(r, f) };
	struct cx_type t = r->p.lc->getCursorType(f->decl);
	int n = r->p.lc->getNumArgTypes(t);

	why = left_out(r, f, n);
	if (why) {
		if (r->opts->left_out)
			r->opts->left_out(r->opts->ctx, f->symbol, why);
		return;
	}
	take_names(r, f, n > 0 ? (unsigned)n : 0, names);
	out.name = header_name(&r->p, strdup(f->symbol));
	out.proto = header_proto_id(&r->p, t, names);
	header_type_finish(&r->p);
	if (vec_push(&r->p.h->funcs, out) < 0)
		r->p.err = -ENOMEM;
}

static int compare_found(const void *pa, const void *pb)
{
	const struct found *a = pa, *b = pb;

	return strcmp(a->symbol, b->symbol);
}

static int collect(struct reading *r)
{
	r->p.lc->visitChildren(r->p.lc->getTranslationUnitCursor(r->tu), see, r);
	if (r->found.n && !r->p.err)
		qsort(r->found.at, r->found.n, sizeof(r->found.at[0]), compare_found);
	for (size_t i = 0; i < r->found.n && !r->p.err; i++)
		add_function(r, &r->found.at[i]);
	return r->p.err;
}

/* -- compiling ------------------------------------------------------------------------------------- */

static int first_error(struct reading *r, struct diag *d)
{
	const struct libclang *lc = r->p.lc;
	unsigned n = lc->getNumDiagnostics(r->tu);
	int err = 0;

	for (unsigned i = 0; i < n && !err; i++) {
		void *g = lc->getDiagnostic(r->tu, i);

		if (lc->getDiagnosticSeverity(g) >= CX_SEVERITY_ERROR) {
			char *text = libclang_take(
				lc, lc->formatDiagnostic(g, lc->defaultDiagnosticDisplayOptions()));

			err = text ? diag_set(d, -EBADMSG, "%s", text) : -ENOMEM;
			free(text);
		}
		lc->disposeDiagnostic(g);
	}
	return err;
}

/* One #include a header, looked for as from a file in the current directory. */
static char *source_text(const struct header_opts *o, struct diag *d, int *err)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	*err = f ? 0 : -ENOMEM;
	for (size_t i = 0; i < o->nheaders && !*err; i++) {
		if (!*o->headers[i] || strpbrk(o->headers[i], "\"\n\\"))
			*err = diag_set(d, -EINVAL, "'%s' is not a header's name", o->headers[i]);
		else
			fprintf(f, "#include \"%s\"\n", o->headers[i]);
	}
	if (f && fclose(f) && !*err)
		*err = -ENOMEM;
	return text;
}

static int compile(struct reading *r, void *index, struct diag *d)
{
	static const char *const fixed[] = { "-x", "c", "-std=gnu11", "-target", "x86_64-linux-gnu",
					     "-w" };
	const struct header_opts *o = r->opts;
	size_t n = ARRAY_LEN(fixed) + 2 * (o->nincludes + o->ndefines), at = ARRAY_LEN(fixed);
	const char **args = calloc(n, sizeof(*args));
	struct cx_unsaved file = { .name = "utramp-btf-gen.c" };
	char *text;
	int err;

	text = source_text(o, d, &err);
	if (!args)
		err = -ENOMEM;
	if (!err) {
		memcpy(args, fixed, sizeof(fixed));
		for (size_t i = 0; i < o->nincludes; i++) {
			args[at++] = "-I";
			args[at++] = o->includes[i];
		}
		for (size_t i = 0; i < o->ndefines; i++) {
			args[at++] = "-D";
			args[at++] = o->defines[i];
		}
		file.text = text;
		file.size = strlen(text);
		if (r->p.lc->parseTranslationUnit2(index, file.name, args, (int)n, &file, 1,
						   CX_SKIP_BODIES, &r->tu))
			err = diag_set(d, -EBADMSG, "libclang cannot compile the headers");
	}
	free(args);
	free(text);
	return err ? err : first_error(r, d);
}

static int header_new(struct header **out)
{
	struct header *h = calloc(1, sizeof(*h));

	if (!h || ty_pool_new(&h->pool) < 0) {
		free(h);
		return -ENOMEM;
	}
	*out = h;
	return 0;
}

void header_free(struct header *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->types.n; i++)
		vec_free(&h->types.at[i].m);
	vec_free(&h->types);
	vec_free(&h->funcs);
	ty_pool_free(h->pool);
	free(h);
}

static void reading_fini(struct reading *r)
{
	if (r->tu)
		r->p.lc->disposeTranslationUnit(r->tu);
	header_type_fini(&r->p);
	for (size_t i = 0; i < r->found.n; i++)
		free(r->found.at[i].symbol);
	vec_free(&r->found);
	tdestroy(r->by_symbol, free);
	tdestroy(r->exported, keep);
}

int header_read(const struct header_opts *opts, struct header **out, struct diag *d)
{
	struct reading r = { .opts = opts };
	struct objfile *lib = NULL;
	void *index = NULL;
	int err = libclang_load(&r.p.lc, d);

	if (!err && opts->library)
		err = objfile_open(opts->library, &lib, d);
	if (!err && lib)
		err = read_exports(&r, lib);
	if (!err)
		err = header_new(&r.p.h);
	if (!err) {
		index = r.p.lc->createIndex(0, 0);
		err = index ? compile(&r, index, d) : -ENOMEM;
	}
	if (!err)
		err = collect(&r);
	reading_fini(&r);
	if (index)
		r.p.lc->disposeIndex(index);
	objfile_close(lib);
	if (err)
		header_free(r.p.h);
	else
		*out = r.p.h;
	return err;
}
