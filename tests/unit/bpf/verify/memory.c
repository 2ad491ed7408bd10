/*
 * memory.c - pointers and what they lead to: stack, spills, values of maps, constants, ring records, NULL.
 */
#include "cases.h"

void verify_pointers(void **state)
{
	static const struct verify_case c[] = {
		GIVES(7, "mov r2, r10\nadd r2, -8\nstdw [r2+0], 7\nldxdw r0, [r10-8]\n" RET),
		GIVES(7, "mov r2, -16\nadd r2, r10\nstdw [r2+8], 7\nldxdw r0, [r10-8]\n" RET),
		GIVES(8, "mov r2, r10\nmov r3, r10\nadd r3, -8\nsub r2, r3\nmov r0, r2\n" RET),
		GIVES(20, "value r2, 5, 40\nsub r2, 20\nldxb r0, [r2+0]\n" RET),
		GIVES(45,
		      "value r2, 5, 40\nldxdw r3, [r1+8]\nand r3, 15\nadd r2, r3\nldxb r0, [r2+0]\n" RET),
		GIVES(1, "mov r0, 0\nmov r2, r10\nmov r3, r10\njne r2, r3, +1\nmov r0, 1\n" RET),
		REFUSED("32-bit pointer arithmetic prohibited", "mov r2, r10\nadd32 r2, -8\n" OK),
		REFUSED("pointer += pointer prohibited",
			"value r2, 5, 0\nvalue r3, 5, 8\nadd r2, r3\n" OK),
		REFUSED("tried to subtract pointer from scalar",
			"mov r2, 5\nvalue r3, 5, 8\nsub r2, r3\n" OK),
		REFUSED("operator &= on pointer", "value r2, 5, 0\nand r2, 7\n" OK),
		REFUSED("with *= operator", "value r2, 5, 0\nmul r2, 7\n" OK),
		REFUSED("with >>= operator", "mov r2, r1\nrsh r2, 3\n" OK),
		REFUSED("pointer arithmetic on map_ptr prohibited", "map r2, 1\nadd r2, 8\n" OK),
		REFUSED("makes map_value pointer be out of bounds",
			"value r2, 5, 0\nadd r2, 0x7fffffff\n" OK),
		REFUSED("makes ctx pointer be out of bounds", "add r1, -536870912\n" OK),
		REFUSED("value_size=64 off=-1",
			"value r2, 5, 0\nadd r2, -1\nldxb r0, [r2+0]\n" RET),
		REFUSED("value_size=64 off=64",
			"value r2, 5, 32\nadd r2, 32\nldxb r0, [r2+0]\n" RET),
		REFUSED("R2 invalid mem access 'scalar'",
			"mov r2, r10\nneg r2\nstdw [r2+0], 0\n" OK),
		REFUSED("R2 invalid mem access 'scalar'",
			"value r2, 5, 0\nbswap64 r2\nldxb r0, [r2+0]\n" RET),
		REFUSED("math between map_value pointer and register",
			"value r2, 5, 0\nvalue r3, 5, 8\nsub r3, r2\nadd r3, r2\n"
			"sub r2, r2\nldxb r0, [r2+0]\n" RET),
	};

	VERIFY_CASES(c);
}

void verify_stack(void **state)
{
	static const struct verify_case c[] = {
		GIVES(0x0807060504030201,
		      "stb [r10-8], 1\nstb [r10-7], 2\nstb [r10-6], 3\nstb [r10-5], 4\nstb [r10-4], 5\n"
		      "stb [r10-3], 6\nstb [r10-2], 7\nstb [r10-1], 8\nldxdw r0, [r10-8]\n" RET),
		GIVES(0x0201, "stb [r10-8], 1\nstb [r10-7], 2\nldxh r0, [r10-8]\n" RET),
		GIVES(3, "stdw [r10-512], 3\nldxdw r0, [r10-512]\n" RET),
		GIVES(3, "stdw [r10-16], 3\nmov r2, r10\nldxdw r0, [r2-16]\n" RET),
		GIVES(12,
		      "stdw [r10-8], 5\nmov r2, 7\nlock add [r10-8], r2\nldxdw r0, [r10-8]\n" RET),
		GIVES(5,
		      "stdw [r10-8], 5\nmov r2, 7\nlock fetch_add [r10-8], r2\nmov r0, r2\n" RET),
		GIVES(5, "stdw [r10-8], 5\nmov r2, 7\nlock xchg [r10-8], r2\nmov r0, r2\n" RET),
		GIVES(9,
		      "stdw [r10-8], 5\nmov r0, 5\nmov r2, 9\nlock cmpxchg [r10-8], r2\nldxdw r0, [r10-8]\n" RET),
		GIVES(5, "stdw [r10-8], 5\nmov r0, 4\nmov r2, 9\nlock cmpxchg [r10-8], r2\n" RET),
		GIVES(7, "stdw [r10-8], 0\nmov r3, 7\nreldw [r10-8], r3\nacqdw r0, [r10-8]\n" RET),
		REFUSED("invalid write to stack R2 off=0", "mov r2, r10\nstb [r2+0], 1\n" OK),
		REFUSED("invalid read from stack R2 off=8", "mov r2, r10\nldxb r0, [r2+8]\n" RET),
		REFUSED("invalid write to stack R2 off=-513",
			"mov r2, r10\nadd r2, -512\nstb [r2-1], 1\n" OK),
		REFUSED("misaligned stack access off 0+0+-9 size 2", "sth [r10-9], 1\n" OK),
		REFUSED("misaligned stack access off 0+0+-10 size 4", "stw [r10-10], 1\n" OK),
		REFUSED("access outside the stack: 8 bytes at r10-4", "ldxdw r0, [r10-4]\n" RET),
		REFUSED("invalid variable-offset write to stack R3",
			"ldxdw r2, [r1+8]\nand r2, 8\nmov r3, r10\nadd r3, -8\nadd r3, r2\nstdw [r3+0], 1\n" OK),
		REFUSED("misaligned stack access",
			"ldxdw r2, [r1+8]\nand r2, 3\nmov r3, r10\nadd r3, -16\nadd r3, r2\n"
			"stw [r3+0], 1\n" OK),
	};

	VERIFY_CASES(c);
}

