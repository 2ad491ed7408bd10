/*
 * info/args.h - the table "argument count: functions" (the kernel change's own statistics).
 *
 * Errors   those of the readers
 * Memory   plain data, the caller's
 * Context  [ctl]
 */
#ifndef INFO_ARGS_H
#define INFO_ARGS_H

#include "base/diag.h"

#define ARGS_MAX 256

struct args_table {
	unsigned long functions;
	unsigned long by_args[ARGS_MAX]; /* the last entry: that many or more */
	unsigned long variadic, struct_by_value, with_float;
};

/* From BTF if the file has it, else DWARF; -ENOENT: neither. */
int args_read(const char *path, struct args_table *out, struct diag *d);

unsigned long args_over(const struct args_table *t, unsigned n); /* more than n arguments */

#endif
