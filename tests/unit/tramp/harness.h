/* harness.h - see harness.S; and memory for code that a test is going to run. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

struct state {
	uint64_t gpr[16]; /* by register number */
	uint64_t xmm[16][2];
};

extern struct state h_in, h_out, h_seen, h_set;
extern uint64_t harness_k, harness_shift, harness_shares, h_flags;
extern void *h_tramp;
extern uint32_t harness_runs, harness_left, harness_asked;
extern uint8_t harness_step;
extern uint8_t harness_stack[65536], harness_stack_seen[65536], harness_stack_after[65536];

void harness_call(void *fn);
void harness_callee(void);
void harness_patched(void);
void harness_body(void);
void harness_tail(void);
void harness_leave_ret(void);
void harness_leave_resume(void);
extern const char harness_returned[];

/* size bytes within 2 GiB of our own code. */
static inline void *harness_code(size_t size)
{
	uintptr_t near = (uintptr_t)harness_callee & ~0xfffful;

	for (uintptr_t d = 16 << 20; d < 1u << 30; d += 16 << 20) {
		void *p = mmap((void *)(near - d), size, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (p != MAP_FAILED)
			return p;
	}
	return NULL;
}

/* xorshift64*: deterministic, good enough to fill registers and choose shapes. */
static inline uint64_t rnd(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1dull;
}

static inline unsigned rnd_below(uint64_t *s, unsigned n)
{
	return (unsigned)((rnd(s) >> 33) % n);
}

/* x87.c: what st0 and st1 hold of 10 bytes each; is all of it there, and nothing else? */
extern uint8_t harness_st[2][16];
void harness_load_x87(uint64_t *s);
int harness_kept_x87(void); /* the stack is empty then */

/* A random signature in the text form of func_model.h; fmod: with a result it can replace. */
void random_signature(uint64_t *s, char *out, size_t cap, int fmod);

#endif
