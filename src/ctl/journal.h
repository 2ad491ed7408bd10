/*
 * ctl/journal.h - what a session changes in a process, on file, so that somebody else can undo it.
 *
 * One file for each session and process, in $XDG_RUNTIME_DIR/utramp, root's /run/utramp or
 * /tmp/utramp-UID: mode 0700, ours.  It is there from before the process has anything of ours
 * until nothing of ours is left to undo.  The writer has it mapped: what is stored outlives
 * the writer, whatever kills it, and costs no system call.  Room is allocated before it is
 * mapped, so a full disk is an error and no SIGBUS.
 *
 *   head | record | record | ...       head.count, or a record's kind, is stored last
 *
 *   window  text of the program's: where ours still stands, the original bytes come back
 *   write   code or data of ours: these bytes make the slot pass calls by, an image skip its
 *           programs; written whatever stands there
 *   void    was a write; its memory serves something else now, and the record may
 *
 * A reader believes nothing: not sizes, counts, texts or addresses (journal_read()).
 *
 * Errors   -EBADMSG not a journal, or a damaged one; -ENOSPC, -EROFS and what else open(2) says
 * Memory   the writer hangs on struct process and ends with it; a view is the caller's
 * Context  [ctl] one writer; readers in any process
 * Spec     proc(5) /proc/PID/stat field 22; DESIGN section 2 "Guardian"
 */
#ifndef CTL_JOURNAL_H
#define CTL_JOURNAL_H

#include "ctl/process.h"

#define JOURNAL_MAGIC   0x31306c6a70617274ull /* "trapjl01" */
#define JOURNAL_VERSION 2u

/* Where pids and start times mean what they did when they were written (journal_place.c). */
struct journal_place {
	uint64_t pid_ns, time_ns; /* the namespaces' inodes; 0: not known */
	char boot[36];            /* boot_id, as text; "" not known */
	uint8_t reserved[4];
};

struct journal_head {
	uint64_t magic;
	uint32_t version, head_size, record_size;
	uint32_t ready; /* the addresses below are there, and the process was let go or will be */
	uint64_t count; /* of whole records */
	int32_t pid, tool;  /* the process; who attached to it, 0: has left it */
	uint64_t pid_start; /* /proc/PID/stat field 22: with it, a pid means one process for ever */
	uint64_t tool_start;
	struct journal_place place; /* of the writer */
	uint64_t exe_dev, exe_ino;
	int64_t since;        /* seconds since 1970 */
	uint32_t asks;        /* enum journal_asks */
	uint32_t functions;   /* patched for programs now */
	uint32_t handlers_in; /* `handlers` are to be put back, or may be */
	int32_t tls_off;
	uint64_t entry, arena, threads, lowest, span;
	struct journal_slab {
		uint64_t bias, text, room, rt_state;
	} slab[SLABS];
	struct process_handlers handlers;
	char dir[256];  /* of the slab files, as the tool saw it, to be removed; "" */
	char line[512]; /* what the user asked for; "" */
};

enum journal_asks {
	JOURNAL_TAKES_NONE, /* the tool may not be asked to detach */
	JOURNAL_DETACHES,   /* SIGTERM makes it detach */
	JOURNAL_KEPT,       /* the same, and it listens for those who want its output */
	JOURNAL_ENDED,      /* no session any more: behind the head is what nobody has read yet */
};

enum journal_kind { JOURNAL_VOID, JOURNAL_WINDOW, JOURNAL_WRITE, JOURNAL_KINDS };

#define JOURNAL_BYTES 32

struct journal_record {
	uint64_t addr;
	uint64_t go_on;  /* a window's first_too: where a thread at its first byte goes; 0: there */
	uint8_t kind;    /* enum journal_kind */
	uint8_t len;     /* at least 1 */
	uint8_t padding; /* a window that others jump to: restored behind them */
	uint8_t reserved[5];
	uint8_t old[JOURNAL_BYTES];  /* a window's original bytes */
	uint8_t ours[JOURNAL_BYTES]; /* a window's ours; what a write writes */
};

/* -- the writer ----------------------------------------------------------------------------- */

/* For all journals of this program from now on: what `ps` shows, and whether SIGTERM detaches. */
void journal_announce(const char *line, bool asked);

/*
 * p->journal, for a process that has nothing of ours yet.  Where none can be, the session goes on
 * without, and journal_missing() tells why; else that is NULL, as long as the file has its name.
 */
