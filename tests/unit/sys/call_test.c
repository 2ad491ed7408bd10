/*
 * bpf(2) by hand: what each command answers to good and bad attributes.  The errors were
 * taken from Linux 6.18 by the same calls; where ours differ (a 524 of the kernel, which
 * libc has no name for, is ENOTSUP) the line says so.
 */
#include "fixture.h"

#include "base/types.h"
#include "rt/rt.h"

#include <bpf/btf.h>
#include <linux/btf.h>
#include <sys/mman.h>

#define SIZE sizeof(union bpf_attr)

static void attributes(void **state)
{
	char big[SIZE + 64] = { 0 }, huge[8192] = { 0 };
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1
	};
	struct fixture *f = *state;

	memcpy(big, &a, SIZE);
	assert_true(call(BPF_MAP_CREATE, big, sizeof(big)) > 2); /* zeros are no attributes */
	big[sizeof(big) - 1] = 1;
	assert_int_equal(call(BPF_MAP_CREATE, big, sizeof(big)), -E2BIG);
	assert_non_null(strstr(sys_last_error(f->s), "not known"));
	assert_int_equal(call(BPF_MAP_CREATE, huge, sizeof(huge)), -E2BIG);
	assert_int_equal(call(BPF_MAP_CREATE, (void *)8, 16), -EFAULT);
	assert_int_equal(call(BPF_MAP_CREATE, &a, 4), -EINVAL); /* rest taken as 0 */
	assert_true(call(BPF_MAP_CREATE, &a, 16) > 2);
	assert_int_equal(call(99, &a, SIZE), -EINVAL);
	assert_int_equal(call(-1, &a, SIZE), -EINVAL);
	((char *)&a)[SIZE - 1] = 1; /* behind the last attribute of this command */
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);

	memset(&a, 0, SIZE);
	assert_int_equal(call(BPF_ITER_CREATE, &a, SIZE), -EINVAL);
	assert_non_null(strstr(sys_last_error(f->s), "BPF_ITER_CREATE"));
	for (int cmd = 0; cmd < 40; cmd++) /* all zero: an error everywhere, a crash nowhere */
		if (cmd != BPF_PROG_GET_NEXT_ID && cmd != BPF_MAP_GET_NEXT_ID &&
		    cmd != BPF_ENABLE_STATS)
			assert_true(call(cmd, &a, SIZE) < 0);
}

static void without_session(void **state)
{
	struct fixture *f = *state;
	union bpf_attr a = { 0 };

	assert_ptr_equal(sys_enter(NULL), f->s);
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EPERM);
	assert_null(sys_enter(f->s));
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	errno = 0; /* other system calls pass, with all six arguments */
	assert_int_equal(syscall(SYS_getppid), getppid());
	void *p = (void *)syscall(SYS_mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1L, 0L);
	assert_true(p != MAP_FAILED);
	munmap(p, 4096);
	assert_int_equal(syscall(SYS_close, 9999), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(9999), -1);
	assert_int_equal(errno, EBADF);
}

static void map_create_rules(void **state)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY,
			     .key_size = 4,
			     .value_size = 8,
			     .max_entries = 1,
			     .map_name = "a-b" };
	int arr = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	struct fixture *f = *state;

	assert_true(arr > 2);
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	memset(a.map_name, 'a', 16);
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	a.map_name[15] = 0;
	assert_true(call(BPF_MAP_CREATE, &a, SIZE) > 2);
	a.map_ifindex = 1;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EOPNOTSUPP);
	a.map_ifindex = 0;
	a.map_extra = 1;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	a.map_extra = 0;
	a.btf_fd = (uint32_t)arr;
	assert_true(call(BPF_MAP_CREATE, &a, SIZE) > 2); /* not looked at without types */
	a.btf_key_type_id = a.btf_value_type_id = 1;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	a.btf_fd = 999;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EBADF);
	a.btf_key_type_id = a.btf_value_type_id = 0;
	a.map_flags = BPF_F_NUMA_NODE;
	a.numa_node = 4000;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	a.numa_node = 0;
	assert_true(call(BPF_MAP_CREATE, &a, SIZE) > 2);
	assert_int_equal(make_map(BPF_MAP_TYPE_LRU_HASH, 4, 4, 1, 0), -ENOTSUP);
	assert_non_null(strstr(sys_last_error(f->s), "lru_hash"));
	assert_int_equal(make_map(77, 4, 4, 1, 0), -EINVAL);
}

