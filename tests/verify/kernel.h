/*
 * kernel.h - this kernel's verdict on a program of gen.h, loaded as a raw tracepoint.
 *
 * bpf(2) is called itself: libbpf's calls are answered by src/sys/ wherever that is linked.
 */
#ifndef TESTS_VERIFY_KERNEL_H
#define TESTS_VERIFY_KERNEL_H

#include <linux/bpf.h>
#include <stdbool.h>

/* Makes the maps of gen.h.  false: bpf(2) is not allowed here; why is a text. */
bool kernel_open(const char **why);

/* Of at most SAME_MAX_INSNS instructions (same.h); no log is made, so what was said last stays valid. */
bool kernel_accepts(const struct bpf_insn *insn, int n);

/* NULL: accepted; else the reason, valid until the next call. */
const char *kernel_refuses(const struct bpf_insn *insn, int n);

/* The line of its log before the last reason, or "". */
const char *kernel_before(void);

/* All that it says of a program; valid as long. */
const char *kernel_log(const struct bpf_insn *insn, int n);

#endif
