/*
 * ctl/follow_copy.c - forked children of targets: what they need to be restored one day.
 *
 * A child has what its parent had at the fork: windows, slots, images.  So a copy of the target's
 * journal tells how to undo them (ctl/undo.h), to us and, when we are killed, to others.
 *
 * Errors   of->lost: there is no handle, and the copy stays as it is
 * Context  [ctl]
 * Spec     fork(2); DESIGN section 2
 */
#include "ctl/follow_priv.h"
#include "ctl/journal.h"

#include "base/cleanup.h"
#include "shm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The slabs' files stay the target's. */
static void copy_places(struct process *to, const struct process *from)
{
	struct process_priv *tp = process_priv(to);
	const struct process_priv *fp = process_priv(from);

	to->tls_off = from->tls_off;
	to->arena = from->arena;
	to->threads = from->threads;
	tp->entry = fp->entry;
	tp->phdr = fp->phdr;
	tp->loader = fp->loader;
	tp->vdso = fp->vdso;
	tp->exe = fp->exe;
	tp->layout = fp->layout;
	for (int i = 0; i < SLABS; i++) {
		to->slab[i].bias = from->slab[i].bias;
		to->slab[i].text = from->slab[i].text;
		to->slab[i].shadow = from->slab[i].shadow;
		to->slab[i].room = from->slab[i].room;
		to->slab[i].rt_state = from->slab[i].rt_state;
	}
}

static int make_copy(struct process *p, const struct process *origin)
{
	struct process_priv *pp = process_priv(p);

	pp->ran = true;
	pp->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (pp->pidfd < 0)
		return -errno;
	copy_places(p, origin);
	return process_open_mem(p, NULL) < 0 ? -ESRCH : journal_copy(p, origin);
}

void followed_copy(struct followed *of, struct process *origin)
{
	struct process *p = process_alloc();

	of->copied = true;
	of->lost = true;
	if (!p)
		return;
	p->pid = of->pid;
	if (make_copy(p, origin) < 0) {
		process_free(p);
		return;
	}
	process_priv(p)->follow = of->f;
	process_priv(p)->followed = of;
	of->handle = p;
	of->lost = false;
}

void followed_drop_copy(struct followed *of)
{
	struct process *p = of->handle;

	if (!of->copied)
		return;
	of->lost = false;
	of->copied = false;
	of->handle = NULL;
	process_free(p);
}

bool process_is_copy(const struct process *p, pid_t pid)
{
	char path[32];
	struct rt_state s;
	_close_ int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 &&
	       pread(fd, &s, sizeof(s), (off_t)p->slab[SLAB_EXE].rt_state) == sizeof(s) &&
	       s.magic == RT_STATE_MAGIC && s.arena == p->arena && s.threads == p->threads;
}
