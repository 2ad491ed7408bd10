/*
 * The cache of analyses: what is kept gives the same sweep, what cannot be believed is made anew,
 * and nothing fails without it.  The module is libc, whose code is large enough and old.
 */
#include "../skip.h"
#include "attach/analysis.h"
#include "attach/modset.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"

static char base[64], dir[96], kept[384]; /* kept: the one file in dir */

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *de;
	char name[512];

	while (d && (de = readdir(d))) {
		snprintf(name, sizeof(name), "%s/%s", path, de->d_name);
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0 &&
		    unlink(name) < 0)
			remove_all(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static int fresh(void **state)
{
	snprintf(base, sizeof(base), "/tmp/analysis_test.XXXXXX");
	if (!mkdtemp(base))
		return -1;
	snprintf(dir, sizeof(dir), "%s/utramp", base);
	unsetenv("UTRAMP_CACHE");
	setenv("XDG_CACHE_HOME", base, 1);
	return 0;
}

static int done(void **state)
{
	chmod(dir, 0700);
	remove_all(base);
	return 0;
}

/* How many files of this kind; kept is one of them. */
static unsigned files(const char *suffix)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	unsigned n = 0;

	while (d && (de = readdir(d))) {
		const char *dot = strrchr(de->d_name, '.');

		if (!dot || strcmp(dot, suffix) != 0)
			continue;
		snprintf(kept, sizeof(kept), "%s/%s", dir, de->d_name);
		n++;
	}
	if (d)
		closedir(d);
	return n;
}

static struct modset *open_module(const char *path)
{
	struct modset *s = NULL;
	struct diag d = { 0 };

	assert_int_equal(modset_new(&s), 0);
	if (modset_add_file(s, path, &d) < 0)
		fail_msg("%s", d.text);
	return s;
}

/* The sweep of a module, as bytes. */
static void *bytes_of(const struct sweep *sw, size_t *n)
{
	void *bytes = NULL;

	assert_int_equal(sweep_save(sw, &bytes, n), 0);
	return bytes;
}

static void *analysed(const char *path, size_t *n)
{
	struct modset *s = open_module(path);
	const struct sweep *sw = NULL;
	void *bytes;

	assert_int_equal(module_sweep(s->at[0], &sw, NULL), 0);
	bytes = bytes_of(sw, n);
	modset_free(s);
	return bytes;
}

/* Is there one that is believed?  Then it is this. */
static bool is_believed(const void *want, size_t want_n)
{
	struct modset *s = open_module(LIBC);
	struct sweep *sw = NULL;
	bool ok = analysis_load(s->at[0]->obj, &sw);

	if (ok) {
		size_t n = 0;
		void *bytes = bytes_of(sw, &n);

		assert_int_equal(n, want_n);
		assert_memory_equal(bytes, want, n);
		free(bytes);
		sweep_free(sw);
	}
	modset_free(s);
	return ok;
}

