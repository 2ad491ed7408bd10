/*
 * rt/rt.h - the code that runs in the traced process: what the control side calls it by.
 *
 * Built twice: freestanding into the slab, and as ordinary code for unit tests and for
 * the control side's own map operations.  In the slab every function below is a symbol of
 * the same name in the template's .symtab (nothing is exported dynamically); generated
 * code calls them by address.
 *
 * Probe rules: no libc, no allocation, no vector or x87 register, bounded time, errno and
 * DF untouched; every function may run in a signal handler that interrupted any other.
 *
 * Errors   helpers return what bpf-helpers(7) says, errors as negative errno in r0.
 * Context  [probe]; the map functions [ctl] as well
 */
#ifndef RT_RT_H
#define RT_RT_H

#include "shm/layout.h"

#pragma GCC visibility push(hidden) /* direct calls, no GOT */

/* Written by the control process; in the native build by the test or by ctl code. */
extern struct rt_state rt_state;

/*
 * Offset of the TLS word that this copy of rt/ brings along; a native user sets
 * rt_state.tls_off to it.  (In the slab the loader's TPOFF64 relocation tells it.)
 */
int32_t rt_tls_offset(void);

/*
 * First hit of a thread, called by slots and guards: preserves every register but rax and
 * flags, takes any stack alignment; rax: the thread's block, or 0 when the table is full
 * (counted in no_slot).  Written in assembly around rt_thread_register().
 */
void rt_first(void);

/*
 * rt_guard_enter() for generated code: preserves all registers but rax and flags.  The
 * program's id is pushed, rax is the address of its statistics, rbp the frame.
 */
void rt_guard_slow(void);

/*
 * rt_tail_open() for generated code: preserves all registers but rax and flags; rbp is the frame.
 */
void rt_tail(void);
struct rt_thread *rt_thread_register(void);
struct rt_thread *rt_thread_self(void); /* registers if needed; NULL: table full */

/*
 * The recursion guard's slow path: block->depth is not 0, or the block is not
 * registered.  Drops entries left behind by siglongjmp (frame below `frame`), then
 * pushes {prog, frame}.  1: run; 0: skip, counted in *stats.
 */
uint64_t rt_guard_enter(uint64_t prog, uint64_t frame, struct shm_prog *stats);

/*
 * A tail call may have led to the image whose frame this is.  1: a frame of the same slot is
 * open right above, or as many others as are looked at (counted in no_exit): it is to have no
 * frame of its own.
 */
uint64_t rt_tail_open(uint64_t frame);

/*
 * The FDE's personality: counts a tagged frame's slot out when unwinding leaves it, and reports
 * it.  Needs to know the unwinder that calls it: rt_state.get_gr and get_ip, or find_object.
 */
int rt_personality(int version, int actions, uint64_t cls, void *exc, void *context);

/* A run of a program ends that began at rt_ktime_get_ns() `start`. */
void rt_run_end(struct shm_run *table, uint64_t start);

/* -- helpers: r1..r5 in the SysV argument registers, r0 in rax ---------------------- */
uint64_t rt_map_lookup_elem(struct shm_map *m, const void *key);
uint64_t rt_hash_lookup(struct shm_map *m, const void *key); /* of a plain hash map */
/* Of a plain hash map that programs may write. */
uint64_t rt_map_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags);
uint64_t rt_map_hash_delete(struct shm_map *m, const void *key);
uint64_t rt_map_update_elem(struct shm_map *m, const void *key, const void *value, uint64_t flags);
uint64_t rt_map_delete_elem(struct shm_map *m, const void *key);
uint64_t rt_map_lookup_percpu_elem(struct shm_map *m, const void *key, uint32_t cpu);
/*
 * The code of programs in arrays, by their numbers, as a tail call enters it; written by the control
 * process.  0: not here.
 */
#define RT_TAILS 1024
extern uint64_t rt_tails[RT_TAILS];

/*
 * Callbacks are functions of the program: SysV functions of up to five words.  What they do is
 * bounded; how often they are called, by INSN_MAX_LOOPS and by the map's size.
 */
typedef uint64_t (*rt_callback)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
uint64_t rt_loop(uint32_t n, rt_callback fn, uint64_t arg, uint64_t flags);
uint64_t rt_for_each_map_elem(struct shm_map *m, rt_callback fn, uint64_t arg, uint64_t flags);
uint64_t rt_ringbuf_output(struct shm_map *m, const void *data, uint64_t size, uint64_t flags);
uint64_t rt_ringbuf_reserve(struct shm_map *m, uint64_t size, uint64_t flags);
uint64_t rt_ringbuf_submit(void *sample, uint64_t flags);
uint64_t rt_ringbuf_discard(void *sample, uint64_t flags);
uint64_t rt_ringbuf_query(struct shm_map *m, uint64_t what);
uint64_t rt_perf_event_output(const uint64_t *ctx, struct shm_map *m, uint64_t flags,
			      const void *data, uint64_t size);
