/*
 * attach/api_btf.c - utramp_btf__*: types out of headers (see utramp/btf.h).
 *
 * Context  [ctl]
 */
#include "attach/session.h"
#include "info/btf_gen.h"
#include "utramp/btf.h"

#include <errno.h>

int utramp_btf__gen(const struct utramp_btf_gen_opts *opts, void **data, size_t *size)
{
	struct utramp_btf_gen_opts o = { 0 };
	struct diag *d = api_diag();
	struct header_opts h;
	struct header *found = NULL;
	int err = opts_copy(&o, sizeof(o), opts, d);

	if (!err && (!o.nheaders || !data || !size))
		err = diag_set(d, -EINVAL, "no header or no place for the result given");
	if (err)
		return api_return(err);
	h = (struct header_opts){
		.headers = o.headers,
		.includes = o.includes,
		.defines = o.defines,
		.nheaders = o.nheaders,
		.nincludes = o.nincludes,
		.ndefines = o.ndefines,
		.library = o.library,
		.left_out = o.left_out,
		.ctx = o.ctx,
	};
	err = header_read(&h, &found, d);
	if (!err)
		err = btfgen_raw(found, data, size, d);
	header_free(found);
	return api_return(err);
}

int utramp_btf__dump_c(const char *file, void (*print)(void *ctx, const char *text), void *ctx)
{
	struct diag *d = api_diag();

	if (!file || !print)
		return api_return(diag_set(d, -EINVAL, "no file or callback given"));
	return api_return(btfgen_dump(file, print, ctx, d));
}

int utramp_target__damaged_types(struct utramp_target *t, void (*fn)(void *ctx, const char *why),
				 void *ctx)
{
	int n = 0;

	for (size_t i = 0; t && t->mods && i < t->mods->n; i++) {
		if (!t->mods->at[i]->pack_why)
			continue;
		n++;
		if (fn)
			fn(ctx, t->mods->at[i]->pack_why);
	}
	return n;
}
