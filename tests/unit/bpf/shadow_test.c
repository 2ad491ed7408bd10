/*
 * shadow_test.c - checked mode (bpf/shadow.h): every violation by name and instruction, and that
 * programs which do nothing wrong run through.
 *
 * The programs are loaded without the rules that the static checks have for registers
 * (allow_any_helper), so that what they would catch arrives here, too.
 */
#include "run.h"

#include "bpf/helper.h"
#include "bpf/proto.h"
#include "rt/rt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { FD_ARRAY = 7, FD_RING, FD_HASH, FD_FROZEN, FD_MAPS = 4 };

static struct arena *arena;
static struct map *maps[FD_MAPS];
static struct engine_env env;

/* Memory of the "target": slots 2 and 3 of ctx point at it. */
static uint64_t readable[2] = { 11, 22 }, writable[2];
static uint64_t words[8] = { 0xf00d, 4, 5, 6 };
#define CTX ((uint64_t)(uintptr_t)(words + 2))

static struct map *by_fd(void *arg, int fd)
{
	return fd >= FD_ARRAY && fd < FD_ARRAY + FD_MAPS ? maps[fd - FD_ARRAY] : NULL;
}

static void make(int fd, uint32_t type, uint32_t key, uint32_t value, uint32_t n, uint32_t flags,
		 const char *name)
{
	struct map_attr attr = { .type = type,
				 .key_size = key,
				 .value_size = value,
				 .max_entries = n,
				 .flags = flags,
				 .name = name };
	struct diag d = { "" };

	if (map_create(arena, &attr, &maps[fd - FD_ARRAY], &d))
		fail_msg("map_create %s: %s", name, d.text);
}

static int world(void **state)
{
	uint32_t key = 0;
	uint64_t value = 33;

	assert_int_equal(arena_create(&arena), 0);
	engine_env_native(arena, &env);
	rt_state.arena = env.arena;
	rt_state.tls_off = rt_tls_offset();
	make(FD_ARRAY, BPF_MAP_TYPE_ARRAY, 4, 16, 2, 0, "data");
	make(FD_RING, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, "events");
	make(FD_HASH, BPF_MAP_TYPE_HASH, 4, 8, 4, 0, "table");
	make(FD_FROZEN, BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_RDONLY_PROG, "fixed");
	assert_int_equal(map_update(maps[FD_HASH - FD_ARRAY], &key, &value, 0, 1), 0);
	words[4] = (uint64_t)(uintptr_t)readable;
	words[5] = (uint64_t)(uintptr_t)writable;
	return 0;
}

static int end_of_world(void **state)
{
	for (unsigned k = 0; k < FD_MAPS; k++)
		map_put(maps[k]);
	arena_destroy(arena);
	return 0;
}

static int run(enum program_kind kind, const char *text, uint64_t *r0, struct diag *d)
{
	static struct bpf_insn insn[MAX_INSNS];
	struct interp_range range[] = {
		{ (uint64_t)(uintptr_t)readable, (uint64_t)(uintptr_t)(readable + 2), false },
		{ (uint64_t)(uintptr_t)writable, (uint64_t)(uintptr_t)(writable + 2), true },
	};
	struct interp_opts o = { .checked = true, .fuel = 10000, .range = range, .nranges = 2 };
	struct program_attr attr = { .kind = kind,
				     .insn = insn,
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = PROGRAM_NO_CTX,
				     .allow_any_helper = true };
	int n = asmtext_parse(text, insn, MAX_INSNS, d->text, sizeof(d->text)), err;
	uint64_t plain[2] = { 1, 2 };
	struct program *p;

	if (n < 0)
		fail_msg("%s", d->text);
	attr.ninsns = (uint32_t)n;
	if (program_load(&attr, &p, d))
		fail_msg("%s\n%s", d->text, text);
	err = kind == PROGRAM_PLAIN ?
		      interp_run(p, &env, (uint64_t)(uintptr_t)plain, 16, &o, r0, d) :
		      interp_run(p, &env, CTX, 0, &o, r0, d);
	program_put(p);
	return err;
}

