/*
 * info/args.c - see args.h.
 *
 * Context  [ctl]
 */
#include "info/args.h"

#include "info/btf.h"
#include "info/dwarf.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int from_dwarf(const char *path, struct args_table *out, struct diag *d)
{
	struct dwarf_reader *r;
	int err;

	err = dwr_open(path, &r, d);
	if (err == -ENOENT)
		return diag_set(d, err, "%s: neither BTF nor DWARF in this file", path);
	if (err < 0)
		return err;
	err = dwr_args(r, out, d);
	dwr_close(r);
	return err;
}

int args_read(const char *path, struct args_table *out, struct diag *d)
{
	struct diag btf_diag = { 0 };
	struct btf_reader *r;
	int err;

	if (access(path, F_OK) < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	err = btfr_open(path, &r, &btf_diag);
	if (err == -ENOENT)
		return from_dwarf(path, out, d);
	if (err < 0)
		return diag_set(d, err, "%s", diag_text(&btf_diag, err));
	err = btfr_args(r, out, d);
	btfr_close(r);
	return err;
}

unsigned long args_over(const struct args_table *t, unsigned n)
{
	unsigned long sum = 0;

	for (unsigned i = n + 1; i < ARGS_MAX; i++)
		sum += t->by_args[i];
	return sum;
}
