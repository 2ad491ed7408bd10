/*
 * Every shape of the assembler x every register x every class of displacement, scale and width: Zydis
 * must read back what was asked for, consume exactly the bytes that were written, and displacements
 * must have their shortest form.
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

#define PC0   0x555555550000ull
#define STATE 0x5a

struct want_op {
	char kind; /* 'r'egister, 'm'emory, 'i'mmediate */
	ZydisRegister reg;
	unsigned bits; /* of memory and of the immediate; 0: not checked */
	struct x86_mem mem;
	int64_t imm;
};

struct want {
	ZydisMnemonic mn;
	bool lock;
	unsigned n;
	struct want_op op[3];
};

static uint8_t buf[32], frame[32];
static struct x86_asm a;
static ZydisDecoder decoder;
static ZydisDecodedInstruction insn;
static ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
static unsigned long checked;
static const int32_t disps[] = { 0, 1, 127, 128, -128, -129, 0x12345678, INT32_MIN };
static const int32_t imms[] = { 0, 1, -1, 127, 128, -128, -129, 0x7fff, 0x12345678, INT32_MIN };
static const enum x86_shift shifts[] = { X86_ROL, X86_ROR, X86_SHL, X86_SHR, X86_SAR };
static const ZydisMnemonic shift_mn[] = { ZYDIS_MNEMONIC_ROL, ZYDIS_MNEMONIC_ROR,
					  ZYDIS_MNEMONIC_SHL, ZYDIS_MNEMONIC_SHR,
					  ZYDIS_MNEMONIC_SAR };
static const ZydisMnemonic alu_mn[] = { ZYDIS_MNEMONIC_ADD, ZYDIS_MNEMONIC_OR,  ZYDIS_MNEMONIC_ADC,
					ZYDIS_MNEMONIC_SBB, ZYDIS_MNEMONIC_AND, ZYDIS_MNEMONIC_SUB,
					ZYDIS_MNEMONIC_XOR, ZYDIS_MNEMONIC_CMP };
static const ZydisMnemonic set_mn[] = {
	ZYDIS_MNEMONIC_SETO, ZYDIS_MNEMONIC_SETNO, ZYDIS_MNEMONIC_SETB,  ZYDIS_MNEMONIC_SETNB,
	ZYDIS_MNEMONIC_SETZ, ZYDIS_MNEMONIC_SETNZ, ZYDIS_MNEMONIC_SETBE, ZYDIS_MNEMONIC_SETNBE,
	ZYDIS_MNEMONIC_SETS, ZYDIS_MNEMONIC_SETNS, ZYDIS_MNEMONIC_SETP,  ZYDIS_MNEMONIC_SETNP,
	ZYDIS_MNEMONIC_SETL, ZYDIS_MNEMONIC_SETNL, ZYDIS_MNEMONIC_SETLE, ZYDIS_MNEMONIC_SETNLE,
};
static const ZydisMnemonic cmov_mn[] = {
	ZYDIS_MNEMONIC_CMOVO, ZYDIS_MNEMONIC_CMOVNO, ZYDIS_MNEMONIC_CMOVB,  ZYDIS_MNEMONIC_CMOVNB,
	ZYDIS_MNEMONIC_CMOVZ, ZYDIS_MNEMONIC_CMOVNZ, ZYDIS_MNEMONIC_CMOVBE, ZYDIS_MNEMONIC_CMOVNBE,
	ZYDIS_MNEMONIC_CMOVS, ZYDIS_MNEMONIC_CMOVNS, ZYDIS_MNEMONIC_CMOVP,  ZYDIS_MNEMONIC_CMOVNP,
	ZYDIS_MNEMONIC_CMOVL, ZYDIS_MNEMONIC_CMOVNL, ZYDIS_MNEMONIC_CMOVLE, ZYDIS_MNEMONIC_CMOVNLE,
};
static const ZydisMnemonic jcc_mn[] = {
	ZYDIS_MNEMONIC_JO, ZYDIS_MNEMONIC_JNO, ZYDIS_MNEMONIC_JB,  ZYDIS_MNEMONIC_JNB,
	ZYDIS_MNEMONIC_JZ, ZYDIS_MNEMONIC_JNZ, ZYDIS_MNEMONIC_JBE, ZYDIS_MNEMONIC_JNBE,
	ZYDIS_MNEMONIC_JS, ZYDIS_MNEMONIC_JNS, ZYDIS_MNEMONIC_JP,  ZYDIS_MNEMONIC_JNP,
	ZYDIS_MNEMONIC_JL, ZYDIS_MNEMONIC_JNL, ZYDIS_MNEMONIC_JLE, ZYDIS_MNEMONIC_JNLE,
};

