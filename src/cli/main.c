/*
 * cli/main.c - find the verb and run it.
 */
#include "cli/cli.h"
#include "cli/keep.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Verbs that DESIGN has and this version has not. */
static const char *const later[] = {
	"record", "report", "dump", "prog", "map", "link", "gen",
};

static void overview(FILE *f)
{
	size_t n;
	const struct cli_verb *v = cli_verbs(&n);

	fprintf(f, "usage: utramp VERB [OPTIONS] ... [-- CMD [ARG...]]\n\n"
		   "eBPF trampolines for functions of user-space processes.\n\n");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "  %-8s %s\n", v[i].name, v[i].summary);
	fprintf(f,
		"\n'utramp VERB --help' tells more, with examples; 'utramp --version' the version.\n");
}

/* "run, trace, ..." */
static const char *verb_names(void)
{
	static char names[256];
	size_t n, at = 0;
	const struct cli_verb *v = cli_verbs(&n);

	for (size_t i = 0; i < n && at < sizeof(names); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s", i ? ", " : "",
				       v[i].name);
	return names;
}

static int unknown_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (!strcmp(name, later[i])) {
			cli_error("'%s' is not in this version; there are: %s", name, verb_names());
			return EXIT_USAGE;
		}
	}
	cli_error("no verb '%s'; there are: %s", name, verb_names());
	return EXIT_USAGE;
}

static int run_verb(const struct cli_verb *v, int argc, char **argv)
{
	struct cli *c = calloc(1, sizeof(*c));
	int code = c ? cli_parse(v, argc, argv, c) : EXIT_RUNTIME;
	bool ours = true; /* the exit code: the command's own is never masked */

	if (!code && !v->late_output)
		code = cli_open_output(c);
	if (!code) {
		code = v->run(c);
		ours = !c->ran;
	}
	if (c && !cli_flush(c) && code <= 0 && ours)
		code = EXIT_RUNTIME;
	cli_keep_end();
	free(c);
	return code < 0 ? 0 : code;
}

/*
 * Without this the next file opened would become standard output.  The fillers fail as
 * closed descriptors do, and the command does not inherit them.
 */
static void fill_standard_fds(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", (fd ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
	}
}

/* What stands alone on the command line. */
static int print_and_end(int argc, char **argv, void (*print)(FILE *f))
{
	static struct cli c;

	if (argc > 2) {
		cli_error("%s takes nothing behind it: '%s'", argv[1], argv[2]);
		return EXIT_USAGE;
	}
	c.out = stdout;
	print(stdout);
	return cli_flush(&c) ? 0 : EXIT_RUNTIME;
}

static void version(FILE *f)
{
	fprintf(f, "utramp %s\n", utramp_version());
}

int main(int argc, char **argv)
{
	const struct cli_verb *v;
	size_t n;

	fill_standard_fds();
	if (argc < 2) {
		cli_error("the verb is missing; there are: %s; see 'utramp --help'", verb_names());
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return print_and_end(argc, argv, version);
	if (!strcmp(argv[1], "help") && argc > 3) {
		cli_error("help takes one verb: '%s' is too much", argv[3]);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") && argc > 2) {
		argv[1] = argv[2];
		argv[2] = (char *)(uintptr_t) "--help";
		argc = 3;
	} else if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
		   !strcmp(argv[1], "help")) {
		return print_and_end(argc, argv, overview);
	}
	if (!strcmp(argv[1], "complete"))
		return cli_complete(argc - 2, argv + 2);
	v = cli_verbs(&n);
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(argv[1], v[i].name))
			return run_verb(&v[i], argc - 1, argv + 1);
	}
	if (argv[1][0] == '-') {
		cli_error("the verb comes first: utramp VERB [OPTIONS]; see 'utramp --help'");
		return EXIT_USAGE;
	}
	return unknown_verb(argv[1]);
}
