/*
 * rt/guard.c - the recursion guard's slow path.
 *
 * An entry whose frame is not above ours was left by siglongjmp: the stack has grown back
 * past it.  That holds on one stack only: a handler on the alternate stack, which may lie
 * above, must not drop what it interrupted.  So entries on the other side of the alternate
 * stack's border are kept.
 *
 * depth may change under us at any instruction, and not only as handlers do, which put it
 * back: a coroutine that a signal switched away from goes on in the middle of this, and
 * threads made by clone() without a thread pointer of their own share the block.  So depth
 * is read once; programs may be missed then, running[] is not left.
 *
 * Statistics of runs belong to the thread's slot: no line is shared, and one instruction is whole for
 * signal handlers.
 *
 * Context  [probe] signal-safe
 */
#include "rt/probe.h"

struct altstack {
	uint64_t sp;
	int32_t flags, pad;
	uint64_t size;
};

static int on_altstack(const struct altstack *alt, uint64_t frame)
{
	return frame - alt->sp < alt->size;
}

/* How many of the depth entries are left. */
static uint32_t drop_stale(const struct rt_thread *t, uint32_t depth, uint64_t frame)
{
	struct altstack alt = { 0, 0, 0, 0 };
	int asked = 0;

	for (; depth; depth--) {
		uint64_t top = t->running[depth - 1].frame;

		if (top > frame)
			break;
		if (rt_state.flags & RT_FLAG_FILTERED)
			break; /* not known where it is: kept */
		if (!asked)
			rt_sys3(__NR_sigaltstack, 0, (long)&alt, 0);
		asked = 1;
		if (on_altstack(&alt, top) != on_altstack(&alt, frame))
			break;
	}
	return depth;
}

uint64_t rt_guard_enter(uint64_t prog, uint64_t frame, struct shm_prog *stats)
{
	struct rt_thread *t = rt_thread_self();
	uint32_t depth;

	if (!t)
		return 0;
	depth = __atomic_load_n(&t->depth, __ATOMIC_RELAXED);
	if (depth > RT_MAX_RUNNING) /* counted out more often than in: nothing runs */
		depth = 0;
	depth = drop_stale(t, depth, frame);
	__atomic_store_n(&t->depth, depth, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < depth; i++) {
		if (t->running[i].prog == prog)
			goto missed;
	}
	if (depth == RT_MAX_RUNNING)
		goto missed;
	t->running[depth] = (struct rt_running){ prog, frame };
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&t->depth, depth + 1, __ATOMIC_RELAXED);
	return 1;
missed:
	__atomic_fetch_add(&stats->missed, 1, __ATOMIC_RELAXED);
	return 0;
}

void rt_run_end(struct shm_run *table, uint64_t start)
{
	const struct rt_thread *t = rt_self();
	struct shm_run *r = &table[t ? t->slot : 0];
	uint64_t ns = rt_ktime_get_ns() - start;

	__asm__ volatile("addq %1, %0" : "+m"(r->ns) : "r"(ns) : "cc");
	__asm__ volatile("incq %0" : "+m"(r->count) : : "cc");
}
