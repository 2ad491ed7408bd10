/*
 * model/proto.c - parse a C prototype into the ty graph; see func_model.h.
 *
 * Recursive descent over C11 6.7 declarations, as far as a prototype needs them:
 *   prototype  = specifiers declarator [ ';' ]
 *   declarator = { '*' { qualifier } } ( name | '(' declarator ')' | nothing ) { suffix }
 *   suffix     = '[' length ']' | '(' parameters ')'
 * A declarator is read inside out: for "(...)" the suffixes behind it are applied first and
 * the inner text is read again with the type they gave.  Attributes and C++ are refused.
 *
 * Errors   -E2BIG  text longer than 64 KiB
 * Memory   a failed parse may leave nodes behind in the pool
 */
#include "model/ctypes.h"
#include "model/func_model.h"
#include "model/proto_parser.h"

#include <errno.h>
#include <string.h>

#define MAX_TEXT  65536
#define MAX_DEPTH 32

void proto_fail(struct proto_parser *p, const char *at, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	if (p->err)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	p->err = diag_set(p->diag, -EBADMSG, "prototype, column %zu: %s",
			  (size_t)(at - p->text) + 1, what);
}

void *proto_alloc(struct proto_parser *p, size_t n)
{
	void *at = p->err ? NULL : ty_pool_alloc(p->pool, n);

	if (!at && !p->err)
		p->err = -ENOMEM;
	return at;
}

const struct ty *proto_node(struct proto_parser *p, const struct ty *t)
{
	struct ty *n = proto_alloc(p, sizeof(*n));

	if (!n)
		return &proto_void;
	*n = *t;
	if (!n->name)
		n->name = "";
	return n;
}

const char *proto_str(struct proto_parser *p, const char *s, size_t n)
{
	char *copy = proto_alloc(p, n + 1);

	return copy ? memcpy(copy, s, n) : "";
}

bool proto_enter(struct proto_parser *p)
{
	if (++p->depth > MAX_DEPTH)
		proto_fail(p, p->s, "nested too deeply");
	return !p->err;
}

static void skip_blanks(struct proto_parser *p)
{
	p->s += strspn(p->s, " \t\r\n");
}

bool proto_eat(struct proto_parser *p, char c)
{
	skip_blanks(p);
	if (p->err || *p->s != c)
		return false;
	p->s++;
	return true;
}

void proto_need(struct proto_parser *p, char c)
{
	if (!proto_eat(p, c))
		proto_fail(p, p->s, "expected '%c'", c);
}

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$';
}

size_t proto_peek(struct proto_parser *p)
{
	size_t n = 0;

	skip_blanks(p);
	if (p->err || (*p->s >= '0' && *p->s <= '9'))
		return 0;
	while (is_word_char(p->s[n]))
		n++;
	return n;
}

bool proto_word_is(const struct proto_parser *p, size_t n, const char *word)
{
	return strlen(word) == n && !memcmp(p->s, word, n);
}

static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 99;
}

uint64_t proto_number(struct proto_parser *p)
{
	uint64_t v = 0;
	unsigned base = 10;
	const char *start;

	skip_blanks(p);
	if (p->s[0] == '0' && (p->s[1] == 'x' || p->s[1] == 'X')) {
		base = 16;
		p->s += 2;
	} else if (p->s[0] == '0') {
		base = 8;
	}
	for (start = p->s; digit(*p->s) < base; p->s++) {
		if (v > (UINT64_MAX - digit(*p->s)) / base)
			proto_fail(p, start, "number too large");
		v = v * base + digit(*p->s);
	}
	if (p->s == start)
		proto_fail(p, p->s, "expected a number");
	p->s += strspn(p->s, "uUlL");
	if (is_word_char(*p->s))
		proto_fail(p, p->s, "expected a number");
	return p->err ? 0 : v;
}

bool proto_need_complete(struct proto_parser *p, const char *at, const struct ty *t)
{
	const struct ty *bare = ty_strip(t);

	if (!p->err && bare->kind == TY_UNKNOWN)
		proto_fail(p, at, "type '%.80s' is not known; only a pointer to it can be passed",
			   bare->name);
	return !p->err;
}

static const struct ty *add_quals(struct proto_parser *p, const struct ty *t, unsigned quals)
{
	static const char *const names[] = { "const", "volatile", "restrict" };

	for (unsigned i = 0; i < 3; i++) {
		if (quals & (1u << i))
			t = proto_node(p,
				       &(struct ty){ .kind = TY_QUAL, .name = names[i], .of = t });
	}
	return t;
}

const struct ty *proto_qualify(struct proto_parser *p, const struct ty *t, unsigned quals)
{
	return quals ? add_quals(p, t, quals) : t;
}