static ZydisRegister zreg(enum x86_width w, unsigned r)
{
	switch (w) {
	case X86_B: /* Zydis puts ah, ch, dh, bh between bl and spl */
		return (ZydisRegister)(ZYDIS_REGISTER_AL + r + (r >= 4 ? 4 : 0));
	case X86_W:
		return (ZydisRegister)(ZYDIS_REGISTER_AX + r);
	case X86_D:
		return (ZydisRegister)(ZYDIS_REGISTER_EAX + r);
	default:
		return (ZydisRegister)(ZYDIS_REGISTER_RAX + r);
	}
}

static ZydisRegister xreg(unsigned r)
{
	return (ZydisRegister)(ZYDIS_REGISTER_XMM0 + r);
}

static int setup(void **state)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return 0;
}

static void begin(void)
{
	memset(buf, 0xf1, sizeof(buf));
	memset(frame, 0xf1, sizeof(frame));
	x86_asm_init(&a, buf, frame, sizeof(buf), PC0);
	x86_frame(&a, STATE);
}

static bool same_mem(const ZydisDecodedOperand *op, struct x86_mem m)
{
	bool index = m.index != X86_NO_REG, rbp = (m.base & 7) == RBP;
	unsigned disp_bits = m.disp == 0 && !rbp ? 0 : m.disp == (int8_t)m.disp ? 8 : 32;

	return op->mem.base == zreg(X86_Q, m.base) &&
	       op->mem.index == (index ? zreg(X86_Q, m.index) : ZYDIS_REGISTER_NONE) &&
	       op->mem.scale == (index ? m.scale : 0) && op->mem.disp.value == m.disp &&
	       insn.raw.disp.size == disp_bits;
}

static bool same_op(const ZydisDecodedOperand *op, const struct want_op *w)
{
	uint64_t mask = w->bits && w->bits < 64 ? (1ull << w->bits) - 1 : ~0ull;

	switch (w->kind) {
	case 'r':
		return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value == w->reg;
	case 'm':
		return op->type == ZYDIS_OPERAND_TYPE_MEMORY && same_mem(op, w->mem) &&
		       (!w->bits || op->size == w->bits);
	default:
		return op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
		       !((op->imm.value.u ^ (uint64_t)w->imm) & mask);
	}
}

static void mismatch(const char *what, int len)
{
	char hex[3 * sizeof(buf) + 1] = "";

	for (int i = 0; i < len && i < (int)sizeof(buf); i++)
		snprintf(hex + 3 * i, 4, "%02x ", buf[i]);
	fail_msg("%s: %s(decoded: %s)", what, hex, ZydisMnemonicGetString(insn.mnemonic));
}

/* The one instruction that was written, which should be mn: its length. */
static int decoded(ZydisMnemonic mn)
{
	int len = x86_asm_finish(&a);

	checked++;
	if (len <= 0 || len > 15)
		mismatch("error or too long", 0);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, buf, (ZyanUSize)len, &insn, ops)))
		mismatch("undecodable", len);
	if (insn.length != len || insn.mnemonic != mn)
		mismatch("length or mnemonic", len);
	return len;
}

