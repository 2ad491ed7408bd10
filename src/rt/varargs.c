/*
 * rt/varargs.c - the unnamed arguments of a call, by a format that says which they are.
 *
 * Two passes.  The first parses the format: of each argument its type, in the order in which they
 * were passed, which "%2$d" may differ from.  The second goes through the arguments as va_arg()
 * would: registers that named ones have left, then the stack, read at once and only as far as the
 * format asks; strings are read where they are used.  What does not parse, has no type, or is not
 * there ends the list: nothing is guessed.
 *
 * Knows C11 7.21.6.1 and 7.21.6.2, what glibc has beside it (q Z t lengths, ' and I flags, %m %C %S,
 * positions) and C23's b, B and w8 to w64.
 *
 * Errors   none: what is known is written
 * Context  [probe] about 650 bytes of stack, with what it calls
 * Spec     psABI 3.2.3, 3.5.7
 */
#include "rt/probe.h"

#include "shm/varargs.h"

#define MAX_ARGS  32
#define MAX_STACK 32 /* words of the caller's stack arguments */
#define MAX_NUM   65535
#define NO_STAR   0xff

/* psABI 3.5.7: six general registers, then eight vector ones in 16 bytes each. */
#define SAVE_GPR  48
#define SAVE_AREA 176

struct arg {
	uint8_t kind, size;
	uint8_t at;   /* of the words: SHM_VA_*, behind them the stack's */
	uint8_t star; /* of a string: which argument its precision is */
	uint16_t max; /* of a string: its precision; MAX_NUM: none */
};

struct scan {
	const char *p;
	struct arg arg[MAX_ARGS];
	unsigned n;
	uint8_t scanf, by_position, in_order;
};

/* -- formats ------------------------------------------------------------------------------- */

static unsigned number(struct scan *s)
{
	unsigned n = 0;

	for (; *s->p >= '0' && *s->p <= '9'; s->p++)
		n = n < MAX_NUM / 10 ? n * 10 + (unsigned)(*s->p - '0') : MAX_NUM;
	return n;
}

/* "3$": 3; 0 and nothing taken if there is no such thing. */
static unsigned position(struct scan *s)
{
	const char *begin = s->p;
	unsigned n = number(s);

	if (n && *s->p == '$') {
		s->p++;
		return n;
	}
	s->p = begin;
	return 0;
}

static int is_float(uint8_t kind)
{
	return kind == SHM_VA_DOUBLE || kind == SHM_VA_LDOUBLE ? kind : 0;
}

/* The argument at a position, or the next one if that is 0; NULL: there is none, or both ways. */
static struct arg *take(struct scan *s, unsigned pos, uint8_t kind, uint8_t size)
{
	struct arg *a;

	s->by_position |= pos != 0;
	s->in_order |= pos == 0;
	if (s->by_position == s->in_order || (pos ? pos > MAX_ARGS : s->n >= MAX_ARGS))
		return NULL;
	a = &s->arg[pos ? pos - 1 : s->n];
	if (pos > s->n || !pos) {
		for (unsigned i = s->n; pos && i < pos; i++)
			s->arg[i].kind = SHM_VA_NONE;
		s->n = pos ? pos : s->n + 1;
	}
	/* one that is named twice is shown as it was named first */
	if (a->kind && pos)
		return is_float(a->kind) == is_float(kind) ? a : NULL;
	*a = (struct arg){ .kind = kind, .size = size, .star = NO_STAR };
	return a;
}

static int flag(const struct scan *s, char c)
{
	const char *flags = s->scanf ? "'I" : "-+ #0'I";

	for (; *flags; flags++)
		if (*flags == c)
			return 1;
	return 0;
}

/* Width or precision: a number, or an argument, whose index is *star. */
static int field(struct scan *s, unsigned *n, uint8_t *star)
{
	struct arg *a;

	*star = NO_STAR;
	if (*s->p != '*') {
		*n = number(s);
		return 0;
	}
	s->p++;
	a = take(s, position(s), SHM_VA_INT, 4);
	if (!a)
		return -1;
	*star = (uint8_t)(a - s->arg);
	*n = MAX_NUM;
	return 0;
}

