/*
 * sys/prog_log.h - what BPF_PROG_LOAD says: the log that the caller asked for, and who else wants it.
 *
 * Context  [ctl] under sys_lock
 */
#ifndef SYS_PROG_LOG_H
#define SYS_PROG_LOG_H

#include "sys/records.h"

/* What is known of a load: all zero is what was not asked. */
struct verdict {
	bool announced; /* by sys_expect(), not one of libbpf's questions */
	struct verify_log log;
	struct verify_stats stats;
	struct sys_load records; /* func and line alone */
	struct sys_lines lines;
};

/* The line of the instruction that the diag begins with ("insn 5: ..."). */
void sys_log_add_source(struct sys_call *c, const struct verdict *said);

/* Gives err, or why the log could not be written: -ENOSPC it is longer than the caller's memory. */
int sys_log_write(struct sys_call *c, const struct verdict *said, int err);

#endif