static void elements(void **state)
{
	int arr = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 4, 0);
	uint32_t key = 0, next;
	uint64_t v = 5, got;
	union bpf_attr a = { .map_fd = (uint32_t)arr, .key = PTR(&key), .value = PTR(&got) };

	(void)state;
	assert_int_equal(
		CALL(BPF_MAP_UPDATE_ELEM, .map_fd = arr, .key = PTR(&key), .value = PTR(&v)), 0);
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), 0);
	assert_int_equal(got, 5);
	a.flags = 8;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EINVAL);
	a.flags = BPF_F_LOCK;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EINVAL);
	a.flags = 0;
	a.key = 8;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EFAULT);
	a.key = 0;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EFAULT);
	a.key = PTR(&key);
	a.value = 8;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EFAULT);
	a.value = PTR(&got);
	key = 9;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -ENOENT);
	a.map_fd = UINT32_MAX;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EBADF);
	a.map_fd = 1;
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EINVAL);
	a.map_fd = (uint32_t)load_simple();
	assert_int_equal(call(BPF_MAP_LOOKUP_ELEM, &a, SIZE), -EINVAL);
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = arr, .key = PTR(&key)), -EINVAL);
	assert_int_equal(CALL(BPF_MAP_GET_NEXT_KEY, .map_fd = arr, .next_key = PTR(&next)), 0);
	assert_int_equal(next, 0);
	assert_int_equal(CALL(BPF_MAP_GET_NEXT_KEY, .map_fd = arr, .next_key = 8), -EFAULT);
	key = 3;
	assert_int_equal(CALL(BPF_MAP_GET_NEXT_KEY, .map_fd = arr, .key = PTR(&key),
			      .next_key = PTR(&next)),
			 -ENOENT);
}

static void hash_elements(void **state)
{
	int h = make_map(BPF_MAP_TYPE_HASH, 4, 8, 2, 0), arr = make_map(2, 4, 8, 1, 0);
	int ring = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	union bpf_attr a = { .map_fd = (uint32_t)h };
	uint32_t key = 1;
	uint64_t v = 5;

	(void)state;
	a.key = PTR(&key);
	a.value = PTR(&v);
	a.flags = BPF_EXIST;
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), -ENOENT);
	a.flags = BPF_NOEXIST;
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), 0);
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), -EEXIST);
	a.flags = 8;
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), -EINVAL);
	a.flags = 0;
	key = 2;
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), 0);
	key = 3;
	assert_int_equal(call(BPF_MAP_UPDATE_ELEM, &a, SIZE), -E2BIG);
	key = 2;
	v = 0;
	a.flags = 1;
	assert_int_equal(call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &a, SIZE), -EINVAL);
	a.flags = 0;
	assert_int_equal(call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &a, SIZE), 0);
	assert_int_equal(v, 5);
	assert_int_equal(call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &a, SIZE), -ENOENT);
	a.map_fd = (uint32_t)arr;
	assert_int_equal(call(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &a, SIZE), -ENOTSUP); /* 524 */
	assert_int_equal(CALL(BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = ring), -EINVAL);
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = ring), -ENOTSUP);  /* 524 */
	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = ring), -ENOTSUP);  /* 524 */
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = ring), -ENOTSUP);  /* 524 */
	assert_int_equal(CALL(BPF_MAP_GET_NEXT_KEY, .map_fd = ring), -ENOTSUP); /* 524 */
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = h, .key = PTR(&key)), -ENOENT);
}

