/*
 * hostile input: truncated and damaged ELF, DWARF and BTF, from a fixed seed.  Nothing is
 * asserted but that it ends, in an error or an answer; run it under the sanitizers.
 *
 *	info_fuzz_test ELF ELF BTF
 */
#include "info/args.h"
#include "info/btf.h"
#include "info/dwarf.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define ROUNDS 300

static char **path;
static uint64_t seed;

static uint32_t rnd(uint32_t below)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((seed >> 33) % below);
}

static uint8_t *read_file(const char *name, size_t *n)
{
	struct stat st;
	int fd = open(name, O_RDONLY);
	uint8_t *at;

	assert_int_equal(fstat(fd, &st), 0);
	*n = (size_t)st.st_size;
	at = malloc(*n);
	assert_int_equal(read(fd, at, *n), *n);
	close(fd);
	return at;
}

static void use_objfile(const uint8_t *at, size_t n)
{
	struct taddr_range r;
	struct objfile *o;
	struct diag d = { 0 };
	uint8_t bytes[32];
	size_t size;
	int err;

	err = objfile_open_mem(at, n, "fuzz", &o, &d);
	if (err < 0) {
		assert_true(err == -EBADMSG || err == -ENOTSUP);
		assert_true(d.text[0]);
		return;
	}
	for (unsigned i = 0; i < o->nsym; i++) {
		objfile_sym(o, o->sym[i].name);
		objfile_sym_at(o, o->sym[i].addr);
		objfile_func_range(o, o->sym[i].addr + 1, &r);
		objfile_bytes(o, o->sym[i].addr, bytes, sizeof(bytes));
	}
	objfile_section(o, ".debug_info", &size, NULL);
	objfile_close(o);
}

/* Walk a type as a user would, each pointer once. */
static void use_type(const struct ty *t, unsigned depth)
{
	char out[100];

	ty_format(t, out, sizeof(out));
	t = ty_strip(t);
	if (depth > 3)
		return;
	if (t->kind == TY_STRUCT || t->kind == TY_UNION)
		for (uint64_t i = 0; i < t->n; i++)
			use_type(t->member[i].type, depth + 1);
	if (t->kind == TY_PTR || t->kind == TY_ARRAY)
		use_type(t->of, depth + 1);
	if (t->kind == TY_ENUM)
		for (uint64_t i = 0; i < t->n; i++)
			assert_non_null(t->enumerator[i].name);
}

static void use_proto(const struct proto *p)
{
	char out[300];

	proto_format(p, out, sizeof(out));
	use_type(p->ret, 0);
	for (unsigned i = 0; i < p->nparams; i++)
		use_type(p->param[i].type, 0);
}

struct dwarf_use {
	struct dwarf_reader *r;
	struct ty_pool *pool;
};

static int use_func(const char *name, const char *linkage, taddr_t addr, void *arg)
{
	struct dwarf_use *u = arg;
	struct proto p;

	if (!dwr_proto_at(u->r, addr, u->pool, &p, NULL))
		use_proto(&p);
	return 0;
}

static void use_dwarf(const uint8_t *at, size_t n)
{
	struct args_table t;
	struct dwarf_use u;
	char name[40];
	int fd = memfd_create("fuzz", 0);

	assert_int_equal(write(fd, at, n), n);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (dwr_open(name, &u.r, NULL) == 0) {
		assert_int_equal(ty_pool_new(&u.pool), 0);
		dwr_each_func(u.r, use_func, &u);
		dwr_inlined_count(u.r, "twice");
		dwr_args(u.r, &t, NULL);
		ty_pool_free(u.pool);
		dwr_close(u.r);
	}
	close(fd);
}

