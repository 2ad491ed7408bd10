/*
 * rt/sigview.c - what the application believes to have set, of SIGSEGV and SIGBUS.
 *
 * A process has its actions in rt_signals.app, a thread what it has blocked in its TLS.  Not so a
 * child of vfork(), or of clone() with CLONE_VM: it runs in its parent's memory and TLS, with actions and
 * a mask of its own, and what it sets must be unset when the parent goes on.  It has a record in
 * rt_signals.child, from its first call of a stand-in until it executes a program; one that ended
 * before is found dead, by the thread that made it or by whoever needs room.
 *
 * Whose the memory is stands in the block of slot 0, which is no thread's: written when that is
 * mapped, and wiped in a forked child (MADV_WIPEONFORK), which takes it with its first call.  (A child of
 * vfork() that calls before its parent, itself just forked, has ever done so is taken for it.)
 *
 * A signal sent while it was believed blocked is kept in the thread's block, one of each.
 *
 * Context  [probe] any thread, signal handlers included
 * Spec     vfork(2), clone(2) CLONE_VM, CLONE_SIGHAND; madvise(2)
 */
#include "rt/rt.h"
#include "rt/signal.h"

/* -- whose ------------------------------------------------------------------------------ */

static uint64_t fs_base(void)
{
	uint64_t fs;

	__asm__ volatile("movq %%fs:0, %0" : "=r"(fs));
	return fs;
}

static uint32_t own_pid(void)
{
	const struct rt_thread *owner = (const struct rt_thread *)(void *)rt_state.threads;

	if (rt_state.flags & RT_FLAG_FILTERED && owner && owner->pid)
		return owner->pid; /* a child of vfork() is not told from its parent then */
	return (uint32_t)rt_sys3(__NR_getpid, 0, 0, 0);
}

static int is_gone(uint32_t pid)
{
	return rt_sys3(__NR_kill, pid, 0, 0) == -ESRCH;
}

static int is_used(uint32_t pid)
{
	return pid && pid != RT_CHILD_CLAIMED;
}

