/*
 * rt/read.c - reads and writes of target memory that survive bad addresses.
 *
 * process_vm_readv() and process_vm_writev() on the own process: a partial transfer ends at a
 * remote vector's border, so a vector a page tells how far memory can be reached.
 *
 * Errors   -EFAULT, and the whole of dst is zero
 * Context  [probe]
 * Spec     bpf-helpers(7) bpf_probe_read_*; process_vm_readv(2)
 */
#include "rt/probe.h"

#define PAGE  4096ull
#define PAGES 8 /* remote vectors a call */

struct vec {
	uint64_t base, len;
};

/* nr moves bytes between own and the other address; how many. */
static uint64_t move_some(long nr, void *own, uint64_t size, uint64_t other)
{
	const struct rt_thread *t = rt_self();
	struct vec local, remote[PAGES];
	uint64_t done = 0;
	long pid, n = 0, got;

	for (; n < PAGES && done < size && other + done >= other; n++) {
		uint64_t len = PAGE - ((other + done) & (PAGE - 1));

		if (len > size - done)
			len = size - done;
		remote[n] = (struct vec){ other + done, len };
		done += len;
	}
	local = (struct vec){ (uint64_t)own, done };
	pid = t ? t->pid : rt_sys3(__NR_getpid, 0, 0, 0);
	got = rt_sys6(nr, pid, (long)&local, 1, (long)remote, n, 0);
	if (got == -ESRCH || got == -EPERM) /* a vfork child with its parent's block */
		got = rt_sys6(nr, rt_sys3(__NR_getpid, 0, 0, 0), (long)&local, 1, (long)remote, n,
			      0);
	return got > 0 ? (uint64_t)got : 0;
}

uint64_t rt_read_some(void *dst, uint64_t size, uint64_t src)
{
	return move_some(__NR_process_vm_readv, dst, size, src);
}

int rt_write_all(uint64_t dst, const void *src, uint64_t size)
{
	uint64_t from = (uint64_t)src, done = 0, got;

	if (rt_state.flags & RT_FLAG_NO_READS) {
		rt_copy((void *)dst, src, size);
		return 0;
	}
	while (done < size) {
		got = move_some(__NR_process_vm_writev, (void *)(from + done), size - done,
				dst + done);
		if (!got)
			return 1;
		done += got;
	}
	return 0;
}

static uint64_t read_fault(void *dst, uint64_t size)
{
	rt_zero(dst, size);
	return RT_ERR(EFAULT);
}

uint64_t rt_probe_read(void *dst, uint32_t size, uint64_t src)
{
	uint64_t done = 0, got;

	if (rt_state.flags & RT_FLAG_NO_READS)
		return read_fault(dst, size);
	while (done < size) {
		got = rt_read_some((char *)dst + done, size - done, src + done);
		if (!got)
			return read_fault(dst, size);
		done += got;
	}
	return 0;
}

/* The length with the NUL; a longer string is cut.  What was read beyond the NUL is cleared. */
uint64_t rt_probe_read_str(void *dst, uint32_t size, uint64_t src)
{
	uint64_t done = 0, got;
	char *d = dst;

	if (rt_state.flags & RT_FLAG_NO_READS)
		return read_fault(dst, size);
	while (done < size) {
		got = rt_read_some(d + done, size - done, src + done);
		if (!got)
			return read_fault(dst, size);
		for (uint64_t i = done; i < done + got; i++) {
			if (!d[i]) {
				rt_zero(d + i, done + got - i);
				return i + 1;
			}
		}
		done += got;
	}
	if (size)
		d[size - 1] = 0;
	return size;
}