static void use_btf(const uint8_t *at, size_t n)
{
	static const char *const func[] = { "a0", "a1", "a3", "a7s", "avar", "defined" };
	static const char *const type[] = { "node", "bits", "color", "pair_t", "number" };
	struct args_table t;
	struct btf_reader *r;
	struct ty_pool *pool;
	const struct ty *ty;
	struct proto p;

	if (btfr_open_mem(at, n, &r, NULL) < 0)
		return;
	assert_int_equal(ty_pool_new(&pool), 0);
	for (size_t i = 0; i < ARRAY_LEN(func); i++)
		if (!btfr_proto(r, func[i], pool, &p, NULL))
			use_proto(&p);
	for (size_t i = 0; i < ARRAY_LEN(type); i++)
		if (!btfr_type(r, type[i], pool, &ty, NULL))
			use_type(ty, 0);
	btfr_args(r, &t, NULL);
	ty_pool_free(pool);
	btfr_close(r);
}

/* In a buffer of exactly that size, so that the sanitizer sees a step too far. */
static void cut(const char *name, void (*use)(const uint8_t *at, size_t n))
{
	size_t n, len;
	uint8_t *at = read_file(name, &n), *copy;

	for (unsigned i = 0; i < ROUNDS; i++) {
		len = i < 100 ? i : rnd((uint32_t)n);
		copy = malloc(len ? len : 1);
		memcpy(copy, at, len);
		use(copy, len);
		free(copy);
	}
	free(at);
}

/* Flip bits inside [lo, hi) of the file. */
static void flip(const char *name, size_t lo, size_t hi, void (*use)(const uint8_t *at, size_t n))
{
	size_t n, at;
	uint8_t *from = read_file(name, &n), *copy;

	if (hi > n)
		hi = n;
	for (unsigned i = 0; i < ROUNDS; i++) {
		copy = malloc(n);
		memcpy(copy, from, n);
		for (unsigned k = 1 + rnd(16); k; k--) {
			at = lo + rnd((uint32_t)(hi - lo));
			copy[at] = rnd(2) ? (uint8_t)rnd(256) : copy[at] ^ (uint8_t)(1u << rnd(8));
		}
		use(copy, n);
		free(copy);
	}
	free(from);
}

static void flip_section(const char *name, const char *section,
			 void (*use)(const uint8_t *at, size_t n))
{
	struct objfile *o;
	const uint8_t *data;
	uint8_t *file;
	size_t size, n;

	assert_int_equal(objfile_open(name, &o, NULL), 0);
	data = objfile_section(o, section, &size, NULL);
	assert_non_null(data);
	file = read_file(name, &n);
	for (size_t i = 0; i + size <= n; i++)
		if (!memcmp(file + i, data, size)) {
			flip(name, i, i + size, use);
			break;
		}
	free(file);
	objfile_close(o);
}

static void test_elf_cut(void **state)
{
	seed = 1;
	cut(path[1], use_objfile);
	cut(path[2], use_objfile);
}

static void test_elf_flip(void **state)
{
	size_t n;
	struct {
		uint64_t skip[5], shoff;
	} * h;

	seed = 2;
	h = (void *)read_file(path[2], &n);
	flip(path[2], 16, 1024, use_objfile);
	flip(path[2], h->shoff, n, use_objfile);
	flip(path[2], 0, n, use_objfile);
	flip_section(path[2], ".eh_frame", use_objfile);
	flip_section(path[2], ".gnu.version_d", use_objfile);
	flip_section(path[2], ".dynsym", use_objfile);
	flip_section(path[2], ".dynamic", use_objfile);
	free(h);
}

static void test_dwarf_cut(void **state)
{
	seed = 3;
	cut(path[1], use_dwarf);
}

static void test_dwarf_flip(void **state)
{
	seed = 4;
	flip_section(path[1], ".debug_info", use_dwarf);
	flip_section(path[1], ".debug_abbrev", use_dwarf);
	flip_section(path[1], ".debug_str", use_dwarf);
	flip_section(path[1], ".debug_loc", use_dwarf);
}

static void test_btf(void **state)
{
	seed = 5;
	cut(path[3], use_btf);
	flip(path[3], 0, 64, use_btf);
	for (unsigned i = 0; i < 10; i++)
		flip(path[3], 24, 100000, use_btf);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_cut),   cmocka_unit_test(test_elf_flip),
		cmocka_unit_test(test_dwarf_cut), cmocka_unit_test(test_dwarf_flip),
		cmocka_unit_test(test_btf),
	};

	if (argc < 4)
		return 2;
	path = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
