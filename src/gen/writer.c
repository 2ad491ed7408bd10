/*
 * gen/writer.c - see writer.h.
 */
#include "gen/writer.h"
#include "gen/regs.h"

#include <string.h>

void gen_put(struct gen_writer *w, int code, uint8_t dst, uint8_t src, int off, int32_t imm)
{
	struct bpf_insn insn = { .code = (uint8_t)code,
				 .dst_reg = dst & 15u,
				 .src_reg = src & 15u,
				 .off = (int16_t)off,
				 .imm = imm };

	if (!w->err)
		w->err = vec_push(w, insn);
}

void gen_put_mov(struct gen_writer *w, uint8_t dst, uint8_t src)
{
	gen_put(w, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

void gen_put_set(struct gen_writer *w, uint8_t dst, int32_t imm)
{
	gen_put(w, BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

void gen_put_set64(struct gen_writer *w, uint8_t dst, uint64_t imm)
{
	gen_put(w, BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, (int32_t)(uint32_t)imm);
	gen_put(w, 0, 0, 0, 0, (int32_t)(uint32_t)(imm >> 32));
}

void gen_put_add(struct gen_writer *w, uint8_t dst, int32_t imm)
{
	gen_put(w, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

void gen_put_load(struct gen_writer *w, uint8_t dst, uint8_t base, size_t off)
{
	gen_put(w, BPF_LDX | BPF_MEM | BPF_DW, dst, base, (int)off, 0);
}

void gen_put_store(struct gen_writer *w, uint8_t base, size_t off, uint8_t src)
{
	gen_put(w, BPF_STX | BPF_MEM | BPF_DW, base, src, (int)off, 0);
}

void gen_put_map(struct gen_writer *w, uint8_t dst, int fd)
{
	gen_put(w, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, fd);
	gen_put(w, 0, 0, 0, 0, 0);
}

void gen_put_call(struct gen_writer *w, int helper)
{
	gen_put(w, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

void gen_put_exit(struct gen_writer *w)
{
	gen_put_set(w, R0, 0);
	gen_put(w, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

unsigned gen_put_jump(struct gen_writer *w, int op, uint8_t dst, int32_t imm)
{
	gen_put(w, BPF_JMP | op | BPF_K, dst, 0, 0, imm);
	return (unsigned)w->n - 1;
}

void gen_jump_here(struct gen_writer *w, unsigned at)
{
	size_t off = w->n - at - 1;

	if (w->err)
		return;
	if (off > INT16_MAX)
		w->err = -E2BIG;
	else
		w->at[at].off = (int16_t)off;
}

int gen_writer_done(struct gen_writer *w, struct gen_prog *out)
{
	int err = w->err;

	if (!err) {
		*out = (struct gen_prog){ .insn = w->at, .n = (unsigned)w->n };
		memset(w, 0, sizeof(*w));
	}
	gen_writer_drop(w);
	return err;
}

void gen_writer_drop(struct gen_writer *w)
{
	vec_free(w);
	w->err = 0;
}
