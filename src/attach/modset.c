/*
 * attach/modset.c - see modset.h.
 */
#include "attach/modset.h"
#include "attach/analysis.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int modset_new(struct modset **out)
{
	struct modset *s = calloc(1, sizeof(*s));
	int err = s ? ty_pool_new(&s->pool) : -ENOMEM;

	if (err)
		free(s);
	else
		*out = s;
	return err;
}

static void module_free(struct amodule *m)
{
	if (!m)
		return;
	vec_free(&m->taken);
	free(m->block);
	sweep_free(m->sweep);
	module_debug_fini(m);
	btfr_close(m->btf);
	btfr_close(m->pack);
	free(m->pack_path);
	free(m->pack_why);
	objfile_close(m->obj);
	free(m->path);
	free(m);
}

void modset_free(struct modset *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		module_free(s->at[i]);
	for (size_t i = 0; i < s->gone.n; i++)
		module_free(s->gone.at[i]);
	vec_free(&s->gone);
	vec_free(s);
	ty_pool_free(s->pool);
	free(s);
}

static const char *shown_name(const struct amodule *m)
{
	const char *slash = strrchr(m->path, '/');

	if (m->obj->soname && !m->main)
		return m->obj->soname;
	return slash ? slash + 1 : m->path;
}

/* Open path, which the target calls shown_path, as a module. */
static int module_open(const char *open_path, const char *path, bool main, struct amodule **out,
		       struct diag *d)
{
	struct amodule *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->main = main;
	m->path = strdup(path);
	err = m->path ? objfile_open(open_path, &m->obj, d) : -ENOMEM;
	if (err) {
		module_free(m);
		return err;
	}
	m->shown = shown_name(m);
	*out = m;
	return 0;
}

static bool is_skipped(const char *path, const char *const *skip, unsigned nskip)
{
	for (unsigned i = 0; i < nskip; i++) {
		if (!strcmp(path, skip[i]))
			return true;
	}
	return path[0] != '/'; /* [vdso], [vsyscall]: nothing to attach to */
}

static int open_mapped(struct modset *s, pid_t pid, const struct module_list *list,
		       const struct module *mod, bool main, struct amodule **out, struct diag *d)
{
	char path[PATH_MAX];
	struct amodule *m;
	int err = module_path(pid, list, mod, path, sizeof(path));

	if (err)
		return diag_set(d, err, "cannot open %s", mod->path);
	err = module_open(path, mod->path, main, &m, d);
	if (err)
		return err;
	m->bias = mod->bias;
	m->live = true;
	err = vec_push(s, m);
	if (err)
		module_free(m);
	else
		*out = m;
	return err;
}

static int add_mapped(struct modset *s, pid_t pid, const struct module_list *list,
		      const struct module *mod, bool main, struct diag *d)
{
	struct amodule *m;
	int err = open_mapped(s, pid, list, mod, main, &m, main ? d : NULL);

	/* a mapped file that is no ELF file is no module */
	return main || err == -ENOMEM ? err : 0;
}

int modset_add_late(struct modset *s, pid_t pid, const struct module_list *list,
		    const struct module *mod, struct amodule **out, struct diag *d)
{
	int err = open_mapped(s, pid, list, mod, false, out, d);

	if (!err)
		(*out)->late = true;
	return err;
}

/*
 * The loader maps each library below the one before, so descending addresses are the
 * order of loading; ld.so itself, mapped by the kernel above them all, comes last.
 */
int modset_add_process(struct modset *s, pid_t pid, const struct module_list *list,
		       const char *const *skip, unsigned nskip, struct diag *d)
{
	char exe[PATH_MAX], link[64];
	const struct module *main = NULL;
	ssize_t n;
	int err = 0;

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	n = readlink(link, exe, sizeof(exe) - 1);
	if (n < 0)
		return diag_set(d, -errno, "cannot read %s: %s", link, strerror(errno));
	exe[n] = '\0';
	for (size_t i = 0; i < list->n && !main; i++) {
		if (!strcmp(list->at[i].path, exe))
			main = &list->at[i];
	}
	if (!main)
		return diag_set(d, -ENOENT, "%s is not mapped in process %d", exe, (int)pid);
	err = add_mapped(s, pid, list, main, true, d);
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = list->n; i-- > 0 && !err;) {
			const struct module *m = &list->at[i];
			bool loader = strstr(m->path, "/ld-linux") != NULL;

			if (m != main && loader == (pass == 1) && !is_skipped(m->path, skip, nskip))
				err = add_mapped(s, pid, list, m, false, d);
		}
	}
	return err;
}

int modset_add_file(struct modset *s, const char *path, struct diag *d)
{
	struct amodule *m;
	int err = module_open(path, path, s->n == 0, &m, d);

	if (err)
		return err;
	err = vec_push(s, m);
	if (err)
		module_free(m);
	return err;
}

struct block {
	taddr_t lo;
	size_t n;
	uint8_t bytes[64 << 10];
};

/* Functions come in the order of their addresses, mostly, and are short. */
size_t module_bytes(struct amodule *m, taddr_t addr, void *out, size_t n)
{
	struct block *b = m->block;

	if (!b)
		b = m->block = calloc(1, sizeof(*b));
	if (!b || n > sizeof(b->bytes) / 4)
		return objfile_bytes(m->obj, addr, out, n);
	if (addr < b->lo || addr - b->lo > b->n || b->n - (addr - b->lo) < n) {
		b->lo = addr - addr % 4096;
		b->n = objfile_bytes(m->obj, b->lo, b->bytes, sizeof(b->bytes));
	}
	if (addr - b->lo > b->n || b->n - (addr - b->lo) < n) /* a segment ends in between */
		return objfile_bytes(m->obj, addr, out, n);
	memcpy(out, b->bytes + (addr - b->lo), n);
	return n;
}

