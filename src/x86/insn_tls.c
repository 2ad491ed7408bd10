/*
 * x86/insn_tls.c - see insn.h: recognise a function that returns a thread-local address.
 *
 * After endbr64 and nops, two instructions make rax, in either order of the terms, and ret
 * follows:
 *   mov rax, fs:0      then  add rax, X   or  lea rax, [rax + constant]
 *   mov rax, X         then  add rax, fs:0
 * X is a constant or [rip + disp32].  Anything else is somebody else's idea.
 *
 * Spec     psABI 3.4.6 and "ELF Handling for Thread-Local Storage" 4.3.2, 4.4 (sequences)
 */
#include "x86/insn.h"

#include <errno.h>

#include <Zydis/Zydis.h>

struct term {
	enum { TERM_NONE, TERM_THREAD, TERM_WORD, TERM_CONST } kind;
	taddr_t word;
	int64_t off;
};

struct one {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static int decode(const void *code, size_t n, struct one *out)
{
	ZydisDecoderContext ctx;
	ZydisDecoder d;

	ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&d, &ctx, code, n, &out->insn)) ||
	    !ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&d, &ctx, &out->insn, out->op,
						     out->insn.operand_count)))
		return -ENOENT;
	return 0;
}

/* Is the operand all of rax? */
static bool is_rax(const ZydisDecodedOperand *o)
{
	return o->type == ZYDIS_OPERAND_TYPE_REGISTER && o->reg.value == ZYDIS_REGISTER_RAX;
}

/* What the operand adds, pc being the instruction's. */
static struct term term_of(const struct one *i, taddr_t pc)
{
	const ZydisDecodedOperand *o = &i->op[1];
	struct term t = { .kind = TERM_NONE };

	if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		t.kind = TERM_CONST;
		t.off = o->imm.value.s;
	} else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY && o->size == 64 &&
		   o->mem.index == ZYDIS_REGISTER_NONE) {
		if (o->mem.segment == ZYDIS_REGISTER_FS && o->mem.base == ZYDIS_REGISTER_NONE &&
		    !o->mem.disp.value) {
			t.kind = TERM_THREAD;
		} else if (o->mem.segment == ZYDIS_REGISTER_DS &&
			   o->mem.base == ZYDIS_REGISTER_RIP) {
			t.kind = TERM_WORD;
			t.word = pc + i->insn.length + (uint64_t)o->mem.disp.value;
		}
	}
	return t;
}

/* The second instruction's: added to rax, by add or lea. */
static struct term added(const struct one *i, taddr_t pc)
{
	const ZydisDecodedOperand *o = &i->op[1];

	if (!is_rax(&i->op[0]))
		return (struct term){ .kind = TERM_NONE };
	if (i->insn.mnemonic == ZYDIS_MNEMONIC_ADD)
		return term_of(i, pc);
	if (i->insn.mnemonic == ZYDIS_MNEMONIC_SUB && o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return (struct term){ .kind = TERM_CONST, .off = -o->imm.value.s };
	if (i->insn.mnemonic == ZYDIS_MNEMONIC_LEA && o->mem.base == ZYDIS_REGISTER_RAX &&
	    o->mem.index == ZYDIS_REGISTER_NONE)
		return (struct term){ .kind = TERM_CONST, .off = o->mem.disp.value };
	return (struct term){ .kind = TERM_NONE };
}

/* The next instruction that does something; *at is behind it then. */
static int next(const uint8_t *code, size_t n, size_t *at, struct one *out)
{
	int err;

	do {
		err = *at < n ? decode(code + *at, n - *at, out) : -ENOENT;
		*at += err ? 0 : out->insn.length;
	} while (!err && (out->insn.mnemonic == ZYDIS_MNEMONIC_ENDBR64 ||
			  out->insn.mnemonic == ZYDIS_MNEMONIC_NOP));
	return err;
}

int x86_tls_address(const void *code, size_t n, taddr_t pc, struct x86_tls_address *out)
{
	struct term first, second, other;
	struct one i;
	size_t at = 0;

	if (next(code, n, &at, &i) || i.insn.mnemonic != ZYDIS_MNEMONIC_MOV || !is_rax(&i.op[0]))
		return -ENOENT;
	first = term_of(&i, pc + at - i.insn.length);
	if (next(code, n, &at, &i))
		return -ENOENT;
	second = added(&i, pc + at - i.insn.length);
	if (next(code, n, &at, &i) || i.insn.mnemonic != ZYDIS_MNEMONIC_RET)
		return -ENOENT;
	other = first.kind == TERM_THREAD ? second : first;
	if ((first.kind == TERM_THREAD) == (second.kind == TERM_THREAD) ||
	    (other.kind != TERM_WORD && other.kind != TERM_CONST))
		return -ENOENT;
	*out = (struct x86_tls_address){ .in_word = other.kind == TERM_WORD,
					 .word = other.word,
					 .off = other.off };
	return 0;
}
