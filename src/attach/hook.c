/*
 * attach/hook.c - one patched function: programs in, image out; see session.h.
 *
 * A.1  A slot is written before the function's window points to it.
 * A.2  An image and its frame states are written before the slot's pointer names it.
 * A.3  The pointer is one aligned store; whoever read the old one is in the old image,
 *      which stays as it is.
 */
#include "attach/ctxdesc.h"
#include "attach/image.h"
#include "attach/late.h"
#include "attach/session.h"
#include "ctl/journal.h"
#include "ctl/self.h"
#include "rt/slab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REACH (0x7fffffffll - (1 << 20)) /* rel32, with room for what lies behind */

static bool reaches(const struct code_room *r, taddr_t addr)
{
	int64_t lo = (int64_t)(addr - r->lo), hi = (int64_t)(addr - r->hi);

	return r->lo && lo < REACH && lo > -REACH && hi < REACH && hi > -REACH;
}

static bool choose_slab(const struct utramp_target *t, const struct func *f, unsigned *out)
{
	for (unsigned i = 0; i < SLABS; i++) {
		unsigned slab = f->mod->main ? i : SLABS - 1 - i;

		if (reaches(&t->room[slab], func_addr(f))) {
			*out = slab;
			return true;
		}
	}
	return false;
}

int hook_new(struct utramp_target *t, struct func *f, struct hook **out)
{
	struct hook *h = calloc(1, sizeof(*h));
	int err = h ? 0 : -ENOMEM;

	if (!err) {
		if (!choose_slab(t, f, &h->slab))
			func_refuse(f, -ERANGE, &refusal_far,
				    "it is more than 2 GiB from both slabs");
		h->func = f;
		h->number = (uint32_t)t->hooks.n;
		err = vec_push(&t->hooks, h);
	}
	if (err) {
		func_free(f);
		free(h);
		return err;
	}
	h->chained = *session_chain(t, f);
	*session_chain(t, f) = h;
	*out = h;
	return 0;
}

/* The words that only HELPER_FORMAT_ARGS is given: bpf/facts.c saw to where they lie. */
static bool is_vararg(const struct func_model *m, const struct program *p, unsigned slot)
{
	unsigned first = m->nslots + FM_VARARGS_SLOT;

	return p->facts.helpers[HELPER_FORMAT_ARGS / 64] >> HELPER_FORMAT_ARGS % 64 & 1 &&
	       m->varargs.known && slot >= first && slot < first + FM_VARARGS_WORDS;
}

/* What a program reads of ctx must be there in this function. */
static int check_slots(const struct hook *h, const struct program *p, enum tramp_kind kind,
		       struct diag *d)
{
	const struct func_model *m = h->func->model;
	unsigned have = m->nslots;

	if (kind != TRAMP_FENTRY)
		have += m->ret.nslots ? m->ret.nslots : 1;
	for (unsigned i = have; i < BODY_MAX_SLOTS; i++) {
		if (!(p->facts.reads[i / 64] >> (i % 64) & 1) || is_vararg(m, p, i))
			continue;
		return diag_set(d, -EACCES,
				"program %s reads ctx[%u], but %s has %u argument slot%s%s",
				p->name, i, h->func->name, m->nslots, m->nslots == 1 ? "" : "s",
				m->raw ? " (no types: the six argument registers)" : "");
	}
	return 0;
}

int session_check_reads(struct utramp_target *t, const struct program *p, struct diag *d)
{
	return faults_choose(t, p, d);
}

static int check_program(const struct utramp_target *t, const struct hook *h,
			 const struct program *p, enum tramp_kind kind, struct diag *d)
{
	const char *why = func_refusal(h->func, kind);

	if (why)
		return diag_set(d, h->func->site_err == -EBUSY ? -EBUSY : -ENOTSUP,
				"cannot attach %s to %s:%s: %s", p->name, h->func->mod->shown,
				h->func->name, why);
	return check_slots(h, p, kind, d);
}

/* Its arguments may be others than those of the functions that p was verified for. */
static int check_types(const struct utramp_target *t, const struct hook *h, const struct program *p,
		       struct diag *d)
{
	struct diag why = { 0 };
	struct ctxdesc c;
	int err;

