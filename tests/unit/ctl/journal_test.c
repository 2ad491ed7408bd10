/*
 * journal_test.c - a session's journal: what is written can be read and undone by somebody else;
 * what is damaged is refused; whoever's process it is not about is left alone.
 */
#include "ctl_util.h"

#include "ctl/undo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/journal-test-XXXXXX";

/* -- files that are damaged --------------------------------------------------------------------- */

enum { RECORDS = 3 };

struct file {
	struct journal_head head;
	struct journal_record record[RECORDS];
};

/* One as a session leaves it. */
static struct file good(void)
{
	struct file f = { .head = { .magic = JOURNAL_MAGIC,
				    .version = JOURNAL_VERSION,
				    .head_size = sizeof(struct journal_head),
				    .record_size = sizeof(struct journal_record),
				    .ready = 1,
				    .count = RECORDS,
				    .pid = 4711,
				    .tool = 4710,
				    .slab = { { 0, 0x10000, 0x1000, 0x9000 },
					      { 0, 0x7f0000000000, 0x1000, 0x7effff000000 } } },
			  .record = { { .addr = 0x401000, .kind = JOURNAL_WINDOW, .len = 5 },
				      { .addr = 0x10ff8, .kind = JOURNAL_WRITE, .len = 8 },
				      { .kind = JOURNAL_VOID } } };

	return f;
}

static int read_bytes(const void *bytes, size_t n, struct diag *d)
{
	int fd = memfd_create("journal", MFD_CLOEXEC), err;
	struct journal_view v;

	assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	err = journal_read(fd, &v, d);
	if (!err) { /* what it promises of all it lets pass */
		assert_true(v.head.count <= (n - sizeof(v.head)) / sizeof(*v.at));
		assert_true(memchr(v.head.line, 0, sizeof(v.head.line)) != NULL);
		assert_true(memchr(v.head.dir, 0, sizeof(v.head.dir)) != NULL);
		for (uint64_t i = 0; i < v.head.count; i++) {
			const struct journal_record *r = &v.at[i];

			assert_true(r->kind < JOURNAL_KINDS);
			assert_true(r->kind == JOURNAL_VOID ||
				    (r->len >= 1 && r->len <= JOURNAL_BYTES &&
				     r->addr + r->len > r->addr));
		}
	}
	journal_view_fini(&v);
	close(fd);
	return err;
}

static void refused(const struct file *f, const char *why)
{
	struct diag d = { "" };

	assert_int_equal(read_bytes(f, sizeof(*f), &d), -EBADMSG);
	if (!strstr(d.text, why))
		fail_msg("want '%s', got '%s'", why, d.text);
}

#define WITH(change, why) \
	do { \
		static struct file f; \
		f = good(); \
		change; \
		refused(&f, why); \
	} while (0)

static void test_only_what_is_counted(void **state)
{
	struct file f = good();

	assert_int_equal(read_bytes(&f, sizeof(f), NULL), 0);
	f.head.count = 0; /* the count is stored last: what is behind it does not count */
	memset(f.record, 0xff, sizeof(f.record));
	assert_int_equal(read_bytes(&f, sizeof(f), NULL), 0);
}

static void test_damage_is_refused(void **state)
{
	WITH(f.head.magic++, "does not begin");
	WITH(f.head.magic = 0, "does not begin"); /* killed while it was made */
	WITH(f.head.version++, "another version");
	WITH(f.head.head_size--, "another version");
	WITH(f.head.record_size++, "another version");
	WITH(f.head.count++, "more records");
	WITH(f.head.count = UINT64_MAX, "more records");
	WITH(f.head.count = UINT64_MAX / sizeof(struct journal_record) + 1, "more records");
	WITH(f.head.pid = 0, "no process");
	WITH(f.head.pid = -1, "no process");
	WITH(f.head.tool = -5, "no process");
	WITH(f.head.ready = 0, "before its slabs");
	WITH(f.head.slab[1].text = UINT64_MAX, "slab lies nowhere");
	WITH(f.head.slab[0].room = UINT64_MAX, "slab lies nowhere");
	WITH(f.record[0].kind = JOURNAL_KINDS, "of no kind");
	WITH(f.record[0].padding = 2, "of no kind");
	WITH(f.record[0].len = 0, "no length");
	WITH(f.record[0].len = JOURNAL_BYTES + 1, "no length");
	WITH(f.record[0].addr = UINT64_MAX - 2, "lies nowhere");
	WITH(f.record[0].addr = 0x7ffffffff000 - 4, "lies nowhere");
	WITH(f.record[0].go_on = UINT64_MAX, "lies nowhere");
	WITH(f.record[0].addr = 0x10800, "no text of the program's");
	WITH(f.record[1].addr = 0x401000, "outside of the slabs");
	WITH(f.record[1].addr += 1, "outside of the slabs"); /* its last byte */
}

