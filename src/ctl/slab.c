/*
 * ctl/slab.c - the slab's two files: link the template at an address, write, find again.
 *
 * "Linking" a shared object elsewhere means adding the base to everything in the file that
 * is an address: headers, dynamic entries, symbols, relocations.  Code and .eh_frame are
 * position independent.  The loader asks for a file's own addresses first and the kernel
 * grants them while they are free (glibc, elf/dl-map-segments.h).
 *
 * Memory   slab_link() gives a malloc'ed copy; files live until slab_remove_files()
 * Context  [ctl] the template is ours, its offsets are checked all the same
 * Spec     ELF gABI "Object Files", "Dynamic Section"; psABI 4.4 (relocation types)
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	/*
	 * Linux (6.7 on) looks for room for a large file mapping with this much more, to align
	 * it, and only then honours the hint: mm/huge_memory.c __thp_get_unmapped_area()
	 */
	HUGE_PAD = 2 << 20,
	SONAME_DIGITS = 16, /* letters X in the template's SONAME that become random */
};

/* -- reading the template ---------------------------------------------------------------- */

struct elf_view {
	uint8_t *at;
	uint64_t n;
};

static void *view_at(const struct elf_view *v, uint64_t off, uint64_t n)
{
	return off <= v->n && n <= v->n - off ? v->at + off : NULL;
}

static Elf64_Ehdr *view_header(const struct elf_view *v)
{
	Elf64_Ehdr *h = view_at(v, 0, sizeof(*h));

	if (!h || memcmp(h->e_ident, ELFMAG, SELFMAG) || h->e_ident[EI_CLASS] != ELFCLASS64 ||
	    h->e_type != ET_DYN || h->e_machine != EM_X86_64 ||
	    h->e_phentsize != sizeof(Elf64_Phdr) || h->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	if (!view_at(v, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)) ||
	    !view_at(v, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr)))
		return NULL;
	return h;
}

static Elf64_Phdr *view_segments(const struct elf_view *v, const Elf64_Ehdr *h)
{
	return (void *)(v->at + h->e_phoff);
}

static Elf64_Shdr *view_sections(const struct elf_view *v, const Elf64_Ehdr *h)
{
	return (void *)(v->at + h->e_shoff);
}

/* The table of entries in a section, NULL if it is not wholly there; *count of them. */
static void *view_table(const struct elf_view *v, const Elf64_Shdr *s, size_t entry, size_t *count)
{
	void *at = view_at(v, s->sh_offset, s->sh_size);

	*count = at ? s->sh_size / entry : 0;
	return at;
}

static taddr_t symbol_value(const struct elf_view *v, const Elf64_Ehdr *h, const char *name)
{
	const Elf64_Shdr *s = view_sections(v, h);

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const char *names;
		const Elf64_Sym *sym;
		size_t count, names_n;

		if (s[i].sh_type != SHT_SYMTAB || s[i].sh_link >= h->e_shnum)
			continue;
		sym = view_table(v, &s[i], sizeof(*sym), &count);
		names = view_table(v, &s[s[i].sh_link], 1, &names_n);
		for (size_t k = 0; k < count; k++) {
			if (sym[k].st_shndx != SHN_UNDEF && sym[k].st_name < names_n &&
			    !strncmp(names + sym[k].st_name, name, names_n - sym[k].st_name) &&
			    strlen(name) < names_n - sym[k].st_name)
				return sym[k].st_value;
		}
	}
	return 0;
}

static taddr_t tls_word(const struct elf_view *v, const Elf64_Ehdr *h)
{
	const Elf64_Shdr *s = view_sections(v, h);

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Rela *r;
		size_t count;

		if (s[i].sh_type != SHT_RELA)
			continue;
		r = view_table(v, &s[i], sizeof(*r), &count);
		for (size_t k = 0; k < count; k++) {
			if (ELF64_R_TYPE(r[k].r_info) == R_X86_64_TPOFF64)
				return r[k].r_offset;
		}
	}
	return 0;
}

/* Only read through: nothing is written to the template's constant bytes. */
static struct elf_view view_of(const struct slab_template *t)
{
	return (struct elf_view){ (uint8_t *)(uintptr_t)t->bytes, t->size };
}

