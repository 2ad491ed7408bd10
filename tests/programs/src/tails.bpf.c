/* tails.bpf.c - a state machine whose states are programs, jumped to through a table. */
#include "../programs.h"

#define STEP(n) int step_##n(void *ctx)
STEP(0);
STEP(1);
STEP(2);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} _steps SEC(".maps") = {
	.values = { [0] = (void *)&step_0, [1] = (void *)&step_1, [2] = (void *)&step_2 },
};

struct state {
	__u32 left, ran;
	__u64 trail;
};

MAP(_state, PERCPU_ARRAY, 1, __u32, struct state);
__u64 trails, missing, ends;

static __always_inline int advance(void *ctx, int which)
{
	__u32 zero = 0;
	struct state *s = bpf_map_lookup_elem(&_state, &zero);

	if (!s)
		return 0;
	s->trail = s->trail * 10 + which + 1;
	s->ran++;
	if (!s->left) {
		ends++;
		trails += s->trail;
		return 0;
	}
	s->left--;
	bpf_tail_call(ctx, &_steps, (which * 2 + s->left) % 4);
	missing++;
	return 0;
}

#define DEFINE(n) \
	SEC("fentry/many") \
	int step_##n(void *ctx) \
	{ \
		return advance(ctx, n); \
	}
DEFINE(0)
DEFINE(1)
DEFINE(2)

SEC("fentry/many")
int BPF_PROG(begin, int a)
{
	__u32 zero = 0;
	struct state *s = bpf_map_lookup_elem(&_state, &zero);

	if (!s)
		return 0;
	s->left = (__u32)a % 5;
	s->ran = 0;
	s->trail = 0;
	bpf_tail_call(ctx, &_steps, 0);
	return 0;
}
