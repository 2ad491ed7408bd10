/*
 * text/site.h - how one function can be entered: which bytes a jump may replace.
 *
 * The window lies behind endbr64 and holds whole instructions, at least five bytes of
 * them, or the compiler's nops, or a short function and the padding behind it.  What
 * stood there runs in the function's slot (text/slot.h), encoded anew.
 *
 *     entry                     window                            resume
 *       | endbr64 (if any)        | insn 0 | insn 1 | (padding)      |
 *                                 '------- window.len bytes ---------'
 *
 * Where five bytes are too many (glibc's mempcpy jumps to memcpy + 3), a hop: two bytes
 * jump to padding that nothing runs, and from there five bytes to the slot.
 *
 * Never guessed: a window that cannot be proved safe is refused with a reason.
 *
 * Errors   site_describe: -EBUSY (bytes are not the file's), -EILSEQ (all others);
 *          out->reason and the diag say why
 * Memory   none
 * Context  [ctl]
 */
#ifndef TEXT_SITE_H
#define TEXT_SITE_H

#include "base/diag.h"
#include "base/types.h"
#include "text/sweep.h"

#define SITE_JMP_LEN    5  /* e9 rel32 */
#define SITE_HOP_LEN    2  /* eb rel8 */
#define SITE_WINDOW_MAX 24 /* four bytes, then an instruction of 15 */
#define SITE_MAX_INSNS  8

enum site_kind {
	SITE_NONE,
	SITE_NOP,   /* the compiler left nops: nothing is moved */
	SITE_MOVED, /* instructions are moved to the slot */
	SITE_HOP,   /* the same, but two bytes suffice: a short jump to a jump in padding nearby */
};

/* Why there is no site.  Every refusal is one of these. */
enum site_reason {
	SITE_OK,
	SITE_CHANGED,     /* memory differs from the file: somebody else's probe */
	SITE_OUTSIDE,     /* the entry lies outside of the function or its code */
	SITE_BRANCH_INTO, /* a branch or another function's start lies in the window */
	SITE_JUMPS,       /* the function computes where it jumps: to the window, perhaps */
	SITE_UNDECODABLE, /* not an instruction */
	SITE_UNMOVABLE,   /* an instruction that must stay where it is; the diag names it */
	SITE_SHORT,       /* less than five bytes, and no padding behind */
	SITE_EARLY_CALL,  /* a call whose return address would lie in the window */
	SITE_LOOP,        /* an instruction in the window branches into it or to the entry */
	SITE_SIGRETURN,   /* unwinders know a signal frame by these bytes */
	SITE_TAKEN,       /* another site of ours uses the padding that this short function needs */
	SITE_REASONS,
};

struct site {
	enum site_kind kind;
	enum site_reason reason;
	taddr_t entry;
	taddr_t window; /* entry, or behind endbr64 */
	uint8_t len;    /* of the window */
	uint8_t old[SITE_WINDOW_MAX];
	uint8_t ninsns; /* instructions to move; insn_at[i]: offset in the window */
	uint8_t insn_at[SITE_MAX_INSNS];
	taddr_t resume; /* where the original goes on; 0: the last instruction never does */
	taddr_t hop; /* SITE_HOP: five bytes of padding; written before, restored after the window */
	uint8_t hop_old[SITE_JMP_LEN];
	bool reentered; /* the function jumps back to its own entry: one call, several hits */
};

/*
 * Addresses are run-time ones; bias takes them to the sweep's (file = run time - bias).
 * mem and file hold n bytes from func.lo on, as they lie in the process and as they
 * ought to (relocated); they may be the same.  n may, and for short functions should,
 * reach past func.hi into the padding behind; `before` bytes in front of func.lo may
 * be looked at as well.  Padding for a hop is sought within 127 bytes, where mem and
 * file reach, if may_hop.
 *
 * taken: the windows and hops of the sites that are, or are about to be, patched in
 * this module (run-time addresses): their padding is not to be had.
 */
struct site_query {
	const struct sweep *sweep;
	taddr_t bias;
	struct taddr_range func;
	taddr_t entry; /* usually func.lo */
	const uint8_t *mem, *file;
	size_t n, before;
	bool may_hop;
	const struct taddr_range *taken;
	size_t ntaken;
};

/* On failure only out->reason is written. */
int site_describe(const struct site_query *q, struct site *out, struct diag *d);

/* A constant text, for lists: "a branch into the first five bytes". */
const char *site_reason_text(enum site_reason reason);
const char *site_kind_text(enum site_kind kind); /* "nop", "moved", "hop"; NULL for SITE_NONE */

/*
 * The window's new bytes: a jump to `to`, then int3 up to its end (nothing arrives
 * there).  *len is the window's length; -ERANGE: `to` is out of reach.  For SITE_HOP
 * the window jumps to the hop whatever `to` is, and text_hop_patch() gives the bytes
 * of the hop.
 */
int text_jmp_patch(const struct site *site, taddr_t to, uint8_t out[SITE_WINDOW_MAX], size_t *len);
int text_hop_patch(const struct site *site, taddr_t to, uint8_t out[SITE_JMP_LEN]);

#endif
