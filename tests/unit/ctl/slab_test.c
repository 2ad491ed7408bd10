#include "ctl_util.h"

#include "ctl/priv.h"
#include "ctl/undo.h"
#include "rt/slab.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char hex[16] = "0123456789abcdef";

/* A small template of which every word is known: standin.S. */
static const struct slab_template *standin_get(void)
{
	static struct slab_template t;
	struct stat st;
	int fd;

	if (t.bytes)
		return &t;
	fd = open(STANDIN, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	t.bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(t.bytes, MAP_FAILED);
	t.size = t.file_size = (uint64_t)st.st_size;
	t.code_size = 0x10000;
	close(fd);
	return &t;
}

static void *bytes_at(uint8_t *file, uint64_t off)
{
	return file + off;
}

static void test_layout(void **state)
{
	const struct slab_template *t = standin_get();
	struct slab_template bad = *t;
	struct slab_layout l;
	struct diag d;

	assert_int_equal(slab_layout_read(t, &l, &d), 0);
	assert_true(l.text && l.shadow > l.text && l.rt_state && l.tls_word);
	assert_int_equal(l.lowest, 0);
	assert_int_equal(l.span % 4096, 0);
	assert_true(l.span > l.shadow + 0x10000 - 4096);
	assert_int_equal(slab_layout_read(template_get(), &l, &d), 0);
	assert_int_equal(l.shadow - l.text, SLAB_SHADOW_DISTANCE);
	assert_true(l.span <= SLAB_ADDRESS_SPACE);
	bad.bytes = "not an ELF file";
	bad.size = 15;
	assert_int_equal(slab_layout_read(&bad, &l, &d), -EBADMSG);
}

/* Cut off anywhere: refused or read, never beyond the end. */
static void test_truncated(void **state)
{
	struct slab_template t = *standin_get();

	for (uint64_t n = 0; n < standin_get()->size; n += n < 1024 ? 7 : 1021) {
		_Alignas(16) static uint8_t exact[1 << 20];
		struct slab_layout l;
		uint8_t *out = NULL;

		assert_true(n <= sizeof(exact));
		memcpy(exact, standin_get()->bytes, n);
		t.bytes = exact;
		t.size = n;
		slab_layout_read(&t, &l, NULL);
		if (slab_link(&t, 0x10000, hex, &out, NULL) == 0)
			free(out);
	}
}

static void test_link(void **state)
{
	const struct slab_template *t = standin_get();
	const taddr_t base = 0x7e5500000000;
	struct slab_template moved = *t;
	struct slab_layout at0, l;
	uint8_t *out, *same;
	const Elf64_Ehdr *h;
	const Elf64_Phdr *ph;
	struct diag d;

	assert_int_equal(slab_layout_read(t, &at0, &d), 0);
	assert_int_equal(slab_link(t, base, hex, &out, &d), 0);
	assert_int_equal(slab_link(t, 0, hex, &same, &d), 0);
	moved.bytes = out;
	assert_int_equal(slab_layout_read(&moved, &l, &d), 0);
	assert_true(l.text == at0.text + base && l.shadow == at0.shadow + base);
	assert_true(l.rt_state == at0.rt_state + base && l.tls_word == at0.tls_word + base);
	assert_true(l.lowest == base && l.span == at0.span);
	h = bytes_at(out, 0);
	ph = bytes_at(out, h->e_phoff);
	for (unsigned i = 0; i < h->e_phnum; i++)
		assert_true(ph[i].p_type == PT_GNU_STACK || ph[i].p_vaddr >= base);
	/* not linked: only the name differs */
	assert_non_null(memmem(out, t->size, "utramp-slab-0123456789abcdef.so", 32));
	assert_non_null(memmem(same, t->size, "utramp-slab-0123456789abcdef.so", 32));
	memcpy(memmem(same, t->size, hex, 16), "XXXXXXXXXXXXXXXX", 16);
	assert_memory_equal(same, t->bytes, t->size);
	free(out);
	free(same);
	assert_int_equal(slab_link(t, 123, hex, &out, &d), -EBADMSG); /* not a page's address */
}

/* Every word of the relocated data is what the loader would have made at that address. */
static void test_relative_addends(void **state)
{
	const struct slab_template *t = standin_get();
	const Elf64_Shdr *s;
	const Elf64_Ehdr *h;
	struct slab_layout l;
	uint8_t *out;
	int seen = 0;

	assert_int_equal(slab_layout_read(t, &l, NULL), 0);
	assert_int_equal(slab_link(t, 0x40000000, hex, &out, NULL), 0);
	h = bytes_at(out, 0);
	s = bytes_at(out, h->e_shoff);
	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Rela *r = bytes_at(out, s[i].sh_offset);

		if (s[i].sh_type != SHT_RELA)
			continue;
		for (uint64_t k = 0; k < s[i].sh_size / sizeof(*r); k++) {
			assert_true(r[k].r_offset >= 0x40000000);
			if (ELF64_R_TYPE(r[k].r_info) == R_X86_64_RELATIVE) {
				assert_true((taddr_t)r[k].r_addend == l.rt_state + 0x40000000);
				seen++;
			} else {
				assert_int_equal(r[k].r_addend, 0);
			}
		}
	}
	assert_int_equal(seen, 1);
	free(out);
}

