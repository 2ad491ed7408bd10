/*
 * random_test.c [PROGRAMS [FIRST]] - the verifier beside the checked interpreter and the kernel.
 *
 * Each program of gen.h that the verifier accepts is run by the interpreter in checked mode, which
 * follows every pointer (bpf/shadow.h), on random contexts and map contents: what it stops, or what
 * does not end, should have been refused.  Where bpf(2) is allowed the kernel judges the same
 * programs, as raw tracepoints: what we accept and it refuses it must accept in other words that do the
 * same (same.h), or it must be one of the policies below.
 *
 * "SEED only", a second argument: shows that program, both logs and what became of it.
 */
#include "bpf/check.h"
#include "bpf/engine.h"
#include "bpf/insn.h"
#include "bpf/verify.h"

#include "gen.h"
#include "kernel.h"
#include "later.h"
#include "same.h"
#include "world.h"

#include "../unit/bpf/randprog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt/rt.h"

#define RUNS  4
#define INSNS 50000 /* processed: more is too complex, and not compared */
#define FUEL  2000000
#define MORE  400000000 /* of programs whose helpers call functions up to 8,388,608 times each */
#define KINDS 200       /* of messages that are counted */
#define ASKED 1000000   /* the kernel about so many at most: it takes its time to let programs go */

/*
 * What the kernel (6.18) refuses and we need not, by its message.  Where we know ranges better it walks
 * ways that are never taken, and may find fault with anything there: that is believed of programs
 * which have such an instruction.  All of these run 16 times as often in checked mode.
 */
static const struct {
	const char *message, *why;
} policies[] = {
	{ "invalid size of register fill", "a piece of a kept pointer reads as a number" },
	{ "subtraction from stack pointer", "an index that is subtracted is as well known" },
	{ "variable offset stack pointer cannot be passed", "all bytes in reach count as filled" },
	{ "off=0 size=0", "a helper that is given no bytes fills none" },
	{ "type=scalar expected=fp, pkt", "a helper that is given no bytes fills none" },
	{ "type=ctx expected=fp, pkt", "a helper that is given no bytes fills none" },
	{ "same insn cannot be used with different pointers", "loads of all kinds are one code" },
};

struct message {
	char text[160];
	unsigned n;
	uint64_t seed; /* of the first */
};

struct table {
	struct message message[KINDS];
	unsigned n;
};

static struct {
	unsigned asked, both_accept, both_refuse, we_refuse, it_refuses, explained, violations,
		not_loaded, complex, too_long;
	unsigned accepted, refused;
	struct table refusals, strict, known, suspect, bad;
} result;

static struct engine_env env;
static struct bpf_insn insn[GEN_MAX_INSNS];
static int ninsns;

/* Counts a message, with its numbers left out. */
static void count(struct table *t, const char *text, uint64_t seed)
{
	struct message m = { .n = 1, .seed = seed };
	unsigned to = 0;

	while (*text && to < sizeof(m.text) - 1) {
		size_t digits = !strncmp(text, "0x", 2) ? 2 + strspn(text + 2, "0123456789abcdef") :
							  strspn(text, "0123456789");

		m.text[to++] = digits ? 'N' : *text == '\n' ? ' ' : *text;
		text += digits ? digits : 1;
	}
	for (unsigned k = 0; k < t->n; k++)
		if (!strcmp(t->message[k].text, m.text)) {
			t->message[k].n++;
			return;
		}
	if (t->n < KINDS)
		t->message[t->n++] = m;
}

static int by_number(const void *a, const void *b)
{
	unsigned x = ((const struct message *)a)->n, y = ((const struct message *)b)->n;

	return (x < y) - (x > y);
}

static void show(const char *what, struct table *t, unsigned most)
{
	qsort(t->message, t->n, sizeof(t->message[0]), by_number);
	if (t->n)
		printf("# %s:\n", what);
	for (unsigned k = 0; k < t->n && k < most; k++)
		printf("# %8u %s (program %lu)\n", t->message[k].n, t->message[k].text,
		       (unsigned long)t->message[k].seed);
}

static void world(void)
{
	world_make();
	engine_env_native(world_arena, &env);
	rt_state.arena = env.arena;
	rt_state.tls_off = rt_tls_offset();
}

/* 0: accepted. */
static int judge(struct verify_log *log, struct diag *d)
{
	struct program_attr attr = world_attr(insn, ninsns);
	struct program *p = NULL;
	int err = program_parse(&attr, &p, d);

	if (err)
		return err;
	err = verify_program(
		&(struct verify_prog){ .p = p, .arena = world_arena, .ctx = &world_ctx }, log, NULL,
		d);
	program_put(p);
	return err;
}

