/*
 * rt/sighook.c - libc's functions about signals, as the application is to see them.
 *
 * While our handler has SIGSEGV and SIGBUS, calls of the functions below come here (the slot of
 * each leads to its stand-in: text/slot.h).  They do all that the application asks for, but that
 * these two are never really blocked, nor ignored, nor anybody else's; and what it has set is
 * what it reads back.  All else goes to the functions as they were, rt_signals.original.
 *
 * What is called by system call without libc is not seen: attach/faults.c looks for it.
 *
 * exec and its kin: the next program inherits what is blocked and what is ignored, so both are
 * made real before.  A child of vfork() or posix_spawn() has the parent's memory and signal
 * actions of its own, so it has a record of its own (sigview.c); posix_spawn() tells first what it
 * will set without asking us: RT_HELD_SPAWN.
 *
 * errno    is set by the originals alone: what fails is done again by them
 * Context  [probe] any thread, signal handlers included
 * Spec     sigaction(2), sigprocmask(2), execve(2), posix_spawn(3); glibc: struct sigaction,
 *          posix_spawnattr_t; 32 and 33 are its own signals, which it takes out of every mask
 */
#include "rt/rt.h"
#include "rt/signal.h"

#define LIBC_BITS (SIG_BIT(32) | SIG_BIT(33))

/* As <signal.h> has it. */
struct user_action {
	uint64_t handler;
	uint64_t mask[16];
	int32_t flags, pad;
	uint64_t restorer;
};

#define ORIGINAL(which, type) ((type)(void *)rt_signals.original[which])

/* -- sigaction() ------------------------------------------------------------------------ */

typedef int (*sigaction_fn)(int, const struct user_action *, struct user_action *);

static void to_user(const struct rt_sigaction *a, struct user_action *u)
{
	u->handler = a->handler;
	u->mask[0] = a->mask;
	u->flags = (int32_t)a->flags;
	u->restorer = a->restorer;
}

static uint64_t restorer_of(int sig)
{
	struct rt_sigaction now = { .handler = 0 };

	rt_sys6(__NR_rt_sigaction, sig, 0, (long)&now, 8, 0, 0);
	return now.restorer;
}

/* libc sets our handler anew, so that it has the flags and the restorer that the other would. */
static int set_ours(const struct sig_view *v, int sig, const struct user_action *act,
		    struct user_action *old)
{
	struct rt_sigaction *app = sig_app(v, sig), was = *app, new;
	struct user_action ours;

	if (act) {
		rt_zero(&ours, sizeof(ours));
		new.handler = act->handler;
		new.flags = (uint64_t)(uint32_t)act->flags | RT_SA_RESTORER;
		new.mask = act->mask[0] & ~(SIG_BIT(9) | SIG_BIT(19));
		ours.handler = (uint64_t)rt_fault_entry;
		ours.flags = (int32_t)rt_our_flags(&new);
		if (ORIGINAL(RT_HOOK_SIGACTION, sigaction_fn)(sig, &ours, NULL))
			return -1;
		new.restorer = restorer_of(sig);
		*app = new;
	}
	if (old)
		to_user(&was, old);
	return 0;
}

/*
 * One of the other signals: nothing of ours, but that its handler may have ours in its mask.  A
 * child of vfork() cannot write that down: there it has not.
 */
static int set_other(const struct sig_view *v, int sig, const struct user_action *act,
		     struct user_action *old)
{
	struct rt_sigaction *app = &rt_signals.app[sig], was = *app;
	struct user_action copy;
	int enters = 0, err;

	if (act) {
		copy = *act;
		enters = act->handler > RT_SIG_IGN && act->mask[0] & OUR_BITS;
	}
	if (enters && v->child) {
		copy.mask[0] &= ~OUR_BITS;
		enters = 0;
	}
	if (enters) {
		app->handler = act->handler;
		app->flags = (uint64_t)(uint32_t)act->flags;
		app->mask = act->mask[0];
		copy.handler = (uint64_t)rt_sig_enter;
		copy.mask[0] &= ~OUR_BITS;
	}
	err = ORIGINAL(RT_HOOK_SIGACTION, sigaction_fn)(sig, act ? &copy : NULL, old);
	if (err && enters)
		*app = was;
	if (!err && old && old->handler == (uint64_t)rt_sig_enter) {
		old->handler = was.handler;
		old->mask[0] |= was.mask & OUR_BITS;
	}
	return err;
}

int rt_hook_sigaction(int sig, const struct user_action *act, struct user_action *old)
{
	struct sig_view v;

	if (!rt_signals.active || sig < 1 || sig >= RT_SIGNALS)
		return ORIGINAL(RT_HOOK_SIGACTION, sigaction_fn)(sig, act, old);
	v = sig_view();
	if (v.lost)
		return ORIGINAL(RT_HOOK_SIGACTION, sigaction_fn)(sig, act, old);
	return sig_is_ours(sig) ? set_ours(&v, sig, act, old) : set_other(&v, sig, act, old);
}

/* -- masks ------------------------------------------------------------------------------ */

typedef int (*mask_fn)(int, const uint64_t *, uint64_t *);

