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
	l.signals = symbol_value(&v, h, "rt_signals");
	l.restore = symbol_value(&v, h, "rt_restore");
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

/* The loader takes two objects of one SONAME for the same: here are the letters to be made unique. */
static char *unique_part(const struct elf_view *v, const Elf64_Ehdr *h)
{
	const Elf64_Shdr *s = view_sections(v, h);
	static const char blank[] = "XXXXXXXXXXXXXXXX";

	for (unsigned i = 0; i < h->e_shnum; i++) {
		const Elf64_Dyn *dyn;
		size_t count, names_n;
		char *names;

		if (s[i].sh_type != SHT_DYNAMIC || s[i].sh_link >= h->e_shnum)
			continue;
		dyn = view_table(v, &s[i], sizeof(*dyn), &count);
		names = view_table(v, &s[s[i].sh_link], 1, &names_n);
		for (size_t k = 0; k < count && names; k++) {
			if (dyn[k].d_tag != DT_SONAME || dyn[k].d_un.d_val >= names_n)
				continue;
			return memmem(names + dyn[k].d_un.d_val, names_n - dyn[k].d_un.d_val, blank,
				      SLAB_DIGITS);
		}
	}
	return NULL;
}

int slab_link(const struct slab_template *t, taddr_t base, const char hex[SLAB_DIGITS],
	      uint8_t **out, struct diag *d)
{
	struct elf_view v = { .n = t->size };
	_free_ uint8_t *copy = malloc(t->size ? t->size : 1);
	Elf64_Ehdr *h;
	char *unique;

	if (!copy)
		return diag_set(d, -ENOMEM, "no memory for the slab");
	memcpy(copy, t->bytes, t->size);
	v.at = copy;
	h = view_header(&v);
	if (!h || base % PAGE)
		return diag_set(d, -EBADMSG, "the slab template is not a shared object");
	unique = unique_part(&v, h);
	if (!unique)
		return diag_set(d, -EBADMSG, "slab template: no SONAME with %d letters X",
				SLAB_DIGITS);
	memcpy(unique, hex, SLAB_DIGITS);
	if (base)
		shift_all(&v, h, base);
	*out = TAKE_PTR(copy);
	return 0;
}

/* -- a slab in memory ------------------------------------------------------------------------ */

bool slab_segment(const struct slab_template *t, unsigned i, struct slab_segment *out)
{
	struct elf_view v = view_of(t);
	const Elf64_Ehdr *h = view_header(&v);
	const Elf64_Phdr *ph = h ? view_segments(&v, h) : NULL;

	for (unsigned k = 0; h && k < h->e_phnum; k++) {
		if (ph[k].p_type != PT_LOAD || i--)
			continue;
		*out = (struct slab_segment){ .addr = ph[k].p_vaddr,
					      .offset = ph[k].p_offset,
					      .size = ph[k].p_memsz,
					      .r = ph[k].p_flags & PF_R,
					      .w = ph[k].p_flags & PF_W,
					      .x = ph[k].p_flags & PF_X };
		out->bytes = ph[k].p_offset + ph[k].p_filesz <= t->size ? ph[k].p_filesz : 0;
		return true;
	}
	return false;
}

const void *slab_data(const struct slab_template *t, taddr_t *at, uint64_t *size)
{
	struct elf_view v = view_of(t);
	const Elf64_Ehdr *h = view_header(&v);
	taddr_t state = h ? symbol_value(&v, h, "rt_state") : 0;
	const Elf64_Shdr *s = h ? view_sections(&v, h) : NULL;

	for (unsigned i = 0; state && i < h->e_shnum; i++) {
		if (s[i].sh_type != SHT_PROGBITS || !(s[i].sh_flags & SHF_WRITE) ||
		    state - s[i].sh_addr >= s[i].sh_size)
			continue;
		*at = s[i].sh_addr;
		*size = s[i].sh_size;
		return view_at(&v, s[i].sh_offset, s[i].sh_size);
	}
	return NULL;
}

