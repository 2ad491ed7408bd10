/*
 * victim.c - faults_victim MODE: hands good and bad pointers to handle(), and does with signals what
 * programs do.  What it prints and how it ends must not depend on who looks at handle().
 */
#include "victim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noipa)) long handle(struct req *r)
{
	__asm__ volatile("" : : "r"(r) : "memory");
	return 1;
}

static struct peer good_peer = {
	.port = 8080, .family = -2, .level = -7, .flags = 200, .ttl = 3000000000u
};
static struct conn good_conn = { &good_peer, 77 };

static void ask(long seq, void *conn, void *peer, const char *name)
{
	struct conn c = { peer, 78 };
	struct req r = { seq, conn ? conn : &c, name };

	handle(&r);
}

/* The pointer that a program is to follow: nothing is there. */
static void *unmapped(void)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p, 4096);
	return p;
}

void ask_bad(void)
{
	ask(50, NULL, unmapped(), (char *)unmapped());
}

/* A page, the file behind which ends before it. */
static char *beyond_file(void)
{
	int fd = memfd_create("short", 0);
	char *p;

	if (ftruncate(fd, 8192) < 0)
		exit(99);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ftruncate(fd, 4096) < 0)
		exit(99);
	return p + 4096;
}

static void values(void)
{
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct peer *cut = (struct peer *)(edge + 4096 - offsetof(struct peer, ttl));

	mprotect(edge + 4096, 4096, PROT_NONE);
	memset(edge, 'y', 4096);
	cut->port = 4242;
	ask(1, &good_conn, NULL, "a name");
	handle(NULL);
	ask(2, NULL, NULL, "no peer");
	ask(3, NULL, (void *)0x10, "near NULL");
	ask(4, NULL, unmapped(), (char *)unmapped());
	ask(5, NULL, (void *)0xdead00000000beef, (char *)0xdead00000000beef);
	ask(6, NULL, (void *)-4096l, (char *)-1l);
	ask(7, NULL, edge + 4096, edge + 4096);
	ask(8, NULL, beyond_file(), beyond_file());
	ask(9, NULL, cut, edge + 4096 - 4);
	ask(10, unmapped(), NULL, "a name that is longer than there is room for");
	handle((struct req *)(edge + 8192 - 32));
}

/* -- handlers of its own -------------------------------------------------------------------- */

static volatile sig_atomic_t seen;
static volatile uintptr_t where;
static volatile int held_inside;
static sigjmp_buf back;
static char *volatile sp_inside;

int is_held(int sig)
{
	sigset_t now;

	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, sig);
}

int seen_so_far(void)
{
	return seen;
}

void note(int sig, siginfo_t *si, void *uc)
{
	char here;

	(void)uc;
	seen++;
	where = si->si_code > 0 ? (uintptr_t)si->si_addr : 0; /* else who sent it */
	held_inside = is_held(sig) + 2 * is_held(SIGUSR2);
	sp_inside = &here;
	ask_bad();
}

static void jump_out(int sig, siginfo_t *si, void *uc)
{
	note(sig, si, uc);
	siglongjmp(back, 1);
}

/* movb $1, (%rax): three bytes */
void step_over(int sig, siginfo_t *si, void *p)
{
	ucontext_t *uc = p;

	note(sig, si, p);
	uc->uc_mcontext.gregs[REG_RIP] += 3;
}

__attribute__((noipa)) void fault_at(uintptr_t addr)
{
	__asm__ volatile("movb $1, (%%rax)" : : "a"(addr) : "memory");
}

void on(int sig, void (*f)(int, siginfo_t *, void *), int flags, int mask)
{
	struct sigaction sa = { .sa_sigaction = f, .sa_flags = SA_SIGINFO | flags };

	sigemptyset(&sa.sa_mask);
	if (mask == -1)
		sigfillset(&sa.sa_mask);
	else if (mask)
		sigaddset(&sa.sa_mask, mask);
	if (sigaction(sig, &sa, NULL) < 0)
		exit(98);
}

void report(const char *what)
{
	printf("%s: seen %d at %#lx held %d now %d %d\n", what, (int)seen, (long)where, held_inside,
	       is_held(SIGSEGV), is_held(SIGBUS));
	fflush(stdout);
}

