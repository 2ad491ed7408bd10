/* loops.bpf.c - bpf_loop() with what it works on in a struct, loops inside, and one that ends early. */
#include "../programs.h"

#define MAX 64

struct search {
	const struct node *at;
	long want, sum;
	int found, steps;
};

struct table {
	__u64 cell[MAX];
};

MAP(_tables, ARRAY, 1, __u32, struct table);
__u64 found, steps, sums, filled, table_sum;

static long step(__u32 i, void *arg)
{
	struct search *s = arg;
	long value = 0;

	if (!s->at)
		return 1;
	bpf_probe_read_user(&value, sizeof(value), &s->at->value);
	s->sum += value;
	s->steps++;
	if (value == s->want) {
		s->found = i + 1;
		return 1;
	}
	bpf_probe_read_user(&s->at, sizeof(s->at), &s->at->next);
	return 0;
}

static long fill(__u32 i, void *arg)
{
	struct table **t = arg;

	if (i >= MAX)
		return 1;
	(*t)->cell[i] = i * i;
	return 0;
}

static long rows(__u32 i, void *arg)
{
	return bpf_loop(i, fill, arg, 0) != i;
}

SEC("fentry/sum_list")
int BPF_PROG(walk, const struct node *n)
{
	struct search s = { .at = n, .want = 100 };

	bpf_loop(100, step, &s, 0);
	found += s.found != 0;
	steps += s.steps;
	sums += s.sum;
	return 0;
}

SEC("fentry/spend")
int BPF_PROG(table, int turns)
{
	__u32 zero = 0;
	struct table *t = bpf_map_lookup_elem(&_tables, &zero);

	if (!t || turns)
		return 0;
	filled = bpf_loop(20, rows, &t, 0);
	for (int i = 0; i < MAX; i++)
		table_sum += t->cell[i];
	return 0;
}
