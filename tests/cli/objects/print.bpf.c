/*
 * print.bpf.c - maps, rings and global data of every kind that `utramp run` prints.
 *
 * work(i, 1) for i from 0 on is the input of all of it.
 */
#include "probe.h"

enum color { RED = -1, GREEN, BLUE = 5 };

struct name_key {
	int delta; /* negative first */
	char name[8];
	enum color color;
};

struct totals {
	__u64 n;
	long low;
	struct {
		_Bool seen;
		char tag[4];
		unsigned bits : 3;
	} last;
};

struct events_event {
	int a;
	long long twice;
	enum color color;
	_Bool odd;
	char name[16];
	struct {
		short x, y;
	} at;
	const void *where;
};

struct tail_event {
	unsigned n;
	__u8 more[];
};

/* nothing else refers to them */
struct events_event *_events_event;
const struct tail_event *keep_tail_event;

#define MAP(NAME, TYPE, N, KEY, VALUE) \
	struct { \
		__uint(type, BPF_MAP_TYPE_##TYPE); \
		__uint(max_entries, N); \
		__type(key, KEY); \
		__type(value, VALUE); \
	} NAME SEC(".maps")

typedef __u32 row[4];

MAP(by_value, HASH, 64, int, __u64);
MAP(structs, HASH, 64, struct name_key, struct totals);
MAP(squares, ARRAY, 8, __u32, long);
MAP(rows, ARRAY, 4, __u32, row);
MAP(percpu, PERCPU_ARRAY, 2, __u32, long);
MAP(percpu_sets, PERCPU_HASH, 8, __u64, struct totals);
MAP(sizes_hist, ARRAY, 32, __u32, __u64);
MAP(cpu_hist, PERCPU_ARRAY, 27, __u32, __u32);
MAP(_hidden, HASH, 8, int, int);
MAP(nothing, HASH, 8, int, int);
MAP(pairs, HASH, 4, int, unsigned __int128);

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 3);
	__uint(value_size, 5);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps"), tail SEC(".maps"), bare SEC(".maps");

long calls;
int lowest = 0x7fffffff;
unsigned char byte_of;
_Bool every;
enum color color = BLUE;
char who[8];
struct totals whole;
const void *pointer;
short list[3];
double ratio = 0.25;
__u64 global_hist[40];
int _private;
static volatile int inner;
const volatile int fixed = 7; /* .rodata */

static void rings(int a)
{
	struct events_event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
	int two[2] = { a, -1 };
	struct {
		unsigned n;
		unsigned char more[3];
		unsigned char pad;
	} t = { a, { 1, 2, 3 }, 4 };

	bpf_ringbuf_output(&bare, two, sizeof(two), 0);
	bpf_ringbuf_output(&tail, &t, 4 + (a & 3), 0);
	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e));
	e->a = -a;
	e->twice = 1ll << (40 + a);
	e->color = a ? BLUE : RED;
	e->odd = a & 1;
	__builtin_memcpy(e->name, "call\"\n", 7);
	e->at.x = -2;
	e->where = (void *)0x1234;
	bpf_ringbuf_submit(e, 0);
	bpf_ringbuf_output(&events, two, sizeof(two), 0);
}

static void globals(int a)
{
	whole.n++;
	whole.low = -5;
	whole.last.seen = 1;
	whole.last.bits = 5;
	calls++;
	inner += 2;
	lowest = -a;
	byte_of = 200;
	every = 1;
	__builtin_memcpy(who, "me", 3);
	pointer = (void *)0xabcdef;
	list[1] = -3;
	_private = 1;
	global_hist[a & 31]++;
}

static void hashes(int a)
{
	struct name_key k = { .delta = a - 2, .name = "n", .color = a & 1 ? RED : GREEN };
	struct totals t = { .n = 1, .low = -1 };
	unsigned __int128 wide = (unsigned __int128)1 << 64;
	char key[3] = { 1, 2, a }, value[5] = { 5, 4, 3, 2, 1 };
	__u64 v = a & 3, big = 1ull << 63;

	__builtin_memcpy(t.last.tag, "tags", 4);
	t.last.seen = 1;
	bpf_map_update_elem(&by_value, &a, &v, 0);
	bpf_map_update_elem(&structs, &k, &t, 0);
	bpf_map_update_elem(&_hidden, &a, &a, 0);
	bpf_map_update_elem(&percpu_sets, &big, &t, 0);
	bpf_map_update_elem(&pairs, &a, &wide, 0);
	bpf_map_update_elem(&untyped, key, value, 0);
}

static void arrays(int a)
{
	__u32 i = a & 7, zero = 0;
	long *v = bpf_map_lookup_elem(&squares, &i);
	__u64 *h = bpf_map_lookup_elem(&sizes_hist, &i);
	__u32 *r, *c;

	if (v)
		*v = -(long)a * a;
	if (h)
		*h += a + 1;
	i = 26;
	c = bpf_map_lookup_elem(&cpu_hist, &i);
	if (c)
		*c += 1;
	v = bpf_map_lookup_elem(&percpu, &zero);
	if (v)
		*v += 10;
	i = 2;
	r = bpf_map_lookup_elem(&rows, &i);
	if (r)
		r[1] = a;
}

SEC("fentry/work")
int BPF_PROG(print, int a, int b)
{
	rings(a);
	globals(a);
	hashes(a);
	arrays(a);
	return 0;
}
