/*
 * isa.bpf.c - what compilers make of everything beyond plain instructions: callbacks, tail calls,
 * iterators, atomics, and what newer CPU levels have.  Each program leaves its results in a
 * variable; they are the same whichever compiler made it, for whichever level.
 *
 * Committed compiled, in objects/: tests/isa/compile.sh.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define WORK SEC("fentry/work")

/* -- callbacks ------------------------------------------------------------------------ */

struct sums {
	long plain, nested;
	int stop;
};

struct sums loop_sums;
long loop_results[5];

static long add_index(__u32 i, void *arg)
{
	struct sums *s = arg;

	s->plain += i;
	return i == (__u32)s->stop;
}

static long loop_again(__u32 i, void *arg)
{
	struct sums *outer = arg, inner = { .stop = -1 };

	bpf_loop(i, add_index, &inner, 0);
	outer->nested += inner.plain;
	return 0;
}

WORK int BPF_PROG(loops, int a)
{
	struct sums s = { .stop = -1 };

	if (a)
		return 0;
	loop_results[0] = bpf_loop(100, add_index, &s, 0);
	s.stop = 7;
	loop_results[1] = bpf_loop(100, add_index, &s, 0);
	loop_results[2] = bpf_loop(1 << 24, add_index, &s, 0);
	loop_results[3] = bpf_loop(1, add_index, &s, 8);
	loop_results[4] = bpf_loop(10, loop_again, &s, 0);
	loop_sums = s;
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, __u32);
	__type(value, __u64);
} _hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 128);
	__type(key, __u64);
	__type(value, __u64);
} _percpu_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 10);
	__type(key, __u32);
	__type(value, __u64);
} _array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 10);
	__type(key, __u32);
	__type(value, __u64);
} _percpu_array SEC(".maps");

long each_results[4], each_keys[4], each_values[4], each_emptied;

struct bpf_map;

struct visit {
	long keys, values;
};

static long visit_u32(struct bpf_map *map, __u32 *key, __u64 *value, struct visit *v)
{
	v->keys += *key;
	v->values += *value;
	return 0;
}

static long visit_u64(struct bpf_map *map, __u64 *key, __u64 *value, struct visit *v)
{
	v->keys += *key;
	v->values += *value;
	return 0;
}

static long delete_it(void *map, __u32 *key, __u64 *value, void *arg)
{
	bpf_map_delete_elem(map, key);
	return 0;
}

#define VISIT(n, map, how) \
	do { \
		struct visit v = { 0, 0 }; \
		each_results[n] = bpf_for_each_map_elem(&map, how, &v, 0); \
		each_keys[n] = v.keys; \
		each_values[n] = v.values; \
	} while (0)

WORK int BPF_PROG(each, int a)
{
	__u64 value = a * 3, key64 = a;
	__u32 key = a;

	bpf_map_update_elem(&_hash, &key, &value, 0);
	bpf_map_update_elem(&_percpu_hash, &key64, &value, 0);
	if (a < 10) {
		bpf_map_update_elem(&_array, &key, &value, 0);
		bpf_map_update_elem(&_percpu_array, &key, &value, 0);
	}
	if (a != 99)
		return 0;
	VISIT(0, _hash, visit_u32);
	VISIT(1, _percpu_hash, visit_u64);
	VISIT(2, _array, visit_u32);
	VISIT(3, _percpu_array, visit_u32);
	each_emptied = bpf_for_each_map_elem(&_hash, delete_it, 0, 0);
	each_emptied = each_emptied * 1000 + bpf_for_each_map_elem(&_hash, delete_it, 0, 0);
	return 0;
}

/* -- tail calls ------------------------------------------------------------------------ */

int by_first(void *), by_second(void *), by_itself(void *);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 5);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} _jumps SEC(".maps") = {
	.values = { [1] = (void *)&by_first, [3] = (void *)&by_second, [4] = (void *)&by_itself },
};

long tails_first, tails_second, tails_itself, tails_late, tails_none, tails_arg;
long tails_cookies, tails_callers;
__u64 _caller;

/* What the jumping program was attached by, and to, is what it finds. */
WORK int by_first(void *ctx)
{
	__u64 caller = 0;

	bpf_get_stack(ctx, &caller, sizeof(caller), BPF_F_USER_STACK);
	tails_callers += caller && caller == _caller;
	tails_first++;
	tails_arg += ((long *)ctx)[1];
	tails_cookies += bpf_get_attach_cookie(ctx);
	return 0;
}

static __attribute__((noinline)) int jump_from_here(void *ctx, long *n)
{
	bpf_tail_call(ctx, &_jumps, 1);
	return *n;
}

/* Its own frame is left, this program goes on. */
WORK int by_second(void *ctx)
{
	long here = 5;

	jump_from_here(ctx, &here);
	tails_second++;
	return 0;
}

WORK int by_itself(void *ctx)
{
	tails_itself++;
	bpf_tail_call(ctx, &_jumps, 4);
	return 0;
}

/* Put into the map later on, or not at all. */
WORK int by_late(void *ctx)
{
	tails_late++;
	return 0;
}

