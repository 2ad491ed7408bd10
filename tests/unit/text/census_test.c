/*
 * The share of a real library's functions (its FDEs) that give a site, and a slot.
 *
 *     census_test [FILE...]     default: the libc this program runs with
 */
#include "text/site.h"
#include "text/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct image {
	uint8_t *map;
	size_t size;
	struct sweep_code code[8];
	size_t ncode;
	struct taddr_range *func;
	size_t nfunc;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_lo(const void *a, const void *b)
{
	const struct taddr_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

/* FDEs whose addresses are pcrel sdata4, as all of gcc's and clang's here. */
static void read_fdes(struct image *im, const uint8_t *p, size_t n, taddr_t addr)
{
	size_t cap = n / 16;

	im->func = calloc(cap + 1, sizeof(*im->func));
	assert_non_null(im->func);
	for (size_t at = 0; at + 16 <= n;) {
		uint32_t len, cie, range;
		int32_t pc;

		memcpy(&len, p + at, 4);
		memcpy(&cie, p + at + 4, 4);
		if (!len || len == UINT32_MAX)
			break;
		if (cie) {
			taddr_t lo;

			memcpy(&pc, p + at + 8, 4);
			memcpy(&range, p + at + 12, 4);
			lo = addr + at + 8 + (uint64_t)(int64_t)pc;
			if (range && im->nfunc < cap)
				im->func[im->nfunc++] = (struct taddr_range){ lo, lo + range };
		}
		at += 4 + len;
	}
	qsort(im->func, im->nfunc, sizeof(*im->func), by_lo);
}

static bool open_image(const char *path, struct image *im)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *scn = NULL;
	size_t shstr, len = 0;
	struct stat st;
	Elf *elf;

	memset(im, 0, sizeof(*im));
	if (fd < 0)
		return false;
	assert_int_equal(fstat(fd, &st), 0);
	im->size = (size_t)st.st_size;
	im->map = mmap(NULL, im->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	assert_true(im->map != MAP_FAILED);
	elf_version(EV_CURRENT);
	elf = elf_memory((char *)im->map, im->size);
	assert_int_equal(elf_getshdrstrndx(elf, &shstr), 0);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;
		const char *name;

		assert_non_null(gelf_getshdr(scn, &sh));
		name = elf_strptr(elf, shstr, sh.sh_name);
		if (name && !strcmp(name, ".eh_frame"))
			read_fdes(im, im->map + sh.sh_offset, sh.sh_size, sh.sh_addr);
		if ((sh.sh_flags & SHF_EXECINSTR) && sh.sh_type == SHT_PROGBITS && len < 8)
			im->code[len++] = (struct sweep_code){ sh.sh_addr, im->map + sh.sh_offset,
							       sh.sh_size };
	}
	im->ncode = len;
	elf_end(elf);
	return true;
}

static const struct sweep_code *code_at(const struct image *im, taddr_t addr)
{
	for (size_t i = 0; i < im->ncode; i++)
		if (addr >= im->code[i].addr && addr < im->code[i].addr + im->code[i].len)
			return &im->code[i];
	return NULL;
}

struct count {
	size_t n, good, kind[3], reason[SITE_REASONS], slots, slot_bytes, reentered;
};

/* A slot 512 MiB away must be possible for every site. */
static void try_slot(const struct site *site, struct count *c)
{
	struct slot_plan plan = { .site = site,
				  .at = (site->entry & ~63ull) + (512ull << 20),
				  .rt_first = site->entry + (513ull << 20),
				  .tls_off = -64,
				  .counter_off = 24 };
	uint8_t buf[SLOT_MAX], frame[SLOT_MAX];
	struct slot_code code;
	struct diag d;
	int n = slot_emit(&plan, buf, frame, sizeof(buf), &code, &d);

	if (n < 0)
		fail_msg("%lx: %s", (unsigned long)site->entry, diag_text(&d, n));
	c->slots++;
	c->slot_bytes += (size_t)n;
}

static struct count census(const struct image *im, const struct sweep *sw)
{
	struct count c = { 0 };

	for (size_t i = 0; i < im->nfunc; i++) {
		const struct sweep_code *code = code_at(im, im->func[i].lo);
		struct site site = { 0 };
		struct site_query q;
		struct diag d;

		if (!code || (i && im->func[i].lo == im->func[i - 1].lo))
			continue;
		q = (struct site_query){ .sweep = sw,
					 .func = im->func[i],
					 .entry = im->func[i].lo,
					 .n = im->func[i].hi - im->func[i].lo + 16 };
		q.mem = q.file = code->bytes + (im->func[i].lo - code->addr);
		if (q.func.lo + q.n > code->addr + code->len)
			q.n = code->addr + code->len - q.func.lo;
		c.n++;
		if (site_describe(&q, &site, &d) < 0) {
			c.reason[site.reason]++;
			if (getenv("CENSUS_LIST"))
				print_message("# %lx %s\n", (unsigned long)q.entry, d.text);
			continue;
		}
		c.good++;
		c.kind[site.kind]++;
		c.reentered += site.reentered;
		try_slot(&site, &c);
	}
	return c;
}

static double share(const char *path)
{
	struct sweep *sw = NULL;
	struct sweep_stats st;
	struct image im;
	struct count c;
	double t0, t1, t2;

	if (!open_image(path, &im))
		return -1;
	t0 = now();
	assert_int_equal(sweep_new(im.code, im.ncode, im.func, im.nfunc, &sw), 0);
	t1 = now();
	c = census(&im, sw);
	t2 = now();
	st = sweep_stats(sw);
	print_message("# %s: %lu bytes, %lu instructions, %lu branches (%lu outside), data %lu: "
		      "sweep %.2f s\n",
		      path, (unsigned long)st.bytes, (unsigned long)st.insns,
		      (unsigned long)st.branches, (unsigned long)st.outside, (unsigned long)st.data,
		      t1 - t0);
	print_message("# %zu functions: %zu sites (%.3f %%), nop %zu moved %zu, reentered %zu, "
		      "slot %.1f bytes: %.2f s\n",
		      c.n, c.good, 100.0 * (double)c.good / (double)c.n, c.kind[SITE_NOP],
		      c.kind[SITE_MOVED], c.reentered,
		      (double)c.slot_bytes / (double)(c.slots ? c.slots : 1), t2 - t1);
	for (unsigned i = 1; i < SITE_REASONS; i++)
		if (c.reason[i])
			print_message("#   %zu: %s\n", c.reason[i],
				      site_reason_text((enum site_reason)i));
	sweep_free(sw);
	free(im.func);
	munmap(im.map, im.size);
	return (double)c.good / (double)c.n;
}

static void test_libc(void **state)
{
	double s = share("/lib/x86_64-linux-gnu/libc.so.6");

	if (s < 0)
		skip();
	assert_true(s >= 0.97);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_libc) };

	for (int i = 1; i < argc; i++)
		if (share(argv[i]) < 0)
			return 1;
	return argc > 1 ? 0 : cmocka_run_group_tests_name("text/census", tests, NULL, NULL);
}