/* Random values, and of the hash random keys; the ring is empty, or as the last run left it. */
static void fill_maps(struct rand *r)
{
	uint64_t value[GEN_VALUE_BYTES / 8];
	struct shm_ring *ring = world_map[GEN_RING]->values;

	for (uint32_t key = 0; key < GEN_ENTRIES; key++) {
		for (unsigned k = 0; k < GEN_VALUE_BYTES / 8; k++)
			value[k] = rand_value(r);
		map_update(world_map[GEN_ARRAY], &key, value, 0, 1);
		if (rand_below(r, 2))
			map_delete(world_map[GEN_HASH], &key);
		else
			map_update(world_map[GEN_HASH], &key, value, 0, 1);
	}
	if (rand_below(r, 4))
		ring->consumer.pos = ring->producer.pos;
}

/* Nested, they take longer than anybody waits, and end nevertheless. */
static bool calls_back(void)
{
	for (int i = 0; i < ninsns; i++)
		if (insn_is_call(&insn[i]) && insn[i].src_reg == CALL_HELPER &&
		    insn[i].imm == BPF_FUNC_loop)
			return true;
	return false;
}

static int run_once(const struct program *p, struct rand *r, uint64_t fuel, struct diag *d)
{
	const struct interp_opts o = { .checked = true, .fuel = fuel };
	uint64_t words[2 + GEN_SLOTS], r0;

	for (unsigned w = 0; w < 2 + GEN_SLOTS; w++)
		words[w] = rand_value(r);
	words[1] = GEN_SLOTS; /* ctx[-1]: how many there are */
	fill_maps(r);
	return interp_run(p, &env, (uint64_t)(uintptr_t)(words + 2), 0, &o, &r0, d);
}

/* NULL: nothing was wrong with it. */
static const char *run(uint64_t seed, unsigned runs)
{
	static struct diag d;
	struct program_attr attr = world_attr(insn, ninsns);
	const struct verify_prog how = { .ctx = &world_ctx };
	struct rand r = { .s = seed ^ 0x5555555555555555 };
	struct program *p = NULL;
	int err = 0;

	d.text[0] = '\0';
	if (program_load_verified(&attr, &how, NULL, NULL, &p, &d)) {
		count(&result.refusals, d.text, seed);
		result.not_loaded++;
		return NULL;
	}
	for (unsigned k = 0; k < runs && !err; k++) {
		struct rand again = r;

		err = run_once(p, &r, FUEL, &d);
		if (err != -ELOOP || !calls_back())
			continue;
		err = run_once(p, &again, MORE, &d);
		result.too_long += err == -ELOOP;
		err = err == -ELOOP ? 0 : err;
	}
	program_put(p);
	return err ? diag_text(&d, err) : NULL;
}

static void dump(void)
{
	for (int i = 0; i < ninsns;) {
		char text[96];
		int at = i;

		i += (int)program_format_insn(&insn[i], text, sizeof(text));
		printf("# %4d %s\n", at, text);
	}
}

/* The last line of what the verifier says of why, without the place. */
static const char *reason_of(const struct diag *d)
{
	const char *colon = strstr(d->text, ": ");

	return !strncmp(d->text, "insn ", 5) && colon ? colon + 2 : d->text;
}

/* Quotients and rests: nothing is known of them there. */
static bool divides(const struct bpf_insn *i)
{
	return insn_is_alu(i) && (BPF_OP(i->code) == BPF_DIV || BPF_OP(i->code) == BPF_MOD);
}

/* r1 == r1, r1 - r1: what both are is not seen. */
static bool has_same(const struct bpf_insn *i)
{
	bool moves = insn_is_alu(i) && BPF_OP(i->code) == BPF_MOV;

	return (insn_is_alu(i) || insn_is_branch(i)) && BPF_SRC(i->code) == BPF_X && !moves &&
	       i->src_reg == i->dst_reg;
}

/* By a register, which may say more than the width: there any number is the result, here what RFC 9669 says. */
static bool shifts(const struct bpf_insn *i)
{
	unsigned op = BPF_OP(i->code);

	return insn_is_alu(i) && BPF_SRC(i->code) == BPF_X &&
	       (op == BPF_LSH || op == BPF_RSH || op == BPF_ARSH);
}