static void check(const struct want *w)
{
	int len = decoded(w->mn);

	if (w->lock != !!(insn.attributes & ZYDIS_ATTRIB_HAS_LOCK))
		mismatch("lock prefix", len);
	if (insn.operand_count_visible != w->n)
		mismatch("number of operands", len);
	for (unsigned i = 0; i < w->n; i++)
		if (!same_op(&ops[i], &w->op[i]))
			mismatch(i ? "second or third operand" : "first operand", len);
	for (int i = 0; i < len; i++)
		if (frame[i] != STATE)
			mismatch("frame state", len);
	if (buf[len] != 0xf1 || frame[len] != 0xf1)
		mismatch("wrote behind its end", len);
}

#define BITS(w) (8u << (w))
#define R(w, r) \
	{ \
		.kind = 'r', .reg = zreg((w), (r)) \
	}
#define X(r) \
	{ \
		.kind = 'r', .reg = xreg(r) \
	}
#define M(b, m) \
	{ \
		.kind = 'm', .bits = (b), .mem = (m) \
	}
#define I(b, v) \
	{ \
		.kind = 'i', .bits = (b), .imm = (v) \
	}
#define WANT0(mn_)         check(&(struct want){ .mn = (mn_) })
#define WANT1(mn_, o1)     check(&(struct want){ .mn = (mn_), .n = 1, .op = { o1 } })
#define WANT2(mn_, o1, o2) check(&(struct want){ .mn = (mn_), .n = 2, .op = { o1, o2 } })
#define LOCKED2(mn_, o1, o2) \
	check(&(struct want){ .mn = (mn_), .lock = true, .n = 2, .op = { o1, o2 } })
#define WANT3(mn_, o1, o2, o3) check(&(struct want){ .mn = (mn_), .n = 3, .op = { o1, o2, o3 } })

#define MN(name) ZYDIS_MNEMONIC_##name

#define EACH_GPR(r)         for (enum x86_gpr r = RAX; r <= R15; r++)
#define EACH_WIDTH(w, from) for (enum x86_width w = (from); w <= X86_Q; w++)
#define EACH_OF(i, array)   for (unsigned i = 0; i < ARRAY_LEN(array); i++)

/* Calls fn for addresses: all 7808 of them, or every base with a few indexes. */
static void each_mem(bool all, void (*fn)(struct x86_mem m))
{
	EACH_GPR(base)
	EACH_OF(d, disps)
	{
		fn(X86_MEM(base, disps[d]));
		EACH_GPR(index)
		for (uint8_t scale = 1; scale <= 8; scale = (uint8_t)(scale * 2)) {
			bool few = (index == RAX || index == RBP || index == R12 || index == R13) &&
				   (scale == 1 || scale == 8);

			if (index != RSP && (all || few))
				fn(X86_MEM_IX(base, index, scale, disps[d]));
		}
	}
}

static void mem_all(struct x86_mem m)
{
	EACH_GPR(r)
	{
		begin();
		x86_load(&a, X86_Q, r, m);
		WANT2(MN(MOV), R(X86_Q, r), M(64, m));
		begin();
		x86_store(&a, X86_B, m, r);
		WANT2(MN(MOV), M(8, m), R(X86_B, r));
		begin();
		x86_store(&a, X86_W, m, r);
		WANT2(MN(MOV), M(16, m), R(X86_W, r));
		begin();
		x86_lea(&a, r, m);
		WANT2(MN(LEA), R(X86_Q, r), M(0, m));
	}
}

static void test_every_address(void **state)
{
	each_mem(true, mem_all);
	assert_true(checked >= 7808ul * 16 * 4);
}

