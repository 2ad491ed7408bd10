/*
 * text/sweep.c - see sweep.h.
 */
#include "text/sweep_priv.h"
#include "x86/insn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_lo(const void *a, const void *b)
{
	const struct taddr_range *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? -1 : x->hi > y->hi;
}

static int by_addr(const void *a, const void *b)
{
	const struct sweep_code *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* The range that holds addr, or NULL. */
static struct sweep_range *range_at(const struct sweep *s, taddr_t addr)
{
	size_t lo = 0, hi = s->nranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr >= s->range[mid].hi)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nranges && addr >= s->range[lo].lo ? &s->range[lo] : NULL;
}

static void set_mark(struct sweep_range *r, taddr_t addr)
{
	uint64_t bit = addr - r->lo;

	r->mark[bit / 64] |= 1ull << (bit % 64);
}

static bool has_target(const struct x86_insn *in)
{
	return in->flow == X86_FLOW_JMP || in->flow == X86_FLOW_JCC || in->flow == X86_FLOW_CALL;
}

static void mark_target(struct sweep *s, struct sweep_range *here, taddr_t target)
{
	s->stats.branches++;
	if (target < here->lo || target >= here->hi)
		here = range_at(s, target);
	if (here)
		set_mark(here, target);
	else
		s->stats.outside++;
}

/* An address that is named, not branched to. */
static void mark_named(struct sweep *s, struct sweep_range *here, taddr_t target)
{
	if (!here || target < here->lo || target >= here->hi)
		here = range_at(s, target);
	if (here)
		set_mark(here, target);
}

/* What is an address of code only if it is one of an instruction. */
static void mark_guess(void *arg, taddr_t target)
{
	const struct sweep *s = arg;
	const struct sweep_range *r = range_at(s, target);
	uint64_t bit;

	if (!r)
		return;
	bit = target - r->lo;
	r->guess[bit / 64] |= 1ull << (bit % 64);
}

static void mark_operands(struct sweep *s, struct sweep_range *r, const struct x86_insn *in)
{
	if (has_target(in))
		mark_target(s, r, in->target);
	else if (in->rip_relative && in->is_lea)
		mark_named(s, r, in->target);
	else if (in->rip_relative) /* a program may read its own code */
		mark_guess(s, in->target);
	for (unsigned i = 0; s->fixed && i < in->nabs; i++)
		mark_guess(s, in->abs[i]);
}

static uint64_t word_at(const struct sweep_code *d, taddr_t at, unsigned size)
{
	uint64_t word = 0;

	if (at >= d->addr && at + size <= d->addr + d->len)
		memcpy(&word, d->bytes + (at - d->addr), size);
	return word;
}

/*
 * Aligned words of 8 bytes, and of 4 where two follow each other: single ones are numbers
 * (python3.11, 4.7 MB of data: 14 functions lost to them), pointers of 32 bits come in tables.
 */
static void mark_words(struct sweep *s, const struct sweep_code *d)
{
	bool before = false;

	for (taddr_t at = ALIGN_UP(d->addr, 4); at + 4 <= d->addr + d->len; at += 4) {
		uint64_t word = word_at(d, at, 4);
		bool now = range_at(s, word) != NULL;

		if (now && (before || range_at(s, word_at(d, at + 4, 4))))
			mark_guess(s, word);
		before = now;
		if (at % 8 == 0)
			mark_guess(s, word_at(d, at, 8));
	}
}

/* Padding, if any, ends at addr. */
static int end_hole(struct sweep *s, taddr_t addr)
{
	struct taddr_range h = { s->hole_lo, addr };
	bool big = s->dead && h.hi - h.lo >= SWEEP_HOLE_MIN;

	s->dead = false;
	return big ? vec_push(&s->hole, h) : 0;
}

static bool never_goes_on(const struct x86_insn *in)
{
	return in->flow == X86_FLOW_JMP || in->flow == X86_FLOW_JMP_IND || in->flow == X86_FLOW_RET;
}

/* Follow what is padding behind a jmp or ret; byte is the instruction's first. */
static int note_hole(struct sweep *s, const struct x86_insn *in, uint8_t byte, taddr_t at)
{
	int err = 0;

	if (!in->is_nop && byte != 0xcc) {
		err = end_hole(s, at);
		s->dead = never_goes_on(in);
		s->hole_lo = at + in->len;
	}
	return err;
}

