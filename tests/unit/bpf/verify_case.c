/* verify_case.c - see verify_case.h. */
#include "verify_case.h"

#include "verify_run.h"

#include "bpf/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct map *maps[16];
struct verify_count verify_count;

static void add(int fd, uint32_t type, uint32_t key, uint32_t value, uint32_t n, uint32_t flags)
{
	struct map_attr a = { .type = type,
			      .key_size = key,
			      .value_size = value,
			      .max_entries = n,
			      .flags = flags,
			      .name = "m" };
	struct diag d = { "" };
	int err = map_create(arena, &a, &maps[fd], &d);

	if (err)
		fail_msg("map %d: %s", fd, diag_text(&d, err));
}

int verify_setup(void **state)
{
	uint8_t rodata[64];
	uint32_t zero = 0;

	if (arena_create(&arena))
		return -1;
	add(1, BPF_MAP_TYPE_ARRAY, 4, 64, 4, 0);
	add(2, BPF_MAP_TYPE_HASH, 8, 16, 8, 0);
	add(3, BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0);
	add(4, BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_RDONLY_PROG | BPF_F_MMAPABLE);
	add(5, BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_MMAPABLE);
	add(6, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0);
	add(7, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 1, 0);
	add(8, BPF_MAP_TYPE_STACK_TRACE, 4, 8 * 16, 16, 0);
	add(9, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
	add(10, BPF_MAP_TYPE_HASH, 4, 8, 4, BPF_F_WRONLY_PROG);
	for (unsigned i = 0; i < sizeof(rodata); i++)
		rodata[i] = (uint8_t)i;
	memcpy(rodata + 32, "text", 5);
	if (map_update(maps[4], &zero, rodata, 0, 1))
		return -1;
	return map_freeze(maps[4]);
}

/* As at first, which no program sees before it runs: of what the maps hold nothing is known. */
static void reset(void)
{
	struct shm_ring *ring = maps[3]->values, *perf = maps[7]->values;
	uint8_t value[SHM_MAX_THREADS * 8];
	uint64_t key;

	for (unsigned i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i % (maps[6]->attr.value_size * 8));
	for (key = 0; key < 4; key++)
		map_update(maps[1], &key, value, 0, 1);
	while (!map_next_key(maps[2], NULL, &key))
		map_delete(maps[2], &key);
	while (!map_next_key(maps[10], NULL, &key))
		map_delete(maps[10], &key);
	key = 0;
	map_update(maps[2], &key, value, 0, 1);
	map_update(maps[5], &key, value, 0, 1);
	map_update(maps[6], &key, value, 0, 1);
	map_update(maps[10], &key, value, 0, 1);
	ring->consumer.pos = ring->producer.pos = ring->producer.seen = 0;
	if (perf)
		perf->consumer.pos = perf->producer.pos = perf->producer.seen = 0;
}

int verify_teardown(void **state)
{
	if (getenv("UTRAMP_COUNT_CASES"))
		printf("# cases %u\n", verify_count.cases);
	else
		printf("# %u cases: %u accepted, %u of these run, %u for longer than a test can wait\n",
		       verify_count.cases, verify_count.accepted, verify_count.ran,
		       verify_count.endless);
	for (unsigned i = 0; i < ARRAY_LEN(maps); i++)
		map_put(maps[i]);
	arena_destroy(arena);
	return 0;
}

static struct map *by_fd(void *arg, int fd)
{
	return fd > 0 && fd < (int)ARRAY_LEN(maps) ? maps[fd] : NULL;
}

/* -1: the text is none, which *why tells. */
static int attr_of(const struct verify_case *c, struct program_attr *attr, char *why, size_t cap)
{
	static struct bpf_insn insn[MAX_INSNS];
	int n = asmtext_parse(c->text, insn, MAX_INSNS, why, cap);

	*attr = (struct program_attr){ .kind = c->kind,
				       .insn = insn,
				       .nslots = c->ctx ? c->ctx->nslots : PROGRAM_NO_CTX,
				       .arena = arena,
				       .generated = c->generated,
				       .allow_write = c->allow_write,
				       .map_by_fd = by_fd };
	attr->ninsns = n < 0 ? 0 : (uint32_t)n;
	return n < 0 ? -1 : 0;
}

/* They are asked for in their order. */
static const struct verify_func *functions;

static bool told(void *arg, uint32_t insn, struct verify_func *out)
{
	static unsigned next;

	next = insn ? next + 1 : 0;
	*out = functions[next];
	return true;
}

int verify_text(const struct verify_case *c, struct diag *d, struct verify_log *log,
		struct verify_stats *stats, const struct verify_prog *limits)
{
	char why[256];
	struct program *p = NULL;
	struct verify_prog in = limits ? *limits : (struct verify_prog){ .arena = arena };
	struct program_attr attr;
	int err;

	if (attr_of(c, &attr, why, sizeof(why)))
		fail_msg("%s in:\n%s", why, c->text);
	err = program_parse(&attr, &p, d);
	if (err)
		return err;
	in.p = p;
	in.ctx = c->ctx;
	in.generated = c->generated;
	in.arena = arena;
	in.function = c->func ? told : NULL;
	functions = c->func;
	assert_int_equal(verify_take_functions(&in, p), 0);
	err = verify_program(&in, log, stats, d);
	/* whatever is refused, the last line tells what to do about it */
	if (err && err != -ENOMEM &&
	    (!strrchr(d->text, '\n') ||
	     strncmp(strrchr(d->text, '\n'), "\nwhat to change: ", 17) != 0))
		fail_msg("%d without a hint: '%s' of:\n%s", err, d->text, c->text);
	program_put(p);
	return err;
}

/* As the tool makes it: verified, what is never run taken out. */
int verify_load(const struct verify_case *c, struct program **p, struct diag *d)
{
	const struct verify_prog how = { .ctx = c->ctx, .function = c->func ? told : NULL };
	struct program_attr attr;

	functions = c->func;
	if (attr_of(c, &attr, d->text, sizeof(d->text)))
		return -EINVAL;
	map_put(maps[9]); /* which belongs to programs of one kind */
	add(9, BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
	return program_load_verified(&attr, &how, NULL, NULL, p, d);
}

static int not_loaded(const struct verify_case *c, struct diag *d)
{
	struct program *p = NULL;
	int err = verify_load(c, &p, d);

	program_put(p);
	return err;
}

static bool runs(const struct verify_case *c, struct diag *d)
{
	enum verify_ran ran;
	struct program *p;

	if (verify_load(c, &p, d))
		return false;
	ran = verify_run(c, p, arena, reset, d);
	verify_count.ran += ran == VERIFY_RAN;
	verify_count.endless += ran == VERIFY_ENDLESS;
	program_put(p);
	return ran != VERIFY_WRONG;
}

/* As it should be. */
static bool holds(const struct verify_case *c, struct diag *d)
{
	struct verify_stats s = { 0 };
	int err = verify_text(c, d, NULL, &s, NULL);

	if (c->says) {
		err = err ? err : not_loaded(c, d); /* for its stack, for one */
		return err && strstr(d->text, c->says);
	}
	verify_count.accepted++;
	return !err && (c->no_run || runs(c, d));
}

bool verify_one(const struct verify_case *c)
{
	struct diag d = { "" };

	verify_count.cases++;
	if (getenv("UTRAMP_COUNT_CASES") || holds(c, &d))
		return true;
	print_error("%s--> '%s', want '%s'\n\n", c->text, d.text, c->says ? c->says : "accepted");
	return false;
}

void verify_cases(const struct verify_case *c, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++) {
		if (verify_one(&c[i]))
			continue;
		print_error("case %zu\n", i);
		bad++;
	}
	if (bad)
		fail_msg("%u of %zu cases differ", bad, n);
}
