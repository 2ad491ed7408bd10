/*
 * attach/print_stack.c - the stacks of a stack trace map as lines, with the names of functions.
 *
 * Text     NAME[ID]:, then a line a frame as `utramp stack` has it, the caller first
 * JSON     {"map":NAME,"key":ID,"stack":[{"addr","module","func","offset"},...]}
 * Order    by id.  The target may change the map meanwhile: what is gone is left out
 * Context  [ctl]
 */
#include "attach/object.h"
#include "attach/symbols.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

static void put_text(struct json *w, const struct utramp_frame *f)
{
	if (f->func)
		json_printf(w, "    %s+0x%" PRIx64 " (%s)", f->func, f->offset, f->module);
	else if (f->module)
		json_printf(w, "    0x%" PRIx64 " (%s)", f->offset, f->module);
	else
		json_printf(w, "    0x%" PRIx64, f->addr);
}

static void put_name(struct json *w, const char *key, const char *text)
{
	json_key(w, key);
	if (text)
		json_str(w, text);
	else
		json_null(w);
}

static void put_json(struct json *w, const struct utramp_frame *f)
{
	json_open(w, '{');
	json_key(w, "addr");
	json_hex(w, f->addr);
	put_name(w, "module", f->module);
	put_name(w, "func", f->func);
	json_key(w, "offset");
	json_u64(w, f->offset);
	json_close(w, '}');
}

struct stack_lines {
	struct json w;
	utramp_line_fn line;
	void *ctx;
	int lines;
};

static void end_line(struct stack_lines *l)
{
	if (!l->w.failed)
		l->line(l->ctx, l->w.buf, l->w.n);
	l->lines++;
	json_reset(&l->w);
}

static void head(struct stack_lines *l, const char *name, uint32_t id, bool json)
{
	if (!json) {
		json_printf(&l->w, "%s[%u]:", name, id);
		end_line(l);
		return;
	}
	json_open(&l->w, '{');
	json_key(&l->w, "map");
	json_str(&l->w, name);
	json_key(&l->w, "key");
	json_u64(&l->w, id);
	json_key(&l->w, "stack");
	json_open(&l->w, '[');
}

static void put_stack(struct stack_lines *l, struct symbols *s, const uint64_t *pc, unsigned n,
		      bool json)
{
	for (unsigned i = 0; i < n && pc[i]; i++) {
		struct utramp_frame f = { .addr = pc[i] };

		if (s && !symbols_find(s, pc[i], &f))
			continue;
		if (json) {
			put_json(&l->w, &f);
		} else {
			put_text(&l->w, &f);
			end_line(l);
		}
	}
	if (json) {
		json_close(&l->w, ']');
		json_close(&l->w, '}');
		end_line(l);
	}
}

int print_stacks(struct utramp_map *m, bool json, utramp_line_fn line, void *ctx)
{
	struct stack_lines l = { .line = line, .ctx = ctx };
	uint64_t *pc = calloc(1, m->value_size);
	uint32_t id;
	int err = pc ? 0 : -ENOMEM, last = -1;

	json_init(&l.w);
	if (!err && m->target->symbols)
		err = symbols_look(m->target->symbols, m->target, true);
	for (; !err; last = (int)id) {
		uint32_t from = (uint32_t)last;

		if (map_next_key(m->map, last < 0 ? NULL : &from, &id) < 0 || (int)id <= last)
			break; /* the last one, or gone meanwhile and begun anew */
		if (map_lookup(m->map, &id, pc, 1) < 0)
			continue;
		head(&l, m->name, id, json);
		put_stack(&l, m->target->symbols, pc, m->value_size / 8, json);
		err = l.w.failed ? -ENOMEM : 0;
	}
	json_fini(&l.w);
	free(pc);
	return err ? err : l.lines;
}
