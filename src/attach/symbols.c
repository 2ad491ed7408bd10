/* attach/symbols.c - see symbols.h. */
#include "attach/symbols.h"

#include "info/demangle.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NS 20000000u

struct smodule {
	char *path, *shown;
	struct objfile *obj; /* NULL: it cannot be read */
	taddr_t bias, lo, hi;
	uint64_t inode;
	bool ours;  /* a slab */
	bool early; /* there when we looked first: not loaded by the program itself */
};

/* Names that were made, by address: stacks share most of their frames. */
struct sname {
	taddr_t addr;
	const struct smodule *mod;
	char *func; /* NULL: none */
	uint64_t offset;
};

struct symbols {
	struct {
		VEC(struct smodule *); /* the latest last */
	} mods;
	struct {
		VEC(struct sname); /* by address */
	} names;
	uint64_t looked, code; /* when, and what was mapped executable then */
	bool settled;          /* the first look is over */
	bool fresh;            /* that was read, of the process as we know it */
};

int symbols_new(struct symbols **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

static void forget_names(struct symbols *s)
{
	for (size_t i = 0; i < s->names.n; i++)
		free(s->names.at[i].func);
	s->names.n = 0;
}

static void smodule_free(struct smodule *m)
{
	objfile_close(m->obj);
	free(m->path);
	free(m->shown);
	free(m);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	forget_names(s);
	for (size_t i = 0; i < s->mods.n; i++)
		smodule_free(s->mods.at[i]);
	vec_free(&s->names);
	vec_free(&s->mods);
	free(s);
}

static bool is_known(const struct symbols *s, const struct module *m)
{
	for (size_t i = s->mods.n; i-- > 0;) {
		const struct smodule *k = s->mods.at[i];

		if (k->lo < m->hi && m->lo < k->hi)
			return k->lo == m->lo && k->inode == m->inode && !strcmp(k->path, m->path);
	}
	return false;
}

/* As specs name it: SONAME, or the file's name. */
static char *shown_name(const struct module *m, const struct objfile *obj)
{
	const char *slash = strrchr(m->path, '/');

	return strdup(obj && obj->soname ? obj->soname : slash ? slash + 1 : m->path);
}

static bool is_slab(const struct utramp_target *t, const struct module *m)
{
	for (unsigned i = 0; i < SLABS; i++) {
		if (m->lo <= t->proc->slab[i].text && t->proc->slab[i].text < m->hi)
			return true;
	}
	return false;
}

static int learn(struct symbols *s, const struct utramp_target *t, const struct module_list *list,
		 const struct module *m)
{
	struct smodule *k = calloc(1, sizeof(*k));
	char path[PATH_MAX];

	if (!k)
		return -ENOMEM;
	*k = (struct smodule){ .path = strdup(m->path),
			       .bias = m->bias,
			       .lo = m->lo,
			       .hi = m->hi,
			       .inode = m->inode,
			       .ours = is_slab(t, m),
			       .early = !s->settled };
	if (module_path(t->proc->pid, list, m, path, sizeof(path)) == 0)
		objfile_open(path, &k->obj, NULL);
	k->shown = shown_name(m, k->obj);
	if (!k->path || !k->shown || vec_push(&s->mods, k) < 0) {
		smodule_free(k);
		return -ENOMEM;
	}
	forget_names(s); /* something else may have been there */
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Files that are mapped executable, as one number: heaps grow more often than code comes. */
static uint64_t code_mapped(pid_t pid)
{
	struct map_list maps = { 0 };
	uint64_t sum = 1;

	if (maps_read(pid, &maps, NULL) < 0)
		return 0;
	for (size_t i = 0; i < maps.n; i++) {
		const struct map_region *r = &maps.at[i];

		if (r->x && r->inode)
			sum = (sum ^ r->lo ^ r->inode << 32) * 0x9e3779b97f4a7c15ull;
	}
	maps_free(&maps);
	return sum | 1;
}

int symbols_look(struct symbols *s, struct utramp_target *t, bool now)
{
	struct module_list list = { 0 };
	uint64_t at = now_ns(), code;
	int err = 0;

	if (t->file || (!now && at - s->looked < LOOK_NS))
		return 0;
	s->looked = at;
	code = code_mapped(t->proc->pid);
	/* the maps of another program that the process executed are not those of our stacks */
	s->fresh = code && process_alive(t->proc);
	if (!s->fresh || code == s->code)
		return 0;
	s->fresh = modules_read(t->proc->pid, &list, NULL) == 0;
	if (!s->fresh)
		return 0;
	s->code = code;
	for (size_t i = 0; i < list.n && !err; i++) {
		if (!is_known(s, &list.at[i]))
			err = learn(s, t, &list, &list.at[i]);
	}
	s->settled = true;
	modules_free(&list);
	return err;
}

static const struct smodule *module_of(const struct symbols *s, taddr_t addr)
{
	for (size_t i = s->mods.n; i-- > 0;) {
		if (addr >= s->mods.at[i]->lo && addr < s->mods.at[i]->hi)
			return s->mods.at[i];
	}
	return NULL;
}

/* A call that never returns may be its function's last instruction: look before addr. */
static struct sname make_name(const struct symbols *s, taddr_t addr)
{
	struct sname n = { .addr = addr, .mod = module_of(s, addr - 1) };
	taddr_t in_file = n.mod ? addr - n.mod->bias : addr;
	const struct objsym *sym = NULL;
	struct taddr_range r;

	n.offset = in_file;
	if (n.mod && n.mod->obj && objfile_func_range(n.mod->obj, in_file - 1, &r))
		sym = objfile_sym_at(n.mod->obj, r.lo);
	if (!sym)
		return n;
	n.func = demangle_short(sym->name);
	if (!n.func)
		n.func = strdup(sym->name);
	if (n.func)
		n.offset = in_file - sym->addr;
	return n;
}

bool symbols_find(struct symbols *s, taddr_t addr, struct utramp_frame *out)
{
	size_t lo = 0, hi = s->names.n;
	struct sname n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->names.at[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == s->names.n || s->names.at[lo].addr != addr) {
		n = make_name(s, addr);
		if (vec_push(&s->names, n) < 0) {
			free(n.func);
			*out = (struct utramp_frame){ .addr = addr, .offset = addr };
			return true;
		}
		memmove(&s->names.at[lo + 1], &s->names.at[lo], (s->names.n - lo - 1) * sizeof(n));
		s->names.at[lo] = n;
	}
	n = s->names.at[lo];
	*out = (struct utramp_frame){ .addr = addr,
				      .module = n.mod ? n.mod->shown : NULL,
				      .func = n.func,
				      .offset = n.offset };
	return !n.mod || !n.mod->ours;
}

/* The only module that ever was at addr. */
static const struct smodule *only_module_of(const struct symbols *s, taddr_t addr)
{
	const struct smodule *m = NULL;

	for (size_t i = 0; i < s->mods.n; i++) {
		if (addr < s->mods.at[i]->lo || addr >= s->mods.at[i]->hi)
			continue;
		if (m)
			return NULL;
		m = s->mods.at[i];
	}
	return m;
}

bool symbols_function(struct symbols *s, taddr_t addr, bool fresh, const char **module,
		      const char **func, uint64_t *offset)
{
	const struct smodule *m = only_module_of(s, addr);
	struct utramp_frame f;

	if (!m || m->ours || (!m->early && !(fresh && s->fresh)))
		return false;
	/* as if it were a return address: the instruction before that is meant */
	symbols_find(s, addr + 1, &f);
	if (!f.func || !f.module)
		return false;
	*module = f.module;
	*func = f.func;
	*offset = f.offset - 1;
	return true;
}
