/* names_test.c - names of slots and images in the slab's file, as readers of ELF find them. */
#include "attach/names.h"
#include "info/objfile.h"
#include "rt/slab.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM 0x7f0000000000ull /* where the target has it, unlike the file */

static char path[] = "/tmp/utramp-names-XXXXXX";
static int fd = -1;

static int make_file(void **state)
{
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	return fd < 0 ||
	       write(fd, slab_template, slab_template_size) != (ssize_t)slab_template_size ||
	       ftruncate(fd, (off_t)slab_file_size) < 0;
}

static int drop_file(void **state)
{
	close(fd);
	return unlink(path);
}

/* The symbol, or NULL. */
static const struct objsym *find(const struct objfile *o, const char *name)
{
	for (unsigned i = 0; i < o->nsym; i++) {
		if (!strcmp(o->sym[i].name, name))
			return &o->sym[i];
	}
	return NULL;
}

static void expect(const struct objfile *o, const char *name, uint64_t at, uint64_t size)
{
	const struct objsym *room = find(o, "slab_text"), *s = find(o, name);

	assert_non_null(room);
	assert_non_null(s);
	assert_int_equal(s->addr, room->addr + at);
	assert_int_equal(s->size, size);
}

static struct objfile *reopen(void)
{
	struct objfile *o = NULL;

	assert_int_equal(objfile_open(path, &o, NULL), 0);
	return o;
}

static void test_batches(void **state)
{
	struct names n = { 0 };
	struct objfile *o = reopen();
	unsigned before = o->nsym;
	char name[32];

	objfile_close(o);
	names_add(&n, ROOM, 64, "f", " slot");
	names_add(&n, ROOM + 64, 100, "f", "");
	names_add(&n, ROOM + 256, 8, "_ZN1a1bEi", "");
	names_write(&n, fd, ROOM, slab_file_size);
	names_write(&n, fd, ROOM, slab_file_size); /* nothing new */
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		names_add(&n, ROOM + 1024 + 16 * i, 16, name, "");
		if (i % 100 == 0)
			names_write(&n, fd, ROOM, slab_file_size);
	}
	names_write(&n, fd, ROOM, slab_file_size);
	o = reopen();
	expect(o, "utramp:f slot", 0, 64);
	expect(o, "utramp:f", 64, 100);
	assert_true(find(o, "utramp:a::b(int)") || find(o, "utramp:_ZN1a1bEi"));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "utramp:g%u", i);
		expect(o, name, 1024 + 16 * i, 16);
	}
	assert_int_equal(o->nsym, before + 503);
	assert_non_null(find(o, "rt_first")); /* what was there is there */
	assert_int_equal(find(o, "slab_text")->size, 0);
	objfile_close(o);
	names_fini(&n);
}

/* 10,000 images of ten functions, five at a time: no more symbols and text than ten. */
static void test_again(void **state)
{
	struct names n = { 0 };
	struct objfile *o = reopen();
	unsigned before = o->nsym;
	uint32_t id[5];
	char name[32];

	objfile_close(o);
	for (unsigned i = 0; i < 10000; i++) {
		if (i >= 5)
			names_drop(&n, id[i % 5]);
		snprintf(name, sizeof(name), "f%u", i % 10);
		id[i % 5] =
			names_add(&n, ROOM + 16 * i, 16, name, i % 3 ? "" : " of another length");
		assert_int_not_equal(id[i % 5], NAMES_NONE);
		if (i % 7 == 0)
			names_write(&n, fd, ROOM, slab_file_size);
	}
	names_drop(&n, id[0]);
	names_drop(&n, NAMES_NONE);
	names_write(&n, fd, ROOM, slab_file_size);
	assert_false(n.failed);
	assert_true(n.text.n < 500);
	o = reopen();
	assert_int_equal(o->nsym, before + 4);
	expect(o, "utramp:f6 of another length", 16 * 9996, 16);
	expect(o, "utramp:f7", 16 * 9997, 16);
	expect(o, "utramp:f9 of another length", 16 * 9999, 16);
	assert_null(find(o, "utramp:f5")); /* dropped */
	objfile_close(o);
	names_fini(&n);
}

/* A write beyond RLIMIT_FSIZE would be SIGXFSZ: nothing is written, and nothing broken. */
static void test_limit(void **state)
{
	struct rlimit old, low = { slab_file_size, RLIM_INFINITY };
	struct names n = { 0 };
	struct objfile *o;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low.rlim_max = old.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	names_add(&n, ROOM, 64, "f", "");
	names_write(&n, fd, ROOM, slab_file_size);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(n.failed);
	o = reopen();
	assert_null(find(o, "utramp:f"));
	assert_non_null(find(o, "rt_first"));
	objfile_close(o);
	names_fini(&n);
}

/* No file, one that is not ours: left alone. */
static void test_no_file(void **state)
{
	struct names n = { 0 };

	names_add(&n, ROOM, 64, "f", "");
	names_write(&n, -1, ROOM, slab_file_size);
	assert_int_equal(ftruncate(fd, 0), 0);
	names_write(&n, fd, ROOM, slab_file_size);
	assert_true(n.failed);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	names_fini(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_batches, make_file, drop_file),
		cmocka_unit_test_setup_teardown(test_again, make_file, drop_file),
		cmocka_unit_test_setup_teardown(test_limit, make_file, drop_file),
		cmocka_unit_test_setup_teardown(test_no_file, make_file, drop_file),
	};

	return cmocka_run_group_tests_name("attach/names", tests, NULL, NULL);
}
