/*
 * cli/opts.c - options of all verbs; a verb takes those its table entry names.
 *
 * Options of the design that this version does not have are known by name, so that they
 * are refused with a word instead of "unrecognized option".
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOT_YET = 1,
	OPT_BTF,
	OPT_PROTO,
	OPT_ATTACH,
	OPT_COOKIE,
	OPT_MISSING,
	OPT_LOSSLESS,
	OPT_STRINGS
};

/* clang-format off */
static const struct option longs[] = {
	{ "output",     required_argument, NULL, 'o' },
	{ "json",       no_argument,       NULL, 'j' },
	{ "entry",      no_argument,       NULL, 'e' },
	{ "timestamps", no_argument,       NULL, 't' },
	{ "events",     required_argument, NULL, 'E' },
	{ "duration",   required_argument, NULL, 'd' },
	{ "quiet",      no_argument,       NULL, 'q' },
	{ "verbose",    no_argument,       NULL, 'v' },
	{ "version",    no_argument,       NULL, 'V' },
	{ "help",       no_argument,       NULL, 'h' },
	{ "btf",        required_argument, NULL, OPT_BTF },
	{ "proto",      required_argument, NULL, OPT_PROTO },
	{ "attach",     required_argument, NULL, OPT_ATTACH },
	{ "cookie",     required_argument, NULL, OPT_COOKIE },
	{ "missing",    required_argument, NULL, OPT_MISSING },
	{ "lossless",   no_argument,       NULL, OPT_LOSSLESS },
	{ "strings",    required_argument, NULL, OPT_STRINGS },
	{ "pid",        required_argument, NULL, 'p' },
	{ "comm",       required_argument, NULL, 'n' },
	{ "follow",     no_argument,       NULL, 'f' },
	{ "exit",       no_argument,       NULL, 'x' },
	{ "deny",       required_argument, NULL, 'N' },
	{ "depth",      required_argument, NULL, 'D' },
	{ "interval",   required_argument, NULL, 'i' },
	{ "stack",      no_argument,       NULL, 'k' },
	{ "args",       no_argument,       NULL, 'a' },
	{ "srcline",    no_argument,       NULL, 's' },
	{ "buffering",  required_argument, NULL, 'B' },
	{ "pretty",     no_argument,       NULL, NOT_YET },
	{ "filter",     required_argument, NULL, NOT_YET },
	{ "dry-run",    no_argument,       NULL, NOT_YET },
	{ "wait",       no_argument,       NULL, NOT_YET },
	{ "debuginfo",  required_argument, NULL, NOT_YET },
	{ "buf",        required_argument, NULL, NOT_YET },
	{ "keep",       no_argument,       NULL, NOT_YET },
	{ "all",        no_argument,       NULL, NOT_YET },
	{ "faults",     required_argument, NULL, NOT_YET },
	{ "engine",     required_argument, NULL, NOT_YET },
	{ "log-level",  required_argument, NULL, NOT_YET },
	{ "allow-write", no_argument,      NULL, NOT_YET },
	{ "max-functions", required_argument, NULL, NOT_YET },
	{ "color",      required_argument, NULL, NOT_YET },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* Why -p and its like are refused, for those who need another way. */
static const char *instead(int letter)
{
	switch (letter) {
	case 'p':
	case 'n':
		return "; start the program under utramp: '-- CMD'";
	case 'f':
		return "; children are not followed";
	default:
		return "";
	}
}

static bool takes(const struct cli_verb *v, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = v->options; (p = strstr(p, name)); p += n) {
		if ((p == v->options || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	}
	return false;
}

static int refuse(const struct cli_verb *v, const struct option *o, int letter)
{
	if (letter > NOT_YET && letter <= OPT_STRINGS)
		letter = 0;
	if (letter >= ' ')
		cli_error("%s: option -%c (--%s) is not supported%s", v->name, letter, o->name,
			  strchr("pnfxNDikasB", letter) ? " in this version yet" : " by this verb");
	else
		cli_error("%s: option --%s is not supported %s", v->name, o->name,
			  letter == NOT_YET ? "in this version yet" : "by this verb");
	if (*instead(letter))
		cli_error("%s", instead(letter) + 2);
	return EXIT_USAGE;
}

static int number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return *text == '-' || end == text || *end || errno ? -1 : 0;
}

/* "KEY=VALUE", split in place. */
static int pair(char *text, struct cli_pair *list, int *n)
{
	char *eq = strchr(text, '=');

	if (!eq || eq == text || !eq[1] || *n == CLI_MAX)
		return -1;
	*eq = '\0';
	list[*n].key = text;
	list[(*n)++].value = eq + 1;
	return 0;
}

static int take_strings(struct cli *c, const char *text)
{
	uint64_t n = 0;

	if (strcmp(text, "off") != 0 && (number(text, &n) < 0 || n > 4096))
		return -1;
	c->strings = (unsigned)n;
	return 0;
}

static int take_missing(struct cli *c, const char *text)
{
	c->missing_ok = strcmp(text, "error") != 0;
	c->missing_warn = !strcmp(text, "warn");
	return c->missing_ok && !c->missing_warn && strcmp(text, "ignore") != 0 ? -1 : 0;
}

/* 0, or -1: the value is malformed. */
static int take(struct cli *c, int letter)
{
	switch (letter) {
	case 'o':
		c->output = optarg;
		return 0;
	case 'j':
		c->json = true;
		return 0;
	case 'e':
		c->entry_only = true;
		return 0;
	case 't':
		c->timestamps = true;
		return 0;
	case 'E':
		return number(optarg, &c->events);
	case 'd':
		return number(optarg, &c->seconds);
	case 'q':
		c->quiet = true;
		return 0;
	case 'v':
		c->verbose++;
		return 0;
	case OPT_BTF:
		return pair(optarg, c->btf, &c->nbtf);
	case OPT_ATTACH:
		return pair(optarg, c->attach, &c->nattach);
	case OPT_COOKIE:
		return pair(optarg, c->cookie, &c->ncookie);
	case OPT_PROTO:
		if (c->nproto == CLI_MAX)
			return -1;
		c->proto[c->nproto++] = optarg;
		return 0;
	case OPT_MISSING:
		return take_missing(c, optarg);
	case OPT_STRINGS:
		return take_strings(c, optarg);
	case OPT_LOSSLESS:
		c->lossless = true;
		return 0;
	}
	return -1;
}

static const struct option *by_letter(int letter, int index)
{
	if (index >= 0)
		return &longs[index];
	for (const struct option *o = longs; o->name; o++) {
		if (o->val == letter)
			return o;
	}
	return &longs[0];
}

/* Cut argv at "--": what follows is the command, and no option of ours. */
static int split(int argc, char **argv, struct cli *c)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			c->command = i + 1 < argc ? argv + i + 1 : NULL;
			return i;
		}
	}
	return argc;
}

