/*
 * cli/help.c - the tables as text: `utramp VERB --help`, and the verb's manual page in mdoc(7).
 */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

/* One line an option: "-l, --long VALUE", two blanks at least, what it does. */
static const struct option_help {
	const char *name, *text;
	const char *only; /* the verb that this is the text for; NULL: all that take it */
} help[] = {
	{ "prob", "--prob P|P%              the chance of each call: 0.01, 1%", NULL },
	{ "seed", "--seed N                 the same choices as with this seed before", NULL },
	{ "after", "--after N|main           not the first N calls; not before main()", NULL },
	{ "count", "--count N                at most N times", NULL },
	{ "errno", "--errno E                set errno: ENOMEM, 12", NULL },
	{ "if", "--if EXPR                only calls with such arguments: 'size > 64'", NULL },
	{ "from", "--from MODULE            calls from there ('*': any; the executable)", NULL },
	{ "header", "-H, --header FILE        as #include \"FILE\" finds it; may be repeated",
	  NULL },
	{ "include", "-I, --include DIR        where headers are looked for, too", NULL },
	{ "define", "-D, --define MACRO[=V]   before the headers", NULL },
	{ "lib", "--lib FILE               only functions that this library exports", NULL },
	{ "pid", "-p, --pid PID            a process that runs; may be repeated", NULL },
	{ "comm", "-n, --comm NAME          all processes of that name; '*' and '?' allowed",
	  NULL },
	{ "follow", "-f, --follow             children and programs they execute, too", NULL },
	{ "entry", "-e, --entry              entries only, no results", NULL },
	{ "exit", "-x, --exit               returns only, with what arguments are then", NULL },
	{ "filter", "--filter EXPR            only such calls: 'n > 9 && ret < 0'", NULL },
	{ "buf", "--buf ARG=LENARG|N|ret   show so many bytes behind a pointer", NULL },
	{ "strings", "--strings N|off          bytes shown of a char * (64)", NULL },
	{ "deny", "-N, --deny PATTERN       leave these functions out", NULL },
	{ "depth", "-D, --depth N            only calls nested at most N deep", "trace" },
	{ "depth", "-D, --depth N            callers that tell stacks apart (16)", "stack" },
	{ "attach", "--attach PROG=SPEC       bind a program to a function", NULL },
	{ "cookie", "--cookie PROG=N          what bpf_get_attach_cookie() gives it", NULL },
	{ "layout", "--layout ours|seed       whose frame: ours, or the kernel's", NULL },
	{ "timestamps", "-t, --timestamps         seconds since the first event", NULL },
	{ "color", "--color auto|always|never", NULL },
	{ "interval", "-i, --interval SECONDS   print what came since, again and again", NULL },
	{ "events", "-E, --events N           print N events, then detach", NULL },
	{ "duration", "-d, --duration SECONDS   detach after that time", NULL },
	{ "json", "-j, --json               one JSON object a line", NULL },
	{ "missing", "--missing error|warn|ignore   functions that cannot be attached", NULL },
	{ "wait", "--wait                   with -p: for modules that are not loaded yet", NULL },
	{ "keep", "--keep                   go on in the background, until utramp detach", NULL },
	{ "engine", "--engine jit|interp      how programs run; interp: slowly, to compare", NULL },
	{ "lossless", "--lossless               the target waits instead of losing events", NULL },
	{ "allow-write", "--allow-write            programs may write memory of the target", NULL },
	{ "stats", "--stats                  how often programs ran, and how long", NULL },
	{ "dry-run", "--dry-run                only verify; with or without a command", NULL },
	{ "log-level",
	  "--log-level N            the verifier's log: 1 path, 2 all paths, 4 statistics", NULL },
	{ "faults", "--faults auto|syscall    how programs survive bad addresses", NULL },
	{ "btf", "--btf MODULE=FILE        types for a module: BTF, raw or in an ELF file", NULL },
	{ "proto", "--proto 'int f(T *)'     types for one function", NULL },
	{ "debuginfo", "--debuginfo FILE|DIR     debug file of a module, or a tree of them", NULL },
	{ "output", "-o, --output FILE        write there instead of stdout", NULL },
	{ "all", "--all                    every session", NULL },
	{ "quiet", "-q, --quiet              no progress on stderr", NULL },
	{ "verbose", "-v, --verbose            more of it", NULL },
	{ "help", "-h, --help               this text", NULL },
};

