/*
 * text/jumps.c - see jumps.h.
 */
#include "text/jumps.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *bytes_in(const struct sweep_code *at, size_t n, taddr_t addr, size_t want)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (at[mid].addr + at[mid].len <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n || addr < at[lo].addr || at[lo].len - (addr - at[lo].addr) < want)
		return NULL;
	return at[lo].bytes + (addr - at[lo].addr);
}

static const uint8_t *bytes_at(const struct jumps *j, taddr_t addr, size_t want)
{
	const uint8_t *p = bytes_in(j->data, j->ndata, addr, want);

	return p ? p : bytes_in(j->code, j->ncode, addr, want);
}

/* The address that the table's entry at `at` stands for; false: none there. */
static bool entry_at(const struct jumps *j, const struct jump_table *t, taddr_t at, taddr_t *target)
{
	const uint8_t *p = bytes_at(j, at, 4);
	int32_t diff;

	if (!p)
		return false;
	memcpy(&diff, p, sizeof(diff));
	*target = t->base + (uint64_t)(int64_t)diff;
	return true;
}

static bool in_range(const struct taddr_range *r, taddr_t addr)
{
	return addr >= r->lo && addr < r->hi;
}

static bool in_code(const struct jumps *j, taddr_t addr)
{
	return bytes_in(j->code, j->ncode, addr, 1) != NULL;
}

/* -- reading a part ---------------------------------------------------------------- */

void jumps_begin(struct jumps *j)
{
	j->nback = 0;
	j->operand.n = 0;
	j->by_reg = j->loads_entry = j->computed = j->by_table = j->perhaps = false;
}

void jumps_gap(struct jumps *j)
{
	j->nback = 0;
}

/* i instructions back; 0 is the last one. */
static struct x86_value value_back(const struct jumps *j, unsigned i, unsigned reg)
{
	taddr_t at = j->back[(j->nback - 1 - i) % JUMPS_BACK];
	size_t n = 15;
	const uint8_t *p = NULL;

	while (n && !p)
		p = bytes_in(j->code, j->ncode, at, n--);
	return x86_value_of(p, n + 1, reg);
}

static unsigned nback(const struct jumps *j)
{
	return j->nback < JUMPS_BACK ? j->nback : JUMPS_BACK;
}

/* Is `reg`, as it is before the i-th instruction back, a table's entry? */
static bool is_entry(const struct jumps *j, unsigned i, unsigned reg)
{
	for (; i < nback(j); i++) {
		struct x86_value v = value_back(j, i, reg);

		if (v.kind == X86_VALUE_COPIED)
			reg = v.a;
		else if (v.kind != X86_VALUE_KEPT)
			return v.kind == X86_VALUE_ENTRY;
	}
	return false;
}

/* What a jmp through reg goes by: follow the register back. */
static void classify(struct jumps *j, unsigned reg)
{
	for (unsigned i = 0; i < nback(j); i++) {
		struct x86_value v = value_back(j, i, reg);

		switch (v.kind) {
		case X86_VALUE_KEPT:
			continue;
		case X86_VALUE_COPIED:
			reg = v.a;
			continue;
		case X86_VALUE_SPILLED:
			j->perhaps = true;
			return;
		case X86_VALUE_LOADED:
		case X86_VALUE_ENTRY: /* a 32-bit pointer */
		case X86_VALUE_ADDRESS:
			return;
		case X86_VALUE_SUM:
			if (is_entry(j, i + 1, v.a) || is_entry(j, i + 1, v.b))
				j->by_table = true;
			else
				j->computed = true;
			return;
		default:
			j->computed = true;
			return;
		}
	}
	j->perhaps = true; /* an argument, or from another block */
}