int cli_parse(const struct cli_verb *v, int argc, char **argv, struct cli *c)
{
	static const char letters[] = "-:o:jetE:d:qvVhp:n:fxN:D:i:kasB:";
	int n = split(argc, argv, c), index = -1, ch;

	c->verb = v->name;
	c->strings = 64;
	c->out = stdout;
	opterr = 0;
	while ((ch = getopt_long(n, argv, letters, longs, &index)) != -1) {
		const struct option *o = by_letter(ch, index);

		if (ch == 1) { /* not an option */
			if (c->nargs == CLI_MAX)
				return cli_error("too many arguments"), EXIT_USAGE;
			c->arg[c->nargs++] = optarg;
		} else if (ch == 'h') {
			cli_usage(v, stdout);
			return -1;
		} else if (ch == 'V') {
			printf("utramp %s\n", utramp_version());
			return -1;
		} else if (ch == '?' || ch == ':') {
			cli_error("%s: %s '%s'; see 'utramp %s --help'", v->name,
				  ch == ':' ? "a value is missing behind" : "no option",
				  argv[optind - 1], v->name);
			return EXIT_USAGE;
		} else if (!takes(v, o->name)) {
			return refuse(v, o, ch == 1 ? 0 : ch);
		} else if (take(c, ch) < 0) {
			cli_error("%s: --%s: '%s' is not a value it takes", v->name, o->name,
				  optarg);
			return EXIT_USAGE;
		}
		index = -1;
	}
	return 0;
}

void cli_usage(const struct cli_verb *v, FILE *f)
{
	static const struct {
		const char *name, *text;
	} help[] = {
		{ "output", "-o, --output FILE        write there instead of stdout" },
		{ "json", "-j, --json               one JSON object a line" },
		{ "entry", "-e, --entry              entries only, no results" },
		{ "timestamps", "-t, --timestamps         seconds since the first event" },
		{ "events", "-E, --events N           detach after N events" },
		{ "duration", "-d, --duration SECONDS   detach after that time" },
		{ "btf",
		  "--btf MODULE=FILE        types for a module: BTF, raw or in an ELF file" },
		{ "proto", "--proto 'int f(T *)'     types for one function" },
		{ "attach", "--attach PROG=SPEC       bind a program to a function" },
		{ "cookie", "--cookie PROG=N          what bpf_get_attach_cookie() gives it" },
		{ "missing", "--missing error|warn|ignore   functions that cannot be attached" },
		{ "lossless",
		  "--lossless               the target waits instead of losing events" },
		{ "strings", "--strings N|off          bytes shown of a char * (64)" },
		{ "quiet", "-q, --quiet              no progress on stderr" },
		{ "verbose", "-v, --verbose            more of it" },
		{ "help", "-h, --help               this" },
	};

	fprintf(f, "usage: utramp %s [OPTIONS] %s\n\n%s\n", v->name, v->usage, v->help);
	for (size_t i = 0; i < sizeof(help) / sizeof(help[0]); i++) {
		if (takes(v, help[i].name))
			fprintf(f, "  %s\n", help[i].text);
	}
}
