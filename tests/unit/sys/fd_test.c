/* File descriptors of bpf(2) objects: identity, dup, close, ids; who keeps whom alive. */
#include "fixture.h"

#include "rt/rt.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

static uint32_t last_id(int next_cmd)
{
	union bpf_attr a = { 0 };

	while (call(next_cmd, &a, sizeof(a)) == 0)
		a.start_id = a.next_id;
	return a.start_id;
}

static int load_with_map(int map)
{
	struct bpf_insn insn[4] = { { .code = 0x18, .src_reg = 1, .dst_reg = 1, .imm = map },
				    { 0 },
				    { .code = 0xb7 },
				    { .code = 0x95 } };

	return load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, insn, 4);
}

static void dup_and_close(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), d = dup(m);
	struct fixture *f = *state;

	assert_true(fcntl(m, F_GETFD) & FD_CLOEXEC);
	assert_ptr_equal(sys_map_by_fd(f->s, m), sys_map_by_fd(f->s, d));
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 1);
	close(m);
	assert_null(sys_map_by_fd(f->s, m));
	assert_non_null(sys_map_by_fd(f->s, d));
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 1);
	close(d);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	assert_int_equal(f->arena->hdr->magic, SHM_MAGIC);
}

/* A close that nobody sees (dup2 over it): the next creation notices. */
static void unseen_close(void **state)
{
	int m = make_map(BPF_MAP_TYPE_ARRAY, 4, 4, 1, BPF_F_MMAPABLE);
	int null = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 1);
	assert_int_equal(dup2(null, m), m);
	close(make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0));
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	close(null);
}

static void program_keeps_map(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), p = load_with_map(m), again;
	struct fixture *f = *state;
	uint32_t key = 1;
	uint32_t id = sys_map_by_fd(f->s, m)->id;

	assert_int_equal(
		CALL(BPF_MAP_UPDATE_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(&id)), 0);
	close(m);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 1);
	again = (int)CALL(BPF_MAP_GET_FD_BY_ID, .map_id = id);
	assert_true(again > 2);
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = again, .key = PTR(&key),
			      .value = PTR(&key)),
			 0);
	assert_int_equal(key, id);
	close(again);
	close(p);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	assert_int_equal(CALL(BPF_MAP_GET_FD_BY_ID, .map_id = id), -ENOENT);
}

static long put_prog(int map, uint32_t index, int fd, uint64_t flags)
{
	return CALL(BPF_MAP_UPDATE_ELEM, .map_fd = map, .key = PTR(&index), .value = PTR(&fd),
		    .flags = flags);
}

/* An array of programs and a program that uses it keep each other, until nobody has the array. */
static void prog_array(void **state)
{
	int m = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0), p = load_with_map(m);
	uint32_t key = 1, id = 0, want = last_id(BPF_PROG_GET_NEXT_ID);

	(void)state;
	assert_int_equal(put_prog(m, 1, p, 0), 0);
	assert_int_equal(put_prog(m, 2, p, 0), -E2BIG);
	assert_int_equal(put_prog(m, 0, p, BPF_NOEXIST), -EINVAL);
	assert_int_equal(put_prog(m, 0, m, 0), -EINVAL);
	assert_int_equal(put_prog(m, 0, -1, 0), -EBADF);
	close(p);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	assert_int_equal(
		CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(&id)), 0);
	assert_int_equal(id, want);
	key = 0;
	assert_int_equal(CALL(BPF_MAP_LOOKUP_ELEM, .map_fd = m, .key = PTR(&key),
			      .value = PTR(&id)),
			 -ENOENT);
	assert_int_equal(CALL(BPF_MAP_DELETE_ELEM, .map_fd = m, .key = PTR(&key)), -ENOENT);
	close(m);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

static void bound_map_lives(void **state)
{
	int m = make_map(BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0), p = load_simple();

	(void)state;
	assert_int_equal(CALL(BPF_PROG_BIND_MAP, .prog_bind_map = { p, m, 0 }), 0);
	close(m);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 1);
	close(p);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
}

