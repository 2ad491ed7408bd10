/* asmtext.c - see asmtext.h. */
#include "asmtext.h"

#include "bpf/insn.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABELS 128

struct text {
	struct bpf_insn *out;
	int cap, n, line;
	struct {
		char name[32];
		int at;
	} label[MAX_LABELS], use[MAX_LABELS];
	int nlabels, nuses;
	char *err;
	size_t err_cap;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void fail(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->failed)
		return;
	t->failed = true;
	n = snprintf(t->err, t->err_cap, "line %d: ", t->line);
	va_start(ap, fmt);
	vsnprintf(t->err + n, t->err_cap - (size_t)n, fmt, ap);
	va_end(ap);
}

static void put(struct text *t, struct bpf_insn i)
{
	if (t->n == t->cap)
		fail(t, "program too long");
	else
		t->out[t->n++] = i;
}

/* -- operands ---------------------------------------------------------------- */

static bool is_reg(const char *s)
{
	s += *s == '%';
	return s[0] == 'r' && isdigit((unsigned char)s[1]);
}

static unsigned reg(struct text *t, const char *s)
{
	s += *s == '%';
	if (s[0] != 'r' || !isdigit((unsigned char)s[1]) || atoi(s + 1) > 10)
		fail(t, "not a register: '%s'", s);
	return (unsigned)atoi(s + 1) & 15;
}

static long long number(struct text *t, const char *s)
{
	char *end;
	long long v = *s == '-' ? strtoll(s, &end, 0) : (long long)strtoull(s, &end, 0);

	if (!*s || *end)
		fail(t, "not a number: '%s'", s);
	return v;
}

/* "[r1+4]" */
static unsigned mem(struct text *t, char *s, short *off)
{
	char *sign, *end = strchr(s, ']');
	unsigned r;

	if (*s != '[' || !end) {
		fail(t, "not an address: '%s'", s);
		return 0;
	}
	*end = '\0';
	sign = strpbrk(s, "+-");
	*off = sign ? (short)number(t, *sign == '+' ? sign + 1 : sign) : 0;
	if (sign)
		*sign = '\0';
	r = reg(t, s + 1);
	return r;
}

/* The distance is put in later when it is a label. */
static int target(struct text *t, const char *s)
{
	if (*s == '+' || *s == '-' || isdigit((unsigned char)*s))
		return (int)number(t, *s == '+' ? s + 1 : s);
	if (t->nuses == MAX_LABELS) {
		fail(t, "too many jumps");
		return 0;
	}
	snprintf(t->use[t->nuses].name, sizeof(t->use[0].name), "%s", s);
	t->use[t->nuses++].at = t->n;
	return 0;
}

/* -- mnemonics ------------------------------------------------------------------- */

struct word {
	const char *name;
	int code;
	int arg; /* off or imm that the name stands for */
};

/* Finds "name" or, with *narrow set, "name32". */
static const struct word *find(const struct word *w, const char *name, bool *narrow)
{
	for (; w->name; w++) {
		size_t n = strlen(w->name);

		if (strncmp(name, w->name, n))
			continue;
		*narrow = !strcmp(name + n, "32");
		if (!name[n] || *narrow)
			return w;
	}
	return NULL;
}

static const struct word alu_word[] = {
	{ "add", BPF_ADD, 0 },      { "sub", BPF_SUB, 0 },      { "mul", BPF_MUL, 0 },
	{ "div", BPF_DIV, 0 },      { "or", BPF_OR, 0 },        { "and", BPF_AND, 0 },
	{ "lsh", BPF_LSH, 0 },      { "rsh", BPF_RSH, 0 },      { "mod", BPF_MOD, 0 },
	{ "xor", BPF_XOR, 0 },      { "mov", BPF_MOV, 0 },      { "arsh", BPF_ARSH, 0 },
	{ "sdiv", BPF_DIV, 1 },     { "smod", BPF_MOD, 1 },     { "movsx8", BPF_MOV, 8 },
	{ "movsx16", BPF_MOV, 16 }, { "movsx32", BPF_MOV, 32 }, { NULL, 0, 0 },
};

