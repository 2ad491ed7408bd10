/*
 * attach/core.h - which BTF an object's CO-RE relocations are held against.
 *
 * libbpf relocates a whole object against one BTF.  It is, in this order: the file that the
 * user named for the object; the BTF of the module that the object's programs attach to: the
 * user's file for it (--btf), else its own .BTF.  With several such modules it is that of the
 * only one whose BTF knows every type which the relocations name.  Never the kernel's.
 *
 * Errors   -ENOTSUP no BTF, or more than one will do (diag: what to do);  -ENOENT no program's
 *          function is there
 * Memory   an object keeps a descriptor that libbpf reads the BTF by, made when it is opened
 * Context  [ctl]
 */
#ifndef ATTACH_CORE_H
#define ATTACH_CORE_H

#include "attach/object.h"

/* The path for libbpf's btf_custom_path, of what core_choose() will put there. */
#define CORE_PATH_ROOM 32
int core_init(struct utramp_object *o, char path[CORE_PATH_ROOM]);
void core_fini(struct utramp_object *o);

/* Before libbpf loads o; nothing to do for one without relocations. */
int core_choose(struct utramp_object *o, struct utramp_target *t, struct diag *d);

#endif
