/*
 * die.c - a tracer that is killed behind any of its calls of ptrace() and pwrite().
 *
 * die OBJ VICTIM FIRST STEP [LAST]
 *
 * A victim's threads call and check each other; a tracer attaches, adds, replaces and removes
 * programs, and leaves.  Behind its N-th call of either kind it kills itself, for N = FIRST,
 * FIRST + STEP, ... until it comes to its end, or N is LAST.  Who watched it undoes what it left
 * (utramp_session__undo()); then the text is as in the file, no handler of ours is there, and
 * the victim ends as it is told to, all its results right.
 *
 * Both calls are wrapped at linking.  Programs are those of die.bpf.c.
 */
#include "utramp/attach.h"
#include "utramp/session.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EACH    6 /* tracers of one victim: each may leave two slabs there */
#define THREADS 3
#define RIGHT   7
#define LEAST   10 /* are killed, */
#define MOST    30 /* cannot attach */

static int die_behind, calls;

long __real_ptrace(int request, pid_t pid, void *addr, void *data);
long __wrap_ptrace(int request, pid_t pid, void *addr, void *data);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t n, off64_t at);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off64_t at);

static void die_if_due(void)
{
	if (die_behind && ++calls == die_behind)
		kill(getpid(), SIGKILL);
}

long __wrap_ptrace(int request, pid_t pid, void *addr, void *data)
{
	long r = __real_ptrace(request, pid, addr, data);

	die_if_due();
	return r;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	ssize_t r = __real_pwrite64(fd, bytes, n, at);

	die_if_due();
	return r;
}

static void die(const char *what)
{
	printf("Bail out! %s: %s, %s\n", what, strerror(errno), utramp_error());
	exit(1);
}

/* -- the victim ---------------------------------------------------------------------- */

struct victim {
	pid_t pid;
	int in, out;
};

static void sleep_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Its threads run. */
static void await_threads(pid_t pid)
{
	char path[32];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	for (int i = 0; i < 20000 && (stat(path, &st) < 0 || st.st_nlink < 3 + THREADS); i++)
		sleep_ms(1);
	if (st.st_nlink < 3 + THREADS)
		die(path);
}

static void victim_start(struct victim *v, char *path)
{
	char threads[8], *const argv[] = { path, (char[]){ "work" }, threads, NULL };
	int in[2], out[2];

	snprintf(threads, sizeof(threads), "%d", THREADS);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		die("pipe");
	fflush(stdout);
	v->pid = fork();
	if (v->pid < 0)
		die("fork");
	if (v->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execv(path, argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	v->in = in[1];
	v->out = out[0];
	await_threads(v->pid);
}

/* true: it ended as it was told to; else what is said of it. */
static bool victim_end(struct victim *v)
{
	char text[64] = "";
	ssize_t n = 0, got;
	int st = 0;

	close(v->in);
	while (n < (ssize_t)sizeof(text) - 1 &&
	       (got = read(v->out, text + n, sizeof(text) - 1 - (size_t)n)) > 0)
		n += got;
	close(v->out);
	if (waitpid(v->pid, &st, 0) != v->pid)
		die("waitpid");
	if (WIFEXITED(st) && WEXITSTATUS(st) == RIGHT && !strcmp(text, "# bad 0\n"))
		return true;
	printf("# the victim: status %#x, says '%s'\n", (unsigned)st, text);
	return false;
}

static bool has_ended(const struct victim *v)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)v->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid;
}

/* Bytes of one region that are not the file's. */
static long differences(int mem, const char *path, uint64_t lo, uint64_t n, uint64_t offset)
{
	uint8_t *live = malloc(n), *file = malloc(n);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : pread(fd, file, n, (off_t)offset);
	long differ = got > 0 && pread(mem, live, (size_t)got, (off_t)lo) == got ? 0 : -1;

	for (ssize_t i = 0; differ >= 0 && i < got; i++)
		differ += live[i] != file[i];
	if (fd >= 0)
		close(fd);
	free(live);
	free(file);
	return differ;
}

static bool text_is_right(const struct victim *v)
{
	char path[64], line[512], file[256], perms[8];
	uint64_t lo, hi, offset;
	int mem, modules = 0;
	bool right = true;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)v->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)v->pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &lo, &hi,
			   perms, &offset, file) != 5 ||
		    perms[2] != 'x' || *file != '/' || strstr(file, "/slab-"))
			continue;
		modules++;
		if (!differences(mem, file, lo, hi - lo, offset))
			continue;
		printf("# text of %s\n", file);
		right = false;
	}
	if (maps)
		fclose(maps);
	close(mem);
	return right && modules >= 3;
}

