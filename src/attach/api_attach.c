/*
 * attach/api_attach.c - the public function of utramp/attach.h.
 */
#include "attach/session.h"

#include <errno.h>

struct utramp_target *utramp_target__attach_pid(pid_t pid,
						const struct utramp_attach_pid_opts *opts)
{
	struct utramp_target *t = NULL;
	struct utramp_attach_pid_opts own;
	struct diag *d = api_diag();
	int err = opts_copy(&own, sizeof(own), opts, d);

	if (!err && pid <= 0)
		err = diag_set(d, -EINVAL, "%d is no process", (int)pid);
	if (!err && own.engine != UTRAMP_JIT && own.engine != UTRAMP_INTERP)
		err = diag_set(d, -EINVAL, "no such engine; there are: jit, interp");
	if (!err)
		err = session_attach(pid, &own, &t, d);
	return err ? api_null(err) : t;
}

int utramp_target__leave(struct utramp_target *t)
{
	struct diag *d = api_diag();
	int err;

	if (!t)
		return api_misuse("target");
	if (t->file || t->proc->child || t->proc->stopped)
		return api_return(
			diag_set(d, -EINVAL, "the target is no process that was attached to"));
	err = session_detach(t, d);
	if (!err && !t->left) {
		t->left = true;
		err = process_leave(t->proc, t->arena, d);
	}
	return api_return(err == -ESRCH ? 0 : err);
}
