/*
 * info/objfile_sym.c - see objfile.h: symbols, their versions, lookups.
 *
 * .symtab and .dynsym are merged: of a pair that says the same the dynamic one stays,
 * since it knows the version.
 *
 * Context  [ctl]; the first lookup by name builds an index, so one thread at a time
 * Spec     gABI: symbol table; LSB core 10.7 (symbol versioning)
 */
#include "info/objfile_priv.h"

#include "base/vec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VERSION_HIDDEN 0x8000
#define MAX_VERSIONS   0x7fff
#define MAX_BACKWARDS  256

struct sym_list {
	VEC(struct objsym);
};

/* Version names by index, from what the file defines and what it needs. */
struct version_list {
	VEC(const char *);
};

/* A string table, cut behind its last NUL so that every string in it ends. */
struct strings {
	const char *at;
	size_t n;
};

static int read_strings(Elf *elf, size_t index, struct strings *out)
{
	Elf_Scn *scn = elf_getscn(elf, index);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	const char *last;

	*out = (struct strings){ 0 };
	if (!data || !data->d_buf)
		return -1;
	last = memrchr(data->d_buf, '\0', data->d_size);
	if (!last)
		return -1;
	out->at = data->d_buf;
	out->n = (size_t)(last - out->at) + 1;
	return 0;
}

static int version_set(struct version_list *v, size_t index, const char *name)
{
	index &= MAX_VERSIONS;
	while (v->n <= index)
		if (vec_push(v, NULL) < 0)
			return -ENOMEM;
	v->at[index] = name;
	return 0;
}

static int read_verdef(Elf_Data *data, size_t count, const struct strings *s,
		       struct version_list *out)
{
	GElf_Verdaux aux;
	GElf_Verdef def;
	size_t at = 0;

	for (size_t i = 0; i < count && i < MAX_VERSIONS; i++) {
		if (!gelf_getverdef(data, (int)at, &def))
			break;
		if (!(def.vd_flags & VER_FLG_BASE) &&
		    gelf_getverdaux(data, (int)(at + def.vd_aux), &aux) && aux.vda_name < s->n &&
		    version_set(out, def.vd_ndx, s->at + aux.vda_name) < 0)
			return -ENOMEM;
		if (!def.vd_next || at + def.vd_next >= data->d_size)
			break;
		at += def.vd_next;
	}
	return 0;
}

static int read_vernaux(Elf_Data *data, size_t at, unsigned count, const struct strings *s,
			struct version_list *out)
{
	GElf_Vernaux aux;

	for (unsigned i = 0; i < count; i++) {
		if (at >= data->d_size || !gelf_getvernaux(data, (int)at, &aux))
			break;
		if (aux.vna_name < s->n &&
		    version_set(out, aux.vna_other, s->at + aux.vna_name) < 0)
			return -ENOMEM;
		if (!aux.vna_next)
			break;
		at += aux.vna_next;
	}
	return 0;
}

static int read_verneed(Elf_Data *data, size_t count, const struct strings *s,
			struct version_list *out)
{
	GElf_Verneed need;
	size_t at = 0;

	for (size_t i = 0; i < count && i < MAX_VERSIONS; i++) {
		if (at >= data->d_size || !gelf_getverneed(data, (int)at, &need))
			break;
		if (read_vernaux(data, at + need.vn_aux, need.vn_cnt, s, out) < 0)
			return -ENOMEM;
		if (!need.vn_next)
			break;
		at += need.vn_next;
	}
	return 0;
}

/* *versym: the table beside .dynsym, NULL if the file has no versions. */
static int read_versions(const struct objfile_priv *p, struct version_list *out, Elf_Data **versym)
{
	Elf_Scn *scn = NULL;
	struct strings s;
	GElf_Shdr shdr;
	Elf_Data *data;
	int err = 0;

	*versym = NULL;
	while (!err && (scn = elf_nextscn(p->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) ||
		    (shdr.sh_type != SHT_GNU_versym && shdr.sh_type != SHT_GNU_verdef &&
		     shdr.sh_type != SHT_GNU_verneed))
			continue;
		data = elf_getdata(scn, NULL);
		if (!data || !data->d_buf || data->d_size > INT32_MAX)
			continue;
		if (shdr.sh_type == SHT_GNU_versym)
			*versym = data;
		else if (read_strings(p->elf, shdr.sh_link, &s) < 0)
			continue;
		else if (shdr.sh_type == SHT_GNU_verdef)
			err = read_verdef(data, shdr.sh_info, &s, out);
		else
			err = read_verneed(data, shdr.sh_info, &s, out);
	}
	return err;
}

