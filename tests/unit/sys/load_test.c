/*
 * Objects through libbpf's own API.  The handlers and prepare() are what attach/ does; see
 * also sys/sys.h.
 */
#include "fixture.h"

#include "base/types.h"
#include "bpf/engine.h"
#include "rt/rt.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

long __real_syscall(long nr, ...);

static struct file object[4]; /* prog, bad, user, guard */
static struct sys_session *session;
static unsigned prepared;
static char log_text[16384];

static __attribute__((format(printf, 2, 0))) int collect(enum libbpf_print_level level,
							 const char *fmt, va_list ap)
{
	size_t n = strlen(log_text);

	if (level != LIBBPF_DEBUG)
		vsnprintf(log_text + n, sizeof(log_text) - n, fmt, ap);
	return 0;
}

static int prepare(struct bpf_program *prog, struct bpf_prog_load_opts *opts, long cookie)
{
	struct sys_expect e = { .kind = (enum program_kind)cookie, .nslots = PROGRAM_NO_CTX };

	(void)prog;
	(void)opts;
	sys_expect(session, &e);
	prepared++;
	return 0;
}

static int attach(const struct bpf_program *prog, long cookie, struct bpf_link **link)
{
	(void)cookie;
	*link = bpf_program__attach_trace(prog);
	return *link ? 0 : -errno;
}

static void register_handlers(void)
{
	static const struct {
		const char *section;
		enum program_kind kind;
		enum bpf_attach_type type;
	} h[] = {
		{ "fentry+", PROGRAM_FENTRY, BPF_TRACE_FENTRY },
		{ "fentry.s+", PROGRAM_FENTRY, BPF_TRACE_FENTRY },
		{ "fexit+", PROGRAM_FEXIT, BPF_TRACE_FEXIT },
		{ "fexit.s+", PROGRAM_FEXIT, BPF_TRACE_FEXIT },
		{ "fmod_ret+", PROGRAM_FMOD_RET, BPF_MODIFY_RETURN },
		{ "fmod_ret.s+", PROGRAM_FMOD_RET, BPF_MODIFY_RETURN },
	};

	for (size_t i = 0; i < ARRAY_LEN(h); i++) {
		LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare,
			    .prog_attach_fn = attach, .cookie = h[i].kind);

		assert_true(libbpf_register_prog_handler(h[i].section, BPF_PROG_TYPE_RAW_TRACEPOINT,
							 h[i].type, &opts) > 0);
	}
}

/* A path that libbpf can open, whoever we are: BTF of the user's types. */
static int user_btf(char path[64])
{
	int fd = memfd_create("user.btf", 0);

	assert_int_equal(write(fd, object[2].data, object[2].size), object[2].size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static struct bpf_object *open_prog(void)
{
	char path[64];
	int fd = user_btf(path);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = path, .object_name = "prog");
	struct bpf_object *o = bpf_object__open_mem(object[0].data, object[0].size, &opts);

	assert_non_null(o);
	if (bpf_object__load(o) < 0)
		fail_msg("not loaded: %s", log_text);
	close(fd);
	return o;
}

static struct program *program_of(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);

	assert_non_null(p);
	return sys_program_by_fd(session, bpf_program__fd(p));
}

static struct map *map_of(struct bpf_object *o, const char *name)
{
	struct bpf_map *m = bpf_object__find_map_by_name(o, name);

	assert_non_null(m);
	return sys_map_by_fd(session, bpf_map__fd(m));
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	session = f->s;
	prepared = 0;
	log_text[0] = 0;
	return 0;
}