static void mem_moves(struct x86_mem m)
{
	static const ZydisMnemonic load[] = { MN(MOVZX), MN(MOVZX), MN(MOV), MN(MOV) };
	static const ZydisMnemonic load_sx[] = { MN(MOVSX), MN(MOVSX), MN(MOVSXD), MN(MOV) };
	EACH_GPR(r)
	{
		EACH_WIDTH(w, X86_B)
		{
			begin();
			x86_load(&a, w, r, m);
			WANT2(load[w], R(w == X86_Q ? X86_Q : X86_D, r), M(BITS(w), m));
			begin();
			x86_load_sx(&a, w, r, m);
			WANT2(load_sx[w], R(X86_Q, r), M(BITS(w), m));
			begin();
			x86_store(&a, w, m, r);
			WANT2(MN(MOV), M(BITS(w), m), R(w, r));
		}
		begin();
		x86_movups_load(&a, (enum x86_xmm)r, m);
		WANT2(MN(MOVUPS), X(r), M(128, m));
		begin();
		x86_movups_store(&a, m, (enum x86_xmm)r);
		WANT2(MN(MOVUPS), M(128, m), X(r));
		begin();
		x86_movq_load(&a, (enum x86_xmm)r, m);
		WANT2(MN(MOVQ), X(r), M(64, m));
		begin();
		x86_movq_store(&a, m, (enum x86_xmm)r);
		WANT2(MN(MOVQ), M(64, m), X(r));
	}
}

static void mem_atomics(struct x86_mem m)
{
	EACH_GPR(r)
	EACH_WIDTH(w, X86_B)
	{
		begin();
		x86_lock_xadd(&a, w, m, r);
		LOCKED2(MN(XADD), M(BITS(w), m), R(w, r));
		begin();
		x86_lock_cmpxchg(&a, w, m, r);
		LOCKED2(MN(CMPXCHG), M(BITS(w), m), R(w, r));
		for (enum x86_alu op = X86_ADD; op < X86_CMP; op++) {
			begin();
			x86_lock_alu_mr(&a, op, w, m, r);
			LOCKED2(alu_mn[op], M(BITS(w), m), R(w, r));
		}
		begin();
		x86_xchg_mr(&a, w, m, r);
		WANT2(MN(XCHG), M(BITS(w), m), R(w, r));
	}
}

static void mem_alu(struct x86_mem m)
{
	EACH_GPR(r)
	EACH_WIDTH(w, X86_B)
	EACH_OF(op, alu_mn)
	{
		begin();
		x86_alu_rm(&a, (enum x86_alu)op, w, r, m);
		WANT2(alu_mn[op], R(w, r), M(BITS(w), m));
		begin();
		x86_alu_mr(&a, (enum x86_alu)op, w, m, r);
		WANT2(alu_mn[op], M(BITS(w), m), R(w, r));
	}
}

/* Shapes with one memory operand and no register. */
static void mem_alone(struct x86_mem m)
{
	EACH_WIDTH(w, X86_B)
	{
		begin();
		x86_inc_m(&a, w, m);
		WANT1(MN(INC), M(BITS(w), m));
		begin();
		x86_dec_m(&a, w, m);
		WANT1(MN(DEC), M(BITS(w), m));
		begin();
		x86_lock_inc_m(&a, w, m);
		check(&(struct want){
			.mn = MN(INC), .lock = true, .n = 1, .op = { M(BITS(w), m) } });
		EACH_OF(i, imms)
		{
			begin();
			x86_store_i(&a, w, m, imms[i]);
			WANT2(MN(MOV), M(BITS(w), m), I(BITS(w), imms[i]));
			EACH_OF(op, alu_mn)
			{
				begin();
				x86_alu_mi(&a, (enum x86_alu)op, w, m, imms[i]);
				WANT2(alu_mn[op], M(BITS(w), m), I(BITS(w), imms[i]));
			}
		}
	}
	begin();
	x86_push_m(&a, m);
	WANT1(MN(PUSH), M(64, m));
	begin();
	x86_fstp_t(&a, m);
	WANT1(MN(FSTP), M(80, m));
	begin();
	x86_fld_t(&a, m);
	WANT1(MN(FLD), M(80, m));
}

static void test_mem_moves(void **state)
{
	each_mem(true, mem_moves);
}

static void test_mem_atomics(void **state)
{
	each_mem(false, mem_atomics);
}

static void test_mem_alu(void **state)
{
	each_mem(false, mem_alu);
}