/* C23 7.23.6.1: w8 to w64, wf8 to wf64, of which only the first is less than a word here. */
static unsigned exact_width(struct scan *s)
{
	int fast = *s->p == 'f';
	unsigned bits;

	s->p += fast;
	bits = number(s);
	if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
		return 0;
	return fast && bits > 8 ? 8 : bits / 8;
}

/* Bytes of an integer, 0: no such length; *wide: what makes a double long double, 16 */
static unsigned length(struct scan *s, unsigned *wide)
{
	unsigned twice = *s->p && s->p[1] == *s->p;

	*wide = 8;
	switch (*s->p) {
	case 'h':
		s->p += 1 + twice;
		return 2 - twice;
	case 'l':
		s->p += 1 + twice;
		*wide = 8 + 8 * twice;
		return 8;
	case 'L':
	case 'q':
		*wide = 16; /* in glibc all of these are one */
		s->p++;
		return 8;
	case 'j':
	case 'z':
	case 'Z':
	case 't':
		s->p++;
		return 8;
	case 'w':
		s->p++;
		return exact_width(s);
	}
	return 4;
}

static int in(const char *set, char c)
{
	for (; *set; set++)
		if (*set == c)
			return 1;
	return 0;
}

/* The type of a conversion, SHM_VA_NONE: there is none such. */
static uint8_t kind_of(char conv, unsigned len, unsigned wide, uint8_t *size)
{
	*size = 8;
	if (in("aAeEfFgG", conv)) {
		*size = (uint8_t)wide;
		return wide == 16 ? SHM_VA_LDOUBLE : SHM_VA_DOUBLE;
	}
	if (conv == 's' && len != 8)
		return SHM_VA_STR;
	if (in("spnS", conv))
		return SHM_VA_PTR;
	*size = (uint8_t)len;
	if (in("di", conv))
		return SHM_VA_INT;
	if (in("ouxXbB", conv))
		return SHM_VA_UINT;
	*size = 4; /* wint_t */
	if (conv == 'C' || (conv == 'c' && len == 8))
		return SHM_VA_UINT;
	*size = 1;
	return conv == 'c' ? SHM_VA_CHAR : SHM_VA_NONE;
}

/* Behind '%'; -1: it is none that we know. */
static int conversion(struct scan *s)
{
	unsigned pos = position(s), precision = MAX_NUM, width, len, wide;
	uint8_t star = NO_STAR, kind, size;
	struct arg *a;

	while (flag(s, *s->p))
		s->p++;
	if (field(s, &width, &star))
		return -1;
	star = NO_STAR;
	if (*s->p == '.') {
		s->p++;
		if (field(s, &precision, &star))
			return -1;
	}
	len = length(s, &wide);
	if (*s->p == '%' || *s->p == 'm') {
		s->p++;
		return pos ? -1 : 0;
	}
	kind = len ? kind_of(*s->p, len, wide, &size) : SHM_VA_NONE;
	a = kind ? take(s, pos, kind, size) : NULL;
	if (!a)
		return -1;
	s->p++;
	if (kind == SHM_VA_STR && precision > a->max)
		a->max = (uint16_t)precision;
	if (kind == SHM_VA_STR && star != NO_STAR)
		a->star = star;
	return 0;
}

/* Behind '['. */
static int skip_set(struct scan *s)
{
	s->p += *s->p == '^';
	if (*s->p) /* the first may be ']' */
		s->p++;
	while (*s->p && *s->p != ']')
		s->p++;
	if (!*s->p)
		return -1;
	s->p++;
	return 0;
}

static int scanf_conversion(struct scan *s)
{
	unsigned pos = position(s), wide;
	int unused = 0;
	char conv;

	for (; *s->p == '*' || flag(s, *s->p); s->p++)
		unused |= *s->p == '*';
	number(s);
	s->p += *s->p == 'm';
	if (!length(s, &wide))
		return -1;
	conv = *s->p;
	if (!in("diouxXbnpcsaefgAEFGCS[%", conv))
		return -1;
	s->p++;
	if (conv == '[' && skip_set(s))
		return -1;
	if (unused || conv == '%')
		return 0;
	return take(s, pos, SHM_VA_PTR, 8) ? 0 : -1;
}

/* What no text has, so that this is no format. */
static int is_binary(char c)
{
	return c > 0 && c < ' ' && !in("\a\b\t\n\v\f\r\x1b", c);
}

