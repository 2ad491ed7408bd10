/*
 * admit_test.c - each fact of ctl/admit.h, in trees of /proc and /sys that are made up.
 *
 * refused() and admitted() also hold the table to its promise: what the error says is one of the
 * lines that are shown, word for word.
 */
#include "ctl_util.h"

#include "ctl/admit.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PID = 100 };

static char dir[64], proc[96], sys[96], libc[PATH_MAX];
static struct admit_probe probe;
static struct admit_world world;
static unsigned uid; /* that owns the files */

static void put(const char *at, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, at);
	for (char *slash = path + strlen(dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void put_link(const char *at, const char *to)
{
	char path[PATH_MAX];

	put(at, ""); /* its directories */
	snprintf(path, sizeof(path), "%s/%s", dir, at);
	unlink(path);
	assert_int_equal(symlink(to, path), 0);
}

static void drop(const char *at)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, at);
	unlink(path);
}

struct who {
	pid_t pid, tgid, ppid, tracer;
	char state;
	unsigned user, group, seccomp, no_new_privs;
	unsigned long long caps;
	const char *nspid;
};

static void put_status(const char *at, struct who w)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "Name:\twork er\nState:\t%c (somehow)\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n"
		 "TracerPid:\t%d\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nGroups:\t4 24 27 \n"
		 "NSpid:\t%s\nThreads:\t2\nCapInh:\t0000000000000000\nCapPrm:\t%016llx\n"
		 "CapEff:\t%016llx\nNoNewPrivs:\t%u\nSeccomp:\t%u\nSeccomp_filters:\t%u\n",
		 w.state, w.tgid ? w.tgid : w.pid, w.pid, w.ppid, w.tracer, w.user, w.user, w.user,
		 w.user, w.group, w.group, w.group, w.group, w.nspid ? w.nspid : "100", w.caps,
		 w.caps, w.no_new_privs, w.seccomp, w.seccomp);
	put(at, text);
}

static struct who them(void)
{
	return (struct who){ .pid = PID, .ppid = 50, .state = 'S', .user = uid, .group = 7 };
}

static struct who us(void)
{
	return (struct who){ .pid = 200, .ppid = 50, .state = 'R', .user = uid, .group = 7 };
}

static void put_them(struct who w)
{
	put_status("proc/100/status", w);
	w.tgid = PID;
	put_status("proc/100/task/100/status", w);
}

static void put_stat(unsigned flags)
{
	char text[128];

	snprintf(text, sizeof(text), "100 (wo) S 1 1 (er) S 50 100 100 0 -1 %u 1 2 3", flags);
	put("proc/100/stat", text);
}

static void put_maps(const char *path)
{
	char text[PATH_MAX + 200];

	snprintf(text, sizeof(text),
		 "5555000-5556000 r-xp 00000000 08:01 11                  /bin/x\n"
		 "7000000-7010000 r-xp 00000000 08:01 12                  %s\n"
		 "7ffe000-7fff000 rw-p 00000000 00:00 0                   [stack]\n",
		 path);
	put("proc/100/task/100/maps", text);
}

/* An ordinary process of ours, which the kernel lets us trace. */
static void usual(void)
{
	char path[PATH_MAX];

	probe = (struct admit_probe){ .suspend = -EPERM };
	world = (struct admit_world){ .proc = proc, .sys = sys, .access = 0, .probe = &probe };
	put_status("proc/self/status", us());
	put_link("proc/self/ns/user", "user:[4026531837]");
	put_link("proc/self/ns/mnt", "mnt:[4026531841]");
	put_them(them());
	put_stat(0x400000);
	put_link("proc/100/task/100/exe", VICTIM);
	put_link("proc/100/task/100/root", "/");
	put_link("proc/100/task/100/ns/user", "user:[4026531837]");
	put_link("proc/100/task/100/ns/mnt", "mnt:[4026531841]");
	put_maps(libc);
	put("proc/cmdline", "quiet\n");
	drop("proc/sys/kernel/yama/ptrace_scope");
	drop("proc/self/attr/current");
	drop("proc/100/task/100/attr/current");
	drop("sys/fs/selinux/enforce");
	drop("sys/fs/selinux/booleans/deny_ptrace");
	drop("sys/kernel/security/lsm");
	snprintf(path, sizeof(path), "%s/proc/100/stat", dir);
	assert_int_equal(chown(path, uid, (gid_t)-1), 0);
}

