/*
 * verify_mem_test.c - verify.h: the stack, values of maps, constants, memory that helpers are given,
 * ring records.
 */
#include "verify_case.h"

#include "bpf/helper.h"
#include "bpf/proto.h"

#include <stdio.h>

#define OK "mov r0, 0\nexit\n"

static const struct verify_case stack_cases[] = {
	{ "stdw [r10-16], 0\nstdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -16\n"
	  "add r3, r2\nldxw r0, [r3+0]\n" OK,
	  "misaligned stack access off (0x0; 0x7)+-16+0 size 4" },
	{ "stdw [r10-16], 0\nstdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 4\nmov r3, r10\nadd r3, -16\n"
	  "add r3, r2\nmov r4, 1\nlock add [r3+0], r4\n" OK,
	  "misaligned stack access off (0x0; 0x4)+-16+0 size 8" },
	{ "stdw [r10-8], 1\nldxdw r0, [r10-8]\nldxw r0, [r10-8]\nldxw r0, [r10-4]\n" OK, NULL },
	{ "stdw [r10-512], 1\nldxdw r0, [r10-512]\n" OK, NULL },
	{ "mov r2, r10\nstdw [r2-520], 1\n" OK, "invalid write to stack R2 off=-520 size=8" },
	{ "mov r2, r10\nstdw [r2+0], 1\n" OK, "invalid write to stack R2 off=0 size=8" },
	{ "mov r2, r10\nstdw [r2-4], 1\n" OK, "invalid write to stack R2 off=-4 size=8" },
	{ "stdw [r10-8], 1\n" OK, NULL },
	{ "stdw [r10-520], 1\n" OK, "access outside the stack: 8 bytes at r10-520" },
	{ "mov r2, r10\nldxdw r0, [r2+8]\n" OK, "invalid read from stack R2 off=8 size=8" },
	{ "mov r2, r10\nldxb r0, [r2-513]\n" OK, "invalid read from stack R2 off=-513 size=1" },
	/* what was never set is any number, as in the kernel since 6.3 */
	{ "ldxdw r0, [r10-8]\n" OK, NULL },
	{ "ldxdw r0, [r10-8]\nexit\n", "has unknown scalar value" },
	{ "ldxb r0, [r10-8]\nexit\n", "smin=0 smax=255" },
	{ "ldxsb r0, [r10-8]\nexit\n", "smin=-128 smax=127" },
	{ "ldxdw r1, [r10-8]\nldxdw r0, [r1+0]\n" OK, "R1 invalid mem access 'scalar'" },
	{ "stdw [r10-8], 0\nldxdw r0, [r10-512]\nexit\n", "has unknown scalar value" },
	{ "stw [r10-8], 1\nldxdw r0, [r10-8]\n" OK, NULL },
	{ "stw [r10-8], 0\nldxdw r0, [r10-8]\nexit\n", "has unknown scalar value" },
	{ "stw [r10-8], 1\nstw [r10-4], 1\nldxdw r0, [r10-8]\n" OK, NULL },
	{ "stb [r10-7], 0\nldxb r0, [r10-8]\nexit\n", "smin=0 smax=255" },
	{ "stdw [r10-12], 1\n" OK, "misaligned stack access off 0+0+-12 size 8" },
	{ "sth [r10-3], 1\n" OK, "misaligned stack access off 0+0+-3 size 2" },
	{ "stdw [r10-16], 1\nstdw [r10-8], 1\nldxw r0, [r10-9]\n" OK, "misaligned stack access" },
	/* spills */
	{ "stxdw [r10-8], r1\nldxdw r2, [r10-8]\nldxdw r0, [r2+0]\n" OK, NULL },
	{ "stxdw [r10-8], r1\nldxw r2, [r10-8]\nldxdw r0, [r2+0]\n" OK, "R2 invalid mem access" },
	{ "stxdw [r10-8], r10\nldxdw r2, [r10-8]\nstdw [r2-16], 0\n" OK, NULL },
	{ "stxw [r10-8], r10\n" OK, "invalid size of register spill" },
	{ "stxb [r10-8], r1\n" OK, "invalid size of register spill" },
	{ "stxdw [r10-8], r1\nstb [r10-8], 0\nldxdw r2, [r10-8]\nldxdw r0, [r2+0]\n" OK,
	  "R2 invalid mem access 'scalar'" },
	{ "stxdw [r10-8], r1\nstb [r10-1], 0\nldxdw r2, [r10-8]\nldxdw r0, [r2+0]\n" OK,
	  "R2 invalid mem access 'scalar'" },
	{ "stxdw [r10-8], r1\nmov r3, 1\nlock add [r10-8], r3\nldxdw r2, [r10-8]\n"
	  "ldxdw r0, [r2+0]\n" OK,
	  "R2 invalid mem access 'scalar'" },
	{ "stxdw [r10-8], r1\nmov r3, 1\nlock xchg [r10-8], r3\nldxdw r0, [r3+0]\n" OK,
	  "R3 invalid mem access 'scalar'" },
	{ "stdw [r10-8], 0\nldxdw r0, [r10-8]\nexit\n", NULL },
	{ "stw [r10-8], 0\nldxb r0, [r10-5]\nexit\n", NULL },
	{ "stw [r10-4], 0\nldxh r0, [r10-2]\nexit\n", NULL },
	{ "stdw [r10-8], 1\nldxdw r0, [r10-8]\nexit\n", "smin=1 smax=1" },
	{ "stdw [r10-8], 0\nstb [r10-8], 1\nldxb r0, [r10-7]\nexit\n", NULL },
	{ "stdw [r10-8], 0\nstb [r10-8], 1\nldxh r0, [r10-8]\nexit\n", "should have been in" },
	{ "lddw r2, 0x100000000\nstxdw [r10-8], r2\nldxw r0, [r10-8]\nexit\n", NULL },
	{ "lddw r2, 0x100000000\nstxdw [r10-8], r2\nldxw r0, [r10-4]\nexit\n", "should have been" },
	{ "mov r2, 128\nstxb [r10-8], r2\nldxsb r0, [r10-8]\nexit\n", "smin=-128 smax=-128" },
	/* a place that is one of several */
	{ "stdw [r10-16], 0\nstdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 8\nmov r3, r10\n"
	  "add r3, -16\nadd r3, r2\nldxdw r0, [r3+0]\n" OK,
	  NULL },
	{ "stdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 8\nmov r3, r10\nadd r3, -16\nadd r3, r2\n"
	  "ldxdw r0, [r3+0]\nexit\n",
	  "has unknown scalar value" },
	{ "ldxdw r2, [r1+0]\nand r2, 8\nmov r3, r10\nadd r3, -8\nadd r3, r2\nstdw [r3+0], 0\n" OK,
	  "invalid variable-offset write to stack R3 var_off=(0x0; 0x8) off=-8 size=8" },
	{ "ldxdw r2, [r1+0]\nand r2, 8\nmov r3, r10\nadd r3, -516\nadd r3, r2\nldxb r0, [r3+0]\n" OK,
	  "invalid variable-offset read from stack R3" },
	{ "ldxdw r2, [r1+0]\njslt r2, 0, e\nmov r3, r10\nadd r3, -16\nadd r3, r2\nldxb r0, [r3+0]\n"
	  "e: " OK,
	  "invalid unbounded variable-offset read from stack R3" },
	{ "ldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\nstb [r3+0], 0\n"
	  "ldxb r0, [r10-8]\nexit\n",
	  "smin=0 smax=255" },
	{ "stdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\n"
	  "stb [r3+0], 0\nldxb r0, [r10-8]\nexit\n",
	  NULL },
	{ "stdw [r10-8], 0\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\n"
	  "stb [r3+0], 1\nldxb r0, [r10-8]\nexit\n",
	  "should have been in [0, 0]" },
	/* CVE-2023-52462: a store that may hit a spilled pointer leaves none */
	{ "stxdw [r10-8], r1\nldxdw r2, [r1+0]\nand r2, 7\nmov r3, r10\nadd r3, -8\nadd r3, r2\n"
	  "stb [r3+0], 1\nldxdw r4, [r10-8]\nldxdw r0, [r4+0]\n" OK,
	  "R4 invalid mem access 'scalar'" },
	{ "stdw [r10-8], 0\nmov r3, 1\nlock fetch_add [r10-8], r3\nlock xchg32 [r10-8], r3\n" OK,
	  NULL },
	{ "mov r3, 1\nlock add [r10-8], r3\n" OK, NULL },
	{ "stdw [r10-8], 0\nacqb r0, [r10-8]\nmov r3, 7\nrelh [r10-8], r3\n" OK, NULL },
	{ "acqb r0, [r10-8]\nexit\n", "smin=0 smax=255" },
};

