/*
 * cli/complete.c - what can stand on the command line, for the shells' completion.
 *
 * `utramp complete` is for completion/ alone, and in no help.  It prints lines, their fields
 * separated by tabs, made of the tables that parsing and help come from:
 *
 *   complete                  NAME TEXT                     of each verb
 *   complete VERB             option WORD VALUE TEXT        VALUE as in the help; "-" takes none
 *                             argument WORD                 in order; the last one is repeated
 *                             command                       if "-- CMD" may follow
 *   complete functions SPEC   NAME                          as `list` without a command
 *   complete page VERB        the verb's manual page
 *
 * Context  [ctl]
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS "  " /* between an option's value and its text, at least */

/* "-o, --output FILE    text": a line for each of its words. */
static void option(FILE *f, const char *help)
{
	const char *text = strstr(help, BLANKS);
	int size = (int)(text ? text - help : (long)strlen(help)), n;
	const char *value = help;

	text = text ? text + strspn(text, " ") : "";
	while (*value == '-' && value < help + size)
		value += strcspn(value, " ") + (value[strcspn(value, " ")] == ' ');
	if (value > help + size) /* no value: its end is the first of the blanks */
		value = help + size;
	for (const char *word = help; *word == '-'; word += n) {
		n = (int)strcspn(word, ", ");
		if (value == help + size)
			fprintf(f, "option\t%.*s\t-\t%s\n", n, word, text);
		else
			fprintf(f, "option\t%.*s\t%.*s\t%s\n", n, word, (int)(help + size - value),
				value, text);
		n += (int)strspn(word + n, ", ");
	}
}

/*
 * "[MODULE:]FUNC [OBJ.bpf.o...] [-- CMD [ARG...]]": FUNC, OBJ.bpf.o, and that a command follows.
 * "[-p PID | ...]", "(-- CMD | -p PID)" at the end are options and a command.
 */
static void arguments(FILE *f, const char *usage)
{
	const char *command = strstr(usage, "-- CMD"), *end = command, *group;

	group = strstr(usage, "(-") ? strstr(usage, "(-") : strstr(usage, "[-p");
	if (group && (!end || group < end))
		end = group;
	for (const char *p = usage; *p && p != end;) {
		size_t n = strcspn(p, " ");
		const char *word = p, *last = p + n;

		if (!strncmp(word, "[MODULE:]", 9))
			word += 9;
		word += *word == '[';
		while (last > word && strchr(".]", last[-1]))
			last--;
		if (last > word)
			fprintf(f, "argument\t%.*s\n", (int)(last - word), word);
		p += n + strspn(p + n, " ");
		p += *p == '[' && p + 1 == end;
	}
	if (command)
		fprintf(f, "command\n");
}

static int of_verb(FILE *f, const struct cli_verb *v)
{
	const char *help;
	size_t next = 0;

	while ((help = cli_option_help(v, &next)))
		option(f, help);
	arguments(f, v->usage);
	return 0;
}

static int function(void *ctx, const struct utramp_func_info *info)
{
	/* the symbol: behind it, in parentheses, its other names; before it, of C++, its readable one */
	const char *mangled = strstr(info->func, " (_Z");
	const char *name = mangled ? mangled + 2 : info->func;

	fprintf(ctx, "%.*s\n", (int)strcspn(name, " ,)"), name);
	return 0;
}

/* For a key press, one try: what is wrong with the SPEC shows when the command is run. */
static int functions(FILE *f, const char *spec)
{
	return utramp_list(NULL, spec, function, f) < 0 ? EXIT_NO_MATCH : 0;
}

static int answer(FILE *f, int argc, char **argv)
{
	size_t n;
	const struct cli_verb *verbs = cli_verbs(&n);
	bool page = argc == 2 && !strcmp(argv[0], "page");

	if (argc == 2 && !strcmp(argv[0], "functions"))
		return functions(f, argv[1]);
	for (size_t i = 0; i < n && (argc == 1 || page); i++) {
		if (strcmp(argv[argc - 1], verbs[i].name) != 0)
			continue;
		if (page)
			return cli_manual(&verbs[i], f), 0;
		return of_verb(f, &verbs[i]);
	}
	if (argc) {
		cli_error("complete: not 'VERB', 'functions SPEC' or 'page VERB': '%s'", argv[0]);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s\t%s\n", verbs[i].name, verbs[i].summary);
	return 0;
}

int cli_complete(int argc, char **argv)
{
	static struct cli c;
	int code;

	c.out = stdout;
	code = answer(stdout, argc, argv);
	return cli_flush(&c) ? code : EXIT_RUNTIME;
}
