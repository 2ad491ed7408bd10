/*
 * rt/read.c - reads and writes of target memory that survive bad addresses.
 *
 * Three ways, one for all of a target (attach/faults.c chooses):
 *   RT_FLAG_FAULTS    plain loads and stores, which the handler of rt/fault.c lets fault: 1 ns
 *   none of the two   process_vm_readv() and process_vm_writev() on the own process: a partial
 *                     transfer ends at a remote vector's border, so a vector a page tells how
 *                     far memory can be reached
 *   RT_FLAG_NO_READS  there is no way: every address is bad
 *
 * What can be nobody's memory is bad without asking.
 *
 * Words are loaded as they come, so one may reach over a page's end; only where it faults there,
 * bytes tell how far memory goes.  Strings are read in aligned words, which never reach over it:
 * what lies behind the NUL is looked at and matters to nobody.
 *
 * Errors   -EFAULT, and the whole of dst is zero
 * Context  [probe]
 * Spec     bpf-helpers(7) bpf_probe_read_*; process_vm_readv(2)
 */
#include "rt/fault.h"

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

/* -- plain, guarded --------------------------------------------------------------------- */

static int faults_are_caught(void)
{
	return rt_state.flags & RT_FLAG_FAULTS;
}

/* Bytes up to the first that is not there. */
static uint64_t copy_bytes(uint8_t *dst, uint64_t size, uint64_t src)
{
	uint64_t done = 0;

	while (done < size && !rt_guarded_load1(src + done, &dst[done]))
		done++;
	return done;
}

/* How many bytes there are, at most size. */
static uint64_t copy_guarded(uint8_t *dst, uint64_t size, uint64_t src)
{
	uint64_t done = 0, v;

	if (src + size < src)
		size = 0 - src;
	for (; size - done >= sizeof(v); done += sizeof(v)) {
		if (rt_guarded_load(src + done, &v)) {
			if ((src + done) % PAGE <= PAGE - sizeof(v))
				return done;
			return done + copy_bytes(dst + done, sizeof(v), src + done);
		}
		__builtin_memcpy(dst + done, &v, sizeof(v));
	}
	return done + copy_bytes(dst + done, size - done, src + done);
}

static int write_guarded(uint64_t dst, const uint8_t *src, uint64_t size)
{
	uint64_t done = 0, v;

	for (; size - done >= sizeof(v); done += sizeof(v)) {
		__builtin_memcpy(&v, src + done, sizeof(v));
		if (rt_guarded_store(dst + done, v))
			return 1;
	}
	for (; done < size; done++) {
		if (rt_guarded_store1(dst + done, src[done]))
			return 1;
	}
	return 0;
}

/* Is a byte of it zero?  The lowest such byte has its bit 7 set, and none below. */
static uint64_t zero_bytes(uint64_t v)
{
	return (v - 0x0101010101010101ull) & ~v & 0x8080808080808080ull;
}

/* The length with the NUL, or 0: a fault.  size is not 0. */
static uint64_t copy_string(uint8_t *d, uint64_t size, uint64_t src)
{
	uint64_t done = 0, v, zeros;

	for (; done < size && (src + done) % sizeof(v); done++) {
		if (rt_guarded_load1(src + done, &d[done]))
			return 0;
		if (!d[done])
			return done + 1;
	}
	while (size - done >= sizeof(v)) {
		if (rt_guarded_load(src + done, &v))
			return 0;
		zeros = zero_bytes(v);
		if (zeros) {
			unsigned n = (unsigned)__builtin_ctzll(zeros) / 8 + 1;

			rt_copy(d + done, &v, n);
			return done + n;
		}
		__builtin_memcpy(d + done, &v, sizeof(v));
		done += sizeof(v);
	}
	for (; done < size; done++) {
		if (rt_guarded_load1(src + done, &d[done]))
			return 0;
		if (!d[done])
			return done + 1;
	}
	d[size - 1] = 0;
	return size;
}

/* -- what others call ------------------------------------------------------------------- */

/*
 * NULL and small numbers, and what cannot be an address of user space: most of what is no pointer,
 * so that no fault is spent on it.  (The first page is nobody's: mmap(2), vm.mmap_min_addr; user space ends
 * at 2^56 at most, Documentation/arch/x86/x86_64/5level-paging.rst.)
 */
static int is_nowhere(uint64_t addr)
{
	return addr - PAGE >= (1ull << 56) - PAGE;
}

uint64_t rt_read_some(void *dst, uint64_t size, uint64_t src)
{
	if (rt_state.flags & RT_FLAG_NO_READS || is_nowhere(src))
		return 0;
	if (faults_are_caught())
		return copy_guarded(dst, size, src);
	return move_some(__NR_process_vm_readv, dst, size, src);
}

int rt_write_all(uint64_t dst, const void *src, uint64_t size)
{
	uint64_t from = (uint64_t)src, done = 0, got;

	if (is_nowhere(dst))
		return size != 0;
	if (rt_state.flags & RT_FLAG_NO_READS) {
		rt_copy((void *)dst, src, size);
		return 0;
	}
	if (faults_are_caught())
		return write_guarded(dst, src, size);
	while (done < size) {
		got = move_some(__NR_process_vm_writev, (void *)(from + done), size - done,
				dst + done);
		if (!got)
			return 1;
		done += got;
	}
	return 0;
}

static int read_all(void *dst, uint64_t size, uint64_t src)
{
	uint64_t done = 0, got;

	while (done < size) {
		got = rt_read_some((char *)dst + done, size - done, src + done);
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
	return read_all(dst, size, src) ? read_fault(dst, size) : 0;
}

uint64_t rt_load(uint64_t addr, uint64_t size)
{
	uint64_t v = 0;

	return read_all(&v, size <= sizeof(v) ? size : sizeof(v), addr) ? 0 : v;
}

/* The length with the NUL; a longer string is cut. */
uint64_t rt_probe_read_str(void *dst, uint32_t size, uint64_t src)
{
	uint64_t done = 0, got;
	char *d = dst;

	if (faults_are_caught() && size) {
		got = is_nowhere(src) ? 0 : copy_string(dst, size, src);
		return got ? got : read_fault(dst, size);
	}
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
