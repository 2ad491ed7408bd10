/*
 * text/slot.h - one patched function's fixed code: counts calls in and out, runs the
 * moved instructions.
 *
 * A slot is made once per function, never changed and never freed; only its image
 * pointer changes, by one aligned store.  rax and the flags are all it touches (rax
 * comes back, and with keep_flags the flags), and memory below rsp.
 *
 *   enter          the function's window jumps here.  Counts the thread in, then jumps
 *                  through the image pointer.  Without a thread block (rt_first gives
 *                  none), or with too little of the thread's own stack left (struct
 *                  rt_tls), the call runs no program: straight to moved.
 *   leave_ret      an image jumps here instead of ret: counts out, returns.
 *   leave_resume   an image jumps here instead of to moved: counts out, then moved.
 *   image pointer  8 bytes, 8-aligned; at first the address of leave_resume.
 *   moved          the window's instructions, then a jump to the rest of the function.
 *                  Also the original: what an image calls.
 *
 * With a stand-in, moved is a jump to that, and the window's instructions come behind it.
 *
 * A thread is counted in before the image pointer is read and counted out after the
 * image is left, so "no one inside" proves that no one is in an image that was
 * unlinked before.  The thread's block hangs on fs:[tls_off]; it may be missing even
 * on leaving (a coroutine that another thread resumes): rt_first makes it.
 *
 * Flags have no role in a call (psABI 3.2.1), and gcc's -fipa-ra never lets a caller keep
 * them: they are among the fixed registers, which a function is always taken to change
 * (gcc/final.cc collect_fn_hard_reg_usage()).  Hand-written assembly may pass some in all the
 * same, so where nothing is known of a function they are kept on the way in.
 *
 * Every instruction has its frame state, so that unwinders pass.
 *
 * Errors   -ERANGE  the slot, rt_first, the function or an operand of a moved
 *                   instruction are more than 2 GiB apart (diag)
 *          -ENOSPC  the buffer is too small; SLOT_MAX always suffices
 * Memory   none
 * Context  [ctl] emits; what it emits is [probe]
 */
#ifndef TEXT_SLOT_H
#define TEXT_SLOT_H

#include "base/diag.h"
#include "base/types.h"
#include "text/site.h"

#define SLOT_ALIGN 64 /* what enter needs is in the first cache line */
#define SLOT_MAX   512

struct slot_plan {
	const struct site *site;
	taddr_t at;          /* where the slot will be; a multiple of SLOT_ALIGN */
	taddr_t rt_first;    /* preserves all but rax and flags, gives the block or 0 in rax */
	int32_t tls_off;     /* struct rt_tls is at fs:[tls_off] */
	int32_t counter_off; /* this slot's counter: int64 at block + counter_off */
	taddr_t no_room;     /* uint64: calls that found too little stack */
	taddr_t stand_in;    /* what runs in the function's place; 0: itself */
	bool keep_flags;     /* at enter and leave_resume: the six status flags */
};

/* Addresses in the slot as it will run. */
struct slot_code {
	taddr_t at;
	uint32_t size; /* of code, image pointer included */
	taddr_t enter, leave_ret, leave_resume, moved, image_ptr;
	uint32_t moved_size;
	taddr_t original; /* the function as it was: moved, but with a stand-in, which may call it */
	taddr_t insn[SITE_MAX_INSNS]; /* the moved copy of each of the site's instructions */
	uint64_t image;               /* what the image pointer holds at first */
};

/*
 * Write the slot's code to buf and its frame states to frame (cap bytes each, frame
 * may be NULL).  Returns the length.
 */
int slot_emit(const struct slot_plan *plan, void *buf, void *frame, size_t cap,
	      struct slot_code *out, struct diag *d);

/* Both halves of a patched function, for slot_move_pc(). */
struct slot_move {
	const struct site *site;
	const struct slot_code *code;
};

/*
 * A thread stopped at pc when the window is replaced: where it goes on.  arg is a
 * struct slot_move.  pc itself if it need not move (outside of the window, or at its
 * first byte, where the jump will stand); 0 if there is no such place.
 */
taddr_t slot_move_pc(const void *arg, taddr_t pc);

/* Is pc in the slot's code? */
bool slot_has_pc(const struct slot_code *code, taddr_t pc);

#endif