static int setup(void **state)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[PATH_MAX], *at;

	uid = getuid() ? getuid() : 1000;
	strcpy(dir, "/tmp/ctladmitXXXXXX");
	if (!f || !mkdtemp(dir))
		return -1;
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	snprintf(sys, sizeof(sys), "%s/sys", dir);
	while (fgets(line, sizeof(line), f)) {
		at = strchr(line, '/');
		if (!at || !strstr(at, "/libc.so.6"))
			continue;
		at[strcspn(at, "\n")] = '\0';
		strcpy(libc, at);
	}
	fclose(f);
	return *libc ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	return system(cmd);
}

/* -- what is said ------------------------------------------------------------------------------ */

struct said {
	unsigned lines, bad;
	char text[8192];
	const char *error;
	bool error_told;
};

static int collect(void *ctx, const struct fact *f, bool of_process)
{
	struct said *s = ctx;
	char whole[2048];

	snprintf(whole, sizeof(whole), "%s%s%s", f->text, *f->remedy ? "; " : "", f->remedy);
	s->lines++;
	s->bad += f->state == FACT_BAD;
	s->error_told |= f->state == FACT_BAD && s->error && !strcmp(whole, s->error);
	/* who is told of something wrong is told what to do */
	assert_true(f->state == FACT_OK || *f->remedy);
	assert_true(*f->text && *f->what && (f->state == FACT_BAD) == (f->err < 0));
	assert_true(strlen(f->text) < sizeof(f->text) - 1 &&
		    strlen(f->remedy) < sizeof(f->remedy) - 1);
	snprintf(s->text + strlen(s->text), sizeof(s->text) - strlen(s->text), "%s %s %s: %s\n",
		 of_process ? "process" : "machine",
		 (const char *const[]){ "ok", "warn", "bad" }[f->state], f->what, whole);
	return 0;
}

static void show(struct said *s, const char *error)
{
	memset(s, 0, sizeof(*s));
	s->error = error;
	assert_int_equal(admit_show(&world, PID, collect, s), 0);
}

static void refused(int err, const char *words)
{
	struct diag d = { "" };
	struct said s;
	int got = admit_check(&world, PID, &d);

	if (got != err || !strstr(d.text, words))
		fail_msg("want %d '%s', got %d '%s'", err, words, got, d.text);
	show(&s, d.text);
	if (!s.error_told)
		fail_msg("no line says '%s':\n%s", d.text, s.text);
}

/* And this line is shown ("process ok owner: user 7"); NULL: any. */
static void admitted(const char *line)
{
	struct diag d = { "" };
	struct said s;

	assert_int_equal(admit_check(&world, PID, &d), 0);
	assert_string_equal(d.text, "");
	show(&s, NULL);
	if (line && !strstr(s.text, line))
		fail_msg("no line '%s':\n%s", line, s.text);
}

/* The same when the kernel refuses. */
static void forbidden(const char *words)
{
	world.access = -EPERM;
	refused(-EPERM, words);
	world.access = 0;
}

/* -- tests --------------------------------------------------------------------------------------- */

static void test_usual(void **state)
{
	char want[PATH_MAX + 64];
	struct said s;

	usual();
	admitted("process ok process: process 100 (work er), 2 threads\n");
	snprintf(want, sizeof(want), "process ok libc: glibc %s (%s)\n", gnu_get_libc_version(),
		 libc);
	admitted(want);
	admitted("process ok owner: user");
	show(&s, NULL);
	assert_int_equal(s.bad, 0);
	assert_int_equal(admit_show(&world, 0, collect, memset(&s, 0, sizeof(s))), 0);
	assert_null(strstr(s.text, "process ok"));
	assert_non_null(strstr(s.text, "machine ok glibc"));
}

static void test_gone(void **state)
{
	struct diag d;

	usual();
	drop("proc/100/status");
	refused(-ESRCH, "there is no process 100");
	assert_int_equal(admit_check(&world, 0, &d), -ESRCH);
	assert_int_equal(admit_check(&world, -7, &d), -ESRCH);
}

