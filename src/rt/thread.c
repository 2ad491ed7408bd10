/*
 * rt/thread.c - the calling thread's block: claim a slot, find it again; its stack: room.c.
 *
 * A registration may be interrupted anywhere by a handler that registers as well.  Both
 * may even hold the same slot.  The TLS word is set by one cmpxchg from the value seen at
 * the start, so one of them wins and the other takes the winner's block.
 *
 * Context  [probe] signal-safe
 */
#include "rt/probe.h"

#define TID_MAX (1u << 22) /* include/linux/threads.h PID_MAX_LIMIT */

/* Initialised, so that it lies in the file and can be written there before loading. */
struct rt_state rt_state = { .magic = RT_STATE_MAGIC, .version = SHM_VERSION };

/* One instruction, so atomic against handlers of this thread; nobody else has the word. */
static int tls_replace(struct rt_thread *old, struct rt_thread *new)
{
	uint8_t ok;

	__asm__ volatile("cmpxchgq %3, %%fs:(%4)\n\tsete %0"
			 : "=q"(ok), "+a"(old)
			 : "0"(0), "r"(new), "r"((int64_t)rt_state.tls_off)
			 : "memory", "cc");
	return ok;
}

static uint64_t *thread_pair(struct shm_thread *th)
{
	return (uint64_t *)(void *)&th->tid; /* tid and pid, tid in the low half */
}

static int thread_dead(uint64_t pair)
{
	if (rt_state.flags & RT_FLAG_FILTERED)
		return 0; /* not known */
	return rt_sys3(__NR_tgkill, (long)(pair >> 32), (long)(uint32_t)pair, 0) == -ESRCH;
}

/*
 * The control process itself is slot 0.  An owner is dead when its slot has been claimed
 * again, is free, or its thread is gone.
 */
int rt_owner_dead(struct shm_arena *a, uint32_t owner)
{
	uint32_t slot = SHM_OWNER_SLOT(owner);
	struct shm_thread *th;
	uint64_t pair;

	if (slot >= SHM_MAX_THREADS)
		return 1;
	th = &a->thread[slot];
	pair = __atomic_load_n(thread_pair(th), __ATOMIC_ACQUIRE);
	if (!(uint32_t)pair || (uint16_t)th->claims != SHM_OWNER_CLAIMS(owner))
		return 1;
	return thread_dead(pair);
}

/*
 * The slot is ours by its tid.  Its claims rise once a registration, though a handler may
 * register in between, whose block then has the number that it saw: read claims, look
 * whether a handler was here, raise only what was read.  A handler before the first is
 * seen by the second, one behind the second makes the third fail.
 */
