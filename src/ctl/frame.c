/*
 * ctl/frame.c - a thread's whole state, and the same as a signal frame in its memory.
 *
 * When we are killed, the kernel lets our tracees run on with the registers that they have
 * then.  So a thread that runs for us has its own state above its stack pointer, in the form
 * that rt_sigreturn(2) takes, and what it runs returns to libc's __restore_rt.  While we live
 * that system call is never let happen: it ends the thread's interrupted call (nanosleep, poll)
 * for good, where ptrace puts it back to be restarted.
 *
 *   top ┌────────────────────────────┐
 *       │ FP_XSTATE_MAGIC2           │
 *       │ XSAVE area, 64-aligned     │ ◀─┐ fpstate
 *       │ siginfo                    │   │
 *       │ ucontext: sigcontext, mask │ ──┘
 *   at  │ address of __restore_rt    │  16n + 8, as behind a call
 *       └────────────────────────────┘
 *
 * The alternate signal stack is not ptrace's to read: the frame's is one that sigaltstack(2)
 * refuses, which rt_sigreturn ignores, so that the thread's own stays.
 *
 * Errors   -errno of ptrace(2)
 * Memory   a state's is state_free()'s to free
 * Context  [ctl]
 * Spec     Linux arch/x86/kernel/signal_64.c, kernel/signal.c restore_altstack(),
 *          arch/x86/kernel/fpu/signal.c check_xstate_in_sigframe(); SDM volume 1, 13.4
 */
#include "ctl/priv.h"

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	XSTATE_MAX = 1 << 16,
	XSAVE_LEGACY = 512,
	XSAVE_HEADER = 64,
	SOFTWARE = 464, /* bytes of the legacy region that are software's */
	TILE_DATA = 18, /* a process must ask for it; most have no room for it */
	CODE_SEGMENT = 0x33,
	NO_ALT_STACK = 0x40, /* ss_flags that mean nothing */
	RED_ZONE = 128,
};

/* The kernel's, whose headers and libc's exclude each other. */
struct sig_context {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags;
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2, fpstate, reserved[8];
};

struct sig_frame {
	uint64_t restorer;
	uint64_t uc_flags, uc_link;
	struct {
		uint64_t sp;
		uint32_t flags, pad;
		uint64_t size;
	} stack;
	struct sig_context context;
	uint64_t mask;
	uint8_t info[128];
};

_Static_assert(offsetof(struct sig_frame, context.ip) == FRAME_PC_WORD * 8, "priv.h");

struct sig_xstate {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t size, pad[7];
};

#define XSTATE_MAGIC1 0x46505853u
#define XSTATE_MAGIC2 0x46505845u
#define UC_FLAGS      7u /* UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */

int state_save(const struct tracee *t, struct thread_state *s)
{
	struct iovec iov;
	taddr_t again;
	int err;

	memset(s, 0, sizeof(*s));
	err = tracee_regs(t, &s->regs);
	if (err)
		return err;
	again = tracee_rseq_abort(t, s->regs.rip); /* as it is for a signal handler */
	if (again)
		s->regs.rip = again;
	if (ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(s->mask), &s->mask) < 0)
		return -errno;
	s->xstate = calloc(1, XSTATE_MAX);
	if (!s->xstate)
		return -ENOMEM;
	iov = (struct iovec){ s->xstate, XSTATE_MAX };
	if (ptrace(PTRACE_GETREGSET, t->tid, (long)NT_X86_XSTATE, &iov) < 0) {
		err = -errno;
		state_free(s);
		return err;
	}
	s->xsize = iov.iov_len;
	return 0;
}

/* Registers last: call.c C.1. */
int state_restore(const struct tracee *t, const struct thread_state *s)
{
	struct iovec iov = { s->xstate, s->xsize };

	if (ptrace(PTRACE_SETREGSET, t->tid, (long)NT_X86_XSTATE, &iov) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(s->mask), &s->mask) < 0)
		return -errno;
	return tracee_set_regs(t, &s->regs);
}

void state_free(struct thread_state *s)
{
	free(s->xstate);
	s->xstate = NULL;
}

/* Bytes of the standard format that holds these features. */
static uint32_t xsave_size(uint64_t features)
{
	uint32_t size = XSAVE_LEGACY + XSAVE_HEADER, bytes, offset, c, d;

	for (unsigned i = 2; i < 63; i++) {
		if (features >> i & 1 && __get_cpuid_count(0xd, i, &bytes, &offset, &c, &d) &&
		    offset + bytes > size)
			size = offset + bytes;
	}
	return size;
}

