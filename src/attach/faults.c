/*
 * attach/faults.c - see faults.h: choose how bad addresses are survived; our handler in and out.
 *
 * F.1  The stand-ins' slots and what they know are written before any function leads to them, and
 *      the handler is there before rt/ is told to rely on it.
 * F.2  It goes only while no thread is inside of a program: none has a pc in a slab, none a
 *      program on its list of running ones.  Else it stays a little longer, which does no harm.
 * F.3  Code that makes the system calls itself is not seen by the stand-ins.  Modules that do
 *      (Go, sanitizers) are found by their instructions: such targets get the other way.
 *
 * Context  [ctl]
 */
#include "attach/faults.h"
#include "attach/image.h"
#include "attach/session.h"
#include "ctl/journal.h"
#include "rt/slab.h"

#include <errno.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static const struct {
	const char *func, *stand_in;
	bool must; /* else it may be missing: a newer libc's */
} stand_ins[RT_HOOKS] = {
	[RT_HOOK_SIGACTION] = { "sigaction", "rt_hook_sigaction", true },
	[RT_HOOK_SIGPROCMASK] = { "sigprocmask", "rt_hook_sigprocmask", true },
	[RT_HOOK_PTHREAD_SIGMASK] = { "pthread_sigmask", "rt_hook_pthread_sigmask", true },
	[RT_HOOK_SIGSUSPEND] = { "sigsuspend", "rt_hook_sigsuspend", true },
	[RT_HOOK_PPOLL] = { "ppoll", "rt_hook_ppoll", true },
	[RT_HOOK_PSELECT] = { "pselect", "rt_hook_pselect", true },
	[RT_HOOK_EPOLL_PWAIT] = { "epoll_pwait", "rt_hook_epoll_pwait", true },
	[RT_HOOK_EPOLL_PWAIT2] = { "epoll_pwait2", "rt_hook_epoll_pwait2", false },
	[RT_HOOK_EXECVE] = { "execve", "rt_hook_execve", true },
	[RT_HOOK_EXECVEAT] = { "execveat", "rt_hook_execveat", false },
	[RT_HOOK_PTHREAD_CREATE] = { "pthread_create", "rt_hook_pthread_create", true },
	[RT_HOOK_POSIX_SPAWN] = { "posix_spawn", "rt_hook_posix_spawn", true },
	[RT_HOOK_POSIX_SPAWNP] = { "posix_spawnp", "rt_hook_posix_spawnp", true },
};

int faults_ask(struct faults *f, const char *how, struct diag *d)
{
	f->asked_syscall = how && !strcmp(how, "syscall");
	if (!how || f->asked_syscall || !strcmp(how, "auto"))
		return 0;
	return diag_set(d, -EINVAL, "faults: '%s' is none of auto, syscall", how);
}

/* -- which way -------------------------------------------------------------------------------- */

static bool is_libc(const struct amodule *m)
{
	return m->obj->soname && !strcmp(m->obj->soname, "libc.so.6");
}

static struct amodule *find_libc(const struct utramp_target *t)
{
	for (size_t i = 0; i < t->mods->n; i++) {
		if (is_libc(t->mods->at[i]))
			return t->mods->at[i];
	}
	return NULL;
}

#define NEAR 48

/* mov eax, 13 or 14 (rt_sigaction, rt_sigprocmask), and syscall soon behind it. */
static bool calls_by_number(const uint8_t *code, size_t n)
{
	const uint8_t *end = code + n;

	for (const uint8_t *p = code; (p = memchr(p, 0xb8, (size_t)(end - p))); p++) {
		size_t left = (size_t)(end - p);

		if (left < 7)
			return false;
		if ((p[1] != SYS_rt_sigaction && p[1] != SYS_rt_sigprocmask) || p[2] || p[3] ||
		    p[4])
			continue;
		if (memmem(p + 5, left - 5 < NEAR ? left - 5 : NEAR, "\x0f\x05", 2))
			return true;
	}
	return false;
}

/*
 * What an earlier session left loaded, and nobody calls: a session that is there still has its arena
 * mapped.  (Its address may be the same that ours got since.)
 */
static bool is_quiet_slab(const struct utramp_target *t, const struct amodule *m)
{
	const struct objsym *s = objfile_sym(m->obj, "rt_state");
	struct rt_state state;

	if (strncmp(m->obj->soname, SLAB_SONAME, strcspn(SLAB_SONAME, "X")) != 0 || !s ||
	    process_read(t->proc, s->addr + m->bias, &state, sizeof(state)) < 0 ||
	    state.magic != RT_STATE_MAGIC)
		return false;
	return state.arena == t->proc->arena || !maps_at(&t->proc->modules.maps, state.arena);
}

