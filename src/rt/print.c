/*
 * rt/print.c - bpf_trace_printk and bpf_trace_vprintk: format, and a record to the ring;
 * bpf_snprintf: into the program's memory.
 *
 * Conversions %d %i %u %x %X %o %c %p %s %% with hh h l ll z, flags - 0 + # space, width
 * and precision; %px %pK %ps %pS %pB print the number as %p does, %pks %pus as %s.
 * Strings are read fault-tolerantly, at most STRING_MAX bytes of each.  What a record or a buffer
 * has no room for is cut, but counted: bpf_snprintf() tells how long it would have been.
 *
 * Errors   -EINVAL as the kernel: no NUL, unknown conversion, bytes not printable, more
 *          conversions than arguments
 * Context  [probe] about 700 bytes of stack
 * Spec     kernel/trace/bpf_trace.c, kernel/bpf/helpers.c bpf_bprintf_prepare
 */
#include "rt/probe.h"

#define PRINT_MAX  512
#define STRING_MAX 512
#define FMT_MAX    4096 /* bpf_snprintf() is not told how long its format is */
#define FIELD_MAX  64   /* of a number: 22 octal digits, sign, prefix; wider fields are filled */
#define MAX_VARGS  12

enum {
	LEFT = 1 << 0,
	ZERO = 1 << 1,
	PLUS = 1 << 2,
	ALT = 1 << 3,
	SPACE = 1 << 4,
	UPPER = 1 << 5,
	NEGATIVE = 1 << 6,
};

struct out {
	char *text; /* room for cap bytes and a NUL: strings are read into place */
	uint32_t cap;
	uint32_t n; /* may be more than cap */
};

struct spec {
	uint32_t flags;
	uint32_t width;
	int32_t precision; /* -1: none */
	uint32_t bytes;    /* of the argument */
	char conv;         /* 's' also for %pks and %pus */
};

static void put(struct out *o, char c)
{
	if (o->n < o->cap)
		o->text[o->n] = c;
	o->n++;
}

static void fill(struct out *o, char c, uint32_t n)
{
	uint32_t end = o->n + n;

	while (o->n < end && o->n < o->cap)
		put(o, c);
	o->n = end;
}

static uint32_t parse_number(const char **p)
{
	uint32_t n = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (n < PRINT_MAX)
			n = n * 10 + (uint32_t)(**p - '0');
	}
	return n;
}

static uint32_t parse_size(const char **p)
{
	switch (**p) {
	case 'h':
		(*p)++;
		if (**p != 'h')
			return 2;
		(*p)++;
		return 1;
	case 'l':
		(*p)++;
		if (**p == 'l')
			(*p)++;
		return 8;
	case 'z':
		(*p)++;
		return 8;
	}
	return 4;
}

static int parse_pointer(const char **p, struct spec *s)
{
	char c = **p;

	s->bytes = 8;
	if ((c == 'k' || c == 'u') && (*p)[1] == 's') {
		*p += 2;
		s->conv = 's';
	} else if (c == 'x' || c == 'K' || c == 's' || c == 'S' || c == 'B') {
		(*p)++;
	} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
		return -EINVAL; /* a kernel pointer extension, such as %pi4 */
	}
	return 0;
}

/* Behind the '%': moves *p past the conversion. */
static int parse_spec(const char **p, struct spec *s)
{
	static const char flag_chars[] = "-0+# ";
	static const uint8_t flag_bits[] = { LEFT, ZERO, PLUS, ALT, SPACE };
	uint32_t i;

	*s = (struct spec){ .precision = -1 };
	for (;; (*p)++) {
		for (i = 0; i < 5 && **p != flag_chars[i]; i++)
			;
		if (i == 5)
			break;
		s->flags |= flag_bits[i];
	}
	s->width = parse_number(p);
	if (**p == '.') {
		(*p)++;
		s->precision = (int32_t)parse_number(p);
	}
	s->bytes = parse_size(p);
	s->conv = *(*p)++;
	switch (s->conv) {
	case 'd':
	case 'i':
	case 'u':
	case 'x':
	case 'o':
	case 'c':
	case 's':
		return 0;
	case 'X':
		s->flags |= UPPER;
		return 0;
	case 'p':
		return parse_pointer(p, s);
	}
	return -EINVAL;
}

