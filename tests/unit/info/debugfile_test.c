/*
 * tests of info/debugfile.h, and of symbols and DWARF from a separate file:
 * debugfile_test STRIPPED.so ITS.debug WHOLE.so OTHER.so
 */
#include "info/debugfile.h"
#include "info/dwarf.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *stripped, *debug, *whole, *other;
static struct objfile *obj;

static int set_up(void **state)
{
	return objfile_open(stripped, &obj, NULL);
}

static int tear_down(void **state)
{
	objfile_close(obj);
	return 0;
}

static void test_read(void **state)
{
	char a[DEBUGFILE_ID_TEXT], b[DEBUGFILE_ID_TEXT];
	struct diag d = { 0 };
	struct debugfile f;

	assert_int_equal(debugfile_read(debug, &f, &d), 0);
	assert_true(f.dwarf && f.symbols && debugfile_is_of(&f, obj));
	assert_int_equal(f.build_id_len, 20);
	assert_string_equal(debugfile_id_text(f.build_id, f.build_id_len, a),
			    debugfile_id_text(obj->build_id, obj->build_id_len, b));
	assert_int_equal(strlen(a), 40);
	assert_string_equal(debugfile_id_text(NULL, 0, a), "no build-id");
	assert_int_equal(debugfile_read(stripped, &f, &d), 0);
	assert_true(!f.dwarf && !f.symbols && debugfile_is_of(&f, obj));
	assert_int_equal(debugfile_read(other, &f, &d), 0);
	assert_true(f.dwarf && f.symbols && !debugfile_is_of(&f, obj));
}

static void test_read_failures(void **state)
{
	static const struct {
		const char *path, *words;
		int err;
	} row[] = {
		{ "/nonexistent", "No such file", -ENOENT },
		{ "/tmp", "not a regular file", -EBADMSG },
		{ "/dev/null", "not a regular file", -EBADMSG },
		{ "/etc/passwd", "not an ELF file", -EBADMSG },
	};

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct diag d = { 0 };
		struct debugfile f;

		assert_int_equal(debugfile_read(row[i].path, &f, &d), row[i].err);
		assert_non_null(strstr(d.text, row[i].path));
		assert_non_null(strstr(d.text, row[i].words));
	}
}

static unsigned functions(const struct objfile *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->nsym; i++)
		n += o->sym[i].type == OBJSYM_FUNC;
	return n;
}

/* Then they are those of the file before it was stripped, each once. */
static void test_symbols(void **state)
{
	const char *kept = obj->sym[0].name;
	struct diag d = { 0 };
	struct objfile *full;

	assert_int_equal(objfile_open(whole, &full, &d), 0);
	assert_true(functions(obj) < functions(full));
	assert_int_equal(objfile_add_symbols(obj, "/nonexistent", &d), -ENOENT);
	assert_int_equal(objfile_add_symbols(obj, "/etc/passwd", &d), -EBADMSG);
	assert_true(functions(obj) < functions(full));
	assert_int_equal(objfile_add_symbols(obj, debug, &d), 0);
	assert_int_equal(functions(obj), functions(full));
	for (unsigned i = 0; i < full->nsym; i++) {
		const struct objsym *s = objfile_sym(obj, full->sym[i].name);

		if (full->sym[i].type != OBJSYM_FUNC)
			continue;
		assert_non_null(s);
		assert_int_equal(s->type, OBJSYM_FUNC);
		assert_true(objfile_sym_at(obj, full->sym[i].addr) != NULL);
	}
	assert_true(kept[0] != '\0'); /* names from before are good still */
	assert_int_equal(objfile_add_symbols(obj, debug, &d), -EINVAL);
	objfile_close(full);
}

static void assert_same_place(const struct proto_place *a, const struct proto_place *b)
{
	struct proto_place pa = *a, pb = *b;

	assert_int_equal(a->nparts, b->nparts);
	for (unsigned i = 0; i < a->nparts; i++)
		assert_memory_equal(&a->part[i], &b->part[i], sizeof(a->part[i]));
	pa.part = pb.part = NULL;
	assert_memory_equal(&pa, &pb, sizeof(pa));
}

