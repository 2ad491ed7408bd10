/*
 * records.h - what engines.py writes: programs with memories, one behind the other.
 *
 * Errors   half a record ends the process with status 1: the writer is a test of ours
 */
#ifndef TESTS_RECORDS_H
#define TESTS_RECORDS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_MAX_MEM 65536

enum { RECORD_UNVERIFIED = 1, RECORD_BODY = 2 };

struct record {
	struct {
		uint32_t ninsns, mem_len, nmem, flags;
	} h; /* as in the file; the rest follows it there */
	struct bpf_insn *insn;
	uint8_t *mems; /* nmem times mem_len */
};

/* The next one of stdin; false at its end.  r is zero at first; what it holds is freed. */
bool record_next(struct record *r);

/* To stdout: bytes; u32 errno, u32 length and the text of a refusal. */
void record_put(const void *from, size_t n);
void record_put32(uint32_t v);
void record_refuse(int err, const char *text);

#endif