/* What perf_buffer__new() does last, and what reads the records instead. */
static void perf_arrays(void **state)
{
	int m = make_map(BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2, 0);
	struct fixture *f = *state;
	uint32_t key = 0, value = 5;

	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = m, .key = PTR(&key),
			      .value = PTR(&value)),
			 -ENOTSUP);
	assert_non_null(strstr(sys_last_error(f->s), "utramp_ring_buffer__new()"));
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = m, .key = PTR(&key),
			      .value = PTR(&value)),
			 -ENOTSUP);
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = m, .key = PTR(&key)), -ENOENT);
}

static void stack_traces(void **state)
{
	int m = make_map(BPF_MAP_TYPE_STACK_TRACE, 4, 16, 3, 0);
	uint32_t key = 0, next;
	uint64_t pc[2];

	(void)state;
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(pc)),
			 -ENOENT);
	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(pc)),
			 -EINVAL);
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = m, .key = PTR(&key)), -ENOENT);
	assert_int_equal(CALL(BPF_MAP_GET_NEXT_KEY, .map_fd = m, .next_key = PTR(&next)), -ENOENT);
	key = 4;
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = m, .key = PTR(&key)), -E2BIG);
	assert_int_equal(CALL(BPF_MAP_LOOKUP_AND_DELETE_ELEM, .map_fd = m, .key = PTR(&key),
			      .value = PTR(pc)),
			 -ENOTSUP);
}

static void frozen_maps(void **state)
{
	int arr = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	uint32_t key = 0;
	uint64_t v = 1;

	(void)state;
	assert_int_equal(CALL(BPF_MAP_FREEZE, .map_fd = arr, .key = 1), -EINVAL);
	assert_int_equal(CALL(BPF_MAP_FREEZE, .map_fd = arr), 0);
	assert_int_equal(CALL(BPF_MAP_FREEZE, .map_fd = arr), -EPERM);
	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = arr, .key = PTR(&key),
			      .value = PTR(&v)),
			 -EPERM);
	assert_int_equal(
		CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = arr, .key = PTR(&key), .value = PTR(&v)), 0);
	assert_int_equal(CALL(BPF_MAP_FREEZE, .map_fd = 1), -EINVAL);
}

static void percpu_values(void **state)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int m = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 1, 0);
	uint64_t *v = calloc((size_t)cpus + 1, 8);
	uint32_t key = 0;

	(void)state;
	for (long i = 0; i < cpus; i++)
		v[i] = (uint64_t)i + 1;
	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(v)),
			 0);
	memset(v, 0xff, (size_t)cpus * 8 + 8);
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(v)),
			 0);
	for (long i = 0; i < cpus; i++)
		assert_int_equal(v[i], i + 1);
	assert_true(v[cpus] == UINT64_MAX); /* not one more */
	free(v);
}

/* -- programs ---------------------------------------------------------------------------- */

static const struct bpf_insn simple[] = { { .code = 0xb7 }, { .code = 0x95 } };

static union bpf_attr load_attr(void)
{
	union bpf_attr a;

	memset(&a, 0, SIZE);
	a.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	a.insns = PTR(simple);
	a.insn_cnt = 2;
	a.license = PTR("GPL");
	return a;
}

