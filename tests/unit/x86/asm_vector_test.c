/*
 * asm_vector_test.c - moves of ymm and zmm registers, movd, and fxsave: every register x every
 * address; Zydis reads back what was asked for, in the shortest form.
 *
 * EVEX counts short displacements in units of 64 bytes, so there are displacements around that.
 */
#include "x86/asm.h"

#include "base/types.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>
#include <cmocka.h>

#define PC0 0x555555550000ull

static const int32_t disps[] = { 0,        1,         63,        64,         127,
				 128,      -128,      -129,      64 * 127,   64 * 127 + 8,
				 64 * 128, -64 * 128, -64 * 129, 0x12345678, INT32_MIN };

/* One kind of instruction; reg: with a vector register, else memory alone. */
struct form {
	void (*load)(struct x86_asm *a, enum x86_xmm dst, struct x86_mem src);
	void (*store)(struct x86_asm *a, struct x86_mem dst, enum x86_xmm src);
	ZydisRegister first;
	unsigned bits;
	int32_t unit;
	ZydisInstructionEncoding encoding;
};

static const struct form forms[] = {
	{ x86_ymm_load, x86_ymm_store, ZYDIS_REGISTER_YMM0, 256, 1,
	  ZYDIS_INSTRUCTION_ENCODING_VEX },
	{ x86_zmm_load, x86_zmm_store, ZYDIS_REGISTER_ZMM0, 512, 64,
	  ZYDIS_INSTRUCTION_ENCODING_EVEX },
};

static uint8_t buf[32];
static ZydisDecoder decoder;
static ZydisDecodedInstruction insn;
static ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
static unsigned long checked;

static ZydisRegister gpr(enum x86_gpr r)
{
	return r == X86_NO_REG ? ZYDIS_REGISTER_NONE : (ZydisRegister)(ZYDIS_REGISTER_RAX + r);
}

static void decode(struct x86_asm *a, ZydisMnemonic mn)
{
	int len = x86_asm_finish(a);

	checked++;
	assert_true(len > 0 && len <= 15);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, buf, (ZyanUSize)len, &insn, ops)))
		fail_msg("undecodable, %d bytes", len);
	assert_int_equal(insn.length, len);
	assert_int_equal(insn.mnemonic, mn);
	assert_int_equal(buf[len], 0xf1);
}

/* EVEX's short displacements are what Zydis calls scaled. */
static void same_mem(const ZydisDecodedOperand *op, struct x86_mem m, unsigned bits, int32_t unit)
{
	bool index = m.index != X86_NO_REG;
	bool fits = m.disp % unit == 0 && m.disp / unit == (int8_t)(m.disp / unit);
	unsigned disp_bits = m.disp == 0 && (m.base & 7) != RBP ? 0 : fits ? 8 : 32;

	assert_int_equal(op->type, ZYDIS_OPERAND_TYPE_MEMORY);
	assert_int_equal(op->size, bits);
	assert_int_equal(op->mem.base, gpr(m.base));
	assert_int_equal(op->mem.index, gpr(m.index));
	assert_int_equal(op->mem.scale, index ? m.scale : 0);
	assert_int_equal(op->mem.disp.value, m.disp);
	assert_int_equal(insn.raw.disp.size, disp_bits);
}

static void begin(struct x86_asm *a)
{
	memset(buf, 0xf1, sizeof(buf));
	x86_asm_init(a, buf, NULL, sizeof(buf), PC0);
}

static void each_register(const struct form *f, struct x86_mem m)
{
	struct x86_asm a;

	for (unsigned r = 0; r < 16; r++) {
		for (unsigned store = 0; store < 2; store++) {
			begin(&a);
			if (store)
				f->store(&a, m, (enum x86_xmm)r);
			else
				f->load(&a, (enum x86_xmm)r, m);
			decode(&a, ZYDIS_MNEMONIC_VMOVUPS);
			assert_int_equal(insn.encoding, f->encoding);
			assert_int_equal(insn.avx.vector_length, f->bits);
			assert_int_equal(insn.avx.mask.mode == ZYDIS_MASK_MODE_MERGING ||
						 insn.avx.mask.mode == ZYDIS_MASK_MODE_ZEROING,
					 0);
			assert_int_equal(ops[store ? insn.operand_count_visible - 1u : 0].reg.value,
					 (ZydisRegister)(f->first + r));
			same_mem(&ops[store ? 0 : insn.operand_count_visible - 1u], m, f->bits,
				 f->unit);
		}
	}
}

static void save(struct x86_mem m)
{
	struct x86_asm a;

	begin(&a);
	x86_fxsave(&a, m);
	decode(&a, ZYDIS_MNEMONIC_FXSAVE64);
	same_mem(&ops[0], m, 8 * 512, 1);
}

static void four_bytes(struct x86_mem m)
{
	struct x86_asm a;

	for (unsigned r = 0; r < 16; r++) {
		begin(&a);
		x86_movd_store(&a, m, (enum x86_xmm)r);
		decode(&a, ZYDIS_MNEMONIC_MOVD);
		assert_int_equal(ops[1].reg.value, (ZydisRegister)(ZYDIS_REGISTER_XMM0 + r));
		same_mem(&ops[0], m, 32, 1);
	}
}

static void each_form(struct x86_mem m)
{
	for (unsigned i = 0; i < ARRAY_LEN(forms); i++)
		each_register(&forms[i], m);
	four_bytes(m);
	save(m);
}

static void test_every_address(void **state)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	for (enum x86_gpr base = RAX; base <= R15; base++) {
		for (unsigned d = 0; d < ARRAY_LEN(disps); d++) {
			each_form(X86_MEM(base, disps[d]));
			for (enum x86_gpr index = RAX; index <= R15; index++) {
				uint8_t scale = (uint8_t)(1u << (index + d) % 4);

				if (index != RSP)
					each_form(X86_MEM_IX(base, index, scale, disps[d]));
			}
		}
	}
	assert_true(checked >= 16ul * 16 * 15 * 65);
}

static void test_no_encoding(void **state)
{
	static const struct x86_mem bad[] = { { RAX, RSP, 1, 0 },
					      { RAX, RCX, 3, 0 },
					      { X86_NO_REG, X86_NO_REG, 1, 0 } };
	struct x86_asm a;

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		begin(&a);
		x86_ymm_load(&a, XMM0, bad[i]);
		assert_int_equal(x86_asm_finish(&a), -EINVAL);
		begin(&a);
		x86_zmm_store(&a, bad[i], XMM15);
		assert_int_equal(x86_asm_finish(&a), -EINVAL);
	}
	begin(&a);
	x86_ymm_store(&a, X86_MEM(RAX, 0), (enum x86_xmm)16);
	assert_int_equal(x86_asm_finish(&a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_address),
		cmocka_unit_test(test_no_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