static void test_mem_alone(void **state)
{
	each_mem(false, mem_alone);
}

static void regs_moves(enum x86_gpr d, enum x86_gpr s)
{
	if (d != s) {
		begin();
		x86_mov_rr(&a, d, s);
		WANT2(MN(MOV), R(X86_Q, d), R(X86_Q, s));
	}
	begin();
	x86_mov_rr32(&a, d, s);
	WANT2(MN(MOV), R(X86_D, d), R(X86_D, s));
	for (enum x86_width w = X86_B; w <= X86_W; w++) {
		begin();
		x86_movzx_rr(&a, w, d, s);
		WANT2(MN(MOVZX), R(X86_D, d), R(w, s));
		begin();
		x86_movsx_rr(&a, w, false, d, s);
		WANT2(MN(MOVSX), R(X86_D, d), R(w, s));
		begin();
		x86_movsx_rr(&a, w, true, d, s);
		WANT2(MN(MOVSX), R(X86_Q, d), R(w, s));
	}
	begin();
	x86_movzx_rr(&a, X86_D, d, s);
	WANT2(MN(MOV), R(X86_D, d), R(X86_D, s));
	begin();
	x86_lsl(&a, d, s);
	WANT2(MN(LSL), R(X86_D, d), R(X86_D, s));
	begin();
	x86_movsx_rr(&a, X86_D, true, d, s);
	WANT2(MN(MOVSXD), R(X86_Q, d), R(X86_D, s));
	begin();
	x86_movsx_rr(&a, X86_D, false, d, s);
	WANT2(MN(MOV), R(X86_D, d), R(X86_D, s));
}

static void regs_width(enum x86_width w, enum x86_gpr d, enum x86_gpr s)
{
	EACH_OF(op, alu_mn)
	{
		begin();
		x86_alu_rr(&a, (enum x86_alu)op, w, d, s);
		WANT2(alu_mn[op], R(w, d), R(w, s));
	}
	begin();
	x86_xchg_rr(&a, w, d, s);
	WANT2(MN(XCHG), R(w, d), R(w, s));
	begin();
	x86_test_rr(&a, w, d, s);
	WANT2(MN(TEST), R(w, d), R(w, s));
	if (w == X86_B)
		return;
	begin();
	x86_imul_rr(&a, w, d, s);
	WANT2(MN(IMUL), R(w, d), R(w, s));
	EACH_OF(i, imms)
	{
		begin();
		x86_imul_rri(&a, w, d, s, imms[i]);
		WANT3(MN(IMUL), R(w, d), R(w, s), I(BITS(w), imms[i]));
	}
	EACH_OF(cc, cmov_mn)
	{
		begin();
		x86_cmov(&a, (enum x86_cc)cc, w, d, s);
		WANT2(cmov_mn[cc], R(w, d), R(w, s));
	}
}

static void test_two_registers(void **state)
{
	EACH_GPR(d)
	EACH_GPR(s)
	{
		regs_moves(d, s);
		EACH_WIDTH(w, X86_B)
		regs_width(w, d, s);
	}
}

static void one_shift(enum x86_width w, enum x86_gpr r)
{
	EACH_OF(i, shifts)
	{
		begin();
		x86_shift_cl(&a, shifts[i], w, r);
		WANT2(shift_mn[i], R(w, r), R(X86_B, RCX));
		for (unsigned bits = 0; bits < 64; bits += 7) {
			begin();
			x86_shift_ri(&a, shifts[i], w, r, (uint8_t)bits);
			WANT2(shift_mn[i], R(w, r), I(8, bits));
		}
	}
}

