/*
 * tests of info/btf_gen.h, of info/header.h where libclang is, and of the tags that the reader knows.
 */
#include "info/btf.h"
#include "info/btf_gen.h"
#include "info/type.h"

#include <bpf/btf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../skip.h"

/* struct pair { long a; unsigned b:5; } aligned(align); int f(struct pair p, ...); noreturn */
static void *make(uint32_t align, size_t *size)
{
	struct header_member m[2] = { { .name = "a", .type = 1 },
				      { .name = "b", .type = 2, .bits = 5, .at = 64 } },
			     param = { .name = "p", .type = 3 };
	struct header_type t[4] = {
		{ .kind = HEADER_INT, .name = "long", .is_signed = true, .size = 8 },
		{ .kind = HEADER_INT, .name = "unsigned int", .size = 4 },
		{ .kind = HEADER_STRUCT, .name = "pair", .size = 16, .align = align },
		{ .kind = HEADER_PROTO, .name = "", .of = 1, .variadic = true },
	};
	struct header_func f[2] = { { "f", 4, true }, { "g", 4, false } };
	struct header h = { 0 };
	void *raw = NULL;

	t[2].m.at = m;
	t[2].m.n = 2;
	t[3].m.at = &param;
	t[3].m.n = 1;
	h.types.at = t;
	h.types.n = 4;
	h.funcs.at = f;
	h.funcs.n = 2;
	assert_int_equal(btfgen_raw(&h, &raw, size, NULL), 0);
	return raw;
}

static const struct ty *read_pair(const void *raw, size_t size, struct ty_pool *pool,
				  struct btf_reader **r)
{
	const struct ty *t = NULL;

	assert_int_equal(btfr_open_mem(raw, size, r, NULL), 0);
	assert_int_equal(btfr_type(*r, "struct pair", pool, &t, NULL), 0);
	return t;
}

static void test_round_trip(void **state)
{
	size_t size, again;
	void *raw = make(16, &size), *same = make(16, &again);
	struct btf_reader *r;
	struct ty_pool *pool;
	const struct ty *t;
	struct proto p;
	char text[80];

	assert_int_equal(ty_pool_new(&pool), 0);
	assert_int_equal(size, again);
	assert_memory_equal(raw, same, size);
	t = read_pair(raw, size, pool, &r);
	assert_int_equal(t->align, 16);
	assert_true(t->flags & TY_ALIGN_TOLD);
	assert_int_equal(t->member[1].bits, 5);
	assert_int_equal(t->member[1].offset, 8);
	assert_int_equal(btfr_proto(r, "f", pool, &p, NULL), 0);
	assert_true(p.noreturn && p.variadic);
	proto_format(&p, text, sizeof(text));
	assert_string_equal(text, "long f(struct pair p, ...)");
	assert_int_equal(btfr_proto(r, "g", pool, &p, NULL), 0);
	assert_false(p.noreturn);
	btfr_close(r);
	ty_pool_free(pool);
	free(raw);
	free(same);
}

/* Lower than its members', as packed has it: that is told, too. */
static void test_packed(void **state)
{
	struct btf_reader *r;
	struct ty_pool *pool;
	const struct ty *t;
	size_t size;
	void *raw = make(1, &size);

	assert_int_equal(ty_pool_new(&pool), 0);
	t = read_pair(raw, size, pool, &r);
	assert_int_equal(t->align, 1);
	assert_true(t->flags & TY_ALIGN_TOLD);
	btfr_close(r);
	ty_pool_free(pool);
	free(raw);
}

/* Tags that tell what cannot be, or of something else, tell nothing. */
static void test_unbelievable_tags(void **state)
{
	static const char *const tags[] = { "utramp:align=3",     "utramp:align=0",
					    "utramp:align=",      "utramp:align=32",
					    "utramp:align=8x",    "utramp:align=99999999999999999",
					    "utramp:noreturn",    "utramp:align=-8",
					    "else:utramp:align=8" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct btf *btf = btf__new_empty();
		struct btf_reader *r;
		struct ty_pool *pool;
		const struct ty *t;
		const void *raw;
		uint32_t size;

		assert_int_equal(ty_pool_new(&pool), 0);
		btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
		btf__add_struct(btf, "pair", 16);
		btf__add_field(btf, "a", 1, 0, 0);
		btf__add_field(btf, "b", 1, 64, 0);
		btf__add_decl_tag(btf, tags[i], 2, -1);
		btf__add_decl_tag(btf, "utramp:align=16", 2, 0); /* of a member */
		btf__add_decl_tag(btf, "utramp:align=16", 1, -1);
		btf__add_decl_tag(btf, "utramp:align=16", 999, -1);
		raw = btf__raw_data(btf, &size);
		t = read_pair(raw, size, pool, &r);
		assert_int_equal(t->align, 8);
		assert_false(t->flags & TY_ALIGN_TOLD);
		btfr_close(r);
		ty_pool_free(pool);
		btf__free(btf);
	}
}

static void count(void *ctx, const char *text)
{
	*(size_t *)ctx += strlen(text);
}

static void test_dump(void **state)
{
	char path[] = "/tmp/btf-gen-XXXXXX";
	size_t size, printed = 0;
	void *raw = make(16, &size);
	struct diag d = { 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, raw, size), (ssize_t)size);
	close(fd);
	assert_int_equal(btfgen_dump(path, count, &printed, &d), 0);
	assert_true(printed > 60);
	unlink(path);
	assert_int_equal(btfgen_dump(path, count, &printed, &d), -ENOENT);
	free(raw);
}

struct told {
	int n;
	char last[80];
};

static void note(void *ctx, const char *function, const char *why)
{
	struct told *t = ctx;

	t->n++;
	snprintf(t->last, sizeof(t->last), "%s: %s", function, why);
}

/* Written here, so that every way out of the reader runs under the sanitizers. */
static void test_header(void **state)
{
	static const char text[] = "struct s { struct s *next; long v[2]; };\n"
				   "int takes(struct s s, const char *__name);\n"
				   "int old();\n";
	char dir[] = "/tmp/header-test-XXXXXX", path[64];
	const char *headers[] = { path };
	struct told told = { 0 };
	struct header_opts o = {
		.headers = headers, .nheaders = 1, .left_out = note, .ctx = &told
	};
	struct header *h = NULL;
	struct diag d = { 0 };
	FILE *f;
	int err;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.h", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	err = header_read(&o, &h, &d);
	if (err != -ENOTSUP) {
		assert_int_equal(err, 0);
		assert_int_equal(h->funcs.n, 1);
		assert_string_equal(h->funcs.at[0].name, "takes");
		assert_string_equal(h->types.at[h->funcs.at[0].proto - 1].m.at[1].name, "name");
		assert_int_equal(told.n, 1);
		assert_string_equal(told.last, "old: it is declared without its parameters");
		header_free(h);
		o.library = "/no/such.so";
		assert_int_equal(header_read(&o, &h, &d), -ENOENT);
		o.library = NULL;
		unlink(path);
		assert_int_equal(header_read(&o, &h, &d), -EBADMSG);
		assert_non_null(strstr(d.text, "file not found"));
		headers[0] = "";
		assert_int_equal(header_read(&o, &h, &d), -EINVAL);
	}
	unlink(path);
	rmdir(dir);
	if (err == -ENOTSUP)
		SKIP_TEST(d.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_unbelievable_tags),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
