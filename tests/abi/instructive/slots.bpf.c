/*
 * tests/abi/instructive/slots.bpf.c - all words of a call's context, at entry; instructive_test.py
 * names the functions.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "MIT";

#define WORDS 16

struct words_event {
	__u64 ip, n, word[WORDS];
};

struct words_event *_words_event; /* so that the object's BTF has it */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} words SEC(".maps");

SEC("fentry")
int at_entry(__u64 *ctx)
{
	struct words_event *e = bpf_ringbuf_reserve(&words, sizeof(*e), 0);

	if (!e)
		return 0;
	e->ip = bpf_get_func_ip(ctx);
	e->n = bpf_get_func_arg_cnt(ctx);
	for (__u32 i = 0; i < WORDS; i++) {
		__u64 value = 0;

		if (i < e->n)
			bpf_get_func_arg(ctx, i, &value);
		e->word[i] = value;
	}
	bpf_ringbuf_submit(e, 0);
	return 0;
}