static void test_kinds(void **state)
{
	struct who w = them();

	usual();
	w.tgid = 99;
	put_status("proc/100/status", w);
	refused(-ESRCH, "100 is a thread of process 99");
	w = us();
	w.pid = PID;
	usual();
	put_status("proc/self/status", w);
	refused(-ENOTSUP, "the one that asks");
	usual();
	put_stat(0x208040);
	refused(-ENOTSUP, "kernel thread");
	usual();
	w = them();
	w.state = 'Z';
	put_them(w);
	refused(-ESRCH, "has ended, its parent 50 has not collected it");
	/* its first thread has ended, another lives */
	put_status("proc/100/task/101/status",
		   (struct who){ .pid = 101, .tgid = PID, .state = 'S', .user = uid, .group = 7 });
	put_link("proc/100/task/101/exe", VICTIM);
	put("proc/100/task/101/maps", "");
	refused(-ENOTSUP, "the first thread of process 100 has ended, and others go on");
	drop("proc/100/task/101/status");
	usual();
	w = them();
	w.state = 'T';
	put_them(w);
	admitted("process warn state: process 100 was stopped by a signal");
	w.state = 'D';
	put_them(w);
	admitted("process warn state: process 100 waits in the kernel");
}

static void test_tracer(void **state)
{
	struct who w = them();

	usual();
	w.tracer = 300;
	put_them(w);
	refused(-EPERM, "process 100 is traced by process 300;");
	put("proc/300/comm", "gdb\n");
	refused(-EPERM, "process 100 is traced by gdb, process 300;");
	w.tracer = 200;
	put_them(w);
	refused(-EPERM, "by this process already");
	/* a thread of it only: strace -p TID */
	usual();
	put_status("proc/100/task/101/status", (struct who){ .pid = 101,
							     .tgid = PID,
							     .state = 't',
							     .user = uid,
							     .group = 7,
							     .tracer = 300 });
	refused(-EPERM, "(its thread 101) is traced by gdb");
	drop("proc/100/task/101/status");
}

#define CAP_19 (1ull << 19)

static void test_owner(void **state)
{
	struct who w = them(), me = us();
	char want[64];

	usual();
	me.user = uid + 1;
	put_status("proc/self/status", me);
	snprintf(want, sizeof(want), "is user %u's, and we are user %u", uid, uid + 1);
	forbidden(want);
	me.caps = CAP_19;
	put_status("proc/self/status", me);
	admitted("and we have CAP_SYS_PTRACE");
	usual();
	w.group = 8;
	put_them(w);
	forbidden("has the groups 8, 8, 8 (real, effective, saved), which are not all our 7");
	/* of set-user-ID programs */
	usual();
	put("proc/100/status", "Name:\tx\nState:\tS (sleeping)\nTgid:\t100\nPid:\t100\nPPid:\t1\n"
			       "Uid:\t70000\t0\t0\t0\nGid:\t7\t7\t7\t7\n");
	forbidden("has the users 70000, 0, 0");
}

static void test_dumpable(void **state)
{
	struct who w = them(), me = us();

	/* whose effective user is another than the owner of its files */
	usual();
	w.user = me.user = uid + 1;
	put_status("proc/self/status", me);
	put_them(w);
	forbidden("process 100 is not dumpable");
	me.caps = w.caps = CAP_19;
	put_status("proc/self/status", me);
	admitted("process ok dumpable: it is not, and we have CAP_SYS_PTRACE");
}

static void test_userns(void **state)
{
	struct who me = us();

	usual();
	put_link("proc/100/task/100/ns/user", "user:[4026532000]");
	forbidden("another user namespace (user:[4026532000], ours is user:[4026531837])");
	/* from the initial one a capability reaches all */
	me.caps = CAP_19;
	put_status("proc/self/status", me);
	admitted("process ok user namespace");
	/* from another it does not */
	put_link("proc/self/ns/user", "user:[4026532111]");
	forbidden("another user namespace");
	admitted("machine warn user namespace: user:[4026532111]");
}

static void test_capabilities(void **state)
{
	struct who w = them();

	usual();
	w.caps = 1ull << 13;
	put_them(w);
	forbidden("has capabilities that we have not (0x2000");
	admitted("process ok capabilities: it has some that we have not");
}