static uint8_t sym_type(const GElf_Sym *s)
{
	switch (GELF_ST_TYPE(s->st_info)) {
	case STT_FUNC:
		return OBJSYM_FUNC;
	case STT_GNU_IFUNC:
		return OBJSYM_IFUNC;
	case STT_OBJECT:
		return OBJSYM_OBJECT;
	default:
		return OBJSYM_OTHER;
	}
}

/* STT_TLS: the value is an offset, not an address.  Absolute ones are no code or data. */
static bool sym_wanted(const GElf_Sym *s)
{
	unsigned type = GELF_ST_TYPE(s->st_info);

	return s->st_shndx != SHN_UNDEF && s->st_shndx != SHN_ABS && s->st_shndx != SHN_COMMON &&
	       type != STT_SECTION && type != STT_FILE && type != STT_TLS;
}

/* ld writes versioned names into .symtab whole: "f@VERSION", "f@@VERSION". */
static int split_version(struct objfile_priv *p, struct objsym *s)
{
	const char *at = strchr(s->name, '@');
	char *copy;

	if (!at || at == s->name || !at[1])
		return 0;
	copy = ty_pool_alloc(p->pool, strlen(s->name) + 1);
	if (!copy)
		return -ENOMEM;
	strcpy(copy, s->name);
	copy[at - s->name] = '\0';
	s->default_version = at[1] == '@';
	s->version = copy + (at - s->name) + 1 + s->default_version;
	s->name = copy;
	return 0;
}

static void dynamic_version(const struct version_list *v, Elf_Data *versym, int index,
			    struct objsym *s)
{
	GElf_Versym ver;

	if (!versym || !gelf_getversym(versym, index, &ver))
		return;
	if ((ver & MAX_VERSIONS) < v->n && (ver & MAX_VERSIONS) > VER_NDX_GLOBAL) {
		s->version = v->at[ver & MAX_VERSIONS];
		s->default_version = s->version && !(ver & VERSION_HIDDEN);
	}
}

static int read_table(struct objfile_priv *p, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr,
		      const struct version_list *versions, Elf_Data *versym, struct sym_list *out,
		      struct diag *d)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	bool dynamic = shdr->sh_type == SHT_DYNSYM;
	struct strings str;
	size_t n;

	if (!data)
		return diag_set(d, -EBADMSG, "%s: a symbol table outside of the file", p->pub.path);
	n = data->d_buf ? data->d_size / sizeof(Elf64_Sym) : 0;
	if (n > INT32_MAX)
		return diag_set(d, -EBADMSG, "%s: a symbol table of absurd size", p->pub.path);
	if (n && read_strings(elf, shdr->sh_link, &str) < 0)
		return diag_set(d, -EBADMSG, "%s: symbols without names", p->pub.path);
	for (size_t i = 0; i < n; i++) {
		struct objsym s = { .dynamic = dynamic };
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym) || !sym_wanted(&sym) || sym.st_name >= str.n ||
		    !str.at[sym.st_name])
			continue;
		s.name = str.at + sym.st_name;
		s.addr = sym.st_value;
		s.size = sym.st_size;
		s.type = sym_type(&sym);
		s.global = GELF_ST_BIND(sym.st_info) != STB_LOCAL;
		if (dynamic)
			dynamic_version(versions, versym, (int)i, &s);
		else if (split_version(p, &s) < 0)
			return -ENOMEM;
		if (vec_push(out, s) < 0)
			return -ENOMEM;
	}
	return 0;
}

static unsigned underscores(const char *s)
{
	return (unsigned)strspn(s, "_");
}

/* The better name of the same thing comes first: exported, default version, plain. */
static int rank(const struct objsym *s)
{
	int r = s->dynamic ? 0 : 4;

	if (s->version && !s->default_version)
		r += 2;
	return s->global ? r : r + 8;
}

static int compare_syms(const void *pa, const void *pb)
{
	const struct objsym *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	if (rank(a) != rank(b))
		return rank(a) - rank(b);
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) < underscores(b->name) ? -1 : 1;
	return strcmp(a->name, b->name);
}

