/* ring_paths.bpf.c - a reserved record on every way through a program: sent or thrown away. */
#include "../programs.h"

struct calls_event {
	__u64 kind;
	long value;
	char text[16];
};

RING(calls);
const struct calls_event *_calls_event;
const volatile bool verbose = false;
__u64 thrown, none;

static __noinline int describe(struct calls_event *e, const char *from)
{
	if (!e)
		return -1;
	__builtin_memset(e->text, 0, sizeof(e->text));
	return bpf_probe_read_user_str(e->text, sizeof(e->text), from);
}

static __always_inline struct calls_event *begin(__u64 kind)
{
	struct calls_event *e = bpf_ringbuf_reserve(&calls, sizeof(*e), 0);

	if (!e) {
		none++;
		return NULL;
	}
	e->kind = kind;
	e->value = 0;
	e->text[0] = 0;
	return e;
}

SEC("fexit/run_command")
int BPF_PROG(told, const char *file, void *argv, int ret)
{
	struct calls_event *e = begin(1);

	if (!e)
		return 0;
	if (ret > 20) {
		thrown++;
		goto discard;
	}
	if (describe(e, file) < 0)
		goto discard;
	switch (ret) {
	case 1:
		e->value = -1;
		break;
	case 3:
		e->value = 33;
		bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
		return 0;
	default:
		if (verbose)
			bpf_printk("%d words", ret);
		e->value = ret;
	}
	bpf_ringbuf_submit(e, 0);
	return 0;
discard:
	bpf_ringbuf_discard(e, 0);
	return 0;
}

/* two at once */
SEC("fentry/depth")
int BPF_PROG(pair, int n)
{
	struct calls_event *a, *b;

	if (n & 3)
		return 0;
	a = begin(2);
	if (!a)
		return 0;
	b = begin(3);
	if (!b) {
		bpf_ringbuf_discard(a, 0);
		return 0;
	}
	b->value = n;
	a->value = -n;
	bpf_ringbuf_submit(b, 0);
	if (n == 4)
		bpf_ringbuf_discard(a, 0);
	else
		bpf_ringbuf_submit(a, 0);
	return 0;
}