void read_back(int sig)
{
	struct sigaction sa;

	sigaction(sig, NULL, &sa);
	printf("%d: %s flags %x mask %d %d %d %d\n", sig,
	       sa.sa_handler == SIG_DFL     ? "default" :
	       sa.sa_handler == SIG_IGN     ? "ignored" :
	       sa.sa_sigaction == note      ? "note" :
	       sa.sa_sigaction == jump_out  ? "jump_out" :
	       sa.sa_sigaction == step_over ? "step_over" :
					      "another",
	       (unsigned)sa.sa_flags & ~0x04000000u, sigismember(&sa.sa_mask, SIGSEGV),
	       sigismember(&sa.sa_mask, SIGBUS), sigismember(&sa.sa_mask, SIGUSR2),
	       sigismember(&sa.sa_mask, SIGKILL));
}

static void jumps(void)
{
	ask_bad();
	on(SIGSEGV, jump_out, 0, 0);
	read_back(SIGSEGV);
	for (int i = 0; i < 300; i++) {
		if (!sigsetjmp(back, 1))
			fault_at(0x1234);
		ask_bad();
	}
	report("jumps");
	on(SIGBUS, jump_out, SA_NODEFER, SIGUSR2);
	if (!sigsetjmp(back, 1))
		fault_at((uintptr_t)beyond_file());
	read_back(SIGBUS);
	printf("bus: held %d now %d\n", held_inside, is_held(SIGBUS));
}

static void returns(void)
{
	on(SIGSEGV, step_over, SA_RESTART, SIGUSR2);
	read_back(SIGSEGV);
	for (int i = 0; i < 300; i++) {
		fault_at(0x5678);
		ask_bad();
	}
	report("returns");
}

static void two_args(int sig)
{
	printf("plain handler %d held %d\n", sig, is_held(SIGSEGV));
	siglongjmp(back, 1);
}

static void plain(void)
{
	printf("was %d\n", signal(SIGSEGV, two_args) == SIG_DFL);
	if (!sigsetjmp(back, 1))
		fault_at(1);
	ask_bad();
	printf("was %d\n", signal(SIGSEGV, SIG_DFL) == two_args);
	ask_bad();
	read_back(SIGSEGV);
}

/* The second fault finds the default. */
static void once(void)
{
	on(SIGSEGV, step_over, SA_RESETHAND, 0);
	ask_bad();
	fault_at(0x99);
	ask_bad();
	report("once");
	read_back(SIGSEGV);
	fault_at(0x99);
}

/* A handler that faults: SIGSEGV is blocked there, which is the end. */
static void fault_again(int sig, siginfo_t *si, void *uc)
{
	note(sig, si, uc);
	report("inside");
	fault_at(0x42);
}

static void nested(void)
{
	on(SIGSEGV, fault_again, 0, 0);
	fault_at(0x41);
}

static void altstack(int flags)
{
	static char mem[65536];
	stack_t ss = { .ss_sp = mem, .ss_size = sizeof(mem) };

	sigaltstack(&ss, NULL);
	on(SIGSEGV, step_over, flags, 0);
	ask_bad();
	fault_at(0x77);
	printf("on its stack: %d\n", sp_inside >= mem && sp_inside < mem + sizeof(mem));
	ask_bad();
	report("altstack");
}

/* -- blocked, ignored ----------------------------------------------------------------------- */

void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	if (sig)
		sigaddset(&set, sig);
	else
		sigfillset(&set);
	if (pthread_sigmask(how, &set, NULL))
		exit(97);
}

static void *other_thread(void *arg)
{
	(void)arg;
	printf("thread: held %d %d\n", is_held(SIGSEGV), is_held(SIGBUS));
	ask_bad();
	block(SIG_UNBLOCK, SIGSEGV);
	printf("thread: held %d %d\n", is_held(SIGSEGV), is_held(SIGBUS));
	ask_bad();
	return NULL;
}

static void in_thread(void *(*f)(void *), size_t stack)
{
	pthread_attr_t a;
	pthread_t t;

	pthread_attr_init(&a);
	if (stack)
		pthread_attr_setstacksize(&a, stack);
	pthread_create(&t, &a, f, NULL);
	pthread_join(t, NULL);
}

static void blocked(void)
{
	sigset_t old, none;

	in_thread(other_thread, 0);
	block(SIG_BLOCK, 0);
	report("blocked");
	ask_bad();
	in_thread(other_thread, 0);
	report("main");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &old);
	printf("old %d %d %d\n", sigismember(&old, SIGSEGV), sigismember(&old, SIGBUS),
	       sigismember(&old, SIGUSR1));
	report("unblocked");
	block(SIG_BLOCK, SIGBUS);
	report("one");
	printf("bad how: %d", pthread_sigmask(77, &none, NULL));
	printf(" %d", sigprocmask(77, &none, NULL));
	printf(" %d\n", errno);
}

