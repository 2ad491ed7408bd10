/*
 * x86/insn.c - see insn.h: what Zydis knows of an instruction, in our terms.
 */
#include "x86/insn.h"

#include <errno.h>
#include <stdio.h>

#include <Zydis/Zydis.h>

struct decoded {
	ZydisDecoderContext ctx;
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

static int decode_head(struct decoded *d, ZydisDecoder *decoder, const void *code, size_t n)
{
	ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, &d->ctx, code, n, &d->insn)) ?
		       0 :
		       -EILSEQ;
}

static int decode_all(struct decoded *d, const void *code, size_t n)
{
	ZydisDecoder decoder;
	int err = decode_head(d, &decoder, code, n);

	if (err)
		return err;
	return ZYAN_SUCCESS(ZydisDecoderDecodeOperands(&decoder, &d->ctx, &d->insn, d->op,
						       d->insn.operand_count)) ?
		       0 :
		       -EILSEQ;
}

static bool is_direct(const ZydisDecodedInstruction *in)
{
	return in->raw.imm[0].size && in->raw.imm[0].is_relative;
}

static enum x86_flow flow_of(const ZydisDecodedInstruction *in)
{
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_COND_BR: /* xbegin too: its abort handler is a target */
		return X86_FLOW_JCC;
	case ZYDIS_CATEGORY_UNCOND_BR:
		if (in->mnemonic != ZYDIS_MNEMONIC_JMP) /* xabort */
			return X86_FLOW_NEXT;
		return is_direct(in) ? X86_FLOW_JMP : X86_FLOW_JMP_IND;
	case ZYDIS_CATEGORY_CALL:
		if (in->mnemonic != ZYDIS_MNEMONIC_CALL)
			return X86_FLOW_NEXT;
		return is_direct(in) ? X86_FLOW_CALL : X86_FLOW_CALL_IND;
	case ZYDIS_CATEGORY_RET:
	case ZYDIS_CATEGORY_SYSRET:
		return X86_FLOW_RET;
	default:
		break;
	}
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_HLT:
		return X86_FLOW_STOP;
	case ZYDIS_MNEMONIC_INT:
	case ZYDIS_MNEMONIC_SYSCALL:
	case ZYDIS_MNEMONIC_SYSENTER:
		return X86_FLOW_SYSCALL;
	default:
		return X86_FLOW_NEXT;
	}
}

static bool has_modrm_rip(const ZydisDecodedInstruction *in)
{
	return (in->attributes & ZYDIS_ATTRIB_HAS_MODRM) && in->raw.modrm.mod == 0 &&
	       in->raw.modrm.rm == 5 && in->raw.disp.size == 32;
}

static void fill_flow(const ZydisDecodedInstruction *in, taddr_t pc, struct x86_insn *out)
{
	*out = (struct x86_insn){ .len = in->length, .flow = (uint8_t)flow_of(in) };
	out->is_nop = in->mnemonic == ZYDIS_MNEMONIC_NOP;
	out->is_endbr64 = in->mnemonic == ZYDIS_MNEMONIC_ENDBR64;
	if (is_direct(in)) {
		out->target = pc + in->length + in->raw.imm[0].value.u;
	} else if (has_modrm_rip(in)) {
		out->rip_relative = true;
		out->disp_at = in->raw.disp.offset;
		out->target = pc + in->length + (uint64_t)in->raw.disp.value;
	}
}

static bool is_rsp(ZydisRegister r)
{
	return r == ZYDIS_REGISTER_RSP || r == ZYDIS_REGISTER_ESP || r == ZYDIS_REGISTER_SP ||
	       r == ZYDIS_REGISTER_SPL;
}

static bool is_vector_reg(ZydisRegister r)
{
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_X87:
	case ZYDIS_REGCLASS_MMX:
	case ZYDIS_REGCLASS_XMM:
	case ZYDIS_REGCLASS_YMM:
	case ZYDIS_REGCLASS_ZMM:
	case ZYDIS_REGCLASS_TMM:
	case ZYDIS_REGCLASS_MASK:
		return true;
	default:
		return r == ZYDIS_REGISTER_MXCSR || r == ZYDIS_REGISTER_X87CONTROL ||
		       r == ZYDIS_REGISTER_X87STATUS || r == ZYDIS_REGISTER_X87TAG;
	}
}