static void test_yama(void **state)
{
	struct who w = them(), me = us();

	usual();
	put("proc/sys/kernel/yama/ptrace_scope", "0\n");
	admitted("machine ok ptrace scope: 0");
	assert_false(admit_must_permit(&world));
	put("proc/sys/kernel/yama/ptrace_scope", "1\n");
	forbidden("kernel.yama.ptrace_scope is 1, and process 100 is not a descendant of ours");
	admitted("machine warn ptrace scope: 1");
	admitted("a program that traces itself forgets whom it permitted so; for -p:");
	assert_true(admit_must_permit(&world));
	admitted("process ok ptrace scope: 1, and it permits us, by prctl(PR_SET_PTRACER)");
	w.ppid = 150; /* whose parent we are */
	put_them(w);
	put_status("proc/150/status", (struct who){ .pid = 150, .ppid = 200, .state = 'S' });
	admitted("process ok ptrace scope: 1, and it is a descendant of ours");
	put("proc/sys/kernel/yama/ptrace_scope", "2\n");
	forbidden("kernel.yama.ptrace_scope is 2");
	me.caps = CAP_19;
	put_status("proc/self/status", me);
	admitted("machine ok ptrace scope: 2, and we have CAP_SYS_PTRACE");
	put("proc/sys/kernel/yama/ptrace_scope", "1\n");
	assert_false(admit_must_permit(&world)); /* who has that needs no permission */
	put("proc/sys/kernel/yama/ptrace_scope", "3\n");
	forbidden("kernel.yama.ptrace_scope is 3: nobody may trace, root included");
}

static void test_modules(void **state)
{
	usual();
	put("sys/kernel/security/lsm", "capability,landlock,yama,apparmor\n");
	forbidden("the kernel does not let us trace process 100: a tracer that we cannot see, or a "
		  "security module (capability,landlock,yama,apparmor)");
	put("proc/100/task/100/attr/current", "docker-default (enforce)\n");
	forbidden("AppArmor's profile docker-default confines process 100");
	put("proc/self/attr/current", "snap.x (enforce)\n");
	forbidden("AppArmor's profile snap.x confines utramp");
	put("proc/self/attr/current", "snap.x (complain)\n");
	forbidden("confines process 100");
	put("sys/fs/selinux/enforce", "1");
	put("sys/fs/selinux/booleans/deny_ptrace", "0 1");
	admitted("SELinux enforces");
	put("sys/fs/selinux/booleans/deny_ptrace", "1 1");
	forbidden("SELinux forbids ptrace: its boolean deny_ptrace is on; turn it off: setsebool");
	put("sys/fs/selinux/enforce", "0");
	admitted("SELinux is permissive");
	usual();
	world.access = -ESRCH; /* it ends just now */
	refused(-ESRCH, "process 100: No such process");
}

static void test_programs(void **state)
{
	usual();
	put_link("proc/100/task/100/exe", VICTIM_32);
	refused(-ENOTSUP, "process 100 runs a 32-bit program (" VICTIM_32 ")");
	put_link("proc/100/task/100/exe", VICTIM_X32);
	refused(-ENOTSUP, "process 100 runs an x32 program");
	put_link("proc/100/task/100/exe", VICTIM_STATIC);
	refused(-ENOTSUP, "statically linked program (" VICTIM_STATIC ")");
	put_link("proc/100/task/100/exe", VICTIM_MUSL);
	refused(-ENOTSUP, "uses musl (/lib/ld-musl-x86_64.so.1), not glibc");
	put_link("proc/100/task/100/exe", VICTIM_GO);
	refused(-ENOTSUP, "runs a Go program");
	put_link("proc/100/task/100/exe", "/nonexistent");
	admitted(
		"process warn program: the executable of process 100 cannot be read: No such file");
	put("proc/100/task/100/exe",
	    "#!/bin/sh\n, which is long enough to be a header of ELF, and is none");
	admitted("process warn program: the executable of process 100 cannot be read");
}