int jumps_insn(struct jumps *j, const struct x86_insn *in, taddr_t at)
{
	j->loads_entry |= in->loads_entry;
	j->perhaps |= in->jmp_stack;
	if (in->jmp_reg) {
		j->by_reg = true;
		classify(j, in->jmp_reg - 1u);
	}
	j->back[j->nback++ % JUMPS_BACK] = at;
	if (j->nback == 2 * JUMPS_BACK)
		j->nback = JUMPS_BACK;
	if (in->flow == X86_FLOW_JMP || in->flow == X86_FLOW_JMP_IND || in->flow == X86_FLOW_RET)
		j->nback = 0; /* what follows is not reached from here */
	for (unsigned i = 0; j->fixed && i < in->nabs; i++) {
		if (bytes_at(j, in->abs[i], 4) && vec_push(&j->operand, in->abs[i]) < 0)
			return -ENOMEM;
	}
	if (in->rip_relative)
		return vec_push(&j->operand, in->target);
	return 0;
}

/*
 * A table's first entry lies in the function.  In one that jumps through a register it may
 * as well lie in its cold part, wherever that is.  (Tables are aligned by every compiler, as
 * their entries are read four bytes at a time.)
 */
static bool is_table(const struct jumps *j, const struct jump_table *t)
{
	taddr_t first;

	if (t->at % 4 || !entry_at(j, t, t->at, &first))
		return false;
	return in_range(&t->func, first) || (t->base == t->at && j->by_reg && in_code(j, first));
}

static int take_table(struct jumps *j, const struct jump_table *t, size_t *found)
{
	if (!is_table(j, t))
		return 0;
	++*found;
	return vec_push(&j->table, *t);
}

/* Differences from the label base, as gcc's manual and glibc's printf have them. */
static int take_from_label(struct jumps *j, struct taddr_range part, taddr_t base, size_t *found)
{
	for (size_t i = 0; i < j->operand.n; i++) {
		taddr_t at = j->operand.at[i];

		if (at != base && take_table(j, &(struct jump_table){ at, base, part }, found) < 0)
			return -ENOMEM;
	}
	return 0;
}

/*
 * Written by hand, a table's entries may be differences from a label; the jump may be a
 * thunk's (-mindirect-branch=thunk), so that no register is seen to be jumped by.
 */
int jumps_end(struct jumps *j, struct taddr_range part)
{
	bool own_label = false, open = j->computed;
	size_t tables = 0;

	for (size_t i = 0; i < j->operand.n; i++) {
		taddr_t at = j->operand.at[i];

		if (take_table(j, &(struct jump_table){ at, at, part }, &tables) < 0)
			return -ENOMEM;
		if (!in_range(&part, at))
			continue;
		own_label = true;
		if (take_from_label(j, part, at, &tables) < 0)
			return -ENOMEM;
	}
	open |= !tables && (j->by_table || (j->perhaps && (j->loads_entry || own_label)));
	return open ? vec_push(&j->open, part) : 0;
}

/* -- behind the last one ----------------------------------------------------------- */

static int by_at(const void *a, const void *b)
{
	const struct jump_table *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return x->func.lo < y->func.lo ? -1 : x->func.lo > y->func.lo;
}

/*
 * Up to the first entry that leaves the code.  Behind the start of the next table only
 * entries in the same function count: that is the next table's, most likely, but who knows.
 */
static void evaluate(const struct jumps *j, const struct jump_table *t, taddr_t next,
		     void (*mark)(void *arg, taddr_t target), void *arg)
{
	taddr_t target;

	for (taddr_t at = t->at; entry_at(j, t, at, &target); at += 4) {
		if (at >= next ? !in_range(&t->func, target) : !in_code(j, target))
			break;
		mark(arg, target);
	}
}

void jumps_evaluate(struct jumps *j, void (*mark)(void *arg, taddr_t target), void *arg)
{
	const struct jump_table *t = j->table.at;
	taddr_t next = UINT64_MAX, here = UINT64_MAX;

	if (j->table.n)
		qsort(j->table.at, j->table.n, sizeof(*j->table.at), by_at);
	for (size_t i = j->table.n; i-- > 0;) {
		if (t[i].at != here) {
			next = here;
			here = t[i].at;
		}
		if (!i || by_at(&t[i - 1], &t[i]))
			evaluate(j, &t[i], next, mark, arg);
	}
}

void jumps_fini(struct jumps *j)
{
	vec_free(&j->operand);
	vec_free(&j->table);
}