static void test_cut_off_anywhere(void **state)
{
	struct file f = good();

	for (size_t n = 0; n < sizeof(f); n++)
		assert_int_equal(read_bytes(&f, n, NULL), -EBADMSG);
}

static void test_any_bytes(void **state)
{
	uint64_t random = 88172645463325252ull;
	int passed = 0;

	for (int i = 0; i < 20000; i++) {
		struct file f = good();

		for (int k = 0; k <= i % 4; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			((uint8_t *)&f)[random % sizeof(f)] = (uint8_t)(random >> 40);
		}
		passed += read_bytes(&f, sizeof(f), NULL) == 0;
	}
	assert_true(passed > 100 && passed < 20000); /* texts and numbers may be anything */
}

static void test_no_file(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct journal_view v;

	assert_int_equal(journal_read(fd, &v, NULL), -EBADMSG);
	journal_view_fini(&v);
	close(fd);
}

/* -- processes ----------------------------------------------------------------------------------- */

struct found {
	int n;
	struct undo_result result;
	int err;
	bool undo, was_live, has_process;
	struct journal_head head;
	void (*change)(struct journal_view *v);
};

static int look(void *arg, const struct journal_file *f, struct journal_view *v)
{
	struct found *x = arg;

	if (strncmp(f->dir_name, dir, strlen(dir)) != 0)
		return 0; /* root sees everybody's */
	x->n++;
	x->head = v->head;
	x->was_live = journal_is_live(v);
	if (x->change)
		x->change(v);
	x->has_process = journal_has_process(v);
	if (x->undo) {
		assert_int_equal(journal_lock(f, 1000), 1);
		x->err = undo_journal(v, &x->result, NULL);
	}
	return 0;
}

static struct found find(bool undo, void (*change)(struct journal_view *v))
{
	struct found x = { .undo = undo, .change = change };

	assert_int_equal(journal_each(look, &x), 0);
	return x;
}

/* A victim with arena and journal, as a session has it. */
static void start(struct victim *v, struct arena **a)
{
	victim_ready(v, "threads");
	assert_int_equal(arena_create(a), 0);
	assert_int_equal(process_stop(v->p, &v->d), 0);
	if (process_map_arena(v->p, *a, 0, &v->d) < 0)
		fail_msg("%s", v->d.text);
}

static void end(struct victim *v, struct arena *a)
{
	assert_int_equal(victim_wait(v), 0);
	assert_string_equal(victim_output(v), "ready\nbad 0\n");
	victim_free(v);
	arena_destroy(a);
	assert_int_equal(find(false, NULL).n, 0); /* it goes with the session */
	assert_int_equal(access(dir, F_OK), 0);
}

static int value_at(struct victim *v, taddr_t at)
{
	uint8_t b[6];

	assert_int_equal(process_read(v->p, at, b, sizeof(b)), 0);
	return b[1];
}

/* 20 threads call what is patched, and undone by the journal alone, again and again. */
static void test_undone_by_somebody_else(void **state)
{
	struct process_patch x, edge;
	struct victim v;
	struct arena *a;

	start(&v, &a);
	x = answer_patch(&v, "answer", 1, 42);
	edge = answer_patch(&v, "edge", 1, 42);
	process_resume(v.p, NULL);
	for (int i = 0; i < 10; i++) {
		struct found f;
		int r;

		assert_int_equal(process_stop(v.p, &v.d), 0);
		r = process_patch(v.p, (struct process_patch[]){ x, edge }, 2, &v.d);
		process_resume(v.p, NULL);
		f = find(true, NULL);
		assert_int_equal(f.n, 1);
		assert_true(f.was_live && f.has_process && f.head.pid == v.p->pid);
		assert_int_equal(f.head.count, 2); /* the same windows each time */
		assert_int_equal(f.err, 0);
		assert_int_equal(f.result.restored + r, 2);
		assert_int_equal(f.result.left, 0);
		assert_int_equal(value_at(&v, x.addr), 1);
		assert_int_equal(value_at(&v, edge.addr), 1);
		f = find(true, NULL); /* again: nothing to do */
		assert_true(f.err == 0 && f.result.restored == 0 && f.result.left == 0);
	}
	end(&v, a);
}