static void one_width(enum x86_width w, enum x86_gpr r)
{
	EACH_OF(i, imms)
	{
		EACH_OF(op, alu_mn)
		{
			begin();
			x86_alu_ri(&a, (enum x86_alu)op, w, r, imms[i]);
			WANT2(alu_mn[op], R(w, r), I(BITS(w), imms[i]));
		}
		begin();
		x86_test_ri(&a, w, r, imms[i]);
		WANT2(MN(TEST), R(w, r), I(BITS(w), imms[i]));
	}
	begin();
	x86_neg(&a, w, r);
	WANT1(MN(NEG), R(w, r));
	begin();
	x86_not(&a, w, r);
	WANT1(MN(NOT), R(w, r));
	begin();
	x86_div(&a, w, r);
	WANT1(MN(DIV), R(w, r));
	begin();
	x86_idiv(&a, w, r);
	WANT1(MN(IDIV), R(w, r));
	if (w >= X86_D) {
		begin();
		x86_bswap(&a, w, r);
		WANT1(MN(BSWAP), R(w, r));
	}
}

static void one_reg(enum x86_gpr r)
{
	begin();
	x86_push(&a, r);
	WANT1(MN(PUSH), R(X86_Q, r));
	begin();
	x86_pop(&a, r);
	WANT1(MN(POP), R(X86_Q, r));
	begin();
	x86_jmp_r(&a, r);
	WANT1(MN(JMP), R(X86_Q, r));
	begin();
	x86_call_r(&a, r);
	WANT1(MN(CALL), R(X86_Q, r));
	begin();
	x86_ror16(&a, r, 8);
	WANT2(MN(ROR), R(X86_W, r), I(8, 8));
	EACH_OF(cc, set_mn)
	{
		begin();
		x86_setcc(&a, (enum x86_cc)cc, r);
		WANT1(set_mn[cc], R(X86_B, r));
	}
}

static void test_one_register(void **state)
{
	EACH_GPR(r)
	{
		one_reg(r);
		EACH_WIDTH(w, X86_B)
		{
			one_width(w, r);
			one_shift(w, r);
		}
	}
}

/* The shortest of three forms, and the register's 64 bits are the immediate. */
static void test_mov_immediate(void **state)
{
	static const uint64_t v[] = { 0,          1,     0x7fffffff,    0x80000000,    UINT32_MAX,
				      1ull << 32, -1ull, -0x80000000ll, -0x80000001ll, INT64_MIN,
				      INT64_MAX };
	EACH_GPR(r)
	EACH_OF(i, v)
	{
		bool d = v[i] <= UINT32_MAX, simm32 = (int64_t)v[i] == (int32_t)v[i];

		begin();
		x86_mov_ri(&a, r, v[i]);
		assert_int_equal(a.len, d ? 5 + (r > RDI) : simm32 ? 7 : 10);
		WANT2(MN(MOV), R(d ? X86_D : X86_Q, r), I(d ? 32 : 64, (int64_t)v[i]));
		begin();
		x86_mov_ri64(&a, r, v[i]);
		assert_int_equal(a.len, 10);
		WANT2(MN(MOV), R(X86_Q, r), I(64, (int64_t)v[i]));
	}
}

/* The address of a [rip + disp32] operand or of a branch. */
static uint64_t absolute(const ZydisDecodedOperand *op)
{
	ZyanU64 at = 0;

	if (!ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&insn, op, PC0, &at)))
		fail_msg("no absolute address");
	return at;
}

/* Decode what was emitted and hold operand nr to be at pc. */
static void check_pc(ZydisMnemonic mn, unsigned nr, uint64_t pc)
{
	int len = decoded(mn);

	if (absolute(&ops[nr]) != pc)
		mismatch("target", len);
}

/* mn of register r, w wide, and fs:[disp], which is operand mem. */
static void want_fs(ZydisMnemonic mn, enum x86_width w, enum x86_gpr r, int32_t disp, int mem)
{
	int len = decoded(mn);

	if (ops[!mem].reg.value != zreg(w, r) || ops[mem].mem.segment != ZYDIS_REGISTER_FS ||
	    ops[mem].mem.base != ZYDIS_REGISTER_NONE || ops[mem].mem.index != ZYDIS_REGISTER_NONE ||
	    ops[mem].size != 8u << w || ops[mem].mem.disp.value != disp)
		mismatch("fs operand", len);
}

