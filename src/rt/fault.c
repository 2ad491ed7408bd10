/*
 * rt/fault.c - the handler of SIGSEGV and SIGBUS: faults of ours are mended, all others are the
 * application's.
 *
 * Ours are loads of generated code, marked in their frame states (the register becomes 0, the
 * program goes on behind the instruction), and guarded instructions of rt/ (rt/fault.h).  Both are
 * found by the pc alone, in bounded time, by reading memory that is written before the code runs
 * and never changed: images may come and go meanwhile.
 *
 * The application's are delivered as the kernel would have.  Its handler is not called but jumped
 * to, in the frame that the kernel made, so it can tell no difference, nor can unwinders
 * and siglongjmp().  Where the kernel would end the process, the signal is blocked in the
 * frame: the fault happens again, for real, and what is told of it (registers, si_addr, core) is
 * of the fault itself.  No system call is needed for either, so no seccomp filter is in the way.
 *
 * held: what the thread believes to have blocked lies in the frame's uc_sigmask while a handler
 * of its own runs, where it looks, and comes back from there (rt_sig_left).
 *
 * Context  [probe] a signal handler
 * Spec     signal(7); kernel/signal.c: force_sig_info_to_task(), get_signal(), sigaction's
 *          SA_ flags; arch/x86/kernel/signal_64.c (the frame)
 */
#include "rt/fault.h"
#include "rt/signal.h"
#include "rt/slab.h"

#define STATE_FAULT 0xa0 /* x86/frame.h: FRAME_FAULT, FRAME_FAULT_SHORT (tests/unit/rt compares) */
#define STATE_SHORT 0x40
#define CALL        0xe8 /* its states tell something else */
#define SYSCALL_LEN 2

/* Initialised as rt_state is: the control process writes it. */
struct rt_signals rt_signals = { .active = 0 };

extern const struct rt_fault_entry __start_rt_faults[] __attribute__((visibility("hidden")));
extern const struct rt_fault_entry __stop_rt_faults[] __attribute__((visibility("hidden")));

/* -- ours ------------------------------------------------------------------------------- */

/* The place of a register, numbered as instructions do, in struct sigcontext. */
static uint64_t *reg_at(struct rt_ucontext *uc, unsigned r)
{
	static const uint8_t at[8] = { UC_RAX, UC_RCX, UC_RDX, UC_RBX, UC_RSP, 10, 9, 8 };

	return &uc->reg[r < 8 ? at[r] : r - 8];
}

static int mend_load(struct rt_ucontext *uc)
{
	uint64_t pc = uc->reg[UC_RIP];

	for (unsigned i = 0; i < 2; i++) {
		const struct rt_room *r = &rt_state.room[i];
		const volatile uint8_t *state = (uint8_t *)(pc + SLAB_SHADOW_DISTANCE);

		if (pc - r->lo >= r->size)
			continue;
		if ((state[1] & STATE_FAULT) != STATE_FAULT ||
		    *(const volatile uint8_t *)pc == CALL)
			return 0;
		*reg_at(uc, state[1] & 15u) = 0;
		uc->reg[UC_RIP] += state[1] & STATE_SHORT ? 2u : state[2];
		return 1;
	}
	return 0;
}

/* Both slabs have the same code, as far apart as their rooms. */
static int mend_guarded(struct rt_ucontext *uc)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t pc = uc->reg[UC_RIP] - rt_state.room[i].lo + rt_state.text;

		for (const struct rt_fault_entry *e = __start_rt_faults; e < __stop_rt_faults;
		     e++) {
			uint64_t at = (uint64_t)&e->at + (uint64_t)(int64_t)e->at;
			uint64_t resume = (uint64_t)&e->resume + (uint64_t)(int64_t)e->resume;

			if (pc != at)
				continue;
			uc->reg[UC_RIP] += resume - at;
			uc->reg[UC_RDX] = 1;
			return 1;
		}
	}
	return 0;
}

/* -- the application's ------------------------------------------------------------------ */

uint64_t rt_our_flags(const struct rt_sigaction *app)
{
	const uint64_t common = RT_SA_SIGINFO | RT_SA_NODEFER | RT_SA_RESTORER;

	if (app->handler == RT_SIG_DFL || app->handler == RT_SIG_IGN)
		return common | RT_SA_ONSTACK | RT_SA_RESTART;
	return common | (app->flags & (RT_SA_ONSTACK | RT_SA_RESTART));
}