/* The writer died in the middle of a write: only a page of it came through. */
static void test_torn_window(void **state)
{
	struct process_patch edge;
	struct victim v;
	struct arena *a;
	struct found f;
	size_t page;

	start(&v, &a);
	edge = answer_patch(&v, "edge", 1, 42);
	page = 4096 - edge.addr % 4096;
	assert_true(page < edge.len);
	memset(edge.bytes, 0x90, edge.len);
	memcpy(edge.bytes + 3, "\xcc\xcc\xcc", 3);
	assert_int_equal(process_patch(v.p, &edge, 1, &v.d), 0);
	for (int half = 0; half < 2; half++) {
		if (half)
			process_write(v.p, edge.addr, edge.expect, page),
				process_write(v.p, edge.addr + page, edge.bytes + page,
					      edge.len - page);
		else
			process_write(v.p, edge.addr + page, edge.expect + page, edge.len - page);
		process_resume(v.p, NULL);
		f = find(true, NULL);
		assert_true(f.err == 0 && f.result.restored == 1 && f.result.left == 0);
		assert_int_equal(value_at(&v, edge.addr), 1);
		assert_int_equal(process_stop(v.p, &v.d), 0);
	}
	process_resume(v.p, NULL);
	end(&v, a);
}

/* Somebody else's bytes are not touched, and told of. */
static void test_foreign_bytes_are_left(void **state)
{
	const uint8_t trap = 0xcc;
	struct process_patch x;
	struct victim v;
	struct arena *a;
	struct found f;
	uint8_t now;

	start(&v, &a);
	x = answer_patch(&v, "edge", 1, 42);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_write(v.p, x.addr, &trap, 1);
	process_resume(v.p, NULL);
	f = find(true, NULL);
	assert_true(f.err == 0 && f.result.restored == 0 && f.result.left == 1);
	assert_true(f.result.left_at == x.addr);
	assert_int_equal(process_read(v.p, x.addr, &now, 1), 0);
	assert_int_equal(now, trap);
	end(&v, a);
}

static void other_start(struct journal_view *v)
{
	v->head.pid_start++;
}

static void other_program(struct journal_view *v)
{
	v->head.exe_ino++;
}

static void other_owner(struct journal_view *v)
{
	v->owner = 4321;
}

static void other_space(struct journal_view *v)
{
	v->head.arena += 4096; /* the same file executed once more */
}

static void other_pid(struct journal_view *v)
{
	v->head.pid = 1;
}

static void other_boot(struct journal_view *v)
{
	v->head.place.boot[0] ^= 1;
}

/* A pid that means another process by now, or another program, or is not theirs to change. */
static void test_others_are_not_touched(void **state)
{
	static void (*const change[])(struct journal_view * v) = { other_start, other_program,
								   other_owner, other_space,
								   other_pid,   other_boot };
	struct process_patch x;
	struct victim v;
	struct arena *a;

	start(&v, &a);
	x = answer_patch(&v, "answer", 1, 42);
	x.result = process_patch(v.p, &x, 1, &v.d);
	process_resume(v.p, NULL);
	for (size_t i = 0; i < ARRAY_LEN(change); i++) {
		struct found f = find(true, change[i]);

		assert_true(f.err == 0 && f.result.gone && f.result.restored == 0);
		assert_int_equal(f.has_process, change[i] == other_space);
		assert_int_equal(value_at(&v, x.addr), x.result ? 1 : 42);
	}
	end(&v, a);
}

static void other_pid_namespace(struct journal_view *v)
{
	v->head.place.pid_ns++;
}

static void other_time_namespace(struct journal_view *v)
{
	v->head.place.time_ns++;
}

static void place_not_known(struct journal_view *v)
{
	memset(&v->head.place, 0, sizeof(v->head.place));
}

/* What a pid means elsewhere is not known here: nothing is done, nor is the file of no use. */
static void test_elsewhere(void **state)
{
	struct process_patch x;
	struct victim v;
	struct arena *a;
	struct found f;

	start(&v, &a);
	x = answer_patch(&v, "edge", 1, 42);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_resume(v.p, NULL);
	f = find(true, other_pid_namespace);
	assert_true(f.was_live && !f.has_process && f.err == -EXDEV && !f.result.gone);
	f = find(true, other_time_namespace);
	assert_true(!f.has_process && f.err == -EXDEV && !f.result.gone);
	assert_int_equal(value_at(&v, x.addr), 42);
	f = find(true, place_not_known);
	assert_true(f.has_process && f.err == 0 && f.result.restored == 1);
	end(&v, a);
}

