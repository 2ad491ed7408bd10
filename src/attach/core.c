/*
 * attach/core.c - see core.h.
 *
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst 4.3 (.BTF.ext); struct bpf_core_relo of the uapi bpf.h
 */
#include "attach/core.h"
#include "attach/pack.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A module that programs attach to, and the file with its BTF. */
struct place {
	struct amodule *mod;
	const char *path; /* NULL: none */
};

struct choice {
	struct utramp_object *o;
	struct utramp_target *t;
	struct {
		VEC(struct place);
	} places;
	struct {
		VEC(const char *);
	} roots; /* the types that relocations begin at, their flavour ("___v2") cut off */
	int err; /* of the first function that is not there */
	char why[DIAG_MAX];
};

int core_init(struct utramp_object *o, char path[CORE_PATH_ROOM])
{
	o->core_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (o->core_fd < 0)
		return -errno;
	snprintf(path, CORE_PATH_ROOM, "/proc/self/fd/%d", o->core_fd);
	return 0;
}

void core_fini(struct utramp_object *o)
{
	if (o->core_fd >= 0)
		close(o->core_fd);
	o->core_fd = -1;
}

/* -- what the relocations want ---------------------------------------------------------- */

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len, core_off, core_len;
};

struct ext_section {
	uint32_t name_off, n;
};

static int add_root(struct choice *c, const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	const char *flavour;
	char *own;

	if (!name || !*name)
		return 0;
	flavour = strstr(name, "___");
	own = strndup(name, flavour && flavour > name ? (size_t)(flavour - name) : strlen(name));
	if (!own || vec_push(&c->roots, own) < 0) {
		free(own);
		return -ENOMEM;
	}
	return 0;
}

/* libbpf has checked that sections and records lie within the data; what we read, we check. */
static int read_relocations(struct choice *c, const struct btf *btf, const char *raw, uint32_t size)
{
	struct ext_header h = { 0 };
	struct bpf_core_relo relo;
	uint32_t record;
	uint64_t at, end;
	int err = 0;

	memcpy(&h, raw, size < sizeof(h) ? size : sizeof(h));
	if (h.hdr_len < sizeof(h) || h.core_len < sizeof(record) || size < sizeof(h))
		return 0; /* an old compiler's, or none */
	at = (uint64_t)h.hdr_len + h.core_off;
	end = at + h.core_len;
	if (end > size)
		return -EBADMSG;
	memcpy(&record, raw + at, sizeof(record));
	if (record < sizeof(relo))
		return -EBADMSG;
	at += sizeof(record);
	while (!err && at + sizeof(struct ext_section) <= end) {
		struct ext_section s;

		memcpy(&s, raw + at, sizeof(s));
		at += sizeof(s);
		for (uint32_t i = 0; i < s.n && at + record <= end && !err; i++, at += record) {
			memcpy(&relo, raw + at, sizeof(relo));
			err = add_root(c, btf, relo.type_id);
		}
	}
	return err;
}

static int read_object(struct choice *c, struct diag *d)
{
	struct btf_ext *ext = NULL;
	struct btf *btf = btf__parse_elf(c->o->path, &ext);
	const void *raw;
	uint32_t size;
	int err = 0;

	if (!btf)
		return errno == ENOMEM ? -ENOMEM : 0; /* no BTF, no relocations */
	raw = ext ? btf_ext__get_raw_data(ext, &size) : NULL;
	if (raw)
		err = read_relocations(c, btf, raw, size);
	btf_ext__free(ext);
	btf__free(btf);
	return err == -EBADMSG ? diag_set(d, err, "%s: damaged .BTF.ext", c->o->path) : err;
}

/* -- where the programs go -------------------------------------------------------------- */

static const char *types_path(const struct utramp_target *t, struct amodule *m)
{
	const char *file = types_btf_file(&t->types, m);

	if (file)
		return file;
	if (module_btf(m))
		return m->obj->path;
	return !module_dwarf(m) && module_pack(m) ? m->pack_path : NULL;
}

static int add_place(struct choice *c, struct amodule *m)
{
	struct place p = { .mod = m };

	for (size_t i = 0; i < c->places.n; i++) {
		if (c->places.at[i].mod == m)
			return 0;
	}
	p.path = types_path(c->t, m);
	return vec_push(&c->places, p);
}

static int add_spec(struct choice *c, const char *text)
{
	struct func_list funcs = { 0 };
	struct diag why = { 0 };
	struct fspec s;
	int err = fspec_parse(text, &s, &why);

	if (!err) {
		err = func_resolve(c->t->mods, &s, &funcs, &why);
		fspec_fini(&s);
	}
	if (err == -ENOMEM)
		return err;
	if (err && !c->err) { /* that is attaching's to complain of, unless nothing else is left */
		c->err = err;
		snprintf(c->why, sizeof(c->why), "%s", diag_text(&why, err));
	}
	err = 0;
	for (size_t i = 0; i < funcs.n && !err; i++)
		err = add_place(c, funcs.at[i]->mod);
	func_list_fini(&funcs);
	return err;
}