static void test_fs_operand(void **state)
{
	EACH_GPR(r)
	EACH_OF(i, disps)
	{
		begin();
		x86_load_fs(&a, r, disps[i]);
		want_fs(MN(MOV), X86_Q, r, disps[i], 1);
		begin();
		x86_load_fs32(&a, r, disps[i]);
		want_fs(MN(MOV), X86_D, r, disps[i], 1);
		begin();
		x86_store_fs32(&a, disps[i], r);
		want_fs(MN(MOV), X86_D, r, disps[i], 0);
		begin();
		x86_cmp_fs(&a, r, disps[i]);
		want_fs(MN(CMP), X86_Q, r, disps[i], 1);
	}
}

static const int64_t dists[] = { 0, 1, -1, 127, -128, INT32_MAX, INT32_MIN };

static void test_pc_operands(void **state)
{
	EACH_OF(i, dists)
	{
		uint64_t pc;

		EACH_GPR(r)
		{
			begin();
			pc = PC0 + 7 + (uint64_t)dists[i];
			x86_lea_pc(&a, r, pc);
			check_pc(MN(LEA), 1, pc);
			assert_int_equal(ops[0].reg.value, zreg(X86_Q, r));
		}
		EACH_OF(cc, jcc_mn)
		{
			begin();
			pc = PC0 + 6 + (uint64_t)dists[i];
			x86_jcc_pc(&a, (enum x86_cc)cc, pc);
			check_pc(jcc_mn[cc], 0, pc);
		}
		begin();
		x86_jmp_m_pc(&a, pc);
		check_pc(MN(JMP), 0, pc);
		begin();
		x86_call_m_pc(&a, pc);
		check_pc(MN(CALL), 0, pc);
		begin();
		pc = PC0 + 5 + (uint64_t)dists[i];
		x86_jmp_pc(&a, pc);
		check_pc(MN(JMP), 0, pc);
		begin();
		x86_call_pc(&a, pc);
		check_pc(MN(CALL), 0, pc);
	}
	for (int d = -128; d <= 127; d++) {
		begin();
		x86_jmp_short_pc(&a, PC0 + 2 + (uint64_t)d);
		assert_int_equal(a.len, 2);
		check_pc(MN(JMP), 0, PC0 + 2 + (uint64_t)d);
	}
}

/* A label that is bound before or behind the branch. */
static void test_label_operands(void **state)
{
	for (int ahead = 0; ahead < 2; ahead++)
		for (unsigned shape = 0; shape < 20; shape++) {
			ZydisMnemonic mn = shape == 16 || shape == 19 ? MN(JMP) :
					   shape == 17                ? MN(CALL) :
					   shape == 18                ? MN(LEA) :
									jcc_mn[shape];
			x86_label l;

			begin();
			l = x86_label_new(&a);
			if (!ahead)
				x86_bind(&a, l);
			if (shape == 16)
				x86_jmp(&a, l);
			else if (shape == 17)
				x86_call(&a, l);
			else if (shape == 18)
				x86_lea_label(&a, R13, l);
			else if (shape == 19)
				x86_jmp_m(&a, l);
			else
				x86_jcc(&a, (enum x86_cc)shape, l);
			if (ahead)
				x86_bind(&a, l);
			check_pc(mn, shape == 18, ahead ? PC0 + a.len : PC0);
		}
}

#define PLAIN(fn, mn) \
	do { \
		begin(); \
		fn(&a); \
		WANT0(mn); \
	} while (0)

static void test_no_operand(void **state)
{
	PLAIN(x86_ret, MN(RET));
	PLAIN(x86_leave, MN(LEAVE));
	PLAIN(x86_lahf, MN(LAHF));
	PLAIN(x86_sahf, MN(SAHF));
	PLAIN(x86_int3, MN(INT3));
	PLAIN(x86_ud2, MN(UD2));
	PLAIN(x86_mfence, MN(MFENCE));
	begin();
	x86_nop5(&a);
	assert_int_equal(a.len, 5);
	assert_memory_equal(buf, "\x0f\x1f\x44\x00\x00", 5); /* Zydis shows a stray operand */
	begin();
	x86_cdq(&a, X86_D);
	WANT0(MN(CDQ));
	begin();
	x86_cdq(&a, X86_Q);
	WANT0(MN(CQO));
	EACH_OF(i, imms)
	{
		begin();
		x86_push_i(&a, imms[i]);
		assert_int_equal(a.len, imms[i] == (int8_t)imms[i] ? 2 : 5);
		WANT1(MN(PUSH), I(64, imms[i]));
	}
}

