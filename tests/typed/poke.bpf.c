/*
 * poke.bpf.c - bpf_probe_write_user() to addresses of all sorts; each result is printed.  KIND: how it is
 * attached.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#ifndef KIND
#define KIND "fentry"
#endif

struct poke {
	void *at;
	long value;
};

long _own;
static const char text[] = "written";

static long in_loop(unsigned long n, struct poke *p)
{
	long err = bpf_probe_write_user(p->at, &p->value, 8);

	bpf_printk("#loop %ld", err);
	return 0;
}

static __attribute__((noinline)) long in_function(void *at)
{
	char copy[64] = "from a function";

	return bpf_probe_write_user(at, copy, sizeof(copy));
}

/* what: 0 text there, 1 what is ours, by its own address; 2 from a callback, 3 from a function */
SEC(KIND "/poke_victim:poke")
int BPF_PROG(poke, void *at, long what)
{
	struct poke p = { at, 0x1122334455667788 };

	if (what == 0) {
		bpf_printk("#poke %ld", bpf_probe_write_user(at, text, sizeof(text)));
	} else if (what == 1) {
		bpf_printk("#stack %ld", bpf_probe_write_user(&p, text, sizeof(text)));
		bpf_printk("#ctx %ld", bpf_probe_write_user(ctx, text, sizeof(text)));
		bpf_printk("#map %ld", bpf_probe_write_user(&_own, text, sizeof(text)));
		p.at = (void *)ctx;
		bpf_loop(1, in_loop, &p, 0);
		p.at = &p;
		bpf_loop(1, in_loop, &p, 0);
		bpf_printk("#function %ld", in_function(ctx));
	} else if (what == 2) {
		bpf_loop(1, in_loop, &p, 0);
	} else {
		bpf_printk("#function %ld", in_function(at));
	}
	return 0;
}