void journal_begin(struct process *p);
const char *journal_missing(const struct process *p);
/* The same of a process that `from` has forked: what is to be undone there now.  -errno: none is. */
int journal_copy(struct process *p, const struct process *from);
/* Some window does not hold its original bytes: our code may be entered still, or again. */
bool journal_owes(struct process *p);
/* The addresses of slabs and arena, once known, or changed. */
void journal_places(struct process *p);
/* Before these windows are patched; those that restore are passed over. */
int journal_patches(struct process *p, const struct process_patch *patch, unsigned n,
		    struct diag *d);
/* Before something jumps to `addr`, in padding; go_on: where the jump leads. */
int journal_padding(struct process *p, taddr_t addr, const uint8_t *old, const uint8_t *ours,
		    uint8_t len, taddr_t go_on);
/* At undoing these bytes are written. */
int journal_write(struct process *p, taddr_t addr, const void *bytes, uint8_t len);
/* But not there: its memory will be used again.  Before that is erased. */
void journal_forget(struct process *p, taddr_t addr);
/* Before they are put in; NULL: they are out. */
void journal_handlers(struct process *p, const struct process_handlers *h);
/* Its text is the process's own again, and the slabs will be another session's: nothing is undone. */
void journal_over(struct process *p);
void journal_functions(struct process *p, unsigned n);
/* Its name, as `ps` shows it; NULL: there is none. */
const char *journal_name(const struct process *p);
/*
 * A socket that others reach by any of these processes' sessions, until the journals go; they are
 * kept from now on.  The descriptor.
 */
int journal_keep(struct process *const *p, unsigned n, struct diag *d);
/* A file of the kind that stands for a session which has ended; of JOURNAL_SAVED_MAX at most. */
int journal_save(pid_t pid, const void *bytes, size_t n, struct diag *d);
/* The file goes, unless text of the living process is still ours: then it waits for `detach`. */
void journal_close(struct process *p);

/* -- readers -------------------------------------------------------------------------------- */

#define JOURNAL_SAVED_MAX (128u << 20)

struct journal_view {
	struct journal_head head;
	struct journal_record *at; /* head.count of them */
	uint32_t owner;            /* uid, of the file */
};

/* p's own, as a reader would see it. */
int journal_view_of(const struct process *p, struct journal_view *v, struct diag *d);
/* A checked copy of the file.  journal_view_fini() also after an error. */
int journal_read(int fd, struct journal_view *v, struct diag *d);
void journal_view_fini(struct journal_view *v);

/* Where a journal is: journal_lock() and _remove() take it. */
struct journal_file {
	int dir; /* descriptor */
	int fd;
	char dir_name[192];
	char name[40];
};

/*
 * fn for each journal there is of this user's, of root: of everybody's.  A result other than 0
 * ends it and is given.  The file's descriptors are closed behind fn.  Damaged ones are told by
 * v->head.pid 0.
 */
int journal_each(int (*fn)(void *ctx, const struct journal_file *f, struct journal_view *v),
		 void *ctx);

/* Wait for other readers that undo: 1, 0 when one of them has removed the file, -EBUSY: not in time. */
int journal_lock(const struct journal_file *f, int timeout_ms);
void journal_remove(const struct journal_file *f);
/* One whose writer was killed before it was one, so before it changed anything: true, it is gone. */
bool journal_remove_unborn(const struct journal_file *f);
/* Connected to the tool that keeps the session; it is of its owner. */
int journal_connect(const struct journal_file *f, const struct journal_view *v, struct diag *d);
/* What stands behind the head of one that has ended: malloc()ed, *n bytes. */
int journal_saved(const struct journal_file *f, void **bytes, size_t *n, struct diag *d);
/* The slab files that it names, if they are its owner's and called as such files are. */
void journal_remove_slabs(const struct journal_view *v);

enum journal_where {
	JOURNAL_HERE,
	JOURNAL_OTHER_BOOT, /* all of its processes are gone */
	JOURNAL_ELSEWHERE,  /* of another PID or time namespace: its numbers mean nothing here */
};

void journal_here(struct journal_place *p);
enum journal_where journal_where(const struct journal_view *v);
/*
 * Of a journal from elsewhere: a process, by its number here, that is in that PID namespace; 0:
 * none is seen.  *nobody: there is none, so the namespace has ended, and all in it.
 */
pid_t journal_someone(const struct journal_view *v, bool *nobody);

/* The process's start time; 0: there is none.  Zombies count only if `zombie`. */
uint64_t journal_start_time(pid_t pid, bool zombie);
/* The tool runs and has not left; a journal that is not JOURNAL_HERE has no tool and no process. */
bool journal_is_live(const struct journal_view *v);
/* The process that it is about is there, of the same owner, runs the program of then. */
bool journal_has_process(const struct journal_view *v);
/* A thread of the process that is not dead, by whose id /proc shows the address space; 0: none. */
pid_t journal_living_thread(pid_t pid);

#endif