/* 1: not all of the format was understood */
static uint32_t parse(struct scan *s)
{
	for (; *s->p && !is_binary(*s->p);) {
		unsigned before = s->n;

		if (*s->p++ != '%')
			continue;
		if (s->scanf ? scanf_conversion(s) : conversion(s)) {
			if (!s->by_position)
				s->n = before;
			return 1;
		}
	}
	return *s->p && s->n;
}

/* -- where they are --------------------------------------------------------------------------- */

struct words {
	const uint64_t *entry; /* SHM_VA_WORDS of them */
	uint64_t stack[MAX_STACK];
	unsigned gpr, xmm, nstack;
};

/* The place of one; -1: it was not passed, or lies too far up. */
static int place(struct words *w, struct arg *a)
{
	unsigned al = (uint8_t)w->entry[SHM_VA_RAX], n = a->kind == SHM_VA_LDOUBLE ? 2 : 1;
	int vector = a->kind == SHM_VA_DOUBLE;

	if (vector && w->xmm < 8) {
		if (w->xmm >= al)
			return -1;
		a->at = (uint8_t)(SHM_VA_XMM + w->xmm++);
		return 0;
	}
	if (!vector && n == 1 && w->gpr < 6) {
		a->at = (uint8_t)(SHM_VA_GPR + w->gpr++);
		return 0;
	}
	if (n == 2 && (w->entry[SHM_VA_STACK] / 8 + w->nstack) & 1)
		w->nstack++;
	if (w->nstack + n > MAX_STACK)
		return -1;
	a->at = (uint8_t)(SHM_VA_WORDS + w->nstack);
	w->nstack += n;
	return 0;
}

/* Leaves those that have a known place, and a value there; 1: some had none. */
static uint32_t find(struct scan *s, struct words *w)
{
	unsigned n = 0, had = s->n;

	while (n < s->n && s->arg[n].kind != SHM_VA_NONE && !place(w, &s->arg[n]))
		n++;
	s->n = n;
	if (w->nstack && rt_probe_read(w->stack, 8 * w->nstack, w->entry[SHM_VA_STACK])) {
		for (s->n = 0; s->n < n && s->arg[s->n].at < SHM_VA_WORDS;)
			s->n++;
	}
	return s->n < had;
}

static uint64_t word(const struct words *w, unsigned at)
{
	return at < SHM_VA_WORDS ? w->entry[at] : w->stack[at - SHM_VA_WORDS];
}

/* -- a va_list instead -------------------------------------------------------------------------- */

/*
 * What a va_list says is left of its function's arguments, in the form of an entry's words at `to`;
 * w->stack is not in use yet.  NULL: it cannot be read, or is none.
 */
static const uint64_t *from_list(struct words *w, uint64_t list, uint64_t *to)
{
	struct {
		uint32_t gp, fp; /* offsets into the save area */
		uint64_t overflow, save;
	} v;

	_Static_assert(sizeof(w->stack) >= SAVE_AREA, "it is read there");
	if (rt_probe_read(&v, sizeof(v), list) || v.gp > SAVE_GPR || v.gp % 8 || v.fp < SAVE_GPR ||
	    v.fp > SAVE_AREA || v.fp % 16)
		return NULL;
	if ((v.gp < SAVE_GPR || v.fp < SAVE_AREA) && rt_probe_read(w->stack, SAVE_AREA, v.save))
		return NULL;
	w->gpr = v.gp / 8;
	w->xmm = (v.fp - SAVE_GPR) / 16;
	rt_copy(to, w->stack, SAVE_GPR);
	for (unsigned i = 0; i < 8; i++)
		to[SHM_VA_XMM + i] = w->stack[SAVE_GPR / 8 + 2 * i];
	to[SHM_VA_RAX] = 8; /* not told */
	to[SHM_VA_STACK] = v.overflow;
	return to;
}

/* -- what is written ---------------------------------------------------------------------------- */

struct list {
	char *at, *end;
	uint64_t strings;
};

/*
 * A string is read as far as it is shown and one byte more, which tells whether it goes on; of one
 * with a precision no byte behind that need be there.
 */
static int16_t read_string(char *dst, uint32_t max, uint32_t precision, uint64_t addr)
{
	int64_t got;

	if (!max)
		return 0;
	if (!precision || !addr) {
		*dst = 0;
		return addr ? 1 : 0;
	}
	got = (int64_t)rt_probe_read_str(dst, max, addr);
	if (got < 0 && max == precision + 1 && !rt_probe_read(dst, precision, addr)) {
		dst[precision] = 0;
		for (got = 0; dst[got]; got++)
			;
		got++;
	}
	return (int16_t)got;
}

