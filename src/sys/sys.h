/*
 * sys/sys.h - bpf(2) answered in user space, so that libbpf is our loader.
 *
 * libbpf.a is linked with -Wl,--wrap=syscall: its bpf(2) calls come to sys_bpf().  Map,
 * program, BTF and link fds are real file descriptors (memfds), told apart by inode, so
 * that dup() and close() mean what they mean.  No real bpf(2) call is ever made.
 *
 * close() is wrapped too, for prompt ends of objects and links in what is linked with us;
 * a close that is not seen (dup2 over a descriptor, another library's close) is noticed at
 * the next creation or id query, from /proc/self/fd.  A map of BPF_F_MMAPABLE and a ring
 * can be mmap()ed through their descriptors; writable mappings of a frozen map are not
 * refused.  BTF of the kernel is never read: btf__load_vmlinux_btf() is wrapped and has our
 * kfuncs only.
 *
 * A call belongs to the sys_session that is current on the calling thread; without one
 * bpf(2) fails with EPERM ("no utramp session").
 *
 * Errors   sys_bpf() returns -1 and sets errno, as the system call does; where the kernel
 *          gives 524 (an ENOTSUPP that libc has no name for) it is ENOTSUP.  EFAULT is for
 *          addresses that no process has (the first page, the upper half): others are
 *          followed
 * Memory   a session owns its objects: fds keep them alive, so does a link; sys_close()
 *          drops what is left
 * Context  [ctl]
 * Spec     bpf(2); include/uapi/linux/bpf.h
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include "base/diag.h"
#include "bpf/map.h"
#include "bpf/program.h"
#include "bpf/verify.h"
#include "shm/arena.h"

struct sys_session;
struct ctx_desc;

/*
 * Installed by attach/: how links reach targets.  Without link_create links answer -ENOTSUP;
 * program_ready may be NULL.  They run under the lock of this layer (recursive, so they may
 * call libbpf and sys_* themselves).
 */
struct sys_ops {
	/*
	 * A program was loaded; kind and target were announced by sys_expect().  < 0: the
	 * load fails with it.  Keep p by program_get() only.  Not called for libbpf's
	 * feature probes; called again when libbpf repeats a load for a larger log.
	 */
	int (*program_ready)(void *arg, struct program *p);
	/*
	 * attr is a BPF_LINK_CREATE's (link_create.attach_type, .tracing.cookie, ...), also
	 * for BPF_RAW_TRACEPOINT_OPEN.  The link holds p until link_detach().  After EINVAL
	 * libbpf asks a second time, by BPF_RAW_TRACEPOINT_OPEN and without a cookie.
	 */
	int (*link_create)(void *arg, struct program *p, const union bpf_attr *attr, int *link_id);
	int (*link_detach)(void *arg, int link_id);
	void *arg;
	/*
	 * p is about to be put into a prog array (p->tail is its number): processes that may jump
	 * to it must have its code.  < 0: the update fails with it.  May be NULL.
	 */
	int (*tail_ready)(void *arg, struct program *p, struct diag *d);
	/*
	 * What came of a load that sys_expect() announced: err and why, the log at its level, statistics
	 * (all zero: it did not get to the verifier).  Before the load returns; may be NULL.
	 */
	void (*judged)(void *arg, int err, const char *why, const char *log,
		       const struct verify_stats *stats);
};

int sys_open(struct arena *arena, const struct sys_ops *ops, struct sys_session **out);
void sys_close(struct sys_session *s); /* NULL is fine */

/* Make s the calling thread's session (NULL: none); returns the former one. */
struct sys_session *sys_enter(struct sys_session *s);

/*
 * What the next BPF_PROG_LOAD on this session is: called from libbpf's prepare-load
 * handler (attach/), since a tracing program is registered there as a raw tracepoint.
 * Holds until a load of type RAW_TRACEPOINT or TRACING succeeds (libbpf repeats failed
 * ones) or the next call; NULL: nothing is announced.  lossless holds until the next
 * non-NULL call.  Not announced, a program of those types is what its
 * expected_attach_type says, with PROGRAM_NO_CTX; every other (feature probes) is
 * PROGRAM_PLAIN and cannot be attached.
 */
struct sys_expect {
	enum program_kind kind;
	unsigned nslots; /* PROGRAM_NO_CTX */
	/* what is known of its context (bpf/verify.h); lives until it does not hold any more */
	const struct ctx_desc *ctx;
	bool multi;         /* of a .multi section */
	bool allow_write;   /* bpf_probe_write_user() */
	bool lossless;      /* rings created from now on wait instead of dropping */
	unsigned log_level; /* for judged(): as struct verify_log has it */
};
void sys_expect(struct sys_session *s, const struct sys_expect *e);

/* Is a descriptor of BPF_ENABLE_STATS open?  attach/ asks whenever it makes images. */
bool sys_counts_runs(struct sys_session *s);

/* The object behind a file descriptor; borrowed; NULL: not one of ours. */
struct program *sys_program_by_fd(struct sys_session *s, int fd);
struct map *sys_map_by_fd(struct sys_session *s, int fd);

/*
 * An update of a map of type PROG_ARRAY: value is the descriptor of a program, as bpf(2) has it.
 * Elements live until they are deleted, or nobody has a descriptor of the map any more.
 */
int sys_progarray_update(struct sys_session *s, struct map *m, const void *key, const void *value,
			 uint64_t flags);

/* Why the last BPF_PROG_LOAD or BPF_MAP_CREATE failed; valid until the next call. */
const char *sys_last_error(const struct sys_session *s);

long sys_bpf(int cmd, union bpf_attr *attr, unsigned size);

#endif