static void prog_load_rules(void **state)
{
	union bpf_attr a = load_attr();
	struct bpf_insn lddw[4] = { { .code = 0x18, .src_reg = 1, .dst_reg = 1, .imm = 777 },
				    { 0 },
				    { .code = 0xb7 },
				    { .code = 0x95 } };

	(void)state;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	a.license = 0;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EFAULT);
	a = load_attr();
	a.insns = 8;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EFAULT);
	a = load_attr();
	a.insn_cnt = 0;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -E2BIG);
	a.insn_cnt = 1000001;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -E2BIG);
	a = load_attr();
	a.prog_flags = 0x80000;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a.prog_flags = BPF_F_SLEEPABLE;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	a = load_attr();
	a.prog_type = 99;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a.prog_type = BPF_PROG_TYPE_UNSPEC;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a.prog_type = BPF_PROG_TYPE_LSM;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOTSUP);
	a = load_attr();
	a.attach_btf_id = 5;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a = load_attr();
	memcpy(a.prog_name, "a b", 4);
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a = load_attr();
	a.insns = PTR(lddw);
	a.insn_cnt = 4;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) < 0); /* no such map */
	lddw[0].imm = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	a = load_attr();
	a.prog_btf_fd = 777;
	a.func_info_cnt = 1;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EBADF);
}

static void prog_kinds(void **state)
{
	struct sys_expect e = { .kind = PROGRAM_FEXIT, .nslots = 3 };
	struct fixture *f = *state;
	union bpf_attr a = load_attr();
	struct bpf_insn odd[] = { { .code = 0x85, .imm = BPF_FUNC_get_attach_cookie },
				  { .code = 0x95 } };
	struct bpf_insn none[] = { { .code = 0x85, .imm = BPF_FUNC_redirect }, { .code = 0x95 } };
	int fd;

	a.expected_attach_type = BPF_MODIFY_RETURN;
	fd = (int)call(BPF_PROG_LOAD, &a, SIZE);
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_FMOD_RET);
	sys_expect(f->s, &e);
	fd = (int)call(BPF_PROG_LOAD, &a, SIZE);
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_FEXIT);
	fd = (int)call(BPF_PROG_LOAD, &a, SIZE); /* that word was for one program */
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_FMOD_RET);
	fd = load_simple();
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_PLAIN);
	assert_null(sys_program_by_fd(f->s, 1));
	assert_null(sys_map_by_fd(f->s, fd));

	/* A probe uses nothing up, may name any helper that is there, and cannot be attached. */
	sys_expect(f->s, &e);
	fd = load_insns(BPF_PROG_TYPE_SOCKET_FILTER, odd, 2);
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_PLAIN);
	assert_int_equal(CALL(BPF_LINK_CREATE, .link_create.prog_fd = fd), -EINVAL);
	assert_int_equal(load_insns(BPF_PROG_TYPE_SOCKET_FILTER, none, 2), -ENOTSUP);
	assert_true(load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, none, 2) < 0);
	assert_int_equal(sys_program_by_fd(f->s, load_simple())->kind, PROGRAM_FEXIT);
	sys_expect(f->s, &e);
	sys_expect(f->s, NULL);
	assert_int_equal(sys_program_by_fd(f->s, load_simple())->kind, PROGRAM_PLAIN);
}

/*
 * The verifier is not asked about the types that are for libbpf's questions: what they load gets
 * nowhere.  The types that can be attached have no way around it.
 */
static void unproved(void **state)
{
	static const uint32_t questions[] = { BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_KPROBE,
					      BPF_PROG_TYPE_TRACEPOINT, BPF_PROG_TYPE_CGROUP_SOCK };
	static const uint32_t kinds[] = {
		0, BPF_TRACE_FENTRY, BPF_TRACE_FEXIT, BPF_MODIFY_RETURN, 58, 59, 60, 61
	};
	struct bpf_insn bad[] = { { .code = 0x79, .src_reg = 10, .off = -12 }, { .code = 0x95 } };
	int array = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0), fd;
	union bpf_attr a = load_attr();
	struct fixture *f = *state;
	uint32_t zero = 0;

	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		fd = load_insns(questions[i], bad, 2);
		if (fd < 0)
			continue;
		assert_false(sys_program_by_fd(f->s, fd)->verified);
		assert_int_equal(CALL(BPF_LINK_CREATE, .link_create.prog_fd = fd), -EINVAL);
		assert_int_equal(CALL(BPF_RAW_TRACEPOINT_OPEN, .raw_tracepoint.prog_fd = fd),
				 -EINVAL);
		assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = array, .key = PTR(&zero),
				      .value = PTR(&fd)),
				 -EINVAL);
		assert_non_null(strstr(sys_last_error(f->s), "nor jumped to"));
	}
	a.insns = PTR(bad);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		a.expected_attach_type = kinds[i];
		a.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
		assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EACCES);
		a.prog_type = BPF_PROG_TYPE_TRACING;
		assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EACCES);
		for (uint32_t flag = 1; flag; flag <<= 1) { /* BPF_F_ANY_ALIGNMENT and all */
			a.prog_flags = flag;
			assert_true(call(BPF_PROG_LOAD, &a, SIZE) < 0);
		}
		a.prog_flags = 0;
	}
}