static void test_stack(void **state)
{
	VERIFY_CASES(stack_cases);
}

#define LOOKUP(fd_) \
	"stdw [r10-8], 0\nmap r1, " fd_ "\nmov r2, r10\nadd r2, -8\ncall 1\njeq r0, 0, e\n"
#define END "e: " OK

static const struct verify_case values_cases[] = {
	{ LOOKUP("2") "mov r1, 1\nlock add [r0+4], r1\n" END,
	  "misaligned value access off (0x0; 0x0)+0+4 size 8" },
	{ LOOKUP("2") "mov r1, 1\nlock add32 [r0+4], r1\nadd r0, 2\nlock add32 [r0+2], r1\n" END,
	  NULL },
	{ LOOKUP("2") "acqdw r1, [r0+1]\n" END, "misaligned value access" },
	{ LOOKUP("2") "mov r1, 1\nrelh [r0+3], r1\n" END, "misaligned value access" },
	{ "ldxdw r6, [r1+0]\nand r6, 4\n" LOOKUP(
		  "2") "add r0, r6\nmov r1, 1\nlock add [r0+0], r1\n" END,
	  "misaligned value access off (0x0; 0x4)+0+0 size 8" },
	{ LOOKUP("2") "ldxdw r1, [r0+1]\nstw [r0+3], 1\n" END, NULL },
	{ LOOKUP("1") "ldxdw r1, [r0+56]\nstdw [r0+56], 1\n" END, NULL },
	{ LOOKUP("1") "ldxdw r1, [r0+57]\n" END,
	  "invalid access to map value, value_size=64 off=57 size=8" },
	{ LOOKUP("1") "stdw [r0+64], 1\n" END,
	  "invalid access to map value, value_size=64 off=64 size=8" },
	{ LOOKUP("1") "ldxb r1, [r0-1]\n" END,
	  "invalid access to map value, value_size=64 off=-1 size=1" },
	{ LOOKUP("6") "stdw [r0+0], 1\n" END, NULL },
	{ LOOKUP("6") "stdw [r0+8], 1\n" END, "value_size=8 off=8 size=8" },
	{ LOOKUP("2") "mov r1, 1\nlock add [r0+8], r1\nlock fetch_add32 [r0+4], r1\n" END, NULL },
	{ LOOKUP("2") "mov r1, 1\nlock add [r0+16], r1\n" END, "value_size=16 off=16 size=8" },
	{ LOOKUP("2") "acqdw r1, [r0+8]\nreldw [r0+0], r1\n" END, NULL },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nldxdw r1, [r0+0]\n" OK,
	  "R0 invalid mem access 'map_value_or_null'" },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nstdw [r0+0], 1\n" OK,
	  "R0 invalid mem access 'map_value_or_null'" },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\njne r0, 0, +1\nstdw [r0+0], 1\n" OK,
	  "R0 invalid mem access 'scalar'" },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nadd r0, 8\n" OK,
	  "R0 pointer arithmetic on map_value_or_null prohibited, null-check it first" },
	{ "ldxdw r6, [r1+0]\nand r6, 7\nstdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\n"
	  "add r0, r6\n" OK,
	  "R0 pointer arithmetic on map_value_or_null prohibited" },
	/* copies are NULL together, others are not */
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nmov r6, r0\njeq r6, 0, e\n"
	  "stdw [r0+0], 1\n" END,
	  NULL },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nstxdw [r10-16], r0\n"
	  "jeq r0, 0, e\nldxdw r6, [r10-16]\nstdw [r6+0], 1\n" END,
	  NULL },
	{ "stdw [r10-8], 0\nmap r1, 1\nmov r2, r10\nadd r2, -8\ncall 1\nmov r6, r0\nmap r1, 1\n"
	  "mov r2, r10\nadd r2, -8\ncall 1\njeq r0, 0, e\nstdw [r6+0], 1\n" END,
	  "R6 invalid mem access 'map_value_or_null'" },
	{ LOOKUP("1") "jeq r0, 0, +1\nja +1\nmov r1, r9\n" END, NULL },
	/* an index */
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "and r6, 56\nadd r0, r6\nldxdw r1, [r0+0]\n" END, NULL },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "and r6, 63\nadd r0, r6\nldxdw r1, [r0+0]\n" END,
	  "value_size=64 off=63 size=8\nR0 max value is outside of the allowed memory range" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "and r6, 63\nadd r0, r6\nldxb r1, [r0+0]\n" END, NULL },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "and r6, 63\nsub r0, r6\nldxb r1, [r0+0]\n" END,
	  "off=-63 size=1\nR0 min value is outside of the allowed memory range" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "and r6, 63\nsub r0, r6\nldxb r1, [r0+63]\n" END, NULL },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "rsh r6, 1\nadd r0, r6\nldxb r1, [r0+0]\n" END,
	  "R0 unbounded memory access, make sure to bounds check any such access" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "add r0, r6\n" END,
	  "math between map_value pointer and register with unbounded min value" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "jsgt r6, 56, e\nadd r0, r6\nldxb r1, [r0+0]\n" END,
	  "unbounded min value" },
	{ "ldxsw r6, [r1+0]\n" LOOKUP("1") "jsgt r6, 56, e\nadd r0, r6\nldxb r1, [r0+0]\n" END,
	  "value -2147483648 makes map_value pointer be out of bounds" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP(
		  "1") "mov32 r6, r6\njgt r6, 56, e\nadd r0, r6\nldxdw r1, [r0+0]\n" END,
	  NULL },
	{ "ldxdw r6, [r1+0]\n" LOOKUP("1") "jgt32 r6, 56, e\nadd r0, r6\nldxdw r1, [r0+0]\n" END,
	  "" },
	{ "ldxdw r6, [r1+0]\n" LOOKUP(
		  "1") "jgt32 r6, 56, e\nmov32 r6, r6\nadd r0, r6\nldxdw r1, [r0+0]\n" END,
	  NULL },
	/* maps themselves */
	{ "map r2, 1\nldxdw r0, [r2+0]\n" OK, "R2 invalid mem access 'map_ptr'" },
	{ "map r2, 1\nstdw [r2+0], 0\n" OK, "R2 invalid mem access 'map_ptr'" },
	{ "func r2, f\nldxdw r0, [r2+0]\n" OK "f: " OK, "R2 invalid mem access 'func'" },
	/* pointers in values are numbers when they come back */
	{ LOOKUP("1") "stxdw [r0+0], r10\nldxdw r1, [r0+0]\nstdw [r1-8], 0\n" END,
	  "R1 invalid mem access 'scalar'" },
	{ "map r1, 10\nstw [r10-4], 0\nmov r2, r10\nadd r2, -4\ncall 1\njeq r0, 0, e\nldxdw r1, [r0+0]\n" END,
	  "read from map forbidden" },
	{ "map r1, 10\nstw [r10-4], 0\nmov r2, r10\nadd r2, -4\ncall 1\njeq r0, 0, e\nstdw [r0+0], 0\n" END,
	  NULL },
};

