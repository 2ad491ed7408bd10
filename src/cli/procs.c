/*
 * cli/procs.c - which processes a name stands for: -n.
 *
 * A process is named by its comm (of 15 bytes at most) or by its executable's file name;
 * '*' and '?' are as in specs.  utramp's own processes, of this run, are none of them.
 *
 * Errors   those of the CLI: told, an exit code
 * Context  [ctl]
 * Spec     proc_pid_comm(5), proc_pid_exe(5): kernel threads and zombies have no executable
 */
#include "cli/cli.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GENERATIONS = 16 }; /* of our own processes, more than there are */

static bool fits(const char *pattern, const char *name)
{
	const char *star = NULL, *from = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			from = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) { /* it takes one byte more */
			pattern = star + 1;
			name = ++from;
		} else {
			return false;
		}
	}
	return pattern[strspn(pattern, "*")] == '\0';
}

static bool read_line(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(out, (int)cap, f);

	if (f)
		fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

static bool is_named(pid_t pid, const char *pattern)
{
	static const char gone[] = " (deleted)";
	char path[64], exe[PATH_MAX], comm[64], *name;
	size_t len;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n < 0 && errno != EACCES)
		return false;
	exe[n > 0 ? n : 0] = '\0';
	len = strlen(exe);
	if (len > strlen(gone) && !strcmp(exe + len - strlen(gone), gone))
		exe[len - strlen(gone)] = '\0';
	name = strrchr(exe, '/');
	if (name && fits(pattern, name + 1))
		return true;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return read_line(path, comm, sizeof(comm)) && fits(pattern, comm);
}

/* -- our own -------------------------------------------------------------------------------- */

static pid_t parent_of(pid_t pid)
{
	char path[64], line[512], *at;
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_line(path, line, sizeof(line)))
		return 0;
	at = strrchr(line, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at + 1, " %*c %d", &ppid) != 1)
		return 0;
	return ppid;
}

static bool runs_our_file(pid_t pid)
{
	struct stat ours, st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, &st) == 0 && stat("/proc/self/exe", &ours) == 0 &&
	       st.st_ino == ours.st_ino && st.st_dev == ours.st_dev;
}

/* The first of a line of parents that all run utramp. */
static pid_t front_of(pid_t pid)
{
	for (int i = 0; i < GENERATIONS; i++) {
		pid_t up = parent_of(pid);

		if (up <= 1 || !runs_our_file(up))
			break;
		pid = up;
	}
	return pid;
}

static bool is_ours(pid_t pid, pid_t front)
{
	return runs_our_file(pid) && front_of(pid) == front;
}

/* -- the list ------------------------------------------------------------------------------- */

static bool has(const struct cli *c, pid_t pid)
{
	for (int i = 0; i < c->npid; i++) {
		if (c->pid[i] == pid)
			return true;
	}
	return false;
}

/* How many; one that was named before counts, too.  -1: too many. */
static int add_named(struct cli *c, const char *pattern, DIR *dir, pid_t front)
{
	struct dirent *e;
	int found = 0;

	rewinddir(dir);
	while ((e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 0 || !is_named(pid, pattern) || is_ours(pid, front))
			continue;
		found++;
		if (has(c, pid))
			continue;
		if (c->npid == CLI_MAX)
			return -1;
		c->by_name[c->npid] = true;
		c->pid[c->npid++] = pid;
	}
	return found;
}

/* -p twice is one process. */
static void drop_doubles(struct cli *c)
{
	int n = c->npid;

	c->npid = 0;
	for (int i = 0; i < n; i++) {
		if (!has(c, c->pid[i]))
			c->pid[c->npid++] = c->pid[i];
	}
}

int cli_find_processes(struct cli *c)
{
	DIR *dir = c->ncomm ? opendir("/proc") : NULL;
	pid_t front = front_of(getpid());
	int code = 0;

	drop_doubles(c);
	if (c->ncomm && !dir) {
		cli_error("/proc: %s", strerror(errno));
		return EXIT_RUNTIME;
	}
	for (int i = 0; i < c->ncomm && !code; i++) {
		int n = add_named(c, c->comm[i], dir, front);

		if (n < 0) {
			cli_error("%s: more than %d processes are named %s", c->verb, CLI_MAX,
				  c->comm[i]);
			code = EXIT_USAGE;
		} else if (!n) {
			cli_error("no process is named %s", c->comm[i]);
			code = EXIT_NO_MATCH;
		}
	}
	if (dir)
		closedir(dir);
	return code;
}