static long change_mask(int how, const uint64_t *set, uint64_t *old)
{
	uint64_t asked = set ? *set : 0, real = asked & ~(OUR_BITS | LIBC_BITS), was = 0;
	struct sig_view v = sig_view();
	uint64_t held = *v.held, bits = held_of_set(asked), before = set_of_held(held);
	long err = rt_sys6(__NR_rt_sigprocmask, how, set ? (long)&real : 0, (long)&was, 8, 0, 0);

	if (err)
		return err;
	if (set && !(held & RT_HELD_SPAWN)) {
		held = how == RT_SIG_UNBLOCK ? held & ~bits :
		       how == RT_SIG_BLOCK   ? held | bits :
					       (held & ~(uint64_t)(RT_HELD_SEGV | RT_HELD_BUS)) |
						     bits;
		held_set(&v, held);
	}
	if (old)
		*old = was | before;
	return 0;
}

int rt_hook_pthread_sigmask(int how, const uint64_t *set, uint64_t *old)
{
	if (!rt_signals.active)
		return ORIGINAL(RT_HOOK_PTHREAD_SIGMASK, mask_fn)(how, set, old);
	return (int)-change_mask(how, set, old);
}

int rt_hook_sigprocmask(int how, const uint64_t *set, uint64_t *old)
{
	if (!rt_signals.active || change_mask(how, set, old))
		return ORIGINAL(RT_HOOK_SIGPROCMASK, mask_fn)(how, set, old);
	return 0;
}

/* For the time of a call that waits with another mask. */
struct swapped {
	uint64_t set[16];
	uint64_t held;
	struct sig_view view;
};

static const uint64_t *swap_in(struct swapped *s, const uint64_t *set)
{
	if (!rt_signals.active || !set || !(*set & OUR_BITS))
		return set;
	rt_zero(s->set, sizeof(s->set));
	s->set[0] = *set & ~OUR_BITS;
	s->view = sig_view();
	s->held = *s->view.held;
	held_set(&s->view, (s->held & ~(uint64_t)(RT_HELD_SEGV | RT_HELD_BUS)) | held_of_set(*set));
	return s->set;
}

static void swap_out(const struct swapped *s, const uint64_t *used)
{
	if (used == s->set)
		held_set(&s->view, s->held);
}

int rt_hook_sigsuspend(const uint64_t *set)
{
	struct swapped s;
	const uint64_t *use = swap_in(&s, set);
	int r = ORIGINAL(RT_HOOK_SIGSUSPEND, int (*)(const uint64_t *))(use);

	swap_out(&s, use);
	return r;
}

int rt_hook_ppoll(void *fds, uint64_t n, const void *timeout, const uint64_t *set)
{
	struct swapped s;
	const uint64_t *use = swap_in(&s, set);
	int r = ORIGINAL(RT_HOOK_PPOLL, int (*)(void *, uint64_t, const void *,
						const uint64_t *))(fds, n, timeout, use);

	swap_out(&s, use);
	return r;
}

int rt_hook_pselect(int n, void *in, void *out, void *except, const void *timeout,
		    const uint64_t *set)
{
	struct swapped s;
	const uint64_t *use = swap_in(&s, set);
	int r = ORIGINAL(RT_HOOK_PSELECT, int (*)(int, void *, void *, void *, const void *,
						  const uint64_t *))(n, in, out, except, timeout,
								     use);

	swap_out(&s, use);
	return r;
}

int rt_hook_epoll_pwait(int fd, void *events, int n, int timeout, const uint64_t *set)
{
	struct swapped s;
	const uint64_t *use = swap_in(&s, set);
	int r = ORIGINAL(RT_HOOK_EPOLL_PWAIT, int (*)(int, void *, int, int, const uint64_t *))(
		fd, events, n, timeout, use);

	swap_out(&s, use);
	return r;
}

int rt_hook_epoll_pwait2(int fd, void *events, int n, const void *timeout, const uint64_t *set)
{
	struct swapped s;
	const uint64_t *use = swap_in(&s, set);
	int r = ORIGINAL(RT_HOOK_EPOLL_PWAIT2,
			 int (*)(int, void *, int, const void *, const uint64_t *))(fd, events, n,
										    timeout, use);

	swap_out(&s, use);
	return r;
}

/* -- threads, and what comes after exec ------------------------------------------------- */

int rt_hook_pthread_create(void *thread, const void *attr, void *start, void *arg)
{
	rt_signals.inherit = (uint32_t)*sig_view().held;
	return ORIGINAL(RT_HOOK_PTHREAD_CREATE,
			int (*)(void *, const void *, void *, void *))(thread, attr, start, arg);
}

/* What the next program is to find blocked. */
static uint64_t blocked_at_exec(uint64_t held)
{
	uint64_t bits = held;

	if (held & RT_HELD_SPAWN && held & RT_HELD_MASK)
		bits = held / RT_HELD_BLOCKED(1u);
	return set_of_held(bits);
}

