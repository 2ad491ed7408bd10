/*
 * attach/modlife.c - see modlife.h.
 *
 * Context  [ctl]
 * Spec     gABI: ELF header, program header, notes; proc_pid_maps(5)
 */
#include "attach/modlife.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_PHDRS 64
#define MAX_NOTE  1024

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *c = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * 0x100000001b3ull;
	return h;
}

/* Those that are mapped: they need not be. */
static uint64_t hash_notes(struct process *p, taddr_t bias, const Elf64_Phdr *ph, unsigned n,
			   uint64_t h)
{
	unsigned char note[MAX_NOTE];

	for (unsigned i = 0; i < n; i++) {
		size_t len = ph[i].p_filesz < MAX_NOTE ? ph[i].p_filesz : MAX_NOTE;

		if (ph[i].p_type == PT_NOTE &&
		    process_read(p, bias + ph[i].p_vaddr, note, len) == 0)
			h = hash(h, note, len);
	}
	return h;
}

/* lo: where its first mapping is, which begins with the ELF header. */
static int hash_head(struct process *p, taddr_t lo, taddr_t bias, uint64_t *out)
{
	Elf64_Phdr ph[MAX_PHDRS];
	Elf64_Ehdr eh;
	uint64_t h = 0xcbf29ce484222325ull;
	unsigned n;
	int err = process_read(p, lo, &eh, sizeof(eh));

	if (err)
		return err;
	h = hash(h, &eh, sizeof(eh));
	n = eh.e_phnum < MAX_PHDRS ? eh.e_phnum : MAX_PHDRS;
	/* a module whose first mapping is not that of its headers has no notes for us */
	if (!memcmp(eh.e_ident, ELFMAG, SELFMAG) && eh.e_phentsize == sizeof(ph[0]) &&
	    !process_read(p, lo + eh.e_phoff, ph, n * sizeof(ph[0]))) {
		h = hash(h, ph, n * sizeof(ph[0]));
		h = hash_notes(p, bias, ph, n, h);
	}
	*out = h;
	return 0;
}

int module_identify(struct process *p, const struct module_list *list, const struct module *mod,
		    struct module_id *out)
{
	char path[PATH_MAX];
	struct stat st;

	*out = (struct module_id){ .inode = mod->inode };
	if (module_path(p->pid, list, mod, path, sizeof(path)) == 0 && stat(path, &st) == 0) {
		out->size = (uint64_t)st.st_size;
		out->mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
	}
	return hash_head(p, mod->lo, mod->bias, &out->head);
}

/* The page of the segment that begins at a file address is that of the file. */
static bool is_mapped(const struct map_list *maps, const struct amodule *m, const struct objseg *s)
{
	taddr_t at = s->addr + m->bias;
	const struct map_region *r = maps_at(maps, at);

	/* not by its name, which may be another by now */
	return r && r->x && r->inode == m->id.inode && r->offset + (at - r->lo) == s->offset;
}

bool module_is_there(struct process *p, const struct map_list *maps, const struct amodule *m)
{
	uint64_t head;

	for (unsigned i = 0; i < m->obj->nseg; i++) {
		if (m->obj->seg[i].x && !is_mapped(maps, m, &m->obj->seg[i]))
			return false;
	}
	return hash_head(p, m->lo, m->bias, &head) == 0 && head == m->id.head;
}

int modset_lose(struct modset *s, struct amodule *m)
{
	int err = vec_push(&s->gone, m);
	size_t kept = 0;

	if (err)
		return err;
	for (size_t i = 0; i < s->n; i++) {
		if (s->at[i] != m)
			s->at[kept++] = s->at[i];
	}
	s->n = kept;
	m->gone = true;
	return 0;
}

int modset_regain(struct modset *s, struct amodule *m)
{
	int err = vec_push(s, m);

	for (size_t i = 0; i < s->gone.n && !err; i++) {
		if (s->gone.at[i] != m)
			continue;
		s->gone.at[i] = s->gone.at[--s->gone.n];
		m->gone = false;
		break;
	}
	return err;
}

struct amodule *modset_former(const struct modset *s, const struct module *mod,
			      const struct module_id *id)
{
	for (size_t i = 0; i < s->gone.n; i++) {
		struct amodule *m = s->gone.at[i];

		if (m->bias == mod->bias && m->lo == mod->lo && !strcmp(m->path, mod->path) &&
		    !memcmp(&m->id, id, sizeof(*id)))
			return m;
	}
	return NULL;
}
