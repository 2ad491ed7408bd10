/* abi.h - what the parts of the runner share: see abi_run.c, log.c and state.c. */
#ifndef ABI_H
#define ABI_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_LOGS   16
#define MAX_SHOWN  64
#define BUFFER     32768
#define SHOWN_SLOT 300

/* A slot that holds an address: copy what is there while it is there. */
struct shown {
	uint32_t slot, at, size;
};

struct log {
	uint64_t arg, count, ip, rsp;
	uint64_t slot[SHOWN_SLOT];
	uint8_t mem[BUFFER];
};

extern struct log abi_logs[MAX_LOGS];
extern unsigned abi_nlogs, abi_nslots;
extern struct shown abi_shown[MAX_SHOWN];
extern unsigned abi_nshown;   /* of arguments: in every program */
extern struct shown abi_sret; /* in fexit programs, unless size is 0 */
extern uint64_t abi_r0[MAX_LOGS];
/* The program that sets the result (-1: none), what to, and what it was told. */
extern int abi_setter;
extern uint8_t abi_value[512];
extern uint32_t abi_value_size;
extern uint64_t abi_setter_said;

/* arg: number of the program in the order in which they must run, | ABI_EXIT */
#define ABI_EXIT 0x100

uint64_t abi_log(const uint64_t *ctx, uint64_t arg, uint64_t rsp);
uint64_t abi_body(const uint64_t *ctx, uint64_t arg);
uint64_t abi_call(void *caller, void *fn, const void *in, void *out);

/* -- state.c: all registers -- */

struct state {
	uint64_t gpr[16], flags, pad[7];    /* gpr by their numbers in instructions */
	_Alignas(64) uint8_t x[8192 - 192]; /* XSAVE's area */
};

/* The first register that did not come through, and which of its kind; what NULL: none. */
struct changed {
	const char *what;
	unsigned at;
};

extern struct state abi_state[4];
extern uint32_t abi_components; /* of XSAVE */
extern void *abi_code, *abi_callee;
extern unsigned abi_widest, abi_result_wide; /* bytes of the widest vector among the values */
extern unsigned abi_result_x87;              /* of the result: in st0, st1 */
extern unsigned abi_arrived;                 /* how often the trampoline called the original */
extern struct changed abi_changed;

/* false: no XSAVE, so use no stub */
bool abi_find_components(void);

/* A program wrote a result where the caller wants it, perhaps on its stack. */
void abi_written(uint64_t at, const uint8_t *bytes, unsigned n);

void abi_at_entry(void);
void abi_at_callee(void);
void abi_from_callee(void);
void abi_at_caller(void);
void abi_enter(void);
void abi_arrive(void);
void abi_leave(void);
void abi_home(void);

#endif
