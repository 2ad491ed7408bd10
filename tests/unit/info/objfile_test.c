/*
 * tests of info/objfile.h: objfile_test VICTIM.so VERSIONS.so PATCHABLE-PIE PATCHABLE-FIXED
 *     POINTERS-RELA POINTERS-RELR
 */
#include "info/objfile.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char **path;

static struct objfile *open_file(const char *name)
{
	struct diag d = { 0 };
	struct objfile *o;

	if (objfile_open(name, &o, &d) < 0)
		fail_msg("%s", d.text);
	return o;
}

static void test_identity(void **state)
{
	struct objfile *o = open_file(path[1]);

	assert_true(o->is_dyn);
	assert_false(o->is_pie);
	assert_false(o->has_interp);
	assert_null(o->interp);
	assert_string_equal(o->soname, "libvictim.so.1");
	assert_int_equal(o->build_id_len, 20);
	assert_false(o->textrel);
	assert_true(o->nseg >= 3);
	objfile_close(o);

	o = open_file(path[3]);
	assert_true(o->is_dyn && o->is_pie && o->has_interp);
	assert_string_equal(o->interp, "/lib64/ld-linux-x86-64.so.2");
	assert_null(o->soname);
	assert_int_not_equal(o->entry, 0);
	objfile_close(o);

	o = open_file(path[4]);
	assert_false(o->is_dyn || o->is_pie);
	assert_true(o->has_interp);
	objfile_close(o);
}

