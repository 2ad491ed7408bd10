/*
 * shm/layout.h - memory that the control process and the traced process both read.
 *
 * Three places:
 *   the arena     shared (memfd), mapped at different addresses on each side: maps,
 *                 rings, the thread table.  References in it are offsets (shm_ref).
 *   thread block  private to the target, one per thread slot, found through the slab's
 *                 TLS word; wiped in a forked child (MADV_WIPEONFORK).
 *   rt_state      in each slab's data, written by the control process before any hit.
 *
 * The other side may scribble: the control process checks every reference it follows
 * (shm/arena.h).  Self-contained: fixed-width types only, no libc.
 *
 * Units    bytes; positions in rings are bytes since creation.
 * Context  [ctl] [probe]
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <stdint.h>

#define SHM_VERSION     1
#define SHM_MAGIC       0x31706d6172747531ull /* "1utramp1" */
#define SHM_MAX_THREADS 1024                  /* slots; slot 0 is the control process */

/* An offset from the arena's first byte; 0 is none. */
typedef uint64_t shm_ref;

/* -- arena ---------------------------------------------------------------- */

/*
 * One slot of the session-wide thread table.  Claimed by cmpxchg of {tid, pid} with tid 0;
 * freed (tid = 0) by whoever finds the thread dead.  A per-CPU map's "CPU" is a slot number.
 * claims counts the claims of this slot: with it, what a dead thread left behind (a bucket
 * lock, a BUSY record) is not mistaken for its successor's.
 *
 * Intent: written before a ring record is claimed and restored after its header is
 * written (nested in signal handlers, so last in, first out).  intent_ring is the ring's
 * struct shm_map, 0 if no claim is under way, SHM_INTENT_CHANGING while pos and len change.
 *
 * How a consumer passes a hole (header 0 at consumer.pos), left by a killed thread:
 *   1. note end = producer.pos, then the set of slots in use;
 *   2. take out of the set every slot once seen with intent_ring == 0, with another tid or
 *      claims, or whose thread is dead - over as many polls as it takes;
 *   3. a header has appeared: go on as usual.  The set is empty and there is still none:
 *      whatever was claimed below end will not be written any more by the living, so the
 *      zero words from the hole up to the next header, or to end, belong to the dead: skip.
 * intent_pos and intent_len of a dead thread serve for reports only: a claim that lost the
 * race for that position leaves them as well, and a nested claim hides the outer one's.
 */
#define SHM_INTENT_CHANGING 1ull

struct shm_thread {
	uint32_t tid, pid;
	shm_ref intent_ring;
	uint64_t intent_pos;
	uint64_t intent_len;
	uint32_t claims;
	uint32_t touched; /* per-CPU values of this slot may be other than zero */
	uint64_t reserved[3];
};

/* Who holds a record or a lock: the slot and the low half of its claims. */
#define SHM_OWNER(slot, claims) ((uint32_t)(slot) | (uint32_t)(claims) << 16)
#define SHM_OWNER_SLOT(owner)   ((uint32_t)(owner)&0xffff)
#define SHM_OWNER_CLAIMS(owner) ((uint32_t)(owner) >> 16) /* compare with (uint16_t)claims */

struct shm_arena {
	uint64_t magic;
	uint32_t version, header_size;
	uint64_t size;
	uint64_t heartbeat; /* the control process counts up while it consumes */
	uint32_t control_pid;
	uint32_t flags;
	uint64_t no_slot;    /* hits that ran no program: thread table full */
	uint64_t no_room;    /* hits that ran no program: too little stack, struct rt_tls */
	shm_ref printk;      /* struct shm_map of the bpf_trace_printk ring */
	uint64_t slots_used; /* slots ever claimed are all below it */
	uint64_t no_exit;    /* hits that ran no exit program: too many tail calls in one call */
	uint64_t unwound;    /* frames of ours that exceptions and cancellations have left */
	shm_ref sinks;       /* the first struct shm_sink */
	uint64_t reserved[2];
	struct shm_thread thread[SHM_MAX_THREADS];
};

/* Statistics of one program; written on rare paths only. */
struct shm_prog {
	uint64_t missed; /* recursion_misses */
	uint64_t reserved[7];
};

/* What one thread slot's runs of a program were, where that is asked for; a table by slot. */
struct shm_run {
	uint64_t count, ns;
	uint64_t reserved[6]; /* a cache line: nobody else writes there */
};

/*
 * A map.  self is its own offset, so that base = (char *)map - map->self on either
 * side.  values: arrays: max_entries * value_stride; per-CPU array: SHM_MAX_THREADS
 * times that, slot after slot; hash: see struct shm_hash; ring and perf event array: struct
 * shm_ring; stack traces: struct shm_stack; array of programs: a word each, the number of a program
 * in rt_tails, 0: none.
 */
