/*
 * ctl/admit_host.c - what this machine allows, one line a subject.
 *
 * Context  [ctl]
 * Spec     membarrier(2), pidfd_open(2); fs/proc/base.c proc_mem_foll_force();
 *          kernel/ptrace.c check_ptrace_options()
 */
#include "base/cleanup.h"
#include "ctl/admit_priv.h"
#include "ctl/priv.h"

#include <errno.h>
#include <gnu/libc-version.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

bool host_kernel(struct view *v, struct fact *f)
{
	struct utsname u;

	(void)v;
	if (uname(&u) < 0)
		return fact_warn(f, "uname: %s", strerror(errno));
	if (!strcmp(u.machine, "x86_64"))
		return fact_ok(f, "%s %s %s", u.sysname, u.release, u.machine);
	fact_bad(f, -ENOTSUP, "%s %s on %s", u.sysname, u.release, u.machine);
	return fact_remedy(f, "utramp is for x86-64");
}

/*
 * A /proc of another PID namespace shows other processes under our numbers (pid_namespaces(7)): its
 * link `self` is our number there.  A tree of a test's has a directory instead.
 */
static bool is_other_proc(const char *proc)
{
	char path[PATH_MAX], self[32];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/self", proc);
	len = readlink(path, self, sizeof(self) - 1);
	if (len < 0)
		return errno != EINVAL;
	self[len] = '\0';
	return strtol(self, NULL, 10) != getpid();
}

#define OTHER_PROC \
	"/proc is not mounted, or of another PID namespace, where numbers are other processes'"
#define MOUNT_PROC "mount ours: mount -t proc proc /proc (unshare --mount-proc does)"

int admit_proc(struct diag *d)
{
	return is_other_proc("/proc") ? diag_set(d, -ENOTSUP, OTHER_PROC "; " MOUNT_PROC) : 0;
}

bool host_proc(struct view *v, struct fact *f)
{
	if (!is_other_proc(v->w->proc))
		return false;
	fact_bad(f, -ENOTSUP, OTHER_PROC);
	return fact_remedy(f, MOUNT_PROC);
}

/* What later kernels than any distribution's brought, and sandboxes may lack. */
bool host_calls(struct view *v, struct fact *f)
{
	long barrier = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
	_close_ int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = pidfd < 0 ? -errno : 0;

	if (err) {
		fact_bad(f, err == -EPERM ? -EPERM : -ENOTSUP, "pidfd_open: %s", strerror(-err));
		return fact_remedy(
			f, "Linux 5.3 brings it; a container's seccomp profile may forbid it");
	}
	if (!v->probe.trace && v->probe.sigmask) {
		fact_bad(f, -ENOTSUP, "PTRACE_GETSIGMASK: %s", strerror(-v->probe.sigmask));
		return fact_remedy(f, "Linux 3.11 brings it");
	}
	if (barrier < 0 || !(barrier & MEMBARRIER_CMD_GLOBAL)) {
		fact_warn(f, "pidfd_open, PTRACE_GETSIGMASK, but no membarrier");
		return fact_remedy(
			f, "nohz_full= on the kernel's command line, or a container's seccomp "
			   "profile, takes it away");
	}
	return fact_ok(f, "pidfd_open, PTRACE_GETSIGMASK, membarrier");
}

bool host_tracing(struct view *v, struct fact *f)
{
	int scope = yama_scope(v), err = v->probe.trace;

	if (!err)
		return fact_ok(f, "children of ours can be traced: -- CMD");
	if (v->probe.no_fork) {
		fact_bad(f, err, "no child can be started: %s", strerror(-err));
		return fact_remedy(f,
				   "look at the limits: ulimit -u, pids.max of the control group");
	}
	fact_bad(f, err == -EPERM ? -EPERM : -ENOTSUP, "ptrace of our own child is refused: %s",
		 strerror(-err));
	if (scope >= 2)
		return fact_remedy(f, "kernel.yama.ptrace_scope is %d: see there", scope);
	if (v->self.seccomp)
		return fact_remedy(f, "we run under seccomp (a container's): docker run --cap-add "
				      "SYS_PTRACE, or --security-opt seccomp=unconfined");
	if (v->self.tracer)
		return fact_remedy(f,
				   "we are traced ourselves, by process %d, which may follow our "
				   "children: run utramp without it",
				   v->self.tracer);
	return fact_remedy(f, "a security module may forbid it: see there");
}

static bool we_have(const struct view *v)
{
	return status_has(&v->self, CAP_PTRACE);
}

bool host_scope(struct view *v, struct fact *f)
{
	int scope = yama_scope(v);

	if (scope < 0)
		return fact_ok(f, "no Yama: processes of the same user may be traced");
	if (scope == 0)
		return fact_ok(f, "0: processes of the same user may be traced");
	if (scope < 3 && we_have(v))
		return fact_ok(f, "%d, and we have CAP_SYS_PTRACE", scope);
	if (scope == 1) {
		fact_warn(
			f,
			"1: of running processes, only those that descend from us or permit it by "
			"prctl(PR_SET_PTRACER); a program that traces itself forgets whom it "
			"permitted so");
		return fact_remedy(
			f, "for -p: run utramp as root, or sysctl kernel.yama.ptrace_scope=0");
	}
	if (scope == 2) {
		fact_bad(f, -EPERM, "kernel.yama.ptrace_scope is 2: tracing needs CAP_SYS_PTRACE");
		return fact_remedy(f, "run utramp as root, or sysctl kernel.yama.ptrace_scope=1");
	}
	fact_bad(f, -EPERM, "kernel.yama.ptrace_scope is 3: nobody may trace, root included");
	return fact_remedy(f, "that lasts until the machine is booted with a lower value (look in "
			      "/etc/sysctl.d)");
}

