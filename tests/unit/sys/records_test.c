/*
 * records_test.c - func_info and line_info of BPF_PROG_LOAD: what is refused, in whose words, what
 * is kept for readers, and the lines of source that errors and logs show.
 */
#include "fixture.h"
#include "records_case.h"

#define SIZE sizeof(union bpf_attr)

static int load_btf(void *arg, const void *raw, uint32_t size)
{
	return (int)CALL(BPF_BTF_LOAD, .btf = PTR(raw), .btf_size = size);
}

static void refused(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < nrecord_cases; i++) {
		const char *says =
			record_cases[i].ours ? record_cases[i].ours : record_cases[i].says;
		char log[2048] = "";
		long err;

		record_start(load_btf, NULL);
		assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
		record_cases[i].spoil();
		record_attr.log_level = 1;
		record_attr.log_buf = PTR(log);
		record_attr.log_size = sizeof(log);
		err = call(BPF_PROG_LOAD, &record_attr, SIZE);
		if (err != record_cases[i].err || !strstr(log, says) ||
		    !strstr(sys_last_error(f->s), says))
			fail_msg("case %zu: %ld, '%s', log '%s'; want %d, '%s'", i, err,
				 sys_last_error(f->s), log, record_cases[i].err, says);
		if (err == -EINVAL)
			assert_non_null(strstr(log, "\nwhat to change: "));
	}
}

/* The size that is known here is told to whoever gave more; zeroes there are fine. */
static void newer_records(void **state)
{
	(void)state;
	record_start(load_btf, NULL);
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
	record_line[2].more = 7;
	assert_int_equal(call(BPF_PROG_LOAD, &record_attr, SIZE), -E2BIG);
	assert_int_equal(record_attr.line_info_rec_size, sizeof(struct bpf_line_info));
}

/* Functions or lines alone; neither asks for BTF. */
static void one_kind(void **state)
{
	(void)state;
	record_start(load_btf, NULL);
	record_attr.line_info_cnt = 0;
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
	record_start(load_btf, NULL);
	record_attr.func_info_cnt = 0;
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
	record_attr.line_info_cnt = 0;
	record_attr.prog_btf_fd = 777;
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
}

/* As bpftool asks for them, and the tags of functions. */
static void shown(void **state)
{
	struct bpf_func_info got_func[3];
	struct bpf_line_info got_line[4];
	uint8_t tag[3][BPF_TAG_SIZE] = { 0 };
	struct bpf_prog_info info = { 0 };
	union bpf_attr q;

	(void)state;
	record_start(load_btf, NULL);
	memset(&q, 0, SIZE);
	q.info.bpf_fd = (uint32_t)call(BPF_PROG_LOAD, &record_attr, SIZE);
	q.info.info = PTR(&info);
	q.info.info_len = sizeof(info);
	assert_true((int)q.info.bpf_fd > 2);
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &q, SIZE), 0);
	assert_int_equal(info.nr_func_info, 2);
	assert_int_equal(info.func_info_rec_size, sizeof(record_func[0]));
	assert_int_equal(info.nr_line_info, 4);
	assert_int_equal(info.line_info_rec_size, sizeof(got_line[0]));
	assert_int_equal(info.nr_prog_tags, 2);
	assert_int_equal(info.nr_jited_line_info, 0);
	assert_int_equal(info.jited_prog_len, 0);
	assert_true(info.btf_id > 0);
	info.xlated_prog_len = 0;
	info.func_info = PTR(got_func);
	info.nr_func_info = 3;
	info.line_info = PTR(got_line);
	info.nr_line_info = 3;
	info.prog_tags = PTR(tag);
	memset(got_line, 0xff, sizeof(got_line));
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &q, SIZE), 0);
	assert_memory_equal(got_func, record_func, 2 * sizeof(record_func[0]));
	for (int i = 0; i < 3; i++)
		assert_memory_equal(&got_line[i], &record_line[i].i, sizeof(got_line[0]));
	assert_int_equal(got_line[3].insn_off, UINT32_MAX); /* three were asked for */
	assert_int_equal(info.nr_line_info, 4);
	assert_memory_not_equal(tag[0], tag[1], BPF_TAG_SIZE);
	assert_memory_equal(tag[2], "\0\0\0\0\0\0\0", BPF_TAG_SIZE);
	info.xlated_prog_len = 0;
	info.func_info_rec_size = 4;
	assert_int_equal(call(BPF_OBJ_GET_INFO_BY_FD, &q, SIZE), -EINVAL);
}

/* Each line once, before its first instruction; the reason has it, too. */
static void source_lines(void **state)
{
	struct fixture *f = *state;
	char log[4096];

	record_start(load_btf, NULL);
	record_attr.log_level = 2;
	record_attr.log_buf = PTR(log);
	record_attr.log_size = sizeof(log);
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) > 2);
	assert_non_null(strstr(log, "; int a = first(ctx); @ prog.bpf.c:7\n0: (85) call pc+1"));
	assert_non_null(strstr(
		log,
		"; second line @ prog.bpf.c:20\n2: (b7) r0 = 0                        ; frame1: R0=0\n"
		"3: (b7) r0 = 0"));
	assert_non_null(strstr(log, "; return second(); @ prog.bpf.c:8\n1: (95) exit\n"));
	record_insn[3] = (struct bpf_insn){ .code = 0xbf, .src_reg = 7 }; /* r0 = r7 */
	assert_int_equal(call(BPF_PROG_LOAD, &record_attr, SIZE), -EACCES);
	assert_non_null(strstr(log,
			       "\n3: (bf) r0 = r7\nR7 !read_ok\nat prog.bpf.c:20: second line\n"
			       "what to change: "));
	assert_non_null(strstr(sys_last_error(f->s), "insn 3 (r0 = r7): R7 !read_ok\n"
						     "at prog.bpf.c:20: second line\n"
						     "what to change: "));
	/* what is refused before paths are looked at has its line, too */
	record_insn[3] = (struct bpf_insn){ .code = 0x85, .imm = 9999 };
	assert_true(call(BPF_PROG_LOAD, &record_attr, SIZE) < 0);
	assert_non_null(strstr(sys_last_error(f->s), "insn 3: unknown helper #9999"));
	assert_non_null(strstr(sys_last_error(f->s), "\nat prog.bpf.c:20: second line"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(refused),
		TEST(newer_records),
		TEST(one_kind),
		TEST(shown),
		TEST(source_lines),
	};

	fixture_drop();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
