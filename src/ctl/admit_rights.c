/*
 * ctl/admit_rights.c - why the kernel lets us trace a process, or does not.
 *
 * The kernel's answer is known (view.access); these look for its reason in the order in which it
 * asks.  A fact is an obstacle only when access was refused: then the first that can be the
 * reason is told.
 *
 * Context  [ctl]
 * Spec     kernel/ptrace.c __ptrace_may_access(), ptrace_attach(); security/commoncap.c
 *          cap_ptrace_access_check(); security/yama/yama_lsm.c; user_namespaces(7), ioctl_ns(2)
 */
#include "base/cleanup.h"
#include "ctl/admit_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define AS_ROOT "run utramp as root (sudo) or with CAP_SYS_PTRACE"

enum { MAX_PARENTS = 32 }; /* user_namespaces(7): they nest so deep */

static bool denied(struct view *v, struct fact *f)
{
	(void)f;
	v->explained = true;
	return true;
}

bool fact_tracer(struct view *v, struct fact *f)
{
	char name[64] = "", thread[32] = "";

	if (!v->tracer)
		return false;
	if (admit_read(name, sizeof(name), "%s/%d/comm", v->w->proc, v->tracer) > 0)
		name[strcspn(name, "\n")] = '\0';
	if (v->traced != v->pid)
		snprintf(thread, sizeof(thread), " (its thread %d)", v->traced);
	if (v->tracer == v->self.pid) {
		fact_bad(f, -EPERM, "process %d%s is traced by this process already", v->pid,
			 thread);
		return fact_remedy(f, "detach from it first");
	}
	fact_bad(f, -EPERM, "process %d%s is traced by %s%sprocess %d", v->pid, thread, name,
		 *name ? ", " : "", v->tracer);
	return fact_remedy(f, "a process has one tracer at most: let that one detach or end");
}

/* Whether ours is the parent, or one further up, of the target's; then is capability there, too. */
static bool is_below_ours(const struct view *v)
{
	char path[PATH_MAX + 16];
	_close_ int fd = -1;
	struct stat ours, st;

	snprintf(path, sizeof(path), "%s/self/ns/user", v->w->proc);
	if (stat(path, &ours) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/ns/user", v->task);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	for (int i = 0; fd >= 0 && i < MAX_PARENTS; i++) {
		int up;

		if (fstat(fd, &st) < 0)
			return false;
		if (st.st_ino == ours.st_ino && st.st_dev == ours.st_dev)
			return true;
		up = ioctl(fd, NS_GET_PARENT); /* EPERM: it is outside of ours */
		close(fd);
		fd = up;
	}
	return false;
}

static void look_at_userns(struct view *v)
{
	if (*v->userns)
		return;
	admit_link(v->userns, sizeof(v->userns), "%s/ns/user", v->task);
	v->same_userns = !strcmp(v->userns, v->our_userns);
	v->over = status_has(&v->self, CAP_PTRACE) &&
		  (v->same_userns || !strcmp(v->our_userns, USERNS_INITIAL) || is_below_ours(v));
}

/* Not known (no permission to see it) counts as the same. */
bool fact_userns(struct view *v, struct fact *f)
{
	look_at_userns(v);
	if (!*v->userns || v->same_userns)
		return false;
	if (!v->access || v->over)
		return fact_ok(f, "it has a user namespace of its own (%s), in which we may trace",
			       v->userns);
	fact_bad(f, -EPERM,
		 "process %d is in another user namespace (%s, ours is %s), in which we "
		 "have no CAP_SYS_PTRACE",
		 v->pid, v->userns, v->our_userns);
	fact_remedy(f, "run utramp there (nsenter -U -t %d), or as root outside", v->pid);
	return denied(v, f);
}

static bool all_equal(const unsigned *id, unsigned ours)
{
	return id[0] == ours && id[1] == ours && id[2] == ours;
}

static bool is_owner(const struct view *v)
{
	return all_equal(v->st.uid, v->self.uid[0]) && all_equal(v->st.gid, v->self.gid[0]);
}

