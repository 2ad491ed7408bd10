/*
 * ctl/journal_keep.c - sessions whose program has let go of its terminal, and what it had to say.
 *
 *   PID.N        the journal.  When the session has ended and nobody has read its output, a file
 *                of that name is made again: a head that says so, and the output behind it
 *   PID.N.sock   a stream socket at which the program listens; it has such a name for each of its
 *                sessions, and is gone with the journal
 *
 * Addresses of sockets are shorter than paths may be, so they go through a descriptor.
 *
 * Errors   -EPERM  who listens is not the session's owner; what open(2), connect(2) say
 * Context  [ctl]
 * Spec     unix(7): sun_path has 108 bytes, SO_PEERCRED, SO_SNDTIMEO of connect(2)
 */
#include "base/cleanup.h"
#include "ctl/journal.h"
#include "ctl/journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 16, CONNECT_S = 2 };

const char *journal_name(const struct process *p)
{
	const char *path = journal_path(p);

	return path ? strrchr(path, '/') + 1 : NULL;
}

static struct sockaddr_un address(int dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/%s%s", dir, name,
		 JOURNAL_SOCKET);
	return a;
}

/* The directory of a journal's. */
static int dir_of(const char *path)
{
	char dir[PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* -- the program that keeps sessions ---------------------------------------------------------- */

static int listen_at(const char *path, const char *name, struct diag *d)
{
	_close_ int dir = dir_of(path);
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = address(dir, name);

	if (dir < 0)
		return diag_set(d, dir, "%s: %s", path, strerror(-dir));
	/* what a session of this name left when all of its processes were killed */
	unlink(a.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, BACKLOG) < 0)
		return diag_set(d, -errno, "%s%s: %s", path, JOURNAL_SOCKET, strerror(errno));
	return TAKE_FD(fd);
}

/* Another name of the socket at `first`. */
static int link_at(const char *first, const char *path, struct diag *d)
{
	char from[PATH_MAX + sizeof(JOURNAL_SOCKET)], to[PATH_MAX + sizeof(JOURNAL_SOCKET)];

	snprintf(from, sizeof(from), "%s%s", first, JOURNAL_SOCKET);
	snprintf(to, sizeof(to), "%s%s", path, JOURNAL_SOCKET);
	unlink(to);
	return link(from, to) < 0 ? diag_set(d, -errno, "%s: %s", to, strerror(errno)) : 0;
}

int journal_keep(struct process *const *p, unsigned n, struct diag *d)
{
	_close_ int fd = -1;
	int err = 0;

	for (unsigned i = 0; i < n; i++) {
		if (!journal_path(p[i]))
			return diag_set(d, -ENOENT, "process %d: %s", p[i]->pid,
					journal_missing(p[i]));
	}
	fd = listen_at(journal_path(p[0]), journal_name(p[0]), d);
	if (fd < 0)
		return fd;
	for (unsigned i = 1; i < n && !err; i++)
		err = link_at(journal_path(p[0]), journal_path(p[i]), d);
	for (unsigned i = 0; i < n && !err; i++)
		journal_mark_kept(p[i]);
	return err ? err : TAKE_FD(fd);
}

/* -- who wants its output ---------------------------------------------------------------------- */

int journal_connect(const struct journal_file *f, const struct journal_view *v, struct diag *d)
{
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct timeval patience = { .tv_sec = CONNECT_S };
	struct sockaddr_un a = address(f->dir, f->name);
	struct ucred who;
	socklen_t n = sizeof(who);

	if (fd < 0)
		return diag_set(d, -errno, "socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return diag_set(d, -errno, "session %s: %s", f->name, strerror(errno));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0 ||
	    (who.uid != v->owner && who.uid != 0))
		return diag_set(d, -EPERM, "session %s: another user answers for it", f->name);
	return TAKE_FD(fd);
}

/* -- what is left of one that has ended -------------------------------------------------------- */

static int write_all(int fd, const void *bytes, size_t n, off_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t r = pwrite(fd, (const char *)bytes + done, n - done, at + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -EIO;
		done += (size_t)r;
	}
	return 0;
}

int journal_save(pid_t pid, const void *bytes, size_t n, struct diag *d)
{
	struct journal_head h = { .magic = JOURNAL_MAGIC,
				  .version = JOURNAL_VERSION,
				  .head_size = sizeof(h),
				  .record_size = sizeof(struct journal_record),
				  .pid = pid,
				  .since = time(NULL),
				  .asks = JOURNAL_ENDED };
	_close_ int fd = -1;
	char path[PATH_MAX];
	int err;

	if (n > JOURNAL_SAVED_MAX)
		return diag_set(d, -EFBIG, "output of %zu bytes: at most %u MiB are kept", n,
				JOURNAL_SAVED_MAX >> 20);
	fd = journal_new_file(pid, path, sizeof(path), d);
	if (fd < 0)
		return fd;
	journal_here(&h.place);
	snprintf(h.line, sizeof(h.line), "%s", journal_announced());
	err = write_all(fd, bytes, n, sizeof(h));
	if (!err) /* the head last: without it that is no journal */
		err = write_all(fd, &h, sizeof(h), 0);
	if (err)
		journal_remove_path(path);
	return err ? diag_set(d, err, "%s: %s", path, strerror(-err)) : 0;
}

int journal_saved(const struct journal_file *f, void **bytes, size_t *n, struct diag *d)
{
	const off_t from = sizeof(struct journal_head);
	struct stat st;
	char *all;
	size_t size, done = 0;

	if (fstat(f->fd, &st) < 0)
		return diag_set(d, -errno, "%s: %s", f->name, strerror(errno));
	if (st.st_size < from || st.st_size - from > (off_t)JOURNAL_SAVED_MAX)
		return diag_set(d, -EBADMSG, "%s: it has no output, or too much", f->name);
	size = (size_t)(st.st_size - from);
	all = malloc(size + 1);
	if (!all)
		return -ENOMEM;
	while (done < size) {
		ssize_t r = pread(f->fd, all + done, size - done, from + (off_t)done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break; /* shorter by now */
		done += (size_t)r;
	}
	*bytes = all;
	*n = done;
	return 0;
}