struct shm_map {
	shm_ref self;
	uint32_t type; /* BPF_MAP_TYPE_* */
	uint32_t key_size, value_size, max_entries, map_flags;
	uint32_t value_stride; /* value_size rounded up to 8; stack traces: with the head */
	uint32_t id;
	uint32_t frozen;
	shm_ref values;
	uint64_t values_size;
	shm_ref hash;  /* struct shm_hash, hash maps only */
	uint64_t busy; /* -EBUSY given because a bucket was locked */
	uint64_t reserved[4];
};

/*
 * Hash map: elements are preallocated and numbered from 1; a bucket holds the number of
 * its first element.  lock holds SHM_OWNER() + 1 of its owner; version changes before an
 * element that left the bucket can be used again (rt/map_hash.c).  An element with
 * SHM_ELEM_RESTS in its hash is not in the map (rt/map_rest.c).  An element's key
 * and value lie at elems + (n - 1) * elem_stride: struct shm_elem, key (rounded up to 8),
 * value (none for per-CPU: those lie at values + (slot * max_entries + n - 1) * stride).
 */
struct shm_bucket {
	uint32_t head, lock;
	uint32_t version, pad;
};

struct shm_elem {
	uint32_t next;
	uint32_t hash;
};

#define SHM_ELEM_RESTS 0x80000000u /* no bit of the hash that chooses a bucket */

/* By thread slot: the element that rests for it, 0: none, SHM_REST_CHANGING | low half of claims. */
struct shm_rest {
	uint32_t elem;
	uint32_t last; /* hash of the key that went otherwise */
	uint32_t reserved[14];
};

#define SHM_REST_CHANGING 0x80000000u

struct shm_hash {
	uint32_t nbuckets; /* a power of two */
	uint32_t seed;
	shm_ref buckets, elems;
	uint64_t elem_stride;
	uint64_t free_head; /* low half: element number; high half: tag against ABA */
	shm_ref rest;       /* of SHM_MAX_THREADS struct shm_rest; 0: nothing rests */
	uint64_t reserved[2];
};

/*
 * Stack trace map: SHM_STACK_BUCKETS(max_entries) buckets of value_stride bytes, that is a head
 * and value_size bytes of addresses; the id of a stack is its bucket's number.  version is odd
 * while the holder of the lock (as in a hash's bucket) writes; left odd by a dead one it means
 * that nothing is there.  nr 0: empty.
 */
struct shm_stack {
	uint32_t lock, version;
	uint32_t hash, nr;
	uint64_t pc[];
};

/* max_entries rounded up to a power of two, as in the kernel; it is at most 2^31. */
#define SHM_STACK_BUCKETS(max) ((max) <= 1 ? 1u : 2u << (31 - __builtin_clz((uint32_t)(max)-1)))

/*
 * Ring buffer, in the kernel's record format (kernel/bpf/ringbuf.c): an 8-byte header
 * {u32 len | BUSY | DISCARD, u32 SHM_OWNER()}, then len bytes, rounded up to 8.  The
 * region is three parts, each its own page so that it can be mapped as the kernel's is:
 * consumer page, producer page, data.  A record never wraps: a discarded record fills
 * the end.  Memory ahead of the producer is all zero (the consumer clears what it has
 * read), so a zero header means "claimed, not written yet".
 */
#define SHM_RING_BUSY    0x80000000u
#define SHM_RING_DISCARD 0x40000000u
#define SHM_RING_HDR     8
#define SHM_RING_PAGE    4096

/* Without a system call: where the program did not ask for it, none may be what kills it (seccomp). */
enum { SHM_RING_LOSES, SHM_RING_SLEEPS, SHM_RING_SPINS };

struct shm_ring_consumer {
	uint64_t pos;
	uint64_t reserved[511];
};

struct shm_ring_producer {
	uint64_t pos;
	uint64_t size;     /* of data: a power of two, at least a page */
	uint64_t lost;     /* records that found no room */
	uint32_t lossless; /* SHM_RING_*: wait for room while the control process lives */
	uint32_t pad;
	/* Waits that ended without room: at this heartbeat + 1, at this consumer.pos + 1. */
	uint64_t dead_beat, stuck_pos;
	/* consumer.pos when a producer last read it, never ahead of it: its line is the consumer's */
	uint64_t seen;
	uint64_t reserved[505];
};

struct shm_ring {
	struct shm_ring_consumer consumer;
	struct shm_ring_producer producer;
	uint8_t data[];
};

struct shm_ring_hdr {
	uint32_t len, owner;
};

/* A record of the printk ring: text follows, no NUL. */
struct shm_printk {
	uint64_t time_ns;
	uint32_t pid, tid;
	char comm[16];
	char text[];
};

