/*
 * info/debugfile.c - see debugfile.h.
 *
 * Context  [ctl]
 */
#include "info/debugfile.h"

#include "base/cleanup.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK (64 * 1024)

const char *debugfile_id_text(const uint8_t *id, unsigned n, char *out)
{
	if (!n)
		return strcpy(out, "no build-id");
	for (unsigned i = 0; i < n && i < 32; i++)
		sprintf(out + 2 * (size_t)i, "%02x", id[i]);
	return out;
}

static void read_sections(Elf *elf, struct debugfile *out)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	const char *name;
	size_t strings;

	if (elf_getshdrstrndx(elf, &strings) < 0)
		return;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(elf, strings, shdr.sh_name);
		if (name && (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info")))
			out->dwarf = true;
		if (shdr.sh_type == SHT_SYMTAB)
			out->symbols = true;
	}
}

static int read_elf(Elf *elf, const char *path, uint64_t size, struct debugfile *out,
		    struct diag *d)
{
	GElf_Ehdr h;
	const void *id;
	ssize_t n;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &h))
		return diag_set(d, -EBADMSG, "%s: not an ELF file", path);
	if (h.e_machine != EM_X86_64 || h.e_ident[EI_CLASS] != ELFCLASS64)
		return diag_set(d, -EBADMSG, "%s: an ELF file for another machine than x86-64",
				path);
	/* section headers come last: without them the file was cut off */
	if (!h.e_shoff || h.e_shoff >= size || (size - h.e_shoff) / sizeof(Elf64_Shdr) < h.e_shnum)
		return diag_set(d, -EBADMSG, "%s: truncated: its section headers are missing",
				path);
	read_sections(elf, out);
	n = dwelf_elf_gnu_build_id(elf, &id);
	if (n > 0 && (size_t)n <= sizeof(out->build_id)) {
		memcpy(out->build_id, id, (size_t)n);
		out->build_id_len = (unsigned)n;
	}
	return 0;
}

/* A regular file, opened for reading; a FIFO must not hold us up. */
static int open_file(const char *path, uint64_t *size, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return diag_set(d, err, "%s: %s", path, strerror(-err));
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return diag_set(d, -EBADMSG, "%s: not a regular file", path);
	}
	*size = (uint64_t)st.st_size;
	return fd;
}

int debugfile_read(const char *path, struct debugfile *out, struct diag *d)
{
	uint64_t size;
	_close_ int fd = open_file(path, &size, d);
	Elf *elf;
	int err;

	*out = (struct debugfile){ 0 };
	if (fd < 0)
		return fd;
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	err = read_elf(elf, path, size, out, d);
	elf_end(elf);
	return err;
}

bool debugfile_is_of(const struct debugfile *f, const struct objfile *o)
{
	return f->build_id_len && f->build_id_len == o->build_id_len &&
	       !memcmp(f->build_id, o->build_id, f->build_id_len);
}

/* -- candidates ---------------------------------------------------------------------------- */

/* What .gnu_debuglink says: a file's name and its CRC, 4-aligned behind the name's NUL. */
static const char *link_of(const struct objfile *o, uint32_t *crc)
{
	const char *name;
	size_t n, at;

	name = objfile_section(o, ".gnu_debuglink", &n, NULL);
	if (!name || !n || !memchr(name, '\0', n))
		return NULL;
	at = ALIGN_UP(strlen(name) + 1, 4);
	if (!name[0] || strchr(name, '/') || n < at + 4)
		return NULL;
	memcpy(crc, name + at, sizeof(*crc));
	return name;
}

