/*
 * fail_malloc.bpf.c - let every hundredth malloc() fail, as when memory is short.
 *
 *	utramp run fail_malloc.bpf.o -- sqlite3 :memory: 'select 1'
 *
 * A fmod_ret program runs in place of the function if it says so: bpf_override_return() makes
 * its value the result, 0 included, and the function is not called.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <utramp/tracing.bpf.h>

char LICENSE[] SEC("license") = "MIT";

#define ENOMEM 12

__u64 calls, failed, every = 100;

SEC("fmod_ret/libc:malloc")
int UT_PROG(fail_malloc, __u64, size)
{
	__u64 n = __sync_fetch_and_add(&calls, 1) + 1;

	if (!every || n % every)
		return 0;
	__sync_fetch_and_add(&failed, 1);
	utramp_set_errno(ENOMEM);
	bpf_override_return((void *)ctx, 0);
	return 0;
}