bool fact_owner(struct view *v, struct fact *f)
{
	const struct status *s = &v->st;
	bool same_user = all_equal(s->uid, v->self.uid[0]);

	look_at_userns(v);
	if (is_owner(v))
		return fact_ok(f, "user %u, as we are", s->uid[1]);
	if (!v->access || v->over)
		return fact_ok(f, "user %u, and we have CAP_SYS_PTRACE", s->uid[1]);
	if (same_user)
		fact_bad(f, -EPERM,
			 "process %d has the groups %u, %u, %u (real, effective, saved), "
			 "which are not all our %u",
			 v->pid, s->gid[0], s->gid[1], s->gid[2], v->self.gid[0]);
	else if (s->uid[0] == s->uid[1] && s->uid[1] == s->uid[2])
		fact_bad(f, -EPERM, "process %d is user %u's, and we are user %u", v->pid,
			 s->uid[0], v->self.uid[0]);
	else
		fact_bad(f, -EPERM,
			 "process %d has the users %u, %u, %u (real, effective, saved), "
			 "which are not all our %u",
			 v->pid, s->uid[0], s->uid[1], s->uid[2], v->self.uid[0]);
	fact_remedy(f, AS_ROOT "%s", same_user ? ", or with that group" : ", or as that user");
	return denied(v, f);
}

/*
 * Files in /proc/PID belong to the effective user, or to root if the process is not dumpable; the
 * directory itself is always the user's (fs/proc/base.c task_dump_owner()).  Of root's own
 * processes that cannot be seen.
 */
bool fact_dumpable(struct view *v, struct fact *f)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%d/stat", v->w->proc, v->pid);
	if (!v->st.uid[1] || stat(path, &st) < 0 || st.st_uid == v->st.uid[1])
		return false;
	if (!v->access || v->over)
		return fact_ok(f, "it is not, and we have CAP_SYS_PTRACE");
	fact_bad(
		f, -EPERM,
		"process %d is not dumpable: it runs as user %u, but its files in /proc are root's; so "
		"it is after a set-user-ID or unreadable program was executed, ids "
		"changed, or prctl(PR_SET_DUMPABLE, 0)",
		v->pid, v->st.uid[1]);
	fact_remedy(f, AS_ROOT);
	return denied(v, f);
}

bool fact_capabilities(struct view *v, struct fact *f)
{
	uint64_t more = v->st.permitted & ~v->self.permitted;

	look_at_userns(v);
	if (!more || !is_owner(v))
		return false;
	if (!v->access || v->over)
		return fact_ok(f, "it has some that we have not, but we have CAP_SYS_PTRACE");
	fact_bad(f, -EPERM,
		 "process %d has capabilities that we have not (0x%llx, of "
		 "capabilities(7))",
		 v->pid, (unsigned long long)more);
	fact_remedy(f, AS_ROOT);
	return denied(v, f);
}

/* Are we an ancestor?  The kernel asks the same of the thread groups. */
static bool is_descendant(const struct view *v)
{
	pid_t at = v->st.ppid;

	for (int i = 0; at > 0 && i < 4096; i++) {
		struct status s;

		if (at == v->self.tgid)
			return true;
		if (status_read(&s, "%s/%d/status", v->w->proc, at) < 0)
			return false;
		at = s.ppid;
	}
	return false;
}

int yama_scope(const struct view *v)
{
	return admit_number("%s/sys/kernel/yama/ptrace_scope", v->w->proc);
}

bool admit_must_permit(const struct admit_world *w)
{
	struct status self;

	return admit_number("%s/sys/kernel/yama/ptrace_scope", w->proc) == 1 &&
	       (status_read(&self, "%s/self/status", w->proc) < 0 ||
		!status_has(&self, CAP_PTRACE));
}

