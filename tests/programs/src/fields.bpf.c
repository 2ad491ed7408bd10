/* fields.bpf.c - what to read is told by a table that users fill: numbers of arguments, offsets, sizes. */
#include "../programs.h"

#define FIELDS   4
#define MAX_SIZE 16

struct field {
	__u8 arg, size, follow;
	short offset;
};

struct rule {
	__u32 n;
	struct field field[FIELDS];
};

/* transfer(conn, buf, len): the number, 3 bytes at 5 of the buffer, the length, nothing */
const volatile struct rule rule = {
	.n = 3,
	.field = { { 0, 4, 0, 0 }, { 1, 3, 1, 5 }, { 2, 8, 0, 0 }, { 9, 200, 1, -1 } },
};

struct got {
	__u8 bytes[FIELDS][MAX_SIZE];
	__u32 used[FIELDS];
};

MAP(_got, PERCPU_ARRAY, 1, __u32, struct got);
__u64 taken, misses, sums[FIELDS];

static __noinline long read_field(const volatile struct field *f, unsigned long long *args,
				  __u8 *to)
{
	__u32 size = f->size, arg = f->arg;
	const __u8 *from;

	if (arg > 2)
		return -22;
	if (size > MAX_SIZE)
		size = MAX_SIZE;
	if (!f->follow) {
		__u64 v = arg == 0 ? args[0] : arg == 1 ? args[1] : args[2];

		return bpf_probe_read_kernel(to, size & 15, &v + 0) ? -14 : size;
	}
	from = (const __u8 *)(arg == 1 ? args[1] : args[2]) + f->offset;
	return bpf_probe_read_user(to, size, from) ? -14 : size;
}

SEC("fentry/transfer")
int collect(unsigned long long *ctx)
{
	unsigned long long args[3] = { ctx[0], ctx[1], ctx[2] };
	__u32 zero = 0, i, k;
	struct got *g = bpf_map_lookup_elem(&_got, &zero);

	if (!g)
		return 0;
	for (i = 0; i < FIELDS; i++) {
		long n;

		if (i >= rule.n)
			break;
		n = read_field(&rule.field[i], args, g->bytes[i]);
		if (n < 0) {
			misses++;
			continue;
		}
		g->used[i] = n;
		taken += n;
		for (k = 0; k < MAX_SIZE && k < g->used[i]; k++)
			sums[i] += g->bytes[i][k];
	}
	return 0;
}
