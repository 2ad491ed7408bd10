/*
 * cli/main.c - find the verb and run it.
 */
#include "cli/cli.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define VERBS  "run, trace, count, latency, stack, inject, list, check, code, args, btf"
#define COMMON "btf proto debuginfo quiet verbose output help"

static const struct cli_verb verbs[] = {
	{ "run", cmd_run, "OBJ.bpf.o [OBJ...] -- CMD [ARG...]",
	  "Load BPF objects, attach their fentry, fexit, fmod_ret and fsession programs to the\n"
	  "command's functions, and print what the programs emit: bpf_printk lines, ring records by\n"
	  "the struct RING_event in the object's BTF; at the end maps and global variables, but those\n"
	  "named _...; arrays named ..._hist as histograms.\n",
	  COMMON " attach cookie missing lossless events duration json" },
	{ "trace", cmd_trace, "[MODULE:]FUNC... -- CMD [ARG...]",
	  "Print every call of the functions: arguments by name and type, result, duration.\n",
	  COMMON
	  " json entry exit filter buf strings deny depth missing lossless events duration timestamps color" },
	{ "count", cmd_count, "[MODULE:]FUNC... -- CMD [ARG...]",
	  "Count the calls of each function; the most called come first.  Calls are counted where\n"
	  "they happen, in no shared memory: it costs a few nanoseconds each, and nothing is lost.\n"
	  "Calls of forked children count until the command itself ends.\n",
	  COMMON " json missing deny filter interval duration" },
	{ "latency", cmd_latency, "[MODULE:]FUNC... -- CMD [ARG...]",
	  "Measure how long calls take: per function a histogram by powers of two, in ns.  Calls that\n"
	  "were left by exception or longjmp, or run still, are told apart and not in it.\n",
	  COMMON " json missing deny filter interval duration" },
	{ "stack", cmd_stack, "[MODULE:]FUNC... -- CMD [ARG...]",
	  "Tell who calls: calls by their stacks of callers, the most frequent first.  The first\n"
	  "caller is exact; those above need frame pointers (-fno-omit-frame-pointer), which most\n"
	  "distributions' libraries are built without.\n",
	  COMMON " json missing deny filter depth interval duration" },
	{ "inject", cmd_inject, "[MODULE:]FUNC=VALUE... -- CMD [ARG...]",
	  "Return VALUE in the functions' place, for all calls from the executable or some of them.\n"
	  "A function whose result is void takes 'void'; with --errno the value may be left out.\n",
	  COMMON " json missing duration prob seed after count errno if from" },
	{ "list", cmd_list, "[MODULE:]PATTERN... [-- CMD [ARG...]]",
	  "List functions that can be traced, with prototype and patch site.  Without a command\n"
	  "MODULE is a file.\n",
	  COMMON " json" },
	{ "check", cmd_check, "[MODULE:]FUNC... [-- CMD [ARG...]]",
	  "Tell whether and how a function can be traced, or why not.\n", COMMON " json" },
	{ "code", cmd_code, "[MODULE:]FUNC [OBJ.bpf.o...] [-- CMD [ARG...]]",
	  "Show the trampoline that a function gets: plan and disassembly with names.  Programs are\n"
	  "those of the objects that attach to it; without an object an example's, which read every\n"
	  "argument and the result.  Without a command MODULE is a file.  Nothing runs.\n",
	  COMMON " json attach cookie layout" },
	{ "args", cmd_args, "FILE...",
	  "Count a file's functions by their number of arguments, by its BTF or DWARF.\n",
	  "json quiet output help" },
	{ "btf", cmd_btf, "gen -H HEADER... -o OUT.btf | dump FILE [format c]",
	  "gen: types for a library that has none, from its headers, by libclang; for --btf, or as\n"
	  "SONAME.btf in a directory of UTRAMP_BTF_PATH.  dump: a file's BTF as C.\n",
	  "header include define lib quiet output help", true },
};

#define NVERBS (sizeof(verbs) / sizeof(verbs[0]))

/* Verbs that DESIGN has and this version has not. */
static const char *const later[] = {
	"record", "report", "dump", "ps", "detach", "doctor", "prog", "map", "link", "gen",
};

static void overview(FILE *f)
{
	fprintf(f, "usage: utramp VERB [OPTIONS] ... [-- CMD [ARG...]]\n\n"
		   "eBPF trampolines for functions of user-space processes.\n\n");
	for (size_t i = 0; i < NVERBS; i++)
		fprintf(f, "  %-7s %s\n", verbs[i].name, verbs[i].usage);
	fprintf(f, "\n'utramp VERB --help' tells more; 'utramp --version' the version.\n");
}

static int unknown_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (!strcmp(name, later[i])) {
			cli_error("'%s' is not in this version; there are: " VERBS, name);
			return EXIT_USAGE;
		}
	}
	cli_error("no verb '%s'; there are: " VERBS, name);
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
	fill_standard_fds();
	if (argc < 2) {
		cli_error("the verb is missing; there are: " VERBS "; see 'utramp --help'");
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
		return cli_complete(verbs, NVERBS, argc - 2, argv + 2);
	for (size_t i = 0; i < NVERBS; i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return run_verb(&verbs[i], argc - 1, argv + 1);
	}
	if (argv[1][0] == '-') {
		cli_error("the verb comes first: utramp VERB [OPTIONS]; see 'utramp --help'");
		return EXIT_USAGE;
	}
	return unknown_verb(argv[1]);
}