/*
 * Decode [lo, hi) of one code range.  Behind a byte that does not decode, go on at the
 * next one: what follows data is code again, and x86 falls into step soon.
 */
static int sweep_part(struct sweep *s, struct sweep_range *r, const uint8_t *bytes, taddr_t lo,
		      taddr_t hi, bool in_function)
{
	struct taddr_range part = { lo, hi };
	bool in_data = false;

	jumps_begin(&s->jumps);
	while (lo < hi) {
		struct x86_insn in;

		if (x86_decode_flow(bytes + (lo - r->lo), hi - lo, lo, &in) < 0) {
			if (in_function && !in_data) {
				s->stats.data++;
				if (vec_push(&s->data, lo) < 0)
					return -ENOMEM;
			}
			if (end_hole(s, lo) < 0)
				return -ENOMEM;
			jumps_gap(&s->jumps);
			in_data = true;
			lo++;
			continue;
		}
		in_data = false;
		s->stats.insns++;
		if (note_hole(s, &in, bytes[lo - r->lo], lo) < 0)
			return -ENOMEM;
		mark_operands(s, r, &in);
		if (in_function && jumps_insn(&s->jumps, &in, lo) < 0)
			return -ENOMEM;
		lo += in.len;
	}
	return in_function ? jumps_end(&s->jumps, part) : 0;
}

/* Functions in order of address, each up to the next one's start; gaps between them. */
static int sweep_range(struct sweep *s, struct sweep_range *r, const uint8_t *bytes,
		       const struct taddr_range *func, size_t nfunc)
{
	taddr_t at = r->lo, end = r->lo;
	int err = 0;

	for (size_t i = 0; i < nfunc && !err; i++) {
		taddr_t lo = func[i].lo, hi = func[i].hi;

		if (lo >= r->hi)
			break;
		if (lo < r->lo || hi <= lo)
			continue;
		set_mark(r, lo);
		/* what lies before this start: the rest of functions, then a gap */
		if (end > lo)
			err = sweep_part(s, r, bytes, at, lo, true);
		else if (end > at)
			err = sweep_part(s, r, bytes, at, end, true);
		if (!err && end < lo)
			err = sweep_part(s, r, bytes, end, lo, false);
		if (!err)
			err = end_hole(s, lo);
		at = lo;
		if (hi > r->hi)
			hi = r->hi;
		end = hi > end ? hi : end;
	}
	if (!err)
		err = sweep_part(s, r, bytes, at, end, true);
	if (!err)
		err = sweep_part(s, r, bytes, end, r->hi, false);
	return err ? err : end_hole(s, r->hi);
}

static int make_ranges(struct sweep *s, const struct sweep_code *code, size_t ncode)
{
	s->range = calloc(ncode ? ncode : 1, sizeof(*s->range));
	if (!s->range)
		return -ENOMEM;
	for (size_t i = 0; i < ncode; i++) {
		struct sweep_range *r = &s->range[i];

		if (!code[i].len || code[i].addr + code[i].len < code[i].addr ||
		    (i && code[i].addr < s->range[i - 1].hi))
			return -EINVAL;
		s->stats.bytes += code[i].len;
		if (code[i].len > SWEEP_MAX_BYTES || s->stats.bytes > SWEEP_MAX_BYTES)
			return -E2BIG;
		*r = (struct sweep_range){ .lo = code[i].addr, .hi = code[i].addr + code[i].len };
		r->mark = calloc(code[i].len / 64 + 1, 2 * sizeof(*r->mark));
		if (!r->mark)
			return -ENOMEM;
		r->guess = r->mark + code[i].len / 64 + 1;
		s->nranges++;
	}
	return 0;
}

static void *sorted_copy(const void *p, size_t n, size_t size,
			 int (*cmp)(const void *a, const void *b))
{
	void *copy = calloc(n ? n : 1, size);

	if (copy && n) {
		memcpy(copy, p, n * size);
		qsort(copy, n, size, cmp);
	}
	return copy;
}