static bool has_handler(const struct victim *v)
{
	char path[32], line[128];
	unsigned long long caught = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)v->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "SigCgt: %llx", &caught);
	if (f)
		fclose(f);
	return caught >> (SIGSEGV - 1) & 1;
}

/* -- the tracer ---------------------------------------------------------------------- */

/* It may be tried again: a thread was in the way, or did not stop where the machine is busy. */
static bool busy(void)
{
	return errno == EAGAIN || errno == EBUSY || errno == ETIMEDOUT;
}

static struct utramp_link *put(struct utramp_object *o, struct utramp_target *t, const char *name,
			       const char *spec)
{
	struct utramp_program *p = NULL;
	struct utramp_link *l;

	while ((p = utramp_object__next_program(o, p)) && strcmp(utramp_program__name(p), name))
		;
	l = p ? utramp_program__attach(p, t, spec, NULL) : NULL;
	if (!l) {
		fprintf(stderr, "%s on %s: %s\n", name, spec, utramp_error());
		_exit(busy() ? 3 : 4);
	}
	return l;
}

static int trace(pid_t pid, const char *object)
{
	struct utramp_target *t = utramp_target__attach_pid(pid, NULL);
	struct utramp_object *o = t ? utramp_object__open_file(object, NULL) : NULL;
	struct utramp_link *first, *exits;

	if (!o || utramp_object__load(o, t) < 0) {
		fprintf(stderr, "%s\n", utramp_error());
		return busy() ? 3 : 4;
	}
	first = put(o, t, "entry", "storm_victim:seven_*");
	exits = put(o, t, "leave", "storm_victim:*e*_1");
	put(o, t, "look", "storm_victim:twelve_*");
	utramp_link__destroy(first);
	put(o, t, "pass", "storm_victim:seven_*");
	utramp_link__destroy(exits);
	put(o, t, "leave", "storm_victim:*");
	utramp_target__free(t);
	return 0;
}

enum end { KILLED, DONE, AGAIN, FAILED };

static enum end tracer_run(pid_t pid, const char *object, int behind, pid_t *was)
{
	pid_t tracer;
	int st;

	fflush(stdout);
	tracer = fork();
	if (tracer < 0)
		die("fork");
	if (tracer == 0) {
		die_behind = behind;
		_exit(trace(pid, object));
	}
	if (waitpid(tracer, &st, 0) != tracer)
		die("waitpid");
	*was = tracer;
	if (WIFSIGNALED(st))
		return WTERMSIG(st) == SIGKILL ? KILLED : FAILED;
	return WEXITSTATUS(st) == 0 ? DONE : WEXITSTATUS(st) == 3 ? AGAIN : FAILED;
}

static void undone(void *ctx, int err, const struct utramp_undone *u)
{
	if (!err && !u->left)
		return;
	printf("# not undone: %d, %u left, %s\n", err, u->left, utramp_error());
	*(bool *)ctx = false;
}

/* -- all of it ------------------------------------------------------------------------- */

/* After one tracer: is all as it was? */
static bool as_it_was(const struct victim *v, pid_t tracer)
{
	bool good = true;

	utramp_session__undo(tracer, undone, &good);
	if (has_ended(v)) {
		printf("# the victim has ended\n");
		return false;
	}
	if (has_handler(v)) {
		printf("# a handler is left\n");
		good = false;
	}
	return text_is_right(v) && good;
}

int main(int argc, char **argv)
{
	int n, step, last, rounds = 0, bad = 0, again = 0;
	struct victim v = { 0 };
	enum end end = KILLED;

	if (argc < 5) {
		fprintf(stderr, "usage: die OBJ VICTIM FIRST STEP [LAST]\n");
		return 2;
	}
	n = atoi(argv[3]);
	step = atoi(argv[4]);
	last = argc > 5 ? atoi(argv[5]) : 1 << 30;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (; n <= last && again < MOST && (end == KILLED || end == AGAIN); n += step) {
		pid_t tracer = 0;
		bool good;

		if (!v.pid)
			victim_start(&v, argv[2]);
		end = tracer_run(v.pid, argv[1], n, &tracer);
		again += end == AGAIN;
		good = as_it_was(&v, tracer) && end != FAILED;
		rounds++;
		if (!good || rounds % EACH == 0 || end == DONE) {
			good &= victim_end(&v);
			v = (struct victim){ 0 };
		}
		bad += !good;
		if (!good)
			printf("# the above: killed behind call %d\n", n);
	}
	if (v.pid)
		bad += !victim_end(&v);
	printf("%sok 1 - %d tracers killed, the last behind call %d, %d could not attach\n",
	       bad || rounds - again < LEAST ? "not " : "", rounds - again, n - step, again);
	printf("1..1\n");
	return bad || rounds - again < LEAST;
}