void verify_spills(void **state)
{
	static const struct verify_case c[] = {
		GIVES(5, "stxdw [r10-8], r1\nldxdw r2, [r10-8]\nldxdw r0, [r2+8]\n" RET),
		GIVES(16,
		      "value r2, 5, 16\nstxdw [r10-8], r2\nldxdw r3, [r10-8]\nldxb r0, [r3+0]\n" RET),
		GIVES(5,
		      "ldxdw r6, [r1+8]\nand r6, 63\nstxdw [r10-8], r6\nldxdw r7, [r10-8]\n" TOUCH(
			      "r7") "mov r0, r2\n" RET),
		GIVES(5,
		      "ldxdw r6, [r1+8]\nstxdw [r10-8], r6\njgt r6, 63, e\nldxdw r7, [r10-8]\n" TOUCH(
			      "r7") "mov r0, r2\n" RET END),
		GIVES(5,
		      "ldxdw r6, [r1+8]\nstxdw [r10-8], r6\nldxdw r7, [r10-8]\njgt r7, 63, e\n" TOUCH(
			      "r6") "mov r0, r2\n" RET END),
		GIVES(5,
		      "ldxw r6, [r1+8]\nstxw [r10-8], r6\nldxw r7, [r10-8]\njgt r7, 63, e\n" TOUCH(
			      "r7") "mov r0, r2\n" RET END),
		GIVES(5, "ldxdw r6, [r1+8]\nand r6, 63\nstxb [r10-8], r6\nldxb r7, [r10-8]\n" TOUCH(
				 "r7") "mov r0, r2\n" RET),
		GIVES(0xfffd, "ldxdw r6, [r1+16]\nstxdw [r10-8], r6\nldxh r0, [r10-8]\n" RET),
		GIVES(-3, "ldxdw r6, [r1+16]\nstxdw [r10-8], r6\nldxsh r0, [r10-8]\n" RET),
		GIVES(0x12345678, "ldxdw r6, [r1+24]\nstxdw [r10-8], r6\nldxw r0, [r10-4]\n" RET),
		REFUSED("R2 invalid mem access 'scalar'",
			"stxdw [r10-8], r1\nstb [r10-4], 0\nldxdw r2, [r10-8]\nldxdw r0, [r2+0]\n" RET),
		REFUSED("R2 invalid mem access 'scalar'",
			"stxdw [r10-8], r1\nldxw r2, [r10-8]\nldxdw r0, [r2+0]\n" RET),
		REFUSED("invalid size of register spill", "stxw [r10-8], r1\n" OK),
		REFUSED("invalid size of register spill", "value r2, 5, 0\nstxh [r10-8], r2\n" OK),
		REFUSED("R2 invalid mem access 'scalar'",
			"stxdw [r10-8], r1\nmov r3, 0\nlock add [r10-8], r3\nldxdw r2, [r10-8]\n"
			"ldxdw r0, [r2+0]\n" RET),
		REFUSED("R1 max value is outside",
			"ldxdw r6, [r1+8]\nand r6, 255\nstxb [r10-8], r6\nldxb r7, [r10-8]\n" TOUCH(
				"r7") OK),
		REFUSED("R1 min value is outside",
			"ldxdw r6, [r1+8]\nand r6, 255\nstxb [r10-8], r6\nldxsb r7, [r10-8]\njsgt r7, 63, e\n" TOUCH(
				"r7") END),
		REFUSED("value_size=64 off=64 size=1",
			"stdw [r10-8], 64\nldxb r7, [r10-8]\n" TOUCH("r7") OK),
	};

	VERIFY_CASES(c);
}