static void drop(struct rt_child *c, uint32_t pid)
{
	if (__atomic_compare_exchange_n(&c->pid, &pid, 0, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		__atomic_fetch_sub(&rt_signals.children, 1, __ATOMIC_RELAXED);
}

void sig_child_drop(struct rt_child *c)
{
	drop(c, c->pid);
}

/* A thread that runs has no such child any more. */
static void drop_own(uint64_t fs)
{
	for (unsigned i = 0; i < RT_CHILDREN; i++) {
		struct rt_child *c = &rt_signals.child[i];
		uint32_t pid = __atomic_load_n(&c->pid, __ATOMIC_ACQUIRE);

		if (is_used(pid) && c->fs == fs)
			drop(c, pid);
	}
}

/* Is the memory that of another process?  A forked child has none of its parent's. */
static int in_child(uint32_t pid)
{
	struct rt_thread *owner = (struct rt_thread *)(void *)rt_state.threads;
	uint32_t was;

	if (!owner)
		return 0;
	was = __atomic_load_n(&owner->pid, __ATOMIC_RELAXED);
	if (was == pid)
		return 0;
	if (was && !is_gone(was))
		return 1;
	__atomic_store_n(&owner->pid, pid, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < RT_CHILDREN; i++)
		rt_signals.child[i].pid = 0;
	rt_signals.children = 0;
	return 0;
}

/* -- the record ------------------------------------------------------------------------- */

static struct rt_child *record_of(uint32_t pid)
{
	for (unsigned i = 0; i < RT_CHILDREN; i++) {
		struct rt_child *c = &rt_signals.child[i];

		if (__atomic_load_n(&c->pid, __ATOMIC_RELAXED) == pid)
			return c;
	}
	return NULL;
}

/* Free, or that of a process that has ended: whoever has changed its pid may fill it in. */
static struct rt_child *record_claim(void)
{
	for (unsigned i = 0; i < RT_CHILDREN; i++) {
		struct rt_child *c = &rt_signals.child[i];
		uint32_t was = __atomic_load_n(&c->pid, __ATOMIC_RELAXED);

		if (was == RT_CHILD_CLAIMED || (was && !is_gone(was)))
			continue;
		__atomic_fetch_add(&rt_signals.children, 1, __ATOMIC_RELAXED);
		if (__atomic_compare_exchange_n(&c->pid, &was, RT_CHILD_CLAIMED, 0,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			if (was) /* counted already */
				__atomic_fetch_sub(&rt_signals.children, 1, __ATOMIC_RELAXED);
			return c;
		}
		__atomic_fetch_sub(&rt_signals.children, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* It begins with what the thread that made it had set. */
static struct rt_child *record_make(uint32_t pid, uint64_t fs, uint64_t held)
{
	struct rt_child *c = record_claim();

	if (!c)
		return NULL;
	rt_zero(c->pending, sizeof(c->pending));
	c->fs = fs;
	c->held = held;
	c->app[sig_index(RT_SIGSEGV)] = rt_signals.app[RT_SIGSEGV];
	c->app[sig_index(RT_SIGBUS)] = rt_signals.app[RT_SIGBUS];
	__atomic_store_n(&c->pid, pid, __ATOMIC_RELEASE);
	return c;
}

/* -- the view --------------------------------------------------------------------------- */

static struct sig_view view_of_thread(uint64_t fs)
{
	struct sig_view v = { .child = NULL, .lost = 0 };

	v.held = (uint64_t *)(fs + (uint64_t)(int64_t)rt_state.tls_off +
			      offsetof(struct rt_tls, held));
	if (!(*v.held & RT_HELD_KNOWN)) /* a new thread: as the one that made it */
		*v.held = RT_HELD_KNOWN | (rt_signals.inherit & (RT_HELD_SEGV | RT_HELD_BUS));
	return v;
}

struct sig_view sig_view(void)
{
	uint64_t fs = fs_base();
	struct sig_view v = view_of_thread(fs);
	uint32_t pid = own_pid();

	if (!in_child(pid)) {
		if (__atomic_load_n(&rt_signals.children, __ATOMIC_RELAXED))
			drop_own(fs);
		return v;
	}
	v.child = record_of(pid);
	if (!v.child)
		v.child = record_make(pid, fs, *v.held);
	if (v.child)
		v.held = &v.child->held;
	v.lost = !v.child;
	return v;
}

struct sig_view sig_view_quiet(void)
{
	struct sig_view v = view_of_thread(fs_base());

	if (!__atomic_load_n(&rt_signals.children, __ATOMIC_RELAXED))
		return v;
	v.child = record_of(own_pid());
	if (v.child)
		v.held = &v.child->held;
	return v;
}

struct rt_sigaction *sig_app(const struct sig_view *v, int sig)
{
	return v->child ? &v->child->app[sig_index(sig)] : &rt_signals.app[sig];
}

/* -- sent, and held back ---------------------------------------------------------------- */

static struct rt_pending *pending_of(const struct sig_view *v)
{
	struct rt_thread *t;

	if (v->child)
		return v->child->pending;
	t = rt_state.arena ? rt_thread_self() : NULL;
	return t ? t->pending : NULL;
}

void send_self(int sig, const struct rt_siginfo *si)
{
	long pid = own_pid(), tid = rt_sys3(__NR_gettid, 0, 0, 0);

	rt_sys6(__NR_rt_tgsigqueueinfo, pid, tid, sig, (long)si, 0, 0);
}

void send_pending(const struct sig_view *v, uint64_t held)
{
	struct rt_pending *all = pending_of(v);

	for (int sig = RT_SIGBUS; all && sig <= RT_SIGSEGV; sig += RT_SIGSEGV - RT_SIGBUS) {
		struct rt_pending *p = &all[sig_index(sig)];
		struct rt_siginfo si;

		if (!p->there || held & held_of_set(SIG_BIT(sig)))
			continue;
		rt_zero(&si, sizeof(si));
		si.signo = sig;
		si.code = p->code;
		si.pid = p->pid;
		si.uid = p->uid;
		si.value = p->value;
		p->there = 0;
		send_self(sig, &si);
	}
}

void held_set(const struct sig_view *v, uint64_t held)
{
	uint64_t old = *v->held;

	*v->held = held | RT_HELD_KNOWN;
	if (old & ~held & (RT_HELD_SEGV | RT_HELD_BUS))
		send_pending(v, held);
}

int hold_back(const struct sig_view *v, int sig, const struct rt_siginfo *si)
{
	struct rt_pending *p = pending_of(v);

	if (!p)
		return 0;
	p += sig_index(sig);
	if (p->there) /* these do not queue */
		return 1;
	p->code = si->code;
	p->pid = si->pid;
	p->uid = si->uid;
	p->value = si->value;
	p->there = 1;
	return 1;
}