/* It ends with this result. */
static void good(enum program_kind kind, const char *text, uint64_t want)
{
	struct diag d = { "" };
	uint64_t r0 = 0;
	int err = run(kind, text, &r0, &d);

	if (err || r0 != want)
		fail_msg("%d %s, %llu, for:\n%s", err, d.text, (unsigned long long)r0, text);
}

/* It is stopped, and this is said. */
static void bad(enum program_kind kind, const char *text, const char *why)
{
	struct diag d = { "" };
	uint64_t r0 = 77;
	int err = run(kind, text, &r0, &d);

	if (err != -EFAULT || r0 != 77 || !strstr(d.text, why))
		fail_msg("%d '%s', want '%s', for:\n%s", err, d.text, why, text);
}

#define GOOD(text, want) good(PROGRAM_FENTRY, text, want)
#define BAD(text, why)   bad(PROGRAM_FENTRY, text, why)

/* -- registers ------------------------------------------------------------------------- */

#define UNSET(insn_, r_) "insn " #insn_ ": r" #r_ " is read, but was never set or died in a call"

static void test_registers(void **state)
{
	BAD("mov r0, r2\nexit\n", UNSET(0, 2));
	BAD("add r3, 1\nmov r0, 0\nexit\n", UNSET(0, 3));
	BAD("mov r0, 0\nadd r0, r9\nexit\n", UNSET(1, 9));
	BAD("neg r4\nmov r0, 0\nexit\n", UNSET(0, 4));
	BAD("be16 r4\nmov r0, 0\nexit\n", UNSET(0, 4));
	BAD("mov r0, 0\njeq r5, 0, end\nend: exit\n", UNSET(1, 5));
	BAD("mov r0, 0\njeq r0, r5, end\nend: exit\n", UNSET(1, 5));
	BAD("ldxdw r0, [r6+0]\nexit\n", UNSET(0, 6));
	BAD("stxdw [r10-8], r7\nmov r0, 0\nexit\n", UNSET(0, 7));
	BAD("stdw [r10-8], 0\nlock add [r10-8], r7\nmov r0, 0\nexit\n", UNSET(1, 7));
	BAD("stdw [r10-8], 0\nmov r1, 1\nlock cmpxchg [r10-8], r1\nexit\n", UNSET(2, 0));
	BAD("exit\n", UNSET(0, 0));
	/* only on this way, which nobody could know before */
	BAD("ldxdw r2, [r1+0]\njeq r2, 5, skip\nmov r0, 1\nskip: exit\n", UNSET(3, 0));
	/* calls */
	BAD("call 5\nmov r0, r1\nexit\n", UNSET(1, 1));
	BAD("mov r6, 1\ncall local f\nexit\nf: mov r0, r6\nexit\n", UNSET(3, 6));
	BAD("mov r0, 1\ncall local f\nexit\nf: exit\n", UNSET(2, 0));
	BAD("call local f\nmov r0, r2\nexit\nf: mov r0, 0\nmov r2, 0\nexit\n", UNSET(1, 2));
	GOOD("mov r6, 4\nmov r2, 3\ncall local f\nadd r0, r6\nexit\nf: mov r6, r2\nmov r0, r6\nexit\n",
	     7);
	good(PROGRAM_PLAIN, "mov r0, r2\nexit\n", 16);
}

/* -- the stack ------------------------------------------------------------------------- */

