/*
 * may_goto.bpf.c - loops that the run time bounds, by an instruction that only clang 19's assembler
 * knows; compiled by others they have a bound of their own, and the same results.
 */
#include "../programs.h"

#if __clang_major__ >= 19
#define can_loop \
	({ \
		__label__ over, go_on; \
		bool yes = true; \
		asm volatile goto("may_goto %l[over]" :: ::over); \
		goto go_on; \
over: \
		yes = false; \
go_on: \
		yes; \
	})
#define WHILE for (; can_loop;)
#else
#define WHILE for (int guard = 0; guard < 64; guard++)
#endif

__u64 nodes, sum, letters;

SEC("fentry/sum_list")
int BPF_PROG(walk, struct node *n)
{
	WHILE
	{
		if (!n)
			break;
		nodes++;
		sum += n->value;
		n = n->next;
	}
	return 0;
}

SEC("fentry/open_file")
int BPF_PROG(length, const char *path)
{
	__u64 i = 0;
	char c;

	WHILE
	{
		if (bpf_probe_read_user(&c, 1, path + i) || !c)
			break;
		i++;
	}
	letters += i;
	return 0;
}
