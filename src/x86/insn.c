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

static bool loads_32(const ZydisDecodedInstruction *in)
{
	return in->mnemonic == ZYDIS_MNEMONIC_MOVSXD ||
	       (in->mnemonic == ZYDIS_MNEMONIC_MOV && in->opcode == 0x8b &&
		in->operand_width == 32);
}

/* [register + index], the index times 4 or times 4 already; index 4 is none */
static bool loads_entry(const ZydisDecodedInstruction *in)
{
	bool is_index = in->raw.sib.index != 4 || in->raw.rex.X;

	return loads_32(in) && (in->attributes & ZYDIS_ATTRIB_HAS_SIB) && is_index &&
	       (in->raw.sib.scale == 2 || in->raw.sib.scale == 0) &&
	       !(in->raw.modrm.mod == 0 && in->raw.sib.base == 5);
}

static bool is_on_stack(const ZydisDecodedInstruction *in)
{
	bool sib = in->raw.modrm.rm == 4;
	unsigned base = sib ? in->raw.sib.base : in->raw.modrm.rm;

	if (in->raw.modrm.mod == 3 || in->raw.rex.B)
		return false;
	return (base == 4 && sib) || (base == 5 && in->raw.modrm.mod != 0);
}

static void fill_absolute(const ZydisDecodedInstruction *in, struct x86_insn *out)
{
	if (in->raw.disp.size == 32 && !out->rip_relative)
		out->abs[out->nabs++] = (uint64_t)in->raw.disp.value;
	if (in->raw.imm[0].size >= 32 && !in->raw.imm[0].is_relative)
		out->abs[out->nabs++] = in->raw.imm[0].value.u;
}

static void fill_flow(const ZydisDecodedInstruction *in, taddr_t pc, struct x86_insn *out)
{
	*out = (struct x86_insn){ .len = in->length, .flow = (uint8_t)flow_of(in) };
	out->is_nop = in->mnemonic == ZYDIS_MNEMONIC_NOP;
	out->is_lea = in->mnemonic == ZYDIS_MNEMONIC_LEA;
	out->is_endbr64 = in->mnemonic == ZYDIS_MNEMONIC_ENDBR64;
	if (is_direct(in)) {
		out->target = pc + in->length + in->raw.imm[0].value.u;
	} else if (has_modrm_rip(in)) {
		out->rip_relative = true;
		out->disp_at = in->raw.disp.offset;
		out->target = pc + in->length + (uint64_t)in->raw.disp.value;
	}
	if (out->flow == X86_FLOW_JMP_IND && in->raw.modrm.mod == 3)
		out->jmp_reg = (uint8_t)(1 + in->raw.modrm.rm + 8 * in->raw.rex.B);
	out->jmp_stack = out->flow == X86_FLOW_JMP_IND && is_on_stack(in);
	out->loads_entry = loads_entry(in);
	fill_absolute(in, out);
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
			out->mem_disp = (int32_t)op->mem.disp.value;
			out->has_mem =
				ZydisRegisterGetClass(op->mem.base) == ZYDIS_REGCLASS_GPR64 &&
				op->mem.index == ZYDIS_REGISTER_NONE &&
				op->mem.segment != ZYDIS_REGISTER_FS &&
				op->mem.segment != ZYDIS_REGISTER_GS;
			if (!out->has_mem)
				continue;
			out->mem_base = (uint8_t)ZydisRegisterGetId(op->mem.base);
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

uint64_t x86_decoder_version(void)
{
	return ZydisGetVersion();
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

/* -- how a register gets its value ---------------------------------------------- */

static int gpr_number(ZydisRegister r)
{
	ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	return ZydisRegisterGetClass(wide) == ZYDIS_REGCLASS_GPR64 ? ZydisRegisterGetId(wide) : -1;
}

static bool writes_gpr(const struct decoded *d, int reg)
{
	for (unsigned i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *op = &d->op[i];

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    gpr_number(op->reg.value) == reg)
			return true;
	}
	return false;
}

static struct x86_value value_sum(int a, int b)
{
	if (a < 0 || b < 0)
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	return (struct x86_value){ X86_VALUE_SUM, (uint8_t)a, (uint8_t)b };
}

static struct x86_value value_lea(const ZydisDecodedOperandMem *m)
{
	if (m->base == ZYDIS_REGISTER_RIP)
		return (struct x86_value){ .kind = X86_VALUE_ADDRESS };
	if (m->scale > 1 || m->disp.value)
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	return value_sum(gpr_number(m->base), gpr_number(m->index));
}

static struct x86_value value_mov(const struct decoded *d)
{
	const ZydisDecodedOperand *from = &d->op[1];

	if (d->insn.operand_width < 32)
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		return (struct x86_value){ .kind = X86_VALUE_ADDRESS };
	if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && loads_32(&d->insn))
		return (struct x86_value){ .kind = X86_VALUE_ENTRY };
	if (from->type == ZYDIS_OPERAND_TYPE_MEMORY)
		return (struct x86_value){ .kind = is_on_stack(&d->insn) ? X86_VALUE_SPILLED :
									   X86_VALUE_LOADED };
	if (from->type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_number(from->reg.value) >= 0)
		return (struct x86_value){ .kind = X86_VALUE_COPIED,
					   .a = (uint8_t)gpr_number(from->reg.value) };
	return (struct x86_value){ .kind = X86_VALUE_MADE };
}

/* rax, rcx, rdx, rsi, rdi, r8 to r11: psABI 3.2.1 */
static bool is_caller_saved(unsigned reg)
{
	return 0x0fc7 >> reg & 1;
}

/* xor with %fs:0x30 makes a pointer of a stored one: glibc's pointer guard. */
static bool is_pointer_guard(const struct decoded *d)
{
	return d->insn.mnemonic == ZYDIS_MNEMONIC_XOR &&
	       d->op[1].type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       d->op[1].mem.segment == ZYDIS_REGISTER_FS;
}

struct x86_value x86_value_of(const void *code, size_t n, unsigned reg)
{
	struct decoded d;

	if (decode_all(&d, code, n) < 0)
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	if (d.insn.mnemonic == ZYDIS_MNEMONIC_CALL && is_caller_saved(reg))
		return (struct x86_value){ .kind = X86_VALUE_LOADED };
	if (!writes_gpr(&d, (int)reg))
		return (struct x86_value){ .kind = X86_VALUE_KEPT };
	if (d.op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    gpr_number(d.op[0].reg.value) != (int)reg)
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	if (is_pointer_guard(&d))
		return (struct x86_value){ .kind = X86_VALUE_LOADED };
	switch (d.insn.mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_MOVSXD:
		return value_mov(&d);
	case ZYDIS_MNEMONIC_CDQE:
		return (struct x86_value){ .kind = X86_VALUE_COPIED, .a = (uint8_t)reg };
	case ZYDIS_MNEMONIC_POP:
		return (struct x86_value){ .kind = X86_VALUE_SPILLED };
	case ZYDIS_MNEMONIC_LEA:
		return value_lea(&d.op[1].mem);
	case ZYDIS_MNEMONIC_ADD:
		return value_sum((int)reg, d.op[1].type == ZYDIS_OPERAND_TYPE_REGISTER ?
						   gpr_number(d.op[1].reg.value) :
						   -1);
	default:
		return (struct x86_value){ .kind = X86_VALUE_MADE };
	}
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
