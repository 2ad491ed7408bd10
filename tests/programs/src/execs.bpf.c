/* execs.bpf.c - all words of a command line one behind the other, sent with the size that they have. */
#include "../programs.h"

#define WORD  64
#define WORDS 20

struct execs_event {
	int words, bytes;
	char comm[16];
	char text[WORD * WORDS];
};

const volatile unsigned int max_words = 12;

static const struct execs_event _empty;

MAP(_execs, HASH, 256, __u64, struct execs_event);
PERF(execs);
const struct execs_event *_execs_event;

/* Behind what is there, if a whole word fits; what it has of bytes, or less than 1. */
static __always_inline long append(struct execs_event *e, const char *word)
{
	unsigned int at = e->bytes;
	long n;

	if (at > sizeof(e->text) - WORD)
		return -1;
	n = bpf_probe_read_user_str(e->text + at, WORD, word);
	if (n > 0 && n <= WORD) {
		e->bytes = at + n;
		e->words++;
	}
	return n;
}

SEC("fentry/run_command")
int BPF_PROG(running, const char *file, const char *const *argv)
{
	__u64 id = bpf_get_current_pid_tgid();
	const char *word = NULL;
	struct execs_event *e;

	bpf_map_update_elem(&_execs, &id, &_empty, BPF_ANY);
	e = bpf_map_lookup_elem(&_execs, &id);
	if (!e || append(e, file) <= 0)
		return 0;
	for (unsigned int i = 1; i < WORDS; i++) {
		if (i == max_words) { /* there may be more, which only count as one */
			e->words += !bpf_probe_read_user(&word, sizeof(word), argv + i) && word;
			return 0;
		}
		if (bpf_probe_read_user(&word, sizeof(word), argv + i) || !word ||
		    append(e, word) <= 0)
			return 0;
	}
	return 0;
}

SEC("fexit/run_command")
int BPF_PROG(ran, const char *file, const char *const *argv, int ret)
{
	__u64 id = bpf_get_current_pid_tgid(), size;
	struct execs_event *e = bpf_map_lookup_elem(&_execs, &id);

	if (!e)
		return 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	size = offsetof(struct execs_event, text) + (unsigned int)e->bytes;
	if (ret >= 0 && size <= sizeof(*e))
		bpf_perf_event_output(ctx, &execs, BPF_F_CURRENT_CPU, e, size);
	bpf_map_delete_elem(&_execs, &id);
	return 0;
}
