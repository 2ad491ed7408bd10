/*
 * info/objfile_fde.c - see objfile.h: function ranges by .eh_frame, and patchable entries.
 *
 * A range is a function that can be entered by a call only if its CFA at the first
 * instruction is rsp + 8: the split-off cold part of a function starts with the frame of
 * the hot part.  Signal frames and the PLT are no functions either.
 *
 * Context  [ctl]
 * Spec     LSB core 10.6.1 (.eh_frame), 10.5.1 (DW_EH_PE_*), 10.6.2 (.eh_frame_hdr);
 *          DWARF 5, 6.4.2 (call frame instructions); psABI 3.6.2 (register 7 is rsp)
 */
#include "info/objfile_priv.h"

#include "base/vec.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#define RSP          7
#define MAX_CFA_OPS  256
#define MAX_EH_FRAME (256u << 20)

/* DW_EH_PE_*: format in the low nibble, what it is relative to in the next three bits */
enum { PE_ABS = 0, PE_PCREL = 0x10, PE_INDIRECT = 0x80, PE_OMIT = 0xff };

struct fde_list {
	VEC(struct taddr_range);
};

struct addr_list {
	VEC(taddr_t);
};

/* A bounded reader; a read past the end gives 0 and sets bad. */
struct cursor {
	const uint8_t *at, *end;
	taddr_t addr; /* of at, as the file says */
	bool bad;
};

struct cfa {
	uint64_t reg;
	int64_t offset;
	bool known;
};

struct cie {
	size_t offset; /* of its length field */
	uint8_t pe;    /* encoding of addresses in its FDEs */
	bool usable, augmented;
	int64_t data_align;
	struct cfa cfa;
};

struct walk {
	const struct objfile_priv *p;
	const uint8_t *bytes;
	size_t n;
	taddr_t addr;
	struct cie cie; /* the last one read; usable or not, offset tells which */
	bool have_cie;
	struct fde_list out;
	struct fde_list plt;
};

static bool skip(struct cursor *c, uint64_t n)
{
	if (c->bad || n > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		c->at = c->end;
		return false;
	}
	c->at += n;
	c->addr += n;
	return true;
}

static uint64_t get_fixed(struct cursor *c, unsigned n)
{
	const uint8_t *at = c->at;
	uint64_t v = 0;

	if (!skip(c, n))
		return 0;
	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)at[i] << (8 * i);
	return v;
}

static uint64_t get_uleb(struct cursor *c)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = get_fixed(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !c->bad && shift < 700);
	return v;
}

