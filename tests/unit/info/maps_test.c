/*
 * tests of info/maps.h: text, gaps, and the modules of this very process.
 */
#include "info/maps.h"
#include "info/objfile.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] =
	"00400000-00401000 r--p 00000000 08:01 17                     /bin/a b\n"
	"00401000-00402000 r-xp 00001000 08:01 17                     /bin/a b\n"
	"00500000-00600000 rw-p 00000000 00:00 0                      [heap]\n"
	"7f0000000000-7f0000001000 rw-s 00002000 00:05 99             /tmp/new\\012line (deleted)\n"
	"7f0000001000-7f0000002000 ---p 00000000 00:00 0 \n"
	"7ffffff00000-7fffffff0000 rw-p 00000000 00:00 0              [stack]\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0      [vsyscall]\n";

static int parse(const char *s, struct map_list *out)
{
	return maps_parse(strdup(s), out);
}

static void test_parse(void **state)
{
	struct map_list m;

	assert_int_equal(parse(text, &m), 0);
	assert_int_equal(m.n, 7);
	assert_string_equal(m.at[0].path, "/bin/a b");
	assert_true(m.at[0].r && !m.at[0].w && !m.at[0].x && !m.at[0].shared);
	assert_int_equal(m.at[0].inode, 17);
	assert_true(m.at[1].x);
	assert_int_equal(m.at[1].offset, 0x1000);
	assert_string_equal(m.at[3].path, "/tmp/new\nline");
	assert_true(m.at[3].deleted);
	assert_true(m.at[3].shared);
	assert_false(m.at[0].deleted);
	assert_string_equal(m.at[4].path, "");
	assert_true(m.at[6].hi == 0xffffffffff601000);
	assert_ptr_equal(maps_at(&m, 0x400fff), &m.at[0]);
	assert_ptr_equal(maps_at(&m, 0x401000), &m.at[1]);
	assert_null(maps_at(&m, 0x402000));
	assert_null(maps_at(&m, 0));
	assert_null(maps_at(&m, UINT64_MAX));
	maps_free(&m);
}

static void test_parse_bad(void **state)
{
	static const char *const bad[] = {
		"hello\n",
		"00400000-00401000\n",
		"00401000-00400000 r--p 00000000 08:01 17 /a\n",
		"00400000-00401000 r--p 00000000 08:01\n",
		"00400000-00401000 r--p 00000000 08:01 x\n",
		"00400000-00401000 r-\n",
		"00400000-00402000 r--p 0 08:01 1 /a\n00401000-00403000 r--p 0 08:01 1 /a\n",
		"fffffffffffffffff-00401000 r--p 00000000 08:01 17 /a\n",
		" 400000-00401000 r--p 00000000 08:01 17 /a\n",
	};
	struct map_list m = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], &m), -EBADMSG);
		assert_null(m.text);
	}
	assert_int_equal(parse("", &m), 0);
	assert_int_equal(m.n, 0);
	maps_free(&m);
	/* cut anywhere: an answer or -EBADMSG, nothing else */
	for (size_t n = 0; n < sizeof(text); n++) {
		char *s = strndup(text, n);
		int err = maps_parse(s, &m);

		assert_true(!err || err == -EBADMSG);
		if (!err)
			maps_free(&m);
	}
}

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static void test_gap(void **state)
{
	struct taddr_range exe = { 0x400000, 0x402000 };
	struct map_list m;
	taddr_t g;

	assert_int_equal(parse(text, &m), 0);
	assert_int_equal(maps_gap(&m, exe, 2 * GIB, 0x1000), 0x10000);
	assert_int_equal(maps_gap(&m, exe, 2 * GIB, 0x3f0000), 0x10000);
	assert_int_equal(maps_gap(&m, exe, 2 * GIB, 0x80000 * 2), 0x10000);
	/* too large for below: behind the heap, with room for it to grow */
	assert_int_equal(maps_gap(&m, exe, 2 * GIB, 64 * MIB), 0x600000 + GIB);
	/* no such room within reach: right behind it */
	assert_int_equal(maps_gap(&m, exe, 512 * MIB, 64 * MIB), 0x600000);
	/* reach binds both ends */
	assert_int_equal(maps_gap(&m, exe, 0x100000, 0xfe000), 0x302000);
	assert_int_equal(maps_gap(&m, exe, 0x100000, 0xff000), 0);
	assert_int_equal(maps_gap(&m, exe, 0x2000, 0x2000), 0);
	g = maps_gap(&m, exe, 0x3000, 0x1000);
	assert_int_equal(g, 0x3ff000);
	g = maps_gap(&m, exe, 0x1fff, 0x1000);
	assert_int_equal(g, 0);
	assert_int_equal(maps_gap(&m, exe, GIB, 0), 0);
	assert_int_equal(maps_gap(&m, exe, GIB, 100), 0);
	assert_int_equal(maps_gap(&m, (struct taddr_range){ 5, 5 }, GIB, 0x1000), 0);
	/* the stack may grow; nothing above user space */
	g = maps_gap(&m, (struct taddr_range){ 0x7ffffff00000, 0x7fffffff0000 }, 17 * MIB, 0x1000);
	assert_in_range(g, 0x7ffffff00000 - 17 * MIB, 0x7ffffff00000 - 16 * MIB - 0x1000);
	assert_int_equal(maps_gap(&m, (struct taddr_range){ 0x7ffffff00000, 0x7fffffff0000 },
				  15 * MIB, 0x10000),
			 0);
	maps_free(&m);
}

