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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes_and_frames, begin, end),
	};

	return cmocka_run_group_tests_name("x86/asm", tests, NULL, NULL);
}
