/*
 * ctl/call.c - functions of the target's, called by one of its threads while others run.
 *
 * The thread stands at a safe point (safepoint.c).  What it runs has a stack of ours, a signal
 * frame with the thread's own state at its top (frame.c), and returns into __restore_rt.  The
 * call of rt_sigreturn(2) there is met under PTRACE_SYSCALL and cancelled: the function has returned.
 * All signals are blocked meanwhile, by the mask that the frame undoes.
 *
 * C.1  At every moment at which we may die, either the thread has its own registers and mask,
 *      or registers that lead to the frame.  So at first the frame, then registers, then the
 *      mask; at last the mask, then registers.
 * C.2  A function's result comes by `mov %rax, (%rbx)`, found in libc, for __restore_rt begins
 *      by overwriting rax.
 * C.3  Time is up: while the function has made no system call but to wait for one lock of the
 *      loader's, it has changed nothing, and the thread gets its state back.  Else it is let go
 *      as it is: it will finish and then do that itself.
 *
 * Errors   -EBUSY    C.3
 *          -ENOTSUP  libc has no __restore_rt as we know it
 *          -EFAULT   the function died of a signal; the thread has its own state
 *          -ESRCH    the thread or the process is gone
 * Context  [ctl]
 */
#include "base/cleanup.h"
#include "ctl/priv.h"
#include "info/objfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

enum { STACK_SIZE = 256 << 10 };

/* -- code that is there -------------------------------------------------------------------------- */

/* In the file's code; asked again of the process, where it may be traced. */
static taddr_t find_bytes(struct process *p, const struct objfile *o, taddr_t bias,
			  const uint8_t *bytes, size_t n)
{
	for (unsigned i = 0; i < o->nseg; i++) {
		const struct objseg *s = &o->seg[i];
		_free_ uint8_t *text = s->x ? malloc(s->filesz + 1) : NULL;
		size_t len = text ? objfile_bytes(o, s->addr, text, s->filesz) : 0;
		const uint8_t *at = text, *end = text ? text + len : NULL;
		uint8_t now[16];

		while (text && (at = memmem(at, (size_t)(end - at), bytes, n))) {
			taddr_t there = bias + s->addr + (taddr_t)(at - text);

			if (process_read(p, there, now, n) == 0 && !memcmp(now, bytes, n))
				return there;
			at++;
		}
	}
	return 0;
}

static bool still_there(struct process *p, taddr_t at, const uint8_t *bytes, size_t n)
{
	uint8_t now[16];

	return at && process_read(p, at, now, n) == 0 && !memcmp(now, bytes, n);
}

static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
static const uint8_t call_ret[] = { 0x0f, 0x05, 0xc3 };
static const uint8_t store_rax[] = { 0x48, 0x89, 0x03, 0x5b, 0xc3 };

int code_find(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);

	for (size_t i = 0; i < p->modules.n && !pp->code.known; i++) {
		const struct module *m = &p->modules.at[i];
		const char *base = strrchr(m->path, '/');
		struct objfile *o;
		char path[4200];

		if (!base || strncmp(base, "/libc.so.6", 10) != 0 ||
		    module_path(p->pid, &p->modules, m, path, sizeof(path)) < 0 ||
		    objfile_open(path, &o, NULL) < 0)
			continue;
		pp->code.restorer = find_bytes(p, o, m->bias, restorer, sizeof(restorer));
		pp->code.call = find_bytes(p, o, m->bias, call_ret, sizeof(call_ret));
		pp->code.store = find_bytes(p, o, m->bias, store_rax, sizeof(store_rax));
		objfile_close(o);
		break;
	}
	pp->code.known = p->modules.n > 0;
	if (still_there(p, pp->code.restorer, restorer, sizeof(restorer)) &&
	    still_there(p, pp->code.call, call_ret, sizeof(call_ret)))
		return 0;
	return diag_set(
		d, -ENOTSUP,
		"process %d: its libc has no __restore_rt or system call as glibc builds them",
		p->pid);
}

/* -- our stack there ------------------------------------------------------------------------------ */

int stack_map(struct process *p, struct diag *d)
{
	struct process_priv *pp = process_priv(p);
	const uint64_t arg[6] = {
		0, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0
	};
	long at = process_syscall(p, SYS_mmap, arg);

	if (at < 0 && at >= -4095)
		return diag_set(d, (int)at, "process %d: no memory for a stack: %s", p->pid,
				strerror((int)-at));
	pp->stack = (struct taddr_range){ (taddr_t)at, (taddr_t)at + STACK_SIZE };
	return 0;
}

void stack_unmap(struct process *p)
{
	struct process_priv *pp = process_priv(p);
	const uint64_t arg[6] = { pp->stack.lo, pp->stack.hi - pp->stack.lo };

	if (!pp->stack.hi)
		return;
	pp->stack = (struct taddr_range){ 0, 0 }; /* the call itself has its frame elsewhere */
	process_syscall(p, SYS_munmap, arg);
}

/* -- a call ---------------------------------------------------------------------------------------- */

