/*
 * attach/modlife.h - is a module still what it was?  Modules that were unloaded, and came back.
 *
 * What is told by path and address alone may be another file: one that was put in place of the
 * first, perhaps under its very inode number, and loaded at the same address.  So what lies in
 * memory is looked at, too: headers and notes, among them the build-id; nobody writes there.
 *
 * Errors   -EFAULT, -ESRCH the memory cannot be read
 * Memory   modules stay the modset's
 * Context  [ctl]
 */
#ifndef ATTACH_MODLIFE_H
#define ATTACH_MODLIFE_H

#include "attach/modset.h"
#include "ctl/process.h"

/* Of a module as it is mapped now. */
int module_identify(struct process *p, const struct module_list *list, const struct module *mod,
		    struct module_id *out);

/* m's code lies where it lay, and is the same file's. */
bool module_is_there(struct process *p, const struct map_list *maps, const struct amodule *m);

/* From the modules that functions are looked for in to those that are gone; and back. */
int modset_lose(struct modset *s, struct amodule *m);
int modset_regain(struct modset *s, struct amodule *m);

/* One that is gone, and is mapped again where it was; NULL: none. */
struct amodule *modset_former(const struct modset *s, const struct module *mod,
			      const struct module_id *id);

#endif
