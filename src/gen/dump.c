/*
 * gen/dump.c - see dump.h: elements, variables, histograms, records.
 *
 * Types come from files: what they say of sizes is held against the map's before it is used.
 */
#include "gen/dump_priv.h"
#include "gen/hist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEX_SHOWN 64 /* bytes in text, of values without a type */

static const struct ty index_type = { .kind = TY_INT, .name = "unsigned int", .size = 4 };

/* -- lines ------------------------------------------------------------------------- */

static int put_line(struct dump *d)
{
	if (d->w.failed)
		return -ENOMEM;
	d->line(d->arg, d->w.buf, d->w.n);
	d->lines++;
	json_reset(&d->w);
	return 0;
}

/* Names come from files: keep a line a line. */
static void put_name(struct json *w, const char *s)
{
	for (; *s; s++)
		json_raw(w, (unsigned char)*s < ' ' || *s == 0x7f ? "?" : s, 1);
}

static void put_hex(struct json *w, const uint8_t *p, size_t n, const char *between)
{
	for (size_t i = 0; i < n; i++)
		json_printf(w, "%s%02x", i ? between : "", p[i]);
}

static void hex_member(struct json *w, const char *key, const uint8_t *p, size_t n)
{
	json_key(w, key);
	json_raw(w, "\"", 1);
	put_hex(w, p, n, "");
	json_raw(w, "\"", 1);
	w->comma = true;
}

static void put_value(struct json *w, const struct ty *t, const uint8_t *p, size_t n, bool json)
{
	struct value_out o = { .w = w,
			       .text = !json,
			       .first = true,
			       .chars = true,
			       .flexible = true,
			       .budget = n < 1u << 26 ? 10000 + 16 * (unsigned)n : 1u << 30 };
	size_t shown = n < HEX_SHOWN ? n : HEX_SHOWN;

	if (t) {
		value_print(&o, t, p, n);
	} else if (json) {
		json_open(w, '{');
		hex_member(w, "hex", p, n);
		json_close(w, '}');
	} else {
		put_hex(w, p, shown, " ");
		if (shown < n)
			json_printf(w, " ... (%zu bytes)", n);
	}
}

/* A line's beginning, up to where its value is due. */
static void begin(struct dump *d, const void *key)
{
	if (d->json) {
		json_open(&d->w, '{');
		json_key(&d->w, "map");
		json_str(&d->w, d->name);
		if (key) {
			json_key(&d->w, "key");
			put_value(&d->w, d->key, key, d->map->attr.key_size, true);
		}
		return;
	}
	put_name(&d->w, d->name);
	if (key) {
		json_raw(&d->w, "[", 1);
		put_value(&d->w, d->key, key, d->map->attr.key_size, false);
		json_raw(&d->w, "]", 1);
	}
}

static int end(struct dump *d)
{
	if (d->json)
		json_close(&d->w, '}');
	return put_line(d);
}

/* -- numbers ----------------------------------------------------------------------- */

bool dump_is_number(const struct ty *t)
{
	return t && t->kind == TY_INT && !(t->flags & TY_BOOL) && t->size && t->size <= 8;
}

uint64_t dump_number(const struct ty *t, const uint8_t *p)
{
	unsigned shift = 64 - 8 * (unsigned)t->size;
	uint64_t raw = 0;

	memcpy(&raw, p, t->size);
	return t->flags & TY_SIGNED ? (uint64_t)((int64_t)(raw << shift) >> shift) : raw;
}

static void put_number(struct json *w, const struct ty *t, uint64_t v, bool json)
{
	if (!json)
		w->comma = false;
	if (t->flags & TY_SIGNED)
		json_i64(w, (int64_t)v);
	else
		json_u64(w, v);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

static int load(struct dump *d, const void *key, unsigned slot)
{
	return d->percpu ? map_lookup_slot(d->map, key, slot, d->bytes) :
			   map_lookup(d->map, key, d->bytes, 1);
}

int dump_sum(struct dump *d, const void *key, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < d->nslots; i++) {
		int err = load(d, key, d->slot[i]);

		if (err < 0)
			return err;
		*out += dump_number(d->value, d->bytes);
	}
	return 0;
}

/* -- histograms -------------------------------------------------------------------- */