static bool same_version(const struct objsym *a, const struct objsym *b)
{
	if (!a->version || !b->version) /* some linkers leave the version out of .symtab */
		return true;
	return !strcmp(a->version, b->version);
}

/* Drop what is repeated (.symtab, a debug file): within one address, the dynamic ones are first. */
static void drop_repeated(struct sym_list *list)
{
	size_t kept = 0, first = 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct objsym *s = &list->at[i];
		bool repeated = false;

		if (!kept || list->at[first].addr != s->addr)
			first = kept;
		for (size_t k = first; k < kept && k < first + MAX_BACKWARDS && !repeated; k++)
			repeated = !s->dynamic && list->at[k].type == s->type &&
				   !strcmp(list->at[k].name, s->name) &&
				   same_version(&list->at[k], s);
		if (!repeated)
			list->at[kept++] = *s;
	}
	list->n = kept;
}

int objfile_read_syms(struct objfile_priv *p, struct diag *d)
{
	struct version_list versions = { 0 };
	struct sym_list list = { 0 };
	Elf_Data *versym;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	int err;

	err = read_versions(p, &versions, &versym);
	while (!err && (scn = elf_nextscn(p->elf, scn)))
		if (gelf_getshdr(scn, &shdr) &&
		    (shdr.sh_type == SHT_SYMTAB || shdr.sh_type == SHT_DYNSYM))
			err = read_table(p, p->elf, scn, &shdr, &versions, versym, &list, d);
	vec_free(&versions);
	if (!err && list.n >= UINT32_MAX / 2)
		err = diag_set(d, -EBADMSG, "%s: too many symbols", p->pub.path);
	if (err) {
		vec_free(&list);
		return err;
	}
	if (list.n)
		qsort(list.at, list.n, sizeof(*list.at), compare_syms);
	drop_repeated(&list);
	p->pub.sym = list.at;
	p->pub.nsym = (unsigned)list.n;
	return 0;
}

/* -- of a separate debug file ------------------------------------------------------------------ */

/* Its symbols behind those that are there. */
static int read_debug(struct objfile_priv *p, Elf *elf, struct sym_list *list, struct diag *d)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t kept = p->pub.nsym;
	int err = 0;

	for (unsigned i = 0; i < p->pub.nsym; i++)
		if (vec_push(list, p->pub.sym[i]) < 0)
			return -ENOMEM;
	while (!err && (scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB)
			err = read_table(p, elf, scn, &shdr, NULL, NULL, list, d);
	for (size_t i = kept; i < list->n; i++)
		if (objfile_seg_at(&p->pub, list->at[i].addr))
			list->at[kept++] = list->at[i];
	list->n = kept;
	return !err && list->n >= UINT32_MAX / 2 ?
		       diag_set(d, -EBADMSG, "%s: too many symbols", p->pub.path) :
		       err;
}

static void take_symbols(struct objfile_priv *p, struct sym_list *list)
{
	free((void *)(uintptr_t)p->pub.sym);
	free(p->bucket);
	free(p->chain);
	p->bucket = p->chain = NULL;
	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), compare_syms);
	drop_repeated(list);
	p->pub.sym = list->at;
	p->pub.nsym = (unsigned)list->n;
}

