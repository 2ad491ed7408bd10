/*
 * ctl/spawn.c - start a command with the slabs in it and stop it before its constructors.
 *
 *   fork ── seized ── execve ──▶ exec stop: addresses known, slab files written
 *                                  │  int3 on _dl_debug_state and on the entry point
 *                                  ▼
 *        ld.so maps, relocates ──▶ _dl_debug_state with RT_CONSISTENT and both slabs mapped
 *                                  │  bytes and environment put back
 *                                  ▼  event stop: p->stopped
 *
 * The int3 at the entry point only catches a loader that never came by the other one.
 * Until the end of this file our death kills the child (PTRACE_O_EXITKILL).
 *
 * Context  [ctl] the child runs async-signal-safe code only: other threads may hold locks
 * Spec     ptrace(2); ld.so(8); getauxval(3); glibc elf/rtld.c dl_main() for the order:
 *          RT_CONSISTENT is announced after relocation; <link.h> struct r_debug
 */
#include "base/cleanup.h"
#include "ctl/admit.h"
#include "ctl/journal.h"
#include "ctl/priv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { EXEC_LIMIT_S = 10 };

/* -- what the child inherits as if we were not there ------------------------------------- */

static struct {
	sigset_t mask;
	bool ignored[NSIG];
} inherited;

/* The caller may have changed its own mask and dispositions by the time of the fork. */
__attribute__((constructor)) static void signals_note(void)
{
	sigprocmask(SIG_SETMASK, NULL, &inherited.mask);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa;

		inherited.ignored[sig] = !sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN;
	}
}

/* Handlers go with the exec by themselves, ignored signals and the mask do not. */
static void signals_restore(void)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa = { .sa_handler = inherited.ignored[sig] ? SIG_IGN : SIG_DFL };

		if (sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &sa, NULL);
	}
	sigprocmask(SIG_SETMASK, &inherited.mask, NULL);
}

/* -- the environment --------------------------------------------------------------------- */

/*
 * environ and our two entries; *preload is malloc'ed text inside it.
 */
static char **make_env(const struct process *p, const char *program, char **preload, size_t *count)
{
	static char bias[] = ENV_BIAS;
	size_t n = 0;
	char **env;

	while (environ && environ[n])
		n++;
	env = calloc(n + OUR_ENTRIES + 1, sizeof(*env));
	*preload = env ? loader_preload(p, program, getenv("LD_PRELOAD")) : NULL;
	if (!*preload) {
		free(env);
		return NULL;
	}
	memcpy(env, environ ? environ : env, n * sizeof(*env));
	env[n] = bias;
	env[n + 1] = *preload;
	*count = n + OUR_ENTRIES;
	return env;
}

/* Address of the environment's pointer to ENV_BIAS, 0 if the stack is not as expected. */
static taddr_t find_env(struct process *p, const struct tracee *t, size_t count)
{
	struct user_regs_struct r;
	uint64_t argc, at, word[OUR_ENTRIES + 1];
	char text[sizeof(ENV_PRELOAD) - 1];

	if (tracee_regs(t, &r) < 0 || process_read(p, r.rsp, &argc, sizeof(argc)) < 0 ||
	    argc > 1u << 24)
		return 0;
	at = r.rsp + 8 * (argc + 2) + 8 * (count - OUR_ENTRIES);
	if (process_read(p, at, word, sizeof(word)) < 0 || word[2] ||
	    process_read(p, word[1], text, sizeof(text)) < 0 ||
	    memcmp(text, ENV_PRELOAD, sizeof(text)))
		return 0;
	return at;
}

/* -- fork and exec ------------------------------------------------------------------------- */

struct start {
	const char *path;
	char *const *argv;
	char **env;
	size_t env_n;
	int go[2];  /* we are seized */
	int bad[2]; /* errno of a failed execve() */
};

static void start_close(int fd[2])
{
	for (int i = 0; i < 2; i++) {
		if (fd[i] >= 0)
			close(fd[i]);
		fd[i] = -1;
	}
}

__attribute__((noreturn)) static void child_main(const struct start *s)
{
	char byte;
	int err;

	close(s->go[1]);
	signals_restore();
	if (read(s->go[0], &byte, 1) == 1) { /* else our parent died */
		execve(s->path, s->argv, s->env);
		err = errno;
		if (write(s->bad[1], &err, sizeof(err)) < 0)
			_exit(126);
	}
	_exit(127);
}

