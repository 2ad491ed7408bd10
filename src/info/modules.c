/*
 * info/modules.c - see maps.h: the ELF files among the mappings, and their load bias.
 *
 * A mapping of file offset O belongs to a PT_LOAD that holds O, and then
 *
 *	bias = address - (page of p_vaddr + (O - page of p_offset))
 *
 * Neighbouring PT_LOADs can share a file page, so each mapping has a few candidates;
 * mappings that agree on one bias make up a module.  A file that is mapped as data
 * (nothing of it executable) is no module.  The same file loaded twice (dlmopen) is two.
 *
 * Context  [ctl]
 * Spec     gABI: program loading; proc_pid_map_files(5)
 */
#include "info/maps.h"

#include "base/cleanup.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE      4096ULL
#define MAX_LOADS 64
#define MAX_PHDRS 512
#define PATH_ROOM (4096 + 32)

struct load {
	uint64_t vaddr, offset, filesz, memsz;
	bool x;
};

/* One file that is mapped executable somewhere. */
struct elf_file {
	const char *path;
	uint64_t inode;
	bool deleted, is_elf;
	unsigned n;
	struct load load[MAX_LOADS];
};

struct file_list {
	VEC(struct elf_file);
};

struct candidate {
	struct module m;
	size_t file, last; /* indices: of the file, of its last region */
	bool x;
};

struct candidate_list {
	VEC(struct candidate);
};

static bool is_file(const struct map_region *r)
{
	return r->path[0] == '/' && r->inode;
}

static bool regular_with(const char *path, uint64_t inode)
{
	struct stat st;

	/* never open a device: that can have effects */
	return !stat(path, &st) && S_ISREG(st.st_mode) && (!inode || st.st_ino == inode);
}

