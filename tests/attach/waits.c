/*
 * waits.c - threads that wait in every way that has a time-out, and measure each wait.
 *
 * One thread a way.  A wait of MS milliseconds has to end by its time-out, with the result that
 * its manual page gives, not with EINTR, nor earlier than MS (but for a tick, where the kernel
 * counts in ticks).  Others wait for what a feeder sends every MS, and must get it in order.
 *
 * stdin "r": a line for each way, what happened since the last report, then "reported";
 * its end: the threads end, a report, status 7 if nothing was wrong.
 *
 * Spec  signal(7) "Interruption of system calls and library functions by stop signals"
 */
#include <errno.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MS    60
#define TICK  10 /* ms: of HZ=100, the slowest */
#define RIGHT 7

static bool stop;
static const struct timespec relative = { .tv_nsec = MS * 1000000 };

__attribute__((noinline)) static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct timespec later(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_nsec += relative.tv_nsec;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* What is made once and used by one thread each. */
static struct {
	int epoll, pair[2], listener, sem, msg, pipe[2], counted[2], epoll_counted, semop;
	mqd_t queue;
} at;

/* -- the ways: 0, or what errno said, or -1 for a result that should not be ---------- */

static int failed_with(long r, int want)
{
	if (r != -1)
		return -1;
	return errno == want ? 0 : errno;
}

static int zero(long r)
{
	return r == 0 ? 0 : r == -1 ? errno : -1;
}

static int way_epoll_wait(void)
{
	struct epoll_event ev;

	return zero(epoll_wait(at.epoll, &ev, 1, MS));
}

static int way_epoll_pwait(void)
{
	struct epoll_event ev;
	sigset_t set;

	sigfillset(&set);
	return zero(epoll_pwait(at.epoll, &ev, 1, MS, &set));
}

static int way_recv(void)
{
	char c;

	return failed_with(recv(at.pair[0], &c, 1, 0), EAGAIN);
}

static int way_accept(void)
{
	return failed_with(accept(at.listener, NULL, NULL), EAGAIN);
}

static int way_semtimedop(void)
{
	struct sembuf op = { 0, -1, 0 };

	return failed_with(semtimedop(at.sem, &op, 1, &relative), EAGAIN);
}

static int way_sigtimedwait(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	return failed_with(sigtimedwait(&set, NULL, &relative), EAGAIN);
}

static int way_mq(void)
{
	struct timespec t = later(CLOCK_REALTIME);
	char c[8];

	return failed_with(mq_timedreceive(at.queue, c, sizeof(c), NULL, &t), ETIMEDOUT);
}

static int way_cond(void)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t c = PTHREAD_COND_INITIALIZER;
	struct timespec t = later(CLOCK_REALTIME);
	int r;

	pthread_mutex_lock(&m);
	r = pthread_cond_timedwait(&c, &m, &t);
	pthread_mutex_unlock(&m);
	return r == ETIMEDOUT ? 0 : r ? r : -1;
}

static int way_futex(void)
{
	static uint32_t word;

	return failed_with(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &relative, NULL, 0), ETIMEDOUT);
}

static int way_nanosleep(void)
{
	return zero(nanosleep(&relative, NULL));
}

static int way_clock_nanosleep(void)
{
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &relative, NULL);
}