static int64_t get_sleb(struct cursor *c)
{
	uint64_t v = 0, byte;
	unsigned shift = 0;

	do {
		byte = get_fixed(c, 1);
		if (shift < 64)
			v |= (byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !c->bad && shift < 700);
	if (shift < 64 && byte & 0x40)
		v |= ~0ULL << shift;
	return (int64_t)v;
}

static uint64_t get_format(struct cursor *c, uint8_t pe)
{
	switch (pe & 0x0f) {
	case DW_EH_PE_absptr:
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		return get_fixed(c, 8);
	case DW_EH_PE_uleb128:
		return get_uleb(c);
	case DW_EH_PE_sleb128:
		return (uint64_t)get_sleb(c);
	case DW_EH_PE_udata2:
		return get_fixed(c, 2);
	case DW_EH_PE_sdata2:
		return (uint64_t)(int64_t)(int16_t)get_fixed(c, 2);
	case DW_EH_PE_udata4:
		return get_fixed(c, 4);
	case DW_EH_PE_sdata4:
		return (uint64_t)(int64_t)(int32_t)get_fixed(c, 4);
	default:
		c->bad = true;
		return 0;
	}
}

/* An encoded address; relative to anything but itself or nothing: bad. */
static taddr_t get_encoded(struct cursor *c, uint8_t pe)
{
	taddr_t at = c->addr;
	uint64_t v = get_format(c, pe);

	if ((pe & 0xf0) == PE_PCREL)
		return at + v;
	if ((pe & 0xf0) != PE_ABS)
		c->bad = true;
	return v;
}

/* The instructions that say nothing about the CFA; false: stop here. */
static bool cfa_skip(struct cursor *c, uint8_t op)
{
	switch (op) {
	case DW_CFA_nop:
	case DW_CFA_remember_state:
	case DW_CFA_restore_state:
	case DW_CFA_GNU_window_save:
		return true;
	case DW_CFA_restore_extended:
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_GNU_args_size:
		get_uleb(c);
		return true;
	case DW_CFA_offset_extended:
	case DW_CFA_register:
	case DW_CFA_val_offset:
	case DW_CFA_GNU_negative_offset_extended:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset_sf:
		get_uleb(c);
		get_uleb(c);
		return true;
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		get_uleb(c);
		skip(c, get_uleb(c));
		return true;
	default:
		return false;
	}
}

/* One instruction; false: the first row ends here (it advances), or it is unknown. */
static bool cfa_step(struct cursor *c, int64_t data_align, struct cfa *cfa)
{
	uint8_t op = (uint8_t)get_fixed(c, 1);

	switch (op & 0xc0) {
	case DW_CFA_advance_loc:
		return false;
	case DW_CFA_offset:
		get_uleb(c);
		return true;
	case DW_CFA_restore:
		return true;
	}
	switch (op) {
	case DW_CFA_set_loc:
	case DW_CFA_advance_loc1:
	case DW_CFA_advance_loc2:
	case DW_CFA_advance_loc4:
		return false;
	case DW_CFA_def_cfa:
		cfa->reg = get_uleb(c);
		cfa->offset = (int64_t)get_uleb(c);
		cfa->known = true;
		return true;
	case DW_CFA_def_cfa_sf:
		cfa->reg = get_uleb(c);
		cfa->offset = (int64_t)((uint64_t)get_sleb(c) * (uint64_t)data_align);
		cfa->known = true;
		return true;
	case DW_CFA_def_cfa_register:
		cfa->reg = get_uleb(c);
		return true;
	case DW_CFA_def_cfa_offset:
		cfa->offset = (int64_t)get_uleb(c);
		return true;
	case DW_CFA_def_cfa_offset_sf:
		cfa->offset = (int64_t)((uint64_t)get_sleb(c) * (uint64_t)data_align);
		return true;
	case DW_CFA_def_cfa_expression:
		skip(c, get_uleb(c));
		cfa->known = false;
		return true;
	}
	if (cfa_skip(c, op))
		return true;
	cfa->known = false;
	return false;
}

static void cfa_run(struct cursor *c, int64_t data_align, struct cfa *cfa)
{
	for (unsigned i = 0; i < MAX_CFA_OPS && c->at < c->end && !c->bad; i++)
		if (!cfa_step(c, data_align, cfa))
			return;
	if (c->bad || c->at < c->end)
		cfa->known = false;
}

static void cie_augmentation(struct cursor *c, const char *aug, struct cie *cie)
{
	uint64_t n = get_uleb(c);
	struct cursor data = *c;

	if (!skip(c, n))
		return;
	data.end = c->at;
	for (aug++; *aug; aug++) {
		uint8_t pe;

		switch (*aug) {
		case 'R':
			cie->pe = (uint8_t)get_fixed(&data, 1);
			break;
		case 'L':
			get_fixed(&data, 1);
			break;
		case 'P': /* its value does not matter, only its length */
			pe = (uint8_t)get_fixed(&data, 1);
			if (pe != PE_OMIT)
				get_format(&data, pe);
			break;
		case 'B':
			break;
		default: /* 'S', a signal frame, or a letter we do not know */
			cie->usable = false;
			return;
		}
	}
	if (data.bad)
		cie->usable = false;
}

/* c stands behind the id field of a CIE. */
static void cie_parse(struct cursor *c, size_t offset, struct cie *cie)
{
	char aug[16];
	uint8_t version;
	size_t n = 0;

	*cie = (struct cie){ .offset = offset, .usable = true };
	version = (uint8_t)get_fixed(c, 1);
	do {
		aug[n] = (char)get_fixed(c, 1);
	} while (aug[n] && ++n < sizeof(aug) - 1);
	aug[n] = '\0';
	if ((version != 1 && version != 3) || (n && aug[0] != 'z')) {
		cie->usable = false;
		return;
	}
	get_uleb(c);
	cie->data_align = get_sleb(c);
	if (version == 1)
		get_fixed(c, 1);
	else
		get_uleb(c);
	cie->augmented = n > 0;
	if (cie->augmented)
		cie_augmentation(c, aug, cie);
	cfa_run(c, cie->data_align, &cie->cfa);
	if (c->bad || cie->pe & PE_INDIRECT)
		cie->usable = false;
}

/* The length field; 0: the terminator or damage.  c then ends with the entry. */
static uint64_t entry_begin(struct cursor *c)
{
	uint64_t n = get_fixed(c, 4);

	if (n == UINT32_MAX)
		n = get_fixed(c, 8);
	if (c->bad || n > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		return 0;
	}
	c->end = c->at + n;
	return n;
}

static struct cursor cursor_at(const struct walk *w, size_t offset)
{
	return (struct cursor){ w->bytes + offset, w->bytes + w->n, w->addr + offset, false };
}

static const struct cie *cie_at(struct walk *w, size_t offset)
{
	struct cursor c;

	if (!w->have_cie || w->cie.offset != offset) {
		c = cursor_at(w, offset);
		w->have_cie = true;
		w->cie = (struct cie){ .offset = offset };
		if (entry_begin(&c) && !get_fixed(&c, 4))
			cie_parse(&c, offset, &w->cie);
	}
	return w->cie.usable ? &w->cie : NULL;
}

static bool is_function(const struct walk *w, struct taddr_range r)
{
	const struct objseg *s = objfile_seg_at(&w->p->pub, r.lo);

	if (r.hi <= r.lo || !s || !s->x || r.hi - s->addr > s->memsz)
		return false;
	for (size_t i = 0; i < w->plt.n; i++)
		if (r.lo >= w->plt.at[i].lo && r.lo < w->plt.at[i].hi)
			return false;
	return true;
}

/* c stands behind the CIE pointer of an FDE. */
static int fde_parse(struct walk *w, struct cursor *c, size_t cie_offset)
{
	const struct cie *cie = cie_at(w, cie_offset);
	struct taddr_range r;
	struct cfa cfa;

	if (!cie)
		return 0;
	r.lo = get_encoded(c, cie->pe);
	r.hi = r.lo + get_format(c, cie->pe);
	if (cie->augmented)
		skip(c, get_uleb(c));
	cfa = cie->cfa;
	cfa_run(c, cie->data_align, &cfa);
	if (c->bad || !cfa.known || cfa.reg != RSP || cfa.offset != 8 || !is_function(w, r))
		return 0;
	return vec_push(&w->out, r);
}

static int walk_entries(struct walk *w, struct diag *d)
{
	size_t offset = 0, id_at;
	struct cursor c;
	uint64_t id;
	int err;

	while (offset + 4 <= w->n) {
		c = cursor_at(w, offset);
		if (!entry_begin(&c)) {
			if (c.bad)
				return diag_set(d, -EBADMSG, "%s: .eh_frame is damaged at %#zx",
						w->p->pub.path, offset);
			offset += 4; /* ld -r and crtend.o leave a terminator in the middle */
			continue;
		}
		id_at = (size_t)(c.at - w->bytes);
		offset = (size_t)(c.end - w->bytes);
		id = get_fixed(&c, 4);
		if (!id || c.bad || id > id_at)
			continue;
		err = fde_parse(w, &c, id_at - id);
		if (err < 0)
			return err;
	}
	return 0;
}

static int compare_ranges(const void *pa, const void *pb)
{
	const struct taddr_range *a = pa, *b = pb;

	if (a->lo != b->lo)
		return a->lo < b->lo ? -1 : 1;
	return a->hi < b->hi ? -1 : a->hi > b->hi;
}

static int compare_addrs(const void *pa, const void *pb)
{
	const taddr_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

static int find_plt(struct walk *w)
{
	static const char *const name[] = { ".plt", ".plt.got", ".plt.sec", ".plt.bnd", ".iplt" };
	GElf_Shdr shdr;

	for (size_t i = 0; i < ARRAY_LEN(name); i++)
		if (objfile_next_scn(w->p, NULL, name[i], &shdr) &&
		    vec_push(&w->plt, ((struct taddr_range){ shdr.sh_addr,
							     shdr.sh_addr + shdr.sh_size })) < 0)
			return -ENOMEM;
	return 0;
}

/* Without section headers: .eh_frame_hdr begins with version, three encodings, and an
 * encoded pointer to .eh_frame, which goes on to the end of its segment at most. */
static int by_eh_frame_hdr(struct walk *w, uint8_t **copy)
{
	const struct objfile *o = &w->p->pub;
	const struct objseg *s;
	uint8_t hdr[16];
	GElf_Phdr ph;
	struct cursor c;
	taddr_t at = 0;
	size_t n = 0;

	if (elf_getphdrnum(w->p->elf, &n) < 0)
		return 0;
	for (size_t i = 0; i < n && !at; i++)
		if (gelf_getphdr(w->p->elf, (int)i, &ph) && ph.p_type == PT_GNU_EH_FRAME &&
		    objfile_bytes(o, ph.p_vaddr, hdr, sizeof(hdr)) == sizeof(hdr) && hdr[0] == 1) {
			c = (struct cursor){ hdr + 4, hdr + sizeof(hdr), ph.p_vaddr + 4, false };
			at = get_encoded(&c, hdr[1]);
		}
	s = at ? objfile_seg_at(o, at) : NULL;
	if (!s || at - s->addr >= s->filesz)
		return 0;
	n = s->filesz - (at - s->addr);
	if (n > MAX_EH_FRAME || n > w->p->size)
		return 0;
	*copy = malloc(n);
	if (!*copy)
		return -ENOMEM;
	w->bytes = *copy;
	w->n = objfile_bytes(o, at, *copy, n);
	w->addr = at;
	return 0;
}

/* What follows .eh_frame in the segment is not ours to read: stop at the terminator. */
static void cut_at_terminator(struct walk *w)
{
	size_t offset = 0;
	struct cursor c;

	while (offset + 4 <= w->n) {
		c = cursor_at(w, offset);
		if (!entry_begin(&c))
			break;
		offset = (size_t)(c.end - w->bytes);
	}
	w->n = offset;
}

int objfile_read_fdes(struct objfile_priv *p, struct diag *d)
{
	struct walk w = { .p = p };
	uint8_t *copy = NULL;
	size_t kept = 0;
	int err;

	w.bytes = objfile_section(&p->pub, ".eh_frame", &w.n, &w.addr);
	err = w.bytes ? 0 : by_eh_frame_hdr(&w, &copy);
	if (copy)
		cut_at_terminator(&w);
	if (!err)
		err = find_plt(&w);
	if (!err && w.bytes)
		err = walk_entries(&w, d);
	vec_free(&w.plt);
	free(copy);
	if (err < 0) {
		vec_free(&w.out);
		return err;
	}
	if (w.out.n)
		qsort(w.out.at, w.out.n, sizeof(*w.out.at), compare_ranges);
	for (size_t i = 0; i < w.out.n; i++)
		if (!kept || w.out.at[kept - 1].lo != w.out.at[i].lo)
			w.out.at[kept++] = w.out.at[i];
	p->pub.fde = w.out.at;
	p->pub.nfde = (unsigned)kept;
	return 0;
}

/* In a shared object the section holds zeros that R_X86_64_RELATIVE relocations fill;
 * with DT_RELR the addend is already in place. */
static void apply_relative(const struct objfile_priv *p, const struct objfile_dynamic *dyn,
			   taddr_t lo, taddr_t *entry, size_t n)
{
	uint64_t count = dyn->relasz / sizeof(Elf64_Rela);
	Elf64_Rela r[256];
	size_t got;

	for (uint64_t i = 0; i < count; i += got) {
		got = objfile_bytes(&p->pub, dyn->rela + i * sizeof(r[0]), r, sizeof(r)) /
		      sizeof(r[0]);
		if (!got)
			return;
		for (size_t k = 0; k < got && i + k < count; k++)
			if (ELF64_R_TYPE(r[k].r_info) == R_X86_64_RELATIVE && r[k].r_offset >= lo &&
			    (r[k].r_offset - lo) / 8 < n)
				entry[(r[k].r_offset - lo) / 8] = (taddr_t)r[k].r_addend;
	}
}

static int patchable_section(struct objfile_priv *p, const struct objfile_dynamic *dyn,
			     Elf_Scn *scn, const GElf_Shdr *shdr, struct addr_list *out)
{
	Elf_Data *data = shdr->sh_type == SHT_NOBITS ? NULL : elf_rawdata(scn, NULL);
	size_t n = data && data->d_buf ? data->d_size / sizeof(taddr_t) : 0;
	const struct objseg *s;
	taddr_t *entry;
	int err = 0;

	if (!n)
		return 0;
	entry = malloc(n * sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	memcpy(entry, data->d_buf, n * sizeof(*entry));
	if (p->pub.is_dyn)
		apply_relative(p, dyn, shdr->sh_addr, entry, n);
	for (size_t i = 0; i < n && !err; i++) {
		s = objfile_seg_at(&p->pub, entry[i]); /* discarded functions leave a 0 */
		if (s && s->x && entry[i])
			err = vec_push(out, entry[i]);
	}
	free(entry);
	return err;
}

int objfile_read_patchable(struct objfile_priv *p, const struct objfile_dynamic *dyn,
			   struct diag *d)
{
	static const char name[] = "__patchable_function_entries";
	struct addr_list list = { 0 };
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t kept = 0;
	int err = 0;

	while (!err && (scn = objfile_next_scn(p, scn, name, &shdr)))
		err = patchable_section(p, dyn, scn, &shdr, &list);
	if (err < 0) {
		vec_free(&list);
		return diag_set(d, err, "%s: out of memory", p->pub.path);
	}
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), compare_addrs);
	for (size_t i = 0; i < list.n; i++)
		if (!kept || list.at[kept - 1] != list.at[i])
			list.at[kept++] = list.at[i];
	p->pub.patchable = list.at;
	p->pub.npatchable = (unsigned)kept;
	return 0;
}