/* prefix and digits[0 .. n), least significant first, into the field. */
static void put_field(struct out *o, const struct spec *s, const char *prefix, const char *digits,
		      uint32_t n)
{
	uint32_t zeros = 0, len = n, room;

	for (const char *c = prefix; *c; c++)
		len++;
	if (s->precision > (int32_t)n) {
		zeros = (uint32_t)s->precision - n;
		len += zeros;
	}
	room = s->width > len ? s->width - len : 0;
	if (room && s->flags & ZERO && !(s->flags & LEFT) && s->precision < 0) {
		zeros += room;
		room = 0;
	}
	if (!(s->flags & LEFT))
		fill(o, ' ', room);
	while (*prefix)
		put(o, *prefix++);
	fill(o, '0', zeros);
	while (n)
		put(o, digits[--n]);
	if (s->flags & LEFT)
		fill(o, ' ', room);
}

static void put_number(struct out *o, struct spec *s, uint64_t v)
{
	uint32_t base = 10, shift = 64 - 8 * s->bytes, n = 0;
	const char *prefix = "";
	char digits[FIELD_MAX];
	int is_signed = s->conv == 'd' || s->conv == 'i';

	v = is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
	if (is_signed && (int64_t)v < 0) {
		prefix = "-";
		v = -v;
	} else if (is_signed) {
		prefix = s->flags & PLUS ? "+" : s->flags & SPACE ? " " : "";
	} else if (s->conv == 'x' || s->conv == 'X' || s->conv == 'p') {
		base = 16;
		if (s->flags & ALT && v)
			prefix = s->flags & UPPER ? "0X" : "0x";
	} else if (s->conv == 'o') {
		base = 8;
		if (s->flags & ALT && v)
			prefix = "0";
	}
	if (s->conv == 'p' && !(s->flags & ALT))
		s->precision = 16; /* the kernel's form: all digits, no prefix */
	for (; v; v /= base) {
		uint32_t d = (uint32_t)(v % base);

		digits[n++] = (char)(d < 10 ? '0' + d : (s->flags & UPPER ? 'A' : 'a') + d - 10);
	}
	if (!n && s->precision)
		digits[n++] = '0';
	put_field(o, s, prefix, digits, n);
}

/* Bytes of the string at addr, at most max; a bad pointer prints nothing, as in the kernel. */
static uint32_t string_length(uint64_t addr, uint32_t max)
{
	char piece[32];
	uint32_t n = 0;

	while (n < max) {
		uint32_t want = max - n < sizeof(piece) - 1 ? max - n + 1 : sizeof(piece);
		uint64_t got = rt_probe_read_str(piece, want, addr + n);

		if ((int64_t)got <= 0)
			break;
		n += (uint32_t)got - 1;
		if (got < want)
			break;
	}
	return n;
}

/* Those of the string that have room, into place; how many it has in all. */
static uint32_t read_string(struct out *o, uint64_t addr, uint32_t max)
{
	uint32_t room = o->n < o->cap ? o->cap - o->n : 0, want = max < room ? max : room;
	uint64_t got;

	if (!room)
		return string_length(addr, max);
	got = rt_probe_read_str(o->text + o->n, want + 1, addr);
	if ((int64_t)got <= 0)
		return 0;
	if (got <= want || want == max)
		return (uint32_t)got - 1;
	return want + string_length(addr + want, max - want);
}

static void put_string(struct out *o, const struct spec *s, uint64_t addr)
{
	uint32_t max = STRING_MAX, start = o->n, n, room;

	if (s->precision >= 0 && (uint32_t)s->precision < max)
		max = (uint32_t)s->precision;
	n = read_string(o, addr, max);
	room = s->width > n ? s->width - n : 0;
	if (s->flags & LEFT) {
		o->n += n;
		fill(o, ' ', room);
		return;
	}
	for (uint32_t i = n; room && i--;) {
		if (start + room + i < o->cap)
			o->text[start + room + i] = o->text[start + i];
	}
	fill(o, ' ', room);
	o->n += n;
}

