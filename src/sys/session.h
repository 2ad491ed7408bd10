/*
 * sys/session.h - what the files of sys/ share: sessions, objects, one call.
 *
 * An object is what a bpf(2) file descriptor stands for.  Its identity is the inode of a
 * memfd, of which the session keeps one descriptor; users get dups of it.  So dup(), fork
 * and passing by socket need no help from us, and a map with memory of its own can be
 * mmap()ed through its descriptor.
 *
 * Lifetime: an object lives while this process has a descriptor of it, while another object
 * holds it (a program its maps and BTF, a link its program) or while attach/ holds the
 * program or map.  __wrap_close() and every creation look (sys_sweep()).
 *
 * Errors   negative errno; the session's diag has the reason
 * Context  [ctl] under sys_lock
 */
#ifndef SYS_SESSION_H
#define SYS_SESSION_H

#include "base/diag.h"
#include "base/vec.h"
#include "sys/sys.h"

#include <pthread.h>
#include <sys/types.h>

struct btf;

enum sys_type { SYS_MAP, SYS_PROG, SYS_BTF, SYS_LINK, SYS_STATS };

struct sys_blob {
	void *data;
	uint32_t size;
	struct btf *parsed; /* points into no memory of ours */
};

struct sys_link {
	int id; /* attach/'s */
	uint32_t attach_type, type;
	struct sys_object *prog;
	bool detached;
};

/* BTF.ext's records of a program, kept as they came, for whoever dumps it. */
struct sys_info_records {
	void *data;
	uint32_t rec_size, n;
};

struct sys_load {
	uint32_t prog_type, uid;
	struct sys_info_records func, line;
	uint64_t time_ns; /* CLOCK_BOOTTIME */
	bool gpl;
	struct program *program;
	struct {
		VEC(struct map *);
	} bound;
};

struct sys_object {
	enum sys_type type;
	uint32_t id;
	int fd;        /* the session's own descriptor */
	bool borrowed; /* fd is the arena's: not ours to close */
	dev_t dev;
	ino_t ino;
	uint32_t held; /* by other objects */
	bool seen;     /* by the sweep */
	struct sys_object *btf;
	union {
		struct map *map;
		struct sys_load prog;
		struct sys_blob blob;
		struct sys_link link;
	};
};

struct sys_session {
	pid_t pid; /* whose: a forked child's copy detaches nothing */
	struct arena *arena;
	struct sys_ops ops;
	struct {
		VEC(struct sys_object *);
	} object;
	struct sys_expect expect;
	bool announced, lossless;
	uint32_t last_btf_id, last_link_id;
	struct diag diag;
	struct sys_session *next;
};

/* One bpf(2) call: a zero-padded copy of the attributes, and the caller's own. */
struct sys_call {
	struct sys_session *s;
	union bpf_attr attr;
	union bpf_attr *user;
	unsigned size; /* of *user */
};

extern pthread_mutex_t sys_lock; /* recursive: attach/ may call libbpf from its ops */

/*
 * Register a new object.  fd: -1 for a memfd of its own, named after name.  On success the
 * session owns *o; the result is a descriptor for the user.
 */
int sys_object_publish(struct sys_session *s, struct sys_object *o, int fd, const char *name);
int sys_object_open(const struct sys_object *o); /* one more descriptor for the user */

/* NULL and *err: -EBADF no such descriptor, -EINVAL not an object of this type. */
struct sys_object *sys_object_by_fd(struct sys_session *s, int fd, enum sys_type type, int *err);
struct sys_object *sys_object_any(struct sys_session *s, int fd);
struct sys_object *sys_object_by_id(struct sys_session *s, uint32_t id, enum sys_type type);

void sys_sweep(struct sys_session *s);

/* -EFAULT unless [ptr, ptr + len) can be memory of a process; mapped it need not be. */
int sys_check_user(uint64_t ptr, uint64_t len);

/* A name as BPF_MAP_CREATE and BPF_PROG_LOAD take it: -EINVAL unless [A-Za-z0-9_.]*\0. */
int sys_check_name(const char *name, size_t cap, struct diag *d);

/* Write text as a verifier log: -ENOSPC if it was cut. */
int sys_write_log(uint64_t buf, uint32_t size, const char *text);

/* The commands; they give a descriptor, 0 or a negative errno. */
int sys_dispatch(struct sys_call *c, int cmd);
int sys_map_create(struct sys_call *c);
int sys_map_lookup(struct sys_call *c);
int sys_map_update(struct sys_call *c);
int sys_map_delete(struct sys_call *c);
int sys_map_next_key(struct sys_call *c);
int sys_map_lookup_delete(struct sys_call *c);
int sys_map_freeze(struct sys_call *c);
int sys_map_lookup_batch(struct sys_call *c);
int sys_map_take_batch(struct sys_call *c);
int sys_map_update_batch(struct sys_call *c);
int sys_map_delete_batch(struct sys_call *c);
int sys_prog_load(struct sys_call *c);
int sys_prog_bind_map(struct sys_call *c);
int sys_prog_test_run(struct sys_call *c);
int sys_load_btf(struct sys_call *c);
int sys_link_create(struct sys_call *c);
int sys_raw_tracepoint_open(struct sys_call *c);
int sys_link_detach(struct sys_call *c);
int sys_object_info(struct sys_call *c);
int sys_enable_stats(struct sys_call *c);

/* Possible CPUs, and how large a value is for users: all CPUs' of a per-CPU map. */
unsigned sys_cpus(void);
uint64_t sys_map_value_size(const struct map *m);

/* The link's target is let go; the object stays while somebody has it. */
int sys_link_cut(struct sys_session *s, struct sys_link *link);

/* sys/kfunc.c: NULL and errno on failure.  Ids in calls become enum kfunc_id where known. */
struct btf *sys_kfunc_btf(void);
int sys_kfunc_translate(struct bpf_insn *insn, uint32_t n);

/* sys/prog_cmd.c: a program's expected_attach_type, as it is or would have been. */
uint32_t sys_attach_type(const struct program *p);

/* sys/wrap.c */
int sys_close_fd(int fd); /* the real close(2) */
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f);
int __real_close(int fd);
int __wrap_close(int fd);
struct btf *__wrap_btf__load_vmlinux_btf(void);

/* After a close of something with this identity. */
void sys_closed(dev_t dev, ino_t ino);

/*
 * Somebody in this process may have objects.  False in a forked child until it opens its
 * own session: the lock may have been anybody's when it was forked.
 */
bool sys_any_session(void);

#endif