static void test_values(void **state)
{
	VERIFY_CASES(values_cases);
}

/* What cannot change is a number; a branch that it decides is not looked at. */
static const struct verify_case constants_cases[] = {
	{ "value r1, 4, 0\nldxb r0, [r1+0]\nexit\n", NULL },
	{ "value r1, 4, 0\nldxb r0, [r1+7]\nexit\n", "smin=7 smax=7" },
	{ "value r1, 4, 4\nldxh r0, [r1+0]\nexit\n", "smin=1284 smax=1284" },
	{ "value r1, 4, 4\nadd r1, 4\nldxb r0, [r1-7]\nexit\n", "smin=1 smax=1" },
	{ "value r1, 4, 0\nldxb r2, [r1+1]\njeq r2, 1, +1\nldxdw r0, [r9+0]\n" OK, NULL },
	{ "value r1, 4, 0\nldxb r2, [r1+1]\njne r2, 1, +1\nldxdw r0, [r9+0]\n" OK, "R9 !read_ok" },
	{ "value r1, 5, 0\nldxb r2, [r1+1]\njeq r2, 1, +1\nldxdw r0, [r9+0]\n" OK, "R9 !read_ok" },
	{ "value r1, 4, 0\nstb [r1+1], 0\n" OK,
	  "write into map forbidden, value_size=64 off=1 size=1" },
	{ "value r1, 4, 0\nmov r2, 1\nlock add [r1+0], r2\n" OK, "write into map forbidden" },
	{ "value r1, 4, 0\nldxdw r0, [r1+57]\n" OK, "value_size=64 off=57 size=8" },
	{ "value r1, 4, 63\nldxb r0, [r1+0]\n" OK, NULL },
	{ "value r1, 4, 64\nldxb r0, [r1+0]\n" OK, "offset 64 outside map" },
	{ "value r1, 1, 0\n" OK, "not global data" },
	{ "value r1, 5, 8\nstdw [r1+0], 1\nldxdw r0, [r1+48]\n" OK, NULL },
	{ "ldxdw r2, [r1+0]\nand r2, 31\nvalue r1, 4, 0\nadd r1, r2\nldxb r0, [r1+0]\nexit\n",
	  "smin=0 smax=255" },
};

