/*
 * rt/room.c - how far the calling thread's own stack goes, asked at its first hit.
 *
 * A glibc thread's control block, to which fs points, is a struct pthread.  It holds
 * stackblock, stackblock_size and guardsize in a row (nptl/descr.h), at an offset that
 * differs by version, and itself lies at the top of that block, whoever gave the memory
 * (nptl/allocate_stack.c).  So the words are known by their sum, which no others have, and
 * rsp is not asked: the first hit may be a coroutine's, on memory of its own.
 *
 * Everybody else gets the main thread's bounds, which the control side knows: on that stack
 * they are right, and nowhere else they say anything.
 *
 * Does not fault: the control block's first three words are psABI's and glibc's mark of
 * itself, the rest is read if it lies in their page, is the main thread's, or the kernel says
 * that it is there.
 *
 * Context  [probe] signal-safe; a handler in between writes the same
 * Spec     psABI 3.4.6 (fs:0), "ELF Handling For Thread-Local Storage" 3.4.6
 */
#include "rt/probe.h"

#define PAGE  4096u
#define SLACK 4096u  /* the block is aligned down to the strictest TLS alignment */
#define LEAST 65536u /* nothing is mapped below: vm.mmap_min_addr as distributed */

struct range {
	uint64_t lo, size;
};

static uint64_t fs_word(uint64_t off)
{
	uint64_t v;

	__asm__ volatile("movq %%fs:(%1), %0" : "=r"(v) : "r"(off));
	return v;
}

static void tls_store(uint64_t off, uint64_t v)
{
	__asm__ volatile("movq %0, %%fs:(%1)"
			 :
			 : "r"(v), "r"((uint64_t)(int64_t)rt_state.tls_off + off)
			 : "memory");
}

/*
 * Is the whole struct there?  Its first word was read; it spans two pages at most.  The kernel is
 * asked by a call that creating a thread needs as well, so that no seccomp filter forbids it: it
 * reads the set before it sees that there is no such thing to do (kernel/signal.c).
 */
static int is_mapped(uint64_t at, uint64_t size)
{
	if (at == rt_state.main_tcb || at % PAGE + size <= PAGE)
		return 1;
	return size <= PAGE &&
	       rt_sys6(__NR_rt_sigprocmask, -1, (long)(at + size - 8), 0, 8, 0, 0) == -EINVAL;
}

/* size 0: not a thread of glibc's, or its main one. */
static struct range thread_stack(void)
{
	uint64_t at = fs_word(0), size = rt_state.pthread_size, top = at + size;
	const uint64_t *w = (const uint64_t *)at;

	if (!size || fs_word(16) != at || at % sizeof(*w) || !is_mapped(at, size))
		return (struct range){ 0, 0 };
	for (uint64_t i = 0; i + 2 < size / sizeof(*w); i++) {
		uint64_t block = w[i], bytes = w[i + 1], guard = w[i + 2];

		if (block < LEAST || block >= at || bytes - (top - block) >= SLACK)
			continue;
		if (guard > at - block)
			guard = 0;
		return (struct range){ block + guard, at - block - guard };
	}
	return (struct range){ 0, 0 };
}

int rt_find_room(void)
{
	struct range r = thread_stack();
	int is_libcs = r.size || (rt_state.main_tcb && fs_word(0) == rt_state.main_tcb);
	uint64_t room;

	if (!r.size)
		r = (struct range){ rt_state.stack_lo, rt_state.stack_size };
	room = r.size / 4;
	if (room < RT_ROOM_LEFT + RT_ROOM_IMAGE)
		room = RT_ROOM_LEFT + RT_ROOM_IMAGE;
	/* a forked child's are there already; lo first, so that no other stack is between */
	tls_store(offsetof(struct rt_tls, stack_lo), r.lo);
	tls_store(offsetof(struct rt_tls, stack_limit), r.size ? r.lo + room : 0);
	return is_libcs;
}
