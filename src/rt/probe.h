/*
 * rt/probe.h - what the files of rt/ share: system calls, the arena, copies.
 *
 * Errors   rt_sys*() give the kernel's negative errno and leave errno alone
 * Context  [probe] private to rt/
 * Spec     psABI A.2.1 (system calls clobber rcx and r11 only)
 */
#ifndef RT_PROBE_H
#define RT_PROBE_H

#include "rt/rt.h"

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/bpf.h>
#include <stddef.h>

#define RT_ERR(e) ((uint64_t)(int64_t) - (e))

static inline long rt_sys6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

#ifdef RT_NATIVE
	/*
	 * A copy that nobody calls for signals, in a program that may trace itself: its calls by
	 * constant number would look as if that went around libc (attach/faults.c F.3).
	 */
	long none;

	__asm__("xorl %k0, %k0" : "=r"(none) : : "cc");
	nr += none;
#endif
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline long rt_sys3(long nr, long a, long b, long c)
{
	return rt_sys6(nr, a, b, c, 0, 0, 0);
}

/* Copies of any size without a call of memcpy, which is libc's in the native build. */
static inline void rt_copy(void *dst, const void *src, uint64_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;
	uint64_t w;

	for (; n >= 8; n -= 8, d += 8, s += 8) {
		__builtin_memcpy(&w, s, 8);
		__builtin_memcpy(d, &w, 8);
	}
	for (; n; n--) {
		uint8_t byte = *s++;

		/* the loop stays a loop, and movsb, which goes by DF, is not its body */
		__asm__ volatile("" : "+r"(byte) : : "memory");
		*d++ = byte;
	}
}

/*
 * A string instruction, forwards, whatever DF is, and DF as it was: a function of assembly may be
 * called with DF set, and so may the helpers of its programs.  There is no red zone here.
 */
#define RT_FORWARDS(insn) \
	"pushfq\n\tcld\n\t" insn "\n\ttestb $4, 1(%%rsp)\n\tje 1f\n\tstd\n" \
	"1:\tleaq 8(%%rsp), %%rsp"

static inline void rt_zero(void *dst, uint64_t n)
{
	void *d = dst;
	uint64_t words = n / 8;

	__asm__ volatile(RT_FORWARDS("rep stosq\n\tmov %k3, %%ecx\n\trep stosb")
			 : "+&D"(d), "+&c"(words)
			 : "a"(0), "r"(n % 8)
			 : "memory", "cc");
}

static inline int rt_equal(const void *a, const void *b, uint64_t n)
{
	const uint8_t *p = a, *q = b;
	uint64_t v, w;

	for (; n >= 8; n -= 8, p += 8, q += 8) {
		__builtin_memcpy(&v, p, 8);
		__builtin_memcpy(&w, q, 8);
		if (v != w)
			return 0;
	}
	for (; n; n--) {
		if (*p++ != *q++)
			return 0;
	}
	return 1;
}

static inline struct shm_arena *rt_map_arena(struct shm_map *m)
{
	return (struct shm_arena *)(void *)((char *)m - m->self);
}

static inline void *rt_map_at(struct shm_map *m, shm_ref ref)
{
	return (char *)m - m->self + ref;
}

/* The word at rt_state.tls_off; before anything is set up, some address that is no block's. */
static inline struct rt_thread *rt_tls_block(void)
{
	struct rt_thread *t;

	__asm__ volatile("movq %%fs:(%1), %0"
			 : "=r"(t)
			 : "r"((int64_t)rt_state.tls_off)
			 : "memory");
	return t;
}

/* rt_thread_self(), of a thread that is registered without a call. */
static inline struct rt_thread *rt_self(void)
{
	struct rt_thread *t = rt_tls_block();

	if (__builtin_expect(t && t->magic == RT_THREAD_MAGIC, 1))
		return t;
	return rt_thread_self();
}

/* The owner word of the calling thread; without a thread table, the control process's. */
static inline uint32_t rt_owner(const struct rt_thread *t)
{
	return t ? SHM_OWNER(t->slot, t->claims) : 0;
}

/* How many bytes from src on were copied, at most size, at most 8 pages; faults end it. */
uint64_t rt_read_some(void *dst, uint64_t size, uint64_t src);

/*
 * All of it, or not 0: somebody else's memory, if the prototype was wrong.  Where system calls are
 * not for us (RT_FLAG_NO_READS) the prototype is believed.
 */
int rt_write_all(uint64_t dst, const void *src, uint64_t size);

#define RT_STACK_DEPTH 127 /* entries of a stack, those that are skipped included */

/*
 * How many callers there are, at most skip + max; those behind the first skip go to out.  ret and
 * frame: where return address and rbp of the hit lie.
 */
uint64_t rt_walk_stack(uint64_t *out, uint64_t skip, uint64_t max, const uint64_t *ret,
		       const uint64_t *frame);

/* Fills the thread's stack bounds in struct rt_tls.  1: it is libc's, with a whole struct pthread at fs:0. */
int rt_find_room(void);

/* The functions that look into the contexts of the unwinder which has `caller` in its code. */
struct rt_unwinder {
	uint64_t get_gr, get_ip;
};

int rt_find_unwinder(uint64_t caller, struct rt_unwinder *out); /* 0: not known */

/* The frame at this rbp, of slot number `hook`, is being left: count it, tell the sinks. */
void rt_unwound(uint64_t frame, uint32_t hook);

int rt_owner_dead(struct shm_arena *a, uint32_t owner);

/* A lock word in a map that holds SHM_OWNER() + 1 of its owner: 0, or -EBUSY, counted; a dead
 * owner is robbed. */
int rt_map_lock(struct shm_map *m, uint32_t *lock, uint32_t owner);
void rt_map_unlock(uint32_t *lock);
uint64_t rt_output2(struct shm_map *m, const void *a, uint64_t na, const void *b, uint64_t nb);

void *map_array_lookup(struct shm_map *m, const void *key, uint32_t slot);
int map_array_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		     uint32_t slot);
int map_hash_update(struct shm_map *m, const void *key, const void *value, uint64_t flags,
		    uint32_t slot, uint32_t owner);
int map_hash_delete(struct shm_map *m, const void *key, uint32_t owner);

#endif
