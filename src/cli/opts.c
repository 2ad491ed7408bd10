/*
 * cli/opts.c - options of all verbs; a verb takes those its table entry names.
 *
 * Options of the design that this version does not have are known by name, so that they
 * are refused with a word instead of "unrecognized option".
 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOT_YET = 0x100, /* beyond every letter, and beyond getopt's 1 for an argument */
	OPT_BTF,
	OPT_PROTO,
	OPT_DEBUGINFO,
	OPT_ATTACH,
	OPT_COOKIE,
	OPT_MISSING,
	OPT_LOSSLESS,
	OPT_ALLOW_WRITE,
	OPT_STATS,
	OPT_STRINGS,
	OPT_LAYOUT,
	OPT_PROB,
	OPT_SEED,
	OPT_AFTER,
	OPT_COUNT,
	OPT_ERRNO,
	OPT_IF,
	OPT_FROM,
	OPT_DEFINE,
	OPT_LIB,
	OPT_FILTER,
	OPT_BUF,
	OPT_COLOR,
	OPT_ENGINE,
	OPT_FAULTS,
	OPT_DRY_RUN,
	OPT_LOG_LEVEL,
	OPT_WAIT,
	OPT_ALL,
	OPT_KEEP,
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
	{ "debuginfo",  required_argument, NULL, OPT_DEBUGINFO },
	{ "attach",     required_argument, NULL, OPT_ATTACH },
	{ "cookie",     required_argument, NULL, OPT_COOKIE },
	{ "missing",    required_argument, NULL, OPT_MISSING },
	{ "lossless",   no_argument,       NULL, OPT_LOSSLESS },
	{ "allow-write", no_argument,      NULL, OPT_ALLOW_WRITE },
	{ "stats",      no_argument,       NULL, OPT_STATS },
	{ "strings",    required_argument, NULL, OPT_STRINGS },
	{ "layout",     required_argument, NULL, OPT_LAYOUT },
	{ "prob",       required_argument, NULL, OPT_PROB },
	{ "seed",       required_argument, NULL, OPT_SEED },
	{ "after",      required_argument, NULL, OPT_AFTER },
	{ "count",      required_argument, NULL, OPT_COUNT },
	{ "errno",      required_argument, NULL, OPT_ERRNO },
	{ "if",         required_argument, NULL, OPT_IF },
	{ "from",       required_argument, NULL, OPT_FROM },
	{ "header",     required_argument, NULL, 'H' },
	{ "include",    required_argument, NULL, 'I' },
	{ "define",     required_argument, NULL, OPT_DEFINE },
	{ "lib",        required_argument, NULL, OPT_LIB },
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
	{ "filter",     required_argument, NULL, OPT_FILTER },
	{ "dry-run",    no_argument,       NULL, OPT_DRY_RUN },
	{ "wait",       no_argument,       NULL, OPT_WAIT },
	{ "buf",        required_argument, NULL, OPT_BUF },
	{ "keep",       no_argument,       NULL, OPT_KEEP },
	{ "all",        no_argument,       NULL, OPT_ALL },
	{ "faults",     required_argument, NULL, OPT_FAULTS },
	{ "engine",     required_argument, NULL, OPT_ENGINE },
	{ "log-level",  required_argument, NULL, OPT_LOG_LEVEL },
	{ "max-functions", required_argument, NULL, NOT_YET },
	{ "color",      required_argument, NULL, OPT_COLOR },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

/* What to do without those that are missed most. */
static const char *instead(int letter)
{
	switch (letter) {
	case 'k':
		return "; utramp stack tells who calls";
	default:
		return "";
	}
}

/* Letters of the design that no verb of this version takes. */
static bool is_later(int letter)
{
	return letter == NOT_YET || (letter < NOT_YET && strchr("kasB", letter));
}

