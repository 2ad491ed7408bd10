/*
 * ctl/admit_priv.h - what the files of admit share; nobody else includes it.
 *
 * A view is one look at a process and at ourselves.  Facts are functions of it that say one
 * line, or nothing (false) where there is nothing to say.
 *
 * Context  [ctl]
 */
#ifndef CTL_ADMIT_PRIV_H
#define CTL_ADMIT_PRIV_H

#include "base/types.h"
#include "ctl/admit.h"

#include <limits.h>
#include <sys/types.h>

enum { CAP_ADMIN = 21, CAP_PTRACE = 19 }; /* include/uapi/linux/capability.h */

/* Of /proc/PID/status. */
struct status {
	pid_t pid, tgid, ppid, tracer;
	pid_t inner; /* its number in its own PID namespace */
	unsigned depth, threads, seccomp, filters, no_new_privs;
	char state;
	char name[64];
	uid_t uid[4]; /* real, effective, saved, of files */
	gid_t gid[4];
	uint64_t permitted, effective;
};

/* Of the executable and the libraries that are mapped. */
struct program {
	int err; /* it cannot be read */
	unsigned bits, machine;
	char path[PATH_MAX], loader[256];
	bool go;
	char libc[256], musl[256]; /* paths there; "" none */
	bool libc_deleted;
	bool unmapped;    /* it has no memory: it ends, or begins another program */
	char version[32]; /* of glibc; "" not found */
};

struct view {
	const struct admit_world *w;
	pid_t pid; /* 0: the machine alone */
	struct status self, st;
	bool there;          /* st is known */
	bool ends;           /* nothing more to say of it: it is gone, or no program */
	bool explained;      /* a fact told why the kernel refuses */
	char task[PATH_MAX]; /* of a thread that lives; of the leader if there is none */
	pid_t traced;        /* a thread that has a tracer; 0: none */
	pid_t tracer;
	unsigned tasks, filtered,
		strict;         /* threads; under seccomp, not only as we are; in its mode 1 */
	unsigned kflags;        /* of /proc/PID/stat */
	int access;             /* 0, or how the kernel refuses to trace it */
	bool same_userns, over; /* we have CAP_SYS_PTRACE there */
	char userns[64], our_userns[64];
	struct program prog;
	struct admit_probe probe;
};

/* Text of a file, NUL-terminated, cut to cap: its length, or negative errno. */
ssize_t admit_read(char *out, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What a link says, or "". */
void admit_link(char *out, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int status_read(struct status *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool status_has(const struct status *s, unsigned cap);

/* All give true. */
bool fact_ok(struct fact *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool fact_warn(struct fact *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool fact_bad(struct fact *f, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool fact_remedy(struct fact *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void program_read(struct view *v); /* admit_image.c */

typedef bool (*fact_fn)(struct view *v, struct fact *f);

/* admit_rights.c */
bool fact_tracer(struct view *v, struct fact *f);
bool fact_userns(struct view *v, struct fact *f);
bool fact_owner(struct view *v, struct fact *f);
bool fact_dumpable(struct view *v, struct fact *f);
bool fact_capabilities(struct view *v, struct fact *f);
bool fact_scope(struct view *v, struct fact *f);
bool fact_module(struct view *v, struct fact *f);
bool fact_access(struct view *v, struct fact *f);

/* admit_image.c */
bool fact_program(struct view *v, struct fact *f);
bool fact_libc(struct view *v, struct fact *f);

/* admit_host.c */
bool host_proc(struct view *v, struct fact *f);
bool host_kernel(struct view *v, struct fact *f);
bool host_calls(struct view *v, struct fact *f);
bool host_tracing(struct view *v, struct fact *f);
bool host_scope(struct view *v, struct fact *f);
bool host_capability(struct view *v, struct fact *f);
bool host_writes(struct view *v, struct fact *f);
bool host_seccomp(struct view *v, struct fact *f);
bool host_module(struct view *v, struct fact *f);
bool host_userns(struct view *v, struct fact *f);
bool host_libc(struct view *v, struct fact *f);
bool host_slabs(struct view *v, struct fact *f);

/* The number in a file of one; -1: there is none. */
int admit_number(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int yama_scope(const struct view *v); /* 0 to 3; -1: no Yama */
bool selinux_denies(const struct view *v);

#define USERNS_INITIAL "user:[4026531837]" /* include/linux/proc_ns.h PROC_USER_INIT_INO */

#endif