static void masked(void)
{
	on(SIGUSR1, note, 0, -1);
	read_back(SIGUSR1);
	raise(SIGUSR1);
	report("masked");
	printf("inside %d %d\n", held_inside & 1, (int)seen);
	on(SIGUSR1, note, 0, SIGSEGV);
	read_back(SIGUSR1);
	raise(SIGUSR1);
	report("masked");
	signal(SIGUSR1, SIG_IGN);
	read_back(SIGUSR1);
	block(SIG_BLOCK, SIGBUS);
	on(SIGUSR1, note, 0, SIGSEGV);
	raise(SIGUSR1);
	report("both");
}

/* Where it jumps out, with SIGSEGV in the mask of the handler. */
static void masked_jump(void)
{
	on(SIGUSR1, jump_out, 0, -1);
	for (int i = 0; i < 3; i++) {
		if (!sigsetjmp(back, 1))
			raise(SIGUSR1);
		report("jumped");
	}
	if (!sigsetjmp(back, 0))
		raise(SIGUSR1);
	report("jumped, mask left");
}

static void ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	signal(SIGBUS, SIG_IGN);
	read_back(SIGSEGV);
	ask_bad();
	values();
	raise(SIGSEGV);
	report("ignored");
}

/* A wait with all signals blocked but one. */
static void waits(void)
{
	sigset_t all, none;
	struct timespec second = { 1, 0 };
	struct epoll_event ev;
	int fd = epoll_create1(0);

	on(SIGALRM, note, 0, 0);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigemptyset(&none);
	block(SIG_BLOCK, SIGALRM);
	raise(SIGALRM);
	printf("%d", sigsuspend(&all));
	printf(" %d\n", errno);
	report("sigsuspend");
	raise(SIGALRM);
	printf("%d", ppoll(NULL, 0, &second, &all));
	printf(" %d\n", errno);
	raise(SIGALRM);
	printf("%d", pselect(0, NULL, NULL, NULL, &second, &all));
	printf(" %d\n", errno);
	raise(SIGALRM);
	printf("%d", epoll_pwait(fd, &ev, 1, 1000, &all));
	printf(" %d\n", errno);
	raise(SIGALRM);
	printf("%d", epoll_pwait2(fd, &ev, 1, &second, &all));
	printf(" %d\n", errno);
	report("waits");
	printf("%d\n", ppoll(NULL, 0, &(struct timespec){ 0, 1 }, &none));
}

/* -- sent, not faulted ---------------------------------------------------------------------- */

static void sent(void)
{
	on(SIGSEGV, note, 0, 0);
	raise(SIGSEGV);
	report("sent");
	block(SIG_BLOCK, SIGSEGV);
	raise(SIGSEGV);
	raise(SIGSEGV);
	report("held back");
	block(SIG_UNBLOCK, SIGSEGV);
	report("delivered");
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	report("ignored");
	signal(SIGBUS, SIG_DFL);
	raise(SIGBUS);
}

/* -- seccomp -------------------------------------------------------------------------------- */

/* From now on each of these calls is death. */
static void forbid(const int *nr, unsigned n)
{
	struct sock_filter f[64] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					      offsetof(struct seccomp_data, nr)) };
	struct sock_fprog prog = { 0, f };
	unsigned k = 1;

	for (unsigned i = 0; i < n; i++) {
		f[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)nr[i], 0,
						      1);
		f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	}
	f[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)k;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		exit(94);
}

static void seccomp(int no_sigaction)
{
	const int nr[] = { SYS_process_vm_readv, SYS_process_vm_writev, SYS_rt_sigaction,
			   SYS_rt_sigprocmask, SYS_rt_tgsigqueueinfo };

	on(SIGSEGV, step_over, 0, 0);
	ask_bad();
	forbid(nr, no_sigaction ? 5 : 2);
	ask_bad();
	values();
	if (!no_sigaction) {
		fault_at(0x123);
		report("under seccomp");
	}
	puts("alive");
	fflush(stdout);
	if (no_sigaction == 2) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		fault_at(0x20); /* its handler asks what is blocked, which is forbidden */
	}
}