/* -- calls left by unwinding ------------------------------------------------ */

/*
 * Who wants to know of each frame of ours that the personality sees left.  A list that only
 * grows; a node whose ring is 0 belongs to nobody.
 */
struct shm_sink {
	shm_ref next;
	shm_ref ring;  /* struct shm_map of a ring: it gets a struct shm_unwound */
	shm_ref slots; /* struct shm_map of a per-CPU array of one struct shm_sink_slot */
};

/* What found no room, as the programs that write to the same ring count it. */
struct shm_sink_slot {
	uint64_t lost_calls; /* theirs alone */
	uint64_t lost_exits;
	uint64_t lost_high; /* the highest frame of those since the last record, 0: none */
};

#define SHM_UNWOUND_KIND 0x7ace0003u /* other records in such a ring begin otherwise */

struct shm_unwound {
	uint32_t kind;
	uint32_t hook; /* number of the frame's slot */
	uint64_t time_ns, pid_tgid;
	uint64_t frame; /* its rbp: what lies below, of this stack, is left */
	uint64_t slot;  /* address of the thread's struct shm_sink_slot */
	uint64_t lost_exits, lost_high;
};

/* -- thread block (private to the target) --------------------------------- */

/*
 * The first block, of slot 0, is no thread's of the target: its pid and tid are the process's, as it knows
 * itself, set by the control side, and wiped in a forked child; which may set the pid alone.
 */
#define RT_THREAD_MAGIC 0x74726d70u
#define RT_COUNTERS     64 /* a slot counts in counter[slot number % RT_COUNTERS] */
#define RT_MAX_RUNNING  16
#define RT_THREAD_SIZE  2048

/* A program that runs now: nested ones come from signal handlers. */
struct rt_running {
	uint64_t prog;  /* program id */
	uint64_t frame; /* rbp of the trampoline that runs it */
};

struct rt_thread {
	uint32_t magic; /* 0 in a forked child: register again */
	uint32_t slot;
	uint32_t tid, pid;            /* together what bpf_get_current_pid_tgid() gives */
	uint32_t claims;              /* of the slot, when it was claimed */
	uint32_t depth;               /* running[0 .. depth) */
	uint64_t inside[RT_COUNTERS]; /* calls that entered less calls that left, of all owners */
	struct rt_running running[RT_MAX_RUNNING];
	uint64_t random;  /* state of bpf_get_prandom_u32 */
	uint32_t records; /* reserved, neither submitted nor discarded yet */
	uint32_t pad;
	/* SIGSEGV and SIGBUS that somebody sent while the thread believed them to be blocked */
	struct rt_pending {
		int32_t there, code;
		uint32_t pid, uid;
		uint64_t value;
	} pending[2];
};

/*
 * The thread's words of thread-local storage, at rt_state.tls_off.  A forked child's thread has
 * its own and runs on its own copy of the same stack, so bounds outlive the block, which is wiped.
 * A hit with lo <= rsp < limit finds too little stack left; both 0: bounds unknown, never so.
 */
struct rt_tls {
	uint64_t block; /* struct rt_thread *, 0 at first */
	uint64_t stack_limit;
	uint64_t stack_lo;
	uint64_t held; /* RT_HELD_* */
};

/*
 * limit - lo: a quarter of the stack, at least what a signal handler or a callee can be
 * expected to need and a common image's needs.  An image that needs more looks for itself.
 */
#define RT_ROOM_LEFT  4096u
#define RT_ROOM_IMAGE 2048u

/* -- slab ------------------------------------------------------------------ */

#define RT_STATE_MAGIC 0x3162616c73747531ull /* "1utslab1" */

enum {
	RT_FLAG_NO_READS = 1 << 0, /* bpf_probe_read_* gives -EFAULT: seccomp */
	RT_FLAG_FAULTS = 1 << 1,   /* loads may fault: the handler of rt/fault.c is there */
	RT_FLAG_FILTERED = 1 << 2, /* a system call of ours may be what kills it: seccomp */
};

