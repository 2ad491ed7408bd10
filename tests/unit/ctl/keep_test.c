/*
 * keep_test.c - what a kept session leaves: its socket goes with the journal; saved output is read
 * whole, is no session that could be undone, and is refused when it is too much or too little.
 */
#include "ctl_util.h"

#include "ctl/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/keep-test-XXXXXX";

struct seen {
	const char *name;
	int n;
	void *bytes;
	size_t size;
	int saved;
	bool remove;
};

/* The file of that name in our own directory. */
static int look(void *ctx, const struct journal_file *f, struct journal_view *v)
{
	struct seen *s = ctx;

	if (strncmp(f->dir_name, dir, strlen(dir)) != 0 || strcmp(f->name, s->name) != 0)
		return 0;
	s->n++;
	assert_int_equal(v->head.asks, JOURNAL_ENDED);
	assert_int_equal(v->head.tool, 0);
	assert_false(journal_is_live(v));
	assert_false(journal_has_process(v));
	s->saved = journal_saved(f, &s->bytes, &s->size, NULL);
	if (s->remove)
		journal_remove(f);
	return 0;
}

static struct seen find(const char *name, bool remove)
{
	struct seen s = { .name = name, .remove = remove };

	assert_int_equal(journal_each(look, &s), 0);
	return s;
}

static void test_saved(void **state)
{
	static const char one[] = "the first", two[] = "\0\xff and another";
	struct seen s;

	journal_announce("count --keep f", true);
	assert_int_equal(journal_save(getpid(), one, sizeof(one), NULL), 0);
	assert_int_equal(journal_save(getpid(), two, sizeof(two), NULL), 0);
	for (int i = 0; i < 2; i++) {
		const void *want = i ? (const void *)two : one;
		size_t size = i ? sizeof(two) : sizeof(one);
		char name[32];

		snprintf(name, sizeof(name), "%d.%d", (int)getpid(), i + 1);
		s = find(name, true);
		assert_int_equal(s.n, 1);
		assert_int_equal(s.saved, 0);
		assert_int_equal(s.size, size);
		assert_memory_equal(s.bytes, want, size);
		free(s.bytes);
		assert_int_equal(find(name, false).n, 0);
	}
}

static void test_size(void **state)
{
	struct diag d = { "" };
	char path[96], name[32];
	struct seen s;

	/* never read beyond what is refused by its size */
	assert_int_equal(journal_save(getpid(), name, (size_t)JOURNAL_SAVED_MAX + 1, &d), -EFBIG);
	assert_int_equal(journal_save(getpid(), NULL, 0, NULL), 0);
	snprintf(name, sizeof(name), "%d.1", (int)getpid());
	snprintf(path, sizeof(path), "%s/utramp/%s", dir, name);
	s = find(name, false);
	assert_int_equal(s.saved, 0);
	assert_int_equal(s.size, 0);
	free(s.bytes);
	assert_int_equal(truncate(path, sizeof(struct journal_head) + JOURNAL_SAVED_MAX + 1), 0);
	assert_int_equal(find(name, true).saved, -EBADMSG);
}

/* Processes of sessions are reached by their names, until the journals go. */
static void test_socket(void **state)
{
	char prog[] = VICTIM, arg[] = "env", path[128], sock[160];
	char *const argv[] = { prog, arg, NULL };
	struct victim v;
	struct stat st;
	int fd;

	assert_int_equal(victim_spawn(&v, argv), 0);
	assert_non_null(v.p->journal);
	snprintf(path, sizeof(path), "%s/utramp/%s", dir, journal_name(v.p));
	snprintf(sock, sizeof(sock), "%s.sock", path);
	assert_int_equal(close(open(sock, O_CREAT | O_WRONLY, 0600)),
			 0); /* of one that was killed */
	fd = journal_keep(&v.p, 1, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(stat(sock, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	victim_free(&v);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(stat(sock, &st), -1);
	close(fd);
}

static int set_up(void **state)
{
	if (!mkdtemp(dir))
		return -1;
	return setenv("XDG_RUNTIME_DIR", dir, 1);
}

static int tear_down(void **state)
{
	return rmdir(dir); /* nothing may be left in it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saved),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_socket),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