/* log_true_size, which Debian 12's header does not have. */
static uint32_t true_size(const union bpf_attr *a)
{
	uint32_t n;

	memcpy(&n, (const char *)&a->core_relo_rec_size + sizeof(n), sizeof(n));
	return n;
}

static void logs(void **state)
{
	struct bpf_insn bad[] = { { .code = 0x85, .imm = 9999 }, { .code = 0x95 } };
	struct bpf_insn unproved[] = { { .code = 0x79, .src_reg = 10, .off = -12 },
				       { .code = 0x95 } };
	struct sys_expect e = { .kind = PROGRAM_FEXIT, .nslots = PROGRAM_NO_CTX };
	struct fixture *f = *state;
	union bpf_attr a = load_attr();
	char log[512], small[24];
	int fd;

	a.log_level = 1;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	a.log_buf = PTR(log);
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL); /* size 0 */
	a.log_size = sizeof(log);
	a.log_level = 0;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a.log_level = 9999;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EINVAL);
	a.log_level = 1;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	assert_non_null(strstr(log, "processed 2 insns"));
	a.log_level = 2;
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) > 2);
	assert_non_null(
		strstr(log, "0: (b7) r0 = 0                        ; R0=0\n1: (95) exit\n"));
	a.log_level = 1;
	a.insns = PTR(unproved); /* the verifier's words, and libbpf's number at the end */
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EACCES);
	assert_non_null(strstr(log, "0: (79) r0 = *(u64 *)(r10 -12)\n"
				    "misaligned stack access off 0+0+-12 size 8\n"));
	assert_non_null(strstr(log, "\nprocessed 1 insns (limit 1000000)"));
	assert_non_null(
		strstr(sys_last_error(f->s), "insn 0 (r0 = *(u64 *)(r10 -12)): misaligned"));
	a.insns = PTR(bad);
	memset(log, 'x', sizeof(log));
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) < 0);
	assert_true(memchr(log, 0, sizeof(log)) != NULL);
	assert_non_null(strstr(log, "9999"));
	assert_non_null(strstr(sys_last_error(f->s), "9999"));
	a.log_buf = PTR(small);
	a.log_size = sizeof(small);
	memset(small, 'x', sizeof(small));
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	assert_int_equal(strlen(small), sizeof(small) - 1);
	a.insns = PTR(simple); /* a good program, but the log was cut */
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	sys_expect(f->s, &e);
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	a.log_buf = PTR(log); /* libbpf's second try: still what was announced */
	a.log_size = sizeof(log);
	fd = (int)call(BPF_PROG_LOAD, &a, SIZE);
	assert_int_equal(sys_program_by_fd(f->s, fd)->kind, PROGRAM_FEXIT);
	a.log_buf = 8;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -EFAULT);
}