static void test_constants(void **state)
{
	VERIFY_CASES(constants_cases);
}

/* map r1, key and value on the stack at r10-8 and r10-24 */
#define KEY   "mov r2, r10\nadd r2, -8\n"
#define VALUE "mov r3, r10\nadd r3, -24\n"

static const struct verify_case map_helpers_cases[] = {
	{ "map r1, 2\n" KEY "call 1\n" OK, NULL },
	{ "stw [r10-8], 0\nmap r1, 2\n" KEY "call 1\n" OK, NULL },
	{ "stw [r10-8], 0\nmap r1, 1\n" KEY "call 1\n" OK, NULL },
	{ "stdw [r10-8], 0\nmap r1, 2\nmov r2, r10\nadd r2, -4\ncall 1\n" OK,
	  " stack R2 off=-4 size=8" },
	{ "map r1, 2\nmov r2, 0\ncall 1\n" OK, "R2 type=scalar expected=fp" },
	{ "map r1, 2\nldxdw r2, [r1+0]\n" OK, "R1 invalid mem access 'map_ptr'" },
	{ "ldxdw r2, [r1+0]\nmap r1, 2\ncall 1\n" OK, "R2 type=scalar expected=fp" },
	{ "mov r2, r1\nmap r1, 2\ncall 1\n" OK, "R2 type=ctx expected=fp" },
	{ "mov r1, 0\n" KEY "call 1\n" OK, "R1 type=scalar expected=map_ptr" },
	{ "stdw [r10-8], 0\n" KEY "call 1\n" OK, "R1 type=ctx expected=map_ptr" },
	{ "map r1, 2\ncall 1\n" OK, "R2 !read_ok" },
	{ "map r1, 3\nstdw [r10-8], 0\n" KEY "call 1\n" OK,
	  "cannot pass map_type 27 into func bpf_map_lookup_elem#1" },
	{ "map r1, 7\nstdw [r10-8], 0\n" KEY "call 1\n" OK, "cannot pass map_type 4" },
	{ "map r1, 9\nstdw [r10-8], 0\n" KEY "call 1\n" OK, "cannot pass map_type 3" },
	{ "map r1, 8\nstdw [r10-8], 0\n" KEY "call 3\n" OK, "cannot pass map_type 7" },
	{ "stdw [r10-8], 0\nstdw [r10-24], 0\nstdw [r10-16], 0\nmap r1, 2\n" KEY VALUE
	  "mov r4, 0\ncall 2\n" OK,
	  NULL },
	{ "stdw [r10-8], 0\nstdw [r10-24], 0\nmap r1, 2\n" KEY VALUE "mov r4, 0\ncall 2\n" OK,
	  NULL },
	{ "stdw [r10-8], 0\nmap r1, 2\n" KEY "mov r3, r10\nadd r3, -8\nmov r4, 0\ncall 2\n" OK,
	  " stack R3 off=-8 size=16" },
	{ "stdw [r10-8], 0\nmap r1, 2\n" KEY "mov r3, 0\nmov r4, 0\ncall 2\n" OK,
	  "R3 type=scalar expected=fp" },
	{ "stdw [r10-8], 0\nstdw [r10-24], 0\nstdw [r10-16], 0\nmap r1, 2\n" KEY VALUE
	  "call 2\n" OK,
	  "R4 !read_ok" },
	{ "map r1, 4\nstdw [r10-8], 0\n" KEY "value r3, 5, 0\nmov r4, 0\ncall 2\n" OK,
	  "write into map forbidden" },
	{ LOOKUP("1") "mov r2, r0\nmap r1, 2\ncall 1\n" END, NULL },
	{ LOOKUP("1") "mov r2, r0\nadd r2, 57\nmap r1, 2\ncall 1\n" END,
	  "value_size=64 off=57 size=8" },
	{ "stdw [r10-8], 0\nmap r1, 1\n" KEY "call 1\nmov r2, r0\nmap r1, 2\ncall 1\n" OK,
	  "R2 type=map_value_or_null expected=fp" },
	{ "map r1, 6\nstw [r10-8], 0\n" KEY
	  "mov r3, 0\ncall 195\njeq r0, 0, e\nstdw [r0+0], 1\n" END,
	  NULL },
	{ "map r1, 1\nstw [r10-8], 0\n" KEY "mov r3, 0\ncall 195\n" OK, "cannot pass map_type 2" },
	{ "map r1, 6\nstw [r10-8], 0\n" KEY "mov r3, 0\ncall 195\nstdw [r0+0], 1\n" OK,
	  "R0 invalid mem access 'map_value_or_null'" },
};