unsigned proto_qualifier(const struct proto_parser *p, size_t n)
{
	static const struct {
		const char *word;
		unsigned qual;
	} quals[] = {
		{ "const", 1 },        { "__const", 1 },      { "volatile", 2 },
		{ "__volatile", 2 },   { "restrict", 4 },     { "__restrict", 4 },
		{ "__restrict__", 4 }, { "__volatile__", 2 }, { "__const__", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(quals); i++) {
		if (proto_word_is(p, n, quals[i].word))
			return quals[i].qual;
	}
	return 0;
}

static const struct ty *pointer_to(struct proto_parser *p, const struct ty *t)
{
	return proto_node(p, &(struct ty){ .kind = TY_PTR, .size = 8, .align = 8, .of = t });
}

static const struct ty *parse_pointers(struct proto_parser *p, const struct ty *t)
{
	while (proto_eat(p, '*')) {
		unsigned quals = 0, q;
		size_t n;

		while ((n = proto_peek(p)) && (q = proto_qualifier(p, n))) {
			quals |= q;
			p->s += n;
		}
		t = proto_qualify(p, pointer_to(p, t), quals);
	}
	skip_blanks(p);
	if (*p->s == '&')
		proto_fail(p, p->s, "C++ references are not known; write a pointer");
	return t;
}

/* Behind '[': "static const 4", "restrict n", "*" and nothing are lengths of parameters. */
static bool parse_length(struct proto_parser *p, uint64_t *len)
{
	size_t n;

	while ((n = proto_peek(p))) {
		if (p->in_struct)
			proto_fail(p, p->s, "a length must be a number");
		p->s += n;
	}
	if (proto_eat(p, '*') || proto_eat(p, ']'))
		return false;
	*len = proto_number(p);
	return true;
}

static const struct ty *parse_array(struct proto_parser *p, const struct ty *elem)
{
	const char *at = p->s;
	uint64_t len = 0;
	bool sized = parse_length(p, &len);

	if (sized || p->s[-1] != ']')
		proto_need(p, ']');
	elem = proto_suffixes(p, elem);
	if (!proto_need_complete(p, at, elem))
		return &proto_void;
	if (ty_strip(elem)->kind == TY_VOID || ty_strip(elem)->kind == TY_FUNC ||
	    (ty_strip(elem)->flags & TY_UNSIZED))
		proto_fail(p, at, "not a type of an element");
	if (ty_strip(elem)->size && len > INT32_MAX / ty_strip(elem)->size)
		proto_fail(p, at, "array larger than 2 GiB");
	return proto_node(p, &(struct ty){ .kind = TY_ARRAY,
					   .flags = sized ? 0 : TY_UNSIZED,
					   .size = len * ty_strip(elem)->size,
					   .align = ty_strip(elem)->align,
					   .n = len,
					   .of = elem });
}

/* C11 6.7.6.3, 7 and 8: arrays and functions as parameters are pointers. */
static const struct ty *decay(struct proto_parser *p, const struct ty *t)
{
	const struct ty *bare = ty_strip(t);

	if (bare->kind == TY_ARRAY && !(bare->flags & TY_VECTOR))
		return pointer_to(p, bare->of);
	if (bare->kind == TY_FUNC)
		return pointer_to(p, t);
	return t;
}

static bool parse_param(struct proto_parser *p, struct proto_params *out)
{
	struct proto_param param = { .name = "" };
	const char *at;

	skip_blanks(p);
	if (!strncmp(p->s, "...", 3)) {
		p->s += 3;
		out->variadic = true;
		return false;
	}
	at = p->s;
	param.type = proto_specifiers(p);
	param.type = decay(p, proto_declarator(p, param.type, &param.name, NULL));
	if (p->err)
		return false;
	if (ty_strip(param.type)->kind == TY_VOID) {
		/* "(void)"; the caller sees that nothing follows */
		if (out->n || *param.name || ty_strip(param.type) != param.type)
			proto_fail(p, at, "a parameter of type void");
		return false;
	}
	proto_need_complete(p, at, param.type);
	if (out->n == FM_MAX_ARGS) {
		if (!p->err)
			p->err = diag_set(p->diag, -E2BIG, "more than %d parameters", FM_MAX_ARGS);
		return false;
	}
	if (out->at)
		out->at[out->n] = param;
	out->n++;
	return true;
}

/* Behind '('.  out->at NULL: check and forget. */
static void parse_params(struct proto_parser *p, struct proto_params *out)
{
	if (!proto_enter(p))
		return;
	if (proto_eat(p, ')')) {
		out->unprototyped = true;
	} else {
		while (parse_param(p, out) && proto_eat(p, ','))
			;
		proto_need(p, ')');
	}
	p->depth--;
}

static const struct ty *function_of(struct proto_parser *p, const char *at, const struct ty *ret)
{
	unsigned kind = ty_strip(ret)->kind;

	if (kind == TY_ARRAY && !(ty_strip(ret)->flags & TY_VECTOR))
		proto_fail(p, at, "a function cannot return an array");
	if (kind == TY_FUNC)
		proto_fail(p, at, "a function cannot return a function");
	return proto_node(p, &(struct ty){ .kind = TY_FUNC, .of = ret });
}

const struct ty *proto_suffixes(struct proto_parser *p, const struct ty *t)
{
	const char *at = p->s;

	if (!proto_enter(p))
		return t;
	if (proto_eat(p, '[')) {
		t = parse_array(p, t);
	} else if (proto_eat(p, '(')) {
		struct proto_params ignored = { 0 };

		parse_params(p, &ignored);
		t = function_of(p, at, proto_suffixes(p, t));
	}
	p->depth--;
	return t;
}

/* Past the ')' that closes what begins here. */
static void skip_parens(struct proto_parser *p)
{
	unsigned open = 1;

	for (; *p->s && open; p->s++) {
		open += *p->s == '(';
		open -= *p->s == ')';
	}
	if (open)
		proto_fail(p, p->s, "expected ')'");
}

/* After '(': does a declarator begin here, or a list of parameters? */
static bool is_nested(struct proto_parser *p)
{
	size_t n = proto_peek(p);

	if (!n)
		return *p->s == '*' || *p->s == '(' || *p->s == '[';
	return !proto_is_specifier(p, n);
}

static const struct ty *parse_nested(struct proto_parser *p, const struct ty *t, const char **name,
				     struct proto_params *top)
{
	const char *inside = p->s, *end;

	skip_parens(p);
	t = proto_suffixes(p, t);
	end = p->s;
	p->s = inside;
	t = proto_declarator(p, t, name, top);
	proto_need(p, ')');
	p->s = p->err ? p->s : end;
	return t;
}

/* The function's own name may be its address, "0x11e9": how functions without symbols are named. */
static size_t peek_address(const struct proto_parser *p)
{
	size_t n = 2;

	if (p->err || p->s[0] != '0' || (p->s[1] | 0x20) != 'x')
		return 0;
	while (digit(p->s[n]) < 16)
		n++;
	return n > 2 && n <= 18 && !is_word_char(p->s[n]) ? n : 0;
}

const struct ty *proto_declarator(struct proto_parser *p, const struct ty *t, const char **name,
				  struct proto_params *top)
{
	const char *at;
	size_t n;

	if (!proto_enter(p))
		return t;
	t = parse_pointers(p, t);
	n = proto_peek(p);
	if (!n && top)
		n = peek_address(p);
	at = p->s;
	if (n && !proto_qualifier(p, n)) {
		*name = proto_str(p, p->s, n);
		p->s += n;
		if (top && proto_eat(p, '(')) {
			parse_params(p, top);
			top->ret = t;
			t = function_of(p, at, t);
		} else {
			t = proto_suffixes(p, t);
		}
	} else if (proto_eat(p, '(')) {
		if (is_nested(p)) {
			t = parse_nested(p, t, name, top);
		} else {
			p->s = at;
			t = proto_suffixes(p, t);
		}
	} else {
		t = proto_suffixes(p, t);
	}
	p->depth--;
	return t;
}

static void parse_prototype(struct proto_parser *p, struct proto_params *params, const char **name)
{
	const struct ty *t = proto_specifiers(p);

	proto_declarator(p, t, name, params);
	proto_eat(p, ';');
	skip_blanks(p);
	if (!p->err && *p->s)
		proto_fail(p, p->s,
			   !strncmp(p->s, "__attribute__", strlen("__attribute__")) ?
				   "attributes are not known" :
				   "text behind the prototype");
	if (!p->err && (!params->ret || !**name))
		proto_fail(p, p->text, "not a prototype of a named function");
	if (!p->err)
		proto_need_complete(p, p->text, params->ret);
}

int proto_parse(const char *text, struct ty_pool *pool, struct proto *out, struct diag *d)
{
	struct proto_parser p = { .text = text, .s = text, .pool = pool, .diag = d };
	struct proto_params params = { 0 };
	const char *name = "";
	size_t commas = 0;

	if (strnlen(text, MAX_TEXT + 1) > MAX_TEXT)
		return diag_set(d, -E2BIG, "prototype longer than %d bytes", MAX_TEXT);
	for (const char *s = text; *s; s++)
		commas += *s == ',';
	/* one parameter more than commas, at most */
	params.at = proto_alloc(&p, (commas + 1) * sizeof(*params.at));
	parse_prototype(&p, &params, &name);
	if (p.err)
		return p.err;
	*out = (struct proto){ .name = name,
			       .ret = params.ret,
			       .nparams = params.n,
			       .param = params.at,
			       .variadic = params.variadic,
			       .unprototyped = params.unprototyped,
			       .noreturn = p.noreturn,
			       .source = PROTO_USER };
	return 0;
}