/* As since 6.4: what does not fit is missing at the beginning, or with BPF_LOG_FIXED at the end. */
static void cut_logs(void **state)
{
	struct bpf_insn bad[] = { { .code = 0x85, .imm = 9999 }, { .code = 0x95 } };
	union bpf_attr a = load_attr();
	char log[512], small[24];

	(void)state;
	a.insns = PTR(bad);
	a.log_level = 1;
	a.log_buf = PTR(log);
	a.log_size = sizeof(log);
	assert_true(call(BPF_PROG_LOAD, &a, SIZE) < 0);
	assert_int_equal(true_size(&a), strlen(log) + 1);
	a.log_buf = PTR(small);
	a.log_size = sizeof(small);
	memset(small, 'x', sizeof(small));
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	assert_string_equal(small, log + strlen(log) - (sizeof(small) - 1));
	assert_int_equal(true_size(&a), strlen(log) + 1);
	a.log_level = 1 | 8;
	assert_int_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	assert_int_equal(strlen(small), sizeof(small) - 1);
	assert_memory_equal(small, log, sizeof(small) - 1);
	assert_int_equal(true_size(&a), strlen(log) + 1);
	a.log_size = (uint32_t)strlen(log) + 1; /* just enough */
	a.log_buf = PTR(log);
	assert_int_not_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	a.log_buf = a.log_size = 0; /* no memory is no lack of it */
	assert_int_not_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	assert_int_equal(true_size(&a), strlen(log) + 1);
	a.log_level = 0;
	assert_int_not_equal(call(BPF_PROG_LOAD, &a, SIZE), -ENOSPC);
	assert_int_equal(true_size(&a), 0);
}

static void bind_and_run(void **state)
{
	int p = load_simple(), m = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
	struct bpf_prog_info info = { 0 };
	uint32_t id = 0;
	struct fixture *f = *state;

	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, m, 1 }), -EINVAL);
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, p, 0 }), -EINVAL);
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { m, m, 0 }), -EINVAL);
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, 999, 0 }), -EBADF);
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, m, 0 }), 0);
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, m, 0 }), 0); /* once */
	info.nr_map_ids = 1;
	info.map_ids = PTR(&id);
	assert_int_equal(
		CALL(BPF_OBJ_GET_INFO_BY_FD, .info = { (uint32_t)p, sizeof(info), PTR(&info) }), 0);
	assert_int_equal(info.nr_map_ids, 1);
	assert_int_equal(id, sys_map_by_fd(f->s, m)->id);
	assert_int_equal(CALL(BPF_PROG_TEST_RUN, .test.prog_fd = m), -EINVAL);
	assert_int_equal(CALL(BPF_PROG_TEST_RUN, .test.prog_fd = p), -ENOTSUP);
}

/* -- BTF, information ------------------------------------------------------------------------ */

static void btf_rules(void **state)
{
	struct btf *b = btf__new_empty();
	uint32_t size;
	const void *raw;
	char data[100] = { 0 }, log[64] = "", copy[256] = { 0 };
	struct bpf_btf_info info = { .btf = PTR(copy), .btf_size = sizeof(copy) };
	int fd, id;
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1
	};

	(void)state;
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf_size = 0), -EINVAL);
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf = PTR(data), .btf_size = 4), -EINVAL);
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf = PTR(data), .btf_size = 100,
			      .btf_log_buf = PTR(log), .btf_log_size = sizeof(log),
			      .btf_log_level = 1),
			 -EINVAL);
	assert_non_null(strstr(log, "BTF"));
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf = PTR(data), .btf_size = 17 << 20), -E2BIG);
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf = 8, .btf_size = 100), -EFAULT);
	id = btf__add_int(b, "u32", 4, 0);
	raw = btf__raw_data(b, &size);
	assert_true(size < sizeof(copy));
	fd = (int)CALL(BPF_BTF_LOAD, .btf = PTR(raw), .btf_size = size);
	assert_true(fd > 2);
	assert_int_equal(CALL(BPF_BTF_LOAD, .btf = PTR(raw), .btf_size = size - 1), -EINVAL);
	assert_int_equal(CALL(BPF_OBJ_GET_INFO_BY_FD,
			      .info = { (uint32_t)fd, sizeof(info), PTR(&info) }),
			 0);
	assert_int_equal(info.btf_size, size);
	assert_memory_equal(copy, raw, size);
	assert_int_equal(info.kernel_btf, 0);

	a.btf_fd = (uint32_t)fd;
	a.btf_key_type_id = a.btf_value_type_id = (uint32_t)id;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL); /* the value has 8 bytes */
	a.value_size = 4;
	assert_true(call(BPF_MAP_CREATE, &a, SIZE) > 2);
	a.btf_value_type_id = 0;
	assert_int_equal(call(BPF_MAP_CREATE, &a, SIZE), -EINVAL);
	btf__free(b);
}