/* glibc adds the load address where the file has addresses (elf/get-dynamic-info.h). */
static void adopt_dynamic(const struct elf_view *want, const Elf64_Ehdr *h, const uint8_t *now,
			  taddr_t moved)
{
	const Elf64_Shdr *s = view_sections(want, h);

	for (unsigned i = 0; i < h->e_shnum; i++) {
		size_t count;
		Elf64_Dyn *dyn;

		if (s[i].sh_type != SHT_DYNAMIC)
			continue;
		dyn = view_table(want, &s[i], sizeof(*dyn), &count);
		for (size_t k = 0; k < count; k++) {
			const Elf64_Dyn *is =
				(const void *)(now + s[i].sh_offset + k * sizeof(*is));

			if (dynamic_is_address(dyn[k].d_tag) &&
			    is->d_un.d_ptr == dyn[k].d_un.d_ptr + moved)
				dyn[k].d_un.d_ptr = is->d_un.d_ptr;
		}
	}
}

static bool same_segments(const struct slab_template *t, const uint8_t *want, const uint8_t *now)
{
	struct slab_segment s;

	for (unsigned i = 0; slab_segment(t, i, &s); i++) {
		if (s.bytes &&
		    (s.offset != s.addr || memcmp(want + s.offset, now + s.offset, s.bytes)))
			return false;
	}
	return true;
}

static bool is_hex(const char *digits)
{
	return strspn(digits, "0123456789abcdef") >= SLAB_DIGITS;
}

/* What no two slabs have in common: read from now, and checked as far as it can be. */
static bool own_words(const struct slab_template *t, const uint8_t *now, struct slab_found *f)
{
	struct elf_view v = view_of(t);
	const Elf64_Ehdr *h = view_header(&v);
	const Elf64_Phdr *is;
	char *unique = h ? unique_part(&v, h) : NULL;
	struct slab_segment first;
	struct slab_layout l;
	char digits[SLAB_DIGITS + 1] = "";
	int64_t off;

	if (!unique || slab_layout_read(t, &l, NULL) < 0 || !slab_segment(t, 0, &first) ||
	    l.tls_word > t->size - 8 || l.rt_state > t->size - sizeof(struct rt_state))
		return false;
	is = (const void *)(now + h->e_phoff); /* the first, as the linker script has it */
	f->base = is->p_vaddr - first.addr;
	memcpy(digits, now + (unique - (char *)v.at), SLAB_DIGITS);
	memcpy(f->digits, digits, SLAB_DIGITS);
	memcpy(&off, now + l.tls_word, sizeof(off));
	memcpy(&f->state, now + l.rt_state, sizeof(f->state));
	f->tls_off = (int32_t)off;
	return f->base % PAGE == 0 && is_hex(digits) && off < 0 && off == f->state.tls_off;
}

bool slab_is_fresh(const struct slab_template *t, taddr_t at, const uint8_t *now,
		   struct slab_found *f)
{
	struct elf_view want = { .n = t->size };
	struct slab_layout l;
	struct rt_state *state;

	*f = (struct slab_found){ 0 };
	if (!own_words(t, now, f) || slab_layout_read(t, &l, NULL) < 0 ||
	    slab_link(t, f->base, f->digits, &f->file, NULL) < 0)
		return false;
	want.at = malloc(t->size);
	if (!want.at)
		return false;
	memcpy(want.at, f->file, t->size);
	adopt_dynamic(&want, view_header(&want), now, at - (f->base + l.lowest));
	memcpy(want.at + l.tls_word, now + l.tls_word, 8);
	state = (void *)(want.at + l.rt_state);
	state->tls_off = f->state.tls_off;
	state->left = f->state.left;
	state->partner = f->state.partner;
	f->fresh = same_segments(t, want.at, now);
	free(want.at);
	return f->fresh;
}
