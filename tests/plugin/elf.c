/*
 * elf.c - see elf.h.
 *
 * Sections of code are laid one behind the other; the one that has main comes first, and if main
 * is not its beginning, it is moved before it: exits stay behind, since what nobody calls
 * would count as part of the function before.
 *
 * Spec     Documentation/bpf/llvm_reloc.rst: R_BPF_64_32 of a call is symbol + (imm + 1) * 8
 */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SECTIONS 64
#define CALL_CODE    (BPF_JMP | BPF_CALL)
#define NOT_THERE    SIZE_MAX

#ifndef EM_BPF
#define EM_BPF 247
#endif
#ifndef R_BPF_64_32
#define R_BPF_64_32 10
#endif

struct object {
	Elf *elf;
	Elf_Data *symbols;
	size_t nsymbols, strings;
	size_t at[MAX_SECTIONS]; /* instruction where a section's code begins in out */
	struct bpf_insn *out;
	size_t n;
	size_t first, moved, from; /* of section first, instructions of main, and where they were */
	struct diag *d;
};

static Elf_Data *section(const struct object *o, size_t index, GElf_Shdr *h)
{
	Elf_Scn *s = elf_getscn(o->elf, index);

	return s && gelf_getshdr(s, h) ? elf_getdata(s, NULL) : NULL;
}

static const char *section_name(const struct object *o, const GElf_Shdr *h)
{
	size_t strings;
	const char *s = elf_getshdrstrndx(o->elf, &strings) ?
				NULL :
				elf_strptr(o->elf, strings, h->sh_name);

	return s ? s : "";
}

static bool is_code(const GElf_Shdr *h)
{
	return h->sh_type == SHT_PROGBITS && h->sh_flags & SHF_EXECINSTR && h->sh_size;
}

static int open_object(struct object *o, const uint8_t *data, size_t n)
{
	GElf_Ehdr e;
	GElf_Shdr h;
	size_t sections;

	elf_version(EV_CURRENT);
	o->elf = elf_memory((char *)(uintptr_t)data, n);
	if (!o->elf || elf_kind(o->elf) != ELF_K_ELF || !gelf_getehdr(o->elf, &e) ||
	    e.e_machine != EM_BPF || e.e_type != ET_REL || elf_getshdrnum(o->elf, &sections) ||
	    sections > MAX_SECTIONS)
		return diag_set(o->d, -EBADMSG, "not an eBPF object");
	for (size_t s = 1; s < sections; s++) {
		if (!section(o, s, &h) || h.sh_type != SHT_SYMTAB)
			continue;
		o->symbols = section(o, s, &h);
		o->nsymbols = h.sh_size / sizeof(Elf64_Sym);
		o->strings = h.sh_link;
	}
	return 0;
}

/* The section and the instructions of main. */
static size_t find_main(const struct object *o, size_t *from, size_t *count)
{
	static const char *const names[] = { ".text", "xdp" };
	GElf_Shdr h;
	GElf_Sym sym;

	*from = *count = 0;
	for (size_t k = 0; o->symbols && k < o->nsymbols; k++) {
		const char *name;

		if (!gelf_getsym(o->symbols, (int)k, &sym))
			continue;
		name = elf_strptr(o->elf, o->strings, sym.st_name);
		if (!name || strcmp(name, "main") || sym.st_shndx == SHN_UNDEF)
			continue;
		*from = sym.st_value / 8;
		*count = sym.st_size / 8;
		return sym.st_shndx;
	}
	for (unsigned k = 0; k < 2; k++)
		for (size_t s = 1; elf_getscn(o->elf, s); s++)
			if (section(o, s, &h) && is_code(&h) &&
			    !strcmp(section_name(o, &h), names[k]))
				return s;
	return NOT_THERE;
}