/* A path that leads us to the file of this region; false: none does. */
static bool region_path(pid_t pid, const struct map_region *r, char *out, size_t cap)
{
	int n;

	n = snprintf(out, cap, "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, (int)pid, r->lo, r->hi);
	if (n < (int)cap && regular_with(out, 0) && !access(out, R_OK))
		return true;
	if (r->deleted)
		return false;
	n = snprintf(out, cap, "/proc/%d/root%s", (int)pid, r->path);
	if (n < (int)cap && regular_with(out, r->inode))
		return true;
	n = snprintf(out, cap, "%s", r->path);
	return n < (int)cap && regular_with(out, r->inode);
}

static bool read_at(int fd, void *out, size_t n, uint64_t offset)
{
	return offset <= INT64_MAX && pread(fd, out, n, (off_t)offset) == (ssize_t)n;
}

static void read_loads(int fd, struct elf_file *f)
{
	Elf64_Ehdr h;
	Elf64_Phdr ph;

	if (!read_at(fd, &h, sizeof(h), 0) || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_phentsize != sizeof(ph))
		return;
	for (unsigned i = 0; i < h.e_phnum && i < MAX_PHDRS && f->n < MAX_LOADS; i++) {
		if (!read_at(fd, &ph, sizeof(ph), h.e_phoff + i * sizeof(ph)))
			return;
		if (ph.p_type == PT_LOAD && ph.p_filesz <= ph.p_memsz &&
		    ph.p_offset + ph.p_filesz >= ph.p_offset &&
		    ph.p_vaddr + ph.p_memsz >= ph.p_vaddr)
			f->load[f->n++] = (struct load){ ph.p_vaddr, ph.p_offset, ph.p_filesz,
							 ph.p_memsz, ph.p_flags & PF_X };
	}
	f->is_elf = f->n > 0;
}

static size_t file_index(const struct file_list *files, const struct map_region *r)
{
	size_t i;

	for (i = 0; i < files->n; i++)
		if (files->at[i].inode == r->inode && files->at[i].deleted == r->deleted &&
		    !strcmp(files->at[i].path, r->path))
			break;
	return i;
}

static int read_files(pid_t pid, const struct map_list *maps, struct file_list *out)
{
	char path[PATH_ROOM];

	for (size_t i = 0; i < maps->n; i++) {
		const struct map_region *r = &maps->at[i];
		struct elf_file f = { .path = r->path, .inode = r->inode, .deleted = r->deleted };
		_close_ int fd = -1;

		if (!r->x || !is_file(r) || file_index(out, r) < out->n)
			continue;
		if (region_path(pid, r, path, sizeof(path)))
			fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0)
			read_loads(fd, &f);
		if (vec_push(out, f) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The bias that this region has if it is a mapping of that PT_LOAD. */
static bool bias_by(const struct load *l, const struct map_region *r, taddr_t *bias)
{
	uint64_t first = l->offset & ~(PAGE - 1);

	if (!l->filesz || r->offset < first || r->offset >= l->offset + l->filesz)
		return false;
	*bias = r->lo - ((l->vaddr & ~(PAGE - 1)) + (r->offset - first));
	return true;
}

static bool agrees(const struct elf_file *f, const struct map_region *r, taddr_t bias)
{
	taddr_t b;

	for (unsigned i = 0; i < f->n; i++)
		if (bias_by(&f->load[i], r, &b) && b == bias)
			return true;
	return false;
}

/* How many of the file's mappings lie where this bias puts them. */
static unsigned votes(const struct map_list *maps, const struct file_list *files, size_t file,
		      taddr_t bias)
{
	unsigned n = 0;

	for (size_t i = 0; i < maps->n; i++)
		if (is_file(&maps->at[i]) && file_index(files, &maps->at[i]) == file)
			n += agrees(&files->at[file], &maps->at[i], bias);
	return n;
}

static bool best_bias(const struct map_list *maps, const struct file_list *files, size_t file,
		      const struct map_region *r, taddr_t *out)
{
	const struct elf_file *f = &files->at[file];
	unsigned best = 0, n;
	taddr_t bias;

	for (unsigned i = 0; i < f->n; i++) {
		if (!bias_by(&f->load[i], r, &bias) || bias & (PAGE - 1))
			continue;
		n = votes(maps, files, file, bias);
		if (n > best) {
			best = n;
			*out = bias;
		}
	}
	return best > 0;
}

/* The region belongs to a module seen before, or begins one. */
static int add_region(const struct map_list *maps, const struct file_list *files, size_t region,
		      struct candidate_list *out)
{
	const struct map_region *r = &maps->at[region];
	size_t file = file_index(files, r);
	struct candidate c = { .file = file, .last = region, .x = r->x };
	taddr_t bias;

	if (file == files->n || !files->at[file].is_elf)
		return 0;
	for (size_t i = out->n; i-- > 0;) {
		struct candidate *have = &out->at[i];

		if (have->file == file && agrees(&files->at[file], r, have->m.bias)) {
			have->m.hi = r->hi;
			have->last = region;
			have->x |= r->x;
			return 0;
		}
	}
	if (!best_bias(maps, files, file, r, &bias))
		return 0;
	c.m = (struct module){ r->path, bias, r->lo, r->hi, r->inode, r->deleted };
	return vec_push(out, c);
}

/* .bss: the anonymous memory behind the last mapping, as far as the PT_LOADs say. */
static void extend_over_bss(const struct map_list *maps, const struct elf_file *f,
			    struct candidate *c)
{
	taddr_t end = 0;

	for (unsigned i = 0; i < f->n; i++) {
		taddr_t e = c->m.bias + f->load[i].vaddr + f->load[i].memsz;

		end = e > end ? e : end;
	}
	for (size_t i = c->last + 1; i < maps->n; i++) {
		const struct map_region *r = &maps->at[i];

		if (r->path[0] || r->lo != c->m.hi || r->lo >= end)
			break;
		c->m.hi = r->hi < end ? r->hi : ALIGN_UP(end, PAGE);
	}
}

static int find_modules(pid_t pid, struct module_list *list)
{
	struct candidate_list found = { 0 };
	struct file_list files = { 0 };
	int err;

	err = read_files(pid, &list->maps, &files);
	for (size_t i = 0; i < list->maps.n && !err; i++)
		if (is_file(&list->maps.at[i]))
			err = add_region(&list->maps, &files, i, &found);
	for (size_t i = 0; i < found.n && !err; i++) {
		if (!found.at[i].x)
			continue;
		extend_over_bss(&list->maps, &files.at[found.at[i].file], &found.at[i]);
		err = vec_push(list, found.at[i].m);
	}
	vec_free(&found);
	vec_free(&files);
	return err;
}

int modules_read(pid_t pid, struct module_list *out, struct diag *d)
{
	struct module_list list = { 0 };
	int err;

	err = maps_read(pid, &list.maps, d);
	if (err < 0)
		return err;
	err = find_modules(pid, &list);
	if (err < 0) {
		modules_free(&list);
		return diag_set(d, err, "process %d: out of memory", (int)pid);
	}
	*out = list;
	return 0;
}

void modules_free(struct module_list *m)
{
	vec_free(m);
	maps_free(&m->maps);
}

const struct module *modules_at(const struct module_list *m, taddr_t addr)
{
	for (size_t i = 0; i < m->n; i++)
		if (addr >= m->at[i].lo && addr < m->at[i].hi)
			return &m->at[i];
	return NULL;
}

int module_path(pid_t pid, const struct module_list *list, const struct module *m, char *out,
		size_t cap)
{
	const struct map_region *r = maps_at(&list->maps, m->lo);

	if (!r)
		return -EINVAL;
	return region_path(pid, r, out, cap) ? 0 : -ENOENT;
}
