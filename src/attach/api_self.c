/*
 * attach/api_self.c - utramp/self.h.
 *
 * Context  [ctl]
 */
#include "utramp/self.h"

#include "attach/session.h"

#include <errno.h>

struct utramp_target *utramp_target__self(const struct utramp_spawn_opts *opts)
{
	struct utramp_target *t = NULL;
	struct utramp_spawn_opts own;
	struct diag *d = api_diag();
	int err = opts_copy(&own, sizeof(own), opts, d);

	if (!err && own.engine != UTRAMP_JIT && own.engine != UTRAMP_INTERP)
		err = diag_set(d, -EINVAL, "no such engine; there are: jit, interp");
	if (!err)
		err = session_self(&own, &t, d);
	return err ? api_null(err) : t;
}
