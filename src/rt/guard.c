/*
 * rt/guard.c - the recursion guard's slow path.
 *
 * An entry whose frame is not above ours was left by siglongjmp: the stack has grown back
 * past it.  That holds on one stack only: a handler on the alternate stack, which may lie
 * above, must not drop what it interrupted.  So entries on the other side of the alternate
 * stack's border are kept.
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

static void drop_stale(struct rt_thread *t, uint64_t frame)
{
	struct altstack alt = { 0, 0, 0, 0 };
	int asked = 0;

	while (t->depth) {
		uint64_t top = t->running[t->depth - 1].frame;

		if (top > frame)
			return;
		if (!asked)
			rt_sys3(__NR_sigaltstack, 0, (long)&alt, 0);
		asked = 1;
		if (on_altstack(&alt, top) != on_altstack(&alt, frame))
			return;
		t->depth--;
	}
}

uint64_t rt_guard_enter(uint64_t prog, uint64_t frame, struct shm_prog *stats)
{
	struct rt_thread *t = rt_thread_self();

	if (!t)
		return 0;
	if (t->depth > RT_MAX_RUNNING) /* counted out more often than in: nothing runs */
		t->depth = 0;
	drop_stale(t, frame);
	for (uint32_t i = 0; i < t->depth; i++) {
		if (t->running[i].prog == prog)
			goto missed;
	}
	if (t->depth == RT_MAX_RUNNING)
		goto missed;
	t->running[t->depth] = (struct rt_running){ prog, frame };
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	t->depth++;
	return 1;
missed:
	__atomic_fetch_add(&stats->missed, 1, __ATOMIC_RELAXED);
	return 0;
}