void verify_values(void **state)
{
	static const struct verify_case c[] = {
		GIVES(0x0706050403020100, LOOKUP("1") "ldxdw r0, [r0+0]\n" RET END),
		GIVES(63, LOOKUP("1") "ldxb r0, [r0+63]\n" RET END),
		GIVES(0x0f, LOOKUP("2") "ldxb r0, [r0+15]\n" RET END),
		GIVES(9, LOOKUP("6") "stdw [r0+0], 9\nldxdw r0, [r0+0]\n" RET END),
		GIVES(5, "ldxdw r6, [r1+8]\n" LOOKUP(
				 "1") "jgt r6, 63, e\nadd r0, r6\nldxb r0, [r0+0]\n" RET END),
		GIVES(33, "value r2, 5, 32\nmov r3, 1\nlock add [r2+0], r3\nldxb r0, [r2+0]\n" RET),
		GIVES(0x04030201, "value r2, 5, 1\nldxw r0, [r2+0]\n" RET),
		/* one load through what is ours or the target's */
		GIVES(3,
		      "stdw [r10-8], 3\nldxdw r3, [r1+8]\nldxdw r2, [r1+0]\njne r3, 5, +2\nmov r2, r10\nadd r2, -8\n"
		      "ldxdw r0, [r2+0]\n" RET),
		GIVES(0x200000008000,
		      "stdw [r10-8], 3\nldxdw r3, [r1+8]\nldxdw r2, [r1+0]\njeq r3, 5, +2\nmov r2, r10\n"
		      "add r2, -8\nldxdw r0, [r2+0]\n" RET),
		REFUSED("R2 invalid mem access 'scalar'",
			"ldxdw r3, [r1+8]\nldxdw r2, [r1+0]\njeq r3, 5, +2\nmov r2, r10\n"
			"add r2, -8\nstdw [r2+0], 1\n" OK),
		REFUSED("value_size=64 off=61 size=4", LOOKUP("1") "ldxw r0, [r0+61]\n" RET END),
		REFUSED("value_size=16 off=16 size=1", LOOKUP("2") "stb [r0+16], 1\n" END),
		REFUSED("value_size=16 off=-8 size=8", LOOKUP("2") "ldxdw r0, [r0-8]\n" RET END),
		REFUSED("value_size=8 off=1 size=8", LOOKUP("6") "ldxdw r0, [r0+1]\n" RET END),
		REFUSED("misaligned value access",
			LOOKUP("1") "mov r1, 1\nlock add [r0+1], r1\n" END),
		REFUSED("misaligned value access", LOOKUP("1") "acqw r1, [r0+2]\n" END),
		REFUSED("read from map forbidden",
			"map r1, 10\nstdw [r10-8], 0\nmov r2, r10\nadd r2, -8\ncall 1\njeq r0, 0, e\n"
			"ldxb r1, [r0+0]\n" END),
		REFUSED("R2 invalid mem access 'map_ptr'", "map r2, 1\nldxb r0, [r2+0]\n" RET),
		REFUSED("offset 64 outside map", "value r2, 5, 64\n" OK),
		REFUSED("R1 invalid mem access 'scalar'",
			LOOKUP("1") "stxdw [r0+8], r10\nldxdw r1, [r0+8]\nldxdw r0, [r1-8]\n" RET
				END),
	};

	VERIFY_CASES(c);
}

void verify_constants(void **state)
{
	static const struct verify_case c[] = {
		GIVES(7, "value r2, 4, 0\nldxb r0, [r2+7]\njeq r0, 7, e\n" OUTSIDE "e: exit\n"),
		GIVES(0x0504,
		      "value r2, 4, 4\nldxh r0, [r2+0]\njeq r0, 0x504, e\n" OUTSIDE "e: exit\n"),
		GIVES('t',
		      "value r2, 4, 32\nldxsb r0, [r2+0]\njeq r0, 116, e\n" OUTSIDE "e: exit\n"),
		GIVES(40, "value r2, 4, 0\nldxb r3, [r2+40]\n" TOUCH("r3") "mov r0, r2\n" RET),
		GIVES(5,
		      "ldxdw r6, [r1+8]\nand r6, 31\nvalue r2, 4, 0\nadd r2, r6\nldxb r0, [r2+0]\n" RET),
		REFUSED("R1 max value is outside",
			"ldxdw r6, [r1+8]\nand r6, 31\nvalue r2, 4, 0\nadd r2, r6\nldxb r7, [r2+0]\n" TOUCH(
				"r7") OK),
		REFUSED("value_size=64 off=64",
			"value r2, 5, 7\nldxb r0, [r2+0]\njeq r0, 7, e\n" OUTSIDE "e: exit\n"),
		REFUSED("write into map forbidden", "value r2, 4, 0\nstb [r2+0], 1\n" OK),
		REFUSED("write into map forbidden",
			"value r2, 4, 0\nmov r3, 1\nlock xchg [r2+0], r3\n" OK),
		REFUSED("write into map forbidden",
			"map r1, 4\nstdw [r10-8], 0\nmov r2, r10\nadd r2, -8\nvalue r3, 5, 0\nmov r4, 0\ncall 2\n" OK),
	};

	VERIFY_CASES(c);
}

