/*
 * gen/expr_text.c - see expr.h: strings compared with a text or a pattern.
 *
 * A pattern of n single characters and ? is matched by one word of n + 1 bits, bit i standing
 * for "the first i have matched": a byte of the string moves each bit up whose character it
 * matches, and bits before a * also stay.  So its time is bounded by the string's length.
 */
#include "gen/expr_priv.h"

#include "bpf/insn.h"
#include "gen/regs.h"

#include <errno.h>
#include <string.h>

#define MAX_SINGLE EXPR_MAX_GLOB

struct glob {
	unsigned n;
	uint64_t stay, any;  /* bits before a *; bits before a ? */
	uint64_t chars[256]; /* bits before that character */
};

/* false: too long. */
static bool compile(const char *s, size_t len, struct glob *g)
{
	memset(g, 0, sizeof(*g));
	for (size_t i = 0; i < len; i++) {
		uint64_t bit = 1ull << g->n;

		if (s[i] == '*') {
			g->stay |= bit;
			continue;
		}
		if (g->n == MAX_SINGLE)
			return false;
		g->n++;
		if (s[i] == '?')
			g->any |= bit;
		else
			g->chars[(uint8_t)(s[i] == '\\' && i + 1 < len ? s[++i] : s[i])] |= bit;
	}
	return true;
}

bool expr_glob_fits(const char *s, size_t len)
{
	struct glob g;

	return compile(s, len, &g);
}

/* -- the string, into the buffer ------------------------------------------------------------- */

/* At most n bytes that lie off bytes into the context, to r10 + at. */
static void copy_context(struct emitter *m, int64_t off, int at, unsigned n)
{
	for (unsigned i = 0, size; i < n; i += size) {
		size = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
		emit_load(m, R1, R6, off + i, size);
		gen_put(m->w,
			BPF_STX | BPF_MEM |
				(size == 8 ? BPF_DW :
				 size == 4 ? BPF_W :
				 size == 2 ? BPF_H :
					     BPF_B),
			R10, R1, at + (int)i, 0);
	}
}

/* r3: where the string is. */
static void address(struct emitter *m, const struct expr_node *s)
{
	bool array = s->t.kind == E_AGG;

	emit_value(m, array ? s->a : s);
	emit_fault(m, gen_put_jump(m->w, BPF_JEQ, R0, 0));
	gen_put_mov(m->w, R3, R0);
	if (array)
		gen_put_add(m->w, R3, (int32_t)s->off);
}

/* The array has *n bytes; one without a length is a string that begins there. */
static bool has_length(const struct expr_node *s, uint64_t *n)
{
	bool sized = s->t.kind == E_AGG && (s->op == X_ARG || !(s->t.ty->flags & TY_UNSIZED));

	*n = sized && !(s->t.ty->flags & TY_UNSIZED) ? s->t.ty->n : 0;
	return sized;
}

/* Of an array with a length, n bytes. */
static void read_array(struct emitter *m, const struct expr_node *s, unsigned n, int at)
{
	if (s->op == X_ARG) {
		copy_context(m, s->off, at, n);
		return;
	}
	address(m, s);
	gen_put_mov(m->w, R1, R10);
	gen_put_add(m->w, R1, at);
	gen_put_set(m->w, R2, (int32_t)n);
	gen_put_call(m->w, BPF_FUNC_probe_read_user);
	emit_fault(m, gen_put_jump(m->w, BPF_JNE, R0, 0));
}

/* r0: the string's length with the NUL, or n where it does not fit. */
static void read_string(struct emitter *m, const struct expr_node *s, unsigned n, int at)
{
	address(m, s);
	gen_put_mov(m->w, R1, R10);
	gen_put_add(m->w, R1, at);
	gen_put_set(m->w, R2, (int32_t)n);
	gen_put_call(m->w, BPF_FUNC_probe_read_user_str);
	emit_fault(m, gen_put_jump(m->w, BPF_JSLT, R0, 0));
}

/* -- == and != -------------------------------------------------------------------------------- */

/* Leaves where the n bytes at r10 + at differ from text; the places of up to 40 jumps. */
static unsigned compare_bytes(struct emitter *m, const char *text, unsigned n, int at,
			      unsigned *jump)
{
	unsigned size, njumps = 0;

	for (unsigned i = 0; i < n; i += size) {
		uint64_t want = 0;

		size = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
		memcpy(&want, text + i, size);
		emit_load(m, R0, R10, at + (int)i, size);
		gen_put_set64(m->w, R1, want);
		jump[njumps++] = emit_jump(m, BPF_JNE, R0, R1);
	}
	return njumps;
}

