/*
 * ctl/journal_file.c - where journals are: directories, locks, and whose process one is about.
 *
 * Directories are somebody's only if nobody else can write there.  Root looks into those of
 * all users, and does to a process only what the journal's owner may have done to it.
 *
 * Context  [ctl]
 * Spec     proc(5) /proc/PID/stat; flock(2)
 */
#include "ctl/journal.h"

#include "base/cleanup.h"
#include "ctl/journal_priv.h"
#include "ctl/priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_NUMBER = 10000, TRIES = 16 };

/* -- directories ---------------------------------------------------------------------------- */

static bool is_ours(const char *dir)
{
	struct stat st;

	return lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* The i-th place for journals of ours; false: there is none such. */
static bool own_dir(int i, char *dir, size_t n)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	dir[0] = '\0';
	if (i == 0 && run && run[0] == '/' && strlen(run) < 150 && is_ours(run))
		snprintf(dir, n, "%s/utramp", run);
	if (i == 1 && geteuid() == 0)
		snprintf(dir, n, "/run/utramp");
	if (i == 2)
		snprintf(dir, n, "/tmp/utramp-%u", (unsigned)geteuid());
	return dir[0];
}

/* One that is its owner's alone; to look into, root takes everybody's. */
static int open_dir(const char *dir, bool writes)
{
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_uid != geteuid() && (writes || geteuid() != 0)) || st.st_mode & 077)
		return -EPERM;
	return TAKE_FD(fd);
}

static int new_file_in(const char *dir, int pid, char *path, size_t n)
{
	_close_ int at = -1;

	for (int i = 0; i < TRIES; i++) { /* somebody may remove it while it is empty */
		if (mkdir(dir, 0700) < 0 && errno != EEXIST)
			return -errno;
		at = open_dir(dir, true);
		if (at != -ENOENT)
			break;
	}
	if (at < 0)
		return at;
	for (unsigned k = 1; k < MAX_NUMBER; k++) {
		char name[40];
		int fd;

		snprintf(name, sizeof(name), "%d.%u", pid, k);
		fd = openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		snprintf(path, n, "%s/%s", dir, name);
		return fd < 0 ? -errno : fd;
	}
	return -EMFILE;
}

int journal_new_file(int pid, char *path, size_t n, struct diag *d)
{
	char dir[192];
	int fd = -EROFS;

	diag_set(d, 0, "no directory for a note of how to undo what is changed");
	for (int i = 0; i < 3; i++) {
		if (!own_dir(i, dir, sizeof(dir)))
			continue;
		for (int k = 0; k < TRIES; k++) {
			fd = new_file_in(dir, pid, path, n);
			if (fd != -ENOENT)
				break;
		}
		if (fd >= 0)
			return fd;
		diag_add(d, "%s: %s", dir, fd == -EPERM ? "others may write there" : strerror(-fd));
	}
	return fd;
}

void journal_remove_path(const char *path)
{
	char dir[PATH_MAX + sizeof(JOURNAL_SOCKET)], *slash;

	unlink(path);
	snprintf(dir, sizeof(dir), "%s%s", path, JOURNAL_SOCKET);
	unlink(dir);
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	rmdir(dir);
}

/* -- all of them ------------------------------------------------------------------------------ */

typedef int each_fn(void *ctx, const struct journal_file *f, struct journal_view *v);

static bool is_journal_name(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n && name[n] == '.' && name[n + 1] &&
	       !name[n + 1 + strspn(name + n + 1, "0123456789")] &&
	       strlen(name) < sizeof(((struct journal_file *)0)->name);
}

static int each_in(const char *dir, each_fn *fn, void *ctx)
{
	struct journal_file f = { .dir = open_dir(dir, false) };
	DIR *list = f.dir < 0 ? NULL : fdopendir(dup(f.dir));
	struct dirent *e;
	int r = 0;

	snprintf(f.dir_name, sizeof(f.dir_name), "%s", dir);
	while (list && !r && (e = readdir(list))) {
		struct journal_view v = { 0 };

		if (!is_journal_name(e->d_name))
			continue;
		snprintf(f.name, sizeof(f.name), "%s", e->d_name);
		f.fd = openat(f.dir, f.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (f.fd < 0)
			continue;
		if (journal_read(f.fd, &v, NULL) < 0)
			v.head = (struct journal_head){ 0 };
		r = fn(ctx, &f, &v);
		journal_view_fini(&v);
		close(f.fd);
	}
	if (list)
		closedir(list);
	if (f.dir >= 0)
		close(f.dir);
	return r;
}

/* Root: those of all users, but its own, which were looked at. */
static int each_of_others(each_fn *fn, void *ctx)
{
	static const char *const where[] = { "/run/user/*/utramp", "/tmp/utramp-*" };
	char own[192], dir[3][192];
	int r = 0;

	for (int i = 0; i < 3; i++)
		own_dir(i, dir[i], sizeof(dir[i]));
	for (size_t i = 0; i < ARRAY_LEN(where) && !r; i++) {
		glob_t g;

		if (glob(where[i], GLOB_NOSORT, NULL, &g))
			continue;
		for (size_t k = 0; k < g.gl_pathc && !r; k++) {
			bool seen = false;

			snprintf(own, sizeof(own), "%s", g.gl_pathv[k]);
			for (int n = 0; n < 3; n++)
				seen |= !strcmp(own, dir[n]);
			r = seen ? 0 : each_in(own, fn, ctx);
		}
		globfree(&g);
	}
	return r;
}

int journal_each(each_fn *fn, void *ctx)
{
	char dir[192];
	int r = 0;

	for (int i = 0; i < 3 && !r; i++) {
		if (own_dir(i, dir, sizeof(dir)))
			r = each_in(dir, fn, ctx);
	}
	return r || geteuid() != 0 ? r : each_of_others(fn, ctx);
}

int journal_lock(const struct journal_file *f, int timeout_ms)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	struct stat st;

	for (int ms = 0; flock(f->fd, LOCK_EX | LOCK_NB) < 0; ms += 10) {
		if (errno != EINTR && errno != EWOULDBLOCK)
			return -errno;
		if (ms >= timeout_ms)
			return -EBUSY;
		nanosleep(&nap, NULL);
	}
	return fstat(f->fd, &st) == 0 && st.st_nlink > 0;
}

