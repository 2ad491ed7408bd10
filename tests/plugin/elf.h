/*
 * elf.h - the instructions of an ELF object, as bpf_conformance's `--elf true` hands them over.
 *
 * The program is the function main, else what `.text` or `xdp` begins with.  Functions
 * that it calls follow, from its own section and others.  Maps and data are no part of the suite
 * and refused.
 *
 * Errors   -EBADMSG no such object, -ENOTSUP what it needs; text in d
 * Memory   *out is freed by the caller
 */
#ifndef TESTS_PLUGIN_ELF_H
#define TESTS_PLUGIN_ELF_H

#include "base/diag.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

int elf_program(const uint8_t *data, size_t n, struct bpf_insn **out, size_t *ninsns,
		struct diag *d);

#endif