/* The area as a frame has it; its size without the magic behind it, 0: the kernel gave none. */
static uint32_t frame_xstate(const struct thread_state *s, uint8_t *out)
{
	struct sig_xstate sw = { .magic1 = XSTATE_MAGIC1 };
	const uint32_t magic2 = XSTATE_MAGIC2;
	uint64_t in_use;

	if (s->xsize < XSAVE_LEGACY + XSAVE_HEADER)
		return 0;
	memcpy(&sw.features, s->xstate + SOFTWARE, sizeof(sw.features)); /* XCR0 */
	memcpy(&in_use, s->xstate + XSAVE_LEGACY, sizeof(in_use));
	if (!(in_use >> TILE_DATA & 1))
		sw.features &= ~(1ull << TILE_DATA);
	sw.size = xsave_size(sw.features);
	if (sw.size > s->xsize)
		return 0;
	sw.extended_size = sw.size + (uint32_t)sizeof(magic2);
	memcpy(out, s->xstate, sw.size);
	memcpy(out + SOFTWARE, &sw, sizeof(sw));
	memcpy(out + sw.size, &magic2, sizeof(magic2));
	return sw.size;
}

/*
 * A call that was interrupted before is restart_syscall(2) by now, which gives EINTR behind a
 * rt_sigreturn(2).  Its arguments are in their registers still, and its number is in the code before
 * it: the calls that are restarted so are few (kernel/signal.c, users of set_restart_fn()).
 */
uint64_t call_number(struct process *p, const struct user_regs_struct *r)
{
	static const uint8_t restarted[] = { SYS_poll, SYS_nanosleep, SYS_clock_nanosleep,
					     SYS_futex };
	uint8_t code[48];
	size_t n = sizeof(code);

	if (r->orig_rax != SYS_restart_syscall ||
	    process_read(p, r->rip - SYSCALL_LEN - n, code, n) < 0)
		return r->orig_rax;
	for (size_t i = n - 5 + 1; i-- > 0;) { /* mov $NR, %eax */
		if (code[i] != 0xb8 || code[i + 2] || code[i + 3] || code[i + 4])
			continue;
		for (size_t k = 0; k < sizeof(restarted); k++) {
			if (code[i + 1] == restarted[k])
				return restarted[k];
		}
	}
	return r->orig_rax;
}

static struct sig_context frame_context(struct process *p, const struct user_regs_struct *r)
{
	struct sig_context c = {
		.r8 = r->r8,
		.r9 = r->r9,
		.r10 = r->r10,
		.r11 = r->r11,
		.r12 = r->r12,
		.r13 = r->r13,
		.r14 = r->r14,
		.r15 = r->r15,
		.di = r->rdi,
		.si = r->rsi,
		.bp = r->rbp,
		.bx = r->rbx,
		.dx = r->rdx,
		.ax = r->rax,
		.cx = r->rcx,
		.sp = r->rsp,
		.ip = r->rip,
		.cs = CODE_SEGMENT,
		.ss = (uint16_t)r->ss,
		.flags = r->eflags,
	};

	/* what the kernel does by orig_rax, when it is asked to go on */
	if (tracee_will_restart(r)) {
		c.ip -= SYSCALL_LEN;
		c.ax = call_number(p, r);
	}
	return c;
}

uint64_t frame_size(const struct thread_state *s)
{
	return sizeof(struct sig_frame) + s->xsize + 256;
}

taddr_t frame_below(const struct thread_state *s)
{
	return (s->regs.rsp - RED_ZONE) & ~15ull;
}

int frame_write(struct process *p, const struct thread_state *s, taddr_t top, taddr_t *at)
{
	uint8_t *x = calloc(1, s->xsize + sizeof(uint32_t));
	struct sig_frame f = {
		.restorer = process_priv(p)->code.restorer,
		.uc_flags = UC_FLAGS,
		.stack.flags = NO_ALT_STACK,
		.context = frame_context(p, &s->regs),
		.mask = s->mask,
	};
	uint32_t n;
	int err;

	if (!x)
		return -ENOMEM;
	n = frame_xstate(s, x);
	f.context.fpstate = (top - n - sizeof(uint32_t)) & ~63ull;
	*at = ((f.context.fpstate - sizeof(f)) & ~15ull) - 8;
	err = n ? process_write(p, f.context.fpstate, x, n + sizeof(uint32_t)) : -ENOTSUP;
	if (!err)
		err = process_write(p, *at, &f, sizeof(f));
	free(x);
	return err;
}