	if (!p->nassumed)
		return 0;
	ctxdesc_of_func(h->func, p->kind != PROGRAM_FENTRY, &c);
	err = verify_again(p, t->arena, &c.desc, &why);
	return err ? diag_set(d, err,
			      "program %s is refused for %s:%s, whose arguments are others: %s",
			      p->name, h->func->mod->shown, h->func->name, diag_text(&why, err)) :
		     0;
}

/* Newest first. */
static int put_first(struct hook *h, enum tramp_kind kind, struct link *l)
{
	int err = vec_push(&h->list[kind], l);

	if (err)
		return err;
	memmove(&h->list[kind].at[1], &h->list[kind].at[0],
		(h->list[kind].n - 1) * sizeof(h->list[kind].at[0]));
	h->list[kind].at[0] = l;
	return 0;
}

static bool take_out(struct hook *h, enum tramp_kind kind, const struct link *l)
{
	for (size_t i = 0; i < h->list[kind].n; i++) {
		if (h->list[kind].at[i] != l)
			continue;
		memmove(&h->list[kind].at[i], &h->list[kind].at[i + 1],
			(h->list[kind].n - i - 1) * sizeof(l));
		h->list[kind].n--;
		return true;
	}
	return false;
}

int hook_link(struct utramp_target *t, struct hook *h, struct program *p, enum tramp_kind kind,
	      uint64_t cookie, struct link **out, struct diag *d)
{
	int err = check_program(t, h, p, kind, d);
	struct link *l;

	/* whoever made it: nothing unproved runs in somebody's process */
	if (!err && !p->verified)
		err = diag_set(d, -EACCES, "program %s was not verified", p->name);
	if (!err)
		err = check_types(t, h, p, d);
	if (!err)
		err = faults_choose(t, p, d);
	if (!err && p->facts.sets_errno)
		err = session_errno(t, p->name, d);
	if (err)
		return err;
	for (size_t i = 0; i < h->list[kind].n; i++) {
		if (h->list[kind].at[i]->prog == p)
			return diag_set(d, -EBUSY, "program %s is attached to %s already", p->name,
					h->func->name);
	}
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct link){ .hook = h,
			    .prog = program_get(p),
			    .kind = kind,
			    .session = p->kind == PROGRAM_FSESSION,
			    .cookie = cookie };
	err = put_first(h, kind, l);
	if (!err && l->session)
		err = put_first(h, TRAMP_FENTRY, l);
	if (!err)
		err = image_check(t, h, d);
	if (err) {
		bool dirty = h->dirty;

		link_remove(l);
		h->dirty = dirty; /* no image ever had it */
		return err;
	}
	h->dirty = true;
	*out = l;
	return 0;
}

void link_unhook(struct link *l)
{
	struct hook *h = l->hook;

	for (int k = 0; h && k < TRAMP_KINDS; k++) {
		if (!take_out(h, (enum tramp_kind)k, l))
			continue;
		h->dirty = true;
		/* what is left of calls that are inside runs exit programs only */
		h->removed |= l->in_image && k == TRAMP_FEXIT;
	}
	l->hook = NULL;
}

void link_remove(struct link *l)
{
	link_unhook(l);
	program_put(l->prog);
	free(l);
}

bool hook_has_links(const struct hook *h)
{
	return h->list[TRAMP_FENTRY].n || h->list[TRAMP_FMOD_RET].n || h->list[TRAMP_FEXIT].n;
}

/* -- the text ------------------------------------------------------------------------------ */

/* The window's jump is one instruction: a thread is at its start or not in it. */
static taddr_t stay(const void *arg, taddr_t pc)
{
	const struct site *site = arg;

	return pc == site->window ? pc : 0;
}

static int fill_patch(const struct hook *h, const struct slot_move *move, bool on,
		      struct process_patch *p)
{
	const struct site *s = &h->func->site;
	size_t len;
	uint8_t jmp[SITE_WINDOW_MAX];
	int err = text_jmp_patch(s, h->slot.enter, jmp, &len);