uint64_t rt_probe_read(void *dst, uint32_t size, uint64_t src);
uint64_t rt_probe_read_str(void *dst, uint32_t size, uint64_t src);
/* -EPERM: it is memory of ours; -EFAULT; for programs that are allowed to (rt/write.c). */
uint64_t rt_probe_write_user(uint64_t dst, const void *src, uint32_t size);
/* The lowest size bytes (at most 8) of a word in memory, 0 where there is none. */
uint64_t rt_load(uint64_t addr, uint64_t size);
/*
 * rt_load() for generated code: r11 the address, r10 the size; r11 the word.  Preserves all other
 * registers but flags, takes any stack alignment.
 */
void rt_load_word(void);
uint64_t rt_trace_printk(const char *fmt, uint32_t fmt_size, uint64_t a, uint64_t b, uint64_t c);
uint64_t rt_trace_vprintk(const char *fmt, uint32_t fmt_size, const uint64_t *data, uint32_t len);
uint64_t rt_snprintf(char *str, uint32_t size, const char *fmt, const uint64_t *data, uint32_t len);
uint64_t rt_ktime_get_ns(void);
uint64_t rt_ktime_get_boot_ns(void);
uint64_t rt_ktime_get_coarse_ns(void);
uint64_t rt_ktime_get_tai_ns(void);
uint64_t rt_get_current_pid_tgid(void);
uint64_t rt_get_current_uid_gid(void);
uint64_t rt_get_current_comm(char *buf, uint32_t size);
uint64_t rt_get_smp_processor_id(void);
uint64_t rt_get_numa_node_id(void);
uint64_t rt_get_prandom_u32(void);
uint64_t rt_get_func_arg(const uint64_t *ctx, uint32_t n, uint64_t *value);
uint64_t rt_get_func_arg_cnt(const uint64_t *ctx);
uint64_t rt_get_func_ret(const uint64_t *ctx, uint64_t *value); /* fexit, fmod_ret only */
uint64_t rt_get_func_ip(const uint64_t *ctx);
uint64_t rt_override_return(uint64_t *ctx, uint64_t rc); /* ctx[-3] = 1, result slots = rc, 0 */
/*
 * utramp_set_result(): ctx[-3] = 1, and value is the result, in its slots or, if ctx[-4] is not 0,
 * there in memory.  ctx[-5] is its size; negative: extended by its sign.  -EINVAL another
 * size, -EFAULT that memory cannot be written; the function then runs.
 */
uint64_t rt_set_result(uint64_t *ctx, const void *value, uint32_t size);
/*
 * ret, frame: where the hit's return address and rbp lie; the engines put them in.  NULL: not in
 * a trampoline, -EINVAL.
 */
uint64_t rt_get_stack(const uint64_t *ctx, void *buf, uint32_t size, uint64_t flags,
		      const uint64_t *ret, const uint64_t *frame);
/* The fourth is none: ret and frame are the fifth and the sixth for all that walk. */
uint64_t rt_get_stackid(const uint64_t *ctx, struct shm_map *m, uint64_t flags, uint64_t none,
			const uint64_t *ret, const uint64_t *frame);
/* For programs that trace generates; see rt/varargs.c. */
uint64_t rt_format_args(void *out, uint32_t cap, const void *format, const uint64_t *entry,
			uint64_t how);
uint64_t rt_strncmp(const char *s1, uint32_t size, const char *s2);

/* -- maps, for the control side (slot: whose per-CPU value; locks as slot 0) ----------- */

/* -ENOENT, -E2BIG (index or element count), -EEXIST, -EBUSY, -EINVAL as bpf(2) has them. */
int rt_hash_get_next(struct shm_map *m, const void *key, void *next); /* NULL key: first */
void *rt_hash_value(struct shm_map *m, const void *key, uint32_t slot);
int rt_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		   uint32_t slot);
int rt_hash_delete(struct shm_map *m, const void *key);

/* Keys of bucket number `bucket`: how many there are, the first cap of them in keys; -ENOENT: no
 * such bucket, -EBUSY: it never rested. */
int rt_hash_bucket(struct shm_map *m, uint32_t bucket, void *keys, uint32_t cap);

/* Delete an element; before that see() gets its value, of each thread slot that has ever
 * counted.  No update comes between the two. */
int rt_hash_take(struct shm_map *m, const void *key,
		 void (*see)(void *arg, const void *value, uint32_t slot), void *arg);

/* A stack trace map's bucket: number of addresses, at most max; 0: none.  -ENOENT, -EBUSY. */
int rt_stack_read(const struct shm_stack *s, uint64_t *pc, uint32_t max);
int rt_stack_delete(struct shm_map *m, struct shm_stack *s);

/*
 * Lay out the hash tables of a fresh map in zeroed arena memory: h->buckets (of
 * rt_hash_buckets_size bytes), h->elems (of rt_hash_elems_size) and h->rest (of
 * rt_hash_rest_size, or 0) are the caller's to set before; everything else in h is written.  m->hash, and for per-CPU m->values, too.
 */
uint64_t rt_hash_buckets_size(uint32_t max_entries);
uint64_t rt_hash_elems_size(const struct shm_map *m);
uint64_t rt_hash_rest_size(void);
void rt_hash_init(struct shm_map *m, struct shm_hash *h, uint32_t seed);

#pragma GCC visibility pop

#endif
