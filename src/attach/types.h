/*
 * attach/types.h - where a function's prototype comes from.
 *
 * In order: what the user said (--proto, then --btf), the module's own .BTF, its DWARF, the pack
 * that comes with utramp for its SONAME (pack.h).
 * The user comes first because a prototype that is given and then ignored helps nobody.
 *
 * Errors   -ENOENT nowhere
 * Memory   type_sources owns the texts and readers; prototypes go into the caller's pool
 * Context  [ctl]
 */
#ifndef ATTACH_TYPES_H
#define ATTACH_TYPES_H

#include "attach/modset.h"

struct type_file {
	char *module; /* as the user named it */
	char *path;
	struct btf_reader *btf;
};

struct type_sources {
	struct {
		VEC(struct proto);
	} protos;
	struct {
		VEC(struct type_file);
	} files;
	struct ty_pool *pool; /* of the user's prototypes */
	unsigned generation;  /* counts what was added */
};

int types_init(struct type_sources *t);
void types_fini(struct type_sources *t);

int types_add_proto(struct type_sources *t, const char *text, struct diag *d);
/* Is this name of a prototype an address in the file ("0x11e9")? */
bool types_proto_addr(const char *name, taddr_t *addr);
int types_add_btf(struct type_sources *t, const char *module, const char *file, struct diag *d);

/* The first of the user's BTF files for this module; NULL: none. */
const char *types_btf_file(const struct type_sources *t, const struct amodule *m);

/*
 * symbol: the mangled name; addr: in the file.  Other names of the address are looked for
 * behind it, source by source.  *out's source tells where it was; if nowhere, diag tells what is
 * there and of no use, or nothing.
 */
int types_find(const struct type_sources *t, struct amodule *m, const char *symbol, taddr_t addr,
	       struct ty_pool *pool, struct proto *out, struct diag *d);

const char *proto_source_name(uint8_t source);

#endif
