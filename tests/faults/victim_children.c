/*
 * victim_children.c - the victim's modes that make other processes, and what those find.
 */
#include "victim.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void status_line(const char *key)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long set;

		if (!strncmp(line, key, strlen(key)) &&
		    sscanf(line + strlen(key), ": %llx", &set) == 1)
			printf("%s segv %d bus %d\n", key, (int)(set >> (SIGSEGV - 1) & 1),
			       (int)(set >> (SIGBUS - 1) & 1));
	}
	if (f)
		fclose(f);
	fflush(stdout);
}

/* What it was started with. */
void show(void)
{
	status_line("SigBlk");
	status_line("SigIgn");
	status_line("SigPnd");
}

static void collect(pid_t pid)
{
	int st;

	waitpid(pid, &st, 0);
	printf("status %x\n", st);
	fflush(stdout);
}

static void exec_self(void)
{
	execl("/proc/self/exe", "faults_victim", "show", NULL);
	_exit(96);
}

static void spawn_self(posix_spawnattr_t *a)
{
	char *argv[] = { (char *)"faults_victim", (char *)"show", NULL };
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, a, argv, environ))
		exit(95);
	collect(pid);
	report("parent");
}

static void children_all_ways(void)
{
	posix_spawnattr_t a;
	sigset_t set;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		ask_bad();
		report("child");
		exec_self();
	}
	collect(pid);
	pid = vfork();
	if (!pid)
		exec_self();
	collect(pid);
	spawn_self(NULL);
	posix_spawnattr_init(&a);
	posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	posix_spawnattr_setsigmask(&a, &set);
	sigemptyset(&set);
	sigaddset(&set, SIGSEGV);
	posix_spawnattr_setsigdefault(&a, &set);
	spawn_self(&a);
	ask_bad();
}

void processes(void)
{
	children_all_ways();
	block(SIG_BLOCK, SIGSEGV);
	children_all_ways();
	signal(SIGSEGV, SIG_IGN);
	signal(SIGBUS, SIG_IGN);
	children_all_ways();
	printf("exec fails: %d\n", execl("/nonexistent", "x", NULL));
	report("after");
	read_back(SIGSEGV);
	ask_bad();
	on(SIGSEGV, step_over, 0, 0);
	block(SIG_UNBLOCK, SIGSEGV);
	pid_t pid = fork();
	if (!pid) {
		fault_at(0x31);
		ask_bad();
		report("child");
		signal(SIGSEGV, SIG_DFL);
		fault_at(0x32);
	}
	collect(pid);
	block(SIG_BLOCK, SIGSEGV);
	raise(SIGSEGV);
	exec_self();
}

/* -- vfork ------------------------------------------------------------------------------------ */

/* In the memory of both; the parent prints it. */
static volatile int told[512];
static volatile int ntold;

static void tell(int value)
{
	told[ntold++] = value;
}

static void childs_own(int sig, siginfo_t *si, void *uc)
{
	note(sig, si, uc);
}

static void tell_handler(int sig)
{
	struct sigaction sa = { .sa_flags = 0 };

	sigaction(sig, NULL, &sa);
	tell(sa.sa_handler == SIG_DFL     ? 0 :
	     sa.sa_handler == SIG_IGN     ? 1 :
	     sa.sa_sigaction == step_over ? 2 :
	     sa.sa_sigaction == note      ? 3 :
					    9);
}

static void tell_all(void)
{
	tell_handler(SIGSEGV);
	tell_handler(SIGBUS);
	tell_handler(SIGUSR1);
	tell(is_held(SIGSEGV));
	tell(is_held(SIGBUS));
}

static void print_told(const char *what)
{
	printf("%s:", what);
	for (int i = 0; i < ntold; i++)
		printf(" %d", told[i]);
	printf("\n");
	fflush(stdout);
	ntold = 0;
}