static int way_clock_nanosleep_until(void)
{
	struct timespec t = later(CLOCK_MONOTONIC);

	return clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static int way_poll(void)
{
	struct pollfd p = { .fd = at.pair[1], .events = POLLIN };

	return zero(poll(&p, 1, MS));
}

static int way_ppoll(void)
{
	struct pollfd p = { .fd = at.pair[1], .events = POLLIN };
	struct timespec t = relative;

	return zero(ppoll(&p, 1, &t, NULL));
}

/* Linux tells in its argument what was left: nothing. */
static int way_select(void)
{
	struct timeval tv = { .tv_usec = MS * 1000 };
	fd_set set;
	int r;

	FD_ZERO(&set);
	FD_SET(at.pair[1], &set);
	r = zero(select(at.pair[1] + 1, &set, NULL, NULL, &tv));
	return r ? r : tv.tv_sec || tv.tv_usec ? -1 : 0;
}

static int way_pselect(void)
{
	struct timespec t = relative;
	fd_set set;

	FD_ZERO(&set);
	FD_SET(at.pair[1], &set);
	return zero(pselect(at.pair[1] + 1, &set, NULL, NULL, &t, NULL));
}

/* -- waits for what the feeder sends ----------------------------------------------- */

struct message {
	long type;
	unsigned char n;
};

static int got_next(long r, long want, unsigned char got, unsigned char *next)
{
	if (r != want)
		return r == -1 ? errno : -1;
	return got == (*next)++ ? 0 : -1;
}

static int way_read(void)
{
	static unsigned char next;
	unsigned char c = 0;
	ssize_t r = read(at.pipe[0], &c, 1);

	return got_next(r, 1, c, &next);
}

static int way_msgrcv(void)
{
	static unsigned char next;
	struct message m = { 0 };
	ssize_t r = msgrcv(at.msg, &m, 1, 0, 0);

	return got_next(r, 1, m.n, &next);
}

static int way_epoll_event(void)
{
	static unsigned char next;
	struct epoll_event ev;
	unsigned char c = 0;
	int n = epoll_wait(at.epoll_counted, &ev, 1, -1);
	ssize_t r;

	if (n != 1)
		return n == -1 ? errno : -1;
	r = read(at.counted[0], &c, 1);
	return got_next(r, 1, c, &next);
}

static int way_semop(void)
{
	struct sembuf op = { 0, -1, 0 };

	return zero(semop(at.semop, &op, 1));
}

static bool feed(unsigned char n)
{
	struct message m = { 1, n };
	struct sembuf op = { 0, 1, 0 };

	return write(at.pipe[1], &n, 1) == 1 && write(at.counted[1], &n, 1) == 1 &&
	       !msgsnd(at.msg, &m, 1, 0) && !semop(at.semop, &op, 1);
}

/* -- threads ----------------------------------------------------------------------- */

/*
 * kept: the kernel goes on with what is left of the time, or has its end.  whole: it has a time to
 * wait only, so a wait that a stop interrupts begins anew.  sent: ends when something comes.
 */
static struct way {
	const char *name, *kind;
	int (*once)(void);
	int tick_ms;
	unsigned calls, interrupted, wrong, shorter;
	int64_t longest_us;
	int why;
} way[] = {
	{ .name = "epoll_wait", .kind = "whole", .once = way_epoll_wait },
	{ .name = "epoll_pwait", .kind = "whole", .once = way_epoll_pwait },
	{ .name = "recv", .kind = "whole", .once = way_recv, .tick_ms = TICK },
	{ .name = "accept", .kind = "whole", .once = way_accept, .tick_ms = TICK },
	{ .name = "semtimedop", .kind = "whole", .once = way_semtimedop, .tick_ms = TICK },
	{ .name = "sigtimedwait", .kind = "whole", .once = way_sigtimedwait },
	{ .name = "mq_timedreceive", .kind = "kept", .once = way_mq },
	{ .name = "pthread_cond_timedwait", .kind = "kept", .once = way_cond },
	{ .name = "futex", .kind = "kept", .once = way_futex },
	{ .name = "nanosleep", .kind = "kept", .once = way_nanosleep },
	{ .name = "clock_nanosleep", .kind = "kept", .once = way_clock_nanosleep },
	{ .name = "clock_nanosleep_until", .kind = "kept", .once = way_clock_nanosleep_until },
	{ .name = "poll", .kind = "kept", .once = way_poll },
	{ .name = "ppoll", .kind = "kept", .once = way_ppoll },
	{ .name = "select", .kind = "kept", .once = way_select },
	{ .name = "pselect", .kind = "kept", .once = way_pselect },
	{ .name = "read", .kind = "sent", .once = way_read },
	{ .name = "msgrcv", .kind = "sent", .once = way_msgrcv },
	{ .name = "epoll_wait_event", .kind = "sent", .once = way_epoll_event },
	{ .name = "semop", .kind = "sent", .once = way_semop },
};

#define WAYS (sizeof(way) / sizeof(*way))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool anything_wrong;

static void note(struct way *w, int err, int64_t took_us)
{
	bool shorter = w->kind[0] != 's' && took_us < (MS - w->tick_ms) * 1000;

	pthread_mutex_lock(&lock);
	w->calls++;
	w->interrupted += err == EINTR;
	w->wrong += err && err != EINTR;
	w->why = err ? err : w->why;
	w->shorter += !err && shorter;
	if (took_us > w->longest_us)
		w->longest_us = took_us;
	anything_wrong |= err || shorter;
	pthread_mutex_unlock(&lock);
}

static void *wait_on(void *arg)
{
	struct way *w = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int64_t from = now_us();
		int err = w->once();

		note(w, err, now_us() - from);
	}
	return NULL;
}

