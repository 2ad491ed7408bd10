/*
 * dirty.c - run a program untraced, with other bytes below rsp at each call and each return.
 *
 *	dirty SEED POINTS PROGRAM ARG...
 *
 * Nothing below rsp lasts where a function begins, nor behind a call of it: the psABI lets a
 * callee write there, and so does a trampoline.  What a program does otherwise under this one it
 * read from stack that it had not written: padding that lies in a stale frame, for one.
 *
 * POINTS: a line each, "FILE OFFSET" in hex from where FILE is mapped; that of main comes first,
 * then those of functions.  Breakpoints lie there and at the return addresses found there.  The
 * program's exit status is handed on; 125: this program failed; 128 + signal.  The last line of
 * stderr tells how often the stack was overwritten.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_POINTS 65536 /* a power of two, twice what a program has */
#define MAX_FILES  2
#define BELOW      8192
#define INT3       0xcc

struct point {
	uint64_t at; /* 0: free */
	uint8_t byte;
	bool entry;
};

struct file {
	char name[64];
	uint64_t from, to;
};

static struct point points[MAX_POINTS];
static unsigned used, times;
static struct file files[MAX_FILES];
static unsigned nfiles;
static uint64_t random_state;
static pid_t pid;

static void __attribute__((noreturn)) fail(const char *what)
{
	fprintf(stderr, "dirty: %s: %s\n", what, strerror(errno));
	if (pid > 0)
		kill(pid, SIGKILL);
	exit(125);
}

static struct point *slot(uint64_t at)
{
	unsigned i = (unsigned)(at * 0x9e3779b97f4a7c15ull >> 48) % MAX_POINTS;

	while (points[i].at && points[i].at != at)
		i = (i + 1) % MAX_POINTS;
	return &points[i];
}

static void put(uint64_t at, uint8_t byte)
{
	uint64_t word = at & ~7ull, shift = (at & 7) * 8, old;

	errno = 0;
	old = (uint64_t)ptrace(PTRACE_PEEKTEXT, pid, word, 0);
	if (errno)
		fail("peek");
	old = (old & ~(0xffull << shift)) | (uint64_t)byte << shift;
	if (ptrace(PTRACE_POKETEXT, pid, word, old))
		fail("poke");
}

static uint64_t get(uint64_t at)
{
	uint64_t v = 0;
	struct iovec to = { &v, 8 }, from = { (void *)at, 8 };

	return process_vm_readv(pid, &to, 1, &from, 1, 0) == 8 ? v : 0;
}

static bool ours(uint64_t at)
{
	for (unsigned i = 0; i < nfiles; i++) {
		if (at >= files[i].from && at < files[i].to)
			return true;
	}
	return false;
}

static void plant(uint64_t at, bool entry)
{
	struct point *p = slot(at);

	if (p->at) {
		p->entry |= entry;
		return;
	}
	if (++used > MAX_POINTS / 2)
		fail("too many points");
	*p = (struct point){ at, (uint8_t)get(at), entry };
	put(at, INT3);
}

static struct file *file_named(const char *name)
{
	for (unsigned i = 0; i < nfiles; i++) {
		if (!strcmp(files[i].name, name))
			return &files[i];
	}
	if (nfiles == MAX_FILES)
		fail("too many files");
	snprintf(files[nfiles].name, sizeof(files[0].name), "%s", name);
	return &files[nfiles++];
}

/* Where the files lie in the process by now. */
static void find_files(void)
{
	char path[32], line[4400];
	unsigned long from, to;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		fail(path);
	while (fgets(line, sizeof(line), f)) {
		const char *name = strrchr(line, '/');

		line[strcspn(line, "\n")] = 0;
		if (!name || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (unsigned i = 0; i < nfiles; i++) {
			if (strcmp(name + 1, files[i].name))
				continue;
			files[i].from = files[i].from ? files[i].from : from;
			files[i].to = to;
		}
	}
	fclose(f);
}

/* Plants the first of the points, or the others. */
static void plant_points(const char *path, bool first)
{
	char name[64];
	unsigned long offset;
	FILE *f = fopen(path, "re");

	if (!f)
		fail(path);
	for (unsigned i = 0; fscanf(f, "%63s %lx", name, &offset) == 2; i++) {
		struct file *in = file_named(name);

		if (first != !i)
			continue;
		if (!in->from)
			find_files();
		if (!in->from)
			fail(name);
		plant(in->from + offset, true);
		if (first)
			break;
	}
	fclose(f);
}

static void dirty(uint64_t rsp)
{
	static uint64_t bytes[BELOW / 8];
	struct iovec from = { bytes, BELOW }, to = { (void *)(rsp - BELOW), BELOW };

	for (unsigned i = 0; i < BELOW / 8; i++) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 7;
		random_state ^= random_state << 17;
		bytes[i] = random_state;
	}
	if (process_vm_writev(pid, &from, 1, &to, 1, 0) != BELOW)
		fail("write the stack");
	times++;
}

static int resume(int how, int sig)
{
	int status;

	if (ptrace(how, pid, 0, sig) || waitpid(pid, &status, 0) != pid)
		fail("resume");
	return status;
}

/* At a breakpoint: what comes after its instruction. */
static int at_point(struct point *p, struct user_regs_struct *regs)
{
	uint64_t back = get(regs->rsp);
	int status;

	dirty(regs->rsp);
	if (p->entry && ours(back))
		plant(back, false);
	regs->rip = p->at;
	if (ptrace(PTRACE_SETREGS, pid, 0, regs))
		fail("set registers");
	put(p->at, p->byte);
	status = resume(PTRACE_SINGLESTEP, 0);
	if (WIFSTOPPED(status))
		put(p->at, INT3);
	return status;
}

static int follow(const char *path)
{
	struct user_regs_struct regs;
	int status = resume(PTRACE_CONT, 0);
	bool begun = false;

	while (WIFSTOPPED(status)) {
		int sig = WSTOPSIG(status);
		struct point *p;

		if (ptrace(PTRACE_GETREGS, pid, 0, &regs))
			fail("get registers");
		p = slot(regs.rip - 1);
		if (sig != SIGTRAP || (p->at && get(p->at) % 256 != INT3)) {
			status = resume(PTRACE_CONT, sig);
			continue;
		}
		if (p->at) {
			if (!begun)
				plant_points(path, false);
			begun = true;
			status = at_point(p, &regs);
			if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
				continue;
		}
		status = resume(PTRACE_CONT, 0);
	}
	if (!begun)
		fail("main not reached");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 4)
		return 125;
	random_state = 0x9e3779b97f4a7c15ull ^ strtoull(argv[1], NULL, 0);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execv(argv[3], argv + 3);
		_exit(125);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		fail("start");
	plant_points(argv[2], true);
	status = follow(argv[2]);
	fprintf(stderr, "dirtied %u\n", times);
	return status;
}
