/*
 * out_test.c FIXTURE - messages, exit codes, the output file, and what `args` prints of
 * tests/fixtures/args.btf.
 */
#include "cli_util.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_WANTED \
	": 12 functions\n\n" \
	"argument count | function count\n" \
	"             0 |              1\n" \
	"             1 |              2\n" \
	"             2 |              4\n" \
	"             3 |              1\n" \
	"             6 |              1\n" \
	"             7 |              2\n" \
	"            12 |              1\n\n" \
	"more than 6: 3, more than 12: 0, variadic: 1, struct by value: 2, float: 1\n"
#define JSON_WANTED \
	",\"functions\":12,\"by_args\":{\"0\":1,\"1\":2,\"2\":4,\"3\":1,\"6\":1,\"7\":2,\"12\":1}," \
	"\"over6\":3,\"over12\":0,\"variadic\":1,\"struct_by_value\":2,\"float\":1}\n"

static const char *fixture;

static void said(struct heard *h, const char *want)
{
	heard_end(h);
	assert_string_equal(h->text, want);
	free(h->text);
}

static void test_every_line_is_marked(void **state)
{
	static struct cli c = { 0 }, quiet = { .quiet = true };
	struct heard h;

	heard_begin(&h);
	cli_error("%s", "one\ntwo\n");
	cli_info(&c, "%d", 3);
	cli_info(&quiet, "%d", 4);
	cli_warn(&c, "five");
	cli_warn(&quiet, "six");
	cli_error("%s", "");
	said(&h, "utramp: one\nutramp: two\nutramp: 3\nutramp: five\n");
}

/* A name of a hostile object is no command to the terminal, and no line of its own. */
static void test_controls_are_not_shown(void **state)
{
	struct heard h;

	heard_begin(&h);
	cli_error("no map '%s'", "a\x1b[2Jb\vc\rd\x7f");
	cli_error("%s", "gr\xc3\xbc\xc3\x9f\te");
	said(&h, "utramp: no map 'a?[2Jb?c?d?'\nutramp: gr\xc3\xbc\xc3\x9f\te\n");
}

static void test_codes(void **state)
{
	static const struct {
		int err, code, spawn;
	} row[] = {
		{ EPERM, 4, 4 },     { ESRCH, 5, 5 },     { EINVAL, 1, 1 },    { EIO, 1, 1 },
		{ ENOENT, 1, 127 },  { EACCES, 1, 126 },  { ENOEXEC, 1, 126 }, { ELOOP, 1, 126 },
		{ ETXTBSY, 1, 126 }, { ENOTDIR, 1, 126 }, { E2BIG, 1, 126 },   { ENOTSUP, 1, 1 },
		{ ENOMEM, 1, 1 },    { EROFS, 1, 1 },     { EBADMSG, 1, 1 },   { EMFILE, 1, 1 },
	};
	struct heard h;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(cli_code(-row[i].err), row[i].code);
		assert_int_equal(cli_spawn_code(-row[i].err), row[i].spawn);
	}
	heard_begin(&h);
	assert_int_equal(cli_fail(-EPERM), EXIT_PERMISSION);
	assert_int_equal(cli_fail(-ENOENT), EXIT_RUNTIME);
	assert_int_equal(cli_fail_spec(-ENOENT), EXIT_NO_MATCH);
	assert_int_equal(cli_fail_spec(-EINVAL), EXIT_USAGE);
	assert_int_equal(cli_fail_spec(-EACCES), EXIT_RUNTIME);
	assert_int_equal(cli_fail_spec(-ESRCH), EXIT_GONE);
	assert_int_equal(cli_fail_file(-EACCES), EXIT_PERMISSION);
	assert_int_equal(cli_fail_file(-ENOENT), EXIT_RUNTIME);
	heard_end(&h);
	free(h.text);
}

static void test_descriptors_are_named(void **state)
{
	struct heard h;

	heard_begin(&h);
	cli_reason(-EMFILE);
	heard_end(&h);
	assert_non_null(strstr(h.text, "RLIMIT_NOFILE is "));
	assert_non_null(strstr(h.text, "ulimit -n"));
	free(h.text);
}

