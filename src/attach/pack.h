/*
 * attach/pack.h - types that come with utramp, for libraries that have none.
 *
 * A pack is the BTF of a library's headers, share/utramp/btf/SONAME.btf, made by `utramp btf gen`.
 * It lies in a directory of UTRAMP_BTF_PATH (separated by colons), in ../share/utramp/btf of the
 * executable's directory, or in the data directory that utramp was built for; the first counts.
 *
 * Context  [ctl]
 */
#ifndef ATTACH_PACK_H
#define ATTACH_PACK_H

#include "attach/modset.h"

/*
 * The module's pack, opened at the first call.  NULL: there is none, or it is damaged, which
 * the module's pack_why tells.
 */
struct btf_reader *module_pack(struct amodule *m);

/* Is a name of this address one that the library's headers can mean? */
bool pack_may_tell(const struct amodule *m, const char *symbol, taddr_t addr);

#endif