static void map_info(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 8, 3, BPF_F_NO_PREALLOC | BPF_F_RDONLY);
	char buf[300] = { 0 };
	struct bpf_map_info info = { .map_flags = 7 };
	union bpf_attr a = { .info = { (uint32_t)m, sizeof(info), PTR(&info) } };

	(void)state;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_int_equal(a.info.info_len, sizeof(info));
	assert_int_equal(info.type, BPF_MAP_TYPE_HASH);
	assert_int_equal(info.max_entries, 3);
	assert_int_equal(info.map_flags, BPF_F_NO_PREALLOC);
	assert_string_equal(info.name, "m");
	a.info.info = PTR(buf);
	a.info.info_len = sizeof(buf);
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_int_equal(a.info.info_len, sizeof(info));
	buf[299] = 1;
	a.info.info_len = sizeof(buf);
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -E2BIG);
	a.info.info_len = 5000;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -E2BIG);
	memset(buf, 0, sizeof(buf));
	a.info.info_len = 8;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_int_equal(a.info.info_len, 8);
	assert_int_equal(buf[0], BPF_MAP_TYPE_HASH);
	assert_int_equal(buf[8], 0); /* not written */
	a.info.bpf_fd = 1;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -EBADFD);
	a.info.bpf_fd = UINT32_MAX; /* 6.18: EINVAL; EBADF is what older ones and the manual say */
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -EBADF);
	a.info.bpf_fd = (uint32_t)m;
	a.info.info = 8;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -EFAULT);
}

static void prog_info(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	struct bpf_insn insn[4] = { { .code = 0x18, .src_reg = 1, .dst_reg = 1, .imm = m },
				    { 0 },
				    { .code = 0xb7 },
				    { .code = 0x95 } },
			seen[4];
	int p = load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, insn, 4);
	struct bpf_prog_info info = { .xlated_prog_len = sizeof(seen),
				      .xlated_prog_insns = PTR(seen) };
	union bpf_attr a = { .info = { (uint32_t)p, sizeof(info), PTR(&info) } };
	uint8_t tag[BPF_TAG_SIZE];
	struct fixture *f = *state;

	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_int_equal(info.type, BPF_PROG_TYPE_RAW_TRACEPOINT);
	assert_int_equal(info.id, sys_program_by_fd(f->s, p)->id);
	assert_int_equal(info.xlated_prog_len, sizeof(insn));
	assert_int_equal(seen[0].imm, sys_map_by_fd(f->s, m)->id);
	assert_int_equal(seen[3].code, 0x95);
	assert_int_equal(info.nr_map_ids, 1);
	assert_int_equal(info.created_by_uid, getuid());
	assert_true(info.load_time > 0);
	assert_true(info.gpl_compatible);
	memcpy(tag, info.tag, sizeof(tag));
	memset(&info, 0, sizeof(info));
	a.info.bpf_fd = (uint32_t)load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, insn, 4);
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_memory_equal(tag, info.tag, sizeof(tag));
	memset(&info, 0, sizeof(info));
	info.nr_map_ids = 1;
	info.map_ids = 8;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), -EFAULT);
}