static int refuse(const struct cli_verb *v, const struct option *o)
{
	char letter[8] = "";

	if (o->val < NOT_YET)
		snprintf(letter, sizeof(letter), "-%c, ", o->val);
	if (is_later(o->val))
		cli_error("%s: %s--%s is not supported in this version%s", v->name, letter, o->name,
			  instead(o->val));
	else
		cli_error("%s: %s--%s is no option of this verb; see 'utramp %s --help'", v->name,
			  letter, o->name, v->name);
	return EXIT_USAGE;
}

static int number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	return *text == '-' || end == text || *end || errno ? -1 : 0;
}

/* Seconds, fractions allowed, as nanoseconds. */
static int duration(const char *text, uint64_t *out)
{
	char *end;
	double s;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	s = strtod(text, &end);
	if (end == text || *end || !(s > 0 && s < 1e9))
		return -1;
	*out = (uint64_t)(s * 1e9);
	return 0;
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

static int word(const char **list, int *n)
{
	if (*n == CLI_MAX || !*optarg)
		return -1;
	list[(*n)++] = optarg;
	return 0;
}

static int take_pid(struct cli *c, const char *text)
{
	uint64_t n;

	if (c->npid == CLI_MAX || number(text, &n) < 0 || !n || n > INT_MAX)
		return -1;
	c->pid[c->npid++] = (pid_t)n;
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

/* PROG=N, once for each program. */
static int take_cookie(struct cli *c, char *text)
{
	uint64_t n;

	if (pair(text, c->cookie, &c->ncookie) < 0)
		return -1;
	for (int i = 0; i < c->ncookie - 1; i++) {
		if (!strcmp(c->cookie[i].key, text))
			return -1;
	}
	return number(c->cookie[c->ncookie - 1].value, &n);
}

/* Frames of a stack, as many as there are in the kernel's; or how deep traced calls may nest. */
static int take_depth(struct cli *c, const char *text)
{
	uint64_t most = strcmp(c->verb, "stack") != 0 ? 1000000 : 127;

	return number(text, &c->depth) < 0 || !c->depth || c->depth > most ? -1 : 0;
	return 0;
}

static int take_missing(struct cli *c, const char *text)
{
	c->missing_ok = c->follow || strcmp(text, "error") != 0;
	c->missing_warn = !strcmp(text, "warn");
	c->missing_error = !strcmp(text, "error");
	return strcmp(text, "error") && !c->missing_warn && strcmp(text, "ignore") != 0 ? -1 : 0;
}

static int take_engine(struct cli *c, const char *text)
{
	c->engine = !strcmp(text, "interp") ? UTRAMP_INTERP : UTRAMP_JIT;
	return c->engine == UTRAMP_JIT && strcmp(text, "jit") != 0 ? -1 : 0;
}

/* 0.01 or 1%, more than nothing and no more than always. */
static int take_chance(struct cli *c, const char *text)
{
	char *end;

	if (!isdigit((unsigned char)*text) && *text != '.')
		return -1;
	c->chance = strtod(text, &end);
	if (end != text && !strcmp(end, "%"))
		c->chance /= 100;
	else if (end == text || *end)
		return -1;
	return c->chance > 0 && c->chance <= 1 ? 0 : -1;
}

/* A number, or a name as errno(3) has it. */
static int take_errno(struct cli *c, const char *text)
{
	uint64_t n;

	for (int e = 1; e < 4096 && !c->inject_errno; e++) {
		const char *name = strerrorname_np(e);

		if (name && !strcmp(name, text))
			c->inject_errno = e;
	}
	if (c->inject_errno)
		return 0;
	if (number(text, &n) < 0 || !n || n >= 4096)
		return -1;
	c->inject_errno = (int)n;
	return 0;
}

/* 0, or -1: the value is malformed; 1: no option of inject. */
static int take_inject(struct cli *c, int letter)
{
	switch (letter) {
	case OPT_PROB:
		return take_chance(c, optarg);
	case OPT_SEED:
		c->seeded = true;
		return number(optarg, &c->seed);
	case OPT_AFTER:
		c->after_main |= !strcmp(optarg, "main");
		return strcmp(optarg, "main") != 0 ? number(optarg, &c->after) : 0;
	case OPT_COUNT:
		return number(optarg, &c->count) < 0 || !c->count ? -1 : 0;
	case OPT_ERRNO:
		c->inject_errno = 0;
		return take_errno(c, optarg);
	case OPT_IF:
		c->condition = optarg;
		return 0;
	case OPT_FROM:
		c->from = optarg;
		return 0;
	}
	return 1;
}

/* Options of btf gen: the same, 1 is none of them. */
static int take_btf(struct cli *c, int letter)
{
	switch (letter) {
	case 'H':
		return word(c->header, &c->nheader);
	case 'I':
		return word(c->include, &c->ninclude);
	case OPT_DEFINE:
		return word(c->define, &c->ndefine);
	case OPT_LIB:
		c->lib = optarg;
		return 0;
	}
	return 1;
}

static int take_faults(struct cli *c, const char *text)
{
	c->faults = text;
	return strcmp(text, "auto") != 0 && strcmp(text, "syscall") != 0 ? -1 : 0;
}

/* 1, 2, 4 and their sums, as the kernel, bpftool and veristat have them. */
static int take_log_level(struct cli *c, const char *text)
{
	uint64_t n;

	if (number(text, &n) < 0 || !n || n > 7)
		return -1;
	c->log_level = (unsigned)n;
	return 0;
}

/* How programs are verified, and run, and which sessions: the same. */
static int take_verify(struct cli *c, int letter)
{
	switch (letter) {
	case OPT_ALL:
		c->all = true;
		return 0;
	case OPT_KEEP:
		c->keep = true;
		return 0;
	case OPT_DRY_RUN:
		c->dry_run = true;
		return 0;
	case OPT_LOG_LEVEL:
		return take_log_level(c, optarg);
	case OPT_ENGINE:
		return take_engine(c, optarg);
	}
	return 1;
}

/* Whose calls, which, and how they look: the same. */
static int take_calls(struct cli *c, int letter)
{
	switch (letter) {
	case 'p':
		return take_pid(c, optarg);
	case 'n':
		return word(c->comm, &c->ncomm);
	case 'x':
		c->exit_only = true;
		return 0;
	case 'N':
		return word(c->deny, &c->ndeny);
	case 'D':
		return take_depth(c, optarg);
	case OPT_BUF:
		return word(c->buf, &c->nbuf);
	case OPT_FAULTS:
		return take_faults(c, optarg);
	case OPT_FILTER:
		if (c->filter || !*optarg)
			return -1;
		c->filter = optarg;
		return 0;
	case 'f':
		c->follow = c->missing_ok = true; /* each program has some of the functions */
		return 0;
	case OPT_WAIT:
		c->wait = true;
		return 0;
	case OPT_STATS:
		c->stats = true;
		return 0;
	case OPT_COLOR:
		c->color = optarg;
		return strcmp(optarg, "auto") != 0 && strcmp(optarg, "always") != 0 &&
				       strcmp(optarg, "never") != 0 ?
			       -1 :
			       0;
	}
	return 1;
}

/* 0, or -1: the value is malformed. */
static int take(struct cli *c, int letter)
{
	int code = take_inject(c, letter);

	if (code > 0)
		code = take_btf(c, letter);
	if (code > 0)
		code = take_verify(c, letter);
	if (code > 0)
		code = take_calls(c, letter);
	if (code <= 0)
		return code;
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
		return number(optarg, &c->events) < 0 || !c->events ? -1 : 0;
	case 'd':
		return duration(optarg, &c->limit_ns);
	case 'i':
		return duration(optarg, &c->interval_ns);
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
		return take_cookie(c, optarg);
	case OPT_PROTO:
		return word(c->proto, &c->nproto);
	case OPT_DEBUGINFO:
		return word(c->debuginfo, &c->ndebuginfo);
	case OPT_MISSING:
		return take_missing(c, optarg);
	case OPT_STRINGS:
		return take_strings(c, optarg);
	case OPT_LAYOUT:
		c->layout = optarg;
		return cli_is_layout(optarg) ? 0 : -1;
	case OPT_LOSSLESS:
	case OPT_ALLOW_WRITE:
		*(letter == OPT_LOSSLESS ? &c->lossless : &c->allow_write) = true;
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

static int not_understood(const struct cli_verb *v, int ch, const char *word)
{
	char letter[] = { '-', (char)optopt, '\0' };
	bool is_long = word && !strncmp(word, "--", 2);
	const struct option *o = NULL;

	for (const struct option *p = longs; is_long && p->name && !o; p++) {
		size_t n = strcspn(word + 2, "=");

		if (!strncmp(p->name, word + 2, n))
			o = p;
	}
	if (!is_long)
		word = letter;
	if (ch == ':')
		cli_error("%s: %s: its value is missing; see 'utramp %s --help'", v->name, word,
			  v->name);
	else if (o && strchr(word, '='))
		cli_error("%s: %s: --%s takes no value", v->name, word, o->name);
	else if (o)
		cli_error("%s: %s is ambiguous: write the option's whole name", v->name, word);
	else
		cli_error("%s: no option '%s'; see 'utramp %s --help'", v->name, word, v->name);
	return EXIT_USAGE;
}

static int add_arg(struct cli *c, char *text)
{
	if (c->nargs == CLI_MAX) {
		cli_error("%s: more than %d arguments", c->verb, CLI_MAX);
		return EXIT_USAGE;
	}
	c->arg[c->nargs++] = text;
	return 0;
}

/* What values there are, or why one is not enough. */
static const char *value_hint(int letter)
{
	switch (letter) {
	case 'p':
		return " (a process's number)";
	case OPT_LAYOUT:
		return " (ours, seed)";
	case OPT_COLOR:
		return " (auto, always, never)";
	case OPT_FAULTS:
		return " (auto, syscall)";
	case OPT_LOG_LEVEL:
		return " (1, 2, 4, or a sum of them)";
	case OPT_FILTER:
		return " (one condition: join them by &&)";
	default:
		return "";
	}
}

static int one_option(const struct cli_verb *v, const struct option *o, int ch, struct cli *c)
{
	/* take() splits it */
	char value[80] = "";

	if (!cli_takes(v, o->name))
		return refuse(v, o);
	if (optarg)
		snprintf(value, sizeof(value), "%s", optarg);
	if (take(c, ch) == 0)
		return 0;
	cli_error("%s: --%s: '%s' is not a value it takes%s; see 'utramp %s --help'", v->name,
		  o->name, value, value_hint(ch), v->name);
	return EXIT_USAGE;
}

int cli_parse(const struct cli_verb *v, int argc, char **argv, struct cli *c)
{
	static const char letters[] = "-:o:jetE:d:qvVhp:n:fxN:D:i:kasB:H:I:";
	int n = split(argc, argv, c), index = -1, ch, code = 0;

	c->verb = v->name;
	c->strings = 64;
	c->out = stdout;
	opterr = 0;
	while (!code && (ch = getopt_long(n, argv, letters, longs, &index)) != -1) {
		if (ch == 'D' && index < 0 && cli_takes(v, "define"))
			ch = OPT_DEFINE; /* the compilers' letter; elsewhere it is a depth */
		if (ch == 1) {
			code = add_arg(c, optarg);
		} else if (ch == 'h') {
			cli_usage(v, stdout);
			return -1;
		} else if (ch == 'V') {
			printf("utramp %s\n", utramp_version());
			return -1;
		} else if (ch == '?' || ch == ':') {
			code = not_understood(v, ch, argv[optind - 1]);
		} else {
			code = one_option(v, by_letter(ch, index), ch, c);
		}
		index = -1;
	}
	return code;
}