static void types_live_with_users(void **state)
{
	struct btf *b = btf__new_empty();
	int id = btf__add_int(b, "u32", 4, 0), fd, m;
	uint32_t size;
	const void *raw = btf__raw_data(b, &size);
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	(void)state;
	fd = (int)CALL(BPF_BTF_LOAD, .btf = PTR(raw), .btf_size = size);
	a.btf_fd = (uint32_t)fd;
	a.btf_key_type_id = a.btf_value_type_id = (uint32_t)id;
	m = (int)call(BPF_MAP_CREATE, &a, sizeof(a));
	assert_true(m > 2);
	close(fd);
	assert_int_equal(count_ids(BPF_BTF_GET_NEXT_ID), 1);
	fd = (int)CALL(BPF_BTF_GET_FD_BY_ID, .btf_id = last_id(BPF_BTF_GET_NEXT_ID));
	assert_true(fd > 2);
	close(fd);
	close(m);
	assert_int_equal(count_ids(BPF_BTF_GET_NEXT_ID), 0);
	btf__free(b);
}

/* attach/ holds a program, then lets go. */
static void held_by_attach(void **state)
{
	int fd = load_simple();
	struct fixture *f = *state;
	struct program *p = program_get(sys_program_by_fd(f->s, fd));

	close(fd);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	program_put(p);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);
}

static void mapped_by_descriptor(void **state)
{
	int m = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 2, BPF_F_MMAPABLE);
	int ring = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	struct fixture *f = *state;
	uint64_t *mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m, 0), v = 9;
	struct shm_ring *r = mmap(NULL, sizeof(*r) + 4096, PROT_READ, MAP_SHARED, ring, 0);
	uint32_t key = 1;

	assert_true(mem != MAP_FAILED && (void *)r != MAP_FAILED);
	assert_int_equal(CALL(BPF_MAP_UPDATE_ELEM, .map_fd = m, .key = PTR(&key), .value = PTR(&v)),
			 0);
	assert_int_equal(mem[1], 9);
	assert_int_equal(r->producer.size, 4096);
	assert_int_equal(rt_ringbuf_output(sys_map_by_fd(f->s, ring)->shm, "12345678", 8, 0), 0);
	assert_memory_equal(r->data + SHM_RING_HDR, "12345678", 8);
	close(m);
	assert_int_equal(mem[1], 9); /* the mapping outlives the descriptor */
	munmap(mem, 4096);
	munmap(r, sizeof(*r) + 4096);
}

/* Passed through a socket it is the same map. */
static void by_socket(void **state)
{
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), sv[2], got;
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'x';
	struct iovec io = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &io,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	struct fixture *f = *state;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &m, sizeof(m));
	assert_int_equal(sendmsg(sv[0], &msg, 0), 1);
	assert_int_equal(recvmsg(sv[1], &msg, 0), 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	assert_true(got != m);
	assert_ptr_equal(sys_map_by_fd(f->s, got), sys_map_by_fd(f->s, m));
	close(m);
	assert_non_null(sys_map_by_fd(f->s, got));
	close(got);
	close(sv[0]);
	close(sv[1]);
}

static void ids(void **state)
{
	int a = load_simple(), b = load_simple(), fd;
	uint32_t id = last_id(BPF_PROG_GET_NEXT_ID);
	union bpf_attr x = { .start_id = UINT32_MAX };
	struct fixture *f = *state;

	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 2);
	fd = (int)CALL(BPF_PROG_GET_FD_BY_ID, .prog_id = id);
	assert_ptr_equal(sys_program_by_fd(f->s, fd), sys_program_by_fd(f->s, b));
	assert_int_equal(CALL(BPF_PROG_GET_FD_BY_ID, .prog_id = 0x7fffffff), -ENOENT);
	assert_int_equal(CALL(BPF_LINK_GET_FD_BY_ID, .link_id = 1), -ENOENT);
	assert_int_equal(CALL(BPF_MAP_GET_FD_BY_ID, .map_id = 1, .open_flags = BPF_F_RDONLY),
			 -EINVAL);
	assert_int_equal(call(BPF_PROG_GET_NEXT_ID, &x, sizeof(x)), -EINVAL);
	x.start_id = 0x7ffffffe;
	assert_int_equal(call(BPF_PROG_GET_NEXT_ID, &x, sizeof(x)), -ENOENT);
	close(a);
	close(b);
	close(fd);
}

