/*
 * ctl/slab.c - the slab's two files: written, found again in the process, removed.
 *
 * Context  [ctl]
 * Spec     ld.so(8), openat2(2); what is in the files: slab_link.c
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	/*
	 * Linux (6.7 on) looks for room for a large file mapping with this much more, to align
	 * it, and only then honours the hint: mm/huge_memory.c __thp_get_unmapped_area()
	 */
	HUGE_PAD = 2 << 20,
};

/* -- files --------------------------------------------------------------------------------- */

/* LD_PRELOAD splits at blanks and colons and expands $ORIGIN and its like: ld.so(8). */
static const char *dir_refused(const char *dir)
{
	if (!dir || dir[0] != '/')
		return "is not an absolute path";
	if (strpbrk(dir, " :$"))
		return "has a blank, colon or dollar sign in its name, which LD_PRELOAD cannot hold";
	if (strlen(dir) > 128)
		return "has too long a name";
	return NULL;
}

/* dir as the target names it: in its root no link leads out of that (openat2(2)). */
static int open_base(const char *root, const char *dir)
{
	const struct {
		uint64_t flags, mode, resolve;
	} in_root = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = 0x10 };
	_close_ int top = -1;

	if (!root[0])
		return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : (int)syscall(SYS_openat2, top, dir, &in_root, sizeof(in_root));
}

/*
 * A fresh directory of ours alone, of this name, in base; its descriptor, or -1.  Somebody who may
 * rename there can put another in its place: that is not ours, or a link.
 */
static int make_named(int base, const char *name)
{
	_close_ int fd = -1;
	struct stat st;
	int err;

	if (mkdirat(base, name, 0700) < 0)
		return -1;
	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077)) {
		flock(fd, LOCK_EX | LOCK_NB); /* as long as we live: stale.c */
		return TAKE_FD(fd);
	}
	err = fd < 0 ? errno : EPERM;
	unlinkat(base, name, AT_REMOVEDIR);
	errno = err;
	return -1;
}

static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

static int make_dir(int base, char name[sizeof("utramp-XXXXXX")])
{
	for (int i = 0; i < 100; i++) {
		uint8_t raw[6];
		int fd;

		if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			return -1;
		memcpy(name, "utramp-", 7);
		for (unsigned k = 0; k < sizeof(raw); k++)
			name[7 + k] = letters[raw[k] % 32];
		name[13] = '\0';
		fd = make_named(base, name);
		if (fd >= 0 || errno != EEXIST)
			return fd;
	}
	return -1;
}

static const char *const file_name[SLABS] = { "slab-exe.so", "slab-lib.so" };

static void set_paths(struct process *p, const char *dir, const char *name, int base, int fd)
{
	struct process_priv *pp = process_priv(p);

	snprintf(pp->dir, sizeof(pp->dir), "%s/%s", dir, name);
	for (int i = 0; i < SLABS; i++)
		snprintf(p->slab[i].path, sizeof(p->slab[i].path), "%s/%s", pp->dir, file_name[i]);
	pp->base_fd = base;
	pp->dir_fd = fd;
}

static int dir_try(struct process *p, const char *dir, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	const char *why = dir_refused(dir);
	_close_ int base = why ? -1 : open_base(pp->root, dir), fd = -1;
	char name[sizeof("utramp-XXXXXX")];
	struct statvfs fs;
	int err = 0;

	if (!why && (base < 0 || fstatvfs(base, &fs) < 0)) {
		err = errno;
		why = strerror(err);
	} else if (!why && fs.f_flag & ST_NOEXEC)
		why = "is mounted noexec";
	if (!why) {
		fd = make_dir(base, name);
		err = errno;
		why = fd < 0 ? strerror(err) : NULL;
	}
	if (why && (err == EMFILE || err == ENFILE))
		return diag_set(d, -err, "%s: %s", dir, why);
	if (why) {
		diag_add(d, "no slab files in %s: it %s", dir ? dir : "(unset)", why);
		return -EROFS;
	}
	set_paths(p, dir, name, TAKE_FD(base), TAKE_FD(fd));
	return 0;
}