	if (err)
		return err;
	*p = (struct process_patch){ .addr = s->window,
				     .len = (uint8_t)len,
				     .restores = !on,
				     .move = on ? slot_move_pc : stay,
				     .arg = on ? (const void *)move : s };
	memcpy(p->expect, on ? s->old : jmp, len);
	memcpy(p->bytes, on ? jmp : s->old, len);
	return 0;
}

struct batch {
	struct process_patch *patch;
	struct slot_move *move;
	struct hook **hook;
	bool *on; /* to be patched; else to be restored */
	unsigned n;
	bool ran; /* each patch has its result */
};

static int batch_init(struct batch *b, size_t n)
{
	*b = (struct batch){ .patch = calloc(n + 1, sizeof(*b->patch)),
			     .move = calloc(n + 1, sizeof(*b->move)),
			     .hook = calloc(n + 1, sizeof(struct hook *)),
			     .on = calloc(n + 1, sizeof(*b->on)) };
	return b->patch && b->move && b->hook && b->on ? 0 : -ENOMEM;
}

static void batch_fini(struct batch *b)
{
	free(b->patch);
	free(b->move);
	free(b->hook);
	free(b->on);
}

static int batch_add(struct batch *b, struct hook *h, bool on)
{
	int err;

	b->move[b->n] = (struct slot_move){ &h->func->site, &h->slot };
	b->hook[b->n] = h;
	b->on[b->n] = on;
	err = fill_patch(h, &b->move[b->n], on, &b->patch[b->n]);
	b->n += !err;
	return err;
}

/*
 * A.4  A hop's five bytes stand before its window points to them, and are restored after
 *      the window: they are padding, nothing else ever runs there.
 */
static int write_hop(struct utramp_target *t, struct hook *h)
{
	const struct site *s = &h->func->site;
	uint8_t bytes[SITE_JMP_LEN], now[SITE_JMP_LEN];
	int err = text_hop_patch(s, h->slot.enter, bytes);

	if (!err)
		err = process_read(t->proc, s->hop, now, sizeof(now));
	if (err || h->hopped)
		return err;
	if (memcmp(now, s->hop_old, sizeof(now)) != 0)
		return -EBUSY; /* not ours */
	err = journal_padding(t->proc, s->hop, s->hop_old, bytes, SITE_JMP_LEN, h->slot.enter);
	if (err)
		return err;
	err = process_write(t->proc, s->hop, bytes, SITE_JMP_LEN);
	h->hopped = !err;
	return err;
}

