/*
 * ctl/journal_place.c - where a journal's numbers are true: this boot of the machine, this PID namespace.
 *
 * A pid means a process only in the namespace that gave it, and a start time only against one
 * boot and one time namespace.  Directories are shared by more than that: /run/utramp may be a
 * container's too, and /tmp outlive a boot.
 *
 * A namespace's number may be given to a later one.  No harm: whoever has the pid there began after
 * the first had ended, so the start times differ.
 *
 * Errors   what cannot be read counts as the same
 * Memory   none is kept
 * Context  [ctl]
 * Spec     pid_namespaces(7), time_namespaces(7), namespaces(7) "The /proc/pid/ns/ directory";
 *          random(4) boot_id; include/linux/proc_ns.h PROC_PID_INIT_INO
 */
#include "ctl/journal.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PID_NS_INITIAL 0xeffffffcull

static uint64_t namespace_of(const char *name)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

void journal_here(struct journal_place *p)
{
	_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	*p = (struct journal_place){ .pid_ns = namespace_of("pid"),
				     .time_ns = namespace_of("time") };
	if (fd >= 0 && read(fd, p->boot, sizeof(p->boot)) != (ssize_t)sizeof(p->boot))
		memset(p->boot, 0, sizeof(p->boot));
}

static bool differ(uint64_t a, uint64_t b)
{
	return a && b && a != b;
}

enum journal_where journal_where(const struct journal_view *v)
{
	const struct journal_place *then = &v->head.place;
	struct journal_place now;

	journal_here(&now);
	if (*then->boot && *now.boot && memcmp(then->boot, now.boot, sizeof(now.boot)) != 0)
		return JOURNAL_OTHER_BOOT;
	return differ(then->pid_ns, now.pid_ns) || differ(then->time_ns, now.time_ns) ?
		       JOURNAL_ELSEWHERE :
		       JOURNAL_HERE;
}

/* "NSpid: 4711": it has one number only, ours, and so is in our namespace. */
static bool is_of_ours(pid_t pid)
{
	char path[48], line[256], *end;
	_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6) != 0)
			continue;
		strtol(line + 6, &end, 10);
		return end[strspn(end, " \t\n")] == '\0';
	}
	return false;
}

/* 1: it is in it; 0: in another; -1: not known. */
static int is_in(pid_t pid, uint64_t pid_ns)
{
	char path[48];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)pid);
	if (stat(path, &st) == 0)
		return st.st_ino == pid_ns;
	/* it has ended meanwhile; or we may not look, as at init under some sandboxes */
	if (errno == ENOENT || errno == ESRCH || is_of_ours(pid))
		return 0;
	return -1;
}

pid_t journal_someone(const struct journal_view *v, bool *nobody)
{
	bool all = namespace_of("pid") == PID_NS_INITIAL; /* from there all processes are seen */
	pid_t found = 0;
	struct dirent *e;
	DIR *dir = opendir("/proc");

	while (dir && !found && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		int in = pid > 0 ? is_in(pid, v->head.place.pid_ns) : 0;

		found = in > 0 ? pid : 0;
		all &= in >= 0;
	}
	*nobody = dir && all && !found;
	if (dir)
		closedir(dir);
	return found;
}
