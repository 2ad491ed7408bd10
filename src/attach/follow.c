/*
 * attach/follow.c - the public functions of utramp/follow.h: targets of a tree of processes.
 *
 * ctl/follow.h keeps the processes; here a program that was executed becomes a target, and a target
 * that nobody runs any more ends.
 *
 * Context  [ctl]
 */
#include "ctl/follow.h"
#include "attach/late.h"
#include "attach/session.h"
#include "ctl/undo.h"
#include "utramp/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { DETACH_TRIES = 20, SLOW_TRIES = 3, DETACH_NAP_MS = 20 };

struct utramp_follow {
	struct follow *f;
	struct utramp_follow_opts opts;
	struct {
		VEC(struct utramp_target *);
	} targets;
};

struct utramp_follow *utramp_follow__new(const struct utramp_follow_opts *opts)
{
	struct utramp_follow *fo = calloc(1, sizeof(*fo));
	struct diag *d = api_diag();
	int err = fo ? opts_copy(&fo->opts, sizeof(fo->opts), opts, d) : -ENOMEM;

	if (!err && (!fo->opts.begin || !fo->opts.end))
		err = diag_set(d, -EINVAL, "no begin or end given");
	if (!err)
		err = follow_new(&fo->f, d);
	if (!err)
		return fo;
	utramp_follow__free(fo);
	return api_null(err);
}

void utramp_follow__free(struct utramp_follow *fo)
{
	if (!fo)
		return;
	follow_free(fo->f);
	vec_free(&fo->targets);
	free(fo);
}

int utramp_follow__add(struct utramp_follow *fo, struct utramp_target *t)
{
	struct diag *d = api_diag();
	int err;

	if (!fo || !t || t->file || t->proc->self)
		return api_misuse("process to follow");
	err = vec_push(&fo->targets, t);
	if (err)
		return api_return(err);
	err = follow_add(fo->f, t->proc, d);
	if (err)
		fo->targets.n--;
	return api_return(err);
}

static void note(const struct utramp_follow *fo, enum utramp_follow_what what, pid_t pid,
		 const char *text)
{
	const struct utramp_follow_note n = {
		.sz = sizeof(n), .what = what, .pid = pid, .text = text
	};

	if (fo->opts.note)
		fo->opts.note(fo->opts.ctx, &n);
}

/* -- programs that come ---------------------------------------------------------------------- */

/* ptrace(2), execve(2): a tracer without CAP_SYS_PTRACE takes set-user-ID from those it traces. */
static void tell_weak(const struct utramp_follow *fo, pid_t pid)
{
	char path[32], line[256];
	unsigned uid = 0, gid = 0;
	struct stat st;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &st) < 0 || !(st.st_mode & (S_ISUID | S_ISGID)))
		return;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Uid: %*u %u", &uid) != 1)
			sscanf(line, "Gid: %*u %u", &gid);
	}
	if (f)
		fclose(f);
	if ((st.st_mode & S_ISUID && uid != st.st_uid) ||
	    (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && gid != st.st_gid))
		note(fo, UTRAMP_FOLLOW_WEAK, pid,
		     "it is set-user-ID or set-group-ID, which a traced process does not get "
		     "unless the tracer is root");
}

/* While functions are looked for, others need not wait. */
static void pump(void *ctx, unsigned done, unsigned total)
{
	const struct utramp_follow *fo = ctx;

	(void)done, (void)total;
	follow_pump(fo->f);
}

static int take(struct utramp_follow *fo, struct utramp_target *t)
{
	struct diag why = { 0 };
	pid_t pid = t->proc->pid;
	int err;

	utramp_target__on_progress(t, pump, fo);
	if (fo->opts.begin(fo->opts.ctx, t)) {
		session_free(t);
		return 0;
	}
	err = vec_push(&fo->targets, t);
	if (!err)
		err = session_resume(t, &why);
	if (!err || err == -ESRCH)
		return 0; /* ended: its family is empty */
	note(fo, UTRAMP_FOLLOW_PASSED, pid, diag_text(&why, err));
	if (t->proc->stopped)
		process_resume(t->proc, NULL);
	return 0;
}