int slab_layout_read(const struct slab_template *t, struct slab_layout *out, struct diag *d)
{
	struct elf_view v = view_of(t);
	const Elf64_Ehdr *h = view_header(&v);
	const Elf64_Phdr *ph;
	struct slab_layout l = { .lowest = UINT64_MAX };
	taddr_t end = 0;

	if (!h)
		return diag_set(d, -EBADMSG, "the slab template is not a shared object");
	ph = view_segments(&v, h);
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (ph[i].p_vaddr + ph[i].p_memsz < ph[i].p_vaddr)
			return diag_set(d, -EBADMSG, "slab template: segment %u wraps", i);
		if (ph[i].p_vaddr < l.lowest)
			l.lowest = ph[i].p_vaddr & ~(uint64_t)(PAGE - 1);
		if (ph[i].p_vaddr + ph[i].p_memsz > end)
			end = ph[i].p_vaddr + ph[i].p_memsz;
	}
	l.text = symbol_value(&v, h, "slab_text");
	l.shadow = symbol_value(&v, h, "slab_shadow");
	l.rt_state = symbol_value(&v, h, "rt_state");
	l.tls_word = tls_word(&v, h);
	if (end <= l.lowest || !l.text || !l.shadow || !l.rt_state || !l.tls_word)
		return diag_set(d, -EBADMSG,
				"slab template: no segment, slab_text, slab_shadow, rt_state or "
				"TPOFF64 relocation");
	l.span = ALIGN_UP(end - l.lowest, (uint64_t)PAGE);
	*out = l;
	return 0;
}

/* -- linking ------------------------------------------------------------------------------- */

/* gABI figure 5-10: which dynamic entries hold addresses. */
static bool dynamic_is_address(int64_t tag)
{
	switch (tag) {
	case DT_PLTGOT:
	case DT_HASH:
	case DT_STRTAB:
	case DT_SYMTAB:
	case DT_RELA:
	case DT_INIT:
	case DT_FINI:
	case DT_REL:
	case DT_JMPREL:
	case DT_INIT_ARRAY:
	case DT_FINI_ARRAY:
	case DT_PREINIT_ARRAY:
	case DT_VERSYM:
	case DT_VERDEF:
	case DT_VERNEED:
		return true;
	default:
		return tag >= DT_ADDRRNGLO && tag <= DT_ADDRRNGHI;
	}
}

static void shift_symbols(const struct elf_view *v, const Elf64_Shdr *s, taddr_t base)
{
	size_t count;
	Elf64_Sym *sym = view_table(v, s, sizeof(*sym), &count);

	for (size_t k = 0; k < count; k++) {
		if (sym[k].st_shndx != SHN_UNDEF && sym[k].st_shndx != SHN_ABS &&
		    sym[k].st_shndx != SHN_COMMON && ELF64_ST_TYPE(sym[k].st_info) != STT_TLS)
			sym[k].st_value += base;
	}
}

static void shift_relocations(const struct elf_view *v, const Elf64_Shdr *s, taddr_t base)
{
	size_t count;
	Elf64_Rela *r = view_table(v, s, sizeof(*r), &count);

	for (size_t k = 0; k < count; k++) {
		r[k].r_offset += base;
		if (ELF64_R_TYPE(r[k].r_info) == R_X86_64_RELATIVE ||
		    ELF64_R_TYPE(r[k].r_info) == R_X86_64_IRELATIVE)
			r[k].r_addend += (int64_t)base;
	}
}

static void shift_dynamic(const struct elf_view *v, const Elf64_Shdr *s, taddr_t base)
{
	size_t count;
	Elf64_Dyn *dyn = view_table(v, s, sizeof(*dyn), &count);

	for (size_t k = 0; k < count && dyn[k].d_tag != DT_NULL; k++) {
		if (dynamic_is_address(dyn[k].d_tag))
			dyn[k].d_un.d_ptr += base;
	}
}

static void shift_all(const struct elf_view *v, Elf64_Ehdr *h, taddr_t base)
{
	Elf64_Phdr *ph = view_segments(v, h);
	Elf64_Shdr *s = view_sections(v, h);

	if (h->e_entry)
		h->e_entry += base;
	for (unsigned i = 0; i < h->e_phnum; i++) {
		if (ph[i].p_type == PT_GNU_STACK)
			continue;
		ph[i].p_vaddr += base;
		ph[i].p_paddr += base;
	}
	for (unsigned i = 0; i < h->e_shnum; i++) {
		if (s[i].sh_flags & SHF_ALLOC)
			s[i].sh_addr += base;
		if (s[i].sh_type == SHT_SYMTAB || s[i].sh_type == SHT_DYNSYM)
			shift_symbols(v, &s[i], base);
		else if (s[i].sh_type == SHT_RELA && s[i].sh_flags & SHF_ALLOC)
			shift_relocations(v, &s[i], base);
		else if (s[i].sh_type == SHT_DYNAMIC)
			shift_dynamic(v, &s[i], base);
	}
}