static void test_map_helpers(void **state)
{
	VERIFY_CASES(map_helpers_cases);
}

/* bpf_probe_read_user(r10-16, r2, 0) */
#define READ(size_) "mov r1, r10\nadd r1, -16\n" size_ "mov r3, 0\ncall 112\n"

static const struct verify_case sizes_cases[] = {
	{ READ("mov r2, 16\n") "ldxdw r0, [r10-8]\n" OK, NULL },
	{ READ("mov r2, 17\n") OK, " stack R1 off=-16 size=17" },
	{ READ("mov r2, 0\n") OK, NULL },
	{ "stdw [r10-16], 0\n" READ("mov r2, 0\n") "ldxb r0, [r10-16]\nexit\n", NULL },
	{ "stdw [r10-8], 0\n" READ("mov r2, 8\n") "ldxb r0, [r10-8]\nexit\n", NULL },
	{ READ("mov r2, -1\n") OK,
	  "R2 min value is negative, either use unsigned or 'var &= const'" },

	{ "ldxdw r6, [r1+0]\n" READ("mov r2, r6\n") OK, "R2 min value is negative" },
	{ "ldxdw r6, [r1+0]\nmov32 r6, r6\n" READ("mov r2, r6\n") OK,
	  "R2 unbounded memory access, use 'var &= const' or 'if (var < const)'" },
	{ "ldxdw r6, [r1+0]\nand r6, 15\n" READ("mov r2, r6\n") OK, NULL },
	{ "ldxdw r6, [r1+0]\nand r6, 31\n" READ("mov r2, r6\n") OK, " stack R1 off=-16 size=31" },
	{ "ldxdw r6, [r1+0]\nand r6, 15\n" READ("mov r2, r6\n") "ldxb r0, [r10-16]\nexit\n",
	  "smin=0 smax=255" },
	{ "ldxdw r6, [r1+0]\nand r6, 15\nor r6, 4\n" READ("mov r2, r6\n") "ldxw r0, [r10-16]\n" OK,
	  NULL },
	{ "ldxdw r6, [r1+0]\nand r6, 15\nor r6, 4\n" READ(
		  "mov r2, r6\n") "ldxb r0, [r10-12]\nexit\n",
	  "smin=0 smax=255" },
	{ READ("mov r2, r10\n") OK, "R2 type=fp expected=scalar" },
	{ "mov r1, 0\nmov r2, 8\nmov r3, 0\ncall 112\n" OK, "R1 type=scalar expected=fp" },
	{ "mov r2, 8\nmov r3, 0\ncall 112\n" OK, "R1 type=ctx expected=fp" },
	{ "value r1, 4, 0\nmov r2, 8\nmov r3, 0\ncall 112\n" OK, "write into map forbidden" },
	{ "value r1, 5, 56\nmov r2, 8\nmov r3, 0\ncall 112\n" OK, NULL },
	{ "value r1, 5, 57\nmov r2, 8\nmov r3, 0\ncall 112\n" OK, "value_size=64 off=57 size=8" },
	/* what is filled replaces what was known */
	{ "stdw [r10-16], 0\n" READ("mov r2, 8\n") "ldxdw r0, [r10-16]\nexit\n", "unknown scalar" },
	{ "stxdw [r10-16], r1\n" READ("mov r2, 1\n") "ldxdw r1, [r10-16]\nldxdw r0, [r1+0]\n" OK,
	  "R1 invalid mem access 'scalar'" },
	/* get_current_comm: none is not allowed */
	{ "mov r1, r10\nadd r1, -16\nmov r2, 0\ncall 16\n" OK,
	  "R2 invalid zero-sized read: u64=[0,0]" },
	{ "ldxdw r2, [r1+0]\nand r2, 15\nmov r1, r10\nadd r1, -16\ncall 16\n" OK,
	  "R2 invalid zero-sized read: u64=[0,15]" },
	{ "mov r1, r10\nadd r1, -16\nmov r2, 16\ncall 16\nldxdw r1, [r10-8]\n" OK, NULL },
	/* the length of a string is at most its room */
	{ "mov r1, r10\nadd r1, -16\nmov r2, 16\nmov r3, 0\ncall 114\nmov r6, r0\njsle r6, 0, e\n"
	  "mov r1, r10\nadd r1, -16\nadd r1, r6\nldxb r0, [r1-1]\n" END,
	  NULL },
	{ "mov r1, r10\nadd r1, -16\nmov r2, 16\nmov r3, 0\ncall 114\nmov r6, r0\n"
	  "mov r1, r10\nadd r1, -16\nadd r1, r6\nldxb r0, [r1-1]\n" OK,
	  "invalid variable-offset read from stack R1" },
	/* out of ring, printk, strings */
	{ "stdw [r10-8], 0\nmap r1, 3\n" KEY "mov r3, 8\nmov r4, 0\ncall 130\n" OK, NULL },
	{ "map r1, 3\n" KEY "mov r3, 8\nmov r4, 0\ncall 130\n" OK, NULL },
	{ "stw [r10-8], 1\nmap r1, 3\n" KEY "mov r3, 8\nmov r4, 0\ncall 130\n" OK, NULL },
	{ "ldxdw r2, [r1+0]\nmap r1, 3\nmov r3, 8\nmov r4, 0\ncall 130\n" OK,
	  "R2 type=scalar expected=fp" },
	{ "stdw [r10-8], 0\nmap r1, 1\n" KEY "mov r3, 8\nmov r4, 0\ncall 130\n" OK,
	  "cannot pass map_type 2 into func bpf_ringbuf_output" },
	{ "value r1, 4, 32\nmov r2, 5\ncall 6\n" OK, NULL },
	{ "value r1, 4, 32\nmov r2, 0\ncall 6\n" OK, "R2 invalid zero-sized read" },
	{ "value r1, 4, 60\nmov r2, 5\ncall 6\n" OK, "value_size=64 off=60 size=5" },
	{ "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\nmov r2, 8\nvalue r3, 4, 32\ncall 182\n" OK,
	  NULL },
	{ "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\nmov r2, 8\nvalue r3, 5, 32\ncall 182\n" OK,
	  "R3 does not point to a readonly map" },
	{ "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\nmov r2, 8\nvalue r3, 4, 37\ncall 182\n" OK,
	  "string is not zero-terminated" },
	{ "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\nmov r2, 8\nmov r3, r1\ncall 182\n" OK,
	  "R3 type=fp expected=map_value" },
	/* ctx and others */
	{ "mov r2, 0\nmov r3, r10\nadd r3, -8\ncall 183\nldxdw r0, [r10-8]\n" OK, NULL },
	{ "mov r2, 0\nmov r3, r10\nadd r3, -4\ncall 183\n" OK, " stack R3" },
	{ "add r1, 8\nmov r2, 0\nmov r3, r10\nadd r3, -8\ncall 183\n" OK,
	  "dereference of modified ctx ptr R1 off=8 disallowed" },
	{ "mov r1, 0\nmov r2, 0\nmov r3, r10\nadd r3, -8\ncall 183\n" OK,
	  "R1 type=scalar expected=ctx" },
	{ "stdw [r10-8], 0\nmap r2, 7\nmov r3, 0\nmov r4, r10\nadd r4, -8\nmov r5, 8\ncall 25\n" OK,
	  NULL },
	{ "stdw [r10-8], 0\nmap r2, 2\nmov r3, 0\nmov r4, r10\nadd r4, -8\nmov r5, 8\ncall 25\n" OK,
	  "cannot pass map_type 1 into func bpf_perf_event_output#25" },
	{ "map r2, 8\nmov r3, 0\ncall 27\n" OK, NULL },
	{ "map r2, 1\nmov r3, 0\ncall 27\n" OK,
	  "cannot pass map_type 2 into func bpf_get_stackid#27" },
	{ "map r2, 9\nmov r3, 0\ncall 12\n" OK, NULL },
	{ "map r2, 9\nmov r3, 0\ncall 12\nexit\n", "R0 !read_ok" },
	{ "map r2, 1\nmov r3, 0\ncall 12\n" OK,
	  "cannot pass map_type 2 into func bpf_tail_call#12" },
};