static void test_call_far(void **state)
{
	EACH_GPR(r)
	{
		begin();
		x86_call_far(&a, 0x123456789abcull, r);
		assert_int_equal(x86_asm_finish(&a), r > RDI ? 13 : 12);
		ZydisDecoderDecodeFull(&decoder, buf, 10, &insn, ops);
		assert_int_equal(insn.mnemonic, MN(MOV));
		assert_int_equal(ops[0].reg.value, zreg(X86_Q, r));
		assert_int_equal(ops[1].imm.value.u, 0x123456789abcull);
		ZydisDecoderDecodeFull(&decoder, buf + 10, 3, &insn, ops);
		assert_int_equal(insn.mnemonic, MN(CALL));
		assert_int_equal(ops[0].reg.value, zreg(X86_Q, r));
	}
}

static void test_call_to(void **state)
{
	static const int64_t rel[] = { 0, 1, -1, INT32_MAX, INT32_MIN };

	EACH_OF(i, rel)
	{
		begin();
		x86_call_to(&a, PC0 + 5 + (uint64_t)rel[i], R11);
		check_pc(MN(CALL), 0, PC0 + 5 + (uint64_t)rel[i]);
	}
	for (int i = 0; i < 2; i++) {
		begin();
		x86_call_to(&a, PC0 + 5 + (uint64_t)(i ? INT32_MIN - 1ll : INT32_MAX + 1ll), R11);
		assert_true(a.len > 5 && !a.err);
		assert_memory_equal(buf + a.len - 3, "\x41\xff\xd3", 3); /* call r11 */
	}
}

/* Up to eight bytes are one instruction; what is there is passed without effect. */
static void test_nop_to(void **state)
{
	for (uint32_t align = 1; align <= 16; align *= 2) {
		for (uint32_t at = 0; at < 16; at++) {
			uint32_t want = (uint32_t)(-(PC0 + at) % align), seen = 0, count = 0;

			begin();
			for (uint32_t i = 0; i < at; i++)
				x86_int3(&a);
			x86_nop_to(&a, align);
			assert_int_equal(a.len, at + want);
			for (uint32_t i = at; i < a.len; i += insn.length, count++) {
				ZydisDecoderDecodeFull(&decoder, buf + i, a.len - i, &insn, ops);
				assert_int_equal(insn.mnemonic, MN(NOP));
				seen += insn.length;
			}
			assert_int_equal(seen, want);
			assert_int_equal(count, (want + 7) / 8);
		}
	}
	begin();
	x86_nop_to(&a, 12);
	assert_int_equal(x86_asm_finish(&a), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_address),  cmocka_unit_test(test_mem_moves),
		cmocka_unit_test(test_mem_atomics),    cmocka_unit_test(test_mem_alu),
		cmocka_unit_test(test_mem_alone),      cmocka_unit_test(test_two_registers),
		cmocka_unit_test(test_one_register),   cmocka_unit_test(test_mov_immediate),
		cmocka_unit_test(test_fs_operand),     cmocka_unit_test(test_pc_operands),
		cmocka_unit_test(test_label_operands), cmocka_unit_test(test_no_operand),
		cmocka_unit_test(test_call_far),       cmocka_unit_test(test_call_to),
		cmocka_unit_test(test_nop_to),
	};
	int failed = cmocka_run_group_tests_name("x86/asm_table", tests, setup, NULL);

	print_message("# %lu encodings\n", checked);
	return failed;
}
