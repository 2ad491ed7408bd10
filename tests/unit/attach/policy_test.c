/* Which names are never patched, which may be entered only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attach/policy.h"
#include "base/types.h"

/* Entered by jumps from inside: called, they return into nowhere. */
static void test_fragments(void **state)
{
	static const char *const part[] = { "f.cold",        "f.cold.12",  "_ZN1a1bEv.cold",
					    "f.isra.0.cold", "f.__part.1", "OUTLINED_FUNCTION_3" };
	static const char *const whole[] = {
		"f",        "cold",          "f.part.0", "f.isra.0",
		"f.colder", "f.constprop.0", "f_cold",   "is.cold_one"
	};

	for (size_t i = 0; i < ARRAY_LEN(part); i++) {
		assert_true(policy_is_fragment(part[i]));
		assert_non_null(policy_never_patched(part[i]));
	}
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		assert_false(policy_is_fragment(whole[i]));
		assert_null(policy_never_patched(whole[i]));
	}
}

static void test_never_patched(void **state)
{
	assert_non_null(policy_never_patched("_start"));
	assert_non_null(policy_never_patched("__restore_rt"));
	assert_null(policy_never_patched("__restore_rt_"));
	assert_null(policy_never_patched("main"));
}

static void test_entry_only(void **state)
{
	static const char *const name[] = { "vfork",
					    "setjmp",
					    "dlsym",
					    "swapcontext",
					    "longjmp",
					    "_Unwind_RaiseException",
					    "__x86_indirect_thunk_rax" };

	for (size_t i = 0; i < ARRAY_LEN(name); i++) {
		assert_non_null(policy_entry_only(name[i]));
		assert_null(policy_never_patched(name[i]));
	}
	assert_null(policy_entry_only("malloc"));
	assert_null(policy_entry_only("vforked"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_never_patched),
		cmocka_unit_test(test_entry_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