WORK int BPF_PROG(jumps, int a)
{
	bpf_get_stack(ctx, &_caller, sizeof(_caller), BPF_F_USER_STACK);
	bpf_tail_call(ctx, &_jumps, (unsigned int)a % 6);
	tails_none++;
	return 0;
}

/* Of the other kinds: at exit with a result to look at, and one that changes it. */
int leave_last(void *), replace(void *);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} _exits SEC(".maps") = { .values = { (void *)&leave_last } }, _changes SEC(".maps") = {
	.values = { (void *)&replace }
};

long exit_results, exit_helper;

SEC("fexit/work") int leave_last(void *ctx)
{
	__u64 ret = 0;

	exit_results += ((long *)ctx)[3];
	bpf_get_func_ret(ctx, &ret);
	exit_helper += ret;
	return 0;
}

SEC("fexit/work") int leave(void *ctx)
{
	bpf_tail_call(ctx, &_exits, 0);
	return 0;
}

SEC("fmod_ret/work") int replace(void *ctx)
{
	return 777;
}

SEC("fmod_ret/work") int BPF_PROG(change, int a)
{
	if (a == 50)
		bpf_tail_call(ctx, &_changes, 0);
	return 0;
}

/* -- iterators and casts ------------------------------------------------------------------ */

struct bpf_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;

struct node {
	long value;
	struct node *next;
};

long iter_sum, iter_errors, cast_sum;

WORK int BPF_PROG(iterators, int a, long b, struct node *n)
{
	struct bpf_iter_num it;
	int *i;

	bpf_iter_num_new(&it, 3, 10);
	while ((i = bpf_iter_num_next(&it)))
		iter_sum += *i;
	bpf_iter_num_destroy(&it);
	iter_errors = bpf_iter_num_new(&it, 0, 1 << 24);
	bpf_iter_num_destroy(&it);
	iter_errors += 100 * bpf_iter_num_new(&it, 1, 0);
	bpf_iter_num_destroy(&it);
	n = bpf_rdonly_cast(n, 0);
	cast_sum += n->value + ((struct node *)bpf_rdonly_cast(n->next, 0))->value;
	return 0;
}

/* -- instructions of the levels -------------------------------------------------------------- */

long atomic_word;
unsigned int atomic_half;
long atomics[8], arithmetic[8];

WORK int BPF_PROG(levels, int a, long b)
{
	volatile long big = b;
	volatile int small = a;

	__sync_fetch_and_add(&atomic_word, b);
	__sync_fetch_and_add(&atomic_half, 3);
#if __BPF_CPU_VERSION__ >= 3
	atomics[0] += __sync_fetch_and_add(&atomic_word, 0) != 0;
	atomics[1] = __sync_fetch_and_or(&atomics[2], 1l << (a & 63));
	atomics[3] = __sync_lock_test_and_set(&atomics[4], b);
	atomics[5] = __sync_val_compare_and_swap(&atomics[6], b - 5, b);
	atomics[6] = b;
#else
	atomics[0] += atomic_word != 0;
	atomics[1] = atomics[2];
	atomics[2] |= 1l << (a & 63);
	atomics[3] = atomics[4];
	atomics[4] = b;
	atomics[5] = atomics[6];
	atomics[6] = b;
#endif
	arithmetic[0] += (unsigned long)big / 7;
	arithmetic[1] += (unsigned int)small * 0x9e3779b1u >> 7;
	arithmetic[2] += (signed char)big + (short)(big << 3) + (int)(big << 30);
	arithmetic[3] +=
		__builtin_bswap32(small) ^ __builtin_bswap64(big) ^ __builtin_bswap16(small);
	arithmetic[4] += small < 50 ? -small : small >> 1;
#if __BPF_CPU_VERSION__ >= 4
	arithmetic[5] += big / -3 + small % 5;
#else /* as C has it, of numbers that are not negative */
	arithmetic[5] += -(long)((unsigned long)big / 3) + (unsigned int)small % 5;
#endif
	return 0;
}

/* may_goto, load-acquire, store-release: by clang 19's assembler, or the same in C. */
long may_goto_count, ordered_result;

WORK int BPF_PROG(newest, int a, long b)
{
	long n = 0;

	if (a)
		return 0;
#if __clang_major__ >= 19
	__asm__ volatile("1: may_goto 2f\n\t%[n] += 1\n\tgoto 1b\n\t2:" : [n] "+r"(n));
#else
	n = 8 << 20;
#endif
	may_goto_count = n;
#if __clang_major__ >= 19 /* by numbers: BPF_STX | BPF_ATOMIC | BPF_DW, 0x110 and 0x100 */
	{
		register long *to __asm__("r1") = &ordered_result;
		register long value __asm__("r2") = b + 41, back __asm__("r3");

		__asm__ volatile(".8byte 0x00000110000021db\n\t.8byte 0x00000100000013db"
				 : "=r"(back)
				 : "r"(to), "r"(value)
				 : "memory");
		ordered_result = back + 1;
	}
#else
	ordered_result = b + 42;
#endif
	return 0;
}
