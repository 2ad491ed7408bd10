/*
 * sections.bpf.c - .s sections, programs that are not loaded by default, .kconfig, weak externs.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern int CONFIG_HZ __kconfig __weak;
extern bool CONFIG_UTRAMP_IS_NO_OPTION __kconfig __weak;
extern __u64 CONFIG_UTRAMP_NUMBER __kconfig __weak;
extern const void utramp_no_such_symbol __ksym __weak;
extern void utramp_no_such_function(void) __ksym __weak;

struct rq;
extern const struct rq utramp_no_such_variable __ksym __weak;

int version, hz, entries, exits, modified, optional;
bool cookies, option = true, has_symbol = true, has_function = true, has_variable = true;
__u64 number = 7;

SEC("fentry.s/work")
int BPF_PROG(entry_s, int a)
{
	entries++;
	version = LINUX_KERNEL_VERSION;
	cookies = LINUX_HAS_BPF_COOKIE;
	hz = CONFIG_HZ;
	option = CONFIG_UTRAMP_IS_NO_OPTION;
	number = CONFIG_UTRAMP_NUMBER;
	has_symbol = &utramp_no_such_symbol != 0;
	has_variable = &utramp_no_such_variable != 0;
	if (utramp_no_such_function)
		utramp_no_such_function();
	else
		has_function = false;
	return 0;
}

SEC("fexit.s/work")
int BPF_PROG(exit_s, int a, const char *text, int ret)
{
	exits += ret == a * 2;
	return 0;
}

SEC("fmod_ret.s/idle")
int BPF_PROG(modify_s, int a, int ret)
{
	modified++;
	return 100;
}

SEC("?fentry/no_such_function_anywhere")
int BPF_PROG(not_loaded)
{
	optional++;
	return 0;
}