static void *feeder(void *arg)
{
	unsigned char n = 0;
	bool good = true;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		nanosleep(&relative, NULL);
		good &= feed(n++);
	}
	good &= feed(n); /* the last wait of each may have begun behind the last but one */
	return good ? arg : NULL;
}

static void report(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < WAYS; i++) {
		struct way *w = &way[i];

		printf("%s %s calls %u eintr %u wrong %u short %u longest %lld why %d\n", w->name,
		       w->kind, w->calls, w->interrupted, w->wrong, w->shorter,
		       (long long)w->longest_us / 1000, w->why);
		w->calls = w->interrupted = w->wrong = w->shorter = 0;
		w->longest_us = 0;
	}
	printf("reported\n");
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}

/* -- main -------------------------------------------------------------------------- */

static bool make_sockets(void)
{
	const struct timeval tv = { .tv_usec = MS * 1000 };
	struct sockaddr_un any = { .sun_family = AF_UNIX }; /* a name of the kernel's choice */

	at.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	return !socketpair(AF_UNIX, SOCK_STREAM, 0, at.pair) &&
	       !setsockopt(at.pair[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) &&
	       !setsockopt(at.listener, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) &&
	       !bind(at.listener, (struct sockaddr *)&any, sizeof(sa_family_t)) &&
	       !listen(at.listener, 1);
}

static bool make(void)
{
	const struct mq_attr small = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	struct epoll_event ev = { .events = EPOLLIN };
	char name[32];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	snprintf(name, sizeof(name), "/waits-%d", getpid());
	at.queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &small);
	mq_unlink(name);
	at.epoll = epoll_create1(0);
	at.epoll_counted = epoll_create1(0);
	at.sem = semget(IPC_PRIVATE, 1, 0600);
	at.semop = semget(IPC_PRIVATE, 1, 0600);
	at.msg = msgget(IPC_PRIVATE, 0600);
	return at.queue != (mqd_t)-1 && at.epoll >= 0 && at.epoll_counted >= 0 && at.sem >= 0 &&
	       at.semop >= 0 && at.msg >= 0 && make_sockets() && !pipe(at.pipe) &&
	       !pipe(at.counted) && !epoll_ctl(at.epoll_counted, EPOLL_CTL_ADD, at.counted[0], &ev);
}

static void unmake(void)
{
	semctl(at.sem, 0, IPC_RMID);
	semctl(at.semop, 0, IPC_RMID);
	msgctl(at.msg, IPC_RMID, NULL);
}

int main(void)
{
	pthread_t t[WAYS], f;
	void *fed = NULL;
	char c;

	if (!make()) {
		perror("waits");
		return 2;
	}
	for (size_t i = 0; i < WAYS; i++)
		pthread_create(&t[i], NULL, wait_on, &way[i]);
	pthread_create(&f, NULL, feeder, way);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) == 1) {
		if (c == 'r')
			report();
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(f, &fed);
	for (size_t i = 0; i < WAYS; i++)
		pthread_join(t[i], NULL);
	unmake();
	return anything_wrong || !fed ? 1 : RIGHT;
}