static const struct word jmp_word[] = {
	{ "jeq", BPF_JEQ, 0 },   { "jne", BPF_JNE, 0 },   { "jgt", BPF_JGT, 0 },
	{ "jge", BPF_JGE, 0 },   { "jlt", BPF_JLT, 0 },   { "jle", BPF_JLE, 0 },
	{ "jset", BPF_JSET, 0 }, { "jsgt", BPF_JSGT, 0 }, { "jsge", BPF_JSGE, 0 },
	{ "jslt", BPF_JSLT, 0 }, { "jsle", BPF_JSLE, 0 }, { NULL, 0, 0 },
};

static const struct word swap_word[] = {
	{ "le", BPF_ALU | BPF_END | BPF_K, 0 },
	{ "be", BPF_ALU | BPF_END | BPF_X, 0 },
	{ "bswap", BPF_ALU64 | BPF_END, 0 },
	{ NULL, 0, 0 },
};

static const struct word atomic_word[] = {
	{ "add", 0, BPF_ADD },
	{ "or", 0, BPF_OR },
	{ "and", 0, BPF_AND },
	{ "xor", 0, BPF_XOR },
	{ "fetch_add", 0, BPF_ADD | BPF_FETCH },
	{ "fetch_or", 0, BPF_OR | BPF_FETCH },
	{ "fetch_and", 0, BPF_AND | BPF_FETCH },
	{ "fetch_xor", 0, BPF_XOR | BPF_FETCH },
	{ "xchg", 0, BPF_XCHG },
	{ "cmpxchg", 0, BPF_CMPXCHG },
	{ NULL, 0, 0 },
};

static const struct word mem_word[] = {
	{ "ldxb", BPF_LDX | BPF_MEM | BPF_B, 0 },     { "ldxh", BPF_LDX | BPF_MEM | BPF_H, 0 },
	{ "ldxw", BPF_LDX | BPF_MEM | BPF_W, 0 },     { "ldxdw", BPF_LDX | BPF_MEM | BPF_DW, 0 },
	{ "ldxsb", BPF_LDX | INSN_MEMSX | BPF_B, 0 }, { "ldxsh", BPF_LDX | INSN_MEMSX | BPF_H, 0 },
	{ "ldxsw", BPF_LDX | INSN_MEMSX | BPF_W, 0 }, { "stb", BPF_ST | BPF_MEM | BPF_B, 0 },
	{ "sth", BPF_ST | BPF_MEM | BPF_H, 0 },       { "stw", BPF_ST | BPF_MEM | BPF_W, 0 },
	{ "stdw", BPF_ST | BPF_MEM | BPF_DW, 0 },     { "stxb", BPF_STX | BPF_MEM | BPF_B, 0 },
	{ "stxh", BPF_STX | BPF_MEM | BPF_H, 0 },     { "stxw", BPF_STX | BPF_MEM | BPF_W, 0 },
	{ "stxdw", BPF_STX | BPF_MEM | BPF_DW, 0 },   { NULL, 0, 0 },
};

/* op: mnemonic and up to three operands, "" where missing */
static bool do_alu(struct text *t, char op[4][64])
{
	bool narrow = false;
	const struct word *w = find(alu_word, op[0], &narrow);
	int class = narrow ? BPF_ALU : BPF_ALU64;

	if (!strcmp(op[0], "neg") || !strcmp(op[0], "neg32")) {
		class = op[0][3] ? BPF_ALU : BPF_ALU64;
		put(t, INSN(class | BPF_NEG, reg(t, op[1]), 0, 0, 0));
		return true;
	}
	for (const struct word *s = swap_word; s->name; s++) {
		size_t n = strlen(s->name);

		if (!strncmp(op[0], s->name, n) && isdigit((unsigned char)op[0][n])) {
			put(t, INSN(s->code, reg(t, op[1]), 0, 0, atoi(op[0] + n)));
			return true;
		}
	}
	if (!w)
		return false;
	if (is_reg(op[2]))
		put(t, INSN(class | w->code | BPF_X, reg(t, op[1]), reg(t, op[2]), w->arg, 0));
	else
		put(t, INSN(class | w->code | BPF_K, reg(t, op[1]), 0, w->arg, number(t, op[2])));
	return true;
}