/* The loader takes two objects of one SONAME for the same: make it unique. */
static int name_uniquely(const struct elf_view *v, const Elf64_Ehdr *h, const char hex[16])
{
	const Elf64_Shdr *s = view_sections(v, h);
	static const char blank[] = "XXXXXXXXXXXXXXXX";

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Dyn *dyn;
		size_t count, names_n;
		char *names, *at;

		if (s[i].sh_type != SHT_DYNAMIC || s[i].sh_link >= h->e_shnum)
			continue;
		dyn = view_table(v, &s[i], sizeof(*dyn), &count);
		names = view_table(v, &s[s[i].sh_link], 1, &names_n);
		for (size_t k = 0; k < count && names; k++) {
			if (dyn[k].d_tag != DT_SONAME || dyn[k].d_un.d_val >= names_n)
				continue;
			at = memmem(names + dyn[k].d_un.d_val, names_n - dyn[k].d_un.d_val, blank,
				    SONAME_DIGITS);
			if (!at)
				return -EBADMSG;
			memcpy(at, hex, SONAME_DIGITS);
			return 0;
		}
	}
	return -EBADMSG;
}

int slab_link(const struct slab_template *t, taddr_t base, const char hex[16], uint8_t **out,
	      struct diag *d)
{
	struct elf_view v = { .n = t->size };
	_free_ uint8_t *copy = malloc(t->size ? t->size : 1);
	Elf64_Ehdr *h;

	if (!copy)
		return diag_set(d, -ENOMEM, "no memory for the slab");
	memcpy(copy, t->bytes, t->size);
	v.at = copy;
	h = view_header(&v);
	if (!h || base % PAGE)
		return diag_set(d, -EBADMSG, "the slab template is not a shared object");
	if (name_uniquely(&v, h, hex) < 0)
		return diag_set(d, -EBADMSG, "slab template: no SONAME with %d letters X",
				SONAME_DIGITS);
	if (base)
		shift_all(&v, h, base);
	*out = TAKE_PTR(copy);
	return 0;
}

/* -- files --------------------------------------------------------------------------------- */

/* LD_PRELOAD splits at blanks and colons and expands $ORIGIN and its like: ld.so(8). */
static const char *dir_refused(const char *dir)
{
	if (!dir || dir[0] != '/')
		return "is not an absolute path";
	if (strpbrk(dir, " :$"))
		return "has a blank, colon or dollar sign in its name, which LD_PRELOAD cannot hold";
	if (strlen(dir) > 128)
		return "has too long a name";
	return NULL;
}

/* dir as the target names it: in its root no link leads out of that (openat2(2)). */
static int open_base(const char *root, const char *dir)
{
	const struct {
		uint64_t flags, mode, resolve;
	} in_root = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = 0x10 };
	_close_ int top = -1;

	if (!root[0])
		return open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return top < 0 ? -1 : (int)syscall(SYS_openat2, top, dir, &in_root, sizeof(in_root));
}

/*
 * A fresh directory of ours alone, in base; its descriptor, or -1.  Somebody who may rename there can
 * put another in its place: that is not ours, or a link.
 */
static int make_dir(int base, char name[sizeof("utramp-XXXXXX")])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";

	for (int i = 0; i < 100; i++) {
		_close_ int fd = -1;
		uint8_t raw[6];
		struct stat st;
		int err;

		if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
			return -1;
		memcpy(name, "utramp-", 7);
		for (unsigned k = 0; k < sizeof(raw); k++)
			name[7 + k] = letters[raw[k] % 32];
		name[13] = '\0';
		if (mkdirat(base, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return -1;
		}
		fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 077))
			return TAKE_FD(fd);
		err = fd < 0 ? errno : EPERM;
		unlinkat(base, name, AT_REMOVEDIR);
		errno = err;
		return -1;
	}
	return -1;
}

