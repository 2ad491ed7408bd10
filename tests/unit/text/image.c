/*
 * tests/unit/text/image.c - a library's code ranges and FDEs, read from its file.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

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

bool image_open(const char *path, struct image *im)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *scn = NULL;
	size_t shstr, len = 0, ndata = 0;
	GElf_Ehdr eh;
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
		else if ((sh.sh_flags & SHF_ALLOC) && sh.sh_type != SHT_NOBITS && ndata < 32)
			im->data[ndata++] = (struct sweep_code){ sh.sh_addr, im->map + sh.sh_offset,
								 sh.sh_size };
	}
	im->hints = (struct sweep_hints){ .data = im->data,
					  .ndata = ndata,
					  .fixed = gelf_getehdr(elf, &eh)->e_type == ET_EXEC };
	im->ncode = len;
	elf_end(elf);
	return true;
}

const struct sweep_code *image_code_at(const struct image *im, taddr_t addr)
{
	for (size_t i = 0; i < im->ncode; i++)
		if (addr >= im->code[i].addr && addr < im->code[i].addr + im->code[i].len)
			return &im->code[i];
	return NULL;
}

void image_close(struct image *im)
{
	free(im->func);
	munmap(im->map, im->size);
}

void image_query(const struct image *im, const struct sweep_code *code, size_t i,
		 struct site_query *q)
{
	struct taddr_range f = im->func[i];
	taddr_t end = code->addr + code->len, start = code->addr;

	*q = (struct site_query){ .func = f, .entry = f.lo, .may_hop = true };
	q->n = (f.hi < end - 160 ? f.hi + 160 : end) - f.lo;
	q->before = f.lo - start < 160 ? f.lo - start : 160;
	q->file = code->bytes + (f.lo - start);
}
