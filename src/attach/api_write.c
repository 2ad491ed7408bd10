/*
 * attach/api_write.c - the public functions: programs that write the target's memory.
 */
#include "attach/object.h"

#include "bpf/helper.h"
#include "utramp/write.h"

#include <errno.h>

int utramp_object__allow_write(struct utramp_object *o, bool on)
{
	if (!o)
		return api_misuse("object");
	if (o->tried)
		return api_return(diag_set(api_diag(), -EINVAL, "%s is loaded already", o->path));
	o->allow_write = on;
	return 0;
}

bool utramp_program__writes(const struct utramp_program *p)
{
	bool writes = false;
	unsigned n;
	const struct helper *h = helper_table(&n);

	for (unsigned i = 0; p && p->prog && i < n; i++)
		writes |= h[i].flags & HELPER_WRITES &&
			  p->prog->facts.helpers[h[i].id / 64] >> h[i].id % 64 & 1;
	return writes;
}
