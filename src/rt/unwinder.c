/*
 * rt/unwinder.c - the unwinder that calls the personality: how its contexts are read.
 *
 * A context is its unwinder's own business, and a process may have several: libgcc_s, loaded at
 * start or, in a C program, at its first pthread_exit() or pthread_cancel(); LLVM's libunwind; a
 * copy of libgcc_eh linked into the executable.  So what counts is where the call of the
 * personality came from.  Of an unwinder that was there at start, rt_state has the functions.
 * Another one is found by asking the loader whose code that is, and its dynamic symbols: about
 * 110 ns for each frame that is left, and nothing that could become stale by dlclose().  One that
 * exports no functions, or a glibc older than 2.35, leaves such calls counted in.
 *
 * _dl_find_object() takes no lock and may be called anywhere (glibc manual, "Dynamic Linker
 * Introspection": AS-Safe); the object found is running, so it stays.  Only DT_GNU_HASH is read.
 *
 * Context  [probe] called by the personality
 * Spec     gABI: dynamic section; bits/dl_find_object.h and link.h of glibc
 */
#include "rt/probe.h"

#include <elf.h>

/* struct dl_find_object */
struct found_object {
	uint64_t flags;
	uint64_t start, end;
	const struct {
		uint64_t bias;
		const char *name;
		const Elf64_Dyn *dynamic;
	} * link_map;
	uint64_t eh_frame;
	uint64_t reserved[7];
};

/* What symbols are looked up by; the table's head, then bloom words, buckets, chains. */
struct hash_table {
	uint32_t nbuckets, first, nbloom, shift;
};

struct dynamic {
	uint64_t bias;
	const Elf64_Sym *symbol;
	const char *strings;
	const struct hash_table *hash;
};

/* The loader has turned these into addresses. */
static int dynamic_read(const struct found_object *o, struct dynamic *out)
{
	const Elf64_Dyn *d = o->link_map ? o->link_map->dynamic : NULL;

	*out = (struct dynamic){ 0 };
	if (!d)
		return 0;
	out->bias = o->link_map->bias;
	for (; d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_SYMTAB)
			out->symbol = (const Elf64_Sym *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			out->strings = (const char *)d->d_un.d_ptr;
		else if (d->d_tag == DT_GNU_HASH)
			out->hash = (const struct hash_table *)d->d_un.d_ptr;
	}
	return out->symbol && out->strings && out->hash && out->hash->nbuckets;
}

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (uint8_t)*name;
	return h;
}

static int same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* The address of a function that the object exports, or 0. */
static uint64_t symbol_find(const struct dynamic *d, const char *name)
{
	const uint32_t *bucket =
		(const uint32_t *)(const void *)((const uint64_t *)(const void *)(d->hash + 1) +
						 d->hash->nbloom);
	const uint32_t *chain = bucket + d->hash->nbuckets;
	uint32_t h = gnu_hash(name), i = bucket[h % d->hash->nbuckets], at;

	if (i < d->hash->first)
		return 0;
	do {
		const Elf64_Sym *s = &d->symbol[i];

		at = chain[i++ - d->hash->first];
		if ((at | 1) == (h | 1) && s->st_shndx != SHN_UNDEF &&
		    same_name(d->strings + s->st_name, name))
			return d->bias + s->st_value;
	} while (!(at & 1));
	return 0;
}

int rt_find_unwinder(uint64_t caller, struct rt_unwinder *out)
{
	int (*find)(uint64_t, struct found_object *) =
		(int (*)(uint64_t, struct found_object *))(void *)rt_state.find_object;
	const struct rt_room *known = &rt_state.unwinder;
	struct found_object o;
	struct dynamic d;

	if (!known->size || caller - known->lo < known->size) {
		*out = (struct rt_unwinder){ rt_state.get_gr, rt_state.get_ip };
		if (out->get_gr && out->get_ip)
			return 1;
	}
	if (!find || find(caller, &o) || !dynamic_read(&o, &d))
		return 0;
	out->get_gr = symbol_find(&d, "_Unwind_GetGR");
	out->get_ip = symbol_find(&d, "_Unwind_GetIP");
	return out->get_gr && out->get_ip;
}
