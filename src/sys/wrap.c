/*
 * sys/wrap.c - where the linker sends libbpf's calls (-Wl,--wrap=...).
 *
 *   syscall  bpf(2) is answered by sys_bpf(); every other number passes through.
 *   close    closing the last descriptor of a link detaches at once, as bpf(2) has it.
 *            Without a session: the plain call.  With one: one fstat() more.
 *   btf__load_vmlinux_btf  libbpf wants the kernel's types for CO-RE without
 *            btf_custom_path and for typed .ksyms; the kernel's are wrong for a user-space
 *            target, so it gets a BTF of ours that has the kfuncs (sys/kfunc.c): other
 *            weak externs become 0, others are refused by libbpf with the name.
 *
 * Context  [ctl] any thread
 */
#include "sys/session.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int sys_close_fd(int fd)
{
	return __real_close(fd);
}

/*
 * Named parameters in the place of "...": psABI 3.2.3 passes both alike, and what the caller
 * did not give is handed on as garbage, as libc's own syscall() does.
 */
long __wrap_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	if (nr == __NR_bpf)
		return sys_bpf((int)a, (union bpf_attr *)(uintptr_t)b, (unsigned)c);
	return __real_syscall(nr, a, b, c, d, e, f);
}

int __wrap_close(int fd)
{
	bool look = sys_any_session();
	struct stat st;
	int err, ret;

	if (look && fstat(fd, &st) < 0)
		look = false;
	ret = __real_close(fd);
	err = errno;
	if (look && ret == 0)
		sys_closed(st.st_dev, st.st_ino);
	errno = err;
	return ret;
}

struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	return sys_kfunc_btf();
}