static bool named_hist(const char *name)
{
	size_t n = strlen(name);

	return n > 5 && !strcmp(name + n - 5, "_hist");
}

static bool is_bucket(const struct ty *t)
{
	return dump_is_number(t) && !(t->flags & TY_SIGNED) && (t->size == 4 || t->size == 8);
}

/* The buckets of a value that is an array of them, or 0. */
static unsigned buckets_of(const char *name, const struct ty *t)
{
	const struct ty *of = t && t->kind == TY_ARRAY ? ty_strip(t->of) : NULL;

	if (!of || !named_hist(name) || !is_bucket(of) || t->flags & (TY_UNSIZED | TY_VECTOR))
		return 0;
	return t->n <= GEN_HIST_BUCKETS ? (unsigned)t->n : 0;
}

/* A map whose elements are the buckets: of what type, or NULL. */
static const struct ty *bucket_map(const struct dump *d)
{
	static const struct ty plain[] = { { .kind = TY_INT, .name = "", .size = 4 },
					   { .kind = TY_INT, .name = "", .size = 8 } };
	const struct map_attr *at = &d->map->attr;
	const struct ty *t = d->value;

	if (!t && (at->value_size == 4 || at->value_size == 8))
		t = &plain[at->value_size / 8];
	if (at->type != BPF_MAP_TYPE_ARRAY && at->type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return NULL;
	return t && is_bucket(t) && named_hist(d->name) && at->max_entries <= GEN_HIST_BUCKETS ?
		       t :
		       NULL;
}

static void add_buckets(uint64_t *sum, const struct ty *of, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sum[i] += dump_number(of, p + of->size * i);
}

static int put_rows(struct dump *d, const uint64_t *bucket, unsigned n)
{
	struct json rows;
	int err = 0;

	json_raw(&d->w, ":", 1);
	err = put_line(d);
	json_init(&rows);
	gen_hist_text(&rows, bucket, n);
	if (rows.failed)
		err = -ENOMEM;
	for (char *line = rows.buf, *nl; !err && line && (nl = strchr(line, '\n')); line = nl + 1) {
		json_raw(&d->w, line, (size_t)(nl - line));
		err = put_line(d);
	}
	json_fini(&rows);
	return err;
}

/* Of a line that has begun.  In text an empty one of many is left out. */
static int put_hist(struct dump *d, const uint64_t *bucket, unsigned n)
{
	if (!d->json && all_zero((const uint8_t *)bucket, n * sizeof(*bucket))) {
		json_reset(&d->w);
		return 0;
	}
	if (!d->json)
		return put_rows(d, bucket, n);
	json_key(&d->w, "hist");
	gen_hist_json(&d->w, bucket, n);
	return end(d);
}

static int dump_buckets(struct dump *d, const struct ty *of)
{
	uint64_t sum[GEN_HIST_BUCKETS] = { 0 };
	uint32_t n = d->map->attr.max_entries;

	for (uint32_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < d->nslots; k++) {
			int err = load(d, &i, d->slot[k]);

			if (err < 0)
				return err;
			add_buckets(&sum[i], of, d->bytes, 1);
		}
	}
	begin(d, NULL);
	return put_hist(d, sum, n);
}

static int element_hist(struct dump *d, const void *key, unsigned n)
{
	uint64_t sum[GEN_HIST_BUCKETS] = { 0 };

	for (unsigned k = 0; k < d->nslots; k++) {
		int err = load(d, key, d->slot[k]);

		if (err < 0)
			return err;
		add_buckets(sum, ty_strip(d->value->of), d->bytes, n);
	}
	begin(d, key);
	return put_hist(d, sum, n);
}

/* -- elements ---------------------------------------------------------------------- */

static void begin_value(struct dump *d)
{
	if (d->json)
		json_key(&d->w, "value");
	else
		json_raw(&d->w, " = ", 3);
}

static int plain_element(struct dump *d, const void *key)
{
	begin(d, key);
	begin_value(d);
	put_value(&d->w, d->value, d->bytes, d->map->attr.value_size, d->json);
	return end(d);
}

