/* main.c - see cases.h: all properties, one after another. */
#include "cases.h"

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_class_numbers),
		cmocka_unit_test(verify_class_pointers),
		cmocka_unit_test(verify_class_pruning),
		cmocka_unit_test(verify_class_helpers),
		cmocka_unit_test(verify_class_stack),
		cmocka_unit_test(verify_class_jit),
		cmocka_unit_test(verify_class_tails),
		cmocka_unit_test(verify_class_dead),
		cmocka_unit_test(verify_flow),
		cmocka_unit_test(verify_loops),
		cmocka_unit_test(verify_results),
		cmocka_unit_test(verify_numbers_constants),
		cmocka_unit_test(verify_numbers_bounds),
		cmocka_unit_test(verify_numbers_loose),
		cmocka_unit_test(verify_pointers),
		cmocka_unit_test(verify_stack),
		cmocka_unit_test(verify_spills),
		cmocka_unit_test(verify_values),
		cmocka_unit_test(verify_constants),
		cmocka_unit_test(verify_records),
		cmocka_unit_test(verify_null),
		cmocka_unit_test(verify_context),
		cmocka_unit_test(verify_functions),
		cmocka_unit_test(verify_globals),
		cmocka_unit_test(verify_globals_arguments),
		cmocka_unit_test(verify_globals_pointers),
		cmocka_unit_test(verify_globals_once),
		cmocka_unit_test(verify_globals_log),
		cmocka_unit_test(verify_too_complex),
		cmocka_unit_test(verify_callbacks),
		cmocka_unit_test(verify_iterators),
		cmocka_unit_test(verify_iterators_rounds),
		cmocka_unit_test(verify_kfuncs),
		cmocka_unit_test(verify_depth),
		cmocka_unit_test(verify_helpers_arguments),
		cmocka_unit_test(verify_helpers_kinds),
	};

	return cmocka_run_group_tests(tests, verify_setup, verify_teardown);
}