/* A program of another kind of machine is execve(2)'s ENOEXEC, too. */
static int not_executable(const struct start *s, struct diag *d)
{
	_close_ int fd = open(s->path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr h; /* the fields read here are Elf32_Ehdr's as well */

	if (fd >= 0 && read(fd, &h, sizeof(h)) >= (ssize_t)sizeof(Elf32_Ehdr) &&
	    !memcmp(h.e_ident, ELFMAG, SELFMAG)) {
		if (h.e_ident[EI_CLASS] != ELFCLASS64)
			return diag_set(d, -ENOTSUP, "%s is a 32-bit program", s->path);
		if (h.e_machine != EM_X86_64)
			return diag_set(d, -ENOTSUP, "%s is a program for another machine (%u)",
					s->path, h.e_machine);
	}
	return diag_set(d, -ENOEXEC,
			"%s: exec format error (neither a program nor a script with #!)", s->path);
}

static int exec_failed(const struct start *s, struct diag *d)
{
	int err = 0;

	if (read(s->bad[0], &err, sizeof(err)) != sizeof(err))
		return diag_set(d, -ESRCH, "%s: killed before it was executed", s->path);
	if (err == ENOEXEC)
		return not_executable(s, d);
	return diag_set(d, -err, "%s: %s", s->path, strerror(err));
}

/*
 * Run until a stop that is not a signal's: its status; signals are delivered.  A group stop
 * is kept (PTRACE_LISTEN) until SIGCONT.  -ESRCH when the process ended.
 */
static int run_to_event(struct process *p, int *status)
{
	for (;;) {
		int sig;

		if (waitpid(p->pid, status, __WALL) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!WIFSTOPPED(*status)) {
			tracee_ended(p, *status);
			return -ESRCH;
		}
		sig = WSTOPSIG(*status);
		if (*status >> 16 == PTRACE_EVENT_STOP) {
			long how = sig == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN;

			ptrace((enum __ptrace_request)how, p->pid, 0, 0);
			continue;
		}
		if (*status >> 16 || sig == SIGTRAP)
			return 0;
		ptrace(PTRACE_CONT, p->pid, 0, (long)sig);
	}
}

/* Fork and run to the exec stop. */
static int start_child(struct process *p, struct start *s, struct diag *d)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;
	sigset_t all, old;
	int st, err;

	/* handlers of ours must not run in the child */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->pid = fork();
	if (p->pid == 0)
		child_main(s);
	err = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (p->pid < 0)
		return diag_set(d, -err, "fork: %s", strerror(err));
	p->child = true;
	close(s->bad[1]);
	s->bad[1] = -1;
	process_priv(p)->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (process_priv(p)->pidfd < 0)
		return diag_set(d, -errno, "pidfd_open: %s", strerror(errno));
	if (ptrace(PTRACE_SEIZE, p->pid, 0, options) < 0)
		return diag_set(d, -errno, "ptrace is not permitted here: %s", strerror(errno));
	if (write(s->go[1], "", 1) != 1)
		return diag_set(d, -EIO, "the child is gone");
	do {
		err = run_to_event(p, &st);
		if (err == -ESRCH)
			return exec_failed(s, d);
		if (!err && st >> 16 != PTRACE_EVENT_EXEC) /* a SIGTRAP somebody sent */
			ptrace(PTRACE_CONT, p->pid, 0, (long)WSTOPSIG(st));
	} while (!err && st >> 16 != PTRACE_EVENT_EXEC);
	return err ? diag_set(d, err, "waitpid: %s", strerror(-err)) : 0;
}

/* -- the exec stop ------------------------------------------------------------------------- */

/* -- from the exec stop to the consistent point ---------------------------------------------- */

struct launch {
	const struct process_spawn_opts *opts;
	struct start *start;
	struct loader loader;
	taddr_t env_at;
	uint8_t saved[2]; /* bytes under the int3s */
	bool trap_ignored, trap_blocked;
	uint64_t sigmask;
};