struct rt_state {
	uint64_t magic;
	uint32_t version;
	int32_t tls_off;        /* struct rt_tls is at fs:[tls_off] */
	uint64_t arena;         /* the target's address of struct shm_arena */
	uint64_t threads;       /* of SHM_MAX_THREADS blocks of RT_THREAD_SIZE */
	uint64_t clock_gettime; /* the vDSO's, or 0: system call */
	uint32_t flags;         /* RT_FLAG_* */
	uint32_t pthread_size;  /* of libc's struct pthread at fs:0; 0: not known */
	uint64_t get_gr;        /* _Unwind_GetGR, or 0 */
	uint64_t get_ip;        /* _Unwind_GetIP, or 0 */
	struct rt_room {
		uint64_t lo, size;
	} room[2];               /* where slots and images of both slabs are: x86/frame.h */
	struct rt_room unwinder; /* whose functions get_gr and get_ip are; size 0: everybody's */
	uint64_t find_object;    /* _dl_find_object, or 0: no other unwinder is looked up */
	uint64_t stack_lo, stack_size; /* how far the main thread's may grow; 0: not known */
	uint64_t cfi;                  /* of struct rt_cfi, or 0 */
	uint64_t text;                 /* where this slab's room is: room[0].lo or room[1].lo */
	int64_t rseq_cpu; /* fs:[rseq_cpu] is cpu_id of libc's struct rseq; 0: there is none */
	uint64_t
		main_tcb; /* fs:0 of the first thread, whose struct pthread is whole; 0: not known */
	uint64_t tid_off; /* of the thread's id in struct pthread; 0: not known */
	uint64_t reserved[4];
	/* of a slab that a session has left as the loader made it (ctl/idle.h), as its tls_off: */
	uint64_t left;    /* RT_LEFT*; 0: never left, or in use */
	uint64_t partner; /* text of the other one */
};

#define RT_LEFT         0x7466656c74727475ull /* "utrtleft" */
#define RT_LEFT_SIGNALS 0x7367697374727475ull /* and its stand-ins (rt/sighook.c) were in use */

/*
 * What unwinding by .eh_frame needs (rt/cfi.c): modules by address, and rows by address.  It
 * is the target's own memory, which a fork copies.
 */
#define RT_CFI_MODULES    1024
#define RT_CFI_CACHE_BITS 12

struct rt_cfi_module {
	uint64_t lo, hi;
	uint64_t hdr; /* .eh_frame_hdr */
};

struct rt_cfi {
	uint64_t nmodules;
	struct rt_cfi_module module[RT_CFI_MODULES];
	uint64_t row[1 << RT_CFI_CACHE_BITS];
};

/* -- signals (rt/signal.h) ------------------------------------------------- */

#define RT_SIGNALS 65 /* by number, from 1 */

/* The functions of libc that rt/sighook.c stands in for. */
enum {
	RT_HOOK_SIGACTION,
	RT_HOOK_SIGPROCMASK,
	RT_HOOK_PTHREAD_SIGMASK,
	RT_HOOK_SIGSUSPEND,
	RT_HOOK_PPOLL,
	RT_HOOK_PSELECT,
	RT_HOOK_EPOLL_PWAIT,
	RT_HOOK_EPOLL_PWAIT2,
	RT_HOOK_EXECVE,
	RT_HOOK_EXECVEAT,
	RT_HOOK_PTHREAD_CREATE,
	RT_HOOK_POSIX_SPAWN,
	RT_HOOK_POSIX_SPAWNP,
	RT_HOOKS,
};

/* As rt_sigaction(2) has it. */
struct rt_sigaction {
	uint64_t handler, flags, restorer, mask;
};

/*
 * A process that runs in the memory of ours and has signal actions of its own, as after vfork():
 * what it has set, of SIGSEGV and SIGBUS.  fs is the thread that made it, whose TLS it uses.
 */
struct rt_child {
	uint32_t pid, pad;
	uint64_t fs, held;
	struct rt_sigaction app[2];
	struct rt_pending pending[2];
};

#define RT_CHILDREN      32         /* at a time */
#define RT_CHILD_CLAIMED UINT32_MAX /* its pid: somebody is filling it in */

/*
 * What the application believes; of one slab, that of the libraries.  Written by the control
 * process while all threads are stopped, and by rt/.
 */
struct rt_signals {
	uint32_t active;   /* SIGSEGV and SIGBUS are ours */
	uint32_t inherit;  /* RT_HELD_*: of the thread that made a thread last */
	uint32_t children; /* in use, or more */
	uint32_t pad;
	struct rt_child child[RT_CHILDREN];
	/* of SIGSEGV and SIGBUS, and of signals whose handler has one of them in its mask */
	struct rt_sigaction app[RT_SIGNALS];
	uint64_t original[RT_HOOKS]; /* the functions, as they were */
};

/* rt_tls.held: what of the two the thread believes to have blocked; 0 in a new thread. */
#define RT_HELD_SEGV         1u
#define RT_HELD_BUS          2u
#define RT_HELD_KNOWN        4u
#define RT_HELD_SPAWN        8u /* inside posix_spawn(), and what its attributes say: */
#define RT_HELD_MASK         16u
#define RT_HELD_DFL(bit)     ((bit) << 5) /* RT_HELD_SEGV, RT_HELD_BUS: to be SIG_DFL */
#define RT_HELD_BLOCKED(bit) ((bit) << 7) /* with RT_HELD_MASK: to be blocked */

#endif