/* The separate DWARF says what the whole file's said, places included, of each function. */
static void test_dwarf(void **state)
{
	struct dwarf_reader *apart, *together;
	struct ty_pool *pool;
	struct diag d = { 0 };
	struct objfile *full;
	unsigned n = 0;

	assert_int_equal(ty_pool_new(&pool), 0);
	assert_int_equal(objfile_open(whole, &full, &d), 0);
	assert_int_equal(dwr_open_separate(debug, stripped, &apart, &d), 0);
	assert_int_equal(dwr_open(whole, &together, &d), 0);
	for (unsigned i = 0; i < full->nsym; i++) {
		char a[512], b[512];
		struct proto pa, pb;
		int err = dwr_proto_at(together, full->sym[i].addr, pool, &pa, NULL);

		assert_int_equal(dwr_proto_at(apart, full->sym[i].addr, pool, &pb, NULL), err);
		if (err)
			continue;
		proto_format(&pa, a, sizeof(a));
		proto_format(&pb, b, sizeof(b));
		assert_string_equal(a, b);
		assert_int_equal(pa.nparams, pb.nparams);
		for (unsigned k = 0; k < pa.nparams; k++)
			assert_same_place(&pa.param[k].place, &pb.param[k].place);
		n++;
	}
	assert_true(n > 10);
	dwr_close(apart);
	dwr_close(together);
	assert_int_equal(dwr_open_separate(debug, "/nonexistent", &apart, &d), -ENOENT);
	assert_int_equal(dwr_open_separate(stripped, stripped, &apart, &d), -ENOENT);
	objfile_close(full);
	ty_pool_free(pool);
}

static void test_beside(void **state)
{
	char *found = NULL, real[PATH_MAX];
	struct diag d = { 0 };

	assert_int_equal(debugfile_beside(obj, stripped, &found, &d), 0);
	assert_non_null(realpath(debug, real));
	assert_string_equal(found, real);
	free(found);
	assert_int_equal(debugfile_beside(obj, "/usr/bin/nothing", &found, &d), -ENOENT);
	assert_string_equal(d.text, "");
	assert_int_equal(debugfile_in_tree(obj, stripped, "/nonexistent", &found, &d), -ENOENT);
	assert_string_equal(d.text, "");
}

static void copy(const char *from, const char *to, bool spoil)
{
	FILE *in = fopen(from, "re"), *out = fopen(to, "we");
	int c;

	assert_true(in && out);
	while ((c = fgetc(in)) != EOF)
		fputc(c, out);
	if (spoil)
		fputc('x', out);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* By build-id in a tree; another's file there is told of. */
static void test_tree(void **state)
{
	char dir[] = "/tmp/debugfile-XXXXXX", id[DEBUGFILE_ID_TEXT], path[512], sub[256];
	struct diag d = { 0 };
	char *found = NULL;

	assert_non_null(mkdtemp(dir));
	debugfile_id_text(obj->build_id, obj->build_id_len, id);
	snprintf(sub, sizeof(sub), "%s/.build-id", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(sub, sizeof(sub), "%s/.build-id/%.2s", dir, id);
	assert_int_equal(mkdir(sub, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s.debug", sub, id + 2);
	copy(debug, path, false);
	assert_int_equal(debugfile_in_tree(obj, stripped, dir, &found, &d), 0);
	assert_string_equal(found, path);
	free(found);
	copy(other, path, false);
	assert_int_equal(debugfile_in_tree(obj, stripped, dir, &found, &d), -ENOENT);
	assert_non_null(strstr(d.text, id));
	unlink(path);
	rmdir(sub);
	/* by link, the checksum of which does not hold */
	snprintf(sub, sizeof(sub), "%s/.build-id", dir);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/split.so", dir);
	snprintf(path, sizeof(path), "%s/split.debug", dir);
	copy(stripped, sub, false);
	copy(debug, path, true);
	d.text[0] = '\0';
	assert_int_equal(debugfile_beside(obj, sub, &found, &d), -ENOENT);
	assert_non_null(strstr(d.text, "checksum"));
	copy(debug, path, false);
	assert_int_equal(debugfile_beside(obj, sub, &found, &d), 0);
	assert_string_equal(found, path);
	free(found);
	unlink(path);
	unlink(sub);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
		cmocka_unit_test(test_read_failures),
		cmocka_unit_test_setup_teardown(test_symbols, set_up, tear_down),
		cmocka_unit_test(test_dwarf),
		cmocka_unit_test_setup_teardown(test_beside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tree, set_up, tear_down),
	};

	if (argc != 5)
		return 2;
	stripped = argv[1];
	debug = argv[2];
	whole = argv[3];
	other = argv[4];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