static bool do_jmp(struct text *t, char op[4][64])
{
	bool narrow = false;
	const struct word *w = find(jmp_word, op[0], &narrow);
	int class = narrow ? BPF_JMP32 : BPF_JMP;

	if (!strcmp(op[0], "ja"))
		put(t, INSN(BPF_JMP | BPF_JA, 0, 0, target(t, op[1]), 0));
	else if (!strcmp(op[0], "may_goto"))
		put(t, INSN(BPF_JMP | INSN_JCOND, 0, 0, target(t, op[1]), 0));
	else if (!strcmp(op[0], "gotol"))
		put(t, INSN(BPF_JMP32 | BPF_JA, 0, 0, 0, target(t, op[1])));
	else if (!strcmp(op[0], "exit"))
		put(t, INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0));
	else if (!strcmp(op[0], "call") && !strcmp(op[1], "local"))
		put(t, INSN(BPF_JMP | BPF_CALL, 0, CALL_LOCAL, 0, target(t, op[2])));
	else if (!strcmp(op[0], "call") && !strcmp(op[1], "kfunc"))
		put(t, INSN(BPF_JMP | BPF_CALL, 0, CALL_KFUNC, 0, number(t, op[2])));
	else if (!strcmp(op[0], "call"))
		put(t, INSN(BPF_JMP | BPF_CALL, 0, 0, 0, number(t, op[1])));
	else if (!w)
		return false;
	else if (is_reg(op[2]))
		put(t, INSN(class | w->code | BPF_X, reg(t, op[1]), reg(t, op[2]), target(t, op[3]),
			    0));
	else
		put(t, INSN(class | w->code | BPF_K, reg(t, op[1]), 0, target(t, op[3]),
			    number(t, op[2])));
	return true;
}

static bool do_mem(struct text *t, char op[4][64])
{
	const struct word *w;
	bool narrow = false;
	short off = 0;
	unsigned base;

	if (!strcmp(op[0], "lock")) {
		w = find(atomic_word, op[1], &narrow);
		if (!w)
			return false;
		base = mem(t, op[2], &off);
		put(t, INSN(BPF_STX | BPF_ATOMIC | (narrow ? BPF_W : BPF_DW), base, reg(t, op[3]),
			    off, w->arg));
		return true;
	}
	w = find(mem_word, op[0], &narrow);
	if (!w || narrow)
		return false;
	base = mem(t, op[BPF_CLASS(w->code) == BPF_LDX ? 2 : 1], &off);
	if (BPF_CLASS(w->code) == BPF_LDX)
		put(t, INSN(w->code, reg(t, op[1]), base, off, 0));
	else if (BPF_CLASS(w->code) == BPF_STX)
		put(t, INSN(w->code, base, reg(t, op[2]), off, 0));
	else
		put(t, INSN(w->code, base, 0, off, number(t, op[2])));
	return true;
}

/* "acqw r1, [r2+4]", "relw [r1+4], r2": b, h, w, dw */
static bool do_ordered(struct text *t, char op[4][64])
{
	static const struct word size[] = { { "b", BPF_B, 0 },
					    { "h", BPF_H, 0 },
					    { "w", BPF_W, 0 },
					    { "dw", BPF_DW, 0 },
					    { NULL, 0, 0 } };
	bool load = !strncmp(op[0], "acq", 3), narrow = false;
	const struct word *w =
		load || !strncmp(op[0], "rel", 3) ? find(size, op[0] + 3, &narrow) : NULL;
	short off = 0;
	unsigned base;

	if (!w || narrow)
		return false;
	base = mem(t, op[load ? 2 : 1], &off);
	if (load)
		put(t,
		    INSN(BPF_STX | BPF_ATOMIC | w->code, reg(t, op[1]), base, off, INSN_LOAD_ACQ));
	else
		put(t,
		    INSN(BPF_STX | BPF_ATOMIC | w->code, base, reg(t, op[2]), off, INSN_STORE_REL));
	return true;
}

