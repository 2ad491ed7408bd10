/*
 * typed.bpf.c - programs that the verifier takes, or not, by what it knows of their arguments.  CASE says
 * which.
 */
#include <linux/bpf.h>

#include "typed.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

#ifndef KIND
#define KIND "fentry"
#endif
#define ON(func_) KIND "/typed_victim:" #func_

#define NUMBERS 1
#define TAIL    2
#define WALK    3
#define PATTERN 4
#define CLASSES 5
#define BEYOND  6
#define CUT     7
#define HOLE    8
#define AGREED  9
#define BOUNDED 10

#if CASE == NUMBERS || CASE == TAIL || CASE == BOUNDED

static unsigned char a[256], b[256], c[65536], d[65536], e[256], f[256];

#if CASE == BOUNDED
#define AT(v_, n_) ((v_) & ((n_)-1))
#else
#define AT(v_, n_) (v_)
#endif

/* No check of an index: what the argument is says enough. */
SEC(ON(numbers))
int numbers(unsigned long long *ctx)
{
	a[AT((long)ctx[0] + 128, 256)]++;
	b[AT(ctx[1], 256)]++;
	c[AT((long)ctx[2] + 32768, 65536)]++;
	d[AT(ctx[3], 65536)]++;
	e[AT((unsigned long)((long)ctx[4] + (1l << 31)) >> 24, 256)]++;
	f[AT(ctx[5] >> 24, 256)]++;
	a[AT((long)ctx[6] + 128, 256)]++;
	d[AT(ctx[7], 65536)]++;
	b[AT(ctx[8], 256)]++;
	e[AT((unsigned long)((long)ctx[9] + (1l << 31)) >> 24, 256)]++;
	bpf_printk("#numbers %ld %lu %ld", ctx[0], ctx[1], ctx[2]);
	bpf_printk("#%lu %ld %lu", ctx[3], ctx[4], ctx[5]);
	bpf_printk("#%ld %lu %lu", ctx[6], ctx[7], ctx[8]);
	bpf_printk("#%ld", ctx[9]);
	return 0;
}

#endif
#if CASE == TAIL || CASE == BOUNDED

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__array(values, int(void *));
} next SEC(".maps") = { .values = { [0] = (void *)&numbers } };

SEC(ON(wide))
int first(unsigned long long *ctx)
{
	bpf_tail_call(ctx, &next, 0);
	return 0;
}

#elif CASE == NUMBERS
#elif CASE == WALK

SEC(ON(walk))
int BPF_PROG(walk, struct big *b, struct req *r, const char *text, unsigned long handle,
	     struct conn *f, unsigned long pair)
{
	struct conn *as_conn = (struct conn *)r;

	bpf_printk("#walk %ld %d %d", b->c, b->conn->port, as_conn->peer->port);
	bpf_printk("#%d %d %d", r->two[1].port, r->rows[1][0], r->conn->port);
	bpf_printk("#%u %d %d", r->own.level, r->more[1].port, text[3]);
	bpf_printk("#more %d %d", ((struct conn *)r->opaque)->port,
		   ((struct conn *)r->handle)->port);
	bpf_printk("#%d %d %d", ((struct conn *)handle)->port, f->port, (int)(pair >> 32));
	if (r->number >> 12 == 0 || (r->handle & 1))
		bpf_printk("#wrong");
	return 0;
}

#elif CASE == PATTERN

long seen;

SEC(KIND "/typed_victim:agree_*")
int BPF_PROG(pattern, struct req *r, void *any)
{
	seen += r->own.port;
	seen += *(int *)any;
	return 0;
}

#elif CASE == CLASSES

struct base {
	void *vptr;
	int id;
};

struct derived {
	void *vptr;
	int id;
	short extra; /* a second base, in the padding of the first */
	long own;
	struct base *other;
};

SEC("fentry/take")
int BPF_PROG(take, struct derived *d, struct derived *e, struct base *copy)
{
	bpf_printk("#%d", d->id + d->extra + (int)d->own + d->other->id + (int)e->own + copy->id);
	return 0;
}

SEC("fentry/Derived::method")
int BPF_PROG(method, struct derived *this, int n)
{
	bpf_printk("#%ld", this->own + n);
	return 0;
}

#else

long seen;

#if CASE == AGREED
SEC(KIND "/typed_victim:agree_*")
#else
SEC(ON(walk))
#endif
int prog(unsigned long long *ctx)
{
	struct req *r = (struct req *)ctx[CASE == AGREED ? 0 : 1];

#if CASE == BEYOND || CASE == AGREED
	struct conn *c = r->own.peer;

	seen += *((long *)c + 2);
#elif CASE == CUT
	seen += *(long *)&r->own.port;
#else
	seen += *((int *)r + 23);
#endif
	return 0;
}

#endif