static bool module_goes_around(const struct utramp_target *t, const struct amodule *m)
{
	const char *so = m->obj->soname;
	bool found = false;

	if (is_libc(m) || (so && (!strncmp(so, "ld-linux", 8) || is_quiet_slab(t, m))))
		return false;
	for (unsigned i = 0; i < m->obj->nseg && !found; i++) {
		const struct objseg *s = &m->obj->seg[i];
		uint8_t *code = s->x ? malloc(s->filesz + 1) : NULL;

		if (!code)
			continue;
		found = calls_by_number(code, objfile_bytes(m->obj, s->addr, code, s->filesz));
		free(code);
	}
	return found;
}

/* The hook of a function of libc, without types: nobody looks at it. */
static int libc_hook(struct utramp_target *t, struct amodule *libc, const char *name,
		     struct hook **out, struct diag *d)
{
	struct func *f;
	int err = func_exported(libc, name, &f, d);

	if (err)
		return err;
	*out = session_find_hook(t, f);
	if (*out) {
		func_free(f);
		return 0;
	}
	err = session_hook_untyped(t, f, out, d);
	return err;
}

/* All that is stood in for can be. */
static int prepare_hooks(struct utramp_target *t, struct amodule *libc, struct diag *d)
{
	for (int k = 0; k < RT_HOOKS; k++) {
		struct hook *h = NULL;
		int err = libc_hook(t, libc, stand_ins[k].func, &h, d);

		if (err == -ENOENT && !stand_ins[k].must)
			continue;
		if (!err && !h->func->can_entry)
			err = diag_set(d, -ENOTSUP, "%s: %s", h->func->name,
				       h->func->reason ? h->func->reason : "it cannot be patched");
		if (!err && faults_stand_in(t, h) < 0)
			err = diag_set(d, -ERANGE, "%s is out of reach", h->func->name);
		if (err)
			return err;
	}
	return 0;
}

static int other_way(struct utramp_target *t, const char *why)
{
	snprintf(t->faults.why, sizeof(t->faults.why), "%s", why);
	t->faults.way = t->seccomp ? FAULTS_NONE : FAULTS_SYSCALL;
	for (unsigned i = 0; i < SLABS; i++)
		t->env[i].load = session_rt_symbol(t, i, "rt_load_word");
	return 0;
}

static int choose(struct utramp_target *t)
{
	struct amodule *libc = find_libc(t);
	struct diag why = { 0 };
	char text[256];

	if (t->faults.asked_syscall)
		return other_way(t, "as asked for");
	if (t->file) {
		t->faults.way = FAULTS_HANDLER;
		return 0;
	}
	if (!libc)
		return other_way(t, "it has no libc.so.6 whose functions about signals are known");
	for (size_t i = 0; i < t->mods->n; i++) {
		if (!module_goes_around(t, t->mods->at[i]))
			continue;
		snprintf(text, sizeof(text), "%.200s sets signal handlers without libc",
			 t->mods->at[i]->shown);
		return other_way(t, text);
	}
	if (prepare_hooks(t, libc, &why) < 0) {
		snprintf(text, sizeof(text), "libc.so.6: %.200s", why.text);
		return other_way(t, text);
	}
	t->faults.way = FAULTS_HANDLER;
	return 0;
}

/* What is asked of the kernel at each call (rt/info.c); all other helpers are not. */
static const char *asks_kernel(const struct program *p)
{
	const uint64_t *h = p->facts.helpers; /* both below 64 */

	return h[0] >> BPF_FUNC_get_current_comm & 1    ? "bpf_get_current_comm" :
	       h[0] >> BPF_FUNC_get_current_uid_gid & 1 ? "bpf_get_current_uid_gid" :
							  NULL;
}

int faults_choose(struct utramp_target *t, const struct program *p, struct diag *d)
{
	const char *asks = t->filtered ? asks_kernel(p) : NULL;

	if (asks)
		return diag_set(
			d, -ENOTSUP,
			"program %s calls %s(), for which the kernel is asked, and the target "
			"runs under seccomp, which may kill it for that: leave that out",
			p->name, asks);
	if (!program_reads_target(p))
		return 0;
	if (t->faults.way == FAULTS_OPEN)
		choose(t);
	if (t->seccomp && t->faults.asked_syscall)
		return diag_set(d, -ENOTSUP,
				"program %s reads memory, and the target runs under seccomp, which "
				"may forbid what --faults=syscall needs: leave that out",
				p->name);
	return 0;
}

/* -- hooks ------------------------------------------------------------------------------------ */

int faults_stand_in(const struct utramp_target *t, const struct hook *h)
{
	if (t->file || h->slab != SLAB_LIB || !is_libc(h->func->mod))
		return -1;
	for (int k = 0; k < RT_HOOKS; k++) {
		const struct objsym *s = objfile_sym(h->func->mod->obj, stand_ins[k].func);

		if (s && s->dynamic && s->addr == h->func->addr)
			return k;
	}
	return -1;
}

