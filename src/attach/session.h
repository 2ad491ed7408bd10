/*
 * attach/session.h - one run: a process, its arena, its hooks.  struct utramp_target inside.
 *
 * The road of the main job ends here: func + programs -> spec -> plan -> bytes -> image,
 * slot and patch.  struct hook is the one mutable object; a change of its programs builds
 * a new image and swaps the slot's pointer.
 *
 * Life     links make their hook dirty; session_commit() builds images and patches text, at
 *          once when the target runs, else in session_resume().  Slots are never freed while
 *          the process lives, images when nobody can be inside any more (attach/reclaim.h).
 *          What a user holds may outlive the target: then it is an orphan, without effect.
 * Errors   those of the layers below
 * Memory   a session owns everything attached to it
 * Context  [ctl] one thread per session
 */
#ifndef ATTACH_SESSION_H
#define ATTACH_SESSION_H

#include "attach/faults.h"
#include "attach/func.h"
#include "attach/names.h"
#include "attach/reclaim.h"
#include "attach/room.h"
#include "attach/stage.h"
#include "attach/types.h"
#include "base/vec.h"
#include "bpf/engine.h"
#include "bpf/program.h"
#include "ctl/process.h"
#include "ctl/ring.h"
#include "rt/rt.h"
#include "sys/sys.h"
#include "text/slot.h"
#include "tramp/tramp.h"
#include "utramp/attach.h"
#include "utramp/utramp.h"

struct follow; /* ctl/follow.h */
struct hook;
struct generated; /* attach/generated.h */

/* One program on one function. */
struct link {
	struct hook *hook;    /* NULL: the whole target was detached */
	struct program *prog; /* a reference */
	enum tramp_kind kind; /* the list it is in; an fsession program: TRAMP_FEXIT ... */
	bool session;         /* ... and in the fentry list, too */
	uint64_t cookie;
	const void *owner; /* the struct generated it belongs to, or NULL */
	bool in_image;     /* it may be running */
};

struct hook {
	struct func *func; /* owned */
	unsigned slab;     /* which slab serves it: SLAB_EXE or SLAB_LIB */
	uint32_t number;   /* of the slot, in the session */
	struct slot_code slot;
	taddr_t slot_at;     /* 0: not written yet */
	taddr_t image;       /* 0: none */
	struct image *live;  /* the same as a thing; NULL: none */
	struct image *ready; /* of the programs as they are, written, not entered by anybody yet */
	struct {
		VEC(struct gate);
	} gates; /* open ones: of the images since an exit program was removed */
	struct {
		VEC(struct link *); /* newest first */
	} list[TRAMP_KINDS];
	bool patched; /* the window is ours */
	bool hopped;  /* its jump stands in padding: SITE_HOP, patched or about to be, or left */
	bool dirty;   /* the live image is not that of the programs */
	bool removed; /* an exit program that images run is gone: close their gates */
	struct hook *chained; /* the next in its chain of utramp_target.by_func */
};

#define HOOK_CHAINS 16384

struct late;
struct amodule;