static void test_sizes(void **state)
{
	VERIFY_CASES(sizes_cases);
}

/* r6: a record of 16 bytes */
#define RESERVE "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\njeq r0, 0, e\nmov r6, r0\n"
#define SUBMIT  "mov r1, r6\nmov r2, 0\ncall 132\n"
#define DISCARD "mov r1, r6\nmov r2, 0\ncall 133\n"

static const struct verify_case records_cases[] = {
	{ RESERVE "stdw [r6+8], 1\n" SUBMIT END, NULL },
	{ RESERVE DISCARD END, NULL },
	{ RESERVE "stdw [r6+16], 1\n" SUBMIT END,
	  "invalid access to memory, mem_size=16 off=16 size=8" },
	{ RESERVE "ldxb r1, [r6-1]\n" SUBMIT END,
	  "invalid access to memory, mem_size=16 off=-1 size=1" },
	{ RESERVE END, "Unreleased reference id=" },
	{ RESERVE END,
	  "alloc_insn=4\nBPF_EXIT instruction in main prog would lead to reference leak" },
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\n" OK, "Unreleased reference" },
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nstdw [r0+0], 0\n" OK,
	  "R0 invalid mem access 'ringbuf_mem_or_null'" },
	{ "map r1, 3\nmov r2, 16\nmov r3, 0\ncall 131\nmov r1, r0\nmov r2, 0\ncall 132\n" OK,
	  "R1 type=ringbuf_mem_or_null expected=ringbuf_mem" },
	{ RESERVE SUBMIT SUBMIT END, "R1 type=scalar expected=ringbuf_mem" },
	{ RESERVE SUBMIT "stdw [r6+0], 1\n" END, "R6 invalid mem access 'scalar'" },
	{ RESERVE "mov r7, r6\n" SUBMIT "stdw [r7+0], 1\n" END, "R7 invalid mem access 'scalar'" },
	{ RESERVE "stxdw [r10-8], r6\n" SUBMIT "ldxdw r1, [r10-8]\nldxdw r1, [r1+0]\n" END,
	  "R1 invalid mem access 'scalar'" },
	{ RESERVE "stxdw [r10-8], r6\nldxdw r6, [r10-8]\n" SUBMIT END, NULL },
	{ RESERVE "add r6, 8\n" SUBMIT END,
	  "R1 must have zero offset when passed to release func" },
	{ RESERVE "stdw [r10-8], 0\nmov r1, r10\nadd r1, -8\nmov r2, 0\ncall 132\n" SUBMIT END,
	  "R1 type=fp expected=ringbuf_mem" },
	{ RESERVE "value r1, 5, 0\nmov r2, 0\ncall 132\n" SUBMIT END,
	  "R1 type=map_value expected=ringbuf_mem" },
	{ RESERVE "mov r1, 0\nmov r2, 0\ncall 132\n" SUBMIT END,
	  "R1 type=scalar expected=ringbuf_mem" },
	/* one path only */
	{ "ldxdw r7, [r1+0]\n" RESERVE "jeq r7, 0, e\n" SUBMIT END, "Unreleased reference" },
	{ "ldxdw r7, [r1+0]\n" RESERVE "jeq r7, 0, d\n" SUBMIT "ja e\nd: " DISCARD END, NULL },
	{ RESERVE "mov r8, r6\n" RESERVE SUBMIT "mov r1, r8\nmov r2, 0\ncall 132\n" END,
	  "Unreleased reference" }, /* the second may be NULL */
	{ RESERVE "map r2, 9\nmov r3, 0\nmov r1, r9\ncall 12\n" SUBMIT END, "R9 !read_ok" },
	{ "mov r9, r1\n" RESERVE "mov r1, r9\nmap r2, 9\nmov r3, 0\ncall 12\n" SUBMIT END,
	  "tail_call would lead to reference leak" },
	{ "ldxdw r2, [r1+0]\nand r2, 15\nmap r1, 3\nmov r3, 0\ncall 131\n" OK,
	  "R2 is not a known constant" },
	{ "map r1, 2\nmov r2, 16\nmov r3, 0\ncall 131\n" OK, "cannot pass map_type 1" },
	{ RESERVE SUBMIT "mov r1, r0\n" END, "R0 !read_ok" },
	{ RESERVE "mov r1, r6\nmov r2, 16\nmov r3, 0\ncall 112\n" SUBMIT END, NULL },
	{ RESERVE "mov r1, r6\nmov r2, 17\nmov r3, 0\ncall 112\n" SUBMIT END,
	  "invalid access to memory, mem_size=16 off=0 size=17" },
	{ "ldxdw r7, [r1+0]\nand r7, 15\n" RESERVE
	  "mov r1, r6\nadd r1, r7\nstb [r1+0], 1\n" SUBMIT END,
	  NULL },
	{ "ldxdw r7, [r1+0]\nand r7, 31\n" RESERVE
	  "mov r1, r6\nadd r1, r7\nstb [r1+0], 1\n" SUBMIT END,
	  "mem_size=16 off=31 size=1\nR1 max value" },
	/* CVE-2022-2785's kind: not the beginning, by a number that is not known */
	{ "ldxdw r7, [r1+0]\nand r7, 8\n" RESERVE "add r6, r7\n" SUBMIT END,
	  "R1 must have zero offset" },
};