/* State as a whole: these name no register. */
static bool is_vector_state(const ZydisDecodedInstruction *in)
{
	switch (in->meta.category) {
	case ZYDIS_CATEGORY_X87_ALU:
	case ZYDIS_CATEGORY_MMX:
	case ZYDIS_CATEGORY_XSAVE:
	case ZYDIS_CATEGORY_XSAVEOPT:
	case ZYDIS_CATEGORY_AMX_TILE:
		return true;
	default:
		break;
	}
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_VZEROALL:
	case ZYDIS_MNEMONIC_VZEROUPPER:
	case ZYDIS_MNEMONIC_EMMS:
	case ZYDIS_MNEMONIC_FEMMS:
	case ZYDIS_MNEMONIC_FXSAVE:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_FWAIT:
		return true;
	default:
		return false;
	}
}

static void fill_registers(const struct decoded *d, struct x86_insn *out)
{
	ZydisInstructionCategory cat = d->insn.meta.category;
	bool stack = cat == ZYDIS_CATEGORY_PUSH || cat == ZYDIS_CATEGORY_POP ||
		     cat == ZYDIS_CATEGORY_CALL || cat == ZYDIS_CATEGORY_RET;

	out->is_vector = is_vector_state(&d->insn);
	for (unsigned i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &d->op[i];
		bool hidden = op->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN;

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			out->is_vector |= is_vector_reg(op->reg.value);
			if (is_rsp(op->reg.value) &&
			    (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && !(hidden && stack))
				out->writes_rsp = true;
		} else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			out->is_vector |= is_vector_reg(op->mem.index); /* gather */
		}
	}
}

/* What a reader of the code wants explained: frame offsets, addresses as constants. */
static void fill_operands(const struct decoded *d, struct x86_insn *out)
{
	for (unsigned i = 0; i < d->insn.operand_count_visible; i++) {
		const ZydisDecodedOperand *op = &d->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			out->has_fs = op->mem.segment == ZYDIS_REGISTER_FS &&
				      op->mem.base == ZYDIS_REGISTER_NONE;
			out->has_mem =
				ZydisRegisterGetClass(op->mem.base) == ZYDIS_REGCLASS_GPR64 &&
				op->mem.index == ZYDIS_REGISTER_NONE &&
				op->mem.segment != ZYDIS_REGISTER_FS &&
				op->mem.segment != ZYDIS_REGISTER_GS;
			if (!out->has_mem)
				continue;
			out->mem_base = (uint8_t)ZydisRegisterGetId(op->mem.base);
			out->mem_disp = (int32_t)op->mem.disp.value;
		} else if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && !op->imm.is_relative &&
			   d->insn.mnemonic == ZYDIS_MNEMONIC_MOV &&
			   d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER) {
			out->has_imm = true;
			out->imm = op->size == 32 && d->insn.operand_width == 32 ?
					   (uint32_t)op->imm.value.u :
					   op->imm.value.u;
		}
	}
}

static bool is_reg(const ZydisDecodedOperand *op, ZydisRegister r)
{
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value == r;
}

