/*
 * info/btf_text.c - BTF as C, by libbpf's printer (see btf_gen.h).
 *
 * The printer knows types only; a function is printed as a declaration of its prototype's type.
 *
 * Context  [ctl]
 */
#include "info/btf_gen.h"
#include "info/btf_priv.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	void (*print)(void *ctx, const char *text);
	void *ctx;
	int err;
};

__attribute__((format(printf, 2, 0))) static void hand_on(void *ctx, const char *fmt, va_list ap)
{
	struct text *t = ctx;
	char *s;

	if (vasprintf(&s, fmt, ap) < 0) {
		t->err = -ENOMEM;
		return;
	}
	t->print(t->ctx, s);
	free(s);
}

static int print_func(struct text *t, struct btf_dump *dump, const struct btf_reader *r,
		      const struct btf_type *func)
{
	LIBBPF_OPTS(btf_dump_emit_type_decl_opts, opts, .field_name = btfr_str(r, func->name_off));
	int err = btf_dump__emit_type_decl(dump, func->type, &opts);

	t->print(t->ctx, ";\n");
	return err;
}

static int print_all(struct text *t, struct btf_dump *dump, const struct btf_reader *r)
{
	uint32_t n = btf__type_cnt(r->btf);
	bool first = true;
	int err = 0;

	for (uint32_t id = 1; id < n && !err; id++)
		err = btf_dump__dump_type(dump, id);
	for (uint32_t id = 1; id < n && !err; id++) {
		const struct btf_type *f = btf__type_by_id(r->btf, id);

		if (!btf_is_func(f))
			continue;
		if (first)
			t->print(t->ctx, "\n");
		first = false;
		err = print_func(t, dump, r, f);
	}
	return err ? err : t->err;
}

int btfgen_dump(const char *path, void (*print)(void *ctx, const char *text), void *ctx,
		struct diag *d)
{
	struct text t = { .print = print, .ctx = ctx };
	libbpf_print_fn_t old = libbpf_set_print(NULL);
	struct btf_reader *r = NULL;
	struct btf_dump *dump = NULL;
	int err = btfr_open(path, &r, d);

	if (!err) {
		dump = btf_dump__new(r->btf, hand_on, &t, NULL);
		err = dump ? print_all(&t, dump, r) : -ENOMEM;
		if (err && err != -ENOMEM)
			err = diag_set(d, -EBADMSG, "%s: damaged BTF: %s", path, strerror(-err));
	}
	btf_dump__free(dump);
	btfr_close(r);
	libbpf_set_print(old);
	return err;
}