static void test_stack(void **state)
{
	GOOD("stdw [r10-8], 9\nldxdw r0, [r10-8]\nexit\n", 9);
	GOOD("stw [r10-8], 9\nstw [r10-4], 0\nldxdw r0, [r10-8]\nexit\n", 9);
	/* what was never set is a number */
	GOOD("ldxdw r0, [r10-8]\nmov r0, 0\nexit\n", 0);
	GOOD("stw [r10-8], 9\nldxdw r0, [r10-8]\nlsh r0, 32\nrsh r0, 32\nexit\n", 9);
	GOOD("stb [r10-1], 9\nldxh r0, [r10-2]\nrsh r0, 8\nexit\n", 9);
	GOOD("mov r1, 1\nlock add [r10-8], r1\nmov r0, 0\nexit\n", 0);
	BAD("ldxdw r1, [r10-8]\nldxdw r0, [r1+0]\nexit\n", "by a number");
	BAD("stdw [r10-8], 0\nldxdw r2, [r1+0]\nmov r3, r10\nadd r3, r2\nldxb r0, [r3+0]\nexit\n",
	    "load of 1 bytes at 0x");
	BAD("stdw [r10-8], 0\nldxdw r2, [r1+0]\nmov r3, r10\nadd r3, r2\nldxb r0, [r3+0]\nexit\n",
	    "outside the stack of its function");
	/* beyond the end of all stacks, by an offset from ctx */
	BAD("ldxdw r2, [r1+0]\nmov r3, r10\nlsh r2, 20\nsub r3, r2\nstdw [r3+0], 0\nmov r0, 0\nexit\n",
	    "insn 4: store of 8 bytes at 0x");
	BAD("mov r1, 1\nstdw [r10-16], 0\nstdw [r10-8], 0\nlock add [r10-12], r1\nmov r0, 0\nexit\n",
	    "insn 3: atomic operation of 8 bytes at unaligned 0x");
}

static void test_stack_of_functions(void **state)
{
	/* a caller's stack may be used, a callee's not any more */
	GOOD("stdw [r10-8], 3\nmov r1, r10\nadd r1, -8\ncall local f\nldxdw r0, [r10-8]\nexit\n"
	     "f: ldxdw r0, [r1+0]\nadd r0, 1\nstxdw [r1+0], r0\nexit\n",
	     4);
	BAD("call local f\nldxdw r0, [r0+0]\nexit\n"
	    "f: stdw [r10-8], 3\nmov r0, r10\nadd r0, -8\nexit\n",
	    "insn 1: load of 8 bytes at 0x");
	BAD("call local f\nldxdw r0, [r0+0]\nexit\n"
	    "f: stdw [r10-8], 3\nmov r0, r10\nadd r0, -8\nexit\n",
	    "the function has returned whose stack it is");
	/* the same place, another call: no pointer is there any more */
	BAD("call local f\ncall local g\nexit\nf: stdw [r10-16], 0\nstxdw [r10-8], r10\nmov r0, 0\nexit\n"
	    "g: ldxdw r1, [r10-8]\nldxdw r0, [r1-8]\nexit\n",
	    "by a number");
	BAD("mov r6, r10\nadd r6, -8\nmov r1, r6\ncall local f\nmov r1, r6\ncall local g\nexit\n"
	    "f: stdw [r10-8], 1\nmov r2, r10\nadd r2, -8\nstxdw [r1+0], r2\nmov r0, 0\nexit\n"
	    "g: stdw [r10-8], 2\nldxdw r1, [r1+0]\nldxdw r0, [r1+0]\nexit\n",
	    "the function has returned");
	/* from one function's stack into another's */
	BAD("stdw [r10-8], 3\nmov r1, r10\ncall local f\nexit\n"
	    "f: stdw [r10-8], 1\nsub r1, 16\nldxdw r0, [r1-512]\nexit\n",
	    "outside the stack of its function");
}

/* Pointers that are stored whole are pointers again; anything else is a number. */
static void test_spills(void **state)
{
	GOOD("stxdw [r10-8], r1\nldxdw r2, [r10-8]\nldxdw r0, [r2+8]\nexit\n", 6);
	BAD("stxdw [r10-8], r1\nstb [r10-1], 0\nldxdw r2, [r10-8]\nldxdw r0, [r2+8]\nexit\n",
	    "insn 3: load of 8 bytes at 0x");
	BAD("stxdw [r10-8], r1\nldxw r2, [r10-8]\nldxw r3, [r10-4]\nlsh r3, 32\nor r2, r3\n"
	    "ldxdw r0, [r2+0]\nexit\n",
	    "by a number, which is no pointer");
	BAD("stdw [r10-16], 0\nstxdw [r10-12], r1\nldxdw r2, [r10-12]\nldxdw r0, [r2+0]\nexit\n",
	    "by a number");
	BAD("stxdw [r10-8], r1\nmov r2, 0\nlock fetch_add [r10-8], r2\nldxdw r0, [r2+0]\nexit\n",
	    "by a number");
	BAD("stxdw [r10-8], r1\nmov r2, 0\nlock add [r10-8], r2\nldxdw r2, [r10-8]\n"
	    "ldxdw r0, [r2+0]\nexit\n",
	    "by a number");
}