/* Asked for as long as the descriptor is open; info shows what every slot counted. */
static void run_stats(void **state)
{
	struct fixture *f = *state;
	int p = load_simple();
	struct bpf_prog_info info = { 0 };
	union bpf_attr a = { .info = { (uint32_t)p, sizeof(info), PTR(&info) } };
	struct program *prog = sys_program_by_fd(f->s, p);
	struct shm_run *table;
	int one, two;

	assert_false(sys_counts_runs(f->s));
	assert_int_equal(CALL(BPF_ENABLE_STATS, .enable_stats.type = 1), -EINVAL);
	assert_non_null(strstr(sys_last_error(f->s), "type 1"));
	one = (int)CALL(BPF_ENABLE_STATS, .enable_stats.type = BPF_STATS_RUN_TIME);
	two = (int)CALL(BPF_ENABLE_STATS, .enable_stats.type = BPF_STATS_RUN_TIME);
	assert_true(one >= 0 && two >= 0);
	close(one);
	assert_true(sys_counts_runs(f->s));
	close(two);
	assert_false(sys_counts_runs(f->s));

	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_true(!info.run_cnt && !info.run_time_ns);
	assert_int_equal(program_count_runs(prog, f->arena, NULL), 0);
	table = shm_ptr(f->arena, prog->runs, SHM_MAX_THREADS * sizeof(*table));
	table[1] = (struct shm_run){ .count = 3, .ns = 500 };
	table[9] = (struct shm_run){ .count = 4, .ns = 70 };
	f->arena->hdr->slots_used = 10;
	memset(&info, 0, sizeof(info));
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &a, SIZE), 0);
	assert_int_equal(info.run_cnt, 7);
	assert_int_equal(info.run_time_ns, 570);
}

static void pins_and_links(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), p = load_simple();
	struct fixture *f = *state;

	assert_int_equal(CALL(BPF_OBJ_PIN, .pathname = PTR("/tmp/x"), .bpf_fd = m), -EPERM);
	assert_non_null(strstr(sys_last_error(f->s), "pinning"));
	assert_int_equal(CALL(BPF_OBJ_PIN, .pathname = PTR("/tmp/x"), .bpf_fd = 999), -EBADF);
	assert_int_equal(CALL(BPF_OBJ_PIN, .pathname = 0, .bpf_fd = m), -EFAULT);
	assert_int_equal(CALL(BPF_OBJ_GET, .pathname = PTR("/no/such/file")), -ENOENT);
	assert_int_equal(CALL(BPF_OBJ_GET, .pathname = PTR("/etc/passwd")), -EACCES);

	assert_int_equal(CALL(BPF_RAW_TRACEPOINT_OPEN, .raw_tracepoint.prog_fd = 999), -EBADF);
	assert_int_equal(CALL(BPF_RAW_TRACEPOINT_OPEN, .raw_tracepoint.prog_fd = m), -EINVAL);
	assert_int_equal(CALL(BPF_RAW_TRACEPOINT_OPEN, .raw_tracepoint.prog_fd = p), -EINVAL);
	assert_int_equal(CALL(BPF_LINK_CREATE, .link_create.prog_fd = 999), -EBADF);
	assert_int_equal(CALL(BPF_LINK_CREATE, .link_create = { .prog_fd = p, .flags = 1 }),
			 -EINVAL);
	assert_int_equal(CALL(BPF_LINK_CREATE, .link_create.prog_fd = p), -ENOTSUP); /* no ops */
	assert_int_equal(CALL(BPF_LINK_DETACH, .link_detach.link_fd = p), -EINVAL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(attributes),
		TEST(without_session),
		TEST(map_create_rules),
		TEST(elements),
		TEST(hash_elements),
		TEST(perf_arrays),
		TEST(stack_traces),
		TEST(frozen_maps),
		TEST(percpu_values),
		TEST(prog_load_rules),
		TEST(prog_kinds),
		TEST(logs),
		TEST(cut_logs),
		TEST(unproved),
		TEST(bind_and_run),
		TEST(btf_rules),
		TEST(map_info),
		TEST(prog_info),
		TEST(run_stats),
		TEST(pins_and_links),
	};

	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