static struct map_list maps_of(const char *text)
{
	struct map_list m = { 0 };

	assert_int_equal(maps_parse(strdup(text), &m), 0);
	return m;
}

static void test_place(void **state)
{
	const uint64_t span = 64 << 20, pad = 2 << 20;
	const struct taddr_range pie = { 0x555555554000, 0x555555700000 };
	const struct taddr_range fixed = { 0x400000, 0x700000 };
	struct map_list m = maps_of("555555554000-555555700000 r-xp 00000000 fe:00 1 /x\n"
				    "7ffff0000000-7ffff0001000 r-xp 00000000 fe:00 2 /y\n");
	taddr_t at;

	assert_true(slab_place(&m, pie, span) == pie.lo - span - pad);
	maps_free(&m);
	/* taken: the next gap below */
	m = maps_of("555551000000-555552000000 r-xp 00000000 fe:00 3 /z\n"
		    "555555554000-555555700000 r-xp 00000000 fe:00 1 /x\n");
	assert_true(slab_place(&m, pie, span) == 0x555551000000 - span - pad);
	maps_free(&m);
	/* no room below 4 MiB: as high as a rel32 reaches, so that the heap may grow */
	m = maps_of("00400000-00700000 r-xp 00000000 fe:00 1 /x\n"
		    "01000000-01100000 rw-p 00000000 00:00 0 [heap]\n");
	at = slab_place(&m, fixed, span);
	assert_true(at > 0x70000000 && at + span - fixed.lo < 0x7fffffff);
	maps_free(&m);
	/* nothing free within reach on either side */
	m = maps_of("00010000-00400000 r-xp 00000000 fe:00 2 /w\n"
		    "00400000-00700000 r-xp 00000000 fe:00 1 /x\n"
		    "00700000-100000000 r-xp 00000000 fe:00 3 /z\n");
	assert_true(slab_place(&m, fixed, span) == 0);
	maps_free(&m);
}

/* A directory as slab files have them; its age in seconds. */
static int make_dir(const char *in, const char *name, int age)
{
	const struct timespec then[2] = { { time(NULL) - age, 0 }, { time(NULL) - age, 0 } };
	int base = open(in, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	assert_int_equal(mkdirat(base, name, 0700), 0);
	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(futimens(fd, then), 0);
	close(base);
	return fd;
}

static bool is_there(const char *in, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", in, name);
	return stat(path, &st) == 0;
}

/* Of a program that was killed before it had a journal; nobody else's. */
static void test_stale_dirs(void **state)
{
	char in[] = "/tmp/slab-test-XXXXXX", text[64];
	int locked, full;

	assert_non_null(mkdtemp(in));
	setenv("XDG_RUNTIME_DIR", in, 1);
	close(make_dir(in, "utramp-aaaaaa", 10));
	close(make_dir(in, "utramp-bbbbbb", 0));
	close(make_dir(in, "utramp-longer", 10));
	close(make_dir(in, "utramp-longest", 10));
	locked = make_dir(in, "utramp-cccccc", 10);
	assert_int_equal(flock(locked, LOCK_EX | LOCK_NB), 0);
	full = make_dir(in, "utramp-dddddd", 10);
	assert_true(openat(full, "slab-exe.so", O_CREAT | O_WRONLY, 0600) >= 0);
	slab_remove_stale();
	assert_false(is_there(in, "utramp-aaaaaa"));
	assert_false(is_there(in, "utramp-longer"));
	assert_true(is_there(in, "utramp-bbbbbb")); /* just made: its lock comes */
	assert_true(is_there(in, "utramp-longest"));
	assert_true(is_there(in, "utramp-cccccc"));
	assert_true(is_there(in, "utramp-dddddd/slab-exe.so"));
	close(locked);
	slab_remove_stale();
	assert_false(is_there(in, "utramp-cccccc"));
	close(full);
	snprintf(text, sizeof(text), "rm -r %s", in);
	assert_int_equal(system(text), 0);
	unsetenv("XDG_RUNTIME_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_link),   cmocka_unit_test(test_relative_addends),
		cmocka_unit_test(test_place),  cmocka_unit_test(test_stale_dirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
