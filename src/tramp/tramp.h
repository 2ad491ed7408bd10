/*
 * tramp/tramp.h - turn a function model and a list of programs into code bytes.
 *
 * Two steps, both pure: tramp_plan() decides every offset and writes it down;
 * tramp_emit() only follows the plan.  A plan can be printed, compared and
 * checked without running anything, and the same plan gives the same bytes.
 *
 * Knows func_model and x86.  Does not know BPF (a program is a body that emits itself,
 * x86/body.h), patching, pages or processes.
 *
 * Entry    by jmp: the slot jumps here, [rsp] is the caller's return address, every register
 *          is the caller's.  By call: the function's first bytes call us, as in the kernel, so
 *          [rsp] leads back into the function and the caller's return address lies above it;
 *          tested, not used by attach/.  rsp may be off by 8 (gcc's -fipa-stack-alignment).
 * Promise  every general register that bodies or the image may change is, on entry to
 *          the original and on return to the caller, what it would be without us (callers
 *          built with -fipa-ra keep values in caller-saved ones); K bytes of stack
 *          arguments are copied raw to an address congruent mod 64; vector, mask and x87
 *          registers, MXCSR and DF are never written (the result registers of a skipped
 *          function excepted).  Of a called original, rbp is our frame's: it keeps the chain
 *          of frame pointers whole, and no function may rely on what it finds there.
 * Tail calls  A function that was entered by a jump from a traced one returns into that one's
 *          image.  If a frame of its own hook is among the frames of ours that follow each other
 *          there, it gets no other one: entry and fmod_ret programs run, then it is jumped to, and
 *          what it returns is what the open call returns: one exit for all.  Behind TRAMP_TAIL_FRAMES
 *          frames it gets none either, and its exit is counted as lost.  So the stack is bounded.
 * Units    bytes; plan offsets are relative to rbp, most of them negative.
 * Layouts  TRAMP_OURS keeps the promise for any signature.  TRAMP_SEED is the kernel's frame,
 *          instruction by instruction (tramp/seed.c, docs/from-the-kernel.md): it keeps only
 *          what the kernel keeps, and is there to be compared with it.
 * Errors   tramp_plan:  -EINVAL   programs and model contradict each other
 *                       -ENOTSUP  exit programs, K unknown; fmod_ret, result class; what the
 *                                 seed's frame has no room for (diag)
 *                       -E2BIG    frame larger than TRAMP_MAX_FRAME, too many cookies
 *          tramp_emit:  through the assembly
 * Memory   spec and plan are the caller's, and a plan borrows the spec it was made from;
 *          tramp_emit() keeps nothing that it allocates.
 * Context  [ctl]
 */
#ifndef TRAMP_TRAMP_H
#define TRAMP_TRAMP_H

#include "base/diag.h"
#include "base/types.h"
#include "model/func_model.h"
#include "x86/body.h"

#define TRAMP_MAX_FRAME    (256 * 1024)
#define TRAMP_RESULT_SLOTS 2    /* behind the arguments, at least, whatever the function returns */
#define TRAMP_RESULT_AT    (-4) /* words of ctx for utramp_set_result(), rt/func.c */
#define TRAMP_RESULT_SIZE  (-5)

enum tramp_kind { TRAMP_FENTRY, TRAMP_FMOD_RET, TRAMP_FEXIT, TRAMP_KINDS };

enum tramp_layout { TRAMP_OURS, TRAMP_SEED };
enum tramp_entry { TRAMP_BY_JMP, TRAMP_BY_CALL };

/*
 * A session program (fsession) is one body in both the fentry and the fexit list: its code
 * is written once.  ctx[-1] tells it where it is, and where 8 bytes of its own lie, which are
 * zero at entry and keep what it writes there until the exit of the same call:
 *   bits 0-7    number of argument slots
 *   bits 8-15   index of the cookie: it is at ctx - 8 * index; 0: the program has none
 *   bit 62      entered by a tail call inside a call that is open: this call has no exit of its
 *               own, what is written to the cookie is lost
 *   bit 63      the function has returned, or was skipped
 */
#define TRAMP_COOKIE_SHIFT 8
#define TRAMP_IS_TAIL      (1ull << 62)
#define TRAMP_IS_RETURN    (1ull << 63)
#define TRAMP_TAIL_FRAMES  16  /* rt/tail.c */
#define TRAMP_MAX_COOKIES  250 /* indexes of 8 bits, of which up to five are ctx's own */

struct tramp_prog {
	const struct tramp_body *body;
	uint64_t cookie;
	uint64_t arg;  /* second argument of a plain function body */
	uint64_t prog; /* TRAMP_SEED: first argument of enter and exit */
	bool session;  /* in two lists */
};