static void test_records(void **state)
{
	VERIFY_CASES(records_cases);
}

/* Every helper that users may call has a prototype with as many arguments as it says. */
static void test_prototypes(void **state)
{
	unsigned n;
	const struct helper *h = helper_table(&n);

	for (unsigned i = 0; i < n; i++) {
		const struct helper_proto *p = proto_by_id(h[i].id);

		if (!p)
			fail_msg("%s has no prototype", h[i].name);
		for (unsigned r = 0; r < PROTO_ARGS; r++)
			if ((p->arg[r] != ARG_NONE) != (r < h[i].needs))
				fail_msg("%s: argument %u", h[i].name, r + 1);
	}
}

/* facts.c takes the sum for memory of the map's; where that is NULL it is an address of the target's. */
static void test_strays(void **state)
{
	const struct verify_case c = {
		"ldxdw r6, [r1+0]\nstw [r10-4], 0\nmap r1, 1\nmov r2, r10\nadd r2, -4\ncall 1\n"
		"jeq r0, 0, a\nmov r0, 0\nexit\na: add r6, r0\nldxdw r7, [r6+0]\n" OK,
		NULL
	};
	struct diag d = { "" };
	struct program *p = NULL;

	if (verify_load(&c, &p, &d))
		fail_msg("%s", d.text);
	assert_true(p->strays && program_load_strays(p, 11));
	program_put(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack),      cmocka_unit_test(test_values),
		cmocka_unit_test(test_constants),  cmocka_unit_test(test_map_helpers),
		cmocka_unit_test(test_sizes),      cmocka_unit_test(test_records),
		cmocka_unit_test(test_prototypes), cmocka_unit_test(test_strays),
	};

	return cmocka_run_group_tests(tests, verify_setup, verify_teardown);
}