static bool do_func(struct text *t, char op[4][64])
{
	if (strcmp(op[0], "func"))
		return false;
	put(t, INSN(BPF_LD | BPF_IMM | BPF_DW, reg(t, op[1]), LDDW_FUNC, 0, target(t, op[2])));
	put(t, INSN(0, 0, 0, 0, 0));
	return true;
}

static bool do_lddw(struct text *t, char op[4][64])
{
	int src = !strcmp(op[0], "map") ? LDDW_MAP : !strcmp(op[0], "value") ? LDDW_VALUE : 0;
	long long v;

	if (!src && strcmp(op[0], "lddw"))
		return false;
	v = number(t, op[2]);
	if (src == LDDW_VALUE)
		v |= number(t, op[3]) << 32;
	put(t, INSN(BPF_LD | BPF_IMM | BPF_DW, reg(t, op[1]), src, 0, v));
	put(t, INSN(0, 0, 0, 0, v >> 32));
	return true;
}

/* ".fill N": so many instructions that do nothing which matters */
static bool do_fill(struct text *t, char op[4][64])
{
	if (strcmp(op[0], ".fill"))
		return false;
	for (long long n = number(t, op[1]); n > 0; n--)
		put(t, INSN(BPF_ALU64 | BPF_MOV | BPF_K, 5, 0, 0, 0));
	return true;
}

/* -- lines ------------------------------------------------------------------------- */

static void line(struct text *t, char *s)
{
	char op[4][64] = { "", "", "", "" }, *colon, *save = NULL;
	int n = 0;

	s += strspn(s, " \t");
	s[strcspn(s, "#;")] = '\0';
	colon = strchr(s, ':');
	if (colon) {
		*colon = '\0';
		if (t->nlabels == MAX_LABELS)
			fail(t, "too many labels");
		else {
			snprintf(t->label[t->nlabels].name, sizeof(t->label[0].name), "%s", s);
			t->label[t->nlabels++].at = t->n;
		}
		s = colon + 1;
	}
	for (char *w = strtok_r(s, " \t,\r", &save); w; w = strtok_r(NULL, " \t,\r", &save)) {
		if (n == 4)
			fail(t, "too many operands");
		else
			snprintf(op[n++], sizeof(op[0]), "%s", w);
	}
	if (n && !do_fill(t, op) && !do_ordered(t, op) && !do_func(t, op) && !do_mem(t, op) &&
	    !do_alu(t, op) && !do_jmp(t, op) && !do_lddw(t, op))
		fail(t, "unknown instruction '%s'", op[0]);
}

static void resolve(struct text *t)
{
	for (int u = 0; u < t->nuses; u++) {
		struct bpf_insn *i = &t->out[t->use[u].at];
		int l = 0;

		while (l < t->nlabels && strcmp(t->label[l].name, t->use[u].name))
			l++;
		if (l == t->nlabels) {
			fail(t, "no label '%s'", t->use[u].name);
			return;
		}
		l = t->label[l].at - t->use[u].at - 1;
		if (insn_is_call(i) || insn_is_lddw(i) || i->code == (BPF_JMP32 | BPF_JA))
			i->imm = l;
		else
			i->off = (__s16)l;
	}
}

int asmtext_parse(const char *text, struct bpf_insn *out, int cap, char *err, size_t err_cap)
{
	struct text t = { .out = out, .cap = cap, .err = err, .err_cap = err_cap };
	char buf[256];

	while (*text && !t.failed) {
		size_t n = strcspn(text, "\n");

		t.line++;
		if (n >= sizeof(buf))
			fail(&t, "line too long");
		else {
			memcpy(buf, text, n);
			buf[n] = '\0';
			line(&t, buf);
		}
		text += n + (text[n] == '\n');
	}
	if (!t.failed)
		resolve(&t);
	return t.failed ? -1 : t.n;
}