struct utramp_target {
	struct process *proc;
	struct arena *arena;
	struct sys_session *sys;
	struct modset *mods;
	struct type_sources types;
	struct objfile *slab; /* the template: symbols of rt/ */
	struct engine_env env[SLABS];
	struct code_room room[SLABS];
	struct stages stages;      /* what is to go there */
	struct names names[SLABS]; /* of the code there */
	struct reclaim reclaim;
	struct {
		VEC(struct hook *);
	} hooks;
	struct hook *by_func[HOOK_CHAINS]; /* of all hooks: see session_find_hook() */
	struct {
		VEC(struct utramp_ring_buffer *);
	} rings;
	struct {
		VEC(struct generated *);
	} generated;
	struct {
		VEC(struct utramp_object *);
	} objects;
	struct {
		VEC(struct program *); /* references */
	} tails; /* whose code for tail calls is not written yet: attach/tails.h */
	uint64_t tailed[RT_TAILS / 64]; /* those whose code is, bit by struct program.tail */
	struct symbols *symbols;        /* for maps of stacks; NULL: there are none */
	struct map *printk;
	struct ring_reader *printk_reader;
	uint64_t lost; /* of rings already freed */
	bool interp;   /* programs are interpreted, by what its slabs hold */
	bool file;     /* no process: a file stands for one, and nothing ever runs */
	bool together; /* it runs, and links wait for session_resume() all the same */
	bool left;     /* nothing of ours is mapped there, or it is in use for ever */
	bool seccomp;  /* the target runs under a filter */
	bool filtered; /* one that may kill it for system calls of ours */
	bool warned;   /* that a function has no types */
	bool stats;    /* utramp_target__enable_stats() */
	bool counting; /* images count runs */
	taddr_t run_end[SLABS];
	struct live_block *live; /* attach/session.c; NULL mostly */
	struct faults faults;
	struct late *late; /* attach/late.h; NULL: nobody waits for modules */
	struct {
		void (*fn)(void *ctx, unsigned done, unsigned total);
		void *ctx;
	} progress;
};

/*
 * attach/tails.c: p is to be reached by tail calls (arg is the target).  Its code is written now,
 * or with the first commit.
 */
int session_tail_ready(void *arg, struct program *p, struct diag *d);
int session_write_tails(struct utramp_target *t, struct diag *d);

/* Why programs like p cannot run in this target: they read memory, and it has seccomp. */
int session_check_reads(struct utramp_target *t, const struct program *p, struct diag *d);

/* Tell that `done` of n functions have made this step of three on their way to be attached. */
enum { STEP_FOUND, STEP_LINKED, STEP_WRITTEN, STEPS };

static inline void session_progress(const struct utramp_target *t, unsigned step, size_t done,
				    size_t n)
{
	if (t->progress.fn)
		t->progress.fn(t->progress.ctx, (unsigned)((step * n + done) / STEPS), (unsigned)n);
}

/* Spawn, map, look up: everything up to "functions can be resolved". */
int session_spawn(char *const argv[], const struct utramp_spawn_opts *opts,
		  struct utramp_target **out, struct diag *d);
/* The same of a program that a followed process executed: of that pid. */
int session_executed(struct follow *f, pid_t pid, const struct utramp_spawn_opts *opts,
		     struct utramp_target **out, struct diag *d);
/* The same of the calling process, which runs. */
int session_self(const struct utramp_spawn_opts *opts, struct utramp_target **out, struct diag *d);
/* The same for a process that runs; it is stopped again only for commits. */
int session_attach(pid_t pid, const struct utramp_attach_pid_opts *opts, struct utramp_target **out,
		   struct diag *d);
/* errno's distance from the thread pointer, of this libc in p. */
int session_errno_off(struct process *p, const struct objfile *libc, taddr_t bias, int64_t *off);
void session_free(struct utramp_target *t);

/* In place of a process the file that spec's MODULE names, at the usual addresses. */
int session_file(const char *spec, struct utramp_target **out, struct diag *d);

/* What its libc tells of threads: proc->pthread_size, tid_off, rseq_cpu and env[].rseq_cpu; 0 where it does not. */
void session_libc(struct utramp_target *t);

/*
 * Find out where the target's errno is, once: env[].errno_off.  -ENOTSUP: its libc is none that
 * we know; diag names `program` and what was found.
 */
int session_errno(struct utramp_target *t, const char *program, struct diag *d);

/* Links change nothing yet: session_resume() will, if ever. */
static inline bool session_waits(const struct utramp_target *t)
{
	return t->file || t->proc->stopped || t->together;
}

struct hook_list {
	VEC(struct hook *);
	bool pattern; /* the spec was one: it means what can be attached */
};

/*
 * The hooks of every function that spec names, made if there is none yet; one whose
 * function cannot be patched (func_refusal()) is among them.  The session owns hooks.
 */