int objfile_add_symbols(struct objfile *o, const char *debug_file, struct diag *d)
{
	struct objfile_priv *p = o->priv;
	struct sym_list list = { 0 };
	Elf *elf = NULL;
	int fd = p->debug_fd > 0 ? -1 : open(debug_file, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return diag_set(d, p->debug_fd > 0 ? -EINVAL : -errno, "%s: %s", debug_file,
				p->debug_fd > 0 ? "symbols were added before" : strerror(errno));
	elf = elf_begin(fd, ELF_C_READ, NULL);
	err = elf && elf_kind(elf) == ELF_K_ELF ?
		      read_debug(p, elf, &list, d) :
		      diag_set(d, -EBADMSG, "%s: not an ELF file", debug_file);
	if (err) {
		vec_free(&list);
		elf_end(elf);
		close(fd);
		return err;
	}
	p->debug_elf = elf;
	p->debug_fd = fd;
	take_symbols(p, &list);
	return 0;
}

static bool is_code(const struct objsym *s)
{
	return s->type == OBJSYM_FUNC || s->type == OBJSYM_IFUNC;
}

/* Index of the first symbol whose address is not below addr. */
static unsigned lower_bound(const struct objfile *o, taddr_t addr)
{
	unsigned lo = 0, hi = o->nsym, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (o->sym[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct objsym *objfile_sym_at(const struct objfile *o, taddr_t addr)
{
	for (unsigned i = lower_bound(o, addr); i < o->nsym && o->sym[i].addr == addr; i++)
		if (is_code(&o->sym[i]))
			return &o->sym[i];
	return NULL;
}

/* The innermost one by its start; symbols that overlap are few, so a short look back does. */
static bool range_by_symbol(const struct objfile *o, taddr_t addr, struct taddr_range *out)
{
	unsigned i = addr == UINT64_MAX ? o->nsym : lower_bound(o, addr + 1);

	for (unsigned n = 0; i > 0 && n < MAX_BACKWARDS; n++) {
		const struct objsym *s = &o->sym[--i];

		if (is_code(s) && addr - s->addr < s->size && s->size <= UINT64_MAX - s->addr) {
			*out = (struct taddr_range){ s->addr, s->addr + s->size };
			return true;
		}
	}
	return false;
}

/* Index of the first FDE that begins behind addr. */
static unsigned fde_behind(const struct objfile *o, taddr_t addr)
{
	unsigned lo = 0, hi = o->nfde, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (o->fde[mid].lo <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool objfile_func_range(const struct objfile *o, taddr_t addr, struct taddr_range *out)
{
	unsigned behind;

	if (range_by_symbol(o, addr, out))
		return true;
	behind = fde_behind(o, addr);
	if (!behind || addr >= o->fde[behind - 1].hi)
		return false;
	*out = o->fde[behind - 1];
	return true;
}

bool objfile_func_extent(const struct objfile *o, taddr_t addr, struct taddr_range *out)
{
	const struct objseg *seg = objfile_seg_at(o, addr);
	unsigned sym, fde;
	taddr_t end;

	if (objfile_func_range(o, addr, out))
		return true;
	if (!seg || !seg->x || addr - seg->addr >= seg->filesz || !objfile_sym_at(o, addr))
		return false;
	end = seg->addr + seg->filesz;
	sym = lower_bound(o, addr + 1);
	fde = fde_behind(o, addr);
	if (sym < o->nsym && o->sym[sym].addr < end)
		end = o->sym[sym].addr;
	if (fde < o->nfde && o->fde[fde].lo < end)
		end = o->fde[fde].lo;
	*out = (struct taddr_range){ addr, end };
	return true;
}

static uint32_t name_hash(const char *s)
{
	uint32_t h = 2166136261U; /* FNV-1a, 32 bits */

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619U;
	return h;
}

static bool build_index(struct objfile_priv *p)
{
	uint32_t n = 16;

	while (n < p->pub.nsym)
		n *= 2;
	p->bucket = calloc(n, sizeof(*p->bucket));
	p->chain = calloc(p->pub.nsym ? p->pub.nsym : 1, sizeof(*p->chain));
	if (!p->bucket || !p->chain) {
		free(p->bucket);
		free(p->chain);
		p->bucket = p->chain = NULL;
		return false;
	}
	p->mask = n - 1;
	for (uint32_t i = p->pub.nsym; i-- > 0;) {
		uint32_t h = name_hash(p->pub.sym[i].name) & p->mask;

		p->chain[i] = p->bucket[h];
		p->bucket[h] = i + 1;
	}
	return true;
}

const struct objsym *objfile_sym(const struct objfile *o, const char *name)
{
	const struct objsym *best = NULL, *s;
	struct objfile_priv *p = o->priv;

	if (!p->bucket && !build_index(p)) {
		for (unsigned i = 0; i < o->nsym; i++) {
			s = &o->sym[i];
			if (!strcmp(s->name, name) && (!best || rank(s) < rank(best)))
				best = s;
		}
		return best;
	}
	for (uint32_t i = p->bucket[name_hash(name) & p->mask]; i; i = p->chain[i - 1]) {
		s = &o->sym[i - 1];
		if (!strcmp(s->name, name) && (!best || rank(s) < rank(best)))
			best = s;
	}
	return best;
}