static int percpu_json(struct dump *d, const void *key)
{
	uint64_t sum;
	int err = 0;

	begin(d, key);
	if (dump_is_number(d->value)) {
		err = dump_sum(d, key, &sum);
		begin_value(d);
		put_number(&d->w, d->value, sum, true);
	}
	json_key(&d->w, "cpus");
	json_open(&d->w, '[');
	for (unsigned i = 0; i < d->nslots && !err; i++) {
		err = load(d, key, d->slot[i]);
		if (err || all_zero(d->bytes, d->map->attr.value_size))
			continue;
		json_open(&d->w, '{');
		json_key(&d->w, "cpu");
		json_u64(&d->w, d->slot[i]);
		begin_value(d);
		put_value(&d->w, d->value, d->bytes, d->map->attr.value_size, true);
		json_close(&d->w, '}');
	}
	json_close(&d->w, ']');
	if (!err)
		return end(d);
	json_reset(&d->w);
	return err;
}

static int percpu_text(struct dump *d, const void *key, bool always)
{
	int before = d->lines, err = 0;

	for (unsigned i = 0; i < d->nslots && !err; i++) {
		err = load(d, key, d->slot[i]);
		if (err || all_zero(d->bytes, d->map->attr.value_size))
			continue;
		begin(d, key);
		json_printf(&d->w, " cpu %u", d->slot[i]);
		begin_value(d);
		put_value(&d->w, d->value, d->bytes, d->map->attr.value_size, false);
		err = end(d);
	}
	/* all are zero, and so is what was loaded last */
	return err || !always || d->lines > before ? err : plain_element(d, key);
}

static int percpu_sum(struct dump *d, const void *key, bool always)
{
	bool zero = true;
	uint64_t sum = 0;

	for (unsigned i = 0; i < d->nslots; i++) {
		int err = load(d, key, d->slot[i]);

		if (err)
			return err;
		zero &= all_zero(d->bytes, d->map->attr.value_size);
		sum += dump_number(d->value, d->bytes);
	}
	if (zero && !always)
		return 0;
	begin(d, key);
	begin_value(d);
	put_number(&d->w, d->value, sum, false);
	return end(d);
}

/* always: also one that is zero. */
static int dump_element(struct dump *d, const void *key, bool always)
{
	unsigned n = buckets_of(d->name, d->value);
	int err;

	if (n)
		return element_hist(d, key, n);
	if (d->percpu && d->json)
		return percpu_json(d, key);
	if (d->percpu && dump_is_number(d->value))
		return percpu_sum(d, key, always);
	if (d->percpu)
		return percpu_text(d, key, always);
	err = load(d, key, 0);
	if (err || (!always && all_zero(d->bytes, d->map->attr.value_size)))
		return err;
	return plain_element(d, key);
}

static int dump_array(struct dump *d)
{
	int err = 0;

	for (uint32_t i = 0; i < d->map->attr.max_entries && !err; i++)
		err = dump_element(d, &i, d->json);
	return err;
}

static int dump_hash(struct dump *d)
{
	uint8_t *keys = NULL;
	size_t n = 0;
	int err = dump_keys(d, &keys, &n);

	for (size_t i = 0; i < n && !err; i++) {
		err = dump_element(d, keys + i * d->map->attr.key_size, true);
		if (err == -ENOENT) /* deleted meanwhile */
			err = 0;
	}
	free(keys);
	return err;
}

/* -- global data --------------------------------------------------------------------- */

static int variable_hist(struct dump *d, const struct ty *t, const uint8_t *p, unsigned n)
{
	uint64_t sum[GEN_HIST_BUCKETS] = { 0 };

	add_buckets(sum, ty_strip(t->of), p, n);
	return put_hist(d, sum, n);
}

static int dump_variable(struct dump *d, const struct section_var *v)
{
	const struct ty *t = v->type ? ty_strip(v->type) : NULL;
	unsigned n;

	if (t && t->size != v->size)
		t = NULL;
	n = buckets_of(v->name, t);
	if (d->json) {
		begin(d, NULL);
		json_key(&d->w, "var");
		json_str(&d->w, v->name);
	} else {
		put_name(&d->w, v->name);
	}
	if (n)
		return variable_hist(d, t, d->bytes + v->offset, n);
	begin_value(d);
	put_value(&d->w, t, d->bytes + v->offset, v->size, d->json);
	return end(d);
}

