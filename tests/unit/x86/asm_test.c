/*
 * The assembler's labels, branches, errors and frame states.  Encodings of single
 * instructions: asm_table_test.c.
 */
#include "x86/asm.h"
#include "x86/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PC0 0x7f1234560000ull

static uint8_t buf[256], frame[256];
static struct x86_asm a;

static int begin(void **state)
{
	memset(buf, 0xf1, sizeof(buf));
	memset(frame, 0xf1, sizeof(frame));
	x86_asm_init(&a, buf, frame, sizeof(buf), PC0);
	return 0;
}

static int end(void **state)
{
	x86_asm_finish(&a);
	return 0;
}

static void test_bytes_and_frames(void **state)
{
	x86_push(&a, RBP);
	x86_frame(&a, FRAME_CFA_RBP(1));
	x86_mov_rr(&a, RBP, RSP);
	x86_frame(&a, FRAME_RBP | FRAME_RBX);
	x86_ret(&a);
	assert_int_equal(x86_asm_finish(&a), 5);
	assert_memory_equal(buf, "\x55\x48\x89\xe5\xc3\xf1", 6);
	assert_memory_equal(frame, "\x00\x41\x41\x41\x81\xf1", 6);
}

static void test_labels(void **state)
{
	x86_label back = x86_label_new(&a), ahead = x86_label_new(&a);

	x86_bind(&a, back);
	x86_jcc(&a, X86_NE, ahead); /* 0: 0f 85 -> 16 */
	x86_jmp(&a, back);          /* 6: e9 -> 0 */
	x86_call(&a, ahead);        /* 11: e8 -> 16 */
	x86_bind(&a, ahead);
	x86_ret(&a);
	assert_int_equal(x86_asm_finish(&a), 17);
	assert_memory_equal(buf,
			    "\x0f\x85\x0a\0\0\0"
			    "\xe9\xf5\xff\xff\xff"
			    "\xe8\0\0\0\0"
			    "\xc3",
			    17);
}

/* More labels and fixups than any table starts with; the last one is right too. */
static void test_many_labels(void **state)
{
	static uint8_t big[64 * 1024];
	x86_label first = 0, last = 0;
	uint32_t rel;
	int len;

	x86_asm_init(&a, big, NULL, sizeof(big), PC0);
	for (int i = 0; i < 5000; i++) {
		last = x86_label_new(&a);
		if (!i)
			first = last;
		x86_jmp(&a, last);
		x86_jmp(&a, first);
		if (i < 4999)
			x86_bind(&a, last);
	}
	x86_bind(&a, last);
	len = x86_asm_finish(&a);
	assert_int_equal(len, 50000);
	memcpy(&rel, big + 49991, 4);
	assert_int_equal(rel, 5);
	memcpy(&rel, big + 49996, 4);
	assert_int_equal((int32_t)rel, 5 + 5 - 50000); /* first is bound behind two jumps */
}

static void test_label_errors(void **state)
{
	x86_label l = x86_label_new(&a);

	x86_label_new(&a); /* neither used nor bound: fine */
	x86_bind(&a, l);
	assert_int_equal(x86_asm_finish(&a), 0);

	begin(state);
	l = x86_label_new(&a);
	x86_bind(&a, l);
	x86_bind(&a, l);
	assert_int_equal(x86_asm_finish(&a), -EINVAL);

	begin(state);
	x86_jmp(&a, x86_label_new(&a)); /* used, never bound */
	assert_int_equal(x86_asm_finish(&a), -EINVAL);

	begin(state);
	x86_jmp(&a, 7); /* never made */
	assert_int_equal(x86_asm_finish(&a), -EINVAL);

	begin(state);
	x86_bind(&a, 0);
	assert_int_equal(x86_asm_finish(&a), -EINVAL);
	assert_int_equal(x86_asm_finish(&a), -EINVAL); /* twice is harmless */
}

#define REFUSED(emit) \
	do { \
		begin(state); \
		emit; \
		assert_int_equal(a.err, -EINVAL); \
		x86_asm_finish(&a); \
	} while (0)