static void text_equal(struct emitter *m, const struct expr_node *n)
{
	unsigned len = (unsigned)n->len, want = len + 1, jump[40], njumps = 0, end;
	uint64_t room;
	bool array = has_length(n->a, &room);
	int at = emit_buffer(m, len + 2);

	if (array && room < want)
		want = (unsigned)room; /* a full array needs no NUL; a longer text differs */
	if (array && room < len) {
		gen_put_set(m->w, R0, n->op == X_TEXT_NE);
		return;
	}
	if (array) {
		read_array(m, n->a, want, at);
	} else {
		read_string(m, n->a, len + 2, at);
		jump[njumps++] = gen_put_jump(m->w, BPF_JNE, R0, (int32_t)want);
	}
	njumps += compare_bytes(m, n->text, want, at, jump + njumps);
	gen_put_set(m->w, R0, n->op == X_TEXT_EQ);
	end = emit_jump(m, BPF_JA, 0, 0);
	for (unsigned i = 0; i < njumps; i++)
		gen_jump_here(m->w, jump[i]);
	gen_put_set(m->w, R0, n->op == X_TEXT_NE);
	gen_jump_here(m->w, end);
}

/* -- =~ ---------------------------------------------------------------------------------------- */

/* r4: the bits that the byte in r3 moves up. */
static void put_moves(struct emitter *m, const struct glob *g)
{
	unsigned join[MAX_SINGLE], n = 0, next;

	gen_put_set64(m->w, R4, g->any);
	for (unsigned c = 1; c < 256; c++) {
		if (!g->chars[c])
			continue;
		next = gen_put_jump(m->w, BPF_JNE, R3, (int32_t)c);
		gen_put_set64(m->w, R4, g->any | g->chars[c]);
		join[n++] = emit_jump(m, BPF_JA, 0, 0);
		gen_jump_here(m->w, next);
	}
	for (unsigned i = 0; i < n; i++)
		gen_jump_here(m->w, join[i]);
}

/*
 * r0 which byte is next, r1 the word, r5 the bits that stay.  There is a NUL among the bytes to `last`, but
 * the verifier cannot know; may_goto has it look at a few rounds, not at all of them.
 */
static void put_match(struct emitter *m, const struct glob *g, int at, unsigned last)
{
	unsigned done[4];
	size_t again;

	gen_put_set(m->w, R0, 0);
	gen_put_set(m->w, R1, 1);
	again = m->w->n;
	done[0] = gen_put_jump(m->w, INSN_JCOND, R0, 0);
	done[1] = gen_put_jump(m->w, BPF_JGT, R0, (int32_t)last);
	gen_put_mov(m->w, R2, R10);
	emit_alu_reg(m, BPF_ADD, R2, R0);
	emit_load(m, R3, R2, at, 1);
	done[2] = gen_put_jump(m->w, BPF_JEQ, R3, 0);
	put_moves(m, g);
	gen_put_set64(m->w, R5, g->stay);
	emit_alu_reg(m, BPF_AND, R5, R1);
	emit_alu_reg(m, BPF_AND, R1, R4);
	emit_alu(m, BPF_LSH, R1, 1);
	emit_alu_reg(m, BPF_OR, R1, R5);
	done[3] = gen_put_jump(m->w, BPF_JEQ, R1, 0);
	gen_put_add(m->w, R0, 1);
	emit_back(m, BPF_JA, 0, 0, again);
	for (unsigned i = 0; i < 4; i++)
		gen_jump_here(m->w, done[i]);
	gen_put_mov(m->w, R0, R1);
	emit_alu(m, BPF_RSH, R0, (int32_t)g->n);
	emit_alu(m, BPF_AND, R0, 1);
}

static void glob(struct emitter *m, const struct expr_node *n)
{
	struct glob g;
	uint64_t room;
	bool array = has_length(n->a, &room);
	unsigned bytes = array && room < EXPR_MAX_TEXT ? (unsigned)room : EXPR_MAX_TEXT;
	int at = emit_buffer(m, EXPR_MAX_TEXT + 1);

	compile(n->text, n->len, &g);
	if (array) {
		read_array(m, n->a, bytes, at);
		gen_put(m->w, BPF_ST | BPF_MEM | BPF_B, R10, 0, at + (int)bytes, 0);
	} else {
		read_string(m, n->a, EXPR_MAX_TEXT + 1, at);
	}
	put_match(m, &g, at, array ? bytes : EXPR_MAX_TEXT);
}

void emit_text(struct emitter *m, const struct expr_node *n)
{
	if (n->op == X_GLOB)
		glob(m, n);
	else
		text_equal(m, n);
}
