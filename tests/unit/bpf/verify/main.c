/* main.c - see cases.h: all properties, one after another. */
#include "cases.h"

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_class_numbers),     cmocka_unit_test(verify_class_pointers),
		cmocka_unit_test(verify_class_pruning),     cmocka_unit_test(verify_class_helpers),
		cmocka_unit_test(verify_class_stack),       cmocka_unit_test(verify_class_jit),
		cmocka_unit_test(verify_class_tails),       cmocka_unit_test(verify_class_dead),
		cmocka_unit_test(verify_helpers_arguments), cmocka_unit_test(verify_helpers_kinds),
	};

	return cmocka_run_group_tests(tests, verify_setup, verify_teardown);
}