static void test_libc(void **state)
{
	char path[PATH_MAX];

	usual();
	put_maps("/lib/ld-musl-x86_64.so.1");
	refused(-ENOTSUP, "uses musl (/lib/ld-musl-x86_64.so.1), not glibc");
	put_maps("/system/lib64/libc.so");
	refused(-ENOTSUP, "uses no glibc: no libc.so.6 is mapped there");
	/* as files were named until 2.33; this one is not there */
	put_maps("/nonexistent/libc-2.31.so");
	admitted("process ok libc: glibc (/nonexistent/libc-2.31.so)");
	put_maps("/nonexistent/libc.so.6 (deleted)");
	admitted(
		"process warn libc: /nonexistent/libc.so.6 of process 100 was removed or replaced");
	put("libc.so.6", "....GNU C Library (Other GLIBC 2.31-13) stable release version 2.31.\n");
	snprintf(path, sizeof(path), "%s/libc.so.6", dir);
	put_maps(path);
	admitted("process ok libc: glibc 2.31 (");
	put("proc/100/task/100/maps", "damaged\n");
	refused(-ENOTSUP, "uses no glibc");
	usual();
	put("proc/100/task/100/maps", ""); /* it ends just now */
	refused(-ESRCH, "process 100 ends, or begins another program: it has no memory");
	/* the loader was executed, with the program as its argument */
	usual();
	put_link("ld-linux-x86-64.so.2", VICTIM_STATIC);
	snprintf(path, sizeof(path), "%s/ld-linux-x86-64.so.2", dir);
	put_link("proc/100/task/100/exe", path);
	admitted("process ok libc: glibc");
}

static void test_seccomp(void **state)
{
	struct who w = them(), me = us();

	usual();
	w.seccomp = 2;
	w.no_new_privs = 1;
	put_them(w);
	refused(-EPERM, "runs under seccomp, all of its threads");
	refused(-EPERM, "that needs CAP_SYS_ADMIN); run utramp as root");
	probe.suspend = -EINVAL;
	refused(-EPERM, "has no CONFIG_CHECKPOINT_RESTORE); start it under utramp");
	probe.suspend = 0;
	admitted("process ok seccomp: 1 of 1 threads run under seccomp, which is put off");
	admitted("process ok no_new_privs: set, which is no obstacle");
	probe.suspend = -EPERM;
	me.seccomp = 2;
	put_status("proc/self/status", me);
	refused(-EPERM, "we are under seccomp ourselves");
	/* the container's own filter, which lets us pass, too; not where systems have many */
	put_link("proc/self/ns/pid", "pid:[4026532200]");
	put_link("proc/100/ns/pid", "pid:[4026532200]");
	admitted("process ok seccomp: the same filter of system calls as ours, a container's");
	put_link("proc/self/ns/pid", "pid:[4026531836]");
	put_link("proc/100/ns/pid", "pid:[4026531836]");
	refused(-EPERM, "we are under seccomp ourselves");
	put_status("proc/self/status", us());
}

/* Each thread has filters of its own. */
static void test_seccomp_threads(void **state)
{
	struct who w = them();

	usual();
	w.pid = 101;
	w.tgid = PID;
	w.seccomp = 2;
	put_status("proc/100/task/101/status", w);
	admitted("process ok seccomp: 1 of 2 threads run under seccomp: another one makes");
	w.seccomp = 1;
	put_status("proc/100/task/101/status", w);
	refused(-ENOTSUP, "a thread of process 100 runs in seccomp's strict mode");
	probe.suspend = 0;
	refused(-ENOTSUP, "strict mode");
	drop("proc/100/task/101/status");
}

static void test_writes(void **state)
{
	usual();
	admitted("machine ok code: can be written through /proc/PID/mem\n");
	probe.touch = -EIO;
	put("proc/cmdline", "root=/dev/sda proc_mem.force_override=ptrace quiet\n");
	admitted("while tracing, by the kernel's command line (proc_mem.force_override=ptrace)");
	probe.write = -EIO;
	put("proc/cmdline", "root=/dev/sda proc_mem.force_override=never\n");
	refused(-EPERM, "forbidden by the kernel's command line (proc_mem.force_override=never)");
	put("proc/cmdline", "quiet\n");
	refused(-EPERM, "forbidden by the kernel's configuration");
}

