/*
 * ctl/admit.c - the table of facts, and who asks it.  As in admit.h.
 *
 * Context  [ctl]
 * Spec     proc_pid_status(5), proc_pid_stat(5), proc_pid_mem(5): opening it for writing needs
 *          PTRACE_MODE_ATTACH_FSCREDS
 */
#include "ctl/admit.h"

#include "base/cleanup.h"
#include "ctl/admit_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PF_KTHREAD 0x00200000u /* include/linux/sched.h */
#define PF_EXITING 0x00000004u

const struct admit_world admit_real = { .proc = "/proc", .sys = "/sys", .access = 1 };

/* -- reading ------------------------------------------------------------------------------- */

static ssize_t read_whole(const char *path, char *out, size_t cap)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0 && n < cap - 1) {
		got = TEMP_FAILURE_RETRY(read(fd, out + n, cap - 1 - n));
		n += got > 0 ? (size_t)got : 0;
	}
	out[n] = '\0';
	return got < 0 ? -errno : (ssize_t)n;
}

static void __attribute__((format(printf, 3, 0)))
path_of(char *out, size_t cap, const char *fmt, va_list ap)
{
	int n = vsnprintf(out, cap, fmt, ap);

	if (n < 0 || (size_t)n >= cap)
		out[0] = '\0';
}

ssize_t admit_read(char *out, size_t cap, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	return read_whole(path, out, cap);
}