static int dir_try(struct process *p, const char *dir, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	const char *why = dir_refused(dir);
	_close_ int base = why ? -1 : open_base(pp->root, dir), fd = -1;
	char name[sizeof("utramp-XXXXXX")];
	struct statvfs fs;
	int err = 0;

	if (!why && (base < 0 || fstatvfs(base, &fs) < 0)) {
		err = errno;
		why = strerror(err);
	} else if (!why && fs.f_flag & ST_NOEXEC)
		why = "is mounted noexec";
	if (!why) {
		fd = make_dir(base, name);
		err = errno;
		why = fd < 0 ? strerror(err) : NULL;
	}
	if (why && (err == EMFILE || err == ENFILE))
		return diag_set(d, -err, "%s: %s", dir, why);
	if (why) {
		diag_add(d, "no slab files in %s: it %s", dir ? dir : "(unset)", why);
		return -EROFS;
	}
	snprintf(pp->dir, sizeof(pp->dir), "%s/%s", dir, name);
	snprintf(p->slab[SLAB_EXE].path, sizeof(p->slab[0].path), "%s/slab-exe.so", pp->dir);
	snprintf(p->slab[SLAB_LIB].path, sizeof(p->slab[0].path), "%s/slab-lib.so", pp->dir);
	pp->base_fd = TAKE_FD(base);
	pp->dir_fd = TAKE_FD(fd);
	return 0;
}

/* Another user's, or one with another root: our own directories are none of its. */
static bool is_foreign(const struct process *p)
{
	unsigned uid, gid;

	return process_priv(p)->root[0] ||
	       (p->pid > 0 && process_user(p, &uid, &gid) == 0 && uid != geteuid());
}

int slab_choose_paths(struct process *p, const char *dir, struct diag *d)
{
	char cwd[PATH_MAX];
	const char *try[] = {
		getenv("XDG_RUNTIME_DIR"), "/tmp", "/dev/shm", "/var/tmp", getenv("HOME"),
		getcwd(cwd, sizeof(cwd))
	};
	bool foreign = is_foreign(p);

	diag_set(d, 0, "no directory for the slab files, which must be executable");
	if (dir) {
		int err = dir_try(p, dir, d);

		if (!err)
			diag_set(d, 0, "%s", "");
		return err;
	}
	for (size_t i = 0; i < ARRAY_LEN(try); i++) {
		bool everybodys = i > 0 && i < 4;

		int err = try[i] && (everybodys || !foreign) ? dir_try(p, try[i], d) : -EROFS;

		if (!err)
			diag_set(d, 0, "%s", "");
		if (err != -EROFS)
			return err;
	}
	return -EROFS;
}

static int random_hex(char hex[SONAME_DIGITS])
{
	uint8_t raw[SONAME_DIGITS / 2];

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return -EIO;
	for (unsigned i = 0; i < SONAME_DIGITS; i++)
		hex[i] = "0123456789abcdef"[raw[i / 2] >> (i % 2 ? 4 : 0) & 15];
	return 0;
}

/* Files are gone to by their directory's descriptor, and this name. */
static const char *name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Its user's, who could not open them otherwise; the room they lie in, too. */
int slab_give_files(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	unsigned uid, gid;
	int err = process_user(p, &uid, &gid);

	if (err || (uid == geteuid() && gid == getegid()))
		return 0;
	for (int i = 0; i < SLABS && !err; i++)
		err = fchown(p->slab[i].fd, uid, gid) < 0 ? -errno : 0;
	if (!err && fchown(pp->dir_fd, uid, gid) < 0)
		err = -errno;
	return err ? diag_set(d, err, "the slab files in %s cannot be given to user %u: %s",
			      pp->dir, uid, strerror(-err)) :
		     0;
}