/* -- pointers and numbers --------------------------------------------------------------- */

static void test_arithmetic(void **state)
{
	GOOD("mov r2, r1\nadd r2, 16\nsub r2, 8\nldxdw r0, [r2+0]\nexit\n", 6);
	GOOD("mov r2, 8\nadd r2, r1\nldxdw r0, [r2+0]\nexit\n", 6);
	GOOD("mov r2, r1\nadd r2, 8\nsub r2, r1\nmov r0, r2\nexit\n", 8);
	BAD("mov32 r2, r1\nldxdw r0, [r2+0]\nexit\n", "by a number");
	BAD("and r1, -8\nldxdw r0, [r1+0]\nexit\n", "insn 1: load of 8 bytes at 0x");
	BAD("mov r2, 0\nsub r2, r1\nneg r2\nldxdw r0, [r2+0]\nexit\n", "by a number");
	BAD("mov r2, r1\nadd r2, r1\nldxdw r0, [r2+0]\nexit\n", "by a number");
	BAD("mov r2, r1\nsub r2, r10\nadd r2, r10\nldxdw r0, [r2+0]\nexit\n",
	    "outside the stack of its function");
	BAD("mov r0, 0\nldxb r0, [r0+0]\nexit\n", "load of 1 bytes at 0x0 by a number");
}

static void test_ranges(void **state)
{
	GOOD("ldxdw r2, [r1+16]\nldxdw r0, [r2+8]\nexit\n", 22);
	GOOD("ldxdw r2, [r1+24]\nstdw [r2+8], 3\nldxdw r0, [r2+8]\nexit\n", 3);
	BAD("ldxdw r2, [r1+16]\nstdw [r2+8], 3\nmov r0, 0\nexit\n", "which is read-only");
	BAD("ldxdw r2, [r1+16]\nldxdw r0, [r2+9]\nexit\n", "insn 1: load of 8 bytes at 0x");
	BAD("ldxdw r2, [r1+16]\nldxb r0, [r2-1]\nexit\n", "by a number, which is no pointer");
}

static void test_ctx(void **state)
{
	GOOD("ldxdw r0, [r1-16]\nexit\n", 0xf00d);
	/* arguments and two slots of a result are there */
	GOOD("ldxdw r0, [r1+40]\nexit\n", 0);
	BAD("ldxdw r2, [r1+0]\nmov r3, r1\nadd r3, r2\nldxdw r0, [r3+48]\nexit\n", "outside ctx");
	BAD("ldxdw r2, [r1+0]\nmov r3, r1\nsub r3, r2\nldxdw r0, [r3-16]\nexit\n", "outside ctx");
	BAD("stxdw [r10-8], r1\nldxdw r2, [r10-8]\nstdw [r2+0], 1\nmov r0, 0\nexit\n",
	    "insn 2: store of 8 bytes at 0x");
	BAD("stxdw [r10-8], r1\nldxdw r2, [r10-8]\nstdw [r2+0], 1\nmov r0, 0\nexit\n",
	    "read-only is ctx");
	good(PROGRAM_PLAIN, "stdw [r1+8], 7\nldxdw r0, [r1+8]\nexit\n", 7);
	bad(PROGRAM_PLAIN, "ldxb r0, [r1+16]\nexit\n", "outside ctx");
	bad(PROGRAM_PLAIN, "stb [r1-1], 0\nmov r0, 0\nexit\n", "outside ctx");
}

/* -- maps ------------------------------------------------------------------------------- */

#define KEY         "stw [r10-4], 0\nmov r2, r10\nadd r2, -4\n"
#define LOOKUP(fd_) KEY "map r1, " #fd_ "\ncall 1\n"