/* In the kernel's frame, as if it had been the kernel: what is blocked, and where it returns to. */
static uint64_t enter(int sig, struct rt_ucontext *uc, const struct rt_sigaction *app)
{
	struct sig_view v = sig_view_quiet();
	uint64_t held = *v.held, block = app->mask & ~OUR_BITS, now;
	uint64_t handler = app->handler;

	/* what the kernel has blocked for it already */
	now = sig_is_ours(sig) ? uc->sigmask : UINT64_MAX;
	if (block & ~now)
		rt_sys6(__NR_rt_sigprocmask, RT_SIG_BLOCK, (long)&block, 0, 8, 0, 0);
	uc->sigmask |= set_of_held(held);
	held |= held_of_set(app->mask);
	if (!(app->flags & RT_SA_NODEFER))
		held |= held_of_set(SIG_BIT(sig));
	*v.held = held;
	((uint64_t *)uc)[-1] = (uint64_t)rt_sig_return;
	if (sig_is_ours(sig) && app->flags & RT_SA_RESETHAND)
		sig_app(&v, sig)->handler = RT_SIG_DFL;
	return handler;
}

/* It ends the process, as nobody may block or ignore it: when it happens again. */
static uint64_t die_of(int sig, struct rt_ucontext *uc)
{
	uc->sigmask |= SIG_BIT(sig);
	return 0;
}

/* The default action of a signal that will not come again by itself. */
static uint64_t die_by_sending(int sig, const struct rt_siginfo *si)
{
	struct rt_sigaction dfl = { .handler = RT_SIG_DFL };

	rt_sys6(__NR_rt_sigaction, sig, (long)&dfl, 0, 8, 0, 0);
	send_self(sig, si);
	return 0;
}

/* The kernel's own verdict on a system call (a bad frame of rt_sigreturn), not an instruction's. */
static int follows_syscall(const struct rt_ucontext *uc)
{
	uint8_t a, b;

	return !rt_guarded_load1(uc->reg[UC_RIP] - SYSCALL_LEN, &a) &&
	       !rt_guarded_load1(uc->reg[UC_RIP] - SYSCALL_LEN + 1, &b) && a == 0x0f && b == 0x05;
}

#define SI_KERNEL     0x80
#define BUS_MCEERR_AO 5

static uint64_t deliver(int sig, const struct rt_siginfo *si, struct rt_ucontext *uc)
{
	const struct sig_view v = sig_view_quiet();
	const struct rt_sigaction *app = sig_app(&v, sig);
	int held = (*v.held & held_of_set(SIG_BIT(sig))) != 0;
	int sent = si->code <= 0 || (sig == RT_SIGBUS && si->code == BUS_MCEERR_AO);

	if (!sent) {
		if (app->handler > RT_SIG_IGN && !held)
			return enter(sig, uc, app);
		if (si->code == SI_KERNEL && follows_syscall(uc))
			return die_by_sending(sig, si);
		return die_of(sig, uc);
	}
	if (held && hold_back(&v, sig, si))
		return 0;
	if (app->handler == RT_SIG_IGN)
		return 0;
	return app->handler == RT_SIG_DFL ? die_by_sending(sig, si) : enter(sig, uc, app);
}

/* The application's handler, to be jumped to, or 0: return. */
uint64_t rt_fault(int sig, struct rt_siginfo *si, struct rt_ucontext *uc)
{
	if (si->code > 0 && (mend_load(uc) || mend_guarded(uc)))
		return 0;
	return deliver(sig, si, uc);
}

/* A handler of another signal, with one of ours in its mask. */
uint64_t rt_sig_entered(int sig, struct rt_siginfo *si, struct rt_ucontext *uc)
{
	(void)si;
	return enter(sig, uc, &rt_signals.app[sig]);
}

/* A handler has returned; not active: the mask is the kernel's again. */
void rt_sig_left(struct rt_ucontext *uc)
{
	struct sig_view v = sig_view_quiet();
	uint64_t held = *v.held & ~(uint64_t)(RT_HELD_SEGV | RT_HELD_BUS);

	if (!rt_signals.active)
		return;
	held |= held_of_set(uc->sigmask);
	uc->sigmask &= ~OUR_BITS;
	held_set(&v, held);
}