static int at_exec(struct process *p, struct launch *l, struct diag *d)
{
	const char *path = l->start->path;
	struct process_priv *pp = process_priv(p);
	struct tracee t = { .tid = p->pid, .stopped = true };
	struct map_list maps = { 0 };
	struct aux a = { 0 };
	taddr_t base;
	int err = loader_check(p, path, &t, &a, d);

	if (err)
		return err;
	pp->entry = a.entry;
	pp->phdr = a.phdr;
	pp->loader = a.loader;
	pp->vdso = a.vdso;
	err = process_open_mem(p, d);
	if (!err)
		err = maps_read(p->pid, &maps, d);
	if (err)
		return err;
	l->env_at = find_env(p, &t, l->start->env_n);
	if (!l->env_at || exe_range(p, &a, &maps, &pp->exe) < 0)
		err = diag_set(d, -EBADMSG, "%s: its stack or headers are not as expected", path);
	if (!err)
		err = loader_find(p, &maps, &l->loader, d);
	base = err ? 0 : slab_place(&maps, pp->exe, pp->layout.span);
	maps_free(&maps);
	if (err)
		return err;
	if (!base)
		return diag_set(d, -ERANGE, "%s: no room of %llu MiB within 2 GiB of it", path,
				(unsigned long long)pp->layout.span >> 20);
	journal_begin(p);
	err = slab_write(p, SLAB_EXE, l->opts->slab, base - pp->layout.lowest, d);
	if (!err)
		err = slab_write(p, SLAB_LIB, l->opts->slab, 0, d);
	return err;
}

/* The kernel resets SIGTRAP's disposition and mask when an int3 meets them. */
static int save_sigtrap(struct process *p, struct launch *l)
{
	uint64_t open;

	if (ptrace(PTRACE_GETSIGMASK, p->pid, sizeof(l->sigmask), &l->sigmask) < 0)
		return -errno;
	l->trap_blocked = l->sigmask >> (SIGTRAP - 1) & 1;
	l->trap_ignored = inherited.ignored[SIGTRAP];
	open = l->sigmask & ~(1ull << (SIGTRAP - 1));
	if (l->trap_blocked && ptrace(PTRACE_SETSIGMASK, p->pid, sizeof(open), &open) < 0)
		return -errno;
	return 0;
}

static int set_traps(struct process *p, struct launch *l)
{
	const taddr_t at[2] = { l->loader.debug_state, process_priv(p)->entry };
	const uint8_t int3 = 0xcc;
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		err = process_read(p, at[i], &l->saved[i], 1);
		if (!err)
			err = process_write(p, at[i], &int3, 1);
	}
	return err;
}

static int clear_traps(struct process *p, const struct launch *l)
{
	int err = process_write(p, l->loader.debug_state, &l->saved[0], 1);

	return err ? err : process_write(p, process_priv(p)->entry, &l->saved[1], 1);
}

/* Execute the one instruction under the int3, which _dl_debug_state's `ret` is or begins. */
static int step_over(struct process *p, const struct launch *l)
{
	const uint8_t int3 = 0xcc;
	int st, err = process_write(p, l->loader.debug_state, &l->saved[0], 1);

	if (err)
		return err;
	for (int sig = 0;;) {
		siginfo_t si;

		if (ptrace(PTRACE_SINGLESTEP, p->pid, 0, (long)sig) < 0)
			return -errno;
		if (TEMP_FAILURE_RETRY(waitpid(p->pid, &st, __WALL)) < 0)
			return -errno;
		if (!WIFSTOPPED(st)) {
			tracee_ended(p, st);
			return -ESRCH;
		}
		sig = st >> 16 ? 0 : WSTOPSIG(st);
		if (sig == SIGTRAP && ptrace(PTRACE_GETSIGINFO, p->pid, 0, &si) == 0 &&
		    si.si_code == TRAP_TRACE)
			break;
	}
	return process_write(p, l->loader.debug_state, &int3, 1);
}

/* Run ld.so up to the consistent point; the thread then stands in a SIGTRAP stop. */
static int run_loader(struct process *p, struct launch *l, struct diag *d)
{
	for (;;) {
		struct tracee t = { .tid = p->pid, .stopped = true };
		struct user_regs_struct r;
		int st, err;

		if (ptrace(PTRACE_CONT, p->pid, 0, 0) < 0 || (err = run_to_event(p, &st)) < 0)
			return p->exited ? -ESRCH : -EIO;
		for (;;) {
			err = tracee_regs(&t, &r);
			if (err || WSTOPSIG(st) != SIGTRAP || r.rip - 1 == l->loader.debug_state ||
			    r.rip - 1 == process_priv(p)->entry)
				break;
			/* somebody else's SIGTRAP */
			ptrace(PTRACE_CONT, p->pid, 0, (long)(st >> 16 ? 0 : SIGTRAP));
			if (run_to_event(p, &st) < 0)
				return p->exited ? -ESRCH : -EIO;
		}
		if (err)
			return err;
		r.rip--;
		err = tracee_set_regs(&t, &r);
		if (err)
			return err;
		if (r.rip == process_priv(p)->entry)
			return diag_set(d, -ENOTSUP, "the loader did not load %s", p->slab[0].path);
		err = loader_is_ready(p, &l->loader, l->opts->slab, getenv("LD_AUDIT"), d);
		if (err)
			return err < 0 ? err : 0;
		err = step_over(p, l);
		if (err)
			return err;
	}
}