static void test_maps(void **state)
{
	GOOD(LOOKUP(7) "stdw [r0+8], 4\nldxdw r0, [r0+8]\nexit\n", 4);
	GOOD(LOOKUP(9) "ldxdw r0, [r0+0]\nexit\n", 33);
	GOOD("value r1, 10, 0\nldxdw r0, [r1+0]\nexit\n", 0);
	BAD(LOOKUP(7) "ldxdw r0, [r0+16]\nexit\n", "outside the value of map data");
	BAD(LOOKUP(7) "ldxdw r0, [r0-8]\nexit\n", "insn 6: load of 8 bytes at 0x");
	BAD(LOOKUP(9) "ldxdw r0, [r0+8]\nexit\n", "outside the value of map table");
	/* not there: NULL is a number */
	BAD("stw [r10-4], 5\nmov r2, r10\nadd r2, -4\nmap r1, 7\ncall 1\nldxdw r0, [r0+0]\nexit\n",
	    "load of 8 bytes at 0x0 by a number");
	BAD("value r1, 10, 0\nstdw [r1+0], 1\nmov r0, 0\nexit\n",
	    "read-only is the value of map fixed");
	BAD("map r1, 7\nldxdw r0, [r1+0]\nexit\n",
	    "it is a map, whose values bpf_map_lookup_elem()");
	BAD("map r1, 7\nstdw [r1+0], 0\nmov r0, 0\nexit\n", "insn 2: store of 8 bytes at 0x");
	/* a pointer kept in a map is a number when it comes back */
	BAD(LOOKUP(7) "stxdw [r0+0], r10\nldxdw r1, [r0+0]\nldxdw r0, [r1-4]\nexit\n",
	    "by a number");
}

static void test_map_arguments(void **state)
{
	GOOD("mov r2, r10\nadd r2, -4\nmap r1, 7\ncall 1\nmov r0, 0\nexit\n", 0);
	BAD("mov r2, r10\nadd r2, -2\nmap r1, 7\nsth [r10-2], 0\ncall 1\nmov r0, 0\nexit\n",
	    "outside the stack of its function");
	BAD(KEY "mov r1, 0\ncall 1\nmov r0, 0\nexit\n", "insn 4: r1 is not a map");
	BAD(KEY "map r1, 7\nadd r1, 8\ncall 1\nmov r0, 0\nexit\n", "r1 is not a map");
	BAD(KEY "call 1\nmov r0, 0\nexit\n", "insn 3: r1 is not a map");
	BAD(KEY "map r1, 8\ncall 1\nmov r0, 0\nexit\n", "r1 is map events, which is a ring buffer");
	BAD("map r1, 7\ncall 1\nmov r0, 0\nexit\n", UNSET(2, 2));
	/* update: a value of 16 bytes, of which 8 are set */
	GOOD(KEY "stdw [r10-24], 0\nmov r3, r10\nadd r3, -24\nmov r4, 0\nmap r1, 7\ncall 2\n"
		 "exit\n",
	     0);
	GOOD(KEY "stdw [r10-24], 0\nstdw [r10-16], 1\nmov r3, r10\nadd r3, -24\nmov r4, 0\n"
		 "map r1, 7\ncall 2\nexit\n",
	     0);
	BAD(KEY "mov r3, r2\nmap r1, 9\ncall 2\nexit\n", "outside the stack of its function");
	BAD(KEY "stdw [r10-16], 0\nmov r3, r10\nadd r3, -16\nmap r1, 9\ncall 2\nexit\n",
	    "r4 is read");
	GOOD(KEY "map r1, 9\ncall 3\nmov r0, 1\nexit\n", 1);
}

/* -- ring records ------------------------------------------------------------------------ */

#define RESERVE "map r1, 8\nmov r2, 16\nmov r3, 0\ncall 131\nmov r6, r0\n"
#define SUBMIT  "mov r1, r6\nmov r2, 0\ncall 132\n"
#define DISCARD "mov r1, r6\nmov r2, 0\ncall 133\n"

