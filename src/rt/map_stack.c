/*
 * rt/map_stack.c - stack trace maps: bpf_get_stackid, and the control side's look at them.
 *
 * A stack's bucket is told by a hash of its addresses; the bucket holds one stack.  Readers take
 * no lock: they see the same even version before and behind, or look again.  A writer holds the
 * bucket's lock.  What a killed writer leaves has an odd version and counts as empty, for its
 * lock is taken from it.
 *
 * Errors   -EEXIST another stack is in the bucket, and BPF_F_REUSE_STACKID is not given;  -EBUSY
 *          the bucket is being written, by the interrupted program maybe (counted)
 * Differs  a bucket is there for every id, so there is no -ENOMEM
 * Context  [probe] [ctl] signal-safe; 1 KiB of stack for the addresses
 * Spec     bpf-helpers(7); kernel/bpf/stackmap.c (__bpf_get_stackid, bpf_stackmap_copy)
 */
#include "rt/probe.h"

#define FLAGS \
	((uint64_t)(BPF_F_SKIP_FIELD_MASK | BPF_F_USER_STACK | BPF_F_FAST_STACK_CMP | \
		    BPF_F_REUSE_STACKID))
#define READ_TRIES 1000

static struct shm_stack *stack_at(struct shm_map *m, uint32_t id)
{
	return (struct shm_stack *)(void *)((char *)rt_map_at(m, m->values) +
					    (uint64_t)id * m->value_stride);
}

static uint32_t hash_stack(const uint64_t *pc, uint32_t n)
{
	uint64_t h = n;

	while (n--) {
		h = (h ^ *pc++) * 0xd6e8feb86659fd93ull;
		h ^= h >> 32;
	}
	return (uint32_t)(h * 0xd6e8feb86659fd93ull >> 32);
}

enum { HOLDS_NOTHING, HOLDS_IT, HOLDS_OTHER, IN_FLUX };

/* What is in the bucket, seen without its lock. */
static int stack_compare(const struct shm_stack *s, const uint64_t *pc, uint32_t n, uint32_t hash,
			 int fast)
{
	uint32_t version = __atomic_load_n(&s->version, __ATOMIC_ACQUIRE);
	int what = HOLDS_OTHER;

	if (version & 1)
		return IN_FLUX;
	if (!s->nr)
		what = HOLDS_NOTHING;
	else if (s->hash == hash && (fast || (s->nr == n && rt_equal(s->pc, pc, 8ull * n))))
		what = HOLDS_IT;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return version == __atomic_load_n(&s->version, __ATOMIC_RELAXED) ? what : IN_FLUX;
}

/* Under the lock. */
static void stack_write(struct shm_stack *s, const uint64_t *pc, uint32_t n, uint32_t hash)
{
	__atomic_store_n(&s->version, s->version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->hash = hash;
	s->nr = n;
	rt_copy(s->pc, pc, 8ull * n);
	__atomic_store_n(&s->version, s->version + 1, __ATOMIC_RELEASE);
}

/* 0 or an error; the lock is taken only to write, or to wait for who writes. */
static int stack_put(struct shm_map *m, struct shm_stack *s, const uint64_t *pc, uint32_t n,
		     uint32_t hash, uint64_t flags)
{
	int fast = (flags & BPF_F_FAST_STACK_CMP) != 0, what, err;

	what = stack_compare(s, pc, n, hash, fast);
	if (what == HOLDS_IT)
		return 0;
	if (what == HOLDS_OTHER && !(flags & BPF_F_REUSE_STACKID))
		return -EEXIST;
	err = rt_map_lock(m, &s->lock, rt_owner(rt_thread_self()));
	if (err)
		return err;
	what = s->version & 1 ? HOLDS_NOTHING : stack_compare(s, pc, n, hash, fast);
	if (what == HOLDS_NOTHING || (what == HOLDS_OTHER && flags & BPF_F_REUSE_STACKID))
		stack_write(s, pc, n, hash);
	else if (what != HOLDS_IT)
		err = -EEXIST;
	rt_map_unlock(&s->lock);
	return err;
}

uint64_t rt_get_stackid(const uint64_t *ctx, struct shm_map *m, uint64_t flags, uint64_t none,
			const uint64_t *ret, const uint64_t *frame)
{
	uint64_t pc[RT_STACK_DEPTH], skip = flags & BPF_F_SKIP_FIELD_MASK, n;
	uint32_t max, hash, id;
	int err;

	(void)ctx;
	(void)none;
	if (flags & ~FLAGS || m->type != BPF_MAP_TYPE_STACK_TRACE || !ret)
		return RT_ERR(EINVAL);
	max = m->value_size / 8;
	max = max < RT_STACK_DEPTH ? max : RT_STACK_DEPTH;
	n = rt_walk_stack(pc, skip, max, ret, frame);
	if (n <= skip)
		return RT_ERR(EFAULT);
	n -= skip;
	hash = hash_stack(pc, (uint32_t)n);
	id = hash & (SHM_STACK_BUCKETS(m->max_entries) - 1);
	err = stack_put(m, stack_at(m, id), pc, (uint32_t)n, hash, flags);
	return err ? (uint64_t)(int64_t)err : id;
}

/* -- the control side --------------------------------------------------------------- */

int rt_stack_read(const struct shm_stack *s, uint64_t *pc, uint32_t max)
{
	uint32_t version, n;

	for (int i = 0; i < READ_TRIES; i++) {
		version = __atomic_load_n(&s->version, __ATOMIC_ACQUIRE);
		n = __atomic_load_n(&s->nr, __ATOMIC_RELAXED);
		n = n < max ? n : max;
		rt_copy(pc, s->pc, 8ull * n);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(version & 1) && version == __atomic_load_n(&s->version, __ATOMIC_RELAXED))
			return (int)n;
		__builtin_ia32_pause();
	}
	return 0; /* its writer is dead, or it changes all the time */
}

int rt_stack_delete(struct shm_map *m, struct shm_stack *s)
{
	int err = rt_map_lock(m, &s->lock, 0);

	if (err)
		return err;
	err = s->version & 1 || !s->nr ? -ENOENT : 0;
	stack_write(s, NULL, 0, 0);
	rt_map_unlock(&s->lock);
	return err;
}