/* A kept pointer is one there still. */
static bool fetches(const struct bpf_insn *i)
{
	return insn_is_atomic(i) && i->imm & BPF_FETCH;
}

/* x ^ 1, x | 1 with x >= 64: bounds and bits, which say more together, are not brought together there. */
static bool sets_bits(const struct bpf_insn *i)
{
	return insn_is_alu(i) && (BPF_OP(i->code) == BPF_XOR || BPF_OP(i->code) == BPF_OR);
}

/*
 * x & 0x3c, if (x & 0x3c): the same, by bits that are known to be 0 between others.  A register that x is
 * masked with may hold such a number.
 */
static bool takes_bits(const struct bpf_insn *i)
{
	bool by_reg = BPF_SRC(i->code) == BPF_X;

	if (insn_is_branch(i))
		return BPF_OP(i->code) == BPF_JSET;
	return insn_is_alu(i) && BPF_OP(i->code) == BPF_AND && (by_reg || i->imm & (i->imm + 1));
}

static bool is_kept(const struct bpf_insn *i, unsigned size)
{
	bool stores = BPF_CLASS(i->code) == BPF_ST && BPF_MODE(i->code) == BPF_MEM;

	return stores && i->dst_reg == INSN_FP && BPF_SIZE(i->code) == size;
}

/*
 * *(u64 *)(r10 - 64) = 0; *(u32 *)(r10 - 64) = 0: of a word that was stored as one and is then written to in
 * part, nothing is known there of the rest; here zeroes are zeroes byte by byte.  i is one of insn[].
 */
static bool leaves_zeroes(const struct bpf_insn *i)
{
	bool part = is_kept(i, BPF_W) || is_kept(i, BPF_H) || is_kept(i, BPF_B);

	for (const struct bpf_insn *k = insn; part && k < i; k++)
		if (is_kept(k, BPF_DW) && !k->imm && k->off == (i->off & -8))
			return true;
	return false;
}

/*
 * A counter in a word of the stack that nothing filled: there a state without that word is the same as one with
 * a number in it, and the second time around is a loop without end (6.18.44: "infinite loop detected", whose last
 * line is the old state).  i is one of insn[].
 */
static bool reads_unfilled(const struct bpf_insn *i)
{
	if (BPF_CLASS(i->code) != BPF_LDX || i->src_reg != INSN_FP)
		return false;
	for (const struct bpf_insn *k = insn; k < i; k++)
		if ((BPF_CLASS(k->code) == BPF_ST || BPF_CLASS(k->code) == BPF_STX) &&
		    k->dst_reg == INSN_FP && (k->off & -8) == (i->off & -8))
			return false;
	return true;
}

static bool makes_multiple(const struct bpf_insn *i)
{
	return later_multiple(insn, ninsns, i);
}

static bool goes_below(const struct bpf_insn *i)
{
	return later_offset(insn, ninsns, i);
}

static bool has_one_end(const struct bpf_insn *i)
{
	return later_moved(insn, ninsns, i) || later_unsigned(insn, ninsns, i);
}

static const struct {
	bool (*is)(const struct bpf_insn *i);
	const char *why, *message; /* of no other message; NULL: of all */
} instructions[] = {
	{ goes_below, "it wants no number below 0, though the offset makes up for it",
	  "unbounded memory access, make sure" },
	{ reads_unfilled, "a word that nothing filled is the same as any to its search for loops",
	  "old state: " },
	{ divides, "it knows nothing of quotients and rests" },
	{ has_same, "it does not see that both operands are one register" },
	{ shifts, "it knows nothing of shifts by more than the width" },
	{ sets_bits, "it does not bring bits and bounds together" },
	{ takes_bits, "it does not bring bits and bounds together" },
	{ fetches, "what an atomic instruction fetches is a number" },
	{ leaves_zeroes, "it forgets what is left of a word of zeroes that is written to in part" },
	{ makes_multiple, "it does not bring bits and bounds together" },
	{ has_one_end, "it forgets a bound with sign that is moved, or joined by one without" },
};

/*
 * probe_read_kernel(p - 64, 0, x): of no bytes it is all the same where they are.  The line before says how many
 * were asked for; of a number of bytes from 0 on that is the first of two questions, and of the second, of the
 * largest, we have our own opinion: the 64 runs in checked mode that follow are on all of these numbers.
 */
static bool no_bytes(const char *message)
{
	const char *size = strstr(kernel_before(), " size=0");

	return strstr(message, "value is outside of the allowed memory range") && size && !size[7];
}

