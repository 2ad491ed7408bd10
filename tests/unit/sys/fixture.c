#include "fixture.h"

#include "rt/rt.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(arena_create(&f->arena), 0);
	assert_int_equal(sys_open(f->arena, NULL, &f->s), 0);
	sys_enter(f->s);
	rt_state.arena = PTR(f->arena->hdr);
	*state = f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	sys_close(f->s);
	arena_destroy(f->arena);
	free(f);
	return 0;
}

void fixture_drop(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = code };

	if (getuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		abort();
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		abort();
}

struct file fixture_read(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct file f = { malloc(1 << 20), 0 };

	if (!in || !f.data)
		abort();
	f.size = fread(f.data, 1, 1 << 20, in);
	fclose(in);
	return f;
}

long call(int cmd, void *attr, unsigned size)
{
	long ret = syscall(__NR_bpf, cmd, attr, size);

	return ret < 0 ? -errno : ret;
}

int make_map(uint32_t type, uint32_t key, uint32_t value, uint32_t n, uint32_t flags)
{
	union bpf_attr a = { .map_type = type,
			     .key_size = key,
			     .value_size = value,
			     .max_entries = n,
			     .map_flags = flags,
			     .map_name = "m" };

	return (int)call(BPF_MAP_CREATE, &a, sizeof(a));
}

int load_insns(uint32_t type, const struct bpf_insn *insn, uint32_t n)
{
	union bpf_attr a;

	memset(&a, 0, sizeof(a)); /* its last bytes are padding, and padding must be 0 */
	a.prog_type = type;
	a.insns = PTR(insn);
	a.insn_cnt = n;
	a.license = PTR("GPL");
	a.prog_name[0] = 'p';
	return (int)call(BPF_PROG_LOAD, &a, sizeof(a));
}

int load_simple(void)
{
	static const struct bpf_insn insn[] = { { .code = 0xb7 }, { .code = 0x95 } };

	return load_insns(BPF_PROG_TYPE_RAW_TRACEPOINT, insn, 2);
}

long count_ids(int next_cmd)
{
	union bpf_attr a = { 0 };
	long n = 0;

	while (call(next_cmd, &a, sizeof(a)) == 0) {
		assert_true(a.next_id > a.start_id);
		a.start_id = a.next_id;
		n++;
	}
	return n;
}