static void test_self(void **state)
{
	struct objfile *o = open_file("/proc/self/exe");
	const struct objsym *s = objfile_sym(o, "main");
	struct taddr_range r;
	uint8_t bytes[16];

	assert_non_null(s);
	assert_int_equal(s->type, OBJSYM_FUNC);
	assert_ptr_equal(objfile_sym_at(o, s->addr), s);
	assert_null(objfile_sym_at(o, s->addr + 1));
	assert_true(objfile_func_range(o, s->addr + 1, &r));
	assert_int_equal(r.lo, s->addr);
	assert_int_equal(r.hi, s->addr + s->size);
	assert_false(objfile_func_range(o, UINT64_MAX, &r));
	assert_false(objfile_func_range(o, 0, &r));
	assert_null(objfile_sym(o, "no_such_symbol"));
	assert_int_equal(objfile_bytes(o, s->addr, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(objfile_bytes(o, UINT64_MAX - 3, bytes, sizeof(bytes)), 0);
	for (unsigned i = 1; i < o->nsym; i++)
		assert_true(o->sym[i].addr >= o->sym[i - 1].addr);
	for (unsigned i = 1; i < o->nfde; i++)
		assert_true(o->fde[i].lo > o->fde[i - 1].lo);
	objfile_close(o);
	objfile_close(NULL);
}

/* Not malloc: under the sanitizer that is another one. */
static void test_libc(void **state)
{
	struct objfile *o;
	const struct objsym *s;
	Dl_info info;

	assert_true(dladdr(dlsym(RTLD_DEFAULT, "gnu_get_libc_version"), &info));
	o = open_file(info.dli_fname);
	s = objfile_sym(o, "gnu_get_libc_version");
	assert_non_null(s);
	assert_int_equal(s->addr, (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version") -
					  (uintptr_t)info.dli_fbase);
	assert_string_equal(s->version, "GLIBC_2.2.5");
	assert_true(s->dynamic && s->default_version && s->global);
	s = objfile_sym(o, "memcpy"); /* two versions: the default one is newer */
	assert_string_equal(s->version, "GLIBC_2.14");
	assert_true(s->default_version);
	assert_int_equal(s->type, OBJSYM_IFUNC);
	assert_true(o->nfde > 1000);
	objfile_close(o);
}

static unsigned count(const struct objfile *o, const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->nsym; i++)
		n += !strcmp(o->sym[i].name, name);
	return n;
}

static void test_versions(void **state)
{
	struct objfile *o = open_file(path[2]);
	const struct objsym *s = objfile_sym(o, "vf"), *old = NULL;

	assert_non_null(s);
	assert_string_equal(s->version, "V_2");
	assert_true(s->default_version);
	assert_int_equal(count(o, "vf"), 2);
	for (unsigned i = 0; i < o->nsym; i++)
		if (!strcmp(o->sym[i].name, "vf") && &o->sym[i] != s)
			old = &o->sym[i];
	assert_string_equal(old->version, "V_1");
	assert_false(old->default_version);
	/* said once, by the dynamic table, though .symtab has it too */
	assert_int_equal(count(o, "plain_g"), 1);
	assert_true(objfile_sym(o, "plain_g")->dynamic);
	/* of two names of one function the one without underscore is shown */
	assert_string_equal(objfile_sym_at(o, objfile_sym(o, "_alias_g")->addr)->name, "plain_g");
	assert_int_equal(objfile_sym(o, "chosen")->type, OBJSYM_IFUNC);
	assert_int_equal(objfile_sym(o, "data_word")->type, OBJSYM_OBJECT);
	assert_null(objfile_sym(o, "tls_word"));
	assert_false(objfile_sym(o, "impl")->global);
	objfile_close(o);
}

static bool has_fde(const struct objfile *o, taddr_t addr)
{
	for (unsigned i = 0; i < o->nfde; i++)
		if (o->fde[i].lo == addr)
			return true;
	return false;
}

static void test_cold_parts(void **state)
{
	struct objfile *o = open_file(path[2]);
	const struct objsym *hot = objfile_sym(o, "split"), *cold = objfile_sym(o, "split.cold");

	assert_non_null(hot);
	assert_true(has_fde(o, hot->addr));
	if (cold)
		assert_false(has_fde(o, cold->addr));
	assert_true(has_fde(o, objfile_sym(o, "plain_g")->addr));
	objfile_close(o);
}

static void test_patchable(void **state)
{
	static const char *const name[] = { "patch_one", "patch_two", "main" };

	for (unsigned f = 3; f <= 4; f++) {
		struct objfile *o = open_file(path[f]);

		assert_int_equal(o->npatchable, 3);
		for (unsigned i = 0; i < 3; i++) {
			taddr_t at = objfile_sym(o, name[i])->addr;

			assert_true(o->patchable[0] == at || o->patchable[1] == at ||
				    o->patchable[2] == at);
		}
		assert_true(o->patchable[0] < o->patchable[1]);
		objfile_close(o);
	}
}

static void test_sections(void **state)
{
	struct objfile *o = open_file(path[1]);
	taddr_t addr;
	size_t n;

	assert_non_null(objfile_section(o, ".text", &n, &addr));
	assert_true(n > 100);
	assert_int_not_equal(addr, 0);
	assert_null(objfile_section(o, ".nonesuch", &n, &addr));
	assert_null(objfile_section(o, ".bss", &n, &addr));
	assert_non_null(objfile_section(o, ".debug_info", &n, NULL));
	objfile_close(o);
}

static void *read_file(const char *name, size_t *n)
{
	struct stat st;
	int fd = open(name, O_RDONLY);
	void *at;

	assert_int_equal(fstat(fd, &st), 0);
	*n = (size_t)st.st_size;
	at = malloc(*n);
	assert_int_equal(read(fd, at, *n), *n);
	close(fd);
	return at;
}

static void test_memory(void **state)
{
	struct objfile *o, *file = open_file(path[1]);
	uint8_t a[64], b[64];
	struct diag d;
	size_t n;
	void *at = read_file(path[1], &n);
	taddr_t f;

	assert_int_equal(objfile_open_mem(at, n, "[mem]", &o, &d), 0);
	assert_string_equal(o->path, "[mem]");
	assert_int_equal(o->nsym, file->nsym);
	assert_int_equal(o->nfde, file->nfde);
	assert_memory_equal(o->build_id, file->build_id, sizeof(o->build_id));
	f = objfile_sym(o, "f_plain")->addr;
	assert_int_equal(objfile_bytes(o, f, a, 64), 64);
	assert_int_equal(objfile_bytes(file, f, b, 64), 64);
	assert_memory_equal(a, b, 64);
	objfile_close(o);
	objfile_close(file);
	free(at);
}

/* Without section headers (sstrip, some packers) the FDEs are found by .eh_frame_hdr. */
static void test_no_sections(void **state)
{
	struct objfile *o, *file = open_file(path[1]);
	Elf64_Ehdr *h;
	size_t n;

	h = read_file(path[1], &n);
	h->e_shoff = 0;
	h->e_shnum = h->e_shstrndx = 0;
	assert_int_equal(objfile_open_mem(h, n, "[mem]", &o, NULL), 0);
	assert_int_equal(o->nsym, 0);
	assert_true(o->nfde >= file->nfde);
	for (unsigned i = 0; i < file->nfde; i++)
		assert_true(has_fde(o, file->fde[i].lo));
	assert_string_equal(o->soname, "libvictim.so.1");
	assert_int_equal(o->build_id_len, 20);
	objfile_close(o);
	objfile_close(file);
	free(h);
}

static void test_vdso(void **state)
{
	const void *at = (const void *)getauxval(AT_SYSINFO_EHDR);
	const struct objsym *s;
	struct objfile *o;
	struct diag d = { 0 };

	if (!at)
		return;
	if (objfile_open_mem(at, 8192, "[vdso]", &o, &d) < 0)
		fail_msg("%s", d.text);
	s = objfile_sym(o, "__vdso_clock_gettime");
	assert_non_null(s);
	assert_string_equal(s->version, "LINUX_2.6");
	assert_string_equal(o->soname, "linux-vdso.so.1");
	objfile_close(o);
}

static void test_refusals(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
		int err;
		const char *says;
	} patch[] = {
		{ EI_CLASS, ELFCLASS32, -ENOTSUP, "32-bit" },
		{ EI_DATA, ELFDATA2MSB, -ENOTSUP, "big-endian" },
		{ EI_CLASS, 9, -EBADMSG, "damaged" },
		{ offsetof(Elf64_Ehdr, e_machine), EM_AARCH64, -ENOTSUP, "machine 183" },
		{ offsetof(Elf64_Ehdr, e_type), ET_REL, -ENOTSUP, "relocatable" },
		{ offsetof(Elf64_Ehdr, e_type), ET_CORE, -ENOTSUP, "core" },
		{ 0, 'x', -EBADMSG, "not an ELF file" },
	};
	struct objfile *o = NULL;
	struct diag d;
	size_t n;
	uint8_t *at = read_file(path[1], &n), old;

	for (size_t i = 0; i < ARRAY_LEN(patch); i++) {
		old = at[patch[i].at];
		at[patch[i].at] = patch[i].value;
		assert_int_equal(objfile_open_mem(at, n, "m", &o, &d), patch[i].err);
		assert_non_null(strstr(d.text, patch[i].says));
		at[patch[i].at] = old;
	}
	free(at);
	assert_int_equal(objfile_open("/nonexistent", &o, &d), -ENOENT);
	assert_int_equal(objfile_open("/etc/passwd", &o, &d), -EBADMSG);
	assert_non_null(strstr(d.text, "not an ELF file"));
	assert_int_equal(objfile_open("/tmp", &o, &d), -EBADMSG);
	assert_int_equal(objfile_open("/dev/null", &o, NULL), -EBADMSG);
	assert_int_equal(objfile_open_mem("", 0, "m", &o, &d), -EBADMSG);
	assert_null(o);
}

static bool names(const taddr_t *at, size_t n, taddr_t addr)
{
	for (size_t i = 0; i < n; i++)
		if (at[i] == addr)
			return true;
	return false;
}

/* Symbols, DT_INIT, and all that relocations put into pointers; no data, no number. */
static void test_code_addresses(void **state)
{
	for (int i = 5; i <= 6; i++) {
		struct objfile *o = open_file(path[i]);
		const struct objsym *named = objfile_sym(o, "named");
		static const unsigned offset[] = { 0, 1, 2, 3, 4, 21, 22, 40 };
		taddr_t *at = NULL;
		size_t n = 0;

		assert_non_null(named);
		assert_int_equal(objfile_code_addresses(o, &at, &n), 0);
		for (size_t k = 0; k < ARRAY_LEN(offset); k++)
			if (!names(at, n, named->addr + offset[k]))
				fail_msg("%s: named + %u is missing", path[i], offset[k]);
		for (size_t k = 0; k < n; k++)
			assert_in_range(at[k], named->addr, named->addr + 40);
		free(at);
		objfile_close(o);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),    cmocka_unit_test(test_self),
		cmocka_unit_test(test_libc),        cmocka_unit_test(test_versions),
		cmocka_unit_test(test_cold_parts),  cmocka_unit_test(test_patchable),
		cmocka_unit_test(test_sections),    cmocka_unit_test(test_memory),
		cmocka_unit_test(test_no_sections), cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_code_addresses),
	};

	if (argc < 5)
		return 2;
	path = argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