static void test_kept(void **state)
{
	size_t n = 0, m = 0;
	void *first, *second;
	struct stat st;

	first = analysed(LIBC, &n);
	assert_int_equal(files(".sweep"), 1);
	assert_int_equal(files(".tmp"), 0);
	files(".sweep");
	assert_int_equal(stat(kept, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(is_believed(first, n));
	second = analysed(LIBC, &m);
	assert_int_equal(n, m);
	assert_memory_equal(first, second, n);
	free(first);
	free(second);
}

static void flip(off_t at)
{
	int fd = open(kept, O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Any byte that is another one, any byte that is missing or too many. */
static void test_damaged(void **state)
{
	size_t n = 0, m = 0;
	void *truth = analysed(LIBC, &n), *again;
	struct stat st;

	assert_int_equal(files(".sweep"), 1);
	assert_int_equal(stat(kept, &st), 0);
	for (off_t at = 0; at < st.st_size; at += at < 80 ? 1 : st.st_size / 97) {
		flip(at);
		assert_false(is_believed(truth, n));
		flip(at);
	}
	assert_true(is_believed(truth, n));
	assert_int_equal(truncate(kept, st.st_size + 8), 0);
	assert_false(is_believed(truth, n));
	for (off_t len = 0; len < st.st_size; len += len < 80 ? 1 : st.st_size / 31) {
		assert_int_equal(truncate(kept, len), 0);
		assert_false(is_believed(truth, n));
	}
	again = analysed(LIBC, &m); /* made anew, and kept again */
	assert_int_equal(n, m);
	assert_memory_equal(truth, again, n);
	assert_int_equal(files(".sweep"), 1);
	assert_true(is_believed(truth, n));
	free(truth);
	free(again);
}

static void test_not_ours(void **state)
{
	size_t n = 0;
	void *truth = analysed(LIBC, &n);
	char other[400];

	assert_int_equal(files(".sweep"), 1);
	chmod(kept, 0620);
	assert_false(is_believed(truth, n));
	chmod(kept, 0602);
	assert_false(is_believed(truth, n));
	chmod(kept, 0600);
	chmod(dir, 0770);
	assert_false(is_believed(truth, n));
	chmod(dir, 0700);
	assert_true(is_believed(truth, n));
	if (!geteuid()) {
		assert_int_equal(chown(kept, 12345, 0), 0);
		assert_false(is_believed(truth, n));
		assert_int_equal(chown(kept, 0, 0), 0);
		assert_int_equal(chown(dir, 12345, 0), 0);
		assert_false(is_believed(truth, n));
		assert_int_equal(chown(dir, 0, 0), 0);
		assert_true(is_believed(truth, n));
	}
	snprintf(other, sizeof(other), "%s.moved", kept);
	assert_int_equal(rename(kept, other), 0);
	assert_int_equal(symlink(other, kept), 0);
	assert_false(is_believed(truth, n));
	free(truth);
}

/* Without a place for it everything is as with one. */
static void test_nowhere(void **state)
{
	static const char *const place[][2] = {
		{ "UTRAMP_CACHE", "off" },          { "XDG_CACHE_HOME", "/nonexistent/cache" },
		{ "XDG_CACHE_HOME", "/proc/self" }, { "XDG_CACHE_HOME", "/dev/null" },
		{ "XDG_CACHE_HOME", "relative" },
	};
	size_t n = 0, m = 0;
	void *truth, *again;
	char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;

	setenv("UTRAMP_CACHE", "off", 1);
	truth = analysed(LIBC, &n);
	assert_int_equal(access(dir, F_OK), -1);
	unsetenv("UTRAMP_CACHE");
	setenv("HOME", "/nonexistent", 1);
	for (unsigned i = 0; i <= ARRAY_LEN(place); i++) {
		unsetenv("XDG_CACHE_HOME");
		if (i == ARRAY_LEN(place))
			unsetenv("HOME");
		else
			setenv(place[i][0], place[i][1], 1);
		again = analysed(LIBC, &m);
		assert_int_equal(n, m);
		assert_memory_equal(truth, again, n);
		assert_false(is_believed(truth, n));
		free(again);
		unsetenv("UTRAMP_CACHE");
	}
	setenv("HOME", base, 1); /* its .cache is made */
	unsetenv("XDG_CACHE_HOME");
	free(analysed(LIBC, &m));
	snprintf(dir, sizeof(dir), "%s/.cache/utramp", base);
	assert_int_equal(files(".sweep"), 1);
	if (home)
		setenv("HOME", home, 1);
	free(home);
	free(truth);
}

static void copy_file(const char *from, const char *to)
{
	static char buf[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
}

/* One byte of code changes, size and build-id do not; the time is put back, as far as it can be. */
static void test_changed_file(void **state)
{
	char copy[96];
	struct timespec back[2];
	uint8_t *old, *new;
	size_t n = 0, m = 0;
	struct stat st;
	int fd;

	snprintf(copy, sizeof(copy), "%s/copy.so", base);
	copy_file(LIBC, copy);
	old = analysed(copy, &n);
	assert_int_equal(files(".sweep"), 0); /* too young to be told from what comes next */
	sleep(3);
	free(old);
	old = analysed(copy, &n);
	assert_int_equal(files(".sweep"), 1);
	assert_int_equal(stat(copy, &st), 0);
	fd = open(copy, O_RDWR | O_CLOEXEC);
	for (off_t at = 0x60000; at < 0x61000; at++)
		assert_int_equal(pwrite(fd, "\xcc", 1, at), 1);
	close(fd);
	back[0] = st.st_atim;
	back[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, copy, back, 0), 0);
	new = analysed(copy, &m);
	assert_true(n != m || memcmp(old, new, n) != 0);
	free(old);
	free(new);
}

/* Writers and readers at once: each sees nothing, or all of it. */
static void test_at_once(void **state)
{
	size_t n = 0;
	void *truth = analysed(LIBC, &n);
	pid_t pid[4];

	for (unsigned i = 0; i < ARRAY_LEN(pid); i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i])
			continue;
		for (unsigned k = 0; k < 30; k++) {
			struct modset *s = open_module(LIBC);
			struct sweep *sw = NULL;
			void *bytes = NULL;
			size_t m = 0;

			if (!analysis_load(s->at[0]->obj, &sw) || sweep_save(sw, &bytes, &m) ||
			    m != n || memcmp(bytes, truth, n) != 0)
				_exit(1);
			analysis_save(s->at[0]->obj, sw);
			free(bytes);
			sweep_free(sw);
			modset_free(s);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < ARRAY_LEN(pid); i++) {
		int status = -1;

		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(files(".tmp"), 0);
	assert_int_equal(files(".sweep"), 1);
	assert_true(is_believed(truth, n));
	free(truth);
}

/* Holes take no disk: what counts is what it says of itself. */
static void make_old(const char *name, off_t size, time_t age)
{
	struct timespec t[2] = { { .tv_sec = time(NULL) - age }, { .tv_sec = time(NULL) - age } };
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(futimens(fd, t), 0);
	close(fd);
}

static bool is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void test_bounded(void **state)
{
	size_t n = 0;

	assert_int_equal(mkdir(dir, 0700), 0);
	make_old("a.sweep", 100 << 20, 4000);
	make_old("b.sweep", 100 << 20, 9000);
	make_old("c.sweep", 50 << 20, 100);
	make_old("left.tmp", 100, 9000);
	make_old("busy.tmp", 100, 10);
	make_old("mine.txt", 300 << 20, 9000);
	free(analysed(LIBC, &n));
	assert_int_equal(files(".sweep"), 4); /* 250 MiB and some KiB: all have room */
	make_old("d.sweep", 100 << 20, 50);
	{
		struct modset *s = open_module(LIBC);
		const struct sweep *sw = NULL;

		assert_int_equal(module_sweep(s->at[0], &sw, NULL), 0);
		analysis_save(s->at[0]->obj, sw);
		modset_free(s);
	}
	assert_false(is_there("b.sweep")); /* the oldest is gone */
	assert_true(is_there("d.sweep"));
	assert_false(is_there("left.tmp"));
	assert_true(is_there("busy.tmp") && is_there("mine.txt"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, done)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_kept),    CASE(test_damaged),      CASE(test_not_ours),
		CASE(test_nowhere), CASE(test_changed_file), CASE(test_at_once),
		CASE(test_bounded),
	};

	if (access(LIBC, R_OK) < 0)
		return 77;
	return cmocka_run_group_tests_name("attach/analysis", tests, NULL, NULL);
}
