/*
 * sys/records.h - func_info and line_info of BPF_PROG_LOAD: checked, kept, asked for source lines.
 *
 * What they may be is the kernel's rule (kernel/bpf/verifier.c check_btf_func(), check_btf_line()):
 * records rise, of functions one stands at each function's beginning and nowhere else, lines have one
 * there at least, and what they name is in the program's BTF.
 *
 * Errors   -EINVAL with the kernel's words, -E2BIG a record has more than is known here (its size is
 *          told in the caller's attributes), -EFAULT, -ENOMEM
 * Memory   sys_records_free(); the BTF is borrowed
 * Context  [ctl]
 */
#ifndef SYS_RECORDS_H
#define SYS_RECORDS_H

#include "bpf/verify.h"
#include "sys/session.h"

/* l->func and l->line, of the call's attributes; btf NULL: there are none. */
int sys_records_take(struct sys_call *c, const struct sys_object *btf, struct sys_load *l);
void sys_records_free(struct sys_load *l);

struct sys_lines {
	const struct sys_info_records *line, *func;
	const struct btf *btf;
};

/* For struct verify_prog.source: arg is a struct sys_lines. */
bool sys_records_source(void *arg, uint32_t insn, struct verify_source *out);

/* For struct verify_prog.function, of the same arg: sys/funcs.c. */
bool sys_records_function(void *arg, uint32_t insn, struct verify_func *out);

#endif
