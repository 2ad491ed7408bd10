/*
 * model/places.c - write where each value of a func_model travels, in one line.
 *
 *   rdi=a0 xmm0=a1 rsi=a2.0 xmm1=a2.1 [8]=a3 *rdx=a4 -=a5 | rax=r | K=24
 *
 * [N] is N bytes above rsp at entry, so [8] is the first stack argument; * means that the
 * address of the value travels, - that nothing does; .0 and .1 are eightbytes.  What a compiler
 * took apart or knew: rdi=a0.0:4 is bytes 0 to 3, rdi+8=a1 the register's value plus 8, 0x7=a2 a
 * constant, func+64=a3 an address 64 bytes from the function's.
 * Behind the bars: the result ([rdi]: stored through the hidden pointer), the stack bytes
 * ("K=?" if not known) and their alignment, if stricter than 8.
 */
#include "model/func_model.h"

#include <stdarg.h>
#include <stdio.h>

struct line {
	char *out;
	size_t n, cap; /* n counts what would have been written */
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->n < l->cap ? l->out + l->n : NULL, l->n < l->cap ? l->cap - l->n : 0, fmt,
		      ap);
	va_end(ap);
	l->n += n > 0 ? (size_t)n : 0;
}

static void put_reg(struct line *l, const struct fm_value *v, unsigned i, bool is_ret)
{
	static const char gpr[][4] = { "rdi", "rsi", "rdx", "rcx", "r8", "r9" };
	static const char gpr_ret[][4] = { "rax", "rdx" };
	unsigned num = v->place.num[i];
	char vec = 'x';

	switch ((enum abi_file)v->place.file[i]) {
	case ABI_GPR:
		put(l, "%s", is_ret ? gpr_ret[num % 2] : gpr[num % 6]);
		return;
	case ABI_XMM:
		if (v->place.wide && v->size > 16)
			vec = v->size > 32 ? 'z' : 'y';
		put(l, "%cmm%u", vec, num);
		return;
	case ABI_ST:
		put(l, "st%u", num);
		return;
	case ABI_STACK:
		put(l, "[%u]", v->place.stack + 8);
		return;
	}
}

static void put_pieces(struct line *l, const struct fm_value *v, const char *who)
{
	static const char gpr[][4] = { "rdi", "rsi", "rdx", "rcx", "r8", "r9" };

	for (unsigned i = 0; i < v->npieces; i++) {
		const struct fm_piece *p = &v->piece[i];

		if (i)
			put(l, " ");
		switch ((enum fm_from)p->from) {
		case FM_GPR:
			put(l, p->value ? "%s%+lld" : "%s", gpr[p->num % 6], (long long)p->value);
			break;
		case FM_XMM:
			put(l, "xmm%u", p->num);
			break;
		case FM_STACK:
			put(l, "[%lld]", (long long)p->value + 8);
			break;
		case FM_CONST:
			put(l, "%#llx", (unsigned long long)p->value);
			break;
		case FM_FUNC:
			put(l, "func%+lld", (long long)p->value);
			break;
		}
		put(l, "=%s", who);
		if (v->npieces > 1 || p->size < v->size)
			put(l, ".%u:%u", p->offset, p->size);
	}
}

/* index: of an argument, or -1 for the result */
static void put_value(struct line *l, const struct fm_value *v, int index)
{
	char who[16];

	if (index < 0)
		snprintf(who, sizeof(who), "r");
	else
		snprintf(who, sizeof(who), "a%d", index);
	if (v->npieces)
		put_pieces(l, v, who);
	else if (v->place.none)
		put(l, "-=%s", who);
	else if (!v->place.nregs)
		put(l, "%s[%u]=%s", v->place.by_ref ? "*" : "", v->place.stack + 8, who);
	for (unsigned i = 0; i < v->place.nregs; i++) {
		if (i)
			put(l, " ");
		if (v->place.by_ref)
			put(l, "*");
		put_reg(l, v, i, index < 0);
		put(l, "=%s", who);
		if (v->place.nregs > 1)
			put(l, ".%u", i);
	}
}

static void put_result(struct line *l, const struct func_model *m)
{
	if (m->call.sret)
		put(l, "[rdi]=r");
	else if (!m->ret.size)
		put(l, "void");
	else
		put_value(l, &m->ret, -1);
}

size_t func_model_format(const struct func_model *m, char *out, size_t cap)
{
	struct line l = { .out = out, .cap = cap };

	if (cap)
		out[0] = '\0';
	for (unsigned i = 0; i < m->nargs; i++) {
		put_value(&l, &m->arg[i], (int)i);
		put(&l, " ");
	}
	put(&l, "| ");
	put_result(&l, m);
	if (m->k_known)
		put(&l, " | K=%u", m->call.stack_bytes);
	else
		put(&l, " | K=?");
	if (m->call.stack_align > 8)
		put(&l, "/%u", m->call.stack_align);
	return l.n < cap ? l.n : cap ? cap - 1 : 0;
}
