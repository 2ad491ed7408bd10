/*
 * cli/cmd_args.c - utramp args: how many functions have how many arguments.
 */
#include "cli/cli.h"

#include "base/json.h"

#define NARGS 256

static unsigned long over(const struct utramp_args *a, int n)
{
	unsigned long sum = 0;

	for (int i = n + 1; i < NARGS; i++)
		sum += a->by_args[i];
	return sum;
}

static void print_table(FILE *out, const char *file, const struct utramp_args *a)
{
	fprintf(out, "%s: %lu functions\n\nargument count | function count\n", file, a->functions);
	for (int i = 0; i < NARGS; i++) {
		if (a->by_args[i])
			fprintf(out, "%14d | %14lu\n", i, a->by_args[i]);
	}
	fprintf(out,
		"\nmore than 6: %lu, more than 12: %lu, variadic: %lu, struct by value: %lu, "
		"float: %lu\n",
		over(a, 6), over(a, 12), a->variadic, a->struct_by_value, a->with_float);
}

static void print_json(FILE *out, const char *file, const struct utramp_args *a)
{
	struct json w;
	char key[16];

	json_init(&w);
	json_open(&w, '{');
	json_key(&w, "file");
	json_str(&w, file);
	json_key(&w, "functions");
	json_u64(&w, a->functions);
	json_key(&w, "by_args");
	json_open(&w, '{');
	for (int i = 0; i < NARGS; i++) {
		if (!a->by_args[i])
			continue;
		snprintf(key, sizeof(key), "%d", i);
		json_key(&w, key);
		json_u64(&w, a->by_args[i]);
	}
	json_close(&w, '}');
	json_key(&w, "over6");
	json_u64(&w, over(a, 6));
	json_key(&w, "over12");
	json_u64(&w, over(a, 12));
	json_key(&w, "variadic");
	json_u64(&w, a->variadic);
	json_key(&w, "struct_by_value");
	json_u64(&w, a->struct_by_value);
	json_key(&w, "float");
	json_u64(&w, a->with_float);
	json_close(&w, '}');
	fprintf(out, "%s\n", w.buf);
	json_fini(&w);
}

int cmd_args(struct cli *c)
{
	if (!c->nargs) {
		cli_error("args: the file is missing: utramp args FILE...");
		return EXIT_USAGE;
	}
	for (int i = 0; i < c->nargs; i++) {
		struct utramp_args a = { .sz = sizeof(a) };
		int err = utramp_args_count(c->arg[i], &a);

		if (err)
			return cli_fail_file(err);
		if (c->json)
			print_json(c->out, c->arg[i], &a);
		else
			print_table(c->out, c->arg[i], &a);
	}
	return 0;
}