/* Two sessions do not see each other's objects; closing one leaves plain memfds. */
static void sessions(void **state)
{
	struct fixture *f = *state;
	int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), before, after;
	struct sys_session *other;
	union bpf_attr a = { .map_fd = (uint32_t)m };

	before = dup(0);
	close(before);
	assert_int_equal(sys_open(f->arena, NULL, &other), 0);
	assert_ptr_equal(sys_enter(other), f->s);
	assert_null(sys_map_by_fd(other, m));
	assert_int_equal(call(BPF_MAP_FREEZE, &a, sizeof(a)), -EINVAL);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	for (int i = 0; i < 3; i++)
		make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 3);
	sys_close(other);
	assert_null(sys_enter(f->s)); /* nobody's any more */
	for (int i = 0; i < 20; i++)  /* users' own descriptors of it; ours are gone */
		close(before + i);
	after = dup(0);
	assert_int_equal(after, before);
	close(after);
	sys_close(NULL);
}

static void *churn(void *arg)
{
	sys_enter(arg);
	for (int i = 0; i < 100; i++) {
		int m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0), p = load_with_map(m);

		if (m < 0 || p < 0)
			return arg;
		close(m);
		close(p);
	}
	return NULL;
}

static void threads(void **state)
{
	struct fixture *f = *state;
	pthread_t t[3];
	void *bad;

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, f->s), 0);
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);
}

static int cut(void *arg, int id)
{
	(void)id;
	++*(int *)arg;
	return 0;
}

static int made(void *arg, struct program *p, const union bpf_attr *attr, int *id)
{
	(void)arg;
	(void)p;
	(void)attr;
	*id = 1;
	return 0;
}

/* What a forked child closes, or a session it closes, ends nothing of its parent's. */
static void forked(void **state)
{
	struct fixture *f = *state;
	int cuts = 0, status, link;
	struct sys_ops ops = { NULL, made, cut, &cuts };
	struct sys_session *s;
	pid_t pid;

	assert_int_equal(sys_open(f->arena, &ops, &s), 0);
	sys_enter(s);
	link = (int)CALL(BPF_LINK_CREATE, .link_create.prog_fd = load_simple());
	assert_true(link > 2);
	pid = fork();
	if (pid == 0) {
		close(link);
		sys_close(s);
		_exit(cuts);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(cuts, 0);
	assert_int_equal(count_ids(BPF_LINK_GET_NEXT_ID), 1);
	sys_close(s);
	assert_int_equal(cuts, 1);
	close(link);
}

/* No descriptors left: EMFILE, nothing half made. */
static void no_descriptors(void **state)
{
	int held[1024], n = 0, m;

	(void)state;
	while (n < 1024 && (held[n] = dup(0)) >= 0)
		n++;
	assert_true(n > 0 && n < 1024);
	assert_true(make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0) == -EMFILE);
	assert_true(load_simple() == -EMFILE);
	while (n > 0)
		close(held[--n]);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	m = make_map(BPF_MAP_TYPE_HASH, 4, 4, 1, 0);
	assert_true(m > 2);
	close(m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(dup_and_close),
		TEST(unseen_close),
		TEST(program_keeps_map),
		TEST(bound_map_lives),
		TEST(held_by_attach),
		TEST(types_live_with_users),
		TEST(mapped_by_descriptor),
		TEST(prog_array),
		TEST(by_socket),
		TEST(ids),
		TEST(sessions),
		TEST(forked),
		TEST(threads),
		TEST(no_descriptors),
	};

	struct rlimit few = { 256, 256 };

	setrlimit(RLIMIT_NOFILE, &few);
	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
