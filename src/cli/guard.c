/*
 * cli/guard.c - two processes instead of one, or three: either undoes when the other is killed.
 *
 *   front    the process that the user started: waits, passes signals on, gives the exit code.
 *            When the worker is killed it undoes by the journal.
 *   worker   its child, all of the tool; the command is the worker's child.  When the front is
 *            killed it detaches and ends.
 *
 * With --keep the front is a child of the process that the user started, in a session of its
 * own (setsid(2)), without a terminal.  The first process, the starter, passes every signal on
 * and ends with 0 as soon as the worker says that the session is kept, else with the front's code.
 *
 * The command becomes the front's child when the worker dies (PR_SET_CHILD_SUBREAPER), so its
 * end is waited for as ever.  Both are in the process group that the user's shell made: what the
 * terminal sends reaches the two, stops and goes on with the two.
 *
 * A signal that somebody sends to the front is passed on by sigqueue(3), so the worker can tell
 * it from one sent to the whole group, which it has got itself: one request, not two.
 *
 * Context  [ctl] handlers do async-signal-safe things only
 * Spec     prctl(2) PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG; sigaction(2) si_code
 */
#include "cli/cli.h"
#include "cli/keep.h"
#include "utramp/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* These mean: detach. */
static const int list[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
enum { LIST = sizeof(list) / sizeof(list[0]) };

static volatile sig_atomic_t by_terminal, sent, passed_on, last_signal;
static pid_t front; /* 0: there is no other process */
static volatile pid_t worker;
static int starter_fd = -1; /* of the front and its child, if there is a starter */
static struct shared {
	volatile pid_t target; /* the command's, once it was started */
	volatile pid_t kept;   /* the process of the session that is kept, or the first one's */
} * shared;

static bool from_terminal(int sig, const siginfo_t *si)
{
	return si->si_code == SI_KERNEL && (sig == SIGINT || sig == SIGQUIT);
}

static void on_signal(int sig, siginfo_t *si, void *context)
{
	last_signal = sig;
	if (from_terminal(sig, si))
		by_terminal++;
	else if (front && si->si_code == SI_QUEUE && si->si_pid == front)
		passed_on++;
	else
		sent++;
}

int cli_interrupts(int *sig)
{
	if (sig)
		*sig = last_signal;
	return by_terminal + (sent > passed_on ? sent : passed_on);
}

static void pass_on(int sig, siginfo_t *si, void *context)
{
	const union sigval none = { 0 };
	int saved = errno;

	last_signal = sig;
	sent++;
	if (worker > 0 && !from_terminal(sig, si))
		sigqueue(worker, sig, none);
	errno = saved;
}

/*
 * Without SA_RESTART, so that waiting ends.  What was ignored stays so: nohup, shell jobs.
 * SIGCHLD ignored would take the children's status from us; the command inherits what we found.
 */
static void catch_signals(void (*handler)(int sig, siginfo_t *si, void *context))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO }, old;

	for (int i = 0; i < LIST; i++) {
		if (sigaction(list[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(list[i], &sa, NULL);
	}
	sa = (struct sigaction){ .sa_handler = SIG_DFL };
	sigaction(SIGCHLD, &sa, NULL);
	/* a reader that ends, RLIMIT_FSIZE of the output must not end us: writing fails instead */
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);
}

/* -- the worker ----------------------------------------------------------------------------- */

bool cli_front_gone(void)
{
	return front && getppid() != front;
}

void cli_guard_target(pid_t pid)
{
	if (shared)
		shared->target = pid;
}

/* The front passes it on to the starter, which ends then: see on_kept(). */
void cli_guard_kept(pid_t pid)
{
	shared->kept = pid;
	kill(front, SIGUSR1);
}

static void be_worker(void)
{
	catch_signals(on_signal);
	if (starter_fd >= 0) {
		close(starter_fd);
		if (isatty(STDIN_FILENO)) /* as nohup(1): whoever types does not type for it */
			cli_keep_away(STDIN_FILENO);
	}
	prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
	if (cli_front_gone())
		raise(SIGTERM);
}

/* -- the front ------------------------------------------------------------------------------- */

/* Wait for this child; others are orphans of the command's that come to us: buried. */
static int await(pid_t pid)
{
	int seen = sent, st;

	for (;;) {
		pid_t got = waitpid(-1, &st, 0);

		if (got > 0 && WIFSTOPPED(st)) /* a thread that an undoing could not wait for */
			ptrace(PTRACE_DETACH, got, 0, (long)(st >> 16 ? 0 : WSTOPSIG(st)));
		else if (got == pid)
			return st;
		if (got < 0 && errno != EINTR)
			return -1;
		if (sent > seen && pid != worker)
			cli_error("detached already; process %d is still running", (int)pid);
		seen = sent;
	}
}

struct rescue {
	const char *how; /* "the worker was killed by SIGKILL" */
	pid_t pid;
	bool ended;
	int status;
};

static void undone(void *arg, int err, const struct utramp_undone *u)
{
	struct rescue *r = arg;

	if (err)
		cli_error("%s; process %d is not restored: %s (try 'utramp detach %d')", r->how,
			  (int)u->pid, utramp_error(), (int)u->pid);
	else if (u->left)
		cli_error("%s; process %d was restored but for %u function%s that somebody else "
			  "changed (one at %#llx)",
			  r->how, (int)u->pid, u->left, cli_plural(u->left), u->left_at);
	else if (u->gone)
		cli_error("%s; process %d had not begun, or has ended", r->how, (int)u->pid);
	else
		cli_error("%s; process %d was restored", r->how, (int)u->pid);
	if (!r->pid)
		r->pid = u->pid;
	if (u->ended && u->pid == r->pid) {
		r->ended = true;
		r->status = u->status;
	}
}

/* The worker ended by a signal: do its work to the end.  The exit code. */
static int take_over(int status)
{
	char how[64];
	struct rescue r = { .how = how, .pid = shared->target };
	pid_t was, kept = shared->kept;
	int n;

	snprintf(how, sizeof(how), "the worker was killed by SIG%s",
		 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?");
	was = worker;
	worker = 0; /* its number may be another's */
	if (kept)
		cli_keep_note();
	n = utramp_session__undo(was, undone, &r);
	if (!n)
		cli_error(r.pid ? "%s; there is no note of how process %d was changed, so it "
				  "stays as it is, or has ended" :
				  "%s, before anything was started or changed",
			  how, (int)r.pid);
	if (kept) { /* nobody waits for it */
		cli_error("the output of this session was lost");
		cli_keep_save(kept);
		return EXIT_RUNTIME;
	}
	if (r.ended)
		return cli_status_code(r.status);
	if (r.pid) {
		int st = await(r.pid);

		if (st >= 0)
			return cli_status_code(st);
	}
	return cli_status_code(status);
}

/* What was opened for the worker is its: a pipe must end with it. */
static void close_all(void)
{
	if (close_range(3, ~0u, 0) < 0) {
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
	}
}

/* The worker has let go of what the user sees; so do we, and then the starter, in this order. */
static void on_kept(int sig, siginfo_t *si, void *context)
{
	const union sigval none = { 0 };
	int saved = errno;

	if (si->si_pid == worker && shared->kept) {
		dup2(STDOUT_FILENO, STDERR_FILENO);
		if (write(STDIN_FILENO, "k", 1) != 1) /* it was killed: nobody knows */
			sigqueue(worker, SIGTERM, none);
		dup2(STDOUT_FILENO, STDIN_FILENO);
	}
	errno = saved;
}

/* Standard input is the way to the starter.  The signal is blocked so far. */
static void expect_kept(sigset_t *mask)
{
	struct sigaction sa = { .sa_sigaction = on_kept, .sa_flags = SA_SIGINFO | SA_RESTART };

	dup2(starter_fd, STDIN_FILENO);
	cli_keep_away(STDOUT_FILENO);
	sigaction(SIGUSR1, &sa, NULL);
	sigdelset(mask, SIGUSR1);
}

__attribute__((noreturn)) static void be_front(void)
{
	int st;

	close_all();
	st = await(worker);
	if (st >= 0 && WIFSIGNALED(st))
		_exit(take_over(st));
	_exit(st < 0 ? EXIT_RUNTIME : WEXITSTATUS(st));
}

/* What the user typed, as /proc shows it. */
static void announce(void)
{
	char line[512];
	int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
	char *at;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		n = 0;
	line[n] = '\0';
	at = memchr(line, '\0', (size_t)n); /* the tool's own name */
	for (char *p = line; n && p < line + n - 1; p++)
		*p = *p ? *p : ' ';
	utramp_session__announce(at ? at + 1 : line, true);
}

/* -- the starter ------------------------------------------------------------------------------ */

/* The front is in another group, so it has got nothing itself. */
static void pass_all(int sig, siginfo_t *si, void *context)
{
	const union sigval none = { 0 };
	int saved = errno;

	if (worker > 0)
		sigqueue(worker, sig, none);
	errno = saved;
}

__attribute__((noreturn)) static void be_starter(int fd)
{
	char kept;
	ssize_t n;
	int st;

	do
		n = read(fd, &kept, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	st = await(worker);
	_exit(st < 0 ? EXIT_RUNTIME : cli_status_code(st));
}

/* From here on we are the starter's child. */
static void start_away(const sigset_t *mask)
{
	int end[2] = { -1, -1 };
	pid_t pid = pipe2(end, O_CLOEXEC) < 0 ? -1 : fork();

	if (pid < 0) {
		cli_error("no process to keep the session: %s", strerror(errno));
		_exit(EXIT_RUNTIME);
	}
	if (pid) {
		worker = pid;
		catch_signals(pass_all);
		close(end[1]);
		sigprocmask(SIG_SETMASK, mask, NULL);
		be_starter(end[0]);
	}
	close(end[0]);
	setsid();
	starter_fd = end[1];
}

void cli_guard(const struct cli *c)
{
	sigset_t block, old;
	pid_t pid;

	announce();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	shared = shared == MAP_FAILED ? NULL : shared;
	fflush(NULL);
	sigemptyset(&block);
	for (int i = 0; i < LIST; i++)
		sigaddset(&block, list[i]);
	if (c->keep)
		sigaddset(&block, SIGUSR1); /* until the front can take it */
	sigprocmask(SIG_BLOCK, &block, &old);
	if (c->keep)
		start_away(&old);
	front = getpid();
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	pid = shared ? fork() : -1;
	if (pid > 0) {
		worker = pid;
		catch_signals(pass_on);
		if (starter_fd >= 0)
			expect_kept(&old);
		sigprocmask(SIG_SETMASK, &old, NULL);
		be_front();
	}
	if (pid < 0 && c->keep) {
		cli_error("no process to keep the session: %s", strerror(errno));
		_exit(EXIT_RUNTIME);
	} else if (pid < 0) { /* no process to spare: as one */
		prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
		front = 0;
		catch_signals(on_signal);
	} else {
		be_worker();
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void cli_catch_signals(void)
{
	catch_signals(on_signal);
}
