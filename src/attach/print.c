/*
 * attach/print.c - the public functions of utramp/print.h: types found, lines made by gen/dump.
 *
 * Types are those of the object's own BTF, read when they are first needed and kept; whatever
 * is missing or damaged there is printed as hex.
 */
#include "utramp/print.h"
#include "attach/object.h"
#include "gen/dump.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of an object; btf NULL: it has none that can be read. */
struct object_print {
	struct btf_reader *btf;
	struct ty_pool *pool;
};

/* Of a map. */
struct map_print {
	struct dump_types types;
	const struct ty *record; /* of a ring, or NULL */
	char record_name[256];
	struct json w;
};

void object_print_free(struct utramp_object *o)
{
	for (size_t i = 0; i < o->maps.n; i++) {
		struct map_print *p = o->maps.at[i]->print;

		if (p)
			json_fini(&p->w);
		free(p);
		o->maps.at[i]->print = NULL;
	}
	if (o->print) {
		btfr_close(o->print->btf);
		ty_pool_free(o->print->pool);
	}
	free(o->print);
	o->print = NULL;
}

static int object_print_new(struct utramp_object *o)
{
	struct btf *btf = bpf_object__btf(o->libbpf);
	uint32_t n = 0;
	const void *raw = btf ? btf__raw_data(btf, &n) : NULL;
	struct diag unused = { "" };
	int err;

	o->print = calloc(1, sizeof(*o->print));
	err = o->print ? ty_pool_new(&o->print->pool) : -ENOMEM;
	if (!err && raw)
		err = btfr_open_mem(raw, n, &o->print->btf, &unused);
	return err == -ENOMEM ? err : 0;
}

/* NULL: id 0 is none, or the type is damaged. */
static int type_by_id(const struct object_print *op, uint32_t id, const struct ty **out)
{
	struct diag unused = { "" };
	int err = id ? btfr_build(op->btf, id, op->pool, out, &unused) : 0;

	if (err)
		*out = NULL;
	return err == -ENOMEM ? err : 0;
}

static bool is_ring(const struct utramp_map *m)
{
	return m->type == BPF_MAP_TYPE_RINGBUF || m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

/* Is name MAP_event, MAP being one of the object's rings? */
static bool is_record_name(const struct utramp_object *o, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < o->maps.n; i++) {
		const char *map = o->maps.at[i]->name;
		size_t len = strlen(map);

		if (is_ring(o->maps.at[i]) && n == len + strlen("_event") &&
		    !memcmp(name, map, len) && !strcmp(name + len, "_event"))
			return true;
	}
	return false;
}

/* A variable that only makes the compiler keep the type of a ring's records. */
static bool keeps_record_type(const struct utramp_object *o, const struct section_var *v)
{
	const struct ty *t = v->type ? ty_strip(v->type) : NULL;

	if (!t || t->kind != TY_PTR)
		return false;
	t = ty_strip(t->of);
	return (t->kind == TY_STRUCT || t->kind == TY_UNION) && is_record_name(o, t->name);
}

static int find_variables(struct utramp_map *m, uint32_t id, struct dump_types *out)
{
	const struct object_print *op = m->object->print;
	const struct section_var *all;
	struct diag unused = { "" };
	struct section_var *kept;
	unsigned n;
	int err = btfr_section(op->btf, id, op->pool, &all, &n, &unused);

	if (err)
		return err == -ENOMEM ? err : 0;
	kept = ty_pool_alloc(op->pool, n * sizeof(*kept));
	if (!kept)
		return -ENOMEM;
	out->var = kept;
	for (unsigned i = 0; i < n; i++) {
		if (!keeps_record_type(m->object, &all[i]))
			kept[out->nvars++] = all[i];
	}
	out->global = true;
	return 0;
}

static int find_record(struct utramp_map *m, struct map_print *p)
{
	static const char *const tags[] = { "struct ", "union ", "" };
	const struct object_print *op = m->object->print;
	struct diag unused = { "" };
	char name[256];
	int err = -ENOENT;

	for (size_t i = 0; i < ARRAY_LEN(tags) && err && err != -ENOMEM; i++) {
		int len = snprintf(name, sizeof(name), "%s%s_event", tags[i], m->name);

		if (len >= (int)sizeof(name))
			return 0;
		err = btfr_type(op->btf, name, op->pool, &p->record, &unused);
	}
	if (err)
		p->record = NULL;
	else
		ty_format(p->record, p->record_name, sizeof(p->record_name));
	return err == -ENOMEM ? err : 0;
}