/* Index of the first range that ends behind addr. */
static size_t taken_from(const struct amodule *m, taddr_t addr)
{
	size_t lo = 0, hi = m->taken.n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->taken.at[mid].hi <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct taddr_range *module_taken(const struct amodule *m, taddr_t lo, taddr_t hi, size_t *n)
{
	size_t from = taken_from(m, lo), end = from;

	while (end < m->taken.n && m->taken.at[end].lo < hi)
		end++;
	*n = end - from;
	return *n ? m->taken.at + from : NULL;
}

/* Functions come in the order of their addresses, mostly: then it is the last. */
static int take(struct amodule *m, taddr_t lo, taddr_t hi)
{
	struct taddr_range r = { lo, hi };
	size_t at = taken_from(m, lo);
	int err = vec_push(&m->taken, r);

	if (err)
		return err;
	memmove(&m->taken.at[at + 1], &m->taken.at[at],
		(m->taken.n - at - 1) * sizeof(m->taken.at[0]));
	m->taken.at[at] = r;
	return 0;
}

static void drop_taken(struct amodule *m, taddr_t lo)
{
	size_t at = taken_from(m, lo);

	if (at == m->taken.n || m->taken.at[at].lo != lo)
		return;
	m->taken.n--;
	memmove(&m->taken.at[at], &m->taken.at[at + 1], (m->taken.n - at) * sizeof(m->taken.at[0]));
}

int module_take(struct amodule *m, const struct site *site)
{
	int err = take(m, site->window, site->window + site->len);

	if (err || site->kind != SITE_HOP)
		return err;
	err = take(m, site->hop, site->hop + SITE_JMP_LEN);
	if (err)
		drop_taken(m, site->window);
	return err;
}

void module_give_back(struct amodule *m, const struct site *site)
{
	drop_taken(m, site->window);
	if (site->kind == SITE_HOP)
		drop_taken(m, site->hop);
}

struct btf_reader *module_btf(struct amodule *m)
{
	if (!m->tried_btf) {
		m->tried_btf = true;
		if (btfr_open(m->obj->path, &m->btf, NULL) != 0)
			m->btf = NULL;
	}
	return m->btf;
}

/* The bytes of the file's segments: code, and what is loaded beside it. */
struct image {
	struct sweep_code *code, *data;
	size_t ncode, ndata;
};

static void image_fini(struct image *im)
{
	for (size_t i = 0; i < im->ncode; i++)
		free((void *)(uintptr_t)im->code[i].bytes);
	for (size_t i = 0; i < im->ndata; i++)
		free((void *)(uintptr_t)im->data[i].bytes);
	free(im->code);
	free(im->data);
}

static int image_init(struct image *im, const struct objfile *o)
{
	*im = (struct image){ .code = calloc(o->nseg + 1, sizeof(*im->code)),
			      .data = calloc(o->nseg + 1, sizeof(*im->data)) };
	if (!im->code || !im->data)
		return -ENOMEM;
	for (unsigned i = 0; i < o->nseg; i++) {
		const struct objseg *seg = &o->seg[i];
		struct sweep_code part = { .addr = seg->addr };
		uint8_t *bytes = seg->filesz ? malloc(seg->filesz) : NULL;

		if (!seg->filesz)
			continue;
		if (!bytes)
			return -ENOMEM;
		part.bytes = bytes;
		part.len = objfile_bytes(o, seg->addr, bytes, seg->filesz);
		if (!part.len)
			free(bytes);
		else if (seg->x)
			im->code[im->ncode++] = part;
		else
			im->data[im->ndata++] = part;
	}
	return 0;
}

/* FDEs and symbols of functions. */
static struct taddr_range *module_functions(const struct objfile *o, size_t *n)
{
	struct taddr_range *func = calloc(o->nfde + o->nsym + 1, sizeof(*func));

	*n = 0;
	for (unsigned i = 0; func && i < o->nfde; i++)
		func[(*n)++] = o->fde[i];
	for (unsigned i = 0; func && i < o->nsym; i++) {
		const struct objsym *s = &o->sym[i];

		if (s->type == OBJSYM_FUNC && s->size)
			func[(*n)++] = (struct taddr_range){ s->addr, s->addr + s->size };
		else if (s->type == OBJSYM_FUNC && objfile_func_extent(o, s->addr, &func[*n]))
			++*n;
	}
	return func;
}

/* Every executable segment, and everything in the file that may lead there. */
static int analyse(struct amodule *m)
{
	struct sweep_hints hints = { .fixed = !m->obj->is_dyn };
	struct taddr_range *func = NULL;
	taddr_t *point = NULL;
	struct image im = { 0 };
	size_t nfunc;
	int err;

	func = module_functions(m->obj, &nfunc);
	err = func ? objfile_code_addresses(m->obj, &point, &hints.npoint) : -ENOMEM;
	if (!err)
		err = image_init(&im, m->obj);
	hints.point = point;
	hints.data = im.data;
	hints.ndata = im.ndata;
	if (!err)
		err = sweep_new(im.code, im.ncode, func, nfunc, &hints, &m->sweep);
	if (!err)
		analysis_save(m->obj, m->sweep);
	image_fini(&im);
	free(point);
	free(func);
	return err;
}

int module_sweep(struct amodule *m, const struct sweep **out, struct diag *d)
{
	int err = m->sweep || analysis_load(m->obj, &m->sweep) ? 0 : analyse(m);

	if (err)
		return diag_set(d, err, "cannot analyse the code of %s", m->shown);
	*out = m->sweep;
	return 0;
}
