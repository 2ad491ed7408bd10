/*
 * kfunc_test.c - kfunc externs through libbpf: found in our BTF, compared, called.
 */
#include "fixture.h"

#include "base/types.h"
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/kfunc.h"
#include "sys/session.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

static struct file object[4]; /* session, nokfunc, wrong, throw */
static struct sys_session *session;
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
	return 0;
}

static int setup(void **state)
{
	struct fixture *f;

	fixture_setup(state);
	f = *state;
	session = f->s;
	log_text[0] = 0;
	return 0;
}

static struct program *find(struct bpf_object *o, const char *name)
{
	struct bpf_program *p = bpf_object__find_program_by_name(o, name);

	assert_non_null(p);
	return sys_program_by_fd(session, bpf_program__fd(p));
}

/* Every kfunc of the table is in it, and its ids do not change. */
static void our_btf(void **state)
{
	struct btf *one = sys_kfunc_btf(), *two = sys_kfunc_btf();
	const struct kfunc *k;
	unsigned n;

	(void)state;
	k = kfunc_table(&n);
	for (unsigned i = 0; i < n; i++) {
		int id = btf__find_by_name_kind(one, k[i].name, BTF_KIND_FUNC);
		struct bpf_insn in[2] = { { .code = BPF_JMP | BPF_CALL, .src_reg = 2, .imm = id } };

		assert_true(id > 0);
		assert_int_equal(btf__find_by_name_kind(two, k[i].name, BTF_KIND_FUNC), id);
		assert_int_equal(sys_kfunc_translate(in, 1), 0);
		assert_int_equal(in[0].imm, k[i].id);
	}
	btf__free(one);
	btf__free(two);
}

static int translated(struct bpf_insn in)
{
	assert_int_equal(sys_kfunc_translate(&in, 1), 0);
	return in.imm;
}

/* What is no id of a function stays what it was, to be refused by that number. */
static void other_ids(void **state)
{
	struct bpf_insn call_insn = { .code = BPF_JMP | BPF_CALL, .src_reg = 2 };

	(void)state;
	for (int id = -1; id < 4; id++) {
		call_insn.imm = id;
		assert_int_equal(translated(call_insn), id);
	}
	call_insn.imm = KFUNC_SESSION_COOKIE; /* ours, not BTF's */
	assert_null(kfunc_by_id((uint32_t)translated(call_insn)));
	call_insn.src_reg = 0;
	call_insn.imm = 5;
	assert_int_equal(translated(call_insn), 5);
}

static void load_and_run(void **state)
{
	struct bpf_object *o = bpf_object__open_mem(object[0].data, object[0].size, NULL);
	struct interp_opts opts = { .fuel = 1000, .checked = true };
	uint64_t frame[16] = { 0 }, *ctx = frame + 10, r0 = 9;
	struct fixture *f = *state;
	struct engine_env env;
	struct program *p;
	struct map *bss;

	assert_non_null(o);
	if (bpf_object__load(o) < 0)
		fail_msg("not loaded: %s", log_text);
	p = find(o, "both");
	assert_int_equal(p->kind, PROGRAM_FSESSION);
	assert_true(p->facts.session_cookie && p->facts.reads_count);
	engine_env_native(f->arena, &env);
	ctx[-1] = 2 | 7 << 8;
	assert_int_equal(interp_run(p, &env, PTR(ctx), 0, &opts, &r0, NULL), 0);
	assert_int_equal(r0, 0);
	assert_int_equal(ctx[-7], 77);
	ctx[-1] |= 1ull << 63;
	assert_int_equal(interp_run(p, &env, PTR(ctx), 0, &opts, &r0, NULL), 0);
	bss = sys_map_by_fd(session, bpf_map__fd(bpf_object__find_map_by_name(o, ".bss")));
	assert_int_equal(((long *)bss->values)[0], 77);
	assert_int_equal(((long *)bss->values)[1], 2);
	assert_int_equal(((long *)bss->values)[2], 0); /* not there */
	assert_int_equal(((long *)bss->values)[3], 5); /* there */
	bpf_object__close(o);
}

static void refused(unsigned i, const char *why)
{
	struct bpf_object *o = bpf_object__open_mem(object[i].data, object[i].size, NULL);

	assert_non_null(o);
	assert_true(bpf_object__load(o) < 0);
	if (!strstr(log_text, why))
		fail_msg("'%s', want '%s'", log_text, why);
	bpf_object__close(o);
}

static void unknown_kfunc(void **state)
{
	(void)state;
	refused(1, "extern (func ksym) 'bpf_from_the_future': not found");
}

static void wrong_prototype(void **state)
{
	(void)state;
	refused(2, "'bpf_session_cookie': func_proto");
}

static void refused_by_name(void **state)
{
	(void)state;
	refused(3, "bpf_throw() is not supported: return from the program");
}

/* The log names the kfunc, and the program's kind decides. */
static void not_an_fsession(void **state)
{
	struct btf *btf = sys_kfunc_btf();
	struct bpf_insn in[] = { { .code = BPF_JMP | BPF_CALL, .src_reg = 2 },
				 { .code = BPF_ALU64 | BPF_MOV | BPF_K },
				 { .code = BPF_JMP | BPF_EXIT } };
	static const uint32_t types[] = { 58, 61 }; /* BPF_TRACE_FSESSION, _MULTI */
	char log[4096] = "";
	union bpf_attr a;

	(void)state;
	memset(&a, 0, sizeof(a)); /* all of it: clang leaves what no member names */
	a.prog_type = BPF_PROG_TYPE_TRACING;
	a.expected_attach_type = BPF_TRACE_FEXIT;
	a.insns = PTR(in);
	a.insn_cnt = 3;
	a.license = PTR("GPL");
	a.log_level = 2;
	a.log_buf = PTR(log);
	a.log_size = sizeof(log);
	in[0].imm = btf__find_by_name_kind(btf, "bpf_session_is_return", BTF_KIND_FUNC);
	assert_int_equal(call(BPF_PROG_LOAD, &a, sizeof(a)), -EACCES);
	assert_non_null(strstr(log, "0: (85) call bpf_session_is_return#"));
	assert_non_null(strstr(log, "bpf_session_is_return() is for fsession programs"));
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct program *p;

		a.expected_attach_type = types[i];
		p = sys_program_by_fd(session, (int)call(BPF_PROG_LOAD, &a, sizeof(a)));
		assert_non_null(p);
		assert_int_equal(p->kind, PROGRAM_FSESSION);
		assert_int_equal(p->multi, i);
		assert_int_equal(sys_attach_type(p), types[i]);
	}
	in[0].imm = 1; /* an int, not a function */
	assert_int_equal(call(BPF_PROG_LOAD, &a, sizeof(a)), -ENOTSUP);
	assert_non_null(strstr(log, "unknown kfunc #1"));
	btf__free(btf);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(our_btf, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(other_ids, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(load_and_run, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(unknown_kfunc, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(refused_by_name, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(wrong_prototype, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(not_an_fsession, setup, fixture_teardown),
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, opts, .prog_prepare_load_fn = prepare,
		    .cookie = PROGRAM_FSESSION);

	if (argc != 5)
		return 2;
	for (int i = 0; i < 4; i++)
		object[i] = fixture_read(argv[i + 1]);
	libbpf_set_print(collect);
	if (libbpf_register_prog_handler("fsession+", BPF_PROG_TYPE_RAW_TRACEPOINT, 0, &opts) < 0)
		return 2;
	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
