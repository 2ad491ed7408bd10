/*
 * ctl/command.c - find what a command name stands for, and whether we may start it.
 *
 * The lookup is that of a POSIX shell (XCU 2.9.1.4): a name with a slash is a path, others
 * are searched in PATH, an empty element being the current directory.
 *
 * Context  [ctl]
 * Spec     execve(2) "Interpreter scripts"; security/commoncap.c for when ids change
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum {
	SCRIPT_DEPTH = 5, /* execve(2) follows as many interpreters of interpreters */
	SCRIPT_LINE = 256,
};

/* 0, or why execve(2) would refuse this path. */
static int path_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return -errno;
	return 0;
}

static int find_in_path(const char *name, char *path, size_t n, struct diag *d)
{
	const char *dirs = getenv("PATH");
	int worst = -ENOENT;

	if (!dirs)
		dirs = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(dirs, ":");
		int put = snprintf(path, n, "%.*s%s%s", (int)len, dirs, len ? "/" : "./", name);
		int err = put < 0 || (size_t)put >= n ? -ENAMETOOLONG : path_executable(path);

		if (!err)
			return 0;
		if (err == -EACCES)
			worst = -EACCES;
		if (!dirs[len])
			break;
		dirs += len + 1;
	}
	if (worst == -EACCES)
		return diag_set(d, worst, "%s: permission denied", name);
	return diag_set(d, -ENOENT, "%s: command not found", name);
}

int command_find(const char *name, char *path, size_t n, struct diag *d)
{
	int err;

	if (!*name)
		return diag_set(d, -ENOENT, "the command's name is empty");
	if (!strchr(name, '/'))
		return find_in_path(name, path, n, d);
	if (strlen(name) >= n)
		return diag_set(d, -ENOENT, "%.64s...: file name too long", name);
	err = path_executable(name);
	if (err == -EISDIR)
		return diag_set(d, -EACCES, "%s: is a directory", name);
	if (err == -ENOENT || err == -ENOTDIR)
		return diag_set(d, -ENOENT, "%s: %s", name, strerror(-err));
	if (err)
		return diag_set(d, -EACCES, "%s: %s", name, strerror(-err));
	strcpy(path, name);
	return 0;
}

/* The interpreter that a "#!" line names, or false: not a script. */
static bool script_interpreter(const char *path, char *interp, size_t n)
{
	char line[SCRIPT_LINE + 1];
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : pread(fd, line, SCRIPT_LINE, 0);
	size_t from, len;

	if (got < 3 || line[0] != '#' || line[1] != '!')
		return false;
	line[got] = '\0';
	from = 2 + strspn(line + 2, " \t");
	len = strcspn(line + from, " \t\n");
	if (len == 0 || len >= n)
		return false;
	memcpy(interp, line + from, len);
	interp[len] = '\0';
	return true;
}

/*
 * A tracer without privileges makes the kernel drop the new ids silently, so that AT_SECURE
 * after the exec does not tell: this has to be seen before.
 */
static int check_one(const char *path, struct diag *d)
{
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0)
		return 0; /* execve(2) will say it */
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
	    (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOSUID))
		return 0;
	if (st.st_mode & S_ISUID && st.st_uid != getuid())
		return diag_set(d, -EPERM,
				"%s is set-user-ID (uid %u): the loader takes no library into it; "
				"run it as that user",
				path, st.st_uid);
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != getgid())
		return diag_set(d, -EPERM,
				"%s is set-group-ID (gid %u): the loader takes no library into it; "
				"run it as that group",
				path, st.st_gid);
	if (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0)
		return diag_set(d, -EPERM,
				"%s has file capabilities: the loader takes no library into it; "
				"run a copy without them, or as root",
				path);
	return 0;
}

int command_check_plain(const char *path, char *program, struct diag *d)
{
	char interp[SCRIPT_LINE];
	int err;

	if (strlen(path) >= PATH_MAX)
		return diag_set(d, -ENOENT, "%.64s...: file name too long", path);
	strcpy(program, path);
	for (int depth = 0; depth < SCRIPT_DEPTH; depth++) {
		if (!script_interpreter(program, interp, sizeof(interp)))
			return check_one(program, d);
		err = path_executable(interp);
		if (err)
			return diag_set(d, err == -ENOENT ? -ENOENT : -EACCES,
					"%s: its interpreter %s: %s", program, interp,
					strerror(-err));
		strcpy(program, interp);
	}
	return 0; /* execve(2) gives ELOOP */
}
