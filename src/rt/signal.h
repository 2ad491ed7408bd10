/*
 * rt/signal.h - what fault.c (the handler), sighook.c (the stand-ins) and sigview.c (what was set) share.
 *
 * While rt_signals.active, the kernel has our handler for SIGSEGV and SIGBUS and no thread has
 * them blocked.  What the application has set is in rt_signals.app, and per thread in
 * rt_tls.held.  Everything else about signals is the kernel's still.
 *
 * Context  [probe] private to rt/
 * Spec     rt_sigaction(2); arch/x86/include/uapi/asm/sigcontext.h, ucontext.h (layout)
 */
#ifndef RT_SIGNAL_H
#define RT_SIGNAL_H

#include "rt/probe.h"

#define RT_SIGBUS  7
#define RT_SIGSEGV 11

#define SIG_BIT(sig) (1ull << ((sig)-1))
#define OUR_BITS     (SIG_BIT(RT_SIGBUS) | SIG_BIT(RT_SIGSEGV))

#define RT_SIG_DFL 0
#define RT_SIG_IGN 1

#define RT_SA_SIGINFO   0x4ull
#define RT_SA_RESTORER  0x04000000ull
#define RT_SA_ONSTACK   0x08000000ull
#define RT_SA_RESTART   0x10000000ull
#define RT_SA_NODEFER   0x40000000ull
#define RT_SA_RESETHAND 0x80000000ull

enum { RT_SIG_BLOCK, RT_SIG_UNBLOCK, RT_SIG_SETMASK };

/* Of struct ucontext: general registers in the order of struct sigcontext. */
enum { UC_RBX = 11, UC_RDX, UC_RAX, UC_RCX, UC_RSP, UC_RIP };

struct rt_ucontext {
	uint64_t flags, link, stack[3];
	uint64_t reg[17]; /* r8-r15 rdi rsi rbp rbx rdx rax rcx rsp rip */
	uint64_t more[15];
	uint64_t sigmask;
};

struct rt_siginfo {
	int32_t signo, error, code, pad;
	uint32_t pid, uid; /* or the address of a fault */
	uint64_t value;
	uint64_t rest[12];
};

#pragma GCC visibility push(hidden) /* direct calls, no GOT */

extern struct rt_signals rt_signals;

/* fault_entry.S: what the kernel, and frames of handlers, are given. */
void rt_fault_entry(void);
void rt_sig_enter(void);
void rt_sig_return(void);
void rt_restore(void);

static inline unsigned sig_index(int sig)
{
	return sig == RT_SIGBUS;
}

static inline int sig_is_ours(int sig)
{
	return sig == RT_SIGBUS || sig == RT_SIGSEGV;
}

/* RT_HELD_* of a signal set, and back. */
static inline uint64_t held_of_set(uint64_t set)
{
	return (set & SIG_BIT(RT_SIGSEGV) ? RT_HELD_SEGV : 0) |
	       (set & SIG_BIT(RT_SIGBUS) ? RT_HELD_BUS : 0);
}

static inline uint64_t set_of_held(uint64_t held)
{
	return (held & RT_HELD_SEGV ? SIG_BIT(RT_SIGSEGV) : 0) |
	       (held & RT_HELD_BUS ? SIG_BIT(RT_SIGBUS) : 0);
}

/*
 * sigview.c: what the calling thread has set, of SIGSEGV and SIGBUS, and where that stands: in its TLS and
 * rt_signals.app, or, in a child of vfork(), in a record of its own.
 */
struct sig_view {
	uint64_t *held;         /* RT_HELD_* */
	struct rt_child *child; /* or NULL */
	int lost;               /* such a child, and there is no room for what it sets */
};

struct sig_view sig_view(void);
struct sig_view sig_view_quiet(void); /* without a system call, unless such a child is known */
struct rt_sigaction *sig_app(const struct sig_view *v, int sig);
void sig_child_drop(struct rt_child *c);

/* And sends again what was held back and is no more. */
void held_set(const struct sig_view *v, uint64_t held);
void send_pending(const struct sig_view *v, uint64_t held); /* all that is not in held */
void send_self(int sig, const struct rt_siginfo *si);
int hold_back(const struct sig_view *v, int sig, const struct rt_siginfo *si);

/* The flags of our handler where the application's has these. */
uint64_t rt_our_flags(const struct rt_sigaction *app);

/* Called by fault_entry.S. */
uint64_t rt_fault(int sig, struct rt_siginfo *si, struct rt_ucontext *uc);
uint64_t rt_sig_entered(int sig, struct rt_siginfo *si, struct rt_ucontext *uc);
void rt_sig_left(struct rt_ucontext *uc);

/* The stand-ins of libc's functions (sighook.c), named rt_hook_ and the function's name. */
struct user_action;
struct spawn_attr;
int rt_hook_sigaction(int sig, const struct user_action *act, struct user_action *old);
int rt_hook_pthread_sigmask(int how, const uint64_t *set, uint64_t *old);
int rt_hook_sigprocmask(int how, const uint64_t *set, uint64_t *old);
int rt_hook_sigsuspend(const uint64_t *set);
int rt_hook_ppoll(void *fds, uint64_t n, const void *timeout, const uint64_t *set);
int rt_hook_pselect(int n, void *in, void *out, void *except, const void *timeout,
		    const uint64_t *set);
int rt_hook_epoll_pwait(int fd, void *events, int n, int timeout, const uint64_t *set);
int rt_hook_epoll_pwait2(int fd, void *events, int n, const void *timeout, const uint64_t *set);
int rt_hook_pthread_create(void *thread, const void *attr, void *start, void *arg);
int rt_hook_execve(const char *path, void *argv, void *envp);
int rt_hook_execveat(int fd, const char *path, void *argv, void *envp, int flags);
int rt_hook_posix_spawn(void *pid, const char *path, const void *actions,
			const struct spawn_attr *attr, void *argv, void *envp);
int rt_hook_posix_spawnp(void *pid, const char *path, const void *actions,
			 const struct spawn_attr *attr, void *argv, void *envp);

#pragma GCC visibility pop

#endif
