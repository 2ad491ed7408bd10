/*
 * sys/wrap.c - where the linker sends libbpf's calls (-Wl,--wrap=...).
 *
 *   syscall  bpf(2) is answered by sys_bpf(); every other number passes through.
 *   close    closing the last descriptor of a link detaches at once, as bpf(2) has it.
 *            Without a session: the plain call.  With one: one fstat() more.
 *   btf__load_vmlinux_btf  libbpf wants the kernel's types for CO-RE without
 *            btf_custom_path and for typed .ksyms; the kernel's are wrong for a user-space
 *            target, so it gets an empty BTF: weak externs become 0, others are refused by
 *            libbpf with the name.
 *
 * Context  [ctl] any thread
 */
#include "sys/session.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int sys_close_fd(int fd)
{
	return __real_close(fd);
}

long __wrap_syscall(long nr, ...)
{
	long arg[6];
	va_list ap;
	int i;

	/* As libc's own: six words are taken, whatever the caller gave. */
	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == __NR_bpf) /* NOLINTNEXTLINE: the kernel's own way to pass a pointer */
		return sys_bpf((int)arg[0], (union bpf_attr *)(uintptr_t)arg[1], (unsigned)arg[2]);
	return __real_syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
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
	return btf__new_empty();
}