/* Another user's, or one with another root: our own directories are none of its. */
static bool is_foreign(const struct process *p)
{
	unsigned uid, gid;

	return process_priv(p)->root[0] ||
	       (p->pid > 0 && process_user(p, &uid, &gid) == 0 && uid != geteuid());
}

/* What slab_choose_paths() takes without being told, the i-th; NULL: is none of its. */
static const char *usual_dir(unsigned i, bool foreign, char cwd[PATH_MAX])
{
	switch (i) {
	case 1:
		return "/tmp";
	case 2:
		return "/dev/shm";
	case 3:
		return "/var/tmp";
	default:
		return foreign ? NULL :
		       i == 0  ? getenv("XDG_RUNTIME_DIR") :
		       i == 4  ? getenv("HOME") :
				 getcwd(cwd, PATH_MAX);
	}
}

#define USUAL_DIRS 6

int slab_choose_paths(struct process *p, const char *dir, struct diag *d)
{
	char cwd[PATH_MAX];
	bool foreign = is_foreign(p);

	diag_set(d, 0, "no directory for the slab files, which must be executable");
	if (dir) {
		int err = dir_try(p, dir, d);

		if (!err)
			diag_set(d, 0, "%s", "");
		return err;
	}
	for (unsigned i = 0; i < USUAL_DIRS; i++) {
		const char *try = usual_dir(i, foreign, cwd);
		int err = try ? dir_try(p, try, d) : -EROFS;

		if (!err)
			diag_set(d, 0, "%s", "");
		if (err != -EROFS)
			return err;
	}
	return -EROFS;
}

static int random_hex(char hex[SLAB_DIGITS])
{
	uint8_t raw[SLAB_DIGITS / 2];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (unsigned i = 0; i < SLAB_DIGITS; i++)
		hex[i] = "0123456789abcdef"[raw[i / 2] >> (i % 2 ? 4 : 0) & 15];
	return 0;
}

/* Files are gone to by their directory's descriptor, and this name. */
static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Its user's, who could not open them otherwise; the room they lie in, too. */
int slab_give_files(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	unsigned uid, gid;
	int err = process_user(p, &uid, &gid);

	if (err || (uid == geteuid() && gid == getegid()))
		return 0;
	for (int i = 0; i < SLABS && !err; i++)
		err = fchown(p->slab[i].fd, uid, gid) < 0 ? -errno : 0;
	if (!err && fchown(pp->dir_fd, uid, gid) < 0)
		err = -errno;
	return err ? diag_set(d, err, "the slab files in %s cannot be given to user %u: %s",
			      pp->dir, uid, strerror(-err)) :
		     0;
}

