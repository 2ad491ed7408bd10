/*
 * utramp/btf.h - types for libraries that have none: BTF out of C headers.
 *
 * Manners, errors and options are those of utramp/utramp.h.
 */
#ifndef UTRAMP_BTF_H
#define UTRAMP_BTF_H

#include "utramp.h"

#ifdef __cplusplus
extern "C" {
#endif

struct utramp_btf_gen_opts {
	size_t sz;
	const char *const *headers, *const *includes, *const *defines; /* as of -H, -I, -D */
	size_t nheaders, nincludes, ndefines;
	const char *library; /* only functions that this file exports; NULL: all */
	/* Told of each function that BTF cannot describe so that a call of it is safe to repeat. */
	void (*left_out)(void *ctx, const char *function, const char *why);
	void *ctx;
};
/*
 * Compile the headers for x86-64 Linux and describe the functions that they declare.  *data is
 * malloc'ed, raw BTF, and for the same headers always the same.  ENOTSUP: there is no libclang,
 * which is looked for at the first call; EBADMSG: the headers do not compile.
 */
UTRAMP_API int utramp_btf__gen(const struct utramp_btf_gen_opts *opts, void **data, size_t *size);

/* The types of a file (raw BTF, or ELF with it) as a C header, then its functions; in pieces. */
UTRAMP_API int utramp_btf__dump_c(const char *file, void (*print)(void *ctx, const char *text),
				  void *ctx);

/*
 * Types that come with utramp for a library (share/utramp/btf/SONAME.btf) and cannot be read are
 * passed over; fn is told of each so far, and of why.  Gives their number.
 */
UTRAMP_API int utramp_target__damaged_types(struct utramp_target *t,
					    void (*fn)(void *ctx, const char *why), void *ctx);

#ifdef __cplusplus
}
#endif
#endif
