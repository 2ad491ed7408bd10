/*
 * attach/analysis.c - see analysis.h.
 */
#include "attach/analysis.h"

#include "analysis_id.h"
#include "base/sum.h"
#include "base/vec.h"
#include "x86/insn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC        0x312d776565707375ull /* "uspeew-1" */
#define NAME_MAX_LEN 128
#define OLD_NS       2000000000ll /* a file system's clock is finer */
#define TMP_S        3600         /* a writer that died left it */

/* The sweep's bytes follow; sum is of all behind it. */
struct head {
	uint64_t magic, sum;
	uint64_t key, size; /* of the whole */
	uint8_t build_id[32];
};

/* -- where ------------------------------------------------------------------------ */

static bool is_on(void)
{
	const char *value = secure_getenv("UTRAMP_CACHE");

	return !value || strcmp(value, "off") != 0;
}

/* Open `name` below `at`, made if it is not there; it must be ours alone if `own`. */
static int open_dir(int at, const char *name, bool own)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (own ? O_NOFOLLOW : 0);
	int fd = openat(at, name, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT && !mkdirat(at, name, 0700))
		fd = openat(at, name, flags);
	if (fd >= 0 && own &&
	    (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The directory, or -1: there is none that can be used. */
static int cache_dir(void)
{
	const char *xdg = secure_getenv("XDG_CACHE_HOME"), *home = secure_getenv("HOME");
	int base = -1, fd = -1;
	struct stat st;

	if (!is_on())
		return -1;
	if (xdg && xdg[0] == '/') {
		base = open_dir(AT_FDCWD, xdg, false);
	} else if (home && home[0] == '/') {
		int h = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		/* by sudo it may be another's, who could not use what we make there */
		base = h >= 0 && fstat(h, &st) == 0 && st.st_uid == geteuid() ?
			       open_dir(h, ".cache", false) :
			       -1;
		if (h >= 0)
			close(h);
	}
	if (base >= 0) {
		fd = open_dir(base, "utramp", true);
		close(base);
	}
	return fd;
}

/* -- what ----------------------------------------------------------------------- */

static uint64_t key_of(const struct objfile *o)
{
	uint64_t sum = sum_of(ANALYSIS_SOURCES, &(uint64_t){ x86_decoder_version() }, 8);
	uint64_t word[4] = { o->is_dyn, o->nseg, o->nsym, o->nfde };

	sum = sum_of(sum, word, sizeof(word));
	sum = sum_of(sum, &o->file, sizeof(o->file));
	for (unsigned i = 0; i < o->nseg; i++) {
		const struct objseg *s = &o->seg[i];
		uint64_t seg[] = { s->addr, s->memsz, s->filesz, s->offset, s->x };

		sum = sum_of(sum, seg, sizeof(seg));
	}
	for (unsigned i = 0; i < o->nsym; i++) {
		uint64_t sym[] = { o->sym[i].addr, o->sym[i].size, o->sym[i].type };

		sum = sum_of(sum, sym, sizeof(sym));
	}
	return sum_of(sum, o->fde, o->nfde * sizeof(*o->fde));
}

static uint64_t code_size(const struct objfile *o)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < o->nseg; i++)
		n += o->seg[i].x ? o->seg[i].filesz : 0;
	return n;
}

/* Can it be told from all other files, those of the same name at other times included? */
static bool is_known(const struct objfile *o)
{
	return o->build_id_len >= 8 && o->build_id_len <= sizeof(o->build_id) && o->file.ino &&
	       code_size(o) >= ANALYSIS_CODE_MIN;
}

/* The same build in two places (containers) has two files. */
static void name_of(const struct objfile *o, uint64_t key, char out[NAME_MAX_LEN])
{
	size_t n = 0;

	for (unsigned i = 0; i < o->build_id_len; i++)
		n += (size_t)snprintf(out + n, NAME_MAX_LEN - n, "%02x", o->build_id[i]);
	snprintf(out + n, NAME_MAX_LEN - n, "-%08x.sweep", (unsigned)(key ^ key >> 32));
}

static void fill_head(const struct objfile *o, uint64_t key, uint64_t size, struct head *h)
{
	*h = (struct head){ .magic = MAGIC, .key = key, .size = size };
	memcpy(h->build_id, o->build_id, o->build_id_len);
}

static uint64_t sum_of_file(const uint8_t *bytes, size_t size)
{
	size_t behind = offsetof(struct head, key);

	return sum_of(MAGIC, bytes + behind, size - behind);
}

/* -- reading ---------------------------------------------------------------------- */

static bool read_all(int fd, uint8_t *to, size_t n)
{
	while (n) {
		ssize_t got = read(fd, to, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		n -= (size_t)got;
	}
	return true;
}

/* All of a file that is ours alone; NULL: it is not, or cannot be read. */
static uint8_t *read_own(int fd, size_t *n)
{
	struct stat st;
	uint8_t *bytes;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) || st.st_size < (off_t)sizeof(struct head) ||
	    st.st_size > ANALYSIS_DIR_MAX)
		return NULL;
	*n = (size_t)st.st_size;
	bytes = malloc(*n);
	if (bytes && !read_all(fd, bytes, *n)) {
		free(bytes);
		bytes = NULL;
	}
	return bytes;
}

static bool parse(const struct objfile *o, uint64_t key, uint8_t *bytes, size_t n,
		  struct sweep **out)
{
	struct head want, have;