bool cli_takes(const struct cli_verb *v, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = v->options; (p = strstr(p, name)); p += n) {
		if ((p == v->options || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	}
	return false;
}

const char *cli_option_help(const struct cli_verb *v, size_t *next)
{
	while (*next < sizeof(help) / sizeof(help[0])) {
		const struct option_help *h = &help[(*next)++];

		if (cli_takes(v, h->name) && (!h->only || !strcmp(h->only, v->name)))
			return h->text;
	}
	return NULL;
}

void cli_usage(const struct cli_verb *v, FILE *f)
{
	const char *text;
	size_t next = 0;

	fprintf(f, "usage: utramp %s [OPTIONS]%s%s\n\n", v->name, *v->usage ? " " : "", v->usage);
	fprintf(f, "%s.\n%s\n", v->summary, v->help);
	while ((text = cli_option_help(v, &next)))
		fprintf(f, "  %s\n", text);
	for (int i = 0; i < CLI_EXAMPLES && v->example[i].command; i++)
		fprintf(f, "\n  # %s\n  %s\n", v->example[i].what, v->example[i].command);
}

/* -- manual pages ------------------------------------------------------------------------- */

/* Text in which mdoc sees no macro; hyphens are minus signs in what is typed. */
static void put_text(FILE *f, const char *text, size_t n, bool typed)
{
	if (n && (*text == '.' || *text == '\''))
		fputs("\\&", f);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\\')
			fputs("\\e", f);
		else if (text[i] == '-' && typed)
			fputs("\\-", f);
		else if (text[i] == '\'' && typed)
			fputs("\\(aq", f);
		else
			fputc(text[i], f);
	}
}

/* A sentence a line, as mdoc has it. */
static void put_prose(FILE *f, const char *text)
{
	size_t from = 0, n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		bool ends = text[i] == '.' && (text[i + 1] == ' ' || text[i + 1] == '\n') &&
			    (text[i + 2] == ' ' || text[i + 1] == '\n' || !text[i + 2]);

		if (text[i] != '\n' && !ends)
			continue;
		put_text(f, text + from, i + ends - from, false);
		fputc('\n', f);
		for (i += ends; text[i] == ' ' || (ends && text[i] == '\n');)
			i++;
		from = text[i] == '\n' ? i + 1 : i;
		i = from - 1;
	}
}

/* "-o, --output FILE   text" as an item of a list. */
static void put_option(FILE *f, const char *text)
{
	size_t head = (size_t)(strstr(text, "  ") ? strstr(text, "  ") - text : (long)strlen(text));
	const char *more = text + head + strspn(text + head, " ");

	fputs(".It Xo\n.Li ", f);
	fputc('"', f);
	put_text(f, text, head, true);
	fputs("\"\n.Xc\n", f);
	if (*more) {
		put_text(f, more, strlen(more), false);
		fputs(".\n", f);
	}
}

void cli_manual(const struct cli_verb *v, FILE *f)
{
	const char *text;
	size_t next = 0;

	fprintf(f, ".\\\" made by `utramp complete page %s`: edit src/cli/verbs.c and help.c\n",
		v->name);
	fputs(".Dd November 26, 2026\n.Dt UTRAMP\\-", f);
	for (const char *p = v->name; *p; p++)
		fputc(toupper((unsigned char)*p), f);
	fprintf(f, " 1\n.Os\n.Sh NAME\n.Nm utramp\\-%s\n.Nd %c%s\n", v->name,
		tolower((unsigned char)v->summary[0]), v->summary + 1);
	fprintf(f, ".Sh SYNOPSIS\n.Nm utramp\n.Cm %s\n.Op Ar options\n", v->name);
	if (*v->usage) {
		fputs(".Li \"", f);
		put_text(f, v->usage, strlen(v->usage), true);
		fputs("\"\n", f);
	}
	fputs(".Sh DESCRIPTION\n", f);
	put_text(f, v->summary, strlen(v->summary), false);
	fputs(".\n", f);
	put_prose(f, v->help);
	fputs(".Pp\nHow functions are named, where types come from, what output looks like, and "
	      "exit codes are in\n.Xr utramp 1 .\n.Bl -tag -width Ds\n",
	      f);
	while ((text = cli_option_help(v, &next)))
		put_option(f, text);
	fputs(".El\n.Sh EXAMPLES\n", f);
	for (int i = 0; i < CLI_EXAMPLES && v->example[i].command; i++) {
		put_text(f, v->example[i].what, strlen(v->example[i].what), false);
		fputs(":\n.Dl ", f);
		put_text(f, v->example[i].command, strlen(v->example[i].command), true);
		fputs(i + 1 < CLI_EXAMPLES ? "\n.Pp\n" : "\n", f);
	}
	fputs(".Sh SEE ALSO\n.Xr utramp 1\n", f);
}