static bool is_about(const char *message, const char *only)
{
	return !only || strstr(message, only);
}

/* NULL: the kernel refuses it in all of them, too. */
static const char *in_other_words(void)
{
	static struct bpf_insn same[SAME_MAX_INSNS];
	static int start[GEN_MAX_INSNS];

	for (unsigned way = 0; way < SAME_WAYS; way++) {
		int n = same_program(way, insn, ninsns, same, start);

		if (n && kernel_accepts(same, n))
			return same_why(way);
	}
	return NULL;
}

/* NULL: none of ours. */
static const char *policy(const char *message)
{
	const char *proven = in_other_words();

	if (proven)
		return proven;
	if (strstr(message, "math between") && !strstr(message, "unbounded min"))
		return "a distance that is too far is refused where it is used";
	for (unsigned k = 0; k < sizeof(policies) / sizeof(policies[0]); k++)
		if (strstr(message, policies[k].message))
			return policies[k].why;
	if (no_bytes(message))
		return "a helper that is given no bytes touches none";
	for (unsigned k = 0; k < sizeof(instructions) / sizeof(instructions[0]); k++)
		for (int i = 0; i < ninsns && is_about(message, instructions[k].message); i++)
			if (instructions[k].is(&insn[i]))
				return instructions[k].why;
	return NULL;
}

static void suspect(uint64_t seed, const char *message)
{
	const char *why = policy(message), *stopped;

	result.it_refuses++;
	result.explained += !!why;
	count(why ? &result.known : &result.suspect, why ? why : message, seed);
	if (!why)
		printf("# program %lu: no policy explains: %.*s\n", (unsigned long)seed,
		       (int)strcspn(message, "\n"), message);
	stopped = run(seed, 16 * RUNS);
	if (stopped)
		count(&result.bad, stopped, seed);
	result.violations += !!stopped;
}

static void compare(uint64_t seed, int err, const struct diag *d)
{
	bool accepts = kernel_accepts(insn, ninsns);
	/* its log is long in coming, and seldom asked for */
	const char *theirs = err || accepts ? NULL : kernel_refuses(insn, ninsns);

	if (theirs) {
		suspect(seed, theirs);
	} else if (!err) {
		result.both_accept++;
	} else if (accepts) {
		result.we_refuse++;
		count(&result.strict, reason_of(d), seed);
	} else {
		result.both_refuse++;
	}
}

static void take_out_later(struct bpf_insn *in)
{
	if (reads_unfilled(in)) {
		*in = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K,
					 .dst_reg = in->dst_reg };
	} else if (makes_multiple(in)) {
		in->code = (uint8_t)(BPF_CLASS(in->code) | BPF_K | BPF_MUL);
		in->imm |= 1;
	} else if (goes_below(in)) {
		in->code = (uint8_t)(BPF_CLASS(in->code) | BPF_K | BPF_ADD);
		in->imm = 1;
	} else if (has_one_end(in) && insn_is_alu(in)) {
		*in = (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K,
					 .dst_reg = in->dst_reg,
					 .imm = 1 };
	} else if (has_one_end(in)) {
		/* JSGT and JSGE are 0x40 above JGT and JGE, JSLT and JSLE 0x20 above JLT and JLE (RFC 9669, 4.3) */
		in->code = (uint8_t)(in->code - (BPF_OP(in->code) < BPF_JLT ? 0x40 : 0x20));
	}
}

/*
 * Every second program goes without what the kernel knows little of, so that nothing is explained by that:
 * sums for quotients, masks for rests and for bits that are set, shifts by a constant, odd factors, nothing that
 * is subtracted before an offset, and no sign where one end of a range would be lost.
 */
static void make_program(uint64_t seed)
{
	ninsns = gen_program(seed, insn);
	for (int i = 0; seed % 2 && i < ninsns; i++) {
		struct bpf_insn *in = &insn[i];
		unsigned op = BPF_OP(in->code);
		uint8_t kind = in->code & 0x0f;

		if (divides(in)) {
			in->code = kind | (op == BPF_DIV ? BPF_ADD : BPF_AND);
			in->off = 0;
		} else if (sets_bits(in)) {
			in->code = kind | BPF_AND;
		} else if (takes_bits(in)) {
			if (insn_is_alu(in))
				*in = (struct bpf_insn){ .code = kind | BPF_AND,
							 .dst_reg = in->dst_reg,
							 .imm = 7 };
			else
				in->code = (uint8_t)(BPF_JEQ | kind);
		} else if (shifts(in)) {
			in->code = (uint8_t)(op | BPF_CLASS(in->code) | BPF_K);
			in->src_reg = 0;
			in->imm = 3;
		}
	}
	for (int i = ninsns; seed % 2 && i--;) /* backwards: what is later is as it stays */
		take_out_later(&insn[i]);
}

