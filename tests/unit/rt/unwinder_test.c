/* unwinder_test.c - how the personality knows the unwinder that calls it. */
#include "rt/probe.h"
#include "rt_util.h"

#include <dlfcn.h>

static void finds_unwinders(void **state)
{
	/* as glibc does when a thread first exits */
	void *gcc = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
	uint64_t caller = (uint64_t)dlsym(gcc, "_Unwind_GetCFA"), lo = caller & ~4095ull;
	struct rt_state saved = rt_state;
	struct rt_unwinder u = { 0 };

	assert_true(caller);
	rt_state.get_gr = rt_state.get_ip = rt_state.find_object = 0;
	assert_int_equal(rt_find_unwinder(caller, &u), 0);
	rt_state.get_gr = 5;
	assert_int_equal(rt_find_unwinder(caller, &u), 0);
	rt_state.get_ip = 6;
	rt_state.unwinder = (struct rt_room){ lo, 4096 };
	assert_int_equal(rt_find_unwinder(caller, &u), 1);
	assert_int_equal(u.get_gr, 5);
	assert_int_equal(u.get_ip, 6);
	/* another one: no context of one is given to the other's functions */
	rt_state.unwinder.lo += 4096;
	assert_int_equal(rt_find_unwinder(caller, &u), 0);
	rt_state.find_object = (uint64_t)dlsym(RTLD_DEFAULT, "_dl_find_object");
	assert_true(rt_state.find_object);
	assert_int_equal(rt_find_unwinder(caller, &u), 1);
	assert_int_equal(u.get_gr, (uint64_t)dlsym(gcc, "_Unwind_GetGR"));
	assert_int_equal(u.get_ip, (uint64_t)dlsym(gcc, "_Unwind_GetIP"));
	/* code that exports none: this program, libc, the vDSO; no code at all */
	assert_int_equal(rt_find_unwinder((uint64_t)finds_unwinders, &u), 0);
	assert_int_equal(rt_find_unwinder((uint64_t)dlsym(RTLD_DEFAULT, "puts"), &u), 0);
	assert_int_equal(rt_find_unwinder(16, &u), 0);
	rt_state = saved;
	dlclose(gcc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_unwinders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