/* Before the batch: hops of windows to come. */
static int write_hops(struct utramp_target *t, const struct batch *b)
{
	for (unsigned i = 0; i < b->n; i++) {
		struct hook *h = b->hook[i];
		bool due = h->func->site.kind == SITE_HOP && b->on[i] && !h->patched;
		int err = due ? write_hop(t, h) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* A thread between the window's jump and the hop's: where that one goes. */
static taddr_t leave_hop(const void *arg, taddr_t pc)
{
	const struct hook *h = arg;

	return pc == h->func->site.hop ? h->slot.enter : 0;
}

static int fill_hop(const struct hook *h, struct process_patch *p)
{
	const struct site *s = &h->func->site;

	*p = (struct process_patch){ .addr = s->hop,
				     .len = SITE_JMP_LEN,
				     .restores = true,
				     .first_too = true,
				     .move = leave_hop,
				     .arg = h };
	memcpy(p->bytes, s->hop_old, SITE_JMP_LEN);
	return text_hop_patch(s, h->slot.enter, p->expect);
}

static bool leaves_hop(const struct hook *h)
{
	return h->hopped && !h->patched;
}

/*
 * Behind the batch: hops of windows that are not patched, or no more.  In padding nothing
 * stands behind our jump, so a thread that is about to run it goes on where it leads, and one
 * with a signal handler in between keeps it: -EAGAIN, and the next commit tries again.
 */
static int restore_hops(struct utramp_target *t, struct diag *d)
{
	struct process_patch *p = calloc(t->hooks.n + 1, sizeof(*p));
	struct hook **of = calloc(t->hooks.n + 1, sizeof(struct hook *));
	int err = p && of ? 0 : -ENOMEM, failed = 0;
	unsigned n = 0;

	for (size_t i = 0; i < t->hooks.n && !err; i++) {
		if (leaves_hop(t->hooks.at[i])) {
			of[n] = t->hooks.at[i];
			err = fill_hop(of[n], &p[n]);
			n++;
		}
	}
	if (!err && n)
		failed = process_patch(t->proc, p, n, d);
	for (unsigned i = 0; i < n && failed >= 0; i++) {
		of[i]->hopped = p[i].result == -EAGAIN;
		if (p[i].result && !err)
			err = diag_set(d, p[i].result,
				       "%s: its jump in padding cannot be restored: %s",
				       of[i]->func->name, strerror(-p[i].result));
	}
	free(p);
	free(of);
	return failed < 0 ? failed : err;
}

/*
 * A.5  A window that does not hold our jump any more (its library was unloaded, somebody
 *      wrote there) is not ours to restore: it is told once and never touched again.
 */
static int batch_result(const struct batch *b, unsigned i, struct diag *d)
{
	struct hook *h = b->hook[i];
	int err = b->patch[i].result;

	if (!err)
		h->patched = b->on[i];
	else if (!b->on[i] && err != -EAGAIN)
		h->patched = false;
	if (!err)
		return 0;
	return diag_set(d, err, "%s:%s: %s", h->func->mod->shown, h->func->name,
			err == -EBUSY  ? "its first bytes are not what they were" :
			err == -EAGAIN ? "a thread stays inside its first bytes; try again" :
					 strerror(-err));
}

static int batch_run(struct utramp_target *t, struct batch *b, struct diag *d)
{
	int err = b->n ? write_hops(t, b) : 0, failed = 0;

	if (!err && b->n)
		failed = process_patch(t->proc, b->patch, b->n, d);
	if (err || failed < 0) {
		restore_hops(t, NULL);
		return err ? diag_set(d, err, "padding for a jump cannot be written: %s",
				      strerror(-err)) :
			     failed;
	}
	b->ran = true;
	for (unsigned i = 0; i < b->n; i++) {
		failed = batch_result(b, i, err && err != -EAGAIN ? NULL : d);
		err = failed && (!err || err == -EAGAIN) ? failed : err;
	}
	failed = restore_hops(t, err ? NULL : d);
	return err ? err : failed;
}

/* Take back what this batch patched: all or none.  What it restored stays restored. */
static void batch_undo(struct utramp_target *t, const struct batch *done)
{
	struct batch b;

	if (done->ran && batch_init(&b, done->n) == 0) {
		for (unsigned i = 0; i < done->n; i++) {
			if (done->on[i] && done->hook[i]->patched)
				batch_add(&b, done->hook[i], false);
		}
		batch_run(t, &b, NULL);
		batch_fini(&b);
	}
}

/* Our text is to stand there. */
static bool is_wanted(const struct utramp_target *t, const struct hook *h)
{
	return hook_is_here(h) && (hook_has_links(h) || faults_want(t, h));
}

static bool needs_commit(const struct utramp_target *t, const struct hook *h)
{
	return (h->dirty && hook_is_here(h)) || h->patched != is_wanted(t, h) || leaves_hop(h);
}

/* A function that is left is restored whatever becomes of its image. */
static int commit_hook(struct utramp_target *t, struct hook *h, struct batch *b, struct diag *d)
{
	int err = 0, patch = 0;

	if (h->slot_at && h->dirty)
		err = image_swap(t, h, d);
	if (!h->slot_at && !hook_has_links(h))
		h->dirty = false;
	if ((!err || !hook_has_links(h)) && h->patched != is_wanted(t, h))
		patch = batch_add(b, h, is_wanted(t, h));
	return err ? err : patch;
}

static size_t count_new(const struct utramp_target *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->hooks.n; i++)
		n += !t->hooks.at[i]->patched && hook_has_links(t->hooks.at[i]) &&
		     hook_is_here(t->hooks.at[i]);
	return n;
}

/*
 * Windows to come, so that the stop takes no page fault for them.  Not those of modules that may be
 * unloaded at any time: the bytes would go to whatever is there then.
 */
static void touch(struct utramp_target *t, size_t n)
{
	struct process_patch *p = calloc(n + 1, sizeof(*p));
	unsigned k = 0;

	for (size_t i = 0; i < t->hooks.n && p && k < n; i++) {
		const struct func *f = t->hooks.at[i]->func;
		const struct site *s = &f->site;

		if (!t->hooks.at[i]->patched && hook_has_links(t->hooks.at[i]) && !f->mod->late)
			p[k++] = (struct process_patch){ .addr = s->window, .len = s->len };
	}
	process_touch(t->proc, p, k);
	free(p);
}

/*
 * Slots and images of all that is to be entered are written while the process runs, if it
 * does: of what nobody enters no thread can be inside.  Its stop holds pointers and windows.
 */
static int prepare_all(struct utramp_target *t, size_t n, struct diag *d)
{
	size_t done = 0;
	int err = 0;

	for (size_t i = 0; i < t->hooks.n && !err; i++) {
		struct hook *h = t->hooks.at[i];

		if (h->dirty && !hook_has_links(h))
			image_leave(t, h);
		if (!h->dirty || !hook_has_links(h) || !hook_is_here(h))
			continue;
		err = image_prepare(t, h, d);
		if (!err && !h->patched)
			session_progress(t, STEP_WRITTEN, ++done, n);
	}
	return err;
}

static int prepare(struct utramp_target *t, struct diag *d)
{
	size_t n = count_new(t);
	int err = session_write_tails(t, d), end;

	for (size_t i = 0; i < t->hooks.n; i++)
		image_unready(t, t->hooks.at[i]); /* of a commit that failed: others by now */
	if (!err)
		err = stage_begin(t);
	if (!err)
		err = prepare_all(t, n, d);
	end = stage_end(t);
	if (!err && end)
		err = diag_set(d, end, "code cannot be written into process %d: %s",
			       (int)t->proc->pid, strerror(-end));
	if (!err && !t->proc->stopped)
		touch(t, n);
	return err;
}

/* Fills the batch.  *soft: the first trouble with a function that is left. */
static int commit_hooks(struct utramp_target *t, struct batch *b, int *soft, struct diag *d)
{
	for (size_t i = 0; i < t->hooks.n; i++) {
		struct hook *h = t->hooks.at[i];
		int err = needs_commit(t, h) ? commit_hook(t, h, b, *soft ? NULL : d) : 0;

		if (err && hook_has_links(h))
			return err;
		*soft = *soft ? *soft : err;
	}
	return 0;
}

static unsigned count_patched(const struct utramp_target *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < t->hooks.n; i++)
		n += t->hooks.at[i]->patched && hook_has_links(t->hooks.at[i]);
	return n;
}