/* What is to be written into slots and images is, but for what serves something else by now. */
static void test_writes(void **state)
{
	const uint64_t ours = 0x1122334455667788;
	struct victim v;
	struct arena *a;
	struct found f;
	uint64_t got[2] = { 0 };
	taddr_t at;

	start(&v, &a);
	at = v.p->slab[SLAB_LIB].text + 4096;
	assert_int_equal(journal_write(v.p, at, &ours, 8), 0);
	assert_int_equal(journal_write(v.p, at + 8, &ours, 8), 0);
	journal_forget(v.p, at + 8);
	for (int i = 0; i < 1000; i++) { /* images come and go: the file does not grow */
		assert_int_equal(journal_write(v.p, at + 8, &ours, 8), 0);
		journal_forget(v.p, at + 8);
	}
	for (int i = 0; i < 1000; i++) /* the file grows */
		assert_int_equal(journal_write(v.p, at + 64 + 8 * (taddr_t)i, &ours, 8), 0);
	process_resume(v.p, NULL);
	f = find(true, NULL);
	assert_int_equal(f.err, 0);
	assert_int_equal(f.head.count, 1001); /* the void one serves again */
	process_read(v.p, at, got, sizeof(got));
	assert_true(got[0] == ours && got[1] != ours);
	process_read(v.p, at + 64 + 8 * 999, got, 8);
	assert_true(got[0] == ours);
	end(&v, a);
}

/* The session ends, but a window could not be restored: the file stays for somebody else. */
static void test_owed_is_kept(void **state)
{
	struct process_patch x;
	struct victim v;
	struct arena *a;
	struct found f;
	pid_t pid;
	int st;

	start(&v, &a);
	x = answer_patch(&v, "edge", 1, 42);
	assert_int_equal(process_patch(v.p, &x, 1, &v.d), 0);
	process_resume(v.p, NULL);
	pid = v.p->pid;
	process_free(v.p);
	f = find(true, NULL);
	assert_true(f.n == 1 && !f.was_live && f.head.tool == 0 && f.has_process);
	assert_true(f.err == 0 && f.result.restored == 1);
	close(v.in);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	f = find(true, NULL);
	assert_true(f.n == 1 && !f.has_process && f.err == 0 && f.result.gone);
	close(v.out);
	arena_destroy(a);
	assert_int_equal(system("rm -r $XDG_RUNTIME_DIR/utramp"), 0);
}

/* Others may write there, or it is none of ours: there is no journal, and it is told why. */
static void test_directories(void **state)
{
	char path[64];
	struct victim v;
	char prog[] = VICTIM, arg[] = "env";
	char *const argv[] = { prog, arg, NULL };

	snprintf(path, sizeof(path), "%s/utramp", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(victim_spawn(&v, argv), 0);
	assert_int_equal(find(false, NULL).n, 0);
	assert_int_not_equal(rmdir(path), -1); /* nothing was put there */
	if (v.p->journal)
		assert_null(journal_missing(v.p)); /* the next place served */
	else
		assert_non_null(strstr(journal_missing(v.p), "others may write there"));
	victim_free(&v);
}

static int remove_unborn(void *arg, const struct journal_file *f, struct journal_view *v)
{
	*(int *)arg += !v->head.pid && journal_remove_unborn(f);
	return 0;
}

/* A file that its writer was killed behind making is no damaged journal. */
static void test_unborn(void **state)
{
	const struct timespec then[2] = { { time(NULL) - 10, 0 }, { time(NULL) - 10, 0 } };
	char path[128];
	int n = 0, fd, locked;

	snprintf(path, sizeof(path), "%s/utramp", getenv("XDG_RUNTIME_DIR"));
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/utramp/4711.1", getenv("XDG_RUNTIME_DIR"));
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 16384), 0);
	assert_int_equal(journal_each(remove_unborn, &n), 0);
	assert_int_equal(n, 0); /* young: it may become one */
	assert_int_equal(futimens(fd, then), 0);
	locked = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(locked, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(journal_each(remove_unborn, &n), 0);
	assert_int_equal(n, 0); /* its writer lives */
	close(locked);
	assert_int_equal(pwrite(fd, "x", 1, 0), 1);
	assert_int_equal(futimens(fd, then), 0);
	assert_int_equal(journal_each(remove_unborn, &n), 0);
	assert_int_equal(n, 0); /* whatever it is, it is not empty */
	assert_int_equal(pwrite(fd, "", 1, 0), 1);
	assert_int_equal(futimens(fd, then), 0);
	assert_int_equal(journal_each(remove_unborn, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(access(path, F_OK), -1);
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
		cmocka_unit_test(test_only_what_is_counted),
		cmocka_unit_test(test_damage_is_refused),
		cmocka_unit_test(test_cut_off_anywhere),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_undone_by_somebody_else),
		cmocka_unit_test(test_torn_window),
		cmocka_unit_test(test_foreign_bytes_are_left),
		cmocka_unit_test(test_others_are_not_touched),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_owed_is_kept),
		cmocka_unit_test(test_unborn),
		cmocka_unit_test(test_directories),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
