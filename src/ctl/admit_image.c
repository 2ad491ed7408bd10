/*
 * ctl/admit_image.c - what kind of program a process runs, as far as loading into it matters.
 *
 * What is loaded is loaded by the C library's own dlopen(), so that has to be there, and to be
 * glibc's, whose loader and thread-local storage we know.
 *
 * Context  [ctl] reads files that others made: every number in them is checked
 * Spec     System V gABI "Program Header"; psABI x86-64 "x32"; Go: cmd/link puts a note named
 *          "Go" into every program; glibc csu/version.c: the banner
 */
#include "base/cleanup.h"
#include "ctl/admit_priv.h"
#include "info/maps.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	MAX_PHDRS = 512,
	MAX_NOTES = 65536,
	MAX_MAPS = 1 << 24, /* bytes of /proc/PID/maps: 65530 lines (vm.max_map_count) and some */
};

/* -- the executable ------------------------------------------------------------------------- */

/* Elf64_Nhdr, name, descriptor, both padded to 4 bytes. */
static bool has_go_note(const uint8_t *at, size_t n)
{
	while (n >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint64_t size;

		memcpy(&h, at, sizeof(h));
		size = sizeof(h) + ((uint64_t)h.n_namesz + 3) / 4 * 4 +
		       ((uint64_t)h.n_descsz + 3) / 4 * 4;
		if (size > n)
			return false;
		if ((h.n_namesz == 3 || h.n_namesz == 4) && !memcmp(at + sizeof(h), "Go", 3))
			return true;
		at += size;
		n -= size;
	}
	return false;
}

static void read_phdr(struct program *p, int fd, const Elf64_Phdr *ph)
{
	ssize_t n;

	if (ph->p_type == PT_INTERP && ph->p_filesz < sizeof(p->loader)) {
		n = pread(fd, p->loader, ph->p_filesz, (off_t)ph->p_offset);
		p->loader[n > 0 ? n : 0] = '\0';
	}
	if (ph->p_type == PT_NOTE && ph->p_filesz <= MAX_NOTES) {
		_free_ uint8_t *notes = malloc(ph->p_filesz + 1);

		n = notes ? pread(fd, notes, ph->p_filesz, (off_t)ph->p_offset) : -1;
		p->go |= n > 0 && has_go_note(notes, (size_t)n);
	}
}

static int read_exe(struct program *p, int fd)
{
	Elf64_Ehdr h;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) || memcmp(h.e_ident, ELFMAG, SELFMAG))
		return -ENOEXEC;
	p->bits = h.e_ident[EI_CLASS] == ELFCLASS64 ? 64 : 32;
	p->machine = h.e_machine; /* at the same place in both classes */
	if (p->bits != 64)
		return 0;
	if (h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > MAX_PHDRS)
		return -ENOEXEC;
	for (unsigned i = 0; i < h.e_phnum; i++) {
		Elf64_Phdr ph;

		if (pread(fd, &ph, sizeof(ph), (off_t)(h.e_phoff + i * sizeof(ph))) !=
		    (ssize_t)sizeof(ph))
			return -ENOEXEC;
		read_phdr(p, fd, &ph);
	}
	return 0;
}

/* -- its C library --------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36." */
static void find_version(struct program *p, const char *text, size_t n)
{
	static const char banner[] = "GNU C Library (", key[] = " version ";
	const char *at = memmem(text, n, banner, sizeof(banner) - 1), *v;
	size_t left = at ? n - (size_t)(at - text) : 0, len = 0;

	v = at ? memmem(at, left < 256 ? left : 256, key, sizeof(key) - 1) : NULL;
	if (!v)
		return;
	v += sizeof(key) - 1;
	while (v + len < text + n && len < sizeof(p->version) - 1 && strchr("0123456789.", v[len]))
		len++;
	while (len && v[len - 1] == '.')
		len--;
	memcpy(p->version, v, len);
	p->version[len] = '\0';
}

