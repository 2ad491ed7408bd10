/*
 * probe_test.c - libbpf's questions about what there is, answered truthfully.
 */
#include "fixture.h"

#include <bpf/libbpf.h>

static void map_types(void **state)
{
	static const enum bpf_map_type there[] = {
		BPF_MAP_TYPE_HASH,        BPF_MAP_TYPE_ARRAY,        BPF_MAP_TYPE_PERF_EVENT_ARRAY,
		BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_STACK_TRACE,
		BPF_MAP_TYPE_RINGBUF,
	};
	static const enum bpf_map_type absent[] = {
		BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LPM_TRIE,   BPF_MAP_TYPE_HASH_OF_MAPS,
		BPF_MAP_TYPE_XSKMAP,   BPF_MAP_TYPE_STRUCT_OPS, BPF_MAP_TYPE_QUEUE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		assert_int_equal(libbpf_probe_bpf_map_type(there[i], NULL), 1);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_int_equal(libbpf_probe_bpf_map_type(absent[i], NULL), 0);
}

static void program_types(void **state)
{
	static const enum bpf_prog_type absent[] = {
		BPF_PROG_TYPE_XDP,        BPF_PROG_TYPE_SCHED_CLS,  BPF_PROG_TYPE_LSM,
		BPF_PROG_TYPE_PERF_EVENT, BPF_PROG_TYPE_EXT,        BPF_PROG_TYPE_SYSCALL,
		BPF_PROG_TYPE_SK_LOOKUP,  BPF_PROG_TYPE_STRUCT_OPS,
	};

	(void)state;
	assert_int_equal(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_TRACING, NULL), 1);
	assert_int_equal(libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL), 1);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		assert_int_equal(libbpf_probe_bpf_prog_type(absent[i], NULL), 0);
}

static void helpers(void **state)
{
	static const enum bpf_prog_type types[] = { BPF_PROG_TYPE_RAW_TRACEPOINT,
						    BPF_PROG_TYPE_KPROBE };
	static const enum bpf_func_id there[] = {
		BPF_FUNC_map_lookup_elem, BPF_FUNC_ktime_get_boot_ns,
		BPF_FUNC_snprintf,        BPF_FUNC_ktime_get_coarse_ns,
		BPF_FUNC_get_stackid,     BPF_FUNC_perf_event_output,
		BPF_FUNC_copy_from_user,  BPF_FUNC_probe_write_user,
	};
	static const enum bpf_func_id absent[] = {
		BPF_FUNC_redirect,
		BPF_FUNC_get_current_task,
		BPF_FUNC_get_socket_cookie,
		(enum bpf_func_id)100000,
	};

	(void)state;
	for (size_t t = 0; t < 2; t++) {
		for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
			assert_int_equal(libbpf_probe_bpf_helper(types[t], there[i], NULL), 1);
		for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
			assert_int_equal(libbpf_probe_bpf_helper(types[t], absent[i], NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(map_types), TEST(program_types), TEST(helpers) };

	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