	fill_head(o, key, n, &want);
	memcpy(&have, bytes, sizeof(have));
	want.sum = have.sum;
	return !memcmp(&want, &have, sizeof(want)) && have.sum == sum_of_file(bytes, n) &&
	       !sweep_load(bytes + sizeof(have), n - sizeof(have), bytes, out);
}

bool analysis_load(const struct objfile *o, struct sweep **out)
{
	int dir = is_known(o) ? cache_dir() : -1, fd;
	char name[NAME_MAX_LEN];
	uint8_t *bytes = NULL;
	uint64_t key;
	size_t n = 0;
	bool ok;

	if (dir < 0)
		return false;
	key = key_of(o);
	name_of(o, key, name);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	close(dir);
	if (fd < 0)
		return false;
	bytes = read_own(fd, &n);
	ok = bytes && parse(o, key, bytes, n, out);
	if (ok)
		futimens(fd, NULL); /* used just now */
	else
		free(bytes);
	close(fd);
	return ok;
}

/* -- writing --------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *from, size_t n)
{
	while (n) {
		ssize_t done = write(fd, from, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		from += done;
		n -= (size_t)done;
	}
	return true;
}

struct entry {
	char name[NAME_MAX_LEN + 32];
	off_t size;
	time_t used;
};

struct entries {
	VEC(struct entry);
};

static int by_use(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->used < y->used ? -1 : x->used > y->used;
}

/* What is there of ours; what writers that died left goes at once. */
static void list_entries(int dir, struct entries *all)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *de;

	if (!d && fd >= 0)
		close(fd);
	while (d && (de = readdir(d))) {
		const char *dot = strrchr(de->d_name, '.');
		struct entry e;
		struct stat st;

		if (!dot || strlen(de->d_name) >= sizeof(e.name) ||
		    fstatat(dir, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			continue;
		if (!strcmp(dot, ".tmp") && st.st_mtim.tv_sec + TMP_S < time(NULL))
			unlinkat(dir, de->d_name, 0);
		if (strcmp(dot, ".sweep") != 0)
			continue;
		e = (struct entry){ .size = st.st_size, .used = st.st_mtim.tv_sec };
		memcpy(e.name, de->d_name, strlen(de->d_name) + 1);
		if (vec_push(all, e) < 0)
			break;
	}
	if (d)
		closedir(d);
}

/* Make room for n more bytes. */
static void prune(int dir, off_t n)
{
	struct entries all = { 0 };
	off_t sum = n;

	list_entries(dir, &all);
	for (size_t i = 0; i < all.n; i++)
		sum += all.at[i].size;
	if (all.n)
		qsort(all.at, all.n, sizeof(*all.at), by_use);
	for (size_t i = 0; i < all.n && sum > ANALYSIS_DIR_MAX; i++) {
		if (!unlinkat(dir, all.at[i].name, 0))
			sum -= all.at[i].size;
	}
	vec_free(&all);
}

/* A file-size limit would not fail the write but kill us. */
static bool may_write(size_t n)
{
	struct rlimit r;

	return n <= ANALYSIS_DIR_MAX / 2 && !getrlimit(RLIMIT_FSIZE, &r) &&
	       (r.rlim_cur == RLIM_INFINITY || n <= r.rlim_cur);
}

static void write_file(int dir, const char *name, const uint8_t *bytes, size_t n)
{
	char tmp[NAME_MAX_LEN + 64];
	struct timespec t;
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &t);
	snprintf(tmp, sizeof(tmp), "%s.%d-%lx%09lx.tmp", name, (int)getpid(), (long)t.tv_sec,
		 t.tv_nsec);
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (!write_all(fd, bytes, n) || renameat(dir, tmp, dir, name) < 0)
		unlinkat(dir, tmp, 0);
	close(fd);
}

static bool is_old(const struct objfile *o)
{
	struct timespec t;
	int64_t now;

	clock_gettime(CLOCK_REALTIME, &t);
	now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
	return now - o->file.ctime_ns > OLD_NS && now - o->file.mtime_ns > OLD_NS;
}

/* The whole file, malloc'ed; NULL: no memory. */
static uint8_t *make_file(const struct objfile *o, uint64_t key, const struct sweep *s, size_t *n)
{
	uint8_t *bytes = NULL;
	void *sweep = NULL;
	struct head h;

	if (sweep_save(s, &sweep, n) < 0)
		return NULL;
	fill_head(o, key, *n + sizeof(h), &h);
	bytes = malloc(h.size);
	if (bytes) {
		memcpy(bytes, &h, sizeof(h));
		memcpy(bytes + sizeof(h), sweep, *n);
		*n = h.size;
		h.sum = sum_of_file(bytes, *n);
		memcpy(bytes, &h, sizeof(h));
	}
	free(sweep);
	return bytes;
}

void analysis_save(const struct objfile *o, const struct sweep *s)
{
	int dir = is_known(o) && is_old(o) ? cache_dir() : -1;
	char name[NAME_MAX_LEN];
	uint8_t *bytes;
	uint64_t key;
	size_t n;

	if (dir < 0)
		return;
	key = key_of(o);
	name_of(o, key, name);
	bytes = make_file(o, key, s, &n);
	if (bytes && may_write(n)) {
		prune(dir, (off_t)n);
		write_file(dir, name, bytes, n);
	}
	free(bytes);
	close(dir);
}
