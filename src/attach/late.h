/*
 * attach/late.h - modules that come and go: specs that wait, and what becomes of hooks.
 *
 * ld.so calls _dl_debug_state() before and after it changes what is loaded.  A program of ours
 * there rings (gen/bell.h); late_poll() looks at what is mapped then.
 *
 * L.1  Before each commit writes to text, with all threads stopped, it is made sure that late
 *      modules are still there (late_verify): what is gone is not written to, then or later.
 * L.2  Hooks of a module that is gone keep programs, slot and image: slots are in our own memory,
 *      and nothing leads there any more.  Should the same file come back to the same address,
 *      they are patched in again.
 * L.3  A module that is unloaded with a thread inside of one of its functions, ours in between or
 *      not, ends the program: that thread returns to where nothing is.  So nobody is in an image of it.
 *
 * Errors   -ENOTSUP nobody tells of modules here (diag: why);  those of attaching
 * Memory   a target owns it; specs and options are copied
 * Context  [ctl]
 */
#ifndef ATTACH_LATE_H
#define ATTACH_LATE_H

#include "attach/session.h"
#include "utramp/late.h"

struct generated;
struct late_watch; /* attach/late_watch.c */
struct utramp_link;
struct utramp_program;

/* Who waits: programs of ours, or a user's program with its link. */
struct late_owner {
	struct generated *g;
	struct utramp_program *prog;
	struct utramp_link *link;
};

struct late_want {
	char *text, *within; /* as given; within: NULL: none */
	char *said;          /* what the owner was told beside the spec (generated.said); NULL */
	struct fspec spec;
	struct utramp_attach_opts opts;
	struct late_owner owner;
	unsigned serial;
	size_t had; /* links of the owner, when the look at hand began */
	bool met;   /* a module has come, or was there */
};

struct late {
	bool on; /* utramp_target__wait() */
	struct utramp_late_opts opts;
	struct {
		VEC(struct late_want *);
	} wants;
	unsigned serial;
	struct late_watch *watch; /* NULL: nobody needed it yet */
	bool again;               /* look, whoever has rung or not */
	bool unsettled;           /* a commit is to be tried again */
	unsigned tries;           /* how often it was */
	struct {
		VEC(struct amodule *);
	} arrived;      /* and not told of yet */
	uint64_t since; /* when the first of them rang; 0: unknown */
	uint64_t rang;  /* when it did last */
};

void late_free(struct utramp_target *t);

/* Does this spec, of which `found` modules have functions, mean modules to come? */
bool late_means(const struct utramp_target *t, const char *spec, bool found);

/*
 * Keep it.  found: some of its functions are attached, so that not being able to wait is no
 * failure.
 */
int late_add(struct utramp_target *t, const char *spec, bool found,
	     const struct utramp_attach_opts *o, struct late_owner owner, struct diag *d);
/* The same for who attached to a module that may be unloaded, and come back: it is watched. */
int late_keep(struct utramp_target *t);
/* Modules of a process that ran already may be unloaded, but for the loader and libc. */
void late_mark(struct utramp_target *t);
void late_forget(struct utramp_target *t, struct late_owner owner);
void late_forget_all(struct utramp_target *t); /* the target is detached */

/* process_poll(), looking at modules meanwhile. */
int late_poll(struct utramp_target *t, int timeout_ms, bool *exec);

/* L.1; a stopped process. */
int late_verify(struct utramp_target *t, struct diag *d);

/* Have its modules gone where they are not in maps any more; how many. */
int late_lose(struct utramp_target *t, const struct map_list *maps);

/* Nothing of a user's is on it. */
bool late_is_watch(const struct utramp_target *t, const struct hook *h);

void late_note(const struct utramp_target *t, const struct utramp_late_note *n);

/* -- late_watch.c ------------------------------------------------------------------------ */

/* Have ld.so's function hooked, with the next commit. */
int watch_make(struct utramp_target *t, struct diag *d);
void watch_free(struct late_watch *w);
struct watch_news {
	bool rang; /* since it was asked last */
	bool held; /* a thread waits for our answer */
	bool full; /* the ring is to be emptied */
	uint64_t first_ns;
};
struct watch_news watch_ask(struct late_watch *w, uint64_t now);
/* What there is to do is done; true: no thread that rang since has gone on meanwhile. */
bool watch_answer(struct late_watch *w, const struct watch_news *news);
void watch_release(struct late_watch *w); /* nobody is held from now on */
const struct generated *watch_owner(const struct late_watch *w);

/* -- late_serve.c: the functions of one module for the specs that wait ------------------- */

/* Troubles are told by late_note(). */
void late_serve(struct utramp_target *t, struct amodule *m);

#endif