/* As CPython's _posixsubprocess does it: what has a handler goes back to the default. */
static void reset_all(void)
{
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) || sa.sa_handler == SIG_DFL ||
		    sa.sa_handler == SIG_IGN)
			continue;
		sa.sa_handler = SIG_DFL;
		sa.sa_flags = 0;
		sigaction(sig, &sa, NULL);
	}
}

static void run_child(const char *what, void (*child)(void))
{
	pid_t pid = vfork();

	if (!pid) {
		child();
		_exit(0);
	}
	collect(pid);
	print_told(what);
	ask_bad();
	tell_all();
	print_told("parent");
	report("parent");
}

static void nothing(void)
{
	tell_all();
	ask_bad();
}

static void resets(void)
{
	reset_all();
	tell_all();
	ask_bad();
}

static void masks(void)
{
	block(SIG_BLOCK, 0);
	tell_all();
	ask_bad();
	block(SIG_UNBLOCK, SIGSEGV);
	tell_all();
}

static void handles(void)
{
	on(SIGSEGV, step_over, 0, SIGUSR2);
	on(SIGBUS, note, 0, 0);
	on(SIGUSR1, childs_own, 0, -1);
	tell_all();
	fault_at(0x71);
	ask_bad();
	raise(SIGUSR1);
	block(SIG_BLOCK, SIGBUS);
	raise(SIGBUS);
	tell_all();
	block(SIG_UNBLOCK, SIGBUS);
	tell(seen_so_far());
}

/* The default, and nothing else, ends it. */
static void dies(void)
{
	reset_all();
	ask_bad();
	fault_at(0x72);
}

static void execs(void)
{
	reset_all();
	signal(SIGSEGV, SIG_IGN);
	block(SIG_BLOCK, SIGBUS);
	raise(SIGBUS);
	tell(execl("/nonexistent", "x", NULL));
	tell_all();
	ask_bad();
	execl("/proc/self/exe", "faults_victim", "show", NULL);
}

/* A child's child. */
static void has_own(void)
{
	pid_t pid;

	block(SIG_BLOCK, SIGSEGV);
	pid = vfork();
	if (!pid) {
		reset_all();
		block(SIG_UNBLOCK, SIGSEGV);
		tell_all();
		ask_bad();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	tell_all();
	ask_bad();
}

/* Those that have executed a program are no children in our memory any more, however long they live. */
static void many_that_exec(void)
{
	pid_t pid[40];
	int st, killed = 0;

	for (int i = 0; i < 40; i++) {
		pid[i] = vfork();
		if (!pid[i]) {
			reset_all();
			ask_bad();
			execl("/proc/self/exe", "faults_victim", "hold", NULL);
			_exit(1);
		}
	}
	for (int i = 0; i < 40; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], &st, 0);
		killed += WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL;
	}
	printf("killed %d\n", killed);
}

static void every_child(void)
{
	run_child("nothing", nothing);
	run_child("resets", resets);
	run_child("masks", masks);
	run_child("handles", handles);
	run_child("dies", dies);
	run_child("execs", execs);
	run_child("has its own", has_own);
	for (int i = 0; i < 100; i++) { /* more than are remembered at a time */
		pid_t pid = vfork();

		if (!pid) {
			reset_all();
			block(SIG_BLOCK, 0);
			ask_bad();
			_exit(i);
		}
		waitpid(pid, NULL, 0);
		tell_all();
	}
	print_told("a hundred");
}

void hold(void)
{
	pause();
}

void vforks(void)
{
	every_child();
	many_that_exec();
	on(SIGSEGV, step_over, 0, 0);
	on(SIGUSR1, note, 0, -1);
	block(SIG_BLOCK, SIGBUS);
	every_child();
	fault_at(0x73);
	report("after");
	signal(SIGSEGV, SIG_IGN);
	every_child();
	exec_self();
}

/* The child is the first to ask. */
void vfork_first(void)
{
	run_child("first", resets);
	run_child("second", handles);
}