static int append(struct object *o, size_t index, size_t from, size_t count)
{
	GElf_Shdr h;
	const Elf_Data *code = section(o, index, &h);
	struct bpf_insn *more;

	if (!code || !is_code(&h) || code->d_size % 8)
		return diag_set(o->d, -EBADMSG, "section %zu has no instructions", index);
	if (!count)
		count = code->d_size / 8;
	if (from + count > code->d_size / 8)
		return diag_set(o->d, -EBADMSG, "main lies outside its section");
	more = realloc(o->out, (o->n + count) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	o->out = more;
	memcpy(o->out + o->n, (const uint8_t *)code->d_buf + from * 8, count * 8);
	o->n += count;
	return 0;
}

/* Main's section first, then every other one with code. */
static int lay_out(struct object *o)
{
	size_t from, count, first = find_main(o, &from, &count);
	GElf_Shdr h;
	int err;

	if (first == NOT_THERE || first >= MAX_SECTIONS)
		return diag_set(o->d, -EBADMSG, "no function main, and neither .text nor xdp");
	if (from) {
		o->moved = count;
		o->from = from;
		err = append(o, first, from, count);
		if (err)
			return err;
	}
	o->first = first;
	o->at[first] = o->n;
	err = append(o, first, 0, 0);
	for (size_t s = 1; !err && s < MAX_SECTIONS && elf_getscn(o->elf, s); s++) {
		if (s == first || !section(o, s, &h) || !is_code(&h))
			continue;
		o->at[s] = o->n;
		err = append(o, s, 0, 0);
	}
	for (size_t k = 0; !err && k < o->moved; k++) {
		o->out[o->at[first] + from + k] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
		/* calls that no relocation speaks of: their targets stay behind */
		if (o->out[k].code == CALL_CODE && o->out[k].src_reg == BPF_PSEUDO_CALL)
			o->out[k].imm += (int)(o->at[first] + from);
	}
	return err;
}

static int relocate_one(struct object *o, size_t place, const GElf_Rel *rel)
{
	const char *name = "";
	struct bpf_insn *i;
	GElf_Sym sym;

	if (!gelf_getsym(o->symbols, (int)GELF_R_SYM(rel->r_info), &sym) || place >= o->n)
		return diag_set(o->d, -EBADMSG, "a relocation of nothing");
	if (GELF_ST_TYPE(sym.st_info) != STT_SECTION)
		name = elf_strptr(o->elf, o->strings, sym.st_name);
	name = name ? name : "";
	i = &o->out[place];
	if (GELF_R_TYPE(rel->r_info) != R_BPF_64_32 || i->code != CALL_CODE ||
	    sym.st_shndx >= MAX_SECTIONS || sym.st_shndx == SHN_UNDEF)
		return diag_set(o->d, -ENOTSUP, "refers to '%s': only functions of the object",
				name);
	i->imm = (int)(o->at[sym.st_shndx] + sym.st_value / 8) + i->imm + 1 - (int)place - 1;
	return 0;
}

static int relocate(struct object *o)
{
	GElf_Shdr h, code;

	for (size_t s = 1; s < MAX_SECTIONS && elf_getscn(o->elf, s); s++) {
		Elf_Data *data = section(o, s, &h);

		if (!data || h.sh_type != SHT_REL || h.sh_info >= MAX_SECTIONS ||
		    !section(o, h.sh_info, &code) || !is_code(&code))
			continue;
		for (size_t k = 0; k < h.sh_size / sizeof(Elf64_Rel); k++) {
			size_t at, place;
			GElf_Rel rel;
			int err;

			if (!gelf_getrel(data, (int)k, &rel))
				return -EBADMSG;
			at = rel.r_offset / 8;
			place = o->at[h.sh_info] + at;
			if (h.sh_info == o->first && at >= o->from && at - o->from < o->moved) {
				place = at - o->from;
				o->out[place].imm -= (int)(o->at[o->first] + o->from);
			}
			err = relocate_one(o, place, &rel);
			if (err)
				return err;
		}
	}
	return 0;
}

int elf_program(const uint8_t *data, size_t n, struct bpf_insn **out, size_t *ninsns,
		struct diag *d)
{
	struct object o = { .d = d };
	int err = open_object(&o, data, n);

	if (!err)
		err = lay_out(&o);
	if (!err)
		err = relocate(&o);
	elf_end(o.elf);
	if (err) {
		free(o.out);
		return err;
	}
	*out = o.out;
	*ninsns = o.n;
	return 0;
}
