/*
 * cli/cmd_btf.c - utramp btf: make BTF from headers, show BTF as C.
 */
#include "cli/cli.h"

#include "utramp/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void left_out(void *ctx, const char *function, const char *why)
{
	cli_info(ctx, "%s is left out: %s", function, why);
}

static int write_out(struct cli *c, const void *data, size_t size)
{
	int code = cli_open_output(c);

	if (code)
		return code;
	if (size && fwrite(data, size, 1, c->out) != 1)
		return EXIT_RUNTIME; /* told when the output is flushed */
	return 0;
}

static int gen(struct cli *c)
{
	struct utramp_btf_gen_opts o = {
		.sz = sizeof(o),
		.headers = c->header,
		.includes = c->include,
		.defines = c->define,
		.nheaders = (size_t)c->nheader,
		.nincludes = (size_t)c->ninclude,
		.ndefines = (size_t)c->ndefine,
		.library = c->lib,
		.left_out = left_out,
		.ctx = c,
	};
	void *data = NULL;
	size_t size = 0;
	int code, err;

	if (!c->nheader || !c->output) {
		cli_error("btf gen: %s is missing: utramp btf gen -H HEADER... -o OUT.btf",
			  c->nheader ? "-o" : "-H");
		return EXIT_USAGE;
	}
	if (c->nargs > 1) {
		cli_error("btf gen: '%s': headers are given by -H", c->arg[1]);
		return EXIT_USAGE;
	}
	err = utramp_btf__gen(&o, &data, &size);
	code = err ? cli_fail_file(err) : write_out(c, data, size);
	free(data);
	return code;
}

static void print(void *ctx, const char *text)
{
	struct cli *c = ctx;

	fputs(text, c->out);
}

/* As bpftool has it: "dump [file] FILE [format c]". */
static int dump(struct cli *c)
{
	int at = c->nargs > 2 && !strcmp(c->arg[1], "file") ? 2 : 1, code, err;
	int more = c->nargs - at - 1;

	if (c->nheader || c->ninclude || c->ndefine || c->lib) {
		cli_error("btf dump: -H, -I, -D and --lib are for btf gen");
		return EXIT_USAGE;
	}
	if (more < 0 || (more && (more != 2 || strcmp(c->arg[at + 1], "format") != 0))) {
		cli_error("btf dump: one file: utramp btf dump FILE [format c]");
		return EXIT_USAGE;
	}
	if (more && strcmp(c->arg[at + 2], "c") != 0) {
		cli_error("btf dump: format '%s' is not in this version; there is: c (bpftool btf "
			  "dump file %s shows raw types)",
			  c->arg[at + 2], c->arg[at]);
		return EXIT_USAGE;
	}
	code = cli_open_output(c);
	if (code)
		return code;
	err = utramp_btf__dump_c(c->arg[at], print, c);
	return err ? cli_fail_file(err) : 0;
}

int cmd_btf(struct cli *c)
{
	if (c->command) {
		cli_error("btf: no command is run: '%s'", c->command[0]);
		return EXIT_USAGE;
	}
	if (c->nargs && !strcmp(c->arg[0], "gen"))
		return gen(c);
	if (c->nargs && !strcmp(c->arg[0], "dump"))
		return dump(c);
	if (c->nargs)
		cli_error("btf: '%s' is not in this version; there are: gen, dump", c->arg[0]);
	else
		cli_error("btf: what is missing: gen, dump");
	return EXIT_USAGE;
}