static int take_program(struct utramp_follow *fo, pid_t pid)
{
	const struct utramp_spawn_opts so = { .sz = sizeof(so),
					      .slab_dir = fo->opts.slab_dir,
					      .engine = fo->opts.engine,
					      .faults = fo->opts.faults };
	struct utramp_target *t = NULL;
	struct diag why = { 0 };
	int err;

	tell_weak(fo, pid);
	err = session_executed(fo->f, pid, &so, &t, &why);
	if (!err)
		return take(fo, t);
	if (err != -ESRCH)
		note(fo, UTRAMP_FOLLOW_PASSED, pid, diag_text(&why, err));
	return err == -ENOMEM ? err : 0;
}

/* -- targets that end --------------------------------------------------------------------------- */

static void end_targets(struct utramp_follow *fo)
{
	for (size_t i = fo->targets.n; i-- > 0;) {
		struct utramp_target *t = fo->targets.at[i];

		if (follow_family(fo->f, t->proc))
			continue;
		fo->targets.at[i] = fo->targets.at[--fo->targets.n];
		fo->opts.end(fo->opts.ctx, t);
	}
}

/* Modules that come and go, and what else is done from time to time. */
static void poll_targets(struct utramp_follow *fo)
{
	for (size_t i = 0; i < fo->targets.n; i++) {
		struct utramp_target *t = fo->targets.at[i];

		utramp_target__poll(t, 0);
		t->arena->hdr->heartbeat++;
		/* copies of it would wait in dlopen() for an answer */
		if (t->late && !process_alive(t->proc))
			watch_release(t->late->watch);
	}
}

int utramp_follow__poll(struct utramp_follow *fo, int timeout_ms)
{
	int err = 0, status;
	pid_t pid;

	if (!fo)
		return api_misuse("follow");
	follow_wait(fo->f, timeout_ms);
	while (!err && (pid = follow_execed(fo->f)) != 0)
		err = take_program(fo, pid);
	end_targets(fo);
	poll_targets(fo);
	if (err)
		return api_return(err);
	return follow_count(fo->f)                                        ? UTRAMP_RUNNING :
	       follow_ended(fo->f, &status) || !follow_has_command(fo->f) ? UTRAMP_EXITED :
									    UTRAMP_RUNNING;
}

int utramp_follow__status(const struct utramp_follow *fo, int *status)
{
	return follow_ended(fo->f, status);
}

unsigned utramp_follow__count(const struct utramp_follow *fo)
{
	return follow_count(fo->f);
}

/* -- detaching ------------------------------------------------------------------------------------ */

static void told(void *ctx, pid_t pid, int err, const struct undo_result *r, const struct diag *why)
{
	char text[128];

	if (err == -ESRCH || r->gone)
		return;
	if (err) {
		note(ctx, UTRAMP_FOLLOW_UNRESTORED, pid, diag_text(why, err));
	} else if (r->left) {
		snprintf(text, sizeof(text),
			 "%u functions hold somebody else's bytes (one at %#llx)", r->left,
			 (unsigned long long)r->left_at);
		note(ctx, UTRAMP_FOLLOW_UNRESTORED, pid, text);
	} else {
		note(ctx, UTRAMP_FOLLOW_RESTORED, pid, "");
	}
}

static int detach_one(struct utramp_follow *fo, struct utramp_target *t)
{
	const struct timespec nap = { .tv_nsec = DETACH_NAP_MS * 1000000l };
	struct diag why = { 0 };
	int err = -EAGAIN;

	/* one that does not stop holds the others up for as long as it is waited for */
	for (int i = 0; err == -ETIMEDOUT ? i < SLOW_TRIES : i < DETACH_TRIES && err == -EAGAIN;
	     i++) {
		err = session_detach(t, &why);
		if (err == -EAGAIN || err == -ETIMEDOUT)
			nanosleep(&nap, NULL);
		follow_pump(fo->f);
	}
	if (!err || err == -ESRCH)
		return 0;
	note(fo, UTRAMP_FOLLOW_UNRESTORED, t->proc->pid, diag_text(&why, err));
	return err;
}

int utramp_follow__detach(struct utramp_follow *fo)
{
	struct diag *d = api_diag();
	int first = 0, err;

	if (!fo)
		return api_misuse("follow");
	for (size_t i = 0; i < fo->targets.n; i++) {
		err = detach_one(fo, fo->targets.at[i]);
		first = first ? first : err;
	}
	fo->targets.n = 0;
	err = follow_leave(fo->f, told, fo, d);
	return api_return(first ? first : err);
}