void verify_records(void **state)
{
	static const struct verify_case c[] = {
		GIVES(9,
		      RESERVE "stdw [r6+0], 9\nldxdw r8, [r6+0]\n" DISCARD "mov r0, r8\n" RET END),
		GIVES(0, "mov r7, 0\n" RESERVE "mov r7, r6\n" RESERVE SUBMIT
			 "mov r1, r7\nmov r2, 0\ncall 132\n" OK "e: jeq r7, 0, d\n"
			 "mov r1, r7\nmov r2, 0\ncall 133\nd: " OK),
		REFUSED("mem_size=16 off=12 size=8", RESERVE "stdw [r6+12], 0\n" SUBMIT END),
		REFUSED("mem_size=16 off=-8 size=8", RESERVE "stdw [r6-8], 0\n" SUBMIT END),
		REFUSED("Unreleased reference", RESERVE OK END),
		REFUSED("Unreleased reference",
			"ldxdw r7, [r1+8]\n" RESERVE "jeq r7, 5, e\n" SUBMIT END),
		REFUSED("Unreleased reference", RESERVE "mov r6, 0\n" END),
		REFUSED("invalid mem access 'ringbuf_mem_or_null'",
			"map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nstdw [r0+0], 1\n" OK),
		REFUSED("expected=ringbuf_mem", RESERVE SUBMIT DISCARD END),
		REFUSED("R6 invalid mem access 'scalar'", RESERVE DISCARD "ldxdw r0, [r6+0]\n" END),
		REFUSED("R7 invalid mem access 'scalar'",
			RESERVE "mov r7, r6\nadd r7, 8\n" SUBMIT "ldxdw r0, [r7+0]\n" END),
		REFUSED("atomic", RESERVE "mov r7, 1\nlock add [r6+12], r7\n" SUBMIT END),
	};

	VERIFY_CASES(c);
}

#define MAYBE "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\n"

void verify_null(void **state)
{
	static const struct verify_case c[] = {
		GIVES(1, MAYBE "mov r6, r0\nmov r0, 0\njeq r6, 0, e\nldxb r0, [r6+1]\ne: exit\n"),
		GIVES(1, MAYBE
		      "mov r6, r0\nmov r0, 0\njne r6, 0, a\nexit\na: ldxb r0, [r6+1]\nexit\n"),
		GIVES(1, MAYBE "mov r6, r0\nmov r7, r0\njeq r7, 0, e\nldxb r0, [r6+1]\nexit\n" END),
		GIVES(1, MAYBE
		      "stxdw [r10-16], r0\njeq r0, 0, e\nldxdw r6, [r10-16]\nldxb r0, [r6+1]\nexit\n" END),
		GIVES(1, MAYBE
		      "mov r6, r0\njeq r0, 0, e\njeq r6, 0, a\nldxb r0, [r6+1]\nexit\na: ldxb r0, [r9+0]\n" END),
		REFUSED("R0 invalid mem access 'map_value_or_null'", MAYBE "ldxb r0, [r0+0]\n" RET),
		REFUSED("R0 invalid mem access 'scalar'",
			MAYBE "jne r0, 0, e\nldxb r0, [r0+0]\n" END),
		REFUSED("null-check it first", MAYBE "add r0, 1\n" OK),
		REFUSED("R6 invalid mem access 'map_value_or_null'",
			MAYBE "mov r6, r0\n" MAYBE "jeq r0, 0, e\nldxb r0, [r6+0]\n" RET END),
		REFUSED("R0 invalid mem access 'map_value_or_null'",
			MAYBE "jeq32 r0, 0, e\nldxb r0, [r0+0]\n" RET END),
		REFUSED("R0 invalid mem access 'map_value_or_null'",
			MAYBE "jgt r0, 0, +1\nja e\nldxb r0, [r0+0]\n" RET END),
		REFUSED("R0 invalid mem access 'map_value_or_null'",
			MAYBE "jeq r0, 8, e\nldxb r0, [r0+0]\n" RET END),
		REFUSED("expected=fp", MAYBE "mov r2, r0\nmap r1, 2\ncall 1\n" OK),
	};

	VERIFY_CASES(c);
}
