/*
 * slot_rig.h - what the tests of slots share: a thread's block and words, functions of the
 * program patched in place and calls of them with every register.
 */
#ifndef SLOT_RIG_H
#define SLOT_RIG_H

#include "text/slot.h"

#include "shm/layout.h"
#include "x86/asm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct block {
	uint64_t pad[3];
	int64_t inside[64];
};

#define COUNTER     37
#define COUNTER_OFF ((int32_t)(offsetof(struct block, inside) + 8 * COUNTER))

extern struct block block;
extern __thread volatile struct rt_tls tls;
extern unsigned first_calls; /* of rt_first's stand-in */
extern bool no_block;        /* it gives none */
extern bool keep_flags;      /* slots do */
extern uint64_t no_room;     /* calls that found too little stack */
extern uint64_t first_rsp;   /* as rt_first was entered */
void first(void);

#define ASM_FN(name, body) \
	long name(long a, long b); \
	__asm__(".text\n.balign 16\n.globl " #name "\n.type " #name ", @function\n" #name \
		":\n" body "\n.size " #name ", . - " #name "\n.balign 16, 0xcc\n")

typedef long victim_fn(long a, long b);

struct victim {
	const char *name; /* the symbol that is patched */
	victim_fn *run;
	bool nop;
	bool sees_caller; /* cannot run under an image that calls it */
};

#define ASM_ROW(f) \
	{ \
#f, f, false, false \
	}

#define SLAB_BYTES 0x10000
#define IMAGE_AT   0x8000

extern uint8_t *slab; /* near: slots, then images */

struct hooked {
	struct site site;
	struct slot_code code;
	uint8_t frame[SLOT_MAX];
	uint64_t hits; /* counted by the images */
};

extern struct hooked hook;

enum how { NO_IMAGE, IMAGE_RESUMES, IMAGE_CALLS, HOWS };

int rig_setup(void **state);
int rig_teardown(void **state);
struct taddr_range find(const char *name);
int describe(const char *name, struct site *site, struct diag *d);
void patch(const struct victim *v);
void unpatch(void);
/* An image that counts, then goes on or calls the original (register arguments only). */
void set_image(enum how how);

struct regs {
	uint64_t r[16];
	uint64_t flags; /* in: to be loaded */
	uint64_t rsp;   /* out: at the function's first instruction */
};

/* Call fn with all registers from regs, rsp off by `off`; store them all again. */
void call_regs(struct regs *regs, const void *fn, uint64_t off);
extern const uint8_t call_regs_back[];
struct regs fill_regs(void);

#endif