bool fact_scope(struct view *v, struct fact *f)
{
	int scope = yama_scope(v);

	look_at_userns(v);
	if (scope <= 0)
		return false;
	if (!v->access)
		return fact_ok(f, "%d, and %s", scope,
			       v->over          ? "we have CAP_SYS_PTRACE" :
			       is_descendant(v) ? "it is a descendant of ours" :
						  "it permits us, by prctl(PR_SET_PTRACER)");
	if (scope == 3) {
		fact_bad(f, -EPERM,
			 "kernel.yama.ptrace_scope is 3: nobody may trace, root included");
		fact_remedy(f, "that lasts until the machine is booted with a lower value (look in "
			       "/etc/sysctl.d)");
		return denied(v, f);
	}
	if (v->over || (scope == 1 && is_descendant(v)))
		return fact_ok(f, "%d, which permits it", scope);
	if (scope == 2)
		fact_bad(f, -EPERM, "kernel.yama.ptrace_scope is 2: tracing needs CAP_SYS_PTRACE");
	else
		fact_bad(f, -EPERM,
			 "kernel.yama.ptrace_scope is 1, and process %d is not a descendant "
			 "of ours",
			 v->pid);
	fact_remedy(f, AS_ROOT "%s, or lower it: sysctl kernel.yama.ptrace_scope=%d",
		    scope == 1 ? ", start the program under it (-- CMD)" : "", scope == 1 ? 0 : 1);
	return denied(v, f);
}

bool selinux_denies(const struct view *v)
{
	/* "current pending" */
	return admit_number("%s/fs/selinux/enforce", v->w->sys) == 1 &&
	       admit_number("%s/fs/selinux/booleans/deny_ptrace", v->w->sys) == 1;
}

/* AppArmor: "NAME (enforce)". */
static bool confined(char *out, size_t cap, const char *dir)
{
	char *mode;

	if (admit_read(out, cap, "%s/attr/current", dir) <= 0)
		return false;
	mode = strstr(out, " (enforce)");
	if (mode)
		*mode = '\0';
	return mode;
}

bool fact_module(struct view *v, struct fact *f)
{
	char profile[160], self[PATH_MAX];

	if (!v->access || v->explained)
		return false;
	snprintf(self, sizeof(self), "%s/self", v->w->proc);
	if (selinux_denies(v)) {
		fact_bad(f, -EPERM, "SELinux forbids ptrace: its boolean deny_ptrace is on");
		fact_remedy(f, "turn it off: setsebool deny_ptrace off");
	} else if (confined(profile, sizeof(profile), self)) {
		fact_bad(f, -EPERM,
			 "AppArmor's profile %s confines utramp, and does not let it trace",
			 profile);
		fact_remedy(f, "run it outside of that profile, or give the profile a ptrace rule");
	} else if (confined(profile, sizeof(profile), v->task)) {
		fact_bad(f, -EPERM,
			 "AppArmor's profile %s confines process %d, and does not let it be "
			 "traced",
			 profile, v->pid);
		fact_remedy(f, "give the profile a ptrace rule, or put it into complain mode "
			       "(aa-complain)");
	} else {
		return false;
	}
	return denied(v, f);
}

bool fact_access(struct view *v, struct fact *f)
{
	char modules[128] = "";

	if (!v->access)
		return fact_ok(f, "the kernel lets us trace it");
	if (v->explained)
		return false;
	if (v->access != -EPERM) {
		fact_bad(f, v->access, "process %d: %s", v->pid, strerror(-v->access));
		return fact_remedy(f, "it may be ending");
	}
	if (admit_read(modules, sizeof(modules), "%s/kernel/security/lsm", v->w->sys) > 0)
		modules[strcspn(modules, "\n")] = '\0';
	fact_bad(f, -EPERM,
		 "the kernel does not let us trace process %d: a tracer that we cannot see, or "
		 "a security module%s%s%s",
		 v->pid, *modules ? " (" : "", modules, *modules ? ")" : "");
	return fact_remedy(
		f, "the kernel's log may tell which: dmesg, journalctl -k, ausearch -m avc");
}
