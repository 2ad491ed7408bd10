/*
 * info/objfile_addr.c - see objfile.h: the addresses of code that a file names.
 *
 * Relocations are read through the dynamic section, as the loader does, so that a file
 * without section headers has them too; a table that reaches past the file ends there.
 *
 * Context  [ctl]
 * Spec     gABI: dynamic section, relocation (DT_RELR); psABI table 4.9: x86-64 types
 */
#include "info/objfile_priv.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK 256 /* entries read at a time */

struct addresses {
	VEC(taddr_t);
};

static bool is_code_addr(const struct objfile *o, taddr_t addr)
{
	const struct objseg *s = objfile_seg_at(o, addr);

	return s && s->x;
}

static int add(const struct objfile *o, struct addresses *a, taddr_t addr)
{
	return is_code_addr(o, addr) ? vec_push(a, addr) : 0;
}

/* The value that a dynamic symbol gives a relocation; 0: another module's. */
static taddr_t symbol_value(const struct objfile_priv *p, uint32_t index)
{
	Elf64_Sym s;

	if (!p->dynamic.symtab ||
	    objfile_bytes(&p->pub, p->dynamic.symtab + (uint64_t)index * sizeof(s), &s,
			  sizeof(s)) != sizeof(s))
		return 0;
	return s.st_shndx == SHN_UNDEF || s.st_shndx == SHN_ABS ? 0 : s.st_value;
}

static int add_rela(const struct objfile_priv *p, struct addresses *a, const Elf64_Rela *r)
{
	switch (ELF64_R_TYPE(r->r_info)) {
	case R_X86_64_RELATIVE:
	case R_X86_64_RELATIVE64:
	case R_X86_64_IRELATIVE:
		return add(&p->pub, a, (taddr_t)r->r_addend);
	case R_X86_64_64: /* in code also 32 bits wide, where DT_TEXTREL is set */
	case R_X86_64_32:
	case R_X86_64_32S:
		return add(&p->pub, a,
			   symbol_value(p, (uint32_t)ELF64_R_SYM(r->r_info)) +
				   (taddr_t)r->r_addend);
	default: /* GLOB_DAT and JUMP_SLOT name symbols, which are in the list */
		return 0;
	}
}

static int read_rela(const struct objfile_priv *p, taddr_t at, uint64_t size, struct addresses *a)
{
	Elf64_Rela buf[BLOCK];

	while (at && size >= sizeof(*buf)) {
		size_t want = size < sizeof(buf) ? size / sizeof(*buf) * sizeof(*buf) : sizeof(buf);
		size_t n = objfile_bytes(&p->pub, at, buf, want) / sizeof(*buf);

		for (size_t i = 0; i < n; i++)
			if (add_rela(p, a, &buf[i]) < 0)
				return -ENOMEM;
		if (n * sizeof(*buf) < want)
			break;
		at += want;
		size -= want;
	}
	return 0;
}

/* The pointer at `place`, which the loader adds its bias to. */
static int add_place(const struct objfile_priv *p, struct addresses *a, taddr_t place)
{
	taddr_t value;

	if (objfile_bytes(&p->pub, place, &value, sizeof(value)) != sizeof(value))
		return 0;
	return add(&p->pub, a, value);
}

/* An even entry is a place; an odd one says which of the 63 words behind are places. */
static int read_relr(const struct objfile_priv *p, struct addresses *a)
{
	taddr_t at = p->dynamic.relr, place = 0;
	uint64_t entry;

	for (uint64_t i = 0; at && i < p->dynamic.relrsz / sizeof(entry); i++) {
		if (objfile_bytes(&p->pub, at + i * sizeof(entry), &entry, sizeof(entry)) !=
		    sizeof(entry))
			break;
		if (!(entry & 1)) {
			if (add_place(p, a, entry) < 0)
				return -ENOMEM;
			place = entry + sizeof(entry);
			continue;
		}
		for (unsigned bit = 1; bit < 64; bit++)
			if ((entry >> bit & 1) && add_place(p, a, place + (bit - 1) * 8ull) < 0)
				return -ENOMEM;
		place += 63 * sizeof(entry);
	}
	return 0;
}

int objfile_code_addresses(const struct objfile *o, taddr_t **out, size_t *n)
{
	const struct objfile_priv *p = o->priv;
	const struct objfile_dynamic *dyn = &p->dynamic;
	struct addresses a = { 0 };
	int err = 0;

	for (unsigned i = 0; i < o->nsym && !err; i++)
		err = add(o, &a, o->sym[i].addr);
	if (!err)
		err = add(o, &a, o->entry);
	if (!err && dyn->init)
		err = add(o, &a, dyn->init);
	if (!err && dyn->fini)
		err = add(o, &a, dyn->fini);
	if (!err)
		err = read_rela(p, dyn->rela, dyn->relasz, &a);
	if (!err)
		err = read_rela(p, dyn->jmprel, dyn->pltrelsz, &a);
	if (!err)
		err = read_relr(p, &a);
	if (err) {
		vec_free(&a);
		return -ENOMEM;
	}
	*out = a.at;
	*n = a.n;
	return 0;
}