static void check_maps(struct bpf_object *o)
{
	struct map *by_id = map_of(o, "by_id"), *data = map_of(o, ".data"),
		   *bss = map_of(o, ".bss"), *rodata = map_of(o, ".rodata");
	uint32_t zero = 0;
	int first;

	assert_int_equal(by_id->attr.type, BPF_MAP_TYPE_HASH);
	assert_int_equal(by_id->attr.max_entries, 100);
	assert_int_equal(by_id->attr.key_size, 4);
	assert_true(by_id->attr.btf_key_type_id > 0);
	assert_string_equal(by_id->name, "by_id");
	assert_int_equal(map_of(o, "per_cpu")->attr.type, BPF_MAP_TYPE_PERCPU_ARRAY);
	assert_int_equal(map_of(o, "events")->attr.max_entries, 8192);
	assert_int_equal(map_of(o, "slots")->attr.value_size, 8);

	assert_int_equal(data->attr.flags, BPF_F_MMAPABLE);
	memcpy(&first, data->values, sizeof(first));
	assert_int_equal(first, 5);
	assert_int_equal(bss->attr.value_size, 32);
	assert_int_equal(rodata->attr.flags, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	assert_true(rodata->frozen);
	assert_non_null(memmem(rodata->values, rodata->attr.value_size, "\x11\0\0\0", 4));
	assert_int_equal(map_update(rodata, &zero, rodata->values, 0, 1), -EPERM);
}

static bool has_map(const struct program *p, const struct map *m)
{
	for (uint32_t i = 0; i < p->ninsns; i++)
		if (p->insn[i].code == (BPF_LD | BPF_IMM | BPF_DW) && p->insn[i].src_reg &&
		    p->map[p->insn[i].imm] == m)
			return true;
	return false;
}

static void check_programs(struct bpf_object *o)
{
	static const struct {
		const char *name;
		enum program_kind kind;
	} t[] = {
		{ "on_entry", PROGRAM_FENTRY },    { "on_exit", PROGRAM_FEXIT },
		{ "on_return", PROGRAM_FMOD_RET }, { "on_entry_s", PROGRAM_FENTRY },
		{ "on_exit_s", PROGRAM_FEXIT },    { "on_return_s", PROGRAM_FMOD_RET },
		{ "bare", PROGRAM_FENTRY },
	};
	struct program *p;

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		p = program_of(o, t[i].name);
		assert_non_null(p);
		assert_int_equal(p->kind, t[i].kind);
		assert_string_equal(p->name, t[i].name);
	}
	p = program_of(o, "on_entry");
	assert_true(p->nsub > 1); /* twice() was appended */
	assert_true(has_map(p, map_of(o, "by_id")));
	assert_true(has_map(p, map_of(o, "slots")));
	assert_true(has_map(p, map_of(o, ".data")));
	assert_true(has_map(p, map_of(o, ".rodata")));
	assert_false(has_map(p, map_of(o, "events")));
	p = program_of(o, "on_exit");
	assert_true(has_map(p, map_of(o, "events")));
	assert_true(has_map(p, map_of(o, ".kconfig")));
}

/* Some instruction of p has this opcode class and immediate. */
static bool has_imm(const struct program *p, uint8_t code, int32_t imm)
{
	for (uint32_t i = 0; i < p->ninsns; i++)
		if (p->insn[i].code == code && p->insn[i].imm == imm)
			return true;
	return false;
}

static void whole_object(void **state)
{
	struct bpf_object *o = open_prog();
	uint32_t version = 0, zero = 0;

	(void)state;
	assert_int_equal(prepared, 7);
	check_maps(o);
	check_programs(o);

	/* r->id lies at 28 in the user's struct, at 0 in the object's: r1 += 28 or r3 = 28. */
	assert_true(has_imm(program_of(o, "on_entry"), BPF_ALU64 | BPF_MOV | BPF_K, 28) ||
		    has_imm(program_of(o, "on_entry"), BPF_ALU64 | BPF_ADD | BPF_K, 28));
	assert_int_equal(map_lookup(map_of(o, ".kconfig"), &zero, &version, 1), 0);
	assert_true(version >> 16 >= 3);
	bpf_object__close(o);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);
	assert_int_equal(count_ids(BPF_MAP_GET_NEXT_ID), 0);
	assert_int_equal(count_ids(BPF_BTF_GET_NEXT_ID), 0);
}