taddr_t faults_stand_in_at(const struct utramp_target *t, int which)
{
	return session_rt_symbol(t, SLAB_LIB, stand_ins[which].stand_in);
}

static taddr_t signals_at(const struct utramp_target *t, size_t off)
{
	return session_rt_symbol(t, SLAB_LIB, "rt_signals") + off;
}

int faults_slot(struct utramp_target *t, int which, taddr_t original)
{
	return process_write(t->proc,
			     signals_at(t, offsetof(struct rt_signals, original) +
						   (size_t)which * sizeof(uint64_t)),
			     &original, sizeof(original));
}

bool faults_want(const struct utramp_target *t, const struct hook *h)
{
	return t->faults.on && !t->faults.lingers && faults_stand_in(t, h) >= 0;
}

bool faults_changed(struct utramp_target *t)
{
	bool needed = false;

	for (size_t i = 0; i < t->hooks.n && !needed; i++) {
		const struct hook *h = t->hooks.at[i];

		for (int k = 0; k < TRAMP_KINDS && !needed; k++) {
			for (size_t l = 0; l < h->list[k].n && !needed; l++)
				needed = program_reads_target(h->list[k].at[l]->prog);
		}
	}
	t->faults.needed = needed && t->faults.way == FAULTS_HANDLER;
	t->faults.lingers &= !t->faults.needed;
	return t->faults.needed != t->faults.on || t->faults.torn;
}

/* -- in and out ------------------------------------------------------------------------------- */

const char *utramp_target__faults(const struct utramp_target *t)
{
	static _Thread_local char text[sizeof(t->faults.why) + 64];
	static const char *const way[] = {
		[FAULTS_SYSCALL] = "each read asks the kernel",
		[FAULTS_NONE] = "nothing is read, and every address counts as bad",
	};

	if (!t || t->faults.way == FAULTS_OPEN ||
	    (t->faults.way == FAULTS_HANDLER && !t->faults.on))
		return NULL;
	if (t->faults.way == FAULTS_HANDLER)
		return "a signal handler of ours, in front of the program's own";
	snprintf(text, sizeof(text), "%s: %s", way[t->faults.way], t->faults.why);
	return text;
}

uint32_t faults_flags(const struct utramp_target *t)
{
	uint32_t filtered = t->filtered ? RT_FLAG_FILTERED : 0;

	return filtered | (t->faults.way == FAULTS_NONE ? RT_FLAG_NO_READS :
			   t->faults.on                 ? RT_FLAG_FAULTS :
							  0);
}

static int write_flags(struct utramp_target *t)
{
	uint32_t flags = faults_flags(t);
	int err = 0;

	for (int i = 0; i < SLABS && !err; i++)
		err = process_write(t->proc,
				    t->proc->slab[i].rt_state + offsetof(struct rt_state, flags),
				    &flags, sizeof(flags));
	return err;
}

static const int ours[] = { SIGSEGV, SIGBUS };

/* As rt_our_flags() in rt/fault.c. */
static struct rt_sigaction our_action(const struct utramp_target *t, const struct rt_sigaction *app)
{
	struct rt_sigaction a = {
		.handler = session_rt_symbol(t, SLAB_LIB, "rt_fault_entry"),
		.flags = SA_SIGINFO | SA_NODEFER | 0x04000000, /* SA_RESTORER */
		.restorer = session_rt_symbol(t, SLAB_LIB, "rt_restore"),
	};

	if (app->handler <= 1)
		a.flags |= SA_ONSTACK | SA_RESTART;
	else
		a.flags |= app->flags & (SA_ONSTACK | SA_RESTART);
	return a;
}

#define OUR_SET (1ull << (SIGSEGV - 1) | 1ull << (SIGBUS - 1))

/* Handlers of other signals that would block ours: into s->app, and a bit of *which for each. */
static int find_others(struct utramp_target *t, struct rt_signals *s, uint64_t *which)
{
	uint64_t caught = process_caught(t->proc);
	int err = 0;

	*which = 0;
	for (int sig = 1; sig < RT_SIGNALS && !err; sig++) {
		struct rt_sigaction now;

		if (!(caught >> (sig - 1) & 1) || OUR_SET >> (sig - 1) & 1)
			continue;
		err = process_sigaction(t->proc, sig, NULL, &now);
		if (err || !(now.mask & OUR_SET))
			continue;
		s->app[sig] = now;
		*which |= 1ull << (sig - 1);
	}
	return err;
}