/*
 * TRAMP_SEED: what the kernel calls around programs and around all of it, SysV functions at
 * any distance (include/linux/bpf.h: bpf_trampoline_enter_t, bpf_trampoline_exit_t).
 */
struct tramp_run_ctx {
	uint64_t cookie;
	uint64_t saved; /* enter's, for exit */
};

struct tramp_shim {
	uint64_t enter; /* uint64_t (prog, struct tramp_run_ctx *): start time; 0: skip it */
	uint64_t exit;  /* void (prog, uint64_t start, struct tramp_run_ctx *); also if skipped */
	uint64_t image_enter; /* void (image), before the first program if the original is called */
	uint64_t image_exit;  /* void (image) */
	uint64_t image;
};

/* How an image that takes more stack than the slot made sure of looks for it. */
struct tramp_stack {
	uint32_t granted; /* bytes that are there for every image */
	uint32_t left;    /* that must be left below what the image takes */
	int32_t lo;       /* fs:[lo] is where the thread's own stack ends; 0: not known */
	uint64_t missed;  /* address of a counter of calls passed on; 0: never look */
};

struct tramp_spec {
	const struct func_model *model;
	taddr_t func;         /* what ctx[-2] shows: the function's address */
	taddr_t original;     /* call it: runs the function as if nothing were patched */
	taddr_t leave_ret;    /* jump here instead of ret; 0: ret */
	taddr_t leave_resume; /* jump here instead of to original; 0: jmp original, by call: ret */
	uint32_t slot;        /* number for the frame's tag */
	bool tagged;          /* write the tag and its frame state */
	taddr_t tail;         /* rt_tail(); 0: each tail call has a frame of its own */
	struct {
		taddr_t lo, hi;
	} room[2];       /* where code of ours lies: this slab first; hi 0: there is no other */
	bool keep_flags; /* the six status flags, for an original that is jumped to */
	struct tramp_stack stack;
	enum tramp_layout layout;
	enum tramp_entry entry;
	const struct tramp_shim *shim; /* TRAMP_SEED */
	struct {
		const struct tramp_prog *prog; /* in the order in which they run */
		unsigned n;
	} list[TRAMP_KINDS];
};

/*
 *  rbp + args ..      stack arguments of our caller: rbp + 16, by call rbp + 24
 *  rbp + 16           by call: its return address
 *  rbp + 8            its return address; by call: that into the function
 *  rbp + 0            its rbp
 *  rbp - 48 .. -8     fixed slots: tag, rbx, r12 .. r15, as far as used (x86/frame.h)
 *  rbp + ctx          context slots, then result slots, two or more; of these and the next
 *                     five words there are those from ctx[first] on, before ctx[end]: what lies between
 *                     the lowest and the highest that some program can reach
 *  rbp + ctx - 8      number of argument slots
 *  rbp + ctx - 16     address of the function
 *  rbp + ctx - 24     override word (x86/body.h: may_override, sets_result)
 *  rbp + ctx - 32     where the caller wants a result in memory (rdi); 0: in the result slots
 *  rbp + ctx - 40     bytes of the result, C's sizeof; negative: extended by its sign
 *  rbp + cookie       session cookies, downwards in the order of the fentry list, the first
 *                     right below ctx[first]
 *  rbp + gpr          saved general registers, in the order of their numbers: at entry the
 *                     caller's, after the call of the original what it left; only those
 *                     that are changed there.  Callee-saved ones, which no body of ours
 *                     changes so far, go to the fixed slots
 *  rbp + scratch      8 bytes for bodies that ask for them; 0: none does
 *  rbp + body         as many bytes as some body asks for, to use while it runs
 *  rbp + flags        at entry, if they are kept: ah and al as tramp/room.c has them
 *  frameless          entry programs that need no frame get none: rsp and rbp stay the
 *                     caller's, registers are saved below rsp, at rsp + gpr, where signals
 *                     leave 128 bytes alone (psABI 3.2.2).  The caller cannot have data there,
 *                     it has just made a call; flags, if kept, right below
 *  rsp ..             while bodies run: 16-byte aligned, if one of them wants that; at the
 *                     call of the original: rbp + out, which holds the copy of the stack
 *                     arguments and is congruent to rbp + args mod 64 (or to their
 *                     alignment, if stricter).  The copy and the bodies' stack overlap:
 *                     never at the same time.  So does all of the frame that need not outlast
 *                     the call: scratch, saved registers, words that no exit program reads
 *  what it costs      K = 0, and at most 40 bytes that outlast the call beside the tag: a
 *                     call of the original takes 64 bytes of stack, our return address and rbp
 *                     included
 */