static int commit_stopped(struct utramp_target *t, bool last, struct diag *d)
{
	struct batch b = { 0 };
	bool had_handler = t->faults.on;
	int err = session_map(t, d), soft = 0, later = 0;

	if (!err)
		err = faults_leave(t, last, d);
	if (err == -EAGAIN) {
		later = err;
		err = 0;
	}
	if (!err)
		err = late_verify(t, d);
	if (!err)
		err = faults_enter(t, d);
	if (!err)
		err = batch_init(&b, t->hooks.n);
	if (!err)
		err = commit_hooks(t, &b, &soft, d);
	if (!err)
		err = batch_run(t, &b, soft ? NULL : d);
	if (err) {
		batch_undo(t, &b);
		if (!had_handler)
			faults_undo(t);
	}
	journal_functions(t->proc, count_patched(t));
	batch_fini(&b);
	return err ? err : soft ? soft : later;
}

/* Threads stand in a window rarely and briefly: let them go on and try again. */
#define COMMIT_TRIES 20
#define STOP_TRIES   3 /* a thread cannot be stopped now: the others are held each time */

static void let_go_on(int tries)
{
	const struct timespec nap = { .tv_nsec = (tries < 10 ? tries : 10) * 1000000l };

	if (tries)
		nanosleep(&nap, NULL);
}