static void test_no_such_operand(void **state)
{
	struct x86_mem m = X86_MEM(RAX, 0);

	REFUSED(x86_load(&a, X86_Q, RAX, X86_MEM_IX(RAX, RSP, 1, 0)));
	REFUSED(x86_load(&a, X86_Q, RAX, X86_MEM_IX(RAX, RCX, 3, 0)));
	REFUSED(x86_load(&a, X86_Q, RAX, X86_MEM_IX(RAX, RCX, 0, 0)));
	REFUSED(x86_load(&a, X86_Q, RAX, X86_MEM_IX(RAX, RCX, 16, 0)));
	REFUSED(x86_load(&a, X86_Q, RAX, X86_MEM(X86_NO_REG, 0)));
	REFUSED(x86_load(&a, X86_Q, X86_NO_REG, m));
	REFUSED(x86_load(&a, (enum x86_width)4, RAX, m));
	REFUSED(x86_store(&a, (enum x86_width)4, m, RAX));
	REFUSED(x86_push(&a, X86_NO_REG));
	REFUSED(x86_movzx_rr(&a, X86_Q, RAX, RCX));
	REFUSED(x86_movsx_rr(&a, X86_Q, true, RAX, RCX));
	REFUSED(x86_load_fs(&a, X86_NO_REG, 0));
	REFUSED(x86_store_fs32(&a, 0, X86_NO_REG));
	REFUSED(x86_cmp_fs(&a, X86_NO_REG, 0));
}

static void test_no_such_form(void **state)
{
	struct x86_mem m = X86_MEM(RAX, 0);

	REFUSED(x86_alu_rr(&a, (enum x86_alu)8, X86_Q, RAX, RCX));
	REFUSED(x86_alu_ri(&a, (enum x86_alu)8, X86_Q, RAX, 1));
	REFUSED(x86_alu_mi(&a, (enum x86_alu)8, X86_Q, m, 1));
	REFUSED(x86_lock_alu_mr(&a, X86_CMP, X86_Q, m, RAX));
	REFUSED(x86_shift_ri(&a, (enum x86_shift)6, X86_Q, RAX, 1));
	REFUSED(x86_imul_rr(&a, X86_B, RAX, RCX));
	REFUSED(x86_imul_rri(&a, X86_B, RAX, RCX, 1));
	REFUSED(x86_bswap(&a, X86_W, RAX));
	REFUSED(x86_cdq(&a, X86_W));
	REFUSED(x86_cmov(&a, X86_E, X86_B, RAX, RCX));
	REFUSED(x86_cmov(&a, (enum x86_cc)16, X86_Q, RAX, RCX));
	REFUSED(x86_setcc(&a, (enum x86_cc)16, RAX));
	REFUSED(x86_jcc_pc(&a, (enum x86_cc)16, PC0));
	REFUSED(x86_jcc(&a, (enum x86_cc)16, x86_label_new(&a)));
	REFUSED(x86_int3_to(&a, 0));
}

static void test_first_error_stays(void **state)
{
	uint32_t len;

	x86_ret(&a);
	x86_jmp_pc(&a, PC0 + (3ull << 30));
	assert_int_equal(a.err, -ERANGE);
	len = a.len;
	x86_load(&a, X86_Q, RAX, X86_MEM_IX(RAX, RSP, 1, 0));
	x86_fail(&a, -ENOTSUP);
	x86_ret(&a);
	x86_bind(&a, x86_label_new(&a));
	x86_int3_to(&a, 64);
	assert_int_equal(a.len, len);
	assert_int_equal(x86_asm_finish(&a), -ERANGE);

	begin(state);
	x86_fail(&a, -ENOTSUP);
	assert_int_equal(x86_asm_finish(&a), -ENOTSUP);
}