static int write_file(struct process *p, int which, const struct slab_template *t,
		      const uint8_t *bytes, struct diag *d)
{
	const char *path = p->slab[which].path;
	_close_ int fd = openat(process_priv(p)->dir_fd, name_of(path),
				O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
	uint64_t done = 0;

	if (fd < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	if (ftruncate(fd, (off_t)t->file_size) < 0 || fchmod(fd, 0500) < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	while (done < t->size) {
		ssize_t w = pwrite(fd, bytes + done, t->size - done, (off_t)done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return diag_set(d, w < 0 ? -errno : -EIO, "%s: %s", path,
					w < 0 ? strerror(errno) : "short write");
		done += (uint64_t)w;
	}
	p->slab[which].fd = TAKE_FD(fd);
	return 0;
}

int slab_write(struct process *p, int which, const struct slab_template *t, taddr_t base,
	       struct diag *d)
{
	_free_ uint8_t *bytes = NULL;
	char hex[SLAB_DIGITS];
	int err = random_hex(hex);

	if (!err)
		err = slab_link(t, base, hex, &bytes, d);
	return err ? err : write_file(p, which, t, bytes, d);
}

/* Profilers that unwind and look up names when the program has ended read them (perf script). */
bool slab_files_stay(void)
{
	const char *keep = getenv("UTRAMP_KEEP_SLABS");

	return keep && keep[0] && strcmp(keep, "0") != 0;
}

void slab_remove_files(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	bool stay = slab_files_stay() && p->arena; /* something has run there */

	for (int i = 0; i < SLABS; i++) {
		if (p->slab[i].path[0] && !stay)
			unlinkat(pp->dir_fd, file_name[i], 0);
		if (p->slab[i].path[0])
			unlinkat(pp->dir_fd, slab_gone_name[i], 0);
		p->slab[i].path[0] = '\0';
		if (p->slab[i].fd >= 0)
			close(p->slab[i].fd);
		p->slab[i].fd = -1;
	}
	if (pp->dir[0] && !stay)
		unlinkat(pp->base_fd, name_of(pp->dir), AT_REMOVEDIR);
	pp->dir[0] = '\0';
	if (pp->dir_fd >= 0)
		close(pp->dir_fd);
	if (pp->base_fd >= 0)
		close(pp->base_fd);
	pp->dir_fd = pp->base_fd = -1;
}

/* -- files of slabs that are mapped already ------------------------------------------------- */

/* The kernel calls the mapping so, and who reads /proc/PID/maps or perf's records opens that. */
const char *const slab_gone_name[SLABS] = { "slab-exe.so (deleted)", "slab-lib.so (deleted)" };

/* Path is dir/NAME/FILE as the target sees it, whose root may show before it: NAME. */
static bool is_in(const struct process *p, const char *path, const char *dir, const char *file,
		  char name[sizeof("utramp-XXXXXX")])
{
	size_t have = strlen(path), n = dir_refused(dir) ? 0 : strlen(dir);
	size_t tail = 1 + 13 + 1 + strlen(file); /* as make_dir() has it */
	const char *at;

	if (!n || have < n + tail || (!process_priv(p)->root[0] && have != n + tail))
		return false;
	at = path + have - tail;
	if (strncmp(at - n, dir, n) != 0 || strncmp(at, "/utramp-", 8) != 0 || at[14] != '/' ||
	    strspn(at + 8, letters) != 6 || strcmp(at + 15, file) != 0)
		return false;
	memcpy(name, at + 1, 13);
	name[13] = '\0';
	return true;
}

static bool same_dir(struct process *p, const char *dir, const char *const path[SLABS])
{
	char name[SLABS][sizeof("utramp-XXXXXX")];
	_close_ int base = -1, fd = -1;

	if (!dir)
		return false;
	for (int i = 0; i < SLABS; i++) {
		if (!is_in(p, path[i], dir, file_name[i], name[i]))
			return false;
	}
	if (strcmp(name[SLAB_EXE], name[SLAB_LIB]) != 0)
		return false;
	base = open_base(process_priv(p)->root, dir);
	fd = base < 0 ? -1 : make_named(base, name[0]);
	if (fd < 0)
		return false;
	set_paths(p, dir, name[0], TAKE_FD(base), TAKE_FD(fd));
	return true;
}

bool slab_same_files(struct process *p, const char *dir, const char *const path[SLABS],
		     const struct slab_template *t, const void *const bytes[SLABS])
{
	bool foreign = is_foreign(p), found = false;
	char cwd[PATH_MAX];
	int fd;

	for (unsigned i = 0; i < USUAL_DIRS && !found && !dir; i++)
		found = same_dir(p, usual_dir(i, foreign, cwd), path);
	if (!found && !same_dir(p, dir, path))
		return false;
	fd = process_priv(p)->dir_fd;
	found = true;
	for (int i = 0; i < SLABS && found; i++)
		found = write_file(p, i, t, bytes[i], NULL) == 0 &&
			linkat(fd, file_name[i], fd, slab_gone_name[i], 0) == 0;
	if (found && slab_give_files(p, NULL) == 0)
		return true;
	slab_remove_files(p);
	return false;
}

/* -- places -------------------------------------------------------------------------------- */

/* The highest gap of n bytes that ends at or below top; 0: none above floor. */
static taddr_t gap_below(const struct map_list *m, taddr_t top, taddr_t floor, uint64_t n)
{
	taddr_t end = top;

	for (size_t i = m->n; i-- > 0;) {
		const struct map_region *r = &m->at[i];

		if (r->lo >= end)
			continue;
		if (r->hi <= end && end - r->hi >= n)
			return end - n >= floor ? end - n : 0;
		end = r->lo < end ? r->lo : end;
	}
	return end >= n && end - n >= floor ? end - n : 0;
}

/*
 *   PIE       | slab | executable | ... brk heap grows up
 *   ET_EXEC   | executable | heap up to ~2 GiB ... | slab |     (no room below 0x400000)
 *
 * Below the executable the heap is not capped.  A fixed executable's slab goes as far up as
 * a rel32 from its first byte reaches, less 1 MiB for what a moved operand may add.
 */
taddr_t slab_place(const struct map_list *m, struct taddr_range exe, uint64_t span)
{
	const uint64_t reach = (2ull << 30) - (1ull << 20);
	const taddr_t least = 1ull << 20; /* well above any vm.mmap_min_addr */
	taddr_t floor = exe.hi > reach + least ? exe.hi - reach : least;
	taddr_t from = exe.lo & ~(uint64_t)(PAGE - 1);
	taddr_t at = gap_below(m, from, floor, span + HUGE_PAD);

	return at ? at : gap_below(m, from + reach, ALIGN_UP(exe.hi, PAGE), span + HUGE_PAD);
}

/* Where its root is another directory than ours, /proc shows more of the path than it knows. */
bool slab_is_region(const struct slab *s, const struct map_region *r)
{
	size_t own = strlen(s->path), n = strlen(r->path);

	return own && n >= own && !strcmp(r->path + n - own, s->path);
}

static const struct map_region *region_of(const struct map_list *m, const struct slab *s)
{
	for (size_t i = 0; i < m->n; i++) {
		if (slab_is_region(s, &m->at[i]))
			return &m->at[i];
	}
	return NULL;
}

struct taddr_range slab_libs(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);
	const struct module *loader = modules_at(&p->modules, pp->loader);
	struct taddr_range near = { 0, 0 };

	if (!loader)
		return near;
	near = (struct taddr_range){ loader->lo, loader->hi };
	for (size_t i = p->modules.n; i-- > 0;) { /* from the loader down: those beside it first */
		const struct module *m = &p->modules.at[i];
		taddr_t lo = m->lo < near.lo ? m->lo : near.lo,
			hi = m->hi > near.hi ? m->hi : near.hi;

		if (m->lo >= pp->exe.hi && hi - lo < SLAB_REACH / 2)
			near = (struct taddr_range){ lo, hi };
	}
	return near;
}

bool slab_near_libs(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);
	struct taddr_range near = slab_libs(p);
	taddr_t lo = p->slab[SLAB_LIB].bias + pp->layout.lowest, hi = lo + pp->layout.span;

	lo = near.lo < lo ? near.lo : lo;
	hi = near.hi > hi ? near.hi : hi;
	return near.hi && hi - lo <= SLAB_REACH;
}

bool slab_in_reach(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);
	taddr_t lo = p->slab[SLAB_EXE].bias + pp->layout.lowest, hi = lo + pp->layout.span;

	lo = pp->exe.lo < lo ? pp->exe.lo : lo;
	hi = pp->exe.hi > hi ? pp->exe.hi : hi;
	return hi - lo < 1ull << 31;
}

int slab_locate(struct process *p, const struct slab_template *t, const struct map_list *m)
{
	const struct slab_layout *l = &process_priv(p)->layout;

	for (int i = 0; i < SLABS; i++) {
		struct slab *s = &p->slab[i];
		const struct map_region *r = region_of(m, s);
		uint64_t off = 0;

		if (!r)
			return 0;
		s->bias = r->lo - l->lowest;
		s->text = s->bias + l->text;
		s->shadow = s->bias + l->shadow;
		s->rt_state = s->bias + l->rt_state;
		s->room = t->code_size;
		/* offsets from the thread pointer are negative: 0 is "not relocated yet" */
		if (process_read(p, s->bias + l->tls_word, &off, sizeof(off)) < 0 || !off)
			return 0;
		if (i == SLAB_EXE)
			p->tls_off = (int32_t)(int64_t)off;
	}
	return 1;
}