static int find_types(struct utramp_map *m, struct map_print *p)
{
	const struct object_print *op = m->object->print;
	int err;

	if (!op->btf)
		return 0;
	if (is_ring(m))
		return find_record(m, p);
	if (bpf_map__is_internal(m->libbpf))
		return find_variables(m, bpf_map__btf_value_type_id(m->libbpf), &p->types);
	err = type_by_id(op, bpf_map__btf_key_type_id(m->libbpf), &p->types.key);
	return err ? err : type_by_id(op, bpf_map__btf_value_type_id(m->libbpf), &p->types.value);
}

/* What is known of m, found when first asked for. */
static int map_print(struct utramp_map *m, struct map_print **out)
{
	struct map_print *p = m->print;
	int err = 0;

	*out = p;
	if (p)
		return 0;
	if (!m->object->print)
		err = object_print_new(m->object);
	p = err ? NULL : calloc(1, sizeof(*p));
	if (!p) {
		if (err)
			object_print_free(m->object);
		return -ENOMEM;
	}
	json_init(&p->w);
	m->print = p;
	err = find_types(m, p);
	if (err) {
		m->print = NULL;
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

static int check_args(const struct utramp_map *m, const struct utramp_print_opts *user,
		      utramp_line_fn line, struct utramp_print_opts *opts)
{
	struct diag *d = api_diag();

	*opts = (struct utramp_print_opts){ 0 };
	if (!m || !line)
		return diag_set(d, -EINVAL, "no map or callback given");
	return opts_copy(opts, sizeof(*opts), user, d);
}

int utramp_map__print(struct utramp_map *m, const struct utramp_print_opts *opts,
		      utramp_line_fn line, void *ctx)
{
	struct diag *d = api_diag();
	struct utramp_print_opts o;
	struct map_print *p;
	int n = check_args(m, opts, line, &o);

	if (n)
		return api_return(n);
	if (!m->map)
		return api_return(diag_set(d, -ESRCH, "map %s: its target is gone", m->name));
	n = map_print(m, &p);
	if (!n && m->type == BPF_MAP_TYPE_STACK_TRACE && !(m->map->attr.flags & BPF_F_WRONLY))
		n = print_stacks(m, o.json, line, ctx);
	else if (!n)
		n = gen_dump_map(m->map, m->name, &p->types, o.json, line, ctx);
	if (n == -EPERM)
		diag_set(d, n, "map %s: its flags (BPF_F_WRONLY) forbid reading it", m->name);
	else if (n < 0)
		diag_set(d, n, "map %s cannot be printed: %s", m->name, strerror(-n));
	return n < 0 ? api_return(n) : n;
}

bool utramp_map__is_hidden(const struct utramp_map *m)
{
	if (is_ring(m))
		return true;
	/* libbpf makes .rodata and .kconfig so; its names for internal maps begin as the file's */
	if (bpf_map__is_internal(m->libbpf))
		return bpf_map__map_flags(m->libbpf) & BPF_F_RDONLY_PROG;
	return m->name[0] == '_';
}

int utramp_map__format_record(struct utramp_map *m, const void *data, size_t size,
			      const struct utramp_print_opts *opts, utramp_line_fn line, void *ctx)
{
	struct utramp_print_opts o;
	struct map_print *p;
	int err = check_args(m, opts, line, &o);

	if (!err)
		err = map_print(m, &p);
	if (err)
		return api_return(err);
	json_reset(&p->w);
	gen_dump_record(&p->w, m->name, p->record, data, size, o.json);
	if (p->w.failed)
		return api_return(-ENOMEM);
	line(ctx, p->w.buf, p->w.n);
	return 0;
}

const char *utramp_map__record_type(struct utramp_map *m)
{
	struct map_print *p;
	int err = map_print(m, &p);

	if (err || !p->record)
		return api_null(diag_set(api_diag(), err ? err : -ENOENT,
					 "the object's BTF has no struct %s_event", m->name));
	return p->record_name;
}