/* The checksum of a whole file is that of zlib (and of ISO 3309). */
static int file_crc(const char *path, uint32_t *out, struct diag *d)
{
	uint64_t size;
	_close_ int fd = open_file(path, &size, d);
	_free_ uint8_t *block = malloc(BLOCK);
	uLong crc = crc32(0, NULL, 0);
	ssize_t n;

	if (fd < 0 || !block)
		return fd < 0 ? fd : -ENOMEM;
	while ((n = read(fd, block, BLOCK)) != 0) {
		if (n < 0 && errno != EINTR)
			return diag_set(d, -errno, "%s: %s", path, strerror(errno));
		crc = n > 0 ? crc32(crc, block, (uInt)n) : crc;
	}
	*out = (uint32_t)crc;
	return 0;
}

/* Does the file at path belong?  0; -ENOENT, with a word if it is there; -ENOMEM. */
static int try_linked(const struct objfile *o, char *path, uint32_t crc, struct diag *d)
{
	struct debugfile f;
	uint32_t have = 0;
	int err;

	if (access(path, F_OK) < 0)
		return -ENOENT;
	err = file_crc(path, &have, d);
	if (err)
		return err == -ENOMEM ? err : -ENOENT;
	if (have != crc) /* the module itself, or of another build */
		return diag_set(d, -ENOENT, "%s is not of %s: its checksum is %08x, not %08x", path,
				o->path, have, crc);
	return debugfile_read(path, &f, d) ? -ENOENT : 0;
}

static int try_build_id(const struct objfile *o, const char *path, struct diag *d)
{
	char want[DEBUGFILE_ID_TEXT], have[DEBUGFILE_ID_TEXT];
	struct debugfile f;

	if (access(path, F_OK) < 0)
		return -ENOENT;
	if (debugfile_read(path, &f, d))
		return -ENOENT;
	if (debugfile_is_of(&f, o))
		return 0;
	return diag_set(d, -ENOENT, "%s is not of %s: its build-id is %s, not %s", path, o->path,
			debugfile_id_text(f.build_id, f.build_id_len, have),
			debugfile_id_text(o->build_id, o->build_id_len, want));
}

static int by_build_id(const struct objfile *o, const char *tree, char **out, struct diag *d)
{
	char id[DEBUGFILE_ID_TEXT], *path;
	int err;

	if (o->build_id_len < 2)
		return -ENOENT;
	debugfile_id_text(o->build_id, o->build_id_len, id);
	if (asprintf(&path, "%s/.build-id/%.2s/%s.debug", tree, id, id + 2) < 0)
		return -ENOMEM;
	err = try_build_id(o, path, d);
	if (err)
		free(path);
	else
		*out = path;
	return err;
}

/* PREFIX DIR MIDDLE LINK, DIR being where the module lies: as it is called, and really. */
static int by_link(const struct objfile *o, const char *module, const char *prefix,
		   const char *middle, char **out, struct diag *d)
{
	_free_ char *real = realpath(module, NULL);
	const char *dir[2] = { module[0] == '/' ? module : NULL, real };
	int err = -ENOENT;
	const char *name;
	uint32_t crc;

	name = link_of(o, &crc);
	for (unsigned i = 0; i < 2 && name && err == -ENOENT; i++) {
		char *path;

		if (!dir[i] || (i && dir[0] && !strcmp(dir[0], dir[1])))
			continue;
		if (asprintf(&path, "%s%.*s%s/%s", prefix, (int)(strrchr(dir[i], '/') - dir[i]),
			     dir[i], middle, name) < 0)
			return -ENOMEM;
		err = try_linked(o, path, crc, d);
		if (err)
			free(path);
		else
			*out = path;
	}
	return err;
}

int debugfile_in_tree(const struct objfile *o, const char *path, const char *tree, char **out,
		      struct diag *d)
{
	int err = by_build_id(o, tree, out, d);

	return err == -ENOENT ? by_link(o, path, tree, "", out, d) : err;
}

int debugfile_beside(const struct objfile *o, const char *path, char **out, struct diag *d)
{
	int err = by_link(o, path, "", "", out, d);

	return err == -ENOENT ? by_link(o, path, "", "/.debug", out, d) : err;
}