static void test_records(void **state)
{
	GOOD(RESERVE "stdw [r6+0], 1\nstdw [r6+8], 1\n" SUBMIT "mov r0, 3\nexit\n", 3);
	GOOD(RESERVE DISCARD "mov r0, 3\nexit\n", 3);
	BAD(RESERVE "stdw [r6+16], 1\n" SUBMIT "mov r0, 0\nexit\n", "outside the ring record");
	BAD(RESERVE "stdw [r6-8], 1\n" SUBMIT "mov r0, 0\nexit\n", "insn 6: store of 8 bytes");
	BAD(RESERVE SUBMIT "stdw [r6+0], 1\nmov r0, 0\nexit\n", "the ring record was given back");
	BAD(RESERVE SUBMIT SUBMIT "mov r0, 0\nexit\n",
	    "the ring record in r1 was given back before");
	BAD(RESERVE DISCARD SUBMIT "mov r0, 0\nexit\n", "insn 11: the ring record in r1");
	BAD(RESERVE "mov r0, 0\nexit\n",
	    "insn 7: exit with a ring record neither submitted nor discarded");
	BAD(RESERVE "mov r7, r6\nadd r7, 8\nmov r1, r7\nmov r2, 0\ncall 132\nmov r0, 0\nexit\n",
	    "r1 is not a ring record's beginning");
	BAD("mov r1, 0\nmov r2, 0\ncall 132\nmov r0, 0\nexit\n", "insn 2: r1 is not a ring record");
	/* another record does not bring a former one back */
	BAD(RESERVE SUBMIT "mov r7, r6\n" RESERVE "ldxdw r8, [r7+0]\n" SUBMIT "mov r0, 0\nexit\n",
	    "the ring record was given back");
	BAD("map r1, 7\nmov r2, 16\nmov r3, 0\ncall 131\nexit\n",
	    "r1 is map data, which is no ring buffer");
	/* there is no room: NULL, and nothing to give back */
	GOOD("map r1, 8\nmov r2, 65536\nmov r3, 0\ncall 131\nexit\n", 0);
	/* the padding of a struct that is sent */
	GOOD("map r1, 8\nmov r2, r10\nmov r3, 4\nmov r4, 0\nsub r2, 4\ncall 130\nmov r0, 0\nexit\n",
	     0);
}

/* -- other helpers ------------------------------------------------------------------------ */

#define COMM(size_) "mov r1, r10\nadd r1, -16\nmov r2, " #size_ "\ncall 16\n"

static void test_sizes(void **state)
{
	GOOD("stdw [r10-16], 0\n" COMM(16) "ldxdw r1, [r10-8]\nmov r0, 0\nexit\n", 0);
	GOOD(COMM(16) "ldxdw r1, [r10-8]\nmov r0, 0\nexit\n", 0);
	GOOD(COMM(8) "ldxdw r1, [r10-8]\nmov r0, 0\nexit\n", 0);
	/* what is filled is no pointer any more */
	BAD("stxdw [r10-16], r10\n" COMM(16) "ldxdw r1, [r10-16]\nldxdw r0, [r1-8]\nexit\n",
	    "by a number");
	BAD(COMM(17) "mov r0, 0\nexit\n", "insn 3: store of 17 bytes at 0x");
	BAD(COMM(0) "mov r0, 0\nexit\n", "r2 is a size, and 0");
	BAD(COMM(-1) "mov r0, 0\nexit\n", "store of 4294967295 bytes");
	BAD("mov r1, r10\nadd r1, -16\nmov r2, r1\ncall 16\nmov r0, 0\nexit\n",
	    "r2 is a size, and a pointer is in it");
	BAD("value r1, 10, 0\nmov r2, 8\ncall 16\nmov r0, 0\nexit\n",
	    "read-only is the value of map fixed");
	BAD("mov r2, 16\ncall 16\nmov r0, 0\nexit\n", "insn 1: store of 16 bytes at 0x");
	/* bpf_probe_read: any address, any size that there is room for */
	GOOD("mov r1, r10\nadd r1, -8\nmov r2, 8\nmov r3, 1\ncall 4\nldxdw r0, [r10-8]\nexit\n", 0);
	GOOD("mov r1, 0\nmov r2, 0\nmov r3, 1\ncall 4\nmov r0, 5\nexit\n", 5);
	BAD("mov r1, r10\nadd r1, -8\nmov r2, 9\nmov r3, 1\ncall 4\nexit\n",
	    "insn 4: store of 9 bytes at 0x");
}

