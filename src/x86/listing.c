/*
 * x86/listing.c - see listing.h.
 *
 * Two passes: the first finds the targets of branches, the second writes the lines.
 */
#include "x86/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INT3 = 0xcc, TEXT_MAX = 160 };

struct lister {
	const struct x86_listing *l;
	taddr_t *target; /* unnamed ones, ascending: L1, L2, ... */
	size_t ntargets;
	char label[512], comment[512], text[TEXT_MAX];
};

static bool is_inside(const struct x86_listing *l, taddr_t pc)
{
	return pc >= l->pc0 && pc - l->pc0 < l->n;
}

static const char *given_name(const struct x86_listing *l, taddr_t at)
{
	for (size_t i = 0; i < l->nnames; i++) {
		if (l->name[i].at == at)
			return l->name[i].text;
	}
	return NULL;
}

/* n of Ln; 0: no branch leads there. */
static size_t number_of(const struct lister *x, taddr_t at)
{
	for (size_t i = 0; i < x->ntargets; i++) {
		if (x->target[i] == at)
			return i + 1;
	}
	return 0;
}

/* The address in words; false: there are none. */
static bool name_of(const struct lister *x, taddr_t at, char *out, size_t cap)
{
	const char *given = given_name(x->l, at);
	size_t n = given ? 0 : number_of(x, at);

	if (given)
		snprintf(out, cap, "%s", given);
	else if (n)
		snprintf(out, cap, "L%zu", n);
	if (given || n)
		return true;
	for (size_t i = 0; i < x->l->nnames; i++) {
		const struct x86_name *name = &x->l->name[i];

		if (at > name->at && at - name->at < name->size) {
			snprintf(out, cap, "%s + %" PRIu64, name->text, at - name->at);
			return true;
		}
	}
	return false;
}

/* Every name that stands at pc, or its number. */
static const char *labels_at(struct lister *x, taddr_t pc)
{
	size_t len = 0, n = number_of(x, pc);

	for (size_t i = 0; i < x->l->nnames && len < sizeof(x->label); i++) {
		if (x->l->name[i].at == pc)
			len += (size_t)snprintf(x->label + len, sizeof(x->label) - len, "%s%s",
						len ? ", " : "", x->l->name[i].text);
	}
	if (!len && n)
		len = (size_t)snprintf(x->label, sizeof(x->label), "L%zu", n);
	return len ? x->label : NULL;
}

/* -- the first pass ---------------------------------------------------------------------- */

static bool is_word(const struct x86_listing *l, taddr_t pc)
{
	for (size_t i = 0; i < l->ndata; i++) {
		if (pc >= l->data[i].lo && pc < l->data[i].hi)
			return true;
	}
	return l->quad && pc == l->quad;
}

/* Where the next line begins, and the instruction if there is one (len 0: data, padding). */
static size_t step(const struct x86_listing *l, size_t off, struct x86_insn *insn)
{
	const uint8_t *at = l->code + off;
	size_t left = l->n - off, n = 0;

	*insn = (struct x86_insn){ 0 };
	if (is_word(l, l->pc0 + off) && left >= 8)
		return 8;
	while (n < left && at[n] == INT3 && !(n && is_word(l, l->pc0 + off + n)))
		n++;
	if (n)
		return n;
	return x86_decode(at, left, l->pc0 + off, insn) == 0 ? insn->len : 1;
}

static bool is_branch(const struct x86_insn *insn)
{
	return insn->flow == X86_FLOW_JMP || insn->flow == X86_FLOW_JCC ||
	       insn->flow == X86_FLOW_CALL;
}

static int by_address(const void *a, const void *b)
{
	taddr_t x = *(const taddr_t *)a, y = *(const taddr_t *)b;

	return x < y ? -1 : x > y;
}

static int find_targets(struct lister *x)
{
	const struct x86_listing *l = x->l;
	size_t n = 0, kept = 0, len;
	struct x86_insn insn;

	x->target = malloc((l->n + 1) * sizeof(*x->target));
	if (!x->target)
		return -ENOMEM;
	for (size_t off = 0; off < l->n; off += len) {
		len = step(l, off, &insn);
		if (insn.len && (is_branch(&insn) || insn.rip_relative) &&
		    is_inside(l, insn.target) && !given_name(l, insn.target))
			x->target[n++] = insn.target;
	}
	qsort(x->target, n, sizeof(*x->target), by_address);
	for (size_t i = 0; i < n; i++) {
		if (!kept || x->target[i] != x->target[kept - 1])
			x->target[kept++] = x->target[i];
	}
	x->ntargets = kept;
	return 0;
}

/* -- the second -------------------------------------------------------------------------- */

static void add_comment(struct lister *x, const char *text)
{
	size_t len = strlen(x->comment);

	if (text[0])
		snprintf(x->comment + len, sizeof(x->comment) - len, "%s%s", len ? "; " : "", text);
}

static void explain(struct lister *x, taddr_t pc, const struct x86_insn *insn)
{
	char text[TEXT_MAX];
	bool found = false;

	if (is_branch(insn) || insn->rip_relative)
		found = name_of(x, insn->target, text, sizeof(text));
	else if (insn->has_imm)
		found = name_of(x, insn->imm, text, sizeof(text));
	if (found)
		add_comment(x, text);
	if (!x->l->note)
		return;
	text[0] = '\0';
	x->l->note(x->l->arg, pc, insn, text, sizeof(text));
	add_comment(x, text);
}

static void write_line(struct lister *x, size_t off, size_t len, const struct x86_insn *insn)
{
	const uint8_t *at = x->l->code + off;
	taddr_t pc = x->l->pc0 + off;
	uint64_t word;
	char name[TEXT_MAX];

	x->comment[0] = '\0';
	if (insn->len) {
		if (x86_format(at, len, pc, x->text, sizeof(x->text)) < 0)
			snprintf(x->text, sizeof(x->text), "(too long)");
		explain(x, pc, insn);
	} else if (is_word(x->l, pc) && len == 8) {
		memcpy(&word, at, sizeof(word));
		snprintf(x->text, sizeof(x->text), "dq 0x%016" PRIx64, word);
		if (name_of(x, word, name, sizeof(name)))
			add_comment(x, name);
	} else if (at[0] == INT3) {
		snprintf(x->text, sizeof(x->text), "int3");
		if (len > 1) {
			snprintf(name, sizeof(name), "%zu bytes of padding", len);
			add_comment(x, name);
		}
	} else {
		snprintf(x->text, sizeof(x->text), "(bad)");
	}
}

int x86_list(const struct x86_listing *l, int (*fn)(void *ctx, const struct x86_line *line),
	     void *ctx)
{
	struct lister x = { .l = l };
	int err = find_targets(&x);
	size_t len;

	for (size_t off = 0; off < l->n && !err; off += len) {
		struct x86_insn insn;
		struct x86_line line = { .pc = l->pc0 + off, .bytes = l->code + off };

		len = step(l, off, &insn);
		write_line(&x, off, len, &insn);
		line.len = len;
		line.label = labels_at(&x, line.pc);
		line.text = x.text;
		line.comment = x.comment[0] ? x.comment : NULL;
		err = fn(ctx, &line);
	}
	free(x.target);
	return err;
}