/* The kernel wants types of functions whose addresses are taken, and is given none. */
static bool has_callback(void)
{
	for (int i = 0; i < ninsns; i++)
		if (insn_is_func(&insn[i]))
			return true;
	return false;
}

static void one(uint64_t seed, bool kernel)
{
	struct diag d = { "" };
	const char *what;
	int err;

	make_program(seed);
	err = judge(NULL, &d);
	result.accepted += !err;
	result.refused += !!err;
	what = err ? NULL : run(seed, RUNS);
	if (what) {
		result.violations++;
		count(&result.bad, what, seed);
	}
	if (!kernel || has_callback())
		return;
	result.asked++;
	if (err == -E2BIG)
		result.complex++;
	else
		compare(seed, err, &d);
}

static int only(uint64_t seed, bool kernel)
{
	struct verify_log log = { .level = 2 };
	struct diag d = { "" };
	const char *what;
	int err;

	make_program(seed);
	dump();
	err = judge(&log, &d);
	printf("%s\nwe: %s\n", log.text ? log.text : "", err ? d.text : "accepted");
	what = err ? NULL : run(seed, RUNS);
	printf("run: %s\n", what ? what : err ? "no" : "right");
	what = kernel ? kernel_refuses(insn, ninsns) : "not asked";
	printf("kernel: %s\n", what ? what : "accepts");
	printf("%s\n", what && kernel ? kernel_log(insn, ninsns) : "");
	verify_log_free(&log);
	return 0;
}

static unsigned report(unsigned programs, bool kernel, const char *why)
{
	unsigned suspects = result.it_refuses - result.explained, bad = 0;
	unsigned agree = result.both_accept + result.both_refuse;
	unsigned judged = result.asked - result.complex;

	printf("TAP version 13\n1..4\n");
	printf("# %u programs: %u accepted, %u refused\n", programs, result.accepted,
	       result.refused);
	if (result.too_long)
		printf("# %u runs of nested bpf_loop() were not waited for\n", result.too_long);
	show("accepted, and stopped in checked mode", &result.bad, 20);
	show("accepted, and not loaded", &result.refusals, 10);
	bad += result.violations > 0;
	printf("%sok 1 - what is accepted runs without a violation\n",
	       result.violations ? "not " : "");
	/* else the generator makes nothing that is worth a judgement */
	bad += result.accepted < programs / 5 || result.refused < programs / 5;
	printf("%sok 2 - a fifth at least is accepted, and refused\n",
	       result.accepted < programs / 5 || result.refused < programs / 5 ? "not " : "");
	if (!kernel) {
		printf("ok 3 # SKIP bpf(2): %s\nok 4 # SKIP bpf(2): %s\n", why, why);
		return bad;
	}
	printf("# both accept %u, both refuse %u, we refuse only %u, the kernel only %u (explained: %u)\n",
	       result.both_accept, result.both_refuse, result.we_refuse, result.it_refuses,
	       result.explained);
	show("the kernel refuses, we accept, for", &result.known, 20);
	show("the kernel refuses, we accept, for no reason that we know", &result.suspect, 20);
	bad += suspects > 0;
	printf("%sok 3 - what the kernel alone refuses is policy\n", suspects ? "not " : "");
	show("we refuse, the kernel accepts", &result.strict, 20);
	bad += agree < judged / 100.0 * 95;
	printf("%sok 4 - %.2f %% of verdicts agree\n", agree < judged / 100.0 * 95 ? "not " : "",
	       100.0 * agree / judged);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned programs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 3000;
	uint64_t first = argc > 2 && strcmp(argv[2], "only") ? strtoull(argv[2], NULL, 0) : 1;
	const char *why = "";
	bool kernel = kernel_open(&why);

	setvbuf(stdout, NULL, _IOLBF, 0); /* a program is named when it is found */
	world();
	if (argc > 2 && !strcmp(argv[2], "only"))
		return only(programs, kernel);
	for (unsigned k = 0; k < programs; k++)
		one(first + k, kernel && k % (1 + (programs - 1) / ASKED) == 0);
	return report(programs, kernel, why) != 0;
}
