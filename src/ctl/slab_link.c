/*
 * ctl/slab_link.c - the slab's template: what it says of itself, and linked at an address.
 *
 * "Linking" a shared object elsewhere means adding the base to everything in the file that
 * is an address: headers, dynamic entries, symbols, relocations.  Code and .eh_frame are
 * position independent.  The loader asks for a file's own addresses first and the kernel
 * grants them while they are free (glibc, elf/dl-map-segments.h).
 *
 * Memory   slab_link() gives a malloc'ed copy
 * Context  [ctl] the template is ours, its offsets are checked all the same
 * Spec     ELF gABI "Object Files", "Dynamic Section"; psABI 4.4 (relocation types)
 */
#include "base/cleanup.h"
#include "ctl/priv.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

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
static int name_uniquely(const struct elf_view *v, const Elf64_Ehdr *h, const char hex[SLAB_DIGITS])
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
				    SLAB_DIGITS);
			if (!at)
				return -EBADMSG;
			memcpy(at, hex, SLAB_DIGITS);
			return 0;
		}
	}
	return -EBADMSG;
}

int slab_link(const struct slab_template *t, taddr_t base, const char hex[SLAB_DIGITS],
	      uint8_t **out, struct diag *d)
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
				SLAB_DIGITS);
	if (base)
		shift_all(&v, h, base);
	*out = TAKE_PTR(copy);
	return 0;
}