struct tramp_plan {
	const struct tramp_spec *spec;
	bool call_orig;                         /* fexit: call it, else jump to it */
	bool need_frame;                        /* false: nothing to run, only a jump */
	bool frameless;                         /* nothing but saved registers: see below */
	bool tails;                             /* asks whether it was entered by a tail call */
	bool open;                              /* the part for those that share a frame */
	x86_regset saved;                       /* registers saved and restored, */
	x86_regset at_entry, at_exit;           /* around the programs at entry, at exit */
	uint64_t fill[BODY_MAX_SLOTS / 64 + 1]; /* slots to write before entry programs */
	bool fill_count, fill_ip, fill_override, fill_result;
	int32_t args;     /* the caller's stack arguments */
	bool fill_return; /* ctx[-1] says "return" to exit programs */
	unsigned cookies; /* session cookies: the first at rbp + cookie, the others below */
	int32_t gpr, ctx, scratch, cookie, out, flags, body;
	uint32_t body_bytes;
	bool keep_flags;
	uint32_t need;                /* bytes of stack it takes, to look for; 0: granted */
	int32_t first, end;           /* there are ctx[first] .. ctx[end - 1]; end: none */
	uint32_t out_bytes;           /* K: stack arguments to copy */
	bool copy_loop;               /* too many of them for one push each */
	uint32_t frame;               /* bytes below rbp, the copy not counted */
	uint32_t down;                /* sub rsp, down: the frame, or to where the copy ends */
	bool align_entry, align_exit; /* programs there want rsp aligned */
	struct {                      /* TRAMP_SEED, see seed.c */
		int32_t ret, rbx, run_ctx;
		unsigned used;  /* argument registers */
		bool save_ret;  /* there is a return slot */
		bool align;     /* the kernel's frame leaves rsp unaligned */
		int32_t stack1; /* slot of the only stack argument, at most 4 bytes; else 0 */
	} seed;
};

int tramp_plan(const struct tramp_spec *spec, struct tramp_plan *plan, struct diag *d);

/* Result slots: the first two are zero where the result has fewer. */
static inline unsigned tramp_result_slots(const struct func_model *m)
{
	return m->ret.nslots > TRAMP_RESULT_SLOTS ? m->ret.nslots : TRAMP_RESULT_SLOTS;
}

/* C's sizeof: a long double of 10 bytes takes 16. */
static inline uint32_t tramp_result_size(const struct fm_value *ret)
{
	return ret->place.nregs && ret->place.file[0] == ABI_ST ? 8u * ret->nslots : ret->size;
}

/* Is ctx[slot] written?  Result slots: zeroed at entry, shown to fexit programs. */
bool tramp_plan_fills(const struct tramp_plan *p, unsigned slot);

/* Offset from rbp of the place of a saved register. */
int32_t tramp_plan_home(const struct tramp_plan *p, enum x86_gpr r);

/* Index of a program's session cookie; 0: it has none. */
unsigned tramp_plan_cookie(const struct tramp_plan *p, const struct tramp_prog *prog);

/* Human-readable, one item a line; for goldens and `utramp code`.  Cut to cap; returns the
 * length of what is in out. */
size_t tramp_plan_format(const struct tramp_plan *plan, char *out, size_t cap);

/*
 * What lies at rbp + off in the trampoline's own code: "saved rdi", "ctx[3]", "arg 8 on the
 * stack".  Cut to cap; 0: nothing that has a name.  An address inside something names
 * it with the distance, "ctx[3] + 4".
 */
size_t tramp_plan_name(const struct tramp_plan *plan, int32_t off, char *out, size_t cap);

/* Offsets from the image's first byte; 0: there are no exit programs. */
struct tramp_marks {
	uint32_t exit_nop;  /* five-byte nop before the exit programs: may become a jump ... */
	uint32_t exit_skip; /* ... to here, where registers are restored */
	uint32_t tail;      /* what tail calls go through; 0: as other calls do */
};

/*
 * Append the image to a (bodies' out-of-line functions included), frame states along with it.
 *
 * Order: fentry programs; fmod_ret programs until one returns non-zero, overrides or sets the
 * result (then that stands, whatever was returned); the original, unless skipped; fexit
 * programs.  Without fexit programs the original is jumped to, also behind fmod_ret ones.  A
 * skipped function leaves every register but those of its result as at entry.
 *
 * marks may be NULL; its offsets are the image's if a was empty.
 */
void tramp_emit(const struct tramp_plan *plan, struct x86_asm *a, struct tramp_marks *marks);

/* The trivial body: call r0 = fn(ctx, arg), a SysV function at any distance. */
struct tramp_body tramp_body_call(const uint64_t *fn);

#endif