/* The loaded programs run: every relocation leads where the source says. */
static void loaded_programs_run(void **state)
{
	struct bpf_object *o = open_prog();
	struct fixture *f = *state;
	struct {
		long pad[3];
		short kind;
		int id;
	} user = { .id = 3 };
	uint64_t ctx[] = { PTR(&user), 10, 55 }, r0 = 1, value = 0;
	struct interp_opts opts = { .fuel = 10000 };
	struct map *data = map_of(o, ".data"), *bss = map_of(o, ".bss");
	const struct shm_ring *ring = map_of(o, "events")->values;
	struct engine_env env;
	uint64_t values[SHM_MAX_THREADS] = { 0 };
	uint32_t key = 3;

	engine_env_native(f->arena, &env);
	assert_int_equal(interp_run(program_of(o, "on_entry"), &env, PTR(ctx), 0, &opts, &r0, NULL),
			 0);
	assert_int_equal(r0, 0);
	assert_int_equal(map_lookup(map_of(o, "by_id"), &key, &value, 1), 0);
	assert_int_equal(value, 2 * 10 + 17); /* CO-RE's id, twice(n) and .rodata's limit */
	assert_int_equal(map_lookup(map_of(o, "slots"), &key, &value, 1), 0);
	assert_int_equal(value, 37);
	assert_int_equal(*(int *)data->values, 5 + 10);

	assert_int_equal(interp_run(program_of(o, "on_exit"), &env, PTR(ctx), 0, &opts, &r0, NULL),
			 0);
	assert_int_equal(ring->producer.pos, 16);
	assert_int_equal(*(const uint64_t *)(ring->data + SHM_RING_HDR), 55);
	assert_int_equal(((long *)bss->values)[1], 10);
	key = 1;
	assert_int_equal(map_lookup(map_of(o, "per_cpu"), &key, values, 1), 0);
	assert_int_equal(values[0], 11);

	assert_int_equal(
		interp_run(program_of(o, "on_return"), &env, PTR(ctx), 0, &opts, &r0, NULL), 0);
	assert_int_equal(r0, 3); /* the weak extern is absent: shared(2) */
	bpf_object__close(o);
}

/* libbpf must have found every feature, else it would rewrite what users gave it. */
static void modern_paths(void **state)
{
	struct bpf_object *o = open_prog();
	struct bpf_map_info mi = { 0 };
	struct bpf_prog_info pi = { 0 };
	uint32_t len = sizeof(mi), key = 2;
	struct rlimit after;
	uint64_t value = 77, got = 0;
	int fd = bpf_map__fd(bpf_object__find_map_by_name(o, ".data")), *mem;

	(void)state;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &mi, &len), 0);
	assert_string_equal(mi.name, "prog.data"); /* names */
	assert_true(mi.btf_id > 0); /* BTF with FUNC and DATASEC is not sanitised away */
	assert_true(mi.btf_value_type_id > 0);
	mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(mem != MAP_FAILED);
	assert_int_equal(mem[0], 5);
	mem[0] = 6;
	assert_int_equal(*(int *)map_of(o, ".data")->values, 6);
	munmap(mem, 4096);

	len = sizeof(pi);
	fd = bpf_program__fd(bpf_object__find_program_by_name(o, "bare"));
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &pi, &len), 0);
	assert_true(pi.btf_id > 0);
	assert_true(pi.gpl_compatible);
	assert_true(pi.nr_map_ids > 0); /* .rodata at least: BPF_PROG_BIND_MAP */
	/* probe_read_kernel stays what it is */
	assert_true(
		has_imm(program_of(o, "on_entry"), BPF_JMP | BPF_CALL, BPF_FUNC_probe_read_kernel));

	assert_int_equal(bpf_map__update_elem(bpf_object__find_map_by_name(o, "slots"), &key, 4,
					      &value, 8, BPF_ANY),
			 0);
	assert_int_equal(bpf_map__lookup_elem(bpf_object__find_map_by_name(o, "slots"), &key, 4,
					      &got, 8, 0),
			 0);
	assert_int_equal(got, 77);
	assert_string_equal(log_text, ""); /* not one warning, RLIMIT_MEMLOCK left alone */
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &after), 0);
	assert_int_equal(after.rlim_cur, 65536);
	bpf_object__close(o);
}

static void lossless_rings(void **state)
{
	struct sys_expect e = { .lossless = true };
	struct shm_ring *r;
	struct bpf_object *o;

	(void)state;
	sys_expect(session, &e);
	sys_expect(session, NULL);
	o = open_prog();
	r = map_of(o, "events")->values;
	assert_int_equal(r->producer.lossless, 1);
	bpf_object__close(o);
}

