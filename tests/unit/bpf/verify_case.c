/* verify_case.c - see verify_case.h. */
#include "verify_case.h"

#include "bpf/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct map *maps[16];

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

int verify_teardown(void **state)
{
	for (unsigned i = 0; i < ARRAY_LEN(maps); i++)
		map_put(maps[i]);
	arena_destroy(arena);
	return 0;
}

static struct map *by_fd(void *arg, int fd)
{
	return fd > 0 && fd < (int)ARRAY_LEN(maps) ? maps[fd] : NULL;
}

int verify_text(const struct verify_case *c, struct diag *d, struct verify_log *log,
		struct verify_stats *stats, const struct verify_prog *limits)
{
	static struct bpf_insn insn[MAX_INSNS];
	char why[256];
	struct program *p = NULL;
	struct verify_prog in = limits ? *limits : (struct verify_prog){ .arena = arena };
	int err, n = asmtext_parse(c->text, insn, MAX_INSNS, why, sizeof(why));
	struct program_attr attr = { .kind = c->kind,
				     .insn = insn,
				     .nslots = c->ctx ? c->ctx->nslots : PROGRAM_NO_CTX,
				     .arena = arena,
				     .generated = c->generated,
				     .map_by_fd = by_fd };

	if (n < 0)
		fail_msg("%s in:\n%s", why, c->text);
	attr.ninsns = (uint32_t)n;
	err = program_parse(&attr, &p, d);
	if (err)
		return err;
	in.p = p;
	in.ctx = c->ctx;
	in.generated = c->generated;
	in.arena = arena;
	err = verify_program(&in, log, stats, d);
	program_put(p);
	return err;
}

void verify_cases(const struct verify_case *c, size_t n)
{
	unsigned bad = 0;

	for (size_t i = 0; i < n; i++) {
		struct diag d = { "" };
		struct verify_stats s = { 0 };
		int err = verify_text(&c[i], &d, NULL, &s, NULL);

		if (c[i].says ? err && strstr(d.text, c[i].says) : !err)
			continue;
		print_error("case %zu:\n%s--> %d '%s', want '%s'\n\n", i, c[i].text, err, d.text,
			    c[i].says ? c[i].says : "accepted");
		bad++;
	}
	if (bad)
		fail_msg("%u of %zu cases differ", bad, n);
}