static void test_machine(void **state)
{
	struct who me = us();
	struct said s;

	usual();
	me.seccomp = 2;
	put_status("proc/self/status", me);
	probe.trace = -EPERM;
	show(&s, NULL);
	assert_non_null(strstr(s.text, "machine bad tracing: ptrace of our own child is refused: "
				       "Operation not permitted; we run under seccomp"));
	put("proc/sys/kernel/yama/ptrace_scope", "3\n");
	show(&s, NULL);
	assert_non_null(strstr(s.text, "machine bad tracing: ptrace of our own child is refused: "
				       "Operation not permitted; kernel.yama.ptrace_scope is 3"));
	drop("proc/sys/kernel/yama/ptrace_scope");
	me.seccomp = 0;
	me.tracer = 300; /* strace -f */
	put_status("proc/self/status", me);
	show(&s, NULL);
	assert_non_null(strstr(s.text, "we are traced ourselves, by process 300"));
	probe = (struct admit_probe){ .trace = -EAGAIN, .no_fork = true };
	show(&s, NULL);
	assert_non_null(strstr(s.text, "machine bad tracing: no child can be started"));
	probe = (struct admit_probe){ .sigmask = -EIO };
	show(&s, NULL);
	assert_non_null(strstr(s.text, "machine bad system calls: PTRACE_GETSIGMASK"));
}

static void test_places(void **state)
{
	struct who w = them();

	usual();
	admitted("process ok files: the same files as ours");
	put_link("proc/100/task/100/root", "/srv/jail");
	admitted("process ok files: its root directory is /srv/jail");
	put_link("proc/100/task/100/ns/mnt", "mnt:[4026532500]");
	admitted("process ok files: it has a mount namespace of its own");
	w.nspid = "100\t17\t1";
	put_them(w);
	admitted("process warn PID namespace: process 100 is init of a PID namespace");
	w.nspid = "1";
	put_them(w);
	admitted("process warn PID namespace: process 100 is the init of this machine");
}

/* -- this machine ---------------------------------------------------------------------------------- */

static pid_t child(void)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

/* Another PID namespace's: whatever it says of process 100, it is another. */
static void test_other_proc(void **state)
{
	char other[128];

	usual();
	snprintf(other, sizeof(other), "%s/other", dir);
	put_link("other/self", "1");
	world.proc = other;
	refused(-ENOTSUP, "of another PID namespace, where numbers are other processes'; mount");
	put_link("other/self", ".");
	refused(-ENOTSUP, "of another PID namespace");
	drop("other/self");
	refused(-ENOTSUP, "/proc is not mounted");
}

/* The kernel's own answers agree: what is traced here can be; nobody is left behind. */
static void test_real(void **state)
{
	struct admit_probe p;
	struct diag d = { "" };
	pid_t pid = child();
	int err;

	admit_try(&p);
	assert_int_equal(p.trace, 0); /* every test of ctl/ needs that */
	assert_int_equal(p.sigmask, 0);
	assert_int_equal(p.write, 0);
	err = process_admit(pid, &d);
	if (err)
		fail_msg("%d %s", err, d.text);
	/* a refusal that nothing explains is told nevertheless */
	assert_int_equal(process_admit_why(pid, -EPERM, &d), -EPERM);
	assert_true(d.text[0]);
	assert_int_equal(process_admit_why(pid, -EIO, &d), -EIO);
	assert_non_null(strstr(d.text, "Input/output error"));
	kill(pid, SIGKILL);
	while (process_admit(pid, &d) == 0)
		usleep(1000);
	/* a zombie: PTRACE_SEIZE says EPERM, and what is so is told */
	assert_int_equal(process_admit_why(pid, -EPERM, &d), -ESRCH);
	assert_non_null(strstr(d.text, "has ended"));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_admit(pid, &d), -ESRCH);
	assert_non_null(strstr(d.text, "there is no process"));
	assert_int_equal(process_admit(getpid(), &d), -ENOTSUP);
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),    cmocka_unit_test(test_gone),
		cmocka_unit_test(test_kinds),    cmocka_unit_test(test_tracer),
		cmocka_unit_test(test_owner),    cmocka_unit_test(test_dumpable),
		cmocka_unit_test(test_userns),   cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_yama),     cmocka_unit_test(test_modules),
		cmocka_unit_test(test_programs), cmocka_unit_test(test_libc),
		cmocka_unit_test(test_seccomp),  cmocka_unit_test(test_seccomp_threads),
		cmocka_unit_test(test_writes),   cmocka_unit_test(test_machine),
		cmocka_unit_test(test_places),   cmocka_unit_test(test_other_proc),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