/* wait(2)'s words: an exit code in the second byte, a signal and its core bit in the first. */
static void test_status(void **state)
{
	assert_int_equal(cli_status_code(0), 0);
	assert_int_equal(cli_status_code(5 << 8), 5);
	assert_int_equal(cli_status_code(255 << 8), 255);
	assert_int_equal(cli_status_code(SIGKILL), 137);
	assert_int_equal(cli_status_code(SIGSEGV | 0x80), 139);
}

static void test_plural(void **state)
{
	assert_string_equal(cli_plural(0), "s");
	assert_string_equal(cli_plural(1), "");
	assert_string_equal(cli_plural(2), "s");
}

static void test_passed_over(void **state)
{
	static struct cli c = { 0 };
	struct heard h;

	heard_begin(&h);
	cli_passed(&c, "none:*");
	cli_missing(&c, "first");
	cli_passed(&c, "one:*");
	cli_missing(&c, "first");
	cli_missing(&c, "second");
	cli_passed(&c, "two:*");
	cli_passed(&c, "two:*");
	c.missing_ok = true; /* ignore */
	cli_missing(&c, "third");
	cli_passed(&c, "ignored:*");
	c.missing_warn = true;
	cli_missing(&c, "fourth");
	cli_passed(&c, "named:*");
	said(&h, "utramp: not attached: 1 function of one:* (--missing warn tells which and why)\n"
		 "utramp: not attached: 2 functions of two:* (--missing warn tells which and why)\n"
		 "utramp: not attached: fourth\n");
}

static void test_full(void **state)
{
	static struct cli c = { .events = 2 };

	assert_false(cli_full(&c));
	c.shown = 2;
	assert_true(cli_full(&c));
	c.events = 0; /* no limit */
	assert_false(cli_full(&c));
}

static void test_output(void **state)
{
	static struct cli c = { .output = "/dev/full" }, none = { .output = "/nonexistent/file" };
	struct heard h;

	heard_begin(&h);
	assert_int_equal(cli_open_output(&c), 0);
	assert_true(cli_flush(&c));
	fprintf(c.out, "text\n");
	assert_false(cli_flush(&c));
	assert_false(cli_flush(&c)); /* told once */
	assert_int_equal(cli_open_output(&none), EXIT_RUNTIME);
	said(&h, "utramp: cannot write /dev/full: No space left on device\n"
		 "utramp: cannot write /nonexistent/file: No such file or directory\n");
}

/* A reader that went away has seen enough. */
static void test_closed_pipe(void **state)
{
	static struct cli c = { 0 };
	struct heard h;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	signal(SIGPIPE, SIG_IGN);
	c.out = fdopen(fd[1], "w");
	fprintf(c.out, "text\n");
	heard_begin(&h);
	assert_false(cli_flush(&c));
	said(&h, "");
	fclose(c.out);
}

static char *args_of(bool json)
{
	static struct cli c;
	char *text = NULL;
	size_t n;

	memset(&c, 0, sizeof(c));
	c.json = json;
	c.arg[0] = (char *)(uintptr_t)fixture;
	c.nargs = 1;
	c.out = open_memstream(&text, &n);
	assert_int_equal(cmd_args(&c), 0);
	fclose(c.out);
	return text;
}

static void test_args(void **state)
{
	char *text = args_of(false), *js = args_of(true);

	assert_int_equal(strncmp(text, fixture, strlen(fixture)), 0);
	assert_string_equal(text + strlen(fixture), TEXT_WANTED);
	assert_int_equal(strncmp(js, "{\"file\":\"", 9), 0);
	assert_string_equal(strstr(js, ",\"functions\""), JSON_WANTED);
	free(text);
	free(js);
}

static void test_args_of_nothing(void **state)
{
	static char name[] = "/nonexistent";
	static struct cli c = { .arg = { name } };
	struct heard h;

	heard_begin(&h);
	assert_int_equal(cmd_args(&c), EXIT_USAGE);
	c.nargs = 1;
	assert_int_equal(cmd_args(&c), EXIT_RUNTIME);
	said(&h, "utramp: args: the file is missing: utramp args FILE...\n"
		 "utramp: /nonexistent: No such file or directory\n");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_line_is_marked),
		cmocka_unit_test(test_controls_are_not_shown),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_descriptors_are_named),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_plural),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_args_of_nothing),
	};

	fixture = argc > 1 ? argv[1] : "";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