static uint32_t slot_took(struct shm_arena *a, uint32_t slot, const struct rt_thread *old)
{
	struct shm_thread *th = &a->thread[slot];
	uint32_t claims = __atomic_load_n(&th->claims, __ATOMIC_SEQ_CST);
	uint64_t used = __atomic_load_n(&a->slots_used, __ATOMIC_RELAXED);

	if (rt_tls_block() != old)
		return slot;
	/* whatever the slot's former owner held is now a dead owner's */
	if (!__atomic_compare_exchange_n(&th->claims, &claims, claims + 1, 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return slot;
	__atomic_store_n(&th->intent_ring, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&th->touched, 1, __ATOMIC_RELEASE);
	while (used <= slot && !__atomic_compare_exchange_n(&a->slots_used, &used, slot + 1, 0,
							    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		;
	return slot;
}

/*
 * Slots 1 .. SHM_MAX_THREADS - 1, from a hash of the tid on; the hash spans 64 slots only,
 * so that slots_used stays near the number of threads.  reclaim: take dead threads' too.
 */
static uint32_t slot_claim(struct shm_arena *a, uint64_t me, const struct rt_thread *old_block,
			   int reclaim)
{
	uint32_t start = (uint32_t)me * 2654435761u >> 26;

	for (uint32_t i = 0; i < SHM_MAX_THREADS - 1; i++) {
		uint32_t slot = 1 + (start + i) % (SHM_MAX_THREADS - 1);
		uint64_t *pair = thread_pair(&a->thread[slot]);
		uint64_t old = __atomic_load_n(pair, __ATOMIC_ACQUIRE);

		/* ours: an interrupted registration's, or a dead namesake's */
		if (old == me)
			return slot_took(a, slot, old_block);
		if ((uint32_t)old && !(reclaim && thread_dead(old)))
			continue;
		if (__atomic_compare_exchange_n(pair, &old, me, 0, __ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return slot_took(a, slot, old_block);
	}
	return 0;
}

/*
 * A handler may register the same block at any instruction of this, and one behind it use
 * it.  So what names the owner is never unset: all of it but claims is the same for both,
 * and claims go in one piece from what they were to the slot's, which fails when a handler
 * has put a later number there.  magic needs no unsetting: only a block in the TLS word is
 * asked for it, and a forked child's is wiped.  The counts stay: a call that a dead thread
 * entered may be left yet (a coroutine that goes on elsewhere), so only the sums of all
 * blocks say something, and they must be whole.
 */
static void block_init(struct rt_thread *t, struct shm_arena *a, uint32_t slot, uint64_t me)
{
	uint32_t claims = __atomic_load_n(&t->claims, __ATOMIC_SEQ_CST);

	t->slot = slot;
	t->tid = (uint32_t)me;
	t->pid = (uint32_t)(me >> 32);
	__atomic_compare_exchange_n(&t->claims, &claims,
				    __atomic_load_n(&a->thread[slot].claims, __ATOMIC_SEQ_CST), 0,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	t->depth = 0;
	rt_zero(t->running, sizeof(*t) - offsetof(struct rt_thread, running));
	t->random = (me ^ rt_ktime_get_ns() << 20) | 1;
	__atomic_store_n(&t->magic, RT_THREAD_MAGIC, __ATOMIC_RELEASE);
}

static uint32_t libc_tid(void)
{
	uint32_t tid;

	__asm__ volatile("movl %%fs:(%1), %0" : "=r"(tid) : "r"(rt_state.tid_off));
	return tid;
}

/*
 * A child that a forked child's thread has made by vfork() runs on that thread's pointer, and the
 * thread goes on with its block: so it is the thread's.  Whose the memory is the first thread
 * there says that libc knows by its own id (rt/sigview.c: so is the handler's view).
 */
static uint64_t asked_pair(struct rt_thread *first, int is_libcs)
{
	uint32_t tid = (uint32_t)rt_sys3(__NR_gettid, 0, 0, 0);
	uint32_t pid = (uint32_t)rt_sys3(__NR_getpid, 0, 0, 0);
	uint32_t owner = is_libcs && rt_state.tid_off ? libc_tid() : 0;
	uint32_t of = __atomic_load_n(&first->pid, __ATOMIC_RELAXED);

	if (owner == tid && !of)
		__atomic_store_n(&first->pid, pid, __ATOMIC_RELAXED);
	if (!owner || owner == tid || !of || thread_dead((uint64_t)of << 32 | owner))
		return tid | (uint64_t)pid << 32;
	return owner | (uint64_t)of << 32;
}

/*
 * pid and tid, without asking the kernel where they are known, since a filter (seccomp) may kill for
 * asking.  Not in a forked child, whose table is wiped, and whose struct pthread a bare fork(2) leaves as
 * its parent's was; nor of threads that libc did not make.
 */
static uint64_t my_pair(int is_libcs)
{
	struct rt_thread *first = (struct rt_thread *)(void *)rt_state.threads;
	uint32_t tid = 0;

	if (is_libcs && rt_state.tid_off && __atomic_load_n(&first->tid, __ATOMIC_RELAXED))
		tid = libc_tid();
	if (tid && tid <= TID_MAX)
		return (uint64_t)first->pid << 32 | tid;
	return asked_pair(first, is_libcs);
}

struct rt_thread *rt_thread_register(void)
{
	struct shm_arena *a = (struct shm_arena *)(void *)rt_state.arena;
	struct rt_thread *old, *t;
	uint64_t me;
	uint32_t slot;

	if (!a || !rt_state.threads)
		return NULL;
	old = rt_tls_block();
	if (old && old->magic == RT_THREAD_MAGIC)
		return old;
	me = my_pair(rt_find_room());
	slot = slot_claim(a, me, old, 0);
	if (!slot)
		slot = slot_claim(a, me, old, 1);
	if (!slot) {
		__atomic_fetch_add(&a->no_slot, 1, __ATOMIC_RELAXED);
		return NULL;
	}
	t = (struct rt_thread *)(void *)(rt_state.threads + (uint64_t)slot * RT_THREAD_SIZE);
	if (rt_tls_block() == old && !(t == old && old->magic == RT_THREAD_MAGIC)) {
		block_init(t, a, slot, me);
		if (tls_replace(old, t))
			return t;
	}
	/* a handler was here: its block counts; ours, if another one, is free again */
	old = rt_tls_block();
	if (old != t) {
		t->magic = 0;
		__atomic_store_n(&a->thread[slot].tid, 0, __ATOMIC_RELEASE);
	}
	return old;
}

struct rt_thread *rt_thread_self(void)
{
	struct rt_thread *t;

	if (!rt_state.arena)
		return NULL;
	t = rt_tls_block();
	if (t && t->magic == RT_THREAD_MAGIC)
		return t;
	return rt_thread_register();
}