static void test_context_helpers(void **state)
{
	GOOD("call 173\nexit\n", 0xf00d);
	BAD("mov r1, r10\ncall 173\nexit\n", "insn 1: r1 is not ctx");
	BAD("add r1, 8\ncall 174\nexit\n", "r1 is not ctx");
	GOOD("mov r2, 1\nmov r3, r10\nadd r3, -8\ncall 183\nldxdw r0, [r10-8]\nexit\n", 6);
	BAD("mov r2, 1\nmov r3, r10\nadd r3, -4\ncall 183\nexit\n",
	    "insn 3: store of 8 bytes at 0x");
	BAD("mov r2, 1\nmov r3, 0\ncall 183\nexit\n", "store of 8 bytes at 0x0 by a number");
	/* strings: to their end, and no further */
	GOOD("stdw [r10-8], 0x61\nvalue r3, 10, 0\nmov r1, r10\nadd r1, -8\nmov r2, 1\ncall 182\n"
	     "mov r0, 2\nexit\n",
	     2);
	BAD("sth [r10-2], 0x6161\nmov r1, r10\nadd r1, -2\nmov r3, r1\nmov r2, 1\ncall 182\nexit\n",
	    "insn 5: load of 1 bytes at 0x");
}

static void test_session(void **state)
{
	words[1] = 4 | 1 << 8; /* the cookie: the word before ctx */
	good(PROGRAM_FSESSION, "call kfunc 0x10001\nldxdw r0, [r0+0]\nexit\n", 4 | 1 << 8);
	bad(PROGRAM_FSESSION, "call kfunc 0x10001\nldxdw r0, [r0+8]\nexit\n",
	    "outside the word that the kfunc gave");
	bad(PROGRAM_FSESSION,
	    "mov r6, r1\nmov r1, r10\nstxdw [r10-8], r1\nldxdw r1, [r10-8]\n"
	    "call kfunc 0x10001\nmov r0, 0\nexit\n",
	    "insn 4: r1 is not ctx");
	words[1] = 4;
	bad(PROGRAM_FMOD_RET, "mov r2, r10\nmov r3, 16\nsub r2, 8\ncall kfunc 0x10003\nexit\n",
	    "outside the stack of its function");
}

static void test_fuel(void **state)
{
	struct diag d = { "" };
	uint64_t r0;

	assert_int_equal(run(PROGRAM_FENTRY, "mov r0, 0\nagain: add r0, 1\nja again\n", &r0, &d),
			 -ELOOP);
	assert_non_null(strstr(d.text, "insn 2: out of fuel"));
}

/* -- the table ------------------------------------------------------------------------------ */

/* What a helper has as arguments there it has here, and the other way round. */
static void test_prototypes(void **state)
{
	const struct helper *h;
	unsigned n;

	h = helper_table(&n);
	for (unsigned i = 0; i < n; i++) {
		const struct helper_proto *proto = proto_by_id(h[i].id);
		unsigned args = 0;

		if (!proto)
			fail_msg("bpf_%s has no row in bpf/proto.c", h[i].name);
		while (args < PROTO_ARGS && proto->arg[args] != ARG_NONE)
			args++;
		if (args != h[i].needs)
			fail_msg("bpf_%s: %u arguments, %u in bpf/proto.c", h[i].name, h[i].needs,
				 args);
	}
	assert_non_null(proto_by_id(HELPER_FORMAT_ARGS));
	assert_null(proto_by_id(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_stack),
		cmocka_unit_test(test_stack_of_functions),
		cmocka_unit_test(test_spills),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ctx),
		cmocka_unit_test(test_maps),
		cmocka_unit_test(test_map_arguments),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_context_helpers),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_fuel),
		cmocka_unit_test(test_prototypes),
	};

	return cmocka_run_group_tests(tests, world, end_of_world);
}
