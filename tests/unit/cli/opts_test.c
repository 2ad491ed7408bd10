/*
 * opts_test.c - the option parser: what it understands, value by value, and what it says of
 * the rest.  tests/cli/options.py asks the same of the whole tool.
 */
#include "cli_util.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ARGS(...) ((const char *const[]){ "verb", __VA_ARGS__, NULL })

static const struct cli_verb all = {
	.name = "verb",
	.usage = "THING -- CMD",
	.summary = "Do it",
	.help = "And more.\n",
	.options =
		"btf proto debuginfo quiet verbose output help attach cookie missing lossless events "
		"duration json entry strings timestamps interval deny depth filter",
};
static const struct cli_verb few = {
	.name = "verb", .usage = "", .summary = "", .help = "", .options = "json"
};

static char *copy[512];

/* cli_parse() on a copy, which it may write into; h has what it said. */
static int parse_as(const struct cli_verb *v, const char *const *args, struct cli *c,
		    struct heard *h)
{
	int n = 0, code;

	for (int i = 0; copy[i]; i++)
		free(copy[i]);
	for (; args[n]; n++)
		assert_non_null(copy[n] = strdup(args[n]));
	copy[n] = NULL;
	memset(c, 0, sizeof(*c));
	optind = 0; /* glibc: start afresh */
	heard_begin(h);
	code = cli_parse(v, n, copy, c);
	heard_end(h);
	return code;
}

static void good(const char *const *args, struct cli *c)
{
	struct heard h;

	assert_int_equal(parse_as(&all, args, c, &h), 0);
	assert_string_equal(h.text, "");
	free(h.text);
}

static void bad_as(const struct cli_verb *v, const char *const *args, const char *words)
{
	static struct cli c;
	struct heard h;

	assert_int_equal(parse_as(v, args, &c, &h), EXIT_USAGE);
	if (strncmp(h.text, "utramp: verb: ", 14) != 0 || !strstr(h.text, words) ||
	    strchr(h.text, '\n') != h.text + h.n - 1)
		fail_msg("%s ...: want \"%s\" in one line: %s", args[1], words, h.text);
	free(h.text);
}

static void bad(const char *const *args, const char *words)
{
	bad_as(&all, args, words);
}

static void test_nothing(void **state)
{
	static struct cli c;

	good((const char *const[]){ "verb", NULL }, &c);
	assert_string_equal(c.verb, "verb");
	assert_int_equal(c.nargs, 0);
	assert_null(c.command);
	assert_int_equal(c.strings, 64);
	assert_ptr_equal(c.out, stdout);
	assert_false(c.json || c.entry_only || c.quiet || c.lossless || c.timestamps);
	assert_false(c.missing_ok || c.missing_warn);
	assert_true(c.events == 0 && c.limit_ns == 0 && c.verbose == 0 && !c.output);
}

static void test_words_and_command(void **state)
{
	static struct cli c;

	good(ARGS("a", "-j", "b", "-o", "file", "--", "cmd", "-q", "--", "x"), &c);
	assert_int_equal(c.nargs, 2);
	assert_string_equal(c.arg[0], "a");
	assert_string_equal(c.arg[1], "b");
	assert_string_equal(c.output, "file");
	assert_true(c.json && !c.quiet);
	for (int i = 0; i < 4; i++)
		assert_string_equal(c.command[i], ((const char *[]){ "cmd", "-q", "--", "x" })[i]);
	assert_null(c.command[4]);
	good(ARGS("a", "--"), &c);
	assert_null(c.command);
}

static void test_flags(void **state)
{
	static struct cli c;

	good(ARGS("-jetqvv", "--lossless"), &c);
	assert_true(c.json && c.entry_only && c.timestamps && c.quiet && c.lossless);
	assert_int_equal(c.verbose, 2);
	good(ARGS("--json", "--entry", "--timestamps", "--quiet", "--verbose"), &c);
	assert_true(c.json && c.entry_only && c.timestamps && c.quiet && c.verbose == 1);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} row[] = { { "1", 1000000000 },        { "0.25", 250000000 },  { ".5", 500000000 },
		    { "1.5", 1500000000 },      { "2e1", 20000000000 }, { "0.000001", 1000 },
		    { "86400", 86400000000000 } };
	static const char *const wrong[] = { "",   "0",   "-1",  "x",    "1s",  "1 ",  " 1",
					     "+1", "inf", "nan", "1e30", "1e9", "0.0", "." };
	static struct cli c;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		good(ARGS("-d", row[i].text), &c);
		assert_true(c.limit_ns == row[i].ns);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		bad(ARGS("-d", wrong[i]), "--duration: '");
}

static void test_counts(void **state)
{
	static const char *const wrong[] = { "",   "0",   "-1",  "x",
					     "1x", "1e3", "1.5", "18446744073709551616" };
	static struct cli c;

	good(ARGS("-E", "0x10"), &c);
	assert_true(c.events == 16);
	good(ARGS("--events=18446744073709551615"), &c);
	assert_true(c.events == UINT64_MAX);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		bad(ARGS("-E", wrong[i]), "--events: '");
}

