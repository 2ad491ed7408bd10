/*
 * ctl/signals.c - signal handlers and masks of a stopped process, read and set from outside.
 *
 * Handlers by rt_sigaction(2) in the process, with rt_state's reserved words for its argument;
 * masks by ptrace, thread by thread.  What a thread believes to have blocked of SIGSEGV and
 * SIGBUS is in its rt_tls.held, where rt/ keeps it (rt/signal.h).
 *
 * Context  [ctl]
 * Spec     rt_sigaction(2), ptrace(2) PTRACE_GETSIGMASK, proc(5) SigCgt; psABI 3.4.6 (fs)
 */
#include "base/cleanup.h"
#include "ctl/priv.h"
#include "shm/layout.h"

#include <errno.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define MASK_BYTES 8

int process_sigaction(struct process *p, int sig, const struct rt_sigaction *new,
		      struct rt_sigaction *old)
{
	taddr_t at = p->slab[SLAB_EXE].rt_state + offsetof(struct rt_state, reserved);
	const uint64_t set[6] = { (uint64_t)sig, at, 0, MASK_BYTES };
	const uint64_t get[6] = { (uint64_t)sig, 0, at, MASK_BYTES };
	const struct rt_sigaction none = { 0 };
	int err = new ? process_write(p, at, new, sizeof(*new)) : 0;
	long r;

	if (err)
		return err;
	r = process_syscall(p, SYS_rt_sigaction, new ? set : get);
	if (r >= 0 && old)
		r = process_read(p, at, old, sizeof(*old));
	process_write(p, at, &none, sizeof(none));
	return r < 0 ? (int)r : 0;
}

static uint64_t caught_now(const struct process *p)
{
	char path[32], line[256];
	unsigned long long set = 0;
	_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", p->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "SigCgt: %llx", &set) == 1)
			return set;
	}
	return UINT64_MAX; /* not told: all are asked for */
}

uint64_t process_caught(struct process *p)
{
	if (tape_plays(p))
		return (uint64_t)tape_take(p, TAPE_CAUGHT, NULL, 0);
	tape_begin(p);
	return (uint64_t)tape_end(p, TAPE_CAUGHT, (int64_t)caught_now(p), NULL, 0);
}

#define OUR_SET (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1))

static uint64_t held_of(uint64_t set)
{
	return (set >> (SIGSEGV - 1) & 1 ? RT_HELD_SEGV : 0) |
	       (set >> (SIGBUS - 1) & 1 ? RT_HELD_BUS : 0);
}

static uint64_t set_of(uint64_t held)
{
	return (held & RT_HELD_SEGV ? 1ull << (SIGSEGV - 1) : 0) |
	       (held & RT_HELD_BUS ? 1ull << (SIGBUS - 1) : 0);
}

static int hold_thread(struct process *p, const struct tracee *t, bool hold)
{
	struct user_regs_struct r;
	uint64_t mask, held;
	taddr_t at;

	if (!t->stopped || tracee_regs(t, &r) < 0 ||
	    ptrace(PTRACE_GETSIGMASK, t->tid, MASK_BYTES, &mask) < 0)
		return 0; /* killed meanwhile */
	at = r.fs_base + (uint64_t)(int64_t)p->tls_off + offsetof(struct rt_tls, held);
	if (!r.fs_base || process_read(p, at, &held, sizeof(held)) < 0)
		return mask & OUR_SET && hold ? -ENOTSUP : 0; /* no thread of libc's */
	mask |= set_of(held);
	held = hold ? RT_HELD_KNOWN | held_of(mask) : 0;
	if (hold)
		mask &= ~OUR_SET;
	if (ptrace(PTRACE_SETSIGMASK, t->tid, MASK_BYTES, &mask) < 0)
		return errno == ESRCH ? 0 : -errno;
	return process_write(p, at, &held, sizeof(held));
}