static bool anything_to_do(struct utramp_target *t)
{
	if (t->tails.n || faults_changed(t))
		return true;
	for (size_t i = 0; i < t->hooks.n; i++) {
		if (needs_commit(t, t->hooks.at[i]))
			return true;
	}
	return false;
}

/* While the target runs, if it does: nobody waits for it. */
static void tell_names(struct utramp_target *t)
{
	for (unsigned i = 0; i < SLABS; i++)
		names_write(&t->names[i], t->proc->slab[i].fd, t->proc->slab[i].text,
			    slab_file_size);
}

/* Images that nobody can be inside of any more make room: before it is used up, and then. */
static int prepare_with_room(struct utramp_target *t, struct diag *d)
{
	int err = reclaim_due(t) ? reclaim_now(t, NULL) : 0;

	if (err < 0)
		return diag_set(d, err, "process %d could not go on", (int)t->proc->pid);
	err = prepare(t, d);
	return err == -ENOSPC && reclaim_now(t, NULL) > 0 ? prepare(t, d) : err;
}

void session_silence(struct utramp_target *t)
{
	for (size_t i = 0; i < t->hooks.n && process_helps(t->proc); i++) {
		const struct slot_code *s = &t->hooks.at[i]->slot;

		if (t->hooks.at[i]->slot_at)
			process_helper_write(s->image_ptr, &s->leave_resume,
					     sizeof(s->leave_resume));
	}
}

static int commit(void *arg, struct diag *d)
{
	struct utramp_target *t = arg;
	bool was_running = !t->proc->stopped;
	int err = 0, back, unstopped = 0;

	session_silence(t);
	for (int i = 0; i < COMMIT_TRIES; i++) {
		let_go_on(i);
		if (was_running)
			err = process_stop(t->proc, d);
		if (err == -ETIMEDOUT && ++unstopped < STOP_TRIES)
			continue;
		if (err)
			return err;
		err = commit_stopped(t, !was_running || i + 1 == COMMIT_TRIES, d);
		back = was_running ? process_resume(t->proc, d) : 0;
		if (back)
			return back;
		if (err != -EAGAIN || !was_running)
			break;
	}
	return err;
}

/* A helper that somebody killed costs one more try. */
static int commit_apart(struct utramp_target *t, struct diag *d)
{
	int err = 0;

	for (int i = 0; i < 2; i++) {
		err = prepare_with_room(t, d);
		if (err)
			return session_blame(t, err, d);
		err = process_apart(t->proc, commit, t, d);
		if (err != -EIO || !t->proc->self)
			break;
		session_resync(t);
	}
	return err;
}

int session_commit(struct utramp_target *t, struct diag *d)
{
	int err;

	if (t->proc->exited || !process_alive(t->proc))
		return diag_set(d, -ESRCH, "process %d is gone", (int)t->proc->pid);
	err = session_count_runs(t, d);
	if (err)
		return err;
	if (!anything_to_do(t))
		return 0;
	if (t->left)
		return diag_set(d, -EINVAL, "process %d was left", (int)t->proc->pid);
	err = commit_apart(t, d);
	tell_names(t);
	return err;
}

int session_settle(struct utramp_target *t, struct diag *d)
{
	if (session_waits(t) || t->proc->exited || !process_alive(t->proc))
		return 0;
	return session_commit(t, d);
}

int session_detach(struct utramp_target *t, struct diag *d)
{
	int err;

	late_forget_all(t);
	for (size_t i = 0; i < t->hooks.n; i++) {
		struct hook *h = t->hooks.at[i];

		for (int k = 0; k < TRAMP_KINDS; k++) {
			while (h->list[k].n)
				link_unhook(h->list[k].at[0]);
		}
	}
	if (t->late)
		watch_release(t->late->watch);
	if (t->file || !anything_to_do(t))
		return 0;
	err = session_commit(t, d);
	for (size_t i = 0; i < t->hooks.n && err == -ESRCH; i++) {
		t->hooks.at[i]->patched = false; /* gone with the process */
		t->hooks.at[i]->hopped = false;
		t->hooks.at[i]->dirty = false;
	}
	return err;
}