static void test_full_buffer(void **state)
{
	for (size_t cap = 0; cap <= 10; cap++) {
		memset(buf, 0xf1, sizeof(buf));
		memset(frame, 0xf1, sizeof(frame));
		x86_asm_init(&a, buf, frame, cap, PC0);
		x86_mov_ri64(&a, RAX, 1);
		assert_int_equal(x86_asm_finish(&a), cap < 10 ? -ENOSPC : 10);
		assert_int_equal(buf[cap], 0xf1);
		assert_int_equal(frame[cap], 0xf1);
	}
	x86_asm_init(&a, buf, NULL, 8, PC0); /* frame states are optional */
	x86_bytes(&a, "12345678", 8);
	x86_bytes(&a, "", 0);
	assert_int_equal(x86_asm_finish(&a), 8);
	x86_asm_init(&a, buf, NULL, 8, PC0);
	x86_bytes(&a, "123456789", 9);
	assert_int_equal(x86_asm_finish(&a), -ENOSPC);
}

/* The last distance that has an encoding, and the first that has none. */
static void test_reach(void **state)
{
	const struct {
		int64_t dist;
		int err;
	} far[] = { { INT32_MAX, 0 },
		    { INT32_MAX + 1ll, -ERANGE },
		    { INT32_MIN, 0 },
		    { INT32_MIN - 1ll, -ERANGE } };

	for (unsigned i = 0; i < 4; i++) {
		uint64_t d = (uint64_t)far[i].dist;

#define TRY(insn) \
	do { \
		begin(state); \
		insn; \
		assert_int_equal(a.err, far[i].err); \
		x86_asm_finish(&a); \
	} while (0)
		TRY(x86_jmp_pc(&a, PC0 + 5 + d));
		TRY(x86_call_pc(&a, PC0 + 5 + d));
		TRY(x86_jcc_pc(&a, X86_E, PC0 + 6 + d));
		TRY(x86_jmp_m_pc(&a, PC0 + 6 + d));
		TRY(x86_call_m_pc(&a, PC0 + 6 + d));
		TRY(x86_lea_pc(&a, R9, PC0 + 7 + d));
	}
	begin(state);
	x86_jmp_short_pc(&a, PC0 + 2 + 128);
	assert_int_equal(x86_asm_finish(&a), -ERANGE);
	begin(state);
	x86_jmp_short_pc(&a, PC0 + 2 - 129);
	assert_int_equal(x86_asm_finish(&a), -ERANGE);
}

static void test_padding(void **state)
{
	x86_asm_init(&a, buf, frame, sizeof(buf), PC0 + 5); /* the address counts, not the offset */
	x86_frame(&a, FRAME_CFA(2));
	x86_int3_to(&a, 8);
	assert_int_equal(a.len, 3);
	assert_int_equal(x86_pc(&a), PC0 + 8);
	x86_int3_to(&a, 8);
	x86_int3_to(&a, 1);
	assert_int_equal(x86_asm_finish(&a), 3);
	assert_memory_equal(buf, "\xcc\xcc\xcc\xf1", 4);
	assert_memory_equal(frame, "\x02\x02\x02\xf1", 4);
}

/* Immediates are cut to the operand: a byte store of 0x1ff stores 0xff. */
static void test_immediate_is_cut(void **state)
{
	x86_store_i(&a, X86_B, X86_MEM(RCX, 0), 0x1ff);
	x86_alu_ri(&a, X86_ADD, X86_W, RCX, 0xffff); /* -1 as 16 bits: the imm8 form */
	assert_int_equal(x86_asm_finish(&a), 7);
	assert_memory_equal(buf, "\xc6\x01\xff\x66\x83\xc1\xff", 7);
}

static void test_self_move_is_nothing(void **state)
{
	x86_mov_rr(&a, R9, R9);
	assert_int_equal(a.len, 0);
	x86_mov_rr32(&a, R9, R9);
	assert_int_equal(x86_asm_finish(&a), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
		T(test_bytes_and_frames),  T(test_labels),           T(test_many_labels),
		T(test_label_errors),      T(test_no_such_operand),  T(test_no_such_form),
		T(test_first_error_stays), T(test_full_buffer),      T(test_reach),
		T(test_padding),           T(test_immediate_is_cut), T(test_self_move_is_nothing),
	};

	return cmocka_run_group_tests_name("x86/asm", tests, NULL, NULL);
}
