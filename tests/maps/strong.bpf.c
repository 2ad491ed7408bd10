/* strong.bpf.c - an extern that nobody has, and that is not weak; -DKCONFIG: an option. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#ifdef KCONFIG
extern bool CONFIG_UTRAMP_IS_NO_OPTION __kconfig;
#define VALUE CONFIG_UTRAMP_IS_NO_OPTION
#else
extern const void utramp_no_such_symbol __ksym;
#define VALUE ((long)&utramp_no_such_symbol)
#endif

long value;

SEC("fentry/work")
int BPF_PROG(entry)
{
	value = VALUE;
	return 0;
}