int call_begin(struct call *c, struct process *p, struct tracee *t, int64_t errno_off)
{
	int err;

	*c = (struct call){ .p = p, .t = t };
	err = state_save(t, &c->state);
	if (!err)
		err = frame_write(p, &c->state, process_priv(p)->stack.hi, &c->frame);
	if (err) {
		state_free(&c->state);
		return err;
	}
	c->errno_at = errno_off ? c->state.regs.fs_base + (uint64_t)errno_off : 0;
	if (c->errno_at && process_read(p, c->errno_at, &c->err_no, sizeof(c->err_no)) < 0)
		c->errno_at = 0;
	return 0;
}

/* C.1: registers that lead to the frame, then the mask. */
static int set_off(struct call *c, taddr_t function, const uint64_t arg[2], taddr_t result)
{
	const uint64_t flags = 0x400 | 0x100; /* DF, TF */
	const struct process_priv *pp = process_priv(c->p);
	struct user_regs_struct r = c->state.regs;
	uint64_t all = UINT64_MAX;
	int err = 0;

	r.rip = function;
	r.rdi = arg[0];
	r.rsi = arg[1];
	r.rsp = c->frame;
	r.rax = 0;
	r.orig_rax = (uint64_t)-1;
	r.eflags &= ~flags;
	if (result && pp->code.store) {
		const uint64_t chain[2] = { pp->code.store, 0 };

		r.rbx = result;
		r.rsp -= sizeof(chain);
		err = process_write(c->p, r.rsp, chain, sizeof(chain));
	}
	if (!err)
		err = tracee_set_regs(c->t, &r);
	if (!err && ptrace(PTRACE_SETSIGMASK, c->t->tid, sizeof(all), &all) < 0)
		err = -errno;
	return err;
}

/* The loader waits for its lock and has done nothing before: C.3. */
static bool only_waits(const struct call *c, const struct user_regs_struct *r)
{
	const struct module *m = modules_at(&c->p->modules, r->rdi);
	taddr_t loader = process_priv(c->p)->loader;

	return c->calls == 0 && (int64_t)r->orig_rax == SYS_futex && m && loader >= m->lo &&
	       loader < m->hi;
}

static int too_long(struct call *c, struct diag *d)
{
	uint64_t soon = process_now_ns() + 1000000000u;
	struct user_regs_struct r;
	int err;

	c->t->stopped = false;
	ptrace(PTRACE_INTERRUPT, c->t->tid, 0, 0);
	err = tracee_await(c->p, c->t, soon);
	if (err != -ETIMEDOUT && (err < 0 || tracee_regs(c->t, &r) < 0))
		return -ESRCH;
	c->where = CALL_STOPPED;
	if (!err && only_waits(c, &r))
		return diag_set(d, -EBUSY,
				"process %d: a thread holds the loader's lock for long; try again",
				c->p->pid);
	c->where = CALL_LEFT;
	return diag_set(
		d, -EBUSY,
		"process %d: its loader takes too long; thread %d is left to it, and goes on "
		"by itself behind it",
		c->p->pid, c->t->tid);
}

int call_run(struct call *c, taddr_t function, const uint64_t arg[2], taddr_t result,
	     uint64_t deadline, struct diag *d)
{
	taddr_t end = process_priv(c->p)->code.restorer + sizeof(restorer);
	int err = set_off(c, function, arg, result);
	bool entry = false;

	c->calls = 0;
	if (!err && c->where == CALL_AT_END) /* out of the cancelled system call */
		err = tracee_to_syscall(c->p, c->t, deadline);
	while (!err) {
		struct user_regs_struct r;

		err = tracee_to_syscall(c->p, c->t, deadline);
		if (err == -ETIMEDOUT)
			return too_long(c, d);
		if (!err)
			err = tracee_regs(c->t, &r);
		if (err)
			break;
		if (r.rip == end && r.orig_rax == SYS_rt_sigreturn) {
			/* not made now, but by whom it is left to if we die: C.1 */
			r.orig_rax = (uint64_t)-1;
			r.rip = process_priv(c->p)->code.restorer;
			err = tracee_set_regs(c->t, &r);
			c->where = CALL_AT_END;
			return err;
		}
		entry = !entry;
		if (entry)
			c->calls += r.orig_rax != SYS_futex;
	}
	c->where = err == -EFAULT ? CALL_STOPPED : CALL_GONE;
	return err == -EFAULT ?
		       diag_set(d, err, "process %d: its loader died of a signal", c->p->pid) :
		       diag_set(d, err, "process %d: thread %d: %s", c->p->pid, c->t->tid,
				strerror(-err));
}

/* The thread's own state again, and an event stop as it was found in. */
int call_end(struct call *c)
{
	uint64_t deadline = process_now_ns() + 5000000000u;
	int err = 0;

	if (c->where == CALL_LEFT) {
		if (ptrace(PTRACE_DETACH, c->t->tid, 0, 0) == 0)
			tracee_forget(c->p, c->t->tid);
	} else if (c->where != CALL_GONE) {
		if (c->where == CALL_AT_END) /* out of the cancelled system call */
			err = tracee_to_syscall(c->p, c->t, deadline);
		if (c->errno_at)
			process_write(c->p, c->errno_at, &c->err_no, sizeof(c->err_no));
		if (!err)
			err = state_restore(c->t, &c->state);
		if (!err && c->where != CALL_BEGUN)
			err = tracee_to_event(c->p, c->t, deadline);
	}
	state_free(&c->state);
	return err;
}