static void ignore_for_exec(const struct sig_view *v, int sig)
{
	struct rt_sigaction ignore = { .handler = RT_SIG_IGN }, now = { .handler = 0 };
	uint64_t held = *v->held;

	if (sig_app(v, sig)->handler != RT_SIG_IGN)
		return;
	rt_sys6(__NR_rt_sigaction, sig, 0, (long)&now, 8, 0, 0);
	if (held & RT_HELD_SPAWN) {
		/* it has put back to the default what had a handler: ours */
		if (held & RT_HELD_DFL(held_of_set(SIG_BIT(sig))))
			return;
	} else if (now.handler != (uint64_t)rt_fault_entry) {
		return;
	}
	rt_sys6(__NR_rt_sigaction, sig, (long)&ignore, 0, 8, 0, 0);
}

/* `kept` is for make_ours(): a child's record is free for others when there is another program. */
static void make_real(struct rt_child *kept)
{
	struct sig_view v = sig_view();
	uint64_t set = blocked_at_exec(*v.held);

	if (set) {
		rt_sys6(__NR_rt_sigprocmask, RT_SIG_BLOCK, (long)&set, 0, 8, 0, 0);
		send_pending(&v, ~held_of_set(set)); /* what is blocked and pending stays so */
	}
	ignore_for_exec(&v, RT_SIGSEGV);
	ignore_for_exec(&v, RT_SIGBUS);
	kept->pid = 0;
	if (!v.child)
		return;
	*kept = *v.child;
	sig_child_drop(v.child);
}

/* The exec has failed. */
static void make_ours(const struct rt_child *kept)
{
	struct sig_view v = sig_view();
	uint64_t ours = OUR_BITS;

	if (kept->pid && v.child)
		*v.child = *kept;
	for (int sig = RT_SIGBUS; sig <= RT_SIGSEGV; sig += RT_SIGSEGV - RT_SIGBUS) {
		const struct rt_sigaction *app = sig_app(&v, sig);
		struct rt_sigaction act = { .handler = (uint64_t)rt_fault_entry,
					    .flags = rt_our_flags(app),
					    .restorer = (uint64_t)rt_restore };

		if (app->handler == RT_SIG_IGN)
			rt_sys6(__NR_rt_sigaction, sig, (long)&act, 0, 8, 0, 0);
	}
	rt_sys6(__NR_rt_sigprocmask, RT_SIG_UNBLOCK, (long)&ours, 0, 8, 0, 0);
}

int rt_hook_execve(const char *path, void *argv, void *envp)
{
	int active = rt_signals.active != 0, r;
	struct rt_child kept;

	if (active)
		make_real(&kept);
	r = ORIGINAL(RT_HOOK_EXECVE, int (*)(const char *, void *, void *))(path, argv, envp);
	if (active)
		make_ours(&kept);
	return r;
}

int rt_hook_execveat(int fd, const char *path, void *argv, void *envp, int flags)
{
	int active = rt_signals.active != 0, r;
	struct rt_child kept;

	if (active)
		make_real(&kept);
	r = ORIGINAL(RT_HOOK_EXECVEAT,
		     int (*)(int, const char *, void *, void *, int))(fd, path, argv, envp, flags);
	if (active)
		make_ours(&kept);
	return r;
}

/* As <spawn.h> has it: POSIX_SPAWN_SETSIGDEF, POSIX_SPAWN_SETSIGMASK. */
struct spawn_attr {
	int16_t flags, pad;
	int32_t group;
	uint64_t defaults[16], mask[16];
};

#define SPAWN_DEFAULTS 0x04
#define SPAWN_MASK     0x08

static uint64_t held_for_spawn(uint64_t held, const struct spawn_attr *a)
{
	held |= RT_HELD_SPAWN;
	if (a && a->flags & SPAWN_DEFAULTS)
		held |= RT_HELD_DFL(held_of_set(a->defaults[0]));
	if (a && a->flags & SPAWN_MASK)
		held |= RT_HELD_MASK | RT_HELD_BLOCKED(held_of_set(a->mask[0]));
	return held;
}

typedef int (*spawn_fn)(void *, const char *, const void *, const struct spawn_attr *, void *,
			void *);

static int spawn(unsigned which, void *pid, const char *path, const void *actions,
		 const struct spawn_attr *attr, void *argv, void *envp)
{
	int active = rt_signals.active != 0, r;
	struct sig_view v;
	uint64_t held = 0;

	if (active) {
		v = sig_view();
		held = *v.held;
		held_set(&v, held_for_spawn(held, attr));
	}
	r = ORIGINAL(which, spawn_fn)(pid, path, actions, attr, argv, envp);
	if (active)
		held_set(&v, held);
	return r;
}

int rt_hook_posix_spawn(void *pid, const char *path, const void *actions,
			const struct spawn_attr *attr, void *argv, void *envp)
{
	return spawn(RT_HOOK_POSIX_SPAWN, pid, path, actions, attr, argv, envp);
}

int rt_hook_posix_spawnp(void *pid, const char *path, const void *actions,
			 const struct spawn_attr *attr, void *argv, void *envp)
{
	return spawn(RT_HOOK_POSIX_SPAWNP, pid, path, actions, attr, argv, envp);
}
