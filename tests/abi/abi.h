/* abi.h - what the two halves of the runner share: see abi_run.c and log.c. */
#ifndef ABI_H
#define ABI_H

#include <stdint.h>

#define MAX_LOGS   16
#define MAX_SHOWN  64
#define BUFFER     16384
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

/* arg: number of the program in the order in which they must run, | ABI_EXIT */
#define ABI_EXIT 0x100

uint64_t abi_log(const uint64_t *ctx, uint64_t arg, uint64_t rsp);
uint64_t abi_body(const uint64_t *ctx, uint64_t arg);
uint64_t abi_call(void *caller, void *fn, const void *in, void *out);

#endif
