/*
 * gen/writer.h - eBPF instructions, one after the other, into a buffer that grows.
 *
 * Does not know what the programs are for.  The first failure sticks: later calls do nothing,
 * gen_writer_done() tells.
 *
 * Errors   -ENOMEM; -E2BIG a jump too far for its 16 bits
 * Memory   gen_writer_done() gives the instructions to the caller; gen_writer_drop() instead
 *          frees them
 * Context  [ctl]
 * Spec     RFC 9669
 */
#ifndef GEN_WRITER_H
#define GEN_WRITER_H

#include "base/vec.h"

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct gen_prog {
	struct bpf_insn *insn; /* malloc'ed */
	unsigned n;
};

struct gen_writer {
	VEC(struct bpf_insn);
	int err;
};

void gen_put(struct gen_writer *w, int code, uint8_t dst, uint8_t src, int off, int32_t imm);
void gen_put_mov(struct gen_writer *w, uint8_t dst, uint8_t src);
void gen_put_set(struct gen_writer *w, uint8_t dst, int32_t imm); /* sign-extended */
void gen_put_set64(struct gen_writer *w, uint8_t dst, uint64_t imm);
void gen_put_add(struct gen_writer *w, uint8_t dst, int32_t imm);
void gen_put_load(struct gen_writer *w, uint8_t dst, uint8_t base, size_t off); /* 8 bytes */
void gen_put_store(struct gen_writer *w, uint8_t base, size_t off, uint8_t src);
void gen_put_map(struct gen_writer *w, uint8_t dst, int fd);
void gen_put_call(struct gen_writer *w, int helper);
void gen_put_exit(struct gen_writer *w); /* returns 0 */

/* A conditional jump on an immediate whose target comes later: its place, for gen_jump_here(). */
unsigned gen_put_jump(struct gen_writer *w, int op, uint8_t dst, int32_t imm);
void gen_jump_here(struct gen_writer *w, unsigned at);

int gen_writer_done(struct gen_writer *w, struct gen_prog *out);
void gen_writer_drop(struct gen_writer *w);

#endif
