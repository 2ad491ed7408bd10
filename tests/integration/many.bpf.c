/*
 * many.bpf.c - 102 programs, a third of each kind, that note in which order they run.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "seen.h"

char LICENSE[] SEC("license") = "GPL";

struct many_state state;

static __always_inline int note(__u32 id)
{
	__u32 n = state.n;

	if (n < MANY_ORDER)
		state.id[n & (MANY_ORDER - 1)] = id;
	state.n = n + 1;
	return 0;
}

#define ONE(sec, kind, number) \
	SEC(sec) \
	int kind##number(void *ctx) \
	{ \
		return note(kind(number)); \
	}
#define ent(n) (1000 + 1##n - 100)
#define mod(n) (2000 + 1##n - 100)
#define ext(n) (3000 + 1##n - 100)
#define ROUND(n) \
	ONE("fentry", ent, n) \
	ONE("fmod_ret", mod, n) \
	ONE("fexit", ext, n)

/* clang-format off */
/* Numbers of two digits: names sort and 1##n - 100 is the number. */
ROUND(00)
ROUND(01) ROUND(02) ROUND(03) ROUND(04) ROUND(05) ROUND(06) ROUND(07) ROUND(08) ROUND(09) ROUND(10)
	ROUND(11) ROUND(12) ROUND(13) ROUND(14) ROUND(15) ROUND(16) ROUND(17) ROUND(18) ROUND(19)
		ROUND(20) ROUND(21) ROUND(22) ROUND(23) ROUND(24) ROUND(25) ROUND(26) ROUND(27)
			ROUND(28) ROUND(29) ROUND(30) ROUND(31) ROUND(32) ROUND(33)
	/* clang-format on */