static void unknown_helper(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "bad");
	struct bpf_object *o = bpf_object__open_mem(object[1].data, object[1].size, &opts);
	struct bpf_program *p;
	char log[512] = "";

	(void)state;
	assert_non_null(o);
	p = bpf_object__find_program_by_name(o, "bad");
	bpf_program__set_log_buf(p, log, sizeof(log));
	bpf_program__set_log_level(p, 1);
	assert_true(bpf_object__load(o) < 0);
	assert_non_null(strstr(log, "redirect"));
	bpf_object__close(o);

	/* Without a buffer of the user's libbpf takes one and prints it. */
	log_text[0] = 0;
	o = bpf_object__open_mem(object[1].data, object[1].size, &opts);
	assert_true(bpf_object__load(o) < 0);
	assert_non_null(strstr(log_text, "redirect"));
	assert_non_null(strstr(sys_last_error(session), "redirect"));
	bpf_object__close(o);
}

/* libbpf's ways to a log: one buffer for the object, one for a program; too small is told. */
static void libbpf_logs(void **state)
{
	static char log[1 << 20];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "guard", .kernel_log_buf = log,
		    .kernel_log_size = sizeof(log), .kernel_log_level = 2);
	struct bpf_object *o;
	char path[64], small[16], *names;
	struct bpf_program *p;
	int fd = user_btf(path);

	(void)state;
	opts.btf_custom_path = path;
	o = bpf_object__open_mem(object[3].data, object[3].size, &opts);
	bpf_program__set_autoload(bpf_object__find_program_by_name(o, "unguarded"), false);
	p = bpf_object__find_program_by_name(o, "guarded");
	assert_int_equal(bpf_program__log_level(p), 2); /* the object's */
	assert_int_equal(bpf_object__load(o), 0);
	names = strstr(log, " @ guard.bpf.c:");
	assert_non_null(names); /* lines come by .BTF.ext */
	assert_non_null(strstr(log, "0: R1=ctx() R10=fp0\n"));
	assert_non_null(strstr(log, "\nprocessed "));
	bpf_object__close(o);

	o = bpf_object__open_mem(object[3].data, object[3].size, &opts);
	bpf_program__set_autoload(bpf_object__find_program_by_name(o, "unguarded"), false);
	p = bpf_object__find_program_by_name(o, "guarded");
	assert_int_equal(bpf_program__set_log_buf(p, small, sizeof(small)), 0);
	assert_int_equal(bpf_object__load(o), -ENOSPC);
	assert_int_equal(strlen(small), sizeof(small) - 1);
	bpf_object__close(o);
	close(fd);
}

/* CO-RE with no types at all: libbpf gets our BTF of kfuncs, not the kernel's, and refuses. */
static void no_types(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "prog");
	struct bpf_object *o = bpf_object__open_mem(object[0].data, object[0].size, &opts);
	struct btf *b = btf__load_vmlinux_btf();

	(void)state;
	assert_non_null(b);
	assert_true(btf__find_by_name(b, "bpf_session_cookie") > 0);
	for (uint32_t id = 1; id < btf__type_cnt(b); id++) {
		const struct btf_type *t = btf__type_by_id(b, id);

		/* kfuncs take it: it is everywhere as here */
		if (btf_is_composite(t))
			assert_string_equal(btf__name_by_offset(b, t->name_off), "bpf_iter_num");
	}
	btf__free(b);
	assert_non_null(o);
	assert_true(bpf_object__load(o) < 0);
	assert_non_null(strstr(log_text, "failed to resolve CO-RE relocation"));
	assert_non_null(strstr(log_text, "struct request.id"));
	assert_non_null(strstr(sys_last_error(session), "target does not have"));
	bpf_object__close(o);
}

/*
 * Code behind a question that the target's types answer with no: its relocations cannot be
 * resolved and it cannot run.  The same code without the question is refused.
 */
static void guarded_fields(void **state)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "guard");
	struct bpf_program *p;
	struct bpf_object *o;
	char path[64];
	int fd = user_btf(path);

	(void)state;
	opts.btf_custom_path = path;
	o = bpf_object__open_mem(object[3].data, object[3].size, &opts);
	assert_non_null(o);
	p = bpf_object__find_program_by_name(o, "unguarded");
	bpf_program__set_autoload(p, false);
	if (bpf_object__load(o) < 0)
		fail_msg("not loaded: %s", log_text);
	bpf_object__close(o);
	o = bpf_object__open_mem(object[3].data, object[3].size, &opts);
	assert_true(bpf_object__load(o) < 0);
	assert_non_null(strstr(log_text, "prog 'unguarded'"));
	assert_non_null(strstr(log_text, "struct request.not_there"));
	bpf_object__close(o);
	close(fd);
}

