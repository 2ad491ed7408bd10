/*
 * records_case.h - one program with func_info and line_info, and what can be wrong with them.
 *
 * For records_test.c, and tests/verify/log_test.c which gives the same to this machine's kernel.
 */
#ifndef TESTS_SYS_RECORDS_CASE_H
#define TESTS_SYS_RECORDS_CASE_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct record_line {
	struct bpf_line_info i;
	uint32_t more; /* than is known */
};

extern struct bpf_insn record_insn[];
extern struct bpf_func_info record_func[];
extern struct record_line record_line[];
extern union bpf_attr record_attr; /* of BPF_PROG_LOAD */

/* Everything as it should be; load_btf gives a descriptor. */
void record_start(int (*load_btf)(void *arg, const void *raw, uint32_t size), void *arg);

struct record_case {
	void (*spoil)(void);
	int err;
	const char *says; /* the kernel, in its log; "": nothing */
	const char *ours; /* what we say; NULL: the same */
};
extern const struct record_case record_cases[];
extern const size_t nrecord_cases;

#endif