static void test_gap_property(void **state)
{
	struct map_list m;
	uint64_t seed = 1;

	assert_int_equal(parse(text, &m), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct taddr_range near;
		uint64_t reach, n;
		taddr_t g;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		near.lo = (seed >> 20) % 0x7f0000100000;
		near.hi = near.lo + 1 + (seed >> 40) % 0x10000;
		reach = (seed >> 13) % (4 * GIB);
		n = (1 + (seed >> 50) % 4096) * 0x1000;
		g = maps_gap(&m, near, reach, n);
		if (!g)
			continue;
		assert_int_equal(g % 4096, 0);
		for (size_t k = 0; k < m.n; k++)
			assert_true(g >= m.at[k].hi || g + n <= m.at[k].lo);
		if (near.hi - 1 > g)
			assert_true(near.hi - 1 - g <= reach);
		if (g + n - 1 > near.lo)
			assert_true(g + n - 1 - near.lo <= reach);
	}
	maps_free(&m);
}

struct found {
	struct module_list *list;
	unsigned n;
};

static int compare_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct found *f = arg;
	const struct module *m;

	if (!strcmp(info->dlpi_name, "linux-vdso.so.1"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD)
			continue;
		m = modules_at(f->list, info->dlpi_addr + ph->p_vaddr);
		assert_non_null(m);
		assert_int_equal(m->bias, info->dlpi_addr);
		m = modules_at(f->list, info->dlpi_addr + ph->p_vaddr + ph->p_memsz - 1);
		assert_non_null(m);
		assert_int_equal(m->bias, info->dlpi_addr);
	}
	f->n++;
	return 0;
}

static int bss_word[5000];

static void test_modules_self(void **state)
{
	struct module_list list;
	struct found f = { .list = &list };
	char path[5000], self[500] = { 0 };
	struct objfile *o;
	struct diag d;

	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(modules_read(getpid(), &list, &d), 0);
	dl_iterate_phdr(compare_module, &f);
	assert_int_equal(list.n, f.n);
	for (size_t i = 1; i < list.n; i++)
		assert_true(list.at[i].lo >= list.at[i - 1].hi);
	assert_string_equal(modules_at(&list, (taddr_t)(uintptr_t)&bss_word[4999])->path, self);
	assert_null(modules_at(&list, 0));
	assert_int_equal(module_path(getpid(), &list, &list.at[0], path, sizeof(path)), 0);
	assert_int_equal(objfile_open(path, &o, &d), 0);
	objfile_close(o);
	assert_int_equal(module_path(getpid(), &list, &list.at[0], path, 3), -ENOENT);
	modules_free(&list);
}

static bool bias_without_header(const char *name, taddr_t bias)
{
	struct module_list list;
	bool found = false;

	if (modules_read(getpid(), &list, NULL) < 0)
		return false;
	for (size_t i = 0; i < list.n; i++)
		if (!strcmp(list.at[i].path, name)) {
			if (list.at[i].bias != bias || list.at[i].lo < bias + 4096)
				return false;
			found = true;
		}
	modules_free(&list);
	return found;
}

/* The file is deleted, and its first mapping gone: bias by a later one. */
static void test_modules_partial(void **state)
{
	char name[] = "/tmp/maps_test_XXXXXX", command[200];
	struct module_list list;
	const struct module *m;
	struct link_map *map;
	int status;
	void *so;
	pid_t pid;

	close(mkstemp(name));
	snprintf(command, sizeof(command), "cp /lib/x86_64-linux-gnu/libz.so.1 %s", name);
	if (system(command) != 0)
		return;
	so = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	unlink(name);
	if (!so)
		return;
	assert_int_equal(dlinfo(so, RTLD_DI_LINKMAP, &map), 0);
	assert_int_equal(modules_read(getpid(), &list, NULL), 0);
	m = modules_at(&list, (taddr_t)(uintptr_t)dlsym(so, "zlibVersion"));
	assert_non_null(m);
	assert_int_equal(m->bias, map->l_addr);
	assert_true(m->deleted);
	assert_string_equal(m->path, name);
	modules_free(&list);

	/* in a child: the dynamic linker of this process goes on reading those headers */
	pid = fork();
	if (!pid) {
		munmap((void *)(uintptr_t)map->l_addr, 4096);
		_exit(bias_without_header(name, map->l_addr) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	dlclose(so);
}

static void test_data_mapping(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY);
	struct module_list list;
	void *at = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);

	close(fd);
	assert_true(at != MAP_FAILED);
	assert_int_equal(modules_read(getpid(), &list, NULL), 0);
	assert_null(modules_at(&list, (taddr_t)(uintptr_t)at));
	modules_free(&list);
	munmap(at, 8192);
}

static void test_no_process(void **state)
{
	struct module_list list;
	struct map_list m;
	struct diag d;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT);
	assert_int_equal(maps_read(pid, &m, &d), -ESRCH); /* a zombie */
	waitpid(pid, NULL, 0);
	assert_int_equal(maps_read(pid, &m, &d), -ESRCH);
	assert_int_equal(modules_read(pid, &list, &d), -ESRCH);
	assert_int_equal(maps_read(0, &m, &d), -EINVAL);
	assert_int_equal(maps_read(getpid(), &m, &d), 0);
	assert_non_null(maps_at(&m, (taddr_t)(uintptr_t)&pid));
	maps_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_gap),          cmocka_unit_test(test_gap_property),
		cmocka_unit_test(test_modules_self), cmocka_unit_test(test_modules_partial),
		cmocka_unit_test(test_data_mapping), cmocka_unit_test(test_no_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
