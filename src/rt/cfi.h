/*
 * rt/cfi.h - where a function's caller is, by its module's .eh_frame.
 *
 * The control side tells which modules there are (struct rt_cfi, rt_state.cfi); what is read of them
 * is read as target memory, for a module may have gone.  A row is what the tables say of one
 * address; rows are remembered by address, one word each, so that most frames cost one load.
 *
 * Known     stacks of rsp and rbp: every function that compilers make has its CFA by one of them, or
 *           by an expression over them.  DWARF's other registers are CFI_LOST.
 * Bounds    CFI_BYTES of instructions for one row, CFI_OPS of an expression
 * Context   [probe] signal-safe; up to 1,100 bytes of stack
 * Spec      DWARF 5 6.4 (call frame information), 2.5.1 (expressions); LSB 5.0 Core 10.6
 *           (.eh_frame, .eh_frame_hdr); psABI 3.6.2 (register numbers)
 */
#ifndef RT_CFI_H
#define RT_CFI_H

#include <stdint.h>

enum cfi_rule {
	CFI_SAME, /* a register: the caller has what the callee was left with */
	CFI_AT,   /* a register lies at CFA + off; the CFA is rbp + off */
	CFI_SP,   /* the CFA is rsp + off */
	CFI_EXPR, /* at, or the CFA itself is, what an expression says: off bytes behind the FDE */
	CFI_VAL,  /* a register is what an expression says */
	CFI_LOST,
};

enum cfi_found {
	CFI_NONE, /* no table, or one that says what we do not know */
	CFI_ROW,
	CFI_TOP, /* nobody called it: the return address is undefined */
};

struct cfi_row {
	uint8_t cfa, fp, ra; /* enum cfi_rule */
	uint8_t signal;      /* the frame is a signal's: its caller's pc is exact */
	int32_t cfa_off, fp_off, ra_off;
};

/* What an expression may name. */
struct cfi_regs {
	uint64_t pc, sp, fp;
};

/* *fde: what expressions' offsets count from. */
enum cfi_found rt_cfi_find(uint64_t pc, struct cfi_row *row, uint64_t *fde);

/* 0: not to be computed.  push: what lies on DWARF's stack at first, or NULL. */
int rt_cfi_expr(uint64_t at, const struct cfi_regs *r, const uint64_t *push, uint64_t *out);

/* -- reading tables, for the two files ---------------------------------------------------- */

#define CFI_PIECE 64

struct cfi_in {
	uint64_t at, from, have;
	uint8_t bad; /* something could not be read: what was is 0 */
	uint8_t piece[CFI_PIECE];
};

uint64_t rt_cfi_fixed(struct cfi_in *in, unsigned bytes);
int64_t rt_cfi_signed(struct cfi_in *in, unsigned bytes);
uint64_t rt_cfi_uleb(struct cfi_in *in);
int64_t rt_cfi_sleb(struct cfi_in *in);

#endif