/* What a prologue does to rsp and rbp. */
static void fill_frame(const struct decoded *d, struct x86_insn *out)
{
	const ZydisDecodedOperand *op = d->op;
	bool wide = d->insn.operand_width == 64;

	switch (d->insn.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		out->rsp_add = wide ? -8 : 0;
		out->pushes_rbp = is_reg(&op[0], ZYDIS_REGISTER_RBP);
		break;
	case ZYDIS_MNEMONIC_PUSHFQ:
		out->rsp_add = -8;
		break;
	case ZYDIS_MNEMONIC_POP:
		out->rsp_add = wide && !out->writes_rsp ? 8 : 0;
		out->pops_rbp = is_reg(&op[0], ZYDIS_REGISTER_RBP);
		break;
	case ZYDIS_MNEMONIC_POPFQ:
		out->rsp_add = 8;
		break;
	case ZYDIS_MNEMONIC_LEAVE:
		out->pops_rbp = true;
		break;
	case ZYDIS_MNEMONIC_MOV:
		out->sets_rbp =
			is_reg(&op[0], ZYDIS_REGISTER_RBP) && is_reg(&op[1], ZYDIS_REGISTER_RSP);
		break;
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_ADD:
		if (is_reg(&op[0], ZYDIS_REGISTER_RSP) &&
		    op[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && op[1].imm.value.s > INT32_MIN)
			out->rsp_add = (int32_t)(d->insn.mnemonic == ZYDIS_MNEMONIC_ADD ?
							 op[1].imm.value.s :
							 -op[1].imm.value.s);
		break;
	case ZYDIS_MNEMONIC_LEA:
		if (is_reg(&op[0], ZYDIS_REGISTER_RSP) && op[1].mem.base == ZYDIS_REGISTER_RSP &&
		    op[1].mem.index == ZYDIS_REGISTER_NONE)
			out->rsp_add = (int32_t)op[1].mem.disp.value;
		break;
	default:
		break;
	}
}

/* Prefix 0x66 makes a near branch 16 bits wide on AMD and does nothing on Intel; REX.W wins. */
static bool is_word_branch(const ZydisDecodedInstruction *in)
{
	return (in->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) && !in->raw.rex.W;
}

static const char *branch_reason(const struct decoded *d, const struct x86_insn *out)
{
	const ZydisDecodedInstruction *in = &d->insn;

	if (in->mnemonic == ZYDIS_MNEMONIC_XBEGIN)
		return "xbegin starts a transaction";
	if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		return "a far branch";
	if (is_word_branch(in))
		return "a branch with a 16-bit operand-size prefix";
	if (out->flow == X86_FLOW_CALL_IND &&
	    (is_rsp(d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY ? d->op[0].mem.base :
								 d->op[0].reg.value)))
		return "an indirect call through the stack pointer";
	return NULL;
}

static const char *move_reason(const struct decoded *d, const struct x86_insn *out)
{
	const ZydisDecodedInstruction *in = &d->insn;

	if (out->rip_relative && (in->attributes & ZYDIS_ATTRIB_HAS_ADDRESSSIZE))
		return "an eip-relative operand (address-size prefix)";
	switch (in->mnemonic) {
	case ZYDIS_MNEMONIC_SYSCALL:
		return "syscall";
	case ZYDIS_MNEMONIC_SYSENTER:
		return "sysenter";
	case ZYDIS_MNEMONIC_INT:
		return "int n";
	case ZYDIS_MNEMONIC_INT3:
		return "int3: a breakpoint, or not code";
	case ZYDIS_MNEMONIC_INT1:
		return "int1";
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
		return "ud: an undefined instruction on purpose";
	case ZYDIS_MNEMONIC_HLT:
		return "hlt";
	case ZYDIS_MNEMONIC_RET:
		return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ? "a far return" :
		       is_word_branch(in) ? "a return with a 16-bit operand-size prefix" :
					    NULL;
	default:
		break;
	}
	switch (out->flow) {
	case X86_FLOW_RET:
		return "a return from an interrupt or system call";
	case X86_FLOW_JMP:
	case X86_FLOW_JCC:
	case X86_FLOW_CALL:
	case X86_FLOW_JMP_IND:
	case X86_FLOW_CALL_IND:
		return branch_reason(d, out);
	default:
		return NULL;
	}
}

int x86_decode_flow(const void *code, size_t n, taddr_t pc, struct x86_insn *out)
{
	ZydisDecoder decoder;
	struct decoded d;
	int err = decode_head(&d, &decoder, code, n);

	if (!err)
		fill_flow(&d.insn, pc, out);
	return err;
}

int x86_decode(const void *code, size_t n, taddr_t pc, struct x86_insn *out)
{
	struct decoded d;
	int err = decode_all(&d, code, n);

	if (err)
		return err;
	fill_flow(&d.insn, pc, out);
	fill_registers(&d, out);
	fill_frame(&d, out);
	fill_operands(&d, out);
	out->reason = move_reason(&d, out);
	return 0;
}

int x86_format(const void *code, size_t n, taddr_t pc, char *out, size_t cap)
{
	ZydisFormatter fmt;
	struct decoded d;
	int err = decode_all(&d, code, n);

	if (err)
		return err;
	if (!cap || !ZYAN_SUCCESS(ZydisFormatterInit(&fmt, ZYDIS_FORMATTER_STYLE_INTEL)) ||
	    !ZYAN_SUCCESS(ZydisFormatterFormatInstruction(
		    &fmt, &d.insn, d.op, d.insn.operand_count_visible, out, cap, pc, NULL)))
		return -ENOSPC;
	return d.insn.length;
}
