/*
 * sys/sys.h - bpf(2) answered in user space, so that libbpf is our loader.
 *
 * libbpf.a is linked with -Wl,--wrap=syscall: its bpf(2) calls come to sys_bpf().  Map,
 * program, BTF and link fds are real file descriptors (memfds), told apart by inode, so
 * that dup() and close() mean what they mean.  No real bpf(2) call is ever made.
 *
 * A call belongs to the sys_session that is current on the calling thread; without one
 * bpf(2) fails with EPERM ("no utramp session").
 *
 * Errors   sys_bpf() returns -1 and sets errno, as the system call does
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
#include "shm/arena.h"

struct sys_session;

/* Installed by attach/: how links reach targets.  NULL members answer -ENOTSUP. */
struct sys_ops {
	/* A program was loaded; kind and target were announced by sys_expect(). */
	int (*program_ready)(void *arg, struct program *p);
	int (*link_create)(void *arg, struct program *p, const union bpf_attr *attr, int *link_id);
	int (*link_detach)(void *arg, int link_id);
	void *arg;
};

int sys_open(struct arena *arena, const struct sys_ops *ops, struct sys_session **out);
void sys_close(struct sys_session *s); /* NULL is fine */

/* Make s the calling thread's session (NULL: none); returns the former one. */
struct sys_session *sys_enter(struct sys_session *s);

/*
 * What the next BPF_PROG_LOAD on this session is: called from libbpf's prepare-load
 * handler (attach/), since a tracing program is registered there as a raw tracepoint.
 * With announced = false (feature probes) programs load as PROGRAM_PLAIN.
 */
struct sys_expect {
	enum program_kind kind;
	unsigned nslots; /* PROGRAM_NO_CTX */
	bool lossless;   /* rings created from now on wait instead of dropping */
};
void sys_expect(struct sys_session *s, const struct sys_expect *e);

/* The object behind a file descriptor; borrowed; NULL: not one of ours. */
struct program *sys_program_by_fd(struct sys_session *s, int fd);
struct map *sys_map_by_fd(struct sys_session *s, int fd);

/* Why the last BPF_PROG_LOAD or BPF_MAP_CREATE failed; valid until the next call. */
const char *sys_last_error(const struct sys_session *s);

long sys_bpf(int cmd, union bpf_attr *attr, unsigned size);

#endif