/* From the SIGTRAP stop to an event stop like any other; nothing of us stays visible. */
static int finish(struct process *p, struct launch *l, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	struct tracee t = { .tid = p->pid };
	int err = clear_traps(p, l);

	if (!err && !l->opts->keep_env)
		err = loader_forget_env(p, l->env_at,
					l->start->env + l->start->env_n - OUR_ENTRIES);
	if (!err && l->trap_blocked &&
	    ptrace(PTRACE_SETSIGMASK, p->pid, sizeof(l->sigmask), &l->sigmask) < 0)
		err = -errno;
	if (!err &&
	    (ptrace(PTRACE_INTERRUPT, p->pid, 0, 0) < 0 || ptrace(PTRACE_CONT, p->pid, 0, 0) < 0))
		err = -errno;
	if (!err)
		err = tracee_await(p, &t, process_now_ns() + EXEC_LIMIT_S * 1000000000ull);
	if (!err)
		err = vec_push(&pp->threads, t);
	if (err)
		return p->exited ? -ESRCH :
				   diag_set(d, err, "process %d: %s", p->pid, strerror(-err));
	p->stopped = true;
	pp->stopped_at_ns = process_now_ns();
	if (l->trap_ignored) {
		const struct {
			uint64_t handler, flags, restorer, mask;
		} ignore = { .handler = 1 };
		taddr_t at = p->slab[SLAB_EXE].text; /* still empty */
		const uint64_t arg[6] = { SIGTRAP, at, 0, 8 };
		uint8_t old[sizeof(ignore)];

		if (process_read(p, at, old, sizeof(old)) == 0 &&
		    process_write(p, at, &ignore, sizeof(ignore)) == 0) {
			process_syscall(p, SYS_rt_sigaction, arg);
			process_write(p, at, old, sizeof(old));
		}
	}
	return process_refresh(p, d);
}

/* From the exec stop on no error is the command's. */
static int load(struct process *p, struct launch *l, struct diag *d)
{
	int err = at_exec(p, l, d);

	if (!err)
		err = save_sigtrap(p, l);
	if (!err)
		err = set_traps(p, l);
	if (!err)
		err = run_loader(p, l, d);
	if (!err)
		err = finish(p, l, d);
	/* it ended on its own: a missing library, a signal */
	return p->exited ? 0 : diag_inner(err);
}

/* What has to be there before the child is forked. */
static int prepare(struct process *p, struct start *s, const struct process_spawn_opts *opts,
		   const char *program, char **preload, struct diag *d)
{
	int err = admit_proc(d);

	if (!err)
		err = slab_layout_read(opts->slab, &process_priv(p)->layout, d);
	if (!err)
		err = slab_choose_paths(p, opts->dir, d);
	if (err)
		return err;
	s->env = make_env(p, program, preload, &s->env_n);
	if (!s->env)
		return diag_set(d, -ENOMEM, "no memory for the environment");
	if (pipe2(s->go, O_CLOEXEC) < 0 || pipe2(s->bad, O_CLOEXEC) < 0)
		return diag_set(d, -errno, "pipe: %s", strerror(errno));
	return 0;
}

int process_spawn(char *const argv[], const struct process_spawn_opts *opts, struct process **out,
		  struct diag *d)
{
	struct process *p = process_alloc();
	struct start s = { .argv = argv, .go = { -1, -1 }, .bad = { -1, -1 } };
	struct launch l = { .opts = opts, .start = &s };
	_free_ char *preload = NULL;
	char path[PATH_MAX], program[PATH_MAX];
	int err;

	if (!p)
		return diag_set(d, -ENOMEM, "no memory for a process");
	diag_set(d, 0, "%s", "");
	err = argv[0] ? command_find(argv[0], path, sizeof(path), d) :
			diag_set(d, -EINVAL, "no command");
	if (!err)
		err = command_check_plain(path, program, d);
	s.path = path;
	if (!err)
		err = diag_inner(prepare(p, &s, opts, program, &preload, d));
	if (!err)
		err = start_child(p, &s, d);
	if (!err)
		err = load(p, &l, d);
	free(s.env);
	start_close(s.go);
	start_close(s.bad);
	if (err) {
		if (d && !d->text[0])
			diag_set(d, err, "%s: cannot be started under ptrace: %s", argv[0],
				 strerror(-err));
		process_free(p);
		return err;
	}
	*out = p;
	return 0;
}