int slab_write(struct process *p, int which, const struct slab_template *t, taddr_t base,
	       struct diag *d)
{
	const char *path = p->slab[which].path;
	_close_ int fd = openat(process_priv(p)->dir_fd, name_of(path),
				O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
	_free_ uint8_t *bytes = NULL;
	char hex[SONAME_DIGITS];
	uint64_t done = 0;
	int err;

	if (fd < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	err = random_hex(hex);
	if (!err)
		err = slab_link(t, base, hex, &bytes, d);
	if (err)
		return err;
	if (ftruncate(fd, (off_t)t->file_size) < 0 || fchmod(fd, 0500) < 0)
		return diag_set(d, -errno, "%s: %s", path, strerror(errno));
	while (done < t->size) {
		ssize_t w = pwrite(fd, bytes + done, t->size - done, (off_t)done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return diag_set(d, w < 0 ? -errno : -EIO, "%s: %s", path,
					w < 0 ? strerror(errno) : "short write");
		done += (uint64_t)w;
	}
	p->slab[which].fd = TAKE_FD(fd);
	return 0;
}

/* Profilers that unwind and look up names when the program has ended read them (perf script). */
bool slab_files_stay(void)
{
	const char *keep = getenv("UTRAMP_KEEP_SLABS");

	return keep && keep[0] && strcmp(keep, "0") != 0;
}

void slab_remove_files(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	bool stay = slab_files_stay() && p->arena; /* something has run there */

	for (int i = 0; i < SLABS; i++) {
		if (p->slab[i].path[0] && !stay)
			unlinkat(pp->dir_fd, name_of(p->slab[i].path), 0);
		p->slab[i].path[0] = '\0';
		if (p->slab[i].fd >= 0)
			close(p->slab[i].fd);
		p->slab[i].fd = -1;
	}
	if (pp->dir[0] && !stay)
		unlinkat(pp->base_fd, name_of(pp->dir), AT_REMOVEDIR);
	pp->dir[0] = '\0';
	if (pp->dir_fd >= 0)
		close(pp->dir_fd);
	if (pp->base_fd >= 0)
		close(pp->base_fd);
	pp->dir_fd = pp->base_fd = -1;
}

/* -- places -------------------------------------------------------------------------------- */

/* The highest gap of n bytes that ends at or below top; 0: none above floor. */
static taddr_t gap_below(const struct map_list *m, taddr_t top, taddr_t floor, uint64_t n)
{
	taddr_t end = top;

	for (size_t i = m->n; i-- > 0;) {
		const struct map_region *r = &m->at[i];

		if (r->lo >= end)
			continue;
		if (r->hi <= end && end - r->hi >= n)
			return end - n >= floor ? end - n : 0;
		end = r->lo < end ? r->lo : end;
	}
	return end >= n && end - n >= floor ? end - n : 0;
}

/*
 *   PIE       | slab | executable | ... brk heap grows up
 *   ET_EXEC   | executable | heap up to ~2 GiB ... | slab |     (no room below 0x400000)
 *
 * Below the executable the heap is not capped.  A fixed executable's slab goes as far up as
 * a rel32 from its first byte reaches, less 1 MiB for what a moved operand may add.
 */
taddr_t slab_place(const struct map_list *m, struct taddr_range exe, uint64_t span)
{
	const uint64_t reach = (2ull << 30) - (1ull << 20);
	const taddr_t least = 1ull << 20; /* well above any vm.mmap_min_addr */
	taddr_t floor = exe.hi > reach + least ? exe.hi - reach : least;
	taddr_t from = exe.lo & ~(uint64_t)(PAGE - 1);
	taddr_t at = gap_below(m, from, floor, span + HUGE_PAD);

	return at ? at : gap_below(m, from + reach, ALIGN_UP(exe.hi, PAGE), span + HUGE_PAD);
}

/* Where its root is another directory than ours, /proc shows more of the path than it knows. */
bool slab_is_region(const struct slab *s, const struct map_region *r)
{
	size_t own = strlen(s->path), n = strlen(r->path);

	return own && n >= own && !strcmp(r->path + n - own, s->path);
}

static const struct map_region *region_of(const struct map_list *m, const struct slab *s)
{
	for (size_t i = 0; i < m->n; i++) {
		if (slab_is_region(s, &m->at[i]))
			return &m->at[i];
	}
	return NULL;
}

bool slab_in_reach(const struct process *p)
{
	const struct process_priv *pp = process_priv(p);
	taddr_t lo = p->slab[SLAB_EXE].bias + pp->layout.lowest, hi = lo + pp->layout.span;

	lo = pp->exe.lo < lo ? pp->exe.lo : lo;
	hi = pp->exe.hi > hi ? pp->exe.hi : hi;
	return hi - lo < 1ull << 31;
}

int slab_locate(struct process *p, const struct slab_template *t, const struct map_list *m)
{
	const struct slab_layout *l = &process_priv(p)->layout;

	for (int i = 0; i < SLABS; i++) {
		struct slab *s = &p->slab[i];
		const struct map_region *r = region_of(m, s);
		uint64_t off = 0;

		if (!r)
			return 0;
		s->bias = r->lo - l->lowest;
		s->text = s->bias + l->text;
		s->shadow = s->bias + l->shadow;
		s->rt_state = s->bias + l->rt_state;
		s->room = t->code_size;
		/* offsets from the thread pointer are negative: 0 is "not relocated yet" */
		if (process_read(p, s->bias + l->tls_word, &off, sizeof(off)) < 0 || !off)
			return 0;
		if (i == SLAB_EXE)
			p->tls_off = (int32_t)(int64_t)off;
	}
	return 1;
}