static int find_places(struct choice *c)
{
	const char *spec;
	int err = 0;

	for (size_t i = 0; i < c->o->programs.n && !err; i++) {
		const struct utramp_program *p = c->o->programs.at[i];

		if (!bpf_program__autoload(p->libbpf))
			continue;
		for (size_t k = 0; !err && (spec = object_program_target(p, k)); k++)
			err = add_spec(c, spec);
	}
	return err;
}

/* -- the choice --------------------------------------------------------------------------- */

static int none_will_do(const struct choice *c, struct diag *d)
{
	const struct amodule *m;

	if (!c->places.n && c->err)
		return diag_set(d, c->err, "%s", c->why);
	if (!c->places.n)
		return diag_set(d, -ENOTSUP,
				"%s has CO-RE relocations, and no program names a function whose "
				"module's BTF they could be held against",
				c->o->path);
	m = c->places.at[0].mod;
	if (module_dwarf(c->places.at[0].mod))
		return diag_set(
			d, -ENOTSUP,
			"%s has CO-RE relocations, which need BTF, and %s has only DWARF: "
			"make BTF of it with 'pahole -J %s', or give a file with --btf %s=FILE",
			c->o->path, m->shown, m->path, m->shown);
	return diag_set(d, -ENOTSUP,
			"%s has CO-RE relocations, which need BTF, and %s has none: give a file "
			"with --btf %s=FILE",
			c->o->path, m->shown, m->shown);
}

/* libbpf would print what it finds wrong. */
static bool knows_roots(const struct choice *c, const char *path)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct btf *btf = btf__parse(path, NULL);
	bool all = btf != NULL;

	for (size_t i = 0; i < c->roots.n && all; i++)
		all = btf__find_by_name(btf, c->roots.at[i]) > 0;
	btf__free(btf);
	libbpf_set_print(print);
	return all;
}

/* from: whose BTF it is, for messages. */
static int use(struct utramp_object *o, const char *path, const char *from, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err = 0;

	if (fd < 0)
		return diag_set(d, errno == ENOENT ? -EBADMSG : -errno, "%s: %s", path,
				strerror(errno));
	if (dup3(fd, o->core_fd, O_CLOEXEC) < 0)
		err = -errno;
	close(fd);
	free(o->core_from);
	o->core_from = strdup(from);
	return err || o->core_from ? err : -ENOMEM;
}

static bool is_repeated(const struct choice *c, size_t i)
{
	const char *path = c->places.at[i].path;

	while (i-- > 0) {
		if (c->places.at[i].path && !strcmp(c->places.at[i].path, path))
			return true;
	}
	return false;
}

static int choose(const struct choice *c, struct diag *d)
{
	const struct place *with[3] = { NULL }, *fits = NULL;
	unsigned n = 0, nfits = 0;

	for (size_t i = 0; i < c->places.n; i++) {
		if (c->places.at[i].path && !is_repeated(c, i))
			with[n < 2 ? n++ : 2] = &c->places.at[i];
	}
	if (!n)
		return none_will_do(c, d);
	if (n == 1)
		return use(c->o, with[0]->path, with[0]->mod->shown, d);
	for (size_t i = 0; i < c->places.n; i++) {
		const struct place *p = &c->places.at[i];

		if (p->path && !is_repeated(c, i) && knows_roots(c, p->path)) {
			fits = p;
			nfits++;
		}
	}
	if (nfits == 1)
		return use(c->o, fits->path, fits->mod->shown, d);
	return diag_set(d, -ENOTSUP,
			"%s has CO-RE relocations and programs on %s and %s, which have BTF each, "
			"and not exactly one of them knows all the types: put the programs of each "
			"module into an object of its own",
			c->o->path, with[0]->mod->shown, with[1]->mod->shown);
}

int core_choose(struct utramp_object *o, struct utramp_target *t, struct diag *d)
{
	struct choice c = { .o = o, .t = t };
	int err = read_object(&c, d);

	if (!err && c.roots.n) {
		err = o->btf ? 0 : find_places(&c);
		if (!err)
			err = o->btf ? use(o, o->btf, o->btf, d) : choose(&c, d);
	}
	for (size_t i = 0; i < c.roots.n; i++)
		free((char *)(uintptr_t)c.roots.at[i]);
	vec_free(&c.roots);
	vec_free(&c.places);
	return err;
}
