/*
 * gen/bell.c - see bell.h.
 *
 * Whoever finds `rings` as we left it in `seen` is the first.  We store `seen` before we look, so
 * a ring in between makes us look again, with a time that is too early and never too late.
 *
 * Spec     RFC 9669; bpf-helpers(7)
 */
#include "gen/bell.h"

#include "gen/regs.h"

#define KEY_OFF (-8)

static void put_hold(struct gen_writer *w, int32_t on)
{
	gen_put(w, BPF_ST | BPF_MEM | BPF_DW, R6, 0, offsetof(struct gen_bell, holds), on);
}

/* A record of the ring, by this helper; without one the program ends. */
static void put_record(struct gen_writer *w, int ring_fd, int done)
{
	unsigned got;

	gen_put_map(w, R1, ring_fd);
	gen_put_set(w, R2, GEN_BELL_RECORD);
	gen_put_set(w, R3, 0);
	gen_put_call(w, BPF_FUNC_ringbuf_reserve);
	got = gen_put_jump(w, BPF_JNE, R0, 0);
	put_hold(w, 0);
	gen_put_exit(w);
	gen_jump_here(w, got);
	gen_put_mov(w, R1, R0);
	gen_put_set(w, R2, 0);
	gen_put_call(w, done);
}

int gen_bell_program(int fd, int ring_fd, struct gen_prog *out)
{
	struct gen_writer w = { 0 };
	unsigned there, later, held;

	gen_put(&w, BPF_ST | BPF_MEM | BPF_W, R10, 0, KEY_OFF, 0);
	gen_put_map(&w, R1, fd);
	gen_put_mov(&w, R2, R10);
	gen_put_add(&w, R2, KEY_OFF);
	gen_put_call(&w, BPF_FUNC_map_lookup_elem);
	there = gen_put_jump(&w, BPF_JNE, R0, 0);
	gen_put_exit(&w);
	gen_jump_here(&w, there);
	gen_put_mov(&w, R6, R0);
	gen_put_set(&w, R7, 1);
	gen_put(&w, BPF_STX | BPF_ATOMIC | BPF_DW, R6, R7, offsetof(struct gen_bell, rings),
		BPF_ADD | BPF_FETCH);
	gen_put_load(&w, R1, R6, offsetof(struct gen_bell, seen));
	gen_put(&w, BPF_ALU64 | BPF_SUB | BPF_X, R1, R7, 0, 0);
	later = gen_put_jump(&w, BPF_JNE, R1, 0);
	gen_put_call(&w, BPF_FUNC_ktime_get_ns);
	gen_put_store(&w, R6, offsetof(struct gen_bell, first_ns), R0);
	gen_jump_here(&w, later);
	gen_put(&w, BPF_ALU64 | BPF_AND | BPF_K, R7, 0, 0, 1);
	gen_put_load(&w, R1, R6, offsetof(struct gen_bell, phase));
	gen_put(&w, BPF_ALU64 | BPF_SUB | BPF_X, R1, R7, 0, 0);
	held = gen_put_jump(&w, BPF_JEQ, R1, 0);
	gen_put_exit(&w);
	gen_jump_here(&w, held);
	put_hold(&w, 1);
	put_record(&w, ring_fd, BPF_FUNC_ringbuf_submit);
	put_record(&w, ring_fd, BPF_FUNC_ringbuf_discard);
	put_hold(&w, 0);
	gen_put_exit(&w);
	return gen_writer_done(&w, out);
}