static void seccomp_dies(void)
{
	const int nr[] = { SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_tgsigqueueinfo };

	ask_bad();
	forbid(nr, 3);
	ask_bad();
	fault_at(0x20);
}

/* -- threads -------------------------------------------------------------------------------- */

static void *volatile shared;
static volatile int stop;
static volatile unsigned rounds;

static void *flicker(void *arg)
{
	(void)arg;
	while (!stop) {
		char *p = mmap(shared, 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		*(struct peer *)p = good_peer;
		munmap(p, 4096);
		rounds++;
	}
	return NULL;
}

static void race(void)
{
	pthread_t t;

	shared = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_create(&t, NULL, flicker, NULL);
	while (rounds < 3000)
		ask(1000, NULL, shared, shared);
	stop = 1;
	pthread_join(t, NULL);
	puts("raced");
}

static void *tiny_thread(void *arg)
{
	(void)arg;
	ask_bad();
	values();
	return NULL;
}

static void tiny(void)
{
	in_thread(tiny_thread, 16384);
	on(SIGSEGV, step_over, 0, 0);
	in_thread(tiny_thread, 16384);
	puts("tiny");
}

/* -- detached ------------------------------------------------------------------------------- */

/* Until SIGSEGV is blocked for real: nobody looks any more. */
static void detached(void)
{
	struct sigaction sa;

	on(SIGSEGV, step_over, 0, 0);
	on(SIGUSR1, note, 0, -1);
	block(SIG_BLOCK, SIGSEGV);
	ask_bad();
	for (int i = 0; i < 20000; i++) {
		uint64_t set = 0;

		syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 8);
		if (set >> (SIGSEGV - 1) & 1)
			break;
		usleep(1000);
		ask(60, NULL, (void *)(intptr_t)-1, "x");
	}
	status_line("SigBlk");
	status_line("SigCgt");
	syscall(SYS_rt_sigaction, SIGSEGV, NULL, &sa, 8);
	printf("handler %d\n", sa.sa_sigaction == step_over);
	syscall(SYS_rt_sigaction, SIGUSR1, NULL, &sa, 8);
	printf("handler %d\n", sa.sa_sigaction == note);
	read_back(SIGSEGV);
	block(SIG_UNBLOCK, SIGSEGV);
	fault_at(0x61);
	report("detached");
}

static void die(void)
{
	ask_bad();
	fault_at(0xdead);
}

static void die_blocked(void)
{
	block(SIG_BLOCK, SIGSEGV);
	on(SIGSEGV, step_over, 0, 0);
	ask_bad();
	fault_at(0xdead);
}

static void die_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	ask_bad();
	fault_at(0xdead);
}

static void die_bus(void)
{
	ask_bad();
	fault_at((uintptr_t)beyond_file());
}

static void alt_used(void)
{
	altstack(SA_ONSTACK);
}
static void alt_unused(void)
{
	altstack(0);
}
static void seccomp_reads(void)
{
	seccomp(0);
}
static void seccomp_signals(void)
{
	seccomp(1);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} mode[] = {
		{ "values", values },
		{ "jumps", jumps },
		{ "returns", returns },
		{ "plain", plain },
		{ "once", once },
		{ "nested", nested },
		{ "alt_used", alt_used },
		{ "alt_unused", alt_unused },
		{ "blocked", blocked },
		{ "masked", masked },
		{ "ignored", ignored },
		{ "waits", waits },
		{ "sent", sent },
		{ "processes", processes },
		{ "vforks", vforks },
		{ "hold", hold },
		{ "vfork_first", vfork_first },
		{ "show", show },
		{ "seccomp_reads", seccomp_reads },
		{ "race", race },
		{ "seccomp_signals", seccomp_signals },
		{ "tiny", tiny },
		{ "detached", detached },
		{ "die", die },
		{ "die_blocked", die_blocked },
		{ "die_bus", die_bus },
		{ "die_ignored", die_ignored },
		{ "seccomp_dies", seccomp_dies },
		{ "masked_jump", masked_jump },
	};

	prctl(PR_SET_DUMPABLE, 1);
	for (unsigned i = 0; argc == 2 && i < sizeof(mode) / sizeof(mode[0]); i++) {
		if (strcmp(argv[1], mode[i].name) != 0)
			continue;
		mode[i].run();
		fflush(stdout);
		return 0;
	}
	return 93;
}