static void put_char(struct out *o, const struct spec *s, char c)
{
	uint32_t room = s->width > 1 ? s->width - 1 : 0;

	if (!(s->flags & LEFT))
		fill(o, ' ', room);
	put(o, c);
	if (s->flags & LEFT)
		fill(o, ' ', room);
}

static int format(struct out *o, const char *fmt, const uint64_t *arg, uint32_t nargs)
{
	uint32_t used = 0;
	struct spec s;

	while (*fmt) {
		char c = *fmt++;

		if ((c < ' ' || c > '~') && !(c >= '\t' && c <= '\r'))
			return -EINVAL;
		if (c != '%') {
			put(o, c);
			continue;
		}
		if (*fmt == '%') {
			put(o, *fmt++);
			continue;
		}
		if (parse_spec(&fmt, &s) < 0 || used >= nargs)
			return -EINVAL;
		if (s.conv == 's')
			put_string(o, &s, arg[used++]);
		else if (s.conv == 'c')
			put_char(o, &s, (char)arg[used++]);
		else
			put_number(o, &s, arg[used++]);
	}
	return 0;
}

static void print_record(const struct out *o)
{
	struct shm_arena *a = (struct shm_arena *)(void *)rt_state.arena;
	uint64_t pid_tgid = rt_get_current_pid_tgid();
	struct shm_printk head;

	if (!a || !a->printk)
		return;
	head.time_ns = rt_ktime_get_ns();
	head.pid = (uint32_t)(pid_tgid >> 32);
	head.tid = (uint32_t)pid_tgid;
	rt_get_current_comm(head.comm, sizeof(head.comm));
	rt_output2((struct shm_map *)(void *)((char *)a + a->printk), &head,
		   offsetof(struct shm_printk, text), o->text, o->n);
}

/* A lost relocation leaves NULL, or an offset into .rodata instead of an address. */
static int is_address(const char *fmt)
{
	return (uintptr_t)fmt >= 65536;
}

static int ends(const char *fmt, uint32_t size)
{
	uint32_t i = 0;

	while (i < size && fmt[i])
		i++;
	return i < size;
}

static uint64_t print(const char *fmt, uint32_t fmt_size, const uint64_t *arg, uint32_t nargs)
{
	char text[PRINT_MAX + 1];
	struct out o = { .text = text, .cap = PRINT_MAX };

	if (!is_address(fmt) || !ends(fmt, fmt_size) || format(&o, fmt, arg, nargs) < 0)
		return RT_ERR(EINVAL);
	if (o.n > o.cap)
		o.n = o.cap;
	print_record(&o);
	return o.n;
}

uint64_t rt_snprintf(char *str, uint32_t size, const char *fmt, const uint64_t *data, uint32_t len)
{
	struct out o = { .text = str, .cap = size ? size - 1 : 0 };

	if (len & 7 || len > MAX_VARGS * 8 || (len && !data))
		return RT_ERR(EINVAL);
	if (!is_address(fmt) || !ends(fmt, FMT_MAX) || format(&o, fmt, data, len / 8) < 0)
		return RT_ERR(EINVAL);
	if (size)
		str[o.n < o.cap ? o.n : o.cap] = 0;
	return o.n + 1u;
}

uint64_t rt_trace_printk(const char *fmt, uint32_t fmt_size, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t arg[3] = { a, b, c };

	return print(fmt, fmt_size, arg, 3);
}

uint64_t rt_trace_vprintk(const char *fmt, uint32_t fmt_size, const uint64_t *data, uint32_t len)
{
	if (len & 7 || len > MAX_VARGS * 8 || (len && !data))
		return RT_ERR(EINVAL);
	return print(fmt, fmt_size, data, len / 8);
}
