/*
 * info/objfile.c - see objfile.h: opening, identity, segments, sections.
 *
 * libelf reads on demand with pread(), never through a mapping: a file that somebody
 * truncates while we look at it gives an error, not SIGBUS.
 *
 * Context  [ctl]
 * Spec     gABI: ELF header, program header, dynamic section; gnu-gabi: build-id note
 */
#include "info/objfile_priv.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_NOTES   (64 * 1024)
#define MAX_DYNAMIC 4096
#define MAX_STRING  4096
#define MAX_PHDRS   4096

size_t objfile_raw(const struct objfile_priv *p, uint64_t offset, void *out, size_t n)
{
	size_t done = 0;
	ssize_t got;

	if (offset >= p->size)
		return 0;
	if (n > p->size - offset)
		n = p->size - offset;
	if (p->bytes) {
		memcpy(out, p->bytes + offset, n);
		return n;
	}
	while (done < n) {
		got = pread(p->fd, (char *)out + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (size_t)got;
	}
	return done;
}

const struct objseg *objfile_seg_at(const struct objfile *o, taddr_t addr)
{
	for (unsigned i = 0; i < o->nseg; i++)
		if (addr >= o->seg[i].addr && addr - o->seg[i].addr < o->seg[i].memsz)
			return &o->seg[i];
	return NULL;
}

size_t objfile_bytes(const struct objfile *o, taddr_t addr, void *out, size_t n)
{
	const struct objseg *s;
	size_t done = 0, part, got;
	uint64_t in;

	while (done < n) {
		s = objfile_seg_at(o, addr + done);
		if (!s)
			break;
		in = addr + done - s->addr;
		if (in >= s->filesz)
			break;
		part = n - done;
		if (part > s->filesz - in)
			part = s->filesz - in;
		got = objfile_raw(o->priv, s->offset + in, (char *)out + done, part);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

Elf_Scn *objfile_next_scn(const struct objfile_priv *p, Elf_Scn *scn, const char *name,
			  GElf_Shdr *shdr)
{
	const char *have;
	size_t strndx;

	if (elf_getshdrstrndx(p->elf, &strndx) < 0)
		return NULL;
	while ((scn = elf_nextscn(p->elf, scn))) {
		if (!gelf_getshdr(scn, shdr))
			continue;
		have = elf_strptr(p->elf, strndx, shdr->sh_name);
		if (have && !strcmp(have, name))
			return scn;
	}
	return NULL;
}

const void *objfile_section(const struct objfile *o, const char *name, size_t *n, taddr_t *addr)
{
	const struct objfile_priv *p = o->priv;
	GElf_Shdr shdr;
	Elf_Scn *scn = objfile_next_scn(p, NULL, name, &shdr);
	Elf_Data *data;

	if (!scn || shdr.sh_type == SHT_NOBITS)
		return NULL;
	if (shdr.sh_flags & SHF_COMPRESSED && elf_compress(scn, 0, 0) < 0)
		return NULL;
	data = elf_rawdata(scn, NULL);
	if (!data || (!data->d_buf && data->d_size))
		return NULL;
	*n = data->d_size;
	if (addr)
		*addr = shdr.sh_addr;
	return data->d_buf ? data->d_buf : "";
}

/* A string of the file at this offset, copied; NULL: none, or not ended within max bytes. */
static char *string_at(const struct objfile_priv *p, uint64_t offset, uint64_t max)
{
	char buf[MAX_STRING];
	size_t n = objfile_raw(p, offset, buf, max < sizeof(buf) ? max : sizeof(buf));

	if (!memchr(buf, '\0', n))
		return NULL;
	return strdup(buf);
}

static bool addr_to_offset(const struct objfile *o, taddr_t addr, uint64_t *offset)
{
	const struct objseg *s = objfile_seg_at(o, addr);

	if (!s || addr - s->addr >= s->filesz)
		return false;
	*offset = s->offset + (addr - s->addr);
	return true;
}

static void dynamic_entry(struct objfile_dynamic *dyn, const Elf64_Dyn *e)
{
	uint64_t v = e->d_un.d_val;

	switch (e->d_tag) {
	case DT_STRTAB:
		dyn->strtab = v;
		break;
	case DT_STRSZ:
		dyn->strsz = v;
		break;
	case DT_SONAME:
		dyn->soname = v;
		dyn->has_soname = true;
		break;
	case DT_RELA:
		dyn->rela = v;
		break;
	case DT_RELASZ:
		dyn->relasz = v;
		break;
	case DT_JMPREL:
		dyn->jmprel = v;
		break;
	case DT_PLTRELSZ:
		dyn->pltrelsz = v;
		break;
	case DT_RELR:
		dyn->relr = v;
		break;
	case DT_RELRSZ:
		dyn->relrsz = v;
		break;
	case DT_SYMTAB:
		dyn->symtab = v;
		break;
	case DT_INIT:
		dyn->init = v;
		break;
	case DT_FINI:
		dyn->fini = v;
		break;
	case DT_FLAGS:
		dyn->flags = v;
		break;
	case DT_FLAGS_1:
		dyn->flags_1 = v;
		break;
	case DT_TEXTREL:
		dyn->textrel = true;
		break;
	}
}

static void read_dynamic(struct objfile_priv *p, const GElf_Phdr *ph, struct objfile_dynamic *dyn)
{
	uint64_t n = ph->p_filesz / sizeof(Elf64_Dyn), at;
	Elf64_Dyn e;

	for (uint64_t i = 0; i < n && i < MAX_DYNAMIC; i++) {
		if (objfile_raw(p, ph->p_offset + i * sizeof(e), &e, sizeof(e)) != sizeof(e))
			break;
		if (e.d_tag == DT_NULL)
			break;
		dynamic_entry(dyn, &e);
	}
	p->pub.textrel = dyn->textrel || dyn->flags & DF_TEXTREL;
	if (dyn->has_soname && dyn->soname < dyn->strsz &&
	    addr_to_offset(&p->pub, dyn->strtab, &at))
		p->pub.soname = string_at(p, at + dyn->soname, dyn->strsz - dyn->soname);
}

/* Notes are 4-aligned but in segments of alignment 8, where descriptors are 8-aligned. */
static bool find_build_id(struct objfile *o, const uint8_t *at, size_t n, uint64_t align)
{
	size_t pad = align == 8 ? 8 : 4;
	Elf64_Nhdr h;
	size_t name, desc;

	while (n >= sizeof(h)) {
		memcpy(&h, at, sizeof(h));
		at += sizeof(h);
		n -= sizeof(h);
		name = ALIGN_UP((size_t)h.n_namesz, 4);
		if (pad == 8)
			name = ALIGN_UP(name + sizeof(h), 8) - sizeof(h);
		if (name > n || h.n_descsz > n - name)
			return false;
		if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && !memcmp(at, "GNU", 4) &&
		    h.n_descsz && h.n_descsz <= sizeof(o->build_id)) {
			memcpy(o->build_id, at + name, h.n_descsz);
			o->build_id_len = h.n_descsz;
			return true;
		}
		desc = ALIGN_UP((size_t)h.n_descsz, pad);
		if (desc > n - name)
			return false;
		at += name + desc;
		n -= name + desc;
	}
	return false;
}

static void read_note_segment(struct objfile_priv *p, const GElf_Phdr *ph)
{
	_free_ uint8_t *notes = NULL;
	size_t n = ph->p_filesz < MAX_NOTES ? ph->p_filesz : MAX_NOTES;

	notes = malloc(n ? n : 1);
	if (notes && !p->pub.build_id_len)
		find_build_id(&p->pub, notes, objfile_raw(p, ph->p_offset, notes, n), ph->p_align);
}

static void read_build_id_section(struct objfile_priv *p)
{
	const void *at;
	size_t n;

	at = objfile_section(&p->pub, ".note.gnu.build-id", &n, NULL);
	if (at)
		find_build_id(&p->pub, at, n, 4);
}

static int segment_add(struct objfile_priv *p, struct objseg *seg, const GElf_Phdr *ph,
		       struct diag *d)
{
	if (ph->p_filesz > ph->p_memsz || ph->p_vaddr + ph->p_memsz < ph->p_vaddr ||
	    ph->p_offset + ph->p_filesz < ph->p_offset)
		return diag_set(d, -EBADMSG, "%s: a damaged program header", p->pub.path);
	seg[p->pub.nseg++] = (struct objseg){
		.addr = ph->p_vaddr,
		.memsz = ph->p_memsz,
		.filesz = ph->p_filesz,
		.offset = ph->p_offset,
		.r = ph->p_flags & PF_R,
		.w = ph->p_flags & PF_W,
		.x = ph->p_flags & PF_X,
	};
	return 0;
}

static int read_phdrs(struct objfile_priv *p, struct objfile_dynamic *dyn, struct diag *d)
{
	GElf_Phdr dynamic = { 0 }, ph;
	struct objseg *seg;
	size_t n;
	int err;

	if (elf_getphdrnum(p->elf, &n) < 0 || n > MAX_PHDRS)
		return diag_set(d, -EBADMSG, "%s: damaged program headers", p->pub.path);
	seg = calloc(n ? n : 1, sizeof(*seg));
	if (!seg)
		return -ENOMEM;
	p->pub.seg = seg;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(p->elf, (int)i, &ph))
			return diag_set(d, -EBADMSG, "%s: truncated program headers", p->pub.path);
		if (ph.p_type == PT_LOAD) {
			err = segment_add(p, seg, &ph, d);
			if (err < 0)
				return err;
		} else if (ph.p_type == PT_INTERP && !p->pub.interp) {
			p->pub.has_interp = true;
			p->pub.interp = string_at(p, ph.p_offset, ph.p_filesz);
		} else if (ph.p_type == PT_NOTE) {
			read_note_segment(p, &ph);
		} else if (ph.p_type == PT_DYNAMIC) {
			dynamic = ph;
		}
	}
	read_dynamic(p, &dynamic, dyn);
	return 0;
}