/* They come by rt_sig_enter, which finds them there: so they are written before. */
static int enter_others(struct utramp_target *t, const struct rt_signals *s, uint64_t which)
{
	int err = 0;

	for (int sig = 1; sig < RT_SIGNALS && !err; sig++) {
		struct rt_sigaction to = s->app[sig];

		if (!(which >> (sig - 1) & 1))
			continue;
		to.handler = session_rt_symbol(t, SLAB_LIB, "rt_sig_enter");
		to.mask &= ~OUR_SET;
		err = process_sigaction(t->proc, sig, &to, NULL);
	}
	return err;
}

static struct process_handlers handlers_of(const struct utramp_target *t)
{
	return (struct process_handlers){
		.signals = signals_at(t, 0),
		.fault_entry = session_rt_symbol(t, SLAB_LIB, "rt_fault_entry"),
		.sig_enter = session_rt_symbol(t, SLAB_LIB, "rt_sig_enter"),
	};
}

static int put_in(struct utramp_target *t, struct diag *d)
{
	const struct process_handlers handlers = handlers_of(t);
	struct rt_signals s;
	uint64_t others = 0;
	int err = process_read(t->proc, signals_at(t, 0), &s, sizeof(s));

	journal_handlers(t->proc, &handlers);
	for (int k = 0; k < 2 && !err; k++)
		err = process_sigaction(t->proc, ours[k], NULL, &s.app[ours[k]]);
	if (err) /* forbidden, or the process is gone */
		return err;
	s.active = 1;
	memset(s.child, 0, sizeof(s.child));
	s.children = 0;
	err = find_others(t, &s, &others);
	if (!err)
		err = process_write(t->proc, signals_at(t, 0), &s, sizeof(s));
	if (!err)
		err = enter_others(t, &s, others);
	for (int k = 0; k < 2 && !err; k++) {
		struct rt_sigaction a = our_action(t, &s.app[ours[k]]);

		err = process_sigaction(t->proc, ours[k], &a, NULL);
	}
	if (!err)
		err = process_hold(t->proc, true);
	t->faults.on = !err;
	if (!err)
		err = write_flags(t);
	return err ? diag_set(d, err, "process %d: our signal handler cannot be set: %s",
			      (int)t->proc->pid, strerror(-err)) :
		     0;
}

static int take_out(struct utramp_target *t, struct diag *d)
{
	const struct process_handlers h = handlers_of(t);
	int err;

	t->faults.on = false;
	/* while it lingered, masks have been the threads' own */
	err = process_leave_handlers(t->proc, &h, !t->faults.lingers);
	t->faults.lingers = false;
	if (!err)
		journal_handlers(t->proc, NULL);
	return err ? diag_set(d, err, "process %d: its signal handlers cannot be restored: %s",
			      (int)t->proc->pid, strerror(-err)) :
		     0;
}

/* Where rt_sigaction is forbidden, images must be built anew: as if nothing could be read. */
static void give_up(struct utramp_target *t, int err)
{
	char text[128];

	snprintf(text, sizeof(text), "the target may not set signal handlers (%s)", strerror(-err));
	other_way(t, text);
	for (size_t i = 0; i < t->hooks.n; i++) {
		t->hooks.at[i]->dirty |= hook_has_links(t->hooks.at[i]);
		image_unready(t, t->hooks.at[i]);
	}
	write_flags(t);
}

int faults_enter(struct utramp_target *t, struct diag *d)
{
	int err = 0;

	if (!faults_changed(t) || !t->faults.needed || t->faults.on)
		return 0;
	for (size_t i = 0; i < t->hooks.n && !err; i++) {
		struct hook *h = t->hooks.at[i];

		if (!h->slot_at && faults_stand_in(t, h) >= 0)
			err = image_slot(t, h, d);
	}
	if (!err)
		err = put_in(t, d);
	if (err == -EPERM || err == -EACCES || err == -ENOSYS) {
		give_up(t, err);
		return 0;
	}
	return err;
}

/* What is not on is out: nobody needs it yet, or any more. */
static int mend(struct utramp_target *t, struct diag *d)
{
	int err = t->faults.way != FAULTS_HANDLER ? 0 :
		  t->faults.on                    ? write_flags(t) :
						    take_out(t, d);

	t->faults.torn = err != 0;
	return err;
}

int faults_leave(struct utramp_target *t, bool last, struct diag *d)
{
	int err = t->faults.torn ? mend(t, d) : 0;

	if (err)
		return err;
	if (!faults_changed(t) || t->faults.needed)
		return 0;
	if (!process_may_call(t->proc)) { /* it stays, in front of the target's own */
		t->faults.lingers = true;
		return 0;
	}
	if (!process_inside(t->proc))
		return take_out(t, d);
	t->faults.lingers = last;
	return last ? 0 : -EAGAIN;
}

void faults_undo(struct utramp_target *t)
{
	if (t->faults.on)
		take_out(t, NULL);
}
