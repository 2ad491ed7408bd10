/*
 * ctl/stale.c - what programs leave that were killed before they had a journal: directories for slab
 * files, and journals that have not begun.
 *
 * A command's process is there only behind them, and a journal only behind that, so a program
 * killed in between leaves an empty directory that no journal names.  While its program lives it is
 * locked (flock(2)), for no longer than that: slab.c make_named().
 *
 * Context  [ctl]
 */
#include "base/cleanup.h"
#include "ctl/undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define YOUNG_S 2 /* it may not be locked yet */

static bool is_named(const char *name)
{
	return !strncmp(name, "utramp-", 7) && strlen(name) == 13;
}

/* Of ours, and no program's that lives. */
static bool is_stale(int base, const char *name)
{
	_close_ int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() &&
	       time(NULL) - st.st_mtime >= YOUNG_S && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

static void look_in(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *e;

	while (dir && (e = readdir(dir))) {
		if (is_named(e->d_name) && is_stale(dirfd(dir), e->d_name))
			unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR); /* an empty one */
	}
	if (dir)
		closedir(dir);
}

bool journal_remove_unborn(const struct journal_file *f)
{
	uint64_t magic = 0;
	struct stat st;

	if (fstat(f->fd, &st) < 0 || st.st_uid != geteuid() || time(NULL) - st.st_mtime < YOUNG_S ||
	    pread(f->fd, &magic, sizeof(magic), 0) < 0 || magic ||
	    flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	journal_remove(f);
	return true;
}

void slab_remove_stale(void)
{
	const char *const own = getenv("XDG_RUNTIME_DIR");

	if (own && *own == '/')
		look_in(own);
	look_in("/tmp");
	look_in("/dev/shm");
	look_in("/var/tmp");
}
