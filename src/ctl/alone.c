/*
 * ctl/alone.c - does another process run in the memory of this one?  See scan.h.
 *
 * clone(CLONE_VM) without CLONE_THREAD makes one, which our stop does not reach.  (One made by
 * vfork() keeps its parent from stopping, so process_stop() says it.)  kcmp(2) compares address
 * spaces; where it may not, the sizes of the two tell, which /proc shows to everybody: of one
 * address space they are equal.  The stopped process makes no further one meanwhile.
 *
 * Context  [ctl]
 * Spec     clone(2), kcmp(2), proc_pid_statm(5)
 */
#include "base/cleanup.h"
#include "ctl/scan.h"

#include <dirent.h>
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In pages; 0: it is gone, or has none. */
static unsigned long size_of(pid_t pid)
{
	_fclose_ FILE *f = NULL;
	unsigned long pages = 0;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	return pages;
}

static bool shares(pid_t pid, pid_t other)
{
	unsigned long pages;
	long r = syscall(SYS_kcmp, pid, other, KCMP_VM, 0, 0);

	if (r >= 0)
		return r == 0;
	if (errno == ESRCH)
		return false;
	pages = size_of(other);
	return pages && pages == size_of(pid);
}

int process_alone(const struct process *p, struct diag *d)
{
	pid_t between =
		p->self ? getppid() : 0; /* ctl/aside.h: it waits for us, and does no more */
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	int err = 0;

	if (!dir)
		return diag_set(d, -errno, "/proc cannot be read");
	while (!err && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && pid != p->pid && pid != getpid() && pid != between &&
		    shares(p->pid, pid))
			err = diag_set(d, -EBUSY, "process %d may run in its memory", (int)pid);
	}
	closedir(dir);
	return err;
}