static void read_version(struct view *v, const struct map_region *r)
{
	char path[2 * PATH_MAX];
	_close_ int fd = -1;
	struct stat st;
	void *text;

	snprintf(path, sizeof(path), "%s/%d/map_files/%llx-%llx", v->w->proc, v->pid,
		 (unsigned long long)r->lo, (unsigned long long)r->hi);
	fd = open(path, O_RDONLY | O_CLOEXEC); /* the very file, if we are privileged */
	if (fd < 0 && !r->deleted) {
		snprintf(path, sizeof(path), "%s/root%s", v->task, r->path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return;
	find_version(&v->prog, text, (size_t)st.st_size);
	munmap(text, (size_t)st.st_size);
}

static void look_at_region(struct view *v, const struct map_region *r)
{
	struct program *p = &v->prog;
	const char *name = base_name(r->path);

	/* until glibc 2.33 the file was libc-2.33.so, and libc.so.6 a link to it */
	if (!*p->libc && (!strcmp(name, "libc.so.6") || !fnmatch("libc-2.*.so", name, 0))) {
		snprintf(p->libc, sizeof(p->libc), "%s", r->path);
		p->libc_deleted = r->deleted;
		read_version(v, r);
	}
	if (!*p->musl && (!strncmp(name, "ld-musl-", 8) || !strncmp(name, "libc.musl-", 10)))
		snprintf(p->musl, sizeof(p->musl), "%s", r->path);
}

static void read_maps(struct view *v)
{
	struct map_list maps = { .n = 0 };
	char *text = malloc(MAX_MAPS); /* pages that are not filled cost nothing */

	if (!text || admit_read(text, MAX_MAPS, "%s/maps", v->task) < 0) {
		free(text);
		return;
	}
	v->prog.unmapped = !*text;
	if (maps_parse(text, &maps) == 0) {
		for (size_t i = 0; i < maps.n; i++)
			look_at_region(v, &maps.at[i]);
	}
	maps_free(&maps);
}

void program_read(struct view *v)
{
	struct program *p = &v->prog;
	char path[PATH_MAX + 8];
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "%s/exe", v->task);
	admit_link(p->path, sizeof(p->path), "%s", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	p->err = fd < 0 ? -errno : read_exe(p, fd);
	read_maps(v);
}

/* -- facts ----------------------------------------------------------------------------------- */

bool fact_program(struct view *v, struct fact *f)
{
	const struct program *p = &v->prog;

	if (p->err && v->access)
		return false;
	if (p->err) {
		fact_warn(f, "the executable of process %d cannot be read: %s", v->pid,
			  strerror(-p->err));
		return fact_remedy(f, "run utramp as root, if functions of it shall be found");
	}
	if (p->bits == 64 && p->machine == EM_X86_64)
		return fact_ok(f, "%.300s, x86-64", p->path);
	if (p->machine == EM_X86_64)
		fact_bad(f, -ENOTSUP, "process %d runs an x32 program (%.300s)", v->pid, p->path);
	else if (p->machine == EM_386)
		fact_bad(f, -ENOTSUP, "process %d runs a 32-bit program (%.300s)", v->pid, p->path);
	else
		fact_bad(f, -ENOTSUP, "process %d runs a program for another machine (%.300s, %u)",
			 v->pid, p->path, p->machine);
	return fact_remedy(f, "build it for x86-64");
}

/* The loader itself may have been executed, with the program as its argument. */
static bool is_loader(const char *path)
{
	return !fnmatch("ld-*.so*", base_name(path), 0) || !fnmatch("ld.so*", base_name(path), 0);
}

bool fact_libc(struct view *v, struct fact *f)
{
	const struct program *p = &v->prog;
	bool is_static = !*p->loader && !is_loader(p->path);

	if (p->err || p->bits != 64 || p->machine != EM_X86_64)
		return false;
	if (p->go) {
		fact_bad(f, -ENOTSUP,
			 "process %d runs a Go program (%.300s), whose stacks move while it "
			 "runs, so no return address on them can be relied on",
			 v->pid, p->path);
		return fact_remedy(f, "use what Go brings: runtime/trace, pprof, delve");
	}
	if (*p->musl || strstr(p->loader, "/ld-musl-")) {
		fact_bad(f, -ENOTSUP,
			 "process %d uses musl (%.200s), not glibc: its loader is not known "
			 "to us",
			 v->pid, *p->musl ? p->musl : p->loader);
		return fact_remedy(f, "build it with glibc");
	}
	if (is_static) {
		fact_bad(f, -ENOTSUP,
			 "process %d runs a statically linked program (%.300s): it has no "
			 "loader that takes a library in",
			 v->pid, p->path);
		return fact_remedy(f, "link it dynamically");
	}
	if (p->unmapped) {
		fact_bad(f, -ESRCH, "process %d ends, or begins another program: it has no memory",
			 v->pid);
		return fact_remedy(f, "if it lives still, try again");
	}
	if (!*p->libc) {
		fact_bad(f, -ENOTSUP,
			 "process %d uses no glibc: no libc.so.6 is mapped there (its loader "
			 "is %s)",
			 v->pid, *p->loader ? p->loader : p->path);
		return fact_remedy(
			f, "if it has just been started, try again; else build it with glibc");
	}
	if (p->libc_deleted) {
		fact_warn(f, "%s of process %d was removed or replaced since it started", p->libc,
			  v->pid);
		return fact_remedy(f, "start the process again, if its functions are not found");
	}
	return fact_ok(f, "glibc%s%s (%s)", *p->version ? " " : "", p->version, p->libc);
}