void journal_remove(const struct journal_file *f)
{
	char name[sizeof(f->name) + sizeof(JOURNAL_SOCKET)];

	unlinkat(f->dir, f->name, 0);
	snprintf(name, sizeof(name), "%s%s", f->name, JOURNAL_SOCKET);
	unlinkat(f->dir, name, 0);
	rmdir(f->dir_name);
}

/*
 * As slab_choose_paths() and slab_write() call them: anything else is not ours to remove.  Root's
 * may have been given to the user of the process.
 */
static bool is_slab_dir(const char *dir)
{
	const char *base = strrchr(dir, '/');

	return dir[0] == '/' && base && !strncmp(base, "/utramp-", 8) && strlen(base) == 14;
}

void journal_remove_slabs(const struct journal_view *v)
{
	const char *const names[] = { "slab-exe.so", "slab-lib.so", slab_gone_name[SLAB_EXE],
				      slab_gone_name[SLAB_LIB] };
	const char *dir = v->head.dir;
	_close_ int at = -1;
	struct stat st;

	/* by the root of a process that now is another: they are left to whoever cleans up there */
	if (!is_slab_dir(dir) || (!strncmp(dir, "/proc/", 6) && journal_where(v) != JOURNAL_HERE))
		return;
	at = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0 || fstat(at, &st) < 0 || (v->owner && st.st_uid != v->owner))
		return;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlinkat(at, names[i], 0);
	rmdir(dir);
}

/* -- processes ---------------------------------------------------------------------------------- */

/* Of /proc/[PID/task/]TID/stat: the state, and field 22. */
static char read_stat(const char *path, uint64_t *start)
{
	char text[1024], *end, state = 0;
	unsigned long long at = 0;
	_fclose_ FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	end = strrchr(text, ')'); /* the command's name may hold anything */
	if (!end || sscanf(end + 1,
			   " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			   "%*d %*d %llu",
			   &state, &at) != 2)
		return 0;
	*start = at;
	return state;
}

uint64_t journal_start_time(pid_t pid, bool zombie)
{
	char path[48], state;
	uint64_t start;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	state = read_stat(path, &start);
	return !state || (!zombie && (state == 'Z' || state == 'X')) ? 0 : start;
}

pid_t journal_living_thread(pid_t pid)
{
	char path[64];
	struct dirent *e;
	pid_t found = 0;
	uint64_t start;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && !found && (e = readdir(dir))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
		char state;

		if (tid <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
		state = read_stat(path, &start);
		if (state && state != 'Z' && state != 'X')
			found = tid;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* By a file there: the folder itself is its user's also where the kernel lets that do nothing. */
static bool is_of(pid_t pid, pid_t tid, uint32_t owner)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	return stat(path, &st) == 0 && (!owner || st.st_uid == owner);
}

/* A tool of somebody else than the journal's owner is none that wrote it. */
bool journal_is_live(const struct journal_view *v)
{
	return journal_where(v) == JOURNAL_HERE && v->head.tool > 0 &&
	       is_of(v->head.tool, v->head.tool, v->owner) && v->head.tool_start &&
	       journal_start_time(v->head.tool, false) == v->head.tool_start;
}

bool journal_has_process(const struct journal_view *v)
{
	const struct journal_head *h = &v->head;
	bool here = journal_where(v) == JOURNAL_HERE;
	pid_t tid = here && h->pid > 0 ? journal_living_thread(h->pid) : 0;
	struct stat st;
	char path[64];

	if (!tid || !h->pid_start || journal_start_time(h->pid, true) != h->pid_start)
		return false;
	if (!is_of(h->pid, tid, v->owner))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/exe", h->pid, tid);
	return stat(path, &st) == 0 && st.st_dev == h->exe_dev && st.st_ino == h->exe_ino;
}
