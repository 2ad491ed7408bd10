/*
 * tests/unit/info/maker_test.c - DW_AT_producer as compilers write it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "info/maker.h"

#define X86_64 " -mtune=generic -march=x86-64 -g -O2"

static void test_producers(void **state)
{
	static const struct {
		const char *text;
		unsigned compiler, version, vector;
	} t[] = {
		{ "", MAKER_OTHER, 0, 0 },
		{ "GNU C17 12.2.0" X86_64, MAKER_GCC, 12, 16 },
		{ "GNU C++17 11.3.0" X86_64 " -fPIC", MAKER_GCC, 11, 16 },
		{ "GNU C 4.4.7", MAKER_GCC, 4, 0 },
		{ "GNU C17 12.2.0 -mtune=generic", MAKER_GCC, 12, 0 },
		{ "GNU GIMPLE 12.2.0" X86_64, MAKER_GCC, 12, 0 },
		{ "GNU Fortran2008 12.2.0" X86_64, MAKER_GCC, 12, 16 },
		{ "GNU AS 2.40.0", MAKER_OTHER, 0, 0 },
		{ "GNU C17 12.2.0 -mavx" X86_64, MAKER_GCC, 12, 32 },
		{ "GNU C17 12.2.0 -mavx2 -mno-avx" X86_64, MAKER_GCC, 12, 16 },
		{ "GNU C17 12.2.0 -mno-avx256-split-unaligned-load -mavx2" X86_64, MAKER_GCC, 12,
		  32 },
		{ "GNU C17 12.2.0 -mavx512vl" X86_64, MAKER_GCC, 12, 64 },
		{ "GNU C17 12.2.0 -march=x86-64-v4 -g", MAKER_GCC, 12, 64 },
		{ "GNU C17 12.2.0 -march=x86-64-v4 -mno-avx512f -g", MAKER_GCC, 12, 32 },
		{ "GNU C17 12.2.0 -march=znver3 -mvaes -mavx512f -mno-sgx", MAKER_GCC, 12, 64 },
		{ "GNU C17 12.2.0 -march=haswell -mno-avx", MAKER_GCC, 12, 16 },
		{ "GNU C17 14.1.0 -mavx10.1 -march=x86-64", MAKER_GCC, 14, 0 },
		{ "GNU C17 15.1.0 -march=diamondrapids", MAKER_GCC, 15, 0 },
		{ "GNU C17 12.2.0 -mvaes -march=x86-64", MAKER_GCC, 12, 0 },
		{ "Debian clang version 14.0.6", MAKER_CLANG, 14, 0 },
		{ "clang version 16.0.6 (https://github.com/llvm/llvm-project 7cbf1a25)",
		  MAKER_CLANG, 16, 0 },
		{ "Ubuntu clang version 18.1.3 (1ubuntu1)", MAKER_CLANG, 18, 0 },
		{ "clang version 18.0.0 (https://github.com/llvm/llvm-project)", MAKER_CLANG, 0,
		  0 },
		{ "Android (10552028, +pgo, based on r487747d) clang version 17.0.2 (https://x)",
		  MAKER_CLANG, 17, 0 },
		{ "Apple clang version 15.0.0 (clang-1500.3.9.4)", MAKER_OTHER, 0, 0 },
		{ "AMD clang version 14.0.6 (CLANG: AOCC_4.0.0)", MAKER_OTHER, 0, 0 },
		{ "clang LLVM (rustc version 1.63.0)", MAKER_OTHER, 0, 0 },
		{ "Intel(R) oneAPI DPC++/C++ Compiler 2023.1.0", MAKER_OTHER, 0, 0 },
		{ "clang version ", MAKER_CLANG, 0, 0 },
		{ "clang version 99999999999999999999", MAKER_CLANG, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct proto_maker m = maker_parse(t[i].text);

		if (m.compiler != t[i].compiler || m.version != t[i].version ||
		    m.vector != t[i].vector)
			print_error("%s: %u %u %u\n", t[i].text, m.compiler, m.version, m.vector);
		assert_int_equal(m.compiler, t[i].compiler);
		assert_int_equal(m.version, t[i].version);
		assert_int_equal(m.vector, t[i].vector);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_producers),
	};

	return cmocka_run_group_tests_name("maker", tests, NULL, NULL);
}