void admit_link(char *out, size_t cap, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	n = readlink(path, out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
}

int admit_number(const char *fmt, ...)
{
	char path[PATH_MAX], text[32], *end;
	va_list ap;
	long n;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	if (read_whole(path, text, sizeof(text)) <= 0)
		return -1;
	n = strtol(text, &end, 10);
	return end == text || n < 0 || n > INT_MAX ? -1 : (int)n;
}

/* The last number of "NSpid: 4000 17 1" is the innermost one's. */
static void namespaces(struct status *s, const char *text)
{
	char *end;

	for (;; text = end) {
		long n = strtol(text, &end, 10);

		if (end == text)
			return;
		s->inner = (pid_t)n;
		s->depth++;
	}
}

static void status_line(struct status *s, const char *line)
{
	const char *v = strchr(line, ':');
	size_t key = v ? (size_t)(v - line) : 0;

	if (!v)
		return;
	v += 1 + strspn(v + 1, " \t");
#define IS(name) (key == sizeof(name) - 1 && !memcmp(line, name, key))
	if (IS("Name"))
		snprintf(s->name, sizeof(s->name), "%.*s", (int)strcspn(v, "\n"), v);
	else if (IS("State"))
		s->state = *v;
	else if (IS("Tgid"))
		s->tgid = atoi(v);
	else if (IS("Pid"))
		s->pid = atoi(v);
	else if (IS("PPid"))
		s->ppid = atoi(v);
	else if (IS("TracerPid"))
		s->tracer = atoi(v);
	else if (IS("Uid"))
		sscanf(v, "%u %u %u %u", &s->uid[0], &s->uid[1], &s->uid[2], &s->uid[3]);
	else if (IS("Gid"))
		sscanf(v, "%u %u %u %u", &s->gid[0], &s->gid[1], &s->gid[2], &s->gid[3]);
	else if (IS("NSpid"))
		namespaces(s, v);
	else if (IS("Threads"))
		s->threads = (unsigned)strtoul(v, NULL, 10);
	else if (IS("CapPrm"))
		s->permitted = strtoull(v, NULL, 16);
	else if (IS("CapEff"))
		s->effective = strtoull(v, NULL, 16);
	else if (IS("NoNewPrivs"))
		s->no_new_privs = (unsigned)strtoul(v, NULL, 10);
	else if (IS("Seccomp"))
		s->seccomp = (unsigned)strtoul(v, NULL, 10);
	else if (IS("Seccomp_filters"))
		s->filters = (unsigned)strtoul(v, NULL, 10);
#undef IS
}

int status_read(struct status *out, const char *fmt, ...)
{
	_fclose_ FILE *f = NULL;
	_free_ char *line = NULL; /* "Groups:" may be of any length */
	char path[PATH_MAX];
	size_t cap = 0;
	va_list ap;

	va_start(ap, fmt);
	path_of(path, sizeof(path), fmt, ap);
	va_end(ap);
	memset(out, 0, sizeof(*out));
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (getline(&line, &cap, f) > 0)
		status_line(out, line);
	return out->pid && out->state ? 0 : -ESRCH; /* it ended as we read */
}

bool status_has(const struct status *s, unsigned cap)
{
	return s->effective >> cap & 1;
}

/* -- a fact's words ------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 4, 0)))
say(struct fact *f, enum fact_state state, int err, const char *fmt, va_list ap)
{
	f->state = state;
	f->err = err;
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	return true;
}

bool fact_ok(struct fact *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, FACT_OK, 0, fmt, ap);
	va_end(ap);
	return true;
}

bool fact_warn(struct fact *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, FACT_WARN, 0, fmt, ap);
	va_end(ap);
	return true;
}

bool fact_bad(struct fact *f, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(f, FACT_BAD, err, fmt, ap);
	va_end(ap);
	return true;
}

bool fact_remedy(struct fact *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->remedy, sizeof(f->remedy), fmt, ap);
	va_end(ap);
	return true;
}

/* -- a look at the process -------------------------------------------------------------------- */

/* As many filters as we have are then the container's, of both of us: ctl/filter.c. */
static bool in_our_container(const struct view *v)
{
	char ours[64], its[64];

	admit_link(ours, sizeof(ours), "%s/self/ns/pid", v->w->proc);
	admit_link(its, sizeof(its), "%s/%d/ns/pid", v->w->proc, v->pid);
	return *ours && !strcmp(ours, its) && strcmp(ours, "pid:[4026531836]") != 0;
}

/* Every thread: one that lives (the first may have ended), and one that somebody traces. */
static void look_at_tasks(struct view *v)
{
	char path[PATH_MAX];
	struct dirent *e;
	bool found = false, as_we = in_our_container(v);
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%d/task", v->w->proc, v->pid);
	snprintf(v->task, sizeof(v->task), "%s/%d", v->w->proc, v->pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		struct status s;

		if (tid <= 0 || status_read(&s, "%s/%d/status", path, tid) < 0 ||
		    strchr("ZX", s.state))
			continue;
		if (!found)
			snprintf(v->task, sizeof(v->task), "%s/%d/task/%d", v->w->proc, v->pid,
				 tid);
		found = true;
		v->tasks++;
		v->filtered += s.seccomp && !(as_we && s.seccomp == v->self.seccomp &&
					      s.filters == v->self.filters && s.filters);
		v->strict += s.seccomp == 1;
		if (s.tracer && !v->tracer) {
			v->traced = tid;
			v->tracer = s.tracer;
		}
	}
	if (dir)
		closedir(dir);
	if (v->st.tracer && !v->tracer) {
		v->traced = v->pid;
		v->tracer = v->st.tracer;
	}
	v->ends |= !found && strchr("ZX", v->st.state);
}

static unsigned kernel_flags(const struct view *v)
{
	char text[1024], *at;
	unsigned flags = 0;

	if (admit_read(text, sizeof(text), "%s/%d/stat", v->w->proc, v->pid) <= 0)
		return 0;
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (at)
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %u", &flags);
	return flags;
}

static int ask_access(const struct view *v)
{
	char path[PATH_MAX + 8];
	_close_ int fd = -1;

	if (v->w->access != 1)
		return v->w->access;
	snprintf(path, sizeof(path), "%s/mem", v->task);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd >= 0 ? 0 : errno == EACCES ? -EPERM : -errno;
}

static void view_init(struct view *v, const struct admit_world *w, pid_t pid)
{
	memset(v, 0, sizeof(*v));
	v->w = w;
	v->pid = pid;
	status_read(&v->self, "%s/self/status", w->proc);
	admit_link(v->our_userns, sizeof(v->our_userns), "%s/self/ns/user", w->proc);
	if (w->probe)
		v->probe = *w->probe;
	else
		admit_try(&v->probe);
	if (!pid)
		return;
	v->there = pid > 0 && status_read(&v->st, "%s/%d/status", w->proc, pid) == 0;
	v->ends = !v->there || v->st.tgid != pid;
	if (v->ends)
		return;
	v->kflags = kernel_flags(v);
	look_at_tasks(v);
	v->ends |= (v->kflags & PF_KTHREAD) || pid == v->self.tgid;
	if (v->ends)
		return;
	v->access = ask_access(v);
	program_read(v);
	/* it was killed meanwhile: nothing is mapped there any more */
	v->ends |= !*v->prog.libc && (kernel_flags(v) & PF_EXITING);
}

/* -- what it is ------------------------------------------------------------------------------- */

static bool fact_process(struct view *v, struct fact *f)
{
	const struct status *s = &v->st;

	if (!v->there) {
		/* where /proc is mounted with hidepid, others' processes are not seen */
		if (v->w->access == 1 && v->pid > 0 && kill(v->pid, 0) < 0 && errno == EPERM) {
			fact_bad(f, -EPERM, "process %d is another user's, and /proc hides it",
				 v->pid);
			return fact_remedy(f, "run utramp as that user or as root");
		}
		fact_bad(f, -ESRCH, "there is no process %d", v->pid);
		return fact_remedy(f, "it may have ended: look with ps or pgrep");
	}
	if (s->tgid != v->pid) {
		fact_bad(f, -ESRCH, "%d is a thread of process %d", v->pid, s->tgid);
		return fact_remedy(f, "give the process: -p %d", s->tgid);
	}
	if (v->pid == v->self.tgid) {
		fact_bad(f, -ENOTSUP, "process %d is the one that asks", v->pid);
		return fact_remedy(f, "a program traces itself by utramp_target__self()");
	}
	if (v->kflags & PF_KTHREAD) {
		fact_bad(f, -ENOTSUP,
			 "process %d (%s) is a kernel thread, it has no functions of "
			 "user space",
			 v->pid, s->name);
		return fact_remedy(f, "the kernel's own functions are traced by bpftrace or perf");
	}
	if (v->ends) {
		fact_bad(f, -ESRCH, "process %d (%s) has ended, its parent %d has not collected it",
			 v->pid, s->name, s->ppid);
		return fact_remedy(f, "there is nothing left to attach to");
	}
	return fact_ok(f, "process %d (%s), %u thread%s", v->pid, s->name, s->threads,
		       s->threads == 1 ? "" : "s");
}

/* Then /proc shows its memory and files by no name that we use. */
static bool fact_first_thread(struct view *v, struct fact *f)
{
	if (!strchr("ZX", v->st.state))
		return false;
	fact_bad(
		f, -ENOTSUP,
		"the first thread of process %d has ended, and others go on: by its number neither "
		"memory nor files of it can be reached any more",
		v->pid);
	return fact_remedy(f, "start it under utramp: -- CMD");
}

static bool fact_state(struct view *v, struct fact *f)
{
	switch (v->st.state) {
	case 'T':
		fact_warn(f,
			  "process %d was stopped by a signal, and nothing can be loaded into it "
			  "while it stands",
			  v->pid);
		return fact_remedy(f, "let it go on: kill -CONT %d", v->pid);
	case 'D':
		fact_warn(f, "process %d waits in the kernel and cannot be stopped meanwhile",
			  v->pid);
		return fact_remedy(f, "try again when what it waits for has come");
	default:
		return false;
	}
}

/* A filter cannot be asked what it allows; one that kills would kill the target for our calls. */
static bool fact_seccomp(struct view *v, struct fact *f)
{
	if (v->strict) {
		fact_bad(f, -ENOTSUP,
			 "a thread of process %d runs in seccomp's strict mode, where the kernel "
			 "kills it for reading the processor's clock, as programs do",
			 v->pid);
		return fact_remedy(f, "let it have a filter of its own in its place (mode 2)");
	}
	if (!v->filtered)
		return fact_ok(f, v->st.seccomp ?
					  "the same filter of system calls as ours, a container's" :
					  "no filter of system calls");
	if (v->probe.suspend == 0)
		return fact_ok(f,
			       "%u of %u threads run under seccomp, which is put off while we make "
			       "system calls there",
			       v->filtered, v->tasks);
	if (v->filtered < v->tasks)
		return fact_ok(f,
			       "%u of %u threads run under seccomp: another one makes the system "
			       "calls that attaching needs",
			       v->filtered, v->tasks);
	fact_bad(
		f, -EPERM,
		"process %d runs under seccomp, all of its threads, which may kill it for the system "
		"calls that attaching makes there, and which we cannot put off (%s)",
		v->pid,
		v->probe.suspend == -EINVAL ? "the kernel has no CONFIG_CHECKPOINT_RESTORE" :
		v->self.seccomp             ? "we are under seccomp ourselves" :
					      "that needs CAP_SYS_ADMIN");
	return fact_remedy(f, v->probe.suspend == -EINVAL || v->self.seccomp ?
				      "start it under utramp: -- CMD" :
				      "run utramp as root, or start the program under it: -- CMD");
}

static bool fact_no_new_privs(struct view *v, struct fact *f)
{
	return v->st.no_new_privs && fact_ok(f, "set, which is no obstacle");
}

/* The slabs' files are opened there by the target's own names. */
static bool fact_root(struct view *v, struct fact *f)
{
	char ours[64], theirs[64], root[PATH_MAX];

	if (v->access)
		return false;
	admit_link(ours, sizeof(ours), "%s/self/ns/mnt", v->w->proc);
	admit_link(theirs, sizeof(theirs), "%s/ns/mnt", v->task);
	admit_link(root, sizeof(root), "%s/root", v->task);
	if (*theirs && strcmp(ours, theirs) != 0)
		return fact_ok(f,
			       "it has a mount namespace of its own (a container's): files are "
			       "reached through /proc/%d/root",
			       v->pid);
	if (*root && strcmp(root, "/") != 0)
		return fact_ok(f,
			       "its root directory is %s: files are reached through "
			       "/proc/%d/root",
			       root, v->pid);
	return fact_ok(f, "the same files as ours");
}

static bool fact_init(struct view *v, struct fact *f)
{
	if (v->st.inner != 1)
		return false;
	if (v->st.depth > 1) {
		fact_warn(f,
			  "process %d is init of a PID namespace: when it ends, every process of "
			  "that container is killed",
			  v->pid);
		return fact_remedy(f, "trace the process that does the work, if that is another");
	}
	fact_warn(f, "process %d is the init of this machine, which stops when it ends", v->pid);
	return fact_remedy(f, "trace the process that does the work, if that is another");
}

/* -- the table ------------------------------------------------------------------------------- */

enum {
	HOST = 1,     /* a line of the machine; else of the process */
	OBSTACLE = 2, /* asked before attaching; others hinder elsewhere, or never */
	ALWAYS = 4,   /* there is a line though nothing runs */
};

static const struct {
	const char *what;
	fact_fn look;
	unsigned flags;
} table[] = {
	{ "kernel", host_kernel, HOST },
	{ "/proc", host_proc, HOST | OBSTACLE },
	{ "system calls", host_calls, HOST },
	{ "tracing", host_tracing, HOST },
	{ "ptrace scope", host_scope, HOST },
	{ "capabilities", host_capability, HOST },
	{ "seccomp", host_seccomp, HOST },
	{ "security modules", host_module, HOST },
	{ "user namespace", host_userns, HOST },
	{ "glibc", host_libc, HOST },
	{ "slab files", host_slabs, HOST },
	{ "process", fact_process, OBSTACLE | ALWAYS },
	{ "first thread", fact_first_thread, OBSTACLE },
	{ "state", fact_state, 0 },
	{ "tracer", fact_tracer, OBSTACLE },
	/* from here to "access" in the order of the kernel's checks */
	{ "owner", fact_owner, OBSTACLE },
	{ "dumpable", fact_dumpable, OBSTACLE },
	{ "user namespace", fact_userns, OBSTACLE },
	{ "capabilities", fact_capabilities, OBSTACLE },
	{ "ptrace scope", fact_scope, OBSTACLE },
	{ "security module", fact_module, OBSTACLE },
	{ "access", fact_access, OBSTACLE },
	{ "program", fact_program, OBSTACLE },
	{ "libc", fact_libc, OBSTACLE },
	{ "seccomp", fact_seccomp, OBSTACLE },
	{ "code", host_writes, HOST | OBSTACLE },
	{ "no_new_privs", fact_no_new_privs, 0 },
	{ "files", fact_root, 0 },
	{ "PID namespace", fact_init, 0 },
};

/* Does row i say something? */
static bool ask(struct view *v, size_t i, struct fact *f)
{
	bool of_process = !(table[i].flags & HOST);

	memset(f, 0, sizeof(*f));
	f->what = table[i].what;
	if (of_process && (!v->pid || (v->ends && !(table[i].flags & ALWAYS))))
		return false;
	return table[i].look(v, f);
}

static int first_obstacle(struct view *v, struct diag *d)
{
	struct fact f;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!(table[i].flags & OBSTACLE) || !ask(v, i, &f) || f.state != FACT_BAD)
			continue;
		return diag_set(d, f.err, "%s%s%s", f.text, *f.remedy ? "; " : "", f.remedy);
	}
	return 0;
}

