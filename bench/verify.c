/*
 * verify.c - what verifying costs: the families of verify_progs.h.
 *
 * Prints a line each: the family; instructions; processed; states; the most bytes of states; microseconds
 * (the least of TURNS, or of as many as fit into a second); ns for each instruction processed; the verdict.
 *
 * usage: verify [TURNS [PART-OF-A-NAME]]
 */
#include "bpf/verify.h"
#include "bpf/check.h"

#include "verify_progs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct bpf_insn insn[PROGS_MOST];
static struct arena *arena;
static struct map *map;

static struct map *by_fd(void *arg, int fd)
{
	return fd == PROGS_MAP ? map : NULL;
}

static int world(void)
{
	struct map_attr attr = { .type = BPF_MAP_TYPE_ARRAY,
				 .key_size = 4,
				 .value_size = 64,
				 .max_entries = 4,
				 .name = "m" };
	struct diag d = { "" };

	return arena_create(&arena) || map_create(arena, &attr, &map, &d);
}

static const char *verdict_text(int err)
{
	return !err ? "accepted" : err == -E2BIG ? "too complex" : "refused";
}

static int one(const struct progs_family *f, unsigned turns)
{
	struct program_attr attr = { .kind = PROGRAM_FENTRY,
				     .insn = insn,
				     .ninsns = progs_make(f, insn),
				     .arena = arena,
				     .map_by_fd = by_fd,
				     .nslots = 6 };
	struct verify_stats s, least = { .ns = UINT64_MAX };
	struct program *p = NULL;
	struct diag d = { "" };
	uint64_t all = 0;
	int err = program_parse(&attr, &p, &d);

	for (unsigned k = 0; !err && k < turns && all < 1000000000; k++) {
		d.text[0] = '\0';
		verify_program(&(struct verify_prog){ .p = p, .arena = arena }, NULL, &s, &d);
		all += s.ns;
		if (s.ns < least.ns)
			least = s;
	}
	if (err) {
		fprintf(stderr, "verify: %s: %s\n", f->name, d.text);
		return 1;
	}
	printf("%-28s %8u %8llu %7u %10llu %10.1f %8.1f  %s\n", f->name, attr.ninsns,
	       (unsigned long long)least.processed, least.states,
	       (unsigned long long)least.peak_bytes, (double)least.ns / 1e3,
	       (double)least.ns / (double)least.processed, verdict_text(least.verdict));
	if (least.verdict)
		printf("%28s %s\n", "", d.text);
	program_put(p);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned turns = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 10;
	int bad = world();

	printf("%-28s %8s %8s %7s %10s %10s %8s\n", "", "insns", "processed", "states", "bytes",
	       "us", "ns/insn");
	for (const struct progs_family *f = progs_families; f->name && !bad; f++)
		if (argc < 3 || strstr(f->name, argv[2]))
			bad = one(f, turns);
	return bad;
}
