/* bounded.bpf.c - loops that end by themselves, over the iterator of numbers: one inside another, left early. */
#include "../programs.h"

struct bpf_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

static __always_inline bool next_number(struct bpf_iter_num *it, int *out)
{
	int *at = bpf_iter_num_next(it);

	if (at)
		*out = *at;
	return at;
}

#define SIDE 32

int cells[SIDE];
const volatile int rows = 12;
__u64 triangle, nested, walked, words, cut, last;

static __noinline int count_row(int n)
{
	struct bpf_iter_num it;
	int k = 0;

	bpf_iter_num_new(&it, 0, n);
	while (next_number(&it, &k)) {
		if (k == 5)
			break;
		nested++;
	}
	bpf_iter_num_destroy(&it);
	return k;
}

SEC("fentry/spend")
int BPF_PROG(square, int turns)
{
	struct bpf_iter_num it;
	__u64 at;
	int i = 0;

	if (turns > 1000)
		return 0;
	bpf_iter_num_new(&it, 0, turns);
	while (next_number(&it, &i)) {
		triangle += i;
		at = i;
		known_now(at);
		if (at < SIDE)
			cells[at]++;
	}
	bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 1, rows);
	while (next_number(&it, &i))
		count_row(i);
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("fentry/sum_list")
int BPF_PROG(walk, struct node *n)
{
	struct bpf_iter_num it;
	int i = 0;

	bpf_iter_num_new(&it, 0, 100);
	while (next_number(&it, &i)) {
		last = i;
		if (!n)
			break;
		walked += n->value;
		n = n->next;
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("fentry/run_command")
int BPF_PROG(count_words, const char *file, const char *const *argv)
{
	struct bpf_iter_num it;
	const char *word = NULL;
	int i = 0;

	bpf_iter_num_new(&it, 0, 30);
	while (next_number(&it, &i)) {
		if (bpf_probe_read_user(&word, sizeof(word), &argv[i]) || !word)
			break;
		words++;
	}
	bpf_iter_num_destroy(&it);
	cut += word != NULL;
	return 0;
}