static int check_header(struct objfile_priv *p, struct diag *d)
{
	const char *path = p->pub.path;
	uint8_t id[EI_NIDENT];
	Elf64_Ehdr h;

	if (objfile_raw(p, 0, id, sizeof(id)) != sizeof(id) || memcmp(id, ELFMAG, SELFMAG) != 0)
		return diag_set(d, -EBADMSG, "%s: not an ELF file", path);
	if (id[EI_CLASS] == ELFCLASS32)
		return diag_set(d, -ENOTSUP, "%s: a 32-bit ELF file, only x86-64 is supported",
				path);
	if (id[EI_CLASS] != ELFCLASS64 || id[EI_VERSION] != EV_CURRENT)
		return diag_set(d, -EBADMSG, "%s: a damaged ELF header", path);
	if (id[EI_DATA] != ELFDATA2LSB)
		return diag_set(d, -ENOTSUP, "%s: a big-endian ELF file, only x86-64 is supported",
				path);
	if (objfile_raw(p, 0, &h, sizeof(h)) != sizeof(h))
		return diag_set(d, -EBADMSG, "%s: truncated in its ELF header", path);
	if (h.e_machine != EM_X86_64)
		return diag_set(d, -ENOTSUP,
				"%s: an ELF file for machine %u, only x86-64 is supported", path,
				h.e_machine);
	if (h.e_type != ET_EXEC && h.e_type != ET_DYN)
		return diag_set(d, -ENOTSUP, "%s: %s, neither an executable nor a shared object",
				path,
				h.e_type == ET_REL  ? "a relocatable object file" :
				h.e_type == ET_CORE ? "a core file" :
						      "an ELF file of unknown type");
	/* the section headers come last in practice: they tell a truncated file */
	if (h.e_shoff && (h.e_shoff >= p->size || h.e_shentsize != sizeof(Elf64_Shdr) ||
			  (p->size - h.e_shoff) / sizeof(Elf64_Shdr) < h.e_shnum))
		return diag_set(d, -EBADMSG, "%s: truncated: its section headers are missing",
				path);
	if (h.e_phoff > p->size || (h.e_phnum && h.e_phentsize != sizeof(Elf64_Phdr)))
		return diag_set(d, -EBADMSG, "%s: damaged program headers", path);
	p->pub.is_dyn = h.e_type == ET_DYN;
	p->pub.entry = h.e_entry;
	return 0;
}