struct links {
	int created, detached, ready;
	uint32_t attach_type;
	uint64_t cookie;
	int err;
};

static int on_ready(void *arg, struct program *p)
{
	struct links *l = arg;

	(void)p;
	l->ready++;
	return l->err;
}

static int on_create(void *arg, struct program *p, const union bpf_attr *attr, int *id)
{
	struct links *l = arg;

	assert_string_equal(p->name, "on_exit");
	l->created++;
	l->attach_type = attr->link_create.attach_type;
	l->cookie = attr->link_create.tracing.cookie;
	*id = 4711;
	return l->err;
}

static int on_detach(void *arg, int id)
{
	struct links *l = arg;

	assert_int_equal(id, 4711);
	l->detached++;
	return 0;
}

static void links(void **state)
{
	struct fixture *f = *state;
	LIBBPF_OPTS(bpf_trace_opts, opts, .cookie = 77);
	struct links l = { 0 };
	struct sys_ops ops = { on_ready, on_create, on_detach, &l };
	struct bpf_program *p;
	struct bpf_link *link;
	struct bpf_object *o;
	int fd;

	sys_close(f->s);
	assert_int_equal(sys_open(f->arena, &ops, &f->s), 0);
	sys_enter(session = f->s);
	o = open_prog();
	assert_int_equal(l.ready, 7); /* and not for probes */
	p = bpf_object__find_program_by_name(o, "on_exit");

	link = bpf_program__attach(p);
	assert_non_null(link);
	assert_int_equal(l.created, 1);
	assert_int_equal(l.attach_type, BPF_TRACE_FEXIT);
	fd = dup(bpf_link__fd(link));
	assert_int_equal(bpf_link__destroy(link), 0);
	assert_int_equal(l.detached, 0); /* the dup keeps it */
	close(fd);
	assert_int_equal(l.detached, 1);

	link = bpf_program__attach_trace_opts(p, &opts);
	assert_int_equal(l.cookie, 77);
	assert_int_equal(bpf_link__detach(link), 0); /* BPF_LINK_DETACH */
	assert_int_equal(l.detached, 2);
	bpf_link__destroy(link);
	assert_int_equal(l.detached, 2);

	link = bpf_program__attach(p);
	bpf_object__close(o); /* the link keeps its program */
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 1);
	assert_int_equal(l.detached, 2);
	bpf_link__destroy(link);
	assert_int_equal(l.detached, 3);
	assert_int_equal(count_ids(BPF_PROG_GET_NEXT_ID), 0);

	l.err = -ESRCH;
	o = bpf_object__open_mem(object[0].data, object[0].size, NULL);
	assert_int_equal(load_simple(), -ESRCH); /* program_ready refused */
	bpf_object__close(o);
}

/* The filter works: a real bpf(2) call is death. */
static void filter_kills(void **state)
{
	union bpf_attr a = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_true(getuid() != 0);
	pid = fork();
	if (pid == 0) {
		__real_syscall(__NR_bpf, BPF_MAP_CREATE, &a, sizeof(a));
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

#define LOAD_TEST(f) cmocka_unit_test_setup_teardown(f, setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		LOAD_TEST(filter_kills), LOAD_TEST(whole_object),   LOAD_TEST(loaded_programs_run),
		LOAD_TEST(modern_paths), LOAD_TEST(lossless_rings), LOAD_TEST(unknown_helper),
		LOAD_TEST(libbpf_logs),  LOAD_TEST(no_types),       LOAD_TEST(guarded_fields),
		LOAD_TEST(links),
	};

	struct rlimit small = { 65536, 65536 };

	if (argc != 5)
		return 2;
	for (int i = 0; i < 4; i++)
		object[i] = fixture_read(argv[i + 1]);
	setrlimit(RLIMIT_MEMLOCK, &small);
	libbpf_set_print(collect);
	register_handlers();
	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
