/* probe.h - what each object of the command-line tests begins with. */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

#endif