static int read_all(struct objfile_priv *p, struct diag *d)
{
	struct objfile_dynamic *dyn = &p->dynamic;
	int err;

	err = check_header(p, d);
	if (err < 0)
		return err;
	elf_version(EV_CURRENT);
	if (p->bytes) /* libelf never writes to an image it only reads */
		p->elf = elf_memory((char *)(uintptr_t)p->bytes, p->size);
	else
		p->elf = elf_begin(p->fd, ELF_C_READ, NULL);
	if (!p->elf || elf_kind(p->elf) != ELF_K_ELF)
		return diag_set(d, -EBADMSG, "%s: %s", p->pub.path, elf_errmsg(-1));
	err = read_phdrs(p, dyn, d);
	if (err < 0)
		return err;
	p->pub.is_pie = p->pub.is_dyn && (dyn->flags_1 & DF_1_PIE || p->pub.has_interp);
	if (!p->pub.build_id_len)
		read_build_id_section(p);
	err = objfile_read_syms(p, d);
	if (!err)
		err = objfile_read_fdes(p, d);
	if (!err)
		err = objfile_read_patchable(p, dyn, d);
	return err;
}

static int priv_new(const char *name, struct objfile_priv **out)
{
	struct objfile_priv *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fd = -1;
	p->pub.priv = p;
	p->pub.path = strdup(name);
	if (!p->pub.path || ty_pool_new(&p->pool) < 0) {
		objfile_close(&p->pub);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

static int finish(struct objfile_priv *p, struct objfile **out, struct diag *d)
{
	int err = read_all(p, d);

	if (err < 0)
		objfile_close(&p->pub);
	else
		*out = &p->pub;
	return err;
}

static int64_t in_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

int objfile_open(const char *path, struct objfile **out, struct diag *d)
{
	struct objfile_priv *p;
	struct stat st;
	int err;

	err = priv_new(path, &p);
	if (err < 0)
		return err;
	/* O_NONBLOCK: a FIFO must not hold us up */
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (p->fd < 0 || fstat(p->fd, &st) < 0) {
		err = diag_set(d, -errno, "%s: %s", path, strerror(errno));
		objfile_close(&p->pub);
		return err;
	}
	if (!S_ISREG(st.st_mode)) {
		objfile_close(&p->pub);
		return diag_set(d, -EBADMSG, "%s: not a regular file", path);
	}
	p->size = (uint64_t)st.st_size;
	p->pub.file = (struct objfile_id){ st.st_dev, st.st_ino, p->size, in_ns(&st.st_mtim),
					   in_ns(&st.st_ctim) };
	return finish(p, out, d);
}

int objfile_open_mem(const void *bytes, size_t n, const char *name, struct objfile **out,
		     struct diag *d)
{
	struct objfile_priv *p;
	int err;

	err = priv_new(name, &p);
	if (err < 0)
		return err;
	p->bytes = bytes;
	p->size = n;
	return finish(p, out, d);
}

void objfile_close(struct objfile *o)
{
	struct objfile_priv *p;

	if (!o)
		return;
	p = o->priv;
	free((void *)(uintptr_t)o->seg);
	free((void *)(uintptr_t)o->sym);
	free((void *)(uintptr_t)o->fde);
	free((void *)(uintptr_t)o->patchable);
	free(o->path);
	free(o->interp);
	free(o->soname);
	free(p->bucket);
	free(p->chain);
	ty_pool_free(p->pool);
	if (p->elf)
		elf_end(p->elf);
	if (p->debug_elf)
		elf_end(p->debug_elf);
	if (p->debug_fd > 0)
		close(p->debug_fd);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
