/*
 * attach/info.c - utramp_list and utramp_args_count: what can be traced.
 */
#include "attach/session.h"
#include "base/json.h"
#include "info/args.h"
#include "info/demangle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lister {
	int (*fn)(void *ctx, const struct utramp_func_info *f);
	void *ctx;
	struct json json;
};

static void type_json(struct json *w, const char *key, const struct ty *t)
{
	char text[512];

	ty_format(t, text, sizeof(text));
	json_key(w, key);
	json_str(w, text);
}

static void args_json(struct json *w, const struct proto *p)
{
	char name[16];

	type_json(w, "ret", p->ret);
	json_key(w, "args");
	json_open(w, '[');
	for (unsigned i = 0; i < p->nparams; i++) {
		snprintf(name, sizeof(name), "arg%u", i);
		json_open(w, '{');
		json_key(w, "name");
		json_str(w, p->param[i].name && p->param[i].name[0] ? p->param[i].name : name);
		type_json(w, "type", p->param[i].type);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void str_or_null(struct json *w, const char *key, const char *s)
{
	json_key(w, key);
	if (s)
		json_str(w, s);
	else
		json_null(w);
}

static void func_json(struct json *w, const struct func *f, const struct utramp_func_info *info)
{
	json_reset(w);
	json_open(w, '{');
	json_key(w, "module");
	json_str(w, info->module);
	json_key(w, "func");
	json_str(w, f->name);
	json_key(w, "addr");
	json_hex(w, info->addr);
	json_key(w, "size");
	json_u64(w, info->size);
	if (f->proto.source != PROTO_NONE) {
		args_json(w, &f->proto);
	} else {
		str_or_null(w, "ret", NULL);
		json_key(w, "args");
		json_null(w);
	}
	str_or_null(w, "types", info->types_from);
	str_or_null(w, "types_file", info->types_file);
	str_or_null(w, "site", info->site);
	json_key(w, "attach");
	json_open(w, '[');
	if (info->entry)
		json_str(w, "entry");
	if (info->exit)
		json_str(w, "exit");
	json_close(w, ']');
	str_or_null(w, "reason", info->reason);
	str_or_null(w, "refusal", f->refusal ? f->refusal->code : NULL);
	json_close(w, '}');
}

/* "DWARF", "none: ..." */
static const char *types_from(const struct func *f, char *out, size_t cap)
{
	const char *source = proto_source_name(f->proto.source);

	if (f->proto.source != PROTO_NONE || !f->types_why)
		return source;
	snprintf(out, cap, "%s: %s", source, f->types_why);
	return out;
}

/* Where they are, if that is not the module itself; where they should be, if that is damaged. */
static const char *types_file(const struct func *f)
{
	if (f->proto.source == PROTO_DWARF && f->mod->debug.in_use)
		return f->mod->debug.path;
	if (f->proto.source == PROTO_PACK || (f->proto.source == PROTO_NONE && f->mod->pack_why))
		return f->mod->pack_path;
	return NULL;
}

/* "name (aliases)", "ns::name(int) (_ZN2ns4nameEi, aliases)"; NULL: just f's name, or no memory. */
static char *all_names(const struct func *f)
{
	char *text = demangle_short(f->name), *out = NULL;
	const char *others = f->aliases ? f->aliases : "";

	if (text && asprintf(&out, "%s (%s%s%s)", text, f->name, *others ? ", " : "", others) < 0)
		out = NULL;
	else if (!text && *others && asprintf(&out, "%s (%s)", f->name, others) < 0)
		out = NULL;
	free(text);
	return out;
}

static int show(struct lister *l, const struct func *f)
{
	char *names = all_names(f), proto[1024], from[1024];
	int stop;
	struct utramp_func_info info = {
		.sz = sizeof(info),
		.module = f->mod->shown,
		.func = names ? names : f->name,
		.addr = f->addr,
		.size = f->range.hi - f->range.lo,
		.types_from = types_from(f, from, sizeof(from)),
		.types_file = types_file(f),
		.site = f->can_entry ? site_kind_text(f->site.kind) : NULL,
		.entry = f->can_entry,
		.exit = f->can_exit,
		.reason = f->reason,
	};

	if (f->proto.source != PROTO_NONE) {
		proto_format(&f->proto, proto, sizeof(proto));
		info.proto = proto;
	}
	func_json(&l->json, f, &info);
	info.json = l->json.buf;
	stop = l->json.failed ? -ENOMEM : l->fn(l->ctx, &info) != 0;
	free(names);
	return stop;
}

static int show_all(struct lister *l, const struct func_list *list)
{
	int n = 0, stop = 0;

	json_init(&l->json);
	for (size_t i = 0; i < list->n && !stop; i++, n++)
		stop = show(l, list->at[i]);
	json_fini(&l->json);
	return stop < 0 ? stop : n;
}

/* Without a process: the spec's module is a file, and its bytes are what will run. */
static int list_file(const char *spec, struct lister *l, struct diag *d)
{
	struct type_sources types;
	struct func_list list = { 0 };
	struct modset *mods = NULL;
	struct fspec s;
	int err = fspec_parse(spec, &s, d);

	if (err)
		return err;
	err = types_init(&types);
	if (!err)
		err = modset_new(&mods);
	if (!err)
		err = s.module ? modset_add_file(mods, s.module, d) :
				 diag_set(d, -EINVAL,
					  "'%s': name the file, FILE:%s, or a command "
					  "behind --",
					  spec, s.func);
	if (!err)
		err = func_resolve(mods, &s, &list, d);
	for (size_t i = 0; i < list.n && !err; i++)
		err = func_prepare(list.at[i], &types, NULL, mods->pool, d);
	if (!err)
		err = show_all(l, &list);
	func_list_fini(&list);
	modset_free(mods);
	types_fini(&types);
	fspec_fini(&s);
	return err;
}

/*
 * Looking makes hooks, too: a function that is attached already shows as it was found.  Those
 * of others go again, with what they keep from functions that may be attached later.
 */
static int list_live(struct utramp_target *t, const char *spec, struct lister *l, struct diag *d)
{
	struct hook_list list = { 0 };
	struct func_list funcs = { 0 };
	size_t before = t->hooks.n;
	int err = session_hooks(t, spec, &list, d);

	for (size_t i = 0; i < list.n && !err; i++)
		err = vec_push(&funcs, list.at[i]->func);
	if (!err)
		err = show_all(l, &funcs);
	vec_free(&funcs); /* the functions are the hooks' */
	vec_free(&list);
	session_drop_hooks(t, before);
	return err;
}

int utramp_list(struct utramp_target *t, const char *spec,
		int (*fn)(void *ctx, const struct utramp_func_info *f), void *ctx)
{
	struct lister l = { .fn = fn, .ctx = ctx };
	struct diag *d = api_diag();

	if (!spec || !fn)
		return api_return(diag_set(d, -EINVAL, "no function or callback given"));
	return api_return(t ? list_live(t, spec, &l, d) : list_file(spec, &l, d));
}

int utramp_args_count(const char *file, struct utramp_args *out)
{
	struct args_table t = { 0 };
	struct diag *d = api_diag();
	int err;

	if (!file || !out || out->sz < sizeof(*out))
		return api_return(
			diag_set(d, -EINVAL, "no file given, or sz of the table not set"));
	err = args_read(file, &t, d);
	if (err)
		return api_return(err);
	out->functions = t.functions;
	memcpy(out->by_args, t.by_args, sizeof(out->by_args));
	out->variadic = t.variadic;
	out->struct_by_value = t.struct_by_value;
	out->with_float = t.with_float;
	return 0;
}