int session_hooks(struct utramp_target *t, const char *spec, struct hook_list *out, struct diag *d);

/* That of a function that was resolved, which is taken over. */
int session_hook(struct utramp_target *t, struct func *f, struct hook **out, struct diag *d);

/* Forget the hooks behind the first n: never used, nor held by anybody. */
void session_drop_hooks(struct utramp_target *t, size_t n);

/* Keep of list only what another spec names as well. */
int session_within(struct utramp_target *t, const char *spec, struct hook_list *list,
		   struct diag *d);

/* The hook of this function; NULL: none. */
struct hook *session_find_hook(const struct utramp_target *t, const struct func *f);
struct hook **session_chain(struct utramp_target *t, const struct func *f);

/* A hook for a prepared function that has none; takes f over, also on failure. */
int hook_new(struct utramp_target *t, struct func *f, struct hook **out);

/* The same for one that nobody has asked for yet: no types, looked up once somebody does. */
int session_hook_untyped(struct utramp_target *t, struct func *f, struct hook **out,
			 struct diag *d);

bool hook_has_links(const struct hook *h);

/* Its function is there: its module was not unloaded. */
static inline bool hook_is_here(const struct hook *h)
{
	return !h->func->mod->gone;
}

/* The address of a symbol of rt/ in this slab; 0: there is none. */
taddr_t session_rt_symbol(const struct utramp_target *t, unsigned slab, const char *name);

/* Put a program first in its list or lists; -EBUSY: it is there already. */
int hook_link(struct utramp_target *t, struct hook *h, struct program *p, enum tramp_kind kind,
	      uint64_t cookie, struct link **out, struct diag *d);
void link_remove(struct link *l); /* the hook is dirty then; commit to make it so */
/* The same, but l lives on without effect: its owner frees it by link_remove(). */
void link_unhook(struct link *l);

/* Are runs to be counted?  If that has changed, all hooks are dirty. */
int session_count_runs(struct utramp_target *t, struct diag *d);

/*
 * Build and swap the images of dirty hooks and patch or restore their text.  New functions:
 * all or none.  Functions left: as many as can be, whatever becomes of the others.
 */
int session_commit(struct utramp_target *t, struct diag *d);

/* The same after links were removed; nothing to do before the start or after the end. */
int session_settle(struct utramp_target *t, struct diag *d);
int session_resume(struct utramp_target *t, struct diag *d);
/* What changes from now on waits for session_resume(). */
int session_together(struct utramp_target *t, struct diag *d);
/* A helper's own copy is a traced process, too: its calls are nobody's business. */
void session_silence(struct utramp_target *t);
/* A helper was killed: hooks are as the process is (attach/resync.c). */
void session_resync(struct utramp_target *t);
int session_detach(struct utramp_target *t, struct diag *d);

/* err, or -ESRCH when what failed did so because the process is gone. */
int session_blame(struct utramp_target *t, int err, struct diag *d);

/* The target goes away: what its user holds still is an orphan from now on. */
void ringbuf_orphan(struct utramp_ring_buffer *rb);
void object_orphan(struct utramp_object *o);

/* Say once that f has no types, and what to do. */
void session_warn(struct utramp_target *t, const struct func *f,
		  const struct utramp_attach_opts *opts);

/* Why this kind cannot be attached to f; NULL: it can. */
const char *func_refusal(const struct func *f, enum tramp_kind kind);

/*
 * A user's options, whose first member is their size: own_sz bytes of them, zeroes for what
 * an older caller does not have.  NULL: all zero.  -EINVAL sz not set, -E2BIG a member that
 * we do not know is set.
 */
int opts_copy(void *own, size_t own_sz, const void *user, struct diag *d);

/* The thread's diag behind utramp_error(), emptied; and the ends of public functions. */
struct diag *api_diag(void);
int api_return(int err);          /* int functions */
void *api_null(int err);          /* pointer functions: sets errno */
int api_misuse(const char *what); /* a pointer that must not be NULL is */

#endif
