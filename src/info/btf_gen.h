/*
 * info/btf_gen.h - BTF out of headers; and BTF as C text.
 *
 * What BTF cannot say and the size of a call's stack arguments depends on is told in declaration
 * tags that our reader knows and others pass over: "utramp:align=N" on a struct or union,
 * "utramp:noreturn" on a function.
 *
 * Errors   -ENOMEM; -E2BIG a type that BTF has no room for; for text those of btfr_open()
 * Context  [ctl]
 * Spec     Documentation/bpf/btf.rst
 */
#ifndef INFO_BTF_GEN_H
#define INFO_BTF_GEN_H

#include "info/header.h"

#define BTF_TAG_ALIGN    "utramp:align="
#define BTF_TAG_NORETURN "utramp:noreturn"

/* The same bytes for the same header, always.  malloc'ed. */
int btfgen_raw(const struct header *h, void **out, size_t *size, struct diag *d);

/* A file's types as a C header has them, then its functions' prototypes; text by text. */
int btfgen_dump(const char *path, void (*print)(void *ctx, const char *text), void *ctx,
		struct diag *d);

#endif