static int dump_variables(struct dump *d, const struct dump_types *types)
{
	uint32_t zero = 0, size = d->map->attr.value_size;
	int err = map_lookup(d->map, &zero, d->bytes, 1);

	for (unsigned i = 0; i < types->nvars && !err; i++) {
		const struct section_var *v = &types->var[i];

		if (v->name[0] && v->name[0] != '_' && v->offset <= size &&
		    v->size <= size - v->offset)
			err = dump_variable(d, v);
	}
	return err;
}

/* -- the whole ----------------------------------------------------------------------- */

/* Void, functions and what is only declared has no values. */
static const struct ty *usable(const struct ty *t, uint32_t size)
{
	t = t ? ty_strip(t) : NULL;
	if (!t || t->kind == TY_VOID || t->kind == TY_FUNC || t->kind == TY_UNKNOWN)
		return NULL;
	return t->size == size ? t : NULL;
}

static int dump_init(struct dump *d, const struct dump_types *types)
{
	const struct map_attr *at = &d->map->attr;
	bool array = at->type == BPF_MAP_TYPE_ARRAY || at->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	json_init(&d->w);
	d->key = usable(types->key, at->key_size);
	d->value = usable(types->value, at->value_size);
	if (!d->key && array)
		d->key = &index_type;
	d->percpu = at->type == BPF_MAP_TYPE_PERCPU_ARRAY || at->type == BPF_MAP_TYPE_PERCPU_HASH;
	for (unsigned i = 0; i < (d->percpu ? SHM_MAX_THREADS : 1); i++) {
		if (map_slot_touched(d->map, i))
			d->slot[d->nslots++] = (uint16_t)i;
	}
	d->bytes = calloc(1, at->value_size + 1u);
	return d->bytes ? 0 : -ENOMEM;
}

int gen_dump_map(struct map *m, const char *name, const struct dump_types *types, bool json,
		 dump_line_fn line, void *arg)
{
	struct dump d = { .map = m, .name = name, .json = json, .line = line, .arg = arg };
	const struct ty *bucket;
	int err;

	if (m->attr.flags & BPF_F_WRONLY)
		return -EPERM;
	if (m->attr.type == BPF_MAP_TYPE_RINGBUF || m->attr.type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return 0;
	err = dump_init(&d, types);
	bucket = err ? NULL : bucket_map(&d);
	if (err)
		;
	else if (m->attr.type == BPF_MAP_TYPE_ARRAY && types->global)
		err = dump_variables(&d, types);
	else if (bucket)
		err = dump_buckets(&d, bucket);
	else if (m->attr.type == BPF_MAP_TYPE_ARRAY || m->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY)
		err = dump_array(&d);
	else
		err = dump_hash(&d);
	free(d.bytes);
	json_fini(&d.w);
	return err < 0 ? err : d.lines;
}

/* How many of n bytes the type tells of: the last member may go on without end. */
static size_t typed_bytes(const struct ty *t, size_t n)
{
	const struct ty_member *last = t->kind == TY_STRUCT && t->n ? &t->member[t->n - 1] : NULL;
	const struct ty *open = last && last->type ? ty_strip(last->type) : NULL, *of;

	if (open && open->kind == TY_ARRAY && open->flags & TY_UNSIZED && last->offset <= n) {
		of = ty_strip(open->of);
		return of->size ? n - (n - (size_t)last->offset) % (size_t)of->size : n;
	}
	return t->size < n ? (size_t)t->size : n;
}

void gen_dump_record(struct json *w, const char *name, const struct ty *type, const void *data,
		     size_t n, bool json)
{
	const struct ty *t = type ? ty_strip(type) : NULL;
	size_t typed = t ? typed_bytes(t, n) : 0;
	const uint8_t *p = data;

	if (json) {
		json_open(w, '{');
		json_key(w, "map");
		json_str(w, name);
	} else {
		put_name(w, name);
		json_raw(w, t ? ": " : ":", t ? 2 : 1);
	}
	if (t && json)
		json_key(w, "event");
	if (t)
		put_value(w, t, p, typed, json);
	if (json && (!t || typed < n))
		hex_member(w, t ? "more" : "hex", p + typed, n - typed);
	for (size_t i = typed; i < n && !json; i++)
		json_printf(w, "%s%02x", t && i == typed ? " + " : " ", p[i]);
	if (json)
		json_close(w, '}');
}