static void test_tallies(void **state)
{
	static struct cli c;

	good(ARGS("-i", "0.5", "-D", "127", "-N", "a*", "--deny=b", "--filter", "n > 1"), &c);
	assert_true(c.interval_ns == 500000000);
	assert_int_equal(c.depth, 127);
	assert_int_equal(c.ndeny, 2);
	assert_string_equal(c.deny[0], "a*");
	assert_string_equal(c.deny[1], "b");
	assert_string_equal(c.filter, "n > 1");
	bad(ARGS("-D", "0"), "--depth: '0' is not a value");
	bad(ARGS("-D", "1000001"), "--depth: '1000001' is not a value");
	bad(ARGS("-i", "0"), "--interval: '0' is not a value");
}

static void test_strings(void **state)
{
	static struct cli c;

	good(ARGS("--strings", "off"), &c);
	assert_int_equal(c.strings, 0);
	good(ARGS("--strings=4096"), &c);
	assert_int_equal(c.strings, 4096);
	bad(ARGS("--strings", "4097"), "'4097' is not a value");
	bad(ARGS("--strings", "on"), "'on' is not a value");
}

static void test_missing(void **state)
{
	static struct cli c;

	good(ARGS("--missing", "error"), &c);
	assert_true(!c.missing_ok && !c.missing_warn);
	good(ARGS("--missing", "warn"), &c);
	assert_true(c.missing_ok && c.missing_warn);
	good(ARGS("--missing", "ignore"), &c);
	assert_true(c.missing_ok && !c.missing_warn);
	bad(ARGS("--missing", "maybe"), "'maybe' is not a value");
}

static void test_pairs(void **state)
{
	static struct cli c;

	good(ARGS("--attach", "p=libc:f", "--attach", "p=a=b", "--cookie", "p=0xff", "--btf",
		  "m=/f=g", "--proto", "int f(void)"),
	     &c);
	assert_true(c.nattach == 2 && c.ncookie == 1 && c.nbtf == 1 && c.nproto == 1);
	assert_string_equal(c.attach[0].key, "p");
	assert_string_equal(c.attach[0].value, "libc:f");
	assert_string_equal(c.attach[1].value, "a=b");
	assert_string_equal(c.cookie[0].value, "0xff");
	assert_string_equal(c.btf[0].key, "m");
	assert_string_equal(c.btf[0].value, "/f=g");
	assert_string_equal(c.proto[0], "int f(void)");
	for (int i = 0; i < 3; i++) {
		const char *option = ((const char *[]){ "--attach", "--btf", "--cookie" })[i];

		bad(ARGS(option, "x"), "'x' is not a value");
		bad(ARGS(option, "=x"), "'=x' is not a value");
		bad(ARGS(option, "x="), "'x=' is not a value");
	}
	bad(ARGS("--cookie", "p=1", "--cookie", "p=2"), "'p=2'");
	bad(ARGS("--cookie", "p=-1"), "'p=-1'");
}

static void test_refusals(void **state)
{
	bad(ARGS("-Z"), "no option '-Z'");
	bad(ARGS("--nosuch"), "no option '--nosuch'");
	bad(ARGS("--json=3"), "--json takes no value");
	bad(ARGS("--e"), "ambiguous");
	bad(ARGS("-o"), "-o: its value is missing");
	bad(ARGS("--btf", "--", "cmd"), "--btf: its value is missing");
	bad(ARGS("-p", "1"), "-p, --pid is no option of this verb");
	bad_as(&few, ARGS("-f"), "-f, --follow is no option of this verb");
	bad(ARGS("--pretty"), "--pretty is not supported in this version");
	bad_as(&few, ARGS("-e"), "-e, --entry is no option of this verb");
	bad_as(&few, ARGS("--missing", "warn"), "--missing is no option of this verb");
}

static void test_too_many(void **state)
{
	const char *args[CLI_MAX + 3] = { "verb" };
	static struct cli c;

	for (int i = 0; i < CLI_MAX; i++)
		args[1 + i] = "x";
	good(args, &c);
	assert_int_equal(c.nargs, CLI_MAX);
	args[1 + CLI_MAX] = "y";
	bad(args, "more than 256 arguments");
}

static void test_usage(void **state)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	cli_usage(&few, f);
	fclose(f);
	assert_non_null(strstr(text, "usage: utramp verb [OPTIONS]"));
	assert_non_null(strstr(text, "--json"));
	assert_null(strstr(text, "--entry"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),  cmocka_unit_test(test_words_and_command),
		cmocka_unit_test(test_flags),    cmocka_unit_test(test_durations),
		cmocka_unit_test(test_counts),   cmocka_unit_test(test_tallies),
		cmocka_unit_test(test_strings),  cmocka_unit_test(test_missing),
		cmocka_unit_test(test_pairs),    cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_too_many), cmocka_unit_test(test_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