int admit_check(const struct admit_world *w, pid_t pid, struct diag *d)
{
	_free_ struct view *v = malloc(sizeof(*v));

	if (!v)
		return diag_set(d, -ENOMEM, "no memory to look at process %d", pid);
	if (!pid) /* the machine alone, to a view */
		pid = -1;
	view_init(v, w, pid);
	return first_obstacle(v, d);
}

int process_admit(pid_t pid, struct diag *d)
{
	return admit_check(&admit_real, pid, d);
}

int process_admit_why(pid_t pid, int err, struct diag *d)
{
	struct admit_world w = admit_real;
	int why;

	if (err == -EPERM || err == -EACCES)
		w.access = -EPERM;
	why = admit_check(&w, pid, d);
	return why ? why : diag_set(d, err, "process %d: %s", pid, strerror(-err));
}

int admit_show(const struct admit_world *w, pid_t pid, admit_fn fn, void *ctx)
{
	_free_ struct view *v = malloc(sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	if (v)
		view_init(v, w, pid);
	for (unsigned host = HOST; !r; host = 0) {
		for (size_t i = 0; i < ARRAY_LEN(table) && !r; i++) {
			struct fact f;

			if ((table[i].flags & HOST) == host && ask(v, i, &f))
				r = fn(ctx, &f, !host);
		}
		if (!host)
			break;
	}
	return r;
}