/* c, d: code and data by address. */
static void use_hints(struct sweep *s, const struct sweep_code *c, size_t ncode,
		      const struct sweep_code *d, const struct sweep_hints *h)
{
	s->fixed = h->fixed;
	s->jumps.code = c;
	s->jumps.ncode = ncode;
	s->jumps.data = d;
	s->jumps.ndata = h->ndata;
	s->jumps.fixed = h->fixed;
	for (size_t i = 0; i < h->npoint; i++)
		mark_named(s, NULL, h->point[i]);
	for (size_t i = 0; h->fixed && i < h->ndata; i++)
		mark_words(s, &d[i]);
	for (size_t i = 0; h->fixed && i < ncode; i++)
		mark_words(s, &c[i]);
}

int sweep_new(const struct sweep_code *code, size_t ncode, const struct taddr_range *func,
	      size_t nfunc, const struct sweep_hints *hints, struct sweep **out)
{
	static const struct sweep_hints none;
	const struct sweep_hints *h = hints ? hints : &none;
	struct sweep_code *c = sorted_copy(code, ncode, sizeof(*c), by_addr);
	struct sweep_code *d = sorted_copy(h->data, h->ndata, sizeof(*d), by_addr);
	struct taddr_range *f = sorted_copy(func, nfunc, sizeof(*f), by_lo);
	struct sweep *s = calloc(1, sizeof(*s));
	int err = c && d && f && s ? make_ranges(s, c, ncode) : -ENOMEM;

	if (!err)
		use_hints(s, c, ncode, d, h);
	for (size_t i = 0, first = 0; i < ncode && !err; i++) {
		while (first < nfunc && f[first].lo < c[i].addr)
			first++;
		err = sweep_range(s, &s->range[i], c[i].bytes, f + first, nfunc - first);
	}
	if (!err)
		jumps_evaluate(&s->jumps, mark_guess, s);
	if (s) {
		s->stats.tables = s->jumps.table.n;
		s->stats.open = s->jumps.open.n;
		jumps_fini(&s->jumps);
	}
	free(c);
	free(d);
	free(f);
	if (err) {
		sweep_free(s);
		return err;
	}
	*out = s;
	return 0;
}

void sweep_free(struct sweep *s)
{
	if (!s)
		return;
	if (s->held) { /* all but the ranges lies in it */
		free(s->held);
		free(s->range);
		free(s);
		return;
	}
	for (size_t i = 0; i < s->nranges; i++)
		free(s->range[i].mark);
	free(s->range);
	vec_free(&s->data);
	vec_free(&s->hole);
	vec_free(&s->jumps.open);
	free(s);
}

bool sweep_targets_inside(const struct sweep *s, taddr_t lo, taddr_t hi)
{
	for (; lo < hi; lo++) {
		const struct sweep_range *r = range_at(s, lo);
		uint64_t bit;

		if (!r)
			continue;
		bit = lo - r->lo;
		if (r->mark[bit / 64] >> (bit % 64) & 1)
			return true;
	}
	return false;
}

bool sweep_may_target(const struct sweep *s, taddr_t addr)
{
	const struct sweep_range *r = range_at(s, addr);
	uint64_t bit = r ? addr - r->lo : 0;

	return r && r->guess[bit / 64] >> (bit % 64) & 1;
}

bool sweep_data_inside(const struct sweep *s, taddr_t lo, taddr_t hi, taddr_t *at)
{
	size_t first = 0, n = s->data.n;

	while (n) {
		size_t half = n / 2;

		if (s->data.at[first + half] < lo) {
			first += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	if (first == s->data.n || s->data.at[first] >= hi)
		return false;
	*at = s->data.at[first];
	return true;
}

size_t sweep_holes(const struct sweep *s, taddr_t lo, taddr_t hi, const struct taddr_range **first)
{
	size_t a = 0, b = s->hole.n, n = 0;

	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (s->hole.at[mid].hi <= lo)
			a = mid + 1;
		else
			b = mid;
	}
	while (a + n < s->hole.n && s->hole.at[a + n].lo < hi)
		n++;
	*first = n ? &s->hole.at[a] : NULL;
	return n;
}

bool sweep_jumps_anywhere(const struct sweep *s, taddr_t lo, taddr_t hi)
{
	size_t a = 0, b = s->jumps.open.n;

	while (a < b) {
		size_t mid = a + (b - a) / 2;

		if (s->jumps.open.at[mid].hi <= lo)
			a = mid + 1;
		else
			b = mid;
	}
	return a < s->jumps.open.n && s->jumps.open.at[a].lo < hi;
}

struct sweep_stats sweep_stats(const struct sweep *s)
{
	return s->stats;
}