bool host_capability(struct view *v, struct fact *f)
{
	bool initial = !strcmp(v->our_userns, USERNS_INITIAL);

	if (we_have(v))
		return fact_ok(
			f, initial ? "CAP_SYS_PTRACE: every user's processes" :
				     "CAP_SYS_PTRACE, in our user namespace: every process there");
	return fact_ok(f, "no CAP_SYS_PTRACE: processes of user %u, group %u only", v->self.uid[0],
		       v->self.gid[0]);
}

/* proc_mem.force_override=..., as it was booted; the configuration has its own default. */
static void override_word(const struct view *v, char *out, size_t cap)
{
	static const char key[] = "proc_mem.force_override=";
	char line[4096], *at;

	snprintf(out, cap, "the kernel's configuration (PROC_MEM_...)");
	if (admit_read(line, sizeof(line), "%s/cmdline", v->w->proc) <= 0)
		return;
	at = strstr(line, key);
	if (at)
		snprintf(out, cap, "the kernel's command line (%.*s)", (int)strcspn(at, " \n"), at);
}

bool host_writes(struct view *v, struct fact *f)
{
	char word[128];

	if (v->probe.trace || is_other_proc(v->w->proc))
		return false; /* could not be tried */
	if (!v->probe.write && !v->probe.touch)
		return fact_ok(f, "can be written through /proc/PID/mem");
	override_word(v, word, sizeof(word));
	if (!v->probe.write)
		return fact_ok(f, "can be written through /proc/PID/mem while tracing, by %s",
			       word);
	fact_bad(f, -EPERM, "code cannot be written through /proc/PID/mem (%s): forbidden by %s",
		 strerror(-v->probe.write), word);
	return fact_remedy(f, "boot with proc_mem.force_override=ptrace, or =always");
}

/* Only matters with programs that run under a filter. */
bool host_seccomp(struct view *v, struct fact *f)
{
	if (v->probe.trace)
		return false;
	if (!v->probe.suspend)
		return fact_ok(
			f, "filters of other processes can be put off (PTRACE_O_SUSPEND_SECCOMP)");
	fact_warn(f, "filters of other processes cannot be put off: %s",
		  v->probe.suspend == -EINVAL ? "the kernel has no CONFIG_CHECKPOINT_RESTORE" :
		  v->self.seccomp             ? "we run under one ourselves" :
						"no CAP_SYS_ADMIN");
	return fact_remedy(f, "processes under seccomp can be started under utramp (-- CMD), not "
			      "attached to");
}

bool host_module(struct view *v, struct fact *f)
{
	char list[128];
	int selinux = admit_number("%s/fs/selinux/enforce", v->w->sys);

	if (selinux_denies(v)) {
		fact_bad(f, -EPERM, "SELinux forbids ptrace: its boolean deny_ptrace is on");
		return fact_remedy(f, "turn it off: setsebool deny_ptrace off");
	}
	if (admit_read(list, sizeof(list), "%s/kernel/security/lsm", v->w->sys) > 0)
		list[strcspn(list, "\n")] = '\0';
	else
		snprintf(list, sizeof(list), "not known, securityfs is not mounted");
	return fact_ok(f, "%s%s", list,
		       selinux < 0 ? "" :
		       selinux     ? "; SELinux enforces, and does not deny ptrace in general" :
				     "; SELinux is permissive");
}

bool host_userns(struct view *v, struct fact *f)
{
	if (!*v->our_userns)
		return fact_ok(f, "the kernel has none");
	if (!strcmp(v->our_userns, USERNS_INITIAL))
		return fact_ok(f, "the initial one");
	fact_warn(f, "%s, not the initial one (a container's)", v->our_userns);
	return fact_remedy(
		f, "processes outside of it cannot be attached to: run utramp there for them");
}

bool host_libc(struct view *v, struct fact *f)
{
	(void)v;
	return fact_ok(f, "%s", gnu_get_libc_version());
}

/* Chosen as for a command, and removed again. */
bool host_slabs(struct view *v, struct fact *f)
{
	struct process *p = v->w->access == 1 ? process_alloc() : NULL;
	struct diag d = { "" };
	char *slash;

	if (!p)
		return false;
	if (slab_choose_paths(p, NULL, &d) < 0) {
		for (char *c = d.text; (c = strchr(c, '\n'));)
			*c = ';';
		fact_bad(f, -EROFS, "%.600s", d.text);
		fact_remedy(
			f,
			"set XDG_RUNTIME_DIR to a directory of yours that is not mounted noexec");
	} else {
		slash = strrchr(process_priv(p)->dir, '/');
		fact_ok(f, "in %.*s", (int)(slash - process_priv(p)->dir), process_priv(p)->dir);
	}
	process_free(p);
	return true;
}