/* Behind the entry at l->at; 0: it has no room. */
static int put_string(struct list *l, struct shm_vararg *e, uint32_t precision)
{
	uint64_t room = (uint64_t)(l->end - l->at) - sizeof(*e), max = l->strings + 2;

	if (room < 16)
		return 0;
	if (precision + 1 < max)
		max = precision + 1;
	if (max > room)
		max = room & ~7ull;
	e->got = read_string(l->at + sizeof(*e), (uint32_t)max, precision, e->value);
	e->cut = e->got == (int64_t)max && max != precision + 1;
	e->bytes = (uint16_t)(sizeof(*e) + (e->got > 0 ? ((uint64_t)e->got + 7) & ~7ull : 0));
	return 1;
}

static uint32_t precision_of(const struct scan *s, const struct words *w, const struct arg *a)
{
	int32_t n;

	if (a->star >= s->n)
		return a->max;
	n = (int32_t)word(w, s->arg[a->star].at);
	return n < 0 || n > MAX_NUM ? MAX_NUM : (uint32_t)n;
}

static int put(struct list *l, const struct scan *s, const struct words *w, const struct arg *a)
{
	struct shm_vararg e = { .kind = a->kind, .size = a->size, .bytes = sizeof(e) };
	uint64_t rest;

	if ((uint64_t)(l->end - l->at) < sizeof(e) + 8)
		return 0;
	e.value = word(w, a->at);
	if (a->kind == SHM_VA_STR && !l->strings)
		e.kind = SHM_VA_PTR;
	else if (a->kind == SHM_VA_STR && !put_string(l, &e, precision_of(s, w, a)))
		return 0;
	if (a->kind == SHM_VA_LDOUBLE) {
		rest = word(w, a->at + 1u);
		rt_copy(l->at + sizeof(e), &rest, 8);
		e.bytes += 8;
	}
	rt_copy(l->at, &e, sizeof(e));
	l->at += e.bytes;
	return 1;
}

/* What is known of s, which is parsed, into out: entries, and then its head. */
static void write_list(void *out, struct list *l, struct scan *s, struct words *w, uint32_t more)
{
	struct shm_varargs head = { .more = more };
	unsigned i = 0;

	head.more |= find(s, w);
	while (i < s->n && put(l, s, w, &s->arg[i]))
		i++;
	head.more |= i < s->n;
	head.bytes = (uint32_t)(l->at - (char *)out - sizeof(head));
	rt_copy(out, &head, sizeof(head));
}

/*
 * out: `cap` bytes, a multiple of 8.  format: a word, what rt_probe_read_str() returned, and the text.
 * entry: SHM_VA_WORDS words; of a va_list its address is the first word of out instead.  how:
 * SHM_VA_HOW().
 */
uint64_t rt_format_args(void *out, uint32_t cap, const void *format, const uint64_t *entry,
			uint64_t how)
{
	struct scan s = { .p = (const char *)format + 8, .scanf = how >> 16 & 1 };
	struct words w = { .entry = entry, .gpr = (uint8_t)how, .xmm = (uint8_t)(how >> 8) };
	struct list l = { .at = (char *)out + sizeof(struct shm_varargs),
			  .end = (char *)out + cap,
			  .strings = how >> 24 & 0xffff };
	uint32_t cut;
	uint64_t list;
	int64_t got;

	__builtin_memcpy(&list, out, 8);
	__builtin_memcpy(&got, format, 8);
	rt_zero(out, sizeof(struct shm_varargs));
	if (got <= 0)
		return 0;
	cut = got == (int64_t)(how >> 40 & 0xffff);
	cut |= parse(&s);
	if (how >> 17 & 1 && s.n) {
		/* they stay at the end of out, where there is no stack to keep them on */
		l.end -= 8 * SHM_VA_WORDS;
		w.entry = from_list(&w, list, (uint64_t *)(void *)l.end);
	}
	if (s.n && !w.entry) {
		s.n = 0;
		cut = 1;
	}
	write_list(out, &l, &s, &w, cut);
	return 0;
}