int process_hold(struct process *p, bool hold)
{
	struct process_priv *pp = process_priv(p);
	int err = 0;

	if (tape_plays(p))
		return (int)tape_take(p, TAPE_HOLD, NULL, 0);
	tape_begin(p);
	for (size_t i = 0; i < pp->threads.n && !err; i++)
		err = hold_thread(p, &pp->threads.at[i], hold);
	return (int)tape_end(p, TAPE_HOLD, err, NULL, 0);
}

/* -- handlers -------------------------------------------------------------------------------- */

/* What the target set itself, past stand-ins that are gone, stays. */
static int put_back(struct process *p, const struct process_handlers *h, int sig,
		    const struct rt_sigaction *app)
{
	struct rt_sigaction now;
	int err = process_sigaction(p, sig, NULL, &now);

	if (err || now.handler != h->fault_entry)
		return err;
	return process_sigaction(p, sig, app, NULL);
}

/* Handlers of other signals, which come by sig_enter. */
static int leave_others(struct process *p, const struct process_handlers *h,
			const struct rt_signals *s)
{
	uint64_t caught = process_caught(p);
	int err = 0;

	for (int sig = 1; sig < RT_SIGNALS && !err; sig++) {
		struct rt_sigaction now;

		if (!(caught >> (sig - 1) & 1) || OUR_SET >> (sig - 1) & 1 || !s->app[sig].handler)
			continue;
		err = process_sigaction(p, sig, NULL, &now);
		if (err || now.handler != h->sig_enter)
			continue;
		now.handler = s->app[sig].handler;
		now.mask |= s->app[sig].mask & OUR_SET;
		err = process_sigaction(p, sig, &now, NULL);
	}
	return err;
}

/* rt/ relies on the handler no more. */
static int clear_flag(struct process *p)
{
	int err = 0;

	for (int i = 0; i < SLABS && !err; i++) {
		taddr_t at = p->slab[i].rt_state + offsetof(struct rt_state, flags);
		uint32_t flags;

		err = process_read(p, at, &flags, sizeof(flags));
		flags &= ~(uint32_t)RT_FLAG_FAULTS;
		if (!err)
			err = process_write(p, at, &flags, sizeof(flags));
	}
	return err;
}

int process_leave_handlers(struct process *p, const struct process_handlers *h, bool masks)
{
	static const int ours[] = { SIGSEGV, SIGBUS };
	struct rt_signals s;
	int err = clear_flag(p);

	if (!err)
		err = process_read(p, h->signals, &s, sizeof(s));
	s.active = 0;
	if (!err)
		err = process_write(p, h->signals + offsetof(struct rt_signals, active), &s.active,
				    sizeof(s.active));
	for (size_t k = 0; k < ARRAY_LEN(ours) && !err; k++)
		err = put_back(p, h, ours[k], &s.app[ours[k]]);
	if (!err)
		err = leave_others(p, h, &s);
	if (!err && masks)
		err = process_hold(p, false);
	return err;
}

/* -- threads inside --------------------------------------------------------------------------- */

/* A program runs, or what calls it: its pc is in a slab, or its block has a list of them. */
static bool thread_inside(struct process *p, const struct tracee *t)
{
	const struct slab_layout *l = &process_priv(p)->layout;
	struct user_regs_struct r;
	uint64_t block = 0;
	uint32_t depth = 0;

	if (!t->stopped || tracee_regs(t, &r) < 0)
		return false;
	for (int i = 0; i < SLABS; i++) {
		if (r.rip - (p->slab[i].bias + l->lowest) < l->span)
			return true;
	}
	process_read(p, r.fs_base + (uint64_t)(int64_t)p->tls_off + offsetof(struct rt_tls, block),
		     &block, sizeof(block));
	if (block)
		process_read(p, block + offsetof(struct rt_thread, depth), &depth, sizeof(depth));
	return depth && depth <= RT_MAX_RUNNING;
}

bool process_inside(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	bool inside = false;

	if (tape_plays(p))
		return tape_take(p, TAPE_INSIDE, NULL, 0) != 0;
	tape_begin(p);
	for (size_t i = 0; i < pp->threads.n && !inside; i++)
		inside = thread_inside(p, &pp->threads.at[i]);
	return tape_end(p, TAPE_INSIDE, inside, NULL, 0) != 0;
}
